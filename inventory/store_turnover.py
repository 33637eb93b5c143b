"""How many things a cell lost where as many others came 等量更替: its count alone would not tell.

A token that was moved to another tenant, a cluster that was swapped for another: as many as before, and none of them
known. What a cell lost is what it held, less what it holds, and what of that is new; so only newcomers are looked at.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter

import msgspec
from sqlalchemy import Connection, or_, select

from inventory.coverage import Cell, CellResult, CellState
from inventory.lifecycle import LifeRules, is_mass
from inventory.records import View
from inventory.store_reader import valid_in
from inventory.store_rows import stored_key
from inventory.store_schema import BODY, CELL_VERSION, RECORD_VERSION, SCAN
from inventory.store_sight import trace_of

Placed = tuple[str, Cell | None, bytes]
"""A record's key, the cell that it was read in (None: of a capture, which does not say), and its canonical JSON."""
_Where = Cell | tuple[str, str]
"""A cell; or (source, kind), where records do not say in which of the cells they were read."""
_PAGE = 5000

FLEETING = frozenset({"port", "snapshot", "sharing_use", "count_mismatch", "classified_trace"})
"""Kinds whose things come and go with others, or every day: that they are others says nothing."""


def lost_by_turnover(
    connection: Connection,
    cells: Sequence[CellResult],
    believed: Mapping[tuple[Cell, int], int],
    placed: Callable[[], Iterable[Placed]],
    rules: LifeRules,
) -> dict[Cell, tuple[int, int]]:
    """Cells that lost too much though others came: how many were lost, and of how many.

    `believed` as in `with_held`; `placed` gives the records of tonight in the order of their keys.

    Raises:
        SQLAlchemyError: the store does not answer.
    """
    groups = _Groups(cells, believed, rules)
    if not groups.before:
        return {}
    since = {where: _last_complete(connection, of) for where, of in groups.cells.items()}
    groups.newcomers(connection, placed(), {where: scan for where, scan in since.items() if scan is not None})
    return groups.held(rules)


class _Groups:
    """The cells that can have lost too much: each by itself, and all of a source and kind together."""

    def __init__(self, cells: Sequence[CellResult], believed: Mapping[tuple[Cell, int], int], rules: LifeRules) -> None:
        runs: dict[Cell, list[CellResult]] = defaultdict(list)
        for result in cells:
            runs[result.cell].append(result)
        members: dict[_Where, list[Cell]] = defaultdict(list)
        for cell in runs:
            members[cell].append(cell)
            members[cell.source, cell.kind].append(cell)
        self.before: dict[_Where, int] = {}
        self.cells: dict[_Where, list[Cell]] = {}
        self._seen: dict[_Where, int] = {}
        self.came: Counter[_Where] = Counter()
        for where, of in members.items():
            held = [believed.get((cell, nth)) for cell in of for nth in range(len(runs[cell]))]
            known = [count for count in held if count is not None]
            # Where one of them was not read whole, now or ever, what is missing may be there.
            is_whole = len(known) == len(held) and all(r.is_complete for cell in of for r in runs[cell])
            if is_whole and sum(known) > rules.mass_count:
                self.before[where], self.cells[where] = sum(known), of
                self._seen[where] = sum(r.seen for cell in of for r in runs[cell])

    def newcomers(self, connection: Connection, placed: Iterable[Placed], since: Mapping[_Where, int]) -> None:
        """Counts what was not there in the scan in which its cell was believed last."""
        if not since:
            return
        names: Counter[tuple[_Where, str, str]] = Counter()
        for records, spans in _beside(placed, _spans(connection, min(since.values()), max(since.values()))):
            for _, cell, body in records:
                where = cell if cell is not None else _where(body)
                scan = since.get(where)
                if scan is None or any(a <= scan and (b is None or b >= scan) for a, b in spans):
                    continue
                thing = msgspec.json.decode(body, type=_Thing)
                if thing.is_fleeting or (cell is not None and trace_of(body).cell_kind != cell.kind):
                    continue
                if thing.kind == "workload":
                    names[where, thing.source, thing.made_as] += 1
                self.came[where] += 1
        if names:
            self._made_anew(connection, names, since)

    def _made_anew(
        self, connection: Connection, names: Counter[tuple[_Where, str, str]], since: Mapping[_Where, int]
    ) -> None:
        """A workload that is deployed anew gets another uid, and is the same to everybody."""
        for where, source in {(where, source) for where, source, _ in names}:
            for body in _bodies(connection, f"{source}|workload|", since[where]):
                name = (where, source, msgspec.json.decode(body, type=_Thing).made_as)
                if names[name] > 0:
                    names[name] -= 1
                    self.came[where] -= 1

    def held(self, rules: LifeRules) -> dict[Cell, tuple[int, int]]:
        """See `lost_by_turnover`."""
        found: dict[Cell, tuple[int, int]] = {}
        for where, before in self.before.items():
            lost = before - self._seen[where] + self.came[where]
            if self.came[where] > 0 and is_mass(lost, before, rules):
                found |= {cell: (lost, before) for cell in self.cells[where] if cell not in found}
        return found


