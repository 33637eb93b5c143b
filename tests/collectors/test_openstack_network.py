"""Translation of Neutron's and Cinder's objects, without either."""

from datetime import UTC, datetime

import msgspec
import pytest

from collectors.errors import Unreadable
from collectors.openstack_network import (
    FloatingIp,
    Network,
    NeutronPort,
    NeutronRouter,
    Subnet,
    to_floating_address,
    to_port,
    to_router,
    to_segment,
)
from collectors.openstack_storage import Volume, to_storage

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


def test_a_port_speaks_lower_case_and_says_nothing_for_an_empty_device() -> None:
    body = b"""{"id": "p1", "mac_address": "FA:16:3E:00:00:01", "device_id": "", "device_owner": "", "tenant_id": "t1",
               "network_id": "n1", "status": "DOWN", "fixed_ips": [{"ip_address": "FD00::1", "subnet_id": "s"},
               {"ip_address": "10.0.0.9", "subnet_id": "s"}]}"""
    port = to_port(msgspec.json.decode(body, type=NeutronPort), source="openstack:city", zone="政务外网", now=NOW)
    assert (port.mac, port.addresses, port.device, port.tenant) == (
        "fa:16:3e:00:00:01",
        ("10.0.0.9", "fd00::1"),
        None,
        "t1",
    )


def test_a_subnet_lives_in_its_network_and_names_a_vlan_only_if_it_is_one() -> None:
    subnet = Subnet(id="s1", cidr="10.0.0.1/24", network_id="n1")
    vlan = Network(id="n1", name="oa", network_type="vlan", segmentation_id=120)
    segment = to_segment(subnet, vlan, source="openstack:city", zone=None, is_cloud=True, now=NOW)
    assert (segment.cidr, segment.domain, segment.vlan, segment.name) == ("10.0.0.0/24", "n1", "120", "oa")
    vxlan = Network(id="n1", network_type="vxlan", segmentation_id=120)
    assert to_segment(subnet, vxlan, source="openstack:city", zone=None, is_cloud=True, now=NOW).vlan is None


def test_a_cidr_that_is_none_is_unreadable_and_says_which() -> None:
    with pytest.raises(Unreadable, match="subnet s1 has the CIDR 10/x"):
        to_segment(Subnet(id="s1", cidr="10/x", network_id="n"), None, source="o", zone=None, is_cloud=None, now=NOW)


def test_a_router_without_a_gateway_has_no_outer_address() -> None:
    router = to_router(NeutronRouter(id="r1", project_id="t"), source="openstack:city", now=NOW)
    assert (router.name, router.addresses, router.external_network) == ("r1", (), None)


def test_a_floating_address_that_is_not_in_use_has_no_inner_one() -> None:
    floating = to_floating_address(FloatingIp(id="f", floating_ip_address="198.18.0.4"), source="o", now=NOW)
    assert (floating.address, floating.fixed_address, floating.port) == ("198.18.0.4", None, None)


def test_a_volume_is_in_bytes_and_names_the_servers_that_hold_it() -> None:
    body = b"""{"id": "v1", "name": "", "size": 3, "status": "in-use", "created_at": "2026-01-02T03:04:05.000000",
               "attachments": [{"server_id": "b"}, {"server_id": "a"}], "os-vol-tenant-attr:tenant_id": "t1"}"""
    volume = to_storage(msgspec.json.decode(body, type=Volume), source="openstack:city", now=NOW)
    assert (volume.name, volume.size_bytes, volume.attached_to, volume.tenant) == ("v1", 3 * 1024**3, ("a", "b"), "t1")
    assert volume.created_at == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
