"""Kubeconfigs that cannot be used, and API servers that cannot be trusted: each one clear sentence, none a hang."""

import contextlib
import itertools
import json
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from apiserver_service import kubeconfig
from json_server import Answer as JsonAnswer
from json_server import json_server
from processes import is_gone, soon
from scripted_api import Answer, Asked, scripted_api
from services import need_program

from collectors import kubernetes_connection
from collectors.collector import Incomplete, collect
from collectors.errors import CollectorError, TimedOut, Unauthorized, Unreachable, Unreadable
from collectors.kubernetes_connection import Forbidden, KubernetesCluster
from collectors.kubernetes_objects import Namespace
from collectors.kubernetes_pages import list_documents
from collectors.kubernetes_source import kubernetes_collectors
from inventory.collection import Collection
from inventory.coverage import CellResult, CellState
from inventory.guard import Guard
from inventory.settings import KubernetesSource
from inventory.text import tell

NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)
TOKEN = "planted-token-77aa"
ROOT = Path(__file__).parents[2]
ENGLISH = {**os.environ, "LC_ALL": "C.UTF-8", "LANGUAGE": ""}


def cluster(path: Path, context: str | None = None, *, timeout: float = 5) -> KubernetesCluster:
    """The connection as the config would make it."""
    return KubernetesCluster(
        KubernetesSource(name="test", kubeconfig=str(path), context=context, timeout=timeout), base=path.parent
    )


def written(tmp_path: Path, **changes: object) -> Path:
    """A kubeconfig for a server that is never asked, with these top-level keys changed."""
    table = json.loads(kubeconfig("https://127.0.0.1:1", None)) | changes
    path = tmp_path / "kubeconfig"
    path.write_text(json.dumps(table))
    return path


def sentence(path: Path, context: str | None = None) -> str:
    """Why the kubeconfig cannot be used."""
    with pytest.raises(CollectorError) as caught:
        cluster(path, context).get("/version")
    said = str(caught.value)
    assert "\n" not in said
    return said


def test_a_missing_context_is_named_with_those_that_there_are(tmp_path: Path) -> None:
    """The operator mistyped it, or took the wrong file."""
    said = sentence(written(tmp_path), "prod")

    assert "has no context prod; it has admin, auditor, confined, wrong" in said


def test_a_kubeconfig_without_a_current_context_asks_for_one(tmp_path: Path) -> None:
    """Never a guess."""
    assert "has no current context; name one with the key context" in sentence(
        written(tmp_path, **{"current-context": ""})
    )


@pytest.mark.parametrize(("key", "what"), [("clusters", "cluster"), ("users", "user")])
def test_a_context_that_names_nothing_is_an_error(tmp_path: Path, key: str, what: str) -> None:
    """Half a kubeconfig."""
    assert f"context admin of {tmp_path}/kubeconfig names a {what} that is not there" in sentence(
        written(tmp_path, **{key: []})
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "NoneType"),
        (b"- a\n- b\n", "list"),
        (b"a: [1, 2\nb: }\n", "YAML, line 2"),
        (b"\xff\xfe\x00", "UnicodeDecodeError"),
        (b"x" * (kubernetes_connection.MAX_KUBECONFIG_BYTES + 1), "bytes"),
    ],
)
def test_a_file_that_is_no_kubeconfig_is_one_sentence(tmp_path: Path, content: bytes, reason: str) -> None:
    """With the place where that is known."""
    path = tmp_path / "kubeconfig"
    path.write_bytes(content)

    said = sentence(path)

    assert f"{path} cannot be read" in said
    assert reason in said
    assert "expected a kubeconfig" in said


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    """The config is checked for it at load, the file may vanish later."""
    assert "cannot be read (No such file or directory)" in sentence(tmp_path / "gone")


