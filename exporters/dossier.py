"""What a scan holds on one project, cut down to that project: the substance of an acceptance file 验收证据.

An acceptance file leaves the centre, so it carries as little as proves the point: records of other projects, their
names and their raw documents stay behind, and nothing classified is ever in it (Art. 28).
"""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cached_property

import msgspec

from checks.deployment import Where, deployment_of, place_words
from checks.result import Result
from checks.sharing import successful_calls
from inventory.coverage import CellResult, CellState, Coverage, Rejection
from inventory.finding import Finding, Verdict, worst
from inventory.hosts import Host, Ownership, Place
from inventory.inventory import LAW_TIME, Inventory, law_date
from inventory.names import normalise
from inventory.records import (
    ClassifiedPlaceholder,
    ClassifiedTrace,
    CryptoAssessment,
    Department,
    DesignItem,
    Exposure,
    HostSighting,
    Migration,
    MlpsAssessment,
    MlpsFiling,
    Port,
    Project,
    Record,
    Segment,
    SharingEntry,
    SharingUse,
    Storage,
    System,
    Tenant,
    View,
    Workload,
)
from inventory.text import Message, msg, tell

DEPLOYMENT_CHECK, SHARING_CHECK, ACCEPTANCE_CHECK = "23.7-deployment", "23.7-sharing", "23-acceptance"
_REGISTER_KINDS = ("project", "system")
_SHARING_KINDS = ("sharing_entry", "sharing_use")
_RUNNING_KINDS = ("host", "hypervisor", "tenant", "workload", "port")
_NEAR = 5


class UnknownProject(Exception):
    """No registered project has this code; `near` are codes that look like it."""

    def __init__(self, code: str, near: tuple[str, ...]) -> None:
        if near:
            message = msg(
                "no project {code} is in the register of this scan; near it: {near}", code=code, near=", ".join(near)
            )
        else:
            message = msg("no project {code} is in the register of this scan", code=code)
        super().__init__(tell(message, "en"))
        self.message = message
        self.near = near


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One row of table A: something that a system of the project runs on 部署组件."""

    kind: str
    """`host`, a Kubernetes kind such as `Deployment`, or `declared`: named in the register, shown by no source."""
    system: str
    """Code and name; empty where a host belongs to the project as a whole."""
    name: str
    zone: str | None = None
    addresses: tuple[str, ...] = ()
    cloud_id: str | None = None
    tenant: str | None = None
    created_on: date | None = None
    place: Place | None = None
    """None for what is not a machine itself."""
    verdict: Verdict
    """Proven on the cloud or the centre's procured capacity, proven off it, or unknown: as the checks judge."""
    because: Message
    evidence: tuple[str, ...] = ()
    """Record keys."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SharingRow:
    """One row of table B: a catalogue entry and what is known of its use."""

    entry: SharingEntry
    system: str
    last_success_on: date | None
    calls: int | None
    """Successful calls or exchanges that are known to lie in the window; None: the platform's log does not tell."""
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One record that the file rests on, with its number in the file."""

    number: int
    record: Record

    @property
    def label(self) -> str:
        """`证07`: how tables and conclusions point at it."""
        return f"证{self.number:02d}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One of the two conjuncts of 23(7). It repeats its check and is never kinder: a gap in what was seen makes a pass
    unknown, and so does a line that nobody judged."""

    letter: str
    finding: Finding | None
    verdict: Verdict
    gaps: tuple[CellResult, ...]
    """What could not be seen and may have held something of the project, of the kinds that the line rests on."""
    rejections: tuple[Rejection, ...]


