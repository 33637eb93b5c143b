"""The store's tables, as the newest migration leaves them. Times are ISO 8601 texts, digests are 32 bytes of SHA-256.

A version row says that a thing had one content from `since_scan` to `until_scan` (the last scan in which it held; NULL
while it holds). What did not change has no new row. Contents stand in `body`, each once.
"""

from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
)
from sqlalchemy.dialects import postgresql

METADATA = MetaData()
REVISION = "0003"
"""The newest migration."""

_BIG = BigInteger().with_variant(Integer, "sqlite")
_SMALL = SmallInteger().with_variant(Integer, "sqlite")
_KEY = Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
"""Compared byte by byte on both stores: the order of Python's strings."""


def _versions(name: str, key: Column[object], *more: Column[object]) -> Table:
    return Table(
        name,
        METADATA,
        key,
        Column("nth", _SMALL, nullable=False),
        Column("since_scan", Integer, nullable=False),
        Column("until_scan", Integer),
        Column("digest", LargeBinary),
        Column("body", _BIG, nullable=False),
        *more,
        PrimaryKeyConstraint("key", "nth", "since_scan", name=f"{name}_pkey"),
        sqlite_with_rowid=False,
        sqlite_strict=True,
    )


BODY = Table(
    "body",
    METADATA,
    Column("id", _BIG, primary_key=True, autoincrement=False),
    Column("data", LargeBinary, nullable=False),
    sqlite_strict=True,
)
"""Contents as JSON (UTF-8); raw documents and times packed by zlib where that makes them smaller."""

RECORD_VERSION = _versions("record_version", Column("key", _KEY, nullable=False))
"""Key: `source|kind|native id`. The body lacks `observed_at`."""
RAW_VERSION = _versions("raw_version", Column("key", LargeBinary, nullable=False))
"""Key: SHA-256 of the document, so `digest` is NULL."""
CELL_VERSION = _versions("cell_version", Column("key", _KEY, nullable=False))
"""Key: `source|scope|kind`. The body lacks the times."""
REJECTION_VERSION = _versions("rejection_version", Column("key", _KEY, nullable=False))
FINDING_VERSION = _versions(
    "finding_version",
    Column("key", _KEY, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("known_scan", Integer, nullable=False),
    Column("known_at", Text, nullable=False),
)
"""Key: `check@kind/id`. `known_scan` and `known_at`: the first scan in which this verdict held without a break."""

SCAN = Table(
    "scan",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("info", Text, nullable=False),
    Column("taken_at", Text, nullable=False),
    Column("options", _BIG, nullable=False),
    Column("sources", _BIG, nullable=False),
    Column("entry", Integer, nullable=False),
    sqlite_strict=True,
)
"""A finished scan that can be read: `info` and the bodies `options` and `sources` are JSON."""

OBSERVATION = Table(
    "observation",
    METADATA,
    Column("scan", Integer, nullable=False),
    Column("section", Text, nullable=False),
    Column("part", Integer, nullable=False),
    Column("data", LargeBinary, nullable=False),
    PrimaryKeyConstraint("scan", "section", "part", name="observation_pkey"),
    sqlite_strict=True,
)
"""When the records and cells of a scan were observed: runs of [how many rows, time], in the order of the rows."""

LOG = Table(
    "log",
    METADATA,
    Column("entry", Integer, primary_key=True, autoincrement=False),
    Column("what", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    sqlite_strict=True,
)
"""The run log: each entry's digest is that of the one before and its own body, so that nothing changes unseen."""

OPENED = Table(
    "opened",
    METADATA,
    Column("key", _KEY, primary_key=True),
    Column("scan", Integer, nullable=False),
    sqlite_with_rowid=False,
    sqlite_strict=True,
)
"""Findings that were open (fail, advisory) first in a scan that has been pruned: the key, and that scan."""

TOMBSTONE = Table(
    "tombstone",
    METADATA,
    Column("key", _KEY, nullable=False),
    Column("nth", _SMALL, nullable=False),
    Column("last_scan", Integer, nullable=False),
    Column("gone_scan", Integer, nullable=False),
    PrimaryKeyConstraint("key", "nth", name="tombstone_pkey"),
    sqlite_with_rowid=False,
    sqlite_strict=True,
)
"""Records that are gone, where the scans that showed it have been pruned: the last that had it, and the one in which it
was gone."""

WRITER = Table(
    "writer",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("token", Text, nullable=False),
    Column("holder", Text, nullable=False),
    Column("since", Text, nullable=False),
    Column("heartbeat", Text, nullable=False),
    sqlite_strict=True,
)
"""Who may write (PostgreSQL; with SQLite the lock file says it): at most one row."""


@dataclass(frozen=True, slots=True)
class Section:
    """One of the streams that a scan is made of."""

    name: str
    table: Table
    is_packed: bool = False
    """Its bodies may be packed: the others stay readable for SQL."""


RECORDS = Section("record", RECORD_VERSION)
RAWS = Section("raw", RAW_VERSION, is_packed=True)
CELLS = Section("cell", CELL_VERSION)
REJECTIONS = Section("rejection", REJECTION_VERSION)
FINDINGS = Section("finding", FINDING_VERSION)
SECTIONS = (RECORDS, RAWS, CELLS, REJECTIONS, FINDINGS)
"""In the order in which a scan writes them and the log's digests run over them."""


def is_postgresql(connection: Connection) -> bool:
    """Which of the two stores it is."""
    return connection.dialect.name == "postgresql"
