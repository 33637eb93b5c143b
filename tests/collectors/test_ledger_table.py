"""Spreadsheets and CSV are read whatever program wrote them, and refused in one sentence when they are hostile."""

import contextlib
import io
import subprocess
import sys
import zipfile
from datetime import date
from pathlib import Path
from random import Random

import openpyxl
import pytest
import xlwt
from effort import examples
from ledgers import write_csv, write_xlsx

from collectors import ledger_table
from collectors.ledger_table import BadCell, LedgerError, column_letter, open_workbook
from inventory.text import msg

ROWS = [["编号", "名称"], ["S-1", "教育平台"]]


def values(path: Path) -> list[tuple[object, ...]]:
    (sheet,) = open_workbook(path).sheets
    return [row.values for row in sheet.rows()]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_is_read_in_every_encoding_and_delimiter(tmp_path: Path, encoding: str, delimiter: str) -> None:
    path = write_csv(tmp_path / "l.csv", ROWS, encoding=encoding, delimiter=delimiter)

    assert values(path) == [("编号", "名称"), ("S-1", "教育平台")]


def test_the_name_of_the_file_does_not_matter(tmp_path: Path) -> None:
    """An XLSX renamed to .csv is common where a platform demands one."""
    path = write_xlsx(tmp_path / "l.csv", ROWS)

    assert values(path) == [("编号", "名称"), ("S-1", "教育平台")]


def test_xls_is_read_with_its_merges(tmp_path: Path) -> None:
    workbook = xlwt.Workbook()
    table = workbook.add_sheet("台账")
    table.write(0, 0, "编号")
    table.write_merge(1, 2, 0, 0, "S-1")
    table.write(1, 1, date(2024, 3, 5), xlwt.easyxf(num_format_str="YYYY-MM-DD"))
    workbook.save(str(tmp_path / "l.xls"))

    (sheet,) = open_workbook(tmp_path / "l.xls").sheets

    rows = list(sheet.rows())
    assert rows[0].values[0] == "编号"
    assert rows[1].values == ("S-1", date(2024, 3, 5))
    assert [(m.top, m.bottom, m.left) for m in sheet.merges] == [(2, 3, 0)]


def test_an_error_value_of_xls_is_no_empty_cell(tmp_path: Path) -> None:
    workbook = xlwt.Workbook()
    table = workbook.add_sheet("台账")
    table.write(0, 0, "编号")
    table.row(1).set_cell_error(0, "#REF!")
    workbook.save(str(tmp_path / "l.xls"))

    assert values(tmp_path / "l.xls")[1] == (BadCell("#REF!", msg("a value, not an error of a formula")),)


def test_a_damaged_xls_is_refused_or_read_and_never_aborts(tmp_path: Path) -> None:
    """calamine's reader of XLS aborts the process on some of these: that is why XLS has another reader."""
    workbook = xlwt.Workbook()
    table = workbook.add_sheet("台账")
    for row in range(20):
        table.write(row, 0, f"S-{row}")
        table.write(row, 1, row)
    table.write_merge(21, 23, 0, 0, "merged")
    workbook.save(str(tmp_path / "whole.xls"))
    whole = (tmp_path / "whole.xls").read_bytes()
    random = Random(7)  # noqa: S311 - the same damage in every run
    path = tmp_path / "l.xls"

    for _ in range(examples(150)):
        damaged = bytearray(whole)
        for _ in range(random.randint(1, 10)):
            damaged[random.randrange(8, len(damaged))] = random.randrange(256)
        path.write_bytes(damaged)
        with contextlib.suppress(LedgerError):
            values(path)


def test_row_numbers_and_columns_are_the_spreadsheets_own(tmp_path: Path) -> None:
    workbook = openpyxl.Workbook()
    workbook.active["C4"] = "here"
    workbook.active.row_dimensions[4].hidden = True
    workbook.save(tmp_path / "l.xlsx")

    (sheet,) = open_workbook(tmp_path / "l.xlsx").sheets

    (row,) = [r for r in sheet.rows() if any(r.values)]
    assert (row.number, row.values.index("here"), column_letter(2)) == (4, 2, "C")


@pytest.mark.parametrize("cut", ["A,b,c\r\n1,2,3\r\n4,", "A,b,c\n1,2,3\n4,5"])
def test_a_csv_that_ends_in_the_middle_of_a_row_is_no_whole_one(tmp_path: Path, cut: str) -> None:
    """An export that was broken off: what stood in its other rows would be concluded to be absent."""
    path = tmp_path / "cut.csv"
    path.write_text(cut, encoding="utf-8", newline="")

    with pytest.raises(LedgerError, match="ends in the middle of row 3, after 2 of 3 cells"):
        open_workbook(path)


