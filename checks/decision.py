"""The decision order of every check, in one place (design of the law as code):

classified → in scope (Art. 2) → the city's own, or of province or state → kind → new or already built → exempted → the
clause. A step that certainly ends the question outranks an earlier one that is merely open: whoever pays for a system
of the province, no clause of the city reaches it. Among equals the earlier step decides, and every verdict says which.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from checks.check import Opinion, Step
from inventory.finding import Subject, Verdict
from inventory.text import Message

ORDER = (Step.CLASSIFIED, Step.SCOPE, Step.LEVEL, Step.KIND, Step.ERA, Step.EXEMPTION, Step.COVERAGE, Step.CLAUSE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Barrier:
    """Why the clause is not reached: it does not apply, or whether it applies is not known."""

    verdict: Verdict
    """`not_applicable` or `unknown`."""
    decided_by: Step
    reason: Message
    missing: tuple[Message, ...] = ()
    evidence: tuple[str, ...] = ()
    from_absence: bool = False
    """Whether it follows from something not being there: no project that would bring it under the clause."""

    def opinion(self, subject: Subject, evidence: Iterable[str] = ()) -> Opinion:
        """The opinion on a subject that does not get past it."""
        return Opinion(
            subject=subject,
            verdict=self.verdict,
            reason=self.reason,
            decided_by=self.decided_by,
            missing=self.missing,
            evidence=(*self.evidence, *evidence),
            from_absence=self.from_absence,
        )


def decisive(*barriers: Barrier | None) -> Barrier | None:
    """The barrier that decides; None if the clause is reached."""
    standing = [b for b in barriers if b is not None]
    return min(standing, key=lambda b: (b.verdict is Verdict.UNKNOWN, ORDER.index(b.decided_by)), default=None)
