"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

from commands.voice import Lang, in_words
from exporters.tables import Format
from inventory.text import mark

ConfigOption = Annotated[
    Path, typer.Option("--config", "-c", envvar="YUNHE_CONFIG", help=in_words(mark("The configuration file.")))
]


FormatOption = Annotated[Format, typer.Option("--format", "-f", help=in_words(mark("How to print it.")))]


ScanOption = Annotated[
    int | None, typer.Option("--scan", help=in_words(mark("Number of the scan; default: the last.")))
]


AsOfOption = Annotated[
    str | None,
    typer.Option("--as-of", help=in_words(mark("The last scan of that date or time, instead of the newest."))),
]


LangOption = Annotated[Lang | None, typer.Option("--lang", help=in_words(mark("Language: zh_CN or en.")))]


PortOption = Annotated[int, typer.Option("--port", min=0, max=65535, help=in_words(mark("Port to listen on.")))]


DEFAULT_CONFIG = Path("yunhe.toml")
ResumeOption = Annotated[
    bool, typer.Option("--resume", help=in_words(mark("Go on with what a run that was cut short had read.")))
]
DeadlineOption = Annotated[
    float | None,
    typer.Option(
        "--deadline",
        min=0.001,
        metavar="MINUTES",
        help=in_words(mark("After so many minutes read no more; what is left counts as skipped.")),
    ),
]
SweepOption = Annotated[
    bool,
    typer.Option(
        "--sweep",
        help=in_words(
            mark("Send packets: have nmap sweep the ranges of [[sweep]]. Whoever runs those networks must have agreed.")
        ),
    ),
]
RejectedOption = Annotated[
    Path | None,
    typer.Option(
        "--rejected",
        metavar="FILE",
        help=in_words(mark("Write the ledger rows that were not used to FILE, .csv or .xlsx.")),
    ),
]
