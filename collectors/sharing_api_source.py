"""The data-sharing platform 数据共享交换平台 over HTTP: catalogue entries and calls as records.

Where its answers hold what is said by JMESPath in the config; what a value means is read as in a ledger's cell. GET
only; the token goes to the configured host and into no record, message or document.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from urllib.parse import urlsplit

import jmespath
import msgspec
from jmespath.exceptions import JMESPathError

from collectors.collector import Collector, ForbiddenCodes, Incomplete, Reading, Said
from collectors.errors import Unauthorized, Unreadable
from collectors.ledger_fields import CellError, forbidden_words, parse, shown
from collectors.ledger_records import CELL_KINDS, Fields, ParsedRow, records_of
from collectors.ledger_table import MAX_CELL_CHARS, Value
from collectors.request_rate import RequestRate
from collectors.sharing_api_pages import Page, Pages
from inventory.coverage import Cell, Rejection, SourceInfo
from inventory.guard import Guard
from inventory.inventory import LAW_TIME
from inventory.ledger_columns import FORMS, Column, Format, LedgerForm
from inventory.names import is_null
from inventory.records import Record
from inventory.settings import ConfigError, RequestLimits, SharingApi, resolve
from inventory.text import msg

_DATES = frozenset({Format.DATE, Format.COARSE_DATE, Format.FIRST_DAY, Format.LAST_DAY})
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_TABLES: Mapping[str, str] = {"entries": "sharing_entries", "uses": "sharing_uses"}
"""Mapping table of the config to the kind of ledger whose fields it names."""


def sharing_api_collectors(
    entry: SharingApi, *, base: Path, clock: Callable[[], datetime], guard: Guard
) -> list[Collector]:
    """The collector of one endpoint, its expressions compiled; asks nothing yet.

    Raises:
        ConfigError: an expression is no JMESPath, a field is unknown or a needed one is not mapped, or the token would
            go over plain HTTP.
    """
    name = f"sharing_api.{entry.name}"
    for key in ("items", "success", "total", "next"):
        if (text := getattr(entry, key)) is not None:
            _compiled(f"{name}.{key}", text)
    mappings = {}
    for table, kind in _TABLES.items():
        if given := getattr(entry, table):
            mappings[kind] = _mapping(f"{name}.{table}", given, FORMS[kind])
    if not mappings:
        raise ConfigError(msg("key {key}: expected a table `entries` or `uses` with fields", key=name))
    url = urlsplit(entry.url)
    if entry.token_env and url.scheme != "https" and url.hostname not in _LOOPBACK and not entry.allow_http:
        raise ConfigError(
            msg("key {key}: the token would go over the network in clear; expected https, or allow_http = true",
                key=f"{name}.url")
        )  # fmt: skip
    ca_file = resolve(base, entry.ca_file) if entry.ca_file else None
    limits = RequestLimits(requests_per_second=entry.requests_per_second, concurrency=entry.concurrency)
    return [
        SharingApiCollector(
            entry=entry, ca_file=ca_file, mappings=mappings, clock=clock, guard=guard, rate=RequestRate(limits)
        )
    ]


def _compiled(key: str, text: str) -> "jmespath.parser.ParsedResult":
    try:
        return jmespath.compile(text)
    except (JMESPathError, RecursionError) as error:
        why = str(error).splitlines()[0][:200]
        raise ConfigError(msg("key {key}: {why}; expected a JMESPath", key=key, why=why)) from error


@dataclass(frozen=True, slots=True)
class _Field:
    column: Column
    path: str
    expression: "jmespath.parser.ParsedResult"

    @property
    def label(self) -> str:
        return f"{self.column.field} ({self.path})"


def _mapping(key: str, given: Mapping[str, str], form: LedgerForm) -> tuple[_Field, ...]:
    fields = []
    for name, path in given.items():
        column = form.column(name)
        if column is None:
            known = ", ".join(c.field for c in form.columns)
            raise ConfigError(
                msg("key {key}: there is no such key; expected one of {keys}", key=f"{key}.{name}", keys=known)
            )
        fields.append(_Field(column, path, _compiled(f"{key}.{name}", path)))
    for column in form.columns:
        if column.required and column.field not in given:
            raise ConfigError(msg("key {key}: missing, it must be given", key=f"{key}.{column.field}"))
    return tuple(fields)


@dataclass(frozen=True, kw_only=True)
class SharingApiCollector:
    """Walks one endpoint once for each kind that is mapped."""

    entry: SharingApi
    ca_file: Path | None
    mappings: Mapping[str, tuple[_Field, ...]]
    clock: Callable[[], datetime]
    guard: Guard
    rate: RequestRate

    @property
    def source(self) -> str:
        """`sharing_api:NAME`."""
        return f"sharing_api:{self.entry.name}"

    @property
    def info(self) -> SourceInfo:
        """The source; the sharing platform is not the cloud's control plane."""
        return SourceInfo(name=self.source, type="sharing_api")

    @property
    def parallel(self) -> int:
        """One by default: the platform is asked gently."""
        return self.entry.concurrency

    def plan(self) -> Sequence[Cell]:
        """One cell for each kind that is mapped."""
        return [Cell(source=self.source, scope="*", kind=CELL_KINDS[kind]) for kind in self.mappings]

    def read(self, cell: Cell) -> Iterator[Said]:
        """Records, rejected items, and what must be forbidden.

        Raises:
            CollectorError: the endpoint could not be read to its end.
        """
        kind = next(k for k in self.mappings if CELL_KINDS[k] == cell.kind)
        pages = Pages(
            source=self.source,
            entry=self.entry,
            ca_file=self.ca_file,
            token=self._token(),
            forbids=self.guard.forbids,
            rate=self.rate,
        )
        reader = _Reader(
            source=self.source,
            where=pages.shown_url,
            kind=kind,
            fields=self.mappings[kind],
            observed_at=self.clock(),
            seen={},
        )
        for page in pages.walk():
            for number, item in enumerate(page.items, 1):
                yield from reader.read(page, number, item)
        if self.entry.next is None and self.entry.page_param is None and self.entry.total is None:
            yield Incomplete(
                msg(
                    "{source}: nothing says that one answer is all of it, and most platforms give pages unasked; name "
                    '`page_param`, `next` or `total` (`total = "length({items})"` where it never pages)',
                    source=self.source,
                    items=self.entry.items,
                )
            )
        if not pages.is_end_told and pages.total is None:
            yield Incomplete(
                msg(
                    "{source}: {path} finds nothing in the first answer, so nothing says that this is all; correct "
                    "`next`, name `total`, or write {stated} where the platform leaves it out on the last page",
                    source=self.source,
                    path=f"`{self.entry.next}`",
                    stated=f'`next = "not_null({self.entry.next}, `false`)"`',
                )
            )
        count = len(pages.distinct)
        if pages.total is not None and count < pages.total:
            yield Incomplete(
                msg(
                    "{source}: it says that there are {total} items and gave {count}",
                    source=self.source,
                    total=pages.total,
                    count=count,
                )
            )

    def _token(self) -> str | None:
        name = self.entry.token_env
        if name is None:
            return None
        token = os.environ.get(name, "").strip()
        if not token:
            raise Unauthorized(
                msg("{source}: the environment variable {name} is not set; it must hold the token",
                    source=self.source, name=name)
            )  # fmt: skip
        if not (token.isascii() and token.isprintable()):
            raise Unreadable(
                msg("{source}: the environment variable {name} holds characters that no HTTP header may have",
                    source=self.source, name=name)
            )  # fmt: skip
        return token


