"""What a name may mean: proposed to a person, with why; another phase, year or number is never proposed."""

from collections.abc import Iterable
from datetime import date
from typing import Any

import pytest
from builders import CLOUD, NIGHT, REGISTER, cell, department, project, rejection, sighting, system, tenant
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory.alias import Alias, AliasKind, Answer
from inventory.alias_proposals import Proposal, identifier_likeness, propose
from inventory.build import build
from inventory.collection import Collection
from inventory.coverage import SourceInfo
from inventory.records import MlpsFiling, Record
from inventory.scan import ScanOptions
from inventory.text import tell

REGIONS = ("湖北省", "襄阳市", "老河口市")
CG = system("S-ZJJ-01", name="老河口市数字城管综合管理平台", department="市住房和城乡建设局")
SQ1, SQ2 = system("S-1", name="智慧社区管理平台一期"), system("S-2", name="智慧社区管理平台二期")


def filing(written: str, row: str = "row 1", source: str = "ledger:等保备案") -> MlpsFiling:
    return MlpsFiling(source=source, native_id=row, observed_at=NIGHT, number="4206001234500001", system=written)


def alias(written: str, kind: AliasKind = AliasKind.SYSTEM_NAME, **fields: Any) -> Alias:
    said: dict[str, Any] = {"confirmed_by": "王敏", "confirmed_on": date(2026, 11, 20), "why": "电话核实"}
    return Alias(**{"kind": kind, "written": written, **said, **fields})


def proposed(
    records: Iterable[Record], *answers: Alias, rejections: Iterable[Any] = (), **more: Any
) -> tuple[Proposal, ...]:
    """What is proposed of a scan that was made before these answers were given."""
    cells = [cell(REGISTER, kind) for kind in ("system", "project", "department")]
    cells += [cell(CLOUD, kind) for kind in ("host", "tenant", "port")]
    sources = [SourceInfo(name=CLOUD, type="openstack", is_platform=True), SourceInfo(name=REGISTER, type="ledger")]
    collection = Collection(
        taken_at=NIGHT, sources=sources, records=list(records), cells=cells, rejections=list(rejections)
    )
    inventory = build(collection, ScanOptions(city="老河口市"), as_of=NIGHT)
    return propose(inventory, answers, regions=REGIONS, **more)


def candidates(found: Iterable[Proposal]) -> dict[str, list[tuple[str, int]]]:
    return {p.written: [(c.target, c.score) for c in p.candidates] for p in found}


def why(proposal: Proposal) -> str:
    return "; ".join(tell(r, "en") for c in proposal.candidates for r in c.reasons)


def test_a_name_without_region_and_generic_words_is_a_candidate() -> None:
    """The pair of the dossier: 60 % alike as written, one and the same by its core."""
    (found,) = proposed([CG, filing("数字城管平台")])

    assert (found.kind, found.written, found.scope) == (AliasKind.SYSTEM_NAME, "数字城管平台", "ledger:等保备案")
    assert [(c.target, c.score, c.department) for c in found.candidates] == [("S-ZJJ-01", 100, "市住房和城乡建设局")]
    assert "数字城管 / 数字城管" in why(found)


@pytest.mark.parametrize(
    "written", ["智慧社区管理平台三期", "智慧社区管理平台Ⅲ期", "智慧社区管理平台第3期", "智慧社区三期"]
)
def test_another_phase_is_never_proposed(written: str) -> None:
    assert candidates(proposed([SQ1, SQ2, filing(written)], least=1)) == {written: []}


@settings(deadline=None)
@given(
    st.sampled_from("一二三四五六七八九"),
    st.sampled_from("一二三四五六七八九"),
    st.text("智慧社区管理平台城管水务", max_size=8),
)
def test_two_names_that_differ_in_their_phase_alone_are_proposed_only_if_it_is_the_same(
    one: str, other: str, core: str
) -> None:
    found = proposed([system("S-1", name=f"甲乙{core}{one}期"), filing(f"甲乙 {core}第{other}期平台")], least=1)

    targets = [c.target for p in found for c in p.candidates]
    assert targets == (["S-1"] if one == other else []) or (one == other and found == ())


