"""What holds for every check: the contract of the catalogue."""

import ast
import importlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from itertools import product
from pathlib import Path
from typing import Any

import builders as b
import pytest
from verdicts import assert_whole

import checks
from checks.catalogue import CATALOGUE, check_by_id
from checks.check import Check, Opinion, Strength
from checks.judge import judge
from checks.regulation import Status, load_pack
from inventory.coverage import CellState
from inventory.finding import Finding, Subject, Verdict
from inventory.hosts import Place
from inventory.inventory import Inventory
from inventory.records import Funding
from inventory.text import msg, tell

PACK = load_pack()
ROOM = Path(checks.__file__).parent
IDS = [c.id for c in CATALOGUE]
by_id = pytest.mark.parametrize("check", CATALOGUE, ids=IDS)


def test_every_module_with_a_check_is_in_the_catalogue() -> None:
    """Listing by hand costs nothing as long as nobody can forget it."""
    modules = [importlib.import_module(f"checks.{p.stem}") for p in sorted(ROOM.glob("*.py")) if p.stem != "__init__"]

    assert {m.CHECK.id for m in modules if hasattr(m, "CHECK")} == set(IDS)
    assert len(set(IDS)) == len(IDS)


def test_the_catalogue_is_what_was_asked_for() -> None:
    assert IDS == [
        "14-standalone-compute",
        "14-standalone-storage",
        "14-third-party",
        "14-unregistered",
        "14-cross-check",
        "15-platform",
        "mlps-filing",
        "mlps-assessment",
        "16-deployment",
        "16-migration",
        "16-duplicate",
        "16-extranet",
        "16-sharing",
        "18-supervision",
        "23.2-trial-run",
        "23.7-deployment",
        "23.7-sharing",
        "23.8-reports",
        "23-design",
        "23-acceptance",
        "24-report",
        "26-self-evaluation",
        "28-classified",
    ]


def test_every_article_is_checked_or_says_why_not() -> None:
    checked = {a for c in CATALOGUE for a in c.articles if a in PACK.articles}
    held = {k for k, a in PACK.articles.items() if a.status in (Status.CHECKED, Status.PARTLY_CHECKED)}

    assert checked == held


@by_id
def test_it_stands_on_what_the_pack_has(check: Check) -> None:
    for article in check.articles:
        PACK.basis(article)
    assert PACK.clauses[check.clause].basis in check.articles
    assert PACK.quote(check.clause)


@by_id
def test_it_can_be_found_by_its_id(check: Check) -> None:
    assert check_by_id(check.id) is check
    assert check_by_id(f"{check.id}-x") is None


def test_an_unknown_verdict_must_say_what_would_settle_it() -> None:
    subject = Subject(kind="host", id="x", name="x")

    with pytest.raises(ValueError, match="must say what would settle it"):
        Opinion(subject=subject, verdict=Verdict.UNKNOWN, reason=msg("open"))


# ── over many cities ──────────────────────────────────────────────────────────────────────────────────────────────────

EVIDENCE: dict[str, Any] = {
    "projects": (),
    "systems": (),
    "hosts": (),
    "filings": (),
    "assessments": (),
    "sharing_entries": (),
    "sharing_uses": (),
    "design_items": (),
}
KINDS_OF = {
    "projects": "project",
    "systems": "system",
    "hosts": "host",
    "filings": "mlps_filing",
    "assessments": "mlps_assessment",
    "sharing_entries": "sharing_entry",
    "sharing_uses": "sharing_use",
    "design_items": "design_item",
}


def cities() -> Iterator[Inventory]:
    """Every mix of era, funding, place and of one kind of evidence that failed, was never planned or is empty."""
    dates = (date(2025, 3, 3), date(2021, 5, 6), None)
    fundings = (Funding.GOVERNMENT, Funding.NON_FISCAL, None)
    hosts = [b.host(place=place) for place in Place] + [b.host(ownership=b.CONTESTED), b.host(ownership=b.NOBODY)]
    for on, funding, host in product(dates, fundings, hosts):
        yield b.city(
            projects=(b.project(awarded_on=on, funding=funding),), hosts=(host,), third_parties=(b.contract(),)
        )
    for field, kind in KINDS_OF.items():
        source = b.CLOUD if kind == "host" else b.REGISTER
        yield b.city(**{field: ()})
        yield b.city(**{field: (), "coverage": b.coverage(b.cell(source, kind, CellState.FAILED))})
        yield b.city(**{field: (), "coverage": b.coverage(without=(kind,))})
    yield b.inventory()
    yield b.inventory(coverage=b.coverage(without=tuple(k for kinds in b.KINDS.values() for k in kinds)))


def all_findings() -> list[Finding]:
    return [f for city in cities() for f in judge(city, b.policy())]


FINDINGS = all_findings()


def test_every_verdict_occurs() -> None:
    """Else the properties below would hold of nothing."""
    assert {f.verdict for f in FINDINGS} == set(Verdict)


def test_unknown_says_what_is_missing_and_nothing_else_does() -> None:
    for finding in FINDINGS:
        assert bool(finding.missing) == (finding.verdict is Verdict.UNKNOWN), finding


