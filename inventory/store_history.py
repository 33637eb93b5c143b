"""What became of one resource over the scans, field by field 资源变更历史."""

import contextlib
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import groupby
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, or_, select, text

from inventory.lifecycle import DEFAULT_RULES, Fading, Life, LifeRules, Look
from inventory.store_chain import pruned_scans
from inventory.store_reader import read_infos
from inventory.store_rows import canonical, stored_key
from inventory.store_schema import BODY, RECORD_VERSION, TOMBSTONE, is_postgresql
from inventory.store_sight import Readings, Sight, sight_of, trace_of

MAX_RESOURCES = 50
"""Records that one name may stand for."""


class Event(StrEnum):
    """What happened to a resource in a scan."""

    APPEARED = "appeared"
    """出现: seen for the first time."""
    CHANGED = "changed"
    """变更"""
    UNSEEN = "unseen"
    """未查看: it is not in the scan, and the scan could not see all of where it was."""
    SUSPECT = "suspect"
    """存疑: it vanished with many others, and nobody has accepted that."""
    MISSING = "missing"
    """缺失: all of where it was was read, and it was not there."""
    GONE = "gone"
    """消失: it was looked for often and long enough."""
    REAPPEARED = "reappeared"
    """再现"""


_OF_A_MENTION = frozenset({Event.APPEARED, Event.CHANGED})


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a resource's history."""

    record: str
    """Key of the record."""
    scan: int
    as_of: str
    event: Event
    field: str = ""
    before: str | None = None
    """As JSON; None where the source had not said."""
    after: str | None = None


def resources(connection: Connection, name: str) -> list[str]:
    """Keys of the records that were ever called so: by key, by the source's own id, or by the name in their content."""
    with contextlib.suppress(UnicodeEncodeError):
        name.encode()
        return _resources(connection, name)
    return []  # what a terminal gave that is no text; no source can have said it


def _resources(connection: Connection, name: str) -> list[str]:
    key = stored_key(name)
    table = RECORD_VERSION
    by_key = or_(table.c.key == key, table.c.key.endswith("|" + key, autoescape=True))
    keys = select(table.c.key).distinct().order_by(table.c.key).limit(MAX_RESOURCES)
    found = set(connection.execute(keys.where(by_key)).scalars())
    stone = TOMBSTONE.c.key
    by_stone = or_(stone == key, stone.endswith("|" + key, autoescape=True))
    found |= set(
        connection.execute(select(stone).distinct().order_by(stone).limit(MAX_RESOURCES).where(by_stone)).scalars()
    )
    if found:
        return sorted(found)[:MAX_RESOURCES]
    wanted = b'"name":%s' % msgspec.json.encode(name)
    holds = "position(:wanted IN body.data) > 0" if is_postgresql(connection) else "instr(body.data, :wanted) > 0"
    of_name = keys.join(BODY, BODY.c.id == table.c.body).where(text(holds).bindparams(wanted=wanted))
    return list(connection.execute(of_name).scalars())


def history(connection: Connection, key: str, rules: LifeRules = DEFAULT_RULES) -> Iterator[Change]:
    """Every change of one record, the oldest first. Of what several captures held at once each is a line of its own."""
    return _History(connection, rules).of(key)


def looked(
    body: bytes,
    last: int,
    back: int | None,
    scans: Sequence[int],
    sight: Callable[[int], Sight],
    rules: LifeRules,
) -> Iterator[tuple[int, Life, Look]]:
    """(scan, state, what it saw of it) in each of the sorted `scans` after the `last` that has a thing until it is
    `back`.

    A capture of last month may be scanned after the thing was seen, and one capture night after night: what was read
    before the thing was, or was counted once, says nothing.
    """
    trace = trace_of(body)
    after = bisect_right(scans, last)
    there = sight(scans[after - 1]) if after else None
    then = there.readings(trace, there) if there is not None else None
    counted: Readings | None = None
    thing = Fading(rules)
    for number in scans[after:]:
        if back is not None and number >= back:
            return
        now = sight(number)
        look = Look.PARTIAL
        if there is not None and then is not None:
            readings = now.readings(trace, there)
            if not readings.is_older(then) and (counted is None or readings.is_new(counted)):
                look = now.look(trace, there)
            if look is Look.WHOLE:
                counted = readings
        yield number, thing.add(now.info.as_of, look), look


