"""The probe on userlands that are not Debian's: other shells, other tools, hardly any tools, and asked for real."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sshd_service import PROBE, SshHosts, SshHostSpec, ssh_hosts

from collectors.collector import collect
from collectors.ssh_source import ssh_collectors
from inventory.collection import Collection
from inventory.guard import Guard
from inventory.records import HostSighting, Nic
from inventory.settings import SshSource
from inventory.text import tell

MACHINE_ID = "0123456789abcdef0123456789abcdef"
USERLANDS = ("busybox", "openeuler", "kylin", "bare")
NICS = (("ens3", "fa:16:3e:aa:bb:01", "10.20.0.5/24"), ("docker0", "02:42:00:00:00:01", "172.18.0.1/16"))


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshHosts]:
    """One host of each userland, alike in everything else."""
    specs = [
        SshHostSpec(
            alias=name, userland=name, user="yunhe", machine_id=MACHINE_ID, nics=NICS, dmi={"sys_vendor": "Inspur"}
        )
        for name in USERLANDS
    ]
    with ssh_hosts(tmp_path_factory.mktemp("userlands"), *specs) as hosts:
        yield hosts


@pytest.fixture(scope="module")
def seen(farm: SshHosts) -> Collection:
    def now() -> datetime:
        return datetime.now(UTC)

    source = SshSource(
        name="hosts", hosts=USERLANDS, ssh_config=str(farm.ssh_config), known_hosts=str(farm.known_hosts)
    )
    guard = Guard()
    collectors = ssh_collectors(source, base=Path("/"), clock=now, guard=guard, environ={})
    return collect(collectors, guard=guard, clock=now)


def host(collection: Collection, alias: str) -> HostSighting:
    return next(r for r in collection.records if isinstance(r, HostSighting) and r.native_id == alias)


@pytest.mark.sshd
@pytest.mark.parametrize("userland", USERLANDS)
def test_the_probe_reads_everything_with_what_is_there(seen: Collection, userland: str) -> None:
    """Whole answers, from /proc and /sys where a tool is missing: `bare` has no ip, ss, stat, cut, grep or awk."""
    result = next(c for c in seen.cells if c.cell.scope == userland)
    assert result.is_complete, tell(result.reason, "en") if result.reason else ""
    sighting = host(seen, userland)
    assert sighting.name == userland
    assert (sighting.vendor, sighting.machine_id) == ("Inspur", MACHINE_ID)
    assert sighting.vcpus is not None
    assert sighting.memory_bytes is not None
    assert Nic(name="ens3", mac="fa:16:3e:aa:bb:01", addresses=("10.20.0.5/24",)) in sighting.nics
    assert [nic.name for nic in sighting.nics] == ["ens3", "eth0"]
    assert all(len(nic.addresses) == 1 for nic in sighting.nics), "docker0's address is nobody's"
    assert ("tcp", 22) in {(listener.protocol, listener.port) for listener in sighting.listeners}
    assert any(
        route.destination == "0.0.0.0/0" and route.gateway and route.device == "eth0" for route in sighting.routes
    )
    assert any(route.destination == "10.20.0.0/24" for route in sighting.routes)
    assert any(mount.target == "/etc/hostname" for mount in sighting.mounts)


@pytest.mark.sshd
def test_each_says_what_it_is(seen: Collection) -> None:
    assert {name: (host(seen, name).os_name, host(seen, name).os_version) for name in USERLANDS} == {
        "busybox": ("alpine", "3.19.1"),
        "openeuler": ("openEuler", "22.03"),
        "kylin": ("Kylin Linux Advanced Server", None),
        "bare": ("bare", None),
    }


@pytest.mark.sshd
def test_the_userlands_are_what_they_are_called(farm: SshHosts) -> None:
    """Or the tests above would say nothing."""
    assert "BusyBox" in farm.hosts["busybox"].run("sh", "-c", "sed --help 2>&1")
    assert "busybox" in farm.hosts["busybox"].run("readlink", "-f", "/bin/sh")
    assert "bash" in farm.hosts["openeuler"].run("readlink", "-f", "/bin/sh")
    assert "ip is not there" in farm.hosts["kylin"].run("sh", "-c", "command -v ip || echo ip is not there")
    for tool in ("ip", "ifconfig", "hostname", "ss", "stat", "cut", "grep", "timeout", "lsblk", "dmidecode"):
        assert "gone" in farm.hosts["bare"].run("sh", "-c", f"command -v {tool} || echo gone"), tool


def test_the_probe_writes_nothing_and_reaches_nowhere() -> None:
    """Its owner reads it before agreeing: nothing in it redirects into a file but /dev/null, or opens a connection."""
    lines = [line for line in PROBE.read_text(encoding="utf-8").splitlines() if not line.lstrip().startswith("#")]
    written = {word.split(">", 1)[1] for line in lines for word in line.split() if ">" in word.replace(">&", "")}
    assert {target for target in written if target and not target.startswith("&")} <= {"/dev/null"}, written
    words = {word.strip("();'\"") for line in lines for word in line.split()}
    assert not words & {"curl", "wget", "nc", "ssh", "tee", "mktemp", "rm", "df", "eval", "exec", "dd"}
