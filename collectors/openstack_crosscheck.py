"""A listing of servers held against what other parts of the cloud count: nobody is believed alone.

Three witnesses: compute hosts (how many servers each says that it runs), Nova's quotas (how many it counts in each
project) and Placement (which servers hold resources, by id). All counts move while they are taken, so whatever
disagrees is listed and counted once more, and only what is missing by both counts is missing.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import quote

import msgspec

from collectors.collector import Incomplete, Reading, Said
from collectors.errors import CollectorError
from collectors.openstack_answers import SharedAnswers
from collectors.openstack_connection import NotFound, OpenStackRegion, Params, Refused
from collectors.openstack_identity import Survey
from collectors.openstack_pages import decoded, parsed
from collectors.openstack_quota import NOVA, Amounts, amounts
from inventory.records import CountMismatch
from inventory.text import msg

logger = logging.getLogger(__name__)

FEW = 20
"""Places in doubt that are listed anew one by one; where more are, everything is listed anew."""
MOST_LOOKED_AT = 20
"""Servers of Placement's that are asked for one by one."""
_ALL = "*"
SOFT_DELETED = "SOFT_DELETED"
"""Status of a server in the recycle bin (`reclaim_instance_interval`); Nova lists it only where asked to."""
OWNERS_WANTED = (1, 12)
"""From here on Placement says whose an allocation is."""


class Listed(Protocol):
    """A server as far as it is counted."""

    @property
    def id(self) -> str: ...

    @property
    def status(self) -> str | None: ...

    @property
    def tenant_id(self) -> str | None: ...

    @property
    def hypervisor_hostname(self) -> str | None: ...


