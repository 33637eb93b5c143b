"""What keeps a scan of an OpenStack from seeing everything, and what its credential could do beyond reading.

Every question is a small one: a page of one object where a scan would read all of them. Rights are never taken from
the names of roles, whose meaning each cloud's policy decides, but from whether the question is answered; names of roles
only tell what the credential could do beyond.
"""

import time
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec

from collectors.collector import Incomplete
from collectors.diagnosis import Answers, Chart, Diagnosis, duration, named
from collectors.errors import CollectorError, NotConfigured
from collectors.openstack_compute import CELL_AWARE, WANTED
from collectors.openstack_connection import OpenStackCloud, OpenStackRegion, Params, Refused, Service
from collectors.openstack_identity import Reach, reach
from collectors.openstack_network import Network, NeutronPort
from collectors.openstack_pages import decoded, parsed, walk
from collectors.openstack_platform import NODES_WANTED
from collectors.openstack_storage import Volume
from collectors.tls_certificate import certificates
from inventory.guard import Guard
from inventory.settings import OpenStackSource
from inventory.text import Message, msg

WRITING_ROLES = frozenset({"admin", "manager", "member", "_member_", "service", "creator", "heat_stack_owner"})
"""Roles that may change things by the services' default policies; an auditor needs none of them."""
PAGES_OF_PROOF = 5
"""Of ports or volumes, read in search of one that belongs to another project."""
SAMPLE = 100
"""Servers that are read to estimate how long all would take."""
_READING = frozenset({"GET", "HEAD"})
_RIGHTS = msg("docs/openstack-rights.md lists the rights that are needed")
_NARROW = msg(
    "make an auditor's role or an application credential limited to GET, as docs/openstack-rights.md shows, and use it"
)


