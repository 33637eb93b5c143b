"""What the checks on machines, storage, networks and contracts say, whole: Arts. 14, 16 and 28."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import builders as b
import msgspec
from told import Case

from checks.regulation import load_pack
from inventory.coverage import CellState, Coverage, SourceInfo
from inventory.hosts import Host, Ownership, OwnershipHit, OwnershipRule, Place
from inventory.inventory import Inventory
from inventory.records import (
    BlockDevice,
    ClassifiedPlaceholder,
    ClassifiedTrace,
    CountMismatch,
    Funding,
    HostSighting,
    Level,
    Mount,
    Nic,
    Segment,
    Storage,
    View,
)
from inventory.settings import PolicyChoices, RecognisedCentre, Zone
from inventory.text import msg

TODAY, YESTERDAY, TOMORROW = b.TODAY, date(2026, 11, 22), date(2026, 11, 24)
EFFECTIVE, THE_DAY_BEFORE = date(2024, 1, 15), date(2024, 1, 14)
LAST_HOUR_BEFORE = datetime(2024, 1, 14, 15, 59, tzinfo=UTC)
"""2024-01-14 23:59 in Laohekou."""
FIRST_HOUR = datetime(2024, 1, 14, 16, 0, tzinfo=UTC)
"""2024-01-15 00:00 in Laohekou."""
MINE = b.owned()
HALF_CLOUD = b.coverage(b.cell(b.CLOUD, "host", CellState.PARTIAL))
HALF_REGISTER = b.coverage(b.cell(b.REGISTER, "project", CellState.PARTIAL))
NO_DEPARTMENT: dict[str, Any] = {"department": None}


def city(*hosts: Host, **given: Any) -> Inventory:
    return b.city(hosts=hosts, **given)


def machine(place: Place = Place.STANDALONE_PHYSICAL, owner: Ownership = MINE, **seen: Any) -> Host:
    """A machine of S-1's with one look at it over SSH: no asset card, unless one is given."""
    sightings: tuple[HostSighting, ...] = (b.sighting("box", View.OS, b.SSH, installed_at=seen.get("installed_at")),)
    if "created_at" in seen:
        sightings += (b.sighting("box", View.SERVER, "vmware:bureau", created_at=seen["created_at"]),)
    for card in seen.get("cards", ()):
        sightings += (b.sighting(f"box-{card}", View.ASSET, "ledger:assets", commissioned_on=card),)
    department = seen.get("department", "市教育局")
    return b.host("box", place, owner, sightings, department=department)


def built(*awards: date | None, **given: Any) -> dict[str, Any]:
    """Projects of S-1 with these days of award."""
    return {"projects": tuple(b.project(f"P-{n}", awarded_on=on) for n, on in enumerate(awards, 1)), **given}


