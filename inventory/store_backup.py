"""Backup and restore 备份与恢复: a copy of the store at one moment, whole and verified or not there at all.

A backup is a store itself: one file of SQLite with nothing beside it, whatever the store is kept in, so that it goes
back into either; or another database. It is called good only once its pages and its run log have been verified. A
restore is one transaction of the store that it fills: killed at any point, what was there before is there still.
"""

import contextlib
import fcntl
import os
import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from sqlalchemy import Connection, Engine, Table, create_engine, delete, event, func, inspect, select
from sqlalchemy.exc import SQLAlchemyError

from inventory.store import Store
from inventory.store_bulk import BATCH_ROWS, insert
from inventory.store_chain import hold, last_entry
from inventory.store_engine import (
    DATABASE_ERRORS,
    PAGE_BYTES,
    engine_of,
    is_damage,
    prepare,
    reading,
    revision,
    upgrade,
    why,
    writing,
)
from inventory.store_lock import lock
from inventory.store_place import DamagedError, Place, StoreError
from inventory.store_schema import BODY, LOG, METADATA, OBSERVATION, REVISION, SCAN, WRITER, is_postgresql
from inventory.store_verify import faults
from inventory.text import Message, msg
from inventory.whole_file import PRIVATE

_TABLES = tuple(table for table in METADATA.sorted_tables if table is not WRITER)
"""What a store is made of. Who holds the lock is no part of it."""
_PAGES = 4096
"""Pages copied between two looks at whether somebody wants to interrupt."""
_LARGE = frozenset({BODY, OBSERVATION})
_LARGE_ROWS = 500
_HEADER = b"SQLite format 3\0"
_BESIDE = ("-wal", "-shm", "-journal")
"""What SQLite writes beside a file."""


class WrongFileError(StoreError):
    """What was named is no backup that can be used, or would be lost by what was asked: nothing was changed."""


class Copied(NamedTuple):
    """What is in a copy that was verified."""

    scans: int
    entries: int
    """Of the run log."""
    head: str
    """SHA-256 of the run log, hexadecimal; empty where nothing has happened yet."""


def backup(place: Place, target: Place, *, overwrite: bool = False) -> Copied:
    """Copies the store as it is at this moment, whatever is written meanwhile, and verifies the copy.

    `overwrite` replaces what is at the target: a file, or what a database holds. Killed at any point, the target is as
    it was; what may be left beside a file, `.NAME.….tmp` and its lock, the next backup into the folder removes.

    Raises:
        WrongFileError: the target is there already, or is the store itself.
        DamagedError: the store is not as it was written; nothing is at the target that was not before.
        StoreError: it cannot be read or written.
    """
    with Store(place, must_exist=True):
        pass  # it is there, and of this version
    engine = engine_of(place)
    try:
        with reading(engine) as source:
            if target.path is None:
                return _fill(source, target, replace=overwrite, origin=place)
            _refuse_target(place, target.path, overwrite=overwrite)
            with _new_file(target.path) as temporary:
                if is_postgresql(source):
                    _copy_rows_to(source, temporary)
                else:
                    _copy_pages_to(source, temporary)
                found = _verified(temporary, source, place)
                _put(temporary, target.path, overwrite=overwrite)
            return found
    except (*DATABASE_ERRORS, OSError) as error:
        if is_damage(error):
            raise DamagedError(_not_whole(place, why(error))) from error
        sentence = msg("{path}: the backup could not be made ({why}); nothing was left of it",
                       path=str(target), why=_why(error))  # fmt: skip
        raise StoreError(sentence) from error
    finally:
        engine.dispose()


