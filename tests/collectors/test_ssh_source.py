"""SSH hosts, asked for real: each fact read, each way of going wrong its own host's error, the others unharmed."""

import contextlib
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sshd_service import SWAPPED_UUID, SshHosts, StartedHost, write_key

from collectors import ssh_session
from collectors.collector import collect
from collectors.ssh_source import DO_NOT_SCAN_SCOPE, probe_text, ssh_collectors
from inventory.collection import Collection
from inventory.coverage import CellResult, CellState
from inventory.guard import Guard
from inventory.records import ClassifiedTrace, HostSighting, Nic
from inventory.settings import ConfigError, SshHost, SshSource
from inventory.text import tell

GOOD = ("nova", "tower", "sudoer", "forced", "inner", "deep")
CONNECT_SECONDS = 3.0
TOTAL_SECONDS = 6.0

SHELLS = ("dash -s", "bash --posix -s", "busybox sh -s")


def now() -> datetime:
    return datetime.now(UTC)


def scan(
    *hosts: str | SshHost,
    ssh_config: Path,
    known_hosts: Path,
    guard: Guard | None = None,
    environ: dict[str, str] | None = None,
    **settings: Any,
) -> Collection:
    limits = {"connect_timeout": CONNECT_SECONDS, "banner_timeout": CONNECT_SECONDS, "total_timeout": TOTAL_SECONDS}
    settings = {**limits, **settings}
    source = SshSource(name="hosts", hosts=hosts, ssh_config=str(ssh_config), known_hosts=str(known_hosts), **settings)
    guard = guard or Guard()
    collectors = ssh_collectors(source, base=ssh_config.parent, clock=now, guard=guard, environ=environ or {})
    return collect(collectors, guard=guard, clock=now)


def ask(farm: SshHosts, *hosts: str | SshHost, **settings: Any) -> Collection:
    return scan(*hosts, ssh_config=farm.ssh_config, known_hosts=farm.known_hosts, **settings)


def cell(collection: Collection, scope: str) -> CellResult:
    return next(c for c in collection.cells if c.cell.scope == scope)


def reason(collection: Collection, scope: str) -> str:
    result = cell(collection, scope)
    return tell(result.reason, "en") if result.reason else ""


def host(collection: Collection, alias: str) -> HostSighting:
    return next(r for r in collection.records if isinstance(r, HostSighting) and r.native_id == alias)


@pytest.fixture(scope="module")
def everything(ssh_farm: SshHosts) -> tuple[Collection, float]:
    """One run over all hosts, the wrong password included, and how long it took."""
    started = time.monotonic()
    collection = ask(ssh_farm, *ssh_farm.aliases, environ={"YUNHE_SSH_PASSWORD_HOSTS": "wrong"})
    return collection, time.monotonic() - started


@pytest.mark.sshd
def test_a_bad_host_costs_its_own_limits_and_harms_no_other(everything: tuple[Collection, float]) -> None:
    """Twelve hosts side by side: the whole run takes as long as the slowest may, not the sum."""
    collection, seconds = everything
    assert seconds < TOTAL_SECONDS + 3
    assert {c.cell.scope for c in collection.cells if c.is_complete} == set(GOOD)
    for result in collection.cells:
        assert result.started_at is not None
        assert result.finished_at is not None
        assert (result.finished_at - result.started_at).total_seconds() < TOTAL_SECONDS + 1.5, result.cell


@pytest.mark.sshd
@pytest.mark.parametrize(
    ("alias", "words"),
    [
        ("unknown-key", ("shows the key ssh-ed25519 SHA256:", "is not in", "ssh-keygen -lf")),
        ("changed-key", ("shows the key ssh-ed25519 SHA256:", "another one is on file", "known_hosts:")),
        ("password", ("refused user yunhe", "password", "takes only password")),
        ("hung", ("no end within 3 s", "banner")),
        ("stuck", ("no end within 6 s", "running the probe")),
        ("flood", ("more than 1048576 bytes",)),
    ],
)
def test_each_way_of_going_wrong_is_told_in_its_own_words(
    everything: tuple[Collection, float], alias: str, words: tuple[str, ...]
) -> None:
    collection, _ = everything
    assert cell(collection, alias).state is CellState.FAILED
    assert all(word in reason(collection, alias) for word in words), reason(collection, alias)
    chinese = tell(cell(collection, alias).reason, "zh_CN")  # type: ignore[arg-type]
    assert alias in chinese


