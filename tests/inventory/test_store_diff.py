"""Nothing is called resolved that the later scan could not see."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from inventory.collection import Collection
from inventory.coverage import Cell, CellResult, CellState
from inventory.difference import DiffClass, Difference
from inventory.finding import Finding, Subject, Verdict
from inventory.records import HostSighting, Record, View
from inventory.scan import ScanInfo, ScanOptions
from inventory.store import Store
from inventory.text import msg

NOON = datetime(2026, 11, 20, 4, tzinfo=UTC)
SOURCE = "openstack:gov"


def host(name: str, view: View = View.SERVER) -> HostSighting:
    return HostSighting(source=SOURCE, native_id=name, observed_at=NOON, view=view, name=name)


def finding(name: str, verdict: Verdict, words: str = "because") -> Finding:
    return Finding(
        check="14-standalone-compute",
        articles=("14",),
        subject=Subject(kind="host", id=name, name=name),
        verdict=verdict,
        reason=msg("{why}", why=words),
        decided_by="clause",
        evidence=(host(name).key, "ledger:r|system|S-1"),
    )


def cell(
    state: CellState = CellState.COMPLETE, kind: str = "host", scope: str = "*", *, at: datetime | None = None
) -> CellResult:
    reason = None if state is CellState.COMPLETE else msg("the connection was reset")
    return CellResult(cell=Cell(SOURCE, scope, kind), state=state, seen=0, reason=reason, finished_at=at)


def save(store: Store, findings: list[Finding], *cells: CellResult, hosts: list[Record] | None = None) -> None:
    """A night; by default it saw the hosts that the findings speak of, in one complete cell."""
    number = len(store.scans())
    at = NOON + timedelta(days=number)
    records: list[Record] = [host(f.subject.id) for f in findings] if hosts is None else hosts
    info = ScanInfo(number=0, started_at=at, finished_at=at, as_of=at, tool="t", pack="p", digest="d", exit_code=0)
    taken = Collection(taken_at=at, records=records, cells=list(cells) or [cell(at=at)])
    store.save(info=info, options=ScanOptions(city="c"), taken=taken, findings=findings)


def classes(differences: list[Difference]) -> dict[str, str]:
    return {d.key.rpartition("/")[2]: d.what.value for d in differences}


def test_each_pair_of_verdicts_has_its_class(new_store: Callable[[], str]) -> None:
    """Of a subject that both scans saw."""
    F, U, A, P, N = (  # noqa: N806 - a table is read by its columns
        Verdict.FAIL, Verdict.UNKNOWN, Verdict.ADVISORY, Verdict.PASS, Verdict.NOT_APPLICABLE,
    )  # fmt: skip
    wanted = {
        (F, P): "resolved", (F, N): "resolved", (A, P): "resolved", (A, N): "resolved",
        (P, F): "new", (N, F): "new", (P, A): "new", (N, A): "new",
        (F, A): "changed", (A, F): "changed", (P, N): "changed", (N, P): "changed",
        (F, U): "incomparable", (A, U): "incomparable", (P, U): "incomparable", (N, U): "incomparable",
        (U, F): "incomparable", (U, A): "incomparable", (U, P): "incomparable", (U, N): "incomparable",
    }  # fmt: skip
    with Store(new_store()) as store:
        save(store, [finding(f"{b}-{a}", b) for b, a in wanted])
        save(store, [finding(f"{b}-{a}", a) for b, a in wanted])
        found = classes(store.differences(1, 2))

    assert found == {f"{b}-{a}": what for (b, a), what in wanted.items()}


def test_words_that_changed_are_a_change_and_equal_ones_are_counted(new_store: Callable[[], str]) -> None:
    with Store(new_store()) as store:
        save(store, [finding("a", Verdict.FAIL), finding("b", Verdict.FAIL), finding("u", Verdict.UNKNOWN)])
        save(store, [finding("a", Verdict.PASS), finding("b", Verdict.FAIL), finding("u", Verdict.UNKNOWN, "x")])
        save(store, [finding("a", Verdict.FAIL), finding("b", Verdict.FAIL, "more"), finding("u", Verdict.UNKNOWN)])

        assert classes(store.differences(1, 3)) == {"b": "changed"}
        assert store.unchanged_count(1, 3) == 2
        assert classes(store.differences(1, 2)) == {"a": "resolved", "u": "changed"}
        assert store.differences(2, 2) == []


def test_what_was_open_before_is_reopened(new_store: Callable[[], str]) -> None:
    with Store(new_store()) as store:
        save(store, [finding("a", Verdict.FAIL), finding("b", Verdict.PASS)])
        save(store, [finding("a", Verdict.PASS), finding("b", Verdict.PASS)])
        save(store, [finding("a", Verdict.FAIL), finding("b", Verdict.FAIL)])

        assert classes(store.differences(2, 3)) == {"a": "reopened", "b": "new"}


def test_a_subject_that_is_gone_from_a_whole_source_is_resolved(new_store: Callable[[], str]) -> None:
    with Store(new_store()) as store:
        save(store, [finding("a", Verdict.FAIL), finding("p", Verdict.PASS)])
        save(store, [])

        assert classes(store.differences(1, 2)) == {"a": "resolved", "p": "changed"}
        assert classes(store.differences(2, 1)) == {"a": "new", "p": "changed"}


EARLIER = NOON - timedelta(hours=1)
PARTLY = [
    *((s.value, [cell(s)]) for s in CellState if s is not CellState.COMPLETE),
    ("one of two regions", [cell(scope="one"), cell(CellState.FAILED, scope="two")]),
    ("read before it was seen", [cell(at=EARLIER)]),
    ("stale", [cell(at=NOON - timedelta(days=30))]),
    ("not planned", [cell(kind="port")]),
    ("another kind only", [cell(kind="hypervisor"), cell(CellState.PARTIAL)]),
]


@pytest.mark.parametrize(("cells"), [cells for _, cells in PARTLY], ids=[name for name, _ in PARTLY])
def test_what_could_not_be_seen_is_incomparable(new_store: Callable[[], str], cells: list[CellResult]) -> None:
    """Whichever side it was: neither resolved nor new."""
    with Store(new_store()) as store:
        save(store, [finding("a", Verdict.FAIL), finding("v", Verdict.ADVISORY)])
        save(store, [], *cells)
        save(store, [finding("a", Verdict.FAIL), finding("v", Verdict.ADVISORY)])

        assert classes(store.differences(1, 2)) == {"a": "incomparable", "v": "incomparable"}
        if cells[0].finished_at != EARLIER:  # a reading of before can say that something is new
            assert classes(store.differences(2, 3)) == {"a": "incomparable", "v": "incomparable"}


def test_a_question_that_was_not_asked_is_incomparable(new_store: Callable[[], str]) -> None:
    """The host is there in both; the check of one side's program did not speak of it."""
    with Store(new_store()) as store:
        save(store, [finding("a", Verdict.FAIL)])
        save(store, [], hosts=[host("a")])

        assert classes(store.differences(1, 2)) == {"a": "incomparable"}
        assert classes(store.differences(2, 1)) == {"a": "incomparable"}


