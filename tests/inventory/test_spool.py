"""The spool: nothing lost, nothing half, nothing that the do-not-scan list forbids, whatever came first."""

import resource
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory.collection import Collection, digest, encode_raw
from inventory.coverage import Cell, CellResult, CellState, Rejection
from inventory.guard import Guard
from inventory.records import HostSighting, Project, Record, System, Tenant, View
from inventory.spool import BATCH, Abandoned, Spool, SpoolError
from inventory.text import msg

NOON = datetime(2026, 11, 20, 4, tzinfo=UTC)
TENANTS = Cell("openstack:c", "*", "tenant")
HOSTS = Cell("openstack:c", "r1", "host")


def tenant(name: str, number: int = 0) -> Tenant:
    return Tenant(source="openstack:c", native_id=f"{number:05}{name}", observed_at=NOON, name=name)


def whole(cell: Cell, seen: int = 1, state: CellState = CellState.COMPLETE) -> CellResult:
    return CellResult(cell=cell, state=state, seen=seen, started_at=NOON, finished_at=NOON)


def open_spool(path: Path | None, guard: Guard | None = None, **options: object) -> Spool:
    return Spool(path, guard=Guard() if guard is None else guard, taken_at=NOON, **options)  # type: ignore[arg-type]


def write(spool: Spool, cell: Cell, records: Sequence[tuple[Record, dict[str, object] | None]]) -> None:
    writer = spool.cell(cell)
    for record, raw in records:
        writer.add(record, None if raw is None else encode_raw(raw))
    writer.finish(whole(cell, len(records)))


def test_records_come_back_sorted_with_their_documents_once(tmp_path: Path) -> None:
    count = 2 * BATCH + 7
    with open_spool(tmp_path / "s") as spool:
        write(spool, HOSTS, [(tenant("b", n), {"same": True}) for n in range(count, 0, -1)])
        write(spool, TENANTS, [(tenant("a", 0), {"n": 1})])
        spool.finish()
        names = [r.native_id for r in spool.sorted_records()]
        raws = dict(spool.sorted_raws())

    assert names == sorted(names)
    assert len(names) == count + 1
    assert sorted(raws.values()) == sorted([b'{"n":1}', b'{"same":true}'])
    assert all(digest(body) == name for name, body in raws.items())


