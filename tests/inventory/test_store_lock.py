"""Two scans at once are refused; a scan that is dead holds nothing."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from postgres_service import PostgresServer
from store_holder import other_process
from stored_nights import fill

from inventory import store_lock
from inventory.store import Store, StoreError, lock


def is_refused(place: str) -> bool:
    try:
        with lock(place):
            return False
    except StoreError:
        return True


def test_a_second_scan_is_refused_and_told_who_holds_it(new_store: Callable[[], str]) -> None:
    place = new_store()
    with other_process(place) as process, pytest.raises(StoreError, match="another scan") as refused, lock(place):
        pass
    assert f"process {process.pid} on " in str(refused.value)

    with lock(place):
        pass


def test_two_names_of_one_file_have_one_lock(tmp_path: Path) -> None:
    """A configuration that names the store by a link, and another that names the file."""
    with Store(tmp_path / "s.db"):
        pass
    (tmp_path / "other").mkdir()
    link = tmp_path / "other" / "link.db"
    link.symlink_to(tmp_path / "s.db")

    with lock(link):
        assert is_refused(str(tmp_path / "s.db"))
    with lock(tmp_path / "s.db"):
        assert is_refused(str(link))


def test_a_killed_scan_holds_nothing(new_store: Callable[[], str]) -> None:
    """SIGKILL: the kernel, or the server, lets go of it at once."""
    place = new_store()
    with other_process(place) as process:
        process.kill()
        process.wait()
        deadline = time.monotonic() + 30
        while True:
            try:
                with lock(place) as held, Store(place, held=held) as store:
                    fill(store, 1)
            except StoreError:
                assert time.monotonic() < deadline
                time.sleep(0.1)
            else:
                break
    with Store(place) as store:
        assert store.last_number() == 1


def test_the_lock_is_free_when_a_scan_has_ended(new_store: Callable[[], str]) -> None:
    place = new_store()
    for _ in range(3):
        with lock(place) as held, Store(place, held=held) as store:
            fill(store, 1)

    with Store(place) as store:
        assert store.last_number() == 3


def test_a_holder_that_shows_a_sign_of_life_is_left_alone(
    new_store: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_lock, "STALE_SECONDS", 5.0)
    place = new_store()
    with other_process(place):
        time.sleep(0.5)
        assert is_refused(place)


@pytest.mark.postgres
def test_a_stopped_holder_is_thrown_out_and_cannot_write_any_more(
    postgres: "object", monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine that froze and wakes up again must not write its old scan behind the new one."""
    place = postgres.new_database()  # type: ignore[attr-defined]
    monkeypatch.setattr(store_lock, "STALE_SECONDS", 1.0)
    with other_process(place) as process:
        process.send_signal(signal.SIGSTOP)
        time.sleep(1.6)
        with lock(place) as held, Store(place, held=held) as store:
            process.send_signal(signal.SIGCONT)
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write("\n")
            process.stdin.flush()
            assert process.stdout.readline().startswith("refused")
            fill(store, 1)
    with Store(place) as store:
        assert store.last_number() == 1
        assert store.faults() == []


@pytest.mark.postgres
@pytest.mark.timeout(120)
def test_who_takes_over_does_not_wait_for_what_a_stopped_holder_wrote(
    postgres: "object", monkeypatch: pytest.MonkeyPatch
) -> None:
    """It had written its whole scan, and not yet ended its transaction: the next one has the same keys."""
    place = postgres.new_database()  # type: ignore[attr-defined]
    monkeypatch.setattr(store_lock, "STALE_SECONDS", 1.0)
    with other_process(place, how="slowly") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.stdout.readline() == "written\n"
        process.send_signal(signal.SIGSTOP)
        time.sleep(1.6)
        with lock(place) as held, Store(place, held=held) as store:
            fill(store, 1)
    with Store(place) as store:
        assert store.last_number() == 1
        assert store.faults() == []


@contextmanager
def session(place: str) -> "Iterator[psycopg.Connection[tuple[object, ...]]]":
    """A session beside ours; each statement a transaction of its own."""
    with psycopg.connect(place, autocommit=True) as connection:
        yield connection


def leave_behind(connection: "psycopg.Connection[tuple[object, ...]]") -> None:
    """The row of a scan that died an hour ago."""
    connection.execute(
        "INSERT INTO writer (id, token, holder, since, heartbeat) SELECT 1, 'dead', %s, past, past"
        " FROM (SELECT CAST(now() - interval '1 hour' AS text) AS past) AS died",
        ['{"machine":"grave","process":1,"since":"2026-11-20T04:00:00+00:00"}'],
    )


@pytest.mark.postgres
@pytest.mark.timeout(120)
def test_who_takes_over_is_not_thrown_out_while_it_ends_what_the_dead_one_wrote(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server takes its time to end a session; a third scan that comes meanwhile sees who has the lock now."""
    place = postgres.new_database()
    with Store(place):
        pass
    busy, go_on = threading.Event(), threading.Event()
    end = store_lock._Lease._end_what_it_wrote

    def end_slowly(lease: store_lock._Lease) -> None:
        busy.set()
        assert go_on.wait(60)
        end(lease)

    def take_over() -> int:
        with lock(place) as held, Store(place, held=held) as store:
            fill(store, 1)
            return store.last_number() or 0

    with session(place) as beside, ThreadPoolExecutor(1) as pool:
        leave_behind(beside)
        with monkeypatch.context() as patched:
            patched.setattr(store_lock._Lease, "_end_what_it_wrote", end_slowly)
            scan = pool.submit(take_over)
            try:
                assert busy.wait(60)
                with pytest.raises(StoreError, match=f"process {os.getpid()} on "), lock(place):
                    pass
            finally:
                go_on.set()
        assert scan.result(60) == 1


@pytest.mark.postgres
def test_who_has_just_taken_the_lock_and_has_not_signed_yet_is_left_alone(postgres: PostgresServer) -> None:
    """Between two statements its row is still that of the dead."""
    place = postgres.new_database()
    with Store(place):
        pass
    with session(place) as taker:
        leave_behind(taker)
        taker.execute("SELECT pg_advisory_lock(%s)", [store_lock._KEY])
        assert is_refused(place)
        assert taker.execute("SELECT 1").fetchall() == [(1,)]


@pytest.mark.postgres
def test_who_was_thrown_out_stops_before_it_writes(postgres: PostgresServer) -> None:
    """What it writes would wait for what the next one writes, and that for it."""
    place = postgres.new_database()
    with lock(place) as held, Store(place, held=held) as store, session(place) as beside:
        beside.execute("UPDATE writer SET token = 'the next'")
        with beside.transaction():
            beside.execute("LOCK TABLE body, scan, log IN ACCESS EXCLUSIVE MODE")
            beside.execute("SET LOCAL idle_in_transaction_session_timeout = '20s'")
            with pytest.raises(StoreError, match="another scan is writing"):
                fill(store, 1)


@pytest.mark.postgres
def test_what_another_program_locks_by_a_like_number_is_not_ended(postgres: PostgresServer) -> None:
    place = postgres.new_database()
    with Store(place):
        pass
    with session(place) as other:
        other.execute("SELECT pg_advisory_lock(0, %s)", [store_lock._MARK])
        other.execute("SELECT pg_advisory_lock(%s)", [(5 << 32) + store_lock._MARK])
        with lock(place):
            assert other.execute("SELECT 1").fetchall() == [(1,)]


def test_a_lock_that_cannot_be_written_says_what_would_help(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="expected a folder that is there"), lock(tmp_path / "no" / "s.db"):
        pass
