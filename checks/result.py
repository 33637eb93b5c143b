"""The result of a scan: all that an exporter may tell."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from checks.policy import Policy
from inventory.breaches import Breach
from inventory.finding import Finding
from inventory.inventory import Inventory
from inventory.scan import Known, ScanInfo


@dataclass(frozen=True, kw_only=True)
class Result:
    """One finished scan, with everything that was seen and concluded."""

    scan: ScanInfo
    policy: Policy
    inventory: Inventory
    findings: tuple[Finding, ...]
    """Sorted by check (in catalogue order), then subject."""
    known: Mapping[str, Known] = field(default_factory=dict)
    """Finding key (with verdict: `key=verdict`) to since when."""
    breaches: tuple[Breach, ...] = ()
    """What failed in this scan or before it, and what became of it; empty where no history was kept."""
    last_complete: Mapping[str, datetime] = field(default_factory=dict)
    """Source to when it was last read whole, in this scan or before it, as far as history was kept."""
    raws: Mapping[str, bytes] = field(default_factory=dict)
    """Digest to canonical JSON of the raw document."""
