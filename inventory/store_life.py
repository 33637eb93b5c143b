"""What the store knows of things that are not there any more, and of cells that lost too many at once."""

from collections.abc import Iterator, Sequence
from functools import cache

import msgspec
from sqlalchemy import Connection, select

from inventory.coverage import Cell, CellResult, CellState
from inventory.lifecycle import DEFAULT_RULES, Life, LifeRules
from inventory.store_bulk import Version, latest
from inventory.store_history import lives
from inventory.store_reader import read_infos
from inventory.store_schema import BODY, CELL_VERSION, RECORDS
from inventory.store_sight import sight_of

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
        key = f"{cell.source}|{cell.scope}|{cell.kind}"
        for nth, data in connection.execute(held.where(table.c.key == key).order_by(table.c.since_scan)):
            result = msgspec.json.decode(data, type=CellResult)
            if result.cell == cell and result.state is CellState.COMPLETE:
                found[cell, nth] = result.seen
    return found


def absent(connection: Connection, rules: LifeRules = DEFAULT_RULES) -> Iterator[tuple[str, int, Life]]:
    """Every record that the last scan does not have: its key, the last scan that had it, and its state.

    These are the tombstones: nothing is deleted, and what was not looked for is not called missing.
    """
    scans = [info.number for info in read_infos(connection)]
    if not scans:
        return
    sight = cache(lambda number: sight_of(connection, number))
    page: list[Version] = []

    def judged() -> Iterator[tuple[str, int, Life]]:
        wanted = [v.body for v in page]
        bodies: dict[int, bytes] = {
            n: bytes(data)
            for n, data in connection.execute(select(BODY.c.id, BODY.c.data).where(BODY.c.id.in_(wanted)))
        }
        for version in page:
            states = lives(bodies[version.body], version.until or 0, None, scans, sight, rules)
            state = Life.UNSEEN
            for _, state in states:
                if state is Life.GONE:
                    break
            yield str(version.key), version.until or 0, state

    for row in latest(connection, RECORDS):
        version = Version(*row)
        if version.until is not None and version.until < scans[-1]:
            page.append(version)
        if len(page) >= _AT_ONCE:
            yield from judged()
            page.clear()
    yield from judged()
