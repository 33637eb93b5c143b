"""A small finished scan for tests of exporters: three projects, one of each verdict, with findings written by hand.

Reasons stand in Chinese as they are (no catalogue needed): exporters must tell whatever the checks said.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from checks.policy import Policy
from checks.regulation import load_pack
from checks.result import Result
from inventory.breaches import Breach
from inventory.collection import encode_raw
from inventory.coverage import Cell, CellResult, CellState, Coverage, Rejection, SourceInfo
from inventory.finding import Finding, Subject, Verdict
from inventory.hosts import Host, Ownership, OwnershipHit, OwnershipRule, Place, Placement
from inventory.inventory import Inventory
from inventory.records import (
    Department,
    Funding,
    HostSighting,
    Level,
    Nic,
    Project,
    ProjectKind,
    Quota,
    SharingEntry,
    SharingType,
    SharingUse,
    System,
    Tenant,
    View,
)
from inventory.scan import Known, ScanInfo
from inventory.text import msg

NIGHT = datetime(2026, 11, 20, 18, 30, tzinfo=UTC)
"""21 November 2026, 02:30 in Laohekou."""
GIB = 1024**3
CLOUD, REGISTER, PROBE, SHARING = "openstack:gov", "ledger:register", "ssh:departments", "ledger:sharing"
EDU, ESTATE, PARKING = "LHK-2024-001", "LHK-2024-002", "LHK-2025-003"


def raw(**document: object) -> tuple[str, bytes]:
    """A raw document: its digest and its canonical bytes."""
    body = encode_raw(document)
    return hashlib.sha256(body).hexdigest(), body


def project(code: str = EDU, name: str = "智慧教育云平台", **fields: Any) -> Project:
    """A project in the register, new and paid by the city unless told otherwise."""
    default: dict[str, Any] = {
        "source": REGISTER, "observed_at": NIGHT, "department": "市教育局", "project_kind": ProjectKind.NEW,
        "funding": Funding.GOVERNMENT, "level": Level.CITY, "awarded_on": date(2024, 5, 20),
    }  # fmt: skip
    return Project(native_id=code, name=name, **{**default, **fields})


def system(code: str = "SYS-EDU", name: str = "智慧教育云平台系统", **fields: Any) -> System:
    """A system in the register."""
    default: dict[str, Any] = {"source": REGISTER, "observed_at": NIGHT, "department": "市教育局", "mlps_level": 2}
    return System(native_id=code, name=name, **{**default, **fields})


def sighting(name: str, native_id: str, view: View = View.SERVER, **fields: Any) -> HostSighting:
    """One source's view of a host; a server of the government cloud unless told otherwise."""
    default: dict[str, Any] = {
        "source": CLOUD if view is View.SERVER else PROBE, "observed_at": NIGHT, "zone": "政务外网区",
        "uuid": native_id if view is View.SERVER else None,
    }  # fmt: skip
    return HostSighting(native_id=native_id, view=view, name=name, **{**default, **fields})


def host(seen: HostSighting, place: Place = Place.CLOUD_INSTANCE, *systems: str, **fields: Any) -> Host:
    """A host with one sighting, owned by these systems by its tag."""
    missing = () if place is not Place.UNDETERMINED else (msg("请基础设施团队开通该主机的只读SSH访问"),)
    hit = OwnershipHit(rule=OwnershipRule.LABEL, value="system-id", systems=systems)
    default: dict[str, Any] = {
        "placement": Placement(place=place, facts=(msg("控制面清单列有"),), missing=missing, evidence=(seen.key,)),
        "ownership": Ownership(systems=systems, department="市教育局", hits=(hit,) if systems else ()),
    }  # fmt: skip
    return Host(id=seen.native_id, name=seen.name, sightings=(seen,), **{**default, **fields})


def finding(check: str, subject: Subject, verdict: Verdict, reason: str, **fields: Any) -> Finding:
    """A finding; unknown ones say what is missing."""
    article = check.partition("-")[0].replace(".7", "(7)")
    default: dict[str, Any] = {"articles": (article,), "decided_by": "clause"}
    if verdict is Verdict.UNKNOWN:
        default["missing"] = (msg("请数据共享平台提供近90日调用汇总"),)
    if verdict in (Verdict.FAIL, Verdict.ADVISORY):
        default["remedy"] = msg("请建设单位提出迁移计划并报市城市运行管理中心")
    return Finding(
        check=check, subject=subject, verdict=verdict, reason=msg("{text}", text=reason), **{**default, **fields}
    )


def cell(source: str, scope: str, kind: str, state: CellState = CellState.COMPLETE, **fields: Any) -> CellResult:
    """One coverage cell; with a reason unless it is complete."""
    reason = None if state is CellState.COMPLETE else msg("控制节点10.8.0.2拒绝连接")
    return CellResult(cell=Cell(source, scope, kind), state=state, **{"seen": 3, "reason": reason, **fields})


