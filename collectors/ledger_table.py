"""Spreadsheets and CSV as rows of typed cells, read as hostile (limits on size, cells, archives and entities).

Cached values only: no formula is evaluated, no macro, link or entity is followed.
XLSX goes through python-calamine. The archive is unpacked by us first, member by member within the limits, and calamine
sees only what we measured: two stray cells in opposite corners would otherwise make it allocate the whole plane and
abort the process. XLS goes through xlrd: a few flipped bytes make calamine's XLS reader abort the process as well, and
it shows error values as empty cells.
"""

import csv
import hashlib
import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path, PurePosixPath
from typing import Any
from xml.etree import ElementTree as ET

import xlrd
from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, PasswordError

from inventory.text import Message, msg, tell

MAX_FILE_BYTES = 50 * 1024**2
MAX_INFLATED_BYTES = 512 * 1024**2
MAX_MEMBERS = 5_000
MAX_DIRECTORY_BYTES = 8 * 1024**2
"""Of the parts that say which sheets there are: they are read as a tree."""
MAX_MERGED_ROWS = 5_000_000
"""Rows of all merged ranges of a sheet together."""
MAX_ROWS = 1_000_000
MAX_COLUMNS = 702
"""Up to column ZZ."""
MAX_AREA = 20_000_000
"""Cells in a sheet's bounding rectangle: calamine allocates all of them."""
MAX_CELL_CHARS = 32_767
"""What Excel itself allows."""
MAX_SHEETS = 200

_ERROR_VALUE = msg("a value, not an error of a formula")

Value = str | int | float | bool | date | datetime | time | timedelta | None


class LedgerError(Exception):
    """A ledger that cannot be used at all: an input error that says file, sheet, row or column, and the expectation."""

    def __init__(self, message: Message) -> None:
        super().__init__(tell(message, "en"))
        self.message = message


@dataclass(frozen=True, slots=True)
class BadCell:
    """A cell that holds something, but no value that could be read."""

    text: str
    expected: Message


