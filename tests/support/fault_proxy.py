"""A TCP proxy that breaks connections on purpose, in front of a real service: the fault is real, nothing is mocked."""

import contextlib
import re
import socket
import socketserver
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import format_datetime, parsedate_to_datetime

_CHUNK = 16 * 1024


@dataclass
class Faults:
    """What goes wrong, and what went through. May be changed while the proxy runs."""

    reset_after_bytes: int | None = None
    """Bytes of answers, over all connections, after which every connection is reset."""
    reset_after_requests: int | None = None
    """HTTP requests that are let through; later ones are reset, and so are new connections."""
    answer: bytes | None = None
    """Sent instead of asking the service: a whole HTTP response."""
    answer_times: int = 0
    """How many requests get `answer` before the service is asked again."""
    hang: bool = False
    """Take requests and never answer."""
    clock_seconds: int = 0
    """By how much the service's clock seems to be ahead: every Date header of an answer is rewritten."""
    swap: tuple[bytes, bytes] | None = None
    """Bytes of an answer, and what stands in their place: as long as they are, so that lengths stay true."""
    on_connect: Callable[[int], None] | None = None
    """Called with the number of a connection, from 1, before the service is connected to for it."""
    connections: int = 0
    requests: int = 0
    bytes_back: int = 0
    lines: list[str] = field(default_factory=list)
    """The request lines that were seen."""
    lock: threading.Lock = field(default_factory=threading.Lock)


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    faults: Faults
    target: tuple[str, int]


class _Handler(socketserver.BaseRequestHandler):
    """One client connection and its connection to the service."""

    server: _Server

    def handle(self) -> None:
        faults = self.server.faults
        with faults.lock:
            faults.connections += 1
            number = faults.connections
        if faults.on_connect is not None:
            faults.on_connect(number)
        with contextlib.suppress(OSError), socket.create_connection(self.server.target, timeout=60) as service:
            back: threading.Thread | None = None
            while data := self.request.recv(_CHUNK):
                if data.split(b" ", 1)[0] in (b"GET", b"POST", b"HEAD"):
                    with faults.lock:
                        faults.requests += 1
                        faults.lines.append(data.split(b"\r\n", 1)[0].decode("latin-1"))
                        number, answers = faults.requests, faults.answer_times > 0
                        faults.answer_times -= answers
                    if faults.reset_after_requests is not None and number > faults.reset_after_requests:
                        return _reset(self.request)
                    if answers and faults.answer is not None:
                        self.request.sendall(faults.answer)
                        continue
                if faults.hang:
                    continue
                service.sendall(data)
                if back is None:
                    back = threading.Thread(target=self._answers, args=(service,), daemon=True)
                    back.start()
            if back is not None:
                service.shutdown(socket.SHUT_WR)
                back.join(5)
        return None

    def _answers(self, service: socket.socket) -> None:
        faults = self.server.faults
        with contextlib.suppress(OSError):
            while data := service.recv(_CHUNK):
                if faults.clock_seconds:
                    data = _DATE.sub(lambda found: _shifted(found, faults.clock_seconds), data, count=1)
                if faults.swap:
                    data = data.replace(*faults.swap)
                with faults.lock:
                    limit = faults.reset_after_bytes
                    left = None if limit is None else max(0, limit - faults.bytes_back)
                    part = data if left is None else data[:left]
                    faults.bytes_back += len(part)
                self.request.sendall(part)
                if len(part) < len(data):
                    return _reset(self.request)
            self.request.shutdown(socket.SHUT_WR)
        return None


_DATE = re.compile(rb"(?i)(\r\ndate: )([^\r\n]{29})(?=\r\n)")


def _shifted(found: re.Match[bytes], seconds: int) -> bytes:
    """The header with another time; an IMF-fixdate is always 29 bytes long (RFC 9110 §5.6.7)."""
    moment = parsedate_to_datetime(found[2].decode()) + timedelta(seconds=seconds)
    return found[1] + format_datetime(moment, usegmt=True).encode()


def _reset(connection: socket.socket) -> None:
    """Closes with RST, as a killed process or a firewall does."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.shutdown(socket.SHUT_RD)
    connection.close()


@contextlib.contextmanager
def fault_proxy(port: int, host: str = "127.0.0.1") -> Iterator[tuple[int, Faults]]:
    """A proxy on 127.0.0.1 in front of `host:port`: its port and its faults (none yet)."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.faults = Faults()
        server.target = (host, port)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield int(server.server_address[1]), server.faults
        finally:
            server.shutdown()
