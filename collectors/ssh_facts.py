"""What the SSH probe's answer says about a host (pure: bytes in, records out).

The answer (grammar: `collectors/ssh_probe.sh`) comes from a machine that may be anybody's. Lines, sections and values
are limited here again, whatever the probe promised; control characters and text-direction marks are dropped; nothing is
evaluated. A host may still lie about itself: its sighting is `View.OS`, a claim, and placement treats it as one.
"""

import ipaddress
import itertools
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from collectors.errors import Unreadable
from inventory.records import BlockDevice, HostSighting, Listener, Mount, Nic, Route, View
from inventory.text import Message, msg

PROBE_VERSION = 1
MAX_LINES = 5000
"""Of one section, whatever limit the answer claims for it."""
MAX_LINE_BYTES = 1000
"""The probe's limit too: a line of so many bytes was cut, for all that anybody knows."""
MAX_VALUE_CHARS = 256
MAX_NOISE_BYTES = 64 * 1024
"""Before the header: a login shell's greeting is tolerated, not more."""

SECTIONS = frozenset(
    {
        "user_id",
        "hostname",
        "kernel",
        "product_uuid",
        "product_serial",
        "sys_vendor",
        "product_name",
        "chassis_type",
        "chassis_asset_tag",
        "device_tree_model",
        "device_tree_uuid",
        "hypervisor_type",
        "hypervisor_uuid",
        "detect_virt",
        "container",
        "processors",
        "memory",
        "machine_id",
        "os_release",
        "distribution",
        "interfaces",
        "addresses",
        "routes",
        "mounts",
        "disks",
        "sockets",
        "root_birth",
        "instance_id",
        "instance_data_id",
    }
)
"""What a whole answer speaks of, one way or the other."""

_NEVER_EMPTY = ("hostname", "kernel", "interfaces", "addresses", "mounts")
"""A running machine has these: an empty section means that the probe's tools failed, not that there is nothing."""

_FACT_OF_ROOT = {"product_uuid": "uuid", "product_serial": "serial"}

_INNER_INTERFACE = re.compile(
    r"^(lo|veth.*|vnet\d+|tap.*|docker\d+|docker_gwbridge|br-[0-9a-f]{12}|virbr\d+(-nic)?|podman\d+|lxcbr\d+|lxdbr\d+"
    r"|cni\d+|cni-podman\d+|flannel.*|cali.*|vxlan\.calico|tunl\d+|cilium_.*|lxc.*|kube-ipvs\d+|nodelocaldns|kube-bridge"
    r"|weave|vxlan-.*|dummy\d+|ifb\d+|sit\d+|gre\d+|gretap\d+|erspan\d+|ip6tnl\d+|ip_vti\d+|ip6_vti\d+|ip6gre\d+|ovs-system"
    r"|br-int|br-tun|antrea-.*|ovn-k8s.*|genev_sys.*)$"
)
"""Interfaces whose addresses never leave the machine. The same ones stand on every container host (172.17.0.1,
ee:ee:ee:ee:ee:ee, every service address on kube-ipvs0): joined on them, strangers would become one machine."""

_REMOTE_TYPES = re.compile(
    r"^(nfs\d?|cifs|smb3|smbfs|glusterfs|ceph|lustre|gpfs|beegfs|9p|virtiofs|afs|davfs2?|ocfs2|gfs2|orangefs|pvfs2"
    r"|fuse\.(glusterfs|ceph.*|sshfs|s3fs|juicefs|goofys|rclone|lizardfs|mfs|moosefs|davfs.*))$"
)

_VM_BY_DMI = (
    # sys_vendor or product_name as guests see them, and what systemd-detect-virt calls that hypervisor
    ("openstack", "kvm"),
    ("kubevirt", "kvm"),
    ("kvm", "kvm"),
    ("vmware", "vmware"),
    ("virtualbox", "oracle"),
    ("innotek gmbh", "oracle"),
    ("hvm domu", "xen"),
    ("xen", "xen"),
    ("bochs", "bochs"),
    ("parallels", "parallels"),
    ("bhyve", "bhyve"),
    ("google compute engine", "google"),
    ("amazon ec2", "amazon"),
    ("alibaba cloud", "kvm"),
    ("apple virtualization", "apple"),
    ("rhev hypervisor", "kvm"),
    ("qemu", "qemu"),
)

