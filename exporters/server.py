"""The scrape endpoint: what the last finished scan said, told over HTTP, never asked of a source.

Built on the standard library's `http.server`: prometheus_client's own server (wsgiref) sets no deadline, no limit on
what a client may send and answers every path with metrics. One connection is one request (HTTP/1.0), which makes the
deadline and the byte budget of a connection those of a request.
"""

import html
import io
import logging
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import TYPE_CHECKING, Any

from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from checks.result import Result
from exporters.metrics import DEFAULT_MAX_AGE, exposition, is_stale
from inventory.text import DEFAULT_LOCALE, gettext, mark

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _typeshed import WriteableBuffer

logger = logging.getLogger(__name__)

DEFAULT_HOST = "127.0.0.1"
"""Loopback: whoever wants the numbers elsewhere says so, or puts a proxy with authentication in front."""
DEFAULT_PORT = 17650
"""As the command says; the example of deploy/prometheus scrapes it."""

MAX_REQUEST_BYTES = 16 * 1024
"""Request line and headers together; a scrape sends some 300."""
REQUEST_SECONDS = 10.0
"""From accepting a connection to the last byte of the answer: Prometheus' default scrape timeout."""
MAX_CONNECTIONS = 32
"""Served at once; later ones wait in the listen queue."""

_TEXT = "text/plain; charset=utf-8"

Load = Callable[[], Result | None]
_Answer = tuple[HTTPStatus, str, bytes]
"""Status, content type, body."""


class _Page:
    """The exposition of the last finished scan, computed once for all scrapes that ask for it."""

    def __init__(self, load: Load, max_age: timedelta, clock: Callable[[], datetime]) -> None:
        self._load = load
        self._max_age = max_age
        self._clock = clock
        self._lock = threading.Lock()
        self._key: tuple[int, str, bool] | None = None
        self._body = b""

    def result(self) -> Result | None:
        """The last finished scan."""
        with self._lock:
            return self._load()

    def body(self) -> bytes:
        """The exposition: a new one only where another scan has finished or this one has become too old."""
        with self._lock:
            result = self._load()
            now = self._clock()
            if result is None:
                return exposition(None, now=now, max_age=self._max_age)
            key = (result.scan.number, result.scan.digest + result.scan.head, is_stale(result, now, self._max_age))
            if key != self._key:
                self._body = exposition(result, now=now, max_age=self._max_age)
                self._key = key
            return self._body


class _Bounded(io.RawIOBase):
    """A socket's input that ends at a deadline and after so many bytes, however slowly they trickle in."""

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        self._connection = connection
        self._deadline = deadline
        self._left = MAX_REQUEST_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        view = memoryview(buffer)[: self._left]
        remaining = self._deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError("the request took too long")
        if not view:
            raise _TooLarge
        self._connection.settimeout(remaining)
        count = self._connection.recv_into(view)
        self._left -= count
        return count


class _TooLarge(Exception):
    """The request is larger than any scrape."""


