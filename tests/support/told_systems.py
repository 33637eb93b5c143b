"""What the checks on systems and the cloud say, whole: Arts. 15 and 16, and classified protection."""

from datetime import date
from typing import Any

import builders as b
from told import Case

from checks.regulation import load_pack
from inventory.coverage import CellState
from inventory.hosts import Place
from inventory.inventory import Inventory
from inventory.records import Funding, Level, ProjectKind, SharingType, View
from inventory.settings import PolicyChoices, RecognisedCentre
from inventory.text import msg

TODAY, YESTERDAY, TOMORROW = b.TODAY, date(2026, 11, 22), date(2026, 11, 24)
EFFECTIVE, THE_DAY_BEFORE = date(2024, 1, 15), date(2024, 1, 14)


def half(kind: str) -> Any:
    return b.coverage(b.cell(b.REGISTER, kind, CellState.PARTIAL))


def project_of(**given: Any) -> Inventory:
    return b.city(projects=(b.project(**given),))


def projects_of(*given: dict[str, Any], **system: Any) -> Inventory:
    """System S-1 with several projects."""
    return b.city(
        projects=tuple(b.project(f"P-{n}", **fields) for n, fields in enumerate(given, 1)),
        systems=(b.system(**system),),
    )


def register(**system: Any) -> Inventory:
    """System S-1 that no project names: only the register of systems speaks of its age."""
    return b.city(projects=(), systems=(b.system(funding=Funding.GOVERNMENT, **system),))


SCOPES: dict[str, Case] = {
    "not paid from public funds": project_of(funding=Funding.NON_FISCAL),
    "paid from public funds and otherwise": projects_of({"funding": Funding.NON_FISCAL}, {}),
    "funding not said, nobody's department": b.city(
        projects=(b.project(funding=None),), systems=(b.system(department=None),)
    ),
    "its own row outranks its project": b.city(systems=(b.system(funding=Funding.NON_FISCAL),)),
    "of the province": project_of(level=Level.PROVINCE),
    "of province and state": projects_of({"level": Level.PROVINCE}, {"level": Level.STATE}),
    "of the city and the province": projects_of({"level": Level.CITY}, {"level": Level.PROVINCE}),
    "of the state by its own row": b.city(systems=(b.system(level=Level.STATE),)),
    "retired": b.city(systems=(b.system(is_retired=True),)),
    "retired and funding not said": b.city(projects=(b.project(funding=None),), systems=(b.system(is_retired=True),)),
    "the register of projects was cut short": b.city(coverage=half("project")),
}
OLD = {"awarded_on": date(2021, 5, 6)}
AGES: dict[str, Case] = {
    "awarded on the first day": project_of(awarded_on=EFFECTIVE),
    "awarded the day before": project_of(awarded_on=THE_DAY_BEFORE),
    "no award, contract since": project_of(awarded_on=None, contract_on=EFFECTIVE),
    "no award, contract before": project_of(awarded_on=None, contract_on=THE_DAY_BEFORE),
    "an old award outranks a later contract": project_of(awarded_on=THE_DAY_BEFORE, contract_on=EFFECTIVE),
    "only approved, since": project_of(awarded_on=None, approved_on=EFFECTIVE),
    "no date at all": project_of(awarded_on=None),
    "no date at all, nobody's department": b.city(
        projects=(b.project(awarded_on=None),), systems=(b.system(department=None),)
    ),
    "built before, rebuilt since": projects_of(OLD, {"project_kind": ProjectKind.REBUILD}),
    "built before, extended since": projects_of(OLD, {"project_kind": ProjectKind.EXTENSION}),
    "built before, extended since, where that is no rebuilding": (
        projects_of(OLD, {"project_kind": ProjectKind.EXTENSION}),
        b.policy(PolicyChoices(upgrade_counts_as_rebuild=False)),
    ),
    "built before, kept running since": projects_of(OLD, {"project_kind": ProjectKind.OPERATION}),
    "built before, a rebuilding without a date": projects_of(
        OLD, {"project_kind": ProjectKind.REBUILD, "awarded_on": None}
    ),
    "only kept by a project of the first day": project_of(project_kind=ProjectKind.OPERATION, awarded_on=EFFECTIVE),
    "two new projects, the earlier counts": projects_of({"awarded_on": date(2025, 6, 1)}, {"awarded_on": EFFECTIVE}),
    "two old projects, the earlier counts": projects_of({"awarded_on": date(2022, 6, 1)}, OLD),
    "a service bought for what stood there before": projects_of(
        {"project_kind": ProjectKind.SERVICE}, built_on=THE_DAY_BEFORE
    ),
    "a service bought for what is as old as the regulation": projects_of(
        {"project_kind": ProjectKind.SERVICE}, built_on=EFFECTIVE
    ),
    "an old project, completed before it": projects_of(OLD, built_on=date(2020, 1, 1)),
    "no project, completed since": register(built_on=EFFECTIVE),
    "no project, completed before": register(built_on=THE_DAY_BEFORE),
    "no project, called already built": register(is_rebuilt=False),
    "no project, called already built, completed since": register(is_rebuilt=False, built_on=EFFECTIVE),
    "no project, no date": register(),
    "no project, no date, projects may be missing": b.city(
        projects=(), systems=(b.system(funding=Funding.GOVERNMENT, level=Level.CITY),), coverage=half("project")
    ),
    "an old project, others may be missing": b.city(
        projects=(b.legacy_project(),), systems=(b.system(level=Level.CITY),), coverage=half("project")
    ),
}

