"""The table of segments: longest prefix, never across zones, the same for every order of records."""

import ipaddress
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from inventory.networks import SegmentTable, as_address, is_internet, zone_of
from inventory.records import HostSighting, Nic, Route, Segment, View
from inventory.settings import Zone

NOON = datetime(2026, 11, 1, 4, tzinfo=UTC)


def segment(cidr: str, *, domain: str = "A", zone: str | None = "A", source: str = "ledger:ip", **more: str) -> Segment:
    return Segment(
        source=source, native_id=f"{domain}|{cidr}", observed_at=NOON, cidr=cidr, domain=domain, zone=zone, **more
    )


def cidrs(found: tuple[Segment, ...]) -> list[str]:
    return [s.cidr for s in found]


def test_the_most_specific_segment_comes_first() -> None:
    table = SegmentTable.from_records([segment("10.0.0.0/8"), segment("10.1.1.0/24"), segment("10.1.0.0/16")])

    assert cidrs(table.find("10.1.1.5", zone="A")) == ["10.1.1.0/24", "10.1.0.0/16", "10.0.0.0/8"]


def test_the_same_address_in_two_zones_is_two_things() -> None:
    """Department networks plan their own private addresses: overlap between them is normal."""
    table = SegmentTable.from_records(
        [segment("10.0.0.0/24", domain="A", zone="A"), segment("10.0.0.0/24", domain="B", zone="B")]
    )

    assert [s.domain for s in table.find("10.0.0.5", zone="A")] == ["A"]
    assert [s.domain for s in table.find("10.0.0.5", zone="B")] == ["B"]
    assert table.overlaps() == ()


def test_the_last_address_of_a_segment_lies_in_it_and_the_next_one_does_not() -> None:
    table = SegmentTable.from_records([segment("10.0.0.0/24"), segment("10.0.0.255/32"), segment("10.0.1.0/32")])

    assert [(o.outer.cidr, o.inner.cidr) for o in table.overlaps()] == [("10.0.0.0/24", "10.0.0.255/32")]


def test_segments_are_listed_by_domain_and_address_all_or_those_of_one_domain_or_zone() -> None:
    one = segment("10.0.2.0/24", domain="A/one", zone="A")
    two = segment("10.0.1.0/24", domain="A/two", zone="A")
    first = segment("10.0.0.0/24", domain="A/two", zone="A")
    other = segment("10.0.0.0/24", domain="B", zone="B")
    table = SegmentTable.from_records([other, two, first, one])

    assert table.all() == (one, first, two, other)
    assert table.all(zone="A") == (one, first, two)
    assert table.all(domain="A/two") == (first, two)
    assert table.all(domain="A/two", zone="B") == ()


def test_an_address_without_a_zone_is_in_no_segment_that_could_be_another() -> None:
    both = [segment("10.0.0.0/24", domain="A", zone="A"), segment("10.0.0.0/24", domain="B", zone="B")]

    assert SegmentTable.from_records(both).find("10.0.0.5", zone=None) == ()
    assert cidrs(SegmentTable.from_records(both[:1]).find("10.0.0.5", zone=None)) == ["10.0.0.0/24"]


def test_a_segment_of_no_known_zone_stands_before_the_wider_one_of_its_domain() -> None:
    """The zone of the address is not known either: the narrow segment says more of it than the plan's whole range."""
    table = SegmentTable.from_records([segment("10.0.0.0/8"), segment("10.1.1.0/24", zone=None)])

    assert cidrs(table.find("10.1.1.5", zone=None)) == ["10.1.1.0/24", "10.0.0.0/8"]


def test_a_segment_of_no_known_zone_stands_behind_the_narrower_one_of_its_domain() -> None:
    """Once its zone, sorted as an empty name, put it first: the wider range would have said whose the address is."""
    table = SegmentTable.from_records(
        [segment("10.1.0.0/16", zone=None), segment("10.1.1.0/24"), segment("10.0.0.0/8")]
    )

    assert cidrs(table.find("10.1.1.5", zone=None)) == ["10.1.1.0/24", "10.1.0.0/16", "10.0.0.0/8"]


