"""Where the components of a system run 部署: what Arts. 16 and 23(7) both ask."""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum

from checks.applicability import owner_gaps
from checks.check import distinct, is_whole_but_for_rows, missing_cell
from checks.subjects import unheard
from inventory.coverage import CellResult, CellState, Coverage
from inventory.finding import Verdict
from inventory.hosts import Host, OwnershipRule, Place
from inventory.inventory import Inventory
from inventory.names import normalise
from inventory.records import System, View, Workload
from inventory.text import Message, mark, msg

MOST_NAMED = 8
"""Components that a sentence names."""


class Where(StrEnum):
    """What is known of a component's place."""

    ON = "on"
    """Proven on the government cloud or the centre's procured capacity."""
    OFF = "off"
    """Proven off it."""
    OPEN = "open"
    """Not proven either way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """A host or workload of a system 组件."""

    name: str
    kind: str
    """`host`, `workload`, or `declared`: named by the register and seen by no source."""
    where: Where
    because: Message
    missing: tuple[Message, ...] = ()
    """What would settle it; never empty where it is open."""
    evidence: tuple[str, ...] = ()
    host: Host | None = None
    """The host that it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """All known components of one system."""

    system: System
    components: tuple[Component, ...]
    gaps: tuple[Message, ...] = ()
    """Why further components may exist: the clouds that it runs on were not listed completely, and the register names
    no hosts to compare with."""

    def of(self, where: Where) -> tuple[Component, ...]:
        """Components of one kind of place."""
        return tuple(c for c in self.components if c.where is where)

    @property
    def evidence(self) -> tuple[str, ...]:
        """Keys of what decides."""
        return tuple(sorted({key for c in self.components for key in c.evidence}))

    @property
    def rests_on(self) -> tuple[str, ...]:
        """Further names that a rejected row of the register may speak of: its tenants, what its hosts' labels say."""
        hosts = [c.host for c in self.components if c.host is not None]
        return (*self.system.tenants, *(word for host in hosts for word in unheard(host.ownership)))

    @property
    def verdict(self) -> Verdict:
        """fail: a component is proven off the cloud; pass: all are proven on it; else unknown."""
        if self.of(Where.OFF):
            return Verdict.FAIL
        if self.of(Where.OPEN) or self.gaps or not self.components:
            return Verdict.UNKNOWN
        return Verdict.PASS

    @property
    def missing(self) -> tuple[Message, ...]:
        """What would settle it; never empty where the verdict is unknown."""
        if not self.components:
            return (
                msg(
                    "hosts, tenants or labels of {code} in the register, by {department}",
                    code=self.system.native_id,
                    department=self.system.department or msg("the building department"),
                ),
                *self.gaps,
            )
        return distinct(m for c in self.of(Where.OPEN) for m in c.missing) + self.gaps

    @property
    def reason(self) -> Message:
        """One sentence with the numbers and the components that decide."""
        code = self.system.native_id
        total = len(self.components)
        if off := self.of(Where.OFF):
            return msg(
                "{count} of {total} component(s) of {code} run off the government cloud: {components}",
                count=len(off),
                total=total,
                code=code,
                components=named(off),
            )
        if not self.components:
            return msg("no component of {code} was found anywhere", code=code)
        if undetermined := self.of(Where.OPEN):
            return msg(
                "{count} of {total} component(s) of {code} are not proven on the cloud: {components}",
                count=len(undetermined),
                total=total,
                code=code,
                components=named(undetermined),
            )
        if self.gaps:
            return msg(
                "the {total} known component(s) of {code} run on the cloud, but further ones may not have been seen",
                total=total,
                code=code,
            )
        return msg(
            "all {total} component(s) of {code} run on the government cloud: {components}",
            total=total,
            code=code,
            components=named(self.components),
        )


def named(components: tuple[Component, ...]) -> list[Message]:
    """The components with what is known of each, at most MOST_NAMED."""
    shown = [msg("{name} ({because})", name=c.name, because=c.because) for c in components[:MOST_NAMED]]
    if len(components) > MOST_NAMED:
        shown.append(msg("and {count} more", count=len(components) - MOST_NAMED))
    return shown


