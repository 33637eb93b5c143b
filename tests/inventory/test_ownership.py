"""Ownership: the strongest rule decides, weaker ones narrow it, contradictions are told and never settled silently."""

from datetime import UTC, datetime

import msgspec
import pytest

from inventory.hosts import Ownership, OwnershipRule
from inventory.identity import Machine, identify
from inventory.networks import SegmentTable
from inventory.ownership import Register, own_machine, own_storage, own_tenant, own_workload, shared_words
from inventory.records import (
    HostSighting,
    Nic,
    OwnershipDeclaration,
    Project,
    Segment,
    Storage,
    System,
    Tenant,
    View,
    Workload,
)
from inventory.settings import HostnameRule, OwnershipRules
from inventory.text import tell

NOON = datetime(2026, 11, 20, 4, tzinfo=UTC)
CLOUD = "openstack:centre"


def system(code: str, department: str = "市教育局", **fields: object) -> System:
    said = {"source": "ledger:systems", "native_id": code, "observed_at": NOON, "name": f"{code}系统", **fields}
    return System(department=department, **said)  # type: ignore[arg-type]


def project(code: str, *systems: str, **fields: object) -> Project:
    said = {"source": "ledger:projects", "native_id": code, "observed_at": NOON, "name": f"{code}项目", **fields}
    return Project(systems=systems, **said)  # type: ignore[arg-type]


TENANT = Tenant(source=CLOUD, native_id="t1", observed_at=NOON, name="edu-prod")


def register(
    *things: System | Project | Segment | OwnershipDeclaration,
    tenants: tuple[Tenant, ...] = (TENANT,),
    rules: OwnershipRules | None = None,
    shared: frozenset[str] = frozenset(),
) -> Register:
    return Register(
        systems={t.native_id: t for t in things if isinstance(t, System)},
        projects={t.native_id: t for t in things if isinstance(t, Project)},
        rules=rules or OwnershipRules(),
        segments=SegmentTable.from_records([t for t in things if isinstance(t, Segment)]),
        tenants={t.key: t for t in tenants},
        declarations=[t for t in things if isinstance(t, OwnershipDeclaration)],
        shared_words=shared,
    )


def owned(known: Register, **fields: object) -> Ownership:
    said = {"source": CLOUD, "native_id": "a", "observed_at": NOON, "view": View.SERVER, "name": "web-01", **fields}
    (machine,) = identify([HostSighting(**said)], [])  # type: ignore[arg-type]
    return own_machine(machine, known)


A, B = system("S-A", tenants=("edu-prod",)), system("S-B", tenants=("edu-prod",))


def test_a_label_names_the_system() -> None:
    owner = owned(register(A, B, project("P-1", "S-A")), labels={"system": "s-a"})

    assert (owner.systems, owner.projects, owner.department) == (("S-A",), ("P-1",), "市教育局")
    assert owner.is_known


@pytest.mark.parametrize("tag", ["S-A", "system:S-A", "system=S-A"])
def test_a_tag_may_be_the_code_or_carry_it(tag: str) -> None:
    assert owned(register(A), tags=(tag,)).systems == ("S-A",)


def test_a_label_under_a_key_that_nobody_configured_says_nothing() -> None:
    assert owned(register(A), labels={"note": "S-A"}).systems == ()


def test_a_tenant_that_several_systems_share_says_whose_department_it_is_and_not_which_system() -> None:
    """Else one system's server would prove that another runs on the cloud."""
    owner = owned(register(A, B), tenant="t1")

    assert owner.systems == ()
    assert owner.department == "市教育局"
    assert [h.rule for h in owner.hits] == [OwnershipRule.TENANT]


def test_a_weaker_rule_narrows_a_shared_tenant() -> None:
    rules = OwnershipRules(hostname=(HostnameRule(pattern=r"web-\d+", system="S-B"),))

    owner = owned(register(A, B, rules=rules), tenant="t1")

    assert owner.systems == ("S-B",)
    assert owner.disagreement is None


def test_strong_rules_that_contradict_each_other_are_told() -> None:
    other = system("S-C", "市水利局")

    owner = owned(register(A, other), tenant="t1", labels={"system": "S-C"})

    assert owner.disagreement is not None
    assert not owner.is_known
    assert len(owner.hits) == 2


