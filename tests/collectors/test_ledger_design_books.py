"""Technical design books 技术设计书 as tables of resources."""

from pathlib import Path

import pytest
from ledgers import NOON, Rows, read_ledger, write_xlsx

from inventory.build import build
from inventory.collection import Collection
from inventory.inventory import Inventory
from inventory.records import ClassifiedPlaceholder, DesignItem
from inventory.scan import ScanOptions
from inventory.text import tell

GIB = 1024**3
HEAD = ["序号", "项目编号", "服务器用途", "数量(台)", "CPU(核)", "内存(GB)", "存储(GB)", "IP数量", "操作系统", "备注"]


def items(path: Path) -> list[DesignItem]:
    found = (r for r in read_ledger(path, "design_books").records if isinstance(r, DesignItem))
    return sorted(found, key=lambda r: r.component or "")


def test_a_row_is_what_the_design_book_declares(tmp_path: Path) -> None:
    rows = [
        ["某项目技术设计书 资源需求表"],
        HEAD,
        [1, "P-1", "应用服务器", "2台", "8核", "16", "0.5TB", 2, "麒麟V10", "-"],
        [2, "P-1", "云存储", None, "-", None, "2TB", None, None, None],
        ["合计", None, None, 2, 16, 32, None, None, None, None],
    ]

    second, first = items(write_xlsx(tmp_path / "d.xlsx", rows, merges=["A1:J1"]))

    assert (first.project, first.component, first.count, first.vcpus) == ("P-1", "应用服务器", 2, 8)
    assert (first.memory_bytes, first.disk_bytes, first.address_count) == (16 * GIB, 512 * GIB, 2)
    assert first.details == (("操作系统", "麒麟V10"),)
    assert (second.count, second.vcpus, second.memory_bytes, second.disk_bytes) == (None, None, None, 2048 * GIB)


def test_two_rows_that_say_the_same_are_two_pieces(tmp_path: Path) -> None:
    """Rows are added up: to keep one of two equal ones would halve what is declared."""
    rows = [["项目编号", "组件名称", "vCPU(核)"], ["P-1", "应用服务器", 4], ["P-1", "应用服务器", 4]]

    assert {i.native_id for i in items(write_xlsx(tmp_path / "d.xlsx", rows))} == {"P-1|应用服务器", "P-1|应用服务器#2"}


def test_a_project_cell_merged_over_its_rows_stands_for_each(tmp_path: Path) -> None:
    rows = [["项目编号", "组件名称", "数量"], ["P-1", "应用服务器", 2], [None, "数据库服务器", 1]]

    found = items(write_xlsx(tmp_path / "d.xlsx", rows, merges=["A2:A3"]))

    assert [(i.project, i.component, i.count) for i in found] == [("P-1", "应用服务器", 2), ("P-1", "数据库服务器", 1)]


def test_a_cell_that_is_no_number_says_which_and_of_whom(tmp_path: Path) -> None:
    rows = [["项目编号", "组件名称", "vCPU(核)"], ["P-1", "应用服务器", "若干"], ["P-2", "应用服务器", 4]]

    taken = read_ledger(write_xlsx(tmp_path / "d.xlsx", rows), "design_books")

    (rejection,) = taken.rejections
    assert (rejection.row, rejection.column, rejection.value, rejection.touches) == (
        2,
        "vCPU(核) (C)",
        "若干",
        ("P-1",),
    )
    assert tell(rejection.expected, "en") == "a whole number"
    assert [r.project for r in taken.records if isinstance(r, DesignItem)] == ["P-2"]


def test_of_a_classified_row_nothing_is_kept(tmp_path: Path) -> None:
    rows = [
        ["项目编号", "组件名称", "vCPU(核)", "是否涉密"],
        ["P-X", "应用服务器", 4, "是"],
        ["P-2", "应用服务器", 4, "否"],
    ]

    taken = read_ledger(write_xlsx(tmp_path / "d.xlsx", rows), "design_books")

    assert "P-X" not in repr(taken.records)
    assert not [r for r in taken.records if isinstance(r, ClassifiedPlaceholder)]


def together(tmp_path: Path, *rows: list[object]) -> Inventory:
    """The register of projects and a design book, as a scan has them."""
    projects: Rows = [["项目编号", "项目名称"], ["P-1", "智慧教育平台"], ["P-2", "同名项目"], ["P-3", "同名项目"]]
    register = read_ledger(write_xlsx(tmp_path / "p.xlsx", projects), "projects")
    book = read_ledger(write_xlsx(tmp_path / "d.xlsx", [["项目名称", "组件名称", "vCPU"], *rows]), "design_books")
    every = Collection(
        taken_at=NOON,
        sources=[*register.sources, *book.sources],
        records=[*register.records, *book.records],
        cells=[*register.cells, *book.cells],
    )
    return build(every, ScanOptions(city="某市"), as_of=NOON)


@pytest.mark.parametrize("word", ["P-1", "智慧教育平台", "p-1", "智慧教育 平台"])
def test_the_book_names_its_project_by_code_or_name(tmp_path: Path, word: str) -> None:
    (item,) = together(tmp_path, [word, "应用服务器", 4]).design_items

    assert item.project == "P-1"


@pytest.mark.parametrize("word", ["同名项目", "没有的项目"])
def test_a_name_that_no_one_project_has_is_told_and_not_guessed(tmp_path: Path, word: str) -> None:
    inventory = together(tmp_path, [word, "应用服务器", 4])

    assert [i.project for i in inventory.design_items] == [word]
    assert [reference.written for reference in inventory.unresolved_references] == [word]
