"""An active sweep: only what the config allows, nothing that is on the do-not-scan list, and every failure is told.

nmap itself sweeps addresses of this machine; where its own faults are needed, a program of that name stands in.
"""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from command import Yunhe
from processes import is_gone, soon
from services import need_program
from sshd_service import SshHostSpec, ssh_hosts

from collectors.collector import collect
from collectors.sweep_source import started_by, sweep_collectors
from inventory import capture_file
from inventory.collection import Collection
from inventory.coverage import DO_NOT_SCAN, CellState
from inventory.guard import Guard
from inventory.records import HostSighting, View
from inventory.settings import ConfigError, Sweep
from inventory.text import tell

NOON = datetime(2026, 11, 20, 4, tzinfo=UTC)


@pytest.fixture
def nmap() -> str:
    return need_program("nmap")


def own_address() -> str:
    """An address of this machine that is no loopback; asks nobody."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.254", 9))  # UDP: nothing is sent
        except OSError:
            pytest.skip("this machine has no address but loopback")
        found = str(probe.getsockname()[0])
    if ip_address(found).is_loopback:
        pytest.skip("this machine has no address but loopback")
    return found


def pair(address: str) -> str:
    """The network of two addresses that it is one of."""
    return str(ip_network(f"{address}/31", strict=False))


@contextmanager
def listening() -> Iterator[tuple[int, list[str]]]:
    """A port on all addresses of this machine, and who connected to which of them."""
    met: list[str] = []
    is_over = threading.Event()

    def accept(server: socket.socket) -> None:
        while not is_over.is_set():
            try:
                connection, _ = server.accept()
            except OSError:
                continue
            met.append(connection.getsockname()[0])
            connection.close()

    with socket.create_server(("", 0)) as server:
        server.settimeout(0.1)
        thread = threading.Thread(target=accept, args=(server,), daemon=True)
        thread.start()
        try:
            yield server.getsockname()[1], met
        finally:
            is_over.set()
            thread.join(5)


def swept(entry: Sweep, *listed: str) -> Collection:
    """What a run keeps of it."""
    guard = Guard(listed)
    return collect(sweep_collectors(entry, clock=lambda: NOON, guard=guard), guard=guard, clock=lambda: NOON)


def seen_addresses(found: Collection) -> set[str]:
    records = [r for r in found.records if isinstance(r, HostSighting)]
    assert all(r.view is View.DISCOVERED for r in records)
    return {a for r in records for nic in r.nics for a in nic.addresses}


def stand_in(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """A program `nmap` that does this instead; `$OUT` is the file that it is to write, `$0.args` gets its arguments."""
    program = folder / "bin" / "nmap"
    program.parent.mkdir()
    program.write_text(
        '#!/bin/sh\nprintf "%s\\n" "$@" > "$0.args"\nfor OUT; do :; done\n'
        'while [ $# -gt 0 ]; do case $1 in -iL) cp "$2" "$0.targets";; --excludefile) cp "$2" "$0.excluded";; esac; '
        f"shift; done\n{script}\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")


def host(address: str, port: int = 22) -> str:
    return (
        f'<host><status state="up" reason="syn-ack"/><address addr="{address}" addrtype="ipv4"/>'
        f'<ports><port protocol="tcp" portid="{port}"><state state="open"/></port></ports></host>'
    )


def xml(*hosts: str, end: str = '<runstats><finished time="1795161600" exit="success"/></runstats></nmaprun>') -> str:
    return f'<?xml version="1.0"?><!DOCTYPE nmaprun><nmaprun scanner="nmap">{"".join(hosts)}{end}'


# ── nmap itself ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_answers_is_seen_with_the_ports_that_were_asked_for(nmap: str) -> None:
    own = own_address()
    with listening() as (port, met):
        found = swept(Sweep(name="s", cidrs=(f"{own}/32",), ports=(port,), zone="z"))

    (cell,) = found.cells
    assert (cell.state, cell.seen) == (CellState.COMPLETE, 1)
    (record,) = found.records
    assert isinstance(record, HostSighting)
    assert record.source == "sweep:s"
    assert record.zone == "z"
    assert [(x.address, x.port) for x in record.listeners] == [(own, port)]
    assert own in met


def test_a_listed_address_is_sent_nothing(nmap: str) -> None:
    """Its neighbour is swept, it is not."""
    own = own_address()
    with listening() as (port, met):
        found = swept(Sweep(name="s", cidrs=(pair(own),), ports=(port,)), own)

    assert met == []
    assert own not in seen_addresses(found)
    assert own not in repr([found.records, found.raws])


def test_a_range_that_is_listed_as_a_whole_starts_no_nmap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(tmp_path, monkeypatch, "exit 0")
    found = swept(Sweep(name="s", cidrs=("10.7.0.0/24", "10.7.1.0/24")), "10.7.0.0/23")

    assert {(c.state, c.cell.scope) for c in found.cells} == {(CellState.SKIPPED, DO_NOT_SCAN)}
    assert not (tmp_path / "bin" / "nmap.args").exists()


def test_nothing_that_answers_is_a_complete_range_without_hosts(nmap: str) -> None:
    """TEST-NET addresses that this machine does not have, or a closed loopback port, are no error."""
    found = swept(Sweep(name="s", cidrs=("127.0.0.77/32",), ports=(9,)))

    (cell,) = found.cells
    assert cell.state is CellState.COMPLETE
    assert found.records == []


def test_only_plain_connections_are_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even where the night runs as root: no raw packets, no DNS, no scripts, never faster than the config says."""
    stand_in(tmp_path, monkeypatch, "exit 0")
    swept(Sweep(name="s", cidrs=("10.7.0.0/30",), packets_per_second=7), "10.7.0.2")
    given = (tmp_path / "bin" / "nmap.args").read_text().split("\n")

    assert {"--unprivileged", "-n", "-sn"} <= set(given)
    assert given[given.index("--max-rate") + 1] == "7"
    assert not {"-sS", "-sU", "-O", "-A", "-sC", "-Pn", "-sV"} & set(given)
    assert (tmp_path / "bin" / "nmap.targets").read_text().split() == ["10.7.0.0/31", "10.7.0.3/32"]
    assert (tmp_path / "bin" / "nmap.excluded").read_text().split() == ["10.7.0.2/32"]