@dataclass(frozen=True, kw_only=True)
class _Reader:
    """One item on its way to records."""

    source: str
    where: str
    kind: str
    fields: tuple[_Field, ...]
    observed_at: datetime
    seen: dict[str, Record]

    def read(self, page: Page, number: int, item: object) -> Iterator[Said]:
        values: dict[str, Value] = {}
        bad = False
        for each in self.fields:
            try:
                values[each.column.field] = _value(each, item)
            except CellError as error:
                bad = True
                yield self._rejection(page, number, each, "", error)
        classified = self._is_classified(values)
        if classified is not False:
            secret = [f.column.field for f in self.fields if f.column.secret]
            yield ForbiddenCodes(tuple(dict.fromkeys(w for n in secret for w in forbidden_words(values.get(n)))))
            if classified is None:
                (each,) = (f for f in self.fields if f.column.field == "classified")
                yield self._rejection(page, number, each, "", CellError(msg("是 or 否")))
            return
        fields: Fields = {}
        for each in (f for f in self.fields if f.column.field in values):
            value = values[each.column.field]
            try:
                found = _parsed(each.column, value)
            except CellError as error:
                bad = bad or not error.keeps_row
                yield self._rejection(page, number, each, shown(value), error)
                continue
            if found is not None:
                fields[each.column.field] = found
        if not bad:
            yield from self._records(page, number, values, fields)

    def _is_classified(self, values: Mapping[str, Value]) -> bool | None:
        """None where it is stated and cannot be understood."""
        column = next((f.column for f in self.fields if f.column.field == "classified"), None)
        if column is None:
            return False
        try:
            return bool(parse(column, values.get("classified")))
        except CellError:
            return None

    def _records(self, page: Page, number: int, values: Mapping[str, Value], fields: Fields) -> Iterator[Said]:
        raw = {
            "url": self.where,
            "page": page.number,
            "item": number,
            "fields": {k: shown(v, 4000) for k, v in values.items() if v is not None},
        }
        row = ParsedRow(source=self.source, observed_at=self.observed_at, default_zone=None, fields=fields)
        for made in records_of(self.kind, row):
            ids = [made.record.native_id, *([made.otherwise] if made.otherwise else [])]
            for native_id in ids:
                record = msgspec.structs.replace(made.record, native_id=native_id)
                before = self.seen.setdefault(native_id, record)
                if before is record:
                    yield Reading(record, raw)
                    break
                if before == record:
                    break
            else:
                error = CellError(msg("each code once; an earlier row has this one with other content"))
                yield self._rejection(page, number, self.fields[0], ids[0], error)

    def _rejection(self, page: Page, number: int, field: _Field, value: str, error: CellError) -> Rejection:
        return Rejection(
            source=self.source,
            file=self.where,
            sheet=str(page.number),
            row=number,
            column=field.label,
            value=value,
            expected=error.expected,
        )