def restore(origin: Place, place: Place, *, replace: bool = False) -> Copied:
    """Fills the store with what a backup holds, all of it or nothing, and verifies it before it counts.

    `replace` gives up what the store holds. The lock is held meanwhile; readers see the former state until the end.

    Raises:
        WrongFileError: no backup of this version, or the store holds something and `replace` is not said.
        DamagedError: the backup is not as it was written; nothing was changed.
        StoreError: one of the two cannot be read or written, or a scan is writing; nothing was changed.
    """
    if origin.path is not None and place.path is not None and _is_same(origin.path, place.path):
        raise WrongFileError(msg("{path}: that is the store itself; expected a backup of it", path=str(origin)))
    if place.is_there and not replace:
        _refuse_full(place)
    with _opened(origin) as source:
        with _told_of(origin):
            _check(source, origin)
        return _fill(source, place, replace=replace, origin=origin)


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@contextlib.contextmanager
def _opened(origin: Place) -> Iterator[Connection]:
    """The backup at one moment, never written to.

    Raises:
        WrongFileError: it is not there, no store, or of another version.
    """
    if origin.path is not None:
        _refuse_foreign(origin.path)
        engine = _file_engine(origin.path)
    else:
        engine = engine_of(origin)
    try:
        with contextlib.ExitStack() as stack:
            with _told_of(origin):
                connection = stack.enter_context(reading(engine))
                _refuse_version(connection, origin)
            yield connection
    finally:
        engine.dispose()


def _file_engine(path: Path) -> Engine:
    """Reads a file and leaves nothing beside it; what stands in one that a stranger made is not run."""
    has_log = any(path.with_name(path.name + end).exists() for end in _BESIDE)
    uri = f"file:{quote(str(path.absolute()))}?mode=ro" + ("" if has_log else "&immutable=1")

    def connect() -> sqlite3.Connection:
        raw = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
        raw.execute("PRAGMA trusted_schema = OFF")
        raw.execute("PRAGMA cell_size_check = ON")
        raw.execute("PRAGMA cache_size = -65536")
        return raw

    return _begun(create_engine("sqlite://", creator=connect))


def _begun(engine: Engine) -> Engine:
    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine


def _refuse_foreign(path: Path) -> None:
    try:
        with path.open("rb") as file:
            header = file.read(len(_HEADER))
    except OSError as error:
        sentence = msg("{path}: the backup cannot be read ({why})", path=str(path), why=error.strerror or str(error))
        raise WrongFileError(sentence) from error
    if header != _HEADER:
        raise WrongFileError(_foreign(path))


def _foreign(where: object) -> Message:
    return msg("{path}: it is no backup of a store; expected a file that `yunhe store backup` made", path=str(where))


def _refuse_version(connection: Connection, origin: Place) -> None:
    found = revision(connection)
    if found is None:
        raise WrongFileError(_foreign(origin))
    if found != REVISION:
        raise WrongFileError(
            msg(
                "{path}: the backup is of schema {found}, this program restores schema {known}: a copy of an older one "
                "is renewed by `yunhe store migrate` with a configuration that names it as its store",
                path=str(origin),
                found=found,
                known=REVISION,
            )
        )
    inspector = inspect(connection)
    names = set(inspector.get_table_names())
    for table in _TABLES:
        columns = {c["name"] for c in inspector.get_columns(table.name)} if table.name in names else set()
        if columns != set(table.columns.keys()):
            raise WrongFileError(
                msg("{path}: its table {table} is not that of a store of this version",
                    path=str(origin), table=table.name)
            )  # fmt: skip


def _check(connection: Connection, where: Place) -> Copied:
    """Every page, and every row against the run log.

    Raises:
        DamagedError: something is not as it was written.
    """
    if not is_postgresql(connection):
        said = connection.exec_driver_sql("PRAGMA integrity_check(1)").scalar_one()
        if said != "ok":
            raise DamagedError(_not_whole(where, " ".join(str(said).split())))
    for fault in faults(connection):
        raise DamagedError(_not_whole(where, fault))
    return _content(connection)


def _not_whole(where: object, fault: Message | str) -> Message:
    return msg("{path}: it is not as it was written: {fault}; nothing was changed", path=str(where), fault=fault)


def _content(connection: Connection) -> Copied:
    last = last_entry(connection)
    return Copied(
        scans=int(connection.execute(select(func.count()).select_from(SCAN)).scalar_one()),
        entries=int(connection.execute(select(func.count()).select_from(LOG)).scalar_one()),
        head="" if last is None else bytes(last.digest).hex(),
    )