def test_a_declaration_outranks_every_rule_and_the_rules_stay_visible() -> None:
    row = OwnershipDeclaration(source="ledger:own", native_id="1", observed_at=NOON, target="WEB-01", systems=("S-C",))

    owner = owned(register(A, system("S-C"), row), tenant="t1", labels={"system": "S-A"})

    assert owner.systems == ("S-C",)
    assert owner.disagreement is None
    assert [h.rule for h in owner.hits] == [OwnershipRule.DECLARED, OwnershipRule.LABEL, OwnershipRule.TENANT]


def test_a_declaration_in_an_unknown_code_is_no_leave_to_pick_the_second_best() -> None:
    said = OwnershipDeclaration(
        source="ledger:owners", native_id="1", observed_at=NOON, target="web-01", systems=("S-404",)
    )
    known = register(system("S-1", tenants=("edu-prod",)), said)

    result = owned(known, tenant="t1")

    assert result.disagreement is not None
    assert "S-404" in str(result.disagreement.args)
    assert not result.is_known


def test_a_declaration_may_name_a_project() -> None:
    said = OwnershipDeclaration(
        source="ledger:owners", native_id="1", observed_at=NOON, target="web-01", projects=("P-1",)
    )

    owner = owned(register(A, B, project("P-1", "S-A", "S-B"), said))

    assert owner.projects == ("P-1",)
    assert owner.disagreement is None


def test_a_system_in_the_column_of_projects_is_not_told_as_unheard_of() -> None:
    """It is in the wrong column, and the register has it."""
    said = OwnershipDeclaration(
        source="ledger:owners", native_id="1", observed_at=NOON, target="web-01", projects=("S-A", "P-404")
    )

    (hit,) = owned(register(A, said)).hits

    assert hit.value == "web-01 → P-404"


def test_a_label_that_names_nothing_of_the_register_is_told() -> None:
    (hit,) = owned(register(A), labels={"system": "S-404"}).hits

    assert (hit.rule, hit.value, hit.systems) == (OwnershipRule.LABEL, "system=S-404", ())


def test_something_shared_may_belong_to_several_systems() -> None:
    owner = owned(register(A, B), tags=("S-A", "S-B"))

    assert owner.systems == ("S-A", "S-B")
    assert owner.disagreement is None


def test_a_project_with_one_system_means_that_system() -> None:
    assert owned(register(A, project("P-1", "S-A")), labels={"project": "P-1"}).systems == ("S-A",)
    assert owned(register(A, B, project("P-1", "S-A", "S-B")), labels={"project": "P-1"}).systems == ()


def test_a_segment_says_whose_department_it_is_inside_its_zone_only() -> None:
    plan = Segment(
        source="ledger:plan",
        native_id="1",
        observed_at=NOON,
        cidr="10.1.0.0/16",
        domain="政务外网区",
        zone="政务外网区",
        department="市水利局",
    )
    nic = (Nic(addresses=("10.1.2.3/24",)),)

    assert owned(register(plan), zone="政务外网区", nics=nic).department == "市水利局"
    assert owned(register(plan), zone="部门专网区", nics=nic).department is None


def test_what_nobody_names_is_nobody_s() -> None:
    owner = owned(register(A))

    assert owner == Ownership()
    assert not owner.is_known


def test_a_tenant_s_own_tag_outranks_its_name() -> None:
    tagged = Tenant(source=CLOUD, native_id="t1", observed_at=NOON, name="edu-prod", tags=("system:S-A",))

    owner = own_tenant(tagged, register(A, B, tenants=(tagged,)))

    assert owner.systems == ("S-A",)


@pytest.mark.parametrize("written", ["edu-prod", "t1"], ids=["by its name", "by its id"])
def test_a_tenant_is_that_project_s_whose_row_names_it(written: str) -> None:
    assert own_tenant(TENANT, register(project("P-1", tenants=(written,)))).projects == ("P-1",)


def test_a_tenant_that_one_project_names_and_another_gives_the_id_of_is_both_s() -> None:
    """Nobody is dropped: which of the two is right is for a person to say."""
    both = register(project("P-1", tenants=("edu-prod",)), project("P-2", tenants=("t1",)))

    (hit,) = own_tenant(TENANT, both).hits

    assert (hit.rule, hit.projects) == (OwnershipRule.TENANT, ("P-1", "P-2"))


def test_a_machine_in_a_project_s_tenant_is_that_project_s() -> None:
    """Also where the tenant is not in the project's row but says so itself, by its tag."""
    tagged = msgspec.structs.replace(TENANT, tags=("project:P-1",))

    assert owned(register(project("P-1", tenants=("edu-prod",))), tenant="t1").projects == ("P-1",)
    assert owned(register(project("P-1"), tenants=(tagged,)), tenant="t1").projects == ("P-1",)


