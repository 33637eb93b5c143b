"""Valid things in one line: a test names only the field that it is about."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec

from checks.policy import Policy
from checks.regulation import load_pack
from inventory.coverage import Cell, CellResult, CellState, Coverage, Rejection, SourceInfo
from inventory.hosts import Host, Ownership, OwnershipHit, OwnershipRule, Place, Placement
from inventory.inventory import Inventory
from inventory.records import (
    Department,
    DesignItem,
    Funding,
    HostSighting,
    MlpsAssessment,
    MlpsFiling,
    Nic,
    Project,
    ProjectKind,
    SharingEntry,
    SharingType,
    SharingUse,
    Storage,
    System,
    Tenant,
    ThirdPartyResource,
    View,
    Workload,
)
from inventory.settings import PolicyChoices
from inventory.text import msg

NIGHT = datetime(2026, 11, 22, 18, tzinfo=UTC)
"""The scan's clock: 2026-11-23 02:00 in Asia/Shanghai."""
TODAY = date(2026, 11, 23)
CLOUD = "openstack:gov"
CLUSTER = "kubernetes:gov"
SSH = "ssh:county"
REGISTER = "ledger:register"

KINDS: dict[str, tuple[str, ...]] = {
    CLOUD: ("host", "hypervisor", "tenant", "port", "storage"),
    CLUSTER: ("host", "tenant", "workload"),
    SSH: ("host",),
    REGISTER: (
        "department",
        "project",
        "system",
        "mlps_filing",
        "mlps_assessment",
        "sharing_entry",
        "sharing_use",
        "third_party",
        "ownership",
        "design_item",
    ),
}


def cell(source: str, kind: str, state: CellState = CellState.COMPLETE, scope: str = "*") -> CellResult:
    """How one cell ended."""
    reason = None if state is CellState.COMPLETE else msg("the connection was reset")
    return CellResult(cell=Cell(source=source, scope=scope, kind=kind), state=state, seen=1, reason=reason)


def coverage(
    *broken: CellResult, without: Iterable[str] = (), rejections: Iterable[Rejection] = (), platform: bool = True
) -> Coverage:
    """Complete cells of all kinds, those in `broken` as given, those of the kinds `without` not planned at all."""
    replaced = {(r.cell.source, r.cell.kind) for r in broken}
    skipped = set(without)
    cells = [
        cell(source, kind)
        for source, kinds in KINDS.items()
        for kind in kinds
        if (source, kind) not in replaced and kind not in skipped
    ]
    sources = [
        SourceInfo(name=s, type=s.partition(":")[0], is_platform=platform and s in (CLOUD, CLUSTER)) for s in KINDS
    ]
    return Coverage(sources, [*cells, *broken], rejections)


def rejection(*touches: str, source: str = REGISTER, column: str = "等保级别 (F)") -> Rejection:
    """A ledger row that could not be used."""
    return Rejection(
        source=source,
        file="台账.xlsx",
        sheet="一",
        row=7,
        column=column,
        value="?",
        expected=msg("a level"),
        touches=touches,
    )


def department(name: str = "市教育局", **fields: Any) -> Department:
    return Department(**{"source": REGISTER, "native_id": name, "observed_at": NIGHT, "name": name, **fields})


def project(code: str = "P-1", **fields: Any) -> Project:
    """A new project of the city, awarded since the effective date."""
    given = {
        "source": REGISTER,
        "native_id": code,
        "observed_at": NIGHT,
        "name": f"项目{code}",
        "department": "市教育局",
        "project_kind": ProjectKind.NEW,
        "funding": Funding.GOVERNMENT,
        "systems": ("S-1",),
        "awarded_on": date(2025, 3, 3),
    }
    return Project(**{**given, **fields})


def legacy_project(code: str = "P-1", **fields: Any) -> Project:
    """A project from before the effective date."""
    return project(code, **{"awarded_on": date(2021, 5, 6), **fields})


def system(code: str = "S-1", **fields: Any) -> System:
    """A system of level 3."""
    given = {
        "source": REGISTER,
        "native_id": code,
        "observed_at": NIGHT,
        "name": f"系统{code}",
        "department": "市教育局",
        "mlps_level": 3,
    }
    return System(**{**given, **fields})


