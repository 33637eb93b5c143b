"""Every kind of an OpenStack against the real services: what is kept of each, and states that clouds are found in."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import pytest
from fault_proxy import Faults, fault_proxy
from openstack_service import OpenStackCloud, Seeded

from collectors.collector import Incomplete, collect
from collectors.openstack_source import CLOUD_KINDS, REGION_KINDS, openstack_collectors
from inventory.collection import Collection
from inventory.coverage import CellResult, CellState
from inventory.guard import Guard
from inventory.records import (
    Aggregate,
    BareMetalNode,
    CountMismatch,
    Domain,
    Flavor,
    HostSighting,
    Image,
    LoadBalancer,
    Opening,
    PlatformService,
    Port,
    Quota,
    Record,
    RoleAssignment,
    SecurityGroup,
    ServerGroup,
    Snapshot,
    Storage,
    Tenant,
    View,
)
from inventory.settings import OpenStackSource
from inventory.text import tell

pytestmark = [pytest.mark.openstack, pytest.mark.timeout(600)]

GIB = 1024**3
R = TypeVar("R", bound=Record)


def clock() -> datetime:
    return datetime.now(UTC)


def collected(clouds_yaml: Path, cloud: str = "zed", **settings: object) -> Collection:
    source = OpenStackSource(name="city", cloud=cloud, clouds_yaml=str(clouds_yaml), **settings)
    return collect(openstack_collectors(source, base=Path("/"), clock=clock), guard=Guard(()), clock=clock)


def cell(collection: Collection, kind: str) -> CellResult:
    return next(c for c in collection.cells if c.cell.kind == kind)


def reason(result: CellResult) -> str:
    return tell(result.reason, "en") if result.reason else ""


def of(collection: Collection, kind: type[R]) -> list[R]:
    return [r for r in collection.records if isinstance(r, kind)]


def servers(collection: Collection) -> dict[str, HostSighting]:
    return {r.native_id: r for r in of(collection, HostSighting) if r.view is View.SERVER}


def until(done: Any, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.3)


@pytest.fixture(scope="module")
def hidden_things(openstack_cloud: OpenStackCloud, seeded_openstack: Seeded) -> Iterator[None]:
    """What each service hides from whoever does not ask well: other projects' private things, a closed project."""
    admin = openstack_cloud.connect()
    inside = openstack_cloud.connect(project_name="dept-1")
    inside.image.create_image(
        name="dept-1-golden", data=b"x", disk_format="raw", container_format="bare", visibility="private", wait=True
    )
    outdated = inside.image.post(
        "/images",
        json={"name": "dept-1-outdated", "disk_format": "raw", "container_format": "bare", "os_hidden": True},
    ).json()
    flavor = admin.compute.create_flavor(name="dept-1-only", ram=512, vcpus=1, disk=1, ephemeral=3, is_public=False)
    closed = admin.identity.post(
        "/projects",
        json={"project": {"name": "closed", "domain_id": "default", "enabled": False, "options": {"immutable": True}}},
    ).json()["project"]
    hypervisor = next(admin.compute.services(host="compute2", binary="nova-compute"))
    admin.compute.put(f"/os-services/{hypervisor.id}", json={"status": "disabled", "disabled_reason": "内存更换"},
                      microversion="2.53")  # fmt: skip
    tenant = seeded_openstack.projects["dept-0"]
    admin.compute.put(f"/os-quota-sets/{tenant}", json={"quota_set": {"instances": 10, "ram": 40960}})
    yield
    admin.compute.delete(f"/os-quota-sets/{tenant}")
    admin.compute.put(f"/os-services/{hypervisor.id}", json={"status": "enabled"}, microversion="2.53")
    admin.identity.patch(f"/projects/{closed['id']}", json={"project": {"options": {"immutable": None}}})
    admin.identity.delete_project(closed["id"])
    admin.compute.delete_flavor(flavor)
    for image in list(inside.image.images(name="dept-1-golden")):
        inside.image.delete_image(image)
    inside.image.delete_image(outdated["id"])


