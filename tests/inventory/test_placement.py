"""Placement: what is proven, what is only claimed, and what is never concluded from absence."""

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace as replace_
from told import page

from inventory.coverage import DO_NOT_SCAN, Cell, CellResult, CellState, Coverage, SourceInfo
from inventory.hosts import Join, Place, Placement
from inventory.identity import Machine, identify
from inventory.placement import place, unidentified_instances
from inventory.records import HostSighting, Nic, ThirdPartyResource, View
from inventory.text import Message, msg, tell

NOON = datetime(2026, 11, 20, 4, tzinfo=UTC)
TOLD = Path(__file__).with_name("told")
SERVER = "420bcf8f-a2f2-d154-329b-575d9bc5e19c"
OTHER = "7c1de62a-0b54-4a7e-9a54-3e2f8e1d5a10"
SOURCES = (
    SourceInfo(name="openstack:centre", type="openstack", is_platform=True),
    SourceInfo(name="openstack:bureau", type="openstack"),
    SourceInfo(name="ssh:hosts", type="ssh"),
)


def coverage(host: CellState = CellState.COMPLETE, port: CellState = CellState.COMPLETE) -> Coverage:
    def cell(kind: str, state: CellState) -> CellResult:
        reason = None if state is CellState.COMPLETE else msg("no reason was given")
        return CellResult(cell=Cell("openstack:centre", "RegionOne", kind), state=state, seen=1, reason=reason)

    contracts = CellResult(cell=Cell("ledger:third", "*", "third_party"), state=CellState.COMPLETE, seen=0)
    return Coverage(SOURCES, [cell("host", host), cell("port", port), contracts])


def sighting(view: View = View.OS, source: str = "ssh:hosts", **fields: object) -> HostSighting:
    said = {"source": source, "native_id": "a", "observed_at": NOON, "view": view, "name": "a", **fields}
    return HostSighting(**said)  # type: ignore[arg-type]


def placed(
    *sightings: HostSighting, seen: Coverage | None = None, contracts: tuple[ThirdPartyResource, ...] = ()
) -> Placement:
    (machine,) = identify(sightings, [])
    return place(machine, coverage=seen or coverage(), third_parties=contracts)


TOWER = sighting(uuid=OTHER, vendor="Inspur", product="NF5280M6", chassis_type=7, virtualization="none")
GUEST = sighting(uuid=OTHER, vendor="OpenStack Foundation", product="OpenStack Nova", virtualization="kvm")


def test_a_server_of_the_platform_is_on_the_cloud_with_its_proof() -> None:
    server = sighting(View.SERVER, "openstack:centre", uuid=SERVER)

    result = placed(server, sighting(uuid=SERVER, native_id="b"))

    assert result.place is Place.CLOUD_INSTANCE
    assert len(result.facts) == 2


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (sighting(View.SERVER, "openstack:bureau", uuid=SERVER), Place.UNDETERMINED),
        (GUEST, Place.UNDETERMINED),
        (TOWER, Place.STANDALONE_PHYSICAL),
    ],
    ids=["another cloud's", "a guest", "a server"],
)
def test_whose_cloud_a_virtual_machine_runs_on_only_the_register_of_contracts_can_say(
    seen: HostSighting, expected: Place
) -> None:
    """Art. 14 lets the centre procure capacity: where nobody gave its register, any cloud may be procured."""
    whole = coverage()
    without = Coverage(whole.sources, [r for r in whole.results if r.cell.kind != "third_party"])

    result = placed(seen, seen=without)

    assert result.place is expected
    assert bool(result.missing) is (expected is Place.UNDETERMINED)


def test_what_was_only_seen_on_the_wire_is_undetermined_wherever_it_answers() -> None:
    """Also at an address of a contract: whatever answers there may be somebody else's machine."""
    contract = ThirdPartyResource(source="ledger:third", native_id="HT-9", observed_at=NOON, provider="电信",
                                  zone="区", ranges=("10.0.0.0/8",))  # fmt: skip
    seen = sighting(View.DISCOVERED, "discovery:sweep", zone="区", nics=(Nic(addresses=("10.0.0.5",)),))

    result = placed(seen, contracts=(contract,))

    assert result.place is Place.UNDETERMINED
    assert [m.id for m in result.missing] == [
        "nobody has looked at the machine itself: the infrastructure team needs SSH access to it"
    ]


