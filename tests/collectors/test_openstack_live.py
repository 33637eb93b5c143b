"""The OpenStack collector against the real services, through the runner that production uses."""

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fault_proxy import Faults, fault_proxy
from openstack_service import REGION, USER_DATA_SECRET, OpenStackCloud, Seeded

from collectors.collector import collect
from collectors.openstack_source import openstack_collectors
from inventory.collection import Collection
from inventory.coverage import CellResult, CellState
from inventory.guard import Guard
from inventory.records import FloatingAddress, HostSighting, Port, Router, Segment, Storage, Tenant, View
from inventory.settings import OpenStackSource
from inventory.text import tell

pytestmark = [pytest.mark.openstack, pytest.mark.timeout(600)]


def clock() -> datetime:
    return datetime.now(UTC)


def collected(clouds_yaml: Path, cloud: str = "zed", **settings: object) -> Collection:
    source = OpenStackSource(name="city", cloud=cloud, clouds_yaml=str(clouds_yaml), zone="政务外网", **settings)
    return collect(openstack_collectors(source, base=Path("/"), clock=clock), guard=Guard(()), clock=clock)


def cell(collection: Collection, kind: str) -> CellResult:
    return next(c for c in collection.cells if c.cell.kind == kind)


def reason(result: CellResult) -> str:
    assert result.reason is not None
    return tell(result.reason, "en")


def servers(collection: Collection) -> dict[str, HostSighting]:
    return {r.native_id: r for r in collection.records if isinstance(r, HostSighting) and r.view is View.SERVER}


@pytest.fixture(scope="module")
def whole(openstack_cloud: OpenStackCloud, seeded_openstack: Seeded) -> Collection:
    """What the administrator sees, read in pages of five so that every listing has several."""
    return collected(openstack_cloud.clouds_yaml, page_size=5)


def test_each_server_of_every_project_is_found(whole: Collection, seeded_openstack: Seeded) -> None:
    found = servers(whole)
    assert seeded_openstack.servers.keys() <= found.keys()
    assert cell(whole, "host").state is CellState.COMPLETE
    for identifier, project in seeded_openstack.servers.items():
        assert found[identifier].tenant == seeded_openstack.projects[project]


def test_a_server_carries_what_identity_and_ownership_need(whole: Collection, seeded_openstack: Seeded) -> None:
    server = servers(whole)[next(iter(seeded_openstack.servers))]
    assert server.uuid == server.native_id
    assert server.nics[0].mac
    assert server.nics[0].addresses
    assert server.labels["system"].startswith("SYS-")
    assert server.hypervisor in {"compute1", "compute2"}
    assert (server.vcpus, server.memory_bytes, server.disk_bytes) == (1, 2048 * 1024**2, 20 * 1024**3)
    assert server.created_at is not None
    assert server.created_at.tzinfo is not None
    assert server.zone == "政务外网"
    assert server.raw in whole.raws


def test_a_floating_address_is_never_on_a_nic(whole: Collection) -> None:
    """It is translated on the way: joining on it would tie the NAT's address to the host."""
    floating = {r.address for r in whole.records if isinstance(r, FloatingAddress)}
    assert len(floating) >= 3
    assert not floating & {a for s in servers(whole).values() for n in s.nics for a in n.addresses}


def test_tenants_networks_and_hosts_are_whole_for_the_administrator(
    whole: Collection, seeded_openstack: Seeded
) -> None:
    assert {c.state for c in whole.cells} == {CellState.COMPLETE}
    tenants = {r.native_id: r for r in whole.records if isinstance(r, Tenant)}
    for name, identifier in seeded_openstack.projects.items():
        assert tenants[identifier].name == name
        assert tenants[identifier].domain == "Default"
        assert any(tag.startswith("project:XM-") for tag in tenants[identifier].tags)
    ports = [r for r in whole.records if isinstance(r, Port) and r.device in seeded_openstack.servers]
    assert {p.device for p in ports} == set(seeded_openstack.servers)
    assert all(p.mac and p.addresses and p.device_owner for p in ports)
    assert {"10.20.0.0/24", "10.21.0.0/24", "10.22.0.0/24"} <= {
        r.cidr for r in whole.records if isinstance(r, Segment) and r.is_cloud
    }
    assert any(r.addresses for r in whole.records if isinstance(r, Router))
    volumes = [r for r in whole.records if isinstance(r, Storage)]
    assert {v.tenant for v in volumes} >= set(seeded_openstack.projects.values())
    assert {v.size_bytes for v in volumes} == {2 * 1024**3}