def test_a_workload_inherits_its_namespace() -> None:
    space = Tenant(source="kubernetes:c", native_id="u1", observed_at=NOON, name="edu", labels={"system": "S-A"})
    workload = Workload(
        source="kubernetes:c", native_id="w", observed_at=NOON, workload_kind="Deployment", namespace="edu", name="app"
    )

    assert own_workload(workload, register(A, tenants=(space,))).systems == ("S-A",)
    elsewhere = register(A, tenants=(Tenant(source="kubernetes:d", native_id="u1", observed_at=NOON, name="edu"),))
    assert own_workload(workload, elsewhere).systems == ()


PLAN = Segment(
    source="ledger:plan", native_id="1", observed_at=NOON, cidr="10.1.0.0/16", domain="政务外网区", zone="政务外网区",
    system="S-A",
)  # fmt: skip
ROW = OwnershipDeclaration(source="ledger:own", native_id="7", observed_at=NOON, target="web-01", systems=("S-A",))
TAGGED = Tenant(source=CLOUD, native_id="t1", observed_at=NOON, name="edu-prod", tags=("system:S-A",))


def explained(owner: Ownership) -> list[tuple[OwnershipRule, str, tuple[str, ...], str | None]]:
    return [(h.rule, h.value, h.systems, h.evidence) for h in owner.hits]


def test_the_explanation_names_what_matched_and_the_record_that_says_so() -> None:
    """Whoever doubts whose a machine is must find the row, the tag or the pattern."""
    rules = OwnershipRules(hostname=(HostnameRule(pattern=r"web-\d+", system="S-A"),))
    known = register(A, PLAN, ROW, rules=rules, tenants=(TAGGED,))
    nic = (Nic(addresses=("10.1.2.3/24",)),)

    seen = owned(known, tenant="t1", labels={"system": "s-a"}, zone="政务外网区", nics=nic)

    machine = f"{CLOUD}|host|a"
    assert explained(seen) == [
        (OwnershipRule.DECLARED, "web-01", ("S-A",), "ledger:own|ownership|7"),
        (OwnershipRule.LABEL, "system=s-a", ("S-A",), machine),
        (OwnershipRule.TENANT, "edu-prod", ("S-A",), TAGGED.key),
        (OwnershipRule.TENANT, "edu-prod: system:S-A", ("S-A",), TAGGED.key),
        (OwnershipRule.SEGMENT, "10.1.0.0/16", ("S-A",), "ledger:plan|segment|1"),
        (OwnershipRule.HOSTNAME, r"web-\d+", ("S-A",), machine),
    ]
    assert explained(own_tenant(TAGGED, known)) == [
        (OwnershipRule.LABEL, "system:S-A", ("S-A",), TAGGED.key),
        (OwnershipRule.TENANT, "edu-prod", ("S-A",), TAGGED.key),
    ]


def test_a_host_that_the_register_of_systems_names_is_explained_by_the_system_s_row() -> None:
    seen = owned(register(system("S-A", hosts=("web-01",))))

    assert explained(seen) == [(OwnershipRule.DECLARED, "web-01", ("S-A",), "ledger:systems|system|S-A")]


def test_a_contradiction_is_told_with_both_words() -> None:
    """The person who must settle it reads which two rules say what."""
    seen = owned(register(A, system("S-C", "市水利局")), tenant="t1", labels={"system": "S-C"})

    assert seen.disagreement is not None
    assert tell(seen.disagreement, "en") == "the label system=S-C says S-C, the tenant edu-prod says S-A"


def test_two_projects_of_which_a_label_names_one_and_the_tenant_the_other_are_a_contradiction() -> None:
    known = register(project("P-1"), project("P-2", tenants=("edu-prod",)))

    seen = owned(known, tenant="t1", labels={"project": "P-1"})

    assert seen.disagreement is not None
    assert tell(seen.disagreement, "en") == "the label project=P-1 says P-1, the tenant edu-prod says P-2"


def test_a_declaration_of_nothing_is_told_with_what_was_found_instead() -> None:
    void = OwnershipDeclaration(source="ledger:own", native_id="1", observed_at=NOON, target="web-01", systems=("S-9",))
    shared = owned(register(A, B, void), tenant="t1")
    labelled = owned(register(A, B, project("P-1"), void), labels={"project": "P-1"})

    said = "the declaration web-01 → S-9 names nothing that the register has, or several machines"
    assert shared.disagreement is not None
    assert tell(shared.disagreement, "en") == f"{said}; the tenant edu-prod says S-A, S-B"
    assert labelled.disagreement is not None
    assert tell(labelled.disagreement, "en") == f"{said}; the label project=P-1 says P-1"


