"""The fields of Kubernetes objects that are ever looked at: these types are the allow-list.

Whatever is not named here is dropped while the bytes are decoded: environment variables, commands and arguments,
managed fields, secret references and volume attributes never become values of this program. Annotations are read, and
cut down to the keys that say whose something is before anything else sees the object (`Document.keep_annotations`).
Names are the API's own: https://kubernetes.io/docs/reference/kubernetes-api/. So are the limits: an object whose
name is none that the API lets names be comes from no API server, and is unreadable.
"""

from collections.abc import Collection
from typing import Annotated

import msgspec

_SUBDOMAIN = r"^[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?\Z"
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=253, pattern=_SUBDOMAIN)]
"""An object's name: of every kind that is listed here a DNS subdomain (RFC 1123), so nothing that could steer a
terminal or a path.
"""
NamespaceName = Annotated[str, msgspec.Meta(max_length=63, pattern=r"^(?:[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)?\Z")]
"""A namespace's name, a DNS label; empty where the object is the cluster's."""
Uid = Annotated[str, msgspec.Meta(min_length=1, max_length=128, pattern=r"^[!-~]+\Z")]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
PortNumber = Annotated[int, msgspec.Meta(ge=0, le=65535)]
Quantity = str | int
"""`500m`, `16Gi`: `collectors.kubernetes_quantities` reads it."""


class _Part(msgspec.Struct, kw_only=True, omit_defaults=True, rename="camel", gc=False):
    """Go leaves out what is empty, or writes null: every field but an object's name and uid may be missing.

    A tree, never a circle: there is nothing in it for the garbage collector, which would walk through all of a listing.
    """


class OwnerReference(_Part):
    uid: Uid
    kind: str = ""
    controller: bool | None = None


class Metadata(_Part):
    name: Name
    uid: Uid
    namespace: NamespaceName = ""
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    owner_references: list[OwnerReference] | None = None
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None


class Document(_Part):
    """Any object."""

    metadata: Metadata

    def keep_annotations(self, keys: Collection[str]) -> None:
        """Drops every annotation but these: `last-applied-configuration` repeats the whole object, secrets included."""
        annotations = self.metadata.annotations or {}
        self.metadata.annotations = {k: v for k, v in annotations.items() if k in keys} or None


# ── nodes, namespaces ────────────────────────────────────────────────────────────────────────────────────────────────


class Address(_Part):
    type: str
    address: str


class NodeInfo(_Part):
    system_uuid: str = msgspec.field(default="", name="systemUUID")
    machine_id: str = msgspec.field(default="", name="machineID")
    architecture: str = ""
    os_image: str = ""
    operating_system: str = ""
    kernel_version: str = ""
    kubelet_version: str = ""
    container_runtime_version: str = ""


class Condition(_Part):
    type: str
    status: str = ""


class NodeSpec(_Part):
    provider_id: str = msgspec.field(default="", name="providerID")
    pod_cidr: str = msgspec.field(default="", name="podCIDR")
    pod_cidrs: list[str] | None = msgspec.field(default=None, name="podCIDRs")
    unschedulable: bool | None = None


class NodeStatus(_Part):
    addresses: list[Address] | None = None
    allocatable: dict[str, Quantity] | None = None
    capacity: dict[str, Quantity] | None = None
    conditions: list[Condition] | None = None
    node_info: NodeInfo | None = None


class Node(Document):
    spec: NodeSpec = msgspec.field(default_factory=NodeSpec)
    status: NodeStatus = msgspec.field(default_factory=NodeStatus)


class Phase(_Part):
    phase: str = ""


class Namespace(Document):
    status: Phase = msgspec.field(default_factory=Phase)


# ── workloads ────────────────────────────────────────────────────────────────────────────────────────────────────────


class Requests(_Part):
    """What the scheduler sets aside."""

    cpu: Quantity | None = None
    memory: Quantity | None = None


class Resources(_Part):
    requests: Requests | None = None


class Container(_Part):
    name: str = ""
    image: str = ""
    restart_policy: str = ""
    """`Always` of an init container: it goes on beside the others."""
    resources: Resources | None = None


class NfsVolume(_Part):
    server: str = ""
    path: str = ""