def test_the_mac_and_addresses_of_a_server_are_those_of_its_port(whole: Collection, seeded_openstack: Seeded) -> None:
    """Two services say it of the same wire: what placement later relies on."""
    by_device = {r.device: r for r in whole.records if isinstance(r, Port)}
    for identifier, server in servers(whole).items():
        if identifier in seeded_openstack.servers:
            assert server.nics[0].mac == by_device[identifier].mac
            assert server.nics[0].addresses == by_device[identifier].addresses


def test_user_data_and_secrets_in_metadata_are_nowhere(whole: Collection) -> None:
    """Nova gives user data to an administrator in every listing; a capture that held it would leak passwords."""
    everything = b"".join(whole.raws.values()) + repr(whole.records).encode()
    assert USER_DATA_SECRET.encode() not in everything
    assert b"user_data" not in everything
    assert b"db_password" not in everything


def test_the_same_thing_has_one_key(whole: Collection) -> None:
    keys = [r.key for r in whole.records]
    assert len(keys) == len(set(keys))


def test_a_reader_confined_to_one_project_never_looks_complete(
    openstack_cloud: OpenStackCloud, seeded_openstack: Seeded
) -> None:
    """Nova refuses all projects, Neutron answers 200 with nothing: neither may read as "there is nothing else"."""
    confined = collected(openstack_cloud.clouds_yaml, "zed-confined")
    own = {i for i, p in seeded_openstack.servers.items() if p == seeded_openstack.confined_to}
    assert servers(confined).keys() == own
    for kind in ("host", "port", "segment", "router", "floating_address", "storage", "tenant"):
        assert cell(confined, kind).state is CellState.PARTIAL, kind
    assert cell(confined, "hypervisor").state is CellState.FAILED
    assert "confined" in reason(cell(confined, "host"))
    assert "does not give it the list of projects" in reason(cell(confined, "host"))
    assert "openstack-rights.md" in reason(cell(confined, "port"))


@pytest.mark.parametrize("cloud", ["zed-auditor", "zed-system", "zed-domain"])
def test_a_reader_that_may_list_projects_names_those_that_were_not_seen(
    openstack_cloud: OpenStackCloud, seeded_openstack: Seeded, cloud: str
) -> None:
    """A project token may not list projects, but its user's role on the system may: the gap then has names."""
    narrow = collected(openstack_cloud.clouds_yaml, cloud)
    for kind in ("host", "port", "segment", "router", "floating_address", "storage"):
        result = cell(narrow, kind)
        assert result.state in (CellState.PARTIAL, CellState.FAILED), kind
        assert set(seeded_openstack.projects) <= set(result.unseen), kind


def test_a_domain_reader_does_not_take_its_domain_for_the_cloud(
    openstack_cloud: OpenStackCloud, seeded_openstack: Seeded
) -> None:
    """Keystone shortens the list to the token's domain, with 200."""
    narrow = collected(openstack_cloud.clouds_yaml, "zed-domain")
    assert cell(narrow, "tenant").state is CellState.PARTIAL
    assert "domain" in reason(cell(narrow, "tenant"))


def test_a_wrong_password_is_one_clear_sentence_in_each_cell(openstack_cloud: OpenStackCloud) -> None:
    """And one login attempt only: a nightly job must not lock the account."""
    with fault_proxy(openstack_cloud.port("identity")) as (port, faults):
        clouds = openstack_cloud.another_clouds_yaml(
            "wrong", "zed-wrong", auth={"auth_url": f"http://127.0.0.1:{port}/v3"}
        )
        wrong = collected(clouds)
        logins = [line for line in faults.lines if line.startswith("POST")]
    assert {c.state for c in wrong.cells} == {CellState.FAILED}
    assert all("refused user, password or credential" in reason(c) for c in wrong.cells)
    assert all("not-the-password" not in reason(c) for c in wrong.cells)
    assert len(logins) == 1


