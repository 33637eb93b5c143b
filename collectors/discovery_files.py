"""Files of what was seen on a wire, read as hostile: nmap's XML, neighbour tables, DHCP leases.

Each reader yields `Seen` for what answered, `Strange` for a line that it does not understand. No reader believes more
than addresses: a vendor is a guess from the MAC's first bytes, a name is what the host told the DHCP server.
"""

import csv
import hashlib
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import IO, NoReturn
from xml.parsers import expat

from collectors.errors import Unreadable
from inventory.names import normalise
from inventory.records import Listener
from inventory.text import Message, msg

MAX_TABLE_BYTES = 64 * 1024**2
MAX_XML_BYTES = 1024**3
MAX_LINES = 2_000_000
MAX_LINE_CHARS = 4_096
MAX_DEPTH = 32
MAX_PORTS = 131_072
"""Of one host: every TCP and UDP port."""
MAX_NAME = 255
_CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Something that answered on the wire."""

    addresses: tuple[str, ...]
    """Canonical, without prefix length; at least one."""
    mac: str | None = None
    """Lower case, colons; None where the table has none, or one that is nobody's own."""
    name: str | None = None
    listeners: tuple[Listener, ...] = ()
    line: int = 0
    """Where it stands in the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Strange:
    """A line that could not be understood."""

    line: int
    text: str
    expected: Message
    column: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """When the file itself says that it was taken."""

    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """The file says of itself that it is not all."""

    reason: Message


Told = Seen | Strange | Taken | Cut


def sha256(path: Path) -> str:
    """Digest of the file.

    Raises:
        Unreadable: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise _unreadable_file(path, error) from error


def _unreadable_file(path: Path, error: OSError) -> Unreadable:
    return Unreadable(
        msg("{file}: cannot be read ({reason})", file=path.name, reason=error.strerror or type(error).__name__)
    )


# ── addresses ────────────────────────────────────────────────────────────────────────────────────────────────────────

_MAC_SHAPE = re.compile(
    r"^(?:[0-9a-f]{1,2}(?::[0-9a-f]{1,2}){5}|[0-9a-f]{2}(?:-[0-9a-f]{2}){5}|[0-9a-f]{4}([.-])[0-9a-f]{4}\1[0-9a-f]{4}"
    r"|[0-9a-f]{12})$",
    re.IGNORECASE,
)
_VIRTUAL_ROUTERS = ("00:00:5e:00:01:", "00:00:5e:00:02:", "00:00:0c:07:ac:", "00:00:0c:9f:f")
"""VRRP (RFC 5798) and HSRP: the address of a pair of routers, no machine's own."""


def mac_of(text: str) -> str | None:
    """A MAC in any usual notation, as `aa:bb:cc:dd:ee:ff`; None if the text is none."""
    word = text.strip().lower()
    if not _MAC_SHAPE.match(word):
        return None
    if ":" in word:
        return ":".join(part.zfill(2) for part in word.split(":"))
    digits = re.sub(r"[^0-9a-f]", "", word)
    return ":".join(digits[i : i + 2] for i in range(0, 12, 2))


def own_mac(mac: str | None) -> str | None:
    """The MAC if it can be one machine's own: no group address, not all zero, no router pair's."""
    if mac is None or mac == "00:00:00:00:00:00" or int(mac[:2], 16) & 1 or mac.startswith(_VIRTUAL_ROUTERS):
        return None
    return mac


