"""Ledger rows that name nothing that the register has: what is missing of a system may be just what they speak of."""

from collections.abc import Iterable
from typing import TypeVar

from checks.check import mended
from checks.policy import Policy
from inventory.inventory import Inventory
from inventory.names import normalise
from inventory.records import MlpsAssessment, MlpsFiling, SharingEntry, System
from inventory.text import Message, msg

R = TypeVar("R", MlpsFiling, MlpsAssessment, SharingEntry)

MOST_ROWS = 5
"""Rows that a finding names."""


def may_speak_of(inventory: Inventory, rows: Iterable[R], system: System | None) -> tuple[R, ...]:
    """The rows that may be the system's (None: the cloud's own), and are nobody's as far as the register knows.

    Not those whose name other registered systems bear, nor those that a person said are not the system's. Likeness of
    names decides nothing here either.
    """
    nobodys = [
        row
        for row in rows
        if not getattr(row, "is_platform", False) and (row.system is None or inventory.system(row.system) is None)
    ]
    if not nobodys:
        return ()
    refused = {
        key
        for alias, keys in inventory.alias_uses.items()
        if alias.is_refusal and system is not None and alias.system == system.native_id
        for key in keys
    }
    bearers = inventory.systems_by_name
    own = "" if system is None else system.native_id
    return tuple(
        row
        for row in nobodys
        if row.key not in refused and (row.system is None or own in bearers.get(normalise(row.system), {own}))
    )


def rejected_of_nobody(inventory: Inventory, *kinds: str) -> tuple[Message, ...]:
    """Rejected rows of these ledgers that name no registered system, as what would settle whose they are.

    Of a row that names one the runner makes that one's verdict unknown.
    """
    cells = inventory.coverage.of(*kinds)
    sources = {r.cell.source for r in cells}
    rows = [r for r in inventory.coverage.rejections if r.source in sources and r.touches]
    if not rows:
        return ()
    known = {normalise(s.native_id) for s in inventory.systems} | inventory.systems_by_name.keys()
    rows = [r for r in rows if known.isdisjoint(map(normalise, r.touches))]
    return tuple(map(mended, rows[:MOST_ROWS]))


def what_settles(policy: Policy, rows: Iterable[R]) -> tuple[Message, ...]:
    """What would settle whose the rows are."""
    listed = sorted(rows, key=lambda r: r.key)
    named = [
        msg(
            "whose {row} is, which speaks of {written}: its code in the ledger, or a confirmed name, by {keeper}",
            row=row.key,
            written=row.system or msg("no system"),
            keeper=policy.centre,
        )
        for row in listed[:MOST_ROWS]
    ]
    if len(listed) > MOST_ROWS:
        named.append(msg("the same of {count} further row(s)", count=len(listed) - MOST_ROWS))
    return tuple(named)
