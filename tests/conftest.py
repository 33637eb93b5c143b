"""Fixtures for real services, and the rule on skipping: without Docker a test says why, in CI nothing may skip."""

import os
from pathlib import Path

import effort  # noqa: F401 - registers the profile that `make unit` names
import fault_plan
import pytest
from apiserver_service import apiserver
from command import yunhe
from example_city import city, first_night, scanned
from openstack_service import openstack_cloud, seeded_openstack
from postgres_service import new_store, postgres
from sshd_service import ssh_farm

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


SERVICES = {
    "openstack": "cloud",
    "apiserver": "cloud",
    "sshd": "cloud",
    "postgres": "postgres",
    "prometheus": "prometheus",
}
"""Marker to the group of tests that share what is started once: whole nights ask three services at once."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With `-n 2 --dist loadgroup` each service is started by one worker, and its tests keep their order."""
    for item in items:
        groups = sorted({group for marker, group in SERVICES.items() if item.get_closest_marker(marker)})
        if groups:
            item.add_marker(pytest.mark.xdist_group("-".join(groups)))


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
