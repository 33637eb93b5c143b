"""One SSH connection, one command, one answer, within its limits: the only place that talks through paramiko.

StrictHostKeyChecking is always yes: an unknown, changed or revoked key is that host's error
(collectors/known_hosts.py), and nothing is sent to the host before its key is verified. How a host is reached:
collectors/ssh_config.py.

Keys: IdentityFile (default ~/.ssh/id_ed25519, id_ecdsa, id_rsa), then the agent's; then the password, if one is given.
paramiko is imported when the first connection is made: it costs a quarter of a second.

Two thousand hosts are asked in one run, so a connection costs what it must: `Transport` and one channel, nothing of
SSHClient; known_hosts and keys are read once; when it ends, its thread and its sockets are gone before the next begins.
"""

import base64
import contextlib
import ipaddress
import itertools
import logging
import os
import queue
import random
import selectors
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from collectors.errors import CollectorError, HostKeyMismatch, Skipped, TimedOut, Unauthorized, Unreachable, Unreadable
from collectors.known_hosts import KnownHosts, Standing, fingerprint, lookup_names, on_file
from collectors.ssh_config import Hop
from collectors.ssh_facts import clean
from collectors.ssh_gate import passing
from inventory.text import Message, msg

if TYPE_CHECKING:
    import paramiko