@pytest.mark.sshd
def test_hosts_that_nobody_declared_are_found_in_their_network(nmap: str, tmp_path: Path) -> None:
    """Two containers, one of them on the list."""
    with ssh_hosts(tmp_path, SshHostSpec(alias="one"), SshHostSpec(alias="two")) as farm:
        one, two = (farm.hosts[name].inner_address for name in ("one", "two"))
        entry = Sweep(name="s", cidrs=(f"{one}/32", f"{two}/32"), ports=(22,))

        assert seen_addresses(swept(entry)) == {one, two}
        assert seen_addresses(swept(entry, two)) == {one}


# ── when nmap fails, or lies ─────────────────────────────────────────────────────────────────────────────────────────


def reason(found: Collection) -> str:
    (cell,) = found.cells
    assert cell.state in (CellState.FAILED, CellState.PARTIAL)
    assert cell.reason is not None
    assert tell(cell.reason, "zh_CN") != tell(cell.reason, "en")
    return tell(cell.reason, "en")


ENTRY = Sweep(name="s", cidrs=("10.7.0.0/24",))


def test_without_nmap_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ConfigError, match="install the package nmap"):
        sweep_collectors(ENTRY, clock=lambda: NOON, guard=Guard())


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo 'Failed to resolve \033[31mx' >&2; exit 1", "nmap failed (1): Failed to resolve"),
        ("kill -9 $$", "nmap failed (-9)"),
        ("exit 0", "nmap wrote nothing"),
        ("echo hello > $OUT", "no XML as nmap writes it"),
        ("echo '<a/>' > $OUT", "expected nmap's XML"),
        (f"echo '{xml(end='</nmaprun>')}' > $OUT", "nmap did not finish"),
        ("echo '<!DOCTYPE nmaprun [<!ENTITY a \"b\">]><nmaprun>&a;</nmaprun>' > $OUT", "declares entities"),
    ],
)
def test_a_failed_nmap_is_never_a_complete_range(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, said: str
) -> None:
    stand_in(tmp_path, monkeypatch, script)

    told = reason(swept(ENTRY))
    assert said in told
    assert told.isprintable()


def test_a_run_that_does_not_end_is_stopped_and_what_it_saw_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(
        tmp_path, monkeypatch, f"echo '{xml(host('10.7.0.9'), end='')}' > $OUT; sleep 600 & echo $! > $0.pid; wait"
    )
    found = swept(Sweep(name="s", cidrs=("10.7.0.0/24",), total_timeout=1.5))

    assert "did not end within 1.5 s" in reason(found)
    assert seen_addresses(found) == {"10.7.0.9"}
    child = int((tmp_path / "bin" / "nmap.pid").read_text())
    assert soon(lambda: is_gone(child)), "what nmap had started still runs"


