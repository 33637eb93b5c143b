"""What holds for every check: each verdict occurs, each can be waived where it may, unknown is never an answer.

The table is by hand on purpose: a new check without its cases fails here.
"""

from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from datetime import date
from typing import Any, get_args, get_type_hints

import builders as b
import msgspec
import pytest
from verdicts import assert_whole

from checks.catalogue import CATALOGUE
from checks.check import Check, run
from checks.decision import ORDER
from checks.judge import judge
from checks.policy import Policy
from checks.waivers import WAIVABLE
from inventory.coverage import CellState
from inventory.finding import Finding, Verdict
from inventory.history import History, Night, days_between, host_key
from inventory.hosts import Host, Place
from inventory.inventory import Inventory
from inventory.records import (
    BlockDevice,
    ClassifiedPlaceholder,
    ClassifiedTrace,
    CountMismatch,
    Funding,
    Mount,
    Project,
    ProjectKind,
    Segment,
    SharingType,
    Storage,
    System,
    View,
)
from inventory.settings import PolicyChoices
from inventory.waiver import Selector, Waiver

FAIL, UNKNOWN, ADVISORY, PASS, NOT_APPLICABLE = Verdict

Case = Inventory | tuple[Inventory, Policy]

NON_FISCAL = b.project(funding=Funding.NON_FISCAL)
CLOUD_GONE = b.coverage(b.cell(b.CLOUD, "host", CellState.FAILED))
REGISTER_GONE = b.coverage(b.cell(b.REGISTER, "system", CellState.PARTIAL))


def legacy(**given: Any) -> Inventory:
    return b.city(**{"projects": (b.legacy_project(),), **given})


NFS = Mount(target="/d", fstype="nfs4", origin="nas:/d")


def mounted(server: Host) -> Inventory:
    """A cloud host whose files come from the server."""
    user = b.sighting("edu-web-1", View.OS, b.SSH, zone="z", mounts=(NFS,))
    inside = tuple(msgspec.structs.replace(s, zone="z", name="nas") for s in server.sightings)
    return b.city(hosts=(b.host(sightings=(b.sighting(), user)), replace(server, sightings=inside)))


def segment(**given: Any) -> Inventory:
    said = {"source": "ledger:网段", "native_id": "n", "observed_at": b.NIGHT, "cidr": "192.168.7.0/24",
            "domain": "专网", "zone": "部门专网区", "department": "市教育局", "is_cloud": False,
            "has_own_exit": False}  # fmt: skip
    return b.inventory(segments=(Segment(**{**said, **given}),))


def planned(**given: Any) -> Inventory:
    return b.inventory(projects=(b.project(systems=(), **given),))


def two_projects(second: Project, **given: Any) -> Inventory:
    """Where another project has a date, an empty cell says that it has not come about."""
    return b.inventory(projects=(b.project(systems=(), **given), second))


def accepted(**given: Any) -> Inventory:
    return planned(final_acceptance_on=date(2024, 8, 1), in_operation_on=date(2024, 8, 1), **given)


def trial(*, watched: bool, **given: Any) -> Inventory:
    nights = tuple(
        Night(day=d, running=frozenset({host_key(b.host())}), is_whole=True)
        for d in days_between(date(2026, 9, 1), date(2026, 11, 22))
    )
    steps = {"initial_acceptance_on": date(2026, 9, 1), "trial_start_on": date(2026, 9, 3), **given}
    history = History(nights=nights) if watched else History()
    return b.city(projects=(b.project(**steps),), history=history)


def deadline(inventory: Inventory, **choices: Any) -> tuple[Inventory, Policy]:
    return inventory, b.policy(PolicyChoices(**choices))


def designed(**given: Any) -> Inventory:
    """A city whose one project runs one server of 4 vCPU, and has a design book."""
    return b.city(hosts=(b.host(sightings=(b.sized(),)),), design_items=(b.design_item(**given),))


def placeholder(what: str = "system") -> ClassifiedPlaceholder:
    return ClassifiedPlaceholder(source=b.REGISTER, native_id="1", observed_at=b.NIGHT, what=what)


