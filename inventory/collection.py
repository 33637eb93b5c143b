"""Everything that one or more sources said in one night, before anybody draws a conclusion."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

import msgspec

from inventory.coverage import DO_NOT_SCAN, Cell, CellResult, CellState, Rejection, SourceInfo
from inventory.guard import Guard
from inventory.records import ClassifiedTrace, Record
from inventory.settings import ConfigError
from inventory.text import msg

_ENCODER = msgspec.json.Encoder(order="sorted")


def encode_raw(document: Mapping[str, object] | msgspec.Struct) -> bytes:
    """The canonical bytes of a raw document: sorted keys, no spaces, UTF-8."""
    return _ENCODER.encode(document)


def digest(data: bytes) -> str:
    """SHA-256, hex."""
    return hashlib.sha256(data).hexdigest()


class Taken(Protocol):
    """What sources said, however it is held: in memory (`Collection`) or on disk. Read it as a stream."""

    @property
    def taken_at(self) -> datetime:
        """When collecting began."""

    @property
    def sources(self) -> Sequence[SourceInfo]:
        """Every source that was asked."""

    @property
    def cells(self) -> Sequence[CellResult]:
        """How each planned cell ended."""

    @property
    def rejections(self) -> Sequence[Rejection]:
        """Rows that could not be used."""

    def sorted_records(self) -> Iterator[Record]:
        """Every record in the order of its key. A key may come several times, where several runs saw one thing."""

    def sorted_lines(self) -> Iterator[bytes]:
        """The same records in the same order, each as canonical JSON (sorted keys, no spaces, UTF-8)."""

    def sorted_raws(self) -> Iterator[tuple[str, bytes]]:
        """Every raw document once, as (digest, canonical JSON), in the order of the digests."""


@dataclass(kw_only=True)
class Collection:
    """Records, raw documents, coverage and rejected rows of one collecting run or of several together."""

    taken_at: datetime
    """When collecting began."""
    sources: list[SourceInfo] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    raws: dict[str, bytes] = field(default_factory=dict)
    """Digest to canonical JSON of a raw document, cut down to an allow-list of fields by its collector."""
    cells: list[CellResult] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)

    def sorted_records(self) -> Iterator[Record]:
        """Every record in the order of its key."""
        return iter(sorted(self.records, key=lambda r: r.key))

    def sorted_lines(self) -> Iterator[bytes]:
        """The same as canonical JSON."""
        return map(_ENCODER.encode, self.sorted_records())

    def sorted_raws(self) -> Iterator[tuple[str, bytes]]:
        """Every raw document once, as (digest, canonical JSON), in the order of the digests."""
        return iter(sorted(self.raws.items()))

    def merge(self, other: "Collection") -> None:
        """Adds what another run saw.

        Raises:
            ConfigError: as `merged_sources`.
        """
        self.sources = merged_sources(self.sources, other.sources)
        self.records.extend(other.records)
        self.raws.update(other.raws)
        self.cells.extend(other.cells)
        self.rejections.extend(other.rejections)

    def guarded(self, guard: Guard) -> "Collection":
        """The same without anything on the do-not-scan list: dropped records leave a count, their documents nothing."""
        if not guard:
            return self
        for record in self.records:
            guard.follow(record)
        kept: list[Record] = []
        spoiled = {d for d, body in self.raws.items() if guard.mentions_in(body)}
        for record in self.records:
            found = guarded_record(record, guard)
            if isinstance(found, ClassifiedTrace) and record.raw:
                # Another record may come from the same document: it loses its document, not itself.
                spoiled.add(record.raw)
            kept.append(found)
        kept = [msgspec.structs.replace(r, raw=None) if r.raw in spoiled else r for r in kept]
        needed = {r.raw for r in kept if r.raw}
        raws = {d: body for d, body in self.raws.items() if d in needed}
        cells = [without_names(c, guard) for c in self.cells]
        rejections = [r for r in self.rejections if not speaks(r, guard)]
        return replace(self, records=_summed(kept), raws=raws, cells=cells, rejections=rejections)


def merged_sources(sources: Iterable[SourceInfo], others: Iterable[SourceInfo]) -> list[SourceInfo]:
    """Each source once.

    Raises:
        ConfigError: two describe one source differently; chance must not settle which is the cloud.
    """
    known = {s.name: s for s in sources}
    for source in others:
        before = known.setdefault(source.name, source)
        if (before.type, before.is_platform, before.zone) != (source.type, source.is_platform, source.zone):
            raise ConfigError(
                msg(
                    "{source} is described differently by two inputs (government cloud: {one} and {other}; zone: "
                    "{zone} and {other_zone}); expected one word, or two names",
                    source=source.name,
                    one=str(before.is_platform).lower(),
                    other=str(source.is_platform).lower(),
                    zone=before.zone or "-",
                    other_zone=source.zone or "-",
                )
            )
        if source.modified_at is not None and (before.modified_at is None or before.modified_at < source.modified_at):
            known[source.name] = msgspec.structs.replace(before, modified_at=source.modified_at)
    return list(known.values())


def guarded_record(record: Record, guard: Guard) -> Record:
    """The record as it may be kept: whole, without a remark, or as the mere trace that something was dropped."""
    if isinstance(record, ClassifiedTrace):
        return msgspec.structs.replace(record, native_id=record.what, raw=None)
    if guard.forbids_record(record):
        what = record.kind
        return ClassifiedTrace(source=record.source, native_id=what, observed_at=record.observed_at, what=what, count=1)
    return guard.without_mentions(record)


def speaks(rejection: Rejection, guard: Guard) -> bool:
    """Whether what is told of the row mentions something of the do-not-scan list."""
    texts = (rejection.value, rejection.column, rejection.file, rejection.sheet, *rejection.touches)
    return guard.withheld(rejection.expected) != rejection.expected or any(map(guard.mentions, texts))


def without_names(result: CellResult, guard: Guard) -> CellResult:
    """The cell without a name that is on the list: that something was skipped stays, what it was does not."""
    if not guard:
        return result
    cell = result.cell
    if guard.forbids_part(cell.scope):
        cell = Cell(cell.source, DO_NOT_SCAN, cell.kind)
        return CellResult(cell=cell, state=CellState.SKIPPED, seen=0, reason=msg("it is on the do-not-scan list"))
    unseen = tuple(u for u in result.unseen if not guard.mentions(u))
    reason = guard.withheld(result.reason) if result.reason else None
    return msgspec.structs.replace(result, unseen=unseen, reason=reason)


def _summed(records: Iterable[Record]) -> list[Record]:
    """Traces of the same source and kind become one."""
    traces: dict[tuple[str, str], ClassifiedTrace] = {}
    rest: list[Record] = []
    for record in records:
        if isinstance(record, ClassifiedTrace):
            key = (record.source, record.what)
            before = traces.get(key)
            count = record.count + (before.count if before else 0)
            when = max(record.observed_at, before.observed_at) if before else record.observed_at
            traces[key] = msgspec.structs.replace(record, count=count, observed_at=when)
        else:
            rest.append(record)
    return [*rest, *traces.values()]
