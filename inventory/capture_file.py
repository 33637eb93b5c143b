"""A capture: what sources said, in one portable file. Collect here, scan there.

A zip with `manifest.json` (format, tool, time, sources, SHA-256 of each member), `records.jsonl`, `raws.jsonl`,
`coverage.jsonl` and `rejections.jsonl`. The same collection gives the same bytes. Reading believes nothing: names,
sizes and digests are checked before a record is decoded.
"""

import hashlib
import struct
import zipfile
import zlib
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TypeVar

import msgspec

from inventory.collection import Collection, Taken, digest
from inventory.coverage import CellResult, Rejection, SourceInfo
from inventory.records import AnyRecord, Instant, Record
from inventory.text import Message, msg, tell
from inventory.whole_file import whole_file

FORMAT = "yunhe-capture"
FORMAT_VERSION = 1
MAX_MEMBER_BYTES = 4 * 1024**3
MAX_RATIO = 200
"""Of what a member unpacks to, beyond `FREE_BYTES`: records of a city were seen to shrink to a twentieth."""
FREE_BYTES = 16 * 1024**2
MAX_MANIFEST_BYTES = 1024**2
MAX_LINE_BYTES = 16 * 1024**2
_MEMBERS = ("records.jsonl", "raws.jsonl", "coverage.jsonl", "rejections.jsonl")
COMPRESSION = 6
_CHUNK = 1024**2
_FIXED_TIME = (2024, 1, 15, 0, 0, 0)
_ENCODER = msgspec.json.Encoder(order="sorted")

T = TypeVar("T")


class CaptureError(Exception):
    """The file is no capture, is damaged, or was changed after it was written."""

    def __init__(self, message: Message) -> None:
        super().__init__(tell(message, "en"))
        self.message = message


class _Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    format: str
    format_version: int
    tool: str
    taken_at: Instant
    sources: list[SourceInfo]
    members: dict[str, str]


class _Raw(msgspec.Struct, frozen=True, kw_only=True):
    digest: str
    body: msgspec.Raw


def write(taken: Taken, path: Path, *, tool: str) -> None:
    """Writes the capture beside `path` and moves it there whole: a reader never sees half of it.

    Raises:
        OSError: the folder cannot be written to.
    """
    with whole_file(path) as file:
        dump(taken, file, tool=tool)


def dump(taken: Taken, file: IO[bytes], *, tool: str) -> None:
    """Writes the capture to an open file, line by line: memory does not grow with what was taken."""
    rejections = sorted(taken.rejections, key=lambda r: (r.source, r.file, r.sheet, r.row, r.column, r.value))
    contents: dict[str, Iterable[bytes]] = {
        "records.jsonl": taken.sorted_lines(),
        "raws.jsonl": (b'{"body":%s,"digest":"%s"}' % (body, name.encode()) for name, body in taken.sorted_raws()),
        "coverage.jsonl": map(_ENCODER.encode, sorted(taken.cells, key=lambda c: c.cell)),
        "rejections.jsonl": map(_ENCODER.encode, rejections),
    }
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=COMPRESSION) as archive:
        members = {name: _write_member(archive, name, lines) for name, lines in contents.items()}
        manifest = _Manifest(
            format=FORMAT,
            format_version=FORMAT_VERSION,
            tool=tool,
            taken_at=taken.taken_at,
            sources=sorted(taken.sources, key=lambda s: s.name),
            members=members,
        )
        # Last, since it holds the digests of the others.
        _write_member(archive, "manifest.json", [_ENCODER.encode(manifest)])


def _write_member(archive: zipfile.ZipFile, name: str, lines: Iterable[bytes]) -> str:
    """Writes one member and returns its SHA-256."""
    entry = zipfile.ZipInfo(name, _FIXED_TIME)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o600 << 16
    sha256 = hashlib.sha256()
    with archive.open(entry, "w", force_zip64=name != "manifest.json") as member:
        waiting: list[bytes] = []
        size = 0
        for line in lines:
            waiting += (line, b"\n")
            size += len(line)
            if size > _CHUNK:
                _write_chunk(member, sha256, waiting)
                waiting, size = [], 0
        _write_chunk(member, sha256, waiting)
    return sha256.hexdigest()


def _write_chunk(member: IO[bytes], sha256: "hashlib._Hash", lines: list[bytes]) -> None:
    chunk = b"".join(lines)
    sha256.update(chunk)
    member.write(chunk)


_DAMAGED = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError),
    *(NotImplementedError, RuntimeError, ValueError, LookupError, OverflowError),
)
"""All that zipfile says of a damaged archive; it was seen to say each of them."""


