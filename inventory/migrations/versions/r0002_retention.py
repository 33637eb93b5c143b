"""What a pruning must remember of the scans that it takes away."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"

_SMALL = sa.SmallInteger().with_variant(sa.Integer, "sqlite")
_KEY = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    """Makes two tables more; what is there stays as it is."""
    op.create_table(
        "opened",
        sa.Column("key", _KEY, primary_key=True),
        sa.Column("scan", sa.Integer, nullable=False),
        sqlite_with_rowid=False,
        sqlite_strict=True,
    )
    op.create_table(
        "tombstone",
        sa.Column("key", _KEY, nullable=False),
        sa.Column("nth", _SMALL, nullable=False),
        sa.Column("last_scan", sa.Integer, nullable=False),
        sa.Column("gone_scan", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("key", "nth", name="tombstone_pkey"),
        sqlite_with_rowid=False,
        sqlite_strict=True,
    )
