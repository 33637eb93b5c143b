"""A PostgreSQL server in a container, and an empty database for each test that asks."""

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from services import PATIENT, build_image, need_docker

if TYPE_CHECKING:
    from testcontainers.core.container import DockerContainer


@dataclass(kw_only=True)
class PostgresServer:
    """A running server; everybody on loopback is who they say they are."""

    container: "DockerContainer"
    port: int
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def url(self, database: str, user: str = "yunhe") -> str:
        """As a configuration names it."""
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def new_database(self) -> str:
        """The URL of an empty database."""
        name = f"yunhe{next(self._numbers)}"
        self.run("postgres", f'CREATE DATABASE "{name}" OWNER yunhe')
        return self.url(name)

    def run(self, database: str, statement: str, user: str = "postgres") -> list[tuple[object, ...]]:
        """Rows of one statement."""
        import psycopg

        with psycopg.connect(self.url(database, user), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []


@contextmanager
def postgres_server(
    *options: str, tmpfs: dict[str, str] | None = None, in_memory: bool = True
) -> Iterator[PostgresServer]:
    """Starts a server with these options (`-c name=value`), and with these file systems in memory, and stops it."""
    from testcontainers.core.container import DockerContainer

    need_docker()
    container = DockerContainer(build_image("postgres"), docker_client_kw=PATIENT)
    if in_memory:
        container.with_tmpfs_mount("/var/lib/postgresql/data")
    for folder, size in (tmpfs or {}).items():
        container.with_tmpfs_mount(folder, size)
    # with_bind_ports takes no address, and this port is nobody's business outside this machine.
    container.ports["5432/tcp"] = ("127.0.0.1", None)
    container.with_env("POSTGRES_OPTIONS", " ".join(options))
    container.start()
    try:
        yield _when_ready(container)
    finally:
        container.stop()


def _when_ready(container: "DockerContainer") -> PostgresServer:
    import psycopg

    raw = container.get_wrapped_container()
    raw.reload()
    port = int(raw.attrs["NetworkSettings"]["Ports"]["5432/tcp"][0]["HostPort"])
    server = PostgresServer(container=container, port=port)
    deadline = time.monotonic() + 60
    while True:
        try:
            server.run("postgres", "SELECT 1")
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise TimeoutError(f"PostgreSQL did not start: {container.get_logs()}") from None
            time.sleep(0.2)
        else:
            return server


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One server for all tests; fsync off, since nothing here outlives it."""
    with postgres_server("-c fsync=off", "-c max_connections=60") as server:
        yield server


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def new_store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], str]:
    """Makes places for empty stores, of each kind in turn: what holds of one holds of the other."""
    if request.param == "sqlite":
        folder = tmp_path_factory.mktemp("stores")
        numbers = itertools.count()
        return lambda: str(folder / f"store{next(numbers)}.db")
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.new_database
