"""A small city in which everything that is seen passes, so that whatever a fault hides must show.

Four live sources, each behind something that can spoil its answers, and the ledgers. A scan reads one source live and
the others from captures that were taken while all was well: a fault is looked at through the whole pipeline, and costs
one source's time.
"""

import csv
import datetime as dt
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import openpyxl

TODAY = dt.datetime.now(dt.timezone(dt.timedelta(hours=8))).date()
PLATFORM_FILING = "42990010001-00001"

CLOUDS_OWN = ("admin", "service", "default", "kube-system", "kube-public", "kube-node-lease")
"""Tenants that every OpenStack and every cluster has for itself."""

LEDGERS: dict[str, tuple[str, Sequence[Sequence[str]]]] = {
    "departments": (
        "departments.csv",
        [
            ["单位名称", "简称/曾用名"],
            ["市教育局", "教育局"],
            ["市水利局", "水利局"],
            ["市农业局", "农业局"],
            ["市城市运行管理中心", "城运中心"],
        ],
    ),
    "systems": (
        "systems.xlsx",
        [
            ["系统编号", "系统名称", "建设单位", "建设性质", "资金来源", "等保级别", "建成时间", "云租户", "主机"],
            ["SYS-000", "一号系统", "市教育局", "新建", "财政", "二级", "2025-03-01", "dept-0", ""],
            ["SYS-001", "二号系统", "市水利局", "新建", "财政", "二级", "2025-03-01", "dept-1", "guest"],
            ["SYS-002", "三号系统", "市农业局", "已建", "财政", "二级", "2019-03-01", "dept-2", ""],
            ["SYS-003", "四号系统", "市农业局", "新建", "财政", "二级", "2025-03-01", "sys-three", ""],
        ],
    ),
    "projects": (
        "projects.csv",
        [
            [
                *("项目编号", "项目名称", "建设单位", "项目类别", "资金来源", "中标日期"),
                *("监理申请日期", "是否平台类", "是否含数据采集", "包含系统"),
            ],
            ["P-0", "一号项目", "市教育局", "新建", "财政", "2025-01-10", "2025-01-14", "否", "否", "SYS-000"],
            ["P-1", "二号项目", "市水利局", "新建", "财政", "2025-01-10", "2025-01-14", "否", "否", "SYS-001"],
            ["P-3", "四号项目", "市农业局", "新建", "财政", "2025-01-10", "2025-01-14", "否", "否", "SYS-003"],
        ],
    ),
    "mlps_filings": (
        "filings.csv",
        [
            ["定级对象名称", "备案单位", "安全保护等级", "备案证明编号", "备案日期", "备案模板版本", "是否云平台"],
            ["大数据中心政务云", "市城市运行管理中心", "三级", PLATFORM_FILING, "2025-08-20", "2025", "是"],
            *(
                [name, unit, "二级", f"42990010{n:03}-00001", "2025-09-01", "2025", "否"]
                for n, (name, unit) in enumerate(
                    [
                        ("一号系统", "市教育局"),
                        ("二号系统", "市水利局"),
                        ("三号系统", "市农业局"),
                        ("四号系统", "市农业局"),
                    ],
                    2,
                )
            ),
        ],
    ),
    "mlps_assessments": (
        "assessments.csv",
        [
            [
                *("定级对象名称", "测评报告编号", "备案证明编号", "测评报告日期"),
                *("测评结论", "得分/符合率", "重大风险隐患", "是否云平台"),
            ],
            *(
                [
                    name,
                    f"{number}-{TODAY - dt.timedelta(days=120):%y}-4201-01",
                    number,
                    (TODAY - dt.timedelta(days=120)).isoformat(),
                    "符合",
                    "93.5",
                    "0",
                    "是" if number == PLATFORM_FILING else "否",
                ]
                for name, number in [
                    ("大数据中心政务云", PLATFORM_FILING),
                    ("SYS-000", "42990010002-00001"),
                    ("SYS-001", "42990010003-00001"),
                    ("SYS-002", "42990010004-00001"),
                    ("SYS-003", "42990010005-00001"),
                ]
            ),
        ],
    ),
    "ownership": (
        "ownership.csv",
        [["资源", "归属项目"], *([t, "P-0"] for t in CLOUDS_OWN)],
    ),
}  # fmt: skip
"""Kind to file name and rows."""

ENTRIES: list[dict[str, object]] = [
    {
        "code": f"306001/{n:06}",
        "title": f"目录{n}",
        "system": f"SYS-{n:03}",
        "role": "提供",
        "shareType": "无条件共享",
        "published": (TODAY - dt.timedelta(days=330)).isoformat(),
        "resource": f"R-{n}",
        "resourceType": "接口",
        "mounted": (TODAY - dt.timedelta(days=310)).isoformat(),
    }
    for n in range(4)
]
CALLS: list[dict[str, object]] = [
    {
        "resource": f"R-{n}",
        "caller": f"SYS-{(n + 1) % 4:03}",
        "from": (TODAY - dt.timedelta(days=32)).isoformat(),
        "to": (TODAY - dt.timedelta(days=2)).isoformat(),
        "ok": 120 + n,
        "bad": 0,
    }
    for n in range(4)
]

HEAD = f"""
version = 1
[city]
name = "测试市"
filing_regions = ["429900"]
[platform]
filing_number = "{PLATFORM_FILING}"
sources = ["openstack:centre", "kubernetes:centre"]
[store]
path = "yunhe.db"
"""


def write_ledgers(folder: Path) -> None:
    """The ledgers, as the centre keeps them."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in LEDGERS.values():
        write_table(folder / name, rows)


def write_table(path: Path, rows: Sequence[Sequence[str]]) -> None:
    """One ledger, as CSV or XLSX by its name."""
    if path.suffix == ".csv":
        buffer = io.StringIO()
        csv.writer(buffer, lineterminator="\r\n").writerows(rows)
        path.write_text(buffer.getvalue(), encoding="utf-8", newline="")
        return
    workbook = openpyxl.Workbook()
    for row in rows:
        workbook.active.append(list(row))
    workbook.save(path)


def ledger_tables(folder: Path, **instead: Mapping[str, str]) -> str:
    """The config's `[[ledger]]` tables; `instead` gives other keys (`path`, `sheet`) for a kind."""
    text = ""
    for kind, (name, _) in LEDGERS.items():
        keys = {"name": kind, "kind": kind, "path": str(folder / name), **instead.get(kind, {})}
        text += "[[ledger]]\n" + "".join(f'{key} = "{value}"\n' for key, value in keys.items())
    return text


def capture_tables(paths: Sequence[Path]) -> str:
    """The config's `[[capture]]` tables."""
    return "".join(f'[[capture]]\npath = "{path}"\n' for path in paths)