TOWER = b.tower(ownership=b.owned())
CLASH = b.host("edu-app", conflicts=(msg("two servers have one UUID"),))
NODE = b.host("node-1", ownership=b.NOBODY)
DEPLOYMENT: dict[str, Case] = {
    **SCOPES,
    **AGES,
    "on the cloud, by tenants": b.city(systems=(b.system(tenants=("edu",)),), **b.listed("edu")),
    "on the cloud, by tenants that the register names by their ids": b.city(
        systems=(b.system(tenants=("t-edu",)),), **b.listed("edu")
    ),
    "one component off it": b.city(hosts=(b.host(), TOWER)),
    "contested, conflicting, undetermined, procured": b.city(
        hosts=(
            b.host(ownership=b.CONTESTED), CLASH, b.host("edu-x", Place.UNDETERMINED),
            b.host("edu-y", Place.THIRD_PARTY),
        )
    ),
    "as many components as a sentence names": b.city(hosts=tuple(b.host(f"edu-{n}") for n in range(8))),
    "more components than a sentence names": b.city(hosts=tuple(b.host(f"edu-{n}") for n in range(10))),
    "found nowhere": b.city(hosts=()),
    "found nowhere, half a cloud listed": b.city(
        hosts=(), coverage=b.coverage(b.cell(b.CLOUD, "host", CellState.PARTIAL))
    ),
    "found, half a cloud listed": b.city(coverage=b.coverage(b.cell(b.CLOUD, "host", CellState.PARTIAL))),
    "named by the register and seen by no source": b.city(
        systems=(b.system(hosts=("edu-web-1", "edu-db-9")),), missing_components={"S-1": ("edu-db-9",)}
    ),
}  # fmt: skip


def runs(*workloads: Any, hosts: tuple[Any, ...] = (), owners: dict[str, Any] | None = None, **given: Any) -> Inventory:
    """System S-1 as workloads of the cluster."""
    owned = {w.key: MINE for w in workloads} if owners is None else owners
    return b.city(hosts=hosts, workloads=workloads, owners=owned, **given)


def node(name: str = "node-1", place: Place = Place.CLOUD_INSTANCE, **given: Any) -> Any:
    return b.host(name, place, b.NOBODY, (b.sighting(name, View.NODE, b.CLUSTER),), **given)


MINE = b.owned()
POD = b.workload("web-1", owner_uid="uid-web-rs", node="node-2")
REPLICAS = b.workload("web-rs", workload_kind="ReplicaSet", owner_uid="uid-web", node=None, replicas=1)
DEPLOYED = b.workload("web", workload_kind="Deployment", node=None, replicas=1)
TWO_PODS = (DEPLOYED, REPLICAS, POD, b.workload("web-2", owner_uid="uid-web-rs"))
NODES = (node(), node("node-2"))
HALF_CLUSTER = b.coverage(b.cell(b.CLUSTER, "workload", CellState.PARTIAL))
NINE_REGIONS = b.coverage(*(b.cell(b.CLOUD, "host", CellState.FAILED, f"r{n}") for n in range(9)))
DEPLOYMENT |= {
    "a pod on a node of the cloud": runs(b.workload(), hosts=NODES),
    "a pod on a standalone node": runs(b.workload(), hosts=(node(place=Place.STANDALONE_PHYSICAL),)),
    "a pod on a node that is not determined": runs(b.workload(), hosts=(node(place=Place.UNDETERMINED),)),
    "a pod on a node that nobody saw": runs(b.workload()),
    "a pod on a node with a conflict": runs(b.workload(), hosts=(node(conflicts=(msg("two servers have one UUID"),)),)),
    "a pod that is not bound": runs(b.workload(node=None), hosts=NODES),
    "a pod whose owner is contested": runs(
        b.workload(), hosts=NODES, owners={b.workload().key: b.owned(disagreement=msg("two labels"))}
    ),
    "a deployment on two nodes is one component": runs(*TWO_PODS, hosts=NODES),
    "a deployment on two nodes, one of them standalone": runs(
        *TWO_PODS, hosts=(node(), node("node-2", Place.STANDALONE_VIRTUAL))
    ),
    "a deployment on two nodes, one of them unseen": runs(*TWO_PODS, hosts=(node(),)),
    "a deployment on two machines of its own": runs(
        *TWO_PODS, hosts=tuple(node(n, Place.STANDALONE_PHYSICAL) for n in ("node-1", "node-2"))
    ),
    "a deployment that is scaled to nothing": runs(b.with_fields(DEPLOYED, replicas=0), hosts=NODES),
    "workloads alone, half a cluster listed": runs(b.workload(), hosts=NODES, coverage=HALF_CLUSTER),
    "hosts alone, half a cluster listed": b.city(coverage=HALF_CLUSTER),
    "hosts alone, its namespace is in a cluster that was listed in half": b.city(
        coverage=HALF_CLUSTER, tenants=(b.tenant(source=b.CLUSTER),), owners={b.tenant(source=b.CLUSTER).key: MINE}
    ),
    "found, half a list of tenants": b.city(coverage=b.coverage(b.cell(b.CLOUD, "tenant", CellState.PARTIAL))),
    "found nowhere, half of another unit's cloud listed": b.city(
        hosts=(), coverage=b.coverage(b.cell("openstack:bureau", "host", CellState.PARTIAL))
    ),
    "the plan of networks was cut short": b.city(
        coverage=b.coverage(b.cell("ledger:网段", "segment", CellState.PARTIAL))
    ),
    "a ledger of machines was cut short": b.city(
        coverage=b.coverage(b.cell("ledger:assets", "host", CellState.PARTIAL))
    ),
    "the ledger of owners was not read": b.city(coverage=b.coverage(b.cell(b.REGISTER, "ownership", CellState.FAILED))),
    "nine regions were not listed": b.city(coverage=NINE_REGIONS),
    "a service that the cloud does not have": b.city(
        hosts=(), coverage=b.coverage(b.cell(b.CLOUD, "host", CellState.NOT_CONFIGURED))
    ),
    "nine places that do not say where they stand": b.city(
        hosts=tuple(b.host(f"edu-{n}", Place.UNDETERMINED) for n in range(9))
    ),
}

