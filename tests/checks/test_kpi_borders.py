"""Indicators at the borders of the ordinance's days, and what each of them says that it counts."""

from datetime import date

import builders as b
import pytest
from verdicts import english

from checks.judge import judge
from checks.kpi import Kpi
from checks.kpis import kpis
from inventory.breaches import Breach
from inventory.coverage import DO_NOT_SCAN, CellState
from inventory.inventory import Inventory
from inventory.records import SharingType
from inventory.text import msg

TITLES = {
    "cloud_migration": "Systems on the government cloud",
    "cloud_migration_new": "New and rebuilt systems on the government cloud",
    "cloud_migration_legacy": "Systems already built that have moved to the government cloud",
    "host_ownership": "Hosts that belong to a registered project or system",
    "sharing": "Systems joined to the sharing platform (L3)",
    "effective_sharing": "Systems whose shared data is used (L5)",
    "catalogue_mounting": "Published catalogue entries with a mounted resource",
    "sharing_answers": "Applications for data that were answered in time",
    "mlps_filing": "Systems of level 2 and above with a valid filing",
    "mlps_assessment": "Systems of level 2 and above assessed in time",
    "mlps_compliance": "Systems of level 2 and above, filed and assessed with an acceptable conclusion",
    "crypto_assessment": "Systems of level 3 and above with a passed assessment of cryptography",
    "risk_rectification": "Major risks found by assessments that are rectified",
    "finding_rectification": "Violations found by scans that were later seen rectified",
    "standalone_servers": "Standalone servers that do not meet Art. 14",
    "source_freshness": "Sources read completely within the time that observations are trusted",
    "ledger_freshness": "Ledgers whose file was changed lately",
    "shared_data_freshness": "Mounted entries whose data was used lately",
}
"""In the order in which they are shown."""


def test_an_indicator_is_a_share_with_the_share_of_what_was_seen_beside_it() -> None:
    def kpi(**given: int) -> Kpi:
        return Kpi(**{"name": "x", "title": msg("x"), "numerator": 1, "denominator": 4, "unknown": 0, **given})  # type: ignore[arg-type]

    assert (kpi().ratio, kpi().coverage) == (0.25, None)
    assert kpi(complete_cells=3, planned_cells=4).coverage == 0.75
    assert kpi(numerator=0, denominator=0).ratio is None


def test_each_says_what_it_counts() -> None:
    told = [(k.name, english(k.title)) for k in kpis(b.city(), judge(b.city(), b.policy()), b.policy())]

    assert told == list(TITLES.items())


def test_freshness_rests_on_the_cells_of_the_sources_that_it_speaks_of_and_our_own_findings_on_all() -> None:
    """Ten kinds of the register, nine of the other sources; what the law forbids to look at nobody planned."""
    left_out = b.cell(b.SSH, "host", CellState.SKIPPED, DO_NOT_SCAN)
    city = b.city(coverage=b.coverage(
        left_out, b.cell(b.CLOUD, "port", CellState.PARTIAL), b.cell(b.CLOUD, "storage", CellState.NOT_CONFIGURED),
        b.cell(b.REGISTER, "ownership", CellState.FAILED),
    ))  # fmt: skip

    cells = {k.name: (k.complete_cells, k.planned_cells) for k in kpis(city, (), b.policy())}

    assert cells["ledger_freshness"] == (9, 10)
    assert cells["source_freshness"] == (6, 7)
    assert cells["finding_rectification"] == (15, 17)
    assert cells["host_ownership"] == (6, 7)


def test_breaches_of_the_history_are_counted_among_the_indicators() -> None:
    mended = Breach(key="a", opened_at=b.days_ago(9), closed_at=b.days_ago(2), is_open=False)

    (kpi,) = (k for k in kpis(b.city(), (), b.policy(), [mended]) if k.name == "finding_rectification")

    assert (kpi.numerator, kpi.denominator, kpi.unknown) == (1, 1, 0)


def asked(applied: date, approved: date | None = None, kind: SharingType = SharingType.CONDITIONAL) -> Inventory:
    entry = b.entry(direction="consume", sharing_type=kind, applied_on=applied, approved_on=approved)
    return b.city(sharing_entries=(entry,), sharing_uses=())


def answers(inventory: Inventory) -> tuple[int, int, int]:
    (found,) = (k for k in kpis(inventory, (), b.policy()) if k.name == "sharing_answers")
    return found.numerator, found.denominator, found.unknown


IN_TIME, LATE, RUNNING, OPEN = (1, 1, 0), (0, 1, 0), (0, 0, 0), (0, 1, 1)


@pytest.mark.parametrize(
    ("applied", "approved", "expected"),
    [
        (date(2026, 11, 9), None, RUNNING),  # the tenth working day is today
        (date(2026, 11, 6), None, LATE),  # it was last Friday
        (date(2026, 10, 9), date(2026, 10, 22), IN_TIME),  # worked on Saturday the 10th too: the tenth day
        (date(2026, 10, 9), date(2026, 10, 23), LATE),
        (date(2026, 11, 24), None, RUNNING),  # not made yet
    ],
)
def test_a_conditional_application_is_answered_within_ten_working_days(
    applied: date, approved: date | None, expected: tuple[int, int, int]
) -> None:
    """政务数据共享条例 Art. 21."""
    assert answers(asked(applied, approved)) == expected


@pytest.mark.parametrize(("approved", "expected"), [(date(2026, 11, 17), IN_TIME), (date(2026, 11, 18), LATE)])
def test_an_unconditional_one_within_one(approved: date, expected: tuple[int, int, int]) -> None:
    assert answers(asked(date(2026, 11, 16), approved, SharingType.UNCONDITIONAL)) == expected


APPLIED = date(2026, 12, 23)
"""Ten working days lead into 2027, whose days off nobody knows yet: not before 2027-01-02, not after 2027-02-21."""


@pytest.mark.parametrize(
    ("approved", "expected"),
    [
        (date(2027, 1, 2), IN_TIME),
        (date(2027, 1, 3), OPEN),
        (date(2027, 2, 21), OPEN),
        (date(2027, 2, 22), LATE),
    ],
)
def test_in_a_year_that_nobody_knows_it_is_open_between_the_borders(
    approved: date, expected: tuple[int, int, int]
) -> None:
    late = b.NIGHT.replace(year=2027, month=3, day=1)

    assert answers(b.inventory(as_of=late, sharing_entries=asked(APPLIED, approved).sharing_entries)) == expected


@pytest.mark.parametrize(("day", "expected"), [(20, OPEN), (21, LATE)])
def test_an_answer_that_is_not_there_is_late_only_past_the_last_border(
    day: int, expected: tuple[int, int, int]
) -> None:
    """18:00 UTC of the 20th is the 21st in the city."""
    then = b.NIGHT.replace(year=2027, month=2, day=day)

    assert answers(b.inventory(as_of=then, sharing_entries=asked(APPLIED).sharing_entries)) == expected
