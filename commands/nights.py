"""What earlier scans saw running, for the trial runs that Article 23(2) speaks of."""

from collections import defaultdict
from collections.abc import Callable, Collection, Container, Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import chain

import msgspec

from checks.policy import Policy
from checks.subjects import project_subject
from checks.trial_run import CHECK, DECIDED, concluded, is_of_nights, still_holds, trial_days
from inventory.build import build
from inventory.finding import Finding
from inventory.history import ANY_OTHER, Concluded, History, Night, component_keys, days_between, night_of
from inventory.inventory import Inventory, law_date
from inventory.records import Project
from inventory.store import Store

ACCEPTED_NIGHTS = 92
"""Nights that are read for trial runs which a final acceptance 终验 has closed: first of those of which nothing is
concluded, then of the newest. Each is read back and joined anew; those that are not accepted are all read."""


def history_of(opened: Store, inventory: Inventory, policy: Policy, *, watched: "Watched | None" = None) -> History:
    """The nights before this inventory's that fall into somebody's month of trial run, whenever that was; no others.

    `watched`: what is asked about; what else ran is not kept in memory. None: all of it.

    Raises:
        StoreError: one cannot be read back.
    """
    projects, as_of = inventory.projects, inventory.as_of
    before = [(scan.number, scan.as_of) for scan in opened.scans() if scan.as_of < as_of]
    today = law_date(as_of)
    earlier = conclusions(opened, inventory, policy, before=as_of)
    wanted = _trial_days(projects, policy, today, {law_date(at) for _, at in before}, earlier)
    found = _nights(opened, [(number, at) for number, at in before if law_date(at) in wanted])
    nights = tuple(found) if watched is None else _only(found, watched)
    if earlier:
        read = {night.scan for night in nights}
        gone = [scan.as_of for scan in (*opened.scans(), *opened.pruned().values()) if scan.number not in read]
        lost = {law_date(at) for at in gone if at < as_of}
        earlier = {p.native_id: earlier[p.native_id] for p in projects
                   if p.native_id in earlier and not lost.isdisjoint(_month(p, policy))}  # fmt: skip
    return History(nights=nights, concluded=earlier)


def conclusions(
    opened: Store, inventory: Inventory, policy: Policy, *, before: datetime | None = None
) -> dict[str, Concluded]:
    """What scans before that time concluded last of the trial runs that were accepted, by the project's code.

    Only what speaks of the days and of the systems that the register of this inventory says.

    Raises:
        StoreError: it cannot be read.
    """
    accepted = _accepted(inventory)
    systems = {key: inventory.systems_of(p) for key, p in accepted.items()}
    asked = {key: {p.key, *(s.key for s in systems[key])} for key, p in accepted.items()}
    knows_all = inventory.coverage.is_complete("project", "system")

    def speaks(finding: Finding) -> bool:
        # That nothing could be decided of systems which are the project's no more says nothing of the others.
        is_of_others = knows_all and not asked[finding.key].issuperset(finding.evidence)
        return is_of_nights(finding) and (finding.verdict in DECIDED or not is_of_others)

    return {
        accepted[key].native_id: earlier
        for key, earlier in _last_said(opened, accepted, speaks, before)
        if earlier.verdict in DECIDED and still_holds(earlier, accepted[key], systems[key], policy)
    }


def ever_concluded(opened: Store, inventory: Inventory) -> Iterator[Concluded]:
    """What was decided last of each trial run that was accepted, be it of other days or systems than today's.

    What the register says today may be a slip, which is mended tomorrow.

    Raises:
        StoreError: it cannot be read.
    """
    for _, earlier in _last_said(opened, _accepted(inventory), lambda finding: finding.verdict in DECIDED):
        yield earlier


def _accepted(inventory: Inventory) -> dict[str, Project]:
    """Projects whose final acceptance is over, by the key of what is found of their trial run."""
    today = law_date(inventory.as_of)
    return {f"{CHECK.id}@{project_subject(p).key}": p for p in inventory.projects if is_accepted(p, today)}


def _last_said(
    opened: Store, keys: Collection[str], fits: Callable[[Finding], bool], before: datetime | None = None
) -> Iterator[tuple[str, Concluded]]:
    if not keys:
        return
    clocks = {scan.number: scan.as_of for scan in opened.scans() if before is None or scan.as_of < before}
    for key, (scan, finding) in opened.last_findings(keys, fits, clocks).items():
        yield key, concluded(finding, scan, law_date(clocks[scan]))


def is_accepted(project: Project, today: date) -> bool:
    """Whether its final acceptance 终验 is over: a day to come is a plan."""
    return project.final_acceptance_on is not None and project.final_acceptance_on <= today


def _month(project: Project, policy: Policy) -> set[date]:
    """The days of its trial run that a night may prove."""
    found = trial_days(project, policy)
    return set(days_between(found[0], found[1] - timedelta(days=1))) if found is not None else set()


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


def nights_needed(
    projects: Iterable[Project], policy: Policy, today: date, concluded: Container[str] = ()
) -> set[date]:
    """Days of which a scan must not be pruned: those of trial runs that are not accepted, or of which none concluded.

    `concluded`: codes of projects of whose trial run the store holds what was concluded.
    """
    days: set[date] = set()
    for project in projects:
        month = trial_days(project, policy)
        if month is not None and not (is_accepted(project, today) and project.native_id in concluded):
            days.update(days_between(*month))
    return days


def _trial_days(
    projects: Iterable[Project], policy: Policy, today: date, kept: AbstractSet[date], concluded: Container[str]
) -> set[date]:
    """Days of the store that say something of a trial run; `kept` are those that it has."""
    days: set[date] = set()
    accepted: list[tuple[bool, date, set[date]]] = []
    for project in projects:
        found = trial_days(project, policy)
        if found is None:
            continue
        begin, due = found
        ends = [day for day in (project.trial_end_on, project.final_acceptance_on) if day is not None]
        if due > today or min(ends, default=due) < due:
            continue  # nothing is judged before the month is full, nor proved of one that was broken off
        month = _month(project, policy) & kept
        if is_accepted(project, today):
            accepted.append((project.native_id not in concluded, begin, month))
        else:
            days |= month
    more: set[date] = set()
    # First those of which nothing is concluded: of the others what was concluded can be cited.
    for _, _, month in sorted(accepted, key=lambda found: found[:2], reverse=True):
        # All of a month or nothing: with a part of it nothing is proved.
        if not more or len((more | month) - days) <= ACCEPTED_NIGHTS:
            more |= month
    return days | more
