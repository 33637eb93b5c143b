"""A backup is the store of one moment, whole and verified; a restore is all of it or nothing."""

import os
import random
import shutil
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path
from tempfile import TemporaryDirectory

import crash_nights
import pytest
import stored_nights
from crash_process import FORK, small_disk, small_postgres, start_at_once, writer
from postgres_service import PostgresServer
from sqlalchemy import func, select
from stored_nights import made

from inventory.store import DamagedError, Store, StoreError, lock, place_of
from inventory.store_backup import Copied, WrongFileError, backup, restore
from inventory.store_engine import engine_of, reading
from inventory.store_schema import BODY, METADATA

__all__ = ["small_disk", "small_postgres", "start_at_once"]

FIXTURES = Path(__file__).parents[1] / "fixtures"
CHANCE = random.Random(7)  # noqa: S311 - points to kill at, no secret
KILLS = 40 if os.environ.get("YUNHE_REQUIRE_SERVICES") == "1" else 8


def filled(place: str, nights: int = 3, *, first: int = 1) -> str:
    def fill(empty: str) -> None:
        with Store(empty) as store:
            for number in range(first, first + nights):
                crash_nights.save(store, number)

    return made(place, fill, "nights", nights, first)


def saved(place: str, target: Path | str, **options: bool) -> Copied:
    return backup(place_of(place), place_of(target), **options)


def restored(origin: Path | str, place: str, **options: bool) -> Copied:
    return restore(place_of(origin), place_of(place), **options)


def same(one: str, other: str) -> bool:
    """Whether both answer alike: the run log, and every scan to its last record."""
    with Store(one) as a, Store(other) as b:
        assert b.faults() == []
        numbers = [scan.number for scan in a.scans()]
        return a.heads() == b.heads() and all(a.load(n) == b.load(n) for n in numbers)


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A backup of three nights."""
    target = tmp_path / "kept.db"
    saved(filled(str(tmp_path / "origin.db")), target)
    return target


# ── there and back ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_backup_holds_everything_and_goes_back_where_it_came_from(
    new_store: Callable[[], str], tmp_path: Path
) -> None:
    place, again, target = filled(new_store()), new_store(), tmp_path / "b.db"
    with Store(place) as store:
        store.set_baseline("B", 2, at=crash_nights.NOON)
        head = store.heads()[-1]

    assert saved(place, target) == (3, 4, head)
    assert target.stat().st_mode & 0o777 == 0o600
    assert sorted(p.name for p in tmp_path.iterdir()) == ["b.db"], "nothing is left beside it"
    assert restored(target, again) == (3, 4, head)
    assert same(place, again)
    with Store(again) as store:
        crash_nights.save(store, 4)
        assert store.faults() == []


@pytest.mark.postgres
def test_a_backup_of_one_kind_of_store_fills_the_other(postgres: PostgresServer, tmp_path: Path) -> None:
    from_file, from_server = filled(str(tmp_path / "s.db")), filled(postgres.new_database(), 4)
    onto_server, onto_file = postgres.new_database(), str(tmp_path / "t.db")
    saved(from_file, tmp_path / "f.db")
    saved(from_server, tmp_path / "g.db")

    pages = set()
    for file in (from_file, tmp_path / "f.db", tmp_path / "g.db"):
        with closing(sqlite3.connect(file)) as db:
            pages |= {db.execute("PRAGMA page_size").fetchone()}
    assert len(pages) == 1, "a backup is made as a store is, whatever it was taken from"

    restored(tmp_path / "f.db", onto_server)
    restored(tmp_path / "g.db", onto_file)

    assert same(from_file, onto_server)
    assert same(from_server, onto_file)


@pytest.mark.postgres
def test_an_empty_database_may_be_the_backup(postgres: PostgresServer, tmp_path: Path) -> None:
    place, target, again = filled(str(tmp_path / "s.db")), postgres.new_database(), str(tmp_path / "again.db")

    saved(place, target)
    with pytest.raises(WrongFileError, match="not empty"):
        saved(place, target)
    restored(target, again)

    assert same(place, target)
    assert same(place, again)


def test_a_backup_reads_back_where_nothing_can_be_written(kept: Path, tmp_path: Path) -> None:
    """No log of SQLite is left in it: it can lie on a medium that is read-only."""
    assert kept.read_bytes()[18:20] == b"\x01\x01", "written and read without a log beside it"
    before = sorted(p.name for p in tmp_path.iterdir())
    kept.chmod(0o400)

    restored(kept, str(tmp_path / "origin.db"), replace=True)

    assert set(before) <= {p.name for p in tmp_path.iterdir()}
    assert not (tmp_path / "kept.db-wal").exists()


def test_an_auditor_asks_a_backup_that_nobody_may_write(kept: Path) -> None:
    """On a medium that is read-only, or in somebody else's folder: by another user than the one who made it."""
    with TemporaryDirectory() as folder:
        copy = Path(folder) / "kept.db"
        copy.write_bytes(kept.read_bytes())
        copy.chmod(0o444)
        Path(folder).chmod(0o555)
        process = FORK.Process(target=_ask_as_nobody, args=(copy,))
        process.start()
        process.join()
        Path(folder).chmod(0o755)
        assert process.exitcode == 0
        assert copy.read_bytes() == kept.read_bytes()


