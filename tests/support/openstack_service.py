"""The real OpenStack of tests/services/openstack: started once a session, seeded through its API, read by any test."""

import contextlib
import dataclasses
import os
import socket
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from services import PATIENT, build_image, docker_missing

if TYPE_CHECKING:
    from openstack.connection import Connection
    from testcontainers.core.container import DockerContainer

SERVICE_PORTS = {
    "identity": 5000, "compute": 8774, "placement": 8778, "volume": 8776, "image": 9292, "network": 9696,
    "load-balancer": 9876, "baremetal": 6385,
}  # fmt: skip
REGION = "RegionOne"
USER_DATA_SECRET = "planted-user-data-secret-6f1c"
"""Stands in the user data and in a secret-looking metadata entry of one seeded server; must be seen nowhere."""


@dataclasses.dataclass(frozen=True)
class OpenStackCloud:
    """A running OpenStack. clouds.yaml knows it as

    `zed` (admin), `zed-auditor` (reader in project admin; also holds a role on the system), `zed-system` (its system
    token), `zed-domain` (its domain token), `zed-confined` (reader in one project and nowhere else; only after
    `seeded`), `zed-wrong` (wrong password).
    """

    container: "DockerContainer"
    offset: int
    folder: Path

    @property
    def clouds_yaml(self) -> Path:
        """The file that names the clouds above."""
        return self.folder / "clouds.yaml"

    def port(self, service: str) -> int:
        """Where the service listens on 127.0.0.1."""
        return SERVICE_PORTS[service] + self.offset

    def connect(self, cloud: str = "zed", *, clouds_yaml: Path | None = None, **auth: str) -> "Connection":
        """An SDK connection, to create what a test needs."""
        import openstack
        from openstack.config import OpenStackConfig

        config = OpenStackConfig(config_files=[str(clouds_yaml or self.clouds_yaml)], load_envvars=False)
        return openstack.connection.Connection(config=config.get_one(cloud, **auth))

    def control(self, *command: str) -> str:
        """Runs `osrig COMMAND` inside: `cell-down`, `cell-up`, `stop SERVICE`, `start SERVICE`."""
        return self.run("osrig", *command)

    def set_policies(self, policies: Mapping[str, str]) -> None:
        """Writes `/etc/SERVICE/policy.yaml` of each service, as docs/openstack-rights.md tells an operator to."""
        for service, policy in policies.items():
            self.run("sh", "-c", f"cat > /etc/{service}/policy.yaml <<'EOF'\n{policy}EOF")
        named = "grep -q policy_file /etc/placement/placement.conf"
        name = "printf '[oslo_policy]\npolicy_file = /etc/placement/policy.yaml\n' >> /etc/placement/placement.conf"
        up = "until curl -s -o /dev/null http://127.0.0.1:8778/; do sleep 0.3; done"
        self.run("bash", "-c", f"{named} || {{ {name}; osrig restart placement; {up}; }}")

    def default_policies(self, services: Iterable[str]) -> None:
        """The defaults again. A policy file that vanishes makes a service answer 500; an empty one does not."""
        for service in services:
            self.run("sh", "-c", f"echo '{{}}' > /etc/{service}/policy.yaml")

    def sql(self, statement: str) -> str:
        """Runs a statement in the database: for states that no API call brings about."""
        return self.run("mariadb", "-uroot", "-N", "-e", statement)

    def run(self, *command: str) -> str:
        """Runs a command in the container and returns what it printed."""
        code, output = self.container.exec(list(command))
        text: str = output.decode("utf-8", "replace")
        if code != 0:
            raise RuntimeError(f"{' '.join(command)} ended with {code}: {text[-800:]}")
        return text

    def another_clouds_yaml(self, name: str, cloud: str = "zed", **settings: Any) -> Path:
        """A clouds.yaml with one cloud `zed`: a copy of `cloud` with other settings (`auth` is merged)."""
        import yaml

        clouds = yaml.safe_load(self.clouds_yaml.read_text())["clouds"]
        entry = clouds[cloud] | {k: v for k, v in settings.items() if k != "auth"}
        entry["auth"] = entry["auth"] | settings.get("auth", {})
        path = self.folder / f"{name}.yaml"
        path.write_text(yaml.safe_dump({"clouds": {"zed": entry}}))
        return path


@dataclasses.dataclass(frozen=True)
class Seeded:
    """What was created: nothing else runs on the cloud but what other tests create."""

    projects: dict[str, str]
    """Project name to id."""
    servers: dict[str, str]
    """Server id to project name."""
    confined_to: str
    """Name of the project that `zed-confined` may read."""


