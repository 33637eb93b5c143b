"""The do-not-scan guard (Art. 28): what it matches is never resolved, connected to or written down.

It is asked before DNS and before a connection with nothing but the configured text, and again of every record before
it is kept. What it drops leaves a count behind, no name and no address.
"""

import hashlib
import ipaddress
import itertools
import re
import threading
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterable
from functools import cache
from operator import attrgetter

import msgspec
from netaddr import IPNetwork, IPSet

from inventory.names import normalise
from inventory.records import Project, Record, System
from inventory.text import Message
from inventory.uuids import both_orders, canonical

_ADDRESS = re.compile(
    r"(?<![\w.])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,7}(?:\.\d{1,3}){0,3})(?:/\d{1,3})?(?!\w)"
)
_LIKE_ADDRESS = re.compile(r"\s*[0-9a-fA-F]*[:.][0-9a-fA-F:.]*(?:[/%\s]|$)")
_BLANKED = {code: " " for code in range(128) if not (chr(code).isalnum() or chr(code) in "_.:/")}
"""Every ASCII character that is no part of an address and no letter beside which one would be none."""
_UNFOLDED = dict.fromkeys(map(ord, "-(){}"))
"""A UUID may be written with them or without."""
_UNFOLDED_BYTES = bytes(code for code in range(128) if not normalise(chr(code)) or code in _UNFOLDED)
_ALL_ONES = 2**128
_SEPARATORS = re.compile(r"[\s/:=,;|@#?&()\[\]{}<>\"'`，；：、（）【】《》]+")
_MIN_PART = 3
"""Characters of a part of a text that may be an entry: `db=80` holds no code 80."""
_UUID_DIGITS = 32
_MAX_TRACES = 50
"""More are slower to look for one by one than the words of a document are to look up."""
_MAX_ANSWERS = 50_000
"""Kept in each of the tables below: what is asked often is asked early."""
_WITHHELD = "…"


def _as_network(text: str) -> IPNetwork | None:
    """What an entry of the list means: an address, or a network with its host bits cleared."""
    try:
        return IPNetwork(str(ipaddress.ip_network(text.strip(), strict=False)))
    except ValueError:
        return None


def _as_address(text: str) -> tuple[int, int, int, int] | None:
    """IP version, first and last address, and the address itself of what a record's text means: `10.20.0.5/24` is an
    address with its prefix, `10.20.0.0/24` is a network.
    """
    word = text.strip().partition("%")[0]
    try:
        if "/" not in word and ":" not in word:
            plain = int(ipaddress.IPv4Address(word))
            return 4, plain, plain, plain
        interface = ipaddress.ip_interface(word)
    except ValueError:
        return None
    mapped = interface.ip.ipv4_mapped if isinstance(interface.ip, ipaddress.IPv6Address) else None
    if mapped is not None:
        return 4, int(mapped), int(mapped), int(mapped)
    address, network = int(interface.ip), interface.network
    if address == int(network.network_address):
        return interface.version, address, int(network.broadcast_address), address
    return interface.version, address, address, address


