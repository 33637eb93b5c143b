"""mlps-assessment."""

from datetime import date

import builders as b
import pytest
from verdicts import english, finding_on, verdict_on

from checks.mlps_assessment import CHECK
from inventory.coverage import CellState
from inventory.inventory import Inventory
from inventory.records import MlpsAssessment


def assessed(*reports: MlpsAssessment, level: int | None = 3, **fields: object) -> Inventory:
    filing = b.filing(level=level)
    return b.city(assessments=reports, systems=(b.system(mlps_level=level),), filings=(filing,), **fields)


def report(on: date | None, conclusion: str | None, score: float | None = None, **fields: object) -> MlpsAssessment:
    return b.assessment(reported_on=on, conclusion=conclusion, score=score, major_risks=None, **fields)


SPRING = date(2026, 5, 20)
CASES = [
    ("基本符合 this year", assessed(b.assessment()), "pass"),
    ("the same, where a newer report may not have been seen",
     assessed(b.assessment(), coverage=b.coverage(b.cell(b.REGISTER, "mlps_assessment", CellState.PARTIAL))),
     "unknown"),
    ("the same, where the number that it is compared with may not have been seen",
     assessed(b.assessment(), coverage=b.coverage(b.cell(b.REGISTER, "mlps_filing", CellState.FAILED))), "unknown"),
    ("a year ago today", assessed(report(date(2025, 11, 23), "符合")), "pass"),
    ("a year and a day ago", assessed(report(date(2025, 11, 22), "符合")), "fail"),
    ("level 2, a year and a day ago", assessed(report(date(2025, 11, 22), "符合"), level=2), "pass"),
    ("level 2, over two years ago", assessed(report(date(2024, 11, 22), "中"), level=2), "advisory"),
    ("level 4, over a year ago", assessed(report(date(2025, 11, 22), "符合"), level=4), "fail"),
    ("不符合", assessed(report(SPRING, "不符合")), "fail"),
    ("差 of the older template", assessed(report(date(2025, 3, 19), "差"), level=2), "fail"),
    ("a conclusion of the older template", assessed(report(SPRING, "良")), "unknown"),
    ("符合 under the 2019 template", assessed(report(date(2024, 12, 1), "符合"), level=2), "unknown"),
    ("中 and 72", assessed(report(date(2024, 12, 1), "中", 72), level=2), "pass"),
    ("中 and 62", assessed(report(date(2024, 12, 1), "中", 62), level=2), "unknown"),
    ("符合 with major risks", assessed(b.assessment(conclusion="符合", score=92.0, major_risks=3)), "unknown"),
    ("基本符合 with major risks", assessed(b.assessment(conclusion="基本符合", score=92.0, major_risks=3)), "pass"),
    ("no conclusion", assessed(report(SPRING, None)), "unknown"),
    ("no date", assessed(report(None, "符合")), "unknown"),
    ("tomorrow", assessed(report(date(2026, 11, 24), "符合")), "unknown"),
    ("none, complete ledger", assessed(), "fail"),
    ("none, level 2", assessed(level=2), "advisory"),
    ("none, level 1", assessed(level=1), "not_applicable"),
    ("none, level unknown", assessed(level=None), "unknown"),
    ("none, ledger failed",
     assessed(coverage=b.coverage(b.cell(b.REGISTER, "mlps_assessment", CellState.FAILED))), "unknown"),
    ("too old, ledger cut short",
     assessed(report(date(2025, 11, 22), "符合"),
              coverage=b.coverage(b.cell(b.REGISTER, "mlps_assessment", CellState.PARTIAL))), "unknown"),
    ("none, half a year in operation", assessed(projects=(b.project(in_operation_on=date(2026, 6, 1)),)), "advisory"),
    ("none, and nobody says who pays: the duty is not of Art. 16",
     assessed(projects=(b.project(funding=None),)), "fail"),
    ("基本符合 this year, and nobody says who pays", assessed(b.assessment(), projects=(b.project(funding=None),)),
     "pass"),
    ("another filing's", assessed(report(SPRING, "符合", filing_number="42060000001-00001")), "unknown"),
    ("a number of another year than its date",
     assessed(report(SPRING, "符合", report_number="42060012345-00001-23-4201-01")), "unknown"),
    ("a number of the year before, dated early in the next",
     assessed(report(date(2026, 1, 20), "符合", report_number="42060012345-00001-25-4201-01")), "pass"),
    ("named by its report number",
     assessed(report(SPRING, "符合", report_number="42060012345-00001-26-4201-01")), "pass"),
]  # fmt: skip


@pytest.mark.parametrize(("inventory", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_verdict(inventory: Inventory, expected: str) -> None:
    assert verdict_on(CHECK, inventory, "system/S-1") == expected


def test_the_newest_report_counts() -> None:
    """An acceptable old report does not make up for a bad new one."""
    old = report(date(2025, 12, 1), "符合", native_id="old")

    assert verdict_on(CHECK, assessed(old, report(SPRING, "不符合")), "system/S-1") == "fail"


def test_it_says_the_next_date() -> None:
    assert "2027-05-20" in english(finding_on(CHECK, assessed(b.assessment()), "system/S-1").reason)


def test_of_two_reports_of_one_day_the_worse_counts() -> None:
    second = b.assessment(native_id="report 2", conclusion="不符合", score=None)

    for reports in ((b.assessment(), second), (second, b.assessment())):
        inventory = b.city(assessments=(*reports, b.platform_assessment()))
        assert verdict_on(CHECK, inventory, "system/S-1") == "fail"


def test_a_report_without_a_date_that_is_as_good_takes_nothing_away() -> None:
    undated = b.assessment(native_id="report 2", reported_on=None)

    assert verdict_on(CHECK, b.city(assessments=(b.assessment(), undated)), "system/S-1") == "pass"
    old = b.assessment(reported_on=date(2024, 6, 1), conclusion="良", major_risks=None)
    assert verdict_on(CHECK, b.city(assessments=(old, undated)), "system/S-1") == "unknown"
