"""The sides of the Kubernetes row, each run as a program: `python -m benchmarks.kubernetes_sides ours KUBECONFIG`.

`ours` is the collector's pod listing through the runner, every pod to its record and document in the spool on disk,
held against a do-not-scan list. `capture` is the whole collector, all kinds, on into a capture. `floor` asks for the
same pages of pods over one plain connection and throws the bodies away, `typed` is the list of the Kubernetes client,
paged, each page dropped before the next one is asked for.
"""

import argparse
import base64
import importlib
import re
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.report import say

PAGE = 500
"""Pods a page, of all sides: kubectl's number, and the collector's default."""
DO_NOT_SCAN = ("10.250.0.0/16", "2001:db8:ff::/48", "secret-registry", "SM-2024-001", "保密业务系统", "192.0.2.77")
"""An operator has a list, and every record is held against it."""
_CONTINUE = re.compile(rb'"continue":"([^"]*)"')
_POD = b'"containerStatuses":'
_HEAD = 4096
"""Bytes of an answer in which its paging token stands."""


def ours(kubeconfig: Path) -> dict[str, int]:
    """Pods whose records are on disk."""
    return _collected(kubeconfig, is_whole=False)


def capture(kubeconfig: Path) -> dict[str, int]:
    """The same of all cells, written to a capture."""
    return _collected(kubeconfig, is_whole=True)


def _collected(kubeconfig: Path, *, is_whole: bool) -> dict[str, int]:
    from collectors.collector import collect_into
    from collectors.kubernetes_source import kubernetes_collectors
    from inventory import capture_file
    from inventory.guard import Guard
    from inventory.settings import KubernetesSource, OwnershipRules
    from inventory.spool import Spool

    source = KubernetesSource(name="city", kubeconfig=str(kubeconfig), context="admin", page_size=PAGE)
    guard = Guard(DO_NOT_SCAN)
    keys = OwnershipRules().label_keys
    (whole,) = kubernetes_collectors(source, base=kubeconfig.parent, clock=_now, label_keys=keys, guard=guard)
    with (
        tempfile.TemporaryDirectory() as folder,
        Spool(Path(folder) / "collecting", guard=guard, taken_at=_now()) as spool,
    ):
        collect_into(spool, [whole if is_whole else _Pods(whole)], clock=_now)
        spool.finish()
        if is_whole:
            capture_file.write(spool, Path(folder) / "city.capture.zip", tool="benchmark")
        cells = {result.cell.kind: result for result in spool.cells}
    for result in cells.values():
        if result.state != "complete":
            raise RuntimeError(f"{result.cell}: {result.state}: {result.reason}")
    return {"count": cells["workload"].seen}


class _Pods:
    """The Kubernetes collector, reading its workloads only: the cluster holds no workload but pods."""

    def __init__(self, whole: Any) -> None:
        self._whole = whole
        self.info = whole.info
        self.parallel = 1

    def plan(self) -> Sequence[Any]:
        return [cell for cell in self._whole.plan() if cell.kind == "workload"]

    def read(self, cell: Any) -> Iterator[Any]:
        return self._whole.read(cell)


def floor(kubeconfig: Path) -> dict[str, int]:
    """Plain HTTP: one connection, one page after the other."""
    import ssl

    import urllib3
    import yaml

    table = yaml.safe_load(kubeconfig.read_text())
    (cluster,) = [c["cluster"] for c in table["clusters"]]
    (token,) = [u["user"]["token"] for u in table["users"] if u["name"] == "admin"]
    ca = base64.b64decode(cluster["certificate-authority-data"]).decode()
    context = ssl.create_default_context(cadata=ca)
    pods, size, following = 0, 0, ""
    with urllib3.PoolManager(ssl_context=context) as pool:
        while True:
            fields = {"limit": str(PAGE)} | ({"continue": following} if following else {})
            answer = pool.request(
                "GET", f"{cluster['server']}/api/v1/pods", fields=fields,
                headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
            )  # fmt: skip
            if answer.status != 200:
                raise RuntimeError(f"HTTP {answer.status}")
            pods += answer.data.count(_POD)
            size += len(answer.data)
            found = _CONTINUE.search(answer.data[:_HEAD])
            following = found[1].decode() if found else ""
            if not following:
                return {"count": pods, "bytes": size}


def typed(kubeconfig: Path) -> dict[str, int]:
    """The Kubernetes client's own objects."""
    from kubernetes import client, config

    api = client.CoreV1Api(config.new_client_from_config(str(kubeconfig), context="admin"))
    pods, following = 0, None
    while True:
        page = api.list_pod_for_all_namespaces(limit=PAGE, _continue=following)
        pods += len(page.items)
        following = page.metadata._continue  # noqa: SLF001 - the client's name for `continue`
        if not following:
            return {"count": pods}


SIDES = {"ours": ours, "capture": capture, "floor": floor, "typed": typed}


def _now() -> datetime:
    return datetime.now(UTC)


def main() -> None:
    """One side; its last line is what it says (`benchmarks.report.say`)."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("side", choices=list(SIDES))
    parser.add_argument("kubeconfig", type=Path)
    asked = parser.parse_args()
    # What takes a second to import is there before the clock runs: the floor has nothing of the kind to import.
    needed = {"floor": ("urllib3", "yaml"), "typed": ("kubernetes.client", "kubernetes.config")}
    ours_needs = ("kubernetes.client.rest", "kubernetes.config", "collectors.kubernetes_source", "inventory.spool")
    for name in needed.get(asked.side, ours_needs):
        importlib.import_module(name)
    started = time.perf_counter()
    found = SIDES[asked.side](asked.kubeconfig)
    say(seconds=time.perf_counter() - started, **found)


if __name__ == "__main__":
    main()