class _Handler(BaseHTTPRequestHandler):
    server: "_Server"
    server_version = "yunhe"
    sys_version = ""  # no interpreter version to strangers
    error_content_type = "text/plain; charset=utf-8"
    error_message_format = "%(code)d %(message)s\n"

    def setup(self) -> None:
        super().setup()
        self._deadline = time.monotonic() + REQUEST_SECONDS
        self.rfile.close()
        self.rfile = io.BufferedReader(_Bounded(self.connection, self._deadline), 8192)

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except _TooLarge:
            self.requestline, self.request_version, self.command = "", "", ""
            self.send_error(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        except ConnectionError as error:
            logger.info("a client went away before it was answered: %s", error)
        self.close_connection = True

    def do_GET(self) -> None:
        """Answers one of four paths."""
        path = self.path.partition("?")[0]
        answer = {
            "/": self._landing,
            "/metrics": self._metrics,
            "/-/healthy": self._healthy,
            "/-/ready": self._ready,
        }.get(path, self._missing)
        try:
            status, content_type, body = answer()
        except Exception:
            # Whatever the store's trouble is, the scraper gets an honest 503 and the log the reason; the text of the
            # error stays out of the answer, since it may name files and hosts.
            logger.exception("the last scan could not be loaded for %s", path)
            status, content_type = HTTPStatus.SERVICE_UNAVAILABLE, _TEXT
            body = b"503 the last scan could not be loaded, see the log\n"
        self._answer(status, content_type, body)

    do_HEAD = do_GET  # noqa: N815 - the name that http.server looks for

    def _not_allowed(self) -> None:
        self._answer(HTTPStatus.METHOD_NOT_ALLOWED, _TEXT, b"405 use GET or HEAD\n", Allow="GET, HEAD")

    do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = do_TRACE = do_CONNECT = _not_allowed  # noqa: N815 - as do_HEAD

    def _metrics(self) -> _Answer:
        return HTTPStatus.OK, CONTENT_TYPE_PLAIN_0_0_4, self.server.page.body()

    def _healthy(self) -> _Answer:
        return HTTPStatus.OK, _TEXT, b"ok\n"

    def _ready(self) -> _Answer:
        if self.server.page.result() is None:
            return HTTPStatus.SERVICE_UNAVAILABLE, _TEXT, b"503 no scan has finished yet\n"
        return HTTPStatus.OK, _TEXT, b"ready\n"

    def _landing(self) -> _Answer:
        return HTTPStatus.OK, "text/html; charset=utf-8", _landing_page(self.server.locale).encode()

    def _missing(self) -> _Answer:
        return HTTPStatus.NOT_FOUND, _TEXT, b"404 there is only /metrics, /-/healthy, /-/ready and /\n"

    def _answer(self, status: HTTPStatus, content_type: str, body: bytes, **headers: str) -> None:
        self.connection.settimeout(max(self._deadline - time.monotonic(), 0.1))
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def end_headers(self) -> None:
        """Also forbids what no answer here needs: sniffing, framing, scripts, caching."""
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
        self.send_header("Cache-Control", "no-store")
        super().end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the method overridden
        # %r: a request line is a stranger's text and may hold escapes to a terminal.
        logger.debug("%s %r", self.client_address[0], format % args)


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # answers under way are finished on shutdown; their deadline bounds the wait
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], page: _Page, locale: str) -> None:
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        self.page = page
        self.locale = locale
        self._slots = threading.BoundedSemaphore(MAX_CONNECTIONS)
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        # Not HTTPServer's: it asks the resolver for a name that nobody reads.
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        self._slots.acquire()
        try:
            super().process_request(request, client_address)
        except RuntimeError:  # no thread to be had
            self._slots.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._slots.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - the signature overridden
        logger.exception("a request from %s failed", client_address[0])


def serve(
    load: Load,
    *,
    host: str = DEFAULT_HOST,
    port: int = DEFAULT_PORT,
    ready: Callable[[int], None] | None = None,
    max_age: timedelta = DEFAULT_MAX_AGE,
    stop: threading.Event | None = None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    locale: str = DEFAULT_LOCALE,
) -> None:
    """Serves `/metrics`, `/-/healthy`, `/-/ready` and `/` until SIGTERM, SIGINT or `stop`.

    `load` gives the last finished scan (None before the first one) and is called once for a scrape, from several
    threads but never at the same time: it must be cheap and must not speak to a source. `ready` is told
    the port as soon as connections are accepted (`port=0` takes a free one). Signals are caught in the main thread
    only; elsewhere `stop` ends the server.

    Raises:
        OSError: the address cannot be listened on.
    """
    stopped = stop or threading.Event()
    server = _Server((host, port), _Page(load, max_age, clock), locale)
    with server, _signals_set(stopped):
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, name="yunhe-serve")
        thread.start()
        try:
            if ready is not None:
                ready(server.server_port)
            stopped.wait()
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def _signals_set(stopped: threading.Event) -> "Iterator[None]":
    """SIGTERM and SIGINT end the server in peace; the handlers of before come back afterwards."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, lambda *_: stopped.set()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


_TITLE = mark("Yunhe: numbers of the last finished scan")
_PATHS = (
    ("/metrics", mark("metrics for Prometheus, taken from the store and never from a source")),
    ("/-/healthy", mark("whether the program runs")),
    ("/-/ready", mark("whether a scan has finished")),
)


def _landing_page(locale: str) -> str:
    title = html.escape(gettext(_TITLE, locale))
    links = "".join(
        f'<li><a href="{path}">{path}</a>: {html.escape(gettext(words, locale))}</li>' for path, words in _PATHS
    )
    language = "zh-CN" if locale == "zh_CN" else "en"
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>{title}</title></head>'
        f"<body><h1>{title}</h1><ul>{links}</ul></body></html>\n"
    )
