"""A Host: one machine with everything that sources saw of it, where it stands and whose it is."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from inventory.records import HostSighting, View
from inventory.text import Message


class Place(StrEnum):
    """Where a host stands 部署位置类别 (design: placement)."""

    CLOUD_INSTANCE = "cloud_instance"
    """云主机: proven by the government cloud's control plane."""
    CLOUD_INFRASTRUCTURE = "cloud_infrastructure"
    """云平台基础设施: the cloud's or the centre's own machines."""
    THIRD_PARTY = "third_party"
    """中心采购的第三方资源: in the centre's register (Art. 14)."""
    STANDALONE_PHYSICAL = "standalone_physical"
    """独立物理服务器"""
    STANDALONE_VIRTUAL = "standalone_virtual"
    """独立虚拟机: a department's own hypervisor, or a VM that it bought elsewhere."""
    UNDETERMINED = "undetermined"
    """待核实"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    """Why two sightings are the same machine."""

    rule: str
    """`uuid`, `uuid_swapped`, `serial`, `machine_id`, `provider_id`, `mac_address`, `wire_mac`, `zone_address`."""
    value: str
    left: str
    """Key of a sighting."""
    right: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where a host stands, with what proves it."""

    place: Place
    facts: tuple[Message, ...]
    """What was observed, strongest first."""
    missing: tuple[Message, ...] = ()
    """What would settle it; never empty where the place is undetermined."""
    evidence: tuple[str, ...] = ()
    """Keys of the records."""
    contract: str | None = None
    """Native id of the third party's contract, where the place is third_party."""


class OwnershipRule(StrEnum):
    """Rules of ownership, strongest first. Those up to hostname decide, similarity only proposes."""

    DECLARED = "declared"
    ALIAS = "alias"
    LABEL = "label"
    TENANT = "tenant"
    SEGMENT = "segment"
    HOSTNAME = "hostname"
    SIMILARITY = "similarity"


class AliasFlaw(StrEnum):
    """Why a confirmed name decides nothing, and why nothing weaker may decide in its place."""

    DANGLING = "dangling"
    """The register does not have what it names."""
    SEVERAL = "several"
    """Several things bear the name."""
    UNLISTED = "unlisted"
    """Another unit's cloud has a tenant of the name, and our own was not listed to its end: it may have one too."""
    REFUSED = "refused"
    """A person confirmed that it is not what a rule says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnershipHit:
    """One rule that said whose something is."""

    rule: OwnershipRule
    value: str
    """What matched: a tag, a tenant, a CIDR, a pattern."""
    systems: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()
    department: str | None = None
    evidence: str | None = None
    flaw: AliasFlaw | None = None
    """Of an alias that decides nothing."""
    zone: str | None = None
    """Of a segment: where the CIDR holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ownership:
    """Whose something is 归属. Empty `systems`, `projects` and `department`: nobody's, as far as could be seen."""

    systems: tuple[str, ...] = ()
    """Codes, sorted. Several are allowed (shared databases)."""
    projects: tuple[str, ...] = ()
    department: str | None = None
    """Name in the register."""
    hits: tuple[OwnershipHit, ...] = ()
    """All rules that spoke, strongest first: the explanation."""
    disagreement: Message | None = None
    """Strong rules that contradict each other: then nothing may be concluded from the owner."""

    @property
    def is_known(self) -> bool:
        """Whether a registered system or project was found, without contradiction."""
        return bool(self.systems or self.projects) and self.disagreement is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """One machine 主机."""

    id: str
    """Instance id, else UUID, machine-id, MAC, address: stable over renaming, re-addressing, power-cycling."""
    name: str
    sightings: tuple[HostSighting, ...]
    """Sorted by key; at least one."""
    joins: tuple[Join, ...] = ()
    conflicts: tuple[Message, ...] = ()
    """Contradictions between sightings (cloned UUIDs, two servers in one): nothing may be concluded through them."""
    placement: Placement
    ownership: Ownership
    department: str | None = None
    """Of the owner, else as a ledger writes it."""

    @property
    def evidence(self) -> tuple[str, ...]:
        """Keys of its sightings."""
        return tuple(s.key for s in self.sightings)

    @property
    def is_appliance(self) -> bool:
        """Whether a ledger calls it an appliance 专用设备."""
        return any(s.is_appliance for s in self.sightings)

    @property
    def addresses(self) -> tuple[str, ...]:
        """Every address that any source gives it, without prefix length, sorted as text."""
        return tuple(sorted({a.partition("/")[0] for s in self.sightings for n in s.nics for a in n.addresses}))

    @property
    def zones(self) -> tuple[str, ...]:
        """Network zones in which it was seen."""
        return tuple(sorted({s.zone for s in self.sightings if s.zone}))

    @property
    def commissioned_on(self) -> date | None:
        """Acquisition date of the asset card: the earliest that a ledger gives."""
        return min((s.commissioned_on for s in self.sightings if s.commissioned_on), default=None)

    @property
    def installed_at(self) -> datetime | None:
        """Earliest birth of its root file system or instance: weak evidence of age."""
        times = [t for s in self.sightings for t in (s.installed_at, s.created_at) if t]
        return min(times, default=None)

    @property
    def is_on_cloud(self) -> bool:
        """Whether it is proven to run on, or be part of, the government cloud or the centre's procured capacity."""
        return self.placement.place in (Place.CLOUD_INSTANCE, Place.CLOUD_INFRASTRUCTURE, Place.THIRD_PARTY)

    @property
    def is_standalone(self) -> bool:
        """Whether it is proven to stand outside the cloud and the centre's procured capacity."""
        return self.placement.place in (Place.STANDALONE_PHYSICAL, Place.STANDALONE_VIRTUAL)

    def seen_by(self, view: View) -> Iterator[HostSighting]:
        """Its sightings of one view."""
        return (s for s in self.sightings if s.view is view)
