"""23.8-reports, 24-report, 26-self-evaluation: what the register's dates say of a project's last steps."""

from datetime import date

import builders as b
import pytest
from verdicts import english, finding_on, verdict_on

from checks import acceptance_report, self_evaluation, third_party_reports
from checks.conclusions import has_failed
from inventory.coverage import CellState
from inventory.inventory import Inventory
from inventory.records import Project, ProjectKind

OTHER = b.project(
    "P-9", systems=(), awarded_on=date(2024, 3, 1), final_acceptance_on=date(2024, 9, 1),
    in_operation_on=date(2024, 9, 1), acceptance_report_on=date(2024, 9, 3), self_evaluation_on=date(2025, 10, 1),
)  # fmt: skip
"""A project of which the register holds every date: so it keeps them."""


def registered(*others: Project, **fields: object) -> Inventory:
    return b.inventory(projects=(b.project(systems=(), **fields), *others))


@pytest.mark.parametrize(
    ("conclusion", "failed"),
    [("通过", False), ("合格", False), (None, False), ("不通过", True), ("未通过验收", True), ("整改后复验", True)],
)
def test_conclusions_as_people_write_them(conclusion: str | None, *, failed: bool) -> None:
    assert has_failed(conclusion) is failed


# ── 23(8) ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

GOOD = {"software_report": "RJ-1", "software_report_on": date(2026, 5, 1), "software_conclusion": "通过"}
REPORTS = [
    ("neither a platform nor data", {"is_platform_project": False, "collects_data": False}, "not_applicable"),
    ("nobody says", {}, "unknown"),
    ("a platform, data unknown", {"is_platform_project": True, **GOOD}, "unknown"),
    ("tested", {"is_platform_project": True, "collects_data": False, **GOOD}, "pass"),
    ("tested and refused",
     {"is_platform_project": True, "collects_data": False, **GOOD, "software_conclusion": "不通过"}, "fail"),
    ("refused, though the other is unknown",
     {"is_platform_project": True, **GOOD, "software_conclusion": "不合格"}, "fail"),
    ("not tested yet", {"is_platform_project": True, "collects_data": False}, "advisory"),
    ("accepted without a report that the register knows of",
     {"is_platform_project": True, "collects_data": False, "final_acceptance_on": date(2026, 6, 1)}, "unknown"),
    ("tested after the acceptance",
     {"is_platform_project": True, "collects_data": False, **GOOD, "final_acceptance_on": date(2026, 4, 1)}, "fail"),
    ("tested on the day of the acceptance",
     {"is_platform_project": True, "collects_data": False, **GOOD, "final_acceptance_on": date(2026, 5, 1)}, "pass"),
    ("a number without a conclusion",
     {"is_platform_project": True, "collects_data": False, "software_report": "RJ-1"}, "unknown"),
    *(
        (f"concluded {word}",
         {"is_platform_project": True, "collects_data": False, **GOOD, "software_conclusion": word}, expected)
        for word, expected in (
            ("检测中", "unknown"), ("待通过", "unknown"), ("部分通过", "unknown"), ("-", "unknown"), ("良", "pass"),
            ("不满足", "fail"), ("没有通过", "fail"), ("符合要求", "pass"), ("整改后复测", "fail"),
        )
    ),
    ("dated after the scan",
     {"is_platform_project": True, "collects_data": False, **GOOD, "software_report_on": date(2027, 1, 1)}, "unknown"),
    ("data inspected",
     {"is_platform_project": False, "collects_data": True, "data_report": "ZJ-1", "data_report_on": date(2026, 5, 1),
      "data_conclusion": "合格"}, "pass"),
    ("consulting", {"project_kind": ProjectKind.CONSULTING}, "not_applicable"),
    ("put up for acceptance before the regulation, and refused",
     {"awarded_on": None, "final_acceptance_on": date(2023, 5, 1), "acceptance_conclusion": "不通过"}, "unknown"),
    ("the same, awarded since", {"final_acceptance_on": date(2023, 5, 1), "acceptance_conclusion": "不通过",
                                 "is_platform_project": False, "collects_data": True}, "unknown"),
    ("accepted before the regulation", {"awarded_on": None, "final_acceptance_on": date(2023, 5, 1)},
     "not_applicable"),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "expected"), [c[1:] for c in REPORTS], ids=[c[0] for c in REPORTS])
def test_third_party_reports(fields: dict[str, object], expected: str) -> None:
    assert verdict_on(third_party_reports.CHECK, registered(**fields), "project/P-1") == expected


# ── 24 ────────────────────────────────────────────────────────────────────────────────────────────────────────────────

