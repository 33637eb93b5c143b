"""`yunhe report`."""

from pathlib import Path
from typing import Annotated

import typer

from commands.kept import load
from commands.options import DEFAULT_CONFIG, AsOfOption, ConfigOption, ScanOption
from commands.output import output_file, write_whole
from commands.voice import Lang, in_words
from inventory.text import mark


def report(
    output: Annotated[Path, typer.Option("--output", "-o", help=in_words(mark("The HTML file to write.")))],
    config: ConfigOption = DEFAULT_CONFIG,
    number: ScanOption = None,
    as_of: AsOfOption = None,
    lang: Annotated[Lang, typer.Option("--lang", help=in_words(mark("Language: zh_CN or en.")))] = Lang.ZH_CN,
) -> None:
    """Reports speak Chinese unless asked otherwise."""
    from exporters.pages import report_html

    output = output_file(output)
    write_whole(output, report_html(load(config, number, as_of), locale=lang).encode())
    typer.echo(str(output))
