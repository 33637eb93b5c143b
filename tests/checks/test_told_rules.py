"""What the runner, the audit of waivers and the list of dates say, whole: what no single check decides."""

import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import builders as b
import pytest
from told import page, told_finding
from verdicts import assert_whole, english

from checks.catalogue import CATALOGUE
from checks.check import Check, Opinion, Strength, kind_words, run
from checks.due import due
from checks.judge import judge
from checks.policy import Policy
from checks.waivers import audit, told_of
from inventory.coverage import CellState, Coverage, Rejection
from inventory.finding import Finding, Subject, Verdict
from inventory.inventory import Inventory
from inventory.records import ClassifiedTrace, CountMismatch, Funding, Level, Port, ProjectKind, Segment
from inventory.settings import PolicyChoices
from inventory.text import Message, msg
from inventory.waiver import Selector, Waiver

FAIL, UNKNOWN, ADVISORY, PASS, NOT_APPLICABLE = Verdict
SYSTEM, TENANT = b.system(), b.tenant()
WEB = Subject(kind="host", id="h-1", name="edu-web-1", department="市教育局", projects=("P-1",))


def says(verdict: Verdict = PASS, subject: Subject = WEB, **given: Any) -> Opinion:
    missing = (msg("a look"),) if verdict is UNKNOWN else ()
    return Opinion(
        **{"subject": subject, "verdict": verdict, "reason": msg("so it is"), "missing": missing,
           "evidence": (SYSTEM.key,), **given}
    )  # fmt: skip


def check(*opinions: Opinion, **given: Any) -> Check:
    """A check of systems and hosts that says just this."""
    fields: dict[str, Any] = {
        "id": "0-test", "title": msg("A check of the test"), "articles": ("14",), "clause": "14-a",
        "subject_kind": "host", "strength": Strength.MUST, "reads": ("host", "system"),
        "judge": lambda _inventory, _policy: opinions, "remedy": msg("the check's own remedy"), **given,
    }  # fmt: skip
    return Check(**fields)


def ran(
    *opinions: Opinion, coverage: Coverage | None = None, seen: datetime = b.NIGHT, told: datetime = b.NIGHT,
    policy: Policy | None = None, **given: Any,
) -> Iterable[Finding]:  # fmt: skip
    """What the runner makes of the opinions, in a city where everything was seen, its system and tenant at a moment."""
    inventory = b.inventory(
        coverage=coverage or b.coverage(), systems=(b.with_fields(SYSTEM, observed_at=seen),),
        tenants=(b.with_fields(TENANT, observed_at=told),),
    )  # fmt: skip
    return run(check(*opinions, **given), inventory, policy or b.policy())


def row(number: int, *touches: str, source: str = b.REGISTER) -> Rejection:
    found = b.rejection(*touches, source=source)
    return b.with_fields(found, row=number)


def rejected(*rows: Rejection) -> Coverage:
    return b.coverage(rejections=rows)


def gaps(kind: str, scopes: int, state: CellState = CellState.FAILED, source: str = b.CLOUD) -> Coverage:
    """So many cells of this kind that were not read, and no other cell of it there."""
    cells = [b.cell(source, kind, state, f"region-{n:02}") for n in range(scopes)]
    return b.coverage(*cells)


OLDEST, NEWEST = b.NIGHT - timedelta(hours=48), b.NIGHT + timedelta(hours=48)
SECOND = timedelta(seconds=1)
OTHER_LEDGER = "ledger:filings"
ELSEWHERE = Coverage(
    b.coverage().sources,
    [*b.coverage().results, b.cell(OTHER_LEDGER, "mlps_filing")],
    [row(7, "P-1", source=OTHER_LEDGER)],
)
BESIDE = Coverage(
    b.coverage().sources, [*b.coverage().results, b.cell(OTHER_LEDGER, "system")], [row(7, "P-1", source=OTHER_LEDGER)]
)
OWN_WORDS = rejected(row(7, " H-1 "))

