"""Neutron: ports, subnets with their networks, routers, floating addresses.

API: https://docs.openstack.org/api-ref/network/v2/. Neutron does not refuse a listing of everything: to a reader
without the right it answers 200 with what is its own, often nothing. So the right is proved before it is believed.
"""

import ipaddress
from collections.abc import Iterator
from datetime import datetime

import msgspec
from msgspec import field

from collectors.collector import Incomplete, Reading, Said
from collectors.errors import Unreadable
from collectors.openstack_identity import Survey
from collectors.openstack_pages import Item, ItemT, raw, walk
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
    sight = _Sight(survey)
    own = {n.id for n in sight.networks() if not sight.is_foreign(n)}
    for port in _all(survey, "/ports", "ports", NeutronPort):
        # Whoever owns a network sees all its ports, also those of others.
        sight.saw(port, proves=port.network_id not in own)
        yield Reading(to_port(port, source=survey.region.source, zone=survey.zone, now=survey.now), raw(port))
    yield from sight.verdict()


def read_segments(survey: Survey) -> Iterator[Said]:
    """Every subnet of every project, with its network's name and VLAN.

    Raises:
        CollectorError: a page could not be had.
    """
    sight = _Sight(survey)
    networks = {n.id: n for n in _all(survey, "/networks", "networks", Network)}
    for subnet in _all(survey, "/subnets", "subnets", Subnet):
        network = networks.get(subnet.network_id)
        is_public = network is not None and (network.shared is not False or network.external is not False)
        sight.saw(subnet, proves=not is_public)
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


def read_routers(survey: Survey) -> Iterator[Said]:
    """Every router of every project.

    Raises:
        CollectorError: a page could not be had.
    """
    sight = _Sight(survey)
    for router in _all(survey, "/routers", "routers", NeutronRouter):
        sight.saw(router)
        yield Reading(to_router(router, source=survey.region.source, now=survey.now), raw(router))
    yield from sight.verdict()


def read_floating_addresses(survey: Survey) -> Iterator[Said]:
    """Every floating address of every project.

    Raises:
        CollectorError: a page could not be had.
    """
    sight = _Sight(survey)
    for floating in _all(survey, "/floatingips", "floatingips", FloatingIp):
        sight.saw(floating)
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
        tenant=_tenant(port.project_id, port.tenant_id),
        zone=zone,
        status=port.status,
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
        tenant=_tenant(subnet.project_id, subnet.tenant_id),
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
        tenant=_tenant(router.project_id, router.tenant_id),
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
        tenant=_tenant(floating.project_id, floating.tenant_id),
    )


class _Sight:
    """Whether Neutron lists every project's objects to this token.

    The admin role says so. Any other right (a policy override) is proved by what only it can show: an object that is
    not ours and that nobody shares with us. Each kind has a rule of its own in Neutron's policy, so each is proved.

    Raises:
        NotConfigured: the region has no Neutron.
    """

    def __init__(self, survey: Survey) -> None:
        survey.need("network")
        self._survey = survey
        self._own = survey.region.token.project_id
        self._proved = survey.region.token.is_admin

    def networks(self) -> Iterator[Network]:
        """The networks that are needed to judge; none where nothing is left to prove."""
        if not self._proved:
            yield from _all(self._survey, "/networks", "networks", Network)

    def is_foreign(self, item: "NeutronPort | Network | Subnet | NeutronRouter | FloatingIp") -> bool:
        """Whether the object belongs to another project; not so if nobody says whose it is."""
        return _tenant(item.project_id, item.tenant_id) not in (None, self._own)

    def saw(self, item: "NeutronPort | Subnet | NeutronRouter | FloatingIp", *, proves: bool = True) -> None:
        """Takes note of an object that was listed, and of whether nothing but the right to see all can show it."""
        self._proved = self._proved or (proves and self.is_foreign(item))

    def verdict(self) -> Iterator[Incomplete]:
        """What to say at the end of the listing."""
        if self._proved:
            return
        region = self._survey.region
        yield self._survey.reach.narrowed("Neutron") or Incomplete(
            msg(
                "{source}: Neutron may show {user} its own project only, and nothing proves that it shows all; "
                "docs/openstack-rights.md lists the rights that are needed",
                source=region.source,
                user=region.token.user,
            )
        )


def _all(survey: Survey, path: str, key: str, kind: type[ItemT]) -> Iterator[ItemT]:
    # Neutron halves its answer where it is told which fields are wanted.
    fields = [("fields", name) for name in kind.__struct_encode_fields__]
    for page in walk(survey.region, "network", path, key, kind, params=fields, page_size=survey.page_size):
        yield from page


def _tenant(project_id: str | None, tenant_id: str | None) -> str | None:
    """Both names are in use; an object of the cloud itself has an empty one."""
    return project_id or tenant_id or None
