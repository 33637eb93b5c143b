"""Names that a person confirmed: whose something is, and never more than that."""

from collections.abc import Iterable
from datetime import date
from typing import Any

import pytest
from builders import CLOUD, CLUSTER, NIGHT, REGISTER, TODAY, cell, department, policy, project, sighting, system, tenant
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.unregistered import judge
from inventory.alias import Alias, AliasBook, AliasKind, Answer, settled
from inventory.build import build
from inventory.collection import Collection
from inventory.coverage import SourceInfo
from inventory.departments import Directory
from inventory.finding import Verdict
from inventory.hosts import AliasFlaw, Host, Ownership, OwnershipRule, Place
from inventory.inventory import Inventory
from inventory.records import (
    DatedName,
    Migration,
    MlpsFiling,
    Nic,
    OwnershipDeclaration,
    Record,
    Segment,
    Storage,
    Tenant,
    View,
    Workload,
)
from inventory.register_names import RegisterNames
from inventory.scan import ScanOptions
from inventory.text import tell

A, B = system("S-A", name="数字城管综合管理平台"), system("S-B", name="智慧水务平台", department="市水利局")
EDU = tenant("edu-prod")
OTHER_CLOUD = "openstack:county"


def alias(kind: AliasKind, written: str, **fields: Any) -> Alias:
    """A confirmed statement; of system S-A unless told otherwise."""
    said: dict[str, Any] = {"confirmed_by": "王敏", "confirmed_on": date(2026, 11, 20), "why": "电话核实"}
    if not {"system", "project", "department"} & fields.keys():
        said["system"] = "S-A"
    return Alias(**{"kind": kind, "written": written, **said, **fields})


def tenant_alias(written: str = "edu-prod", **fields: Any) -> Alias:
    return alias(AliasKind.TENANT, written, **fields)


def host_alias(written: str = "web-01", **fields: Any) -> Alias:
    return alias(AliasKind.HOST, written, **fields)


def called(written: str, **fields: Any) -> Alias:
    """The name of a system, in ledgers."""
    return alias(AliasKind.SYSTEM_NAME, written, **fields)


def city(records: Iterable[Record], *aliases: Alias) -> Inventory:
    """The inventory of these records, all of it seen, under these confirmed names."""
    sources = [
        SourceInfo(name=name, type=name.partition(":")[0], is_platform=name in (CLOUD, CLUSTER))
        for name in (CLOUD, CLUSTER, OTHER_CLOUD, REGISTER)
    ]
    kinds = ("host", "tenant", "port", "hypervisor", "system", "project", "department")
    cells = [cell(source.name, kind) for source in sources for kind in kinds]
    collection = Collection(taken_at=NIGHT, sources=sources, records=list(records), cells=cells, rejections=[])
    return build(collection, ScanOptions(city="甲市", aliases=aliases), as_of=NIGHT)


def server(name: str = "web-01", **fields: Any) -> Any:
    return sighting(name, **{"nics": (), **fields})


def only_host(inventory: Inventory) -> Host:
    (host,) = inventory.hosts
    return host


def owner_of(inventory: Inventory, thing: Record = EDU) -> Ownership:
    return inventory.owners[thing.key]


def contested(ownership: Ownership) -> str:
    """What is told of the contradiction."""
    assert ownership.disagreement is not None
    assert not ownership.is_known
    return tell(ownership.disagreement, "en")


# ── entries ──────────────────────────────────────────────────────────────────────────────────────────────────────────