@pytest.mark.parametrize("whole", ["A,b,c\n1,2,3", "A,b,c\n1,2\n", "合计,b,c\r\n1,2,3\r\n注\r\n"])
def test_a_csv_may_lack_its_last_line_end_or_cells_but_not_both(tmp_path: Path, whole: str) -> None:
    path = tmp_path / "whole.csv"
    path.write_text(whole, encoding="utf-8", newline="")

    (sheet,) = open_workbook(path).sheets

    assert len(list(sheet.rows())) == whole.count("\n") + (not whole.endswith("\n"))


@pytest.mark.parametrize(("index", "letter"), [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (702, "AAA")])
def test_column_letters(index: int, letter: str) -> None:
    assert column_letter(index) == letter


def test_a_formula_that_was_never_calculated_is_no_empty_cell(tmp_path: Path) -> None:
    """Read as empty it would say 'the register does not say', which is not true."""
    workbook = openpyxl.Workbook()
    workbook.active.append(["编号", "日期"])
    workbook.active.append(["S-1", "=DATE(2024,3,5)"])
    workbook.active.append(["S-2", "#REF!"])
    workbook.active["B3"].data_type = "e"
    workbook.save(tmp_path / "l.xlsx")

    rows = values(tmp_path / "l.xlsx")

    assert isinstance(rows[1][1], BadCell)
    assert isinstance(rows[2][1], BadCell)
    assert rows[2][1].text == "#REF!"


def test_a_cell_beyond_what_excel_allows_is_a_bad_cell(tmp_path: Path) -> None:
    path = tmp_path / "l.csv"
    path.write_text("编号,名称\nS-1," + "x" * 40_000 + "\n", encoding="utf-8")

    assert isinstance(values(path)[1][1], BadCell)


def _refused(path: Path) -> str:
    with pytest.raises(LedgerError) as caught:
        open_workbook(path)
    return str(caught.value)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert _refused(tmp_path / "no.xlsx").startswith("no.xlsx: the ledger cannot be opened (No such file")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0", "neither a spreadsheet nor text"),
        (b"<html><table><tr><td>1</td></tr></table></html>", "a web page; open it in a spreadsheet program"),
        (b"PK\x03\x04 and then nothing", "not a readable spreadsheet"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 2000, "not a readable spreadsheet"),
        (b"a,b\n\xff\xff\xff\n", "byte 4 is neither UTF-8 nor GB18030"),
        (b'a,b\n"never closed,1\n2,3\n', "unexpected end of data"),
        (b"a," + b"x" * 10_000_000, "field larger than field limit"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "l.xlsx"
    path.write_bytes(content)

    assert says in _refused(path)


def _repacked(path: Path, member: str, change: bytes | None, *, old: bytes = b"", new: bytes = b"") -> Path:
    """The workbook with one member replaced, or with a text in it replaced."""
    source = zipfile.ZipFile(io.BytesIO(path.read_bytes()))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in source.namelist():
            body = source.read(name)
            if name == member:
                body = change if change is not None else body.replace(old, new)
            archive.writestr(name, body)
    return path


def test_a_zip_bomb_is_refused_before_it_fills_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_table, "MAX_INFLATED_BYTES", 8 * 1024**2)
    path = write_xlsx(tmp_path / "l.xlsx", ROWS)
    _repacked(path, "xl/styles.xml", b" " * 64 * 1024**2)

    assert path.stat().st_size < 200_000
    assert "unpacks to more than 8 MiB" in _refused(path)


def test_a_file_beyond_the_limit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_table, "MAX_FILE_BYTES", 1024**2)
    path = tmp_path / "l.csv"
    path.write_bytes(b"a" * (1024**2 + 1))

    assert "larger than 1 MiB" in _refused(path)


@pytest.mark.parametrize("member", ["xl/workbook.xml", "xl/worksheets/sheet1.xml", "xl/styles.xml"])
def test_external_entities_are_refused(tmp_path: Path, member: str) -> None:
    path = write_xlsx(tmp_path / "l.xlsx", ROWS)
    entity = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>'
    _repacked(path, member, entity)

    assert "declares XML entities" in _refused(path)