OFF = {"projects": (b.legacy_project(),), "hosts": (TOWER,)}
BOTH = {"projects": (b.legacy_project(),), "hosts": (b.host(), TOWER)}


def legacy(found: dict[str, Any] | None = None, **system: Any) -> Inventory:
    given: dict[str, Any] = {"projects": (b.legacy_project(),), **(found or {})}
    return b.city(systems=(b.system(**system),), **given)


ROOM = RecognisedCentre(
    name="教育机房", document="云管函〔2025〕8号", zone="教育专网", cidrs=("10.1.0.0/16",), valid_to=TODAY
)


def recognising(*others: RecognisedCentre, **centre: Any) -> Any:
    """A rule that knows recognition, and the owner's list of one centre, and of others."""
    pack = load_pack()
    knowing = b.with_fields(pack, parameters=b.with_fields(pack.parameters, recognises_department_centres=True))
    return b.policy(PolicyChoices(recognised=(b.with_fields(ROOM, **centre), *others)), pack=knowing)


def in_room(name: str, place: Place = Place.STANDALONE_PHYSICAL, zone: str = "教育专网") -> Any:
    return b.host(name, place, sightings=(b.sighting(name, View.OS, b.SSH, zone=zone),))


MIGRATION: dict[str, Case] = {
    "in a recognised centre": (legacy({"hosts": (in_room("a"), in_room("b"))}), recognising()),
    "in a centre whose first recognition is past and whose second holds": (
        legacy({"hosts": (in_room("a"),)}),
        recognising(b.with_fields(ROOM, document="云管函〔2026〕1号"), valid_to=YESTERDAY),
    ),
    "in two recognised centres": (
        legacy({"hosts": (in_room("a"), in_room("b", zone="卫生专网"))}),
        recognising(b.with_fields(ROOM, name="卫生机房", document="云管函〔2025〕9号", zone="卫生专网")),
    ),
    "partly on the cloud, the rest in a recognised centre": (
        legacy({"hosts": (b.host(), in_room("a"))}),
        recognising(),
    ),
    "in a recognised centre, and where exactly is open": (
        legacy({"hosts": (in_room("a", Place.UNDETERMINED),)}),
        recognising(),
    ),
    "one of two in a recognised centre": (legacy({"hosts": (in_room("a"), in_room("b", zone="他网"))}), recognising()),
    "in a centre whose recognition has ended": (legacy({"hosts": (in_room("a"),)}), recognising(valid_to=YESTERDAY)),
    "in a recognised centre, other components may be missing": (
        legacy({"hosts": (in_room("a"),), "coverage": b.coverage(b.cell(b.REGISTER, "ownership", CellState.FAILED))}),
        recognising(),
    ),
    "in a recognised centre, a workload beside it": (
        legacy({"hosts": (in_room("a"),), "workloads": (b.workload(),), "owners": {b.workload().key: MINE}}),
        recognising(),
    ),
    "not paid from public funds, beside one that is": b.city(
        projects=(b.legacy_project(), b.project("P-0", funding=Funding.NON_FISCAL, systems=("S-0",))),
        systems=(b.system("S-0"), b.system()),
    ),
    "new": b.city(),
    "no date at all": project_of(awarded_on=None),
    "on the cloud": legacy(b.listed("edu"), tenants=("edu",)),
    "off it, no plan": legacy(OFF),
    "off it, to be cut over today": legacy(OFF, migration_plan_cutover_on=TODAY),
    "off it, was to be cut over yesterday": legacy(OFF, migration_plan_cutover_on=YESTERDAY),
    "half moved, to be cut over tomorrow": legacy(BOTH, migration_plan_cutover_on=TOMORROW),
    "off it, the ledger of migrations was cut short": legacy(
        {**OFF, "coverage": b.coverage(b.cell(b.REGISTER, "migration", CellState.PARTIAL))}
    ),
    "off it on the last day that the owner set": (legacy(OFF), b.policy(PolicyChoices(legacy_deadline=TODAY))),
    "off it the day after": (legacy(OFF), b.policy(PolicyChoices(legacy_deadline=YESTERDAY))),
    "cut over yesterday, both run": legacy(BOTH, migrated_on=YESTERDAY, old_server_disposal="待报废"),
    "cut over, both run, disposal not said": legacy(BOTH, migrated_on=YESTERDAY),
    "cut over today, off it only": legacy(OFF, migrated_on=TODAY),
    "said to have moved on an unknown day, off it only": legacy(OFF, is_said_migrated=True),
    "cut over tomorrow": legacy(OFF, migrated_on=TOMORROW),
    "cut over, found nowhere": legacy({"hosts": ()}, migrated_on=YESTERDAY),
    "cut over, and where it stands is open": legacy(
        {"hosts": (b.host("x", Place.UNDETERMINED),)}, migrated_on=YESTERDAY
    ),
    "not moved, found nowhere": legacy({"hosts": ()}),
}

