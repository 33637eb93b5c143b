"""Fixtures for real services, and the rule on skipping: without Docker a test says why, in CI nothing may skip."""

import os
import re
from functools import cache
from pathlib import Path
from typing import Any

import effort  # noqa: F401 - registers the profile that `make unit` names
import fault_plan
import pytest
from apiserver_service import apiserver
from command import yunhe
from example_city import city, first_night, scanned
from openstack_service import openstack_cloud, seeded_openstack
from postgres_service import new_store, postgres
from sshd_service import ssh_farm
from xdist.scheduler import LoadScopeScheduling

__all__ = [
    "apiserver",
    "city",
    "first_night",
    "new_store",
    "openstack_cloud",
    "postgres",
    "scanned",
    "seeded_openstack",
    "ssh_farm",
    "yunhe",
]

REQUIRED = os.environ.get("YUNHE_REQUIRE_SERVICES") == "1"
"""Set by `.ci/run`: a service that is missing is an error, never a skip."""


ASKS_A_CLOUD = re.compile(r"\bmark\.(openstack|apiserver)\b")
"""How a file says that tests of it need a service that takes long to start: an SSH host or PostgreSQL does not."""


class ByService(LoadScopeScheduling):
    """Each file is one worker's, and all that ask a cloud are the same worker's: what they ask is started once.

    They keep their order, and are begun with: they take longest. (The groups of xdist are silently none: 3.8 writes
    them into what pytest 9.2 no longer reads.)
    """

    @cache  # noqa: B019 - lives as long as the session
    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        text = (self.config.rootpath / file).read_text(encoding="utf-8")
        return "cloud" if ASKS_A_CLOUD.search(text) else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByService | None:
    """For `-n 2 --dist loadscope --no-loadscope-reorder`."""
    return ByService(config, log) if config.getvalue("dist") == "loadscope" else None


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """With `-n auto` three workers on two cores: a quarter of the time a test waits until somebody gives up."""
    return max(1, (os.cpu_count() or 1) * 3 // 2)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):  # type: ignore[no-untyped-def]
    """Turns a skip into a failure where every real service is required."""
    report = yield
    if REQUIRED and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped where nothing may skip: {report.longrepr}"
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints the fault matrix as this run measured it; also into the file that YUNHE_FAULT_MATRIX_FILE names."""
    reports = [r for of_one_kind in terminalreporter.stats.values() for r in of_one_kind]
    notes = [
        value
        for report in reports
        for name, value in getattr(report, "user_properties", ())
        if name == fault_plan.PROPERTY
    ]
    if not notes:
        return
    lines = fault_plan.measured_table(notes)
    terminalreporter.section("fault matrix: what a broken source does to a scan (docs/fault-matrix.md)")
    for line in lines:
        terminalreporter.write_line(line)
    if file := os.environ.get("YUNHE_FAULT_MATRIX_FILE"):
        Path(file).write_text("\n".join(lines) + "\n", encoding="utf-8")
