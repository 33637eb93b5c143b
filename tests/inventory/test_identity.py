"""Identity: which sightings are one machine, and which must never become one."""

import random
from datetime import UTC, datetime

import msgspec
import pytest

from inventory.identity import Machine, identify
from inventory.records import HostSighting, Nic, Port, View
from inventory.text import tell
from inventory.uuids import DEFAULTS, both_orders, canonical, is_usable, swapped

NOON = datetime(2026, 11, 20, 4, tzinfo=UTC)
SERVER = "420bcf8f-a2f2-d154-329b-575d9bc5e19c"
OTHER = "7c1de62a-0b54-4a7e-9a54-3e2f8e1d5a10"


def sighting(view: View, native_id: str, **fields: object) -> HostSighting:
    source = {View.SERVER: "openstack:centre", View.NODE: "kubernetes:centre", View.OS: "ssh:hosts"}.get(
        view, "ledger:assets"
    )
    said = {"source": source, "native_id": native_id, "observed_at": NOON, "view": view, "name": native_id, **fields}
    return HostSighting(**said)  # type: ignore[arg-type]


def server(uuid: str = SERVER, **fields: object) -> HostSighting:
    return sighting(View.SERVER, uuid, uuid=uuid, **fields)


def os_host(name: str, **fields: object) -> HostSighting:
    return sighting(View.OS, name, **fields)


def with_server(machines: tuple[Machine, ...], uuid: str = SERVER) -> list[str]:
    (machine,) = [m for m in machines if m.id == uuid]
    return [s.native_id for s in machine.sightings if s.view is not View.SERVER]


@pytest.mark.parametrize(("uuid", "rule"), [(SERVER.upper(), "uuid"), (swapped(SERVER), "uuid_swapped")])
def test_a_host_is_the_server_whose_uuid_it_reports_in_either_byte_order(uuid: str, rule: str) -> None:
    """Firmware prints the first three fields as they lie in memory (DSP0134)."""
    machines = identify([server(), os_host("web", uuid=uuid)], [])

    assert with_server(machines) == ["web"]
    assert [j.rule for m in machines for j in m.joins] == [rule]


@pytest.mark.parametrize(
    "provider_id", [f"openstack:///{SERVER}", f"openstack://RegionOne/{SERVER}", f"openstack://{SERVER}"]
)
def test_a_node_is_the_server_that_its_provider_id_names(provider_id: str) -> None:
    machines = identify([server(), sighting(View.NODE, "node-1", provider_id=provider_id)], [])

    assert with_server(machines) == ["node-1"]


@pytest.mark.parametrize(
    ("fields", "rule", "value"),
    [
        ({"uuid": SERVER.upper()}, "uuid", SERVER),
        ({"uuid": swapped(SERVER)}, "uuid_swapped", swapped(SERVER)),
        ({"serial": SERVER.upper()}, "serial", SERVER.upper()),
        (
            {"nics": (Nic(mac="fa:16:3e:00:00:07", addresses=("10.0.0.5/24", "10.0.0.6/24")),)},
            "mac_address",
            "fa:16:3e:00:00:07 10.0.0.6",
        ),
    ],
)
def test_the_proof_that_a_host_is_an_instance_is_told_by_its_rule_and_value(
    fields: dict[str, object], rule: str, value: str
) -> None:
    """What a lawyer is shown: which sign of the host is which of the control plane's."""
    port = Port(source="openstack:centre", native_id="p", observed_at=NOON, mac="fa:16:3e:00:00:07",
                addresses=("10.0.0.6",), device=SERVER)  # fmt: skip
    host = os_host("web", **fields)

    (machine,) = identify([server(), host], [port])

    assert [(j.rule, j.value, {j.left, j.right}) for j in machine.joins] == [(rule, value, {server().key, host.key})]


def joined(*sightings: HostSighting) -> list[tuple[str, str]]:
    return sorted((j.rule, j.value) for m in identify(sightings, []) for j in m.joins)


