"""Keystone: tenants of every domain, and how far the reader's sight reaches. Scope is proved before it is believed.

API: Identity v3, https://docs.openstack.org/api-ref/identity/v3/. Keystone lists projects whole or, with `list_limit`,
cut short and marked `truncated`; it does not page them in the releases in use.
"""

import logging
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from collectors.collector import Incomplete, Reading, Said
from collectors.errors import CollectorError
from collectors.openstack_connection import OpenStackRegion, Refused, Service
from collectors.openstack_pages import Item, converted, decoded, raw
from inventory.records import Tenant
from inventory.settings import OwnershipRules
from inventory.text import Message, msg

logger = logging.getLogger(__name__)

_MAX_PAGES = 10_000


class Project(Item, frozen=True, kw_only=True, omit_defaults=True):
    """A Keystone project."""

    name: str
    domain_id: str | None = None
    enabled: bool | None = None
    description: str | None = None
    parent_id: str | None = None
    is_domain: bool = False
    tags: tuple[str, ...] = ()


class Domain(Item, frozen=True, kw_only=True, omit_defaults=True):
    """A Keystone domain."""

    name: str
    enabled: bool | None = None


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
    domains: dict[str, str] = field(default_factory=dict)
    """Names by id, as far as told."""

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


def to_tenant(project: Project, reach: Reach, *, now: datetime) -> Tenant:
    """A project as a tenant 租户; its domain by name where that is known."""
    domain = project.domain_id
    return Tenant(
        source=reach.region.source,
        native_id=project.id,
        observed_at=now,
        name=project.name,
        domain=reach.domains.get(domain, domain) if domain else None,
        is_enabled=project.enabled,
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
            return Reach(region=region, projects=tuple(projects), gaps=tuple(gaps), domains=_domains(system))
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
        if document.get("truncated") is not None and bytes(document["truncated"]) == b"true":
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