def _parsed(column: Column, value: Value) -> object:
    found = parse(column, value)
    if found is None and column.required:
        raise CellError(msg("a value; the row cannot be used without it"))
    return found


def _value(field: _Field, item: object) -> Value:
    """What the expression finds, as a ledger's cell would hold it.

    Raises:
        CellError: it is a list or an object, or too long.
    """
    try:
        found = field.expression.search(item)
    except (JMESPathError, RecursionError, TypeError, ValueError, ArithmeticError) as error:
        raise CellError(msg("a value that its JMESPath can be applied to")) from error
    if isinstance(found, list | dict):
        raise CellError(msg("one value, not a list or an object"))
    if field.column.format in _DATES:
        return _date(found)
    if isinstance(found, int) and not isinstance(found, bool):
        if found.bit_length() > 256:
            raise CellError(msg("a whole number"))
        return str(found)  # exact, where a spreadsheet's would not be
    if isinstance(found, str) and len(found) > MAX_CELL_CHARS:
        raise CellError(msg("at most {limit} characters", limit=MAX_CELL_CHARS))
    return found if isinstance(found, str | float | bool) else None


_EPOCH_SECONDS = 10**9
_EPOCH_MILLISECONDS = 10**11


def _date(found: object) -> Value:
    """ISO 8601 with an offset and epochs mean a moment: the law's day in Asia/Shanghai; the rest is read as a cell."""
    if isinstance(found, bool) or found is None:
        return None
    if isinstance(found, int | float):
        if not _EPOCH_SECONDS <= found < 10**14:
            return str(found)
        seconds = found / 1000 if found >= _EPOCH_MILLISECONDS else found
        return datetime.fromtimestamp(seconds, UTC).astimezone(LAW_TIME).date()
    text = str(found)[:64]
    if is_null(text):
        return None
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return text
    return text if moment.tzinfo is None else _day(moment, text)


def _day(moment: datetime, text: str) -> date | str:
    try:
        return moment.astimezone(LAW_TIME).date()
    except OverflowError:
        return text