def _ask_as_nobody(path: Path) -> None:
    if os.geteuid() == 0:
        os.setuid(65534)
    with Store(path, must_exist=True) as store:
        assert store.load() is not None
        assert store.faults() == []
        with pytest.raises(StoreError, match="readonly"):
            stored_nights.fill(store, 1)


@pytest.mark.timeout(300)
def test_a_backup_while_a_scan_is_written_is_of_one_moment(new_store: Callable[[], str], tmp_path: Path) -> None:
    """A writer that never stops: each backup is what the store was after one of its nights."""
    place, seen = filled(new_store(), 1), set()
    with writer(place, 10_000) as (process, told):
        assert told.recv() == "ready"
        for turn in range(8):
            assert told.recv()
            made = saved(place, tmp_path / f"{turn}.db")
            seen.add(made.scans)
            assert process.is_alive(), "a backup does not stop the writer"
        process.kill()
    for turn in range(8):
        with Store(tmp_path / f"{turn}.db") as store:
            number = crash_nights.is_whole(store)
            head = store.heads()[-1]
        with Store(place) as store:
            assert store.scans()[number - 1].head == head
    assert len(seen) > 3, f"the writer wrote nothing meanwhile: {seen}"


# ── what is not done ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_there_is_not_overwritten_unless_it_is_said(tmp_path: Path) -> None:
    place, target = filled(str(tmp_path / "s.db")), tmp_path / "b.db"
    target.write_bytes(b"of somebody else")

    with pytest.raises(WrongFileError, match="--overwrite"):
        saved(place, target)
    assert target.read_bytes() == b"of somebody else"
    with pytest.raises(WrongFileError, match="the store itself"):
        saved(place, tmp_path / "s.db", overwrite=True)
    for end in ("-wal", "-shm", ".lock", ".collecting"):
        with pytest.raises(WrongFileError, match="a part of the store"):
            saved(place, tmp_path / f"s.db{end}", overwrite=True)
    (tmp_path / "b.db-wal").touch()
    with pytest.raises(WrongFileError, match="did not close it"):
        saved(place, target, overwrite=True)
    (tmp_path / "b.db-wal").unlink()
    saved(place, target, overwrite=True)
    assert same(place, str(target))


def test_a_store_that_holds_something_is_not_replaced_unless_it_is_said(
    new_store: Callable[[], str], kept: Path, tmp_path: Path
) -> None:
    place = filled(new_store(), 1, first=40)
    with Store(place) as store:
        before = store.heads()

    with pytest.raises(WrongFileError, match="--replace"):
        restored(kept, place)
    with Store(place) as store:
        assert store.heads() == before
    restored(kept, place, replace=True)
    assert same(str(tmp_path / "origin.db"), place)


def test_nothing_is_restored_while_a_scan_holds_the_store(new_store: Callable[[], str], kept: Path) -> None:
    place = new_store()
    with lock(place_of(place)), pytest.raises(StoreError, match="another scan is writing"):
        restored(kept, place)
    with Store(place) as store:
        assert store.scans() == []


def test_a_store_is_not_restored_from_itself(kept: Path) -> None:
    with pytest.raises(WrongFileError, match="the store itself"):
        restored(kept, str(kept), replace=True)


