"""数据新鲜度: how old what we know is: each source's last whole reading, the ledgers' files, the shared data."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TypeVar

from checks.check import absence_gaps
from checks.kpi import Kpi
from checks.policy import Policy
from checks.sharing import successful_calls
from inventory.coverage import SourceInfo, whole_readings
from inventory.inventory import Inventory, law_date
from inventory.records import SharingEntry, SharingType
from inventory.text import Message, msg

T = TypeVar("T", SourceInfo, SharingEntry)
LEDGER = "ledger"


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """How old one source is."""

    source: str
    type: str
    last_complete_at: datetime | None
    """When the oldest part of its last whole reading was read; None: never, as far as is known."""
    modified_at: datetime | None
    """When the ledger's file was last written; None for other sources, and where its file system did not say."""


def freshness(inventory: Inventory, last_complete: Mapping[str, datetime]) -> tuple[Freshness, ...]:
    """Every source, by name; `last_complete` is what the store knows of earlier scans."""
    now = {source: at for source, at in whole_readings(inventory.coverage.results) if at is not None}
    whole = {**last_complete, **now}
    return tuple(
        Freshness(source=s.name, type=s.type, last_complete_at=whole.get(s.name), modified_at=s.modified_at)
        for s in inventory.coverage.sources
    )


def source_freshness(inventory: Inventory, policy: Policy) -> Kpi:
    """Sources of which everything was read, no longer before the scan's clock than the policy trusts / all sources."""
    whole = dict(whole_readings(inventory.coverage.results))
    oldest = inventory.as_of - timedelta(hours=policy.fresh_hours)

    def is_fresh(source: SourceInfo) -> bool | None:
        if source.name not in whole:
            return False
        at = whole[source.name]
        return None if at is None else at >= oldest

    return _counted(
        "source_freshness",
        msg("Sources read completely within the time that observations are trusted"),
        [s for s in inventory.coverage.sources if s.type != LEDGER],
        is_fresh,
    )


def ledger_freshness(inventory: Inventory, policy: Policy) -> Kpi:
    """Ledgers whose file was written within the policy's days / all ledgers."""
    oldest = inventory.as_of - timedelta(days=policy.choices.ledger_fresh_days)
    ledgers = [s for s in inventory.coverage.sources if s.type == LEDGER]
    return _counted(
        "ledger_freshness",
        msg("Ledgers whose file was changed lately"),
        ledgers,
        lambda s: None if s.modified_at is None else s.modified_at >= oldest,
    )


def shared_data_freshness(inventory: Inventory, policy: Policy) -> Kpi:
    """Mounted entries of providers with a successful call or exchange in the policy's window / all of them."""
    today = law_date(inventory.as_of)
    since = today - timedelta(days=policy.choices.sharing_window_days)
    entries = [
        e
        for e in inventory.sharing_entries
        if e.direction != "consume"
        and e.sharing_type is not SharingType.NONE
        and e.resource_id is not None
        and e.published_on is not None
        and e.published_on <= today
    ]
    is_whole = not absence_gaps(inventory.coverage, "sharing_use")

    def is_fresh(entry: SharingEntry) -> bool | None:
        calls = [successful_calls(u, since, today) for u in inventory.uses_of(entry)]
        if any(calls):
            return True
        return False if is_whole and None not in calls else None

    return _counted("shared_data_freshness", msg("Mounted entries whose data was used lately"), entries, is_fresh)


def last_shared_on(inventory: Inventory) -> date | None:
    """The latest day on or after which a call or exchange is proven to have succeeded; None where the logs name none.

    A month of calls proves that one lies in it: its first day counts.
    """
    today = law_date(inventory.as_of)
    days = [u.last_success_on or (u.period_start if u.succeeded else None) for u in inventory.sharing_uses]
    return max((d for d in days if d is not None and d <= today), default=None)


def _counted(name: str, title: Message, things: Sequence[T], is_fresh: Callable[[T], bool | None]) -> Kpi:
    answers = [is_fresh(thing) for thing in things]
    return Kpi(
        name=name,
        title=title,
        numerator=sum(a is True for a in answers),
        denominator=len(answers),
        unknown=sum(a is None for a in answers),
    )
