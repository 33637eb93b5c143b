"""A Kubernetes cluster as a source: which cells there are, who reads each, and what RBAC left unseen.

Every cell has scope `*`, the cluster. A listing over all namespaces that RBAC refuses is asked again namespace by
namespace, as far as namespaces are known (the cluster's list, else the one of the kubeconfig's context): what is
refused there too is named in the coverage. Complete means: all that the API states was read. Two things it may not
state: pod ranges where the network plugin keeps its own addresses, and the service range before Kubernetes 1.31.
"""

import re
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec

from collectors.collector import Collector, Incomplete, Reading, Said
from collectors.errors import Unreadable
from collectors.kubernetes_connection import Forbidden, KubernetesCluster, NotServed, shown
from collectors.kubernetes_objects import (
    Controller,
    CronJob,
    Document,
    Ingress,
    Namespace,
    NetworkPolicyObject,
    Node,
    PersistentVolume,
    PersistentVolumeClaim,
    Pod,
    ResourceQuota,
    Service,
    ServiceCidr,
    StorageClassObject,
)
from collectors.kubernetes_pages import list_documents
from collectors.kubernetes_records import Translator
from inventory.coverage import Cell, SourceInfo
from inventory.guard import Guard
from inventory.settings import KubernetesSource, OwnershipRules
from inventory.text import Message, msg

SCOPE = "*"
KINDS = (
    *("host", "tenant", "workload", "exposure", "network_policy", "storage", "volume_claim", "storage_class"),
    *("segment", "quota"),
)

_DNS_LABEL = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")

T = TypeVar("T", bound=Document)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource(Generic[T]):
    """One thing that the API lists."""

    plural: str
    versions: tuple[str, ...]
    """Paths of the API group's versions that may serve it, newest first."""
    shape: type[T]
    is_namespaced: bool = True
    is_optional: bool = False
    """Older or smaller clusters do not serve it, and then have none."""


_APPS = ("/apis/apps/v1",)
NODES = Resource(plural="nodes", versions=("/api/v1",), shape=Node, is_namespaced=False)
NAMESPACES = Resource(plural="namespaces", versions=("/api/v1",), shape=Namespace, is_namespaced=False)
VOLUMES = Resource(plural="persistentvolumes", versions=("/api/v1",), shape=PersistentVolume, is_namespaced=False)
CLAIMS = Resource(plural="persistentvolumeclaims", versions=("/api/v1",), shape=PersistentVolumeClaim)
STORAGE_CLASSES = Resource(
    plural="storageclasses", versions=("/apis/storage.k8s.io/v1",), shape=StorageClassObject, is_namespaced=False
)
QUOTAS = Resource(plural="resourcequotas", versions=("/api/v1",), shape=ResourceQuota)
NETWORK_POLICIES = Resource(
    plural="networkpolicies", versions=("/apis/networking.k8s.io/v1",), shape=NetworkPolicyObject
)
PODS = Resource(plural="pods", versions=("/api/v1",), shape=Pod)
SERVICES = Resource(plural="services", versions=("/api/v1",), shape=Service)
INGRESSES = Resource(
    plural="ingresses",
    versions=("/apis/networking.k8s.io/v1", "/apis/networking.k8s.io/v1beta1", "/apis/extensions/v1beta1"),
    shape=Ingress,
    is_optional=True,
)
CRON_JOBS = Resource(
    plural="cronjobs", versions=("/apis/batch/v1", "/apis/batch/v1beta1"), shape=CronJob, is_optional=True
)
SERVICE_RANGES = Resource(
    plural="servicecidrs",
    versions=("/apis/networking.k8s.io/v1", "/apis/networking.k8s.io/v1beta1"),
    shape=ServiceCidr,
    is_namespaced=False,
    is_optional=True,
)
CONTROLLERS: tuple[tuple[str, Resource[Controller]], ...] = (
    ("ReplicaSet", Resource(plural="replicasets", versions=_APPS, shape=Controller)),
    ("Deployment", Resource(plural="deployments", versions=_APPS, shape=Controller)),
    ("StatefulSet", Resource(plural="statefulsets", versions=_APPS, shape=Controller)),
    ("DaemonSet", Resource(plural="daemonsets", versions=_APPS, shape=Controller)),
    ("Job", Resource(plural="jobs", versions=("/apis/batch/v1",), shape=Controller)),
)
"""Read after the pods, each before its own owners: an owner is older than what it owns, so no chain is torn."""