FIRST, LAST, BEFORE_IT, AFTER_IT = date(2026, 3, 1), date(2026, 6, 30), date(2026, 2, 28), date(2026, 7, 1)
TERM = {"valid_from": FIRST, "valid_to": LAST}


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ({}, {}, True),
        ({}, {"written": "WEB－01"}, True),
        ({}, {"written": "web-02"}, False),
        ({}, {"kind": AliasKind.TENANT}, False),
        ({"zone": "甲"}, {}, True),
        ({"zone": "甲"}, {"zone": "甲"}, True),
        ({"zone": "甲"}, {"zone": "乙"}, False),
        ({"source": CLOUD}, {}, True),
        ({"source": CLOUD}, {"source": CLOUD}, True),
        ({"source": CLOUD}, {"source": "openstack"}, True),
        ({"source": CLOUD}, {"source": OTHER_CLOUD}, False),
        ({"source": CLOUD}, {"source": "kubernetes"}, False),
        (TERM, {}, True),
        (TERM, {"valid_to": FIRST}, True),
        (TERM, {"valid_to": BEFORE_IT}, False),
        (TERM, {"valid_from": LAST}, True),
        (TERM, {"valid_from": AFTER_IT}, False),
        ({"valid_from": FIRST}, {"valid_from": AFTER_IT}, True),
        ({"valid_to": LAST}, {"valid_to": BEFORE_IT}, True),
    ],
)
def test_two_entries_may_speak_of_one_name_where_kind_form_zone_source_and_days_meet(
    one: dict[str, Any], other: dict[str, Any], expected: bool
) -> None:
    """Whichever of the two is asked."""
    first, second = (alias(**{"kind": AliasKind.HOST, "written": "web-01", **fields}) for fields in (one, other))

    assert (first.overlaps(second), second.overlaps(first)) == (expected, expected)


def test_a_kind_of_source_is_all_before_the_first_colon() -> None:
    """A ledger may be named with a colon of its own."""
    ledger = "ledger:等保:2026"

    assert host_alias(source="ledger").reaches(ledger)
    assert host_alias(source=ledger).reaches(ledger)
    assert not host_alias(source="ledger:等保").reaches(ledger)


def test_an_entry_is_cited_by_its_place_its_person_and_its_day() -> None:
    assert host_alias(origin="names.yaml[1]").said_by == "names.yaml[1], 王敏 2026-11-20"
    assert host_alias().said_by == "王敏 2026-11-20"


# ── tenants and hosts ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_confirmed_tenant_belongs_to_what_the_person_named_and_so_does_what_lives_in_it() -> None:
    volume = Storage(
        source=CLOUD, native_id="v", observed_at=NIGHT, name="v", storage_kind="volume", tenant="t-edu-prod"
    )

    seen = city([A, project("P-1", systems=("S-A",)), EDU, server(tenant="t-edu-prod"), volume], tenant_alias())

    for owner in (owner_of(seen), only_host(seen).ownership, owner_of(seen, volume)):
        assert (owner.systems, owner.projects, owner.department) == (("S-A",), ("P-1",), "市教育局")
        assert [(h.rule, h.value) for h in owner.hits] == [(OwnershipRule.ALIAS, "edu-prod (王敏 2026-11-20)")]


@pytest.mark.parametrize("written", ["edu-prod", "EDU-PROD", " ｅｄｕ-prod ", "t-edu-prod"])
def test_a_tenant_is_named_by_its_name_in_any_form_or_by_its_id(written: str) -> None:
    assert owner_of(city([A, EDU], tenant_alias(written))).systems == ("S-A",)


def test_a_tenant_or_host_may_be_confirmed_as_a_project_s_and_the_record_that_bears_the_name_is_told() -> None:
    both = project("P-1", systems=("S-A", "S-B"))
    seen = city([A, B, both, EDU, server()], tenant_alias(project="P-1"), host_alias(project="P-1"))

    for owner, key in ((owner_of(seen), EDU.key), (only_host(seen).ownership, server().key)):
        assert (owner.systems, owner.projects) == ((), ("P-1",))
        assert [(h.rule, h.projects, h.evidence) for h in owner.hits] == [(OwnershipRule.ALIAS, ("P-1",), key)]


def test_a_workload_inherits_what_was_confirmed_of_its_namespace() -> None:
    space = Tenant(source=CLUSTER, native_id="u1", observed_at=NIGHT, name="edu")
    app = Workload(source=CLUSTER, native_id="w", observed_at=NIGHT, workload_kind="Pod", namespace="edu", name="app")

    assert owner_of(city([A, space, app], tenant_alias("edu")), app).systems == ("S-A",)


