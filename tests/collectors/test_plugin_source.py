"""Collectors of other packages: the example of the documentation is built, installed and scanned with."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from command import Yunhe

from collectors import plugin_source
from collectors.plugin_source import plugin_collectors
from inventory.coverage import SourceInfo
from inventory.guard import Guard
from inventory.settings import ConfigError

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "collectors.md").read_text(encoding="utf-8")
PROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "rooms"
version = "1"
[tool.hatch.build.targets.wheel]
only-include = ["rooms.py"]
"""


def block(first_line: str) -> str:
    """The code block of the documentation that begins so."""
    return next(b for b in re.findall(r"```\w+\n(.*?)```", DOCUMENT, re.DOTALL) if b.startswith(first_line))


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A config with the documentation's own table."""
    path = tmp_path / "yunhe.toml"
    path.write_text('version = 1\n[city]\nname = "测试市"\n' + block("# yunhe.toml"), encoding="utf-8")
    return path


def test_the_example_of_the_documentation_installs_and_scans(tmp_path: Path, config: Path) -> None:
    package, target = tmp_path / "package", tmp_path / "site"
    package.mkdir()
    (package / "pyproject.toml").write_text(PROJECT + block("# pyproject.toml"), encoding="utf-8")
    (package / "rooms.py").write_text(block("# rooms.py"), encoding="utf-8")
    install = [sys.executable, "-m", "pip", "install", "-q", "--no-index", "--no-build-isolation", "--no-deps",
               "--disable-pip-version-check", "--target", str(target), str(package)]  # fmt: skip
    subprocess.run(install, check=True, capture_output=True, timeout=120)

    scan = [sys.executable, "-c", "import cli; cli.main()", "scan", "-c", str(config), "--format", "json"]
    done = subprocess.run(
        scan,
        check=False,
        capture_output=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), str(target))), "LC_ALL": "C.UTF-8"},
    )

    assert done.returncode == 4, done.stderr.decode()
    told = json.loads(done.stdout)
    assert [(c["cell"]["source"], c["state"]) for c in told["coverage"]] == [("plugin:rooms", "complete")]
    assert "edu-tower" in {f["name"] for f in told["findings"]}


