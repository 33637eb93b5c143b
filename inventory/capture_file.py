"""A capture: what sources said, in one portable file. Collect here, scan there.

A zip with `manifest.json` (format, tool, time, sources, SHA-256 of each member), `records.jsonl`, `raws.jsonl`,
`coverage.jsonl` and `rejections.jsonl`. The same collection gives the same bytes. Reading believes nothing: names,
sizes and digests are checked before a record is decoded.
"""

import hashlib
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, TypeVar

import msgspec

from inventory.collection import Collection, Taken, digest
from inventory.coverage import CellResult, Rejection, SourceInfo
from inventory.records import AnyRecord, Instant
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


def read(path: Path) -> Collection:
    """The collection that the capture holds.

    Raises:
        CaptureError: not a capture, of a newer format, damaged or changed.
        OSError: the file cannot be opened.
    """
    with path.open("rb") as file:
        return load(file, name=str(path), is_ours=False)


def load(file: IO[bytes], *, name: str, is_ours: bool = True) -> Collection:
    """The collection in an open file; `name` is what errors call it. What is `ours` may be packed as tight as it is.

    Raises:
        CaptureError: not a capture, of a newer format, damaged or changed.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            return _read(archive, name, MAX_RATIO if not is_ours else None)
    except _DAMAGED as error:
        raise CaptureError(f"{name}: no readable capture ({error}); expected a file of `yunhe collect`") from error


def _read(archive: zipfile.ZipFile, path: str, ratio: int | None) -> Collection:
    names = archive.namelist()
    if sorted(names) != sorted(("manifest.json", *_MEMBERS)):
        raise CaptureError(f"{path}: not a capture: it holds {', '.join(sorted(names)[:6]) or 'nothing'}")
    for entry in archive.infolist():
        _admit(entry, MAX_MANIFEST_BYTES if entry.filename == "manifest.json" else MAX_MEMBER_BYTES, ratio, path)
    try:
        manifest = msgspec.json.decode(archive.read("manifest.json"), type=_Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CaptureError(f"{path}: its manifest cannot be read: {error}") from error
    if manifest.format != FORMAT or manifest.format_version != FORMAT_VERSION:
        raise CaptureError(
            f"{path}: format {manifest.format!r} version {manifest.format_version}; "
            f"this program reads {FORMAT!r} version {FORMAT_VERSION}"
        )
    for name in _MEMBERS:
        _verify(archive, name, manifest.members.get(name), path)
    collection = Collection(taken_at=manifest.taken_at, sources=list(manifest.sources))
    collection.records.extend(_decoded(archive, "records.jsonl", AnyRecord, path))  # type: ignore[arg-type]
    collection.cells.extend(_decoded(archive, "coverage.jsonl", CellResult, path))
    collection.rejections.extend(_decoded(archive, "rejections.jsonl", Rejection, path))
    for raw in _decoded(archive, "raws.jsonl", _Raw, path):
        body = bytes(raw.body)
        if digest(body) != raw.digest:
            raise CaptureError(f"{path}: raws.jsonl: a raw document is not what its digest says ({raw.digest[:12]}…)")
        collection.raws[raw.digest] = body
    return collection


def _admit(entry: zipfile.ZipInfo, most: int, ratio: int | None, path: str) -> None:
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise CaptureError(f"{path}: {entry.filename} is packed in a way that `yunhe collect` does not use")
    if entry.file_size > most:
        raise CaptureError(f"{path}: {entry.filename} is larger than {most} bytes")
    if ratio is not None and entry.file_size > max(FREE_BYTES, ratio * entry.compress_size):
        raise CaptureError(f"{path}: {entry.filename} unpacks to more than {ratio} times its size")


def _verify(archive: zipfile.ZipFile, name: str, expected: str | None, path: str) -> None:
    sha256 = hashlib.sha256()
    with archive.open(name) as member:
        while chunk := member.read(1024**2):
            sha256.update(chunk)
    if sha256.hexdigest() != expected:
        raise CaptureError(f"{path}: {name} was changed after it was written (SHA-256 does not match the manifest)")


def _decoded(archive: zipfile.ZipFile, name: str, kind: type[T], path: str) -> Iterator[T]:
    decoder = msgspec.json.Decoder(kind)
    with archive.open(name) as member:
        for number, line in enumerate(_limited_lines(member, name, path), 1):
            try:
                yield decoder.decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                raise CaptureError(f"{path}: {name} line {number}: {error}") from error


def _limited_lines(member: IO[bytes], name: str, path: str) -> Iterator[bytes]:
    while line := member.readline(MAX_LINE_BYTES + 1):
        if len(line) > MAX_LINE_BYTES:
            raise CaptureError(f"{path}: {name}: a line is longer than {MAX_LINE_BYTES} bytes")
        yield line
