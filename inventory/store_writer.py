"""Writing a scan: its streams are laid beside what the store holds, and only what differs is written.

Both sides come in the order of their keys, a page at a time: memory does not grow with the inventory.
"""

import contextlib
import gc
import hashlib
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, Table, func, select

from inventory.collection import Taken
from inventory.finding import Finding, Verdict
from inventory.scan import ScanInfo, ScanOptions
from inventory.store_bulk import (
    BATCH_BYTES,
    BATCH_ROWS,
    Version,
    blob,
    close_versions,
    insert,
    inserting,
)
from inventory.store_chain import Changes, ScanEntry, append, time_header
from inventory.store_incoming import (
    Block,
    FindingStream,
    RawStream,
    RecordStream,
    Stream,
    cell_stream,
    rejection_stream,
)
from inventory.store_kept import Kept
from inventory.store_rows import Runs, canonical, packed, sha256
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
    connection: Connection, info: ScanInfo, options: ScanOptions, taken: Taken, findings: Sequence[Finding]
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

    def write(self, options: ScanOptions, taken: Taken, findings: Sequence[Finding]) -> ScanInfo:
        with self._batches.sending:
            return self._write(options, taken, findings)

    def _write(self, options: ScanOptions, taken: Taken, findings: Sequence[Finding]) -> ScanInfo:
        observed = self._runs(RECORDS, quoted=True)
        self._merge(RECORDS, RecordStream(taken.sorted_lines(), observed))
        observed.close()
        self._merge(RAWS, RawStream(taken.sorted_raws()))
        read = self._runs(CELLS, quoted=False)
        self._merge(CELLS, cell_stream(taken.cells, read))
        read.close()
        self._merge(REJECTIONS, rejection_stream(taken.rejections))
        self._merge(FINDINGS, FindingStream(findings))
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

    def _merge(self, section: Section, stream: Stream) -> None:
        self._changes.section(section)
        kept = Kept(self._db, section, self._batches.settle)
        pace = _Pace()
        while (block := stream.take(pace.count)) is not None:
            if kept.is_read:
                # It follows all that the store holds, and so does the rest: on a first night, everything.
                pace.count = BATCH_ROWS // 2
                self._came(section, _Things(*block.places(), block.digests, block.bodies, block.verdicts))
            elif pace.is_calm and kept.skip(block):
                pace.held()
            else:
                self._lay_beside(section, block, kept.rows(block.last))
                pace.differed()
        if not kept.is_read:
            for row in kept.rows(None):
                self._went(section, Version(*row))
        self._batches.flush()

    def _lay_beside(self, section: Section, block: Block, stored: Iterator[tuple[Any, ...]]) -> None:
        held = next(stored, None)
        things = zip(*block.places(), block.digests, block.bodies, block.verdicts, strict=True)
        for key, nth, digest, body, verdict in things:
            while held is not None and (held[0] < key or (held[0] == key and held[1] < nth)):
                self._went(section, Version(*held))
                held = next(stored, None)
            before = None
            if held is not None and held[0] == key and held[1] == nth:
                is_as_it_was = held[4] == digest and held[3] is None
                if not is_as_it_was:
                    before = Version(*held)
                    self._went(section, before)
                held = next(stored, None)
                if is_as_it_was:
                    continue
            self._came(section, _Things([key], [nth], [digest], [body], [verdict]), before)
        while held is not None:
            self._went(section, Version(*held))
            held = next(stored, None)

    def _went(self, section: Section, version: Version) -> None:
        if version.until is None:
            self._changes.went(version.key, version.nth)
            self._batches.close(section.table, (version.key, version.nth, version.since))

    def _came(self, section: Section, things: "_Things", before: Version | None = None) -> None:
        """Things that hold from this scan on; `before` is the newest version that the store has of the only one."""
        keys, nths, digests, contents, verdicts = things
        since = self._since
        if before is not None and before.until is None and before.verdict:
            since = since | {before.verdict: (before.verdict, before.known_scan, before.known_at)}
        facts = [since[verdict] for verdict in verdicts]
        self._changes.came(keys, nths, digests, facts)
        bodies: Sequence[int]
        if before is not None and before.digest == digests[0]:
            bodies = [before.body]  # it was gone and is back as it was
        else:
            bodies = self._batches.bodies([*map(packed, contents)] if section.is_packed else contents)
        numbers = [self._info.number] * len(keys)
        if section is RAWS:
            columns: list[Sequence[object]] = [[*map(blob, digests)], nths, numbers, bodies]
        else:
            columns = [keys, nths, numbers, bodies, [*map(blob, digests)], *zip(*facts, strict=True)]
        self._batches.add(section.table, columns)