def deployment_of(inventory: Inventory, system: System) -> Deployment:
    """The system's components, by name."""
    components = [_host_component(inventory, h) for h in inventory.hosts_of(system)]
    workloads = inventory.workloads_of(system)
    uids = {(w.source, w.native_id) for w in workloads}
    # Not what another one of them owns, not what is scaled to nothing: neither is a component of its own.
    components += [
        _workload_component(inventory, w) for w in workloads if (w.source, w.owner_uid) not in uids and w.replicas != 0
    ]
    absent = inventory.missing_components.get(system.native_id, ())
    components += [_absent_component(system, name) for name in absent]
    components += [_absent_tenant(system, name) for name in _absent_tenants(inventory, system)]
    # Hosts that the register names are what is compared with; what runs in a tenant is in no register.
    is_named = bool(system.hosts) and not system.tenants and _is_named_for_good(inventory, system)
    return Deployment(
        system=system,
        components=tuple(sorted(components, key=lambda c: (c.name, c.kind, c.evidence))),
        gaps=()
        if is_named
        else component_gaps(inventory, {system.native_id}, {k for c in components for k in c.evidence}),
    )


_PLACES = {
    Place.CLOUD_INSTANCE: mark("instance of the government cloud"),
    Place.CLOUD_INFRASTRUCTURE: mark("infrastructure of the government cloud"),
    Place.THIRD_PARTY: mark("capacity that the centre procured"),
    Place.STANDALONE_PHYSICAL: mark("standalone physical server"),
    Place.STANDALONE_VIRTUAL: mark("standalone virtual machine"),
    Place.UNDETERMINED: mark("place undetermined"),
}


def place_words(place: Place) -> Message:
    """A kind of place as readers know it."""
    return msg(_PLACES[place])


def _host_component(inventory: Inventory, host: Host) -> Component:
    where = Where.ON if host.is_on_cloud else Where.OFF if host.is_standalone else Where.OPEN
    because = place_words(host.placement.place)
    missing = host.placement.missing
    if host.conflicts:
        where, because, missing = Where.OPEN, msg("{conflicts}", conflicts=list(host.conflicts)), ()
    if host.ownership.disagreement is not None:
        # Contested: it may be another system's.
        where, because = Where.OPEN, msg("{disagreement}", disagreement=host.ownership.disagreement)
        missing = (msg("a declaration of its owner, by the infrastructure team: {host}", host=host.name),)
    if where is Where.OFF and (gaps := owner_gaps(inventory, host.ownership)):
        where, because, missing = Where.OPEN, msg("whose it is may stand in a ledger that was not read"), gaps
    if where is Where.OPEN and not missing:
        missing = (msg("a look at {host} itself, by the infrastructure team", host=host.name),)
    return Component(
        name=host.name,
        kind="host",
        where=where,
        because=because,
        missing=missing if where is Where.OPEN else (),
        evidence=host.placement.evidence or host.evidence,
        host=host,
    )


def _workload_component(inventory: Inventory, workload: Workload) -> Component:
    """On the cloud only if every node that its pods are bound to is proven there."""
    name = f"{workload.namespace}/{workload.name}"
    nodes = inventory.nodes_of(workload)
    hosts = {node: inventory.node_host(workload.source, node) for node in nodes}
    evidence = {workload.key} | {k for h in hosts.values() if h for k in h.placement.evidence or h.evidence}
    disagreement = (o := inventory.owners.get(workload.key)) and o.disagreement
    missing: tuple[Message, ...] = ()
    if disagreement:
        where, because = Where.OPEN, msg("{disagreement}", disagreement=disagreement)
        missing = (msg("a declaration of its owner, by the infrastructure team: {host}", host=name),)
    elif off := [n for n, h in hosts.items() if h is not None and h.is_standalone]:
        where, because = Where.OFF, msg("runs on node {node}, a standalone machine", node=", ".join(off))
    elif nodes and all(h is not None and h.is_on_cloud and not h.conflicts for h in hosts.values()):
        where, because = Where.ON, msg("runs on node {node} of the cloud", node=", ".join(nodes))
    else:
        where, because = Where.OPEN, msg("its nodes are not proven on the cloud")
        missing = distinct(m for h in hosts.values() if h for m in h.placement.missing) or (
            msg("the nodes that {workload} runs on, by the infrastructure team", workload=name),
        )
    return Component(
        name=name, kind="workload", where=where, because=because, missing=missing, evidence=tuple(sorted(evidence))
    )