@dataclass(frozen=True, kw_only=True)
class Dossier:
    """All that a scan says of one project."""

    result: Result
    project: Project
    systems: tuple[System, ...]
    findings: tuple[Finding, ...]
    """Of the project, its systems and their hosts; other projects' codes taken out."""
    components: tuple[Component, ...]
    sharing: tuple[SharingRow, ...]
    window: tuple[date, date]
    """First and last day in which calls count."""
    evidence: tuple[Evidence, ...]
    gaps: tuple[CellResult, ...]
    """What could not be seen and may have held something of the project."""
    rejections: tuple[Rejection, ...]
    """Ledger rows that speak of the project and could not be used."""

    @cached_property
    def lines(self) -> tuple["Line", "Line"]:
        """A and B of 23(7): deployed on, or moved to, the government cloud; data sharing achieved."""
        return (
            self._line("A", DEPLOYMENT_CHECK, (*_RUNNING_KINDS, *_REGISTER_KINDS)),
            self._line("B", SHARING_CHECK, (*_SHARING_KINDS, *_REGISTER_KINDS)),
        )

    @cached_property
    def verdict(self) -> Verdict:
        """Of 23(7) as a whole: A and B."""
        return worst([line.verdict for line in self.lines])

    @cached_property
    def acceptance(self) -> Finding | None:
        """What the policy asks for acceptance beside 23(7), if a check said so."""
        return self._own(ACCEPTANCE_CHECK)

    @cached_property
    def labels(self) -> Mapping[str, str]:
        """Record key to evidence label."""
        return {e.record.key: e.label for e in self.evidence}

    @cached_property
    def raws(self) -> Mapping[str, bytes]:
        """Digest to raw document, of the evidence only."""
        wanted = {e.record.raw for e in self.evidence if e.record.raw}
        return {d: self.result.raws[d] for d in sorted(wanted) if d in self.result.raws}

    def cited(self, keys: Iterable[str]) -> tuple[str, ...]:
        """Labels of these records, without those that stay behind."""
        return tuple(sorted(self.labels[k] for k in set(keys) if k in self.labels))

    def _line(self, letter: str, check: str, kinds: tuple[str, ...]) -> "Line":
        finding = self._own(check)
        coverage = self.result.inventory.coverage
        of_kind = {r.cell.source for r in coverage.of(*kinds)}
        gaps = tuple(g for g in self.gaps if g.cell.kind in kinds)
        rejected = tuple(r for r in self.rejections if r.source in of_kind or not _has_cells(coverage, r.source))
        verdict = finding.verdict if finding else Verdict.UNKNOWN
        if verdict is Verdict.PASS and (gaps or rejected):
            verdict = Verdict.UNKNOWN
        return Line(letter=letter, finding=finding, verdict=verdict, gaps=gaps, rejections=rejected)

    def _own(self, check: str) -> Finding | None:
        for finding in self.findings:
            if finding.check == check and finding.subject.kind == "project":
                return finding
        return None


def dossier(result: Result, project_code: str) -> Dossier:
    """Everything on the project.

    Raises:
        UnknownProject: no registered project has the code.
    """
    inventory = result.inventory
    project = inventory.project(project_code)
    if project is None:
        raise _unknown(inventory, project_code)
    mine = _Mine(inventory, project)
    findings = tuple(mine.cut(f) for f in result.findings if mine.concerns(f))
    components = tuple(_components(mine))
    window = _window(result)
    sharing = tuple(_sharing_rows(mine, window))
    wanted = {project.key, *(s.key for s in mine.systems)}
    wanted.update(k for f in findings for k in f.evidence)
    wanted.update(k for c in components for k in c.evidence)
    wanted.update(k for row in sharing for k in row.evidence)
    index = {r.key: r for r in _records(inventory)}
    kept = sorted((index[k] for k in wanted if k in index and mine.may_show(index[k])), key=lambda r: r.key)
    return Dossier(
        result=result,
        project=project,
        systems=mine.systems,
        findings=findings,
        components=components,
        sharing=sharing,
        window=window,
        evidence=tuple(Evidence(number=n, record=r) for n, r in enumerate(kept, 1)),
        gaps=tuple(_gaps(mine, {r.source for r in kept})),
        rejections=tuple(
            r for r in inventory.coverage.rejections if mine.names.intersection(map(normalise, r.touches))
        ),
    )


def _unknown(inventory: Inventory, code: str) -> UnknownProject:
    codes = sorted(p.native_id for p in inventory.projects)
    close = difflib.get_close_matches(code, codes, n=_NEAR, cutoff=0.5)
    holding = [c for c in codes if code and normalise(code) in normalise(c)]
    return UnknownProject(code, tuple(dict.fromkeys([*holding, *close]))[:_NEAR])


