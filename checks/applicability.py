"""Whom a clause reaches: the steps of the decision order (`checks.decision`) for projects, systems and hosts.

Something classified never gets this far: it is a placeholder without a name (Art. 28), and the guard drops the rest.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from checks.check import Opinion, Step, absence_gaps, distinct, unread
from checks.conclusions import has_failed
from checks.dates import add_months
from checks.decision import Barrier, decisive
from checks.policy import Policy
from checks.subjects import system_subject
from inventory.finding import Verdict
from inventory.hosts import Host, Ownership, OwnershipRule, Place
from inventory.inventory import Inventory, law_date
from inventory.networks import as_address, as_network
from inventory.records import Funding, Level, Project, ProjectKind, System, View
from inventory.settings import RecognisedCentre
from inventory.text import Message, mark, msg


class Era(StrEnum):
    """On which side of the effective date something lies."""

    NEW = "new"
    """新建: since the effective date"""
    LEGACY = "legacy"
    """已建: before it"""
    UNKNOWN = "unknown"
    """待核实"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Age:
    """The era of something, and what says so."""

    era: Era
    because: Message
    missing: tuple[Message, ...] = ()
    """What would settle it; never empty where the era is unknown."""
    evidence: tuple[str, ...] = ()


# ── scope, level, kind ────────────────────────────────────────────────────────────────────────────────────────────────

_LEVELS = {Level.PROVINCE: mark("the province"), Level.STATE: mark("the state")}
_OUTSIDE = {
    ProjectKind.CONSULTING: mark("design consulting"),
    ProjectKind.TESTING: mark("testing"),
}


def project_barrier(policy: Policy, project: Project) -> Barrier | None:
    """Why Chapters 5 and 6 (supervision, acceptance) do not reach the project: scope, level, kind; None if they do."""
    return decisive(
        _scope_barrier(policy, project.native_id, [project.funding], project.department),
        _level_barrier(project.native_id, [project.level]),
        _project_kind_barrier(policy, project),
    )


def system_barrier(
    inventory: Inventory, policy: Policy, system: System, *, needs_funding: bool = True
) -> Barrier | None:
    """Why Art. 16 does not reach the system: scope, level, retired; None if it does.

    `needs_funding` false: the duty stands on other law, so that unknown funding does not hold it up.
    """
    projects = inventory.projects_of(system)
    fundings = [system.funding] if system.funding else [p.funding for p in projects]
    levels = [system.level] if system.level else [p.level for p in projects]
    scope = _scope_barrier(policy, system.native_id, fundings, system.department)
    if system.funding is None:
        scope = _as_far_as_projects_were_seen(inventory, scope)
    if scope is not None and scope.verdict is Verdict.UNKNOWN and not needs_funding:
        scope = None
    level = _level_barrier(system.native_id, levels)
    if system.level is None:
        level = _as_far_as_projects_were_seen(inventory, level)
    return decisive(
        scope,
        level,
        _retired_barrier(system),
        _unseen_level_barrier(inventory, system, levels),
    )


def system_gate(
    inventory: Inventory, policy: Policy, system: System, *, reaches: Era, elsewhere: Callable[[Age], Message]
) -> Opinion | Age:
    """The opinion on a system that a clause of Art. 16 does not reach, or its age where the clause decides.

    `reaches`: the era that the clause speaks of; `elsewhere` says of the other one where it is judged.
    """
    subject = system_subject(inventory, system)
    barrier = system_barrier(inventory, policy, system)
    if barrier is not None:
        return barrier.opinion(subject, (system.key,))
    age = system_age(inventory, policy, system)
    if age.era is reaches:
        return age
    if age.era is Era.UNKNOWN:
        return era_barrier(age).opinion(subject)
    other = Barrier(
        verdict=Verdict.NOT_APPLICABLE,
        decided_by=Step.ERA,
        reason=elsewhere(age),
        evidence=age.evidence,
        # It is legacy as long as no project has built it anew.
        from_absence=age.era is Era.LEGACY,
    )
    return other.opinion(subject)


