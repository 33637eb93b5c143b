"""What a broken or hostile OpenStack answers, by the hundred: each ends as less that was read, never as a crash."""

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from effort import examples
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collectors.collector import collect
from collectors.openstack_compute import read_hypervisors, read_servers
from collectors.openstack_connection import Token
from collectors.openstack_exposure import read_load_balancers, read_security_groups
from collectors.openstack_identity import Project, Reach, Survey, read_domains, read_role_assignments
from collectors.openstack_network import read_floating_addresses, read_ports, read_routers, read_segments
from collectors.openstack_platform import read_aggregates, read_bare_metal_nodes, read_services
from collectors.openstack_quota import read_quotas
from collectors.openstack_storage import read_snapshots, read_volumes
from collectors.openstack_templates import read_flavors, read_images, read_server_groups
from inventory.coverage import Cell, CellState, SourceInfo
from inventory.guard import Guard

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
SOURCE = "openstack:city"
SERVER = {
    "id": "s1", "name": "oa", "status": "ACTIVE", "tenant_id": "t1", "created": "2026-01-22T22:54:08Z",
    "metadata": {"system": "SYS-1"}, "tags": ["XM-1"], "image": {"id": "i1"},
    "flavor": {"vcpus": 2, "ram": 2048, "disk": 20, "ephemeral": 0, "original_name": "m1"},
    "addresses": {"net": [{"addr": "10.1.1.5", "OS-EXT-IPS:type": "fixed", "OS-EXT-IPS-MAC:mac_addr": "fa:16:3e:0:1"}]},
    "OS-SRV-USG:launched_at": "2026-01-22T22:55:00.000000", "OS-EXT-AZ:availability_zone": "az1",
    "OS-EXT-SRV-ATTR:hypervisor_hostname": "compute1",
}  # fmt: skip
HYPERVISOR = {
    "id": "h1", "hypervisor_hostname": "compute1", "state": "up", "status": "enabled", "host_ip": "10.9.0.1",
    "vcpus": 8, "memory_mb": 1024, "local_gb": 10, "running_vms": 1, "cpu_info": {"arch": "x86_64"},
}  # fmt: skip
SERVICE = {"binary": "nova-compute", "host": "compute1", "zone": "az1", "status": "enabled", "state": "up"}
NAMED = {"id": "u1", "name": "u", "domain": {"id": "default", "name": "Default"}}
RULE = {
    "id": "r1", "security_group_id": "g1", "direction": "ingress", "ethertype": "IPv4", "protocol": "tcp",
    "port_range_min": 22, "port_range_max": 22, "remote_ip_prefix": "0.0.0.0/0", "project_id": "t1",
}  # fmt: skip
AMOUNT = {"limit": 10, "in_use": 1, "used": 1, "reserved": 0}

