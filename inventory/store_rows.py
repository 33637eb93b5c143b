"""What stands in a row of the store: keys, canonical contents, and the times that are kept apart from them.

A record's content is its canonical JSON without `observed_at`: what differs every night is no change of the thing. The
times are kept for each scan as runs of equal values in the order of the rows, a few bytes where a source has one
clock. Put together again they give the bytes that were saved.
"""

import hashlib
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import itemgetter

import msgspec

from inventory.coverage import CellResult, Rejection
from inventory.finding import Finding
from inventory.records import AnyRecord, Record

MAX_KEY_CHARACTERS = 500
"""Of a key in an index: PostgreSQL takes 2,704 bytes. Longer ones that begin alike are told apart by their place."""
PACK_FROM_BYTES = 1024
"""Smaller documents gain less by packing than it costs."""
MAX_UNPACKED_BYTES = 256 * 1024**2
RUNS_IN_A_PART = 10_000

_ENCODER = msgspec.json.Encoder(order="sorted")
_RECORDS: msgspec.json.Decoder[Record] = msgspec.json.Decoder(AnyRecord)
_CELLS = msgspec.json.Decoder(CellResult)
_TIME = b'"observed_at":"'
_first = itemgetter(0)


Item = tuple[str | bytes, int, bytes, bytes, str]
"""One thing that a scan holds, as it is compared with what the store holds of it: its key; its place among those of the
same key, from 0 (several captures may hold one thing); SHA-256 of its content; the content; of findings the verdict. A
plain tuple: a million of them are made every night.
"""


class Disorder(ValueError):
    """A stream that is promised in the order of its keys is not: a mistake of the program."""


def stored_key(key: str) -> str:
    """The key as it stands in the store: without NUL, which PostgreSQL refuses, bounded, and in the same order."""
    if "\x00" in key or "\x01" in key:
        key = key.replace("\x01", "\x01\x02").replace("\x00", "\x01\x01")
    return key[:MAX_KEY_CHARACTERS]


def canonical(value: object) -> bytes:
    """The value as JSON with sorted keys and no spaces."""
    return _ENCODER.encode(value)


def sha256(data: bytes) -> bytes:
    """SHA-256, as 32 bytes."""
    return hashlib.sha256(data).digest()


# ── contents ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class _Named(msgspec.Struct, frozen=True):
    """What a record's key is made of."""

    source: str
    kind: str
    native_id: str


def record_items(lines: Iterable[bytes], times: "Runs") -> Iterator[Item]:
    """The records of a scan, each as canonical JSON; when each was observed goes to `times`, in the same order."""
    decode, hashed, add = msgspec.json.Decoder(_Named).decode, hashlib.sha256, times.add
    last, nth = "", 0
    for line in lines:
        named = decode(line)
        body, moment = without_time(line)
        add(moment)
        key = stored_key(f"{named.source}|{named.kind}|{named.native_id}")
        nth = 0 if key > last else _place(key, last, nth)
        last = key
        yield key, nth, hashed(body).digest(), body, ""


def raw_items(raws: Iterable[tuple[str, bytes]]) -> Iterator[Item]:
    """The raw documents of a scan: a document's digest is its key."""
    last = ""
    for name, body in raws:
        if name <= last:
            raise Disorder(f"raw document {name} after {last}")
        last = name
        digest = bytes.fromhex(name)
        yield digest, 0, digest, body, ""


def cell_items(cells: Iterable[CellResult], times: "Runs") -> Iterator[Item]:
    """The coverage of a scan; when each cell began and ended goes to `times`."""

    def contents() -> Iterator[tuple[str, bytes]]:
        for key, cell in sorted(((_cell_key(c), c) for c in cells), key=_first):
            times.add(canonical((cell.started_at, cell.finished_at)))
            yield key, canonical(msgspec.structs.replace(cell, started_at=None, finished_at=None))

    return _placed(contents())


def rejection_items(rejections: Iterable[Rejection]) -> Iterator[Item]:
    """The rejected rows of a scan."""
    return _placed(sorted(((_rejection_key(r), canonical(r)) for r in rejections), key=_first))


def finding_items(findings: Iterable[Finding]) -> Iterator[Item]:
    """The findings of a scan. The store keeps one for each check and subject.

    Raises:
        Disorder: two findings answer the same question.
    """
    encode, hashed, last = _ENCODER.encode, hashlib.sha256, ""
    for key, finding in sorted([(finding_key(f.key), f) for f in findings], key=_first):
        if key == last:
            raise Disorder(f"two findings are called {finding.key!r}")
        last = key
        body = encode(finding)
        yield key, 0, hashed(body).digest(), body, finding.verdict.value