_BIG_ENDIAN = ("s390", "ppc", "mips", "sparc", "m68k")
"""Machine names whose /proc/net addresses stand in the order in which people write them (except …le and …el)."""

_DROPPED = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode categories that move a cursor, turn a text round or break a line."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Facts:
    """What one answer gave."""

    sighting: HostSighting
    raw: Mapping[str, object]
    """The sections that the sighting was made of, cleaned."""
    problems: tuple[Message, ...]
    """Why it is not the whole answer; empty where it is."""


@dataclass(slots=True)
class _Answer:
    """An answer taken apart, values still bytes."""

    sections: dict[str, list[bytes]] = field(default_factory=dict)
    cut: set[str] = field(default_factory=set)
    absent: set[str] = field(default_factory=set)
    denied: set[str] = field(default_factory=set)
    malformed: bool = False
    is_done: bool = False

    def lines(self, name: str) -> list[str]:
        return [text for line in self.sections.get(name, ()) if (text := clean(line, limit=MAX_LINE_BYTES))]

    def first(self, name: str) -> str | None:
        lines = self.lines(name)
        return lines[0][:MAX_VALUE_CHARS] if lines else None


def clean(data: bytes | str, *, limit: int = MAX_VALUE_CHARS) -> str:
    """Text that may be shown and stored: valid UTF-8, no control, format, surrogate or line-separating characters."""
    text = data.decode("utf-8", errors="replace") if isinstance(data, bytes) else data
    kept = (" " if c == "\t" else c for c in text if c == "\t" or unicodedata.category(c) not in _DROPPED)
    return "".join(kept).strip()[:limit]


def parse(answer: bytes, *, source: str, native_id: str, zone: str | None, observed_at: datetime) -> Facts:
    """The sighting that the probe's answer makes, and what is missing from it.

    Raises:
        Unreadable: it is not the probe's answer, or one of another version.
    """
    taken = _take_apart(answer, native_id)
    arch = ([*taken.lines("kernel"), "", "", ""])[2] or None
    release = _os_release(taken)
    birth = _number(taken.first("root_birth"))
    disks = tuple(_disks(taken.lines("disks")))
    sighting = HostSighting(
        source=source,
        native_id=native_id,
        observed_at=observed_at,
        view=View.OS,
        name=taken.first("hostname") or native_id,
        uuid=_lower(taken.first("product_uuid") or taken.first("device_tree_uuid") or taken.first("hypervisor_uuid")),
        serial=taken.first("product_serial"),
        vendor=taken.first("sys_vendor"),
        product=taken.first("product_name") or taken.first("device_tree_model"),
        chassis_type=_number(taken.first("chassis_type"), most=255),
        virtualization=_virtualization(taken),
        machine_id=_machine_id(taken.first("machine_id")),
        cloud_instance_id=taken.first("instance_id") or taken.first("instance_data_id"),
        zone=zone,
        nics=_nics(taken),
        os_name=release.get("ID") or release.get("NAME"),
        os_version=release.get("VERSION_ID"),
        arch=arch,
        vcpus=_number(_pairs(taken.lines("processors")).get("count"), least=1, most=2**20),
        memory_bytes=_memory(taken.first("memory")),
        disk_bytes=sum(d.size_bytes or 0 for d in disks if d.transport not in {"iscsi", "fc"}) or None,
        installed_at=_moment(birth, observed_at),
        mounts=tuple(_mounts(taken.lines("mounts"))),
        listeners=_unique(_listeners(taken.lines("sockets"), is_reversed=not _is_big_endian(arch or ""))),
        routes=_unique(_routes(taken.lines("routes"), is_reversed=not _is_big_endian(arch or ""))),
        block_devices=disks,
        needs_root=tuple(sorted(fact for name, fact in _FACT_OF_ROOT.items() if name in taken.denied)),
    )
    return Facts(sighting=sighting, raw=_raw(taken, native_id), problems=tuple(_problems(taken)))