def test_a_store_that_is_damaged_gives_no_backup(new_store: Callable[[], str], tmp_path: Path) -> None:
    place = filled(new_store())
    engine = engine_of(place_of(place))
    with engine.begin() as connection:
        first = connection.execute(select(func.min(BODY.c.id))).scalar_one()
        connection.execute(BODY.update().where(BODY.c.id == first).values(data=b"{}"))
    engine.dispose()

    with pytest.raises(DamagedError, match="not as it was written"):
        saved(place, tmp_path / "b.db")
    assert list(tmp_path.iterdir()) == [] or not (tmp_path / "b.db").exists()
    assert not list(tmp_path.glob(".*"))


# ── backups that are none ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def standing(new_store: Callable[[], str]) -> str:
    """A store of two other nights, which no bad backup may change."""
    return filled(new_store(), 2, first=20)


def unchanged(place: str, change: Callable[[], object]) -> None:
    with Store(place) as store:
        before = store.heads(), store.load()
    change()
    with Store(place) as store:
        assert (store.heads(), store.load()) == before
        assert store.faults() == []


@pytest.mark.thorough
def test_a_damaged_page_changes_nothing_of_the_store(standing: str, kept: Path, tmp_path: Path) -> None:
    """Bytes turned over all through the file: told, or of no page that holds anything."""
    whole, broken, found = kept.read_bytes(), tmp_path / "broken.db", 0
    for place in range(200, len(whole), len(whole) // 40):
        data = bytearray(whole)
        data[place : place + 40] = bytes(b ^ 0xFF for b in data[place : place + 40])
        broken.write_bytes(data)
        with Store(standing) as store:
            before = store.heads()
        try:
            restored(broken, standing, replace=True)
        except (DamagedError, WrongFileError):
            with Store(standing) as store:
                assert store.heads() == before
            found += 1
        else:
            assert same(str(tmp_path / "origin.db"), standing)
    with Store(standing) as store:
        assert store.faults() == []
    assert found > 10, "much of a page is room for what is to come, but not as much as that"


@pytest.mark.parametrize("share", [0.3, 0.9, 0.999])
def test_a_file_that_was_cut_short_is_damaged(standing: str, kept: Path, share: float) -> None:
    def attempt() -> None:
        data = kept.read_bytes()
        kept.write_bytes(data[: int(len(data) * share)])
        with pytest.raises(DamagedError, match=r"kept\.db"):
            restored(kept, standing, replace=True)

    unchanged(standing, attempt)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE finding_version SET verdict = 'pass' WHERE verdict = 'fail'",
        "DELETE FROM record_version WHERE key = (SELECT min(key) FROM record_version)",
        "DELETE FROM log WHERE entry = (SELECT max(entry) FROM log)",
        "UPDATE finding_version SET verdict = CAST(x'80ffff' AS TEXT)",
        "UPDATE scan SET info = replace(info, '\"exit_code\":0', '\"exit_code\":3')",
    ],
)
def test_a_row_that_was_changed_is_found_by_the_run_log(standing: str, kept: Path, statement: str) -> None:
    """Its pages are in order: only the chain of digests tells."""

    def attempt() -> None:
        with closing(sqlite3.connect(kept)) as db, db:
            assert db.execute(statement).rowcount > 0
        with pytest.raises(DamagedError, match="not as it was written"):
            restored(kept, standing, replace=True)

    unchanged(standing, attempt)


def test_a_file_of_somebody_else_is_no_backup(standing: str, tmp_path: Path) -> None:
    other = tmp_path / "other.db"

    def attempt() -> None:
        for data in (b"", b"SQLite format", b"PK\x03\x04" + bytes(5000)):
            other.write_bytes(data)
            with pytest.raises(WrongFileError, match="no backup"):
                restored(other, standing, replace=True)
        other.unlink()
        with closing(sqlite3.connect(other)) as db, db:
            db.execute("CREATE TABLE log (entry)")
        with pytest.raises(WrongFileError, match="no backup"):
            restored(other, standing, replace=True)
        with pytest.raises(WrongFileError, match="No such file"):
            restored(tmp_path / "nothing.db", standing, replace=True)

    unchanged(standing, attempt)


