"""The kube-apiserver of the tests with as many pods as a benchmark asks for: a few made through the API, others copied.

Through the API about a hundred pods with a status are made in a second. The others are written into etcd as the API
server itself would store them: the same bytes, with names, uids and addresses of the same length in their places. The
API server reads and serves them as any other pod.
"""

import atexit
import base64
import contextlib
import http.client
import io
import json
import sys
import tarfile
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apiserver_service import ApiServer, running_apiserver

from benchmarks.report import stage

NAMESPACES = 50
NODES = 40
TEMPLATES = 20
_PER_REQUEST = 100
"""etcd takes 128 writes in one transaction."""
_PER_FILE = 2000
_PROBE = {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 10}


@dataclass(frozen=True)
class _Template:
    """A pod as etcd holds it, and what of it is another pod's."""

    key: bytes
    value: bytes
    name: str
    uid: str
    address: str


@dataclass
class ScaledCluster:
    """A running API server; its kubeconfig's context `admin` may read everything."""

    apiserver: ApiServer
    templates: tuple[_Template, ...]
    pods: int = 0
    _is_paused: bool = False

    @property
    def version(self) -> str:
        """Of the API server."""
        return str(self.apiserver.ask("GET", "/version")["gitVersion"])

    def grow(self, pods: int) -> None:
        """Copies pods until there are so many.

        Raises:
            ValueError: there are more already.
        """
        if pods < self.pods:
            raise ValueError(f"{pods} pods: there are {self.pods}")
        if pods == self.pods:
            return
        with stage(f"copying {pods - self.pods:,} pods"):
            started, before = time.monotonic(), self.pods
            while self.pods < pods:
                numbers = range(self.pods, min(pods, self.pods + _PER_FILE))
                _ask_etcd(self.apiserver, [_put(self.templates, part) for part in _parts(numbers)])
                self.pods = numbers.stop
            listed = self.apiserver.ask("GET", "/api/v1/pods", limit=1)
            count = 1 + listed["metadata"].get("remainingItemCount", 0)
            if count != pods:
                raise RuntimeError(f"{pods} pods were written, the API server counts {count}")
        print(f"{(pods - before) / (time.monotonic() - started):.0f} pods/s", file=sys.stderr)

    @contextlib.contextmanager
    def awake(self) -> Iterator["ScaledCluster"]:
        """The cluster for as long as a row needs it; after that it stands still and disturbs nobody."""
        container: Any = self.apiserver.container.get_wrapped_container()
        if self._is_paused:
            container.unpause()
            self._is_paused = False
        try:
            yield self
        finally:
            container.pause()
            self._is_paused = True

    def stop_pause(self) -> None:
        """Wakes it for good, so that it can be stopped."""
        if self._is_paused:
            self.apiserver.container.get_wrapped_container().unpause()


_running: list[ScaledCluster] = []
_stack = contextlib.ExitStack()


@contextlib.contextmanager
def cluster_of(pods: int) -> Iterator[ScaledCluster]:
    """The cluster with exactly so many pods, started the first time that it is asked for and kept until the end.

    Fewer than it has already begin with a new one.
    """
    if _running and _running[0].pods > pods:
        _stop()
    if not _running:
        _start()
    with _running[0].awake() as scaled:
        scaled.grow(max(pods, TEMPLATES))
        yield scaled


def _start() -> None:
    with stage("starting a kube-apiserver"):
        folder = Path(_stack.enter_context(tempfile.TemporaryDirectory(prefix="yunhe-bench-")))
        apiserver = _stack.enter_context(running_apiserver(folder))
    atexit.register(_stop)
    with stage(f"making {TEMPLATES} pods through the API"):
        for number in range(NAMESPACES):
            apiserver.namespace(_namespace(number), labels={"gov.cn/system-id": f"XT-{number:03}"})
        for number in range(NODES):
            apiserver.node(f"worker-{number:03}", spec={"providerID": f"openstack:///{uuid.uuid4()}"})
        templates = tuple(_template(apiserver, number) for number in range(TEMPLATES))
    _running.append(ScaledCluster(apiserver, templates, pods=TEMPLATES))


def _stop() -> None:
    while _running:
        _running.pop().stop_pause()
    _stack.close()


def _namespace(number: int) -> str:
    return f"dept-{number:03}"


def _name(number: int) -> str:
    return f"shenbao-web-{number:09}-x7k2p"


def _address(number: int) -> str:
    """Of as many characters whatever the number."""
    return f"10.{100 + number // 22500 % 150}.{100 + number // 150 % 150}.{100 + number % 150}"


