"""ssh_config: how a host is reached, asked without touching the network.

Of ssh_config(5), Host, Match (without exec), Include, HostName, Port, User, IdentityFile, IdentitiesOnly, ProxyJump
(chains, and jump hosts that have a ProxyJump themselves), HostKeyAlias, UserKnownHostsFile and GlobalKnownHostsFile
count. What would run a program here or ask DNS before the do-not-scan list was asked is not done: ProxyCommand is that
host's error, `Match exec` is an error of the file, CanonicalizeHostname is ignored.
"""

import getpass
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from collectors.errors import Unreachable
from inventory.settings import ConfigError
from inventory.text import msg

MAX_CONFIG_BYTES = 16 * 1024**2
"""Some 100,000 hosts."""
MAX_JUMPS = 8
MAX_INCLUDE_DEPTH = 16
_BLOCK = re.compile(r"\s*(host|match)(?:\s*=\s*|\s+)(.+)$", re.IGNORECASE)


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
            SSHConfig.from_text(text)
        except ConfigParseError as error:
            raise ConfigError(f"ssh_config: {error}; expected the form of ssh_config(5)") from error
        # paramiko holds every lookup against every block: with thousands of hosts, each in a block of its own, that is
        # minutes. It is given only the blocks that can speak for the host.
        self._blocks: list[str] = []
        self._named: dict[str, list[int]] = {}
        self._general: list[int] = []
        for number, (names, block) in enumerate(_blocks(text)):
            self._blocks.append(block)
            for name in names:
                self._named.setdefault(name, []).append(number)
            if not names:
                self._general.append(number)

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
        options = self._options(alias)
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
            hops = self._way(name, (*before, alias)) if number == 0 else (self._hop(name, self._options(name)),)
            last = hops[-1]
            way += (*hops[:-1], _replaced(last, user, port))
        return (*way, target)

    def _options(self, alias: str) -> dict[str, str]:
        from paramiko.config import SSHConfig

        numbers = sorted({*self._general, *self._named.get(alias, ())})
        options: dict[str, str] = SSHConfig.from_text("\n".join(self._blocks[n] for n in numbers)).lookup(alias)
        return options

    def _hop(self, alias: str, options: dict[str, str]) -> Hop:
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


def _blocks(text: str) -> Iterator[tuple[frozenset[str], str]]:
    """(names, lines) of each block; no names where it may speak for any host: patterns, Match, and what comes first."""
    names: frozenset[str] = frozenset()
    lines: list[str] = []
    for line in text.split("\n"):
        head = _BLOCK.match(line)
        if head is None:
            lines.append(line)
            continue
        yield names, "\n".join(lines)
        names, lines = frozenset(), [line]
        if head[1].lower() == "host" and not re.search(r"[*?!\[]", head[2]):
            names = frozenset(shlex.split(head[2]))
    yield names, "\n".join(lines)


def _known_hosts_files(options: dict[str, str]) -> tuple[Path, ...]:
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