def test_an_odd_shape_does_not_quote_the_credentials(tmp_path: Path) -> None:
    """The client's own errors repeat whole entries, tokens included; ours do not."""
    users = [{"name": "admin", "user": {"token": TOKEN, "client-certificate": "missing.pem", "client-key": 7}}]
    server = "https://127.0.0.1:1"
    odd: list[dict[str, object]] = [
        {"users": users},
        {"users": {"admin": TOKEN}},
        {"users": [{"name": "admin", "user": TOKEN}]},
        {"clusters": [{"name": "test", "cluster": {"server": "", "token": TOKEN}}]},
        {"clusters": [{"name": "test", "cluster": {"server": "https://127.0.0.1:x"}}]},
        {"clusters": [{"name": "test", "cluster": {"server": server, "certificate-authority-data": "???"}}]},
        {"clusters": [{"name": "test", "cluster": {"server": server, "certificate-authority-data": "aGk="}}]},
        {"clusters": [{"name": "test", "cluster": {"token": TOKEN}}]},
    ]
    for changes in odd:
        said = sentence(written(tmp_path, **changes))
        assert "kubernetes:test" in said
        assert TOKEN not in said


def test_a_token_with_a_line_break_is_not_quoted(tmp_path: Path) -> None:
    """http.client refuses the header and repeats it."""
    users = [{"name": "admin", "user": {"token": f"{TOKEN}\r\nx: y"}}]
    with scripted_api(lambda _: Answer()) as (url, asked):
        path = written(tmp_path, users=users, clusters=[{"name": "test", "cluster": {"server": url}}])

        said = sentence(path)

        assert asked == []
    assert "cannot be sent" in said
    assert TOKEN not in said


@pytest.mark.parametrize("has_old_setpriv", [False, True])
def test_a_credential_plugin_runs_as_it_does_for_kubectl(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_old_setpriv: bool
) -> None:
    """Its token is used; a plugin that fails is told apart from an API server that refuses."""
    if has_old_setpriv:
        (tmp_path / "setpriv").write_text("#!/bin/sh\nexit 1\n")
        (tmp_path / "setpriv").chmod(stat.S_IRWXU)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    plugin = tmp_path / "plugin"
    credential = {
        "apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "from-plugin"},
    }  # fmt: skip
    plugin.write_text(f"#!/bin/sh\necho '{json.dumps(credential)}'\n")
    plugin.chmod(stat.S_IRWXU)
    with scripted_api(lambda _: Answer()) as (url, asked):

        def path(command: str) -> Path:
            run = {"apiVersion": "client.authentication.k8s.io/v1", "command": command, "interactiveMode": "Never"}
            users = [{"name": "admin", "user": {"exec": run}}]
            return written(tmp_path, users=users, clusters=[{"name": "test", "cluster": {"server": url}}])

        cluster(path(str(plugin))).get("/version")
        assert asked[0].headers["authorization"] == "Bearer from-plugin"

        assert "the credential plugin of context admin gave no credentials" in sentence(path("/bin/false"))


def plugged(tmp_path: Path, script: str, **changes: object) -> Path:
    """The folder of a configuration whose only source gets its credentials from this shell script."""
    run = {"apiVersion": "client.authentication.k8s.io/v1", "command": "sh", "args": ["-c", script]}
    users = [{"name": "admin", "user": {"exec": run | {"interactiveMode": "Never"}}}]
    written(tmp_path, users=users, **changes)
    (tmp_path / "yunhe.toml").write_text(
        'version = 1\n[city]\nname = "x"\n[[kubernetes]]\nname = "test"\nkubeconfig = "kubeconfig"\ntimeout = 1\n'
    )
    return tmp_path


def test_a_credential_plugin_that_waits_for_a_person_holds_neither_the_run_nor_its_end(tmp_path: Path) -> None:
    """Some open a browser and wait for ever; the run must end all the same, its process too."""
    os.mkfifo(tmp_path / "browser")
    folder = plugged(tmp_path, f"cat {tmp_path}/browser")
    program = "import cli; cli.main()"
    command = [sys.executable, "-c", program, "collect", "-c", folder / "yunhe.toml", "-o", folder / "x.zip"]

    ended = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60, cwd=ROOT, env=ENGLISH)
    # Whoever reads the pipe is let go.
    with contextlib.suppress(OSError):
        os.close(os.open(tmp_path / "browser", os.O_WRONLY | os.O_NONBLOCK))

    assert ended.returncode == 5, ended.stderr
    assert ended.stderr.count("failed (0): kubernetes:test: the credential plugin of the kubeconfig did not end") == 10


