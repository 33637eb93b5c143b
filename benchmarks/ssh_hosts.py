"""SSH hosts: `python -m benchmarks ssh --hosts 500`, or alone `python -m benchmarks.ssh_hosts --hosts 500`.

One real sshd in a container on this machine's network; every address of 127.0.0.0/8 is a host to whoever connects to
it. The floor is OpenSSH's own client running `true` on each of them, so many at once as ours asks, without
multiplexing. Beside it stand the same client with the key exchange that paramiko uses, and running our probe.

pyinfra and Ansible are installed into a virtual environment of their own. Ansible takes half a second a host here, so
it and ours are compared on no more than a hundred hosts; the row says on how many.
"""

import argparse
import io
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from sshd_service import open_sshds

from benchmarks.report import Row, Side, compare, faster_goal, print_rows, ratio_goal, stage, version_of

SIZES = (500,)
PARALLEL = 32
"""Hosts at once, of all sides: ours by default."""
MAX_RATIO = 1.2
MIN_FASTER = 3.0
PEERS = {"pyinfra": "pyinfra", "ansible": "ansible-core"}
MAX_HOSTS = {"pyinfra": 500, "ansible": 100}
ROUNDS_OF = {"pyinfra": 3, "ansible": 1}
_TARGET = "FROM {image}\nRUN apt-get update && apt-get install -y -q --no-install-recommends python3\n"
"""Ansible runs Python on its hosts."""


@dataclass(frozen=True)
class Hosts:
    """What every side is given: a folder with `hosts` (an address a line), `ssh_config`, `known_hosts` and the key."""

    folder: Path
    count: int

    def side(self, side: str, *, name: str = "", version: str = "", rounds: int = 3) -> Side:
        """A side over these hosts."""
        command = [sys.executable, "-m", "benchmarks.ssh_sides", side, str(self.folder), str(self.count), str(PARALLEL)]
        return Side(name=name or side, version=version, command=command, rounds=rounds)


def rows(size: int) -> list[Row]:
    """The row against the floor for so many hosts, and those against the peers for as many as these can bear."""
    with running(size) as hosts:
        client = _openssh_version()
        ours, floor, same_exchange, probe = compare(
            [
                hosts.side("ours"),
                hosts.side("floor"),
                hosts.side("exchange", name="ssh, curve25519-sha256 as ours", version=client, rounds=1),
                hosts.side("probe", name="ssh running our probe", version=client, rounds=1),
            ]
        )
        note = f"one sshd, {PARALLEL} at once; floor: {client} running `true`; paramiko {version_of('paramiko')}"
        found = [
            Row(
                what="SSH hosts",
                size=size,
                ours=ours,
                floor=floor,
                peers=(same_exchange, probe),
                goals=(ratio_goal(ours, floor, MAX_RATIO),),
                note=note,
            )
        ]
        found += [
            _against(Hosts(hosts.folder, min(size, MAX_HOSTS[peer])), peer, version)
            for peer, version in install_peers().items()
        ]
    return found


def _against(hosts: Hosts, peer: str, version: str) -> Row:
    ours, its = compare([hosts.side("ours"), hosts.side(peer, version=version, rounds=ROUNDS_OF[peer])])
    return Row(
        what=f"SSH hosts, facts as {peer} has them",
        size=hosts.count,
        ours=ours,
        peers=(its,),
        goals=(faster_goal(ours, its, MIN_FASTER),),
        note=f"one sshd, {PARALLEL} at once",
    )


@contextmanager
def running(size: int) -> Iterator[Hosts]:
    """The sshd, and the files for so many hosts."""
    with stage("building the image of sshd"):
        image = _image_with_python()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with open_sshds(folder, {"MAX_STARTUPS": "1000:30:2000"}, image=image) as (sshd,):
            addresses = [f"127.50.{n // 250}.{n % 250 + 1}" for n in range(size)]
            (folder / "hosts").write_text("".join(f"{a}\n" for a in addresses))
            (folder / "known_hosts").write_text("".join(f"[{a}]:{sshd.port} {sshd.host_key}\n" for a in addresses))
            (folder / "ssh_config").write_text(
                f"Host *\n  Port {sshd.port}\n  User root\n  IdentityFile {folder / 'id_ed25519'}\n"
                f"  IdentitiesOnly yes\n  UserKnownHostsFile {folder / 'known_hosts'}\n  StrictHostKeyChecking yes\n"
                "  ControlMaster no\n  BatchMode yes\n  LogLevel ERROR\n"
            )
            yield Hosts(folder, size)


def _image_with_python() -> str:
    import docker
    from services import build_image

    recipe = _TARGET.format(image=build_image("sshd"))
    image, _ = docker.from_env(timeout=600).images.build(fileobj=io.BytesIO(recipe.encode()), tag="yunhe-bench-sshd")
    return str(image.id)


def peers_folder() -> Path:
    """The virtual environment of the peers, inside ours: it goes when that goes."""
    return Path(sys.prefix) / "ssh-peers"


def install_peers() -> dict[str, str]:
    """The peers with their versions, installed where they are not yet; none, and a word why, where they cannot be."""
    folder = peers_folder()
    pip = folder / "bin" / "pip"
    try:
        if not (folder / "bin" / "pyinfra").exists() or not (folder / "bin" / "ansible").exists():
            with stage("installing pyinfra and Ansible"):
                _run(sys.executable, "-m", "venv", str(folder))
                _run(str(pip), "install", "-q", "--disable-pip-version-check", *PEERS.values())
        listed = dict(line.split("==") for line in _run(str(pip), "freeze").split() if "==" in line)
    except subprocess.CalledProcessError as error:
        print(f"pyinfra and Ansible are left out, they cannot be installed: {error.stderr[-300:]}", file=sys.stderr)
        return {}
    return {peer: listed[distribution] for peer, distribution in PEERS.items()}


def _run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _openssh_version() -> str:
    told = subprocess.run(["ssh", "-V"], capture_output=True, text=True, check=True).stderr
    found = re.match(r"\S+", told)
    return found[0].rstrip(",") if found else told.strip()


def main() -> None:
    """This row alone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hosts", type=int, default=SIZES[0])
    print_rows(rows(parser.parse_args().hosts))


if __name__ == "__main__":
    main()