NEW, OLD, NEVER = built(EFFECTIVE), built(THE_DAY_BEFORE), built(None)
AGES: dict[str, tuple[Host, dict[str, Any]]] = {
    "contract since, no card": (machine(), NEW),
    "contract since, card since": (machine(cards=(date(2024, 3, 1),)), NEW),
    "contract since, card from before": (machine(cards=(THE_DAY_BEFORE,)), NEW),
    "contract since, root file system from before": (machine(installed_at=LAST_HOUR_BEFORE), NEW),
    "contract since, root file system since": (machine(installed_at=FIRST_HOUR), NEW),
    "contract before, no card": (machine(), OLD),
    "contract before, delivered on its last day": (machine(cards=(date(2026, 1, 14),)), OLD),
    "contract before, delivered the day after": (machine(cards=(date(2026, 1, 15),)), OLD),
    "contract before, root file system since": (machine(installed_at=FIRST_HOUR), OLD),
    "contract before, root file system from before": (machine(installed_at=LAST_HOUR_BEFORE), OLD),
    "two contracts before, the later one counts": (
        machine(cards=(date(2026, 1, 14),)), built(THE_DAY_BEFORE, date(2020, 1, 1))
    ),
    "two contracts since, the earlier one counts": (machine(), built(date(2025, 1, 1), EFFECTIVE)),
    "contracts on both sides, no card": (machine(), built(THE_DAY_BEFORE, EFFECTIVE)),
    "contracts on both sides, card since": (machine(cards=(EFFECTIVE,)), built(THE_DAY_BEFORE, EFFECTIVE)),
    "contracts on both sides, root file system from before": (
        machine(installed_at=LAST_HOUR_BEFORE), built(THE_DAY_BEFORE, EFFECTIVE)
    ),
    "no contract, card from the first day": (machine(cards=(EFFECTIVE,)), NEVER),
    "no contract, card from the day before": (machine(cards=(THE_DAY_BEFORE,)), NEVER),
    "no contract, two cards, the earlier one counts": (machine(cards=(EFFECTIVE, THE_DAY_BEFORE)), NEVER),
    "no contract, created by a control plane in the first hour": (machine(created_at=FIRST_HOUR), NEVER),
    "no contract, created by a control plane in the hour before": (machine(created_at=LAST_HOUR_BEFORE), NEVER),
    "no contract, physical, root file system from before": (machine(installed_at=LAST_HOUR_BEFORE), NEVER),
    "no contract, physical, root file system since": (machine(installed_at=FIRST_HOUR), NEVER),
    "no contract, virtual, root file system from before": (
        machine(Place.STANDALONE_VIRTUAL, installed_at=LAST_HOUR_BEFORE), NEVER
    ),
    "nothing says how old it is": (machine(), NEVER),
    "nothing says how old it is, nobody's department, but a system's": (machine(**NO_DEPARTMENT), NEVER),
    "contract since, projects may be missing": (machine(), {**NEW, "coverage": HALF_REGISTER,
                                                            "systems": (b.system(level=Level.CITY),)}),
    "contract since, card since, projects may be missing": (
        machine(cards=(EFFECTIVE,)), {**NEW, "coverage": HALF_REGISTER, "systems": (b.system(level=Level.CITY),)}
    ),
    "of a project that names no system": (
        machine(owner=b.owned("S-9", projects=("P-1",), systems=())), {**NEW, "systems": ()}
    ),
}  # fmt: skip

OWN_ROOM = RecognisedCentre(name="市公安局机房", document="云管函〔2025〕8号", zone="公安专网", cidrs=("10.9.0.0/16",),
                            valid_to=TODAY)  # fmt: skip


def recognising(**centre: Any) -> Any:
    """A rule that knows recognition, and the owner's list of one centre."""
    pack = load_pack()
    knowing = msgspec.structs.replace(
        pack, parameters=msgspec.structs.replace(pack.parameters, recognises_department_centres=True)
    )
    listed = msgspec.structs.replace(OWN_ROOM, **centre)
    return b.policy(PolicyChoices(recognised=(listed,)), pack=knowing)


def stands(address: str = "10.9.1.1/24", zone: str = "公安专网") -> Inventory:
    """A tower at this address."""
    inside = b.sighting("box", View.OS, b.SSH, zone=zone, nics=(Nic(addresses=(address,)),))
    card = b.sighting("box", View.ASSET, "ledger:assets", commissioned_on=date(2025, 6, 1))
    return city(b.host("box", Place.STANDALONE_PHYSICAL, MINE, (inside, card)))


