"""Before any request to an OpenStack leaves: the do-not-scan list, and credentials that go to nobody else."""

import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from collectors.collector import collect
from collectors.openstack_source import openstack_collectors
from inventory.collection import Collection
from inventory.coverage import CellState
from inventory.guard import Guard
from inventory.settings import OpenStackSource
from inventory.text import tell

NOON = datetime(2026, 11, 20, 4, tzinfo=UTC)
PASSWORD = "hunter2-very-secret"

NO_CA = f"""
clouds:
  zed:
    cacert: /nowhere
    auth: {{auth_url: 'https://127.0.0.1:1', username: a, password: {PASSWORD}, project_name: p}}
"""


class Keystone(BaseHTTPRequestHandler):
    """Sends everybody to the same server under another name, and keeps what it was asked."""

    asked: list[str] = []  # noqa: RUF012 - emptied by the fixture
    target = ""

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
        self.asked.append(f"{self.headers['host']} {self.path} {body}")
        self.send_response(302)
        self.send_header("Location", f"{self.target}{self.path}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST = _answer  # noqa: N815 - the names that http.server looks for

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def keystone() -> Iterator[int]:
    """The port of a server that redirects from 127.0.0.1 to localhost."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Keystone) as server:
        port = server.server_address[1]
        Keystone.asked, Keystone.target = [], f"http://localhost:{port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield port
        server.shutdown()
        thread.join()


def night(folder: Path, auth_url: str, *, listed: tuple[str, ...] = (), text: str = "") -> Collection:
    clouds = folder / "clouds.yaml"
    clouds.write_text(
        text
        or f"""
clouds:
  zed:
    auth: {{auth_url: "{auth_url}", username: u, password: {PASSWORD}, project_name: p, user_domain_name: d,
            project_domain_name: d}}
    region_name: r
"""
    )
    source = OpenStackSource(name="c", cloud="zed", clouds_yaml=str(clouds), retries=0, timeout=5)
    guard = Guard(listed)

    def clock() -> datetime:
        return NOON

    return collect(openstack_collectors(source, base=folder, clock=clock, guard=guard), guard=guard, clock=clock)


def reasons(seen: Collection) -> set[str]:
    return {tell(c.reason, "en") for c in seen.cells if c.reason}


@pytest.mark.parametrize(
    ("url", "listed"),
    [
        ("http://keystone.secret.invalid:5000/v3", "keystone.secret.invalid"),
        ("http://keystone.secret.invalid:5000/v3", "keystone"),
        ("http://10.99.1.2:5000/v3", "10.99.0.0/16"),
        ("http://[fd99::2]:5000/v3", "fd99::/64"),
        ("http://other.invalid/v3", "zed"),
    ],
)
def test_a_listed_keystone_is_neither_resolved_nor_connected_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, listed: str
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("the resolver was asked")

    monkeypatch.setattr(socket, "getaddrinfo", never)
    monkeypatch.setattr(socket.socket, "connect", never)

    seen = night(tmp_path, url, listed=(listed,))

    assert {c.state for c in seen.cells} == {CellState.SKIPPED}
    assert reasons(seen) == {"openstack:c: an address of it is on the do-not-scan list"}


def test_a_redirect_to_another_host_gets_no_password(tmp_path: Path, keystone: int) -> None:
    seen = night(tmp_path, f"http://127.0.0.1:{keystone}/v3")

    assert {c.state for c in seen.cells} == {CellState.FAILED}
    assert "127.0.0.1 redirects to another host" in " ".join(reasons(seen))
    assert not [a for a in Keystone.asked if a.startswith("localhost")]


def test_a_redirect_to_a_listed_host_is_not_followed(tmp_path: Path, keystone: int) -> None:
    seen = night(tmp_path, f"http://127.0.0.1:{keystone}/v3", listed=("localhost",))

    assert not [a for a in Keystone.asked if a.startswith("localhost")]
    assert "localhost" not in repr(seen)


@pytest.mark.parametrize(
    ("url", "text"),
    [
        (f"http://u:{PASSWORD}@127.0.0.1:1/v3", ""),
        (f"http://u:{PASSWORD}@nowhere.invalid/v3", ""),
        (f"ftp://u:{PASSWORD}@nowhere.invalid/v3", ""),
        ("", f"clouds:\n  zed:\n    auth:\n      password: {PASSWORD}\n     broken: [\n"),
        ("", f"clouds:\n  zed:\n    auth: {PASSWORD}\n"),
        ("", f"clouds:\n  zed: {PASSWORD}\n"),
        ("", f"clouds:\n  zed:\n    profile: {PASSWORD}\n"),
        ("", f"clouds:\n  zed:\n    auth_type: v3password\n    auth: {{password: {PASSWORD}}}\n"),
        ("", NO_CA),
    ],
)
def test_no_error_quotes_the_password(tmp_path: Path, url: str, text: str) -> None:
    seen = night(tmp_path, url, text=text)

    assert {c.state for c in seen.cells} == {CellState.FAILED}
    assert PASSWORD not in repr(seen)
