"""Ledgers 台账 as a source: each table row becomes a record, or says in which cell it could not be read.

A ledger is opened and its headers are found before anything is scanned (`ledger_collectors` raises LedgerError); its
rows are read with the other sources. All bad cells are told in one pass; good rows are used. Of a classified row
(涉密) nothing is kept: its words go to the guard and a placeholder says that it is there (Art. 28).
"""

import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from collectors.collector import Collector, ForbiddenCodes, Reading, Said
from collectors.ledger_calls import CallTally
from collectors.ledger_fields import (
    BoundColumn,
    Cell,
    CellError,
    Header,
    find_header,
    forbidden_words,
    is_blank,
    parse,
    shown,
    split,
)
from collectors.ledger_records import CELL_KINDS, Fields, Made, ParsedRow, records_of
from collectors.ledger_table import BadCell, LedgerError, Merge, Row, Sheet, Workbook, open_workbook
from inventory.coverage import Cell as CoverageCell
from inventory.coverage import Rejection, SourceInfo
from inventory.ledger_columns import FORMS, Format, LedgerForm
from inventory.ledger_mapping import LedgerMapping, mapping_of
from inventory.names import normalise
from inventory.records import ClassifiedPlaceholder, Record
from inventory.settings import ConfigError, Ledger, resolve
from inventory.text import Message, msg

MAX_DETAIL = 400
"""Characters of a cell that is only shown."""
_PLACEHOLDERS = {"projects": "project", "systems": "system"}


def ledger_collectors(ledger: Ledger, *, base: Path, clock: Callable[[], datetime]) -> list[Collector]:
    """The collector of one ledger, its file opened and its headers found.

    Raises:
        ConfigError: its mapping file cannot be used.
        LedgerError: the file cannot be read, is no spreadsheet, or no sheet of it has the headers of such a ledger.
    """
    mapping = mapping_of(ledger, base=base)
    workbook = open_workbook(resolve(base, ledger.path))
    form = FORMS[ledger.kind]
    tables = _tables(workbook, form, mapping)
    constants = _constants(ledger, form, mapping)
    return [
        LedgerCollector(
            ledger=ledger,
            form=form,
            workbook=workbook,
            tables=tables,
            clock=clock,
            constants=constants,
            modified_at=_modified_at(workbook.path),
        )
    ]  # fmt: skip


def _modified_at(path: Path) -> datetime | None:
    """When the file was last written; a copy that does not keep the time looks newer than it is."""
    try:
        return datetime.fromtimestamp(int(path.stat().st_mtime), UTC)
    except (OSError, OverflowError, ValueError):
        return None


def _constants(ledger: Ledger, form: LedgerForm, mapping: LedgerMapping) -> Fields:
    """What the mapping says of every row."""
    fields: Fields = {}
    for name, text in mapping.constants.items():
        column = form.column(name)
        try:
            found = parse(column, text) if column is not None else None
        except CellError as error:
            what = msg("{value}; expected {expected}", value=shown(text), expected=error.expected)
            raise ConfigError(
                msg("{path}: {what}", path=ledger.mapping or ledger.name,
                    what=msg("key {key}: {what}", key=f"constants.{name}", what=what))
            ) from error  # fmt: skip
        if found is not None:
            fields[name] = found
    return fields


def _tables(workbook: Workbook, form: LedgerForm, mapping: LedgerMapping) -> tuple["_Table", ...]:
    file = workbook.path.name
    names = [s.name for s in workbook.sheets]
    for wanted_sheet in mapping.sheets:
        if wanted_sheet not in names:
            raise LedgerError(
                msg("{file}: there is no sheet {sheet}; expected one of {sheets}",
                    file=file, sheet=wanted_sheet, sheets="、".join(names)[:400])
            )  # fmt: skip
    if mapping.header_rows and not mapping.sheets and len(names) > 1:
        raise LedgerError(
            msg("{file}: the mapping gives `header_rows` and no `sheets`; expected which of {sheets} it means",
                file=file, sheets="、".join(names)[:400])
        )  # fmt: skip
    sheets = tuple(s for s in workbook.sheets if not mapping.sheets or s.name in mapping.sheets)
    tables = []
    for sheet in sheets:
        must_fit = bool(mapping.sheets or mapping.header_rows)
        header = find_header(sheet, form, mapping, file=file, must_fit=must_fit)
        if header is not None:
            tables.append(_Table(sheet=sheet, header=header))
    if not tables:
        wanted = [c.header for c in form.columns if c.required or c.field in form.identity]
        raise LedgerError(
            msg(
                "{file}: no sheet has the header of a {kind} ledger; expected a row with {wanted}, or a `columns` "
                "table in the config; looked at {sheets}",
                file=file,
                kind=form.kind,
                wanted="、".join(wanted),
                sheets="、".join(s.name for s in sheets)[:400] or "-",
            )
        )
    return tuple(tables)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    sheet: Sheet
    header: Header


