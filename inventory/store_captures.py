"""Stores of before the first release: each scan one capture file in a table of SQLite. Read once, to be imported."""

import io
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import msgspec

from inventory import capture_file
from inventory.finding import Finding
from inventory.scan import ScanInfo, ScanOptions
from inventory.store_place import StoreError
from inventory.stored_scan import StoredScan
from inventory.text import msg


def stored_scans(path: Path) -> Iterator[StoredScan]:
    """The scans in their order, with the findings that held in each; `known` stays empty, it is counted anew.

    Raises:
        StoreError: a scan cannot be read back.
    """
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as old:
        numbers = [number for (number,) in old.execute("SELECT number FROM scan ORDER BY number")]
        for number in numbers:
            try:
                yield _stored(old, path, number)
            except (sqlite3.Error, msgspec.DecodeError, capture_file.CaptureError) as error:
                raise StoreError(
                    msg("{path}: the scan cannot be read back: {why}", path=str(path), why=str(error))
                ) from error
    old.close()


def _stored(old: sqlite3.Connection, path: Path, number: int) -> StoredScan:
    info, options, capture = old.execute(
        "SELECT info, options, capture FROM scan WHERE number = ?", (number,)
    ).fetchone()
    bodies = old.execute(
        "SELECT body FROM finding WHERE since_scan <= ? AND (until_scan IS NULL OR until_scan >= ?)", (number, number)
    )
    return StoredScan(
        info=msgspec.json.decode(info, type=ScanInfo),
        options=msgspec.json.decode(options, type=ScanOptions),
        collection=capture_file.load(io.BytesIO(capture), name=f"{path} scan {number}"),
        findings=tuple(msgspec.json.decode(body, type=Finding) for (body,) in bodies),
        known={},
    )


def close_for_good(path: Path) -> None:
    """Brings all that SQLite wrote beside the file into it: the file alone is the store."""
    with sqlite3.connect(path) as old:
        old.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        old.execute("PRAGMA journal_mode = DELETE")
    old.close()