def host_barrier(inventory: Inventory, policy: Policy, host: Host) -> Barrier | None:
    """Why Art. 14 does not reach the host's owner; None if it does.

    Art. 14 binds every locality and department 各地各部门: a department of a ledger is owner enough.
    """
    ownership = host.ownership
    contested = _owner_barrier(inventory, host)
    if contested is not None:
        return contested
    systems = [s for code in ownership.systems if (s := inventory.system(code))]
    barriers = [system_barrier(inventory, policy, s) for s in systems]
    if not systems:
        barriers = [
            decisive(
                _scope_barrier(policy, p.native_id, [p.funding], p.department), _level_barrier(p.native_id, [p.level])
            )
            for code in ownership.projects
            if (p := inventory.project(code))
        ]
    # One owner within the regulation is enough; a retired system's server still stands there.
    outside = [b for b in barriers if b is not None and b.decided_by in (Step.SCOPE, Step.LEVEL, Step.COVERAGE)]
    if barriers and len(outside) == len(barriers):
        open_one = next((b for b in outside if b.verdict is Verdict.UNKNOWN), outside[0])
        if open_one.verdict is Verdict.UNKNOWN and (gaps := absence_gaps(inventory.coverage, "project")):
            # A project that was not seen may say that it is the province's, or that nobody pays it publicly.
            return replace(open_one, missing=distinct((*open_one.missing, *gaps)))
        if open_one.verdict is Verdict.NOT_APPLICABLE or host.department is None:
            return open_one
        return None
    if not barriers and host.department is None:
        return Barrier(
            verdict=Verdict.UNKNOWN,
            decided_by=Step.SCOPE,
            reason=msg("nobody knows whose it is: no register, label, segment or ledger names its owner"),
            missing=(
                msg(
                    "its department: a row in the asset ledger or a declaration of ownership for {host}", host=host.name
                ),
            ),
        )
    return None


def _owner_barrier(inventory: Inventory, host: Host) -> Barrier | None:
    """Why nothing follows from whose the host is: that is contested, or may be said otherwise in what was not read."""
    disagreement = host.ownership.disagreement
    if disagreement is not None:
        return Barrier(
            verdict=Verdict.UNKNOWN,
            decided_by=Step.SCOPE,
            reason=msg("whose it is, is contested: {disagreement}", disagreement=disagreement),
            missing=(msg("a declaration of its owner, by the infrastructure team: {host}", host=host.name),),
        )
    if gaps := owner_gaps(inventory, host.ownership):
        return Barrier(
            verdict=Verdict.UNKNOWN,
            decided_by=Step.COVERAGE,
            reason=msg("whose it is may stand in what was not read: a declaration, or the plan of networks"),
            missing=gaps,
        )
    return None


def owner_gaps(inventory: Inventory, ownership: Ownership) -> tuple[Message, ...]:
    """What was not read and may name another owner: a declaration outranks every rule."""
    if any(h.rule is OwnershipRule.DECLARED for h in ownership.hits):
        return ()
    return unread(inventory.coverage, "ownership", *(() if ownership.is_known else ("segment",)))


def _scope_barrier(
    policy: Policy, code: str, fundings: Iterable[Funding | None], department: str | None
) -> Barrier | None:
    said = {f for f in fundings if f is not None}
    if said - {Funding.NON_FISCAL}:
        return None
    if said:
        return Barrier(
            verdict=Verdict.NOT_APPLICABLE,
            decided_by=Step.SCOPE,
            reason=msg(
                "{code} is not paid from public funds: outside {scope}, only encouraged by {article}",
                code=code,
                scope=policy.pack.article("2"),
                article=policy.pack.article("16"),
            ),
        )
    return Barrier(
        verdict=Verdict.UNKNOWN,
        decided_by=Step.SCOPE,
        reason=msg(
            "the register does not say how {code} is funded: whether {scope} reaches it is open",
            code=code,
            scope=policy.pack.article("2"),
        ),
        missing=(
            msg(
                "source of funds of {code} in the register, by {department}",
                code=code,
                department=department or msg("the building department"),
            ),
        ),
    )


