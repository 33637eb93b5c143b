"""整改完成率 and 平均整改天数, of ledgers and of our own findings."""

from datetime import UTC, date, datetime
from typing import Any

import builders as b
import pytest

from checks.rectification import Duration, finding_duration, finding_rectification, risk_duration, risk_rectification
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


def test_of_the_platform_the_newest_report_counts_whatever_certificate_it_names() -> None:
    older = risks(9, 0, None, is_platform=True, native_id="r 1", filing_number="42060012345-00001",
                  reported_on=date(2025, 5, 1))  # fmt: skip
    newer = risks(4, 1, "政务云", is_platform=True, native_id="r 2", reported_on=date(2026, 5, 1))

    assert measured(older, newer) == (1, 4, 0)


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


def test_after_a_report_that_is_not_measured_the_others_are() -> None:
    """Two that say no day and one that is not all rectified: told apart, and the last one measured all the same."""
    told = risk_duration(
        city(
            risks(2, 1, "S-1", reported_on=date(2026, 5, 1), rectified_on=date(2026, 5, 9)),
            risks(2, 2, "S-2", reported_on=date(2026, 5, 2)),
            risks(2, 2, "S-3", reported_on=date(2026, 5, 3)),
            risks(2, 2, "S-4", reported_on=date(2026, 5, 4), rectified_on=date(2026, 5, 10)),
        )
    )

    assert told == Duration(name="risk_rectification", days=6, measured=1, unmeasured=2)


def test_a_report_that_names_no_system_stands_for_its_certificate_or_else_for_itself() -> None:
    """Two of one certificate are an older and a newer one; two that name nothing are two objects."""
    one = risks(5, 1, None, native_id="r 1", filing_number="42060012345-00001", reported_on=date(2025, 5, 1))
    newer = risks(3, 2, None, native_id="r 2", filing_number="42060012345-00001", reported_on=date(2026, 5, 1))
    nameless = (risks(1, 1, None, native_id="r 3"), risks(1, 0, None, native_id="r 4"))

    assert measured(one, newer, *nameless) == (3, 5, 0)


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

    assert told == Duration(name="finding_rectification", days=30, measured=2, unmeasured=0)
    assert told.average_days == 15.0


def test_a_breach_mended_within_its_local_day_took_none_and_one_mended_past_midnight_took_one() -> None:
    """16:00 UTC is midnight in the city."""
    noon = datetime(2026, 11, 20, 4, tzinfo=UTC)
    before, after = noon.replace(hour=15, minute=59), noon.replace(hour=16)

    assert finding_duration([breach("a", noon, before)]).days == 0
    assert finding_duration([breach("a", noon, after)]).days == 1


def test_without_a_history_there_is_no_number() -> None:
    assert finding_rectification(()).ratio is None
    assert finding_duration(()).average_days is None


def test_a_system_that_is_called_platform_is_not_the_cloud() -> None:
    """Nor is one whose code another report writes as a filing number."""
    named = risks(4, 1, "platform", reported_on=date(2026, 6, 1))
    cloud = b.platform_assessment(major_risks=2, major_risks_rectified=2)
    number = risks(3, 0, None, filing_number="platform", reported_on=date(2026, 5, 1))

    assert measured(named, cloud, number) == (3, 9, 0)
