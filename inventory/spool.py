"""What a collecting run has read so far, on disk: memory does not grow with the cloud, and a killed run can go on.

A file of SQLite beside what is to be written. Its writer is one process; each cell arrives in batches and counts only
once it is finished. What is on the do-not-scan list is dropped as it comes; what turns out to be on it later (a ledger
marks a system as classified) is dropped by `finish`. The file is private and removed once what it was for is written.
"""

import contextlib
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from inventory.collection import Collection, Taken, digest, guarded_record, speaks, without_names
from inventory.coverage import Cell, CellResult, CellState, Rejection, SourceInfo
from inventory.guard import Guard
from inventory.records import AnyRecord, ClassifiedTrace, Project, Record, System
from inventory.text import Message, msg, tell

BATCH = 500
"""Records of one cell that wait in memory before they are written."""
_SCHEMA = """
CREATE TABLE run (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE cell (
    id INTEGER PRIMARY KEY,
    source TEXT NOT NULL, scope TEXT NOT NULL, kind TEXT NOT NULL,
    list TEXT NOT NULL,      -- digest of the do-not-scan list by which it was read
    result TEXT,             -- CellResult as JSON; NULL until it is finished
    is_reusable INTEGER NOT NULL DEFAULT 0,
    is_taken INTEGER NOT NULL DEFAULT 0  -- of a capture, not of this run
) STRICT;
CREATE TABLE entry (
    cell INTEGER NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL, raw TEXT, body BLOB NOT NULL
) STRICT;
-- With a rowid: bodies are appended, and only their digests, which come in no order, move the pages of an index.
CREATE TABLE raw (digest TEXT PRIMARY KEY, body BLOB NOT NULL) STRICT;
CREATE TABLE spoiled (digest TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TABLE trace (cell INTEGER NOT NULL, source TEXT NOT NULL, what TEXT NOT NULL, count INTEGER NOT NULL,
    observed_at TEXT NOT NULL) STRICT;
CREATE TABLE rejection (cell INTEGER NOT NULL, body TEXT NOT NULL) STRICT;
"""
_ENCODER = msgspec.json.Encoder(order="sorted")
_RECORD: msgspec.json.Decoder[Record] = msgspec.json.Decoder(AnyRecord)
_NOBODY = 0
"""The cell of what was summed over cells."""


class SpoolError(Exception):
    """What was read cannot be written down; the message says what would help."""

    def __init__(self, message: Message) -> None:
        super().__init__(tell(message, "en"))
        self.message = message


class Abandoned(Exception):
    """The cell was closed by the scan's deadline while it was still being read."""


