"""Two thousand hosts in one run against real sshds: each its own outcome, threads and sockets bounded, nobody hangs."""

import contextlib
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sshd_service import OpenSshd, open_sshds, write_key
from tcp_relay import relay

from collectors.collector import collect
from collectors.ssh_source import ssh_collectors
from commands import voice
from commands.sources import host_summaries
from inventory.collection import Collection
from inventory.coverage import CellResult, HostOutcome, host_outcome
from inventory.guard import Guard
from inventory.settings import SshSource
from inventory.text import tell

PARALLEL = 32
PER_JUMP_HOST = 6
HOSTS = 2000


def now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Fleet:
    """Aliases, the client's files for them, and how each must end."""

    folder: Path
    expected: dict[str, HostOutcome] = field(default_factory=dict)
    config: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)

    def add(
        self,
        count: int,
        name: str,
        outcome: HostOutcome,
        *,
        port: int,
        key: str | None,
        user: str = "root",
        via: str | None = None,
        address: str | None = None,
    ) -> None:
        """`count` hosts that are alike but for their address."""
        for number in range(count):
            alias = f"{name}-{number}"
            place = len(self.expected)
            hostname = address or f"127.40.{place // 250}.{place % 250 + 1}"
            block = f"Host {alias}\n  HostName {hostname}\n  Port {port}\n  User {user}\n"
            block += f"  IdentityFile {self.folder / 'id_ed25519'}\n  IdentitiesOnly yes\n"
            self.config.append(block + (f"  ProxyJump {via}\n" if via else ""))
            if key is not None:
                self.known.append(f"[{hostname}]:{port} {key}\n")
            self.expected[alias] = outcome

    def collector(self, hosts: Sequence[str] | None = None, **settings: Any) -> Any:
        """The collector of these hosts, or of all."""
        (self.folder / "config").write_text("".join(self.config))
        (self.folder / "known_hosts").write_text("".join(self.known))
        source = SshSource(
            name="fleet",
            hosts=tuple(hosts or self.expected),
            ssh_config="config",
            known_hosts="known_hosts",
            **{"parallel": PARALLEL, "parallel_per_jump_host": PER_JUMP_HOST, **settings},
        )
        (collector,) = ssh_collectors(source, base=self.folder, clock=now, guard=Guard(), environ={})
        return collector

    def ask(self, hosts: Sequence[str] | None = None, *, on_cell: Any = None, **settings: Any) -> Collection:
        return collect([self.collector(hosts, **settings)], guard=Guard(), clock=now, on_cell=on_cell)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fleet")


@pytest.fixture(scope="module")
def sshds(folder: Path) -> Iterator[list[OpenSshd]]:
    """Many hosts behind one sshd; a jump host with sshd's own MaxStartups; one that is stopped and never answers."""
    with open_sshds(
        folder,
        {"MODE": "many", "MAX_STARTUPS": "500:30:1000"},
        {"MODE": "normal", "MAX_STARTUPS": "10:30:100"},
        {"MODE": "hung"},
    ) as found:
        yield found


@contextlib.contextmanager
def full_backlog() -> Iterator[int]:
    """A port that takes no more connections: the kernel drops what is sent there, as a firewall would."""
    with socket.socket() as server, contextlib.ExitStack() as stack:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(server.getsockname())
        time.sleep(0.1)
        yield server.getsockname()[1]


def open_sockets() -> int:
    count = 0
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            count += str(entry.readlink()).startswith("socket:")
    return count


def own_threads() -> list[str]:
    """Names of all threads but the relays', which name themselves only once they run."""
    names = [thread.name for thread in threading.enumerate()]
    return [name for name in names if name != "relay" and "process_request" not in name]


@contextlib.contextmanager
def sampled_threads() -> Iterator[list[list[str]]]:
    """The threads at the moment at which there were most."""
    peak: list[list[str]] = [[]]
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(0.01):
            peak[0] = max(peak[0], own_threads(), key=len)

    sampler = threading.Thread(target=look, daemon=True)
    sampler.start()
    yield peak
    ended.set()
    sampler.join()


@dataclass
class Run:
    fleet: Fleet
    collection: Collection
    told: list[CellResult]
    """In the order in which they came."""
    threads_before: list[str]
    threads_most: list[str]
    sockets_before: int
    sockets_after: int
    through_jump_host: int
    at_jump_host_at_once: int