TRACE = ClassifiedTrace(source=b.CLOUD, native_id="host", observed_at=b.NIGHT, what="host", count=1)
MISMATCH = CountMismatch(
    source=b.CLOUD, native_id="m", observed_at=b.NIGHT, what="host", place_kind="tenant", place="edu", place_id="edu",
    expected=2, seen=1, expected_by="nova quota",
)  # fmt: skip
OTHER = b.project("P-9", systems=(), awarded_on=date(2024, 3, 1), supervision_applied_on=date(2024, 3, 4),
                  final_acceptance_on=date(2024, 9, 1), in_operation_on=date(2024, 9, 1),
                  acceptance_report_on=date(2024, 9, 3), self_evaluation_on=date(2025, 10, 1))  # fmt: skip

CASES: dict[str, dict[Verdict, Case]] = {
    "14-standalone-compute": {
        PASS: b.city(),
        FAIL: b.city(hosts=(b.tower(),)),
        UNKNOWN: b.city(hosts=(b.tower(commissioned_on=None),)),
        NOT_APPLICABLE: b.city(hosts=(b.tower(commissioned_on=date(2019, 1, 1)),)),
        ADVISORY: b.city(hosts=(b.tower(sightings=(b.sighting("x", View.ASSET, is_appliance=True),)),)),
    },
    "14-standalone-storage": {
        PASS: mounted(b.host("nas")),
        FAIL: mounted(b.tower("nas")),
        UNKNOWN: mounted(b.tower("nas", commissioned_on=None)),
        NOT_APPLICABLE: mounted(b.tower("nas", commissioned_on=date(2019, 1, 1))),
    },
    "14-third-party": {
        PASS: b.city(third_parties=(b.contract(),)),
        FAIL: b.city(
            hosts=(b.host(place=Place.THIRD_PARTY),), third_parties=(b.contract(valid_to=date(2026, 1, 31)),)
        ),
        UNKNOWN: b.city(third_parties=(b.contract(filing_number=None),)),
        NOT_APPLICABLE: b.city(hosts=(), third_parties=(b.contract(valid_to=date(2026, 1, 31)),)),
    },
    "14-unregistered": {
        PASS: b.city(),
        FAIL: deadline(b.city(hosts=(b.host(ownership=b.NOBODY),)), unregistered_fails=True),
        ADVISORY: b.city(hosts=(b.host(ownership=b.NOBODY),)),
        UNKNOWN: b.city(hosts=(b.host(ownership=b.CONTESTED),)),
        NOT_APPLICABLE: b.city(
            hosts=(b.host(ownership=b.NOBODY, sightings=(b.sighting("n", View.NODE, b.CLUSTER),)),)
        ),
    },
    "14-cross-check": {UNKNOWN: b.inventory(count_mismatches=(MISMATCH,))},
    "15-platform": {
        PASS: b.city(),
        FAIL: b.city(assessments=(b.assessment(),)),
        UNKNOWN: b.city(filings=(b.filing(), b.platform_filing(level=None))),
        ADVISORY: b.city(filings=(b.filing(), b.platform_filing(template="2007", filed_on=date(2024, 6, 1)))),
    },
    "mlps-filing": {
        PASS: b.city(),
        FAIL: b.city(filings=(b.platform_filing(),)),
        UNKNOWN: b.city(filings=(b.filing(number_unreliable=True), b.platform_filing())),
        ADVISORY: b.city(filings=(b.filing("42010012345-00001"), b.platform_filing())),
        NOT_APPLICABLE: b.city(systems=(b.system(mlps_level=1),), filings=()),
    },
    "mlps-assessment": {
        PASS: b.city(),
        FAIL: b.city(assessments=(b.assessment(reported_on=date(2025, 5, 1)),)),
        UNKNOWN: b.city(assessments=(b.assessment(reported_on=None),)),
        ADVISORY: b.city(systems=(b.system(mlps_level=2),), filings=(b.filing(level=2),), assessments=()),
        NOT_APPLICABLE: b.city(systems=(b.system(mlps_level=1),), filings=()),
    },
    "16-deployment": {
        PASS: b.city(),
        FAIL: b.city(hosts=(b.tower(ownership=b.owned()),)),
        UNKNOWN: b.city(hosts=()),
        NOT_APPLICABLE: legacy(),
    },
    "16-migration": {
        PASS: legacy(),
        FAIL: deadline(legacy(hosts=(b.tower(ownership=b.owned()),)), legacy_deadline=date(2026, 1, 1)),
        ADVISORY: legacy(hosts=(b.tower(ownership=b.owned()),)),
        UNKNOWN: legacy(hosts=()),
        NOT_APPLICABLE: b.city(),
    },
    "16-duplicate": {
        PASS: b.city(),
        ADVISORY: b.city(
            systems=(b.system(name="数字城管平台", funding=Funding.GOVERNMENT),
                     b.system("S-2", name="老河口市数字城管系统", funding=Funding.GOVERNMENT)),
        ),
        UNKNOWN: b.city(coverage=REGISTER_GONE),
        NOT_APPLICABLE: b.city(projects=(NON_FISCAL,)),
    },
    "16-extranet": {
        PASS: segment(zone="政务外网公用区"),
        FAIL: deadline(segment(has_own_exit=True), extranet_deadline=date(2026, 6, 30)),
        ADVISORY: segment(has_own_exit=True),
        UNKNOWN: segment(),
        NOT_APPLICABLE: segment(is_cloud=True),
    },
    "16-sharing": {
        PASS: legacy(),
        ADVISORY: legacy(sharing_entries=(), sharing_uses=()),
        UNKNOWN: legacy(sharing_entries=(), coverage=b.coverage(b.cell(b.REGISTER, "sharing_entry", CellState.FAILED))),
        NOT_APPLICABLE: legacy(sharing_entries=(b.entry(sharing_type=SharingType.NONE, legal_basis="法"),)),
    },
    "18-supervision": {
        PASS: planned(awarded_on=date(2026, 2, 12), supervision_applied_on=date(2026, 2, 26)),
        FAIL: planned(awarded_on=date(2026, 2, 12), supervision_applied_on=date(2026, 2, 27)),
        ADVISORY: planned(awarded_on=date(2026, 11, 20)),
        UNKNOWN: planned(),
        NOT_APPLICABLE: planned(project_kind=ProjectKind.TESTING),
    },
    "23.2-trial-run": {
        PASS: trial(watched=True),
        FAIL: trial(watched=True, trial_end_on=date(2026, 9, 20)),
        UNKNOWN: trial(watched=False),
        NOT_APPLICABLE: b.city(),
    },
    "23.7-deployment": {
        PASS: b.city(),
        FAIL: b.city(hosts=(b.tower(ownership=b.owned()),)),
        UNKNOWN: b.city(hosts=()),
        NOT_APPLICABLE: b.city(projects=(NON_FISCAL,)),
    },
    "23.7-sharing": {
        PASS: b.city(),
        FAIL: b.city(sharing_entries=(), sharing_uses=()),
        UNKNOWN: b.city(sharing_entries=(b.entry(resource_id=None),), sharing_uses=()),
        NOT_APPLICABLE: b.city(sharing_entries=(b.entry(sharing_type=SharingType.NONE, legal_basis="法"),)),
    },
    "23.8-reports": {
        PASS: planned(is_platform_project=True, collects_data=False, software_report="R-1",
                      software_report_on=date(2026, 5, 1), software_conclusion="通过"),
        FAIL: planned(is_platform_project=True, collects_data=False, software_report="R-1",
                      software_report_on=date(2026, 5, 1), software_conclusion="不通过"),
        ADVISORY: planned(is_platform_project=True, collects_data=False),
        UNKNOWN: planned(),
        NOT_APPLICABLE: planned(is_platform_project=False, collects_data=False),
    },
    "23-design": {
        PASS: designed(),
        ADVISORY: designed(vcpus=8),
        UNKNOWN: b.city(
            hosts=(b.host(sightings=(b.sized(),)),), design_items=(b.design_item(),), coverage=CLOUD_GONE
        ),
        NOT_APPLICABLE: b.city(),
    },
    "23-acceptance": {
        PASS: b.city(),
        FAIL: b.city(filings=(b.platform_filing(),)),
        UNKNOWN: b.city(hosts=()),
        NOT_APPLICABLE: b.city(projects=(NON_FISCAL,)),
    },
    "24-report": {
        PASS: accepted(acceptance_report_on=date(2024, 8, 9)),
        FAIL: two_projects(OTHER, final_acceptance_on=date(2024, 8, 1)),
        ADVISORY: planned(final_acceptance_on=date(2026, 8, 1), acceptance_conclusion="不通过",
                          last_payment_on=date(2026, 9, 1)),
        UNKNOWN: accepted(),
        NOT_APPLICABLE: planned(),
    },
    "26-self-evaluation": {
        PASS: accepted(self_evaluation_on=date(2025, 9, 1)),
        FAIL: two_projects(OTHER, final_acceptance_on=date(2024, 8, 1), in_operation_on=date(2024, 8, 1)),
        ADVISORY: planned(final_acceptance_on=date(2025, 8, 1), in_operation_on=date(2025, 8, 1)),
        UNKNOWN: planned(final_acceptance_on=date(2024, 8, 1)),
        NOT_APPLICABLE: planned(),
    },
    "28-classified": {
        PASS: b.inventory(classified=(placeholder(),)),
        FAIL: b.inventory(classified_traces=(TRACE,)),
        UNKNOWN: b.inventory(classified=(placeholder(),), coverage=CLOUD_GONE),
        NOT_APPLICABLE: b.inventory(classified=(placeholder(),)),
    },
}  # fmt: skip

