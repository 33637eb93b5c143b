"""From which of its cells a stored scan may conclude that what is not in it was not there."""

from collections import defaultdict
from collections.abc import Mapping
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
        self._read_at: dict[tuple[str, str, str], list[datetime]] = defaultdict(list)
        for result in cells:
            self._read_at[result.cell.source, result.cell.kind, result.cell.scope].append(
                result.finished_at or info.as_of
            )
            scopes = self.looks[result.cell.source, result.cell.kind]
            # Of several runs over one cell all must have seen it whole.
            scopes[result.cell.scope] = max(
                scopes.get(result.cell.scope, Look.WHOLE), self._look(result, fresh_hours), key=_LESS.index
            )

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
        now = self.looks.get((record.source, record.cell_kind), {})
        scopes = self._scopes(record, there)
        return max((now.get(scope, Look.PARTIAL) for scope in scopes), key=_LESS.index, default=Look.PARTIAL)

    def readings(self, record: "Trace", there: "Sight") -> "Readings":
        """When that which `look` speaks of was read, by scope: by the clock of the scan where a run does not say it."""
        return {
            scope: frozenset(self._read_at.get((record.source, record.cell_kind, scope), ()))
            for scope in self._scopes(record, there)
        }

    def _scopes(self, record: "Trace", there: "Sight") -> AbstractSet[str]:
        now = self.looks.get((record.source, record.cell_kind), {})
        then = there.looks.get((record.source, record.cell_kind), {})
        own = {scope for scope in then if scope in record.scopes}
        return (own | ({ALL} & now.keys())) if own else then.keys() | now.keys()


ALL = "*"
"""Scope of a cell that stands for all of its source."""
_LESS = (Look.WHOLE, Look.HELD, Look.PARTIAL)
"""From what says most to what says least."""


Readings = Mapping[str, frozenset[datetime]]
"""Scope to when it was read: once for each run over it."""


def is_older(now: Readings, then: Readings) -> bool:
    """Whether something was read before it had been read `then`. A reading that is the same is not older."""
    return any(
        min(new) < max(then.get(scope, ()), default=min(new))
        for scope, times in now.items()
        if (new := times - then.get(scope, frozenset()))
    )


def is_new(now: Readings, before: Readings) -> bool:
    """Whether all of it was read anew."""
    return all(times - before.get(scope, frozenset()) for scope, times in now.items())


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
