"""Ledgers as they are: every bad cell told in one pass, good rows used, classified rows never written down."""

import ast
import os
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec
import openpyxl
import pytest
from babel.messages.pofile import read_po
from ledgers import NOON, Rows, read_ledger, write_csv, write_xlsx

import inventory
from checks.check import absence_gaps
from collectors import ledger_source
from collectors.ledger_source import LedgerCollector, ledger_collectors
from collectors.ledger_table import LedgerError
from inventory.build import build
from inventory.collection import Collection
from inventory.coverage import CellState, Coverage
from inventory.guard import Guard
from inventory.inventory import Inventory
from inventory.records import (
    ClassifiedPlaceholder,
    ClassifiedTrace,
    DatedName,
    Department,
    Funding,
    HostSighting,
    MlpsAssessment,
    MlpsFiling,
    Nic,
    OwnershipDeclaration,
    Project,
    ProjectKind,
    Record,
    Segment,
    SharingEntry,
    SharingType,
    SharingUse,
    System,
    Tenant,
    ThirdPartyResource,
    View,
)
from inventory.scan import ScanOptions
from inventory.settings import Ledger, LedgerKind
from inventory.text import tell

SYSTEMS = ["系统编号", "系统名称", "建设单位", "建成时间", "是否涉密"]


def read(path: Path, kind: LedgerKind, rows: Rows, **more: object) -> Collection:
    return read_ledger(write_xlsx(path / "l.xlsx", rows), kind, **more)  # type: ignore[arg-type]


def bare(record: Record) -> Record:
    return msgspec.structs.replace(record, raw=None)


def rejected(collection: Collection) -> list[tuple[int, str, str, str]]:
    return [(r.row, r.column, r.value, tell(r.expected, "en")) for r in collection.rejections]


def test_every_sentence_has_its_chinese() -> None:
    """Registers are mended by people who read Chinese."""
    folder = Path(inventory.__file__).parent / "locale" / "zh_CN" / "LC_MESSAGES"
    translated: dict[str, str] = {}
    for path in folder.glob("collectors*.po"):
        with path.open("rb") as file:
            translated |= {str(m.id): str(m.string) for m in read_po(file) if m.id}
    sentences = {
        node.args[0].value
        for path in Path(ledger_source.__file__).parent.glob("ledger_*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "msg"
        if isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, str)
    }

    assert sentences
    for sentence in sentences:
        names = set(re.findall(r"{\w+}", sentence))
        assert names == set(re.findall(r"{\w+}", translated.get(sentence, ""))), sentence
        assert translated.get(sentence), sentence


# ── the shape of tables ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_table_with_all_its_furniture(tmp_path: Path) -> None:
    """Title, two header rows, column numbers, section title, repeated header, totals, notes, hidden and blank rows."""
    path = write_xlsx(
        tmp_path / "l.xlsx",
        [
            ["老河口市信息化项目台账（2024年）"],
            ["填报单位：市教育局"],
            ["序号", "项目编号", "项目名称", "试运行", None, "包含系统"],
            [None, None, None, "起", "止", None],
            [1, 2, 3, 4, 5, 6],
            ["一、市直部门"],
            [1, "P-1", "平台一期", date(2024, 3, 5), "2024年4月6日", "S-1、S-2"],
            [],
            ["序号", "项目编号", "项目名称", "试运行", None, "包含系统"],
            [2, "P-2", "平台二期", "-", "无", "/"],
            [3, None, None, None, None, None],
            ["合 计", None, None, None, None, 2],
            ["备注：1.本表一式三份。"],
            ["2.项目编号由中心统一编制。"],
            ["填表人：张三", None, "审核人：李四"],
        ],
        merges=["A1:F1", "D3:E3", "A3:A4", "B3:B4", "C3:C4", "F3:F4", "A13:F13"],
    )
    workbook = openpyxl.load_workbook(path)
    workbook.active.row_dimensions[10].hidden = True
    workbook.save(path)

    collection = read_ledger(path, "projects")

    assert collection.rejections == []
    assert [c.state for c in collection.cells] == [CellState.COMPLETE]
    assert [bare(r) for r in collection.records] == [
        Project(
            source="ledger:l",
            native_id="P-1",
            observed_at=NOON,
            name="平台一期",
            systems=("S-1", "S-2"),
            trial_start_on=date(2024, 3, 5),
            trial_end_on=date(2024, 4, 6),
        ),
        Project(source="ledger:l", native_id="P-2", observed_at=NOON, name="平台二期"),
    ]


def test_a_two_row_header_in_csv_has_no_merges(tmp_path: Path) -> None:
    path = write_csv(
        tmp_path / "l.csv",
        [
            ["项目编号", "项目名称", "试运行", "", "状态"],
            ["", "", "起", "止", ""],
            ["P-1", "平台一期", "2024-03-05", "2024-04-06", "已验收"],
        ],
        encoding="gb18030",
    )

    (record,) = read_ledger(path, "projects").records

    assert isinstance(record, Project)
    assert (record.trial_start_on, record.trial_end_on, record.status) == (
        date(2024, 3, 5),
        date(2024, 4, 6),
        "已验收",
    )