@pytest.mark.parametrize(
    ("written", "other"), [("政务服务2023年度", "政务服务2024年度"), ("协同办公V1.0", "协同办公V2.0")]
)
def test_another_year_or_version_is_never_proposed(written: str, other: str) -> None:
    assert candidates(proposed([system("S-1", name=other), filing(written)], least=1)) == {written: []}


def test_a_phase_on_one_side_only_is_told_and_costs_something() -> None:
    (found,) = proposed([SQ1, filing("智慧社区平台")])

    assert candidates([found]) == {"智慧社区平台": [("S-1", 85)]}
    assert "only one of them says 1" in why(found)


def test_a_short_form_of_a_unit_is_a_candidate() -> None:
    unit = department("老河口市住房和城乡建设局", code="11420682011158671E")
    works = project("P-1", department="市住建局", systems=())

    (found,) = proposed([unit, department("市水利局"), works])

    assert (found.kind, candidates([found])) == (
        AliasKind.DEPARTMENT_NAME,
        {"市住建局": [("11420682011158671E", 75)]},
    )
    assert "住建局 may be short for 住房和城乡建设局" in why(found)


def test_the_same_department_ranks_first() -> None:
    twin = system("S-0", name="数字城管平台", department="市水利局")
    card = sighting("web", nics=(), system="城管数字", department=CG.department)

    (found, *_) = proposed([CG, twin, card], least=40)

    assert found.kind is AliasKind.SYSTEM_NAME
    assert [c.target for c in found.candidates] == ["S-ZJJ-01", "S-0"]
    assert "the same department" in why(found)


def test_a_tenant_or_host_that_has_a_code_in_it_is_a_candidate() -> None:
    found = proposed([CG, tenant("s-zjj-01-prod"), sighting("S_ZJJ_01-web02", nics=())])

    assert candidates(found) == {"s-zjj-01-prod": [("S-ZJJ-01", 95)], "S_ZJJ_01-web02": [("S-ZJJ-01", 95)]}


def test_a_code_of_another_unit_is_no_candidate_however_alike() -> None:
    assert candidates(proposed([CG, filing("S-JZJ-01"), tenant("s-zjj-02")])) == {"S-JZJ-01": [], "s-zjj-02": []}


def test_what_the_register_names_and_nobody_showed_is_a_candidate_for_what_nobody_names() -> None:
    listed = system("S-9", name="甲", hosts=("zjj-cg-app1", "zjj-cg-db01"), tenants=("zjj_prod",))
    seen = [tenant("zjj-prod"), sighting("zjj-cg-app01", nics=()), sighting("zjj-cg-app02", nics=())]

    assert candidates(proposed([listed, *seen])) == {
        "zjj-prod": [("S-9", 100)],
        "zjj-cg-app01": [("S-9", 100)],
        "zjj-cg-app02": [],
    }


def test_what_a_tenant_says_of_itself_counts() -> None:
    (found,) = proposed([CG, tenant("t1", description="数字城管平台")])

    assert [c.target for c in found.candidates] == ["S-ZJJ-01"]
    assert found.remark == "数字城管平台"


def test_what_has_an_owner_or_a_contested_one_is_not_asked_about() -> None:
    other = system("S-2", name="乙", tenants=("zjj-prod",))
    records = [system("S-1", name="甲"), other, tenant("zjj-prod"), sighting("a", nics=(), labels={"system": "S-1"}),
               sighting("b", nics=(), labels={"system": "S-1"}, tenant="t-zjj-prod")]  # fmt: skip

    assert proposed(records) == ()


def test_a_cluster_s_own_namespaces_are_not_asked_about() -> None:
    assert proposed([tenant("kube-system", source="kubernetes:gov")]) == ()
    assert len(proposed([tenant("edu", source="kubernetes:gov")])) == 1


