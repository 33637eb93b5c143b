"""Art. 14: nobody builds servers or computing capacity of its own any more."""

from collections.abc import Iterator

from checks.applicability import (
    Era,
    era_barrier,
    host_age,
    host_barrier,
    recognised_barrier,
    recognised_centre,
)
from checks.check import Check, Opinion, Step, Strength
from checks.deployment import place_words
from checks.policy import Policy
from checks.subjects import host_subject, host_words
from inventory.finding import Verdict
from inventory.hosts import Host, Place
from inventory.inventory import Inventory, law_date
from inventory.text import msg


def judge(inventory: Inventory, policy: Policy) -> Iterator[Opinion]:
    """One opinion for every host."""
    for host in inventory.hosts:
        yield _judge_host(inventory, policy, host)


def _judge_host(inventory: Inventory, policy: Policy, host: Host) -> Opinion:
    if host.is_on_cloud and not host.conflicts:
        return _lawful(policy, host)
    if host.is_appliance:
        return Opinion(
            subject=host_subject(host),
            verdict=Verdict.ADVISORY,
            decided_by=Step.KIND,
            reason=msg(
                "a ledger calls it an appliance: {article} speaks of servers, storage and computing capacity",
                article=policy.pack.article("14"),
            ),
            remedy=msg(
                "classify it: an appliance of its own kind, or a server that {article} reaches",
                article=policy.pack.article("14"),
            ),
            evidence=host.evidence,
        )
    if not host.is_standalone or host.conflicts:
        return _unproven(host)
    return _judge_standalone(inventory, policy, host)


def _unproven(host: Host) -> Opinion:
    facts = [*host.placement.facts, *host.conflicts]
    missing = (*host.placement.missing, *host.conflicts)
    return Opinion(
        subject=host_subject(host),
        verdict=Verdict.UNKNOWN,
        decided_by=Step.COVERAGE,
        reason=msg("where it stands is not proven: {facts}", facts=facts)
        if facts
        else msg("where it stands is not proven"),
        missing=missing or (msg("a look at {host} itself, by the infrastructure team", host=host.name),),
        evidence=host.placement.evidence or host.evidence,
    )


def _judge_standalone(inventory: Inventory, policy: Policy, host: Host) -> Opinion:
    subject = host_subject(host)
    decisive = host.placement.evidence or host.evidence
    barrier = host_barrier(inventory, policy, host)
    if barrier is not None:
        return barrier.opinion(subject, decisive)
    centre = recognised_centre(policy, host, law_date(inventory.as_of))
    if centre is not None:
        return recognised_barrier(centre).opinion(subject, decisive)
    age = host_age(inventory, policy, host)
    if age.era is Era.UNKNOWN:
        return era_barrier(age).opinion(subject, host.evidence)
    place = place_words(host.placement.place)
    if age.era is Era.LEGACY:
        return Opinion(
            subject=subject,
            verdict=Verdict.NOT_APPLICABLE,
            decided_by=Step.ERA,
            reason=msg(
                "{place} from before {start} ({age}): {article} forbids new capacity only, see 16-migration",
                article=policy.pack.article("14"),
                place=place,
                start=policy.effective_from.isoformat(),
                age=age.because,
            ),
            evidence=(*decisive, *age.evidence),
        )
    return Opinion(
        subject=subject,
        verdict=Verdict.FAIL,
        reason=msg(
            "{place}, new since {start}: {age}; it does not meet {article}. {facts}",
            article=policy.pack.article("14"),
            place=place,
            start=policy.effective_from.isoformat(),
            age=age.because,
            facts=list(host.placement.facts),
        ),
        evidence=(*decisive, *age.evidence),
        # That it is no older, and nobody else's, says that no row speaks otherwise.
        from_absence=True,
        rests_on=host_words(host),
    )


def _lawful(policy: Policy, host: Host) -> Opinion:
    facts = list(host.placement.facts)
    evidence = host.placement.evidence or host.evidence
    subject = host_subject(host)
    match host.placement.place:
        case Place.CLOUD_INFRASTRUCTURE:
            return Opinion(
                subject=subject,
                verdict=Verdict.NOT_APPLICABLE,
                decided_by=Step.KIND,
                reason=msg(
                    "built by the centre itself, as {article} asks: {facts}",
                    article=policy.pack.article("14"),
                    facts=facts,
                ),
                evidence=evidence,
            )
        case Place.THIRD_PARTY:
            return Opinion(
                subject=subject,
                verdict=Verdict.NOT_APPLICABLE,
                decided_by=Step.KIND,
                reason=msg(
                    "in the centre's register of procured capacity, judged by 14-third-party: {facts}", facts=facts
                ),
                evidence=evidence,
            )
        case _:
            return Opinion(
                subject=subject,
                verdict=Verdict.PASS,
                reason=msg("runs on the government cloud: {facts}", facts=facts),
                evidence=evidence,
            )


CHECK = Check(
    id="14-standalone-compute",
    title=msg("No new servers or computing capacity of one's own"),
    articles=("14",),
    clause="14-a",
    subject_kind="host",
    strength=Strength.MUST,
    reads=("host", "port", "hypervisor", "third_party", "project", "system", "ownership", "segment"),
    enumerates=("host",),
    judge=judge,
    remedy=msg("move what runs on it to the government cloud and hand the machine over or take it out of service"),
)