def test_what_nmap_was_not_asked_for_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a listed address nor one outside the ranges, whatever nmap says."""
    stand_in(tmp_path, monkeypatch, f"echo '{xml(*map(host, ('10.7.0.9', '10.7.0.66', '10.8.0.1')))}' > $OUT")
    found = swept(ENTRY, "10.7.0.66")

    assert seen_addresses(found) == {"10.7.0.9"}
    assert "10.7.0.66" not in repr(found)
    assert "was not asked for" in reason(found)


# ── the command ──────────────────────────────────────────────────────────────────────────────────────────────────────

CONFIG = 'version = 1\n[city]\nname = "x"\n'


def test_a_configured_range_is_swept_only_when_told_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, yunhe: Yunhe
) -> None:
    """To stand in the config is leave, no order: the cron job of every night sends nothing."""
    stand_in(tmp_path, monkeypatch, f"echo '{xml(host('10.7.0.9'))}' > $OUT")
    config = tmp_path / "yunhe.toml"
    config.write_text(CONFIG + '[[sweep]]\nname = "s"\ncidrs = ["10.7.0.0/24", "10.9.0.0/30"]\n'
                      '[[discovery]]\nname = "d"\nkind = "arp"\npath = "arp"\n'
                      '[do_not_scan]\nentries = ["10.9.0.0/30"]\n')  # fmt: skip
    (tmp_path / "arp").write_text("10.7.0.5 dev eth0 lladdr 52:54:00:00:00:01 REACHABLE\n")

    assert yunhe("collect", "-c", str(config), "-o", str(tmp_path / "a.yunhe")).code == 0
    assert not (tmp_path / "bin" / "nmap.args").exists()

    ran = yunhe("collect", "-c", str(config), "-o", str(tmp_path / "b.yunhe"), "--sweep")
    assert f"sweep:s: {started_by()} has nmap send at most 50 packets a second to 10.7.0.0/24" in ran.err
    assert "10.9.0.0" not in ran.err
    taken = capture_file.read(tmp_path / "b.yunhe")
    (info,) = [s for s in taken.sources if s.type == "sweep"]
    assert info.sent_by == started_by()
    (cell,) = [c for c in taken.cells if c.cell.scope == "10.7.0.0/24"]
    assert (cell.state, cell.seen) == (CellState.COMPLETE, 1)
    assert cell.started_at is not None


def test_a_host_that_only_a_sweep_has_seen_is_to_be_verified_in_its_segment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, yunhe: Yunhe
) -> None:
    """It is somebody's, and nothing more is known: neither on the cloud nor off it."""
    stand_in(tmp_path, monkeypatch, f"echo '{xml(host('10.7.0.9'))}' > $OUT")
    (tmp_path / "segments.csv").write_text(
        "网段CIDR,网络区域,归属单位\n10.7.0.0/24,部门专网,市教育局\n", encoding="utf-8"
    )
    config = tmp_path / "yunhe.toml"
    config.write_text(
        CONFIG + '[[ledger]]\nname = "segments"\nkind = "segments"\npath = "segments.csv"\n'
        '[[sweep]]\nname = "s"\ncidrs = ["10.7.0.0/24"]\nzone = "部门专网"\n', encoding="utf-8"
    )  # fmt: skip

    told = json.loads(yunhe("scan", "-c", config, "--sweep", "--format", "json").out)
    explained = yunhe("explain", "10.7.0.9", "-c", config).out

    verdicts = {f["name"]: f["verdict"] for f in told["findings"] if f["check"] == "14-standalone-compute"}
    assert verdicts == {"10.7.0.9": "unknown"}
    assert "undetermined" in explained
    assert "市教育局" in explained


@pytest.mark.parametrize(
    ("table", "flags", "code", "said"),
    [
        ("", ["--sweep"], 2, "allows no range"),
        ("[[sweep]]\nname = 's'\ncidrs = []\n", [], 2, "sweep[1].cidrs"),
        ("[[sweep]]\nname = 's'\ncidrs = ['10.0.0.0/8']\n", [], 2, "more than 65536 addresses"),
        ("[[sweep]]\nname = 's'\ncidrs = ['-iL /etc/passwd']\n", [], 2, "expected a CIDR"),
        ("[[sweep]]\nname = 's'\ncidrs = ['10.0.0.0/24']\nports = [0]\n", [], 2, "ports"),
    ],
)
def test_what_may_not_be_swept_is_a_usage_error(
    tmp_path: Path, yunhe: Yunhe, table: str, flags: list[str], code: int, said: str
) -> None:
    config = tmp_path / "yunhe.toml"
    config.write_text(CONFIG + table)
    ran = yunhe("collect", "-c", str(config), "-o", str(tmp_path / "a.yunhe"), *flags)

    assert ran.code == code
    assert said in ran.err


def test_nothing_goes_on_sending_when_the_program_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """kill -9 leaves nobody to stop nmap; Linux does."""
    need_program("setpriv")
    stand_in(tmp_path, monkeypatch, "echo $$ > $0.pid; exec sleep 600")
    config = tmp_path / "yunhe.toml"
    config.write_text(CONFIG + '[[sweep]]\nname = "s"\ncidrs = ["10.7.0.0/24"]\n')
    pid_file = tmp_path / "bin" / "nmap.pid"
    command = [sys.executable, "-c", "import cli; cli.main()", "collect", "--sweep", "-c", config, "-o", tmp_path / "o"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        for _ in range(600):
            if pid_file.exists() and pid_file.read_text().strip():
                break
            time.sleep(0.1)
        process.kill()

    assert soon(lambda: is_gone(int(pid_file.read_text())))