_Group = list[Row]
"""Rows that speak of one thing: usually one, several where the identity cell is merged over them."""

_MERGED_KINDS = frozenset({"departments", "projects", "systems", "third_party"})
"""Where a merged identity means one thing told in several rows; elsewhere each row is a thing of its own."""


@dataclass(kw_only=True)
class LedgerCollector:
    """Reads the tables of one ledger, sheet by sheet."""

    ledger: Ledger
    form: LedgerForm
    workbook: Workbook
    tables: tuple[_Table, ...]
    clock: Callable[[], datetime]
    constants: Fields = field(default_factory=dict)
    """What the mapping says of every row."""
    modified_at: datetime | None = None
    """When the file was last written."""
    _seen: dict[str, Record] = field(default_factory=dict)
    """Native id to record, over all sheets."""
    _classified: int = 0

    @property
    def source(self) -> str:
        """`ledger:NAME`."""
        return f"ledger:{self.ledger.name}"

    @property
    def info(self) -> SourceInfo:
        """The source; an inventory of the government cloud's own control plane is the platform's word."""
        return SourceInfo(
            name=self.source,
            type="ledger",
            is_platform=self.ledger.control_plane,
            zone=self.ledger.zone,
            modified_at=self.modified_at,
        )

    @property
    def parallel(self) -> int:
        """One: which of two rows repeats the other must not depend on chance."""
        return 1

    def plan(self) -> Sequence[CoverageCell]:
        """One cell for each sheet that has the table."""
        kind = CELL_KINDS[self.ledger.kind]
        return [CoverageCell(source=self.source, scope=t.sheet.name, kind=kind) for t in self.tables]

    def read(self, cell: CoverageCell) -> Iterator[Said]:
        """Records, rejections and what must be forbidden, row by row."""
        table = next(t for t in self.tables if t.sheet.name == cell.scope)
        if table is self.tables[0]:
            self._seen.clear()
            self._classified = 0
        observed_at = self.clock()
        tally = CallTally(source=self.source, observed_at=observed_at) if self.ledger.kind == "sharing_calls" else None
        reader = _Reader(self, table, observed_at, tally)
        for group in _grouped(_data_rows(table), table, self.form):
            yield from reader.read(group)
        if tally is not None:
            yield from self._counted(tally, table)

    def _counted(self, tally: CallTally, table: _Table) -> Iterator[Said]:
        for use, (first, last) in tally.uses():
            record = self.accept(Made(record=use, may_repeat=True))
            if record is not None:
                yield Reading(record, {**self.document(table), "rows": [first, last]})

    def document(self, table: _Table) -> dict[str, object]:
        """Which table of which file it was, as raw documents begin."""
        return {"file": self.workbook.path.name, "sha256": self.workbook.sha256, "sheet": table.sheet.name}

    def next_placeholder(self) -> int:
        """Number of the next classified row: no row number, it would lead back to the row."""
        self._classified += 1
        return self._classified

    def accept(self, made: Made) -> Record | None:
        """The record under an id of its own; None if the same was said before.

        Raises:
            CellError: an earlier row with the same identity says something else.
        """
        record = made.record
        ids = [record.native_id, *([made.otherwise] if made.otherwise else [])]
        numbered = (f"{ids[-1]}#{n}" for n in itertools.count(2)) if made.may_repeat else ()
        for native_id in itertools.chain(ids, numbered):
            candidate = msgspec.structs.replace(record, native_id=native_id)
            before = self._seen.get(native_id)
            if before is None:
                self._seen[native_id] = candidate
                return candidate
            if not made.is_counted and msgspec.structs.replace(before, observed_at=record.observed_at) == candidate:
                return None
        raise CellError(msg("each code once; an earlier row has this one with other content"))