def _level_barrier(code: str, levels: Iterable[Level | None]) -> Barrier | None:
    """The register is the city's own: what it says nothing of is the city's."""
    said = {level for level in levels if level is not None}
    if not said or Level.CITY in said:
        return None
    level = Level.STATE if Level.STATE in said else Level.PROVINCE
    return Barrier(
        verdict=Verdict.NOT_APPLICABLE,
        decided_by=Step.LEVEL,
        reason=msg("{code} belongs to {level}, not to the city", code=code, level=msg(_LEVELS[level])),
    )


def _as_far_as_projects_were_seen(inventory: Inventory, barrier: Barrier | None) -> Barrier | None:
    """What the projects that were seen exempt, one that was not seen may bring under the clause."""
    if barrier is None or barrier.verdict is not Verdict.NOT_APPLICABLE:
        return barrier
    if gaps := absence_gaps(inventory.coverage, "project"):
        return replace(
            barrier,
            verdict=Verdict.UNKNOWN,
            decided_by=Step.COVERAGE,
            reason=msg("{reason}; but the register of projects was not seen completely", reason=barrier.reason),
            missing=gaps,
        )
    return replace(barrier, from_absence=True)


def _unseen_level_barrier(inventory: Inventory, system: System, levels: Iterable[Level | None]) -> Barrier | None:
    """What the register says nothing of is the city's, but only where all of the register was seen."""
    if any(level is not None for level in levels) or not (gaps := absence_gaps(inventory.coverage, "project")):
        return None
    return Barrier(
        verdict=Verdict.UNKNOWN,
        decided_by=Step.COVERAGE,
        reason=msg("whose {code} is, the city's or another level's, stands in a register that was not seen completely",
                   code=system.native_id),
        missing=gaps,
    )  # fmt: skip


def _project_kind_barrier(policy: Policy, project: Project) -> Barrier | None:
    kind = project.project_kind
    if kind is None:
        return Barrier(
            verdict=Verdict.UNKNOWN,
            decided_by=Step.KIND,
            reason=msg("the register does not say what kind of project {code} is", code=project.native_id),
            missing=(
                msg(
                    "kind of project {code} in the register, by {department}",
                    code=project.native_id,
                    department=project.department or msg("the building department"),
                ),
            ),
        )
    if kind in _OUTSIDE:
        return Barrier(
            verdict=Verdict.NOT_APPLICABLE,
            decided_by=Step.KIND,
            reason=msg(
                "{code} is a project of {kind}: {supervision} and {acceptance} exclude it",
                code=project.native_id,
                kind=msg(_OUTSIDE[kind]),
                supervision=policy.pack.article("17"),
                acceptance=policy.pack.article("21"),
            ),
        )
    return None


def _retired_barrier(system: System) -> Barrier | None:
    if not system.is_retired:
        return None
    return Barrier(
        verdict=Verdict.NOT_APPLICABLE,
        decided_by=Step.KIND,
        reason=msg("the register says that {code} is retired", code=system.native_id),
    )


# ── recognition ───────────────────────────────────────────────────────────────────────────────────────────────────────


def recognised_centre(policy: Policy, host: Host, today: date) -> RecognisedCentre | None:
    """The recognised data centre 认定的自建数据中心 in which the host stands, where the rule knows recognition."""
    if not policy.parameters.recognises_department_centres:
        return None
    places = [(s.zone, a) for s in host.sightings for n in s.nics for a in n.addresses]
    for centre in policy.choices.recognised:
        if centre.valid_to is not None and centre.valid_to < today:
            continue
        networks = [n for c in centre.cidrs if (n := as_network(c)) is not None]
        for zone, text in places:
            address = as_address(text)
            if zone == centre.zone and address is not None and any(address in n for n in networks):
                return centre
    return None