def test_the_plan_speaks_first_of_one_network_whose_zone_only_the_cloud_does_not_know() -> None:
    table = SegmentTable.from_records(
        [segment("10.1.1.0/24", zone=None, source="openstack:one"), segment("10.1.1.0/24")]
    )

    assert [s.source for s in table.find("10.1.1.5", zone=None)] == ["ledger:ip", "openstack:one"]


def test_an_address_without_a_zone_is_in_no_segment_of_a_domain_that_two_zones_share() -> None:
    """One routing domain that two sources call by two zones: whose plan holds for the address, nobody knows."""
    wide, narrow = segment("10.0.0.0/8", zone="A"), segment("10.1.1.0/24", zone="B")
    table = SegmentTable.from_records([wide, narrow])

    assert table.find("10.1.1.5", zone=None) == table.find("10.1.1.5", zone=None, domain="A") == ()
    assert cidrs(table.find("10.9.9.9", zone=None)) == ["10.0.0.0/8"]
    assert cidrs(table.find("10.1.1.5", zone="B")) == ["10.1.1.0/24"]


@given(
    st.permutations([segment(c, zone=z, source=s) for c in ("10.0.0.0/8", "10.1.1.0/24") for z in ("A", None)
                     for s in ("ledger:ip", "openstack:one", "openstack:two")])
)  # fmt: skip
def test_the_order_of_segments_says_nothing_where_the_zone_is_not_known(segments: list[Segment]) -> None:
    found = SegmentTable.from_records(segments).find("10.1.1.5", zone=None)

    assert cidrs(found) == ["10.1.1.0/24"] * 6 + ["10.0.0.0/8"] * 6
    assert [s.source for s in found[:6:2]] == ["ledger:ip", "openstack:one", "openstack:two"]


def test_an_address_of_ipv6_is_found_in_its_own_segment_and_in_no_neighbour_s() -> None:
    table = SegmentTable.from_records([segment(f"2001:db8:0:{n}::/64") for n in (1, 2, 3)])

    assert cidrs(table.find("2001:db8:0:1::5", zone="A")) == ["2001:db8:0:1::/64"]
    assert cidrs(table.find("2001:db8:0:3::5/64", zone="A")) == ["2001:db8:0:3::/64"]
    assert table.find("2001:db8:0:4::5", zone="A") == ()


def test_two_vrfs_of_one_zone_are_told_apart_by_their_domain() -> None:
    table = SegmentTable.from_records(
        [segment("10.0.0.0/24", domain="A/one", zone="A"), segment("10.0.0.0/24", domain="A/two", zone="A")]
    )

    assert len(table.find("10.0.0.5", zone="A")) == 2
    assert [s.domain for s in table.find("10.0.0.5", zone="A", domain="A/two")] == ["A/two"]


def test_the_plan_speaks_before_the_cloud() -> None:
    """Whatever the sources are called."""
    clouds = [segment("10.0.0.0/24", domain=f"net-{s}", source=s) for s in ("kubernetes:one", "openstack:one")]
    table = SegmentTable.from_records([*clouds, segment("10.0.0.0/24", department="教育局")])

    assert [s.source for s in table.find("10.0.0.5", zone="A")] == ["ledger:ip", "kubernetes:one", "openstack:one"]


def test_what_a_cloud_declares_is_not_hidden_by_what_a_host_says_of_the_same_network() -> None:
    """A host's link is left out of the overlaps: its netmask may be wrong. The cloud's network stays in them."""
    declared = segment("10.1.1.0/24", zone=None, source="openstack:one")
    node = HostSighting(source="kubernetes:one", native_id="n", observed_at=NOON, view=View.NODE, name="n", zone="A",
                        nics=(Nic(addresses=("10.1.1.5/24",)),))  # fmt: skip

    table = SegmentTable.from_records([segment("10.0.0.0/8"), declared, node])

    assert [o.inner for o in table.overlaps()] == [declared]