ANSWERS: dict[str, dict[str, Any]] = {
    "/domains": {"domains": [{"id": "default", "name": "Default", "enabled": True}]},
    "/role_assignments": {
        "role_assignments": [{"role": {"id": "r", "name": "reader"}, "user": NAMED, "scope": {"project": NAMED}}]
    },
    "/servers/detail": {"servers": [SERVER]},
    "/servers": {"servers": []},
    "/os-services": {"services": [SERVICE]},
    "/os-hypervisors/detail": {"hypervisors": [HYPERVISOR]},
    "/os-aggregates": {"aggregates": [{"id": 1, "uuid": "a1", "name": "az1", "hosts": ["compute1"]}]},
    "/os-server-groups": {"server_groups": [{"id": "g1", "name": "g", "policies": ["affinity"], "members": ["s1"]}]},
    "/flavors/detail": {"flavors": [{"id": "f1", "name": "m1", "vcpus": 1, "ram": 512, "disk": 1}]},
    "/os-quota-sets/t1/detail": {"quota_set": {"id": "t1", "instances": AMOUNT, "ram": AMOUNT}},
    "/os-quota-sets/t1": {"quota_set": {"id": "t1", "volumes": AMOUNT, "gigabytes": AMOUNT}},
    "/quotas/t1/details.json": {"quota": {"network": AMOUNT}},
    "/resource_providers": {"resource_providers": [{"uuid": "h1"}]},
    "/resource_providers/h1/allocations": {"allocations": {"s1": {"resources": {}}}},
    "/ports": {"ports": [{"id": "p1", "mac_address": "FA:16:3E:00:00:01", "fixed_ips": [{"ip_address": "10.1.1.5"}],
                          "device_id": "s1", "device_owner": "compute:az1", "security_groups": ["g1"]}]},
    "/networks": {"networks": [{"id": "n1", "name": "n", "shared": False, "provider:segmentation_id": 4}]},
    "/subnets": {"subnets": [{"id": "sn1", "cidr": "10.1.1.0/24", "network_id": "n1", "gateway_ip": "10.1.1.1"}]},
    "/routers": {"routers": [{"id": "r1", "external_gateway_info": {"network_id": "n9", "external_fixed_ips": []}}]},
    "/floatingips": {"floatingips": [{"id": "f1", "floating_ip_address": "1.2.3.4", "fixed_ip_address": "10.1.1.5"}]},
    "/security-group-rules": {"security_group_rules": [RULE]},
    "/security-groups": {"security_groups": [{"id": "g1", "name": "web", "project_id": "t1"}]},
    "/agents": {"agents": [{"binary": "neutron-l3-agent", "host": "net1", "alive": True, "admin_state_up": True}]},
    "/volumes/detail": {"volumes": [{"id": "v1", "size": 3, "created_at": "2026-01-02T03:04:05.000000",
                                     "attachments": [{"server_id": "s1"}], "bootable": "true"}]},
    "/snapshots/detail": {"snapshots": [{"id": "sn1", "volume_id": "v1", "size": 3, "status": "available"}]},
    "/images": {"images": [{"id": "i1", "name": "debian", "size": 5, "created_at": "2026-01-02T03:04:05Z"}]},
    "/lbaas/loadbalancers": {"loadbalancers": [{"id": "l1", "name": "lb", "vip_address": "10.1.1.9"}]},
    "/lbaas/listeners": {"listeners": [{"id": "ls1", "protocol": "HTTP", "protocol_port": 80,
                                        "loadbalancers": [{"id": "l1"}], "allowed_cidrs": ["10.0.0.0/8"]}]},
    "/nodes/detail": {"nodes": [{"uuid": "b1", "name": "metal", "properties": {"cpus": "32", "memory_mb": 1024}}]},
    "/ports/detail": {"ports": [{"uuid": "bp1", "address": "52:54:00:00:00:01", "node_uuid": "b1"}]},
}  # fmt: skip
READERS: dict[str, Callable[[Survey], Iterator[Any]]] = {
    "domain": read_domains, "role_assignment": read_role_assignments, "host": read_servers, "quota": read_quotas,
    "hypervisor": read_hypervisors, "port": read_ports, "segment": read_segments, "router": read_routers,
    "floating_address": read_floating_addresses, "storage": read_volumes, "snapshot": read_snapshots,
    "security_group": read_security_groups, "load_balancer": read_load_balancers, "flavor": read_flavors,
    "image": read_images, "server_group": read_server_groups, "service": read_services,
    "aggregate": read_aggregates, "bare_metal_node": read_bare_metal_nodes,
}  # fmt: skip


class Cloud:
    """Stands for a logged-in region: answers by path, one page and then nothing more."""

    source = SOURCE
    name = "RegionOne"
    token = Token(
        user="yunhe", roles=frozenset({"admin"}), project_id="own", project_name="own", domain_id=None, is_system=False
    )

    def __init__(self, damage: Callable[[str, str], str] = lambda _, text: text) -> None:
        self.damage = damage

    def get(self, _service: str, path: str, params: Sequence[tuple[str, Any]] = (), **_: Any) -> bytes:
        asked = dict(params)
        answer = ANSWERS.get(path, {})
        if "marker" in asked or asked.get("offset"):
            answer = {key: [] for key in answer}
        text = json.dumps(answer)
        return self.damage(path, text).encode("utf-8", "surrogatepass")

    def has(self, _service: str) -> bool:
        return True

    def need(self, _service: str) -> None:
        """Everything is there."""

    def microversion(self, wanted: tuple[int, int], _service: str = "compute") -> tuple[int, int]:
        return wanted


class OneCell:
    """Reads one kind of a cloud, through the runner that production uses."""

    info = SourceInfo(name=SOURCE, type="openstack", is_platform=True)
    parallel = 1

    def __init__(self, kind: str, cloud: Cloud) -> None:
        self._kind, self._cloud = kind, cloud

    def plan(self) -> list[Cell]:
        return [Cell(SOURCE, "RegionOne", self._kind)]

    def read(self, _: Cell) -> Iterator[Any]:
        region: Any = self._cloud
        reach = Reach(region=region, projects=(Project(id="t1", name="oa"),))
        survey = Survey(region=region, reach=reach, zone=None, is_platform=True, page_size=100, now=NOW)
        return READERS[self._kind](survey)


