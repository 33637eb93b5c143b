"""A limit on the whole of an answer: a socket's own limit is renewed by every byte, so a server that drips never ends.

Works with whatever asks through urllib3 (the Kubernetes client, requests and so keystoneauth): connections of a watched
pool report to the thread that uses them, and are shut down when its time is over.
"""

import contextlib
import socket
import threading
from types import TracebackType
from typing import Any, Self

from urllib3.connectionpool import HTTPConnectionPool

_thread = threading.local()


class TooSlow(Exception):
    """The answer did not arrive in time, whatever the connection looked like."""


class answer_within:  # noqa: N801 - reads as a statement: `with answer_within(60):`
    """What this thread asks inside must have arrived within so many seconds; TooSlow is raised at the end if not.

    What was cut may look like a short answer that ended well: it must not be used before the end of the block.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._sockets: list[socket.socket] = []
        self._lock = threading.Lock()
        self._is_done = threading.Event()
        self._is_over = False
        self._outer: answer_within | None = None
        self._watcher = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._outer = getattr(_thread, "limit", None)
        _thread.limit = self
        self._watcher.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _thread.limit = self._outer
        self._is_done.set()
        with self._lock:
            for used in self._sockets:
                used.close()
        if self._is_over and (error is None or isinstance(error, Exception)):
            raise TooSlow(f"{self.seconds:g} s") from error

    def add(self, used: socket.socket) -> None:
        """The connection is used from now on.

        Raises:
            TimeoutError: the time is over.
        """
        with self._lock:
            if self._is_over:
                raise TimeoutError(f"{self.seconds:g} s")
            # A second handle: TLS takes the first one over, and a number that was closed may be another's by then.
            self._sockets.append(socket.fromfd(used.fileno(), used.family, used.type))

    def _watch(self) -> None:
        if self._is_done.wait(self.seconds):
            return
        with self._lock:
            self._is_over = True
            for used in self._sockets:
                with contextlib.suppress(OSError):
                    used.shutdown(socket.SHUT_RDWR)


def watch(pool: HTTPConnectionPool) -> None:
    """Makes the pool's connections obey `answer_within`. Several times is once."""
    kind = pool.ConnectionCls
    if getattr(kind, "reports_to_thread", False):
        return

    class Watched(kind):  # type: ignore[misc,valid-type]
        reports_to_thread = True

        def _new_conn(self) -> socket.socket:
            # As soon as it is there: a handshake can drip too.
            made: socket.socket = super()._new_conn()
            return _reported(made)

        def request(self, *args: Any, **kwargs: Any) -> None:
            if self.sock is not None:
                _reported(self.sock)
            super().request(*args, **kwargs)

    pool.ConnectionCls = Watched


def _reported(used: socket.socket) -> socket.socket:
    limit: answer_within | None = getattr(_thread, "limit", None)
    if limit is not None:
        limit.add(used)
    return used