@pytest.fixture(scope="module")
def run(folder: Path, sshds: list[OpenSshd]) -> Run:
    """One run over all two thousand. Real logins are the smaller part: it is the sshds that pay for them."""
    many, jump, hung = sshds
    (folder / "other").mkdir()
    other_key = " ".join(write_key(folder / "other" / "key").split()[:2])
    fleet = Fleet(folder)
    sockets_before, threads_before = open_sockets(), own_threads()
    told: list[CellResult] = []
    with relay(("127.0.0.1", jump.port)) as at_jump, full_backlog() as full, sampled_threads() as most:
        fleet.add(1, "jump", HostOutcome.OK, port=at_jump.port, key=jump.host_key, address="127.0.0.1")
        fleet.add(6, "hung", HostOutcome.TIMEOUT, port=hung.port, key=hung.host_key)
        fleet.add(6, "dropped", HostOutcome.TIMEOUT, port=full, key=None, address="127.0.0.1")
        fleet.add(6, "stuck", HostOutcome.TIMEOUT, port=many.port, key=many.host_key, user="stuck")
        fleet.add(12, "half", HostOutcome.PARTIAL, port=many.port, key=many.host_key, user="half")
        fleet.add(4, "flood", HostOutcome.PARTIAL, port=many.port, key=many.host_key, user="flood")
        fleet.add(30, "behind", HostOutcome.OK, port=many.port, key=many.host_key, via="jump-0")
        fleet.add(80, "stranger", HostOutcome.AUTH_FAILED, port=many.port, key=many.host_key, user="stranger")
        fleet.add(80, "changed", HostOutcome.HOSTKEY_MISMATCH, port=many.port, key=other_key)
        fleet.add(40, "unknown", HostOutcome.HOSTKEY_MISMATCH, port=many.port, key=None)
        fleet.add(250, "good", HostOutcome.OK, port=many.port, key=many.host_key)
        fleet.add(HOSTS - len(fleet.expected), "dead", HostOutcome.UNREACHABLE, port=1, key=many.host_key)
        collection = fleet.ask(
            on_cell=told.append, connect_timeout=5, banner_timeout=10, command_timeout=10, total_timeout=40
        )
    patience = time.monotonic() + 5
    while open_sockets() > sockets_before and time.monotonic() < patience:
        time.sleep(0.05)
    return Run(
        fleet, collection, told, threads_before, most[0], sockets_before, open_sockets(), at_jump.total, at_jump.peak
    )


@pytest.mark.sshd
def test_each_of_two_thousand_hosts_ends_as_what_it_is(run: Run) -> None:
    assert len(run.collection.cells) == HOSTS
    outcomes = {c.cell.scope: host_outcome(c) for c in run.collection.cells}
    wrong = {
        c.cell.scope: (host_outcome(c), tell(c.reason, "en") if c.reason else "")
        for c in run.collection.cells
        if outcomes[c.cell.scope] != run.fleet.expected[c.cell.scope]
    }
    assert not wrong
    assert Counter(outcomes.values()) == Counter(run.fleet.expected.values())


@pytest.mark.sshd
def test_what_was_read_is_there_and_nothing_else_is(run: Run) -> None:
    """A record for each host that was read or half read; none for the others, whose coverage says why."""
    read = {HostOutcome.OK, HostOutcome.PARTIAL}
    expected = {a for a, o in run.fleet.expected.items() if o in read and not a.startswith("flood")}
    assert {r.native_id for r in run.collection.records} == expected


@pytest.mark.sshd
def test_threads_are_bounded_by_the_settings_not_by_the_hosts(run: Run) -> None:
    """For each place a worker and a transport, and paramiko's timer until the first packet; behind a jump host the same
    once more. Then one watch and our own sampler."""
    most = len(run.threads_before) + 3 * PARALLEL + 2 * PER_JUMP_HOST + 2
    assert len(run.threads_most) <= most, sorted(run.threads_most)
    assert len(run.threads_most) > len(run.threads_before) + PARALLEL, "or the sampler saw nothing"


@pytest.mark.sshd
def test_no_socket_is_left_open(run: Run) -> None:
    assert run.sockets_after <= run.sockets_before


@pytest.mark.sshd
def test_a_jump_host_is_never_asked_for_more_than_its_share(run: Run) -> None:
    """sshd's own MaxStartups (10:30:100) would drop some of them; so many places, and it drops none."""
    assert run.at_jump_host_at_once <= PER_JUMP_HOST + 1, "the jump host itself is a host of the table too"
    assert run.through_jump_host == 31, "each once: nothing was dropped, nothing tried again"


@pytest.mark.sshd
def test_results_come_as_they_are_there(run: Run) -> None:
    """The hosts that never answer are among the first that are asked, and hold up nobody."""
    order = [result.cell.scope for result in run.told]
    assert len(order) == HOSTS
    assert min(order.index(f"hung-{n}") for n in range(6)) > 2 * PARALLEL
    assert min(order.index(f"stuck-{n}") for n in range(6)) > 2 * PARALLEL


@pytest.mark.sshd
def test_the_summary_says_how_many_of_each(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voice, "LOCALE", "en")
    (line,) = host_summaries(run.collection.cells)
    assert line == (
        "ssh:fleet: ok 281 · partial 16 · timed out 18 · unreachable 1485 · login refused 80 · "
        "host key unknown or changed 120"
    )


def reason(collection: Collection) -> str:
    (result,) = collection.cells
    return tell(result.reason, "en") if result.reason else ""


def outcome(collection: Collection) -> HostOutcome | None:
    (result,) = collection.cells
    return host_outcome(result)


