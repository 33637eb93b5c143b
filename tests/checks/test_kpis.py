"""Indicators."""

from datetime import date, timedelta

import builders as b

from checks.judge import judge
from checks.kpi import Kpi
from checks.kpis import kpis
from inventory.coverage import CellState, Coverage
from inventory.hosts import Place
from inventory.inventory import Inventory
from inventory.records import CryptoAssessment, Funding, SharingEntry, SharingType


def measured(inventory: Inventory) -> dict[str, tuple[int, int, int]]:
    found = kpis(inventory, judge(inventory, b.policy()), b.policy())
    return {k.name: (k.numerator, k.denominator, k.unknown) for k in found}


def test_a_city_that_does_everything_right() -> None:
    plain = b.coverage()
    city = b.city(
        assessments=(
            b.assessment(major_risks=2, major_risks_rectified=2),
            b.platform_assessment(major_risks=1, major_risks_rectified=1),
        ),
        crypto_assessments=(
            CryptoAssessment(source=b.REGISTER, native_id="c", observed_at=b.NIGHT, system="S-1",
                             reported_on=date(2026, 5, 1), conclusion="符合"),
        ),
        coverage=Coverage(
            [b.with_fields(s, modified_at=b.days_ago(7)) for s in plain.sources],
            [b.with_fields(r, finished_at=b.NIGHT) for r in plain.results],
        ),
    )  # fmt: skip

    assert measured(city) == {
        "cloud_migration": (1, 1, 0),
        "cloud_migration_new": (1, 1, 0),
        "cloud_migration_legacy": (0, 0, 0),
        "host_ownership": (1, 1, 0),
        "sharing": (1, 1, 0),
        "effective_sharing": (1, 1, 0),
        "catalogue_mounting": (1, 1, 0),
        "sharing_answers": (0, 0, 0),
        "mlps_filing": (1, 1, 0),
        "mlps_assessment": (1, 1, 0),
        "mlps_compliance": (1, 1, 0),
        "crypto_assessment": (1, 1, 0),
        "risk_rectification": (3, 3, 0),
        "finding_rectification": (0, 0, 0),
        "standalone_servers": (0, 1, 0),
        "source_freshness": (3, 3, 0),
        "ledger_freshness": (1, 1, 0),
        "shared_data_freshness": (1, 1, 0),
    }


def test_new_and_legacy_systems_are_counted_apart() -> None:
    """A legacy system that has not moved lowers 上云率 though it breaks nothing; the non-fiscal one is not counted."""
    systems = (
        b.system(),
        b.system("S-2", built_on=date(2019, 1, 1), funding=Funding.GOVERNMENT),
        b.system("S-3", funding=Funding.NON_FISCAL),
        b.system("S-4", funding=Funding.GOVERNMENT),
    )
    hosts = (b.host(), b.host("old", Place.STANDALONE_PHYSICAL, b.owned("S-2", projects=())))

    found = measured(b.city(systems=systems, hosts=hosts))

    assert found["cloud_migration_new"] == (1, 1, 0)
    assert found["cloud_migration_legacy"] == (0, 1, 0)
    assert found["cloud_migration"] == (1, 3, 1)


def test_the_clouds_own_machines_need_no_owner() -> None:
    hosts = (
        b.host(),
        b.host("orphan", ownership=b.NOBODY),
        b.host("x", ownership=b.CONTESTED),
        b.host("hv", Place.CLOUD_INFRASTRUCTURE, b.NOBODY),
    )

    assert measured(b.city(hosts=hosts))["host_ownership"] == (1, 3, 1)


def test_what_could_not_be_seen_is_unknown_and_not_zero() -> None:
    failed = b.coverage(
        b.cell(b.REGISTER, "mlps_filing", CellState.FAILED), b.cell(b.REGISTER, "sharing_use", CellState.FAILED)
    )

    found = measured(b.city(filings=(), sharing_uses=(), coverage=failed))

    assert found["mlps_filing"] == (0, 1, 1)
    assert found["sharing"] == (1, 1, 0)
    assert found["effective_sharing"] == (0, 1, 1)


def test_a_gap_of_a_source_is_counted_as_no_system_and_no_server() -> None:
    """A check tells of what it could not list; how many systems or servers that hides nobody knows."""
    cut = b.coverage(b.cell(b.REGISTER, "system", CellState.PARTIAL), b.cell(b.CLOUD, "host", CellState.PARTIAL))
    city = b.city(hosts=(b.host(), b.tower()), coverage=cut)
    gaps = {f.check for f in judge(city, b.policy()) if f.subject.kind == "coverage"}

    found = measured(city)

    assert {"mlps-filing", "mlps-assessment", "14-standalone-compute"} <= gaps
    assert {name: found[name][1] for name in ("mlps_filing", "mlps_assessment", "standalone_servers")} == {
        "mlps_filing": 1, "mlps_assessment": 1, "standalone_servers": 2,
    }  # fmt: skip


