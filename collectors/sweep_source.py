"""An active sweep 主动探测 of address ranges, by nmap: only where the config allows it and only when told to.

Whoever runs a network must have agreed: a sweep sets off its alarms, and some devices do not survive one. So a range
that is on the do-not-scan list is left out before nmap starts, told to nmap as excluded, and looked for in its answer
once more; packets are limited in number per second; it is written down who started it, when and where. Plain TCP
connections as any user may make them (`--unprivileged`): no raw packets, no guessing of systems, no scripts, no names
asked from DNS. nmap is the only program that sends anything.
"""

import contextlib
import getpass
import logging
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from netaddr import IPAddress, IPNetwork, IPSet

from collectors.child_process import dies_with_us
from collectors.collector import Collector, Incomplete, Reading, Said
from collectors.discovery_source import DiscoveryCollector
from collectors.errors import CollectorError, Skipped, Unreachable, Unreadable
from inventory.coverage import Cell, SourceInfo
from inventory.guard import Guard
from inventory.records import HostSighting
from inventory.settings import ConfigError, Discovery, Sweep
from inventory.text import msg

logger = logging.getLogger(__name__)

KNOCKED_PORTS = (22, 80, 443)
"""Asked for a sign of life where the config names no ports: a refusal is as good as a greeting."""
TRIES = 2
"""How often a port is knocked at that does not answer."""
_MAX_SAID = 20_000
"""Characters of what nmap complains of that are looked at."""


def sweep_collectors(entry: Sweep, *, clock: Callable[[], datetime], guard: Guard) -> list[Collector]:
    """The collector of one configured sweep. Sends nothing yet.

    Raises:
        ConfigError: nmap is not installed.
    """
    return [SweepCollector(entry=entry, program=nmap(), clock=clock, guard=guard)]


def nmap() -> str:
    """Where the program is.

    Raises:
        ConfigError: it is not installed.
    """
    program = shutil.which("nmap")
    if program is None:
        raise ConfigError(
            msg("a sweep needs the program nmap, and it is not installed; install the package nmap, or go on without "
                "--sweep")
        )  # fmt: skip
    return program


def started_by() -> str:
    """Who runs this, as `user@machine`; the user behind sudo, if there is one."""
    try:
        user = os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):  # a container without this user
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"


@dataclass(frozen=True, kw_only=True)
class SweepCollector:
    """Has nmap look for what answers in the configured ranges, one range at a time."""

    entry: Sweep
    program: str
    clock: Callable[[], datetime]
    guard: Guard

    @property
    def source(self) -> str:
        """`sweep:NAME`."""
        return f"sweep:{self.entry.name}"

    @property
    def info(self) -> SourceInfo:
        """The source, with who started it; never the platform's word."""
        return SourceInfo(name=self.source, type="sweep", zone=self.entry.zone, sent_by=started_by())

    @property
    def parallel(self) -> int:
        """One range at a time, else the rate would be broken."""
        return 1

    def plan(self) -> Sequence[Cell]:
        """One cell for each range."""
        return [Cell(source=self.source, scope=cidr, kind="host") for cidr in dict.fromkeys(self.entry.cidrs)]

    def read(self, cell: Cell) -> Iterator[Said]:
        """What answered, as sightings of view `discovered`.

        Raises:
            Skipped: the whole range is on the do-not-scan list.
            CollectorError: nmap failed, did not end in time, or told of what it was not asked for.
        """
        listed = self.guard.listed_in(cell.scope)
        wanted = IPSet([IPNetwork(cell.scope)]) - IPSet(listed)
        if not wanted:
            raise Skipped(msg("{source}: it is on the do-not-scan list; nothing was sent", source=self.source))
        logger.info("%s: %s starts nmap on %s", self.source, started_by(), cell.scope)
        with tempfile.TemporaryDirectory(prefix="yunhe-sweep-") as folder:
            answer = Path(folder) / "nmap.xml"
            (Path(folder) / "targets").write_text("\n".join(map(str, wanted.iter_cidrs())), encoding="ascii")
            # Left out of the targets already; nmap is told all the same.
            (Path(folder) / "excluded").write_text("\n".join(listed), encoding="ascii")
            error = self._run(Path(folder), answer, is_six=IPNetwork(cell.scope).version == 6)
            if answer.is_file() and answer.stat().st_size:
                yield from self._told(answer, cell, wanted, error)
            elif error is None:
                error = Unreadable(msg("{source}: nmap wrote nothing", source=self.source))
            if error is not None:
                raise error

    def _told(self, answer: Path, cell: Cell, wanted: IPSet, failed: CollectorError | None) -> Iterator[Said]:
        reader = DiscoveryCollector(
            entry=Discovery(name=self.entry.name, kind="nmap", path=str(answer), zone=self.entry.zone),
            path=answer,
            clock=self.clock,
            origin="sweep",
        )
        try:
            for said in reader.read(cell):
                if isinstance(said, Reading) and not _is_within(said, wanted):
                    # What is on the list leaves no trace here; the rest is nobody's business that nmap should know.
                    yield Incomplete(
                        msg("{source}: nmap told of an address that it was not asked for; it was not kept",
                            source=self.source)
                    )  # fmt: skip
                else:
                    yield said
        except CollectorError:
            if failed is None:  # else it is only the end that a stopped nmap did not write
                raise

    def _run(self, folder: Path, answer: Path, *, is_six: bool) -> CollectorError | None:
        """Runs nmap to its end; says what went wrong."""
        command = [*dies_with_us(), self.program, *self._arguments(folder, answer, is_six=is_six)]
        with (folder / "said").open("w+b") as said:
            try:
                # No shell: every argument is a number, an option of ours or a path of the temporary folder.
                process = subprocess.Popen(  # noqa: S603
                    command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said, cwd=folder,
                    env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}, start_new_session=True,
                )  # fmt: skip
            except OSError as error:
                return Unreachable(
                    msg("{source}: nmap cannot be started ({reason})", source=self.source, reason=error.strerror or "")
                )
            try:
                code = process.wait(self.entry.total_timeout)
            except subprocess.TimeoutExpired:
                return Unreachable(
                    msg("{source}: nmap did not end within {seconds} s and was stopped; smaller ranges, fewer ports or "
                        "a larger total_timeout help", source=self.source, seconds=f"{self.entry.total_timeout:g}")
                )  # fmt: skip
            finally:
                _stop(process)
            said.seek(0)
            words = " ".join(said.read(_MAX_SAID).decode("utf-8", "replace").split())
        if code == 0:
            return None
        return Unreachable(
            msg("{source}: nmap failed ({code}): {reason}", source=self.source, code=code,
                reason="".join(c if c.isprintable() else " " for c in words)[:300] or "-")
        )  # fmt: skip

    def _arguments(self, folder: Path, answer: Path, *, is_six: bool) -> list[str]:
        knocked = ",".join(str(port) for port in self.entry.ports or KNOCKED_PORTS)
        return [
            *(["-6"] if is_six else []),
            "--unprivileged",
            "-n",
            f"-PS{knocked}",
            *(["-sT", "-p", knocked] if self.entry.ports else ["-sn"]),
            "--max-rate",
            str(self.entry.packets_per_second),
            "--max-retries",
            str(TRIES - 1),
            "--excludefile",
            str(folder / "excluded"),
            "-iL",
            str(folder / "targets"),
            "-oX",
            str(answer),
        ]


def _is_within(reading: Reading, wanted: IPSet) -> bool:
    record = reading.record
    if not isinstance(record, HostSighting):
        return False
    return all(IPAddress(address) in wanted for nic in record.nics for address in nic.addresses)


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """Ends nmap and whatever it started."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
