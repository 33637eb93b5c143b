"""What earlier scans saw running, for the trial runs that Article 23(2) speaks of."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import msgspec

from checks.dates import add_months
from checks.policy import Policy
from inventory.build import build
from inventory.history import History, Night, component_keys, days_between, night_of
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
    nights = []
    keys = set(watched.keys) if watched is not None else set()
    for number, at in before:
        day = law_date(at)
        kept = opened.load(number) if day in wanted else None
        if kept is not None:
            night = night_of(build(kept.collection, kept.options, as_of=at), day=day, scan=number)
            nights.append(night if watched is None else _only(night, watched.systems, keys))
    return History(nights=tuple(nights))


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


def _only(night: Night, systems: AbstractSet[str], keys: set[str]) -> Night:
    """The night with nothing but these systems and keys; what the systems ran on in it joins the keys."""
    components = {code: own for code, own in night.components.items() if code in systems}
    keys.update(*components.values())
    return msgspec.structs.replace(
        night, running=night.running & keys, stopped=night.stopped & keys, components=components
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
