"""Who may write: one scan at a time, and never one that is dead.

SQLite: the kernel holds a lock on `STORE.lock` for as long as the process lives, and not a moment longer; the file says
who it is. PostgreSQL: an advisory lock lives as long as the session; a row says who holds it and when it last gave a
sign of life. A holder that has given none for `STALE_SECONDS` (a machine that was stopped, a network that was cut) is
thrown out by the server with the transaction that it was writing, and the next scan takes over. Where its role is not
that of the next scan, which may not end its sessions, the server ends the idle one that holds the lock by itself.
"""

import contextlib
import fcntl
import os
import platform
import secrets
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import msgspec
from sqlalchemy import Connection, Engine, select, text
from sqlalchemy.exc import ProgrammingError, SQLAlchemyError

from inventory.store_place import Place, StoreError
from inventory.store_schema import WRITER
from inventory.text import Message, msg

HEARTBEAT_SECONDS = 15.0
STALE_SECONDS = 180.0
MAX_HOLDER_BYTES = 4096
_KEY = 0x79756E02
"""Advisory lock of PostgreSQL that the writing scan holds."""
_MARK = 0x79756E04
"""Advisory lock that shows whose transaction it is that writes; many may hold it."""
_PATIENCE = "10min"
"""So long a transaction may wait for its client, or for another one: more than any of ours does."""


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """Who holds the lock."""

    machine: str
    process: int
    since: str
    """ISO 8601, UTC."""

    def words(self) -> Message:
        """As an operator looks for it."""
        return msg(
            "process {process} on {machine}, since {since}",
            process=self.process,
            machine=self.machine,
            since=self.since,
        )


class Held:
    """The lock while it is held."""

    def mark(self, connection: Connection) -> None:
        """Makes the transaction that writes known as the holder's: said before it writes anything.

        Raises:
            StoreError: the lock is somebody else's by now.
            SQLAlchemyError: the store does not answer.
        """

    def check(self, connection: Connection) -> None:
        """Refuses to write over the head of a scan that took over: asked inside the transaction that writes.

        Raises:
            StoreError: the lock is somebody else's by now.
        """


def ourselves() -> Holder:
    """This machine and this process."""
    since = datetime.now(UTC).isoformat(timespec="seconds")
    return Holder(machine=platform.node() or "?", process=os.getpid(), since=since)


@contextlib.contextmanager
def lock(place: Place) -> Iterator[Held]:
    """Holds the store against a second scan.

    Raises:
        StoreError: another scan holds it, or the lock cannot be taken at all.
    """
    if place.path is not None:
        with _file_lock(place.path):
            yield Held()  # the kernel takes it from nobody who lives
        return
    from inventory.store_engine import engine_of, prepare, why

    engine = engine_of(place)
    try:
        try:
            prepare(engine, place, older=True)  # whoever renews it holds it too
            held = _Lease(engine, place)
        except SQLAlchemyError as error:
            raise StoreError(
                msg("{path}: the store cannot be locked ({why})", path=str(place), why=why(error))
            ) from error
        with held:
            yield held
    finally:
        engine.dispose()


# ── SQLite ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@contextlib.contextmanager
def _file_lock(path: Path) -> Iterator[None]:
    real = Path(os.path.realpath(path))  # whoever comes by a link holds the same lock
    name = real.with_name(real.name + ".lock")
    try:
        descriptor = os.open(name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        sentence = msg(
            "{path}: the store cannot be written: {why} ({file}); expected a folder that is there and writable",
            path=str(path),
            why=error.strerror or str(error),
            file=str(name),
        )
        raise StoreError(sentence) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise _refused(path, _holder(os.pread(descriptor, MAX_HOLDER_BYTES, 0))) from error
        with contextlib.suppress(OSError):  # a full disk: the lock holds without its holder's name
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, msgspec.json.encode(ourselves()), 0)
        yield
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def _holder(data: bytes | str) -> Holder | None:
    try:
        return msgspec.json.decode(data, type=Holder)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _refused(place: object, holder: Holder | None) -> StoreError:
    if holder is None:
        return StoreError(msg("{path}: another scan is writing to this store; wait for it to end", path=str(place)))
    return StoreError(
        msg(
            "{path}: another scan is writing to this store ({holder}); wait for it to end",
            path=str(place),
            holder=holder.words(),
        )
    )


