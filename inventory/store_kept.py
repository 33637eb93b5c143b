"""What the store keeps of a section, read from front to back beside the section of a new scan."""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, LargeBinary, Select, bindparam, cast, func, literal, select, tuple_
from sqlalchemy.dialects.postgresql import aggregate_order_by

from inventory.store_bulk import Place, front, latest
from inventory.store_incoming import Block
from inventory.store_schema import RAWS, Section, is_postgresql


class Kept:
    """Goes on from place to place, and reads no rows where nothing changed."""

    def __init__(self, connection: Connection, section: Section, before_use: Callable[[], object]) -> None:
        """`before_use` is called before each use of the connection."""
        self._db = connection
        self._section = section
        self._before_use = before_use
        self._after = front(section)
        self._held = _held(section, in_postgresql=is_postgresql(connection))
        before_use()
        key = section.table.c.key
        self._top = connection.execute(select(key).order_by(key.desc()).limit(1)).scalar()

    @property
    def is_read(self) -> bool:
        """Whether nothing is kept behind the place that was reached."""
        return self._top is None or bool(self._after.key > self._top)

    def skip(self, block: Block) -> bool:
        """Goes on to the end of the block, if what holds between here and there is what is in the block."""
        self._before_use()
        (key, nth), (last_key, last_nth) = self._after, block.last
        span = {"key": key, "nth": nth, "last_key": last_key, "last_nth": last_nth}
        if (self._db.execute(self._held, span).scalar_one() or b"") != b"".join(block.digests):
            return False
        self._after = block.last
        return True

    def rows(self, last: Place | None) -> Iterator[tuple[Any, ...]]:
        """Goes on to this place, or to the end: the newest version of each thing that ever was, ended or not."""
        yield from latest(self._db, self._section, self._before_use, self._after, last)
        if last is not None:
            self._after = last


@cache
def _held(section: Section, *, in_postgresql: bool) -> Select[Any]:
    """The digests, one behind the other, of all that holds now behind one place, up to another.

    The store puts them together itself: to look at a row takes a fifth of the time that it takes to fetch it.
    """
    table = section.table
    order = (table.c.key, table.c.nth)
    digest = table.c.key if section is RAWS else table.c.digest
    joined: ColumnElement[Any]
    if in_postgresql:
        joined = func.string_agg(digest, aggregate_order_by(literal(b""), *order))
    else:
        joined = cast(func.group_concat(digest, ""), LargeBinary)  # in the order in which it reads, that of the key
    return select(joined).where(
        table.c.until_scan.is_(None),
        tuple_(*order) > tuple_(bindparam("key"), bindparam("nth")),
        tuple_(*order) <= tuple_(bindparam("last_key"), bindparam("last_nth")),
    )