@pytest.mark.sshd
def test_every_fact_of_a_host_is_read(everything: tuple[Collection, float], ssh_farm: SshHosts) -> None:
    seen = host(everything[0], "nova")
    assert seen.uuid == SWAPPED_UUID, "as written: identity turns it round"
    assert seen.serial == "8fcf0b42-f2a2-54d1-329b-575d9bc5e19c"
    assert (seen.vendor, seen.product, seen.chassis_type) == ("OpenStack Foundation", "OpenStack Nova", 1)
    assert seen.virtualization == "kvm"
    assert seen.machine_id == "0123456789abcdef0123456789abcdef"
    assert seen.cloud_instance_id == "8fcf0b42-f2a2-54d1-329b-575d9bc5e19c"
    assert (seen.name, seen.os_name, seen.os_version) == ("nova", "debian", "12")
    assert seen.arch == ssh_farm.hosts["nova"].run("uname", "-m").strip()
    assert seen.vcpus is not None
    assert seen.vcpus >= 1
    assert seen.memory_bytes is not None
    assert Nic(name="ens3", mac="fa:16:3e:aa:bb:01", addresses=("10.20.0.5/24",)) in seen.nics
    assert [nic.name for nic in seen.nics] == ["ens3", "eth0"], "docker0 is no address of this machine"
    assert ("tcp", 22) in {(listener.protocol, listener.port) for listener in seen.listeners}
    assert any(route.destination == "0.0.0.0/0" and route.device == "eth0" for route in seen.routes)
    assert any(route.destination == "10.20.0.0/24" for route in seen.routes)
    assert any(mount.target == "/etc/hostname" for mount in seen.mounts)
    assert seen.needs_root == ()
    assert seen.raw in everything[0].raws
    birth = ssh_farm.hosts["nova"].run("stat", "-c", "%W", "/").strip()
    if birth not in {"0", "?"}:
        assert seen.installed_at is not None
        assert abs(seen.installed_at - now()) < timedelta(hours=1)


@pytest.mark.sshd
def test_the_restricted_account_says_which_facts_need_root(everything: tuple[Collection, float]) -> None:
    seen = host(everything[0], "tower")
    assert seen.needs_root == ("serial", "uuid")
    assert (seen.uuid, seen.serial) == (None, None)
    assert (seen.vendor, seen.chassis_type, seen.virtualization) == ("Inspur", 7, "none")
    assert cell(everything[0], "tower").is_complete


@pytest.mark.sshd
def test_two_sudoers_lines_are_enough_for_the_facts_of_root(ssh_farm: SshHosts) -> None:
    collection = ask(ssh_farm, "sudoer", "tower", sudo=True)
    assert (host(collection, "sudoer").uuid, host(collection, "sudoer").serial) == (SWAPPED_UUID, "219310551")
    assert host(collection, "sudoer").needs_root == ()
    assert host(collection, "tower").needs_root == ("serial", "uuid"), "no such line there"


@pytest.mark.sshd
def test_jump_hosts_lead_to_hosts_without_a_door_of_their_own(
    everything: tuple[Collection, float], ssh_farm: SshHosts
) -> None:
    """`inner` is behind `nova`, `deep` behind `inner`: a chain, each link verified and logged in to."""
    for alias in ("inner", "deep"):
        address = ssh_farm.hosts[alias].inner_address
        assert any(a.startswith(address) for nic in host(everything[0], alias).nics for a in nic.addresses)


@pytest.mark.sshd
def test_a_chain_may_be_written_in_one_line(ssh_farm: SshHosts, tmp_path: Path) -> None:
    deep = ssh_farm.hosts["deep"]
    config = tmp_path / "config"
    config.write_text(
        f"Include {ssh_farm.ssh_config}\nHost chained\n  HostName {deep.inner_address}\n  User root\n"
        f"  ProxyJump nova,root@{ssh_farm.hosts['inner'].inner_address}:22\nHost *\n"
        f"  IdentityFile {ssh_farm.identity}\n"
    )
    collection = scan("chained", ssh_config=config, known_hosts=ssh_farm.known_hosts)
    assert host(collection, "chained").name == "deep", reason(collection, "chained")