def segment(cidr: str, **fields: object) -> Segment:
    said = {"source": "ledger:plan", "native_id": cidr, "observed_at": NOON, "cidr": cidr, "domain": "外", "zone": "外"}
    return Segment(**{**said, **fields})  # type: ignore[arg-type]


def test_the_narrowest_segment_that_names_somebody_is_heard_and_no_wider_one() -> None:
    plan = (
        segment("10.1.0.0/16", department="市水利局"),
        segment("10.1.2.0/24", department="市教育局"),
        segment("10.1.2.0/28"),
    )
    nics = (Nic(addresses=("10.1.2.3/24",)), Nic(addresses=("10.1.9.9/24", "192.168.1.1/24")))

    assert [h.value for h in owned(register(*plan), zone="外", nics=nics[:1]).hits] == ["10.1.2.0/24"]
    assert [h.value for h in owned(register(*plan), zone="外", nics=nics).hits] == ["10.1.0.0/16", "10.1.2.0/24"]
    assert owned(register(*plan), nics=nics).hits == ()  # of an unknown zone no plan speaks


@pytest.mark.parametrize("order", [1, -1])
def test_a_network_that_is_promised_to_two_is_neither_s(order: int) -> None:
    """In one plan twice, or in two VRFs of the zone: the first row by its key once had the machine."""
    nic = (Nic(addresses=("10.1.2.3/24",)),)
    rows = [segment("10.1.2.0/24", native_id=i, domain=d, department=of)
            for i, d, of in [("1", "外", "市教育局"), ("2", "外/VPN", "市水利局")]][::order]  # fmt: skip

    contested = owned(register(*rows), zone="外", nics=nic)
    two = [msgspec.structs.replace(r, system=code) for r, code in zip(rows, ["S-A", "S-B"], strict=True)]
    systems = owned(register(A, B, *two), zone="外", nics=nic)
    agreed = owned(register(*[msgspec.structs.replace(r, department="市教育局") for r in rows]), zone="外", nics=nic)
    labelled = owned(register(A, *rows), labels={"system": "S-A"}, zone="外", nics=nic)

    assert (contested.department, contested.is_known) == (None, False)
    assert contested.disagreement is not None
    assert "市教育局" in tell(contested.disagreement, "en")
    assert "市水利局" in tell(contested.disagreement, "en")
    assert systems.disagreement is not None
    assert (agreed.department, agreed.disagreement) == ("市教育局", None)
    assert (labelled.systems, labelled.disagreement) == (("S-A",), None)


def test_a_network_of_two_zones_is_two_networks_and_each_may_be_promised_twice() -> None:
    """One machine may be seen in both; whose rows stand between two others hides nothing."""
    nic = (Nic(addresses=("10.1.2.3/24",)),)
    seen = tuple(
        HostSighting(source=CLOUD, native_id=zone, observed_at=NOON, view=View.OS, name="web-01", zone=zone, nics=nic)
        for zone in ("内", "外")
    )
    machine = Machine(id="web-01", name="web-01", sightings=seen)
    outer = [segment("10.1.2.0/24", native_id=i, department=of) for i, of in [("1", "市教育局"), ("3", "市水利局")]]
    inner = segment("10.1.2.0/24", native_id="2", domain="内", zone="内", department="市教育局")

    apart = own_machine(machine, register(outer[1], inner))
    contested = own_machine(machine, register(*outer, inner))

    assert (apart.department, apart.disagreement) == ("市教育局", None)
    assert contested.department is None
    assert contested.disagreement is not None


def test_a_segment_of_a_system_is_the_system_s_and_of_its_department() -> None:
    nic = (Nic(addresses=("10.1.2.3/24",)),)

    owner = owned(register(A, segment("10.1.2.0/24", system="S-A", department="市教育局")), zone="外", nics=nic)

    assert (owner.systems, owner.department, owner.hits[0].department) == (("S-A",), "市教育局", "市教育局")


