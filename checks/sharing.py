"""How far a system shares its data 数据共享: the evidence ladder.

L0 nothing · L1 claimed · L2 catalogued 编目 · L3 mounted 挂接 · L4 reachable (needs a probe; nothing proves it yet)
· L5 used: successful calls or exchanges in the window, by the platform's own log. A system that only consumes stands on
L3 with an approved application and on L5 with successful calls of its own.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from checks.check import absence_gaps
from checks.policy import Policy
from checks.unresolved import may_speak_of, rejected_of_nobody, what_settles
from inventory.inventory import Inventory, law_date
from inventory.records import SharingEntry, SharingType, SharingUse, System
from inventory.text import Message, mark, msg

CLAIMED, CATALOGUED, MOUNTED, USED = 1, 2, 3, 5

_STEPS = {
    0: mark("nothing of it is in the catalogue"),
    CLAIMED: mark("claimed, without a date of publication or approval"),
    CATALOGUED: mark("catalogued, no mounted resource listed"),
    MOUNTED: mark("mounted, no successful call in the window"),
    USED: mark("used"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sharing:
    """What is known of one system's sharing."""

    level: int
    """The highest rung that is proven, 0-5."""
    reason: Message
    missing: tuple[Message, ...] = ()
    """Why a higher rung may be reached all the same, as what would settle it; empty: it is not reached."""
    evidence: tuple[str, ...] = ()
    exempt: Message | None = None
    """Why it lawfully shares nothing (政务数据共享条例 Art. 15, or no data at all)."""
    names: tuple[str, ...] = ()
    """Catalogue codes and resources that it rests on."""


@dataclass(frozen=True, slots=True)
class _Rung:
    entry: SharingEntry
    level: int
    calls: int
    is_vague: bool
    """A period that may only partly lie in the window had calls, or may have had some: they may count."""
    uses: tuple[SharingUse, ...]


def sharing_of(inventory: Inventory, policy: Policy, system: System) -> Sharing:
    """The system's rung, by its best entry."""
    entries = inventory.sharing_of(system)
    names = tuple(sorted({n for e in entries for n in (e.native_id, e.resource_id) if n}))
    # An entry that was not seen could be one that is shared: no exemption follows from half a catalogue.
    exempt = None if absence_gaps(inventory.coverage, "sharing_entry") else _exempt(system, entries)
    if exempt is not None:
        return Sharing(
            level=0, reason=exempt, exempt=exempt, evidence=(system.key, *(e.key for e in entries)), names=names
        )
    rungs = [_rung(inventory, policy, e) for e in entries if e.sharing_type is not SharingType.NONE]
    best = max(rungs, key=lambda r: (r.level, r.calls, r.entry.key), default=None)
    if best is None:
        missing = _missing(inventory, policy, system, entries, [])
        return Sharing(level=0, reason=_nothing(system, entries), missing=missing,
                       evidence=tuple(e.key for e in entries), names=names)  # fmt: skip
    reason = msg(
        "{code} shares by {entry} ({name}): level L{level}, {step}; {calls} successful call(s) in {days} days",
        code=system.native_id,
        entry=best.entry.native_id,
        name=best.entry.name,
        level=best.level,
        step=_step(best),
        calls=best.calls,
        days=policy.choices.sharing_window_days,
    )
    return Sharing(
        level=best.level,
        reason=reason,
        missing=_missing(inventory, policy, system, entries, rungs) if best.level < USED else (),
        evidence=(best.entry.key, *(u.key for u in best.uses)),
        names=names,
    )


def _step(rung: _Rung) -> Message:
    if rung.level == MOUNTED and rung.calls:
        return msg("mounted, fewer successful calls in the window than are asked")
    return msg(_STEPS[rung.level])


def _exempt(system: System, entries: Iterable[SharingEntry]) -> Message | None:
    """Lawfully not shared: every entry is 不予共享 with its legal basis, or the owner signed that there is no data."""
    listed = list(entries)
    if system.no_data_statement and not listed:
        return msg("{code} has no data resource by signed statement {statement}", code=system.native_id,
                   statement=system.no_data_statement)  # fmt: skip
    if listed and all(e.sharing_type is SharingType.NONE and e.legal_basis for e in listed):
        return msg("the data of {code} is lawfully not shared: {basis}", code=system.native_id,
                   basis=", ".join(sorted({e.legal_basis or "" for e in listed})))  # fmt: skip
    return None