def test_cells_merged_downwards_stand_for_every_row(tmp_path: Path) -> None:
    path = write_xlsx(
        tmp_path / "l.xlsx",
        [["系统编号", "系统名称", "建设单位"], ["S-1", "一", "市教育局"], ["S-2", "二", None], ["S-3", "三", None]],
        merges=["C2:C3"],
    )

    assert [r.department for r in read_ledger(path, "systems").records] == ["市教育局", "市教育局", None]


def test_one_merged_project_over_several_systems_is_one_project(tmp_path: Path) -> None:
    path = write_xlsx(
        tmp_path / "l.xlsx",
        [["项目编号", "项目名称", "包含系统"], ["P-1", "平台", "S-1"], [None, None, "S-2"], ["P-2", "其他", "S-3"]],
        merges=["A2:A3", "B2:B3"],
    )

    collection = read_ledger(path, "projects")

    assert [(r.native_id, r.systems) for r in collection.records] == [("P-1", ("S-1", "S-2")), ("P-2", ("S-3",))]


def test_each_sheet_is_a_cell_and_sheets_of_other_things_are_none(tmp_path: Path) -> None:
    header = ["项目编号", "项目名称"]
    path = write_xlsx(
        tmp_path / "l.xlsx",
        [header, ["P-1", "一"]],
        sheet="2023年",
        **{"2024年": [header, ["P-2", "二"]], "说明": [["本表由中心编制"]]},
    )

    collection = read_ledger(path, "projects")

    assert [c.cell.scope for c in collection.cells] == ["2023年", "2024年"]
    assert [r.native_id for r in read_ledger(path, "projects", sheet="2024年").records] == ["P-2"]


def test_the_same_row_on_two_sheets_is_said_once(tmp_path: Path) -> None:
    header = ["项目编号", "项目名称"]
    path = write_xlsx(
        tmp_path / "l.xlsx",
        [header, ["P-1", "一"]],
        sheet="2023年",
        **{"2024年": [header, ["P-1", "一"], ["P-1", "另一个"]]},
    )

    collection = read_ledger(path, "projects")

    assert len(collection.records) == 1
    assert rejected(collection) == [
        (3, "项目编号 (A)", "P-1", "each code once; an earlier row has this one with other content")
    ]
    assert [c.state for c in collection.cells] == [CellState.COMPLETE, CellState.PARTIAL]


def test_a_ledger_reads_the_same_twice(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "l.xlsx", [SYSTEMS, ["S-1", "一"], ["S-2", "二", None, None, "是"]])
    (collector,) = ledger_collectors(
        Ledger(name="l", kind="systems", path="l.xlsx"), base=path.parent, clock=lambda: NOON
    )
    (cell,) = collector.plan()

    assert list(collector.read(cell)) == list(collector.read(cell))


# ── headers ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_config_names_headers_that_nobody_would_recognise(tmp_path: Path) -> None:
    rows = [["内部流水", "项目\n简称", "系统编号"], ["P-1", "平台", "S-1"]]

    (record,) = read(tmp_path, "projects", rows, columns={"code": "内部流水", "name": "项目简称"}).records

    assert (record.native_id, record.name, record.systems) == ("P-1", "平台", ("S-1",))


def test_the_config_wins_over_recognition(tmp_path: Path) -> None:
    rows = [["项目编号", "新编号", "项目名称"], ["OLD-1", "P-1", "平台"]]

    (record,) = read(tmp_path, "projects", rows, columns={"code": "新编号"}).records

    assert record.native_id == "P-1"


def test_a_code_outranks_a_name_where_both_are_there(tmp_path: Path) -> None:
    rows = [["备案证明编号", "系统名称", "系统编号"], ["42060012345-00001", "平台", "S-1"]]

    (record,) = read(tmp_path, "mlps_filings", rows).records

    assert record.system == "S-1"


@pytest.mark.parametrize(
    ("rows", "more", "sentence"),
    [
        (
            [["名字", "年龄"], ["x", 1]],
            {},
            "l.xlsx: no sheet has the header of a projects ledger; expected a row with 项目编号、项目名称, or a",
        ),
        (
            [["项目名称", "建设单位", "中标日期", "状态"], ["平台", "市教育局"]],
            {},
            "l.xlsx: 台账: the header in row 1 lacks the column 项目编号 (code); expected it, or a line in",
        ),
        (
            [["项目编号", "项目名称", "项目编号"], ["P-1", "平台", "P-2"]],
            {},
            "l.xlsx: 台账: the columns A, C (项目编号、项目编号) could all be 项目编号; expected one, or",
        ),
        (
            [["项目编号", "项目名称", "验收日期", "终验时间"], ["P-1", "平台"]],
            {},
            "l.xlsx: 台账: the columns D, C (终验时间、验收日期) could all be 终验日期; expected one, or",
        ),
        (
            [["项目编号", "项目名称"], ["P-1", "平台"]],
            {"columns": {"kode": "项目编号"}},
            "l.xlsx: 台账: columns.kode: a projects ledger has no such field; expected one of code, name, ",
        ),
        (
            [["项目编号", "项目名称"], ["P-1", "平台"]],
            {"columns": {"status": "进度"}},
            "l.xlsx: 台账: columns.status: no column is headed 进度; found 项目编号、项目名称",
        ),
        (
            [["项目编号", "项目名称"], ["P-1", "平台"]],
            {"sheet": "2025年"},
            "l.xlsx: there is no sheet 2025年; expected one of 台账",
        ),
        ([], {}, "l.xlsx: no sheet has the header of a projects ledger"),
    ],
)
def test_a_header_that_cannot_be_used_is_one_sentence(
    tmp_path: Path, rows: Rows, more: dict[str, object], sentence: str
) -> None:
    """Before anything is scanned: the lead of the command turns it into exit code 2."""
    path = write_xlsx(tmp_path / "l.xlsx", rows)

    with pytest.raises(LedgerError) as caught:
        ledger_collectors(
            Ledger(name="l", kind="projects", path=str(path), **more),  # type: ignore[arg-type]
            base=tmp_path,
            clock=lambda: NOON,
        )

    assert str(caught.value).startswith(sentence)


