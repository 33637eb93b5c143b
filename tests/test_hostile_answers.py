"""200 hostile answers to each collector: records, or what is missing and why; never a crash, a hang or a silent gap.

Answers come over a real HTTP server, from files, and through a real shell; what is spoiled in them is the same on every
run. A cell that calls itself complete must hold as much as its source listed.
"""

import hashlib
import io
import json
import os
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import xlwt
from apiserver_service import kubeconfig
from hostile import DETERMINED, Spoiled, bounded_memory, check_kept, counted, spoiled, spoiled_bytes
from hypothesis import event, given
from hypothesis import strategies as st
from ledgers import read_ledger, write_csv, write_xlsx
from probe_answers import answer as probe_answer
from scripted_api import Answer, Asked, scripted_api
from scripted_cloud import LISTINGS, listing, scripted_cloud, token_document, versions
from sshd_service import SshHostSpec, ssh_hosts

from collectors import kubernetes_connection, openstack_connection, sharing_api_pages
from collectors.collector import Collector, Incomplete, Reading, Said, collect
from collectors.discovery_source import discovery_collectors
from collectors.kubernetes_source import kubernetes_collectors
from collectors.ledger_table import LedgerError
from collectors.openstack_source import openstack_collectors
from collectors.sharing_api_source import sharing_api_collectors
from collectors.ssh_facts import parse
from collectors.ssh_source import ssh_collectors
from inventory import capture_file
from inventory.capture_file import CaptureError
from inventory.collection import Collection
from inventory.coverage import Cell, CellResult, CellState, SourceInfo
from inventory.guard import Guard
from inventory.records import HostSighting, System
from inventory.settings import Discovery, KubernetesSource, OpenStackSource, SharingApi, SshSource
from inventory.text import Message, tell

pytestmark = pytest.mark.hostile

