"""What became of every confirmed name: none is passed over in silence."""

from collections.abc import Iterable
from datetime import date
from typing import Any

import pytest
from builders import CLOUD, NIGHT, REGISTER, cell, department, project, sighting, system, tenant

from inventory.alias import Alias, AliasKind, Answer
from inventory.alias_audit import AliasState, AuditedAlias, audit_aliases
from inventory.build import build
from inventory.collection import Collection
from inventory.coverage import CellState, SourceInfo
from inventory.records import MlpsFiling, OwnershipDeclaration, Record
from inventory.scan import ScanOptions
from inventory.text import tell

A = system("S-A", name="数字城管综合管理平台")
B = system("S-B", name="智慧水务平台", department="市水利局")
FILING = MlpsFiling(source="ledger:等保备案", native_id="row 1", observed_at=NIGHT, system="城管系统")
EDU = tenant("edu-prod")


def alias(written: str = "城管系统", kind: AliasKind = AliasKind.SYSTEM_NAME, **fields: Any) -> Alias:
    said: dict[str, Any] = {"confirmed_by": "王敏", "confirmed_on": date(2026, 11, 20), "why": "电话核实"}
    if not {"system", "project", "department"} & fields.keys():
        said["system"] = "S-A"
    return Alias(**{"kind": kind, "written": written, **said, **fields})


def audited(records: Iterable[Record], *aliases: Alias, cut: str | None = None) -> tuple[AuditedAlias, ...]:
    """The audit; `cut`: the kind of which the register was not seen whole."""
    kinds = ("system", "project", "department")
    cells = [cell(REGISTER, kind, CellState.PARTIAL if kind == cut else CellState.COMPLETE) for kind in kinds]
    cells += [cell(CLOUD, kind) for kind in ("host", "tenant", "port")]
    sources = [SourceInfo(name=CLOUD, type="openstack", is_platform=True), SourceInfo(name=REGISTER, type="ledger")]
    collection = Collection(taken_at=NIGHT, sources=sources, records=list(records), cells=cells, rejections=[])
    inventory = build(collection, ScanOptions(city="甲市", aliases=aliases), as_of=NIGHT)
    return audit_aliases(inventory, aliases)


def states(records: Iterable[Record], *aliases: Alias) -> list[tuple[AliasState, ...]]:
    return [a.states for a in audited(records, *aliases)]


def told(found: AuditedAlias) -> str:
    return "; ".join(tell(s, "en") for s in found.sentences)


def test_a_name_that_a_record_writes_is_in_use() -> None:
    (found,) = audited([A, FILING], alias())

    assert found.states == (AliasState.MATCHED,)
    assert found.uses == (FILING.key,)
    assert found.is_in_order


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (alias("从未有人写过"), AliasState.UNUSED),
        (alias(source="ledger:别处"), AliasState.UNUSED),
        (alias(valid_to=date(2026, 11, 22)), AliasState.EXPIRED),
        (alias(valid_from=date(2026, 11, 24)), AliasState.NOT_YET),
        (alias("从未有人写过", valid_from=date(2026, 11, 23), valid_to=date(2026, 11, 23)), AliasState.UNUSED),
        (alias("x", AliasKind.TENANT, valid_to=date(2026, 11, 22)), AliasState.EXPIRED),
    ],
)
def test_a_name_that_means_nothing_tonight_is_for_a_person(entry: Alias, expected: AliasState) -> None:
    (found,) = audited([A, FILING, EDU], entry)

    assert found.states == (expected,)
    assert not found.is_in_order


def test_the_last_day_is_a_day_on_which_it_holds() -> None:
    assert states([A, FILING], alias(valid_from=date(2026, 11, 23), valid_to=date(2026, 11, 23))) == [
        (AliasState.MATCHED,)
    ]


def test_a_refusal_that_nothing_asks_for_is_in_order() -> None:
    (found,) = audited([A], alias(answer=Answer.DIFFERENT))

    assert found.states == (AliasState.UNUSED,)
    assert found.is_in_order


@pytest.mark.parametrize("fields", [{"system": "S-404"}, {"system": "P-1"}])
def test_a_target_that_the_register_lacks_dangles(fields: dict[str, str]) -> None:
    (found,) = audited([A, FILING, project("P-1")], alias(**fields))

    assert found.states == (AliasState.DANGLING, AliasState.MATCHED)
    assert "is not in the register" in told(found)


@pytest.mark.parametrize("cut", ["system", "project", "department"])
@pytest.mark.parametrize("thing", ["system", "project", "department"])
def test_of_a_register_that_was_not_seen_whole_it_is_said_so(thing: str, cut: str) -> None:
    kind = {
        "system": AliasKind.SYSTEM_NAME,
        "project": AliasKind.PROJECT_NAME,
        "department": AliasKind.DEPARTMENT_NAME,
    }[thing]
    (found,) = audited([A], alias("某某", kind, **{thing: "X-404"}), cut=cut)

    assert found.states == (AliasState.DANGLING,)
    assert told(found) == (
        "X-404 is not in what was seen of the register, which is not all of it"
        if cut == thing
        else "X-404 is not in the register, or not one thing there"
    )


@pytest.mark.parametrize(
    "other",
    [alias(system="S-B"), alias(answer=Answer.DIFFERENT), alias(system="S-404"), alias(source="ledger", system="S-B")],
)
def test_two_entries_that_contradict_each_other_are_both_told(other: Alias) -> None:
    one = alias(origin="names.yaml[1]")
    found = {a.alias: a for a in audited([A, B, FILING], one, other)}

    assert AliasState.CONTRADICTORY in found[one].states
    assert AliasState.CONTRADICTORY in found[other].states
    assert "names.yaml[1], 王敏 2026-11-20 says otherwise: S-A" in told(found[other])