def test_a_host_name_rule_matches_the_whole_name_and_names_what_the_register_has() -> None:
    def ruled(*rules: HostnameRule) -> Ownership:
        return owned(register(A, project("P-1"), rules=OwnershipRules(hostname=rules)))

    assert ruled(HostnameRule(pattern=r"web-\d+", project="P-1")).projects == ("P-1",)
    assert ruled(HostnameRule(pattern=r"web-\d+", project="P-404")).hits[0].projects == ()
    assert ruled(HostnameRule(pattern=r"web-\d+", system="S-404")).hits[0].systems == ()
    assert ruled(HostnameRule(pattern=r"web", project="P-1")) == Ownership()
    assert ruled(HostnameRule(pattern=r"eb-01", project="P-1")) == Ownership()


@pytest.mark.parametrize("target", ["web-01", "a", "10.1.2.3", "10.1.2.4"])
def test_a_machine_is_declared_by_its_name_its_id_or_any_of_its_addresses(target: str) -> None:
    row = OwnershipDeclaration(source="l", native_id="1", observed_at=NOON, target=target, systems=("S-A",))
    nics = (Nic(addresses=("10.1.2.3/24", "10.1.2.4")),)

    assert owned(register(A, row), nics=nics).systems == ("S-A",)


def test_a_declaration_of_an_address_in_a_zone_speaks_of_no_other_zone() -> None:
    row = OwnershipDeclaration(
        source="l", native_id="1", observed_at=NOON, target="10.1.2.3", zone="外", systems=("S-A",)
    )
    nics = (Nic(addresses=("10.1.2.3/24",)),)

    assert owned(register(A, row), nics=nics, zone="外").systems == ("S-A",)
    assert owned(register(A, row), nics=nics, zone="内") == Ownership()
    assert owned(register(A, row), nics=nics) == Ownership()


def test_a_declared_name_that_several_machines_bear_is_none_of_theirs_and_nothing_weaker_is_picked() -> None:
    row = OwnershipDeclaration(source="l", native_id="1", observed_at=NOON, target="WEB-01", systems=("S-A",))

    seen = owned(register(A, B, row, shared=frozenset({"web-01"})), labels={"system": "S-B"})

    assert [(h.rule, h.systems) for h in seen.hits] == [(OwnershipRule.DECLARED, ()), (OwnershipRule.LABEL, ("S-B",))]
    assert seen.disagreement is not None
    assert "WEB-01" in tell(seen.disagreement, "en")


def test_systems_and_projects_are_each_other_s_whichever_register_says_so() -> None:
    """The register of projects names S-A, and that of systems says that S-C is of P-1."""
    named = system("S-C", projects=("P-1", "P-404"))
    known = register(A, named, project("P-1", "S-A", "S-404"))

    assert known.systems_of_project("P-1") == ("S-A", "S-C")
    assert known.projects_of_system("S-A") == known.projects_of_system("S-C") == ("P-1",)


def test_of_several_departments_none_is_the_owner() -> None:
    other = system("S-C", "市水利局")

    both = owned(register(A, other), tags=("S-A", "S-C"))
    one = owned(register(A, B), tags=("S-A", "S-B"))

    assert (both.systems, both.department) == (("S-A", "S-C"), None)
    assert one.department == "市教育局"


def test_shared_words_are_names_and_addresses_of_more_than_one_real_machine() -> None:
    def machine(number: int, name: str, address: str, view: View = View.SERVER) -> HostSighting:
        return HostSighting(source=CLOUD, native_id=f"{view}{number}", observed_at=NOON, view=view, name=name,
                            nics=(Nic(addresses=(address,)),), zone=str(number))  # fmt: skip

    seen = identify([machine(1, "DB", "10.0.0.1/24"), machine(2, "db", "10.0.0.2"), machine(3, "x", "10.0.0.1")], [])
    paper = identify([machine(1, "web", "10.0.0.1"), machine(2, "web", "10.0.0.9", View.ASSET)], [])

    assert shared_words(seen) == {"db", "10.0.0.1"}
    assert shared_words(paper) == frozenset()


def test_a_volume_is_its_tag_s_and_else_its_tenant_s() -> None:
    volume = Storage(source=CLOUD, native_id="v", observed_at=NOON, name="v", storage_kind="volume", tenant="t1")
    known = register(system("S-A", tenants=("edu-prod",)), project("P-2"))

    assert own_storage(volume, known).systems == ("S-A",)
    tagged = own_storage(msgspec.structs.replace(volume, tags=("P-2",), tenant=None), known)
    assert (tagged.systems, tagged.projects) == ((), ("P-2",))
    assert own_storage(msgspec.structs.replace(volume, tenant="t2"), known) == Ownership()
