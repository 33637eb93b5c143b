"""The sharing platform's logs row by row: counted by day, probing left out, nothing guessed."""

from datetime import date
from pathlib import Path

import pytest
from ledgers import read_ledger, write_csv, write_xlsx

from collectors.ledger_fields import CellError, parse
from inventory.collection import Collection
from inventory.coverage import CellState
from inventory.ledger_columns import Column, Format
from inventory.records import SharingUse
from inventory.text import tell

HEAD = ["流水号", "请求时间", "服务编号", "应用ID", "调用单位", "返回码", "耗时(ms)", "源IP", "是否心跳"]


def uses(collection: Collection) -> list[tuple[str, str | None, date | None, int | None, int | None, date | None]]:
    return [
        (u.resource_id, u.consumer_system, u.period_start, u.succeeded, u.failed, u.last_success_on)
        for u in sorted((r for r in collection.records if isinstance(r, SharingUse)), key=lambda r: r.native_id)
    ]


def test_calls_are_counted_by_resource_consumer_and_day(tmp_path: Path) -> None:
    rows = [
        HEAD,
        ["1", "2026-10-01 08:30:00", "api-1", "S-2", "市卫健局", "200", 12, "10.1.1.1", "否"],
        ["2", "2026-10-01 23:59:59.120", "api-1", "S-2", "市卫健局", "500", 12, "10.1.1.1", "否"],
        ["3", "2026年10月2日 08:30", "api-1", "S-2", "市卫健局", "成功", 12, "10.1.1.1", "否"],
        ["4", "2026-10-02 08:30", "api-1", "S-3", "市民政局", "超时", 12, "10.1.1.1", None],
        ["5", "2026-10-02 08:31", "api-1", "S-3", "市民政局", "成功", 12, "10.1.1.1", "是"],
    ]

    collection = read_ledger(write_xlsx(tmp_path / "l.xlsx", rows), "sharing_calls")

    assert collection.rejections == []
    assert uses(collection) == [
        ("api-1", "S-2", date(2026, 10, 1), 1, 1, date(2026, 10, 1)),
        ("api-1", "S-2", date(2026, 10, 2), 1, 0, date(2026, 10, 2)),
        ("api-1", "S-3", date(2026, 10, 2), 0, 1, None),
    ]
    assert "10.1.1.1" not in repr(collection)


def test_a_call_that_stands_in_two_exports_of_one_sheet_counts_once(tmp_path: Path) -> None:
    row = ["7", "2026-10-01", "api-1", "S-2", None, "成功", None, None, None]
    path = write_csv(tmp_path / "l.csv", [HEAD, row, row, ["8", *row[1:]]])

    assert [u[3] for u in uses(read_ledger(path, "sharing_calls"))] == [2]


def test_a_result_code_of_the_platforms_own_needs_the_mapping(tmp_path: Path) -> None:
    """0 is success on one platform and failure on another."""
    path = write_csv(tmp_path / "l.csv", [HEAD[:6], ["1", "2026-10-01", "api-1", "S-2", None, "0000"]])
    (tmp_path / "m.toml").write_text('[values.is_success]\n"0000" = "成功"\n', encoding="utf-8")

    without, mapped = read_ledger(path, "sharing_calls"), read_ledger(path, "sharing_calls", mapping="m.toml")

    (rejection,) = without.rejections
    assert (rejection.column, rejection.value, rejection.touches) == ("返回码 (F)", "0000", ("api-1", "S-2"))
    assert tell(rejection.expected, "en").startswith("成功, 失败 or an HTTP status")
    assert [c.state for c in without.cells] == [CellState.PARTIAL]
    assert [u[3] for u in uses(mapped)] == [1]


@pytest.mark.parametrize("word", ["0", "1", "2", "未完成", "部分成功", "99", "OK?"])
def test_no_result_is_guessed(word: str) -> None:
    with pytest.raises(CellError):
        parse(Column(field="is_success", header="结果", format=Format.SUCCESS), word)


@pytest.mark.parametrize(
    ("status", "done", "last"),
    [("成功", 1200, date(2026, 10, 31)), ("成功", None, date(2026, 10, 31)), ("成功", 0, None), ("失败", 3, None)],
)
def test_an_exchange_task_proves_its_last_run_if_it_moved_rows(
    tmp_path: Path, status: str, done: int | None, last: date | None
) -> None:
    rows = [
        [
            "任务ID",
            "任务名称",
            "源表",
            "目标表",
            "前置机",
            "目标系统",
            "资源编号",
            "最近执行时间",
            "状态",
            "成功条数",
            "失败条数",
        ],
        ["T-1", "学籍同步", "a.x", "b.x", "前置机一", "S-2", "api-1", "2026-10-31 02:00:00", status, done, 0],
    ]

    collection = read_ledger(write_xlsx(tmp_path / "l.xlsx", rows), "sharing_tasks")

    assert collection.rejections == []
    assert uses(collection) == [("api-1", "S-2", None, None, None, last)]
    (record,) = collection.records
    assert isinstance(record, SharingUse)
    assert ("前置机", "前置机一") in record.details