class Spool:
    """An open spool; `inventory.collection.Taken` once it is finished. Use as a context manager."""

    def __init__(self, path: Path | None, *, guard: Guard, taken_at: datetime, plan: str = "", resume: bool = False):
        """Opens the spool; without a path it lives in memory.

        `plan` is the digest of what is to be read (sources, program): a spool of another plan is not gone on with.

        Raises:
            SpoolError: the folder cannot be written to, or another run is writing to this spool.
        """
        self.path = path
        self.guard = guard
        self.sources: list[SourceInfo] = []
        self._lock = threading.RLock()
        self._is_open = True
        self.resumed = 0
        """Cells that an earlier run had finished and that need not be read again."""
        self.dropped = 0
        """Cells of an earlier run that are not gone on with: it was not asked for, or the plan is another."""
        with self._told():
            self._db = self._opened(plan if resume else None, plan, taken_at)
            (text,) = self._db.execute("SELECT value FROM run WHERE name = 'taken_at'").fetchone()
            self.resumed = _reusable(self._db)
        self.taken_at = datetime.fromisoformat(text)

    def _opened(self, wanted: str | None, plan: str, taken_at: datetime) -> sqlite3.Connection:
        is_there = self.path is not None and self.path.exists()
        try:
            db = self._connected()
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError:  # no spool, or what a loss of power left of one
            self.remove()
            db = self._connected()
        try:
            if is_there and wanted is not None and _plan(db) == wanted:
                _drop_unfinished(db)
                return db
            if is_there:
                self.dropped = _reusable(db)
                db.close()
                self.remove()
                db = self._connected()
            db.executescript(_SCHEMA)
            db.executemany("INSERT INTO run VALUES (?, ?)", [("plan", plan), ("taken_at", taken_at.isoformat())])
        except BaseException:
            db.close()
            raise
        return db

    def _connected(self) -> sqlite3.Connection:
        if self.path is not None:
            # SQLite would let everybody read it. What it writes beside it gets the same mode.
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
        db = sqlite3.connect(self.path or ":memory:", timeout=0, isolation_level=None, check_same_thread=False)
        try:
            db.execute("PRAGMA locking_mode = EXCLUSIVE")
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = NORMAL")
            db.execute("PRAGMA secure_delete = ON")  # what is dropped for the law's sake is not left in free pages
            db.execute("BEGIN IMMEDIATE")
            db.execute("COMMIT")
        except BaseException:
            db.close()
            raise
        return db

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._is_open = False
            self._db.close()

    def remove(self) -> None:
        """Takes the file away: what it held is written elsewhere, or is not wanted."""
        if self.path is not None:
            for suffix in ("", "-wal", "-shm"):
                self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            is_locked = isinstance(error, sqlite3.OperationalError) and "locked" in str(error)
            sentence = (
                msg("{path}: another run is collecting into this file; wait for it to end", path=str(self.path))
                if is_locked
                else msg(
                    "{path}: what was read cannot be written down ({why}); expected a writable folder with room on "
                    "its disk",
                    path=str(self.path),
                    why=(error.strerror if isinstance(error, OSError) else None) or str(error),
                )
            )
            raise SpoolError(sentence) from error

    def _check_open(self) -> None:
        """A reader's thread may come late, after the deadline or after another one crashed."""
        if not self._is_open:
            raise Abandoned

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._told():
            self._check_open()
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                if self._db.in_transaction:  # on a full disk SQLite has rolled back by itself
                    self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    # ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def finished(self, cell: Cell) -> CellResult | None:
        """How the cell ended in the run that is gone on with, if it was whole."""
        with self._lock, self._told():
            self._check_open()
            row = self._db.execute(
                "SELECT result FROM cell WHERE source = ? AND scope = ? AND kind = ? AND is_reusable",
                (cell.source, cell.scope, cell.kind),
            ).fetchone()
        return msgspec.json.decode(row[0], type=CellResult) if row else None

    def cell(self, cell: Cell) -> "CellWriter":
        """A writer for one cell; what an earlier run left of it is forgotten."""
        with self._transaction() as db:
            for (number,) in db.execute(
                "SELECT id FROM cell WHERE source = ? AND scope = ? AND kind = ? AND NOT is_taken",
                (cell.source, cell.scope, cell.kind),
            ).fetchall():
                _forget(db, number)
            cursor = db.execute(
                "INSERT INTO cell (source, scope, kind, list) VALUES (?, ?, ?, ?)",
                (cell.source, cell.scope, cell.kind, self.guard.fingerprint),
            )
        return CellWriter(self, cursor.lastrowid or 0, self.guard)

    def take(self, taken: Taken) -> None:
        """Adds what another run saw. Its sources are the caller's to add: he says what they may call themselves.

        Raises:
            SpoolError: it cannot be written.
        """
        with self._transaction() as db:
            numbers = [
                db.execute(
                    "INSERT INTO cell (source, scope, kind, list, result, is_taken) VALUES (?, ?, ?, ?, ?, 1)",
                    (r.cell.source, r.cell.scope, r.cell.kind, "", _ENCODER.encode(r).decode()),
                ).lastrowid
                for r in taken.cells
            ]
            # A capture's records do not say of which cell they are; that matters to nothing but the guard.
            cursor = db.execute(
                "INSERT INTO cell (source, scope, kind, list, is_taken) VALUES ('', '', ?, '', 1)", (str(len(numbers)),)
            )
            number = cursor.lastrowid or 0
            batch = _Batch()
            for record in taken.sorted_records():
                batch.entries.append((record, _ENCODER.encode(record)))
                if len(batch.entries) >= BATCH:
                    batch.write(db, number)
                    batch = _Batch()
            batch.rejections.extend(taken.rejections)
            batch.write(db, number)
            db.executemany("INSERT OR IGNORE INTO raw VALUES (?, ?)", taken.sorted_raws())

    def finish(self) -> None:
        """Drops what turned out to be on the do-not-scan list, and makes the spool ready to be read.

        Raises:
            SpoolError: it cannot be written.
        """
        with self._transaction() as db:
            _forget(db, _NOBODY)
            for (number,) in db.execute("SELECT id FROM cell WHERE result IS NULL AND NOT is_taken").fetchall():
                _forget(db, number)
            if self.guard:
                self._follow(db)
                stale = db.execute("SELECT id FROM cell WHERE list != ?", (self.guard.fingerprint,)).fetchall()
                for (number,) in stale:
                    self._guard_again(db, number)
                self._unspoil(db)
            self._sum_traces(db)
            db.execute("DELETE FROM raw WHERE digest NOT IN (SELECT raw FROM entry WHERE raw IS NOT NULL)")
            db.execute("CREATE INDEX IF NOT EXISTS entry_key ON entry (key)")

    def _follow(self, db: sqlite3.Connection) -> None:
        """What a listed project or system has belongs to the list, whichever was read first."""
        before = None
        while before != self.guard.fingerprint:
            before = self.guard.fingerprint
            for (body,) in db.execute(
                "SELECT body FROM entry WHERE kind IN (?, ?)", (_tag(Project), _tag(System))
            ).fetchall():
                self.guard.follow(_RECORD.decode(body))

    def _guard_again(self, db: sqlite3.Connection, number: int) -> None:
        rows = db.execute(
            "SELECT e.rowid, e.body, r.body FROM entry e LEFT JOIN raw r ON r.digest = e.raw WHERE e.cell = ?",
            (number,),
        )
        kept: list[tuple[bytes, str | None, int]] = []
        gone: list[tuple[int]] = []
        batch = _Batch()
        for rowid, body, raw in rows:
            record = _RECORD.decode(body)
            found = batch.guarded(record, raw, self.guard)
            if found is None:
                gone.append((rowid,))
            elif found is not record:
                kept.append((_ENCODER.encode(found), found.raw, rowid))
        db.executemany("UPDATE entry SET body = ?, raw = ? WHERE rowid = ?", kept)
        db.executemany("DELETE FROM entry WHERE rowid = ?", gone)
        batch.write(db, number)
        rejections = db.execute("SELECT rowid, body FROM rejection WHERE cell = ?", (number,)).fetchall()
        spoken = [(n,) for n, body in rejections if speaks(msgspec.json.decode(body, type=Rejection), self.guard)]
        db.executemany("DELETE FROM rejection WHERE rowid = ?", spoken)
        (text,) = db.execute("SELECT result FROM cell WHERE id = ?", (number,)).fetchone()
        if text is not None:
            result = without_names(msgspec.json.decode(text, type=CellResult), self.guard)
            text = _ENCODER.encode(result).decode()
        db.execute("UPDATE cell SET result = ?, list = ? WHERE id = ?", (text, self.guard.fingerprint, number))

    def _unspoil(self, db: sqlite3.Connection) -> None:
        """A document that another record was dropped with is dropped; the records that came from it stay without."""
        rows = db.execute("SELECT rowid, body FROM entry WHERE raw IN (SELECT digest FROM spoiled)").fetchall()
        changed = [(_ENCODER.encode(msgspec.structs.replace(_RECORD.decode(b), raw=None)), n) for n, b in rows]
        db.executemany("UPDATE entry SET body = ?, raw = NULL WHERE rowid = ?", changed)
        db.execute("DELETE FROM raw WHERE digest IN (SELECT digest FROM spoiled)")

    def _sum_traces(self, db: sqlite3.Connection) -> None:
        rows = db.execute("SELECT source, what, sum(count), max(observed_at) FROM trace GROUP BY source, what")
        traces = [
            ClassifiedTrace(
                source=source, native_id=what, observed_at=datetime.fromisoformat(when), what=what, count=count
            )
            for source, what, count, when in rows.fetchall()
        ]
        _write_entries(db, _NOBODY, [(t, _ENCODER.encode(t)) for t in traces])

    # ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def cells(self) -> Sequence[CellResult]:
        """How each finished cell ended."""
        rows = self._rows("SELECT result FROM cell WHERE result IS NOT NULL ORDER BY source, scope, kind")
        return [msgspec.json.decode(text, type=CellResult) for (text,) in rows]

    @property
    def rejections(self) -> Sequence[Rejection]:
        """Rows that could not be used, in the order of their cells."""
        rows = self._rows("SELECT body FROM rejection ORDER BY cell, rowid")
        return [msgspec.json.decode(text, type=Rejection) for (text,) in rows]

    def sorted_lines(self) -> Iterator[bytes]:
        """Every record as canonical JSON, in the order of its key."""
        return (body for (body,) in self._rows("SELECT body FROM entry ORDER BY key, body"))

    def sorted_records(self) -> Iterator[Record]:
        """Every record in the order of its key."""
        return map(_RECORD.decode, self.sorted_lines())

    def placed(self) -> Iterator[tuple[str, Cell | None, bytes]]:
        """Every record in the order of its key: the key, the cell that it was read in, and it as canonical JSON.

        None for what captures hold: it does not say of which of their cells it is.
        """
        rows = self._rows(
            "SELECT e.key, c.source, c.scope, c.kind, e.body FROM entry e LEFT JOIN cell c ON c.id = e.cell"
            " AND NOT c.is_taken ORDER BY e.key"
        )
        cells: dict[tuple[str, str, str], Cell] = {}
        for key, source, scope, kind, body in rows:
            if source is None:
                yield key, None, body
            else:
                place = (source, scope, kind)
                yield key, cells.setdefault(place, Cell(*place)), body

    def sorted_raws(self) -> Iterator[tuple[str, bytes]]:
        """Every raw document once, as (digest, canonical JSON), in the order of the digests."""
        return ((name, body) for name, body in self._rows("SELECT digest, body FROM raw ORDER BY digest"))

    def collection(self, *, with_raws: bool = True) -> Collection:
        """All of it in memory, to be judged; judging needs no raw documents."""
        return Collection(
            taken_at=self.taken_at,
            sources=list(self.sources),
            records=list(self.sorted_records()),
            raws=dict(self.sorted_raws()) if with_raws else {},
            cells=list(self.cells),
            rejections=list(self.rejections),
        )

    def _rows(self, statement: str) -> Iterator[Any]:
        with self._told():
            yield from self._db.execute(statement)


