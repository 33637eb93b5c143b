"""One of several things that a check looks at in one subject, and how they become one opinion."""

from collections.abc import Sequence
from dataclasses import dataclass

from checks.check import Opinion, Step, distinct
from inventory.finding import Subject, Verdict, worst
from inventory.text import Message, msg


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One thing looked at."""

    verdict: Verdict
    reason: Message
    missing: tuple[Message, ...] = ()
    """What would settle it; given where it is unknown."""
    remedy: Message | None = None
    evidence: tuple[str, ...] = ()
    decided_by: Step = Step.CLAUSE
    from_absence: bool = False


def combined(subject: Subject, lines: Sequence[Line], *, rests_on: tuple[str, ...] = ()) -> Opinion:
    """The worst line decides and is told, all of them where several are equally bad; of a pass, every line is told."""
    verdict = worst([line.verdict for line in lines])
    told = [line for line in lines if line.verdict is verdict]
    reason = told[0].reason if len(told) == 1 else msg("{reasons}", reasons=[line.reason for line in told])
    remedies = distinct(line.remedy for line in told if line.remedy is not None)
    remedy = remedies[0] if len(remedies) == 1 else msg("{steps}", steps=list(remedies)) if remedies else None
    return Opinion(
        subject=subject,
        verdict=verdict,
        reason=reason,
        decided_by=told[0].decided_by,
        missing=distinct(m for line in told for m in line.missing),
        remedy=remedy,
        evidence=tuple(sorted({key for line in told for key in line.evidence})),
        rests_on=rests_on,
        from_absence=any(line.from_absence for line in told),
    )
