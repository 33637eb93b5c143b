"""What the store holds, how much room it takes, and what the next pruning would give back 存储统计. Only read."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import groupby, islice
from pathlib import Path

import msgspec
from sqlalchemy import Connection, func, select

from inventory.difference import OPEN
from inventory.finding import Verdict
from inventory.scan import ScanInfo
from inventory.store_bulk import Version, versions
from inventory.store_chain import last_entry, pruned_scans
from inventory.store_reader import read_infos
from inventory.store_schema import (
    BODY,
    FINDING_VERSION,
    LOG,
    METADATA,
    OBSERVATION,
    RECORD_VERSION,
    REVISION,
    SCAN,
    SECTIONS,
    is_postgresql,
)

_AT_ONCE = 500


class TableSize(msgspec.Struct, frozen=True, kw_only=True):
    """One table."""

    name: str
    rows: int
    bytes: int | None
    """With its indexes; None where the database does not say."""


class Versions(msgspec.Struct, frozen=True, kw_only=True):
    """How often the things that were ever seen have changed."""

    things: int
    """Records of one key; of what several captures held at once each counts."""
    present: int
    """Those that the last scan has."""
    versions: int
    most: int
    """Of one thing."""
    most_key: str | None
    """The record that has so many."""


class Stats(msgspec.Struct, frozen=True, kw_only=True):
    """All of it."""

    engine: str
    """`sqlite` or `postgresql`."""
    revision: str
    """Of the tables."""
    bytes: int
    """All that the store takes; of SQLite the file, its log and what is free in it."""
    free_bytes: int | None
    """Of that, what is used again before the file grows; None: PostgreSQL does not say."""
    tables: tuple[TableSize, ...]
    scans: int
    oldest: ScanInfo | None
    newest: ScanInfo | None
    pruned: int
    """Scans that went by the rules of retention, ever."""
    records: Versions
    verdicts: dict[str, int]
    """Verdict to findings of the last scan."""
    open: int
    """Findings that ask somebody to do something: fail, advisory."""
    entries: int
    """Of the run log."""
    head: str


class Freed(msgspec.Struct, frozen=True, kw_only=True):
    """What a pruning would take away."""

    scans: int
    rows: int
    bytes: int
    """Of contents, as they are stored. The file gets no smaller: its room is used again."""


def stats(connection: Connection, path: Path | None) -> Stats:
    """Everything but the pruning; `path` is that of a store of SQLite.

    Raises:
        SQLAlchemyError: the store does not answer.
    """
    infos = read_infos(connection)
    last = last_entry(connection)
    found = connection.execute(
        select(FINDING_VERSION.c.verdict, func.count())
        .where(FINDING_VERSION.c.until_scan.is_(None))
        .group_by(FINDING_VERSION.c.verdict)
    )
    counts = {str(verdict): int(count) for verdict, count in found}
    size, free = _whole(connection, path)
    return Stats(
        engine=connection.dialect.name,
        revision=REVISION,
        bytes=size,
        free_bytes=free,
        tables=tuple(_tables(connection)),
        scans=len(infos),
        oldest=infos[0] if infos else None,
        newest=infos[-1] if infos else None,
        pruned=len(pruned_scans(connection)),
        records=_versions(connection),
        verdicts={verdict.value: counts.get(verdict.value, 0) for verdict in Verdict},
        open=sum(counts.get(verdict.value, 0) for verdict in OPEN),
        entries=int(connection.execute(select(func.count()).select_from(LOG)).scalar_one()),
        head="" if last is None else bytes(last.digest).hex(),
    )


def _whole(connection: Connection, path: Path | None) -> tuple[int, int | None]:
    if path is None:
        return sum(_sizes(connection).get(table.name, 0) for table in METADATA.sorted_tables), None
    page = int(connection.exec_driver_sql("PRAGMA page_size").scalar_one())
    free = int(connection.exec_driver_sql("PRAGMA freelist_count").scalar_one()) * page
    return sum(size_of(path.with_name(path.name + end)) or 0 for end in ("", "-wal")), free


def size_of(path: Path) -> int | None:
    """Bytes of a file; None where there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return None


