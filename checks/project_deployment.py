"""Art. 23(7), first half: what a project delivers is deployed on, or moved to, the government cloud."""

from collections.abc import Iterator

from checks.applicability import Era, acceptance_age, era_barrier, project_barrier
from checks.check import Check, Opinion, Step, Strength, absence_gaps
from checks.deployment import Deployment, deployment_of
from checks.line import Line, combined
from checks.policy import Policy
from checks.subjects import project_subject
from inventory.finding import Verdict
from inventory.inventory import Inventory
from inventory.records import Project
from inventory.text import msg


def judge(inventory: Inventory, policy: Policy) -> Iterator[Opinion]:
    """One opinion for every project of the register."""
    for project in inventory.projects:
        gate = project_gate(inventory, policy, project)
        if gate is not None:
            yield gate
            continue
        deployments = [deployment_of(inventory, s) for s in inventory.systems_of(project)]
        lines = [*unresolved_lines(inventory, project), *(_line(policy, d) for d in deployments)]
        names = tuple(n for d in deployments for n in (d.system.native_id, d.system.name, *d.rests_on))
        yield combined(project_subject(project), lines, rests_on=names)


def project_gate(inventory: Inventory, policy: Policy, project: Project) -> Opinion | None:
    """The opinion on a project that Art. 23 does not reach, or that names nothing to look at; None if it does."""
    subject = project_subject(project)
    barrier = project_barrier(policy, project)
    if barrier is not None:
        return barrier.opinion(subject, (project.key,))
    age = acceptance_age(policy, project)
    if age.era is Era.UNKNOWN:
        return era_barrier(age).opinion(subject, age.evidence)
    if age.era is Era.LEGACY:
        return Opinion(
            subject=subject,
            verdict=Verdict.NOT_APPLICABLE,
            decided_by=Step.ERA,
            reason=msg("{age}, before the regulation took effect", age=age.because),
            evidence=age.evidence,
        )
    if inventory.systems_of(project) or any(True for _ in unresolved_lines(inventory, project)):
        return None
    return Opinion(
        subject=subject,
        verdict=Verdict.UNKNOWN,
        decided_by=Step.COVERAGE,
        reason=msg("the register names no system that {code} builds or keeps", code=project.native_id),
        missing=(
            msg(
                "the systems of {code} in the register, or a word that it delivers hardware only, by {department}",
                code=project.native_id,
                department=project.department or msg("the building department"),
            ),
        ),
        evidence=(project.key,),
    )


def unresolved_lines(inventory: Inventory, project: Project) -> Iterator[Line]:
    """A line for every system that the project names and the register of systems does not have, and for a register
    that was not seen completely: systems name their projects too."""
    if gaps := absence_gaps(inventory.coverage, "system"):
        yield Line(
            verdict=Verdict.UNKNOWN,
            decided_by=Step.COVERAGE,
            reason=msg("the register of systems was not seen completely: {project} may have further ones",
                       project=project.native_id),
            missing=gaps,
            evidence=(project.key,),
        )  # fmt: skip
    for code in project.systems:
        if inventory.system(code) is None:
            yield Line(
                verdict=Verdict.UNKNOWN,
                decided_by=Step.COVERAGE,
                reason=msg("{project} names system {code}, which is not in the register of systems",
                           project=project.native_id, code=code),
                missing=(
                    msg("the register's row of system {code}, by {department}", code=code,
                        department=project.department or msg("the building department")),
                ),
                evidence=(project.key,),
            )  # fmt: skip


def _line(policy: Policy, deployment: Deployment) -> Line:
    verdict = deployment.verdict
    return Line(
        verdict=verdict,
        reason=msg(
            "{deployment}; it does not meet {article}",
            deployment=deployment.reason,
            article=policy.pack.article("23(7)"),
        )
        if verdict is Verdict.FAIL
        else deployment.reason,
        missing=deployment.missing if verdict is Verdict.UNKNOWN else (),
        evidence=(*deployment.evidence, deployment.system.key),
    )


CHECK = Check(
    id="23.7-deployment",
    title=msg("What a project delivers runs on the government cloud"),
    articles=("23(7)",),
    clause="23(7)",
    subject_kind="project",
    strength=Strength.MUST,
    reads=("project", "system", "host", "tenant", "workload", "third_party", "ownership", "segment"),
    enumerates=("project",),
    judge=judge,
    remedy=msg("move the components that run off the cloud to it before acceptance"),
)
