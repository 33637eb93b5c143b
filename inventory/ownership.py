"""Whose something is: declared override, then confirmed name, tag or label, tenant, segment, host name; similarity
only proposes.

Every rule that speaks is kept as the explanation. Strong rules that contradict each other are a finding, never a silent
pick. A tenant or segment that several systems share says whose department it is, not which system.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from inventory.alias import Alias, AliasBook, AliasKind
from inventory.departments import Directory
from inventory.hosts import AliasFlaw, Ownership, OwnershipHit, OwnershipRule
from inventory.identity import Machine
from inventory.names import normalise
from inventory.networks import SegmentTable, as_network
from inventory.records import (
    HostSighting,
    OwnershipDeclaration,
    Project,
    Segment,
    Storage,
    System,
    Tenant,
    View,
    Workload,
)
from inventory.register_names import RegisterNames
from inventory.settings import OwnershipRules
from inventory.text import Message, mark, msg

RULE_NAMES = {
    OwnershipRule.DECLARED: mark("the declaration"),
    OwnershipRule.ALIAS: mark("the confirmed name"),
    OwnershipRule.LABEL: mark("the label"),
    OwnershipRule.TENANT: mark("the tenant"),
    OwnershipRule.SEGMENT: mark("the segment"),
    OwnershipRule.HOSTNAME: mark("the host name rule"),
    OwnershipRule.SIMILARITY: mark("a similar name"),
}

_STRONG = tuple(r for r in OwnershipRule if r is not OwnershipRule.SIMILARITY)


@dataclass(kw_only=True)
class Register:
    """The register, looked up the ways that rules ask."""

    systems: Mapping[str, System]
    projects: Mapping[str, Project]
    rules: OwnershipRules
    segments: SegmentTable
    tenants: Mapping[str, Tenant]
    """By record key."""
    declarations: Sequence[OwnershipDeclaration] = ()
    shared_words: frozenset[str] = frozenset()
    """Normalised names and addresses that several machines bear: without a zone they mean none of them."""
    platform: frozenset[str] = frozenset()
    """Sources that are the government cloud: a tenant's name in the register means theirs."""
    unlisted: frozenset[str] = frozenset()
    """Those of them whose tenants were not all listed: any name may be that of one that was not."""
    aliases: AliasBook | None = None
    """Names that persons confirmed."""
    units: Directory | None = None
    """The register of units, which aliases may name."""
    _tenants_by_name: dict[tuple[str, str], Tenant] = field(default_factory=dict)
    _names: RegisterNames = field(init=False)
    _tenant_systems: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    _tenant_projects: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    _namesakes: frozenset[str] = frozenset()
    """Keys of tenants that only their id names."""
    _declared: dict[str, list[OwnershipHit]] = field(default_factory=lambda: defaultdict(list))
    _tenant_aliases: dict[str, list[tuple[Alias, AliasFlaw | None]]] = field(default_factory=lambda: defaultdict(list))
    """Key of a tenant to the aliases that bear its name, and why they may mean another tenant."""
    _host_aliases: dict[str, list[tuple[Alias, AliasFlaw | None]]] = field(default_factory=lambda: defaultdict(list))
    """The same by the id of a machine."""

    def __post_init__(self) -> None:
        self._names = RegisterNames(
            self.systems.values(), self.projects.values(), aliases=self.aliases, units=self.units
        )
        self._namesakes = self._tenants_with_namesakes()
        self._tenants_by_name = {(t.source, t.name): t for t in self.tenants.values()}
        for code, system in self.systems.items():
            for tenant in system.tenants:
                self._tenant_systems[normalise(tenant)].add(code)
            for host in system.hosts:
                self._declare(host, None, OwnershipHit(
                    rule=OwnershipRule.DECLARED, value=host, systems=(code,), evidence=system.key,
                ))  # fmt: skip
        for code, project in self.projects.items():
            for tenant in project.tenants:
                self._tenant_projects[normalise(tenant)].add(code)
        for row in self.declarations:
            systems = {s: self.system_code(s, row.key) for s in row.systems}
            projects = {p: self._names.project_code(p, row.key) for p in row.projects}
            unheard = [s for s, code in systems.items() if code is None and s not in self.projects]
            unheard += [p for p, code in projects.items() if code is None and self.system_code(p) is None]
            hit = OwnershipHit(
                rule=OwnershipRule.DECLARED,
                value=f"{row.target} → {', '.join(unheard)}" if unheard else row.target,
                systems=tuple(code for code in systems.values() if code is not None),
                projects=tuple(code for code in projects.values() if code is not None),
                evidence=row.key,
            )
            self._declare(row.target, row.zone, hit)
        self._find_aliased_tenants()

    def _entries(self, kind: AliasKind) -> Mapping[str, list[Alias]]:
        """Aliases of one kind that hold on the day of the scan, by the normalised name."""
        found: dict[str, list[Alias]] = defaultdict(list)
        for alias in self.aliases.in_force(kind) if self.aliases is not None else ():
            found[normalise(alias.written)].append(alias)
        return found

    def _find_aliased_tenants(self) -> None:
        entries = self._entries(AliasKind.TENANT)
        bearers: dict[Alias, dict[str, Tenant]] = defaultdict(dict)
        for tenant in self.tenants.values() if entries else ():
            for word in {normalise(tenant.name), normalise(tenant.native_id)} & entries.keys():
                for alias in entries[word]:
                    if alias.reaches(tenant.source):
                        bearers[alias][tenant.key] = tenant
        for alias, found in bearers.items():
            in_source = Counter(t.source for t in found.values())
            # One name in two domains, or in our cloud and in another's: its id says which is meant, or the source.
            flaw = None
            if max(in_source.values()) > 1 or len({source in self.platform for source in in_source}) > 1:
                flaw = AliasFlaw.SEVERAL
            elif not self.platform & in_source.keys() and any(alias.reaches(s) for s in self.unlisted):
                flaw = AliasFlaw.UNLISTED
            for key in found:
                self._tenant_aliases[key].append((alias, flaw))

    def meet(self, machines: Iterable[Machine]) -> None:
        """Finds which machines the confirmed host names speak of; before it nothing is found by them."""
        entries = self._entries(AliasKind.HOST)
        bearers: dict[Alias, dict[str, Machine]] = defaultdict(dict)
        for machine in machines if entries else ():
            for word, source, zone in _scoped_words(machine):
                for alias in entries.get(word, ()):
                    if alias.reaches(source) and alias.zone in (None, zone):
                        bearers[alias][machine.id] = machine
        for alias, found in bearers.items():
            # A row on paper that was joined to nothing is most often one of the others.
            is_open = sum(any(s.view is not View.ASSET for s in m.sightings) for m in found.values()) > 1
            for machine_id in found:
                self._host_aliases[machine_id].append((alias, AliasFlaw.SEVERAL if is_open else None))

    def _declare(self, target: str, zone: str | None, hit: OwnershipHit) -> None:
        self._declared[f"{zone or ''}|{normalise(target)}"].append(hit)

    def _tenants_with_namesakes(self) -> frozenset[str]:
        """Keystone allows one name in two domains, and another unit's cloud may use a name of ours."""
        by_name: dict[tuple[str, str], list[Tenant]] = defaultdict(list)
        for tenant in self.tenants.values():
            by_name[tenant.source.partition(":")[0], normalise(tenant.name)].append(tenant)
        found: set[str] = set()
        for named in by_name.values():
            in_source = Counter(t.source for t in named)
            kind = named[0].source.partition(":")[0]
            is_ours = any(t.source in self.platform for t in named)
            is_ours |= any(source.partition(":")[0] == kind for source in self.unlisted)
            found.update(t.key for t in named if in_source[t.source] > 1 or (is_ours and t.source not in self.platform))
        return frozenset(found)

    def tenant_named(self, source: str, name: str) -> Tenant | None:
        """The tenant of this name in one source (namespaces: names are unique there)."""
        return self._tenants_by_name.get((source, name))

    def system_code(self, text: str | None, record: str = "") -> str | None:
        """The code that is meant by a system's code or name (RegisterNames.system_code)."""
        return self._names.system_code(text, record)

    def _aliased(
        self, entries: Iterable[tuple[Alias, AliasFlaw | None]], hits: Sequence[OwnershipHit], records: Iterable[str]
    ) -> Iterator[OwnershipHit]:
        """What persons confirmed of something, beside what the rules say of it; `records` bear the name."""
        written = sorted(records)
        for alias, doubt in entries:
            if self.aliases is not None:
                self.aliases.use(alias, written)
            known = self._names.of_alias(alias)
            if alias.is_refusal and not any(self._names_it(hit, alias, known) for hit in hits):
                continue
            flaw = AliasFlaw.REFUSED if alias.is_refusal else doubt
            if known is None:
                flaw = AliasFlaw.DANGLING
            # Without the number of the entry: what is inserted above it changes no finding.
            by = f"{alias.confirmed_by} {alias.confirmed_on.isoformat()}"
            means = "" if flaw is None else f" {'≠' if alias.is_refusal else '→'} {alias.target}"
            yield OwnershipHit(
                rule=OwnershipRule.ALIAS,
                value=f"{alias.written}{means} ({by})",
                systems=(known,) if known and alias.system and not flaw else (),
                projects=(known,) if known and alias.project and not flaw else (),
                department=known if alias.department and not flaw else None,
                evidence=written[0],
                flaw=flaw,
            )

    def _names_it(self, hit: OwnershipHit, alias: Alias, known: str | None) -> bool:
        if alias.department is None:
            return known in (hit.systems if alias.system else hit.projects)
        return known is not None and known in (hit.department, self.department_of(hit.systems, hit.projects))

    def declared(self, values: Iterable[str], zones: Iterable[str | None]) -> Iterator[OwnershipHit]:
        """What persons declared of any of these names, addresses or ids."""
        scopes = {z or "" for z in zones} | {""}
        for value in values:
            for zone in sorted(scopes):
                for hit in self._declared.get(f"{zone}|{normalise(value)}", ()):
                    is_open = not zone and normalise(value) in self.shared_words
                    yield replace(hit, systems=(), projects=()) if is_open else hit

    def labelled(self, labels: Mapping[str, str], tags: Iterable[str], evidence: str) -> Iterator[OwnershipHit]:
        """Labels under the configured keys, and tags that are a code (alone or after `key=` or `key:`).

        A label that names nothing of the register decides nothing, and is told: the register may not be whole.
        """
        texts = [(f"{k}={v}", v) for k, v in sorted(labels.items()) if k in self.rules.label_keys]
        for shown, text in texts:
            if text and self._names.coded(text) is None:
                yield OwnershipHit(rule=OwnershipRule.LABEL, value=shown, evidence=evidence)
        for tag in sorted(tags):
            texts += [(tag, tag)] + [(tag, tag.partition(sep)[2]) for sep in ("=", ":") if sep in tag]
        for shown, text in texts:
            kind, code = self._names.coded(text) or ("", "")
            if kind:
                yield OwnershipHit(
                    rule=OwnershipRule.LABEL,
                    value=shown,
                    systems=(code,) if kind == "system" else (),
                    projects=(code,) if kind == "project" else (),
                    evidence=evidence,
                )

    def of_tenant(self, tenant: Tenant) -> Iterator[OwnershipHit]:
        """What persons confirmed of the tenant's name, what the register says of it, what its own tags say."""
        hits = [*self.labelled(tenant.labels, tenant.tags, tenant.key)]
        systems: set[str] = set()
        projects: set[str] = set()
        for text in (tenant.native_id,) if tenant.key in self._namesakes else (tenant.name, tenant.native_id):
            systems |= self._tenant_systems.get(normalise(text), set())
            projects |= self._tenant_projects.get(normalise(text), set())
        if systems or projects:
            hits.append(
                OwnershipHit(
                    rule=OwnershipRule.TENANT,
                    value=tenant.name,
                    systems=tuple(sorted(systems)),
                    projects=tuple(sorted(projects)),
                    evidence=tenant.key,
                )
            )
        yield from hits
        yield from self._aliased(self._tenant_aliases.get(tenant.key, ()), hits, [tenant.key])

    def of_machine(self, machine: Machine, hits: Sequence[OwnershipHit]) -> Iterator[OwnershipHit]:
        """What persons confirmed of a name of the machine."""
        yield from self._aliased(self._host_aliases.get(machine.id, ()), hits, [s.key for s in machine.sightings])

    def in_tenant(self, source: str, tenant_id: str | None) -> Iterator[OwnershipHit]:
        """The same for something that lives in the tenant: it inherits the tenant's tags as tenant evidence."""
        tenant = self.tenants.get(f"{source}|tenant|{tenant_id}")
        if tenant is not None:
            for hit in self.of_tenant(tenant):
                if hit.rule is OwnershipRule.ALIAS:
                    yield hit
                    continue
                yield OwnershipHit(
                    rule=OwnershipRule.TENANT,
                    value=tenant.name if hit.rule is OwnershipRule.TENANT else f"{tenant.name}: {hit.value}",
                    systems=hit.systems,
                    projects=hit.projects,
                    evidence=tenant.key,
                )

    def of_segment(self, segment: Segment) -> OwnershipHit | None:
        """What an IP plan says of the segment."""
        code = self.system_code(segment.system, segment.key)
        if code is None and segment.department is None:
            return None
        return OwnershipHit(
            rule=OwnershipRule.SEGMENT,
            value=segment.cidr,
            systems=(code,) if code else (),
            department=segment.department,
            evidence=segment.key,
            zone=segment.zone,
        )

    def by_hostname(self, name: str, evidence: str) -> Iterator[OwnershipHit]:
        """Configured patterns that match the whole name."""
        for rule in self.rules.hostname:
            if re.fullmatch(rule.pattern, name):
                code = self.system_code(rule.system)
                yield OwnershipHit(
                    rule=OwnershipRule.HOSTNAME,
                    value=rule.pattern,
                    systems=(code,) if code else (),
                    projects=(rule.project,) if rule.project and rule.project in self.projects else (),
                    evidence=evidence,
                )

    def projects_of_system(self, code: str) -> tuple[str, ...]:
        """Projects of a system, whichever register says so."""
        system = self.systems[code]
        named = {p for p in system.projects if p in self.projects}
        return tuple(sorted(named | {c for c, p in self.projects.items() if code in p.systems}))

    def systems_of_project(self, code: str) -> tuple[str, ...]:
        """Systems of a project, whichever register says so."""
        project = self.projects[code]
        named = {s for s in project.systems if s in self.systems}
        return tuple(sorted(named | {c for c, s in self.systems.items() if code in s.projects}))

    def department_of(self, systems: Iterable[str], projects: Iterable[str]) -> str | None:
        """The one department of these systems and projects; None if they have none or several."""
        named = {self.systems[s].department for s in systems} | {self.projects[p].department for p in projects}
        named.discard(None)
        return named.pop() if len(named) == 1 else None


