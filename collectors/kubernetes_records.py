"""What Kubernetes objects mean in our vocabulary: pure translation, one method for each kind of object."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from netaddr import AddrFormatError, IPNetwork

from collectors.collector import Incomplete, Reading
from collectors.kubernetes_objects import (
    Address,
    ContainerStatus,
    Controller,
    CronJob,
    Document,
    Ingress,
    Ingressed,
    LoadBalanced,
    Metadata,
    Namespace,
    NetworkPolicyObject,
    Node,
    PersistentVolume,
    PersistentVolumeClaim,
    PersistentVolumeSpec,
    Pod,
    PodSpec,
    PodStatus,
    PodTemplate,
    PolicyPeer,
    Quantity,
    ResourceQuota,
    Service,
    ServiceCidr,
    StorageClassObject,
    VolumeSources,
)
from collectors.kubernetes_quantities import quantity, requested, thousandths
from inventory.records import (
    Exposure,
    HostSighting,
    Mount,
    NetworkPolicy,
    Nic,
    Quota,
    Record,
    Segment,
    Storage,
    StorageClass,
    Tenant,
    View,
    VolumeClaim,
    Workload,
)
from inventory.text import msg

_MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
"""Go's words for what `uname -m` and every other source call otherwise."""

_DIGEST = re.compile(r"(?:[^@\s]{1,512}@)?sha(?:256|512):[0-9a-f]{64,128}")
EVERYBODY = "*"
"""Peers of a network policy's rule that names none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Translator:
    """Knows what all records of one reading have in common."""

    source: str
    zone: str | None
    is_platform: bool
    observed_at: datetime

    def host(self, node: Node) -> Iterator[Reading]:
        """A node 节点. Not when it was made: a node object is as old as the node's last joining, the machine older."""
        info, capacity = node.status.node_info, node.status.capacity or {}
        allocatable = node.status.allocatable or {}
        labels, tags = owner_words(node.metadata)
        architecture = (info.architecture if info else "") or None
        yield self._reading(
            node,
            HostSighting(
                source=self.source,
                native_id=node.metadata.uid,
                observed_at=self.observed_at,
                view=View.NODE,
                name=node.metadata.name,
                uuid=(info.system_uuid.lower() if info else "") or None,
                machine_id=(info.machine_id if info else "") or None,
                provider_id=node.spec.provider_id or None,
                zone=self.zone,
                nics=_nics(node.status.addresses or ()),
                status=_readiness(node),
                os_name=(info.os_image if info else "") or None,
                arch=_MACHINES.get(architecture, architecture) if architecture else None,
                vcpus=quantity(capacity.get("cpu")),
                memory_bytes=quantity(capacity.get("memory")),
                allocatable_millicores=thousandths(allocatable.get("cpu")),
                allocatable_bytes=quantity(allocatable.get("memory")),
                labels=labels,
                tags=tags,
            ),
        )

    def tenant(self, namespace: Namespace) -> Iterator[Reading]:
        """A namespace 命名空间."""
        labels, tags = owner_words(namespace.metadata)
        yield self._reading(
            namespace,
            Tenant(
                source=self.source,
                native_id=namespace.metadata.uid,
                observed_at=self.observed_at,
                name=namespace.metadata.name,
                is_enabled=namespace.status.phase == "Active" if namespace.status.phase else None,
                labels=labels,
                tags=tags,
            ),
        )

    def pod(self, pod: Pod) -> Iterator[Reading]:
        """A pod, with the node that it is bound to."""
        spec, status = pod.spec, pod.status
        addresses = [ip.ip for ip in status.pod_ips or ()] or [status.pod_ip]
        cpu, memory = requested(spec)
        yield self._workload(
            pod,
            "Pod",
            spec,
            node=spec.node_name or None,
            phase=status.phase or None,
            image_digests=_digests(status),
            cpu_millicores=cpu,
            memory_bytes=memory,
            addresses=tuple(sorted(filter(None, addresses))),
        )

    def controller(self, kind: str) -> Callable[[Controller], Iterator[Reading]]:
        """The translation of Deployments, ReplicaSets, StatefulSets, DaemonSets or Jobs."""

        def translate(controller: Controller) -> Iterator[Reading]:
            replicas = controller.spec.replicas
            if kind == "ReplicaSet" and _owner(controller.metadata) and not replicas and not controller.status.replicas:
                return  # what a Deployment keeps for rolling back: it runs nothing
            if kind == "Job":
                replicas = controller.spec.parallelism
            if kind == "DaemonSet":
                replicas = controller.status.desired_number_scheduled
            yield self._workload(controller, kind, _pod_spec(controller.spec.template), replicas=replicas)

        return translate

    def cron_job(self, job: CronJob) -> Iterator[Reading]:
        """A CronJob."""
        yield self._workload(job, "CronJob", _pod_spec(job.spec.job_template.spec.template))

    def service(self, service: Service) -> Iterator[Reading]:
        """A Service, whatever its type (the raw document says which)."""
        spec = service.spec
        addresses = [*(spec.cluster_ips or [spec.cluster_ip]), *(spec.external_ips or ())]
        yield self._exposure(
            service,
            "Service",
            addresses=[*(a for a in addresses if a != "None"), *(i.ip for i in _ingressed(service.status))],
            hostnames=[spec.external_name, *(i.hostname for i in _ingressed(service.status))],
            ports={p.port for p in spec.ports or ()},
            selector=spec.selector or {},
        )

    def ingress(self, ingress: Ingress) -> Iterator[Reading]:
        """An Ingress: port 80, and 443 where it names TLS."""
        spec = ingress.spec
        hosts = [r.host for r in spec.rules or ()] + [h for t in spec.tls or () for h in t.hosts or ()]
        yield self._exposure(
            ingress,
            "Ingress",
            addresses=[i.ip for i in _ingressed(ingress.status)],
            hostnames=[*hosts, *(i.hostname for i in _ingressed(ingress.status))],
            ports={80, 443} if spec.tls else {80},
            selector={},
        )

    def volume(self, volume: PersistentVolume, namespaces: Mapping[str, str]) -> Iterator[Reading]:
        """A persistent volume 持久卷. Its age says nothing of the storage's: an old NAS is entered as a new object."""
        claim = volume.spec.claim_ref
        yield self._reading(
            volume,
            Storage(
                source=self.source,
                native_id=volume.metadata.uid,
                observed_at=self.observed_at,
                name=volume.metadata.name,
                storage_kind="persistent_volume",
                tenant=namespaces.get(claim.namespace) or None if claim else None,
                size_bytes=quantity((volume.spec.capacity or {}).get("storage")),
                origin=origin(volume.spec),
                storage_class=volume.spec.storage_class_name or None,
                status=volume.status.phase or None,
            ),
        )

    def claim(self, claim: PersistentVolumeClaim) -> Iterator[Reading]:
        """A persistent volume claim 存储声明."""
        spec, metadata = claim.spec, claim.metadata
        labels, _ = owner_words(metadata)
        yield self._reading(
            claim,
            VolumeClaim(
                source=self.source,
                native_id=metadata.uid,
                observed_at=self.observed_at,
                namespace=metadata.namespace,
                name=metadata.name,
                volume=spec.volume_name or None,
                storage_class=spec.storage_class_name or None,
                requested_bytes=_amount(spec.resources.requests if spec.resources else None, "storage"),
                capacity_bytes=_amount(claim.status.capacity, "storage"),
                status=claim.status.phase or None,
                labels=labels,
            ),
        )

    def storage_class(self, made: StorageClassObject) -> Iterator[Reading]:
        """A storage class 存储类."""
        parameters = made.parameters
        server = parameters.server if parameters else ""
        yield self._reading(
            made,
            StorageClass(
                source=self.source,
                native_id=made.metadata.uid,
                observed_at=self.observed_at,
                name=made.metadata.name,
                provisioner=made.provisioner,
                origin=f"{server}:{parameters.share or parameters.path}" if parameters and server else None,
            ),
        )

    def network_policy(self, policy: NetworkPolicyObject) -> Iterator[Reading]:
        """A network policy 网络策略."""
        spec = policy.spec
        yield self._reading(
            policy,
            NetworkPolicy(
                source=self.source,
                native_id=policy.metadata.uid,
                observed_at=self.observed_at,
                namespace=policy.metadata.namespace,
                name=policy.metadata.name,
                selector=(spec.pod_selector.match_labels if spec.pod_selector else None) or {},
                directions=tuple(sorted(set(spec.policy_types or ()))),
                allowed_from=_peers(rule.sources for rule in spec.ingress or ()),
                allowed_to=_peers(rule.destinations for rule in spec.egress or ()),
            ),
        )

    def quota(self, quota: ResourceQuota, namespaces: Mapping[str, str]) -> Iterator[Reading]:
        """A resource quota 配额: what holds by its status; by its specification where no controller has looked yet."""
        status = quota.status
        yield self._reading(
            quota,
            Quota(
                source=self.source,
                native_id=quota.metadata.uid,
                observed_at=self.observed_at,
                name=quota.metadata.name,
                tenant=namespaces.get(quota.metadata.namespace) or None,
                limits=_amounts(status.hard if status.hard is not None else quota.spec.hard),
                used=_amounts(status.used),
            ),
        )

    def pod_ranges(self, node: Node) -> Iterator[Reading | Incomplete]:
        """The pod ranges that the cluster gave to a node."""
        # Without the node's status: another cell keeps that.
        raw: dict[str, object] = {
            "metadata": {"name": node.metadata.name, "uid": node.metadata.uid},
            "spec": {"podCIDRs": node.spec.pod_cidrs or [node.spec.pod_cidr]},
        }
        for text in node.spec.pod_cidrs or [node.spec.pod_cidr]:
            if text:
                yield self._segment(text, f"pod:{node.metadata.uid}", "pod", node.metadata.name, raw)

    def service_ranges(self, ranges: ServiceCidr) -> Iterator[Reading | Incomplete]:
        """The ranges that Services take their addresses from."""
        for text in ranges.spec.cidrs or ():
            yield self._segment(text, f"service:{ranges.metadata.uid}", "service", ranges.metadata.name, ranges)

    def _segment(
        self, text: str, native_id: str, purpose: str, name: str, raw: Mapping[str, object] | Document
    ) -> Reading | Incomplete:
        try:
            cidr = str(IPNetwork(text).cidr)
        except (AddrFormatError, ValueError):
            return Incomplete(msg("{source}: a {purpose} range is no CIDR", source=self.source, purpose=purpose))
        segment = Segment(
            source=self.source,
            native_id=f"{native_id}:{cidr}",
            observed_at=self.observed_at,
            cidr=cidr,
            # Every cluster may use the same ranges: they hold inside it only.
            domain=self.source,
            name=name,
            purpose=purpose,
            is_cloud=True if self.is_platform else None,
        )
        return Reading(segment, raw)

    def _workload(
        self,
        document: Document,
        kind: str,
        spec: PodSpec | None,
        *,
        node: str | None = None,
        phase: str | None = None,
        image_digests: tuple[str, ...] = (),
        replicas: int | None = None,
        cpu_millicores: int | None = None,
        memory_bytes: int | None = None,
        addresses: tuple[str, ...] = (),
    ) -> Reading:
        metadata = document.metadata
        labels, _ = owner_words(metadata)
        mounts, claims = _volumes(spec) if spec is not None and spec.volumes else ((), ())
        return self._reading(
            document,
            Workload(
                source=self.source,
                native_id=metadata.uid,
                observed_at=self.observed_at,
                workload_kind=kind,
                namespace=metadata.namespace,
                name=metadata.name,
                node=node,
                phase=phase,
                owner_uid=_owner(metadata),
                images=_images(spec) if spec is not None else (),
                image_digests=image_digests,
                replicas=replicas,
                cpu_millicores=cpu_millicores,
                memory_bytes=memory_bytes,
                mounts=mounts,
                claims=claims,
                addresses=addresses,
                labels=labels,
            ),
        )

    def _exposure(
        self,
        document: Document,
        kind: str,
        *,
        addresses: Iterable[str],
        hostnames: Iterable[str],
        ports: set[int],
        selector: dict[str, str],
    ) -> Reading:
        return self._reading(
            document,
            Exposure(
                source=self.source,
                native_id=document.metadata.uid,
                observed_at=self.observed_at,
                exposure_kind=kind,
                namespace=document.metadata.namespace,
                name=document.metadata.name,
                addresses=tuple(sorted({a for a in addresses if a})),
                hostnames=tuple(sorted({h for h in hostnames if h})),
                ports=tuple(sorted(ports)),
                selector=selector,
            ),
        )

    @staticmethod
    def _reading(document: Document, record: Record) -> Reading:
        return Reading(record, document)


