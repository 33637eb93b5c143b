"""No check concludes from what was not seen: a row of nobody, a register cut short, a name that may be another's.

Each case was a wrong verdict once: its last word.
"""

from datetime import date
from typing import Any

import builders as b
import msgspec
import pytest
from verdicts import english, finding_on, verdict_on

from checks.catalogue import check_by_id
from checks.unresolved import rejected_of_nobody
from inventory.alias import Alias
from inventory.coverage import Cell, CellResult, CellState, Coverage
from inventory.hosts import Ownership, OwnershipHit, OwnershipRule
from inventory.inventory import Inventory
from inventory.records import (
    ClassifiedPlaceholder,
    Funding,
    Level,
    MlpsAssessment,
    MlpsFiling,
    ProjectKind,
    SharingEntry,
    SharingType,
)

NOBODY_S = "学籍管理平台"
"""Named by a ledger, and by no register."""


def cut(kind: str, source: str = b.REGISTER, state: CellState = CellState.PARTIAL) -> Coverage:
    return b.coverage(b.cell(source, kind, state))


def rejected(*touches: str, source: str = b.REGISTER, kind: str | None = None) -> Coverage:
    own = () if kind is None else (b.cell(source, kind),)
    return b.coverage(*own, rejections=(b.rejection(*touches, source=source),))


def legacy(**fields: Any) -> Inventory:
    return b.city(**{"projects": (b.legacy_project(),), **fields})


TOWER = b.tower(ownership=b.owned())
SERVICE = b.project(project_kind=ProjectKind.SERVICE)
NON_FISCAL = b.project(funding=Funding.NON_FISCAL)
PROVINCIAL = b.project(level=Level.PROVINCE)
CLASSIFIED = ClassifiedPlaceholder(source=b.REGISTER, native_id="1", observed_at=b.NIGHT, what="system")
EXEMPT = b.entry(sharing_type=SharingType.NONE, legal_basis="法")

