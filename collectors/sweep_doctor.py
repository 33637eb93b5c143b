"""Whether a configured sweep could run as it is meant: nmap, its ranges, what the do-not-scan list leaves of them, and
how long it takes. Sends no packet: to stand in the configuration is leave, no order."""

import subprocess
from collections.abc import Iterator, Sequence

from netaddr import IPAddress, IPNetwork, IPSet

from collectors.child_process import dies_with_us
from collectors.diagnosis import Chart, Diagnosis, duration, named
from collectors.sweep_source import KNOCKED_PORTS, TRIES, nmap
from inventory.guard import Guard
from inventory.networks import is_internet
from inventory.settings import ConfigError, Sweep, Zone
from inventory.text import msg

_SECONDS = 10
"""For nmap to say which version it is."""


class SweepDoctor:
    """Looks at one table `[[sweep]]`."""

    def __init__(self, entry: Sweep, *, before: Sequence[Sweep], zones: Sequence[Zone], guard: Guard) -> None:
        """`before`: the sweeps that stand above it in the configuration."""
        self._entry = entry
        self._before = before
        self._tables = [z for z in zones if z.name == entry.zone]
        self._guard = guard
        self._chart = Chart(f"sweep:{entry.name}")

    def diagnose(self) -> Iterator[Diagnosis]:
        """A line for nmap, and for each range its zone, what of it is listed, and its time."""
        yield from self._program()
        for cidr in dict.fromkeys(self._entry.cidrs):
            chart = self._chart.at(cidr)
            yield from self._range(chart, cidr)
            left = IPSet([IPNetwork(cidr)]) - IPSet(self._guard.listed_in(cidr))
            yield self._list(chart, cidr, left.size)
            if left:
                yield self._estimate(chart, left.size)

    def _program(self) -> Iterator[Diagnosis]:
        try:
            command = [nmap(), "--version"]
            # No shell, and nothing of the configuration in it.
            ran = subprocess.run(command, check=True, capture_output=True, timeout=_SECONDS, stdin=subprocess.DEVNULL)  # noqa: S603
        except ConfigError as error:
            yield self._chart.error("program", error.message)
            return
        except (OSError, subprocess.SubprocessError) as error:
            yield self._chart.error("program", msg("nmap does not start ({reason})", reason=type(error).__name__))
            return
        version = " ".join(ran.stdout.decode("utf-8", "replace").split()[:3])
        yield self._chart.ok("program", msg("{version} is there; plain connections need no right of root",
                                            version=version))  # fmt: skip
        if not dies_with_us():
            yield self._chart.warning(
                "program",
                msg("nmap would go on sending where this program is killed: no setpriv here can do --pdeathsig"),
                msg("install the package util-linux, in a version whose setpriv can"),
            )

    def _range(self, chart: Chart, cidr: str) -> Iterator[Diagnosis]:
        """Whether the range is one of the network whose addresses it is taken for, and swept once."""
        wanted, cidrs = IPSet([IPNetwork(cidr)]), [c for z in self._tables for c in z.cidrs]
        # As zone_of: a table of the Internet never holds a private address.
        held = [c for z in self._tables if not z.internet or _is_internet(cidr) for c in z.cidrs]
        if self._entry.zone is None:
            yield chart.warning(
                "range",
                msg("no zone is named: what answers is joined with nothing that other sources know by address"),
                msg("`zone` of the table says in which network the addresses hold"),
            )
        elif not cidrs:
            yield chart.warning(
                "range",
                msg("the configuration does not say which addresses zone {zone} has: nobody can tell whether the range "
                    "is one of it", zone=self._entry.zone),
                msg("a table [[zone]] with this name and its `cidrs`"),
            )  # fmt: skip
        elif not wanted.issubset(IPSet(held)):
            yield chart.error(
                "range",
                msg("it does not lie in zone {zone}, which has {cidrs}: packets would go to a network that nobody "
                    "meant", zone=self._entry.zone, cidrs=named(cidrs)),
                msg("mend `cidrs` or `zone` of the sweep, or `cidrs` of the zone"),
            )  # fmt: skip
        else:
            yield chart.ok("range", msg("it lies in zone {zone}", zone=self._entry.zone))
        if _is_internet(cidr) and not any(z.internet for z in self._tables):
            yield chart.warning(
                "range",
                msg(
                    "it holds addresses of the Internet, and its zone is none with `internet = true`: they may be "
                    "anybody's"
                ),
            )
        twice = [f"sweep:{name} {other}" for name, other in self._earlier(cidr)
                 if not wanted.isdisjoint(IPSet([IPNetwork(other)]))]  # fmt: skip
        if twice:
            yield chart.warning("range", msg("its addresses are swept twice: also by {others}", others=named(twice)))

    def _earlier(self, cidr: str) -> Iterator[tuple[str, str]]:
        """Name and range of what is swept before it in the same zone."""
        for entry in self._before:
            if entry.zone == self._entry.zone:
                yield from ((entry.name, other) for other in entry.cidrs)
        own = list(dict.fromkeys(self._entry.cidrs))
        yield from ((self._entry.name, other) for other in own[: own.index(cidr)])

    def _list(self, chart: Chart, cidr: str, left: int) -> Diagnosis:
        count = IPNetwork(cidr).size
        if not left:
            return chart.warning("list", msg("all of it is on the do-not-scan list: nothing is sent"))
        return chart.ok(
            "list",
            msg("{listed} of {count} address(es) are on the do-not-scan list and left out; names on it protect nothing "
                "here", listed=count - left, count=count),
        )  # fmt: skip

    def _estimate(self, chart: Chart, addresses: int) -> Diagnosis:
        """From every address answering at once to none, and each of those that answer tried on all ports."""
        rate, limit = self._entry.packets_per_second, self._entry.total_timeout
        knocks, ports = len(self._entry.ports or KNOCKED_PORTS), len(self._entry.ports)
        least, most = addresses * knocks / rate, addresses * TRIES * (knocks + ports) / rate
        sentence = msg(
            "{count} address(es) at {rate} packets a second: from {least} to {most}; stopped after {limit}",
            count=addresses,
            rate=rate,
            least=duration(least),
            most=duration(most),
            limit=duration(limit),
        )
        helps = msg(
            "smaller ranges, fewer ports, a larger total_timeout or, if the network's keeper agrees, more packets"
        )
        if least > limit:
            return chart.error("estimate", sentence, helps)
        return chart.warning("estimate", sentence, helps) if most > limit else chart.ok("estimate", sentence)


def _is_internet(cidr: str) -> bool:
    """Whether the range begins or ends in the Internet."""
    network = IPNetwork(cidr)
    return any(is_internet(str(IPAddress(end, network.version))) for end in (network.first, network.last))
