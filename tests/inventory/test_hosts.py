"""A host as its sightings make it."""

from datetime import UTC, date, datetime

import builders as b
import pytest

from inventory.hosts import Host, Ownership, OwnershipHit, OwnershipRule, Place
from inventory.records import HostSighting, Nic, View
from inventory.text import msg

EARLY, LATE = datetime(2020, 5, 6, 1, tzinfo=UTC), datetime(2025, 5, 6, 1, tzinfo=UTC)
HIT = OwnershipHit(rule=OwnershipRule.LABEL, value="v", systems=("S-1",))


@pytest.mark.parametrize(
    ("ownership", "is_known"),
    [
        (Ownership(systems=("S-1",), projects=("P-1",)), True),
        (Ownership(systems=("S-1",)), True),
        (Ownership(projects=("P-1",)), True),
        (Ownership(department="市教育局", hits=(HIT,)), False),
        (Ownership(systems=("S-1",), disagreement=msg("two labels")), False),
        (Ownership(projects=("P-1",), disagreement=msg("two labels")), False),
    ],
)
def test_an_owner_is_known_by_system_or_project_and_without_contradiction(
    ownership: Ownership, *, is_known: bool
) -> None:
    assert ownership.is_known is is_known


def seen(*sightings: HostSighting, place: Place = Place.CLOUD_INSTANCE) -> Host:
    return b.host(place=place, sightings=sightings)


def test_its_evidence_is_its_sightings_in_their_order() -> None:
    host = seen(b.sighting("b"), b.sighting("a", View.OS, b.SSH))

    assert host.evidence == ("openstack:gov|host|id-b", "ssh:county|host|id-a")


def test_addresses_of_all_cards_and_sightings_without_prefix_length_each_once() -> None:
    nics = (Nic(addresses=("10.1.1.9/24", "10.1.1.10")), Nic(addresses=("fd00::1/64",)))
    host = seen(b.sighting(nics=nics), b.sighting(view=View.OS, source=b.SSH, nics=(Nic(addresses=("10.1.1.9",)),)))

    assert host.addresses == ("10.1.1.10", "10.1.1.9", "fd00::1")
    assert seen(b.sighting(nics=())).addresses == ()


def test_zones_in_which_it_was_seen_each_once() -> None:
    assert seen(b.sighting(zone="专网"), b.sighting(zone="专网"), b.sighting(zone="外网"), b.sighting()).zones == (
        "专网",
        "外网",
    )
    assert seen(b.sighting()).zones == ()


def test_the_earliest_card_says_when_it_was_acquired() -> None:
    cards = [b.sighting(commissioned_on=on) for on in (date(2025, 1, 1), None, date(2020, 1, 1), date(2023, 1, 1))]

    assert seen(*cards).commissioned_on == date(2020, 1, 1)
    assert seen(b.sighting()).commissioned_on is None


def test_the_earliest_birth_of_root_file_system_or_instance() -> None:
    assert seen(b.sighting(installed_at=LATE, created_at=EARLY)).installed_at == EARLY
    assert seen(b.sighting(created_at=LATE), b.sighting(installed_at=EARLY)).installed_at == EARLY
    assert seen(b.sighting(installed_at=LATE)).installed_at == LATE
    assert seen(b.sighting()).installed_at is None


@pytest.mark.parametrize("said", [True, False, None])
def test_a_ledger_that_calls_it_an_appliance_is_enough(said: bool | None) -> None:
    assert seen(b.sighting(is_appliance=said), b.sighting(is_appliance=False)).is_appliance is (said is True)


ON = {Place.CLOUD_INSTANCE, Place.CLOUD_INFRASTRUCTURE, Place.THIRD_PARTY}
OFF = {Place.STANDALONE_PHYSICAL, Place.STANDALONE_VIRTUAL}


@pytest.mark.parametrize("place", Place)
def test_what_is_not_determined_is_neither_on_the_cloud_nor_off_it(place: Place) -> None:
    host = seen(b.sighting(), place=place)

    assert (host.is_on_cloud, host.is_standalone) == (place in ON, place in OFF)


def test_its_sightings_of_one_view() -> None:
    over_ssh = b.sighting(view=View.OS, source=b.SSH)

    assert list(seen(b.sighting(), over_ssh).seen_by(View.OS)) == [over_ssh]
