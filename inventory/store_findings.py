"""Single findings over time, without the scans around them."""

from bisect import bisect_right
from collections.abc import Callable, Iterable

import msgspec
from sqlalchemy import Connection, select

from inventory.finding import Finding
from inventory.store_rows import finding_key
from inventory.store_schema import BODY, FINDING_VERSION


def last_findings(
    connection: Connection, keys: Iterable[str], fits: Callable[[Finding], bool], scans: Iterable[int]
) -> dict[str, tuple[int, Finding]]:
    """Key to the finding as it was when it last fitted in one of the scans, and the last of those.

    Raises:
        msgspec.DecodeError: one cannot be read back.
        SQLAlchemyError: the store does not answer.
    """
    numbers, table = sorted(scans), FINDING_VERSION
    found: dict[str, tuple[int, Finding]] = {}
    for key in keys:
        versions = connection.execute(
            select(table.c.since_scan, table.c.until_scan, BODY.c.data)
            .join(BODY, BODY.c.id == table.c.body)
            .where(table.c.key == finding_key(key))
            .order_by(table.c.since_scan.desc())
        )
        for since, until, data in versions:
            # A version may also have held in scans that are none of these, or were pruned.
            place = len(numbers) if until is None else bisect_right(numbers, until)
            if not place or numbers[place - 1] < since:
                continue
            finding = msgspec.json.decode(data, type=Finding)
            if fits(finding):
                found[key] = numbers[place - 1], finding
                break
    return found
