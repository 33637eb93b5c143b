"""Translation of Nova's objects, without a Nova."""

from datetime import UTC, datetime

import msgspec

from collectors.openstack_compute import (
    Address,
    Hypervisor,
    Server,
    owner_labels,
    to_hypervisor,
    to_nics,
    to_server,
)
from collectors.openstack_pages import raw
from inventory.records import Nic, View

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
SERVER = {
    "id": "0F33AAB3-3d5e-46c6-a5a1-0a2eafa6a342",
    "name": "oa-web-1",
    "status": "ACTIVE",
    "tenant_id": "6d94",
    "metadata": {"system": "SYS-001"},
    "flavor": {"vcpus": 2, "ram": 2048, "disk": 20, "ephemeral": 5, "original_name": "m1"},
    "created": "2026-01-22T22:54:08Z",
    "addresses": {
        "net": [
            {"addr": "10.1.1.153", "OS-EXT-IPS:type": "fixed", "OS-EXT-IPS-MAC:mac_addr": "FA:16:3E:2D:CA:85"},
            {"addr": "198.18.0.9", "OS-EXT-IPS:type": "floating", "OS-EXT-IPS-MAC:mac_addr": "fa:16:3e:2d:ca:85"},
            {"addr": "FD00::1", "OS-EXT-IPS:type": "fixed", "OS-EXT-IPS-MAC:mac_addr": "fa:16:3e:2d:ca:85"},
        ]
    },
    "OS-EXT-SRV-ATTR:user_data": "c2VjcmV0",
    "OS-EXT-SRV-ATTR:hypervisor_hostname": "compute2",
    "key_name": "boss",
    "tags": ["XM-1"],
}  # fmt: skip


def server(**changes: object) -> Server:
    return msgspec.json.decode(msgspec.json.encode({**SERVER, **changes}), type=Server)


def test_a_server_becomes_a_sighting_in_base_units() -> None:
    seen = to_server(server(), source="openstack:city", zone="政务外网", now=NOW)
    assert seen.view is View.SERVER
    assert seen.uuid == "0f33aab3-3d5e-46c6-a5a1-0a2eafa6a342"
    assert (seen.vcpus, seen.memory_bytes, seen.disk_bytes) == (2, 2 * 1024**3, 25 * 1024**3)
    assert seen.created_at == datetime(2026, 1, 22, 22, 54, 8, tzinfo=UTC)
    assert (seen.hypervisor, seen.tags, seen.labels, seen.zone) == (
        "compute2",
        ("XM-1",),
        {"system": "SYS-001"},
        "政务外网",
    )


def test_nics_are_told_apart_by_mac_and_floating_addresses_are_on_none() -> None:
    assert to_nics(server().addresses) == (
        Nic(name="net", mac="fa:16:3e:2d:ca:85", addresses=("10.1.1.153", "fd00::1")),
    )


def test_two_ports_on_one_network_are_two_nics() -> None:
    two = {
        "net": (Address(addr="10.0.0.1", mac="aa:00:00:00:00:01"), Address(addr="10.0.0.2", mac="aa:00:00:00:00:02"))
    }
    assert [n.mac for n in to_nics(two)] == ["aa:00:00:00:00:01", "aa:00:00:00:00:02"]


def test_the_raw_document_holds_declared_fields_only() -> None:
    """The allow-list is the struct: what it does not name was never decoded."""
    document = raw(server())
    assert "OS-EXT-SRV-ATTR:user_data" not in document
    assert "key_name" not in document
    assert document["OS-EXT-SRV-ATTR:hypervisor_hostname"] == "compute2"


def test_only_metadata_that_says_whose_it_is_is_kept() -> None:
    """People keep passwords in metadata under keys that no list of bad words foresees."""
    kept = owner_labels({"system": "S", "db_password": "x", "note": "root/123456"}, ("system", "gov.cn/project-id"))

    assert kept == {"system": "S"}


def test_a_stub_of_a_cell_that_is_down_says_what_it_can() -> None:
    stub = msgspec.json.decode(b'{"id": "a1", "status": "UNKNOWN", "tenant_id": "t"}', type=Server)
    seen = to_server(stub, source="openstack:city", zone=None, now=NOW)
    assert (seen.name, seen.status, seen.vcpus, seen.memory_bytes, seen.created_at) == (
        "a1",
        "UNKNOWN",
        None,
        None,
        None,
    )


def test_a_hypervisor_of_an_old_nova_has_a_number_and_its_cpu_in_a_string() -> None:
    body = (
        b'{"id": 7, "hypervisor_hostname": "n7", "state": "up", "status": "enabled", "memory_mb": 1024, "local_gb": 2,'
        b' "vcpus": 8, "host_ip": "10.9.0.7", "cpu_info": "{\\"arch\\": \\"aarch64\\"}"}'
    )
    seen = to_hypervisor(msgspec.json.decode(body, type=Hypervisor), source="openstack:city", zone=None, now=NOW)
    assert (seen.native_id, seen.arch, seen.memory_bytes, seen.disk_bytes) == ("7", "aarch64", 1024**3, 2 * 1024**3)
    assert seen.view is View.HYPERVISOR
