"""The runner: the whole policy on partial failure, in one place."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from collectors.collector import Deadline, ForbiddenCodes, Incomplete, Reading, Said, collect, collect_into
from collectors.errors import NotConfigured, Skipped, Unauthorized, Unreachable
from inventory.collection import Collection
from inventory.coverage import Cell, CellResult, CellState, Rejection, SourceInfo
from inventory.guard import Guard
from inventory.records import ClassifiedTrace, Department, Tenant
from inventory.spool import Spool
from inventory.text import msg, tell

NOON = datetime(2026, 11, 20, 4, tzinfo=UTC)


def tenant(name: str, source: str = "openstack:c") -> Reading:
    return Reading(Tenant(source=source, native_id=name, observed_at=NOON, name=name), {"name": name})


@dataclass
class Source:
    """A collector that says what a test tells it to, and raises where it is told an exception."""

    cells: dict[str, Sequence[Said | Exception]]
    name: str = "openstack:c"
    parallel: int = 2
    asked: list[str] = field(default_factory=list)

    @property
    def info(self) -> SourceInfo:
        return SourceInfo(name=self.name, type="openstack")

    def plan(self) -> Sequence[Cell]:
        return [Cell(self.name, "*", kind) for kind in self.cells]

    def read(self, cell: Cell) -> Iterator[Said]:
        self.asked.append(cell.kind)
        for said in self.cells[cell.kind]:
            if isinstance(said, Exception):
                raise said
            yield said


def ran(*sources: Source, guard: Guard | None = None) -> tuple[Collection, dict[str, CellResult]]:
    # An empty guard is false, and it must still be the one that a ledger extends.
    collection = collect(sources, guard=Guard() if guard is None else guard, clock=lambda: NOON)
    return collection, {c.cell.kind: c for c in collection.cells}


RESET = Unreachable(msg("connection reset"), unseen=("later",))


def test_a_listing_that_ends_by_itself_is_complete() -> None:
    collection, cells = ran(Source({"tenant": [tenant("a"), tenant("b")]}))

    assert cells["tenant"].state is CellState.COMPLETE
    assert cells["tenant"].seen == 2
    assert all(r.raw in collection.raws for r in collection.records)


def test_an_empty_listing_that_ends_by_itself_is_complete() -> None:
    _, cells = ran(Source({"tenant": []}))

    assert cells["tenant"].state is CellState.COMPLETE


def test_half_a_listing_is_partial_and_what_was_seen_stands() -> None:
    """Page one proves what it shows; it proves nothing of what it does not show."""
    collection, cells = ran(Source({"tenant": [tenant("a"), RESET]}))

    assert cells["tenant"].state is CellState.PARTIAL
    assert cells["tenant"].unseen == ("later",)
    assert [r.native_id for r in collection.records] == ["a"]


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (RESET, CellState.FAILED),
        (Unauthorized(msg("no")), CellState.FAILED),
        (NotConfigured(msg("no such service")), CellState.NOT_CONFIGURED),
        (Skipped(msg("deadline")), CellState.SKIPPED),
    ],
)
def test_a_cell_that_said_nothing_ends_as_its_error_says(error: Exception, state: CellState) -> None:
    _, cells = ran(Source({"tenant": [error]}))

    assert cells["tenant"].state is state
    assert cells["tenant"].reason is not None


def test_a_cell_that_says_it_is_incomplete_is_partial_though_it_went_on() -> None:
    said = [Incomplete(msg("a cell is down"), unseen=("x",)), tenant("a")]

    _, cells = ran(Source({"tenant": said}))

    assert (cells["tenant"].state, cells["tenant"].unseen) == (CellState.PARTIAL, ("x",))


def test_a_rejected_row_makes_its_sheet_partial_and_is_kept() -> None:
    row = Rejection(source="ledger:l", file="l.csv", sheet="l", row=3, column="名称 (B)", value="", expected=msg("no"))

    collection, cells = ran(Source({"tenant": [tenant("a"), row]}))

    assert cells["tenant"].state is CellState.PARTIAL
    assert collection.rejections == [row]


def test_one_cell_s_failure_is_its_own() -> None:
    _, cells = ran(Source({"tenant": [RESET], "host": []}), Source({"port": []}, name="openstack:d"))

    assert {k: c.state for k, c in cells.items()} == {
        "tenant": CellState.FAILED,
        "host": CellState.COMPLETE,
        "port": CellState.COMPLETE,
    }


def test_a_bug_of_ours_crashes_and_is_no_blind_spot() -> None:
    with pytest.raises(ZeroDivisionError):
        ran(Source({"tenant": [ZeroDivisionError()]}))


def test_what_a_ledger_marks_as_classified_is_dropped_from_every_source() -> None:
    ledger = Source({"project": [ForbiddenCodes(("S-BMJ",))]}, name="ledger:l")
    guard = Guard()
    ran(ledger, guard=guard)

    collection, _ = ran(Source({"tenant": [tenant("S-BMJ"), tenant("a")]}), guard=guard)

    assert {type(r) for r in collection.records} == {Tenant, ClassifiedTrace}
    assert "S-BMJ" not in repr(collection)


def test_records_of_one_source_may_be_of_several_kinds() -> None:
    department = Reading(Department(source="ledger:l", native_id="d", observed_at=NOON, name="d"))

    collection, _ = ran(Source({"project": [department, tenant("a")]}))

    assert {r.kind for r in collection.records} == {"department", "tenant"}


@pytest.mark.parametrize("name", ["\ud800", "a" * 10 + "\udfff"])
def test_a_record_that_cannot_be_written_is_missed_aloud(name: str) -> None:
    """Half of a surrogate pair is no text: JSON, SQLite and terminals refuse it."""
    collection, cells = ran(Source({"tenant": [tenant(name), tenant("a")]}))

    assert [r.native_id for r in collection.records] == ["a"]
    assert cells["tenant"].state is CellState.PARTIAL
    assert "cannot be written down" in tell(cells["tenant"].reason or msg("nothing"), "en")


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Slow(Source):
    """Every record takes an hour of the clock."""

    clock: Clock

    def read(self, cell: Cell) -> Iterator[Said]:
        for said in super().read(cell):
            self.clock.now += 3600
            yield said


def test_after_the_deadline_nothing_is_begun_and_what_was_read_stands() -> None:
    clock = Clock()
    source = Slow({"tenant": [tenant("a")], "host": [tenant("b"), tenant("c")], "port": [tenant("d")]}, parallel=1)
    source.clock = clock

    collection = collect([source], guard=Guard(), clock=lambda: NOON, deadline=Deadline(7000, clock=clock))

    states = {c.cell.kind: c.state for c in collection.cells}
    assert states == {"tenant": CellState.COMPLETE, "host": CellState.PARTIAL, "port": CellState.SKIPPED}
    assert sorted(r.native_id for r in collection.records) == ["a", "b"]
    assert source.asked == ["tenant", "host"]
    assert all(c.is_gap for c in collection.cells if c.cell.kind != "tenant")


def test_a_reader_that_hangs_is_left_when_the_grace_is_over() -> None:
    """A service that says nothing for ever must not hold the night's scan for ever."""
    released = threading.Event()

    class Hanging(Source):
        def read(self, cell: Cell) -> Iterator[Said]:
            self.asked.append(cell.kind)
            yield tenant("a")
            released.wait(30)
            yield tenant("late")

    told: list[CellResult] = []
    try:
        with Spool(None, guard=Guard(), taken_at=NOON) as spool:
            collect_into(
                spool,
                [
                    Hanging({"tenant": [], "port": [], "router": []}, parallel=1),
                    Source({"host": [tenant("b")]}, name="openstack:d"),
                ],
                clock=lambda: NOON,
                on_cell=told.append,
                deadline=Deadline(0.05, grace=0.05),
            )
            spool.finish()
            collection = spool.collection()
    finally:
        released.set()

    states = {c.cell.kind: c.state for c in collection.cells}
    skipped = {"port": CellState.SKIPPED, "router": CellState.SKIPPED}
    assert states == {"tenant": CellState.FAILED, "host": CellState.COMPLETE, **skipped}, "what waits behind it is told"
    assert sorted(c.cell.kind for c in told) == ["host", "port", "router", "tenant"]
    assert "late" not in repr(collection)