def recognised_barrier(centre: RecognisedCentre) -> Barrier:
    """What the recognition makes of a clause on standalone capacity."""
    return Barrier(
        verdict=Verdict.NOT_APPLICABLE,
        decided_by=Step.EXEMPTION,
        reason=msg("it stands in the recognised data centre {name} ({document})", name=centre.name,
                   document=centre.document),
    )  # fmt: skip


# ── era ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Dated:
    """A date that says something of the age."""

    on: date
    what: Message
    key: str


def project_date(project: Project) -> Dated | None:
    """When the project began: award 中标, else contract, else approval 立项批复."""
    for on, what in (
        (project.awarded_on, mark("{code} was awarded on {date}")),
        (project.contract_on, mark("the contract of {code} was signed on {date}")),
        (project.approved_on, mark("{code} was approved on {date}")),
    ):
        if on is not None:
            return Dated(on, msg(what, code=project.native_id, date=on.isoformat()), project.key)
    return None


def _aged(era: Era, *dated: Dated) -> Age:
    because = dated[0].what if len(dated) == 1 else msg("{facts}", facts=[d.what for d in dated])
    return Age(era=era, because=because, evidence=tuple(d.key for d in dated))


def _contradictory(missing: Message, *dated: Dated) -> Age:
    return Age(
        era=Era.UNKNOWN,
        because=msg("the dates contradict each other: {facts}", facts=[d.what for d in dated]),
        missing=(missing,),
        evidence=tuple(d.key for d in dated),
    )


def building_kinds(policy: Policy) -> frozenset[ProjectKind]:
    """Kinds of projects that build or rebuild a system; upgrades and extensions as the owner chose."""
    kinds = {ProjectKind.NEW, ProjectKind.REBUILD, ProjectKind.SERVICE}
    if policy.choices.upgrade_counts_as_rebuild:
        kinds |= {ProjectKind.UPGRADE, ProjectKind.EXTENSION}
    return frozenset(kinds)


def system_age(inventory: Inventory, policy: Policy, system: System) -> Age:
    """Whether the system is new or rebuilt since the effective date, or legacy 已建.

    A project that builds it and began since then makes it new; a project of any kind that began before, or a date of
    completion before, shows that it was there already. A building project without a date leaves it open.
    """
    start = policy.effective_from
    building = building_kinds(policy)
    projects = inventory.projects_of(system)
    built = _built(system)
    is_old = built is not None and built.on < start
    # A service bought for what stood there before does not make it new.
    builders = [p for p in projects if p.project_kind in building and not (_is_service(p) and is_old)]
    since = [d for p in builders if (d := project_date(p)) is not None and d.on >= start]
    if (
        since
        and built is None
        and all(map(_is_service, builders))
        and (gaps := unread(inventory.coverage, "migration"))
    ):
        # The migration ledger may say that it was completed before.
        return replace(_undated(system, start, gaps[0]), missing=gaps)
    if since:
        return _aged(Era.NEW, min(since, key=_by_date))
    before = [d for p in projects if (d := project_date(p)) is not None and d.on < start]
    earliest = min([*before, *([built] if built is not None and is_old else [])], key=_by_date, default=None)
    missing = msg(
        "date of award, contract or approval of the project that built {code}, by {department}",
        code=system.native_id,
        department=system.department or msg("the building department"),
    )
    if any(project_date(p) is None for p in builders):
        return _undated(system, start, missing)
    if open_kinds := _of_unknown_kind(projects, start):
        return replace(_undated(system, start, missing), missing=open_kinds)
    if gaps := absence_gaps(inventory.coverage, "project"):
        # A project that built it anew since then may be among what was not seen.
        return replace(_undated(system, start, missing), missing=(missing, *gaps))
    return _aged(Era.LEGACY, earliest) if earliest is not None else _age_by_register(system, built, start, missing)


