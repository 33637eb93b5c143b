"""Two hundred random cities: what is planted is found by every check, and nothing else is.

The generator knows nothing of the checks; where the two disagree, one of them has misread the law.
"""

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from functools import cache

import msgspec
import pytest
from lost_rows import kind_of, rejected, words
from random_city import NIGHT, City, random_city

from checks.catalogue import CATALOGUE
from checks.judge import judge
from checks.policy import Policy
from checks.regulation import load_pack
from inventory.build import build
from inventory.collection import Collection
from inventory.coverage import CellState
from inventory.finding import Finding, Verdict
from inventory.scan import ScanOptions
from inventory.text import msg

pytestmark = pytest.mark.thorough

CITIES = 200
CHECKED = sorted({c.id for c in CATALOGUE} - {"14-cross-check"})
"""14-cross-check says only what is unknown, and nothing unknown is planted here."""


@cache
def scanned(seed: int) -> tuple[City, tuple[Finding, ...]]:
    city = random_city(seed)
    inventory = build(city.collection(random.Random(seed)), ScanOptions(city="随机市"), as_of=NIGHT)  # noqa: S311
    return city, judge(inventory, Policy(pack=load_pack(), city="随机市"))


def key_of(finding: Finding) -> str:
    """A host's id is one of the two byte orders of its UUID: its name is what both sides know."""
    subject = finding.subject
    return f"host/{subject.name}" if subject.kind == "host" else subject.key


@pytest.mark.parametrize("check", CHECKED)
def test_precision_and_recall_are_one(check: str) -> None:
    for seed in range(CITIES):
        city, findings = scanned(seed)
        told = [(key_of(f), f.verdict) for f in findings if f.check == check]
        found = {key for key, v in told if v is Verdict.FAIL}, {key for key, v in told if v is Verdict.ADVISORY}
        truth = {s for c, s in city.fails if c == check}, {s for c, s in city.advisories if c == check}
        assert found == truth, f"city {seed}"


def test_each_kind_that_can_be_planted_occurs() -> None:
    """Else a perfect score would be one over nothing."""
    planted = sum((scanned(seed)[0].planted for seed in range(CITIES)), Counter())
    truth = {check for seed in range(CITIES) for check, _ in (*scanned(seed)[0].fails, *scanned(seed)[0].advisories)}

    assert min(planted.values()) >= 10, planted
    assert truth == set(CHECKED)


def turned(before: Iterable[Finding], after: Iterable[Finding]) -> list[tuple[str, str]]:
    """Findings with another verdict than before, and what they say now; `unknown` is none."""
    verdicts = {f.key: f.verdict for f in before}
    return [
        (f.key, f.verdict.value)
        for f in after
        if f.verdict is not Verdict.UNKNOWN and f.verdict is not verdicts.get(f.key)
    ]


def judged(collection: Collection) -> tuple[Finding, ...]:
    inventory = build(collection, ScanOptions(city="随机市"), as_of=NIGHT)
    return judge(inventory, Policy(pack=load_pack(), city="随机市"))


@pytest.mark.parametrize("seed", range(0, CITIES, 4))
def test_what_was_not_read_makes_nothing_but_unknown(seed: int) -> None:
    """Neither lawful, nor a breach, nor exempt: whatever part of whatever listing is lost."""
    city, findings = scanned(seed)
    whole = city.collection(random.Random(seed))  # noqa: S311
    for share in (0.1, 0.4, 1.0):
        chance = random.Random(f"{seed} {share}")  # noqa: S311
        kinds = set(chance.sample(sorted({(c.cell.source, c.cell.kind) for c in whole.cells}), chance.choice((1, 2))))
        cells = [
            msgspec.structs.replace(c, state=CellState.PARTIAL, reason=msg("reset"))
            if (c.cell.source, c.cell.kind) in kinds
            else c
            for c in whole.cells
        ]
        records = [r for r in whole.records if kind_of(r) not in kinds or chance.random() >= share]

        assert turned(findings, judged(replace(whole, records=records, cells=cells))) == [], kinds


@pytest.mark.parametrize("seed", range(0, CITIES, 4))
def test_a_row_that_could_not_be_used_makes_nothing_but_unknown(seed: int) -> None:
    """The ledger is whole for all whom its lost rows do not speak of: for those of whom they do, it is not."""
    city, findings = scanned(seed)
    whole = city.collection(random.Random(seed))  # noqa: S311
    rows = [r for r in whole.records if r.source.startswith("ledger:") and words(r)]
    for count in (1, 1, 2, 3):
        lost = random.Random(f"{seed} {count}").sample(rows, count)  # noqa: S311

        after = judged(rejected(whole, lost))

        assert turned(findings, after) == [], [(r.kind, words(r)) for r in lost]


@pytest.mark.parametrize("seed", range(0, CITIES, 10))
def test_the_order_of_what_was_read_leaves_no_trace(seed: int) -> None:
    city, findings = scanned(seed)

    again = build(city.collection(random.Random(seed + 1)), ScanOptions(city="随机市"), as_of=NIGHT)  # noqa: S311

    assert judge(again, Policy(pack=load_pack(), city="随机市")) == findings
