"""Makes the city real in the services of the tests and takes its captures: `make city` (needs Docker, about five minutes).

Nothing in a capture is typed by hand: servers run on a real Nova, pods are objects of a real kube-apiserver, hosts answer
over real SSH. What the firmware of a host says is a file in its container, since a container has none of its own.
"""

import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tests" / "support")]

import city_ledgers
from apiserver_service import ApiServer, running_apiserver
from city_plan import CLASSIFIED_HOST, DEPARTMENTS, EXTRANET, INTERNET, PLANTED, PRIVATE, SSH_HOSTS, SYSTEMS, SshHost
from openstack_service import OpenStackCloud, running_openstack
from sshd_service import SshHosts, SshHostSpec, ssh_hosts

from inventory.inventory import law_date
from inventory.uuids import swapped

if TYPE_CHECKING:
    from openstack.connection import Connection

CITY = HERE / "yunze"
NODES = ("csyx-node-1", "csyx-node-2", "csyx-node-3")
COLLECT_CONFIG = """
version = 1
[city]
name = "云泽市"
[do_not_scan]
file = "{do_not_scan}"
"""


def main() -> None:
    """Builds, collects, writes; what was there before is replaced at the end only."""
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        city_ledgers.write_ledgers(work / "ledgers", law_date(datetime.now(UTC)))
        captures = work / "captures"
        captures.mkdir()
        head = COLLECT_CONFIG.format(do_not_scan="ledgers/免扫清单.txt")
        with running_openstack(_folder(work, "cloud")) as cloud:
            servers = _fill_cloud(cloud)
            print(f"{len(servers)} servers run")
            with running_apiserver(_folder(work, "cluster")) as cluster:
                _fill_cluster(cluster, servers)
                lines = _cloud_lines(cloud, cluster)
                _collect(work, head + lines, captures / "政务云.capture.zip", expected=(0, 4))
        specs = [_spec(host, servers) for host in SSH_HOSTS if host.mode != "down"]
        with ssh_hosts(_folder(work, "ssh"), *specs) as hosts:
            _add_down_hosts(hosts)
            zones = (
                ("extranet", EXTRANET, "政务外网区"),
                ("private", PRIVATE, "部门专网区"),
                ("internet", INTERNET, "互联网区"),
            )
            for name, zone, title in zones:
                lines = _ssh_lines(hosts, name, zone)
                _collect(work, head + lines, captures / f"{title}主机.capture.zip", expected=(0, 4))
        for folder in ("ledgers", "captures"):
            target = CITY / folder
            target.mkdir(parents=True, exist_ok=True)
            for old in target.iterdir():
                old.unlink()
            for new in sorted((work / folder).iterdir()):
                new.replace(target / new.name) if new.stat().st_dev == target.stat().st_dev else _copy(new, target)
    print(f"written: {CITY}")


def _copy(new: Path, target: Path) -> None:
    (target / new.name).write_bytes(new.read_bytes())


def _folder(work: Path, name: str) -> Path:
    folder = work / name
    folder.mkdir()
    return folder


def _collect(work: Path, config: str, output: Path, *, expected: tuple[int, ...]) -> None:
    path = work / f"{output.stem}.toml"
    path.write_text(config, encoding="utf-8")
    # Relative names only: what an error says of a file goes into the capture.
    yunhe = str(Path(sys.executable).with_name("yunhe"))
    command = [yunhe, "collect", "-c", path.name, "-o", str(output.relative_to(work))]
    done = subprocess.run(command, check=False, cwd=work)
    if done.returncode not in expected:
        raise SystemExit(f"collecting {output.name} ended with {done.returncode}")


# ── the cloud ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _fill_cloud(cloud: OpenStackCloud) -> dict[str, Any]:
    """Tenants, networks and servers; returns server name to (id, MAC, address)."""
    admin = cloud.connect()
    for number, department in enumerate(DEPARTMENTS, 1):
        labels = [(name, s.code) for s in SYSTEMS if s.department is department for name in s.servers]
        _fill_tenant(admin, f"{department.key}-prod", department.name, f"10.66.{number}.0/24", labels)
    _fill_tenant(admin, "csyx-k8s", "容器平台节点", "10.66.100.0/24", [(name, None) for name in NODES])
    _fill_tenant(admin, "sandbox", "", "10.66.200.0/24", [(name, None) for name in PLANTED.orphan_servers])
    deadline = time.monotonic() + 600
    while any(s.status == "BUILD" for s in admin.compute.servers(all_projects=True)):
        if time.monotonic() > deadline:
            raise SystemExit("servers are still building after 600 s")
        time.sleep(2)
    ports = {p.device_id: p for p in admin.network.ports()}
    found = {}
    for server in admin.compute.servers(all_projects=True):
        port = ports[server.id]
        found[server.name] = (server.id, port.mac_address, port.fixed_ips[0]["ip_address"])
    return found


def _fill_tenant(
    admin: "Connection", name: str, description: str, cidr: str, servers: list[tuple[str, str | None]]
) -> None:
    project = admin.identity.create_project(name=name, domain_id="default", description=description)
    role = admin.identity.find_role("admin")
    admin.identity.assign_project_role_to_user(project, admin.current_user_id, role)
    network = admin.network.create_network(name=f"{name}-net", project_id=project.id)
    admin.network.create_subnet(
        network_id=network.id, project_id=project.id, ip_version=4, cidr=cidr, name=f"{name}-sub"
    )
    inside = admin.connect_as_project(project)
    image = next(inside.image.images()).id
    flavor = inside.compute.find_flavor("m1.small").id
    for server, code in servers:
        label = PLANTED.contested_label if server == PLANTED.contested_server else code
        metadata = {"system": label} if label else {}
        inside.compute.create_server(
            name=server, image_id=image, flavor_id=flavor, networks=[{"uuid": network.id}], metadata=metadata
        )


