"""`yunhe export prometheus` and `yunhe serve`."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from checks.result import Result
from commands import voice
from commands.kept import load, result_of, store_place
from commands.options import DEFAULT_CONFIG, ConfigOption, PortOption, ScanOption
from commands.outcome import Exit, Refusal, os_sentence
from commands.output import output_file
from commands.voice import errors, in_words
from exporters.server import DEFAULT_PORT
from inventory import settings
from inventory.store import Place, Store
from inventory.text import mark


def prometheus(
    textfile: Annotated[Path, typer.Option("--textfile", help=in_words(mark("The .prom file to write.")))],
    config: ConfigOption = DEFAULT_CONFIG,
    number: ScanOption = None,
) -> None:
    """Atomic: a scrape sees the old file or the new one."""
    from exporters.metrics import write_textfile

    textfile = output_file(textfile)
    result = load(config, number)
    try:
        write_textfile(result, textfile)
    except OSError as error:
        raise Refusal(Exit.COULD_NOT_RUN, os_sentence(textfile, error)) from error


def serve(
    config: ConfigOption = DEFAULT_CONFIG,
    host: Annotated[str, typer.Option("--host", help=in_words(mark("Address to listen on.")))] = "127.0.0.1",
    port: PortOption = DEFAULT_PORT,
) -> None:
    """Never asks a source: a scrape reads the store."""
    from exporters.server import serve as run_server

    load = last_result(store_place(settings.load(config), config.parent))

    def ready(bound: int) -> None:
        errors.print(f"http://{host}:{bound}/metrics", markup=False)

    try:
        run_server(load, host=host, port=port, ready=ready, locale=voice.LOCALE)
    except OSError as error:
        raise Refusal(Exit.COULD_NOT_RUN, os_sentence(f"{host}:{port}", error)) from error


def last_result(place: Place) -> Callable[[], Result | None]:
    """Gives the last finished scan, joined anew only where it is another one; None before the first."""
    last: list[Result] = []

    def load() -> Result | None:
        if not place.is_there:
            return None
        with Store(place) as opened:
            # Not the number alone: a store that was restored may have another scan of that number.
            newest = opened.last()
            if newest is not None and (not last or last[0].scan != newest):
                kept = opened.load(newest.number, past=True)
                last[:] = [result_of(kept)] if kept else []
            elif newest is None:
                last.clear()
        return last[0] if last else None

    return load