class IscsiVolume(_Part):
    target_portal: str = ""
    iqn: str = ""
    lun: Count | None = None


class FibreChannelVolume(_Part):
    target_wwns: list[str] | None = msgspec.field(default=None, name="targetWWNs")
    wwids: list[str] | None = None
    lun: Count | None = None


class CsiAttributes(_Part):
    """Of `volumeAttributes`, which hold whatever a driver likes, only what NFS drivers call their origin."""

    server: str = ""
    share: str = ""


class CsiVolume(_Part):
    driver: str = ""
    volume_handle: str = ""
    volume_attributes: CsiAttributes | None = None


class CephVolume(_Part):
    monitors: list[str] | None = None
    path: str = ""
    pool: str = ""
    image: str = ""


class GlusterVolume(_Part):
    endpoints: str = ""
    path: str = ""


class CinderVolume(_Part):
    volume_id: str = msgspec.field(default="", name="volumeID")


class VolumeSources(_Part):
    """Where a volume comes from, as far as it may be another machine; one of them in a valid object."""

    nfs: NfsVolume | None = None
    iscsi: IscsiVolume | None = None
    fc: FibreChannelVolume | None = None
    csi: CsiVolume | None = None
    cephfs: CephVolume | None = None
    rbd: CephVolume | None = None
    glusterfs: GlusterVolume | None = None
    cinder: CinderVolume | None = None


class ClaimSource(_Part):
    claim_name: str = ""


class PodVolume(VolumeSources):
    """Without what a Secret, a ConfigMap or the node fills."""

    name: str = ""
    persistent_volume_claim: ClaimSource | None = None


class PodSpec(_Part):
    node_name: str = ""
    host_network: bool | None = None
    containers: list[Container] | None = None
    init_containers: list[Container] | None = None
    ephemeral_containers: list[Container] | None = None
    volumes: list[PodVolume] | None = None
    overhead: Requests | None = None
    resources: Resources | None = None
    """Of the whole pod, from 1.32 on."""


class PodIP(_Part):
    ip: str = ""


class ContainerStatus(_Part):
    image_id: str = msgspec.field(default="", name="imageID")


class PodStatus(_Part):
    phase: str = ""
    pod_ip: str = msgspec.field(default="", name="podIP")
    pod_ips: list[PodIP] | None = msgspec.field(default=None, name="podIPs")
    container_statuses: list[ContainerStatus] | None = None
    init_container_statuses: list[ContainerStatus] | None = None


class Pod(Document):
    spec: PodSpec = msgspec.field(default_factory=PodSpec)
    status: PodStatus = msgspec.field(default_factory=PodStatus)


class PodTemplate(_Part):
    spec: PodSpec = msgspec.field(default_factory=PodSpec)


class ControllerSpec(_Part):
    replicas: Count | None = None
    parallelism: Count | None = None
    suspend: bool | None = None
    template: PodTemplate | None = None


class ControllerStatus(_Part):
    replicas: Count | None = None
    desired_number_scheduled: Count | None = None


class Controller(Document):
    """Deployment, ReplicaSet, StatefulSet, DaemonSet or Job."""

    spec: ControllerSpec = msgspec.field(default_factory=ControllerSpec)
    status: ControllerStatus = msgspec.field(default_factory=ControllerStatus)


class JobTemplate(_Part):
    spec: ControllerSpec = msgspec.field(default_factory=ControllerSpec)


class CronJobSpec(_Part):
    schedule: str = ""
    suspend: bool | None = None
    job_template: JobTemplate = msgspec.field(default_factory=JobTemplate)


class CronJob(Document):
    spec: CronJobSpec = msgspec.field(default_factory=CronJobSpec)


# ── exposure ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class ServicePort(_Part):
    port: PortNumber
    protocol: str = ""
    node_port: PortNumber | None = None


class ServiceSpec(_Part):
    type: str = ""
    cluster_ip: str = msgspec.field(default="", name="clusterIP")
    cluster_ips: list[str] | None = msgspec.field(default=None, name="clusterIPs")
    external_ips: list[str] | None = msgspec.field(default=None, name="externalIPs")
    external_name: str = ""
    ports: list[ServicePort] | None = None
    selector: dict[str, str] | None = None


class Ingressed(_Part):
    ip: str = ""
    hostname: str = ""


