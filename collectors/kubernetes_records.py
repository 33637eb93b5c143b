"""What Kubernetes objects mean in our vocabulary: pure translation, one method for each kind of object."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from netaddr import AddrFormatError, IPNetwork

from collectors.collector import Reading
from collectors.errors import Unreadable
from collectors.kubernetes_objects import (
    Address,
    Controller,
    CronJob,
    Document,
    Ingress,
    Ingressed,
    LoadBalanced,
    Metadata,
    Namespace,
    Node,
    PersistentVolume,
    PersistentVolumeSpec,
    Pod,
    PodTemplate,
    Service,
    ServiceCidr,
)
from inventory.records import Exposure, HostSighting, Nic, Record, Segment, Storage, Tenant, View, Workload
from inventory.text import msg

_MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
"""Go's words for what `uname -m` and every other source call otherwise."""

_QUANTITY = re.compile(r"([0-9]{1,30}(?:\.[0-9]{0,30})?)(?:[eE]([+-]?[0-9]{1,2})|(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei))?")
_SUFFIXES = {
    "m": Decimal("0.001"),
    **{letter: Decimal(1000) ** power for power, letter in enumerate("kMGTPE", 1)},
    **{f"{letter}i": Decimal(1024) ** power for power, letter in enumerate("KMGTPE", 1)},
}


def quantity(text: str | int | None) -> int | None:
    """A Kubernetes quantity in whole base units (`16Gi`, `7910m`, `1e3`), rounded down; None where it is not one."""
    match = _QUANTITY.fullmatch(str(text)) if text is not None else None
    if match is None:
        return None
    number, exponent, suffix = match.groups()
    value = Decimal(number) * Decimal(10) ** int(exponent or 0) * _SUFFIXES.get(suffix or "", Decimal(1))
    return int(value)


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
        addresses = [ip.ip for ip in pod.status.pod_ips or ()] or [pod.status.pod_ip]
        containers = [*(pod.spec.init_containers or ()), *(pod.spec.containers or ())]
        if pod.spec.volumes:
            # Empty husks of ConfigMaps, Secrets and the like say nothing.
            pod.spec.volumes = [v for v in pod.spec.volumes if v.nfs or v.iscsi] or None
        yield self._workload(
            pod,
            "Pod",
            node=pod.spec.node_name or None,
            images=(c.image for c in containers),
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
            yield self._workload(controller, kind, images=_template_images(controller.spec.template), replicas=replicas)

        return translate

    def cron_job(self, job: CronJob) -> Iterator[Reading]:
        """A CronJob."""
        yield self._workload(job, "CronJob", images=_template_images(job.spec.job_template.spec.template))

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
                status=volume.status.phase or None,
            ),
        )

    def pod_ranges(self, node: Node) -> Iterator[Reading]:
        """The pod ranges that the cluster gave to a node."""
        for text in node.spec.pod_cidrs or [node.spec.pod_cidr]:
            if text:
                # Without the node's status: another cell keeps that.
                raw: dict[str, object] = {
                    "metadata": {"name": node.metadata.name, "uid": node.metadata.uid},
                    "spec": {"podCIDRs": node.spec.pod_cidrs or [text]},
                }
                segment = self._segment(text, f"pod:{node.metadata.uid}", "pod", node.metadata.name)
                yield Reading(segment, raw)

    def service_ranges(self, ranges: ServiceCidr) -> Iterator[Reading]:
        """The ranges that Services take their addresses from."""
        for text in ranges.spec.cidrs or ():
            segment = self._segment(text, f"service:{ranges.metadata.uid}", "service", ranges.metadata.name)
            yield self._reading(ranges, segment)

    def _segment(self, text: str, native_id: str, purpose: str, name: str) -> Segment:
        try:
            cidr = str(IPNetwork(text).cidr)
        except (AddrFormatError, ValueError) as error:
            raise Unreadable(
                msg("{source}: a {purpose} range is no CIDR", source=self.source, purpose=purpose)
            ) from error
        return Segment(
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

    def _workload(
        self,
        document: Document,
        kind: str,
        *,
        images: Iterable[str],
        node: str | None = None,
        replicas: int | None = None,
        addresses: tuple[str, ...] = (),
    ) -> Reading:
        metadata = document.metadata
        labels, _ = owner_words(metadata)
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
                owner_uid=_owner(metadata),
                images=tuple(sorted({i for i in images if i})),
                replicas=replicas,
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
        return Reading(record, document.raw())


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
    return next((text for text in _origins(spec) if text), None)


def _origins(spec: PersistentVolumeSpec) -> Iterator[str]:
    """At most one in a valid object: the API allows one kind of volume source."""
    if spec.nfs:
        yield f"{spec.nfs.server}:{spec.nfs.path}"
    if spec.iscsi:
        yield f"iscsi://{spec.iscsi.target_portal}/{spec.iscsi.iqn}/{spec.iscsi.lun or 0}"
    if spec.fc:
        yield f"fc://{','.join(spec.fc.target_wwns or spec.fc.wwids or ())}/{spec.fc.lun or 0}"
    if spec.csi:
        attributes = spec.csi.volume_attributes
        if attributes and attributes.server:
            yield f"{attributes.server}:{attributes.share}"
        yield f"csi://{spec.csi.driver}/{spec.csi.volume_handle}"
    if spec.cinder:
        yield f"cinder://{spec.cinder.volume_id}"
    if spec.glusterfs:
        yield f"glusterfs://{spec.glusterfs.endpoints}/{spec.glusterfs.path}"
    for ceph in filter(None, (spec.cephfs, spec.rbd)):
        yield f"ceph://{','.join(ceph.monitors or ())}/{ceph.path.strip('/') or f'{ceph.pool}/{ceph.image}'}"
    for place in filter(None, (spec.local, spec.host_path)):
        yield f"file://{place.path}"


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


def _template_images(template: PodTemplate | None) -> Iterator[str]:
    if template is not None:
        for container in (*(template.spec.init_containers or ()), *(template.spec.containers or ())):
            yield container.image


def _ingressed(status: LoadBalanced) -> Iterable[Ingressed]:
    return (status.load_balancer.ingress if status.load_balancer else None) or ()