UNMOUNTED = b.entry(resource_id=None, resource_type=None, mounted_on=None)
LAWFUL = b.entry(sharing_type=SharingType.NONE, legal_basis="《保守国家秘密法》第十三条")
LAWLESS = b.entry(sharing_type=SharingType.NONE)
SECOND = b.entry("306001/000013", name="教师信息", resource_id="r-2")
CONSUMES = b.entry(direction="consume", published_on=None, mounted_on=None, approved_on=date(2026, 2, 1))
OLD_CALLS = b.use(period_start=date(2026, 7, 1), period_end=date(2026, 9, 30))
"""The window of 90 days begins on 2026-08-25: these may or may not lie in it."""


def shares(*entries: Any, uses: tuple[Any, ...] = (), **given: Any) -> Inventory:
    system = b.system(no_data_statement=given.pop("statement", None), department=given.pop("department", "市教育局"))
    return b.city(
        projects=(b.legacy_project(),), systems=(system,), sharing_entries=entries, sharing_uses=uses, **given
    )


def shares_of_two(*entries: Any) -> Inventory:
    """Systems S-1 and S-2 of an old project, beside entries that a catalogue of both holds."""
    return b.city(
        projects=(b.legacy_project(systems=("S-1", "S-2")),), systems=(b.system(), b.system("S-2")),
        sharing_entries=entries, sharing_uses=(),
    )  # fmt: skip