NOON = datetime(2026, 11, 20, 4, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _little_memory() -> Iterator[None]:
    with bounded_memory():
        yield


def clock() -> datetime:
    return NOON


@dataclass
class Only:
    """A collector that plans cells of one kind only: the others ask for what is not spoiled."""

    whole: Collector
    kind: str
    parallel: int = 1

    @property
    def info(self) -> SourceInfo:
        return self.whole.info

    def plan(self) -> list[Cell]:
        return [cell for cell in self.whole.plan() if cell.kind == self.kind]

    def read(self, cell: Cell) -> Iterator[Said]:
        return self.whole.read(cell)


def assert_told(message: Message) -> None:
    """That it is a sentence in both languages."""
    for language in ("en", "zh_CN"):
        assert 0 < len(tell(message, language)) < 20_000


def read(collectors: list[Collector], kind: str | None = None) -> Collection:
    """What a run keeps, checked for what holds always."""
    chosen = [Only(c, kind) for c in collectors] if kind else collectors
    found = collect(chosen, guard=Guard(), clock=clock)
    check_kept(found)
    return found


def ended(found: Collection) -> CellResult:
    """The only cell; `--hypothesis-show-statistics` shows how the 200 ended."""
    (cell,) = found.cells
    event(str(cell.state))
    return cell


# ── OpenStack ────────────────────────────────────────────────────────────────────────────────────────────────────────

OF_LISTING = {
    "/identity/v3/domains": "domain", "/identity/v3/projects": "tenant", "/compute/v2.1/servers/detail": "host",
    "/compute/v2.1/os-hypervisors/detail": "hypervisor", "/compute/v2.1/flavors/detail": "flavor",
    "/network/v2.0/ports": "port", "/network/v2.0/subnets": "segment", "/network/v2.0/routers": "router",
    "/network/v2.0/floatingips": "floating_address", "/volume/v3/p1/volumes/detail": "storage",
    "/volume/v3/p1/snapshots/detail": "snapshot",
}  # fmt: skip
"""Path of a listing to the kind of cell that tells each of its objects."""
BESIDE = {
    "/network/v2.0/networks": "segment", "/compute/v2.1/servers": "host", "/compute/v2.1/os-services": "host",
    "/compute/v2.1/os-quota-sets/p1/detail": "host",
}  # fmt: skip
"""Path of what is only looked at on the way."""


def read_cloud(folder: Path, path: str, body: bytes | Iterator[bytes], kind: str) -> Collection:
    def script(asked: Asked) -> Answer | None:
        if asked.path.rstrip("/") == path and "marker" not in asked.query:
            return Answer(body, status=201 if path.endswith("/tokens") else 200, headers={"X-Subject-Token": "t" * 32})
        return listing(asked)

    with scripted_cloud(folder, script) as (clouds, _):
        source = OpenStackSource(name="c", cloud="c", clouds_yaml=str(clouds), retries=0, timeout=20)
        return read(openstack_collectors(source, base=folder, clock=clock, guard=Guard()), kind)


@st.composite
def openstack_answers(draw: st.DrawFn) -> tuple[str, Spoiled]:
    path = draw(st.sampled_from([*OF_LISTING, *BESIDE]))
    return path, draw(spoiled(LISTINGS[path]))


@DETERMINED
@given(answer=openstack_answers())
def test_hostile_listings_of_openstack(tmp_path_factory: pytest.TempPathFactory, answer: tuple[str, Spoiled]) -> None:
    path, what = answer
    kind = OF_LISTING.get(path) or BESIDE[path]
    (key,) = LISTINGS[path]

    found = read_cloud(tmp_path_factory.mktemp("c"), path, what.body, kind)

    cell = ended(found)
    assert cell.state is not CellState.NOT_CONFIGURED
    if cell.state is CellState.COMPLETE:
        honest = len(LISTINGS[path][key]) if path in OF_LISTING else 2  # type: ignore[arg-type]
        listed = counted(what.body, key) if path in OF_LISTING else None
        # Where even a tolerant reader finds no list, only what was spoiled in fields that nobody reads may be complete.
        assert cell.seen >= (honest if listed is None else listed)


ELSEWHERE = "http://127.0.0.1:9"
DOCUMENTS = {
    "/identity/v3/auth/tokens": (token_document(ELSEWHERE), "port"),
    "/identity/v3": (versions(ELSEWHERE)["/identity/v3"], "port"),
    "/compute/v2.1": (versions(ELSEWHERE)["/compute/v2.1"], "host"),
    "/network": (versions(ELSEWHERE)["/network"], "port"),
}
"""What the libraries read by themselves, and a kind of cell that needs it."""


@st.composite
def openstack_documents(draw: st.DrawFn) -> tuple[str, Spoiled]:
    path = draw(st.sampled_from(["/identity/v3/auth/tokens", *DOCUMENTS]))
    return path, draw(spoiled(DOCUMENTS[path][0]))


@DETERMINED
@given(answer=openstack_documents())
def test_hostile_tokens_and_versions_of_openstack(
    tmp_path_factory: pytest.TempPathFactory, answer: tuple[str, Spoiled]
) -> None:
    """The libraries read these, and raise whatever comes to their minds."""
    path, what = answer
    found = read_cloud(tmp_path_factory.mktemp("c"), path, what.body, DOCUMENTS[path][1])

    cell = ended(found)
    if path.endswith("tokens"):  # its catalogue points to a port where nobody listens
        assert cell.state is not CellState.COMPLETE
        assert found.records == []
    else:
        assert cell.state is not CellState.COMPLETE or cell.seen == 2


# ── Kubernetes ───────────────────────────────────────────────────────────────────────────────────────────────────────

POD = {
    "nodeName": "n1",
    "containers": [{"name": "c", "image": "registry/app:1", "resources": {"requests": {"cpu": "250m", "memory": "1Gi"}},
                    "ports": [{"containerPort": 80}], "env": [{"name": "PASSWORD", "value": "x"}]}],
    "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "c1"}}, {"name": "n", "nfs": {
        "server": "10.0.0.9", "path": "/export"}}],
}  # fmt: skip
OBJECTS: dict[str, tuple[str, str, dict[str, object]]] = {
    "/api/v1/nodes": ("NodeList", "host", {
        "spec": {"providerID": "openstack:///8fcf0b42-f2a2-54d1-329b-575d9bc5e19c", "podCIDR": "10.244.0.0/24"},
        "status": {"addresses": [{"type": "InternalIP", "address": "10.0.0.5"}],
                   "capacity": {"cpu": "8", "memory": "16Gi"}, "conditions": [{"type": "Ready", "status": "True"}],
                   "nodeInfo": {"systemUUID": "8fcf0b42-f2a2-54d1-329b-575d9bc5e19c", "machineID": "0123"}}}),
    "/api/v1/namespaces": ("NamespaceList", "tenant", {"status": {"phase": "Active"}}),
    "/api/v1/pods": ("PodList", "workload", {"spec": POD, "status": {"phase": "Running", "podIP": "10.244.0.5"}}),
    "/apis/apps/v1/deployments": ("DeploymentList", "workload", {
        "spec": {"replicas": 2, "template": {"spec": POD}}, "status": {"replicas": 2}}),
    "/apis/batch/v1/cronjobs": ("CronJobList", "workload", {
        "spec": {"schedule": "0 0 * * *", "jobTemplate": {"spec": {"template": {"spec": POD}}}}}),
    "/api/v1/services": ("ServiceList", "exposure", {
        "spec": {"type": "NodePort", "clusterIP": "10.96.0.9", "externalIPs": ["203.0.113.7"], "selector": {"a": "b"},
                 "ports": [{"port": 80, "nodePort": 30080, "protocol": "TCP"}]},
        "status": {"loadBalancer": {"ingress": [{"ip": "203.0.113.8"}]}}}),
    "/api/v1/persistentvolumes": ("PersistentVolumeList", "storage", {
        "spec": {"capacity": {"storage": "10Gi"}, "nfs": {"server": "10.0.0.9", "path": "/export"},
                 "claimRef": {"namespace": "edu", "name": "c1"}}, "status": {"phase": "Bound"}}),
    "/apis/networking.k8s.io/v1/networkpolicies": ("NetworkPolicyList", "network_policy", {
        "spec": {"podSelector": {}, "policyTypes": ["Ingress"],
                 "ingress": [{"from": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}]}]}}),
    "/api/v1/resourcequotas": ("ResourceQuotaList", "quota", {
        "spec": {"hard": {"cpu": "8"}}, "status": {"hard": {"cpu": "8"}, "used": {"cpu": "1500m"}}}),
}  # fmt: skip


