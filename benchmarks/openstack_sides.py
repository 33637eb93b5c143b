"""The sides of the OpenStack row, each run as a program: `python -m benchmarks.openstack_sides ours CLOUDS_YAML …`.

`ours` is the collector through the runner, to records and on into a capture on disk; what it asks is written down.
`floor` asks just that of the services again: one plain connection to each, one request after the other, paged listings
page by page from their start, bodies thrown away. `sdk` builds openstacksdk's objects.
"""

import argparse
import http.client
import importlib
import json
import re
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from benchmarks.report import say

KINDS = frozenset({"host", "port"})
"""What is compared: servers, and the ports that they are on the network with."""
DO_NOT_SCAN = ("10.250.0.0/16", "2001:db8:ff::/48", "secret-registry", "SM-2024-001", "保密业务系统", "192.0.2.77")
"""An operator has a list, and every record is held against it."""
_PAGING = frozenset({"limit", "marker", "sort_key", "sort_dir"})
_NEXT = re.compile(rb'"rel": ?"next", ?"href": ?"([^"]+)"|"href": ?"([^"]+)", ?"rel": ?"next"')
_SERVER = b'"OS-EXT-STS:vm_state"'


@dataclass(frozen=True, slots=True)
class Asked:
    """A GET request, without its token."""

    url: str
    headers: Mapping[str, str]


def ours(clouds_yaml: Path, kinds: frozenset[str] = KINDS) -> tuple[int, int]:
    """Servers and ports that reached the capture.

    Raises:
        RuntimeError: a cell is not complete.
    """
    from collectors.collector import collect_into
    from inventory import capture_file
    from inventory.guard import Guard
    from inventory.spool import Spool

    guard = Guard(DO_NOT_SCAN)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "city.yunhe"
        with Spool(Path(folder) / "collecting", guard=guard, taken_at=_now()) as spool:
            collect_into(spool, [_Part(clouds_yaml, guard, kinds)], clock=_now)
            spool.finish()
            capture_file.write(spool, path, tool="benchmark")
            seen = {result.cell.kind: result for result in spool.cells}
    for result in seen.values():
        if result.state != "complete":
            raise RuntimeError(f"{result.cell}: {result.state}: {result.reason}")
    return seen["host"].seen, seen["port"].seen


class _Part:
    """The OpenStack collector, reading some of its cells only."""

    def __init__(self, clouds_yaml: Path, guard: Any, kinds: frozenset[str]) -> None:
        from collectors.openstack_source import openstack_collectors
        from inventory.settings import OpenStackSource

        source = OpenStackSource(name="city", cloud="zed", clouds_yaml=str(clouds_yaml), platform=True)
        (self._whole,) = openstack_collectors(source, base=clouds_yaml.parent, clock=_now, guard=guard)
        self._kinds = kinds
        self.info = self._whole.info
        self.parallel = self._whole.parallel

    def plan(self) -> Sequence[Any]:
        return [cell for cell in self._whole.plan() if cell.kind in self._kinds]

    def read(self, cell: Any) -> Iterator[Any]:
        return self._whole.read(cell)


