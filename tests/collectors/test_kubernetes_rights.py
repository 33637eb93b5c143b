"""The shipped ClusterRole against a real kube-apiserver: enough, not one verb too many, and never a Secret."""

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import urllib3
import yaml
from apiserver_service import TOKENS, ApiServer, kubeconfig, unique
from scripted_api import Answer, Asked, scripted_api

from collectors.collector import collect
from collectors.diagnosis import Diagnosis, State
from collectors.kubernetes_doctor import KubernetesDoctor
from collectors.kubernetes_source import CRON_JOBS, INGRESSES, KINDS, SERVICE_RANGES, kubernetes_collectors
from inventory.collection import Collection
from inventory.coverage import CellResult, CellState
from inventory.guard import Guard
from inventory.settings import KubernetesSource
from inventory.text import tell

pytestmark = pytest.mark.apiserver

NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)
MANIFEST = Path(__file__).parents[2] / "deploy/kubernetes/clusterrole.yaml"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
PLANTED = "planted-secret-9d02"
KIND_OF = {
    "nodes": "host",
    "namespaces": "tenant",
    "pods": "workload",
    "deployments": "workload",
    "replicasets": "workload",
    "statefulsets": "workload",
    "daemonsets": "workload",
    "jobs": "workload",
    "cronjobs": "workload",
    "services": "exposure",
    "ingresses": "exposure",
    "networkpolicies": "network_policy",
    "persistentvolumes": "storage",
    "persistentvolumeclaims": "volume_claim",
    "storageclasses": "storage_class",
    "resourcequotas": "quota",
    "servicecidrs": "segment",
}
"""What the role lets us list, and the cell that is not whole without it."""


def rules() -> list[dict[str, list[str]]]:
    """Those of the shipped role."""
    (role,) = [d for d in yaml.safe_load_all(MANIFEST.read_text(encoding="utf-8")) if d["kind"] == "ClusterRole"]
    found: list[dict[str, list[str]]] = role["rules"]
    return found


@dataclass
class Account:
    """A service account of its own, with a role that a test writes."""

    apiserver: ApiServer
    kubeconfig: Path
    role: str

    def may(self, *held: dict[str, list[str]]) -> None:
        """What its role holds from now on."""
        self.apiserver.ask("PUT", f"{RBAC}/clusterroles/{self.role}", {
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
            "metadata": {"name": self.role}, "rules": list(held),
        })  # fmt: skip


def token_of(apiserver: ApiServer, namespace: str, account: str) -> str:
    """A token as `kubectl create token` gets it."""
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
    token: str = apiserver.ask("POST", path, {"spec": {"expirationSeconds": 3600}})["status"]["token"]
    return token


def kubeconfig_with(apiserver: ApiServer, token: str, *, server: str | None = None) -> Path:
    """A kubeconfig whose one user has this token."""
    path = apiserver.folder / unique("kubeconfig")
    table = json.loads(kubeconfig(server or apiserver.url, None if server else apiserver.ca))
    table["users"] = [{"name": name, "user": {"token": token}} for name in TOKENS]
    path.write_text(json.dumps(table))
    return path


@pytest.fixture(scope="module")
def shipped(apiserver: ApiServer) -> str:
    """Applies the manifest as it is shipped and returns a token of its service account."""
    places = {
        "Namespace": "/api/v1/namespaces",
        "ServiceAccount": "/api/v1/namespaces/yunhe/serviceaccounts",
        "ClusterRole": f"{RBAC}/clusterroles",
        "ClusterRoleBinding": f"{RBAC}/clusterrolebindings",
    }
    for document in yaml.safe_load_all(MANIFEST.read_text(encoding="utf-8")):
        with contextlib.suppress(RuntimeError):  # another module of the session applied it
            apiserver.create(places[document["kind"]], document)
    return token_of(apiserver, "yunhe", "yunhe")


@pytest.fixture
def account(apiserver: ApiServer) -> Iterator[Account]:
    """A service account without rights; its role is taken away again at the end."""
    name, namespace = unique("reader"), apiserver.namespace(unique("readers"))
    apiserver.create(f"/api/v1/namespaces/{namespace}/serviceaccounts", {"metadata": {"name": name}})
    apiserver.create(f"{RBAC}/clusterroles", {"metadata": {"name": name}, "rules": []})
    apiserver.create(
        f"{RBAC}/clusterrolebindings",
        {
            "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": namespace}],
        },
    )
    yield Account(apiserver, kubeconfig_with(apiserver, token_of(apiserver, namespace, name)), name)
    apiserver.ask("DELETE", f"{RBAC}/clusterrolebindings/{name}")


@pytest.fixture(scope="module")
def populated(apiserver: ApiServer) -> str:
    """A namespace with a pod, a Secret and secrets wherever a field could carry them; returns the pod's uid."""
    namespace = apiserver.namespace(unique("rights"))
    apiserver.create(
        f"/api/v1/namespaces/{namespace}/secrets", {"metadata": {"name": "db"}, "stringData": {"password": PLANTED}}
    )
    env = [{"name": "DB_PASSWORD", "value": PLANTED}]
    applied = {"kubectl.kubernetes.io/last-applied-configuration": json.dumps({"env": env})}
    pod = apiserver.pod(
        namespace,
        containers=[{"name": "app", "image": "registry.test/app:1", "env": env, "command": ["run", PLANTED]}],
        annotations=applied,
    )
    uid: str = pod["metadata"]["uid"]
    return uid


def gathered(path: Path) -> Collection:
    """Everything that the collector says, through the runner."""
    source = KubernetesSource(name="test", kubeconfig=str(path), page_size=500, timeout=20)
    collectors = kubernetes_collectors(source, base=Path(), clock=lambda: NOON)
    return collect(collectors, guard=Guard(), clock=lambda: NOON)


