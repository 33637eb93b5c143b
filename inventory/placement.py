"""Where a machine stands, and what proves it.

*On the cloud* takes the control plane's word tied to the machine or the wire; what a machine says of itself is told as
a fact and proves nothing. *Standalone* takes positive evidence of what it is and complete coverage of the cloud;
everything else is undetermined and says what would settle it.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from functools import lru_cache

from netaddr import AddrFormatError, IPAddress, IPNetwork

from inventory.coverage import CellResult, CellState, Coverage, scope_words
from inventory.hosts import Place, Placement
from inventory.identity import Machine
from inventory.records import HostSighting, ThirdPartyResource, View
from inventory.text import Message, mark, msg
from inventory.uuids import canonical, is_usable

SERVER_CHASSIS = frozenset({3, 4, 5, 6, 7, 13, 15, 16, 17, 23, 24, 25, 28, 29})
"""SMBIOS chassis types (DSP0134 table 17) of machines that stand somewhere: desktop, tower, rack, blade."""

VIRTUAL_VENDORS = (
    *("qemu", "vmware", "xen", "innotek", "bochs", "openstack", "red hat", "ovirt", "parallels", "nutanix", "smartx"),
    *("zstack", "alibaba cloud", "tencent cloud", "huaweicloud", "huawei cloud", "baidu cloud", "amazon ec2", "google"),
    *("ctyun", "ecloud"),
)
"""Beginnings of sys_vendor or product_name on virtual machines."""

_MOST_NAMED = 5

_JOIN_FACTS = {
    "uuid": mark("its own UUID {value} is that instance's id"),
    "uuid_swapped": mark("its own UUID {value} is that instance's id, the first three fields in the other byte order"),
    "serial": mark("its serial number {value} is that instance's id"),
    "provider_id": mark("its Kubernetes providerID {value} names that instance"),
    "mac_address": mark("its MAC and address {value} are those of that instance's Neutron port"),
    "zone_address": mark("its zone and address {value} are those of the row"),
    "machine_id": mark("two sources report its machine-id {value}"),
}


def place(
    machine: Machine,
    *,
    coverage: Coverage,
    third_parties: Sequence[ThirdPartyResource],
    today: date | None = None,
    unidentified: Sequence[str] = (),
) -> Placement:
    """The machine's placement; pure.

    `today` chooses among several contracts that cover it; `unidentified` names what the platform lists without anything
    that a machine could be compared with (`unidentified_instances`).
    """
    evidence = tuple(s.key for s in machine.sightings)
    claims = tuple(_claims(machine))
    listed = [s for s in machine.sightings if s.view in (View.SERVER, View.LISTED) and coverage.is_platform(s.source)]
    if listed and _is_address_of_another(machine, listed):
        missing = msg(
            "a row of the cloud's list has its address and nothing else of it, and the machine calls itself physical: "
            "its UUID or MAC in the list, by whoever keeps the list"
        )
        return Placement(place=Place.UNDETERMINED, facts=claims, missing=(missing,), evidence=evidence)
    if listed:
        return Placement(
            place=Place.CLOUD_INSTANCE, facts=(*_instance_facts(machine, listed), *claims), evidence=evidence
        )
    infrastructure = tuple(_infrastructure_facts(machine, coverage))
    if infrastructure:
        return Placement(place=Place.CLOUD_INFRASTRUCTURE, facts=(*infrastructure, *claims), evidence=evidence)
    for resource in sorted(third_parties, key=lambda t: (_term_rank(t, today), t.key)):
        covered = _covered_by(machine, resource)
        if covered is not None:
            return Placement(
                place=Place.THIRD_PARTY,
                facts=(covered, *claims),
                evidence=(*evidence, resource.key),
                contract=resource.native_id,
            )
    return _outside(machine, coverage, claims, evidence, unidentified)


def unidentified_instances(machines: Iterable[Machine], coverage: Coverage) -> tuple[str, ...]:
    """Names of instances that a list of the platform gives without a UUID and that no machine was joined to.

    Any virtual machine may be one of them: such a list is complete and still says nothing of who is not in it.
    """
    return tuple(
        sorted(
            m.name
            for m in machines
            if all(s.view is View.LISTED and coverage.is_platform(s.source) for s in m.sightings)
            and not any(is_usable(s.uuid) for s in m.sightings)
        )
    )


def _term_rank(resource: ThirdPartyResource, today: date | None) -> int:
    """A renewed contract covers what its predecessor covered: in force before open before past or still to come."""
    if today is None:
        return 0
    if (resource.valid_from is not None and resource.valid_from > today) or (
        resource.valid_to is not None and resource.valid_to < today
    ):
        return 2
    return 1 if resource.valid_to is None else 0


def _is_address_of_another(machine: Machine, listed: Sequence[HostSighting]) -> bool:
    """Whether a physical machine is tied to a list of instances by an address alone: an address is easily taken."""
    if any(s.view is View.SERVER for s in listed):
        return False
    is_physical = any(_kind(s) is Place.STANDALONE_PHYSICAL for s in machine.sightings if s.view is View.OS)
    rows = {s.key for s in listed}
    rules = {j.rule for j in machine.joins if j.left in rows or j.right in rows}
    return is_physical and rules == {"zone_address"}


def _instance_facts(machine: Machine, listed: list[HostSighting]) -> list[Message]:
    facts = [
        msg("the control plane {source} lists it as instance {id}", source=s.source, id=s.uuid or s.native_id)
        for s in listed
    ]
    return facts + [msg(_JOIN_FACTS[j.rule], value=j.value) for j in machine.joins if j.rule in _JOIN_FACTS]


def _infrastructure_facts(machine: Machine, coverage: Coverage) -> Iterable[Message]:
    for s in machine.sightings:
        if s.view is View.HYPERVISOR and coverage.is_platform(s.source):
            yield msg(
                "the control plane {source} lists it as its own compute host {name}", source=s.source, name=s.name
            )
        if s.view is View.ASSET and s.is_centre_infrastructure:
            yield msg(
                "the centre's equipment ledger {source} names it as its own infrastructure, asset {number}",
                source=s.source,
                number=s.asset_number or s.native_id,
            )


def _covered_by(machine: Machine, resource: ThirdPartyResource) -> Message | None:
    ids = {canonical(a) or a.strip().casefold() for a in resource.accounts}
    for s in machine.sightings:
        for own in (s.uuid, s.cloud_instance_id, s.serial):
            if own and (canonical(own) or own.strip().casefold()) in ids:
                return msg("contract {contract} of {provider} names {id}", contract=resource.native_id,
                           provider=resource.provider, id=own)  # fmt: skip
        # Overlapping private ranges are normal: a range holds only inside the zone that the contract names.
        if resource.zone is not None and s.zone != resource.zone:
            continue
        if s.view is View.DISCOVERED:
            continue  # whatever answers at an address of the contract may be somebody else's machine
        for nic in s.nics:
            for text in nic.addresses:
                network = _network_of(text, resource, is_zoned=resource.zone is not None)
                if network is not None:
                    return msg(
                        "contract {contract} of {provider} covers its address {address} ({range})",
                        contract=resource.native_id,
                        provider=resource.provider,
                        address=text.partition("/")[0],
                        range=network,
                    )
    return None


def _network_of(text: str, resource: ThirdPartyResource, *, is_zoned: bool) -> str | None:
    address = _address(text.partition("/")[0].partition("%")[0])
    if address is None or (not is_zoned and not address.is_global()):
        return None
    for cidr in resource.ranges:
        network = _range(cidr)
        if network is not None and address in network:
            return cidr
    return None


# Every machine is held against every contract: what they write is read once.


@lru_cache(maxsize=1 << 12)
def _address(text: str) -> IPAddress | None:
    try:
        return IPAddress(text)
    except (AddrFormatError, ValueError):
        return None


@lru_cache(maxsize=1 << 12)
def _range(cidr: str) -> IPNetwork | None:
    try:
        return IPNetwork(cidr)
    except (AddrFormatError, ValueError):
        return None


def _outside(
    machine: Machine,
    coverage: Coverage,
    claims: tuple[Message, ...],
    evidence: tuple[str, ...],
    unidentified: Sequence[str],
) -> Placement:
    foreign = tuple(
        msg(
            "the control plane {source}, which is not the government cloud's, lists it as instance {id}",
            source=s.source,
            id=s.uuid or s.native_id,
        )
        for s in machine.sightings
        if s.view is View.SERVER
    )
    if foreign:
        # Another list of the government cloud, or the centre's register of contracts, may hold it all the same.
        missing = machine.conflicts or cloud_gaps(coverage) or _procurement_gaps(coverage) or _unregistered(coverage)
        return Placement(
            place=Place.UNDETERMINED if missing else Place.STANDALONE_VIRTUAL,
            facts=(*foreign, *claims),
            missing=missing,
            evidence=evidence,
        )
    own = [s for s in machine.sightings if s.view is View.OS]
    kinds = {kind for s in own if (kind := _kind(s)) is not None}
    missing = _obstacles(machine, coverage, own)
    if not missing and Place.STANDALONE_VIRTUAL in kinds and unidentified:
        missing = (
            msg(
                "the cloud's list gives {count} instance(s) without a UUID ({names}); it may be one of them: their "
                "UUIDs, by whoever keeps the list",
                count=len(unidentified),
                names=", ".join(unidentified[:_MOST_NAMED]),
            ),
        )
    if not missing and Place.STANDALONE_VIRTUAL in kinds:
        missing = _unregistered(coverage)
    if not missing and len(kinds) != 1:
        missing = (msg("whether it is physical or virtual could not be told: the infrastructure team must look"),)
    if missing:
        return Placement(place=Place.UNDETERMINED, facts=claims, missing=missing, evidence=evidence)
    absent = msg(
        "neither its UUID nor a MAC of its is in any inventory of the government cloud, and those are complete"
    )
    return Placement(place=kinds.pop(), facts=(absent, *claims), evidence=evidence)


def _obstacles(machine: Machine, coverage: Coverage, own: list[HostSighting]) -> tuple[Message, ...]:
    """Why nothing may be concluded from the machine's absence in the cloud's inventory."""
    if machine.conflicts:
        return (*machine.conflicts, msg("the host's administrator must give it a UUID of its own"))
    if gaps := cloud_gaps(coverage) or _procurement_gaps(coverage):
        return gaps
    if not own:
        return (msg("nobody has looked at the machine itself: the infrastructure team needs SSH access to it"),)
    if any("uuid" in s.needs_root for s in own) or not any(_has_identity(s) for s in own):
        return (
            msg("its SMBIOS UUID could not be read: the probe needs root (sudo) on the host, or the host has none"),
        )
    return ()


def cloud_gaps(coverage: Coverage) -> tuple[Message, ...]:
    """What of the government cloud's control plane could not be seen; empty only if all of it was."""
    cells = coverage.of("host", "port", platform_only=True)
    if not any(r.cell.kind == "host" and not r.cell.source.startswith("kubernetes:") for r in cells):
        return (msg("no inventory of the government cloud is configured: its OpenStack or its list must be named"),)
    # Its own compute hosts stand in no list of instances; a list on paper has none, and says nothing of them.
    cells += tuple(r for r in coverage.of("hypervisor", platform_only=True) if r.state is not CellState.NOT_CONFIGURED)
    return tuple(gap(r) for r in cells if not r.is_complete and not r.is_excluded)