def shared_words(machines: Iterable[Machine]) -> frozenset[str]:
    """Names and addresses, normalised, of more than one machine: networks overlap, and names repeat.

    An asset row that was joined to nothing counts for none: most often it is the same machine, on paper.
    """
    real = (m for m in machines if any(s.view is not View.ASSET for s in m.sightings))
    count = Counter(word for machine in real for word in {normalise(w) for w in _words(machine)})
    return frozenset(word for word, bearers in count.items() if bearers > 1)


def _words(machine: Machine) -> Iterator[str]:
    for s in machine.sightings:
        yield s.name
        for nic in s.nics:
            yield from (a.partition("/")[0] for a in nic.addresses)


def _scoped_words(machine: Machine) -> set[tuple[str, str, str | None]]:
    """What may name the machine, normalised, with the source that writes it and the zone in which it holds."""
    found: set[tuple[str, str, str | None]] = set()
    for s in machine.sightings:
        addresses = (a.partition("/")[0] for nic in s.nics for a in nic.addresses)
        found |= {(normalise(w), s.source, s.zone) for w in (machine.id, s.name, s.native_id, *addresses)}
    return found


def own_machine(machine: Machine, register: Register) -> Ownership:
    """Whose the machine is, from everything that its sightings say."""
    hits: list[OwnershipHit] = []
    names = sorted({s.name for s in machine.sightings} | {n.native_id for n in machine.sightings})
    addresses = sorted({a.partition("/")[0] for s in machine.sightings for n in s.nics for a in n.addresses})
    zones = sorted({s.zone for s in machine.sightings if s.zone})
    hits += register.declared([machine.id, *names, *addresses], zones)
    for s in machine.sightings:
        hits += register.labelled(s.labels, s.tags, s.key)
        hits += register.in_tenant(s.source, s.tenant)
        hits += register.by_hostname(s.name, s.key)
        code = register.system_code(s.system, s.key)
        if code:
            hits.append(
                OwnershipHit(rule=OwnershipRule.DECLARED, value=s.system or "", systems=(code,), evidence=s.key)
            )
        hits += _segment_hits(s, register)
    hits += register.of_machine(machine, hits)
    return resolve(hits, register)