class Guard:
    """Matches configured texts and collected records against the do-not-scan list."""

    def __init__(self, entries: Iterable[str] = ()) -> None:
        """Entries: addresses, CIDRs, host names, instance ids or UUIDs, tenant, system and project codes or names."""
        self._lock = threading.Lock()
        self._networks = IPSet()
        self._words: set[str] = set()
        self._answers: dict[str, bool] = {}
        self._parts: dict[str, bool] = {}
        self._clean: set[str] = set()
        """Words of documents in which no address of the list stands."""
        self._traces: tuple[str, ...] | None = ()
        """What stands, folded, in every text that is on the list or mentions it; None: no such short list is known."""
        self._plain_traces: tuple[bytes, ...] = ()
        """Those of them that may stand in a document which is ASCII throughout."""
        self._patterns: dict[str, str] = {}
        """Word, to the pattern that tells whether it stands for itself where it was found."""
        self._ranges: list[tuple[int, int, int]] = []
        """IP version, first and last address of each stretch of the list, in order."""
        self._fingerprint: str | None = None
        self.add(entries)

    def add(self, entries: Iterable[str]) -> None:
        """Extends the list, for codes that the register turns out to mark as classified.

        Other threads may be asking meanwhile: what they read is replaced, never changed under their hands.
        """
        with self._lock:
            networks, words, patterns = self._networks.copy(), set(self._words), dict(self._patterns)
            for entry in entries:
                network = _as_network(entry)
                if network is not None:
                    networks.add(network)
                    continue
                word = normalise(entry).rstrip(".")
                if word and word not in words:
                    words |= {word, *both_orders(word)}
                    patterns |= {word: _pattern(entry), **{uuid: _pattern(uuid) for uuid in both_orders(word)}}
            self._networks, self._words, self._patterns = networks, words, patterns
            self._ranges = sorted((r.version, r.first, r.last) for r in networks.iter_ipranges())
            # New ones, after the list: an answer that is being worked out by the old list goes among the old ones.
            self._answers = {}
            self._parts = {}
            self._clean = set()
            self._traces = _traces(patterns, self._ranges)
            plain = [trace.replace("〔", "[").replace("〕", "]") for trace in self._traces or ()]
            self._plain_traces = tuple(trace.encode() for trace in plain if trace.isascii())
            self._fingerprint = None

    @property
    def fingerprint(self) -> str:
        """Digest of the list: what was read by another list is guarded anew."""
        with self._lock:
            if self._fingerprint is None:
                entries = sorted([*self._words, *(str(network) for network in self._networks.iter_cidrs())])
                self._fingerprint = hashlib.sha256("\n".join(entries).encode("utf-8", "replace")).hexdigest()
            return self._fingerprint

    def __bool__(self) -> bool:
        return bool(self._words) or bool(self._networks)

    def forbids(self, text: str) -> bool:
        """Whether a host name, address, id, code or name is on the list. Resolves nothing."""
        answers = self._answers
        answer = answers.get(text)
        if answer is None:
            answer = self._forbids(text)
            if len(answers) < _MAX_ANSWERS:
                answers[text] = answer
        return answer

    def _forbids(self, text: str) -> bool:
        found = _as_address(text) if _LIKE_ADDRESS.match(text) else None
        if found is not None:
            version, first, last, address = found
            return self._holds(version, first, last) or self._holds(version, address, address)
        word = normalise(text).rstrip(".")
        if word in self._words or (len(word) >= _UUID_DIGITS and canonical(word) in self._words):
            return True
        # A fully qualified name is the listed host too.
        return "." in word and word.partition(".")[0] in self._words

    def _holds(self, version: int, first: int, last: int) -> bool:
        """Whether all addresses from the first to the last are on the list. IPSet answers the same, far slower."""
        place = bisect_right(self._ranges, (version, first, _ALL_ONES)) - 1
        if place < 0:
            return False
        listed, begin, end = self._ranges[place]
        return listed == version and begin <= first and last <= end

    def listed_in(self, cidr: str) -> tuple[str, ...]:
        """The networks of the list as far as they lie in this one: what a sweep of it must leave out."""
        return tuple(str(network) for network in (self._networks & IPSet([IPNetwork(cidr)])).iter_cidrs())

    def forbids_part(self, text: str) -> bool:
        """Whether the text or a part of it is on the list: `openstack:///UUID`, `address:/export`, `name (id)`."""
        parts = self._parts
        answer = parts.get(text)
        if answer is None:
            answer = self._forbids_part(text)
            if len(parts) < _MAX_ANSWERS:
                parts[text] = answer
        return answer

    def _forbids_part(self, text: str) -> bool:
        if self.forbids(text):
            return True
        parts = [p for p in _SEPARATORS.split(text) if len(p) >= _MIN_PART]
        if parts == [text]:
            return False
        return any(self.forbids(part) for part in (*parts, *_ADDRESS.findall(text)))

    def mentions(self, text: str) -> bool:
        """Whether something of the list stands anywhere in a sentence or document. Too often rather than too seldom."""
        compact = normalise(text)
        near = [pattern for word, pattern in self._patterns.items() if word in compact]
        if near:
            folded = unicodedata.normalize("NFKC", text).casefold()
            if any(re.search(pattern, folded) or re.search(pattern, compact) for pattern in near):
                return True
        return bool(self._ranges) and self._mentions_address(text)

    def mentions_in(self, document: bytes) -> bool:
        """`mentions` of a document in UTF-8. Of most, a fraction of its time shows that they do not."""
        if self._traces is not None and document.isascii():
            folded = document.translate(None, _UNFOLDED_BYTES).lower()
            if not any(trace in folded for trace in self._plain_traces):
                return False
        return self.mentions(document.decode("utf-8", "replace"))

    def _mentions_address(self, text: str) -> bool:
        clean = self._clean
        for word in _address_words(text).difference(clean):
            if any(self.forbids(found) for found in _ADDRESS.findall(word)):
                return True
            if len(clean) < _MAX_ANSWERS:
                clean.add(word)
        return False

    def forbids_record(self, record: Record) -> bool:
        """Whether any identifying text of the record is on the list."""
        texts = _identifying(record)
        if self._traces is not None:
            folded = _folded("\n".join(texts))
            if not any(trace in folded for trace in self._traces):
                return False
        return any(map(self.forbids_part, texts))

    def follow(self, record: Record) -> None:
        """Adds what belongs to a project or system that is itself on the list: its systems, tenants and hosts."""
        if not isinstance(record, Project | System):
            return
        if any(self.forbids(text) for text in (record.native_id, record.name)):
            hosts = record.hosts if isinstance(record, System) else record.systems
            self.add((record.native_id, record.name, *record.tenants, *hosts))

    def withheld(self, message: Message) -> Message:
        """The sentence with `…` for every value that mentions something of the list."""
        return msgspec.structs.replace(
            message,
            id=_WITHHELD if self.mentions(message.id) else message.id,
            args={name: self._withheld(value) for name, value in message.args.items()},
        )

    def _withheld(self, value: "str | int | Message | list[Message]") -> "str | int | Message | list[Message]":
        if isinstance(value, Message):
            return self.withheld(value)
        if isinstance(value, list):
            return [self.withheld(part) for part in value]
        return _WITHHELD if isinstance(value, str) and self.mentions(value) else value

    def without_mentions(self, record: Record) -> Record:
        """The record without a remark that mentions something of the list."""
        spoiled = {
            name: None
            for name in _REMARKS
            if isinstance(remark := getattr(record, name, None), str) and self.mentions(remark)
        }
        return msgspec.structs.replace(record, **spoiled) if spoiled else record


