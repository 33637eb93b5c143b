"""One SSH connection, one command, one answer, within its limits: the only place that imports paramiko.

Of ssh_config (ssh_config(5)), Host, Match (without exec), Include, HostName, Port, User, IdentityFile, IdentitiesOnly,
ProxyJump (chains, and jump hosts that have a ProxyJump themselves), HostKeyAlias, UserKnownHostsFile and
GlobalKnownHostsFile count. What would run a program here or ask DNS before the do-not-scan list was asked is not done:
ProxyCommand is that host's error, `Match exec` is an error of the file, CanonicalizeHostname is ignored.
StrictHostKeyChecking is always yes: an unknown, changed or revoked key is that host's error
(collectors/known_hosts.py), and nothing is sent to the host before its key is verified.

Keys: IdentityFile (default ~/.ssh/id_ed25519, id_ecdsa, id_rsa), then the agent's; then the password, if one is given.
paramiko is imported when the first connection is made: it costs a quarter of a second.
"""

import base64
import contextlib
import getpass
import ipaddress
import itertools
import logging
import queue
import random
import re
import selectors
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from collectors.errors import CollectorError, HostKeyMismatch, Skipped, Unauthorized, Unreachable, Unreadable
from collectors.known_hosts import KnownHosts, Standing, fingerprint, lookup_names
from collectors.ssh_facts import clean
from inventory.settings import ConfigError
from inventory.text import Message, msg

if TYPE_CHECKING:
    import paramiko

