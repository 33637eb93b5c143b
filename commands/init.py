"""`yunhe init`."""

import errno
from pathlib import Path
from typing import Annotated

import typer

from commands import voice
from commands.outcome import Exit, Refusal, os_sentence
from commands.voice import in_words
from inventory.text import mark, msg, tell


def init(folder: Annotated[Path, typer.Argument(help=in_words(mark("Where to write them.")))] = Path()) -> None:
    """Writes `yunhe.toml` and `ledgers/*.xlsx`; what is there already stays."""
    from exporters.templates import example_config, write_templates

    config = folder / "yunhe.toml"
    try:
        if config.exists():
            sentence = msg("{path} is there already; nothing was written", path=str(config))
            raise Refusal(Exit.USAGE, tell(sentence, voice.LOCALE))
        folder.mkdir(parents=True, exist_ok=True)
        written = write_templates(folder / "ledgers")
        config.write_text(example_config(), encoding="utf-8")
    except OSError as error:
        if isinstance(error, FileExistsError):
            error.errno = errno.ENOTDIR
        raise Refusal(Exit.USAGE, os_sentence(error.filename, error)) from error
    for path in [config, *written]:
        typer.echo(str(path))
