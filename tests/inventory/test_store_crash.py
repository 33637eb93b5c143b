"""Killed, out of disk, or read while it is written: the last scan stands whole, and a rerun leads to the same store."""

import os
import random
import time
from collections.abc import Callable
from pathlib import Path

import crash_nights
import pytest
from crash_process import small_disk, small_postgres, start_at_once, writer
from postgres_service import PostgresServer

from inventory.store import Store

pytestmark = pytest.mark.thorough

__all__ = ["small_disk", "small_postgres", "start_at_once"]

KILLS = 200 if os.environ.get("YUNHE_REQUIRE_SERVICES") == "1" else 20
"""Points at which the writer is killed, on each store; a tenth of them where nothing says that all must be tried."""
SLOWEST_SECONDS = 0.25
"""Until when after its start the first writer is killed: several nights, or none."""
CHANCE = random.Random(5)  # noqa: S311 - points to kill at, no secret


def head_of_undisturbed(new_store: Callable[[], str], nights: int) -> str:
    """The head of a store into which the same nights were written one after the other."""
    with Store(new_store()) as store:
        for number in range(1, nights + 1):
            crash_nights.save(store, number)
        return store.heads()[-1]


@pytest.mark.timeout(900)
def test_a_writer_may_be_killed_at_any_point(new_store: Callable[[], str]) -> None:
    place, last, slowest = new_store(), 0, SLOWEST_SECONDS
    for kill in range(KILLS):
        with writer(place, 10_000) as (process, told):
            if not told.poll(30) or told.recv() != "ready":
                pytest.fail("the lock of a writer that was killed is still held")
            time.sleep(CHANCE.uniform(0, slowest))
            process.kill()
            process.join()
        with Store(place) as store:
            number = crash_nights.is_whole(store)
            assert number >= last
            slowest *= 1.05 if number == last else 0.95  # a busy machine needs longer for a night
            last = number
            if kill % 20 == 0:
                assert store.faults() == []

    assert last > KILLS / 20, "the writer was always killed before its first night: nothing was tried"
    with Store(place) as store:
        assert store.faults() == []
        crash_nights.save(store, last + 1)
        head = store.heads()[-1]
    assert head == head_of_undisturbed(new_store, last + 1)


@pytest.mark.timeout(300)
def test_readers_see_whole_scans_while_the_next_is_written(new_store: Callable[[], str]) -> None:
    """Fifty scans, a reader that never stops: no error, nothing mixed."""
    place, nights, reads = new_store(), 50, 0
    with Store(place):
        pass
    seen = set()
    with writer(place, nights) as (process, _), Store(place) as store:
        while process.is_alive():
            seen.add(crash_nights.is_whole(store))
            reads += 1
        process.join()
        assert process.exitcode == 0
        assert crash_nights.is_whole(store) == nights
    assert len(seen) > 5, f"{reads} reads saw {seen}: the writer was too quick for them"


# ── no room ──────────────────────────────────────────────────────────────────────────────────────────────────────────

FULL_DISKS = max(KILLS // 8, 5)


@pytest.mark.timeout(300)
def test_a_full_disk_costs_the_scan_and_nothing_else(small_disk: Path, tmp_path: Path) -> None:
    place, last, full = small_disk / "s.db", 0, 0
    filler = small_disk / "filler"
    with Store(place) as store:
        crash_nights.save(store, 1)
    for _ in range(FULL_DISKS):
        stat = os.statvfs(small_disk)
        filler.write_bytes(bytes(max(0, stat.f_bavail * stat.f_frsize - CHANCE.randrange(0, 400_000))))
        with writer(str(place), 10_000) as (process, told):
            while told.poll(60):
                try:
                    said = told.recv()
                except EOFError:
                    break
                full += isinstance(said, str) and said != "ready"
            process.join()
        filler.unlink()
        with Store(place) as store:
            number = crash_nights.is_whole(store)
            assert number >= last
            last = number
            crash_nights.save(store, last + 1)
            assert store.faults() == []
            head = store.heads()[-1]

    assert full > FULL_DISKS / 2, "the disk was hardly ever full: nothing was tried"
    # The digests do not know in which store they stand.
    assert head == head_of_undisturbed(lambda: str(tmp_path / "undisturbed.db"), last + 1)


@pytest.mark.postgres
@pytest.mark.timeout(300)
def test_a_full_server_costs_the_scan_and_nothing_else(small_postgres: PostgresServer, tmp_path: Path) -> None:
    small_postgres.run("postgres", "CREATE DATABASE small OWNER yunhe TABLESPACE small")
    place, last, full = small_postgres.url("small"), 0, 0
    with Store(place) as store:
        crash_nights.save(store, 1)
    for _ in range(FULL_DISKS):
        free = f"$(( $(stat -f -c %a /small) * $(stat -f -c %S /small) - {CHANCE.randrange(0, 400_000)} ))"
        small_postgres.container.exec(["sh", "-c", f"head -c {free} /dev/zero > /small/filler"])
        with writer(place, 10_000) as (process, told):
            while told.poll(60):
                try:
                    said = told.recv()
                except EOFError:
                    break
                full += isinstance(said, str) and said != "ready"
            process.join()
        small_postgres.container.exec(["rm", "/small/filler"])
        with Store(place) as store:
            number = crash_nights.is_whole(store)
            assert number >= last
            last = number
            crash_nights.save(store, last + 1)
            assert store.faults() == []
            head = store.heads()[-1]

    assert full > FULL_DISKS / 2, "the disk was hardly ever full: nothing was tried"
    assert head == head_of_undisturbed(lambda: str(tmp_path / "undisturbed.db"), last + 1)
