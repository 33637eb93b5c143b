"""Art. 23(7), second half: the project's data is shared 实现了数据资源共享: achieved, not applied for."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from checks.check import Check, Opinion, Strength
from checks.line import Line, combined
from checks.policy import Policy
from checks.project_deployment import project_gate, unresolved_lines
from checks.sharing import sharing_of
from checks.subjects import project_subject
from inventory.finding import Verdict
from inventory.inventory import Inventory, law_date
from inventory.records import System
from inventory.text import msg


def judge(inventory: Inventory, policy: Policy) -> Iterator[Opinion]:
    """One opinion for every project of the register."""
    for project in inventory.projects:
        gate = project_gate(inventory, policy, project)
        if gate is not None:
            yield gate
            continue
        systems = inventory.systems_of(project)
        judged = [_line(inventory, policy, s) for s in systems]
        lines = [*unresolved_lines(inventory, project), *(line for line, _ in judged)]
        names = tuple(n for s, (_, own) in zip(systems, judged, strict=True) for n in (s.native_id, s.name, *own))
        opinion = combined(project_subject(project), lines, rests_on=names)
        yield replace(opinion, articles=_articles(policy, law_date(inventory.as_of)))


def _line(inventory: Inventory, policy: Policy, system: System) -> tuple[Line, tuple[str, ...]]:
    sharing = sharing_of(inventory, policy, system)
    wanted = policy.choices.sharing_level
    evidence = (*sharing.evidence, system.key)
    if sharing.exempt is not None:
        # That all of its entries are exempt says that there is no other one.
        line = Line(verdict=Verdict.NOT_APPLICABLE, reason=sharing.exempt, evidence=evidence, from_absence=True)
    elif sharing.level >= wanted:
        line = Line(verdict=Verdict.PASS, reason=sharing.reason, evidence=evidence)
    elif sharing.missing:
        line = Line(verdict=Verdict.UNKNOWN, reason=sharing.reason, missing=sharing.missing, evidence=evidence)
    else:
        line = Line(
            verdict=Verdict.FAIL,
            reason=msg(
                "{sharing}; L{wanted} is asked, it does not meet {article}",
                sharing=sharing.reason,
                wanted=wanted,
                article=policy.pack.article("23(7)"),
            ),
            evidence=evidence,
            from_absence=True,
        )
    return line, sharing.names


def _articles(policy: Policy, today: date) -> tuple[str, ...]:
    """The regulation's item, and the national ordinance 政务数据共享条例 for facts since it is in force."""
    since = policy.pack.norms["sharing-2025"].effective_from
    return ("23(7)", "sharing-2025") if since is not None and today >= since else ("23(7)",)


CHECK = Check(
    id="23.7-sharing",
    title=msg("What a project delivers shares its data"),
    articles=("23(7)", "sharing-2025"),
    clause="23(7)",
    subject_kind="project",
    strength=Strength.MUST,
    reads=("project", "system", "sharing_entry", "sharing_use"),
    enumerates=("project",),
    judge=judge,
    remedy=msg("catalogue and mount the project's data and have it used over the sharing platform before acceptance"),
)