# ── bad cells ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_all_bad_cells_are_told_in_one_pass_and_good_rows_are_used(tmp_path: Path) -> None:
    collection = read(
        tmp_path,
        "projects",
        [
            ["项目编号", "项目名称", "统一社会信用代码", "中标日期", "是否新增固定资产", "包含系统"],
            ["P-1", "一", "11420682011158671F", "2024-03", "也许", "S-1、S-2"],
            ["P-2", "二", "11420682011158671E", "2024-03-05", "是", "S-3"],
            [None, "三", None, None, None, None],
            ["P-4", None, None, None, None, None],
            [4206001234500001, "五", None, None, None, None],
        ],
    )

    assert [r.native_id for r in collection.records] == ["P-2"]
    assert rejected(collection) == [
        (
            2,
            "统一社会信用代码 (C)",
            "11420682011158671F",
            "a unified social credit code of 18 characters whose check character is right, as text",
        ),
        (2, "中标日期 (D)", "2024-03", "a date with year, month and day, such as 2024-03-05"),
        (2, "是否新增固定资产 (E)", "也许", "是 or 否"),
        (4, "项目编号 (A)", "", "a value; the row cannot be used without it"),
        (5, "项目名称 (B)", "", "a value; the row cannot be used without it"),
        (
            6,
            "项目编号 (A)",
            "4206001234500001",
            "an identifier stored as text: a spreadsheet keeps only 15 digits of a number",
        ),
    ]
    (cell,) = collection.cells
    assert (cell.state, cell.seen) == (CellState.PARTIAL, 1)


def test_a_rejection_names_what_the_row_speaks_of(tmp_path: Path) -> None:
    """What is said of these is unknown: the row might have said it."""
    collection = read(
        tmp_path, "projects", [["项目编号", "项目名称", "包含系统", "中标日期"], ["P-1", "平台", "S-1、S-2", "将来"]]
    )

    assert [r.touches for r in collection.rejections] == [("P-1", "平台", "S-1", "S-2")]
    assert collection.rejections[0].file == "l.xlsx"
    assert collection.rejections[0].sheet == "台账"


def test_a_numeric_filing_number_is_seen_and_not_believed(tmp_path: Path) -> None:
    collection = read(
        tmp_path, "mlps_filings", [["定级对象名称", "备案证明编号", "安全保护等级"], ["S-1", 4206001234500001, "三级"]]
    )

    (record,) = collection.records
    assert isinstance(record, MlpsFiling)
    assert (record.number, record.number_unreliable, record.level) == ("4206001234500001", True, 3)
    assert rejected(collection) == [
        (
            2,
            "备案证明编号 (B)",
            "4206001234500001",
            "an identifier stored as text: a spreadsheet keeps only 15 digits of a number",
        )
    ]
    assert collection.cells[0].state is CellState.PARTIAL


def test_what_a_spreadsheet_makes_of_a_number_in_csv_is_not_believed(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "l.csv", [["系统名称", "备案证明编号"], ["S-1", "4.20600E+15"]])

    (record,) = read_ledger(path, "mlps_filings").records

    assert isinstance(record, MlpsFiling)
    assert record.number_unreliable


def test_a_coarse_date_keeps_the_row_without_the_date(tmp_path: Path) -> None:
    collection = read(tmp_path, "systems", [SYSTEMS, ["S-1", "一", "市教育局", "2015年", "否"]])

    (record,) = collection.records
    assert isinstance(record, System)
    assert record.built_on is None
    assert [r.touches for r in collection.rejections] == [("S-1", "一")]


def test_formulas_that_were_never_calculated_are_rejected(tmp_path: Path) -> None:
    collection = read(tmp_path, "projects", [["项目编号", "项目名称", "中标日期"], ["P-1", "一", "=DATE(2024,3,5)"]])

    assert rejected(collection) == [
        (2, "中标日期 (C)", "=…", "a value; this formula was never calculated, so open and save the file once")
    ]


def test_a_long_or_hostile_value_is_cut_and_disarmed(tmp_path: Path) -> None:
    path = tmp_path / "l.csv"
    path.write_text(f"项目编号,项目名称,中标日期\nP-1,evil\x1b[2J,2024-03-05\nP-2,二,{'9' * 500}\n", encoding="utf-8")

    collection = read_ledger(path, "projects")

    assert [(r.value[:12], len(r.value) <= 80) for r in collection.rejections] == [
        ("evil�[2J", True),
        ("999999999999", True),
    ]
    assert collection.records == []


# ── classified rows ──────────────────────────────────────────────────────────────────────────────────────────────────


def _everything(collection: Collection) -> str:
    parts = [msgspec.json.encode(x) for x in (*collection.records, *collection.rejections, *collection.cells)]
    return b"\n".join([*parts, *collection.raws.values()]).decode()


