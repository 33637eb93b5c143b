"""What earlier scans saw running, for the trial runs that Article 23(2) speaks of."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from checks.dates import add_months
from checks.policy import Policy
from inventory.build import build
from inventory.history import History, days_between, night_of
from inventory.inventory import law_date
from inventory.records import Project
from inventory.store import Store

LOOKED_BACK_DAYS = 92
"""Each of these scans is read back and joined anew, and no store need keep every night for longer."""


def history_of(opened: Store, projects: Iterable[Project], policy: Policy, as_of: datetime) -> History:
    """The nights before this scan that fall into somebody's month of trial run; no others are read.

    Raises:
        StoreError: one cannot be read back.
    """
    today = law_date(as_of)
    wanted = _trial_days(projects, policy, today)
    nights = []
    for scan in opened.scans():
        day = law_date(scan.as_of)
        kept = opened.load(scan.number) if day in wanted and scan.as_of < as_of else None
        if kept is not None:
            inventory = build(kept.collection, kept.options, as_of=scan.as_of)
            nights.append(night_of(inventory, day=day, scan=scan.number))
    return History(nights=tuple(nights))


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


def _trial_days(projects: Iterable[Project], policy: Policy, today: date) -> set[date]:
    first = today - timedelta(days=LOOKED_BACK_DAYS)
    days: set[date] = set()
    for project in projects:
        initial, start = project.initial_acceptance_on, project.trial_start_on
        if initial is None or start is None:
            continue
        begin = max(initial, start)
        due = add_months(begin, policy.parameters.trial_months)
        if due > today:
            continue  # nothing is judged before the month is full
        day = max(begin, first)
        while day < due:
            days.add(day)
            day += timedelta(days=1)
    return days
