"""The restricted account as deploy/ssh ships it, on a real sshd: whatever is asked of it, only the probe runs."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sshd_service import DEPLOY, PROBE, ROOT, SWAPPED_UUID, TOWER_DMI, SshHosts, SshHostSpec, StartedHost, ssh_hosts

from collectors.collector import collect
from collectors.ssh_source import ssh_collectors
from inventory.guard import Guard
from inventory.records import HostSighting
from inventory.settings import SshSource

MARK = "/tmp/yunhe-was-here"  # noqa: S108 - inside the container
SSH = "ssh -i /mnt/key -o StrictHostKeyChecking=no -o LogLevel=ERROR -o BatchMode=yes"
"""OpenSSH's own client, inside the container; the host key is this container's, nothing is learned from it."""


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshHosts]:
    folder = tmp_path_factory.mktemp("account")
    shipped = "/usr/local/share/yunhe"
    spec = SshHostSpec(
        alias="restricted",
        mode="restricted",
        user="yunhe",
        dmi={**TOWER_DMI, "product_uuid": SWAPPED_UUID},
        volumes=(
            (str(DEPLOY), f"{shipped}/deploy/ssh"),
            (str(PROBE), f"{shipped}/collectors/ssh_probe.sh"),
            (str(folder / "id_ed25519"), "/mnt/key"),
        ),
    )
    with ssh_hosts(folder, spec) as hosts:
        yield hosts


@pytest.fixture
def host(farm: SshHosts) -> StartedHost:
    return farm.hosts["restricted"]


def shell(host: StartedHost, text: str) -> tuple[int, str]:
    """Exit code and output of a shell line in the container."""
    result = host.container.exec(["sh", "-c", text])
    return result.exit_code, result.output.decode()


def is_probe_answer(output: str) -> bool:
    return output.startswith("\n@@ yunhe-probe 1\n") and output.endswith("@@ done\n")


@pytest.mark.sshd
@pytest.mark.parametrize(
    "asked",
    [
        f"{SSH} yunhe@127.0.0.1 id",
        f"{SSH} yunhe@127.0.0.1 'touch {MARK}'",
        f"{SSH} yunhe@127.0.0.1 \"'; touch {MARK}; '\"",
        f"{SSH} yunhe@127.0.0.1 '$(touch {MARK})'",
        f"echo 'touch {MARK}' | {SSH} yunhe@127.0.0.1",
        f"echo 'touch {MARK}' | {SSH} yunhe@127.0.0.1 sh -s",
        f"{SSH} -o SetEnv='ENV={MARK} BASH_ENV={MARK} PATH=/tmp LC_ALL=zh_CN' yunhe@127.0.0.1 id",
        f"{SSH} -A -X yunhe@127.0.0.1 'touch {MARK}'",
        f"{SSH} -s yunhe@127.0.0.1 sftp </dev/null",
    ],
)
def test_whatever_is_asked_only_the_probe_runs(host: StartedHost, asked: str) -> None:
    _, output = shell(host, f"{asked} 2>/dev/null")
    assert is_probe_answer(output), output[:300]
    assert shell(host, f"test -e {MARK}")[0] != 0


@pytest.mark.sshd
@pytest.mark.parametrize(
    "asked",
    [
        f"{SSH} -W 127.0.0.1:22 yunhe@127.0.0.1 </dev/null",
        f"{SSH} -N -o ExitOnForwardFailure=yes -R 9999:127.0.0.1:22 yunhe@127.0.0.1",
        f"{SSH} -N -w 0:0 -o ExitOnForwardFailure=yes yunhe@127.0.0.1",
        f"scp -q -S ssh -i /mnt/key -o StrictHostKeyChecking=no /etc/hostname yunhe@127.0.0.1:{MARK}",
        f"scp -q -O -i /mnt/key -o StrictHostKeyChecking=no /etc/hostname yunhe@127.0.0.1:{MARK}",
        f"{SSH} -o PubkeyAuthentication=no yunhe@127.0.0.1 id",
        f"{SSH} -tt yunhe@127.0.0.1 'touch {MARK}'",
    ],
)
def test_nothing_is_forwarded_copied_or_let_in_without_the_key(host: StartedHost, asked: str) -> None:
    code, output = shell(host, f"timeout 20 {asked} 2>&1")
    assert code not in {0, 124}, output
    assert shell(host, f"test -e {MARK}")[0] != 0


@pytest.mark.sshd
def test_sudo_gives_the_two_facts_and_nothing_else(host: StartedHost) -> None:
    def sudo(line: str) -> tuple[int, str]:
        return shell(host, f"su yunhe -s /bin/sh -c 'sudo -n {line}' 2>&1")

    assert sudo("cat /sys/class/dmi/id/product_uuid") == (0, SWAPPED_UUID + "\n")
    assert sudo("cat /sys/class/dmi/id/product_serial")[0] == 0
    for line in (
        "id",
        "sh",
        "cat /etc/shadow",
        "cat /sys/class/dmi/id/product_uuid /etc/shadow",
        "cat /sys/class/dmi/id/../../../../etc/shadow",
        "-u daemon cat /sys/class/dmi/id/product_uuid",
        "sudoedit /etc/passwd",
        "tee /etc/passwd",
    ):
        code, output = sudo(line)
        assert code != 0, (line, output)
        assert "root:" not in output
    _, listed = sudo("-l")
    assert len(re.findall(r"^\s+\(root\) NOPASSWD: ", listed, re.MULTILINE)) == 2, listed


@pytest.mark.sshd
def test_nothing_that_the_account_is_held_by_belongs_to_it(host: StartedHost) -> None:
    for path in (
        "/usr/local/lib/yunhe",
        "/usr/local/lib/yunhe/ssh_probe.sh",
        "/etc/ssh/yunhe_authorized_keys",
        "/etc/ssh/sshd_config.d/yunhe.conf",
        "/etc/sudoers.d/yunhe",
    ):
        assert shell(host, f"test -e {path}")[0] == 0, path
        assert shell(host, f"su yunhe -s /bin/sh -c 'test -w {path}'")[0] != 0, path
    assert shell(host, "cat /etc/ssh/yunhe_authorized_keys")[1].startswith('restrict,from="0.0.0.0/0" ssh-ed25519 ')
    assert shell(host, "test -e ~yunhe")[0] != 0, "no home: nowhere to put keys, profiles or an rc file"


@pytest.mark.sshd
def test_setting_it_up_again_changes_nothing(host: StartedHost) -> None:
    listing = (
        "cat /etc/ssh/yunhe_authorized_keys /etc/sudoers.d/yunhe /etc/ssh/sshd_config /etc/ssh/sshd_config.d/yunhe.conf"
    )
    before = shell(host, listing)
    key = before[1].split("\n")[0].split(" ", 1)[1]
    install = "/usr/local/share/yunhe/deploy/ssh/install.sh"
    assert shell(host, f"sh {install} '{key}' 0.0.0.0/0")[0] == 0
    assert shell(host, listing) == before


@pytest.mark.sshd
@pytest.mark.parametrize(
    "arguments",
    [
        "",
        "'ssh-ed25519 AAAA x'",
        "'command=\"id\" ssh-ed25519 AAAA x' 192.0.2.1",
        "'ssh-ed25519 AAAA x' '\",command=\"id'",
    ],
)
def test_a_wrong_call_sets_nothing_up(host: StartedHost, arguments: str) -> None:
    before = shell(host, "cat /etc/ssh/yunhe_authorized_keys")
    assert shell(host, f"sh /usr/local/share/yunhe/deploy/ssh/install.sh {arguments}")[0] != 0
    assert shell(host, "cat /etc/ssh/yunhe_authorized_keys") == before


@pytest.mark.sshd
@pytest.mark.parametrize("sudo", [True, False])
def test_a_scan_reads_the_whole_host_through_it(farm: SshHosts, sudo: bool) -> None:
    """The forced command decides: it asks sudo whatever the config says."""

    def now() -> datetime:
        return datetime.now(UTC)

    source = SshSource(
        name="hosts",
        hosts=("restricted",),
        sudo=sudo,
        ssh_config=str(farm.ssh_config),
        known_hosts=str(farm.known_hosts),
    )
    guard = Guard()
    collectors = ssh_collectors(source, base=Path("/"), clock=now, guard=guard, environ={})
    collection = collect(collectors, guard=guard, clock=now)
    assert [c.is_complete for c in collection.cells] == [True], collection.cells
    (sighting,) = collection.records
    assert isinstance(sighting, HostSighting)
    assert (sighting.uuid, sighting.serial, sighting.needs_root) == (SWAPPED_UUID, "219310551", ())


def test_the_documented_sudoers_lines_are_those_that_are_shipped() -> None:
    """And those with which the other tests' hosts are set up."""

    def lines(path: Path) -> list[str]:
        return re.findall(r"^yunhe ALL=.*$", path.read_text(encoding="utf-8"), re.MULTILINE)

    shipped = lines(DEPLOY / "yunhe.sudoers")
    assert len(shipped) == 2
    assert lines(ROOT / "docs" / "ssh-account.md") == shipped
    entrypoint = (ROOT / "tests" / "services" / "sshd" / "entrypoint.sh").read_text(encoding="utf-8")
    assert all(f"'{line}'" in entrypoint for line in shipped)