def test_a_host_that_claims_to_be_an_openstack_guest_is_not_believed() -> None:
    """DMI strings and cloud-init files are whatever the host's root writes."""
    claim = sighting(
        uuid=OTHER,
        vendor="OpenStack Foundation",
        product="OpenStack Nova",
        virtualization="kvm",
        cloud_instance_id=SERVER,
    )

    assert placed(claim).place is Place.STANDALONE_VIRTUAL


def test_a_physical_server_stands_alone_where_the_cloud_was_seen_whole() -> None:
    assert placed(TOWER).place is Place.STANDALONE_PHYSICAL


@pytest.mark.parametrize("state", [s for s in CellState if s is not CellState.COMPLETE])
@pytest.mark.parametrize("kind", ["host", "port"])
@pytest.mark.parametrize("host", [TOWER, GUEST], ids=["tower", "guest"])
def test_nothing_stands_alone_while_the_cloud_was_not_seen_whole(
    state: CellState, kind: str, host: HostSighting
) -> None:
    result = placed(host, seen=coverage(**{kind: state}))

    assert result.place is Place.UNDETERMINED
    assert result.missing


def test_without_any_inventory_of_the_cloud_nothing_is_concluded() -> None:
    assert placed(TOWER, seen=Coverage(SOURCES, [])).place is Place.UNDETERMINED


@pytest.mark.parametrize(
    "fields",
    [
        {"virtualization": "kvm", "needs_root": ("uuid",)},
        {"virtualization": "none", "chassis_type": 23, "needs_root": ("uuid",)},
        {"virtualization": "kvm"},
        {"uuid": OTHER},
    ],
    ids=["guest without root", "server without root", "guest without uuid", "kind unknown"],
)
def test_what_could_not_be_read_is_not_concluded(fields: dict[str, object]) -> None:
    result = placed(sighting(**fields))

    assert result.place is Place.UNDETERMINED
    assert result.missing


def test_a_board_without_uuid_is_known_by_its_mac() -> None:
    """Makers of tower servers leave the UUID unset."""
    board = sighting(
        uuid="03000200-0400-0500-0006-000700080009", virtualization="none", nics=(Nic(mac="3c:ec:ef:00:00:01"),)
    )

    assert placed(board).place is Place.STANDALONE_PHYSICAL


def test_another_unit_s_openstack_is_not_the_cloud() -> None:
    assert placed(sighting(View.SERVER, "openstack:bureau", uuid=SERVER)).place is Place.STANDALONE_VIRTUAL


def test_paper_alone_proves_nothing() -> None:
    assert placed(sighting(View.ASSET, "ledger:assets", serial="X1")).place is Place.UNDETERMINED


def test_the_centre_s_equipment_is_infrastructure() -> None:
    row = sighting(View.ASSET, "ledger:centre", is_centre_infrastructure=True)

    assert placed(row).place is Place.CLOUD_INFRASTRUCTURE


CONTRACT = ThirdPartyResource(
    source="ledger:third",
    native_id="HT-1",
    observed_at=NOON,
    provider="电信",
    zone="互联网区",
    ranges=("203.0.113.0/24",),
)


@pytest.mark.parametrize(
    ("zone", "address", "expected"),
    [
        ("互联网区", "203.0.113.9/24", Place.THIRD_PARTY),
        ("部门专网区", "203.0.113.9/24", Place.STANDALONE_VIRTUAL),
        ("互联网区", "198.51.100.9/24", Place.STANDALONE_VIRTUAL),
    ],
)
def test_procured_capacity_is_what_its_contract_covers_in_its_zone(zone: str, address: str, expected: Place) -> None:
    host = sighting(
        uuid=OTHER, virtualization="kvm", zone=zone, nics=(Nic(mac="00:16:3e:00:00:01", addresses=(address,)),)
    )

    result = placed(host, contracts=(CONTRACT,))

    assert result.place is expected
    assert result.contract == ("HT-1" if expected is Place.THIRD_PARTY else None)