def test_a_name_that_several_bear_is_asked_about_by_id() -> None:
    found = proposed([tenant("edu"), tenant("edu", native_id="t-2"), sighting("web", nics=()),
                      sighting("web", native_id="id-2", nics=())])  # fmt: skip

    ids = {"openstack:gov|host|id-web", "openstack:gov|host|id-2"}  # what identifies them: neither has a UUID
    assert {p.written for p in found} == {"t-edu", "t-2", *ids}


def test_what_a_rejected_row_of_the_register_is_called_is_mended_there() -> None:
    assert proposed([CG, filing("S-404")], rejections=[rejection("s-404")]) == ()


def test_one_name_in_several_ledgers_is_asked_about_once() -> None:
    rows = [filing("数字城管平台"), filing("数字城管 平台", source="ledger:测评"), filing("数字城管平台", "row 2")]

    (found,) = proposed([CG, *rows])

    assert (found.records, found.sources, found.scope) == (3, ("ledger:测评", "ledger:等保备案"), "ledger")
    assert found.written == "数字城管平台"


def test_what_a_person_answered_is_not_asked_again() -> None:
    rows = [CG, filing("数字城管平台"), filing("数字城管平台", source="ledger:测评")]

    assert proposed(rows, alias("数字城管 平台", system="S-ZJJ-01")) == ()
    (left,) = proposed(rows, alias("数字城管平台", system="S-ZJJ-01", source="ledger:测评"))
    assert left.sources == ("ledger:等保备案",)
    assert len(proposed(rows, alias("数字城管平台", AliasKind.PROJECT_NAME, project="P-1"))) == 1


def test_a_refused_pair_is_never_proposed_again_and_others_are() -> None:
    twin = system("S-0", name="数字城管平台系统")
    no = alias("数字城管平台X", system="S-ZJJ-01", answer=Answer.DIFFERENT)

    assert candidates(proposed([CG, twin, filing("数字城管平台X")], no)) == {
        "数字城管平台X": [
            c for c in candidates(proposed([CG, twin, filing("数字城管平台X")]))["数字城管平台X"] if c[0] == "S-0"
        ]
    }
    unit = department("市住房和城乡建设局", code="11420682011158671E")
    refused = alias("市住建局", AliasKind.DEPARTMENT_NAME, department=unit.name, answer=Answer.DIFFERENT)
    assert candidates(proposed([unit, project(department="市住建局", systems=())], refused)) == {"市住建局": []}


def test_at_most_three_are_proposed_and_nothing_below_the_likeness_that_was_asked_for() -> None:
    many = [system(f"S-{n}", name=f"数字城管{c}平台") for n, c in enumerate("甲乙丙丁戊")]

    assert candidates(proposed([*many, filing("数字城管平台")])) == {
        "数字城管平台": [("S-0", 89), ("S-1", 89), ("S-2", 89)]
    }
    assert candidates(proposed([*many, filing("数字城管平台")], least=90)) == {"数字城管平台": []}


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("app01", "APP-1", 100),
        ("app01", "app02", 0),
        ("web-2023-1", "web-2024-1", 0),
        ("数字城管一期", "数字城管二期", 0),
        ("zjj-web", "zjj-wep", 83),
        ("10.1.1.5", "10.1.1.5", 0),
        ("", "", 0),
        ("፩", "a፩", 67),
    ],
)
def test_identifiers_are_alike_by_letters_and_never_across_numbers(one: str, other: str, expected: int) -> None:
    assert identifier_likeness(one, other) == expected


@settings(deadline=None)
@given(st.text(max_size=20), st.text(max_size=20))
def test_whatever_strangers_call_things_is_compared(one: str, other: str) -> None:
    assert identifier_likeness(one, other) == identifier_likeness(other, one)


def test_what_is_too_long_to_be_a_name_is_like_nothing() -> None:
    assert identifier_likeness("a" + "9" * 200, "a" + "9" * 200) == 100
    assert identifier_likeness("a" + "9" * 10_000, "a" + "9" * 10_000) == 0


def test_the_order_of_records_leaves_no_trace() -> None:
    records: list[Record] = [CG, SQ1, SQ2, filing("数字城管平台"), filing("智慧社区", "row 2"), tenant("edu")]

    assert proposed(records) == proposed(records[::-1])
