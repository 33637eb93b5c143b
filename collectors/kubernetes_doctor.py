"""What RBAC lets us read of a Kubernetes cluster, what it should not let us do, and which namespaces it hides.

Rights are asked of the API server itself (SelfSubjectAccessReview, SelfSubjectRulesReview): a POST that answers a
question and keeps nothing. API: https://kubernetes.io/docs/reference/access-authn-authz/authorization/.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from collectors.collector import Incomplete
from collectors.diagnosis import Answers, Chart, Diagnosis, duration, named
from collectors.errors import CollectorError, Unreadable
from collectors.kubernetes_connection import REVIEWS, Forbidden, KubernetesCluster, NotServed, plain
from collectors.kubernetes_pages import list_documents
from collectors.kubernetes_source import (
    CLAIMS,
    CONTROLLERS,
    CRON_JOBS,
    INGRESSES,
    NAMESPACES,
    NETWORK_POLICIES,
    NODES,
    PODS,
    QUOTAS,
    SERVICE_RANGES,
    SERVICES,
    STORAGE_CLASSES,
    VOLUMES,
    Resource,
)
from collectors.tls_certificate import certificates
from inventory.guard import Guard
from inventory.settings import KubernetesSource
from inventory.text import msg

NEEDED: tuple[Resource[Any], ...] = (
    NODES, NAMESPACES, VOLUMES, CLAIMS, STORAGE_CLASSES, QUOTAS, PODS, SERVICES, INGRESSES, NETWORK_POLICIES,
    *(r for _, r in CONTROLLERS), CRON_JOBS, SERVICE_RANGES,
)  # fmt: skip
"""What a scan lists."""
READING = frozenset({"get", "list", "watch"})
MAX_NAMESPACES_RULES = 30
"""In which it is asked which rules hold there: one question each."""
MAX_NAMESPACES = 1000
PARALLEL = 8
_HARMLESS = frozenset(
    {"selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews", "clustertrustbundles"}
)
"""What Kubernetes itself lets everybody do who logs in."""
_SERVICE_RANGES_FROM = (1, 31)
_ROLE = msg("deploy/kubernetes/clusterrole.yaml holds the rights needed")
_NARROW = msg("bind deploy/kubernetes/clusterrole.yaml and nothing more to the account")
_ACCESS, _RULES, _WHO = REVIEWS

T = TypeVar("T")


class _Status(msgspec.Struct):
    allowed: bool = False


class _AccessReview(msgspec.Struct):
    status: _Status


class _Rule(msgspec.Struct):
    verbs: tuple[str, ...] = ()
    apiGroups: tuple[str, ...] = ()  # noqa: N815 - the API's own name
    resources: tuple[str, ...] = ()


class _Rules(msgspec.Struct):
    resourceRules: tuple[_Rule, ...] = ()  # noqa: N815 - the API's own name
    incomplete: bool = False


class _RulesReview(msgspec.Struct):
    status: _Rules


class _User(msgspec.Struct):
    username: str = ""
    groups: tuple[str, ...] = ()


class _Who(msgspec.Struct):
    userInfo: _User = msgspec.field(default_factory=_User)  # noqa: N815 - the API's own name


class _WhoReview(msgspec.Struct):
    status: _Who


class _Version(msgspec.Struct):
    gitVersion: str  # noqa: N815 - the API's own name
    major: str = ""
    minor: str = ""


class _ListMetadata(msgspec.Struct):
    remainingItemCount: int = 0  # noqa: N815 - the API's own name


class _Count(msgspec.Struct):
    metadata: _ListMetadata
    items: list[msgspec.Raw] = []


class KubernetesDoctor:
    """Looks at one context of a kubeconfig."""

    def __init__(self, source: KubernetesSource, *, base: Path, guard: Guard, clock: Callable[[], datetime]) -> None:
        self._answers = Answers(clock)
        self._cluster = KubernetesCluster(source, base=base, guard=guard, on_answer=self._answers.hear)
        self._source = source
        self._guard = guard
        self._clock = clock
        self._chart = Chart(self._cluster.name)

    def diagnose(self) -> Iterator[Diagnosis]:
        """Version, identity, rights, namespaces, estimate; then what all answers said of clock and TLS."""
        try:
            yield from self._version()
            yield from self._identity()
            may_list_all = yield from self._needed()
            namespaces = yield from self._namespaces(may_list_all)
            yield from self._excess(namespaces)
            if may_list_all:
                yield from self._estimate()
        except CollectorError as error:
            yield self._chart.failed("reach", error)
        yield from self._answers.clocks(self._chart)
        yield from certificates(
            self._chart,
            self._answers.tls_hosts,
            now=self._clock(),
            timeout=self._source.timeout,
            forbids=self._guard.forbids,
        )

    def _version(self) -> Iterator[Diagnosis]:
        try:
            version = self._decoded(self._cluster.get("/version"), _Version, "/version")
        except Forbidden as error:
            yield self._chart.warning("versions", error.message)
            return
        shown = plain(version.gitVersion)
        yield self._chart.ok("reach", msg("{source}: the API server answers", source=self._cluster.name))
        digits = tuple(
            int(part) for part in (version.major, version.minor.rstrip("+")) if part.isdecimal() and len(part) < 5
        )
        if len(digits) == 2 and digits < _SERVICE_RANGES_FROM:
            yield self._chart.ok(
                "versions", msg("Kubernetes {version}; before 1.31 it does not tell its service ranges", version=shown)
            )
        else:
            yield self._chart.ok("versions", msg("Kubernetes {version}", version=shown))

    def _identity(self) -> Iterator[Diagnosis]:
        """SelfSubjectReview is served from 1.28 on."""
        try:
            asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
            who = self._decoded(self._cluster.review(_WHO, asked), _WhoReview, _WHO).status.userInfo
        except (NotServed, Forbidden):
            yield self._chart.warning(
                "identity", msg("{source}: it does not tell who we are (from 1.28 on)", source=self._cluster.name)
            )
            return
        yield self._chart.ok(
            "identity",
            msg("{source}: we are {user}, groups: {groups}", source=self._cluster.name, user=plain(who.username),
                groups=plain(named(who.groups)) or "-"),
        )  # fmt: skip
        if "system:masters" in who.groups:
            yield self._chart.warning(
                "excess",
                msg("{source}: {user} is in the group system:masters, which may do everything",
                    source=self._cluster.name, user=plain(who.username)),
                _NARROW,
            )  # fmt: skip

    def _needed(self) -> "Any":
        """Yields which listings are allowed over all namespaces; returns whether those of pods are."""
        with ThreadPoolExecutor(PARALLEL) as pool:
            allowed = list(pool.map(self._may_list, NEEDED))
        missing = [r.plural for r, may in zip(NEEDED, allowed, strict=True) if not may]
        if missing:
            yield self._chart.error(
                "right",
                msg("{source}: RBAC does not let us list {resources} of the whole cluster",
                    source=self._cluster.name, resources=", ".join(missing)),
                _ROLE,
            )  # fmt: skip
        else:
            yield self._chart.ok(
                "right",
                msg("{source}: all {count} kinds that a scan reads may be listed", source=self._cluster.name,
                    count=len(NEEDED)),
            )  # fmt: skip
        return PODS.plural not in missing

    def _may_list(self, resource: Resource[Any]) -> bool:
        """Whether any version that may serve it may be listed: a role names the group, whatever its version."""
        groups = dict.fromkeys(_group(version) for version in resource.versions)
        return any(self._may("list", group, resource.plural) for group in groups)

    def _may(self, verb: str, group: str, resource: str, namespace: str | None = None) -> bool:
        attributes = {"verb": verb, "group": group, "resource": resource}
        if namespace is not None:
            attributes["namespace"] = namespace
        asked = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes},
        }
        return self._decoded(self._cluster.review(_ACCESS, asked), _AccessReview, _ACCESS).status.allowed

    def _namespaces(self, may_list_all: bool) -> "Any":
        """Yields which namespaces are hidden; returns those that are known and may be spoken of."""
        try:
            listed = list(
                list_documents(self._cluster, "/api/v1/namespaces", NAMESPACES.shape, page_size=self._source.page_size)
            )
        except Forbidden as error:
            yield self._chart.unknown("namespaces", error.message, _ROLE)
            own = self._cluster.namespace
            return [own] if own and not self._guard.forbids(own) else []
        every = [n.metadata.name for n in listed if not isinstance(n, Incomplete)]
        known = [name for name in every if not self._guard.forbids(name)]
        hidden = [] if may_list_all else self._hidden(known[:MAX_NAMESPACES])
        if hidden:
            yield self._chart.error(
                "namespaces",
                msg("{source}: pods of {hidden} of {count} namespace(s) are hidden from us: {names}",
                    source=self._cluster.name, hidden=len(hidden), count=len(every), names=named(hidden)),
                _ROLE,
            )  # fmt: skip
        elif len(known) > MAX_NAMESPACES and not may_list_all:
            yield self._chart.unknown(
                "namespaces",
                msg("{source}: of {count} namespaces only {looked} were looked at",
                    source=self._cluster.name, count=len(every), looked=MAX_NAMESPACES),
            )  # fmt: skip
        else:
            yield self._chart.ok(
                "namespaces",
                msg("{source}: {count} namespace(s) exist, pods of all may be seen", source=self._cluster.name,
                    count=len(every)),
            )  # fmt: skip
        return known

    def _hidden(self, names: list[str]) -> list[str]:
        with ThreadPoolExecutor(PARALLEL) as pool:
            allowed = list(pool.map(lambda name: self._may("list", "", PODS.plural, name), names))
        return [name for name, may in zip(names, allowed, strict=True) if not may]

    def _excess(self, namespaces: list[str]) -> Iterator[Diagnosis]:
        """Rights to read Secrets or what no scan reads, or to change anything, in the cluster or a namespace."""
        secrets = [verb for verb in ("get", "list") if self._may(verb, "", "secrets")]
        writes, reads, where, incomplete = self._excess_rules(namespaces)
        if secrets:
            yield self._chart.warning(
                "excess",
                msg("{source}: we may {verbs} Secrets of the whole cluster; a scan never reads any",
                    source=self._cluster.name, verbs=", ".join(secrets)),
                _NARROW,
            )  # fmt: skip
        elif where:
            yield self._chart.warning(
                "excess",
                msg("{source}: we may read Secrets in {names}; a scan never reads any", source=self._cluster.name,
                    names=named(where)),
                _NARROW,
            )  # fmt: skip
        if writes:
            yield self._chart.warning(
                "excess",
                msg("{source}: we may change things: {rights}; a scan only reads", source=self._cluster.name,
                    rights=named(writes)),
                _NARROW,
            )  # fmt: skip
        if reads:
            yield self._chart.warning(
                "excess",
                msg("{source}: we may read more than a scan does: {resources}", source=self._cluster.name,
                    resources=named(reads)),
                _NARROW,
            )  # fmt: skip
        looked = min(len(namespaces), MAX_NAMESPACES_RULES)
        if incomplete:
            yield self._chart.warning(
                "excess", msg("{source}: it does not tell all our rules; there may be more", source=self._cluster.name)
            )
        elif not (secrets or where or writes or reads):
            yield self._chart.ok(
                "excess",
                msg("{source}: nothing may be changed and no Secret be read, as far as {count} namespace(s) tell",
                    source=self._cluster.name, count=looked),
            )  # fmt: skip

    def _excess_rules(self, namespaces: list[str]) -> tuple[list[str], list[str], list[str], bool]:
        """`verb resource` that change something, resources that may be read in vain, namespaces whose Secrets may be
        read, and whether more is not told.
        """
        writes: dict[str, None] = {}
        reads: dict[str, None] = {}
        where: list[str] = []
        incomplete = False
        # Rules of the whole cluster are told with those of each namespace, so one is enough to learn them.
        asked = namespaces[:MAX_NAMESPACES_RULES] or ["default"]
        with ThreadPoolExecutor(PARALLEL) as pool:
            answers = list(pool.map(self._rules, asked))
        for namespace, rules in zip(asked, answers, strict=True):
            incomplete = incomplete or rules.incomplete
            for rule in rules.resourceRules:
                resources = [r for r in rule.resources if r not in _HARMLESS]
                verbs = [v for v in rule.verbs if v not in READING]
                writes.update(dict.fromkeys(plain(f"{verb} {resource}") for verb in verbs for resource in resources))
                if not {*READING, "*"} & set(rule.verbs):
                    continue
                if {"secrets", "*"} & set(resources) and {"", "*"} & set(rule.apiGroups):
                    where.append(namespace)
                reads.update(dict.fromkeys(plain(r) for r in _read_in_vain(rule.apiGroups, resources)))
        return list(writes), list(reads), list(dict.fromkeys(where)), incomplete

    def _rules(self, namespace: str) -> _Rules:
        asked = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectRulesReview",
            "spec": {"namespace": namespace},
        }
        return self._decoded(self._cluster.review(_RULES, asked), _RulesReview, _RULES).status

    def _estimate(self) -> Iterator[Diagnosis]:
        """From one page's time and the number of pods that the API server says are left; a guess, and called one."""
        path = "/api/v1/pods"
        started = time.monotonic()
        page = self._decoded(self._cluster.get(path, {"limit": self._source.page_size}), _Count, path)
        seconds = time.monotonic() - started
        count = len(page.items) + page.metadata.remainingItemCount
        whole = seconds * max(1.0, count / max(1, len(page.items)))
        yield self._chart.ok(
            "estimate", msg("about {count} pod(s); reading them takes about {time}", count=count, time=duration(whole))
        )

    def _decoded(self, body: bytes, kind: type[T], path: str) -> T:
        try:
            return msgspec.json.decode(body, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Unreadable(
                msg("{source}: the answer to {path} is not one that the Kubernetes API documents",
                    source=self._cluster.name, path=path)
            ) from error  # fmt: skip


def _read_in_vain(groups: tuple[str, ...], resources: list[str]) -> Iterator[str]:
    """What a rule lets us read that no scan reads, as kubectl names it; Secrets have a sentence of their own."""
    for group in groups:
        for resource in resources:
            is_needed = (group, resource) in _READ or (group == "*" and resource in {name for _, name in _READ})
            if not is_needed and (group, resource) not in (("", "secrets"), ("*", "secrets")):
                yield f"{resource}.{group}" if group else resource


def _group(version: str) -> str:
    """The API group of `/apis/GROUP/VERSION`; empty for the core."""
    return version.split("/")[2] if version.startswith("/apis/") else ""


_READ = frozenset((_group(version), resource.plural) for resource in NEEDED for version in resource.versions)
"""Group and name of all that a scan lists."""
