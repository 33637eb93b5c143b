"""From the configuration to what its sources say: collectors, captures, progress."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import msgspec
from rich.text import Text

from collectors.collector import Collector
from collectors.collector import collect as run_collectors
from collectors.ledger_source import ledger_collectors
from commands import voice
from commands.outcome import Exit, Refusal, os_sentence
from commands.signals import leaving_at_once
from commands.voice import complain, errors
from exporters import tables
from exporters.words import STATES, word
from inventory import capture_file
from inventory.collection import Collection
from inventory.coverage import CellResult, CellState
from inventory.guard import Guard
from inventory.settings import Settings
from inventory.text import msg, tell


def with_accepted_platforms(taken: Collection, accepted: tuple[str, ...]) -> Collection:
    """The capture, its sources the government cloud's only where the scanning side names them.

    Whoever collects could call any cloud the government's; a department's own machines would then be on it.
    """
    for source in taken.sources:
        if source.is_platform and source.name not in accepted:
            sentence = msg(
                "a capture calls {source} the government cloud; to accept that, name it in platform.sources",
                source=source.name,
            )
            complain(tell(sentence, voice.LOCALE))
    sources = [msgspec.structs.replace(s, is_platform=s.is_platform and s.name in accepted) for s in taken.sources]
    return replace(taken, sources=sources)


def collect_sources(
    chosen: Settings, base: Path, guard: Guard, *, clock: Callable[[], datetime], has_captures: bool = False
) -> Collection:
    """Ledgers first: what they mark as classified must be known before anything is connected to."""
    ledgers: list[Collector] = [c for entry in chosen.ledger for c in ledger_collectors(entry, base=base, clock=clock)]
    others = chosen.openstack, chosen.kubernetes, chosen.ssh, chosen.discovery, chosen.sharing_api, chosen.plugin
    if not (ledgers or any(others) or has_captures):
        sentence = msg(
            "no source is configured: expected at least one [[openstack]], [[kubernetes]], [[ssh]], [[ledger]], "
            "[[discovery]], [[sharing_api]], [[plugin]] or [[capture]] in the configuration, or --capture FILE"
        )
        raise Refusal(Exit.COULD_NOT_RUN, tell(sentence, voice.LOCALE))
    with leaving_at_once(), _progress() as on_cell:
        collection = run_collectors(ledgers, guard=guard, clock=clock, on_cell=on_cell)
        live = list(_live(chosen, base, guard, clock))
        if live:
            collection.merge(run_collectors(live, guard=guard, clock=clock, on_cell=on_cell))
    seen = any(c.state in (CellState.COMPLETE, CellState.PARTIAL) for c in collection.cells)
    if collection.cells and not seen and not has_captures:
        first = collection.cells[0]
        reason = first.reason or msg("no reason was given")
        sentence = msg(
            "no source could be read; the first of {count}: {reason}", count=len(collection.cells), reason=reason
        )
        raise Refusal(Exit.COULD_NOT_RUN, tell(sentence, voice.LOCALE))
    return collection.guarded(guard)


def _live(chosen: Settings, base: Path, guard: Guard, clock: Callable[[], datetime]) -> Iterator[Collector]:
    """Collectors of live sources; their clients are imported only where they are used."""
    if chosen.openstack:
        from collectors.openstack_source import openstack_collectors

        for cloud in chosen.openstack:
            yield from openstack_collectors(
                cloud, base=base, clock=clock, label_keys=chosen.ownership.label_keys, guard=guard
            )
    if chosen.kubernetes:
        from collectors.kubernetes_source import kubernetes_collectors

        for cluster in chosen.kubernetes:
            yield from kubernetes_collectors(
                cluster, base=base, clock=clock, label_keys=chosen.ownership.label_keys, guard=guard
            )
    if chosen.ssh:
        from collectors.ssh_source import ssh_collectors

        for group in chosen.ssh:
            yield from ssh_collectors(group, base=base, clock=clock, guard=guard)
    if chosen.discovery:
        from collectors.discovery_source import discovery_collectors

        for found in chosen.discovery:
            yield from discovery_collectors(found, base=base, clock=clock)
    if chosen.sharing_api:
        from collectors.sharing_api_source import sharing_api_collectors

        for api in chosen.sharing_api:
            yield from sharing_api_collectors(api, base=base, clock=clock, guard=guard)
    if chosen.plugin:
        from collectors.plugin_source import plugin_collectors

        for table in chosen.plugin:
            yield from plugin_collectors(table, base=base, clock=clock, guard=guard)


@contextmanager
def _progress() -> Iterator[Callable[[CellResult], None]]:
    """A moving line on a terminal, one plain line for each cell in a log."""
    done = 0

    def sentence(result: CellResult) -> str:
        state = word(STATES, result.state, voice.LOCALE)
        reason = f": {tell(result.reason, voice.LOCALE)}" if result.reason else ""
        cell = result.cell
        return tables.plain(f"{cell.source} {cell.scope} {cell.kind}: {state} ({result.seen}){reason}")

    if not errors.is_terminal:
        yield lambda result: errors.print(sentence(result), markup=False)
        return
    with errors.status("") as status:

        def on_cell(result: CellResult) -> None:
            nonlocal done
            done += 1
            status.update(Text(f"{done} · {sentence(result)}"))
            if result.is_gap:
                errors.print(sentence(result), markup=False)

        yield on_cell


def read_captures(paths: list[Path]) -> list[Collection]:
    captures = []
    for path in paths:
        if path.exists() and not path.is_file():
            sentence = msg("{path}: expected a file that `yunhe collect` wrote", path=str(path))
            raise Refusal(Exit.USAGE, tell(sentence, voice.LOCALE))
        try:
            captures.append(capture_file.read(path))
        except OSError as error:
            raise Refusal(Exit.USAGE, os_sentence(path, error)) from error
    return captures
