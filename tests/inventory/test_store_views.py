"""The views of docs/store.md: their columns are those that stand there, their answers those of the program."""

import re
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import builders
import msgspec
import pytest
from sqlalchemy import inspect

from inventory.collection import Collection
from inventory.coverage import Cell, CellResult, CellState, Failure
from inventory.finding import Finding, Subject, Verdict
from inventory.records import Department, Funding, Project, Record, System, Tenant
from inventory.scan import ScanInfo, ScanOptions
from inventory.store import Store, StoredScan, place_of
from inventory.store_engine import engine_of, reading
from inventory.text import msg
from inventory.waiver import Disposition

MANUAL = Path(__file__).parents[2] / "docs" / "store.md"
NIGHTS = 3


def documented() -> dict[str, list[str]]:
    """View to its columns, as the manual's table says them."""
    rows = re.findall(r"^\| `(v_\w+)` \| ((?:`\w+`(?:, )?)+) \|", MANUAL.read_text(encoding="utf-8"), re.MULTILINE)
    return {name: re.findall(r"`(\w+)`", columns) for name, columns in rows}


def canonical(value: object) -> str | None:
    return msgspec.json.encode(value, order="sorted").decode()


def optional(value: Any) -> str | None:
    """A list or values as JSON, NULL where there are none: what is empty is not written."""
    return canonical(value) if value else None


def day(value: date | None) -> str | None:
    return None if value is None else value.isoformat()


def flag(value: bool | None) -> int | None:
    return None if value is None else int(value)


