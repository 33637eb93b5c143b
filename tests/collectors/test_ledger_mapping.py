"""The mapping file: a table that nobody would recognise is read, and what is wrong with the file is one sentence."""

from datetime import date
from pathlib import Path

import pytest
from ledgers import NOON, Rows, read_ledger, write_csv, write_xlsx

from collectors.ledger_source import ledger_collectors
from collectors.ledger_table import LedgerError
from inventory.collection import Collection
from inventory.coverage import CellState
from inventory.ledger_mapping import load_mapping
from inventory.records import Funding, Project, System
from inventory.settings import ConfigError, Ledger, load
from inventory.text import tell

ROWS: Rows = [
    ["某市信息化建设情况", None, None, None, None],
    ["流水", "事项", "", "阶段", "钱从哪来"],
    ["P-1", "平台一期", "2024-03-05", "收尾", "局里"],
    ["P-2", "平台二期", "2025-03-05", "在用", "企业"],
]
TOML = """
version = 1
kind = "projects"
sheets = ["汇总"]
header_rows = [2]
ignored = ["备注"]

[columns]
code = "流水"
name = "事项"
awarded_on = { letter = "C" }
status = "阶段"
funding = "钱从哪来"

[constants]
level = "市本级"

[values.status]
"在用" = "已验收"
"收尾" = ""

[values.funding]
"局里" = "政府投资"
"企 业" = "非财政性资金"
"""
YAML = """
version: 1
sheets: [汇总]
header_rows: [2]
columns: {code: 流水, name: 事项, awarded_on: {letter: C}, status: 阶段, funding: 钱从哪来}
constants: {level: 市本级}
values:
  status: {在用: 已验收, 收尾: ""}
  funding: {局里: 政府投资, 企业: 非财政性资金}
"""


def read(folder: Path, rows: Rows, mapping: str, *, name: str = "map.toml", **more: object) -> Collection:
    (folder / name).write_text(mapping, encoding="utf-8")
    path = write_xlsx(folder / "l.xlsx", rows, sheet="汇总", 说明=[["流水号由中心统一编制"]])
    return read_ledger(path, "projects", mapping=name, **more)


@pytest.mark.parametrize(("name", "text"), [("map.toml", TOML), ("map.yaml", YAML)])
def test_a_table_that_nobody_would_recognise_is_read_by_its_mapping(tmp_path: Path, name: str, text: str) -> None:
    """Sheet, header row, a column without a header, a constant and words of the office's own."""
    collection = read(tmp_path, ROWS, text, name=name)

    assert collection.rejections == []
    assert [c.state for c in collection.cells] == [CellState.COMPLETE]
    projects = [r for r in collection.records if isinstance(r, Project)]
    assert [(p.native_id, p.awarded_on, p.status, p.funding, p.level) for p in projects] == [
        ("P-1", date(2024, 3, 5), None, Funding.GOVERNMENT, "city"),
        ("P-2", date(2025, 3, 5), "已验收", Funding.NON_FISCAL, "city"),
    ]


def test_without_its_mapping_the_same_table_is_refused(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "l.xlsx", ROWS)

    with pytest.raises(LedgerError, match="no sheet has the header of a projects ledger"):
        read_ledger(path, "projects")


def test_a_word_that_the_mapping_does_not_translate_is_rejected_as_the_table_writes_it(tmp_path: Path) -> None:
    rows = [*ROWS, ["P-3", "三", None, None, "彩票"]]

    collection = read(tmp_path, rows, TOML)

    (rejection,) = collection.rejections
    assert (rejection.row, rejection.column, rejection.value) == (5, "钱从哪来 (E)", "彩票")
    assert tell(rejection.expected, "en").startswith("one of 政府投资、")
    assert [c.state for c in collection.cells] == [CellState.PARTIAL]


def test_the_words_of_classification_can_be_translated_too(tmp_path: Path) -> None:
    """Nothing of such a row is kept, whatever word the office has for it."""
    (tmp_path / "m.toml").write_text('[values.classified]\n"内部" = "是"\n"普通" = "否"\n', encoding="utf-8")
    rows = [["系统编号", "系统名称", "是否涉密"], ["S-1", "一", "普通"], ["S-SECRET", "二", "内部"]]
    path = write_csv(tmp_path / "l.csv", rows)

    collection = read_ledger(path, "systems", mapping="m.toml")

    assert [r.native_id for r in collection.records if isinstance(r, System)] == ["S-1"]
    assert collection.rejections == []
    assert "S-SECRET" not in repr(collection)


