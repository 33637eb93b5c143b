"""The one table of network segments 网段, from plans, clouds, clusters and hosts alike, over netaddr.

A segment is keyed by (routing domain, CIDR): the same private range in two domains is two segments, and that is normal
(department networks plan their own addresses, domain dossier §4.1). Longest prefix first, and never across zones.
Pure: no resolver, no clock.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from netaddr import AddrFormatError, IPAddress, IPNetwork

from inventory.records import HostSighting, Record, Segment
from inventory.settings import Zone

GOVERNMENT_EXTRANET = IPNetwork("59.192.0.0/10")
"""政务外网: registered as public addresses, yet never the Internet (domain dossier §4.1)."""

_CARRIER_NAT = IPNetwork("100.64.0.0/10")

_Slot = tuple[str | None, int, int]
"""Zone, IP version, prefix length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """Two different segments of one routing domain that share addresses: the plan names some address twice."""

    domain: str
    outer: Segment
    inner: Segment


class SegmentTable:
    """All segments, asked by address."""

    def __init__(self, segments: Iterable[Segment]) -> None:
        """Segments whose CIDR is no network are left out: a collector has rejected them already."""
        self._by_key: dict[tuple[str, str], list[Segment]] = defaultdict(list)
        self._slots: dict[_Slot, dict[int, list[Segment]]] = defaultdict(lambda: defaultdict(list))
        self._networks: dict[str, IPNetwork] = {}
        for segment in sorted(segments, key=_trust):
            network = as_network(segment.cidr)
            if network is None:
                continue
            cidr = str(network)
            self._networks[cidr] = network
            self._by_key[segment.domain, cidr].append(segment)
            slot = (segment.zone, network.version, network.prefixlen)
            self._slots[slot][network.first].append(segment)
        self._lengths: dict[tuple[str | None, int], list[int]] = defaultdict(list)
        for zone, version, length in self._slots:
            self._lengths[zone, version].append(length)
        for lengths in self._lengths.values():
            lengths.sort(reverse=True)
        self._zones = tuple(sorted({z for z, _ in self._lengths}, key=lambda z: z or ""))

    @classmethod
    def from_records(cls, records: Iterable[Record]) -> "SegmentTable":
        """The table of all segments among the records, and of what hosts say of their own links.

        Host links are added where no source declares the same network in the same zone: they tell that a network is
        there, never whose it is.
        """
        every = list(records)
        declared = [r for r in every if isinstance(r, Segment)]
        known = {(s.zone, str(n)) for s in declared if (n := as_network(s.cidr)) is not None}
        derived = [
            s for r in every if isinstance(r, HostSighting) for s in _links(r) if (s.zone, s.cidr) not in known
        ]  # fmt: skip
        return cls([*declared, *derived])

    def __len__(self) -> int:
        return len(self._by_key)

    def all(self, *, domain: str | None = None, zone: str | None = None) -> tuple[Segment, ...]:
        """Every segment, or those of one domain or zone, by domain, address and prefix length."""
        found = [
            s
            for (of_domain, _), segments in self._by_key.items()
            for s in segments
            if (domain is None or of_domain == domain) and (zone is None or s.zone == zone)
        ]
        return tuple(sorted(found, key=lambda s: (s.domain, *self._order(s), *_trust(s))))

    def find(self, address: str, *, zone: str | None, domain: str | None = None) -> tuple[Segment, ...]:
        """Segments that hold the address, most specific first, what plans and clouds declare before what hosts say.

        `zone=None` means that nobody knows the zone: then only what is true in every zone is answered, which is
        nothing as soon as two zones or domains could be meant; a segment without a zone stands in none. Text that is
        no address is in no segment.
        """
        ip = as_address(address)
        if ip is None:
            return ()
        if zone is not None:
            found = list(self._matches(ip, zone))
        else:
            found = [s for known in self._zones for s in self._matches(ip, known)]
        if domain is not None:
            found = [s for s in found if s.domain == domain]
        if zone is not None:
            return tuple(found)
        if len({s.domain for s in found}) > 1 or len({s.zone for s in found} - {None}) > 1:
            return ()
        return tuple(sorted(found, key=lambda s: (-self._network(s).prefixlen, *_trust(s))))

    def overlaps(self) -> tuple[Overlap, ...]:
        """Segments inside other segments of the same domain, each with the smallest that encloses it.

        What hosts say of their links is left out: a wrong netmask on a host is no fault of the plan.
        """
        by_domain: dict[str, list[Segment]] = defaultdict(list)
        for (domain, _), segments in self._by_key.items():
            if not _is_link(segments[0]):
                by_domain[domain].append(segments[0])
        return tuple(o for domain in sorted(by_domain) for o in self._nested(domain, by_domain[domain]))

    def contested(self) -> tuple[tuple[Segment, ...], ...]:
        """Segments that are declared more than once in one domain, for different departments or systems."""
        return tuple(
            tuple(segments)
            for _, segments in sorted(self._by_key.items())
            if len({s.department for s in segments if s.department}) > 1
            or len({s.system for s in segments if s.system}) > 1
        )

    def _nested(self, domain: str, segments: list[Segment]) -> Iterator[Overlap]:
        enclosing: list[tuple[IPNetwork, Segment]] = []
        for segment in sorted(segments, key=self._order):
            network = self._network(segment)
            while enclosing and (
                enclosing[-1][0].version != network.version or enclosing[-1][0].last < network.first
            ):  # fmt: skip
                enclosing.pop()
            if enclosing:
                yield Overlap(domain=domain, outer=enclosing[-1][1], inner=segment)
            enclosing.append((network, segment))

    def _matches(self, ip: IPAddress, zone: str | None) -> Iterator[Segment]:
        value, bits = int(ip), 32 if ip.version == 4 else 128
        for length in self._lengths.get((zone, ip.version), ()):
            shift = bits - length
            yield from self._slots[zone, ip.version, length].get(value >> shift << shift, ())

    def _network(self, segment: Segment) -> IPNetwork:
        network = as_network(segment.cidr)
        return self._networks[str(network)]

    def _order(self, segment: Segment) -> tuple[int, int, int]:
        network = self._network(segment)
        return network.version, network.first, network.prefixlen