def test_two_ways_of_reaching_one_machine_are_told_by_what_they_share() -> None:
    node = sighting(View.NODE, "n", uuid=SERVER, machine_id="m-1")

    assert joined(os_host("a", uuid=SERVER.upper()), node) == [("uuid", SERVER)]
    assert joined(os_host("a", uuid=swapped(SERVER)), node) == [("uuid_swapped", swapped(SERVER))]
    assert joined(os_host("a", uuid=OTHER, machine_id="m-1"), node) == [("machine_id", "m-1")]


def test_a_machine_whose_uuid_nobody_could_read_leaves_the_others_joined() -> None:
    """One node without a UUID, listed first: the node after it is still the machine that SSH reached."""
    unread = sighting(View.NODE, "a")
    node = sighting(View.NODE, "n", uuid=SERVER)

    assert joined(unread, node, os_host("web", uuid=SERVER)) == [("uuid", SERVER)]
    assert len(identify([unread, node, os_host("web", uuid=SERVER)], [])) == 2


def test_every_asset_card_is_joined_by_the_first_of_its_numbers_that_names_one_machine() -> None:
    hosts = (os_host("a", serial="CN1", uuid=SERVER), os_host("b", serial="CN2", uuid=OTHER))
    cards = (
        sighting(View.ASSET, "card 1", serial=" cn1 ", uuid=SERVER),
        sighting(View.ASSET, "card 2", serial="CN2"),
        sighting(View.ASSET, "card 3", serial="CN3"),
    )

    assert joined(*hosts, *cards) == [("serial", "cn2"), ("uuid", SERVER)]


def test_what_points_to_two_instances_is_neither_and_says_by_which_signs() -> None:
    port = Port(source="openstack:centre", native_id="p", observed_at=NOON, mac="fa:16:3e:00:00:07",
                addresses=("10.0.0.6",), device=OTHER)  # fmt: skip
    host = os_host("web", uuid=SERVER, nics=(Nic(mac="fa:16:3e:00:00:07", addresses=("10.0.0.6/24",)),))

    machines = identify([server(name="one"), server(OTHER, name="two"), host], [port])

    (told,) = [[tell(c, "en") for c in m.conflicts] for m in machines if m.name == "web"]
    assert f"its identifiers (mac_address, uuid) point to several instances: one ({SERVER}), two ({OTHER})" in told


def test_of_a_cloned_uuid_each_is_told_who_else_reports_it() -> None:
    hosts = [os_host(n, uuid=SERVER, nics=(Nic(mac=f"52:54:00:00:00:0{n}"),)) for n in "123"]

    told = {m.name: [tell(c, "en") for c in m.conflicts] for m in identify(hosts, [])}

    assert told["2"] == [f"UUID {SERVER} is also reported by 1, 3: it identifies none of them"] or told["2"] == [
        f"UUID {min(both_orders(SERVER))} is also reported by 1, 3: it identifies none of them"
    ]


VMWARE_SERIAL = "VMware-42 0e 3f 74 ea 84 f9 a2-77 36 61 06 bb 5d bf 6b"
VMWARE_UUID = "743F0E42-84EA-A2F9-7736-6106BB5DBF6B"


def test_vmware_s_serial_and_its_turned_uuid_are_one_machine() -> None:
    """The pair that Kubernetes on vSphere showed: an asset card has the one, the machine itself says the other."""
    card = sighting(View.ASSET, "card", serial=VMWARE_SERIAL)

    (machine,) = identify([card, os_host("vm", uuid=VMWARE_UUID, serial=VMWARE_SERIAL)], [])

    assert [s.native_id for s in machine.sightings] == ["card", "vm"]
    assert machine.conflicts == ()


def test_vmware_s_serial_names_the_instance_where_the_uuid_needs_root() -> None:
    uuid = VMWARE_UUID.lower()

    machines = identify([server(uuid), os_host("vm", serial=VMWARE_SERIAL)], [])

    assert with_server(machines, uuid) == ["vm"]


