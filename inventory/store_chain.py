"""The run log: what happened to the store, each entry bound to the one before by its digest.

A scan's entry holds the digest of what came and went with it (`Changes`), so that no row of any scan can be changed,
added or taken away later without the log saying otherwise; and whoever holds the digest of the newest entry (the
head: a printed report, a metric) can tell that the log itself was not written anew.
"""

import hashlib
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, select

from inventory.store_bulk import insert
from inventory.store_rows import canonical, sha256
from inventory.store_schema import LOG, Section

BEFORE_THE_FIRST = bytes(32)


class Entry(NamedTuple):
    """One entry of the log."""

    number: int
    what: str
    """`scan`, `prune`, `baseline`."""
    body: str
    """JSON."""
    digest: bytes


class ScanEntry(msgspec.Struct, frozen=True, kw_only=True):
    """What the log says of a scan. Digests are hexadecimal."""

    scan: int
    info: msgspec.Raw
    taken_at: str
    options: str
    sources: str
    times: str
    """Of the observation times, in the order of their parts."""
    changes: str
    """See `Changes`."""


class BaselineEntry(msgspec.Struct, frozen=True, kw_only=True):
    """What the log says of a named baseline 基线: it is written once, and holds for good."""

    name: str
    scan: int
    head: str
    """Of the log up to the scan, so that it is told apart from another of its number."""
    set_at: str


class Changes:
    """Digest of what came and went with one scan, in the order of sections, keys and places."""

    def __init__(self) -> None:
        self._state = hashlib.sha256()

    def section(self, section: Section) -> None:
        """The events that follow are of this section."""
        self._state.update(b"#%s\0" % section.name.encode())

    def came(self, key: str | bytes, nth: int, digest: bytes, facts: tuple[object, ...] = ()) -> None:
        """A thing has the content of this digest from now on; `facts` are what else stands in its row."""
        name = key.encode() if isinstance(key, str) else key
        self._state.update(b"+%s\0%d\0%s" % (name, nth, digest))
        if facts:
            self._state.update(canonical(facts))

    def went(self, key: str | bytes, nth: int) -> None:
        """What held before holds no more."""
        self._state.update(b"-%s\0%d\0" % (key.encode() if isinstance(key, str) else key, nth))

    def hexdigest(self) -> str:
        """What all of it comes to."""
        return self._state.hexdigest()


def time_header(section: str, part: int) -> bytes:
    """What stands before each part of the observation times where they are digested."""
    return b"#%s\0%d\0" % (section.encode(), part)


def chained(before: bytes, what: str, body: str) -> bytes:
    """The digest of an entry that follows the one whose digest is `before`."""
    return sha256(before + what.encode() + b"\0" + body.encode())


def last_entry(connection: Connection) -> Entry | None:
    """The newest entry; None in an empty log."""
    row = connection.execute(select(LOG).order_by(LOG.c.entry.desc()).limit(1)).first()
    return None if row is None else Entry(*row)


def append(connection: Connection, what: str, body: object) -> Entry:
    """Adds an entry and returns it."""
    before = last_entry(connection)
    text = canonical(body).decode()
    entry = Entry(
        number=before.number + 1 if before else 1,
        what=what,
        body=text,
        digest=chained(before.digest if before else BEFORE_THE_FIRST, what, text),
    )
    insert(connection, LOG, [entry])
    return entry


def baselines(connection: Connection) -> list[BaselineEntry]:
    """The named baselines, in the order in which they were set."""
    bodies = connection.execute(select(LOG.c.body).where(LOG.c.what == "baseline").order_by(LOG.c.entry)).scalars()
    return [msgspec.json.decode(body, type=BaselineEntry) for body in bodies]
