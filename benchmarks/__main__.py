"""Runs all rows, or the named ones, and prints one table: `python -m benchmarks --servers 5000 50000 openstack ssh`.

Each row's module has `NAME`, `SIZES` (the default ones) and `rows(size) -> list[Row]`; a row that cannot be run says
why and fails the whole only at the end, so that the others are still measured.
"""

import argparse
import importlib
import sys
import traceback
from pathlib import Path

from benchmarks.report import Row, print_rows, stage, write_markdown, write_rows

MODULES = {
    "openstack": "benchmarks.openstack_servers",
    "kubernetes": "benchmarks.kubernetes_pods",
    "ssh": "benchmarks.ssh_hosts",
    "memory": "benchmarks.memory",
    "store": "benchmarks.store",
}
SIZE_OPTIONS = {
    "openstack": "--servers",
    "kubernetes": "--pods",
    "ssh": "--hosts",
    "memory": "--each",
    "store": "--resources",
}


def main(arguments: list[str] | None = None) -> int:
    """0: every goal met; 3: all measured, some not; 1: a row could not be run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("rows", nargs="*", choices=[[], *MODULES], metavar="ROW", help=", ".join(MODULES))
    for name, option in SIZE_OPTIONS.items():
        parser.add_argument(option, type=int, nargs="+", dest=name, metavar="N", help=f"sizes of the row {name}")
    parser.add_argument("--json", type=Path, help="also write the rows to this file")
    parser.add_argument("--markdown", type=Path, help="also write the table to this file")
    asked = parser.parse_args(arguments)

    rows: list[Row] = []
    failed: list[str] = []
    for name in asked.rows or MODULES:
        try:
            module = importlib.import_module(MODULES[name])
            for size in getattr(asked, name) or module.SIZES:
                with stage(f"{name} {size:,}"):
                    rows.extend(module.rows(size))
        except Exception:  # noqa: BLE001 — whatever it was, the other rows are still worth measuring
            traceback.print_exc()
            failed.append(name)
    print_rows(rows)
    if asked.json:
        write_rows(rows, asked.json)
    if asked.markdown:
        write_markdown(rows, asked.markdown)
    if failed:
        print(f"not measured: {', '.join(failed)}", file=sys.stderr)
        return 1
    return 0 if all(row.met for row in rows) else 3


if __name__ == "__main__":
    sys.exit(main())
