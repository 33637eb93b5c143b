"""What nobody declared: files of the wire become sightings, hostile files become one sentence."""

import contextlib
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from command import Yunhe
from hypothesis import given
from hypothesis import strategies as st

from collectors.collector import collect
from collectors.discovery_files import READERS, mac_of
from collectors.discovery_source import discovery_collectors
from collectors.errors import CollectorError
from inventory.collection import Collection
from inventory.coverage import CellState
from inventory.guard import Guard
from inventory.records import HostSighting, View
from inventory.settings import Discovery, DiscoveryKind
from inventory.text import tell

NOON = datetime(2026, 11, 1, 4, tzinfo=UTC)
TAKEN = int(datetime(2026, 10, 31, tzinfo=UTC).timestamp())


def read(path: Path, kind: DiscoveryKind, text: str | bytes, guard: Guard | None = None, **more: object) -> Collection:
    path = path / f"{kind}.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    os.utime(path, (TAKEN, TAKEN))
    entry = Discovery(name="d", kind=kind, path=path.name, zone="政务外网区", **more)  # type: ignore[arg-type]
    made = discovery_collectors(entry, base=path.parent, clock=lambda: NOON)
    return collect(made, guard=guard or Guard(), clock=lambda: NOON)


def sightings(collection: Collection) -> dict[str, HostSighting]:
    """First address to sighting."""
    return {r.nics[0].addresses[0]: r for r in collection.records if isinstance(r, HostSighting)}


def macs(collection: Collection) -> dict[str, str | None]:
    return {address: s.nics[0].mac for address, s in sightings(collection).items()}


def state(collection: Collection) -> tuple[CellState, str]:
    (cell,) = collection.cells
    return cell.state, tell(cell.reason, "en") if cell.reason else ""


# ── nmap ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def host(address: str, inner: str = "", state: str = "up", reason: str = "arp-response", mac: str = "") -> str:
    hardware = f'<address addr="{mac}" addrtype="mac" vendor="Inspur"/>' if mac else ""
    return (
        f'<host><status state="{state}" reason="{reason}"/><address addr="{address}" addrtype="ipv4"/>{hardware}'
        f"{inner}</host>"
    )


def port(number: int, state: str) -> str:
    return f'<ports><port protocol="tcp" portid="{number}"><state state="{state}"/><service name="ssh"/></port></ports>'


def nmap(*hosts: str, end: str = f'<finished time="{TAKEN}" exit="success"/>', top: str = "<!DOCTYPE nmaprun>") -> str:
    return f'<?xml version="1.0"?>{top}<nmaprun scanner="nmap">{"".join(hosts)}<runstats>{end}</runstats></nmaprun>'


def test_what_answers_a_sweep_is_a_sighting_with_its_open_ports(tmp_path: Path) -> None:
    names = '<hostnames><hostname name="edu-old.gov" type="PTR"/></hostnames>'
    text = nmap(host("10.1.1.5", names + port(22, "open"), mac="3C:00:00:00:00:0A"), host("10.1.1.6", state="down"))

    collection = read(tmp_path, "nmap", text)

    assert state(collection) == (CellState.COMPLETE, "")
    ((_, seen),) = sightings(collection).items()
    assert (seen.view, seen.name, seen.zone) == (View.DISCOVERED, "edu-old.gov", "政务外网区")
    assert seen.nics[0].mac == "3c:00:00:00:00:0a"
    assert [(x.protocol, x.port) for x in seen.listeners] == [("tcp", 22)]
    assert seen.vendor is None, "a guess from the MAC is not believed"


@pytest.mark.parametrize(("answer", "is_seen"), [("open", True), ("closed", True), ("filtered", False)])
def test_a_host_that_a_sweep_assumed_counts_only_if_a_port_answered(tmp_path: Path, answer: str, is_seen: bool) -> None:
    """`nmap -Pn` calls every address of the range up."""
    collection = read(tmp_path, "nmap", nmap(host("10.1.1.5", port(22, answer), reason="user-set")))

    assert bool(collection.records) is is_seen


@pytest.mark.parametrize("end", ["", '<finished time="1" exit="error"/>'])
def test_a_sweep_that_did_not_finish_is_not_all(tmp_path: Path, end: str) -> None:
    collection = read(tmp_path, "nmap", nmap(host("10.1.1.5"), end=end))

    assert state(collection)[0] is CellState.PARTIAL
    assert list(sightings(collection)) == ["10.1.1.5"]


def test_a_file_that_ends_in_the_middle_keeps_what_was_whole(tmp_path: Path) -> None:
    text = nmap(host("10.1.1.5"), host("10.1.1.6"))

    collection = read(tmp_path, "nmap", text[: text.index("10.1.1.6")])

    assert state(collection)[0] is CellState.PARTIAL
    assert list(sightings(collection)) == ["10.1.1.5"]