def _take_apart(answer: bytes, host: str) -> _Answer:
    if not answer.strip():
        raise Unreadable(msg("{host} answered nothing; expected a POSIX shell or the forced probe", host=host))
    header = f"@@ yunhe-probe {PROBE_VERSION}".encode()
    lines = answer.split(b"\n")
    noise = 0
    for number, line in enumerate(lines):
        if line.rstrip(b"\r") == header:
            return _read_sections(lines[number + 1 :])
        if line.startswith(b"@@ yunhe-probe "):
            raise Unreadable(
                msg(
                    "{host} answered with another version of the probe ({header}); put this version's "
                    "collectors/ssh_probe.sh in place there",
                    host=host,
                    header=clean(line, limit=60),
                )
            )
        noise += len(line) + 1
        if noise > MAX_NOISE_BYTES:
            break
    raise Unreadable(
        msg(
            "{host} answered something that is not the probe's answer, beginning with “{text}”; expected a POSIX shell",
            host=host,
            text=clean(answer[:400], limit=80),
        )
    )


def _read_sections(lines: Iterable[bytes]) -> _Answer:
    taken = _Answer()
    content: list[bytes] | None = None
    name, limit = "", 0
    for raw_line in lines:
        line = raw_line.removesuffix(b"\r")
        if line.startswith(b"|") and content is not None and len(content) < limit:
            content.append(line[1 : 1 + MAX_LINE_BYTES])
            if len(line) > MAX_LINE_BYTES:
                taken.cut.add(name)
        if not line.startswith(b"@@ "):
            continue
        match content, line[3:].decode("ascii", errors="replace").split():
            case None, ["begin", new, count] if new in SECTIONS and re.fullmatch("[0-9]{1,9}", count):
                name, limit, content = new, min(int(count), MAX_LINES), []
            case list(), ["end", old] if old == name:
                _keep(taken, name, content or [], limit)
                content = None
            case None, ["absent", fact] if fact in SECTIONS:
                taken.absent.add(fact)
            case None, ["denied", fact] if fact in SECTIONS:
                taken.denied.add(fact)
            case None, ["done"]:
                taken.is_done = True
                break
            case _:
                taken.malformed = True
    return taken


def _keep(taken: _Answer, name: str, content: list[bytes], limit: int) -> None:
    if name in taken.sections:
        taken.malformed = True
        return
    taken.sections[name] = content
    if len(content) >= limit:
        taken.cut.add(name)


def _problems(taken: _Answer) -> Iterator[Message]:
    seen = set(taken.sections) | taken.absent | taken.denied
    missing = sorted(SECTIONS - seen)
    empty = [name for name in _NEVER_EMPTY if name in taken.sections and not taken.lines(name)]
    if not taken.is_done:
        yield msg("the answer broke off before its end; not seen: {facts}", facts=", ".join(missing) or "-")
    elif missing:
        yield msg("the answer lacks {facts}; is an older probe in place there?", facts=", ".join(missing))
    if empty or taken.absent & set(_NEVER_EMPTY):
        names = sorted({*empty, *(taken.absent & set(_NEVER_EMPTY))})
        yield msg("the host has no tool that shows {facts}", facts=", ".join(names))
    if taken.cut:
        yield msg("there was more than the probe shows of {facts}", facts=", ".join(sorted(taken.cut)))
    if taken.malformed:
        yield msg("parts of the answer do not follow the probe's form and were left out")


def _raw(taken: _Answer, host: str) -> dict[str, object]:
    kept: dict[str, list[str]] = {}
    for name in sorted(taken.sections):
        lines = taken.lines(name)
        if name == "interfaces":
            lines = [line for line in lines if not _is_inner(line.split()[0])]
        elif name == "addresses":
            lines = [line for line in lines if not _is_inner(_interface_of(line))]
        elif name == "routes":
            lines = [line for line in lines if not any(_is_inner(word) for word in line.split()[1:])]
        elif name == "mounts":
            lines = [_without_password(line) for line in lines]
        kept[name] = lines
    return {
        "host": host,
        "probe": PROBE_VERSION,
        "sections": kept,
        "absent": sorted(taken.absent),
        "denied": sorted(taken.denied),
    }


def _number(text: str | None, *, least: int = 0, most: int = 2**63 - 1) -> int | None:
    if text is None or not re.fullmatch(r"[0-9]{1,19}", text):
        return None
    number = int(text)
    return number if least <= number <= most else None


