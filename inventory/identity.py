"""Which sightings are the same machine. Identity comes before ownership and never rests on a name.

Joins, strongest first: SMBIOS UUID (either byte order) or providerID with an instance id; a serial number that is an
instance id; MAC and address together with a Neutron port; machine-id; an equipment's serial number; an address inside
one zone with a ledger row; MAC or address with what was only seen on the wire. A UUID that vendors leave unset, or that
several live machines report (clones, containers), joins nothing: it becomes a conflict that is told.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from inventory.hosts import Join
from inventory.records import HostSighting, Port, View
from inventory.text import Message, msg
from inventory.uuids import both_orders, canonical, is_usable

CONTROL_PLANE = (View.SERVER, View.LISTED)
_PAPER = (View.LISTED, View.ASSET)
_NO_SERIAL = frozenset(
    {"", "none", "0", "to be filled by o.e.m.", "default string", "not specified", "system serial number", "n/a"}
    | {"0123456789", "123456789", "unknown", "not available", "xxxxxxxxxx"}
)


@dataclass(frozen=True, kw_only=True)
class Machine:
    """Sightings that are one machine, why, and what contradicts it."""

    id: str
    name: str
    sightings: tuple[HostSighting, ...]
    joins: tuple[Join, ...] = ()
    conflicts: tuple[Message, ...] = ()


def identify(sightings: Sequence[HostSighting], ports: Iterable[Port]) -> tuple[Machine, ...]:
    """Joins sightings into machines, sorted by id. The order of the input leaves no trace."""
    return _Joiner(sorted(sightings, key=lambda s: s.key), sorted(ports, key=lambda p: p.key)).machines()


class _Joiner:
    """One pass over all sightings; `_root` is a union-find over their keys."""

    def __init__(self, sightings: list[HostSighting], ports: list[Port]) -> None:
        self.sightings = sightings
        self.by_key = {s.key: s for s in sightings}
        self.root: dict[str, str] = {s.key: s.key for s in sightings}
        self.joins: list[Join] = []
        self.conflicts: dict[str, list[Message]] = defaultdict(list)
        self.ports = _port_index(ports)
        self.devices: dict[str, set[str]] = defaultdict(set)
        for port in ports:
            if (device := canonical(port.device)) is not None:
                self.devices[port.mac].add(device)
        self.instances: dict[str, str] = {}
        self.cloned: set[str] = set()

    def machines(self) -> tuple[Machine, ...]:
        self._join_control_plane()
        self._find_clones()
        self._join_hosts_among_themselves()
        self._attach_to_instances()
        self._attach_wire()
        self._attach_paper()
        groups: dict[str, list[HostSighting]] = defaultdict(list)
        for sighting in self.sightings:
            groups[self._find(sighting.key)].append(sighting)
        joins: dict[str, list[Join]] = defaultdict(list)
        for join in self.joins:
            joins[self._find(join.left)].append(join)
        found = [self._machine(root, group, joins[root]) for root, group in groups.items()]
        return tuple(sorted(_distinct(found), key=lambda m: m.id))

    def _find(self, key: str) -> str:
        while self.root[key] != key:
            self.root[key] = self.root[self.root[key]]
            key = self.root[key]
        return key

    def _join(self, join: Join) -> None:
        left, right = self._find(join.left), self._find(join.right)
        self.joins.append(join)
        if left != right:
            first, second = sorted((left, right))
            self.root[second] = first

    def _join_control_plane(self) -> None:
        """The same instance id said by two control-plane sources (a live cloud and its export) is one instance."""
        for sighting in self.sightings:
            uuid = canonical(sighting.uuid)
            if sighting.view not in CONTROL_PLANE or uuid is None or not is_usable(uuid):
                continue
            if uuid in self.instances:
                self._join(Join(rule="uuid", value=uuid, left=self.instances[uuid], right=sighting.key))
            else:
                self.instances[uuid] = sighting.key

    def _find_clones(self) -> None:
        """UUIDs that several machines report: images cloned with their firmware data, containers on one node."""
        for view in (View.OS, View.NODE):
            claimants: dict[str, list[HostSighting]] = defaultdict(list)
            for sighting in self.sightings:
                if sighting.view is view and is_usable(sighting.uuid):
                    claimants[min(both_orders(sighting.uuid))].append(sighting)
            for uuid, claiming in claimants.items():
                if any(not _same_by_wire(claiming[0], other) for other in claiming[1:]):
                    self.cloned |= both_orders(uuid)
                    for sighting in claiming:
                        others = ", ".join(sorted(o.name for o in claiming if o is not sighting))
                        self.conflicts[sighting.key].append(
                            msg(
                                "UUID {uuid} is also reported by {others}: it identifies none of them",
                                uuid=uuid,
                                others=others,
                            )
                        )

    def _usable(self, uuid: str | None) -> frozenset[str]:
        if not is_usable(uuid):
            return frozenset()
        orders = both_orders(uuid)
        return frozenset() if orders & self.cloned else orders

    def _join_hosts_among_themselves(self) -> None:
        """Two ways of reaching one machine: UUID, machine-id and serial among what machines say of themselves."""
        own = [s for s in self.sightings if s.view in (View.OS, View.NODE, View.HYPERVISOR)]
        by_uuid: dict[str, HostSighting] = {}
        for sighting in own:
            orders = self._usable(sighting.uuid)
            if not orders:
                continue
            key = min(orders)
            if key in by_uuid:
                first = by_uuid[key]
                rule = "uuid" if canonical(first.uuid) == canonical(sighting.uuid) else "uuid_swapped"
                self._join(Join(rule=rule, value=canonical(sighting.uuid) or key, left=first.key, right=sighting.key))
            else:
                by_uuid[key] = sighting
        self._join_unique(own, "machine_id", lambda s: [s.machine_id] if s.machine_id else [], (View.OS, View.NODE))
        self._join_unique(own, "zone_address", _zone_addresses, (View.HYPERVISOR, View.OS))

    def _join_unique(
        self,
        own: list[HostSighting],
        rule: str,
        values_of: Callable[[HostSighting], list[str]],
        across: tuple[View, View],
    ) -> None:
        """Joins one sighting of each of two views by a value that each view reports exactly once."""
        seen: dict[View, dict[str, set[str]]] = {view: defaultdict(set) for view in across}
        for sighting in own:
            if sighting.view in seen:
                for value in values_of(sighting):
                    seen[sighting.view][value].add(sighting.key)
        left, right = (seen[view] for view in across)
        for value in sorted(left):
            rights = right.get(value, set())
            # Two aliases of one host are one already: count machines, not sightings.
            if len({self._find(k) for k in left[value]}) == 1 and len({self._find(k) for k in rights}) == 1:
                self._join(Join(rule=rule, value=value, left=min(left[value]), right=min(rights)))

    def _claims(self, sighting: HostSighting) -> dict[str, list[Join]]:
        claims: dict[str, list[Join]] = defaultdict(list)

        def claim(rule: str, value: str, server: str) -> None:
            claims[server].append(Join(rule=rule, value=value, left=server, right=sighting.key))

        said = canonical(sighting.uuid)
        for uuid in self._usable(sighting.uuid):
            if uuid in self.instances:
                claim("uuid" if uuid == said else "uuid_swapped", said or uuid, self.instances[uuid])
        provider = _provider_uuid(sighting.provider_id)
        if provider and provider in self.instances and provider not in self.cloned:
            claim("provider_id", sighting.provider_id or provider, self.instances[provider])
        serial = canonical(sighting.serial)
        # sysinfo_serial=hardware gives every guest its host's serial; it is believed only where the UUID says nothing.
        if (
            serial
            and serial in self.instances
            and not claims
            and sighting.view is View.OS
            and not is_usable(sighting.uuid)
        ):
            claim("serial", sighting.serial or serial, self.instances[serial])
        for uuid in sorted(_vmware_uuids(sighting.serial) - self.cloned):
            # VMware prints one id twice: as the serial number, and with its first fields turned as the UUID.
            if uuid in self.instances and not claims and sighting.view is View.OS and not is_usable(sighting.uuid):
                claim("serial", sighting.serial or uuid, self.instances[uuid])
        for nic in sighting.nics:
            for address in nic.addresses:
                device = self.ports.get((nic.mac or "", address.partition("/")[0]))
                server = self.instances.get(canonical(device) or "") if device else None
                if server and sighting.view is View.OS:
                    claim("mac_address", f"{nic.mac} {address.partition('/')[0]}", server)
        return claims

    def _attach_to_instances(self) -> None:
        """A machine that points to one instance is that instance; one that points to two is neither."""
        members: dict[str, list[HostSighting]] = defaultdict(list)
        for sighting in self.sightings:
            if sighting.view in (View.OS, View.NODE):
                members[self._find(sighting.key)].append(sighting)
        pointing: dict[str, list[tuple[list[HostSighting], list[Join]]]] = defaultdict(list)
        for group in members.values():
            claims: dict[str, list[Join]] = defaultdict(list)
            for sighting in group:
                for server, joins in self._claims(sighting).items():
                    claims[self._find(server)].extend(joins)
            if len(claims) == 1:
                server, joins = next(iter(claims.items()))
                pointing[server].append((group, joins))
            elif claims:
                names = ", ".join(sorted(f"{self.by_key[s].name} ({self.by_key[s].uuid})" for s in claims))
                rules = ", ".join(sorted({j.rule for joins in claims.values() for j in joins}))
                self._contradict(
                    group,
                    msg("its identifiers ({rules}) point to several instances: {names}", rules=rules, names=names),
                )
            else:
                self._compare_macs(group)
        for server, claimants in pointing.items():
            self._attach_one(server, claimants)

    def _attach_one(self, server: str, claimants: list[tuple[list[HostSighting], list[Join]]]) -> None:
        """One instance is one machine: two that claim it are neither, and so is a node that contradicts itself."""
        everybody = [s for group, _ in claimants for s in group]
        for group, joins in claimants:
            others = [o for o in everybody if o not in group and any(_excludes(s, o) for s in group)]
            rules = {j.rule for j in joins}
            foreign = sorted({s.uuid or "" for s in group if s.view is View.NODE and self._usable(s.uuid)})
            instance = f"{self.by_key[server].name} ({self.by_key[server].uuid})"
            if others:
                self._contradict(
                    group,
                    msg(
                        "its identifiers ({rules}) point to instance {instance}, and so do those of {others}",
                        rules=", ".join(sorted(rules)),
                        instance=instance,
                        others=", ".join(sorted({o.name for o in others})),
                    ),
                )
            elif rules == {"provider_id"} and foreign:
                # Whoever runs the kubelet writes the providerID; the machine under it says that it is another one.
                self._contradict(
                    group,
                    msg(
                        "its providerID names instance {instance}, its own UUID {uuid} does not",
                        instance=instance,
                        uuid=", ".join(foreign),
                    ),
                )
            else:
                for join in joins:
                    self._join(join)

    def _compare_macs(self, group: list[HostSighting]) -> None:
        """A MAC of an instance under another address is no proof that it is the instance, nor that it is not."""
        for sighting in group:
            if sighting.view is not View.OS:
                continue
            for mac in sorted({nic.mac for nic in sighting.nics if nic.mac}):
                servers = {self.instances[d] for d in self.devices.get(mac, ()) if d in self.instances}
                if servers:
                    names = ", ".join(sorted(f"{self.by_key[s].name} ({self.by_key[s].uuid})" for s in servers))
                    self._contradict(
                        [sighting],
                        msg(
                            "its MAC {mac} is that of a port of {names}, which has other addresses",
                            mac=mac,
                            names=names,
                        ),
                    )

    def _contradict(self, group: Iterable[HostSighting], conflict: Message) -> None:
        for sighting in group:
            self.conflicts[sighting.key].append(conflict)

    def _attach_wire(self) -> None:
        """What was only seen on the wire: by its MAC, else by an address that is one machine's in its zone.

        A MAC is easily copied: it joins inside one zone only, and to an instance together with its address. Where both
        sides have MACs, an address alone joins nothing that they contradict.
        """
        wire = [s for s in self.sightings if s.view is View.DISCOVERED]
        if not wire:
            return
        groups: dict[str, list[HostSighting]] = defaultdict(list)
        for sighting in self.sightings:
            if sighting.view not in _PAPER:
                groups[self._find(sighting.key)].append(sighting)
        for rule, values_of, agree in (
            ("wire_mac", _macs, _agree_on_mac),
            ("zone_address", _zone_addresses, _agree_on_address),
        ):
            seen: dict[str, set[str]] = defaultdict(set)
            for sighting in (s for group in groups.values() for s in group):
                for value in values_of(sighting):
                    seen[value].add(sighting.key)
            for value in sorted({v for s in wire for v in values_of(s)}):
                roots = sorted({self._find(key) for key in seen[value]})
                known = [r for r in roots if any(s.view is not View.DISCOVERED for s in groups[r])]
                if len(roots) < 2 or len(known) > 1 or not agree([groups[r] for r in roots]):
                    continue
                keys = [min(s.key for s in groups[r] if value in values_of(s)) for r in (known or roots[:1])]
                others = [min(s.key for s in groups[r] if value in values_of(s)) for r in roots if r not in known[:1]]
                for key in others:
                    if key != keys[0]:
                        self._join(Join(rule=rule, value=value, left=keys[0], right=key))
                merged = [s for r in roots for s in groups.pop(r)]
                groups[self._find(keys[0])] = merged

    def _attach_paper(self) -> None:
        """Ledger rows describe machines: by serial number, by UUID, else by an address that is unique in its zone."""
        live: dict[str, set[str]] = defaultdict(set)
        rows: Counter[str] = Counter()
        for sighting in self.sightings:
            for value in _paper_values(sighting):
                if sighting.view in _PAPER:
                    rows[value] += 1
                else:
                    live[value].add(self._find(sighting.key))
        for sighting in self.sightings:
            if sighting.view not in _PAPER:
                continue
            for value in _paper_values(sighting):
                roots = live.get(value, set())
                if rows[value] == 1 and len(roots) == 1:
                    rule, _, text = value.partition("=")
                    self._join(Join(rule=rule, value=text, left=min(roots), right=sighting.key))
                    break

    def _machine(self, root: str, group: list[HostSighting], joins: list[Join]) -> Machine:
        conflicts = {c.id + repr(sorted(c.args.items())): c for s in group for c in self.conflicts.get(s.key, [])}
        ordered = tuple(sorted(group, key=lambda s: s.key))
        return Machine(
            id=self._id(root, ordered),
            name=_name(ordered),
            sightings=ordered,
            joins=tuple(sorted(set(joins), key=lambda j: (j.rule, j.left, j.right, j.value))),
            conflicts=tuple(conflicts[k] for k in sorted(conflicts)),
        )

    def _id(self, root: str, group: tuple[HostSighting, ...]) -> str:
        for sighting in group:
            uuid = canonical(sighting.uuid)
            if sighting.view in CONTROL_PLANE and uuid:
                return uuid
        for sighting in group:
            orders = self._usable(sighting.uuid)
            if orders:
                return min(orders)
        # machine-id repeats on cloned images, so it names a machine only together with where it was asked.
        # What was seen on the wire names a machine only where nothing else does: sweeps come and go.
        own = [s for s in group if s.view is not View.DISCOVERED] or group
        macs = sorted(n.mac for s in own for n in s.nics if n.mac)
        if macs:
            return f"mac-{macs[0].replace(':', '')}"
        for sighting in group:
            if sighting.machine_id:
                return f"machine-{sighting.machine_id}"
        return root


def _distinct(machines: list[Machine]) -> list[Machine]:
    """Two machines that ended with one id (a MAC used twice) get their first sighting's key instead."""
    count = Counter(m.id for m in machines)
    return [
        m
        if count[m.id] == 1
        else Machine(
            id=f"{m.id}@{m.sightings[0].key}",
            name=m.name,
            sightings=m.sightings,
            joins=m.joins,
            conflicts=(*m.conflicts, msg("identifier {id} is shared with another machine", id=m.id)),
        )
        for m in machines
    ]