# ── PostgreSQL ───────────────────────────────────────────────────────────────────────────────────────────────────────


class _Lease(Held):
    """The advisory lock of a session of its own, and the row that says whose it is."""

    def __init__(self, engine: Engine, place: Place) -> None:
        self._place = place
        self._token = secrets.token_hex(16)
        self._done = threading.Event()
        self._session = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        try:
            self._session.execute(text(f"SET idle_session_timeout = {int(STALE_SECONDS * 1000)}"))
            self._acquire()
        except BaseException:
            self._session.close()
            raise
        self._beat = threading.Thread(target=self._keep_alive, name="yunhe-lock", daemon=True)

    def __enter__(self) -> Self:
        self._beat.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._beat.join()
        with contextlib.suppress(SQLAlchemyError):  # the session is gone, and the lock with it
            self._session.execute(text("DELETE FROM writer WHERE token = :token"), {"token": self._token})
            self._session.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _KEY})
        self._session.invalidate()
        self._session.close()

    def mark(self, connection: Connection) -> None:
        connection.execute(text("SELECT pg_advisory_xact_lock_shared(:key)"), {"key": _MARK})
        for what in ("idle_in_transaction_session_timeout", "lock_timeout"):
            connection.execute(text(f"SET LOCAL {what} = '{_PATIENCE}'"))
        # Only now: whoever signs after this sees the mark, and ends what it stands for.
        self.check(connection)

    def check(self, connection: Connection) -> None:
        row = connection.execute(select(WRITER.c.token, WRITER.c.holder)).first()
        if row is None or row[0] != self._token:
            raise _refused(self._place, _holder(row[1]) if row else None)

    def _acquire(self) -> None:
        if not (self._try() or (self._throw_out_the_dead() and self._try())):
            row = self._session.execute(select(WRITER.c.holder)).first()
            raise _refused(self._place, _holder(row[0]) if row else None)
        self._sign()  # at once: beside the stale row of the dead the next one to come would take us for that
        self._end_what_it_wrote()

    def _try(self) -> bool:
        return bool(self._session.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": _KEY}).scalar_one())

    def _sign(self) -> None:
        self._session.execute(text("DELETE FROM writer"))
        self._session.execute(
            text(
                "INSERT INTO writer (id, token, holder, since, heartbeat)"
                " VALUES (1, :token, :holder, CAST(now() AS text), CAST(now() AS text))"
            ),
            {"token": self._token, "holder": msgspec.json.encode(ourselves()).decode()},
        )

    def _keep_alive(self) -> None:
        while not self._done.wait(HEARTBEAT_SECONDS):
            try:
                self._session.execute(
                    text("UPDATE writer SET heartbeat = CAST(now() AS text) WHERE token = :token"),
                    {"token": self._token},
                )
            except SQLAlchemyError:
                return  # the session is lost, and with it the lock; writing the scan says so

    def _throw_out_the_dead(self) -> bool:
        """Ends the session of a holder that has given no sign of life for too long; says whether it did.

        Its session must have been silent for as long as its row: who has just taken the lock from the dead has not
        signed yet.
        """
        return self._end(
            _KEY,
            "EXISTS (SELECT FROM writer w"
            " WHERE CAST(w.heartbeat AS timestamptz) < now() - make_interval(secs => :seconds))"
            " AND EXISTS (SELECT FROM pg_stat_activity a"
            " WHERE a.pid = l.pid AND a.state_change < now() - make_interval(secs => :seconds))",
            {"seconds": STALE_SECONDS},
        )

    def _end_what_it_wrote(self) -> None:
        """Ends the transaction of a holder that is none any more: ours would wait for it."""
        self._end(_MARK, "TRUE", {})

    def _end(self, key: int, which: str, values: dict[str, object]) -> bool:
        try:
            ended = self._session.execute(
                text(
                    "SELECT pg_terminate_backend(l.pid, 10000) FROM pg_locks l"  # noqa: S608 - all ours
                    " WHERE l.locktype = 'advisory' AND l.granted"
                    # Of a key of 64 bits, as ours are: another program's pair of two numbers is none of our business.
                    " AND l.classid = 0 AND l.objid = :key AND l.objsubid = 1"
                    f" AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND {which}"
                ),
                {"key": key, **values},
            ).fetchall()
        except ProgrammingError:
            return False  # another role's, whose sessions are not ours to end: the server ends idle ones itself
        return bool(ended)