class CellWriter:
    """Takes what one cell's reader says; nothing of it counts before `finish`."""

    def __init__(self, spool: Spool, number: int, guard: Guard) -> None:
        self._spool = spool
        self._number = number
        self._guard = guard
        self._batch = _Batch()
        self._is_open = True
        self.seen = 0
        """Records that the cell has told, the dropped ones among them."""
        self.rejected = 0

    def add(self, record: Record, raw: bytes | None) -> None:
        """One record and the canonical JSON of the document that it came from.

        Raises:
            Abandoned: the cell has been closed meanwhile.
            UnicodeEncodeError: a text in it is none.
            SpoolError: it cannot be written.
        """
        if raw is not None:
            record = msgspec.structs.replace(record, raw=digest(raw))
        if self._guard:
            self._guard.follow(record)
        if self._guard or isinstance(record, ClassifiedTrace):
            found = self._batch.guarded(record, raw, self._guard)
        else:
            found = record
        if found is not None:
            self._batch.entries.append((found, _ENCODER.encode(found)))
            if raw is not None and found.raw:
                self._batch.raws[found.raw] = raw
        self.seen += 1
        if len(self._batch.entries) >= BATCH:
            self._flush()

    def reject(self, rejection: Rejection) -> None:
        """One row that could not be used."""
        self.rejected += 1
        if not self._guard or not speaks(rejection, self._guard):
            self._batch.rejections.append(rejection)

    def _flush(self) -> None:
        with self._spool._transaction() as db:  # noqa: SLF001 - one class in two parts
            if not self._is_open:
                raise Abandoned
            self._batch.write(db, self._number)
            self._batch = _Batch()

    def finish(self, result: CellResult, *, is_reusable: bool = True) -> None:
        """The cell has ended: from now on it counts. Only a whole one is ever reused.

        Raises:
            Abandoned: it has been closed meanwhile.
            SpoolError: it cannot be written.
        """
        self._close(result, self._batch, is_reusable=is_reusable and result.state is CellState.COMPLETE)

    def abandon(self, result: Callable[[int], CellResult]) -> CellResult | None:
        """Closes the cell under its reader's hands, keeping what was written; None if it has ended by itself."""
        with self._spool._transaction() as db:  # noqa: SLF001
            if not self._is_open:
                return None
            (written,) = db.execute("SELECT count(*) FROM entry WHERE cell = ?", (self._number,)).fetchone()
            told = without_names(result(written), self._guard)
            # What waits in the reader's own batch is its thread's: it is left alone.
            self._write_result(db, told, is_reusable=False)
            return told

    def _close(self, result: CellResult, batch: "_Batch", *, is_reusable: bool) -> None:
        with self._spool._transaction() as db:  # noqa: SLF001
            if not self._is_open:
                raise Abandoned
            batch.write(db, self._number)
            self._write_result(db, without_names(result, self._guard), is_reusable=is_reusable)

    def _write_result(self, db: sqlite3.Connection, result: CellResult, *, is_reusable: bool) -> None:
        self._is_open = False
        db.execute(
            "UPDATE cell SET result = ?, is_reusable = ? WHERE id = ?",
            (_ENCODER.encode(result).decode(), is_reusable, self._number),
        )


