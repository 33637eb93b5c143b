"""Logs of the sharing platform row by row 调用日志, counted by day: how often, and how many of them succeeded.

A log of a million calls becomes one record for each resource, consumer and day; the rows themselves are kept nowhere.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime

from collectors.ledger_records import Fields
from inventory.records import SharingUse

_Key = tuple[str, str | None, date]


@dataclass(slots=True)
class _Day:
    first_row: int
    last_row: int = 0
    succeeded: int = 0
    failed: int = 0


@dataclass(kw_only=True)
class CallTally:
    """The calls of one sheet."""

    source: str
    observed_at: datetime
    _days: dict[_Key, _Day] = field(default_factory=dict)
    _seen: set[str] = field(default_factory=set)
    """Ids of calls: exports overlap."""

    def add(self, fields: Fields, row: int) -> None:
        """One call; what the platform marks as its own probing 监测/心跳 is nobody's use."""
        if fields.get("is_probe"):
            return
        call = fields.get("call_id")
        if call is not None:
            if call in self._seen:
                return
            self._seen.add(call)
        key = (fields["resource_id"], fields.get("consumer_system"), fields["called_on"])
        day = self._days.setdefault(key, _Day(first_row=row))
        day.last_row = row
        if fields["is_success"]:
            day.succeeded += 1
        else:
            day.failed += 1

    def uses(self) -> Iterator[tuple[SharingUse, tuple[int, int]]]:
        """A record for each resource, consumer and day, and the first and last row that it counts."""
        for (resource, consumer, on), day in self._days.items():
            yield (
                SharingUse(
                    source=self.source,
                    native_id=f"{resource}|{consumer or '-'}|{on}|{on}",
                    observed_at=self.observed_at,
                    resource_id=resource,
                    consumer_system=consumer,
                    period_start=on,
                    period_end=on,
                    succeeded=day.succeeded,
                    failed=day.failed,
                    last_success_on=on if day.succeeded else None,
                ),
                (day.first_row, day.last_row),
            )