def _lower(text: str | None) -> str | None:
    return text.lower() if text else None


def _machine_id(text: str | None) -> str | None:
    """/etc/machine-id: 32 hex digits; an image that was made ready for cloning says `uninitialized`."""
    return text if text and re.fullmatch(r"[0-9a-f]{32}", text) else None


def _memory(text: str | None) -> int | None:
    kilobytes = _number(text.removesuffix("kB").strip(), most=2**50) if text else None
    return kilobytes * 1024 if kilobytes else None


def _moment(seconds: int | None, observed_at: datetime) -> datetime | None:
    """Zero and `?` are how stat says "unknown"; a birth after the observation is a clock that was never set."""
    if not seconds or seconds > observed_at.timestamp() + 86400:
        return None
    return datetime.fromtimestamp(seconds, UTC)


def _pairs(lines: Iterable[str]) -> dict[str, str]:
    return {key: value.strip() for line in lines for key, _, value in [line.partition(" ")] if value}


def _os_release(taken: _Answer) -> dict[str, str]:
    """os-release(5); where there is none, the one line of an older distribution's release file."""
    found: dict[str, str] = {}
    for line in taken.lines("os_release"):
        key, is_pair, value = line.partition("=")
        if is_pair and re.fullmatch(r"[A-Z][A-Z0-9_]{0,40}", key):
            found.setdefault(key, value.strip().strip("\"'").strip()[:MAX_VALUE_CHARS])
    old = taken.first("distribution")
    if not found and old:
        name, _, version = old.partition(" release ")
        found["NAME"] = name.strip()
        digits = re.match(r"\s*([0-9][0-9.]{0,20})", version)
        if digits:
            found["VERSION_ID"] = digits[1]
    return {key: value for key, value in found.items() if value}


def _virtualization(taken: _Answer) -> str | None:
    """`none` only where systemd says so, or where an x86 processor shows no hypervisor and SMBIOS names none."""
    said = taken.first("detect_virt")
    container = taken.first("container")
    if said or container:
        name = said or container or ""
        return name if re.fullmatch(r"[a-z0-9][a-z0-9-]{1,31}", name) else None
    vendor = taken.first("sys_vendor") or ""
    by_name = _virtualization_by_dmi(vendor, taken.first("product_name") or "")
    if by_name or taken.first("hypervisor_type") == "xen":
        return by_name or "xen"
    processors = _pairs(taken.lines("processors"))
    if _number(processors.get("hypervisor"), least=1):
        return "vm-other"
    # Only x86 has flags that would show a hypervisor; without SMBIOS strings their silence is not enough.
    return "none" if vendor and _number(processors.get("flags"), least=1) else None


def _virtualization_by_dmi(vendor: str, product: str) -> str | None:
    if vendor == "Microsoft Corporation" and product == "Virtual Machine":
        return "microsoft"
    text = f"{vendor}\n{product}".casefold()
    return next((name for word, name in _VM_BY_DMI if word in text), None)


def _is_inner(name: str) -> bool:
    return bool(_INNER_INTERFACE.match(name.partition("@")[0]))


def _mac(text: str) -> str | None:
    mac = text.lower()
    if re.fullmatch(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}", mac) and mac not in {"00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff"}:
        return mac
    return None


def _address(text: str) -> str | None:
    """An address, with its prefix length if it has one; None for what holds on one machine or one wire only."""
    try:
        interface = ipaddress.ip_interface(text)
    except ValueError:
        return None
    address = interface.ip
    if address.is_loopback or address.is_link_local or address.is_unspecified or address.is_multicast:
        return None
    return str(interface) if "/" in text else str(address)


def _interface_of(line: str) -> str:
    words = line.split()
    return words[1].rstrip(":") if len(words) > 1 else ""


def _nics(taken: _Answer) -> tuple[Nic, ...]:
    macs: dict[str, str | None] = {}
    for line in taken.lines("interfaces"):
        name, _, mac = line.partition(" ")
        if not _is_inner(name):
            macs.setdefault(name[:32], _mac(mac))
    held: dict[str, list[str]] = {}
    for name, address in _held_addresses(taken):
        if not _is_inner(name):
            held.setdefault(name[:32], []).append(address)
    return tuple(
        Nic(name=name or None, mac=macs.get(name), addresses=tuple(sorted(set(held.get(name, ())))))
        for name in sorted({*macs, *held})
    )


