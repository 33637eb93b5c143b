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
