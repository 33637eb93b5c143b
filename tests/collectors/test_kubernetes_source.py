"""The Kubernetes collector against a real kube-apiserver."""

import json
import socket
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from apiserver_service import ApiServer, lists, pod_template, unique
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from fault_proxy import Faults, fault_proxy

from collectors.collector import Incomplete, Reading, collect
from collectors.kubernetes_source import KINDS, kubernetes_collectors
from inventory.collection import Collection
from inventory.coverage import Cell, CellResult, CellState
from inventory.guard import Guard
from inventory.identity import identify
from inventory.records import (
    Exposure,
    HostSighting,
    Mount,
    NetworkPolicy,
    Nic,
    Quota,
    Segment,
    Storage,
    StorageClass,
    Tenant,
    View,
    VolumeClaim,
    Workload,
)
from inventory.settings import KubernetesSource
from inventory.text import tell

pytestmark = pytest.mark.apiserver

NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)
SECRET = "planted-secret-3b1f9"
INSTANCE = "0f6a5dc1-6b1d-4a0e-9f0c-5f4f2f1e7a01"


@pytest.fixture(scope="module")
def another_ca() -> str:
    """A certificate that signed nothing here."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "another CA")])
    certificate = x509.CertificateBuilder(
        name, name, key.public_key(), x509.random_serial_number(), NOON, NOON + timedelta(days=3650)
    ).sign(key, hashes.SHA256())
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


@dataclass
class Example:
    """What the tests put into the cluster: uids by name."""

    a: str
    b: str
    uids: dict[str, str] = field(default_factory=dict)


@pytest.fixture(scope="module")
def example(apiserver: ApiServer) -> Example:
    """Two namespaces with one of everything, secrets planted wherever a field could carry them."""
    planted = {"kubectl.kubernetes.io/last-applied-configuration": json.dumps({"password": SECRET})}
    a = apiserver.namespace(
        unique("shebao"), labels={"gov.cn/project-id": "XM-001"}, annotations={"gov.cn/system-id": "XT-001", **planted}
    )
    b = apiserver.namespace(unique("minzheng"))
    made = {
        "node": apiserver.node(
            "worker-1",
            labels={"zone": "a"},
            annotations=planted,
            spec={"providerID": f"openstack:///{INSTANCE}", "podCIDR": "10.244.1.0/24", "podCIDRs": ["10.244.1.0/24"]},
            status={
                "addresses": [
                    {"type": "InternalIP", "address": "10.20.0.11"},
                    {"type": "ExternalIP", "address": "203.0.113.7"},
                    {"type": "Hostname", "address": "worker-1"},
                ],
                "nodeInfo": {
                    "systemUUID": INSTANCE.upper(),
                    "machineID": "9c5f1f0d3b0b4b8e8a6c7d2e1f0a9b8c",
                    "architecture": "arm64",
                    "osImage": "openEuler 22.03 (LTS-SP3)",
                    "operatingSystem": "linux",
                    "kernelVersion": "5.10.0",
                    "kubeletVersion": "v1.20.2",
                    "kubeProxyVersion": "v1.20.2",
                    "containerRuntimeVersion": "containerd://1.6.22",
                    "bootID": "b",
                },
            },
        ),
        "other node": apiserver.node("worker-2"),
    }
    secret = {"env": [{"name": "DB_PASSWORD", "value": SECRET}], "args": ["--password", SECRET]}
    apiserver.create(
        f"/api/v1/namespaces/{a}/secrets", {"metadata": {"name": "db"}, "stringData": {"password": SECRET}}
    )
    apiserver.create(f"/api/v1/namespaces/{a}/configmaps", {"metadata": {"name": "cm"}, "data": {"password": SECRET}})
    spec = {"template": {**pod_template("web", **secret)}, "selector": {"matchLabels": {"app": "web"}}, "replicas": 2}
    made["Deployment"] = apiserver.controller(a, "Deployment", "web", spec=spec, annotations=planted)
    made["ReplicaSet"] = apiserver.controller(
        a,
        "ReplicaSet",
        "web-1",
        spec=spec,
        ownerReferences=[
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "name": "web",
                "uid": uid(made["Deployment"]),
                "controller": True,
            }
        ],
    )
    made["Pod"] = apiserver.pod(
        a,
        "web-1-abc",
        node="worker-1",
        containers=[
            {
                "name": "app",
                "image": "registry.test/web:1",
                "resources": {"requests": {"cpu": "250m", "memory": "1Gi"}},
                **secret,
            }
        ],
        spec={
            "initContainers": [{"name": "init", "image": "registry.test/init:1", **secret}],
            "volumes": [
                {"name": "data", "persistentVolumeClaim": {"claimName": "data"}},
                {"name": "old-nas", "nfs": {"server": "10.9.0.6", "path": "/old"}},
                {"name": "tls", "secret": {"secretName": SECRET}},
            ],
        },
        status={
            "podIP": "10.244.1.5",
            "podIPs": [{"ip": "10.244.1.5"}],
            "containerStatuses": [
                {
                    "name": "app",
                    "image": "registry.test/web:1",
                    "imageID": f"docker-pullable://registry.test/web@sha256:{'7' * 64}",
                    "ready": True,
                    "restartCount": 0,
                }
            ],
        },
        labels={"app": "web"},
        annotations=planted,
        ownerReferences=[
            {
                "apiVersion": "apps/v1",
                "kind": "ReplicaSet",
                "name": "web-1",
                "uid": uid(made["ReplicaSet"]),
                "controller": True,
            }
        ],
    )
    for number in range(5):
        made[f"bare {number}"] = apiserver.pod(b, f"bare-{number}")
    made["StatefulSet"] = apiserver.controller(a, "StatefulSet", "db")
    made["DaemonSet"] = apiserver.controller(b, "DaemonSet", "agent")
    job = {"template": {"spec": {**pod_template("job", **secret)["spec"], "restartPolicy": "Never"}}}
    made["Job"] = apiserver.create(
        f"/apis/batch/v1/namespaces/{b}/jobs", {"metadata": {"name": "nightly-1"}, "spec": job}
    )
    made["CronJob"] = apiserver.create(
        f"/apis/batch/v1beta1/namespaces/{b}/cronjobs",
        {"metadata": {"name": "nightly"}, "spec": {"schedule": "0 2 * * *", "jobTemplate": {"spec": job}}},
    )
    made["Service"] = apiserver.create(
        f"/api/v1/namespaces/{a}/services",
        {
            "metadata": {"name": "web", "annotations": planted},
            "spec": {"ports": [{"port": 443}], "selector": {"app": "web"}, "externalIPs": ["10.20.0.80"]},
        },
    )
    made["Ingress"] = apiserver.create(
        f"/apis/networking.k8s.io/v1/namespaces/{a}/ingresses",
        {
            "metadata": {"name": "web"},
            "spec": {
                "tls": [{"hosts": ["sb.test"], "secretName": "tls"}],
                "rules": [{"host": "sb.test"}],
                "defaultBackend": {"service": {"name": "web", "port": {"number": 443}}},
            },
        },
        status={"loadBalancer": {"ingress": [{"ip": "10.20.0.90"}]}},
    )
    volume = {"capacity": {"storage": "10Gi"}, "accessModes": ["ReadWriteMany"]}
    made["NFS"] = apiserver.create(
        "/api/v1/persistentvolumes",
        {
            "metadata": {"name": unique("nas")},
            "spec": {
                **volume,
                "nfs": {"server": "10.9.0.5", "path": "/export/sb"},
                "claimRef": {"namespace": a, "name": "data"},
            },
        },
    )
    made["CSI"] = apiserver.create(
        "/api/v1/persistentvolumes",
        {
            "metadata": {"name": unique("csi")},
            "spec": {
                **volume,
                "csi": {
                    "driver": "cinder.csi.openstack.org",
                    "volumeHandle": "vol-1",
                    "volumeAttributes": {"password": SECRET},
                    "nodeStageSecretRef": {"name": SECRET, "namespace": a},
                },
            },
        },
    )
    made["claim"] = apiserver.create(
        f"/api/v1/namespaces/{a}/persistentvolumeclaims",
        {
            "metadata": {"name": "data", "annotations": planted},
            "spec": {
                "accessModes": ["ReadWriteMany"],
                "storageClassName": "nas",
                "volumeName": made["NFS"]["metadata"]["name"],
                "resources": {"requests": {"storage": "8Gi"}},
            },
        },
        status={"phase": "Bound", "capacity": {"storage": "10Gi"}},
    )
    made["storage class"] = apiserver.create(
        "/apis/storage.k8s.io/v1/storageclasses",
        {
            "metadata": {"name": unique("nas"), "annotations": planted},
            "provisioner": "nfs.csi.k8s.io",
            "parameters": {"server": "10.9.0.5", "share": "/export", "secretName": SECRET},
        },
    )
    made["other storage class"] = apiserver.create(
        "/apis/storage.k8s.io/v1/storageclasses",
        {"metadata": {"name": unique("cinder")}, "provisioner": "cinder.csi.openstack.org"},
    )
    made["policy"] = apiserver.create(
        f"/apis/networking.k8s.io/v1/namespaces/{a}/networkpolicies",
        {
            "metadata": {"name": "web", "annotations": planted},
            "spec": {
                "podSelector": {"matchLabels": {"app": "web"}},
                "policyTypes": ["Ingress", "Egress"],
                "ingress": [{"from": [{"ipBlock": {"cidr": "10.20.0.0/16", "except": ["10.20.9.0/24"]}}]}],
                "egress": [{"ports": [{"port": 53, "protocol": "UDP"}]}],
            },
        },
    )
    made["quota"] = apiserver.create(
        f"/api/v1/namespaces/{a}/resourcequotas",
        {
            "metadata": {"name": "fixed", "annotations": planted},
            "spec": {"hard": {"requests.cpu": "10", "requests.memory": "20Gi", "pods": "40"}},
        },
        status={
            "hard": {"requests.cpu": "8", "requests.memory": "16Gi", "pods": "40"},
            "used": {"requests.cpu": "1500m", "requests.memory": "2Gi", "pods": "3"},
        },
    )
    return Example(a, b, {name: uid(document) for name, document in made.items()})


def uid(document: dict[str, dict[str, str]]) -> str:
    """Of an object as the API answered it."""
    return document["metadata"]["uid"]


def source(path: Path, context: str = "admin", *, page_size: int = 2, timeout: float = 20) -> KubernetesSource:
    """Settings of a cluster called test."""
    return KubernetesSource(
        name="test", kubeconfig=str(path), context=context, zone="政务外网", page_size=page_size, timeout=timeout
    )


def gathered(settings: KubernetesSource, *, guard: Guard | None = None) -> Collection:
    """Everything that the collector says, through the runner."""
    guard = guard or Guard()
    collectors = kubernetes_collectors(settings, base=Path(), clock=lambda: NOON, guard=guard)
    return collect(collectors, guard=guard, clock=lambda: NOON)


def cell(collection: Collection, kind: str) -> CellResult:
    """How the cell of this kind ended."""
    return next(c for c in collection.cells if c.cell.kind == kind)


def of(collection: Collection, kind: type, native_id: str):  # type: ignore[no-untyped-def]
    """The one record of this type and uid."""
    (found,) = [r for r in collection.records if type(r) is kind and r.native_id == native_id]
    return found


@pytest.fixture(scope="module")
def everything(apiserver: ApiServer, example: Example) -> Collection:
    """What the administrator collects, two objects a page."""
    return gathered(source(apiserver.kubeconfig))


def test_every_cell_is_complete(everything: Collection) -> None:
    """The administrator sees all of it, so absence may be concluded."""
    assert {c.cell.kind: (c.state, c.reason) for c in everything.cells} == dict.fromkeys(
        KINDS, (CellState.COMPLETE, None)
    )


def test_paging_finds_everything_that_was_created(
    apiserver: ApiServer, example: Example, everything: Collection
) -> None:
    """Two objects a page and not one lost or twice: compared with the API's own unpaged lists."""
    ids = [r.native_id for r in everything.records if type(r) is not Segment]

    assert len(ids) == len(set(ids))
    assert set(example.uids.values()) <= set(ids)
    for plural in ("nodes", "namespaces", "pods", "services", "persistentvolumes", "resourcequotas"):
        listed = apiserver.ask("GET", f"/api/v1/{plural}")["items"]
        assert listed
        assert {uid(item) for item in listed} <= set(ids)