SHARING: dict[str, Case] = {
    "new": b.city(),
    "not paid from public funds": b.city(projects=(b.legacy_project(funding=Funding.NON_FISCAL),)),
    "no entry": shares(),
    "no entry, half a catalogue": shares(coverage=half("sharing_entry")),
    "no entry, by a signed statement": shares(statement="河教函〔2026〕3号"),
    "a statement that the catalogue contradicts": shares(b.entry(published_on=None), statement="河教函〔2026〕3号"),
    "a statement, half a catalogue": shares(statement="河教函〔2026〕3号", coverage=half("sharing_entry")),
    "claimed": shares(b.entry(published_on=None)),
    "published tomorrow": shares(b.entry(published_on=TOMORROW)),
    "published today": shares(b.entry(published_on=TODAY)),
    "mounted tomorrow, of a kind that is not said": shares(b.entry(resource_type=None, mounted_on=TOMORROW)),
    "mounted today, of a kind that is not said": shares(b.entry(resource_type=None, mounted_on=TODAY)),
    "catalogued, no resource named": shares(UNMOUNTED),
    "a resource is named, but not that it is mounted": shares(b.entry(resource_type=None, mounted_on=None)),
    "calls that may lie before the window": shares(b.entry(), uses=(OLD_CALLS,)),
    "mounted tomorrow, calls that may lie before the window": shares(
        b.entry(resource_type=None, mounted_on=TOMORROW), uses=(OLD_CALLS,)
    ),
    "calls from the window's first day on": shares(
        b.entry(), uses=(b.use(period_start=date(2026, 8, 25), period_end=TODAY),)
    ),
    "as many calls as are asked": (shares(b.entry(), uses=(b.use(),)), b.policy(PolicyChoices(sharing_min_calls=120))),
    "one call fewer than are asked": (
        shares(b.entry(), uses=(b.use(),)), b.policy(PolicyChoices(sharing_min_calls=121))
    ),
    "calls from the day before the window": shares(
        b.entry(), uses=(b.use(period_start=date(2026, 8, 24), period_end=TODAY),)
    ),
    "a period that ends tomorrow": shares(b.entry(), uses=(b.use(period_end=TOMORROW),)),
    "calls of the past": shares(b.entry(), uses=(b.use(period_start=date(2026, 5, 1), period_end=date(2026, 8, 24)),)),
    "the last call on the window's first day": shares(
        b.entry(), uses=(b.use(period_start=None, period_end=None, last_success_on=date(2026, 8, 25)),)
    ),
    "the last call the day before": shares(
        b.entry(), uses=(b.use(period_start=None, period_end=None, last_success_on=date(2026, 8, 24)),)
    ),
    "the last call today, number not said": shares(b.entry(), uses=(b.use(succeeded=None, last_success_on=TODAY),)),
    "number and last call not said": shares(b.entry(), uses=(b.use(succeeded=None),)),
    "number not said, beside a month without calls": shares(
        b.entry(), uses=(b.use(succeeded=None), b.use(native_id="r-1 2026-01", succeeded=0))
    ),
    "only failed calls": shares(b.entry(), uses=(b.use(succeeded=0, failed=7),)),
    "fewer calls than asked": (
        shares(b.entry(), uses=(b.use(),)), b.policy(PolicyChoices(sharing_min_calls=121))
    ),
    "as many calls as asked": (
        shares(b.entry(), uses=(b.use(),)), b.policy(PolicyChoices(sharing_min_calls=120))
    ),
    "two entries, the better one counts": shares(UNMOUNTED, SECOND, uses=(b.use("r-2"),)),
    "two entries of a rank, more calls count": shares(b.entry(), SECOND, uses=(b.use(), b.use("r-2", succeeded=999))),
    "it only consumes, approved": shares(CONSUMES),
    "it only consumes, approved tomorrow": shares(b.with_fields(CONSUMES, approved_on=TOMORROW)),
    "it only consumes, and calls": shares(CONSUMES, uses=(b.use(consumer_system="S-1"),)),
    "lawfully refused": shares(LAWFUL),
    "lawfully refused, by two laws": shares(
        LAWFUL, b.with_fields(LAWFUL, native_id="2", legal_basis="《数据安全法》第二十一条")
    ),
    "two refused without a law": shares(*(b.with_fields(LAWFUL, native_id=n, legal_basis=None) for n in ("1", "2"))),
    "two refusals, one without a law": shares(LAWFUL, b.with_fields(LAWLESS, native_id="306001/000099")),
    "refused without a law, nobody's department": shares(LAWLESS, department=None),
    "an entry of another system of the register": shares_of_two(b.entry(system="S-2")),
    "an entry of a system that the register does not have": shares_of_two(b.entry(system="校园门户")),
    "an entry under a name that two of three systems bear": b.city(
        projects=(b.legacy_project(systems=("S-1", "S-2", "S-3")),),
        systems=(b.system(name="门户网站"), b.system("S-2", name="门户网站"), b.system("S-3")),
        sharing_entries=(b.entry(system="门户网站"),), sharing_uses=(),
    ),
    "an entry that names no system": shares_of_two(b.entry(system=None)),
}  # fmt: skip

CITY_A = b.system(name="数字城管平台", funding=Funding.GOVERNMENT)
CITY_B = b.system("S-2", name="老河口市数字城管系统", department=None, funding=Funding.GOVERNMENT)
OTHER = b.system("S-3", name="不动产登记系统", funding=Funding.GOVERNMENT)
DUPLICATES: dict[str, Case] = {
    "alike but for the city and the word system": b.city(systems=(CITY_A, CITY_B, OTHER)),
    "alike but for the unit in front": b.city(
        projects=(),
        systems=(b.with_fields(CITY_A, name="市教育局学籍管理系统"), b.with_fields(CITY_B, name="学籍平台")),
    ),
    "one of the two is retired": b.city(systems=(CITY_A, b.with_fields(CITY_B, is_retired=True))),
    "one of the two has unknown funding": b.city(projects=(), systems=(CITY_A, b.with_fields(CITY_B, funding=None))),
    "half a register": b.city(systems=(CITY_A,), coverage=half("system")),
    "a row of the register that could not be used bears a like name": (
        b.city(systems=(CITY_A, OTHER), coverage=b.coverage(rejections=(b.rejection("S-2", CITY_B.name),))),
        b.policy(PolicyChoices(duplicate_similarity=100)),
    ),
    "such a row of a ledger that lists no systems": b.city(
        systems=(CITY_A, OTHER), coverage=b.coverage(rejections=(b.rejection(CITY_B.name, source="ledger:网段"),))
    ),
    "more than a sentence names": b.city(
        systems=(CITY_A, *(b.with_fields(CITY_A, native_id=f"S-{n}") for n in range(2, 9)))
    ),
}

