"""What the store knows of the time before a scan: breaches and their end, and when each source was last read whole."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import Connection, select

from inventory.breaches import Breach, Run, breaches_of
from inventory.coverage import CellResult, whole_readings
from inventory.finding import Verdict
from inventory.store_reader import read_cells, read_infos
from inventory.store_schema import FINDING_VERSION
from inventory.stored_scan import StoredScan

LOOK_BACK_SCANS = 62
"""So many scans are gone through for a source that the scan itself did not read whole: two months of nights."""


def with_past(connection: Connection, kept: StoredScan) -> StoredScan:
    """The scan with what the store knows of the time before it."""
    number = kept.info.number
    return msgspec.structs.replace(
        kept,
        breaches=read_breaches(connection, number),
        last_complete=read_last_complete(connection, number, kept.collection.cells),
    )


def read_breaches(connection: Connection, number: int) -> tuple[Breach, ...]:
    """Every breach that was found up to the scan of that number."""
    table = FINDING_VERSION
    failed = select(table.c.key).where(table.c.verdict == str(Verdict.FAIL), table.c.since_scan <= number)
    rows = connection.execute(
        select(table.c.key, table.c.verdict, table.c.known_at, table.c.until_scan)
        .where(table.c.key.in_(failed), table.c.since_scan <= number)
        .order_by(table.c.key, table.c.nth, table.c.since_scan)
    )
    runs = (Run(key, verdict, datetime.fromisoformat(at), until) for key, verdict, at, until in rows)
    return breaches_of(runs, number)


def read_last_complete(connection: Connection, number: int, cells: Sequence[CellResult]) -> dict[str, datetime]:
    """Source to when the oldest part of its last whole reading was read: in this scan (its cells are given) or before.

    A source that was not read whole in any scan that was looked through is not in it.
    """
    found = {source: at for source, at in whole_readings(cells) if at is not None}
    wanted = {c.cell.source for c in cells} - found.keys()
    earlier = [info.number for info in read_infos(connection) if info.number < number]
    for before in reversed(earlier[-LOOK_BACK_SCANS:]):
        if not wanted:
            break
        for source, at in whole_readings(read_cells(connection, before)):
            if source in wanted and at is not None:
                found[source] = at
                wanted.discard(source)
    return found