def _segment_hits(sighting: HostSighting, register: Register) -> Iterator[OwnershipHit]:
    if sighting.zone is None:
        return
    for nic in sighting.nics:
        for address in nic.addresses:
            found = register.segments.find(address.partition("/")[0], zone=sighting.zone)
            named = [(s, hit) for s in found if (hit := register.of_segment(s)) is not None]
            # A network that is promised twice, or is in two VRFs of the zone: all who are named are heard.
            yield from (hit for s, hit in named if as_network(s.cidr) == as_network(named[0][0].cidr))


def own_tenant(tenant: Tenant, register: Register) -> Ownership:
    """Whose a tenant is."""
    return resolve([*register.declared([tenant.native_id, tenant.name], [None]), *register.of_tenant(tenant)], register)


def own_workload(workload: Workload, register: Register) -> Ownership:
    """Whose a workload is: its labels, else its namespace."""
    hits = list(register.labelled(workload.labels, (), workload.key))
    namespace = register.tenant_named(workload.source, workload.namespace)
    if namespace is not None:
        hits += register.in_tenant(namespace.source, namespace.native_id)
    return resolve(hits, register)


def own_storage(storage: Storage, register: Register) -> Ownership:
    """Whose a volume is: its tags, else its tenant."""
    hits = [*register.labelled({}, storage.tags, storage.key), *register.in_tenant(storage.source, storage.tenant)]
    return resolve(hits, register)