def sighting(name: str = "edu-web-1", view: View = View.SERVER, source: str = CLOUD, **fields: Any) -> HostSighting:
    """One source's view of a machine."""
    given = {
        "source": source,
        "native_id": f"id-{name}",
        "observed_at": NIGHT,
        "view": view,
        "name": name,
        "nics": (Nic(name="eth0", mac="fa:16:3e:00:00:01", addresses=("10.1.1.5/24",)),),
    }
    return HostSighting(**{**given, **fields})


def owned(*systems: str, projects: tuple[str, ...] = ("P-1",), **fields: Any) -> Ownership:
    """Ownership by a label."""
    codes = systems or ("S-1",)
    hit = OwnershipHit(rule=OwnershipRule.LABEL, value=f"system={codes[0]}", systems=codes, projects=projects)
    given = {"systems": codes, "projects": projects, "department": "市教育局", "hits": (hit,)}
    return Ownership(**{**given, **fields})


NOBODY = Ownership()
CONTESTED = Ownership(
    hits=(
        OwnershipHit(rule=OwnershipRule.LABEL, value="system=S-1", systems=("S-1",)),
        OwnershipHit(rule=OwnershipRule.TENANT, value="health", systems=("S-2",)),
    ),
    disagreement=msg("the label says S-1, the tenant says S-2"),
)


def host(
    name: str = "edu-web-1",
    place: Place = Place.CLOUD_INSTANCE,
    ownership: Ownership | None = None,
    sightings: tuple[HostSighting, ...] | None = None,
    **fields: Any,
) -> Host:
    """A host of system S-1; its one sighting is the cloud's, or over SSH where it stands elsewhere."""
    is_cloud = place in (Place.CLOUD_INSTANCE, Place.CLOUD_INFRASTRUCTURE)
    seen = sightings or (sighting(name) if is_cloud else sighting(name, View.OS, SSH),)
    owner = owned() if ownership is None else ownership
    missing = (msg("nobody has looked at the machine itself"),) if place is Place.UNDETERMINED else ()
    placement = Placement(
        place=place, facts=(msg("a fact"),), missing=missing, contract="C-1" if place is Place.THIRD_PARTY else None
    )
    given = {"id": f"id-{name}", "name": name, "sightings": seen, "placement": placement, "ownership": owner,
             "department": owner.department}  # fmt: skip
    return Host(**{**given, **fields})


def tower(name: str = "tower-1", commissioned_on: date | None = date(2025, 6, 1), **fields: Any) -> Host:
    """A department's own physical server."""
    seen = (
        sighting(name, View.OS, SSH),
        sighting(name, View.ASSET, "ledger:assets", commissioned_on=commissioned_on, department="市教育局"),
    )
    given: dict[str, Any] = {"ownership": NOBODY, "sightings": seen, "department": "市教育局"}
    return host(name, Place.STANDALONE_PHYSICAL, **{**given, **fields})


def contract(code: str = "C-1", **fields: Any) -> ThirdPartyResource:
    """A running contract of the centre, secured."""
    given = {
        "source": REGISTER,
        "native_id": code,
        "observed_at": NIGHT,
        "provider": "移动云",
        "valid_from": date(2026, 1, 1),
        "valid_to": date(2026, 12, 31),
        "filing_number": "42000012345-00009",
    }
    return ThirdPartyResource(**{**given, **fields})


def filing(number: str | None = "42060012345-00001", **fields: Any) -> MlpsFiling:
    """A valid certificate of system S-1."""
    given = {
        "source": REGISTER,
        "native_id": f"row {number}",
        "observed_at": NIGHT,
        "number": number,
        "system": "S-1",
        "level": 3,
        "filed_on": date(2025, 9, 1),
        "template": "2025",
    }
    return MlpsFiling(**{**given, **fields})


def platform_filing(**fields: Any) -> MlpsFiling:
    """The cloud's own certificate."""
    return filing(**{"number": "42060000001-00001", "system": None, "is_platform": True, **fields})


def assessment(**fields: Any) -> MlpsAssessment:
    """A good report on system S-1, half a year old."""
    given = {
        "source": REGISTER,
        "native_id": "report 1",
        "observed_at": NIGHT,
        "report_number": None,
        "system": "S-1",
        "reported_on": date(2026, 5, 20),
        "conclusion": "基本符合",
        "score": 82.5,
        "major_risks": 1,
    }
    return MlpsAssessment(**{**given, **fields})


def platform_assessment(**fields: Any) -> MlpsAssessment:
    """A good report on the cloud."""
    return assessment(**{"native_id": "report 0", "system": None, "is_platform": True, **fields})


