"""Servers with their ports of a whole OpenStack: `python -m benchmarks openstack --servers 5000 50000`.

The floor is every request that our collector makes for these cells, made once more over one plain connection, bodies
thrown away. Peers are measured once and at the smaller size only: they take minutes, and grow with the servers.
"""

import sys
import tempfile
from pathlib import Path

from benchmarks.openstack_cloud import cloud_of
from benchmarks.report import Row, Side, compare, ratio_goal, version_of

SIZES = (5_000, 50_000)
MAX_RATIO = 1.25
SMALL = 10_000
"""Up to so many servers there are three rounds, and peers; beyond, one round takes minutes."""


def rows(size: int) -> list[Row]:
    """The row for so many servers."""
    with cloud_of(size) as scaled, tempfile.TemporaryDirectory() as folder:
        requests = Path(folder) / "requests.json"
        rounds = 3 if size <= SMALL else 1
        sides = [
            _side("ours", scaled.clouds_yaml, requests, rounds=rounds),
            _side("floor", scaled.clouds_yaml, requests, rounds=rounds),
        ]
        if size <= SMALL:
            sides += [_side("sdk", scaled.clouds_yaml), _command(scaled.clouds_yaml)]
        ours, floor, *peers = compare(sides)
    return [
        Row(
            what="Nova servers with ports",
            size=size,
            ours=ours,
            floor=floor,
            peers=tuple(peers),
            goals=(ratio_goal(ours, floor, MAX_RATIO),),
            note=f"{ours.said.get('ports', 0):,} ports; the floor asks {floor.said.get('requests', 0):,} requests",
        )
    ]


def _side(name: str, clouds_yaml: Path, requests: Path | None = None, rounds: int = 1) -> Side:
    command = [sys.executable, "-m", "benchmarks.openstack_sides", name, str(clouds_yaml)]
    return Side(
        name="openstacksdk" if name == "sdk" else name,
        version=version_of("openstacksdk") if name == "sdk" else "",
        command=[*command, *([str(requests)] if requests else [])],
        rounds=rounds,
    )


def _command(clouds_yaml: Path) -> Side:
    """What an operator would type."""
    openstack = Path(sys.executable).with_name("openstack")
    servers = f"{openstack} server list --all-projects --long -f json"
    return Side(
        name="openstack server list, port list",
        version=version_of("python-openstackclient"),
        command=["sh", "-c", f"{servers} >/dev/null && {openstack} port list -f json >/dev/null"],
        env={"OS_CLIENT_CONFIG_FILE": str(clouds_yaml), "OS_CLOUD": "zed"},
        rounds=1,
        with_children=True,
    )
