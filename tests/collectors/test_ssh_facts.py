"""What a host answers is read strictly, kept within limits, and never believed to be more than it says."""

import contextlib
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from probe_answers import WHOLE, answer

from collectors.errors import Unreadable
from collectors.ssh_facts import MAX_LINES, SECTIONS, Facts, clean, parse
from inventory.records import BlockDevice, Listener, Mount, Nic, Route, View
from inventory.text import tell

NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)


def read(data: bytes) -> Facts:
    return parse(data, source="ssh:hosts", native_id="app1", zone="政务外网", observed_at=NOW)


def sighting(**changes: str | None) -> Any:
    return read(answer(changes)).sighting


def problems(data: bytes) -> list[str]:
    return [tell(p, "en") for p in read(data).problems]


def test_a_whole_answer_is_every_fact_and_no_problem() -> None:
    facts = read(answer())
    assert facts.problems == ()
    host = facts.sighting
    assert (host.view, host.name, host.native_id, host.zone) == (View.OS, "zwfw-app-01", "app1", "政务外网")
    assert (host.vendor, host.product, host.chassis_type) == ("OpenStack Foundation", "OpenStack Nova", 1)
    assert (host.virtualization, host.arch, host.vcpus, host.memory_bytes) == ("kvm", "x86_64", 4, 8009000 * 1024)
    assert (host.os_name, host.os_version) == ("openEuler", "22.03")
    assert host.machine_id == "0123456789abcdef0123456789abcdef"
    assert host.cloud_instance_id == "8fcf0b42-f2a2-54d1-329b-575d9bc5e19c"
    assert host.installed_at == datetime.fromtimestamp(1710000000, UTC)
    assert host.nics == (Nic(name="eth0", mac="fa:16:3e:aa:bb:01", addresses=("10.20.0.5/24",)),)
    assert host.mounts == (
        Mount(target="/", fstype="ext4", origin="/dev/vda1"),
        Mount(target="/data", fstype="nfs4", origin="10.9.0.7:/export/data"),
    )
    assert host.block_devices == (BlockDevice(name="vda", size_bytes=42949672960, transport="virtio"),)
    assert host.routes == (
        Route(destination="0.0.0.0/0", gateway="10.20.0.1", device="eth0"),
        Route(destination="10.20.0.0/24", device="eth0"),
    )
    assert host.listeners == (
        Listener(protocol="tcp", address="0.0.0.0", port=22),  # noqa: S104 - what the host says, nothing binds here
        Listener(protocol="tcp", address="::", port=80),
    )
    assert host.needs_root == ()


def test_the_uuid_is_delivered_as_written_in_lower_case() -> None:
    """Byte order is identity's business: only it sees both sides of the join."""
    assert sighting().uuid == "8fcf0b42-f2a2-54d1-329b-575d9bc5e19c"
    assert sighting(product_uuid="420BCF8F-A2F2-D154-329B-575D9BC5E19C").uuid == "420bcf8f-a2f2-d154-329b-575d9bc5e19c"


def test_what_only_root_may_read_is_said_and_not_taken_for_missing() -> None:
    facts = read(answer(denied=("product_uuid", "product_serial")))
    assert facts.sighting.needs_root == ("serial", "uuid")
    assert facts.sighting.uuid is None
    assert facts.problems == ()


def test_machines_without_smbios_are_known_by_their_device_tree_or_hypervisor() -> None:
    none = dict.fromkeys(("product_uuid", "product_name", "sys_vendor"))
    power = sighting(**none, device_tree_uuid="8FCF0B42-f2a2-54d1-329b-575d9bc5e19c", device_tree_model="IBM pSeries")
    assert (power.uuid, power.product) == ("8fcf0b42-f2a2-54d1-329b-575d9bc5e19c", "IBM pSeries")
    assert sighting(**none, hypervisor_uuid="1-2").uuid == "1-2"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"detect_virt": "none"}, "none"),
        ({"detect_virt": None}, "kvm"),
        ({"detect_virt": None, "container": "docker"}, "docker"),
        ({"detect_virt": None, "sys_vendor": "VMware, Inc.", "product_name": "VMware7,1"}, "vmware"),
        ({"detect_virt": None, "sys_vendor": "Microsoft Corporation", "product_name": "Virtual Machine"}, "microsoft"),
        ({"detect_virt": None, "sys_vendor": "Inspur", "product_name": "NF5280"}, "vm-other"),
        (
            {
                "detect_virt": None,
                "sys_vendor": "Inspur",
                "product_name": "NF5280",
                "processors": "count 8\nflags 8\nhypervisor 0",
            },
            "none",
        ),
        # an ARM processor shows no flags: its silence says nothing
        (
            {
                "detect_virt": None,
                "sys_vendor": "Huawei",
                "product_name": "TaiShan 200",
                "processors": "count 64\nflags 0\nhypervisor 0",
            },
            None,
        ),
        (
            {
                "detect_virt": None,
                "sys_vendor": None,
                "product_name": None,
                "processors": "count 8\nflags 8\nhypervisor 0",
            },
            None,
        ),
        ({"detect_virt": "evil; rm"}, None),
    ],
)
def test_bare_metal_is_concluded_only_from_a_statement(changes: dict[str, str | None], expected: str | None) -> None:
    """`none` opens the way to "standalone physical": it may not come from a missing tool."""
    assert sighting(**changes).virtualization == expected


