"""密评率: systems of level 3 and above whose use of cryptography was assessed, passed, and in its period."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import builders as b
import pytest

from checks.crypto import crypto_assessment
from checks.policy import Policy
from inventory.coverage import CellState
from inventory.inventory import Inventory
from inventory.records import CryptoAssessment, Funding


def report(
    system: str = "S-1", on: date | None = date(2026, 5, 20), conclusion: str | None = "符合"
) -> CryptoAssessment:
    return CryptoAssessment(source=b.REGISTER, native_id=f"密评|{system}|{on}", observed_at=b.NIGHT, system=system,
                            reported_on=on, conclusion=conclusion)  # fmt: skip


def city(*reports: CryptoAssessment, **given: Any) -> Inventory:
    return b.city(crypto_assessments=reports, **given)


def measured(inventory: Inventory, policy: Policy | None = None) -> tuple[int, int, int]:
    kpi = crypto_assessment(inventory, policy or b.policy())
    return kpi.numerator, kpi.denominator, kpi.unknown


PASSED, REFUSED, UNKNOWN = (1, 1, 0), (0, 1, 0), (0, 1, 1)


@pytest.mark.parametrize(
    ("conclusion", "answer"),
    [
        ("符合", PASSED),
        ("基本符合", PASSED),
        ("通过", PASSED),
        ("不符合", REFUSED),
        ("未通过", REFUSED),
        ("良", UNKNOWN),
        (None, UNKNOWN),
        ("", UNKNOWN),
    ],
)
def test_only_a_conclusion_that_is_understood_counts(conclusion: str | None, answer: tuple[int, int, int]) -> None:
    assert measured(city(report(conclusion=conclusion))) == answer


@pytest.mark.parametrize(
    ("on", "answer"),
    [
        (b.TODAY, PASSED),
        (date(2025, 11, 23), PASSED),
        (date(2025, 11, 22), REFUSED),
        (b.TODAY + timedelta(days=1), UNKNOWN),
        (None, UNKNOWN),
    ],
)
def test_it_holds_a_year_through_its_last_day(on: date | None, answer: tuple[int, int, int]) -> None:
    assert measured(city(report(on=on))) == answer


def test_the_newest_report_decides() -> None:
    older = report(on=date(2025, 12, 1))

    assert measured(city(older, report(conclusion="不符合"))) == REFUSED
    assert measured(city(report(on=date(2025, 12, 1), conclusion="不符合"), report())) == PASSED


def test_the_newest_is_so_by_its_day_and_not_by_its_place_in_the_ledger() -> None:
    first = b.with_fields(report(on=date(2026, 5, 20)), native_id="row 1")
    last = b.with_fields(report(on=date(2025, 12, 1), conclusion="不符合"), native_id="row 2")

    assert measured(city(first, last)) == measured(city(last, first)) == PASSED


def test_an_undated_report_beside_others_may_be_the_newest() -> None:
    assert measured(city(report(), report(on=None, conclusion="不符合"))) == UNKNOWN


def test_a_ledger_that_speaks_of_nobodys_cryptography_says_nothing() -> None:
    """It may have no such column at all: that is no missed assessment."""
    assert measured(city()) == UNKNOWN


def test_a_system_that_the_ledger_has_no_report_of_is_not_assessed() -> None:
    systems = (b.system(), b.system("S-2", funding=Funding.GOVERNMENT))

    assert measured(city(report(), systems=systems)) == (1, 2, 0)


def test_a_ledger_that_was_not_read_whole_leaves_it_open() -> None:
    broken = b.coverage(b.cell(b.REGISTER, "mlps_assessment", CellState.PARTIAL))
    systems = (b.system(), b.system("S-2", funding=Funding.GOVERNMENT))

    assert measured(city(report(), systems=systems, coverage=broken)) == (1, 2, 1)


@pytest.mark.parametrize(("level", "answer"), [(2, (0, 0, 0)), (3, PASSED), (4, PASSED), (None, UNKNOWN)])
def test_level_3_and_above_are_asked_and_an_unknown_level_is_unknown(
    level: int | None, answer: tuple[int, int, int]
) -> None:
    """Passed or not: below level 3 it would not have been asked for."""
    assert measured(city(report(), systems=(b.system(mlps_level=level),))) == answer


def test_nobody_to_ask_is_no_ratio() -> None:
    assert crypto_assessment(city(systems=()), b.policy()).ratio is None


def test_retired_systems_and_those_outside_the_regulation_are_not_asked() -> None:
    outside = b.system("S-2", funding=Funding.NON_FISCAL)
    retired = b.system("S-3", is_retired=True, funding=Funding.GOVERNMENT)

    assert measured(city(report(), systems=(b.system(), outside, retired))) == PASSED


def test_another_rule_may_ask_it_of_level_2_and_every_second_year() -> None:
    pack = b.policy().pack
    parameters = replace_parameters(pack.parameters, crypto_lowest_level=2, crypto_months=24)
    policy = replace(b.policy(), pack=b.with_fields(pack, parameters=parameters))
    inventory = city(report(on=date(2025, 1, 1)), systems=(b.system(mlps_level=2),))

    assert measured(inventory, policy) == PASSED


def replace_parameters(parameters: Any, **given: Any) -> Any:
    return b.with_fields(parameters, **given)
