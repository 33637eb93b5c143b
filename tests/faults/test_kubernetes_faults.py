"""The fault matrix, Kubernetes: a real kube-apiserver behind a front that spoils what it is told to."""

import json
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest
from fault_plan import cases_of
from fault_run import Held, Matrix, assert_kept_when_killed, limited
from fault_sources import ClusterUnderTest
from http_fault_proxy import (
    BUSY,
    Answer,
    Ask,
    Asked,
    Between,
    Strike,
    black_hole,
    cut,
    listener,
    path_is,
    refusing_port,
    reset_everything,
    says,
    silent,
    truncated,
    untouched,
)

pytestmark = [pytest.mark.openstack, pytest.mark.apiserver, pytest.mark.sshd]

SOURCE = "Kubernetes"
DEADLINE = "[scan]\ndeadline_minutes = 0.1\n"
Bring = Callable[[ClusterUnderTest, Path, ExitStack], tuple[str, Between]]

NODES = path_is("^/api/v1/nodes$")
PODS = path_is("^/api/v1/pods$")
LATER_PODS = path_is("^/api/v1/pods$", page="continue")
NOT_FOUND = says(404, {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404})


def every(_: Asked) -> bool:
    """Whatever is asked."""
    return True


def between(do: Between, at: Callable[[Asked], bool], times: int | None = None, *, account: str = "reader") -> Bring:
    """The undisturbed config (perhaps another account's), and this on the way."""
    return lambda cluster, folder, _: (
        cluster.table(cluster.kubeconfig(folder, account=account)),
        Strike(do, at, times),
    )


def with_account(account: str) -> Bring:
    """Another account; the API server itself refuses it what it may not see."""
    return lambda cluster, folder, _: (cluster.table(cluster.kubeconfig(folder, account=account)), untouched)


def elsewhere(way: Callable[[], object]) -> Bring:
    """Another address in the kubeconfig."""

    def bring(cluster: ClusterUnderTest, folder: Path, stack: ExitStack) -> tuple[str, Between]:
        server = f"https://127.0.0.1:{stack.enter_context(way())}"  # type: ignore[arg-type]
        return cluster.table(cluster.kubeconfig(folder, server=server)), untouched

    return bring


def with_certificate(how: str) -> Bring:
    """The API server with a certificate that nobody may trust."""

    def bring(cluster: ClusterUnderTest, folder: Path, stack: ExitStack) -> tuple[str, Between]:
        server = stack.enter_context(listener(cluster.front, "apiserver", cluster.authority.bad(how)))
        return cluster.table(cluster.kubeconfig(folder, server=server)), untouched

    return bring


def first_page(asked: Asked, ask: Ask) -> Answer:
    """The first page of the listing, whatever was asked for."""
    return ask(asked.with_parameters(**{"continue": None}))


def ever_new(asked: Asked, ask: Ask) -> Answer:
    """The first page with pods that nobody has seen yet: a listing that never ends."""
    answer = first_page(asked, ask)
    document = json.loads(answer.body)
    document["metadata"] = {"continue": uuid.uuid4().hex, "resourceVersion": "1"}
    for pod in document["items"]:
        pod["metadata"]["uid"] = str(uuid.uuid4())
        pod["metadata"]["name"] = f"app-{uuid.uuid4().hex}"
    return replace(answer, body=json.dumps(document).encode())


def revoked(cluster: ClusterUnderTest, folder: Path, _: ExitStack) -> tuple[str, Between]:
    """From the second page of pods on, the token is one that the API server really has revoked."""
    dead = f"Bearer {cluster.tokens['expired']}"
    has_died = False

    def dying(asked: Asked, ask: Ask) -> Answer:
        nonlocal has_died
        has_died = has_died or LATER_PODS(asked)
        return ask(asked.with_header("Authorization", dead) if has_died else asked)

    return cluster.table(cluster.kubeconfig(folder)), Strike(dying)


def compacted(cluster: ClusterUnderTest, folder: Path, _: ExitStack) -> tuple[str, Between]:
    """etcd really forgets the snapshot between two pages: the API server answers 410."""

    def forgetting(asked: Asked, ask: Ask) -> Answer:
        cluster.service.forget_history()
        return ask(asked)

    return cluster.table(cluster.kubeconfig(folder)), Strike(forgetting, LATER_PODS, 1)


