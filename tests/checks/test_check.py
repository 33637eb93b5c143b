"""The rules of the runner on absence."""

from pathlib import Path

import builders as b
import pytest
from verdicts import english, verdict_on

import collectors.collector
from checks import standalone_compute
from checks.check import ROWS_REJECTED, absence_gaps, distinct
from inventory.coverage import Cell, CellResult, CellState, Coverage
from inventory.text import Message, msg


def ledger(reason: Message, *touches: tuple[str, ...], sheet: str = "一") -> Coverage:
    result = CellResult(
        cell=Cell(source=b.REGISTER, scope=sheet, kind="mlps_filing"), state=CellState.PARTIAL, seen=9, reason=reason
    )
    return b.coverage(result, rejections=[b.rejection(*words) for words in touches])


@pytest.mark.parametrize(
    ("coverage", "is_whole"),
    [
        (b.coverage(), True),
        (ledger(msg(ROWS_REJECTED, count=2), ("S-1",), ("S-2",)), True),
        (ledger(msg(ROWS_REJECTED, count=2), ("S-1",), ()), False),
        (ledger(msg(ROWS_REJECTED, count=1)), False),
        (ledger(msg(ROWS_REJECTED, count=1), ("S-1",), sheet="*"), True),
        (ledger(msg(ROWS_REJECTED, count=1), ("S-1",), sheet="二"), False),
        (b.coverage(b.cell(b.REGISTER, "mlps_filing", CellState.FAILED)), False),
        (ledger(msg("the file ends in the middle of a sheet"), ("S-1",)), False),
        (b.coverage(without=("mlps_filing",)), False),
    ],
)
def test_a_ledger_is_whole_but_for_the_rows_that_say_of_whom_they_speak(coverage: Coverage, is_whole: bool) -> None:
    """One mistyped row must not make the whole city unknown, and one that nobody can place must."""
    assert (absence_gaps(coverage, "mlps_filing") == ()) is is_whole


def test_of_many_gaps_ten_are_told_and_of_a_kind_without_source_what_is_wanted() -> None:
    many = b.coverage(*(b.cell(b.CLOUD, "host", CellState.FAILED, f"r{n:02}") for n in range(12)), without=("tenant",))

    told = [english(m) for m in absence_gaps(many, "tenant", "host")]

    assert told[0] == "a source or ledger in the config for: tenants"
    assert [t.split(" in ")[1].split(",")[0] for t in told[1:]] == [f"r{n:02}" for n in range(10)]


def test_repetition_is_told_once_and_in_its_order() -> None:
    assert distinct([msg("b"), msg("a"), msg("b")]) == (msg("b"), msg("a"))


def test_the_collectors_say_it_in_these_words() -> None:
    """The reason is recognised by its sentence; checks may not import the collectors that say it."""
    assert f'"{ROWS_REJECTED}"' in Path(collectors.collector.__file__).read_text(encoding="utf-8")


def test_what_was_seen_long_after_the_clock_decides_nothing() -> None:
    """A clock set back (`--as-of`) asks what was true then: what was read since does not say it."""
    later = b.host(sightings=(b.sighting(observed_at=b.days_ago(-3)),))

    assert verdict_on(standalone_compute.CHECK, b.city(hosts=(later,)), f"host/{later.id}") == "unknown"


def test_half_a_ledger_for_which_no_reason_was_given_is_no_whole_one() -> None:
    """Rows that were rejected say of whom they speak; silence does not."""
    silent = b.with_fields(b.cell(b.REGISTER, "system", CellState.PARTIAL), reason=None)
    (gap,) = absence_gaps(b.coverage(silent, rejections=(b.rejection("S-1"),)), "system")

    assert english(gap).endswith("by the infrastructure team: no reason was given")