def test_fail_and_advisory_say_what_to_do_and_nothing_else_does() -> None:
    for finding in FINDINGS:
        assert (finding.remedy is not None) == (finding.verdict in (Verdict.FAIL, Verdict.ADVISORY)), finding


def test_only_what_binds_can_fail() -> None:
    """推动, 尽快 and 鼓励 are no 应: without a choice of the owner such a check advises at most."""
    binding = {c.id for c in CATALOGUE if c.strength is Strength.MUST}

    assert {f.check for f in FINDINGS if f.verdict is Verdict.FAIL} <= binding


def test_nothing_is_told_twice() -> None:
    for city in cities():
        keys = [f.key for f in judge(city, b.policy())]
        assert len(keys) == len(set(keys))


def test_every_finding_is_what_its_type_says_and_can_be_told_in_both_languages() -> None:
    for finding in FINDINGS:
        assert_whole(finding)
        for sentence in (finding.reason, *finding.missing, *([finding.remedy] if finding.remedy else [])):
            assert "违法" not in tell(sentence, "zh_CN")


@pytest.mark.parametrize("field", sorted(KINDS_OF))
@pytest.mark.parametrize("way", ["failed", "unplanned"])
def test_a_pass_never_comes_from_evidence_that_was_taken_away(field: str, way: str) -> None:
    """Whoever loses sight of something may come to know less, never to know better."""
    kind = KINDS_OF[field]
    source = b.CLOUD if kind == "host" else b.REGISTER
    coverage = b.coverage(b.cell(source, kind, CellState.FAILED)) if way == "failed" else b.coverage(without=(kind,))

    for city in (b.city(), b.city(hosts=(b.tower(ownership=b.owned()),)), b.city(sharing_uses=(), filings=())):
        before = {f.key: f.verdict for f in judge(city, b.policy())}
        after = judge(replace(city, **{field: (), "coverage": coverage}), b.policy())
        for finding in after:
            if finding.verdict is Verdict.PASS:
                assert before.get(finding.key) is Verdict.PASS, finding
            if finding.verdict is Verdict.FAIL:
                assert before.get(finding.key) is Verdict.FAIL, finding


@pytest.mark.parametrize("source", [b.CLOUD, b.REGISTER, b.SSH])
def test_a_source_that_fails_makes_nothing_pass_or_fail(source: str) -> None:
    """What it said before it broke stands, what is missing is unknown: never a new pass, never a new fail."""
    broken = b.coverage(*(b.cell(source, kind, CellState.PARTIAL) for kind in b.KINDS[source]))

    for city in (b.city(), b.city(hosts=()), b.city(filings=(), assessments=(), sharing_entries=(), sharing_uses=())):
        before = {f.key: f.verdict for f in judge(city, b.policy())}
        for finding in judge(replace(city, coverage=broken), b.policy()):
            if finding.verdict in (Verdict.PASS, Verdict.FAIL):
                assert before[finding.key] is finding.verdict


def test_everything_stale_is_unknown() -> None:
    """Two days later, with nothing read again, no verdict on the present stands."""
    later = replace(b.city(), as_of=b.days_ago(-3))

    for finding in judge(later, b.policy()):
        assert finding.verdict in (Verdict.UNKNOWN, Verdict.NOT_APPLICABLE), finding


def test_the_order_of_records_leaves_no_trace() -> None:
    systems = (b.system(), b.system("S-2", funding=Funding.GOVERNMENT))
    hosts = (b.host(), b.tower(), b.host("orphan", ownership=b.NOBODY))
    city = b.city(systems=systems, hosts=hosts)

    backwards = replace(city, systems=systems[::-1], hosts=hosts[::-1], filings=city.filings[::-1])

    assert judge(city, b.policy()) == judge(backwards, b.policy())


def test_findings_stand_in_reading_order() -> None:
    order = [IDS.index(f.check) for f in judge(b.city(), b.policy())]

    assert order == sorted(order)


@pytest.mark.parametrize("module", sorted(p.name for p in ROOM.glob("*.py")))
def test_no_check_looks_at_the_clock_or_the_world(module: str) -> None:
    """The scan's clock is the only one; a verdict can be made again from its capture."""
    tree = ast.parse((ROOM / module).read_text(encoding="utf-8"))
    calls = {n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute)}
    names = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}

    assert not calls & {"now", "utcnow", "environ", "getenv"}
    assert "open" not in names


def test_a_rejected_row_spoils_its_own_subject_and_not_the_projects_other_systems() -> None:
    """A row of the system register that names its project speaks of that project, not of its neighbours."""
    rows = b.coverage(
        b.cell("ledger:systems", "system"), rejections=(b.rejection("S-9", "P-1", source="ledger:systems"),)
    )
    of_the_project = b.coverage(rejections=(b.rejection("P-1"),))
    check = check_by_id("16-deployment")
    assert check is not None

    verdicts = [judge(b.city(coverage=c), b.policy(), [check])[0].verdict for c in (rows, of_the_project)]

    assert verdicts == [Verdict.PASS, Verdict.UNKNOWN]