def k8s_list(path: str) -> dict[str, object]:
    """Two objects, alike but for name and uid."""
    kind, _, fields = OBJECTS[path]
    items = [
        {"metadata": {"name": f"o{n}", "uid": f"u-{path[-4:]}-{n}", "namespace": "edu", "labels": {"system": "S-1"},
                      "annotations": {"a": "b"}, "creationTimestamp": "2025-03-01T02:03:04Z",
                      "ownerReferences": [{"uid": "u-9", "kind": "ReplicaSet", "controller": True}]}, **fields}
        for n in (1, 2)
    ]  # fmt: skip
    return {"kind": kind, "apiVersion": "v1", "metadata": {"resourceVersion": "7"}, "items": items}


EMPTY_KINDS = {
    "replicasets": "ReplicaSetList", "statefulsets": "StatefulSetList", "daemonsets": "DaemonSetList",
    "jobs": "JobList", "ingresses": "IngressList", "servicecidrs": "ServiceCIDRList",
}  # fmt: skip


def read_cluster(folder: Path, path: str, body: bytes | Iterator[bytes]) -> Collection:
    def script(asked: Asked) -> Answer:
        if asked.path == path and "continue" not in asked.query:
            return Answer(body)
        if asked.path in OBJECTS:
            document = k8s_list(asked.path)
            return Answer(document if "continue" not in asked.query else {**document, "items": []})
        kind = EMPTY_KINDS.get(asked.path.rpartition("/")[2])
        return Answer({"kind": kind, "metadata": {}, "items": []}) if kind else Answer(status=404)

    with scripted_api(script) as (url, _):
        (folder / "kubeconfig").write_text(kubeconfig(url, None))
        source = KubernetesSource(name="k", kubeconfig="kubeconfig", timeout=20)
        collectors = kubernetes_collectors(source, base=folder, clock=clock, guard=Guard())
        return read(collectors, OBJECTS[path][1])