def test_a_range_without_a_zone_never_covers_private_addresses() -> None:
    """10.0.0.5 exists in every department."""
    contract = ThirdPartyResource(
        source="ledger:third", native_id="HT-2", observed_at=NOON, provider="电信", ranges=("10.0.0.0/8",)
    )
    host = sighting(uuid=OTHER, virtualization="kvm", nics=(Nic(mac="00:16:3e:00:00:01", addresses=("10.0.0.5",)),))

    assert placed(host, contracts=(contract,)).place is Place.STANDALONE_VIRTUAL


# ── whole placements, as told/placement.txt has them ─────────────────────────────────────────────────────────────────

CENTRE, BUREAU = "openstack:centre", "openstack:bureau"


def cells(*given: CellResult, rest: Coverage | None = None) -> Coverage:
    return Coverage(SOURCES, [*(rest or coverage()).results, *given])


def cell(kind: str, state: CellState, source: str = CENTRE, scope: str = "RegionOne", **reason: object) -> CellResult:
    said = {"reason": msg("the connection was reset"), **reason}
    return CellResult(cell=Cell(source, scope, kind), state=state, seen=1, **said)  # type: ignore[arg-type]


def contract(code: str = "HT-1", **fields: object) -> ThirdPartyResource:
    said = {"source": "ledger:third", "native_id": code, "observed_at": NOON, "provider": "电信", **fields}
    return ThirdPartyResource(**said)  # type: ignore[arg-type]


def standing(*addresses: str, **fields: object) -> HostSighting:
    return sighting(uuid=OTHER, virtualization="kvm", nics=(Nic(mac="00:16:3e:00:00:01", addresses=addresses),),
                    **fields)  # fmt: skip


def listed(**fields: object) -> HostSighting:
    return sighting(View.LISTED, CENTRE, native_id="row 1", name="edu", **fields)


def tied(rule: str, *sightings: HostSighting, conflicts: tuple[Message, ...] = ()) -> Machine:
    first, second = sightings[:2]
    join = Join(rule=rule, value="the value", left=first.key, right=second.key)
    return Machine(id="a", name="a", sightings=sightings, joins=(join,), conflicts=conflicts)


def alone(*sightings: HostSighting, conflicts: tuple[Message, ...] = ()) -> Machine:
    (machine,) = identify(sightings, [])
    return replace(machine, conflicts=conflicts)


TWINS = (msg("two machines report its UUID"),)
EQUIPMENT = {"is_centre_infrastructure": True, "native_id": "card 7"}
UNSET, ADDRESS = "00000000-0000-0000-0000-000000000000", "61.136.1.9/24"
IN_FORCE, OPEN = {"valid_from": date(2026, 1, 1), "valid_to": date(2026, 11, 20)}, {"valid_from": date(2026, 11, 20)}
PAST, COMING = {"valid_to": date(2026, 11, 19)}, {"valid_from": date(2026, 11, 21)}
COVERS = {"ranges": ("61.136.1.0/24",)}

