"""The example city: a copy for each test, and its first night, which is scanned once a session."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from command import Ran, Yunhe

EXAMPLES = Path(__file__).parents[2] / "examples"


@dataclass
class Night:
    """The undisturbed city's first scan, once somebody asked for it."""

    folder: Path
    """Where it is scanned; no test is given this folder."""
    ran: Ran | None = None

    def scan(self, yunhe: Yunhe) -> Ran:
        """What `yunhe scan --format json` did, and leaves its store in the folder."""
        if self.ran is None:
            shutil.copytree(EXAMPLES / "yunze", self.folder, dirs_exist_ok=True)
            self.ran = yunhe("scan", "-c", self.folder / "yunhe.toml", "--format", "json")
        return self.ran


@pytest.fixture(scope="session")
def first_night(tmp_path_factory: pytest.TempPathFactory) -> Night:
    """One for all tests: each copies its store and reads what it printed, neither of which a test can change."""
    return Night(tmp_path_factory.mktemp("first-night"))


@pytest.fixture
def city(tmp_path: Path) -> Path:
    """The config of a copy of the city, so that its store is a test's own; there is none yet."""
    shutil.copytree(EXAMPLES / "yunze", tmp_path / "yunze")
    return tmp_path / "yunze" / "yunhe.toml"


@pytest.fixture
def scanned(yunhe: Yunhe, city: Path, first_night: Night) -> Ran:
    """What the first scan of the city did; its store lies beside the test's copy, as if it were scanned there."""
    ran = first_night.scan(yunhe)
    for file in first_night.folder.glob("yunhe.db*"):
        shutil.copy(file, city.parent)
    return ran