def _absent_component(system: System, name: str) -> Component:
    return Component(
        name=name,
        kind="declared",
        where=Where.OPEN,
        because=msg("named by the register, seen by no source"),
        missing=(
            msg(
                "where {host} of {code} runs: SSH access to it or a corrected register, by {department}",
                host=name,
                code=system.native_id,
                department=system.department or msg("the building department"),
            ),
        ),
        evidence=(system.key,),
    )


def _is_named_for_good(inventory: Inventory, system: System) -> bool:
    """Whether the register's words for the hosts can mean no others: ids, or names where every host was listed."""
    if not any(r.is_gap for r in inventory.coverage.gaps("host", platform_only=True)):
        return True
    ids = {
        normalise(text)
        for host in inventory.hosts_of(system)
        for text in (host.id, *(s.native_id for s in host.seen_by(View.SERVER)))
    }
    return all(normalise(name) in ids for name in system.hosts)


def _absent_tenants(inventory: Inventory, system: System) -> tuple[str, ...]:
    """Tenants that the register gives to the system and that no source lists, or of which several bear the name.

    None where nobody lists tenants, or where a person has confirmed which tenant is the system's: the register's word
    is then known to be another one.
    """
    if not system.tenants or not inventory.coverage.of("tenant"):
        return ()
    seen: set[str] = set()
    for tenant in inventory.tenants:
        owner = inventory.owners.get(tenant.key)
        for hit in owner.hits if owner is not None else ():
            if system.native_id not in hit.systems:
                continue
            if hit.rule is OwnershipRule.ALIAS:
                return ()
            seen |= {normalise(tenant.name), normalise(tenant.native_id)}
    return tuple(t for t in system.tenants if normalise(t) not in seen)


def _absent_tenant(system: System, name: str) -> Component:
    return Component(
        name=name,
        kind="declared",
        where=Where.OPEN,
        because=msg("tenant of the register, listed by no source or not by itself"),
        missing=(
            msg(
                "which cloud has tenant {tenant} of {code}, with its id: a source for it or a corrected register, "
                "by {department}",
                tenant=name,
                code=system.native_id,
                department=system.department or msg("the building department"),
            ),
        ),
        evidence=(system.key,),
    )


def component_gaps(inventory: Inventory, codes: AbstractSet[str], evidence: AbstractSet[str]) -> tuple[Message, ...]:
    """Gaps of the clouds that the systems of these codes were found on, by the keys of what was seen of them, or of any
    where they were found nowhere.

    Where the register names the systems' hosts, they are what is compared with; else the listing is, and half a
    listing is never a whole one.
    """
    sources = {key.partition("|")[0] for key in evidence}
    tenants = {
        t.source for t in inventory.tenants if (o := inventory.owners.get(t.key)) and not codes.isdisjoint(o.systems)
    }
    gaps = [
        r
        for r in inventory.coverage.gaps("host", "workload", "tenant", platform_only=True)
        if r.state is not CellState.NOT_CONFIGURED and (r.cell.source in sources | tenants or not evidence)
    ]
    gaps += [r for r in _elsewhere(inventory.coverage) if r not in gaps]
    return tuple(missing_cell(r) for r in gaps[:MOST_NAMED])


def _elsewhere(coverage: Coverage) -> Iterator[CellResult]:
    """Ledgers that say whose a machine is and were not seen: a component off the cloud may be nobody's without them.

    Another unit's cloud or a host that did not answer is not among them: what nothing names as a component is none.
    """
    for result in coverage.gaps("host", "ownership", "segment"):
        source = result.cell.source
        is_other = source.startswith("ledger:") and not coverage.is_platform(source)
        if is_other and not is_whole_but_for_rows(result, coverage):
            yield result