def _template(apiserver: ApiServer, number: int) -> _Template:
    """A pod with what a Deployment's pod, its kubelet and a service mesh usually write into one."""
    name, app, address = _name(number), f"app-{number:02}", _address(number)
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": f"{app}-7c9f", "uid": str(uuid.uuid4())}
    made = apiserver.pod(
        _namespace(0),
        name,
        node=f"worker-{number % NODES:03}",
        containers=[{**_container(name), "livenessProbe": _PROBE} for name in (app, "sidecar")],
        spec={
            "initContainers": [_container("init")],
            "serviceAccountName": "default",
            "volumes": [
                {"name": "config", "configMap": {"name": app}},
                {"name": "data", "persistentVolumeClaim": {"claimName": f"{app}-data"}},
                {"name": "tmp", "emptyDir": {}},
            ],
            "tolerations": [{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute"}],
        },
        status=_status(app, address),
        labels={"app": app, "app.kubernetes.io/part-of": "shenbao", "tier": "web", "pod-template-hash": "7c9f"},
        annotations={"prometheus.io/scrape": "true", "prometheus.io/port": "9090", "cni.test/podIP": address},
        ownerReferences=[{**owner, "controller": True}],
    )
    key = f"/registry/pods/{_namespace(0)}/{name}".encode()
    (answer,) = _ask_etcd(apiserver, [("/v3/kv/range", {"key": _b64(key)})])
    value = base64.b64decode(json.loads(answer)["kvs"][0]["value"])
    return _Template(key, value, name, made["metadata"]["uid"], address)


def _container(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "image": f"registry.dept.test/shenbao/{name}:2.4.1",
        "env": [{"name": f"SETTING_{n}", "value": f"value of setting {n} of {name}"} for n in range(8)],
        "ports": [{"containerPort": 8080, "name": "http"}],
        "resources": {"requests": {"cpu": "250m", "memory": "512Mi"}, "limits": {"cpu": "1", "memory": "1Gi"}},
        "volumeMounts": [{"name": "config", "mountPath": "/etc/app"}, {"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108
    }


def _status(app: str, address: str) -> dict[str, Any]:
    now = "2026-11-22T02:00:00Z"
    state = {"running": {"startedAt": now}}

    def run(name: str) -> dict[str, Any]:
        digest = f"{name:0<64}".encode().hex()[:64]
        return {
            "name": name,
            "image": f"registry.dept.test/shenbao/{name}:2.4.1",
            "imageID": f"registry.dept.test/shenbao/{name}@sha256:{digest}",
            "containerID": f"containerd://{digest}",
            "ready": True,
            "restartCount": 0,
            "state": state,
        }

    return {
        "phase": "Running",
        "hostIP": "10.20.0.11",
        "podIP": address,
        "podIPs": [{"ip": address}],
        "startTime": now,
        "qosClass": "Burstable",
        "conditions": [
            {"type": kind, "status": "True", "lastTransitionTime": now}
            for kind in ("Initialized", "Ready", "ContainersReady", "PodScheduled")
        ],
        "containerStatuses": [run(app), run("sidecar")],
        "initContainerStatuses": [run("init")],
    }


def _parts(numbers: range) -> Iterator[range]:
    for start in range(numbers.start, numbers.stop, _PER_REQUEST):
        yield range(start, min(numbers.stop, start + _PER_REQUEST))


def _put(templates: tuple[_Template, ...], numbers: range) -> tuple[str, dict[str, Any]]:
    return "/v3/kv/txn", {
        "success": [{"requestPut": dict(zip(("key", "value"), _copy(templates, n), strict=True))} for n in numbers]
    }


def _copy(templates: tuple[_Template, ...], number: int) -> tuple[str, str]:
    """Key and value of a pod like one of the templates. What is replaced is as long as what replaces it."""
    template = templates[number % len(templates)]
    replaced = [
        (template.name, _name(number)),
        (_namespace(0), _namespace(number % NAMESPACES)),
        (template.uid, str(uuid.uuid4())),
        (template.address, _address(number)),
    ]
    key, value = template.key, template.value
    for old, new in replaced:
        if len(old) != len(new):
            raise AssertionError(f"{old} and {new} are not of one length")
        key, value = key.replace(old.encode(), new.encode()), value.replace(old.encode(), new.encode())
    return _b64(key), _b64(value)


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _ask_etcd(apiserver: ApiServer, questions: list[tuple[str, dict[str, Any]]]) -> list[bytes]:
    """The answers of etcd's JSON gateway. The image has no curl: bash sends the requests one behind the other.

    Raises:
        RuntimeError: an answer is not 200.
    """
    requests = b""
    for number, (path, body) in enumerate(questions, 1):
        data = json.dumps(body, separators=(",", ":")).encode()
        close = b"Connection: close\r\n" if number == len(questions) else b""
        requests += b"POST %s HTTP/1.1\r\nHost: etcd\r\n%sContent-Length: %d\r\n\r\n%s" % (
            path.encode(), close, len(data), data,
        )  # fmt: skip
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        entry = tarfile.TarInfo("requests")
        entry.size = len(requests)
        tar.addfile(entry, io.BytesIO(requests))
    container: Any = apiserver.container.get_wrapped_container()
    container.put_archive("/tmp", archive.getvalue())  # noqa: S108 - of the container
    script = "exec 3<>/dev/tcp/127.0.0.1/2379; cat /tmp/requests >&3 & cat <&3; wait"
    code, output = container.exec_run(["bash", "-c", script])
    stream = _Stream(output)
    answers = []
    for _ in questions:
        response = http.client.HTTPResponse(stream)  # type: ignore[arg-type] # all that it asks of a socket
        response.begin()
        answers.append(response.read())
        if code != 0 or response.status != 200:
            raise RuntimeError(f"etcd answered {response.status}: {answers[-1][-500:]!r}")
    return answers


class _Stream(io.BytesIO):
    """Answers one behind the other, as http.client reads them off a socket."""

    def makefile(self, *_: object) -> "_Stream":
        return self

    def close(self) -> None:
        """Not before the last one is read."""
