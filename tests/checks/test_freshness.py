"""数据新鲜度: how old what we know is."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import builders as b
import msgspec
import pytest

from checks.freshness import (
    Freshness,
    freshness,
    last_shared_on,
    ledger_freshness,
    shared_data_freshness,
    source_freshness,
)
from checks.kpi import Kpi
from inventory.coverage import CellResult, CellState, Coverage, SourceInfo
from inventory.inventory import Inventory
from inventory.records import SharingType
from inventory.settings import PolicyChoices


def seen(hours_ago: float | None, *broken: CellResult) -> Inventory:
    """The city, every cell of it finished so long before the scan's clock."""
    at = None if hours_ago is None else b.NIGHT - timedelta(hours=hours_ago)
    plain = b.coverage(*broken)
    cells = [msgspec.structs.replace(r, finished_at=at) for r in plain.results]
    return b.city(coverage=Coverage(plain.sources, cells))


def counts(kpi: Kpi) -> tuple[int, int, int]:
    return kpi.numerator, kpi.denominator, kpi.unknown


@pytest.mark.parametrize(("hours", "answer"), [(1, (3, 3, 0)), (48, (3, 3, 0)), (48.1, (0, 3, 0)), (None, (0, 3, 3))])
def test_sources_are_fresh_as_long_as_the_policy_trusts_them(hours: float | None, answer: tuple[int, int, int]) -> None:
    assert counts(source_freshness(seen(hours), b.policy())) == answer


@pytest.mark.parametrize("state", [CellState.PARTIAL, CellState.FAILED, CellState.SKIPPED])
def test_a_source_that_was_not_read_whole_is_not_fresh(state: CellState) -> None:
    assert counts(source_freshness(seen(1, b.cell(b.CLOUD, "host", state)), b.policy())) == (2, 3, 0)


def test_a_service_that_a_source_does_not_have_makes_it_no_older() -> None:
    assert counts(source_freshness(seen(1, b.cell(b.CLOUD, "storage", CellState.NOT_CONFIGURED)), b.policy())) == (
        3, 3, 0,
    )  # fmt: skip


def test_the_oldest_part_of_a_reading_is_its_age() -> None:
    city = seen(1)
    cells = list(city.coverage.results)
    cells[0] = msgspec.structs.replace(cells[0], finished_at=b.NIGHT - timedelta(hours=9))
    (age,) = [
        f
        for f in freshness(replace(city, coverage=Coverage(city.coverage.sources, cells)), {})
        if f.source == cells[0].cell.source
    ]

    assert age.last_complete_at == b.NIGHT - timedelta(hours=9)


def test_a_source_that_failed_tonight_is_as_old_as_its_last_whole_reading() -> None:
    """The store knows; without it nothing is said, rather than "now"."""
    city = seen(1, *(b.cell(b.SSH, k, CellState.FAILED) for k in b.KINDS[b.SSH]))
    before = {b.SSH: b.days_ago(3), b.CLOUD: b.days_ago(9)}

    with_store = {f.source: f.last_complete_at for f in freshness(city, before)}
    without = {f.source: f.last_complete_at for f in freshness(city, {})}

    assert (with_store[b.SSH], without[b.SSH]) == (b.days_ago(3), None)
    assert with_store[b.CLOUD] == b.NIGHT - timedelta(hours=1)


def test_each_source_is_told_by_its_name_kind_and_the_days_of_its_reading_and_of_its_file() -> None:
    written = b.days_ago(30)
    sources = [SourceInfo(name=b.CLOUD, type="openstack"), SourceInfo(name=b.REGISTER, type="ledger",
                                                                     modified_at=written)]  # fmt: skip
    cells = [msgspec.structs.replace(b.cell(b.CLOUD, "host"), finished_at=b.NIGHT)]

    assert freshness(b.inventory(coverage=Coverage(sources, cells)), {}) == (
        Freshness(source=b.REGISTER, type="ledger", last_complete_at=None, modified_at=written),
        Freshness(source=b.CLOUD, type="openstack", last_complete_at=b.NIGHT, modified_at=None),
    )


def ledgers(*modified: datetime | None) -> Inventory:
    sources = [SourceInfo(name=f"ledger:{n}", type="ledger", modified_at=at) for n, at in enumerate(modified)]
    return b.inventory(coverage=Coverage(sources, []))


def test_a_ledger_is_fresh_for_the_days_that_the_owner_chose() -> None:
    city = ledgers(b.days_ago(92), b.days_ago(93), None)

    assert counts(ledger_freshness(city, b.policy())) == (1, 3, 1)
    assert counts(ledger_freshness(city, b.policy(PolicyChoices(ledger_fresh_days=30)))) == (0, 3, 1)


def test_no_ledger_is_no_ratio() -> None:
    assert ledger_freshness(ledgers(), b.policy()).ratio is None


def shared(**given: Any) -> tuple[int, int, int]:
    return counts(shared_data_freshness(b.city(**given), b.policy()))


def test_mounted_entries_whose_data_was_used_lately_are_fresh() -> None:
    """The window is the policy's, 90 days."""
    old = b.use(period_start=date(2026, 1, 1), period_end=date(2026, 1, 31))

    assert shared() == (1, 1, 0)
    assert shared(sharing_uses=(old,)) == (0, 1, 1)
    assert shared(sharing_uses=(b.use(succeeded=0),)) == (0, 1, 0)
    assert shared(sharing_uses=()) == (0, 1, 0)


def test_a_log_that_was_not_read_leaves_it_open() -> None:
    broken = b.coverage(b.cell(b.REGISTER, "sharing_use", CellState.FAILED))

    assert shared(sharing_uses=(), coverage=broken) == (0, 1, 1)


def test_what_is_not_mounted_not_published_or_not_shared_is_not_asked() -> None:
    entries = (
        b.entry("1", resource_id=None),
        b.entry("2", published_on=None),
        b.entry("3", sharing_type=SharingType.NONE),
        b.entry("4", direction="consume"),
        b.entry("5", published_on=b.TODAY + timedelta(days=1)),
    )

    assert shared(sharing_entries=entries) == (0, 0, 0)


def test_an_entry_that_is_published_today_is_asked_already() -> None:
    assert shared(sharing_entries=(b.entry(published_on=b.TODAY),)) == (1, 1, 0)


def test_the_latest_proven_use_is_the_first_day_of_a_period_or_the_day_that_the_log_names() -> None:
    """A month of calls proves that one lies in it, and not on which day; what is to come proves nothing."""
    assert last_shared_on(b.city()) == date(2026, 10, 1)
    assert last_shared_on(b.city(sharing_uses=(b.use(), b.use(last_success_on=date(2026, 10, 30))))) == date(
        2026, 10, 30
    )
    assert last_shared_on(b.city(sharing_uses=(b.use(last_success_on=b.TODAY),))) == b.TODAY
    assert last_shared_on(b.city(sharing_uses=(b.use(last_success_on=b.TODAY + timedelta(days=1)),))) is None
    assert last_shared_on(b.city(sharing_uses=(b.use(succeeded=0),))) is None
    assert last_shared_on(b.city(sharing_uses=())) is None