def of_others(path: str) -> int:
    """How many objects other honest lists give to the same cell."""
    return sum(2 for other, (_, kind, _) in OBJECTS.items() if other != path and kind == OBJECTS[path][1])


@st.composite
def kubernetes_answers(draw: st.DrawFn) -> tuple[str, Spoiled]:
    path = draw(st.sampled_from(sorted(OBJECTS)))
    return path, draw(spoiled(k8s_list(path)))


@pytest.mark.parametrize("path", sorted(OBJECTS))
def test_what_is_spoiled_was_a_whole_answer_of_kubernetes(tmp_path: Path, path: str) -> None:
    """Else every poison would end alike, and nothing be tested."""
    found = read_cluster(tmp_path, path, json.dumps(k8s_list(path)).encode())

    (cell,) = found.cells
    assert cell.state is CellState.COMPLETE, cell.reason
    assert cell.seen == 2 + of_others(path)


@DETERMINED
@given(answer=kubernetes_answers())
def test_hostile_lists_of_kubernetes(tmp_path_factory: pytest.TempPathFactory, answer: tuple[str, Spoiled]) -> None:
    path, what = answer
    found = read_cluster(tmp_path_factory.mktemp("k"), path, what.body)

    cell = ended(found)
    if cell.state is CellState.COMPLETE:
        listed = counted(what.body, "items")
        assert cell.seen >= 2 if listed is None else cell.seen >= listed + of_others(path)


# ── the sharing platform ─────────────────────────────────────────────────────────────────────────────────────────────

ITEMS = {
    "code": 0,
    "data": {"total": 2, "list": [
        {"id": f"30600{n}", "title": f"目录{n}", "owner": {"system": "S-1"}, "role": "提供", "share": "有条件共享",
         "published": "2026-03-31T20:00:00Z", "resource": f"api-{n}"} for n in (1, 2)]},
}  # fmt: skip


def read_platform(body: bytes | Iterator[bytes]) -> Collection:
    with scripted_api(lambda asked: Answer(body if asked.query.get("page") == "1" else {"data": {"list": []}})) as (
        url,
        _,
    ):
        entry = SharingApi(
            name="p", url=f"{url}/catalogue", items="data.list", page_param="page", retries=0, timeout=20,
            entries={"code": "id", "name": "title", "system": "owner.system", "direction": "role",
                     "sharing_type": "share", "published_on": "published", "resource_id": "resource"},
        )  # fmt: skip
        return read(sharing_api_collectors(entry, base=Path(), clock=clock, guard=Guard()))


def test_what_is_spoiled_was_a_whole_answer_of_the_platform() -> None:
    (cell,) = read_platform(json.dumps(ITEMS).encode()).cells
    assert (cell.state, cell.seen) == (CellState.COMPLETE, 2)


@DETERMINED
@given(what=spoiled(ITEMS))
def test_hostile_items_of_the_sharing_platform(what: Spoiled) -> None:
    found = read_platform(what.body)

    cell = ended(found)
    if cell.state is CellState.COMPLETE:
        listed = counted(what.body, "data", "list")
        assert cell.seen >= (2 if listed is None else listed)


# ── an answer that never ends ────────────────────────────────────────────────────────────────────────────────────────


def endless(begin: bytes, item: bytes) -> Iterator[bytes]:
    """A list that goes on until whoever reads it has had enough."""
    yield begin
    while True:
        yield item * 2_000


@pytest.mark.parametrize("source", ["openstack", "kubernetes", "sharing"])
def test_a_list_that_never_ends_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    """By size: it comes as fast as the network can carry it."""
    monkeypatch.setattr(openstack_connection, "MAX_PAGE_BYTES", 16 * 1024**2)
    monkeypatch.setattr(kubernetes_connection, "MAX_ANSWER_BYTES", 16 * 1024**2)
    monkeypatch.setattr(sharing_api_pages, "MAX_PAGE_BYTES", 16 * 1024**2)
    match source:
        case "openstack":
            found = read_cloud(tmp_path, "/network/v2.0/ports", endless(b'{"ports":[', b'{"id":"a"},'), "port")
        case "kubernetes":
            found = read_cluster(tmp_path, "/api/v1/pods", endless(b'{"kind":"PodList","items":[', b"{},"))
        case _:
            found = read_platform(endless(b'{"data":{"list":[', b'{"id":1},'))

    (cell,) = found.cells
    assert cell.state in (CellState.FAILED, CellState.PARTIAL)
    assert cell.reason is not None
    assert "larger" in tell(cell.reason, "en")


