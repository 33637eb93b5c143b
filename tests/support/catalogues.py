"""The Chinese catalogues as they stand in the sources: parts of a room together, whether compiled already or not."""

import functools
import tempfile
from pathlib import Path

import pytest

from inventory import text


def use_sources(patch: pytest.MonkeyPatch) -> None:
    """Makes `inventory.text` read every `ROOM.po` and `ROOM-PART.po` as it stands in the sources."""
    patch.setattr(text, "LOCALE_DIR", Path(_compiled(text.LOCALE_DIR).name))
    # A catalogue of its own: what other tests have read must neither be seen here nor be changed.
    patch.setattr(text, "_catalogue", functools.cache(text._catalogue.__wrapped__))


@functools.cache
def _compiled(sources: Path) -> tempfile.TemporaryDirectory[str]:
    """The sources compiled into a folder that lives as long as this process: nobody writes into it."""
    from babel.messages.catalog import Catalog
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    folder = tempfile.TemporaryDirectory(prefix="catalogues")
    for language in (d for d in sources.iterdir() if d.is_dir()):
        target = Path(folder.name) / language.name / "LC_MESSAGES"
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
    return folder