def save(store: Store, night: int) -> None:
    """A night with something of everything: fields said and not said, quotes, Chinese, NUL's own spelling."""
    at = builders.NIGHT + timedelta(days=night)
    records: list[Record] = [
        Department(source="ledger:d", native_id="D", observed_at=at, name='市"教育"局 \\u0000'),
        Project(
            source="ledger:p", native_id="P-1", observed_at=at, name=f"平台 {night // 2}", department="市教育局",
            funding=Funding.GOVERNMENT, approved_on=date(2026, 1, 2), systems=("S-1", "S-2"), tenants=(),
            collects_data=True, is_platform_project=False,
        ),
        Project(source="ledger:p", native_id="P|project|2", observed_at=at, name="'; DROP TABLE body; --"),
        System(
            source="ledger:s", native_id="S-1", observed_at=at, name="门户", mlps_level=3, projects=("P-1",),
            is_rebuilt=True, is_retired=False, built_on=date(2020, 5, 6), hosts=("10.0.0.1", "web"),
        ),
        Tenant(source="openstack:gov", native_id=f"t{night}", observed_at=at, name="edu"),
    ]  # fmt: skip
    waived = Disposition(waiver="W-1", document="D-1", approver="a", expires_on=date(2027, 1, 1), reason="r")
    findings = [
        Finding(
            check=check,
            articles=articles,
            subject=Subject(kind="system", id=id_, name="门户", department=department, projects=projects),
            verdict=verdict,
            reason=msg("{who} said {what}", who=msg("the register"), what=night // 2),
            missing=(msg("a fact"),) if verdict is Verdict.UNKNOWN else (),
            decided_by="clause",
            disposition=disposition,
        )
        for check, articles, id_, department, projects, verdict, disposition in (
            ("16-deployment", ("16",), "S-1", "市教育局", ("P-1",), (Verdict.FAIL, Verdict.PASS)[night % 2], None),
            ("23-acceptance", ("23(7)", "23(1)"), "S-1", None, (), Verdict.UNKNOWN, None),
            ("16-deployment", ("16",), "S@2", None, ("P-1", "P-2"), Verdict.FAIL, waived),
            *((("16-sharing", ("16",), "S-1", None, (), Verdict.ADVISORY, None),) if night != 1 else ()),
        )
    ]
    failed = CellResult(
        cell=Cell("openstack:gov", "RegionOne", "host"),
        state=CellState.FAILED,
        seen=0,
        reason=msg("{host} does not answer", host="10.0.0.9"),
        failure=Failure.TIMEOUT,
        unseen=("edu", "health"),
    )
    cells = [
        CellResult(cell=Cell("ledger:p", "*", "project"), state=CellState.COMPLETE, seen=2, finished_at=at),
        failed,
    ]
    store.save(
        info=ScanInfo(
            number=0, started_at=at, finished_at=at + timedelta(minutes=1), as_of=at, tool="yunhe 0", pack="p 1",
            digest=f"d{night}", exit_code=4,
        ),
        options=ScanOptions(city="c"),
        taken=Collection(taken_at=at, records=records, cells=cells),
        findings=findings,
    )  # fmt: skip


@pytest.fixture
def store(new_store: Callable[[], str]) -> Store:
    opened = Store(new_store())
    for night in range(NIGHTS):
        save(opened, night)
    opened.set_baseline("验收", 2, at=builders.NIGHT)
    return opened


def rows(store: Store, view: str) -> list[dict[str, Any]]:
    """All of a view, as whoever asks by SQL gets it."""
    engine = engine_of(place_of(store.place))
    with reading(engine) as connection:
        found = [dict(row) for row in connection.exec_driver_sql(f"SELECT * FROM {view}").mappings()]  # noqa: S608
    engine.dispose()
    return found


def sorted_rows(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(found, key=lambda row: [str(value) for value in row.values()])


def same(found: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    assert expected, "nothing was compared"
    assert sorted_rows(found) == sorted_rows(expected)


def last(store: Store) -> StoredScan:
    kept = store.load()
    assert kept is not None
    return kept


def finding_row(finding: Finding, first_scan: int, first_at: datetime) -> dict[str, Any]:
    return {
        "check_id": finding.check,
        "verdict": finding.verdict.value,
        "articles": canonical(finding.articles),
        "decided_by": finding.decided_by,
        "subject_kind": finding.subject.kind,
        "subject_id": finding.subject.id,
        "subject_name": finding.subject.name,
        "department": finding.subject.department,
        "projects": optional(finding.subject.projects),
        "reason": finding.reason.id,
        "reason_values": optional(finding.reason.args),
        "waiver": finding.disposition.waiver if finding.disposition else None,
        "known_scan": first_scan,
        "known_at": first_at.isoformat(),
    }


# ── columns ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_view_has_the_columns_that_the_manual_says(store: Store) -> None:
    engine = engine_of(place_of(store.place))
    with reading(engine) as connection:
        inspector = inspect(connection)
        found = {name: [c["name"] for c in inspector.get_columns(name)] for name in inspector.get_view_names()}
    engine.dispose()

    assert found == documented()
    assert len(found) >= 9


# ── answers ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_scans_are_those_that_the_program_lists(store: Store) -> None:
    expected = [
        {
            "scan": info.number,
            "as_of": info.as_of,
            "started_at": info.started_at,
            "finished_at": info.finished_at,
            "tool": info.tool,
            "policy_pack": info.pack,
            "exit_code": info.exit_code,
            "digest": info.digest,
            "head": info.head,
        }
        for info in store.scans()
    ]
    found = rows(store, "v_scans")
    for row in found:
        row |= {name: datetime.fromisoformat(row[name]) for name in ("as_of", "started_at", "finished_at")}
    same(found, expected)


def test_current_findings_are_those_of_the_last_scan(store: Store) -> None:
    kept = last(store)
    expected = [finding_row(f, kept.known[f.key].first_scan, kept.known[f.key].first_at) for f in kept.findings]
    same(rows(store, "v_findings_current"), expected)


def test_the_history_of_findings_holds_every_scan_of_them(store: Store) -> None:
    """Those whose span holds a scan are the findings of that scan, no more and no less."""
    history = rows(store, "v_findings_history")
    for number in range(1, NIGHTS + 1):
        kept = store.load(number)
        assert kept is not None
        expected = [finding_row(f, kept.known[f.key].first_scan, kept.known[f.key].first_at) for f in kept.findings]
        held = [row for row in history if row["since_scan"] <= number <= (row["until_scan"] or number)]
        same([{k: v for k, v in row.items() if k not in ("since_scan", "until_scan")} for row in held], expected)


def test_verdicts_by_scan_count_every_finding_once(store: Store) -> None:
    expected = []
    for info in store.scans():
        kept = store.load(info.number)
        assert kept is not None
        counts = Counter((f.check, f.verdict.value) for f in kept.findings)
        expected += [
            {"scan": info.number, "as_of": info.as_of, "check_id": check, "verdict": verdict, "findings": count}
            for (check, verdict), count in counts.items()
        ]
    found = [row | {"as_of": datetime.fromisoformat(row["as_of"])} for row in rows(store, "v_verdicts_by_scan")]
    same(found, expected)


def test_current_resources_are_the_records_of_the_last_scan(store: Store) -> None:
    expected = [
        {
            "source": record.source,
            "kind": record.kind,
            "native_id": record.native_id,
            "name": getattr(record, "name", None),
            "raw_digest": record.raw,
        }
        for record in last(store).collection.records
    ]
    found = rows(store, "v_resources_current")
    assert {row["native_id"]: row["since_scan"] for row in found}["t2"] == 3
    same([{k: v for k, v in row.items() if k != "since_scan"} for row in found], expected)


def test_projects_and_systems_are_as_the_register_says_them(store: Store) -> None:
    records = last(store).collection.records
    texts = ("name", "department", "department_code", "project_kind", "funding", "level")
    days = (
        "approved_on", "awarded_on", "contract_on", "initial_acceptance_on", "trial_start_on", "trial_end_on",
        "final_acceptance_on", "in_operation_on", "last_payment_on",
    )  # fmt: skip
    projects = [
        {
            "code": p.native_id,
            "source": p.source,
            **{name: getattr(p, name) for name in texts},
            **{name: day(getattr(p, name)) for name in days},
            "systems": optional(p.systems),
            "tenants": optional(p.tenants),
            "is_platform_project": flag(p.is_platform_project),
            "collects_data": flag(p.collects_data),
            "since_scan": 3 if p.native_id == "P-1" else 1,
        }
        for p in records
        if isinstance(p, Project)
    ]
    systems = [
        {
            "code": s.native_id,
            "source": s.source,
            **{name: getattr(s, name) for name in ("name", "department", "department_code", "level", "funding")},
            "built_on": day(s.built_on),
            "declared_place": s.declared_place,
            **{name: optional(getattr(s, name)) for name in ("projects", "tenants", "hosts")},
            "migrated_on": day(s.migrated_on),
            "is_rebuilt": flag(s.is_rebuilt),
            "is_retired": flag(s.is_retired),
            "is_said_migrated": flag(s.is_said_migrated),
            "mlps_level": s.mlps_level,
            "since_scan": 1,
        }
        for s in records
        if isinstance(s, System)
    ]
    same(rows(store, "v_projects_current"), projects)
    same(rows(store, "v_systems_current"), systems)


def test_current_coverage_is_that_of_the_last_scan(store: Store) -> None:
    expected = [
        {
            "source": c.cell.source,
            "scope": c.cell.scope,
            "kind": c.cell.kind,
            "state": c.state.value,
            "seen": c.seen,
            "failure": c.failure.value if c.failure else None,
            "reason": c.reason.id if c.reason else None,
            "reason_values": optional(c.reason.args) if c.reason else None,
            "unseen": optional(c.unseen),
            "since_scan": 1,
        }
        for c in last(store).collection.cells
    ]
    same(rows(store, "v_coverage_current"), expected)


def test_baselines_and_the_run_log_are_the_programs(store: Store) -> None:
    expected = [{"name": b.name, "scan": b.scan, "head": b.head, "set_at": b.set_at} for b in store.baselines()]
    same(rows(store, "v_baselines"), expected)
    whats = ["scan"] * NIGHTS + ["baseline"]
    log = [
        {"entry": n, "what": what, "digest": head}
        for n, (what, head) in enumerate(zip(whats, store.heads(), strict=True), 1)
    ]
    same(rows(store, "v_run_log"), log)


def test_a_text_with_nul_costs_no_answer(new_store: Callable[[], str]) -> None:
    """PostgreSQL knows no NUL in a text: one hostile name would make a view unreadable for everybody."""
    with Store(new_store()) as store:
        record = Tenant(source="openstack:gov", native_id="t", observed_at=builders.NIGHT, name="\\u0000 a\x00b\x00")
        store.save(
            info=ScanInfo(
                number=0, started_at=builders.NIGHT, finished_at=builders.NIGHT, as_of=builders.NIGHT, tool="t",
                pack="p", digest="d", exit_code=0,
            ),
            options=ScanOptions(city="c"),
            taken=Collection(taken_at=builders.NIGHT, records=[record]),
            findings=[],
        )  # fmt: skip
        (row,) = rows(store, "v_resources_current")

    assert row["native_id"] == "t"
    assert row["name"] == "\\u0000 a\ufffdb\ufffd"
