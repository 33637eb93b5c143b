"""SSH hosts in containers, with the client's files (keys, ssh_config, known_hosts) in a folder of the test's own.

A container has no SMBIOS of its own: `/sys/class` of it is a tmpfs into which the image writes what the test asks for
(`dmi`), so the probe reads the real path and the test decides which machine it meets.
"""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest
from services import PATIENT, build_image, need_docker

if TYPE_CHECKING:
    from testcontainers.core.container import DockerContainer

NOVA_DMI = {"sys_vendor": "OpenStack Foundation", "product_name": "OpenStack Nova", "chassis_type": "1"}
SWAPPED_UUID = "420bcf8f-a2f2-d154-329b-575d9bc5e19c"
"""A Nova server's id with its first three fields the other way round (domain notes, UUID traps)."""
TOWER_DMI = {"sys_vendor": "Inspur", "product_name": "NP3020M5", "chassis_type": "7", "product_serial": "219310551"}


@dataclass(frozen=True, kw_only=True)
class SshHostSpec:
    """A machine to be started."""

    alias: str
    dmi: dict[str, str] = field(default_factory=dict)
    virt: str | None = None
    """What systemd-detect-virt says; None: the program is not there."""
    machine_id: str = ""
    instance_id: str = ""
    nics: tuple[tuple[str, str, str], ...] = ()
    """(name, MAC, address/prefix) of interfaces beside the container's own eth0."""
    mode: str = "normal"
    """normal, password, hung, stuck, flood, probe, restricted: see the image's entrypoint."""
    userland: str = ""
    """busybox, openeuler, kylin, bare: see the image's entrypoint."""
    user: str = "root"
    """Whom the client logs in as: root, or yunhe, the restricted account."""
    password: str = ""
    sudo: bool = False
    via: str | None = None
    """Alias of the started host that is its ProxyJump; it is then reached at its address inside Docker."""
    on_file: Literal["own", "other", "none"] = "own"
    """What known_hosts says of its key."""
    volumes: tuple[tuple[str, str], ...] = ()
    """(path here, path in the container), read-only."""


@dataclass(kw_only=True)
class StartedHost:
    """A running host."""

    spec: SshHostSpec
    container: "DockerContainer"
    port: int
    inner_address: str
    host_key: str
    """`type base64`"""

    def run(self, *command: str) -> str:
        """Standard output of a command in the container."""
        result = self.container.exec(list(command))
        return result.output.decode()


class SshHosts:
    """The hosts of one test and the client's files for them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.hosts: dict[str, StartedHost] = {}
        self.ssh_config = folder / "ssh_config"
        self.known_hosts = folder / "known_hosts"
        self.identity = folder / "id_ed25519"
        self.ssh_config.write_text("")
        self.known_hosts.write_text("")
        self._public = write_key(self.identity)

    @property
    def aliases(self) -> tuple[str, ...]:
        """Names of all hosts, as ssh_config knows them."""
        return tuple(self.hosts)

    def start(self, *specs: SshHostSpec) -> None:
        """Starts the hosts together and waits until each listens."""
        from testcontainers.core.container import DockerContainer

        image = build_image("sshd")
        begun = []
        for spec in specs:
            container = DockerContainer(image, docker_client_kw=PATIENT).with_tmpfs_mount("/sys/class")
            container.with_kwargs(cap_add=["NET_ADMIN"], hostname=spec.alias)
            # with_bind_ports takes no address, and this port is nobody's business outside this machine.
            container.ports["22/tcp"] = ("127.0.0.1", None)
            for name, value in self._environment(spec).items():
                container.with_env(name, value)
            for here, there in spec.volumes:
                container.with_volume_mapping(here, there, "ro")
            container.start()
            begun.append((spec, container))
            self.hosts[spec.alias] = StartedHost(spec=spec, container=container, port=0, inner_address="", host_key="")
        for spec, container in begun:
            self.hosts[spec.alias] = _when_listening(spec, container)
        self.write_files()

    def _environment(self, spec: SshHostSpec) -> dict[str, str]:
        environment = {f"DMI_{name}": value for name, value in spec.dmi.items()}
        environment["MODE"] = spec.mode
        environment["AUTHORIZED_KEY"] = self._public
        environment["MACHINE_ID"] = spec.machine_id
        environment["INSTANCE_ID"] = spec.instance_id
        environment["NICS"] = ";".join(" ".join(nic) for nic in spec.nics)
        environment["PASSWORD"] = spec.password
        environment["SUDO"] = "1" if spec.sudo else ""
        environment["VIRT"] = spec.virt or ""
        environment["USERLAND"] = spec.userland
        return environment

    def write_files(self) -> None:
        """ssh_config and known_hosts as an operator would have them."""
        blocks, keys = [], []
        for host in self.hosts.values():
            address, port = ("127.0.0.1", host.port) if host.spec.via is None else (host.inner_address, 22)
            block = f"Host {host.spec.alias}\n  HostName {address}\n  Port {port}\n  User {host.spec.user}\n"
            block += f"  IdentityFile {self.identity}\n  IdentitiesOnly yes\n"
            if host.spec.via is not None:
                block += f"  ProxyJump {host.spec.via}\n"
            blocks.append(block)
            key = {"own": host.host_key, "other": self._public, "none": None}[host.spec.on_file]
            if key is not None:
                keys.append(f"{address if port == 22 else f'[{address}]:{port}'} {key}\n")
        self.ssh_config.write_text("\n".join(blocks))
        self.known_hosts.write_text("".join(keys))

    def stop(self) -> None:
        """Removes the containers."""
        for host in self.hosts.values():
            host.container.stop(force=True, delete_volume=True)
        self.hosts.clear()


def write_key(path: Path) -> str:
    """A new Ed25519 key pair in OpenSSH's form; returns the public half."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption())
    )
    path.chmod(0o600)
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()
    Path(f"{path}.pub").write_text(public + "\n")
    return public


