"""What Kubernetes objects mean in our vocabulary."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec
import pytest

from collectors.collector import Incomplete, Reading
from collectors.kubernetes_objects import (
    Controller,
    Document,
    Metadata,
    Namespace,
    Node,
    PersistentVolume,
    PersistentVolumeSpec,
    Pod,
    ResourceQuota,
    Service,
    ServiceCidr,
)
from collectors.kubernetes_quantities import quantity, requested, thousandths
from collectors.kubernetes_records import Translator, image_digest, origin, owner_words
from inventory.collection import encode_raw
from inventory.records import Exposure, HostSighting, Quota, Segment, Storage, Tenant, Workload

TRANSLATE = Translator(
    source="kubernetes:test", zone="政务外网", is_platform=True, observed_at=datetime(2026, 11, 22, tzinfo=UTC)
)
SECRET = "planted-secret-5e0c"


def decoded(shape: type, **fields: object):  # type: ignore[no-untyped-def]
    """The object as it comes off the wire."""
    metadata = {"name": "x", "uid": "u-1", **(fields.pop("metadata", None) or {})}  # type: ignore[dict-item]
    return msgspec.json.decode(json.dumps({"metadata": metadata, **fields}), type=shape)


def only(readings):  # type: ignore[no-untyped-def]
    """The one record and its raw document, as it is written down."""
    (reading,) = readings
    assert isinstance(reading, Reading)
    assert reading.raw is not None
    return reading.record, msgspec.json.decode(encode_raw(reading.raw))


@pytest.mark.parametrize(
    ("text", "base_units"),
    [
        ("8", 8),
        (8, 8),
        ("7910m", 7),
        ("16Gi", 16 * 1024**3),
        ("16393244Ki", 16393244 * 1024),
        ("10G", 10 * 10**9),
        ("8E", 8 * 10**18),
        ("12E", None),
        ("1e3", 1000),
        ("1.5Gi", 3 * 2**29),
        ("", None),
        ("many", None),
        ("-1", None),
        ("1e999999999", None),
        ("9" * 5000, None),
        (None, None),
    ],
)
def test_quantities_come_in_base_units(text: str | int | None, base_units: int | None) -> None:
    """And a hostile one costs nothing."""
    assert quantity(text) == base_units


@pytest.mark.parametrize(("text", "thousand"), [("250m", 250), ("2", 2000), ("1.5", 1500), ("0.1m", 0), ("x", None)])
def test_cpu_comes_in_thousandths(text: str, thousand: int | None) -> None:
    """Half a core is no core if it is rounded too early."""
    assert thousandths(text) == thousand


def container(cpu: str | None = None, memory: str | None = None, **more: object) -> dict[str, object]:
    """A container that asks for so much."""
    asked = {k: v for k, v in (("cpu", cpu), ("memory", memory)) if v is not None}
    return {"name": "c", "image": "i", "resources": {"requests": asked}, **more}


@pytest.mark.parametrize(
    ("spec", "cpu", "memory"),
    [
        ({"containers": [container("250m", "1Gi"), container("1", None)]}, 1250, 1024**3),
        ({"containers": [{"name": "c", "image": "i"}]}, None, None),
        # init containers run before the others, one after the other
        ({"initContainers": [container("2", "1Gi"), container("1")], "containers": [container("500m", "2Gi")]},
         2000, 2 * 1024**3),
        # a sidecar stays beside all that comes after it
        ({"initContainers": [container("1", restartPolicy="Always"), container("2")],
          "containers": [container("500m")]}, 3000, None),
        ({"initContainers": [container("1", restartPolicy="Always")], "containers": [container("500m")]}, 1500, None),
        ({"containers": [container("500m")], "overhead": {"cpu": "250m", "memory": "120Mi"}}, 750, 120 * 1024**2),
        ({"containers": [container("500m")], "resources": {"requests": {"cpu": "2"}}}, 2000, None),
        ({"containers": [container("plenty", "9" * 5000)]}, None, None),
    ],
)  # fmt: skip
def test_a_pod_asks_for_what_the_scheduler_sets_aside(
    spec: Mapping[str, object], cpu: int | None, memory: int | None
) -> None:
    """As the Kubernetes documentation adds it up; nothing asked is None, not zero."""
    assert requested(decoded(Pod, spec=spec).spec) == (cpu, memory)


SHA = "sha256:" + "0a" * 32


@pytest.mark.parametrize(
    ("written", "digest"),
    [
        (f"docker-pullable://registry.test/a/b@{SHA}", f"registry.test/a/b@{SHA}"),
        (f"registry.test:5000/a@{SHA}", f"registry.test:5000/a@{SHA}"),
        (f"docker://{SHA}", SHA),
        (SHA, SHA),
        ("", None),
        ("registry.test/a:1", None),
        (f"registry.test/a b@{SHA}", None),
        ("x" * 100_000 + f"@{SHA}", None),
    ],
)
def test_an_image_is_known_by_its_digest(written: str, digest: str | None) -> None:
    """Three runtimes wrote it in three ways; a tag is no digest."""
    assert image_digest(written) == digest


def test_a_pod_mounts_what_no_volume_object_names() -> None:
    """NFS, iSCSI, Ceph and the like straight in the pod; what a driver fills in on the node is nobody's storage."""
    volumes = [
        {"name": "a", "iscsi": {"targetPortal": "10.9.0.6:3260", "iqn": "iqn.2024-01.cn:a", "lun": 3}},
        {"name": "b", "csi": {"driver": "nfs.csi.k8s.io", "volumeAttributes": {"server": "nas", "share": "/e"}}},
        {"name": "c", "csi": {"driver": "secrets-store.csi.k8s.io", "volumeAttributes": {"password": SECRET}}},
        {"name": "d", "secret": {"secretName": SECRET}},
        {"name": "e", "persistentVolumeClaim": {"claimName": "data"}},
    ]
    record, raw = only(TRANSLATE.pod(decoded(Pod, spec={"volumes": volumes})))

    assert isinstance(record, Workload)
    assert [(m.target, m.fstype, m.origin) for m in record.mounts] == [
        ("a", "iscsi", "iscsi://10.9.0.6:3260/iqn.2024-01.cn:a/3"),
        ("b", "nfs.csi.k8s.io", "nas:/e"),
    ]
    assert record.claims == ("data",)
    assert [v["name"] for v in raw["spec"]["volumes"]] == ["a", "b", "e"]
    assert SECRET not in json.dumps(raw)