def resolve(hits: Iterable[OwnershipHit], register: Register) -> Ownership:
    """One ownership from all hits: the strongest rule decides, a weaker one may narrow it and may contradict it."""
    ordered = _unique(hits)
    systems: set[str] = set()
    projects: set[str] = set()
    candidates: set[str] = set()
    contradictions: list[Message] = []
    decided: OwnershipHit | None = None
    for hit in ordered:
        if hit.rule not in _STRONG or not (hit.systems or hit.projects):
            continue
        named = set(hit.systems)
        reach = named | {s for p in hit.projects for s in register.systems_of_project(p)}
        if decided is None:
            decided, candidates = hit, reach
            systems, projects = named, set(hit.projects)
        elif decided.rule is OwnershipRule.DECLARED and hit.rule is not OwnershipRule.DECLARED:
            continue  # a person's word outranks every rule; the others stay visible as hits
        elif _agrees(reach, set(hit.projects), candidates, projects, register):
            narrowed = candidates & named
            if narrowed and (len(systems) != 1 or hit.rule is decided.rule):
                systems = systems | narrowed if hit.rule is decided.rule and systems else narrowed
        elif hit.rule is decided.rule and hit.rule in (OwnershipRule.DECLARED, OwnershipRule.LABEL):
            # One thing shared by several systems says so twice in the same words: allowed, many-to-many.
            systems |= named
            projects |= set(hit.projects)
            candidates |= reach
        else:
            contradictions.append(_contradiction(decided, hit))
    is_declared = decided is not None and decided.rule is OwnershipRule.DECLARED
    flawed = [] if is_declared else [h for h in ordered if h.flaw is not None]
    contradictions[:0] = [_unfollowed(h, decided) for h in flawed]
    void = next((h for h in ordered if h.rule is OwnershipRule.DECLARED and not (h.systems or h.projects)), None)
    if void is not None and decided is not None and decided.rule is not OwnershipRule.DECLARED:
        # A person said otherwise, in a code that no register has: nobody may pick the second best.
        contradictions.insert(0, _unheard(void, decided))
    if decided is not None and decided.rule in (OwnershipRule.TENANT, OwnershipRule.SEGMENT) and len(systems) > 1:
        systems = set()  # shared by several systems: whose department is known, which system is not
    if not systems and len(projects) == 1:
        only = register.systems_of_project(next(iter(projects)))
        systems = set(only) if len(only) == 1 else systems
    all_projects = projects | {p for s in systems for p in register.projects_of_system(s)}
    department = register.department_of(systems or candidates, all_projects if not systems else ())
    if department is None:
        first = next((h for h in ordered if h.department), None)
        # A person's word outranks the plans, also where they contradict each other.
        is_planned = first is not None and first.rule is OwnershipRule.SEGMENT and not is_declared
        twice = _promised_twice(ordered) if is_planned else []
        contradictions += [_contradiction(one, other) for one, other in twice]
        department = None if first is None or twice else first.department
    confirmed = [] if is_declared else [h for h in ordered if h.rule is OwnershipRule.ALIAS and h.department]
    contradictions += [_contradiction(h, decided or confirmed[0]) for h in confirmed if h.department != department]
    return Ownership(
        systems=tuple(sorted(systems)),
        projects=tuple(sorted(all_projects)),
        department=department,
        hits=ordered,
        disagreement=contradictions[0] if contradictions else None,
    )