def _held_addresses(taken: _Answer) -> Iterator[tuple[str, str]]:
    """(interface, address); the interface is empty where nothing says on which it stands."""
    lines = taken.lines("addresses")
    tool, rest = (lines[0], lines[1:]) if lines else ("", [])
    if tool == "tool ip":
        for line in rest:
            words = line.split()
            if len(words) >= 4 and words[2] in {"inet", "inet6"}:
                address = _address(words[3])
                if address:
                    yield words[1].rstrip(":").partition("@")[0], address
    elif tool == "tool ifconfig":
        yield from _ifconfig(rest)
    elif tool == "tool proc":
        words_of = [line.split() for line in rest]
        yield from _placed([w[1] for w in words_of if len(w) == 2 and w[0] == "inet"], taken)
        for words in words_of:
            address = _proc_inet6(words)
            if address:
                yield words[6], address
    elif tool == "tool hostname":
        yield from _placed(" ".join(rest).split(), taken)


def _placed(words: Iterable[str], taken: _Answer) -> Iterator[tuple[str, str]]:
    """Addresses that came without their interface: it is the one whose connected network they are in.

    What is in none stands on an interface all the same. Where there are inner ones, it may be theirs and is left out:
    strangers would be joined on it.
    """
    is_reversed = not _is_big_endian(([*taken.lines("kernel"), "", "", ""])[2])
    networks = []
    for line in taken.lines("routes")[1:]:
        route = _proc_route(line.split(), is_reversed=is_reversed)
        if route is not None and route.gateway is None:
            networks.append((ipaddress.ip_network(route.destination), route.device or ""))
    networks.sort(key=lambda pair: pair[0].prefixlen, reverse=True)
    names = (line.split()[0] for line in taken.lines("interfaces"))
    has_inner = any(_is_inner(name) for name in names if name != "lo")
    for word in words:
        plain = _address(word)
        if plain is None:
            continue
        address = ipaddress.ip_interface(plain).ip
        for network, device in networks:
            if network.prefixlen and address in network:
                yield device, f"{address}/{network.prefixlen}"
                break
        else:
            if not has_inner:
                yield "", plain


def _proc_inet6(words: list[str]) -> str | None:
    """A line of /proc/net/if_inet6: address, interface number, prefix length, scope, flags, name."""
    if len(words) != 7 or words[0] != "inet6" or not re.fullmatch(r"[0-9a-f]{32}", words[1]):
        return None
    if not re.fullmatch(r"[0-9a-f]{2}", words[3]) or int(words[3], 16) > 128:
        return None
    return _address(f"{ipaddress.IPv6Address(int(words[1], 16))}/{int(words[3], 16)}")


