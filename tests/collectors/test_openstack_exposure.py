"""What counts as open to everybody, and what Octavia's and Nova's older answers become."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from collectors.openstack_exposure import (
    NeutronSecurityGroup,
    OctaviaListener,
    OctaviaLoadBalancer,
    SecurityGroupRule,
    is_open,
    to_load_balancer,
    to_security_group,
)
from collectors.openstack_platform import Node, to_node
from collectors.openstack_templates import NovaServerGroup, to_server_group
from inventory.records import Opening

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


def rule(**changes: Any) -> SecurityGroupRule:
    given = {"id": "r", "security_group_id": "g", "direction": "ingress", "ethertype": "IPv4", "protocol": "tcp"}
    return msgspec.convert({**given, **changes}, SecurityGroupRule)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, True),
        ({"remote_ip_prefix": "0.0.0.0/0"}, True),
        ({"remote_ip_prefix": "::/0", "ethertype": "IPv6"}, True),
        ({"remote_ip_prefix": "10.1.2.3/0"}, True),
        ({"remote_ip_prefix": "10.0.0.0/8"}, False),
        ({"remote_ip_prefix": "not a prefix"}, False),
        ({"remote_group_id": "g2"}, False),
        ({"remote_address_group_id": "ag"}, False),
        ({"direction": "egress"}, False),
    ],
)
def test_a_rule_without_a_remote_end_is_for_everybody(changes: dict[str, Any], expected: bool) -> None:
    assert is_open(rule(**changes)) is expected


def test_an_opening_says_for_whom_though_the_rule_does_not() -> None:
    """A rule without a prefix holds for all of its address family; a protocol may be a number."""
    rules = [rule(port_range_min=22, port_range_max=22), rule(ethertype="IPv6", protocol=58), rule(protocol=None)]
    group = to_security_group(NeutronSecurityGroup(id="g", tenant_id="t"), rules, source="o", now=NOW)

    assert set(group.openings) == {
        Opening(protocol="tcp", first=22, last=22, from_="0.0.0.0/0"),
        Opening(protocol="58", from_="::/0"),
        Opening(from_="0.0.0.0/0"),
    }
    assert (group.name, group.tenant) == ("g", "t")


def test_a_listener_without_cidrs_lets_everybody_in_and_one_with_two_is_two_openings() -> None:
    listeners = (
        OctaviaListener(id="1", protocol="HTTP", protocol_port=80),
        OctaviaListener(id="2", protocol="TCP", protocol_port=22, allowed_cidrs=("10.0.0.0/8", "192.168.0.0/16")),
    )
    balancer = OctaviaLoadBalancer(id="lb", vip_address="FD00::9", project_id="t")
    seen = to_load_balancer(balancer, listeners, source="o", now=NOW)

    assert seen.addresses == ("fd00::9",)
    assert [(o.protocol, o.first, o.from_) for o in seen.listeners] == [
        ("http", 80, None), ("tcp", 22, "10.0.0.0/8"), ("tcp", 22, "192.168.0.0/16")
    ]  # fmt: skip


def test_a_server_group_of_an_older_nova_has_a_list_of_one_policy() -> None:
    group = NovaServerGroup(id="g", name="apart", policies=("anti-affinity",), members=("b", "a"))

    assert to_server_group(group, source="o", now=NOW).policy == "anti-affinity"


@pytest.mark.parametrize(
    ("written", "expected"), [(32, 32), ("32", 32), ("many", None), ("9" * 40, None), (None, None)]
)
def test_what_ironic_was_told_of_a_node_may_be_text(written: object, expected: int | None) -> None:
    node = msgspec.convert({"uuid": "b", "properties": {"cpus": written}}, Node)

    assert to_node(node, (), source="o", now=NOW).vcpus == expected