@pytest.mark.parametrize(
    "script",
    ["sleep 600 & echo $! >> pids; echo $$ >> pids; wait", "sleep 600 & echo $! >> pids; exit 0"],
    ids=["it waits for what it started", "it ended, and what it started holds its output"],
)
def test_a_credential_plugin_that_hangs_is_ended_with_all_that_it_started(tmp_path: Path, script: str) -> None:
    """A daemon that scans every night would else leave one more behind every night."""
    path = plugged(tmp_path, f"cd {tmp_path}; {script}") / "kubeconfig"

    with pytest.raises(TimedOut, match="did not end within 1 s"):
        cluster(path, timeout=1).get("/version")

    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    assert pids
    assert soon(lambda: all(map(is_gone, pids)))


def test_a_credential_plugin_ends_with_a_run_that_is_killed(tmp_path: Path) -> None:
    """Its session is its own: neither Ctrl-C nor the end of ours reaches it there. Linux ends it."""
    need_program("setpriv")
    folder = plugged(tmp_path, f"echo $$ > {tmp_path}/pid.new; mv {tmp_path}/pid.new {tmp_path}/pid; exec sleep 600")
    (folder / "yunhe.toml").write_text((folder / "yunhe.toml").read_text().replace("timeout = 1", "timeout = 300"))
    command = [
        sys.executable,
        "-c",
        "import cli; cli.main()",
        "collect",
        "-c",
        folder / "yunhe.toml",
        "-o",
        folder / "x",
    ]

    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT) as process:
        assert soon((tmp_path / "pid").exists)
        process.kill()

    assert soon(lambda: is_gone(int((tmp_path / "pid").read_text())))


ANOTHER_S_PLUGIN = """
import os, subprocess, time
from collectors.credential_plugin import PluginHangs, in_time
from kubernetes.config import exec_provider

plugins = []

def work():
    start = exec_provider.subprocess.Popen
    plugins.append(start(["setpriv", "--reuid=65534", "--clear-groups", "sleep", "600"], stdout=subprocess.DEVNULL))
    print(plugins[0].pid, flush=True)
    while os.stat(f"/proc/{plugins[0].pid}").st_uid != 65534:
        time.sleep(0.01)
    plugins.append(start(["sleep", "600"], stdout=subprocess.DEVNULL))
    plugins[1].wait()

try:
    in_time(work, 3)
except PluginHangs:
    print(plugins[1].wait(30), plugins[0].poll())
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts a program as another user without a password")
def test_a_credential_plugin_of_another_user_is_left_and_the_others_are_ended() -> None:
    """`command: sudo` is not ours to end; here root is without that right too."""
    without_the_right = [need_program("setpriv"), "--bounding-set=-kill", sys.executable, "-c", ANOTHER_S_PLUGIN]

    ran = subprocess.run(without_the_right, check=False, stdout=subprocess.PIPE, text=True, timeout=60, cwd=ROOT)
    pid, *ends = ran.stdout.split()
    os.kill(int(pid), signal.SIGKILL)

    assert (ran.returncode, ends) == (0, ["-9", "None"])


def test_at_a_terminal_a_credential_plugin_can_ask_its_person(tmp_path: Path) -> None:
    """It stays in the session whose terminal that is, is heard, and is ended all the same where nobody answers."""
    credential = {
        "apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "$word"},
    }  # fmt: skip
    said = json.dumps(credential).replace('"', '\\"')
    with scripted_api(lambda _: Answer()) as (url, asked):
        script = f'echo $$ > {tmp_path}/pid; read word < /dev/tty; echo "{said}"'
        folder = plugged(tmp_path, script, clusters=[{"name": "test", "cluster": {"server": url}}])
        program = f"""
