"""What became of every confirmed name 别名 in one scan: in use, or something for a person to look at."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from inventory.alias import Alias, AliasKind
from inventory.departments import Directory
from inventory.hosts import Ownership
from inventory.inventory import Inventory, law_date
from inventory.names import normalise
from inventory.register_names import RegisterNames
from inventory.text import Message, msg


class AliasState(StrEnum):
    """What an audit says of a confirmed name; several may hold."""

    MATCHED = "matched"
    """在用: something in the scan is called so."""
    UNUSED = "unused"
    """未使用: nothing in the scan is."""
    DANGLING = "dangling"
    """悬空: the register does not have what it names."""
    EXPIRED = "expired"
    """已到期"""
    NOT_YET = "not_yet"
    """未生效"""
    CONTRADICTORY = "contradictory"
    """矛盾: another entry, the register or a rule says otherwise."""


TO_BE_TOLD = frozenset({AliasState.DANGLING, AliasState.EXPIRED, AliasState.CONTRADICTORY})
"""States that a scan itself tells: the name does not mean what the person confirmed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditedAlias:
    """One confirmed name, looked at."""

    alias: Alias
    states: tuple[AliasState, ...]
    sentences: tuple[Message, ...]
    """One for each state, in its order."""
    uses: tuple[str, ...] = ()
    """Keys of the records that write the name."""

    @property
    def is_in_order(self) -> bool:
        """Whether nobody has to do anything about it; that two things are different holds whether or not it is used."""
        return self.states == (AliasState.MATCHED,) or (self.alias.is_refusal and self.states == (AliasState.UNUSED,))


def audit_aliases(inventory: Inventory, aliases: Iterable[Alias]) -> tuple[AuditedAlias, ...]:
    """Every entry, by kind and name. `inventory` was built with these aliases."""
    return tuple(_Auditor(inventory, tuple(aliases)).audited())


class _Auditor:
    def __init__(self, inventory: Inventory, aliases: tuple[Alias, ...]) -> None:
        self.inventory = inventory
        self.today = law_date(inventory.as_of)
        self.units = Directory(inventory.departments, today=self.today)
        self.names = RegisterNames(inventory.systems, inventory.projects, units=self.units)
        self.known = {alias: self.names.of_alias(alias) for alias in aliases}
        self.by_name: dict[tuple[AliasKind, str], list[Alias]] = defaultdict(list)
        for alias in aliases:
            self.by_name[alias.kind, normalise(alias.written)].append(alias)
        self.owners: dict[str, tuple[str, Ownership]] = {}
        """Record key of a tenant or sighting to the name of what it is of, and whose that is."""
        for host in inventory.hosts:
            self.owners |= dict.fromkeys(host.evidence, (host.name, host.ownership))
        for tenant in inventory.tenants:
            self.owners[tenant.key] = (tenant.name, inventory.owners.get(tenant.key) or Ownership())

    def audited(self) -> Iterator[AuditedAlias]:
        order = sorted(self.known, key=lambda a: (a.kind, normalise(a.written), a.source or "", a.target, a.origin))
        for alias in order:
            uses = self.inventory.alias_uses.get(alias, ())
            told = [*self._term(alias, uses), *self._dangling(alias)]
            told += [(AliasState.CONTRADICTORY, sentence) for sentence in self._against(alias, uses)][:1]
            if uses:
                told.append((AliasState.MATCHED, msg("{count} record(s) write it", count=len(uses))))
            elif not told:
                told.append((AliasState.UNUSED, msg("nothing in the scan is called so")))
            yield AuditedAlias(
                alias=alias, states=tuple(s for s, _ in told), sentences=tuple(s for _, s in told), uses=uses
            )

    def _term(self, alias: Alias, uses: tuple[str, ...]) -> Iterator[tuple[AliasState, Message]]:
        if uses:  # a former name of a unit is read for the days on which it held
            return
        if alias.valid_to is not None and self.today > alias.valid_to:
            yield AliasState.EXPIRED, msg("it ended on {end}", end=alias.valid_to.isoformat())
        elif alias.valid_from is not None and self.today < alias.valid_from:
            yield AliasState.NOT_YET, msg("it begins on {start}", start=alias.valid_from.isoformat())

    def _dangling(self, alias: Alias) -> Iterator[tuple[AliasState, Message]]:
        if self.known[alias] is not None:
            return
        thing = "system" if alias.system else "project" if alias.project else "department"
        sentence = msg("{target} is not in the register, or not one thing there", target=alias.target)
        if not self.inventory.coverage.is_complete(thing):
            sentence = msg("{target} is not in what was seen of the register, which is not all of it",
                           target=alias.target)  # fmt: skip
        yield AliasState.DANGLING, sentence

    def _against(self, alias: Alias, uses: tuple[str, ...]) -> Iterator[Message]:
        """What contradicts the entry: another entry, the register's own names, what rules and declarations say."""
        for other in self.by_name[alias.kind, normalise(alias.written)]:
            if other is not alias and other.overlaps(alias) and self._contradicts(alias, other):
                yield msg("{other} says otherwise: {target}", other=other.said_by,
                          target=f"{'≠ ' if other.is_refusal else ''}{other.target}")  # fmt: skip
        own = self._own(alias)
        if own and not alias.is_refusal and self.known[alias] not in own:
            yield msg("the register itself calls {own} so", own=", ".join(sorted(own)))
        if alias.kind in (AliasKind.TENANT, AliasKind.HOST):
            yield from self._owned_otherwise(alias, uses)

    def _contradicts(self, alias: Alias, other: Alias) -> bool:
        one, two = (self.known[a] or normalise(a.target) for a in (alias, other))
        if alias.is_refusal or other.is_refusal:
            return one == two and alias.is_refusal is not other.is_refusal
        return one != two

    def _own(self, alias: Alias) -> set[str]:
        match alias.kind:
            case AliasKind.SYSTEM_NAME:
                return self.names.own("system", alias.written)
            case AliasKind.PROJECT_NAME:
                return self.names.own("project", alias.written)
            case AliasKind.DEPARTMENT_NAME:
                unit = self.units.meant(alias.written)
                return {unit} if unit is not None else set()
            case _:
                return set()

    def _owned_otherwise(self, alias: Alias, uses: tuple[str, ...]) -> Iterator[Message]:
        known = self.known[alias]
        for name, owner in (self.owners[key] for key in uses if key in self.owners):
            if owner.disagreement is not None:
                yield msg("whose {name} is, is contested: {disagreement}", name=name, disagreement=owner.disagreement)
                continue
            named = tuple(filter(None, (*owner.systems, *owner.projects, owner.department)))
            if known is not None and (known in named) is alias.is_refusal:
                yield msg("{name} belongs to {owner} by a stronger word", name=name, owner=", ".join(named))
