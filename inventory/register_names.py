"""What a text of a ledger, label or rule means in the register: a code, an exact name, or a name that was confirmed."""

from collections import defaultdict
from collections.abc import Iterable

from inventory.alias import Alias, AliasBook, AliasKind, settled
from inventory.departments import Directory
from inventory.names import normalise
from inventory.records import Project, System


class RegisterNames:
    """Codes and names of the registered systems and projects; what several bear means none of them."""

    def __init__(
        self,
        systems: Iterable[System],
        projects: Iterable[Project],
        *,
        aliases: AliasBook | None = None,
        units: Directory | None = None,
    ) -> None:
        """`aliases`: what persons confirmed; `units`: the register of units, which they may name."""
        self._aliases = aliases
        self._units = units
        self._codes: dict[str, tuple[str, str]] = {}
        """Normalised code to ('system'|'project', code)."""
        self._names: dict[tuple[str, str], set[str]] = defaultdict(set)
        for system in systems:
            self._codes[normalise(system.native_id)] = ("system", system.native_id)
            self._names["system", normalise(system.name)].add(system.native_id)
        for project in projects:
            self._codes.setdefault(normalise(project.native_id), ("project", project.native_id))
            self._names["project", normalise(project.name)].add(project.native_id)

    def coded(self, text: str) -> tuple[str, str] | None:
        """`('system'|'project', code)` of a text that is a code."""
        return self._codes.get(normalise(text))

    def system_code(self, text: str | None, record: str = "") -> str | None:
        """The code that is meant by a system's code or name; None if none or several have it.

        `record`: key of the record that writes it, for names that were confirmed for its source; without one the text
        is a code or the exact name.
        """
        return self._meant("system", AliasKind.SYSTEM_NAME, text, record)

    def project_code(self, text: str | None, record: str = "") -> str | None:
        """The same of a project."""
        return self._meant("project", AliasKind.PROJECT_NAME, text, record)

    def _meant(self, thing: str, kind: AliasKind, text: str | None, record: str) -> str | None:
        if not text:
            return None
        said = self._aliases.said(kind, text, record) if self._aliases and record else ()
        return settled(self.own(thing, text), said, self.of_alias)

    def own(self, thing: str, text: str) -> set[str]:
        """Codes of the systems (or projects) that the register itself calls so: the one with that code, else by name.

        `thing`: `system` or `project`.
        """
        code = self._code(thing, text)
        return {code} if code is not None else set(self._names.get((thing, normalise(text)), ()))

    def of_alias(self, alias: Alias) -> str | None:
        """Code (of a unit its present name) of what an alias names; None where the register does not have it."""
        if alias.department is not None:
            return self._units.of_alias(alias) if self._units is not None else None
        return self._code("system" if alias.system is not None else "project", alias.target)

    def _code(self, thing: str, text: str) -> str | None:
        coded = self.coded(text)
        return coded[1] if coded is not None and coded[0] == thing else None