def test_two_machines_with_one_vmware_serial_are_neither() -> None:
    uuid = VMWARE_UUID.lower()
    macs = (Nic(mac="00:50:56:00:00:01"),), (Nic(mac="00:50:56:00:00:02"),)

    machines = identify([server(uuid), *(os_host(m[0].mac or "", serial=VMWARE_SERIAL, nics=m) for m in macs)], [])

    assert with_server(machines, uuid) == []
    assert sum(bool(m.conflicts) for m in machines) == 2


def test_a_uuid_that_two_hosts_report_identifies_neither() -> None:
    """Images cloned with their firmware data would make strangers instances of the cloud."""
    one = os_host("a", uuid=SERVER, nics=(Nic(mac="52:54:00:00:00:01"),))
    two = os_host("b", uuid=SERVER, nics=(Nic(mac="52:54:00:00:00:02"),))

    machines = identify([server(), one, two], [])

    assert with_server(machines) == []
    assert sum(bool(m.conflicts) for m in machines) == 2


def test_one_host_reached_twice_is_no_clone() -> None:
    nic = (Nic(mac="fa:16:3e:00:00:01", addresses=("10.0.0.5/24",)),)

    machines = identify([server(), os_host("a", uuid=SERVER, nics=nic), os_host("b", uuid=SERVER, nics=nic)], [])

    assert with_server(machines) == ["a", "b"]


@pytest.mark.parametrize(
    "said", [{"uuid": SERVER}, {"provider_id": f"openstack:///{SERVER}"}], ids=["uuid", "provider"]
)
def test_a_node_and_its_system_are_both_the_instance_that_each_of_them_names(said: dict[str, str]) -> None:
    """They are two views of one machine: neither excludes the other, though nothing else ties them."""
    machines = identify([server(), os_host("a", uuid=SERVER), sighting(View.NODE, "n", **said)], [])

    assert with_server(machines) == ["n", "a"]
    assert [m.conflicts for m in machines] == [()]


def node_of(cluster: str, machine_id: str | None, name: str = "n") -> HostSighting:
    return HostSighting(
        source=cluster, native_id=name, observed_at=NOON, view=View.NODE, name=name, uuid=SERVER, machine_id=machine_id
    )


@pytest.mark.parametrize(
    ("one", "other", "is_one"),
    [
        (node_of("kubernetes:a", "m1"), node_of("kubernetes:b", "m1"), True),
        (node_of("kubernetes:a", "m1"), node_of("kubernetes:b", "m2"), False),
        (node_of("kubernetes:a", None), node_of("kubernetes:b", None), False),
        (node_of("kubernetes:a", "m1"), node_of("kubernetes:a", "m1", "other"), False),
    ],
    ids=["one node, two accounts of it", "two systems", "nothing says so", "two nodes of one cluster"],
)
def test_nodes_with_one_uuid_are_one_only_by_machine_id_and_in_two_clusters(
    one: HostSighting, other: HostSighting, *, is_one: bool
) -> None:
    """A cluster lists a node once: two of one cluster are two machines, whatever was cloned."""
    machines = identify([server(), one, other], [])

    assert with_server(machines) == ([one.native_id, other.native_id] if is_one else [])


@pytest.mark.parametrize(
    "uuid", ["00000000-0000-0000-0000-000000000000", "03000200-0400-0500-0006-000700080009", "not a uuid"]
)
def test_a_uuid_that_the_maker_left_unset_joins_nothing(uuid: str) -> None:
    machines = identify([os_host("a", uuid=uuid), sighting(View.NODE, "b", uuid=uuid)], [])

    assert len(machines) == 2


def port(address: str = "10.0.0.5", mac: str = "fa:16:3e:00:00:01", device: str = SERVER, number: int = 1) -> Port:
    return Port(
        source="openstack:centre",
        native_id=f"port-{number}",
        observed_at=NOON,
        mac=mac,
        addresses=(address,),
        device=device,
    )


