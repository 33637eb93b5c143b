"""Turns at a service: no faster and no more at once than the config says, whatever the threads do."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.request_rate import MAX_WAIT_SECONDS, RequestRate, RequestRates, backoff, retry_after
from inventory.settings import RequestLimits


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def departures(per_second: float, pauses: list[float]) -> list[float]:
    """When requests leave that are wanted after these pauses."""
    time_ = Time()
    rate = RequestRate(RequestLimits(requests_per_second=per_second), clock=time_.clock, sleep=time_.sleep)
    times = []
    for pause in pauses:
        time_.now += pause
        with rate.turn():
            times.append(time_.now)
    return times


def test_a_second_s_worth_may_come_at_once_and_then_evenly() -> None:
    times = departures(4, [0] * 8)

    assert times == pytest.approx([100, 100, 100, 100, 100.25, 100.5, 100.75, 101])


def test_less_than_one_a_second_has_no_burst() -> None:
    assert departures(0.5, [0, 0, 0]) == pytest.approx([100, 102, 104])


def test_what_was_not_used_is_not_saved_for_longer_than_a_second() -> None:
    """An hour of silence is no leave to send an hour's requests at once."""
    times = departures(2, [0, 3600, 0, 0, 0])

    assert [t - times[1] for t in times[1:]] == pytest.approx([0, 0, 0.5, 1])


@given(
    per_second=st.floats(0.1, 50),
    pauses=st.lists(st.floats(0, 3), min_size=1, max_size=60),
)
def test_no_second_ever_sees_more_than_burst_and_rate(per_second: float, pauses: list[float]) -> None:
    """GCRA's promise, for any pattern of requests."""
    times = departures(per_second, pauses)
    burst = max(1, int(per_second))

    for i, start in enumerate(times):
        within = sum(start <= t < start + 1 - 1e-6 for t in times[i:])
        assert within <= burst + per_second + 1


def test_retry_after_holds_everybody_and_then_lets_them_go_one_by_one() -> None:
    """Eight threads that come back at the same moment would only earn the next 429."""
    time_ = Time()
    rate = RequestRate(RequestLimits(requests_per_second=10), clock=time_.clock, sleep=time_.sleep)
    rate.hold(20)

    times = []
    for _ in range(3):
        with rate.turn():
            times.append(time_.now)

    assert times == pytest.approx([120, 120.1, 120.2])


def test_a_server_cannot_hold_for_ever() -> None:
    time_ = Time()
    rate = RequestRate(RequestLimits(), clock=time_.clock, sleep=time_.sleep)
    rate.hold(1e9)

    with rate.turn():
        assert time_.now <= 100 + MAX_WAIT_SECONDS + 1


def test_no_more_at_once_than_places() -> None:
    rate = RequestRate(RequestLimits(requests_per_second=10_000, concurrency=3))
    lock = threading.Lock()
    now, most = 0, 0

    def ask(_: int) -> None:
        nonlocal now, most
        with rate.turn():
            with lock:
                now, most = now + 1, max(most, now + 1)
            time.sleep(0.005)
            with lock:
                now -= 1

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(ask, range(48)))

    assert most == 3


def test_a_login_within_a_request_waits_for_no_second_place() -> None:
    """With one place the thread would wait for itself."""
    rate = RequestRate(RequestLimits(concurrency=1))

    with rate.turn(), rate.turn():
        pass
    with rate.turn():  # and the place is free again, once
        assert not rate._places.acquire(blocking=False)
    assert rate._places.acquire(blocking=False)


def test_a_request_that_fails_gives_its_place_back() -> None:
    rate = RequestRate(RequestLimits(concurrency=1))
    with pytest.raises(OSError, match="broke"), rate.turn():
        raise OSError("broke")

    with rate.turn():
        pass


def test_services_and_hosts_have_turns_of_their_own() -> None:
    rates = RequestRates(RequestLimits(), {"compute": RequestLimits(concurrency=1)})

    assert rates.of("compute", "a:1") is rates.of("compute", "a:1")
    assert rates.of("compute", "a:1") is not rates.of("compute", "b:1")
    with rates.of("compute", "a:1").turn():
        assert not rates.of("compute", "a:1")._places.acquire(blocking=False)
        assert rates.of("network", "a:1")._places.acquire(blocking=False)


def test_retry_after_in_both_forms() -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=40), usegmt=True)
    gone = format_datetime(datetime.now(UTC) - timedelta(days=1), usegmt=True)

    assert retry_after("120") == 120
    assert 35 < (retry_after(soon) or 0) <= 40
    assert retry_after(gone) == 0


@pytest.mark.parametrize("header", [None, "", " ", "-5", "1.5", "٣", "soon", "Mon, 99 Foo 2026", "1e3", "\x00", ","])
def test_a_retry_after_without_sense_says_nothing(header: str | None) -> None:
    assert retry_after(header) is None


def test_a_retry_after_of_a_thousand_digits_is_a_number() -> None:
    """`float` makes it infinite, and no integer can be told of that."""
    assert 0 < int(retry_after("9" * 1000) or 0) < 10**9


@given(st.text())
def test_any_retry_after_is_told(text: str) -> None:
    found = retry_after(text)
    assert found is None or 0 <= found < 1e12


def test_pauses_double_with_jitter_and_end_at_a_minute() -> None:
    assert all(0.25 <= backoff(0) <= 0.5 for _ in range(50))
    assert all(1 <= backoff(2) <= 2 for _ in range(50))
    assert all(30 <= backoff(100) <= 60 for _ in range(50))
    assert len({backoff(3) for _ in range(20)}) > 1