@dataclass(frozen=True, slots=True)
class _Reader:
    """One group of rows on its way to records."""

    collector: LedgerCollector
    table: _Table
    observed_at: datetime
    tally: CallTally | None = None
    """Where rows are counted rather than kept."""

    def read(self, group: _Group) -> Iterator[Said]:
        classified = [self._classification(row) for row in group]
        if True in classified or BadCell in classified:
            yield from self._forbid(group, is_certain=True in classified)
            return
        bad = False
        merged: Fields = {}
        for row in group:
            fields, rejections, is_usable = self._parsed(row, is_first=row is group[0])
            yield from rejections
            bad = bad or not is_usable
            conflict = _merge(merged, fields)
            if conflict is not None:
                bad = True
                yield self._rejection(row, self._bound(conflict), msg("the same in all rows of a merged cell"))
        if bad:
            return
        if self.tally is not None:
            self.tally.add(merged, group[0].number)
        else:
            yield from self._records(group, merged)

    def _classification(self, row: Row) -> object:
        """True, False, None (not stated), or BadCell where it is stated and cannot be understood."""
        for bound in self.table.header.of("classified"):
            try:
                return bound.parse(_value(row, bound))
            except CellError:
                return BadCell
        return None

    def _forbid(self, group: _Group, *, is_certain: bool) -> Iterator[Said]:
        """Nothing of the row is told but that it is there; where it may be classified, that it must be said."""
        words: list[str] = []
        for row in group:
            for bound in self.table.header.columns:
                if bound.column.secret:
                    words += forbidden_words(_value(row, bound))
        yield ForbiddenCodes(tuple(dict.fromkeys(words)))
        if not is_certain:
            (bound,) = self.table.header.of("classified")
            yield self._rejection(group[0], bound, _UNCLEAR, is_silent=True)
            return
        what = _PLACEHOLDERS.get(self.collector.ledger.kind)
        if what is not None:
            number = self.collector.next_placeholder()
            yield Reading(
                ClassifiedPlaceholder(
                    source=self.collector.source,
                    native_id=f"涉密-{number}",
                    observed_at=self.observed_at,
                    what=what,
                )
            )

    def _parsed(self, row: Row, *, is_first: bool) -> tuple[Fields, list[Rejection], bool]:
        """The row's values by field, its bad cells, and whether it stands."""
        fields: Fields = dict(self.collector.constants)
        rejections: list[Rejection] = []
        is_usable = True
        details: list[tuple[str, str]] = []
        for bound in self.table.header.columns:
            if bound.column.is_detail:
                # Nothing rests on it: what cannot be read is shown as it is, and costs nothing.
                value = _value(row, bound)
                if not is_blank(value):
                    details.append((bound.header, shown(value, MAX_DETAIL)))
                continue
            try:
                found = _parsed_cell(bound, row, is_required=bound.column.required and is_first)
                if isinstance(found, tuple) and isinstance(fields.get(bound.column.field), tuple):
                    found = tuple(dict.fromkeys((*fields[bound.column.field], *found)))
                if found is not None:
                    fields[bound.column.field] = found
            except CellError as error:
                if bound.column.is_soft:
                    details.append((bound.header, shown(_value(row, bound), MAX_DETAIL)))
                    continue
                is_usable = is_usable and error.keeps_row
                if error.instead is not None:
                    fields[bound.column.field] = error.instead
                    fields[f"{bound.column.field}_unreliable"] = True
                rejections.append(self._rejection(row, bound, error.expected))
        if details:
            fields["details"] = tuple(sorted(details))
        if is_usable and is_first and not any(fields.get(f) for f in self.collector.form.identity):
            is_usable = False
            bound = self._bound(self.collector.form.identity[0])
            rejections.append(self._rejection(row, bound, _NEEDED))
        return fields, rejections, is_usable

    def _records(self, group: _Group, fields: Fields) -> Iterator[Said]:
        parsed = ParsedRow(
            source=self.collector.source,
            observed_at=self.observed_at,
            default_zone=self.collector.ledger.zone,
            fields=fields,
            columns=frozenset(b.column.field for b in self.table.header.columns),
        )
        row, *more = group
        raw = {**self.collector.document(self.table), **self._raw(row)}
        if more:
            raw["more"] = [self._raw(r) for r in more]
        for made in records_of(self.collector.ledger.kind, parsed):
            try:
                record = self.collector.accept(made)
            except CellError as error:
                if not made.is_implied:
                    yield self._rejection(row, self._bound(self.collector.form.identity[0]), error.expected)
                continue
            if record is not None:
                yield Reading(record, raw)

    def _raw(self, row: Row) -> Mapping[str, object]:
        """The row as the sheet has it, in the columns that we know: no telephone, no password that stands beside."""
        values = ((b, _value(row, b)) for b in self.table.header.columns)
        return {"row": row.number, "cells": {b.label: shown(v, 4000) for b, v in values if v is not None}}

    def _bound(self, name: str) -> BoundColumn:
        """The column of a field, for a rejection; the table's first where it has none."""
        return next(iter(self.table.header.of(name)), self.table.header.columns[0])

    def _rejection(self, row: Row, bound: BoundColumn, expected: Message, *, is_silent: bool = False) -> Rejection:
        return Rejection(
            source=self.collector.source,
            file=self.collector.workbook.path.name,
            sheet=self.table.sheet.name,
            row=row.number,
            column=bound.label,
            value="" if is_silent else shown(_value(row, bound)),
            expected=expected,
            touches=() if is_silent else tuple(self._touches(row)),
        )

    def _touches(self, row: Row) -> Iterator[str]:
        """Codes and names that can be read in the row, also those of cells that hold too much.

        None where it cannot be told of whom the row speaks (a code that is #REF!, no code at all): it may speak of
        anybody, and then nothing at all may be concluded from what the ledger does not say.
        """
        cells = [(bound.column, _value(row, bound)) for bound in self.table.header.columns]
        if any(column.touches and isinstance(value, BadCell) for column, value in cells):
            return
        identity = self.collector.form.identity
        if not any(column.field in identity and not is_blank(value) for column, value in cells):
            return
        told: set[str] = set()
        for bound in self.table.header.columns:
            value = _value(row, bound)
            if not bound.column.touches or value is None or isinstance(value, BadCell) or is_blank(value):
                continue
            words = [shown(value)] if bound.column.format is Format.NAME else [shown(p) for p in split(value)]
            for word in words:
                if word not in told:
                    told.add(word)
                    yield word