NEVER = {
    ("14-cross-check", PASS): "that nobody disagreed may mean that nobody could be asked",
    ("14-cross-check", FAIL): "a number that does not agree proves no breach",
    ("14-cross-check", NOT_APPLICABLE): "it speaks up where services disagree, and only there",
    ("15-platform", NOT_APPLICABLE): "the cloud itself is always reached by Art. 15",
}
"""Verdicts that a check cannot reach, and why."""


def findings_of(check: Check, case: Case, *waivers: Waiver) -> list[Finding]:
    inventory, policy = case if isinstance(case, tuple) else (case, b.policy())
    found = judge(inventory, replace(policy, waivers=waivers), [check])
    for finding in found:
        assert_whole(finding)
    return [f for f in found if f.subject.kind != "coverage"]


def test_every_check_has_its_cases() -> None:
    assert {c.id for c in CATALOGUE} == set(CASES)


@pytest.mark.parametrize("check", CATALOGUE, ids=lambda c: c.id)
def test_every_check_can_pass_breach_doubt_and_step_aside(check: Check) -> None:
    cases = set(CASES[check.id])
    never = {verdict for id_, verdict in NEVER if id_ == check.id}

    assert {PASS, UNKNOWN, NOT_APPLICABLE} <= cases | never
    assert cases & {FAIL, ADVISORY} or FAIL in never
    assert not cases & never


