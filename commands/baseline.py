"""`yunhe baseline set NAME SCAN` and `list`: a scan that later ones are measured by, named once and for good."""

import re
from typing import Annotated

import typer

from commands import voice
from commands.clock import now
from commands.kept import no_scan, open_store, store_place
from commands.options import DEFAULT_CONFIG, ConfigOption, FormatOption, LangOption
from commands.outcome import Exit, Refusal
from commands.voice import in_words
from exporters import tables
from exporters.tables import Format
from inventory import settings, store
from inventory.store import Store
from inventory.text import gettext, mark, msg, tell

_NAME = re.compile(r"(?!\d+\Z)[\w.-]{1,60}")
"""Letters (of any script), digits, dot, dash, underscore; no mere number, which would be a scan's."""


def set_baseline(
    name: Annotated[str, typer.Argument(help=in_words(mark("The baseline's name.")))],
    number: Annotated[int, typer.Argument(metavar="SCAN", help=in_words(mark("Number of the scan.")))],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """A name that is taken stays what it is: a baseline that moves measures nothing."""
    if not _NAME.fullmatch(name):
        sentence = msg(
            "{name} is no name of a baseline; expected letters, digits, dot, dash or underscore, and no mere number",
            name=name or "''",
        )
        raise Refusal(Exit.USAGE, tell(sentence, voice.LOCALE))
    place = store_place(settings.load(config), config.parent)
    with store.lock(place) as held, Store(place, must_exist=True, held=held) as opened:
        if name in {b.name for b in opened.baselines()} or number not in {i.number for i in opened.scans()}:
            _refuse(opened, name, number)
        entry = opened.set_baseline(name, number, at=now())
    typer.echo(f"{entry.name} {entry.scan} {entry.head}")


def _refuse(opened: Store, name: str, number: int) -> None:
    taken = {b.name: b.scan for b in opened.baselines()}
    if name not in taken:
        raise no_scan(opened, number)
    sentence = msg("baseline {name} is scan {number} for good; expected another name", name=name, number=taken[name])
    raise Refusal(Exit.USAGE, tell(sentence, voice.LOCALE))


def list_baselines(
    config: ConfigOption = DEFAULT_CONFIG, form: FormatOption = Format.TABLE, lang: LangOption = None
) -> None:
    """In the order in which they were set."""
    locale = lang or voice.LOCALE
    with open_store(config) as opened:
        found = opened.baselines()
    rows: list[dict[str, tables.Cell]] = [
        {"name": b.name, "scan": b.scan, "set_at": b.set_at, "head": b.head} for b in found
    ]
    headings = {"name": mark("name"), "scan": mark("scan"), "set_at": mark("set at"), "head": mark("head of the log")}
    columns = {k: gettext(h, locale) if form is Format.TABLE else k for k, h in headings.items()}
    tables.show(columns, rows, form, tables.Terminal())
