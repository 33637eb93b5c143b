"""Art. 14: nobody builds storage of its own any more: what serves files or blocks stands on the government cloud.

The subject is whatever serves: the server of a network file system that a host mounts or a cluster's volume comes from.
Where the control plane of the government cloud itself lists a volume, that is the cloud's.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from checks.applicability import (
    Era,
    era_barrier,
    host_age,
    host_barrier,
    recognised_barrier,
    recognised_centre,
)
from checks.check import Check, Opinion, Step, Strength
from checks.deployment import MOST_NAMED, place_words
from checks.policy import Policy
from checks.subjects import host_words
from inventory.finding import Subject, Verdict
from inventory.hosts import Host
from inventory.inventory import Inventory, law_date
from inventory.networks import as_address
from inventory.records import HostSighting, Mount, Storage, View
from inventory.text import msg

REMOTE_TYPES = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "ceph", "glusterfs", "fuse.glusterfs", "lustre", "9p", "afs", "beegfs"}
)
"""File systems whose blocks lie on another machine."""

BLOCK_TRANSPORTS = {"iscsi": "iSCSI", "fc": "FC"}
"""Transports of block devices that come from a storage network."""


@dataclass(frozen=True, slots=True)
class _Use:
    """One thing that is served from somewhere."""

    origin: str
    """`server:/export`, `//server/share`."""
    user: str
    """Name of the host or volume that uses it."""
    zone: str | None
    evidence: str
    department: str | None
    projects: tuple[str, ...]


def judge(inventory: Inventory, policy: Policy) -> Iterator[Opinion]:
    """One opinion for every server of storage, every volume of a cloud, every host on a storage network."""
    served: dict[tuple[str, str], list[_Use]] = defaultdict(list)
    for use in _uses(inventory):
        served[use.zone or "", server_of(use.origin)].append(use)
    servers = _by_address(inventory)
    for (zone, server), uses in sorted(served.items()):
        yield _judge_server(inventory, policy, zone, server, uses, servers)
    for storage in inventory.storages:
        if storage.origin is None and storage.storage_kind in ("volume", "persistent_volume"):
            yield _judge_volume(inventory, storage)
    for host in inventory.hosts:
        if blocks := _block_devices(host):
            yield _judge_blocks(policy, host, blocks)


def server_of(origin: str) -> str:
    """The server of `server:/export`, `[v6]:/export`, `//server/share`, `a,b:/export`: the first, lower case."""
    text = origin.strip().replace("\\", "/")
    if text.startswith("//"):
        text = text[2:].partition("/")[0]
    elif text.startswith("["):
        text = text[1:].partition("]")[0]
    else:
        text = text.partition(":/")[0]
    return text.partition(",")[0].strip().casefold()


def _uses(inventory: Inventory) -> Iterator[_Use]:
    for host in inventory.hosts:
        for sighting in host.sightings:
            for mount in sighting.mounts:
                if mount.fstype.casefold() in REMOTE_TYPES and server_of(mount.origin):
                    yield _mounted(host, sighting, mount)
    for storage in inventory.storages:
        if storage.origin is not None and server_of(storage.origin):
            owner = inventory.owners.get(storage.key)
            yield _Use(
                storage.origin, storage.name, _zone_of(inventory, storage.source), storage.key,
                owner.department if owner else None, owner.projects if owner else (),
            )  # fmt: skip


def _mounted(host: Host, sighting: HostSighting, mount: Mount) -> _Use:
    return _Use(mount.origin, host.name, sighting.zone, sighting.key, host.department, host.ownership.projects)


def _zone_of(inventory: Inventory, source: str) -> str | None:
    return next((s.zone for s in inventory.coverage.sources if s.name == source), None)


def _by_address(inventory: Inventory) -> dict[tuple[str, str], list[Host]]:
    """Hosts by (zone, address) and (zone, name): an address means one machine only inside its zone."""
    found: dict[tuple[str, str], list[Host]] = defaultdict(list)
    for host in inventory.hosts:
        keys = {(s.zone or "", s.name.casefold()) for s in host.sightings}
        for s in host.sightings:
            addresses = (as_address(a) for n in s.nics for a in n.addresses)
            keys |= {(s.zone or "", str(a)) for a in addresses if a is not None}
        for key in keys:
            found[key].append(host)
    return found


def _judge_server(
    inventory: Inventory,
    policy: Policy,
    zone: str,
    server: str,
    uses: list[_Use],
    servers: dict[tuple[str, str], list[Host]],
) -> Opinion:
    address = as_address(server)
    hosts = servers.get((zone, str(address) if address is not None else server), [])
    departments = {u.department for u in uses if u.department}
    subject = Subject(
        kind="storage",
        id=f"{zone or '-'}/{server}",
        name=server,
        department=next(iter(departments)) if len(departments) == 1 else None,
        projects=tuple(sorted({p for u in uses for p in u.projects})),
    )
    used = ", ".join(sorted({u.user for u in uses})[:MOST_NAMED])
    evidence = tuple(u.evidence for u in uses)
    if len(hosts) != 1:
        return Opinion(
            subject=subject,
            verdict=Verdict.UNKNOWN,
            decided_by=Step.COVERAGE,
            reason=msg("storage is served by {server} to {users}, and no source says which machine that is",
                       server=server, users=used),
            missing=(
                msg("what {server} in {zone} is and where it stands: a row in the equipment ledger or access to it, by "
                    "the infrastructure team", server=server, zone=zone or msg("an unnamed zone")),
            ),
            evidence=evidence,
        )  # fmt: skip
    return _judge_host(inventory, policy, subject, hosts[0], used, evidence)


def _judge_host(
    inventory: Inventory, policy: Policy, subject: Subject, host: Host, used: str, evidence: tuple[str, ...]
) -> Opinion:
    keys = (*evidence, *(host.placement.evidence or host.evidence))
    place = place_words(host.placement.place)
    if host.is_on_cloud and not host.conflicts:
        return Opinion(
            subject=subject,
            verdict=Verdict.PASS,
            reason=msg("storage for {users} is served by {host}: {place}", users=used, host=host.name, place=place),
            evidence=keys,
        )
    if not host.is_standalone or host.conflicts:
        return Opinion(
            subject=subject,
            verdict=Verdict.UNKNOWN,
            decided_by=Step.COVERAGE,
            reason=msg("storage for {users} is served by {host}, and where that stands is not proven", users=used,
                       host=host.name),
            missing=(*host.placement.missing, *host.conflicts)
            or (msg("a look at {host} itself, by the infrastructure team", host=host.name),),
            evidence=keys,
        )  # fmt: skip
    centre = recognised_centre(policy, host, law_date(inventory.as_of))
    age = host_age(inventory, policy, host)
    barrier = host_barrier(inventory, policy, host) or (recognised_barrier(centre) if centre else None)
    if barrier is None and age.era is Era.UNKNOWN:
        barrier = era_barrier(age)
    if barrier is not None:
        return barrier.opinion(subject, keys)
    start = policy.effective_from.isoformat()
    article = policy.pack.article("14")
    if age.era is Era.LEGACY:
        return Opinion(
            subject=subject,
            verdict=Verdict.NOT_APPLICABLE,
            decided_by=Step.ERA,
            reason=msg(
                "storage on {host}, {place} from before {start} ({age}): {article} forbids new capacity only",
                host=host.name, place=place, start=start, age=age.because, article=article,
            ),
            evidence=(*keys, *age.evidence),
        )  # fmt: skip
    return Opinion(
        subject=subject,
        verdict=Verdict.FAIL,
        reason=msg(
            "storage for {users} is served by {host}, {place}, new since {start}: {age}; it does not meet {article}",
            users=used, host=host.name, place=place, start=start, age=age.because, article=article,
        ),
        evidence=(*keys, *age.evidence),
        from_absence=True,
        rests_on=host_words(host),
    )  # fmt: skip


def _judge_volume(inventory: Inventory, storage: Storage) -> Opinion:
    owner = inventory.owners.get(storage.key)
    subject = Subject(
        kind="storage",
        id=f"{storage.source}/{storage.native_id}",
        name=storage.name,
        department=owner.department if owner else None,
        projects=owner.projects if owner else (),
    )
    if inventory.coverage.is_platform(storage.source):
        return Opinion(
            subject=subject,
            verdict=Verdict.PASS,
            reason=msg("a volume that the government cloud's own {source} lists", source=storage.source),
            evidence=(storage.key,),
        )
    return Opinion(
        subject=subject,
        verdict=Verdict.UNKNOWN,
        decided_by=Step.COVERAGE,
        reason=msg("a volume of {source}, which is not the government cloud's: what it lies on was not seen",
                   source=storage.source),
        missing=(msg("what serves the volumes of {source}, by its administrator", source=storage.source),),
        evidence=(storage.key,),
    )  # fmt: skip


def _block_devices(host: Host) -> dict[str, list[str]]:
    """Transport to names of devices that come from a storage network."""
    found: dict[str, list[str]] = defaultdict(list)
    for sighting in host.seen_by(View.OS):
        for device in sighting.block_devices:
            kind = BLOCK_TRANSPORTS.get((device.transport or "").casefold())
            if kind is not None:
                found[kind].append(device.name)
    return found


def _judge_blocks(policy: Policy, host: Host, blocks: dict[str, list[str]]) -> Opinion:
    """A block device does not say which array it comes from; on a machine of the cloud it is the cloud's affair."""
    told = ", ".join(f"{kind} {' '.join(sorted(names)[:MOST_NAMED])}" for kind, names in sorted(blocks.items()))
    subject = Subject(
        kind="storage",
        id=f"blocks/{host.id}",
        name=f"{host.name} {'/'.join(sorted(blocks))}",
        department=host.department,
        projects=host.ownership.projects,
    )
    if host.is_on_cloud and not host.conflicts:
        return Opinion(
            subject=subject,
            verdict=Verdict.NOT_APPLICABLE,
            decided_by=Step.KIND,
            reason=msg("block devices ({devices}) of a machine of the government cloud: its own storage network",
                       devices=told),
            evidence=host.placement.evidence or host.evidence,
        )  # fmt: skip
    return Opinion(
        subject=subject,
        verdict=Verdict.UNKNOWN,
        decided_by=Step.COVERAGE,
        reason=msg("{host} uses block devices of a storage network ({devices}), which do not say where the array "
                   "stands", host=host.name, devices=told),
        missing=(
            msg("the storage array behind {host}, with its asset card: whether {article} reaches it, by {department}",
                host=host.name, article=policy.pack.article("14"),
                department=host.department or msg("its department")),
        ),
        evidence=host.evidence,
    )  # fmt: skip


CHECK = Check(
    id="14-standalone-storage",
    title=msg("No new storage of one's own"),
    articles=("14",),
    clause="14-a",
    subject_kind="storage",
    strength=Strength.MUST,
    reads=("host", "port", "hypervisor", "storage", "third_party", "project", "system", "ownership", "segment"),
    enumerates=("storage",),
    judge=judge,
    remedy=msg("move the data to storage of the government cloud and take what serves it out of service"),
)