@contextlib.contextmanager
def _told_of(origin: Place) -> Iterator[None]:
    """What a backup that cannot be read is called."""
    try:
        yield
    except (*DATABASE_ERRORS, ValueError) as error:
        if is_damage(error) or isinstance(error, ValueError):
            raise DamagedError(_not_whole(origin, why(error))) from error
        sentence = msg("{path}: the backup cannot be read ({why})", path=str(origin), why=why(error))
        raise StoreError(sentence) from error


def _why(error: Exception) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else why(error)


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False


def _is_of(path: Path, store: Path) -> bool:
    """Whether it is what stands beside the store: its log, its lock, what a scan reads into."""
    rest = path.name.removeprefix(store.name)
    return (
        rest != path.name
        and rest.startswith((*_BESIDE, ".lock", ".collecting"))
        and _is_same(path.parent, store.parent)
    )


# ── a new file ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _refuse_target(place: Place, path: Path, *, overwrite: bool) -> None:
    if place.path is not None and _is_same(path, place.path):
        raise WrongFileError(msg("{path}: that is the store itself; expected another name", path=str(path)))
    if place.path is not None and _is_of(path, place.path):
        raise WrongFileError(msg("{path}: that is a part of the store; expected another name", path=str(path)))
    if path.exists() and not overwrite:
        raise WrongFileError(msg("{path}: it is there already; --overwrite replaces it", path=str(path)))
    for end in _BESIDE:
        beside = path.with_name(path.name + end)
        if beside.exists():
            # SQLite would take it for a part of the new file.
            raise WrongFileError(
                msg("{file} is there: a program has {path} open, or did not close it; expected another name",
                    file=str(beside), path=str(path))
            )  # fmt: skip


@contextlib.contextmanager
def _new_file(path: Path) -> Iterator[Path]:
    """An empty private file beside `path`, and nothing of it afterwards. Its name cannot be guessed."""
    _clear(path.parent)
    temporary = path.with_name(f".{path.name[:200]}.{secrets.token_hex(8)}.tmp")
    with _claimed(temporary):
        os.close(os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, PRIVATE))
        try:
            yield temporary
        finally:
            _remove(temporary)


_CLAIMS = f".*.{'[0-9a-f]' * 16}.tmp.lock"
"""Names of the locks that stand beside unfinished backups."""


@contextlib.contextmanager
def _claimed(temporary: Path) -> Iterator[None]:
    """Holds a lock that ends with this process, by which others tell that `temporary` is being written.

    Not on the file itself: on NFS that would lock SQLite out.
    """
    name = temporary.with_name(temporary.name + ".lock")
    descriptor = os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, PRIVATE)
    try:
        with contextlib.suppress(OSError):  # a file system without locks: nobody clears there
            # Whoever found it first, and takes it for one that was left, is done before `temporary` is there.
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        name.unlink(missing_ok=True)
        os.close(descriptor)