def read(kind: str, cloud: Cloud) -> Any:
    collection = collect([OneCell(kind, cloud)], guard=Guard(()), clock=lambda: NOW)
    (result,) = collection.cells
    assert result.seen == len(collection.records)
    return result


@pytest.mark.parametrize("kind", READERS)
def test_an_honest_answer_is_complete(kind: str) -> None:
    """Else the tests below would pass for nothing."""
    result = read(kind, Cloud())

    assert result.state is CellState.COMPLETE, result
    assert result.seen > 0


HOSTILE = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.just(2**70), st.just(-(2**70)), st.just(10**400),
    st.text(max_size=20), st.just(""), st.just("\x00\x1b[2J\u202e\u2066evil"), st.just("../../v3/users?x=#"),
    st.just("=cmd|' /C calc'!A0"), st.just("0001-01-01T00:00:00+14:00"), st.just("9999-12-31T23:59:59-14:00"),
    st.just("\ud800"), st.lists(st.integers(), max_size=3),
    st.dictionaries(st.text(max_size=4), st.integers(), max_size=3),
    st.just([None]), st.just([[]]), st.just({"id": None}), st.just({"": {"": {"": []}}}),
)  # fmt: skip


def places(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a document."""
    yield path
    pairs = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for key, value in pairs:
        yield from places(value, (*path, key))


def replaced(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    copy = dict(document) if isinstance(document, dict) else list(document)
    copy[path[0]] = replaced(document[path[0]], path[1:], value)
    return copy


@pytest.mark.parametrize("kind", READERS)
@settings(max_examples=examples(60), deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_hostile_value_anywhere_ends_in_coverage_and_never_in_a_crash(kind: str, data: st.DataObject) -> None:
    """In any answer that the reader asks for, at any depth."""
    victim = data.draw(st.sampled_from(sorted(ANSWERS)))
    place = data.draw(st.sampled_from(list(places(ANSWERS[victim]))))
    value = data.draw(HOSTILE)

    def damage(path: str, text: str) -> str:
        if path != victim:
            return text
        document = json.loads(text)
        try:
            return json.dumps(replaced(document, place, value))
        except (KeyError, IndexError):
            return text  # a later page, which is empty

    read(kind, Cloud(damage))


BODIES = {
    "nothing": "",
    "no JSON": "<html>sign in</html>",
    "cut": '{"a": [{"id": "x"',
    "deep": '{"a":' * 100_000 + "1" + "}" * 100_000,
    "a deep list": "[" * 100_000 + "]" * 100_000,
    "a number": "7",
    "no UTF-8": '{"a": "\udcff"}',
    "another list": '{"something": []}',
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("kind", READERS)
def test_an_answer_that_is_none_is_never_complete(kind: str, body: str) -> None:
    """A captive portal, a truncated body, an object nested a hundred thousand deep."""
    result = read(kind, Cloud(lambda *_: body))

    assert result.state is CellState.FAILED
    assert result.seen == 0


@pytest.mark.parametrize("kind", ["host", "port", "image", "flavor", "load_balancer", "service", "bare_metal_node"])
def test_a_name_of_ten_megabytes_leaves_a_mark(kind: str) -> None:
    """It would make a line that no capture may have; the other objects stay."""
    huge = "x" * 10 * 1024**2
    names = {"host": ("/servers/detail", "name"), "port": ("/ports", "device_id"), "image": ("/images", "name"),
             "flavor": ("/flavors/detail", "name"), "load_balancer": ("/lbaas/loadbalancers", "name"),
             "service": ("/os-services", "zone"), "bare_metal_node": ("/nodes/detail", "name")}  # fmt: skip
    victim, field = names[kind]

    def damage(path: str, text: str) -> str:
        document = json.loads(text)
        if path == victim:
            for key, items in document.items():
                spoiled = [{**item, field: huge, "id": "huge", "uuid": "huge"} for item in items]
                document[key] = [*items, *spoiled]
        return json.dumps(document)

    result = read(kind, Cloud(damage))

    assert result.state is CellState.PARTIAL
    assert result.seen > 0


@pytest.mark.parametrize("kind", ["host", "port", "storage", "image", "flavor", "security_group", "aggregate"])
def test_one_object_that_cannot_be_read_costs_itself_only(kind: str) -> None:
    """A cloud of 50,000 servers is not unseen because one of them has a number for a name."""

    def damage(_: str, text: str) -> str:
        document = json.loads(text)
        return json.dumps(
            {k: [*v, {"id": 7, "name": []}] if isinstance(v, list) and v else v for k, v in document.items()}
        )

    result = read(kind, Cloud(damage))

    assert result.state is CellState.PARTIAL
    assert result.seen == read(kind, Cloud()).seen