@dataclass(frozen=True, slots=True)
class Row:
    """One row. `number` is the spreadsheet's own, from 1; values start at column A."""

    number: int
    values: tuple["Value | BadCell", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """A merged range; all bounds included, rows from 1, columns from 0."""

    top: int
    left: int
    bottom: int
    right: int


@dataclass(kw_only=True)
class Sheet:
    """One table of a file. CSV files have one, without a name of its own."""

    name: str
    merges: tuple[Merge, ...] = ()
    _calamine: CalamineSheet | None = None
    _values: Sequence[Sequence[Value | BadCell]] = ()
    _bad: Mapping[int, Mapping[int, BadCell]] = field(default_factory=dict)
    """Row number, then column index."""

    def rows(self) -> Iterator[Row]:
        """Every row, hidden ones too, blank ones included; may be walked again."""
        if self._calamine is None:
            for number, values in enumerate(self._values, 1):
                yield Row(number, tuple(_limited(v) for v in values))
            return
        if self._calamine.start is None:
            return
        left = self._calamine.start[1]
        padding: tuple[Value, ...] = (None,) * left
        for number, cells in enumerate(self._calamine.iter_rows(), 1):
            read: tuple[Value | BadCell, ...] = padding + tuple(_limited(c) for c in cells)
            marks = self._bad.get(number)
            if marks:
                read = tuple(marks.get(i) if v is None else v for i, v in enumerate(read))
            yield Row(number, read)


@dataclass(frozen=True, kw_only=True)
class Workbook:
    """A file's tables and its digest."""

    path: Path
    sha256: str
    sheets: tuple[Sheet, ...]


def column_letter(index: int) -> str:
    """`A` for 0, `AA` for 26."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def column_index(letters: str) -> int:
    """0 for `A`, 26 for `AA`."""
    index = 0
    for letter in letters:
        index = index * 26 + ord(letter) - 64
    return index - 1


def open_workbook(path: Path) -> Workbook:
    """The file's tables, by its content rather than its name.

    Raises:
        LedgerError: it cannot be opened, is no spreadsheet or CSV, or is beyond the limits.
    """
    data = _read(path)
    digest = hashlib.sha256(data).hexdigest()
    if data.startswith(b"PK\x03\x04"):
        sheets = _xlsx(data, path)
    elif data.startswith(b"\xd0\xcf\x11\xe0"):
        sheets = _xls(data, path)
    elif data.lstrip()[:1] == b"<":
        raise _not_a_workbook(path, "a web page; open it in a spreadsheet program and save it as XLSX")
    else:
        sheets = (_csv(data, path),)
    return Workbook(path=path, sha256=digest, sheets=sheets)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise LedgerError(
            msg(
                "{file}: the ledger cannot be opened ({reason}); expected a readable XLSX, XLS or CSV file",
                file=path.name,
                reason=error.strerror or type(error).__name__,
            )
        ) from error
    if len(data) > MAX_FILE_BYTES:
        raise LedgerError(
            msg("{file}: the ledger is larger than {limit} MiB; expected a smaller file, split by year or department",
                file=path.name, limit=MAX_FILE_BYTES // 1024**2)
        )  # fmt: skip
    return data


def _limited(value: Value | BadCell) -> Value | BadCell:
    if isinstance(value, str):
        if value == "":
            return None
        if len(value) > MAX_CELL_CHARS:
            expected = msg("at most {limit} characters in a cell", limit=MAX_CELL_CHARS)
            return BadCell(value[:200], expected)
    return value


# ── XLSX ────────────────────────────────────────────────────────────────────────────────────────────────────────────

_WANTED = re.compile(
    r"^(\[Content_Types\]\.xml|_rels/\.rels|xl/workbook\.xml|xl/_rels/workbook\.xml\.rels|xl/sharedStrings\.xml"
    r"|xl/styles\.xml|xl/worksheets/[\w .-]+\.xml)$",
    re.IGNORECASE,
)


_DAMAGED = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError),
    *(NotImplementedError, RuntimeError, ValueError, LookupError, OverflowError),
)
"""All that zipfile says of a damaged archive; it was seen to say each of them."""


def _not_a_workbook(path: Path, reason: str) -> LedgerError:
    return LedgerError(
        msg(
            "{file}: not a readable spreadsheet ({reason}); expected XLSX or XLS without a password, or CSV",
            file=path.name,
            reason=reason,
        )
    )


def _xlsx(data: bytes, path: Path) -> tuple[Sheet, ...]:
    try:
        members = _members(data, path)
    except _DAMAGED as error:
        raise _not_a_workbook(path, str(error)) from error
    names = {name.lower(): name for name in members}
    if "xl/workbook.xml" not in names:
        raise _not_a_workbook(path, "no xl/workbook.xml")
    # Every part is measured, whichever of them the workbook then calls a sheet.
    measured = {member: _measure(body, member, path) for member, body in members.items()}
    bad = {sheet: measured.get(member, {}) for sheet, member in _sheet_members(members, path).items()}
    clean = io.BytesIO()
    with zipfile.ZipFile(clean, "w", zipfile.ZIP_STORED) as archive:
        for name, body in members.items():
            archive.writestr(name, body)
    members.clear()
    clean.seek(0)
    return _sheets(path, clean, bad)


def _members(data: bytes, path: Path) -> dict[str, bytes]:
    """The parts of the archive that hold cells, unpacked within the limits whatever the archive says of itself."""
    members: dict[str, bytes] = {}
    left = MAX_INFLATED_BYTES
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = archive.infolist()
        if len(entries) > MAX_MEMBERS:
            raise _not_a_workbook(path, f"{len(entries)} archive members")
        for entry in entries:
            if not _WANTED.match(entry.filename):
                continue
            if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise _not_a_workbook(path, f"{entry.filename}: compression {entry.compress_type}")
            if entry.filename in members:
                raise _not_a_workbook(path, f"{entry.filename} twice")
            with archive.open(entry) as member:
                body = member.read(left + 1)
            left -= len(body)
            if left < 0:
                raise LedgerError(
                    msg(
                        "{file}: unpacks to more than {limit} MiB; expected an ordinary spreadsheet",
                        file=path.name,
                        limit=MAX_INFLATED_BYTES // 1024**2,
                    )
                )
            members[entry.filename] = _admitted(body, entry.filename, path)
    return members


_DECLARED = re.compile(
    rb"""^(?:\xef\xbb\xbf)?\s*<\?xml[^>]{0,200}?encoding\s*=\s*["'](?!utf-?8["']|us-ascii["'])""", re.IGNORECASE
)
_COUNTS = re.compile(rb"""\s(?:uniqueC|c)ount\s*=\s*(?:"[^"]*"|'[^']*')""")
_STRINGS = re.compile(rb"<(?:[^<>\s/:]+:)?sst(?=[\s/>])[^>]*>")


