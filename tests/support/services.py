"""Starting the real services of tests/services through testcontainers, and saying why where that cannot be.

All traffic stays on loopback: ports are published on 127.0.0.1 only.
"""

import contextlib
import fcntl
import functools
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

SERVICES = Path(__file__).parents[1] / "services"

# The reaper image cannot be pulled in a closed network, and the bridge address is never wanted.
os.environ.setdefault("TESTCONTAINERS_RYUK_DISABLED", "true")
os.environ.setdefault("TESTCONTAINERS_HOST_OVERRIDE", "127.0.0.1")
os.environ.setdefault("DOCKER_BUILDKIT", "0")

PATIENT = {"timeout": 1800}
"""Seconds without a word from the engine: where each layer is a copy of the tree, a busy disk is silent for minutes."""


@functools.cache
def docker_missing() -> str | None:
    """Why containers cannot be started here, or None."""
    if os.environ.get("YUNHE_NO_DOCKER") == "1":
        return "YUNHE_NO_DOCKER=1 asks for the tests without containers"
    try:
        import docker

        client = docker.from_env(timeout=20)
        client.ping()
    except Exception as error:  # noqa: BLE001 - whatever the reason, the reader needs it, not a traceback
        return f"no Docker engine answers ({type(error).__name__}): real services are not started"
    return None


def need_docker() -> None:
    """Skips the test with the reason where there is no Docker engine."""
    reason = docker_missing()
    if reason:
        pytest.skip(reason)


def need_program(*names: str) -> str:
    """The path of the first of these programs that is installed; skips the test with the reason if none is."""
    for name in names:
        path = shutil.which(name)
        if path:
            return path
    return pytest.skip(f"{' or '.join(names)} is not installed (Debian packages: prometheus, chromium, nmap)")


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Of several workers one builds what lies in the folder; the others wait and find it built."""
    held = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)


def build_image(name: str) -> str:
    """Builds `tests/services/NAME` (cached by the engine); returns the image's id, since tags may be taken away."""
    from testcontainers.core.image import DockerImage

    need_docker()
    image = DockerImage(
        path=str(SERVICES / name), tag=f"yunhe-test-{name}:latest", clean_up=False, docker_client_kw=PATIENT
    )
    with _alone(SERVICES / name):
        image.build()
    return str(image.get_wrapped_image().id)