@pytest.fixture(scope="module")
def whole(openstack_cloud: OpenStackCloud, hidden_things: None) -> Collection:
    """What the administrator sees, in pages of three so that most listings have several."""
    return collected(openstack_cloud.clouds_yaml, page_size=3)


def test_every_kind_is_read_to_its_end(whole: Collection) -> None:
    told = {c.cell.kind: reason(c) for c in whole.cells if c.state is not CellState.COMPLETE}

    assert told == {}
    assert {c.cell.kind for c in whole.cells} == {*CLOUD_KINDS, *REGION_KINDS}


def test_keystone_tells_domains_closed_projects_and_who_holds_what(whole: Collection, seeded_openstack: Seeded) -> None:
    assert [(d.name, d.is_enabled) for d in of(whole, Domain)] == [("Default", True)]
    closed = next(t for t in of(whole, Tenant) if t.name == "closed")
    assert (closed.is_enabled, closed.is_immutable) == (False, True)
    held = {(a.holder, a.role, a.tenant, a.is_system) for a in of(whole, RoleAssignment)}
    assert ("confined", "reader", seeded_openstack.projects["dept-0"], False) in held
    assert ("auditor", "reader", None, True) in held


def test_a_server_says_what_it_was_made_of(whole: Collection, seeded_openstack: Seeded) -> None:
    images = {i.native_id: i for i in of(whole, Image)}
    for identifier in seeded_openstack.servers:
        server = servers(whole)[identifier]
        assert server.flavor == "m1.small"
        assert server.image in images
        assert server.availability_zone in {"az1", "az2"}
        assert server.launched_at is not None
    assert sum("XM-tagged" in s.tags for s in servers(whole).values()) == 3


def test_server_groups_of_every_project_are_found_page_by_page(whole: Collection, seeded_openstack: Seeded) -> None:
    groups = {g.name: g for g in of(whole, ServerGroup)}
    assert groups.keys() == {"dept-0-apart", "dept-1-apart", "dept-2-apart"}
    for group in groups.values():
        assert group.policy == "soft-anti-affinity"
        assert {seeded_openstack.servers[m] for m in group.members} == {group.name.removesuffix("-apart")}


def test_a_volume_names_its_server_and_its_snapshot_the_volume(whole: Collection, seeded_openstack: Seeded) -> None:
    volumes = {v.native_id: v for v in of(whole, Storage)}
    assert {v.status for v in volumes.values()} == {"in-use"}
    for volume in volumes.values():
        (server,) = volume.attached_to
        assert seeded_openstack.projects[seeded_openstack.servers[server]] == volume.tenant
        assert volume.storage_class == "__DEFAULT__"
    snapshots = of(whole, Snapshot)
    assert {s.volume for s in snapshots} == set(volumes)
    assert {(s.size_bytes, s.status) for s in snapshots} == {(2 * GIB, "available")}


def test_what_lets_everybody_in_is_known_with_its_ports(whole: Collection, seeded_openstack: Seeded) -> None:
    """And nothing else: rules among a project's own servers are no exposure."""
    groups = {g.tenant: g for g in of(whole, SecurityGroup)}
    assert groups.keys() == set(seeded_openstack.projects.values())
    ssh = Opening(protocol="tcp", first=22, last=22, from_="0.0.0.0/0")
    assert {g.openings for g in groups.values()} == {(ssh,)}
    guarded = [p for p in of(whole, Port) if p.device in seeded_openstack.servers]
    assert all(p.security_groups == (groups[p.tenant].native_id,) for p in guarded)


def test_a_load_balancer_says_where_and_for_whom_it_listens(whole: Collection, seeded_openstack: Seeded) -> None:
    balancers = of(whole, LoadBalancer)
    assert {b.tenant for b in balancers} == set(seeded_openstack.projects.values())
    for balancer in balancers:
        assert balancer.addresses
        assert balancer.status == "ACTIVE/ONLINE"
        assert balancer.listeners == (Opening(protocol="https", first=443, last=443, from_="10.0.0.0/8"),)


def test_private_flavors_and_images_of_others_are_found(whole: Collection) -> None:
    flavors = {f.name: f for f in of(whole, Flavor)}
    assert (flavors["dept-1-only"].is_public, flavors["dept-1-only"].disk_bytes) == (False, 4 * GIB)
    assert flavors["m1.small"].memory_bytes == 2 * GIB
    assert {i.name: i.visibility for i in of(whole, Image)}["dept-1-golden"] == "private"


