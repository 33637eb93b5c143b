"""A backup of a PostgreSQL store holds a bounded part of it in memory, however large the store is."""

import random
from multiprocessing.connection import Connection
from pathlib import Path

import crash_nights
import pytest
from crash_process import FORK, start_at_once
from postgres_service import PostgresServer

from inventory.collection import Collection, digest
from inventory.scan import ScanOptions
from inventory.store import Store, place_of
from inventory.store_backup import backup

__all__ = ["start_at_once"]

MIB = 1024**2
DOCUMENT_BYTES = 16 * 1024
SMALL, LARGE = 100 * MIB, 250 * MIB
"""Both more than SQLite's page caches of the copy and of its verifying, which fill up and then grow no more."""


def filled(place: str, size: int) -> str:
    """A store with raw documents of so many bytes in all, which cannot be packed."""
    chance = random.Random(3)  # noqa: S311 - no secret
    documents = (b'"%s"' % chance.randbytes(DOCUMENT_BYTES // 2).hex().encode() for _ in range(size // DOCUMENT_BYTES))
    raws = {digest(document): document for document in documents}
    with Store(place) as store:
        store.save(
            info=crash_nights.info(1),
            options=ScanOptions(city="c"),
            taken=Collection(taken_at=crash_nights.NOON, raws=raws),
            findings=[],
        )
    return place


def back_up(place: str, target: str, told: Connection) -> None:
    backup(place_of(place), place_of(target))
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (peak,) = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
    told.send(int(peak) * 1024)


def peak_bytes(place: str, target: Path) -> int:
    """The largest resident set of a process that does nothing else."""
    ours, theirs = FORK.Pipe(duplex=False)
    process = FORK.Process(target=back_up, args=(place, str(target), theirs))
    process.start()
    theirs.close()
    try:
        return int(ours.recv())
    finally:
        process.kill()
        process.join()


@pytest.mark.postgres
@pytest.mark.timeout(600)
def test_a_backup_does_not_hold_the_store_in_memory(postgres: PostgresServer, tmp_path: Path) -> None:
    peaks = []
    for size in (SMALL, LARGE):
        place, target = filled(postgres.new_database(), size), tmp_path / f"{size}.db"
        peaks.append(peak_bytes(place, target))
        assert target.stat().st_size > size / 3, "it was packed away"
        target.unlink()

    assert peaks[1] - peaks[0] < (LARGE - SMALL) / 6, f"{[peak // MIB for peak in peaks]} MiB"