NUMBER = "42060012345-00001"


def filed(*filings: Any, **given: Any) -> Inventory:
    return b.city(filings=(*filings, b.platform_filing()), **given)


def nobodys(count: int) -> tuple[Any, ...]:
    """Certificates of systems that the register does not have, the ledger's last row first."""
    return tuple(b.filing(f"42060012345-{n:05}", system=f"无名系统{n}") for n in range(count, 0, -1))


FILING: dict[str, Case] = {
    "not paid from public funds": project_of(funding=Funding.NON_FISCAL),
    "funding not said": project_of(funding=None),
    "retired, beside one that is not": b.city(systems=(b.system("S-0", is_retired=True), b.system())),
    "level not known": filed(b.filing(level=None), systems=(b.system(mlps_level=None),)),
    "level not known, nobody's department": b.city(systems=(b.system(mlps_level=None, department=None),), filings=()),
    "register and certificate disagree on the level": filed(b.filing(level=2)),
    "two certificates disagree": filed(
        b.filing(level=2), b.filing("42060012345-00002", level=4), systems=(b.system(mlps_level=None),)
    ),
    "of level 1": filed(systems=(b.system(mlps_level=1),)),
    "of level 2": filed(b.filing(level=2), systems=(b.system(mlps_level=2),)),
    "not filed": filed(),
    "not filed, half a ledger": filed(coverage=half("mlps_filing")),
    "not filed, thirty days in operation": filed(projects=(b.project(in_operation_on=date(2026, 10, 24)),)),
    "not filed, a day more": filed(projects=(b.project(in_operation_on=date(2026, 10, 23)),)),
    "not filed, completed thirty days ago": filed(systems=(b.system(built_on=date(2026, 10, 24)),)),
    "not filed, rebuilt since": filed(
        projects=(
            b.project(in_operation_on=date(2020, 1, 1)), b.project("P-2", in_operation_on=date(2026, 11, 1))
        )
    ),
    "the number stands in a number cell": filed(b.filing(number_unreliable=True)),
    "listed without a number": filed(b.filing(None)),
    "no filing number": filed(b.filing("4206-1")),
    "a number in full-width digits": filed(b.filing("４２０６００１２３４５-00001")),
    "a number without its hyphen": filed(b.filing("4206001234500001")),
    "the cloud's own number": filed(b.filing("42060000001-00001")),
    "a number that another system gives too": filed(
        b.filing(), b.filing(native_id="row 2", system="S-2"), b.filing(native_id="row 3", system="S-3"),
        systems=(b.system(), b.system("S-2"), b.system("S-3")),
    ),
    "a number that another system may give": filed(
        b.filing(), b.filing(native_id="row 2", system="S-2", number_unreliable=True)
    ),
    "a number of the same province": filed(b.filing("42010012345-00001")),
    "a number of another province": filed(b.filing("11010012345-00001")),
    "a number of another province, where no region is expected": (
        filed(b.filing("11010012345-00001")), b.policy(filing_regions=())
    ),
    "filed tomorrow": filed(b.filing(filed_on=TOMORROW)),
    "filed today": filed(b.filing(filed_on=TODAY), assessments=()),
    "valid until today, by the ledger": filed(b.filing(valid_to=TODAY)),
    "valid until yesterday, by the ledger": filed(b.filing(valid_to=YESTERDAY), assessments=()),
    "valid until yesterday, assessed within its last year": filed(
        b.filing(valid_to=YESTERDAY), assessments=(b.assessment(reported_on=date(2025, 11, 23)),)
    ),
    "valid until yesterday, assessed before its last year": filed(
        b.filing(valid_to=YESTERDAY), assessments=(b.assessment(reported_on=date(2025, 11, 22)),)
    ),
    "filed before 2025, never assessed": filed(
        b.filing(filed_on=date(2020, 1, 1), template=None), assessments=()
    ),
    "filed before 2025, never assessed, in 2028": (
        filed(b.filing(filed_on=date(2020, 1, 1), template=None), assessments=(), as_of=b.NIGHT.replace(year=2028))
    ),
    "two assessments since, a year for each": filed(
        b.filing(),
        assessments=(
            b.assessment(), b.assessment(native_id="report 2", reported_on=date(2025, 9, 1)),
            b.assessment(native_id="report 3", reported_on=date(2025, 8, 31)),
        ),
    ),
    "valid until yesterday, an assessment dated today": filed(
        b.filing(valid_to=YESTERDAY), assessments=(b.assessment(reported_on=TODAY),)
    ),
    "an assessment dated tomorrow extends nothing": filed(
        b.filing(), assessments=(b.assessment(reported_on=TOMORROW),)
    ),
    "valid until yesterday, an assessment dated tomorrow": filed(
        b.filing(valid_to=YESTERDAY), assessments=(b.assessment(reported_on=TOMORROW),)
    ),
    "day of filing not said": filed(b.filing(filed_on=None, level=None)),
    "on the old template since before 2025": filed(b.filing(filed_on=date(2024, 12, 31), template="2007")),
    "on the old template, day of filing not said": filed(b.filing(filed_on=None, template="2007")),
    "on the old template since 2025": filed(b.filing(filed_on=date(2025, 1, 1), template="2007")),
    "on the old template, on the last day for filing again": filed(
        b.filing(filed_on=date(2024, 12, 31), template="2007"), as_of=b.NIGHT.replace(year=2025, day=29)
    ),
    "filed, half a ledger": filed(b.filing(), coverage=half("mlps_filing")),
    "two certificates, the good one counts": filed(b.filing("4206-1"), b.filing()),
    "as many certificates of nobody as a sentence names": filed(*nobodys(5)),
    "more certificates of nobody than a sentence names": filed(*nobodys(7)),
}  # fmt: skip