def test_nothing_of_a_classified_row_is_kept(tmp_path: Path) -> None:
    """Art. 28: that it is there may be counted; code, name, host, address and department of it may not be written."""
    guard = Guard()
    collection = read(
        tmp_path,
        "systems",
        [
            ["系统编号", "系统名称", "建设单位", "主机", "云租户", "建成时间", "是否涉密"],
            ["S-1", "教育平台", "市教育局", "10.1.1.1", "edu", None, "否"],
            ["S-SECRET", "机要平台", "市机要局", "10.9.9.9、jy-db-01", "jy-prod", "bad date", "是"],
        ],
        guard=guard,
    )

    assert [type(r) for r in collection.records] == [ClassifiedPlaceholder, System]
    assert collection.records[0] == ClassifiedPlaceholder(
        source="ledger:l", native_id="涉密-1", observed_at=NOON, what="system"
    )
    text = _everything(collection)
    for secret in ("S-SECRET", "机要", "10.9.9.9", "jy-", "bad date"):
        assert secret not in text
    for word in ("S-SECRET", "机要平台", "10.9.9.9", "jy-db-01", "JY-DB-01.gov.cn", "jy-prod"):
        assert guard.forbids(word)
    assert not guard.forbids("市机要局")
    assert collection.rejections == []


def test_a_row_that_may_be_classified_is_told_without_its_values(tmp_path: Path) -> None:
    """Whoever wrote 待定 has not said that it may be shown."""
    guard = Guard()
    collection = read(tmp_path, "systems", [SYSTEMS, ["S-1", "某平台", "某局", None, "待定"]], guard=guard)

    assert rejected(collection) == [
        (2, "是否涉密 (E)", "", "是 or 否; until it says which, nothing of the row is kept, scanned or shown")
    ]
    assert collection.rejections[0].touches == ()
    assert collection.records == []
    assert "某" not in _everything(collection)
    assert guard.forbids("S-1")


def test_an_empty_mark_says_nothing_of_classification(tmp_path: Path) -> None:
    """Registers mark what is classified and leave the rest empty."""
    collection = read(tmp_path, "systems", [SYSTEMS, ["S-1", "某平台", "某局", None, None]])

    assert [r.native_id for r in collection.records] == ["S-1"]
    assert collection.rejections == []


def test_what_other_ledgers_say_of_a_classified_system_is_dropped(tmp_path: Path) -> None:
    guard = Guard()
    read(tmp_path, "systems", [SYSTEMS, ["S-9", "机要平台", None, None, "是"]], guard=guard)

    collection = read(
        tmp_path, "mlps_filings", [["系统名称", "备案证明编号"], ["机要平台", "42060012345-00009"]], guard=guard
    )

    assert [type(r) for r in collection.records] == [ClassifiedTrace]
    assert collection.raws == {}


# ── what rows become ─────────────────────────────────────────────────────────────────────────────────────────────────


def one(path: Path, kind: LedgerKind, rows: Rows, **more: object) -> Record:
    collection = read(path, kind, rows, **more)
    assert collection.rejections == []
    (record,) = collection.records
    return bare(record)


def test_a_department(tmp_path: Path) -> None:
    rows = [["单位名称", "统一社会信用代码", "简称"], ["老河口市教育局", "11420682011158671e", "教育局、市教体局"]]

    assert one(tmp_path, "departments", rows) == Department(
        source="ledger:l",
        native_id="11420682011158671E",
        observed_at=NOON,
        name="老河口市教育局",
        code="11420682011158671E",
        other_names=("教育局", "市教体局"),
    )


def test_a_unit_that_was_renamed_stands_in_two_rows_with_one_code(tmp_path: Path) -> None:
    rows = [
        ["单位名称", "统一社会信用代码", "名称启用日期", "名称停用日期", "曾用名"],
        ["市数据局", "11420682011158671E", "2024-03", None, "市信息办（2005-01至2015年12月31日）、信息办"],
        ["市大数据局", "11420682011158671E", date(2019, 3, 1), "2024年2月", None],
    ]

    collection = read(tmp_path, "departments", rows)

    assert collection.rejections == []
    former, present = sorted((r for r in collection.records if isinstance(r, Department)), key=lambda r: r.name)
    assert (former.native_id, former.valid_from, former.valid_to) == (
        "11420682011158671E#市大数据局",
        date(2019, 3, 1),
        date(2024, 2, 29),
    )
    assert (present.native_id, present.valid_from) == ("11420682011158671E", date(2024, 3, 1))
    assert present.dated_names == (
        DatedName(name="市信息办", valid_from=date(2005, 1, 1), valid_to=date(2015, 12, 31)),
        DatedName(name="信息办"),
    )


def test_a_project(tmp_path: Path) -> None:
    rows = [
        ["项目编号", "项目名称", "项目类别", "资金来源", "中标日期", "云租户", "联系人"],
        ["P-1", "平台", "升级改造", "财政性资金", "2024.3.5", "edu-prod", "张三 13800000000"],
    ]

    collection = read(tmp_path, "projects", rows)

    assert bare(collection.records[0]) == Project(
        source="ledger:l",
        native_id="P-1",
        observed_at=NOON,
        name="平台",
        project_kind=ProjectKind.UPGRADE,
        funding=Funding.GOVERNMENT,
        awarded_on=date(2024, 3, 5),
        tenants=("edu-prod",),
    )
    assert "13800000000" not in _everything(collection)


