"""From which of its cells a stored scan may conclude that what is not in it was not there."""

from collections import defaultdict
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, select

from inventory.coverage import CellResult
from inventory.lifecycle import Look, is_held
from inventory.scan import ScanInfo, ScanOptions
from inventory.store_reader import read_cells, read_info
from inventory.store_schema import BODY, SCAN


class Sight:
    """What one scan could see."""

    def __init__(self, info: ScanInfo, cells: list[CellResult], fresh_hours: int) -> None:
        self.info = info
        self.looks: dict[tuple[str, str], dict[str, Look]] = defaultdict(dict)
        """(source, kind) to scope to what may be concluded from it."""
        self._looks_of_unnamed: dict[tuple[str, str, Sight], Look] = {}
        read_at: dict[tuple[str, str], dict[str, tuple[datetime, ...]]] = defaultdict(dict)
        for result in cells:
            of_kind, scope = (result.cell.source, result.cell.kind), result.cell.scope
            times, scopes = read_at[of_kind], self.looks[of_kind]
            times[scope] = (*times.get(scope, ()), result.finished_at or info.as_of)
            # Of several runs over one cell all must have seen it whole.
            scopes[scope] = max(scopes.get(scope, Look.WHOLE), self._look(result, fresh_hours), key=_LESS.index)
        self._readings = {of_kind: Readings(times) for of_kind, times in read_at.items()}

    def _look(self, result: CellResult, fresh_hours: int) -> Look:
        if is_held(result):
            return Look.HELD
        finished = result.finished_at
        is_fresh = finished is None or abs(self.info.as_of - finished) <= timedelta(hours=fresh_hours)
        return Look.WHOLE if result.is_complete and is_fresh else Look.PARTIAL

    def look(self, record: "Trace", there: "Sight") -> Look:
        """What this scan says of where a record was when the scan `there` had it.

        A record does not say in which scope it was read. Where a scope bears its id or its namespace, it was read
        there; else every scope of its kind must have been read, then and now: it may have moved from one to another.
        """
        of_kind = (record.source, record.cell_kind)
        own = self._own_scopes(record, there)
        if own:
            return self._least(of_kind, own)
        key = (*of_kind, there)
        if key not in self._looks_of_unnamed:  # one answer for all of them: there may be thousands, of as many scopes
            scopes = there.looks.get(of_kind, {}).keys() | self.looks.get(of_kind, {}).keys()
            self._looks_of_unnamed[key] = self._least(of_kind, scopes)
        return self._looks_of_unnamed[key]

    def _least(self, of_kind: tuple[str, str], scopes: AbstractSet[str]) -> Look:
        now = self.looks.get(of_kind, {})
        return max((now.get(scope, Look.PARTIAL) for scope in scopes), key=_LESS.index, default=Look.PARTIAL)

    def readings(self, record: "Trace", there: "Sight") -> "Readings":
        """When that which `look` speaks of was read: by the clock of the scan where a run does not say it."""
        found = self._readings.get((record.source, record.cell_kind)) or Readings({})
        own = self._own_scopes(record, there)
        return found.of(own) if own else found

    def _own_scopes(self, record: "Trace", there: "Sight") -> AbstractSet[str]:
        """The scopes that bear its name, and what stands for all of its source; none where none bears it."""
        of_kind = (record.source, record.cell_kind)
        own = record.scopes & there.looks.get(of_kind, {}).keys()
        return own | ({ALL} & self.looks.get(of_kind, {}).keys()) if own else own


ALL = "*"
"""Scope of a cell that stands for all of its source."""
_LESS = (Look.WHOLE, Look.HELD, Look.PARTIAL)
"""From what says most to what says least."""


class Readings:
    """When scopes were read: each once for each run over it."""

    def __init__(self, times: dict[str, tuple[datetime, ...]]) -> None:
        self.times = times
        """Scope to when. Not to be changed: what was asked once is remembered."""
        # Of what has no scope of its own all share one of these, and are asked about one by one.
        self._is_older: dict[Readings, bool] = {}
        self._is_new: dict[Readings, bool] = {}

    def of(self, scopes: AbstractSet[str]) -> "Readings":
        """Those of these scopes alone."""
        return Readings({scope: self.times[scope] for scope in scopes if scope in self.times})

    def is_older(self, then: "Readings") -> bool:
        """Whether something was read before it had been read `then`. A reading that is the same is not older."""
        if then not in self._is_older:
            self._is_older[then] = any(
                min(new) < max(then.times.get(scope, ()), default=min(new))
                for scope in self.times
                if (new := self._not_in(then, scope))
            )
        return self._is_older[then]

    def is_new(self, before: "Readings") -> bool:
        """Whether all of it was read anew."""
        if before not in self._is_new:
            self._is_new[before] = all(self._not_in(before, scope) for scope in self.times)
        return self._is_new[before]

    def _not_in(self, other: "Readings", scope: str) -> list[datetime]:
        known = other.times.get(scope, ())
        return [at for at in self.times[scope] if at not in known]


class Trace(NamedTuple):
    """What must be known of a record to say where it was read."""

    source: str
    cell_kind: str
    """`hypervisor` for the control plane's own hosts, else the record's kind."""
    scopes: frozenset[str]
    """Names that a scope of its own would bear."""


def trace_of(body: bytes) -> Trace:
    """The trace of a record's content."""
    fields = msgspec.json.decode(body, type=_Fields)
    kind = "hypervisor" if fields.kind == "host" and fields.view == "hypervisor" else fields.kind
    return Trace(fields.source, kind, frozenset({fields.native_id, fields.namespace or fields.native_id} - {ALL}))


class _Fields(msgspec.Struct, frozen=True):
    source: str
    kind: str
    native_id: str
    view: str | None = None
    namespace: str | None = None


def sight_of(connection: Connection, number: int) -> Sight:
    """The sight of a scan that can be read.

    Raises:
        LookupError: there is none of that number.
    """
    info = read_info(connection, number)
    if info is None:
        raise LookupError(number)
    options = connection.execute(
        select(BODY.c.data).join(SCAN, SCAN.c.options == BODY.c.id).where(SCAN.c.number == number)
    ).scalar_one()
    hours = msgspec.json.decode(options, type=ScanOptions).fresh_hours
    return Sight(info, read_cells(connection, number), hours)
