"""Keystone: domains, tenants, role assignments, and how far our sight reaches. Scope is proved before it is believed.

API: Identity v3, https://docs.openstack.org/api-ref/identity/v3/. Keystone lists projects whole or, with `list_limit`,
cut short and marked `truncated`; it does not page them in the releases in use.
"""

import logging
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from dataclasses import field as default
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec
from msgspec import field

from collectors.collector import Incomplete, Reading, Said
from collectors.errors import CollectorError
from collectors.openstack_answers import SharedAnswers
from collectors.openstack_connection import OpenStackRegion, Refused, Service
from collectors.openstack_pages import Damage, Item, converted, decoded, raw
from inventory.records import Domain as DomainRecord
from inventory.records import RoleAssignment, Tenant
from inventory.settings import OwnershipRules
from inventory.text import Message, msg

if TYPE_CHECKING:
    from collectors.openstack_quota import Amount

logger = logging.getLogger(__name__)

_MAX_PAGES = 10_000


class Options(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Options of a project or domain, as far as they matter."""

    immutable: bool | None = None


class Project(Item, frozen=True, kw_only=True, omit_defaults=True):
    """A Keystone project."""

    name: str
    domain_id: str | None = None
    enabled: bool | None = None
    description: str | None = None
    parent_id: str | None = None
    is_domain: bool = False
    tags: tuple[str, ...] = ()
    options: Options = Options()


class Domain(Item, frozen=True, kw_only=True, omit_defaults=True):
    """A Keystone domain."""

    name: str
    enabled: bool | None = None
    description: str | None = None


class Named(Item, frozen=True, kw_only=True, omit_defaults=True):
    """A role, user, group, project or domain in a role assignment; its name only where names were asked for."""

    name: str | None = None
    domain: "Named | None" = None


class Scope(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """On what a role assignment holds."""

    project: Named | None = None
    domain: Named | None = None
    system: dict[str, bool] | None = None
    inherited_to: str | None = field(default=None, name="OS-INHERIT:inherited_to")


class Assignment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A role assignment of Keystone. It has no id."""

    role: Named
    scope: Scope
    user: Named | None = None
    group: Named | None = None

    @property
    def id(self) -> str:
        """What tells it from every other."""
        holder, scope = self.user or self.group, self.scope
        where = "system" if scope.system else _id_of(scope.project) or _id_of(scope.domain)
        how = "/inherited" if scope.inherited_to else ""
        return f"{where or '?'}/{_id_of(holder) or '?'}/{self.role.id}{how}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What projects there are, as far as Keystone tells this user."""

    region: OpenStackRegion
    projects: tuple[Project, ...] | None
    """None: the list is refused."""
    gaps: tuple[Message, ...] = ()
    """Why the list is not of every project; empty if it is."""
    error: CollectorError | None = None
    """Why there is no list."""
    domains: dict[str, str] = default(default_factory=dict)
    """Names by id, as far as told."""
    system: OpenStackRegion | None = None
    """The same user with a token for the whole system, where only that was given the list."""

    @property
    def asker(self) -> OpenStackRegion:
        """With whose token Keystone is asked for what belongs to the whole cloud."""
        return self.system or self.region

    @staticmethod
    def is_cut(document: Mapping[str, msgspec.Raw]) -> bool:
        """Whether Keystone says that it left out the rest of a list (`list_limit`)."""
        said = document.get("truncated")
        return said is not None and bytes(said) == b"true"

    @property
    def is_whole(self) -> bool:
        """Whether the list is of every project of the cloud."""
        return self.projects is not None and not self.gaps

    def names(self, projects: tuple[Project, ...]) -> tuple[str, ...]:
        """Names that tell the projects apart: with the id where a name is given twice."""
        often = Counter(p.name for p in self.projects or ())
        return tuple(p.name if often[p.name] < 2 else f"{p.name} ({p.id})" for p in projects)

    def narrowed(self, service: str) -> Incomplete | None:
        """What to say where a service showed this token its own project only; None if there is no other project."""
        token = self.region.token
        hidden = tuple(p for p in self.projects or () if p.id != token.project_id)
        if self.is_whole and not hidden:
            return None
        if self.projects is None:
            reason = msg(
                "{source}: {service} shows {user} ({scope}) its own project only, and Keystone does not give it the "
                "list of "
                "projects, so what was not seen cannot be named; docs/openstack-rights.md lists the rights that "
                "are needed",
                source=self.region.source,
                service=service,
                user=token.user,
                scope=token.scope,
            )
        else:
            reason = msg(
                "{source}: {service} shows {user} ({scope}) its own project only: {count} project(s) were not seen; "
                "docs/openstack-rights.md lists the rights that are needed",
                source=self.region.source,
                service=service,
                user=token.user,
                scope=token.scope,
                count=len(hidden),
            )
        return Incomplete(reason, self.names(hidden))


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What a reader of one cell works with."""

    region: OpenStackRegion
    reach: Reach
    zone: str | None
    is_platform: bool
    page_size: int
    now: datetime
    label_keys: Collection[str] = OwnershipRules().label_keys
    """Keys of metadata whose value is a system or project code; no other metadata is kept."""
    nova_quotas: SharedAnswers[str, Mapping[str, "Amount"]] = default(default_factory=SharedAnswers)
    """What Nova counts in each project: a listing of servers is held against it."""

    def local(self, native_id: str) -> str:
        """An id that another region of the same cloud may give too, told apart."""
        return f"{self.region.name or '-'}/{native_id}"

    def need(self, service: Service) -> None:
        """Raises where the region has no such service, or where the token's scope cannot tell.

        Raises:
            NotConfigured: it has none.
            Refused: it cannot be told; names every project.
        """
        try:
            self.region.need(service)
        except Refused as refused:
            raise Refused(refused.message, unseen=self.reach.names(self.reach.projects or ())) from refused


class Sight:
    """Whether a service lists every project's objects to this token.

    Services do not refuse: they list what is one's own, with 200. The admin role says that they list all. Any other
    right (a policy override) is proved by what only it can show: an object that is not ours and that nobody shares with
    us. Each kind has a rule of its own in its service's policy, so each is proved.
    """

    def __init__(self, survey: Survey, service: str) -> None:
        """`service`: its name as operators know it, for the sentence."""
        self._survey = survey
        self._service = service
        self._own = survey.region.token.project_id
        self.is_proved = survey.region.token.is_admin

    def is_foreign(self, tenant: str | None) -> bool:
        """Whether this is another project's; not so if nobody says whose it is."""
        return tenant not in (None, "", self._own)

    def saw(self, tenant: str | None, *, proves: bool = True) -> None:
        """Takes note of an object that was listed, and of whether nothing but the right to see all can show it."""
        self.is_proved = self.is_proved or (proves and self.is_foreign(tenant))

    def verdict(self) -> Iterator[Incomplete]:
        """What to say at the end of the listing."""
        if self.is_proved:
            return
        region = self._survey.region
        yield self._survey.reach.narrowed(self._service) or Incomplete(
            msg(
                "{source}: {service} may show {user} its own project only, and nothing proves that it shows all; "
                "docs/openstack-rights.md lists the rights that are needed",
                source=region.source,
                service=self._service,
                user=region.token.user,
            )
        )


def reach(region: OpenStackRegion) -> Reach:
    """Asks Keystone what projects there are: with our token, else with the same user's system or domain tokens.

    Never raises CollectorError: a reader that may list nothing still sees something elsewhere.
    """
    token = region.token
    try:
        projects, gaps = _projects(region)
    except Refused as refused:
        return _reach_by_other_scopes(region, refused)
    except CollectorError as error:
        return Reach(region=region, projects=None, error=error)
    if token.domain_id:
        gaps = [*gaps, _domain_only(region, token.domain_id)]
    return Reach(region=region, projects=tuple(projects), gaps=tuple(gaps), domains=_domains(region))


def read_tenants(survey: Survey) -> Iterator[Said]:
    """Every project of every domain, or the token's own and what is missing.

    Raises:
        CollectorError: Keystone could not be asked.
    """
    reach, now = survey.reach, survey.now
    if reach.projects is None:
        error = reach.error
        if not isinstance(error, Refused):
            raise error or AssertionError("a reach without projects says why")
        yield from _own_projects(reach, now)
        yield Incomplete(error.message)
        return
    for project in reach.projects:
        if not project.is_domain:
            yield Reading(to_tenant(project, reach, now=now), raw(project))
    for gap in reach.gaps:
        yield Incomplete(gap)


def read_domains(survey: Survey) -> Iterator[Said]:
    """Every domain.

    Raises:
        CollectorError: Keystone could not be asked, or refuses.
    """
    region, path = survey.reach.asker, "/domains"
    document = decoded(region, path, region.get("identity", path))
    damage = Damage()
    for domain in damage.readable(region, path, document.get("domains", b"null"), Domain):
        yield Reading(to_domain(domain, source=region.source, now=survey.now), raw(domain))
    if region.token.domain_id:
        yield Incomplete(_domain_only(region, region.token.domain_id))
    if survey.reach.is_cut(document):
        yield Incomplete(_truncated(region, msg("domains")))
    damage.told(region, path)


def read_role_assignments(survey: Survey) -> Iterator[Said]:
    """Who holds which role where, in all of the cloud.

    Raises:
        CollectorError: Keystone could not be asked, or refuses.
    """
    region, path = survey.reach.asker, "/role_assignments"
    document = decoded(region, path, region.get("identity", path, [("include_names", "true")]))
    damage = Damage()
    told: set[str] = set()
    for assignment in damage.readable(region, path, document.get("role_assignments", b"null"), Assignment):
        if assignment.id not in told:
            told.add(assignment.id)
            record = to_role_assignment(assignment, source=region.source, now=survey.now)
            yield Reading(record, raw(assignment))
    if region.token.domain_id:
        yield Incomplete(_domain_only(region, region.token.domain_id))
    if survey.reach.is_cut(document):
        yield Incomplete(_truncated(region, msg("role assignments")))
    damage.told(region, path)


def to_domain(domain: Domain, *, source: str, now: datetime) -> DomainRecord:
    """A domain 域."""
    return DomainRecord(
        source=source,
        native_id=domain.id,
        observed_at=now,
        name=domain.name,
        is_enabled=domain.enabled,
        description=domain.description or None,
    )


def to_role_assignment(assignment: Assignment, *, source: str, now: datetime) -> RoleAssignment:
    """A role assignment 角色授权."""
    scope, holder = assignment.scope, assignment.user or assignment.group
    return RoleAssignment(
        source=source,
        native_id=assignment.id,
        observed_at=now,
        role=assignment.role.name or assignment.role.id,
        holder=(holder.name or holder.id) if holder else "?",
        holder_id=holder.id if holder else "?",
        holder_kind="user" if assignment.user else "group",
        holder_domain=_name_of(holder.domain) if holder else None,
        tenant=_id_of(scope.project),
        domain=_name_of(scope.domain),
        is_system=bool(scope.system),
        is_inherited=scope.inherited_to is not None,
    )


def _id_of(named: Named | None) -> str | None:
    return named.id if named else None


def _name_of(named: Named | None) -> str | None:
    return (named.name or named.id) if named else None


def _truncated(region: OpenStackRegion, what: Message) -> Message:
    return msg(
        "{source}: Keystone cuts its list of {what} short (`list_limit`); raise the limit for this user",
        source=region.source,
        what=what,
    )


def to_tenant(project: Project, reach: Reach, *, now: datetime) -> Tenant:
    """A project as a tenant 租户; its domain by name where that is known."""
    domain = project.domain_id
    return Tenant(
        source=reach.region.source,
        native_id=project.id,
        observed_at=now,
        name=project.name,
        domain=reach.domains.get(domain, domain) if domain else None,
        parent=project.parent_id if project.parent_id != domain else None,
        is_enabled=project.enabled,
        is_immutable=project.options.immutable,
        description=project.description or None,
        tags=project.tags,
    )


def _own_projects(reach: Reach, now: datetime) -> Iterator[Said]:
    """What every token may ask: the projects in which its user holds a role."""
    body = reach.region.get("identity", "/auth/projects")
    document = decoded(reach.region, "/auth/projects", body)
    for project in converted(reach.region, "/auth/projects", document.get("projects", b"[]"), Project):
        yield Reading(to_tenant(project, reach, now=now), raw(project))


def _reach_by_other_scopes(region: OpenStackRegion, refused: Refused) -> Reach:
    """A project token may not list projects, but its user may hold a role on the system or on a domain."""
    system = region.system_region() if _holds_system_role(region) else None
    if system is not None:
        try:
            projects, gaps = _projects(system)
            return Reach(
                region=region, projects=tuple(projects), gaps=tuple(gaps), domains=_domains(system), system=system
            )
        except CollectorError as error:
            logger.debug("%s: the system token may not list projects either: %s", region.source, error)
    found: dict[str, Project] = {}
    gaps = []
    domains = _role_domains(region)
    for domain in domains:
        scoped = region.domain_region(domain.id)
        if scoped is None:
            continue
        try:
            projects, cut = _projects(scoped)
        except CollectorError as error:
            logger.debug("%s: domain %s may not list projects: %s", region.source, domain.name, error)
            continue
        found.update({p.id: p for p in projects})
        gaps += [*cut, _domain_only(region, domain.name)]
    if found:
        return Reach(
            region=region,
            projects=tuple(found.values()),
            gaps=tuple(gaps),
            domains={d.id: d.name for d in domains},
        )
    return Reach(region=region, projects=None, error=refused)


def _projects(region: OpenStackRegion) -> tuple[list[Project], list[Message]]:
    """The list, and why it may be cut short."""
    found: dict[str, Project] = {}
    params: list[tuple[str, str]] = []
    gaps: list[Message] = []
    for _ in range(_MAX_PAGES):
        document = decoded(region, "/projects", region.get("identity", "/projects", params))
        page = converted(region, "/projects", document.get("projects", b"null"), Project)
        before = len(found)
        found.update({p.id: p for p in page})
        if Reach.is_cut(document):
            gaps.append(
                msg(
                    "{source}: Keystone cuts its list of projects at {count} (`list_limit`); "
                    "raise the limit for this user",
                    source=region.source,
                    count=len(found),
                )
            )
        marker = _next_marker(document.get("links"))
        if marker is None or len(found) == before:
            break
        params = [("marker", marker)]
    return list(found.values()), gaps


def _next_marker(links: msgspec.Raw | None) -> str | None:
    from urllib.parse import parse_qs, urlsplit

    if links is None:
        return None
    try:
        href = msgspec.json.decode(links, type=dict[str, str | None]).get("next")
    except msgspec.DecodeError:
        return None
    found = parse_qs(urlsplit(href).query).get("marker") if href else None
    return found[0] if found else None


def _domains(region: OpenStackRegion) -> dict[str, str]:
    """Names of domains by id, as far as they are told: a name is a convenience, no proof."""
    try:
        document = decoded(region, "/domains", region.get("identity", "/domains"))
        return {d.id: d.name for d in converted(region, "/domains", document.get("domains", b"[]"), Domain)}
    except CollectorError as error:
        logger.debug("%s: the names of domains are not told: %s", region.source, error)
        return {}


def _holds_system_role(region: OpenStackRegion) -> bool:
    try:
        document = decoded(region, "/auth/system", region.get("identity", "/auth/system"))
    except CollectorError:
        return False
    return bytes(document.get("system", b"[]")).strip() not in (b"[]", b"null")


def _role_domains(region: OpenStackRegion) -> list[Domain]:
    try:
        document = decoded(region, "/auth/domains", region.get("identity", "/auth/domains"))
        return converted(region, "/auth/domains", document.get("domains", b"[]"), Domain)
    except CollectorError:
        return []


def _domain_only(region: OpenStackRegion, domain: str) -> Message:
    return msg(
        "{source}: Keystone lists to {user} the projects of domain {domain} only; "
        "a role on the system would show every domain",
        source=region.source,
        user=region.token.user,
        domain=domain,
    )