def test_the_raw_document_is_the_row_where_it_stands(tmp_path: Path) -> None:
    collection = read(tmp_path, "projects", [["标题"], ["项目编号", "项目名称"], ["P-1", "平台"]])

    (raw,) = collection.raws.values()

    document = msgspec.json.decode(raw)
    assert len(document.pop("sha256")) == 64
    assert document == {
        "file": "l.xlsx",
        "sheet": "台账",
        "row": 3,
        "cells": {"项目编号 (A)": "P-1", "项目名称 (B)": "平台"},
    }


def test_an_assessment(tmp_path: Path) -> None:
    rows = [
        ["系统编号", "测评报告编号", "备案证明编号", "测评报告日期", "测评结论", "得分/符合率", "重大风险隐患"],
        [
            "S-1",
            "42060012345-00001-25-4201-01",
            "42060012345-00001",
            "2025年6月1日",
            "基本符合",
            "85.5%",
            "10(5个已整改)",
        ],
    ]

    assert one(tmp_path, "mlps_assessments", rows) == MlpsAssessment(
        source="ledger:l",
        native_id="42060012345-00001-25-4201-01",
        observed_at=NOON,
        report_number="42060012345-00001-25-4201-01",
        filing_number="42060012345-00001",
        system="S-1",
        reported_on=date(2025, 6, 1),
        conclusion="基本符合",
        score=85.5,
        major_risks=10,
        major_risks_rectified=5,
    )


def test_a_filing_number_that_two_systems_use_is_kept_twice(tmp_path: Path) -> None:
    """The register repeats the cloud's number for many systems: that must be seen."""
    rows = [["系统编号", "备案证明编号"], ["S-1", "42060012345-00001"], ["S-2", "42060012345-00001"]]

    collection = read(tmp_path, "mlps_filings", rows)

    assert [r.system for r in collection.records] == ["S-1", "S-2"]
    assert collection.rejections == []


def test_ids_of_filings_stay_when_rows_move(tmp_path: Path) -> None:
    first = read(tmp_path, "mlps_filings", [["系统编号", "备案证明编号"], ["S-1", "42060012345-00001"]])
    later = read(tmp_path, "mlps_filings", [["系统编号", "备案证明编号"], ["S-0", "-"], ["S-1", "42060012345-00001"]])

    assert first.records[0].key == later.records[1].key


def test_a_catalogue_entry_has_a_provider_and_consumers(tmp_path: Path) -> None:
    rows = [
        ["共享目录编号", "目录名称", "系统编号", "供需方向", "共享属性", "挂接资源编号"],
        ["306001/000012", "学籍", "S-1", "提供", "有条件共享", "api-1"],
        ["306001/000012", "学籍", "S-2", "使用", None, "api-1"],
        ["306001/000012", "学籍", "S-1", "提供", "有条件共享", "api-2"],
    ]

    collection = read(tmp_path, "sharing_entries", rows)

    assert collection.rejections == []
    entries = [r for r in collection.records if isinstance(r, SharingEntry)]
    assert [(e.native_id, e.code, e.direction, e.system, e.sharing_type) for e in entries] == [
        ("306001/000012", "306001/000012", "provide", "S-1", SharingType.CONDITIONAL),
        ("306001/000012#api-2", "306001/000012", "provide", "S-1", SharingType.CONDITIONAL),
        ("306001/000012@S-2", "306001/000012", "consume", "S-2", None),
    ]


def test_calls_of_a_month(tmp_path: Path) -> None:
    rows = [
        ["资源编号", "使用系统", "统计起", "统计止", "成功次数", "失败次数"],
        ["api-1", "S-2", "2026-10", "2026-10", "1,200", 3],
    ]

    assert one(tmp_path, "sharing_uses", rows) == SharingUse(
        source="ledger:l",
        native_id="api-1|S-2|2026-10-01|2026-10-31",
        observed_at=NOON,
        resource_id="api-1",
        consumer_system="S-2",
        period_start=date(2026, 10, 1),
        period_end=date(2026, 10, 31),
        succeeded=1200,
        failed=3,
    )


def test_a_contract_with_a_third_party(tmp_path: Path) -> None:
    rows = [
        ["合同编号", "服务商", "合同截止日期", "IP范围", "区域", "账号"],
        ["HT-1", "某云", "2026年12月", "10.200.0.0/24，10.200.1.10-10.200.1.11", "外网", "a-1、a-2"],
    ]

    assert one(tmp_path, "third_party", rows) == ThirdPartyResource(
        source="ledger:l",
        native_id="HT-1",
        observed_at=NOON,
        provider="某云",
        valid_to=date(2026, 12, 31),
        ranges=("10.200.0.0/24", "10.200.1.10/31"),
        zone="外网",
        accounts=("a-1", "a-2"),
    )