class OpenStackDoctor:
    """Looks at one cloud of clouds.yaml."""

    def __init__(self, source: OpenStackSource, *, base: Path, guard: Guard, clock: Callable[[], datetime]) -> None:
        self._answers = Answers(clock)
        self._cloud = OpenStackCloud(source, base=base, guard=guard, on_answer=self._answers.hear)
        self._source = source
        self._guard = guard
        self._clock = clock
        self._chart = Chart(self._cloud.name)

    def diagnose(self) -> Iterator[Diagnosis]:
        """Login, identity, rights, projects, versions, estimate; then what all answers said of clocks and TLS."""
        try:
            region = self._cloud.region(next(iter(self._cloud.configured_regions()), None))
        except CollectorError as error:
            yield self._chart.failed("reach", error)
        else:
            if region.token.issued_at is not None:
                # Keystone under uWSGI sends no Date header.
                self._answers.note("Keystone", region.token.issued_at)
            yield self._chart.ok("reach", msg("{source}: Keystone answers and gives a token", source=self._cloud.name))
            yield from self._identity(region)
            yield from self._rest(region)
        yield from self._answers.clocks(self._chart)
        yield from certificates(
            self._chart,
            self._answers.tls_hosts,
            now=self._clock(),
            timeout=self._source.timeout,
            forbids=self._guard.forbids,
        )

    def _identity(self, region: OpenStackRegion) -> Iterator[Diagnosis]:
        token = region.token
        yield self._chart.ok(
            "identity",
            msg(
                "{source}: we are {user}, scope: {scope}, roles: {roles}",
                source=region.source,
                user=token.user,
                scope=token.scope,
                roles=", ".join(sorted(token.roles)) or "-",
            ),
        )
        if token.methods is not None and token.methods <= _READING:
            yield self._chart.ok(
                "excess",
                msg("{source}: the application credential's access rules allow reading only", source=region.source),
            )
            return
        writing = sorted(token.roles & WRITING_ROLES)
        if writing:
            yield self._chart.warning(
                "excess",
                msg(
                    "{source}: {user} holds the role(s) {roles}, which may change and delete; reading needs none of "
                    "them",
                    source=region.source,
                    user=token.user,
                    roles=", ".join(writing),
                ),
                _NARROW,
            )
        else:
            yield self._chart.ok("excess", msg("{source}: no role is known to allow writing", source=region.source))

    def _rest(self, region: OpenStackRegion) -> Iterator[Diagnosis]:
        try:
            names = self._cloud.regions()
        except CollectorError as error:
            yield self._chart.failed("reach", error)
            names = ()
        reached = reach(region)
        blind: list[str] = []
        for name in names:
            try:
                visit = _Visit(self._chart.at(name), self._cloud.region(name), reached, self._source.page_size)
            except CollectorError as error:
                yield self._chart.at(name).failed("reach", error)
                continue
            yield from visit.diagnose()
            blind += visit.blind
        yield from self._projects(reached, list(dict.fromkeys(blind)))
        yield from self._keystone(reached.asker)

    def _keystone(self, region: OpenStackRegion) -> Iterator[Diagnosis]:
        """What belongs to the whole cloud, asked as a scan asks it; of the assignments those on the system only."""
        on_system: Params = [("scope.system", "all"), ("include_names", "true")]
        for path, params, what in (("/domains", [], _DOMAINS), ("/role_assignments", on_system, _ASSIGNMENTS)):
            try:
                region.get("identity", path, params)
            except Refused as error:
                yield self._chart.error(
                    "right", msg("missing: {what}. {cause}", what=what, cause=error.message), _RIGHTS
                )
            except CollectorError as error:
                yield self._chart.failed("reach", error)
            else:
                yield self._chart.ok("right", msg("held: {what}", what=what))

    def _projects(self, reached: Reach, blind: list[str]) -> Iterator[Diagnosis]:
        """Projects that exist against those that are seen; names of the do-not-scan list are counted only."""
        source, own = reached.region.source, reached.region.token.project_id
        if reached.projects is None:
            error = reached.error or Refused(msg("{source}: Keystone gives no list of projects", source=source))
            yield self._chart.unknown("projects", error.message, _RIGHTS)
            return
        projects = tuple(p for p in reached.projects if not p.is_domain)
        hidden = tuple(p for p in projects if p.id != own) if blind else ()
        if hidden:
            names = [n for n in reached.names(hidden) if not self._guard.forbids_part(n)]
            yield self._chart.error(
                "projects",
                msg(
                    "{source}: {hidden} of {count} project(s) are hidden from us in {services}: {names}",
                    source=source,
                    hidden=len(hidden),
                    count=len(projects),
                    services=", ".join(blind),
                    names=named(names),
                ),
                _RIGHTS,
            )
        elif not reached.gaps:
            yield self._chart.ok(
                "projects",
                msg("{source}: {count} project(s) exist, all of them are seen", source=source, count=len(projects)),
            )
        for gap in reached.gaps:
            yield self._chart.unknown("projects", gap)