def _clear(folder: Path) -> None:
    """Removes what backups into this folder left whose process is dead."""
    for name in folder.glob(_CLAIMS):
        with contextlib.suppress(OSError):  # it is being written, or not ours to remove
            descriptor = os.open(name, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _remove(name.with_suffix(""))
                name.unlink(missing_ok=True)
            finally:
                os.close(descriptor)


def _remove(path: Path) -> None:
    for end in ("", *_BESIDE):
        path.with_name(path.name + end).unlink(missing_ok=True)


def _copy_pages_to(source: Connection, temporary: Path) -> None:
    """SQLite's own backup, within the caller's view of the store: what is written meanwhile is not in it."""
    source.execute(select(LOG.c.entry).limit(1)).first()  # from here on it is that moment's
    live = source.connection.driver_connection
    assert isinstance(live, sqlite3.Connection)  # noqa: S101 - tells mypy
    with contextlib.closing(sqlite3.connect(temporary, isolation_level=None)) as copy:
        copy.execute("PRAGMA synchronous = OFF")  # it is synced as a whole before it counts
        live.backup(copy, pages=_PAGES, progress=lambda *_: None)
    with contextlib.closing(sqlite3.connect(temporary, isolation_level=None)) as copy:
        # One file with nothing beside it, that can be read where nothing can be written.
        copy.execute("PRAGMA journal_mode = DELETE")


def _copy_rows_to(source: Connection, temporary: Path) -> None:
    def connect() -> sqlite3.Connection:
        raw = sqlite3.connect(temporary, isolation_level=None, check_same_thread=False)
        raw.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        raw.execute("PRAGMA journal_mode = OFF")  # whatever goes wrong, the file is thrown away
        raw.execute("PRAGMA synchronous = OFF")
        raw.execute("PRAGMA cache_size = -65536")
        return raw

    engine = _begun(create_engine("sqlite://", creator=connect))
    try:
        with engine.connect() as copy, copy.begin():
            upgrade(copy)
            _copy_rows(source, copy)
    finally:
        engine.dispose()


def _verified(temporary: Path, source: Connection, place: Place) -> Copied:
    engine = _file_engine(temporary)
    try:
        with reading(engine) as copy:
            found = _check(copy, place)
    finally:
        engine.dispose()
    if found != _content(source):
        raise DamagedError(_not_whole(place, msg("the copy is not what was copied")))
    return found


def _put(temporary: Path, path: Path, *, overwrite: bool) -> None:
    """Gives the finished file its name, and never takes that from another without being told to."""
    _sync(temporary)
    if overwrite:
        temporary.replace(path)
    else:
        try:
            os.link(temporary, path)
        except FileExistsError:
            raise WrongFileError(msg("{path}: it is there already; --overwrite replaces it", path=str(path))) from None
        except OSError:  # a file system without hard links
            if path.exists():
                raise
            temporary.rename(path)
    _sync(path.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# ── filling a store ──────────────────────────────────────────────────────────────────────────────────────────────────


def _fill(source: Connection, place: Place, *, replace: bool, origin: Place) -> Copied:
    """Puts the rows of `source` into the store in place of its own, in one transaction, verified before it ends."""
    expected = _content(source)
    with lock(place) as held:
        engine = engine_of(place)
        try:
            prepare(engine, place)
            with writing(engine) as target:
                held.mark(target)
                hold(target)
                if not replace:
                    _refuse_content(target, place)
                for table in reversed(_TABLES):
                    # Who may only add can still fill a store that is empty.
                    if target.execute(select(table).limit(1)).first() is not None:
                        target.execute(delete(table))
                _copy_rows(source, target)
                for fault in faults(target):
                    raise DamagedError(_not_whole(origin, fault))
                found = _content(target)
                if found != expected:
                    raise DamagedError(_not_whole(origin, msg("the copy is not what was copied")))
                held.check(target)
        except DATABASE_ERRORS as error:
            sentence = msg(
                "{path}: the store could not be filled ({why}); it is as it was. Where it is damaged itself, move it "
                "away and restore into a new one",
                path=str(place),
                why=why(error),
            )
            raise StoreError(sentence) from error
        finally:
            engine.dispose()
    return found


def _refuse_full(place: Place) -> None:
    """Before anything long is begun; what counts is asked again in the transaction that writes."""
    engine = engine_of(place)
    try:
        with reading(engine) as connection:
            if revision(connection) == REVISION:
                _refuse_content(connection, place)
    except SQLAlchemyError:
        return  # whoever opens it to write says what is wrong with it
    finally:
        engine.dispose()


def _refuse_content(connection: Connection, place: Place) -> None:
    if _content(connection).entries:
        raise WrongFileError(
            msg(
                "{path}: the store is not empty; --replace gives up what it holds (back it up first)",
                path=str(place),
            )
        )


def _copy_rows(source: Connection, target: Connection) -> None:
    """Every row, in the order of the keys, a bounded number at a time."""
    for table in _TABLES:
        for batch in _batches(source, table):
            insert(target, table, batch)


def _batches(source: Connection, table: Table) -> Iterator[Sequence[tuple[object, ...]]]:
    size = _LARGE_ROWS if table in _LARGE else BATCH_ROWS
    wanted = select(table).order_by(*table.primary_key.columns).execution_options(yield_per=size)
    for rows in source.execute(wanted).partitions():
        yield [tuple(row) for row in rows]