def test_standalone_servers_are_failures_and_candidates() -> None:
    hosts = (b.tower(), b.tower("t2", commissioned_on=None), b.tower("t3", commissioned_on=date(2019, 1, 1)))

    assert measured(b.city(hosts=hosts))["standalone_servers"] == (1, 3, 1)


def test_nothing_to_divide_by_is_no_ratio() -> None:
    """0 of 0 is neither 0 % nor 100 %."""
    empty = b.inventory()
    by_name: dict[str, Kpi] = {k.name: k for k in kpis(empty, judge(empty, b.policy()), b.policy())}

    measured = {"source_freshness", "ledger_freshness"}
    assert {name: k.ratio for name, k in by_name.items() if k.ratio is not None}.keys() == measured


def test_no_indicator_counts_the_unknown_as_reached() -> None:
    """Whatever is taken away: proven and unknown are never more than there is."""
    for kind in ("host", "mlps_assessment", "sharing_use", "sharing_entry", "system"):
        source = b.CLOUD if kind == "host" else b.REGISTER
        city = b.city(coverage=b.coverage(b.cell(source, kind, CellState.FAILED)))
        for kpi in kpis(city, judge(city, b.policy()), b.policy()):
            assert kpi.numerator + kpi.unknown <= kpi.denominator, (kind, kpi)


def test_every_indicator_says_what_it_rests_on() -> None:
    city = b.city()

    for kpi in kpis(city, judge(city, b.policy()), b.policy()):
        assert kpi.planned_cells, kpi.name


def test_coverage_stands_beside_every_indicator() -> None:
    """A rate of a hundred percent of what was seen says little where half of it was not."""
    failed = b.coverage(b.cell(b.CLUSTER, "workload", CellState.FAILED))
    inventory = b.city(coverage=failed)
    by_name = {k.name: k for k in kpis(inventory, judge(inventory, b.policy()), b.policy())}

    whole, cut = by_name["mlps_filing"], by_name["cloud_migration"]

    assert (whole.complete_cells, whole.planned_cells, whole.coverage) == (2, 2, 1.0)
    assert (cut.complete_cells, cut.planned_cells) == (8, 9)


def test_answers_to_applications_are_counted_in_working_days() -> None:
    """政务数据共享条例 Art. 21: one working day, ten for conditional data; holidays do not count."""

    def applied(code: str, days: int, kind: SharingType | None) -> SharingEntry:
        on = date(2026, 9, 25)
        approved = None if days < 0 else on + timedelta(days=days)
        return b.entry(code, direction="consume", sharing_type=kind, applied_on=on, approved_on=approved)

    entries = (
        applied("1", 3, SharingType.UNCONDITIONAL),
        applied("2", 6, SharingType.UNCONDITIONAL),
        applied("3", 16, SharingType.CONDITIONAL),
        applied("4", 30, SharingType.CONDITIONAL),
        applied("5", -1, SharingType.CONDITIONAL),
        applied("6", 2, None),
    )

    found = measured(b.city(sharing_entries=entries))

    # 1 in time (Mon), 2 late, 3 in time (16 days with the holiday), 4 and 5 late, 6 of unknown kind.
    assert found["sharing_answers"] == (2, 6, 1)


def test_entries_without_a_resource_are_not_mounted_and_without_a_date_not_known_to_be_published() -> None:
    entries = (
        b.entry(),
        b.entry("2", resource_id=None),
        b.entry("3", published_on=None),
        b.entry("4", direction="consume"),
        b.entry("5", sharing_type=SharingType.NONE),
        b.entry("6", published_on=b.TODAY),
        b.entry("7", published_on=b.TODAY + timedelta(days=1)),
    )

    assert measured(b.city(sharing_entries=entries))["catalogue_mounting"] == (2, 4, 1)


def test_whose_hosts_are_is_not_known_while_a_register_was_not_read() -> None:
    hosts = (b.host(), b.host("x", ownership=b.NOBODY))
    cut = b.coverage(b.cell(b.REGISTER, "project", CellState.PARTIAL))

    assert measured(b.city(hosts=hosts))["host_ownership"] == (1, 2, 0)
    assert measured(b.city(hosts=hosts, coverage=cut))["host_ownership"] == (1, 2, 1)


def test_a_catalogue_that_names_no_resource_of_anybody_does_not_say_what_is_mounted() -> None:
    entries = (b.entry(resource_id=None), b.entry("2", resource_id=None))

    assert measured(b.city(sharing_entries=entries))["catalogue_mounting"] == (0, 2, 2)