def _admitted(body: bytes, member: str, path: Path) -> bytes:
    """The part as calamine may see it: no entities, in the encoding in which we look at it, no counts to believe."""
    if b"\0" in body or body[:2] in (b"\xff\xfe", b"\xfe\xff") or _DECLARED.match(body):
        raise _not_a_workbook(path, f"{member} is not in UTF-8")
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        raise _not_a_workbook(path, f"{member} declares XML entities")
    if member.lower().endswith((".rels", "xl/workbook.xml", "]xml")) and len(body) > MAX_DIRECTORY_BYTES:
        raise _not_a_workbook(path, f"{member} has {len(body)} bytes")
    if member.lower() == "xl/sharedstrings.xml":
        # calamine makes room for as many strings as the part claims to hold, and aborts the process if it cannot.
        body = _STRINGS.sub(lambda tag: _COUNTS.sub(b"", tag[0]), body)
        if any(b"ount" in tag or tag.count(b'"') % 2 or tag.count(b"'") % 2 for tag in _STRINGS.findall(body)):
            raise _not_a_workbook(path, f"{member} is not as a spreadsheet program writes it")
    return body


_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_STRICT_MAIN = "{http://purl.oclc.org/ooxml/spreadsheetml/main}"


def _sheet_members(members: Mapping[str, bytes], path: Path) -> dict[str, str]:
    """Sheet name to archive member."""
    try:
        # Safe: no document type got past _members, so there is no entity to expand.
        workbook = ET.fromstring(members["xl/workbook.xml"])  # noqa: S314
        relations = ET.fromstring(members.get("xl/_rels/workbook.xml.rels", b"<none/>"))  # noqa: S314
    except (ET.ParseError, KeyError, ValueError) as error:
        raise _not_a_workbook(path, f"xl/workbook.xml: {error}") from error
    targets = {r.get("Id"): r.get("Target", "") for r in relations}
    found: dict[str, str] = {}
    for sheet in [*workbook.iter(f"{_MAIN}sheet"), *workbook.iter(f"{_STRICT_MAIN}sheet")]:
        relation = next((v for k, v in sheet.attrib.items() if k.endswith("}id")), None)
        target = targets.get(relation, "")
        member = target.lstrip("/") if target.startswith("/") else str(PurePosixPath("xl") / target)
        found[sheet.get("name", "")] = member
    return found


_CELL = re.compile(rb"<(?:[^<>\s/:]+:)?(c|row)(?=[\s/>])([^<>]*?)(/?)>")
_CELL_BEGIN = re.compile(rb"<(?:[^<>\s/:]+:)?(?:c|row)(?=[\s/>])")
_REFERENCE = re.compile(rb"""(?<![\w:])r\s*=\s*["']([A-Za-z]*)(\d{1,9})["']""")


def _measure(xml: bytes, member: str, path: Path) -> dict[int, dict[int, BadCell]]:
    """Checks the sheet's extent before calamine allocates it; finds cells that calamine would show as empty.

    Those are formulas that were never calculated, and error values such as #REF!.
    """
    if len(_CELL.findall(xml)) != len(_CELL_BEGIN.findall(xml)):
        # A cell that we do not see and calamine does would escape the limits.
        raise _not_a_workbook(path, f"{member}: a cell's attribute holds '<'")
    bottom = right = row = column = 0
    bad: dict[int, dict[int, BadCell]] = {}
    for match in _CELL.finditer(xml):
        tag, attributes, closed = match.groups()
        if attributes.count(b'"') % 2 or attributes.count(b"'") % 2:
            raise _not_a_workbook(path, f"{member}: a cell's attribute holds '>'")
        references = list(_REFERENCE.finditer(attributes))
        if len(references) > 1:
            raise _not_a_workbook(path, f"{member}: a cell says twice where it is")
        reference = references[0] if references else None
        if tag == b"row":
            row, column = (int(reference[2]) if reference else row + 1), -1
            continue
        if reference and reference[1]:
            column, row = _column_index(reference[1]), int(reference[2])
        else:
            column += 1
        if closed:
            continue
        bottom, right = max(bottom, row), max(right, column + 1)
        problem = _unreadable(xml, match.end(), attributes)
        if problem is not None:
            bad.setdefault(row, {})[column] = problem
    if bottom > MAX_ROWS or right > MAX_COLUMNS or bottom * right > MAX_AREA:
        raise LedgerError(
            msg(
                "{file}: {part}: its cells reach to column {column}, row {row}; expected at most {rows} rows, "
                "{columns} columns and {area} cells, so delete what lies outside the table",
                file=path.name,
                part=member,
                column=column_letter(max(right - 1, 0)),
                row=bottom,
                rows=MAX_ROWS,
                columns=MAX_COLUMNS,
                area=MAX_AREA,
            )
        )
    return bad


