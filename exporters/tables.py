"""Rows for people and programs: a table on a terminal, JSON, or CSV that a spreadsheet opens without harm."""

import csv
import io
import unicodedata
from collections.abc import Mapping, Sequence
from enum import StrEnum

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

_ENCODER = msgspec.json.Encoder(order="deterministic")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
BOM = "\ufeff"


class Format(StrEnum):
    """Formats of whatever lists."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


Cell = str | int | float | None | Sequence[str]


def plain(text: str) -> str:
    """The text without control, bidirectional and other invisible characters: safe on a terminal and in a page."""
    return "".join(" " if c in "\n\r\t" else c for c in text if c in "\n\r\t" or unicodedata.category(c) not in _HIDDEN)


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
    return msgspec.json.format(_ENCODER.encode(value), indent=2).decode() + "\n"


def show(
    columns: Mapping[str, str], rows: Sequence[Mapping[str, Cell]], form: Format, console: Console, *, title: str = ""
) -> None:
    """Writes rows to the console. `columns`: key, as JSON and CSV name it, to heading on a terminal."""
    if form is Format.JSON:
        console.file.write(json_text([{c: row.get(c) for c in columns} for row in rows]))
    elif form is Format.CSV:
        console.file.write(csv_text(list(columns), rows))
    else:
        table = Table(title=title or None, title_justify="left", header_style="bold", show_lines=False)
        for heading in columns.values():
            table.add_column(heading, overflow="fold")
        for row in rows:
            table.add_row(*(Text(plain(_flat(row.get(c)))) for c in columns))
        console.print(table)


def _flat(value: Cell) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float):
        return str(value)
    return ", ".join(value)
