"""The history of a resource: each field, before and after; not seen is not gone."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec

from inventory.collection import Collection
from inventory.coverage import Cell, CellResult, CellState
from inventory.lifecycle import LifeRules
from inventory.records import Record, Tenant
from inventory.scan import ScanInfo, ScanOptions
from inventory.store import Store
from inventory.text import msg

NOON = datetime(2026, 11, 20, 4, tzinfo=UTC)


def tenant(**fields: object) -> Tenant:
    values: dict[str, object] = {"name": "门户", "native_id": "t1", "is_enabled": True, **fields}
    return Tenant(source="openstack:gov", observed_at=NOON, **values)  # type: ignore[arg-type]


def save(
    store: Store,
    *records: Record,
    state: CellState = CellState.COMPLETE,
    read_at: datetime | None = None,
    also_at: datetime | None = None,
) -> None:
    """A night, a day after the one before; what it tells was read at that time unless said otherwise. `also_at`: a
    capture of the same cell, scanned beside it."""
    at = NOON + timedelta(days=len(store.scans()))
    info = ScanInfo(number=0, started_at=at, finished_at=at, as_of=at, tool="t", pack="p", digest="d", exit_code=0)
    reason = None if state is CellState.COMPLETE else msg("the connection was reset")
    cell = CellResult(
        cell=Cell("openstack:gov", "*", "tenant"), state=state, seen=1, reason=reason, finished_at=read_at or at
    )
    taken = Collection(taken_at=at, records=list(records), cells=[cell])
    if also_at is not None:
        taken.cells.append(msgspec.structs.replace(cell, finished_at=also_at))
    store.save(info=info, options=ScanOptions(city="c", fresh_hours=480), taken=taken, findings=[])


def lines(store: Store, name: str) -> list[tuple[object, ...]]:
    return [(c.scan, c.event.value, c.field, c.before, c.after) for c in store.history(name)]


def test_each_changed_field_is_a_line(new_store: Callable[[], str]) -> None:
    with Store(new_store()) as store:
        save(store, tenant(labels={"system": "S-1", "tier": "2"}))
        save(store, tenant(labels={"system": "S-1", "tier": "2"}))
        save(store, tenant(labels={"system": "S-2", "tier": "2"}, is_enabled=False, domain="d"))

        assert lines(store, "t1") == [
            (1, "appeared", "", None, None),
            (3, "changed", "domain", None, '"d"'),
            (3, "changed", "is_enabled", "true", "false"),
            (3, "changed", "labels.system", '"S-1"', '"S-2"'),
        ]


def test_what_a_scan_could_not_see_is_not_called_gone(new_store: Callable[[], str]) -> None:
    with Store(new_store()) as store:
        save(store, tenant())
        save(store, state=CellState.FAILED)
        save(store)
        save(store)
        save(store, tenant(name="门户二期"))
        save(store, state=CellState.PARTIAL)

        assert lines(store, "t1") == [
            (1, "appeared", "", None, None),
            (2, "unseen", "", None, None),
            (3, "missing", "", None, None),
            (5, "reappeared", "", None, None),
            (5, "changed", "name", '"门户"', '"门户二期"'),
            (6, "unseen", "", None, None),
        ]


def test_what_was_read_before_it_was_seen_says_nothing(new_store: Callable[[], str]) -> None:
    """A capture of the day before, scanned the day after."""
    with Store(new_store()) as store:
        save(store, tenant())
        save(store, read_at=NOON - timedelta(hours=1))
        save(store, read_at=NOON - timedelta(hours=1))
        assert lines(store, "t1")[1:] == [(2, "unseen", "", None, None)]

        save(store)
        assert lines(store, "t1")[2:] == [(4, "missing", "", None, None)]


def test_one_reading_is_one_look_however_often_it_is_scanned(new_store: Callable[[], str]) -> None:
    """A county's capture that comes once a week, and is scanned every night."""
    rules = LifeRules(gone_scans=2, gone_hours=24)
    with Store(new_store()) as store:
        save(store, tenant())
        for _ in range(3):
            save(store, read_at=NOON + timedelta(days=2))
        assert [life for _, _, life in store.absent(rules)] == ["missing"]

        save(store)
        assert [life for _, _, life in store.absent(rules)] == ["gone"]


def test_a_capture_beside_the_live_source_keeps_nothing_from_going(new_store: Callable[[], str]) -> None:
    """It was there already when the thing was seen, and has not lost it; another one of the day before says nothing."""
    rules = LifeRules(gone_scans=2, gone_hours=24)
    old = NOON - timedelta(hours=3)
    with Store(new_store()) as store:
        save(store, tenant(), also_at=old)
        save(store, also_at=old + timedelta(hours=1))
        assert [life for _, _, life in store.absent(rules)] == ["unseen"]
        for _ in range(2):
            save(store, also_at=old)

        assert [life for _, _, life in store.absent(rules)] == ["gone"]


def test_what_one_capture_tells_no_more_and_another_does_is_not_away(new_store: Callable[[], str]) -> None:
    rules = LifeRules(gone_scans=2, gone_hours=24)
    with Store(new_store()) as store:
        save(store, tenant(name="by A"), tenant(name="by B"))
        for _ in range(3):
            save(store, tenant(name="by B"))
        assert list(store.absent(rules)) == []
        assert {event for _, event, *_ in lines(store, "t1")} == {"appeared", "changed"}

        for _ in range(2):
            save(store)
        assert list(store.absent(rules)) == [("openstack:gov|tenant|t1", 4, "gone")]


def test_a_resource_is_found_by_key_id_and_name(new_store: Callable[[], str]) -> None:
    """The name as the source wrote it; a part of an id is nobody's id."""
    with Store(new_store()) as store:
        save(store, tenant(), tenant(native_id="t_", name="other"))
        by_key = lines(store, "openstack:gov|tenant|t1")

        assert by_key == lines(store, "t1") == lines(store, "门户") != []
        assert lines(store, "1") == lines(store, "t%") == []
        assert lines(store, "t_") != []