def owner_words(metadata: Metadata) -> tuple[dict[str, str], tuple[str, ...]]:
    """The labels, joined by the kept annotations; an annotation that contradicts a label of its key becomes a tag.

    Both words are kept, so that their disagreement can be seen.
    """
    labels = dict(metadata.labels or {})
    tags = []
    for key, value in sorted((metadata.annotations or {}).items()):
        if labels.setdefault(key, value) != value:
            tags.append(f"{key}={value}")
    return labels, tuple(tags)


def origin(spec: PersistentVolumeSpec) -> str | None:
    """Where a persistent volume really lives: `server:/export` for NFS, else `scheme://…`; None where it says nothing.

    `csi://driver/handle` with Cinder's driver names a Cinder volume by its id.
    """
    for _, text in _origins(spec):
        return text
    for place in filter(None, (spec.local, spec.host_path)):
        return f"file://{place.path}"
    return None


def _origins(volume: VolumeSources) -> Iterator[tuple[str, str]]:
    """Kind and place; at most one in a valid object: the API allows one kind of volume source."""
    if volume.nfs:
        yield "nfs", f"{volume.nfs.server}:{volume.nfs.path}"
    if volume.iscsi:
        yield "iscsi", f"iscsi://{volume.iscsi.target_portal}/{volume.iscsi.iqn}/{volume.iscsi.lun or 0}"
    if volume.fc:
        yield "fc", f"fc://{','.join(volume.fc.target_wwns or volume.fc.wwids or ())}/{volume.fc.lun or 0}"
    if volume.csi:
        attributes = volume.csi.volume_attributes
        if attributes and attributes.server:
            yield volume.csi.driver, f"{attributes.server}:{attributes.share}"
        elif volume.csi.volume_handle:  # a pod's own has none: what its driver fills in belongs to no other machine
            yield volume.csi.driver, f"csi://{volume.csi.driver}/{volume.csi.volume_handle}"
    if volume.cinder:
        yield "cinder", f"cinder://{volume.cinder.volume_id}"
    if volume.glusterfs:
        yield "glusterfs", f"glusterfs://{volume.glusterfs.endpoints}/{volume.glusterfs.path}"
    for kind, ceph in (("cephfs", volume.cephfs), ("rbd", volume.rbd)):
        if ceph:
            place = ceph.path.strip("/") or f"{ceph.pool}/{ceph.image}"
            yield kind, f"ceph://{','.join(ceph.monitors or ())}/{place}"


