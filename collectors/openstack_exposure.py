"""What lets everybody in: security groups that are open to the world, and load balancers.

API: https://docs.openstack.org/api-ref/network/v2/#security-group-rules-security-group-rules,
https://docs.openstack.org/api-ref/load-balancer/v2/.
"""

import ipaddress
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime

import msgspec

from collectors.collector import Reading, Said
from collectors.openstack_identity import Sight, Survey
from collectors.openstack_network import everything, tenant_of
from collectors.openstack_pages import Item, Partly, raw, walk
from inventory.records import LoadBalancer, Opening, SecurityGroup

ANYWHERE = {"IPv4": "0.0.0.0/0", "IPv6": "::/0"}


class SecurityGroupRule(Item, frozen=True, kw_only=True, omit_defaults=True):
    """A rule of a security group. Without a prefix, a group and an address group it holds for everybody."""

    security_group_id: str
    direction: str | None = None
    ethertype: str | None = None
    protocol: str | int | None = None
    port_range_min: int | None = None
    port_range_max: int | None = None
    remote_ip_prefix: str | None = None
    remote_group_id: str | None = None
    remote_address_group_id: str | None = None
    project_id: str | None = None
    tenant_id: str | None = None


class NeutronSecurityGroup(Item, frozen=True, kw_only=True, omit_defaults=True):
    """A security group without its rules, which are listed for themselves."""

    name: str = ""
    project_id: str | None = None
    tenant_id: str | None = None


class Reference(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Another object by its id."""

    id: str


class VirtualAddress(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A further address of a load balancer."""

    ip_address: str | None = None


class OctaviaLoadBalancer(Item, frozen=True, kw_only=True, omit_defaults=True):
    """A load balancer."""

    name: str | None = None
    project_id: str | None = None
    vip_address: str | None = None
    vip_port_id: str | None = None
    additional_vips: tuple[VirtualAddress, ...] = ()
    admin_state_up: bool | None = None
    provisioning_status: str | None = None
    operating_status: str | None = None


class OctaviaListener(Item, frozen=True, kw_only=True, omit_defaults=True):
    """What a load balancer listens on; without allowed CIDRs it lets everybody in."""

    protocol: str | None = None
    protocol_port: int | None = None
    loadbalancers: tuple[Reference, ...] = ()
    allowed_cidrs: tuple[str, ...] | None = None


def read_security_groups(survey: Survey) -> Iterator[Said]:
    """The security groups that let everybody in, with what they open. All rules are read, few are kept.

    Raises:
        NotConfigured: the region has no Neutron.
        CollectorError: a page could not be had.
    """
    survey.need("network")
    sight = Sight(survey, "Neutron")
    open_rules: dict[str, list[SecurityGroupRule]] = defaultdict(list)
    # The filter spares half of the rules. Without any, Neutron shows whoever is no administrator its own, by no policy.
    incoming = [("direction", "ingress")]
    rules = Partly(everything(survey, "/security-group-rules", "security_group_rules", SecurityGroupRule, incoming))
    for rule in rules:
        sight.saw(tenant_of(rule))
        if is_open(rule):
            open_rules[rule.security_group_id].append(rule)
    groups = Partly(everything(survey, "/security-groups", "security_groups", NeutronSecurityGroup))
    for group in groups if open_rules else ():
        if opening := open_rules.pop(group.id, None):
            yield _group_reading(survey, group, opening)
    # The group was made after the list of groups was read, or is kept from us: that it is open is known all the same.
    for identifier, opening in sorted(open_rules.items()):
        owner = NeutronSecurityGroup(id=identifier, project_id=tenant_of(opening[0]))
        yield _group_reading(survey, owner, opening)
    yield from sight.verdict()
    rules.told()
    groups.told()


def read_load_balancers(survey: Survey) -> Iterator[Said]:
    """Every load balancer of every project, with its listeners.

    Raises:
        NotConfigured: the region has no Octavia.
        CollectorError: refused, or a page could not be had.
    """
    region = survey.region
    survey.need("load-balancer")
    sight = Sight(survey, "Octavia")
    listeners: dict[str, list[OctaviaListener]] = defaultdict(list)
    heard = Partly(
        walk(region, "load-balancer", "/lbaas/listeners", "listeners", OctaviaListener, page_size=survey.page_size)
    )
    for page in heard:
        for listener in page:
            for balancer in listener.loadbalancers:
                listeners[balancer.id].append(listener)
    for found in walk(
        region,
        "load-balancer",
        "/lbaas/loadbalancers",
        "loadbalancers",
        OctaviaLoadBalancer,
        page_size=survey.page_size,
    ):
        for each in found:
            sight.saw(each.project_id)
            own = tuple(sorted(listeners.get(each.id, ()), key=lambda listener: listener.id))
            record = to_load_balancer(each, own, source=region.source, now=survey.now)
            yield Reading(record, {**raw(each), "listeners": [raw(listener) for listener in own]})
    yield from sight.verdict()
    heard.told()


def is_open(rule: SecurityGroupRule) -> bool:
    """Whether the rule lets everybody of its address family in."""
    if rule.direction != "ingress" or rule.remote_group_id or rule.remote_address_group_id:
        return False
    if not rule.remote_ip_prefix:
        return True
    try:
        return ipaddress.ip_network(rule.remote_ip_prefix, strict=False).prefixlen == 0
    except ValueError:
        return False


def to_security_group(
    group: NeutronSecurityGroup, rules: list[SecurityGroupRule], *, source: str, now: datetime
) -> SecurityGroup:
    """A security group that lets everybody in 对外开放的安全组."""
    return SecurityGroup(
        source=source,
        native_id=group.id,
        observed_at=now,
        name=group.name or group.id,
        tenant=tenant_of(group),
        openings=tuple(sorted(map(_opening, rules), key=repr)),
    )


def to_load_balancer(
    balancer: OctaviaLoadBalancer, listeners: tuple[OctaviaListener, ...], *, source: str, now: datetime
) -> LoadBalancer:
    """A load balancer 负载均衡."""
    addresses = [balancer.vip_address, *(v.ip_address for v in balancer.additional_vips)]
    return LoadBalancer(
        source=source,
        native_id=balancer.id,
        observed_at=now,
        name=balancer.name or balancer.id,
        tenant=balancer.project_id,
        addresses=tuple(dict.fromkeys(a.lower() for a in addresses if a)),
        port=balancer.vip_port_id,
        listeners=tuple(opening for listener in listeners for opening in _listened(listener)),
        is_enabled=balancer.admin_state_up,
        status=f"{balancer.provisioning_status or '?'}/{balancer.operating_status or '?'}",
    )


def _group_reading(survey: Survey, group: NeutronSecurityGroup, rules: list[SecurityGroupRule]) -> Reading:
    ordered = sorted(rules, key=lambda rule: rule.id)
    record = to_security_group(group, ordered, source=survey.region.source, now=survey.now)
    return Reading(record, {"group": raw(group), "rules": [raw(rule) for rule in ordered]})


def _opening(rule: SecurityGroupRule) -> Opening:
    return Opening(
        protocol=str(rule.protocol) if rule.protocol is not None else None,
        first=rule.port_range_min,
        last=rule.port_range_max,
        from_=rule.remote_ip_prefix or ANYWHERE.get(rule.ethertype or ""),
    )


def _listened(listener: OctaviaListener) -> Iterator[Opening]:
    protocol = listener.protocol.lower() if listener.protocol else None
    for cidr in listener.allowed_cidrs or (None,):
        yield Opening(protocol=protocol, first=listener.protocol_port, last=listener.protocol_port, from_=cidr)
