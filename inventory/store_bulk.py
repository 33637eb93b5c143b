"""Many rows at once: statements of many rows for SQLite, binary COPY for PostgreSQL; and versions read in pages."""

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import starmap
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Connection,
    Integer,
    LargeBinary,
    Select,
    SmallInteger,
    Table,
    Text,
    bindparam,
    func,
    select,
    tuple_,
    update,
)
from sqlalchemy.exc import OperationalError

from inventory.store_schema import FINDINGS, RAWS, Section, is_postgresql

PAGE_ROWS = 5000
BATCH_ROWS = 5000
NEVER = 2**31 - 1
"""A scan behind every scan."""
BATCH_BYTES = 8 * 1024**2
STATEMENT_ROWS = 1250
"""SQLite takes 32,766 values in a statement."""

blob = bytearray
"""What bytes are bound as: for each of type `bytes` Python's sqlite3 looks for an adapter, longer than a copy takes."""


class Place(NamedTuple):
    """Where a thing stands in its section."""

    key: str | bytes
    nth: int
    """Its place among those of the same key, from 0: several captures may hold one thing."""


def front(section: Section) -> Place:
    """Before all that a section can hold."""
    return Place(b"" if section is RAWS else "", -1)


class Version(NamedTuple):
    """A version row without its content."""

    key: str | bytes
    nth: int
    since: int
    until: int | None
    digest: bytes
    body: int
    verdict: str = ""
    known_scan: int = 0
    known_at: str = ""
    """The last three: findings only."""


def insert(connection: Connection, table: Table, rows: Sequence[tuple[object, ...]]) -> None:
    """Adds rows that have a value for each of the table's columns.

    Raises:
        SQLAlchemyError: they were refused.
    """
    with inserting(connection, table, list(zip(*rows, strict=True)), table.columns.keys()):
        pass


@contextlib.contextmanager
def inserting(
    connection: Connection, table: Table, values: Sequence[Sequence[object]], columns: Sequence[str]
) -> Iterator[None]:
    """Adds rows of which these columns are given, the others are NULL: a list of values for each, all equally long.

    The store may work on them until the block ends. Nothing else uses the connection in it.

    Raises:
        SQLAlchemyError: they were refused.
    """
    if not values or not values[0]:
        yield
    elif is_postgresql(connection):
        with _copying(connection, table, values, columns):
            yield
    elif len(values[0]) <= STATEMENT_ROWS:
        _insert(connection, table, values, columns)
        yield
    else:
        # SQLite lets other threads go on while it works.
        with _meanwhile(lambda: _insert(connection, table, values, columns)):
            yield


@contextlib.contextmanager
def _meanwhile(work: Callable[[], object]) -> Iterator[None]:
    """Does the work in a thread until the block ends; what it raised is raised there."""
    failures: list[BaseException] = []
    done = threading.Event()

    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - told by the thread that waits
            failures.append(error)
        finally:
            done.set()

    thread = threading.Thread(target=run, name="yunhe-store")
    try:
        thread.start()
        yield
    finally:
        _wait(thread, done)
        if failures:
            raise failures[0]


def _wait(thread: threading.Thread, done: threading.Event) -> None:
    """Until it is done, whatever interrupts: rows that it adds after the transaction's end would stay.

    A join that is interrupted once takes the thread for ended (bpo-45274).
    """
    interruption: BaseException | None = None
    while not done.is_set():
        try:
            if not done.wait(1) and thread.ident is None:
                break  # it could not be started
        except BaseException as error:  # noqa: BLE001 - raised when the work is done
            interruption = error
    if interruption is not None:
        raise interruption


def _insert(connection: Connection, table: Table, values: Sequence[Sequence[object]], names: Sequence[str]) -> None:
    """Many rows in one statement, which takes half the time that one statement for each takes."""
    width, count = len(names), len(values[0])
    flat: list[object] = [None] * (width * count)
    for place, column in enumerate(values):
        flat[place::width] = column
    row = f"({', '.join('?' * width)})"
    raw: Any = connection.connection.driver_connection
    try:
        for start in range(0, count, STATEMENT_ROWS):
            many = ", ".join([row] * min(STATEMENT_ROWS, count - start))
            raw.execute(
                f"INSERT INTO {table.name} ({', '.join(names)}) VALUES {many}",  # noqa: S608 - names of ours
                flat[start * width : (start + STATEMENT_ROWS) * width],
            )
    except sqlite3.Error as error:
        raise OperationalError(f"INSERT INTO {table.name}", None, error) from error