LAUGHS = "<!DOCTYPE nmaprun [<!ENTITY a 'ha'>" + "".join(
    f"<!ENTITY {b} '{f'&{a};' * 10}'>" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("top", "inner"),
    [
        (LAUGHS + "]>", "&i;"),
        ('<!DOCTYPE nmaprun [<!ENTITY x SYSTEM "file:///etc/passwd">]>', "&x;"),
        ('<!DOCTYPE nmaprun [<!ENTITY % p SYSTEM "http://127.0.0.1:9/x.dtd"> %p;]>', ""),
        ("", "<a>" * 100_000),
        ("", "<host>\x00</host>"),
    ],
)
def test_hostile_xml_is_refused_in_one_sentence(tmp_path: Path, top: str, inner: str) -> None:
    collection = read(tmp_path, "nmap", nmap(inner, top=top))

    how, reason = state(collection)
    assert how is CellState.FAILED
    assert "\n" not in reason
    assert "root:" not in repr(collection)


def test_another_xml_is_no_sweep(tmp_path: Path) -> None:
    assert "expected nmap's XML" in state(read(tmp_path, "nmap", "<html/>"))[1]


# ── neighbours ───────────────────────────────────────────────────────────────────────────────────────────────────────

IP_NEIGH = """\
10.1.1.1 dev eth0 lladdr 00:00:5e:00:01:0a router REACHABLE
10.1.1.5 dev eth0 lladdr 3c:00:00:00:00:05 STALE
fd00::5 dev eth0 lladdr 3c:00:00:00:00:05 DELAY
fe80::5 dev eth0 lladdr 3c:00:00:00:00:05 STALE
10.1.1.7 dev eth0  FAILED
10.1.1.8 dev eth0  INCOMPLETE
172.17.0.2 dev docker0 lladdr 02:42:ac:11:00:02 REACHABLE
ff02::1 dev eth0 lladdr 33:33:00:00:00:01 NOARP
"""
ARP_AN = """\
? (10.1.1.1) at 0:1b:2c:3d:4e:5 [ether] on eth0
? (10.1.1.9) at <incomplete> on eth0
? (224.0.0.251) at 1:0:5e:0:0:fb on en0 ifscope permanent [ethernet]
"""
VRP = """\
IP ADDRESS      MAC ADDRESS     EXPIRE(M) TYPE        INTERFACE   VPN-INSTANCE
------------------------------------------------------------------------------
10.1.1.1        00e0-fc12-3456            I -         Vlanif10
10.1.1.5        3c00-0000-0005  20        D-0         GE0/0/1
"""
IOS = """\
Protocol  Address          Age (min)  Hardware Addr   Type   Interface
Internet  10.1.1.5               5   3c00.0000.0005  ARPA   Vlan10
Internet  10.1.1.6               0   Incomplete      ARPA
"""
CSV = "IP地址,MAC地址,接口\n10.1.1.5,3C-00-00-00-00-05,GE0/0/1\n10.1.1.6,3C-00-00-00-00-06,GE0/0/2\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (IP_NEIGH, {"10.1.1.1": None, "10.1.1.5": "3c:00:00:00:00:05"}),
        (ARP_AN, {"10.1.1.1": "00:1b:2c:3d:4e:05"}),
        (VRP, {"10.1.1.1": "00:e0:fc:12:34:56", "10.1.1.5": "3c:00:00:00:00:05"}),
        (IOS, {"10.1.1.5": "3c:00:00:00:00:05"}),
        (CSV, {"10.1.1.5": "3c:00:00:00:00:05", "10.1.1.6": "3c:00:00:00:00:06"}),
        (CSV.encode("gb18030"), {"10.1.1.5": "3c:00:00:00:00:05", "10.1.1.6": "3c:00:00:00:00:06"}),
        ("", {}),
    ],
)
def test_neighbour_tables_are_read_as_programs_and_switches_write_them(
    tmp_path: Path, text: str | bytes, expected: dict[str, str | None]
) -> None:
    collection = read(tmp_path, "arp", text)

    assert state(collection) == (CellState.COMPLETE, "")
    assert macs(collection) == expected


def test_addresses_of_one_mac_are_one_machine(tmp_path: Path) -> None:
    assert sightings(read(tmp_path, "arp", IP_NEIGH))["10.1.1.5"].nics[0].addresses == (
        "10.1.1.5",
        "fd00::5",
        "fe80::5",
    )


def test_a_mac_that_answers_for_many_names_no_machine(tmp_path: Path) -> None:
    """A router with proxy ARP would make a whole segment one host."""
    lines = [f"10.1.1.{n} dev eth0 lladdr 3c:00:00:00:00:01 STALE" for n in range(1, 30)]

    assert macs(read(tmp_path, "arp", "\n".join(lines))) == {f"10.1.1.{n}": None for n in range(1, 30)}


