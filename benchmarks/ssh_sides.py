"""The sides of the SSH row, each run as a program: `python -m benchmarks.ssh_sides ours FOLDER HOSTS PARALLEL`.

`ours` is the collector through the runner, from reading ssh_config to records in the spool on disk. `floor` is
OpenSSH's client running `true`, started by xargs; `exchange` the same with paramiko's key exchange, `probe` running our
probe. `pyinfra` and `ansible` gather their facts of the same things, as their own commands do.
"""

import argparse
import importlib
import os
import re
import shlex
import subprocess
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.report import say

PYINFRA_FACTS = (
    "server.User", "server.Hostname", "server.Kernel", "server.KernelVersion", "server.Arch", "server.OsRelease",
    "server.LinuxDistribution", "server.Mounts", "server.Ports", "hardware.NetworkDevices", "hardware.BlockDevices",
    "hardware.Cpus", "hardware.Memory",
)  # fmt: skip
"""All that our probe reads and pyinfra has a fact for. For SMBIOS, routes, the machine id and the age of the root file
system, which the probe reads too, it has none."""


def ours(folder: Path, hosts: list[str], parallel: int) -> int:
    """Hosts that were read whole."""
    from collectors.collector import collect_into
    from collectors.ssh_source import ssh_collectors
    from inventory.guard import Guard
    from inventory.settings import SshSource
    from inventory.spool import Spool

    source = SshSource(name="city", hosts=tuple(hosts), ssh_config="ssh_config", parallel=parallel)
    guard = Guard(["10.250.0.0/16", "secret-registry", "192.0.2.77"])
    collectors = ssh_collectors(source, base=folder, clock=_now, guard=guard, environ={})
    with tempfile.TemporaryDirectory() as name, Spool(Path(name) / "collecting", guard=guard, taken_at=_now()) as spool:
        collect_into(spool, collectors, clock=_now)
        spool.finish()
        for result in spool.cells:
            if not result.is_complete:
                raise RuntimeError(f"{result.cell}: {result.state}: {result.reason}")
        return len(spool.cells)


def floor(folder: Path, hosts: list[str], parallel: int) -> int:
    """OpenSSH's client running one command that does nothing."""
    return _ssh(folder, hosts, parallel, "true")


def exchange(folder: Path, hosts: list[str], parallel: int) -> int:
    """The same with the key exchange that paramiko and this sshd agree on; OpenSSH's own choice costs more."""
    return _ssh(folder, hosts, parallel, "true", "-o KexAlgorithms=curve25519-sha256")


def probe(folder: Path, hosts: list[str], parallel: int) -> int:
    """OpenSSH's client running what ours runs."""
    from collectors.ssh_source import probe_text

    (folder / "probe.sh").write_bytes(probe_text())
    return _ssh(folder, hosts, parallel, "sh -s", text=folder / "probe.sh")


def _ssh(
    folder: Path, hosts: list[str], parallel: int, command: str, options: str = "", text: Path = Path("/dev/null")
) -> int:
    config, said = shlex.quote(str(folder / "ssh_config")), shlex.quote(str(text))
    one = f'ssh -F {config} {options} "$0" {shlex.quote(command)} <{said} >/dev/null && echo ok'
    every = subprocess.run(
        ["xargs", "-P", str(parallel), "-n", "1", "sh", "-c", one],
        input="\n".join(hosts), capture_output=True, text=True, check=True,
    )  # fmt: skip
    return every.stdout.count("ok\n")


def pyinfra(folder: Path, hosts: list[str], parallel: int) -> int:
    """`pyinfra INVENTORY fact …`."""
    settings = {
        "ssh_config_file": str(folder / "ssh_config"),
        "ssh_known_hosts_file": str(folder / "known_hosts"),
        "ssh_strict_host_key_checking": "yes",
        "ssh_user": "root",
        "ssh_port": _port(folder),
        "ssh_key": str(folder / "id_ed25519"),
    }
    inventory = folder / "inventory.py"
    inventory.write_text(f"hosts = ({hosts!r}, {settings!r})\n")
    command = [str(_peer("pyinfra")), "-y", "--parallel", str(parallel), str(inventory), "fact", *PYINFRA_FACTS]
    told = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    loaded = re.findall(r"\[(127[0-9.]+)\].*Loaded fact hardware\.Memory", told.stdout + told.stderr)
    if not loaded:
        raise RuntimeError(f"pyinfra: {(told.stdout + told.stderr)[-2000:]}")
    return len(set(loaded))


def ansible(folder: Path, hosts: list[str], parallel: int) -> int:
    """`ansible all -m setup`, with what Ansible does of itself: it keeps its connections open between its steps."""
    inventory = folder / "inventory.ini"
    inventory.write_text("\n".join(hosts) + "\n")
    with tempfile.TemporaryDirectory() as control:
        env = {
            **os.environ,
            "ANSIBLE_SSH_ARGS": f"-C -o ControlMaster=auto -o ControlPersist=5s -F {folder / 'ssh_config'}",
            "ANSIBLE_SSH_CONTROL_PATH_DIR": control,
            "ANSIBLE_LOCAL_TEMP": control,
            "ANSIBLE_PYTHON_INTERPRETER": "/usr/bin/python3",
            "ANSIBLE_NOCOLOR": "1",
        }
        command = [str(_peer("ansible")), "all", "-i", str(inventory), "-f", str(parallel), "-m", "setup", "-o"]
        told = subprocess.run(command, capture_output=True, text=True, check=False, env=env, cwd=folder)
    count = sum(" | SUCCESS => " in line for line in told.stdout.splitlines())
    if not count:
        raise RuntimeError(f"Ansible: {(told.stdout + told.stderr)[-2000:]}")
    return count


SIDES = {f.__name__: f for f in (ours, floor, exchange, probe, pyinfra, ansible)}


def _peer(name: str) -> Path:
    from benchmarks.ssh_hosts import peers_folder

    return peers_folder() / "bin" / name


def _port(folder: Path) -> int:
    return int(re.findall(r"Port (\d+)", (folder / "ssh_config").read_text())[0])


def _now() -> datetime:
    return datetime.now(UTC)


def main() -> None:
    """One side; its last line is what it says (`benchmarks.report.say`)."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("side", choices=list(SIDES))
    parser.add_argument("folder", type=Path)
    parser.add_argument("hosts", type=int)
    parser.add_argument("parallel", type=int)
    asked = parser.parse_args()
    hosts = (asked.folder / "hosts").read_text().split()[: asked.hosts]
    if asked.side == "ours":
        # As in the other rows, what takes a second to import is there before the clock runs.
        for name in ("paramiko", "collectors.ssh_source", "inventory.spool"):
            importlib.import_module(name)
    started = time.perf_counter()
    count = SIDES[asked.side](asked.folder, hosts, asked.parallel)
    say(seconds=time.perf_counter() - started, count=count)


if __name__ == "__main__":
    main()