MAX_ANSWER_BYTES = 1024**2
MAX_CONFIG_BYTES = 1024**2
MAX_JUMPS = 8
MAX_INCLUDE_DEPTH = 16
MAX_KEYS_TRIED = 5
"""sshd cuts the connection after MaxAuthTries (6) failures."""
_LOG_CHANNEL = "collectors.ssh_session.paramiko"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One machine on the way to a host: a jump host, or at the end the host itself."""

    alias: str
    hostname: str
    port: int
    user: str
    key_name: str | None
    """HostKeyAlias: the name in known_hosts, where it is not the host's own."""
    identity_files: tuple[Path, ...]
    identities_only: bool
    known_hosts: tuple[Path, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long and how much a host may take."""

    connect_seconds: float
    """For the TCP connection, and again for banner and key exchange, of each hop."""
    total_seconds: float
    """For everything together."""
    answer_bytes: int = MAX_ANSWER_BYTES


class _Dropped(Unreachable):
    """The connection was closed before the banner: what sshd's MaxStartups does to some when many come at once."""


class _Deadline:
    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._end = time.monotonic() + limits.total_seconds

    def left(self, most: float | None = None) -> float:
        """Seconds that may still be used, never negative."""
        left = max(0.0, self._end - time.monotonic())
        return left if most is None else min(most, left)

    def passed(self, hop: Hop, stage: Message, seconds: float | None = None) -> Unreachable:
        used = seconds if seconds is not None and self.left() > 0 else self.limits.total_seconds
        return Unreachable(
            msg("{host}: no end within {seconds} s ({stage})", host=hop.alias, seconds=f"{used:g}", stage=stage)
        )


class SshConfig:
    """The ssh_config files, asked without touching the network."""

    def __init__(self, text: str, *, known_hosts: tuple[Path, ...] | None = None) -> None:
        """`known_hosts`: use these files and no others.

        Raises:
            ConfigError: the text is no ssh_config, or wants `Match exec`.
        """
        from paramiko.config import SSHConfig
        from paramiko.ssh_exception import ConfigParseError

        self._known_hosts = known_hosts
        if re.search(r"(?im)^\s*match\b.*\bexec\b", text):
            raise ConfigError("ssh_config: `Match exec` would run a program; expected Match host, originalhost or user")
        # Canonicalisation asks DNS, and that before the do-not-scan list could be asked.
        text = re.sub(r"(?im)^\s*canonicalize\w+[\s=].*$", "", text)
        try:
            self._config = SSHConfig.from_text(text)
        except ConfigParseError as error:
            raise ConfigError(f"ssh_config: {error}; expected the form of ssh_config(5)") from error

    @classmethod
    def read(cls, path: Path | None, *, known_hosts: tuple[Path, ...] | None = None) -> "SshConfig":
        """That file alone, or where none is named ~/.ssh/config and /etc/ssh/ssh_config as far as they exist.

        Raises:
            ConfigError: a file cannot be read or is no ssh_config.
        """
        home = Path("~/.ssh/config").expanduser()
        paths = [path] if path is not None else [p for p in (home, Path("/etc/ssh/ssh_config")) if p.exists()]
        parts = []
        for each in paths:
            base = Path("/etc/ssh") if each == Path("/etc/ssh/ssh_config") else Path("~/.ssh").expanduser()
            parts.append("Host *\n" + "\n".join(_lines_with_includes(each, base, 0)))
        return cls("\n".join(parts), known_hosts=known_hosts)

    def way(self, alias: str) -> tuple[Hop, ...]:
        """The jump hosts to be passed and the host itself.

        Raises:
            Unreachable: its config wants a ProxyCommand or jumps in a circle.
            ConfigError: a port is no number.
        """
        return self._way(alias, ())

    def _way(self, alias: str, before: tuple[str, ...]) -> tuple[Hop, ...]:
        if alias in before or len(before) >= MAX_JUMPS:
            raise Unreachable(
                msg(
                    "{host}: its ProxyJump goes in a circle or through more than {count} hosts",
                    host=alias,
                    count=MAX_JUMPS,
                )
            )
        options = self._config.lookup(alias)
        if options.get("proxycommand"):
            raise Unreachable(
                msg("{host}: ProxyCommand is not supported, it would run a local program; use ProxyJump", host=alias)
            )
        target = self._hop(alias, options)
        jumps = options.get("proxyjump") or "none"
        if jumps.lower() == "none":
            return (target,)
        way: tuple[Hop, ...] = ()
        for number, jump in enumerate(jumps.split(",")):
            user, name, port = _jump(jump.strip())
            # Only the first jump host is reached by its own config's way, the next ones through the one before.
            hops = self._way(name, (*before, alias)) if number == 0 else (self._hop(name, self._config.lookup(name)),)
            last = hops[-1]
            way += (*hops[:-1], _replaced(last, user, port))
        return (*way, target)

    def _hop(self, alias: str, options: "dict[str, str]") -> Hop:
        port = options.get("port", "22")
        if not re.fullmatch(r"[0-9]{1,5}", port) or not 0 < int(port) < 65536:
            raise ConfigError(f"ssh_config: host {alias}: Port {port}: expected a number from 1 to 65535")
        named = options.get("identityfile") or ()
        defaults = ("~/.ssh/id_ed25519", "~/.ssh/id_ecdsa", "~/.ssh/id_rsa")
        return Hop(
            alias=alias,
            hostname=options.get("hostname", alias),
            port=int(port),
            user=options.get("user") or getpass.getuser(),
            key_name=options.get("hostkeyalias"),
            identity_files=tuple(Path(f).expanduser() for f in (named or defaults) if f != "none"),
            identities_only=options.get("identitiesonly", "no").lower() == "yes",
            known_hosts=self._known_hosts if self._known_hosts is not None else _known_hosts_files(options),
        )


def _known_hosts_files(options: "dict[str, str]") -> tuple[Path, ...]:
    users = options.get("userknownhostsfile", "~/.ssh/known_hosts ~/.ssh/known_hosts2")
    every = options.get("globalknownhostsfile", "/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2")
    return tuple(Path(f.strip('"')).expanduser() for f in f"{users} {every}".split() if f != "none")


def _replaced(hop: Hop, user: str | None, port: int | None) -> Hop:

    return replace(hop, user=user or hop.user, port=port or hop.port)


def _jump(text: str) -> tuple[str | None, str, int | None]:
    """(user, host, port) of `[ssh://][user@]host[:port]`; IPv6 in brackets if a port follows."""
    found = re.fullmatch(r"(?:ssh://)?(?:([^@]+)@)?(\[[^\]]+\]|[^:]+|[0-9A-Fa-f:.%]+)(?::([0-9]{1,5}))?/?", text)
    if found is None:
        raise ConfigError(f"ssh_config: ProxyJump {text}: expected [user@]host[:port]")
    return found[1], found[2].strip("[]"), int(found[3]) if found[3] else None


def _lines_with_includes(path: Path, base: Path, depth: int) -> Iterator[str]:
    """The file's lines, Include replaced by what it names; paramiko leaves Include out without a word."""
    if depth > MAX_INCLUDE_DEPTH:
        raise ConfigError(f"{path}: Include goes deeper than {MAX_INCLUDE_DEPTH} files")
    try:
        if path.stat().st_size > MAX_CONFIG_BYTES:
            raise ConfigError(f"{path}: larger than {MAX_CONFIG_BYTES} bytes; expected an ssh_config")
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read as an ssh_config: {error}") from error
    block = "Host *"
    for line in lines:
        if re.match(r"\s*(host|match)[\s=]", line, re.IGNORECASE):
            block = line
        include = re.match(r"\s*include[\s=]+(.+)$", line, re.IGNORECASE)
        if include is None:
            yield line
            continue
        for pattern in include[1].split():
            name = Path(pattern.strip('"')).expanduser()
            anchor = name if name.is_absolute() else base / name
            for found in sorted(anchor.parent.glob(anchor.name)):
                yield from _lines_with_includes(found, base, depth + 1)
        yield block


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
    deadline = _Deadline(limits)
    try:
        return _ask_once(way, command, text, deadline, password, forbids)
    except _Dropped:
        pause = random.uniform(0.5, 1.5)  # noqa: S311 - spreads the second try, guards nothing
        if deadline.left() < pause + 1:
            raise
        time.sleep(pause)
        return _ask_once(way, command, text, deadline, password, forbids)


def _ask_once(
    way: Sequence[Hop],
    command: str,
    text: bytes,
    deadline: _Deadline,
    password: str | None,
    forbids: Callable[[str], bool],
) -> bytes:
    with contextlib.ExitStack() as stack:
        connection: socket.socket | paramiko.Channel = _dial(way[0], deadline, forbids)
        stack.callback(connection.close)
        transport = _handshake(connection, way[0], deadline, stack)
        for before, hop in itertools.pairwise(way):
            # The password is the host's own: no jump host gets to see it.
            _authenticate(transport, before, deadline, None)
            connection = _forward(transport, hop, deadline)
            transport = _handshake(connection, hop, deadline, stack)
        _authenticate(transport, way[-1], deadline, password)
        return _execute(transport, command, text, way[-1], deadline)


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
    deadline = _Deadline(limits)
    with contextlib.ExitStack() as stack:
        connection: socket.socket | paramiko.Channel = _dial(way[0], deadline, forbids)
        stack.callback(connection.close)
        for before, hop in itertools.pairwise(way):
            transport = _handshake(connection, before, deadline, stack)
            _authenticate(transport, before, deadline, None)
            connection = _forward(transport, hop, deadline)
        transport, known, names = _exchanged(connection, way[-1], deadline, stack)
        key = transport.get_remote_server_key()
        judgement = known.judge(names, key.asbytes())
    return ShownKey(
        name=names[0],
        key_type=key.get_name(),
        blob=key.asbytes(),
        standing=judgement.standing,
        where=judgement.where,
    )


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
        connection = socket.socket(family, socket.SOCK_STREAM)
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
    raise Unreachable(
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

    with contextlib.suppress(ValueError):
        is_v6 = ipaddress.ip_address(hop.hostname).version == 6
        plain: _Address = (hop.hostname, hop.port, 0, 0) if is_v6 else (hop.hostname, hop.port)
        if "%" not in hop.hostname:
            return [(socket.AF_INET6 if is_v6 else socket.AF_INET, plain)]
    threading.Thread(target=ask_resolver, daemon=True).start()
    seconds = deadline.left(deadline.limits.connect_seconds)
    try:
        found = box.get(timeout=seconds)
    except queue.Empty:
        raise deadline.passed(hop, msg("looking up its name"), seconds) from None
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


def _forward(transport: "paramiko.Transport", hop: Hop, deadline: _Deadline) -> "paramiko.Channel":
    stage = msg("connecting through the jump host")
    seconds = deadline.left(deadline.limits.connect_seconds)
    started = time.monotonic()
    with _told(hop, stage, deadline):
        try:
            return transport.open_channel(
                "direct-tcpip", (hop.hostname, hop.port), ("127.0.0.1", 0), timeout=max(seconds, 0.01)
            )
        except Exception:
            if time.monotonic() - started >= seconds:
                raise deadline.passed(hop, stage, deadline.limits.connect_seconds) from None
            raise


def _handshake(
    connection: "socket.socket | paramiko.Channel", hop: Hop, deadline: _Deadline, stack: contextlib.ExitStack
) -> "paramiko.Transport":
    transport, known, names = _exchanged(connection, hop, deadline, stack)
    key = transport.get_remote_server_key()
    _verify(hop, known, names, key.get_name(), key.asbytes())
    return transport


def _exchanged(
    connection: "socket.socket | paramiko.Channel", hop: Hop, deadline: _Deadline, stack: contextlib.ExitStack
) -> "tuple[paramiko.Transport, KnownHosts, tuple[str, ...]]":
    """After the key exchange: the host's key is shown and not yet verified; nothing may be sent before it is."""
    from paramiko.transport import Transport

    # Its own tracebacks would reach the reader's terminal; what matters is in the error that is raised.
    log = logging.getLogger(_LOG_CHANNEL)
    log.setLevel(logging.CRITICAL + 1)
    known = _known(hop)
    names = (hop.key_name.lower(),) if hop.key_name else lookup_names(hop.hostname, hop.port)
    stage = msg("waiting for its banner and key")
    seconds = deadline.left(deadline.limits.connect_seconds)
    with _told(hop, stage, deadline):
        transport = Transport(connection)
        stack.callback(transport.close)
        transport.set_log_channel(_LOG_CHANNEL)
        # Later than our own limit, which tells a silent host from one that hangs up.
        transport.banner_timeout = transport.handshake_timeout = seconds + 30
        _prefer(transport, known.key_types(names))
        ready = threading.Event()
        transport.start_client(event=ready)
        if not ready.wait(seconds):
            raise deadline.passed(hop, stage, deadline.limits.connect_seconds)
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


def _known(hop: Hop) -> KnownHosts:
    try:
        return KnownHosts.read(hop.known_hosts)
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
    with _told(hop, stage, deadline), contextlib.ExitStack() as stack:
        attempts: Iterator[tuple[str, Callable[[], list[str]]]] = _attempts(transport, hop, password, notes, stack)
        for name, attempt in attempts:
            seconds = deadline.left()
            if seconds <= 0:
                raise deadline.passed(hop, stage)
            transport.auth_timeout = seconds
            tried.append(name)
            try:
                if not attempt():
                    return
            except BadAuthenticationType as error:
                notes.append(msg("the host takes only {methods}", methods=clean(", ".join(error.allowed_types))))
            except AuthenticationException as error:
                if deadline.left() <= 0:
                    raise deadline.passed(hop, stage) from error
            if not transport.is_active():
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
) -> Iterator[tuple[str, Callable[[], list[str]]]]:
    for count, (name, key) in enumerate(_keys(hop, notes, stack)):
        if count == MAX_KEYS_TRIED:
            notes.append(msg("more keys were left untried; name the right one with IdentityFile and IdentitiesOnly"))
            break
        yield name, lambda key=key: transport.auth_publickey(hop.user, key)  # type: ignore[misc]
    if password is not None:
        yield "password", lambda: transport.auth_password(hop.user, password)


def _keys(hop: Hop, notes: list[Message], stack: contextlib.ExitStack) -> "Iterator[tuple[str, paramiko.PKey]]":
    from paramiko.agent import Agent
    from paramiko.pkey import PKey, UnknownKeyType
    from paramiko.ssh_exception import SSHException

    offered: set[bytes] = set()
    for path in hop.identity_files:
        try:
            key = PKey.from_path(path)
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
        agent = Agent()
        stack.callback(agent.close)
        held = agent.get_keys()
    except (OSError, SSHException) as error:
        notes.append(msg("the agent did not answer: {error}", error=clean(str(error))))
        return
    wanted = _public_blobs(hop.identity_files) if hop.identities_only else None
    for agent_key in held:
        blob = agent_key.asbytes()
        if blob not in offered and (wanted is None or blob in wanted):
            yield _agent_name(agent_key.comment), agent_key


def _agent_name(comment: str) -> str:
    return f"agent: {clean(comment, limit=60)}"


def _public_blobs(paths: Iterable[Path]) -> set[bytes]:
    """The public halves beside the identity files: with IdentitiesOnly, which of the agent's keys may be offered."""

    found = set()
    for path in paths:
        with contextlib.suppress(OSError, ValueError, IndexError):
            found.add(base64.b64decode(Path(f"{path}.pub").read_text(encoding="utf-8").split()[1]))
    return found


def _execute(transport: "paramiko.Transport", command: str, text: bytes, hop: Hop, deadline: _Deadline) -> bytes:
    stage = msg("running the probe")
    with _told(hop, stage, deadline):
        channel = transport.open_session(timeout=max(deadline.left(), 0.01))
        channel.settimeout(max(deadline.left(), 0.01))
        channel.exec_command(command)
        with contextlib.suppress(OSError):
            # A forced command need not read what it is sent; its answer counts.
            channel.sendall(text)
            channel.shutdown_write()
        return _read_answer(channel, hop, stage, deadline)


def _read_answer(channel: "paramiko.Channel", hop: Hop, stage: Message, deadline: _Deadline) -> bytes:
    most = deadline.limits.answer_bytes
    answer = bytearray()
    errors = 0
    with selectors.DefaultSelector() as selector:
        selector.register(channel, selectors.EVENT_READ)
        while True:
            selector.select(deadline.left())
            if deadline.left() <= 0:
                raise deadline.passed(hop, stage)
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