class LoadBalancer(_Part):
    ingress: list[Ingressed] | None = None


class LoadBalanced(_Part):
    load_balancer: LoadBalancer | None = None


class Service(Document):
    spec: ServiceSpec = msgspec.field(default_factory=ServiceSpec)
    status: LoadBalanced = msgspec.field(default_factory=LoadBalanced)


class IngressRule(_Part):
    host: str = ""


class IngressTls(_Part):
    """Without `secretName`."""

    hosts: list[str] | None = None


class IngressSpec(_Part):
    ingress_class_name: str = ""
    rules: list[IngressRule] | None = None
    tls: list[IngressTls] | None = None


class Ingress(Document):
    spec: IngressSpec = msgspec.field(default_factory=IngressSpec)
    status: LoadBalanced = msgspec.field(default_factory=LoadBalanced)


class IpBlock(_Part):
    cidr: str = ""
    # `except` is a word of Python's.
    excluded: list[str] | None = msgspec.field(default=None, name="except")


class Selector(_Part):
    match_labels: dict[str, str] | None = None


class PolicyPeer(_Part):
    ip_block: IpBlock | None = None
    namespace_selector: Selector | None = None
    pod_selector: Selector | None = None


class PolicyRule(_Part):
    """Of either direction: `from` is read where traffic comes in, `to` where it goes out."""

    sources: list[PolicyPeer] | None = msgspec.field(default=None, name="from")
    destinations: list[PolicyPeer] | None = msgspec.field(default=None, name="to")


class NetworkPolicySpec(_Part):
    pod_selector: Selector | None = None
    policy_types: list[str] | None = None
    ingress: list[PolicyRule] | None = None
    egress: list[PolicyRule] | None = None


class NetworkPolicyObject(Document):
    spec: NetworkPolicySpec = msgspec.field(default_factory=NetworkPolicySpec)


# ── storage ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class PathVolume(_Part):
    path: str = ""


class ClaimReference(_Part):
    namespace: str = ""
    name: str = ""


class PersistentVolumeSpec(VolumeSources):
    capacity: dict[str, Quantity] | None = None
    storage_class_name: str = ""
    claim_ref: ClaimReference | None = None
    host_path: PathVolume | None = None
    local: PathVolume | None = None


class PersistentVolume(Document):
    spec: PersistentVolumeSpec = msgspec.field(default_factory=PersistentVolumeSpec)
    status: Phase = msgspec.field(default_factory=Phase)


class ClaimResources(_Part):
    requests: dict[str, Quantity] | None = None


class ClaimSpec(_Part):
    storage_class_name: str = ""
    volume_name: str = ""
    resources: ClaimResources | None = None


class ClaimStatus(_Part):
    phase: str = ""
    capacity: dict[str, Quantity] | None = None


class PersistentVolumeClaim(Document):
    spec: ClaimSpec = msgspec.field(default_factory=ClaimSpec)
    status: ClaimStatus = msgspec.field(default_factory=ClaimStatus)


class ClassParameters(CsiAttributes):
    """Of `parameters`, which hold whatever a provisioner likes, only what those for NFS call their origin."""

    path: str = ""


class StorageClassObject(Document):
    """storage.k8s.io StorageClass."""

    provisioner: str = ""
    parameters: ClassParameters | None = None


# ── quotas ───────────────────────────────────────────────────────────────────────────────────────────────────────────


class QuotaStatus(_Part):
    """What holds and what is used, as the controller last wrote them together."""

    hard: dict[str, Quantity] | None = None
    used: dict[str, Quantity] | None = None


class QuotaSpec(_Part):
    hard: dict[str, Quantity] | None = None


class ResourceQuota(Document):
    spec: QuotaSpec = msgspec.field(default_factory=QuotaSpec)
    status: QuotaStatus = msgspec.field(default_factory=QuotaStatus)


# ── service ranges ───────────────────────────────────────────────────────────────────────────────────────────────────


class CidrSpec(_Part):
    cidrs: list[str] | None = None


class ServiceCidr(Document):
    """networking.k8s.io ServiceCIDR, served from Kubernetes 1.31 on."""

    spec: CidrSpec = msgspec.field(default_factory=CidrSpec)
