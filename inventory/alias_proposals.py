"""Candidates for names that nothing in the register is called: a person confirms or refuses them, nobody else.

Names of ledgers are compared without region, unit and generic words, and another phase, year, version or number vetoes
(`inventory/likeness.py`); identifiers of tenants and hosts letter by letter, and another number vetoes.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rapidfuzz import fuzz

from inventory.alias import Alias, AliasKind
from inventory.departments import Directory
from inventory.hosts import Ownership, Place
from inventory.inventory import Inventory, law_date
from inventory.likeness import LONGEST, SHORTEST, NameParts, Namer, alike
from inventory.names import normalise
from inventory.records import Department, Project, Record, System
from inventory.register_names import RegisterNames
from inventory.text import Message, msg

LEAST = 60
"""Likeness in percent from which a candidate is proposed (the true pair 数字城管 scores that over its whole names)."""
LEAST_IDENTIFIER = 85
"""The same of names of machines and tenants, which units build alike."""
MOST = 3
"""Candidates for one name."""
SHORT_FORM = 75
"""What a short form is worth: 住建局 and 住房和城乡建设局 are but half alike letter by letter."""
SAME_UNIT = 10
ONE_SIDED_MARK = 15
_TOKENS = re.compile(r"[^\W\d_]+|\d+")
_LEAST_CODE = 4
CARRIED = 95
"""What it is worth that a name has a whole code in it: s-jyj-01-web02."""
_NAMER = Namer()


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A registered thing that may be meant."""

    thing: str
    """`system`, `project` or `department`."""
    target: str
    """Its code; of a unit without one its name."""
    name: str
    department: str | None
    score: int
    """0-100"""
    reasons: tuple[Message, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A name that means nothing yet, and what it may mean, most alike first; empty where nothing is alike."""

    kind: AliasKind
    written: str
    sources: tuple[str, ...]
    records: int
    """Records that write it."""
    remark: str | None
    """What its source says of it besides."""
    candidates: tuple[Candidate, ...]

    @property
    def scope(self) -> str | None:
        """What an alias would give as `source`: the one source, or the kind that all of them are of."""
        kinds = {s.partition(":")[0] for s in self.sources}
        return self.sources[0] if len(self.sources) == 1 else next(iter(kinds)) if len(kinds) == 1 else None


def propose(
    inventory: Inventory, aliases: Iterable[Alias], *, regions: Iterable[str] = (), least: int = LEAST
) -> tuple[Proposal, ...]:
    """Everything in the scan that means nothing registered, by kind and name; what a person has answered is left out.

    `regions`: what names of the city's systems may begin with. `least`: likeness in percent, 1-100.
    """
    return tuple(_Proposer(inventory, tuple(aliases), regions, least).proposals())


@dataclass(frozen=True, slots=True)
class _Asked:
    """One name to find candidates for."""

    kind: AliasKind
    written: str
    sources: tuple[str, ...]
    records: int
    department: str | None
    remark: str | None = None


@dataclass(frozen=True, slots=True)
class _Thing:
    """A registered thing with everything that it may be known by."""

    thing: str
    target: str
    name: str
    department: str | None
    parts: tuple[NameParts, ...]
    """Of its names."""
    identifiers: tuple[str, ...]
    """Names of tenants and hosts that the register gives it and that no source showed."""

    @property
    def known_as(self) -> str:
        """How an alias that names it is known in the register."""
        return self.name if self.thing == "department" else self.target


@dataclass(frozen=True, slots=True)
class _Likeness:
    score: int
    reasons: tuple[Message, ...] = ()


_NOTHING = _Likeness(0)


@dataclass(frozen=True, slots=True)
class _Identifier:
    """A code, or the name of a machine or tenant, taken apart."""

    letters: str
    numbers: tuple[str, ...]
    editions: NameParts
    """With its phase, year and version; its numbers stand above."""


class _Things:
    """Registered things, found by what they are called."""

    def __init__(self, things: Iterable[_Thing]) -> None:
        self.all = tuple(things)
        self.with_latin_name = tuple(t for t in self.all if any(p.core.isascii() for p in t.parts))
        self._by_numbers: dict[tuple[str, ...], list[tuple[_Identifier, str, _Thing]]] = defaultdict(list)
        self._codes: dict[tuple[str, ...], _Thing] = {}
        for thing in self.all:
            for text in (thing.target, *thing.identifiers):
                identifier = _taken_apart(text)
                self._by_numbers[identifier.numbers].append((identifier, text, thing))
            tokens = _tokens(thing.target)
            if (
                len("".join(tokens)) >= _LEAST_CODE
                and any(map(str.isdigit, tokens))
                and not all(map(str.isdigit, tokens))
            ):
                self._codes[tokens] = thing
        self._longest = max(map(len, self._codes), default=0)

    def by_identifier(self, written: str) -> Iterator[tuple[_Thing, _Likeness]]:
        """Those with a code or a machine's name that is alike, and those whose code the text has in it."""
        one = _taken_apart(written)
        for other, text, thing in self._by_numbers.get(one.numbers, ()):
            score = _identifier_likeness(one, other)
            # One letter makes another unit's code of a code, and most of their letters are the same.
            if score >= (100 if text == thing.target else LEAST_IDENTIFIER):
                yield thing, _Likeness(score, (msg("written almost like {known} of the register", known=text),))
        tokens = _tokens(written)
        for start in range(len(tokens)):
            for end in range(start + 1, min(start + self._longest, len(tokens)) + 1):
                carried = self._codes.get(tokens[start:end])
                if carried is not None:
                    yield carried, _Likeness(CARRIED, (msg("it has the code {code} in it", code=carried.target),))


class _Proposer:
    def __init__(self, inventory: Inventory, aliases: tuple[Alias, ...], regions: Iterable[str], least: int) -> None:
        self.inventory = inventory
        self.least = least
        self.namer = Namer(regions, [d.name for d in inventory.departments])
        self.city = Namer(regions)
        units = Directory(inventory.departments, today=law_date(inventory.as_of))
        names = RegisterNames(inventory.systems, inventory.projects, units=units)
        self.answered: dict[tuple[AliasKind, str], list[Alias]] = defaultdict(list)
        for alias in aliases:
            self.answered[alias.kind, normalise(alias.written)].append(alias)
        self.known = {alias: names.of_alias(alias) for alias in aliases}
        seen_tenants = {normalise(w) for t in inventory.tenants for w in (t.name, t.native_id)}
        systems = [self._registered(s, "system", seen_tenants) for s in inventory.systems]
        projects = [self._registered(p, "project", seen_tenants) for p in inventory.projects]
        both = _Things([*systems, *projects])
        self.things = {
            AliasKind.SYSTEM_NAME: _Things(systems),
            AliasKind.PROJECT_NAME: _Things(projects),
            AliasKind.DEPARTMENT_NAME: _Things(map(self._unit, inventory.departments)),
            AliasKind.TENANT: both,
            AliasKind.HOST: both,
        }

    def _unit(self, unit: Department) -> _Thing:
        names = dict.fromkeys((unit.name, *unit.other_names, *(n.name for n in unit.dated_names)))
        parts = tuple(map(self.city.parts, names))
        return _Thing("department", unit.code or unit.name, unit.name, None, parts, ())

    def _registered(self, entry: System | Project, thing: str, seen_tenants: set[str]) -> _Thing:
        unseen = [t for t in entry.tenants if normalise(t) not in seen_tenants]
        if isinstance(entry, System):
            unseen += self.inventory.missing_components.get(entry.native_id, ())
        parts = (self.namer.parts(entry.name),)
        return _Thing(thing, entry.native_id, entry.name, entry.department, parts, tuple(unseen))

    def proposals(self) -> Iterator[Proposal]:
        asked = [*self._references(), *self._tenants(), *self._hosts()]
        # What a rejected row of the register speaks of is registered: the row is to be mended, nothing is to be mapped.
        rejected = {normalise(text) for text in self.inventory.coverage.touched()}
        asked = [one for one in asked if normalise(one.written) not in rejected]
        for one in sorted(asked, key=lambda a: (list(AliasKind).index(a.kind), normalise(a.written), a.sources)):
            answers = self.answered[one.kind, normalise(one.written)]
            open_sources = tuple(s for s in one.sources if not any(_settles(a, s) for a in answers))
            if open_sources:
                yield Proposal(
                    kind=one.kind,
                    written=one.written,
                    sources=open_sources,
                    records=one.records,
                    remark=one.remark,
                    candidates=self._candidates(one, answers),
                )

    def _references(self) -> Iterator[_Asked]:
        """Names in ledgers."""
        written: dict[tuple[AliasKind, str], dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        for reference in self.inventory.unresolved_references:
            written[reference.kind, normalise(reference.written)][reference.written].add(reference.record)
        departments = _departments(self.inventory)
        for (kind, _), forms in written.items():
            keys = set().union(*forms.values())
            units = {departments[k] for k in keys if k in departments} if kind is not AliasKind.DEPARTMENT_NAME else ()
            yield _Asked(
                kind,
                min(forms, key=lambda form: (-len(forms[form]), form)),
                tuple(sorted({k.partition("|")[0] for k in keys})),
                len(keys),
                next(iter(units)) if len(units) == 1 else None,
            )

    def _tenants(self) -> Iterator[_Asked]:
        names = Counter((t.source, normalise(t.name)) for t in self.inventory.tenants)
        for tenant in self.inventory.tenants:
            owner = self.inventory.owners.get(tenant.key) or Ownership()
            is_own = tenant.source.startswith("kubernetes:") and tenant.name.startswith("kube-")
            if not _is_open(owner) or is_own:
                continue
            is_unique = names[tenant.source, normalise(tenant.name)] == 1
            written = tenant.name if is_unique else tenant.native_id
            yield _Asked(AliasKind.TENANT, written, (tenant.source,), 1, owner.department, tenant.description)

    def _hosts(self) -> Iterator[_Asked]:
        names = Counter(normalise(h.name) for h in self.inventory.hosts)
        for host in self.inventory.hosts:
            if not _is_open(host.ownership) or host.placement.place is Place.CLOUD_INFRASTRUCTURE:
                continue
            written = host.name if names[normalise(host.name)] == 1 else host.id
            sources = sorted({s.source for s in host.sightings if normalise(s.name) == normalise(host.name)})
            yield _Asked(AliasKind.HOST, written, tuple(sources), len(host.sightings), host.department)

    def _candidates(self, asked: _Asked, answers: list[Alias]) -> tuple[Candidate, ...]:
        refused = {self.known[a] for a in answers if a.is_refusal and any(a.reaches(s) for s in asked.sources)}
        best: dict[_Thing, _Likeness] = {}
        for thing, like in self._alike(asked):
            if like.score > best.get(thing, _NOTHING).score:
                best[thing] = like
        found = [_candidate(thing, asked, like) for thing, like in best.items() if thing.known_as not in refused]
        fitting = [c for c in found if c.score >= self.least]
        return tuple(sorted(fitting, key=lambda c: (-c.score, c.thing != "system", c.target))[:MOST])

    def _alike(self, asked: _Asked) -> Iterator[tuple[_Thing, _Likeness]]:
        is_identifier = asked.kind in (AliasKind.TENANT, AliasKind.HOST)
        namer = self.city if asked.kind is AliasKind.DEPARTMENT_NAME else self.namer
        things = self.things[asked.kind]
        for text in filter(None, (asked.written, asked.remark)):
            parts = namer.parts(text)
            # Most tenants and hosts bear Latin names, most systems Chinese ones, and both are many.
            for thing in things.with_latin_name if is_identifier and text.isascii() else things.all:
                for other in thing.parts:
                    yield thing, _name_likeness(parts, other)
        yield from things.by_identifier(asked.written)


def _settles(alias: Alias, source: str) -> bool:
    return not alias.is_refusal and alias.reaches(source)


def _is_open(owner: Ownership) -> bool:
    """Whether nothing names its owner. What is contested is settled by a declaration, not by a likeness."""
    return not owner.is_known and owner.disagreement is None


def _departments(inventory: Inventory) -> dict[str, str]:
    """Record key to the unit that the record gives, of the records that may name systems and projects."""
    records: tuple[Record, ...] = (*inventory.projects, *inventory.systems, *inventory.segments,
                                   *(s for h in inventory.hosts for s in h.sightings))  # fmt: skip
    return {r.key: said for r in records if isinstance(said := getattr(r, "department", None), str)}


def _candidate(thing: _Thing, asked: _Asked, like: _Likeness) -> Candidate:
    score, reasons = like.score, like.reasons
    if asked.department is not None and asked.department == thing.department:
        score, reasons = min(100, score + SAME_UNIT), (*reasons, msg("the same department"))
    return Candidate(
        thing=thing.thing,
        target=thing.target,
        name=thing.name,
        department=thing.department,
        score=score,
        reasons=reasons,
    )


def _name_likeness(one: NameParts, other: NameParts) -> _Likeness:
    score = round(alike(one, other))
    if not score:  # vetoed, says nothing, or has no letter in common
        return _NOTHING
    short, long = sorted((one.core, other.core), key=len)
    reasons = [msg("alike by what is left of the names: {one} / {other}", one=one.core, other=other.core)]
    if score < SHORT_FORM and _is_short_for(short, long):
        score, reasons = SHORT_FORM, [msg("{short} may be short for {long}", short=short, long=long)]
    if {k for k, _ in one.marks} != {k for k, _ in other.marks}:
        marks = " ".join(sorted(value for _, value in one.marks ^ other.marks))
        score, reasons = score - ONE_SIDED_MARK, [*reasons, msg("only one of them says {marks}", marks=marks)]
    return _Likeness(score, tuple(reasons))


def _is_short_for(short: str, long: str) -> bool:
    """住建局 of 住房和城乡建设局: letters of the long one in their order, from its first; or a piece of it."""
    if len(short) < SHORTEST or len(short) == len(long):
        return False
    letters = iter(long)
    return short in long or (short[0] == long[0] and all(letter in letters for letter in short))


def identifier_likeness(one: str, other: str) -> int:
    """How alike two codes or machine names are, 0-100; 0 where their numbers differ: app01 is not app02, but app1."""
    return _identifier_likeness(_taken_apart(one), _taken_apart(other))


def _identifier_likeness(one: _Identifier, other: _Identifier) -> int:
    if one.numbers != other.numbers or one.editions.excludes(other.editions) or not (one.letters and other.letters):
        return 0
    return round(fuzz.ratio(one.letters, other.letters))


def _tokens(text: str) -> tuple[str, ...]:
    return tuple(_TOKENS.findall(normalise(text)))


def _taken_apart(text: str) -> _Identifier:
    tokens = _tokens(text) if len(text) <= LONGEST else ()
    parts = _NAMER.parts(text)
    return _Identifier(
        "".join(t for t in tokens if not t.isdecimal()),
        tuple(t.lstrip("0") for t in tokens if t.isdecimal()),
        NameParts("", frozenset(mark for mark in parts.marks if mark[0] != "number")),
    )