class Capture:
    """An open capture, read through once and found whole; `inventory.collection.Taken`. Use as a context manager.

    Its lines are read again, and checked again, each time they are asked for: it is never all in memory.
    """

    def __init__(self, file: IO[bytes], *, name: str, ratio: int | None = MAX_RATIO) -> None:
        """Reads and verifies it; `name` is what errors call it, `ratio` how tight a member may be packed.

        Raises:
            CaptureError: not a capture, of a newer format, damaged or changed.
        """
        self._name = name
        with self._guarded():
            self._archive = zipfile.ZipFile(file)
            self._manifest = _manifest(self._archive, name, ratio)
            self.taken_at = self._manifest.taken_at
            self.sources: Sequence[SourceInfo] = tuple(self._manifest.sources)
            self.cells: Sequence[CellResult] = tuple(self._lines("coverage.jsonl", CellResult))
            self.rejections: Sequence[Rejection] = tuple(self._lines("rejections.jsonl", Rejection))
            for told in (self.sorted_records(), self.sorted_raws()):
                deque(told, maxlen=0)

    @classmethod
    @contextmanager
    def open(cls, path: Path) -> "Iterator[Capture]":
        """The capture at a path.

        Raises:
            CaptureError: as for the class.
            OSError: the file cannot be opened.
        """
        with path.open("rb") as file:
            yield cls(file, name=str(path))

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except _DAMAGED as error:
            raise CaptureError(
                msg("{path}: no readable capture ({detail}); expected a file of `yunhe collect`",
                    path=self._name, detail=_shown(error))
            ) from error  # fmt: skip

    def sorted_records(self) -> Iterator[Record]:
        """Every record, in the order in which it was written: that of its key."""
        with self._guarded():
            yield from self._lines("records.jsonl", AnyRecord)  # type: ignore[arg-type]

    def sorted_lines(self) -> Iterator[bytes]:
        """The same as canonical JSON."""
        return map(_ENCODER.encode, self.sorted_records())

    def sorted_raws(self) -> Iterator[tuple[str, bytes]]:
        """Every raw document as (digest, canonical JSON)."""
        with self._guarded():
            for raw in self._lines("raws.jsonl", _Raw):
                body = bytes(raw.body)
                if digest(body) != raw.digest:
                    raise CaptureError(
                        msg("{path}: {member}: a raw document is not what its digest says ({digest}…)",
                            path=self._name, member="raws.jsonl", digest=_shown(raw.digest[:12]))
                    )  # fmt: skip
                yield raw.digest, body

    def _lines(self, name: str, kind: type[T]) -> Iterator[T]:
        """Every line of a member, decoded; that none was changed is known at the end."""
        decoder = msgspec.json.Decoder(kind)
        sha256 = hashlib.sha256()
        with self._archive.open(name) as member:
            for number, line in enumerate(_limited_lines(member, name, self._name), 1):
                sha256.update(line)
                try:
                    yield decoder.decode(line)
                except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                    raise CaptureError(
                        msg("{path}: {member} line {number}: {detail}", path=self._name, member=name, number=number,
                            detail=_shown(error))
                    ) from error  # fmt: skip
        if sha256.hexdigest() != self._manifest.members.get(name):
            raise CaptureError(
                msg("{path}: {member} was changed after it was written (SHA-256 does not match the manifest)",
                    path=self._name, member=name)
            )  # fmt: skip


def read(path: Path) -> Collection:
    """The collection that the capture holds, in memory.

    Raises:
        CaptureError: not a capture, of a newer format, damaged or changed.
        OSError: the file cannot be opened.
    """
    with Capture.open(path) as capture:
        return _collection(capture)


def load(file: IO[bytes], *, name: str, is_ours: bool = True) -> Collection:
    """The collection in an open file; `name` is what errors call it. What is `ours` may be packed as tight as it is.

    Raises:
        CaptureError: not a capture, of a newer format, damaged or changed.
    """
    return _collection(Capture(file, name=name, ratio=None if is_ours else MAX_RATIO))


def _collection(capture: Capture) -> Collection:
    return Collection(
        taken_at=capture.taken_at,
        sources=list(capture.sources),
        records=list(capture.sorted_records()),
        raws=dict(capture.sorted_raws()),
        cells=list(capture.cells),
        rejections=list(capture.rejections),
    )


def _manifest(archive: zipfile.ZipFile, path: str, ratio: int | None) -> _Manifest:
    names = archive.namelist()
    if sorted(names) != sorted(("manifest.json", *_MEMBERS)):
        held = _shown(", ".join(sorted(names)[:6])) or msg("nothing")
        raise CaptureError(msg("{path}: not a capture: it holds {held}", path=path, held=held))
    for entry in archive.infolist():
        _admit(entry, MAX_MANIFEST_BYTES if entry.filename == "manifest.json" else MAX_MEMBER_BYTES, ratio, path)
    try:
        manifest = msgspec.json.decode(archive.read("manifest.json"), type=_Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise CaptureError(
            msg("{path}: its manifest cannot be read: {detail}", path=path, detail=_shown(error))
        ) from error
    if manifest.format != FORMAT or manifest.format_version != FORMAT_VERSION:
        raise CaptureError(
            msg(
                "{path}: format {format} version {version}; this program reads {known} version {known_version}",
                path=path,
                format=_shown(manifest.format),
                version=manifest.format_version,
                known=FORMAT,
                known_version=FORMAT_VERSION,
            )
        )
    return manifest


def _admit(entry: zipfile.ZipInfo, most: int, ratio: int | None, path: str) -> None:
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise CaptureError(
            msg("{path}: {member} is packed in a way that `yunhe collect` does not use", path=path,
                member=entry.filename)
        )  # fmt: skip
    if entry.file_size > most:
        raise CaptureError(
            msg("{path}: {member} is larger than {limit} bytes", path=path, member=entry.filename, limit=most)
        )
    if ratio is not None and entry.file_size > max(FREE_BYTES, ratio * entry.compress_size):
        raise CaptureError(
            msg("{path}: {member} unpacks to more than {ratio} times its size", path=path, member=entry.filename,
                ratio=ratio)
        )  # fmt: skip


def _limited_lines(member: IO[bytes], name: str, path: str) -> Iterator[bytes]:
    while line := member.readline(MAX_LINE_BYTES + 1):
        if len(line) > MAX_LINE_BYTES:
            raise CaptureError(
                msg("{path}: {member}: a line is longer than {limit} bytes", path=path, member=name,
                    limit=MAX_LINE_BYTES)
            )  # fmt: skip
        yield line


def _shown(said: object) -> str:
    """What a stranger's file, or a library, says of it: one short printable line."""
    return "".join(c if c.isprintable() else " " for c in str(said))[:200]
