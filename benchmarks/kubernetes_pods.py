"""Pods of a whole cluster: `python -m benchmarks kubernetes --pods 20000`.

The floor asks for the same pages of pods over one plain connection and throws the bodies away. The peer is the
Kubernetes client's typed list. The whole collector, all kinds on into a capture, is shown beside them.
"""

import sys
from pathlib import Path

from benchmarks.kubernetes_cluster import cluster_of
from benchmarks.report import MIB, Row, Side, compare, faster_goal, memory_goal, ratio_goal, version_of

SIZES = (20_000,)
MAX_RATIO = 1.5
MIN_FASTER = 4.0
MAX_MIB = 200
TYPED = "the client's typed list"


def rows(size: int) -> list[Row]:
    """The row for so many pods."""
    with cluster_of(size) as scaled:
        kubeconfig = scaled.apiserver.kubeconfig
        version = scaled.version
        ours, floor, typed, capture = compare(
            [
                _side("ours", kubeconfig),
                _side("floor", kubeconfig),
                _side("typed", kubeconfig, name=TYPED, version=f"kubernetes {version_of('kubernetes')}"),
                _side("capture", kubeconfig, name="ours, all kinds, into a capture"),
            ]
        )
    return [
        Row(
            what="Kubernetes pods",
            size=size,
            ours=ours,
            floor=floor,
            peers=(typed, capture),
            goals=(
                ratio_goal(ours, floor, MAX_RATIO),
                faster_goal(ours, typed, MIN_FASTER),
                memory_goal(ours, MAX_MIB),
                memory_goal(capture, MAX_MIB),
            ),
            note=f"kube-apiserver {version}, {floor.said['bytes'] / MIB:.0f} MiB of JSON",
        )
    ]


def _side(side: str, kubeconfig: Path, *, name: str = "", version: str = "") -> Side:
    command = [sys.executable, "-m", "benchmarks.kubernetes_sides", side, str(kubeconfig)]
    return Side(name=name or side, version=version, command=command)
