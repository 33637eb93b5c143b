"""What became of findings that failed 整改闭环: when each breach was first found, and when it was found mended.

A plain value: the store makes it out of its versions of findings, and the indicators count. That a finding is not there
any more mends nothing: its subject may be gone, or nobody could look.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import groupby
from typing import Annotated, NamedTuple

import msgspec

from inventory.finding import Verdict

_UTC = msgspec.Meta(tz=True)


class Breach(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One finding that failed, from its first failing scan on."""

    key: str
    """`check@kind/id`. The same may fail again after it passed: that is another breach."""
    opened_at: Annotated[datetime, _UTC]
    """Clock of the first scan in which it failed."""
    closed_at: Annotated[datetime, _UTC] | None = None
    """Clock of the first scan in which it passed; None: it has not been seen to pass."""
    is_open: bool = False
    """It fails still. Neither open nor closed: that is not known."""


class Run(NamedTuple):
    """A stretch of scans in which a finding had one verdict."""

    key: str
    verdict: str
    since: datetime
    """Clock of its first scan."""
    until_scan: int | None
    """The last scan in which it held; None while it holds."""


def breaches_of(runs: Iterable[Run], scan: int) -> tuple[Breach, ...]:
    """The breaches up to a scan, by key and time; `runs` of each key stand together, in their order.

    What its clause stopped reaching (not applicable) after it failed was no breach to be mended, and is left out.
    """
    return tuple(b for key, group in groupby(runs, key=lambda r: r.key) for b in _of(key, list(group), scan))


def _of(key: str, runs: list[Run], scan: int) -> Iterator[Breach]:
    opened: datetime | None = None
    for run in runs:
        if run.verdict == Verdict.FAIL:
            opened = opened or run.since
        elif opened is not None and run.verdict == Verdict.PASS:
            yield Breach(key=key, opened_at=opened, closed_at=run.since)
            opened = None
        elif run.verdict == Verdict.NOT_APPLICABLE:
            opened = None
    if opened is not None:
        last = runs[-1]
        holds = last.until_scan is None or last.until_scan >= scan
        yield Breach(key=key, opened_at=opened, is_open=holds and last.verdict == Verdict.FAIL)
