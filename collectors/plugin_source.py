"""Collectors of other packages, found by entry point (`docs/collectors.md`).

A package offers a factory in the group `yunhe.collectors`; the config's `[[plugin]]` names it. It is code that runs
with our rights: whoever installs it vouches for it.
"""

import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Protocol, get_args

import msgspec

from collectors.collector import Collector, Reading, Said
from collectors.errors import CollectorError, Unreadable
from inventory.coverage import Cell, SourceInfo
from inventory.guard import Guard
from inventory.records import AnyRecord
from inventory.settings import ConfigError
from inventory.text import Message, msg

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
    try:
        made = factory(table, base=base, clock=clock, guard=guard)
    except ConfigError:
        raise
    except Exception as error:
        raise ConfigError(
            msg("plugin {name}: {use} cannot make a collector of its table ({fault})", name=name, use=use,
                fault=_fault(error))
        ) from error  # fmt: skip
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
    return [_Plugin(behind=collector, name=name) for collector in made]


@dataclass(frozen=True, kw_only=True)
class _Plugin:
    """A collector of somebody else's, held to the contract: what it breaks costs its own cells, never the run."""

    behind: Collector
    name: str

    @property
    def info(self) -> SourceInfo:
        return self.behind.info

    @property
    def parallel(self) -> int:
        return self.behind.parallel

    def plan(self) -> Sequence[Cell]:
        """Its cells.

        Raises:
            ConfigError: it cannot plan, or plans in another source's name.
        """
        try:
            cells = list(self.behind.plan())
        except Exception as error:
            raise ConfigError(
                msg("plugin {name}: it cannot plan ({fault})", name=self.name, fault=_fault(error))
            ) from error
        if not all(isinstance(cell, Cell) and cell.source == self.info.name for cell in cells):
            raise ConfigError(
                msg("plugin {name}: it plans cells that are not of the source {wanted}; see docs/collectors.md",
                    name=self.name, wanted=self.info.name)
            )  # fmt: skip
        return cells

    def read(self, cell: Cell) -> Iterator[Said]:
        """What it says of the cell.

        Raises:
            CollectorError: its own, or that it broke down or said what is not in the contract.
        """
        try:
            for said in self.behind.read(cell):
                self._check(said)
                yield said
        except CollectorError:
            raise
        except msgspec.ValidationError as error:  # names fields and types, never a value
            raise Unreadable(self._broken_contract("record", str(error))) from error
        except Exception as error:
            raise Unreadable(
                msg("plugin {name}: it broke down ({fault}); tell those who wrote it", name=self.name,
                    fault=_fault(error))
            ) from error  # fmt: skip

    def _check(self, said: object) -> None:
        """That it is one of the things a collector says, and of its own source.

        Raises:
            Unreadable: it is not. Passed over, it would be missing from a cell that ends as complete.
        """
        if not isinstance(said, get_args(Said)):
            raise Unreadable(self._broken_contract("yield", type(said).__name__))
        if isinstance(said, Reading):
            if getattr(said.record, "source", None) != self.info.name:
                raise Unreadable(self._broken_contract("source", str(getattr(said.record, "source", "-"))))
            # Structs take values of any type; the store and the capture would stumble over them much later.
            msgspec.json.decode(msgspec.json.encode(said.record), type=AnyRecord)
            msgspec.json.encode(said.raw)

    def _broken_contract(self, what: str, found: str) -> Message:
        return msg(
            "plugin {name}: {what} {found} is not what docs/collectors.md asks for (Reading, Rejection or Incomplete, "
            "with records of the source {wanted}); tell those who wrote it",
            name=self.name,
            what=f"`{what}`",
            found=found,
            wanted=self.info.name,
        )


def _fault(error: Exception) -> str:
    """What broke and where, without the error's own text: it may quote what the table or the source keeps secret."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "-"
    return f"{type(error).__name__}, {where}"


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
    except Exception as error:
        raise ConfigError(
            msg("plugin {name}: {use} cannot be loaded: {why}", name=name, use=use, why=_fault(error))
        ) from error
    if not callable(factory):
        raise ConfigError(msg("plugin {name}: {use} cannot be called", name=name, use=use))
    loaded: Factory = factory
    return loaded