def test_a_header_that_is_ignored_stands_for_no_field(tmp_path: Path) -> None:
    """Two headers that mean the same: the mapping says which is not wanted."""
    (tmp_path / "m.toml").write_text('ignored = ["终验时间"]\n', encoding="utf-8")
    rows = [["项目编号", "项目名称", "验收日期", "终验时间"], ["P-1", "平台", "2024-03-05", "不详"]]
    path = write_csv(tmp_path / "l.csv", rows)

    (record,) = read_ledger(path, "projects", mapping="m.toml").records

    assert isinstance(record, Project)
    assert record.final_acceptance_on == date(2024, 3, 5)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("colums = {}", "m.toml: key colums: there is no such key; expected one of version, kind, sheets, header_rows"),
        ("[columns]\nkode = 'A'", "m.toml: key columns.kode: a projects ledger has no such field; expected one of c"),
        ("[columns]\ncode = { letter = 'a1' }", "m.toml: key columns.*.letter: expected a column's letter, from A to"),
        ("[columns]\ncode = { leter = 'A' }", "m.toml: key columns.*.leter: there is no such key; expected one of let"),
        ("[columns]\ncode = 5", "m.toml: key columns.*: Expected `str | object`, got `int`; expected it as docs/led"),
        ("kind = 'systems'", "m.toml: key kind: the ledger that uses it is of kind projects; expected the same in b"),
        ("header_rows = [3, 5]", "m.toml: key header_rows: expected one row, or two that follow each other"),
        ("header_rows = [0]", "m.toml: key header_rows[1]: Expected `int` >= 1; expected it as docs/ledgers.md shows"),
        ("[constants]\ncode = 'P'", "m.toml: key constants.code: every row says this for itself; expected a column"),
        ("[constants]\nclassified = '否'", "m.toml: key constants.classified: every row says this for itself; expecte"),
        ("[constants]\nlevel = '区级'", "m.toml: key constants.level: 区级; expected one of 市本级、"),
        ("[columns]\nlevel = '层级'\n[constants]\nlevel = '市'", "m.toml: key constants.level: it is among the colu"),
        ("a = 1\na = 2", "m.toml: Cannot overwrite a value (at "),
        ("sheets = ['2023年']", "l.xlsx: there is no sheet 2023年; expected one of 台账、2024年"),
        ("header_rows = [1]", "l.xlsx: the mapping gives `header_rows` and no `sheets`; expected which of 台账、202"),
        ("sheets=['台账']\nheader_rows = [9]", "l.xlsx: 台账: the mapping says that the header is in row 9; the she"),
        (
            "[columns]\ncode = '项目编号'\nname = { letter = 'A' }",
            "l.xlsx: 台账: columns.name: column A is given for another field; expected each column once",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_mapping_is_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    """Before anything is scanned; the command ends with exit code 2."""
    (tmp_path / "m.toml").write_text(text, encoding="utf-8")
    rows = [["项目编号", "项目名称"], ["P-1", "平台"]]
    path = write_xlsx(tmp_path / "l.xlsx", rows, **{"2024年": rows})
    ledger = Ledger(name="l", kind="projects", path=str(path), mapping="m.toml")

    with pytest.raises((ConfigError, LedgerError)) as caught:
        ledger_collectors(ledger, base=tmp_path, clock=lambda: NOON)

    assert tell(caught.value.message, "en").startswith(sentence)
    assert not tell(caught.value.message, "zh_CN").startswith(sentence)


def test_a_field_is_given_in_one_place(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"key ledger\.l\.columns\.code: the mapping file gives this field already"):
        read(tmp_path, ROWS, TOML, columns={"code": "流水"})
    with pytest.raises(ConfigError, match=r"key ledger\.l\.sheet: the mapping file names sheets already"):
        read(tmp_path, ROWS, TOML, sheet="汇总")


@pytest.mark.parametrize("data", [b"\xff\xfe", b"a: *b\n", b"[" * 100_000])
@pytest.mark.parametrize("name", ["m.toml", "m.yaml"])
def test_a_hostile_mapping_is_refused(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)

    with pytest.raises(ConfigError):
        load_mapping(tmp_path / name, "projects")


def test_a_mapping_that_is_not_there_is_told_with_its_key(tmp_path: Path) -> None:
    write_xlsx(tmp_path / "l.xlsx", ROWS)
    config = tmp_path / "yunhe.toml"
    config.write_text(
        'version = 1\ncity = { name = "x" }\n[[ledger]]\nname = "l"\nkind = "projects"\npath = "l.xlsx"\n'
        'mapping = "m.toml"\n',
        encoding="utf-8",
    )

    with pytest.raises(ConfigError, match=r"key ledger\[1\]\.mapping: no such file"):
        load(config)


def test_the_example_of_the_docs_is_a_mapping(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "ledgers.md").read_text(encoding="utf-8")
    (tmp_path / "m.toml").write_text(page.partition("```toml\n")[2].partition("```")[0], encoding="utf-8")

    mapping = load_mapping(tmp_path / "m.toml", "projects")

    assert mapping.columns["code"] == "流水"
    assert mapping.values["status"] == {"在用": "已验收", "收尾": ""}