def _unreadable(xml: bytes, start: int, attributes: bytes) -> BadCell | None:
    is_error = b't="e"' in attributes
    if not is_error and xml.find(b"f", start, start + 12) < 0:
        return None
    body = xml[start : start + 4096].partition(b"</c>")[0]
    if is_error:
        value = re.search(rb"<v>([^<]{0,40})</v>", body)
        return BadCell(value[1].decode("utf-8", "replace") if value else "#", _ERROR_VALUE)
    if re.match(rb"\s*<(?:\w+:)?f\b", body) and not re.search(rb"<(?:\w+:)?v\b[^>]*>[^<]", body):
        return BadCell("=…", msg("a value; this formula was never calculated, so open and save the file once"))
    return None


def _column_index(letters: bytes) -> int:
    index = 0
    for letter in letters[:4].upper():
        index = index * 26 + letter - 64
    return index - 1


def _sheets(path: Path, file: io.BytesIO, bad: Mapping[str, Mapping[int, Mapping[int, BadCell]]]) -> tuple[Sheet, ...]:
    try:
        workbook = CalamineWorkbook.from_filelike(file)
        found = []
        for name in workbook.sheet_names[:MAX_SHEETS]:
            sheet = workbook.get_sheet_by_name(name)
            height = sheet.height + (sheet.start[0] if sheet.start else 0)
            ranges = [(*start, *end) for start, end in sheet.merged_cell_ranges or ()]
            merges = _merges(((t + 1, left, b + 1, right) for t, left, b, right in ranges), height, path)
            found.append(Sheet(name=name, merges=merges, _calamine=sheet, _bad=bad.get(name, {})))
    except PasswordError as error:
        raise _not_a_workbook(path, "it has a password") from error
    except (CalamineError, OSError, ValueError) as error:
        raise _not_a_workbook(path, str(error)) from error
    except BaseException as error:
        # A panic of the Rust parser is no Exception; the file is as unreadable as any other.
        if type(error).__name__ == "PanicException":
            raise _not_a_workbook(path, "damaged") from error
        raise
    if len(workbook.sheet_names) > MAX_SHEETS:
        raise _not_a_workbook(path, f"{len(workbook.sheet_names)} sheets")
    return tuple(found)


def _merges(ranges: Iterable[tuple[int, int, int, int]], height: int, path: Path) -> tuple[Merge, ...]:
    """The merged ranges (top, left, bottom, right) as far down as there are rows: whoever walks them ends."""
    merges = tuple(
        Merge(top=top, left=left, bottom=min(bottom, height), right=right)
        for top, left, bottom, right in ranges
        if top <= height
    )
    if sum(m.bottom - m.top for m in merges) > MAX_MERGED_ROWS:
        raise _not_a_workbook(path, f"{len(merges)} merged ranges")
    return merges


# ── XLS ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _xls(data: bytes, path: Path) -> tuple[Sheet, ...]:
    try:
        # formatting_info brings the merged cells; the log would go to standard output.
        workbook = xlrd.open_workbook(file_contents=data, logfile=io.StringIO(), formatting_info=True, ragged_rows=True)
        sheets = tuple(_xls_sheet(sheet, workbook.datemode, path) for sheet in workbook.sheets())
    except LedgerError:
        raise
    except (MemoryError, RecursionError):
        raise _not_a_workbook(path, "damaged") from None
    except Exception as error:  # whatever a damaged file provokes in xlrd: it wraps little of it
        raise _not_a_workbook(path, str(error)[:200] or type(error).__name__) from error
    return sheets


