"""The OpenStack of the tests with as many servers as a benchmark asks for: a few built by Nova, the others copied.

One cloud serves every row of a run. It only ever grows, and it is paused while other rows are measured.
"""

import atexit
import base64
import contextlib
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from openstack_service import OpenStackCloud, running_openstack
from requests.exceptions import ReadTimeout

from benchmarks.report import stage

PREFIX = "scale"
PROJECTS = 2
SERVERS_EACH = 25
TEMPLATE = PROJECTS * SERVERS_EACH
_BUILD_SECONDS = 600


@dataclass
class ScaledCloud:
    """A running cloud. clouds.yaml knows it as `zed`."""

    cloud: OpenStackCloud
    servers: int = 0
    rate: float = 0.0
    """Servers a second that the last growth added."""
    _paused: bool = field(default=False, repr=False)

    @property
    def clouds_yaml(self) -> Path:
        """The file that names the cloud."""
        return self.cloud.clouds_yaml

    def grow(self, servers: int) -> None:
        """Copies servers until there are so many.

        Raises:
            ValueError: no multiple of the template, or fewer than there are.
        """
        if servers % TEMPLATE or servers < self.servers:
            raise ValueError(f"{servers} servers: expected a multiple of {TEMPLATE} that is not below {self.servers}")
        copies = (servers - self.servers) // TEMPLATE
        if not copies:
            return
        with stage(f"copying {servers - self.servers:,} servers"):
            container = self.cloud.container.get_wrapped_container()
            script = base64.b64encode(Path(__file__).with_name("openstack_clone.py").read_bytes()).decode()
            code, output = container.exec_run(
                ["sh", "-c", f"echo {script} | base64 -d > /tmp/clone.py && python3 /tmp/clone.py --copies {copies}"]
            )
            if code != 0:
                raise RuntimeError(output.decode("utf-8", "replace")[-2000:])
            said = json.loads(output.decode().splitlines()[-1])
        self.servers = servers
        self.rate = said["added"] / said["seconds"]
        print(f"{self.rate:.0f} servers/s", file=sys.stderr)

    @contextlib.contextmanager
    def awake(self) -> Iterator["ScaledCloud"]:
        """The cloud for as long as a row needs it; after that it stands still and disturbs nobody."""
        container: Any = self.cloud.container.get_wrapped_container()
        if self._paused:
            container.unpause()
            self._paused = False
        try:
            yield self
        finally:
            container.pause()
            self._paused = True

    def stop_pause(self) -> None:
        """Wakes it for good, so that it can be stopped."""
        if self._paused:
            self.cloud.container.get_wrapped_container().unpause()


_running: list[ScaledCloud] = []


@contextlib.contextmanager
def cloud_of(servers: int) -> Iterator[ScaledCloud]:
    """The cloud with exactly so many servers, started the first time that it is asked for and kept until the end.

    Fewer than it has already begin with a new one.
    """
    if _running and _running[0].servers > servers:
        _stop()
    if not _running:
        _start()
    with _running[0].awake() as scaled:
        scaled.grow(servers)
        yield scaled


_stack = contextlib.ExitStack()


def _start() -> None:
    with stage("starting OpenStack"):
        folder = Path(_stack.enter_context(tempfile.TemporaryDirectory(prefix="yunhe-bench-")))
        scaled = ScaledCloud(_stack.enter_context(running_openstack(folder)))
    _running.append(scaled)
    atexit.register(_stop)
    with stage(f"building {TEMPLATE} servers by Nova"):
        _build(scaled.cloud)
    scaled.servers = TEMPLATE


def _stop() -> None:
    while _running:
        _running.pop().stop_pause()
    with contextlib.suppress(ReadTimeout):  # the engine goes on removing what is large
        _stack.close()


def _build(cloud: OpenStackCloud) -> None:
    """The template: projects with a network, a router and servers of their own."""
    admin: Any = cloud.connect()
    role = admin.identity.find_role("admin")
    image, flavor = next(admin.image.images()), admin.compute.find_flavor("m1.small")
    for number in range(PROJECTS):
        project = admin.identity.create_project(
            name=f"{PREFIX}{number:04}", domain_id="default", tags=[f"project:XM-{number:03}", "owner:dept"]
        )
        admin.identity.assign_project_role_to_user(project, admin.current_user_id, role)
        network = admin.network.create_network(name=f"{project.name}-net", project_id=project.id)
        subnet = admin.network.create_subnet(
            network_id=network.id, project_id=project.id, ip_version=4, cidr=f"10.{number}.0.0/20", name=project.name
        )
        router = admin.network.create_router(name=f"{project.name}-router", project_id=project.id)
        admin.network.add_interface_to_router(router, subnet_id=subnet.id)
        admin.connect_as_project(project).compute.create_server(
            name=f"{project.name}-web",
            image_id=image.id,
            flavor_id=flavor.id,
            networks=[{"uuid": network.id}],
            min_count=SERVERS_EACH,
            max_count=SERVERS_EACH,
            metadata={"system": f"SYS-{number:03}", "env": "prod", "role": "web"},
        )
    _wait_active(admin)


def _wait_active(admin: Any) -> None:
    deadline = time.monotonic() + _BUILD_SECONDS
    while True:
        states = [s.status for s in admin.compute.servers(all_projects=True)]
        if len(states) == TEMPLATE and set(states) == {"ACTIVE"}:
            return
        if time.monotonic() > deadline or "ERROR" in states:
            raise RuntimeError(f"Nova did not build the template: {states}")
        time.sleep(2)
