"""Names that a person confirmed 别名: this name, as written in this kind of source, means this registered thing.

An alias says whose something is and nothing else: never that it runs on the cloud, never that it is there at all.
Nothing is an alias by likeness (`inventory/alias_proposals.py` proposes, a person confirms). Where two entries, or an
entry and the register, say different things, neither is taken.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import date
from enum import StrEnum
from typing import Annotated

import msgspec

from inventory.names import normalise

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
SOURCE = r"^[a-z][a-z_]*(:.+)?$"


class AliasKind(StrEnum):
    """What is called by the name."""

    SYSTEM_NAME = "system_name"
    """信息系统名称, in ledgers"""
    PROJECT_NAME = "project_name"
    """项目名称, in ledgers"""
    DEPARTMENT_NAME = "department_name"
    """单位名称, in ledgers"""
    TENANT = "tenant"
    """云租户: name or id of an OpenStack project or a Kubernetes namespace"""
    HOST = "host"
    """主机: its name, an address of it or its id in a source"""


class Answer(StrEnum):
    """What the person said to "is it this?"."""

    SAME = "same"
    """是"""
    DIFFERENT = "different"
    """不是: for ever; it is not proposed again."""


class Alias(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One confirmed statement. Exactly one of `system`, `project`, `department` is given."""

    kind: AliasKind
    written: Text
    """The name or identifier as the source writes it; compared normalised."""
    answer: Answer = Answer.SAME
    source: Annotated[str, msgspec.Meta(pattern=SOURCE)] | None = None
    """Where it is written so: a kind of source (`ledger`, `openstack`) or one source (`ledger:等保备案`); None: all."""
    zone: Text | None = None
    """Of a host: the network zone in which an address means it."""
    system: Text | None = None
    """Code in the register."""
    project: Text | None = None
    """Code in the register 项目编号."""
    department: Text | None = None
    """统一社会信用代码, or the name in the register of units."""
    confirmed_by: Text
    confirmed_on: date
    why: Text
    valid_from: date | None = None
    """First day; None: always was."""
    valid_to: date | None = None
    """Last day."""
    origin: str = ""
    """File and entry that it was read from."""

    @property
    def target(self) -> str:
        """What it names, as the person wrote it."""
        return self.system or self.project or self.department or ""

    @property
    def is_refusal(self) -> bool:
        """Whether it says that two things are not the same."""
        return self.answer is Answer.DIFFERENT

    @property
    def said_by(self) -> str:
        """Entry, person and day, as explanations cite it."""
        return f"{self.origin}, {self.confirmed_by} {self.confirmed_on.isoformat()}".removeprefix(", ")

    def reaches(self, source: str) -> bool:
        """Whether it speaks of what this source writes."""
        return self.source is None or self.source in (source, source.partition(":")[0])

    def holds_on(self, day: date) -> bool:
        """Whether it is in force on that day."""
        first, last = self.valid_from, self.valid_to
        return (first is None or first <= day) and (last is None or day <= last)

    def overlaps(self, other: "Alias") -> bool:
        """Whether both may speak of one name in one source at one time."""
        return (
            (self.kind, normalise(self.written)) == (other.kind, normalise(other.written))
            and (self.zone is None or other.zone is None or self.zone == other.zone)
            and (
                self.source is None or other.source is None or self.reaches(other.source) or other.reaches(self.source)
            )
            and (self.valid_from is None or other.valid_to is None or self.valid_from <= other.valid_to)
            and (other.valid_from is None or self.valid_to is None or other.valid_from <= self.valid_to)
        )


class AliasBook:
    """The aliases of a scan, asked what a text means; remembers which of them was asked for by which record."""

    def __init__(self, aliases: Iterable[Alias] = (), *, today: date) -> None:
        """`today`: the law's day of the scan."""
        self._today = today
        self._entries: dict[tuple[AliasKind, str], list[Alias]] = defaultdict(list)
        self._uses: dict[Alias, set[str]] = defaultdict(set)
        for alias in aliases:
            self._entries[alias.kind, normalise(alias.written)].append(alias)

    @property
    def uses(self) -> Mapping[Alias, tuple[str, ...]]:
        """Entry to the keys of the records that write its name, of those that were asked about."""
        return {alias: tuple(sorted(keys)) for alias, keys in self._uses.items()}

    def in_force(self, kind: AliasKind) -> tuple[Alias, ...]:
        """Entries of one kind that hold on the day of the scan."""
        return tuple(a for (k, _), own in self._entries.items() if k is kind for a in own if a.holds_on(self._today))

    def use(self, alias: Alias, records: Iterable[str]) -> None:
        """Remembers that the records with these keys write the alias's name."""
        self._uses[alias].update(records)

    def said(self, kind: AliasKind, text: str, record: str, *, days: Iterable[date | None] = ()) -> tuple[Alias, ...]:
        """Entries on what the record with this key writes, in force on the day of the scan or on one of `days`."""
        entries = self._entries.get((kind, normalise(text))) if self._entries else None
        if not entries:
            return ()
        source, at = record.partition("|")[0], (self._today, *(d for d in days if d is not None))
        found = tuple(a for a in entries if a.reaches(source) and any(a.holds_on(day) for day in at))
        for alias in found:
            self.use(alias, (record,))
        return found


def settled(own: Collection[str], said: Iterable[Alias], known: Callable[[Alias], str | None]) -> str | None:
    """The one registered thing that a text means; None where it means nothing, or not one thing.

    `own`: what the register itself calls so. `known`: what an entry's target is in the register; None: it has none. A
    person may choose among several of one name; against a single other one nobody is picked, nor by a word that the
    register does not know.
    """
    entries = tuple(said)
    meant = {known(a) for a in entries if not a.is_refusal}
    found: set[str | None] = set(own)
    if meant and not (len(found) > 1 and meant <= found):
        found |= meant
    elif meant:
        found = meant
    if len(found) != 1 or found & {known(a) for a in entries if a.is_refusal}:
        return None
    return next(iter(found))