APPLIANCE = b.tower(sightings=(b.sighting("nvr", View.ASSET, "ledger:assets", is_appliance=True),))
CLASH = msg("two servers have one UUID")
COMPUTE: dict[str, Case] = {
    "an instance of the cloud": city(b.host()),
    "the centre's own machine": city(b.host(place=Place.CLOUD_INFRASTRUCTURE)),
    "procured capacity": city(b.host(place=Place.THIRD_PARTY)),
    "an instance with a conflict": city(b.host(conflicts=(CLASH,))),
    "undetermined": city(b.host("x", Place.UNDETERMINED)),
    "undetermined, and nothing is known to be missing": city(
        replace(b.host("x", Place.UNDETERMINED), placement=replace(b.host().placement, place=Place.UNDETERMINED))
    ),
    "undetermined, without any fact": city(
        replace(
            b.host("x", Place.UNDETERMINED),
            placement=replace(b.host().placement, place=Place.UNDETERMINED, facts=(), evidence=("arp|10.1.1.5",)),
        )
    ),
    "standalone with a conflict": city(b.tower(conflicts=(CLASH,))),
    "an appliance": city(APPLIANCE),
    "new, nobody's but a department's": city(b.tower()),
    "new, nobody's": city(b.tower(**NO_DEPARTMENT)),
    "contested": city(b.tower(ownership=b.CONTESTED)),
    "its system is not paid from public funds": city(machine(), projects=(b.project(funding=Funding.NON_FISCAL),)),
    "its system is not paid from public funds, no department": city(
        machine(**NO_DEPARTMENT), projects=(b.project(funding=Funding.NON_FISCAL),)
    ),
    "its system's funding is not said, no department": city(
        machine(**NO_DEPARTMENT), projects=(b.project(funding=None),)
    ),
    "one of its two systems is the city's": city(
        machine(owner=b.owned("S-1", "S-2"), **NO_DEPARTMENT),
        systems=(b.system(level=Level.STATE), b.system("S-2", funding=Funding.GOVERNMENT)), **NEW,
    ),
    "its two systems are outside, one is open": city(
        machine(owner=b.owned("S-1", "S-2"), **NO_DEPARTMENT), projects=(),
        systems=(b.system(level=Level.STATE, funding=Funding.GOVERNMENT), b.system("S-2")),
    ),
    "its system is retired": city(machine(), systems=(b.system(is_retired=True),), **NEW),
    "its project is the province's": city(
        machine(owner=b.owned("S-9", projects=("P-1",), systems=()), **NO_DEPARTMENT),
        projects=(b.project(level=Level.PROVINCE),), systems=(),
    ),
    "in a recognised centre": (stands(), recognising()),
    "in a recognised centre, by a rule that knows none": (stands(), b.policy(PolicyChoices(recognised=(OWN_ROOM,)))),
    "in a centre whose recognition ended yesterday": (stands(), recognising(valid_to=YESTERDAY)),
    "in a centre whose recognition does not end": (stands(), recognising(valid_to=None)),
    "beside the centre's network": (stands("10.10.1.1/24"), recognising()),
    "in another zone": (stands(zone="政务外网"), recognising()),
    "in the second of its networks": (stands(), recognising(cidrs=("10.8.0.0/16", "10.9.0.0/16"))),
    **{name: city(host, **given) for name, (host, given) in AGES.items()},
}  # fmt: skip

ZONE = "专网"


def nas(host: Host, zone: str | None = ZONE, address: str = "10.1.1.99/24", name: str = "nas") -> Host:
    nics = (Nic(addresses=(address,)),)
    seen = tuple(msgspec.structs.replace(s, zone=zone, nics=nics, name=name) for s in host.sightings)
    return replace(host, sightings=seen)


def user(name: str = "edu-web-1", origin: str = "10.1.1.99:/data", zone: str | None = ZONE, **given: Any) -> Host:
    mount = Mount(target="/data", fstype="nfs4", origin=origin)
    return b.host(name, sightings=(b.sighting(name), b.sighting(name, View.OS, b.SSH, zone=zone, mounts=(mount,))),
                  **given)  # fmt: skip


def served(server: Host | None, *users: Host, **given: Any) -> Inventory:
    return city(*(users or (user(),)), *([server] if server else []), **given)


def volume(source: str = b.CLOUD, kind: str = "volume", **given: Any) -> Storage:
    return Storage(source=source, native_id="v1", observed_at=b.NIGHT, name="vol-1", storage_kind=kind, **given)


def zoned(*zones: str) -> Coverage:
    """Everything seen; the cluster stands in a zone."""
    whole = b.coverage()
    sources = [
        SourceInfo(name=s.name, type=s.type, is_platform=s.is_platform, zone=ZONE if s.name in zones else None)
        for s in whole.sources
    ]
    return Coverage(sources, whole.results, whole.rejections)