class _Mine:
    """What belongs to one project, and what does not."""

    def __init__(self, inventory: Inventory, project: Project) -> None:
        self.inventory = inventory
        self.project = project
        self.systems = inventory.systems_of(project)
        self.codes = {s.native_id for s in self.systems}
        of_systems = [h for s in self.systems for h in inventory.hosts_of(s)]
        # A host that names the project and one of its systems is a component of that system, not of its siblings.
        of_project = [
            h for h in inventory.hosts if project.native_id in h.ownership.projects and not h.ownership.systems
        ]
        self.project_hosts = tuple(of_project)
        self.hosts = {h.id: h for h in (*of_systems, *of_project)}
        self.sightings = {k for h in self.hosts.values() for k in h.evidence}
        self.host_of = {k: h for h in inventory.hosts for k in h.evidence}
        self.instances = {s.native_id for h in self.hosts.values() for s in h.sightings}
        self.entries = tuple(e for s in self.systems for e in inventory.sharing_of(s))
        self.uses = {u.key for e in self.entries for u in inventory.uses_of(e)}
        self.tenants = {(t.source, t.native_id): t for t in inventory.tenants}
        self.names = {normalise(n) for n in self._names()}

    def _names(self) -> Iterable[str]:
        yield self.project.native_id
        yield self.project.name
        yield from self.project.tenants
        for system in self.systems:
            yield from (system.native_id, system.name, *system.hosts, *system.tenants)
        for host in self.hosts.values():
            yield from (host.id, host.name, *host.addresses)
        for tenant in self.inventory.tenants:
            if self._owned(self.inventory.owners.get(tenant.key)) is True:
                yield from (tenant.native_id, tenant.name)

    def concerns(self, finding: Finding) -> bool:
        """Whether a finding speaks of the project, one of its systems, or what runs them."""
        subject = finding.subject
        if subject.kind == "project":
            return subject.id == self.project.native_id
        if subject.kind == "system":
            return subject.id in self.codes
        if subject.kind == "host":
            return subject.id in self.hosts
        return subject.kind != "classified" and self.project.native_id in subject.projects

    def cut(self, finding: Finding) -> Finding:
        """The finding without the codes of other projects that share the subject."""
        own = tuple(p for p in finding.subject.projects if p == self.project.native_id)
        return msgspec.structs.replace(finding, subject=msgspec.structs.replace(finding.subject, projects=own))

    def may_show(self, record: Record) -> bool:  # noqa: C901, PLR0911, PLR0912 - one case for each kind of record
        """Whether a record may leave with this project's file: not if it is known to be somebody else's."""
        match record:
            case ClassifiedPlaceholder() | ClassifiedTrace():
                return False
            case Project():
                return record.native_id == self.project.native_id
            case System():
                return record.native_id in self.codes
            case Migration():
                mine = {normalise(w) for own in self.systems for w in (own.native_id, own.name)}
                return normalise(record.system) in mine
            case DesignItem():
                return record.project == self.project.native_id
            case Department():
                return record.name == self.project.department
            case HostSighting():
                host = self.host_of.get(record.key)
                return record.key in self.sightings or host is None or self._owned(host.ownership) is None
            case Tenant() | Workload() | Storage():
                return self._owned(self.inventory.owners.get(record.key)) is not False
            case MlpsFiling() | MlpsAssessment() | CryptoAssessment():
                return record.is_platform or record.system in self.codes
            case SharingEntry():
                return record.system in self.codes
            case SharingUse():
                return record.key in self.uses
            case Port():
                return record.device in self.instances
            case Segment():
                return record.department in (None, self.project.department)
            case Exposure():
                return False
            case _:
                return True

    def _owned(self, ownership: Ownership | None) -> bool | None:
        """True: the project's; False: somebody else's; None: nobody's."""
        if ownership is None or not (ownership.systems or ownership.projects):
            return None
        return self.project.native_id in ownership.projects or bool(self.codes.intersection(ownership.systems))


_VERDICTS = {Where.ON: Verdict.PASS, Where.OFF: Verdict.FAIL, Where.OPEN: Verdict.UNKNOWN}