def as_address(text: str) -> IPAddress | None:
    """The address of a text such as `10.1.1.5`, `10.1.1.5/24` or `fe80::1%eth0`; None if it holds none."""
    try:
        return IPAddress(text.partition("/")[0].partition("%")[0].strip())
    except (AddrFormatError, ValueError):
        return None


def as_network(text: str) -> IPNetwork | None:
    """The network of a text, host bits cleared; None if it holds none."""
    try:
        return IPNetwork(text.strip()).cidr
    except (AddrFormatError, ValueError):
        return None


def is_internet(address: str) -> bool:
    """Whether an address can belong to the Internet: globally routable, and not of the government extranet 政务外网."""
    ip = as_address(address)
    return ip is not None and ip.is_global() and ip not in GOVERNMENT_EXTRANET and ip not in _CARRIER_NAT


def zone_of(address: str, zones: Sequence[Zone]) -> str | None:
    """The configured zone whose CIDRs hold the address, by longest prefix.

    None if no zone holds it or two hold it equally well. A zone of the Internet never holds an address that cannot be
    of the Internet, so `0.0.0.0/0` may stand in it.
    """
    ip = as_address(address)
    if ip is None:
        return None
    best: tuple[int, set[str]] = (-1, set())
    for zone in zones:
        if zone.internet and not is_internet(address):
            continue
        for cidr in zone.cidrs:
            network = as_network(cidr)
            if network is None or ip not in network or network.prefixlen < best[0]:
                continue
            same = best[1] if network.prefixlen == best[0] else set()
            best = (network.prefixlen, same | {zone.name})
    return next(iter(best[1])) if len(best[1]) == 1 else None


def _trust(segment: Segment) -> tuple[int, str]:
    """What a plan says stands before a cloud's word, and that before a host's."""
    rank = 2 if _is_link(segment) else 0 if segment.source.startswith("ledger:") else 1
    return rank, segment.key


_LINK = "link:"


def _is_link(segment: Segment) -> bool:
    return segment.native_id.startswith(_LINK)


def _links(sighting: HostSighting) -> Iterator[Segment]:
    """Networks that the host is directly attached to, by its addresses' prefixes and its routes without gateway."""
    texts = [a for nic in sighting.nics for a in nic.addresses if "/" in a]
    texts += [r.destination for r in sighting.routes if r.gateway is None]
    domain = sighting.zone or sighting.source
    networks = {str(network): network for text in texts if (network := as_network(text)) is not None}
    for cidr, network in networks.items():
        if network.prefixlen == 0 or network.size == 1 or _is_local(network):
            continue
        yield Segment(
            source=sighting.source,
            native_id=f"{_LINK}{domain}|{cidr}",
            observed_at=sighting.observed_at,
            raw=sighting.raw,
            cidr=cidr,
            domain=domain,
            zone=sighting.zone,
        )


def _is_local(network: IPNetwork) -> bool:
    first = IPAddress(network.first, network.version)
    return first.is_loopback() or first.is_link_local() or first.is_multicast()