def cell(collection: Collection, kind: str) -> CellResult:
    """How the cell of this kind ended."""
    return next(c for c in collection.cells if c.cell.kind == kind)


def said_of_rights(path: Path) -> list[Diagnosis]:
    """What the doctor says of rights, missing and too many."""
    source = KubernetesSource(name="test", kubeconfig=str(path), timeout=20)
    doctor = KubernetesDoctor(source, base=Path(), guard=Guard(), clock=lambda: datetime.now(UTC))
    return [d for d in doctor.diagnose() if d.check in ("right", "excess")]


def test_the_shipped_role_is_enough(apiserver: ApiServer, shipped: str, populated: str) -> None:
    """The manifest as an operator applies it, and the token of its service account: every cell is complete."""
    collection = gathered(kubeconfig_with(apiserver, shipped))

    assert {c.cell.kind: c.state for c in collection.cells} == dict.fromkeys(KINDS, CellState.COMPLETE)
    assert populated in {r.native_id for r in collection.records}


def test_the_doctor_finds_the_shipped_role_neither_too_small_nor_too_large(apiserver: ApiServer, shipped: str) -> None:
    """What it tells the operator to bind must satisfy it."""
    found = said_of_rights(kubeconfig_with(apiserver, shipped))

    assert {d.check: d.state for d in found} == {"right": State.OK, "excess": State.OK}


def test_the_shipped_role_lists_and_never_secrets() -> None:
    """The manifest is what an operator is asked to trust."""
    named = {resource for rule in rules() for resource in rule.get("resources", ())}

    assert {verb for rule in rules() if "resources" in rule for verb in rule["verbs"]} == {"list"}
    assert named == set(KIND_OF)
    (discovery,) = [set(rule["nonResourceURLs"]) for rule in rules() if "nonResourceURLs" in rule]
    optional = (INGRESSES, CRON_JOBS, SERVICE_RANGES)
    assert discovery == {"/apis", *(version for resource in optional for version in resource.versions)}


@pytest.mark.parametrize("resource", KIND_OF)
def test_one_right_less_is_named_by_the_cell_that_needed_it(account: Account, populated: str, resource: str) -> None:
    """So each right is needed, and none goes missing in silence."""
    less = [{**rule, "resources": [r for r in rule.get("resources", ()) if r != resource]} for rule in rules()]
    account.may(*(rule for rule in less if rule["resources"]), *(rule for rule in rules() if "resources" not in rule))

    collection = gathered(account.kubeconfig)

    lacking = cell(collection, KIND_OF[resource])
    assert lacking.state in (CellState.PARTIAL, CellState.FAILED)
    assert lacking.reason is not None
    assert resource in tell(lacking.reason, "en")
    siblings = [r for r, kind in KIND_OF.items() if kind == KIND_OF[resource]]
    alone = siblings == [resource] and resource != "servicecidrs"  # whose cell reads the nodes' pod ranges too
    # Where other resources of the cell were read it is partial: what was read stands as presence.
    assert (lacking.state is CellState.FAILED) == alone
    whole = {c.cell.kind for c in collection.cells if c.state is CellState.COMPLETE}
    assert whole >= set(KINDS) - {KIND_OF[resource], "segment", "storage", "quota"}
    missing = [d for d in said_of_rights(account.kubeconfig) if d.check == "right"]
    assert {d.state for d in missing} == {State.ERROR}
    assert resource in "".join(tell(d.sentence, "en") for d in missing)


def test_a_right_too_many_is_a_warning(account: Account) -> None:
    """Reading what no scan reads is no harm done yet, and no need either."""
    account.may(*rules(), {"apiGroups": [""], "resources": ["configmaps", "pods/log"], "verbs": ["get", "watch"]},
                {"apiGroups": ["apps"], "resources": ["*"], "verbs": ["get"]})  # fmt: skip

    excess = [d for d in said_of_rights(account.kubeconfig) if d.check == "excess"]

    assert {d.state for d in excess} == {State.WARNING}
    sentence = "".join(tell(d.sentence, "en") for d in excess)
    assert "we may read more than a scan does" in sentence
    for name in ("configmaps", "pods/log", "*.apps"):
        assert name in sentence
    # Of the group apps all may be read; Secrets are of another group.
    assert "Secrets" not in sentence


def forwarding(apiserver: ApiServer) -> Callable[[Asked], Answer]:
    """Passes every request on to the API server as it came."""
    pool = urllib3.PoolManager(ca_cert_data=apiserver.ca)

    def forward(asked: Asked) -> Answer:
        headers = {"authorization": asked.headers["authorization"]}
        answer = pool.request(asked.method, apiserver.url + asked.path, fields=asked.query, headers=headers)
        return Answer(answer.data, status=answer.status, headers={"connection": "close"})

    return forward


def test_no_secret_is_asked_for_and_none_is_kept(apiserver: ApiServer, populated: str) -> None:
    """Even by an administrator, who would get them: each request is looked at on its way to the API server."""
    with scripted_api(forwarding(apiserver)) as (url, asked):
        collection = gathered(kubeconfig_with(apiserver, TOKENS["admin"], server=url))

    assert populated in {r.native_id for r in collection.records}
    assert {c.state for c in collection.cells} == {CellState.COMPLETE}
    assert {a.method for a in asked} == {"GET"}
    (discovery,) = [set(rule["nonResourceURLs"]) for rule in rules() if "nonResourceURLs" in rule]
    listed = {a.path.rsplit("/", 1)[-1] for a in asked if a.path not in discovery}
    assert listed == set(KIND_OF)
    kept = repr(collection.records).encode() + b"".join(collection.raws.values())
    assert PLANTED.encode() not in kept
    assert b"last-applied" not in kept
