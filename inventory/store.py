"""Every finished scan, over time 时序库: what changed is written once, what did not costs nothing.

A scan is one transaction: its readers see the last finished scan until the next is whole, and a scan that is killed
leaves nothing behind. The store is a file of SQLite, or a PostgreSQL database for several machines; the same tables and
the same code (`store_schema`, `store_writer`, `store_reader`). Its clients are imported only where they are used.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Self

import msgspec

from inventory.collection import Taken
from inventory.coverage import CellResult
from inventory.difference import Difference
from inventory.finding import Finding
from inventory.lifecycle import DEFAULT_RULES, Life, LifeRules, with_held
from inventory.retention import Fate, Keep
from inventory.scan import Known, ScanInfo, ScanOptions
from inventory.settings import Retention
from inventory.store_place import DamagedError, Place, StoreError, place_of
from inventory.stored_scan import StoredScan
from inventory.text import Message, msg

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from inventory.store_chain import BaselineEntry
    from inventory.store_history import Change
    from inventory.store_lock import Held
    from inventory.store_stats import Freed, Stats
    from inventory.store_turnover import Placed

__all__ = ["DamagedError", "Place", "Store", "StoreError", "StoredScan", "lock", "place_of"]


class Store:
    """An open store. Use as a context manager."""

    def __init__(self, where: Path | str | Place, *, must_exist: bool = False, held: "Held | None" = None) -> None:
        """Opens the store, making it if it is not there. `held` is the lock under which it is written.

        Raises:
            DamagedError: it is a file of SQLite, and not as that wrote it.
            StoreError: not a store, of another version, or it cannot be reached, read or written.
        """
        self.place = place_of(where)
        self._held = held
        if must_exist and not self.place.is_there:
            raise StoreError(msg("{path}: there is no store yet; `yunhe scan` makes one", path=str(self.place)))
        from inventory.store_engine import DATABASE_ERRORS, engine_of, is_damage, is_no_database, prepare, why

        self._engine = engine_of(self.place)
        try:
            prepare(self._engine, self.place)
        except (*DATABASE_ERRORS, UnicodeDecodeError) as error:
            self._engine.dispose()
            if is_damage(error) and not is_no_database(error):
                raise DamagedError(self._cannot_open(why(error))) from error
            raise StoreError(self._cannot_open(why(error))) from error
        except BaseException:
            self._engine.dispose()
            raise

    def _cannot_open(self, why: str) -> Message:
        if self.place.path is None:
            return msg(
                "{path}: the store cannot be opened ({why}); expected a PostgreSQL database that this user may use",
                path=str(self.place),
                why=why,
            )
        return msg(
            "{path}: the store cannot be opened ({why}); expected a file that `yunhe scan` made, writable, "
            "in a writable folder with room on its disk",
            path=str(self.place),
            why=why,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._engine.dispose()

    def save(self, *, info: ScanInfo, options: ScanOptions, taken: Taken, findings: Sequence[Finding]) -> ScanInfo:
        """Keeps the scan whole or not at all, and returns it with its number and the head of the log.

        Raises:
            StoreError: it could not be written; the last finished scan stands as it was.
        """
        from inventory.store_engine import DATABASE_ERRORS, why, writing
        from inventory.store_incoming import Disorder
        from inventory.store_writer import write_scan

        try:
            with writing(self._engine) as connection:
                self._mark(connection)
                kept = write_scan(connection, info, options, taken, findings)
                if self._held is not None:
                    self._held.check(connection)
        except (*DATABASE_ERRORS, Disorder) as error:
            sentence = msg(
                "{path}: the scan could not be kept ({why}); the last finished scan stands",
                path=str(self.place),
                why=why(error),
            )
            raise StoreError(sentence) from error
        return kept

    def _mark(self, connection: "Connection") -> None:
        if self._held is not None:
            self._held.mark(connection)

    def last_number(self) -> int | None:
        """Number of the last finished scan; None before the first.

        Raises:
            StoreError: it cannot be read.
        """
        from inventory.store_reader import last_number

        with self._reading() as connection:
            return last_number(connection)

    def last(self) -> ScanInfo | None:
        """The last finished scan; None before the first.

        Raises:
            StoreError: it cannot be read.
        """
        from inventory.store_reader import last_number, read_info

        with self._reading() as connection:
            number = last_number(connection)
            return None if number is None else read_info(connection, number)

    def load(self, number: int | None = None, *, past: bool = False) -> StoredScan | None:
        """A finished scan, the last one by default; None if there is none of that number.

        `past`: with what became of earlier breaches, and when each source was last read whole.

        Raises:
            StoreError: it cannot be read back.
        """
        from inventory.store_past import with_past
        from inventory.store_reader import last_number, read_scan

        if number is not None and not 0 < number < 2**31:
            return None
        with self._reading() as connection:
            wanted = last_number(connection) if number is None else number
            kept = None if wanted is None else read_scan(connection, wanted)
            return with_past(connection, kept) if kept is not None and past else kept

    def known(self, number: int) -> dict[str, Known]:
        """Finding key to since when its verdict has held, in the scan of that number.

        Raises:
            StoreError: it cannot be read.
        """
        from inventory.store_reader import read_findings

        with self._reading() as connection:
            return read_findings(connection, number)[1]

    def last_findings(
        self, keys: Iterable[str], fits: Callable[[Finding], bool], scans: Iterable[int]
    ) -> dict[str, tuple[int, Finding]]:
        """Key to the finding as it was when it last fitted in one of the scans, and the last of those.

        Raises:
            StoreError: they cannot be read.
        """
        from inventory.store_findings import last_findings

        with self._reading() as connection:
            return last_findings(connection, keys, fits, scans)

    def scans(self) -> list[ScanInfo]:
        """Every scan that can be read, the oldest first.

        Raises:
            StoreError: they cannot be read.
        """
        from inventory.store_reader import read_infos

        with self._reading() as connection:
            return read_infos(connection)

    def baselines(self) -> "list[BaselineEntry]":
        """The named baselines, in the order in which they were set.

        Raises:
            StoreError: they cannot be read.
        """
        from inventory.store_chain import baselines

        with self._reading() as connection:
            return baselines(connection)

    def set_baseline(self, name: str, number: int, *, at: datetime) -> "BaselineEntry":
        """Gives a scan a name for good. The caller holds the lock.

        Raises:
            StoreError: the name is taken, there is no such scan, or it cannot be written.
        """
        from inventory.store_chain import BaselineEntry, append, baselines
        from inventory.store_engine import DATABASE_ERRORS, why, writing
        from inventory.store_reader import read_info

        try:
            with writing(self._engine) as connection:
                self._mark(connection)
                for known in baselines(connection):
                    if known.name == name:
                        raise StoreError(
                            msg(
                                "baseline {name} is scan {number} for good; expected another name",
                                name=name,
                                number=known.scan,
                            )
                        )
                info = read_info(connection, number)
                if info is None:
                    raise StoreError(msg("the store holds no scan {number}", number=number))
                entry = BaselineEntry(name=name, scan=number, head=info.head, set_at=at.isoformat())
                append(connection, "baseline", entry)
                if self._held is not None:
                    self._held.check(connection)
        except DATABASE_ERRORS as error:
            sentence = msg("{path}: the baseline could not be kept ({why})", path=str(self.place), why=why(error))
            raise StoreError(sentence) from error
        return entry

    def cite(self, number: int, project: str, *, at: datetime) -> None:
        """Writes down that evidence of a project is built of a scan, which is kept for good by that.

        Raises:
            StoreError: there is no such scan (any more), or it cannot be written.
        """
        from inventory.store_chain import CitationEntry, append, citations
        from inventory.store_engine import DATABASE_ERRORS, reading, why, writing
        from inventory.store_reader import read_info

        def is_cited(connection: "Connection") -> bool:
            if read_info(connection, number) is None:
                raise StoreError(msg("the store holds no scan {number}", number=number))
            return any(c.scan == number and c.project == project for c in citations(connection))

        try:
            with reading(self._engine) as connection:
                if is_cited(connection):
                    return
            with writing(self._engine) as connection:
                # Once more: others may have written meanwhile.
                if not is_cited(connection):
                    append(connection, "citation", CitationEntry(scan=number, project=project, cited_at=at.isoformat()))
                    if read_info(connection, number) is None:
                        raise StoreError(msg("the store holds no scan {number}", number=number))
        except DATABASE_ERRORS as error:
            sentence = msg(
                "{path}: it cannot be written down that evidence is built of scan {number} ({why}), and what is not "
                "cited is not kept for ever",
                path=str(self.place),
                number=number,
                why=why(error),
            )
            raise StoreError(sentence) from error

    def retention(
        self, rules: Retention, life: LifeRules = DEFAULT_RULES, pinned: Mapping[int, Iterable[Keep]] | None = None
    ) -> list[Fate]:
        """What a pruning would do with each scan, the oldest first. `pinned`: what else forbids to prune a scan.

        Raises:
            StoreError: it cannot be read.
        """
        from inventory.store_prune import plan

        with self._reading() as connection:
            return plan(connection, rules, life, pinned)

    def prune(
        self,
        rules: Retention,
        life: LifeRules = DEFAULT_RULES,
        pinned: Mapping[int, Iterable[Keep]] | None = None,
        *,
        at: datetime,
    ) -> list[Fate]:
        """Takes away the scans that the rules no longer ask for, or nothing. The caller holds the lock.

        Raises:
            DamagedError: the store is not as it was written; nothing was pruned.
            StoreError: it cannot be read or written; nothing was pruned.
        """
        from inventory.store_engine import DATABASE_ERRORS, why, writing
        from inventory.store_lock import ourselves
        from inventory.store_prune import prune
        from inventory.store_verify import faults

        try:
            with writing(self._engine) as connection:
                self._mark(connection)
                # What is pruned is counted anew, and must not make a change of yesterday a truth of today.
                for fault in faults(connection):
                    raise DamagedError(
                        msg("{path}: nothing was pruned, for the store is not as it was written: {fault}",
                            path=str(self.place), fault=fault)
                    )  # fmt: skip
                by = ourselves()
                found = prune(connection, rules, life, at=at, by=f"{by.machine} {by.process}", pinned=pinned)
                if self._held is not None:
                    self._held.check(connection)
        except (*DATABASE_ERRORS, ValueError, msgspec.DecodeError) as error:
            sentence = msg("{path}: nothing was pruned ({why})", path=str(self.place), why=why(error))
            raise StoreError(sentence) from error
        return found

    def stats(self, fates: Sequence[Fate] = ()) -> "tuple[Stats, Freed]":
        """What the store holds, and what a pruning with these fates (`retention`) would take away.

        Raises:
            StoreError: it cannot be read.
        """
        from inventory.store_stats import freed, stats

        kept = sorted(fate.scan.number for fate in fates if not fate.goes)
        going = sorted(fate.scan.number for fate in fates if fate.goes)
        with self._reading() as connection:
            return stats(connection, self.place.path), freed(connection, kept, going)

    def pruned(self) -> dict[int, ScanInfo]:
        """The scans that went by the rules of retention, by number: what the log still says of them.

        Raises:
            StoreError: it cannot be read.
        """
        from inventory.store_chain import pruned_scans

        with self._reading() as connection:
            return pruned_scans(connection)

    def faults(self) -> list[Message]:
        """What was changed after it was written; nothing where the store is whole.

        Raises:
            StoreError: it cannot be read.
        """
        from inventory.store_engine import DATABASE_ERRORS, is_damage, why
        from inventory.store_verify import faults

        found: list[Message] = []
        with self._reading() as connection:
            try:
                found.extend(faults(connection))
            except (*DATABASE_ERRORS, ValueError) as error:
                if not (is_damage(error) or isinstance(error, ValueError)):
                    raise
                found.append(msg("it cannot be read to its end ({why})", why=why(error)))
        return found

    def heads(self) -> list[str]:
        """SHA-256 of each entry of the run log, hexadecimal, the oldest first; the last one is the log's head.

        Raises:
            StoreError: it cannot be read.
        """
        from inventory.store_verify import heads

        with self._reading() as connection:
            return heads(connection)

    def history(self, name: str, rules: LifeRules = DEFAULT_RULES) -> "list[Change]":
        """Every change of the resources that were ever called so: by key, the source's own id, or name.

        Raises:
            StoreError: it cannot be read.
        """
        from inventory.store_history import history, resources

        with self._reading() as connection:
            return [change for key in resources(connection, name) for change in history(connection, key, rules)]

    def with_held(
        self,
        cells: Sequence[CellResult],
        rules: LifeRules = DEFAULT_RULES,
        placed: "Callable[[], Iterable[Placed]] | None" = None,
    ) -> list[CellResult]:
        """The cells of a scan that is to be judged; those from which too much vanished at once are partial.

        `placed` gives the records of the scan in the order of their keys: without them only what cells count is seen,
        and not that as many came as went.

        Raises:
            StoreError: it cannot be read.
        """
        from inventory.store_life import believed
        from inventory.store_turnover import lost_by_turnover

        with self._reading() as connection:
            before = believed(connection, cells)
            replaced = lost_by_turnover(connection, cells, before, placed, rules) if placed else {}
            return with_held(cells, before, rules, replaced)

    def absent(self, rules: LifeRules = DEFAULT_RULES) -> list[tuple[str, int, Life]]:
        """Every record that the last scan does not have: its key, the last scan that had it, and its state.

        Raises:
            StoreError: it cannot be read.
        """
        from inventory.store_life import absent

        with self._reading() as connection:
            return list(absent(connection, rules))

    def differences(self, earlier: int, later: int) -> list[Difference]:
        """What differs between the findings of two scans.

        Raises:
            StoreError: it cannot be read.
            LookupError: there is no such scan.
        """
        from inventory.store_diff import differences

        with self._reading() as connection:
            return list(differences(connection, earlier, later))

    def unchanged_count(self, earlier: int, later: int) -> int:
        """How many findings held, word for word, in both scans.

        Raises:
            StoreError: it cannot be read.
        """
        from inventory.store_diff import unchanged_count

        with self._reading() as connection:
            return unchanged_count(connection, earlier, later)

    @contextlib.contextmanager
    def _reading(self) -> Iterator["Connection"]:
        """One view of the store."""
        from inventory.store_engine import DATABASE_ERRORS, reading, why

        try:
            with reading(self._engine) as connection:
                yield connection
        except (*DATABASE_ERRORS, ValueError, msgspec.DecodeError) as error:
            sentence = msg("{path}: the scan cannot be read back: {why}", path=str(self.place), why=why(error))
            raise StoreError(sentence) from error


@contextlib.contextmanager
def lock(where: Path | str | Place) -> Iterator["Held"]:
    """Holds the store against a second scan; what is dead holds it no longer.

    Raises:
        StoreError: another scan holds it, or it cannot be locked.
    """
    from inventory.store_lock import lock as hold

    with hold(place_of(where)) as held:
        yield held