def subject_of(thing: Project | System | Host, *projects: str) -> Subject:
    """The subject that a finding on the thing speaks of."""
    if isinstance(thing, Host):
        return Subject(
            kind="host", id=thing.id, name=thing.name, department=thing.ownership.department, projects=projects
        )
    return Subject(kind=thing.kind, id=thing.native_id, name=thing.name, department=thing.department, projects=projects)


def cells(cloud: CellState = CellState.COMPLETE) -> list[CellResult]:
    """What was looked at; the department's tower of another project did not answer."""
    return [
        cell(REGISTER, "*", "project"), cell(REGISTER, "*", "system"), cell(SHARING, "*", "sharing_entry"),
        cell(SHARING, "*", "sharing_use"), cell(CLOUD, "lhk-1", "host", cloud), cell(CLOUD, "lhk-1", "tenant"),
        cell(PROBE, "zrzy-tower", "host"),
        cell(PROBE, "old-nas", "host", CellState.FAILED, seen=0),
        cell(CLOUD, "lhk-1", "storage", CellState.NOT_CONFIGURED, seen=0),
    ]  # fmt: skip


def inventory(**fields: Any) -> Inventory:
    """The city: one project that is fine, one half-migrated, one of which nothing was found."""
    edu_raw, estate_raw, tower_raw = raw(name="edu-app-01"), raw(name="estate-app-01"), raw(name="zrzy-tower")
    edu_host = host(
        sighting("edu-app-01", "3f6c1e52-7d0f-4c39-9a44-0f2f7a1f6a01", tenant="t-edu", raw=edu_raw[0],
                 nics=(Nic(addresses=("10.20.1.11/24",)),), created_at=datetime(2024, 8, 1, 2, tzinfo=UTC)),
        Place.CLOUD_INSTANCE, "SYS-EDU",
    )  # fmt: skip
    estate_host = host(
        sighting("estate-app-01", "9a1b7c40-11d2-4e7e-8f0a-55aa00bb1122", tenant="t-estate", raw=estate_raw[0],
                 nics=(Nic(addresses=("10.20.2.21/24",)),), created_at=datetime(2024, 9, 9, 2, tzinfo=UTC)),
        Place.CLOUD_INSTANCE, "SYS-EST",
    )  # fmt: skip
    tower = host(
        sighting("zrzy-tower", "zrzy-tower", View.OS, zone="自然资源局内网", raw=tower_raw[0],
                 nics=(Nic(addresses=("192.168.8.9/24",)),), commissioned_on=date(2025, 3, 1)),
        Place.STANDALONE_PHYSICAL, "SYS-EST",
    )  # fmt: skip
    default: dict[str, Any] = {
        "as_of": NIGHT,
        "coverage": Coverage(
            [SourceInfo(name=CLOUD, type="openstack", is_platform=True), SourceInfo(name=PROBE, type="ssh"),
             SourceInfo(name=REGISTER, type="ledger", modified_at=NIGHT.replace(month=10)),
             SourceInfo(name=SHARING, type="ledger")],
            cells(),
            [Rejection(source=SHARING, file="共享目录.xlsx", sheet="目录", row=17, column="挂接日期 (H)",
                       value="2024年13月",
                       expected=msg("日期,如2024-05-20"), touches=("SYS-PARK",))],
        ),
        "departments": (Department(source=REGISTER, native_id="D1", observed_at=NIGHT, name="市教育局"),),
        "projects": (
            project(systems=("SYS-EDU",)),
            project(ESTATE, "不动产登记系统升级改造", department="市自然资源和规划局", systems=("SYS-EST",)),
            project(PARKING, "智慧停车管理平台", department="市城管执法局", systems=("SYS-PARK",)),
        ),
        "systems": (
            system(), system("SYS-EST", "不动产登记系统", department="市自然资源和规划局"),
            system("SYS-PARK", "智慧停车管理系统", department="市城管执法局", hosts=("park-db-01",)),
        ),
        "tenants": (
            Tenant(source=CLOUD, native_id="t-edu", observed_at=NIGHT, name="edu-prod"),
            Tenant(source=CLOUD, native_id="t-estate", observed_at=NIGHT, name="estate-prod"),
        ),
        "hosts": (edu_host, estate_host, tower),
        "quotas": (
            Quota(source=CLOUD, native_id="nova/t-edu", observed_at=NIGHT, name="nova", tenant="t-edu",
                  limits={"cores": 20, "ram": 64 * GIB}, used={"cores": 5, "ram": 16 * GIB}),
            Quota(source=CLOUD, native_id="nova/t-estate", observed_at=NIGHT, name="nova", tenant="t-estate",
                  limits={"ram": 64 * GIB}, used={"cores": 8, "ram": 32 * GIB}),
        ),
        "sharing_entries": (
            SharingEntry(source=SHARING, native_id="420682-JY-0007", observed_at=NIGHT, name="学籍基本信息",
                         system="SYS-EDU", direction="provide", sharing_type=SharingType.CONDITIONAL,
                         published_on=date(2024, 10, 8),
                         resource_id="r-001", resource_type="接口", mounted_on=date(2024, 10, 20)),
        ),
        "sharing_uses": (
            SharingUse(source=SHARING, native_id="use-1", observed_at=NIGHT, resource_id="r-001",
                       consumer_system="SYS-EST", period_start=date(2026, 10, 1), period_end=date(2026, 10, 31),
                       succeeded=1842, failed=3,
                       last_success_on=date(2026, 10, 31)),
        ),
        "missing_components": {"SYS-PARK": ("park-db-01",)},
    }  # fmt: skip
    return Inventory(**{**default, **fields})