def finding_key(key: str) -> str:
    """A finding's key as it stands in the store: a long one ends in its digest, for since when it holds hangs on it."""
    stored = stored_key(key)
    return stored if len(stored) < MAX_KEY_CHARACTERS else f"{stored[:430]}#{sha256(key.encode()).hex()}"


def _cell_key(result: CellResult) -> str:
    return f"{result.cell.source}|{result.cell.scope}|{result.cell.kind}"


def _rejection_key(rejection: Rejection) -> str:
    r = rejection
    return "|".join((r.source, r.file, r.sheet, f"{r.row:09d}", r.column, r.value))


def _placed(contents: Iterable[tuple[str, bytes]]) -> Iterator[Item]:
    """Items in the order given, which must be that of their keys."""
    last, nth = "", 0
    for written, body in contents:
        key = stored_key(written)
        nth = _place(key, last, nth)
        last = key
        yield key, nth, sha256(body), body, ""


def _place(key: str, last: str, nth: int) -> int:
    """The key's place among its like, where the one before it was the `nth` of `last`."""
    if key > last:
        return 0
    if key < last:
        raise Disorder(f"{key!r} after {last!r}")
    return nth + 1


def without_time(encoded: bytes) -> tuple[bytes, bytes]:
    """A record's canonical JSON without `observed_at`, and the time that stood there."""
    parts = encoded.split(_TIME)
    if len(parts) == 2:
        # Inside a text the quotes would be escaped: it is the record's own field.
        moment, _, rest = parts[1].partition(b'",')
        return parts[0] + rest, moment
    fields = msgspec.json.decode(encoded)
    taken = fields.pop("observed_at")
    return canonical(fields), str(taken).encode()


def record_of(body: bytes, moment: str) -> Record:
    """The record as it was saved."""
    return _RECORDS.decode(b'{"observed_at":"%s",%s' % (moment.encode(), body[1:]))


def cell_of(body: bytes, times: Sequence[object]) -> CellResult:
    """The cell's result as it was saved."""
    fields = body[1:-1]
    for name, value in zip((b"started_at", b"finished_at"), times, strict=True):
        if value is not None:
            fields += b',"%s":"%s"' % (name, str(value).encode())
    return _CELLS.decode(b"{%s}" % fields)


# ── times ────────────────────────────────────────────────────────────────────────────────────────────────────────────


class Runs:
    """Values in the order of rows, written as (how many, value) in parts of bounded size."""

    def __init__(self, write: Callable[[bytes], None], *, quoted: bool) -> None:
        """`write` gets each part as JSON; `quoted` values are texts, others are JSON already."""
        self._write = write
        self._pattern = b'[%d,"%s"]' if quoted else b"[%d,%s]"
        self._value = b""
        self._count = 0
        self._runs: list[bytes] = []

    def add(self, value: bytes) -> None:
        """The value of the next row."""
        if value == self._value:
            self._count += 1
            return
        self._end_run()
        self._value, self._count = value, 1

    def close(self) -> None:
        """Writes what is left."""
        self._end_run()
        self._value, self._count = b"", 0
        self._flush()

    def _end_run(self) -> None:
        if self._count:
            self._runs.append(self._pattern % (self._count, self._value))
            if len(self._runs) >= RUNS_IN_A_PART:
                self._flush()

    def _flush(self) -> None:
        if self._runs:
            self._write(b"[%s]" % b",".join(self._runs))
            self._runs = []


def unrolled(parts: Iterable[bytes]) -> Iterator[object]:
    """The value of each row in turn."""
    for part in parts:
        for count, value in msgspec.json.decode(part, type=list[tuple[int, object]]):
            for _ in range(count):
                yield value


# ── packing ──────────────────────────────────────────────────────────────────────────────────────────────────────────

_PACKED = b"x"
"""First byte of what zlib packed; JSON never begins with it."""


def packed(data: bytes) -> bytes:
    """The document as it is stored: packed where that makes it smaller."""
    if data[:1] == _PACKED:
        return zlib.compress(data, 1)
    if len(data) < PACK_FROM_BYTES:
        return data
    smaller = zlib.compress(data, 1)
    return smaller if len(smaller) < len(data) else data


def unpacked(data: bytes) -> bytes:
    """The document as it was.

    Raises:
        ValueError: it is damaged.
    """
    if data[:1] != _PACKED:
        return data
    engine = zlib.decompressobj()
    try:
        whole = engine.decompress(data, MAX_UNPACKED_BYTES)
    except zlib.error as error:
        raise ValueError(f"a packed document is damaged: {error}") from error
    if not engine.eof or engine.unused_data:
        raise ValueError("a packed document is damaged: it does not end where it should")
    return whole