def test_an_alias_stands_right_after_the_declaration() -> None:
    order = list(OwnershipRule)

    assert order.index(OwnershipRule.ALIAS) == order.index(OwnershipRule.DECLARED) + 1


def test_a_declaration_outranks_a_confirmed_name() -> None:
    row = OwnershipDeclaration(source=REGISTER, native_id="1", observed_at=NIGHT, target="web-01", systems=("S-B",))

    owner = only_host(city([A, B, row, server()], host_alias())).ownership

    assert (owner.systems, owner.disagreement) == (("S-B",), None)
    assert [h.rule for h in owner.hits] == [OwnershipRule.DECLARED, OwnershipRule.ALIAS]


def test_against_a_label_nobody_is_picked() -> None:
    owner = only_host(city([A, B, server(labels={"system": "S-B"})], host_alias())).ownership

    assert "the confirmed name web-01" in contested(owner)
    assert "S-B" in contested(owner)


def test_a_weaker_rule_narrows_a_confirmed_project() -> None:
    both = project("P-1", systems=("S-A", "S-B"))

    owner = only_host(city([A, B, both, server(labels={"system": "S-B"})], host_alias(project="P-1"))).ownership

    assert (owner.systems, owner.disagreement) == (("S-B",), None)


@pytest.mark.parametrize("labels", [{}, {"system": "S-B"}])
def test_a_confirmed_name_that_the_register_does_not_know_is_contested_and_nothing_weaker_is_picked(
    labels: dict[str, str],
) -> None:
    owner = only_host(city([A, B, server(labels=labels)], host_alias(system="S-404"))).ownership

    assert contested(owner) == (
        "the confirmed name web-01 → S-404 (王敏 2026-11-20) cannot be followed: it names nothing that the register has"
        + ("; the label system=S-B says S-B" if labels else "")
    )
    assert [h.flaw for h in owner.hits if h.rule is OwnershipRule.ALIAS] == [AliasFlaw.DANGLING]


def test_a_code_of_a_project_is_none_of_a_system() -> None:
    assert contested(owner_of(city([A, project("P-1"), EDU], tenant_alias(system="P-1"))))
    assert contested(owner_of(city([A, project("P-1"), EDU], tenant_alias(project="S-A"))))


def test_two_entries_that_say_different_things_are_told() -> None:
    owner = owner_of(city([A, B, EDU], tenant_alias(), tenant_alias(system="S-B")))

    assert "S-A" in contested(owner)
    assert "S-B" in contested(owner)


def test_an_entry_speaks_of_its_own_source_only() -> None:
    other = tenant("edu-prod", source=OTHER_CLOUD)
    seen = city([A, EDU, other], tenant_alias(source=OTHER_CLOUD))

    assert owner_of(seen, other).systems == ("S-A",)
    assert owner_of(seen) == Ownership()
    assert owner_of(city([A, EDU], tenant_alias(source="openstack"))).systems == ("S-A",)
    assert owner_of(city([A, EDU], tenant_alias(source="kubernetes"))) == Ownership()


def test_a_name_in_our_cloud_and_in_another_s_means_neither_until_the_source_is_given() -> None:
    other = tenant("edu-prod", source=OTHER_CLOUD)
    seen = city([A, EDU, other], tenant_alias())

    assert "several bear that name" in contested(owner_of(seen))
    assert "several bear that name" in contested(owner_of(seen, other))


def test_a_name_in_two_domains_of_one_cloud_is_told_apart_by_the_id() -> None:
    twin = tenant("edu-prod", native_id="t-2")

    assert contested(owner_of(city([A, EDU, twin], tenant_alias())))
    seen = city([A, EDU, twin], tenant_alias("t-2"))
    assert owner_of(seen, twin).systems == ("S-A",)
    assert owner_of(seen) == Ownership()


def test_one_namespace_in_two_of_our_clusters_is_one_system_s() -> None:
    spaces = [Tenant(source=CLUSTER, native_id="u", observed_at=NIGHT, name="edu"), tenant("edu")]
    seen = city([A, *spaces], tenant_alias("edu"))

    assert [owner_of(seen, space).systems for space in spaces] == [("S-A",), ("S-A",)]


