"""Nova: servers of every project and the hosts that run them.

API: https://docs.openstack.org/api-ref/compute/. Microversion 2.53 is the lowest that has all that is kept: tags
(2.26), embedded flavors (2.47), hypervisor UUIDs (2.53); asking for more costs the server time. 2.69 tells of cells
that are down. What the structs here do not name, `user_data` above all, is dropped while it is decoded and never
becomes an object.
"""

from collections.abc import Collection, Generator, Iterator, Mapping
from datetime import datetime

import msgspec
from msgspec import field

from collectors.collector import Incomplete, Reading, Said
from collectors.errors import Unreachable
from collectors.openstack_connection import OpenStackRegion, Params, Refused
from collectors.openstack_crosscheck import CrossCheck, Listing, holders
from collectors.openstack_halves import walk_halves
from collectors.openstack_identity import Survey
from collectors.openstack_pages import Item, aware, converted, decoded, parsed, raw, walk
from collectors.openstack_quota import nova_usage
from inventory.records import HostSighting, Nic, View
from inventory.text import Message, msg

MIB = 1024**2
GIB = 1024**3

WANTED = (2, 53)
CELL_AWARE = (2, 69)


class Address(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An address of a server."""

    addr: str
    kind: str | None = field(default=None, name="OS-EXT-IPS:type")
    mac: str | None = field(default=None, name="OS-EXT-IPS-MAC:mac_addr")


class Flavor(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An embedded flavor: RAM in MiB, disks in GiB."""

    original_name: str | None = None
    vcpus: int | None = None
    ram: int | None = None
    disk: int | None = None
    ephemeral: int | None = None


class BootImage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """From what a server was made."""

    id: str | None = None


class Server(Item, frozen=True, kw_only=True, omit_defaults=True):
    """A Nova server. Fields beyond the first four are missing where its cell is down."""

    name: str | None = None
    status: str | None = None
    tenant_id: str | None = None
    created: datetime | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    addresses: dict[str, tuple[Address, ...]] = field(default_factory=dict)
    flavor: Flavor | None = None
    image: BootImage | str | None = None
    """An empty string where it boots from a volume."""
    launched_at: datetime | None = field(default=None, name="OS-SRV-USG:launched_at")
    availability_zone: str | None = field(default=None, name="OS-EXT-AZ:availability_zone")
    hypervisor_hostname: str | None = field(default=None, name="OS-EXT-SRV-ATTR:hypervisor_hostname")
    compute_host: str | None = field(default=None, name="OS-EXT-SRV-ATTR:host")
    vm_state: str | None = field(default=None, name="OS-EXT-STS:vm_state")


class Hypervisor(Item, frozen=True, kw_only=True, omit_defaults=True):
    """A compute host: memory in MiB, disk in GiB. Before microversion 2.53 its id is a number."""

    id: str | int  # type: ignore[assignment]
    hypervisor_hostname: str
    state: str | None = None
    status: str | None = None
    host_ip: str | None = None
    hypervisor_type: str | None = None
    vcpus: int | None = None
    memory_mb: int | None = None
    local_gb: int | None = None
    running_vms: int | None = None
    cpu_info: str | dict[str, object] | None = None


class ComputeService(msgspec.Struct, frozen=True, kw_only=True):
    """A row of os-services."""

    binary: str = ""
    host: str = ""
    status: str = ""


def read_servers(survey: Survey) -> Iterator[Said]:
    """Every server of every project; where that is refused, the servers of the token's own project and what is missing.

    Raises:
        CollectorError: a page could not be had; what was yielded before stands.
    """
    region = survey.region
    survey.need("compute")
    microversion = region.microversion(WANTED)
    listing = Listing(
        hypervisors=lambda: _hypervisors(survey), servers=lambda params: _listed(survey, params, microversion)
    )
    with nova_usage(survey) as usage, holders(survey) as held:
        check = CrossCheck(survey, listing, usage, held)
        everyone = True
        try:
            for said, server in _listed(survey, [("all_tenants", "1")], microversion, check.expected):
                check.saw(server)
                yield said
        except Refused:
            if check.told:
                raise
            everyone = False
        if everyone:
            yield from _down_cells(survey, check.told)
            yield from check.verdict()
            return
    yield survey.reach.narrowed("Nova") or Incomplete(_refused_reason(region))
    for said, _ in _listed(survey, [], microversion):
        yield said


def read_hypervisors(survey: Survey) -> Iterator[Said]:
    """Every compute host that the control plane knows.

    Raises:
        CollectorError: refused, or a page could not be had.
    """
    region = survey.region
    survey.need("compute")
    silent = yield from _down_hosts(region)
    try:
        for hypervisor in _hypervisors(survey):
            record = to_hypervisor(hypervisor, source=region.source, zone=survey.zone, now=survey.now)
            yield Reading(record, _host_document(hypervisor))
    except Unreachable as error:
        if silent:  # Nova answers 500 to this listing while a cell is down: say the cause, not the symptom
            raise Unreachable(
                msg("{cause}; a Nova cell is down, bring its database back and scan again", cause=error.message)
            ) from error
        raise


def to_server(server: Server, *, source: str, zone: str | None, now: datetime) -> HostSighting:
    """A server as the control plane's sighting of a host 主机."""
    flavor = server.flavor or Flavor()
    disks = [size for size in (flavor.disk, flavor.ephemeral) if size is not None]
    return HostSighting(
        source=source,
        native_id=server.id,
        observed_at=now,
        view=View.SERVER,
        name=server.name or server.id,
        uuid=server.id.lower(),
        zone=zone,
        nics=to_nics(server.addresses),
        tenant=server.tenant_id,
        status=server.status,
        hypervisor=server.hypervisor_hostname,
        availability_zone=server.availability_zone or None,
        flavor=flavor.original_name,
        image=server.image.id if isinstance(server.image, BootImage) else None,
        vcpus=flavor.vcpus,
        memory_bytes=flavor.ram * MIB if flavor.ram is not None else None,
        disk_bytes=sum(disks) * GIB if disks else None,
        created_at=aware(server.created),
        launched_at=aware(server.launched_at),
        labels=dict(sorted(server.metadata.items())),
        tags=server.tags,
    )


def to_nics(addresses: Mapping[str, tuple[Address, ...]]) -> tuple[Nic, ...]:
    """One NIC per network and MAC. Floating addresses are left out: they are translated and never on the host."""
    by_port: dict[tuple[str, str | None], list[str]] = {}
    for network, held in addresses.items():
        for address in held:
            if address.kind != "floating":
                mac = address.mac.lower() if address.mac else None
                by_port.setdefault((network, mac), []).append(address.addr.lower())
    return tuple(
        Nic(name=network, mac=mac, addresses=tuple(sorted(held)))
        for (network, mac), held in sorted(by_port.items(), key=lambda p: (p[0][0], p[0][1] or ""))
    )


def to_hypervisor(hypervisor: Hypervisor, *, source: str, zone: str | None, now: datetime) -> HostSighting:
    """A compute host as the control plane's sighting of its own host."""
    return HostSighting(
        source=source,
        native_id=str(hypervisor.id),
        observed_at=now,
        view=View.HYPERVISOR,
        name=hypervisor.hypervisor_hostname,
        zone=zone,
        nics=(Nic(addresses=(hypervisor.host_ip.lower(),)),) if hypervisor.host_ip else (),
        status=f"{hypervisor.state or '?'}/{hypervisor.status or '?'}",
        arch=_arch(hypervisor.cpu_info),
        vcpus=hypervisor.vcpus,
        memory_bytes=hypervisor.memory_mb * MIB if hypervisor.memory_mb is not None else None,
        disk_bytes=hypervisor.local_gb * GIB if hypervisor.local_gb is not None else None,
    )


def owner_labels(metadata: Mapping[str, str], label_keys: Collection[str]) -> dict[str, str]:
    """The metadata that says whose a server is. People keep passwords in the rest, under any key: it is not kept."""
    return {key: value for key, value in metadata.items() if key in label_keys}


def _listed(
    survey: Survey, params: Params, microversion: tuple[int, int], expected: int | None = None
) -> Iterator[tuple[Reading, Server]]:
    region = survey.region
    pages = walk_halves(
        region,
        "compute",
        "/servers/detail",
        "servers",
        Server,
        sort_key="uuid",
        params=params,
        microversion=microversion,
        page_size=survey.page_size,
        precedes=_is_building,
        expected=expected,
    )
    for page in pages:
        for whole in page:
            server = msgspec.structs.replace(whole, metadata=owner_labels(whole.metadata, survey.label_keys))
            record = to_server(server, source=region.source, zone=survey.zone, now=survey.now)
            yield Reading(record, raw(server)), server


def _is_building(server: Server) -> bool:
    """Whether it may be one that no cell has taken yet: those stand first, in whatever order is asked for."""
    return server.status == "BUILD"


def _hypervisors(survey: Survey) -> Iterator[Hypervisor]:
    """Paged from 2.33 on; older Novas answer in one piece and must not be asked for a second."""
    region = survey.region
    microversion = region.microversion(WANTED)
    if microversion < (2, 33):
        path = "/os-hypervisors/detail"
        document = decoded(region, path, region.get("compute", path, microversion=microversion))
        yield from converted(region, path, document.get("hypervisors", b"null"), Hypervisor)
        return
    for page in walk(
        region,
        "compute",
        "/os-hypervisors/detail",
        "hypervisors",
        Hypervisor,
        microversion=microversion,
        page_size=survey.page_size,
    ):
        yield from page


def _down_cells(survey: Survey, told: set[str]) -> Iterator[Said]:
    """Nova leaves the servers of a cell that is down out of a paged listing, with 200. Two questions bring it to light.

    os-services names the silent hosts; a listing without limit or filter holds a stub with status UNKNOWN for servers
    of such a cell. The stubs are yielded: that those servers exist is known. The short listing is asked first: it costs
    Nova a fraction of the one with details.
    """
    region = survey.region
    silent = yield from _down_hosts(region)
    if region.microversion(CELL_AWARE) < CELL_AWARE:
        return
    stubs = _stubs(region, "/servers", told)
    if stubs:
        stubs = _stubs(region, "/servers/detail", told) or stubs
    for stub in stubs:
        told.add(stub.id)
        yield Reading(to_server(stub, source=region.source, zone=survey.zone, now=survey.now), raw(stub))
    if stubs and not silent:
        yield Incomplete(
            msg(
                "{source}: a Nova cell is down: of {count} server(s) or more only the ids are known; bring the "
                "cell's database back and scan again",
                source=region.source,
                count=len(stubs),
            ),
            tuple(stub.id for stub in stubs),
        )


def _stubs(region: OpenStackRegion, path: str, told: Collection[str]) -> list[Server]:
    body = region.get("compute", path, [("all_tenants", "1")], microversion=CELL_AWARE)
    listed = converted(region, path, decoded(region, path, body).get("servers", b"null"), Server)
    return [s for s in listed if s.status == "UNKNOWN" and s.id not in told and s.name is None]


def _down_hosts(region: OpenStackRegion) -> Generator[Incomplete, None, bool]:
    """Yields what is wrong and returns whether hosts were found silent."""
    if region.microversion(CELL_AWARE) < CELL_AWARE:
        return False
    path = "/os-services"
    try:
        document = decoded(region, path, region.get("compute", path, microversion=CELL_AWARE))
    except Refused as refused:
        yield Incomplete(
            msg(
                "{cause}; so it cannot be told whether a part of Nova is down and its servers hidden",
                cause=refused.message,
            )
        )
        return False
    services = parsed(region, path, document.get("services", b"null"), list[ComputeService])
    hosts = tuple(sorted({s.host for s in services if s.status == "UNKNOWN"}))
    if hosts:
        yield Incomplete(
            msg(
                "{source}: a Nova cell is down: nothing is told of the servers on {count} compute host(s); "
                "bring the cell's database back and scan again",
                source=region.source,
                count=len(hosts),
            ),
            hosts,
        )
    return bool(hosts)


def _refused_reason(region: OpenStackRegion) -> Message:
    return msg(
        "{source}: Nova refuses {user} the servers of all projects; docs/openstack-rights.md lists the "
        "rights that are needed",
        source=region.source,
        user=region.token.user,
    )


def _host_document(hypervisor: Hypervisor) -> dict[str, object]:
    arch = _arch(hypervisor.cpu_info)
    return raw(msgspec.structs.replace(hypervisor, cpu_info={"arch": arch} if arch else None))


def _arch(cpu_info: str | dict[str, object] | None) -> str | None:
    if isinstance(cpu_info, str):  # JSON in a string before 2.28
        try:
            cpu_info = msgspec.json.decode(cpu_info, type=dict[str, object])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
    arch = (cpu_info or {}).get("arch")
    return arch if isinstance(arch, str) else None
