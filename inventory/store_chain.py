"""The run log: what happened to the store, each entry bound to the one before by its digest.

A scan's entry holds the digest of what came and went with it (`Changes`), so that no row of any scan can be changed,
added or taken away later without the log saying otherwise; and whoever holds the digest of the newest entry (the
head: a printed report, a metric) can tell that the log itself was not written anew.
"""

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple, TypeVar

import msgspec
from sqlalchemy import Connection, Table, select
from sqlalchemy import text as text_of

from inventory.scan import ScanInfo
from inventory.store_bulk import insert
from inventory.store_rows import canonical, sha256
from inventory.store_schema import LOG, Section, is_postgresql

BEFORE_THE_FIRST = bytes(32)
_LOG_LOCK = 0x79756E03
"""Advisory lock of PostgreSQL that whoever adds an entry holds until its transaction ends."""
_Body = TypeVar("_Body", bound=msgspec.Struct)


class Entry(NamedTuple):
    """One entry of the log."""

    number: int
    what: str
    """`scan`, `prune`, `baseline`, `citation`."""
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


class CitationEntry(msgspec.Struct, frozen=True, kw_only=True):
    """What the log says of evidence 证据包 that was built of a scan: the scan is kept for as long as the store is."""

    scan: int
    project: str
    cited_at: str


class PruneEntry(msgspec.Struct, frozen=True, kw_only=True):
    """What the log says of a pruning 清理: which scans went by the rules, and what the digests of the others are since.

    Rows that came or went with a scan that is no more came or went, for whoever is left, with the next that is: its
    `changes` are others than its own entry says, and stand here. They were taken of rows that were verified before.
    """

    scans: tuple[int, ...]
    """Those that went, and no others."""
    changes: dict[str, str]
    """Number of a scan that stayed to its `Changes` from now on; the others' are as they were."""
    opened: str
    """Digest of the table `opened` (`remembered`)."""
    tombstones: str
    """Digest of the table `tombstone`."""
    spans: str = ""
    """Digest of where rows begin and end among the scans that went (`store_verify.counted`): the changes do not say it
    any more. Empty in prunings of before it was counted.
    """
    rules: msgspec.Raw
    """As they were configured."""
    pruned_at: str
    by: str
    """Machine and process, as in the lock."""


class Changes:
    """Digest of what came and went with one scan, in the order of sections, keys and places."""

    def __init__(self) -> None:
        self._state = hashlib.sha256()

    def section(self, section: Section) -> None:
        """The events that follow are of this section."""
        self._state.update(b"#%s\0" % section.name.encode())

    def came(
        self,
        keys: Sequence[str | bytes],
        nths: Sequence[int],
        digests: Sequence[bytes],
        facts: Sequence[tuple[object, ...]],
    ) -> None:
        """Each thing (key, nth) has the content of this digest from now on; facts are what else stands in its row."""
        # Laid out with strides and joined once: half the time that a format for each thing takes.
        parts = [b"+"] * (5 * len(keys))
        parts[1::5] = [key.encode() if isinstance(key, str) else key for key in keys]
        parts[2::5] = [b"\0%d\0" % nth for nth in nths] if any(nths) else [b"\0%d\0" % 0] * len(nths)
        parts[3::5] = digests
        parts[4::5] = [_told(more) if more else b"" for more in facts]
        self._state.update(b"".join(parts))

    def went(self, key: str | bytes, nth: int) -> None:
        """What held before holds no more."""
        self._state.update(b"-%s\0%d\0" % (key.encode() if isinstance(key, str) else key, nth))

    def hexdigest(self) -> str:
        """What all of it comes to."""
        return self._state.hexdigest()


_told = lru_cache(maxsize=1024)(canonical)
"""Facts as they are digested: many rows have the same."""


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


def hold(connection: Connection) -> None:
    """From now until the caller's transaction ends nobody else adds an entry."""
    if is_postgresql(connection):  # a transaction that writes has SQLite for itself anyway
        connection.execute(text_of("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOG_LOCK})


def append(connection: Connection, what: str, body: object) -> Entry:
    """Adds an entry and returns it. Who else wants to add one waits until the caller's transaction has ended."""
    hold(connection)
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
    return _entries(connection, "baseline", BaselineEntry)


def citations(connection: Connection) -> list[CitationEntry]:
    """The evidence that was built of scans, in the order of building."""
    return _entries(connection, "citation", CitationEntry)


def prunings(connection: Connection) -> list[PruneEntry]:
    """Every pruning, the oldest first."""
    return _entries(connection, "prune", PruneEntry)


def pruned_scans(connection: Connection) -> dict[int, ScanInfo]:
    """The scans that went by the rules of retention, by number: what the log still says of them."""
    gone = {number for pruning in prunings(connection) for number in pruning.scans}
    if not gone:
        return {}
    rows = connection.execute(select(LOG.c.body, LOG.c.digest).where(LOG.c.what == "scan").order_by(LOG.c.entry))
    found: dict[int, ScanInfo] = {}
    for body, digest in rows:
        entry = msgspec.json.decode(body, type=ScanEntry)
        if entry.scan in gone:
            info = msgspec.json.decode(bytes(entry.info), type=ScanInfo)
            found[entry.scan] = msgspec.structs.replace(info, head=bytes(digest).hex())
    return found


def _entries(connection: Connection, what: str, kind: type[_Body]) -> list[_Body]:
    bodies = connection.execute(select(LOG.c.body).where(LOG.c.what == what).order_by(LOG.c.entry)).scalars()
    return [msgspec.json.decode(body, type=kind) for body in bodies]


def remembered(connection: Connection, table: Table) -> str:
    """Digest of a table that a pruning writes, hexadecimal."""
    state = hashlib.sha256()
    for row in connection.execute(select(table).order_by(*table.primary_key.columns)):
        state.update(canonical(tuple(row)) + b"\n")
    return state.hexdigest()