@pytest.mark.sshd
def test_a_jump_host_with_an_unknown_key_is_not_passed(ssh_farm: SshHosts, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text(
        f"Host behind\n  HostName {ssh_farm.hosts['deep'].inner_address}\n  ProxyJump unknown-key\n"
        f"{ssh_farm.ssh_config.read_text()}"
    )
    collection = scan("behind", ssh_config=config, known_hosts=ssh_farm.known_hosts)
    assert "unknown-key shows the key" in reason(collection, "behind")


@pytest.mark.sshd
def test_a_wrong_key_is_refused_and_the_right_password_accepted(ssh_farm: SshHosts, tmp_path: Path) -> None:
    write_key(tmp_path / "wrong")
    config = tmp_path / "config"
    config.write_text(ssh_farm.ssh_config.read_text().replace(str(ssh_farm.identity), str(tmp_path / "wrong")))
    collection = scan(
        "nova",
        "password",
        ssh_config=config,
        known_hosts=ssh_farm.known_hosts,
        environ={"YUNHE_SSH_PASSWORD_HOSTS": "right"},
    )
    assert cell(collection, "password").is_complete, reason(collection, "password")
    assert cell(collection, "nova").state is CellState.FAILED
    assert "nova refused user root (tried: " in reason(collection, "nova")
    assert "right" not in reason(collection, "nova")


@pytest.mark.sshd
@pytest.mark.parametrize("shell", SHELLS)
def test_the_probe_runs_in_the_plainest_shells(ssh_farm: SshHosts, shell: str) -> None:
    """busybox: its applets come first in PATH, so sed, cat, stat and ip are its own."""
    nova = plain_nova(ssh_farm)
    answer = run_probe(nova, f"PATH=/bb:$PATH {shell}" if "busybox" in shell else shell)
    from collectors.ssh_facts import parse

    facts = parse(answer, source="ssh:hosts", native_id="nova", zone=None, observed_at=now())
    assert facts.problems == ()
    assert facts.sighting.uuid == SWAPPED_UUID
    assert Nic(name="ens3", mac="fa:16:3e:aa:bb:01", addresses=("10.20.0.5/24",)) in facts.sighting.nics
    assert any(listener.port == 22 for listener in facts.sighting.listeners)
    assert any(route.gateway for route in facts.sighting.routes)


@pytest.mark.sshd
@pytest.mark.parametrize("shell", SHELLS)
def test_every_port_that_listens_is_told_among_many_connections(ssh_farm: SshHosts, shell: str) -> None:
    """The probe stops reading at the first socket that is none: against the whole table, with connections in it."""
    nova = plain_nova(ssh_farm)
    nova.run("sh", "-c", "for n in 1 2 3 4 5; do (sleep 60 | /bb/nc 127.0.0.1 22 >/dev/null 2>&1 &) ; done")
    nova.run("sh", "-c", "for n in 4711 4712 4713; do (/bb/nc -l -p $n </dev/null >/dev/null 2>&1 &) ; done; sleep 1")
    answer = run_probe(nova, shell).decode()
    table = [line.split() for line in nova.run("cat", "/proc/net/tcp", "/proc/net/tcp6").splitlines()]
    nova.run("sh", "-c", "/bb/killall nc sleep")
    assert sum(row[3] == "01" for row in table) >= 5, "no connections to be found among"
    listening = {row[1] for row in table if row[3] == "0A"}
    assert len(listening) >= 5
    assert {line.removeprefix("|tcp ") for line in answer.splitlines() if line.startswith("|tcp ")} == listening


@pytest.mark.sshd
@pytest.mark.parametrize("shell", SHELLS)
def test_no_line_of_the_answer_is_endless_and_no_section_too_long(ssh_farm: SshHosts, shell: str) -> None:
    nova = plain_nova(ssh_farm)
    nova.run("sh", "-c", "for n in 1 2 3 4 5; do printf 'x%04999d\\n' $n; done >/etc/kylin-release")
    lines = run_probe(nova, shell).decode().splitlines()
    nova.run("rm", "/etc/kylin-release")
    begin, end = lines.index("@@ begin distribution 3"), lines.index("@@ end distribution")
    assert lines[begin + 1 : end] == ["|x" + "0" * 999] * 3


def plain_nova(farm: SshHosts) -> StartedHost:
    """The host, with busybox's applets in /bb."""
    nova = farm.hosts["nova"]
    nova.run("sh", "-c", "mkdir -p /bb && busybox --install -s /bb && rm -f /bb/sh")
    return nova


def run_probe(started: StartedHost, shell: str) -> bytes:
    raw = started.container.get_wrapped_container()
    started.container.exec(["mkdir", "-p", "/tmp/probe"])  # noqa: S108 - inside the container
    import io
    import tarfile

    box = io.BytesIO()
    with tarfile.open(fileobj=box, mode="w") as archive:
        entry = tarfile.TarInfo("probe.sh")
        entry.size = len(probe_text())
        archive.addfile(entry, io.BytesIO(probe_text()))
    raw.put_archive("/tmp/probe", box.getvalue())  # noqa: S108 - inside the container
    output: bytes = raw.exec_run(["sh", "-c", f"{shell} </tmp/probe/probe.sh"]).output
    return output


@pytest.mark.sshd
def test_the_probe_leaves_nothing_behind(ssh_farm: SshHosts) -> None:
    """No file written: the newest file of the whole machine is older than the visit, logs of sshd apart."""
    tower = ssh_farm.hosts["tower"]
    tower.run("sh", "-c", "sleep 1; touch /stamp; sleep 1")
    assert cell(ask(ssh_farm, "tower"), "tower").is_complete
    changed = tower.run("find", "/", "-xdev", "-newer", "/stamp", "-type", "f", "-not", "-path", "/var/log/*")
    assert changed.split() == [], changed


@pytest.mark.sshd
def test_what_turns_out_to_be_on_the_list_leaves_a_count_only(ssh_farm: SshHosts) -> None:
    """The list names an address that only the host itself shows."""
    collection = ask(ssh_farm, "nova", guard=Guard(["10.20.0.5"]))
    assert [type(r) for r in collection.records] == [ClassifiedTrace]
    assert collection.raws == {}


@contextlib.contextmanager
def listening() -> Iterator[tuple[int, list[object]]]:
    """A port on loopback that nobody may connect to, and who did."""
    visitors: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    visitors.append(server.accept())

        threading.Thread(target=accept, daemon=True).start()
        yield server.getsockname()[1], visitors


@pytest.mark.parametrize("entry", ["secret-host", "db.secret.example", "127.0.0.1", "127.0.0.0/8", "gate"])
def test_a_host_on_the_do_not_scan_list_is_neither_resolved_nor_connected_to_nor_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entry: str
) -> None:
    """Art. 28: by alias, by HostName, by address, by its jump host; one cell says how many, and no name."""
    asked: list[object] = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **_: asked.append(a) or [])
    with listening() as (port, visitors):
        hostname = entry if entry.startswith("db.") else "127.0.0.1"
        config, known = tmp_path / "config", tmp_path / "known_hosts"
        jump = "  ProxyJump gate\n" if entry == "gate" else ""
        config.write_text(
            f"CanonicalizeHostname yes\nCanonicalDomains secret.example\n"
            f"Host secret-host\n  HostName {hostname}\n  Port {port}\n{jump}"
            f"Host gate\n  HostName 127.0.0.1\n  Port {port}\n"
        )
        known.write_text("")
        collection = scan("secret-host", ssh_config=config, known_hosts=known, guard=Guard([entry]))
        time.sleep(0.1)
    assert asked == []
    assert visitors == []
    assert [(c.cell.scope, c.state) for c in collection.cells] == [(DO_NOT_SCAN_SCOPE, CellState.SKIPPED)]
    assert "1 host(s)" in reason(collection, DO_NOT_SCAN_SCOPE)
    assert "secret" not in repr(collection)
    assert collection.records == []