def _components(mine: _Mine) -> Iterable[Component]:
    """What the check of deployment looked at, so that the table can never say otherwise than the finding."""
    workloads = {w.key: w for w in mine.inventory.workloads}
    for system in mine.systems:
        title = f"{system.native_id} {system.name}"
        for judged in deployment_of(mine.inventory, system).components:
            row = Component(
                kind=judged.kind,
                system=title,
                name=judged.name,
                verdict=_VERDICTS[judged.where],
                because=judged.because,
                evidence=judged.evidence,
            )
            if judged.kind == "host":
                host = next((mine.host_of[k] for k in judged.evidence if k in mine.host_of), None)
                yield _with_host(mine, row, host) if host else row
            else:
                workload = next((workloads[k] for k in judged.evidence if k in workloads), None)
                yield _with_workload(row, workload) if workload else row
    for host in sorted(mine.project_hosts, key=lambda h: (h.name, h.id)):
        verdict = Verdict.PASS if host.is_on_cloud else Verdict.FAIL if host.is_standalone else Verdict.UNKNOWN
        row = Component(
            kind="host",
            system="",
            name=host.name,
            verdict=Verdict.UNKNOWN if host.conflicts else verdict,
            because=place_words(host.placement.place),
            evidence=host.placement.evidence or host.evidence,
        )
        yield _with_host(mine, row, host)


def _with_host(mine: _Mine, row: Component, host: Host) -> Component:
    instance = next((s for view in (View.SERVER, View.LISTED) for s in host.seen_by(view)), None)
    tenant = None
    if instance is not None and instance.tenant is not None:
        known = mine.tenants.get((instance.source, instance.tenant))
        tenant = known.name if known else instance.tenant
    return replace(
        row,
        zone="、".join(host.zones) or None,
        addresses=host.addresses,
        cloud_id=(instance.uuid or instance.native_id) if instance else None,
        tenant=tenant,
        created_on=_local(instance.created_at if instance else None) or host.commissioned_on,
        place=host.placement.place,
        evidence=tuple(sorted({*row.evidence, *host.evidence})),
    )


def _with_workload(row: Component, workload: Workload) -> Component:
    return replace(
        row,
        kind=workload.workload_kind,
        addresses=workload.addresses,
        cloud_id=workload.native_id,
        tenant=workload.namespace,
    )


def _window(result: Result) -> tuple[date, date]:
    last = law_date(result.scan.as_of)
    return last - timedelta(days=result.policy.choices.sharing_window_days), last


def _sharing_rows(mine: _Mine, window: tuple[date, date]) -> Iterable[SharingRow]:
    names = {s.native_id: f"{s.native_id} {s.name}" for s in mine.systems}
    for entry in mine.entries:
        uses = mine.inventory.uses_of(entry)
        counts = [calls for u in uses if (calls := successful_calls(u, *window)) is not None]
        yield SharingRow(
            entry=entry,
            system=names.get(entry.system or "", entry.system or ""),
            last_success_on=max((u.last_success_on for u in uses if u.last_success_on), default=None),
            calls=sum(counts) if counts else None,
            evidence=(entry.key, *(u.key for u in uses)),
        )


def _gaps(mine: _Mine, sources: set[str]) -> Iterable[CellResult]:
    for result in mine.inventory.coverage.results:
        if not result.is_gap:
            continue
        source_type = result.cell.source.partition(":")[0]
        named = normalise(result.cell.scope) in mine.names or any(normalise(u) in mine.names for u in result.unseen)
        if source_type == "ledger":
            # A rejected row makes the sheet partial; whose row it was is told by the rejection itself.
            concerns = result.cell.kind in (*_REGISTER_KINDS, *_SHARING_KINDS) and result.state is not CellState.PARTIAL
        else:
            whole = source_type == "openstack" or result.cell.scope == "*"
            concerns = result.cell.kind in _RUNNING_KINDS and whole and result.cell.source in sources
        if concerns or named:
            yield result


def _records(inventory: Inventory) -> Iterable[Record]:
    for host in inventory.hosts:
        yield from host.sightings
    for group in (
        inventory.departments, inventory.projects, inventory.systems, inventory.design_items, inventory.third_parties,
        inventory.filings,
        inventory.assessments, inventory.sharing_entries, inventory.sharing_uses, inventory.tenants,
        inventory.workloads, inventory.exposures, inventory.storages, inventory.segments, inventory.ports,
        inventory.routers, inventory.floating_addresses, inventory.quotas, inventory.snapshots,
        inventory.security_groups, inventory.load_balancers, inventory.bare_metal_nodes, inventory.count_mismatches,
    ):  # fmt: skip
        yield from group


def _has_cells(coverage: Coverage, source: str) -> bool:
    return any(r.cell.source == source for r in coverage.results)


def _local(moment: datetime | None) -> date | None:
    return moment.astimezone(LAW_TIME).date() if moment else None
