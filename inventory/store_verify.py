"""Verifying the store: every row of every scan against the run log, and the log against itself."""

import hashlib
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TypeVar

import msgspec
from sqlalchemy import Connection, except_, select, union_all

from inventory.store_bulk import Version, versions
from inventory.store_chain import (
    BEFORE_THE_FIRST,
    Changes,
    Entry,
    PruneEntry,
    ScanEntry,
    chained,
    remembered,
    time_header,
)
from inventory.store_rows import canonical, sha256, unpacked
from inventory.store_schema import (
    BODY,
    FINDINGS,
    LOG,
    OBSERVATION,
    OPENED,
    RAWS,
    SCAN,
    SECTIONS,
    TOMBSTONE,
    Section,
)  # fmt: skip
from inventory.text import Message, msg

MAX_FAULTS = 100
"""Sentences after which it is clear enough."""
_BODIES_AT_ONCE = 500
_Told = TypeVar("_Told", ScanEntry, PruneEntry)
_WHAT: dict[type[msgspec.Struct], str] = {ScanEntry: "scan", PruneEntry: "prune"}


def faults(connection: Connection) -> Iterator[Message]:
    """Everything that is not as it was written, at most `MAX_FAULTS` sentences; none where the store is whole."""
    return islice(_faults(connection), MAX_FAULTS)


def _faults(connection: Connection) -> Iterator[Message]:
    entries: dict[int, Entry] = {}
    yield from _log(connection, entries)
    by_scan = {told.scan: (e.number, told) for e in entries.values() if (told := _told(e, ScanEntry)) is not None}
    prunings = [pruning for e in entries.values() if (pruning := _told(e, PruneEntry)) is not None]
    expected = {number: entry.changes for number, (_, entry) in by_scan.items()}
    for pruning in prunings:
        expected |= {int(number): digest for number, digest in pruning.changes.items()}
    pruned = {number for pruning in prunings for number in pruning.scans}
    kept = sorted(connection.execute(select(SCAN.c.number)).scalars())
    account = _Account(kept)
    for section in SECTIONS:
        yield from _section(connection, section, account)
    for number in kept:
        if number not in by_scan:
            yield msg("scan {number} stands in no entry of the log", number=number)
            continue
        entry_number, entry = by_scan[number]
        yield from _scan(connection, number, entry_number, entry)
        if account.changes[number].hexdigest() != expected[number]:
            yield msg("scan {number}: rows were changed, added or taken away after it was written", number=number)
        if number in pruned:
            yield msg("scan {number} was pruned, says the log, and is there", number=number)
    for number in sorted(set(by_scan) - set(kept) - pruned):
        yield msg("scan {number} stands in the log and is gone from the store", number=number)
    if prunings and prunings[-1].spans not in ("", account.spans.hexdigest()):
        yield msg("rows were moved among scans that were pruned")
    yield from _parts_of_no_scan(connection, kept)
    yield from _contents_of_nothing(connection)
    yield from _memory(connection, prunings)


def _parts_of_no_scan(connection: Connection, kept: list[int]) -> Iterator[Message]:
    for number in sorted(set(connection.execute(select(OBSERVATION.c.scan).distinct()).scalars()) - set(kept)):
        yield msg("scan {number} is not in the store, and its times of observation are", number=number)


def _contents_of_nothing(connection: Connection) -> Iterator[Message]:
    named = [select(section.table.c.body) for section in SECTIONS] + [select(SCAN.c.options), select(SCAN.c.sources)]
    loose = except_(select(BODY.c.id), union_all(*named).subquery().select()).limit(MAX_FAULTS)
    for number in sorted(connection.execute(loose).scalars()):
        yield msg("content {number} belongs to nothing that the store holds", number=number)


def _memory(connection: Connection, prunings: list[PruneEntry]) -> Iterator[Message]:
    """What the last pruning wrote down of the scans that it and those before it took away."""
    nothing = hashlib.sha256().hexdigest()
    last = prunings[-1] if prunings else None
    for table, expected in (
        (OPENED, last.opened if last else nothing),
        (TOMBSTONE, last.tombstones if last else nothing),
    ):
        if remembered(connection, table) != expected:
            yield msg("the table {table}: rows were changed, added or taken away after they were written",
                      table=table.name)  # fmt: skip


class _Account:
    """What came and went with each scan that is left, as the rows say it that are there."""

    def __init__(self, kept: Sequence[int]) -> None:
        self._kept = sorted(kept)
        self.changes = {number: Changes() for number in self._kept}
        self.spans = hashlib.sha256()
        """Of the numbers that might be others and give the same changes, for scans around them were pruned."""
        self._section = SECTIONS[0]

    def begin(self, section: Section) -> None:
        """The versions that follow are of this section."""
        self._section = section
        for change in self.changes.values():
            change.section(section)

    def count(self, version: Version) -> bool:
        """Adds the version to the changes of the scan with which it came and of the one with which it went.

        Returns: whether it holds from a scan to a scan in any way that a scan or a pruning leaves it.
        """
        kept = self._kept
        first = bisect_left(kept, version.since)
        after = len(kept) if version.until is None else bisect_right(kept, version.until)
        if first >= after:
            return False
        facts = (version.verdict, version.known_scan, version.known_at) if self._section is FINDINGS else ()
        self.changes[kept[first]].came([version.key], [version.nth], [version.digest], [facts])
        if kept[first] - (kept[first - 1] if first else 0) > 1:
            self._span(version, "since", version.since)
        if after < len(kept):
            self.changes[kept[after]].went(version.key, version.nth)
            if kept[after] - kept[after - 1] > 1:
                self._span(version, "until", version.until)
        # What ends, ends with the scan before one that does not have it: never with the last.
        return version.since >= 1 and (version.until is None or after < len(kept))

    def _span(self, version: Version, end: str, scan: int | None) -> None:
        key = version.key if isinstance(version.key, str) else bytes(version.key).hex()
        self.spans.update(canonical((self._section.name, key, version.nth, end, scan)))


