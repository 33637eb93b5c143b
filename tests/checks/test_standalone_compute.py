"""14-standalone-compute."""

from dataclasses import replace
from datetime import UTC, date, datetime

import builders as b
import pytest
from verdicts import english, finding_on, verdict_on

from checks.standalone_compute import CHECK
from inventory.coverage import CellState
from inventory.hosts import Host, Place
from inventory.inventory import Inventory
from inventory.records import Funding, Level, View
from inventory.text import msg


def of(host: Host, **fields: object) -> Inventory:
    return b.inventory(hosts=(host,), **fields)


OLD = date(2019, 4, 1)
NEW = date(2025, 6, 1)

CASES = [
    ("a tower bought last year", b.tower(), {}, "fail"),
    ("the same from 2019", b.tower(commissioned_on=OLD), {}, "not_applicable"),
    ("the same without a date", b.tower(commissioned_on=None), {}, "unknown"),
    ("on the effective date", b.tower(commissioned_on=date(2024, 1, 15)), {}, "fail"),
    ("on the day before", b.tower(commissioned_on=date(2024, 1, 14)), {}, "not_applicable"),
    ("nobody knows whose", b.tower(department=None), {}, "unknown"),
    ("contested", b.tower(ownership=b.CONTESTED), {}, "unknown"),
    ("an instance of the cloud", b.host(), {}, "pass"),
    ("the cloud's own", b.host(place=Place.CLOUD_INFRASTRUCTURE), {}, "not_applicable"),
    ("procured by the centre", b.host(place=Place.THIRD_PARTY), {}, "not_applicable"),
    ("undetermined", b.host(place=Place.UNDETERMINED), {}, "unknown"),
    ("two machines under one UUID", b.tower(conflicts=(msg("cloned"),)), {}, "unknown"),
    (
        "bought elsewhere, created there since",
        b.host(
            place=Place.STANDALONE_VIRTUAL,
            ownership=b.NOBODY,
            department="市教育局",
            sightings=(b.sighting("vm", View.SERVER, "openstack:other", created_at=datetime(2025, 1, 1, tzinfo=UTC)),),
        ),
        {},
        "fail",
    ),
    (
        "a non-fiscal owner",
        b.tower(ownership=b.owned()),
        {"systems": (b.system(funding=Funding.NON_FISCAL),)},
        "not_applicable",
    ),
    (
        "the province's",
        b.tower(ownership=b.owned()),
        {"systems": (b.system(funding=Funding.GOVERNMENT, level=Level.PROVINCE),)},
        "not_applicable",
    ),
    (
        "of a new project, no card",
        b.tower(commissioned_on=None, ownership=b.owned()),
        {"systems": (b.system(),), "projects": (b.project(),)},
        "fail",
    ),
    (
        "of an old project, no card",
        b.tower(commissioned_on=None, ownership=b.owned()),
        {"systems": (b.system(),), "projects": (b.legacy_project(),)},
        "not_applicable",
    ),
    (
        "of an old project, delivered within two years",
        b.tower(commissioned_on=date(2024, 3, 1), ownership=b.owned()),
        {"systems": (b.system(),), "projects": (b.legacy_project(awarded_on=date(2023, 9, 1)),)},
        "not_applicable",
    ),
    (
        "of an old project, bought long after",
        b.tower(commissioned_on=NEW, ownership=b.owned()),
        {"systems": (b.system(),), "projects": (b.legacy_project(awarded_on=date(2019, 9, 1)),)},
        "unknown",
    ),
    (
        "of a new project, but there since 2019",
        b.tower(commissioned_on=OLD, ownership=b.owned()),
        {"systems": (b.system(),), "projects": (b.project(),)},
        "not_applicable",
    ),
]


@pytest.mark.parametrize(("host", "fields", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_verdict(host: Host, fields: dict[str, object], expected: str) -> None:
    assert verdict_on(CHECK, of(host, **fields), f"host/{host.id}") == expected


def test_an_appliance_goes_to_the_classification_queue() -> None:
    """A front-end box of a ministry is no server of the department: a person must say what it is."""
    box = b.tower(sightings=(b.sighting("box", View.ASSET, "ledger:assets", is_appliance=True),))
    finding = finding_on(CHECK, of(box), f"host/{box.id}")

    assert finding.verdict.value == "advisory"
    assert "classify it" in english(finding.remedy)


def test_a_reinstallation_is_no_new_machine() -> None:
    """The birth of a file system since the effective date proves nothing of the machine under it."""
    installed = b.sighting("tower-1", View.OS, b.SSH, installed_at=datetime(2025, 6, 1, tzinfo=UTC))

    assert verdict_on(CHECK, of(b.tower(sightings=(installed,))), "host/id-tower-1") == "unknown"


def test_an_old_file_system_shows_an_old_machine_but_not_an_old_vm() -> None:
    """A virtual machine is cloned from a template that may be years older."""
    installed = b.sighting("tower-1", View.OS, b.SSH, installed_at=datetime(2020, 6, 1, tzinfo=UTC))
    tower = b.tower(sightings=(installed,))
    vm = replace(tower, placement=replace(tower.placement, place=Place.STANDALONE_VIRTUAL))

    assert verdict_on(CHECK, of(tower), "host/id-tower-1") == "not_applicable"
    assert verdict_on(CHECK, of(vm), "host/id-tower-1") == "unknown"


def test_a_legacy_server_is_sent_to_migration() -> None:
    """Art. 14 forbids new capacity; an old server is Art. 16's."""
    finding = finding_on(CHECK, of(b.tower(commissioned_on=OLD)), "host/id-tower-1")

    assert finding.decided_by == "era"
    assert "16-migration" in english(finding.reason)


def test_a_source_that_was_down_is_a_finding_of_its_own() -> None:
    """A host that nobody listed has no finding: the source must have one, or the night would look clean."""
    broken = b.coverage(b.cell(b.CLOUD, "host", CellState.FAILED))

    finding = finding_on(CHECK, b.inventory(coverage=broken), f"coverage/{b.CLOUD}")

    assert (finding.verdict.value, finding.decided_by) == ("unknown", "coverage")
    assert "the connection was reset" in english(finding.missing[0])


def test_what_was_seen_three_days_ago_is_no_verdict() -> None:
    old = b.sighting(observed_at=b.days_ago(3))

    finding = finding_on(CHECK, of(b.host(sightings=(old,))), "host/id-edu-web-1")

    assert (finding.verdict.value, finding.decided_by) == ("unknown", "coverage")
