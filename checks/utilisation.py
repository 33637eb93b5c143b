"""资源利用率: how much of what there is, is given away. What our sources tell is allocation, never load.

Neither Nova's quotas nor a Pod's requests say how busy a CPU is: a figure of that needs a monitoring system, and none
is made up here. Each measure names what it divides by what.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from inventory.coverage import CellState, Coverage
from inventory.inventory import Inventory
from inventory.records import HostSighting, Quota, View, Workload
from inventory.text import mark

MILLI = 1000


class Resource(StrEnum):
    """What is given away."""

    CPU = "cpu"
    """In thousandths of a core, or of a vCPU."""
    MEMORY = "memory"
    """In bytes."""
    STORAGE = "storage"
    """In bytes."""


class Measure(StrEnum):
    """What is divided by what."""

    QUOTA = "quota"
    """配额使用: what counts against the tenants' quotas, by what these allow."""
    HYPERVISOR = "hypervisor"
    """宿主机分配: sizes of the servers, by the physical size of the compute hosts; over 1 where overcommitted."""
    REQUESTS = "requests"
    """容器请求: requests of the pods that are bound to nodes, by what the nodes can set aside (allocatable)."""


MEASURES = {
    Measure.QUOTA: mark("used of the tenants' quotas"),
    Measure.HYPERVISOR: mark("sizes of servers, of the compute hosts' physical size"),
    Measure.REQUESTS: mark("requests of pods, of what nodes can set aside"),
}
RESOURCES = {Resource.CPU: mark("CPU"), Resource.MEMORY: mark("memory"), Resource.STORAGE: mark("storage")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Utilisation:
    """One measure of one resource of one source."""

    source: str
    measure: Measure
    resource: Resource
    allocated: int
    """In the resource's base unit: of everything that tells its amount."""
    capacity: int
    unknown: int
    """Tenants, hosts, servers, nodes or pods of which the amount, or the limit, is not told: in neither sum."""
    unsized: int = 0
    """Of the unknown, hosts or nodes that do not tell their capacity, while what is allocated on them is in the sum."""
    complete_cells: int = 0
    planned_cells: int = 0

    @property
    def ratio(self) -> float | None:
        """Allocated over capacity; None where there is nothing to divide by, or not all of it is told."""
        return self.allocated / self.capacity if self.capacity and not self.unsized else None


def utilisations(inventory: Inventory) -> tuple[Utilisation, ...]:
    """All measures that the sources allow, by source, measure and resource; pure."""
    found = [*_quotas(inventory), *_hypervisors(inventory), *_requests(inventory)]
    told = [_with_coverage(u, inventory.coverage) for u in found if u.capacity or u.allocated or u.unknown]
    return tuple(sorted(told, key=lambda u: (u.source, u.measure, u.resource)))


_READS: Mapping[Measure, tuple[str, ...]] = {
    Measure.QUOTA: ("quota",),
    Measure.HYPERVISOR: ("host", "hypervisor"),
    Measure.REQUESTS: ("host", "workload"),
}


def _with_coverage(told: Utilisation, coverage: Coverage) -> Utilisation:
    cells = [r for r in coverage.of(*_READS[told.measure]) if r.cell.source == told.source and not r.is_excluded]
    planned = [r for r in cells if r.state is not CellState.NOT_CONFIGURED]
    return replace(told, complete_cells=sum(r.is_complete for r in planned), planned_cells=len(planned))


_QUOTA_NAMES: Mapping[str, tuple[Resource, int]] = {
    "cores": (Resource.CPU, MILLI),
    "ram": (Resource.MEMORY, 1),
    "gigabytes": (Resource.STORAGE, 1),
    "requests.cpu": (Resource.CPU, 1),
    "cpu": (Resource.CPU, 1),
    "requests.memory": (Resource.MEMORY, 1),
    "memory": (Resource.MEMORY, 1),
    "requests.storage": (Resource.STORAGE, 1),
}
"""Names of Nova, Cinder and Kubernetes for the resource, and what their amount is multiplied by."""


def _quotas(inventory: Inventory) -> Iterator[Utilisation]:
    """Tenants without a limit, or whose use is not told, are unknown: an unlimited quota has no share that is used."""
    sums: dict[tuple[str, Resource], list[int]] = defaultdict(lambda: [0, 0, 0])
    for quota in inventory.quotas:
        for name in _names(quota):
            resource, unit = _QUOTA_NAMES[name]
            limit, used = quota.limits.get(name), quota.used.get(name)
            total = sums[quota.source, resource]
            if limit is None or used is None:
                total[2] += 1
            else:
                total[0] += used * unit
                total[1] += limit * unit
    for (source, resource), (used, limit, unknown) in sums.items():
        yield Utilisation(source=source, measure=Measure.QUOTA, resource=resource, allocated=used, capacity=limit,
                          unknown=unknown)  # fmt: skip


def _names(quota: Quota) -> Iterable[str]:
    """One name for each resource: a Kubernetes quota may call its CPU `cpu` and `requests.cpu`, which are the same."""
    told: dict[Resource, str] = {}
    for name, (resource, _) in _QUOTA_NAMES.items():
        if name in quota.limits or name in quota.used:
            told.setdefault(resource, name)
    return told.values()


_OFF_THE_HOST = frozenset({"shelved_offloaded", "deleted", "soft_deleted"})
"""States of Nova in which a server takes no room on a compute host."""


def _hypervisors(inventory: Inventory) -> Iterator[Utilisation]:
    """Disks are left out: whether an instance's disk lies on its host or in the cloud's storage, Nova does not say."""
    hosts: dict[str, list[HostSighting]] = defaultdict(list)
    servers: dict[str, list[HostSighting]] = defaultdict(list)
    for host in inventory.hosts:
        for sighting in host.sightings:
            if sighting.view is View.HYPERVISOR:
                hosts[sighting.source].append(sighting)
            elif sighting.view is View.SERVER and (sighting.status or "").casefold() not in _OFF_THE_HOST:
                servers[sighting.source].append(sighting)
    for source, mine in hosts.items():
        for resource, field, unit in ((Resource.CPU, "vcpus", MILLI), (Resource.MEMORY, "memory_bytes", 1)):
            sizes = [getattr(s, field) for s in mine]
            given = [getattr(s, field) for s in servers[source]]
            yield Utilisation(
                source=source,
                measure=Measure.HYPERVISOR,
                resource=resource,
                allocated=sum(g * unit for g in given if g is not None),
                capacity=sum(s * unit for s in sizes if s is not None),
                unknown=sum(s is None for s in sizes) + sum(g is None for g in given),
                unsized=sum(s is None for s in sizes),
            )


def _requests(inventory: Inventory) -> Iterator[Utilisation]:
    """A pod that asks for nothing sets nothing aside, and may use as much as there is: it is told among the unknown."""
    nodes: dict[str, list[HostSighting]] = defaultdict(list)
    for host in inventory.hosts:
        for sighting in host.seen_by(View.NODE):
            nodes[sighting.source].append(sighting)
    pods: dict[str, list[Workload]] = defaultdict(list)
    for workload in inventory.workloads:
        # A pod that waits for a node takes nothing, and one that has ended gives back what it had.
        is_bound = workload.workload_kind == "Pod" and workload.node is not None
        if is_bound and workload.phase not in ("Succeeded", "Failed"):
            pods[workload.source].append(workload)
    for source, mine in nodes.items():
        for resource, of_node, of_pod in (
            (Resource.CPU, "allocatable_millicores", "cpu_millicores"),
            (Resource.MEMORY, "allocatable_bytes", "memory_bytes"),
        ):
            sizes = [getattr(n, of_node) for n in mine]
            asked = [getattr(p, of_pod) for p in pods[source]]
            yield Utilisation(
                source=source,
                measure=Measure.REQUESTS,
                resource=resource,
                allocated=sum(a for a in asked if a is not None),
                capacity=sum(s for s in sizes if s is not None),
                unknown=sum(s is None for s in sizes) + sum(a is None for a in asked),
                unsized=sum(s is None for s in sizes),
            )
