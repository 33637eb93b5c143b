"""Pruning 清理: scans that the rules of retention no longer ask for are taken out of the store, and nothing else is.

What held only in scans that go, goes; what spans a scan that stays, stays, and every scan that stays answers as before.
Three things would be lost with the rows and are written down first: that a finding was open once (else it would be new
when it is open again), that a record is gone (its looks may have been in scans that go), and what the digests of the
scans that stay are from now on. All of it is one transaction, and one entry of the run log.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Table, bindparam, delete, select

from inventory.coverage import CellResult
from inventory.difference import OPEN
from inventory.lifecycle import Life, LifeRules
from inventory.retention import Fate, Keep, fates
from inventory.settings import Retention
from inventory.store_bulk import BATCH_ROWS, Version, insert, rows
from inventory.store_chain import PruneEntry, append, baselines, citations, hold, remembered
from inventory.store_life import Away, away
from inventory.store_reader import read_infos
from inventory.store_rows import canonical
from inventory.store_schema import (
    BODY,
    CELL_VERSION,
    FINDINGS,
    OBSERVATION,
    OPENED,
    SCAN,
    SECTIONS,
    TOMBSTONE,
    Section,
)
from inventory.store_verify import counted


def plan(
    connection: Connection, rules: Retention, life: LifeRules, pinned: Mapping[int, Iterable[Keep]] | None = None
) -> list[Fate]:
    """What a pruning would do with each scan, the oldest first. `pinned`: what else forbids to prune a scan."""
    return _plan(connection, rules, list(away(connection, life)), pinned or {})


def _plan(
    connection: Connection, rules: Retention, absent: Sequence[Away], pinned: Mapping[int, Iterable[Keep]]
) -> list[Fate]:
    scans = read_infos(connection)
    needed: dict[int, set[Keep]] = defaultdict(set)
    for number, keeps in pinned.items():
        needed[number].update(keeps)
    for baseline in baselines(connection):
        needed[baseline.scan].add(Keep.BASELINE)
    for citation in citations(connection):
        needed[citation.scan].add(Keep.CITED)
    for thing in absent:
        if thing.state is not Life.GONE:
            for number in (thing.last, *thing.looks):
                needed[number].add(Keep.LIFECYCLE)
    whole = {scan.number for scan in scans}
    for number in _last_whole(connection, whole):
        needed[number].add(Keep.BELIEVED)
    return fates(scans, needed, whole, rules)


def _last_whole(connection: Connection, whole: set[int]) -> list[int]:
    """The last scan in which each cell that is incomplete now was whole; scans with a gap are taken out of `whole`."""
    table = CELL_VERSION
    found = connection.execute(
        select(table.c.key, table.c.nth, table.c.since_scan, table.c.until_scan, BODY.c.data)
        .join(BODY, BODY.c.id == table.c.body)
        .order_by(table.c.key, table.c.nth, table.c.since_scan)
    )
    ordered = sorted(whole)
    complete: dict[tuple[str, int], int] = {}
    planned: set[str] = set()
    for key, nth, since, until, data in found:
        cell = msgspec.json.decode(data, type=CellResult)
        if until is None:
            planned.add(key)
        if cell.is_complete:
            # What holds still needs no pin: it holds in the last scan.
            complete[key, nth] = 0 if until is None else until
        if cell.is_gap:
            whole.difference_update(n for n in ordered if n >= since and (until is None or n <= until))
    return sorted({number for (key, _), number in complete.items() if key in planned and number})


def prune(
    connection: Connection,
    rules: Retention,
    life: LifeRules,
    *,
    at: datetime,
    by: str,
    pinned: Mapping[int, Iterable[Keep]] | None = None,
) -> list[Fate]:
    """Prunes, in the caller's transaction, and returns what became of each scan.

    The caller has verified the store within the same transaction: what is counted anew here is believed from now on.

    Raises:
        SQLAlchemyError: the store does not answer.
    """
    hold(connection)
    absent = list(away(connection, life))
    decided = _plan(connection, rules, absent, pinned or {})
    going = {fate.scan.number for fate in decided if fate.goes}
    kept = [fate.scan.number for fate in decided if not fate.goes]
    if not going:
        return decided
    before, _ = counted(connection, [fate.scan.number for fate in decided])
    _bury(connection, absent, going)
    for section in SECTIONS:
        _drop(connection, section, kept)
    _drop_scans(connection, going)
    after, spans = counted(connection, kept)
    append(
        connection,
        "prune",
        PruneEntry(
            scans=tuple(sorted(going)),
            changes={str(number): digest for number, digest in after.items() if digest != before[number]},
            opened=remembered(connection, OPENED),
            tombstones=remembered(connection, TOMBSTONE),
            spans=spans,
            rules=msgspec.Raw(canonical(rules)),
            pruned_at=at.isoformat(),
            by=by,
        ),
    )
    return decided


def _bury(connection: Connection, absent: Sequence[Away], going: set[int]) -> None:
    """Writes down which records are gone, where the scans that showed it go; what came back since is forgotten."""
    stones = {(key, nth) for key, nth in connection.execute(select(TOMBSTONE.c.key, TOMBSTONE.c.nth))}
    gone = {(thing.key, thing.nth): thing for thing in absent if thing.state is Life.GONE}
    found: list[tuple[object, ...]] = []
    for place, thing in sorted(gone.items()):
        needed = {thing.last, *thing.looks}
        if place in stones or needed & going:
            found.append((*place, thing.last, thing.looks[-1]))
    connection.execute(delete(TOMBSTONE))
    _insert(connection, TOMBSTONE, found)


def _drop(connection: Connection, section: Section, kept: Sequence[int]) -> None:
    """Takes away the versions that hold in no scan that stays, and the contents that nothing else has."""
    dropped: list[Version] = []
    bodies: list[int] = []
    opened: list[tuple[object, ...]] = []
    known = set(connection.execute(select(OPENED.c.key)).scalars()) if section is FINDINGS else set()

    def settle(group: list[tuple[Version, bool]]) -> None:
        """All versions of one thing: one content may stand in several of them."""
        staying = {version.body for version, stays in group if stays}
        going = [version for version, stays in group if not stays]
        dropped.extend(going)
        bodies.extend({version.body for version in going} - staying)
        was_open = next(((v, s) for v, s in group if v.verdict in OPEN), None)
        if was_open is not None and not was_open[1] and was_open[0].key not in known:
            opened.append((was_open[0].key, was_open[0].since))

    def flush() -> None:
        _delete_versions(connection, section.table, dropped)
        _delete_bodies(connection, bodies)
        _insert(connection, OPENED, opened)
        for done in (dropped, bodies, opened):
            done.clear()

    group: list[tuple[Version, bool]] = []
    for row in rows(connection, section):
        version = Version(*row)
        if group and (group[0][0].key, group[0][0].nth) != (version.key, version.nth):
            settle(group)
            group = []
            if len(dropped) >= BATCH_ROWS:
                flush()
        first = bisect_left(kept, version.since)
        after = len(kept) if version.until is None else bisect_right(kept, version.until)
        group.append((version, first < after))
    if group:
        settle(group)
    flush()


def _delete_versions(connection: Connection, table: Table, versions: Sequence[Version]) -> None:
    if not versions:
        return
    this = delete(table).where(
        table.c.key == bindparam("k"), table.c.nth == bindparam("n"), table.c.since_scan == bindparam("s")
    )
    connection.execute(this, [{"k": v.key, "n": v.nth, "s": v.since} for v in versions])


def _delete_bodies(connection: Connection, ids: Sequence[int]) -> None:
    if ids:
        connection.execute(delete(BODY).where(BODY.c.id == bindparam("i")), [{"i": number} for number in ids])


def _insert(connection: Connection, table: Table, found: Sequence[tuple[Any, ...]]) -> None:
    for start in range(0, len(found), BATCH_ROWS):
        insert(connection, table, found[start : start + BATCH_ROWS])


def _drop_scans(connection: Connection, going: set[int]) -> None:
    documents = {
        number: {options, sources}
        for number, options, sources in connection.execute(select(SCAN.c.number, SCAN.c.options, SCAN.c.sources))
    }
    needed = set().union(*(ids for number, ids in documents.items() if number not in going))
    loose = set().union(*(ids for number, ids in documents.items() if number in going)) - needed
    numbers = [{"n": number} for number in sorted(going)]
    connection.execute(delete(OBSERVATION).where(OBSERVATION.c.scan == bindparam("n")), numbers)
    connection.execute(delete(SCAN).where(SCAN.c.number == bindparam("n")), numbers)
    _delete_bodies(connection, sorted(loose))