def _volumes(spec: PodSpec) -> tuple[tuple[Mount, ...], tuple[str, ...]]:
    """What comes from other machines, and the claims; empty husks of Secrets and the like are dropped."""
    mounts: list[Mount] = []
    claims: set[str] = set()
    kept = []
    for volume in spec.volumes or ():
        found = [Mount(target=volume.name, fstype=kind, origin=place) for kind, place in _origins(volume)]
        claim = volume.persistent_volume_claim
        if claim is not None and claim.claim_name:
            claims.add(claim.claim_name)
            kept.append(volume)
        elif found:
            kept.append(volume)
        mounts += found
    spec.volumes = kept or None
    return tuple(mounts), tuple(sorted(claims))


def _images(spec: PodSpec) -> tuple[str, ...]:
    """Of all containers, those that were added to a running pod included."""
    containers = spec.containers or []
    if spec.init_containers or spec.ephemeral_containers or len(containers) != 1:
        containers = [*containers, *(spec.init_containers or ()), *(spec.ephemeral_containers or ())]
        return tuple(sorted({c.image for c in containers if c.image}))
    return (containers[0].image,) if containers[0].image else ()


def _digests(status: PodStatus) -> tuple[str, ...]:
    statuses: Iterable[ContainerStatus] = status.container_statuses or ()
    if status.init_container_statuses:
        statuses = [*statuses, *status.init_container_statuses]
    return tuple(sorted({digest for s in statuses if (digest := image_digest(s.image_id))}))


