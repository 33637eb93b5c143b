"""A Keystone and its services on loopback that answer what a test scripts: for answers that no honest cloud gives."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from scripted_api import Answer, Asked, scripted_api

PASSWORD = "hunter2-very-secret"
CATALOGUE = {"compute": "/compute/v2.1", "network": "/network", "volumev3": "/volume/v3/p1", "identity": "/identity/v3"}

Script = Callable[[Asked], Answer | None]
"""The answer to a request; None: what an honest cloud says."""


def token_document(url: str) -> dict[str, object]:
    """What Keystone says with a token: an administrator, one project, region r."""
    return {
        "token": {
            "methods": ["password"],
            "user": {"id": "u1", "name": "auditor", "domain": {"id": "default", "name": "Default"}},
            "project": {"id": "p1", "name": "admin", "domain": {"id": "default", "name": "Default"}},
            "roles": [{"id": "r1", "name": "admin"}],
            "issued_at": "2026-11-20T03:00:00.000000Z",
            "expires_at": "2036-11-20T04:00:00.000000Z",
            "catalog": [
                {
                    "id": kind,
                    "name": kind,
                    "type": kind,
                    "endpoints": [
                        {"id": kind, "interface": "public", "region": "r", "region_id": "r", "url": url + path}
                    ],
                }
                for kind, path in CATALOGUE.items()
            ],
        }
    }


def _version(number: str, url: str, **more: object) -> dict[str, object]:
    return {"id": number, "status": "CURRENT", "links": [{"rel": "self", "href": url}], **more}


def versions(url: str) -> dict[str, dict[str, object]]:
    """What services say of their versions, by path."""
    nova = _version("v2.1", f"{url}/compute/v2.1/", version="2.95", min_version="2.1")
    cinder = _version("v3.0", f"{url}/volume/v3/", version="3.70", min_version="3.0")
    neutron: dict[str, object] = {"versions": [_version("v2.0", f"{url}/network/v2.0/")]}
    return {
        "/identity/v3": {"version": _version("v3.14", f"{url}/identity/v3/")},
        "/compute/v2.1": {"version": nova},
        "/network": neutron,
        "/network/v2.0": neutron,
        "/volume/v3": {"versions": [cinder]},
        "/volume/v3/p1": {"versions": [cinder]},
        "/volume": {"versions": [cinder]},
    }


def _honest(asked: Asked, url: str) -> Answer:
    path = asked.path.rstrip("/")
    if path == "/identity/v3/auth/tokens":
        return Answer(token_document(url), status=201, headers={"X-Subject-Token": "t" * 32})
    found = versions(url).get(path)
    return Answer(found) if found else Answer({"error": {"message": "nothing here"}}, status=404)


@contextlib.contextmanager
def scripted_cloud(folder: Path, script: Script) -> Iterator[tuple[Path, list[Asked]]]:
    """A clouds.yaml with the cloud `c`, and what the cloud was asked so far."""
    place: list[str] = []

    def answer(asked: Asked) -> Answer:
        return script(asked) or _honest(asked, place[0])

    with scripted_api(answer) as (url, asked):
        place.append(url)
        clouds = folder / "clouds.yaml"
        clouds.write_text(
            f"clouds:\n  c:\n    region_name: r\n    auth: {{auth_url: '{url}/identity/v3', username: auditor, "
            f"password: {PASSWORD}, project_name: admin, user_domain_name: Default, project_domain_name: Default}}\n"
        )
        yield clouds, asked


_SERVER = {
    "name": "edu-web-1", "status": "ACTIVE", "tenant_id": "p1", "user_id": "u1", "created": "2025-03-01T02:03:04Z",
    "metadata": {"system": "S-1"}, "tags": ["web"], "OS-EXT-AZ:availability_zone": "nova", "description": None,
    "addresses": {"net": [{"addr": "10.0.0.5", "version": 4, "OS-EXT-IPS:type": "fixed",
                           "OS-EXT-IPS-MAC:mac_addr": "fa:16:3e:00:00:01"}]},
    "flavor": {"original_name": "m1", "vcpus": 2, "ram": 2048, "disk": 20, "ephemeral": 0},
    "image": {"id": "i1"}, "OS-SRV-USG:launched_at": "2025-03-01T02:04:04.000000",
    "OS-EXT-SRV-ATTR:hypervisor_hostname": "compute-1", "OS-EXT-SRV-ATTR:host": "compute-1",
    "OS-EXT-STS:vm_state": "active",
}  # fmt: skip


def _two(key: str, **fields: object) -> dict[str, object]:
    """A listing of two objects that differ by their id."""
    return {key: [{"id": f"{number}0000000-0000-4000-8000-000000000000", **fields} for number in (1, 2)]}


LISTINGS: dict[str, dict[str, object]] = {
    "/identity/v3/domains": _two("domains", name="Default", enabled=True),
    "/identity/v3/projects": {"projects": [{"id": "p1", "name": "admin", "domain_id": "default", "enabled": True,
                                            "description": "", "tags": ["edu"], "is_domain": False}]},
    "/compute/v2.1/servers/detail": _two("servers", **_SERVER),
    "/compute/v2.1/servers": _two("servers", name="edu-web-1"),
    "/compute/v2.1/os-quota-sets/p1/detail": {"quota_set": {"id": "p1", "instances": {"limit": 10, "in_use": 2}}},
    "/compute/v2.1/os-hypervisors/detail": _two(
        "hypervisors", hypervisor_hostname="compute-1", state="up", status="enabled", host_ip="10.9.0.1",
        hypervisor_type="QEMU", vcpus=64, memory_mb=256_000, local_gb=4_000, cpu_info={"arch": "x86_64"}),
    "/compute/v2.1/flavors/detail": _two("flavors", name="m1", vcpus=2, ram=2048, disk=20),
    "/compute/v2.1/os-services": {"services": []},
    "/network/v2.0/ports": _two(
        "ports", mac_address="fa:16:3e:00:00:01", network_id="n1", device_id="d1", device_owner="compute:nova",
        project_id="p1", status="ACTIVE", fixed_ips=[{"ip_address": "10.0.0.5", "subnet_id": "s1"}],
        security_groups=["g1"]),
    "/network/v2.0/networks": _two("networks", name="net", project_id="p1", shared=False),
    "/network/v2.0/subnets": _two("subnets", cidr="10.0.0.0/24", network_id="n1", name="sub", gateway_ip="10.0.0.1",
                                  project_id="p1"),
    "/network/v2.0/routers": _two("routers", name="r", project_id="p1", external_gateway_info={
        "network_id": "n9", "external_fixed_ips": [{"ip_address": "203.0.113.5", "subnet_id": "s9"}]}),
    "/network/v2.0/floatingips": _two("floatingips", floating_ip_address="203.0.113.9", fixed_ip_address="10.0.0.5",
                                      port_id="q1", project_id="p1"),
    "/volume/v3/p1/volumes/detail": _two(
        "volumes", name="v", size=10, status="in-use", created_at="2025-03-01T02:03:04.000000", encrypted=False,
        volume_type="ssd", bootable="true", attachments=[{"server_id": "d1"}],
        **{"os-vol-tenant-attr:tenant_id": "p1"}),
    "/volume/v3/p1/snapshots/detail": _two(
        "snapshots", name="s", volume_id="v1", size=10, status="available", created_at="2025-03-01T02:03:04.000000",
        **{"os-extended-snapshot-attributes:project_id": "p1"}),
}  # fmt: skip
"""What an honest cloud lists, by path."""


def listing(asked: Asked) -> Answer | None:
    """The honest listing at this path, in one page."""
    document = LISTINGS.get(asked.path)
    if document is None:
        return None
    (key,) = document
    is_further = "marker" in asked.query
    return Answer({key: []} if is_further else document)