def _tables(connection: Connection) -> Iterator[TableSize]:
    sizes = _sizes(connection)
    for table in METADATA.sorted_tables:
        rows = int(connection.execute(select(func.count()).select_from(table)).scalar_one())
        yield TableSize(name=str(table.name), rows=rows, bytes=sizes.get(table.name))


def _sizes(connection: Connection) -> dict[str, int]:
    if is_postgresql(connection):
        asked = (
            "SELECT relname, pg_total_relation_size(oid) FROM pg_class"
            " WHERE relkind = 'r' AND relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())"
        )
    else:
        compiled = connection.exec_driver_sql("SELECT sqlite_compileoption_used('ENABLE_DBSTAT_VTAB')").scalar_one()
        if not compiled:
            return {}
        asked = (
            "SELECT m.tbl_name, sum(s.pgsize) FROM dbstat s JOIN sqlite_master m ON m.name = s.name"
            " WHERE s.aggregate = TRUE GROUP BY m.tbl_name"
        )
    return {str(name): int(size) for name, size in connection.exec_driver_sql(asked)}


def _versions(connection: Connection) -> Versions:
    table = RECORD_VERSION
    counted = select(table.c.key, table.c.nth, func.count().label("n")).group_by(table.c.key, table.c.nth).subquery()
    things, count, most = connection.execute(
        select(func.count(), func.coalesce(func.sum(counted.c.n), 0), func.coalesce(func.max(counted.c.n), 0))
    ).one()
    key = connection.execute(
        select(counted.c.key).where(counted.c.n == most).order_by(counted.c.key).limit(1)
    ).scalar_one_or_none()
    present = connection.execute(
        select(func.count()).select_from(table).where(table.c.until_scan.is_(None))
    ).scalar_one()
    return Versions(things=int(things), present=int(present), versions=int(count), most=int(most), most_key=key)


# ── pruning ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def freed(connection: Connection, kept: Sequence[int], going: Sequence[int]) -> Freed:
    """What goes with the scans `going` where `kept` stay; both sorted.

    Raises:
        SQLAlchemyError: the store does not answer.
    """
    rows, size = 0, 0
    if going:
        parts = _loose(connection, kept, going)
        while loose := list(islice(parts, _AT_ONCE)):
            bodies = [body for kind, body in loose if kind == "body"]
            rows += len(bodies) + sum(kind == "version" for kind, _ in loose)
            size += _length(connection, bodies)
        told = select(func.count(), func.coalesce(func.sum(func.length(OBSERVATION.c.data)), 0))
        count, length = connection.execute(told.where(OBSERVATION.c.scan.in_(going))).one()
        rows, size = rows + int(count) + len(going), size + int(length)
    return Freed(scans=len(going), rows=rows, bytes=size)


def _loose(connection: Connection, kept: Sequence[int], going: Sequence[int]) -> Iterator[tuple[str, int]]:
    """(`version` or `body`, id of the content) of what holds in no scan that stays."""
    for section in SECTIONS:
        for _, group in groupby(versions(connection, section), key=lambda version: (version.key, version.nth)):
            staying: set[int] = set()
            leaving: list[int] = []
            for version in group:
                if _stays(version, kept):
                    staying.add(version.body)
                else:
                    leaving.append(version.body)
                    yield "version", version.body
            yield from (("body", body) for body in set(leaving) - staying)
    documents = {
        number: {options, sources}
        for number, options, sources in connection.execute(select(SCAN.c.number, SCAN.c.options, SCAN.c.sources))
    }
    needed = set().union(*(documents[number] for number in kept))
    yield from (("body", body) for body in set().union(*(documents[number] for number in going)) - needed)


def _stays(version: Version, kept: Sequence[int]) -> bool:
    after = len(kept) if version.until is None else bisect_right(kept, version.until)
    return bisect_left(kept, version.since) < after


def _length(connection: Connection, bodies: Sequence[int]) -> int:
    if not bodies:
        return 0
    length = select(func.coalesce(func.sum(func.length(BODY.c.data)), 0)).where(BODY.c.id.in_(bodies))
    return int(connection.execute(length).scalar_one())
