"""The scrape endpoint: tells the last finished scan, and nothing that a stranger sends can hold it up."""

import http.client
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import result_builder

from checks.result import Result
from exporters import server as server_module
from exporters.metrics import exposition
from exporters.server import serve

SCAN = result_builder.result()
NOW = SCAN.scan.finished_at + timedelta(hours=1)


@contextmanager
def serving(load: Any = lambda: SCAN, **options: Any) -> Iterator[int]:
    """A server in a thread; gives its port."""
    port: list[int] = []
    ready, stop = threading.Event(), threading.Event()

    def is_ready(number: int) -> None:
        port.append(number)
        ready.set()

    options = {"host": "127.0.0.1", "port": 0, "clock": lambda: NOW, **options}
    thread = threading.Thread(target=serve, args=(load,), kwargs={"ready": is_ready, "stop": stop, **options})
    thread.start()
    try:
        assert ready.wait(10)
        yield port[0]
    finally:
        stop.set()
        thread.join(20)
        assert not thread.is_alive()


def ask(port: int, path: str, method: str = "GET") -> tuple[int, http.client.HTTPMessage, bytes]:
    """One request; status, headers and body of the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=15)
    try:
        connection.request(method, path)
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()


def test_metrics_are_the_exposition_of_the_last_scan() -> None:
    with serving() as port:
        status, headers, body = ask(port, "/metrics")

    assert status == 200
    assert headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert body == exposition(SCAN, now=NOW)


def test_before_the_first_scan_the_server_is_healthy_and_not_ready() -> None:
    """No finished scan is no error of the server, and no zero of anything."""
    with serving(lambda: None) as port:
        assert ask(port, "/-/healthy")[0] == 200
        assert ask(port, "/-/ready")[0] == 503
        status, _, body = ask(port, "/metrics")

    assert status == 200
    assert b"yunhe_scan_stale 1.0" in body
    assert b"yunhe_results" not in body


def test_a_new_scan_is_told_from_the_next_scrape_on() -> None:
    results: list[Result] = [result_builder.result(number=1, exit_code=0)]
    with serving(lambda: results[-1]) as port:
        before = ask(port, "/metrics")[2]
        results.append(result_builder.result(number=2, exit_code=4))
        after = ask(port, "/metrics")[2]

    assert b"yunhe_scan_exit_code 0.0" in before
    assert b"yunhe_scan_exit_code 4.0" in after


def test_an_old_scan_loses_its_findings_and_keeps_its_health() -> None:
    """A dashboard must not go on showing the verdicts of a scan that nobody has repeated."""
    moments = [NOW]
    with serving(clock=lambda: moments[-1], max_age=timedelta(hours=36)) as port:
        fresh = ask(port, "/metrics")[2]
        moments.append(NOW + timedelta(hours=36))
        stale = ask(port, "/metrics")[2]

    assert b"yunhe_results{" in fresh
    assert b"yunhe_scan_stale 0.0" in fresh
    assert b"yunhe_results{" not in stale
    assert b"yunhe_source_up" not in stale
    assert b"yunhe_scan_last_completion_timestamp_seconds " in stale
    assert b"yunhe_scan_stale 1.0" in stale


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_only_reading_is_allowed(method: str) -> None:
    with serving() as port:
        status, headers, _ = ask(port, "/metrics", method)

    assert status == 405
    assert headers["Allow"] == "GET, HEAD"


def test_head_has_the_headers_and_no_body() -> None:
    with serving() as port:
        status, headers, body = ask(port, "/metrics", "HEAD")

    assert (status, body) == (200, b"")
    assert int(headers["Content-Length"]) == len(exposition(SCAN, now=NOW))


def test_the_landing_page_speaks_chinese_and_forbids_scripts() -> None:
    with serving() as port:
        status, headers, body = ask(port, "/")
        missing = ask(port, "/etc/passwd")[0]

    assert status == 200
    assert missing == 404
    assert b'<a href="/metrics">' in body
    assert 'lang="zh-CN"' in body.decode()
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "Python" not in headers["Server"]


def test_a_store_in_trouble_is_a_503_without_its_secrets(caplog: pytest.LogCaptureFixture) -> None:
    """The reason goes to the log: an error's text names files and hosts."""

    def load() -> Result | None:
        raise TimeoutError("postgresql at 10.9.8.7 did not answer")

    with serving(load) as port:
        status, _, body = ask(port, "/metrics")
        healthy = ask(port, "/-/healthy")[0]

    assert status == 503
    assert b"10.9.8.7" not in body
    assert "10.9.8.7" in caplog.text
    assert healthy == 200


