"""Connections to a store, its transactions, and the migrations that make and renew its tables."""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from inventory.store_place import Place, StoreError
from inventory.store_schema import REVISION, is_postgresql
from inventory.text import msg

if TYPE_CHECKING:
    from alembic.config import Config as AlembicConfig

PAGE_BYTES = 16384
"""Of a new file of SQLite, a store or a backup. A store keeps the size that it was made with."""
_WRITES = "yunhe_writes"
_WAIT_SECONDS = 30
_MIGRATION_LOCK = 0x79756E01
"""Advisory lock of PostgreSQL under which tables are made or changed."""
_KEEPALIVE = "-c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3"
"""The server lets go of a machine that is gone after a minute, not after two hours."""


def engine_of(place: Place) -> Engine:
    """Connections to the store, whether it is there or not."""
    if place.path is not None:
        return _sqlite(place.path)
    url = make_url(place.url or "").set(drivername="postgresql+psycopg")
    return create_engine(
        url,
        pool_pre_ping=True,
        connect_args={
            "connect_timeout": 15,
            "application_name": "yunhe",
            "keepalives_idle": 30,
            "keepalives_interval": 10,
            "keepalives_count": 3,
            "options": _KEEPALIVE,
        },
    )


def _sqlite(path: Path) -> Engine:
    def connect() -> sqlite3.Connection:
        with contextlib.suppress(OSError):
            # SQLite would let everybody read it. What it writes beside it gets the same mode.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        return sqlite3.connect(path, timeout=_WAIT_SECONDS, isolation_level=None, check_same_thread=False)

    engine = create_engine("sqlite://", creator=connect)

    @event.listens_for(engine, "connect")
    def _prepare(raw: sqlite3.Connection, _: object) -> None:
        raw.execute(f"PRAGMA page_size = {PAGE_BYTES}")  # of a new file only
        tables = {name for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if not tables or "alembic_version" in tables:  # another program's file stays as it is
            _keep_log_beside(raw)
        raw.execute("PRAGMA synchronous = FULL")
        raw.execute("PRAGMA cache_size = -65536")
        raw.execute("PRAGMA journal_size_limit = 67108864")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(_WRITES)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _keep_log_beside(raw: sqlite3.Connection) -> None:
    try:
        raw.execute("PRAGMA journal_mode = WAL")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_READONLY:
            raise  # a backup on a medium that is read-only can be asked all the same


@contextlib.contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One transaction that others see whole or not at all."""
    with engine.connect().execution_options(**{_WRITES: True}) as connection, connection.begin():
        yield connection


@contextlib.contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A view of the store at one moment, whatever is written meanwhile."""
    options = (
        {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        if engine.dialect.name == "postgresql"
        else {}
    )
    with engine.connect().execution_options(**options) as connection, connection.begin():
        yield connection


# ── migrations ───────────────────────────────────────────────────────────────────────────────────────────────────────


def prepare(engine: Engine, place: Place, *, older: bool = False) -> None:
    """Makes the tables of a store that has none. `older`: a store that an older version made will do.

    Raises:
        StoreError: the store is of another version, or no store at all.
        SQLAlchemyError: it cannot be opened or written.
    """
    with reading(engine) as connection:
        found = revision(connection)
    if found == REVISION or (older and found in known_revisions()):
        return
    if found is None:
        with writing(engine) as connection:
            _alone(connection)
            if revision(connection) is None:
                _refuse_foreign(connection, place)
                upgrade(connection)
        return
    raise _other_revision(place, found)


CAPTURE_SCHEMA = "1 (captures)"
"""What the stores of before the first release are called: each scan one capture file."""


def revision(connection: Connection) -> str | None:
    """The migration that the store stands at; None if it has no table of ours."""
    names = set(inspect(connection).get_table_names())
    if "alembic_version" in names:
        found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
        return None if found is None else str(found)
    if {"meta", "scan", "finding"} <= names:
        found = connection.execute(text("SELECT value FROM meta WHERE key = 'schema_version'")).scalar_one_or_none()
        return CAPTURE_SCHEMA if str(found) == "1" else f"{found} (captures)"
    return None


def _refuse_foreign(connection: Connection, place: Place) -> None:
    names = inspect(connection).get_table_names()
    if names:
        raise StoreError(
            msg(
                "{path}: it holds tables of another program ({tables}); expected a store of yunhe, or nothing",
                path=str(place),
                tables=", ".join(sorted(names)[:5]),
            )
        )


def _other_revision(place: Place, found: str) -> StoreError:
    if found == CAPTURE_SCHEMA or found in known_revisions():
        return StoreError(
            msg("{path}: the store is of an older version; renew it with `yunhe store migrate`", path=str(place))
        )
    return StoreError(
        msg(
            "{path}: schema {found}; this program reads schema {known}: use the version of yunhe that made it",
            path=str(place),
            found=found,
            known=REVISION,
        )
    )


def known_revisions() -> frozenset[str]:
    """Every migration that this program has."""
    from alembic.script import ScriptDirectory

    return frozenset(s.revision for s in ScriptDirectory.from_config(_alembic()).walk_revisions())


def upgrade(connection: Connection, to: str = "head") -> None:
    """Brings the tables to a migration, by default the newest, inside the caller's transaction."""
    from alembic import command

    config = _alembic()
    config.attributes["connection"] = connection
    command.upgrade(config, to)


def _alembic() -> "AlembicConfig":
    from alembic.config import Config as AlembicConfig  # of no use to a store that stands where it should

    config = AlembicConfig()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    return config


def _alone(connection: Connection) -> None:
    if is_postgresql(connection):
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})


def why(error: Exception) -> str:
    """What the database itself says, on one line and without the statement's values."""
    said = getattr(error, "orig", None) or error
    return " ".join(str(said).split())[:500]


def is_damage(error: BaseException) -> bool:
    """Whether it says that a store is not as it was written, and not that it cannot be used."""
    said = getattr(error, "orig", None) or error
    # A text that is none any more has no code of its own: Python says it, not SQLite.
    return isinstance(said, UnicodeDecodeError) or (
        isinstance(said, sqlite3.Error)
        and (getattr(said, "sqlite_errorcode", 0) & 0xFF in _DAMAGE or "Could not decode to UTF-8" in str(said))
    )


def is_no_database(error: BaseException) -> bool:
    """Whether it says that a file is none of SQLite, or has lost its head."""
    return getattr(getattr(error, "orig", error), "sqlite_errorcode", 0) == sqlite3.SQLITE_NOTADB


_DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
DATABASE_ERRORS = (SQLAlchemyError, sqlite3.Error)
"""What a store that cannot be used raises."""