# ── SSH hosts ────────────────────────────────────────────────────────────────────────────────────────────────────────

TEXT_POISONS: dict[str, bytes] = {
    "nothing": b"", "NUL": b"\x00", "escapes of a terminal": b"\x1b[2J\x1b]0;x\x07", "bidi": "\u202e\u2066".encode(),
    "no UTF-8": b"\xff\xfe\xc0\x80", "UTF-8 of a surrogate": b"\xed\xa0\x80", "a huge number": b"9" * 100_000,
    "a negative number": b"-1", "10 MB without a line end": b"A" * 10 * 1024**2, "100000 lines": b"|a b c\n" * 100_000,
    "another begin": b"\n@@ begin hostname 1000\n", "an end": b"\n@@ end hostname\n", "done": b"\n@@ done\n",
    "another header": b"\n@@ yunhe-probe 1\n", "a limit beyond all": b"\n@@ begin hostname 99999999999999999999\n",
    "a section of its own": b"\n@@ begin evil 5\n|x\n\n@@ end evil\n", "percent": b"%s{0}{source}",
    "an address that is none": b" 999.1.1.1/99 ", "full-width digits": "１２３".encode(),
    "carriage returns": b"\r\r\r\n",
}  # fmt: skip


def spoiled_text(whole: bytes) -> st.SearchStrategy[Spoiled]:
    """Lines of a probe's answer with a poison in them, dropped, repeated or in another order; or the bytes spoiled."""
    lines = whole.split(b"\n")
    number = st.integers(0, len(lines) - 1)

    def poisoned(at: int, name: str, *, whole_line: bool) -> Spoiled:
        line = TEXT_POISONS[name] if whole_line else lines[at][: len(lines[at]) // 2] + TEXT_POISONS[name]
        return Spoiled(f"{name} in line {at}", b"\n".join([*lines[:at], line, *lines[at + 1 :]]))

    return st.one_of(
        st.builds(poisoned, number, st.sampled_from(sorted(TEXT_POISONS)), whole_line=st.booleans()),
        st.builds(poisoned, number, st.sampled_from(sorted(TEXT_POISONS)), whole_line=st.booleans()),
        number.map(lambda n: Spoiled(f"without line {n}", b"\n".join([*lines[:n], *lines[n + 1 :]]))),
        st.tuples(number, number).map(
            lambda two: Spoiled(f"line {two[0]} also after {two[1]}",
                                b"\n".join([*lines[: two[1]], lines[two[0]], *lines[two[1] :]]))),
        spoiled_bytes(whole),
    )  # fmt: skip


@dataclass
class Probed:
    """A host whose answer is given: what the collector does once the bytes are there."""

    answer: bytes
    parallel: int = 1

    @property
    def info(self) -> SourceInfo:
        return SourceInfo(name="ssh:hosts", type="ssh")

    def plan(self) -> list[Cell]:
        return [Cell("ssh:hosts", "app1", "host")]

    def read(self, cell: Cell) -> Iterator[Said]:
        facts = parse(self.answer, source=cell.source, native_id=cell.scope, zone=None, observed_at=NOON)
        yield Reading(facts.sighting, facts.raw)
        for problem in facts.problems:
            yield Incomplete(problem)


WHOLE_PROBE = probe_answer()


def test_what_is_spoiled_was_a_whole_answer_of_a_host() -> None:
    assert read([Probed(WHOLE_PROBE)]).cells[0].state is CellState.COMPLETE


@DETERMINED
@given(what=spoiled_text(WHOLE_PROBE))
def test_hostile_answers_of_ssh_hosts(what: Spoiled) -> None:
    """Through the reader of what comes over the wire; the wire itself is below and in test_ssh_source."""
    found = read([Probed(what.body)])

    cell = ended(found)
    if cell.state is CellState.COMPLETE:
        # Every section was there, whole and once: nothing that a section may hold makes a host disappear.
        assert cell.seen == 1
        assert what.body.count(b"@@ done") >= 1


HOSTILE_LOGINS = {
    "10 MB without a line end": CellState.FAILED,
    "escapes of a terminal": CellState.COMPLETE,
    "another begin": CellState.PARTIAL,
}
"""In the middle of a host's name, and how such a host must end."""


@pytest.mark.sshd
def test_hostile_answers_of_ssh_hosts_over_the_wire(tmp_path: Path) -> None:
    """A real sshd whose ForceCommand prints a prepared answer: three, since each is a container."""
    specs = []
    for number, name in enumerate(HOSTILE_LOGINS):
        middle = WHOLE_PROBE.index(b"|zwfw-app-01")
        body = WHOLE_PROBE[:middle] + b"|" + TEXT_POISONS[name] + WHOLE_PROBE[middle:]
        script = tmp_path / f"answer{number}.sh"
        (tmp_path / f"answer{number}").write_bytes(body)
        script.write_text("cat >/dev/null\ncat /usr/local/lib/yunhe/answer\n")
        volumes = (
            (str(script), "/usr/local/lib/yunhe/ssh_probe.sh"),
            (str(tmp_path / f"answer{number}"), "/usr/local/lib/yunhe/answer"),
        )
        specs.append(SshHostSpec(alias=f"h{number}", mode="probe", volumes=volumes))
    with ssh_hosts(tmp_path, *specs) as farm:
        source = SshSource(
            name="hosts", hosts=tuple(farm.hosts), ssh_config=str(farm.ssh_config), known_hosts=str(farm.known_hosts)
        )
        found = read(ssh_collectors(source, base=tmp_path, clock=clock, guard=Guard()))

    assert [c.state for c in sorted(found.cells, key=lambda c: c.cell)] == list(HOSTILE_LOGINS.values())
    assert all(c.seen == (c.state is not CellState.FAILED) for c in found.cells)
    assert not any("\x1b" in repr(r.name) for r in found.records if isinstance(r, HostSighting))


# ── ledgers ──────────────────────────────────────────────────────────────────────────────────────────────────────────

ROWS = [
    ["系统编号", "系统名称", "项目编号", "责任单位", "等保级别", "主机", "上线日期"],
    ["S-1", "教务系统", "P-1", "市教育局", "三级", "10.0.0.5", "2024-03-05"],
    ["S-2", "门户网站", "P-1", "市教育局", "二级", "10.0.0.6、10.0.0.7", "2024-04-05"],
]


def ledger_files(folder: Path) -> dict[str, bytes]:
    """The same register in every form in which it may come."""
    write_xlsx(folder / "l.xlsx", ROWS)
    write_csv(folder / "l.csv", ROWS)
    write_csv(folder / "gb.csv", ROWS, encoding="gb18030")
    book = xlwt.Workbook()
    sheet = book.add_sheet("台账")
    for r, row in enumerate(ROWS):
        for c, value in enumerate(row):
            sheet.write(r, c, value)
    book.save(str(folder / "l.xls"))
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def rezipped(whole: bytes, member: str, body: bytes) -> bytes:
    """The workbook with another member of that name, packed as it should be."""
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole)) as source, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            target.writestr(name, body if name == member else source.read(name))
    return packed.getvalue()


