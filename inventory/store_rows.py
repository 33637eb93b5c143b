"""What stands in a row of the store: keys, canonical contents, and the times that are kept apart from them.

A record's content is its canonical JSON without `observed_at`: what differs every night is no change of the thing. The
times are kept for each scan as runs of equal values in the order of the rows, a few bytes where a source has one
clock. Put together again they give the bytes that were saved.
"""

import hashlib
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from inventory.coverage import CellResult
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
_TIME = b'"observed_'
"""Where a record's time is looked for: a search is the faster, the rarer the last byte of what it looks for."""
_TIME_GOES_ON = b'at":"'


def stored_key(key: str) -> str:
    """The key as it stands in the store: without NUL, which PostgreSQL refuses, bounded, and in the same order."""
    if "\x00" in key or "\x01" in key:
        key = key.replace("\x01", "\x01\x02").replace("\x00", "\x01\x01")
    return key[:MAX_KEY_CHARACTERS]


def finding_key(key: str) -> str:
    """A finding's key as it stands in the store: a long one ends in its digest, for since when it holds hangs on it."""
    stored = stored_key(key)
    return stored if len(stored) < MAX_KEY_CHARACTERS else f"{stored[:430]}#{sha256(key.encode()).hex()}"


def finding_keys(findings: Iterable[Finding]) -> list[str]:
    """The key of each; nearly all of them stand in the store as they are, which is soon seen."""
    keys = [finding.key for finding in findings]
    return [k if len(k) < MAX_KEY_CHARACTERS and k.isprintable() else finding_key(k) for k in keys]


def canonical(value: object) -> bytes:
    """The value as JSON with sorted keys and no spaces."""
    return _ENCODER.encode(value)


def sha256(data: bytes) -> bytes:
    """SHA-256, as 32 bytes."""
    return hashlib.sha256(data).digest()


# ── contents ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def without_times(lines: Iterable[bytes], times: "Runs") -> list[bytes]:
    """Records' canonical JSON without `observed_at`; the times that stood there go to `times`."""
    bodies: list[bytes] = []
    moment, tail, same = b"", b"\0", 0
    for line in lines:
        parts = line.split(_TIME)
        if len(parts) == 2 and parts[1].startswith(tail):
            same += 1
            bodies.append(parts[0] + parts[1][len(tail) :])
            continue
        times.add(moment, same)
        body, moment = _without_time(line)
        tail, same = b'%s%s",' % (_TIME_GOES_ON, moment), 1
        bodies.append(body)
    times.add(moment, same)
    return bodies


def _without_time(encoded: bytes) -> tuple[bytes, bytes]:
    parts = encoded.split(_TIME)
    if len(parts) == 2 and parts[1].startswith(_TIME_GOES_ON):
        # It occurs once, so it is the record's own field and nobody's label.
        moment, _, rest = parts[1].removeprefix(_TIME_GOES_ON).partition(b'",')
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

    def add(self, value: bytes, count: int = 1) -> None:
        """The value of the next rows, so many."""
        if value != self._value and count:
            self._end_run()
            self._value, self._count = value, 0
        self._count += count

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
