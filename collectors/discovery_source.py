"""What nobody declared: files of a sweep, of neighbour tables and of DHCP leases as a source.

A sighting says that something answered at an address; not what it is, nor whose. Yunhe itself sends nothing.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from collectors.collector import Collector, Incomplete, Reading, Said
from collectors.discovery_files import READERS, Cut, Seen, Strange, Taken, sha256
from collectors.errors import CollectorError
from inventory.coverage import Cell, Rejection, SourceInfo
from inventory.records import HostSighting, Listener, Nic, View
from inventory.settings import Discovery, resolve
from inventory.text import msg

MAX_ADDRESSES_OF_MAC = 8
"""More addresses behind one MAC are a router or a proxy that answers for others."""


def discovery_collectors(entry: Discovery, *, base: Path, clock: Callable[[], datetime]) -> list[Collector]:
    """The collector of one file. Opens nothing yet."""
    return [DiscoveryCollector(entry=entry, path=resolve(base, entry.path), clock=clock)]


@dataclass(frozen=True, kw_only=True)
class DiscoveryCollector:
    """Reads one file into sightings of view `discovered`."""

    entry: Discovery
    path: Path
    clock: Callable[[], datetime]
    origin: str = "discovery"
    """`discovery`: somebody else's file; `sweep`: nmap's, started by this program."""

    @property
    def source(self) -> str:
        """`discovery:NAME`, or `sweep:NAME`."""
        return f"{self.origin}:{self.entry.name}"

    @property
    def info(self) -> SourceInfo:
        """The source; never the platform's word."""
        return SourceInfo(name=self.source, type="discovery", zone=self.entry.zone)

    @property
    def parallel(self) -> int:
        """One file."""
        return 1

    def plan(self) -> Sequence[Cell]:
        """One cell: the file."""
        return [Cell(source=self.source, scope="*", kind="host")]

    def read(self, cell: Cell) -> Iterator[Said]:
        """One sighting for each machine that can be told apart.

        Raises:
            CollectorError: the file cannot be read to its end; what was read before is told.
        """
        observed_at = self.clock()
        digest = sha256(self.path)
        seen: list[Seen] = []
        taken: datetime | None = None
        error: CollectorError | None = None
        try:
            for told in READERS[self.entry.kind](self.path, observed_at):
                match told:
                    case Seen():
                        seen.append(told)
                    case Taken(at=at):
                        taken = at
                    case Cut(reason=reason):
                        yield Incomplete(reason)
                    case Strange():
                        yield self._rejection(told, cell)
        except CollectorError as caught:
            error = caught
        for group in _machines(seen):
            yield self._reading(group, observed_at, digest)
        if error is not None:
            raise error
        yield from self._too_old(taken, observed_at)

    def _too_old(self, taken: datetime | None, now: datetime) -> Iterator[Incomplete]:
        at = taken or datetime.fromtimestamp(self.path.stat().st_mtime, UTC)
        if now - at > timedelta(hours=self.entry.max_age_hours):
            yield Incomplete(
                msg(
                    "{file} was taken on {day}, more than {hours} hours ago: what came since was not seen",
                    file=self.path.name,
                    day=at.date().isoformat(),
                    hours=self.entry.max_age_hours,
                )
            )

    def _rejection(self, strange: Strange, cell: Cell) -> Rejection:
        return Rejection(
            source=cell.source,
            file=self.path.name,
            sheet="",
            row=strange.line,
            column=strange.column,
            value=strange.text,
            expected=strange.expected,
        )

    def _reading(self, group: Sequence[Seen], observed_at: datetime, digest: str) -> Reading:
        addresses = tuple(dict.fromkeys(a for s in group for a in s.addresses))
        mac = group[0].mac
        name = next((s.name for s in group if s.name), None)
        listeners = _distinct(x for s in group for x in s.listeners)
        record = HostSighting(
            source=self.source,
            native_id=f"{self.entry.zone or '-'}|{mac or addresses[0]}",
            observed_at=observed_at,
            view=View.DISCOVERED,
            name=name or addresses[0],
            zone=self.entry.zone,
            nics=(Nic(mac=mac, addresses=addresses),),
            listeners=listeners,
        )
        raw = {
            "file": self.path.name,
            "sha256": digest,
            "format": self.entry.kind,
            "lines": [s.line for s in group],
            "addresses": addresses,
            "mac": mac,
            "name": name,
            "ports": [f"{x.protocol}/{x.port}" for x in listeners],
        }
        return Reading(record, raw)


def _distinct(listeners: Iterable[Listener]) -> tuple[Listener, ...]:
    return tuple(sorted(set(listeners), key=lambda x: (x.protocol, x.address, x.port)))


def _machines(seen: Iterable[Seen]) -> Iterator[list[Seen]]:
    """What one file tells apart: by MAC, else by address; a MAC that answers for many addresses names none."""
    by_mac: dict[str, list[Seen]] = defaultdict(list)
    for each in seen:
        if each.mac:
            by_mac[each.mac].append(each)
    proxies = {m for m, group in by_mac.items() if len({a for s in group for a in s.addresses}) > MAX_ADDRESSES_OF_MAC}
    groups: dict[str, list[Seen]] = defaultdict(list)
    for each in seen:
        if each.mac is None or each.mac in proxies:
            groups[each.addresses[0]].append(_without_mac(each))
        else:
            groups[each.mac].append(each)
    for key in sorted(groups):
        yield groups[key]


def _without_mac(seen: Seen) -> Seen:
    return Seen(addresses=seen.addresses, name=seen.name, listeners=seen.listeners, line=seen.line)
