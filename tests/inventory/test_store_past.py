"""What the store knows of the time before a scan: breaches that were mended, sources and when they were read whole."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from inventory.breaches import Breach
from inventory.collection import Collection
from inventory.coverage import Cell, CellResult, CellState
from inventory.finding import Finding, Subject, Verdict
from inventory.scan import ScanInfo, ScanOptions
from inventory.settings import Retention
from inventory.store import Store
from inventory.stored_scan import StoredScan
from inventory.text import msg

NOON = datetime(2026, 11, 1, 4, tzinfo=UTC)
CLOUD, SSH = "openstack:gov", "ssh:county"


def day(number: int) -> datetime:
    return NOON + timedelta(days=number - 1)


def finding(name: str, verdict: Verdict, why: str = "") -> Finding:
    missing = (msg("a look at it"),) if verdict is Verdict.UNKNOWN else ()
    return Finding(check="16-deployment", articles=("16",), subject=Subject(kind="system", id=name, name=name),
                   verdict=verdict, reason=msg("{why}", why=why), decided_by="clause", missing=missing)  # fmt: skip


def save(
    store: Store, verdicts: Mapping[str, Verdict], *, failed: tuple[str, ...] = (), excluded: bool = False
) -> None:
    """The next night: a verdict for each system, and sources that could not be read."""
    at = day(len(store.scans()) + 1)
    cells = [
        CellResult(
            cell=Cell(source, "*", kind), state=CellState.FAILED if source in failed else CellState.COMPLETE, seen=1,
            reason=msg("the connection was reset") if source in failed else None,
            started_at=at, finished_at=at + timedelta(minutes=minutes),
        )
        for source, kind, minutes in ((CLOUD, "host", 1), (CLOUD, "port", 9), (SSH, "host", 5))
    ]  # fmt: skip
    if excluded:
        cells.append(
            CellResult(cell=Cell(SSH, "do-not-scan", "host"), state=CellState.SKIPPED, seen=0, reason=msg("by law"))
        )
    info = ScanInfo(number=0, started_at=at, finished_at=at, as_of=at, tool="t", pack="p", digest="d", exit_code=0)
    findings = [finding(name, verdict, why=at.isoformat()) for name, verdict in verdicts.items()]
    store.save(info=info, options=ScanOptions(city="c"), taken=Collection(taken_at=at, cells=cells), findings=findings)


def loaded(store: Store, number: int | None = None) -> StoredScan:
    kept = store.load(number, past=True)
    assert kept is not None
    return kept


FAIL, PASS, UNKNOWN = Verdict.FAIL, Verdict.PASS, Verdict.UNKNOWN


def test_breaches_are_read_out_of_the_versions_of_findings(new_store: Callable[[], str]) -> None:
    """Reasons change every night; a breach begins with its first failing scan all the same."""
    with Store(new_store()) as store:
        save(store, {"A": FAIL, "B": FAIL, "C": FAIL, "D": PASS})
        save(store, {"A": FAIL, "B": UNKNOWN, "C": FAIL, "D": PASS})
        save(store, {"A": PASS, "B": UNKNOWN, "D": PASS})

        breaches = {b.key.rpartition("/")[2]: b for b in loaded(store).breaches}

    assert breaches.keys() == {"A", "B", "C"}
    assert breaches["A"] == Breach(key="16-deployment@system/A", opened_at=day(1), closed_at=day(3))
    assert (breaches["B"].closed_at, breaches["B"].is_open) == (None, False)
    assert (breaches["C"].closed_at, breaches["C"].is_open) == (None, False)


def test_an_older_scan_knows_nothing_of_what_came_later(new_store: Callable[[], str]) -> None:
    with Store(new_store()) as store:
        save(store, {"A": FAIL})
        save(store, {"A": FAIL})
        save(store, {"A": PASS})

        (then,), (now,) = loaded(store, 2).breaches, loaded(store, 3).breaches

    assert (then.closed_at, then.is_open) == (None, True)
    assert (now.closed_at, now.is_open) == (day(3), False)


def test_what_fails_again_is_another_breach(new_store: Callable[[], str]) -> None:
    with Store(new_store()) as store:
        for verdict in (FAIL, PASS, FAIL):
            save(store, {"A": verdict})

        first, second = loaded(store).breaches

    assert (first.opened_at, first.closed_at) == (day(1), day(2))
    assert (second.opened_at, second.is_open) == (day(3), True)


def test_pruned_scans_keep_the_day_on_which_a_breach_began(new_store: Callable[[], str]) -> None:
    with Store(new_store()) as store:
        for verdict in (FAIL, FAIL, FAIL, PASS):
            save(store, {"A": verdict})
        before = loaded(store).breaches
        store.prune(Retention(daily_days=2, weekly_weeks=0, monthly_months=0), at=day(9))

        assert [s.number for s in store.scans()] == [3, 4]
        assert loaded(store).breaches == before


def test_a_source_was_last_read_whole_when_its_oldest_part_was(new_store: Callable[[], str]) -> None:
    with Store(new_store()) as store:
        save(store, {})
        save(store, {}, failed=(SSH,))
        save(store, {}, failed=(SSH,), excluded=True)

        kept = loaded(store)

    assert kept.last_complete == {CLOUD: day(3) + timedelta(minutes=1), SSH: day(1) + timedelta(minutes=5)}


def test_a_source_that_was_never_read_whole_has_no_such_time(new_store: Callable[[], str]) -> None:
    with Store(new_store()) as store:
        save(store, {}, failed=(SSH,))
        save(store, {}, failed=(SSH,))

        assert SSH not in loaded(store).last_complete


def test_what_the_law_keeps_out_makes_a_source_no_less_whole(new_store: Callable[[], str]) -> None:
    with Store(new_store()) as store:
        save(store, {}, excluded=True)

        assert loaded(store).last_complete[SSH] == day(1) + timedelta(minutes=5)


def test_only_who_asks_for_the_past_is_told(new_store: Callable[[], str]) -> None:
    """A trial run reads ninety nights: it has no use for what was before each of them."""
    with Store(new_store()) as store:
        save(store, {"A": FAIL})
        kept = store.load()

    assert kept is not None
    assert (kept.breaches, kept.last_complete) == ((), {})