def test_images_that_are_hidden_from_listings_are_found(whole: Collection) -> None:
    """Glance leaves them out with 200; servers made of them run on, and would be made of nothing."""
    assert "dept-1-outdated" in {i.name for i in of(whole, Image)}


def test_the_control_plane_says_what_runs_and_what_was_switched_off(whole: Collection) -> None:
    services = {(s.name, s.host): s for s in of(whole, PlatformService)}
    assert {name for name, _ in services} >= {"nova-compute", "nova-conductor", "cinder-volume", "cinder-scheduler"}
    assert all(s.is_up for s in services.values())
    off = services["nova-compute", "compute2"]
    assert (off.is_enabled, off.reason) == (False, "内存更换")
    assert {(a.availability_zone, a.hosts) for a in of(whole, Aggregate)} == {
        ("az1", ("compute1",)), ("az2", ("compute2",))
    }  # fmt: skip


def test_bare_metal_is_known_without_the_passwords_of_its_boards(whole: Collection) -> None:
    nodes = {n.name: n for n in of(whole, BareMetalNode)}
    assert nodes["metal-1"].macs == ("52:54:00:aa:00:01",)
    assert (nodes["metal-2"].vcpus, nodes["metal-2"].memory_bytes, nodes["metal-2"].disk_bytes) == (
        32, 128 * GIB, 960 * GIB
    )  # fmt: skip
    assert b"driver_info" not in b"".join(whole.raws.values())


def test_quota_and_usage_of_each_project_stand_in_base_units(whole: Collection, seeded_openstack: Seeded) -> None:
    quotas = {(q.name, q.tenant): q for q in of(whole, Quota)}
    for tenant in seeded_openstack.projects.values():
        assert quotas["nova", tenant].used == {"instances": 4, "cores": 4, "ram": 8 * GIB}
        assert quotas["cinder", tenant].used["volumes"] == 1
        assert quotas["cinder", tenant].used["gigabytes"] == 4 * GIB  # the volume and its snapshot
        assert quotas["neutron", tenant].used["floatingip"] == 1
    limited = quotas["nova", seeded_openstack.projects["dept-0"]]
    assert limited.limits == {"instances": 10, "ram": 40 * GIB}
    assert "cores" not in limited.limits  # no limit is not a limit


def test_nothing_disagrees_on_a_quiet_cloud(whole: Collection) -> None:
    assert of(whole, CountMismatch) == []


# ── states that clouds are found in ───────────────────────────────────────────────────────────────────────────────────


