"""Ownership: the strongest rule decides, weaker ones narrow it, contradictions are told and never settled silently."""

from datetime import UTC, datetime

import pytest

from inventory.hosts import Ownership, OwnershipRule
from inventory.identity import identify
from inventory.networks import SegmentTable
from inventory.ownership import Register, own_machine, own_tenant, own_workload
from inventory.records import (
    HostSighting,
    Nic,
    OwnershipDeclaration,
    Project,
    Segment,
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
) -> Register:
    return Register(
        systems={t.native_id: t for t in things if isinstance(t, System)},
        projects={t.native_id: t for t in things if isinstance(t, Project)},
        rules=rules or OwnershipRules(),
        segments=SegmentTable.from_records([t for t in things if isinstance(t, Segment)]),
        tenants={t.key: t for t in tenants},
        declarations=[t for t in things if isinstance(t, OwnershipDeclaration)],
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


def test_a_contradiction_is_told_with_both_words() -> None:
    """The person who must settle it reads which two rules say what."""
    seen = owned(register(A, system("S-C", "市水利局")), tenant="t1", labels={"system": "S-C"})

    assert seen.disagreement is not None
    assert tell(seen.disagreement, "en") == "the label system=S-C says S-C, the tenant edu-prod says S-A"


def test_a_declaration_of_nothing_is_told_with_what_was_found_instead() -> None:
    void = OwnershipDeclaration(source="ledger:own", native_id="1", observed_at=NOON, target="web-01", systems=("S-9",))
    shared = owned(register(A, B, void), tenant="t1")
    labelled = owned(register(A, B, project("P-1"), void), labels={"project": "P-1"})

    said = "the declaration web-01 → S-9 names nothing that the register has, or several machines"
    assert shared.disagreement is not None
    assert tell(shared.disagreement, "en") == f"{said}; the tenant edu-prod says S-A, S-B"
    assert labelled.disagreement is not None
    assert tell(labelled.disagreement, "en") == f"{said}; the label project=P-1 says P-1"
