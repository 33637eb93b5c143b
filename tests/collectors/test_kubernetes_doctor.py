"""The doctor before a real API server: what is missing, what is too much, what is hidden, whose clock is wrong."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from apiserver_service import ApiServer, kubeconfig, unique
from fault_proxy import fault_proxy
from scripted_api import Answer, Asked, scripted_api

from collectors.diagnosis import Diagnosis, State
from collectors.kubernetes_connection import REVIEWS
from collectors.kubernetes_doctor import KubernetesDoctor
from inventory.guard import Guard
from inventory.settings import KubernetesSource
from inventory.text import tell

pytestmark = pytest.mark.apiserver
CLUSTER_ROLE = Path(__file__).parents[2] / "deploy/kubernetes/clusterrole.yaml"


def looked_at(
    kubeconfig: Path, context: str, *, guard: Guard | None = None, timeout: float = 20
) -> dict[str, list[Diagnosis]]:
    source = KubernetesSource(name="test", kubeconfig=str(kubeconfig), context=context, timeout=timeout)
    doctor = KubernetesDoctor(
        source, base=Path(), guard=Guard() if guard is None else guard, clock=lambda: datetime.now(UTC)
    )
    found: dict[str, list[Diagnosis]] = {}
    for line in doctor.diagnose():
        found.setdefault(line.check, []).append(line)
    return found


def said(lines: list[Diagnosis]) -> str:
    return "\n".join(tell(line.sentence, "en") for line in lines)


def shipped_rules() -> list[dict[str, list[str]]]:
    documents = yaml.safe_load_all(CLUSTER_ROLE.read_text())
    rules: list[dict[str, list[str]]] = next(d for d in documents if d["kind"] == "ClusterRole")["rules"]
    return rules


def test_the_shipped_role_is_neither_too_little_nor_too_much(apiserver: ApiServer) -> None:
    with apiserver.allowed("auditor", *shipped_rules()):
        found = looked_at(apiserver.kubeconfig, "auditor")

    identity = found.pop("identity")
    assert {check: {line.state for line in lines} for check, lines in found.items()} == {
        check: {State.OK}
        for check in ("reach", "versions", "right", "namespaces", "excess", "estimate", "clock", "tls")
    }
    # The API server of the tests is older than the question; newer ones tell the name.
    assert "we are auditor" in said(identity) or "from 1.28 on" in said(identity)
    assert "more day(s)" in said(found["tls"])


def test_rights_to_read_secrets_or_to_write_are_named(apiserver: ApiServer) -> None:
    extra = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["list"]}
    delete = {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["delete", "patch"]}
    with apiserver.allowed("auditor", *shipped_rules(), extra, delete):
        found = looked_at(apiserver.kubeconfig, "auditor")

    assert {line.state for line in found["excess"]} == {State.WARNING}
    assert "we may list Secrets" in said(found["excess"])
    assert "delete deployments" in said(found["excess"])
    assert "patch deployments" in said(found["excess"])


def test_an_administrator_is_told_that_it_may_do_everything(apiserver: ApiServer) -> None:
    found = looked_at(apiserver.kubeconfig, "admin")

    assert {line.state for line in found["right"]} == {State.OK}
    assert "we may get, list Secrets of the whole cluster" in said(found["excess"])
    assert "we may change things: * *" in said(found["excess"])


def test_secrets_of_one_namespace_are_found_there(apiserver: ApiServer) -> None:
    """Named by the configuration's own list, since only thirty namespaces are looked at."""
    namespace = apiserver.namespace(unique("aaa"))
    secrets = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}
    with apiserver.allowed("auditor", *shipped_rules()), apiserver.allowed("auditor", secrets, namespace=namespace):
        found = looked_at(apiserver.kubeconfig, "auditor")

    assert f"we may read Secrets in {namespace}" in said(found["excess"])


def test_missing_rights_and_hidden_namespaces_are_named(apiserver: ApiServer) -> None:
    hidden, secret = apiserver.namespace(unique("aab")), apiserver.namespace(unique("aac"))
    few = [
        {"apiGroups": [""], "resources": ["namespaces", "nodes"], "verbs": ["get", "list"]},
    ]
    with apiserver.allowed("auditor", *few):
        found = looked_at(apiserver.kubeconfig, "auditor", guard=Guard([secret]))

    assert {line.state for line in found["right"]} == {State.ERROR}
    assert "pods" in said(found["right"])
    assert "deployments" in said(found["right"])
    assert "nodes" not in said(found["right"])
    assert found["namespaces"][0].state is State.ERROR
    assert hidden in said(found["namespaces"])
    assert secret not in said(found["namespaces"])


