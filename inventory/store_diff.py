"""What differs between the findings of two scans 两次扫描之差.

Nothing is called resolved that the later scan could not see: a finding is resolved by a verdict that says so, or by a
subject that is gone from a source all of which was read. Where either side could not see, the two are incomparable.
Only what differs is read: memory grows with the change, not with the inventory.
"""

from collections.abc import Iterator, Sequence

import msgspec
from sqlalchemy import Connection, and_, func, not_, select

from inventory.difference import OPEN, DiffClass, Difference
from inventory.finding import Finding, Verdict
from inventory.lifecycle import Look
from inventory.store_reader import valid_in
from inventory.store_rows import stored_key
from inventory.store_schema import BODY, FINDING_VERSION, OPENED, RECORD_VERSION
from inventory.store_sight import Sight, Trace, sight_of, trace_of

_AT_ONCE = 500


def unchanged_count(connection: Connection, earlier: int, later: int) -> int:
    """How many findings held, word for word, in both scans."""
    table = FINDING_VERSION
    both = and_(valid_in(table, earlier), valid_in(table, later))
    count = int(connection.execute(select(func.count()).select_from(table).where(both)).scalar_one())
    return count + sum(1 for d in _pairs(connection, earlier, later) if d[1] == d[2])


def differences(connection: Connection, earlier: int, later: int) -> Iterator[Difference]:
    """Every question that was answered differently, in the order of their keys.

    Raises:
        LookupError: there is no such scan.
    """
    judge = _Judge(connection, earlier, later)
    batch: list[tuple[str, bytes | None, bytes | None]] = []
    for pair in _pairs(connection, earlier, later):
        if pair[1] != pair[2]:
            batch.append(pair)
        if len(batch) >= _AT_ONCE:
            yield from judge.judged(batch)
            batch.clear()
    yield from judge.judged(batch)


def _pairs(connection: Connection, earlier: int, later: int) -> Iterator[tuple[str, bytes | None, bytes | None]]:
    """(key, content before, content after) of the findings that are not one version in both scans."""
    table = FINDING_VERSION
    before, after = valid_in(table, earlier), valid_in(table, later)
    rows = connection.execute(
        select(table.c.key, table.c.nth, before.label("before"), BODY.c.data)
        .select_from(table.join(BODY, BODY.c.id == table.c.body))
        .where(before | after, not_(and_(before, after)))
        .order_by(table.c.key, table.c.nth, table.c.since_scan)
        .execution_options(yield_per=_AT_ONCE)
    )
    held: tuple[str, int] | None = None
    pair: list[bytes | None] = [None, None]
    for key, nth, is_before, data in rows:
        if held is not None and held != (key, nth):
            yield held[0], pair[0], pair[1]
            pair = [None, None]
        held = (key, nth)
        pair[0 if is_before else 1] = bytes(data)
    if held is not None:
        yield held[0], pair[0], pair[1]


