"""What 23-design says, whole: what a technical design book 技术设计书 declares, held against what runs."""

from dataclasses import replace
from typing import Any

import builders as b
from told import Case

from inventory.coverage import CellState, Coverage
from inventory.hosts import Host, Ownership, OwnershipHit, OwnershipRule
from inventory.inventory import Inventory
from inventory.records import Funding, Nic, ProjectKind
from inventory.text import msg

GIB = 1024**3
SHARED = b.owned(projects=("P-1", "P-2"), hits=(OwnershipHit(rule=OwnershipRule.LABEL, value="S-1", systems=("S-1",)),))
"""By a label that names the system, which both projects build."""
TWO_PROJECTS = Ownership(
    hits=tuple(OwnershipHit(rule=OwnershipRule.LABEL, value=code, projects=(code,)) for code in ("P-1", "P-2")),
    disagreement=msg("the label says P-1, the label says P-2"),
)
OTHERS = Ownership(
    hits=tuple(OwnershipHit(rule=OwnershipRule.LABEL, value=code, systems=(code,)) for code in ("S-8", "S-9")),
    disagreement=msg("the label says S-8, the label says S-9"),
)
IN_PODS = b.design_item(disk_bytes=None, address_count=None)
WORDS = b.design_item(count=None, vcpus=None, memory_bytes=None, disk_bytes=None, address_count=None)


DISPUTED = msg("one address, two serial numbers")


def machine(name: str = "edu-web-1", ownership: Ownership | None = None, **size: Any) -> Host:
    return b.host(name, ownership=ownership, sightings=(b.sized(name, **size),))


def city(*items: Any, **given: Any) -> Inventory:
    return b.city(**{"hosts": (machine(),), "design_items": items or (b.design_item(),), **given})


def broken(source: str, kind: str, state: CellState = CellState.PARTIAL) -> Any:
    return b.coverage(b.cell(source, kind, state))


def pod(name: str = "web", **given: Any) -> Any:
    return b.workload(name, **{"phase": "Running", "cpu_millicores": 4000, "memory_bytes": 8 * GIB, **given})


def in_cluster(*workloads: Any, item: Any = IN_PODS) -> Inventory:
    return city(item, hosts=(), workloads=workloads, owners={w.key: b.owned() for w in workloads})


def volume(name: str, gib: int | None, **given: Any) -> Any:
    size = None if gib is None else gib * GIB
    return b.storage(name, **{"size_bytes": size, "attached_to": ("id-edu-web-1",), **given})


