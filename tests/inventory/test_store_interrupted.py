"""A scan that ends while it is written, and while a server still works on its last batch: nothing of it is kept."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import crash_nights
import pytest
from postgres_service import PostgresServer

from inventory.collection import Collection
from inventory.records import Record
from inventory.scan import ScanOptions
from inventory.store import Store, StoreError
from inventory.store_bulk import _meanwhile

AFTER = 7_000
"""Records, when a batch is on its way."""


@dataclass
class Ending(Collection):
    """Many records, and something that happens among them."""

    happens: Callable[[], object] = field(default=lambda: None)

    def sorted_lines(self) -> Iterator[bytes]:
        for number, line in enumerate(super().sorted_lines()):
            if number == AFTER:
                self.happens()
            yield line


def ending(happens: Callable[[], object]) -> Ending:
    (first,) = crash_nights.night(2)[0].records[:1]
    records: list[Record] = [
        # Behind all that the store holds: nothing of it is read meanwhile.
        type(first)(source="ledger:d", native_id=f"~{n:06d}", observed_at=crash_nights.NOON, name="n" * 200)
        for n in range(2 * AFTER)
    ]
    return Ending(taken_at=crash_nights.NOON, records=records, happens=happens)


def save(store: Store, taken: Ending) -> None:
    store.save(info=crash_nights.info(2), options=ScanOptions(city="c"), taken=taken, findings=[])


def test_an_interrupted_scan_leaves_the_last_one_and_a_store_that_goes_on(new_store: Callable[[], str]) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    with Store(new_store()) as store, Store(new_store()) as undisturbed:
        crash_nights.save(store, 1)
        with pytest.raises(KeyboardInterrupt):
            save(store, ending(interrupt))
        assert crash_nights.is_whole(store) == 1
        save(store, ending(lambda: None))
        assert store.faults() == []

        crash_nights.save(undisturbed, 1)
        save(undisturbed, ending(lambda: None))
        assert store.heads() == undisturbed.heads()


@pytest.mark.postgres
def test_a_connection_that_breaks_meanwhile_costs_the_scan_and_nothing_else(postgres: PostgresServer) -> None:
    place = postgres.new_database()
    ended: list[tuple[object, ...]] = []

    def end() -> None:
        ended.extend(
            postgres.run(
                "postgres",
                "SELECT query, pg_terminate_backend(pid, 10000) FROM pg_stat_activity"  # noqa: S608 - a name of ours
                f" WHERE state = 'active' AND datname = '{place.rpartition('/')[2]}'",
            )
        )

    with Store(place) as store:
        crash_nights.save(store, 1)
        with pytest.raises(StoreError, match="could not be kept"):
            save(store, ending(end))
        (working_on,) = [str(query) for query, _ in ended]
        assert working_on.startswith(('COPY "body"', 'COPY "record_version"'))
        assert crash_nights.is_whole(store) == 1
        save(store, ending(lambda: None))
        assert store.faults() == []


def test_nothing_is_added_after_the_transaction_however_often_it_is_interrupted() -> None:
    """What a thread still adds to the store is waited for, also when whoever waits is interrupted again."""
    added = threading.Event()

    def add() -> None:
        time.sleep(0.5)
        added.set()

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    def batch() -> None:
        with _meanwhile(add):
            signal.setitimer(signal.ITIMER_REAL, 0.05, 0.1)
            time.sleep(10)

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            batch()
        signal.setitimer(signal.ITIMER_REAL, 0)
        assert added.is_set()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_what_the_store_says_of_a_batch_is_told_where_the_batch_ends() -> None:
    def refuse() -> None:
        raise OSError("full")

    reached = []

    def batch() -> None:
        with _meanwhile(refuse):
            reached.append(True)

    with pytest.raises(OSError, match="full"):
        batch()
    assert reached
