"""Ledgers in one line, and what a collector says of them."""

import csv
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import openpyxl

from collectors.collector import collect
from collectors.ledger_source import ledger_collectors
from inventory.collection import Collection
from inventory.guard import Guard
from inventory.settings import Ledger, LedgerKind

NOON = datetime(2026, 11, 1, 4, tzinfo=UTC)

Rows = Sequence[Sequence[object]]


def write_xlsx(path: Path, rows: Rows, *, merges: Sequence[str] = (), sheet: str = "台账", **more: Rows) -> Path:
    """A workbook of one sheet, or of more by name."""
    workbook = openpyxl.Workbook()
    table = workbook.active
    table.title = sheet
    for row in rows:
        table.append(list(row))
    for merge in merges:
        table.merge_cells(merge)
    for name, other in more.items():
        extra = workbook.create_sheet(name)
        for row in other:
            extra.append(list(row))
    workbook.save(path)
    return path


def write_csv(path: Path, rows: Rows, *, encoding: str = "utf-8", delimiter: str = ",") -> Path:
    """A CSV file as a spreadsheet program saves it."""
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows(rows)
    return path


def read_ledger(path: Path, kind: LedgerKind, *, guard: Guard | None = None, **more: object) -> Collection:
    """Everything that a scan keeps of the ledger."""
    ledger = Ledger(name="l", kind=kind, path=str(path), **more)  # type: ignore[arg-type]
    return collect(
        ledger_collectors(ledger, base=path.parent, clock=lambda: NOON),
        guard=guard if guard is not None else Guard(),
        clock=lambda: NOON,
    )