def findings(city: Inventory) -> tuple[Finding, ...]:
    """One of every verdict, on the three projects and on what they run."""
    edu, estate, parking = city.projects[:3]
    tower = city.hosts[2]
    on = subject_of
    return (
        finding("14-standalone-compute", on(tower, ESTATE), Verdict.FAIL, evidence=tower.evidence,
                reason="2025-03-01取得的独立物理服务器zrzy-tower,晚于2024-01-15,不在政务云清单内"),
        finding("16-deployment", on(city.systems[1], ESTATE), Verdict.FAIL, evidence=tower.evidence,
                reason="2个组件中有1个(zrzy-tower)不在政务云"),
        finding("16-sharing", on(city.systems[1], ESTATE), Verdict.ADVISORY, reason="共享证据等级L2,低于L3"),
        finding("23.7-deployment", on(edu, EDU), Verdict.PASS, evidence=city.hosts[0].evidence,
                reason="全部1个组件已由政务云控制面证实"),
        finding("23.7-deployment", on(estate, ESTATE), Verdict.FAIL, evidence=tower.evidence,
                reason="组件zrzy-tower为独立物理服务器,未部署在政务云"),
        finding("23.7-deployment", on(parking, PARKING), Verdict.UNKNOWN, reason="登记组件park-db-01未被任何来源发现",
                missing=(msg("请建设单位说明park-db-01的实例编号,或由基础设施团队开通查看"),)),
        finding("23.7-sharing", on(edu, EDU), Verdict.PASS, evidence=tuple(e.key for e in city.sharing_entries),
                reason="近90日成功调用1842次(r-001)"),
        finding("23.7-sharing", on(estate, ESTATE), Verdict.UNKNOWN, reason="未见提供方平台日志"),
        finding("23.7-sharing", on(parking, PARKING), Verdict.UNKNOWN, reason="共享台账第17行无法读取"),
        finding("28-classified", Subject(kind="classified", id="*", name="涉密"), Verdict.NOT_APPLICABLE,
                reason="涉密事项按保密要求实施"),
    )  # fmt: skip


def result(city: Inventory | None = None, told: Sequence[Finding] | None = None, **scan: Any) -> Result:
    """The finished scan of the city."""
    city = inventory() if city is None else city
    told = findings(city) if told is None else tuple(told)
    info: dict[str, Any] = {
        "number": 42, "started_at": NIGHT, "finished_at": NIGHT.replace(minute=41), "as_of": NIGHT,
        "tool": "yunhe 0.1.0", "pack": "laohekou-2024 1", "digest": "5e" * 32, "exit_code": 3,
    }  # fmt: skip
    raws = dict([raw(name=name) for name in ("edu-app-01", "estate-app-01", "zrzy-tower")])
    known = {f"{f.key}={f.verdict}": Known(first_scan=40, first_at=NIGHT.replace(day=18)) for f in told}
    return Result(
        scan=ScanInfo(**{**info, **scan}),
        policy=Policy(pack=load_pack(), city="老河口市"),
        inventory=city,
        findings=tuple(told),
        known=known,
        breaches=(
            Breach(key="16-deployment@system/SYS-EDU", opened_at=NIGHT.replace(day=1), closed_at=NIGHT.replace(day=9)),
            Breach(key="16-deployment@system/SYS-EST", opened_at=NIGHT.replace(day=18), is_open=True),
            Breach(key="14-standalone-compute@host/gone", opened_at=NIGHT.replace(day=2)),
        ),
        last_complete={CLOUD: NIGHT, PROBE: NIGHT.replace(day=17)},
        raws=raws,
    )


def with_cells(city: Inventory, results: Sequence[CellResult]) -> Inventory:
    """The same city, seen like this."""
    return replace(city, coverage=Coverage(city.coverage.sources, results, city.coverage.rejections))