def _folded(text: str) -> str:
    return normalise(text).translate(_UNFOLDED)


def _traces(words: Iterable[str], ranges: Iterable[tuple[int, int, int]]) -> tuple[str, ...] | None:
    """Of what is listed, what must stand in every folded text that is or mentions it; None where that is too much, or
    nothing in particular.
    """
    found = {_folded(word) for word in words}
    for version, first, last in ranges:
        begins = _ipv4_begins(first, last) if version == 4 else _ipv6_begins(first, last)
        if begins is None:
            return None
        found |= begins
        if version == 4:
            found.add("ffff:")  # the same addresses as IPv6 writes them: ::ffff:c000:24d
        if len(found) > _MAX_TRACES:
            return None
    return tuple(sorted(found)) if "" not in found else None


def _ipv4_begins(first: int, last: int) -> set[str] | None:
    """How each address of the stretch begins, as far as its first and last one agree byte by byte."""
    if first == last:
        return {str(ipaddress.IPv4Address(first))}
    same = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(first.to_bytes(4), last.to_bytes(4), strict=True))
    before = "".join(f"{byte}." for byte, _ in same)
    return {before} if before else None


def _ipv6_begins(first: int, last: int) -> set[str] | None:
    """The group that all addresses of the stretch begin with; None where it is no one group, or a nought, which `::`
    leaves out.
    """
    group = first >> 112
    return {f"{group:x}:"} if group and group == last >> 112 else None


def _address_words(text: str) -> set[str]:
    """Pieces of a text, which may be a long document, in which all of its addresses stand."""
    if not text.isascii():
        return set(_ADDRESS.findall(text))
    # No address reaches over a blank, and the words of documents of one kind are always the same.
    return {word for word in text.translate(_BLANKED).split() if "." in word or ":" in word}


def _pattern(entry: str) -> str:
    """Finds the entry in folded text, however it is spaced; letters and digits around it make it another word."""
    words = [re.escape(w) for w in map(normalise, entry.split()) if w]
    text = r"\s*".join(words).removesuffix(r"\.")
    before = r"(?<![a-z0-9])" if re.match(r"[a-z0-9]", text) else ""
    after = r"(?![a-z0-9])" if re.search(r"[a-z0-9]$", text) else ""
    return f"{before}{text}{after}" if text else r"(?!)"


_REMARKS = ("description", "note", "declared_place", "old_server_disposal", "no_data_statement", "legal_basis")
_FREE_TEXT = frozenset(
    {"kind", "source", "observed_at", "raw", "description", "note", "device_owner", "status", "view"}
)


def _identifying(record: Record) -> list[str]:
    texts: list[str] = []
    for value in _identifying_fields(type(record))(record):
        if value:
            _add_texts(value, texts)
    return texts


@cache
def _identifying_fields(kind: type[Record]) -> Callable[[Record], tuple[object, ...]]:
    return attrgetter(*(name for name in kind.__struct_fields__ if name not in _FREE_TEXT))


def _add_texts(value: object, to: list[str]) -> None:
    if isinstance(value, str):
        if value:
            to.append(value)
    elif isinstance(value, dict):
        for key, inner in value.items():
            _add_texts(key, to)
            _add_texts(inner, to)
    elif isinstance(value, tuple):
        for inner in value:
            _add_texts(inner, to)
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            _add_texts(getattr(value, name), to)