MAX_ANSWER_BYTES = 1024**2
MAX_KEYS_TRIED = 5
"""sshd cuts the connection after MaxAuthTries (6) failures."""
MAX_RESOLVERS = 64
"""Names that are looked up at once: a resolver that hangs holds its thread longer than we wait for it."""
AGENT_SECONDS = 5.0
"""For the agent to say which keys it holds: one that is stopped, or at the end of a dead connection, never does."""
_LOG_CHANNEL = "collectors.ssh_session.paramiko"
_resolvers = threading.BoundedSemaphore(MAX_RESOLVERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long and how much a host may take. What is per hop counts anew for each jump host on the way."""

    connect_seconds: float
    """For looking up its name and for the TCP connection, per hop."""
    banner_seconds: float
    """For its banner and the key exchange, per hop."""
    auth_seconds: float
    """For logging in, per hop, all keys together."""
    command_seconds: float
    """For the probe."""
    total_seconds: float
    """For everything together, a second try included; waiting for one's turn at a jump host does not count."""
    per_jump_host: int = 8
    """Hosts that are asked through one jump host at once."""
    answer_bytes: int = MAX_ANSWER_BYTES


class _Dropped(Unreachable):
    """The connection was closed before the key exchange: what sshd's MaxStartups does when many come at once."""


class _Silent(TimedOut):
    """It took the connection and said nothing: what a host under load does."""


class _Deadline:
    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._end = time.monotonic() + limits.total_seconds

    def left(self, most: float | None = None) -> float:
        """Seconds that may still be used, never negative."""
        left = max(0.0, self._end - time.monotonic())
        return left if most is None else min(most, left)

    def passed(
        self, hop: Hop, stage: Message, seconds: float | None = None, kind: type[TimedOut] = TimedOut
    ) -> TimedOut:
        used = seconds if seconds is not None and self.left() > 0 else self.limits.total_seconds
        return kind(
            msg("{host}: no end within {seconds} s ({stage})", host=hop.alias, seconds=f"{used:g}", stage=stage)
        )


class _Line:
    """What one host's connection holds: a socket, and a transport with its thread for each hop."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._transports: list[paramiko.Transport] = []

    def add(self, transport: "paramiko.Transport") -> None:
        """A transport over the socket, or over a channel of the one before."""
        self._transports.append(transport)

    def cut(self) -> None:
        """Ends whatever waits on it. May be called from another thread."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Cut first, or each thread would notice only at its next look, a tenth of a second later."""
        _watch.forget(self)
        self.cut()
        for transport in self._transports:
            if transport.ident is not None:
                transport.join(1)
            # Or paramiko's timer, a thread of its own that is no daemon, outlives a host that stopped after its banner.
            transport.packetizer.complete_handshake()
        for transport in reversed(self._transports):
            # What is still to be said to a line that is cut cannot be said.
            with contextlib.suppress(EOFError, OSError):
                transport.close()
        self._socket.close()


class _ChannelSocket:
    """A channel through a jump host, as the socket of what is behind it. Closing it cannot fail.

    A channel's own `close` raises once its line is gone, and paramiko's thread would die of that before it has told
    those who wait for it.
    """

    def __init__(self, channel: "paramiko.Channel") -> None:
        self._channel = channel

    def __getattr__(self, name: str) -> Any:
        return getattr(self._channel, name)

    def close(self) -> None:
        """Closes the channel, as far as there still is one."""
        with contextlib.suppress(EOFError, OSError):
            self._channel.close()


class _Watch:
    """Cuts each line whose time is over: for what paramiko waits for without a limit of its own.

    That is the reply to a request and room to write. One thread for all lines, and none while there are none.
    """

    _IDLE_SECONDS = 1.0

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._ends: dict[_Line, float] = {}
        self._is_running = False

    def until(self, line: _Line, end: float) -> None:
        """Cut the line at `end` (of the monotonic clock), whatever was said of it before."""
        with self._changed:
            self._ends[line] = end
            if not self._is_running:
                self._is_running = True
                threading.Thread(target=self._run, name="yunhe-ssh-watch", daemon=True).start()
            self._changed.notify()

    def forget(self, line: _Line) -> None:
        """Leave the line alone."""
        with self._changed:
            self._ends.pop(line, None)

    def _run(self) -> None:
        while True:
            with self._changed:
                first = min(self._ends.values(), default=None)
                is_told = self._changed.wait(
                    self._IDLE_SECONDS if first is None else max(0.0, first - time.monotonic())
                )
                if not self._ends and not is_told:
                    self._is_running = False
                    return
                now = time.monotonic()
                due = [line for line, end in self._ends.items() if end <= now]
                for line in due:
                    del self._ends[line]
            for line in due:
                line.cut()


_watch = _Watch()


def ask(
    way: Sequence[Hop],
    command: str,
    text: bytes,
    *,
    limits: Limits,
    password: str | None = None,
    forbids: Callable[[str], bool] = lambda _: False,
) -> bytes:
    """What the last hop's shell answers to `command` with `text` on its standard input.

    `password` is offered to the last hop only, after the keys. `forbids` is asked of every address that a name resolves
    to, before it is connected to.

    Raises:
        Unreachable: no answer within the limits, refused, reset, no such name.
        HostKeyMismatch: a hop's key is unknown, changed or revoked.
        Unauthorized: a hop refused the user.
        Unreadable: the answer is larger than the limit.
        Skipped: an address is on the do-not-scan list.
    """

    def once(deadline: _Deadline) -> bytes:
        with _opened(way, deadline, forbids) as (line, connection):
            transport = _handshake(connection, way[-1], deadline, line)
            _authenticate(transport, way[-1], deadline, password)
            return _execute(transport, command, text, way[-1], deadline, line)

    return _tried_twice(once, way, limits)


T = TypeVar("T")


def _tried_twice(once: Callable[[_Deadline], T], way: Sequence[Hop], limits: Limits) -> T:
    """A second try, a moment later, where nobody was refused yet: never after a login, nor where nobody listens."""
    with passing(way[:-1], limits.per_jump_host):
        deadline = _Deadline(limits)
        try:
            return once(deadline)
        except (_Dropped, _Silent) as error:
            pause = random.uniform(0.5, 1.5)  # noqa: S311 - spreads the second try, guards nothing
            needed = limits.banner_seconds if isinstance(error, _Silent) else 1
            if deadline.left() < pause + needed:
                raise
        time.sleep(pause)
        return once(deadline)


@contextlib.contextmanager
def _opened(
    way: Sequence[Hop], deadline: _Deadline, forbids: Callable[[str], bool]
) -> Iterator[tuple[_Line, socket.socket | _ChannelSocket]]:
    """A connection to the last hop, through all before it, which are logged in to. Everything is closed at the end."""
    dialled = _dial(way[0], deadline, forbids)
    line = _Line(dialled)
    connection: socket.socket | _ChannelSocket = dialled
    with contextlib.closing(line):
        _watch.until(line, time.monotonic() + deadline.left())
        for before, hop in itertools.pairwise(way):
            transport = _handshake(connection, before, deadline, line)
            # The password is the host's own: no jump host gets to see it.
            _authenticate(transport, before, deadline, None)
            connection = _forward(transport, hop, deadline)
        yield line, connection


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownKey:
    """The key that a host showed, before anybody verified it."""

    name: str
    """Under which ssh looks it up in known_hosts."""
    key_type: str
    blob: bytes
    standing: Standing
    where: str | None
    """`file:line` of what decided the standing."""


def shown_key(way: Sequence[Hop], *, limits: Limits, forbids: Callable[[str], bool] = lambda _: False) -> ShownKey:
    """The key of the last hop: key exchange only, no login there. Jump hosts before it are logged in to as always.

    Raises:
        CollectorError: as `ask`; HostKeyMismatch only for a jump host.
    """

    def once(deadline: _Deadline) -> ShownKey:
        with _opened(way, deadline, forbids) as (line, connection):
            transport, known, names = _exchanged(connection, way[-1], deadline, line)
            key = transport.get_remote_server_key()
        judgement = known.judge(names, key.asbytes())
        return ShownKey(
            name=names[0],
            key_type=key.get_name(),
            blob=key.asbytes(),
            standing=judgement.standing,
            where=judgement.where,
        )

    return _tried_twice(once, way, limits)


@contextlib.contextmanager
def _told(hop: Hop, stage: Message, deadline: _Deadline) -> Iterator[None]:
    """Turns whatever breaks a connection into that host's own error."""
    try:
        yield
    except CollectorError:
        raise
    except Exception as error:
        # paramiko's thread hands on whatever a hostile peer made it stumble over, of any type.
        if deadline.left() <= 0:
            raise deadline.passed(hop, stage) from error
        if isinstance(error, (ConnectionError, EOFError)):
            raise Unreachable(msg("{host} closed the connection ({stage})", host=hop.alias, stage=stage)) from error
        reason = clean(str(error)) or type(error).__name__
        raise Unreachable(msg("{host}: {error} ({stage})", host=hop.alias, error=reason, stage=stage)) from error


def _dial(hop: Hop, deadline: _Deadline, forbids: Callable[[str], bool]) -> socket.socket:
    stage = msg("connecting")
    error: OSError | None = None
    for family, address in _resolve(hop, deadline):
        if forbids(str(address[0])):
            raise Skipped(msg("not connected to: what it resolves to is on the do-not-scan list"))
        seconds = deadline.left(deadline.limits.connect_seconds)
        if seconds <= 0:
            raise deadline.passed(hop, stage)
        try:
            connection = socket.socket(family, socket.SOCK_STREAM)
        except OSError as caught:  # no more files may be open, or no such family of addresses
            error = caught
            continue
        connection.settimeout(seconds)
        try:
            connection.connect(address)
        except OSError as caught:
            connection.close()
            error = caught
        else:
            return connection
    if isinstance(error, TimeoutError):
        raise deadline.passed(hop, stage, deadline.limits.connect_seconds)
    reason = error.strerror if error is not None else None
    kind = _Dropped if isinstance(error, ConnectionResetError) else Unreachable
    raise kind(
        msg("{host}: {reason} (connecting to port {port})", host=hop.alias, reason=reason or f"{error}", port=hop.port)
    ) from error


_Address = tuple[str, int] | tuple[str, int, int, int]


def _resolve(hop: Hop, deadline: _Deadline) -> list[tuple[int, _Address]]:
    """The addresses of the name. The resolver has no time limit of its own, so it is asked from a thread."""
    box: queue.SimpleQueue[list[tuple[int, _Address]] | OSError] = queue.SimpleQueue()

    def ask_resolver() -> None:
        try:
            found = socket.getaddrinfo(hop.hostname, hop.port, type=socket.SOCK_STREAM)
            box.put([(int(family), address) for family, _, _, _, address in found])  # type: ignore[misc]
        except (OSError, UnicodeError) as error:
            box.put(error if isinstance(error, OSError) else OSError(str(error)))
        finally:
            _resolvers.release()

    with contextlib.suppress(ValueError):
        is_v6 = ipaddress.ip_address(hop.hostname).version == 6
        plain: _Address = (hop.hostname, hop.port, 0, 0) if is_v6 else (hop.hostname, hop.port)
        if "%" not in hop.hostname:
            return [(socket.AF_INET6 if is_v6 else socket.AF_INET, plain)]
    seconds = deadline.left(deadline.limits.connect_seconds)
    end = time.monotonic() + seconds
    stage = msg("looking up its name")
    if not _resolvers.acquire(timeout=seconds):
        raise deadline.passed(hop, stage, seconds)
    threading.Thread(target=ask_resolver, daemon=True).start()
    try:
        found = box.get(timeout=max(0.0, end - time.monotonic()))
    except queue.Empty:
        raise deadline.passed(hop, stage, seconds) from None
    if isinstance(found, OSError):
        raise Unreachable(
            msg(
                "{host}: its name {name} cannot be looked up: {reason}",
                host=hop.alias,
                name=hop.hostname,
                reason=found.strerror or str(found),
            )
        ) from found
    return found


def _forward(transport: "paramiko.Transport", hop: Hop, deadline: _Deadline) -> _ChannelSocket:
    stage = msg("connecting through the jump host")
    seconds = deadline.left(deadline.limits.connect_seconds)
    started = time.monotonic()
    with _told(hop, stage, deadline):
        try:
            return _ChannelSocket(
                transport.open_channel(
                    "direct-tcpip", (hop.hostname, hop.port), ("127.0.0.1", 0), timeout=max(seconds, 0.01)
                )
            )
        except Exception:
            if time.monotonic() - started >= seconds:
                raise deadline.passed(hop, stage, deadline.limits.connect_seconds) from None
            raise


def _handshake(
    connection: "socket.socket | _ChannelSocket", hop: Hop, deadline: _Deadline, line: _Line
) -> "paramiko.Transport":
    transport, known, names = _exchanged(connection, hop, deadline, line)
    key = transport.get_remote_server_key()
    _verify(hop, known, names, key.get_name(), key.asbytes())
    return transport


def _exchanged(
    connection: "socket.socket | _ChannelSocket", hop: Hop, deadline: _Deadline, line: _Line
) -> "tuple[paramiko.Transport, KnownHosts, tuple[str, ...]]":
    """After the key exchange: the host's key is shown and not yet verified; nothing may be sent before it is."""
    from paramiko.transport import Transport

    # Its own tracebacks would reach the reader's terminal; what matters is in the error that is raised.
    log = logging.getLogger(_LOG_CHANNEL)
    log.setLevel(logging.CRITICAL + 1)
    known = _known(hop)
    names = (hop.key_name.lower(),) if hop.key_name else lookup_names(hop.hostname, hop.port)
    stage = msg("waiting for its banner and key")
    seconds = deadline.left(deadline.limits.banner_seconds)
    with _told(hop, stage, deadline):
        transport = Transport(connection)  # type: ignore[arg-type]
        line.add(transport)
        transport.set_log_channel(_LOG_CHANNEL)
        # Later than our own limit, which tells a silent host from one that hangs up.
        transport.banner_timeout = transport.handshake_timeout = seconds + 30
        _prefer(transport, known.key_types(names))
        ready = threading.Event()
        transport.start_client(event=ready)
        if not ready.wait(seconds) or deadline.left() <= 0:
            raise deadline.passed(hop, stage, deadline.limits.banner_seconds, _Silent)
        if not transport.is_active():
            error = transport.get_exception()
            if error is None or isinstance(error, (ConnectionError, EOFError)) or "banner" in str(error):
                raise _Dropped(msg("{host} closed the connection ({stage})", host=hop.alias, stage=stage))
            raise error
    return transport, known, names


def _prefer(transport: "paramiko.Transport", types: Iterable[str]) -> None:
    """Asks the host first for a key of a type that is on file, as ssh does."""
    wanted = [t for kind in types for t in (("rsa-sha2-512", "rsa-sha2-256") if kind == "ssh-rsa" else (kind,))]
    options = transport.get_security_options()
    # Without certificates: nobody here could verify one.
    plain = [t for t in options.key_types if not t.endswith("-cert-v01@openssh.com")]
    options.key_types = [t for t in wanted if t in plain] + [t for t in plain if t not in wanted]
    # One pass in C for cipher and MAC together, where the host has it.
    options.ciphers = sorted(options.ciphers, key=lambda name: "-gcm@" not in name)


def _known(hop: Hop) -> KnownHosts:
    try:
        return on_file(hop.known_hosts)
    except OSError as error:
        raise HostKeyMismatch(
            msg("{host}: known_hosts cannot be read: {error}", host=hop.alias, error=str(error))
        ) from error


def _verify(hop: Hop, known: KnownHosts, names: Sequence[str], key_type: str, blob: bytes) -> None:
    judgement = known.judge(names, blob)
    key = f"{key_type} {fingerprint(blob)}"
    match judgement.standing:
        case Standing.KNOWN:
            return
        case Standing.CHANGED:
            raise HostKeyMismatch(
                msg(
                    "{host} shows the key {key}, but another one is on file ({where}): it was reinstalled, or "
                    "something else answers in its place. Nothing was sent. Compare with `ssh-keygen -lf` on its "
                    "console before the line is replaced",
                    host=hop.alias,
                    key=key,
                    where=judgement.where or "",
                )
            )
        case Standing.REVOKED:
            raise HostKeyMismatch(
                msg(
                    "{host} shows the key {key}, which {where} revokes",
                    host=hop.alias,
                    key=key,
                    where=judgement.where or "",
                )
            )
        case Standing.UNKNOWN:
            files = ", ".join(str(f) for f in hop.known_hosts)
            if judgement.has_authority:
                raise HostKeyMismatch(
                    msg(
                        "{host} shows the key {key}; only a @cert-authority line speaks for it, and host certificates "
                        "cannot be verified here: list the plain key as {name} too ({files})",
                        host=hop.alias,
                        key=key,
                        name=names[0],
                        files=files,
                    )
                )
            raise HostKeyMismatch(
                msg(
                    "{host} shows the key {key}, which is not in {files}. Compare with `ssh-keygen -lf` on its "
                    "console, then add it there as {name}",
                    host=hop.alias,
                    key=key,
                    files=files,
                    name=names[0],
                )
            )


def _authenticate(transport: "paramiko.Transport", hop: Hop, deadline: _Deadline, password: str | None) -> None:
    from paramiko.ssh_exception import AuthenticationException, BadAuthenticationType

    stage = msg("logging in")
    tried: list[str] = []
    notes: list[Message] = []
    is_refused = False
    end = time.monotonic() + deadline.left(deadline.limits.auth_seconds)
    with _told(hop, stage, deadline), contextlib.ExitStack() as stack:
        attempts: Iterator[tuple[str, Callable[[], list[str]]]] = _attempts(
            transport, hop, password, notes, stack, deadline.limits.auth_seconds
        )
        for name, attempt in attempts:
            seconds = end - time.monotonic()
            if seconds <= 0:
                raise deadline.passed(hop, stage, deadline.limits.auth_seconds)
            transport.auth_timeout = seconds
            tried.append(name)
            try:
                if not attempt():
                    return
                is_refused = True
            except BadAuthenticationType as error:
                is_refused = True
                notes.append(msg("the host takes only {methods}", methods=clean(", ".join(error.allowed_types))))
            except AuthenticationException as error:
                if time.monotonic() >= end:
                    raise deadline.passed(hop, stage, deadline.limits.auth_seconds) from error
                is_refused = is_refused or transport.is_active()
            if not transport.is_active():
                if not is_refused:
                    # Nobody said no: a connection that broke says nothing of keys and passwords.
                    raise Unreachable(msg("{host} closed the connection ({stage})", host=hop.alias, stage=stage))
                notes.append(msg("the host closed the connection"))
                break
    refusal = msg("{host} refused user {user} (tried: {tried})", host=hop.alias, user=hop.user, tried=", ".join(tried))
    if not tried:
        refusal = msg("{host}: there is no key to log in with as user {user}", host=hop.alias, user=hop.user)
    raise Unauthorized(msg("{refusal}; {notes}", refusal=refusal, notes=notes[:4]) if notes else refusal)


def _attempts(
    transport: "paramiko.Transport",
    hop: Hop,
    password: str | None,
    notes: list[Message],
    stack: contextlib.ExitStack,
    seconds: float,
) -> Iterator[tuple[str, Callable[[], list[str]]]]:
    for count, (name, key) in enumerate(_keys(hop, notes, stack, seconds)):
        if count == MAX_KEYS_TRIED:
            notes.append(msg("more keys were left untried; name the right one with IdentityFile and IdentitiesOnly"))
            break
        yield name, lambda key=key: transport.auth_publickey(hop.user, key)  # type: ignore[misc]
    if password is not None:
        yield "password", lambda: transport.auth_password(hop.user, password)


def _keys(
    hop: Hop, notes: list[Message], stack: contextlib.ExitStack, seconds: float
) -> "Iterator[tuple[str, paramiko.PKey]]":
    from paramiko.pkey import UnknownKeyType
    from paramiko.ssh_exception import SSHException

    offered: set[bytes] = set()
    for path in hop.identity_files:
        try:
            key = _private_key(path)
        except FileNotFoundError:
            continue
        except (TypeError, SSHException):
            notes.append(msg("{file} needs its passphrase: add it to the agent", file=str(path)))
        except (OSError, ValueError, UnknownKeyType) as error:
            notes.append(msg("{file} is not a usable key: {error}", file=str(path), error=clean(str(error))))
        else:
            offered.add(key.asbytes())
            yield str(path), key
    try:
        held = _agent(stack, seconds).get_keys()
    except (OSError, SSHException) as error:
        notes.append(msg("the agent did not answer: {error}", error=clean(str(error))))
        return
    wanted = _public_blobs(hop.identity_files) if hop.identities_only else None
    for agent_key in held:
        blob = agent_key.asbytes()
        if blob not in offered and (wanted is None or blob in wanted):
            yield _agent_name(agent_key.comment), agent_key


def _agent(stack: contextlib.ExitStack, seconds: float) -> "paramiko.agent.AgentSSH":
    """The agent of the environment, which has `seconds` for each signature; one without keys where there is none.

    paramiko's own `Agent` connects and waits without a limit, and so would every host behind it.

    Raises:
        OSError, SSHException: it did not answer, or not as an agent does.
    """
    from paramiko.agent import AgentSSH

    agent = AgentSSH()
    path = os.environ.get("SSH_AUTH_SOCK")
    if path:
        connection = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        connection.settimeout(AGENT_SECONDS)
        connection.connect(path)
        agent._connect(connection)  # type: ignore[attr-defined]  # noqa: SLF001 - as Agent does with its own
        connection.settimeout(seconds)
    return agent


def _private_key(path: Path) -> "paramiko.PKey":
    found = path.stat()
    return _loaded_key(path, (found.st_ino, found.st_size, found.st_mtime_ns))


@lru_cache(maxsize=16)
def _loaded_key(path: Path, _: tuple[int, int, int]) -> "paramiko.PKey":
    """Loaded once as long as the file stays as it is: checking an RSA key costs more than logging in with it."""
    from paramiko.pkey import PKey

    return PKey.from_path(path)


def _agent_name(comment: str) -> str:
    return f"agent: {clean(comment, limit=60)}"


def _public_blobs(paths: Iterable[Path]) -> set[bytes]:
    """The public halves beside the identity files: with IdentitiesOnly, which of the agent's keys may be offered."""

    found = set()
    for path in paths:
        with contextlib.suppress(OSError, ValueError, IndexError):
            found.add(base64.b64decode(Path(f"{path}.pub").read_text(encoding="utf-8").split()[1]))
    return found


def _execute(
    transport: "paramiko.Transport", command: str, text: bytes, hop: Hop, deadline: _Deadline, line: _Line
) -> bytes:
    stage = msg("running the probe")
    seconds = deadline.left(deadline.limits.command_seconds)
    end = time.monotonic() + seconds
    with _told(hop, stage, deadline):
        try:
            _watch.until(line, end)
            channel = transport.open_session(timeout=max(seconds, 0.01))
            channel.settimeout(max(seconds, 0.01))
            channel.exec_command(command)
            with contextlib.suppress(OSError):
                # A forced command need not read what it is sent; its answer counts.
                channel.sendall(text)
                channel.shutdown_write()
            answer = _read_answer(channel, hop, deadline.limits.answer_bytes, end)
        except CollectorError:
            raise
        except Exception as error:
            # Of any type, as in _told: whatever breaks once its time is over broke because we cut it off.
            if time.monotonic() >= end:
                raise deadline.passed(hop, stage, deadline.limits.command_seconds) from error
            raise
    if answer is None:
        raise deadline.passed(hop, stage, deadline.limits.command_seconds)
    return answer


def _read_answer(channel: "paramiko.Channel", hop: Hop, most: int, end: float) -> bytes | None:
    """Everything up to the end of the stream; None if that did not come in time."""
    answer = bytearray()
    errors = 0
    with selectors.DefaultSelector() as selector:
        selector.register(channel, selectors.EVENT_READ)
        while True:
            selector.select(max(0.0, end - time.monotonic()))
            if time.monotonic() >= end:
                return None
            has_ended = channel.eof_received or channel.closed
            if channel.recv_stderr_ready():
                # It shares the window with the answer: unread, it would stop it.
                errors += len(channel.recv_stderr(65536))
            if channel.recv_ready():
                answer += channel.recv(65536)
            elif has_ended:
                return bytes(answer)
            if len(answer) + errors > most:
                raise Unreadable(
                    msg("{host} answered more than {bytes} bytes; the rest was not read", host=hop.alias, bytes=most)
                )
