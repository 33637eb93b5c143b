"""A small HTTP server of the tests: answers that a test wrote, faults included, over a real socket."""

import contextlib
import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Answer:
    """One answer. `promise`: bytes that Content-Length speaks of, if not all of the body's."""

    body: object = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    promise: int | None = None
    reset: bool = False
    wait: float = 0.0
    drip: bool = False
    """A header that never ends, a byte at a time."""

    @property
    def data(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body, ensure_ascii=False).encode()


@dataclass
class JsonServer:
    """What it answers, and what it was asked."""

    url: str
    answer: Callable[[str, dict[str, str]], Answer]
    """Path and query parameters to the answer. May be changed while it runs."""
    asked: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    tokens: dict[str, int] | None = None
    """Bearer tokens that are known, and the status that each gets; whoever has none of them gets 401."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    """The body would wait for the reader to acknowledge the head, which it puts off for 40 ms."""
    served: JsonServer

    def do_GET(self) -> None:
        self.served.asked.append(self.path)
        self.served.headers.append(dict(self.headers))
        url = urlsplit(self.path)
        status = self._standing()
        if status != 200:
            answer = Answer({"message": f"refused: {status}"}, status=status)
        else:
            answer = self.served.answer(url.path, {k: v[0] for k, v in parse_qs(url.query).items()})
        time.sleep(answer.wait)
        if answer.drip:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
            for _ in range(200):
                self.wfile.write(b"a")
                time.sleep(0.05)
        if answer.reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            self.close_connection = True
            return
        self.send_response(answer.status)
        for name, value in {"Content-Type": "application/json", **answer.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.data) if answer.promise is None else answer.promise))
        self.end_headers()
        self.wfile.write(answer.data)
        self.close_connection = answer.promise is not None

    def _standing(self) -> int:
        if self.served.tokens is None:
            return 200
        return self.served.tokens.get(self.headers.get("Authorization", "").removeprefix("Bearer "), 401)

    def log_message(self, *_: object) -> None:
        """Quiet."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Clients that go away are what is tested."""


@contextlib.contextmanager
def json_server(
    answer: Callable[[str, dict[str, str]], Answer], *, certificate: Path | None = None
) -> Iterator[JsonServer]:
    """The server on a free port of the loopback, with TLS where a PEM of key and certificate is given."""
    served = JsonServer(url="", answer=answer)
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"served": served}))
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    served.url = f"{'https' if certificate else 'http'}://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