@contextlib.contextmanager
def _copying(
    connection: Connection, table: Table, values: Sequence[Sequence[object]], names: Sequence[str]
) -> Iterator[None]:
    import psycopg
    from psycopg import sql

    columns = sql.SQL(", ").join(map(sql.Identifier, names))
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(sql.Identifier(table.name), columns)
    raw: Any = connection.connection.driver_connection
    try:
        with raw.cursor() as cursor, cursor.copy(statement) as copy:
            copy.set_types([_POSTGRES_TYPES[type(table.columns[name].type)] for name in names])
            for row in zip(*values, strict=True):
                copy.write_row(row)
            yield
    except psycopg.Error as error:
        raise OperationalError(f"COPY {table.name}", None, error) from error


_POSTGRES_TYPES: dict[type, str] = {
    BigInteger: "int8", Integer: "int4", LargeBinary: "bytea", SmallInteger: "int2", Text: "text"
}  # fmt: skip


def close_versions(
    connection: Connection, table: Table, rows: Sequence[tuple[str | bytes, int, int]], last: int
) -> None:
    """Ends the versions (key, nth, since) with the scan `last`."""
    if not rows:
        return
    ended = (
        update(table)
        .where(table.c.key == bindparam("k"), table.c.nth == bindparam("n"), table.c.since_scan == bindparam("s"))
        .values(until_scan=last)
    )
    connection.execute(ended, [{"k": key, "n": nth, "s": since} for key, nth, since in rows])


def rows(
    connection: Connection,
    section: Section,
    before_page: Callable[[], object] = lambda: None,
    after: Place | None = None,
    last: Place | None = None,
) -> Iterator[tuple[Any, ...]]:
    """Every version of a section in the order of (key, nth, since), read in pages; the fields are those of `Version`.

    `after` and `last`: only of what stands behind the one place, up to the other. Rows may be added and ended
    meanwhile, as long as it is before the place that was reached. `before_page` is called before each use of the
    connection.
    """
    statement = _page(section, is_bounded=last is not None)
    values: dict[str, object] = {"rows": PAGE_ROWS}
    if last is not None:
        values |= {"last_key": last.key, "last_nth": last.nth}
    key, nth = after or front(section)
    since = NEVER
    while True:
        before_page()
        page = _plain(connection, statement, values | {"key": key, "nth": nth, "since": since})
        yield from page
        if len(page) < PAGE_ROWS:
            return
        key, nth, since = page[-1][:3]


@cache
def _page(section: Section, *, is_bounded: bool) -> Select[Any]:
    """To make a statement takes longer than to run it."""
    table = section.table
    order = (table.c.key, table.c.nth, table.c.since_scan)
    digest = func.coalesce(table.c.digest, table.c.key) if section is RAWS else table.c.digest
    columns = [*order, table.c.until_scan, digest, table.c.body]
    if section is FINDINGS:
        columns += [table.c.verdict, table.c.known_scan, table.c.known_at]
    page = select(*columns).order_by(*order).limit(bindparam("rows"))
    page = page.where(tuple_(*order) > tuple_(bindparam("key"), bindparam("nth"), bindparam("since")))
    if is_bounded:
        page = page.where(tuple_(*order[:2]) <= tuple_(bindparam("last_key"), bindparam("last_nth")))
    return page


def _plain(connection: Connection, statement: Select[Any], values: dict[str, object]) -> list[tuple[Any, ...]]:
    """The rows as the driver gives them: a million of them need no names."""
    cursor = connection.execute(statement, values).cursor
    return list(cursor.fetchall()) if cursor is not None else []


def versions(connection: Connection, section: Section) -> Iterator[Version]:
    """As `rows`, with names."""
    return starmap(Version, rows(connection, section))


def latest(
    connection: Connection,
    section: Section,
    before_page: Callable[[], object] = lambda: None,
    after: Place | None = None,
    last: Place | None = None,
) -> Iterator[tuple[Any, ...]]:
    """As `rows`, of each thing that ever was its newest version only, ended or not."""
    before: tuple[Any, ...] | None = None
    for row in rows(connection, section, before_page, after, last):
        if before is not None and (before[0] != row[0] or before[1] != row[1]):
            yield before
        before = row
    if before is not None:
        yield before
