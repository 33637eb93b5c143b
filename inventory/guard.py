"""The do-not-scan guard (Art. 28): what it matches is never resolved, connected to or written down.

It is asked before DNS and before a connection with nothing but the configured text, and again of every record before
it is kept. What it drops leaves a count behind, no name and no address.
"""

import ipaddress
from collections.abc import Iterable, Iterator

import msgspec
from netaddr import IPNetwork, IPSet

from inventory.names import normalise
from inventory.records import Port, Record
from inventory.uuids import both_orders


def _as_network(text: str) -> IPNetwork | None:
    """What an entry of the list means: an address, or a network with its host bits cleared."""
    try:
        return IPNetwork(str(ipaddress.ip_network(text.strip(), strict=False)))
    except ValueError:
        return None


def _as_address(text: str) -> IPNetwork | None:
    """What a record's text means: `10.20.0.5/24` is an address with its prefix, `10.20.0.0/24` is a network."""
    try:
        interface = ipaddress.ip_interface(text.strip().partition("%")[0])
    except ValueError:
        return None
    is_network = interface.ip == interface.network.network_address
    return IPNetwork(str(interface.network) if is_network else str(interface.ip))


class Guard:
    """Matches configured texts and collected records against the do-not-scan list."""

    def __init__(self, entries: Iterable[str] = ()) -> None:
        """Entries: addresses, CIDRs, host names, instance ids or UUIDs, tenant, system and project codes or names."""
        self._networks = IPSet()
        self._words: set[str] = set()
        self.add(entries)

    def add(self, entries: Iterable[str]) -> None:
        """Extends the list, for codes that the register turns out to mark as classified."""
        for entry in entries:
            network = _as_network(entry)
            if network is not None:
                self._networks.add(network)
                continue
            word = normalise(entry)
            if word:
                self._words.add(word)
                self._words.update(both_orders(word))

    def __bool__(self) -> bool:
        return bool(self._words) or bool(self._networks)

    def forbids(self, text: str) -> bool:
        """Whether a host name, address, id, code or name is on the list. Resolves nothing."""
        network = _as_address(text)
        if network is not None:
            return network in self._networks or network.ip in self._networks
        word = normalise(text)
        if word in self._words:
            return True
        # A fully qualified name is the listed host too.
        return "." in word and word.partition(".")[0] in self._words

    def forbids_record(self, record: Record) -> bool:
        """Whether any identifying text of the record is on the list."""
        return any(self.forbids(text) for text in _identifying(record))


_FREE_TEXT = frozenset({"kind", "source", "observed_at", "raw", "description", "device_owner", "status", "view"})


def _identifying(record: Record) -> Iterator[str]:
    if isinstance(record, Port) and record.device:
        yield record.device
    for name in record.__struct_fields__:
        if name not in _FREE_TEXT:
            yield from _texts(getattr(record, name))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        if value:
            yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, tuple):
        for inner in value:
            yield from _texts(inner)
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from _texts(getattr(value, name))
