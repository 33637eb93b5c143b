"""Dates to come 到期提醒: of classified protection, contracts, projects, migrations, waivers and the rule itself."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from checks.applicability import Era, acceptance_age, project_barrier, system_age, system_barrier
from checks.conclusions import has_failed
from checks.deployment import deployment_of
from checks.policy import Policy
from checks.project_steps import keeps
from checks.protection import (
    Graded,
    filing_expiry,
    graded_platform,
    graded_system,
    level_line,
    made_by,
    next_assessment,
)
from checks.self_evaluation import evaluation_window
from checks.subjects import contract_subject, platform_subject, project_subject, system_subject
from checks.supervision import application_due
from inventory.finding import Subject, Verdict
from inventory.inventory import Inventory, law_date
from inventory.records import Project, ProjectKind
from inventory.waiver import Waiver

RECENT_DAYS = 30
"""Days after an award in which an application that is not in the register is still expected."""


class DueKind(StrEnum):
    """What is due."""

    ASSESSMENT = "assessment"
    """下次等级测评"""
    FILING = "filing"
    """备案证明到期"""
    CONTRACT = "contract"
    """第三方服务合同到期"""
    SUPERVISION = "supervision"
    """监理申请 (Art. 18)"""
    EVALUATION = "evaluation"
    """自评价 (Art. 26)"""
    MIGRATION = "migration"
    """计划割接, or the deadline set for systems already built (Art. 16)"""
    WAIVER = "waiver"
    """豁免到期"""
    RULE = "rule"
    """政策依据到期"""


_CHECKS = {
    DueKind.CONTRACT: "14-third-party",
    DueKind.SUPERVISION: "18-supervision",
    DueKind.EVALUATION: "26-self-evaluation",
    DueKind.MIGRATION: "16-migration",
}
"""Checks that hold these dates: where the rule has no clause for one, nothing is due by it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """One date 到期日."""

    kind: DueKind
    subject: Subject
    due_on: date
    """Last day on which it is in time."""
    articles: tuple[str, ...]
    evidence: tuple[str, ...] = ()
    is_provisional: bool = False
    """Counted in working days of a year that is not announced yet."""

    def days_left(self, today: date) -> int:
        """Days until then; negative where it is past."""
        return (self.due_on - today).days


def due(inventory: Inventory, policy: Policy) -> tuple[Due, ...]:
    """Every date that the records hold, earliest first; what has no date is not here but in the findings."""
    without = policy.pack.without
    found = list(_of_graded(policy, graded_platform(inventory, policy), platform_subject(policy), inventory))
    for system in inventory.systems:
        barrier = system_barrier(inventory, policy, system, needs_funding=False)
        if barrier is not None and barrier.verdict is Verdict.NOT_APPLICABLE:
            continue
        subject = system_subject(inventory, system)
        found += _of_graded(policy, graded_system(inventory, system), subject, inventory)
    found += [
        Due(kind=DueKind.CONTRACT, subject=contract_subject(c), due_on=c.valid_to, articles=("14",), evidence=(c.key,))
        for c in inventory.third_parties
        if c.valid_to is not None
    ]
    for project in inventory.projects:
        found += _of_project(inventory, policy, project)
    found += _of_migrations(inventory, policy)
    found += [_of_waiver(w) for w in policy.waivers]
    rule = Subject(kind="policy", id=policy.pack.id, name=f"{policy.pack.title} {policy.pack.number}")
    found.append(Due(kind=DueKind.RULE, subject=rule, due_on=policy.expires_on, articles=("30",)))
    found = [d for d in found if _CHECKS.get(d.kind) not in without]
    return tuple(sorted(found, key=lambda d: (d.due_on, d.kind, d.subject.key)))


def due_within(found: tuple[Due, ...], today: date, days: int, *, past: bool = True) -> tuple[Due, ...]:
    """Those that fall due within so many days; with `past`, those that are overdue too."""
    return tuple(d for d in found if d.days_left(today) <= days and (past or d.days_left(today) >= 0))