def test_a_line_that_cannot_be_read_is_rejected_with_its_number(tmp_path: Path) -> None:
    collection = read(tmp_path, "arp", IP_NEIGH + "10.1.1.11 dev eth0 lladdr zz:zz STALE\n")

    assert state(collection)[0] is CellState.PARTIAL
    assert [(r.row, r.value) for r in collection.rejections] == [(9, "10.1.1.11 dev eth0 lladdr zz:zz STALE")]


def test_a_text_of_another_kind_is_an_error(tmp_path: Path) -> None:
    assert "no line is a neighbour" in state(read(tmp_path, "arp", "inet 10.1.1.1/24 scope global\n"))[1]
    assert "neither UTF-8" in state(read(tmp_path, "arp", b"\x00\xff\xfe"))[1]
    assert "no line is a lease" in state(read(tmp_path, "dhcp", "hello\n"))[1]


# ── leases ───────────────────────────────────────────────────────────────────────────────────────────────────────────

ISC = """\
# The format of this file is documented in the dhcpd.leases(5) manual page.
lease 10.1.1.5 {
  starts 0 2026/10/30 01:00:00;
  ends 0 2026/11/30 01:00:00;
  binding state active;
  hardware ethernet 3c:00:00:00:00:05;
  client-hostname "pc-5";
}
lease 10.1.1.6 {
  ends 0 2026/10/01 01:00:00;
  binding state active;
  hardware ethernet 3c:00:00:00:00:06;
}
lease 10.1.1.7 {
  binding state active;
  hardware ethernet 3c:00:00:00:00:07;
}
lease 10.1.1.7 {
  binding state free;
  hardware ethernet 3c:00:00:00:00:07;
}
"""
DNSMASQ = f"""\
{TAKEN + 864000} 3c:00:00:00:00:05 10.1.1.5 pc-5 01:3c:00:00:00:00:05
0 3c:00:00:00:00:06 10.1.1.6 * *
{TAKEN - 864000} 3c:00:00:00:00:07 10.1.1.7 pc-7 *
duid 00:01:00:01:2a
{TAKEN + 864000} 7012345 fd00::8 pc-8 00:01
"""
LEASE_CSV = "地址,硬件地址,主机名,状态\n10.1.1.5,3c0000000005,pc-5,active\n10.1.1.6,3c0000000006,pc-6,expired\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (ISC, {"10.1.1.5": "3c:00:00:00:00:05"}),
        (DNSMASQ, {"10.1.1.5": "3c:00:00:00:00:05", "10.1.1.6": "3c:00:00:00:00:06", "fd00::8": None}),
        (LEASE_CSV, {"10.1.1.5": "3c:00:00:00:00:05"}),
    ],
)
def test_leases_in_force_are_sightings(tmp_path: Path, text: str, expected: dict[str, str | None]) -> None:
    collection = read(tmp_path, "dhcp", text)

    assert state(collection) == (CellState.COMPLETE, "")
    assert macs(collection) == expected
    assert sightings(collection)["10.1.1.5"].name == "pc-5"


def test_a_lease_without_an_address_is_rejected_and_the_others_stand(tmp_path: Path) -> None:
    collection = read(tmp_path, "dhcp", ISC + "lease 10.1.1.999 {\n  binding state active;\n}\n")

    assert state(collection)[0] is CellState.PARTIAL
    assert [r.value for r in collection.rejections] == ["10.1.1.999"]
    assert list(sightings(collection)) == ["10.1.1.5"]


@pytest.mark.parametrize("text", [ISC.replace("}\n", "", 1), "lease 10.1.1.9 { binding state active; }\n" + ISC])
def test_a_lease_that_is_written_otherwise_is_not_dropped_in_silence(tmp_path: Path, text: str) -> None:
    collection = read(tmp_path, "dhcp", text)

    assert state(collection)[0] is CellState.PARTIAL
    assert len(collection.rejections) == 1


def test_a_sweep_that_counts_its_closed_ports_was_answered(tmp_path: Path) -> None:
    closed = '<ports><extraports state="closed" count="1000"/></ports>'
    quiet = closed.replace("closed", "filtered")

    collection = read(
        tmp_path, "nmap", nmap(host("10.1.1.5", closed, reason="user-set"), host("10.1.1.6", quiet, reason="user-set"))
    )

    assert list(sightings(collection)) == ["10.1.1.5"]


def test_a_lease_file_cut_short_is_not_all(tmp_path: Path) -> None:
    collection = read(tmp_path, "dhcp", ISC[: ISC.rindex("binding")])

    assert state(collection)[0] is CellState.PARTIAL