def assessed(*reports: Any, **given: Any) -> Inventory:
    return b.city(assessments=(*reports, b.platform_assessment()), **given)


def report(on: date | None = date(2026, 5, 20), **given: Any) -> Any:
    return b.assessment(reported_on=on, **given)


def level(number: int, **given: Any) -> dict[str, Any]:
    return {
        "systems": (b.system(mlps_level=number),), "filings": (b.filing(level=number), b.platform_filing()), **given
    }  # fmt: skip


ASSESSMENT: dict[str, Case] = {
    "not paid from public funds": project_of(funding=Funding.NON_FISCAL),
    "retired, beside one that is not": b.city(systems=(b.system("S-0", is_retired=True), b.system())),
    "level not known": assessed(systems=(b.system(mlps_level=None),), filings=()),
    "of level 1": assessed(systems=(b.system(mlps_level=1),), filings=()),
    "level 3, none": assessed(),
    "level 2, none": assessed(**level(2)),
    "level 3, none, half a ledger": assessed(coverage=half("mlps_assessment")),
    "level 3, none, a year in operation today": assessed(projects=(b.project(in_operation_on=date(2025, 11, 23)),)),
    "level 3, none, a year and a day in operation": assessed(projects=(b.project(in_operation_on=date(2025, 11, 22)),)),
    "without its day": assessed(report(None)),
    "dated today": assessed(report(TODAY)),
    "dated tomorrow": assessed(report(TOMORROW)),
    "level 3, due today": assessed(report(date(2025, 11, 23))),
    "level 3, due yesterday": assessed(report(date(2025, 11, 22))),
    "level 2, due today": assessed(report(date(2024, 11, 23), conclusion="良"), **level(2)),
    "level 2, due yesterday": assessed(report(date(2024, 11, 22), conclusion="良"), **level(2)),
    "level 3, due yesterday, half a ledger": assessed(report(date(2025, 11, 22)), coverage=half("mlps_assessment")),
    "in time, half a ledger": assessed(report(), coverage=half("mlps_assessment")),
    "in time, half a ledger of filings": assessed(report(), coverage=half("mlps_filing")),
    "the newest counts": assessed(
        report(date(2025, 1, 1), native_id="r1", conclusion="差"), report(None, native_id="r2"), report(native_id="r3")
    ),
    "not passed": assessed(report(conclusion="不符合", score=55)),
    "not passed and overdue": assessed(report(date(2025, 11, 22), conclusion="不符合", score=55)),
    "listed without its conclusion": assessed(report(conclusion=None)),
    "listed without its conclusion, and overdue": assessed(report(date(2025, 11, 22), conclusion=None)),
    "the last day of the older template": assessed(report(date(2025, 3, 19), conclusion="良", score=80), **level(2)),
    "the first day of the newer template": assessed(report(date(2025, 3, 20), conclusion="良", score=80), **level(2)),
    "a score that is too low for 良": assessed(report(date(2025, 3, 19), conclusion="良", score=79.5), **level(2)),
    "a score that is too low for 优": assessed(report(date(2025, 3, 19), conclusion="优", score=89), **level(2)),
    "a score that is just enough for 中": assessed(report(date(2025, 3, 19), conclusion="中", score=70), **level(2)),
    "a score that is too low for 中": assessed(report(date(2025, 3, 19), conclusion="中", score=69), **level(2)),
    "符合 with a major risk": assessed(report(conclusion="符合", score=95, major_risks=1)),
    "符合 with a score of 90": assessed(report(conclusion="符合", score=90, major_risks=0)),
    "符合 with less": assessed(report(conclusion="符合", score=89.5, major_risks=0)),
    "符合 with a risk, score not said": assessed(report(conclusion="符合", score=None, major_risks=2)),
    "符合, neither score nor risks said": assessed(report(conclusion="符合", score=None, major_risks=None)),
    "基本符合 with a score of 60": assessed(report(score=60)),
    "基本符合 with less": assessed(report(score=59, major_risks=None)),
    "of another filing": assessed(report(filing_number="42060012345-00002")),
    "of its own filing, without the hyphen": assessed(report(filing_number="4206001234500001")),
    "of another filing, by the report's number": assessed(report(report_number="42060012345-00002-26-4201-01")),
    "of its own filing, by the report's number": assessed(report(report_number=f"{NUMBER}-26-4201-01")),
    "a number of the year before": assessed(report(report_number=f"{NUMBER}-25-4201-01")),
    "a number of two years before": assessed(report(report_number=f"{NUMBER}-24-4201-01")),
    "a number of the next year": assessed(report(report_number=f"{NUMBER}-27-4201-01")),
    "a number of another shape": assessed(report(report_number="测评2024-7")),
}


