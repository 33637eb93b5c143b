"""Which SSH hosts answer, whose key is known, who lets us in, and which facts stay hidden without root.

Each host is asked what a scan asks it, through the same collector: nothing else runs there.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

from collectors.collector import Collector, Incomplete, Reading
from collectors.diagnosis import Chart, Diagnosis, duration
from collectors.errors import CollectorError, HostKeyMismatch, Unauthorized, Unreadable
from collectors.ssh_source import ssh_collectors
from inventory.coverage import Cell
from inventory.guard import Guard
from inventory.records import HostSighting
from inventory.settings import SshSource
from inventory.text import msg

_HELP = {
    HostKeyMismatch: msg("for unknown keys: `yunhe hostkeys learn`, compare on the console, `yunhe hostkeys approve`"),
    Unauthorized: msg("docs/ssh-account.md shows how the account and its key are set up"),
}


class SshDoctor:
    """Looks at one group of hosts."""

    def __init__(self, source: SshSource, *, base: Path, guard: Guard, clock: Callable[[], datetime]) -> None:
        """Reads ssh_config.

        Raises:
            ConfigError: it cannot be read or understood.
        """
        self._collectors = ssh_collectors(source, base=base, clock=clock, guard=guard)
        self._chart = Chart(f"ssh:{source.name}")
        self._sudo = source.sudo

    def diagnose(self) -> Iterator[Diagnosis]:
        """What each host answered; at the end, how long all take."""
        for collector in self._collectors:
            cells = collector.plan()
            started = time.monotonic()
            with ThreadPoolExecutor(max(1, min(collector.parallel, len(cells) or 1))) as pool:
                for found in pool.map(lambda cell, of=collector: self._host(of, cell), cells):
                    yield from found
            if cells:
                yield self._chart.ok(
                    "estimate",
                    msg(
                        "{count} host(s), {parallel} at once, took {time}; a scan asks them the same",
                        count=len(cells),
                        parallel=collector.parallel,
                        time=duration(time.monotonic() - started),
                    ),
                )

    def _host(self, collector: Collector, cell: Cell) -> list[Diagnosis]:
        chart = self._chart.at(cell.scope)
        readings: list[Reading] = []
        problems: list[Incomplete] = []
        try:
            for said in collector.read(cell):
                match said:
                    case Reading():
                        readings.append(said)
                    case Incomplete():
                        problems.append(said)
                    case _:
                        pass
        except CollectorError as error:
            return [chart.failed(_check(error), error, _HELP.get(type(error)))]
        lines = [chart.ok("login", msg("{host}: reached, its key is known, it lets us in", host=cell.scope))]
        lines += [chart.warning("answer", p.reason) for p in problems]
        lines += [line for reading in readings for line in self._root(chart, reading)]
        return lines

    def _root(self, chart: Chart, reading: Reading) -> Iterator[Diagnosis]:
        sighting = reading.record
        if not isinstance(sighting, HostSighting):
            return
        if sighting.needs_root:
            yield chart.warning(
                "root",
                msg("{host}: without root it does not tell {facts}", host=chart.scope,
                    facts=", ".join(sighting.needs_root)),
                msg("check its sudoers lines (docs/ssh-account.md)") if self._sudo else
                msg("`sudo = true` and two sudoers lines (docs/ssh-account.md) bring them"),
            )  # fmt: skip
        if _is_root(reading):
            yield chart.warning(
                "excess",
                msg("{host}: we log in as root; reading needs an account without rights", host=chart.scope),
                msg("docs/ssh-account.md shows an account that may run the probe and nothing else"),
            )


def _check(error: CollectorError) -> str:
    match error:
        case HostKeyMismatch():
            return "host-key"
        case Unauthorized():
            return "login"
        case Unreadable():
            return "answer"
        case _:
            return "reach"


def _is_root(reading: Reading) -> bool:
    sections = reading.raw.get("sections") if isinstance(reading.raw, Mapping) else None
    return isinstance(sections, dict) and sections.get("user_id") == ["0"]