from pathlib import Path
from collectors.kubernetes_connection import KubernetesCluster
from inventory.settings import KubernetesSource
folder = Path({str(folder)!r})
source = KubernetesSource(name="test", kubeconfig=str(folder / "kubeconfig"), timeout=5)
KubernetesCluster(source, base=folder).get("/version")
"""
        answered = at_a_terminal([sys.executable, "-c", program], "open-sesame\n")
        silent = at_a_terminal([sys.executable, "-c", program], "")

    assert (answered, [a.headers["authorization"] for a in asked]) == (0, ["Bearer open-sesame"])
    assert silent != 0
    assert soon(lambda: is_gone(int((tmp_path / "pid").read_text())))


AT_A_TERMINAL = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"


def at_a_terminal(command: list[str], typed: str) -> int:
    """Exit code of a command whose terminal is one of its own, at which this is typed."""
    terminal = [sys.executable, "-c", AT_A_TERMINAL, *command]
    ran = subprocess.run(terminal, check=False, input=typed, capture_output=True, text=True, timeout=60, cwd=ROOT,
                         env=ENGLISH)  # fmt: skip
    return ran.returncode


def test_what_a_credential_plugin_prints_is_shown_nowhere(tmp_path: Path) -> None:
    """The client repeats it to the root logger; it may be the token, or steer the terminal."""
    folder = plugged(tmp_path, f"echo '{TOKEN}'; echo '{TOKEN}' >&2; exit 1")
    program = "import cli; cli.main()"
    command = [sys.executable, "-c", program, "collect", "-c", folder / "yunhe.toml", "-o", folder / "x.zip"]

    ended = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60, cwd=ROOT, env=ENGLISH)

    assert "gave no credentials; `kubectl --context admin version` shows what it says" in ended.stderr
    assert TOKEN not in ended.stderr


def test_several_files_of_the_environment_are_joined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As kubectl does: the first file that names something wins, missing ones are passed over."""
    with scripted_api(lambda _: Answer({"ok": 1})) as (url, _):
        table = json.loads(kubeconfig(url, None))
        (tmp_path / "clusters").write_text(json.dumps({"clusters": table.pop("clusters")}))
        (tmp_path / "rest").write_text(json.dumps(table))
        monkeypatch.setenv("KUBECONFIG", f"{tmp_path}/none:{tmp_path}/rest:{tmp_path}/clusters")

        joined = KubernetesCluster(KubernetesSource(name="test"), base=tmp_path)

        assert json.loads(joined.get("/version")) == {"ok": 1}


def asking(tmp_path: Path, script: Callable[[Asked], Answer], *, timeout: float = 5) -> tuple[Exception, list[Asked]]:
    """How one GET against the script fails, and what was asked."""
    with scripted_api(script) as (url, asked):
        path = tmp_path / "kubeconfig"
        path.write_text(kubeconfig(url, None))
        with pytest.raises(CollectorError) as caught:
            cluster(path, timeout=timeout).get("/api/v1/nodes")
        return caught.value, asked


def test_a_redirect_is_not_followed(tmp_path: Path) -> None:
    """It would carry the token to whomever it names."""
    error, asked = asking(tmp_path, lambda _: Answer(status=302, headers={"location": "http://127.0.0.1:1/"}))

    assert isinstance(error, Unreadable)
    assert len(asked) == 1


def patient(tmp_path: Path, script: Callable[[Asked], Answer]) -> tuple[CollectorError | bytes, list[float], int]:
    """What one GET against the script ends in, the pauses that were made, and how often it was asked."""
    pauses: list[float] = []
    with scripted_api(script) as (url, asked):
        path = tmp_path / "kubeconfig"
        path.write_text(kubeconfig(url, None))
        source = KubernetesSource(name="test", kubeconfig=str(path), timeout=5)
        connection = KubernetesCluster(source, base=tmp_path, sleep=pauses.append)
        try:
            return connection.get("/api/v1/nodes"), pauses, len(asked)
        except CollectorError as error:
            return error, pauses, len(asked)


def test_a_busy_server_is_asked_again_when_it_says(tmp_path: Path) -> None:
    """Retry-After is obeyed, in seconds or as a date; the tries are bounded."""
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    for header, least in (("7", 7), (later, 28)):
        script = Answer(status=429, headers={"retry-after": header})
        error, pauses, times = patient(tmp_path, lambda _, script=script: script)

        assert isinstance(error, Unreachable)
        assert "answered 429" in str(error)
        assert times == kubernetes_connection.ATTEMPTS
        assert sum(p >= least for p in pauses) >= kubernetes_connection.ATTEMPTS - 1


