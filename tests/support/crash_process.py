"""Processes that write to a store and are killed, and a disk that is soon full."""

import multiprocessing
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import crash_nights
import pytest
from postgres_service import PostgresServer, postgres_server

FORK = multiprocessing.get_context("forkserver")


@pytest.fixture(scope="module", autouse=True)
def start_at_once() -> None:
    """What the processes need is loaded before they start."""
    FORK.set_forkserver_preload(["crash_nights", "inventory.store_writer", "inventory.store_engine", "psycopg"])


@contextmanager
def writer(place: str, last: int) -> Iterator[tuple[multiprocessing.process.BaseProcess, Connection]]:
    """A process that writes the nights up to `last`."""
    ours, theirs = FORK.Pipe(duplex=False)
    process = FORK.Process(target=crash_nights.write, args=(place, last, theirs))
    process.start()
    theirs.close()
    try:
        yield process, ours
    finally:
        process.kill()
        process.join()
        ours.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 24 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(folder)], check=False, capture_output=True
    )
    if mounted.returncode != 0:
        pytest.skip(f"a file system cannot be mounted here: {mounted.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture(scope="module")
def small_postgres() -> Iterator[PostgresServer]:
    """A server with a tablespace on a file system of 40 MB."""
    with postgres_server("-c fsync=off", tmpfs={"/small": "size=40m"}) as server:
        server.container.exec(["chown", "postgres", "/small"])
        server.run("postgres", "CREATE TABLESPACE small LOCATION '/small'")
        yield server