def test_mac_and_address_of_a_port_are_the_wire_s_word() -> None:
    """Where the UUID cannot be read without root, the port still ties the host to the instance."""
    nic = (Nic(mac="fa:16:3e:00:00:01", addresses=("10.0.0.5/24",)),)

    assert with_server(identify([server(), os_host("web", nics=nic)], [port()])) == ["web"]


@pytest.mark.parametrize(
    "nic",
    [Nic(mac="fa:16:3e:00:00:01", addresses=("10.0.0.6",)), Nic(mac="fa:16:3e:00:00:02", addresses=("10.0.0.5",))],
)
def test_half_of_a_port_is_not_enough(nic: Nic) -> None:
    assert with_server(identify([server(), os_host("web", nics=(nic,))], [port()])) == []


def test_a_mac_of_an_instance_under_another_address_says_neither_yes_nor_no() -> None:
    """Secondary and floating addresses are on no port: `not in the inventory` would be a false word."""
    nic = Nic(mac="fa:16:3e:00:00:01", addresses=("10.0.0.6",))

    (host,) = [m for m in identify([server(), os_host("web", uuid=OTHER, nics=(nic,))], [port()]) if m.id != SERVER]

    assert host.conflicts


def test_two_hosts_with_one_instance_s_serial_are_neither() -> None:
    """What is true of cloned UUIDs is true of everything that a host says of itself."""
    one = os_host("a", serial=SERVER, nics=(Nic(mac="52:54:00:00:00:01"),))
    two = os_host("b", serial=SERVER, nics=(Nic(mac="52:54:00:00:00:02"),))

    machines = identify([server(), one, two], [])

    assert with_server(machines) == []
    assert sum(bool(m.conflicts) for m in machines) == 2


def test_two_nodes_with_one_provider_id_are_neither() -> None:
    nodes = [sighting(View.NODE, name, provider_id=f"openstack:///{SERVER}") for name in ("node-1", "node-2")]

    assert with_server(identify([server(), *nodes], [])) == []


def test_a_node_and_its_own_system_are_one_machine() -> None:
    node = sighting(View.NODE, "node-1", provider_id=f"openstack:///{SERVER}", uuid=SERVER)

    assert with_server(identify([server(), node, os_host("a", uuid=SERVER)], [])) == ["node-1", "a"]


def test_a_provider_id_that_the_node_s_own_uuid_contradicts_proves_nothing() -> None:
    """Whoever runs the kubelet writes the providerID."""
    node = sighting(View.NODE, "node-1", provider_id=f"openstack:///{SERVER}", uuid=OTHER)

    machines = identify([server(), node], [])

    assert with_server(machines) == []
    assert [len(m.conflicts) for m in machines if m.id != SERVER] == [1]


def test_a_clone_of_an_instance_s_uuid_takes_nothing_from_it_and_gains_nothing() -> None:
    """The true one is known by its port; that its UUID is shared stays a conflict of both."""
    true = os_host("true", uuid=SERVER, nics=(Nic(mac="fa:16:3e:00:00:01", addresses=("10.0.0.5/24",)),))
    clone = os_host("clone", uuid=SERVER, nics=(Nic(mac="52:54:00:00:00:02", addresses=("10.0.0.9/24",)),))

    machines = identify([server(), true, clone], [port()])

    assert with_server(machines) == ["true"]
    assert all(m.conflicts for m in machines)


def test_a_pair_that_two_ports_hold_ties_to_neither() -> None:
    """Overlapping tenant networks are normal."""
    nic = (Nic(mac="fa:16:3e:00:00:01", addresses=("10.0.0.5",)),)

    machines = identify([server(), server(OTHER), os_host("web", nics=nic)], [port(), port(device=OTHER, number=2)])

    assert len(machines) == 3


def test_a_host_that_points_to_two_servers_is_neither() -> None:
    nic = (Nic(mac="fa:16:3e:00:00:01", addresses=("10.0.0.5",)),)

    machines = identify([server(), server(OTHER), os_host("web", uuid=OTHER, nics=nic)], [port()])

    assert len(machines) == 3
    assert [len(m.conflicts) for m in machines if m.sightings[0].view is View.OS] == [1]