def test_a_quota_without_a_controller_is_told_by_its_specification() -> None:
    """Nobody has counted yet: nothing is said to be used. What is no quantity is not made one."""
    quota = decoded(ResourceQuota, metadata={"namespace": "a"}, spec={"hard": {"limits.cpu": "1", "pods": "many"}})

    record, _ = only(TRANSLATE.quota(quota, {"a": "uid-a"}))

    assert isinstance(record, Quota)
    assert (record.limits, record.used, record.tenant) == ({"limits.cpu": 1000}, {}, "uid-a")


@pytest.mark.parametrize(
    "written",
    [
        "openstack:///0f6a5dc1-6b1d-4a0e-9f0c-5f4f2f1e7a01",
        "openstack://RegionOne/0f6a5dc1-6b1d-4a0e-9f0c-5f4f2f1e7a01",
        "openstack://0f6a5dc1-6b1d-4a0e-9f0c-5f4f2f1e7a01",
        "vsphere://420bcf8f-a2f2-d154-329b-575d9bc5e19c",
    ],
)
def test_a_provider_id_is_kept_as_written(written: str) -> None:
    """Three shapes were in use over the years; identity knows them, the collector does not choose."""
    record, _ = only(TRANSLATE.host(decoded(Node, spec={"providerID": written})))

    assert isinstance(record, HostSighting)
    assert record.provider_id == written


def test_a_node_tells_what_it_has_and_what_pods_may_set_aside() -> None:
    """The kubelet keeps some of it for itself; a node that does not say tells neither."""
    sizes = {"capacity": {"cpu": "8", "memory": "32Gi"}, "allocatable": {"cpu": "7910m", "memory": "30Gi"}}
    record, raw = only(TRANSLATE.host(decoded(Node, status=sizes)))
    silent, _ = only(TRANSLATE.host(decoded(Node)))

    assert isinstance(record, HostSighting)
    assert (record.vcpus, record.allocatable_millicores, record.allocatable_bytes) == (8, 7910, 30 * 1024**3)
    assert raw["status"]["allocatable"] == {"cpu": "7910m", "memory": "30Gi"}
    assert (silent.allocatable_millicores, silent.allocatable_bytes) == (None, None)


def test_a_node_that_says_nothing_has_nothing() -> None:
    """A node object that its kubelet never filled in."""
    record, _ = only(TRANSLATE.host(decoded(Node)))

    assert isinstance(record, HostSighting)
    assert (record.uuid, record.machine_id, record.provider_id, record.nics) == (None, None, None, ())
    assert (record.status, record.os_name, record.arch, record.vcpus, record.memory_bytes) == (None,) * 5