def blocks(host: Host, *devices: tuple[str, str | None]) -> Host:
    seen = b.sighting(host.name, View.OS, b.SSH,
                      block_devices=tuple(BlockDevice(name=n, transport=t) for n, t in devices))  # fmt: skip
    return replace(host, sightings=(*host.sightings, seen))


STORAGE: dict[str, Case] = {
    "a new server of a department's": served(nas(b.tower("nas"))),
    "an old one": served(nas(b.tower("nas", commissioned_on=THE_DAY_BEFORE))),
    "one of unknown age": served(nas(b.tower("nas", commissioned_on=None))),
    "nobody's": served(nas(b.tower("nas", **NO_DEPARTMENT))),
    "an instance of the cloud": served(nas(b.host("nas"))),
    "an instance of the cloud with a conflict": served(nas(b.host("nas", conflicts=(CLASH,)))),
    "where it stands is open": served(nas(b.host("nas", Place.UNDETERMINED))),
    "where it stands is open, and nothing is known to be missing": served(
        nas(replace(b.tower("nas"), placement=replace(b.tower().placement, place=Place.UNDETERMINED)))
    ),
    "known by its name": served(nas(b.tower("nas"), name="Filer"), user(origin="filer:/data")),
    "by a name without a zone": served(nas(b.tower("nas"), zone=None), user(origin="nas:/data", zone=None)),
    "by an address without a zone": served(nas(b.tower("nas"), zone=None), user(zone=None)),
    "seen by no source": served(None),
    "seen by no source, in no zone": served(None, user(zone=None)),
    "two machines with that address": city(user(), nas(b.tower("nas")), nas(b.host("nas-2"))),
    "two users of one department": served(None, user(), user("edu-app-1")),
    "two users of two departments": served(
        None, user(), user("health-1", ownership=b.owned("S-2", projects=("P-2",), department="市卫健委"))
    ),
    "more users than a sentence names": served(None, *(user(f"edu-{n}") for n in range(10))),
    "in a recognised centre": (
        served(
            nas(b.tower("nas"), zone="公安专网", address="10.9.1.1/24"), user(origin="10.9.1.1:/x", zone="公安专网")
        ),
        recognising(),
    ),
    "a volume of the cloud": b.inventory(storages=(volume(),), owners={volume().key: MINE}),
    "a volume of the cloud, nobody's": b.inventory(storages=(volume(kind="persistent_volume"),)),
    "a volume of a cluster that is not the cloud's": b.inventory(storages=(volume("kubernetes:bureau"),)),
    "another kind of storage without an origin": b.inventory(storages=(volume(kind="claim"),)),
    "a volume that comes from a server": b.inventory(
        storages=(volume(b.CLUSTER, "persistent_volume", origin="10.1.1.99:/pv"),), coverage=zoned(b.CLUSTER),
        hosts=(nas(b.tower("nas")),), owners={volume(b.CLUSTER).key: MINE},
    ),
    "a volume that comes from a server, nobody's": b.inventory(
        storages=(volume(b.CLUSTER, "persistent_volume", origin="10.1.1.99:/pv"),),
    ),
    "a volume that comes from a server, of a source that is none of the scan's": b.inventory(
        storages=(volume("kubernetes:bureau", "persistent_volume", origin="10.1.1.99:/pv"),),
    ),
    "blocks of a storage network on a standalone machine": city(
        blocks(machine(), ("sdb", "fc"), ("sdc", "FC"), ("sdd", "iscsi"), ("sda", "sata"), ("sde", None))
    ),
    "blocks on a machine of no department": city(blocks(machine(**NO_DEPARTMENT), ("sdb", "fc"))),
    "blocks on a machine of the cloud": city(blocks(b.host(), ("sdb", "iscsi"))),
    "blocks on a machine of the cloud with a conflict": city(blocks(b.host(conflicts=(CLASH,)), ("sdb", "iscsi"))),
    "local blocks": city(blocks(machine(), ("sda", "sata"))),
}  # fmt: skip