@st.composite
def ledger_answers(draw: st.DrawFn, files: dict[str, bytes]) -> tuple[str, Spoiled]:
    name = draw(st.sampled_from(sorted(files)))
    whole = files[name]
    if name == "l.xlsx" and draw(st.booleans()):  # else nearly all would be broken archives
        with zipfile.ZipFile(io.BytesIO(whole)) as archive:
            member = draw(st.sampled_from(sorted(n for n in archive.namelist() if n.endswith((".xml", ".rels")))))
            inner = draw(spoiled_bytes(archive.read(member)))
        return name, Spoiled(f"{member}: {inner.what}", rezipped(whole, member, inner.body))
    return name, draw(spoiled_bytes(whole))


def read_register(path: Path) -> Collection | LedgerError:
    """What a run keeps of it, or why it refuses to begin: a ledger that cannot be used is the operator's to mend."""
    try:
        found = read_ledger(path, "systems")
    except LedgerError as error:
        assert_told(error.message)
        return error
    check_kept(found)
    return found


@pytest.fixture(scope="module")
def ledgers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return ledger_files(tmp_path_factory.mktemp("ledgers"))


@pytest.mark.parametrize("name", ["gb.csv", "l.csv", "l.xls", "l.xlsx"])
def test_what_is_spoiled_was_a_whole_ledger(tmp_path: Path, ledgers: dict[str, bytes], name: str) -> None:
    (tmp_path / name).write_bytes(ledgers[name])
    found = read_register(tmp_path / name)

    assert isinstance(found, Collection)
    assert {r.native_id for r in found.records} >= {"S-1", "S-2"}
    assert {c.state for c in found.cells} == {CellState.COMPLETE}