class _Judge:
    """Puts pairs of answers into their classes."""

    def __init__(self, connection: Connection, earlier: int, later: int) -> None:
        self._db = connection
        self._scans = (earlier, later)
        self._sights = (sight_of(connection, earlier), sight_of(connection, later))

    def judged(self, batch: Sequence[tuple[str, bytes | None, bytes | None]]) -> Iterator[Difference]:
        pairs = [(key, _finding(before), _finding(after)) for key, before, after in batch]
        once = self._open_once([key for key, before, after in pairs if _is_open(after) and not _is_open(before)])
        alone = [b or a for _, b, a in pairs if b is None or a is None]
        subjects = {key for finding in alone if finding is not None for key in _subject_records(finding)}
        held = tuple(self._contents(sorted(subjects), scan) for scan in self._scans)
        for key, before, after in pairs:
            if before is not None and after is not None:
                what = self._both(before, after, was_open=key in once)
            elif before is not None:
                what = self._went(before, held)
            elif after is not None:
                what = self._came(after, held, was_open=key in once)
            else:
                continue
            told = after if after is not None else before
            yield Difference(key=told.key if told else key, what=what, before=before, after=after)

    def _went(self, before: Finding, held: tuple[dict[str, bytes], ...]) -> DiffClass:
        if not self._is_absent(before, held, 1):
            return DiffClass.INCOMPARABLE
        return DiffClass.RESOLVED if _is_open(before) else DiffClass.CHANGED

    def _came(self, after: Finding, held: tuple[dict[str, bytes], ...], *, was_open: bool) -> DiffClass:
        if not self._is_absent(after, held, 0):
            return DiffClass.INCOMPARABLE
        if not _is_open(after):
            return DiffClass.CHANGED
        return DiffClass.REOPENED if was_open else DiffClass.NEW

    @staticmethod
    def _both(before: Finding, after: Finding, *, was_open: bool) -> DiffClass:
        unknown = (before.verdict is Verdict.UNKNOWN, after.verdict is Verdict.UNKNOWN)
        if any(unknown):
            return DiffClass.CHANGED if all(unknown) else DiffClass.INCOMPARABLE
        if _is_open(before) == _is_open(after):
            return DiffClass.CHANGED
        if _is_open(before):
            return DiffClass.RESOLVED
        return DiffClass.REOPENED if was_open else DiffClass.NEW

    def _is_absent(self, finding: Finding, held: tuple[dict[str, bytes], ...], side: int) -> bool:
        """Whether the finding's subject was not there in the scan of this side, which could have seen it."""
        keys = _subject_records(finding)
        there, here = held[1 - side], held[side]
        if not keys or any(key in here for key in keys) or not all(key in there for key in keys):
            return False
        here_sight, there_sight = self._sights[side], self._sights[1 - side]
        return all(_is_seen(trace_of(there[key]), here_sight, there_sight, is_later=side == 1) for key in keys)

    def _contents(self, keys: Sequence[str], scan: int) -> dict[str, bytes]:
        table = RECORD_VERSION
        rows = self._db.execute(
            select(table.c.key, BODY.c.data)
            .join(BODY, BODY.c.id == table.c.body)
            .where(table.c.key.in_(keys), valid_in(table, scan))
        )
        # A key of several captures: one of them is enough to say what it is.
        return {key: bytes(data) for key, data in rows}

    def _open_once(self, keys: Sequence[str]) -> frozenset[str]:
        """Those of the questions that were open in some scan before both."""
        table = FINDING_VERSION
        was = select(table.c.key).where(
            table.c.key.in_(keys),
            table.c.since_scan < min(self._scans),
            table.c.verdict.in_(sorted(OPEN)),
        )
        pruned = select(OPENED.c.key).where(OPENED.c.key.in_(keys), OPENED.c.scan < min(self._scans))
        return frozenset(self._db.execute(was.union(pruned)).scalars()) if keys else frozenset()


_RECORD_KINDS = {
    "host": ("host",),
    "system": ("system",),
    "project": ("project",),
    "tenant": ("tenant",),
    "storage": ("storage",),
    "segment": ("segment",),
    "contract": ("third_party",),
}
"""Kind of a subject to the kinds of the records that are it; the others are what it was judged by."""


def _is_seen(record: Trace, here: Sight, there: Sight, *, is_later: bool) -> bool:
    """Whether the sight `here` would have shown the record; one of before it was last seen cannot say that it went."""
    if is_later and here.readings(record, there).is_older(there.readings(record, there)):
        return False
    return here.look(record, there) is Look.WHOLE


def _subject_records(finding: Finding) -> list[str]:
    kinds = _RECORD_KINDS.get(finding.subject.kind, ())
    keys = [stored_key(key) for key in finding.evidence]
    return [key for key in keys if key.count("|") >= 2 and key.split("|", 2)[1] in kinds]


def _finding(data: bytes | None) -> Finding | None:
    return None if data is None else msgspec.json.decode(data, type=Finding)


def _is_open(finding: Finding | None) -> bool:
    return finding is not None and finding.verdict in OPEN