def test_servers_in_error_shelved_building_and_of_a_deleted_project_are_all_listed(
    openstack_cloud: OpenStackCloud, seeded_openstack: Seeded
) -> None:
    """None of them is on a network or a host as others are, and each takes something from the cloud."""
    admin = openstack_cloud.connect()
    project = admin.identity.create_project(name="gone", domain_id="default")
    admin.identity.assign_project_role_to_user(project, admin.current_user_id, admin.identity.find_role("admin"))
    inside = admin.connect_as_project(project)
    network = inside.network.create_network(name="gone-net")
    inside.network.create_subnet(network_id=network.id, ip_version=4, cidr="10.77.0.0/24")
    image = next(inside.image.images(name="debian-12"))
    flavor = inside.compute.find_flavor("m1.nano")
    made = {}
    for name in ("broken", "shelved", "building", "running"):
        made[name] = inside.compute.create_server(
            name=name, image_id=image.id, flavor_id=flavor.id, networks=[{"uuid": network.id}]
        )
    try:
        for server in made.values():
            inside.compute.wait_for_server(server, wait=180)
        admin.compute.post(f"/servers/{made['broken'].id}/action", json={"os-resetState": {"state": "error"}})
        inside.compute.shelve_server(made["shelved"])
        # By default Nova takes a shelved server off its host at once, but not under every setting.
        until(lambda: inside.compute.get_server(made["shelved"]).status.startswith("SHELVED"), 180)
        inside.compute.post(f"/servers/{made['shelved'].id}/action", json={"shelveOffload": None})
        until(lambda: inside.compute.get_server(made["shelved"]).status == "SHELVED_OFFLOADED", 180)
        openstack_cloud.sql(
            "update nova_cell1.instances set vm_state='building', task_state='spawning' "  # noqa: S608 - our own id
            f"where uuid='{made['building'].id}'"
        )
        admin.identity.delete_project(project)
        seen = collected(openstack_cloud.clouds_yaml)

        found = {name: servers(seen)[server.id] for name, server in made.items()}
        assert {name: s.status for name, s in found.items()} == {
            "broken": "ERROR", "shelved": "SHELVED_OFFLOADED", "building": "BUILD", "running": "ACTIVE"
        }  # fmt: skip
        assert found["shelved"].hypervisor is None
        assert {s.tenant for s in found.values()} == {project.id}
        assert project.id not in {t.native_id for t in of(seen, Tenant)}
        assert cell(seen, "host").state is CellState.COMPLETE, reason(cell(seen, "host"))
        assert of(seen, CountMismatch) == []
    finally:
        for server in made.values():
            admin.compute.delete_server(server, force=True)
        until(lambda: not [s for s in admin.compute.servers(all_projects=True) if s.project_id == project.id])
        for port in list(admin.network.ports(network_id=network.id)):
            admin.network.delete_port(port)
        admin.network.delete_network(network)
        admin.identity.delete_project(project, ignore_missing=True)


@pytest.mark.parametrize(
    ("service", "kinds"),
    [
        ("volumev3", ("storage", "snapshot")),
        ("load-balancer", ("load_balancer",)),
        ("baremetal", ("bare_metal_node",)),
        ("image", ("image",)),
        ("placement", ()),
    ],
)
def test_a_service_missing_from_the_catalogue_is_not_configured_and_costs_nothing_else(
    openstack_cloud: OpenStackCloud, seeded_openstack: Seeded, service: str, kinds: tuple[str, ...]
) -> None:
    admin = openstack_cloud.connect()
    entry = next(s for s in admin.identity.services() if s.type == service)
    admin.identity.update_service(entry, is_enabled=False)
    try:
        without = collected(openstack_cloud.clouds_yaml)
    finally:
        admin.identity.update_service(entry, is_enabled=True)
    states = {c.cell.kind: c.state for c in without.cells}
    assert {k for k, state in states.items() if state is CellState.NOT_CONFIGURED} == set(kinds)
    assert {state for k, state in states.items() if k not in kinds} == {CellState.COMPLETE}


@pytest.fixture
def proxied_nova(openstack_cloud: OpenStackCloud, seeded_openstack: Seeded) -> Iterator[tuple[Path, Faults]]:
    """A clouds.yaml whose Nova stands behind a proxy."""
    with fault_proxy(openstack_cloud.port("compute")) as (port, faults):
        yield (
            openstack_cloud.another_clouds_yaml("nova", compute_endpoint_override=f"http://127.0.0.1:{port}/v2.1"),
            faults,
        )


@pytest.mark.parametrize("newest", [b"2.53", b"2.40", b"2.25"])
def test_an_older_nova_is_asked_no_more_than_it_knows(
    proxied_nova: tuple[Path, Faults], seeded_openstack: Seeded, newest: bytes
) -> None:
    """Asking for a microversion beyond its own would be a 406. Before 2.47 flavors stand apart, before 2.26 tags."""
    clouds, faults = proxied_nova
    faults.swap = (b'"2.93"', b'"' + newest + b'"')
    old = collected(clouds)

    assert seeded_openstack.servers.keys() <= servers(old).keys()
    assert cell(old, "host").state is CellState.COMPLETE, reason(cell(old, "host"))
    assert cell(old, "hypervisor").state is CellState.COMPLETE
    assert len(of(old, ServerGroup)) == 3


# ── nobody is believed alone ──────────────────────────────────────────────────────────────────────────────────────────