def test_a_refusal_that_contradicts_is_told_as_one() -> None:
    (found, _) = audited([A, FILING], alias(), alias(answer=Answer.DIFFERENT, origin="names.yaml[2]"))

    assert told(found) == "names.yaml[2], 王敏 2026-11-20 says otherwise: ≠ S-A; 1 record(s) write it"


def test_what_several_contradict_is_contradictory_once() -> None:
    entries = (alias(), alias(system="S-B"), alias(answer=Answer.DIFFERENT))

    assert [s.count(AliasState.CONTRADICTORY) for s in states([A, B, FILING], *entries)] == [1, 1, 1]


@pytest.mark.parametrize(
    "other",
    [
        alias(system="S-B", answer=Answer.DIFFERENT),
        alias(system="S-B", source="openstack"),
        alias("城管二期", system="S-B"),
        alias(valid_from=date(2027, 1, 1), system="S-B"),
    ],
)
def test_entries_that_speak_of_different_things_do_not_contradict_each_other(other: Alias) -> None:
    first = alias(source="ledger:等保备案", valid_to=date(2026, 12, 31))

    found = {a.alias: a.states for a in audited([A, B, FILING], first, other)}

    assert found[first] == (AliasState.MATCHED,)
    assert AliasState.CONTRADICTORY not in found[other]


def test_a_name_that_is_the_register_s_own_of_another_is_told() -> None:
    (found,) = audited([A, B], alias("智慧水务平台"))
    (by_code,) = audited([A, B], alias("s-b"))
    (unit,) = audited(
        [department("市教育局"), department("市水利局")],
        alias("市水利局", AliasKind.DEPARTMENT_NAME, department="市教育局"),
    )
    (both,) = audited([A, B, project("P-1", name="甲"), project("P-2", name="乙")],
                      alias("乙", AliasKind.PROJECT_NAME, project="P-1"))  # fmt: skip

    assert {f.states for f in (found, by_code, unit, both)} == {(AliasState.CONTRADICTORY,)}
    assert "calls S-B so" in told(found)
    assert "calls 市水利局 so" in told(unit)


def test_all_that_the_register_calls_so_are_named() -> None:
    twin = system("S-C", name="智慧水务平台")

    (found,) = audited([A, B, twin], alias("智慧水务平台"))

    assert told(found) == "the register itself calls S-B, S-C so"


def test_of_a_renamed_unit_the_present_name_is_the_register_s_own() -> None:
    code = "11420682011158671E"
    rows = [
        department("市大数据局", code=code, valid_to=date(2024, 2, 28)),
        department("市数据局", code=code, valid_from=date(2024, 3, 1)),
        department("市水利局"),
    ]

    same, other = audited(
        rows,
        alias("市大数据局", AliasKind.DEPARTMENT_NAME, department=code),
        alias("市大数据局", AliasKind.DEPARTMENT_NAME, department="市水利局"),
    )

    assert told(same) == "王敏 2026-11-20 says otherwise: 市水利局"
    assert told(other) == "王敏 2026-11-20 says otherwise: 11420682011158671E"
    (alone,) = audited(rows, alias("市大数据局", AliasKind.DEPARTMENT_NAME, department="市水利局"))
    assert told(alone) == "the register itself calls 市数据局 so"


def test_a_contested_tenant_or_host_is_told_with_what_contests_it() -> None:
    host = sighting("web", nics=(), labels={"system": "S-B"})

    (found,) = audited([A, B, host], alias("web", AliasKind.HOST))
    assert found.states == (AliasState.CONTRADICTORY, AliasState.MATCHED)
    assert told(found) == (
        "whose web is, is contested: the confirmed name web (王敏 2026-11-20) says S-A, the label system=S-B says S-B; "
        "1 record(s) write it"
    )

    twin = tenant("edu-prod", native_id="t-2")
    (found,) = audited([A, EDU, twin], alias("edu-prod", AliasKind.TENANT))
    assert "several bear that name" in told(found)


def test_a_name_that_a_declaration_outranks_is_told() -> None:
    row = OwnershipDeclaration(source=REGISTER, native_id="1", observed_at=NIGHT, target="edu-prod", systems=("S-B",))
    same, different = (alias("edu-prod", AliasKind.TENANT, answer=a, system=s) for a, s in
                       ((Answer.SAME, "S-A"), (Answer.DIFFERENT, "S-B")))  # fmt: skip

    for entry in (same, different):
        (found,) = audited([A, B, row, EDU], entry)
        assert found.states == (AliasState.CONTRADICTORY, AliasState.MATCHED)
        assert "belongs to S-B, 市水利局 by a stronger word" in told(found)


def test_what_the_register_lacks_is_told_once_and_not_as_a_contradiction_too() -> None:
    row = OwnershipDeclaration(source=REGISTER, native_id="1", observed_at=NIGHT, target="edu-prod", systems=("S-B",))

    (found,) = audited([A, B, row, EDU], alias("edu-prod", AliasKind.TENANT, system="S-404"))

    assert found.states == (AliasState.DANGLING, AliasState.MATCHED)


def test_a_former_name_is_in_use_while_a_project_of_its_time_bears_it() -> None:
    old = alias("市建委", AliasKind.DEPARTMENT_NAME, department="市住建局", valid_to=date(2019, 3, 1))
    works = project("P-1", department="市建委", awarded_on=date(2018, 5, 6))

    assert states([department("市住建局"), works], old) == [(AliasState.MATCHED,)]
    assert states([department("市住建局")], old) == [(AliasState.EXPIRED,)]
