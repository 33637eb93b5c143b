"""整改完成率 and 平均整改天数, of ledgers and of our own findings."""

from datetime import date, datetime
from typing import Any

import builders as b
import pytest

from checks.rectification import finding_duration, finding_rectification, risk_duration, risk_rectification
from inventory.breaches import Breach
from inventory.inventory import Inventory
from inventory.records import MlpsAssessment
from inventory.text import tell


def risks(found: int | None, rectified: int | None, system: str | None = "S-1", **given: Any) -> MlpsAssessment:
    return b.assessment(**{"native_id": f"r {system} {given.get('reported_on')}", "system": system,
                           "major_risks": found, "major_risks_rectified": rectified, **given})  # fmt: skip


def city(*reports: MlpsAssessment) -> Inventory:
    return b.inventory(assessments=reports)


def measured(*reports: MlpsAssessment) -> tuple[int, int, int]:
    kpi = risk_rectification(city(*reports))
    return kpi.numerator, kpi.denominator, kpi.unknown


@pytest.mark.parametrize(
    ("found", "rectified", "answer"),
    [
        (10, 5, (5, 10, 0)),
        (10, 10, (10, 10, 0)),
        (10, 0, (0, 10, 0)),
        (10, None, (0, 10, 10)),
        (0, None, (0, 0, 0)),
        (None, None, (0, 1, 1)),
    ],
)
def test_risks_are_counted_and_what_is_not_said_is_unknown(
    found: int | None, rectified: int | None, answer: tuple[int, int, int]
) -> None:
    """`10(5个已整改)` is five of ten; a bare `10` says of none whether it is rectified."""
    assert measured(risks(found, rectified)) == answer


def test_only_the_newest_report_of_a_system_counts() -> None:
    """It has looked again at what the older one found."""
    older = risks(20, 1, reported_on=date(2025, 5, 1))

    assert measured(older, risks(3, 2, reported_on=date(2026, 5, 1))) == (2, 3, 0)


def test_a_report_without_a_day_is_older_than_any_that_has_one() -> None:
    assert measured(risks(20, 1, reported_on=None), risks(3, 2, reported_on=date(2026, 5, 1))) == (2, 3, 0)


def test_after_a_report_that_does_not_say_the_others_count_too() -> None:
    silent = risks(None, None, reported_on=date(2025, 5, 1))

    assert measured(silent, risks(3, 2, "S-2", reported_on=date(2026, 5, 1))) == (2, 4, 1)


def test_systems_and_the_platform_add_up() -> None:
    platform = risks(4, 1, None, is_platform=True)

    assert measured(risks(3, 2), risks(2, 2, "S-2"), platform) == (5, 9, 0)


def test_no_risks_at_all_are_no_ratio() -> None:
    assert risk_rectification(city(risks(0, None))).ratio is None
    assert risk_rectification(city()).ratio is None


def test_days_run_from_the_report_to_the_last_rectification() -> None:
    first = risks(2, 2, reported_on=date(2026, 5, 1), rectified_on=date(2026, 5, 31))
    second = risks(1, 1, "S-2", reported_on=date(2026, 5, 1), rectified_on=date(2026, 5, 1))

    told = risk_duration(city(first, second))

    assert (told.days, told.measured, told.unmeasured, told.average_days) == (30, 2, 0, 15.0)


@pytest.mark.parametrize(
    ("found", "rectified", "day", "unmeasured"),
    [
        (2, 1, date(2026, 6, 1), 0),
        (2, None, date(2026, 6, 1), 0),
        (2, 2, None, 1),
        (2, 2, date(2026, 4, 30), 1),
        (0, None, date(2026, 6, 1), 0),
    ],
    ids=["not all of them", "not said", "no day", "before the report", "none"],
)
def test_what_is_not_rectified_or_not_dated_is_not_in_the_average(
    found: int, rectified: int | None, day: date | None, unmeasured: int
) -> None:
    told = risk_duration(city(risks(found, rectified, reported_on=date(2026, 5, 1), rectified_on=day)))

    assert (told.measured, told.unmeasured, told.average_days) == (0, unmeasured, None)


def breach(key: str, opened: datetime, closed: datetime | None = None, *, is_open: bool = False) -> Breach:
    return Breach(key=key, opened_at=opened, closed_at=closed, is_open=is_open)


BREACHES = (
    breach("a", b.days_ago(20), b.days_ago(10)),
    breach("b", b.days_ago(20), b.days_ago(0)),
    breach("c", b.days_ago(5), is_open=True),
    breach("d", b.days_ago(5)),
)


def test_of_our_own_findings_those_seen_mended_count_and_those_not_seen_are_unknown() -> None:
    kpi = finding_rectification(BREACHES)

    assert (kpi.numerator, kpi.denominator, kpi.unknown) == (2, 4, 1)
    seen = finding_rectification(BREACHES[:3])
    assert (seen.numerator, seen.denominator, seen.unknown) == (2, 3, 0)
    assert tell(seen.title, "en") == "Violations found by scans that were later seen rectified"


def test_their_days_are_local_days() -> None:
    told = finding_duration(BREACHES)

    assert (told.days, told.measured, told.unmeasured, told.average_days) == (30, 2, 0, 15.0)


def test_without_a_history_there_is_no_number() -> None:
    assert finding_rectification(()).ratio is None
    assert finding_duration(()).average_days is None


def test_a_system_that_is_called_platform_is_not_the_cloud() -> None:
    """Nor is one whose code another report writes as a filing number."""
    named = risks(4, 1, "platform", reported_on=date(2026, 6, 1))
    cloud = b.platform_assessment(major_risks=2, major_risks_rectified=2)
    number = risks(3, 0, None, filing_number="platform", reported_on=date(2026, 5, 1))

    assert measured(named, cloud, number) == (3, 9, 0)