class _Thing(msgspec.Struct, frozen=True):
    source: str
    kind: str
    view: str | None = None
    owner_uid: str | None = None
    namespace: str | None = None
    workload_kind: str | None = None
    name: str | None = None

    @property
    def is_fleeting(self) -> bool:
        """Pods of a workload, and whatever answers on a wire, are others every night."""
        return self.kind in FLEETING or self.owner_uid is not None or self.view == View.DISCOVERED

    @property
    def made_as(self) -> str:
        return f"{self.namespace}/{self.workload_kind}/{self.name}"


def _where(body: bytes) -> _Where:
    trace = trace_of(body)
    return trace.source, trace.cell_kind


def _last_complete(connection: Connection, cells: Sequence[Cell]) -> int | None:
    """The last scan in which all of these cells were believed, or the earliest where they were so at times apart.

    Of those that are kept: of what was in a pruned scan only, nobody knows.
    """
    kept = sorted(connection.execute(select(SCAN.c.number)).scalars())
    found: list[int] = []
    table = CELL_VERSION
    for cell in cells:
        rows = connection.execute(
            select(table.c.since_scan, table.c.until_scan, BODY.c.data)
            .join(BODY, BODY.c.id == table.c.body)
            .where(table.c.key == stored_key(f"{cell.source}|{cell.scope}|{cell.kind}"))
            .order_by(table.c.since_scan.desc())
        )
        for since, until, data in rows.fetchall():
            result = msgspec.json.decode(data, type=CellResult)
            held = [n for n in kept if n >= since and (until is None or n <= until)]
            if held and result.cell == cell and result.state is CellState.COMPLETE:
                found.append(held[-1])
                break
        else:
            return None
    return min(found, default=None)


def _spans(connection: Connection, first: int, last: int) -> Iterator[tuple[str, int, int | None]]:
    """(key, since, until) of the records' versions that may hold in a scan from `first` to `last`, ordered by key."""
    table = RECORD_VERSION
    wanted = (
        select(table.c.key, table.c.since_scan, table.c.until_scan)
        .where(table.c.since_scan <= last, or_(table.c.until_scan.is_(None), table.c.until_scan >= first))
        .order_by(table.c.key)
        .execution_options(yield_per=_PAGE)
    )
    for rows in connection.execute(wanted).partitions():
        yield from map(tuple, rows)


def _beside(
    placed: Iterable[Placed], spans: Iterator[tuple[str, int, int | None]]
) -> Iterator[tuple[list[Placed], list[tuple[int, int | None]]]]:
    """The records of each key, with the spans of its versions; both sides are read once, in the order of the keys."""
    held = next(spans, None)
    for key, records in groupby(placed, key=lambda thing: stored_key(thing[0])):
        while held is not None and held[0] < key:
            held = next(spans, None)
        found = []
        while held is not None and held[0] == key:
            found.append(held[1:])
            held = next(spans, None)
        yield list(records), found


def _bodies(connection: Connection, prefix: str, number: int) -> Iterator[bytes]:
    """Contents of the records of a scan whose keys begin so."""
    table = RECORD_VERSION
    wanted = (
        select(BODY.c.data)
        .join(table, BODY.c.id == table.c.body)
        .where(valid_in(table, number), table.c.key.startswith(prefix, autoescape=True))
        .execution_options(yield_per=_PAGE)
    )
    for rows in connection.execute(wanted).partitions():
        yield from map(itemgetter(0), rows)