def address_of(text: str) -> str | None:
    """A host's address as canonical text; None for what is none, or is no single host's."""
    try:
        address: IPv4Address | IPv6Address = ip_address(text.strip().partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if address.is_multicast or address.is_unspecified or address.is_loopback or str(address) == "255.255.255.255":
        return None
    return str(address)


def _name(text: str | None) -> str | None:
    word = (text or "").strip().strip('"')
    if not word or word in ("*", "?", "-") or len(word) > MAX_NAME or not word.isprintable():
        return None
    return word


# ── nmap ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def read_nmap(path: Path) -> Iterator[Told]:
    """What nmap's XML (`-oX`) says is up, host by host, in bounded memory.

    A host that was only assumed to be up (`-Pn`, reason user-set) counts if a port of its answered.

    Raises:
        Unreadable: it is no such file, declares entities, is too large or too deep, or ends in the middle.
    """
    reader = _NmapReader(path.name)
    size = 0
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                size += len(chunk)
                if size > MAX_XML_BYTES:
                    raise Unreadable(msg("{file}: larger than {limit} bytes", file=path.name, limit=MAX_XML_BYTES))
                reader.feed(chunk, is_last=False)
                yield from reader.told()
            reader.feed(b"", is_last=True)
            yield from reader.told()
    except OSError as error:
        raise _unreadable_file(path, error) from error
    except expat.ExpatError as error:
        raise Unreadable(
            msg(
                "{file}: line {line} is no XML as nmap writes it, or the file ends there; what stands after it was not "
                "read",
                file=path.name,
                line=error.lineno,
            )
        ) from error
    if not reader.is_nmap:
        raise Unreadable(msg("{file}: expected nmap's XML, as `nmap -oX` writes it", file=path.name))
    yield from reader.end()


@dataclass
class _NmapHost:
    line: int
    state: str = ""
    reason: str = ""
    addresses: list[str] = field(default_factory=list)
    is_local: bool = False
    """It has an address that is no single host's to others, such as loopback."""
    mac: str | None = None
    names: dict[str, str] = field(default_factory=dict)
    listeners: list[Listener] = field(default_factory=list)
    port: tuple[str, str] = ("", "")
    answered: bool = False


_NMAP_STATES = frozenset({"up", "down", "unknown", "skipped"})


class _NmapReader:
    """Expat's handlers: no document type may declare anything, nothing outside the file is read."""

    def __init__(self, name: str) -> None:
        self._file = name
        self._parser = expat.ParserCreate()
        self._parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._parser.EntityDeclHandler = self._refuse
        self._parser.ExternalEntityRefHandler = self._refuse
        self._parser.UnparsedEntityDeclHandler = self._refuse
        self._queue: list[Told] = []
        self._stack: list[str] = []
        self._host: _NmapHost | None = None
        self._is_finished = False
        self._exit = ""
        self.is_nmap = False

    def feed(self, data: bytes, *, is_last: bool) -> None:
        self._parser.Parse(data, is_last)

    def told(self) -> list[Told]:
        queue, self._queue = self._queue, []
        return queue

    def end(self) -> Iterator[Told]:
        if not self._is_finished:
            yield Cut(reason=msg("{file}: nmap did not finish: its file has no end of the run", file=self._file))
        elif self._exit not in ("", "success"):
            yield Cut(reason=msg("{file}: nmap ended with {exit}", file=self._file, exit=self._exit[:80]))

    def _doctype(self, _name: str, _system: str | None, _public: str | None, has_subset: bool) -> None:
        # nmap writes a bare <!DOCTYPE nmaprun>; only an internal subset can declare something.
        if has_subset:
            self._refuse()

    def _refuse(self, *_: object) -> NoReturn:
        raise Unreadable(
            msg("{file}: its document type declares entities; nmap writes none, so it was not read", file=self._file)
        )

    def _start(self, name: str, given: dict[str, str]) -> None:
        self._stack.append(name)
        if len(self._stack) > MAX_DEPTH:
            raise Unreadable(msg("{file}: nested deeper than {limit} elements", file=self._file, limit=MAX_DEPTH))
        if len(self._stack) == 1:
            self.is_nmap = name == "nmaprun"
        if not self.is_nmap:
            return
        if self._stack == ["nmaprun", "host"]:
            self._host = _NmapHost(line=self._parser.CurrentLineNumber)
        elif self._stack == ["nmaprun", "runstats", "finished"]:
            self._is_finished, self._exit = True, given.get("exit", "")
            if given.get("time", "").isdecimal() and len(given["time"]) <= 11:
                self._queue.append(Taken(at=datetime.fromtimestamp(int(given["time"]), UTC)))
        elif self._host is not None:
            self._in_host(self._host, given)

    def _in_host(self, host: _NmapHost, given: dict[str, str]) -> None:
        match self._stack[2:]:
            case ["status"]:
                host.state, host.reason = given.get("state", ""), given.get("reason", "")
            case ["address"]:
                self._address(host, given.get("addrtype", ""), given.get("addr", ""))
            case ["hostnames", "hostname"]:
                host.names.setdefault(given.get("type", ""), given.get("name", ""))
            case ["ports", "extraports"]:
                host.answered = host.answered or given.get("state") == "closed"
            case ["ports", "port"]:
                host.port = (given.get("protocol", ""), given.get("portid", ""))
            case ["ports", "port", "state"]:
                self._port(host, given.get("state", ""))
            case _:
                pass  # services, scripts, traces: nothing that a sighting may say

    def _address(self, host: _NmapHost, kind: str, text: str) -> None:
        if kind == "mac":
            host.mac = own_mac(mac_of(text))
        elif (address := address_of(text)) is not None and len(host.addresses) < 16:
            host.addresses.append(address)
        else:
            host.is_local = host.is_local or _looks_like_address(text)

    def _port(self, host: _NmapHost, state: str) -> None:
        protocol, number = host.port
        host.answered = host.answered or state in ("open", "closed", "unfiltered")
        is_port = protocol in ("tcp", "udp", "sctp") and number.isdecimal() and len(number) <= 5
        if state == "open" and is_port and int(number) <= 65_535 and host.addresses:
            if len(host.listeners) >= MAX_PORTS:
                raise Unreadable(msg("{file}: a host has more than {limit} ports", file=self._file, limit=MAX_PORTS))
            host.listeners.append(Listener(protocol=protocol, address=host.addresses[0], port=int(number)))

    def _end(self, _element: str) -> None:
        host = self._host
        if self._stack == ["nmaprun", "host"] and host is not None:
            self._host = None
            is_nowhere = host.state == "up" and not (host.addresses or host.is_local)
            if host.state not in _NMAP_STATES or is_nowhere:
                self._queue.append(
                    Strange(line=host.line, text=f"<host> {host.state}"[:200],
                            expected=msg("a host as nmap writes it, with its state and an address"))
                )  # fmt: skip
            if host.state == "up" and host.addresses and (host.reason != "user-set" or host.answered):
                self._queue.append(
                    Seen(
                        addresses=tuple(dict.fromkeys(host.addresses)),
                        mac=host.mac,
                        name=_name(host.names.get("PTR") or host.names.get("user")),
                        listeners=tuple(sorted(set(host.listeners), key=lambda x: (x.protocol, x.port))),
                        line=host.line,
                    )
                )
        self._stack.pop()


# ── tables of text ───────────────────────────────────────────────────────────────────────────────────────────────────


def _lines(path: Path) -> list[str]:
    try:
        with path.open("rb") as file:
            data = _read_limited(file, path)
    except OSError as error:
        raise _unreadable_file(path, error) from error
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            lines = text.splitlines()
            if len(lines) > MAX_LINES or any(len(line) > MAX_LINE_CHARS for line in lines):
                raise Unreadable(
                    msg("{file}: more than {lines} lines, or a line of more than {chars} characters", file=path.name,
                        lines=MAX_LINES, chars=MAX_LINE_CHARS)
                )  # fmt: skip
            return lines
    raise Unreadable(msg("{file}: neither UTF-8 nor GB18030 text", file=path.name))


def _read_limited(file: IO[bytes], path: Path) -> bytes:
    data = file.read(MAX_TABLE_BYTES + 1)
    if len(data) > MAX_TABLE_BYTES:
        raise Unreadable(msg("{file}: larger than {limit} bytes", file=path.name, limit=MAX_TABLE_BYTES))
    return data


_UNANSWERED = re.compile(r"\b(FAILED|INCOMPLETE|NOARP)\b|<incomplete>|\(incomplete\)|^Incomplete$", re.IGNORECASE)
_NEIGHBOURS = re.compile(r"\blladdr\b|\[ether\]|\b(?:REACHABLE|STALE|DELAY|PROBE|PERMANENT)\b")
_TOKENS = re.compile(r"[^\s()\[\]<>,;|]+")
_EXPECTED_NEIGHBOUR = msg("an address and its MAC, as `ip neigh`, `arp -an` or a switch's table shows them")


def read_arp(path: Path) -> Iterator[Told]:
    """Neighbours: `ip neigh`, `arp -an`, `display arp`, `show ip arp`, or CSV with an address and a MAC column.

    Raises:
        Unreadable: it is no text, is too large, or no line of it is a neighbour.
    """
    lines = _lines(path)
    columns = _csv_columns(lines)
    if columns is not None:
        yield from _csv_rows(lines, columns, path, need_mac=True)
        return
    understood = 0
    strange: list[Strange] = []
    for number, line in enumerate(lines, 1):
        told = _neighbour(line, number)
        if isinstance(told, Strange):
            strange.append(told)
        else:
            understood += told is not None or bool(_UNANSWERED.search(line) or _CONTAINERS.search(line))
            if told is not None:
                yield told
    if not understood and any(line.strip() for line in lines):
        raise Unreadable(msg("{file}: no line is a neighbour; expected {wanted}", file=path.name,
                             wanted=_EXPECTED_NEIGHBOUR))  # fmt: skip
    yield from strange


_CONTAINERS = re.compile(r"\b(?:dev|on) (?:docker|podman|cni|cali|flannel|veth|br-[0-9a-f]{12})")
"""Bridges inside one machine: what answers there are its own containers."""


def _neighbour(line: str, number: int) -> Seen | Strange | None:
    """One line; None for headers, blanks, containers, and neighbours that did not answer."""
    tokens = _TOKENS.findall(line)
    macs = [m for m in map(mac_of, tokens) if m is not None]
    found = [t for t in tokens if _looks_like_address(t)]
    # A line with a MAC or in a neighbour's words is no header, whatever became of its address.
    if not (found or macs or _NEIGHBOURS.search(line)) or _UNANSWERED.search(line) or _CONTAINERS.search(line):
        return None
    addresses = [a for a in map(address_of, found) if a is not None]
    if not macs or len(set(found)) != 1:
        return Strange(line=number, text=line.strip()[:200], expected=_EXPECTED_NEIGHBOUR)
    if not addresses or int(macs[0][:2], 16) & 1 or macs[0] == "00:00:00:00:00:00":
        return None  # multicast, loopback
    return Seen(addresses=tuple(addresses), mac=own_mac(macs[0]), line=number)


def _looks_like_address(token: str) -> bool:
    if mac_of(token) is not None:
        return False
    try:
        ip_address(token.partition("%")[0])
    except ValueError:
        return False
    return True


# ── DHCP ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def read_dhcp(path: Path, now: datetime) -> Iterator[Told]:
    """Leases in force: ISC dhcpd's log (the last word on an address counts), dnsmasq's table, or CSV.

    Raises:
        Unreadable: it is no text, is too large, or none of these.
    """
    lines = _lines(path)
    columns = _csv_columns(lines)
    if columns is not None:
        yield from _csv_rows(lines, columns, path, need_mac=False)
    elif any(re.match(r"\s*lease\s+\S+\s*\{", line) for line in lines):
        yield from _read_isc(lines, now, path)
    else:
        yield from _read_dnsmasq(lines, now, path)


_ISC_TIME = re.compile(r"^(?:\d\s+(\d{4})/(\d{2})/(\d{2})\s+(\d{2}):(\d{2}):(\d{2})|epoch\s+(\d{1,11})|never)")


def _read_isc(lines: list[str], now: datetime, path: Path) -> Iterator[Told]:
    """`lease ADDRESS { … }` of dhcpd.leases(5); times are UTC."""
    leases: dict[str, Seen | Strange | None] = {}
    block: dict[str, str] | None = None
    address, start = "", 0
    for number, raw in enumerate(lines, 1):
        line = raw.strip()
        if line.startswith("lease"):
            if block is not None:
                yield Strange(line=start, text=address[:80], expected=msg("a lease that ends with a line of its own"))
            found = re.match(r"^lease\s+(\S+)\s*\{$", line)
            if found is None:
                yield Strange(line=number, text=line[:200], expected=msg("a lease that ends with a line of its own"))
            address, start, block = (found[1], number, {}) if found else ("", number, None)
        elif line == "}" and block is not None:
            canonical = address_of(address)
            if canonical is None:
                yield Strange(line=start, text=address[:80], expected=msg("an address such as 10.1.1.10"))
            else:
                leases[canonical] = _isc_lease(canonical, start, block, now)
            block = None
        elif block is not None and line.endswith(";"):
            key, _, value = line[:-1].partition(" ")
            if key in ("hardware", "binding", "client-hostname", "ends"):
                block[key] = value.strip()
        elif block is None and line.endswith("binding state active;"):
            # Its beginning was damaged, or it is of a kind that is not read (IPv6): that it was there is known.
            yield Strange(line=number, text=line[:200], expected=msg("a lease that begins with a line of its own"))
    yield from (lease for lease in leases.values() if lease is not None)
    if block is not None:
        yield Cut(reason=msg("{file}: ends in the middle of a lease", file=path.name))


_ISC_STATES = frozenset({"active", "free", "expired", "released", "abandoned", "reset", "backup", "bootp"})


def _isc_lease(address: str, line: int, block: Mapping[str, str], now: datetime) -> Seen | Strange | None:
    state = block.get("binding", "state active").removeprefix("state ").strip()
    if state not in _ISC_STATES:
        return Strange(line=line, text=state[:80], expected=msg("a state of a lease, such as active or free"))
    if state != "active":
        return None
    ends = _ISC_TIME.match(block.get("ends", "never"))
    if ends is not None and ends[0] != "never" and _isc_moment(ends) < now:
        return None
    mac = mac_of(block.get("hardware", "").rpartition(" ")[2])
    return Seen(addresses=(address,), mac=own_mac(mac), name=_name(block.get("client-hostname")), line=line)


def _isc_moment(found: re.Match[str]) -> datetime:
    try:
        if found[7] is not None:
            return datetime.fromtimestamp(int(found[7]), UTC)
        year, month, day, hour, minute, second = (int(found[i]) for i in range(1, 7))
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except (ValueError, OverflowError):
        return datetime.max.replace(tzinfo=UTC)


def _read_dnsmasq(lines: list[str], now: datetime, path: Path) -> Iterator[Told]:
    """`EXPIRY MAC ADDRESS NAME CLIENT-ID`; of IPv6 leases the second word is an IAID."""
    strange: list[Strange] = []
    understood = 0
    expected = msg("a lease of dhcpd or dnsmasq, or CSV with an address column")
    for number, line in enumerate(lines, 1):
        words = line.split()
        if not words or words[0] == "duid":
            understood += bool(words)
            continue
        address = address_of(words[2]) if len(words) >= 4 else None
        if address is None or not words[0].isdecimal() or len(words[0]) > 11:
            strange.append(Strange(line=number, text=line.strip()[:200], expected=expected))
            continue
        understood += 1
        if words[0] == "0" or int(words[0]) >= now.timestamp():
            mac = mac_of(words[1].rpartition("-")[2] if words[1].startswith("01-") else words[1])
            yield Seen(addresses=(address,), mac=own_mac(mac), name=_name(words[3]), line=number)
    if strange and not understood:
        raise Unreadable(msg("{file}: no line is a lease; expected {wanted}", file=path.name, wanted=expected))
    yield from strange


# ── CSV ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

_HEADERS: Mapping[str, frozenset[str]] = {
    "address": frozenset(
        map(normalise, ("ip", "ip address", "address", "ipaddr", "ipv4", "ip地址", "地址", "IPv4地址", "主机地址"))
    ),
    "mac": frozenset(
        map(normalise, ("mac", "mac address", "hwaddr", "hw address", "lladdr", "mac地址", "硬件地址", "物理地址"))
    ),
    "name": frozenset(map(normalise, ("name", "hostname", "host name", "主机名", "主机名称", "名称", "客户端名称"))),
    "state": frozenset(map(normalise, ("state", "status", "binding state", "状态", "租约状态"))),
}
_HEADER_LINES = 20
_GONE = frozenset(
    map(normalise, ("expired", "free", "released", "backup", "过期", "已过期", "空闲", "incomplete", "1", "2"))
)
"""States of leases and neighbours that are not there; 1 and 2 are Kea's `declined` and `reclaimed`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Columns:
    header_line: int
    delimiter: str
    index: dict[str, int]
    headers: dict[str, str]


def _csv_columns(lines: list[str]) -> _Columns | None:
    """Where the table begins, if the file has a header with an address column and another known one."""
    for number, line in enumerate(lines[:_HEADER_LINES], 1):
        for delimiter in (",", ";", "\t"):
            if delimiter not in line:
                continue
            cells = next(csv.reader([line], delimiter=delimiter), [])
            index: dict[str, int] = {}
            for i, cell in enumerate(cells):
                for name, known in _HEADERS.items():
                    if normalise(cell) in known:
                        index.setdefault(name, i)
            if "address" in index and len(index) > 1:
                headers = {name: cells[i].strip() for name, i in index.items()}
                return _Columns(header_line=number, delimiter=delimiter, index=index, headers=headers)
    return None


def _csv_rows(lines: list[str], columns: _Columns, path: Path, *, need_mac: bool) -> Iterator[Told]:
    try:
        yield from _read_csv(lines, columns, need_mac=need_mac)
    except csv.Error as error:
        raise Unreadable(msg("{file}: {why}; expected CSV", file=path.name, why=str(error)[:80])) from error


def _read_csv(lines: list[str], columns: _Columns, *, need_mac: bool) -> Iterator[Told]:
    body = io.StringIO("\n".join(lines[columns.header_line :]), newline="")
    rows = csv.reader(body, delimiter=columns.delimiter)
    for values in rows:
        number = columns.header_line + rows.line_num
        if not any(value.strip() for value in values):
            continue

        def cell(name: str, row: list[str] = values) -> str:
            i = columns.index.get(name)
            return row[i].strip() if i is not None and i < len(row) else ""

        if normalise(cell("state")) in _GONE:
            continue
        if not _looks_like_address(cell("address")):
            yield Strange(line=number, text=cell("address")[:80], expected=msg("an address such as 10.1.1.10"),
                          column=columns.headers["address"])  # fmt: skip
            continue
        mac, written = mac_of(cell("mac")), cell("mac")
        if mac is None and (need_mac or written) and not _UNANSWERED.search(written):
            yield Strange(line=number, text=written[:80], expected=msg("MAC addresses such as fa:16:3e:00:00:01"),
                          column=columns.headers.get("mac", "MAC"))  # fmt: skip
            continue
        address = address_of(cell("address"))
        if address is not None and not (need_mac and mac is None):
            yield Seen(addresses=(address,), mac=own_mac(mac), name=_name(cell("name")), line=number)


Reader = Callable[[Path, datetime], Iterable[Told]]
READERS: Mapping[str, Reader] = {
    "nmap": lambda path, _: read_nmap(path),
    "arp": lambda path, _: read_arp(path),
    "dhcp": read_dhcp,
}
