"""Working days 工作日 of China, with days off and make-up days 调休.

The built-in calendar knows the years that the State Council has announced and a release has taken up. In a year that it
does not know, working days are reckoned by weekday alone, and whoever asks is told that the day is provisional.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta

import chinese_calendar

from inventory.holidays import HolidayTable

SATURDAY = 5

LONGEST_PER_WORKDAY = 6
"""Calendar days for each working day that no arrangement since 2004 has come near, from five working days on: the
longest holiday had nine days (2026-02-15 to 02-23)."""
FEWEST = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Reckoned:
    """A day that was counted to."""

    day: date
    is_provisional: bool = False
    """A year on the way was not announced when this program was made: the day may be another."""
    earliest: date
    """Not earlier than this, whatever is announced: every day worked."""
    latest: date
    """Not later than this, whatever is announced."""


@dataclass(frozen=True, kw_only=True)
class WorkCalendar:
    """Which days are worked: the owner's table before the built-in calendar before weekdays."""

    table: HolidayTable = field(default_factory=HolidayTable)

    def is_workday(self, day: date) -> bool:
        """Whether the day is worked; by weekday alone in a year that nobody knows."""
        if day in self.table.workdays:
            return True
        if day in self.table.holidays:
            return False
        if day.year not in self.table.years:
            try:
                return bool(chinese_calendar.is_workday(day))
            except NotImplementedError:
                pass
        return day.weekday() < SATURDAY

    def knows(self, day: date) -> bool:
        """Whether the arrangement of the day's year is known."""
        if day.year in self.table.years:
            return True
        try:
            chinese_calendar.is_workday(day)
        except NotImplementedError:
            return False
        return True

    def after(self, start: date, days: int) -> Reckoned:
        """The last of so many working days after the start, which is itself not counted (民法典 Art. 201).

        Raises:
            ValueError: the number is negative.
        """
        if days < 0:
            raise ValueError(f"{days} working days: expected none or more")
        day, left, is_provisional = start, days, False
        while left:
            day += timedelta(days=1)
            is_provisional |= not self.knows(day)
            left -= self.is_workday(day)
        if not is_provisional:
            return Reckoned(day=day, earliest=day, latest=day)
        return Reckoned(
            day=day,
            is_provisional=True,
            earliest=start + timedelta(days=days),
            latest=start + timedelta(days=max(days, FEWEST) * LONGEST_PER_WORKDAY),
        )