def _nothing(system: System, entries: tuple[SharingEntry, ...]) -> Message:
    if not entries:
        return msg("no sharing entry of {code} was seen", code=system.native_id)
    without = ", ".join(e.native_id for e in entries if not e.legal_basis)
    return msg("{code} refuses to share {entries} without naming the law that allows it", code=system.native_id,
               entries=without)  # fmt: skip


def _rung(inventory: Inventory, policy: Policy, entry: SharingEntry) -> _Rung:
    today = law_date(inventory.as_of)
    uses = inventory.uses_of(entry)
    if entry.direction != "consume":
        # What a system fetches from itself is shared with nobody.
        uses = tuple(u for u in uses if u.consumer_system is None or u.consumer_system != entry.system)
    judged = [(u, successful_calls(u, _window(policy, today), today)) for u in uses]
    counted = [(u, c) for u, c in judged if c is not None]
    calls = sum(c for _, c in counted)
    is_vague = any(c is None and _overlaps(policy, u, today) for u, c in judged)
    level = _standing(entry, today)
    # Who consumes without an approval stands on the first rung, and calls lift nobody from there.
    if calls >= policy.choices.sharing_min_calls and level >= CATALOGUED:
        level = USED
    return _Rung(entry, level, calls, is_vague, tuple(u for u, _ in counted))


def _standing(entry: SharingEntry, today: date) -> int:
    """The rung without its use."""
    if entry.direction == "consume":
        return MOUNTED if _is_past(entry.approved_on, today) else CLAIMED
    if not _is_past(entry.published_on, today):
        return CLAIMED
    is_mounted = entry.resource_id is not None and (
        entry.resource_type is not None or _is_past(entry.mounted_on, today)
    )
    return MOUNTED if is_mounted else CATALOGUED


def _is_past(day: date | None, today: date) -> bool:
    return day is not None and day <= today


def _window(policy: Policy, today: date) -> date:
    return today - timedelta(days=policy.choices.sharing_window_days)


def _overlaps(policy: Policy, use: SharingUse, today: date) -> bool:
    """Whether any of the period of successful calls lies in the window; a row without dates may."""
    since = _window(policy, today)
    start, end = use.period_start, use.period_end
    return (end is None or end >= since) and (start is None or start <= today)


def successful_calls(use: SharingUse, since: date, today: date) -> int | None:
    """Successful calls that are known to lie in the window; None where that cannot be told."""
    if use.succeeded == 0:
        return 0
    last = use.last_success_on
    start, end = use.period_start, use.period_end
    if use.succeeded is not None and start is not None and end is not None and start >= since and end <= today:
        return use.succeeded
    return 1 if last is not None and since <= last <= today else None


def _missing(
    inventory: Inventory, policy: Policy, system: System, entries: tuple[SharingEntry, ...], rungs: list[_Rung]
) -> tuple[Message, ...]:
    keeper = msg("the sharing platform's operator")
    code = system.native_id
    missing = list(absence_gaps(inventory.coverage, "sharing_entry", "sharing_use"))
    missing += what_settles(policy, may_speak_of(inventory, inventory.sharing_entries, system))
    missing += rejected_of_nobody(inventory, "sharing_entry")
    for rung in rungs:
        entry = rung.entry
        if rung.level == CLAIMED:
            missing.append(msg("date of publication or approval of {entry}, by {keeper}", entry=entry.native_id,
                               keeper=keeper))  # fmt: skip
        elif rung.level == CATALOGUED and (entry.resource_id is None or entry.mounted_on is None):
            missing.append(msg("whether a resource is mounted to {entry}, by {keeper}", entry=entry.native_id,
                               keeper=keeper))  # fmt: skip
        elif rung.is_vague:
            missing.append(msg("the day of the last successful call of {entry}, by {keeper}", entry=entry.native_id,
                               keeper=keeper))  # fmt: skip
    if entries and not rungs:
        missing.append(msg("the law under which {code} shares nothing, by {keeper}", code=code,
                           keeper=system.department or msg("the building department")))  # fmt: skip
    if system.no_data_statement and entries:
        missing.append(msg("statement {statement} says that {code} has no data, the catalogue says otherwise",
                           statement=system.no_data_statement, code=code))  # fmt: skip
    return tuple(missing)