def test_a_cloud_that_clouds_yaml_does_not_know_is_told_with_those_it_knows(openstack_cloud: OpenStackCloud) -> None:
    unknown = collected(openstack_cloud.clouds_yaml, "zde")
    assert {c.state for c in unknown.cells} == {CellState.FAILED}
    assert "has no cloud zde; it has zed, " in reason(unknown.cells[0])


def test_a_region_that_the_catalogue_does_not_know_is_no_empty_region(openstack_cloud: OpenStackCloud) -> None:
    nowhere = collected(openstack_cloud.clouds_yaml, regions=("RegionTwo",))
    assert {c.state for c in nowhere.cells if c.cell.kind != "tenant"} == {CellState.FAILED}
    assert f"no region RegionTwo; it has {REGION}" in reason(cell(nowhere, "host"))


def test_without_a_region_every_region_of_the_catalogue_is_read(
    openstack_cloud: OpenStackCloud, seeded_openstack: Seeded
) -> None:
    clouds = openstack_cloud.another_clouds_yaml("noregion", region_name="")
    everywhere = collected(clouds)
    assert {c.cell.scope for c in everywhere.cells} == {"*"}
    assert cell(everywhere, "host").state is CellState.COMPLETE
    assert seeded_openstack.servers.keys() <= servers(everywhere).keys()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://127.0.0.1:9/v3", "the connection failed or broke"),
        ("http://keystone.invalid:5000/v3", "cannot be resolved"),
        ("https://127.0.0.1:{identity}/v3", "TLS"),
    ],
)
def test_a_keystone_that_cannot_be_reached_says_why(openstack_cloud: OpenStackCloud, url: str, said: str) -> None:
    auth_url = url.format(identity=openstack_cloud.port("identity"))
    gone = collected(openstack_cloud.another_clouds_yaml("gone", auth={"auth_url": auth_url}), timeout=5)
    assert {c.state for c in gone.cells} == {CellState.FAILED}
    assert all(said in reason(c) for c in gone.cells)


def test_a_keystone_that_hangs_ends_by_the_timeout(openstack_cloud: OpenStackCloud) -> None:
    with fault_proxy(openstack_cloud.port("identity")) as (port, faults):
        faults.hang = True
        clouds = openstack_cloud.another_clouds_yaml("hang", auth={"auth_url": f"http://127.0.0.1:{port}/v3"})
        began = time.monotonic()
        hung = collected(clouds, timeout=1, retries=0)
        assert time.monotonic() - began < 30
    assert {c.state for c in hung.cells} == {CellState.FAILED}
    assert all("did not answer in time" in reason(c) for c in hung.cells)


@pytest.fixture
def broken_nova(openstack_cloud: OpenStackCloud, seeded_openstack: Seeded) -> Iterator[tuple[Path, Faults]]:
    """A clouds.yaml whose Nova stands behind a proxy."""
    with fault_proxy(openstack_cloud.port("compute")) as (port, faults):
        yield (
            openstack_cloud.another_clouds_yaml("proxied", compute_endpoint_override=f"http://127.0.0.1:{port}/v2.1"),
            faults,
        )


@pytest.mark.parametrize("requests", [0, 1, 2, 4, 6, 8])
def test_nova_killed_in_the_middle_of_a_listing_is_never_complete(
    broken_nova: tuple[Path, Faults], seeded_openstack: Seeded, requests: int
) -> None:
    """After any number of requests: what was seen stands, what was not seen is not missing."""
    clouds, faults = broken_nova
    faults.reset_after_requests = requests
    cut = collected(clouds, page_size=3, retries=0)
    host = cell(cut, "host")
    assert host.state in (CellState.PARTIAL, CellState.FAILED)
    assert (host.state is CellState.PARTIAL) == (host.seen > 0)
    assert cell(cut, "port").state is CellState.COMPLETE


def test_nova_cut_in_the_middle_of_a_body_is_never_complete(broken_nova: tuple[Path, Faults]) -> None:
    clouds, faults = broken_nova
    faults.reset_after_bytes = 9_000
    cut = collected(clouds, page_size=3, retries=1)
    assert cell(cut, "host").state in (CellState.PARTIAL, CellState.FAILED)
    assert "broke" in reason(cell(cut, "host"))


