"""What became of findings that failed."""

from datetime import UTC, datetime, timedelta

import pytest

from inventory.breaches import Breach, Run, breaches_of
from inventory.finding import Verdict

FIRST = datetime(2026, 11, 1, tzinfo=UTC)
LETTERS = {
    "F": Verdict.FAIL,
    "P": Verdict.PASS,
    "U": Verdict.UNKNOWN,
    "A": Verdict.ADVISORY,
    "N": Verdict.NOT_APPLICABLE,
}


def night(number: int) -> datetime:
    return FIRST + timedelta(days=number - 1)


def told(nights: str) -> list[tuple[int, int | None, bool]]:
    """Breaches of one finding whose verdict on each night is a letter, `.` where it was not there."""
    runs = []
    number = 1
    while number <= len(nights):
        letter, since = nights[number - 1], number
        while number <= len(nights) and nights[number - 1] == letter:
            number += 1
        if letter != ".":
            until = None if number > len(nights) else number - 1
            runs.append(Run("k", str(LETTERS[letter]), night(since), until))
    return [shown(b) for b in breaches_of(runs, len(nights))]


def shown(breach: Breach) -> tuple[int, int | None, bool]:
    closed = None if breach.closed_at is None else (breach.closed_at - FIRST).days + 1
    return (breach.opened_at - FIRST).days + 1, closed, breach.is_open


@pytest.mark.parametrize(
    ("nights", "breaches"),
    [
        ("PPP", []),
        ("FFF", [(1, None, True)]),
        ("PFFP", [(2, 4, False)]),
        ("FFUUP", [(1, 5, False)]),
        ("FUF", [(1, None, True)]),
        ("FFU", [(1, None, False)]),
        ("FF.", [(1, None, False)]),
        ("F..P", [(1, 4, False)]),
        ("FPFPF", [(1, 2, False), (3, 4, False), (5, None, True)]),
        ("FN", []),
        ("FNF", [(3, None, True)]),
        ("FA", [(1, None, False)]),
        ("UUP", []),
    ],
)
def test_a_breach_is_closed_only_where_it_was_seen_to_pass(
    nights: str, breaches: list[tuple[int, int | None, bool]]
) -> None:
    """Not seen is not mended; not reached by the clause any more was no breach to mend."""
    assert told(nights) == breaches


def test_a_scan_in_between_sees_what_held_then() -> None:
    """What came later is left out by whoever reads the runs; what ended later still holds."""
    runs = [Run("k", "fail", night(1), 5)]

    assert breaches_of(runs, 3) == (Breach(key="k", opened_at=night(1), is_open=True),)


def test_findings_do_not_mix() -> None:
    runs = [Run("a", "fail", night(1), None), Run("b", "pass", night(2), None)]

    assert [b.key for b in breaches_of(runs, 2)] == ["a"]
