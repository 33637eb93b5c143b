"""Which unit 单位 a ledger means: by its 统一社会信用代码 first, else by a name that it bore at the time.

Reforms rename units, and another unit may later bear a name that became free. A name that two units could mean is left
as the ledger writes it: whose it is is then not known, and nobody is picked, unless a person confirmed whom it means.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

import msgspec

from inventory.alias import Alias, AliasBook, AliasKind, settled
from inventory.names import normalise
from inventory.records import DatedName, Department


@dataclass(frozen=True, slots=True)
class _Bearer:
    unit: str
    """Its code, else the name of its row."""
    name: DatedName

    def holds_on(self, day: date) -> bool:
        first, last = self.name.valid_from, self.name.valid_to
        return (first is None or first <= day) and (last is None or day <= last)


class Directory:
    """The register of units, asked for the name that is shown."""

    def __init__(self, departments: Iterable[Department], *, today: date, aliases: AliasBook | None = None) -> None:
        """`today`: the law's day of the scan; of several names of one unit the one that holds then is shown."""
        self._today = today
        self._aliases = aliases if aliases is not None else AliasBook(today=today)
        rows = _by_unit(departments)
        self._units = {unit: _merged(own, today) for unit, own in rows.items()}
        self._codes = {normalise(code): code for code in self._units}
        self._bearers: Mapping[str, list[_Bearer]] = defaultdict(list)
        for unit, own in rows.items():
            for name in (n for d in own for n in _names(d)):
                self._bearers[normalise(name.name)].append(_Bearer(unit, name))

    @property
    def units(self) -> tuple[Department, ...]:
        """One record for each unit: its present name, its other rows among its dated names."""
        return tuple(sorted(self._units.values(), key=lambda d: d.key))

    def __bool__(self) -> bool:
        """Whether any register of units was read."""
        return bool(self._units)

    def shown(
        self, name: str | None, *, code: str | None = None, on: Iterable[date | None] = (), record: str = ""
    ) -> str | None:
        """The unit's present name; the name as written where no unit, or no single one, is meant.

        None where several are meant and what is written is the present name of one of them: it would be picked.
        Args of note: `on` are days of what is spoken of (a project's approval): a register that is kept today writes
        the name of that day or the present one. `record` is the key of the record that writes the name.
        """
        meant = self.meant(name, code=code, on=on, record=record)
        if meant is not None or not name:
            return meant
        is_shown = any(normalise(u.name) == normalise(name) for u in self._units.values())
        return None if is_shown else name

    def meant(
        self, name: str | None, *, code: str | None = None, on: Iterable[date | None] = (), record: str = ""
    ) -> str | None:
        """The present name of the one unit that is meant; None where none is, or no single one."""
        coded, named = (self._codes.get(normalise(text)) if text else None for text in (code, name))
        if coded is not None:
            return self._units[coded].name
        if not name:
            return None
        days = tuple(d for d in on if d is not None)
        own = {named} if named is not None else self._meant(name, days)  # a code may stand where a name belongs
        unit = settled(own, self._said(name, record, days), self._target)
        return self._units[unit].name if unit is not None else None

    def of_alias(self, alias: Alias) -> str | None:
        """Present name of the unit that an alias names; None if the register has none, or several, of that name."""
        unit = self._target(alias)
        return self._units[unit].name if unit is not None else None

    def _target(self, alias: Alias) -> str | None:
        unit = self._codes.get(normalise(alias.target))
        meant = {unit} if unit is not None else self._meant(alias.target, ())
        return next(iter(meant)) if len(meant) == 1 else None

    def _said(self, name: str, record: str, days: tuple[date, ...]) -> tuple[Alias, ...]:
        return self._aliases.said(AliasKind.DEPARTMENT_NAME, name, record, days=days) if record else ()

    def _meant(self, name: str, days: tuple[date, ...]) -> set[str]:
        bearers = self._bearers.get(normalise(name), [])
        units = {b.unit for b in bearers}
        if len(units) < 2:
            return units
        at = (*days, self._today)
        return {b.unit for b in bearers if any(b.holds_on(day) for day in at)} or units


def _by_unit(departments: Iterable[Department]) -> dict[str, list[Department]]:
    """The rows of each unit: by code; a row without one joins the only unit that has its name, else is its own."""
    listed = tuple(departments)
    coded: dict[str, set[str]] = defaultdict(set)
    for d in listed:
        if d.code:
            coded[normalise(d.name)].add(d.code)
    rows: dict[str, list[Department]] = defaultdict(list)
    for d in listed:
        same = coded.get(normalise(d.name), set())
        rows[d.code or (next(iter(same)) if len(same) == 1 else d.name)].append(d)
    return rows


def _names(department: Department) -> Iterator[DatedName]:
    yield _own_name(department)
    yield from department.dated_names
    for name in department.other_names:
        yield DatedName(name=name)


def _own_name(department: Department) -> DatedName:
    return DatedName(name=department.name, valid_from=department.valid_from, valid_to=department.valid_to)


def _merged(rows: list[Department], today: date) -> Department:
    """The row whose name holds today, else the newest, with the names of the others."""

    def rank(d: Department) -> tuple[bool, date, str]:
        holds = (d.valid_from is None or d.valid_from <= today) and (d.valid_to is None or today <= d.valid_to)
        return (holds, d.valid_from or date.min, d.key)

    present = max(rows, key=rank)
    others = [d for d in sorted(rows, key=lambda d: d.key) if d is not present]
    dated = [*present.dated_names, *(n for d in others for n in (*d.dated_names, _own_name(d)))]
    return msgspec.structs.replace(
        present,
        other_names=tuple(dict.fromkeys(n for d in (present, *others) for n in d.other_names)),
        dated_names=tuple(dict.fromkeys(n for n in dated if n.name != present.name)),
    )
