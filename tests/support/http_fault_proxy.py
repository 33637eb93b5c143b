"""Stands in front of real HTTP services and does to their answers what networks and broken services do.

It ends TLS, so that it can look inside, and asks the service behind it for everything that it hands on: an answer that
it spoils was the service's own. A fault is a function between the client and the service (`Between`); nothing of
Yunhe is patched.
"""

import contextlib
import json
import re
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import urllib3


@dataclass(frozen=True)
class Asked:
    """One request."""

    service: str
    """Name of the service that the front stands for."""
    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    body: bytes

    def parameter(self, name: str) -> str | None:
        """The first value of a query parameter."""
        return next((value for key, value in self.query if key == name), None)

    def with_parameters(self, **changed: str | None) -> "Asked":
        """The same request with other query parameters; None takes one away."""
        kept = [(k, v) for k, v in self.query if k not in changed]
        return replace(self, query=(*kept, *((k, v) for k, v in changed.items() if v is not None)))

    def with_header(self, name: str, value: str) -> "Asked":
        """The same request with another header."""
        kept = {k: v for k, v in self.headers.items() if k.lower() != name.lower()}
        return replace(self, headers={**kept, name: value})

    def header(self, name: str) -> str:
        """A header's value, empty if it is not there."""
        return next((v for k, v in self.headers.items() if k.lower() == name.lower()), "")


