"""Collectors of other packages, found by entry point (`docs/collectors.md`).

A package offers a factory in the group `yunhe.collectors`; the config's `[[plugin]]` names it. It is code that runs
with our rights: whoever installs it vouches for it.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Protocol

from collectors.collector import Collector
from inventory.coverage import SourceInfo
from inventory.guard import Guard
from inventory.settings import ConfigError
from inventory.text import msg

GROUP = "yunhe.collectors"


class Factory(Protocol):
    """What the entry point names."""

    def __call__(
        self, table: Mapping[str, object], *, base: Path, clock: Callable[[], datetime], guard: Guard
    ) -> list[Collector]:
        """Collectors for one `[[plugin]]` table. `base` is the config's folder.

        The sources that they name are `plugin:NAME` with the table's name. Raises ConfigError for a table that it
        cannot use.
        """


def plugin_collectors(
    table: Mapping[str, object], *, base: Path, clock: Callable[[], datetime], guard: Guard
) -> list[Collector]:
    """The collectors that the table's entry point makes.

    Raises:
        ConfigError: no such entry point is installed, it cannot be loaded, or what it makes is no collector.
    """
    name, use = str(table["name"]), str(table["use"])
    factory = _load(name, use)
    made = factory(table, base=base, clock=clock, guard=guard)
    wanted = f"plugin:{name}"
    for collector in made if isinstance(made, list) else [made]:
        info = getattr(collector, "info", None)
        has_all = all(hasattr(collector, part) for part in ("parallel", "plan", "read"))
        if not (has_all and isinstance(info, SourceInfo) and info.name == wanted):
            raise ConfigError(
                msg(
                    "plugin {name}: {use} made something that is no collector of the source {wanted}; see "
                    "docs/collectors.md",
                    name=name,
                    use=use,
                    wanted=wanted,
                )
            )
    return list(made)


def _load(name: str, use: str) -> Factory:
    found: dict[str, EntryPoint] = {e.name: e for e in entry_points(group=GROUP)}
    if use not in found:
        raise ConfigError(
            msg(
                "plugin {name}: no collector {use} is installed; expected one of: {installed}",
                name=name,
                use=use,
                installed=", ".join(sorted(found)) or "-",
            )
        )
    try:
        factory = found[use].load()
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            msg("plugin {name}: {use} cannot be loaded: {why}", name=name, use=use, why=str(error)[:200])
        ) from error
    if not callable(factory):
        raise ConfigError(msg("plugin {name}: {use} cannot be called", name=name, use=use))
    loaded: Factory = factory
    return loaded