RUN: dict[str, Callable[[], Iterable[Finding]]] = {
    "a pass has no remedy": lambda: ran(says(remedy=msg("its own remedy"))),
    "a breach has the check's remedy": lambda: ran(says(FAIL)),
    "advice with a remedy of its own": lambda: ran(says(ADVISORY, remedy=msg("its own remedy"))),
    "what is unknown says what is missing, in its order": lambda: ran(says(UNKNOWN, missing=(msg("b"), msg("a")))),
    "articles of its own": lambda: ran(says(FAIL, articles=("16", "mlps-43"))),
    "the evidence is sorted, and each key told once": lambda: ran(says(evidence=("b", "a", "b"))),
    "by subject": lambda: ran(says(subject=Subject(kind="host", id="b", name="b")),
                      says(subject=Subject(kind="host", id="a", name="a"))),
    "seen forty-eight hours ago": lambda: ran(says(), seen=OLDEST),
    "seen a second earlier": lambda: ran(says(), seen=OLDEST - SECOND),
    "a breach that was seen too long ago": lambda: ran(says(FAIL), seen=OLDEST - SECOND),
    "what does not apply does not grow old": lambda: ran(says(NOT_APPLICABLE), seen=OLDEST - SECOND),
    "seen forty-eight hours after the clock": lambda: ran(says(), seen=NEWEST),
    "seen a second later": lambda: ran(says(), seen=NEWEST + SECOND),
    "two old readings, the older is told": lambda: ran(
        says(evidence=(SYSTEM.key, TENANT.key)), seen=OLDEST - SECOND, told=OLDEST - 2 * SECOND
    ),
    "two readings after the clock, the later is told": lambda: ran(
        says(evidence=(SYSTEM.key, TENANT.key)), seen=NEWEST + SECOND, told=NEWEST + timedelta(hours=1)
    ),
    "one too old and one after the clock": lambda: ran(
        says(evidence=(SYSTEM.key, TENANT.key)), seen=OLDEST - SECOND, told=NEWEST + SECOND
    ),
    "the policy trusts a day": lambda: ran(says(), seen=b.NIGHT - timedelta(hours=25), policy=b.policy(fresh_hours=24)),
    "a rejected row of the register names its project": lambda: ran(says(), coverage=rejected(row(7, "P-1"))),
    "a rejected row names it": lambda: ran(says(), coverage=OWN_WORDS),
    "a rejected row names what it rests on": lambda: ran(says(rests_on=("S-1",)), coverage=rejected(row(7, "s-1"))),
    "rows in their order, each told once": lambda: ran(
        says(), coverage=rejected(row(9, "h-1", "edu-web-1"), row(7, "h-1"))
    ),
    "a rejected row names something else": lambda: ran(says(), coverage=rejected(row(7, "P-10"))),
    "a breach by evidence stands": lambda: ran(says(FAIL), coverage=OWN_WORDS),
    "a breach from absence does not": lambda: ran(says(FAIL, from_absence=True), coverage=OWN_WORDS),
    "nor advice from absence": lambda: ran(says(ADVISORY, from_absence=True), coverage=OWN_WORDS),
    "nor what does not apply, from absence": lambda: ran(says(NOT_APPLICABLE, from_absence=True), coverage=OWN_WORDS),
    "what does not apply by evidence stands": lambda: ran(says(NOT_APPLICABLE), coverage=OWN_WORDS),
    "what is unknown stays as it is": lambda: ran(says(UNKNOWN, from_absence=True), coverage=OWN_WORDS),
    "a ledger of a kind that the check does not read": lambda: ran(says(), coverage=ELSEWHERE),
    "a ledger of a kind that the check does not read names it itself": lambda: ran(
        says(), coverage=Coverage(ELSEWHERE.sources, ELSEWHERE.results, [row(7, "h-1", source=OTHER_LEDGER)])
    ),
    "a ledger that it reads, which is no project register, names its project": lambda: ran(says(), coverage=BESIDE),
    "a ledger without cells": lambda: ran(says(), coverage=rejected(row(7, "P-1", source="ledger:broken"))),
    "hosts were not listed": lambda: ran(coverage=gaps("host", 1), enumerates=("host",)),
    "more cells than are told": lambda: ran(coverage=gaps("host", 12), enumerates=("host",)),
    "as many cells as are told": lambda: ran(coverage=gaps("host", 10), enumerates=("host",)),
    "a service that the source does not have": lambda: ran(
        coverage=gaps("host", 1, CellState.NOT_CONFIGURED), enumerates=("host",)
    ),
    "two sources": lambda: ran(
        coverage=b.coverage(b.cell(b.CLOUD, "host", CellState.FAILED), b.cell(b.SSH, "host", CellState.PARTIAL)),
        enumerates=("host",),
    ),
    "a source that brings no subjects": lambda: ran(
        coverage=gaps("host", 1), enumerates=("host",), enumerated_by="ledger:"
    ),
    "a source that brings them": lambda: ran(
        coverage=gaps("system", 1, source=b.REGISTER), enumerates=("system",), enumerated_by="ledger:"
    ),
    "no source of systems": lambda: ran(coverage=b.coverage(without=("system",)), enumerates=("system",)),
    "no source of volumes": lambda: ran(coverage=b.coverage(without=("storage",)), enumerates=("storage",)),
    "a rule without the clause": lambda: ran(
        says(FAIL), policy=b.policy(pack=b.with_fields(b.policy().pack, without=("0-test",)))
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", RUN)
def test_the_runner_makes_of_it_what_the_page_says(name: str) -> None:
    findings = list(RUN[name]())

    for finding in findings:
        if finding.evidence:
            assert_whole(finding)
    assert "\n\n".join(map(told_finding, findings)) == page("run")[name]


@pytest.mark.parametrize("name", ["seen a second earlier", "seen a second later"])
@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/New_York"])
def test_the_hour_is_that_of_the_law_wherever_the_machine_stands(
    name: str, zone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        assert "\n\n".join(map(told_finding, RUN[name]())) == page("run")[name]
    finally:
        monkeypatch.undo()
        time.tzset()


def test_every_section_of_the_runner_is_a_case() -> None:
    assert list(page("run")) == list(RUN)


def test_no_opinion_is_unknown_without_saying_what_would_settle_it() -> None:
    with pytest.raises(ValueError, match="host/h-1: an unknown verdict must say what would settle it"):
        says(UNKNOWN, missing=())


@pytest.mark.parametrize("kind", ["host", "tenant", "sharing_use", "third_party"])
def test_kinds_are_told_in_the_readers_words(kind: str) -> None:
    assert isinstance(kind_words(kind), Message)
    assert kind_words("unheard of") == "unheard of"


SEEN_LONG_AGO: dict[str, tuple[str, Any]] = {
    "departments": ("departments", b.department()),
    "projects": ("projects", b.project()),
    "systems": ("systems", SYSTEM),
    "contracts": ("third_parties", b.contract()),
    "filings": ("filings", b.filing()),
    "assessments": ("assessments", b.assessment()),
    "sharing entries": ("sharing_entries", b.entry()),
    "sharing calls": ("sharing_uses", b.use()),
    "tenants": ("tenants", TENANT),
    "workloads": ("workloads", b.workload()),
    "volumes": ("storages", b.storage()),
    "segments": ("segments", Segment(source=b.CLOUD, native_id="n", observed_at=b.NIGHT, cidr="10.0.0.0/8",
                                     domain="d")),
    "ports": ("ports", Port(source=b.CLOUD, native_id="p", observed_at=b.NIGHT, mac="fa:16:3e:00:00:01")),
    "traces": ("classified_traces", ClassifiedTrace(source=b.CLOUD, native_id="t", observed_at=b.NIGHT, what="host",
                                                    count=1)),
    "counts": ("count_mismatches", CountMismatch(
        source=b.CLOUD, native_id="c", observed_at=b.NIGHT, what="host", place_kind="tenant", place="edu",
        place_id="edu", expected=2, seen=1, expected_by="placement",
    )),
    "sightings": ("hosts", b.sighting()),
}  # fmt: skip


@pytest.mark.parametrize("what", SEEN_LONG_AGO)
def test_whatever_decides_may_be_too_old(what: str) -> None:
    field, record = SEEN_LONG_AGO[what]
    old = b.with_fields(record, observed_at=OLDEST - SECOND)
    held = b.host(sightings=(old,)) if field == "hosts" else old

    (finding,) = run(check(says(evidence=(record.key,))), b.inventory(**{field: (held,)}), b.policy())

    assert finding.verdict is UNKNOWN
    assert record.key in english(finding.reason)


# ── waivers ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def waiver(**fields: Any) -> Waiver:
    given: dict[str, Any] = {
        "id": "W-1", "check": "14-standalone-compute", "selector": Selector(subject="id-tower-1"),
        "reason": "迁移期间保留", "requester": "张三", "approver": "李四", "document": "河数函〔2026〕3号",
        "starts_on": date(2026, 6, 1), "expires_on": date(2026, 12, 31),
    }  # fmt: skip
    return Waiver(**{**given, **fields})


BOTH = b.city(hosts=(b.host(), b.tower(), b.tower("tower-2", commissioned_on=None)))
TWO_YEARS = {"expires_on": date(2028, 5, 31)}
WAIVERS: dict[str, tuple[list[Waiver], dict[str, Any]]] = {
    "in use": ([waiver()], {}),
    "its last day is today": ([waiver(expires_on=b.TODAY)], {}),
    "it ended yesterday": ([waiver(expires_on=date(2026, 11, 22))], {}),
    "it ended yesterday, with nothing left to waive": (
        [waiver(expires_on=date(2026, 11, 22), selector=Selector(subject="host/id-edu-web-1"))], {}
    ),
    "it begins tomorrow": ([waiver(starts_on=date(2026, 11, 24))], {}),
    "thirty days left": ([waiver(expires_on=date(2026, 12, 23))], {}),
    "thirty-one days left": ([waiver(expires_on=date(2026, 12, 24))], {}),
    "ten days left, where nine are asked": ([waiver(expires_on=date(2026, 12, 3))], {"waiver_warn_days": 9}),
    "its subject is there, with nothing to waive": ([waiver(selector=Selector(subject="id-edu-web-1"))], {}),
    "its subject is unknown": ([waiver(selector=Selector(subject="id-tower-2"))], {}),
    "nothing is what it speaks of": ([waiver(selector=Selector(subject="id-gone"))], {}),
    "of a department": ([waiver(selector=Selector(department="市教育局"))], {}),
    "of a project": ([waiver(selector=Selector(project="p-1"))], {}),
    "of a project, itself the subject": (
        [waiver(check="18-supervision", selector=Selector(project="P-1"))], {}
    ),
    "of a project that is called as the machine is": ([waiver(selector=Selector(project="id-tower-1"))], {}),
    "of no department": ([waiver(selector=Selector(department="-"))], {}),
    "of what was not seen": ([waiver(selector=Selector(subject=b.CLOUD))], {}),
    "of every check": ([waiver(check="*")], {}),
    "of a check that is none": ([waiver(check="14-standalone")], {}),
    "of nothing": ([waiver(selector=Selector())], {}),
    "approved by who asked": ([waiver(approver="张 三")], {}),
    "it ends before it begins": ([waiver(expires_on=date(2026, 5, 31))], {}),
    "it holds longer than a year": ([waiver(expires_on=date(2027, 6, 2))], {}),
    "two years, as the policy may allow": ([waiver(**TWO_YEARS)], {"waiver_months": 24}),
    "by their numbers": ([waiver(id="W-2"), waiver(id="W-1")], {}),
}  # fmt: skip


def audited(name: str) -> str:
    waivers, choices = WAIVERS[name]
    policy = b.policy(PolicyChoices(**choices), waivers=tuple(waivers))
    seen = replace(BOTH, coverage=b.coverage(b.cell(b.CLOUD, "host", CellState.PARTIAL)))
    looked_at = audit(judge(seen, b.policy()), policy, b.TODAY, [c.id for c in CATALOGUE])
    return "\n".join(
        line
        for found in looked_at
        for line in (
            f"{found.waiver.id} of {found.waiver.check}: {', '.join(found.states)}",
            *(f"  {english(sentence)}" for sentence in found.sentences),
            *(f"  waives: {key}" for key in found.findings),
        )
    )


@pytest.mark.parametrize("name", WAIVERS)
def test_an_audit_says_what_the_page_says(name: str) -> None:
    assert audited(name) == page("waivers")[name]


def test_every_section_of_the_audit_is_a_case() -> None:
    assert list(page("waivers")) == list(WAIVERS)


def test_a_waived_finding_says_by_whose_word_and_until_when() -> None:
    (found,) = (f for f in judge(BOTH, b.policy(waivers=(waiver(),))) if f.is_waived)

    assert found.disposition is not None
    assert english(told_of(found.disposition)) == (
        "waived by 河数函〔2026〕3号 (waiver W-1), approved by 李四, until 2026-12-31: 迁移期间保留"
    )


# ── dates to come ─────────────────────────────────────────────────────────────────────────────────────────────────────

LEDGERS = {
    "third_parties": (b.contract(), b.contract("C-2", valid_to=None)),
    "systems": (b.system(migration_plan_cutover_on=date(2027, 3, 1)), b.system("S-2", is_retired=True)),
    "filings": (b.filing(), b.filing("42060012345-00002", filed_on=date(2026, 1, 1)), b.platform_filing(),
                b.filing("42060012345-00003", system="S-2")),
}  # fmt: skip
ACCEPTED = {"final_acceptance_on": date(2025, 2, 1), "in_operation_on": date(2025, 3, 1)}


def owing(**given: Any) -> Inventory:
    """A project that was awarded today."""
    return b.inventory(projects=(b.project(systems=(), **{"awarded_on": b.TODAY, **given}),))


KEPT = b.project("P-9", systems=(), awarded_on=date(2024, 3, 1), supervision_applied_on=date(2024, 3, 4))
DUE: dict[str, tuple[Inventory, Policy]] = {
    "certificates, reports, contracts, a cut-over, the rule": (b.city(**LEDGERS), b.policy()),
    "by a rule without clauses on contracts and migration": (
        b.city(**LEDGERS), b.policy(pack=b.with_fields(b.policy().pack, without=("14-third-party", "16-migration")))
    ),
    "a cut-over after the owner's deadline": (
        b.city(projects=(b.legacy_project(),), systems=LEDGERS["systems"], filings=(), assessments=()),
        b.policy(PolicyChoices(legacy_deadline=date(2027, 1, 1))),
    ),
    "the owner's deadline, off the cloud without a plan": (
        b.city(projects=(b.legacy_project(),), hosts=(b.tower(ownership=b.owned()),), filings=(), assessments=()),
        b.policy(PolicyChoices(legacy_deadline=date(2027, 1, 1))),
    ),
    "the owner's deadline, on the cloud": (
        b.city(projects=(b.legacy_project(),), filings=(), assessments=()),
        b.policy(PolicyChoices(legacy_deadline=date(2027, 1, 1))),
    ),
    "the owner's deadline is not for what is new": (
        b.city(hosts=(b.tower(ownership=b.owned()),), filings=(), assessments=()),
        b.policy(PolicyChoices(legacy_deadline=date(2027, 1, 1))),
    ),
    "a cut-over of a system that has moved": (
        b.inventory(systems=(b.system(funding=Funding.GOVERNMENT, migration_plan_cutover_on=date(2027, 3, 1),
                                      migrated_on=date(2026, 3, 1)),)), b.policy()
    ),
    "a cut-over of a system of the province": (
        b.inventory(systems=(b.system(funding=Funding.GOVERNMENT, level=Level.PROVINCE,
                                      migration_plan_cutover_on=date(2027, 3, 1)),)), b.policy()
    ),
    "funding not said: protection is due all the same, the cut-over is open": (
        b.city(projects=(), systems=(b.system(migration_plan_cutover_on=date(2027, 3, 1)),)), b.policy()
    ),
    "a report dated tomorrow is not counted from": (
        b.city(assessments=(b.assessment(reported_on=date(2026, 11, 24)), b.assessment(native_id="report 2"))),
        b.policy(),
    ),
    "an application": (owing(), b.policy()),
    "an application, made": (owing(supervision_applied_on=b.TODAY), b.policy()),
    "an application of operation and maintenance": (owing(project_kind=ProjectKind.OPERATION), b.policy()),
    "an application of consulting": (owing(project_kind=ProjectKind.CONSULTING), b.policy()),
    "an award before the regulation": (owing(awarded_on=date(2024, 1, 14)), b.policy()),
    "an award on the regulation's first day, in a register that keeps the day": (
        b.inventory(projects=(b.project(systems=(), awarded_on=date(2024, 1, 15)), KEPT)), b.policy()
    ),
    "thirty days after the award": (owing(awarded_on=date(2026, 10, 24)), b.policy()),
    "thirty-one days after the award": (owing(awarded_on=date(2026, 10, 23)), b.policy()),
    "thirty-one days after it, in a register that keeps the day": (
        b.inventory(projects=(b.project(systems=(), awarded_on=date(2026, 10, 23)), KEPT)), b.policy()
    ),
    "an application over New Year": (owing(awarded_on=date(2026, 12, 30)), b.policy()),
    "a self-evaluation": (owing(**ACCEPTED, supervision_applied_on=b.TODAY), b.policy()),
    "a self-evaluation, made": (
        owing(**ACCEPTED, supervision_applied_on=b.TODAY, self_evaluation_on=date(2026, 4, 1)), b.policy()
    ),
    "a self-evaluation of what did not pass": (
        owing(**ACCEPTED, supervision_applied_on=b.TODAY, acceptance_conclusion="不通过"), b.policy()
    ),
    "waivers": (b.inventory(), b.policy(waivers=(waiver(),))),
}  # fmt: skip


def dates(name: str) -> str:
    return "\n".join(
        f"{d.due_on} {d.kind.value} of {d.subject.key} “{d.subject.name}”, "
        f"under {' '.join(d.articles) or 'no article'}, by {' '.join(d.evidence) or 'no record'}"
        f"{', provisional' if d.is_provisional else ''}"
        for d in due(*DUE[name])
    )


@pytest.mark.parametrize("name", DUE)
def test_the_dates_are_those_of_the_page(name: str) -> None:
    assert dates(name) == page("due")[name]


def test_every_section_of_the_dates_is_a_case() -> None:
    assert list(page("due")) == list(DUE)