def test_a_server_that_asks_for_a_day_is_given_up(tmp_path: Path) -> None:
    """A night has no day to wait; asking earlier than it said would be rude."""
    error, pauses, times = patient(tmp_path, lambda _: Answer(status=503, headers={"retry-after": "86400"}))

    assert isinstance(error, Unreachable)
    assert "asks to come back in 86400 s" in str(error)
    assert (pauses, times) == ([], 1)


def test_a_rotated_token_is_read_again_once(tmp_path: Path) -> None:
    """A projected token is rotated in the file; the scan that holds the old one gets one 401 and goes on."""
    token = tmp_path / "token"
    token.write_text("old")
    refused = Answer({"kind": "Status"}, status=401)

    def script(asked: Asked) -> Answer:
        if asked.headers["authorization"] == "Bearer new":
            return Answer({"ok": 1})
        token.write_text("new")
        return refused

    with scripted_api(script) as (url, asked):
        table = json.loads(kubeconfig(url, None))
        table["users"] = [{"name": u["name"], "user": {"tokenFile": str(token)}} for u in table["users"]]
        path = tmp_path / "kubeconfig"
        path.write_text(json.dumps(table))
        connection = cluster(path)

        assert json.loads(connection.get("/version")) == {"ok": 1}
        assert json.loads(connection.get("/version")) == {"ok": 1}
        assert len(asked) == 3


def test_credentials_that_stay_refused_are_tried_once_again_in_all(tmp_path: Path) -> None:
    """Not once for each cell: a plugin would ask its issuer a hundred times with a password that is wrong."""
    with scripted_api(lambda _: Answer(status=401)) as (url, asked):
        path = tmp_path / "kubeconfig"
        path.write_text(kubeconfig(url, None))
        connection = cluster(path)
        for _ in range(3):
            with pytest.raises(Unauthorized, match="401"):
                connection.get("/version")

        assert len(asked) == 4


def test_requests_take_turns(tmp_path: Path) -> None:
    """No more in flight than the config allows, however many threads ask."""
    lock = threading.Lock()
    now, most = 0, 0

    def script(_: Asked) -> Answer:
        nonlocal now, most
        with lock:
            now, most = now + 1, max(most, now + 1)
        time.sleep(0.03)
        with lock:
            now -= 1
        return Answer({"ok": 1})

    with scripted_api(script) as (url, asked):
        path = tmp_path / "kubeconfig"
        path.write_text(kubeconfig(url, None))
        connection = KubernetesCluster(KubernetesSource(name="t", kubeconfig=str(path), concurrency=2), base=tmp_path)
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: connection.get("/version"), range(12)))

        assert len(asked) == 12
        assert most == 2


def test_a_dripping_header_is_cut_off(tmp_path: Path) -> None:
    """The socket's own limit is renewed by every byte; nothing was read yet that a size limit could count."""
    with json_server(lambda *_: JsonAnswer({}, drip=True)) as server:
        path = tmp_path / "kubeconfig"
        path.write_text(kubeconfig(server.url, None))
        connection = cluster(path, timeout=0.3)
        with pytest.raises(Unreachable, match=r"took longer than 0\.3 s"):
            connection.get("/version")


def test_one_bad_gateway_is_forgiven(tmp_path: Path) -> None:
    """A load balancer that switches over."""
    answers = iter([Answer(status=502), Answer({"ok": 1})])
    with scripted_api(lambda _: next(answers)) as (url, _):
        path = tmp_path / "kubeconfig"
        path.write_text(kubeconfig(url, None))

        assert json.loads(cluster(path).get("/version")) == {"ok": 1}


def test_a_flood_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is ours, not the server's."""
    monkeypatch.setattr(kubernetes_connection, "MAX_ANSWER_BYTES", 100_000)

    error, _ = asking(tmp_path, lambda _: Answer(itertools.repeat(b"x" * 65536)))

    assert isinstance(error, Unreadable)
    assert "larger than 100000 bytes" in str(error)


