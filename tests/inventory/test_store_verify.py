"""What is changed after it was written is found, whatever it is."""

from collections.abc import Callable, Mapping

import pytest
from sqlalchemy import Column, Connection, LargeBinary, String, Table, select, text, update
from stored_nights import fill, made

from inventory.store import Store
from inventory.store_engine import writing
from inventory.store_schema import BODY, METADATA, SECTIONS, Section

TABLES = [t for t in METADATA.sorted_tables if t.name not in ("writer", "opened", "tombstone")]
"""What a pruning writes is held by test_store_prune."""
COLUMNS = [(t, c) for t in TABLES for c in t.columns]


def _other(column: Column[object], value: object) -> object:
    if isinstance(value, bytes) or (value is None and isinstance(column.type, LargeBinary)):
        return b"\x01" + (value or b"")[1:] if value != b"\x01" else b"\x02"
    if isinstance(column.type, String):
        return "9" + str(value)[1:]
    # Numbers of rows that are there would collide before they could be seen.
    return 2 if value is None else int(str(value)) + 70


def _fill(place: str) -> None:
    with Store(place) as store:
        fill(store)
        assert store.faults() == []


@pytest.mark.parametrize(("table", "column"), COLUMNS, ids=[f"{t.name}.{c.name}" for t, c in COLUMNS])
def test_any_changed_value_is_found(new_store: Callable[[], str], table: Table, column: Column[object]) -> None:
    """Each column of each table, in the first row and in the last; put back, nothing is found."""
    keys = list(table.primary_key.columns)
    with Store(made(new_store(), _fill, "whole")) as store:
        for order in (lambda c: c.asc(), lambda c: c.desc()):
            with writing(store._engine) as connection:
                row = connection.execute(select(table).order_by(*(order(k) for k in keys)).limit(1)).mappings().one()
                changed = {**row, column.name: _other(column, row[column.name])}
                _turn(connection, table, row, changed)
            assert store.faults(), f"{table.name}.{column.name} of {dict(row)}"

            with writing(store._engine) as connection:
                _turn(connection, table, changed, row)
            assert store.faults() == []


def _turn(connection: Connection, table: Table, old: Mapping[str, object], new: Mapping[str, object]) -> None:
    this = update(table).where(*(k == old[k.name] for k in table.primary_key.columns))
    assert connection.execute(this.values({name: v for name, v in new.items() if v != old[name]})).rowcount == 1


@pytest.mark.parametrize("table", TABLES, ids=[t.name for t in TABLES])
def test_a_row_that_was_taken_away_is_found(new_store: Callable[[], str], table: Table) -> None:
    with Store(made(new_store(), _fill, "whole")) as store:
        keys = list(table.primary_key.columns)
        with writing(store._engine) as connection:
            row = connection.execute(select(table).order_by(*keys).limit(1)).mappings().one()
            connection.execute(table.delete().where(*(k == row[k.name] for k in keys)))

        assert store.faults()


def test_a_row_that_was_added_is_found(new_store: Callable[[], str]) -> None:
    """A finding that nobody made, with a content that is there."""
    with Store(new_store()) as store:
        fill(store)
        with writing(store._engine) as connection:
            connection.execute(
                text(
                    "INSERT INTO finding_version SELECT 'forged', 0, 1, NULL, digest, body, 'pass', 1, known_at"
                    " FROM finding_version WHERE since_scan = 1"
                )
            )

        assert [f.id for f in store.faults()] == [
            "scan {number}: rows were changed, added or taken away after it was written"
        ]


@pytest.mark.parametrize("section", SECTIONS, ids=lambda s: s.name)
@pytest.mark.parametrize(
    "change",
    ["until_scan = 3", "until_scan = 99", "since_scan = 0", "since_scan = -4"],
)
def test_what_still_holds_cannot_be_ended_with_the_last_scan(
    new_store: Callable[[], str], section: Section, change: str
) -> None:
    """The changes of each scan are the same by that; but views, and the next scan, would not know it any more."""
    with Store(new_store()) as store:
        fill(store)
        with writing(store._engine) as connection:
            name = section.table.name
            first = f"(SELECT min(since_scan) FROM {name} WHERE until_scan IS NULL)"  # noqa: S608 - ours
            wanted = f"UPDATE {name} SET {change} WHERE until_scan IS NULL AND since_scan = {first}"  # noqa: S608
            assert connection.execute(text(wanted)).rowcount > 0

        told = [f.id for f in store.faults()]
        assert "{section} {key}: no scan leaves a row from scan {since} to {until}" in told


def test_a_content_that_nothing_names_is_found(new_store: Callable[[], str]) -> None:
    with Store(new_store()) as store:
        fill(store)
        with writing(store._engine) as connection:
            connection.execute(text("INSERT INTO body SELECT 9999, data FROM body WHERE id = 1"))

        assert [(f.id, f.args) for f in store.faults()] == [
            ("content {number} belongs to nothing that the store holds", {"number": 9999})
        ]


def test_bytes_behind_a_packed_content_are_found(new_store: Callable[[], str]) -> None:
    """Unpacked it is the same, and the file could carry anything."""
    with Store(new_store()) as store:
        fill(store)
        with writing(store._engine) as connection:
            found = dict(connection.execute(select(BODY.c.id, BODY.c.data)).fetchall())
            number, packed = next((n, bytes(data)) for n, data in found.items() if bytes(data)[:1] == b"x")
            connection.execute(update(BODY).where(BODY.c.id == number).values(data=packed + b"more"))

        assert [f.id for f in store.faults()] == ["{section} {key}: its content was changed"]


def test_the_last_scan_cannot_be_taken_back_unseen(new_store: Callable[[], str]) -> None:
    """Its rows and its entry gone, the store looks whole: the head that was printed is not in it any more."""
    with Store(new_store()) as store:
        fill(store, 2)
        first, last = (s.head for s in store.scans())
        assert store.heads() == [first, last]
        assert last != first


def test_heads_differ_between_stores_that_differ(new_store: Callable[[], str]) -> None:
    """And are equal where all that was saved is equal."""
    heads = []
    for nights in (2, 2, 3):
        with Store(new_store()) as store:
            fill(store, nights)
            heads.append(store.heads()[-1])

    assert heads[0] == heads[1] != heads[2]
