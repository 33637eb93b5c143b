"""`yunhe store backup` and `yunhe store restore`: a copy of the store at one moment, and the way back."""

import contextlib
import sys
from collections.abc import Iterator
from typing import Annotated

import typer

from commands import voice
from commands.kept import store_place
from commands.options import DEFAULT_CONFIG, ConfigOption
from commands.outcome import Exit, Refusal
from commands.output import output_file
from commands.voice import in_words
from inventory import settings
from inventory.store import Place, place_of
from inventory.text import mark, msg, tell


def backup(
    target: Annotated[
        str,
        typer.Argument(
            metavar="FILE|URL", help=in_words(mark("A new file, or the URL of an empty PostgreSQL database."))
        ),
    ],
    config: ConfigOption = DEFAULT_CONFIG,
    overwrite: Annotated[bool, typer.Option("--overwrite", help=in_words(mark("Replace what is there.")))] = False,
) -> None:
    """Verified, and a store itself; scans may go on meanwhile. Exit 6 where the store is damaged."""
    from inventory import store_backup

    place = store_place(settings.load(config), config.parent)
    to = place_of(target)
    if to.path is not None:
        to = Place(path=output_file(to.path))
    with _mistakes():
        made = store_backup.backup(place, to, overwrite=overwrite)
    sentence = msg(
        "{path}: {scans} scan(s), {entries} entries of the log, head {head}; verified",
        path=str(to), scans=made.scans, entries=made.entries, head=made.head or "-",
    )  # fmt: skip
    typer.echo(tell(sentence, voice.LOCALE))
    sys.stdout.flush()


def restore(
    origin: Annotated[
        str, typer.Argument(metavar="FILE|URL", help=in_words(mark("A backup: a file, or the URL of a database.")))
    ],
    config: ConfigOption = DEFAULT_CONFIG,
    replace: Annotated[
        bool, typer.Option("--replace", help=in_words(mark("Give up what the store of the configuration holds.")))
    ] = False,
) -> None:
    """Fills the store of the configuration, all or nothing. Exit 6 where the backup is not as it was written."""
    from inventory import store_backup

    place = store_place(settings.load(config), config.parent)
    with _mistakes():
        done = store_backup.restore(place_of(origin), place, replace=replace)
    sentence = msg(
        "{path} was restored: {scans} scan(s), {entries} entries of the log, head {head}; verified",
        path=str(place), scans=done.scans, entries=done.entries, head=done.head or "-",
    )  # fmt: skip
    typer.echo(tell(sentence, voice.LOCALE))
    sys.stdout.flush()


@contextlib.contextmanager
def _mistakes() -> Iterator[None]:
    """A file that cannot be meant is the user's mistake, not the store's."""
    from inventory.store_backup import WrongFileError

    try:
        yield
    except WrongFileError as error:
        raise Refusal(Exit.USAGE, tell(error.message, voice.LOCALE)) from error
