"""Files of waivers: YAML and spreadsheets, and entries that cannot be used."""

from datetime import date
from pathlib import Path

import openpyxl
import pytest

from collectors.ledger_table import LedgerError
from collectors.waiver_file import WAIVER_FORM, read_waivers
from inventory.settings import ConfigError
from inventory.text import tell
from inventory.waiver import Selector

ENTRY = """\
  - id: W-1
    check: 14-standalone-compute
    subject: host/4c4c4544
    reason: 迁移期间保留
    requester: 张三
    approver: 李四
    document: 河数函〔2026〕3号
    starts_on: 2026-06-01
    expires_on: 2026-12-31
"""


def yaml_file(folder: Path, text: str) -> Path:
    path = folder / "豁免.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def sheet_file(folder: Path, *rows: list[object]) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["云泽市豁免台账"])
    sheet.append([c.header for c in WAIVER_FORM.columns])
    for row in rows:
        sheet.append(row)
    path = folder / "豁免.xlsx"
    book.save(path)
    return path


ROW = ["W-1", "14-standalone-compute", "host/4c4c4544", None, None, None, "迁移期间保留", "张三", "李四",
       "河数函〔2026〕3号", "2026年6月1日", date(2026, 12, 31)]  # fmt: skip


def test_yaml_and_a_spreadsheet_say_the_same(tmp_path: Path) -> None:
    from_yaml = read_waivers(yaml_file(tmp_path, "waivers:\n" + ENTRY))
    from_sheet = read_waivers(sheet_file(tmp_path, ROW))

    (one,), (other,) = from_yaml.waivers, from_sheet.waivers
    assert one.selector == other.selector == Selector(subject="host/4c4c4544")
    assert (
        (one.starts_on, one.expires_on) == (other.starts_on, other.expires_on) == (date(2026, 6, 1), date(2026, 12, 31))
    )
    assert (one.id, one.check, one.approver, one.document) == (other.id, other.check, other.approver, other.document)
    assert from_yaml.problems == from_sheet.problems == ()
    assert "豁免.yaml[1]" in one.origin
    assert "豁免.xlsx" in other.origin


def test_an_expiry_of_a_month_means_its_last_day(tmp_path: Path) -> None:
    (one,) = read_waivers(sheet_file(tmp_path, [*ROW[:-1], "2026-11"])).waivers

    assert one.expires_on == date(2026, 11, 30)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("    expires_on: 2026-12-31\n", ""), "expires_on"),
        (("approver: 李四", "approver: 7"), "approver"),
        (("starts_on: 2026-06-01", "starts_on: soon"), "starts_on"),
        (("check: 14", "chek: 14"), "chek"),
        (("document: 河数函〔2026〕3号", "document: ''"), "length"),
    ],
)
def test_an_entry_that_cannot_be_used_waives_nothing_and_is_told(
    tmp_path: Path, change: tuple[str, str], words: str
) -> None:
    """Expiry, document and approver are mandatory: what lacks one is no waiver, and its neighbours stand."""
    broken = ENTRY.replace(*change)
    second = ENTRY.replace("W-1", "W-2")

    read = read_waivers(yaml_file(tmp_path, "waivers:\n" + broken + second))

    assert [w.id for w in read.waivers] == ["W-2"]
    (told,) = (tell(p, "en") for p in read.problems)
    assert words in told
    assert "豁免.yaml[1]" in told


def test_a_number_that_is_taken_waives_nothing(tmp_path: Path) -> None:
    read = read_waivers(yaml_file(tmp_path, "waivers:\n" + ENTRY + ENTRY))

    assert len(read.waivers) == 1
    assert "taken" in tell(read.problems[0], "en")


def test_a_cell_that_cannot_be_read_is_told_with_its_column(tmp_path: Path) -> None:
    read = read_waivers(sheet_file(tmp_path, [*ROW[:-2], "明年", ROW[-1]], [*["W-2"], *ROW[1:]]))

    assert [w.id for w in read.waivers] == ["W-2"]
    assert "起始日期 (K)" in tell(read.problems[0], "en")


def test_notes_below_the_table_are_no_entries(tmp_path: Path) -> None:
    read = read_waivers(sheet_file(tmp_path, ROW, [], ["注：豁免须经中心批准"]))

    assert len(read.waivers) == 1
    assert read.problems == ()


@pytest.mark.parametrize("text", ["[]", "waivers: 3", "waivers: []\nmore: 1", "waivers:\n - &a {}\n - *a"])
def test_a_file_of_another_kind_is_an_error(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match=r"豁免\.yaml"):
        read_waivers(yaml_file(tmp_path, text))


def test_a_spreadsheet_without_the_header_is_an_error(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.save(tmp_path / "x.xlsx")

    with pytest.raises(LedgerError, match="header of waivers"):
        read_waivers(tmp_path / "x.xlsx")
