"""Art. 23: what an acceptance panel can take from here, each line with its own basis.

Deployment (A) and sharing (B) under Art. 23(7); the records of classified protection of the project's systems, where
the policy asks for them, under 23(1) and the law on protection: 23(7) does not mention them. The trial run and the
third parties' reports, where it asks for those, under 23(2) and 23(8).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from checks import (
    mlps_assessment,
    mlps_filing,
    project_deployment,
    project_sharing,
    third_party_reports,
    trial_run,
)
from checks.check import Check, Opinion, Strength, run
from checks.line import Line, combined
from checks.policy import Policy
from checks.project_deployment import project_gate
from checks.subjects import project_subject
from inventory.finding import Finding
from inventory.inventory import Inventory
from inventory.records import Project
from inventory.text import Message, msg


def judge(inventory: Inventory, policy: Policy) -> Iterator[Opinion]:
    """One opinion for every project of the register."""
    asked = [project_deployment.CHECK, project_sharing.CHECK]
    if policy.choices.acceptance_needs_trial_run:
        asked += [trial_run.CHECK, third_party_reports.CHECK]
    items = [{f.subject.id: f for f in run(check, inventory, policy) if f.subject.kind == "project"} for check in asked]
    records: list[Mapping[str, Finding]] = []
    if policy.choices.acceptance_needs_mlps:
        records = [
            {f.subject.id: f for f in run(check, inventory, policy) if f.subject.kind == "system"}
            for check in (mlps_filing.CHECK, mlps_assessment.CHECK)
        ]
    for project in inventory.projects:
        gate = project_gate(inventory, policy, project)
        if gate is not None:
            yield gate
            continue
        findings = [found[project.native_id] for found in items if project.native_id in found]
        findings += [
            found[s.native_id] for s in inventory.systems_of(project) for found in records if s.native_id in found
        ]
        yield _opinion(policy, project, findings)


def _opinion(policy: Policy, project: Project, findings: Sequence[Finding]) -> Opinion:
    lines = [
        Line(
            verdict=f.verdict,
            reason=_told(policy, f),
            missing=f.missing,
            remedy=f.remedy,
            evidence=f.evidence,
        )
        for f in findings
    ]
    opinion = combined(project_subject(project), lines)
    decisive = [f for f in findings if f.verdict is opinion.verdict]
    # The articles of what decided: a missing filing is no breach of Art. 23(7).
    articles = tuple(dict.fromkeys(a for f in decisive for a in _articles(f)))
    return replace(opinion, articles=articles)


def _articles(finding: Finding) -> tuple[str, ...]:
    is_item = finding.check.startswith("23.")
    return finding.articles if is_item else ("23(1)", *finding.articles)


def _told(policy: Policy, finding: Finding) -> Message:
    basis = ", ".join(policy.pack.cite(a) for a in finding.articles)
    return msg("{check} ({basis}): {reason}", check=_TITLES[finding.check], basis=basis, reason=finding.reason)


_TITLES = {
    c.id: c.title
    for c in (
        project_deployment.CHECK,
        project_sharing.CHECK,
        trial_run.CHECK,
        third_party_reports.CHECK,
        mlps_filing.CHECK,
        mlps_assessment.CHECK,
    )
}


CHECK = Check(
    id="23-acceptance",
    title=msg("Evidence for the acceptance of a project"),
    articles=("23", "23(1)", "23(2)", "23(7)", "23(8)"),
    clause="23",
    subject_kind="project",
    strength=Strength.MUST,
    reads=("project", "system", "host", "tenant", "workload", "ownership", "segment", "sharing_entry", "sharing_use",
           "mlps_filing", "mlps_assessment"),
    enumerates=("project",),
    judge=judge,
    remedy=msg("settle each line above before the project is put up for acceptance"),
)  # fmt: skip