class Notes:
    """What is asked, written down as it leaves."""

    def __init__(self) -> None:
        from requests import PreparedRequest, Response
        from requests.adapters import HTTPAdapter

        self.asked: list[Asked] = []
        send = HTTPAdapter.send

        def noted(adapter: HTTPAdapter, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
            if request.method == "GET":
                headers = {k: str(v) for k, v in request.headers.items() if "api-version" in k.lower() or k == "Accept"}
                self.asked.append(Asked(str(request.url), headers))
            return send(adapter, request, *args, **kwargs)

        HTTPAdapter.send = noted  # type: ignore[assignment, method-assign]

    def write(self, path: Path) -> None:
        """For the floor."""
        path.write_text(json.dumps([[a.url, a.headers] for a in _plain(self.asked)]))


def _plain(asked: Sequence[Asked]) -> list[Asked]:
    """The same questions, each paged listing once, in the order that the service itself gives it."""
    found: dict[str, Asked] = {}
    for number, request in enumerate(asked):
        parts = urlsplit(request.url)
        query = parse_qsl(parts.query)
        limits = [int(value) for name, value in query if name == "limit"]
        if not limits:
            found[str(number)] = request
            continue
        rest = [(name, value) for name, value in query if name not in _PAGING]
        key = urlunsplit(parts._replace(query=urlencode(rest)))
        before = found.get(key)
        # Our last page is smaller; a plain walk always asks for whole ones.
        known = dict(parse_qsl(urlsplit(before.url).query)).get("limit", "0") if before else "0"
        limit = max(int(known), *limits)
        found[key] = Asked(urlunsplit(parts._replace(query=urlencode([*rest, ("limit", limit)]))), request.headers)
    return list(found.values())


class Floor:
    """Plain HTTP: one connection to each service, one request after the other."""

    def __init__(self, clouds_yaml: Path) -> None:
        import yaml

        self._auth = yaml.safe_load(clouds_yaml.read_text())["clouds"]["zed"]["auth"]
        self._connections: dict[str, http.client.HTTPConnection] = {}
        self._token = ""
        self.servers = 0
        self.requests = 0

    def login(self) -> None:
        auth = self._auth
        user = {"name": auth["username"], "password": auth["password"], "domain": {"id": auth["user_domain_id"]}}
        project = {"name": auth["project_name"], "domain": {"id": auth["project_domain_id"]}}
        body = {
            "auth": {
                "identity": {"methods": ["password"], "password": {"user": user}},
                "scope": {"project": project},
            }
        }
        parts = urlsplit(auth["auth_url"] + "/auth/tokens")
        connection = self._connection(parts.netloc)
        connection.request("POST", parts.path, json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        self._token = answer.headers["X-Subject-Token"]

    def walk(self, asked: Asked) -> None:
        """All pages, if it has any; what is in them is not looked at, but for where the next one is."""
        url: str | None = asked.url
        is_paged = "limit=" in asked.url
        while url is not None:
            body = self._get(url, asked.headers)
            self.servers += body.count(_SERVER)
            following = _NEXT.search(body[-4000:]) if is_paged else None
            url = (following[1] or following[2]).decode().replace("\\u0026", "&") if following else None

    def _get(self, url: str, headers: Mapping[str, str]) -> bytes:
        parts = urlsplit(url)
        connection = self._connection(parts.netloc)
        connection.request("GET", f"{parts.path}?{parts.query}", headers={**headers, "X-Auth-Token": self._token})
        answer = connection.getresponse()
        body = answer.read()
        self.requests += 1
        if answer.status >= 400:
            raise RuntimeError(f"{url}: HTTP {answer.status}")
        return body

    def _connection(self, host: str) -> http.client.HTTPConnection:
        if host not in self._connections:
            self._connections[host] = http.client.HTTPConnection(host)
        return self._connections[host]


def sdk(clouds_yaml: Path) -> tuple[int, int]:
    """Servers and ports as openstacksdk's objects."""
    from openstack.config import OpenStackConfig
    from openstack.connection import Connection

    config = OpenStackConfig(config_files=[str(clouds_yaml)], load_envvars=False)
    connection = Connection(config=config.get_one("zed"))
    servers = sum(1 for _ in connection.compute.servers(all_projects=True))
    return servers, sum(1 for _ in connection.network.ports())


def _now() -> datetime:
    return datetime.now(UTC)


def main() -> None:
    """One side; its last line is what it says (`benchmarks.report.say`)."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("side", choices=["ours", "floor", "sdk"])
    parser.add_argument("clouds_yaml", type=Path)
    parser.add_argument("requests", type=Path, nargs="?", help="what `ours` writes and `floor` asks")
    asked = parser.parse_args()
    if asked.side == "floor":
        questions = [Asked(url, headers) for url, headers in json.loads(asked.requests.read_text())]
        floor = Floor(asked.clouds_yaml)
        started = time.perf_counter()
        floor.login()
        for question in questions:
            floor.walk(question)
        say(seconds=time.perf_counter() - started, count=floor.servers, requests=floor.requests)
        return
    _import_clients()
    notes = Notes() if asked.side == "ours" else None
    started = time.perf_counter()
    servers, ports = ours(asked.clouds_yaml) if asked.side == "ours" else sdk(asked.clouds_yaml)
    seconds = time.perf_counter() - started
    if notes is not None and asked.requests is not None:
        notes.write(asked.requests)
    say(seconds=seconds, count=servers, ports=ports)


def _import_clients() -> None:
    """What takes a second to import is there before the clock runs: the floor has nothing of the kind to import."""
    for name in ("openstack.connection", "requests", "collectors.openstack_source", "inventory.spool"):
        importlib.import_module(name)


if __name__ == "__main__":
    main()
