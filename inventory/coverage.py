"""What was looked at, how far, and what could not be seen.

Coverage is data: every planned cell (source, scope, kind) ends in a state, with a reason. Only a complete cell allows a
conclusion from absence.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from enum import StrEnum
from typing import Annotated

import msgspec

from inventory.text import Message, msg

DO_NOT_SCAN = "do-not-scan"
"""Scope of the cell that stands for everything that a source may not look at (Art. 28): left out by law, not unseen."""


class CellState(StrEnum):
    """How a planned cell ended."""

    COMPLETE = "complete"
    """完整: all of it was read, and the reader could see all of it."""
    PARTIAL = "partial"
    """不完整: something was read; what is missing is in the reason."""
    FAILED = "failed"
    """失败: nothing usable was read."""
    SKIPPED = "skipped"
    """跳过: not tried (deadline, do-not-scan list, an earlier failure)."""
    NOT_CONFIGURED = "not_configured"
    """未配置: the source has no such service."""


class Failure(StrEnum):
    """What kind of thing went wrong, where a cell is not complete because of an error."""

    UNREACHABLE = "unreachable"
    """Refused, reset, no such name."""
    TIMEOUT = "timeout"
    AUTH_FAILED = "auth-failed"
    """It answered and did not let us in, or not to this."""
    HOSTKEY_MISMATCH = "hostkey-mismatch"
    """Its SSH key is unknown, changed or revoked."""
    UNREADABLE = "unreadable"
    """It answered something that is not documented, or more than is read."""


class HostOutcome(StrEnum):
    """How asking a host over SSH ended: exactly one of these for each host that was tried."""

    OK = "ok"
    """正常: it was read whole."""
    PARTIAL = "partial"
    """不完整: it let us in, and what it answered is not the whole answer."""
    TIMEOUT = "timeout"
    """超时"""
    UNREACHABLE = "unreachable"
    """无法连接"""
    AUTH_FAILED = "auth-failed"
    """拒绝登录"""
    HOSTKEY_MISMATCH = "hostkey-mismatch"
    """主机密钥不符"""


class Cell(msgspec.Struct, frozen=True, order=True):
    """One thing to look at: a kind, in a scope of a source."""

    source: str
    scope: str
    """Region, cluster, namespace, host, sheet; `*` for all of the source."""
    kind: str
    """Kind of record: `host`, `tenant`, `port` …; `hypervisor` for the control plane's own hosts."""


def scope_words(cell: Cell) -> str | Message:
    """The scope as a reader knows it."""
    return msg("the whole source") if cell.scope == "*" else cell.scope


class CellResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How one cell ended, and what it could see."""

    cell: Cell
    state: CellState
    seen: int
    """Records read."""
    reason: Message | None = None
    """Why it is not complete; None only where it is."""
    failure: Failure | None = None
    """The kind of the error that ended it, if one did."""
    unseen: tuple[str, ...] = ()
    """What is known to exist and was not seen: project names, namespaces, row numbers."""
    started_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    finished_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None

    @property
    def is_complete(self) -> bool:
        """Whether absence may be concluded from this cell."""
        return self.state is CellState.COMPLETE

    @property
    def is_excluded(self) -> bool:
        """Whether it was left out on purpose, by the do-not-scan list: nobody may ask for it to be completed."""
        return self.state is CellState.SKIPPED and self.cell.scope == DO_NOT_SCAN

    @property
    def is_gap(self) -> bool:
        """Whether something was not seen that should have been: a service that a source does not have is none."""
        return not (self.is_complete or self.is_excluded or self.state is CellState.NOT_CONFIGURED)


def host_outcome(result: CellResult) -> HostOutcome | None:
    """How asking the SSH host of this cell ended; None where it was not tried."""
    match result.state, result.failure:
        case CellState.COMPLETE, _:
            return HostOutcome.OK
        case (CellState.PARTIAL, _) | (CellState.FAILED, Failure.UNREADABLE):
            return HostOutcome.PARTIAL
        case CellState.FAILED, Failure():
            return HostOutcome(result.failure)
        case CellState.FAILED, _:
            # The run's own end came first, or an older capture did not say.
            return HostOutcome.UNREACHABLE
        case _:
            return None


def by_reason(results: Iterable[CellResult]) -> list[tuple[CellResult, tuple[str, ...]]]:
    """Cells of one source and scope that ended alike for one reason, as the first of them with the kinds of all.

    A cluster that is down fails in every kind: that is one thing to say, not six.
    """
    groups: dict[tuple[str, str, str, str], list[CellResult]] = {}
    for result in results:
        key = (result.cell.source, result.cell.scope, result.state, repr(result.reason))
        groups.setdefault(key, []).append(result)
    return [(group[0], tuple(r.cell.kind for r in group)) for group in groups.values()]


def whole_readings(results: Iterable[CellResult]) -> Iterator[tuple[str, datetime | None]]:
    """Sources of which everything that was planned was read, each with when the oldest part of it was finished.

    None where a part does not say when. What is excluded by law and services that a source does not have were not
    planned; a source of nothing else was not read.
    """
    by_source: dict[str, list[CellResult]] = {}
    for result in results:
        if not result.is_excluded and result.state is not CellState.NOT_CONFIGURED:
            by_source.setdefault(result.cell.source, []).append(result)
    for source, planned in sorted(by_source.items()):
        if all(r.is_complete for r in planned):
            times = [r.finished_at for r in planned if r.finished_at is not None]
            yield source, min(times) if len(times) == len(planned) else None


class SourceInfo(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A source as the config describes it; carried in captures."""

    name: str
    """`openstack:NAME`, `kubernetes:NAME`, `ssh:NAME`, `ledger:NAME`."""
    type: str
    """`openstack`, `kubernetes`, `ssh`, `ledger`."""
    sent_by: str | None = None
    """Who had packets sent, `user@machine`, where the source is an active sweep 主动探测."""
    is_platform: bool = False
    """Its control plane is the government cloud's own 大数据中心政务云: what it lists is on the cloud."""
    zone: str | None = None
    modified_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    """When the file of a ledger was last written, as its file system says."""