ON_IT = b.host("rent-1", Place.THIRD_PARTY)
NO_TERM: dict[str, Any] = {"valid_from": None, "valid_to": None}


def procured(*hosts: Host, coverage: Coverage | None = None, **contract: Any) -> Inventory:
    return city(*hosts, third_parties=(b.contract(**contract),), coverage=coverage or b.coverage())


THIRD_PARTY: dict[str, Case] = {
    "under contract and secured": procured(ON_IT),
    "ends today": procured(ON_IT, valid_to=TODAY),
    "ended yesterday, still used": procured(ON_IT, valid_to=YESTERDAY),
    "ends today, unused": procured(valid_to=TODAY),
    "ended yesterday, unused": procured(valid_to=YESTERDAY),
    "ended yesterday, unused as far as was seen": procured(valid_to=YESTERDAY, coverage=HALF_CLOUD),
    "begins today": procured(ON_IT, valid_from=TODAY),
    "begins today, unused": procured(valid_from=TODAY),
    "begins tomorrow, used already": procured(ON_IT, valid_from=TOMORROW),
    "begins tomorrow, unused": procured(valid_from=TOMORROW),
    "no last day": procured(valid_to=None),
    "no first day": procured(valid_from=None),
    "begins tomorrow, no last day, unused": procured(valid_from=TOMORROW, valid_to=None),
    "no days at all, no number": procured(**NO_TERM, filing_number=None),
    "a number that is none": procured(filing_number="filed"),
    "security by an assessment": procured(filing_number=None, security_assessment="中央网信办 2025-07"),
    "a host on a contract that the register does not have": city(ON_IT),
    "a host on no contract": procured(replace(ON_IT, placement=replace(ON_IT.placement, contract=None))),
    "used by a host that was placed by a record": procured(
        replace(ON_IT, placement=replace(ON_IT.placement, evidence=("ledger:contracts|row|7",)))
    ),
}

HEALTH = OwnershipHit(rule=OwnershipRule.SIMILARITY, value="edu-webb", systems=("S-2",), projects=("P-2",))
TENANT = OwnershipHit(rule=OwnershipRule.TENANT, value="edu", systems=("S-1",), evidence="openstack:gov|tenant|t-edu")
LABEL = OwnershipHit(rule=OwnershipRule.LABEL, value="system=S-1", systems=("S-1",), evidence="label")
UNREAD = OwnershipHit(rule=OwnershipRule.LABEL, value="system=S-404")
KNOWN = Ownership(systems=("S-1",), projects=("P-1",), department="市教育局", hits=(LABEL, TENANT, TENANT, HEALTH))
BY_PROJECT = Ownership(projects=("P-1",), hits=(replace(LABEL, systems=(), projects=("P-1",)),))
OTHER_LABEL = OwnershipHit(rule=OwnershipRule.LABEL, value="system=S-2", systems=("S-2",), evidence="label 2")
SHARED = Ownership(systems=("S-1", "S-2"), hits=(LABEL, OTHER_LABEL))
BY_PROJECTS = Ownership(
    projects=("P-1", "P-2"),
    hits=tuple(OwnershipHit(rule=OwnershipRule.LABEL, value=f"project={p}", projects=(p,)) for p in ("P-1", "P-2")),
)
OPEN = Ownership(systems=("S-1",), hits=(UNREAD, TENANT))
HALF_TENANTS = b.coverage(b.cell(b.CLOUD, "tenant", CellState.PARTIAL))
HALF_BUREAU = b.coverage(b.cell("openstack:bureau", "tenant", CellState.PARTIAL))
HALF_SYSTEMS = b.coverage(b.cell(b.REGISTER, "system", CellState.PARTIAL))
HALF_PROJECTS = b.coverage(b.cell(b.REGISTER, "project", CellState.PARTIAL))
HALF_PLAN = b.coverage(b.cell("ledger:网段", "segment", CellState.PARTIAL))
HALF_OWNERS = b.coverage(b.cell(b.REGISTER, "ownership", CellState.PARTIAL))
DECLARED = Ownership(
    hits=(OwnershipHit(rule=OwnershipRule.DECLARED, value="edu-web-1 → S-404, P-404", evidence="own|7"),)
)
"""What a declaration names beyond the register stands behind the arrow."""