def image_digest(image_id: str) -> str | None:
    """`registry/name@sha256:…`, or `sha256:…` of an image that came from no registry; None for anything else.

    Docker's shim wrote `docker-pullable://` and `docker://` before it, containerd and CRI-O write nothing.
    """
    return _image_digest(image_id) if len(image_id) <= 1024 else None


@lru_cache(4096)
def _image_digest(image_id: str) -> str | None:
    text = image_id.rpartition("://")[2]
    return text if _DIGEST.fullmatch(text) else None


def _amount(amounts: Mapping[str, Quantity] | None, name: str) -> int | None:
    return quantity((amounts or {}).get(name))


def _amounts(amounts: Mapping[str, Quantity] | None) -> dict[str, int]:
    """Of a quota, CPU in thousandths of a core; what is no quantity stays in the raw document alone."""
    found = {}
    for name, text in (amounts or {}).items():
        amount = (thousandths if name.rpartition(".")[2] == "cpu" else quantity)(text)
        if amount is not None:
            found[name] = amount
    return found


def _peers(rules: Iterable[list[PolicyPeer] | None]) -> tuple[str, ...]:
    """CIDRs of the rules' peers; a rule that names no peer is about everybody."""
    found: set[str] = set()
    for peers in rules:
        found.update(p.ip_block.cidr for p in peers or () if p.ip_block and p.ip_block.cidr)
        if not peers:
            found.add(EVERYBODY)
    return tuple(sorted(found))


def _nics(addresses: Iterable[Address]) -> tuple[Nic, ...]:
    """The node's own addresses. Not ExternalIP: it stands on the far side of a NAT, in another zone."""
    internal = tuple(sorted(a.address for a in addresses if a.type == "InternalIP"))
    return (Nic(addresses=internal),) if internal else ()


def _readiness(node: Node) -> str | None:
    ready = next((c.status for c in node.status.conditions or () if c.type == "Ready"), None)
    return {"True": "Ready", "False": "NotReady", None: None}.get(ready, "Unknown")


def _owner(metadata: Metadata) -> str | None:
    """Uid of the controller; Kubernetes allows one at most."""
    return next((r.uid for r in metadata.owner_references or () if r.controller), None)


def _pod_spec(template: PodTemplate | None) -> PodSpec | None:
    return template.spec if template is not None else None


def _ingressed(status: LoadBalanced) -> Iterable[Ingressed]:
    return (status.load_balancer.ingress if status.load_balancer else None) or ()
