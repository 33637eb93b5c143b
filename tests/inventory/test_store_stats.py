"""What `yunhe store stats` says is what is there, and what a pruning really takes away."""

from collections.abc import Callable
from datetime import timedelta

import crash_nights
from sqlalchemy import func, select

from inventory.lifecycle import LifeRules
from inventory.settings import Retention
from inventory.store import Store, place_of
from inventory.store_engine import engine_of, reading
from inventory.store_schema import BODY, METADATA, OBSERVATION
from inventory.store_stats import Freed

NIGHTS = 14
SHORT = Retention(daily_days=2, weekly_weeks=0, monthly_months=6)
GONE_AT_ONCE = LifeRules(gone_scans=1, gone_hours=0)


def filled(place: str) -> str:
    with Store(place) as store:
        for number in range(1, NIGHTS + 1):
            crash_nights.save(store, number)
    return place


def counted(place: str) -> tuple[dict[str, int], int]:
    """Rows of each table, and bytes of all contents."""
    engine = engine_of(place_of(place))
    with reading(engine) as connection:
        rows = {
            table.name: int(connection.execute(select(func.count()).select_from(table)).scalar_one())
            for table in METADATA.sorted_tables
        }
        size = sum(
            int(connection.execute(select(func.coalesce(func.sum(func.length(t.c.data)), 0))).scalar_one())
            for t in (BODY, OBSERVATION)
        )
    engine.dispose()
    return rows, size


def test_the_numbers_are_those_of_the_store(new_store: Callable[[], str]) -> None:
    place = filled(new_store())
    with Store(place) as store:
        found, freed = store.stats()
        kept = store.load()
        heads = store.heads()
    assert kept is not None
    rows, size = counted(place)

    assert {table.name: table.rows for table in found.tables} == rows
    assert all(table.bytes is not None and table.bytes > 0 for table in found.tables)
    assert found.bytes >= sum(table.bytes or 0 for table in found.tables) - 8192 * len(rows)
    assert found.bytes > size
    assert (found.scans, found.pruned, found.entries, found.head) == (NIGHTS, 0, NIGHTS, heads[-1])
    assert found.oldest is not None
    assert found.newest is not None
    assert (found.oldest.number, found.newest.number) == (1, NIGHTS)
    assert found.records.present == len(kept.collection.records)
    assert found.records.things == crash_nights.THINGS
    assert found.records.versions == rows["record_version"]
    assert found.records.most >= found.records.versions / found.records.things > 1
    assert sum(found.verdicts.values()) == len(kept.findings)
    assert found.open == found.verdicts["fail"] == sum(f.verdict.value == "fail" for f in kept.findings) > 0
    assert freed == Freed(scans=0, rows=0, bytes=0)


def test_what_the_next_pruning_takes_away_is_what_it_takes_away(new_store: Callable[[], str]) -> None:
    place = filled(new_store())
    scans = ("body", "observation", "scan")
    with Store(place) as store:
        fates = store.retention(SHORT, GONE_AT_ONCE)
        _, freed = store.stats(fates)
        before, size = counted(place)
        store.prune(SHORT, GONE_AT_ONCE, at=crash_nights.NOON + timedelta(days=99))
        after, left = counted(place)
        found, nothing = store.stats(store.retention(SHORT, GONE_AT_ONCE))

    tables = [name for name in before if name.endswith("_version") or name in scans]
    assert freed.scans == before["scan"] - after["scan"] == found.pruned > 3
    assert freed.rows == sum(before[name] - after[name] for name in tables) > 100
    assert freed.bytes == size - left > 1000
    assert nothing == Freed(scans=0, rows=0, bytes=0)


def test_an_empty_store_has_nothing_to_say(new_store: Callable[[], str]) -> None:
    with Store(new_store()) as store:
        found, freed = store.stats(store.retention(SHORT))

    assert (found.scans, found.oldest, found.newest, found.head) == (0, None, None, "")
    assert (found.records.things, found.records.most, found.records.most_key) == (0, 0, None)
    assert (found.open, freed.rows) == (0, 0)