def test_overlap_inside_one_domain_is_reported_with_its_nearest_outer() -> None:
    table = SegmentTable.from_records([segment("10.0.0.0/8"), segment("10.1.0.0/16"), segment("10.1.1.0/24")])

    assert [(o.outer.cidr, o.inner.cidr) for o in table.overlaps()] == [
        ("10.0.0.0/8", "10.1.0.0/16"),
        ("10.1.0.0/16", "10.1.1.0/24"),
    ]
    assert {o.domain for o in table.overlaps()} == {segment("10.0.0.0/8").domain}


def test_one_segment_promised_to_two_departments_is_contested() -> None:
    first = segment("10.0.0.0/24", department="教育局")
    second = segment("10.0.0.0/24", source="ledger:other", department="住建局")

    assert len(SegmentTable.from_records([first, second]).contested()) == 1


def test_a_host_s_links_are_its_prefixes_and_its_routes_without_a_gateway() -> None:
    """What is one address, everywhere, or inside the machine, is no network that it is attached to."""
    nics = (
        Nic(addresses=("10.1.1.5/24", "10.1.1.6/24", "10.9.9.9", "10.3.3.3/32", "127.0.0.1/8", "fe80::1/64")),
        Nic(addresses=("2a01:4f8::5/64", "224.0.0.1/4")),
    )
    routes = (
        Route(destination="10.2.0.0/16"),
        Route(destination="10.4.0.0/16", gateway="10.1.1.1"),
        Route(destination="0.0.0.0/0"),
        Route(destination="default"),
    )
    host = HostSighting(source="ssh:a", native_id="h", observed_at=NOON, view=View.OS, name="h", nics=nics,
                        routes=routes)  # fmt: skip

    found = SegmentTable.from_records([host]).all()

    assert [(s.cidr, s.domain, s.zone, s.source) for s in found] == [
        ("10.1.1.0/24", "ssh:a", None, "ssh:a"),
        ("10.2.0.0/16", "ssh:a", None, "ssh:a"),
        ("2a01:4f8::/64", "ssh:a", None, "ssh:a"),
    ]
    assert {s.key for s in found} == {f"ssh:a|segment|link:ssh:a|{s.cidr}" for s in found}


def test_hosts_add_the_links_that_nobody_declared() -> None:
    host = HostSighting(
        source="ssh:all",
        native_id="h",
        observed_at=NOON,
        view=View.OS,
        name="h",
        zone="A",
        nics=(Nic(addresses=("10.1.1.5/24", "127.0.0.1/8", "10.9.9.9/32", "fe80::1/64")),),
        routes=(
            Route(destination="0.0.0.0/0", gateway="10.1.1.1"),
            Route(destination="172.16.0.0/16", device="eth1"),
        ),
    )

    table = SegmentTable.from_records([segment("10.1.1.0/24", department="教育局"), host])

    assert cidrs(table.all()) == ["10.1.1.0/24", "172.16.0.0/16"]
    assert table.find("10.1.1.7", zone="A")[0].department == "教育局"


def test_host_bits_and_text_that_is_no_network_do_no_harm() -> None:
    table = SegmentTable.from_records([segment("10.1.2.3/24"), segment("see remarks")])

    assert len(table) == 1
    assert len(table.find("10.1.2.200/24", zone="A")) == 1
    assert table.find("no address", zone="A") == ()


def test_after_a_text_that_is_no_network_the_others_are_read() -> None:
    """It stands first, by its key."""
    table = SegmentTable.from_records([segment("0 see remarks"), segment("10.1.2.0/24"), segment("10.1.3.0/24")])

    assert cidrs(table.all()) == ["10.1.2.0/24", "10.1.3.0/24"]


