"""Where a command writes: standard output to its last byte, files whole or not at all."""

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from commands import voice
from commands.outcome import Exit, Refusal, os_sentence
from commands.voice import complain
from inventory.coverage import Rejection
from inventory.text import Message, gettext, mark, msg, tell
from inventory.whole_file import PRIVATE, whole_file


def flushed(code: str | int | None) -> str | int | None:
    """The exit code, once what was printed has arrived: a full disk under standard output is no success."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        drop_stdout()
    except OSError as error:
        drop_stdout()
        complain(os_sentence(gettext(mark("standard output"), voice.LOCALE), error))
        return Exit.COULD_NOT_RUN
    except ValueError:  # closed
        pass
    return code


def drop_stdout() -> None:
    """Nobody reads it any more: what is still to be flushed goes nowhere, silently."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def output_file(path: Path) -> Path:
    """The file to write, checked before anything is asked or computed.

    Output replaces what stands at its path, so it may be a new name or a regular file and nothing else: as root,
    `-o /dev/null` would put a page where the device was. A link is followed.
    """
    try:
        target = path.resolve(strict=False)
        is_there = target.exists()
        sentence: Message | None = None
        if target.is_dir():
            sentence = msg("{path}: it is a folder; expected the name of a file to write", path=str(path))
        elif is_there and not target.is_file():
            sentence = msg("{path}: it is no regular file; expected the name of a file to write", path=str(path))
        elif not target.parent.is_dir():
            sentence = msg(
                "{path}: there is no folder {folder}; make it first", path=str(path), folder=str(target.parent)
            )
    except (OSError, ValueError, RuntimeError) as error:
        said = error if isinstance(error, OSError) else OSError(str(error))
        raise Refusal(Exit.COULD_NOT_RUN, os_sentence(path, said)) from error
    if sentence is not None:
        raise Refusal(Exit.USAGE, tell(sentence, voice.LOCALE))
    return target if path.is_symlink() else path


def rejected_file_of(path: Path | None) -> Path | None:
    """The file of rejected rows, checked before anything is asked."""
    if path is None:
        return None
    from exporters import rejected_rows

    if not rejected_rows.is_writable(path):
        sentence = msg("--rejected {path}: expected the name of a .csv or .xlsx file", path=str(path))
        raise Refusal(Exit.USAGE, tell(sentence, voice.LOCALE))
    return output_file(path)


def write_rejected(path: Path | None, rejections: Sequence[Rejection]) -> None:
    """Writes the rows that were not used, also where there are none: an old file would seem to be of this run."""
    if path is not None:
        from exporters import rejected_rows

        write_whole(path, rejected_rows.rejected_file(path, rejections, locale=voice.LOCALE))


def write_whole(path: Path, data: bytes, *, mode: int = PRIVATE) -> None:
    """Whole or not at all."""
    try:
        with whole_file(path, mode=mode) as file:
            file.write(data)
    except OSError as error:
        raise Refusal(Exit.COULD_NOT_RUN, os_sentence(path, error)) from error