@pytest.mark.parametrize("written", ["web-01", "id-web-01", "10.1.1.5"])
def test_a_host_is_named_by_its_name_id_or_address(written: str) -> None:
    seen = server(nics=(Nic(addresses=("10.1.1.5/24",)),), zone="政务外网区")

    assert only_host(city([A, seen], host_alias(written))).ownership.systems == ("S-A",)


def test_an_address_means_a_host_in_its_zone_only() -> None:
    here = server("a", nics=(Nic(addresses=("10.1.1.5",)),), zone="政务外网区")
    there = server("b", nics=(Nic(addresses=("10.1.1.5",)),), zone="部门专网区")

    seen = city([A, here, there], host_alias("10.1.1.5", zone="部门专网区"))
    assert {h.name: h.ownership.systems for h in seen.hosts} == {"a": (), "b": ("S-A",)}
    for host in city([A, here, there], host_alias("10.1.1.5")).hosts:
        assert "several bear that name" in contested(host.ownership)


def test_a_row_on_paper_does_not_make_a_name_ambiguous() -> None:
    paper = sighting("web-01", View.ASSET, "ledger:assets", native_id="card 7", nics=())

    seen = city([A, server(), paper], host_alias())

    assert [h.ownership.systems for h in seen.hosts] == [("S-A",), ("S-A",)]


def test_a_confirmed_department_is_the_owner_s_where_no_system_is_known() -> None:
    seen = city([department("市教育局", code="11420682011158671E"), EDU], tenant_alias(department="11420682011158671E"))

    assert (owner_of(seen).department, owner_of(seen).systems) == ("市教育局", ())
    assert not owner_of(seen).is_known


def test_a_confirmed_department_that_is_not_the_system_s_is_told() -> None:
    units = [department("市教育局"), department("市水利局")]

    owner = only_host(city([*units, A, server(labels={"system": "S-A"})], host_alias(department="市水利局"))).ownership

    assert "市水利局" in contested(owner)
    assert owner_of(city([*units, EDU], tenant_alias(department="市水利局"))).disagreement is None
    two = owner_of(city([*units, EDU], tenant_alias(department="市水利局"), tenant_alias(department="市教育局")))
    assert "市教育局" in contested(two)


def test_a_confirmed_department_outranks_plans_also_where_they_contradict_each_other() -> None:
    units = [department("市教育局"), department("市水利局")]
    plans = [
        Segment(source="ledger:plan", native_id=i, observed_at=NIGHT, cidr="10.1.2.0/24", domain=domain, zone="外",
                department=of)
        for i, domain, of in [("1", "外", "市教育局"), ("2", "外/VPN", "市水利局")]
    ]  # fmt: skip
    here = server(zone="外", nics=(Nic(addresses=("10.1.2.3/24",)),))

    owner = only_host(city([*units, *plans, here], host_alias(department="市水利局"))).ownership

    assert (owner.department, owner.disagreement) == ("市水利局", None)
    assert only_host(city([*units, *plans, here])).ownership.department is None


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"valid_to": TODAY}, ("S-A",)),
        ({"valid_from": TODAY}, ("S-A",)),
        ({"valid_to": date(2026, 11, 22)}, ()),
        ({"valid_from": date(2026, 11, 24)}, ()),
    ],
)
def test_an_entry_holds_from_its_first_day_through_its_last(fields: dict[str, date], expected: tuple[str, ...]) -> None:
    assert owner_of(city([A, EDU], tenant_alias(**fields))).systems == expected
    assert only_host(city([A, server()], host_alias(**fields))).ownership.systems == expected


def test_a_refused_pair_is_contested_where_a_rule_finds_it_all_the_same() -> None:
    named = system("S-A", tenants=("edu-prod",))
    no = tenant_alias(answer=Answer.DIFFERENT)

    seen = city([named, EDU, server(tenant="t-edu-prod")], no)

    for owner in (owner_of(seen), only_host(seen).ownership):
        assert "edu-prod ≠ S-A (王敏 2026-11-20)" in contested(owner)
    assert owner_of(city([A, EDU], no)) == Ownership()
    assert contested(
        only_host(city([A, server(labels={"system": "S-A"})], host_alias(answer=Answer.DIFFERENT))).ownership
    )