def _xls_sheet(sheet: Any, datemode: int, path: Path) -> Sheet:
    ranges = ((r + 1, c, last, end - 1) for r, last, c, end in sheet.merged_cells)
    merges = _merges(ranges, sheet.nrows, path)
    rows = [[_xls_value(cell, datemode) for cell in sheet.row(index)] for index in range(sheet.nrows)]
    return Sheet(name=sheet.name, merges=merges, _values=rows)


def _xls_value(cell: Any, datemode: int) -> Value | BadCell:
    if cell.ctype == xlrd.XL_CELL_ERROR:
        return BadCell(xlrd.error_text_from_code.get(cell.value, "#"), _ERROR_VALUE)
    if cell.ctype == xlrd.XL_CELL_DATE:
        return _xls_date(cell.value, datemode)
    if cell.ctype in (xlrd.XL_CELL_EMPTY, xlrd.XL_CELL_BLANK):
        return None
    value: str | float | bool = bool(cell.value) if cell.ctype == xlrd.XL_CELL_BOOLEAN else cell.value
    return value


def _xls_date(number: float, datemode: int) -> Value:
    try:
        moment: datetime = xlrd.xldate_as_datetime(number, datemode)
    except (ValueError, OverflowError, xlrd.xldate.XLDateError):
        return number
    return moment.date() if moment.time() == time() else moment


# ── CSV ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _csv(data: bytes, path: Path) -> Sheet:
    text = _decoded(data, path)
    candidates = []
    for delimiter in ",;\t":
        head = list(_parsed(text[:20_000], delimiter, path, is_head=True))[:30]
        candidates.append((max((len(r) for r in head), default=0), -",;\t".index(delimiter), delimiter))
    texts = list(_parsed(text, max(candidates)[2], path))
    _check_is_whole(text, texts, path)
    return Sheet(name="CSV", _values=texts)


def _check_is_whole(text: str, rows: Sequence[Sequence[str]], path: Path) -> None:
    """An export or a copy that was broken off ends in the middle of a row: what stood after it would seem not to be."""
    if not rows or text.endswith(("\n", "\r")):
        return
    widest = max(len(row) for row in rows)
    if len(rows[-1]) < widest:
        raise LedgerError(
            msg(
                "{file}: it ends in the middle of row {row}, after {cells} of {columns} cells and without a line end; "
                "expected a whole file, so export it again, or end its last row",
                file=path.name,
                row=len(rows),
                cells=len(rows[-1]),
                columns=widest,
            )
        )


def _decoded(data: bytes, path: Path) -> str:
    if b"\0" in data:
        raise LedgerError(
            msg("{file}: neither a spreadsheet nor text; expected XLSX, XLS, or CSV in UTF-8 or GB18030",
                file=path.name)
        )  # fmt: skip
    encodings = ("utf-8-sig",) if data.startswith(b"\xef\xbb\xbf") else ("utf-8", "gb18030")
    position = 0
    for encoding in encodings:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError as error:
            position = max(position, error.start)
    raise LedgerError(
        msg(
            "{file}: byte {position} is neither UTF-8 nor GB18030; expected CSV saved in one of them",
            file=path.name,
            position=position,
        )
    )


def _parsed(text: str, delimiter: str, path: Path, *, is_head: bool = False) -> Iterator[list[str]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=not is_head)
    try:
        for number, row in enumerate(reader, 1):
            if number > MAX_ROWS or len(row) > MAX_COLUMNS:
                raise LedgerError(
                    msg("{file}: row {row}: expected at most {rows} rows and {columns} columns",
                        file=path.name, row=number, rows=MAX_ROWS, columns=MAX_COLUMNS)
                )  # fmt: skip
            yield row
    except csv.Error as error:
        if is_head:
            return
        raise LedgerError(
            msg("{file}: line {line}: {reason}; expected CSV whose quotes are closed and whose cells are short",
                file=path.name, line=reader.line_num, reason=str(error))
        ) from error  # fmt: skip
