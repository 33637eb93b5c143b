"""Dates to come."""

from datetime import date

import builders as b

from checks.due import DueKind, due, due_within
from checks.policy import Policy
from inventory.inventory import Inventory
from inventory.records import Funding
from inventory.waiver import Selector, Waiver


def dates(inventory: Inventory, policy: Policy | None = None) -> list[tuple[str, str, date]]:
    return [(d.kind.value, d.subject.key, d.due_on) for d in due(inventory, policy or b.policy())]


def without_rule(inventory: Inventory) -> list[tuple[str, str, date]]:
    return [d for d in dates(inventory) if d[0] != "rule"]


def test_earliest_first_for_systems_cloud_and_contracts() -> None:
    assert dates(b.city(third_parties=(b.contract(),))) == [
        ("contract", "contract/C-1", date(2026, 12, 31)),
        ("assessment", "platform/platform", date(2027, 5, 20)),
        ("assessment", "system/S-1", date(2027, 5, 20)),
        ("rule", "policy/laohekou-2024", date(2029, 1, 14)),
        ("filing", "platform/platform", date(2029, 9, 1)),
        ("filing", "system/S-1", date(2029, 9, 1)),
    ]


def test_an_old_certificate_counts_from_2025() -> None:
    """公网安〔2025〕1846号 Q6: three years from 2025-01-01, a year more for each assessment since."""
    old = b.city(filings=(b.filing(filed_on=date(2019, 3, 1)),), assessments=())

    assert without_rule(old) == [("filing", "system/S-1", date(2028, 1, 1))]


def test_level_two_has_two_years() -> None:
    inventory = b.city(systems=(b.system(mlps_level=2),), filings=(b.filing(level=2),))

    assert ("assessment", "system/S-1", date(2028, 5, 20)) in dates(inventory)


def test_what_has_no_date_is_not_here() -> None:
    """Its finding says what is missing; a made-up date would be believed."""
    inventory = b.city(filings=(b.filing(filed_on=None),), assessments=())

    assert not without_rule(inventory)


def test_days_left() -> None:
    (first, *_) = due(b.city(third_parties=(b.contract(),)), b.policy())

    assert first.kind is DueKind.CONTRACT
    assert first.days_left(b.TODAY) == 38


def test_projects_owe_an_application_and_a_self_evaluation() -> None:
    """What is done is not due; the day after which it is too late stands."""
    projects = (
        b.project("P-1", awarded_on=date(2026, 11, 20)),
        b.project("P-2", systems=(), awarded_on=date(2026, 11, 20), supervision_applied_on=date(2026, 11, 21)),
        b.project("P-3", systems=(), awarded_on=date(2024, 3, 1), supervision_applied_on=date(2024, 3, 2),
                  final_acceptance_on=date(2025, 2, 1), in_operation_on=date(2025, 3, 1)),
        b.project("P-4", systems=(), awarded_on=date(2024, 3, 1), supervision_applied_on=date(2024, 3, 2),
                  final_acceptance_on=date(2025, 2, 1), in_operation_on=date(2025, 3, 1),
                  self_evaluation_on=date(2026, 4, 1)),
    )  # fmt: skip

    found = dates(b.inventory(projects=projects))

    assert found == [
        ("supervision", "project/P-1", date(2026, 11, 27)),
        ("evaluation", "project/P-3", date(2027, 3, 1)),
        ("rule", "policy/laohekou-2024", date(2029, 1, 14)),
    ]


def test_an_application_over_new_year_is_provisional() -> None:
    """2027 is not announced in the calendar: the day is told, and that it may be another."""
    inventory = b.inventory(projects=(b.project(systems=(), awarded_on=date(2026, 12, 30)),))

    (found,) = (d for d in due(inventory, b.policy()) if d.kind is DueKind.SUPERVISION)

    assert found.is_provisional
    assert found.due_on == date(2027, 1, 6)


def test_planned_cut_overs_and_waivers_come_too() -> None:
    waiver = Waiver(
        id="W-1", check="16-migration", selector=Selector(subject="S-1"), reason="r", requester="a", approver="b",
        document="文〔2026〕1号", starts_on=date(2026, 1, 1), expires_on=date(2026, 12, 1),
    )  # fmt: skip
    system = b.system(funding=Funding.GOVERNMENT, migration_plan_cutover_on=date(2026, 12, 15))
    moved = b.system(
        "S-2", funding=Funding.GOVERNMENT, migration_plan_cutover_on=date(2026, 5, 1), migrated_on=date(2026, 5, 2)
    )

    found = dates(b.inventory(systems=(system, moved)), b.policy(waivers=(waiver,)))

    assert found[:2] == [
        ("waiver", "waiver/W-1", date(2026, 12, 1)),
        ("migration", "system/S-1", date(2026, 12, 15)),
    ]


def test_within_a_time_and_what_is_past() -> None:
    found = due(b.city(third_parties=(b.contract(), b.contract("C-2", valid_to=date(2026, 10, 1)))), b.policy())

    assert [d.subject.id for d in due_within(found, b.TODAY, 90)] == ["C-2", "C-1"]
    assert [d.subject.id for d in due_within(found, b.TODAY, 90, past=False)] == ["C-1"]
    assert [d.subject.id for d in due_within(found, b.TODAY, 37, past=False)] == []


def test_the_last_day_of_the_time_is_within_it() -> None:
    """C-1 ends in 38 days: who asks for the next 38 days is told."""
    found = due(b.city(third_parties=(b.contract(),)), b.policy())

    assert [d.subject.id for d in due_within(found, b.TODAY, 38)] == ["C-1"]


def test_a_system_that_moved_hides_no_cut_over_of_those_after_it() -> None:
    moved = b.system(funding=Funding.GOVERNMENT, migrated_on=date(2026, 5, 2))
    planned = b.system("S-2", funding=Funding.GOVERNMENT, migration_plan_cutover_on=date(2026, 12, 15))

    assert without_rule(b.inventory(systems=(moved, planned))) == [("migration", "system/S-2", date(2026, 12, 15))]
