"""Each role of deploy/postgresql may do its work and no more: the statements as they stand there, on a real server."""

import signal
import time
from datetime import timedelta
from pathlib import Path

import crash_nights
import psycopg
import pytest
from command import Yunhe
from postgres_service import PostgresServer
from store_holder import other_process
from stored_nights import NOON, fill

from inventory import store_lock
from inventory.lifecycle import LifeRules
from inventory.settings import Retention
from inventory.store import Store, StoreError, lock, place_of
from inventory.store_backup import backup, restore
from inventory.store_schema import METADATA

FOLDER = Path(__file__).parents[2] / "deploy" / "postgresql"
DATA = sorted(METADATA.tables.keys() - {"log", "writer", "opened", "tombstone"})
VERSIONS = sorted(name for name in METADATA.tables if name.endswith("_version"))
SHORT = Retention(daily_days=1, weekly_weeks=0, monthly_months=0)
GONE_AT_ONCE = LifeRules(gone_scans=1, gone_hours=0)
CONFIG = """\
version = 1
[city]
name = "云泽市"
[store]
url = "{url}"
[[ledger]]
name = "systems"
kind = "systems"
path = "systems.csv"
"""


@pytest.fixture
def server(postgres: PostgresServer) -> tuple[PostgresServer, str]:
    """A store of two nights whose rights are those of the manual."""
    owner = postgres.new_database()
    database = owner.rpartition("/")[2]
    postgres.run(database, (FOLDER / "roles.sql").read_text(encoding="utf-8"))
    with Store(owner):
        pass
    postgres.run(database, (FOLDER / "grants.sql").read_text(encoding="utf-8"), "yunhe")
    with Store(postgres.url(database, "yunhe_writer")) as store:
        fill(store, 2)
    return postgres, database


def is_refused(server: tuple[PostgresServer, str], user: str, statement: str) -> bool:
    """Whether the server says that this user may not."""
    postgres, database = server
    try:
        postgres.run(database, statement, user)
    except psycopg.errors.InsufficientPrivilege:
        return True
    except psycopg.errors.ObjectNotInPrerequisiteState as error:
        return "cannot delete from view" in str(error)  # nobody can
    return False


def views(server: tuple[PostgresServer, str]) -> list[str]:
    postgres, database = server
    return [
        str(name) for (name,) in postgres.run(database, "SELECT viewname FROM pg_views WHERE schemaname = 'public'")
    ]


@pytest.mark.postgres
def test_the_writer_scans_and_the_reader_reads_the_views(
    server: tuple[PostgresServer, str], yunhe: Yunhe, tmp_path: Path
) -> None:
    postgres, database = server
    config = tmp_path / "yunhe.toml"
    config.write_text(CONFIG.format(url=postgres.url(database, "yunhe_writer")), encoding="utf-8")
    for name in ("门户", "门户二期"):
        (tmp_path / "systems.csv").write_text(
            f"系统编号,系统名称,建设单位,建设性质,资金来源,等保级别\nS-1,{name},市教育局,已建,财政,二级\n",
            encoding="utf-8",
        )
        assert yunhe("scan", "-c", config, "--exit-zero").code == 0
    assert yunhe("baseline", "set", "B", "4", "-c", config).code == 0
    assert yunhe("store", "verify", "-c", config).code == 0

    answers = {view: postgres.run(database, f"SELECT * FROM {view}", "yunhe_reader") for view in views(server)}  # noqa: S608
    assert [view for view, found in answers.items() if not found] == ["v_projects_current"], "no ledger of projects"
    ((name,),) = postgres.run(database, "SELECT name FROM v_systems_current", "yunhe_reader")
    assert name == "门户二期"


@pytest.mark.postgres
def test_the_reader_reads_no_table_and_writes_nothing(server: tuple[PostgresServer, str]) -> None:
    """Not the raw documents, not who holds the lock; and not because its session is set to read only."""
    for table in (*METADATA.tables, "alembic_version"):
        assert is_refused(server, "yunhe_reader", f"SELECT * FROM {table}"), table  # noqa: S608
    free = "SET default_transaction_read_only = off; SET TRANSACTION READ WRITE; "
    for statement in (
        *(f"DELETE FROM {name}" for name in (*METADATA.tables, *views(server))),  # noqa: S608
        *(f"TRUNCATE {table}" for table in METADATA.tables),
        "INSERT INTO v_run_log (entry, what) VALUES (99, 'x')",
        "UPDATE v_run_log SET what = 'x'",
        "CREATE TABLE mine (x integer)",
        "CREATE TEMPORARY TABLE mine (x integer)",
        "CREATE SCHEMA mine",
        "SELECT lo_create(0)",
        "SELECT pg_advisory_lock(2037739010)",
        "SELECT pg_try_advisory_lock(1)",
        "SET ROLE yunhe_writer",
    ):
        assert is_refused(server, "yunhe_reader", free + statement), statement