def test_machine_id_joins_a_node_to_its_host_but_never_two_clones() -> None:
    node = sighting(View.NODE, "node-1", machine_id="5d0f")
    assert len(identify([node, os_host("a", machine_id="5d0f")], [])) == 1

    assert len(identify([node, os_host("a", machine_id="5d0f"), os_host("b", machine_id="5d0f")], [])) == 3


def test_an_address_holds_inside_one_zone_only() -> None:
    """RFC 1918 space repeats between departments' networks."""
    host = os_host("a", zone="政务外网区", nics=(Nic(mac="3c:00:00:00:00:01", addresses=("10.0.0.5/24",)),))
    row = sighting(View.ASSET, "row-1", zone="政务外网区", nics=(Nic(addresses=("10.0.0.5",)),))
    elsewhere = sighting(View.ASSET, "row-2", zone="部门专网区", nics=(Nic(addresses=("10.0.0.5",)),))

    machines = identify([host, row, elsewhere], [])

    assert sorted(tuple(s.native_id for s in m.sightings) for m in machines) == [("row-1", "a"), ("row-2",)]


def test_an_equipment_serial_joins_the_asset_card() -> None:
    host = os_host("a", serial="CN7240ABC1", uuid=OTHER)
    card = sighting(View.ASSET, "card", serial="cn7240abc1")
    unset = sighting(View.ASSET, "unset", serial="To be filled by O.E.M.")

    assert len(identify([host, card, unset, os_host("b", serial="To be filled by O.E.M.")], [])) == 3


def test_identity_survives_new_names_addresses_and_power() -> None:
    before = [server(name="web", status="ACTIVE"), os_host("web", uuid=SERVER)]
    after = [server(name="renamed", status="SHUTOFF", nics=(Nic(mac="fa:16:3e:00:00:09", addresses=("10.9.9.9",)),))]

    assert {m.id for m in identify(before, [])} == {m.id for m in identify(after, [])} == {SERVER}


def test_the_order_of_sightings_leaves_no_trace() -> None:
    nic = (Nic(mac="fa:16:3e:00:00:01", addresses=("10.0.0.5",)),)
    many = [server(), server(OTHER), os_host("a", uuid=SERVER, nics=nic), os_host("b", uuid=OTHER)]
    many += [sighting(View.NODE, f"n{i}", machine_id=f"m{i}") for i in range(5)]
    many += [os_host(f"h{i}", machine_id=f"m{i}") for i in range(5)]
    expected = msgspec.json.encode([m.__dict__ for m in identify(many, [port()])])

    for seed in range(20):
        shuffled = random.Random(seed).sample(many, len(many))  # noqa: S311 - a shuffle, not a secret
        assert msgspec.json.encode([m.__dict__ for m in identify(shuffled, [port()])]) == expected


def wire(address: str, mac: str | None = None, zone: str | None = "政务外网区", number: int = 1) -> HostSighting:
    said = {"source": f"discovery:{number}", "observed_at": NOON, "view": View.DISCOVERED, "name": address}
    return HostSighting(native_id=f"{zone}|{mac or address}", zone=zone, nics=(Nic(mac=mac, addresses=(address,)),),
                        **said)  # type: ignore[arg-type]  # fmt: skip


MAC = "3c:00:00:00:00:01"
KNOWN = os_host("web", zone="政务外网区", uuid=OTHER, nics=(Nic(mac=MAC, addresses=("10.0.0.5/24",)),))


@pytest.mark.parametrize(
    ("seen", "rule"),
    [
        (wire("10.0.0.5"), "zone_address"),
        (wire("10.0.0.5", MAC), "wire_mac"),
        (wire("10.0.0.77", MAC), "wire_mac"),
        (wire("10.0.0.77", MAC, zone=None), "wire_mac"),
    ],
)
def test_what_answers_on_the_wire_is_the_host_with_its_mac_or_its_address(seen: HostSighting, rule: str) -> None:
    (machine,) = identify([KNOWN, seen], [])

    assert [j.rule for j in machine.joins][:1] == [rule]
    assert machine.id == min(OTHER, swapped(OTHER))