def _of_unknown_kind(projects: Iterable[Project], start: date) -> tuple[Message, ...]:
    """Projects since the effective date, or without one, of which nobody says whether they build: they may."""
    return tuple(
        msg("kind of project {code} in the register, by {department}", code=p.native_id,
            department=p.department or msg("the building department"))
        for p in projects
        if p.project_kind is None and ((began := project_date(p)) is None or began.on >= start)
    )  # fmt: skip


def _age_by_register(system: System, built: "Dated | None", start: date, missing: Message) -> Age:
    """What the system register alone says, where no project does: completed since then, or already built."""
    said = msg("the register calls {code} already built", code=system.native_id)
    is_legacy = system.is_rebuilt is False
    if built is not None and is_legacy:
        return _contradictory(missing, built, Dated(built.on, said, system.key))
    if built is not None:
        return _aged(Era.NEW, built)
    if is_legacy:
        return Age(era=Era.LEGACY, because=said, evidence=(system.key,))
    return _undated(system, start, missing)


def _undated(system: System, start: date, missing: Message) -> Age:
    because = msg(
        "no date says whether {code} is new or was there before {start}", code=system.native_id, start=start.isoformat()
    )
    return Age(era=Era.UNKNOWN, because=because, missing=(missing,), evidence=(system.key,))


def _is_service(project: Project) -> bool:
    return project.project_kind is ProjectKind.SERVICE


def _by_date(dated: "Dated") -> tuple[date, str]:
    return (dated.on, dated.key)


def _built(system: System) -> Dated | None:
    if system.built_on is None:
        return None
    what = msg("the register says that {code} was completed on {date}", code=system.native_id,
               date=system.built_on.isoformat())  # fmt: skip
    return Dated(system.built_on, what, system.key)


def host_age(inventory: Inventory, policy: Policy, host: Host) -> Age:
    """Whether the host is new capacity since the effective date.

    Order of evidence: award or contract of the owner's project, approval, asset card, day of creation that a control
    plane names, birth of the root file system. A card or a control plane that shows it before the effective date
    settles it. The birth of a file system is weak: since that date it proves a re-installation only, before it nothing
    of a virtual machine, whose template may be older. When it was first seen is an upper bound that comes after all of
    these and that only the store knows: it is not used.
    """
    start = policy.effective_from
    direct = min((d for d in (_card(host), _created(host)) if d is not None), key=_by_date, default=None)
    if direct is not None and direct.on < start:
        return _aged(Era.LEGACY, direct)
    installed = _installed(host)
    contracts = _contracts(inventory, host)
    missing = msg(
        "purchase contract or asset card of {host} with its date, by {department}",
        host=host.name,
        department=host.department or msg("its department"),
    )
    eras = {d.on >= start for d in contracts}
    if len(eras) == 1:
        by_contract = _age_by_contract(policy, contracts, direct, installed, missing)
        gaps = () if direct is not None else absence_gaps(inventory.coverage, "project")
        # Another project of its system, from the other side of the date, may be among what was not seen.
        return replace(by_contract, era=Era.UNKNOWN, missing=(missing, *gaps)) if gaps else by_contract
    if direct is not None:
        return _aged(Era.NEW, direct)
    if not contracts and installed is not None and installed.on < start and _is_physical(host):
        return _aged(Era.LEGACY, installed)
    facts = [d.what for d in (*contracts, *([installed] if installed else []))]
    because = (
        msg("no date says whether it is new capacity: {facts}", facts=facts)
        if facts
        else msg("no contract, asset card or control plane says how old it is")
    )
    return Age(era=Era.UNKNOWN, because=because, missing=(missing,), evidence=host.evidence)


