"""Answers of the SSH probe, for tests of what reads them."""

from collections.abc import Mapping

from collectors.ssh_facts import SECTIONS

WHOLE = {
    "user_id": "0",
    "hostname": "zwfw-app-01",
    "kernel": "Linux\n5.10.0-182.0.0.95.oe2203sp3\nx86_64",
    "product_uuid": "8FCF0B42-F2A2-54D1-329B-575D9BC5E19C",
    "product_serial": "8fcf0b42-f2a2-54d1-329b-575d9bc5e19c",
    "sys_vendor": "OpenStack Foundation",
    "product_name": "OpenStack Nova",
    "chassis_type": "1",
    "detect_virt": "kvm",
    "container": "",
    "processors": "count 4\nflags 4\nhypervisor 4",
    "memory": "8009000 kB",
    "machine_id": "0123456789abcdef0123456789abcdef",
    "os_release": 'NAME="openEuler"\nID="openEuler"\nVERSION_ID="22.03"\nPRETTY_NAME="openEuler 22.03 (LTS-SP3)"',
    "interfaces": "eth0 fa:16:3e:aa:bb:01\nlo 00:00:00:00:00:00",
    "addresses": "tool ip\n1: lo    inet 127.0.0.1/8 scope host lo\n2: eth0    inet 10.20.0.5/24 scope global eth0"
    "\n2: eth0    inet6 fe80::f816:3eff:feaa:bb01/64 scope link",
    "routes": "tool ip\ndefault via 10.20.0.1 dev eth0 proto dhcp\n10.20.0.0/24 dev eth0 proto kernel scope link",
    "mounts": "/dev/vda1 / ext4\n10.9.0.7:/export/data /data nfs4",
    "disks": "vda 83886080 /sys/devices/pci0000:00/0000:00:05.0/virtio2/block/vda ",
    "sockets": "tcp 00000000:0016\ntcp6 00000000000000000000000000000000:0050",
    "root_birth": "1710000000",
    "instance_id": "8fcf0b42-f2a2-54d1-329b-575d9bc5e19c",
}
"""Sections of a healthy cloud instance's answer; those not named here are absent."""


def answer(
    changes: Mapping[str, str | None] | None = None,
    *,
    denied: tuple[str, ...] = (),
    limit: int = 1000,
    header: str = "@@ yunhe-probe 1",
    is_done: bool = True,
) -> bytes:
    """WHOLE with some sections changed; None makes one absent, `denied` makes it root's."""
    sections = {**WHOLE, **(changes or {})}
    lines = ["", header]
    for name in sorted(SECTIONS):
        content = sections.get(name)
        if name in denied:
            lines.append(f"@@ denied {name}")
        elif content is None:
            lines.append(f"@@ absent {name}")
        else:
            lines += [f"@@ begin {name} {limit}", *(f"|{line}" for line in content.split("\n")), "", f"@@ end {name}"]
    if is_done:
        lines.append("@@ done")
    return "\n".join([*lines, ""]).encode()
