"""What `yunhe collect` holds in memory while it reads a large cloud and a large cluster into a capture.

Measured from outside, as a user runs it: servers with all that belongs to them from a real OpenStack, pods from a real
API server, both at once: `python -m benchmarks memory --each 50000`.
"""

import json
import sys
import tempfile
import zipfile
from collections import Counter
from pathlib import Path

from benchmarks.kubernetes_cluster import cluster_of
from benchmarks.openstack_cloud import cloud_of
from benchmarks.report import Measure, Row, Side, memory_goal, run

SIZES = (50_000,)
MAX_MIB = 512
_CONFIG = """
version = 1

[city]
name = "benchmark"

[do_not_scan]
entries = ["10.250.0.0/16", "192.0.2.77"]

[[openstack]]
name = "city"
cloud = "zed"
clouds_yaml = "{clouds_yaml}"

[[kubernetes]]
name = "city"
context = "admin"
kubeconfig = "{kubeconfig}"
"""


def rows(size: int) -> list[Row]:
    """The row for so many servers and so many pods.

    Raises:
        RuntimeError: the capture does not hold them all.
    """
    with cloud_of(size) as scaled, cluster_of(size) as cluster, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config, capture = folder / "yunhe.toml", folder / "city.yunhe"
        config.write_text(_CONFIG.format(clouds_yaml=scaled.clouds_yaml, kubeconfig=cluster.apiserver.kubeconfig))
        ours = _collected(config, capture)
        held = _held(capture)
        megabytes = capture.stat().st_size / 1e6
    if held["server"] < size or held["workload"] < size:
        raise RuntimeError(f"the capture holds {dict(held)}; expected {size} servers and pods at least")
    return [
        Row(
            what="yunhe collect: servers and pods",
            size=2 * size,
            ours=ours,
            goals=(memory_goal(ours, MAX_MIB),),
            note=f"{sum(held.values()):,} records, a capture of {megabytes:.0f} MB",
        )
    ]


def _collected(config: Path, capture: Path) -> Measure:
    yunhe = Path(sys.executable).with_name("yunhe")
    # 4 says that something could not be seen: whether that is so is looked at in the capture.
    command = f'"{yunhe}" collect --config "{config}" --output "{capture}"; test $? -eq 0 -o $? -eq 4'
    return run(Side(name="yunhe collect", command=["sh", "-c", command], with_children=True))


def _held(capture: Path) -> Counter[str]:
    """How many records of each kind it holds, servers by that name; read line by line, so as not to grow either."""

    held: Counter[str] = Counter()
    with zipfile.ZipFile(capture) as archive, archive.open("records.jsonl") as lines:
        for line in lines:
            record = json.loads(line)
            held[record.get("view") or record["kind"]] += 1
    return held