def test_an_address_is_read_without_its_prefix_and_its_interface() -> None:
    assert str(as_address("10.1.1.5/24")) == "10.1.1.5"
    assert str(as_address("fe80::1%eth0")) == "fe80::1"


def test_the_government_extranet_is_never_the_internet() -> None:
    """59.192.0.0/10 looks public to every library and is not."""
    assert not is_internet("59.202.58.68")
    assert not is_internet("100.64.0.9")
    assert not is_internet("10.0.0.1")
    assert is_internet("8.8.8.8")


def test_a_zone_is_found_by_longest_prefix() -> None:
    zones = (
        Zone(name="internet", cidrs=("0.0.0.0/0",), internet=True),
        Zone(name="extranet", cidrs=("59.192.0.0/10", "10.0.0.0/8")),
        Zone(name="education", cidrs=("10.1.0.0/16",)),
        Zone(name="housing", cidrs=("10.2.0.0/16",)),
        Zone(name="housing-too", cidrs=("10.2.0.0/16",)),
    )

    assert zone_of("59.202.58.68", zones) == "extranet"
    assert zone_of("59.202.58.68", zones[:1]) is None
    assert zone_of("10.1.2.3", zones) == "education"
    assert zone_of("10.2.0.1", zones) is None
    assert zone_of("8.8.8.8", zones) == "internet"
    assert zone_of("printer", zones) is None


def test_every_range_of_a_zone_counts_also_after_one_that_does_not_hold_the_address() -> None:
    zones = (Zone(name="extranet", cidrs=("59.192.0.0/10", "see remarks", "10.0.0.0/8", "2001:db8::/32")),)

    assert zone_of("10.9.0.1", zones) == "extranet"
    assert zone_of("2001:db8::1", zones) == "extranet"
    assert zone_of("172.16.0.1", zones) is None


_networks = st.builds(
    lambda value, length: ipaddress.ip_network((value >> (32 - length) << (32 - length), length)),
    st.integers(0x0A000000, 0x0A00FFFF),
    st.integers(8, 32),
)


@given(st.lists(st.tuples(_networks, st.sampled_from(["A", "B"])), max_size=20), st.integers(0x0A000000, 0x0A00FFFF))
def test_find_is_every_segment_of_the_zone_that_holds_the_address(
    plan: list[tuple[ipaddress.IPv4Network, str]], value: int
) -> None:
    """The index answers what a walk over all segments would."""
    records = [segment(str(n), domain=z, zone=z) for n, z in dict.fromkeys(plan)]
    address = ipaddress.ip_address(value)

    found = SegmentTable.from_records(records).find(str(address), zone="A")

    expected = sorted({n for n, z in plan if z == "A" and address in n}, key=lambda n: -n.prefixlen)
    assert cidrs(found) == [str(n) for n in expected]


@given(st.lists(st.tuples(_networks, st.sampled_from(["A", "B"])), max_size=20), st.randoms())
def test_the_order_of_records_leaves_no_trace(
    plan: list[tuple[ipaddress.IPv4Network, str]], random: st.randoms
) -> None:
    records = [segment(str(n), domain=z, zone=z) for n, z in dict.fromkeys(plan)]
    shuffled = list(records)
    random.shuffle(shuffled)

    one, two = SegmentTable.from_records(records), SegmentTable.from_records(shuffled)

    assert one.all() == two.all()
    assert one.overlaps() == two.overlaps()


@given(st.lists(_networks, max_size=20, unique=True))
def test_overlaps_are_the_nested_pairs(networks: list[ipaddress.IPv4Network]) -> None:
    table = SegmentTable.from_records([segment(str(n)) for n in networks])

    inner = {o.inner.cidr for o in table.overlaps()}

    assert inner == {str(n) for n in networks if any(n != m and n.subnet_of(m) for m in networks)}