def test_a_refused_department_is_contested_where_the_owner_is_its() -> None:
    said = [department("市教育局"), A, server(labels={"system": "S-A"})]
    no = host_alias(department="市教育局", answer=Answer.DIFFERENT)

    assert contested(only_host(city(said, no)).ownership)
    assert only_host(city([department("市水利局"), *said], host_alias(department="市水利局", answer=Answer.DIFFERENT))
                     ).ownership.systems == ("S-A",)  # fmt: skip


def test_an_alias_is_never_evidence_that_something_runs_on_the_cloud() -> None:
    """Once it were, whoever writes the file could make a tower under a desk lawful."""
    tower = sighting("tower", View.OS, "ssh:county", vendor="Inspur", virtualization="none", nics=())
    records = [A, EDU, tower]
    aliases = (host_alias("tower"), tenant_alias("tower"), called("tower"))

    before, after = city(records), city(records, *aliases)

    assert only_host(after).ownership.systems == ("S-A",)
    assert only_host(after).placement == only_host(before).placement
    assert only_host(after).placement.place is not Place.CLOUD_INSTANCE
    assert only_host(after).joins == only_host(before).joins


# ── names in ledgers ─────────────────────────────────────────────────────────────────────────────────────────────────


def filing(written: str, source: str = "ledger:等保备案") -> MlpsFiling:
    return MlpsFiling(source=source, native_id="row 1", observed_at=NIGHT, number="4206001234500001", system=written)


def test_a_confirmed_name_of_a_system_is_read_in_every_ledger_that_it_was_confirmed_for() -> None:
    moved = Migration(
        source="ledger:迁移", native_id="1", observed_at=NIGHT, system="城管系统", declared_place="局机房"
    )
    seen = city([A, filing("城管系统"), moved], called("城管系统"))

    assert [f.system for f in seen.filings] == ["S-A"]
    assert seen.systems[0].declared_place == "局机房"
    assert seen.unresolved_references == ()
    assert seen.alias_uses == {
        called("城管系统"): ("ledger:等保备案|mlps_filing|row 1", "ledger:迁移|migration|1"),
    }
    elsewhere = city([A, filing("城管系统")], called("城管系统", source="ledger:迁移"))
    assert [f.system for f in elsewhere.filings] == ["城管系统"]
    assert elsewhere.unresolved_references == (("system_name", "城管系统", "ledger:等保备案|mlps_filing|row 1"),)


def test_a_register_that_writes_names_where_codes_belong_is_understood() -> None:
    both = project("P-1", name="城管平台建设项目", systems=("城管系统", "智慧水务平台"))
    named = system("S-C", projects=("城管建设",))
    aliases = (called("城管系统"), alias(AliasKind.PROJECT_NAME, "城管建设", project="P-1"))

    seen = city([A, B, both, named], *aliases)

    assert seen.projects[0].systems == ("S-A", "S-B")
    assert {s.native_id: s.projects for s in seen.systems}["S-C"] == ("P-1",)
    assert seen.unresolved_references == ()


def test_what_a_declaration_a_segment_or_an_asset_card_calls_a_system_is_read_through_confirmed_names() -> None:
    row = OwnershipDeclaration(source=REGISTER, native_id="1", observed_at=NIGHT, target="web-01", systems=("城管",))
    card = server("web-02", system="城管")
    plan = Segment(source=REGISTER, native_id="1", observed_at=NIGHT, cidr="10.9.0.0/16", domain="甲", zone="甲",
                   system="城管")  # fmt: skip
    third = server("web-03", zone="甲", nics=(Nic(addresses=("10.9.0.7",)),))

    seen = city([A, row, server(), card, plan, third], called("城管"))

    assert {h.name: h.ownership.systems for h in seen.hosts} == {
        "web-01": ("S-A",),
        "web-02": ("S-A",),
        "web-03": ("S-A",),
    }