def test_a_node_carries_all_that_identity_joins_on(example: Example, everything: Collection) -> None:
    """providerID as written, systemUUID, machine-id and its own addresses; what is behind a NAT is not its own."""
    node = of(everything, HostSighting, example.uids["node"])

    assert node.view is View.NODE
    assert node.name == "worker-1"
    assert node.provider_id == f"openstack:///{INSTANCE}"
    assert node.uuid == INSTANCE
    assert node.machine_id == "9c5f1f0d3b0b4b8e8a6c7d2e1f0a9b8c"
    assert node.nics == (Nic(addresses=("10.20.0.11",)),)
    assert node.zone == "政务外网"
    assert (node.os_name, node.arch, node.vcpus, node.memory_bytes) == (
        "openEuler 22.03 (LTS-SP3)", "aarch64", 8, 16 * 1024**3,
    )  # fmt: skip
    assert node.status == "Ready"
    assert node.created_at is None


def test_what_a_node_does_not_say_is_none(example: Example, everything: Collection) -> None:
    """An empty providerID or systemUUID is not a value that two nodes could share."""
    node = of(everything, HostSighting, example.uids["other node"])

    assert (node.provider_id, node.uuid, node.machine_id) == (None, None, None)


def test_a_namespace_says_whose_it_is_by_label_and_annotation(example: Example, everything: Collection) -> None:
    """Both places are in use; other annotations are nobody's business."""
    tenant = next(r for r in everything.records if isinstance(r, Tenant) and r.name == example.a)

    assert tenant.labels["gov.cn/project-id"] == "XM-001"
    assert tenant.labels["gov.cn/system-id"] == "XT-001"
    assert not [k for k in tenant.labels if "last-applied" in k]
    assert tenant.is_enabled is True


