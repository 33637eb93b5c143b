"""What `yunhe doctor` says of one thing it looked at, and what a doctor is."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Protocol
from urllib.parse import urlsplit

from collectors.errors import CollectorError, Skipped
from inventory.text import Message, mark, msg


class State(StrEnum):
    """How a thing is."""

    OK = "ok"
    WARNING = "warning"
    """A scan works; somebody should know."""
    ERROR = "error"
    """A scan will miss something, or fail."""
    UNKNOWN = "unknown"


STATE_WORDS = {
    State.OK: mark("ok"),
    State.WARNING: mark("warning"),
    State.ERROR: mark("error"),
    State.UNKNOWN: mark("unknown"),
}
CHECK_WORDS = {
    "reach": mark("reachability"),
    "tls": mark("TLS certificate"),
    "identity": mark("identity"),
    "right": mark("right that is needed"),
    "excess": mark("right that is not needed"),
    "projects": mark("projects seen"),
    "namespaces": mark("namespaces seen"),
    "versions": mark("API version"),
    "clock": mark("clock"),
    "estimate": mark("time estimate"),
    "host-key": mark("host key"),
    "login": mark("login"),
    "root": mark("facts of root"),
    "answer": mark("answer"),
    "file": mark("file and headers"),
    "rows": mark("rows"),
    "program": mark("program"),
    "range": mark("address range"),
    "list": mark("do-not-scan list"),
}
"""Every check that a doctor makes, in the reader's words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """One line of the doctor's."""

    source: str
    scope: str
    """Region, cluster `*`, host alias or sheet."""
    check: str
    """A key of CHECK_WORDS."""
    state: State
    sentence: Message
    help: Message | None = None
    """What helps; None where nothing needs to be done, or where the sentence says it."""


class Doctor(Protocol):
    """Looks at one source. Reads only, writes nothing, anywhere."""

    def diagnose(self) -> Iterator[Diagnosis]:
        """What it finds, as it finds it; whatever the source does ends as a diagnosis, not as an exception."""


@dataclass(frozen=True, slots=True)
class Chart:
    """Whose diagnoses are written: saves each line its source and scope."""

    source: str
    scope: str = "*"

    def at(self, scope: str) -> "Chart":
        """The same source elsewhere."""
        return Chart(self.source, scope)

    def ok(self, check: str, sentence: Message) -> Diagnosis:
        """All is well."""
        return self._line(check, State.OK, sentence, None)

    def warning(self, check: str, sentence: Message, helps: Message | None = None) -> Diagnosis:
        """A scan works, and somebody should know."""
        return self._line(check, State.WARNING, sentence, helps)

    def error(self, check: str, sentence: Message, helps: Message | None = None) -> Diagnosis:
        """A scan will miss something."""
        return self._line(check, State.ERROR, sentence, helps)

    def unknown(self, check: str, sentence: Message, helps: Message | None = None) -> Diagnosis:
        """It could not be told."""
        return self._line(check, State.UNKNOWN, sentence, helps)

    def failed(self, check: str, error: CollectorError, helps: Message | None = None) -> Diagnosis:
        """What a collector's error means; what the do-not-scan list keeps from being asked is as it should be."""
        state = State.OK if isinstance(error, Skipped) else State.ERROR
        return self._line(check, state, error.message, helps)

    def _line(self, check: str, state: State, sentence: Message, helps: Message | None) -> Diagnosis:
        return Diagnosis(
            source=self.source, scope=self.scope, check=check, state=state, sentence=sentence, help=helps
        )  # fmt: skip


CLOCK_WARNING = timedelta(seconds=10)
"""A Date header has whole seconds, and an answer takes its time."""
CLOCK_ERROR = timedelta(minutes=5)
"""From here on tokens and certificates begin to fail, and times of evidence contradict each other."""


class Answers:
    """What the HTTP answers of one source said beside their bodies: which hosts, and what time it is there."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._offsets: dict[str, timedelta] = {}
        self._hosts: dict[tuple[str, int], None] = {}
        self._heard = False

    def hear(self, url: str, date: str | None) -> None:
        """Notes an answer that came just now; `date` is its Date header (RFC 9110 §6.6.1), an outsider's word."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        now = self._clock()
        offset: timedelta | None = None
        try:
            port = parts.port or (443 if parts.scheme == "https" else 80)
            # Several Dates in one answer say nothing that can be relied on; the parser refuses them.
            offset = parsedate_to_datetime(date) - now if date else None
        except (ValueError, TypeError, OverflowError):
            return
        with self._lock:
            self._heard = True
            if parts.scheme == "https":
                self._hosts[host, port] = None
            if offset is not None:
                name = f"{host}:{port}"
                self._offsets[name] = min(self._offsets.get(name, offset), offset, key=abs)

    def note(self, name: str, moment: datetime) -> None:
        """Notes what time a server says it is, just now, elsewhere than in a header."""
        with self._lock:
            self._offsets[name] = moment - self._clock()

    @property
    def tls_hosts(self) -> tuple[tuple[str, int], ...]:
        """Host and port of each https answer."""
        with self._lock:
            return tuple(self._hosts)

    def clocks(self, chart: Chart) -> Iterator[Diagnosis]:
        """A line for each clock that is off, or one that says that all are right."""
        with self._lock:
            offsets = dict(self._offsets)
        if not offsets:
            if self._heard:
                yield chart.warning("clock", msg("{source}: no answer said what time it is there", source=chart.source))
            return
        wrong = {host: offset for host, offset in offsets.items() if abs(offset) > CLOCK_WARNING}
        for host, offset in wrong.items():
            say = chart.error if abs(offset) >= CLOCK_ERROR else chart.warning
            sentence = msg(
                _BEHIND if offset < timedelta() else _AHEAD,
                host=host,
                seconds=round(abs(offset).total_seconds()),
            )
            yield say("clock", sentence, _SYNCHRONISE)
        if not wrong:
            yield chart.ok(
                "clock",
                msg("{count} clock(s) agree with ours within {seconds} s",
                    count=len(offsets), seconds=int(CLOCK_WARNING.total_seconds())),
            )  # fmt: skip


_BEHIND = mark("{host}: its clock is {seconds} s behind ours")
_AHEAD = mark("{host}: its clock is {seconds} s ahead of ours")
_SYNCHRONISE = msg("set both clocks by NTP (`chronyc tracking` shows which one is wrong)")


def duration(seconds: float) -> Message:
    """A duration as an estimate may be told: seconds up to two minutes, then minutes."""
    if seconds < 120:
        return msg("{count} s", count=max(1, round(seconds)))
    return msg("{count} min", count=round(seconds / 60))


MAX_NAMES = 20


def named(names: "list[str] | tuple[str, ...]") -> str:
    """Names for a sentence, cut where there are very many."""
    shown = ", ".join(sorted(names)[:MAX_NAMES])
    return shown if len(names) <= MAX_NAMES else f"{shown} … (+{len(names) - MAX_NAMES})"
