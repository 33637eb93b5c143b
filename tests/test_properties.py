"""What holds of every scan, tried on the example city: evidence that is lost never makes anything lawful.

The city is loaded once by the functions of the command; each example takes something away from what its sources said,
says so in the coverage, and judges again.
"""

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from effort import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from lost_rows import kind_of, rejected, words

from checks.judge import judge
from checks.policy import Policy
from collectors.collector import collect
from collectors.ledger_source import ledger_collectors
from commands.clock import capture_clock
from inventory import capture_file
from inventory import settings as config
from inventory.build import build
from inventory.collection import Collection
from inventory.coverage import CellResult, CellState
from inventory.finding import Finding, Verdict
from inventory.guard import Guard
from inventory.records import Record
from inventory.scan import ScanOptions
from inventory.text import msg

CONFIG = Path(__file__).parents[1] / "examples" / "yunze" / "yunhe.toml"
CHOSEN = config.load(CONFIG)
OPTIONS = ScanOptions(
    city=CHOSEN.city.name,
    filing_regions=CHOSEN.city.filing_regions,
    platform=CHOSEN.platform,
    policy=CHOSEN.policy,
    ownership=CHOSEN.ownership,
    zones=CHOSEN.zone,
    fresh_hours=CHOSEN.scan.fresh_hours,
)
CAPTURES = [capture_file.read(config.resolve(CONFIG.parent, c.path)) for c in CHOSEN.capture]
CLOCK = capture_clock(CHOSEN, CAPTURES)
assert CLOCK is not None
AS_OF = CLOCK


def _load() -> Collection:
    guard = Guard(config.do_not_scan_entries(CHOSEN, CONFIG.parent))
    ledgers = [c for entry in CHOSEN.ledger for c in ledger_collectors(entry, base=CONFIG.parent, clock=lambda: AS_OF)]
    collection = collect(ledgers, guard=guard, clock=lambda: AS_OF)
    for taken in CAPTURES:
        collection.merge(taken)
    return collection.guarded(guard)


def judged(collection: Collection) -> dict[str, Finding]:
    inventory = build(collection, OPTIONS, as_of=AS_OF)
    return {f.key: f for f in judge(inventory, Policy.from_options(OPTIONS))}


CITY = _load()
BEFORE = judged(CITY)
SOURCES = sorted(s.name for s in CITY.sources)
KINDS = sorted({(c.cell.source, c.cell.kind) for c in CITY.cells})


def lost(is_lost: Callable[[Record], bool], is_broken: Callable[[CellResult], bool], state: CellState) -> Collection:
    """The city without these records, their cells ended otherwise."""
    broken = [
        msgspec.structs.replace(c, state=state, reason=msg("the connection was reset")) if is_broken(c) else c
        for c in CITY.cells
    ]
    return replace(CITY, records=[r for r in CITY.records if not is_lost(r)], cells=broken)


SAID = tuple(v for v in Verdict if v is not Verdict.UNKNOWN)


def turned(after: dict[str, Finding], verdict: Verdict) -> list[tuple[str, str]]:
    """Findings that have this verdict now and had not before."""
    return [
        (key, str(f.reason))
        for key, f in after.items()
        if f.verdict is verdict and (key not in BEFORE or BEFORE[key].verdict is not verdict)
    ]


@pytest.mark.parametrize("state", [CellState.FAILED, CellState.SKIPPED])
@pytest.mark.parametrize("source", SOURCES)
def test_a_source_that_is_lost_makes_nothing_but_unknown(source: str, state: CellState) -> None:
    """Neither lawful nor a breach, and no exemption: all of them take evidence, and evidence was taken away."""
    after = judged(lost(lambda r: r.source == source, lambda c: c.cell.source == source, state))

    for verdict in SAID:
        assert turned(after, verdict) == []


@given(st.sets(st.sampled_from(KINDS), min_size=1, max_size=4), st.sampled_from([0.05, 0.3, 1.0]), st.integers())
@settings(max_examples=examples(60), deadline=None, derandomize=True)
def test_a_listing_that_is_cut_short_makes_nothing_but_unknown(
    kinds: set[tuple[str, str]], share: float, seed: int
) -> None:
    """Half a listing is never a whole one, whichever half it is and however many are cut at once."""
    chance = random.Random(seed)  # noqa: S311 - a sample, not a secret

    after = judged(
        lost(
            lambda r: kind_of(r) in kinds and chance.random() < share,
            lambda c: (c.cell.source, c.cell.kind) in kinds,
            CellState.PARTIAL,
        )
    )

    for verdict in SAID:
        assert turned(after, verdict) == []


ROWS = [r for r in CITY.records if r.source.startswith("ledger:") and words(r)]


@given(st.sampled_from(sorted({r.kind for r in ROWS})), st.integers(1, 12), st.integers())
@settings(max_examples=examples(60), deadline=None, derandomize=True)
def test_rows_that_could_not_be_used_make_nothing_but_unknown(kind: str, count: int, seed: int) -> None:
    """The ledger is whole for all whom its lost rows do not speak of: for those of whom they do, it is not."""
    chance = random.Random(seed)  # noqa: S311 - a sample, not a secret
    rows = [r for r in ROWS if r.kind == kind]

    after = judged(rejected(CITY, chance.sample(rows, min(count, len(rows)))))

    for verdict in SAID:
        assert turned(after, verdict) == []


@given(st.integers())
@settings(max_examples=examples(20), deadline=None, derandomize=True)
def test_the_order_in_which_sources_answer_changes_no_byte(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - an order, not a secret

    def shuffled(things: list[object]) -> list[object]:
        return chance.sample(things, len(things))

    other = replace(
        CITY,
        sources=shuffled([*CITY.sources]),
        records=shuffled([*CITY.records]),
        cells=shuffled([*CITY.cells]),
        rejections=shuffled([*CITY.rejections]),
    )
    encoder = msgspec.json.Encoder(order="sorted")

    assert encoder.encode(list(judged(other).values())) == encoder.encode(list(BEFORE.values()))


@given(st.sampled_from(SOURCES))
@settings(max_examples=len(SOURCES), deadline=None, derandomize=True)
def test_reading_a_source_twice_says_the_same_as_reading_it_once(source: str) -> None:
    """The same capture given twice, or beside the scan that it came from."""
    again = Collection(
        taken_at=CITY.taken_at,
        sources=[s for s in CITY.sources if s.name == source],
        records=[r for r in CITY.records if r.source == source],
        cells=[c for c in CITY.cells if c.cell.source == source],
    )
    both = replace(CITY, sources=[*CITY.sources], records=[*CITY.records], cells=[*CITY.cells], raws={**CITY.raws})
    both.merge(again)

    assert judged(both) == BEFORE
