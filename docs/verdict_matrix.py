"""Writes docs/verdict-matrix.md from the program itself: `make matrix`. A test compares the file with what it gives.

Nothing is looked up in a table: every cell is a small city of records that goes the whole way, through joins, placement
and ownership to the checks.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import product
from pathlib import Path

from checks.catalogue import check_by_id
from checks.check import Check
from checks.judge import judge
from checks.policy import Policy
from checks.regulation import load_pack
from inventory.build import build
from inventory.collection import Collection
from inventory.coverage import Cell, CellResult, CellState, SourceInfo
from inventory.finding import PRECEDENCE, Finding, Verdict
from inventory.records import (
    ClassifiedPlaceholder,
    Funding,
    HostSighting,
    Level,
    Nic,
    OwnershipDeclaration,
    Project,
    ProjectKind,
    Record,
    System,
    ThirdPartyResource,
    View,
)
from inventory.scan import ScanOptions
from inventory.text import msg

TARGET = Path(__file__).with_name("verdict-matrix.md")
NIGHT = datetime(2026, 11, 22, 18, tzinfo=UTC)
CLOUD, REGISTER, SSH, ASSETS = "openstack:gov", "ledger:register", "ssh:hosts", "ledger:assets"
UUID = "7d1a5c0e-3f0b-4a52-9a53-1f0e6d4b2c1{}"

ERAS = {"新建": date(2025, 3, 3), "已建": date(2021, 5, 6), "日期不明": None}
PLACES = (
    "政务云",
    "部分在云",
    "物理服务器",
    "自建虚拟化",
    "部门自购公有云",
    "第三方(已登记)",
    "第三方(未登记)",
    "无法确定",
)
OWNERS = ("财政性资金", "非财政性资金", "涉密", "省级垂管")
COVERAGES = ("采集完整", "采集不完整")
CHECKS = (
    "14-standalone-compute",
    "14-third-party",
    "16-deployment",
    "16-migration",
    "23.7-deployment",
    "28-classified",
)
WORDS = {
    Verdict.FAIL: "不合规",
    Verdict.UNKNOWN: "待核实",
    Verdict.ADVISORY: "提示",
    Verdict.PASS: "合规",
    Verdict.NOT_APPLICABLE: "不适用",
}
STEPS = {
    "classified": "涉密",
    "scope": "适用范围",
    "level": "层级",
    "kind": "类别",
    "era": "新建或已建",
    "exemption": "认定",
    "clause": "条款",
    "coverage": "采集",
}


@dataclass(frozen=True)
class City:
    """One cell of the matrix."""

    era: str
    place: str
    owner: str
    coverage: str


def cities() -> Iterator[City]:
    """Every cell, in reading order."""
    for owner, era, place, coverage in product(OWNERS, ERAS, PLACES, COVERAGES):
        yield City(era, place, owner, coverage)


def findings(city: City) -> tuple[Finding, ...]:
    """What the checks say of the city's one project, one system and its machines."""
    collection = Collection(taken_at=NIGHT, sources=_sources(), records=list(_records(city)), cells=list(_cells(city)))
    inventory = build(collection, ScanOptions(city="矩阵"), as_of=NIGHT)
    found = judge(inventory, Policy(pack=load_pack()), [_check(c) for c in CHECKS])
    return tuple(f for f in found if f.subject.kind != "coverage")


def deciding(city: City) -> Finding:
    """The finding that decides the cell: the worst, and of equals the first in the catalogue's order."""
    return min(findings(city), key=lambda f: PRECEDENCE.index(f.verdict))


def _check(id_: str) -> Check:
    found = check_by_id(id_)
    if found is None:
        raise LookupError(id_)
    return found


def _sources() -> list[SourceInfo]:
    return [
        SourceInfo(name=CLOUD, type="openstack", is_platform=True, zone="z"),
        *(SourceInfo(name=n, type=n.partition(":")[0], zone="z") for n in (REGISTER, SSH, ASSETS)),
    ]


def _cells(city: City) -> Iterator[CellResult]:
    kinds = {CLOUD: ("host", "port", "hypervisor", "tenant"), SSH: ("host",), ASSETS: ("host",),
             REGISTER: ("project", "system", "third_party", "ownership")}  # fmt: skip
    for source, each in kinds.items():
        for kind in each:
            is_cut = city.coverage == "采集不完整" and source == CLOUD and kind in ("host", "port")
            yield CellResult(
                cell=Cell(source=source, scope="*", kind=kind),
                state=CellState.PARTIAL if is_cut else CellState.COMPLETE,
                seen=1,
                reason=msg("the reader sees one project only") if is_cut else None,
                started_at=NIGHT,
                finished_at=NIGHT,
            )