@pytest.mark.parametrize("birth", ["0", "?", "W", "", "-1", "99999999999999999999", "4102444800"])
def test_an_unknown_birth_of_the_root_file_system_is_none(birth: str) -> None:
    """Old coreutils say 0 or `?`, busybox repeats the format, and a clock may have been in the future."""
    assert sighting(root_birth=birth).installed_at is None


@pytest.mark.parametrize("machine_id", ["uninitialized", "", "xyz", "0123"])
def test_a_machine_id_that_is_none_is_left_out(machine_id: str) -> None:
    assert sighting(machine_id=machine_id).machine_id is None


def test_interfaces_that_every_container_host_has_are_left_out() -> None:
    """172.17.0.1, Calico's ee:ee:… and kube-ipvs0 stand on all of them: joined on, strangers would become one."""
    facts = read(
        answer(
            {
                "interfaces": "bond0 0c:42:a1:00:00:01\ndocker0 02:42:00:00:00:01\ncali123 ee:ee:ee:ee:ee:ee"
                "\nkube-ipvs0 00:01:02:03:04:05",
                "addresses": "tool ip\n3: bond0    inet 10.1.1.1/24\n4: docker0    inet 172.17.0.1/16"
                "\n5: kube-ipvs0    inet 10.96.0.1/32\n6: cali123@if4    inet 169.254.1.1/32",
            }
        )
    )
    assert facts.sighting.nics == (Nic(name="bond0", mac="0c:42:a1:00:00:01", addresses=("10.1.1.1/24",)),)
    assert "172.17.0.1" not in str(facts.raw)


def test_addresses_come_from_whatever_tool_is_there() -> None:
    old = (
        "tool ifconfig\neth0      Link encap:Ethernet  HWaddr FA:16:3E:AA:BB:01\n"
        "          inet addr:10.20.0.5  Bcast:10.20.0.255  Mask:255.255.255.0\n"
        "          inet6 addr: 2001:db8::5/64 Scope:Global\n"
    )
    new = "tool ifconfig\neth0: flags=4163<UP>  mtu 1500\n        inet 10.20.0.5  netmask 255.255.255.0\n"
    assert sighting(addresses=old).nics[0].addresses == ("10.20.0.5/24", "2001:db8::5/64")
    assert sighting(addresses=new).nics[0].addresses == ("10.20.0.5/24",)
    bare = sighting(addresses="tool hostname\n10.20.0.5 172.16.0.1")
    assert bare.nics[0] == Nic(addresses=("10.20.0.5", "172.16.0.1"))