@contextlib.contextmanager
def running_openstack(folder: Path, *, offset: int | None = None) -> Iterator[OpenStackCloud]:
    """Starts the service and stops it again. Ports are the usual ones plus an offset, on 127.0.0.1 only.

    Ready after about 35 s; needs 2 GB of memory.
    """
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.wait_strategies import LogMessageWaitStrategy

    offset = _free_offset() if offset is None else offset

    def ready() -> DockerContainer:
        container = (
            DockerContainer(build_image("openstack"), docker_client_kw=PATIENT)
            .with_env("PORT_OFFSET", str(offset))
            .waiting_for(LogMessageWaitStrategy("osrig: ready").with_startup_timeout(300))
        )
        # with_bind_ports takes no address, and these ports are nobody's business outside this machine.
        container.ports.update({f"{port}/tcp": ("127.0.0.1", port + offset) for port in SERVICE_PORTS.values()})
        try:
            return container.start()
        except TimeoutError:
            print(_last_words(container), file=sys.stderr)
            container.stop()
            raise

    try:
        container = ready()
    except TimeoutError:
        # Sixteen programs start at once; on a disk that is cold one of them may give up on another.
        container = ready()
    try:
        cloud = OpenStackCloud(container, offset, folder)
        _write_clouds(cloud)
        yield cloud
    finally:
        container.stop()


def _last_words(container: "DockerContainer") -> str:
    """What the container's programs wrote last: the reason why it did not get ready."""
    return container.exec(["sh", "-c", "tail -n 8 /var/log/osrig/*"]).output.decode(errors="replace")


@pytest.fixture(scope="session")
def openstack_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenStackCloud]:
    """The OpenStack of this session, with nothing on it but what tests create."""
    reason = docker_missing()
    if reason:
        pytest.skip(reason)
    with running_openstack(tmp_path_factory.mktemp("openstack")) as cloud:
        yield cloud


@pytest.fixture(scope="session")
def seeded_openstack(openstack_cloud: OpenStackCloud) -> Seeded:
    """Three projects with four servers each, on networks of their own, one with user data that is a secret."""
    return seed(openstack_cloud)


def seed(cloud: OpenStackCloud, *, projects: int = 3, servers: int = 4) -> Seeded:
    """Creates projects `dept-N` with servers through the API; waits until they are ACTIVE."""
    admin = cloud.connect()
    made: dict[str, str] = {}
    for number in range(projects):
        project = admin.identity.create_project(
            name=f"dept-{number}",
            domain_id="default",
            description=f"部门 {number}",
            tags=[f"project:XM-{number:03}", "owner:dept"],
        )
        made[project.name] = project.id
        _fill_project(cloud, admin, project, number, servers)
    first = next(iter(made))
    reader = admin.identity.create_user(name="confined", password="confined", domain_id="default")
    admin.identity.assign_project_role_to_user(made[first], reader, admin.identity.find_role("reader"))
    _wait_active(admin)
    _attach_volumes(cloud, made)
    external = admin.network.find_network("ext").id
    for project_id in made.values():
        port = next(p for p in admin.network.ports(project_id=project_id) if p.device_owner.startswith("compute:"))
        admin.network.create_ip(floating_network_id=external, port_id=port.id, project_id=project_id)
    names = {identifier: name for name, identifier in made.items()}
    listed = {s.id: names[s.project_id] for s in admin.compute.servers(all_projects=True) if s.project_id in names}
    return Seeded(projects=made, servers=listed, confined_to=first)


def _fill_project(cloud: OpenStackCloud, admin: "Connection", project: Any, number: int, servers: int) -> None:
    import base64

    role = admin.identity.find_role("admin")
    admin.identity.assign_project_role_to_user(project, admin.current_user_id, role)
    network = admin.network.create_network(name=f"{project.name}-net", project_id=project.id)
    subnet = admin.network.create_subnet(
        network_id=network.id, project_id=project.id, ip_version=4, cidr=f"10.{20 + number}.0.0/24", name=project.name
    )
    external = admin.network.find_network("ext")
    router = admin.network.create_router(
        name=f"{project.name}-router", project_id=project.id, external_gateway_info={"network_id": external.id}
    )
    admin.network.add_interface_to_router(router, subnet_id=subnet.id)
    inside = admin.connect_as_project(project)
    image = next(inside.image.images())
    flavor = inside.compute.find_flavor("m1.small")
    group = inside.compute.create_server_group(name=f"{project.name}-apart", policy="soft-anti-affinity")
    inside.compute.create_server(
        name=f"{project.name}-web",
        scheduler_hints={"group": group.id},
        image_id=image.id,
        flavor_id=flavor.id,
        networks=[{"uuid": network.id}],
        min_count=servers,
        max_count=servers,
        metadata={"system": f"SYS-{number:03}", "db_password": USER_DATA_SECRET},
        user_data=base64.b64encode(f"#cloud-config\npassword: {USER_DATA_SECRET}\n".encode()).decode(),
    )
    inside.block_storage.create_volume(name="data", size=2)
    _open_ssh(inside)
    balancer = inside.load_balancer.create_load_balancer(name=f"{project.name}-lb", vip_subnet_id=subnet.id)
    _balanced(cloud, inside, balancer.id)


