"""Where a store is: a file of SQLite, or a PostgreSQL database by URL; and what is said when it cannot be used."""

import re
from dataclasses import dataclass
from pathlib import Path

from inventory.text import Message, msg, tell

_URL = re.compile(r"postgres(?:ql)?://")


class StoreError(Exception):
    """The store cannot be opened, read, written or locked; the message says what would help."""

    def __init__(self, message: Message) -> None:
        super().__init__(tell(message, "en"))
        self.message = message


class DamagedError(StoreError):
    """What is kept is not what was written: of a store, or of a backup."""


@dataclass(frozen=True, slots=True)
class Place:
    """Either a path or a URL."""

    path: Path | None = None
    url: str | None = None

    def __str__(self) -> str:
        return str(self.path or self.url)

    @property
    def is_there(self) -> bool:
        """Whether a store may be there. Of a server only asking tells."""
        return self.path is None or self.path.is_file()


def place_of(where: "Path | str | Place") -> Place:
    """The place that a path or a URL names.

    Raises:
        StoreError: the URL holds a password, or is none of PostgreSQL.
    """
    if isinstance(where, Place):
        return where
    if isinstance(where, Path):
        return Place(path=where)
    if not _URL.match(where):
        return Place(path=Path(where))
    authority = where.split("://", 1)[1].split("/", 1)[0]
    if ":" in authority.rpartition("@")[0] or re.search(r"[?&]password=", where):
        raise StoreError(
            msg(
                "the store's URL holds a password, and the configuration is no place for one: expected "
                "postgresql://USER@HOST/DATABASE, the password in a .pgpass file (PGPASSFILE) or in PGPASSWORD"
            )
        )
    return Place(url="postgresql://" + where.split("://", 1)[1])
