"""How fast and how often a service is asked: requests a second, requests in flight, pauses before the next try.

A government cloud's control plane serves its tenants first; a scan that slows it down is switched off. Every request of
a collector takes a turn here, logins and redirects too.
"""

import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from inventory.settings import RequestLimits

MAX_WAIT_SECONDS = 60.0
"""The longest pause between two tries. A server that asks for a longer one (Retry-After) is given up."""
_FIRST_WAIT_SECONDS = 0.5
_LONGEST_SAID = 10 * 365 * 86400.0


class RequestRate:
    """Turns at one service: at most so many a second, with a burst of one second's worth, so many at a time."""

    def __init__(
        self,
        limits: RequestLimits,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._gap = 1 / limits.requests_per_second
        self._ahead = self._gap * (max(1, int(limits.requests_per_second)) - 1)
        """How far before its due time a request may leave while nobody used the turns before."""
        self._places = threading.BoundedSemaphore(limits.concurrency)
        self._inside = threading.local()
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._due = clock()
        """When the next request would leave if they left evenly (GCRA, ITU-T I.371)."""

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Waits for a free place and for the moment at which one more request may leave; holds the place until the end.

        A thread that has a place takes no second one: a login in the middle of a request must not wait for itself.
        """
        if getattr(self._inside, "has_place", False):
            self._pace()
            yield
            return
        with self._places:
            self._inside.has_place = True
            try:
                self._pace()
                yield
            finally:
                self._inside.has_place = False

    def hold(self, seconds: float) -> None:
        """Nobody's request leaves for so long (a minute at most), then no burst: Retry-After is said to all threads."""
        with self._lock:
            self._due = max(self._due, self._clock() + min(seconds, MAX_WAIT_SECONDS) + self._ahead)

    def _pace(self) -> None:
        with self._lock:
            now = self._clock()
            self._due = max(self._due, now)
            wait = self._due - self._ahead - now
            self._due += self._gap
        if wait > 0:
            self._sleep(wait)


class RequestRates:
    """The turns of one source, for each of its services on each host."""

    def __init__(
        self,
        limits: RequestLimits,
        special: Mapping[str, RequestLimits] | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`special` has the limits of services that have their own."""
        self._limits = limits
        self._special = special or {}
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._rates: dict[tuple[str, str], RequestRate] = {}

    def of(self, service: str, host: str) -> RequestRate:
        """The turns at a service of a host; `host` with its port."""
        with self._lock:
            rate = self._rates.get((service, host))
            if rate is None:
                limits = self._special.get(service, self._limits)
                rate = self._rates[service, host] = RequestRate(limits, clock=self._clock, sleep=self._sleep)
            return rate


def backoff(attempt: int) -> float:
    """Seconds before the try after this one (0 is the first): doubling, with jitter, never more than a minute."""
    wait = _FIRST_WAIT_SECONDS * float(2 ** min(attempt, 10))
    return min(MAX_WAIT_SECONDS, wait) * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, not a secret


def retry_after(text: str | None) -> float | None:
    """Seconds that a Retry-After header asks for (RFC 9110 §10.2.3), from either form; None where it makes no sense."""
    word = (text or "").strip()
    if word.isascii() and word.isdigit():
        return min(float(word), _LONGEST_SAID)
    try:
        moment = parsedate_to_datetime(word)
        moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
        return max(0.0, (moment - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