def _of_project(inventory: Inventory, policy: Policy, project: Project) -> Iterator[Due]:
    """What the register does not hold yet and the project still owes; what is done is not due."""
    if project_barrier(policy, project) is not None:
        return
    subject, evidence = project_subject(project), (project.key,)
    reckoned = application_due(policy, project)
    is_new = project.awarded_on is not None and project.awarded_on >= policy.effective_from
    if (
        reckoned is not None and is_new and project.supervision_applied_on is None
        and project.project_kind is not ProjectKind.OPERATION and _is_kept(inventory, project, "supervision_applied_on")
    ):  # fmt: skip
        yield Due(
            kind=DueKind.SUPERVISION, subject=subject, due_on=reckoned.day, articles=("18",), evidence=evidence,
            is_provisional=reckoned.is_provisional,
        )  # fmt: skip
    window = evaluation_window(policy, project)
    is_reached = acceptance_age(policy, project).era is Era.NEW and not has_failed(project.acceptance_conclusion)
    if window is not None and is_reached and project.self_evaluation_on is None:
        yield Due(
            kind=DueKind.EVALUATION, subject=subject, due_on=window.closes, articles=("26",), evidence=evidence
        )  # fmt: skip


def _is_kept(inventory: Inventory, project: Project, field: str) -> bool:
    """Whether an empty cell means anything: a day that may just be coming does, whatever the register keeps."""
    due_soon = project.awarded_on is not None and (law_date(inventory.as_of) - project.awarded_on).days <= RECENT_DAYS
    return due_soon or keeps(inventory, project, field)


def _of_migrations(inventory: Inventory, policy: Policy) -> Iterator[Due]:
    """Planned days of cut-over of systems that the register does not call moved; the deadline set for all of them is
    due for those without a plan too, unless they were found on the cloud."""
    for system in inventory.systems:
        if system.migrated_on is not None or system.is_retired or system_barrier(inventory, policy, system) is not None:
            continue
        days = [system.migration_plan_cutover_on]
        if policy.legacy_deadline is not None and system_age(inventory, policy, system).era is Era.LEGACY:
            days.append(policy.legacy_deadline)
        due_on = min((d for d in days if d is not None), default=None)
        is_moved = days[0] is None and deployment_of(inventory, system).verdict is Verdict.PASS
        if due_on is not None and not is_moved:
            yield Due(
                kind=DueKind.MIGRATION,
                subject=system_subject(inventory, system),
                due_on=due_on,
                articles=("16",),
                evidence=(system.key,),
            )


def _of_waiver(waiver: Waiver) -> Due:
    subject = Subject(kind="waiver", id=waiver.id, name=f"{waiver.id} {waiver.check} {waiver.document}")
    return Due(kind=DueKind.WAIVER, subject=subject, due_on=waiver.expires_on, articles=())


def _of_graded(policy: Policy, graded: Graded, subject: Subject, inventory: Inventory) -> Iterator[Due]:
    today = law_date(inventory.as_of)
    articles = ("15", "mlps-43", "mlps-1846") if subject.kind == "platform" else ("mlps-43", "mlps-1846")
    level = level_line(graded)
    reports = made_by(graded.assessments, today)
    if isinstance(level, int) and reports:
        day = next_assessment(policy, reports[0], level)
        if day is not None:
            yield Due(
                kind=DueKind.ASSESSMENT, subject=subject, due_on=day, articles=articles, evidence=(reports[0].key,)
            )
    ends = [(day, f.key) for f in graded.filings if (day := filing_expiry(policy, f, reports)) is not None]
    if ends:
        # Of several certificates the one that holds longest counts.
        day, key = max(ends)
        yield Due(kind=DueKind.FILING, subject=subject, due_on=day, articles=articles, evidence=(key,))
