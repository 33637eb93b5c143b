"""From what sources said to the finished inventory: references resolved, machines joined, placed and owned."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import TypeVar

import msgspec

from inventory.alias import AliasBook, AliasKind
from inventory.collection import Collection
from inventory.coverage import CellResult, CellState, Coverage, SourceInfo
from inventory.departments import Directory
from inventory.hosts import Host, Placement
from inventory.identity import Machine, identify
from inventory.inventory import LAW_TIME, Inventory, UnresolvedReference, law_date
from inventory.names import normalise
from inventory.networks import SegmentTable
from inventory.ownership import Register, own_machine, own_storage, own_tenant, own_workload, shared_words
from inventory.placement import place, unidentified_instances
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
    HostSighting,
    LoadBalancer,
    Migration,
    MlpsAssessment,
    MlpsFiling,
    OwnershipDeclaration,
    PlatformService,
    Port,
    Project,
    Quota,
    Record,
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
from inventory.register_names import RegisterNames
from inventory.scan import ScanOptions
from inventory.text import msg

R = TypeVar("R", bound=Record)


def build(collection: Collection, options: ScanOptions, *, as_of: datetime) -> Inventory:
    """The inventory of everything in the (guarded) collection; pure. The order of sources leaves no trace."""
    merged = _merged(collection.cells)
    records = _newest(_not_superseded(collection.records, merged))
    aliases = AliasBook(options.aliases, today=law_date(as_of))
    units = Directory(_of(records, Department), today=law_date(as_of), aliases=aliases)
    names = RegisterNames(_of(records, System), _of(records, Project), aliases=aliases, units=units)
    resolved = _Resolver(names, units)
    projects = tuple(map(resolved.project, _of(records, Project)))
    systems = resolved.with_migrations(_of(records, System), _of(records, Migration))
    systems = tuple(map(resolved.system, systems))
    tenants = _of(records, Tenant)
    fresh = [_without_stale(r, as_of, options.fresh_hours) for r in merged]
    cells = _with_unseen_tenants(fresh, collection.sources, tenants, (*projects, *systems))
    coverage = Coverage(collection.sources, cells, collection.rejections)
    segments = tuple(map(resolved.segment, _of(records, Segment)))
    sightings = _of(records, HostSighting)
    ports = _of(records, Port)
    machines = identify(sightings, ports)
    shared = shared_words(machines)
    register = Register(
        systems={s.native_id: s for s in systems},
        projects={p.native_id: p for p in projects},
        rules=options.ownership,
        segments=SegmentTable.from_records([*segments, *sightings]),
        tenants={t.key: t for t in tenants},
        declarations=tuple(map(resolved.declaration, _of(records, OwnershipDeclaration))),
        shared_words=shared,
        platform=frozenset(s.name for s in collection.sources if s.is_platform),
        unlisted=frozenset(r.cell.source for r in coverage.of("tenant", platform_only=True) if r.is_gap),
        aliases=aliases,
        units=units,
    )
    register.meet(machines)
    third_parties = _of(records, ThirdPartyResource)
    unidentified = unidentified_instances(machines, coverage)

    def placed(machine: Machine) -> Placement:
        return place(
            machine, coverage=coverage, third_parties=third_parties, today=law_date(as_of), unidentified=unidentified
        )

    hosts = tuple(_host(machine, register, placed(machine), resolved) for machine in machines)
    workloads = _of(records, Workload)
    storages = _of(records, Storage)
    owners = {t.key: own_tenant(t, register) for t in tenants}
    owners |= {w.key: own_workload(w, register) for w in workloads}
    owners |= {s.key: own_storage(s, register) for s in storages}
    return Inventory(
        as_of=as_of,
        coverage=coverage,
        departments=units.units,
        projects=projects,
        systems=systems,
        design_items=resolved.design_items(_of(records, DesignItem)),
        classified=_of(records, ClassifiedPlaceholder),
        classified_traces=_of(records, ClassifiedTrace),
        third_parties=third_parties,
        filings=resolved.system_field(_of(records, MlpsFiling), "system"),
        assessments=resolved.assessments(_of(records, MlpsAssessment), _of(records, MlpsFiling)),
        crypto_assessments=resolved.assessments(_of(records, CryptoAssessment), _of(records, MlpsFiling)),
        sharing_entries=resolved.system_field(_of(records, SharingEntry), "system"),
        sharing_uses=resolved.system_field(_of(records, SharingUse), "consumer_system"),
        hosts=hosts,
        tenants=tenants,
        workloads=workloads,
        exposures=_of(records, Exposure),
        storages=storages,
        segments=segments,
        ports=ports,
        routers=_of(records, Router),
        floating_addresses=_of(records, FloatingAddress),
        domains=_of(records, Domain),
        role_assignments=_of(records, RoleAssignment),
        quotas=_of(records, Quota),
        snapshots=_of(records, Snapshot),
        security_groups=_of(records, SecurityGroup),
        load_balancers=_of(records, LoadBalancer),
        platform_services=_of(records, PlatformService),
        bare_metal_nodes=_of(records, BareMetalNode),
        count_mismatches=_of(records, CountMismatch),
        owners=owners,
        unresolved_references=tuple(sorted(resolved.unresolved)),
        alias_uses=aliases.uses,
        missing_components=_missing_components(systems, hosts, shared),
    )


def _newest(records: Iterable[Record]) -> list[Record]:
    """One record for each key: where two captures hold the same thing, the later observation stands."""
    by_key: dict[str, Record] = {}
    for record in records:
        before = by_key.get(record.key)
        if before is None or _age(before) < _age(record):
            by_key[record.key] = record
    return [by_key[key] for key in sorted(by_key)]


def _age(record: Record) -> tuple[datetime, str]:
    return record.observed_at, record.raw or ""


def _merged(cells: Iterable[CellResult]) -> list[CellResult]:
    """One result for each cell: where two runs looked, the later one stands."""
    by_cell: dict[tuple[str, str, str], CellResult] = {}
    for result in cells:
        key = (result.cell.source, result.cell.scope, result.cell.kind)
        before = by_cell.get(key)
        if before is None or _finish(before) < _finish(result):
            by_cell[key] = result
    return list(by_cell.values())


def _not_superseded(records: Iterable[Record], cells: Iterable[CellResult]) -> list[Record]:
    """Without what a later reading of all of its kind, complete to its end, did not find any more.

    A record does not say in which scope it was read: every scope of its kind must have been read again. Nor does it
    say when its own cell began: what was observed before the whole of the source's last reading began is of another.
    """
    since: dict[str, datetime] = {}
    whole: dict[tuple[str, str], bool] = {}
    for result in cells:
        source, key = result.cell.source, (result.cell.source, result.cell.kind)
        whole[key] = whole.get(key, True) and result.is_complete and result.started_at is not None
        if result.started_at is not None:
            since[source] = min(since.get(source, result.started_at), result.started_at)

    def is_superseded(record: Record) -> bool:
        start = since.get(record.source)
        return (
            start is not None and whole.get((record.source, _cell_kind(record)), False) and record.observed_at < start
        )

    return [r for r in records if not is_superseded(r)]


def _cell_kind(record: Record) -> str:
    is_hypervisor = isinstance(record, HostSighting) and record.view is View.HYPERVISOR
    if isinstance(record, CountMismatch):
        return record.what  # it was found while that was read
    if isinstance(record, CryptoAssessment):
        return "mlps_assessment"  # it stands in that ledger
    return "hypervisor" if is_hypervisor else record.kind


def _without_stale(result: CellResult, as_of: datetime, hours: int) -> CellResult:
    """A complete reading that is too old, or of another time altogether: nothing follows from what is not in it."""
    finished = result.finished_at
    if not result.is_complete or finished is None or abs(as_of - finished) <= timedelta(hours=hours):
        return result
    when = finished.astimezone(LAW_TIME).strftime("%Y-%m-%d %H:%M")
    reason = (
        msg(
            "it was read on {finished}, more than {hours} hours before the scan: what came since was not seen",
            finished=when,
            hours=hours,
        )
        if finished < as_of
        else msg(
            "it was read on {finished}, more than {hours} hours after the scan's clock", finished=when, hours=hours
        )
    )
    return msgspec.structs.replace(result, state=CellState.PARTIAL, reason=reason)


def _finish(result: CellResult) -> tuple[float, str, str]:
    return (result.finished_at.timestamp() if result.finished_at else 0.0, result.state, repr(result.reason))


def _with_unseen_tenants(
    cells: list[CellResult],
    sources: Iterable[SourceInfo],
    tenants: Iterable[Tenant],
    register: Iterable[Project | System],
) -> list[CellResult]:
    """Names, from the register, of what a reader could not see where the cloud refuses it even the list of projects."""
    platform = {s.name for s in sources if s.is_platform and s.type == "openstack"}
    seen = {normalise(text) for t in tenants if t.source in platform for text in (t.name, t.native_id)}
    unseen = tuple(sorted({name for entry in register for name in entry.tenants if normalise(name) not in seen}))

    def named(result: CellResult) -> CellResult:
        is_narrow = result.is_gap and result.cell.source in platform and result.cell.kind in ("tenant", "host")
        return msgspec.structs.replace(result, unseen=unseen) if is_narrow and not result.unseen else result

    return [named(r) for r in cells]


def _of(records: Sequence[Record], kind: type[R]) -> tuple[R, ...]:
    return tuple(r for r in records if isinstance(r, kind))


_OF_MIGRATION = (
    "department", "built_on", "declared_place", "migration_plan_start_on", "migration_plan_cutover_on", "migrated_on",
    "old_server_disposal", "is_said_migrated",
)  # fmt: skip


def _with_migration(system: System, rows: list[Migration]) -> System:
    found: dict[str, object] = {}
    for name in _OF_MIGRATION:
        said = {getattr(row, name) for row in rows} - {None}
        if getattr(system, name) is None and len(said) == 1:
            found[name] = said.pop()
    details = tuple(dict.fromkeys((*system.details, *(d for row in rows for d in row.details))))
    return msgspec.structs.replace(system, details=details, **found) if found or details else system


def _host(
    machine: Machine,
    register: Register,
    placement: Placement,
    resolved: "_Resolver",
) -> Host:
    ownership = own_machine(machine, register)
    written = resolved.department_of(machine)
    return Host(
        id=machine.id,
        name=machine.name,
        sightings=machine.sightings,
        joins=machine.joins,
        conflicts=machine.conflicts,
        placement=placement,
        ownership=ownership,
        department=ownership.department or written,
    )


F = TypeVar("F", MlpsFiling, MlpsAssessment, CryptoAssessment, SharingEntry, SharingUse)
A = TypeVar("A", MlpsAssessment, CryptoAssessment)


class _Resolver:
    """Turns what ledgers write of a system, project or unit into its code or name; remembers what could not be."""

    def __init__(self, names: RegisterNames, units: Directory) -> None:
        self.names = names
        self.units = units
        self.unresolved: set[UnresolvedReference] = set()

    def project(self, project: Project) -> Project:
        """With its unit's present name, and the codes of the systems that it names."""
        days = (project.approved_on, project.awarded_on, project.contract_on)
        shown = self._unit(project.department, project.key, code=project.department_code, on=days)
        systems = tuple(dict.fromkeys(self._system(text, project.key) or text for text in project.systems))
        return msgspec.structs.replace(project, department=shown, systems=systems)

    def system(self, system: System) -> System:
        """With its unit's present name, and the codes of the projects that it names."""
        shown = self._unit(system.department, system.key, code=system.department_code, on=(system.built_on,))
        projects = []
        for text in system.projects:
            code = self.names.project_code(text, system.key)
            if code is None:
                self._miss(AliasKind.PROJECT_NAME, text, system.key)
            projects.append(code or text)
        return msgspec.structs.replace(system, department=shown, projects=tuple(dict.fromkeys(projects)))

    def segment(self, segment: Segment) -> Segment:
        """With its unit's present name."""
        self._system(segment.system, segment.key)
        return msgspec.structs.replace(segment, department=self._unit(segment.department, segment.key))

    def declaration(self, row: OwnershipDeclaration) -> OwnershipDeclaration:
        """The row as it is: what it names that the register does not have is remembered."""
        for text in row.systems:
            if not self.names.own("project", text):
                self._system(text, row.key)
        for text in row.projects:
            if not self.names.own("system", text) and self.names.project_code(text, row.key) is None:
                self._miss(AliasKind.PROJECT_NAME, text, row.key)
        return row

    def department_of(self, machine: Machine) -> str | None:
        """The unit that a ledger gives as the machine's."""
        for sighting in machine.sightings:
            self._system(sighting.system, sighting.key)
        written = next(((s.department, s.key) for s in machine.sightings if s.department), None)
        return self._unit(*written) if written is not None else None

    def with_migrations(self, systems: tuple[System, ...], rows: tuple[Migration, ...]) -> tuple[System, ...]:
        """The systems with what the migration ledger says where the register says nothing.

        Where two rows of one system contradict each other, neither is taken.
        """
        by_code: dict[str, list[Migration]] = defaultdict(list)
        for row in rows:
            code = self._system(row.system, row.key)
            if code is not None:
                by_code[code].append(row)
        return tuple(_with_migration(s, by_code.get(s.native_id, [])) for s in systems)

    def system_field(self, records: tuple[F, ...], name: str) -> tuple[F, ...]:
        return tuple(self._resolved(r, name) for r in records)

    def assessments(self, records: tuple[A, ...], filings: tuple[MlpsFiling, ...]) -> tuple[A, ...]:
        """Reports often name the filing only: a number that one system filed leads to that system."""
        by_number: dict[str, set[str]] = defaultdict(set)
        for filing in filings:
            code = self.names.system_code(filing.system, filing.key)
            if filing.number and code and not filing.is_platform:
                by_number[_digits(filing.number)].add(code)
        found = []
        for record in records:
            report = record.report_number if isinstance(record, MlpsAssessment) else None
            number = record.filing_number or (report or "")[:17]
            codes = by_number.get(_digits(number), set()) if number else set()
            if record.system is None and not record.is_platform and len(codes) == 1:
                found.append(msgspec.structs.replace(record, system=next(iter(codes))))
            else:
                found.append(self._resolved(record, "system"))
        return tuple(found)

    def design_items(self, records: tuple[DesignItem, ...]) -> tuple[DesignItem, ...]:
        """Design books name their project by its code, or by a name that one project has."""
        found = []
        for record in records:
            code = self.names.project_code(record.project, record.key)
            if code is None:
                self._miss(AliasKind.PROJECT_NAME, record.project, record.key)
            found.append(record if code in (None, record.project) else msgspec.structs.replace(record, project=code))
        return tuple(found)

    def _resolved(self, record: F, name: str) -> F:
        text = getattr(record, name)
        if text is None or getattr(record, "is_platform", False):
            return record
        code = self._system(text, record.key)
        return record if code in (None, text) else msgspec.structs.replace(record, **{name: code})

    def _system(self, text: str | None, record: str) -> str | None:
        code = self.names.system_code(text, record)
        if code is None and text:
            self._miss(AliasKind.SYSTEM_NAME, text, record)
        return code

    def _unit(
        self, name: str | None, record: str, *, code: str | None = None, on: Iterable[date | None] = ()
    ) -> str | None:
        if name and self.units and self.units.meant(name, code=code, on=on, record=record) is None:
            self._miss(AliasKind.DEPARTMENT_NAME, name, record)
        return self.units.shown(name, code=code, on=on, record=record)

    def _miss(self, kind: AliasKind, text: str, record: str) -> None:
        self.unresolved.add(UnresolvedReference(kind, text, record))


def _digits(number: str) -> str:
    return "".join(c for c in number if c.isdigit())[:16]


def _missing_components(
    systems: Iterable[System], hosts: Iterable[Host], shared: frozenset[str]
) -> dict[str, tuple[str, ...]]:
    """Hosts that the register names and that no source showed, by system; a name that several bear shows none."""
    known: set[str] = set()
    for host in hosts:
        known.update(normalise(text) for text in (host.id, *host.addresses))
        for sighting in host.sightings:
            known.update((normalise(sighting.name), normalise(sighting.native_id)))
    known -= shared
    missing = {s.native_id: tuple(sorted(h for h in s.hosts if normalise(h) not in known)) for s in systems}
    return {code: names for code, names in missing.items() if names}