def _procurement_gaps(coverage: Coverage) -> tuple[Message, ...]:
    """What of the centre's register of contracts was not seen: a contract in it may cover any machine."""
    return tuple(gap(r) for r in coverage.gaps("third_party"))


def _unregistered(coverage: Coverage) -> tuple[Message, ...]:
    """That nobody gave the centre's register of contracts: whose cloud a virtual machine runs on only it can say.

    A physical server is somebody's own by its asset card or its purchase, which its age and its owner rest on.
    """
    if coverage.of("third_party"):
        return ()
    return (msg("the centre's register of procured third-party capacity, also where it is empty: it must be named"),)


def gap(result: CellResult) -> Message:
    """One incomplete cell as a sentence."""
    return msg(
        "{source}, {kind} in {scope}, was not seen completely: {reason}",
        source=result.cell.source,
        kind=result.cell.kind,
        scope=scope_words(result.cell),
        reason=result.reason or msg("no reason was given"),
    )


def _has_identity(sighting: HostSighting) -> bool:
    """A usable UUID; a board whose maker left the UUID unset is known by its MAC."""
    if is_usable(sighting.uuid):
        return True
    return sighting.uuid is not None and any(n.mac for n in sighting.nics)


def _kind(sighting: HostSighting) -> Place | None:
    words = [w.strip().casefold() for w in (sighting.vendor, sighting.product) if w]
    is_virtual_board = any(w.startswith(VIRTUAL_VENDORS) or w == "virtual machine" for w in words)
    if sighting.virtualization not in (None, "none") or is_virtual_board:
        return Place.STANDALONE_VIRTUAL
    if sighting.virtualization == "none" or sighting.chassis_type in SERVER_CHASSIS:
        return Place.STANDALONE_PHYSICAL
    return None


def _claims(machine: Machine) -> Iterable[Message]:
    """What the machine says of itself: told, never believed."""
    for s in machine.sightings:
        if s.view is not View.OS:
            continue
        board = " ".join(w for w in (s.vendor, s.product) if w)
        if board:
            yield msg("it calls itself {board}", board=board)
        if s.virtualization:
            yield msg("it reports virtualization {kind}", kind=s.virtualization)
        if s.cloud_instance_id:
            yield msg("its cloud-init claims to be instance {id}", id=s.cloud_instance_id)
