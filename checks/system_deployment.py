"""Art. 16: new and rebuilt systems are deployed on the government cloud and nowhere else."""

from collections.abc import Iterator

from checks.applicability import Era, era_barrier, system_age, system_barrier
from checks.check import Check, Opinion, Step, Strength
from checks.deployment import deployment_of
from checks.policy import Policy
from checks.subjects import system_subject
from inventory.finding import Verdict
from inventory.inventory import Inventory
from inventory.records import System
from inventory.text import Message, msg


def judge(inventory: Inventory, policy: Policy) -> Iterator[Opinion]:
    """One opinion for every system of the register."""
    for system in inventory.systems:
        yield _judge(inventory, policy, system)


def _judge(inventory: Inventory, policy: Policy, system: System) -> Opinion:
    subject = system_subject(inventory, system)
    barrier = system_barrier(inventory, system)
    if barrier is not None:
        return barrier.opinion(subject, (system.key,))
    age = system_age(inventory, policy, system)
    if age.era is Era.UNKNOWN:
        return era_barrier(age).opinion(subject, age.evidence)
    if age.era is Era.LEGACY:
        return Opinion(
            subject=subject,
            verdict=Verdict.NOT_APPLICABLE,
            decided_by=Step.ERA,
            reason=msg("already built ({age}): it is to migrate, see 16-migration", age=age.because),
            evidence=age.evidence,
        )
    deployment = deployment_of(inventory, system)
    return Opinion(
        subject=subject,
        verdict=deployment.verdict,
        reason=_reason(deployment.verdict, deployment.reason, age.because),
        missing=deployment.missing if deployment.verdict is Verdict.UNKNOWN else (),
        evidence=(*deployment.evidence, *age.evidence),
        rests_on=system.tenants,
    )


def _reason(verdict: Verdict, deployment: Message, age: Message) -> Message:
    if verdict is Verdict.FAIL:
        return msg("{deployment}; {age}; it does not meet Art. 16", deployment=deployment, age=age)
    return msg("{deployment}; {age}", deployment=deployment, age=age)


CHECK = Check(
    id="16-deployment",
    title=msg("New and rebuilt systems run on the government cloud"),
    articles=("16",),
    clause="16-a",
    subject_kind="system",
    strength=Strength.MUST,
    reads=("system", "project", "host", "tenant", "workload", "third_party", "ownership"),
    enumerates=("system",),
    judge=judge,
    remedy=msg("move the components that run off the cloud to it"),
)