def every_case() -> Iterator[tuple[Check, Verdict, Case]]:
    for check in CATALOGUE:
        for verdict, case in CASES[check.id].items():
            yield check, verdict, case


ALL = list(every_case())


@pytest.mark.parametrize(("check", "verdict", "case"), ALL, ids=[f"{c.id}-{v}" for c, v, _ in ALL])
def test_the_case_has_its_verdict(check: Check, verdict: Verdict, case: Case) -> None:
    found = findings_of(check, case)

    assert verdict in {f.verdict for f in found}, [(f.subject.key, f.verdict.value) for f in found]
    for finding in found:
        assert finding.decided_by in {step.value for step in ORDER}


WAIVED = [(c, v, case) for c, v, case in ALL if v in WAIVABLE]


@pytest.mark.parametrize(("check", "verdict", "case"), WAIVED, ids=[f"{c.id}-{v}" for c, v, _ in WAIVED])
def test_the_case_can_be_waived_and_keeps_its_verdict(check: Check, verdict: Verdict, case: Case) -> None:
    plain = next(f for f in findings_of(check, case) if f.verdict is verdict)
    waiver = Waiver(
        id="W", check=check.id, selector=Selector(subject=plain.subject.key), reason="r", requester="a", approver="c",
        document="文", starts_on=date(2026, 1, 1), expires_on=date(2026, 12, 31),
    )  # fmt: skip

    waived = {f.key: f for f in findings_of(check, case, waiver)}

    assert waived[plain.key].is_waived
    assert msgspec.structs.replace(waived[plain.key], disposition=None) == plain


