"""Two hundred random cities: what is planted is found by every check, and nothing else is.

The generator knows nothing of the checks; where the two disagree, one of them has misread the law.
"""

import random
from collections import Counter
from functools import cache

import pytest
from random_city import NIGHT, City, random_city

from checks.catalogue import CATALOGUE
from checks.judge import judge
from checks.policy import Policy
from checks.regulation import load_pack
from inventory.build import build
from inventory.finding import Finding, Verdict
from inventory.scan import ScanOptions

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


@pytest.mark.parametrize("seed", range(0, CITIES, 10))
def test_the_order_of_what_was_read_leaves_no_trace(seed: int) -> None:
    city, findings = scanned(seed)

    again = build(city.collection(random.Random(seed + 1)), ScanOptions(city="随机市"), as_of=NIGHT)  # noqa: S311

    assert judge(again, Policy(pack=load_pack(), city="随机市")) == findings
