"""A relay in front of a real service: counts who comes, how many at once, and lets the first ones down."""

import contextlib
import select
import socket
import socketserver
import threading
from collections.abc import Iterator
from typing import Any

_CHUNK = 64 * 1024


class Relay(socketserver.ThreadingTCPServer):
    """What came through, and what is to go wrong."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, target: tuple[str, int], *, drops: int = 0, silences: int = 0) -> None:
        """`drops`: so many first connections are closed at once; `silences`: so many are taken and left unanswered."""
        super().__init__(("127.0.0.1", 0), _Handler)
        self.target = target
        self.drops = drops
        self.silences = silences
        self.total = 0
        self.peak = 0
        """How many were there at once, at most: those that had hung up when the next one came do not count."""
        self.open: set[socket.socket] = set()
        self.lock = threading.Lock()

    @property
    def port(self) -> int:
        """Where it listens, on 127.0.0.1."""
        return int(self.server_address[1])

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        threading.current_thread().name = "relay"
        super().process_request_thread(request, client_address)


class _Handler(socketserver.BaseRequestHandler):
    server: Relay

    def handle(self) -> None:
        relay = self.server
        with relay.lock:
            relay.total += 1
            number = relay.total
            relay.open.add(self.request)
            relay.peak = max(relay.peak, sum(not _has_hung_up(s) for s in relay.open))
        try:
            if number <= relay.drops:
                return
            if number <= relay.drops + relay.silences:
                with contextlib.suppress(OSError):
                    while self.request.recv(_CHUNK):
                        pass
                return
            with contextlib.suppress(OSError), socket.create_connection(relay.target, timeout=60) as service:
                back = threading.Thread(target=_pass, args=(service, self.request), name="relay", daemon=True)
                back.start()
                _pass(self.request, service)
                back.join(60)
        finally:
            with relay.lock:
                relay.open.discard(self.request)


def _has_hung_up(client: socket.socket) -> bool:
    poll = select.poll()
    poll.register(client, select.POLLRDHUP)
    return bool(poll.poll(0))


def _pass(origin: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := origin.recv(_CHUNK):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def relay(target: tuple[str, int], **faults: int) -> Iterator[Relay]:
    """A relay to `target` that runs in threads named `relay`."""
    with Relay(target, **faults) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), name="relay", daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()
