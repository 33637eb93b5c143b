"""Renewing a store that an older version made: Alembic's migrations, or the import of captures."""

import os
from pathlib import Path

from inventory.store import Store
from inventory.store_captures import close_for_good, stored_scans
from inventory.store_engine import (
    CAPTURE_SCHEMA,
    DATABASE_ERRORS,
    engine_of,
    known_revisions,
    reading,
    revision,
    upgrade,
    why,
    writing,
)
from inventory.store_place import Place, StoreError
from inventory.store_schema import REVISION
from inventory.text import msg


def migrate(place: Place) -> str | None:
    """Brings the store to this version's tables and says from which it came; None if there was nothing to do.

    The caller holds the lock. Killed at any point, the store is the old one or the new one, whole. A store of captures
    stays beside the new one as `STORE.captures`.

    Raises:
        StoreError: it cannot be read or written, or is of a version that this program does not know.
    """
    engine = engine_of(place)
    try:
        with reading(engine) as connection:
            found = revision(connection)
        if found == REVISION:
            return None
        if found is not None and found in known_revisions():
            with writing(engine) as connection:
                upgrade(connection)
            return found
    except DATABASE_ERRORS as error:
        sentence = msg("{path}: the store cannot be renewed ({why})", path=str(place), why=why(error))
        raise StoreError(sentence) from error
    finally:
        engine.dispose()
    if found == CAPTURE_SCHEMA and place.path is not None:
        _import_captures(place.path)
        return found
    Store(place).__exit__()  # empty: it is made; of a newer program: it is refused
    return None


def _import_captures(path: Path) -> None:
    new, kept_as = path.with_name(path.name + ".new"), path.with_name(path.name + ".captures")
    if kept_as.exists() and not kept_as.samefile(path):  # it is where a renewal was killed at its end
        raise StoreError(
            msg("{path}: {file} is there, an older store that would be lost; move it away first",
                path=str(path), file=kept_as.name)
        )  # fmt: skip
    for left in (new, *(new.with_name(new.name + end) for end in ("-wal", "-shm", "-journal"))):
        left.unlink(missing_ok=True)
    close_for_good(path)
    with Store(new) as store:
        for scan in stored_scans(path):
            kept = store.save(info=scan.info, options=scan.options, taken=scan.collection, findings=scan.findings)
            if kept.number != scan.info.number:
                raise StoreError(
                    msg("{path}: scan {number} is missing; nothing was changed", path=str(path), number=kept.number)
                )
    close_for_good(new)
    try:
        kept_as.unlink(missing_ok=True)
        os.link(path, kept_as)
        new.replace(path)
    except OSError as error:
        raise StoreError(
            msg("{path}: the store cannot be renewed ({why})", path=str(path), why=error.strerror or str(error))
        ) from error