def test_servers_in_the_recycle_bin_explain_what_hosts_count_and_are_no_servers(
    openstack_cloud: OpenStackCloud, seeded_openstack: Seeded
) -> None:
    """With `reclaim_instance_interval` Nova leaves them out of listings, while host and Placement still count them: a
    cloud with a recycle bin would never be seen whole."""
    rows = openstack_cloud.sql("select uuid from nova_cell1.instances where deleted=0 and vm_state='active'").split()
    binned = next(u for u in rows if u in seeded_openstack.servers)
    state = "update nova_cell1.instances set vm_state='{}' where uuid='{}'"
    openstack_cloud.sql(state.format("soft-delete", binned))
    try:
        seen = collected(openstack_cloud.clouds_yaml)
    finally:
        openstack_cloud.sql(state.format("active", binned))

    assert cell(seen, "host").state is CellState.COMPLETE, reason(cell(seen, "host"))
    assert of(seen, CountMismatch) == []
    assert set(servers(seen)) == {*seeded_openstack.servers} - {binned}


def test_a_server_that_nova_does_not_list_is_noticed_by_host_and_placement(
    openstack_cloud: OpenStackCloud, seeded_openstack: Seeded
) -> None:
    """A row that Nova passes over (hidden, as in a move between cells): the listing is 200 and looks whole."""
    victim, project = next(iter(seeded_openstack.servers.items()))
    host = servers(collected(openstack_cloud.clouds_yaml))[victim].hypervisor
    openstack_cloud.sql(f"update nova_cell1.instances set hidden=1 where uuid='{victim}'")  # noqa: S608 - our own id
    try:
        short = collected(openstack_cloud.clouds_yaml)
    finally:
        openstack_cloud.sql(f"update nova_cell1.instances set hidden=0 where uuid='{victim}'")  # noqa: S608 - as above

    assert victim not in servers(short)
    result = cell(short, "host")
    assert result.state is CellState.PARTIAL
    assert "the list is not whole" in reason(result)
    found = {(m.expected_by, m.place): m for m in of(short, CountMismatch)}
    by_host = found["nova hypervisor", host]
    assert by_host.expected == by_host.seen + 1
    assert found["placement", project].unseen == (victim,)
    assert {host, project, victim} <= set(result.unseen)


def test_a_project_whose_quota_counts_more_than_is_listed_is_named(
    proxied_nova: tuple[Path, Faults], seeded_openstack: Seeded
) -> None:
    clouds, faults = proxied_nova
    # `instances` stands before `key_pairs`; its limit differs from project to project.
    faults.swap = (b'"in_use": 4, "reserved": 0}, "key_pairs"', b'"in_use": 7, "reserved": 0}, "key_pairs"')
    short = collected(clouds)

    assert cell(short, "host").state is CellState.PARTIAL
    assert "quotas count 21 servers in 3 project(s), Nova lists 12 of them" in reason(cell(short, "host"))
    assert set(cell(short, "host").unseen) == set(seeded_openstack.projects)
    assert {(m.place, m.expected, m.seen) for m in of(short, CountMismatch)} == {
        (name, 7, 4) for name in seeded_openstack.projects
    }


def test_a_server_made_while_servers_are_listed_is_no_mismatch(
    openstack_cloud: OpenStackCloud, seeded_openstack: Seeded
) -> None:
    """Counts move: what was made after the listing passed is the next night's, or is listed once more where a count
    already holds it; it is never reported as hidden."""
    source = OpenStackSource(name="city", cloud="zed", clouds_yaml=str(openstack_cloud.clouds_yaml))
    (collector,) = openstack_collectors(source, base=Path("/"), clock=clock)
    (host,) = [c for c in collector.plan() if c.kind == "host"]
    inside = openstack_cloud.connect(project_name="dept-1")
    said = collector.read(host)
    first = [next(said)]
    network = inside.network.find_network("dept-1-net")
    late = inside.create_server(
        "late", image="debian-12", flavor="m1.nano", network=network.id, wait=True, auto_ip=False
    )
    try:
        told = [*first, *said]
    finally:
        inside.delete_server(late.id, wait=True)

    records = [s.record for s in told if hasattr(s, "record")]
    assert records
    assert not [r for r in records if isinstance(r, CountMismatch)]
    assert not [s for s in told if isinstance(s, Incomplete)]