@pytest.mark.parametrize(("ready", "status"), [("True", "Ready"), ("False", "NotReady"), ("Unknown", "Unknown")])
def test_a_node_says_whether_it_is_ready(ready: str, status: str) -> None:
    """A node that is down is still there."""
    record, _ = only(TRANSLATE.host(decoded(Node, status={"conditions": [{"type": "Ready", "status": ready}]})))

    assert isinstance(record, HostSighting)
    assert record.status == status


def test_a_contradiction_between_label_and_annotation_is_kept() -> None:
    """Whoever decides ownership must see both; neither wins here."""
    metadata = Metadata(name="x", uid="u", labels={"system": "XT-1"}, annotations={"system": "XT-2", "project": "XM-1"})

    assert owner_words(metadata) == ({"system": "XT-1", "project": "XM-1"}, ("system=XT-2",))


def test_only_asked_for_annotations_survive() -> None:
    """`last-applied-configuration` is the whole object once more, environment included."""
    namespace = decoded(
        Namespace,
        metadata={
            "annotations": {"gov.cn/system-id": "XT-1", "kubectl.kubernetes.io/last-applied-configuration": SECRET}
        },
    )
    namespace.keep_annotations({"gov.cn/system-id"})

    record, raw = only(TRANSLATE.tenant(namespace))

    assert isinstance(record, Tenant)
    assert record.labels == {"gov.cn/system-id": "XT-1"}
    assert SECRET not in json.dumps(raw)


def test_secrets_never_become_values() -> None:
    """The types are the allow-list: what they do not name is dropped while decoding."""
    pod = decoded(
        Pod,
        metadata={"managedFields": [SECRET]},
        spec={
            "containers": [
                {
                    "name": "a",
                    "image": "i",
                    "env": [{"name": "P", "value": SECRET}],
                    "command": [SECRET],
                    "args": [SECRET],
                    "livenessProbe": {"exec": {"command": [SECRET]}},
                }
            ],
            "imagePullSecrets": [{"name": SECRET}],
            "volumes": [
                {"name": "s", "secret": {"secretName": SECRET}},
                {"name": "n", "nfs": {"server": "10.9.0.5", "path": "/e"}},
            ],
        },
        status={"message": SECRET},
    )

    _, raw = only(TRANSLATE.pod(pod))

    assert SECRET not in json.dumps(raw)
    assert raw is not None
    assert raw["spec"]["volumes"] == [{"name": "n", "nfs": {"server": "10.9.0.5", "path": "/e"}}]


def test_an_old_replica_set_is_no_workload() -> None:
    """A Deployment keeps ten of them for rolling back; a bare one scaled to zero is somebody's."""
    owned = {"ownerReferences": [{"uid": "d", "kind": "Deployment", "controller": True}]}
    translate = TRANSLATE.controller("ReplicaSet")

    assert list(translate(decoded(Controller, metadata=owned, spec={"replicas": 0}))) == []
    assert len(list(translate(decoded(Controller, metadata=owned, spec={"replicas": 1})))) == 1
    assert len(list(translate(decoded(Controller, metadata=owned, spec={"replicas": 0}, status={"replicas": 1})))) == 1
    assert len(list(translate(decoded(Controller, spec={"replicas": 0})))) == 1


def test_only_the_controller_is_the_owner() -> None:
    """Other references say who else would miss the object."""
    pod = decoded(Pod, metadata={"ownerReferences": [{"uid": "a"}, {"uid": "b", "controller": True}]})

    record, _ = only(TRANSLATE.pod(pod))

    assert isinstance(record, Workload)
    assert record.owner_uid == "b"


def test_a_headless_service_has_no_address() -> None:
    """`None` is a word of the API here, not an address."""
    record, _ = only(TRANSLATE.service(decoded(Service, spec={"clusterIP": "None", "clusterIPs": ["None"]})))

    assert isinstance(record, Exposure)
    assert record.addresses == ()


