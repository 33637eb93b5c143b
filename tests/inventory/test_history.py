"""What earlier nights saw."""

from datetime import date, timedelta

import builders as b
import pytest

from inventory.coverage import CellState
from inventory.history import (
    ANY_OTHER,
    DayState,
    History,
    Night,
    days_between,
    host_key,
    night_of,
    together,
    workload_key,
)  # fmt: skip
from inventory.hosts import Host
from inventory.records import View

DAY = date(2026, 9, 1)


def server(status: str | None, *others: View) -> Host:
    seen = [b.sighting(status=status)]
    seen += [b.sighting(view=v, source=b.SSH if v is View.OS else b.CLUSTER) for v in others]
    return b.host(sightings=tuple(seen))


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        (server("ACTIVE"), DayState.RUNNING),
        (server("SHUTOFF"), DayState.STOPPED),
        (server("运行中"), DayState.RUNNING),
        (server("关机"), DayState.STOPPED),
        (server("BUILD"), DayState.ABSENT),
        (server(None), DayState.ABSENT),
        (server(None, View.OS), DayState.RUNNING),
        (server("SHUTOFF", View.OS), DayState.STOPPED),
    ],
)
def test_what_runs_is_what_a_control_plane_says_or_what_answered(host: Host, expected: DayState) -> None:
    """Any other state says nothing of the day: in a night that saw everything it counts as not there."""
    night = night_of(b.city(hosts=(host,)), day=DAY)

    assert night.is_whole
    assert night.state(host_key(host)) is expected


def test_a_workload_runs_where_its_pods_are_bound() -> None:
    bound, idle = b.workload(), b.workload("idle", node=None)
    stopped = b.workload("stopped", workload_kind="Deployment", node=None, replicas=0)

    night = night_of(b.inventory(workloads=(bound, idle, stopped)), day=DAY)

    states = [night.state(workload_key(w)) for w in (bound, idle, stopped)]
    assert states == [DayState.RUNNING, DayState.ABSENT, DayState.STOPPED]


def test_a_workload_that_is_deployed_anew_is_the_same() -> None:
    assert workload_key(b.workload(native_id="uid-1")) == workload_key(b.workload(native_id="uid-2"))


def test_what_a_night_could_not_see_is_not_absent() -> None:
    cut = b.coverage(b.cell(b.CLOUD, "host", CellState.PARTIAL))

    night = night_of(b.city(hosts=(), coverage=cut), day=DAY)

    assert night.state("host/x") is DayState.UNSEEN


@pytest.mark.parametrize(
    ("nights", "expected"),
    [
        ((), DayState.UNSEEN),
        ((Night(day=DAY, running=frozenset({"k"})),), DayState.RUNNING),
        ((Night(day=DAY, running=frozenset({"k"})), Night(day=DAY, stopped=frozenset({"k"}))), DayState.STOPPED),
        ((Night(day=DAY), Night(day=DAY, running=frozenset({"k"}))), DayState.RUNNING),
        ((Night(day=DAY, is_whole=True),), DayState.ABSENT),
        ((Night(day=date(2026, 9, 2), running=frozenset({"k"})),), DayState.UNSEEN),
    ],
)
def test_several_scans_of_a_day(nights: tuple[Night, ...], expected: DayState) -> None:
    """Stopped once is stopped: a trial run is to be stable."""
    assert History(nights=nights).state("k", DAY) is expected
    assert History(nights=nights[::-1]).state("k", DAY) is expected


def test_what_serves_together_is_as_bad_as_its_worst_part() -> None:
    ran, stood, unseen = DayState.RUNNING, DayState.STOPPED, DayState.UNSEEN

    assert together([ran, ran]) is ran
    assert together([ran, unseen]) is unseen
    assert together([unseen, DayState.ABSENT, ran]) is DayState.ABSENT
    assert together([DayState.ABSENT, stood, ran]) is stood
    assert together([]) is unseen


def test_what_a_night_knew_as_another_system_s_was_none_of_these() -> None:
    first = Night(
        day=DAY, components={"S-1": frozenset({"a"}), "S-2": frozenset({"a", "b"}), ANY_OTHER: frozenset("c")}
    )
    history = History(nights=(first,))

    assert [history.was_another_s(key, ["S-1"], DAY) for key in "abcd"] == [False, True, True, False]
    assert not history.was_another_s("b", ["S-1", "S-2"], DAY)
    assert not history.was_another_s("b", ["S-1"], DAY + timedelta(days=1))
    later = Night(day=DAY, components={"S-1": frozenset({"b"})})
    assert not History(nights=(first, later)).was_another_s("b", ["S-1"], DAY)


def test_the_first_day_and_days_in_a_row() -> None:
    history = History(nights=(Night(day=date(2026, 9, 3)), Night(day=DAY)))

    assert history.first_day == DAY
    assert History().first_day is None
    assert list(days_between(DAY, date(2026, 9, 3)))[-1] == date(2026, 9, 3)
    assert list(days_between(date(2026, 9, 3), DAY)) == []