@pytest.mark.parametrize(
    "cell",
    [
        b'<c r="XFD1048576"><v>1</v></c>',
        b"<c r='XFD1048576'><v>1</v></c>",
        b'<c\n r = "xfd1048576" ><v>1</v></c>',
        b'<c s="0" x=">" r="XFD1048576"><v>1</v></c>',
        b'<c s="0" x="<" r="XFD1048576"><v>1</v></c>',
        b'<c r="A1" r="XFD1048576"><v>1</v></c>',
        b"""<c s='r="A1"' r="XFD1048576"><v>1</v></c>""",
    ],
)
def test_two_cells_in_opposite_corners_do_not_abort_the_process(tmp_path: Path, cell: bytes) -> None:
    """calamine allocates the rectangle between them: half a terabyte."""
    path = write_xlsx(tmp_path / "l.xlsx", ROWS)
    _repacked(path, "xl/worksheets/sheet1.xml", None, old=b"</row>", new=cell + b"</row>")
    code = f"from collectors.ledger_table import *\nfrom pathlib import Path\nopen_workbook(Path({str(path)!r}))"

    # In a process of its own: what this test is about would take the test run with it.
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert result.returncode == 1
    assert "LedgerError" in result.stderr


@pytest.mark.parametrize(
    ("tag", "code"),
    [
        (b'<sst count="4000000000" uniqueCount="4000000000" ', 0),
        (b"<sst uniqueCount = '4000000000' ", 0),
        (b'<sst x=">" uniqueCount="4000000000" ', 1),
        (b"""<sst x=" count='" uniqueCount="4000000000" y="'" """, 0),
    ],
)
def test_a_claim_to_hold_billions_of_strings_is_not_believed(tmp_path: Path, tag: bytes, code: int) -> None:
    """calamine makes room for as many as the part says, and aborts the process where there is none."""
    path = write_xlsx(tmp_path / "l.xlsx", ROWS)
    kind = b"http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings"
    relation = b'<Relationship Id="rId77" Type="%s" Target="sharedStrings.xml"/></Relationships>' % kind
    _repacked(path, "xl/_rels/workbook.xml.rels", None, old=b"</Relationships>", new=relation)
    main = b'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("xl/sharedStrings.xml", tag + main + b"><si><t>x</t></si></sst>")
    text = f"from collectors.ledger_table import *\nfrom pathlib import Path\nopen_workbook(Path({str(path)!r}))"

    result = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=False)

    assert result.returncode == code
    assert not code or "LedgerError" in result.stderr


def test_what_is_not_in_utf8_is_refused_and_not_read_as_empty(tmp_path: Path) -> None:
    """It would pass the limits unseen, and an empty sheet would be no error."""
    path = write_xlsx(tmp_path / "l.xlsx", ROWS)
    sheet = zipfile.ZipFile(path).read("xl/worksheets/sheet1.xml").decode()
    _repacked(path, "xl/worksheets/sheet1.xml", sheet.encode("utf-16"))

    assert "not in UTF-8" in _refused(path)


def test_merged_ranges_reach_no_further_than_the_rows(tmp_path: Path) -> None:
    """Thousands of them over the whole height would keep whoever walks them busy for hours."""
    path = write_xlsx(tmp_path / "l.xlsx", ROWS)
    merges = b"<mergeCells>" + b'<mergeCell ref="A2:A1048576"/>' * 5000 + b"</mergeCells>"
    _repacked(path, "xl/worksheets/sheet1.xml", None, old=b"</sheetData>", new=b"</sheetData>" + merges)

    (sheet,) = open_workbook(path).sheets

    assert {(m.top, m.bottom) for m in sheet.merges} == {(2, 2)}


def test_empty_formatted_cells_far_away_do_no_harm(tmp_path: Path) -> None:
    """Somebody coloured a whole column: the cells are there, they hold nothing."""
    path = write_xlsx(tmp_path / "l.xlsx", ROWS)
    _repacked(
        path, "xl/worksheets/sheet1.xml", None,
        old=b"</sheetData>", new=b'<row r="1048576"><c r="XFD1048576" s="0"/></row></sheetData>',
    )  # fmt: skip

    assert values(path)[1][:2] == ("S-1", "教育平台")


def test_several_sheets_keep_their_names(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "l.xlsx", ROWS, sheet="2023年", **{"2024年": ROWS})

    assert [s.name for s in open_workbook(path).sheets] == ["2023年", "2024年"]