WHOLE: dict[str, tuple[Machine, dict[str, Any]]] = {
    "the control plane lists it": (alone(sighting(View.SERVER, CENTRE, uuid=SERVER)), {}),
    "a server without a UUID": (alone(sighting(View.SERVER, CENTRE, native_id="i-7")), {}),
    "joined by its UUID": (tied("uuid", sighting(View.SERVER, CENTRE, uuid=SERVER), GUEST), {}),
    "joined by a rule of no proof": (tied("wire_mac", sighting(View.SERVER, CENTRE, uuid=SERVER), TOWER), {}),
    "a list of the cloud has its UUID, and it is physical": (tied("uuid", listed(uuid=OTHER), TOWER), {}),
    "a list of the cloud has its address, and it is physical": (tied("zone_address", listed(), TOWER), {}),
    "the same, told from the other side": (tied("zone_address", TOWER, listed()), {}),
    "a list of the cloud has its address, and it is virtual": (tied("zone_address", listed(), GUEST), {}),
    "the control plane has its address, and it calls itself physical": (
        tied("zone_address", sighting(View.SERVER, CENTRE, uuid=SERVER), TOWER), {}
    ),
    "a compute host of the cloud": (alone(sighting(View.HYPERVISOR, CENTRE, name="cmp-1")), {}),
    "a compute host of another cloud": (alone(sighting(View.HYPERVISOR, BUREAU, name="cmp-1")), {}),
    "the centre's equipment": (alone(sighting(View.ASSET, "ledger:centre", asset_number="GZ-7", **EQUIPMENT)), {}),
    "the centre's equipment without a number": (alone(sighting(View.ASSET, "ledger:centre", **EQUIPMENT)), {}),
    "a contract names its id": (alone(standing()), {"third_parties": [contract(accounts=("x", OTHER.upper()))]}),
    "a contract names its id in another form": (
        alone(standing()),
        {"third_parties": [contract(accounts=("x", f"{{{OTHER.replace('-', '').upper()}}}"))]},
    ),
    "a contract names its serial number": (
        alone(standing(serial=" Ecs-77 ")), {"third_parties": [contract(accounts=(" ECS-77",))]}
    ),
    "a contract names the id that cloud-init says": (
        alone(standing(cloud_instance_id="i-abc")), {"third_parties": [contract(accounts=("I-ABC",))]}
    ),
    "a contract covers its public address": (alone(standing(ADDRESS)), {"third_parties": [contract(**COVERS)]}),
    "its second address, in the second range": (
        alone(standing("10.0.0.5/24", ADDRESS)), {"third_parties": [contract(ranges=("no range", "61.136.1.0/24"))]}
    ),
    "an address of IPv6 with its zone": (
        alone(standing("fe80::1%eth0/64", "2a01:4f8::7/64")), {"third_parties": [contract(ranges=("2a01:4f8::/32",))]}
    ),
    "its private address, in the contract's zone": (
        alone(standing("10.0.0.5/24", zone="区")), {"third_parties": [contract(zone="区", ranges=("10.0.0.0/8",))]}
    ),
    "what is no address, and a range elsewhere": (
        alone(standing("dhcp", "61.137.1.1")), {"third_parties": [contract(**COVERS)]}
    ),
    "a contract that ends today, before an open one": (
        alone(standing(ADDRESS)),
        {"third_parties": [contract("HT-1", **OPEN, **COVERS), contract("HT-2", **IN_FORCE, **COVERS)]},
    ),
    "an open contract that begins today, before a past one": (
        alone(standing(ADDRESS)),
        {"third_parties": [contract("HT-1", **PAST, **COVERS), contract("HT-2", **OPEN, **COVERS)]},
    ),
    "an open contract, before one to come": (
        alone(standing(ADDRESS)),
        {"third_parties": [contract("HT-1", **COMING, **COVERS), contract("HT-2", **OPEN, **COVERS)]},
    ),
    "a past contract is still what covers it": (
        alone(standing(ADDRESS)), {"third_parties": [contract("HT-1", **PAST, **COVERS)]}
    ),
    "another unit's cloud lists it": (alone(sighting(View.SERVER, BUREAU, uuid=SERVER)), {}),
    "another unit's cloud lists it, ours was not seen whole": (
        alone(sighting(View.SERVER, BUREAU, native_id="i-9")), {"coverage": coverage(port=CellState.FAILED)}
    ),
    "another unit's cloud lists it, the contracts were not seen": (
        alone(sighting(View.SERVER, BUREAU, uuid=SERVER)),
        {"coverage": cells(cell("third_party", CellState.FAILED, "ledger:third", "*"))},
    ),
    "another unit's cloud lists it, and it is contested": (
        alone(sighting(View.SERVER, BUREAU, uuid=SERVER), conflicts=TWINS), {}
    ),
    "a tower": (alone(TOWER), {}),
    "a guest": (alone(sighting(uuid=OTHER, virtualization="kvm", cloud_instance_id=SERVER)), {}),
    "a guest by its board": (alone(sighting(uuid=OTHER, vendor=" QEMU ", virtualization="none")), {}),
    "a guest by its product": (alone(sighting(uuid=OTHER, vendor="Microsoft", product="Virtual Machine")), {}),
    "a server by its chassis": (alone(sighting(uuid=OTHER, vendor="Dell Inc.", chassis_type=23)), {}),
    "a chassis that says nothing": (alone(sighting(uuid=OTHER, chassis_type=1)), {}),
    "two words on what it is": (tied("machine_id", TOWER, replace_(GUEST, native_id="b")), {}),
    "a guest, and a list of the cloud without UUIDs": (alone(GUEST), {"unidentified": list("abcdefg")}),
    "a tower, and a list of the cloud without UUIDs": (alone(TOWER), {"unidentified": list("abcdefg")}),
    "contested": (alone(TOWER, conflicts=TWINS), {}),
    "no cloud is configured": (alone(TOWER), {"coverage": Coverage(SOURCES, [])}),
    "only a cluster of the cloud is configured": (
        alone(TOWER), {"coverage": Coverage(
            (SourceInfo(name="kubernetes:c", type="kubernetes", is_platform=True),),
            [cell("host", CellState.COMPLETE, "kubernetes:c", "*")],
        )},
    ),
    "the ports of the cloud were listed, and its instances were not asked for": (
        alone(TOWER), {"coverage": Coverage(SOURCES, [r for r in coverage().results if r.cell.kind != "host"])}
    ),
    "the cloud's list is on paper, without ports": (
        alone(TOWER), {"coverage": Coverage(SOURCES, [r for r in coverage().results if r.cell.kind != "port"])}
    ),
    "two cells of the cloud were not read": (
        alone(TOWER), {"coverage": cells(cell("host", CellState.PARTIAL, scope="RegionTwo"),
                                         cell("port", CellState.SKIPPED, scope="RegionTwo", reason=None))},
    ),
    "what the law forbids to look at is no gap": (
        alone(TOWER), {"coverage": cells(cell("host", CellState.SKIPPED, scope=DO_NOT_SCAN))}
    ),
    "the compute hosts were not listed": (
        alone(TOWER), {"coverage": cells(cell("hypervisor", CellState.FAILED, scope="*"))}
    ),
    "the compute hosts of another unit's cloud were not listed": (
        alone(TOWER), {"coverage": cells(cell("hypervisor", CellState.FAILED, BUREAU, "*"))}
    ),
    "a list on paper has no compute hosts": (
        alone(TOWER), {"coverage": cells(cell("hypervisor", CellState.NOT_CONFIGURED, scope="*"))}
    ),
    "the contracts were not seen": (
        alone(TOWER), {"coverage": cells(cell("third_party", CellState.PARTIAL, "ledger:third", "*"))}
    ),
    "nobody looked at it": (alone(sighting(View.ASSET, "ledger:assets", serial="X1")), {}),
    "the probe had no root": (
        alone(sighting(uuid=OTHER, virtualization="none", needs_root=("uuid",)),), {}
    ),
    "the probe had no root for something else": (
        alone(sighting(uuid=OTHER, virtualization="none", needs_root=("serial",)),), {}
    ),
    "no UUID at all": (alone(sighting(virtualization="none", nics=(Nic(mac="3c:ec:ef:00:00:01"),))), {}),
    "an unset UUID and no MAC": (alone(sighting(uuid=UNSET, virtualization="none")), {}),
}  # fmt: skip