def test_an_entry_point_that_is_not_installed_is_an_error_that_lists_those_that_are(
    yunhe: Yunhe, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = yunhe("scan", "-c", config)
    assert ran.code == 2
    assert "no collector rooms is installed; expected one of: -" in ran.err

    offer(monkeypatch, "zoo", lambda *_, **__: [])
    assert "expected one of: zoo" in yunhe("scan", "-c", config).err


class Offered:
    """An installed entry point."""

    def __init__(self, name: str, factory: object) -> None:
        self.name = name
        self.load = lambda: factory


def offer(monkeypatch: pytest.MonkeyPatch, name: str, factory: object) -> None:
    monkeypatch.setattr(plugin_source, "entry_points", lambda **_: [Offered(name, factory)])


class Impostor:
    parallel = 1
    info = SourceInfo(name="openstack:gov", type="openstack", is_platform=True)

    def plan(self) -> list[object]:
        return []

    def read(self, _: object) -> list[object]:
        return []


@pytest.mark.parametrize("made", [None, [object()], [Impostor()]])
def test_what_is_no_collector_of_its_own_source_is_refused(monkeypatch: pytest.MonkeyPatch, made: object) -> None:
    """A plug-in may not speak in another source's name."""
    offer(monkeypatch, "rooms", lambda *_, **__: made)

    with pytest.raises(ConfigError, match="plugin:rooms"):
        plugin_collectors({"name": "rooms", "use": "rooms"}, base=Path(), clock=lambda: None, guard=Guard())  # type: ignore[arg-type,return-value]


@pytest.mark.parametrize(
    ("table", "key"),
    [("use = 'x'", "plugin[1].name"), ("name = 'x'", "plugin[1].use"), ("name = 'x'\nuse = 3", "plugin[1].use")],
)
def test_a_table_needs_its_name_and_what_to_use(yunhe: Yunhe, config: Path, table: str, key: str) -> None:
    config.write_text(f'version = 1\n[city]\nname = "x"\n[[plugin]]\n{table}\n', encoding="utf-8")

    ran = yunhe("scan", "-c", config)

    assert ran.code == 2
    assert key in ran.err


BROKEN = """
from collectors.collector import Reading
from inventory.coverage import Cell, SourceInfo
from inventory.records import HostSighting, View

SECRET = "hunter2"


class Rooms:
    parallel = 1

    def __init__(self, name, fault, clock):
        self.info, self.fault, self.clock = SourceInfo(name=name, type="plugin"), fault, clock

    def plan(self):
        if self.fault == "plan raises":
            raise KeyError(SECRET)
        source = "openstack:gov" if self.fault == "another's cell" else self.info.name
        return [Cell(source=source, scope="*", kind="host")]

    def read(self, cell):
        return None if self.fault == "nothing to iterate" else self.said()

    def said(self):
        yield self.reading("1")
        if self.fault == "read raises":
            raise ValueError(SECRET)
        source = "openstack:gov" if self.fault == "another's record" else None
        reading = self.reading(2 if self.fault == "wrong type" else "2", source)
        yield reading.record if self.fault == "bare record" else reading
        yield Reading(reading.record, {"unkept": object()} if self.fault == "raw is no JSON" else None)

    def reading(self, native_id, source=None):
        at = self.clock()
        at = at.replace(tzinfo=None) if self.fault == "naive time" else at
        source = source or self.info.name
        return Reading(HostSighting(source=source, native_id=native_id, name="m", view=View.ASSET, observed_at=at))


def collectors(table, *, base, clock, guard):
    return [Rooms("plugin:" + table["name"], table["fault"], clock)]
"""


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed package whose collector has whatever fault its table names."""
    site = tmp_path / "site"
    (site / "broken-1.dist-info").mkdir(parents=True)
    (site / "broken_rooms.py").write_text(BROKEN, encoding="utf-8")
    (site / "broken-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1\n")
    (site / "broken-1.dist-info" / "entry_points.txt").write_text(
        "[yunhe.collectors]\nrooms = broken_rooms:collectors\n"
    )
    monkeypatch.syspath_prepend(str(site))


def configured(config: Path, table: str) -> Path:
    config.write_text(f'version = 1\n[city]\nname = "x"\n[[plugin]]\nname = "rooms"\nuse = "rooms"\n{table}\n')
    return config


@pytest.mark.usefixtures("broken")
@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("bare record", "`yield` HostSighting"),
        ("another's record", "`source` openstack:gov"),
        ("wrong type", "native_id"),
        ("naive time", "observed_at"),
        ("raw is no JSON", "it broke down (TypeError, "),
        ("read raises", "it broke down (ValueError, broken_rooms.py:"),
        ("nothing to iterate", "it broke down (TypeError, "),
    ],
)
def test_what_breaks_the_contract_costs_its_own_cell_and_is_never_complete(
    yunhe: Yunhe, config: Path, tmp_path: Path, fault: str, sentence: str
) -> None:
    """A forgotten `Reading` was passed over, and the cell ended as complete; any other bug ended the whole night."""
    (tmp_path / "neighbours.txt").write_text("10.1.2.3 dev eth0 lladdr 00:16:3e:00:00:01 REACHABLE\n", encoding="utf-8")
    beside = '[[discovery]]\nname = "beside"\nkind = "arp"\npath = "neighbours.txt"\nzone = "z"\n'

    ran = yunhe("collect", "-c", configured(config, f'fault = "{fault}"\n{beside}'), "-o", tmp_path / "x.zip")

    assert ran.code == 4, ran.err
    lines = {line.split(" ")[0]: line for line in ran.err.splitlines() if ": " in line}
    assert " complete (1)" in lines["discovery:beside"]
    assert sentence in lines["plugin:rooms"]
    assert any(f" {state} (" in lines["plugin:rooms"] for state in ("partial", "failed"))
    assert "hunter2" not in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.usefixtures("broken")
@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ("fault = 'plan raises'", "it cannot plan (KeyError, broken_rooms.py:"),
        ('fault = "another\'s cell"', "cells that are not of the source plugin:rooms"),
        ("", "rooms cannot make a collector of its table (KeyError, broken_rooms.py:"),
    ],
)
def test_a_table_that_a_plugin_stumbles_over_is_a_configuration_error(
    yunhe: Yunhe, config: Path, tmp_path: Path, table: str, sentence: str
) -> None:
    ran = yunhe("collect", "-c", configured(config, table), "-o", tmp_path / "x.zip")

    assert ran.code == 2
    assert sentence in ran.err
    assert "hunter2" not in ran.err
