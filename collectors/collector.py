"""What a collector is, and the one policy on partial failure."""

import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from queue import Empty, SimpleQueue
from typing import Protocol

import msgspec

from collectors.errors import CollectorError
from inventory.collection import Collection, encode_raw, without_names
from inventory.coverage import Cell, CellResult, CellState, Failure, Rejection, SourceInfo
from inventory.guard import Guard
from inventory.records import Record
from inventory.spool import Abandoned, CellWriter, Spool
from inventory.text import Message, msg

MAX_REASONS = 20
"""Sentences in which one cell says why it is not whole."""
MAX_DOCUMENT_BYTES = 4 * 1024**2
"""Of what one record came from. A larger one would make a line that no capture may have: no such scan could be read."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One record and the raw document it came from (already cut down to an allow-list of fields): JSON-like values, or
    an object of msgspec's that is written like them.
    """

    record: Record
    raw: Mapping[str, object] | msgspec.Struct | None = None


@dataclass(frozen=True, slots=True)
class Incomplete:
    """Said by a reader along the way: this cell goes on, but it will not be all of it."""

    reason: Message
    unseen: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ForbiddenCodes:
    """Said by a ledger: these codes and names are classified; they go to the guard and nowhere else."""

    words: tuple[str, ...]


Said = Reading | Incomplete | Rejection | ForbiddenCodes


