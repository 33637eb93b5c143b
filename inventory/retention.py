"""Which scans are kept, and for how long 保留策略: dense where one still asks about days, thin where about years.

Ages count from the clock of the last scan, not from the machine's. That one may have gone astray too: a clock that
leapt must not empty a store.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import pairwise

import msgspec

from inventory.inventory import law_date
from inventory.scan import ScanInfo
from inventory.settings import Retention


class Keep(StrEnum):
    """Why a scan stays."""

    LAST = "last"
    """The newest of all."""
    LAST_WHOLE = "last_whole"
    """The newest that saw everything."""
    BASELINE = "baseline"
    """基线: it has a name for good."""
    CITED = "cited"
    """Evidence 证据包 was built of it."""
    LIFECYCLE = "lifecycle"
    """Something that is not there, and not gone either, was last seen or looked for in it."""
    BELIEVED = "believed"
    """A cell that is incomplete now was whole in it for the last time: later scans are measured by that."""
    TRIAL_RUN = "trial_run"
    """试运行: it is a night of a trial run of which nothing else is kept."""
    LEAP = "leap"
    """The clock of the last scan leapt ahead: ages cannot be believed before a few more agree."""
    CONCLUDED = "concluded"
    """An accepted trial run was concluded in it: later scans cite that, since its nights go."""
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


LEAP = timedelta(days=183)
"""Between two scans: a clock that lost its battery, a slip of the hand in `--as-of`, or a long pause."""
AGREEING = 3
"""Scans after a leap that make it believed."""


class Fate(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of one scan."""

    scan: ScanInfo
    keeps: tuple[Keep, ...]
    """Every reason why it stays; none: it goes."""

    @property
    def goes(self) -> bool:
        """Whether it is pruned."""
        return not self.keeps


def fates(
    scans: Sequence[ScanInfo],
    pinned: Mapping[int, Iterable[Keep]],
    whole: AbstractSet[int],
    rules: Retention,
) -> list[Fate]:
    """What becomes of each scan, in the order given (the oldest first).

    `pinned`: number to what forbids to prune it; `whole`: numbers of the scans that saw everything. Of each day, week
    and month the last scan that saw everything stays, or where none did, the last.
    """
    if not scans:
        return []
    reasons: dict[int, set[Keep]] = {scan.number: set(pinned.get(scan.number, ())) for scan in scans}
    newest = scans[-1]
    reasons[newest.number].add(Keep.LAST)
    if _has_leapt(scans):
        for keeps in reasons.values():
            keeps.add(Keep.LEAP)
    seen_whole = [scan.number for scan in scans if scan.number in whole]
    if seen_whole:
        reasons[seen_whole[-1]].add(Keep.LAST_WHOLE)
    today = law_date(newest.as_of)
    periods: tuple[tuple[Keep, date, Callable[[date], object]], ...] = (
        (Keep.DAILY, _before(today, rules.daily_days - 1), date.toordinal),
        (Keep.WEEKLY, _before(today, 7 * rules.weekly_weeks), lambda day: day.isocalendar()[:2]),
        (Keep.MONTHLY, _months_before(today, rules.monthly_months), lambda day: (day.year, day.month)),
    )
    for (keep, since, period), is_asked in zip(
        periods, (True, rules.weekly_weeks > 0, rules.monthly_months > 0), strict=True
    ):
        chosen: dict[object, ScanInfo] = {}
        for scan in scans if is_asked else ():
            day = law_date(scan.as_of)
            if day < since:
                continue
            of = chosen.get(period(day))
            if of is None or _rank(scan, whole) > _rank(of, whole):
                chosen[period(day)] = scan
        for scan in chosen.values():
            reasons[scan.number].add(keep)
    order = list(Keep)
    return [Fate(scan=s, keeps=tuple(sorted(reasons[s.number], key=order.index))) for s in scans]


def _has_leapt(scans: Sequence[ScanInfo]) -> bool:
    """Whether too few scans agree with the clock of the last one.

    In the order of their clocks: an old capture that is scanned between ordinary nights is no leap. A scan whose clock
    is ahead of the last one's says nothing: it leapt and was taken back, and must not hide the next leap.
    """
    clocks = sorted(scan.as_of for scan in scans if scan.as_of <= scans[-1].as_of)
    return any(later - earlier > LEAP for earlier, later in pairwise(clocks[-AGREEING - 1 :]))


def _rank(scan: ScanInfo, whole: AbstractSet[int]) -> tuple[bool, datetime, int]:
    return scan.number in whole, scan.as_of, scan.number


def _before(day: date, days: int) -> date:
    return day - timedelta(days=min(days, day.toordinal() - 1))


def _months_before(day: date, months: int) -> date:
    """The first day of the month that lies so many months back."""
    count = day.year * 12 + day.month - 1 - months
    return date(max(count // 12, 1), count % 12 + 1, 1)