class _Things(NamedTuple):
    """Some things of a section; each list has an entry for each of them."""

    keys: Sequence[str | bytes]
    nths: Sequence[int]
    digests: Sequence[bytes]
    bodies: Sequence[bytes]
    verdicts: Sequence[str]


class _Pace:
    """How many things are laid beside the store at once: more and more where nothing changed.

    Where blocks differ again and again, it stops to ask whether they do: for longer each time.
    """

    FIRST, MOST = 250, 1000

    def __init__(self) -> None:
        self.count = self.FIRST
        self._blind = 0
        self._failures = 0

    @property
    def is_calm(self) -> bool:
        """Whether it is worth to ask."""
        return self._blind == 0

    def held(self) -> None:
        """A block was as it had been."""
        self.count = min(self.count * 2, self.MOST)
        self._failures = 0

    def differed(self) -> None:
        """A block was not, or nobody asked."""
        if self._blind:
            self._blind -= 1
        else:
            self._blind = self._failures
            self._failures = min(2 * self._failures + 1, 31)
        self.count = self.MOST if self._blind else self.FIRST


_COLUMNS = ("key", "nth", "since_scan", "body", "digest", "verdict", "known_scan", "known_at")
"""Of a version that begins. Raw documents have the first four, findings all."""


class _Batches:
    """Rows on their way to the store, sent when there are enough of them."""

    def __init__(self, connection: Connection, *, last: int) -> None:
        self._db = connection
        self._last = last
        self._next_body = (connection.execute(select(func.max(BODY.c.id))).scalar_one() or 0) + 1
        self._bodies: list[list[object]] = [[], []]
        self._bytes = 0
        self._rows: list[list[object]] = []
        """What waits, a list for each column: no row is made of them on the way."""
        self._closed: list[tuple[str | bytes, int, int]] = []
        self._table: Table | None = None
        self.sending = contextlib.ExitStack()
        """What a server still works on; where the scan cannot go on, it is told to give it up."""

    def bodies(self, contents: Sequence[bytes]) -> range:
        """The ids under which the contents will stand."""
        first = self._next_body
        self._next_body += len(contents)
        numbers = range(first, self._next_body)
        self._bodies[0] += numbers
        self._bodies[1] += map(blob, contents)
        self._bytes += sum(map(len, contents))
        return numbers

    def add(self, table: Table, columns: Sequence[Sequence[object]]) -> None:
        """Versions of contents that wait, or were sent; a list for each column of `_COLUMNS` that they have.

        Either goes when there is a batch of it. They come half a batch at a time, so that they take turns, and a server
        works on the one while more of the other is prepared.
        """
        self._table = table
        if not self._rows:
            self._rows = [[] for _ in columns]
        for waiting, more in zip(self._rows, columns, strict=True):
            waiting.extend(more)
        if len(self._bodies[0]) >= BATCH_ROWS or self._bytes >= BATCH_BYTES:
            self.settle()
            self._send_bodies()
        elif len(self._rows[0]) >= BATCH_ROWS:
            self.settle()
            self._send_rows(table)

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
            self._send_rows(self._table)
            self.settle()
        self._closed = []
        self._send_bodies()

    def _send_rows(self, table: Table) -> None:
        self.sending.enter_context(inserting(self._db, table, self._rows, _COLUMNS[: len(self._rows)]))
        self._rows = []

    def _send_bodies(self) -> None:
        self.sending.enter_context(inserting(self._db, BODY, self._bodies, BODY.columns.keys()))
        self._bodies, self._bytes = [[], []], 0

    def settle(self) -> None:
        """Waits until what was sent is there."""
        self.sending.close()