def test_without_the_list_of_namespaces_nothing_is_said_of_them(apiserver: ApiServer) -> None:
    found = looked_at(apiserver.kubeconfig, "confined")

    assert found["namespaces"][0].state is State.UNKNOWN


@pytest.mark.parametrize(("seconds", "words"), [(600, "ahead of ours"), (-600, "behind ours")])
def test_a_clock_that_is_ten_minutes_off_is_named(apiserver: ApiServer, seconds: int, words: str) -> None:
    """TLS hides the header from a proxy, so it is our own clock that is off here."""
    source = KubernetesSource(name="test", kubeconfig=str(apiserver.kubeconfig), context="admin")
    offset = datetime.now(UTC).timestamp() - seconds
    doctor = KubernetesDoctor(
        source, base=Path(), guard=Guard(), clock=lambda: datetime.fromtimestamp(offset, UTC)
    )  # fmt: skip
    (clock,) = [d for d in doctor.diagnose() if d.check == "clock"]

    assert clock.state is State.ERROR
    assert words in tell(clock.sentence, "en")


def test_nothing_is_asked_of_a_server_on_the_list(apiserver: ApiServer) -> None:
    with fault_proxy(apiserver.port) as (port, faults):
        path = apiserver.another_kubeconfig("listed", server=f"https://127.0.0.1:{port}")
        found = looked_at(path, "admin", guard=Guard(["127.0.0.0/8"]))

    assert faults.bytes_back == 0
    assert found["reach"][0].state is State.OK
    assert "do-not-scan" in said(found["reach"])


def test_a_server_that_does_not_answer_is_an_error(apiserver: ApiServer) -> None:
    path = apiserver.another_kubeconfig("closed", server="https://127.0.0.1:1")
    found = looked_at(path, "admin", timeout=2)

    assert {check: [line.state for line in lines] for check, lines in found.items()} == {
        "reach": [State.ERROR],
    }


def test_a_newer_api_server_tells_who_we_are_and_nothing_but_reviews_is_posted(tmp_path: Path) -> None:
    """SelfSubjectReview is served from 1.28 on, newer than the API server of the tests: its documented answer."""

    def script(asked: Asked) -> Answer:
        body: object = {"kind": "List", "metadata": {}, "items": []}
        match asked.path.rsplit("/", 1)[-1]:
            case "version":
                body = {"major": "1", "minor": "31+", "gitVersion": "v1.31.2\x1b[2J"}
            case "selfsubjectreviews":
                body = {"status": {"userInfo": {"username": "root", "groups": ["system:masters"]}}}
            case "selfsubjectaccessreviews":
                body = {"status": {"allowed": True}}
            case "selfsubjectrulesreviews":
                body = {"status": {"resourceRules": [{"verbs": ["*"], "resources": ["*"]}], "incomplete": True}}
        return Answer(body, status=201 if asked.method == "POST" else 200, headers={"connection": "close"})

    with scripted_api(script) as (url, asked):
        path = tmp_path / "kubeconfig"
        path.write_text(kubeconfig(url, None))
        found = looked_at(path, "admin")

    assert "we are root, groups: system:masters" in said(found["identity"])
    assert "may do everything" in said(found["excess"])
    assert "does not tell all our rules" in said(found["excess"])
    assert "\x1b" not in said(found["versions"])
    assert {a.path for a in asked if a.method != "GET"} == set(REVIEWS)
    assert {a.method for a in asked} == {"GET", "POST"}


def test_an_answer_that_is_no_review_is_an_error_and_no_crash(tmp_path: Path) -> None:
    with scripted_api(lambda _: Answer([[]], headers={"connection": "close"})) as (url, _):
        path = tmp_path / "kubeconfig"
        path.write_text(kubeconfig(url, None))
        found = looked_at(path, "admin")

    assert found["reach"][0].state is State.ERROR
