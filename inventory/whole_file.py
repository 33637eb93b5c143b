"""A file that is there whole or not at all, written beside its place and moved there."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

PRIVATE = 0o600
"""Addresses and names of a city's hosts stand in it: its owner hands it on."""


@contextmanager
def whole_file(path: Path, *, mode: int = PRIVATE) -> Iterator[IO[bytes]]:
    """An open file that takes the place of `path` when the block ends without an exception.

    The name beside it cannot be guessed and is never followed as a link: the folder may be shared.

    Raises:
        OSError: the folder cannot be written to.
    """
    temporary = path.with_name(f".{path.name[:200]}.{secrets.token_hex(8)}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, PRIVATE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fchmod(descriptor, mode)
            os.fsync(descriptor)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