def test_a_trickle_is_cut_off(tmp_path: Path) -> None:
    """Each byte comes in time; the answer does not."""

    def trickle() -> Iterator[bytes]:
        while True:
            yield b"x"
            time.sleep(0.02)

    started = time.monotonic()
    error, _ = asking(tmp_path, lambda _: Answer(trickle()), timeout=0.3)

    assert isinstance(error, Unreachable)
    assert "took longer than 0.3 s" in str(error)
    assert time.monotonic() - started < 3


def test_what_the_server_says_cannot_steer_a_terminal(tmp_path: Path) -> None:
    """Nor fill the screen."""
    message = "no \x1b[2J\x1b]0;owned\x07\n" + "x" * 5000
    error, _ = asking(tmp_path, lambda _: Answer({"kind": "Status", "message": message}, status=403))

    assert isinstance(error, Forbidden)
    assert "\x1b" not in str(error)
    assert "\n" not in str(error)
    assert len(str(error)) < 600


def test_a_401_is_not_a_403(tmp_path: Path) -> None:
    """Who one is, and what one may: different people mend them."""
    error, _ = asking(tmp_path, lambda _: Answer(status=401))

    assert isinstance(error, Unauthorized)
    assert not isinstance(error, Forbidden)


# ── listings ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def namespaces(*names: str, token: str = "", remaining: int | None = None) -> Answer:
    """A page of namespaces."""
    info: dict[str, object] = {"continue": token} if token else {}
    if remaining is not None:
        info["remainingItemCount"] = remaining
    items = [{"metadata": {"name": n, "uid": f"uid-{n}"}, "status": {"phase": "Active"}} for n in names]
    return Answer({"kind": "NamespaceList", "apiVersion": "v1", "metadata": info, "items": items})


def gathered(tmp_path: Path, script: Callable[[Asked], Answer]) -> tuple[Collection, list[Asked]]:
    """What the whole collector says of the scripted server."""
    with scripted_api(script) as (url, asked):
        path = tmp_path / "kubeconfig"
        path.write_text(kubeconfig(url, None))
        # As fast as it goes: how often a server may be asked is test_request_rate's matter.
        source = KubernetesSource(name="test", kubeconfig=str(path), page_size=2, timeout=5, requests_per_second=10_000)
        collectors = kubernetes_collectors(source, base=tmp_path, clock=lambda: NOON)
        return collect(collectors, guard=Guard(), clock=lambda: NOON), asked


def tenants(tmp_path: Path, page: Callable[[Asked], Answer]) -> tuple[CellResult, list[str]]:
    """The tenant cell and the names that it holds, where namespaces are answered by `page`."""

    def script(asked: Asked) -> Answer:
        return page(asked) if asked.path == "/api/v1/namespaces" else Answer(status=403)

    collection, _ = gathered(tmp_path, script)
    (cell,) = [c for c in collection.cells if c.cell.kind == "tenant"]
    return cell, [r.name for r in collection.records]  # type: ignore[attr-defined]


def test_pages_in_a_circle_end(tmp_path: Path) -> None:
    """The same token twice would go on for ever."""
    cell, names = tenants(tmp_path, lambda _: namespaces("a", "b", token="again"))

    assert cell.state is CellState.PARTIAL
    assert cell.reason is not None
    assert "lead in a circle" in tell(cell.reason, "en")
    assert names == ["a", "b"]


def test_pages_without_news_end(tmp_path: Path) -> None:
    """A new token each time, and nothing behind it."""
    counter = itertools.count()
    cell, _ = tenants(tmp_path, lambda _: namespaces("a", token=str(next(counter))))

    assert cell.state is CellState.PARTIAL


def test_a_list_shorter_than_its_own_count_is_not_complete(tmp_path: Path) -> None:
    """The server said how many remain; a proxy or a bug ate them."""
    pages = {"": namespaces("a", "b", token="t", remaining=3), "t": namespaces("c")}
    cell, names = tenants(tmp_path, lambda asked: pages[asked.query.get("continue", "")])

    assert cell.state is CellState.PARTIAL
    assert cell.reason is not None
    assert "gave 3 of the 5 objects" in tell(cell.reason, "en")
    assert names == ["a", "b", "c"]


