"""Rows for people and programs: a table on a terminal, JSON, or CSV that a spreadsheet opens without harm."""

import csv
import io
import os
import re
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import IO, NoReturn

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

_ENCODER = msgspec.json.Encoder(order="deterministic")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""The last four are the full-width signs: Excel in Chinese takes them for the others."""
BOM = "\ufeff"


LOG_WIDTH = 200
"""Columns of a table that is written to a file or a pipe."""


class Terminal(Console):
    """Standard output; a reader that goes away (`| head`) is the caller's to judge."""

    def __init__(self) -> None:
        narrow = sys.stdout.isatty() or "COLUMNS" in os.environ
        super().__init__(highlight=False, emoji=False, width=None if narrow else LOG_WIDTH)

    def on_broken_pipe(self) -> NoReturn:
        """rich's own would end the program with exit code 1."""
        raise BrokenPipeError


def write_utf8(file: IO[str], text: str) -> None:
    """JSON and CSV are UTF-8, whatever the reader's locale: another program is to read them."""
    buffer = getattr(file, "buffer", None)
    if buffer is None:
        file.write(text)
        return
    file.flush()
    buffer.write(text.encode())
    buffer.flush()


class Format(StrEnum):
    """Formats of whatever lists."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


Cell = str | int | float | None | Sequence[str]


def plain(text: str) -> str:
    """The text without control, bidirectional and other invisible characters: safe on a terminal and in a page."""
    return "".join(" " if c in "\n\r\t" else c for c in text if c in "\n\r\t" or unicodedata.category(c) not in _HIDDEN)


def short(text: str) -> str:
    """As much as a person reads: to fold a name of a million characters takes minutes."""
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"


MAX_SHOWN = 8000
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})


def spreadsheet_cell(text: str) -> str:
    """The text so that no spreadsheet takes it for a formula (CWE-1236): a leading sign gets an apostrophe."""
    clean = plain(text)
    return f"'{clean}" if clean.startswith(_FORMULA) or text.startswith(_FORMULA) else clean


def csv_text(columns: Sequence[str], rows: Sequence[Mapping[str, Cell]]) -> str:
    """CSV with a byte order mark, which Excel needs to read Chinese."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([spreadsheet_cell(_flat(row.get(c))) for c in columns])
    return BOM + buffer.getvalue()


def json_text(value: object) -> str:
    """Indented JSON, keys in the order given, Chinese as it is."""
    text = msgspec.json.format(_ENCODER.encode(value), indent=2).decode() + "\n"
    return _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


_STEERING = re.compile("[\\x7f-\\x9f\\xad\\u061c\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufeff]")
"""What steers a terminal or turns text round and what JSON leaves as it is: escaped, it is the same JSON."""


def show(
    columns: Mapping[str, str], rows: Sequence[Mapping[str, Cell]], form: Format, console: Console, *, title: str = ""
) -> None:
    """Writes rows to the console. `columns`: key, as JSON and CSV name it, to heading on a terminal."""
    if form is Format.JSON:
        write_utf8(console.file, json_text([{c: row.get(c) for c in columns} for row in rows]))
    elif form is Format.CSV:
        write_utf8(console.file, csv_text(list(columns), rows))
    else:
        table = Table(title=title or None, title_justify="left", header_style="bold", show_lines=False)
        for heading in columns.values():
            table.add_column(heading, overflow="fold")
        for row in rows:
            table.add_row(*(Text(short(plain(_flat(row.get(c))))) for c in columns))
        console.print(table)


def _flat(value: Cell) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float):
        return str(value)
    return ", ".join(value)
