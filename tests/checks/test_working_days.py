"""Working days, with make-up days, and a year that nobody has announced."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.working_days import LONGEST_PER_WORKDAY, WorkCalendar
from inventory.holidays import HolidayTable

CALENDAR = WorkCalendar()


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        (date(2026, 2, 12), date(2026, 2, 26)),
        (date(2026, 9, 29), date(2026, 10, 12)),
        (date(2026, 11, 2), date(2026, 11, 9)),
    ],
)
def test_five_working_days(start: date, expected: date) -> None:
    """Before Spring Festival 2026 Saturday 02-14 is worked, 02-15 to 02-23 is not; a naive count says 02-19."""
    assert CALENDAR.after(start, 5).day == expected
    assert not CALENDAR.after(start, 5).is_provisional


@pytest.mark.parametrize("day", ["2026-01-04", "2026-02-14", "2026-02-28", "2026-05-09", "2026-09-20", "2026-10-10"])
def test_make_up_days_of_2026_are_worked(day: str) -> None:
    assert CALENDAR.is_workday(date.fromisoformat(day))


def test_a_year_that_is_not_announced_is_provisional_and_does_not_crash() -> None:
    reckoned = CALENDAR.after(date(2026, 12, 30), 5)

    assert reckoned.is_provisional
    assert reckoned.day == date(2027, 1, 6)
    assert reckoned.earliest <= reckoned.day <= reckoned.latest


def test_the_owner_s_table_settles_a_year() -> None:
    table = HolidayTable(
        years=(2027,), holidays=(date(2027, 1, 1), date(2027, 1, 4)), workdays=(date(2027, 1, 9), date(2027, 1, 10))
    )

    reckoned = WorkCalendar(table=table).after(date(2026, 12, 30), 7)

    assert not reckoned.is_provisional
    # Thu 31, Tue 5, Wed 6, Thu 7, Fri 8, and the weekend that is made up.
    assert reckoned.day == date(2027, 1, 10)


def test_one_day_of_an_unknown_year_leaves_it_open_though_the_rest_is_known() -> None:
    """Whether Friday 2027-12-31 is worked nobody has said; of 2028 the owner's table tells."""
    table = HolidayTable(years=(2028,), holidays=(), workdays=())

    reckoned = WorkCalendar(table=table).after(date(2027, 12, 30), 3)

    assert (reckoned.day, reckoned.is_provisional) == (date(2028, 1, 4), True)
    assert (reckoned.earliest, reckoned.latest) == (date(2028, 1, 2), date(2028, 1, 29))
    assert not WorkCalendar(table=table).after(date(2027, 12, 31), 2).is_provisional


def test_the_owner_s_table_corrects_a_single_day_of_a_known_year() -> None:
    table = HolidayTable(holidays=(date(2026, 11, 3),))

    assert WorkCalendar(table=table).after(date(2026, 11, 2), 5).day == date(2026, 11, 10)


def test_no_days_is_the_day_itself() -> None:
    assert CALENDAR.after(date(2026, 11, 1), 0).day == date(2026, 11, 1)
    with pytest.raises(ValueError, match="expected none or more"):
        CALENDAR.after(date(2026, 11, 1), -1)


@settings(deadline=None)
@given(st.dates(date(2010, 1, 1), date(2026, 11, 1)), st.integers(5, 20))
def test_the_bounds_hold_in_every_year_that_is_known(start: date, days: int) -> None:
    """What is said of an unknown year has never been wrong of a known one."""
    day = CALENDAR.after(start, days).day

    assert days <= (day - start).days <= days * LONGEST_PER_WORKDAY