def test_what_a_declaration_calls_a_project_is_read_through_confirmed_names() -> None:
    row = OwnershipDeclaration(source=REGISTER, native_id="1", observed_at=NIGHT, target="web-01", projects=("一期",))
    name = alias(AliasKind.PROJECT_NAME, "一期", system=None, project="P-1")

    (host,) = city([A, project(), row, server()], name).hosts

    assert host.ownership.projects == ("P-1",)


@pytest.mark.parametrize(
    ("aliases", "expected"),
    [
        ((), None),
        ((called("城管系统"),), "S-A"),
        ((called("城管系统", system="S-404"),), None),
        ((called("城管系统"), called("城管系统", system="S-B")), None),
        ((called("城管系统"), called("城管系统", answer=Answer.DIFFERENT)), None),
        ((called("城管系统"), called("城管系统", system="S-B", answer=Answer.DIFFERENT)), "S-A"),
    ],
)
def test_nobody_is_picked_between_two_words(aliases: tuple[Alias, ...], expected: str | None) -> None:
    (found,) = city([A, B, filing("城管系统")], *aliases).filings

    assert found.system == (expected or "城管系统")


def test_a_name_that_the_register_gives_to_another_system_is_not_taken_from_it() -> None:
    seen = city([A, B, filing("智慧水务平台")], called("智慧水务平台"))

    assert seen.filings[0].system == "智慧水务平台"
    assert seen.unresolved_references[0].written == "智慧水务平台"
    by_code = city([A, B, filing("S-B")], called("S-B"))
    assert by_code.unresolved_references[0].written == "S-B"


def test_a_person_may_choose_among_systems_of_one_name() -> None:
    twin = system("S-T", name=A.name)

    assert city([A, twin, filing(A.name)]).filings[0].system == A.name
    assert city([A, twin, filing(A.name)], called(A.name)).filings[0].system == "S-A"
    assert city([A, twin, filing(A.name)], called(A.name, answer=Answer.DIFFERENT)).filings[0].system == A.name
    assert city([A, B, twin, filing(A.name)], called(A.name, system="S-B")).filings[0].system == A.name


def test_an_exact_name_that_a_person_refused_is_not_read_so() -> None:
    seen = city([A, filing(A.name)], called(A.name, answer=Answer.DIFFERENT))

    assert seen.filings[0].system == A.name
    assert len(seen.unresolved_references) == 1


@settings(deadline=None)
@given(
    st.sets(st.sampled_from(["S-1", "S-2"])), st.lists(st.tuples(st.booleans(), st.sampled_from(["S-1", "S-2", None])))
)
def test_what_is_settled_was_said_by_somebody_and_refused_by_nobody(
    own: set[str], said: list[tuple[bool, str | None]]
) -> None:
    entries = [
        called("x", answer=Answer.DIFFERENT if no else Answer.SAME, why=str(n)) for n, (no, _) in enumerate(said)
    ]
    known = {entry: target for entry, (_, target) in zip(entries, said, strict=True)}

    found = settled(own, entries, known.__getitem__)

    same = {target for no, target in said if not no}
    assert found is None or found in own | same
    assert found is None or (True, found) not in said
    if len(same) > 1 or None in same:
        assert found is None
    if not said:
        assert found == (next(iter(own)) if len(own) == 1 else None)


# ── units ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def directory(*aliases: Alias, units: Iterable[Any] = ()) -> Directory:
    rows = tuple(units) or (department("市住房和城乡建设局"), department("市水利局"))
    return Directory(rows, today=TODAY, aliases=AliasBook(aliases, today=TODAY))


def unit_alias(written: str, target: str, **fields: Any) -> Alias:
    return alias(AliasKind.DEPARTMENT_NAME, written, department=target, **fields)


def test_a_confirmed_short_form_is_shown_as_the_unit() -> None:
    """市住建局 = 老河口市住房和城乡建设局: half alike by its letters, and one unit."""
    known = directory(unit_alias("市住建局", "市住房和城乡建设局"))

    assert known.shown("市住建局", record="ledger:p|project|1") == "市住房和城乡建设局"
    assert known.shown("市住建局") == "市住建局"  # nobody says who writes it
    assert directory(unit_alias("市住建局", "市住房和城乡建设局", source="ledger:s")).meant(
        "市住建局", record="ledger:p|project|1"
    ) is None  # fmt: skip


