"""The scan's clock: now, as given, or the time of the captures."""

import contextlib
from collections.abc import Sequence
from datetime import UTC, date, datetime, time

from commands import voice
from commands.outcome import Exit, Refusal
from inventory.collection import Taken
from inventory.inventory import LAW_TIME
from inventory.settings import Settings
from inventory.text import msg, tell


def moment_of(given: str | None) -> datetime | None:
    """The scan's clock as given: a bare date means the end of that day in Asia/Shanghai."""
    if given is None:
        return None
    moment = None
    if "W" not in given:  # a week is no day
        with contextlib.suppress(ValueError):
            moment = datetime.fromisoformat(given)
        with contextlib.suppress(ValueError):
            moment = datetime.combine(date.fromisoformat(given), time(23, 59, 59), LAW_TIME)
    if moment is None or moment.year not in CLOCK_YEARS:
        sentence = msg(
            "the clock (as_of) {value}: expected a date such as 2026-11-22 or an ISO 8601 time, from {first} to {last}",
            value=given or "''",
            first=CLOCK_YEARS[0],
            last=CLOCK_YEARS[-1],
        )
        raise Refusal(Exit.USAGE, tell(sentence, voice.LOCALE))
    return moment if moment.tzinfo else moment.replace(tzinfo=LAW_TIME)


CLOCK_YEARS = range(2000, 2101)
"""Beyond these a clock is a slip of the hand, and counting with periods leaves the calendar."""


def capture_clock(chosen: Settings, captures: Sequence[Taken]) -> datetime | None:
    """Where nothing live is read, the newest capture's time is the clock: the same files give the same findings."""
    live = chosen.openstack, chosen.kubernetes, chosen.ssh, chosen.sweep, chosen.sharing_api, chosen.plugin
    if any(live) or not captures:
        return None
    finished = [c.finished_at for taken in captures for c in taken.cells if c.finished_at]
    newest = max([*finished, *(taken.taken_at for taken in captures)])
    return moment_of(newest.isoformat())


def now() -> datetime:
    return datetime.now(UTC)