def test_a_hypervisor_is_missed_in_its_own_cell(new_store: Callable[[], str]) -> None:
    """The control plane's own hosts are records of hosts, read by a cell of their own."""
    with Store(new_store()) as store:
        save(store, [finding("h", Verdict.FAIL)], cell(kind="hypervisor"), hosts=[host("h", View.HYPERVISOR)])
        save(store, [], cell(), hosts=[])
        save(store, [], cell(CellState.FAILED, kind="host"), cell(kind="hypervisor"), hosts=[])

        assert classes(store.differences(1, 2)) == {"h": "incomparable"}
        assert classes(store.differences(1, 3)) == {"h": "resolved"}


def test_what_fails_anew_is_told_whatever_the_earlier_scan_could_see(new_store: Callable[[], str]) -> None:
    """A gate on new failures must not be opened by a night that saw nothing."""
    with Store(new_store()) as store:
        save(store, [finding("a", Verdict.UNKNOWN), finding("b", Verdict.FAIL), finding("c", Verdict.FAIL)])
        save(store, [finding("a", Verdict.FAIL), finding("b", Verdict.FAIL, "x"), finding("c", Verdict.PASS)])
        found = store.differences(1, 2)

    assert [d.key for d in found if d.fails_anew] == ["14-standalone-compute@host/a"]
    assert DiffClass.NEW not in {d.what for d in found}
