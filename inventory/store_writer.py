"""Writing a scan: its streams are laid beside what the store holds, and only what differs is written.

Both sides come in the order of their keys, a page at a time: memory does not grow with the inventory.
"""

import contextlib
import gc
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

import msgspec
from sqlalchemy import Connection, Table, func, select

from inventory.collection import Taken
from inventory.finding import Finding, Verdict
from inventory.scan import ScanInfo, ScanOptions
from inventory.store_bulk import BATCH_BYTES, BATCH_ROWS, Version, blob, close_versions, insert, inserting, latest
from inventory.store_chain import Changes, ScanEntry, append, time_header
from inventory.store_rows import (
    Item,
    Runs,
    canonical,
    cell_items,
    finding_items,
    packed,
    raw_items,
    record_items,
    rejection_items,
    sha256,
)
from inventory.store_schema import (
    BODY,
    CELLS,
    FINDINGS,
    OBSERVATION,
    RAWS,
    RECORDS,
    REJECTIONS,
    SCAN,
    Section,
)


def write_scan(
    connection: Connection, info: ScanInfo, options: ScanOptions, taken: Taken, findings: Iterable[Finding]
) -> ScanInfo:
    """Writes the scan as the next one, in the caller's transaction, and returns it with its number and its head.

    Raises:
        Disorder: a stream is not in its order, or two findings have one key.
        SQLAlchemyError: it could not be written.
    """
    number = (connection.execute(select(func.max(SCAN.c.number))).scalar_one() or 0) + 1
    info = msgspec.structs.replace(info, number=number, head="")
    with _without_garbage_collection():
        return _Writer(connection, info).write(options, taken, findings)


@contextlib.contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Rows are tuples by the million, and none refers to itself: to look for that costs a sixth of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class _Writer:
    def __init__(self, connection: Connection, info: ScanInfo) -> None:
        self._db = connection
        self._info = info
        self._batches = _Batches(connection, last=info.number - 1)
        self._changes = Changes()
        self._times = hashlib.sha256()
        as_of = info.as_of.isoformat()
        self._since: dict[str, tuple[object, ...]] = {"": ()}
        """Verdict to itself and since when it has held, where it holds since this scan; nothing of what has none."""
        self._since.update((v.value, (v.value, info.number, as_of)) for v in Verdict)

    def write(self, options: ScanOptions, taken: Taken, findings: Iterable[Finding]) -> ScanInfo:
        with self._batches.sending:
            return self._write(options, taken, findings)

    def _write(self, options: ScanOptions, taken: Taken, findings: Iterable[Finding]) -> ScanInfo:
        observed = self._runs(RECORDS, quoted=True)
        self._merge(RECORDS, record_items(taken.sorted_lines(), observed))
        observed.close()
        self._merge(RAWS, raw_items(taken.sorted_raws()))
        read = self._runs(CELLS, quoted=False)
        self._merge(CELLS, cell_items(taken.cells, read))
        read.close()
        self._merge(REJECTIONS, rejection_items(taken.rejections))
        self._merge(FINDINGS, finding_items(findings))
        return self._finish(canonical(options), canonical(list(taken.sources)), taken.taken_at.isoformat())

    def _finish(self, options: bytes, sources: bytes, taken_at: str) -> ScanInfo:
        entry = append(
            self._db,
            "scan",
            ScanEntry(
                scan=self._info.number,
                info=msgspec.Raw(canonical(self._info)),
                taken_at=taken_at,
                options=sha256(options).hex(),
                sources=sha256(sources).hex(),
                times=self._times.hexdigest(),
                changes=self._changes.hexdigest(),
            ),
        )
        row = (
            self._info.number,
            canonical(self._info).decode(),
            taken_at,
            self._document("options", options),
            self._document("sources", sources),
            entry.number,
        )
        self._batches.flush()
        insert(self._db, SCAN, [row])
        return msgspec.structs.replace(self._info, head=entry.digest.hex())

    def _document(self, column: str, data: bytes) -> int:
        """The body of the last scan's options or sources, where they are the same still, else a new one."""
        before = self._db.execute(
            select(BODY.c.id, BODY.c.data)
            .join(SCAN, SCAN.c[column] == BODY.c.id)
            .order_by(SCAN.c.number.desc())
            .limit(1)
        ).first()
        return int(before[0]) if before is not None and before[1] == data else self._batches.bodies([data])[0]

    def _runs(self, section: Section, *, quoted: bool) -> Runs:
        parts = 0

        def write(part: bytes) -> None:
            nonlocal parts
            self._times.update(time_header(section.name, parts) + part)
            self._batches.settle()
            insert(self._db, OBSERVATION, [(self._info.number, section.name, parts, packed(part))])
            parts += 1

        return Runs(write, quoted=quoted)

    # ── laying the streams side by side ──────────────────────────────────────────────────────────────────────────────

    def _merge(self, section: Section, incoming: Iterator[Item]) -> None:
        self._changes.section(section)
        stored = latest(self._db, section, self._batches.settle)
        held = next(stored, None)
        for item in incoming:
            key, nth, digest, _, _ = item
            if held is not None and held[0] == key and held[1] == nth and held[4] == digest and held[3] is None:
                held = next(stored, None)  # as it was: nearly all of an ordinary night
                continue
            while held is not None and (held[0] < key or (held[0] == key and held[1] < nth)):
                self._went(section, Version(*held))
                held = next(stored, None)
            if held is None:
                # It follows all that the store holds, and so does the rest: on a first night, everything.
                for items in _bounded(chain((item,), incoming)):
                    self._came(section, items)
                break
            if held[0] != key or held[1] != nth:
                self._came(section, [item])
                continue
            if held[3] is not None or held[4] != digest:
                before = Version(*held)
                self._went(section, before)
                self._came(section, [item], before)
            held = next(stored, None)
        while held is not None:
            self._went(section, Version(*held))
            held = next(stored, None)
        self._batches.flush()

    def _went(self, section: Section, version: Version) -> None:
        if version.until is None:
            self._changes.went(version.key, version.nth)
            self._batches.close(section.table, (version.key, version.nth, version.since))

    def _came(self, section: Section, items: list[Item], before: Version | None = None) -> None:
        """Items that hold from this scan on; `before` is the newest version that the store has of the only one."""
        since = self._since
        if before is not None and before.until is None and before.verdict:
            since = since | {before.verdict: (before.verdict, before.known_scan, before.known_at)}
        self._changes.came((key, nth, digest, since[verdict]) for key, nth, digest, _, verdict in items)
        bodies: Sequence[int]
        if before is not None and before.digest == items[0][2]:
            bodies = [before.body]  # it was gone and is back as it was
        else:
            bodies = self._batches.bodies([packed(item[3]) if section.is_packed else item[3] for item in items])
        number, rows = self._info.number, zip(bodies, items, strict=True)
        if section is RAWS:
            self._batches.add(
                section.table, [(blob(digest), nth, number, body) for body, (_, nth, digest, _, _) in rows]
            )
        else:
            self._batches.add(
                section.table,
                [
                    (key, nth, number, body, blob(digest), *since[verdict])
                    for body, (key, nth, digest, _, verdict) in rows
                ],
            )