@DETERMINED
@given(data=st.data())
def test_hostile_ledgers(
    tmp_path_factory: pytest.TempPathFactory, ledgers: dict[str, bytes], data: st.DataObject
) -> None:
    """Workbooks, old workbooks, CSV in both encodings."""
    name, what = data.draw(ledger_answers(ledgers))
    path = tmp_path_factory.mktemp("l") / name
    path.write_bytes(what.body)

    found = read_register(path)

    event("refused" if isinstance(found, LedgerError) else ", ".join(sorted({c.state for c in found.cells})))
    if isinstance(found, Collection) and all(c.state is CellState.COMPLETE for c in found.cells):
        read_rows = len([r for r in found.records if isinstance(r, System)])
        assert read_rows >= min(2, _rows_in(name, what.body)), "a row is gone and nothing says so"


def _rows_in(name: str, body: bytes) -> int:
    """How many rows are still plainly there, to a reader with grep."""
    if name.endswith(".csv"):
        return len([line for line in body.split(b"\n")[1:] if line.strip(b"\r, \x00")])
    if name.endswith(".xls"):
        return 2  # a file of records, each of which says how long it is: what is left of it is no workbook
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        return len(re.findall(rb"<row [^<>]*>.*?</row>", archive.read("xl/worksheets/sheet1.xml"))) - 1


# ── files of what was seen on the wire ───────────────────────────────────────────────────────────────────────────────

DISCOVERED = {
    "nmap": b'<?xml version="1.0"?>\n<!DOCTYPE nmaprun>\n<nmaprun scanner="nmap" start="1795160000">\n'
    + b"".join(
        b'<host><status state="up" reason="syn-ack"/><address addr="10.0.0.%d" addrtype="ipv4"/>'
        b'<address addr="52:54:00:00:00:0%d" addrtype="mac" vendor="QEMU"/><hostnames><hostname name="h%d" type="PTR"/>'
        b'</hostnames><ports><port protocol="tcp" portid="22"><state state="open"/></port></ports></host>\n' % (n, n, n)
        for n in (1, 2)
    )
    + b'<runstats><finished time="1795161600" exit="success"/></runstats>\n</nmaprun>\n',
    "arp": b"10.0.0.1 dev eth0 lladdr 52:54:00:00:00:01 REACHABLE\n10.0.0.2 dev eth0 lladdr 52:54:00:00:00:02 STALE\n",
    "dhcp": b"".join(
        b"lease 10.0.0.%d {\n  starts 4 2026/11/19 01:00:00;\n  ends 6 2026/11/28 01:00:00;\n  binding state active;\n"
        b'  hardware ethernet 52:54:00:00:00:0%d;\n  client-hostname "h%d";\n}\n' % (n, n, n)
        for n in (1, 2)
    ),
}