def test_a_plan_of_segments(tmp_path: Path) -> None:
    rows = [
        ["网段CIDR", "区域", "VRF", "VLAN", "归属单位", "是否政务云"],
        ["１０．１．１．５／２４、10.1.2.0/24", "专网区", "edu", 101, "市教育局", "否"],
        ["10.1.1.0/24", None, None, None, "市住建局", "是"],
    ]

    collection = read(tmp_path, "segments", rows, zone="外网区")

    assert collection.rejections == []
    segments = [r for r in collection.records if isinstance(r, Segment)]
    assert [(s.cidr, s.domain, s.zone, s.vlan, s.department, s.is_cloud) for s in segments] == [
        ("10.1.1.0/24", "专网区/edu", "专网区", "101", "市教育局", False),
        ("10.1.2.0/24", "专网区/edu", "专网区", "101", "市教育局", False),
        ("10.1.1.0/24", "外网区", "外网区", None, "市住建局", True),
    ]


def test_a_network_promised_twice_is_kept_twice(tmp_path: Path) -> None:
    rows = [["网段", "区域", "归属单位"], ["10.1.1.0/24", "A", "教育局"], ["10.1.1.0/24", "A", "住建局"]]

    collection = read(tmp_path, "segments", rows)

    assert [r.native_id for r in collection.records] == ["A|10.1.1.0/24", "A|10.1.1.0/24#2"]


def test_the_list_of_a_cloud_is_its_control_planes_word(tmp_path: Path) -> None:
    path = write_xlsx(
        tmp_path / "l.xlsx",
        [
            ["云主机名称", "实例ID", "内网IP", "MAC地址", "云租户", "CPU(核)", "内存(GB)", "root密码"],
            ["web-01", "I-ABC", "10.1.1.10", "FA-16-3E-00-00-01", "Edu-Prod", "8核", 16, "hunter2"],
        ],
    )
    ledger = Ledger(name="l", kind="inventory", path=str(path), control_plane=True, zone="外网")
    (collector,) = ledger_collectors(ledger, base=tmp_path, clock=lambda: NOON)

    collection = read_ledger(path, "inventory", control_plane=True, zone="外网")

    assert collector.info.is_platform
    assert [bare(r) for r in collection.records] == [
        HostSighting(
            source="ledger:l",
            native_id="i-abc",
            observed_at=NOON,
            view=View.LISTED,
            name="web-01",
            uuid="i-abc",
            tenant="edu-prod",
            zone="外网",
            nics=(Nic(mac="fa:16:3e:00:00:01", addresses=("10.1.1.10",)),),
            vcpus=8,
            memory_bytes=16 * 1024**3,
        ),
        Tenant(source="ledger:l", native_id="edu-prod", observed_at=NOON, name="Edu-Prod"),
    ]
    assert "hunter2" not in _everything(collection)


def test_an_asset_card(tmp_path: Path) -> None:
    rows = [
        ["资产编号", "设备名称", "设备类型", "取得日期", "使用单位", "IP地址", "序列号", "品牌", "是否中心基础设施"],
        ["ZC-1", "前置机一", "前置机", "2024年6月1日", "市人社局", "10.2.0.5、10.2.0.6", "SN1", "浪潮", "否"],
    ]

    assert one(tmp_path, "assets", rows, zone="专网") == HostSighting(
        source="ledger:l",
        native_id="ZC-1",
        observed_at=NOON,
        view=View.ASSET,
        name="前置机一",
        asset_number="ZC-1",
        is_appliance=True,
        is_centre_infrastructure=False,
        commissioned_on=date(2024, 6, 1),
        department="市人社局",
        serial="SN1",
        vendor="浪潮",
        zone="专网",
        nics=(Nic(addresses=("10.2.0.5",)), Nic(addresses=("10.2.0.6",))),
    )


def test_a_declaration_of_ownership(tmp_path: Path) -> None:
    rows = [["资源", "区域", "归属系统", "备注"], ["10.1.1.10", "专网", "S-1、S-2", "来函确认"]]

    assert one(tmp_path, "ownership", rows) == OwnershipDeclaration(
        source="ledger:l",
        native_id="专网|10.1.1.10",
        observed_at=NOON,
        target="10.1.1.10",
        zone="专网",
        systems=("S-1", "S-2"),
        note="来函确认",
    )


# ── columns on which only figures rest ────────────────────────────────────────────────────────────────────────────────

CRYPTO = [
    *("系统名称", "测评报告编号", "测评报告日期", "测评结论", "重大风险隐患(数量/已整改)", "整改完成日期"),
    *("密评结论", "密评报告日期"),
]


def protection(tmp_path: Path, *row: object, head: Sequence[str] = CRYPTO) -> Collection:
    return read_ledger(write_xlsx(tmp_path / "a.xlsx", [list(head), list(row)]), "mlps_assessments")


def of_kind(taken: Collection, kind: str) -> list[Any]:
    return [r for r in taken.records if r.kind == kind]


def test_one_row_tells_of_protection_and_of_cryptography(tmp_path: Path) -> None:
    """密评 is a thing of its own: it makes no assessment of classified protection, and that makes none of it."""
    row = ("一号平台", "R-1", date(2026, 5, 1), "基本符合", "10(5个已整改)", "2026年6月1日", "基本符合", "2026.4.1")

    taken = protection(tmp_path, *row)

    (report,), (crypto,) = of_kind(taken, "mlps_assessment"), of_kind(taken, "crypto_assessment")
    assert (report.major_risks, report.major_risks_rectified, report.rectified_on) == (10, 5, date(2026, 6, 1))
    assert (report.reported_on, report.details) == (date(2026, 5, 1), ())
    assert (crypto.system, crypto.conclusion, crypto.reported_on) == ("一号平台", "基本符合", date(2026, 4, 1))