def instance(owner: Ownership, tenant: str | None = None) -> Host:
    return b.host(ownership=owner, sightings=(b.sighting(tenant=tenant),))


def tenants(*listed: Any, **given: Any) -> Inventory:
    return b.inventory(tenants=listed, **given)


EDU = b.tenant()
IN_USE = (b.host(ownership=KNOWN, sightings=(b.sighting(tenant="t-edu"),)),)
KUBE = b.tenant("kube-system", b.CLUSTER)
SPACE = b.tenant("edu", b.CLUSTER)
UNREGISTERED: dict[str, Case] = {
    "known by label and tenant": city(instance(KNOWN)),
    "known by its project alone": city(instance(BY_PROJECT)),
    "nobody's": city(instance(b.NOBODY)),
    "nobody's, where that is a breach": (city(instance(b.NOBODY)), b.policy(PolicyChoices(unregistered_fails=True))),
    "nobody's, in a tenant": city(instance(b.NOBODY, "t-edu"), tenants=(EDU,)),
    "nobody's, in a tenant that is not listed": city(instance(b.NOBODY, "t-other")),
    "a department's, no project's": city(instance(Ownership(department="市教育局"))),
    "similar names": city(instance(Ownership(hits=(HEALTH,)))),
    "contested": city(instance(b.CONTESTED)),
    "nobody's, half a register of systems": city(instance(b.NOBODY), coverage=HALF_SYSTEMS),
    "nobody's, half a register of projects": city(instance(b.NOBODY), coverage=HALF_PROJECTS),
    "nobody's, half a list of another cloud's tenants": city(instance(b.NOBODY), coverage=HALF_BUREAU),
    "nobody's, half a list of tenants": city(instance(b.NOBODY), coverage=HALF_TENANTS),
    "nobody's, half a plan of networks": city(instance(b.NOBODY), coverage=HALF_PLAN),
    "nobody's, half a ledger of owners": city(instance(b.NOBODY), coverage=HALF_OWNERS),
    "known by its label, half a plan of networks": city(instance(KNOWN), coverage=HALF_PLAN),
    "declared to belong to two that the register does not have": city(instance(DECLARED)),
    "known, its tenant may say otherwise": city(instance(KNOWN, "t-edu"), coverage=HALF_TENANTS),
    "known, its tenant was not listed, another cloud's tenants were listed in half": city(
        instance(KNOWN, "t-edu"), coverage=HALF_BUREAU
    ),
    "known, its tenant was listed by its id": city(instance(KNOWN, "t-edu"), tenants=(EDU,), coverage=HALF_TENANTS),
    "known, its tenant was listed by its name": city(instance(KNOWN, "edu"), tenants=(EDU,), coverage=HALF_TENANTS),
    "known by its tenant, a label that nobody knows, half a register": city(instance(OPEN), coverage=HALF_SYSTEMS),
    "known by its tenant, a label that nobody knows, half a register of projects": city(
        instance(OPEN), coverage=HALF_PROJECTS
    ),
    "known by its tenant, a label that nobody knows": city(instance(OPEN)),
    "two systems', by labels, its tenant may say otherwise": city(instance(SHARED, "t-edu"), coverage=HALF_TENANTS),
    "two systems', by labels": city(instance(SHARED)),
    "two projects', by labels, its tenant may say otherwise": city(
        instance(BY_PROJECTS, "t-edu"), coverage=HALF_TENANTS
    ),
    "known by its label, half a register": city(instance(KNOWN), coverage=HALF_SYSTEMS),
    "standalone": city(b.tower()),
    "a node of the cloud's own cluster": city(
        b.host(ownership=b.NOBODY, sightings=(b.sighting(), b.sighting("n", View.NODE, b.CLUSTER)))
    ),
    "a node that somebody owns": city(
        b.host(ownership=KNOWN, sightings=(b.sighting(), b.sighting("n", View.NODE, b.CLUSTER)))
    ),
    "a node that is contested": city(
        b.host(ownership=b.CONTESTED, sightings=(b.sighting(), b.sighting("n", View.NODE, b.CLUSTER)))
    ),
    "a node of another cluster": city(
        b.host(ownership=b.NOBODY, sightings=(b.sighting(), b.sighting("n", View.NODE, "kubernetes:bureau")))
    ),
    "an empty tenant": tenants(EDU),
    "a tenant with a host": tenants(EDU, hosts=IN_USE, owners={EDU.key: KNOWN}),
    "a tenant with a volume, nobody's": tenants(EDU, storages=(volume(tenant="t-edu"),)),
    "a namespace with a workload": tenants(SPACE, workloads=(b.workload(),)),
    "a namespace of the cluster's own": tenants(KUBE, workloads=(b.workload(namespace="kube-system"),)),
    "a tenant of OpenStack that is only called so": tenants(
        b.tenant("kube-system"), storages=(volume(tenant="t-kube-system"),)
    ),
    "a tenant of another cloud": tenants(
        b.tenant("edu", "openstack:bureau"), storages=(volume("openstack:bureau", tenant="t-edu"),)
    ),
    "a volume, owned": b.inventory(storages=(volume(),), owners={volume().key: KNOWN}),
}


