"""The sources of the fault matrix, each behind something that can spoil its answers."""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from apiserver_service import ApiServer, running_apiserver
from certificates import Authority
from fault_city import CALLS, ENTRIES
from fault_proxy import Faults, fault_proxy
from http_fault_proxy import Front, http_front
from json_server import Answer, json_server
from openstack_service import SERVICE_PORTS, OpenStackCloud, Seeded
from services import docker_missing
from sshd_service import NOVA_DMI, SshHosts, SshHostSpec, ssh_hosts, write_key

from inventory.uuids import swapped

KEYSTONE_PASSWORD = "planted-keystone-password-8c1d40"
PLATFORM_TOKEN = "planted-platform-token-5e77a9"
NARROW_TOKEN = "planted-narrow-token-c40d18"
SSH_PASSWORD = "planted-ssh-password-1b02f3"
"""None of them may be found in anything that the program tells or keeps."""


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Whom the fronts' clients trust."""
    return Authority.new(tmp_path_factory.mktemp("tls"))


# ── OpenStack ────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class CloudUnderTest:
    """OpenStack behind its front."""

    service: OpenStackCloud
    seeded: Seeded
    front: Front
    authority: Authority

    def clouds_yaml(
        self,
        folder: Path,
        *,
        auth_url: str | None = None,
        user: str = "matrix",
        password: str = KEYSTONE_PASSWORD,
        project: str = "admin",
    ) -> Path:
        """A clouds.yaml through the front, for the administrator of the tests unless another user is named."""
        import yaml

        auth = {
            "auth_url": auth_url or f"{self.front.urls['identity']}/v3",
            "username": user,
            "password": password,
            "user_domain_id": "default",
            "project_name": project,
            "project_domain_id": "default",
        }
        entry = {"auth": auth, "region_name": "RegionOne", "interface": "public", "cacert": str(self.authority.path)}
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "clouds.yaml"
        path.write_text(yaml.safe_dump({"clouds": {"zed": entry}}))
        return path

    def table(self, clouds_yaml: Path) -> str:
        """Its table of the config."""
        return (
            f'[[openstack]]\nname = "centre"\ncloud = "zed"\nclouds_yaml = "{clouds_yaml}"\n'
            "timeout = 30\nretries = 1\npage_size = 5\n"
        )


@pytest.fixture(scope="session")
def cloud(openstack_cloud: OpenStackCloud, seeded_openstack: Seeded, authority: Authority) -> Iterator[CloudUnderTest]:
    """The session's OpenStack, read by an administrator whose password is known to no other test."""
    admin = openstack_cloud.connect()
    user = admin.identity.create_user(name="matrix", password=KEYSTONE_PASSWORD, domain_id="default")
    project = admin.identity.find_project("admin")
    admin.identity.assign_project_role_to_user(project, user, admin.identity.find_role("admin"))
    behind = {service: f"http://127.0.0.1:{openstack_cloud.port(service)}" for service in SERVICE_PORTS}
    with http_front(behind, authority.signed("openstack")) as front:
        yield CloudUnderTest(openstack_cloud, seeded_openstack, front, authority)
    admin.identity.delete_user(user)


# ── Kubernetes ───────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class ClusterUnderTest:
    """A kube-apiserver behind its front."""

    service: ApiServer
    front: Front
    authority: Authority
    tokens: dict[str, str]
    """`reader` sees all, `narrow` no pods, `confined` one namespace, `expired` was revoked."""

    def kubeconfig(self, folder: Path, *, server: str | None = None, account: str = "reader") -> Path:
        """A kubeconfig through the front."""
        import yaml

        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "kubeconfig"
        cluster = {"server": server or self.front.urls["apiserver"], "certificate-authority": str(self.authority.path)}
        context = {"cluster": "c", "user": "u", **({"namespace": "sys-three"} if account == "confined" else {})}
        path.write_text(
            yaml.safe_dump(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "current-context": "x",
                    "clusters": [{"name": "c", "cluster": cluster}],
                    "users": [{"name": "u", "user": {"token": self.tokens[account]}}],
                    "contexts": [{"name": "x", "context": context}],
                }
            )
        )
        return path

    def table(self, kubeconfig: Path) -> str:
        """Its table of the config."""
        return f'[[kubernetes]]\nname = "centre"\nkubeconfig = "{kubeconfig}"\npage_size = 3\ntimeout = 30\n'


