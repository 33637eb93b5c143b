"""Who only reads needs no more than to read: the statements of docs/store.md, as they stand there."""

import re
from pathlib import Path

import pytest
from postgres_service import PostgresServer
from stored_nights import fill

from inventory.store import Store, StoreError, lock

MANUAL = Path(__file__).parents[2] / "docs" / "store.md"


@pytest.mark.postgres
def test_a_reader_reads_and_can_do_nothing_else(postgres: PostgresServer) -> None:
    place = postgres.new_database()
    database = place.rpartition("/")[2]
    statements = re.findall(r"^    ((?:GRANT|ALTER DEFAULT)[^;]*;)", MANUAL.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(statements) == 2
    for statement in statements:
        postgres.run(database, statement)
    with Store(place) as store:
        fill(store, 2)

    reader = postgres.url(database, "yunhe_reader")
    with Store(reader) as store:
        kept = store.load()
        assert kept is not None
        assert kept.info.number == 2
        assert store.faults() == []
        with pytest.raises(StoreError, match="permission denied"):
            fill(store, 1)
    with pytest.raises(StoreError, match="permission denied"), lock(reader):
        pass


@pytest.mark.postgres
def test_a_server_that_does_not_answer_is_one_clear_sentence() -> None:
    with pytest.raises(StoreError, match="cannot be opened"):
        Store("postgresql://yunhe@127.0.0.1:1/yunhe")