def segment(**given: Any) -> Segment:
    said = {"source": "ledger:网段", "native_id": "n", "observed_at": b.NIGHT, "cidr": "192.168.7.0/24",
            "domain": "专网", "zone": "部门专网区", "department": "市教育局", "is_cloud": False,
            "has_own_exit": False}  # fmt: skip
    return Segment(**{**said, **given})


def network(*hosts: Host, **given: Any) -> Inventory:
    return b.inventory(segments=(segment(**given),), hosts=hosts)


def inside(name: str = "box", address: str = "192.168.7.9/24", zone: str = "部门专网区", **given: Any) -> Host:
    seen = b.sighting(name, View.OS, b.SSH, zone=zone, nics=(Nic(addresses=(address,)),), **given)
    return b.host(name, Place.STANDALONE_PHYSICAL, b.NOBODY, (seen,))


def by(deadline: date) -> Any:
    return b.policy(PolicyChoices(extranet_deadline=deadline))


EXTRANET: dict[str, Case] = {
    "a network of the cloud": network(is_cloud=True),
    "part of the extranet": network(inside(zone="政务外网公用区"), zone="政务外网公用区"),
    "of the Internet": network(zone="互联网区"),
    "in a zone whose name only holds the extranet's": network(inside(zone="非政务外网区"), zone="非政务外网区"),
    "in such a zone, of which the config says that it is none": (
        network(inside(zone="非政务外网区"), zone="非政务外网区"),
        b.policy(zones=(Zone(name="非政务外网区", extranet=False),)),
    ),
    "in a zone of which the config says that it is one": (
        network(zone="横向网"),
        b.policy(zones=(Zone(name="横向网", extranet=True),)),
    ),
    "in no zone": network(zone=None),
    "nobody's in the plan": network(department=None),
    "a segment that a cloud lists": network(source=b.CLOUD),
    "a server stands in it": network(inside()),
    "a server stands in it, and it has an exit": network(inside(), has_own_exit=True),
    "it has an exit, nothing was seen in it": network(has_own_exit=True),
    "it has an exit, appliances stand in it": network(inside(is_appliance=True), has_own_exit=True),
    "only appliances, no exit": network(inside(is_appliance=True)),
    "only appliances, no exit, half a listing of hosts": replace(
        network(inside(is_appliance=True)), coverage=HALF_CLOUD
    ),
    "only appliances, exit not said": network(inside(is_appliance=True), has_own_exit=None),
    "nothing seen, no exit": network(),
    "nothing seen, exit not said": network(has_own_exit=None),
    "nothing seen, half a listing of hosts": replace(network(), coverage=HALF_CLOUD),
    "a server beside it": network(inside(address="192.168.8.9/24")),
    "a server in another zone with such an address": network(inside(zone="另一专网")),
    "more servers than a sentence names": network(*(inside(f"box-{n}") for n in range(10))),
    "on the last day that was set": (network(inside()), by(TODAY)),
    "the day after": (network(inside()), by(YESTERDAY)),
}