def _ifconfig(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Both forms: `inet addr:10.0.0.1  Mask:255.255.255.0` (old, busybox), `inet 10.0.0.1  netmask 255.255.255.0`."""
    name = ""
    for line in lines:
        head = re.match(r"^([A-Za-z][\w.@-]*?):?\s+(?:Link encap|flags=)", line)
        if head:
            name = head[1]
            continue
        found = re.search(r"\binet6? (?:addr: ?)?([0-9A-Fa-f.:]+(?:/\d+)?)", line)
        if not found:
            continue
        mask = re.search(r"(?:Mask:|netmask )([0-9.]+)", line)
        address = _address(f"{found[1]}/{mask[1]}" if mask else found[1])
        if address:
            yield name, address


def _routes(lines: list[str], *, is_reversed: bool) -> Iterator[Route]:
    tool, rest = (lines[0], lines[1:]) if lines else ("", [])
    for line in rest:
        words = line.split()
        route = _ip_route(words) if tool == "tool ip" else _proc_route(words, is_reversed=is_reversed)
        if route is not None and not _is_inner(route.device or ""):
            yield route


def _ip_route(words: list[str]) -> Route | None:
    if words and words[0] in {"unreachable", "blackhole", "prohibit", "unicast", "throw"}:
        words = words[1:]
    if not words:
        return None
    target = words[0]
    following = dict(itertools.pairwise(words))
    gateway = _plain_address(following.get("via", ""))
    if target == "default":
        is_v6 = gateway is not None and ":" in gateway
        target = "::/0" if is_v6 else "0.0.0.0/0"
    network = _network(target)
    if network is None or network.startswith(("fe80:", "ff00:")):
        return None
    return Route(destination=network, gateway=gateway, device=following.get("dev", "")[:32] or None)


def _proc_route(words: list[str], *, is_reversed: bool) -> Route | None:
    if len(words) < 8:
        return None
    target, gateway, mask = (_hex_address(words[i], is_reversed=is_reversed) for i in (1, 2, 7))
    network = _network(f"{target}/{mask}") if target and mask else None
    if network is None:
        return None
    return Route(destination=network, gateway=None if gateway == "0.0.0.0" else gateway, device=words[0][:32])  # noqa: S104


def _plain_address(text: str) -> str | None:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None


def _network(text: str) -> str | None:
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError:
        return None


def _is_big_endian(arch: str) -> bool:
    return arch.startswith(_BIG_ENDIAN) and not arch.endswith(("le", "el"))


def _hex_address(text: str, *, is_reversed: bool) -> str | None:
    """An address as /proc/net prints it: hex words in the machine's own byte order."""
    if not re.fullmatch(r"[0-9A-Fa-f]{8}|[0-9A-Fa-f]{32}", text):
        return None
    data = bytes.fromhex(text)
    if is_reversed:
        data = b"".join(data[i : i + 4][::-1] for i in range(0, len(data), 4))
    return str(ipaddress.ip_address(data))


def _listeners(lines: Iterable[str], *, is_reversed: bool) -> Iterator[Listener]:
    for line in lines:
        found = re.fullmatch(r"(tcp6?|udp6?) ([0-9A-F]+):([0-9A-F]{4})", line)
        address = _hex_address(found[2], is_reversed=is_reversed) if found else None
        if found and address and int(found[3], 16):
            yield Listener(protocol=found[1][:3], address=address, port=int(found[3], 16))


def _mounts(lines: Iterable[str]) -> Iterator[Mount]:
    """Real devices and what is served from elsewhere; the type of a remote one is kept as the kernel names it."""
    for line in lines:
        words = _without_password(line).split(" ")
        if len(words) == 3 and (words[0].startswith("/dev/") or _REMOTE_TYPES.match(words[2])):
            origin, target, fstype = (_unescaped(word)[:MAX_VALUE_CHARS] for word in words)
            yield Mount(target=target, fstype=fstype, origin=origin)


def _unescaped(text: str) -> str:
    """/proc/mounts writes space, tab, newline and backslash as octal."""
    return clean(re.sub(r"\\(040|011|012|134)", lambda m: chr(int(m[1], 8)), text))


def _without_password(line: str) -> str:
    """WebDAV and SSHFS may carry `user:password@` in the origin."""
    return re.sub(r"//[^/@\s]*:[^/@\s]*@", "//", line)


def _disks(lines: Iterable[str]) -> Iterator[BlockDevice]:
    for line in lines:
        name, _, rest = line.partition(" ")
        size, _, rest = rest.partition(" ")
        path, _, model = rest.partition(" ")
        sectors = _number(size, most=2**54)
        if sectors:
            # The kernel counts 512 bytes a sector here, whatever the device's own sector is.
            yield BlockDevice(
                name=name[:32], size_bytes=sectors * 512, model=model.strip()[:64] or None, transport=_transport(path)
            )


def _transport(path: str) -> str | None:
    for mark, name in (
        (r"/session\d+/", "iscsi"),
        (r"/rport-", "fc"),
        (r"/usb\d+/", "usb"),
        (r"/virtio\d+/", "virtio"),
        (r"/nvme", "nvme"),
        (r"/ata\d+/", "sata"),
        (r"/(vbd|xen)-", "xen"),
        (r"/(end_device|expander)-", "sas"),
        (r"/host\d+/", "scsi"),
    ):
        if re.search(mark, path):
            return name
    return None


def _unique(values: Iterator[T], key: Callable[[T], str] = repr) -> tuple[T, ...]:
    """Each once, in a fixed order: the same host gives the same record."""
    return tuple(sorted(set(values), key=key))
