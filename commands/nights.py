"""What earlier scans saw running, for the trial runs that Article 23(2) speaks of."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import chain

import msgspec

from checks.dates import add_months
from checks.policy import Policy
from inventory.build import build
from inventory.history import ANY_OTHER, History, Night, component_keys, days_between, night_of
from inventory.inventory import Inventory, law_date
from inventory.records import Project
from inventory.store import Store

ACCEPTED_NIGHTS = 92
"""Nights that are read for trial runs which a final acceptance 终验 has closed, of the newest of them first. Each is
read back and joined anew; those of which nothing is decided yet are all read, however long ago."""


def history_of(
    opened: Store,
    projects: Iterable[Project],
    policy: Policy,
    as_of: datetime,
    *,
    watched: "Watched | None" = None,
) -> History:
    """The nights before this scan that fall into somebody's month of trial run, whenever that was; no others are read.

    `watched`: what is asked about; what else ran is not kept in memory. None: all of it.

    Raises:
        StoreError: one cannot be read back.
    """
    before = [(scan.number, scan.as_of) for scan in opened.scans() if scan.as_of < as_of]
    wanted = _trial_days(projects, policy, law_date(as_of), {law_date(at) for _, at in before})
    found = _nights(opened, [(number, at) for number, at in before if law_date(at) in wanted])
    return History(nights=tuple(found) if watched is None else _only(found, watched))


def _nights(opened: Store, scans: Iterable[tuple[int, datetime]]) -> Iterator[Night]:
    for number, at in scans:
        kept = opened.load(number)
        if kept is not None:
            yield night_of(build(kept.collection, kept.options, as_of=at), day=law_date(at), scan=number)


@dataclass(frozen=True)
class Watched:
    """What is asked of nights."""

    keys: frozenset[str] = frozenset()
    """What systems on trial run on today, as nights know it (`host_key`, `workload_key`)."""
    systems: frozenset[str] = frozenset()
    """Their codes: what a night knew them to run on is asked about too."""


def on_trial(inventory: Inventory) -> Watched:
    """The systems of projects with a trial run, and everything that they run on."""
    systems = {
        system.native_id: system
        for project in inventory.projects
        if project.initial_acceptance_on is not None and project.trial_start_on is not None
        for system in inventory.systems_of(project)
    }
    keys = frozenset(key for s in systems.values() for key in component_keys(inventory, s))
    return Watched(keys=keys, systems=frozenset(systems))


_RAN, _STOPPED, _ANOTHERS = 1, 2, 4


def _only(nights: Iterable[Night], watched: Watched) -> tuple[Night, ...]:
    """The nights with nothing but what is asked about: what is watched, and all that its systems ran on in any night.

    What is asked of the first night is known only when the last was read, and whole nights would fill the memory: what
    they saw is kept meanwhile as a byte for each thing and night.
    """
    seen: dict[str, bytearray] = defaultdict(bytearray)
    slim: list[Night] = []
    keys = set(watched.keys)
    for number, night in enumerate(nights):
        own = {code: of for code, of in night.components.items() if code in watched.systems}
        others = [of for code, of in night.components.items() if code not in watched.systems]
        for flag, things in ((_RAN, night.running), (_STOPPED, night.stopped), (_ANOTHERS, chain(*others))):
            for key in things:
                row = seen[key]
                row.extend(bytes(number + 1 - len(row)))
                row[number] |= flag
        keys.update(*own.values())
        slim.append(msgspec.structs.replace(night, running=frozenset(), stopped=frozenset(), components=own))

    def asked(number: int, flag: int) -> frozenset[str]:
        rows = ((key, seen.get(key, b"")) for key in keys)
        return frozenset(key for key, row in rows if number < len(row) and row[number] & flag)

    return tuple(
        msgspec.structs.replace(
            night,
            running=asked(number, _RAN),
            stopped=asked(number, _STOPPED),
            components=night.components | ({ANY_OTHER: rest} if (rest := asked(number, _ANOTHERS)) else {}),
        )
        for number, night in enumerate(slim)
    )


def nights_needed(projects: Iterable[Project], policy: Policy) -> set[date]:
    """Days of which a scan must not be pruned: those of trial runs that no final acceptance has closed."""
    days: set[date] = set()
    for project in projects:
        initial, start = project.initial_acceptance_on, project.trial_start_on
        if initial is None or start is None or project.final_acceptance_on is not None:
            continue
        begin = max(initial, start)
        days.update(days_between(begin, add_months(begin, policy.parameters.trial_months)))
    return days


def _trial_days(projects: Iterable[Project], policy: Policy, today: date, kept: AbstractSet[date]) -> set[date]:
    """Days of the store that say something of a trial run; `kept` are those that it has."""
    days: set[date] = set()
    accepted: list[tuple[date, set[date]]] = []
    for project in projects:
        initial, start = project.initial_acceptance_on, project.trial_start_on
        if initial is None or start is None:
            continue
        begin = max(initial, start)
        due = add_months(begin, policy.parameters.trial_months)
        ends = [day for day in (project.trial_end_on, project.final_acceptance_on) if day is not None]
        if due > today or min(ends, default=due) < due:
            continue  # nothing is judged before the month is full, nor proved of one that was broken off
        # The day on which the month is full needs no night of its own.
        month = {day for day in days_between(begin, due - timedelta(days=1)) if day in kept}
        if project.final_acceptance_on is None:
            days |= month
        else:
            accepted.append((begin, month))
    more: set[date] = set()
    for _, month in sorted(accepted, key=lambda found: found[0], reverse=True):
        # All of a month or nothing: with a part of it nothing is proved.
        if not more or len((more | month) - days) <= ACCEPTED_NIGHTS:
            more |= month
    return days | more
