"""The hosts of one `[[ssh]]` table: one cell per host, each with its own end."""

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from importlib import resources
from pathlib import Path

from collectors.collector import Collector, Incomplete, Reading, Said
from collectors.errors import CollectorError, Skipped
from collectors.ssh_config import Hop, SshConfig
from collectors.ssh_facts import parse
from collectors.ssh_gate import spread
from collectors.ssh_session import Limits, ask
from inventory.coverage import DO_NOT_SCAN, Cell, SourceInfo
from inventory.guard import Guard
from inventory.records import ClassifiedTrace, HostSighting
from inventory.settings import SshSource, resolve
from inventory.text import msg

DO_NOT_SCAN_SCOPE = DO_NOT_SCAN
"""Scope of the one cell that stands for all hosts of the source that are on the do-not-scan list."""

_KIND = "host"


def ssh_collectors(
    source: SshSource,
    *,
    base: Path,
    clock: Callable[[], datetime],
    guard: Guard,
    environ: Mapping[str, str] | None = None,
) -> list[Collector]:
    """The collector of one group of SSH hosts.

    A password, where hosts take no key, is read from the environment variable `YUNHE_SSH_PASSWORD_<NAME>` (the source's
    name in capitals, everything but letters and digits as `_`).

    Raises:
        ConfigError: ssh_config cannot be read or understood.
    """
    named = resolve(base, source.ssh_config) if source.ssh_config else None
    known_hosts = (resolve(base, source.known_hosts),) if source.known_hosts else None
    config = SshConfig.read(named, known_hosts=known_hosts)
    variable = "YUNHE_SSH_PASSWORD_" + re.sub(r"[^A-Z0-9]", "_", source.name.upper())
    password = (os.environ if environ is None else environ).get(variable)
    return [SshCollector(source, config=config, clock=clock, guard=guard, password=password)]


@cache
def probe_text() -> bytes:
    """The probe as it is sent to a host's shell."""
    return resources.files("collectors").joinpath("ssh_probe.sh").read_bytes()


class SshCollector:
    """Asks each host of a group the same one question."""

    def __init__(
        self,
        source: SshSource,
        *,
        config: SshConfig,
        clock: Callable[[], datetime],
        guard: Guard,
        password: str | None = None,
    ) -> None:
        self._name = f"ssh:{source.name}"
        self._source = source
        self._clock = clock
        self._guard = guard
        self._password = password
        self._command = "sh -s sudo" if source.sudo else "sh -s"
        self._limits = Limits(
            connect_seconds=source.connect_timeout,
            banner_seconds=source.banner_timeout,
            auth_seconds=source.auth_timeout,
            command_seconds=source.command_timeout,
            total_seconds=source.total_timeout,
            per_jump_host=source.parallel_per_jump_host,
        )
        self._zones: dict[str, str | None] = {}
        for entry in source.hosts:
            alias, zone = (entry, None) if isinstance(entry, str) else (entry.host, entry.zone)
            self._zones.setdefault(alias, zone or source.zone)
        self._ways = {alias: self._way(config, alias) for alias in self._zones}

    @property
    def info(self) -> SourceInfo:
        """The group."""
        return SourceInfo(name=self._name, type="ssh", zone=self._source.zone)

    @property
    def parallel(self) -> int:
        """How many hosts are asked at once."""
        return self._source.parallel

    def ways(self) -> dict[str, tuple[Hop, ...] | CollectorError]:
        """How each host is reached, by its alias; hosts on the do-not-scan list, or behind one, are left out."""
        return {alias: way for alias, way in self._ways.items() if not self._is_forbidden(alias)}

    @property
    def limits(self) -> Limits:
        """How long and how much a host may take."""
        return self._limits

    def plan(self) -> Sequence[Cell]:
        """A cell per host; those on the do-not-scan list share one that names none of them (Art. 28)."""
        allowed = [alias for alias in self._zones if not self._is_forbidden(alias)]
        ways = ((alias, self._ways[alias]) for alias in allowed)
        order = spread([(alias, () if isinstance(way, CollectorError) else way) for alias, way in ways])
        cells = [Cell(self._name, alias, _KIND) for alias in order]
        if len(cells) < len(self._zones):
            cells.append(Cell(self._name, DO_NOT_SCAN_SCOPE, _KIND))
        return cells

    def read(self, cell: Cell) -> Iterator[Said]:
        """The one sighting of the host.

        Raises:
            CollectorError: that host's own error.
        """
        if cell.scope not in self._zones:
            count = sum(self._is_forbidden(alias) for alias in self._zones)
            raise Skipped(msg("{count} host(s) are on the do-not-scan list and were not tried", count=count))
        if self._is_forbidden(cell.scope):
            # Ledgers may have put it on the list since the plan was made.
            raise Skipped(msg("not tried: it is on the do-not-scan list"))
        way = self._ways[cell.scope]
        if isinstance(way, CollectorError):
            raise way
        answer = ask(
            way,
            self._command,
            probe_text(),
            limits=self._limits,
            password=self._password,
            forbids=self._guard.forbids,
        )
        facts = parse(
            answer,
            source=self._name,
            native_id=cell.scope,
            zone=self._zones[cell.scope],
            observed_at=self._clock(),
        )
        if self._shows_forbidden(facts.sighting):
            # Only now known: nothing of it is kept but that it was there.
            trace = ClassifiedTrace(
                source=self._name, native_id=_KIND, observed_at=facts.sighting.observed_at, what=_KIND, count=1
            )
            yield Reading(trace)
            return
        yield Reading(facts.sighting, facts.raw)
        for problem in facts.problems:
            yield Incomplete(problem)

    def _is_forbidden(self, alias: str) -> bool:
        """Whether the host or any jump host on its way is on the list, by what is configured; asks no DNS."""
        way = self._ways[alias]
        hops = () if isinstance(way, CollectorError) else way
        texts = {alias, *(text for hop in hops for text in (hop.alias, hop.hostname, hop.key_name or ""))}
        return any(self._guard.forbids(text) for text in texts if text)

    def _shows_forbidden(self, sighting: HostSighting) -> bool:
        addresses = (a.partition("/")[0] for nic in sighting.nics for a in nic.addresses)
        return self._guard.forbids_record(sighting) or any(self._guard.forbids(a) for a in addresses)

    @staticmethod
    def _way(config: SshConfig, alias: str) -> tuple[Hop, ...] | CollectorError:
        try:
            return config.way(alias)
        except CollectorError as error:
            return error
