"""The fault matrix, SSH: a real sshd behind a TCP proxy; what an account may do is decided by sshd's own options."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

import pytest
from fault_plan import cases_of
from fault_run import Matrix, assert_kept_when_killed, limited
from fault_sources import HostUnderTest
from http_fault_proxy import black_hole, refusing_port

pytestmark = [pytest.mark.openstack, pytest.mark.apiserver, pytest.mark.sshd]

SOURCE = "SSH"
Bring = Callable[[HostUnderTest, Path, ExitStack], str]


def with_key(key: str, *, user: str = "root") -> Bring:
    """Another key: authorized_keys says what may be done with it."""
    return lambda host, folder, _: host.table(folder, key=key, user=user)


def elsewhere(way: Callable[[], AbstractContextManager[int]]) -> Bring:
    """Another port in ssh_config."""
    return lambda host, folder, stack: host.table(folder, Port=stack.enter_context(way()))


def on_the_way(**faults: object) -> Bring:
    """The undisturbed config, and this in the proxy."""

    def bring(host: HostUnderTest, folder: Path, stack: ExitStack) -> str:
        stack.enter_context(host.fault(**faults))
        return host.table(folder)

    return bring


def in_the_middle_of_the_answer(host: HostUnderTest, folder: Path, stack: ExitStack) -> str:
    """The undisturbed scan said how long an answer is: the next one is cut shortly before its end."""
    stack.enter_context(host.fault(reset_after_bytes=host.bytes_of_a_session[0] - 500))
    return host.table(folder)


def crowded(*, for_ever: bool) -> Bring:
    """MaxStartups 1, and somebody else who does not log in: the real sshd drops whoever comes then."""

    def bring(host: HostUnderTest, folder: Path, stack: ExitStack) -> str:
        stack.enter_context(host.config_of_sshd("MaxStartups 1:100:1", "LoginGraceTime 100"))
        crowd: list[socket.socket] = []

        def on_connect(number: int) -> None:
            if number == 1:
                crowd.append(stack.enter_context(_waiting(host.hosts.hosts["guest"].port)))
            elif not for_ever:
                crowd.pop().close()
                time.sleep(0.3)

        stack.enter_context(host.fault(on_connect=on_connect))
        return host.table(folder)

    return bring


@contextmanager
def _waiting(port: int) -> Iterator[socket.socket]:
    """A connection that got its banner and says nothing."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        assert connection.recv(4) == b"SSH-"
        yield connection


def going_down(host: HostUnderTest, folder: Path, stack: ExitStack) -> str:
    """/etc/nologin: sshd itself sends away everybody but root."""
    stack.enter_context(host.file("/etc/nologin", "The system is going down for maintenance."))
    return host.table(folder, user="yunhe")


def another_host_key(host: HostUnderTest, folder: Path, _: ExitStack) -> str:
    """known_hosts has another key for it."""
    return host.table(folder, host_key=(host.folder / "stranger.pub").read_text().strip())


BRING: dict[tuple[str, str], Bring] = {
    ("connection refused", "the host"): elsewhere(refusing_port),
    ("timeout", "packets are dropped"): elsewhere(black_hole),
    ("timeout", "no banner"): on_the_way(hang=True),
    ("timeout", "the probe hangs after half of its answer"): with_key("stuck"),
    ("reset mid-page", "in the key exchange"): on_the_way(reset_after_bytes=300),
    ("reset mid-page", "in the middle of the answer"): in_the_middle_of_the_answer,
    ("401", "a key (and a password) that the host does not know"): with_key("stranger"),
    ("403", "ForceCommand refuses"): with_key("refused"),
    ("404 on detail", "a file of the probe that only root may read"): with_key("good", user="yunhe"),
    ("429 with Retry-After", "MaxStartups drops the connection, once"): crowded(for_ever=False),
    ("429 with Retry-After", "MaxStartups, always"): crowded(for_ever=True),
    ("500", "the probe crashes with garbage"): with_key("crashing"),
    ("503", "the host is going down (nologin)"): going_down,
    ("truncated JSON", "half of the answer, ended as if it were whole"): with_key("truncated"),
    ("duplicated page", "the answer twice"): with_key("twice"),
    ("endless paging loop", "an answer without end"): with_key("flood"),
    ("expired token", "a key that authorized_keys has let expire"): with_key("expired"),
    ("TLS error", "another host key"): another_host_key,
    ("DNS failure", "the host"): lambda host, folder, _: host.table(folder, HostName="guest.invalid"),
    ("kill -9", "the session's sshd, in the middle of the answer"): with_key("killed"),
}


@pytest.mark.timeout(180)
@pytest.mark.parametrize(("fault", "how"), cases_of(SOURCE))
def test_a_fault_of_the_host_hides_nothing(
    matrix: Matrix, host: HostUnderTest, fault: str, how: str, tmp_path: Path
) -> None:
    """No false pass, nothing gone, no hang: whatever the host does."""
    case = (SOURCE, fault, how)
    if how == "yunhe scan and yunhe collect":
        with host.fault(hang=True):

            def wait() -> bool:
                end = time.monotonic() + 60
                while host.faults.connections < 2 and time.monotonic() < end:
                    time.sleep(0.05)
                return host.faults.connections >= 2

            def heal() -> None:
                host.faults.hang = False

            assert_kept_when_killed(matrix, case, "ssh", host.table(tmp_path / "client"), wait, heal)
        return
    with host.counting():
        matrix.city.baseline(matrix.yunhe, "ssh")
    with ExitStack() as stack:
        table = BRING[fault, how](host, tmp_path / "client", stack)
        if fault == "timeout":
            table = limited(table, 3)
        matrix.meet(case, "ssh", table)
        if "MaxStartups" in how:
            assert host.faults.connections == 2, "it was not dropped, or not tried once more"