_UNCLEAR = msg("是 or 否; until it says which, nothing of the row is kept, scanned or shown")
_NEEDED = msg("a value; the row cannot be used without it")


def _parsed_cell(bound: BoundColumn, row: Row, *, is_required: bool) -> object:
    found = bound.parse(_value(row, bound))
    if found is None and is_required:
        raise CellError(_NEEDED)
    return found


def _merge(into: Fields, more: Fields) -> str | None:
    """Adds what another row of the same merged cell says; the field in which they contradict each other."""
    for name, value in more.items():
        before = into.get(name)
        if isinstance(before, tuple) and isinstance(value, tuple) and name != "major_risks":
            into[name] = tuple(dict.fromkeys((*before, *value)))
        elif before is None:
            into[name] = value
        elif before != value:
            return name
    return None


# ── the rows of a table ──────────────────────────────────────────────────────────────────────────────────────────────

_TOTALS = re.compile(r"^(合计|小计|总计|共计|累计)([:：(].*)?$")
_NOTES = re.compile(
    r"^([*※]?(备注|注|说明|填表说明|填报说明|填表要求|注意事项)\s*\d*\s*[:：.、]"
    r"|(填报人|填表人|制表人|制表|审核人|审核|审批人|填报单位|填报日期|填报时间|制表日期|联系人|联系电话|单位负责人|统计截止)\s*[:：])"
)
_BARE_NOTE = re.compile(r"^(备注|注|说明|填表说明|填报说明|注意事项)$")
_SECTION = re.compile(r"^([(（]?[一二三四五六七八九十]{1,3}[)）]?[、.．]|第[一二三四五六七八九十]+部分)")