def test_a_confirmed_name_settles_which_of_two_units_is_meant() -> None:
    units = (department("市教育局", other_names=("教育局",)), department("区教育局", other_names=("教育局",)))

    assert directory(unit_alias("教育局", "区教育局"), units=units).shown("教育局", record="l|p|1") == "区教育局"
    assert directory(units=units).shown("教育局", record="l|p|1") == "教育局"


def test_a_name_is_not_taken_from_the_unit_that_bears_it() -> None:
    known = directory(unit_alias("市水利局", "市住房和城乡建设局"))

    assert known.meant("市水利局", record="l|p|1") is None
    assert known.shown("市水利局", record="l|p|1") is None


def test_a_former_name_is_read_for_the_days_on_which_it_held() -> None:
    old = unit_alias("市建委", "市住房和城乡建设局", valid_to=date(2019, 3, 1))

    assert directory(old).shown("市建委", record="l|p|1", on=[date(2018, 5, 6)]) == "市住房和城乡建设局"
    assert directory(old).shown("市建委", record="l|p|1", on=[date(2020, 5, 6), None]) == "市建委"


def test_a_unit_that_the_register_does_not_have_is_nobody() -> None:
    twice = (DatedName(name="老局"),)
    units = (department("甲局", dated_names=twice), department("乙局", dated_names=twice))

    assert directory(unit_alias("市住建局", "市规划局")).shown("市住建局", record="l|p|1") == "市住建局"
    assert directory(unit_alias("某局", "老局"), units=units).meant("某局", record="l|p|1") is None


def test_a_unit_that_no_row_of_the_directory_is_called_is_remembered() -> None:
    units = [department("市教育局")]

    seen = city([*units, project("P-1", department="教育局", systems=()), system("S-1", department="市教育局")])

    assert seen.unresolved_references == (("department_name", "教育局", "ledger:register|project|P-1"),)
    assert city([project("P-1", department="教育局", systems=())]).unresolved_references == ()  # no directory was read


def test_where_nobody_says_who_writes_it_a_text_is_a_code_or_the_exact_name() -> None:
    """A confirmed name holds for the sources that it was confirmed for."""
    aliases = (called("城管系统"), alias(AliasKind.PROJECT_NAME, "城管建设", project="P-1"))
    names = RegisterNames([A], [project("P-1", name="甲")], aliases=AliasBook(aliases, today=TODAY))

    assert [names.system_code(t) for t in ("s-a", A.name, "城管系统", "", None)] == ["S-A", "S-A", None, None, None]
    assert [names.project_code(t) for t in ("p-1", "甲", "城管建设", "", None)] == ["P-1", "P-1", None, None, None]
    assert names.system_code("城管系统", "ledger:x|filing|1") == "S-A"
    assert names.project_code("城管建设", "ledger:x|filing|1") == "P-1"


def test_without_a_register_of_units_no_entry_names_one() -> None:
    assert RegisterNames([A], []).of_alias(unit_alias("市住建局", "市水利局")) is None


def test_the_order_of_entries_leaves_no_trace() -> None:
    entries = (tenant_alias(), tenant_alias(system="S-B"), tenant_alias(system="S-404"), host_alias())
    records = [A, B, EDU, server(tenant="t-edu-prod")]

    one, other = city(records, *entries), city(records, *entries[::-1])

    assert (one.owners, one.hosts, one.alias_uses) == (other.owners, other.hosts, other.alias_uses)


def test_a_verdict_is_open_where_a_confirmed_name_dangles() -> None:
    seen = city([A, EDU, server(tenant="t-edu-prod")], tenant_alias(system="S-404"))

    opinions = {o.subject.kind: o for o in judge(seen, policy())}
    assert {k: o.verdict for k, o in opinions.items()} == {"host": Verdict.UNKNOWN, "tenant": Verdict.UNKNOWN}
    assert opinions["tenant"].missing