# ── every kind ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_old_file_tells_what_was_there_and_not_all_that_is(tmp_path: Path) -> None:
    how, reason = state(read(tmp_path, "arp", IP_NEIGH, max_age_hours=12))

    assert how is CellState.PARTIAL
    assert "2026-10-31" in reason


def test_what_is_on_the_do_not_scan_list_leaves_no_trace(tmp_path: Path) -> None:
    """Also not through another address of the same machine, nor in a rejected line."""
    text = IP_NEIGH + "fd00::5 dev eth0 lladdr zz STALE\n"

    collection = read(tmp_path, "arp", text, Guard(["fd00::/16"]))

    assert list(sightings(collection)) == ["10.1.1.1"]
    assert "fd00" not in repr(collection)
    assert "10.1.1.5" not in repr(collection)


@given(st.binary(max_size=400) | st.text(max_size=400).map(str.encode), st.sampled_from(sorted(READERS)))
def test_any_bytes_end_as_records_or_one_error(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, kind: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "any"
    path.write_bytes(data)

    with contextlib.suppress(CollectorError):
        list(READERS[kind](path, NOON))


@pytest.mark.parametrize(
    ("text", "mac"),
    [("3C-00-00-00-00-05", "3c:00:00:00:00:05"), ("3c00.0000.0005", "3c:00:00:00:00:05"), ("3c00-0000", None)],
)
def test_macs_are_read_in_every_notation(text: str, mac: str | None) -> None:
    assert mac_of(text) == mac


CONFIG = """
version = 1
[city]
name = "测试市"
[[ledger]]
name = "segments"
kind = "segments"
path = "segments.csv"
[[ledger]]
name = "inventory"
kind = "inventory"
path = "inventory.csv"
control_plane = true
zone = "政务外网区"
[[discovery]]
name = "sweep"
kind = "nmap"
path = "sweep.xml"
zone = "政务外网区"
"""


def test_a_host_that_nobody_declared_is_to_be_verified_in_its_segment(yunhe: Yunhe, tmp_path: Path) -> None:
    (tmp_path / "segments.csv").write_text(
        "网段CIDR,网络区域,归属单位\n10.1.1.0/24,政务外网区,市教育局\n", encoding="utf-8"
    )
    (tmp_path / "inventory.csv").write_text(
        "主机名称,IP地址,实例ID\nedu-web,10.1.1.9,9d0c2a51-7c2b-4f0e-8a34-0d6a7f1f6b52\n", encoding="utf-8"
    )
    (tmp_path / "sweep.xml").write_text(nmap(host("10.1.1.5", port(22, "open")), host("10.1.1.9")), encoding="utf-8")
    config = tmp_path / "yunhe.toml"
    config.write_text(CONFIG, encoding="utf-8")

    ran = yunhe("scan", "-c", config, "--as-of", "2026-11-01", "--format", "json")

    told = json.loads(ran.out)
    verdicts = {f["name"]: f for f in told["findings"] if f["check"] == "14-standalone-compute"}
    assert {name: f["verdict"] for name, f in verdicts.items()} == {"10.1.1.5": "unknown", "edu-web": "pass"}
    explained = yunhe("explain", "10.1.1.5", "-c", config).out
    assert "undetermined" in explained
    assert "seen on the network only" in explained
    assert "市教育局" in explained
    assert "the infrastructure team needs SSH access" in explained


@pytest.mark.parametrize(
    ("kind", "text", "row"),
    [
        (
            "arp",
            "10.1.1.5 dev eth0 lladdr 52:54:00:00:00:01 STALE\n10.1.^.6 dev eth0 lladdr 52:54:00:00:00:02 STALE\n",
            2,
        ),
        ("arp", "10.1.1.5 dev eth0 lladdr 52:54:00:00:00:01 STALE\n10.1.^.6 dev eth0 lladdr 52:54:00500:02 STALE\n", 2),
        ("dhcp", "lease 10.1.1.5 {\n  binding state act1ve;\n}\n", 1),
        ("dhcp", "lease 10.1.1.5 {\n}\nleese 10.1.1.6 {\n  binding state active;\n}\n", 4),
        ("nmap", nmap(host("10.1.1.5"), host("10.1.1.6").replace('addr="10.1.1.6"', 'addr="10.1.1.x"')), 1),
        ("nmap", nmap(host("10.1.1.5"), host("10.1.1.6").replace('state="up"', 'state="u"')), 1),
    ],
)
def test_what_was_damaged_is_named_and_not_passed_over(
    tmp_path: Path, kind: DiscoveryKind, text: str, row: int
) -> None:
    """Found by hostile answers: each of these machines was gone without a word."""
    found = read(tmp_path, kind, text)

    (cell,) = found.cells
    assert cell.state is CellState.PARTIAL
    assert [r.row for r in found.rejections] == [row]