def test_addresses_without_their_interface_are_placed_by_the_networks_or_left_out() -> None:
    """Every container host has 172.17.0.1: an address that may be an inner interface's would join strangers."""
    table = "tool proc\nIface Destination Gateway Flags RefCnt Use Metric Mask\n"
    table += "eth0 00000000 0100140A 0003 0 0 100 00000000\neth0 0000140A 00000000 0001 0 0 100 00FFFFFF\n"
    table += "docker0 000011AC 00000000 0001 0 0 0 0000FFFF"
    trie = "tool proc\ninet 10.20.0.5\ninet 127.0.0.1\ninet 172.17.0.1\ninet 10.96.0.10\n"
    trie += "inet6 20010db8000000000000000000000005 02 40 00 80 eth0\n"
    trie += "inet6 fe800000000000000000000000000001 02 40 20 80 eth0"
    macs = "eth0 fa:16:3e:aa:bb:01\nlo 00:00:00:00:00:00"
    eth0 = Nic(name="eth0", mac="fa:16:3e:aa:bb:01", addresses=("10.20.0.5/24", "2001:db8::5/64"))

    cluster = sighting(addresses=trie, routes=table, interfaces=f"{macs}\ndocker0 02:42:00:00:00:01\nkube-ipvs0 -")
    plain = sighting(addresses=trie.replace("inet 172.17.0.1\n", ""), routes=table, interfaces=macs)

    assert cluster.nics == (eth0,), "172.17.0.1 is docker0's, 10.96.0.10 is in no network here and may be kube-ipvs0's"
    assert plain.nics == (Nic(addresses=("10.96.0.10",)), eth0), "nothing inner here: it stands on this machine's wire"


@pytest.mark.parametrize(
    "line",
    ["inet", "inet 1", "inet x", "inet6 00", "inet6 " + "f" * 32 + " 02 ff 00 80 eth0", "inet6 x 02 40 00 80 eth0"],
)
def test_what_proc_does_not_print_is_no_address(line: str) -> None:
    assert all(nic.addresses == () for nic in sighting(addresses=f"tool proc\n{line}").nics)


def test_routes_are_read_from_proc_where_ip_is_missing() -> None:
    table = "tool proc\nIface Destination Gateway Flags RefCnt Use Metric Mask\n"
    table += "eth0 00000000 0100140A 0003 0 0 100 00000000\neth0 0000140A 00000000 0001 0 0 100 00FFFFFF"
    expected = (
        Route(destination="0.0.0.0/0", gateway="10.20.0.1", device="eth0"),
        Route(destination="10.20.0.0/24", device="eth0"),
    )
    assert sighting(routes=table).routes == expected


def test_a_big_endian_machine_prints_its_sockets_the_other_way_round() -> None:
    host = sighting(kernel="Linux\n5.10\ns390x", sockets="tcp 0A140005:0016")
    assert host.listeners == (Listener(protocol="tcp", address="10.20.0.5", port=22),)


def test_disks_of_a_storage_network_are_told_apart() -> None:
    """A LUN over four paths is four disks to the kernel, and none of them stands in this machine."""
    host = sighting(
        disks="sda 2048 /sys/devices/pci0000:00/0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0/block/sda SSD\n"
        "sdb 4096 /sys/devices/platform/host3/session1/target3:0:0/3:0:0:0/block/sdb VIRTUAL-DISK\n"
        "sdc 4096 /sys/devices/pci0000:17/0000:18:00.0/host1/rport-1:0-0/target1:0:0/1:0:0:0/block/sdc LUN 7"
    )
    assert [(d.name, d.transport, d.model) for d in host.block_devices] == [
        ("sda", "sata", "SSD"),
        ("sdb", "iscsi", "VIRTUAL-DISK"),
        ("sdc", "fc", "LUN 7"),
    ]
    assert host.disk_bytes == 2048 * 512


def test_a_password_in_a_mount_is_kept_nowhere() -> None:
    facts = read(answer({"mounts": r"https://u:geheim@dav.example/x /mnt/a\040b fuse.davfs"}))
    assert facts.sighting.mounts == (Mount(target="/mnt/a b", fstype="fuse.davfs", origin="https://dav.example/x"),)
    assert "geheim" not in str(facts.raw)


def test_old_distributions_are_known_by_their_release_file() -> None:
    host = sighting(os_release=None, distribution="Kylin Linux Advanced Server release V10 (Tercel)")
    assert (host.os_name, host.os_version) == ("Kylin Linux Advanced Server", None)
    host = sighting(os_release=None, distribution="CentOS release 6.10 (Final)")
    assert (host.os_name, host.os_version) == ("CentOS", "6.10")


def test_a_login_shell_that_greets_does_no_harm() -> None:
    assert read(b"Welcome!\r\n\x1b[31mAuthorised use only\x1b[0m\n" + answer()).problems == ()


@pytest.mark.parametrize(
    "data", [b"", b"sh: not found\n", b"\xff" * 200_000, b"y\n" * 100, b"|@@ yunhe-probe 1\n", b"@@ yunhe-probe 11\n"]
)
def test_what_is_no_answer_is_unreadable(data: bytes) -> None:
    with pytest.raises(Unreadable):
        read(data)


