"""Files of waivers 豁免: YAML that stands in git, or the spreadsheet that an office keeps.

Read as hostile as any other file. An entry that cannot be used waives nothing and is told with its place; it never
takes the rest of the file with it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import msgspec

from collectors.ledger_fields import CellError, Header, find_header, is_blank, parse, shown
from collectors.ledger_table import LedgerError, Row, open_workbook
from collectors.yaml_list import entries, read_bytes
from inventory.ledger_columns import Column, Format, LedgerForm
from inventory.ledger_mapping import LedgerMapping
from inventory.text import Message, msg
from inventory.waiver import Selector, Waiver

YAML_SUFFIXES = (".yaml", ".yml")
MOST_WAIVERS = 10_000


def _column(field: str, header: str, *synonyms: str, kind: Format = Format.TEXT, required: bool = False) -> Column:
    return Column(field=field, header=header, synonyms=synonyms, format=kind, required=required)


WAIVER_FORM = LedgerForm(
    kind="waivers",
    title="豁免台账",
    columns=(
        _column("id", "豁免编号", "编号", "序号", kind=Format.CODE, required=True),
        _column("check", "检查项", "检查项编号", "检查编号", required=True),
        _column("subject", "对象编号", "对象", "资源编号", "系统编号", "主机编号"),
        _column("name", "对象名称", "名称", "资源名称"),
        _column("project", "项目编号", "项目代码", kind=Format.CODE),
        _column("department", "单位", "建设单位", "责任单位", "申请单位"),
        _column("reason", "豁免理由", "理由", "原因", required=True),
        _column("requester", "申请人", "经办人", required=True),
        _column("approver", "批准人", "审批人", required=True),
        _column("document", "批文号", "批准文号", "文号", required=True),
        _column("starts_on", "起始日期", "生效日期", "开始日期", kind=Format.DATE, required=True),
        _column("expires_on", "截止日期", "到期日期", "失效日期", "有效期至", kind=Format.LAST_DAY, required=True),
    ),
    identity=("id",),
)


@dataclass(frozen=True, kw_only=True)
class WaiverFile:
    """What one file says."""

    waivers: tuple[Waiver, ...]
    problems: tuple[Message, ...]
    """Entries that waive nothing, each with its place and what was expected."""


class _Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: str
    check: str
    reason: str
    requester: str
    approver: str
    document: str
    starts_on: date
    expires_on: date
    subject: str | None = None
    name: str | None = None
    project: str | None = None
    department: str | None = None


def read_waivers(path: Path) -> WaiverFile:
    """The waivers in a YAML file (`waivers:` and a list) or in every sheet of a spreadsheet that has their header.

    Raises:
        ConfigError: a YAML file cannot be read, or is none.
        LedgerError: a spreadsheet cannot be read, or holds no table of waivers.
    """
    found: list[Waiver] = []
    problems: list[Message] = []
    listed = _from_yaml(path) if path.suffix.casefold() in YAML_SUFFIXES else _from_sheets(path)
    seen: set[str] = set()
    for origin, said in listed:
        made = said if isinstance(said, Message) else _made(origin, said)
        if isinstance(made, Waiver) and made.id in seen:
            made = msg("the number {id} is taken by an earlier entry", id=made.id)
        if isinstance(made, Message):
            problems.append(msg("{where}: {what}; it waives nothing", where=origin, what=made))
        else:
            seen.add(made.id)
            found.append(made)
    return WaiverFile(waivers=tuple(found), problems=tuple(problems))


def _made(origin: str, said: dict[str, Any]) -> Waiver | Message:
    try:
        entry = msgspec.convert(said, _Entry)
        selector = Selector(subject=entry.subject, name=entry.name, project=entry.project, department=entry.department)
        plain = {f: getattr(entry, f) for f in ("id", "check", "reason", "requester", "approver", "document")}
        waiver = Waiver(
            **plain, selector=selector, starts_on=entry.starts_on, expires_on=entry.expires_on, origin=origin
        )
        return msgspec.convert(msgspec.to_builtins(waiver), Waiver)  # the limits on texts
    except msgspec.ValidationError as error:
        return msg("{why}; expected id, check, a subject, reason, requester, approver, document, starts_on, expires_on",
                   why=str(error))  # fmt: skip


def _from_yaml(path: Path) -> Iterator[tuple[str, dict[str, Any] | Message]]:
    for origin, item in entries(read_bytes(path), path, key="waivers", limit=MOST_WAIVERS):
        yield origin, item if isinstance(item, dict) else msg("expected keys and values")


def _from_sheets(path: Path) -> Iterator[tuple[str, dict[str, Any] | Message]]:
    workbook = open_workbook(path)
    plain, name = LedgerMapping(), path.name
    tables = [(s, h) for s in workbook.sheets if (h := find_header(s, WAIVER_FORM, plain, file=name, must_fit=False))]
    if not tables:
        wanted = "、".join(c.header for c in WAIVER_FORM.columns if c.required)
        raise LedgerError(msg("{file}: no sheet has the header of waivers; expected a row with {wanted}",
                              file=path.name, wanted=wanted))  # fmt: skip
    for sheet, header in tables:
        for row in sheet.rows():
            if row.number > header.last_row and not _is_empty(row, header):
                yield f"{path.name} {sheet.name} {row.number}", _fields(row, header)


def _is_empty(row: Row, header: Header) -> bool:
    """A blank row, or a note below the table: what names neither number nor check is no entry."""
    fields = {b.column.field: row.values[b.index] for b in header.columns if b.index < len(row.values)}
    return all(is_blank(fields.get(f)) for f in ("id", "check")) or all(
        is_blank(fields.get(f)) for f in ("check", "reason", "approver", "expires_on")
    )


def _fields(row: Row, header: Header) -> dict[str, Any] | Message:
    found: dict[str, Any] = {}
    for bound in header.columns:
        cell = row.values[bound.index] if bound.index < len(row.values) else None
        try:
            value = parse(bound.column, cell)
        except CellError as error:
            return msg("column {column}: {value}; expected {expected}", column=bound.label, value=shown(cell),
                       expected=error.expected)  # fmt: skip
        if value is not None:
            found[bound.column.field] = value
    return found
