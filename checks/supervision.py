"""Art. 18: within five working days of the award the department applies for a supervisor 派驻监理申请."""

from collections.abc import Iterator
from datetime import date

from checks.applicability import project_barrier
from checks.check import Check, Opinion, Step, Strength, absence_gaps
from checks.policy import Policy
from checks.project_steps import day, keeper, keeps, told
from checks.subjects import project_subject
from checks.working_days import Reckoned
from inventory.finding import Verdict
from inventory.inventory import Inventory, law_date
from inventory.records import Project, ProjectKind
from inventory.text import Message, msg

_NOTHING_BUILT = frozenset({ProjectKind.OPERATION})
"""Art. 17: supervision covers the building of hardware and software. Art. 21 says the same of acceptance, but Art. 2
counts operation and maintenance among the projects: it stays under acceptance until the centre says otherwise."""


def judge(inventory: Inventory, policy: Policy) -> Iterator[Opinion]:
    """One opinion for every project of the register."""
    for project in inventory.projects:
        yield _judge(inventory, policy, project)


def application_due(policy: Policy, project: Project) -> Reckoned | None:
    """Last day of the application; None where the register does not say when the project was awarded."""
    if project.awarded_on is None:
        return None
    return policy.calendar.after(project.awarded_on, policy.parameters.supervision_working_days)


def _judge(inventory: Inventory, policy: Policy, project: Project) -> Opinion:
    barrier = project_barrier(policy, project)
    if barrier is not None:
        return barrier.opinion(project_subject(project), (project.key,))
    code = project.native_id
    if project.project_kind in _NOTHING_BUILT:
        reason = msg("{code} is operation and maintenance: {article} speaks of building hardware and software",
                     code=code, article=policy.pack.article("17"))  # fmt: skip
        return told(project, Verdict.NOT_APPLICABLE, reason, step=Step.KIND)
    due = application_due(policy, project)
    if due is None or project.awarded_on is None:
        # A service that was not tendered has no award: whether there was one, the department must say.
        missing = msg("day of the award of {code}, by {department}", code=code, department=keeper(project))
        reason = msg("the register does not say when {code} was awarded", code=code)
        return told(project, Verdict.UNKNOWN, reason, step=Step.ERA, missing=(missing,))
    if project.awarded_on < policy.effective_from:
        reason = msg("{code} was awarded on {date}, before the regulation took effect", code=code,
                     date=day(project.awarded_on))  # fmt: skip
        return told(project, Verdict.NOT_APPLICABLE, reason, step=Step.ERA)
    if project.supervision_applied_on is not None:
        return _applied(inventory, policy, project, project.supervision_applied_on, due)
    return _not_applied(inventory, policy, project, due)


def _term(project: Project, due: Reckoned) -> Message:
    said = msg("{code} was awarded on {date}, the application for a supervisor was due by {due}",
               code=project.native_id, date=day(project.awarded_on), due=day(due.day))  # fmt: skip
    if not due.is_provisional:
        return said
    return msg("{said} (provisional: the working days of {year} are not known)", said=said, year=str(due.day.year))


def _calendar(due: Reckoned) -> Message:
    return msg("the working days of {year}, in the calendar's file, by the infrastructure team", year=str(due.day.year))


def _late(policy: Policy, reason: Message) -> Message:
    return msg("{reason}; it does not meet {article}", reason=reason, article=policy.pack.article("18"))


def _applied(inventory: Inventory, policy: Policy, project: Project, applied: date, due: Reckoned) -> Opinion:
    reason = msg("{term}; it was made on {applied}", term=_term(project, due), applied=day(applied))
    doubt = None
    if applied > law_date(inventory.as_of):
        doubt = msg("{said}; that is after this scan", said=reason)
    elif project.awarded_on is not None and applied < project.awarded_on:
        doubt = msg("{said}; that is before the award", said=reason)
    if doubt is not None:
        missing = msg("day of the application for a supervisor of {code}, by {department}", code=project.native_id,
                      department=keeper(project))  # fmt: skip
        return told(project, Verdict.UNKNOWN, doubt, missing=(missing,))
    if applied <= due.earliest:
        return told(project, Verdict.PASS, reason)
    if applied > due.latest:
        return told(project, Verdict.FAIL, _late(policy, reason))
    return told(project, Verdict.UNKNOWN, reason, missing=(_calendar(due),))


def _not_applied(inventory: Inventory, policy: Policy, project: Project, due: Reckoned) -> Opinion:
    today = law_date(inventory.as_of)
    reason = msg("{term}; the register holds none", term=_term(project, due))
    if today <= due.day:
        return told(project, Verdict.ADVISORY, reason, from_absence=True)
    if due.is_provisional and today <= due.latest:
        return told(project, Verdict.UNKNOWN, reason, missing=(_calendar(due),))
    gaps = absence_gaps(inventory.coverage, "project")
    if gaps or not keeps(inventory, project, "supervision_applied_on"):
        missing = msg("day of the application for a supervisor of {code}, by {department}", code=project.native_id,
                      department=keeper(project))  # fmt: skip
        return told(project, Verdict.UNKNOWN, reason, step=Step.COVERAGE, missing=(missing, *gaps))
    return told(project, Verdict.FAIL, _late(policy, reason), from_absence=True)


CHECK = Check(
    id="18-supervision",
    title=msg("A supervisor is applied for in time"),
    articles=("18", "17"),
    clause="18",
    subject_kind="project",
    strength=Strength.MUST,
    reads=("project",),
    enumerates=("project",),
    judge=judge,
    remedy=msg("its department applies in writing for a supervisor (Annex 2) and enters the day in the register"),
)
