"""mlps-filing."""

from datetime import date

import builders as b
import pytest
from verdicts import english, finding_on, verdict_on

from checks.mlps_filing import CHECK
from checks.protection import digits_of
from inventory.coverage import CellState
from inventory.inventory import Inventory
from inventory.records import Funding, Level, ProjectKind


def filed(*filings: object, **fields: object) -> Inventory:
    return b.city(filings=(*filings, b.platform_filing()), **fields)


CUT_SHORT = b.coverage(b.cell(b.REGISTER, "mlps_filing", CellState.PARTIAL))

CASES = [
    ("valid", filed(b.filing()), "pass"),
    ("valid, without its hyphen", filed(b.filing("4206001234500001")), "pass"),
    ("no certificate in a complete ledger", filed(), "fail"),
    ("valid, in a ledger cut short: another row may use its number", filed(b.filing(), coverage=CUT_SHORT), "unknown"),
    (
        "whose level stands in a project register that was not seen",
        filed(coverage=b.coverage(b.cell(b.REGISTER, "project", CellState.FAILED))),
        "unknown",
    ),
    ("no certificate in a ledger cut short", filed(coverage=CUT_SHORT), "unknown"),
    ("no certificate, no ledger", filed(coverage=b.coverage(without=("mlps_filing",))), "unknown"),
    ("no certificate, in operation for ten days", filed(systems=(b.system(built_on=date(2026, 11, 13)),)), "advisory"),
    (
        "no certificate, old, to go into operation anew next year",
        filed(systems=(b.system(built_on=date(2015, 1, 1)),), projects=(b.project(in_operation_on=date(2027, 3, 1)),)),
        "fail",
    ),
    (
        "no certificate, old, in new hands since ten days",
        filed(
            systems=(b.system(built_on=date(2015, 1, 1)),),
            projects=(b.project(project_kind=ProjectKind.OPERATION, in_operation_on=date(2026, 11, 13)),),
        ),
        "fail",
    ),
    (
        "no certificate, to go into operation next year",
        filed(projects=(b.project(in_operation_on=date(2027, 3, 1)),)),
        "advisory",
    ),
    (
        "expired, in a ledger of assessments cut short",
        filed(
            b.filing(valid_to=date(2026, 11, 22)),
            assessments=(),
            coverage=b.coverage(b.cell(b.REGISTER, "mlps_assessment", CellState.PARTIAL)),
        ),
        "unknown",
    ),
    ("no certificate, level 1", filed(systems=(b.system(mlps_level=1),)), "not_applicable"),
    ("level unknown", filed(systems=(b.system(mlps_level=None),)), "unknown"),
    ("levels disagree", filed(b.filing(level=2)), "unknown"),
    ("too short", filed(b.filing("4206001234-00001")), "fail"),
    ("a number cell", filed(b.filing("4206001234500000", number_unreliable=True)), "unknown"),
    ("no number", filed(b.filing(None)), "unknown"),
    ("of Beijing", filed(b.filing("11010112345-00001")), "fail"),
    ("of a neighbour", filed(b.filing("42060312345-00001")), "advisory"),
    ("the cloud's number", filed(b.filing("42060000001-00001")), "fail"),
    ("expired by the ledger", filed(b.filing(valid_to=date(2026, 11, 22)), assessments=()), "fail"),
    ("valid through today", filed(b.filing(valid_to=b.TODAY)), "pass"),
    ("expired, but assessed in its last year", filed(b.filing(valid_to=date(2026, 11, 22))), "unknown"),
    ("old template", filed(b.filing(filed_on=date(2022, 5, 5), template="2007")), "advisory"),
    ("dated tomorrow", filed(b.filing(filed_on=date(2026, 11, 24))), "unknown"),
    ("an old and a valid one", filed(b.filing(valid_to=date(2026, 1, 1)), b.filing("42060012345-00002")), "pass"),
    ("the state's", filed(systems=(b.system(level=Level.STATE),)), "not_applicable"),
    ("non-fiscal", filed(systems=(b.system(funding=Funding.NON_FISCAL),)), "not_applicable"),
    ("funding unknown", filed(b.filing(), projects=()), "pass"),
    ("retired", filed(systems=(b.system(is_retired=True),)), "not_applicable"),
]


@pytest.mark.parametrize(("inventory", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_verdict(inventory: Inventory, expected: str) -> None:
    assert verdict_on(CHECK, inventory, "system/S-1") == expected


def test_a_number_that_two_systems_give_fails_both() -> None:
    """One of them is not filed, and nobody can tell which."""
    second = b.filing("4206001234500001", system="S-2", native_id="row 2")
    inventory = filed(b.filing(), second, systems=(b.system(), b.system("S-2", funding=Funding.GOVERNMENT)))

    assert verdict_on(CHECK, inventory, "system/S-1") == "fail"
    assert verdict_on(CHECK, inventory, "system/S-2") == "fail"
    assert "S-2" in english(finding_on(CHECK, inventory, "system/S-1").reason)


def test_a_rejected_row_that_speaks_of_the_system_leaves_it_open() -> None:
    """Its filing may be the row that could not be read."""
    inventory = filed(coverage=b.coverage(rejections=(b.rejection("S-1"),)))

    finding = finding_on(CHECK, inventory, "system/S-1")

    assert (finding.verdict.value, finding.decided_by) == ("unknown", "coverage")


def test_a_rejected_row_of_somebody_else_does_not() -> None:
    coverage = b.coverage(rejections=(b.rejection("S-7"),))

    assert verdict_on(CHECK, filed(coverage=coverage, systems=(b.system(), b.system("S-7"))), "system/S-1") == "fail"


def test_a_rejected_row_of_nobody_whom_the_register_has_may_be_anybody_s() -> None:
    inventory = filed(coverage=b.coverage(rejections=(b.rejection("学籍管理平台"),)))

    finding = finding_on(CHECK, inventory, "system/S-1")

    assert finding.verdict.value == "unknown"
    assert "row 7 of 台账.xlsx" in english(finding.missing[0])


@pytest.mark.parametrize("written", ["42060012345-00001", "4206001234500001"])
def test_a_rejected_row_that_gives_the_same_number_leaves_it_open(written: str) -> None:
    """It may be the cloud's own row, or another system's: nobody would see that the number is used twice."""
    inventory = filed(b.filing(), coverage=b.coverage(rejections=(b.rejection(written),)))

    assert verdict_on(CHECK, inventory, "system/S-1") == "unknown"


@pytest.mark.parametrize(
    ("written", "digits"),
    [
        ("42060012345-00001", "4206001234500001"),
        ("４２０６００１２３４５-００００１", "4206001234500001"),
        (" 4206001234500001 ", "4206001234500001"),
        ("4.2060012345e+15", None),
        ("420600123450001", None),
        (None, None),
    ],
)
def test_the_digits_of_a_number(written: str | None, digits: str | None) -> None:
    assert digits_of(written) == digits