DESIGN: dict[str, Case] = {
    "not paid from public funds": city(projects=(b.project(funding=Funding.NON_FISCAL),)),
    "no design book": b.city(),
    "no design book, the ledger was cut short": b.city(coverage=broken(b.REGISTER, "design_item")),
    "as declared": city(),
    "twice the processors": city(hosts=(machine(vcpus=8),)),
    "an address that no machine has": city(b.design_item(address_count=None, addresses=("10.1.1.9",))),
    "a machine that tells no size": city(hosts=(machine(memory_bytes=None),)),
    "the cloud's listing was cut short": city(coverage=broken(b.CLOUD, "host")),
    "nothing was found": city(hosts=()),
    "nothing was found, nobody's department": city(hosts=(), projects=(b.project(department=None),)),
    "a book of words": city(WORDS),
    "the project names no system, its machine does": city(projects=(b.project(systems=()),), systems=()),
    "the project names a system that the register does not have": city(
        projects=(b.project(systems=("S-404",)),), hosts=()
    ),
    "a machine whose owner is contested": city(hosts=(machine(), machine("edu-db-1", b.CONTESTED))),
    "a machine that another project builds too": city(
        projects=(b.project(), b.project("P-2", project_kind=ProjectKind.UPGRADE)), hosts=(machine(ownership=SHARED),)
    ),
    "a machine of which two sources do not agree": city(hosts=(replace(machine(), conflicts=(DISPUTED,)),)),
    "a machine that the register names and no source showed": city(
        missing_components={"S-1": ("edu-db-9", "edu-db-8"), "S-9": ("other",)}
    ),
    "no source of systems": city(coverage=b.coverage(without=("system",))),
    "more doubts than are told": city(missing_components={"S-1": tuple(f"edu-{n}" for n in range(9))}),
    "two rules that name two projects": city(hosts=(machine(), machine("edu-db-1", TWO_PROJECTS))),
    "a contest among others": city(hosts=(machine(), machine("hr-db-1", OTHERS))),
    "two clouds, of which the first did not list its volumes": city(
        hosts=(machine(), replace(machine("west"), sightings=(b.sized("west", source="openstack:west"),))),
        coverage=Coverage(
            b.coverage().sources, [
                *(r for r in b.coverage().results if r.cell.kind != "storage"),
                b.cell(b.CLOUD, "storage", CellState.FAILED), b.cell("openstack:west", "storage"),
            ],
        ),
    ),
    "two machines that the same words contest": city(hosts=(machine("a", b.CONTESTED), machine("c", b.CONTESTED))),
    "more absent addresses than are told": city(
        b.design_item(
            address_count=None,
            addresses=("fe80::1", "10.1.1.10", "10.1.1.9/24", "10.1.1.5", *(f"10.1.2.{n}" for n in range(7))),
        ),
        hosts=tuple(machine(f"edu-{n}", nics=(Nic(addresses=(f"10.1.1.{n}/24",)),)) for n in range(1, 6)),
    ),
    "half a processor more, and half a GiB": city(
        b.design_item(vcpus=1, memory_bytes=GIB, disk_bytes=None, address_count=None, count=None),
        hosts=(), workloads=(pod(cpu_millicores=1500, memory_bytes=3 * GIB // 2),), owners={pod().key: b.owned()},
    ),
    "the volumes were not listed": city(coverage=broken(b.CLOUD, "storage", CellState.FAILED)),
    "nobody planned to list volumes": city(coverage=b.coverage(without=("storage",))),
    "a cloud that has no volumes": city(coverage=broken(b.CLOUD, "storage", CellState.NOT_CONFIGURED)),
    "volumes that tell no size": city(storages=(volume("data", None), volume("logs", None), volume("more", 10))),
    "a volume beside the disk": city(storages=(volume("data", 100), volume("of another", 500, attached_to=("x",)))),
    "a pod that asks for nothing": in_cluster(pod(cpu_millicores=None, memory_bytes=None)),
    "pods, and a book that declares addresses": in_cluster(pod(), item=b.design_item(disk_bytes=None)),
    "a deployment and its pods are one component": in_cluster(
        b.workload("web", workload_kind="Deployment", native_id="d", replicas=2),
        pod("web-1", owner_uid="d", cpu_millicores=2000, memory_bytes=4 * GIB),
        pod("web-2", owner_uid="d", cpu_millicores=2000, memory_bytes=4 * GIB),
        b.workload("idle", workload_kind="Deployment", native_id="i", replicas=0),
        pod("done", phase="Succeeded", owner_uid="d"), pod("broken", phase="Failed", owner_uid="d"),
    ),
    "volumes that pods claim": city(
        b.design_item(disk_bytes=60 * GIB, address_count=None), hosts=(), workloads=(pod(),),
        storages=(
            volume("pv-1", 60, storage_kind="persistent_volume"), volume("pv-2", 70, storage_kind="persistent_volume"),
            volume("not claimed", 80),
        ),
        owners={
            pod().key: b.owned(), volume("pv-1", 60).key: b.owned(), volume("not claimed", 80).key: b.owned(),
            volume("pv-2", 70).key: b.owned("S-2", projects=()),
        },
    ),
    "a machine and a pod, each with a volume": city(
        b.design_item(count=2, disk_bytes=100 * GIB, address_count=None),
        workloads=(pod(),),
        storages=(volume("data", 100), volume("pv-1", 60, storage_kind="persistent_volume", attached_to=())),
        owners={pod().key: b.owned(), volume("pv-1", 60).key: b.owned()},
    ),
}  # fmt: skip

CASES: dict[str, dict[str, Case]] = {"23-design": DESIGN}