def test_a_pod_leads_to_its_node_and_through_its_owners_to_the_deployment(
    example: Example, everything: Collection
) -> None:
    """A workload is on the cloud only where its nodes are: the chain must not be torn."""
    pod = of(everything, Workload, example.uids["Pod"])
    replica_set = of(everything, Workload, pod.owner_uid)

    assert pod.node == "worker-1"
    assert pod.addresses == ("10.244.1.5",)
    assert pod.images == ("registry.test/init:1", "registry.test/web:1")
    assert replica_set.owner_uid == example.uids["Deployment"]
    assert of(everything, Workload, example.uids["Deployment"]).replicas == 2


@pytest.mark.parametrize("kind", ["Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "CronJob", "Pod"])
def test_each_kind_of_workload_keeps_its_name(example: Example, everything: Collection, kind: str) -> None:
    """CronJobs are served by batch/v1beta1 on this server, and found all the same."""
    assert of(everything, Workload, example.uids[kind]).workload_kind == kind


def test_services_and_ingresses_say_where_they_answer(example: Example, everything: Collection) -> None:
    """Addresses, names and ports of what a system offers."""
    service = of(everything, Exposure, example.uids["Service"])
    ingress = of(everything, Exposure, example.uids["Ingress"])

    assert "10.20.0.80" in service.addresses
    assert service.ports == (443,)
    assert service.selector == {"app": "web"}
    assert (ingress.exposure_kind, ingress.addresses, ingress.hostnames, ingress.ports) == (
        "Ingress", ("10.20.0.90",), ("sb.test",), (80, 443),
    )  # fmt: skip


def test_volumes_say_where_they_come_from(example: Example, everything: Collection) -> None:
    """An NFS server outside the cloud is what Article 14 speaks of; a Cinder volume is the cloud's own."""
    nfs = of(everything, Storage, example.uids["NFS"])

    assert (nfs.origin, nfs.size_bytes) == ("10.9.0.5:/export/sb", 10 * 1024**3)
    assert of(everything, Tenant, nfs.tenant).name == example.a
    assert of(everything, Storage, example.uids["CSI"]).origin == "csi://cinder.csi.openstack.org/vol-1"


def test_a_pod_says_what_it_asks_for_mounts_and_really_runs(example: Example, everything: Collection) -> None:
    """A tag may be moved, a digest not; a NAS that a pod mounts by itself has no volume object."""
    pod = of(everything, Workload, example.uids["Pod"])

    assert pod.phase == "Running"
    assert pod.image_digests == (f"registry.test/web@sha256:{'7' * 64}",)
    assert (pod.cpu_millicores, pod.memory_bytes) == (250, 1024**3)
    assert pod.mounts == (Mount(target="old-nas", fstype="nfs", origin="10.9.0.6:/old"),)
    assert pod.claims == ("data",)


def test_a_claim_leads_from_its_namespace_to_its_volume(example: Example, everything: Collection) -> None:
    """Asked for and given may differ."""
    claim = of(everything, VolumeClaim, example.uids["claim"])

    assert (claim.namespace, claim.name, claim.storage_class, claim.status) == (example.a, "data", "nas", "Bound")
    assert claim.volume == of(everything, Storage, example.uids["NFS"]).name
    assert (claim.requested_bytes, claim.capacity_bytes) == (8 * 1024**3, 10 * 1024**3)


def test_a_storage_class_says_whose_volumes_it_makes(example: Example, everything: Collection) -> None:
    """The driver, and the server where its parameters name one; never another parameter."""
    made = of(everything, StorageClass, example.uids["storage class"])

    assert (made.provisioner, made.origin) == ("nfs.csi.k8s.io", "10.9.0.5:/export")
    assert of(everything, StorageClass, example.uids["other storage class"]).origin is None


def test_a_network_policy_says_who_may_come_from_outside(example: Example, everything: Collection) -> None:
    """A rule without peers lets everybody."""
    policy = of(everything, NetworkPolicy, example.uids["policy"])

    assert (policy.selector, policy.directions) == ({"app": "web"}, ("Egress", "Ingress"))
    assert (policy.allowed_from, policy.allowed_to) == (("10.20.0.0/16",), ("*",))


def test_a_quota_says_what_holds_and_what_is_used(example: Example, everything: Collection) -> None:
    """What the controller last enforced, in base units; CPU in thousandths."""
    quota = of(everything, Quota, example.uids["quota"])

    assert of(everything, Tenant, quota.tenant).name == example.a
    assert quota.limits == {"requests.cpu": 8000, "requests.memory": 16 * 1024**3, "pods": 40}
    assert quota.used == {"requests.cpu": 1500, "requests.memory": 2 * 1024**3, "pods": 3}


def test_pod_ranges_are_segments_of_this_cluster_only(everything: Collection) -> None:
    """Every cluster may use 10.244.0.0/16."""
    (segment,) = [r for r in everything.records if isinstance(r, Segment) and r.cidr == "10.244.1.0/24"]

    assert (segment.domain, segment.purpose, segment.zone) == ("kubernetes:test", "pod", None)


def test_no_planted_secret_is_kept(everything: Collection) -> None:
    """Environment, arguments, Secrets, ConfigMaps, last-applied-configuration, volume attributes, secret references."""
    kept = repr(everything.records).encode() + b"".join(everything.raws.values())

    assert len(everything.raws) > 10
    assert SECRET.encode() not in kept
    assert b"last-applied" not in kept


def test_a_listing_that_expires_goes_on_where_it_was(apiserver: ApiServer, example: Example) -> None:
    """410 in the middle of a walk: every object is told, none twice, nothing is asked twice, the cell is complete."""
    (collector,) = kubernetes_collectors(source(apiserver.kubeconfig), base=Path(), clock=lambda: NOON)
    said = collector.read(Cell("kubernetes:test", "*", "tenant"))
    # Two pages are on their way before anybody looks: the third one is Gone.
    first = [next(said), next(said)]

    late = apiserver.namespace(unique("zz-late"))
    apiserver.forget_history()
    rest = list(said)

    readings = [r for r in (*first, *rest) if isinstance(r, Reading)]
    assert len(readings) == len(first) + len(rest)
    names = [r.record.name for r in readings if isinstance(r.record, Tenant)]
    assert len(names) == len(set(names))
    # Only a walk in a later snapshot can have seen what was created after the first one.
    assert late in names
    listed = apiserver.ask("GET", "/api/v1/namespaces")["items"]
    assert set(names) == {item["metadata"]["name"] for item in listed}


def test_a_confined_reader_names_the_namespaces_that_it_could_not_see(apiserver: ApiServer, example: Example) -> None:
    """Pods of one namespace are not the pods of the cluster; nor is "forbidden" the same as "none"."""
    with (
        apiserver.allowed("confined", lists("namespaces")),
        apiserver.allowed(
            "confined", lists("pods", "services"), lists("daemonsets", group="apps"), namespace=example.b
        ),
    ):
        collection = gathered(source(apiserver.kubeconfig, "confined"))

    workload = cell(collection, "workload")
    assert workload.state is CellState.PARTIAL
    assert example.a in workload.unseen
    assert {r.name for r in collection.records if isinstance(r, Workload)} == {
        "agent", *(f"bare-{number}" for number in range(5)),
    }  # fmt: skip
    assert cell(collection, "tenant").state is CellState.COMPLETE
    assert cell(collection, "exposure").state is CellState.PARTIAL
    host = cell(collection, "host")
    assert host.state is CellState.FAILED
    assert host.reason is not None
    assert "clusterrole.yaml" in tell(host.reason, "en")
    assert cell(collection, "storage").state is CellState.FAILED
    # The list is the cells': sentences name no namespace, since no guard reads them.
    assert example.a not in "".join(tell(c.reason, "en") for c in collection.cells if c.reason)


def test_a_reader_of_one_namespace_says_that_others_are_unknown(apiserver: ApiServer, example: Example) -> None:
    """Nobody told it which namespaces there are: it reads the one of its context and calls that partial."""
    name = unique("own")
    apiserver.namespace(name)
    pod = apiserver.pod(name)
    token_file = apiserver.another_kubeconfig(unique("kubeconfig"), namespace=name)
    table = json.loads(token_file.read_text())
    table["users"] = [{"name": "confined", "user": {"token": service_account_token(apiserver, name)}}]
    table["contexts"] = [c for c in table["contexts"] if c["name"] == "confined"]
    token_file.write_text(json.dumps(table))

    collection = gathered(source(token_file, "confined"))

    workload = cell(collection, "workload")
    assert workload.state is CellState.PARTIAL
    assert workload.seen == 1
    assert of(collection, Workload, uid(pod)).namespace == name
    tenant = cell(collection, "tenant")
    assert (tenant.state, tenant.seen) == (CellState.PARTIAL, 1)


def service_account_token(apiserver: ApiServer, namespace: str) -> str:
    """A token of a service account that may read pods and its own namespace, and nothing else."""
    apiserver.create(f"/api/v1/namespaces/{namespace}/serviceaccounts", {"metadata": {"name": "reader"}})
    rbac = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}"
    rules = [{"apiGroups": [""], "resources": ["pods", "namespaces"], "verbs": ["get", "list"]}]
    apiserver.create(f"{rbac}/roles", {"metadata": {"name": "reader"}, "rules": rules})
    apiserver.create(
        f"{rbac}/rolebindings",
        {
            "metadata": {"name": "reader"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"},
            "subjects": [{"kind": "ServiceAccount", "name": "reader", "namespace": namespace}],
        },
    )
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/reader/token"
    answer = apiserver.ask("POST", path, {"spec": {"expirationSeconds": 3600}})
    token: str = answer["status"]["token"]
    return token


@pytest.mark.parametrize("shape", ["openstack:///{}", "openstack://RegionOne/{}", "openstack://{}", "{}"])
def test_a_node_is_its_nova_instance_in_every_shape_of_provider_id(apiserver: ApiServer, shape: str) -> None:
    """Four were in use over the years, and the machine is one: what Nova lists and what the cluster calls a node."""
    instance = str(uuid.uuid4())
    made = apiserver.node(spec={"providerID": shape.format(instance)})
    other = apiserver.node(spec={"providerID": f"vsphere://{instance}"})
    server = HostSighting(
        source="openstack:x", native_id=instance, uuid=instance, name="vm", view=View.SERVER, observed_at=NOON
    )
    nodes = [r for r in gathered(source(apiserver.kubeconfig, page_size=500)).records if isinstance(r, HostSighting)]

    machines = identify([server, *nodes], [])

    (machine,) = [m for m in machines if server in m.sightings]
    assert [s.native_id for s in machine.sightings if s.view is View.NODE] == [uid(made)]
    assert [j.rule for j in machine.joins] == ["provider_id"]
    # Another maker's id is no instance of ours, whatever it looks like.
    assert uid(other) in {s.native_id for m in machines if m is not machine for s in m.sightings}


def reasons(collection: Collection) -> set[str]:
    """Why the cells ended as they did, all of them failed."""
    assert {c.state for c in collection.cells} == {CellState.FAILED}
    return {tell(c.reason, "en") for c in collection.cells if c.reason}


def test_a_wrong_token_is_one_clear_sentence(apiserver: ApiServer) -> None:
    """The API server answers 401 to everything."""
    assert reasons(gathered(source(apiserver.kubeconfig, "wrong"))) == {
        "kubernetes:test: the API server does not accept the credentials (401); a new token or certificate is needed"
    }


def test_a_closed_port_is_one_clear_sentence(apiserver: ApiServer) -> None:
    """Refused: the sentence names the address."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    path = apiserver.another_kubeconfig("refused", server=f"https://127.0.0.1:{port}")

    (reason,) = reasons(gathered(source(path)))

    assert f"https://127.0.0.1:{port} cannot be connected to" in reason


def test_an_unknown_name_is_one_clear_sentence(apiserver: ApiServer) -> None:
    """DNS."""
    path = apiserver.another_kubeconfig("dns", server="https://apiserver.invalid:6443")

    (reason,) = reasons(gathered(source(path)))

    assert "the name of https://apiserver.invalid:6443 does not resolve" in reason


def test_another_ca_is_not_trusted(apiserver: ApiServer, another_ca: str) -> None:
    """A certificate that the kubeconfig's CA did not sign may be anybody's: the token is not sent."""
    (reason,) = reasons(gathered(source(apiserver.another_kubeconfig("tls", ca=another_ca))))

    assert "TLS with" in reason
    assert "self-signed certificate" in reason


def test_a_server_that_says_nothing_costs_its_timeout_and_no_more(apiserver: ApiServer) -> None:
    """A hung API server must not hang the night."""
    with fault_proxy(apiserver.port) as (port, faults):
        faults.hang = True
        path = apiserver.another_kubeconfig("hung", server=f"https://127.0.0.1:{port}")

        said = reasons(gathered(source(path, timeout=0.5)))

    # In the middle of a handshake or before it: one limit or the other is the first to notice.
    assert {s.partition(" 0.5 s")[0].rpartition(" ")[2] for s in said} <= {"within", "than"}


def test_an_api_server_killed_in_mid_listing_leaves_a_partial_cell(apiserver: ApiServer, example: Example) -> None:
    """What was read stands as presence; nothing follows from what was not."""
    with fault_proxy(apiserver.port) as (port, faults):
        path = apiserver.another_kubeconfig("killed", server=f"https://127.0.0.1:{port}")
        (collector,) = kubernetes_collectors(source(path), base=Path(), clock=lambda: NOON)

        collection = collect(
            [_Killed(collector, after=3, kill=lambda: _kill(faults))], guard=Guard(), clock=lambda: NOON
        )

    tenant = cell(collection, "tenant")
    assert tenant.state is CellState.PARTIAL
    assert 3 <= tenant.seen < len(apiserver.ask("GET", "/api/v1/namespaces")["items"])


def _kill(faults: Faults) -> None:
    faults.reset_after_bytes = 0


@dataclass
class _Killed:
    """The tenant cell of a collector whose server dies after so many readings."""

    inner: object
    after: int
    kill: Callable[[], None]
    parallel: int = 1

    @property
    def info(self):  # type: ignore[no-untyped-def]
        return self.inner.info  # type: ignore[attr-defined]

    def plan(self) -> list[Cell]:
        return [Cell("kubernetes:test", "*", "tenant")]

    def read(self, planned: Cell) -> Iterator[Reading | Incomplete]:
        for number, said in enumerate(self.inner.read(planned), 1):  # type: ignore[attr-defined]
            yield said
            if number == self.after:
                self.kill()


def test_the_do_not_scan_list_comes_before_the_connection(apiserver: ApiServer) -> None:
    """Art. 28: not even a name is resolved, and the sentence does not repeat it."""
    with fault_proxy(apiserver.port) as (port, faults):
        path = apiserver.another_kubeconfig("guarded", server=f"https://127.0.0.1:{port}")

        collection = gathered(source(path), guard=Guard(["127.0.0.0/8"]))

        assert faults.bytes_back == 0
    assert {c.state for c in collection.cells} == {CellState.SKIPPED}
    assert not [c for c in collection.cells if c.reason and "127.0.0" in tell(c.reason, "en")]
