"""Art. 14: what runs on the government cloud belongs to a registered project; the rest is ownerless 无主资源."""

from collections.abc import Iterable, Iterator

from checks.check import Check, Opinion, Step, Strength, absence_gaps, distinct, missing_cell, unread
from checks.policy import Policy
from checks.subjects import host_subject, unheard
from inventory.coverage import CellResult, CellState
from inventory.finding import Subject, Verdict
from inventory.hosts import Host, Ownership, OwnershipRule, Place
from inventory.inventory import Inventory
from inventory.names import normalise
from inventory.records import Project, Storage, System, Tenant, View
from inventory.text import Message, msg

_BY_NAME = {
    OwnershipRule.DECLARED: ("host",),
    OwnershipRule.ALIAS: ("host", "tenant"),
    OwnershipRule.TENANT: ("tenant",),
}
"""Rules that may rest on a name, and what bears such names."""


def judge(inventory: Inventory, policy: Policy) -> Iterator[Opinion]:
    """One opinion for every host, tenant and volume on the cloud, its own infrastructure excepted."""
    for host in inventory.hosts:
        if host.placement.place is Place.CLOUD_INSTANCE:
            yield _judge_host(inventory, policy, host)
    in_use = _tenants_in_use(inventory)
    for tenant in inventory.tenants:
        # An empty tenant takes nothing from the cloud; those that clouds and clusters come with are always there.
        is_idle = (tenant.source, tenant.native_id) not in in_use
        is_own = tenant.source.startswith("kubernetes:") and tenant.name.startswith("kube-")
        if inventory.coverage.is_platform(tenant.source) and not is_idle and not is_own:
            subject, owner = _subject(inventory, tenant), _owner(inventory, tenant)
            yield _judge(inventory, policy, subject, owner, (tenant.key,), ids=(tenant.native_id,))
    for storage in inventory.storages:
        if inventory.coverage.is_platform(storage.source):
            yield _judge(inventory, policy, _subject(inventory, storage), _owner(inventory, storage), (storage.key,))


def _judge_host(inventory: Inventory, policy: Policy, host: Host) -> Opinion:
    subject, owner = host_subject(host), host.ownership
    evidence = host.placement.evidence or host.evidence
    tenants = {t.native_id: t.name for t in inventory.tenants}
    ids = [s.tenant for s in host.sightings if s.tenant]
    in_tenants = (*ids, *(tenants[t] for t in ids if t in tenants))
    nodes = [s for s in host.seen_by(View.NODE) if inventory.coverage.is_platform(s.source)]
    if nodes and not owner.is_known and owner.disagreement is None and not register_gaps(inventory):
        return Opinion(
            subject=subject,
            verdict=Verdict.NOT_APPLICABLE,
            decided_by=Step.KIND,
            reason=msg(
                "a node of the cloud's own cluster {source}: infrastructure, not a project's", source=nodes[0].source
            ),
            evidence=evidence,
            rests_on=(*in_tenants, *unheard(owner)),
            from_absence=True,
        )
    own = [host.id, *(s.native_id for s in host.seen_by(View.SERVER)), *ids]
    return _judge(inventory, policy, subject, owner, evidence, in_tenants, ids=own)


def _tenants_in_use(inventory: Inventory) -> set[tuple[str, str | None]]:
    names = {(t.source, t.name): t.native_id for t in inventory.tenants}
    used = {(s.source, s.tenant) for h in inventory.hosts for s in h.sightings if s.tenant is not None}
    used |= {(s.source, s.tenant) for s in inventory.storages if s.tenant is not None}
    return used | {(w.source, names.get((w.source, w.namespace))) for w in inventory.workloads}


def _owner(inventory: Inventory, resource: Tenant | Storage) -> Ownership:
    return inventory.owners.get(resource.key) or Ownership()


def _subject(inventory: Inventory, resource: Tenant | Storage) -> Subject:
    owner = _owner(inventory, resource)
    return Subject(
        kind=resource.kind,
        id=f"{resource.source}/{resource.native_id}",
        name=resource.name,
        department=owner.department,
        projects=owner.projects,
    )


