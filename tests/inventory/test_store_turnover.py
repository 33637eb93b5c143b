"""As many gone as came is a mass disappearance too: a count that stays the same says nothing."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from inventory.collection import Collection
from inventory.coverage import Cell, CellResult, CellState
from inventory.guard import Guard
from inventory.lifecycle import DEFAULT_RULES, Doubted, is_held
from inventory.records import HostSighting, Record, Tenant, View, Workload
from inventory.scan import ScanInfo, ScanOptions
from inventory.spool import Spool
from inventory.store import Store

NOON = datetime(2026, 11, 20, 4, tzinfo=UTC)
CLOUD, CLUSTER = "openstack:gov", "kubernetes:k"
TENANTS = Cell(CLOUD, "*", "tenant")
Night = dict[Cell, list[Record]]


def tenants(names: Iterable[object]) -> list[Record]:
    return [Tenant(source=CLOUD, native_id=f"t{n}", observed_at=NOON, name=f"{n}") for n in names]


def hosts(names: Iterable[object], view: View = View.SERVER) -> list[Record]:
    return [HostSighting(source=CLOUD, native_id=f"h{n}", observed_at=NOON, view=view, name=f"{n}") for n in names]


def workloads(uids: Iterable[int], *, owner: str | None = None, shift: int = 0) -> list[Record]:
    """Workload n is called w(n - shift)."""
    return [
        Workload(
            source=CLUSTER, native_id=f"u{n}", observed_at=NOON, namespace="default", name=f"w{n - shift}",
            workload_kind="Pod" if owner else "Deployment", owner_uid=owner,
        )
        for n in uids
    ]  # fmt: skip


def held(
    store: Store, night: Night, *, told: bool = True, accept: bool = False, partial: Iterable[Cell] = ()
) -> set[Cell]:
    """Keeps a night, each record read in the cell given; returns the cells that were not believed.

    `told`: records say in which cell they were read; those of a capture do not.
    """
    number = (store.last_number() or 0) + 1
    at = NOON + timedelta(days=number)
    results = [
        CellResult(cell=c, state=CellState.PARTIAL if c in partial else CellState.COMPLETE, seen=len(records))
        for c, records in night.items()
    ]

    def placed() -> Iterator[tuple[str, Cell | None, bytes]]:
        pairs = sorted(((r.key, c, r) for c, records in night.items() for r in records), key=lambda p: p[0])
        for key, cell, record in pairs:
            yield key, cell if told else None, msgspec.json.encode(record, order="sorted")

    found = results if accept else store.with_held(results, DEFAULT_RULES, placed)
    taken = Collection(taken_at=at, records=[r for records in night.values() for r in records], cells=results)
    store.save(
        info=ScanInfo(number=0, started_at=at, finished_at=at, as_of=at, tool="t", pack="p", digest="d", exit_code=0),
        options=ScanOptions(city="c"),
        taken=Doubted(taken, found),
        findings=[],
    )
    return {r.cell for r in found if is_held(r)}


@pytest.fixture
def store(new_store: Callable[[], str]) -> Iterator[Store]:
    with Store(new_store()) as opened:
        yield opened


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize(
    ("before", "after", "is_doubted"),
    [
        (range(60), range(30, 90), True),  # 30 gone, 30 new
        (range(60), range(60, 120), True),  # another cloud altogether
        (range(60), range(20, 80), False),  # 20 are the most that is believed
        (range(60), range(21, 81), True),
        (range(60), range(30, 200), True),  # more came than went
        (range(400), range(30, 430), False),  # less than a tenth
        (range(60), range(200), False),  # a cloud that grows
        (range(60), range(60), False),
        (range(15), range(100, 130), False),
    ],
)
def test_as_many_gone_as_came_is_not_believed(
    store: Store, told: bool, before: range, after: range, is_doubted: bool
) -> None:
    held(store, {TENANTS: tenants(before)}, told=told)

    assert held(store, {TENANTS: tenants(after)}, told=told) == ({TENANTS} if is_doubted else set())


def test_what_is_repeated_does_not_become_true_until_it_is_accepted(store: Store) -> None:
    held(store, {TENANTS: tenants(range(60))})
    for _ in range(3):
        assert held(store, {TENANTS: tenants(range(30, 90))}) == {TENANTS}
    assert held(store, {TENANTS: tenants(range(30, 90))}, accept=True) == set()
    assert held(store, {TENANTS: tenants(range(30, 90))}) == set()
    assert held(store, {TENANTS: tenants(range(60))}) == {TENANTS}, "back to the first is a change like any other"


def test_what_was_there_before_is_the_last_night_that_was_believed(store: Store) -> None:
    """A night that saw only a part lies between: what it did not see did not vanish."""
    held(store, {TENANTS: tenants(range(60))})
    held(store, {TENANTS: tenants(range(5))}, partial=[TENANTS])
    assert held(store, {TENANTS: tenants(range(60))}) == set()
    held(store, {TENANTS: tenants(range(40, 45))}, partial=[TENANTS])
    assert held(store, {TENANTS: tenants(range(30, 90))}) == {TENANTS}


def test_a_slow_turnover_is_believed(store: Store) -> None:
    """Fifteen each night: after four nights none is left of the first, and nobody was deceived."""
    for night in range(5):
        assert held(store, {TENANTS: tenants(range(15 * night, 60 + 15 * night))}) == set()


# ── more cells than one ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_region_is_measured_by_itself(store: Store) -> None:
    """Thirty of sixty, beside a thousand that stay: of all together they would be few."""
    east, west = Cell(CLOUD, "east", "host"), Cell(CLOUD, "west", "host")
    large = hosts(range(1000, 2000))
    held(store, {east: hosts(range(60)), west: large})

    assert held(store, {east: hosts(range(30, 90)), west: large}) == {east}


def test_what_moves_from_one_region_to_another_has_not_vanished(store: Store) -> None:
    east, west = Cell(CLOUD, "east", "host"), Cell(CLOUD, "west", "host")
    held(store, {east: hosts(range(60)), west: hosts(range(100, 160))})

    moved = {east: hosts([*range(40), *range(100, 120)]), west: hosts([*range(120, 160), *range(40, 60)])}
    assert held(store, moved) == set()


def test_where_records_do_not_say_their_cell_all_of_the_source_is_measured(store: Store) -> None:
    east, west = Cell(CLOUD, "east", "host"), Cell(CLOUD, "west", "host")
    held(store, {east: hosts(range(60)), west: hosts(range(100, 160))}, told=False)

    night = {east: hosts(range(30, 90)), west: hosts(range(100, 160))}
    assert held(store, night, told=False) == {east, west}
    # A part of it was not read: who is not seen may be there.
    assert held(store, night, told=False, partial=[west]) == set()


def test_the_clouds_own_hosts_are_measured_apart(store: Store) -> None:
    """Records of one kind may be of two cells: hypervisors and instances are both hosts."""
    own, servers = Cell(CLOUD, "*", "hypervisor"), Cell(CLOUD, "*", "host")
    nodes = hosts([f"n{n}" for n in range(60)], View.HYPERVISOR)
    for told in (True, False):
        held(store, {own: nodes, servers: hosts(range(60))}, told=told, accept=True)
        found = held(store, {own: nodes, servers: hosts(range(30, 90))}, told=told)
        assert found == {servers}


# ── what is another every night ──────────────────────────────────────────────────────────────────────────────────────


def test_what_comes_and_goes_by_its_nature_is_not_doubted(store: Store) -> None:
    pods, wire = Cell(CLUSTER, "*", "workload"), Cell(CLOUD, "*", "host")
    for night in range(3):
        names = range(100 * night, 100 * night + 60)
        seen = {pods: workloads(names, owner="rs"), wire: hosts(names, View.DISCOVERED)}
        assert held(store, seen) == set()


def test_a_workload_that_is_deployed_anew_is_the_same(store: Store) -> None:
    """Another uid and the same name; what has another name too is another."""
    cell = Cell(CLUSTER, "*", "workload")
    held(store, {cell: workloads(range(60))})
    assert held(store, {cell: workloads(range(100, 160), shift=100)}) == set()
    assert held(store, {cell: workloads(range(200, 260), shift=100)}) == {cell}


# ── the spool ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_spool_says_in_which_cell_a_record_was_read(tmp_path: Path) -> None:
    """Of a capture it does not: the file does not know."""
    taken = Collection(
        taken_at=NOON,
        records=tenants([9]),
        cells=[CellResult(cell=TENANTS, state=CellState.COMPLETE, seen=1)],
    )
    with Spool(tmp_path / "s", guard=Guard(), taken_at=NOON) as spool:
        writer = spool.cell(TENANTS)
        for record in tenants([2, 1]):
            writer.add(record, None)
        writer.finish(CellResult(cell=TENANTS, state=CellState.COMPLETE, seen=2))
        spool.take(taken)
        spool.finish()
        found = list(spool.placed())

        assert [body for _, _, body in found] == list(spool.sorted_lines())
    assert [(key.rpartition("|")[2], cell) for key, cell, _ in found] == [
        ("t1", TENANTS),
        ("t2", TENANTS),
        ("t9", None),
    ]