def test_a_name_that_resolves_to_an_address_on_the_list_is_not_connected_to(tmp_path: Path) -> None:
    """The name alone could not be known to be forbidden; its address can, before the connection."""
    with listening() as (port, visitors):
        config, known = tmp_path / "config", tmp_path / "known_hosts"
        config.write_text(f"Host harmless\n  HostName localhost\n  Port {port}\n")
        known.write_text("")
        collection = scan("harmless", ssh_config=config, known_hosts=known, guard=Guard(["127.0.0.0/8", "::1"]))
        time.sleep(0.1)
    assert visitors == []
    assert cell(collection, "harmless").state is CellState.SKIPPED


def test_what_is_put_on_the_list_while_collecting_is_not_tried(tmp_path: Path) -> None:
    """A ledger may mark a code classified after the plan was made."""
    with listening() as (port, visitors):
        config, known = tmp_path / "config", tmp_path / "known_hosts"
        config.write_text(f"Host late\n  HostName 127.0.0.1\n  Port {port}\n")
        known.write_text("")
        guard = Guard()
        source = SshSource(name="hosts", hosts=("late",), ssh_config=str(config), known_hosts=str(known))
        (collector,) = ssh_collectors(source, base=tmp_path, clock=now, guard=guard, environ={})
        (planned,) = collector.plan()
        guard.add(["late"])
        with pytest.raises(Exception, match="do-not-scan"):
            list(collector.read(planned))
    assert visitors == []