def _name(group: tuple[HostSighting, ...]) -> str:
    order = (View.SERVER, View.LISTED, View.OS, View.HYPERVISOR, View.NODE, View.ASSET, View.DISCOVERED)
    return min(group, key=lambda s: (order.index(s.view), s.key)).name


def _same_by_wire(one: HostSighting, other: HostSighting) -> bool:
    """Whether two sightings with one UUID are one machine reached twice: they share a MAC (or, of nodes, a name)."""
    if one.view is View.NODE:
        return one.source != other.source and one.machine_id == other.machine_id and one.machine_id is not None
    macs = {n.mac for n in one.nics if n.mac}
    return bool(macs & {n.mac for n in other.nics if n.mac})


def _excludes(one: HostSighting, other: HostSighting) -> bool:
    """Whether two sightings of one view cannot be one machine; a node and its own operating system are two views."""
    return one.view is other.view and not _same_by_wire(one, other)


def _macs(sighting: HostSighting) -> list[str]:
    return sorted({n.mac for n in sighting.nics if n.mac})


def _agree_on_mac(groups: list[list[HostSighting]]) -> bool:
    """Whether machines with one MAC may be one: of one zone, and where an instance is among them, of one address."""
    zones = {s.zone for group in groups for s in group if s.zone}
    addresses = [
        {a.partition("/")[0] for s in group for n in s.nics for a in n.addresses if _routable(a)} for group in groups
    ]
    is_instance = any(s.view in CONTROL_PLANE for group in groups for s in group)
    return len(zones) < 2 and (not is_instance or bool(set.intersection(*addresses)))