@dataclass(frozen=True, slots=True)
class _Unseen:
    """Namespaces in which one resource was refused."""

    plural: str
    namespaces: tuple[str, ...]
    is_all_known: bool
    """Whether the cluster said which namespaces there are."""


class KubernetesCollector:
    """Reads one context of a kubeconfig."""

    parallel = 3
    """Cells at once: enough to hide the network, few enough for a busy API server."""

    def __init__(
        self,
        source: KubernetesSource,
        *,
        base: Path,
        clock: Callable[[], datetime],
        label_keys: Collection[str],
        guard: Guard | None,
    ) -> None:
        self._source = source
        self._clock = clock
        self._label_keys = frozenset(label_keys)
        self._guard = guard
        self._cluster = KubernetesCluster(source, base=base, guard=guard)
        self._lock = threading.Lock()
        self._namespaces: tuple[dict[str, str], bool] | None = None

    @property
    def info(self) -> SourceInfo:
        """The source, as captures carry it."""
        return SourceInfo(
            name=self._cluster.name, type="kubernetes", is_platform=self._source.platform, zone=self._source.zone
        )

    def plan(self) -> Sequence[Cell]:
        """One cell for each kind, over the whole cluster."""
        return [Cell(self._cluster.name, SCOPE, kind) for kind in KINDS]

    def read(self, cell: Cell) -> Iterator[Said]:
        """What the cell holds.

        Raises:
            CollectorError: it could not be read to its end, or nothing of it may be read.
        """
        translate = Translator(
            source=self._cluster.name,
            zone=self._source.zone,
            is_platform=self._source.platform,
            observed_at=self._clock(),
        )
        match cell.kind:
            case "host":
                yield from self._readings((NODES, translate.host))
            case "tenant":
                yield from self._tenants(translate)
            case "workload":
                yield from self._readings(
                    (PODS, translate.pod),
                    *((resource, translate.controller(kind)) for kind, resource in CONTROLLERS),
                    (CRON_JOBS, translate.cron_job),
                )
            case "exposure":
                yield from self._readings((SERVICES, translate.service), (INGRESSES, translate.ingress))
            case "storage":
                known, _ = self._known_namespaces()
                yield from self._readings((VOLUMES, lambda volume: translate.volume(volume, known)))
            case "volume_claim":
                yield from self._readings((CLAIMS, translate.claim))
            case "storage_class":
                yield from self._readings((STORAGE_CLASSES, translate.storage_class))
            case "network_policy":
                yield from self._readings((NETWORK_POLICIES, translate.network_policy))
            case "quota":
                known, _ = self._known_namespaces()
                yield from self._readings((QUOTAS, lambda quota: translate.quota(quota, known)))
            case "segment":
                yield from self._readings((NODES, translate.pod_ranges), (SERVICE_RANGES, translate.service_ranges))
            case _:
                raise AssertionError(f"never planned: {cell}")

    def _readings(
        self, *parts: tuple[Resource[Any], Callable[[Any], Iterator[Reading | Incomplete]]]
    ) -> Iterator[Said]:
        """Each resource in turn. What RBAC refuses makes the cell incomplete; where it refuses all, it fails."""
        refused: dict[str, Forbidden] = {}
        unseen: list[_Unseen] = []
        for resource, translate in parts:
            try:
                for said in self._listed(resource):
                    match said:
                        case Incomplete():
                            yield said
                        case _Unseen():
                            unseen.append(said)
                        case _:
                            yield from translate(said)
            except Forbidden as error:
                refused[resource.plural] = error
        if refused:
            together = self._together(refused)
            if len(refused) == len(parts):
                raise together
            yield Incomplete(together.message, together.unseen)
        yield from self._say_unseen(unseen)

    def _together(self, refused: dict[str, Forbidden]) -> Forbidden:
        """One refusal as the API server said it, several in one sentence that names what they are of."""
        if len(refused) == 1:
            return next(iter(refused.values()))
        return Forbidden(
            msg(
                "{source}: RBAC refused {resources}; deploy/kubernetes/clusterrole.yaml holds the rights needed",
                source=self._cluster.name,
                resources=", ".join(refused),
            ),
            unseen=tuple(sorted({name for error in refused.values() for name in error.unseen})),
        )

    def _listed(self, resource: Resource[T]) -> Iterator[T | Incomplete | _Unseen]:
        """Every object of the resource that may be seen."""
        for version in resource.versions:
            found = 0
            try:
                for item in self._pages(f"{version}/{resource.plural}", resource):
                    found += 1
                    yield item
            except NotServed:
                if found:
                    raise
                continue
            except Forbidden as error:
                if found or not resource.is_namespaced:
                    raise
                yield from self._by_namespace(version, resource, error)
            return
        if not resource.is_optional:
            raise Unreadable(
                msg(
                    "{source}: the server does not serve {resource}: it is no Kubernetes API server, or a broken one",
                    source=self._cluster.name,
                    resource=resource.plural,
                )
            )
        self._check_not_served(resource)

    def _pages(self, path: str, resource: Resource[T]) -> Iterator[T | Incomplete]:
        for item in list_documents(self._cluster, path, resource.shape, page_size=self._source.page_size):
            if not isinstance(item, Incomplete):
                item.keep_annotations(self._label_keys)
            yield item

    def _by_namespace(
        self, version: str, resource: Resource[T], refusal: Forbidden
    ) -> Iterator[T | Incomplete | _Unseen]:
        known, is_all = self._known_namespaces()
        refused: list[str] = []
        allowed = 0
        for namespace in sorted(known):
            if self._guard is not None and self._guard.forbids(namespace):
                continue
            if not _DNS_LABEL.fullmatch(namespace):
                # No API server lets a namespace be called so: as a part of a path it could lead anywhere.
                refused.append(namespace)
                continue
            try:
                yield from self._pages(f"{version}/namespaces/{namespace}/{resource.plural}", resource)
                allowed += 1
            except Forbidden:
                refused.append(namespace)
        if not allowed:
            raise Forbidden(refusal.message, unseen=tuple(refused))
        if refused or not is_all:
            yield _Unseen(resource.plural, tuple(refused), is_all)

    def _say_unseen(self, unseen: list[_Unseen]) -> Iterator[Incomplete]:
        """One sentence for all resources that were refused in the same namespaces."""
        for namespaces, is_all in dict.fromkeys((u.namespaces, u.is_all_known) for u in unseen):
            plurals = ", ".join(u.plural for u in unseen if (u.namespaces, u.is_all_known) == (namespaces, is_all))
            reasons: list[Message] = []
            if namespaces:
                reasons.append(
                    msg(
                        "{source}: RBAC refused {resources} in {count} namespace(s)",
                        source=self._cluster.name,
                        resources=plurals,
                        count=len(namespaces),
                    )
                )
            if not is_all:
                reasons.append(
                    msg(
                        "{source}: {resources} were read in the namespace of the kubeconfig's context only; "
                        "which others there are may not be seen",
                        source=self._cluster.name,
                        resources=plurals,
                    )
                )
            yield Incomplete(reasons[0] if len(reasons) == 1 else msg("{reasons}", reasons=reasons), namespaces)

    def _tenants(self, translate: Translator) -> Iterator[Said]:
        try:
            yield from self._readings((NAMESPACES, translate.tenant))
        except Forbidden as refusal:
            own = self._own_namespace()
            if own is None:
                raise
            yield from translate.tenant(own)
            yield Incomplete(refusal.message)

    def _own_namespace(self) -> Namespace | None:
        """The namespace of the kubeconfig's context, where it may be read."""
        name = self._cluster.namespace
        if name is None or (self._guard is not None and self._guard.forbids(name)) or not _DNS_LABEL.fullmatch(name):
            return None
        path = f"/api/v1/namespaces/{name}"
        try:
            namespace = msgspec.json.decode(self._cluster.get(path), type=Namespace)
        except (Forbidden, NotServed):
            return None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Unreadable(
                msg("{source}: the answer to {path} is no namespace", source=self._cluster.name, path=shown(path))
            ) from error
        namespace.keep_annotations(self._label_keys)
        return namespace

    def _known_namespaces(self) -> tuple[dict[str, str], bool]:
        """Name to uid (empty where unknown) of the namespaces, and whether these are all that there are."""
        with self._lock:
            if self._namespaces is None:
                try:
                    listed = list(self._pages("/api/v1/namespaces", NAMESPACES))
                    found = {n.metadata.name: n.metadata.uid for n in listed if not isinstance(n, Incomplete)}
                    self._namespaces = found, len(found) == len(listed)
                except Forbidden:
                    name = self._cluster.namespace
                    own = self._own_namespace()
                    self._namespaces = ({name: own.metadata.uid if own else ""} if name else {}), False
            return self._namespaces

    def _check_not_served(self, resource: Resource[Any]) -> None:
        """That "not found" means that there are none: by discovery, no version of the API has such a resource."""
        self._check_is_kubernetes()
        for version in resource.versions:
            if resource.plural in self._served(version):
                raise Unreadable(
                    msg(
                        "{source}: the server says that it serves {resource} and does not find it: a broken server, "
                        "or something on the way that leaves it out",
                        source=self._cluster.name,
                        resource=resource.plural,
                    )
                )

    def _served(self, version: str) -> frozenset[str]:
        """The resources that a version of the API lists in its discovery document; none where it is not served."""
        try:
            listed = msgspec.json.decode(self._cluster.get(version), type=_Resources)
        except (NotServed, Forbidden):
            return frozenset()
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Unreadable(
                msg("{source}: the answers are not those of a Kubernetes API server", source=self._cluster.name)
            ) from error
        return frozenset(resource.name for resource in listed.resources)

    def _check_is_kubernetes(self) -> None:
        """That "not found" came from a Kubernetes API server: a proxy's 404 does not mean that there are none."""
        try:
            groups = msgspec.json.decode(self._cluster.get("/apis"), type=_Kind)
        except (NotServed, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            groups = _Kind()
        except Forbidden:
            return  # whoever answers so speaks for RBAC
        if groups.kind != "APIGroupList":
            raise Unreadable(
                msg("{source}: the answers are not those of a Kubernetes API server", source=self._cluster.name)
            )


class _Kind(msgspec.Struct):
    kind: str = ""


class _Resource(msgspec.Struct):
    name: str = ""


class _Resources(msgspec.Struct):
    """APIResourceList of meta/v1."""

    resources: list[_Resource] = []


def kubernetes_collectors(
    source: KubernetesSource,
    *,
    base: Path,
    clock: Callable[[], datetime],
    label_keys: Collection[str] | None = None,
    guard: Guard | None = None,
) -> list[Collector]:
    """The one collector of a cluster; touches neither the network nor the kubeconfig.

    `label_keys` are the annotations that say whose something is (default: those of yunhe.toml's defaults); `guard` is
    asked before the API server's name is resolved and before a namespace is asked for by name.
    """
    keys = OwnershipRules().label_keys if label_keys is None else label_keys
    return [KubernetesCollector(source, base=base, clock=clock, label_keys=keys, guard=guard)]