def _agrees(
    reach: set[str], hit_projects: set[str], candidates: set[str], projects: set[str], register: Register
) -> bool:
    if reach & candidates or hit_projects & projects:
        return True
    of_candidates = {p for s in candidates for p in register.projects_of_system(s)}
    return bool(hit_projects & of_candidates)


def _contradiction(first: OwnershipHit, second: OwnershipHit) -> Message:
    return msg(
        "{first_rule} {first_value} says {first_owner}, {second_rule} {second_value} says {second_owner}",
        first_rule=msg(RULE_NAMES[first.rule]),
        first_value=first.value,
        first_owner=", ".join(first.systems or first.projects) or first.department or "",
        second_rule=msg(RULE_NAMES[second.rule]),
        second_value=second.value,
        second_owner=", ".join(second.systems or second.projects) or second.department or "",
    )


def _promised_twice(hits: Sequence[OwnershipHit]) -> list[tuple[OwnershipHit, OwnershipHit]]:
    """Departments, in pairs, to whom plans give one network of one zone."""
    networks: dict[tuple[str | None, str], list[OwnershipHit]] = defaultdict(list)
    for hit in hits:
        if hit.rule is OwnershipRule.SEGMENT and hit.department:
            networks[hit.zone, hit.value].append(hit)
    return [(a, b) for named in networks.values() for a, b in pairwise(named) if a.department != b.department]


