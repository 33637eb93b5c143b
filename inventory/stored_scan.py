"""A finished scan as the store gives it back."""

import msgspec

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