class Deadline:
    """When a run has to end. A cell that is being read then stops after its next record, or is left after a grace."""

    GRACE = 60.0
    """Seconds that a reader has, once it is past, to come back from the network."""

    def __init__(self, seconds: float | None, *, grace: float = GRACE, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self._grace = grace
        self._end = None if seconds is None else clock() + seconds

    @property
    def is_past(self) -> bool:
        """Whether nothing more is begun."""
        return self._end is not None and self._clock() >= self._end

    @property
    def is_long_past(self) -> bool:
        """Whether what is still being read is left."""
        return self._end is not None and self._clock() >= self._end + self._grace

    @property
    def wait_seconds(self) -> float | None:
        """How long there is to wait until it is long past; None: for ever."""
        return None if self._end is None else max(0.0, self._end + self._grace - self._clock())


class Collector(Protocol):
    """Reads one source. `plan` promises the cells, `read` yields what one of them holds, or raises CollectorError.

    A cell is complete only if `read` ends by itself without having said `Incomplete` or rejected a row: half a listing
    is never a whole one. Reading is all it may do; it gets its clock, guard and credentials' references from its maker.
    """

    @property
    def info(self) -> SourceInfo:
        """The source, as captures carry it."""

    @property
    def parallel(self) -> int:
        """How many cells may be read at once."""

    def plan(self) -> Sequence[Cell]:
        """Every cell that will end up in the coverage, whatever happens. Must not touch the network."""

    def read(self, cell: Cell) -> Iterator[Said]:
        """What the cell holds.

        Raises:
            CollectorError: it could not be read to its end; what was yielded before stands, as part of it.
        """


def collect(
    collectors: Iterable[Collector],
    *,
    guard: Guard,
    clock: Callable[[], datetime],
    on_cell: Callable[[CellResult], None] | None = None,
    deadline: Deadline | None = None,
) -> Collection:
    """Reads every planned cell of every collector, sources side by side, and returns what they said, guarded."""
    with Spool(None, guard=guard, taken_at=clock()) as spool:
        collect_into(spool, collectors, clock=clock, on_cell=on_cell, deadline=deadline)
        spool.finish()
        return spool.collection()


def collect_into(
    spool: Spool,
    collectors: Iterable[Collector],
    *,
    clock: Callable[[], datetime],
    on_cell: Callable[[CellResult], None] | None = None,
    deadline: Deadline | None = None,
    is_reusable: bool = True,
) -> None:
    """Reads every planned cell of every collector into the spool, sources side by side.

    The spool's guard is extended by what ledgers mark as classified. `on_cell` is called once for each finished cell,
    from the threads that read them, never twice at once. A cell that the spool holds from an earlier run is not read
    again; `is_reusable` says whether a later run may do the same with these. After the deadline no cell is begun.

    Raises:
        SpoolError: what was read cannot be written down.
    """
    every = list(collectors)
    spool.sources.extend(c.info for c in every)
    _Run(spool, clock, on_cell, deadline or Deadline(None), is_reusable=is_reusable).read(every)


class _Run:
    """The threads of one run. They are daemons of their own: one that hangs must not hold the program."""

    def __init__(
        self,
        spool: Spool,
        clock: Callable[[], datetime],
        on_cell: Callable[[CellResult], None] | None,
        deadline: Deadline,
        *,
        is_reusable: bool,
    ) -> None:
        self.spool = spool
        self.clock = clock
        self.on_cell = on_cell
        self.deadline = deadline
        self.is_reusable = is_reusable
        self.changed = threading.Condition()
        self.waiting = 0
        """Workers that have not ended."""
        self.reading: dict[int, tuple[Cell, CellWriter, datetime]] = {}
        """What each worker reads, by its number."""
        self.crash: BaseException | None = None
        self.telling = threading.Lock()

    def read(self, collectors: Sequence[Collector]) -> None:
        workers: list[threading.Thread] = []
        queues: list[SimpleQueue[Cell]] = []
        for collector in collectors:
            cells: SimpleQueue[Cell] = SimpleQueue()
            queues.append(cells)
            planned = collector.plan()
            for cell in planned:
                cells.put(cell)
            for _ in range(max(1, min(collector.parallel, len(planned)))):
                workers.append(self._worker(len(workers), collector, cells))
        self.waiting = len(workers)
        for worker in workers:
            worker.start()
        with self.changed:
            while self.waiting and self.crash is None and not self.deadline.is_long_past:
                self.changed.wait(self.deadline.wait_seconds)
            left = list(self.reading.values())
        if self.crash is not None:
            raise self.crash
        for cell, writer, started in left:
            abandoned = writer.abandon(partial(self._abandoned, cell, started))
            if abandoned is not None:
                self._tell(abandoned)
        for cells in queues:
            # Behind a worker that hangs others wait: what was planned is in the coverage, whatever happens.
            while (waiting := _next(cells)) is not None:
                self._skip(self.spool.cell(waiting), waiting)

    def _worker(self, number: int, collector: Collector, cells: "SimpleQueue[Cell]") -> threading.Thread:
        def work() -> None:
            try:
                while self.crash is None and self._read_next(number, collector, cells):
                    pass
            except Abandoned:
                pass
            except BaseException as error:  # noqa: BLE001 - told by the thread that waits for this one
                with self.changed:
                    self.crash = self.crash or error
            finally:
                with self.changed:
                    self.waiting -= 1
                    self.changed.notify_all()

        return threading.Thread(target=work, name=f"yunhe-{collector.info.name}-{number}", daemon=True)

    def _read_next(self, number: int, collector: Collector, cells: "SimpleQueue[Cell]") -> bool:
        """Reads the next cell; False where none is left."""
        with (
            self.changed
        ):  # taken and known to be read in one step: the deadline must find it in one place or the other
            cell = _next(cells)
            if cell is None:
                return False
            before = self.spool.finished(cell)
            if before is None:
                writer, started = self.spool.cell(cell), self.clock()
                self.reading[number] = (cell, writer, started)
        if before is not None:
            self._tell(before)
            return True
        if self.deadline.is_past:
            self._skip(writer, cell)
        else:
            result, is_open = _read(collector, cell, writer, self.spool.guard, self.clock, started, self.deadline)
            writer.finish(result, is_reusable=self.is_reusable and is_open)
            self._tell(result)
        with self.changed:
            self.reading.pop(number, None)
        return True

    def _skip(self, writer: CellWriter, cell: Cell) -> None:
        at = self.clock()
        reason = msg("the deadline of the scan had passed before it was its turn")
        result = CellResult(cell=cell, state=CellState.SKIPPED, seen=0, reason=reason, started_at=at, finished_at=at)
        writer.finish(result, is_reusable=False)
        self._tell(result)

    def _abandoned(self, cell: Cell, started: datetime, written: int) -> CellResult:
        return CellResult(
            cell=cell,
            state=CellState.PARTIAL if written else CellState.FAILED,
            seen=written,
            reason=_too_late(),
            failure=Failure.TIMEOUT,
            started_at=started,
            finished_at=self.clock(),
        )

    def _tell(self, result: CellResult) -> None:
        if self.on_cell is not None:
            with self.telling:
                # It is shown at once: nothing of the do-not-scan list may stand in it, nor in the log.
                self.on_cell(without_names(result, self.spool.guard))


def _next(cells: "SimpleQueue[Cell]") -> Cell | None:
    try:
        return cells.get_nowait()
    except Empty:
        return None


def _read(
    collector: Collector,
    cell: Cell,
    writer: CellWriter,
    guard: Guard,
    clock: Callable[[], datetime],
    started: datetime,
    deadline: Deadline,
) -> tuple[CellResult, bool]:
    """How the cell ended, and whether nothing was said in it that may not stay on disk."""
    incomplete: list[Incomplete] = []
    error: CollectorError | None = None
    is_open = True
    said_by = collector.read(cell)
    try:
        for said in said_by:
            match said:
                case Reading():
                    unkept = _keep(said, writer)
                    if unkept is not None:
                        incomplete.append(Incomplete(unkept))
                case Incomplete():
                    incomplete.append(said)
                case Rejection():
                    writer.reject(said)
                case ForbiddenCodes(words):
                    is_open = False
                    guard.add(words)
            if deadline.is_past:
                incomplete.append(Incomplete(_too_late()))
                break
    except CollectorError as caught:
        error = caught
    finally:
        if isinstance(said_by, Generator):
            said_by.close()
    return _result(cell, writer.seen, incomplete, writer.rejected, error, started, clock()), is_open


def _keep(reading: Reading, writer: CellWriter) -> Message | None:
    """Hands the record on; says why where it cannot be kept."""
    try:
        body = encode_raw(reading.raw) if reading.raw is not None else None
        if body is not None and len(body) > MAX_DOCUMENT_BYTES:
            return _too_large()
        writer.add(reading.record, body)
    except (UnicodeEncodeError, OverflowError, RecursionError, msgspec.EncodeError) as error:
        return msg("a record holds what cannot be written down ({detail})", detail=str(error)[:200])
    return None


def _too_late() -> Message:
    return msg("the deadline of the scan passed while it was being read")


def _too_large() -> Message:
    return msg("a record of more than {bytes} bytes was not kept", bytes=MAX_DOCUMENT_BYTES)


def _result(
    cell: Cell,
    seen: int,
    incomplete: list[Incomplete],
    rejected: int,
    error: CollectorError | None,
    started: datetime,
    finished: datetime,
) -> CellResult:
    unseen = tuple(sorted({u for i in incomplete for u in i.unseen} | set(error.unseen if error else ())))
    reason: Message | None
    if error is not None:
        # What was read before it broke is evidence of presence; it is no evidence of absence.
        state = CellState.PARTIAL if seen and error.state is CellState.FAILED else error.state
        reason = error.message
    elif incomplete or rejected:
        state = CellState.PARTIAL
        reasons: list[Message] = []
        for said in incomplete:
            if said.reason not in reasons and len(reasons) < MAX_REASONS:
                reasons.append(said.reason)
        if rejected:
            reasons.append(msg("{count} row(s) were rejected", count=rejected))
        reason = reasons[0] if len(reasons) == 1 else msg("{reasons}", reasons=reasons)
    else:
        state, reason = CellState.COMPLETE, None
    return CellResult(
        cell=cell,
        state=state,
        seen=seen,
        reason=reason,
        failure=error.failure if error is not None else None,
        unseen=unseen,
        started_at=started,
        finished_at=finished,
    )