ROOT = Path(__file__).parents[2]
PROBE = ROOT / "collectors" / "ssh_probe.sh"
DEPLOY = ROOT / "deploy" / "ssh"

FARM = (
    SshHostSpec(
        alias="nova",
        dmi={**NOVA_DMI, "product_uuid": SWAPPED_UUID, "product_serial": "8fcf0b42-f2a2-54d1-329b-575d9bc5e19c"},
        virt="kvm",
        machine_id="0123456789abcdef0123456789abcdef",
        instance_id="8fcf0b42-f2a2-54d1-329b-575d9bc5e19c",
        nics=(("ens3", "fa:16:3e:aa:bb:01", "10.20.0.5/24"), ("docker0", "02:42:00:00:00:01", "172.18.0.1/16")),
    ),
    SshHostSpec(alias="tower", user="yunhe", dmi={**TOWER_DMI, "product_uuid": SWAPPED_UUID.upper()}, virt="none"),
    SshHostSpec(alias="sudoer", user="yunhe", dmi={**TOWER_DMI, "product_uuid": SWAPPED_UUID}, sudo=True),
    SshHostSpec(alias="forced", mode="probe", volumes=((str(PROBE), "/usr/local/lib/yunhe/ssh_probe.sh"),)),
    SshHostSpec(alias="inner", via="nova"),
    SshHostSpec(alias="deep", via="inner"),
    SshHostSpec(alias="unknown-key", on_file="none"),
    SshHostSpec(alias="changed-key", on_file="other"),
    SshHostSpec(alias="password", mode="password", user="yunhe", password="right"),
    SshHostSpec(alias="hung", mode="hung"),
    SshHostSpec(alias="stuck", mode="stuck"),
    SshHostSpec(alias="flood", mode="flood"),
)
"""One of each: what reads well, and each way of going wrong."""


@pytest.fixture(scope="session")
def ssh_farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshHosts]:
    """The hosts of FARM."""
    with ssh_hosts(tmp_path_factory.mktemp("ssh"), *FARM) as hosts:
        yield hosts


@contextmanager
def ssh_hosts(folder: Path, *specs: SshHostSpec) -> Iterator[SshHosts]:
    """These hosts, running; removed afterwards."""
    need_docker()
    hosts = SshHosts(folder)
    try:
        hosts.start(*specs)
        yield hosts
    finally:
        hosts.stop()


@dataclass(frozen=True, kw_only=True)
class OpenSshd:
    """An sshd on the machine's own network: every loopback address is a host of its own to whoever connects to it."""

    port: int
    host_key: str
    """`type base64`"""


@contextmanager
def open_sshds(folder: Path, *specs: dict[str, str], image: str | None = None) -> Iterator[list[OpenSshd]]:
    """One sshd for each of these environments (MODE, MAX_STARTUPS: see the image's entrypoint), on a free port each.

    They listen on all addresses, since Linux knows no other way to have all of 127.0.0.0/8, and let in from loopback
    only. `folder` gets the key pair that they accept, as `id_ed25519`. `image`: another one with the same entrypoint.
    The container is the machine that is logged in to: nobody gets into this one.
    """
    from testcontainers.core.container import DockerContainer

    need_docker()
    image = image or build_image("sshd")
    public = write_key(folder / "id_ed25519")
    with ExitStack() as stack:
        found = []
        for spec in specs:
            port = _free_port()
            container = (
                DockerContainer(image, docker_client_kw=PATIENT)
                .with_tmpfs_mount("/sys/class")
                .with_kwargs(network_mode="host")
            )
            for name, value in {"LOOPBACK": "1", "PORT": str(port), "AUTHORIZED_KEY": public, **spec}.items():
                container.with_env(name, value)
            container.start()
            stack.callback(container.stop, force=True, delete_volume=True)
            found.append((container, port, spec.get("MODE", "normal")))
        yield [OpenSshd(port=port, host_key=_host_key(container, mode)) for container, port, mode in found]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _host_key(container: "DockerContainer", mode: str) -> str:
    _wait_for_sshd(container, mode)
    return " ".join(container.exec(["cat", "/etc/ssh/ssh_host_ed25519_key.pub"]).output.decode().split()[:2])


def _wait_for_sshd(container: "DockerContainer", mode: str) -> None:
    sign = b"Server listening (stopped)" if mode == "hung" else b"Server listening"
    deadline = time.monotonic() + 60
    while sign not in b"".join(container.get_logs()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"sshd did not start: {container.get_logs()}")
        time.sleep(0.2)


def _when_listening(spec: SshHostSpec, container: "DockerContainer") -> StartedHost:
    _wait_for_sshd(container, spec.mode)
    raw = container.get_wrapped_container()
    raw.reload()
    networks = raw.attrs["NetworkSettings"]["Networks"]
    return StartedHost(
        spec=spec,
        container=container,
        port=int(raw.attrs["NetworkSettings"]["Ports"]["22/tcp"][0]["HostPort"]),
        inner_address=next(iter(networks.values()))["IPAddress"],
        host_key=_host_key(container, spec.mode),
    )


def hashed_name(name: str) -> str:
    """`|1|salt|hash` as HashKnownHosts writes it."""
    import base64
    import hmac
    import secrets

    salt = secrets.token_bytes(20)
    digest = hmac.digest(salt, name.encode(), "sha1")
    return f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"