def told_placement(machine: Machine, given: dict[str, Any]) -> str:
    found = place(machine, **{"coverage": coverage(), "third_parties": [], "today": date(2026, 11, 20), **given})
    return "\n".join(
        (
            found.place.value + (f" by {found.contract}" if found.contract else ""),
            *(f"  {tell(fact, 'en')}" for fact in found.facts),
            *(f"  missing: {tell(what, 'en')}" for what in found.missing),
            f"  evidence: {' '.join(found.evidence)}",
        )
    )


@pytest.mark.parametrize("name", WHOLE)
def test_the_whole_placement_is_what_the_page_says(name: str) -> None:
    assert told_placement(*WHOLE[name]) == page("placement", TOLD)[name]


def test_every_section_of_the_page_is_a_case() -> None:
    assert list(page("placement", TOLD)) == list(WHOLE)


def test_only_rows_without_a_uuid_that_nothing_was_joined_to_are_unidentified() -> None:
    """And only of the government cloud's list; told by name, in order."""
    row = sighting(View.LISTED, CENTRE, native_id="row 2", name="b")
    first = replace_(row, native_id="row 1", name="a")
    known = replace_(row, native_id="row 3", name="c", uuid=SERVER)
    elsewhere = replace_(row, source=BUREAU, name="d")
    joined = tied("zone_address", replace_(row, native_id="row 5", name="e"), GUEST)

    machines = [*identify([row, first, known, elsewhere], []), joined]

    assert unidentified_instances(machines, coverage()) == ("a", "b")