def cloud(**given: Any) -> Inventory:
    return b.city(**given)


TWO = (b.host(), b.host("two", ownership=b.owned("S-2")))
PLATFORM: dict[str, Case] = {
    "filed, assessed, and nothing above its level": cloud(),
    "no row, no number in the config": (cloud(filings=(b.filing(),)), b.policy(platform_filing_number=None)),
    "no row, a number in the config": cloud(filings=(b.filing(),)),
    "a row of its number under another name": cloud(
        filings=(b.filing(), b.platform_filing(is_platform=False, system="政务云")),
        assessments=(
            b.assessment(), b.platform_assessment(is_platform=False, filing_number="42060000001-00001"),
        ),
    ),
    "no row, a certificate of nobody that the register has": (
        cloud(filings=(b.filing(), b.filing("42060012345-00002", system="云平台"))),
        b.policy(platform_filing_number=None),
    ),
    "no row, a certificate under a name that two systems bear": (
        cloud(
            systems=(b.system(), b.system("S-2", name="门户网站"), b.system("S-3", name="门户网站")),
            filings=(b.filing(), b.filing("42060012345-00002", system="门户网站")),
        ),
        b.policy(platform_filing_number=None),
    ),
    "its number, given by a registered system": cloud(filings=(b.filing("42060000001-00001"),)),
    "another number than the config's": cloud(filings=(b.filing(), b.platform_filing(number="42060000002-00001"))),
    "level not said": cloud(filings=(b.filing(), b.platform_filing(level=None))),
    "never assessed": cloud(assessments=(b.assessment(),)),
    "the newest report counts": cloud(
        assessments=(
            b.platform_assessment(), b.platform_assessment(native_id="report 9", reported_on=date(2026, 9, 1)),
            b.platform_assessment(native_id="report 8", reported_on=None),
        )
    ),
    "it carries a system above its level": cloud(
        filings=(b.filing(), b.platform_filing(level=2)), systems=(b.system(),)
    ),
    "it carries two systems above its level": cloud(
        filings=(b.filing(), b.platform_filing(level=2)), systems=(b.system(), b.system("S-2", mlps_level=4)), hosts=TWO
    ),
    "two systems on it have no level": cloud(
        systems=(b.system(mlps_level=None), b.system("S-2", mlps_level=None)), filings=(b.platform_filing(),), hosts=TWO
    ),
    "two numbers, both others than the config's": cloud(
        filings=(
            b.filing(), b.platform_filing(number="42060000003-00001"), b.platform_filing(number="42060000002-00001")
        )
    ),
    "a system on it has no level": cloud(systems=(b.system(mlps_level=None),), filings=(b.platform_filing(),)),
    "a system of no level beside it": cloud(
        systems=(b.system(), b.system("S-2", mlps_level=4)), hosts=(b.host(), b.tower(ownership=b.owned("S-2")))
    ),
    "half of its hosts listed": cloud(coverage=b.coverage(b.cell(b.CLOUD, "host", CellState.PARTIAL))),
    "half of its tenants listed": cloud(coverage=b.coverage(b.cell(b.CLOUD, "tenant", CellState.PARTIAL))),
    "half of another unit's cloud listed": cloud(
        coverage=b.coverage(b.cell("openstack:bureau", "host", CellState.PARTIAL))
    ),
    "half a cloud listed": cloud(coverage=b.coverage(b.cell(b.CLUSTER, "workload", CellState.PARTIAL))),
    "half a register of systems": cloud(coverage=half("system")),
}  # fmt: skip

CASES: dict[str, dict[str, Case]] = {
    "15-platform": PLATFORM,
    "16-deployment": DEPLOYMENT,
    "16-duplicate": DUPLICATES,
    "16-migration": MIGRATION,
    "16-sharing": SHARING,
    "mlps-assessment": ASSESSMENT,
    "mlps-filing": FILING,
}
