"""What the rules no longer ask for goes; what stays answers as before, and the log tells pruned from lost."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from effort import examples
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, select, text
from stored_nights import made

from inventory.collection import Collection, digest, encode_raw
from inventory.coverage import Cell, CellResult, CellState, Rejection, SourceInfo
from inventory.finding import Finding, Subject, Verdict
from inventory.lifecycle import LifeRules
from inventory.records import Record, Tenant
from inventory.retention import Fate, Keep, fates
from inventory.scan import ScanInfo, ScanOptions
from inventory.settings import Retention
from inventory.store import DamagedError, Store, StoreError
from inventory.store_engine import reading, writing
from inventory.store_schema import BODY, OBSERVATION, OPENED, SCAN, SECTIONS, TOMBSTONE
from inventory.text import msg

NOON = datetime(2026, 1, 5, 4, tzinfo=UTC)
LIFE = LifeRules(gone_scans=2, gone_hours=24)
CLOUD = "openstack:gov"
NAMES = ("t0", "t1", "t2", "t3")


@dataclass(frozen=True)
class Night:
    """What one scan sees: of each tenant its version, or None where it is not there."""

    hours: int
    versions: tuple[int | None, ...]
    verdicts: tuple[Verdict | None, ...]
    state: CellState
    city: str


VERDICTS = st.sampled_from([None, Verdict.FAIL, Verdict.PASS, Verdict.UNKNOWN, Verdict.ADVISORY])
NIGHTS = st.builds(
    Night,
    hours=st.sampled_from([0, 6, 24, 24, 48, 200]),
    versions=st.tuples(*[st.sampled_from([None, 0, 0, 1]) for _ in NAMES]),
    verdicts=st.tuples(*[VERDICTS for _ in NAMES]),
    state=st.sampled_from([CellState.COMPLETE, CellState.COMPLETE, CellState.PARTIAL]),
    city=st.sampled_from(["a", "b"]),
)
RULES = st.builds(
    Retention,
    daily_days=st.integers(1, 4),
    weekly_weeks=st.integers(0, 3),
    monthly_months=st.integers(0, 2),
)


def finding(name: str, verdict: Verdict) -> Finding:
    return Finding(
        check="16-deployment",
        articles=("16",),
        subject=Subject(kind="tenant", id=name, name=name),
        verdict=verdict,
        reason=msg("{why}", why=verdict.value),
        decided_by="clause",
        evidence=(f"{CLOUD}|tenant|{name}",),
    )


def save(store: Store, at: datetime, night: Night) -> ScanInfo:
    records: list[Record] = []
    raws = {}
    for name, version in zip(NAMES, night.versions, strict=True):
        if version is not None:
            document = encode_raw({"id": name, "version": version})
            raws[digest(document)] = document
            records.append(
                Tenant(source=CLOUD, native_id=name, observed_at=at, name=f"{name} {version}", raw=digest(document))
            )
    reason = None if night.state is CellState.COMPLETE else msg("the connection was reset")
    taken = Collection(
        taken_at=at,
        sources=[SourceInfo(name=CLOUD, type="openstack")],
        records=records,
        raws=raws,
        cells=[
            CellResult(
                cell=Cell(CLOUD, "*", "tenant"), state=night.state, seen=len(records), reason=reason, finished_at=at
            )
        ],
        rejections=[
            Rejection(source=CLOUD, file="f", sheet="s", row=len(records) + 1, column="c", value="v",
                      expected=msg("a date"))
        ],
    )  # fmt: skip
    info = ScanInfo(number=0, started_at=at, finished_at=at, as_of=at, tool="t", pack="p", digest="d", exit_code=0)
    findings = [finding(n, v) for n, v in zip(NAMES, night.verdicts, strict=True) if v is not None]
    return store.save(info=info, options=ScanOptions(city=night.city), taken=taken, findings=findings)


def fill(store: Store, nights: Sequence[Night]) -> None:
    at = NOON
    for night in nights:
        at += timedelta(hours=night.hours)
        save(store, at, night)


def steady(count: int, hours: int = 24, version: Callable[[int], int | None] = lambda _: 0) -> list[Night]:
    """Nights of which each is whole; the first tenant is as `version` says."""
    nights = []
    for n in range(count):
        verdict = Verdict.FAIL if n % 3 else Verdict.PASS
        nights.append(Night(hours, (version(n), 0, n % 2, None), (verdict, None, None, None), CellState.COMPLETE, "a"))
    return nights


def answers(store: Store, numbers: Sequence[int]) -> list[object]:
    """All that the store says of these scans: each as a whole, each against each, and what is absent since."""
    told: list[object] = []
    for number in numbers:
        kept = store.load(number)
        assert kept is not None
        told.append(msgspec.json.encode((kept.info, kept.options, kept.findings, sorted(kept.known.items()))))
        told.append([msgspec.json.encode(r) for r in kept.collection.sorted_records()])
        told.append((kept.collection.raws, kept.collection.cells, kept.collection.rejections, kept.collection.sources))
    for earlier in numbers:
        for later in numbers:
            told.append(msgspec.json.encode(store.differences(earlier, later)))
            told.append(store.unchanged_count(earlier, later))
    told.append(sorted(store.absent(LIFE)))
    probe = CellResult(cell=Cell(CLOUD, "*", "tenant"), state=CellState.COMPLETE, seen=0)
    told.append(store.with_held([probe]))
    return told


def rows(store: Store) -> dict[str, int]:
    with reading(store._engine) as connection:
        tables = [BODY, OBSERVATION, SCAN, *(s.table for s in SECTIONS)]
        return {t.name: connection.execute(select(func.count()).select_from(t)).scalar_one() for t in tables}


def going(decided: Sequence[Fate]) -> list[int]:
    return [fate.scan.number for fate in decided if fate.goes]


def history(store: Store) -> dict[str, list[tuple[object, ...]]]:
    """Of each tenant what its history says; a scan by its clock, for its number is not the same in another store."""
    return {
        name: [(c.as_of, c.event.value, c.field, c.before, c.after) for c in store.history(name, LIFE)]
        for name in NAMES
    }


@settings(max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    nights=st.lists(NIGHTS, min_size=2, max_size=14), rules=RULES, more=st.lists(NIGHTS, max_size=5), cited=st.data()
)
def test_the_scans_that_stay_answer_as_before(
    new_store: Callable[[], str], nights: list[Night], rules: Retention, more: list[Night], cited: st.DataObject
) -> None:
    """Random nights, random rules; then more nights and a second pruning, which finds what the first one left."""
    with Store(new_store()) as store:
        fill(store, nights)
        number = cited.draw(st.integers(1, len(nights)))
        store.cite(number, "P-1", at=NOON)
        expected = store.retention(rules, LIFE)
        kept = [fate.scan.number for fate in expected if not fate.goes]
        assert number in kept
        assert len(nights) in kept
        before = answers(store, kept)
        heads = store.heads()

        assert store.prune(rules, LIFE, at=NOON) == expected
        assert [info.number for info in store.scans()] == kept
        assert answers(store, kept) == before
        assert store.faults() == []
        assert store.heads()[: len(heads)] == heads
        assert sorted(store.pruned()) == going(expected)

        at = NOON + timedelta(hours=sum(n.hours for n in nights))
        for night in more:
            at += timedelta(hours=night.hours)
            save(store, at, night)
        kept = [fate.scan.number for fate in store.retention(rules, LIFE) if not fate.goes]
        before = answers(store, kept)
        store.prune(rules, LIFE, at=NOON)
        assert answers(store, kept) == before
        assert store.faults() == []
        assert going(store.prune(rules, LIFE, at=NOON)) == []


@settings(max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(nights=st.lists(NIGHTS, min_size=2, max_size=12), rules=RULES)
def test_a_history_tells_what_the_scans_that_stay_tell(
    new_store: Callable[[], str], nights: list[Night], rules: Retention
) -> None:
    """Its lines are those of a store that never held another scan, but that a first day stays as early as it was."""
    with Store(new_store()) as store, Store(new_store()) as other:
        fill(store, nights)
        store.prune(rules, LIFE, at=NOON)
        kept = {info.number for info in store.scans()}
        at = NOON
        for number, night in enumerate(nights, 1):
            at += timedelta(hours=night.hours)
            if number in kept:
                save(other, at, night)

        def lasting(lines: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
            return [line[1:] for line in lines if line[1] in ("changed", "reappeared")]

        told, wanted = history(store), history(other)
        for name in NAMES:
            assert lasting(told[name]) == lasting(wanted[name])
            assert all(line[0] for line in told[name]), "a line has no time"


def test_nights_thin_out_with_age(new_store: Callable[[], str]) -> None:
    """Each day of a week, a scan of each of four weeks, one of each month; rows and contents go with the others."""
    with Store(new_store()) as store:
        fill(store, steady(120, version=lambda n: n))
        before = rows(store)
        rules = Retention(daily_days=7, weekly_weeks=4, monthly_months=12)
        store.prune(rules, LIFE, at=NOON)
        after = rows(store)
        days = [(info.as_of - NOON).days for info in store.scans()]

        assert days[-7:] == list(range(114, 121))
        assert len(days) < 20
        assert after["scan"] == len(days)
        assert after["record_version"] < before["record_version"] / 4
        assert after["body"] < before["body"] / 4
        assert store.faults() == []


@pytest.mark.parametrize("keep", [Keep.BASELINE, Keep.CITED, Keep.TRIAL_RUN])
def test_what_somebody_relies_upon_is_never_pruned(new_store: Callable[[], str], keep: Keep) -> None:
    rules = Retention(daily_days=1, weekly_weeks=0, monthly_months=0)
    with Store(new_store()) as store:
        fill(store, steady(6))
        pinned = {3: [keep]} if keep is Keep.TRIAL_RUN else {}
        if keep is Keep.BASELINE:
            store.set_baseline("B", 3, at=NOON)
        if keep is Keep.CITED:
            store.cite(3, "P-1", at=NOON)
            store.cite(3, "P-1", at=NOON)

        decided = store.prune(rules, LIFE, pinned, at=NOON)

        assert going(decided) == [1, 2, 4, 5]
        assert decided[2].keeps == (keep,)
        assert len(store.heads()) == 6 + (keep is not Keep.TRIAL_RUN) + 1


def test_the_last_scan_that_saw_everything_is_never_pruned() -> None:
    def scan(number: int) -> ScanInfo:
        at = NOON + timedelta(days=number)
        return ScanInfo(
            number=number, started_at=at, finished_at=at, as_of=at, tool="t", pack="p", digest="d", exit_code=0
        )

    rules = Retention(daily_days=1, weekly_weeks=0, monthly_months=0)
    decided = fates([scan(n) for n in range(1, 6)], {}, {1, 2}, rules)

    assert [(f.scan.number, f.keeps) for f in decided if not f.goes] == [
        (2, (Keep.LAST_WHOLE,)),
        (5, (Keep.LAST, Keep.DAILY)),
    ]


def test_of_a_week_the_scan_stays_that_saw_everything() -> None:
    """A night that was cut short is poor evidence of its week."""
    nights = []
    for number in range(1, 30):
        at = NOON + timedelta(days=number)
        nights.append(
            ScanInfo(number=number, started_at=at, finished_at=at, as_of=at, tool="t", pack="p", digest="d",
                     exit_code=0)
        )  # fmt: skip
    decided = fates(nights, {}, {n for n in range(1, 30) if n % 7 == 3}, Retention(daily_days=1, weekly_weeks=3))

    assert [f.scan.number for f in decided if Keep.WEEKLY in f.keeps] == [10, 17, 24, 29]


def test_a_clock_that_leapt_empties_no_store(new_store: Callable[[], str]) -> None:
    """A battery that is empty, a year that was mistyped: the nights are years old all at once."""
    rules = Retention()
    leap = NOON + timedelta(days=365 * 70)
    with Store(new_store()) as store:
        fill(store, steady(5))
        for days in range(3):
            save(store, leap + timedelta(days=days), steady(1)[0])
            decided = store.prune(rules, LIFE, at=NOON)
            assert going(decided) == []
            assert all(Keep.LEAP in fate.keeps for fate in decided)
        save(store, leap + timedelta(days=3), steady(1)[0])

        assert going(store.prune(rules, LIFE, at=NOON)) == [1, 2, 3, 4, 5]


def leapt(*clocks: int) -> bool:
    """Whether nothing of the scans goes, whose clocks show so many days after noon."""
    scans = []
    for number, days in enumerate(clocks, 1):
        at = NOON + timedelta(days=days)
        scans.append(
            ScanInfo(number=number, started_at=at, finished_at=at, as_of=at, tool="t", pack="p", digest="d",
                     exit_code=0)
        )  # fmt: skip
    (said,) = {Keep.LEAP in fate.keeps for fate in fates(scans, {}, set(), Retention())}
    return said


def test_an_old_capture_between_ordinary_nights_is_no_leap() -> None:
    """Scanned again and again, the store would never be pruned."""
    nights = [n if n % 3 else -300 for n in range(1, 30)]
    assert not any(leapt(*nights[:n]) for n in range(6, 30))
    assert not leapt(*range(1, 9), -900, -300, 9)


def test_a_leap_is_one_until_a_few_scans_agree_whatever_lies_between_them() -> None:
    nights = list(range(1, 20))
    later = [900, 901, 902, 903]
    assert [leapt(*nights, *later[:n]) for n in range(1, 5)] == [True, True, True, False]
    assert leapt(*nights, 900, -300, -300, -300, 901)
    assert not leapt(*nights, 19 + 183)
    assert leapt(*nights, 19 + 184)


def test_a_leap_that_was_taken_back_hides_no_later_one() -> None:
    nights = list(range(1, 20))
    assert leapt(*nights, 9000)
    assert not leapt(*nights, 9000, 20)
    assert leapt(*nights, 9000, 20, 8000)


def test_a_finding_that_was_open_only_in_pruned_scans_is_reopened_and_not_new(new_store: Callable[[], str]) -> None:
    verdicts = [Verdict.FAIL, Verdict.FAIL, Verdict.PASS, Verdict.PASS, Verdict.PASS, Verdict.FAIL]
    nights = [Night(24, (0, 0, 0, 0), (v, None, None, None), CellState.COMPLETE, "a") for v in verdicts]
    rules = Retention(daily_days=2, weekly_weeks=0, monthly_months=0)
    with Store(new_store()) as store:
        fill(store, nights)
        (before,) = store.differences(5, 6)

        assert going(store.prune(rules, LIFE, at=NOON)) == [1, 2, 3, 4]
        assert store.differences(5, 6) == [before]
        assert before.what == "reopened"


def test_what_is_gone_stays_gone_when_the_scans_that_looked_for_it_go(new_store: Callable[[], str]) -> None:
    rules = Retention(daily_days=1, weekly_weeks=0, monthly_months=0)
    with Store(new_store()) as store:
        fill(store, steady(8, version=lambda n: 0 if n < 2 else None))
        before = [line for line in history(store)["t0"] if line[1] == "gone"]
        store.prune(rules, LIFE, at=NOON)

        assert [info.number for info in store.scans()] == [8]
        assert (f"{CLOUD}|tenant|t0", 2, "gone") in list(store.absent(LIFE))
        assert history(store)["t0"] == before
        assert len(before) == 1


def test_a_damaged_store_is_not_pruned(new_store: Callable[[], str]) -> None:
    """Counting anew what was changed would make it true."""
    with Store(new_store()) as store:
        fill(store, steady(5))
        with writing(store._engine) as connection:
            connection.execute(text("UPDATE finding_version SET verdict = 'pass' WHERE since_scan = 2"))
        before = rows(store)

        with pytest.raises(DamagedError, match="nothing was pruned"):
            store.prune(Retention(daily_days=1, weekly_weeks=0, monthly_months=0), LIFE, at=NOON)
        assert rows(store) == before


def _pruned(place: str) -> Store:
    return Store(made(place, _prune, "pruned"))


def _prune(place: str) -> None:
    with Store(place) as store:
        fill(store, steady(8, version=lambda n: 0 if n < 2 else None))
        store.prune(Retention(daily_days=2, weekly_weeks=0, monthly_months=0), LIFE, at=NOON)
        assert store.faults() == []


@pytest.mark.parametrize("table", [OPENED, TOMBSTONE], ids=lambda t: t.name)
def test_what_a_pruning_wrote_down_cannot_be_changed_unseen(new_store: Callable[[], str], table: object) -> None:
    assert table in (OPENED, TOMBSTONE)
    which = OPENED if table is OPENED else TOMBSTONE
    for column in which.columns:
        for change in ("changed", "taken away"):
            with _pruned(new_store()) as store:
                with writing(store._engine) as connection:
                    if change == "taken away":
                        connection.execute(delete(which))
                    else:
                        value = "other" if column.name == "key" else 77
                        connection.execute(which.update().values({column.name: value}))
                assert store.faults(), f"{which.name}.{column.name} {change}"


@pytest.mark.parametrize(
    "change", ["since_scan = 4 WHERE since_scan = 6", "until_scan = 7 WHERE until_scan = 5"], ids=["came", "went"]
)
def test_when_something_came_cannot_be_moved_among_pruned_scans(new_store: Callable[[], str], change: str) -> None:
    """No scan that is left would show it, and the resource's history would tell of another night."""
    with Store(new_store()) as store:
        fill(store, steady(8, version=lambda n: int(n >= 5)))
        store.cite(2, "P-1", at=NOON)
        store.prune(Retention(daily_days=1, weekly_weeks=0, monthly_months=0), LIFE, at=NOON)
        assert [info.number for info in store.scans()] == [2, 8]
        save(store, NOON + timedelta(days=10), steady(1)[0])
        assert store.faults() == []
        with writing(store._engine) as connection:
            assert connection.execute(text(f"UPDATE record_version SET {change}")).rowcount == 1  # noqa: S608 - ours

        assert [f.id for f in store.faults()] == ["rows were moved among scans that were pruned"]


