"""The nights that a trial run is proved by come from the store, and only those."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import builders
import pytest

from commands.nights import history_of, nights_needed
from inventory.collection import Collection
from inventory.coverage import Cell, CellResult, CellState, SourceInfo
from inventory.history import DayState
from inventory.scan import ScanInfo, ScanOptions
from inventory.store import Store

BEGAN = date(2026, 10, 1)
PROJECT = builders.project("P-1", initial_acceptance_on=BEGAN, trial_start_on=BEGAN)
POLICY = builders.policy()


def save(store: Store, day: date, status: str | None, state: CellState = CellState.COMPLETE) -> None:
    """One night: the server with this status, or without it."""
    at = datetime(day.year, day.month, day.day, 18, tzinfo=UTC) - timedelta(days=1)  # 02:00 in Asia/Shanghai
    found = [] if status is None else [builders.sighting("web", status=status, observed_at=at)]
    taken = Collection(
        taken_at=at,
        sources=[SourceInfo(name=builders.CLOUD, type="openstack", is_platform=True)],
        records=list(found),
        cells=[
            CellResult(
                cell=Cell(builders.CLOUD, "*", kind), state=state, seen=len(found), started_at=at, finished_at=at
            )
            for kind in ("host", "workload")
        ],
    )
    info = ScanInfo(number=0, started_at=at, finished_at=at, as_of=at, tool="t", pack="p 1", digest="d", exit_code=0)
    store.save(info=info, options=ScanOptions(city="c"), taken=taken, findings=[])


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[int | None]:
    """The numbers of the scans that are read back."""
    numbers: list[int | None] = []
    load = Store.load

    def counted(store: Store, number: int | None = None) -> Any:
        numbers.append(number)
        return load(store, number)

    monkeypatch.setattr(Store, "load", counted)
    return numbers


def test_the_days_of_a_trial_run_are_read_back_and_no_others(tmp_path: Path, loaded: list[int | None]) -> None:
    with Store(tmp_path / "s.db") as store:
        save(store, BEGAN - timedelta(days=1), "ACTIVE")
        save(store, BEGAN, "ACTIVE")
        save(store, BEGAN + timedelta(days=1), "SHUTOFF")
        save(store, BEGAN + timedelta(days=2), None)
        save(store, BEGAN + timedelta(days=3), None, CellState.PARTIAL)
        save(store, BEGAN + timedelta(days=31), "ACTIVE")

        history = history_of(store, [PROJECT], POLICY, builders.NIGHT)

    assert loaded == [2, 3, 4, 5]
    (key,) = {k for night in history.nights for k in night.running | night.stopped}
    states = [history.state(key, BEGAN + timedelta(days=n)) for n in range(5)]
    assert states == [DayState.RUNNING, DayState.STOPPED, DayState.ABSENT, DayState.UNSEEN, DayState.UNSEEN]


@pytest.mark.parametrize(
    "fields",
    [
        {"initial_acceptance_on": None},
        {"trial_start_on": None},
        {"trial_start_on": date(2026, 11, 1), "initial_acceptance_on": date(2026, 11, 1)},
        {"trial_start_on": date(2026, 1, 1), "initial_acceptance_on": date(2026, 1, 1)},
    ],
)
def test_nothing_is_read_back_where_nothing_could_be_proved_by_it(
    tmp_path: Path, loaded: list[int | None], fields: dict[str, date | None]
) -> None:
    """No dates, a month that is not full, or one so long ago that no store need hold its nights."""
    with Store(tmp_path / "s.db") as store:
        save(store, BEGAN, "ACTIVE")

        history = history_of(store, [builders.with_fields(PROJECT, **fields)], POLICY, builders.NIGHT)

    assert loaded == []
    assert history.nights == ()


def test_the_nights_of_a_trial_run_are_needed_until_it_is_accepted() -> None:
    """However long ago it was: they are what proves it."""
    long_ago = date(2024, 1, 31)
    project = builders.project("P-1", initial_acceptance_on=long_ago, trial_start_on=date(2024, 1, 15))
    days = nights_needed([project], POLICY)

    assert (min(days), max(days), len(days)) == (long_ago, date(2024, 2, 29), 30)
    accepted = builders.with_fields(project, final_acceptance_on=date(2024, 6, 1))
    assert nights_needed([accepted], POLICY) == set()
    assert nights_needed([builders.with_fields(project, trial_start_on=None)], POLICY) == set()
