"""An HTTP server on loopback that answers what a test scripts: for answers that no honest API server gives."""

import contextlib
import http.server
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]


@dataclass(frozen=True)
class Answer:
    """What it gets: a JSON document or bytes, or an iterator of pieces that are sent as they come."""

    body: object = field(default_factory=dict)
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    script: Callable[[Asked], Answer]
    asked: list[Asked]


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    server: _Server

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {k: v[0] for k, v in parse_qs(parts.query).items()}
        asked = Asked(self.command, parts.path, query, {k.lower(): v for k, v in self.headers.items()})
        self.server.asked.append(asked)
        self.rfile.read(int(self.headers.get("content-length") or 0))  # else the next request begins with it
        answer = self.server.script(asked)
        with contextlib.suppress(OSError):
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if isinstance(answer.body, Iterator):
                self.send_header("connection", "close")
                self.end_headers()
                for piece in answer.body:
                    self.wfile.write(piece)
                    self.wfile.flush()
                return
            body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 - http.server's names

    def log_message(self, *_: object) -> None:
        """Quiet."""


@contextlib.contextmanager
def scripted_api(script: Callable[[Asked], Answer]) -> Iterator[tuple[str, list[Asked]]]:
    """The server's URL, and what it has been asked so far."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.script, server.asked = script, []
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", server.asked
        finally:
            server.shutdown()
