"""16-migration."""

from datetime import date

import builders as b
import pytest
from verdicts import english, finding_on, verdict_on

from checks.regulation import load_pack
from checks.system_migration import CHECK
from inventory.coverage import CellState
from inventory.hosts import Host, Place
from inventory.inventory import Inventory
from inventory.records import View
from inventory.settings import PolicyChoices, RecognisedCentre

OLD_SERVER = b.host("edu-old-1", Place.STANDALONE_PHYSICAL)


def legacy(*hosts: object, coverage: object = None, **fields: object) -> Inventory:
    given = {} if coverage is None else {"coverage": coverage}
    return b.city(projects=(b.legacy_project(),), systems=(b.system(**fields),), hosts=hosts, **given)


CASES = [
    ("moved", legacy(b.host()), "pass", "all 1"),
    ("no plan", legacy(OLD_SERVER), "advisory", "no planned date"),
    ("on time", legacy(OLD_SERVER, migration_plan_cutover_on=date(2027, 3, 1)), "advisory", "planned for 2027-03-01"),
    ("late", legacy(OLD_SERVER, migration_plan_cutover_on=date(2026, 3, 1)), "advisory", "2026-03-01 is past"),
    ("half", legacy(b.host(), OLD_SERVER), "advisory", "1 of 2"),
    ("running twice", legacy(b.host(), OLD_SERVER, migrated_on=date(2026, 6, 1)), "advisory", "running twice"),
    ("moved on paper", legacy(OLD_SERVER, migrated_on=date(2026, 6, 1)), "advisory", "off the cloud only"),
    ("moved by its status", legacy(b.host(), OLD_SERVER, is_said_migrated=True), "advisory", "on an unknown day"),
    ("status against", legacy(b.host(), OLD_SERVER, is_said_migrated=False), "advisory", "1 of 2"),
    ("to be moved", legacy(OLD_SERVER, migrated_on=date(2027, 6, 1)), "advisory", "no planned date"),
    ("on paper only", legacy(migrated_on=date(2026, 6, 1)), "unknown", "but nothing of it was found on the cloud"),
    ("on paper, unproven", legacy(b.host("x", Place.UNDETERMINED), is_said_migrated=True), "unknown", "nothing of it"),
    ("plan unread", legacy(OLD_SERVER, coverage=b.coverage(b.cell(b.REGISTER, "migration", CellState.PARTIAL))),
     "advisory", "no planned date of cut-over was seen, in a ledger that is not complete"),
    ("open", legacy(b.host("x", Place.UNDETERMINED)), "unknown", "not proven"),
    ("nowhere", legacy(), "unknown", "no component"),
    ("half a listing", legacy(b.host(), coverage=b.coverage(b.cell(b.CLOUD, "host", CellState.FAILED))), "unknown", ""),
    ("new", b.city(), "not_applicable", "16-deployment"),
    ("no date", b.city(projects=(b.project(awarded_on=None),)), "unknown", "no date"),
]  # fmt: skip


@pytest.mark.parametrize(("inventory", "expected", "words"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_verdict(inventory: Inventory, expected: str, words: str) -> None:
    finding = finding_on(CHECK, inventory, "system/S-1")

    assert finding.verdict.value == expected
    assert words in english(finding.reason)


@pytest.mark.parametrize(
    ("deadline", "hosts", "expected"),
    [
        (date(2026, 11, 22), (OLD_SERVER,), "fail"),
        (b.TODAY, (OLD_SERVER,), "advisory"),
        (date(2026, 11, 22), (b.host(),), "pass"),
        (date(2026, 11, 22), (), "unknown"),
    ],
)
def test_only_a_deadline_of_the_owner_makes_it_fail(deadline: date, hosts: tuple[object, ...], expected: str) -> None:
    """推动 is a duty of effort: the regulation itself sets no day."""
    chosen = b.policy(PolicyChoices(legacy_deadline=deadline))

    assert verdict_on(CHECK, legacy(*hosts), "system/S-1", chosen) == expected


def test_of_two_hosts_of_one_name_the_one_outside_the_recognised_centre_is_not_exempt() -> None:
    """A name is no identity: the exemption is a host's."""
    inside, outside = (
        b.host("web", Place.STANDALONE_PHYSICAL, id=id_, sightings=(b.sighting("web", View.OS, b.SSH, zone=zone),))
        for id_, zone in (("h-1", "教育专网"), ("h-2", "他网"))
    )
    centre = RecognisedCentre(name="机房", document="文", zone="教育专网", cidrs=("10.1.0.0/16",))
    pack = load_pack()
    pack = b.with_fields(pack, parameters=b.with_fields(pack.parameters, recognises_department_centres=True))
    rule = b.policy(PolicyChoices(recognised=(centre,)), pack=pack)

    def verdict(*hosts: Host) -> str:
        return verdict_on(CHECK, b.city(projects=(b.legacy_project(),), hosts=hosts), "system/S-1", rule)

    assert verdict(inside) == "not_applicable"
    assert verdict(inside, outside) == verdict(outside, inside) == "advisory"
