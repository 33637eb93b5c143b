"""Every finished scan, in one SQLite file.

A scan is one transaction: its readers see the last finished scan until the next is whole, and a scan that is killed
leaves nothing behind. What a scan saw is kept as its capture, so that it can be judged again; findings are kept as
versions that say from which scan to which they held.
"""

import contextlib
import fcntl
import io
import os
import sqlite3
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Self

import msgspec

from inventory import capture_file
from inventory.collection import Collection
from inventory.finding import Finding
from inventory.scan import Known, ScanInfo, ScanOptions
from inventory.text import Message, msg, tell

SCHEMA_VERSION = 1
_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE scan (
    number INTEGER PRIMARY KEY,
    info TEXT NOT NULL,      -- ScanInfo as JSON
    options TEXT NOT NULL,   -- ScanOptions as JSON
    capture BLOB NOT NULL    -- what the scan saw, as a capture file
) STRICT;
CREATE TABLE finding (
    key TEXT NOT NULL,       -- check@subject
    body TEXT NOT NULL,      -- Finding as JSON
    verdict TEXT NOT NULL,
    since_scan INTEGER NOT NULL REFERENCES scan (number),
    until_scan INTEGER,      -- last scan in which this version held; NULL while it holds
    known_scan INTEGER NOT NULL,  -- first scan in which this verdict held without a break
    known_at TEXT NOT NULL,
    PRIMARY KEY (key, since_scan)
) STRICT;
CREATE INDEX finding_open ON finding (key) WHERE until_scan IS NULL;
"""
_ENCODER = msgspec.json.Encoder(order="sorted")


class StoreError(Exception):
    """The store cannot be opened, written or locked; the message says what would help."""

    def __init__(self, message: Message) -> None:
        super().__init__(tell(message, "en"))
        self.message = message


class StoredScan(msgspec.Struct, frozen=True, kw_only=True):
    """One finished scan as it was kept."""

    info: ScanInfo
    options: ScanOptions
    collection: Collection
    findings: tuple[Finding, ...]
    known: dict[str, Known]
    """Finding key to since when its verdict has held."""


class Store:
    """An open store. Use as a context manager."""

    def __init__(self, path: Path, *, must_exist: bool = False) -> None:
        """Opens the store, creating it if it is not there.

        Raises:
            StoreError: not a store, of a newer program, or the folder or file cannot be read or written.
        """
        self.path = path
        if must_exist and not path.is_file():
            raise StoreError(msg("{path}: there is no store yet; `yunhe scan` makes one", path=str(path)))
        with contextlib.suppress(OSError):
            # SQLite would let everybody read it. What it writes beside it gets the same mode.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        try:
            self._db = sqlite3.connect(path, timeout=30, isolation_level=None)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.execute("PRAGMA foreign_keys = ON")
            self._create()
        except sqlite3.Error as error:
            sentence = msg(
                "{path}: the store cannot be opened ({why}); expected a file that `yunhe scan` made, writable, "
                "in a writable folder with room on its disk",
                path=str(path),
                why=str(error),
            )
            raise StoreError(sentence) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def _create(self) -> None:
        with self._transaction():
            (tables,) = self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()
            if not tables:
                for statement in _SCHEMA.split(";\n"):
                    self._db.execute(statement)
                self._db.execute("INSERT INTO meta VALUES ('schema_version', ?)", (str(SCHEMA_VERSION),))
            row = self._db.execute("SELECT value FROM meta WHERE key = 'schema_version'").fetchone()
        if row is None or int(row[0]) != SCHEMA_VERSION:
            found = row[0] if row else "unknown"
            raise StoreError(
                msg(
                    "{path}: schema {found}; this program reads schema {known}: use the version of yunhe that made it",
                    path=str(self.path),
                    found=str(found),
                    known=SCHEMA_VERSION,
                )
            )

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            if self._db.in_transaction:  # on a full disk SQLite has rolled back by itself
                self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def save(
        self, *, info: ScanInfo, options: ScanOptions, collection: Collection, findings: Sequence[Finding]
    ) -> ScanInfo:
        """Keeps the scan whole or not at all, and returns it with its number.

        Raises:
            StoreError: it could not be written; the last finished scan stands as it was.
        """
        buffer = io.BytesIO()
        capture_file.dump(collection, buffer, tool=info.tool)
        try:
            with self._transaction():
                (last,) = self._db.execute("SELECT coalesce(max(number), 0) FROM scan").fetchone()
                info = msgspec.structs.replace(info, number=last + 1)
                self._db.execute(
                    "INSERT INTO scan VALUES (?, ?, ?, ?)",
                    (info.number, _text(info), _text(options), buffer.getvalue()),
                )
                self._save_findings(info, findings)
        except sqlite3.Error as error:
            sentence = msg(
                "{path}: the scan could not be kept ({why}); the last finished scan stands",
                path=str(self.path),
                why=str(error),
            )
            raise StoreError(sentence) from error
        return info

    def _save_findings(self, info: ScanInfo, findings: Sequence[Finding]) -> None:
        open_rows = {
            key: (body, verdict, known_scan, known_at)
            for key, body, verdict, known_scan, known_at in self._db.execute(
                "SELECT key, body, verdict, known_scan, known_at FROM finding WHERE until_scan IS NULL"
            )
        }
        for finding in findings:
            body = _text(finding)
            before = open_rows.pop(finding.key, None)
            if before is not None and before[0] == body:
                continue
            known: tuple[int, str] = (info.number, info.as_of.isoformat())
            if before is not None:
                self._close(finding.key, info.number - 1)
                if before[1] == finding.verdict:
                    known = (before[2], before[3])
            self._db.execute(
                "INSERT INTO finding VALUES (?, ?, ?, ?, NULL, ?, ?)",
                (finding.key, body, finding.verdict, info.number, *known),
            )
        for key in open_rows:
            self._close(key, info.number - 1)

    def _close(self, key: str, last: int) -> None:
        self._db.execute("UPDATE finding SET until_scan = ? WHERE key = ? AND until_scan IS NULL", (last, key))

    def last_number(self) -> int | None:
        """Number of the last finished scan; None before the first."""
        (number,) = self._db.execute("SELECT max(number) FROM scan").fetchone()
        return None if number is None else int(number)

    def load(self, number: int | None = None) -> StoredScan | None:
        """A finished scan, the last one by default; None if there is none of that number.

        Raises:
            StoreError: it cannot be read back.
        """
        if number is not None and not 0 < number < 2**63:
            return None
        try:
            self._db.execute("BEGIN")
            try:
                wanted = self.last_number() if number is None else number
                row = self._db.execute("SELECT info, options, capture FROM scan WHERE number = ?", (wanted,)).fetchone()
                if row is None or wanted is None:
                    return None
                found = self._db.execute(
                    "SELECT body, known_scan, known_at FROM finding"
                    " WHERE since_scan <= ? AND (until_scan IS NULL OR until_scan >= ?)",
                    (wanted, wanted),
                ).fetchall()
            finally:
                self._db.execute("COMMIT")
            findings = [(msgspec.json.decode(body, type=Finding), scan, at) for body, scan, at in found]
            return StoredScan(
                info=msgspec.json.decode(row[0], type=ScanInfo),
                options=msgspec.json.decode(row[1], type=ScanOptions),
                collection=capture_file.load(io.BytesIO(row[2]), name=f"{self.path} scan {wanted}"),
                findings=tuple(f for f, _, _ in findings),
                known={f.key: Known(first_scan=scan, first_at=datetime.fromisoformat(at)) for f, scan, at in findings},
            )
        except (sqlite3.Error, msgspec.DecodeError, capture_file.CaptureError) as error:
            sentence = msg("{path}: the scan cannot be read back: {why}", path=str(self.path), why=str(error))
            raise StoreError(sentence) from error


def _text(value: msgspec.Struct) -> str:
    return _ENCODER.encode(value).decode()


@contextlib.contextmanager
def lock(path: Path) -> Iterator[None]:
    """Holds the store against a second scan; the kernel lets go of it if the process dies.

    Raises:
        StoreError: another scan holds it, or the lock file cannot be written.
    """
    name = path.with_name(path.name + ".lock")
    try:
        descriptor = os.open(name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        sentence = msg(
            "{path}: the store cannot be written: {why} ({file}); expected a folder that is there and writable",
            path=str(path),
            why=error.strerror or str(error),
            file=str(name),
        )
        raise StoreError(sentence) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            sentence = msg("{path}: another scan is writing to this store; wait for it to end", path=str(path))
            raise StoreError(sentence) from error
        yield
    finally:
        os.close(descriptor)
