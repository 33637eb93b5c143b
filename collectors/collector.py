"""What a collector is, and the one policy on partial failure."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import msgspec

from collectors.errors import CollectorError
from inventory.collection import Collection, digest, encode_raw, without_names
from inventory.coverage import Cell, CellResult, CellState, Rejection, SourceInfo
from inventory.guard import Guard
from inventory.records import Record
from inventory.text import Message, msg

MAX_REASONS = 20
"""Sentences in which one cell says why it is not whole."""
MAX_DOCUMENT_BYTES = 4 * 1024**2
"""Of what one record came from. A larger one would make a line that no capture may have: no such scan could be read."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One record and the raw document it came from (already cut down to an allow-list of fields)."""

    record: Record
    raw: Mapping[str, object] | None = None


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
) -> Collection:
    """Reads every planned cell of every collector, sources side by side, and returns what they said, guarded.

    The guard is extended by what ledgers mark as classified. `on_cell` is called once for each finished cell, from
    the threads that read them, never twice at once.
    """
    collection = Collection(taken_at=clock())
    lock = threading.Lock()

    def read_cell(collector: Collector, cell: Cell) -> None:
        result = _read(collector, cell, collection, guard, clock, lock)
        with lock:
            collection.cells.append(result)
            if on_cell is not None:
                # It is shown at once: nothing of the do-not-scan list may stand in it, nor in the log.
                on_cell(without_names(result, guard))

    def read_source(collector: Collector) -> None:
        cells = collector.plan()
        with ThreadPoolExecutor(max(1, min(collector.parallel, len(cells) or 1))) as cell_pool:
            for future in [cell_pool.submit(read_cell, collector, cell) for cell in cells]:
                future.result()

    every = list(collectors)
    collection.sources.extend(c.info for c in every)
    with ThreadPoolExecutor(max(1, len(every))) as source_pool:
        for future in [source_pool.submit(read_source, collector) for collector in every]:
            future.result()
    return collection.guarded(guard)


def _read(
    collector: Collector,
    cell: Cell,
    collection: Collection,
    guard: Guard,
    clock: Callable[[], datetime],
    lock: threading.Lock,
) -> CellResult:
    started = clock()
    seen = 0
    incomplete: list[Incomplete] = []
    rejected = 0
    error: CollectorError | None = None
    try:
        for said in collector.read(cell):
            match said:
                case Reading(record, raw):
                    body = encode_raw(raw) if raw is not None else None
                    if body is not None and len(body) > MAX_DOCUMENT_BYTES:
                        incomplete.append(Incomplete(_too_large()))
                        continue
                    with lock:
                        if body is not None:
                            record = msgspec.structs.replace(record, raw=digest(body))
                            collection.raws[digest(body)] = body
                        collection.records.append(record)
                    seen += 1
                case Incomplete():
                    incomplete.append(said)
                case Rejection():
                    rejected += 1
                    with lock:
                        collection.rejections.append(said)
                case ForbiddenCodes(words):
                    with lock:
                        guard.add(words)
    except CollectorError as caught:
        error = caught
    return _result(cell, seen, incomplete, rejected, error, started, clock())


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
        cell=cell, state=state, seen=seen, reason=reason, unseen=unseen, started_at=started, finished_at=finished
    )