@dataclass
class Dying:
    """The API server dies with the second page of pods: from then on every connection is reset."""

    is_dead: bool = False

    def __call__(self, asked: Asked, ask: Ask) -> Answer:
        self.is_dead = self.is_dead or LATER_PODS(asked)
        return reset_everything() if self.is_dead else ask(asked)


TLS = ("signed by a stranger", "certificate expired", "certificate of another host")
BRING: dict[tuple[str, str], Bring] = {
    ("connection refused", "the API server"): elsewhere(refusing_port),
    ("timeout", "takes requests and never answers"): between(silent, every),
    ("timeout", "packets are dropped"): elsewhere(black_hole),
    ("timeout", "the second page of pods never comes"): between(silent, LATER_PODS),
    ("reset mid-page", "the second page of pods, always"): between(cut, LATER_PODS),
    ("reset mid-page", "the second page of pods, once"): between(cut, LATER_PODS, 1),
    ("401", "a revoked token"): with_account("expired"),
    ("403", "no right to pods"): with_account("narrow"),
    ("403", "rights in one namespace only"): with_account("confined"),
    ("404 on detail", "the one namespace that may be read was deleted"): between(
        NOT_FOUND, path_is("/namespaces/sys-three"), account="confined"
    ),
    ("404 on detail", "deployments are not served"): between(NOT_FOUND, path_is("/deployments$")),
    ("404 on detail", "ingresses are not served, though their API group is"): between(
        NOT_FOUND, path_is("/ingresses$")
    ),
    ("429 with Retry-After", "once"): between(BUSY, PODS, 1),
    ("429 with Retry-After", "always"): between(BUSY, every),
    ("500", "nodes, once"): between(says(500), NODES, 1),
    ("500", "nodes, always"): between(says(500), NODES),
    ("503", "once"): between(says(503), PODS, 1),
    ("503", "always"): between(says(503), every),
    ("truncated JSON", "the second page of pods"): between(truncated, LATER_PODS),
    ("duplicated page", "the first page of pods comes twice"): between(first_page, LATER_PODS, 1),
    ("endless paging loop", "continue is ignored"): between(first_page, LATER_PODS),
    ("endless paging loop", "ever new pods, until the scan's deadline"): lambda cluster, folder, _: (
        DEADLINE + cluster.table(cluster.kubeconfig(folder)),
        Strike(ever_new, PODS),
    ),
    ("expired token", "revoked in mid-listing"): revoked,
    ("expired token", "the snapshot of the listing was compacted away (410)"): compacted,
    **{("TLS error", how): with_certificate(how) for how in TLS},
    ("DNS failure", "the API server"): lambda cluster, folder, _: (
        cluster.table(cluster.kubeconfig(folder, server="https://apiserver.invalid")),
        untouched,
    ),
    ("kill -9", "the API server, in mid-listing"): lambda cluster, folder, _: (
        cluster.table(cluster.kubeconfig(folder)),
        Strike(Dying()),
    ),
}


@pytest.mark.timeout(180)
@pytest.mark.parametrize(("fault", "how"), cases_of(SOURCE))
def test_a_fault_of_the_cluster_hides_nothing(
    matrix: Matrix, cluster: ClusterUnderTest, fault: str, how: str, tmp_path: Path
) -> None:
    """No false pass, nothing gone, no hang: whatever the API server does."""
    case = (SOURCE, fault, how)
    if how == "yunhe scan and yunhe collect":
        table = cluster.table(cluster.kubeconfig(tmp_path / "client"))
        held = Held()
        with cluster.front.fault(Strike(held, LATER_PODS)):
            wait = partial(held.enough.wait, 60)
            assert_kept_when_killed(matrix, case, "kubernetes", table, wait, cluster.front.heal)
        return
    with ExitStack() as stack:
        table, fault_between = BRING[fault, how](cluster, tmp_path / "client", stack)
        if fault == "timeout":
            table = limited(table, 3)
        matrix.meet(case, "kubernetes", table, front=cluster.front, between=fault_between)