@pytest.fixture(scope="session")
def cluster(
    tmp_path_factory: pytest.TempPathFactory, seeded_openstack: Seeded, authority: Authority
) -> Iterator[ClusterUnderTest]:
    """A kube-apiserver of its own: other tests leave nodes behind that nobody knows."""
    reason = docker_missing()
    if reason:
        pytest.skip(reason)
    with running_apiserver(tmp_path_factory.mktemp("matrix-apiserver")) as service:
        tokens = _accounts(service)
        _workloads(service, [i for i, name in sorted(seeded_openstack.servers.items()) if name == "dept-2"][:2])
        behind = {"apiserver": service.url}
        with http_front(behind, authority.signed("kubernetes"), ca_cert_data=service.ca) as front:
            yield ClusterUnderTest(service, front, authority, tokens)


def _accounts(service: ApiServer) -> dict[str, str]:
    """Service accounts with real tokens; one is deleted again, so its token is really revoked."""
    rbac = "/apis/rbac.authorization.k8s.io/v1"
    every = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list"]}]
    service.create(f"{rbac}/clusterroles", {"metadata": {"name": "matrix-reader"}, "rules": every})
    core, groups = ["nodes", "namespaces", "services", "persistentvolumes"], ["apps", "batch", "networking.k8s.io"]
    narrow = [
        {"apiGroups": [""], "resources": core, "verbs": ["get", "list"]},
        {"apiGroups": groups, "resources": ["*"], "verbs": ["get", "list"]},
    ]
    service.create(f"{rbac}/clusterroles", {"metadata": {"name": "matrix-narrow"}, "rules": narrow})
    tokens = {}
    for name in ("reader", "narrow", "confined", "expired"):
        accounts = "/api/v1/namespaces/default/serviceaccounts"
        service.create(accounts, {"metadata": {"name": name}})
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 7200}}
        tokens[name] = service.ask("POST", f"{accounts}/{name}/token", body)["status"]["token"]
    service.namespace("sys-three")
    for name, role, namespace in (
        ("reader", "matrix-reader", None),
        ("narrow", "matrix-narrow", None),
        ("confined", "matrix-reader", "sys-three"),
    ):
        within, kind = (f"/namespaces/{namespace}", "rolebindings") if namespace else ("", "clusterrolebindings")
        service.create(
            f"{rbac}{within}/{kind}",
            {
                "metadata": {"name": f"matrix-{name}"},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
                "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": "default"}],
            },
        )
    service.ask("DELETE", "/api/v1/namespaces/default/serviceaccounts/expired")
    return tokens


def _workloads(service: ApiServer, servers: list[str]) -> None:
    """Two nodes, which are servers of OpenStack, and pods enough for several pages."""
    for number, server in enumerate(servers, 1):
        service.node(
            f"node-{number}",
            spec={"providerID": f"openstack:///{server}"},
            status={"nodeInfo": _node_info(server), "addresses": []},
        )
    for number in range(8):
        service.pod("sys-three", f"app-{number}", node=f"node-{number % 2 + 1}")
    service.controller("sys-three", "Deployment", "web", spec={"replicas": 0})
    service.create(
        "/apis/networking.k8s.io/v1/namespaces/sys-three/ingresses",
        {
            "metadata": {"name": "web"},
            "spec": {"defaultBackend": {"service": {"name": "web", "port": {"number": 80}}}},
        },
    )