def test_a_run_that_was_cut_short_goes_on_with_its_whole_cells_alone(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with open_spool(path, plan="p") as spool:
        write(spool, TENANTS, [(tenant("a"), None)])
        half = spool.cell(HOSTS)
        for n in range(BATCH):
            half.add(tenant("half", n), None)
    partial = Cell("openstack:c", "r1", "port")
    with open_spool(path, plan="p", resume=True) as spool:
        assert spool.resumed == 1
        assert spool.finished(TENANTS) == whole(TENANTS)
        assert spool.finished(HOSTS) is None
        writer = spool.cell(partial)
        writer.finish(whole(partial, 0, CellState.PARTIAL))
        spool.finish()
        assert [r.native_id for r in spool.sorted_records()] == ["00000a"]
    with open_spool(path, plan="p", resume=True) as spool:
        assert spool.finished(partial) is None, "what was not whole is read again"


@pytest.mark.parametrize(("plan", "resume"), [("other", True), ("p", False)])
def test_a_spool_of_another_plan_or_unasked_for_is_dropped_and_counted(
    tmp_path: Path, plan: str, *, resume: bool
) -> None:
    path = tmp_path / "s"
    with open_spool(path, plan="p") as spool:
        write(spool, TENANTS, [(tenant("a"), None)])

    with open_spool(path, plan=plan, resume=resume) as spool:
        assert (spool.resumed, spool.dropped) == (0, 1)
        assert spool.finished(TENANTS) is None
        spool.finish()
        assert list(spool.sorted_records()) == []


@pytest.mark.parametrize("content", [b"", b"no database", b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_damaged_spool_is_begun_anew(tmp_path: Path, content: bytes) -> None:
    """A machine that lost its power must not need a person at 3 a.m."""
    path = tmp_path / "s"
    path.write_bytes(content)

    try:
        with open_spool(path, plan="p", resume=True) as spool:
            write(spool, TENANTS, [(tenant("a"), None)])
            spool.finish()
            assert len(list(spool.sorted_records())) == 1
    except SpoolError as error:
        pytest.fail(str(error))


def test_two_runs_cannot_write_to_one_spool(tmp_path: Path) -> None:
    with (
        open_spool(tmp_path / "s"),
        pytest.raises(SpoolError, match="another run is collecting"),
        open_spool(tmp_path / "s", resume=True),
    ):
        pass


def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    with open_spool(tmp_path / "s") as spool:
        write(spool, TENANTS, [(tenant("a"), None)])
        modes = {p.name: p.stat().st_mode & 0o777 for p in tmp_path.iterdir()}
        spool.remove()

    assert set(modes.values()) == {0o600}
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SpoolError, match="expected a writable folder"), open_spool(tmp_path / "no" / "s"):
        pass


_FULL = """
import resource, signal, sys
from pathlib import Path
sys.path[:0] = sys.argv[2:]
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
import test_spool as t
try:
    with t.open_spool(Path(sys.argv[1])) as spool:
        for n in range(60):
            cell = t.Cell("s", str(n), "tenant")
            t.write(spool, cell, [(t.tenant("x" * 200, i), {"i": i + 1000 * n}) for i in range(500)])
except t.SpoolError as error:
    print("told:", error)
"""


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    """The limit on the size of a file stands for a disk that is full: the kernel refuses the write in the same way."""
    assert resource.getrlimit(resource.RLIMIT_FSIZE)
    here = Path(__file__).parent
    done = subprocess.run(
        [sys.executable, "-c", _FULL, str(tmp_path / "s"), str(here), str(here.parents[1])],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert "told:" in done.stdout, done.stderr
    assert "room on its disk" in done.stdout


def test_a_cell_that_is_left_behind_keeps_what_was_written_and_takes_no_more() -> None:
    with open_spool(None) as spool:
        writer = spool.cell(HOSTS)
        for n in range(BATCH + 1):
            writer.add(tenant("a", n), None)
        told = writer.abandon(lambda count: whole(HOSTS, count, CellState.PARTIAL))
        assert writer.abandon(lambda count: whole(HOSTS, count)) is None
        with pytest.raises(Abandoned):
            writer.finish(whole(HOSTS))
        for n in range(BATCH - 2):
            writer.add(tenant("late", n), None)
        with pytest.raises(Abandoned):
            writer.add(tenant("late", BATCH), None)
        spool.finish()
        left = list(spool.sorted_records())
        cells = list(spool.cells)

    assert told is not None
    assert told.seen == BATCH
    assert len(left) == BATCH
    assert cells == [told]


def test_closing_waits_for_a_thread_that_writes_and_turns_the_late_ones_away() -> None:
    """SQLite crashes the whole program if it is closed under somebody's hands."""
    ends: list[str] = []

    def write_on(spool: Spool, number: int) -> None:
        try:
            for n in range(10_000):
                write(
                    spool, Cell("ssh:g", f"{number}-{n}", "host"), [(tenant("x" * 500, i), None) for i in range(BATCH)]
                )
        except Abandoned:
            ends.append("turned away")

    for _ in range(5):
        with open_spool(None) as spool:
            threads = [threading.Thread(target=write_on, args=(spool, n)) for n in range(4)]
            for thread in threads:
                thread.start()
            time.sleep(0.05)
        for thread in threads:
            thread.join()

    assert ends == ["turned away"] * 20


def test_many_threads_may_write() -> None:
    cells = [Cell("ssh:g", f"h{n}", "host") for n in range(40)]
    with open_spool(None) as spool:
        threads = [
            threading.Thread(target=write, args=(spool, c, [(tenant(c.scope, n), None) for n in range(50)]))
            for c in cells
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        spool.finish()
        found = sum(1 for _ in spool.sorted_records())
        finished = len(spool.cells)

    assert (found, finished) == (2000, 40)


# ── the do-not-scan list ─────────────────────────────────────────────────────────────────────────────────────────────

SECRET = "S-BMJ-01"


def test_what_is_listed_later_is_dropped_from_what_was_read_before(tmp_path: Path) -> None:
    """A ledger may be read after the cloud; and nothing of the name is left in the file, free pages included."""
    path = tmp_path / "s"
    guard = Guard()
    with open_spool(path, guard) as spool:
        rejection = Rejection(source="l", file="f", sheet="s", row=2, column="c", value=SECRET, expected=msg("a date"))
        writer = spool.cell(TENANTS)
        writer.add(tenant(SECRET), encode_raw({"name": SECRET}))
        writer.add(tenant("b", 1), encode_raw({"neighbour": SECRET}))
        writer.add(tenant("c", 2), encode_raw({"plain": 1}))
        writer.reject(rejection)
        writer.finish(
            CellResult(cell=TENANTS, state=CellState.PARTIAL, seen=3, reason=msg("no {x}", x=SECRET), unseen=(SECRET,))
        )
        guard.add([SECRET])
        spool.finish()
        taken = spool.collection()

    assert SECRET not in repr(taken)
    assert [(r.kind, r.raw is None) for r in sorted(taken.records, key=lambda r: r.key)] == [
        ("classified_trace", True),
        ("tenant", True),
        ("tenant", False),
    ]
    assert list(taken.raws.values()) == [b'{"plain":1}']
    assert taken.rejections == []
    assert SECRET.encode() not in path.read_bytes()


def test_what_a_listed_project_has_is_listed_whichever_came_first() -> None:
    guard = Guard(["P-BMJ"])
    project = Project(
        source="ledger:l", native_id="P-BMJ", observed_at=NOON, name="p", department="d", systems=(SECRET,)
    )
    system = System(
        source="ledger:l", native_id=SECRET, observed_at=NOON, name="s", department="d", hosts=("bmj-host",)
    )
    host = HostSighting(source="ssh:g", native_id="x", observed_at=NOON, name="bmj-host", view=View.OS)
    for order in ([project, system, host], [host, system, project], [system, host, project]):
        guard = Guard(["P-BMJ"])
        with open_spool(None, guard) as spool:
            for n, record in enumerate(order):
                write(spool, Cell("x", str(n), record.kind), [(record, None)])
            spool.finish()
            kinds = {r.kind for r in spool.sorted_records()}
        assert kinds == {"classified_trace"}, order


def test_a_resumed_run_guards_what_an_earlier_list_let_through(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with open_spool(path, plan="p") as spool:
        write(spool, TENANTS, [(tenant(SECRET), None), (tenant("b", 1), None)])
    with open_spool(path, Guard([SECRET]), plan="p", resume=True) as spool:
        spool.finish()
        assert SECRET not in repr(spool.collection())


NAMES = st.sampled_from(["a", "b", SECRET, f"{SECRET}-web", "10.1.2.3", "x y", "密", "10.1.2.30"])


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.tuples(NAMES, st.one_of(st.none(), NAMES)), max_size=8),
    listed=st.lists(NAMES, max_size=2),
    late=st.booleans(),
)
def test_disk_and_memory_guard_alike(rows: list[tuple[str, str | None]], listed: list[str], *, late: bool) -> None:
    """`Collection.guarded` is the rule; the spool must come to the same, whether the list was known before or after."""
    memory = Collection(taken_at=NOON)
    guard = Guard(() if late else listed)
    with open_spool(None, guard) as spool:
        writer = spool.cell(TENANTS)
        for number, (name, remark) in enumerate(rows):
            body = None if remark is None else encode_raw({"remark": remark})
            record = tenant(name, number)
            writer.add(record, body)
            if body is not None:
                memory.raws[digest(body)] = body
            memory.records.append(record if body is None else _with_raw(record, digest(body)))
        writer.finish(whole(TENANTS, len(rows)))
        guard.add(listed)
        spool.finish()
        found = spool.collection()

    expected = memory.guarded(Guard(listed))
    assert list(found.sorted_lines()) == list(expected.sorted_lines())
    assert found.raws == expected.raws


def _with_raw(record: Tenant, name: str) -> Tenant:
    return Tenant(
        source=record.source,
        native_id=record.native_id,
        observed_at=record.observed_at,
        name=record.name,
        raw=name,
    )