def _unheard(void: OwnershipHit, decided: OwnershipHit) -> Message:
    return msg(
        "the declaration {value} names nothing that the register has, or several machines; {rule} {found} says {owner}",
        value=void.value,
        rule=msg(RULE_NAMES[decided.rule]),
        found=decided.value,
        owner=", ".join(decided.systems or decided.projects),
    )


def _unfollowed(flawed: OwnershipHit, other: OwnershipHit | None) -> Message:
    why = {
        AliasFlaw.DANGLING: msg("it names nothing that the register has"),
        AliasFlaw.SEVERAL: msg("several bear that name"),
        AliasFlaw.UNLISTED: msg(
            "the government cloud's tenants were not all listed, and one of them may bear that name"
        ),
        AliasFlaw.REFUSED: msg("a person confirmed that it is not"),
    }[flawed.flaw or AliasFlaw.DANGLING]
    if other is None:
        return msg("the confirmed name {value} cannot be followed: {why}", value=flawed.value, why=why)
    return msg(
        "the confirmed name {value} cannot be followed: {why}; {rule} {found} says {owner}",
        value=flawed.value,
        why=why,
        rule=msg(RULE_NAMES[other.rule]),
        found=other.value,
        owner=", ".join(other.systems or other.projects),
    )


def _unique(hits: Iterable[OwnershipHit]) -> tuple[OwnershipHit, ...]:
    order = list(OwnershipRule)

    def strength(hit: OwnershipHit) -> tuple[object, ...]:
        named = (hit.systems, hit.projects, hit.evidence or "", hit.department or "", hit.flaw or "")
        return (order.index(hit.rule), hit.value, *named)

    return tuple(sorted(set(hits), key=strength))
