"""The tables of the first release."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None

_BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_SMALL = sa.SmallInteger().with_variant(sa.Integer, "sqlite")
_KEY = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    """Makes them all."""
    op.create_table(
        "body",
        sa.Column("id", _BIG, primary_key=True, autoincrement=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sqlite_strict=True,
    )
    _versions("record_version", _KEY)
    _versions("raw_version", sa.LargeBinary())
    _versions("cell_version", _KEY)
    _versions("rejection_version", _KEY)
    _versions(
        "finding_version",
        _KEY,
        sa.Column("verdict", sa.Text, nullable=False),
        sa.Column("known_scan", sa.Integer, nullable=False),
        sa.Column("known_at", sa.Text, nullable=False),
    )
    op.create_table(
        "scan",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("info", sa.Text, nullable=False),
        sa.Column("taken_at", sa.Text, nullable=False),
        sa.Column("options", _BIG, nullable=False),
        sa.Column("sources", _BIG, nullable=False),
        sa.Column("entry", sa.Integer, nullable=False),
        sqlite_strict=True,
    )
    op.create_table(
        "observation",
        sa.Column("scan", sa.Integer, nullable=False),
        sa.Column("section", sa.Text, nullable=False),
        sa.Column("part", sa.Integer, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("scan", "section", "part", name="observation_pkey"),
        sqlite_strict=True,
    )
    op.create_table(
        "log",
        sa.Column("entry", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sqlite_strict=True,
    )
    op.create_table(
        "writer",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("token", sa.Text, nullable=False),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("since", sa.Text, nullable=False),
        sa.Column("heartbeat", sa.Text, nullable=False),
        sqlite_strict=True,
    )


def _versions(name: str, key: sa.types.TypeEngine[Any], *more: sa.Column[Any]) -> None:
    op.create_table(
        name,
        sa.Column("key", key, nullable=False),
        sa.Column("nth", _SMALL, nullable=False),
        sa.Column("since_scan", sa.Integer, nullable=False),
        sa.Column("until_scan", sa.Integer),
        sa.Column("digest", sa.LargeBinary),
        sa.Column("body", _BIG, nullable=False),
        *more,
        sa.PrimaryKeyConstraint("key", "nth", "since_scan", name=f"{name}_pkey"),
        sqlite_with_rowid=False,
        sqlite_strict=True,
    )
