"""Dates to come."""

from datetime import date

import builders as b

from checks.due import DueKind, due
from inventory.inventory import Inventory


def dates(inventory: Inventory) -> list[tuple[str, str, date]]:
    return [(d.kind.value, d.subject.key, d.due_on) for d in due(inventory, b.policy())]


def test_earliest_first_for_systems_cloud_and_contracts() -> None:
    assert dates(b.city(third_parties=(b.contract(),))) == [
        ("contract", "contract/C-1", date(2026, 12, 31)),
        ("assessment", "platform/platform", date(2027, 5, 20)),
        ("assessment", "system/S-1", date(2027, 5, 20)),
        ("filing", "platform/platform", date(2029, 9, 1)),
        ("filing", "system/S-1", date(2029, 9, 1)),
    ]


def test_an_old_certificate_counts_from_2025() -> None:
    """公网安〔2025〕1846号 Q6: three years from 2025-01-01, a year more for each assessment since."""
    old = b.city(filings=(b.filing(filed_on=date(2019, 3, 1)),), assessments=())

    assert dates(old) == [("filing", "system/S-1", date(2028, 1, 1))]


def test_level_two_has_two_years() -> None:
    inventory = b.city(systems=(b.system(mlps_level=2),), filings=(b.filing(level=2),))

    assert ("assessment", "system/S-1", date(2028, 5, 20)) in dates(inventory)


def test_what_has_no_date_is_not_here() -> None:
    """Its finding says what is missing; a made-up date would be believed."""
    inventory = b.city(filings=(b.filing(filed_on=None),), assessments=())

    assert not dates(inventory)


def test_days_left() -> None:
    (first, *_) = due(b.city(third_parties=(b.contract(),)), b.policy())

    assert first.kind is DueKind.CONTRACT
    assert first.days_left(b.TODAY) == 38
