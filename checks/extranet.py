"""Art. 16: departments integrate their unclassified networks into the government extranet 部门非涉密政务网整合."""

from collections.abc import Iterator
from enum import Enum, auto

from checks.check import Check, Opinion, Step, Strength, absence_gaps
from checks.deployment import MOST_NAMED
from checks.policy import Policy
from inventory.finding import Subject, Verdict
from inventory.hosts import Host
from inventory.inventory import Inventory, law_date
from inventory.names import normalise
from inventory.networks import as_address, as_network
from inventory.records import Segment
from inventory.text import Message, msg


def judge(inventory: Inventory, policy: Policy) -> Iterator[Opinion]:
    """One opinion for every network of a department in the plan; the cloud's own are none."""
    for segment in inventory.segments:
        if segment.department is not None and segment.source.startswith("ledger:"):
            yield _judge(inventory, policy, segment, segment.department)


def _judge(inventory: Inventory, policy: Policy, segment: Segment, department: str) -> Opinion:
    subject = Subject(
        kind="segment",
        id=f"{segment.domain}|{segment.cidr}",
        name=f"{segment.cidr} {segment.zone or ''}".strip(),
        department=department,
    )
    evidence = (segment.key,)
    settled = _not_a_private_network(policy, segment, subject)
    if settled is not None:
        return settled
    hosts = _hosts_in(inventory, segment)
    servers = [h for h in hosts if not h.is_appliance]
    if servers or segment.has_own_exit:
        return _still_separate(inventory, policy, segment, subject, department, servers)
    gaps = absence_gaps(inventory.coverage, "host")
    if segment.has_own_exit is None or not hosts or gaps:
        # Among what was not seen there may be a server.
        return _open(segment, subject, department, gaps)
    return Opinion(
        subject=subject,
        verdict=Verdict.PASS,
        reason=msg("only appliances were seen in {cidr}, and the plan says that it has no exit of its own",
                   cidr=segment.cidr),
        evidence=(*evidence, *(k for h in hosts for k in h.evidence)),
    )  # fmt: skip


def _not_a_private_network(policy: Policy, segment: Segment, subject: Subject) -> Opinion | None:
    """What is settled by whose network it lies in, before anything that stands in it."""
    verdict, step = Verdict.NOT_APPLICABLE, Step.KIND
    missing: tuple[Message, ...] = ()
    cidr, zone = segment.cidr, segment.zone or ""
    network = _network_of(policy, zone)
    if segment.is_cloud:
        reason = msg("{cidr} is a network of the government cloud", cidr=cidr)
    elif network is _Network.EXTRANET:
        verdict, step = Verdict.PASS, Step.CLAUSE
        reason = msg("{cidr} lies in {zone}, part of the government extranet", cidr=cidr, zone=zone)
    elif network is _Network.INTERNET:
        reason = msg("{cidr} lies in {zone}: not a network of a department", cidr=cidr, zone=zone)
    elif network is _Network.UNSAID:
        verdict, missing = (
            Verdict.UNKNOWN,
            (
                msg(
                    "`extranet = true`, `extranet = false` or `internet = true` in the [[zone]] {zone} of the "
                    "configuration, by the infrastructure team",
                    zone=zone,
                ),
            ),
        )
        reason = msg("{cidr} lies in {zone}, and nothing says whether that is part of the government extranet",
                     cidr=cidr, zone=zone)  # fmt: skip
    else:
        return None
    return Opinion(
        subject=subject, verdict=verdict, decided_by=step, reason=reason, missing=missing, evidence=(segment.key,)
    )  # fmt: skip


class _Network(Enum):
    """What a zone is part of."""

    EXTRANET = auto()
    INTERNET = auto()
    NEITHER = auto()
    UNSAID = auto()
    """Its name speaks of one of the two, and nobody says that it is: 非政务外网区 is none, 政务外网二区 is one."""


def _network_of(policy: Policy, zone: str) -> _Network:
    """By the config's words for the zone, of all its tables, else by its whole name as the pack lists it."""
    own, names = normalise(zone), policy.pack.names
    declared = [z for z in policy.zones if normalise(z.name) == own]
    is_internet = any(z.internet for z in declared)
    is_outside = any(z.extranet is False for z in declared)
    if any(z.extranet for z in declared):
        # Kept with a scan of before such a configuration was refused: two words are none.
        return _Network.UNSAID if is_internet or is_outside else _Network.EXTRANET
    if is_internet:
        return _Network.INTERNET
    if is_outside:
        return _Network.NEITHER
    extranet, internet = set(map(normalise, names.extranet_zones)), set(map(normalise, names.internet_zones))
    if own in extranet | internet:
        return _Network.EXTRANET if own in extranet else _Network.INTERNET
    return _Network.UNSAID if any(word in own for word in extranet | internet) else _Network.NEITHER


def _hosts_in(inventory: Inventory, segment: Segment) -> list[Host]:
    """Hosts with an address in the network, seen in its zone."""
    network = as_network(segment.cidr)
    found = []
    for host in inventory.hosts:
        texts = [a for s in host.sightings if s.zone == segment.zone for n in s.nics for a in n.addresses]
        addresses = [a for a in map(as_address, texts) if a is not None]
        if network is not None and any(a in network for a in addresses):
            found.append(host)
    return found


def _still_separate(
    inventory: Inventory, policy: Policy, segment: Segment, subject: Subject, department: str, servers: list[Host]
) -> Opinion:
    facts = []
    if servers:
        names = ", ".join(h.name for h in servers[:MOST_NAMED])
        facts.append(msg("{count} server(s) stand in it: {names}", count=len(servers), names=names))
    if segment.has_own_exit:
        facts.append(msg("it has an Internet exit of its own"))
    reason = msg(
        "{cidr} of {department} is not part of the government extranet: {facts}",
        cidr=segment.cidr,
        department=department,
        facts=facts,
    )
    verdict = Verdict.ADVISORY
    deadline = policy.choices.extranet_deadline
    if deadline is not None and law_date(inventory.as_of) > deadline:
        verdict = Verdict.FAIL
        reason = msg("{reason}; the deadline set for department networks, {deadline}, is past", reason=reason,
                     deadline=deadline.isoformat())  # fmt: skip
    return Opinion(
        subject=subject,
        verdict=verdict,
        reason=reason,
        evidence=(segment.key, *(k for h in servers for k in h.evidence)),
    )


def _open(segment: Segment, subject: Subject, department: str, gaps: tuple[Message, ...]) -> Opinion:
    missing = [msg("a sweep of {cidr}, or a list of what stands in it, by {department}", cidr=segment.cidr,
                   department=department)]  # fmt: skip
    if segment.has_own_exit is None:
        missing.append(
            msg("whether {cidr} has an Internet exit of its own, in the plan of networks, by {department}",
                cidr=segment.cidr, department=department)
        )  # fmt: skip
    return Opinion(
        subject=subject,
        verdict=Verdict.UNKNOWN,
        decided_by=Step.COVERAGE,
        reason=msg("nothing says whether servers stand in {cidr} of {department}", cidr=segment.cidr,
                   department=department),
        missing=(*missing, *gaps),
        evidence=(segment.key,),
    )  # fmt: skip


CHECK = Check(
    id="16-extranet",
    title=msg("Department networks join the government extranet"),
    articles=("16",),
    clause="16-d",
    subject_kind="segment",
    strength=Strength.EFFORT,
    reads=("segment", "host"),
    enumerates=("segment",),
    enumerated_by="ledger:",
    judge=judge,
    remedy=msg("move what stands in it to the government cloud and integrate the network into the extranet"),
)
