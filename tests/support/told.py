"""Whole opinions as text: every field of what a check says, for comparing with pages that a person has read through.

A page (`tests/checks/told/CHECK.txt`) holds one section for each case: a heading that names the case, then the opinions
in the check's order, in English. What is not given has no line. A page is never written anew from what the code says:
a line changes because the law, or a sentence, was meant to change.
"""

from collections.abc import Iterator
from pathlib import Path

import builders as b
from verdicts import assert_whole

from checks.catalogue import CATALOGUE
from checks.check import Opinion, run
from checks.policy import Policy
from inventory.finding import Finding, Subject
from inventory.inventory import Inventory
from inventory.text import Message, tell

PAGES = Path(__file__).parents[1] / "checks" / "told"

Case = Inventory | tuple[Inventory, Policy]


def page(check: str, pages: Path = PAGES) -> dict[str, str]:
    """The sections of the check's page by their heading."""
    sections = (pages / f"{check}.txt").read_text(encoding="utf-8").split("\n## ")[1:]
    return {heading: body.strip() for heading, _, body in (s.partition("\n") for s in sections)}


def told(check_id: str, case: Case, only: str | None = None) -> str:
    """What the check says of the case, or of one subject in it; the findings that come of it are whole."""
    inventory, policy = case if isinstance(case, tuple) else (case, None)
    check = next(c for c in CATALOGUE if c.id == check_id)
    chosen = policy or b.policy()
    for finding in run(check, inventory, chosen):
        assert_whole(finding)
    opinions = [o for o in check.judge(inventory, chosen) if only in (None, o.subject.key)]
    return "\n\n".join("\n".join(_lines(o)) for o in opinions)


def told_finding(finding: Finding) -> str:
    """The finding, every field of it."""
    return "\n".join(
        (
            f"{finding.check} on {_subject(finding.subject)}",
            f"{finding.verdict.value} by {finding.decided_by}, under {' '.join(finding.articles)}",
            *_sentences(finding.reason, finding.missing, finding.remedy),
            *([f"  evidence: {' '.join(finding.evidence)}"] if finding.evidence else []),
        )
    )


def _lines(opinion: Opinion) -> Iterator[str]:
    yield _subject(opinion.subject)
    absent = ", from absence" if opinion.from_absence else ""
    under = f", under {' '.join(opinion.articles)}" if opinion.articles else ""
    yield f"{opinion.verdict.value} by {opinion.decided_by.value}{absent}{under}"
    yield from _sentences(opinion.reason, opinion.missing, opinion.remedy)
    if opinion.evidence:
        yield f"  evidence: {' '.join(sorted(set(opinion.evidence)))}"
    if opinion.rests_on:
        yield f"  rests on: {', '.join(sorted(set(opinion.rests_on)))}"


def _subject(subject: Subject) -> str:
    of = "".join(f", {text}" for text in (subject.department, " ".join(subject.projects)) if text)
    return f"{subject.key} “{subject.name}”{of}"


def _sentences(reason: Message, missing: tuple[Message, ...], remedy: Message | None) -> Iterator[str]:
    yield f"  {tell(reason, 'en')}"
    for sentence in missing:
        yield f"  missing: {tell(sentence, 'en')}"
    if remedy is not None:
        yield f"  remedy: {tell(remedy, 'en')}"