def test_a_scan_that_is_lost_is_told_from_one_that_was_pruned(new_store: Callable[[], str]) -> None:
    with _pruned(new_store()) as store:
        with writing(store._engine) as connection:
            connection.execute(text("DELETE FROM scan WHERE number = 7"))

        assert [f.args.get("number") for f in store.faults() if "is gone" in f.id] == [7]


def test_a_pruned_scan_is_cited_no_more(new_store: Callable[[], str]) -> None:
    with _pruned(new_store()) as store:
        with pytest.raises(StoreError, match="holds no scan 1"):
            store.cite(1, "P-1", at=NOON)
        assert store.faults() == []


PRUNER = """
import sys
from datetime import UTC, datetime
from inventory.lifecycle import LifeRules
from inventory.settings import Retention
from inventory.store import Store, lock
with lock(sys.argv[1]) as held, Store(sys.argv[1], held=held) as store:
    print("ready", flush=True)
    rules = Retention(daily_days=2, weekly_weeks=0, monthly_months=0)
    store.prune(rules, LifeRules(gone_scans=2, gone_hours=24), at=datetime(2026, 1, 5, 4, tzinfo=UTC))
"""


@pytest.mark.thorough
@pytest.mark.timeout(120)
def test_a_pruning_may_be_killed_at_any_point(new_store: Callable[[], str]) -> None:
    """It has happened or it has not: what stays answers as before, and the next one can run."""
    place = new_store()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with Store(place) as store:
        fill(store, steady(40, version=lambda n: n))
        before = answers(store, [39, 40])
        for pause in (0.0, 0.02, 0.05, 0.08, 0.12, 0.2):
            process = subprocess.Popen([sys.executable, "-c", PRUNER, place], env=environment, stdout=subprocess.PIPE)
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            time.sleep(pause)
            process.send_signal(signal.SIGKILL)
            process.wait()
            process.stdout.close()
            assert len(store.scans()) in (2, 40)
            assert store.faults() == []
            assert answers(store, [39, 40]) == before
        # PostgreSQL may still be about to notice that the last one is dead.
        store.prune(Retention(daily_days=2, weekly_weeks=0, monthly_months=0), LIFE, at=NOON)
        assert len(store.scans()) == 2
        assert answers(store, [39, 40]) == before
