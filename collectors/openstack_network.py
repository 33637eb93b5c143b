"""Neutron: ports, subnets with their networks, routers, floating addresses.

API: https://docs.openstack.org/api-ref/network/v2/. Neutron does not refuse a listing of everything: to a reader
without the right it answers 200 with what is its own, often nothing. So the right is proved before it is believed.
"""

import ipaddress
from collections.abc import Iterator
from datetime import datetime
from typing import Protocol

import msgspec
from msgspec import field

from collectors.collector import Reading, Said
from collectors.errors import Unreadable
from collectors.openstack_connection import Params
from collectors.openstack_halves import walk_halves
from collectors.openstack_identity import Sight, Survey
from collectors.openstack_pages import Item, ItemT, Partly, raw
from inventory.records import FloatingAddress, Port, Router, Segment
from inventory.text import msg


class FixedIp(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An address of a port."""

    ip_address: str
    subnet_id: str | None = None


class NeutronPort(Item, frozen=True, kw_only=True, omit_defaults=True):
    """A Neutron port."""

    mac_address: str
    network_id: str | None = None
    device_id: str | None = None
    device_owner: str | None = None
    project_id: str | None = None
    tenant_id: str | None = None
    status: str | None = None
    fixed_ips: tuple[FixedIp, ...] = ()
    security_groups: tuple[str, ...] = ()


class Network(Item, frozen=True, kw_only=True, omit_defaults=True):
    """A Neutron network. The provider's attributes are told to administrators only."""

    name: str = ""
    project_id: str | None = None
    tenant_id: str | None = None
    shared: bool | None = None
    external: bool | None = field(default=None, name="router:external")
    network_type: str | None = field(default=None, name="provider:network_type")
    segmentation_id: int | None = field(default=None, name="provider:segmentation_id")


class Subnet(Item, frozen=True, kw_only=True, omit_defaults=True):
    """A Neutron subnet."""

    cidr: str
    network_id: str
    name: str = ""
    gateway_ip: str | None = None
    project_id: str | None = None
    tenant_id: str | None = None


class Gateway(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A router's way out."""

    network_id: str | None = None
    external_fixed_ips: tuple[FixedIp, ...] = ()


class NeutronRouter(Item, frozen=True, kw_only=True, omit_defaults=True):
    """A Neutron router."""

    name: str = ""
    project_id: str | None = None
    tenant_id: str | None = None
    external_gateway_info: Gateway | None = None


class FloatingIp(Item, frozen=True, kw_only=True, omit_defaults=True):
    """A Neutron floating IP."""

    floating_ip_address: str
    fixed_ip_address: str | None = None
    port_id: str | None = None
    project_id: str | None = None
    tenant_id: str | None = None


def read_ports(survey: Survey) -> Iterator[Said]:
    """Every port of every project.

    Raises:
        CollectorError: a page could not be had.
    """
    sight = _sight(survey)
    # Where nothing is left to prove, they are not asked for.
    networks = () if sight.is_proved else everything(survey, "/networks", "networks", Network)
    own = {n.id for n in networks if not sight.is_foreign(tenant_of(n))}
    for port in everything(survey, "/ports", "ports", NeutronPort):
        # Whoever owns a network sees all its ports, also those of others.
        sight.saw(tenant_of(port), proves=port.network_id not in own)
        yield Reading(to_port(port, source=survey.region.source, zone=survey.zone, now=survey.now), raw(port))
    yield from sight.verdict()


def read_segments(survey: Survey) -> Iterator[Said]:
    """Every subnet of every project, with its network's name and VLAN.

    Raises:
        CollectorError: a page could not be had.
    """
    sight = _sight(survey)
    listed = Partly(everything(survey, "/networks", "networks", Network))
    networks = {n.id: n for n in listed}
    for subnet in everything(survey, "/subnets", "subnets", Subnet):
        network = networks.get(subnet.network_id)
        is_public = network is not None and (network.shared is not False or network.external is not False)
        sight.saw(tenant_of(subnet), proves=not is_public)
        segment = to_segment(
            subnet,
            network,
            source=survey.region.source,
            zone=survey.zone,
            is_cloud=True if survey.is_platform else None,
            now=survey.now,
        )
        yield Reading(segment, {"subnet": raw(subnet), "network": raw(network) if network else None})
    yield from sight.verdict()
    listed.told()


def read_routers(survey: Survey) -> Iterator[Said]:
    """Every router of every project.

    Raises:
        CollectorError: a page could not be had.
    """
    sight = _sight(survey)
    for router in everything(survey, "/routers", "routers", NeutronRouter):
        sight.saw(tenant_of(router))
        yield Reading(to_router(router, source=survey.region.source, now=survey.now), raw(router))
    yield from sight.verdict()


def read_floating_addresses(survey: Survey) -> Iterator[Said]:
    """Every floating address of every project.

    Raises:
        CollectorError: a page could not be had.
    """
    sight = _sight(survey)
    for floating in everything(survey, "/floatingips", "floatingips", FloatingIp):
        sight.saw(tenant_of(floating))
        yield Reading(to_floating_address(floating, source=survey.region.source, now=survey.now), raw(floating))
    yield from sight.verdict()


def to_port(port: NeutronPort, *, source: str, zone: str | None, now: datetime) -> Port:
    """A port 端口."""
    return Port(
        source=source,
        native_id=port.id,
        observed_at=now,
        mac=port.mac_address.lower(),
        addresses=tuple(sorted(f.ip_address.lower() for f in port.fixed_ips)),
        network=port.network_id,
        device=port.device_id or None,
        device_owner=port.device_owner or None,
        tenant=tenant_of(port),
        zone=zone,
        status=port.status,
        security_groups=tuple(sorted(port.security_groups)),
    )


def to_segment(
    subnet: Subnet, network: Network | None, *, source: str, zone: str | None, is_cloud: bool | None, now: datetime
) -> Segment:
    """A subnet as a segment 网段; its routing domain is its network.

    Raises:
        Unreadable: its CIDR is none.
    """
    try:
        cidr = str(ipaddress.ip_network(subnet.cidr, strict=False))
    except ValueError as error:
        raise Unreadable(
            msg(
                "{source}: subnet {id} has the CIDR {cidr}; expected one such as 10.1.0.0/16",
                source=source,
                id=subnet.id,
                cidr=subnet.cidr[:60],
            )
        ) from error
    is_vlan = network is not None and network.network_type == "vlan"
    return Segment(
        source=source,
        native_id=subnet.id,
        observed_at=now,
        cidr=cidr,
        domain=subnet.network_id,
        name=subnet.name or (network.name if network else "") or None,
        zone=zone,
        vlan=str(network.segmentation_id) if network and is_vlan and network.segmentation_id is not None else None,
        purpose="external" if network and network.external else None,
        tenant=tenant_of(subnet),
        is_cloud=is_cloud,
        gateway=subnet.gateway_ip,
    )


def to_router(router: NeutronRouter, *, source: str, now: datetime) -> Router:
    """A router 路由器 with its outer addresses."""
    gateway = router.external_gateway_info
    return Router(
        source=source,
        native_id=router.id,
        observed_at=now,
        name=router.name or router.id,
        tenant=tenant_of(router),
        external_network=gateway.network_id if gateway else None,
        addresses=tuple(sorted(f.ip_address.lower() for f in gateway.external_fixed_ips)) if gateway else (),
    )


def to_floating_address(floating: FloatingIp, *, source: str, now: datetime) -> FloatingAddress:
    """A floating address 浮动地址."""
    return FloatingAddress(
        source=source,
        native_id=floating.id,
        observed_at=now,
        address=floating.floating_ip_address.lower(),
        fixed_address=floating.fixed_ip_address,
        port=floating.port_id,
        tenant=tenant_of(floating),
    )


def _sight(survey: Survey) -> Sight:
    """What Neutron shows us.

    Raises:
        NotConfigured: the region has no Neutron.
    """
    survey.need("network")
    return Sight(survey, "Neutron")


def everything(survey: Survey, path: str, key: str, kind: type[ItemT], params: Params = ()) -> Iterator[ItemT]:
    """Every object of a listing of Neutron, its declared fields only."""
    # Neutron halves its answer where it is told which fields are wanted.
    fields = [*params, *(("fields", name) for name in kind.__struct_encode_fields__)]
    for page in walk_halves(
        survey.region, "network", path, key, kind, sort_key="id", params=fields, page_size=survey.page_size
    ):
        yield from page


class Owned(Protocol):
    """An object of Neutron: both names are in use for whose it is, and one of the cloud itself has an empty one."""

    @property
    def project_id(self) -> str | None: ...

    @property
    def tenant_id(self) -> str | None: ...


def tenant_of(item: Owned) -> str | None:
    """Whose it is."""
    return item.project_id or item.tenant_id or None