def _fill_cluster(cluster: ApiServer, servers: dict[str, Any]) -> None:
    """Three nodes that are servers of the cloud, and a namespace with a deployment for each system on them."""
    for number, name in enumerate(NODES):
        uuid, _, address = servers[name]
        cluster.node(
            name,
            spec={"providerID": f"openstack:///{uuid}", "podCIDR": f"10.244.{number}.0/24"},
            status={
                "addresses": [{"type": "InternalIP", "address": address}],
                "nodeInfo": _node_info(uuid, number),
            },
        )
    for number, system in enumerate(s for s in SYSTEMS if s.namespace):
        namespace = cluster.namespace(system.namespace, labels={"gov.cn/system-id": system.code})
        deployment = cluster.controller(namespace, "Deployment", "app", spec={"replicas": 2})
        owner = _owner("Deployment", deployment)
        replicas = cluster.controller(
            namespace, "ReplicaSet", "app-6d4b9", spec={"replicas": 2}, ownerReferences=[owner]
        )
        for copy in range(2):
            node = NODES[(number + copy) % len(NODES)]
            references = [_owner("ReplicaSet", replicas)]
            address = f"10.244.{(number + copy) % len(NODES)}.{number + 10}"
            cluster.pod(
                namespace, f"app-6d4b9-{copy}", node=node, status={"podIP": address}, ownerReferences=references
            )


def _owner(kind: str, made: dict[str, Any]) -> dict[str, Any]:
    meta = made["metadata"]
    return {"apiVersion": "apps/v1", "kind": kind, "name": meta["name"], "uid": meta["uid"], "controller": True}


def _node_info(uuid: str, number: int) -> dict[str, str]:
    return {
        "systemUUID": uuid.upper() if number else swapped(uuid),
        "machineID": uuid.replace("-", ""),
        "architecture": "amd64",
        "operatingSystem": "linux",
        "osImage": "openEuler 22.03 (LTS-SP3)",
        "kernelVersion": "5.10.0-182.0.0.95.oe2203sp3.x86_64",
        "containerRuntimeVersion": "containerd://1.6.24",
        "kubeletVersion": "v1.20.2",
        "kubeProxyVersion": "v1.20.2",
        "bootID": f"00000000-0000-4000-8000-{number:012}",
    }


def _cloud_lines(cloud: OpenStackCloud, cluster: ApiServer) -> str:
    unreachable = cluster.another_kubeconfig("down", server="https://127.0.0.1:9")
    return f"""
[[openstack]]
name = "yunze"
cloud = "zed"
clouds_yaml = "cloud/{cloud.clouds_yaml.name}"
zone = "{EXTRANET}"
[[kubernetes]]
name = "yunze"
kubeconfig = "cluster/{cluster.kubeconfig.name}"
context = "admin"
zone = "{EXTRANET}"
[[kubernetes]]
name = "wjj"
kubeconfig = "cluster/{unreachable.name}"
context = "admin"
platform = false
timeout = 5
"""


# ── hosts over SSH ───────────────────────────────────────────────────────────────────────────────────────────────────


def _spec(host: SshHost, servers: dict[str, Any]) -> SshHostSpec:
    uuid, mac, address = host.uuid, host.mac, host.address
    if host.uuid.startswith("server:"):
        instance, mac, fixed = servers[host.uuid.removeprefix("server:")]
        uuid, address = swapped(instance), f"{fixed}/24"
    dmi = {"sys_vendor": host.vendor, "product_name": host.product, "chassis_type": str(host.chassis)}
    dmi |= {"product_uuid": uuid.upper(), "product_serial": host.serial or uuid}
    return SshHostSpec(
        alias=host.alias,
        dmi=dmi,
        virt=host.virtualization,
        machine_id=uuid.replace("-", ""),
        instance_id=uuid if host.virtualization != "none" else "",
        nics=(("ens3", mac, address),) if mac else (),
        on_file="none" if host.mode == "unknown-key" else "own",
    )


def _add_down_hosts(hosts: SshHosts) -> None:
    """Hosts that nothing answers for, and the one that must never be asked."""
    with hosts.ssh_config.open("a", encoding="utf-8") as config:
        for alias in [*(h.alias for h in SSH_HOSTS if h.mode == "down"), CLASSIFIED_HOST]:
            config.write(
                f"\nHost {alias}\n  HostName 127.0.0.1\n  Port 9\n  User root\n  IdentityFile {hosts.identity}\n"
            )


def _ssh_lines(hosts: SshHosts, name: str, zone: str) -> str:
    aliases = [h.alias for h in SSH_HOSTS if h.zone == zone]
    if zone == PRIVATE:
        aliases.append(CLASSIFIED_HOST)
    named = ", ".join(f'"{alias}"' for alias in aliases)
    return f"""
[[ssh]]
name = "{name}"
hosts = [{named}]
zone = "{zone}"
ssh_config = "ssh/{hosts.ssh_config.name}"
known_hosts = "ssh/{hosts.known_hosts.name}"
connect_timeout = 5
"""


if __name__ == "__main__":
    main()