ACCEPTED = {"final_acceptance_on": date(2026, 8, 1)}
SENT = [
    ("not accepted yet", (), {}, "not_applicable"),
    ("sent", (), {**ACCEPTED, "acceptance_report_on": date(2026, 8, 9)}, "pass"),
    ("dated before the acceptance", (), {**ACCEPTED, "acceptance_report_on": date(2026, 7, 9)}, "unknown"),
    ("no day, the register keeps none", (), ACCEPTED, "unknown"),
    ("no day, the register keeps them", (OTHER,), ACCEPTED, "fail"),
    ("not passed", (OTHER,), {**ACCEPTED, "acceptance_conclusion": "不通过"}, "not_applicable"),
    ("not passed, and paid", (), {**ACCEPTED, "acceptance_conclusion": "不通过", "last_payment_on": date(2026, 9, 1)},
     "advisory"),
    ("not accepted, paid after the trial run", (),
     {"trial_end_on": date(2026, 8, 1), "last_payment_on": date(2026, 9, 1)}, "advisory"),
    ("passed or not, nobody can tell", (),
     {"final_acceptance_on": date(2026, 8, 1), "acceptance_report_on": date(2026, 8, 3),
      "acceptance_conclusion": "待复验"}, "unknown"),
    ("not accepted, paid before it", (), {"trial_end_on": date(2026, 8, 1), "last_payment_on": date(2026, 7, 1)},
     "not_applicable"),
]  # fmt: skip


@pytest.mark.parametrize(("others", "fields", "expected"), [c[1:] for c in SENT], ids=[c[0] for c in SENT])
def test_the_report_on_the_acceptance(others: tuple[Project, ...], fields: dict[str, object], expected: str) -> None:
    assert verdict_on(acceptance_report.CHECK, registered(*others, **fields), "project/P-1") == expected


def test_a_payment_is_the_finance_bureau_s_to_look_at() -> None:
    fields = {**ACCEPTED, "acceptance_conclusion": "不通过", "last_payment_on": date(2026, 9, 1)}

    finding = finding_on(acceptance_report.CHECK, registered(**fields), "project/P-1")

    assert "the finance bureau" in english(finding.remedy)


# ── 26 ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def since(accepted: date, operation: date | None = None, **fields: object) -> dict[str, object]:
    return {"final_acceptance_on": accepted, "in_operation_on": operation or accepted, **fields}


EVALUATED = [
    ("not accepted", (), {}, "not_applicable"),
    ("within a year", (), since(date(2025, 11, 24)), "not_applicable"),
    ("a year to the day", (), since(date(2025, 11, 23)), "advisory"),
    ("two years to the day", (OTHER,), since(date(2024, 11, 23)), "advisory"),
    ("a day more, the register keeps the date", (OTHER,), since(date(2024, 11, 22)), "fail"),
    ("a day more, it does not", (), since(date(2024, 11, 22)), "unknown"),
    ("counted from the later of both", (OTHER,), since(date(2024, 3, 1), date(2025, 1, 1)), "advisory"),
    ("in operation since nobody knows when", (), {"final_acceptance_on": date(2024, 3, 1)}, "unknown"),
    ("in time", (), since(date(2024, 3, 1), self_evaluation_on=date(2026, 3, 1)), "pass"),
    ("a day late", (), since(date(2024, 3, 1), self_evaluation_on=date(2026, 3, 2)), "fail"),
    ("too early", (), since(date(2025, 3, 1), self_evaluation_on=date(2026, 2, 28)), "advisory"),
    ("not passed", (OTHER,), since(date(2024, 3, 1), acceptance_conclusion="未通过"), "not_applicable"),
    ("passed or not, nobody can tell", (OTHER,), since(date(2024, 3, 1), acceptance_conclusion="待复验"), "unknown"),
    ("passed, in plain words", (OTHER,), since(date(2024, 3, 1), acceptance_conclusion="同意通过验收"), "fail"),
]


@pytest.mark.parametrize(("others", "fields", "expected"), [c[1:] for c in EVALUATED], ids=[c[0] for c in EVALUATED])
def test_the_self_evaluation(others: tuple[Project, ...], fields: dict[str, object], expected: str) -> None:
    assert verdict_on(self_evaluation.CHECK, registered(*others, **fields), "project/P-1") == expected


@pytest.mark.parametrize("check", [acceptance_report.CHECK, self_evaluation.CHECK], ids=lambda c: c.id)
def test_nothing_follows_from_half_a_register(check: object) -> None:
    cut = b.coverage(b.cell(b.REGISTER, "project", CellState.PARTIAL))
    late = b.project(systems=(), **since(date(2024, 3, 1)))

    assert verdict_on(check, b.inventory(projects=(late, OTHER), coverage=cut), "project/P-1") == "unknown"  # type: ignore[arg-type]
