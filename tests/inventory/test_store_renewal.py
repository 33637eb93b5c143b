"""Stores of older versions are renewed and answer as before."""

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from stored_nights import fill

from inventory.store import Store, StoreError, place_of
from inventory.store_engine import reading
from inventory.store_renewal import migrate
from inventory.store_schema import METADATA

FIXTURES = Path(__file__).parents[1] / "fixtures"


def answers(store: Store) -> list[object]:
    """All that a store says of its scans but the heads."""
    told: list[object] = []
    for info in store.scans():
        kept = store.load(info.number)
        assert kept is not None
        c = kept.collection
        records = list(c.sorted_records())
        told.append((records, c.raws, sorted(c.cells, key=lambda r: r.cell), c.rejections, c.sources, c.taken_at))
        told.append((kept.findings, kept.known, kept.options, info.as_of, info.number))
    return told


@pytest.fixture
def nights(new_store: Callable[[], str]) -> list[object]:
    """What the nights of the fixtures are, kept by today's program."""
    with Store(new_store()) as store:
        fill(store)
        return answers(store)


def test_a_store_of_captures_is_imported(tmp_path: Path, nights: list[object]) -> None:
    path = tmp_path / "yunhe.db"
    shutil.copy(FIXTURES / "store-captures.db", path)
    with pytest.raises(StoreError, match="yunhe store migrate"):
        Store(path)

    assert migrate(place_of(path)) == "1 (captures)"
    assert migrate(place_of(path)) is None
    with Store(path) as store:
        assert answers(store) == nights
        assert store.faults() == []
    kept = tmp_path / "yunhe.db.captures"
    with sqlite3.connect(kept) as old:
        assert old.execute("SELECT count(*) FROM scan").fetchone() == (3,)
    old.close()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["yunhe.db", "yunhe.db.captures"]


def test_an_import_that_was_killed_is_done_again(tmp_path: Path, nights: list[object]) -> None:
    """It left a half-made file beside the store."""
    path = tmp_path / "yunhe.db"
    shutil.copy(FIXTURES / "store-captures.db", path)
    with Store(tmp_path / "yunhe.db.new") as half:
        fill(half, 1)

    migrate(place_of(path))
    with Store(path) as store:
        assert answers(store) == nights


def test_a_store_of_the_first_release_is_renewed(tmp_path: Path, nights: list[object]) -> None:
    """The fixture was made by the first release and is never made anew."""
    path = tmp_path / "yunhe.db"
    shutil.copy(FIXTURES / "store-0001.db", path)

    migrate(place_of(path))
    with Store(path) as store:
        assert answers(store) == nights
        assert store.faults() == []
        fill(store, 1)
        assert store.last_number() == 4
        assert store.faults() == []


def test_migrations_lead_to_the_tables_that_the_program_knows(new_store: Callable[[], str]) -> None:
    with Store(new_store()) as store, reading(store._engine) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})

        assert compare_metadata(context, METADATA) == []


def test_a_file_of_another_program_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE photos (id INTEGER)")
    db.close()
    before = path.read_bytes()

    with pytest.raises(StoreError, match="another program"):
        Store(path)
    assert path.read_bytes() == before


def test_a_url_with_a_password_is_refused() -> None:
    """A configuration is read by many."""
    for url in ("postgresql://u:secret@h/d", "postgres://h/d?password=secret"):
        with pytest.raises(StoreError) as refused:
            Store(url)
        assert "secret" not in str(refused.value)
