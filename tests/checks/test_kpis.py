"""Indicators."""

from datetime import date, timedelta

import builders as b

from checks.judge import judge
from checks.kpis import Kpi, kpis
from inventory.coverage import CellState
from inventory.hosts import Place
from inventory.inventory import Inventory
from inventory.records import Funding, SharingEntry, SharingType


def measured(inventory: Inventory) -> dict[str, tuple[int, int, int]]:
    found = kpis(inventory, judge(inventory, b.policy()), b.policy())
    return {k.name: (k.numerator, k.denominator, k.unknown) for k in found}


def test_a_city_that_does_everything_right() -> None:
    assert measured(b.city()) == {
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
        "standalone_servers": (0, 1, 0),
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


def test_standalone_servers_are_failures_and_candidates() -> None:
    hosts = (b.tower(), b.tower("t2", commissioned_on=None), b.tower("t3", commissioned_on=date(2019, 1, 1)))

    assert measured(b.city(hosts=hosts))["standalone_servers"] == (1, 3, 1)


def test_nothing_to_divide_by_is_no_ratio() -> None:
    """0 of 0 is neither 0 % nor 100 %."""
    empty = b.inventory()
    by_name: dict[str, Kpi] = {k.name: k for k in kpis(empty, judge(empty, b.policy()), b.policy())}

    assert by_name["cloud_migration"].ratio is None


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


def test_entries_without_a_resource_are_not_mounted() -> None:
    entries = (b.entry(), b.entry("2", resource_id=None), b.entry("3", published_on=None))

    assert measured(b.city(sharing_entries=entries))["catalogue_mounting"] == (1, 2, 0)
