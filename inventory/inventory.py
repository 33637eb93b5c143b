"""The finished inventory: all that a check may read. Built once, never changed."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from functools import cached_property
from itertools import chain
from typing import NamedTuple

from inventory.alias import Alias, AliasKind
from inventory.coverage import Coverage
from inventory.history import History
from inventory.hosts import Host, Ownership, OwnershipHit, OwnershipRule
from inventory.names import normalise
from inventory.records import (
    BareMetalNode,
    ClassifiedPlaceholder,
    ClassifiedTrace,
    CountMismatch,
    CryptoAssessment,
    Department,
    DesignItem,
    Domain,
    Exposure,
    FloatingAddress,
    LoadBalancer,
    MlpsAssessment,
    MlpsFiling,
    PlatformService,
    Port,
    Project,
    Quota,
    RoleAssignment,
    Router,
    SecurityGroup,
    Segment,
    SharingEntry,
    SharingUse,
    Snapshot,
    Storage,
    System,
    Tenant,
    ThirdPartyResource,
    View,
    Workload,
)

LAW_TIME = timezone(timedelta(hours=8), "Asia/Shanghai")
"""Dates of the law are local dates; China has had no daylight saving time since 1991."""

_NO_DATE = date.min


class UnresolvedReference(NamedTuple):
    """What a ledger writes of a system, project or unit, and no row of the register is called."""

    kind: AliasKind
    written: str
    record: str
    """Key of the record that writes it."""


@dataclass(frozen=True, kw_only=True)
class Inventory:
    """What exists, where it stands, whose it is, and how far anyone looked."""

    as_of: datetime
    """The scan's clock: the only "now" that a check knows."""
    coverage: Coverage
    departments: tuple[Department, ...] = ()
    projects: tuple[Project, ...] = ()
    systems: tuple[System, ...] = ()
    design_items: tuple[DesignItem, ...] = ()
    """Rows of technical design books 技术设计书, their project by its code where the register has it."""
    classified: tuple[ClassifiedPlaceholder, ...] = ()
    classified_traces: tuple[ClassifiedTrace, ...] = ()
    third_parties: tuple[ThirdPartyResource, ...] = ()
    filings: tuple[MlpsFiling, ...] = ()
    assessments: tuple[MlpsAssessment, ...] = ()
    crypto_assessments: tuple[CryptoAssessment, ...] = ()
    """密评: on the use of commercial cryptography."""
    sharing_entries: tuple[SharingEntry, ...] = ()
    sharing_uses: tuple[SharingUse, ...] = ()
    hosts: tuple[Host, ...] = ()
    tenants: tuple[Tenant, ...] = ()
    workloads: tuple[Workload, ...] = ()
    exposures: tuple[Exposure, ...] = ()
    storages: tuple[Storage, ...] = ()
    segments: tuple[Segment, ...] = ()
    ports: tuple[Port, ...] = ()
    routers: tuple[Router, ...] = ()
    floating_addresses: tuple[FloatingAddress, ...] = ()
    domains: tuple[Domain, ...] = ()
    role_assignments: tuple[RoleAssignment, ...] = ()
    quotas: tuple[Quota, ...] = ()
    snapshots: tuple[Snapshot, ...] = ()
    security_groups: tuple[SecurityGroup, ...] = ()
    """Those that let everybody in."""
    load_balancers: tuple[LoadBalancer, ...] = ()
    platform_services: tuple[PlatformService, ...] = ()
    bare_metal_nodes: tuple[BareMetalNode, ...] = ()
    count_mismatches: tuple[CountMismatch, ...] = ()
    """Where two services of a cloud disagree on how much there is."""
    owners: Mapping[str, Ownership] = field(default_factory=dict)
    """Record key of a tenant, workload or storage to its ownership (hosts carry their own)."""
    unresolved_references: tuple[UnresolvedReference, ...] = ()
    """Codes and names that ledgers mention and that mean no one registered thing."""
    alias_uses: Mapping[Alias, tuple[str, ...]] = field(default_factory=dict)
    """Confirmed name to the keys of the records that write it."""
    missing_components: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """System code to the hosts that the register names as its components and no source showed."""
    history: History = field(default_factory=History)
    """What earlier nights saw; empty where nobody kept them."""

    def project(self, code: str) -> Project | None:
        """The project with this internal code."""
        return self._projects.get(code)

    def system(self, code: str) -> System | None:
        """The system with this code."""
        return self._systems.get(code)

    def systems_of(self, project: Project) -> tuple[System, ...]:
        """Systems that the project builds or keeps, whichever of the two registers says so."""
        codes = {*project.systems, *self._systems_naming_project.get(project.native_id, ())}
        return tuple(self._systems[c] for c in sorted(codes) if c in self._systems)

    def projects_of(self, system: System) -> tuple[Project, ...]:
        """Projects that build or keep the system, whichever of the two registers says so."""
        codes = {*system.projects, *self._projects_naming_system.get(system.native_id, ())}
        return tuple(self._projects[c] for c in sorted(codes) if c in self._projects)

    def hosts_of(self, system: System) -> tuple[Host, ...]:
        """Hosts that belong to the system, also those whose owner is contested."""
        return self._hosts_by_system.get(system.native_id, ())

    def workloads_of(self, system: System) -> tuple[Workload, ...]:
        """Kubernetes workloads that belong to the system."""
        return self._workloads_by_system.get(system.native_id, ())

    def nodes_of(self, workload: Workload) -> tuple[str, ...]:
        """Names of the nodes that the workload's pods are bound to, its owned pods' included."""
        return self._nodes_by_workload.get((workload.source, workload.native_id), ())

    def node_host(self, source: str, node: str) -> Host | None:
        """The host that is this node of this cluster."""
        return self._hosts_by_node.get((source, node))

    def filings_of(self, system: System) -> tuple[MlpsFiling, ...]:
        """Filing certificates whose graded object is the system."""
        return self._filings_by_system.get(system.native_id, ())

    def assessments_of(self, system: System) -> tuple[MlpsAssessment, ...]:
        """Assessment reports on the system, newest first, undated last."""
        return self._assessments_by_system.get(system.native_id, ())

    def sharing_of(self, system: System) -> tuple[SharingEntry, ...]:
        """Sharing entries of the system."""
        return self._sharing_by_system.get(system.native_id, ())

    def uses_of(self, entry: SharingEntry) -> tuple[SharingUse, ...]:
        """Calls and exchanges of the entry's resource; a consumer's entry counts its own calls only."""
        ids = {entry.native_id, entry.code, entry.resource_id} - {None}
        uses = [u for u in self.sharing_uses if u.resource_id in ids]
        if entry.direction == "consume":
            uses = [u for u in uses if u.consumer_system == entry.system]
        return tuple(uses)

    @cached_property
    def systems_by_name(self) -> Mapping[str, frozenset[str]]:
        """Normalised name to the codes of the systems that bear it."""
        return _grouped((normalise(s.name), s.native_id) for s in self.systems)

    @cached_property
    def observed_at(self) -> Mapping[str, datetime]:
        """When what a finding may cite was seen, by the key of its record."""
        records = chain(
            self.departments, self.projects, self.systems, self.design_items, self.third_parties, self.filings,
            self.assessments, self.crypto_assessments, self.sharing_entries, self.sharing_uses, self.tenants,
            self.workloads, self.storages, self.segments, self.ports, self.classified_traces, self.count_mismatches,
            (s for h in self.hosts for s in h.sightings),
        )  # fmt: skip
        return {record.key: record.observed_at for record in records}

    # What one of the two registers says of the other's entries, and ledgers of systems: asked of every system.

    @cached_property
    def _systems_naming_project(self) -> Mapping[str, frozenset[str]]:
        return _grouped((code, s.native_id) for s in self.systems for code in s.projects)

    @cached_property
    def _projects_naming_system(self) -> Mapping[str, frozenset[str]]:
        return _grouped((code, p.native_id) for p in self.projects for code in p.systems)

    @cached_property
    def _assessments_by_system(self) -> Mapping[str, tuple[MlpsAssessment, ...]]:
        found: dict[str, list[MlpsAssessment]] = defaultdict(list)
        newest_first = sorted(
            self.assessments, key=lambda a: (a.reported_on is None, -(a.reported_on or _NO_DATE).toordinal())
        )
        for assessment in newest_first:
            if assessment.system is not None and not assessment.is_platform:
                found[assessment.system].append(assessment)
        return {code: tuple(listed) for code, listed in found.items()}

    @cached_property
    def _sharing_by_system(self) -> Mapping[str, tuple[SharingEntry, ...]]:
        found: dict[str, list[SharingEntry]] = defaultdict(list)
        for entry in self.sharing_entries:
            if entry.system is not None:
                found[entry.system].append(entry)
        return {code: tuple(listed) for code, listed in found.items()}

    def __post_init__(self) -> None:
        by_system: dict[str, list[Host]] = defaultdict(list)
        by_node: dict[tuple[str, str], Host] = {}
        for host in self.hosts:
            codes = set(host.ownership.systems)
            if host.ownership.disagreement is not None:
                # A shared tenant names candidates, not an owner: it contests nothing.
                codes |= {hit.systems[0] for hit in host.ownership.hits if _strong(hit) and len(hit.systems) == 1}
            for code in codes:
                by_system[code].append(host)
            for sighting in host.seen_by(View.NODE):
                by_node[sighting.source, sighting.name] = host
        object.__setattr__(self, "_hosts_by_node", by_node)
        object.__setattr__(self, "_workloads_by_system", self._owned_workloads())
        object.__setattr__(self, "_filings_by_system", _filings_by_system(self.filings))
        object.__setattr__(self, "_nodes_by_workload", _nodes_by_workload(self.workloads))
        object.__setattr__(self, "_projects", {p.native_id: p for p in self.projects})
        object.__setattr__(self, "_systems", {s.native_id: s for s in self.systems})
        object.__setattr__(self, "_hosts_by_system", {code: tuple(hosts) for code, hosts in by_system.items()})

    def _owned_workloads(self) -> dict[str, tuple[Workload, ...]]:
        owned: dict[str, list[Workload]] = defaultdict(list)
        for workload in self.workloads:
            ownership = self.owners.get(workload.key)
            for code in ownership.systems if ownership else ():
                owned[code].append(workload)
        return {code: tuple(found) for code, found in owned.items()}

    _projects: Mapping[str, Project] = field(init=False, repr=False, default_factory=dict)
    _systems: Mapping[str, System] = field(init=False, repr=False, default_factory=dict)
    _hosts_by_system: Mapping[str, tuple[Host, ...]] = field(init=False, repr=False, default_factory=dict)
    _workloads_by_system: Mapping[str, tuple[Workload, ...]] = field(init=False, repr=False, default_factory=dict)
    _filings_by_system: Mapping[str, tuple[MlpsFiling, ...]] = field(init=False, repr=False, default_factory=dict)
    _hosts_by_node: Mapping[tuple[str, str], Host] = field(init=False, repr=False, default_factory=dict)
    _nodes_by_workload: Mapping[tuple[str, str], tuple[str, ...]] = field(init=False, repr=False, default_factory=dict)


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for key, value in pairs:
        found[key].add(value)
    return {key: frozenset(values) for key, values in found.items()}