def _records(city: City) -> Iterator[Record]:
    said = {"source": REGISTER, "observed_at": NIGHT}
    if city.owner == "涉密":
        # The guard keeps a placeholder and drops the rest before anybody looks.
        yield ClassifiedPlaceholder(**said, native_id="1", what="system")
        return
    funding = Funding.NON_FISCAL if city.owner == "非财政性资金" else Funding.GOVERNMENT
    level = Level.PROVINCE if city.owner == "省级垂管" else Level.CITY
    yield Project(**said, native_id="P-1", name="甲项目", department="市教育局", project_kind=ProjectKind.NEW,
                  funding=funding, level=level, systems=("S-1",), awarded_on=ERAS[city.era],
                  final_acceptance_on=date(2022, 6, 1) if city.era == "已建" else None)  # fmt: skip
    yield System(**said, native_id="S-1", name="甲系统", department="市教育局", funding=funding, level=level)
    if city.place == "第三方(已登记)":
        yield ThirdPartyResource(
            **said, native_id="HT-1", provider="某云", valid_from=date(2024, 2, 1), valid_to=date(2027, 1, 31),
            ranges=("203.0.113.0/24",), zone="z", filing_number="42060000009-00001",
        )  # fmt: skip
    for number, place in enumerate(("政务云", "物理服务器") if city.place == "部分在云" else (city.place,)):
        name = f"host-{number}"
        yield OwnershipDeclaration(**said, native_id=name, target=name, systems=("S-1",), projects=("P-1",))
        yield from _machine(city, name, place, UUID.format(number), f"203.0.113.{10 + number}/24")


BOARDS = {
    "政务云": ("OpenStack Foundation", "OpenStack Nova", 1, "kvm"),
    "物理服务器": ("Inspur", "NF5280M6", 23, "none"),
    "自建虚拟化": ("QEMU", "Standard PC", 1, "kvm"),
    "部门自购公有云": ("Alibaba Cloud", "Alibaba Cloud ECS", 1, "kvm"),
    "第三方(已登记)": ("RDO", "CTyun ECS", 1, "kvm"),
    "第三方(未登记)": ("RDO", "CTyun ECS", 1, "kvm"),
    "无法确定": ("Inspur", "NF5280M6", 23, "none"),
}
"""Vendor, product, chassis type, virtualisation, as the machine itself says."""


def _machine(city: City, name: str, place: str, uuid: str, address: str) -> Iterator[Record]:
    vendor, product, chassis, virtualization = BOARDS[place]
    is_silent = place == "无法确定"
    nics = (Nic(name="eth0", mac=f"fa:16:3e:00:00:0{name[-1]}", addresses=(address,)),)
    if place == "政务云":
        yield HostSighting(
            source=CLOUD, observed_at=NIGHT, native_id=uuid, view=View.SERVER, name=name, uuid=uuid, zone="z", nics=nics
        )
    yield HostSighting(
        source=SSH, observed_at=NIGHT, native_id=name, view=View.OS, name=name, zone="z", nics=nics, vendor=vendor,
        product=product, chassis_type=chassis, virtualization=virtualization, uuid=None if is_silent else uuid,
        needs_root=("uuid", "serial") if is_silent else (),
    )  # fmt: skip
    acquired = ERAS[city.era]
    if acquired is not None and place != "政务云":
        yield HostSighting(
            source=ASSETS, observed_at=NIGHT, native_id=f"ZC-{name}", view=View.ASSET, name=name, zone="z", nics=nics,
            commissioned_on=acquired, department="市教育局",
        )  # fmt: skip


def _told(found: tuple[Finding, ...], check: str) -> str:
    mine = [f for f in found if f.check == check]
    if not mine:
        return "—"
    worst = min(mine, key=lambda f: PRECEDENCE.index(f.verdict))
    return f"{WORDS[worst.verdict]}（{STEPS[worst.decided_by]}）"


def text() -> str:
    """The whole page."""
    pack = load_pack()
    lines = [
        "# 结论矩阵 · The verdict matrix",
        "",
        "Written by `make matrix` from the program itself: every row is a small city of one project, one system and",
        "its machines that goes the whole way from records to verdicts; a test compares this page with what the code",
        "gives. In brackets: the step of the decision order that decided. The last column: the clause that decides.",
        "",
        f"依据：{pack.title}（{pack.number}）。括号内为作出判断的环节；“决定条款”为该行最重结论所依据的条款。",
        "",
        "判断顺序：涉密 → 适用范围（第二条）→ 层级 → 类别 → 新建或已建 → 认定 → 条款；未观测到的一律待核实。",
    ]
    columns = [f"{c}" for c in CHECKS]
    for owner in OWNERS:
        lines += ["", f"## {owner}", ""]
        lines.append("| 建设时间 | 部署位置 | 采集 | " + " | ".join(columns) + " | 结论 | 决定条款 |")
        lines.append("|" + "---|" * (len(columns) + 5))
        for city in cities():
            if city.owner != owner:
                continue
            found = findings(city)
            worst = min(found, key=lambda f: PRECEDENCE.index(f.verdict))
            clause = f"{'、'.join(pack.cites(worst.articles))} `{worst.check}`"
            cells = [
                city.era,
                city.place,
                city.coverage,
                *(_told(found, c) for c in CHECKS),
                WORDS[worst.verdict],
                clause,
            ]
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
