"""The rows of ledgers that were not used 退回清单, as a file for whoever keeps the ledger: CSV or XLSX."""

import io
from collections.abc import Sequence
from pathlib import Path

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.worksheet.worksheet import Worksheet

from exporters import tables
from inventory.coverage import Rejection
from inventory.text import gettext, mark, tell

SUFFIXES = (".csv", ".xlsx")

_HEADINGS = {
    "ledger": mark("ledger"),
    "file": mark("file"),
    "sheet": mark("sheet"),
    "row": mark("row"),
    "column": mark("column"),
    "value": mark("value in the cell"),
    "expected": mark("what was expected"),
    "touches": mark("what the row speaks of"),
}
MAX_XLSX_ROWS = 1_000_000
"""A sheet has 48,576 more; whoever has so many bad cells reads the CSV."""
_WIDTHS = (18, 28, 14, 8, 24, 30, 60, 30)


def is_writable(path: Path) -> bool:
    """Whether the path's suffix says which of the two it is to be."""
    return path.suffix.casefold() in SUFFIXES


def rejected_file(path: Path, rejections: Sequence[Rejection], *, locale: str) -> bytes:
    """The file's bytes, one line for each cell that could not be read, in the order of the ledgers."""
    rows = [_row(r, locale) for r in sorted(rejections, key=_place)]
    headings = [gettext(h, locale) for h in _HEADINGS.values()]
    if path.suffix.casefold() == ".csv":
        return tables.csv_text(headings, [dict(zip(headings, row.values(), strict=True)) for row in rows]).encode()
    return _xlsx(headings, rows)


def _place(r: Rejection) -> tuple[str, str, str, int, str]:
    return r.source, r.file, r.sheet, r.row, r.column


def _row(r: Rejection, locale: str) -> dict[str, tables.Cell]:
    return {
        "ledger": r.source,
        "file": r.file,
        "sheet": r.sheet,
        "row": r.row,
        "column": r.column,
        "value": r.value,
        "expected": tell(r.expected, locale),
        "touches": "、".join(r.touches),
    }


def _xlsx(headings: Sequence[str], rows: Sequence[dict[str, tables.Cell]]) -> bytes:
    workbook = Workbook()
    workbook.properties.creator = "Yunhe"
    table = workbook.active
    if not isinstance(table, Worksheet):
        raise TypeError("a new workbook has a worksheet")
    table.title = "退回清单"
    table.append(list(headings))
    for cell in table[1]:
        cell.font = Font(bold=True)
        cell.fill = PatternFill("solid", fgColor="DCE6F1")
    for row in rows[:MAX_XLSX_ROWS]:
        # Never a formula: the cell's text is what a hostile ledger held.
        table.append([v if isinstance(v, int) else tables.spreadsheet_cell(str(v or "")) for v in row.values()])
        for cell in table[table.max_row]:
            cell.alignment = Alignment(wrap_text=True, vertical="top")
            if isinstance(cell.value, str):
                cell.data_type, cell.number_format = "s", "@"
    for letter, width in zip("ABCDEFGH", _WIDTHS, strict=True):
        table.column_dimensions[letter].width = width
    table.freeze_panes = "A2"
    buffer = io.BytesIO()
    workbook.save(buffer)
    return buffer.getvalue()