class Rejection(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A ledger row that could not be used: everything needed to find and mend it."""

    source: str
    file: str
    sheet: str
    row: int
    """As the spreadsheet program numbers it, from 1."""
    column: str
    """Header as written, with the column's letter: `备案证明编号 (F)`."""
    value: str
    expected: Message
    touches: tuple[str, ...] = ()
    """Codes or names that the row speaks of, as far as they could be read: what is said of them is unknown."""


class Coverage:
    """All cells of a scan, asked the way checks ask."""

    def __init__(
        self, sources: Iterable[SourceInfo], results: Iterable[CellResult], rejections: Iterable[Rejection] = ()
    ):
        self.sources = tuple(sorted(sources, key=lambda s: s.name))
        self.results = tuple(sorted(results, key=lambda r: r.cell))
        self.rejections = tuple(sorted(rejections, key=lambda r: (r.source, r.file, r.sheet, r.row, r.column)))
        self._platform = {s.name for s in self.sources if s.is_platform}
        # Checks ask the same of every host: thousands of cells are gone through once for each question.
        self._of: dict[tuple[tuple[str, ...], bool], tuple[CellResult, ...]] = {}
        self._gaps: dict[tuple[tuple[str, ...], bool], tuple[CellResult, ...]] = {}

    def of(self, *kinds: str, platform_only: bool = False) -> tuple[CellResult, ...]:
        """The cells of these kinds, of all sources or of the platform's only."""
        asked = (kinds, platform_only)
        if asked not in self._of:
            self._of[asked] = tuple(
                r
                for r in self.results
                if r.cell.kind in kinds and (not platform_only or r.cell.source in self._platform)
            )
        return self._of[asked]

    def gaps(self, *kinds: str, platform_only: bool = False) -> tuple[CellResult, ...]:
        """The cells of these kinds from which absence may not be concluded; what is excluded by law is no gap."""
        asked = (kinds, platform_only)
        if asked not in self._gaps:
            cells = self.of(*kinds, platform_only=platform_only)
            self._gaps[asked] = tuple(r for r in cells if not r.is_complete and not r.is_excluded)
        return self._gaps[asked]

    def is_complete(self, *kinds: str, platform_only: bool = False) -> bool:
        """Whether each of these kinds has at least one cell and no gap: a kind that nobody planned is not covered."""
        return all(
            self.of(kind, platform_only=platform_only) and not self.gaps(kind, platform_only=platform_only)
            for kind in kinds
        )

    def touched(self) -> frozenset[str]:
        """Codes and names that a rejected ledger row speaks of."""
        return frozenset(t for r in self.rejections for t in r.touches)

    def is_platform(self, source: str) -> bool:
        """Whether the source's control plane is the government cloud's."""
        return source in self._platform
