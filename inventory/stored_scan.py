"""A finished scan as the store gives it back."""

from datetime import datetime

import msgspec

from inventory.breaches import Breach
from inventory.collection import Collection
from inventory.finding import Finding
from inventory.scan import Known, ScanInfo, ScanOptions


class StoredScan(msgspec.Struct, frozen=True, kw_only=True):
    """One finished scan as it was kept."""

    info: ScanInfo
    options: ScanOptions
    collection: Collection
    findings: tuple[Finding, ...]
    known: dict[str, Known]
    """Finding key to since when its verdict has held."""
    breaches: tuple[Breach, ...] = ()
    """What failed in this scan or before it, and what became of it; empty unless asked for."""
    last_complete: dict[str, datetime] = {}
    """Source to when it was last read whole, in this scan or before it; empty unless asked for."""
