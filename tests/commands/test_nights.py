"""The nights that a trial run is proved by come from the store, and only those."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import builders
import pytest
from verdicts import english, finding_on

from checks.trial_run import CHECK, observed
from commands.nights import ACCEPTED_NIGHTS, Watched, history_of, nights_needed
from inventory.collection import Collection
from inventory.coverage import Cell, CellResult, CellState, SourceInfo
from inventory.history import DayState, days_between
from inventory.inventory import Inventory, law_date
from inventory.records import Project
from inventory.retention import Keep
from inventory.scan import ScanInfo, ScanOptions
from inventory.settings import Retention
from inventory.store import Store

BEGAN = date(2026, 10, 1)
PROJECT = builders.project("P-1", initial_acceptance_on=BEGAN, trial_start_on=BEGAN)
POLICY = builders.policy()


def tonight(*projects: Project) -> Inventory:
    """What the register says tonight, and nothing else."""
    return builders.inventory(projects=projects)


def save(
    store: Store, day: date, status: str | None, state: CellState = CellState.COMPLETE, *, register: str | None = None
) -> None:
    """One night: the server with this status, or without it; `register`: and the system that it belongs to."""
    at = datetime(day.year, day.month, day.day, 18, tzinfo=UTC) - timedelta(days=1)  # 02:00 in Asia/Shanghai
    found = [] if status is None else [builders.sighting("web", status=status, observed_at=at)]
    taken = Collection(
        taken_at=at,
        sources=[SourceInfo(name=builders.CLOUD, type="openstack", is_platform=True)],
        records=[*found, *([builders.system(register, hosts=("web",), observed_at=at)] if register else [])],
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

        history = history_of(store, tonight(PROJECT), POLICY)

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
        {"trial_end_on": date(2026, 10, 20)},
        {"final_acceptance_on": date(2026, 10, 20)},
    ],
)
def test_nothing_is_read_back_where_nothing_could_be_proved_by_it(
    tmp_path: Path, loaded: list[int | None], fields: dict[str, date | None]
) -> None:
    """No dates, a month that is not full, one of which no night is kept, or one that was broken off."""
    with Store(tmp_path / "s.db") as store:
        save(store, BEGAN, "ACTIVE")

        history = history_of(store, tonight(builders.with_fields(PROJECT, **fields)), POLICY)

    assert loaded == []
    assert history.nights == ()


def test_a_trial_run_of_long_ago_is_proved_by_the_nights_that_are_kept(
    tmp_path: Path, loaded: list[int | None]
) -> None:
    """Its month ended more than a year ago; a pruning has left its nights, and little else."""
    began = date(2025, 9, 10)
    project = builders.project("P-1", initial_acceptance_on=began, trial_start_on=began)
    month = list(days_between(began, date(2025, 10, 9)))
    with Store(tmp_path / "s.db") as store:
        for day in (began - timedelta(days=1), *month, *days_between(date(2025, 10, 10), date(2025, 10, 30))):
            save(store, day, "ACTIVE")
        for day in days_between(date(2026, 11, 17), date(2026, 11, 20)):
            save(store, day, "ACTIVE")
        needed = nights_needed([project], POLICY, builders.TODAY)
        pinned = {s.number: (Keep.TRIAL_RUN,) for s in store.scans() if law_date(s.as_of) in needed}
        store.prune(Retention(daily_days=1, weekly_weeks=0, monthly_months=0), pinned=pinned, at=builders.NIGHT)
        assert len(store.scans()) < 40

        history = history_of(store, tonight(project), POLICY)
        accepted = builders.with_fields(project, final_acceptance_on=date(2025, 12, 1))
        assert history_of(store, tonight(accepted), POLICY) == history

    assert loaded == [*range(2, 32), *range(2, 32)]
    (key,) = {k for night in history.nights for k in night.running}
    seen = observed(history, [key], month[0], month[-1])
    assert (len(seen.running), seen.down, seen.unseen) == (30, (), ())
    city = builders.city(projects=(project,), hosts=(builders.host(id=key.removeprefix("host/")),), history=history)
    finding = finding_on(CHECK, city, "project/P-1")
    assert "30 of 30 day(s) covered by scans, out of 30" in english(finding.reason)
    assert finding.verdict.value == "pass"


def test_of_trial_runs_that_are_accepted_the_newest_are_read(tmp_path: Path, loaded: list[int | None]) -> None:
    """Each night costs a whole city to read: those that are to be decided all, of the others so many."""
    starts = [date(2026, month, 1) for month in (1, 3, 5, 7, 9)]
    projects = [
        builders.project(
            f"P-{n}", initial_acceptance_on=start, trial_start_on=start,
            final_acceptance_on=None if n == 0 else date(2026, 11, 1),
        )
        for n, start in enumerate(starts)
    ]  # fmt: skip
    with Store(tmp_path / "s.db") as store:
        for start in starts:
            for day in range(31):
                save(store, start + timedelta(days=day), "ACTIVE")

        history_of(store, tonight(*projects), POLICY)

    read = Counter(starts[(number - 1) // 31].month for number in loaded if number)
    assert read == {1: 31, 5: 31, 7: 31, 9: 30}
    assert read[5] + read[7] + read[9] <= ACCEPTED_NIGHTS


def test_nights_hold_in_memory_only_what_is_asked_about(tmp_path: Path) -> None:
    with Store(tmp_path / "s.db") as store:
        save(store, BEGAN, "ACTIVE")
        (all_of_it,) = history_of(store, tonight(PROJECT), POLICY).nights
        (nothing,) = history_of(store, tonight(PROJECT), POLICY, watched=Watched(keys=frozenset({"host/other"}))).nights
        (same,) = history_of(store, tonight(PROJECT), POLICY, watched=Watched(keys=all_of_it.running)).nights

    assert (len(all_of_it.running), nothing.running, same) == (1, frozenset(), all_of_it)


def test_the_nights_of_a_trial_run_are_needed_until_it_is_accepted_and_concluded() -> None:
    """However long ago it was: they are what proves it. A day of acceptance that is to come is a plan."""
    long_ago = date(2024, 1, 31)
    project = builders.project("P-1", initial_acceptance_on=long_ago, trial_start_on=date(2024, 1, 15))
    days = nights_needed([project], POLICY, builders.TODAY, ("P-1",))

    assert (min(days), max(days), len(days)) == (long_ago, date(2024, 2, 29), 30)
    accepted = builders.with_fields(project, final_acceptance_on=builders.TODAY)
    planned = builders.with_fields(project, final_acceptance_on=builders.TODAY + timedelta(days=1))
    assert nights_needed([accepted], POLICY, builders.TODAY, ("P-1",)) == set()
    assert nights_needed([accepted], POLICY, builders.TODAY) == days
    assert nights_needed([planned], POLICY, builders.TODAY, ("P-1",)) == days
    assert nights_needed([builders.with_fields(project, trial_start_on=None)], POLICY, builders.TODAY) == set()


def test_a_night_knows_what_the_systems_ran_on(tmp_path: Path) -> None:
    """Also what has been taken away since: it is asked about from the first night on that knew it."""
    with Store(tmp_path / "s.db") as store:
        save(store, BEGAN, "ACTIVE", register="S-1")
        save(store, BEGAN + timedelta(days=1), "SHUTOFF")

        history = history_of(store, tonight(PROJECT), POLICY, watched=Watched(systems=frozenset({"S-1"})))

    (key,) = history.components(["S-1"], BEGAN, BEGAN + timedelta(days=1))
    assert history.state(key, BEGAN) is DayState.RUNNING
    assert history.state(key, BEGAN + timedelta(days=1)) is DayState.STOPPED
    assert history.components(["S-2"], BEGAN, BEGAN) == frozenset()


@pytest.mark.parametrize("order", [1, -1])
def test_what_a_night_saw_is_kept_whoever_it_was_until_all_nights_have_said_what_is_asked(
    tmp_path: Path, order: int
) -> None:
    """Once the nights before the first that knew a machine as the system's told that it was not there."""
    turns = [("S-2", "ACTIVE"), (None, "SHUTOFF"), ("S-1", "ACTIVE"), ("S-3", None)][::order]
    with Store(tmp_path / "s.db") as store:
        for number, (system, status) in enumerate(turns):
            save(store, BEGAN + timedelta(days=number), status, register=system)
        whole = history_of(store, tonight(PROJECT), POLICY)
        told = history_of(store, tonight(PROJECT), POLICY, watched=Watched(systems=frozenset({"S-1"})))

    days = [BEGAN + timedelta(days=n) for n in range(len(turns))]
    (key,) = told.components(["S-1"], days[0], days[-1])
    assert [told.state(key, d) for d in days] == [whole.state(key, d) for d in days]
    assert [told.was_another_s(key, ["S-1"], d) for d in days] == [whole.was_another_s(key, ["S-1"], d) for d in days]
    seen = observed(told, [key], days[0], days[-1], codes=["S-1"])
    states = dict(zip((s for s, _ in turns), days, strict=True))
    assert (seen.running, seen.down, seen.unseen) == (
        (states["S-1"],), tuple(sorted([states[None], states["S-3"]])), (states["S-2"],),
    )  # fmt: skip