def _strong(hit: OwnershipHit) -> bool:
    return hit.rule is not OwnershipRule.SIMILARITY


def _nodes_by_workload(workloads: tuple[Workload, ...]) -> dict[tuple[str, str], tuple[str, ...]]:
    """Pods hang from ReplicaSets and Jobs, which may themselves be owned: each owner gets the nodes below it."""
    owner = {(w.source, w.native_id): w.owner_uid for w in workloads}
    nodes: dict[tuple[str, str], set[str]] = defaultdict(set)
    for workload in workloads:
        if workload.node is None:
            continue
        uid: str | None = workload.native_id
        seen: set[str] = set()
        while uid is not None and uid not in seen:
            seen.add(uid)
            nodes[workload.source, uid].add(workload.node)
            uid = owner.get((workload.source, uid))
    return {key: tuple(sorted(names)) for key, names in nodes.items()}


def _filings_by_system(filings: tuple[MlpsFiling, ...]) -> dict[str, tuple[MlpsFiling, ...]]:
    found: dict[str, list[MlpsFiling]] = defaultdict(list)
    for filing in filings:
        if filing.system is not None and not filing.is_platform:
            found[filing.system].append(filing)
    return {code: tuple(listed) for code, listed in found.items()}


def law_date(moment: datetime) -> date:
    """The local date in Asia/Shanghai of an instant; the last day of the calendar where it would lie beyond it."""
    try:
        return moment.astimezone(LAW_TIME).date()
    except OverflowError:
        return date.max if moment.year > 1 else date.min