@pytest.mark.parametrize("status", ["429 Too Many Requests", "503 Service Unavailable"])
def test_a_busy_service_is_asked_again_and_then_whole(
    broken_nova: tuple[Path, Faults], seeded_openstack: Seeded, status: str
) -> None:
    clouds, faults = broken_nova
    faults.answer = f"HTTP/1.1 {status}\r\nRetry-After: 1\r\nContent-Length: 2\r\n\r\n{{}}".encode()
    faults.answer_times = 2
    patient = collected(clouds, retries=3)
    assert cell(patient, "host").state is CellState.COMPLETE
    assert seeded_openstack.servers.keys() <= servers(patient).keys()


def test_a_service_that_stays_busy_fails_in_bounded_time(broken_nova: tuple[Path, Faults]) -> None:
    clouds, faults = broken_nova
    faults.answer = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 3600\r\nContent-Length: 2\r\n\r\n{}"
    faults.answer_times = 1000
    began = time.monotonic()
    busy = collected(clouds, retries=3)
    assert time.monotonic() - began < 30
    assert cell(busy, "host").state is CellState.FAILED


def test_a_login_page_instead_of_an_api_is_unreadable(broken_nova: tuple[Path, Faults]) -> None:
    """A captive portal answers everything with 200."""
    clouds, faults = broken_nova
    page = b"<html>sign in</html>"
    faults.answer = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n%s" % (len(page), page)
    faults.answer_times = 1000
    portal = collected(clouds, retries=0)
    assert cell(portal, "host").state is CellState.FAILED
    assert cell(portal, "hypervisor").state is CellState.FAILED


def test_a_server_deleted_between_two_pages_restarts_the_walk(
    openstack_cloud: OpenStackCloud, seeded_openstack: Seeded
) -> None:
    """Nova answers 400 to a marker that vanished; the walk begins again and tells nothing twice."""
    source = OpenStackSource(name="city", cloud="zed", clouds_yaml=str(openstack_cloud.clouds_yaml), page_size=1)
    (collector,) = openstack_collectors(source, base=Path("/"), clock=clock)
    (host,) = [c for c in collector.plan() if c.kind == "host"]
    inside = openstack_cloud.connect(project_name=seeded_openstack.confined_to)
    network = next(n for n in inside.network.networks(name=f"{seeded_openstack.confined_to}-net"))
    doomed = inside.create_server(
        "doomed", image="debian-12", flavor="m1.nano", network=network.id, wait=True, auto_ip=False
    )
    said = collector.read(host)
    first = next(said)
    assert first.record.native_id == doomed.id  # type: ignore[union-attr]  # newest first: the marker of page two
    inside.delete_server(doomed.id, wait=True)
    rest = [s.record.native_id for s in said]  # type: ignore[union-attr]
    assert seeded_openstack.servers.keys() <= set(rest)
    assert len(rest) == len(set(rest))


@pytest.fixture
def lost_cell(openstack_cloud: OpenStackCloud, seeded_openstack: Seeded) -> Iterator[set[str]]:
    """The ids of servers in Nova's second cell, whose database is then made unreachable.

    The rig runs no compute host there: rows are moved by hand, with a host mapping as `discover_hosts` writes it.
    """
    moved = {i for i, p in seeded_openstack.servers.items() if p == "dept-2"}
    ids = ",".join(f"'{i}'" for i in sorted(moved))
    cell2 = "(select id from nova_api.cell_mappings where name='cell2')"
    cell1 = "(select id from nova_api.cell_mappings where name='cell1')"
    openstack_cloud.sql(
        f"update nova_api.instance_mappings set cell_id={cell2} where instance_uuid in ({ids});"  # noqa: S608 - our own ids
        f"insert into nova_api.host_mappings (cell_id, host) values ({cell2}, 'compute-cell2')"
    )
    # Nova reads a cell's own database: the rows of cell1 would still be listed.
    openstack_cloud.sql(f"update nova_cell1.instances set hidden=1 where uuid in ({ids})")  # noqa: S608 - as above
    openstack_cloud.control("cell-down")
    yield moved
    openstack_cloud.sql(
        f"update nova_cell1.instances set hidden=0 where uuid in ({ids});"  # noqa: S608 - as above
        f"update nova_api.instance_mappings set cell_id={cell1} where instance_uuid in ({ids});"
        "delete from nova_api.host_mappings where host='compute-cell2'"
    )
    openstack_cloud.control("cell-up")


