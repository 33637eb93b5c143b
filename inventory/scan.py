"""What the store knows of one scan beside what it saw."""

from datetime import datetime

import msgspec

from inventory.settings import OwnershipRules, Platform, PolicyChoices, Zone


class ScanOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The parts of the config that change what is concluded; kept with the scan so that it can be re-made."""

    city: str
    filing_regions: tuple[str, ...] = ()
    platform: Platform = Platform()
    policy: PolicyChoices = PolicyChoices()
    ownership: OwnershipRules = OwnershipRules()
    zones: tuple[Zone, ...] = ()
    fresh_hours: int = 48


class ScanInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One finished scan."""

    number: int
    """From 1, without gaps, in the order of finishing."""
    started_at: datetime
    finished_at: datetime
    as_of: datetime
    tool: str
    """`yunhe VERSION`."""
    pack: str
    """`laohekou-2024 1`: policy pack and its version."""
    digest: str
    """SHA-256 over records, coverage, options and findings: equal input and program give an equal digest."""
    exit_code: int


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """Since when a finding has held."""

    first_scan: int
    first_at: datetime
    """As-of time of that scan."""