def test_an_agent_that_never_answers_holds_nobody(
    ssh_farm: SshHosts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stopped agent takes connections all the same; the password comes after its keys, and gets its turn."""
    monkeypatch.setattr(ssh_session, "AGENT_SECONDS", 0.3)
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
    with socket.socket(socket.AF_UNIX) as agent:
        agent.bind(str(tmp_path / "agent"))
        agent.listen()
        refused = ask(ssh_farm, "password")
        let_in = ask(ssh_farm, "password", environ={"YUNHE_SSH_PASSWORD_HOSTS": "right"})

    assert "the agent did not answer: timed out" in reason(refused, "password")
    assert cell(let_in, "password").state is CellState.COMPLETE


@pytest.mark.parametrize(("kind", "is_enough"), [("-H -S", False), ("-S", True)])
def test_too_few_open_files_cost_single_hosts_and_never_the_run(
    ssh_farm: SshHosts, tmp_path: Path, kind: str, is_enough: bool
) -> None:
    """The run ended with "standard output: Too many open files". Where only the soft limit is low, it is raised."""
    aliases = [f"copy-{n}" for n in range(40)]
    block = ssh_farm.ssh_config.read_text().split("\n\n")[0].partition("\n")[2]
    (tmp_path / "config").write_text("".join(f"Host {alias}\n{block}\n" for alias in aliases))
    (tmp_path / "yunhe.toml").write_text(
        'version = 1\n[city]\nname = "x"\n[[ssh]]\nname = "many"\nparallel = 40\nssh_config = "config"\n'
        f'known_hosts = "{ssh_farm.known_hosts}"\nhosts = {json.dumps(aliases)}\n'
    )
    command = f"ulimit {kind} -n 40; exec {sys.executable} -c 'import cli; cli.main()' collect -c {tmp_path}/yunhe.toml"

    ended = subprocess.run(
        ["bash", "-c", f"{command} -o {tmp_path}/x.zip"], check=False, capture_output=True, text=True, timeout=200,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip

    lines = [line for line in ended.stderr.splitlines() if line.startswith("ssh:many copy-")]
    assert len(lines) == len(aliases), ended.stderr
    assert ("Too many open files" not in ended.stderr) is is_enough, ended.stderr
    assert (tmp_path / "x.zip").is_file(), ended.stderr


def files(tmp_path: Path, text: str) -> dict[str, Path]:
    (tmp_path / "config").write_text(text)
    (tmp_path / "known_hosts").write_text("")
    return {"ssh_config": tmp_path / "config", "known_hosts": tmp_path / "known_hosts"}


def test_nobody_listening_no_such_name_and_no_ssh_are_told_apart(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        free = server.getsockname()[1]
    with listening() as (port, _):
        text = f"Host gone\n  HostName 127.0.0.1\n  Port {free}\nHost mute\n  HostName 127.0.0.1\n  Port {port}\n"
        text += "Host nameless\n  HostName no-such-host.invalid\n"
        collection = scan("gone", "mute", "nameless", **files(tmp_path, text), banner_timeout=2, total_timeout=4)
    assert "Connection refused" in reason(collection, "gone")
    assert "no end within 2 s" in reason(collection, "mute")
    assert "no-such-host.invalid" in reason(collection, "nameless")
    assert {c.state for c in collection.cells} == {CellState.FAILED}


def test_ways_that_cannot_be_gone_are_that_hosts_error(tmp_path: Path) -> None:
    text = "Host a\n  ProxyJump b\nHost b\n  ProxyJump a\nHost p\n  ProxyCommand nc %h %p\n"
    collection = scan("a", "p", **files(tmp_path, text))
    assert "circle" in reason(collection, "a")
    assert "ProxyCommand is not supported" in reason(collection, "p")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Match exec true\n  User x\n", "Match exec"),
        ("Host a\n  Port twenty-two\n", "Port twenty-two"),
        ("garbage\n", "garbage"),
        ("Host a\n  ProxyJump [::\n", "ProxyJump"),
    ],
)
def test_an_ssh_config_that_cannot_be_used_is_an_error_of_the_config(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        scan("a", **files(tmp_path, text))


def test_the_zone_of_a_host_outranks_its_groups(tmp_path: Path) -> None:
    source = SshSource(
        name="hosts",
        hosts=("a", SshHost(host="b", zone="互联网区"), "a"),
        zone="政务外网",
        ssh_config=str(files(tmp_path, "")["ssh_config"]),
    )
    (collector,) = ssh_collectors(source, base=tmp_path, clock=now, guard=Guard(), environ={})
    assert collector._zones == {"a": "政务外网", "b": "互联网区"}  # type: ignore[attr-defined]
    assert [c.scope for c in collector.plan()] == ["a", "b"]
    assert collector.info.name == "ssh:hosts"