def test_a_view_in_the_place_of_a_table_is_not_read(standing: str, kept: Path) -> None:
    """What looks like a table may be a statement that never ends."""

    def attempt() -> None:
        with closing(sqlite3.connect(kept)) as db, db:
            for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'view'").fetchall():
                db.execute(f"DROP VIEW {name}")
            db.execute("DROP TABLE body")
            db.execute(
                "CREATE VIEW body AS WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n)"
                " SELECT id, x'00' AS data FROM n"
            )
        with pytest.raises(WrongFileError, match="its table body"):
            restored(kept, standing, replace=True)

    unchanged(standing, attempt)


def test_a_backup_of_another_version_is_refused_with_the_way_out(standing: str, kept: Path, tmp_path: Path) -> None:
    def attempt() -> None:
        older = tmp_path / "older.db"
        shutil.copy(FIXTURES / "store-0001.db", older)
        with pytest.raises(WrongFileError, match=r"schema 0001.*store migrate"):
            restored(older, standing, replace=True)
        with closing(sqlite3.connect(kept)) as db, db:
            db.execute("UPDATE alembic_version SET version_num = '9999'")
        with pytest.raises(WrongFileError, match="schema 9999"):
            restored(kept, standing, replace=True)

    unchanged(standing, attempt)


# ── killed, out of room ──────────────────────────────────────────────────────────────────────────────────────────────


def _restoring(origin: Path, place: str) -> BaseProcess:
    process = FORK.Process(target=restored, args=(origin, place), kwargs={"replace": True})
    process.start()
    return process


@pytest.mark.thorough
@pytest.mark.timeout(600)
def test_a_restore_may_be_killed_at_any_point(new_store: Callable[[], str], tmp_path: Path) -> None:
    """Ever the former state or the restored one, whole."""
    origins = [tmp_path / "one.db", tmp_path / "two.db"]
    heads = []
    for number, origin in enumerate(origins):
        place = filled(str(tmp_path / f"s{number}.db"), 12, first=1 + 30 * number)
        heads.append(saved(place, origin).head)
    place = new_store()
    began = time.monotonic()
    process = _restoring(origins[0], place)
    process.join()
    assert process.exitcode == 0
    took = time.monotonic() - began

    now, states = 0, set()
    for _ in range(KILLS):
        process = _restoring(origins[1 - now], place)
        time.sleep(CHANCE.uniform(took * 0.3, took * 1.1))
        process.kill()
        process.join()
        with Store(place) as store:
            assert store.faults() == []
            assert len(store.scans()) == 12
            found = heads.index(store.heads()[-1])
        states.add(found == now)
        took *= 1.15 if found == now else 0.7  # the machine has other work now than when it was measured
        now = found
    assert True in states, "it was always too late to kill it"
    # A restore that is left alone still works: no lock of a dead one holds.
    deadline = time.monotonic() + 60
    while True:
        try:
            restored(origins[1 - now], place, replace=True)
        except StoreError:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        else:
            break


@pytest.mark.thorough
@pytest.mark.timeout(600)
def test_a_backup_may_be_killed_at_any_point(new_store: Callable[[], str], tmp_path: Path) -> None:
    """Under its name there is nothing, or what was there, or all of the new one."""
    place, target = filled(new_store(), 8), tmp_path / "b.db"
    began = time.monotonic()
    process = FORK.Process(target=saved, args=(place, target))
    process.start()
    process.join()
    assert process.exitcode == 0
    took = time.monotonic() - began

    states = set()
    for kill in range(KILLS):
        if kill % 2:
            target.unlink(missing_ok=True)
        before = target.stat().st_ino if target.exists() else None
        filled(place, 1, first=9 + kill)
        process = FORK.Process(target=saved, args=(place, target), kwargs={"overwrite": True})
        process.start()
        time.sleep(CHANCE.uniform(took * 0.3, took * 1.1))
        process.kill()
        process.join()
        after = target.stat().st_ino if target.exists() else None
        states.add(after == before)
        took *= 1.15 if after == before else 0.7
        if after is not None:
            with Store(target) as store:
                assert store.faults() == []
                assert 8 <= crash_nights.is_whole(store) <= 9 + kill
    assert True in states, "it was always too late to kill it"