ORIGINS: list[tuple[Mapping[str, object], str | None]] = [
    ({"nfs": {"server": "10.9.0.5", "path": "/export"}}, "10.9.0.5:/export"),
    ({"iscsi": {"targetPortal": "10.9.0.6:3260", "iqn": "iqn.2024-01.cn:a", "lun": 3, "secretRef": {"name": SECRET}}},
     "iscsi://10.9.0.6:3260/iqn.2024-01.cn:a/3"),
    ({"fc": {"targetWWNs": ["50060e801049cfd1"], "lun": 0}}, "fc://50060e801049cfd1/0"),
    ({"csi": {"driver": "cinder.csi.openstack.org", "volumeHandle": "v", "volumeAttributes": {"password": SECRET}}},
     "csi://cinder.csi.openstack.org/v"),
    ({"csi": {"driver": "nfs.csi.k8s.io", "volumeHandle": "v", "volumeAttributes": {"server": "nas", "share": "/e"}}},
     "nas:/e"),
    ({"cinder": {"volumeID": "v"}}, "cinder://v"),
    ({"glusterfs": {"endpoints": "gl", "path": "vol"}}, "glusterfs://gl/vol"),
    ({"rbd": {"monitors": ["10.9.0.7:6789"], "pool": "p", "image": "i"}}, "ceph://10.9.0.7:6789/p/i"),
    ({"cephfs": {"monitors": ["10.9.0.7:6789"], "path": "/a"}}, "ceph://10.9.0.7:6789/a"),
    ({"local": {"path": "/mnt/a"}}, "file:///mnt/a"),
    ({"flexVolume": {"driver": "x", "options": {"password": SECRET}}}, None),
]  # fmt: skip


@pytest.mark.parametrize(("spec", "expected"), ORIGINS)
def test_a_volume_says_where_it_lives(spec: Mapping[str, object], expected: str | None) -> None:
    """Storage from outside the cloud is what Article 14 asks for; its password is nobody's business."""
    volume = decoded(PersistentVolume, spec={"capacity": {"storage": "1Gi"}, **spec})

    record, raw = only(TRANSLATE.volume(volume, {}))

    assert isinstance(record, Storage)
    assert record.origin == expected
    assert SECRET not in json.dumps(raw)


def test_a_spec_without_a_source_has_no_origin() -> None:
    """None is "did not say"."""
    assert origin(PersistentVolumeSpec()) is None


def test_a_claimed_volume_belongs_to_its_namespace() -> None:
    """By uid, as the tenant's record has it; a namespace that could not be seen is nobody's."""
    volume = decoded(PersistentVolume, spec={"claimRef": {"namespace": "a", "name": "data"}})

    known, _ = only(TRANSLATE.volume(volume, {"a": "uid-a"}))
    unknown, _ = only(TRANSLATE.volume(volume, {}))

    assert (known.tenant, unknown.tenant) == ("uid-a", None)


def test_both_families_of_a_node_are_segments() -> None:
    """Dual stack; host bits are cleared."""
    node = decoded(Node, spec={"podCIDR": "10.244.1.0/24", "podCIDRs": ["10.244.1.7/24", "fd00::/64"]})

    records = [r.record for r in TRANSLATE.pod_ranges(node) if isinstance(r, Reading)]

    assert [r.cidr for r in records if isinstance(r, Segment)] == ["10.244.1.0/24", "fd00::/64"]
    assert list(TRANSLATE.pod_ranges(decoded(Node))) == []


def test_a_service_range_is_a_segment() -> None:
    """Served from Kubernetes 1.31 on."""
    record, _ = only(TRANSLATE.service_ranges(decoded(ServiceCidr, spec={"cidrs": ["10.96.0.0/12"]})))

    assert isinstance(record, Segment)
    assert (record.cidr, record.purpose, record.is_cloud) == ("10.96.0.0/12", "service", True)


def test_a_range_that_is_no_network_costs_itself_only() -> None:
    """The API validates it: whoever answers so is no API server, and is not called complete."""
    bad, good = TRANSLATE.pod_ranges(decoded(Node, spec={"podCIDRs": ["everywhere", "10.244.1.0/24"]}))

    assert isinstance(bad, Incomplete)
    assert isinstance(good, Reading)


def test_an_object_without_a_uid_is_refused() -> None:
    """Names repeat over time, uids do not."""
    with pytest.raises(msgspec.ValidationError, match="uid"):
        msgspec.json.decode(b'{"metadata": {"name": "x"}}', type=Document)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "a\x1b[2J"),
        ("name", "a\u202eb"),
        ("name", "../secrets"),
        ("name", "a\n"),
        ("name", "a" * 254),
        ("namespace", "kube-system/secrets"),
        ("namespace", "a" * 64),
        ("uid", ""),
        ("uid", "u 1"),
        ("uid", "u" * 129),
    ],
)
def test_names_are_those_that_the_api_lets_names_be(field: str, value: str) -> None:
    """Whatever else somebody answers: it is no object, and steers nothing."""
    with pytest.raises(msgspec.ValidationError, match=field):
        decoded(Document, metadata={field: value})


@pytest.mark.parametrize("name", ["a", "web-1.example.com", "0", "a" * 253])
def test_names_of_the_api_are_taken(name: str) -> None:
    """DNS subdomains."""
    assert decoded(Document, metadata={"name": name}).metadata.name == name
