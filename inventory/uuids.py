"""SMBIOS UUIDs as machines report them: byte-swapped, prefixed, defaulted and cloned.

Source of the byte order: DMTF DSP0134 §7.2.1 (the first three fields are little-endian in the structure, and some
firmware and tools print them as they lie).
"""

import re

_HEX32 = re.compile(r"^[0-9a-f]{32}$")

DEFAULTS = frozenset(
    {
        "00000000-0000-0000-0000-000000000000",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
        "03000200-0400-0500-0006-000700080009",  # left in by board makers
        "00020003-0004-0005-0006-000700080009",  # the same, the other way round
        "12345678-1234-5678-90ab-cddeefaabbcc",
    }
)
"""UUIDs that vendors leave unset: they identify nobody."""


def canonical(text: str | None) -> str | None:
    """A UUID as 8-4-4-4-12 lower-case hex, or None if the text holds none.

    Takes braces, `urn:uuid:`, spaces, missing dashes and VMware's serial form `VMware-42 0e 3f 74 …`.
    """
    if text is None:
        return None
    word = text.strip().lower().removeprefix("urn:uuid:").removeprefix("vmware-")
    word = re.sub(r"[\s{}()-]", "", word)
    if not _HEX32.match(word):
        return None
    return f"{word[:8]}-{word[8:12]}-{word[12:16]}-{word[16:20]}-{word[20:]}"


def swapped(uuid: str) -> str:
    """The same UUID with its first three fields in the other byte order."""
    a, b, c, d, e = uuid.split("-")

    def turn(field: str) -> str:
        return bytes.fromhex(field)[::-1].hex()

    return f"{turn(a)}-{turn(b)}-{turn(c)}-{d}-{e}"


def both_orders(text: str | None) -> frozenset[str]:
    """The canonical UUID in both byte orders; empty if the text holds none."""
    uuid = canonical(text)
    return frozenset({uuid, swapped(uuid)}) if uuid else frozenset()


def is_usable(text: str | None) -> bool:
    """Whether the text holds a UUID that can identify a machine."""
    uuid = canonical(text)
    if uuid is None or uuid in DEFAULTS or swapped(uuid) in DEFAULTS:
        return False
    return len(set(uuid.replace("-", ""))) > 1
