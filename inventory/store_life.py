"""What the store knows of things that are not there any more, and of cells that lost too many at once."""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, select

from inventory.coverage import Cell, CellResult, CellState
from inventory.lifecycle import DEFAULT_RULES, Life, LifeRules, Look
from inventory.store_bulk import Version, latest
from inventory.store_history import looked
from inventory.store_reader import read_infos
from inventory.store_rows import stored_key
from inventory.store_schema import BODY, CELL_VERSION, RECORDS, TOMBSTONE
from inventory.store_sight import Sight, sight_of

_AT_ONCE = 500


def believed(connection: Connection, cells: Sequence[CellResult]) -> dict[tuple[Cell, int], int]:
    """How many each of these cells held when it was last read whole and believed, by cell and place among its runs."""
    wanted = {c.cell for c in cells if c.is_complete}
    table = CELL_VERSION
    held = select(table.c.nth, BODY.c.data).join(BODY, BODY.c.id == table.c.body)
    found: dict[tuple[Cell, int], int] = {}
    for nth, data in connection.execute(held.where(table.c.until_scan.is_(None))):
        result = msgspec.json.decode(data, type=CellResult)
        if result.cell in wanted and result.state is CellState.COMPLETE:
            found[result.cell, nth] = result.seen
    for cell in wanted - {cell for cell, _ in found}:
        key = stored_key(f"{cell.source}|{cell.scope}|{cell.kind}")
        for nth, data in connection.execute(held.where(table.c.key == key).order_by(table.c.since_scan)):
            result = msgspec.json.decode(data, type=CellResult)
            if result.cell == cell and result.state is CellState.COMPLETE:
                found[cell, nth] = result.seen
    return found


class Away(NamedTuple):
    """A record that the last scan does not have."""

    key: str
    nth: int
    """Its place among those of its key, always the first: several captures may have held one thing."""
    last: int
    """The last scan that had it."""
    state: Life
    looks: tuple[int, ...]
    """The scans that its state hangs on beside that one, in their order; of what is gone the last is the one in which
    it was."""


def absent(connection: Connection, rules: LifeRules = DEFAULT_RULES) -> Iterator[tuple[str, int, Life]]:
    """Every record that the last scan does not have: its key, the last scan that had it, and its state.

    These are the tombstones: nothing is deleted, and what was not looked for is not called missing.
    """
    for thing in away(connection, rules):
        yield thing.key, thing.last, thing.state


def away(connection: Connection, rules: LifeRules = DEFAULT_RULES) -> Iterator[Away]:
    """As `absent`, with what each state hangs on; the last are those of which no version is left."""
    infos = {info.number: info for info in read_infos(connection)}
    if not infos:
        return
    stones = {(key, nth): (last, gone) for key, nth, last, gone in connection.execute(select(TOMBSTONE))}
    newest = max(infos)
    sight = cache(lambda number: sight_of(connection, number))
    page: list[Version | Away] = []

    def judged() -> Iterator[Away]:
        wanted = [thing.body for thing in page if isinstance(thing, Version)]
        bodies: dict[int, bytes] = {
            n: bytes(data)
            for n, data in connection.execute(select(BODY.c.id, BODY.c.data).where(BODY.c.id.in_(wanted)))
        }
        for thing in page:
            if isinstance(thing, Away):
                yield thing
                continue
            last = thing.until or 0
            yield Away(str(thing.key), thing.nth, last, *_state(bodies[thing.body], last, sorted(infos), sight, rules))

    for row in latest(connection, RECORDS):
        version = Version(*row)
        stone = stones.pop((str(version.key), version.nth), None)
        if version.nth or version.until is None or version.until >= newest:
            continue  # that fewer captures tell of a thing does not take it away: the first place is left last
        if stone is not None and version.until <= stone[0]:
            page.append(Away(str(version.key), version.nth, stone[0], Life.GONE, (stone[1],)))
        else:
            page.append(version)
        if len(page) >= _AT_ONCE:
            yield from judged()
            page.clear()
    yield from judged()
    for (key, nth), (last, gone) in sorted(place for place in stones.items() if place[0][1] == 0):
        yield Away(key, nth, last, Life.GONE, (gone,))


def _state(
    body: bytes, last: int, scans: Sequence[int], sight: Callable[[int], Sight], rules: LifeRules
) -> tuple[Life, tuple[int, ...]]:
    """The state, and the scans but for which it would be another, or would become another later."""
    state = Life.UNSEEN
    looks: list[int] = []
    whole = 0
    for number, now, look in looked(body, last, None, scans, sight, rules):
        if look is Look.WHOLE:
            whole += 1
            if whole == 1:
                looks = [number]
            elif whole <= rules.gone_scans:
                looks.append(number)
        elif look is Look.HELD and state is Life.UNSEEN:
            looks = [number]
        state = now
        if state is Life.GONE:
            if looks[-1] != number:
                looks.append(number)
            break
    return state, tuple(looks)
