"""What the checks on a project's steps share: supervision, trial run, reports, acceptance, evaluation."""

from datetime import date

from checks.applicability import Era, acceptance_age, era_barrier, project_barrier
from checks.check import Opinion, Step
from checks.decision import Barrier
from checks.policy import Policy
from checks.subjects import project_subject
from inventory.finding import Verdict
from inventory.inventory import Inventory
from inventory.records import Project
from inventory.text import Message, msg


def steps_gate(policy: Policy, project: Project) -> Opinion | None:
    """The opinion on a project that Chapter 6 does not reach: scope, level, kind, accepted before the regulation."""
    subject = project_subject(project)
    barrier = project_barrier(policy, project)
    if barrier is not None:
        return barrier.opinion(subject, (project.key,))
    age = acceptance_age(policy, project)
    if age.era is Era.NEW:
        return None
    if age.era is Era.UNKNOWN:
        return era_barrier(age).opinion(subject)
    before = Barrier(
        verdict=Verdict.NOT_APPLICABLE,
        decided_by=Step.ERA,
        reason=msg("{age}, before the regulation took effect", age=age.because),
        evidence=age.evidence,
    )
    return before.opinion(subject)


def is_begun(project: Project) -> bool:
    """Whether any step of the acceptance is in the register."""
    steps = (
        project.initial_acceptance_on,
        project.trial_start_on,
        project.trial_end_on,
        project.final_acceptance_on,
    )
    return any(step is not None for step in steps)


def keeps(inventory: Inventory, project: Project, field: str) -> bool:
    """Whether the register that the project stands in holds this date of anybody.

    A register without such a column says nothing by an empty cell; one that has it for others says "not done yet".
    """
    return any(getattr(p, field) is not None for p in inventory.projects if p.source == project.source)


def keeper(project: Project) -> str | Message:
    """Who can supply what the register does not say."""
    return project.department or msg("the building department")


def told(
    project: Project,
    verdict: Verdict,
    reason: Message,
    *,
    step: Step = Step.CLAUSE,
    missing: tuple[Message, ...] = (),
    remedy: Message | None = None,
    from_absence: bool = False,
) -> Opinion:
    """An opinion on the project that rests on its row of the register."""
    return Opinion(
        subject=project_subject(project),
        verdict=verdict,
        decided_by=step,
        reason=reason,
        missing=missing,
        remedy=remedy,
        evidence=(project.key,),
        from_absence=from_absence,
    )


def not_yet(project: Project, reason: Message) -> Opinion:
    """That the duty has not come about: what the register says of no step yet. A row that was rejected may say more."""
    return told(project, Verdict.NOT_APPLICABLE, reason, step=Step.ERA, from_absence=True)


def unreadable(project: Project) -> Opinion:
    """That the conclusion of an acceptance says neither that it was passed nor that it was not."""
    reason = msg("whether {code} passed its acceptance on {date} is not plain: {conclusion}", code=project.native_id,
                 date=day(project.final_acceptance_on), conclusion=project.acceptance_conclusion or "-")  # fmt: skip
    missing = msg("the conclusion of the acceptance of {code} in the register, by {department}",
                  code=project.native_id, department=keeper(project))  # fmt: skip
    return told(project, Verdict.UNKNOWN, reason, missing=(missing,))


def day(moment: date | None) -> str:
    """A date as sentences show it."""
    return moment.isoformat() if moment is not None else "-"
