"""Dates to come: when the next assessment is due and when certificates and contracts end."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from checks.applicability import system_barrier
from checks.policy import Policy
from checks.protection import Graded, filing_expiry, graded_platform, graded_system, level_line, next_assessment
from checks.subjects import contract_subject, platform_subject, system_subject
from inventory.finding import Subject, Verdict
from inventory.inventory import Inventory, law_date


class DueKind(StrEnum):
    """What is due."""

    ASSESSMENT = "assessment"
    """下次等级测评"""
    FILING = "filing"
    """备案证明到期"""
    CONTRACT = "contract"
    """第三方服务合同到期"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """One date 到期日."""

    kind: DueKind
    subject: Subject
    due_on: date
    """Last day on which it is in time."""
    articles: tuple[str, ...]
    evidence: tuple[str, ...] = ()

    def days_left(self, today: date) -> int:
        """Days until then; negative where it is past."""
        return (self.due_on - today).days


def due(inventory: Inventory, policy: Policy) -> tuple[Due, ...]:
    """Every date that the records hold, earliest first; what has no date is not here but in the findings."""
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
    return tuple(sorted(found, key=lambda d: (d.due_on, d.kind, d.subject.key)))


def _of_graded(policy: Policy, graded: Graded, subject: Subject, inventory: Inventory) -> Iterator[Due]:
    today = law_date(inventory.as_of)
    articles = ("15", "mlps-43", "mlps-1846") if subject.kind == "platform" else ("mlps-43", "mlps-1846")
    level = level_line(graded)
    reports = [a for a in graded.assessments if a.reported_on is not None and a.reported_on <= today]
    if isinstance(level, int) and reports:
        day = next_assessment(policy, reports[0], level)
        if day is not None:
            yield Due(
                kind=DueKind.ASSESSMENT, subject=subject, due_on=day, articles=articles, evidence=(reports[0].key,)
            )
    ends = [(day, f.key) for f in graded.filings if (day := filing_expiry(policy, f, graded.assessments)) is not None]
    if ends:
        # Of several certificates the one that holds longest counts.
        day, key = max(ends)
        yield Due(kind=DueKind.FILING, subject=subject, due_on=day, articles=articles, evidence=(key,))