def _open_ssh(inside: "Connection") -> None:
    """The default group lets everybody in by SSH; every server of the project is in it."""
    group = inside.network.find_security_group("default", project_id=inside.current_project_id)
    inside.network.create_security_group_rule(
        security_group_id=group.id,
        direction="ingress",
        protocol="tcp",
        port_range_min=22,
        port_range_max=22,
        remote_ip_prefix="0.0.0.0/0",
    )


def _balanced(cloud: OpenStackCloud, inside: "Connection", balancer: str) -> None:
    """A listener. The provider of the tests does nothing, so that what it was asked to make is said to be made."""
    done = "update octavia.{} set provisioning_status='ACTIVE', operating_status='ONLINE' where {}='{}'"
    cloud.sql(done.format("load_balancer", "id", balancer))
    inside.load_balancer.create_listener(
        name="web", protocol="HTTPS", protocol_port=443, load_balancer_id=balancer, allowed_cidrs=["10.0.0.0/8"]
    )
    cloud.sql(done.format("listener", "load_balancer_id", balancer))
    cloud.sql(done.format("load_balancer", "id", balancer))


def _attach_volumes(cloud: OpenStackCloud, projects: Iterable[str]) -> None:
    """The first server of each project gets the project's volume, and the volume a snapshot."""
    for name in projects:
        inside = cloud.connect(project_name=name)
        volume = _available_volume(cloud, inside)
        server = next(iter(inside.compute.servers()))
        inside.compute.create_volume_attachment(server, volume_id=volume.id)
        inside.block_storage.wait_for_status(volume, "in-use", wait=180)
        inside.block_storage.create_snapshot(volume_id=volume.id, name="before", is_forced=True)
        inside.compute.add_tag_to_server(server, "XM-tagged")


def _available_volume(cloud: OpenStackCloud, inside: "Connection") -> Any:
    """The project's volume. One that ended in ERROR is told with what the programs said and made once more."""
    from openstack.exceptions import ResourceFailure

    volume = next(iter(inside.block_storage.volumes()))
    try:
        return inside.block_storage.wait_for_status(volume, "available", wait=180)
    except ResourceFailure:
        print(_last_words(cloud.container), file=sys.stderr)
    inside.block_storage.delete_volume(volume)
    inside.block_storage.wait_for_delete(volume, wait=60)
    volume = inside.block_storage.create_volume(name=volume.name, size=volume.size)
    return inside.block_storage.wait_for_status(volume, "available", wait=180)


def _wait_active(admin: "Connection") -> None:
    import time

    deadline = time.monotonic() + 180
    while building := [s.name for s in admin.compute.servers(all_projects=True) if s.status == "BUILD"]:
        if time.monotonic() > deadline:
            raise TimeoutError(f"still building after 180 s: {building}")
        time.sleep(1)


def _free_offset() -> int:
    """An offset at which all ports are free, so that sessions on one machine do not meet."""
    start = 20_000 + os.getpid() % 200 * 100
    for offset in range(start, 55_000, 100):
        with contextlib.ExitStack() as stack:
            try:
                for port in SERVICE_PORTS.values():
                    held = stack.enter_context(socket.socket())
                    held.bind(("127.0.0.1", port + offset))
            except OSError:
                continue
            return offset
    raise RuntimeError("no free range of ports for OpenStack")


def _write_clouds(cloud: OpenStackCloud) -> None:
    import yaml

    url = f"http://127.0.0.1:{cloud.port('identity')}/v3"

    def entry(user: str, password: str, **scope: str) -> dict[str, Any]:
        auth = {"auth_url": url, "username": user, "password": password, "user_domain_id": "default", **scope}
        if "project_name" in scope:
            auth["project_domain_id"] = "default"
        return {"auth": auth, "region_name": REGION, "interface": "public", "identity_api_version": 3}

    clouds = {
        "zed": entry("admin", "admin", project_name="admin"),
        "zed-auditor": entry("auditor", "auditor", project_name="admin"),
        "zed-system": entry("auditor", "auditor", system_scope="all"),
        "zed-domain": entry("auditor", "auditor", domain_id="default"),
        "zed-confined": entry("confined", "confined", project_name="dept-0"),
        "zed-wrong": entry("admin", "not-the-password", project_name="admin"),
    }
    cloud.clouds_yaml.write_text(yaml.safe_dump({"clouds": clouds}))
