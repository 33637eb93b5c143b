"""18-supervision: five working days, with the holidays and make-up days of China."""

from datetime import date, timedelta

import builders as b
import pytest
from verdicts import english, finding_on, verdict_on

from checks.supervision import CHECK
from checks.working_days import WorkCalendar
from inventory.coverage import CellState
from inventory.holidays import HolidayTable
from inventory.inventory import Inventory
from inventory.records import Funding, Level, Project, ProjectKind

SPRING_FESTIVAL = date(2026, 2, 12)
NATIONAL_DAY = date(2026, 9, 29)
OTHER = b.project("P-9", systems=(), awarded_on=date(2026, 3, 2), supervision_applied_on=date(2026, 3, 3))


def registered(**fields: object) -> Inventory:
    return b.inventory(projects=(b.project(systems=(), **fields),))


CASES: list[tuple[str, dict[str, object], str]] = [
    ("the last of five, over Spring Festival", {"awarded_on": SPRING_FESTIVAL, "applied": date(2026, 2, 26)}, "pass"),
    ("a day later", {"awarded_on": SPRING_FESTIVAL, "applied": date(2026, 2, 27)}, "fail"),
    ("the last of five, over National Day", {"awarded_on": NATIONAL_DAY, "applied": date(2026, 10, 12)}, "pass"),
    ("on the day of the award", {"awarded_on": NATIONAL_DAY, "applied": NATIONAL_DAY}, "pass"),
    ("before the award", {"awarded_on": NATIONAL_DAY, "applied": date(2026, 9, 1)}, "unknown"),
    ("none, still in time", {"awarded_on": date(2026, 11, 18)}, "advisory"),
    ("none, the register keeps no such date", {"awarded_on": date(2026, 3, 2)}, "unknown"),
    ("no award", {"awarded_on": None, "contract_on": date(2026, 3, 2)}, "unknown"),
    ("before the regulation", {"awarded_on": date(2024, 1, 12)}, "not_applicable"),
    ("on its first day", {"awarded_on": date(2024, 1, 15), "applied": date(2024, 2, 28)}, "fail"),
    ("consulting", {"project_kind": ProjectKind.CONSULTING}, "not_applicable"),
    ("operation", {"project_kind": ProjectKind.OPERATION}, "not_applicable"),
    ("kind unknown", {"project_kind": None}, "unknown"),
    ("not from public funds", {"funding": Funding.NON_FISCAL}, "not_applicable"),
    ("of the province, funds unknown", {"funding": None, "level": Level.PROVINCE}, "not_applicable"),
]


@pytest.mark.parametrize(("fields", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_verdict(fields: dict[str, object], expected: str) -> None:
    given = {("supervision_applied_on" if k == "applied" else k): v for k, v in fields.items()}

    assert verdict_on(CHECK, registered(**given), "project/P-1") == expected


def late(*others: Project, **fields: object) -> Inventory:
    return b.inventory(projects=(b.project(systems=(), awarded_on=date(2026, 3, 2)), *others), **fields)


def test_an_empty_cell_says_something_only_where_the_register_keeps_the_date() -> None:
    assert verdict_on(CHECK, late(), "project/P-1") == "unknown"
    assert verdict_on(CHECK, late(OTHER), "project/P-1") == "fail"


def test_nothing_follows_from_half_a_register() -> None:
    cut = b.coverage(b.cell(b.REGISTER, "project", CellState.PARTIAL))

    assert verdict_on(CHECK, late(OTHER, coverage=cut), "project/P-1") == "unknown"


def test_a_row_that_was_rejected_may_hold_the_application() -> None:
    spoiled = b.coverage(rejections=(b.rejection("P-1"),))

    assert verdict_on(CHECK, late(OTHER, coverage=spoiled), "project/P-1") == "unknown"


# ── a year that is not announced ──────────────────────────────────────────────────────────────────────────────────────

NEW_YEAR = date(2026, 12, 30)


def over_new_year(applied: date | None, today: date) -> Inventory:
    at = b.NIGHT + timedelta(days=(today - b.TODAY).days)
    project = b.project(systems=(), awarded_on=NEW_YEAR, supervision_applied_on=applied, observed_at=at)
    return b.inventory(projects=(project,), as_of=at)


@pytest.mark.parametrize(
    ("applied", "expected"),
    [
        (date(2027, 1, 4), "pass"),
        (date(2027, 1, 6), "unknown"),
        (date(2027, 1, 20), "unknown"),
        (date(2027, 2, 1), "fail"),
    ],
)
def test_in_a_year_that_nobody_knows_only_what_is_certain_is_said(applied: date, expected: str) -> None:
    """Five calendar days are never more than five working days, thirty never fewer; between them it is provisional."""
    finding = finding_on(CHECK, over_new_year(applied, date(2027, 3, 1)), "project/P-1")

    assert finding.verdict.value == expected
    assert "provisional" in english(finding.reason)


def test_the_owner_s_table_settles_it() -> None:
    table = HolidayTable(years=(2027,), holidays=(date(2027, 1, 1),))
    policy = b.policy(calendar=WorkCalendar(table=table))

    in_time = over_new_year(date(2027, 1, 7), date(2027, 3, 1))
    late_one = over_new_year(date(2027, 1, 8), date(2027, 3, 1))

    assert verdict_on(CHECK, in_time, "project/P-1", policy) == "pass"
    assert verdict_on(CHECK, late_one, "project/P-1", policy) == "fail"
