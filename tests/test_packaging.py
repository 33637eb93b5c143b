"""What is shipped: the rooms and nothing else, under names that nobody else owns."""

import subprocess
import sys
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = {"checks", "cli", "collectors", "commands", "exporters", "inventory"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built without the network."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    return next(folder.glob("*.whl"))


def test_each_name_is_ours_alone() -> None:
    """Flat import names clash without a word: pip installs two owners of `inventory` over each other."""
    owners = packages_distributions()

    assert {name: set(owners.get(name, ())) - {"yunhe"} for name in ROOMS} == {name: set() for name in ROOMS}


def test_the_wheel_holds_the_rooms_and_their_data(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()

    assert {n.split("/")[0].removesuffix(".py") for n in names if ".dist-info/" not in n} == ROOMS
    for needed in (
        "collectors/ssh_probe.sh",
        "checks/regulations/laohekou_2024.toml",
        "inventory/locale/zh_CN/LC_MESSAGES/checks.mo",
        "exporters/templates_html/report.html.j2",
        "inventory/migrations/versions/r0001_first_release.py",
    ):
        assert needed in names


def test_the_wheel_passes_its_checker(wheel: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "check_wheel_contents", str(wheel)],
        check=False,
        capture_output=True,
        cwd=ROOT,
        timeout=60,
    )

    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()


def test_nothing_names_a_registry_or_a_machine() -> None:
    """Locks are used where nothing but a mirror is reached."""
    for name in ("requirements.lock", "requirements-dev.lock"):
        text = (ROOT / name).read_text()
        assert "://" not in text
        assert "--index-url" not in text


def test_cheap_commands_import_no_client() -> None:
    """`yunhe findings` must not wait for OpenStack, Kubernetes and SSH libraries."""
    heavy = ("openstack", "kubernetes", "paramiko", "jinja2", "sqlalchemy")
    code = f"import cli, sys; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, cwd=ROOT, timeout=60)

    assert done.stdout.decode().strip() == "[]"
