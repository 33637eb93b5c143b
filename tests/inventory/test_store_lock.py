"""Two scans at once are refused; a scan that is dead holds nothing."""

import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
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


def test_a_lock_that_cannot_be_written_says_what_would_help(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="expected a folder that is there"), lock(tmp_path / "no" / "s.db"):
        pass