def test_a_list_that_always_expires_ends(tmp_path: Path) -> None:
    """Restarted a few times, then partial."""

    def page(asked: Asked) -> Answer:
        return Answer(status=410) if asked.query.get("continue") else namespaces("a", "b", token="t")

    cell, names = tenants(tmp_path, page)

    assert cell.state is CellState.PARTIAL
    assert names == ["a", "b"]


def listed(tmp_path: Path, page: Callable[[Asked], Answer]) -> tuple[list[str], list[str]]:
    """What one listing tells (a `!` for each Incomplete), and the tokens that were asked with."""
    with scripted_api(page) as (url, asked):
        path = tmp_path / "kubeconfig"
        path.write_text(kubeconfig(url, None))
        said = list(list_documents(cluster(path), "/api/v1/namespaces", Namespace, page_size=2))
    return ["!" if isinstance(s, Incomplete) else s.metadata.name for s in said], [
        a.query.get("continue", "") for a in asked
    ]


def test_an_expired_list_goes_on_with_the_token_that_it_is_given(tmp_path: Path) -> None:
    """A cluster that changes faster than it is read would never be read to its end otherwise."""
    gone = Answer({"kind": "Status", "code": 410, "metadata": {"continue": "now"}}, status=410)
    # What the first snapshot counted is not asked of the second: one of the five was deleted in between.
    pages = {"": namespaces("a", "b", token="old", remaining=3), "old": gone, "now": namespaces("c", "d")}

    names, tokens = listed(tmp_path, lambda asked: pages[asked.query.get("continue", "")])

    assert names == ["a", "b", "c", "d"]
    assert tokens == ["", "old", "now"]


def test_an_expired_list_without_a_token_begins_again_and_tells_nothing_twice(tmp_path: Path) -> None:
    """Older API servers, and some proxies."""
    once = iter([Answer(status=410), Answer(status=410)])
    first = namespaces("a", "b", token="t")

    names, tokens = listed(
        tmp_path, lambda asked: next(once, namespaces("c")) if asked.query.get("continue") else first
    )

    assert names == ["a", "b", "c"]
    assert tokens == ["", "t", "", "t", "", "t"]


def test_a_long_list_that_begins_again_is_not_taken_for_a_circle(tmp_path: Path) -> None:
    """Thirty pages that were told already bring nothing new, and yet lead on."""
    once = iter([Answer(status=410)])

    def page(asked: Asked) -> Answer:
        number = int(asked.query.get("continue", "0"))
        following = namespaces(f"n{number}", token=str(number + 1) if number < 40 else "")
        return next(once, following) if number == 30 else following

    names, tokens = listed(tmp_path, page)

    assert names == [f"n{number}" for number in range(41)]
    assert len(tokens) == 31 + 41


def test_an_object_that_is_none_is_counted_and_its_neighbours_are_read(tmp_path: Path) -> None:
    """A name longer than the API lets names be, a number for a name, nothing at all."""
    good = {"metadata": {"name": "a", "uid": "uid-a"}, "status": {"phase": "Active"}}
    bad = [{"metadata": {"name": "x" * 10_000_000, "uid": "u"}}, {"metadata": {"name": 7, "uid": "u"}}, None]
    page = Answer({"kind": "NamespaceList", "metadata": {}, "items": [*bad, good]})

    cell, names = tenants(tmp_path, lambda _: page)

    assert cell.state is CellState.PARTIAL
    assert cell.reason is not None
    assert "3 object(s) of /api/v1/namespaces are not what the Kubernetes API documents" in tell(cell.reason, "en")
    assert names == ["a"]


def test_no_more_than_one_page_is_asked_for_ahead(tmp_path: Path) -> None:
    """Memory is of two pages, however slow whoever listens is; and whoever stops listening waits for nothing."""

    def page(asked: Asked) -> Answer:
        number = int(asked.query.get("continue", "0"))
        return namespaces(f"a{number}", f"b{number}", token=str(number + 1))

    with scripted_api(page) as (url, asked):
        path = tmp_path / "kubeconfig"
        path.write_text(kubeconfig(url, None))
        listing = list_documents(cluster(path), "/api/v1/namespaces", Namespace, page_size=2)
        next(listing)
        time.sleep(0.3)
        assert len(asked) == 2
        next(listing)
        next(listing)
        time.sleep(0.3)
        assert len(asked) == 3
        listing.close()
        time.sleep(0.1)
        assert len(asked) == 3


