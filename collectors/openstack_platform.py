"""What the cloud itself is made of: its services on their hosts, aggregates of hosts, bare-metal nodes.

API: Nova's os-services and os-aggregates, Cinder's os-services, Neutron's agents, Ironic's nodes
(https://docs.openstack.org/api-ref/baremetal/).
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime

import msgspec
from msgspec import field

from collectors.collector import Incomplete, Reading, Said
from collectors.errors import CollectorError, NotConfigured
from collectors.openstack_compute import CELL_AWARE, WANTED
from collectors.openstack_connection import Service
from collectors.openstack_identity import Sight, Survey
from collectors.openstack_pages import Damage, Item, Partly, StructT, decoded, raw, walk
from inventory.records import Aggregate, BareMetalNode, PlatformService
from inventory.text import Message, msg

MIB = 1024**2
GIB = 1024**3

MOST_DIGITS = 16
NODES_WANTED = (1, 65)
"""Names (1.5), owner (1.50), lessee (1.65)."""


class ServiceRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A row of Nova's or Cinder's os-services."""

    binary: str
    host: str
    zone: str | None = None
    status: str | None = None
    """`enabled` or `disabled`; `UNKNOWN` in a Nova cell that is down."""
    state: str | None = None
    """`up` or `down`."""
    disabled_reason: str | None = None


class Agent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A row of Neutron's agents."""

    binary: str
    host: str
    availability_zone: str | None = None
    admin_state_up: bool | None = None
    alive: bool | None = None