def test_a_system_that_was_only_assessed_on_cryptography_has_no_other_report(tmp_path: Path) -> None:
    taken = protection(tmp_path, "一号平台", None, None, None, None, None, "符合", date(2026, 4, 1))
    alone = protection(tmp_path, "一号平台", "符合", date(2026, 4, 1), head=["系统名称", "密评结论", "密评报告日期"])

    for each in (taken, alone):
        assert [r.kind for r in each.records] == ["crypto_assessment"]


def test_a_day_of_rectification_that_is_none_costs_nothing(tmp_path: Path) -> None:
    """No verdict rests on it: the row stands, nothing is rejected, and the cell is shown as it is."""
    taken = protection(tmp_path, "一号平台", "R-1", date(2026, 5, 1), "符合", 3, "整改中", "未做", "下季度")

    assert taken.rejections == []
    (report,), (crypto,) = of_kind(taken, "mlps_assessment"), of_kind(taken, "crypto_assessment")
    assert (report.rectified_on, report.major_risks) == (None, 3)
    assert report.details == (("密评报告日期", "下季度"), ("整改完成日期", "整改中"))
    assert (crypto.conclusion, crypto.reported_on) == ("未做", None)


def test_a_ledger_says_when_its_file_was_written(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "a.xlsx", [CRYPTO, ["一号平台", "R-1"]])
    os.utime(path, (1_790_000_000, 1_790_000_000.9))

    (source,) = read_ledger(path, "mlps_assessments").sources

    assert source.modified_at == datetime.fromtimestamp(1_790_000_000, UTC)


# ── columns that no check reads ──────────────────────────────────────────────────────────────────────────────────────

HEADERS = {
    "migrations": (
        "序号 责任单位 系统名称 简称 建成时间 系统类型 涉密(是/否) 等保级别 用户范围 现部署位置(机房/云/托管) "
        "物理机/虚机数量 OS/数据库/中间件 存储量 网络区域 对接系统 上云可行性(可迁/改造后迁/不宜迁+依据) "
        "迁移方式(重部署/整机/容器化) 目标云资源 计划开始 计划割接 实际割接 并行期 原服务器处置(下线/移交/报废) "
        "状态 责任人 备注"
    ),
    "mlps_filings": (
        "序号 定级对象(系统)名称 备案单位 统一社会信用代码 安全保护等级(SxAxGx) 备案证明编号 备案日期 "
        "备案公安机关 备案模板版本 证明有效期至 是否云租户 所在云平台及其备案号 测评机构 测评机构证书号 "
        "测评报告编号 测评报告日期 测评结论 得分/符合率 重大风险隐患(数量/已整改) 整改完成日期 下次测评日期 "
        "密评结论 密评报告日期 密评备案 责任人"
    ),
    "segments": (
        "网段CIDR 区域(互联网区/政务外网区/专网区/管理网/存储网) VRF/VPN VLAN 用途 归属单位 是否政务云 "
        "云租户/VPC 网关 机房 备注"
    ),
    "projects": (
        "项目编号(内部) 项目名称 建设单位 统一社会信用代码 "
        "项目类别(新建/改建/扩建/升级/运维/购买服务/设计咨询/测评) 资金来源 是否新增固定资产 投资项目代码 "
        "立项批文号 预算/合同金额(万元) 中标日期 监理申请日期 合同编号/签订日期 承建单位 监理单位 包含系统 "
        "是否平台类 是否含数据采集 是否涉密 初验日期 试运行起/止 终验日期 验收结论 投入运行日期 "
        "自评价报告日期 部署位置 云租户 共享目录编号 等保编号 状态 联系人"
    ),
    "sharing_entries": (
        "信息资源分类 目录名称 目录代码 提供方 提供方代码 摘要 资源格式 信息项(名称/类型) 共享类型 共享条件 "
        "开放属性 更新周期 发布日期 关联资源代码"
    ),
}


@pytest.mark.parametrize("kind", [*HEADERS, "mlps_assessments"])
def test_every_header_of_the_ledgers_in_the_field_is_known(tmp_path: Path, kind: LedgerKind) -> None:
    """A header that is known and not wanted is told apart from one that nobody thought of."""
    header = HEADERS["mlps_filings" if kind == "mlps_assessments" else kind].split()
    write_xlsx(tmp_path / "l.xlsx", [[*header, "天知道"]])
    (collector,) = ledger_collectors(Ledger(name="l", kind=kind, path="l.xlsx"), base=tmp_path, clock=lambda: NOON)
    assert isinstance(collector, LedgerCollector)
    (table,) = collector.tables

    unknown = [h for h in table.header.others if not collector.form.reads_past(h.rpartition(" (")[0])]

    assert [h.partition(" ")[0] for h in unknown] == ["天知道"]


def test_what_no_check_reads_is_kept_in_the_tables_words_and_costs_nothing(tmp_path: Path) -> None:
    rows = [
        ["项目编号", "项目名称", "承建单位", "合同金额(万元)", "联系人", "监理单位"],
        ["P-1", "平台", "某公司\n（牵头）", 298.5, "张三 13800000000", "=A1"],
    ]

    collection = read(tmp_path, "projects", rows)

    (record,) = collection.records
    assert isinstance(record, Project)
    assert record.details == (("合同金额(万元)", "298.5"), ("承建单位", "某公司 （牵头）"), ("监理单位", "=…"))
    assert collection.rejections == []
    assert "13800000000" not in _everything(collection)


