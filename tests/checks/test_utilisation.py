"""资源利用率: what is set aside of what there is, each measure by itself, and nothing made up."""

from typing import Any

import builders as b
import pytest

from checks.utilisation import Measure, Resource, Utilisation, utilisations
from inventory.coverage import CellState
from inventory.hosts import Host, Place
from inventory.inventory import Inventory
from inventory.records import Quota, View

GIB = 1024**3


def told(inventory: Inventory, measure: Measure, resource: Resource) -> Utilisation | None:
    found = [u for u in utilisations(inventory) if (u.measure, u.resource) == (measure, resource)]
    assert len(found) <= 1
    return found[0] if found else None


def amounts(inventory: Inventory, measure: Measure, resource: Resource = Resource.CPU) -> tuple[int, int, int] | None:
    found = told(inventory, measure, resource)
    return None if found is None else (found.allocated, found.capacity, found.unknown)


# ── quotas ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def quota(tenant: str, limits: dict[str, int], used: dict[str, int], source: str = b.CLOUD) -> Quota:
    return Quota(source=source, native_id=f"q/{tenant}", observed_at=b.NIGHT, name="nova", tenant=tenant,
                 limits=limits, used=used)  # fmt: skip


def test_quotas_add_up_over_tenants() -> None:
    quotas = (quota("a", {"cores": 20, "ram": 64 * GIB}, {"cores": 5, "ram": 16 * GIB}),
              quota("b", {"cores": 20, "ram": 64 * GIB}, {"cores": 20, "ram": 32 * GIB}))  # fmt: skip
    city = b.city(quotas=quotas)

    assert amounts(city, Measure.QUOTA) == (25_000, 40_000, 0)
    assert amounts(city, Measure.QUOTA, Resource.MEMORY) == (48 * GIB, 128 * GIB, 0)
    assert amounts(city, Measure.QUOTA, Resource.STORAGE) is None


@pytest.mark.parametrize(
    ("limits", "used"),
    [({}, {"cores": 500}), ({"cores": 500}, {}), ({}, {"cores": 0})],
    ids=["no limit", "no use", "0"],
)
def test_a_tenant_without_a_limit_or_a_count_is_unknown_and_in_no_sum(
    limits: dict[str, int], used: dict[str, int]
) -> None:
    """An unlimited quota has no share that is used: it would make the rate of the others as small as one likes."""
    quotas = (quota("a", {"cores": 20}, {"cores": 5}), quota("b", limits, used), quota("c", limits, used))

    assert amounts(b.city(quotas=quotas[:2]), Measure.QUOTA) == (5_000, 20_000, 1)
    assert amounts(b.city(quotas=quotas), Measure.QUOTA) == (5_000, 20_000, 2)


def test_only_unlimited_tenants_are_no_rate() -> None:
    found = told(b.city(quotas=(quota("a", {}, {"cores": 5}),)), Measure.QUOTA, Resource.CPU)

    assert found is not None
    assert (found.ratio, found.unknown) == (None, 1)


def test_kubernetes_calls_one_thing_by_two_names() -> None:
    """`cpu` of a ResourceQuota is `requests.cpu`, in thousandths already: not twice."""
    both = quota("ns", {"cpu": 4000, "requests.cpu": 4000}, {"cpu": 1000, "requests.cpu": 1000}, b.CLUSTER)

    assert amounts(b.city(quotas=(both,)), Measure.QUOTA) == (1000, 4000, 0)


def test_sources_do_not_mix() -> None:
    quotas = (quota("a", {"cores": 20}, {"cores": 5}), quota("a", {"cores": 8}, {"cores": 8}, "openstack:west"))

    assert [(u.source, u.ratio) for u in utilisations(b.city(quotas=quotas))] == [
        ("openstack:gov", 0.25), ("openstack:west", 1.0),
    ]  # fmt: skip


# ── compute hosts ────────────────────────────────────────────────────────────────────────────────────────────────────


def compute(name: str = "compute-1", **size: Any) -> Host:
    seen = b.sighting(name, View.HYPERVISOR, **{"vcpus": 64, "memory_bytes": 256 * GIB, **size})
    return b.host(name, Place.CLOUD_INFRASTRUCTURE, b.NOBODY, sightings=(seen,))


def server(name: str = "web", **given: Any) -> Host:
    return b.host(name, sightings=(b.sized(name, **{"status": "ACTIVE", **given}),))


def test_servers_are_held_against_the_physical_size_of_the_compute_hosts() -> None:
    city = b.city(hosts=(compute(), compute("compute-2"), server(), server("db", vcpus=28)))

    assert amounts(city, Measure.HYPERVISOR) == (32_000, 128_000, 0)
    assert amounts(city, Measure.HYPERVISOR, Resource.MEMORY) == (16 * GIB, 512 * GIB, 0)


