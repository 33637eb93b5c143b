"""What a broken or hostile API server answers, by the hundred: each ends as less that was read, and says so."""

import copy
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from apiserver_service import kubeconfig
from effort import examples
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from scripted_api import Answer, Asked, scripted_api

from collectors.collector import collect
from collectors.kubernetes_source import KubernetesCollector, kubernetes_collectors
from inventory.collection import Collection
from inventory.coverage import Cell, CellResult, CellState
from inventory.guard import Guard
from inventory.settings import KubernetesSource
from inventory.text import tell

NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)
SHA = "sha256:" + "0a" * 32
METADATA: dict[str, Any] = {
    "name": "name", "namespace": "ns", "uid": "uid", "labels": {"app": "a"},
    "annotations": {"gov.cn/system-id": "XT-1"},
    "ownerReferences": [{"uid": "owner", "kind": "ReplicaSet", "controller": True}],
    "creationTimestamp": "2026-01-01T00:00:00Z",
}  # fmt: skip
CONTAINER = {
    "name": "c", "image": "i", "env": [{"name": "A", "value": "b"}], "restartPolicy": "Always",
    "resources": {"requests": {"cpu": "250m", "memory": "1Gi"}, "limits": {"cpu": "1"}},
}  # fmt: skip
VOLUMES = [
    {"name": "a", "nfs": {"server": "10.9.0.5", "path": "/e"}},
    {"name": "b", "iscsi": {"targetPortal": "10.9.0.6:3260", "iqn": "iqn", "lun": 1}},
    {"name": "c", "csi": {"driver": "nfs.csi.k8s.io", "volumeAttributes": {"server": "nas", "share": "/e"}}},
    {"name": "d", "persistentVolumeClaim": {"claimName": "data"}},
    {"name": "e", "cephfs": {"monitors": ["10.9.0.7:6789"], "path": "/a"}},
    {"name": "f", "fc": {"targetWWNs": ["50060e801049cfd1"], "lun": 0}},
]
POD_SPEC = {"nodeName": "n", "containers": [CONTAINER], "initContainers": [CONTAINER], "volumes": VOLUMES,
            "overhead": {"cpu": "1", "memory": "1Mi"}, "resources": {"requests": {"cpu": "1"}}}  # fmt: skip
TEMPLATE = {"replicas": 2, "parallelism": 1, "template": {"metadata": {"labels": {}}, "spec": POD_SPEC}}
SELECTOR = {"matchLabels": {"app": "a"}}
OBJECTS: dict[str, dict[str, Any]] = {
    "nodes": {
        "spec": {"providerID": "openstack:///0f6a5dc1-6b1d-4a0e-9f0c-5f4f2f1e7a01", "podCIDRs": ["10.244.1.0/24"]},
        "status": {
            "addresses": [{"type": "InternalIP", "address": "10.20.0.11"}],
            "capacity": {"cpu": "8", "memory": "16Gi"},
            "conditions": [{"type": "Ready", "status": "True"}],
            "nodeInfo": {"systemUUID": "u", "machineID": "m", "architecture": "arm64"},
        },
    },
    "namespaces": {"status": {"phase": "Active"}},
    "pods": {
        "spec": POD_SPEC,
        "status": {
            "phase": "Running",
            "podIP": "10.244.1.5",
            "podIPs": [{"ip": "10.244.1.5"}],
            "containerStatuses": [{"name": "c", "imageID": f"registry.test/a@{SHA}"}],
        },
    },
    **{plural: {"spec": TEMPLATE, "status": {"replicas": 1, "desiredNumberScheduled": 1}}
       for plural in ("replicasets", "deployments", "statefulsets", "daemonsets", "jobs")},
    "cronjobs": {"spec": {"schedule": "0 2 * * *", "jobTemplate": {"spec": TEMPLATE}}},
    "services": {
        "spec": {"type": "LoadBalancer", "clusterIPs": ["10.96.0.1"], "externalIPs": ["10.20.0.80"],
                 "ports": [{"port": 443, "nodePort": 30443}], "selector": {"app": "a"}},
        "status": {"loadBalancer": {"ingress": [{"ip": "10.20.0.90", "hostname": "h"}]}},
    },
    "ingresses": {"spec": {"rules": [{"host": "sb.test"}], "tls": [{"hosts": ["sb.test"]}]}},
    "networkpolicies": {
        "spec": {"podSelector": SELECTOR, "policyTypes": ["Ingress"],
                 "ingress": [{"from": [{"ipBlock": {"cidr": "10.20.0.0/16", "except": ["10.20.9.0/24"]}}]}]},
    },
    "persistentvolumes": {
        "spec": {"capacity": {"storage": "1Gi"}, "nfs": {"server": "10.9.0.5", "path": "/e"},
                 "claimRef": {"namespace": "ns", "name": "data"}, "storageClassName": "nas"},
        "status": {"phase": "Bound"},
    },
    "persistentvolumeclaims": {
        "spec": {"storageClassName": "nas", "volumeName": "v", "resources": {"requests": {"storage": "1Gi"}}},
        "status": {"phase": "Bound", "capacity": {"storage": "1Gi"}},
    },
    "storageclasses": {"provisioner": "nfs.csi.k8s.io", "parameters": {"server": "10.9.0.5", "share": "/e"}},
    "resourcequotas": {"status": {"hard": {"requests.cpu": "8"}, "used": {"requests.cpu": "1500m", "pods": "3"}}},
    "servicecidrs": {"spec": {"cidrs": ["10.96.0.0/16"]}},
}  # fmt: skip
CELLS = {
    "nodes": "host", "namespaces": "tenant", "services": "exposure", "ingresses": "exposure", "pods": "workload",
    "networkpolicies": "network_policy", "persistentvolumes": "storage", "persistentvolumeclaims": "volume_claim",
    "storageclasses": "storage_class", "resourcequotas": "quota", "servicecidrs": "segment",
    **dict.fromkeys(("replicasets", "deployments", "statefulsets", "daemonsets", "jobs", "cronjobs"), "workload"),
}  # fmt: skip
HUGE = 10 * 1024**2