class NovaAggregate(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A host aggregate. Its metadata may hold anything; only the zone is kept."""

    id: int | str
    uuid: str | None = None
    """From microversion 2.41 on."""
    name: str
    hosts: tuple[str, ...] = ()
    availability_zone: str | None = None


class NodeProperties(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an operator or an inspection wrote of a node's hardware: numbers, or numbers in strings; MiB and GiB."""

    cpus: int | str | None = None
    memory_mb: int | str | None = None
    local_gb: int | str | None = None
    cpu_arch: str | None = None


class Node(Item, frozen=True, kw_only=True, omit_defaults=True):
    """An Ironic node. Its `driver_info` holds passwords of management boards and is never decoded."""

    id: str = field(name="uuid")
    name: str | None = None
    instance_uuid: str | None = None
    owner: str | None = None
    lessee: str | None = None
    provision_state: str | None = None
    power_state: str | None = None
    maintenance: bool | None = None
    properties: NodeProperties = NodeProperties()


class NodePort(Item, frozen=True, kw_only=True, omit_defaults=True):
    """A network card of a node."""

    id: str = field(name="uuid")
    address: str
    node_uuid: str


def read_services(survey: Survey) -> Iterator[Said]:
    """Every service of Nova and Cinder and every agent of Neutron, with whether it is up.

    A region that lacks one of the three is read whole without it; one that refuses or fails leaves a gap.

    Raises:
        NotConfigured: the region has none of the three.
        CollectorError: none of the three could be read.
    """
    looks = (_nova_services, _cinder_services, _neutron_agents)
    missing: list[NotConfigured] = []
    failed: list[CollectorError] = []
    for look in looks:
        try:
            yield from look(survey)
        except NotConfigured as error:
            missing.append(error)
        except CollectorError as error:
            failed.append(error)
    if len(missing) == len(looks):
        raise missing[0]
    if failed and len(failed) + len(missing) == len(looks):
        raise failed[0]
    for each in failed:
        yield Incomplete(each.message, each.unseen)


def read_aggregates(survey: Survey) -> Iterator[Said]:
    """Every host aggregate.

    Raises:
        CollectorError: refused, or it could not be had.
    """
    region = survey.region
    survey.need("compute")
    damage = Damage()
    for aggregate in _rows(survey, "compute", "/os-aggregates", "aggregates", NovaAggregate, damage, WANTED):
        yield Reading(to_aggregate(aggregate, survey), raw(aggregate))
    damage.told(region, "/os-aggregates")


def read_bare_metal_nodes(survey: Survey) -> Iterator[Said]:
    """Every bare-metal node, with the hardware addresses of its cards.

    Raises:
        NotConfigured: the region has no Ironic.
        CollectorError: refused, or a page could not be had.
    """
    region = survey.region
    survey.need("baremetal")
    microversion = region.microversion(NODES_WANTED, "baremetal")
    macs: dict[str, list[str]] = defaultdict(list)
    listed = Partly(
        walk(
            region,
            "baremetal",
            "/ports/detail",
            "ports",
            NodePort,
            microversion=microversion,
            page_size=survey.page_size,
        )
    )
    for cards in listed:
        for card in cards:
            macs[card.node_uuid].append(card.address.lower())
    sight = Sight(survey, "Ironic")
    own = region.token.project_id
    for nodes in walk(
        region,
        "baremetal",
        "/nodes/detail",
        "nodes",
        Node,
        microversion=microversion,
        page_size=survey.page_size,
    ):
        for node in nodes:
            # Whoever may not see all is shown the nodes that it owns or has on lease.
            sight.is_proved = sight.is_proved or own not in (node.owner, node.lessee)
            held = tuple(sorted(macs.get(node.id, ())))
            yield Reading(to_node(node, held, source=region.source, now=survey.now), {**raw(node), "macs": held})
    yield from sight.verdict()
    listed.told()


def to_service(row: ServiceRow, survey: Survey) -> PlatformService:
    """A service of Nova or Cinder 平台服务."""
    return PlatformService(
        source=survey.region.source,
        native_id=survey.local(f"{row.binary}@{row.host}"),
        observed_at=survey.now,
        name=row.binary,
        host=row.host,
        zone=row.zone or None,
        is_enabled={"enabled": True, "disabled": False}.get(row.status or ""),
        is_up={"up": True, "down": False}.get(row.state or ""),
        reason=row.disabled_reason or None,
    )


def to_agent(agent: Agent, survey: Survey) -> PlatformService:
    """An agent of Neutron 平台服务."""
    return PlatformService(
        source=survey.region.source,
        native_id=survey.local(f"{agent.binary}@{agent.host}"),
        observed_at=survey.now,
        name=agent.binary,
        host=agent.host,
        zone=agent.availability_zone or None,
        is_enabled=agent.admin_state_up,
        is_up=agent.alive,
    )


def to_aggregate(aggregate: NovaAggregate, survey: Survey) -> Aggregate:
    """A host aggregate 主机聚合."""
    return Aggregate(
        source=survey.region.source,
        native_id=aggregate.uuid or survey.local(str(aggregate.id)),
        observed_at=survey.now,
        name=aggregate.name,
        availability_zone=aggregate.availability_zone or None,
        hosts=tuple(sorted(aggregate.hosts)),
    )


def to_node(node: Node, macs: tuple[str, ...], *, source: str, now: datetime) -> BareMetalNode:
    """A bare-metal node 裸金属节点, in base units."""
    properties = node.properties
    memory, disk = _number(properties.memory_mb), _number(properties.local_gb)
    return BareMetalNode(
        source=source,
        native_id=node.id,
        observed_at=now,
        name=node.name or node.id,
        server=node.instance_uuid,
        tenant=node.owner,
        lessee=node.lessee,
        status=f"{node.provision_state or '?'}/{node.power_state or '?'}",
        is_in_maintenance=node.maintenance,
        arch=properties.cpu_arch,
        vcpus=_number(properties.cpus),
        memory_bytes=memory * MIB if memory is not None else None,
        disk_bytes=disk * GIB if disk is not None else None,
        macs=macs,
    )


def _nova_services(survey: Survey) -> Iterator[Said]:
    survey.need("compute")
    yield from _services(survey, "compute", survey.region.microversion(CELL_AWARE))


def _cinder_services(survey: Survey) -> Iterator[Said]:
    survey.need("block-storage")
    yield from _services(survey, "block-storage", None)


def _services(survey: Survey, service: Service, microversion: tuple[int, int] | None) -> Iterator[Said]:
    region, path = survey.region, "/os-services"
    damage = Damage()
    for row in _rows(survey, service, path, "services", ServiceRow, damage, microversion):
        yield Reading(to_service(row, survey), raw(row))
    damage.told(region, path)


def _neutron_agents(survey: Survey) -> Iterator[Said]:
    """Neutron answers 200 with nothing to whoever may not see agents; a Neutron without agents is one of OVN's past."""
    survey.need("network")
    region, path = survey.region, "/agents"
    damage = Damage()
    seen = False
    for agent in _rows(survey, "network", path, "agents", Agent, damage, None):
        seen = True
        yield Reading(to_agent(agent, survey), raw(agent))
    if not seen and not region.token.is_admin:
        yield Incomplete(_agents_unseen(survey))
    damage.told(region, path)


def _agents_unseen(survey: Survey) -> Message:
    return msg(
        "{source}: Neutron shows {user} no agents; whether there are none or they are hidden cannot be told; "
        "docs/openstack-rights.md lists the rights that are needed",
        source=survey.region.source,
        user=survey.region.token.user,
    )


def _rows(
    survey: Survey,
    service: Service,
    path: str,
    key: str,
    kind: type[StructT],
    damage: Damage,
    microversion: tuple[int, int] | None,
) -> list[StructT]:
    """A listing that its service gives in one piece.

    Raises:
        CollectorError: it could not be had, or nothing in it can be read.
    """
    region = survey.region
    document = decoded(region, path, region.get(service, path, microversion=microversion))
    return damage.readable(region, path, document.get(key, b"null"), kind)


def _number(written: int | str | None) -> int | None:
    """Ironic keeps what an inspection wrote, often as text."""
    if isinstance(written, str):
        return int(written) if written.isascii() and written.isdigit() and len(written) < MOST_DIGITS else None
    return written