class _Batch:
    """What waits to be written for one cell."""

    def __init__(self) -> None:
        self.entries: list[tuple[Record, bytes]] = []
        self.raws: dict[str, bytes] = {}
        self.spoiled: set[str] = set()
        self.traces: list[ClassifiedTrace] = []
        self.rejections: list[Rejection] = []

    def guarded(self, record: Record, raw: bytes | None, guard: Guard) -> Record | None:
        """The record as it may be kept, or None; what is dropped leaves a count."""
        if raw is not None and record.raw and guard and guard.mentions_in(raw):
            self.spoiled.add(record.raw)
        found = guarded_record(record, guard)
        if isinstance(found, ClassifiedTrace):
            self.traces.append(found)
            if record.raw:
                self.spoiled.add(record.raw)
            return None
        if found.raw in self.spoiled:
            found = msgspec.structs.replace(found, raw=None)
        return found

    def write(self, db: sqlite3.Connection, cell: int) -> None:
        _write_entries(db, cell, self.entries)
        db.executemany("INSERT OR IGNORE INTO raw VALUES (?, ?)", self.raws.items())
        db.executemany("INSERT OR IGNORE INTO spoiled VALUES (?)", [(d,) for d in self.spoiled])
        db.executemany(
            "INSERT INTO trace VALUES (?, ?, ?, ?, ?)",
            [(cell, t.source, t.what, t.count, t.observed_at.isoformat()) for t in self.traces],
        )
        db.executemany(
            "INSERT INTO rejection VALUES (?, ?)", [(cell, _ENCODER.encode(r).decode()) for r in self.rejections]
        )


