"""OpenSSH's known_hosts files: which key a host is known by (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT).

Read here and not by paramiko, whose reader (5.1, tried) knows no `@` markers and no patterns: a `@revoked` or
`@cert-authority` line makes it give up the whole file with InvalidHostKey, and `*.example.org` never matches.

- plain, hashed (`|1|salt|hash`), `[host]:port` entries, `*`/`?` patterns and `!` exceptions are honoured;
- `@revoked`: the key is refused, whatever else is on file;
- `@cert-authority`: paramiko cannot verify a host certificate, so such a line makes no key known. The host must also
  be listed with its plain key; the error says so.

Files are only read. Nothing is ever added.
"""

import base64
import binascii
import fnmatch
import hashlib
import hmac
import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from pathlib import Path

MAX_FILE_BYTES = 32 * 1024**2


class Standing(Enum):
    """How a host's key stands to what is on file."""

    KNOWN = "known"
    UNKNOWN = "unknown"
    """Nothing on file for this host."""
    CHANGED = "changed"
    """Another key is on file."""
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A host key's standing."""

    standing: Standing
    where: str | None = None
    """`file:line` of what decided it."""
    has_authority: bool = False
    """A `@cert-authority` line speaks for the host."""


@dataclass(frozen=True, slots=True)
class _Entry:
    marker: str
    patterns: tuple[str, ...]
    key_type: str
    blob: bytes
    where: str

    def speaks_for(self, name: str) -> bool:
        is_match = False
        for pattern in self.patterns:
            if pattern.startswith("|1|"):
                is_match = is_match or _is_hash_of(pattern, name)
            elif _matches(pattern.removeprefix("!"), name):
                if pattern.startswith("!"):
                    return False
                is_match = True
        return is_match

    @property
    def is_plain(self) -> bool:
        """Whether it speaks for exactly the names that stand in it."""
        return not any(re.search(r"[*?!|]", pattern) for pattern in self.patterns)


class KnownHosts:
    """The entries of one or more files."""

    def __init__(self, entries: Iterable[_Entry] = ()) -> None:
        self._entries = tuple(entries)
        # With thousands of hosts, each asking for its own line, going through all lines would cost more than ssh does.
        self._plain: dict[str, list[int]] = {}
        self._others: list[int] = []
        for number, entry in enumerate(self._entries):
            if entry.is_plain:
                for name in dict.fromkeys(p.lower() for p in entry.patterns):
                    self._plain.setdefault(name, []).append(number)
            else:
                self._others.append(number)
        # A hashed name can only be found by hashing: once for each host, though it is asked for several times.
        self._speaking = lru_cache(maxsize=1024)(self._found)

    @classmethod
    def read(cls, paths: Iterable[Path]) -> "KnownHosts":
        """The entries of those files that exist. Lines that cannot be read are left out, as ssh does.

        Raises:
            OSError: a file is there and cannot be read, or is larger than 32 MiB.
        """
        entries: list[_Entry] = []
        for path in paths:
            if not path.exists():
                continue
            if path.stat().st_size > MAX_FILE_BYTES:
                raise OSError(f"{path}: larger than {MAX_FILE_BYTES} bytes")
            text = path.read_text(encoding="utf-8", errors="replace")
            for number, line in enumerate(text.split("\n"), 1):
                entry = _entry(line, f"{path}:{number}")
                if entry is not None:
                    entries.append(entry)
        return cls(entries)

    def key_types(self, names: Sequence[str]) -> tuple[str, ...]:
        """Types of the plain keys on file for any of the names: ask the host for one of these first."""
        found = sorted({n for name in names for n in self._speaking(name)})
        return tuple(dict.fromkeys(self._entries[n].key_type for n in found if not self._entries[n].marker))

    def judge(self, names: Sequence[str], blob: bytes) -> Judgement:
        """How the key stands. `names`: the name that ssh looks up first, then, as ssh does, the one without port."""
        speaking = [[self._entries[n] for n in self._speaking(name)] for name in names]
        every = [e for entries in speaking for e in entries]
        authority = any(e.marker == "@cert-authority" for e in every)
        for entry in every:
            if entry.marker == "@revoked" and entry.blob == blob:
                return Judgement(Standing.REVOKED, entry.where, authority)
        plain = [e for e in every if not e.marker]
        for entry in plain:
            if entry.blob == blob:
                return Judgement(Standing.KNOWN, entry.where, authority)
        first = next((e for e in speaking[0] if not e.marker), None) if speaking else None
        if first is not None:
            return Judgement(Standing.CHANGED, first.where, authority)
        return Judgement(Standing.UNKNOWN, None, authority)

    def _found(self, name: str) -> tuple[int, ...]:
        others = (n for n in self._others if self._entries[n].speaks_for(name))
        return tuple(sorted({*self._plain.get(name, ()), *others}))


_READING = threading.Lock()


def on_file(paths: Sequence[Path]) -> KnownHosts:
    """The entries of these files, read once as long as they stay as they are.

    Raises:
        OSError: a file is there and cannot be read, or is larger than 32 MiB.
    """
    with _READING:
        return _read(tuple(paths), tuple(_looks(paths)))


@lru_cache(maxsize=8)
def _read(paths: tuple[Path, ...], _: tuple[object, ...]) -> KnownHosts:
    return KnownHosts.read(paths)


def _looks(paths: Iterable[Path]) -> Iterator[tuple[int, int, int] | None]:
    """What changes when a file does."""
    for path in paths:
        try:
            found = path.stat()
        except FileNotFoundError:
            yield None
        else:
            yield found.st_ino, found.st_size, found.st_mtime_ns


def fingerprint(blob: bytes) -> str:
    """As `ssh-keygen -l` shows it: SHA256, base64 without padding."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def lookup_names(host: str, port: int) -> tuple[str, ...]:
    """The names under which ssh looks a host up."""
    name = host.lower()
    return (name,) if port == 22 else (f"[{name}]:{port}", name)


def _entry(line: str, where: str) -> _Entry | None:
    words = line.strip().split()
    if not words or words[0].startswith("#"):
        return None
    marker = words.pop(0) if words[0].startswith("@") else ""
    if len(words) < 3 or marker not in {"", "@revoked", "@cert-authority"}:
        return None
    try:
        blob = base64.b64decode(words[2], validate=True)
    except (binascii.Error, ValueError):
        return None
    return _Entry(marker, tuple(words[0].split(",")), words[1], blob, where)


def _matches(pattern: str, name: str) -> bool:
    """`*` and `?` only: brackets belong to `[host]:port`."""
    escaped = re.sub(r"\[", "[[]", pattern.lower())
    return fnmatch.fnmatchcase(name, escaped)


def _is_hash_of(pattern: str, name: str) -> bool:
    salt, expected = _salt_and_hash(pattern)
    return bool(expected) and hmac.compare_digest(hmac.digest(salt, name.encode(), "sha1"), expected)


@lru_cache(maxsize=65536)
def _salt_and_hash(pattern: str) -> tuple[bytes, bytes]:
    """Of `|1|salt|hash`; empty where it is not of that form."""
    parts = pattern.split("|")
    if len(parts) != 4:
        return b"", b""
    try:
        return base64.b64decode(parts[2]), base64.b64decode(parts[3])
    except (binascii.Error, ValueError):
        return b"", b""
