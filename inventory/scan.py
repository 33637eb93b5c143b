"""What the store knows of one scan beside what it saw."""

from datetime import datetime

import msgspec

from inventory.alias import Alias
from inventory.holidays import HolidayTable
from inventory.settings import OwnershipRules, Platform, PolicyChoices, Zone
from inventory.waiver import Waiver


class PackText(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which policy pack a scan was judged by."""

    id: str = "laohekou-2024"
    """Its id: names one of the program's own where `text` is not given."""
    digest: str = ""
    """SHA-256 (hex) of its file; empty in scans from before packs could be chosen."""
    text: str | None = None
    """The whole TOML of a pack that the program does not bring, so that the scan can be re-made without the file."""


class ScanOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The parts of the config that change what is concluded; kept with the scan so that it can be re-made."""

    city: str
    filing_regions: tuple[str, ...] = ()
    platform: Platform = Platform()
    policy: PolicyChoices = PolicyChoices()
    ownership: OwnershipRules = OwnershipRules()
    zones: tuple[Zone, ...] = ()
    fresh_hours: int = 48
    pack: PackText = PackText()
    calendar: HolidayTable = HolidayTable()
    """Days off and make-up days that the owner knows."""
    waivers: tuple[Waiver, ...] = ()
    aliases: tuple[Alias, ...] = ()
    """Names that persons confirmed 别名."""


class ScanInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One finished scan."""

    number: int
    """From 1, in the order of finishing; without gaps but for scans that were pruned."""
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
    head: str = ""
    """SHA-256 of the store's run log up to this scan 运行日志链头; empty before the store has it."""


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """Since when a finding has held."""

    first_scan: int
    first_at: datetime
    """As-of time of that scan."""