def _write_entries(db: sqlite3.Connection, cell: int, entries: Iterable[tuple[Record, bytes]]) -> None:
    db.executemany("INSERT INTO entry VALUES (?, ?, ?, ?, ?)", [(cell, r.kind, r.key, r.raw, b) for r, b in entries])


def _forget(db: sqlite3.Connection, number: int) -> None:
    for table in ("entry", "trace", "rejection"):
        db.execute(f"DELETE FROM {table} WHERE cell = ?", (number,))  # noqa: S608 - names of ours
    db.execute("DELETE FROM cell WHERE id = ?", (number,))


def _drop_unfinished(db: sqlite3.Connection) -> None:
    """What an earlier run had begun and what was not whole is read again."""
    for (number,) in db.execute("SELECT id FROM cell WHERE NOT is_reusable").fetchall():
        _forget(db, number)
    _forget(db, _NOBODY)


def _plan(db: sqlite3.Connection) -> str | None:
    """The plan that a file was begun for; None if it is no spool, or a damaged one."""
    try:
        (state,) = db.execute("PRAGMA quick_check").fetchone()
        row = db.execute("SELECT value FROM run WHERE name = 'plan'").fetchone()
    except sqlite3.DatabaseError:
        return None
    return row[0] if row and state == "ok" else None


def _reusable(db: sqlite3.Connection) -> int:
    try:
        (count,) = db.execute("SELECT count(*) FROM cell WHERE is_reusable").fetchone()
    except sqlite3.DatabaseError:
        return 0
    return int(count)


def _tag(kind: type[Record]) -> str:
    return str(kind.__struct_config__.tag)