@pytest.mark.sshd
@pytest.mark.parametrize(
    ("faults", "user", "expected", "connections"),
    [
        ({"drops": 1}, "root", HostOutcome.OK, 2),
        ({"drops": 2}, "root", HostOutcome.UNREACHABLE, 2),
        ({"silences": 1}, "root", HostOutcome.OK, 2),
        ({"silences": 2}, "root", HostOutcome.TIMEOUT, 2),
        ({"drops": 1, "silences": 1}, "root", HostOutcome.TIMEOUT, 2),
        ({}, "stranger", HostOutcome.AUTH_FAILED, 1),
        ({"drops": 1}, "stranger", HostOutcome.AUTH_FAILED, 2),
        ({}, "half", HostOutcome.PARTIAL, 1),
    ],
)
def test_there_is_one_second_try_and_none_once_somebody_said_no(
    folder: Path, sshds: list[OpenSshd], faults: dict[str, int], user: str, expected: HostOutcome, connections: int
) -> None:
    """A second try after a refusal would lock accounts."""
    with relay(("127.0.0.1", sshds[0].port), **faults) as front:
        fleet = Fleet(folder)
        fleet.add(1, "host", expected, port=front.port, key=sshds[0].host_key, user=user, address="127.0.0.1")
        collection = fleet.ask(banner_timeout=2, total_timeout=20)
    assert (outcome(collection), front.total) == (expected, connections), reason(collection)


@pytest.mark.sshd
def test_two_tables_share_the_places_at_a_jump_host(folder: Path, sshds: list[OpenSshd]) -> None:
    many, jump, _ = sshds
    with relay(("127.0.0.1", jump.port)) as front:
        fleet = Fleet(folder)
        fleet.add(1, "gate", HostOutcome.OK, port=front.port, key=jump.host_key, address="127.0.0.1")
        fleet.add(12, "inside", HostOutcome.OK, port=many.port, key=many.host_key, via="gate-0")
        halves = [fleet.collector([f"inside-{n}" for n in range(12) if n % 2 == part]) for part in (0, 1)]
        collection = collect(
            [fleet.collector([f"inside-{n}" for n in range(12)], parallel_per_jump_host=2), *halves],
            guard=Guard(),
            clock=now,
        )
    assert {host_outcome(c) for c in collection.cells} == {HostOutcome.OK}
    assert 2 < front.peak <= PER_JUMP_HOST


def test_a_host_that_stops_after_its_banner_leaves_no_thread_behind(tmp_path: Path) -> None:
    write_key(tmp_path / "id_ed25519")
    before = own_threads()
    with socket.create_server(("127.0.0.1", 0)) as server, contextlib.ExitStack() as stack:

        def greet() -> None:
            with contextlib.suppress(OSError):
                while True:
                    visitor, _ = server.accept()
                    stack.callback(visitor.close)
                    visitor.sendall(b"SSH-2.0-OpenSSH_9.2p1\r\n")

        threading.Thread(target=greet, name="relay", daemon=True).start()
        fleet = Fleet(tmp_path)
        fleet.add(1, "host", HostOutcome.TIMEOUT, port=server.getsockname()[1], key=None, address="127.0.0.1")
        collection = fleet.ask(banner_timeout=1, total_timeout=2)
    assert outcome(collection) is HostOutcome.TIMEOUT
    patience = time.monotonic() + 5
    while len(own_threads()) > len(before) and time.monotonic() < patience:
        time.sleep(0.05)
    assert sorted(own_threads()) == sorted(before)


class NeverStarts:
    """An SSH server that lets everybody in, opens every session and never says whether it runs the command."""

    def __init__(self) -> None:
        import paramiko

        self.key = paramiko.ECDSAKey.generate()
        self.line = f"{self.key.get_name()} {self.key.get_base64()}"
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self.server.getsockname()[1])
        self.ended = threading.Event()
        threading.Thread(target=self._serve, name="relay", daemon=True).start()

    def _serve(self) -> None:
        import paramiko

        ended = self.ended

        class Session(paramiko.ServerInterface):
            def check_auth_publickey(self, *_: object) -> int:
                return int(paramiko.common.AUTH_SUCCESSFUL)

            def get_allowed_auths(self, *_: object) -> str:
                return "publickey"

            def check_channel_request(self, *_: object) -> int:
                return int(paramiko.common.OPEN_SUCCEEDED)

            def check_channel_exec_request(self, *_: object) -> bool:
                ended.wait(30)
                return False

        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.server.accept()
                transport = paramiko.Transport(connection)
                transport.add_server_key(self.key)
                transport.start_server(server=Session(), event=threading.Event())

    def close(self) -> None:
        self.ended.set()
        self.server.close()


def test_a_host_that_never_says_whether_it_runs_the_probe_is_left(tmp_path: Path) -> None:
    """paramiko waits for that reply without any limit; the line is cut for it."""
    write_key(tmp_path / "id_ed25519")
    with contextlib.closing(NeverStarts()) as host:
        fleet = Fleet(tmp_path)
        fleet.add(1, "mute", HostOutcome.TIMEOUT, port=host.port, key=host.line, address="127.0.0.1")
        collection = fleet.ask(command_timeout=1, total_timeout=20)
    assert outcome(collection) is HostOutcome.TIMEOUT
    assert reason(collection) == "mute-0: no end within 1 s (running the probe)"