def _data_rows(table: _Table) -> Iterator[Row]:
    """The rows that speak of something: no blanks, totals, notes, section titles, repeated headers, column numbers."""
    header, known = table.header, {b.index for b in table.header.columns}
    headers = {b.index: b.header for b in header.columns}
    filled = _filled_down(table.sheet.merges, header)
    carried: dict[int, Cell] = {}
    in_notes = False
    for row in table.sheet.rows():
        if row.number <= header.last_row:
            continue
        texts = [(i, t) for i, v in enumerate(row.values) if (t := shown(v, 200))]
        if not texts:
            continue
        if in_notes and len({t for _, t in texts}) == 1:
            continue
        if _is_note(texts, header):
            in_notes = True
            continue
        in_notes = False
        if _is_furniture(texts, headers):
            continue
        values = list(row.values)
        for index, top in filled.get(row.number, {}).items():
            if row.number == top:
                carried[index] = values[index] if index < len(values) else None
            elif index < len(values):
                values[index] = carried.get(index)
            else:
                values += [None] * (index - len(values)) + [carried.get(index)]
        row = Row(row.number, tuple(values))  # noqa: PLW2901 - the same row, as a person sees it
        if any(not is_blank(values[i]) for i in known if i < len(values)):
            yield row


def _filled_down(merges: Sequence[Merge], header: Header) -> dict[int, dict[int, int]]:
    """Row number to {column: first row} of cells merged downwards: their value stands for every row."""
    filled: dict[int, dict[int, int]] = {}
    known = {b.index for b in header.columns}
    for merge in merges:
        if merge.bottom == merge.top or merge.top <= header.last_row or merge.left not in known:
            continue
        for number in range(merge.top, merge.bottom + 1):
            filled.setdefault(number, {})[merge.left] = merge.top
    return filled


def _is_note(texts: Sequence[tuple[int, str]], header: Header) -> bool:
    text = texts[0][1]
    few = len({t for _, t in texts}) <= 3
    return few and bool(_NOTES.match(text) or (_BARE_NOTE.match(text) and texts[0][0] == header.columns[0].index))


def _is_furniture(texts: Sequence[tuple[int, str]], headers: Mapping[int, str]) -> bool:
    """Totals, section titles, the header again (printed pages), and the row that numbers the columns."""
    if any(_TOTALS.match(normalise(t)) for _, t in texts[:2]):
        return True
    if len(texts) == 1 and _SECTION.match(texts[0][1]):
        return True
    repeated = sum(headers.get(i) == "".join(t.split()) for i, t in texts)
    if repeated > 1 and repeated > len(headers) / 2:
        return True
    numbers = [t.strip("()（）") for _, t in texts] if texts[0][1].strip("()（）") == "1" else []
    return len(numbers) > 2 and numbers == [str(n) for n in range(1, len(numbers) + 1)]


def _grouped(rows: Iterator[Row], table: _Table, form: LedgerForm) -> Iterator[_Group]:
    """Rows whose identity cell is one merged cell belong together."""
    identity = {b.index for f in form.identity for b in table.header.of(f)}
    spans = {
        number: merge.top
        for merge in table.sheet.merges
        if merge.left in identity and merge.bottom > merge.top > table.header.last_row
        for number in range(merge.top, merge.bottom + 1)
    }
    group: _Group = []
    for row in rows:
        top = spans.get(row.number)
        if group and top is not None and spans.get(group[0].number) == top and form.kind in _MERGED_KINDS:
            group.append(row)
            continue
        if group:
            yield group
        group = [row]
    if group:
        yield group


def _value(row: Row, bound: BoundColumn) -> Cell:
    return row.values[bound.index] if bound.index < len(row.values) else None
