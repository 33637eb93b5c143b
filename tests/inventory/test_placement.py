"""Placement: what is proven, what is only claimed, and what is never concluded from absence."""

from datetime import UTC, datetime

import pytest

from inventory.coverage import Cell, CellResult, CellState, Coverage, SourceInfo
from inventory.hosts import Place, Placement
from inventory.identity import identify
from inventory.placement import place
from inventory.records import HostSighting, Nic, ThirdPartyResource, View
from inventory.text import msg

NOON = datetime(2026, 11, 20, 4, tzinfo=UTC)
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
