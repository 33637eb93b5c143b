"""What a trial run was found to be outlasts its nights: they are kept until it is concluded, then that is cited."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import builders
import pytest
from command import Yunhe
from verdicts import english

from checks.trial_run import CHECK
from commands.prune import trial_runs
from commands.scan import judge_and_keep
from inventory.collection import Collection
from inventory.coverage import Cell, CellResult, CellState, SourceInfo
from inventory.finding import Finding
from inventory.history import days_between
from inventory.lifecycle import DEFAULT_RULES
from inventory.records import Project
from inventory.retention import Fate, Keep
from inventory.scan import ScanOptions
from inventory.settings import PolicyChoices, Retention
from inventory.store import Store

BEGAN = date(2026, 9, 1)
FULL = date(2026, 10, 1)
LAST_OF_MONTH = date(2026, 9, 30)
ACCEPTED = date(2026, 10, 20)
ON_TRIAL = builders.project("P-1", initial_acceptance_on=BEGAN, trial_start_on=BEGAN)
DONE = builders.with_fields(ON_TRIAL, final_acceptance_on=ACCEPTED)
LITTLE = Retention(daily_days=1, weekly_weeks=0, monthly_months=0)
KINDS = ("host", "workload", "tenant", "ownership", "segment")
REGISTERED = ("project", "system")


def night(
    store: Store, day: date, project: Project | None, status: str = "ACTIVE", *,
    register: CellState | None = CellState.COMPLETE, hour: int = 18, seen_days_ago: int = 0, second: bool = False,
    **choices: Any,
) -> Finding | None:  # fmt: skip
    """One night as `yunhe scan` judges and keeps it, and what it finds of the trial run.

    `project`: its row, None where that was rejected; `register`: of projects, None where nobody asked for one;
    `second`: the register has S-2 too, on a machine that is always stopped.
    """
    at = datetime(day.year, day.month, day.day, hour, tzinfo=UTC) - timedelta(days=1)  # 02:00 in Asia/Shanghai
    seen = at - timedelta(days=seen_days_ago)
    rows = [builders.system(hosts=("web",), observed_at=seen)]
    rows += [builders.system("S-2", hosts=("db",), observed_at=seen)] if second else []
    projects = [] if project is None else [builders.with_fields(project, observed_at=seen)]
    is_read = register in (CellState.COMPLETE, CellState.PARTIAL)
    records = [
        builders.sighting("web", status=status, observed_at=at),
        builders.sighting("db", status="SHUTOFF", observed_at=at),
    ]
    taken = Collection(
        taken_at=at,
        sources=[
            SourceInfo(name=builders.CLOUD, type="openstack", is_platform=True),
            SourceInfo(name=builders.REGISTER, type="ledger"),
        ],
        records=[*records, *(projects + rows if is_read else [])],
        cells=[
            CellResult(
                cell=Cell(source, "*", kind), state=register if kind == "project" and register else CellState.COMPLETE,
                seen=1, started_at=when, finished_at=when,
            )
            for kinds, source, when in (
                (KINDS, builders.CLOUD, at), (REGISTERED if register else (), builders.REGISTER, seen)
            )
            for kind in kinds
        ],
    )  # fmt: skip
    options = ScanOptions(city="c", policy=PolicyChoices(**choices))
    result = judge_and_keep(taken, options, store, started=at, as_of=at)
    code = "P-1" if project is None else project.native_id
    return next((f for f in result.findings if f.key == f"{CHECK.id}@project/{code}"), None)


def month(store: Store, project: Project = ON_TRIAL, *, down: date | None = None) -> None:
    for day in days_between(BEGAN, LAST_OF_MONTH):
        night(store, day, project, "SHUTOFF" if day == down else "ACTIVE")


def pruned(store: Store) -> list[Fate]:
    """What `yunhe store prune` leaves."""
    pins = trial_runs(store, DEFAULT_RULES)
    return [f for f in store.prune(LITTLE, DEFAULT_RULES, pins, at=builders.NIGHT) if not f.goes]


def told(finding: Finding | None) -> tuple[str, str]:
    assert finding is not None
    return finding.verdict.value, english(finding.reason)


@pytest.mark.parametrize(("down", "verdict"), [(None, "pass"), (date(2026, 9, 10), "advisory")])
def test_what_was_concluded_of_an_accepted_trial_run_is_cited_once_its_nights_are_gone(
    new_store: Callable[[], str], down: date | None, verdict: str
) -> None:
    """Once the verdict of the acceptance turned unknown with the first pruning after it."""
    with Store(new_store()) as store:
        month(store, down=down)
        by_nights = night(store, ACCEPTED, DONE)
        assert told(by_nights)[0] == verdict
        assert [f.scan.number for f in pruned(store)] == [31]

        first = night(store, date(2026, 11, 1), DONE)
        again = night(store, date(2026, 11, 2), DONE)

        assert told(first) == (
            verdict, f"{told(by_nights)[1]}; so concluded scan 31 of 2026-10-20, not all of whose nights are kept",
        )  # fmt: skip
        assert again == first
        assert by_nights is not None
        assert first is not None
        assert first.remedy == by_nights.remedy
        assert [(f.scan.number, f.keeps) for f in pruned(store)] == [
            (31, (Keep.CONCLUDED,)),
            (33, (Keep.LAST, Keep.LAST_WHOLE, Keep.DAILY)),
        ]
        assert night(store, date(2026, 11, 3), DONE) == first
        assert store.faults() == []


def test_a_second_scan_of_a_day_is_a_night_too(new_store: Callable[[], str]) -> None:
    """It saw the server stopped; the rules keep one scan of a day, and would keep the other one."""
    with Store(new_store()) as store:
        month(store)
        night(store, date(2026, 9, 10), ON_TRIAL, "SHUTOFF", hour=15)
        by_nights = night(store, ACCEPTED, DONE)
        pins = dict.fromkeys((s.number for s in store.scans() if s.number != 31), (Keep.BASELINE,))
        store.prune(LITTLE, DEFAULT_RULES, {**pins, 32: (Keep.LAST,)}, at=builders.NIGHT)

        assert told(by_nights)[0] == told(night(store, date(2026, 11, 1), DONE))[0] == "advisory"


def test_a_trial_run_of_which_nothing_is_concluded_keeps_its_nights(new_store: Callable[[], str]) -> None:
    """Accepted on the day of the first scan that says so; one night is missing, and its report may turn up."""
    with Store(new_store()) as store:
        for day in days_between(BEGAN, LAST_OF_MONTH):
            if day.day != 10:
                night(store, day, ON_TRIAL)
        assert told(night(store, ACCEPTED, DONE))[0] == "unknown"

        kept = pruned(store)

        assert [f.scan.number for f in kept if Keep.TRIAL_RUN in f.keeps] == list(range(1, 30))
        assert told(night(store, date(2026, 11, 1), DONE, trial_gap_days=1))[0] == "pass"


def test_a_day_of_acceptance_that_is_to_come_lets_no_night_go(new_store: Callable[[], str]) -> None:
    with Store(new_store()) as store:
        month(store)
        night(store, date(2026, 10, 5), DONE)

        assert len(pruned(store)) == 31


def test_a_night_that_could_not_read_the_register_lets_none_go(new_store: Callable[[], str]) -> None:
    """A ledger that was locked that night names no project on trial: nobody may take that for none."""
    with Store(new_store()) as store:
        month(store)
        night(store, date(2026, 10, 2), ON_TRIAL, register=CellState.FAILED)

        assert len(pruned(store)) == 31
        assert told(night(store, date(2026, 10, 3), ON_TRIAL))[0] == "pass"


@pytest.mark.parametrize("seen_days_ago", [0, 5], ids=["the register could not be read", "the register is stale"])
def test_a_night_that_says_nothing_of_the_trial_run_does_not_break_the_citation(
    new_store: Callable[[], str], seen_days_ago: int
) -> None:
    with Store(new_store()) as store:
        month(store)
        night(store, ACCEPTED, DONE)
        pruned(store)
        first = night(store, date(2026, 11, 1), DONE)
        register = CellState.COMPLETE if seen_days_ago else CellState.FAILED
        between = night(store, date(2026, 11, 2), DONE, register=register, seen_days_ago=seen_days_ago)
        assert between is None or between.verdict == "unknown"
        pruned(store)

        assert night(store, date(2026, 11, 3), DONE) == first


@pytest.mark.parametrize(
    ("project", "choices"),
    [
        (builders.with_fields(DONE, trial_start_on=BEGAN + timedelta(days=1)), {"trial_gap_days": 1}),
        (builders.with_fields(DONE, initial_acceptance_on=BEGAN - timedelta(days=1)), {"trial_gap_days": 1}),
        (DONE, {"trial_gap_days": 0}),
    ],
    ids=["another beginning", "another initial acceptance", "fewer days may be missing"],
)
def test_of_other_days_or_by_a_stricter_rule_nothing_was_concluded(
    new_store: Callable[[], str], project: Project, choices: dict[str, Any]
) -> None:
    with Store(new_store()) as store:
        for day in days_between(BEGAN, LAST_OF_MONTH):
            if day.day != 10:
                night(store, day, ON_TRIAL)
        assert told(night(store, ACCEPTED, DONE, trial_gap_days=1))[0] == "pass"
        pruned(store)
        assert told(night(store, date(2026, 11, 1), DONE, trial_gap_days=1))[0] == "pass"

        assert told(night(store, date(2026, 11, 2), project, **choices))[0] == "unknown"


def test_a_later_word_by_all_nights_outranks_an_earlier_one(new_store: Callable[[], str]) -> None:
    """With another rule the nights proved less: what they say last is what counts, and they stay."""
    with Store(new_store()) as store:
        for day in days_between(BEGAN, LAST_OF_MONTH):
            if day.day != 10:
                night(store, day, ON_TRIAL)
        assert told(night(store, ACCEPTED, DONE, trial_gap_days=1))[0] == "pass"
        assert told(night(store, date(2026, 10, 21), DONE))[0] == "unknown"

        assert len([f for f in pruned(store) if Keep.TRIAL_RUN in f.keeps]) == 29


def test_while_all_nights_are_there_they_are_asked_and_nothing_is_cited(new_store: Callable[[], str]) -> None:
    with Store(new_store()) as store:
        month(store)
        first, second = night(store, ACCEPTED, DONE), night(store, ACCEPTED + timedelta(days=1), DONE)

        assert first == second
        assert "so concluded" not in told(second)[1]


def test_a_system_that_joined_later_is_not_covered_by_what_was_concluded_before(new_store: Callable[[], str]) -> None:
    """It was stopped all month. Once the pass of the other one was cited for both."""
    both = builders.with_fields(DONE, systems=("S-1", "S-2"))
    with Store(new_store()) as store:
        month(store)
        alone = night(store, ACCEPTED, DONE)
        pruned(store)

        joined = night(store, date(2026, 11, 1), both, second=True)

        assert told(alone)[0] == "pass"
        assert told(joined)[0] == "unknown"
        assert joined is not None
        assert builders.system("S-2").key in joined.evidence

        # A slip, which is mended the day after: what was concluded is not lost by a pruning between the two.
        assert [f.scan.number for f in pruned(store) if Keep.CONCLUDED in f.keeps] == [31]
        again = night(store, date(2026, 11, 2), DONE, second=True)
        assert told(again) == (
            "pass", f"{told(alone)[1]}; so concluded scan 31 of 2026-10-20, not all of whose nights are kept",
        )  # fmt: skip
        assert alone is not None
        assert again is not None
        assert again.evidence == alone.evidence


def test_the_nights_of_a_system_that_joined_after_the_conclusion_stay(new_store: Callable[[], str]) -> None:
    both = builders.with_fields(DONE, systems=("S-1", "S-2"))
    with Store(new_store()) as store:
        for day in days_between(BEGAN, LAST_OF_MONTH):
            if day.day != 10:
                night(store, day, ON_TRIAL)
        assert told(night(store, ACCEPTED, DONE, trial_gap_days=1))[0] == "pass"
        assert told(night(store, ACCEPTED + timedelta(days=1), both, second=True))[0] == "unknown"

        assert len([f for f in pruned(store) if Keep.TRIAL_RUN in f.keeps]) == 29


def test_a_night_that_lost_the_system_s_row_does_not_bring_back_what_was_concluded_without_it(
    new_store: Callable[[], str],
) -> None:
    """The row was rejected: that the project has no such system any more, nobody said."""
    both = builders.with_fields(DONE, systems=("S-1", "S-2"))
    with Store(new_store()) as store:
        month(store)
        assert told(night(store, ACCEPTED, DONE))[0] == "pass"
        pruned(store)
        assert told(night(store, date(2026, 11, 1), both, second=True))[0] == "unknown"

        assert told(night(store, date(2026, 11, 2), both, register=CellState.PARTIAL))[0] == "unknown"


def test_a_scan_without_any_register_lets_no_night_go(new_store: Callable[[], str]) -> None:
    """The ledger was taken out of the configuration, or the capture has none: no cell speaks of projects at all."""
    with Store(new_store()) as store:
        month(store)
        night(store, date(2026, 10, 2), ON_TRIAL, register=None)

        assert len(pruned(store)) == 31
        assert told(night(store, date(2026, 10, 3), ON_TRIAL))[0] == "pass"


def test_a_row_that_is_rejected_lets_no_night_go(new_store: Callable[[], str]) -> None:
    """Some other row always is, so that no scan ever read the register whole."""
    with Store(new_store()) as store:
        for day in days_between(BEGAN, LAST_OF_MONTH):
            night(store, day, ON_TRIAL, register=CellState.PARTIAL)
        night(store, date(2026, 10, 2), None, register=CellState.PARTIAL)

        assert len(pruned(store)) == 31
        assert told(night(store, date(2026, 10, 3), ON_TRIAL, register=CellState.PARTIAL))[0] == "pass"


def test_a_row_that_came_after_the_register_was_read_whole_for_the_last_time_counts(
    new_store: Callable[[], str],
) -> None:
    with Store(new_store()) as store:
        night(store, BEGAN - timedelta(days=1), None)
        for day in days_between(BEGAN, LAST_OF_MONTH):
            night(store, day, ON_TRIAL, register=CellState.PARTIAL)
        night(store, date(2026, 10, 2), None, register=CellState.FAILED)

        assert len([f for f in pruned(store) if Keep.TRIAL_RUN in f.keeps]) == 30


def test_where_the_row_is_missing_what_was_concluded_stays(new_store: Callable[[], str]) -> None:
    with Store(new_store()) as store:
        month(store)
        night(store, ACCEPTED, DONE)
        night(store, ACCEPTED + timedelta(days=1), DONE)
        night(store, ACCEPTED + timedelta(days=2), None, register=None)

        assert [f.scan.number for f in pruned(store) if Keep.CONCLUDED in f.keeps] == [32]
        assert told(night(store, date(2026, 11, 1), DONE))[0] == "pass"


def test_a_project_that_whole_registers_lack_often_enough_lets_its_nights_go(new_store: Callable[[], str]) -> None:
    with Store(new_store()) as store:
        month(store)
        for number in range(1, 4):
            assert len([f for f in pruned(store) if Keep.TRIAL_RUN in f.keeps]) == 30
            night(store, FULL + timedelta(days=number), None)

        assert [f for f in pruned(store) if Keep.TRIAL_RUN in f.keeps] == []


@pytest.mark.parametrize("code", ["P-\x01\u200b", "P-" + "长" * 600], ids=["control characters", "long"])
def test_a_code_that_the_store_keeps_otherwise_finds_what_was_concluded(
    new_store: Callable[[], str], code: str
) -> None:
    running, done = (builders.with_fields(project, native_id=code) for project in (ON_TRIAL, DONE))
    with Store(new_store()) as store:
        month(store, running)
        assert told(night(store, ACCEPTED, done))[0] == "pass"
        assert len(pruned(store)) == 1

        assert "so concluded scan 31" in told(night(store, date(2026, 11, 1), done))[1]


def test_another_pack_judges_a_kept_scan_by_the_same_nights(yunhe: Yunhe, tmp_path: Path) -> None:
    """`yunhe policy test` judged without any: each trial run that was proved would have been told as different."""
    config = tmp_path / "yunhe.toml"
    config.write_text('version = 1\n[city]\nname = "c"\n', encoding="utf-8")
    with Store(tmp_path / "yunhe.db") as store:
        month(store)
        assert told(night(store, ACCEPTED, DONE))[0] == "pass"

    ran = yunhe("policy", "test", "laohekou-2024", "-c", config, "--format", "json")

    assert json.loads(ran.out) == []