class _Held(NamedTuple):
    nth: int
    since: int
    until: int | None
    body: bytes


class _History:
    def __init__(self, connection: Connection, rules: LifeRules) -> None:
        self._db = connection
        self._rules = rules
        self._scans = {info.number: info for info in read_infos(connection)}
        self._numbers = sorted(self._scans)
        self._pruned = pruned_scans(connection)
        self._sights: dict[int, Sight] = {}

    def of(self, key: str) -> Iterator[Change]:
        table = RECORD_VERSION
        rows = self._db.execute(
            select(table.c.nth, table.c.since_scan, table.c.until_scan, BODY.c.data)
            .join(BODY, BODY.c.id == table.c.body)
            .where(table.c.key == key)
            .order_by(table.c.nth, table.c.since_scan)
        ).fetchall()
        held = {nth: list(group) for nth, group in groupby((_Held(*row) for row in rows), key=lambda held: held.nth)}
        tombstones = {
            nth: (last, gone)
            for nth, last, gone in self._db.execute(
                select(TOMBSTONE.c.nth, TOMBSTONE.c.last_scan, TOMBSTONE.c.gone_scan).where(TOMBSTONE.c.key == key)
            )
        }
        for nth in sorted(held.keys() | tombstones.keys()):
            name = key if nth == 0 else f"{key}#{nth + 1}"
            changes = self._changes(name, held.get(nth, []), tombstones.get(nth))
            # That fewer captures tell of a thing, or more again, does not take it away: the first place is left last.
            yield from changes if nth == 0 else (change for change in changes if change.event in _OF_A_MENTION)

    def _changes(self, name: str, held: list[_Held], tombstone: tuple[int, int] | None) -> Iterator[Change]:
        before: _Held | None = None
        for version in held:
            if before is None:
                yield self._change(name, version.since, Event.APPEARED)
            elif before.until is not None and self._was_away(before.until, version.since):
                yield from self._gap(name, before, version.since)
                yield self._change(name, version.since, Event.REAPPEARED)
            if before is not None:
                for field, old, new in differences(before.body, version.body):
                    yield self._change(name, version.since, Event.CHANGED, field, old, new)
            before = version
        if tombstone is not None and (before is None or (before.until or tombstone[0] + 1) <= tombstone[0]):
            yield self._change(name, tombstone[1], Event.GONE)
        elif before is not None and before.until is not None:
            yield from self._gap(name, before, None)

    def _was_away(self, last: int, back: int) -> bool:
        """Whether a scan that is kept did not have it. What only pruned scans held or lacked is not told any more."""
        place = bisect_right(self._numbers, last)
        return place < len(self._numbers) and self._numbers[place] < back

    def _gap(self, name: str, last: _Held, back: int | None) -> Iterator[Change]:
        """What became of it in the scans from the one after `last` until `back`: each new state once."""
        state = Life.PRESENT
        for number, now, _ in looked(last.body, last.until or 0, back, self._numbers, self._sight, self._rules):
            if now is not state:
                yield self._change(name, number, Event(now.value))
            state = now

    def _sight(self, number: int) -> Sight:
        if number not in self._sights:
            self._sights[number] = sight_of(self._db, number)
        return self._sights[number]

    def _change(
        self, name: str, scan: int, event: Event, field: str = "", before: str | None = None, after: str | None = None
    ) -> Change:
        info = self._scans.get(scan) or self._pruned.get(scan)
        at = info.as_of.isoformat() if info else ""
        return Change(record=name, scan=scan, as_of=at, event=event, field=field, before=before, after=after)


def differences(before: bytes, after: bytes) -> Iterator[tuple[str, str | None, str | None]]:
    """The fields that differ between two contents of a record, as (field, before, after); values as JSON.

    Labels are fields of their own (`labels.system`): who changed one did not change the others.
    """
    old, new = _fields(before), _fields(after)
    for field in sorted(old.keys() | new.keys()):
        if old.get(field) != new.get(field):
            yield field, old.get(field), new.get(field)


def _fields(body: bytes) -> Mapping[str, str]:
    fields: dict[str, str] = {}
    for name, value in msgspec.json.decode(body, type=dict[str, object]).items():
        if isinstance(value, dict):
            fields |= {f"{name}.{key}": canonical(inner).decode() for key, inner in value.items()}
        else:
            fields[name] = canonical(value).decode()
    return fields