def whole(plural: str, uid: str) -> dict[str, Any]:
    """An object as the API documents it."""
    made = copy.deepcopy(OBJECTS[plural])
    return {"metadata": {**copy.deepcopy(METADATA), "uid": uid, "name": f"{uid}-name"}, **made}


def places(value: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every place in a document."""
    yield at
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from places(inner, (*at, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from places(inner, (*at, number))


PLACES = [(plural, at) for plural in OBJECTS for at in places(whole(plural, "bad"))]
DEEP = "\ue000deep"
"""Stands for a hundred thousand brackets: json cannot write them."""
ODD_TEXT = st.sampled_from(
    ["", "\x1b[2J\x07", "\u202egnp.exe", "a\x00b", "../../secrets", "=1+1", "<script>", "9" * 400, "x" * 70_000, DEEP]
)
ODD_NUMBER = st.sampled_from([0, -1, 2**31, 2**63, 10**400, 1.5, -0.0, True])
ODD = st.one_of(
    st.none(),
    ODD_TEXT,
    ODD_NUMBER,
    st.sampled_from([[], {}, [None], [[]], {"": None}, ["x"] * 1000, {"a": {"b": {"c": []}}}, [{}], {"name": 7}]),
    st.text(max_size=20),
    st.recursive(
        st.none() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3), max_leaves=8
    ),
)


def put(document: Any, at: tuple[str | int, ...], value: Any) -> Any:
    """The document with something else in one place."""
    if not at:
        return value
    inner = document
    for step in at[:-1]:
        inner = inner[step]
    inner[at[-1]] = value
    return document


@dataclass
class Server:
    """A scripted API server with two good objects of everything, and its collector."""

    collector: KubernetesCollector | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)
    plural: str = ""
    page: bytes = b""
    """What is answered to the listing of `plural`."""
    asked: list[str] = field(default_factory=list)

    def answer(self, asked: Asked) -> Answer:
        plural = asked.path.rsplit("/", 1)[-1]
        self.asked.append(asked.path)
        if plural == self.plural:
            return Answer(self.page)
        if plural not in OBJECTS:
            return Answer(status=404)
        return Answer({"kind": "List", "metadata": {}, "items": []})

    def read(self, plural: str, page: str) -> tuple[CellResult, Collection]:
        """How the cell of this listing ends where this page is all of it."""
        deep = "[" * 100_000 + "]" * 100_000
        text = page.replace(json.dumps(DEEP), deep).replace(json.dumps(DEEP, ensure_ascii=False), deep)
        self.plural, self.page = plural, text.encode("utf-8", "surrogatepass")
        collection = collect([_OneCell(self, CELLS[plural])], guard=Guard(["10.250.0.0/16"]), clock=lambda: NOON)
        (result,) = collection.cells
        return result, collection


class _OneCell:
    """Reads one kind, through the runner that production uses."""

    parallel = 1

    def __init__(self, server: Server, kind: str) -> None:
        assert server.collector is not None
        self._collector, self._kind = server.collector, kind
        self.info = self._collector.info

    def plan(self) -> list[Cell]:
        return [Cell("kubernetes:test", "*", self._kind)]

    def read(self, cell: Cell) -> Iterator[Any]:
        return self._collector.read(cell)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One for all examples."""
    made = Server()
    with scripted_api(made.answer) as (url, _):
        path: Path = tmp_path_factory.mktemp("hostile") / "kubeconfig"
        path.write_text(kubeconfig(url, None))
        source = KubernetesSource(
            name="test", kubeconfig=str(path), timeout=20, requests_per_second=100_000, page_size=500
        )
        (made.collector,) = kubernetes_collectors(source, base=path.parent, clock=lambda: NOON)  # type: ignore[assignment]
        yield made


def listed(plural: str, *items: Any) -> str:
    """A page of these."""
    return json.dumps({"kind": f"{plural}List", "metadata": {"resourceVersion": "1"}, "items": items})


def speaks_plainly(result: CellResult) -> bool:
    """Whether its reason is one that may be shown."""
    said = tell(result.reason, "en") if result.reason else ""
    return len(said) < 3000 and not any(ord(c) < 32 or 0x202A <= ord(c) <= 0x202E for c in said)


FAST = settings(
    max_examples=examples(400), deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip


@FAST
@given(place=st.sampled_from(PLACES), odd=ODD)
@example(place=("pods", ("metadata", "name")), odd="x" * HUGE)
@example(place=("pods", ("metadata", "labels", "app")), odd="x" * HUGE)
@example(place=("nodes", ("spec", "podCIDRs", 0)), odd="10.0.0.0/99")
def test_one_hostile_object_costs_itself_and_never_in_silence(
    server: Server, place: tuple[str, tuple[str | int, ...]], odd: Any
) -> None:
    """Its neighbours are read; where it is not, the cell says that it is not whole."""
    plural, at = place
    damaged = put(whole(plural, "bad"), at, odd)

    result, collection = server.read(plural, listed(plural, whole(plural, "good"), damaged, whole(plural, "last")))

    assert result.state in (CellState.COMPLETE, CellState.PARTIAL, CellState.FAILED)
    assert speaks_plainly(result)
    told = {r.native_id for r in collection.records}
    is_deep = odd == DEEP
    if not is_deep and plural not in ("nodes", "servicecidrs"):
        assert {"good", "last"} <= told
    if result.state is CellState.COMPLETE and plural not in ("servicecidrs", "replicasets"):
        assert result.seen == 3


@FAST
@given(
    plural=st.sampled_from(sorted(OBJECTS)),
    at=st.sampled_from(
        [
            (),
            ("kind",),
            ("metadata",),
            ("metadata", "continue"),
            ("metadata", "remainingItemCount"),
            ("items",),
            ("items", 0),
        ]
    ),
    odd=ODD,
)
def test_a_hostile_page_is_never_a_whole_one(server: Server, plural: str, at: tuple[str | int, ...], odd: Any) -> None:
    """What is damaged here is the list itself: either everything on it was read, or the cell is not complete."""
    page = {
        "kind": f"{plural}List",
        "metadata": {"continue": "", "remainingItemCount": 0},
        "items": [whole(plural, "a")],
    }

    result, _ = server.read(plural, json.dumps(put(page, at, odd)))

    assert speaks_plainly(result)
    is_empty = at == ("items",) and odd in (None, [])
    if result.state is CellState.COMPLETE and plural not in ("servicecidrs", "replicasets"):
        assert result.seen == (0 if is_empty else 1)


@pytest.mark.parametrize("cut", [1, 20, 200, -200, -2, -1])
def test_half_a_page_is_not_a_short_one(server: Server, cut: int) -> None:
    """Wherever it breaks off."""
    page = listed("pods", *(whole("pods", f"u{n}") for n in range(20)))

    result, _ = server.read("pods", page[:cut])

    assert result.state is CellState.FAILED


def test_a_label_that_looks_like_a_token_begins_no_page(server: Server) -> None:
    """What is asked ahead of the decoding is a guess: a wrong one changes nothing of what is told."""
    pod = put(whole("pods", "a"), ("metadata", "labels"), {"continue": "elsewhere"})

    result, collection = server.read("pods", listed("pods", pod, whole("pods", "b")).replace(": ", ":"))

    assert result.state is CellState.COMPLETE
    assert [r.native_id for r in collection.records] == ["a", "b"]


def test_a_hostile_cluster_leads_to_no_secret(server: Server) -> None:
    """Nothing that it answers becomes a path of its own choosing."""
    assert server.asked
    assert not [path for path in server.asked if "secret" in path or ".." in path]