def _age_by_contract(
    policy: Policy, contracts: "list[Dated]", direct: "Dated | None", installed: "Dated | None", missing: Message
) -> Age:
    """The contracts agree on an era; what is known of the machine itself may still contradict them."""
    start = policy.effective_from
    first, last = contracts[0], contracts[-1]
    if first.on >= start:
        if direct is None and installed is not None and installed.on < start:
            return _contradictory(missing, first, installed)
        return _aged(Era.NEW, first, *([direct] if direct else []))
    later = direct or (installed if installed is not None and installed.on >= start else None)
    if later is None:
        return _aged(Era.LEGACY, last)
    if direct is not None and direct.on <= add_months(last.on, policy.parameters.delivery_months):
        return _aged(Era.LEGACY, last, direct)
    return _contradictory(missing, last, later)


def _contracts(inventory: Inventory, host: Host) -> "list[Dated]":
    owners = {*host.ownership.projects}
    for code in host.ownership.systems:
        system = inventory.system(code)
        if system is not None:
            owners |= {p.native_id for p in inventory.projects_of(system)}
    projects = [p for code in owners if (p := inventory.project(code)) is not None]
    return sorted((d for p in projects if (d := project_date(p)) is not None), key=_by_date)


def _is_physical(host: Host) -> bool:
    return host.placement.place is Place.STANDALONE_PHYSICAL


def _card(host: Host) -> Dated | None:
    cards = [(s.commissioned_on, s.key) for s in host.sightings if s.commissioned_on is not None]
    if not cards:
        return None
    on, key = min(cards)
    return Dated(on, msg("its asset card says acquired on {date}", date=on.isoformat()), key)


def _created(host: Host) -> Dated | None:
    seen = [(law_date(s.created_at), s.key) for s in host.seen_by(View.SERVER) if s.created_at is not None]
    if not seen:
        return None
    on, key = min(seen)
    return Dated(on, msg("its control plane says created on {date}", date=on.isoformat()), key)


def _installed(host: Host) -> Dated | None:
    seen = [(law_date(s.installed_at), s.key) for s in host.sightings if s.installed_at is not None]
    if not seen:
        return None
    on, key = min(seen)
    return Dated(on, msg("its root file system was made on {date}", date=on.isoformat()), key)


def acceptance_age(policy: Policy, project: Project) -> Age:
    """Whether the project's acceptance falls under the regulation: accepted since the effective date, or still to be.

    A contract from before does not exempt it, nor does an acceptance from before that it did not pass.
    """
    start = policy.effective_from
    code = project.native_id
    final = project.final_acceptance_on
    if final is not None and (final >= start or not has_failed(project.acceptance_conclusion)):
        era = Era.NEW if final >= start else Era.LEGACY
        return _aged(era, Dated(final, msg("{code} was accepted on {date}", code=code, date=final.isoformat()),
                                 project.key))  # fmt: skip
    # Acceptance comes after all of these, so one of them since the effective date is enough.
    steps = [d for d in (project.initial_acceptance_on, project.trial_start_on, project.trial_end_on) if d is not None]
    began = project_date(project)
    if began is not None and began.on >= start:
        return _aged(Era.NEW, began)
    late = [d for d in steps if d >= start]
    if late:
        what = msg("{code} was in initial acceptance or trial run on {date}", code=code, date=max(late).isoformat())
        return _aged(Era.NEW, Dated(max(late), what, project.key))
    return Age(
        era=Era.UNKNOWN,
        because=msg("whether {code} was accepted before {start} is not in the register", code=code,
                    start=start.isoformat()),
        missing=(
            msg("date of final acceptance of {code} in the register, by {department}", code=code,
                department=project.department or msg("the building department")),
        ),
        evidence=(project.key,),
    )  # fmt: skip


def era_barrier(age: Age) -> Barrier:
    """What an unknown era makes of every clause that depends on it."""
    return Barrier(
        verdict=Verdict.UNKNOWN, decided_by=Step.ERA, reason=age.because, missing=age.missing, evidence=age.evidence
    )
