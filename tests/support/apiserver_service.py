"""The real kube-apiserver of tests/services/kubernetes: started once a session, filled through its API.

No kubelet runs: nodes and pods are objects whose status the tests write. Everything that a test creates stays for the
session, so a test looks for its own objects, by uid.
"""

import base64
import contextlib
import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from services import PATIENT, build_image, docker_missing

if TYPE_CHECKING:
    from testcontainers.core.container import DockerContainer

JSON = dict[str, Any]
TOKENS = {"admin": "admin-token", "auditor": "auditor-token", "confined": "confined-token", "wrong": "no-such-token"}
"""User (and context) to token. RBAC gives `auditor` and `confined` nothing until a test does; `wrong` is nobody."""


@dataclass(frozen=True)
class ApiServer:
    """A running kube-apiserver with a kubeconfig that has a context for each of TOKENS."""

    container: "DockerContainer"
    port: int
    ca: str
    folder: Path

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"https://127.0.0.1:{self.port}"

    @property
    def kubeconfig(self) -> Path:
        """The file with the contexts."""
        return self.folder / "kubeconfig"

    def another_kubeconfig(
        self, name: str, *, server: str | None = None, ca: str | None = None, namespace: str | None = None
    ) -> Path:
        """The same contexts, elsewhere, trusting another CA, or naming a namespace."""
        path = self.folder / name
        path.write_text(kubeconfig(server or self.url, self.ca if ca is None else ca, namespace=namespace))
        return path

    def ask(self, method: str, path: str, body: object = None, **query: str | int) -> JSON:
        """One request as the administrator.

        Raises:
            RuntimeError: the answer is not 2xx.
        """
        import urllib3

        patch = "application/strategic-merge-patch+json"
        with urllib3.PoolManager(ca_cert_data=self.ca) as pool:
            response = pool.request(
                method,
                f"{self.url}{path}" + (f"?{urlencode(query)}" if query else ""),
                body=json.dumps(body).encode() if body is not None else None,
                headers={
                    "Authorization": f"Bearer {TOKENS['admin']}",
                    "Content-Type": patch if method == "PATCH" else "application/json",
                },
            )
        if response.status >= 300:
            raise RuntimeError(f"{method} {path}: {response.status} {response.data[:500]!r}")
        answer: JSON = response.json()
        return answer

    def create(self, path: str, body: Mapping[str, Any], *, status: Mapping[str, Any] | None = None) -> JSON:
        """Creates an object, writes its status where one is given, and returns what then stands."""
        made = self.ask("POST", path, body)
        if status is None:
            return made
        return self.ask("PATCH", f"{path}/{made['metadata']['name']}/status", {"status": status})

    def namespace(self, name: str | None = None, **metadata: Any) -> str:
        """Creates a namespace and returns its name (default: one that nobody has yet)."""
        name = name or unique("ns")
        self.create("/api/v1/namespaces", {"metadata": {"name": name, **metadata}})
        return name

    def node(
        self,
        name: str | None = None,
        *,
        spec: Mapping[str, Any] | None = None,
        status: Mapping[str, Any] | None = None,
        **metadata: Any,
    ) -> JSON:
        """Creates a node; `status` is merged over that of an ordinary kubelet."""
        ordinary = {
            "addresses": [{"type": "InternalIP", "address": "10.20.0.11"}],
            "capacity": {"cpu": "8", "memory": "16Gi", "pods": "110"},
            "conditions": [{"type": "Ready", "status": "True"}],
        }
        return self.create(
            "/api/v1/nodes",
            {"metadata": {"name": name or unique("node"), **metadata}, "spec": dict(spec or {})},
            status={**ordinary, **(status or {})},
        )

    def pod(
        self,
        namespace: str,
        name: str | None = None,
        *,
        node: str | None = None,
        containers: list[JSON] | None = None,
        spec: Mapping[str, Any] | None = None,
        status: Mapping[str, Any] | None = None,
        **metadata: Any,
    ) -> JSON:
        """Creates a pod, bound to `node` where one is named."""
        body = {"containers": containers or [{"name": "app", "image": "registry.test/app:1"}], **(spec or {})}
        if node:
            body["nodeName"] = node
        return self.create(
            f"/api/v1/namespaces/{namespace}/pods",
            {"metadata": {"name": name or unique("pod"), **metadata}, "spec": body},
            status={"phase": "Running", **(status or {})},
        )

    def controller(
        self,
        namespace: str,
        kind: str,
        name: str | None = None,
        *,
        spec: Mapping[str, Any] | None = None,
        **metadata: Any,
    ) -> JSON:
        """Creates a Deployment, ReplicaSet, StatefulSet or DaemonSet of one container."""
        name = name or unique(kind.lower())
        body: JSON = {"selector": {"matchLabels": {"app": name}}, "template": pod_template(name), **(spec or {})}
        if kind == "StatefulSet":
            body.setdefault("serviceName", name)
        return self.create(
            f"/apis/apps/v1/namespaces/{namespace}/{kind.lower()}s",
            {"metadata": {"name": name, **metadata}, "spec": body},
        )

    @contextlib.contextmanager
    def allowed(self, user: str, *rules: Mapping[str, list[str]], namespace: str | None = None) -> Iterator[None]:
        """The user holds these rights as long as the block lasts: other tests count on its having none."""
        name = unique(user)
        kind = "Role" if namespace else "ClusterRole"
        rbac = "/apis/rbac.authorization.k8s.io/v1" + (f"/namespaces/{namespace}" if namespace else "")
        roles, bindings = f"{rbac}/{kind.lower()}s", f"{rbac}/{kind.lower()}bindings"
        self.create(roles, {"metadata": {"name": name}, "rules": list(rules)})
        binding = {
            "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name},
            "subjects": [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": user}],
        }
        self.create(bindings, binding)
        try:
            yield
        finally:
            self.ask("DELETE", f"{bindings}/{name}")
            self.ask("DELETE", f"{roles}/{name}")

    def forget_history(self) -> None:
        """Makes etcd drop every revision before now: snapshots that are being paged through are Gone (410)."""
        # A new revision first: the newest one is never dropped. Of something that nobody lists.
        self.create("/api/v1/namespaces/default/configmaps", {"metadata": {"name": unique("revision")}})
        listed = self.ask("GET", "/api/v1/namespaces", limit=1)
        body = json.dumps({"revision": listed["metadata"]["resourceVersion"], "physical": True})
        # The image has no curl and no etcdctl; bash and etcd's own JSON gateway do.
        request = f"POST /v3/kv/compaction HTTP/1.0\\r\\nContent-Length: {len(body)}\\r\\n\\r\\n"
        script = f"exec 3<>/dev/tcp/127.0.0.1/2379; printf '{request}%s' '{body}' >&3; cat <&3"
        code, output = self.container.exec(["bash", "-c", script])
        if code != 0 or b"200 OK" not in output:
            raise RuntimeError(f"etcd did not compact: {output.decode('utf-8', 'replace')[-500:]}")


def unique(stem: str) -> str:
    """A name that nobody has yet."""
    return f"{stem.lower()}-{uuid.uuid4().hex[:8]}"


def lists(*resources: str, group: str = "") -> dict[str, list[str]]:
    """A rule that lets one get and list these."""
    return {"apiGroups": [group], "resources": list(resources), "verbs": ["get", "list"]}


def pod_template(name: str, **container: Any) -> JSON:
    """A pod template of one container."""
    return {
        "metadata": {"labels": {"app": name}},
        "spec": {"containers": [{"name": "app", "image": f"registry.test/{name}:1", **container}]},
    }


def kubeconfig(server: str, ca: str | None, *, namespace: str | None = None) -> str:
    """A kubeconfig (JSON, which is YAML) with a context for each of TOKENS; `admin` is current."""
    cluster: JSON = {"server": server}
    if ca:
        cluster["certificate-authority-data"] = base64.b64encode(ca.encode()).decode()
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "admin",
            "clusters": [{"name": "test", "cluster": cluster}],
            "users": [{"name": user, "user": {"token": token}} for user, token in TOKENS.items()],
            "contexts": [
                {
                    "name": user,
                    "context": {"cluster": "test", "user": user, **({"namespace": namespace} if namespace else {})},
                }
                for user in TOKENS
            ],
        },
        indent=1,
    )


@contextlib.contextmanager
def running_apiserver(folder: Path) -> Iterator[ApiServer]:
    """Starts the service on a free port of loopback, writes its kubeconfig into the folder, and stops it again."""
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.wait_strategies import LogMessageWaitStrategy

    container = DockerContainer(build_image("kubernetes"), docker_client_kw=PATIENT)
    container.ports["6443/tcp"] = ("127.0.0.1",)
    container.waiting_for(LogMessageWaitStrategy("apiserver: ready").with_startup_timeout(120))
    with container:
        code, ca = container.exec(["cat", "/var/lib/apiserver/tls.crt"])
        assert code == 0
        server = ApiServer(container, int(container.get_exposed_port(6443)), ca.decode(), folder)
        server.kubeconfig.write_text(kubeconfig(server.url, server.ca))
        yield server


@pytest.fixture(scope="session")
def apiserver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """A kube-apiserver with RBAC, on a free port of loopback."""
    reason = docker_missing()
    if reason:
        pytest.skip(reason)
    with running_apiserver(tmp_path_factory.mktemp("apiserver")) as server:
        yield server
