"""What the cells of a ledger mean: headers recognised by their synonyms, cells read as people write them.

A cell that cannot be understood is never guessed: it ends as a `BadCell` with the value and what was expected.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from netaddr import AddrFormatError, IPAddress, IPNetwork, iprange_to_cidrs
from stdnum.cn import uscc
from stdnum.exceptions import ValidationError

from collectors.ledger_table import BadCell, LedgerError, Merge, Row, Sheet, Value, column_index, column_letter
from inventory.ledger_columns import (
    DIRECTIONS,
    FUNDINGS,
    MIGRATED,
    OWNER_LEVELS,
    PROJECT_KINDS,
    REBUILT,
    SHARING_TYPES,
    Column,
    Format,
    LedgerForm,
)
from inventory.ledger_mapping import ByLetter, LedgerMapping
from inventory.names import is_null, normalise
from inventory.records import DatedName
from inventory.text import Message, msg

HEADER_ROWS = 60
"""So far down a header is looked for: titles and notes may stand above it."""
MAX_NETWORKS = 4_096
"""CIDRs that one cell may stand for."""
EXACT_DIGITS = 15
"""Digits of a number that a spreadsheet keeps."""

Cell = Value | BadCell


class CellError(Exception):
    """The cell's value cannot be understood; the message says what would be."""

    def __init__(self, expected: Message, *, keeps_row: bool = False, instead: object = None) -> None:
        """`keeps_row`: the row stands without this value, or with `instead`."""
        super().__init__(expected.id)
        self.expected = expected
        self.keeps_row = keeps_row
        self.instead = instead


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundColumn:
    """A column of the form, found in a sheet."""

    column: Column
    index: int
    header: str
    """As the sheet writes it."""
    values: Mapping[str, str] = field(default_factory=dict)
    """What the table writes, normalised, to what the program understands: of the mapping file."""

    @property
    def label(self) -> str:
        """Header and letter, as rejections name it."""
        return f"{self.header} ({column_letter(self.index)})"

    def parse(self, value: Cell) -> object:
        """The cell's value for the record's field, by the mapping's words; None if it says nothing.

        Raises:
            CellError: it says something that cannot be understood.
        """
        if self.values and value is not None and not isinstance(value, BadCell):
            value = self.values.get(normalise(plain(value)), value)
        return parse(self.column, value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """Where a sheet's table begins and what its columns are."""

    first_row: int
    last_row: int
    """The table's rows come after it."""
    columns: tuple[BoundColumn, ...]
    """By index. Several may fill the same field where the field holds several addresses."""
    others: tuple[str, ...] = ()
    """Headers that fill no field, with their letters."""

    def of(self, field: str) -> tuple[BoundColumn, ...]:
        """The columns that fill a field."""
        return tuple(b for b in self.columns if b.column.field == field)


# ── headers ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class _Label:
    """A column's header in one candidate position: what it may be read as, best first."""

    index: int
    shown: str
    readings: tuple[str, ...]


def find_header(sheet: Sheet, form: LedgerForm, mapping: LedgerMapping, *, file: str, must_fit: bool) -> Header | None:
    """The table's header, or None if the sheet holds no such table.

    Args of note: `mapping` wins over recognition; `must_fit` is set where the config names the sheet, so that a sheet
    that does not fit is an error.

    Raises:
        LedgerError: a header means two things, the config names one that is not there, or a sheet that is clearly
            such a table lacks a required column.
    """
    where = f"{file}: {sheet.name}"
    best = _stated(sheet, form, mapping, where) if mapping.header_rows else _recognised_rows(sheet, form, mapping)
    if best is None:
        return None
    score, labels, first, last = best
    bound = _bind(labels, form, mapping, where)
    missing = [c for c in form.columns if c.required and not any(b.column is c for b in bound)]
    has_identity = any(b.column.field in form.identity for b in bound)
    if not missing and has_identity and (len(bound) > 1 or len(form.columns) == 1):
        used = {b.index for b in bound}
        ignored = {normalise(h) for h in mapping.ignored}
        others = tuple(
            f"{x.shown} ({column_letter(x.index)})"
            for x in labels
            if x.index not in used and not ignored.intersection(x.readings)
        )
        return Header(first_row=first.number, last_row=last.number, columns=bound, others=others)
    if must_fit or (score > 2 and any(b.column.required or b.column.field in form.identity for b in bound)):
        wanted = missing or [c for c in form.columns if c.field in form.identity]
        raise LedgerError(
            msg(
                "{where}: the header in row {row} lacks the column {wanted}; expected it, or a line in the ledger's "
                "`columns` that names the header that stands for it; found {found}",
                where=where,
                row=first.number,
                wanted="、".join(f"{c.header} ({c.field})" for c in wanted),
                found="、".join(label.shown for label in labels)[:400],
            )
        )
    return None


_Candidate = tuple[int, list[_Label], Row, Row]
"""Fields recognised, the labels, the header's first and last row."""


def _recognised_rows(sheet: Sheet, form: LedgerForm, mapping: LedgerMapping) -> _Candidate | None:
    """The row, or two, whose headers mean the most fields; of equals the first, and one row rather than two."""
    top = _top_rows(sheet, HEADER_ROWS)
    known = _known_headers(form)
    best: _Candidate | None = None
    for depth in (1, 2):
        for first, last in zip(top, top[depth - 1 :], strict=False):
            if depth == 2 and not _is_second_header_row(first, last, sheet.merges):
                continue
            labels = _labels(first, last, sheet.merges)
            score = _fields_meant(labels, known, mapping)
            if score and (best is None or score > best[0]):
                best = (score, labels, first, last)
    return best


def _stated(sheet: Sheet, form: LedgerForm, mapping: LedgerMapping, where: str) -> _Candidate:
    """The rows that the mapping says are the header."""
    rows = {row.number: row for row in _top_rows(sheet, max(mapping.header_rows))}
    first, last = mapping.header_rows[0], mapping.header_rows[-1]
    if last not in rows:
        raise LedgerError(
            msg("{where}: the mapping says that the header is in row {row}; the sheet has {rows} row(s)",
                where=where, row=last, rows=len(rows))
        )  # fmt: skip
    labels = _labels(rows[first], rows[last], sheet.merges)
    score = _fields_meant(labels, _known_headers(form), mapping)
    return score, labels, rows[first], rows[last]


def _top_rows(sheet: Sheet, count: int) -> list[Row]:
    top: list[Row] = []
    for row in sheet.rows():
        if row.number > count:
            break
        top.append(row)
    return top


def _header_text(value: Cell) -> str:
    if isinstance(value, BadCell) or value is None:
        return ""
    return re.sub(r"\s+", "", plain(value))


def _labels(first: Row, last: Row, merges: Sequence[Merge]) -> list[_Label]:
    """The header of each column, over one or two rows: group and sub header joined, then the sub header alone."""
    groups = _spread(first, merges)
    if first is last:
        texts = [_header_text(v) for v in first.values]
        return [_label(i, t, t) for i, t in enumerate(texts) if t]
    subs = [_header_text(v) for v in last.values]
    labels = []
    for index in range(max(len(groups), len(subs))):
        group = groups[index] if index < len(groups) else ""
        sub = subs[index] if index < len(subs) else ""
        if sub:
            labels.append(_label(index, f"{group}{sub}" if group != sub else sub, sub))
        elif group and index < len(first.values) and _header_text(first.values[index]):
            labels.append(_label(index, group, group))
    return labels


def _spread(row: Row, merges: Sequence[Merge]) -> list[str]:
    """Group headers over the columns that they span; a blank cell belongs to the group on its left."""
    texts = [_header_text(v) for v in row.values]
    ends = {m.left: m.right for m in merges if m.top <= row.number <= m.bottom}
    spread: list[str] = []
    group, until = "", -1
    for index, text in enumerate(texts):
        if text:
            group, until = text, ends.get(index, len(texts) if not merges else index)
        elif index > until:
            group = ""
        spread.append(group)
    return spread


def _label(index: int, shown: str, alone: str) -> _Label:
    readings: list[str] = []
    for text in (shown, alone):
        cleaned = re.sub(r"^[*※★]+|[*※★]+$|[(（](必填|选填|可选)[)）]", "", text).rstrip(":：")
        for reading in (cleaned, re.sub(r"[(（][^()（）]*[)）]", "", cleaned)):
            word = normalise(reading)
            if word and word not in readings:
                readings.append(word)
    return _Label(index=index, shown=shown, readings=tuple(readings))


def _headers(column: Column) -> tuple[str, ...]:
    """The column's headers as they are compared, best first."""
    return tuple(normalise(h) for h in (column.header, *column.synonyms))


def _known_headers(form: LedgerForm) -> dict[str, set[str]]:
    """Each header that the form knows, as it is compared, and the fields that it may stand for.

    Made once a table: every cell of its first rows is held against all of them.
    """
    known: dict[str, set[str]] = {}
    for column in form.columns:
        for header in _headers(column):
            known.setdefault(header, set()).add(column.field)
    return known


def _fields_meant(labels: Sequence[_Label], known: Mapping[str, set[str]], mapping: LedgerMapping) -> int:
    """How many fields the labels mean, each by the mapping or else by what the form knows."""
    stated = [
        (field, normalise(re.sub(r"\s+", "", header)))
        for field, header in mapping.columns.items()
        if isinstance(header, str)
    ]
    meant: set[str] = set()
    for label in labels:
        given = {field for field, header in stated if header in label.readings}
        meant |= given or set().union(*(known.get(reading, ()) for reading in label.readings))
    return len(meant)


def _rank(headers: Sequence[str], label: _Label) -> int | None:
    """How far down a column's headers the label is; None if it is none of them."""
    return next((headers.index(reading) for reading in label.readings if reading in headers), None)


def _is_second_header_row(first: Row, last: Row, merges: Sequence[Merge]) -> bool:
    """Whether the two rows are one header: groups over sub headers, or cells merged downwards through both."""
    if any(m.top == first.number and m.bottom == last.number for m in merges):
        return True
    if any(m.top == first.number == m.bottom and m.right > m.left for m in merges):
        return all(isinstance(v, str) or v is None for v in last.values)
    texts, subs = [_header_text(v) for v in first.values], [_header_text(v) for v in last.values]
    # Without merges (CSV): sub headers stand where the row above is blank or begins a group.
    under_blank = [i for i, s in enumerate(subs) if s and (i >= len(texts) or not texts[i])]
    return bool(under_blank) and sum(map(bool, subs)) < sum(map(bool, texts)) + len(under_blank)


def _bind(labels: Sequence[_Label], form: LedgerForm, mapping: LedgerMapping, where: str) -> tuple[BoundColumn, ...]:
    bound: list[BoundColumn] = []
    taken: set[int] = set()
    ignored = {normalise(re.sub(r"\s+", "", header)) for header in mapping.ignored}
    for name, header in mapping.columns.items():
        column = form.column(name)
        if column is None:
            raise LedgerError(
                msg("{where}: columns.{field}: a {kind} ledger has no such field; expected one of {fields}",
                    where=where, field=name, kind=form.kind, fields=", ".join(c.field for c in form.columns))
            )  # fmt: skip
        if isinstance(header, ByLetter):
            index = column_index(header.letter)
            shown_as = next((x.shown for x in labels if x.index == index), "")
        else:
            label = _explicit_label(labels, name, header, where)
            index, shown_as = label.index, label.shown
        if index in taken:
            raise LedgerError(
                msg("{where}: columns.{field}: column {letter} is given for another field; expected each column once",
                    where=where, field=name, letter=column_letter(index))
            )  # fmt: skip
        taken.add(index)
        bound.append(_bound_column(column, index, shown_as, mapping))
    free = [x for x in labels if x.index not in taken and not ignored.intersection(x.readings)]
    for column in sorted(form.columns, key=lambda c: c.is_detail):
        if column.is_detail:
            used = {b.index for b in bound}
            free = [x for x in free if x.index not in used]
        if column.field not in mapping.columns and column.field not in mapping.constants:
            bound += [_bound_column(column, x.index, x.shown, mapping) for x in _recognised(free, column, where)]
    return tuple(sorted(bound, key=lambda b: b.index))


def _bound_column(column: Column, index: int, header: str, mapping: LedgerMapping) -> BoundColumn:
    values = {normalise(said): meant for said, meant in mapping.values.get(column.field, {}).items()}
    return BoundColumn(column=column, index=index, header=header, values=values)


def _explicit_label(labels: Sequence[_Label], name: str, header: str, where: str) -> _Label:
    wanted = normalise(re.sub(r"\s+", "", header))
    found = [x for x in labels if normalise(x.shown) == wanted] or [x for x in labels if wanted in x.readings]
    if len(found) != 1:
        sentence = (
            msg("{where}: columns.{field}: no column is headed {header}; found {found}",
                where=where, field=name, header=header, found="、".join(x.shown for x in labels)[:400])
            if not found
            else msg("{where}: columns.{field}: the header {header} stands over columns {letters}; expected it once",
                     where=where, field=name, header=header, letters=", ".join(column_letter(x.index) for x in found))
        )  # fmt: skip
        raise LedgerError(sentence)
    return found[0]


def _recognised(labels: Sequence[_Label], column: Column, where: str) -> list[_Label]:
    headers = _headers(column)
    ranked = sorted(((r, x.index, x) for x in labels if (r := _rank(headers, x)) is not None), key=lambda t: t[:2])
    if not ranked:
        return []
    best = ranked[0][0]
    rivals = [x for rank, _, x in ranked if rank == best or best >= column.preferred]
    if column.is_detail or column.format in (Format.ADDRESSES, Format.HOSTS):
        rivals = [x for _, _, x in ranked]
    elif len(rivals) > 1:
        raise LedgerError(
            msg(
                "{where}: the columns {letters} ({headers}) could all be {header}; expected one, or "
                "`columns.{field}` in the ledger's config that says which",
                where=where,
                letters=", ".join(column_letter(x.index) for x in rivals),
                headers="、".join(x.shown for x in rivals),
                header=column.header,
                field=column.field,
            )
        )
    return rivals


# ── cells ────────────────────────────────────────────────────────────────────────────────────────────────────────────

_INVISIBLE = re.compile(r"[\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_SPLIT = re.compile(r"[、，,；;\n\r]+")


def plain(value: Value) -> str:
    """A cell's value as a person sees it, on one line, without invisible characters; "" for an empty cell."""
    if isinstance(value, str):
        return " ".join(_INVISIBLE.sub("", value).split())
    if value is None or isinstance(value, bool):
        return {None: "", True: "是", False: "否"}[value]
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e18:
        return str(int(value))
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ")
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


def shown(value: Cell, limit: int = 80) -> str:
    """The same, cut short and without control characters, for rejections."""
    text = value.text if isinstance(value, BadCell) else plain(value)
    text = _CONTROL.sub("�", text)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _folded(value: Value) -> str:
    return unicodedata.normalize("NFKC", plain(value)).strip()


def is_blank(value: Cell) -> bool:
    """Whether the cell says nothing: empty, or one of the marks for nothing."""
    return not isinstance(value, BadCell) and is_null(plain(value))


def parse(column: Column, value: Cell) -> object:
    """The cell's value for the record's field; None if it says nothing.

    Raises:
        CellError: it says something that cannot be understood.
    """
    if isinstance(value, BadCell):
        raise CellError(value.expected)
    if isinstance(value, str) and _CONTROL.search(value):
        raise CellError(msg("text without control characters"))
    if is_blank(value) and not (column.format is Format.RISKS and _folded(value) == "无"):
        return None
    return _PARSERS[column.format](value)


def split(value: Value) -> tuple[str, ...]:
    """The parts of a list cell, each once, in order."""
    text = unicodedata.normalize("NFKC", _INVISIBLE.sub("", str(value) if isinstance(value, str) else plain(value)))
    return tuple(dict.fromkeys(p for part in _SPLIT.split(text) if (p := part.strip()) and not is_null(p)))


def _text(value: Value) -> str:
    return plain(value)


def _names(value: Value) -> tuple[str, ...] | None:
    text = _INVISIBLE.sub("", value) if isinstance(value, str) else plain(value)
    return tuple(dict.fromkeys(p for part in _SPLIT.split(text) if (p := part.strip()) and not is_null(p))) or None


_DATED = re.compile(r"^([^()]+?)\s*\(([^()]+)\)$")
_UNTIL = re.compile(r"\s*(?:至|到|起|止|~|—+|–|--)\s*")
_OPEN_END = {"今", "至今", "现在", "目前", ""}


def _dated_names(value: Value) -> tuple[DatedName, ...] | None:
    """`市大数据局(2019-03-01至2024-02-28)、市数据局(2024-03至今)`; a name without a time holds at any time."""
    return tuple(_dated_name(text) for text in _names(value) or ()) or None


def _dated_name(text: str) -> DatedName:
    match = _DATED.match(unicodedata.normalize("NFKC", text))
    if match is None or not re.search(r"\d{4}", match[2]):
        return DatedName(name=text)
    ends = _UNTIL.split(match[2].strip())
    if len(ends) == 1:
        raise CellError(_NAMES_EXPECTED)
    try:
        return DatedName(
            name=match[1],
            valid_from=None if ends[0] in _OPEN_END else _first_day(ends[0]),
            valid_to=None if ends[1] in _OPEN_END else _last_day(ends[1]),
        )
    except CellError as error:
        raise CellError(_NAMES_EXPECTED) from error


_NAMES_EXPECTED = msg("names, each with its time where it is known, such as 市大数据局(2019-03-01至2024-02-28)")


_SCIENTIFIC = re.compile(r"^\d(\.\d+)?E\+?\d+$", re.IGNORECASE)


def _is_number(value: Value) -> bool:
    """Also what a spreadsheet makes of a long number when it saves CSV: 4.20600E+15."""
    return (isinstance(value, int | float) and not isinstance(value, bool)) or (
        isinstance(value, str) and bool(_SCIENTIFIC.match(value.strip()))
    )


_AS_TEXT = msg("an identifier stored as text: a spreadsheet keeps only 15 digits of a number")


def _code(value: Value) -> str:
    if isinstance(value, date | time | timedelta | bool):
        raise CellError(msg("an identifier stored as text, not a date or a yes"))
    text = _folded(value)
    if _is_number(value) and not (text.isdigit() and len(text) <= EXACT_DIGITS):
        raise CellError(_AS_TEXT)
    return text


def _codes(value: Value) -> tuple[str, ...] | None:
    return split(_code(value)) if not isinstance(value, str) or _is_number(value) else split(value) or None


def _strict_code(value: Value) -> str:
    if _is_number(value):
        raise CellError(_AS_TEXT)
    return _code(value)


def _filing_number(value: Value) -> str:
    """As written; a number is kept to be seen, and said to be unreliable."""
    if _is_number(value):
        raise CellError(_AS_TEXT, keeps_row=True, instead=_folded(value))
    return _code(value)


def _uscc(value: Value) -> str:
    expected = msg("a unified social credit code of 18 characters whose check character is right, as text")
    if _is_number(value):
        raise CellError(_AS_TEXT)
    try:
        return str(uscc.validate(re.sub(r"[\s-]", "", _folded(value)).upper()))
    except ValidationError as error:
        raise CellError(expected) from error


_DATE_EXPECTED = msg("a date with year, month and day, such as 2024-03-05")
_FULL_DATE = re.compile(
    r"^(\d{4})\s*[-./年]\s*(\d{1,2})\s*[-./月]\s*(\d{1,2})\s*[日号]?(?:[ T]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?)?$"
)
_PACKED_DATE = re.compile(r"^(\d{4})(\d{2})(\d{2})$")
_MONTH = re.compile(r"^(\d{4})\s*(?:[-./]|年)\s*(\d{1,2})\s*月?(?:份)?$")
_YEAR = re.compile(r"^(\d{4})\s*年?$")
_YEARS = (1980, 2100)


def _date(value: Value) -> date:
    if isinstance(value, datetime):
        return _sane(value.date())
    if isinstance(value, date):
        return _sane(value)
    match = _FULL_DATE.match(_folded(value)) or _PACKED_DATE.match(_folded(value))
    if match is None:
        raise CellError(_DATE_EXPECTED)
    return _sane(_made(int(match[1]), int(match[2]), int(match[3])))


def _made(year: int, month: int, day: int) -> date:
    try:
        return date(year, month, day)
    except ValueError as error:
        raise CellError(_DATE_EXPECTED) from error


def _sane(day: date) -> date:
    """Dates outside a century around the law are typing errors or a number read as a date."""
    if not _YEARS[0] <= day.year <= _YEARS[1]:
        raise CellError(msg("a date between the years {first} and {last}", first=_YEARS[0], last=_YEARS[1]))
    return day


def _coarse_date(value: Value) -> date:
    text = _folded(value)
    if _month(text) is not None or _YEAR.match(text):
        raise CellError(_DATE_EXPECTED, keeps_row=True)
    return _date(value)


def _month(text: str) -> tuple[int, int] | None:
    match = _MONTH.match(text)
    return (int(match[1]), int(match[2])) if match else None


def _last_day(value: Value) -> date:
    month = _month(_folded(value))
    if month is None:
        return _date(value)
    first = _sane(_made(month[0], month[1], 1))
    return (first.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def _first_day(value: Value) -> date:
    month = _month(_folded(value))
    return _date(value) if month is None else _sane(_made(month[0], month[1], 1))


_YES = {"是", "√", "✓", "✔", "y", "yes", "true", "1", "有", "o", "○", "t"}
_NO = {"否", "×", "✗", "✘", "x", "n", "no", "false", "0", "不是", "没有", "f"}


def _bool(value: Value) -> bool:
    word = normalise(plain(value))
    if word in _YES or word in _NO:
        return word in _YES
    raise CellError(msg("是 or 否"))


_SUCCEEDED = {
    *("成功", "调用成功", "执行成功", "正常", "完成", "已完成", "是"),
    *("success", "succeeded", "successful", "ok", "true"),
}
_FAILED = {
    *("失败", "调用失败", "执行失败", "异常", "错误", "超时", "拒绝", "未授权", "否"),
    *("fail", "failed", "failure", "error", "timeout", "false"),
}
_HTTP_STATUS = re.compile(r"^[1-5]\d\d$")


def _success(value: Value) -> bool:
    """A code such as 0 or 1 means success on one platform and failure on another: it is not guessed."""
    word = normalise(plain(value))
    if word in _SUCCEEDED or word in _FAILED:
        return word in _SUCCEEDED
    if _HTTP_STATUS.match(word):
        return word.startswith("2")
    raise CellError(
        msg("成功, 失败 or an HTTP status; for codes of the platform's own `values.is_success` of the mapping file")
    )


_IS_CLASSIFIED = _YES | {"涉密", "涉密系统", "涉密项目", "秘密", "机密", "绝密"}
_NOT_CLASSIFIED = _NO | {"非涉密", "不涉密", "非密", "否(非涉密)", "公开"}


def _classified(value: Value) -> bool:
    word = normalise(plain(value))
    if word in _IS_CLASSIFIED or word in _NOT_CLASSIFIED:
        return word in _IS_CLASSIFIED
    raise CellError(msg("是 or 否"))


def _int(value: Value) -> int:
    match = re.match(r"^(\d{1,15})\s*(?:核|个|次|C|c|台|条)?$", _folded(value).replace(",", ""))
    if match is None:
        raise CellError(msg("a whole number"))
    return int(match[1])


_SIZE = re.compile(r"^(\d+(?:\.\d+)?)\s*(M|G|T)?(?:i?B)?$", re.IGNORECASE)


def _gib(value: Value) -> int:
    match = _SIZE.match(_folded(value).replace(",", ""))
    if match is None:
        raise CellError(msg("a size such as 16 or 500GB or 2TB"))
    factor = {"m": 1024**2, "g": 1024**3, "t": 1024**4}[(match[2] or "g").lower()]
    return int(float(match[1]) * factor)


def _score(value: Value) -> float:
    if isinstance(value, float) and 0 < value <= 1:
        return round(value * 100, 6)  # a percentage, as the spreadsheet keeps it
    match = re.match(r"^(\d{1,3}(?:\.\d+)?)\s*(?:%|分)?$", _folded(value))
    if match is None or float(match[1]) > 100:
        raise CellError(msg("a score or percentage between 0 and 100"))
    return float(match[1])


_RISKS = re.compile(
    r"^(\d{1,6})\s*(?:个|项)?\s*(?:[(]\s*(?:其中)?\s*(?:已整改)?\s*(\d{1,6})\s*(?:个|项)?\s*(?:均)?(?:已整改)?\s*[)])?$"
)


def _risks(value: Value) -> tuple[int, int | None]:
    """Count before rectification, and how many of them are rectified where it is said (公网安〔2025〕1846号, Q22)."""
    text = _folded(value)
    if text == "无":
        return 0, None
    match = _RISKS.match(text)
    if match is None or (match[2] and int(match[2]) > int(match[1])):
        raise CellError(msg("a count such as 10, or 10(5个已整改)"))
    return int(match[1]), int(match[2]) if match[2] else None


_LEVEL_WORDS = {"一": 1, "二": 2, "三": 3, "四": 4, "五": 5}
_SAG = re.compile(r"^S([1-5])A([1-5])G([1-5])$", re.IGNORECASE)
_LEVEL = re.compile(r"^(?:等保|等级保护)?第?([一二三四五1-5])级?(?:[(].*[)])?$")


def _mlps_level(value: Value) -> int | None:
    word = normalise(plain(value))
    if word in {"未定级", "不定级", "未评定"}:
        return None
    sag = _SAG.match(word)
    if sag:
        return max(int(sag[1]), int(sag[2]))
    match = _LEVEL.match(word)
    if match is None:
        inner = re.search(r"S[1-5]A[1-5]G[1-5]", word, re.IGNORECASE)
        if inner:
            return _mlps_level(inner[0])
        raise CellError(msg("a level such as 三级, 第三级, S3A3G3 or 3"))
    return _LEVEL_WORDS.get(match[1]) or int(match[1])


def _mlps_template(value: Value) -> str:
    match = re.search(r"(2007|2025)", _folded(value))
    if match is None:
        raise CellError(msg("2007 or 2025"))
    return match[1]


def _chosen(choices: Mapping[str, object]) -> Callable[[Value], object]:
    by_word = {normalise(k): v for k, v in choices.items()}

    def choose(value: Value) -> object:
        word = normalise(plain(value))
        for reading in (word, re.sub(r"[(].*?[)]", "", word), word.removesuffix("项目").removesuffix("类")):
            if reading in by_word:
                return by_word[reading]
        raise CellError(msg("one of {choices}", choices="、".join(choices)))

    return choose


_APPLIANCES = (
    *("前置机", "nvr", "录像机", "摄像", "加密机", "密码机", "vpn", "网关", "防火墙", "交换机", "路由器", "网络设备"),
    *("安全设备", "网闸", "堡垒机", "终端", "打印机", "一体机", "负载均衡", "ups", "台式机", "笔记本", "存储", "nas"),
)
_MACHINES = ("服务器", "虚拟机", "云主机", "主机", "小型机", "工作站", "刀片")


def _device(value: Value) -> bool:
    """Whether it is an appliance 专用设备, which a person classifies."""
    word = normalise(plain(value))
    if any(a in word for a in _APPLIANCES):
        return True
    if any(m in word for m in _MACHINES):
        return False
    raise CellError(msg("a kind of device such as 服务器, 虚拟机, 前置机, NVR or 网络设备"))


_NETWORK_EXPECTED = msg("networks such as 10.1.1.0/24 or ranges such as 10.1.1.10-10.1.1.50")


def _cidrs(value: Value) -> tuple[str, ...]:
    """Canonical networks, host bits cleared; a range becomes the networks that cover exactly it."""
    networks: list[IPNetwork] = []
    for part in split(value):
        networks += _networks(part)
        if len(networks) > MAX_NETWORKS:
            raise CellError(msg("at most {limit} networks in a cell", limit=MAX_NETWORKS))
    if not networks:
        raise CellError(_NETWORK_EXPECTED)
    return tuple(dict.fromkeys(str(n) for n in networks))


_RANGE_SIGNS = re.compile(r"\s*(?:[-~至到—–]+)\s*")


def _networks(text: str) -> list[IPNetwork]:
    ends = [e for e in _RANGE_SIGNS.split(text) if e]
    try:
        if len(ends) == 2 and "/" not in text:
            first = _address_of(ends[0])
            last = ends[1] if not ends[1].isdigit() else f"{ends[0].rpartition('.')[0]}.{ends[1]}"
            return list(iprange_to_cidrs(first, _ordered(first, _address_of(last))))
        address, _, length = re.sub(r"\s", "", text).partition("/")
        _address_of(address)
        network = IPNetwork(f"{address}/{length}" if length else address).cidr
    except (AddrFormatError, ValueError) as error:
        raise CellError(_NETWORK_EXPECTED) from error
    if network.prefixlen == 0:
        raise CellError(_NETWORK_EXPECTED)
    return [network]


def _ordered(first: IPAddress, last: IPAddress) -> IPAddress:
    # netaddr takes a range that runs backwards for its first address.
    if first.version != last.version or last < first:
        raise ValueError(last)
    return last


def _address_of(text: str) -> IPAddress:
    # Four plain numbers or IPv6: netaddr would also take 10.1 and 0x0a000001.
    if not re.match(r"^(\d{1,3}(\.\d{1,3}){3}|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)$", text):
        raise ValueError(text)
    return IPAddress(text)


_ADDRESS_EXPECTED = msg("an address such as 10.1.1.10")


def _address(value: Value) -> str:
    found = _addresses(value)
    if found is None or len(found) != 1:
        raise CellError(_ADDRESS_EXPECTED)
    return found[0]


def _addresses(value: Value) -> tuple[str, ...] | None:
    """Canonical addresses, with their prefix length where it is written."""
    found: list[str] = []
    for part in (p for piece in split(value) for p in piece.split()):
        address, slash, length = part.partition("/")
        try:
            canonical = str(_address_of(address))
            found.append(f"{canonical}/{IPNetwork(part).prefixlen}" if slash and length else canonical)
        except (AddrFormatError, ValueError) as error:
            raise CellError(_ADDRESS_EXPECTED) from error
    return tuple(dict.fromkeys(found)) or None


def _hosts(value: Value) -> tuple[str, ...] | None:
    return split(value) or None


_MAC = re.compile(r"^[0-9a-f]{12}$")


def _macs(value: Value) -> tuple[str, ...] | None:
    found = []
    for part in (p for piece in split(value) for p in piece.split()):
        digits = re.sub(r"[:.-]", "", part.lower())
        if not _MAC.match(digits):
            raise CellError(msg("MAC addresses such as fa:16:3e:00:00:01"))
        found.append(":".join(digits[i : i + 2] for i in range(0, 12, 2)))
    return tuple(dict.fromkeys(found)) or None


_PARSERS: Mapping[Format, Callable[[Value], object]] = {
    Format.TEXT: _text,
    Format.NAME: _text,
    Format.NAMES: _names,
    Format.DATED_NAMES: _dated_names,
    Format.CODE: _code,
    Format.CODES: _codes,
    Format.STRICT_CODE: _strict_code,
    Format.FILING_NUMBER: _filing_number,
    Format.USCC: _uscc,
    Format.DATE: _date,
    Format.COARSE_DATE: _coarse_date,
    Format.LAST_DAY: _last_day,
    Format.FIRST_DAY: _first_day,
    Format.BOOL: _bool,
    Format.CLASSIFIED: _classified,
    Format.INT: _int,
    Format.GIB: _gib,
    Format.SCORE: _score,
    Format.RISKS: _risks,
    Format.MLPS_LEVEL: _mlps_level,
    Format.MLPS_TEMPLATE: _mlps_template,
    Format.PROJECT_KIND: _chosen(PROJECT_KINDS),
    Format.FUNDING: _chosen(FUNDINGS),
    Format.OWNER_LEVEL: _chosen(OWNER_LEVELS),
    Format.SHARING_TYPE: _chosen(SHARING_TYPES),
    Format.DIRECTION: _chosen(DIRECTIONS),
    Format.SUCCESS: _success,
    Format.MIGRATED: _chosen(MIGRATED),
    Format.REBUILT: _chosen(REBUILT),
    Format.DEVICE: _device,
    Format.CIDRS: _cidrs,
    Format.ADDRESS: _address,
    Format.ADDRESSES: _addresses,
    Format.HOSTS: _hosts,
    Format.MACS: _macs,
}


def forbidden_words(value: Cell) -> Iterable[str]:
    """Every word of a classified row's cell that the guard must know: the whole text, its parts, ranges as networks."""
    if value is None or isinstance(value, BadCell):
        return ()
    words = [plain(value), *split(value)]
    for part in split(value):
        words += part.split()
        try:
            words += [str(n) for n in _networks(part)]
        except CellError:
            continue
    return tuple(dict.fromkeys(w for w in words if w and not is_null(w)))
