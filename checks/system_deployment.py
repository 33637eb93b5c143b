"""Art. 16: new and rebuilt systems are deployed on the government cloud and nowhere else."""

from collections.abc import Iterator

from checks.applicability import Age, Era, system_gate
from checks.check import Check, Opinion, Strength
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
    age = system_gate(inventory, policy, system, reaches=Era.NEW, elsewhere=_to_migrate)
    if isinstance(age, Opinion):
        return age
    deployment = deployment_of(inventory, system)
    return Opinion(
        subject=system_subject(inventory, system),
        verdict=deployment.verdict,
        reason=_reason(policy, deployment.verdict, deployment.reason, age.because),
        missing=deployment.missing if deployment.verdict is Verdict.UNKNOWN else (),
        evidence=(*deployment.evidence, *age.evidence),
        rests_on=deployment.rests_on,
    )


def _to_migrate(age: Age) -> Message:
    return msg("already built ({age}): it is to migrate, see 16-migration", age=age.because)


def _reason(policy: Policy, verdict: Verdict, deployment: Message, age: Message) -> Message:
    if verdict is Verdict.FAIL:
        return msg(
            "{deployment}; {age}; it does not meet {article}",
            deployment=deployment,
            age=age,
            article=policy.pack.article("16"),
        )
    return msg("{deployment}; {age}", deployment=deployment, age=age)


CHECK = Check(
    id="16-deployment",
    title=msg("New and rebuilt systems run on the government cloud"),
    articles=("16",),
    clause="16-a",
    subject_kind="system",
    strength=Strength.MUST,
    reads=("system", "project", "host", "tenant", "workload", "third_party", "ownership", "segment"),
    enumerates=("system",),
    judge=judge,
    remedy=msg("move the components that run off the cloud to it"),
)