@dataclass(frozen=True)
class Answer:
    """One answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    cut_after: int | None = None
    """Bytes of the body after which the connection is reset, whatever Content-Length promised."""

    @property
    def is_whole(self) -> bool:
        """Whether a client could read all of it as JSON."""
        try:
            json.loads(self.body)
        except ValueError:
            return False
        return self.status in (200, 201) and self.cut_after is None


Ask = Callable[[Asked], Answer]
Between = Callable[[Asked, Ask], Answer | None]
"""What stands between client and service; None: never an answer."""


def untouched(asked: Asked, ask: Ask) -> Answer:
    """No fault."""
    return ask(asked)


@dataclass
class Strike:
    """Does something to the requests that `at` picks: after the first `after` of them, `times` times or always."""

    do: Between
    at: Callable[[Asked], bool] = lambda _: True
    times: int | None = None
    after: int = 0
    struck: int = 0
    _met: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, asked: Asked, ask: Ask) -> Answer | None:
        with self._lock:
            strikes = self.at(asked)
            if strikes:
                self._met += 1
                strikes = self._met > self.after and (self.times is None or self.struck < self.times)
                self.struck += strikes
        return self.do(asked, ask) if strikes else ask(asked)


# ── what can be done to an answer ────────────────────────────────────────────────────────────────────────────────────


def says(status: int, body: object = None, **headers: str) -> Between:
    """Answers itself, as an overloaded, broken or strict service does."""
    text = json.dumps(body if body is not None else {"message": f"fault {status}", "code": status}).encode()
    named = {k.replace("_", "-"): v for k, v in headers.items()}
    return lambda *_: Answer(status, {"Content-Type": "application/json", **named}, text)


def silent(*_: object) -> None:
    """Takes the request and never answers."""


def cut(asked: Asked, ask: Ask) -> Answer:
    """Resets the connection in the middle of the body."""
    answer = ask(asked)
    return replace(answer, cut_after=len(answer.body) // 2)


def truncated(asked: Asked, ask: Ask) -> Answer:
    """Half of the JSON, and a Content-Length that is right for it: only the JSON itself is broken."""
    answer = ask(asked)
    return replace(answer, body=answer.body[: len(answer.body) // 2])


def reset_everything(*_: object) -> Answer:
    """Resets the connection before a byte of the answer, as the kernel does for a process that was killed."""
    return Answer(0, {}, b"", cut_after=0)


def tomorrow(*_: object) -> Answer:
    """Busy until tomorrow."""
    return says(429, Retry_After="86400")(*_)


BUSY = says(429, Retry_After="1")


# ── the front ────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Front:
    """Listeners, one for each service, and what happens between them and the services."""

    behind: Mapping[str, str]
    """Service to its real address."""
    ca_cert_data: str | None = None
    """Who signed the real services' certificates, where they speak TLS."""
    urls: dict[str, str] = field(default_factory=dict)
    """Service to the address of its listener."""
    between: Between = untouched
    asked: list[Asked] = field(default_factory=list)
    delivered: list[Answer] = field(default_factory=list)
    _silenced: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _pool: urllib3.PoolManager = field(init=False)

    def __post_init__(self) -> None:
        self._pool = urllib3.PoolManager(maxsize=8, ca_cert_data=self.ca_cert_data, retries=False)

    @contextlib.contextmanager
    def fault(self, between: Between) -> Iterator[None]:
        """This fault, until the block ends; who still waits for an answer then is hung up on."""
        self.asked.clear()
        self.delivered.clear()
        self._silenced = threading.Event()
        self.between = between
        try:
            yield
        finally:
            self.heal()

    def heal(self) -> None:
        """No fault from here on."""
        self.between = untouched
        self._silenced.set()

    def ask(self, asked: Asked) -> Answer:
        """What the real service answers."""
        dropped = ("host", "connection", "content-length", "accept-encoding", "transfer-encoding")
        response = self._pool.request(
            asked.method,
            self.behind[asked.service] + asked.path + (f"?{urlencode(asked.query)}" if asked.query else ""),
            body=asked.body or None,
            headers={k: v for k, v in asked.headers.items() if k.lower() not in dropped},
            redirect=False,
            timeout=60,
        )
        hop = ("connection", "content-length", "transfer-encoding", "keep-alive")
        headers = {k: self._rewritten(v.encode()).decode() for k, v in response.headers.items() if k.lower() not in hop}
        return Answer(response.status, headers, self._rewritten(response.data))

    def _rewritten(self, data: bytes) -> bytes:
        """The services' own addresses (catalogue, links) as those of the listeners: nobody may walk round them."""
        for service, real in self.behind.items():
            data = data.replace(real.encode(), self.urls[service].encode())
        return data

    def answer(self, asked: Asked) -> Answer | None:
        """What the client is given; None: nothing, ever."""
        with self._lock:
            self.asked.append(asked)
        silenced = self._silenced
        answer = self.between(asked, self.ask)
        if answer is None:
            silenced.wait(120)
            return None
        with self._lock:
            self.delivered.append(answer)
        return answer

    def has_delivered(self, *texts: str) -> bool:
        """Whether an answer that could be read to its end held all of these."""
        wanted = [text.encode() for text in texts]
        return any(all(text in answer.body for text in wanted) for answer in self.delivered if answer.is_whole)

    def secrets(self) -> set[str]:
        """Every credential that went through: none may be found in what a program tells or keeps."""
        found = set()
        for asked in self.asked:
            found |= {asked.header("X-Auth-Token"), asked.header("X-Subject-Token")}
            found.add(asked.header("Authorization").removeprefix("Bearer "))
        for answer in self.delivered:
            found |= {v for k, v in answer.headers.items() if k.lower() == "x-subject-token"}
        return {secret for secret in found if len(secret) > 8}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 120
    front: Front
    service: str

    def _pass(self) -> None:
        url = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        asked = Asked(
            service=self.service,
            method=self.command,
            path=url.path,
            query=tuple(parse_qsl(url.query, keep_blank_values=True)),
            headers=dict(self.headers.items()),
            body=self.rfile.read(length) if length else b"",
        )
        answer = self.front.answer(asked)
        if answer is None or not answer.status:
            self.close_connection = True
            if answer is not None:
                reset(self.connection)
            return
        self.send_response_only(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body[: answer.cut_after])
        if answer.cut_after is not None:
            self.wfile.flush()
            time.sleep(0.05)  # what was sent is read before the reset, which throws away what was not
            reset(self.connection)
            self.close_connection = True

    do_GET = do_POST = do_HEAD = _pass  # noqa: N815 - http.server finds them by these names

    def log_message(self, *_: object) -> None:
        """Quiet."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    tls: ssl.SSLContext

    def get_request(self) -> tuple[socket.socket, object]:
        connection, address = super().get_request()
        # The handshake happens in the connection's own thread, at its first read.
        return self.tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address

    def handle_error(self, *_: object) -> None:
        """Clients that go away, or do not like the certificate, are what is tested."""


def reset(connection: socket.socket) -> None:
    """Closes with RST, as a killed process or a firewall does, whoever else holds the socket."""
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        socket.close(connection.detach())


@contextlib.contextmanager
def http_front(behind: Mapping[str, str], certificate: Path, *, ca_cert_data: str | None = None) -> Iterator[Front]:
    """A listener on 127.0.0.1 for each service, with this key and certificate; no fault yet."""
    front = Front(behind=behind, ca_cert_data=ca_cert_data)
    with contextlib.ExitStack() as stack:
        for service in behind:
            front.urls[service] = stack.enter_context(listener(front, service, certificate))
        yield front


@contextlib.contextmanager
def listener(front: Front, service: str, certificate: Path) -> Iterator[str]:
    """One more listener for the service, perhaps with another certificate: its address."""
    handler = type("Handler", (_Handler,), {"front": front, "service": service})
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with _Server(("127.0.0.1", 0), handler) as server:
        server.tls = context
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield f"https://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


@contextlib.contextmanager
def refusing_port() -> Iterator[int]:
    """A port of 127.0.0.1 that nobody else can take and that refuses connections."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # bound and not listening
        yield int(held.getsockname()[1])


@contextlib.contextmanager
def black_hole() -> Iterator[int]:
    """A port of 127.0.0.1 that answers no SYN: its backlog is full, and Linux drops what comes then."""
    with contextlib.ExitStack() as stack:
        held = stack.enter_context(socket.socket())
        held.bind(("127.0.0.1", 0))
        held.listen(0)
        port = int(held.getsockname()[1])
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                filler.connect(("127.0.0.1", port))
        time.sleep(0.05)
        yield port


def path_is(pattern: str, *, service: str | None = None, page: str | None = None) -> Callable[[Asked], bool]:
    """Picks requests by their path and, where `page` names the parameter, those that ask for a later page."""
    wanted = re.compile(pattern)
    return lambda asked: (
        service in (None, asked.service)
        and wanted.search(asked.path) is not None
        and (page is None or asked.parameter(page) is not None)
    )
