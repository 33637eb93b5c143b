"""What earlier nights saw: which machines and workloads ran on which day 夜间观测历史.

A plain value: the wiring makes one `Night` of each stored scan and hands them to `Inventory.history`; the checks read
days and nothing else. A night on which something could not be seen says nothing of it.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from inventory.finding import Verdict
from inventory.hosts import Host
from inventory.records import System, View, Workload
from inventory.text import Message

if TYPE_CHECKING:
    from inventory.inventory import Inventory

_RUNNING = frozenset({"active", "running", "ready", "poweredon", "up", "运行中", "运行", "正在运行", "开机", "已开机"})
_STOPPED = frozenset(
    {"shutoff", "stopped", "paused", "suspended", "error", "deleted", "soft_deleted", "shelved", "shelved_offloaded",
     "notready", "poweredoff", "down", "关机", "已关机", "停止", "已停止", "停机", "故障"}
)  # fmt: skip
"""What control planes and lists call a machine that runs, or does not; every other word says neither."""


ANY_OTHER = ""
"""In place of the code of a system that nobody asks about."""


class DayState(StrEnum):
    """What is known of one thing on one day."""

    RUNNING = "running"
    """运行: seen running, and not seen stopped."""
    STOPPED = "stopped"
    """停止: seen, and said not to run."""
    ABSENT = "absent"
    """不存在: not seen by a scan that saw everything."""
    UNSEEN = "unseen"
    """未观测: no scan, or one that could not see it."""


class Night(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one finished scan says of everything that can run 一次夜间扫描的观测."""

    day: date
    """Local date (Asia/Shanghai) of the scan's clock."""
    scan: int = 0
    """Its number; 0 for the scan that is being made."""
    running: frozenset[str] = frozenset()
    """Keys (`host_key`, `workload_key`) of what was seen running."""
    stopped: frozenset[str] = frozenset()
    """Keys of what was seen and did not run."""
    is_whole: bool = False
    """Whether every cell of hosts and workloads was complete: only then is what is in neither set absent."""
    components: dict[str, frozenset[str]] = {}
    """System code to the keys of what it ran on, by what was known in that night; those of systems that nobody asks
    about may stand together under `ANY_OTHER`."""

    def state(self, key: str) -> DayState:
        """What this night says of one thing."""
        if key in self.stopped:
            return DayState.STOPPED
        if key in self.running:
            return DayState.RUNNING
        return DayState.ABSENT if self.is_whole else DayState.UNSEEN


class Concluded(msgspec.Struct, frozen=True, kw_only=True):
    """What an earlier scan concluded of a trial run 试运行 some of whose nights are not at hand any more."""

    scan: int
    """The one that had the nights."""
    day: date
    """Local date of its clock."""
    verdict: Verdict
    reason: Message
    """As it was told then."""
    evidence: tuple[str, ...]
    """Keys of the project and of the systems that were judged."""


@dataclass(frozen=True, kw_only=True)
class History:
    """Nights before the one that is judged, in any order; several may fall on one day."""

    nights: tuple[Night, ...] = ()
    concluded: Mapping[str, Concluded] = field(default_factory=dict)
    """Project code to what the nights said while they were all there."""
    _by_day: Mapping[date, tuple[Night, ...]] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        days: dict[date, list[Night]] = defaultdict(list)
        for night in self.nights:
            days[night.day].append(night)
        object.__setattr__(self, "_by_day", {day: tuple(found) for day, found in days.items()})

    @property
    def first_day(self) -> date | None:
        """The earliest day of which anything is known."""
        return min(self._by_day, default=None)

    def has_nights(self, day: date) -> bool:
        """Whether any scan was made on that day."""
        return day in self._by_day

    def components(self, codes: Iterable[str], first: date, last: date) -> frozenset[str]:
        """Keys of everything that the systems ran on in the nights of these days, as each night knew it."""
        wanted = set(codes)
        return frozenset(
            key
            for day in days_between(first, last)
            for night in self._by_day.get(day, ())
            for code in wanted & night.components.keys()
            for key in night.components[code]
        )

    def was_another_s(self, key: str, codes: Iterable[str], day: date) -> bool:
        """Whether the nights of that day knew the thing as what other systems ran on, and none of these did."""
        nights = self._by_day.get(day, ())
        if any(key in night.components.get(code, ()) for code in codes for night in nights):
            return False
        return any(key in own for night in nights for own in night.components.values())

    def state(self, key: str, day: date) -> DayState:
        """What is known of one thing on one day: stopped once is stopped, else running once is running."""
        states = {night.state(key) for night in self._by_day.get(day, ())}
        for state in (DayState.STOPPED, DayState.RUNNING, DayState.ABSENT):
            if state in states:
                return state
        return DayState.UNSEEN


def together(states: Iterable[DayState]) -> DayState:
    """What is known of things that only serve together: the worst of each, and unseen where one is not seen."""
    known = set(states)
    for state in (DayState.STOPPED, DayState.ABSENT, DayState.UNSEEN):
        if state in known:
            return state
    return DayState.RUNNING if known else DayState.UNSEEN


def days_between(first: date, last: date) -> Iterator[date]:
    """Every day from the first to the last, both included."""
    for offset in range((last - first).days + 1):
        yield first + timedelta(days=offset)


def host_key(host: Host) -> str:
    """The machine's key in a night: its identity, whatever it is called."""
    return f"host/{host.id}"


def workload_key(workload: Workload) -> str:
    """The workload's key in a night; its name, since a workload that is deployed anew gets another uid."""
    return f"workload/{workload.source}/{workload.namespace}/{workload.workload_kind}/{workload.name}"


def component_keys(inventory: "Inventory", system: System) -> frozenset[str]:
    """Keys of everything that the system runs on."""
    hosts = {host_key(h) for h in inventory.hosts_of(system)}
    # Not what another one of them owns, not what is scaled to nothing.
    workloads = (w for w in inventory.workloads_of(system) if w.owner_uid is None and w.replicas != 0)
    return frozenset(hosts | {workload_key(w) for w in workloads})


def night_of(inventory: "Inventory", *, day: date, scan: int = 0) -> Night:
    """What an inventory says of everything that can run; pure."""
    running: set[str] = set()
    stopped: set[str] = set()
    for host in inventory.hosts:
        runs = _host_runs(host)
        if runs is not None:
            (running if runs else stopped).add(host_key(host))
    for workload in inventory.workloads:
        if workload.owner_uid is not None:
            continue
        if workload.replicas == 0:
            stopped.add(workload_key(workload))
        elif inventory.nodes_of(workload):
            running.add(workload_key(workload))
    return Night(
        day=day,
        scan=scan,
        running=frozenset(running),
        stopped=frozenset(stopped),
        is_whole=not any(r.is_gap for r in inventory.coverage.of("host", "workload")),
        components={s.native_id: keys for s in inventory.systems if (keys := component_keys(inventory, s))},
    )


def _host_runs(host: Host) -> bool | None:
    """Whether the machine runs; None where nothing says so. A control plane that says stopped outweighs all else."""
    said = {
        (s.status or "").strip().casefold() for s in host.sightings if s.view in (View.SERVER, View.LISTED, View.NODE)
    }
    if said & _STOPPED:
        return False
    answered = any(s.view is View.OS for s in host.sightings)
    return True if answered or said & _RUNNING else None
