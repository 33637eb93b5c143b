"""Stores of older versions are renewed and answer as before."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from command import Yunhe
from postgres_service import PostgresServer
from stored_nights import fill

from inventory.store import Store, StoreError, place_of
from inventory.store_bulk import insert
from inventory.store_engine import engine_of, reading, upgrade, writing
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


def test_an_older_store_of_captures_is_not_lost(tmp_path: Path, nights: list[object]) -> None:
    """It stands where the next one would be kept."""
    path, older = tmp_path / "yunhe.db", tmp_path / "yunhe.db.captures"
    shutil.copy(FIXTURES / "store-captures.db", path)
    older.write_bytes(b"of last year")
    with pytest.raises(StoreError, match="move it away"):
        migrate(place_of(path))
    assert older.read_bytes() == b"of last year"

    older.unlink()
    older.hardlink_to(path)  # killed between the last two steps
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


@pytest.mark.postgres
def test_a_server_of_the_first_release_is_renewed(
    postgres: PostgresServer, nights: list[object], yunhe: Yunhe, tmp_path: Path
) -> None:
    """The rows of the fixture in the tables that the first release made there, renewed by the command."""
    place = postgres.new_database()
    config = tmp_path / "yunhe.toml"
    config.write_text(f'version = 1\n[city]\nname = "c"\n[store]\nurl = "{place}"\n', encoding="utf-8")
    _first_release(place)
    for command in (("scans",), ("scan",), ("store", "verify"), ("store", "prune"), ("baseline", "set", "b", "1")):
        refused = yunhe(*command, "-c", config)
        assert (refused.code, "yunhe store migrate" in refused.err) == (5, True), command

    assert yunhe("store", "migrate", "-c", config).out == "the store was renewed; it was of version 0001\n"
    assert yunhe("store", "migrate", "-c", config).out == "the store is of this version already\n"
    with Store(place) as store:
        assert answers(store) == nights
        assert store.faults() == []
        fill(store, 1)
        assert store.last_number() == 4


def _first_release(place: str) -> None:
    engine = engine_of(place_of(place))
    with writing(engine) as connection:
        upgrade(connection, "0001")
        with closing(sqlite3.connect(FIXTURES / "store-0001.db")) as old:
            for table in METADATA.sorted_tables:
                if table.name not in ("opened", "tombstone", "writer"):
                    insert(connection, table, old.execute(f"SELECT * FROM {table.name}").fetchall())  # noqa: S608
    engine.dispose()


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
