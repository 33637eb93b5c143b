"""What becomes of a thing that sources no longer show: present → missing → gone 存在 → 缺失 → 消失.

Only a scan that read all of where the thing was says anything. Some of those, over some hours, must agree before it is
gone; and where a great part of a scope vanishes at once, the scan is not believed until a person has looked (`suspect`
存疑): a token that lost its rights looks just like a cloud that lost its servers.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from inventory.collection import Taken
from inventory.coverage import Cell, CellResult, CellState
from inventory.settings import Lifecycle
from inventory.text import mark, msg


class Life(StrEnum):
    """State of a thing that was seen once."""

    PRESENT = "present"
    """存在: the last scan has it."""
    UNSEEN = "unseen"
    """未查看: no scan since has looked at all of where it was."""
    SUSPECT = "suspect"
    """存疑: it vanished with many others, and nobody has accepted that."""
    MISSING = "missing"
    """缺失: it was looked for and not there, not yet often enough."""
    GONE = "gone"
    """消失"""


class Look(StrEnum):
    """What one later scan says of where the thing was."""

    WHOLE = "whole"
    """All of it was read, and the thing was not there."""
    HELD = "held"
    """All of it was read, and too much was not there."""
    PARTIAL = "partial"
    """Not all of it was read."""


class LifeRules(msgspec.Struct, frozen=True, kw_only=True):
    """When the absent are gone, and how much may vanish at once."""

    gone_scans: int = 3
    """Scans that looked and did not find it."""
    gone_hours: int = 48
    """Between the first and the last of them."""
    mass_count: int = 20
    mass_percent: int = 10
    """More than the larger of the two, of one scope in one scan, is a mass disappearance."""


DEFAULT_RULES = LifeRules()


def life_rules(chosen: Lifecycle) -> LifeRules:
    """The rules that a configuration chooses."""
    return LifeRules(
        gone_scans=chosen.gone_scans,
        gone_hours=chosen.gone_hours,
        mass_count=chosen.mass_count,
        mass_percent=chosen.mass_percent,
    )


class Fading:
    """A thing from the scan after the last one that has it on.

    Who was missing before many others vanished stays missing; who is gone stays gone until it is seen again.
    """

    def __init__(self, rules: LifeRules) -> None:
        self._rules = rules
        self._first: datetime | None = None
        self._count = 0
        self.state = Life.UNSEEN

    def add(self, at: datetime, look: Look) -> Life:
        """The state after the next scan, whose clock said `at`."""
        if look is Look.HELD and self._count == 0:
            self.state = Life.SUSPECT
        elif look is Look.WHOLE and self.state is not Life.GONE:
            self._first = self._first or at
            self._count += 1
            is_long = at - self._first >= timedelta(hours=self._rules.gone_hours)
            self.state = Life.GONE if is_long and self._count >= self._rules.gone_scans else Life.MISSING
        return self.state


# ── mass disappearance ───────────────────────────────────────────────────────────────────────────────────────────────

HELD = mark("{lost} of {before} vanished at once, which is not believed until a person accepts it")


"""The reason of a cell that is held; see `is_held`."""


def is_held(result: CellResult) -> bool:
    """Whether the cell was read whole and is not believed."""
    return result.state is CellState.PARTIAL and result.reason is not None and result.reason.id == HELD


def is_mass(lost: int, before: int, rules: LifeRules) -> bool:
    """Whether so many of so many at once are not believed."""
    return lost > rules.mass_count and lost * 100 > before * rules.mass_percent


def with_held(
    cells: Sequence[CellResult],
    believed: Mapping[tuple[Cell, int], int],
    rules: LifeRules = DEFAULT_RULES,
    replaced: Mapping[Cell, tuple[int, int]] | None = None,
) -> list[CellResult]:
    """The cells, those from which too much vanished turned into partial ones.

    `believed`: how many each cell (and its place among several runs over one cell) held when it was last read whole and
    believed. A held cell is compared with that again the next night: what is repeated does not become true by it.
    `replaced`: cells that lost so many of so many while others came in their place (`store_turnover`).
    """
    places: Counter[Cell] = Counter()
    found = []
    for result in cells:
        before = believed.get((result.cell, places[result.cell]))
        found.append(_held(result, before, (replaced or {}).get(result.cell), rules))
        places[result.cell] += 1
    return found


def _held(result: CellResult, before: int | None, replaced: tuple[int, int] | None, rules: LifeRules) -> CellResult:
    if not result.is_complete:
        return result
    if before is not None and is_mass(before - result.seen, before, rules):
        replaced = replaced or (before - result.seen, before)
    if replaced is None:
        return result
    lost, of = replaced
    return msgspec.structs.replace(result, state=CellState.PARTIAL, reason=msg(HELD, lost=lost, before=of))


class Doubted:
    """What sources said, with other cells: those that are held are partial. `inventory.collection.Taken`."""

    def __init__(self, taken: Taken, cells: Sequence[CellResult]) -> None:
        self.taken_at = taken.taken_at
        self.sources = taken.sources
        self.rejections = taken.rejections
        self.cells = cells
        self.sorted_records = taken.sorted_records
        self.sorted_lines = taken.sorted_lines
        self.sorted_raws = taken.sorted_raws
