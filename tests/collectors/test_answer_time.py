"""A server that drips is cut off where no limit of a socket would ever end it."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import urllib3

from collectors.answer_time import TooSlow, answer_within, watch


@contextmanager
def dripping(first: bytes, drop: bytes) -> Iterator[str]:
    """A server that answers `first` and then `drop` for ever, twenty times a second."""
    ended = threading.Event()

    def serve(connection: socket.socket) -> None:
        with connection:
            try:
                connection.sendall(first)
                while not ended.wait(0.05):
                    connection.sendall(drop)
            except OSError:
                return

    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.1)

        def accept() -> None:
            while not ended.is_set():
                try:
                    connection, _ = listening.accept()
                except OSError:
                    continue
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield f"127.0.0.1:{listening.getsockname()[1]}"
        finally:
            ended.set()
            thread.join(5)


def asked(url: str, seconds: float, read: Callable[[urllib3.BaseHTTPResponse], object]) -> None:
    with urllib3.PoolManager(retries=False) as pool:
        watch(pool.connection_from_url(url))
        with answer_within(seconds):
            response = pool.request("GET", url, preload_content=False, timeout=30)
            read(response)


HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("first", "drop"),
    [
        (b"", b"H"),
        (HEAD + b"X-Long: ", b"a"),
        (HEAD, b"X-Many: a\r\n"),
        (HEAD + b"Content-Length: 100000\r\n\r\n", b"a"),
        (HEAD + b"Connection: close\r\n\r\n", b"a"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n"),
    ],
    ids=["status", "header", "headers", "length", "close", "chunk-size", "chunks"],
)
def test_whatever_drips_ends_with_the_time(first: bytes, drop: bytes) -> None:
    """Wherever in an answer it is, and though each byte comes in time."""
    with dripping(first, drop) as host, pytest.raises(TooSlow):
        asked(f"http://{host}/", 0.4, lambda response: response.read())


def test_a_handshake_that_drips_ends_with_the_time() -> None:
    """A TLS record of 16 KiB that comes byte by byte."""
    with dripping(b"\x16\x03\x03\x40\x00", b"\x02") as host, pytest.raises(TooSlow):
        asked(f"https://{host}/", 0.4, lambda response: response.read())


def test_what_was_cut_is_not_taken_for_an_end() -> None:
    """To urllib3 a closed connection is the end of a body without a length; what it gives must not be believed."""
    got: list[bytes] = []
    with dripping(HEAD + b"Connection: close\r\n\r\n", b"1") as host, pytest.raises(TooSlow):
        asked(f"http://{host}/", 0.3, lambda response: got.append(response.read()))

    assert len(got) == 1


def test_an_answer_in_time_is_an_answer() -> None:
    answer = HEAD + b"Content-Length: 2\r\n\r\n{}"
    got: list[bytes] = []
    with dripping(answer, b"") as host:
        asked(f"http://{host}/", 10, lambda response: got.append(response.read()))

    assert got == [b"{}"]


def test_the_limit_is_the_thread_s_own() -> None:
    """One slow answer must not cut another thread's."""
    failed: list[BaseException] = []

    def ask(host: str, seconds: float) -> None:
        try:
            asked(f"http://{host}/", seconds, lambda response: response.read(8))
        except TooSlow as error:
            failed.append(error)

    with dripping(HEAD + b"Content-Length: 8\r\n\r\n", b"a") as host:
        threads = [threading.Thread(target=ask, args=(host, seconds)) for seconds in (0.1, 20.0)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)

    assert len(failed) == 1


def test_a_kept_connection_is_watched_again() -> None:
    """The second request over one connection opens no new one; its limit holds all the same."""
    ended = threading.Event()

    def serve(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(HEAD + b"Content-Length: 2\r\n\r\n{}")
            connection.recv(65536)
            try:
                while not ended.wait(0.05):
                    connection.sendall(b"H")
            except OSError:
                return

    with socket.create_server(("127.0.0.1", 0)) as listening, urllib3.PoolManager(retries=False) as pool:
        thread = threading.Thread(target=serve, args=(listening,), daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        watch(pool.connection_from_url(url))
        with answer_within(10):
            assert pool.request("GET", url, timeout=30).data == b"{}"
        with pytest.raises(TooSlow), answer_within(0.3):
            pool.request("GET", url, timeout=30)
        ended.set()
        thread.join(5)