@pytest.mark.parametrize("check", CATALOGUE, ids=lambda c: c.id)
def test_what_is_not_a_breach_is_never_waived(check: Check) -> None:
    for verdict in (UNKNOWN, PASS, NOT_APPLICABLE):
        case = CASES[check.id].get(verdict)
        if case is None:
            continue
        for finding in findings_of(check, case):
            waiver = Waiver(
                id="W", check=check.id, selector=Selector(subject=finding.subject.key), reason="r", requester="a",
                approver="c", document="文", starts_on=date(2026, 1, 1), expires_on=date(2026, 12, 31),
            )  # fmt: skip
            same = next(f for f in findings_of(check, case, waiver) if f.key == finding.key)
            assert same.is_waived is (finding.verdict in WAIVABLE)


# ── unknown is never an answer ────────────────────────────────────────────────────────────────────────────────────────


def maybe(kind: type[msgspec.Struct]) -> list[str]:
    """Fields that say yes, no, or nothing."""
    hints = get_type_hints(kind)
    return sorted(name for name, hint in hints.items() if set(get_args(hint)) == {bool, type(None)})


SUBJECTS: dict[str, tuple[type[msgspec.Struct], Callable[..., Inventory]]] = {
    "project": (Project, lambda **given: b.city(projects=(b.project(**given),))),
    "accepted project": (
        Project,
        lambda **given: b.city(projects=(b.project(final_acceptance_on=date(2026, 10, 1), **given),)),
    ),
    "system": (System, lambda **given: b.city(projects=(), systems=(b.system(funding=Funding.GOVERNMENT, **given),))),
    "segment": (Segment, segment),
}
QUESTIONS = [(name, field) for name, (kind, _) in SUBJECTS.items() for field in maybe(kind)]
DEFAULTS = {
    ("system", "is_retired"): "the register is the city's own: what it does not call retired runs",
    ("segment", "is_cloud"): "a plan that does not call a network the cloud's lists a department's",
}
"""Where the register's silence means no, and why."""


@pytest.mark.parametrize(("name", "field"), QUESTIONS)
def test_unknown_is_never_an_answer(name: str, field: str) -> None:
    """If yes and no are judged differently, then silence must not be judged as either of them, unless it is said why.

    It may be judged as unknown, or as a case of its own; a check that reads `if not x` where x may be None fails here.
    """
    _, build = SUBJECTS[name]

    def verdicts(value: bool | None) -> dict[str, Verdict]:
        return {f.key: f.verdict for f in judge(build(**{field: value}), b.policy())}

    yes, no, silent = verdicts(True), verdicts(False), verdicts(None)
    for key in yes.keys() & no.keys() & silent.keys():
        if yes[key] is no[key] or silent[key] is UNKNOWN:
            continue
        assert (name, field) in DEFAULTS, f"{key}: yes {yes[key]}, no {no[key]}, silent {silent[key]}"


def test_the_questions_are_the_ones_that_are_meant() -> None:
    """Else the property above would hold of nothing."""
    assert ("project", "is_platform_project") in QUESTIONS
    assert ("segment", "has_own_exit") in QUESTIONS
    assert len(QUESTIONS) >= 8


def test_no_check_answers_unknown_without_saying_what_would_settle_it() -> None:
    for check, verdict, case in ALL:
        for finding in findings_of(check, case):
            assert bool(finding.missing) is (finding.verdict is UNKNOWN), (check.id, verdict)


# ── what a check reads ────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_inventory_is_the_only_thing_that_a_check_gets() -> None:
    assert is_dataclass(Inventory)
    assert "history" in {f.name for f in fields(Inventory)}


def test_block_devices_and_foreign_volumes_do_not_say_where_they_stand() -> None:
    """An array behind a fabric shows no address: unknown, never a breach."""
    check = next(c for c in CATALOGUE if c.id == "14-standalone-storage")
    fabric = b.sighting("x", View.OS, b.SSH, block_devices=(BlockDevice(name="sdb", transport="fc"),))
    foreign = Storage(source="kubernetes:other", native_id="v", observed_at=b.NIGHT, name="v", storage_kind="volume")

    found = run(check, b.inventory(hosts=(b.tower(sightings=(fabric,)),), storages=(foreign,)), b.policy())

    assert {f.verdict for f in found} == {UNKNOWN}
    assert len(found) == 2
