"""Months and years as the law counts them."""

import calendar
from datetime import date


def add_months(start: date, months: int) -> date:
    """The same day so many months later, or the last day of a month that has none (01-31 + 1 = 02-28)."""
    total = start.year * 12 + start.month - 1 + months
    year, month = divmod(total, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(start.day, last))