class _Visit:
    """The services of one region."""

    def __init__(self, chart: Chart, region: OpenStackRegion, reached: Reach, page_size: int) -> None:
        self._chart = chart
        self._region = region
        self._reach = reached
        self._page_size = page_size
        self.blind: list[str] = []
        """Services that show our own project only."""

    def diagnose(self) -> Iterator[Diagnosis]:
        yield from self._guarded("compute", self._compute)
        yield from self._guarded("network", self._network)
        yield from self._guarded("block-storage", self._storage)
        yield from self._guarded("image", self._images)
        yield from self._guarded("load-balancer", self._balancers, is_optional=True)
        yield from self._guarded("baremetal", self._nodes, is_optional=True)
        yield from self._guarded("placement", self._placement, is_optional=True)

    def _guarded(
        self, service: Service, look: Callable[[], Iterator[Diagnosis]], *, is_optional: bool = False
    ) -> Iterator[Diagnosis]:
        try:
            self._region.need(service)
            yield from look()
        except NotConfigured as error:
            yield self._chart.ok("reach", error.message) if is_optional else self._chart.warning("reach", error.message)
        except Refused as error:
            yield self._chart.error("right", error.message, _RIGHTS)
        except CollectorError as error:
            yield self._chart.failed("reach", error)

    def _compute(self) -> Iterator[Diagnosis]:
        yield from self._versions()
        wanted = self._region.microversion(WANTED)
        aware = self._region.microversion(CELL_AWARE)
        # Before 2.33 the hosts are not paged, and the parameter would be refused.
        own = self._region.token.project_id
        one: Params = [("limit", 1)] if wanted >= (2, 33) else []
        everyone: Params = [("all_tenants", "1"), ("limit", 1)]
        allowed = yield from self._may("/servers/detail", everyone, wanted, _SERVERS)
        if not allowed:
            self.blind.append("Nova")
        yield from self._may("/os-hypervisors/detail", one, wanted, _HYPERVISORS)
        yield from self._may("/os-services", [], aware, _CELLS)
        yield from self._may("/os-aggregates", [], wanted, _AGGREGATES)
        other = next((p.id for p in self._reach.projects or () if p.id != own and not p.is_domain), None)
        if other is not None:
            yield from self._may(f"/os-quota-sets/{quote(other, safe='')}/detail", [], wanted, _QUOTAS)
        if not self._region.token.is_admin:
            yield self._chart.warning("right", _ADMINISTRATORS_ONLY, _RIGHTS)
        if allowed:
            yield from self._estimate(wanted)

    def _versions(self) -> Iterator[Diagnosis]:
        newest = self._region.microversion((99, 999))
        shown = f"{newest[0]}.{newest[1]}"
        if newest < WANTED:
            yield self._chart.warning(
                "versions",
                msg("Nova has microversion {version}; tags, flavors or hypervisor ids are not told below {wanted}",
                    version=shown, wanted="2.53"),
            )  # fmt: skip
        elif newest < CELL_AWARE:
            yield self._chart.warning(
                "versions",
                msg("Nova has microversion {version}; below {wanted} it does not tell of cells that are down",
                    version=shown, wanted="2.69"),
            )  # fmt: skip
        else:
            yield self._chart.ok("versions", msg("Nova has microversion {version}", version=shown))

    def _may(
        self,
        path: str,
        params: Params,
        microversion: tuple[int, int] | None,
        what: Message,
        service: Service = "compute",
    ) -> "Any":
        """Yields whether the question is answered; returns it."""
        try:
            self._region.get(service, path, params, microversion=microversion)
        except Refused as error:
            yield self._chart.error("right", msg("missing: {what}. {cause}", what=what, cause=error.message), _RIGHTS)
            return False
        yield self._chart.ok("right", msg("held: {what}", what=what))
        return True

    def _network(self) -> Iterator[Diagnosis]:
        """Neutron refuses nobody: it answers with what is our own. Another project's port proves the right."""
        if self._region.token.is_admin or self._sees_others_ports():
            yield self._chart.ok("right", msg("held: {what}", what=_PORTS))
            return
        yield from self._not_proved("Neutron", _PORTS)

    def _sees_others_ports(self) -> bool:
        own_project = self._region.token.project_id
        if own_project is None:
            return False
        # Whoever owns a network sees all its ports, also those of others.
        own = {n.id for page in self._pages("network", "/networks", "networks", Network) for n in page
               if (n.project_id or n.tenant_id) == own_project}  # fmt: skip
        return any(
            (port.project_id or port.tenant_id or own_project) != own_project and port.network_id not in own
            for page in self._pages("network", "/ports", "ports", NeutronPort)
            for port in page
        )

    def _storage(self) -> Iterator[Diagnosis]:
        own = self._region.token.project_id
        pages = self._pages("block-storage", "/volumes/detail", "volumes", Volume, [("all_tenants", "1")])
        if self._region.token.is_admin or any(v.project_id not in (None, own) for page in pages for v in page):
            yield self._chart.ok("right", msg("held: {what}", what=_VOLUMES))
            return
        # No policy lets anybody but an administrator: said once, and no reason to fail every night.
        yield self._chart.warning(
            "right",
            msg("Cinder shows all volumes to administrators only; the cell `storage` will be partial"),
            _RIGHTS,
        )

    def _images(self) -> Iterator[Diagnosis]:
        """Glance refuses nobody; that only administrators are shown all is said with what Nova keeps from others."""
        self._region.get("image", "/images", [("limit", 1)])
        if self._region.token.is_admin:
            yield self._chart.ok("right", msg("held: {what}", what=_IMAGES))

    def _balancers(self) -> Iterator[Diagnosis]:
        """Octavia shows members their own, and others nothing: a listing that is answered proves little."""
        yield from self._may("/lbaas/loadbalancers", [("limit", 1)], None, _BALANCERS, "load-balancer")

    def _nodes(self) -> Iterator[Diagnosis]:
        wanted = self._region.microversion(NODES_WANTED, "baremetal")
        yield from self._may("/nodes", [("limit", 1)], wanted, _NODES, "baremetal")

    def _placement(self) -> Iterator[Diagnosis]:
        """One witness less is no gap: the listing stands on the others."""
        try:
            self._region.get("placement", "/resource_providers")
        except Refused as error:
            yield self._chart.warning(
                "right", msg("missing: {what}. {cause}", what=_HOLDERS, cause=error.message), _RIGHTS
            )
            return
        yield self._chart.ok("right", msg("held: {what}", what=_HOLDERS))

    def _not_proved(self, service: str, what: Message) -> Iterator[Diagnosis]:
        narrowed: Incomplete | None = self._reach.narrowed(service)
        if narrowed is None:
            yield self._chart.ok("right", msg("held: {what}", what=what))
            return
        self.blind.append(service)
        yield self._chart.error("right", msg("missing: {what}. {cause}", what=what, cause=narrowed.reason), _RIGHTS)

    def _pages(self, service: Service, path: str, key: str, kind: type[Any], params: Params = ()) -> Iterator[Any]:
        listing = walk(self._region, service, path, key, kind, params=params, page_size=self._page_size)
        return islice(listing, PAGES_OF_PROOF)

    def _estimate(self, microversion: tuple[int, int]) -> Iterator[Diagnosis]:
        """From one page's time and the number that the compute hosts say they run; a guess, and called one."""
        path = "/servers/detail"
        size = min(SAMPLE, self._page_size)
        started = time.monotonic()
        body = self._region.get("compute", path, [("all_tenants", "1"), ("limit", size)], microversion=microversion)
        seconds = time.monotonic() - started
        servers = decoded(self._region, path, body).get("servers", b"[]")
        listed = parsed(self._region, path, servers, list[msgspec.Raw])
        count = len(listed) if len(listed) < size else self._running()
        if count is None:
            yield self._chart.warning("estimate", msg("how many servers there are is not told; no estimate"))
            return
        whole = seconds * max(1.0, count / max(1, len(listed)))
        yield self._chart.ok(
            "estimate",
            msg("about {count} server(s); reading them takes about {time}", count=count, time=duration(whole)),
        )

    def _running(self) -> int | None:
        path = "/os-hypervisors/statistics"
        try:
            body = self._region.get("compute", path, microversion=self._region.microversion(WANTED))
            statistics = decoded(self._region, path, body).get("hypervisor_statistics", b"{}")
            return msgspec.json.decode(statistics, type=_Statistics).running_vms
        except (CollectorError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None


class _Statistics(msgspec.Struct):
    running_vms: int | None = None


_DOMAINS = msg("domains (Keystone)")
_ASSIGNMENTS = msg("who holds which role (Keystone)")
_IMAGES = msg("images of every project (Glance)")
_SERVERS = msg("servers of every project (Nova)")
_HYPERVISORS = msg("compute hosts (Nova)")
_CELLS = msg("which parts of Nova are down")
_AGGREGATES = msg("aggregates of compute hosts (Nova)")
_QUOTAS = msg("quota and usage of every project (Nova)")
_BALANCERS = msg("load balancers (Octavia)")
_NODES = msg("bare-metal nodes (Ironic)")
_HOLDERS = msg("what holds resources on the compute hosts (Placement), against which servers are counted")
_ADMINISTRATORS_ONLY = msg(
    "private flavors and server groups (Nova), private images (Glance), the quota of every project (Neutron) are shown "
    "to administrators only; the cells `flavor`, `server_group`, `image` and `quota` will be partial"
)
_PORTS = msg("ports, networks and routers of every project (Neutron)")
_VOLUMES = msg("volumes of every project (Cinder)")