def _node_info(server: str) -> dict[str, str]:
    return {
        "systemUUID": server,
        "machineID": server.replace("-", ""),
        "bootID": server,
        "kernelVersion": "5.10.0",
        "osImage": "openEuler 22.03",
        "containerRuntimeVersion": "containerd://1.6.0",
        "kubeletVersion": "v1.20.2",
        "kubeProxyVersion": "v1.20.2",
        "operatingSystem": "linux",
        "architecture": "amd64",
    }


# ── SSH ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class HostUnderTest:
    """A real sshd behind a TCP proxy. What an account may run is decided by real options of authorized_keys."""

    hosts: SshHosts
    port: int
    faults: Faults
    folder: Path
    bytes_of_a_session: list[int] = field(default_factory=list)
    """What the host says in an undisturbed session, once one was counted."""

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Counts the bytes of a session that takes place meanwhile."""
        self.faults.bytes_back = self.faults.connections = 0
        yield
        if self.faults.connections:
            self.bytes_of_a_session.append(self.faults.bytes_back // self.faults.connections)

    @contextmanager
    def fault(self, **faults: object) -> Iterator[None]:
        """This happens on the way, until the block ends."""
        quiet = Faults()
        self.faults.connections = self.faults.bytes_back = 0
        for name, value in faults.items():
            setattr(self.faults, name, value)
        try:
            yield
        finally:
            for name in faults:
                setattr(self.faults, name, getattr(quiet, name))

    @contextmanager
    def config_of_sshd(self, *lines: str) -> Iterator[None]:
        """The real sshd, told more by its configuration: of MaxStartups the last line counts, of all else the first."""
        guest = self.hosts.hosts["guest"]
        file = "/etc/ssh/sshd_config.d/zz-matrix.conf"
        try:
            guest.run("sh", "-c", f"echo {shlex.quote(chr(10).join(lines))} >{file}; kill -HUP 1; sleep 0.5")
            yield
        finally:
            guest.run("sh", "-c", f"rm -f {file}; kill -HUP 1; sleep 0.5")

    @contextmanager
    def file(self, path: str, text: str) -> Iterator[None]:
        """A file on the host, for a while."""
        guest = self.hosts.hosts["guest"]
        try:
            guest.run("sh", "-c", f"echo {shlex.quote(text)} >{path}")
            yield
        finally:
            guest.run("rm", "-f", path)

    def table(
        self, folder: Path, *, key: str = "good", user: str = "root", host_key: str | None = None, **options: str | int
    ) -> str:
        """Its table of the config, with the client's files written beside it."""
        folder.mkdir(parents=True, exist_ok=True)
        address = {"HostName": "127.0.0.1", "Port": self.port, **options}
        lines = [f"  {k} {v}" for k, v in address.items()]
        identity = self.folder / key
        (folder / "ssh_config").write_text(
            "\n".join(["Host guest", *lines, f"  User {user}", f"  IdentityFile {identity}", "  IdentitiesOnly yes"])
        )
        name = f"[{address['HostName']}]:{address['Port']}"
        (folder / "known_hosts").write_text(f"{name} {host_key or self.hosts.hosts['guest'].host_key}\n")
        return (
            '[[ssh]]\nname = "hosts"\nhosts = ["guest"]\nzone = "政务外网区"\n'
            f'ssh_config = "{folder / "ssh_config"}"\nknown_hosts = "{folder / "known_hosts"}"\n'
            "connect_timeout = 30\nbanner_timeout = 30\nauth_timeout = 30\ncommand_timeout = 30\ntotal_timeout = 90\n"
        )


FORCED = {
    "good": "",
    "refused": 'command="echo This account is not available.; exit 1"',
    "crashing": 'command="head -c 400 /dev/urandom; kill -SEGV $$"',
    "truncated": 'command="sh -s | head -c 500"',
    "twice": 'command="cat >/tmp/probe; sh /tmp/probe; sh /tmp/probe"',
    "flood": 'command="yes 0123456789012345678901234567890123456789"',
    "expired": 'expiry-time="20200101"',
    "killed": 'command="sh -s | head -c 500; kill -9 $PPID; sleep 60"',
    "stuck": 'command="sh -s | head -c 500; sleep 3600"',
}
"""Name of a key to the options that sshd holds it to."""