def counted(connection: Connection, kept: Sequence[int]) -> tuple[dict[int, str], str]:
    """Digests, hexadecimal: of what came and went with each of these scans, as the rows say it that are there; and of
    where rows begin and end among scans that were pruned.
    """
    account = _Account(kept)
    for section in SECTIONS:
        account.begin(section)
        for version in versions(connection, section):
            account.count(version)
    return {number: change.hexdigest() for number, change in account.changes.items()}, account.spans.hexdigest()


def _told(entry: Entry, kind: type[_Told]) -> _Told | None:
    try:
        return msgspec.json.decode(entry.body, type=kind) if entry.what == _WHAT[kind] else None
    except msgspec.DecodeError:
        return None  # its digest has told already


def _log(connection: Connection, entries: dict[int, Entry]) -> Iterator[Message]:
    before = BEFORE_THE_FIRST
    for expected, row in enumerate(connection.execute(select(LOG).order_by(LOG.c.entry)), 1):
        entry = Entry(*row)
        entries[entry.number] = entry
        if entry.number != expected:
            yield msg("entry {number} of the log is missing", number=expected)
            return
        if entry.digest != chained(before, entry.what, entry.body):
            yield msg("entry {number} of the log was changed", number=entry.number)
        before = bytes(entry.digest)


def _scan(connection: Connection, number: int, entry_number: int, entry: ScanEntry) -> Iterator[Message]:
    row = connection.execute(select(SCAN).where(SCAN.c.number == number)).one()
    times = hashlib.sha256()
    parts = connection.execute(
        select(OBSERVATION.c.section, OBSERVATION.c.part, OBSERVATION.c.data)
        .where(OBSERVATION.c.scan == number)
        .order_by(OBSERVATION.c.section.desc(), OBSERVATION.c.part)
    )
    try:
        for section, part, data in parts:
            times.update(time_header(section, part) + unpacked(data))
    except ValueError:
        times.update(b"damaged")
    same = {
        "info": row.info == bytes(entry.info).decode(),
        "taken_at": row.taken_at == entry.taken_at,
        "entry": row.entry == entry_number,
        "options": _document_digest(connection, row.options) == entry.options,
        "sources": _document_digest(connection, row.sources) == entry.sources,
        "times": times.hexdigest() == entry.times,
    }
    for what in sorted(name for name, is_same in same.items() if not is_same):
        yield msg("scan {number}: its {what} was changed after it was written", number=number, what=what)


def _document_digest(connection: Connection, body: int) -> str | None:
    data = connection.execute(select(BODY.c.data).where(BODY.c.id == body)).scalar_one_or_none()
    return None if data is None else sha256(bytes(data)).hex()


def _section(connection: Connection, section: Section, account: _Account) -> Iterator[Message]:
    """Gives each scan's changes what came and went with it, and checks every content against its digest.

    What held in no scan that is left should have gone with the last one that it held in.
    """
    account.begin(section)
    for version in _checked(connection, section):
        if isinstance(version, Message):
            yield version
            continue
        if not account.count(version):
            yield msg(
                "{section} {key}: no scan leaves a row from scan {since} to {until}",
                section=section.name,
                key=_shown(version.key),
                since=version.since,
                until="-" if version.until is None else version.until,
            )


def _checked(connection: Connection, section: Section) -> Iterator[Version | Message]:
    """The versions, each followed by what is wrong with its content."""
    waiting: deque[Version] = deque()
    for version in versions(connection, section):
        waiting.append(version)
        if len(waiting) >= _BODIES_AT_ONCE:
            yield from _with_contents(connection, section, waiting)
            waiting.clear()
    yield from _with_contents(connection, section, waiting)


def _with_contents(connection: Connection, section: Section, page: deque[Version]) -> Iterator[Version | Message]:
    wanted = {v.body for v in page}
    found = dict(connection.execute(select(BODY.c.id, BODY.c.data).where(BODY.c.id.in_(wanted))).fetchall())
    for version in page:
        yield version
        data = found.get(version.body)
        if data is None or _digest(section, data) != version.digest:
            yield msg("{section} {key}: its content was changed", section=section.name, key=_shown(version.key))


def _digest(section: Section, data: bytes) -> bytes | None:
    try:
        return sha256(unpacked(data) if section is RAWS else bytes(data))
    except ValueError:
        return None


def _shown(key: str | bytes) -> str:
    return key if isinstance(key, str) else bytes(key).hex()


def heads(connection: Connection) -> list[str]:
    """The digest of each entry of the log, hexadecimal, the oldest first."""
    return [bytes(digest).hex() for digest in connection.execute(select(LOG.c.digest).order_by(LOG.c.entry)).scalars()]
