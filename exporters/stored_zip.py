"""A zip in one canonical form: stored members, sorted names, fixed times, nothing optional.

Members are not compressed, so the bytes depend on nothing but names and contents: no zlib version, no clock, no
machine. That makes two things simple: equal contents give equal bytes for ever, and a reader can demand that *every*
byte of the file is the one that the writer would have written (APPNOTE.TXT 6.3, sections 4.3.7, 4.3.12 and 4.3.16;
no ZIP64, no data descriptors, no extra fields, no comments).
"""

import re
import struct
import zlib
from collections.abc import Mapping

from inventory.text import Message, msg, tell

MAX_BYTES = 1024**3
MAX_MEMBERS = 20_000

_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_LOCAL_MAGIC, _CENTRAL_MAGIC, _END_MAGIC = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_VERSION = 20
_MADE_ON_UNIX = 3 << 8 | _VERSION
_MODE = 0o100644 << 16
_TIME, _DATE = 0, (2024 - 1980) << 9 | 1 << 5 | 15
"""15 January 2024 00:00, the day on which the regulation took effect: a constant, not a claim."""
_NAME = re.compile(r"(?:[a-z0-9][a-z0-9_-]{0,31}/)?[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
"""ASCII, at most one folder deep, no dot first: unzips alike on every system and cannot leave its folder."""


class ZipFormError(Exception):
    """Not a zip of this form; the message says which part of it is not."""

    def __init__(self, message: Message) -> None:
        super().__init__(tell(message, "en"))
        self.message = message


class TooLarge(ZipFormError):
    """More bytes or members than a bundle may have."""


def write(members: Mapping[str, bytes]) -> bytes:
    """The zip's bytes, members in the order of their names.

    Raises:
        ZipFormError: a name is not plain ASCII.
        TooLarge: the whole would pass `MAX_BYTES` or `MAX_MEMBERS`.
    """
    if len(members) > MAX_MEMBERS or sum(map(len, members.values())) > MAX_BYTES - len(members) * 400 - 100:
        raise TooLarge(_too_large())
    body, directory = bytearray(), bytearray()
    for name, data in sorted(members.items()):
        if not _NAME.fullmatch(name):
            raise ZipFormError(msg("the member name {name} is not a plain one", name=ascii(name)))
        encoded, crc, offset = name.encode("ascii"), zlib.crc32(data), len(body)
        facts = (0, 0, _TIME, _DATE, crc, len(data), len(data), len(encoded))
        body += _LOCAL.pack(_LOCAL_MAGIC, _VERSION, *facts, 0) + encoded + data
        directory += _CENTRAL.pack(_CENTRAL_MAGIC, _MADE_ON_UNIX, _VERSION, *facts, 0, 0, 0, 0, _MODE, offset) + encoded
    end = _END.pack(_END_MAGIC, 0, 0, len(members), len(members), len(directory), len(body), 0)
    return bytes(body + directory + end)


def read(data: bytes) -> dict[str, bytes]:
    """The members of a zip of this form; any byte that the writer would not have written is refused.

    It walks from the front and takes nothing on trust: no offset of the file is followed, no size beyond the file
    believed, nothing is decompressed.

    Raises:
        ZipFormError: not such a zip, cut short, with a member twice, or with a byte changed.
        TooLarge: more bytes or members than a bundle may have.
    """
    if len(data) > MAX_BYTES:
        raise TooLarge(_too_large())
    members: dict[str, bytes] = {}
    position = 0
    while data[position : position + 4] == _LOCAL_MAGIC:
        name, content, position = _member(data, position)
        if name in members:
            raise ZipFormError(msg("{name} is in it twice", name=name))
        members[name] = content
        if len(members) > MAX_MEMBERS:
            raise TooLarge(_too_large())
    if not members:
        raise ZipFormError(msg("it does not begin as a bundle does"))
    if write(members) != data:
        raise ZipFormError(msg("its file table or a header is cut short or changed"))
    return members


def _member(data: bytes, position: int) -> tuple[str, bytes, int]:
    start = position + _LOCAL.size
    if start > len(data):
        raise ZipFormError(msg("it is cut short at byte {position}", position=len(data)))
    _, _, flags, method, _, _, _, stored, size, name_length, extra = _LOCAL.unpack_from(data, position)
    if flags or method or extra or stored != size:
        raise ZipFormError(msg("the header at byte {position} is not as it was written", position=position))
    name = data[start : start + name_length].decode("latin-1")
    if not _NAME.fullmatch(name):
        raise ZipFormError(msg("the member name {name} is not a plain one", name=ascii(name)))
    end = start + name_length + size
    if end > len(data):
        raise ZipFormError(msg("it is cut short at byte {position}", position=len(data)))
    return name, data[start + name_length : end], end


def _too_large() -> Message:
    return msg("it is larger than {bytes} bytes or {members} files", bytes=MAX_BYTES, members=MAX_MEMBERS)