def _bounded(items: Iterator[Item]) -> Iterator[list[Item]]:
    """As many at a time as make half a batch."""
    some: list[Item] = []
    size = 0
    for item in items:
        some.append(item)
        size += len(item[3])
        if size >= BATCH_BYTES or len(some) >= BATCH_ROWS // 2:
            yield some
            some, size = [], 0
    if some:
        yield some


_COLUMNS = ("key", "nth", "since_scan", "body", "digest", "verdict", "known_scan", "known_at")
"""Of a version that begins. Raw documents have the first four, findings all."""


class _Batches:
    """Rows on their way to the store, sent when there are enough of them."""

    def __init__(self, connection: Connection, *, last: int) -> None:
        self._db = connection
        self._last = last
        self._next_body = (connection.execute(select(func.max(BODY.c.id))).scalar_one() or 0) + 1
        self._bodies: list[tuple[int, bytearray]] = []
        self._bytes = 0
        self._rows: list[tuple[Any, ...]] = []
        self._closed: list[tuple[str | bytes, int, int]] = []
        self._table: Table | None = None
        self.sending = contextlib.ExitStack()
        """What a server still works on; where the scan cannot go on, it is told to give it up."""

    def bodies(self, contents: Sequence[bytes]) -> range:
        """The ids under which the contents will stand."""
        first = self._next_body
        self._next_body += len(contents)
        self._bodies.extend(enumerate(map(blob, contents), first))
        self._bytes += sum(map(len, contents))
        return range(first, self._next_body)

    def add(self, table: Table, rows: Sequence[tuple[object, ...]]) -> None:
        """Versions of contents that wait, or were sent.

        Either goes when there is a batch of it. They come half a batch at a time, so that they take turns, and a server
        works on the one while more of the other is prepared.
        """
        self._table = table
        self._rows.extend(rows)
        if len(self._bodies) >= BATCH_ROWS or self._bytes >= BATCH_BYTES:
            self.settle()
            self._send_bodies()
        elif len(self._rows) >= BATCH_ROWS:
            self.settle()
            self.sending.enter_context(inserting(self._db, table, self._rows, _COLUMNS[: len(self._rows[0])]))
            self._rows = []

    def close(self, table: Table, place: tuple[str | bytes, int, int]) -> None:
        self._table = table
        self._closed.append(place)
        if len(self._closed) >= BATCH_ROWS:
            self._send()

    def flush(self) -> None:
        """Sends what waits, and waits until it is there."""
        self._send()
        self.settle()

    def _send(self) -> None:
        """Sends what waits: of one section at a time, so that one table is enough to remember.

        A server still works on the contents while more is prepared. Until `settle` nothing else may use the connection.
        """
        self.settle()
        if self._table is not None:
            close_versions(self._db, self._table, self._closed, self._last)
            if self._rows:
                insert(self._db, self._table, self._rows, _COLUMNS[: len(self._rows[0])])
        self._rows, self._closed = [], []
        self._send_bodies()

    def _send_bodies(self) -> None:
        self.sending.enter_context(inserting(self._db, BODY, self._bodies))
        self._bodies, self._bytes = [], 0

    def settle(self) -> None:
        """Waits until what was sent is there."""
        self.sending.close()