def test_an_overcommitted_cloud_is_over_one() -> None:
    found = told(b.city(hosts=(compute(), server(vcpus=128))), Measure.HYPERVISOR, Resource.CPU)

    assert found is not None
    assert found.ratio == 2.0


def test_a_compute_host_that_tells_no_size_makes_no_rate() -> None:
    """Its servers would be counted, and its room not."""
    found = told(b.city(hosts=(compute(), compute("compute-2", vcpus=None), server())), Measure.HYPERVISOR,
                 Resource.CPU)  # fmt: skip

    assert found is not None
    assert (found.ratio, found.unknown) == (None, 1)


def test_a_server_that_tells_no_size_is_counted_as_unknown() -> None:
    assert amounts(b.city(hosts=(compute(), server(vcpus=None), server("db"))), Measure.HYPERVISOR) == (4000, 64_000, 1)


@pytest.mark.parametrize(("status", "vcpus"), [("SHUTOFF", 4000), ("SHELVED_OFFLOADED", 0), ("ACTIVE", 4000)])
def test_a_server_that_is_off_keeps_its_room_and_one_that_is_shelved_does_not(status: str, vcpus: int) -> None:
    assert amounts(b.city(hosts=(compute(), server(status=status))), Measure.HYPERVISOR) == (vcpus, 64_000, 0)


# ── nodes ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def node(name: str = "node-1", **size: Any) -> Host:
    given = {"allocatable_millicores": 7910, "allocatable_bytes": 30 * GIB, "vcpus": 8, **size}
    return b.host(name, sightings=(b.sighting(name, View.NODE, b.CLUSTER, **given),))


def pod(name: str, cpu: int | None = 500, **given: Any) -> Any:
    return b.workload(name, **{"phase": "Running", "cpu_millicores": cpu, "memory_bytes": GIB, **given})


def test_requests_are_held_against_what_nodes_can_set_aside() -> None:
    """Not against capacity: what the kubelet keeps for itself no pod can have."""
    city = b.city(hosts=(node(),), workloads=(pod("a"), pod("b", 1500)))

    assert amounts(city, Measure.REQUESTS) == (2000, 7910, 0)
    assert amounts(city, Measure.REQUESTS, Resource.MEMORY) == (2 * GIB, 30 * GIB, 0)


def test_a_pod_without_requests_is_told_as_unknown() -> None:
    assert amounts(b.city(hosts=(node(),), workloads=(pod("a"), pod("b", None))), Measure.REQUESTS) == (500, 7910, 1)


def test_pods_that_have_ended_or_wait_for_a_node_take_nothing() -> None:
    pods = (pod("a"), pod("done", phase="Succeeded"), pod("broken", phase="Failed"), pod("waits", node=None))
    deployment = b.workload("web", workload_kind="Deployment", cpu_millicores=9000)

    assert amounts(b.city(hosts=(node(),), workloads=(*pods, deployment)), Measure.REQUESTS) == (500, 7910, 0)


def test_a_node_of_an_older_capture_tells_no_allocatable_and_makes_no_rate() -> None:
    found = told(b.city(hosts=(node(allocatable_millicores=None),), workloads=(pod("a"),)), Measure.REQUESTS,
                 Resource.CPU)  # fmt: skip

    assert found is not None
    assert (found.ratio, found.unknown) == (None, 1)


def test_where_one_of_three_nodes_tells_no_size_there_is_no_rate() -> None:
    """Its pods are in the sum, its room is not: a rate would be too high."""
    nodes = (node(), node("node-2", allocatable_millicores=None), node("node-3"))
    found = told(b.city(hosts=nodes, workloads=(pod("a"),)), Measure.REQUESTS, Resource.CPU)

    assert found is not None
    assert (found.allocated, found.capacity, found.unknown, found.unsized, found.ratio) == (500, 15820, 1, 1, None)


def test_where_one_of_three_compute_hosts_tells_no_size_there_is_no_rate() -> None:
    hosts = (compute(), compute("compute-2", vcpus=None), compute("compute-3"), server())
    found = told(b.city(hosts=hosts), Measure.HYPERVISOR, Resource.CPU)

    assert found is not None
    assert (found.allocated, found.capacity, found.unknown, found.unsized, found.ratio) == (4000, 128_000, 1, 1, None)


def test_coverage_of_its_own_source_stands_beside_each() -> None:
    broken = b.coverage(b.cell(b.CLUSTER, "workload", CellState.PARTIAL))
    city = b.city(hosts=(node(), compute(), server()), workloads=(pod("a"),), coverage=broken)

    cluster, cloud = told(city, Measure.REQUESTS, Resource.CPU), told(city, Measure.HYPERVISOR, Resource.CPU)

    assert cluster is not None
    assert cloud is not None
    assert (cluster.complete_cells, cluster.planned_cells) == (1, 2)
    assert (cloud.complete_cells, cloud.planned_cells) == (2, 2)


def test_a_city_without_such_sources_has_no_utilisation() -> None:
    assert utilisations(b.city()) == ()
