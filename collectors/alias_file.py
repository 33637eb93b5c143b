"""The file of confirmed names 别名表: YAML that stands in git.

Read as hostile as any other file. An entry that cannot be used means nothing and is told with its place; it never
takes the rest of the file with it.
"""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import msgspec

from collectors.yaml_list import entries, read_bytes
from inventory.alias import Alias, AliasKind, Answer
from inventory.names import normalise
from inventory.text import Message, msg

MOST_ALIASES = 20_000
TARGETS: dict[AliasKind, tuple[str, ...]] = {
    AliasKind.SYSTEM_NAME: ("system",),
    AliasKind.PROJECT_NAME: ("project",),
    AliasKind.DEPARTMENT_NAME: ("department",),
    AliasKind.TENANT: ("system", "project", "department"),
    AliasKind.HOST: ("system", "project", "department"),
}
"""What a name of each kind may mean."""


@dataclass(frozen=True, kw_only=True)
class AliasFile:
    """What one file says."""

    aliases: tuple[Alias, ...]
    problems: tuple[Message, ...]
    """Entries that mean nothing, each with its place and what was expected."""


class _Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    kind: AliasKind
    written: str
    confirmed_by: str
    confirmed_on: date
    why: str
    answer: Answer = Answer.SAME
    source: str | None = None
    zone: str | None = None
    system: str | None = None
    project: str | None = None
    department: str | None = None
    valid_from: date | None = None
    valid_to: date | None = None


def read_aliases(path: Path) -> AliasFile:
    """The confirmed names in a YAML file: `aliases:` and a list.

    Raises:
        ConfigError: the file cannot be read, or is none.
    """
    return parse_aliases(read_bytes(path), path)


def parse_aliases(data: bytes, path: Path) -> AliasFile:
    """The same of bytes that were read already; `path` is for the sentences.

    Raises:
        ConfigError: it is no file of confirmed names.
    """
    found: list[Alias] = []
    problems: list[Message] = []
    seen: dict[tuple[object, ...], str] = {}
    for origin, item in entries(data, path, key="aliases", limit=MOST_ALIASES):
        made = _made(origin, item)
        if isinstance(made, Alias):
            before = seen.setdefault(_statement(made), origin)
            if before != origin:
                made = msg("{other} says the same already", other=before)
        if isinstance(made, Message):
            problems.append(msg("{where}: {what}; it confirms nothing", where=origin, what=made))
        else:
            found.append(made)
    return AliasFile(aliases=tuple(found), problems=tuple(problems))


def _statement(alias: Alias) -> tuple[object, ...]:
    when = (alias.valid_from, alias.valid_to)
    return (alias.kind, normalise(alias.written), alias.answer, alias.source, alias.zone, normalise(alias.target), when)


def _made(origin: str, item: Any) -> Alias | Message:
    if not isinstance(item, dict):
        return msg("expected keys and values")
    try:
        entry = msgspec.convert(item, _Entry)
        plain = {name: getattr(entry, name) for name in _Entry.__struct_fields__}
        alias = Alias(**plain, origin=origin)
        alias = msgspec.convert(msgspec.to_builtins(alias), Alias)  # the limits on texts
    except msgspec.ValidationError as error:
        return msg("{why}; expected kind, written, one of system, project, department, and confirmed_by, confirmed_on, "
                   "why", why=str(error))  # fmt: skip
    return _contradiction(alias) or alias


def _contradiction(alias: Alias) -> Message | None:
    """Why an entry whose every field is right is none all the same."""
    wanted = TARGETS[alias.kind]
    given = [name for name in ("system", "project", "department") if getattr(alias, name) is not None]
    if len(given) != 1 or given[0] not in wanted:
        return msg("a {kind} means one {wanted}; it names {given}", kind=alias.kind.value, wanted=" / ".join(wanted),
                   given=", ".join(given) or "-")  # fmt: skip
    if not normalise(alias.written):
        return msg("written: nothing is left of it once spaces and quotes are taken off")
    if alias.zone is not None and alias.kind is not AliasKind.HOST:
        return msg("zone: only a host's address holds in a zone")
    if alias.is_refusal and (alias.valid_from or alias.valid_to):
        return msg("valid_from, valid_to: that two things are different holds for ever")
    if alias.valid_from and alias.valid_to and alias.valid_to < alias.valid_from:
        return msg("it ends on {end}, before it begins on {start}", end=alias.valid_to.isoformat(),
                   start=alias.valid_from.isoformat())  # fmt: skip
    return None
