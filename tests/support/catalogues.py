"""The Chinese catalogues as they stand in the sources: parts of a room together, whether compiled already or not."""

import functools
from pathlib import Path

import pytest

from inventory import text


def use_sources(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Compiles every `ROOM.po` and `ROOM-PART.po` into `folder` and makes `inventory.text` read them from there."""
    from babel.messages.catalog import Catalog
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    for language in (d for d in text.LOCALE_DIR.iterdir() if d.is_dir()):
        target = folder / language.name / "LC_MESSAGES"
        target.mkdir(parents=True)
        for room in text.ROOMS:
            merged = Catalog(locale=language.name)
            for path in sorted((language / "LC_MESSAGES").glob(f"{room}*.po")):
                with path.open("rb") as file:
                    for message in read_po(file, locale=language.name):
                        if message.id and message.string:
                            merged.add(message.id, message.string)
            with (target / f"{room}.mo").open("wb") as out:
                write_mo(out, merged)
    patch.setattr(text, "LOCALE_DIR", folder)
    # A catalogue of its own: what other tests have read must neither be seen here nor be changed.
    patch.setattr(text, "_catalogue", functools.cache(text._catalogue.__wrapped__))