@pytest.fixture(scope="session")
def host(tmp_path_factory: pytest.TempPathFactory, seeded_openstack: Seeded) -> Iterator[HostUnderTest]:
    """A server of dept-1, asked over SSH."""
    server = min(i for i, name in seeded_openstack.servers.items() if name == "dept-1")
    dmi = {**NOVA_DMI, "product_uuid": swapped(server), "product_serial": server}
    spec = SshHostSpec(alias="guest", dmi=dmi, virt="kvm", user="root")
    folder = tmp_path_factory.mktemp("matrix-ssh")
    with ssh_hosts(folder, spec) as hosts:
        guest = hosts.hosts["guest"]
        lines = [f"{options} {write_key(folder / name)}".strip() for name, options in FORCED.items()]
        write_key(folder / "stranger")
        for user in ("root", "yunhe"):
            guest.run("sh", "-c", "".join(f"echo '{line}' >>/etc/ssh/keys/{user};" for line in lines))
        with fault_proxy(guest.port) as (port, faults):
            yield HostUnderTest(hosts, port, faults, folder)


# ── the sharing platform over HTTP ───────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class PlatformUnderTest:
    """A real HTTP server that answers pages of JSON, behind its front."""

    front: Front
    authority: Authority

    def table(self, *, url: str | None = None, ca: Path | None = None) -> str:
        """Its two tables of the config."""
        url = url or self.front.urls["platform"]
        shared = (
            f'token_env = "YUNHE_TEST_TOKEN"\nca_file = "{ca or self.authority.path}"\nitems = "data.list"\n'
            'total = "data.total"\npage_param = "page"\nsize_param = "size"\npage_size = 2\n'
            "timeout = 30\ntotal_timeout = 90\nretries = 1\n"
        )
        entries = (
            'entries = { code = "code", name = "title", system = "system", direction = "role", '
            'sharing_type = "shareType", published_on = "published", resource_id = "resource", '
            'resource_type = "resourceType", mounted_on = "mounted" }\n'
        )
        uses = (
            'uses = { resource_id = "resource", consumer_system = "caller", period_start = "from", period_end = "to", '
            'succeeded = "ok", failed = "bad" }\n'
        )
        return (
            f'[[sharing_api]]\nname = "catalogue"\nurl = "{url}/catalogue"\n{shared}{entries}'
            f'[[sharing_api]]\nname = "calls"\nurl = "{url}/calls"\n{shared}{uses}'
        )


@pytest.fixture(scope="session")
def platform(authority: Authority) -> Iterator[PlatformUnderTest]:
    """The data-sharing platform: two listings of two pages each, for whoever has the token."""

    def answer(path: str, query: dict[str, str]) -> Answer:
        items = {"/catalogue": ENTRIES, "/calls": CALLS}.get(path)
        if items is None:
            return Answer({"message": "not found"}, status=404)
        size, page = int(query["size"]), int(query["page"])
        return Answer({"data": {"list": items[(page - 1) * size : page * size], "total": len(items)}})

    with json_server(answer) as server:
        server.tokens = {PLATFORM_TOKEN: 200, NARROW_TOKEN: 403}
        with http_front({"platform": server.url}, authority.signed("platform")) as front:
            yield PlatformUnderTest(front, authority)


@pytest.fixture(autouse=True)
def secrets_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the config says they are."""
    monkeypatch.setenv("YUNHE_TEST_TOKEN", PLATFORM_TOKEN)
    monkeypatch.setenv("YUNHE_SSH_PASSWORD_HOSTS", SSH_PASSWORD)
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