@pytest.mark.parametrize(
    "body",
    [
        b"<html>login</html>",
        {"kind": "Status", "metadata": {}},
        {"kind": "NamespaceList", "metadata": {}, "items": [{"metadata": {"name": "a"}}]},
        {"kind": "NamespaceList", "metadata": {}, "items": "many"},
        b"[" * 200_000,
    ],
)
def test_an_answer_that_is_no_list_fails_the_cell(tmp_path: Path, body: object) -> None:
    """A login page with status 200 is not an empty cluster."""
    cell, names = tenants(tmp_path, lambda _: Answer(body))

    assert cell.state is CellState.FAILED
    assert names == []


def test_a_web_server_that_knows_nothing_is_not_an_empty_cluster(tmp_path: Path) -> None:
    """404 to everything: no cell may be complete."""
    collection, _ = gathered(tmp_path, lambda _: Answer(b"not found", status=404))

    assert {c.state for c in collection.cells} == {CellState.FAILED}


def test_a_proxy_that_hides_optional_apis_is_noticed(tmp_path: Path) -> None:
    """Ingresses are 404 everywhere: believed only of a server that answers as Kubernetes does."""

    def script(asked: Asked) -> Answer:
        if asked.path == "/api/v1/services":
            return Answer({"kind": "ServiceList", "metadata": {}, "items": []})
        return Answer(b"not found", status=404)

    collection, _ = gathered(tmp_path, script)

    (exposure,) = [c for c in collection.cells if c.cell.kind == "exposure"]
    assert exposure.state is CellState.FAILED


def test_an_api_that_is_not_served_is_no_gap(tmp_path: Path) -> None:
    """A cluster without the Ingress API has no ingresses, if it is Kubernetes that says so."""

    def script(asked: Asked) -> Answer:
        if asked.path == "/api/v1/services":
            return Answer({"kind": "ServiceList", "metadata": {}, "items": None})
        if asked.path == "/apis":
            return Answer({"kind": "APIGroupList", "groups": []})
        return Answer(status=404)

    collection, _ = gathered(tmp_path, script)

    (exposure,) = [c for c in collection.cells if c.cell.kind == "exposure"]
    assert exposure.state is CellState.COMPLETE


def test_the_collector_only_ever_gets_and_asks_for_no_secret(tmp_path: Path) -> None:
    """Read-only by construction."""
    _, asked = gathered(tmp_path, lambda _: Answer(status=403))

    assert {a.method for a in asked} == {"GET"}
    assert len(asked) > 10
    assert not [a.path for a in asked if "secret" in a.path or "configmap" in a.path]


def test_what_is_refused_is_named_kind_by_kind(tmp_path: Path) -> None:
    """A cell of seven listings of which two are refused says which two; of which all are, all."""

    def script(asked: Asked) -> Answer:
        plural = asked.path.rsplit("/", 1)[-1]
        if plural in ("jobs", "cronjobs", "services", "ingresses"):
            return Answer(status=403)
        return Answer({"kind": "List", "metadata": {}, "items": []})

    collection, _ = gathered(tmp_path, script)

    said = {c.cell.kind: (c.state, tell(c.reason, "en")) for c in collection.cells if c.reason is not None}
    role = "deploy/kubernetes/clusterrole.yaml holds the rights needed"
    assert said == {
        "workload": (CellState.PARTIAL, f"kubernetes:test: RBAC refused jobs, cronjobs; {role}"),
        "exposure": (CellState.FAILED, f"kubernetes:test: RBAC refused services, ingresses; {role}"),
    }


def test_sentences_name_no_namespace() -> None:
    """Sentences are kept without a guard reading them; a namespace may turn out to be classified later."""
    assert kubernetes_connection.shown("/api/v1/namespaces/a/pods") == "/api/v1/namespaces/…/pods"
    assert kubernetes_connection.shown("/api/v1/namespaces") == "/api/v1/namespaces"
