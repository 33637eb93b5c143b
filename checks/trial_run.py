"""Art. 23(2): after the initial acceptance 初验 the system has run on trial for a month, safely and stably 试运行.

Dates come from the register; that it ran is proved from our own nights: days on which every component of the project
was seen running, over the days that a scan could see at all. Days that no scan saw are listed, never filled in. The
components are those that the nights knew and those of today; what came after the month was not on trial, and is told.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

from checks.check import Check, Opinion, Step, Strength
from checks.dates import add_months
from checks.line import Line, combined
from checks.policy import Policy
from checks.project_steps import day, is_begun, keeper, not_yet, steps_gate
from checks.subjects import project_subject
from inventory.finding import Finding, Verdict
from inventory.history import Concluded, DayState, History, component_keys, days_between, together
from inventory.inventory import Inventory, law_date
from inventory.records import Project, System
from inventory.text import Message, msg

_EXPLAINED = msg(
    "the report on the trial run explains why it did not run on these days; the panel judges whether that was stable"
)
MOST_GAPS = 6
"""Stretches of days that a sentence names."""


@dataclass(frozen=True, kw_only=True)
class Observed:
    """What our nights say of one trial run."""

    running: tuple[date, ...]
    """Days on which every component was seen running."""
    down: tuple[date, ...]
    """Days on which one was seen stopped, or was not there though everything was seen."""
    unseen: tuple[date, ...]
    """Days of which nothing is known."""
    lent: frozenset[str] = frozenset()
    """Those of the components that on some of the days were known as what other systems ran on."""

    @property
    def covered(self) -> int:
        """Days of which something is known."""
        return len(self.running) + len(self.down)

    @property
    def days(self) -> int:
        """Days of the period."""
        return self.covered + len(self.unseen)


def judge(inventory: Inventory, policy: Policy) -> Iterator[Opinion]:
    """One opinion for every project of the register."""
    for project in inventory.projects:
        gate = steps_gate(policy, project)
        if gate is not None:
            yield gate
        elif not is_begun(project):
            reason = msg("the register holds no initial acceptance of {code} yet", code=project.native_id)
            yield not_yet(project, reason)
        else:
            yield combined(project_subject(project), list(_lines(inventory, policy, project)))


def observed(
    history: History,
    keys: Iterable[str],
    first: date,
    last: date,
    *,
    codes: Iterable[str] = (),
) -> Observed:
    """The period as our nights saw it: what serves only together is told together.

    `codes`: the systems that ran on these things. A night that knew one as another system's says nothing of it, be it
    theirs today: it may have been handed over since, and what it did for the other one proves nothing of them.
    """
    asked, systems = tuple(keys), frozenset(codes)
    lent: set[str] = set()

    def state(key: str, on: date) -> DayState:
        if history.was_another_s(key, systems, on):
            lent.add(key)
            return DayState.UNSEEN
        return history.state(key, on)

    states = [(d, together([state(key, d) for key in asked])) for d in days_between(first, last)]
    return Observed(
        running=tuple(d for d, s in states if s is DayState.RUNNING),
        down=tuple(d for d, s in states if s in (DayState.STOPPED, DayState.ABSENT)),
        unseen=tuple(d for d, s in states if s is DayState.UNSEEN),
        lent=frozenset(lent),
    )


def _came_later(history: History, key: str, first: date, last: date) -> bool:
    """Whether nights saw everything on some of these days and nothing of it, and could not miss it on any other."""
    days = [d for d in days_between(first, last) if history.has_nights(d)]
    return bool(days) and all(history.state(key, d) is DayState.ABSENT for d in days)


def stretches(days: Sequence[date]) -> str:
    """`2026-03-01–2026-03-04, 2026-03-09`: days in a row as one, the rest counted."""
    rows = []
    for _, group in groupby(enumerate(sorted(days)), key=lambda item: item[1] - timedelta(days=item[0])):
        row = [d for _, d in group]
        rows.append(day(row[0]) if len(row) == 1 else f"{day(row[0])}–{day(row[-1])}")
    return ", ".join(rows[:MOST_GAPS]) + (" …" if len(rows) > MOST_GAPS else "")


def _lines(inventory: Inventory, policy: Policy, project: Project) -> Iterator[Line]:
    code, today = project.native_id, law_date(inventory.as_of)
    evidence = (project.key,)
    initial, start, month = project.initial_acceptance_on, project.trial_start_on, trial_days(project, policy)
    if initial is None or start is None or month is None:
        wanted = msg("initial acceptance") if initial is None else msg("beginning of the trial run")
        yield Line(
            verdict=Verdict.UNKNOWN,
            reason=msg("the register does not say the day of the {step} of {code}", step=wanted, code=code),
            missing=(msg("day of the {step} of {code} in the register, by {department}", step=wanted, code=code,
                         department=keeper(project)),),
            evidence=evidence,
        )  # fmt: skip
        return
    begin, due = month
    # A day to come is a plan: it has not ended.
    ends = [d for d in (project.trial_end_on, project.final_acceptance_on) if d is not None and d <= today]
    end = min(ends, default=None)
    said = _said(project, due)
    if start > today or initial > today:
        yield Line(
            verdict=Verdict.UNKNOWN,
            reason=msg("{said}; that is after this scan", said=said),
            missing=(msg("the dates of {code} in the register, by {department}", code=code,
                         department=keeper(project)),),
            evidence=evidence,
        )  # fmt: skip
        return
    if end is not None and end < due:
        yield Line(
            verdict=Verdict.FAIL,
            reason=msg("{said}; it ended on {end}: it does not meet {article}", said=said, end=day(end),
                       article=policy.pack.article("23(2)")),
            remedy=msg("run it on trial for the whole of the month before it is put up for acceptance"),
            evidence=evidence,
        )  # fmt: skip
        return
    if end is None and today < due:
        yield Line(
            verdict=Verdict.NOT_APPLICABLE, decided_by=Step.ERA, reason=msg("{said}; it still runs", said=said),
            evidence=evidence, from_absence=True,
        )  # fmt: skip
        return
    yield _proof(inventory, policy, project, said, begin, due)


def trial_days(project: Project, policy: Policy) -> tuple[date, date] | None:
    """The first day of the month of trial run, and the day on which it is full, which needs no night of its own.

    None where the register does not say both of its days.
    """
    initial, start = project.initial_acceptance_on, project.trial_start_on
    if initial is None or start is None:
        return None
    # Counted from the later of the two: a trial before the initial acceptance is none.
    begin = max(initial, start)
    return begin, add_months(begin, policy.parameters.trial_months)


def _said(project: Project, due: date) -> Message:
    return msg("initial acceptance of {code} on {initial}, trial run since {start}, a month of it until {due}",
               code=project.native_id, initial=day(project.initial_acceptance_on), start=day(project.trial_start_on),
               due=day(due))  # fmt: skip


DECIDED = (Verdict.PASS, Verdict.ADVISORY)
"""What nights that were seen can make of a trial run."""


def is_of_nights(finding: Finding) -> bool:
    """Whether a finding of this check says what the nights showed, be it that too many of them were not seen."""
    return finding.verdict in DECIDED or {"counted", "gaps"} <= finding.reason.args.keys()


def concluded(finding: Finding, scan: int, on: date) -> Concluded:
    """What a finding of that scan says of the nights that it rests on; where it cites an earlier scan, that one's word.

    `on`: local date of the scan's clock.
    """
    match finding.reason.args:
        case {"reason": Message() as reason, "scan": int(earlier), "day": str(told)}:
            scan, on = earlier, date.fromisoformat(told)
        case _:
            reason = finding.reason
    return Concluded(scan=scan, day=on, verdict=finding.verdict, reason=reason, evidence=finding.evidence)


def still_holds(kept: Concluded, project: Project, systems: Iterable[System], policy: Policy) -> bool:
    """Whether it speaks of what the register says today, the days and the systems, and saw enough of the days.

    `systems`: those of the project today. Of one that was not judged then nothing was concluded.
    """
    days = trial_days(project, policy)
    if days is None or not {project.key, *(s.key for s in systems)} <= set(kept.evidence):
        return False
    for message in _within(kept.reason):
        match message.args:
            case {"said": Message(args=said), "covered": int(covered), "days": int(of)}:
                return said == _said(project, days[1]).args and of - covered <= policy.choices.trial_gap_days
            case _:
                continue
    return False


def _within(message: Message) -> Iterator[Message]:
    yield message
    for value in message.args.values():
        if isinstance(value, Message):
            yield from _within(value)


def _proof(inventory: Inventory, policy: Policy, project: Project, said: Message, begin: date, due: date) -> Line:
    """What our nights make of a trial run that was long enough on paper."""
    systems = inventory.systems_of(project)
    evidence = (project.key, *(s.key for s in systems))
    last = due - timedelta(days=1)  # the day on which the month is full needs no night of its own
    history = inventory.history
    codes = [s.native_id for s in systems]
    known = history.components(codes, begin, last)
    own = {key for s in systems for key in component_keys(inventory, s)}
    later = {key for key in own - known if _came_later(history, key, begin, last)}
    keys = (known | own) - later
    seen = observed(history, keys, begin, last, codes=codes)
    kept = history.concluded.get(project.native_id)
    # Nights that are still there and show it down outrank a pass: it did not know of them, or not all that they show.
    is_denied = kept is not None and kept.verdict is Verdict.PASS and bool(seen.down)
    if kept is not None and not is_denied and still_holds(kept, project, systems, policy):
        return Line(
            verdict=kept.verdict,
            reason=msg("{reason}; so concluded scan {scan} of {day}, not all of whose nights are kept",
                       reason=kept.reason, scan=kept.scan, day=day(kept.day)),
            remedy=_EXPLAINED if kept.verdict is Verdict.ADVISORY else None,
            evidence=kept.evidence,
        )  # fmt: skip
    if not keys:
        nothing = (
            msg("{said}; nothing that {code} runs on today was there in that month", said=said, code=project.native_id)
            if later
            else msg("{said}; nothing that {code} runs on was found", said=said, code=project.native_id)
        )
        return Line(
            verdict=Verdict.UNKNOWN,
            decided_by=Step.COVERAGE,
            reason=nothing,
            missing=(msg("hosts or tenants of the systems of {code} in the register, by {department}",
                         code=project.native_id, department=keeper(project)),),
            evidence=evidence,
        )  # fmt: skip
    counted = msg(
        "{said}; all of its {components} component(s) were seen running on {running} of {covered} day(s) covered by "
        "scans, out of {days}",
        said=said, components=len(keys), running=len(seen.running), covered=seen.covered, days=seen.days,
    )  # fmt: skip
    if later:
        counted = msg("{counted}; {count} more came after that month and were not on trial", counted=counted,
                      count=len(later))  # fmt: skip
    if seen.lent:
        counted = msg(
            "{counted}; on some days {count} of them were known as another system's, which proves nothing here",
            counted=counted, count=len(seen.lent),
        )  # fmt: skip
    if len(seen.unseen) > policy.choices.trial_gap_days:
        report = project.trial_report or msg("none in the register")
        return Line(
            verdict=Verdict.UNKNOWN,
            decided_by=Step.COVERAGE,
            reason=msg("{counted}; not covered: {gaps}", counted=counted, gaps=stretches(seen.unseen)),
            missing=(msg("what shows that {code} ran on these days: the report on its trial run ({report}) and its "
                         "logs, by {department}", code=project.native_id, report=report, department=keeper(project)),),
            evidence=evidence,
        )  # fmt: skip
    if seen.down:
        return Line(
            verdict=Verdict.ADVISORY,
            reason=msg("{counted}; not running, or not there, on {down}", counted=counted, down=stretches(seen.down)),
            remedy=_EXPLAINED,
            evidence=evidence,
        )  # fmt: skip
    reason = counted
    if seen.unseen:
        reason = msg("{counted}; not covered: {gaps}", counted=counted, gaps=stretches(seen.unseen))
    return Line(verdict=Verdict.PASS, reason=reason, evidence=evidence)


CHECK = Check(
    id="23.2-trial-run",
    title=msg("A month of trial run after the initial acceptance"),
    articles=("23(2)",),
    clause="23(2)",
    subject_kind="project",
    strength=Strength.MUST,
    reads=("project", "system", "host", "workload", "tenant", "ownership", "segment"),
    enumerates=("project",),
    judge=judge,
    remedy=msg("run it on trial for a month after the initial acceptance, and enter both days in the register"),
)
