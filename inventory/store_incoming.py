"""What a scan brings to the store, section by section, a block of neighbours at a time.

Each block has what can be had cheaply of every thing: content and digest. Keys are made when somebody asks for them. In
an ordinary night nobody does: a content says what it is the content of, so what has the same digest has the same key.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from operator import itemgetter, lt
from typing import Any, Protocol

import msgspec

from inventory.coverage import CellResult, Rejection
from inventory.finding import Finding
from inventory.store_bulk import Place
from inventory.store_rows import Runs, canonical, finding_keys, stored_key, without_times

BLOCK_BYTES = 4 * 1024**2
"""Contents of a block, at which it ends: memory does not hang on how large documents are."""

Key = str | bytes
"""Of a row: raw documents have their digests, everything else a text."""
_first = itemgetter(0)


class Disorder(ValueError):
    """A stream that is promised in the order of its keys is not: a mistake of the program."""


class Block:
    """Things of one section that follow each other in the order of their places."""

    def __init__(
        self,
        after: Place | None,
        bodies: Sequence[bytes],
        digests: Sequence[bytes],
        named: Sequence[Any],
        key_of: Callable[[Any], Key],
        verdicts: Sequence[str] | None = None,
    ) -> None:
        """`key_of` makes a thing's key of its entry in `named`."""
        self.after = after
        """Place of the thing before the first."""
        self.bodies = bodies
        self.digests = digests
        """SHA-256 of each content."""
        self.verdicts = verdicts if verdicts is not None else [""] * len(bodies)
        """Of findings; else empty texts."""
        self._named = named
        self._key_of = key_of
        self.last = self._last()

    def _last(self) -> Place:
        key, nth, count = self._key_of(self._named[-1]), 0, len(self._named)
        while nth + 1 < count and self._key_of(self._named[-2 - nth]) == key:
            nth += 1
        if nth + 1 == count and self.after is not None and self.after.key == key:
            nth += self.after.nth + 1
        return Place(key, nth)

    def places(self) -> tuple[list[Key], list[int]]:
        """The key of each thing, and its place among its like.

        Raises:
            Disorder: the keys do not ascend.
        """
        keys = list(map(self._key_of, self._named))
        before: Iterable[Any] = keys if self.after is None else chain((self.after.key,), keys)
        following: Iterable[Any] = islice(keys, 1, None) if self.after is None else keys
        if all(map(lt, before, following)):
            return keys, [0] * len(keys)
        return keys, list(_places(keys, self.after))


def _places(keys: Iterable[Any], after: Place | None) -> Iterator[int]:
    last, nth = (after.key, after.nth) if after is not None else (None, 0)
    for key in keys:
        if last is not None and key < last:
            raise Disorder(f"{key!r} after {last!r}")
        nth = nth + 1 if key == last else 0
        last = key
        yield nth


class Stream(Protocol):
    """One section of a scan in the order of its places."""

    def take(self, count: int) -> Block | None:
        """The next things: so many, fewer where they are large or the last; None at the end."""


class RecordStream:
    """The records of a scan from their canonical JSON; when each was observed goes to `times`, in the same order."""

    def __init__(self, lines: Iterable[bytes], times: Runs) -> None:
        self._lines = iter(lines)
        self._times = times
        self._after: Place | None = None

    def take(self, count: int) -> Block | None:
        """See `Stream`."""
        lines: list[bytes] = []
        room = BLOCK_BYTES
        for line in islice(self._lines, count):
            lines.append(line)
            room -= len(line)
            if room <= 0:
                break
        if not lines:
            return None
        bodies = without_times(lines, self._times)
        digests = [hashlib.sha256(body).digest() for body in bodies]
        block = Block(self._after, bodies, digests, bodies, record_key)
        self._after = block.last
        return block


class _Named(msgspec.Struct, frozen=True):
    """What a record's key is made of."""

    source: str
    kind: str
    native_id: str


_named = msgspec.json.Decoder(_Named).decode


def record_key(body: bytes) -> str:
    """A record's key as it stands in the store."""
    named = _named(body)
    return stored_key(f"{named.source}|{named.kind}|{named.native_id}")


class RawStream:
    """The raw documents of a scan: a document's digest is its key."""

    def __init__(self, raws: Iterable[tuple[str, bytes]]) -> None:
        self._raws = iter(raws)
        self._after: Place | None = None

    def take(self, count: int) -> Block | None:
        """See `Stream`."""
        names: list[str] = []
        bodies: list[bytes] = []
        room = BLOCK_BYTES
        for name, body in islice(self._raws, count):
            names.append(name)
            bodies.append(body)
            room -= len(body)
            if room <= 0:
                break
        if not bodies:
            return None
        digests = list(map(bytes.fromhex, names))
        block = Block(self._after, bodies, digests, digests, _itself)
        self._after = block.last
        return block


def _itself(key: Key) -> Key:
    return key


class _KeyedStream:
    """Things with their keys, in the order of these; contents are made as they are asked for."""

    def __init__(self, keys: Sequence[str], things: Sequence[Any]) -> None:
        self._keys = keys
        self._things = things
        self._start = 0
        self._after: Place | None = None

    def take(self, count: int) -> Block | None:
        """See `Stream`."""
        things = self._things[self._start : self._start + count]
        if not things:
            return None
        keys = self._keys[self._start : self._start + count]
        self._start += len(things)
        bodies = list(map(canonical, things))
        digests = [hashlib.sha256(body).digest() for body in bodies]
        block = Block(self._after, bodies, digests, keys, _itself, self._verdicts(things))
        self._after = block.last
        return block

    def _verdicts(self, _: Sequence[Any]) -> Sequence[str] | None:
        return None


class FindingStream(_KeyedStream):
    """The findings of a scan. The store keeps one for each check and subject."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        """Puts them in order.

        Raises:
            Disorder: two findings answer the same question.
        """
        keys = finding_keys(findings)
        if not all(map(lt, keys, islice(keys, 1, None))):
            in_order = sorted(zip(keys, findings, strict=True), key=_first)
            keys = [key for key, _ in in_order]
            findings = [finding for _, finding in in_order]
            for one, (key, other) in zip(keys, in_order[1:], strict=False):
                if one == key:
                    raise Disorder(f"two findings are called {other.key!r}")
        super().__init__(keys, findings)

    def _verdicts(self, findings: Sequence[Finding]) -> Sequence[str]:
        return [finding.verdict.value for finding in findings]


def cell_stream(cells: Iterable[CellResult], times: Runs) -> Stream:
    """The coverage of a scan; when each cell began and ended goes to `times`."""
    keyed = sorted(((_cell_key(cell), cell) for cell in cells), key=_first)
    for _, cell in keyed:
        times.add(canonical((cell.started_at, cell.finished_at)))
    timeless = [msgspec.structs.replace(cell, started_at=None, finished_at=None) for _, cell in keyed]
    return _KeyedStream([key for key, _ in keyed], timeless)


def rejection_stream(rejections: Iterable[Rejection]) -> Stream:
    """The rejected rows of a scan."""
    keyed = sorted(((_rejection_key(rejection), rejection) for rejection in rejections), key=_first)
    return _KeyedStream([key for key, _ in keyed], [rejection for _, rejection in keyed])


def _cell_key(result: CellResult) -> str:
    return stored_key(f"{result.cell.source}|{result.cell.scope}|{result.cell.kind}")


def _rejection_key(rejection: Rejection) -> str:
    r = rejection
    return stored_key("|".join((r.source, r.file, r.sheet, f"{r.row:09d}", r.column, r.value)))