@pytest.mark.postgres
def test_the_writer_takes_nothing_away_and_changes_no_word(server: tuple[PostgresServer, str]) -> None:
    for table in (*DATA, "log", "opened", "tombstone"):
        assert is_refused(server, "yunhe_writer", f"DELETE FROM {table}"), table  # noqa: S608
        assert is_refused(server, "yunhe_writer", f"TRUNCATE {table}"), table
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            server[0].run(server[1], f"DROP TABLE {table}", "yunhe_writer")
    for statement in (
        "UPDATE log SET body = '{}'",
        "UPDATE log SET digest = ''",
        "UPDATE body SET data = ''",
        "UPDATE scan SET info = '{}'",
        *(f"UPDATE {table} SET since_scan = 9" for table in VERSIONS),  # noqa: S608
        "UPDATE finding_version SET verdict = 'pass'",
        "DELETE FROM v_run_log",
        "CREATE TABLE mine (x integer)",
        "ALTER TABLE log ADD COLUMN x integer",
        "UPDATE alembic_version SET version_num = '9'",
        "SET ROLE yunhe_pruner",
    ):
        assert is_refused(server, "yunhe_writer", statement), statement
    writer = server[0].url(server[1], "yunhe_writer")
    with Store(writer) as store, pytest.raises(StoreError, match="permission denied"):
        store.prune(SHORT, GONE_AT_ONCE, at=NOON)
    with Store(writer) as store:
        assert [scan.number for scan in store.scans()] == [1, 2]
        assert store.faults() == []


@pytest.mark.postgres
def test_the_pruner_prunes_and_leaves_the_run_log_whole(server: tuple[PostgresServer, str]) -> None:
    postgres, database = server
    pruner = postgres.url(database, "yunhe_pruner")
    with Store(pruner) as store:
        before = store.heads()
    with lock(pruner) as held, Store(pruner, held=held) as store:
        done = store.prune(SHORT, GONE_AT_ONCE, at=NOON + timedelta(days=9))
        assert [fate.scan.number for fate in done if fate.goes] == [1]
        assert store.heads()[: len(before)] == before
        assert store.faults() == []
    for statement in ("DELETE FROM log", "UPDATE log SET what = 'x'", "TRUNCATE log", "UPDATE body SET data = ''"):
        assert is_refused(server, "yunhe_pruner", statement), statement


@pytest.mark.postgres
def test_what_the_roles_do_not_prevent_the_run_log_tells(server: tuple[PostgresServer, str]) -> None:
    """A writer can end what still holds; that it did is seen."""
    postgres, database = server
    postgres.run(database, "UPDATE record_version SET until_scan = since_scan", "yunhe_writer")
    with Store(postgres.url(database, "yunhe_reports")) as store:
        assert store.faults() != []


@pytest.mark.postgres
def test_whoever_reports_reads_all_and_writes_nothing(server: tuple[PostgresServer, str], tmp_path: Path) -> None:
    postgres, database = server
    reports = postgres.url(database, "yunhe_reports")
    with Store(reports) as store:
        kept = store.load()
        assert kept is not None
        assert kept.info.number == 2
        assert store.faults() == []
        with pytest.raises(StoreError, match="permission denied"):
            fill(store, 1)
    with pytest.raises(StoreError, match="permission denied"), lock(reports):
        pass
    made = backup(place_of(reports), place_of(tmp_path / "b.db"))
    assert made.scans == 2

    for user in ("yunhe_writer", "yunhe_reports"):
        with pytest.raises(StoreError, match="permission denied"):
            restore(place_of(tmp_path / "b.db"), place_of(postgres.url(database, user)), replace=True)
    with Store(reports) as store:
        assert store.heads()[-1] == made.head
    owner = postgres.url(database)
    assert restore(place_of(tmp_path / "b.db"), place_of(owner), replace=True) == made
    with Store(postgres.url(database, "yunhe_writer")) as store:
        crash_nights.save(store, 3)
        assert store.faults() == []


@pytest.mark.postgres
@pytest.mark.timeout(120)
@pytest.mark.parametrize("holder", ["yunhe", "yunhe_pruner"])
def test_a_stopped_holder_of_another_role_keeps_no_scan_away(
    server: tuple[PostgresServer, str], holder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A writer may not end its session, and need not: the server does."""
    postgres, database = server
    monkeypatch.setattr(store_lock, "STALE_SECONDS", 1.0)
    writer = postgres.url(database, "yunhe_writer")
    with other_process(postgres.url(database, holder), stale=2) as process:
        with pytest.raises(StoreError, match=f"process {process.pid} on "), lock(writer):
            pass
        process.send_signal(signal.SIGSTOP)
        deadline = time.monotonic() + 60
        while True:
            try:
                with lock(writer) as held, Store(writer, held=held) as store:
                    fill(store, 1)
            except StoreError as error:
                if "another scan is writing" not in str(error) or time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
            else:
                break


@pytest.mark.postgres
def test_every_table_is_in_the_grants() -> None:
    """A table that a later migration adds is not forgotten: without its line the next scan would be refused."""
    said = (FOLDER / "grants.sql").read_text(encoding="utf-8")
    assert [table for table in METADATA.tables if f" {table}" not in said] == []


@pytest.mark.postgres
def test_a_server_that_does_not_answer_is_one_clear_sentence() -> None:
    with pytest.raises(StoreError, match="cannot be opened"):
        Store("postgresql://yunhe@127.0.0.1:1/yunhe")