CASES: list[tuple[str, str, Inventory, str, str]] = [
    # scope and level that only seen projects give, in a register that was not seen to its end
    ("not paid publicly, by the projects seen", "16-deployment",
     b.city(projects=(NON_FISCAL,), coverage=cut("project")), "system/S-1", "not_applicable"),
    ("the province's, by the projects seen", "16-deployment", b.city(projects=(PROVINCIAL,), coverage=cut("project")),
     "system/S-1", "not_applicable"),
    ("the same, by a rejected row that speaks of it", "16-deployment",
     b.city(projects=(PROVINCIAL,), coverage=rejected("S-1")), "system/S-1", "not_applicable"),
    ("already built, and a rejected row speaks of it", "16-deployment", legacy(coverage=rejected("S-1")),
     "system/S-1", "not_applicable"),
    ("a server of a system whose projects were not seen", "14-standalone-compute",
     b.city(projects=(), hosts=(TOWER,), coverage=cut("project", state=CellState.FAILED)), "host/id-tower-1", "fail"),
    ("a server of nobody who is paid publicly, by the projects seen", "14-standalone-compute",
     b.city(projects=(NON_FISCAL,), hosts=(TOWER,), coverage=cut("project")), "host/id-tower-1", "not_applicable"),
    ("a service for what a migration ledger may call old", "16-deployment",
     b.city(projects=(SERVICE,), hosts=(TOWER,), coverage=cut("migration", "ledger:迁移", CellState.FAILED)),
     "system/S-1", "fail"),
    ("already built, and a later project of unknown kind", "16-deployment",
     b.city(projects=(b.legacy_project(), b.project("P-2", project_kind=None))), "system/S-1", "not_applicable"),
    ("already built, and a project of unknown kind and date", "16-deployment",
     b.city(projects=(b.legacy_project(), b.project("P-2", project_kind=None, awarded_on=None))), "system/S-1",
     "not_applicable"),
    # rows that speak of nobody whom the register has
    ("no certificate, and a row of nobody", "mlps-filing",
     b.city(filings=(b.filing(system=NOBODY_S), b.platform_filing())), "system/S-1", "fail"),
    ("no certificate, and a row without a name", "mlps-filing",
     b.city(filings=(b.filing(system=None), b.platform_filing())), "system/S-1", "fail"),
    ("the number of a row of nobody", "mlps-filing",
     b.city(filings=(b.filing(), b.filing(native_id="2", system=NOBODY_S), b.platform_filing())), "system/S-1", "fail"),
    ("no report, and one on nobody", "mlps-assessment",
     b.city(assessments=(b.assessment(system=NOBODY_S), b.platform_assessment())), "system/S-1", "fail"),
    ("an old report, and a later one on nobody", "mlps-assessment",
     b.city(assessments=(b.assessment(reported_on=date(2024, 6, 1), conclusion="良", major_risks=None),
                         b.assessment(native_id="2", system=NOBODY_S), b.platform_assessment())), "system/S-1", "fail"),
    ("a good report, and a later one with its number on nobody", "mlps-assessment",
     b.city(assessments=(b.assessment(), b.assessment(native_id="2", system=NOBODY_S, reported_on=date(2026, 9, 1),
                                                      filing_number="42060012345-00001", conclusion="不符合"),
                         b.platform_assessment())), "system/S-1", "pass"),
    ("no certificate of the cloud, and a row of nobody", "15-platform",
     b.city(filings=(b.filing(), b.filing("42060012345-00007", native_id="2", system="大数据中心政务云平台"))),
     "platform/platform", "fail"),
    ("no entry, and one of nobody", "23.7-sharing", b.city(sharing_entries=(b.entry(system=NOBODY_S),)), "project/P-1",
     "fail"),
    ("no entry, and one of nobody, already built", "16-sharing", legacy(sharing_entries=(b.entry(system=NOBODY_S),)),
     "system/S-1", "advisory"),
    ("lawfully not shared, and a rejected row speaks of it", "23.7-sharing",
     b.city(sharing_entries=(EXEMPT,), coverage=rejected("S-1")), "project/P-1", "not_applicable"),
    # reports
    ("a good report, and one without a date", "mlps-assessment",
     b.city(assessments=(b.assessment(), b.assessment(native_id="2", reported_on=None, conclusion="不符合"),
                         b.platform_assessment())), "system/S-1", "pass"),
    ("no report, and a rejected row of nobody we know", "mlps-assessment",
     b.city(assessments=(b.platform_assessment(),), coverage=rejected(NOBODY_S)), "system/S-1", "fail"),
    # where a system runs
    ("a tenant on a cloud that did not answer", "16-deployment",
     b.city(systems=(b.system(tenants=("edu-own",)),), coverage=cut("tenant", "openstack:edu", CellState.FAILED)),
     "system/S-1", "pass"),
    ("a tenant that no cloud lists", "23.7-deployment", b.city(systems=(b.system(tenants=("edu-own",)),)),
     "project/P-1", "pass"),
    ("named hosts, and a namespace on a cluster that was not read", "16-deployment",
     b.city(systems=(b.system(hosts=("edu-web-1",), tenants=("edu-ns",)),), coverage=cut("workload", b.CLUSTER)),
     "system/S-1", "pass"),
    ("a host named by a name, in half a list", "16-deployment",
     b.city(systems=(b.system(hosts=("edu-web-1",)),), coverage=cut("host", b.CLOUD)), "system/S-1", "pass"),
    ("a rejected row of the plan of networks speaks of it", "16-deployment",
     b.city(coverage=rejected("S-1", source="ledger:网段", kind="segment")), "system/S-1", "pass"),
    ("nothing classified on the cloud, by half a register", "28-classified",
     b.inventory(classified=(CLASSIFIED,), coverage=cut("system")), "classified/platform", "pass"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("check", "inventory", "subject"), [c[1:4] for c in CASES], ids=[f"{c[0]}, no {c[4]}" for c in CASES]
)
def test_what_was_not_seen_leaves_it_open(check: str, inventory: Inventory, subject: str) -> None:
    judged = check_by_id(check)
    assert judged is not None

    finding = finding_on(judged, inventory, subject)

    assert finding.verdict.value == "unknown"
    assert finding.missing


def test_the_row_that_would_settle_it_is_named() -> None:
    row = b.filing(system=NOBODY_S)

    check = check_by_id("mlps-filing")
    assert check is not None
    finding = finding_on(check, b.city(filings=(row, b.platform_filing())), "system/S-1")

    assert row.key in english(finding.missing[0])
    assert NOBODY_S in english(finding.missing[0])
    assert row.key in finding.evidence


def test_rejected_rows_of_nobody_are_asked_of_the_ledgers_that_would_hold_them() -> None:
    city = b.city(coverage=rejected(NOBODY_S, source="ledger:测评", kind="mlps_assessment"))

    assert len(rejected_of_nobody(city, "mlps_assessment")) == 1
    assert rejected_of_nobody(city, "segment") == ()


REFUSED = msgspec.convert(
    {"kind": "system_name", "written": NOBODY_S, "system": "S-1", "answer": "different", "confirmed_by": "王敏",
     "confirmed_on": "2026-11-20", "why": "电话核实"},
    Alias,
)  # fmt: skip
ROWS: dict[str, MlpsFiling | MlpsAssessment | SharingEntry] = {
    "mlps-filing": b.filing(system=NOBODY_S),
    "mlps-assessment": b.assessment(system=NOBODY_S),
}


@pytest.mark.parametrize("check", ROWS)
def test_a_row_that_a_person_said_is_not_the_system_s_leaves_nothing_open(check: str) -> None:
    judged, row = check_by_id(check), ROWS[check]
    assert judged is not None
    rows: dict[str, Any] = {"filings": (b.platform_filing(),), "assessments": (b.platform_assessment(),)}
    rows["filings" if isinstance(row, MlpsFiling) else "assessments"] += (row,)

    assert verdict_on(judged, b.city(**rows), "system/S-1") == "unknown"
    assert verdict_on(judged, b.city(**rows, alias_uses={REFUSED: (row.key,)}), "system/S-1") == "fail"


def test_a_row_under_a_name_that_other_systems_bear_is_theirs() -> None:
    check = check_by_id("mlps-filing")
    assert check is not None
    systems = (b.system(), b.system("S-2", name="门户网站"), b.system("S-3", name="门户网站"))
    inventory = b.city(systems=systems, filings=(b.filing(system="门户网站"), b.platform_filing()))

    assert verdict_on(check, inventory, "system/S-1") == "fail"


def test_a_report_under_a_number_that_another_system_filed_is_its() -> None:
    check = check_by_id("mlps-assessment")
    assert check is not None
    other = b.filing("42060012345-00009", system="S-2", native_id="9")
    inventory = b.city(
        systems=(b.system(), b.system("S-2")),
        filings=(b.filing(), other, b.platform_filing()),
        assessments=(b.assessment(system=NOBODY_S, filing_number=other.number), b.platform_assessment()),
    )

    assert verdict_on(check, inventory, "system/S-1") == "fail"


def named_by(rule: OwnershipRule, value: str, evidence: str) -> Ownership:
    hit = OwnershipHit(rule=rule, value=value, systems=("S-1",), evidence=evidence)
    return Ownership(systems=("S-1",), projects=("P-1",), hits=(hit,))


TENANT = b.tenant("edu")
IN_TENANT = (b.sighting(tenant=TENANT.native_id),)


@pytest.mark.parametrize(
    ("tenants", "coverage", "expected"),
    [
        (("edu",), b.coverage(), "pass"),
        (("edu",), cut("tenant", b.CLOUD), "unknown"),
        ((TENANT.native_id,), cut("tenant", b.CLOUD), "pass"),
    ],
    ids=["all listed", "another may bear the name", "named by its id"],
)
def test_an_owner_by_the_name_of_a_tenant_is_open_while_another_may_bear_it(
    tenants: tuple[str, ...], coverage: Coverage, expected: str
) -> None:
    check = check_by_id("14-unregistered")
    assert check is not None
    owner = named_by(OwnershipRule.TENANT, "edu", TENANT.key)
    inventory = b.city(
        systems=(b.system(tenants=tenants),), tenants=(TENANT,), owners={TENANT.key: owner},
        hosts=(b.host(sightings=IN_TENANT, ownership=owner),), coverage=coverage,
    )  # fmt: skip

    assert verdict_on(check, inventory, "host/id-edu-web-1") == expected
    assert verdict_on(check, inventory, f"tenant/{b.CLOUD}/{TENANT.native_id}") == expected


@pytest.mark.parametrize(("named", "expected"), [("edu-web-1", "unknown"), ("id-edu-web-1", "pass")])
def test_a_host_that_the_register_names_by_its_id_is_found_in_half_a_list(named: str, expected: str) -> None:
    """A name is easily borne twice: what was not listed may be the one that is meant."""
    owner = named_by(OwnershipRule.DECLARED, named, b.system().key)
    inventory = b.city(
        systems=(b.system(hosts=(named,)),), hosts=(b.host(ownership=owner),), coverage=cut("host", b.CLOUD)
    )

    for check, subject in (("16-deployment", "system/S-1"), ("14-unregistered", "host/id-edu-web-1")):
        judged = check_by_id(check)
        assert judged is not None
        assert verdict_on(judged, inventory, subject) == expected


def test_a_tenant_that_a_person_confirmed_stands_for_the_register_s_word() -> None:
    check = check_by_id("16-deployment")
    assert check is not None
    owner = named_by(OwnershipRule.ALIAS, "jy-prod (王敏)", TENANT.key)
    stale = b.system(tenants=("edu-own",))

    assert verdict_on(check, b.city(systems=(stale,)), "system/S-1") == "unknown"
    aliased = b.city(systems=(stale,), tenants=(TENANT,), owners={TENANT.key: owner})
    assert verdict_on(check, aliased, "system/S-1") == "pass"


def test_where_nobody_lists_tenants_their_names_are_no_components() -> None:
    """A cloud on paper lists machines."""
    check = check_by_id("16-deployment")
    assert check is not None
    inventory = b.city(systems=(b.system(tenants=("edu-own",)),), coverage=b.coverage(without=("tenant",)))

    assert verdict_on(check, inventory, "system/S-1") == "pass"


def test_a_service_for_something_of_which_all_ledgers_were_read_is_new() -> None:
    check = check_by_id("16-deployment")
    assert check is not None
    whole = b.coverage(CellResult(cell=Cell("ledger:迁移", "*", "migration"), state=CellState.COMPLETE, seen=1))

    assert verdict_on(check, b.city(projects=(SERVICE,), hosts=(TOWER,), coverage=whole), "system/S-1") == "fail"