@contextmanager
def stopped_backup(place: str, target: Path) -> Iterator[BaseProcess]:
    """A backup that stands still in the middle of writing."""
    process = FORK.Process(target=saved, args=(place, target))
    process.start()
    try:
        while not (unfinished := unfinished_of(target)) or not any(p.stat().st_size for p in unfinished):
            assert process.is_alive(), "it was finished before it could be stopped"
            time.sleep(0.001)
        os.kill(process.pid or 0, signal.SIGSTOP)
        assert unfinished_of(target), "it was finished before it could be stopped"
        yield process
    finally:
        process.kill()
        process.join()


def unfinished_of(target: Path) -> list[Path]:
    return [p for p in target.parent.iterdir() if p.name.startswith(f".{target.name}.") and p.suffix == ".tmp"]


@pytest.mark.timeout(300)
def test_a_backup_removes_what_dead_ones_left_and_nothing_else(new_store: Callable[[], str], tmp_path: Path) -> None:
    place, folder = filled(new_store(), 30), tmp_path / "backups"
    folder.mkdir()
    others = [folder / ".notes.tmp", folder / ".notes.tmp.lock", folder / f".b.db.{'0' * 16}.tmp"]
    for other in others:
        other.touch()

    with stopped_backup(place, folder / "dead.db") as process:
        process.kill()
        process.join()
        assert unfinished_of(folder / "dead.db")
    with stopped_backup(place, folder / "alive.db") as process:
        being_written = unfinished_of(folder / "alive.db")
        saved(place, folder / "next.db")
        assert not unfinished_of(folder / "dead.db")
        assert unfinished_of(folder / "alive.db") == being_written
        os.kill(process.pid or 0, signal.SIGCONT)
        process.join()
        assert process.exitcode == 0

    assert same(place, str(folder / "alive.db"))
    assert sorted(p.name for p in folder.iterdir()) == sorted(["alive.db", "next.db", *(o.name for o in others)])


@pytest.mark.postgres
@pytest.mark.timeout(300)
def test_a_full_server_leaves_the_store_as_it_was(small_postgres: PostgresServer, tmp_path: Path) -> None:
    small_postgres.run("postgres", "CREATE DATABASE restored OWNER yunhe TABLESPACE small")
    place, target = filled(small_postgres.url("restored"), 1, first=50), tmp_path / "b.db"
    saved(filled(str(tmp_path / "big.db"), 40), target)
    free = "$(( $(stat -f -c %a /small) * $(stat -f -c %S /small) - 1000000 ))"
    small_postgres.container.exec(["sh", "-c", f"head -c {free} /dev/zero > /small/filler"])

    def attempt() -> None:
        with pytest.raises(StoreError, match="No space left"):
            restored(target, place, replace=True)
        small_postgres.container.exec(["rm", "/small/filler"])

    unchanged(place, attempt)
    restored(target, place, replace=True)
    assert same(str(tmp_path / "big.db"), place)


def test_a_full_disk_leaves_no_part_of_a_backup(small_disk: Path, tmp_path: Path) -> None:
    place = filled(str(tmp_path / "s.db"), 6)
    stat = os.statvfs(small_disk)
    room = (tmp_path / "s.db").stat().st_size // 2
    (small_disk / "filler").write_bytes(bytes(stat.f_bavail * stat.f_frsize - room))

    with pytest.raises(StoreError, match="full"):
        saved(place, small_disk / "b.db")
    assert [p.name for p in small_disk.iterdir()] == ["filler"]


def test_a_full_disk_leaves_the_store_as_it_was(small_disk: Path, tmp_path: Path) -> None:
    place, target = filled(str(small_disk / "s.db"), 1, first=50), tmp_path / "b.db"
    saved(filled(str(tmp_path / "big.db"), 12), target)
    stat = os.statvfs(small_disk)
    (small_disk / "filler").write_bytes(bytes(stat.f_bavail * stat.f_frsize - 300_000))

    def attempt() -> None:
        with pytest.raises(StoreError, match="full"):
            restored(target, place, replace=True)
        (small_disk / "filler").unlink()

    unchanged(place, attempt)
    restored(target, place, replace=True)
    assert same(str(tmp_path / "big.db"), place)


def test_every_table_of_the_store_is_in_a_backup(kept: Path) -> None:
    """A table that a later migration adds is not forgotten."""
    engine = engine_of(place_of(kept))
    with reading(engine) as connection:
        names = {name for (name,) in connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'")}
    engine.dispose()

    assert names == {*METADATA.tables, "alembic_version"}
