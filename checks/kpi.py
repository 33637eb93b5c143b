"""What an indicator 指标 is: a share with its numerator, its denominator, what is not known, and what it rests on."""

from dataclasses import dataclass

from inventory.text import Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Kpi:
    """One indicator: `numerator` of `denominator`, of which `unknown` could not be decided and count as not reached."""

    name: str
    """Stable, for metrics: `cloud_migration`, `host_ownership` …"""
    title: Message
    numerator: int
    denominator: int
    unknown: int
    complete_cells: int = 0
    """Of the planned cells (source × scope × kind) that it rests on, those that were read completely."""
    planned_cells: int = 0

    @property
    def coverage(self) -> float | None:
        """Share of what it rests on that was seen, 0-1; None where nobody planned to look at any of it."""
        return self.complete_cells / self.planned_cells if self.planned_cells else None

    @property
    def ratio(self) -> float | None:
        """Share that is proven, 0-1; None where there is nothing to divide by."""
        return self.numerator / self.denominator if self.denominator else None