def _judge(
    inventory: Inventory,
    policy: Policy,
    subject: Subject,
    owner: Ownership,
    evidence: tuple[str, ...],
    tenants: tuple[str, ...] = (),
    *,
    ids: Iterable[str] = (),
) -> Opinion:
    """`tenants`: ids and names of the tenants it lives in, which a rejected row of the register may speak of; `ids`: by
    which it, or its tenant, is meant and nothing else."""
    if owner.disagreement is not None:
        return Opinion(
            subject=subject,
            verdict=Verdict.UNKNOWN,
            reason=msg("whose it is, is contested: {disagreement}", disagreement=owner.disagreement),
            missing=(msg("a declaration of its owner, by the infrastructure team: {host}", host=subject.name),),
            evidence=evidence,
        )
    if owner.is_known and (gaps := _contest_gaps(inventory, owner, tenants, ids)):
        return Opinion(
            subject=subject,
            verdict=Verdict.UNKNOWN,
            decided_by=Step.COVERAGE,
            reason=msg("belongs to {owners}, by {values}; but what else speaks of it was not seen completely",
                       owners=", ".join(owner.systems or owner.projects), values=", ".join(_values(owner))),
            missing=gaps,
            evidence=evidence,
        )  # fmt: skip
    if owner.is_known:
        return Opinion(
            subject=subject,
            verdict=Verdict.PASS,
            reason=msg("belongs to {owners}, by {values}", owners=", ".join(owner.systems or owner.projects),
                       values=", ".join(_values(owner))),
            evidence=(*evidence, *(h.evidence for h in owner.hits if h.evidence)),
            rests_on=(*owner.systems, *owner.projects, *unheard(owner)),
        )  # fmt: skip
    if gaps := register_gaps(inventory):
        return Opinion(
            subject=subject,
            verdict=Verdict.UNKNOWN,
            decided_by=Step.COVERAGE,
            reason=msg("no registered project or system was found for it, but the register was not seen completely"),
            missing=gaps,
            evidence=evidence,
        )
    return Opinion(
        subject=subject,
        verdict=Verdict.FAIL if policy.choices.unregistered_fails else Verdict.ADVISORY,
        reason=_ownerless(owner),
        evidence=evidence,
        rests_on=(*tenants, *unheard(owner)),
        from_absence=True,
    )


def register_gaps(inventory: Inventory) -> tuple[Message, ...]:
    """Why no owner may be concluded to be missing: registers, declarations, tenants of the cloud where it lists any."""
    tenants = inventory.coverage.gaps("tenant", platform_only=True)
    registers = absence_gaps(inventory.coverage, "project", "system")
    return registers + unread(inventory.coverage, "ownership", "segment") + tuple(missing_cell(r) for r in tenants)


def _contest_gaps(
    inventory: Inventory, owner: Ownership, tenants: tuple[str, ...], ids: Iterable[str]
) -> tuple[Message, ...]:
    """Why another owner may be named that was not seen: its tenant, or what a label of its means in the register; or
    why the name that its owner is known by may be that of something else, which was not seen."""
    known = {t.native_id for t in inventory.tenants} | {t.name for t in inventory.tenants}
    unseen = () if all(t in known for t in tenants) else inventory.coverage.gaps("tenant", platform_only=True)
    is_open = any(h.rule is OwnershipRule.LABEL and not (h.systems or h.projects) for h in owner.hits)
    register = absence_gaps(inventory.coverage, "project", "system") if is_open else ()
    cells = [*unseen, *_namesake_gaps(inventory, owner, frozenset(map(normalise, ids)))]
    return register + distinct(missing_cell(r) for r in cells)


def _namesake_gaps(inventory: Inventory, owner: Ownership, ids: frozenset[str]) -> tuple[CellResult, ...]:
    """What was not listed of what may bear the name that decides; nothing where it is an id."""
    named = (h for h in owner.hits if h.rule is not OwnershipRule.SIMILARITY and (h.systems or h.projects))
    decisive = next(named, None)
    if decisive is None or decisive.rule not in _BY_NAME:
        return ()
    entries: list[System | Project] = [s for code in owner.systems if (s := inventory.system(code)) is not None]
    entries += [p for code in owner.projects if (p := inventory.project(code)) is not None]
    said = {
        OwnershipRule.DECLARED: [decisive.value],
        OwnershipRule.ALIAS: [a.written for a, keys in inventory.alias_uses.items() if decisive.evidence in keys],
        OwnershipRule.TENANT: [t for entry in entries for t in entry.tenants],
    }[decisive.rule]
    if not ids.isdisjoint(map(normalise, said)):
        return ()
    cells = inventory.coverage.gaps(*_BY_NAME[decisive.rule], platform_only=True)
    return tuple(r for r in cells if r.state is not CellState.NOT_CONFIGURED)


def _ownerless(owner: Ownership) -> Message:
    proposals = sorted({s for h in owner.hits if h.rule is OwnershipRule.SIMILARITY for s in (*h.systems, *h.projects)})
    if proposals:
        return msg(
            "ownerless: no rule names a registered project or system; similar names, for a person to decide: {codes}",
            codes=", ".join(proposals),
        )
    if owner.department is not None:
        return msg(
            "ownerless: it is {department}'s, but belongs to no registered project or system",
            department=owner.department,
        )
    return msg("ownerless: no rule names a registered project or system")


def _values(owner: Ownership) -> list[str]:
    """What the rules matched, strongest first."""
    named = (h.value for h in owner.hits if h.rule is not OwnershipRule.SIMILARITY and (h.systems or h.projects))
    return list(dict.fromkeys(named))


CHECK = Check(
    id="14-unregistered",
    title=msg("What runs on the cloud belongs to a registered project"),
    articles=("14",),
    clause="14-b",
    subject_kind="host",
    strength=Strength.EFFORT,
    reads=("host", "tenant", "storage", "project", "system", "ownership", "segment"),
    enumerates=("host", "tenant", "storage"),
    judge=judge,
    remedy=msg(
        "its department registers the project or tags the resource with its code; what nobody claims is reclaimed"
    ),
)