def read_discovered(folder: Path, kind: str, body: bytes) -> Collection:
    (folder / "seen").write_bytes(body)
    os.utime(folder / "seen", (NOON.timestamp(), NOON.timestamp()))
    entry = Discovery(name="d", kind=kind, path="seen", max_age_hours=100_000)  # type: ignore[arg-type]
    return read(discovery_collectors(entry, base=folder, clock=clock))


@pytest.mark.parametrize("kind", sorted(DISCOVERED))
def test_what_is_spoiled_was_a_whole_file_of_what_was_seen(tmp_path: Path, kind: str) -> None:
    (cell,) = read_discovered(tmp_path, kind, DISCOVERED[kind]).cells
    assert (cell.state, cell.seen) == (CellState.COMPLETE, 2)


@DETERMINED
@given(data=st.data())
def test_hostile_files_of_what_was_seen(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(sorted(DISCOVERED)))
    what = data.draw(spoiled_text(DISCOVERED[kind]))

    found = read_discovered(tmp_path_factory.mktemp("d"), kind, what.body)

    cell = ended(found)
    if cell.state is CellState.COMPLETE:
        # Lines, not records: two of them may turn out to be one machine.
        lines = [line for raw in found.raws.values() for line in json.loads(raw)["lines"]]
        assert len(lines) >= min(2, _machines_in(kind, what.body)), "a machine is gone and nothing says so"


def _machines_in(kind: str, body: bytes) -> int:
    """How many machines are still plainly there, to a reader with grep."""
    match kind:
        case "arp":
            return sum(b"lladdr 52:54:00" in line and b"\x00" not in line for line in body.split(b"\n"))
        case "dhcp":
            blocks = re.findall(rb"(?s)^lease 10\.0\.0\.\d \{.*?^\}$", body, re.MULTILINE)
            return len({b[:16] for b in blocks if b.count(b"lease 10.") == 1 and b"  binding state active;\n" in b
                        and b"  ends 6 2026/11/28 01:00:00;\n" in b})  # fmt: skip
        case _:
            return len(re.findall(rb'<host><status state="up" reason="syn-ack"/>', body))


# ── captures ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory, ledgers: dict[str, bytes]) -> bytes:
    folder = tmp_path_factory.mktemp("capture")
    (folder / "l.csv").write_bytes(ledgers["l.csv"])
    path = folder / "c.yunhe"
    capture_file.write(read_ledger(folder / "l.csv", "systems"), path, tool="test")
    return path.read_bytes()


def resealed(whole: bytes, member: str, body: bytes) -> bytes:
    """The capture with another member, its digest corrected: as somebody would write who means it."""
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        manifest = json.loads(archive.read("manifest.json"))
    if member == "manifest.json":
        return rezipped(whole, member, body)
    manifest["members"][member] = hashlib.sha256(body).hexdigest()
    return rezipped(rezipped(whole, member, body), "manifest.json", json.dumps(manifest).encode())


@st.composite
def captures(draw: st.DrawFn, whole: bytes) -> Spoiled:
    if draw(st.integers(0, 3)) == 0:
        return draw(spoiled_bytes(whole))
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        member = draw(st.sampled_from([n for n in archive.namelist() if archive.read(n).strip()]))
        lines = archive.read(member).splitlines()
    at = draw(st.integers(0, len(lines) - 1))
    inner = draw(spoiled(json.loads(lines[at])))
    body = b"\n".join([*lines[:at], inner.body, *lines[at + 1 :]]) + b"\n"
    return Spoiled(f"{member}, line {at}: {inner.what}", resealed(whole, member, body))


@DETERMINED
@given(data=st.data())
def test_hostile_captures(tmp_path_factory: pytest.TempPathFactory, capture: bytes, data: st.DataObject) -> None:
    """What is read is what was sealed, line by line; anything else is refused in one sentence."""
    what = data.draw(captures(capture))
    path = tmp_path_factory.mktemp("c") / "c.yunhe"
    path.write_bytes(what.body)

    try:
        found = capture_file.read(path)
    except CaptureError as error:
        event("refused")
        assert_told(error.message)
        return
    check_kept(found)
    with zipfile.ZipFile(path) as archive:
        assert len(found.records) == len([x for x in archive.read("records.jsonl").splitlines() if x.strip()])