def mismatch(place: str = "edu", by: str = "nova quota", kind: str = "tenant", **given: Any) -> CountMismatch:
    said: dict[str, Any] = {"source": b.CLOUD, "expected": 2, "seen": 1, **given}
    return CountMismatch(native_id=f"{by} {place}", observed_at=b.NIGHT, what="host", place_kind=kind, place=place,
                         place_id=place, expected_by=by, **said)  # fmt: skip


def counted(*mismatches: CountMismatch) -> Inventory:
    return b.inventory(count_mismatches=mismatches)


CROSS_CHECK: dict[str, Case] = {
    "a quota counts more": counted(mismatch()),
    "a compute host runs more": counted(mismatch("cmp-1", "nova hypervisor", "hypervisor")),
    "resources are held for more": counted(mismatch(by="placement")),
    "a witness of its own": counted(mismatch(by="billing")),
    "two witnesses": counted(mismatch(), mismatch("cmp-1", "nova hypervisor", "hypervisor")),
    "two clouds": counted(mismatch(source="openstack:second"), mismatch()),
    "the largest difference first": counted(mismatch("a"), mismatch("b", expected=9), mismatch("c")),
    "ten places": counted(*(mismatch(f"t{n}") for n in range(10))),
    "eleven places": counted(*(mismatch(f"t{n:02}") for n in range(11))),
}


def placeholder(what: str = "system", row: int = 1) -> ClassifiedPlaceholder:
    return ClassifiedPlaceholder(source=b.REGISTER, native_id=f"{what} {row}", observed_at=b.NIGHT, what=what)


def trace(source: str = b.CLOUD, what: str = "host", count: int = 1) -> ClassifiedTrace:
    return ClassifiedTrace(source=source, native_id=what, observed_at=b.NIGHT, what=what, count=count)


CLASSIFIED: dict[str, Case] = {
    "nothing classified anywhere": b.inventory(),
    "rows of the registers": b.inventory(
        classified=(placeholder(), placeholder(row=2), placeholder("project"), placeholder("network"))
    ),
    "half a cloud listed": b.inventory(classified=(placeholder(),), coverage=HALF_CLOUD),
    "the cloud's tenants were not listed": b.inventory(
        classified=(placeholder(),), coverage=b.coverage(b.cell(b.CLOUD, "tenant", CellState.FAILED))
    ),
    "the cloud's workloads were not listed": b.inventory(
        classified=(placeholder(),), coverage=b.coverage(b.cell(b.CLUSTER, "workload", CellState.FAILED))
    ),
    "half a register of projects": b.inventory(classified=(placeholder(),), coverage=HALF_PROJECTS),
    "half a register of systems": b.inventory(classified=(placeholder(),), coverage=HALF_SYSTEMS),
    "another unit's cloud was not listed": b.inventory(
        classified=(placeholder(),), coverage=b.coverage(b.cell("openstack:bureau", "host", CellState.FAILED))
    ),
    "no cloud at all": b.inventory(classified=(placeholder(),), coverage=b.coverage(platform=False)),
    "the cloud shows some": b.inventory(
        classified=(placeholder(),), classified_traces=(trace(what="tenant", count=2), trace())
    ),
    "the cloud shows some, the registers hold none": b.inventory(classified_traces=(trace(),)),
    "a ledger mentions some": b.inventory(classified=(placeholder(),), classified_traces=(trace(b.REGISTER, "row"),)),
}

CASES: dict[str, dict[str, Case]] = {
    "14-cross-check": CROSS_CHECK,
    "14-standalone-compute": COMPUTE,
    "14-standalone-storage": STORAGE,
    "14-third-party": THIRD_PARTY,
    "14-unregistered": UNREGISTERED,
    "16-extranet": EXTRANET,
    "28-classified": CLASSIFIED,
}