@pytest.mark.parametrize(
    "seen",
    [
        wire("10.0.0.5", "3c:00:00:00:00:99"),  # another machine has taken the address
        wire("10.0.0.5", zone="部门专网区"),
        wire("10.0.0.5", zone=None),
        wire("10.0.0.77", MAC, zone="部门专网区"),
        wire("10.0.0.77"),
    ],
)
def test_what_the_wire_contradicts_or_leaves_open_stays_a_machine_of_its_own(seen: HostSighting) -> None:
    assert len(identify([KNOWN, seen], [])) == 2


def test_an_address_that_two_machines_have_joins_neither_to_the_wire() -> None:
    twin = os_host("twin", zone="政务外网区", nics=(Nic(mac="3c:00:00:00:00:02", addresses=("10.0.0.5/24",)),))

    assert len(identify([KNOWN, twin, wire("10.0.0.5")], [])) == 3


def test_a_copied_mac_makes_nobody_an_instance_without_its_address() -> None:
    """An undeclared machine must not vanish into a lawful one."""
    nic = (Nic(mac="fa:16:3e:00:00:01", addresses=("10.0.0.5",)),)

    assert len(identify([server(nics=nic), wire("10.0.0.9", "fa:16:3e:00:00:01")], [])) == 2
    assert len(identify([server(nics=nic), wire("10.0.0.5", "fa:16:3e:00:00:01")], [])) == 1


def test_two_files_that_saw_one_thing_are_one_machine() -> None:
    assert len(identify([wire("10.0.0.5"), wire("10.0.0.5", MAC, number=2)], [])) == 1
    assert len(identify([wire("10.0.0.5", "3c:00:00:00:00:09"), wire("10.0.0.5", MAC, number=2)], [])) == 2


# ── UUIDs as machines report them ─────────────────────────────────────────────────────────────────────────────────────

BOARD = SERVER
TURNED = "8fcf0b42-f2a2-54d1-329b-575d9bc5e19c"
"""The same, with the first three fields in the other byte order (DMTF DSP0134 §7.2.1)."""


@pytest.mark.parametrize(
    "text",
    [
        BOARD,
        BOARD.upper(),
        f"  {BOARD}\n",
        f"{{{BOARD}}}",
        f"({BOARD})",
        f"urn:uuid:{BOARD}",
        f"URN:UUID:{BOARD}",
        BOARD.replace("-", ""),
        "VMware-42 0b cf 8f a2 f2 d1 54-32 9b 57 5d 9b c5 e1 9c",
    ],
)
def test_one_uuid_however_it_is_written(text: str) -> None:
    assert canonical(text) == BOARD
    assert both_orders(text) == {BOARD, TURNED}
    assert is_usable(text)


@pytest.mark.parametrize(
    "text", [None, "", "Not Settable", BOARD[:-1], BOARD + "0", BOARD.replace("c", "g"), "urn:uuid:"]
)
def test_what_is_no_uuid_is_none(text: str | None) -> None:
    assert canonical(text) is None
    assert both_orders(text) == frozenset()
    assert not is_usable(text)


def test_only_the_first_three_fields_are_turned_and_twice_is_not_at_all() -> None:
    assert swapped(BOARD) == TURNED
    assert swapped(swapped(BOARD)) == BOARD


@pytest.mark.parametrize(
    "default",
    [*sorted(DEFAULTS), *(swapped(d) for d in sorted(DEFAULTS)), "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"],
)
def test_what_a_maker_left_unset_identifies_nobody(default: str) -> None:
    assert canonical(default) == default
    assert not is_usable(default)
    assert not is_usable(default.upper())


def test_two_digits_are_enough_to_be_somebody() -> None:
    assert is_usable("aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaab")