def test_concurrent_scrapes_compute_one_exposition() -> None:
    """Ten Prometheus servers that ask at once cost as much as one, and all get the same bytes."""
    loads: list[int] = []
    together = threading.Lock()

    def load() -> Result:
        assert together.acquire(blocking=False), "two loads at the same time"
        loads.append(1)
        time.sleep(0.01)
        together.release()
        return SCAN

    with serving(load) as port, ThreadPoolExecutor(10) as pool:
        bodies = {body for _, _, body in pool.map(lambda _: ask(port, "/metrics"), range(40))}

    assert len(loads) == 40
    assert bodies == {exposition(SCAN, now=NOW)}


def test_a_request_that_never_ends_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """One byte now and then keeps a plain socket timeout from ever ending: the deadline is for the whole request."""
    monkeypatch.setattr(server_module, "REQUEST_SECONDS", 0.6)
    with serving() as port, socket.create_connection(("127.0.0.1", port), timeout=10) as slow:
        started = time.monotonic()
        with pytest.raises(OSError, match=r"."):  # noqa: PT012 - the write that fails is one of many
            while time.monotonic() - started < 10:
                slow.sendall(b"G")
                time.sleep(0.1)
        assert time.monotonic() - started < 5
        assert ask(port, "/-/healthy")[0] == 200


def test_a_request_larger_than_any_scrape_is_refused() -> None:
    with serving() as port, socket.create_connection(("127.0.0.1", port), timeout=10) as greedy:
        greedy.sendall(b"GET /metrics HTTP/1.1\r\n" + b"X-Filler: " + b"a" * 20_000)
        status_line = greedy.recv(100)
        healthy = ask(port, "/-/healthy")[0]

    assert status_line.startswith(b"HTTP/1.0 431 ")
    assert healthy == 200


def test_garbage_is_answered_and_forgotten(caplog: pytest.LogCaptureFixture) -> None:
    with serving() as port, socket.create_connection(("127.0.0.1", port), timeout=10) as rude:
        rude.sendall(b"\x16\x03\x01\x1b[2J\r\n\r\n")
        assert b"400" in rude.recv(1000)
        assert ask(port, "/-/healthy")[0] == 200

    assert "\x1b" not in caplog.text


def test_more_connections_than_slots_wait_for_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Idle connections can take all slots, but only until their deadline."""
    monkeypatch.setattr(server_module, "REQUEST_SECONDS", 1.0)
    monkeypatch.setattr(server_module, "MAX_CONNECTIONS", 2)
    with serving() as port:
        idle = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(4)]
        status = ask(port, "/-/healthy")[0]
        for connection in idle:
            connection.close()

    assert status == 200


def test_a_taken_port_is_an_error_of_the_caller() -> None:
    with serving() as port, pytest.raises(OSError, match="ddress already in use"):
        serve(lambda: SCAN, host="127.0.0.1", port=port)


def test_it_listens_on_loopback_unless_told_otherwise() -> None:
    assert server_module.DEFAULT_HOST == "127.0.0.1"


def test_it_serves_on_ipv6_too() -> None:
    if not socket.has_ipv6 or not Path("/proc/net/if_inet6").exists():
        pytest.skip("this machine has no IPv6 loopback")
    with serving(host="::1") as port:
        connection = http.client.HTTPConnection("::1", port, timeout=10)
        connection.request("GET", "/-/healthy")
        assert connection.getresponse().status == 200
        connection.close()


PROGRAM = """
import sys
sys.path[:0] = {paths!r}
import result_builder
from exporters.server import serve

result = result_builder.result()
calls = []
watching = False
sys.addaudithook(lambda event, args: calls.append(event) if watching and event in (
    "socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "subprocess.Popen",
    "os.system", "os.posix_spawn", "os.fork",
) else None)

def ready(port):
    global watching
    watching = True
    print(port, flush=True)

serve(lambda: result, host="127.0.0.1", port=0, ready=ready)
print("calls:", calls, flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_scrape_calls_nobody_and_a_signal_ends_it_in_peace(number: signal.Signals) -> None:
    """The interpreter's own audit events are the witness: no connection, no name looked up, no program started."""
    root = Path(__file__).parents[2]
    program = PROGRAM.format(paths=[str(root), str(root / "tests" / "support")])
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=root) as process:
        assert process.stdout is not None
        try:
            port = int(process.stdout.readline())
            for path in ("/metrics", "/", "/-/ready", "/metrics"):
                assert ask(port, path)[0] == 200
            process.send_signal(number)
            told = process.stdout.read()
            assert process.wait(20) == 0
        finally:
            process.kill()

    assert told == "calls: []\n"
