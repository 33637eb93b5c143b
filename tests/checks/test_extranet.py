"""16-extranet: department networks that still carry servers, or go to the Internet by themselves."""

from datetime import date

import builders as b
import msgspec
import pytest
from verdicts import english, finding_on, verdict_on

from checks.check import run
from checks.extranet import CHECK
from checks.policy import Policy
from inventory.coverage import CellState
from inventory.hosts import Host, Place
from inventory.inventory import Inventory
from inventory.records import Nic, Segment, View
from inventory.scan import ScanOptions
from inventory.settings import PolicyChoices, Zone

NETWORK = "segment/专网/EDU|192.168.7.0/24"


def plan(*hosts: Host, **fields: object) -> Inventory:
    given = {
        "source": "ledger:网段", "native_id": "n", "observed_at": b.NIGHT, "cidr": "192.168.7.0/24",
        "domain": "专网/EDU", "zone": "部门专网区", "department": "市教育局", "is_cloud": False, "has_own_exit": False,
    }  # fmt: skip
    return b.inventory(segments=(Segment(**{**given, **fields}),), hosts=hosts)  # type: ignore[arg-type]


def inside(name: str = "x", address: str = "192.168.7.20/24", zone: str = "部门专网区", **fields: object) -> Host:
    seen = b.sighting(name, View.OS, b.SSH, zone=zone, nics=(Nic(addresses=(address,)),), **fields)
    return b.host(name, Place.STANDALONE_PHYSICAL, sightings=(seen,))


CASES = [
    ("a server in it", plan(inside()), "advisory"),
    ("an exit of its own", plan(has_own_exit=True), "advisory"),
    ("nothing seen in it", plan(), "unknown"),
    ("nothing seen, exit unknown", plan(has_own_exit=None), "unknown"),
    ("only an appliance", plan(inside(is_appliance=True)), "pass"),
    ("an appliance, exit unknown", plan(inside(is_appliance=True), has_own_exit=None), "unknown"),
    ("the same address in another zone", plan(inside(zone="政务外网区")), "unknown"),
    ("an address beside it", plan(inside(address="192.168.8.20/24")), "unknown"),
    ("a network of the cloud", plan(inside(), is_cloud=True), "not_applicable"),
    ("part of the extranet", plan(inside(), zone="政务外网公用区"), "pass"),
    ("the Internet zone", plan(inside(), zone="互联网区"), "not_applicable"),
    ("no zone", plan(inside(zone=None), zone=None), "advisory"),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("inventory", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_verdict(inventory: Inventory, expected: str) -> None:
    assert verdict_on(CHECK, inventory, NETWORK) == expected


@pytest.mark.parametrize(
    ("zone", "declared", "expected"),
    [
        ("政务外网", None, "pass"),
        ("政务外网区 ", None, "pass"),
        ("非政务外网区", None, "unknown"),
        ("政务外网二区", None, "unknown"),
        ("非互联网区", None, "unknown"),
        ("政务外网二区", Zone(name="政务外网二区", extranet=True), "pass"),
        ("政务外网二区", Zone(name="政务外网二区"), "unknown"),
        ("政务外网二区", Zone(name="政务外网一区", extranet=True), "unknown"),
        ("非政务外网区", Zone(name="非政务外网区", extranet=False), "advisory"),
        ("政务外网区", Zone(name="政务外网区", extranet=False), "advisory"),
        ("政务外网区", Zone(name="政务外网区"), "pass"),
        ("出口区", Zone(name="出口区", internet=True), "not_applicable"),
        ("互联网区", Zone(name="互联网区", extranet=False), "advisory"),
        ("部门专网区", Zone(name="部门专网区"), "advisory"),
    ],
)
def test_a_zone_is_the_extranet_by_its_whole_name_or_by_the_config_s_word(
    zone: str, declared: Zone | None, expected: str
) -> None:
    """非政务外网区 holds the words of what it is not: once everything in it passed."""
    policy = b.policy(zones=(declared,) if declared else ())

    found = finding_on(CHECK, plan(inside(zone=zone), zone=zone), NETWORK, policy)

    assert found.verdict == expected
    assert bool(found.missing) is (expected == "unknown")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (({}, {}), "pass"),
        (({}, {"extranet": False}), "advisory"),
        (({"extranet": False}, {}), "advisory"),
        (({}, {"internet": True}), "not_applicable"),
        (({"extranet": True}, {"extranet": True}), "pass"),
        (({"extranet": False}, {"internet": True}), "not_applicable"),
        (({"extranet": True, "internet": True},), "unknown"),
        (({"extranet": True}, {"extranet": False}), "unknown"),
        (({"internet": True}, {"extranet": True}), "unknown"),
    ],
)
def test_all_tables_of_a_zone_are_heard(words: tuple[dict[str, bool], ...], expected: str) -> None:
    """The first alone once made a network pass of which the second said that it is not the extranet's. What contradicts
    itself may stand in scans that are kept."""
    names = ("政务外网区", " 政务外网区")
    policy = b.policy(zones=tuple(Zone(name=name, **said) for name, said in zip(names, words, strict=False)))  # type: ignore[arg-type]

    assert verdict_on(CHECK, plan(inside(zone="政务外网区"), zone="政务外网区"), NETWORK, policy) == expected


def test_the_zones_of_the_config_are_of_the_scan_and_kept_with_it() -> None:
    zones = (Zone(name="横向网", extranet=True),)
    options = msgspec.json.decode(msgspec.json.encode(ScanOptions(city="x", zones=zones)), type=ScanOptions)

    assert verdict_on(CHECK, plan(inside(), zone="横向网"), NETWORK, Policy.from_options(options)) == "pass"


def test_only_a_deadline_of_the_owner_makes_it_fail() -> None:
    """主动整合 is an effort without a day."""
    past = b.policy(PolicyChoices(extranet_deadline=date(2026, 11, 22)))
    today = b.policy(PolicyChoices(extranet_deadline=b.TODAY))

    assert verdict_on(CHECK, plan(inside()), NETWORK, past) == "fail"
    assert verdict_on(CHECK, plan(inside()), NETWORK, today) == "advisory"
    assert verdict_on(CHECK, plan(), NETWORK, past) == "unknown"


def test_it_names_the_servers() -> None:
    told = english(finding_on(CHECK, plan(inside("edu-old-1")), NETWORK).reason)

    assert "1 server(s) stand in it: edu-old-1" in told


def test_networks_without_a_department_are_nobody_s_to_integrate() -> None:
    assert run(CHECK, plan(department=None), b.policy()) == ()


def test_only_a_plan_says_whose_a_network_is() -> None:
    """Links that a cluster or a cloud tells of are no department's."""
    assert run(CHECK, plan(source="kubernetes:gov"), b.policy()) == ()


def test_a_plan_that_was_not_read_may_hold_more() -> None:
    failed = b.coverage(b.cell("ledger:网段", "segment", CellState.FAILED))
    elsewhere = b.coverage(b.cell("kubernetes:wjj", "segment", CellState.FAILED))

    found = run(CHECK, b.inventory(coverage=failed), b.policy())

    assert [f.verdict.value for f in found] == ["unknown"]
    assert run(CHECK, b.inventory(coverage=elsewhere), b.policy()) == ()