def _agree_on_address(groups: list[list[HostSighting]]) -> bool:
    """Whether machines with one address may be one: no two of them have MACs and none in common."""
    macs = [m for group in groups if (m := {mac for s in group for mac in _macs(s)})]
    return all(not one.isdisjoint(other) for i, one in enumerate(macs) for other in macs[:i])


def _zone_addresses(sighting: HostSighting) -> list[str]:
    if not sighting.zone:
        return []
    return sorted(
        {f"{sighting.zone} {a.partition('/')[0]}" for n in sighting.nics for a in n.addresses if _routable(a)}
    )


def _routable(address: str) -> bool:
    """Loopback, link-local and the container bridges' usual network are on every machine: they name none."""
    text = address.partition("/")[0]
    return not text.startswith(("127.", "169.254.", "172.17.", "fe80:")) and text != "::1"


def _provider_uuid(provider_id: str | None) -> str | None:
    """The instance id in `openstack:///UUID`, `openstack://region/UUID`, `openstack://UUID` or a bare `UUID`.

    Another maker's scheme names no instance of ours, whatever its id looks like.
    """
    scheme, separator, rest = (provider_id or "").rpartition("://")
    if separator and scheme != "openstack":
        return None
    return canonical(rest.rpartition("/")[2]) if separator or "/" not in rest else None


def _vmware_uuids(serial: str | None) -> frozenset[str]:
    """Both orders of the UUID in a serial number `VMware-42 0e 3f 74 …`; another maker's serial may be its host's."""
    is_vmware = (serial or "").strip().lower().startswith("vmware-")
    return both_orders(serial) if is_vmware and is_usable(serial) else frozenset()


def _paper_values(sighting: HostSighting) -> list[str]:
    uuids = both_orders(sighting.uuid) if is_usable(sighting.uuid) else _vmware_uuids(sighting.serial)
    values = [f"uuid={u}" for u in sorted(uuids)]
    serial = (sighting.serial or "").strip().casefold()
    if serial not in _NO_SERIAL and canonical(serial) is None:
        values.append(f"serial={serial}")
    return values + [f"zone_address={value}" for value in _zone_addresses(sighting)]


def _port_index(ports: list[Port]) -> dict[tuple[str, str], str | None]:
    """(MAC, address) to the device that holds it; None where two ports hold the same pair (overlapping networks)."""
    index: dict[tuple[str, str], str | None] = {}
    for port in ports:
        for address in port.addresses:
            pair = (port.mac, address.partition("/")[0])
            index[pair] = None if pair in index and index[pair] != port.device else port.device
    return index