def entry(code: str = "306001/000012", **fields: Any) -> SharingEntry:
    """A mounted entry of system S-1."""
    given = {
        "source": REGISTER,
        "native_id": code,
        "observed_at": NIGHT,
        "name": "学籍信息",
        "system": "S-1",
        "direction": "provide",
        "sharing_type": SharingType.CONDITIONAL,
        "published_on": date(2026, 1, 8),
        "resource_id": "r-1",
        "resource_type": "接口",
        "mounted_on": date(2026, 1, 9),
    }
    return SharingEntry(**{**given, **fields})


def use(resource: str = "r-1", **fields: Any) -> SharingUse:
    """Calls of the last whole month."""
    given = {
        "source": REGISTER,
        "native_id": f"{resource} 2026-10",
        "observed_at": NIGHT,
        "resource_id": resource,
        "consumer_system": "S-9",
        "period_start": date(2026, 10, 1),
        "period_end": date(2026, 10, 31),
        "succeeded": 120,
    }
    return SharingUse(**{**given, **fields})


def design_item(component: str = "应用服务器", **fields: Any) -> DesignItem:
    """One server of 4 vCPU, 8 GiB and 40 GiB that the design book of P-1 declares."""
    given = {
        "source": REGISTER,
        "native_id": f"P-1|{component}",
        "observed_at": NIGHT,
        "project": "P-1",
        "component": component,
        "count": 1,
        "vcpus": 4,
        "memory_bytes": 8 * 1024**3,
        "disk_bytes": 40 * 1024**3,
        "address_count": 1,
    }
    return DesignItem(**{**given, **fields})


def sized(name: str = "edu-web-1", **fields: Any) -> HostSighting:
    """A cloud instance of the size that `design_item` declares."""
    given = {"vcpus": 4, "memory_bytes": 8 * 1024**3, "disk_bytes": 40 * 1024**3, "image": "i-1"}
    return sighting(name, **{**given, **fields})


def tenant(name: str = "edu", source: str = CLOUD, **fields: Any) -> Tenant:
    return Tenant(**{"source": source, "native_id": f"t-{name}", "observed_at": NIGHT, "name": name, **fields})


def listed(*names: str, code: str = "S-1") -> dict[str, Any]:
    """Tenants that the cloud lists and that the register gives to the system by name: fields of `city`."""
    tenants = tuple(map(tenant, names))
    return {
        "tenants": tenants,
        "owners": {
            t.key: Ownership(
                systems=(code,),
                hits=(OwnershipHit(rule=OwnershipRule.TENANT, value=t.name, systems=(code,), evidence=t.key),),
            )
            for t in tenants
        },
    }


def storage(name: str = "vol-1", **fields: Any) -> Storage:
    given = {"source": CLOUD, "native_id": name, "observed_at": NIGHT, "name": name, "storage_kind": "volume"}
    return Storage(**{**given, **fields})


def workload(name: str = "web", **fields: Any) -> Workload:
    """A pod on node `node-1`."""
    given = {
        "source": CLUSTER,
        "native_id": f"uid-{name}",
        "observed_at": NIGHT,
        "workload_kind": "Pod",
        "namespace": "edu",
        "name": name,
        "node": "node-1",
    }
    return Workload(**{**given, **fields})


def policy(choices: PolicyChoices | None = None, **fields: Any) -> Policy:
    """The Laohekou policy."""
    given: dict[str, Any] = {
        "pack": load_pack(),
        "city": "老河口市",
        "platform_filing_number": "42060000001-00001",
        "filing_regions": ("420600", "420682"),
        "choices": choices or PolicyChoices(),
    }
    return Policy(**{**given, **fields})


def inventory(**fields: Any) -> Inventory:
    """Nothing at all, completely seen."""
    return Inventory(**{"as_of": NIGHT, "coverage": coverage(), **fields})


def city(**fields: Any) -> Inventory:
    """One project with one system that does everything right: new, on the cloud, filed, assessed, shared and used."""
    given: dict[str, Any] = {
        "projects": (project(),),
        "systems": (system(),),
        "hosts": (host(),),
        "filings": (filing(), platform_filing()),
        "assessments": (assessment(), platform_assessment()),
        "sharing_entries": (entry(),),
        "sharing_uses": (use(),),
        "departments": (department(),),
    }
    return inventory(**{**given, **fields})


def with_fields(record: Any, **fields: Any) -> Any:
    """The record with other values."""
    return msgspec.structs.replace(record, **fields)


def days_ago(days: int) -> datetime:
    return NIGHT - timedelta(days=days)
