"""However an office lays out its table, the records are the same: columns, headers, titles, blanks, formats."""

import csv
import itertools
import tempfile
from datetime import date
from pathlib import Path

import msgspec
import openpyxl
import pytest
import xlwt
from effort import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from ledgers import read_ledger

from inventory.collection import Collection
from inventory.ledger_columns import FORMS, Column
from inventory.settings import LedgerKind

PROJECTS = {
    "code": ["P-1", "P-2", "P-3"],
    "name": ["平台（一期）", "平台二期", "〔试点〕项目"],
    "department": ["市教育局", "市教育局", "-"],
    "department_code": ["11420682011158671E", "12420682767444440U", "/"],
    "project_kind": ["新建", "升级改造", "运维"],
    "awarded_on": [date(2024, 3, 5), date(2024, 12, 31), None],
    "systems": ["S-1、S-2", "S-3", "无"],
    "status": ["已验收", "在建", None],
}
FILINGS = {
    "system": ["S-1", "S-2", "S-3"],
    "number": ["42060012345-00001", "42060012345-00002", "42060012345-00003"],
    "level": ["三级", "第二级", "S3A2G3"],
    "filed_on": [date(2024, 3, 5), date(2023, 1, 1), None],
    "template": ["2025", "2007", "-"],
}
SEGMENTS = {
    "cidr": ["10.1.1.0/24", "10.1.2.0-10.1.2.255", "１０．１．３．５／２４"],
    "zone": ["政务外网区", "部门专网", "互联网区"],
    "vlan": ["101", "102", None],
    "department": ["市教育局", "市住建局", "-"],
    "is_cloud": ["是", "否", "√"],
}
TABLES: dict[LedgerKind, dict[str, list[object]]] = {
    "projects": PROJECTS,  # type: ignore[dict-item]
    "mlps_filings": FILINGS,  # type: ignore[dict-item]
    "segments": SEGMENTS,  # type: ignore[dict-item]
}
NOISE = ("序号", "联系人", "备注", "自编栏目")
DATE_FORMS = ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y年%m月%d日", "%Y%m%d")


def said(collection: Collection) -> list[bytes]:
    assert collection.rejections == [], collection.rejections
    bare = (msgspec.structs.replace(r, raw=None) for r in collection.records)
    return sorted(msgspec.json.encode(r) for r in bare)


def headers_of(column: Column) -> list[str]:
    return [column.header, *column.synonyms]


@st.composite
def layouts(draw: st.DrawFn) -> tuple[LedgerKind, str, list[list[object]], list[str]]:
    """Kind, file format, rows, and merged ranges (of titles)."""
    kind = draw(st.sampled_from(sorted(TABLES)))
    table = TABLES[kind]
    suffix = draw(st.sampled_from([".xlsx", ".xls", ".csv"]))
    columns = draw(st.permutations([*table, *draw(st.lists(st.sampled_from(NOISE), unique=True))]))
    form = FORMS[kind]
    header: list[object] = []
    for name in columns:
        column = form.column(name)
        word = draw(st.sampled_from(headers_of(column))) if column is not None else name
        header.append(
            draw(st.sampled_from([word, f" {word} ", f"{word[0]}\n{word[1:]}", f"*{word}", f"{word}（必填）"]))
        )
    blanks: list[object] = [None] * (len(columns) - 1)
    rows = [[f"某市台账标题{title}", *blanks] for title in range(draw(st.integers(0, 2)))]
    first = len(rows)
    rows.append(header)
    for index in draw(st.permutations(range(3))):
        rows += [[None] * len(columns)] * draw(st.integers(0, 2))
        rows.append([_cell(draw, table, name, index, suffix) for name in columns])
    rows += draw(st.sampled_from([[], [["合计", *[None] * (len(columns) - 1)]], [["备注：本表一式三份。"]]]))
    merges = [f"A{n + 1}:{openpyxl.utils.get_column_letter(len(columns))}{n + 1}" for n in range(first)]
    return kind, suffix, rows, merges if len(columns) > 1 else []


def _cell(draw: st.DrawFn, table: dict[str, list[object]], name: str, index: int, suffix: str) -> object:
    if name not in table:
        return draw(st.sampled_from([None, "某人", 7]))
    value = table[name][index]
    if isinstance(value, date) and (suffix == ".csv" or draw(st.booleans())):
        return value.strftime(draw(st.sampled_from(DATE_FORMS)))
    return draw(st.sampled_from([None, "-", "无", "/"])) if value in (None, "-", "/", "无") else value


def write(path: Path, rows: list[list[object]], merges: list[str]) -> Path:
    if path.suffix == ".csv":
        with path.open("w", encoding="gb18030", newline="") as file:
            csv.writer(file).writerows([["" if v is None else v for v in row] for row in rows])
        return path
    if path.suffix == ".xls":
        book = xlwt.Workbook()
        sheet = book.add_sheet("台账")
        day = xlwt.easyxf(num_format_str="yyyy-mm-dd")
        for number, row in enumerate(rows):
            for column, value in enumerate(row):
                if value is not None:
                    sheet.write(number, column, value, *([day] if isinstance(value, date) else []))
        for merge in merges:
            _, _, right, bottom = openpyxl.utils.range_boundaries(merge)
            sheet.merge(bottom - 1, bottom - 1, 0, right - 1)
        book.save(str(path))
        return path
    workbook = openpyxl.Workbook()
    for row in rows:
        workbook.active.append(row)
    for merge in merges:
        workbook.active.merge_cells(merge)
    workbook.save(path)
    return path


@pytest.fixture(scope="module")
def plain() -> dict[str, list[bytes]]:
    """What each table says in the template's own layout."""
    found = {}
    for kind, table in TABLES.items():
        header = [FORMS[kind].column(name).header for name in table]  # type: ignore[union-attr]
        with tempfile.TemporaryDirectory() as folder:
            path = write(Path(folder) / "l.xlsx", [header, *map(list, zip(*table.values(), strict=True))], [])
            found[kind] = said(read_ledger(path, kind))
        assert len(found[kind]) == 3
    return found


@settings(max_examples=examples(60), deadline=None)
@given(layout=layouts())
def test_the_layout_of_a_table_leaves_no_trace_in_its_records(
    plain: dict[str, list[bytes]], layout: tuple[LedgerKind, str, list[list[object]], list[str]]
) -> None:
    kind, suffix, rows, merges = layout
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder) / f"l{suffix}", rows, merges)

        assert said(read_ledger(path, kind)) == plain[kind]


@pytest.mark.parametrize("suffix", [".xlsx", ".xls", ".csv"])
@pytest.mark.parametrize("kind", sorted(TABLES))
def test_every_header_that_is_recognised_is_recognised_alone(
    plain: dict[str, list[bytes]], tmp_path: Path, kind: LedgerKind, suffix: str
) -> None:
    """Each synonym of each column once, the others as the template has them."""
    table, form = TABLES[kind], FORMS[kind]
    template = {name: form.column(name).header for name in table}  # type: ignore[union-attr]
    body = [
        [v.isoformat() if isinstance(v, date) else v for v in row] for row in zip(*table.values(), strict=True)
    ]  # fmt: skip
    words = itertools.chain.from_iterable(
        ((name, word) for word in headers_of(form.column(name)))
        for name in table  # type: ignore[arg-type]
    )
    for name, word in words:
        header: list[object] = [word if n == name else h for n, h in template.items()]
        path = write(tmp_path / f"l{suffix}", [header, *body], [])

        assert said(read_ledger(path, kind)) == plain[kind], word