def test_an_answer_that_breaks_off_is_partial_and_says_what_is_missing() -> None:
    whole = answer()
    cut = whole[: whole.index(b"@@ begin mounts")]
    assert any("broke off" in p and "mounts" in p and "sockets" in p for p in problems(cut))
    assert any("broke off" in p for p in problems(whole[: -len(b"@@ done\n")]))


def test_a_section_that_reached_its_limit_is_partial() -> None:
    assert problems(answer({"sockets": "\n".join(["tcp 00000000:0016"] * 5)}, limit=5)) == [
        "there was more than the probe shows of sockets"
    ]


def test_a_host_that_shows_no_address_is_partial_not_addressless() -> None:
    """No `ip`, no ifconfig, no hostname -I: that says nothing about its addresses."""
    assert any("addresses" in p for p in problems(answer({"addresses": ""})))


def test_content_cannot_pass_for_structure() -> None:
    """A file's line `@@ begin product_uuid 2` arrives as `|@@ begin …`."""
    forged = "zwfw\n@@ end hostname\n@@ begin product_uuid 2\n00000000-dead-beef-0000-000000000001\n@@ end product_uuid"
    assert sighting(hostname=forged).uuid == "8fcf0b42-f2a2-54d1-329b-575d9bc5e19c"


def test_a_section_sent_twice_counts_once_and_is_told() -> None:
    data = answer().replace(b"@@ done", b"@@ begin hostname 2\n|other\n@@ end hostname\n@@ done")
    assert read(data).sighting.name == "zwfw-app-01"
    assert problems(data) == ["parts of the answer do not follow the probe's form and were left out"]


def test_escapes_direction_marks_and_broken_utf8_are_taken_out() -> None:
    assert clean(b"\x1b]0;pwn\x07 a\xe2\x80\xaeb\xff\r\nc\x00") == "]0;pwn ab\ufffdc"
    host = read(answer({"sys_vendor": "\x1b[2JEvil\u202e"})).sighting
    assert host.vendor == "[2JEvil"


def test_a_section_is_never_longer_than_our_own_limit() -> None:
    data = answer({"sockets": "\n".join(f"tcp 0100007F:{n:04X}" for n in range(1, 9000))}, limit=999_999_999)
    assert len(read(data).sighting.listeners) <= MAX_LINES


def test_a_line_as_long_as_the_probe_lets_one_be_may_have_been_cut_and_is_told() -> None:
    assert problems(answer({"mounts": "/dev/vda1 / ext4\n" + "a" * 999})) == []
    for length in (1000, 1001, 5000):
        data = answer({"mounts": "/dev/vda1 / ext4\n" + "a" * length})
        assert problems(data) == ["there was more than the probe shows of mounts"]


_HOSTILE = st.text(max_size=100) | st.sampled_from(["", "-", "0", "\x00", "a" * 5000, "::/0"])


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(SECTIONS)), _HOSTILE | st.lists(_HOSTILE, max_size=5).map("\n".join)))
def test_no_content_of_any_section_makes_it_crash(changes: dict[str, str]) -> None:
    facts = read(answer(changes))
    assert msgspec.json.decode(msgspec.json.encode(facts.sighting), type=type(facts.sighting)) == facts.sighting
    text = "".join(str(v) for v in msgspec.to_builtins(facts.sighting).values()) + str(facts.raw)
    assert "\x1b" not in text
    assert "\x00" not in text


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.integers(0, 3000), st.integers(0, 200), st.binary(max_size=60))
def test_no_damage_to_an_answer_makes_it_crash(start: int, length: int, data: bytes) -> None:
    whole = answer()
    damaged = whole[:start] + data + whole[start + length :]
    with contextlib.suppress(Unreadable):
        read(damaged)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.lists(st.sampled_from(["tool ip", "tool ifconfig", "tool proc", *" ".join(WHOLE.values()).split()]), max_size=12)
)
def test_no_order_of_familiar_words_makes_it_crash(words: list[str]) -> None:
    line = " ".join(words)
    for section in ("addresses", "routes", "mounts", "disks", "sockets", "interfaces", "processors"):
        read(answer({section: f"tool ip\n{line}"}))
        read(answer({section: f"{' '.join(words[:2])}\n{line}"}))
