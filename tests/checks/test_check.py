"""The rules of the runner on absence."""

from pathlib import Path

import builders as b
import pytest

import collectors.collector
from checks.check import ROWS_REJECTED, absence_gaps
from inventory.coverage import Cell, CellResult, CellState, Coverage
from inventory.text import Message, msg


def ledger(reason: Message, *touches: tuple[str, ...]) -> Coverage:
    result = CellResult(
        cell=Cell(source=b.REGISTER, scope="一", kind="mlps_filing"), state=CellState.PARTIAL, seen=9, reason=reason
    )
    return b.coverage(result, rejections=[b.rejection(*words) for words in touches])


@pytest.mark.parametrize(
    ("coverage", "is_whole"),
    [
        (b.coverage(), True),
        (ledger(msg(ROWS_REJECTED, count=2), ("S-1",), ("S-2",)), True),
        (ledger(msg(ROWS_REJECTED, count=2), ("S-1",), ()), False),
        (ledger(msg(ROWS_REJECTED, count=1)), False),
        (ledger(msg("the file ends in the middle of a sheet"), ("S-1",)), False),
        (b.coverage(without=("mlps_filing",)), False),
    ],
)
def test_a_ledger_is_whole_but_for_the_rows_that_say_of_whom_they_speak(coverage: Coverage, is_whole: bool) -> None:
    """One mistyped row must not make the whole city unknown, and one that nobody can place must."""
    assert (absence_gaps(coverage, "mlps_filing") == ()) is is_whole


def test_the_collectors_say_it_in_these_words() -> None:
    """The reason is recognised by its sentence; checks may not import the collectors that say it."""
    assert f'"{ROWS_REJECTED}"' in Path(collectors.collector.__file__).read_text(encoding="utf-8")