class Runs(Protocol):
    """A compute host as far as it counts."""

    @property
    def id(self) -> str | int: ...

    @property
    def hypervisor_hostname(self) -> str: ...

    @property
    def state(self) -> str | None: ...

    @property
    def running_vms(self) -> int | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What the check asks of Nova besides."""

    hypervisors: Callable[[], Iterator[Runs]]
    servers: Callable[[Params], Iterator[tuple[Reading, Listed]]]
    """A listing of servers, narrowed by a filter."""


@dataclass(slots=True)
class _Tally:
    """How many servers a listing has shown, by where they are."""

    by_host: Counter[str] = field(default_factory=Counter)
    by_tenant: Counter[str] = field(default_factory=Counter)

    def add(self, server: Listed) -> None:
        if server.hypervisor_hostname is not None:
            self.by_host[server.hypervisor_hostname] += 1
        if server.tenant_id is not None:
            self.by_tenant[server.tenant_id] += 1


Holders = Mapping[str, Future[frozenset[str]]]


def holders(survey: Survey) -> AbstractContextManager[Holders]:
    """What holds resources on the compute hosts, by Placement, asked beside the listing; nothing if there is none."""
    region = survey.region
    keys = (_ALL,) if region.has("placement") else ()
    return SharedAnswers[str, frozenset[str]]().asked(keys, lambda _: _consumers(region))


class CrossCheck:
    """Counts along while servers are listed, and says afterwards what does not add up."""

    def __init__(self, survey: Survey, listing: Listing, usage: Mapping[str, Future[Amounts]], held: Holders) -> None:
        """`usage` is what Nova counts in each project, `held` what Placement knows, both perhaps still on their way."""
        self._survey = survey
        self._listing = listing
        self._usage = usage
        self._held = held
        self._tally = _Tally()
        self._told: set[str] = set()
        self._hosts = self._running()

    @property
    def expected(self) -> int | None:
        """How many servers the compute hosts that answer say they run; None where this may not be asked."""
        return sum(self._hosts.values()) if self._hosts is not None else None

    def saw(self, server: Listed) -> None:
        """Takes note of a server that was listed."""
        self._told.add(server.id)
        self._tally.add(server)

    @property
    def told(self) -> set[str]:
        """The ids of all servers that were listed."""
        return self._told

    def verdict(self) -> Iterator[Said]:
        """What is missing by two counts, as a record for each place and a gap for each witness; and what came since."""
        hosts = self._short_hosts(self._tally, self._hosts or {})
        tenants = self._short_tenants(self._tally, self._used())
        strangers = self._strangers()
        if not (hosts or tenants or strangers):
            return
        again = _Tally()
        yield from self._listed_again(again, hosts, [*tenants, *{t for t in strangers.values() if t}])
        yield from self._of_hosts(again, hosts)
        yield from self._of_tenants(again, tenants)
        yield from self._of_placement(strangers)

    # ── compute hosts ────────────────────────────────────────────────────────────────────────────────────────────────

    def _running(self) -> dict[str, int] | None:
        """Servers by compute host, as those that answer say; None where this may not be asked."""
        running: dict[str, int] = {}
        try:
            for host in self._listing.hypervisors():
                if host.state == "up" and host.running_vms:
                    running[host.hypervisor_hostname] = host.running_vms
        except CollectorError as error:  # refused, or 500 because a cell is down: the check is lost, the listing is not
            logger.debug("%s: the hosts' own count cannot be had: %s", self._survey.region.source, error)
            return None
        return running

    def _short_hosts(self, tally: _Tally, running: Mapping[str, int]) -> dict[str, int]:
        """Hosts that run more than was listed on them, with how many they run."""
        if not tally.by_host and tally.by_tenant:
            # We are not shown where servers run: only the sum can be compared.
            total = sum(running.values())
            return {"*": total} if total > len(self._told) else {}
        return {host: count for host, count in running.items() if count > tally.by_host[host]}

    def _of_hosts(self, again: _Tally, hosts: Mapping[str, int]) -> Iterator[Said]:
        now = self._running() if hosts else None
        if now is None:
            return
        late = now if "*" not in hosts else {"*": sum(now.values())}
        seen = again.by_host if "*" not in hosts else Counter({"*": len(self._told)})
        short = {h: min(count, late.get(h, 0)) for h, count in hosts.items() if min(count, late.get(h, 0)) > seen[h]}
        if not short:
            return
        for host, count in sorted(short.items()):
            yield self._mismatch("nova hypervisor", "hypervisor", host, host, count, seen[host])
        yield Incomplete(
            msg(
                "{source}: {count} compute host(s) say that they run {running} servers, Nova lists {listed} on them; "
                "the list is not whole",
                source=self._survey.region.source,
                count=len(short),
                running=sum(short.values()),
                listed=sum(seen[h] for h in short),
            ),
            tuple(sorted(short)),
        )

    # ── quotas ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _used(self) -> dict[str, int]:
        """Servers by project, as Nova's quotas count them, as far as they can be had."""
        used: dict[str, int] = {}
        for project_id, answer in self._usage.items():
            try:
                amount = answer.result().get("instances")
            except CollectorError as error:
                logger.debug("%s: no quota of project %s: %s", self._survey.region.source, project_id, error)
                if isinstance(error, Refused):
                    break
                continue
            if amount is not None and amount.in_use is not None:
                used[project_id] = amount.in_use
        return used

    def _short_tenants(self, tally: _Tally, used: Mapping[str, int]) -> dict[str, int]:
        return {tenant: count for tenant, count in used.items() if count > tally.by_tenant[tenant]}

    def _of_tenants(self, again: _Tally, tenants: Mapping[str, int]) -> Iterator[Said]:
        short: dict[str, int] = {}
        for tenant, count in tenants.items():
            late = self._used_now(tenant)
            if late is not None and min(count, late) > again.by_tenant[tenant]:
                short[tenant] = min(count, late)
        if not short:
            return
        names = self._names(short)
        for tenant, count in sorted(short.items()):
            yield self._mismatch("nova quota", "tenant", names[tenant], tenant, count, again.by_tenant[tenant])
        yield Incomplete(
            msg(
                "{source}: Nova's quotas count {used} servers in {count} project(s), Nova lists {listed} of them; "
                "the list is not whole",
                source=self._survey.region.source,
                count=len(short),
                used=sum(short.values()),
                listed=sum(again.by_tenant[t] for t in short),
            ),
            tuple(sorted(names.values())),
        )

    def _used_now(self, tenant: str) -> int | None:
        try:
            amount = amounts(self._survey.region, NOVA, tenant).get("instances")
        except CollectorError as error:
            logger.debug("%s: no second quota of project %s: %s", self._survey.region.source, tenant, error)
            return None
        return amount.in_use if amount is not None else None

    # ── Placement ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _strangers(self) -> dict[str, str | None]:
        """Consumers of the compute hosts' resources that were not listed, with the project that they belong to.

        Servers and migrations look alike here; a migration's id is no server's, as is that of one deleted meanwhile.
        """
        region, held = self._survey.region, self._held.get(_ALL)
        if held is None:
            return {}
        try:
            consumers = held.result() - self._told
            microversion = region.microversion(OWNERS_WANTED, "placement")
            few = sorted(consumers)[:MOST_LOOKED_AT]
            return {consumer: self._owner(consumer, microversion) for consumer in few}
        except CollectorError as error:
            logger.debug("%s: Placement's own count cannot be had: %s", region.source, error)
            return {}

    def _owner(self, consumer: str, microversion: tuple[int, int]) -> str | None:
        region, path = self._survey.region, f"/allocations/{quote(consumer, safe='')}"
        return parsed(region, path, region.get("placement", path, microversion=microversion), _Owned).project_id

    def _of_placement(self, strangers: Mapping[str, str | None]) -> Iterator[Said]:
        hidden = {server: tenant for server, tenant in strangers.items() if server not in self._told}
        hidden = {server: tenant for server, tenant in hidden.items() if self._is_server(server)}
        if not hidden:
            return
        names = self._names(t for t in hidden.values() if t)
        for tenant in sorted({t or "" for t in hidden.values()}):
            ids = tuple(sorted(server for server, owner in hidden.items() if (owner or "") == tenant))
            name = names.get(tenant, tenant or "?")
            yield self._mismatch("placement", "tenant", name, tenant or "?", len(ids), 0, unseen=ids)
        yield Incomplete(
            msg(
                "{source}: Placement holds resources for {count} server(s) or more that Nova knows and does not list; "
                "the list is not whole",
                source=self._survey.region.source,
                count=len(hidden),
            ),
            tuple(sorted({*names.values(), *hidden})),
        )

    def _is_server(self, server: str) -> bool:
        """Whether Nova knows it, and it still holds what it held."""
        region, path = self._survey.region, f"/servers/{quote(server, safe='')}"
        try:
            region.get("compute", path)
            return bool(self._allocated(server))
        except NotFound as error:
            logger.debug("%s: %s holds resources and is no server: %s", region.source, server, error)
            return False
        except CollectorError as error:  # refused: it is there, and kept from us
            logger.debug("%s: %s cannot be looked at: %s", region.source, server, error)
            return True

    def _allocated(self, consumer: str) -> Mapping[str, msgspec.Raw]:
        region, path = self._survey.region, f"/allocations/{quote(consumer, safe='')}"
        document = decoded(region, path, region.get("placement", path))
        return parsed(region, path, document.get("allocations", b"{}"), dict[str, msgspec.Raw])

    # ── both ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _listed_again(self, tally: _Tally, hosts: Iterable[str], tenants: Iterable[str]) -> Iterator[Said]:
        """The places in doubt, or everything where they are many; what was not told before is told.

        Servers that their owners deleted and that wait to be reclaimed still hold what hosts and Placement count. They
        account for the difference and are not told: nothing runs on them.
        """
        counted: set[str] = set()
        for narrower in self._narrowers(hosts, tenants):
            for said, server in self._listing.servers(narrower):
                if server.id not in counted:
                    counted.add(server.id)
                    tally.add(server)
                if server.id not in self._told:
                    self._told.add(server.id)
                    if server.status != SOFT_DELETED:
                        yield said

    def _narrowers(self, hosts: Iterable[str], tenants: Iterable[str]) -> Sequence[Params]:
        everyone: Params = (("all_tenants", "1"), ("soft_deleted", "True"))
        narrow: list[Params] = [(*everyone, ("node", host)) for host in sorted(hosts)]
        narrow += [(*everyone, ("project_id", tenant)) for tenant in sorted(set(tenants))]
        # Nova leaves out, without a word, filters that it allows administrators only.
        is_narrow = (
            self._survey.region.token.is_admin and len(narrow) <= FEW and (*everyone, ("node", "*")) not in narrow
        )
        return narrow if is_narrow else [everyone]

    def _names(self, tenants: Iterable[str]) -> dict[str, str]:
        projects = {p.id: p for p in self._survey.reach.projects or ()}
        asked = list(tenants)
        known = {t: projects[t] for t in asked if t in projects}
        names = dict(zip(known, self._survey.reach.names(tuple(known.values())), strict=True))
        return {t: names.get(t, t) for t in asked}

    def _mismatch(
        self,
        by: str,
        place_kind: str,
        place: str,
        place_id: str,
        expected: int,
        seen: int,
        unseen: tuple[str, ...] = (),
    ) -> Reading:
        survey = self._survey
        return Reading(
            CountMismatch(
                source=survey.region.source,
                native_id=survey.local(f"host/{by}/{place_id}"),
                observed_at=survey.now,
                what="host",
                place_kind=place_kind,
                place=place,
                place_id=place_id,
                expected=expected,
                seen=seen,
                expected_by=by,
                unseen=unseen,
            )
        )


def _consumers(region: OpenStackRegion) -> frozenset[str]:
    path = "/resource_providers"
    document = decoded(region, path, region.get("placement", path))
    providers = parsed(region, path, document.get("resource_providers", b"null"), list[_Provider])
    consumers: set[str] = set()
    for provider in providers:
        path = f"/resource_providers/{quote(provider.uuid, safe='')}/allocations"
        document = decoded(region, path, region.get("placement", path))
        consumers |= parsed(region, path, document.get("allocations", b"null"), dict[str, msgspec.Raw]).keys()
    return frozenset(consumers)


class _Provider(msgspec.Struct, frozen=True, kw_only=True):
    uuid: str


class _Owned(msgspec.Struct, frozen=True, kw_only=True):
    project_id: str | None = None