def test_one_table_may_be_both_ledgers_and_a_filing_without_a_report_is_no_report(tmp_path: Path) -> None:
    rows = [
        ["系统编号", "备案证明编号", "测评报告编号", "测评报告日期", "测评结论", "测评机构"],
        ["S-1", "42060012345-00001", "42060012345-00001-25-4201-01", "2025年6月1日", "符合", "某测评"],
        ["S-2", "42060012345-00002", "-", None, "/", "某测评"],
    ]
    path = write_xlsx(tmp_path / "l.xlsx", rows)

    filings, reports = read_ledger(path, "mlps_filings"), read_ledger(path, "mlps_assessments")

    assert [r.system for r in filings.records if isinstance(r, MlpsFiling)] == ["S-1", "S-2"]
    assert [r.system for r in reports.records if isinstance(r, MlpsAssessment)] == ["S-1"]
    assert [c.state for c in (*filings.cells, *reports.cells)] == [CellState.COMPLETE] * 2


def test_a_table_that_names_systems_and_no_reports_says_nothing_of_reports(tmp_path: Path) -> None:
    """Without a column for them their absence proves nothing: the record stays, and its report is asked for."""
    rows = [["系统编号", "备案证明编号"], ["S-1", "42060012345-00001"]]

    (record,) = read(tmp_path, "mlps_assessments", rows).records

    assert isinstance(record, MlpsAssessment)
    assert record.reported_on is None


# ── what a lost row leaves open ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("header", "row"),
    [
        (["系统编号", "备案证明编号", "备案日期"], ["=A1", "42060012345-00001", "2024-03-05"]),
        (["系统编号", "备案证明编号", "备案日期"], [None, "=A1", "2024-03-05"]),
        (["备案日期", "系统编号", "备案证明编号"], ["某天", None, None]),
    ],
)
def test_a_rejected_row_of_nobody_in_particular_may_be_anybodys(
    tmp_path: Path, header: list[str], row: list[object]
) -> None:
    """Whose filing it was cannot be told: that no other row tells of one proves nothing of any system."""
    collection = read(tmp_path, "mlps_filings", [header, row])
    coverage = Coverage(collection.sources, collection.cells, collection.rejections)

    assert collection.rejections
    assert all(r.touches == () for r in collection.rejections)
    assert [r.id for r in absence_gaps(coverage, "mlps_filing")] != []


def test_a_rejected_row_that_says_whose_it_is_leaves_the_others_alone(tmp_path: Path) -> None:
    rows = [["系统编号", "备案证明编号", "备案日期"], ["S-1", "42060012345-00001", "某天"]]
    collection = read(tmp_path, "mlps_filings", rows)
    coverage = Coverage(collection.sources, collection.cells, collection.rejections)

    assert [r.touches for r in collection.rejections] == [("S-1", "42060012345-00001")]
    assert absence_gaps(coverage, "mlps_filing") == ()


def migrated(tmp_path: Path, *rows: list[object]) -> Inventory:
    """The register of systems together with a migration ledger."""
    register = [["系统编号", "系统名称", "建设单位"], ["S-1", "一号平台", "市教育局"], ["S-2", "二号平台", None]]
    head = ["系统名称", "责任单位", "实际割接", "原服务器处置", "状态", "迁移方式"]
    systems = read_ledger(write_xlsx(tmp_path / "s.xlsx", register), "systems")
    ledger = read_ledger(write_xlsx(tmp_path / "m.xlsx", [head, *rows]), "migrations")
    both = Collection(
        taken_at=NOON,
        sources=[*systems.sources, *ledger.sources],
        records=[*systems.records, *ledger.records],
        cells=[*systems.cells, *ledger.cells],
        rejections=[*systems.rejections, *ledger.rejections],
    )
    return build(both, ScanOptions(city="某市"), as_of=NOON)


def test_the_migration_ledger_tells_of_the_registers_systems(tmp_path: Path) -> None:
    """It names them as people do; what the register says itself stands."""
    rows = (
        ["一号平台", "市教委", date(2026, 6, 1), "下线", "已上云", "整机"],
        ["S-2", "市卫健局", None, "-", "迁移中", None],
    )

    found = migrated(tmp_path, *rows)

    first, second = found.system("S-1"), found.system("S-2")
    assert first is not None
    assert second is not None
    assert (first.department, first.migrated_on, first.old_server_disposal, first.is_said_migrated) == (
        "市教育局",
        date(2026, 6, 1),
        "下线",
        True,
    )
    assert first.details == (("迁移方式", "整机"),)
    assert (second.department, second.migrated_on, second.is_said_migrated) == ("市卫健局", None, False)


def test_a_migration_of_no_registered_system_is_told_and_two_that_disagree_say_nothing(tmp_path: Path) -> None:
    rows = (["三号平台", None, date(2026, 6, 1)], ["S-1", None, date(2026, 6, 1)], ["一号平台", None, date(2026, 7, 1)])

    found = migrated(tmp_path, *rows)

    assert found.unresolved_references == (("system_name", "三号平台", "ledger:l|migration|三号平台"),)
    first = found.system("S-1")
    assert first is not None
    assert first.migrated_on is None