def test_a_cell_that_is_down_makes_hosts_partial_and_names_what_is_silent(
    openstack_cloud: OpenStackCloud, lost_cell: set[str]
) -> None:
    """Nova leaves those servers out of a paged listing with 200: believed, they would be machines that went away."""
    down = collected(openstack_cloud.clouds_yaml)
    host = cell(down, "host")
    assert host.state is CellState.PARTIAL
    assert host.unseen == ("compute-cell2",)
    assert "a Nova cell is down" in reason(host)
    hypervisor = cell(down, "hypervisor")  # Nova answers 500 here; the sentence says why
    assert hypervisor.state is not CellState.COMPLETE
    assert hypervisor.unseen == ("compute-cell2",)
    assert "a Nova cell is down" in reason(hypervisor)
    stubs = {i for i, s in servers(down).items() if s.status == "UNKNOWN"}
    assert stubs == lost_cell


DOCUMENTED = re.compile(r"`/etc/(\w+)/policy.yaml`.*?```yaml\n(.*?)```", re.DOTALL)


@pytest.fixture
def audited(openstack_cloud: OpenStackCloud, seeded_openstack: Seeded) -> Iterator[Path]:
    """A clouds.yaml for an auditor set up exactly as docs/openstack-rights.md says."""
    admin = openstack_cloud.connect()
    role = admin.identity.create_role(name="yunhe-auditor")
    project = admin.identity.create_project(name="audit", domain_id="default")
    user = admin.identity.create_user(name="yunhe", password="yunhe", domain_id="default")
    reader = admin.identity.find_role("reader")
    for held in (role, reader):
        admin.identity.assign_project_role_to_user(project, user, held)
    admin.identity.put(f"/system/users/{user.id}/roles/{reader.id}")
    rights = (Path(__file__).parents[2] / "docs/openstack-rights.md").read_text()
    policies = dict(DOCUMENTED.findall(rights))
    assert policies.keys() == {"nova", "neutron", "placement", "cinder", "octavia", "ironic"}
    openstack_cloud.set_policies(policies)
    yield openstack_cloud.another_clouds_yaml(
        "audited", auth={"username": "yunhe", "password": "yunhe", "project_name": "audit"}
    )
    openstack_cloud.default_policies(policies)
    admin.identity.delete_user(user)
    admin.identity.delete_project(project)
    admin.identity.delete_role(role)


def test_the_documented_auditor_sees_everything_and_may_change_nothing(
    openstack_cloud: OpenStackCloud, audited: Path, seeded_openstack: Seeded
) -> None:
    """What no policy gives to anybody but an administrator must say so in its cell."""
    seen = collected(audited)
    assert seeded_openstack.servers.keys() <= servers(seen).keys()
    states = {c.cell.kind: c.state for c in seen.cells}
    kept = ("storage", "snapshot", "service", "quota", "flavor", "server_group", "image")
    assert states == dict.fromkeys(states, CellState.COMPLETE) | dict.fromkeys(kept, CellState.PARTIAL)
    assert all(s.hypervisor for s in servers(seen).values())

    auditor = openstack_cloud.connect(clouds_yaml=audited)
    port = next(r for r in seen.records if isinstance(r, Port) and r.device in seeded_openstack.servers)
    assert auditor.network.put(f"/ports/{port.native_id}", json={"port": {"name": "x"}}).status_code in (403, 404)
    assert auditor.network.delete(f"/ports/{port.native_id}").status_code in (403, 404)
    assert auditor.compute.delete(f"/servers/{port.device}").status_code in (403, 404)


def test_without_cinder_in_the_catalogue_storage_is_not_configured(openstack_cloud: OpenStackCloud) -> None:
    admin = openstack_cloud.connect()
    service = next(s for s in admin.identity.services() if s.type == "volumev3")
    admin.identity.update_service(service, is_enabled=False)
    try:
        without = collected(openstack_cloud.clouds_yaml)
    finally:
        admin.identity.update_service(service, is_enabled=True)
    assert cell(without, "storage").state is CellState.NOT_CONFIGURED
    assert "no block-storage" in reason(cell(without, "storage"))
