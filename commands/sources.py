"""From the configuration to what its sources say: collectors, captures, progress."""

import resource
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from pathlib import Path

import msgspec
from rich.text import Text

from collectors.collector import Collector, Deadline, collect_into
from collectors.ledger_source import ledger_collectors
from commands import voice
from commands.outcome import Exit, Refusal, os_sentence
from commands.signals import CUT_SHORT, leaving_at_once
from commands.voice import complain, errors
from exporters import tables
from exporters.words import HOST_OUTCOMES, STATES, word
from inventory.capture_file import Capture
from inventory.collection import Taken, digest, merged_sources
from inventory.coverage import CellResult, CellState, HostOutcome, SourceInfo, host_outcome
from inventory.guard import Guard
from inventory.inventory import LAW_TIME
from inventory.settings import Settings
from inventory.spool import Spool
from inventory.text import msg, tell

MOST_OPEN_FILES = 65_536


def accepted_sources(taken: Taken, accepted: tuple[str, ...]) -> list[SourceInfo]:
    """The capture's sources, the government cloud's only where the scanning side names them.

    Whoever collects could call any cloud the government's; a department's own machines would then be on it.
    """
    for source in taken.sources:
        if source.is_platform and source.name not in accepted:
            sentence = msg(
                "a capture calls {source} the government cloud; to accept that, name it in platform.sources",
                source=source.name,
            )
            complain(tell(sentence, voice.LOCALE))
    return [msgspec.structs.replace(s, is_platform=s.is_platform and s.name in accepted) for s in taken.sources]


def take_captures(captures: Iterable[Capture], spool: Spool, accepted: tuple[str, ...]) -> None:
    """Adds captures to what this run reads.

    Raises:
        ConfigError: a capture describes a source otherwise than another input does.
        SpoolError: it cannot be written down.
    """
    for taken in captures:
        spool.sources = merged_sources(spool.sources, accepted_sources(taken, accepted))
        spool.take(taken)


@contextmanager
def open_spool(
    path: Path,
    chosen: Settings,
    guard: Guard,
    *,
    clock: Callable[[], datetime],
    resume: bool,
    as_of: datetime | None = None,
) -> Iterator[Spool]:
    """What a run reads into, beside what it writes; gone once it is written. A killed run leaves it for `--resume`.

    Raises:
        SpoolError: the folder cannot be written to, or another run collects into it.
    """
    plan = digest(msgspec.json.encode((voice.TOOL, chosen, as_of), order="sorted"))
    beside = path.with_name(path.name + ".collecting")
    with Spool(beside, guard=guard, taken_at=clock(), plan=plan, resume=resume) as spool:
        when = f"{spool.taken_at.astimezone(LAW_TIME):%Y-%m-%d %H:%M}"
        if spool.resumed:
            complain(
                tell(
                    msg("going on with {count} cell(s) read since {when}", count=spool.resumed, when=when), voice.LOCALE
                )
            )
        elif spool.dropped:
            sentence = (
                msg("what an earlier run had read is not used: the configuration or the program has changed since")
                if resume
                else msg(
                    "{count} cell(s) of a run that was cut short are read anew; --resume would have gone on with them",
                    count=spool.dropped,
                )
            )
            complain(tell(sentence, voice.LOCALE))
        try:
            yield spool
        except Refusal:
            spool.remove()
            raise
        spool.remove()


def with_sweep(chosen: Settings, *, wanted: bool) -> Settings:
    """The settings, without their sweeps unless this run was told to send packets."""
    if not wanted:
        return msgspec.structs.replace(chosen, sweep=())
    if not chosen.sweep:
        sentence = msg("--sweep: the configuration allows no range; expected a table [[sweep]] with `name` and `cidrs`")
        raise Refusal(Exit.USAGE, tell(sentence, voice.LOCALE))
    return chosen


def deadline_of(chosen: Settings, minutes: float | None) -> Deadline:
    """The deadline of a run that begins now: as given, else as configured, else none."""
    minutes = minutes if minutes is not None else chosen.scan.deadline_minutes
    return Deadline(None if minutes is None else minutes * 60)


def collect_sources(
    chosen: Settings,
    base: Path,
    spool: Spool,
    *,
    clock: Callable[[], datetime],
    deadline: Deadline,
    has_captures: bool = False,
) -> None:
    """Reads every source into the spool.

    Ledgers first, and always anew: what they mark as classified must be known before anything is connected to.
    """
    ledgers: list[Collector] = [c for entry in chosen.ledger for c in ledger_collectors(entry, base=base, clock=clock)]
    others = (
        chosen.openstack, chosen.kubernetes, chosen.ssh, chosen.discovery, chosen.sweep, chosen.sharing_api,
        chosen.plugin,
    )  # fmt: skip
    if not (ledgers or any(others) or has_captures):
        sentence = msg(
            "no source is configured: expected at least one [[openstack]], [[kubernetes]], [[ssh]], [[ledger]], "
            "[[discovery]], [[sharing_api]], [[plugin]] or [[capture]] in the configuration, or --capture FILE"
        )
        raise Refusal(Exit.COULD_NOT_RUN, tell(sentence, voice.LOCALE))
    _allow_many_connections()
    with leaving_at_once(CUT_SHORT), _progress() as on_cell:
        collect_into(spool, ledgers, clock=clock, on_cell=on_cell, deadline=deadline, is_reusable=False)
        live = list(_live(chosen, base, spool.guard, clock))
        collect_into(spool, live, clock=clock, on_cell=on_cell, deadline=deadline)
    cells = spool.cells
    for line in host_summaries(cells):
        errors.print(line, markup=False)
    seen = any(c.state in (CellState.COMPLETE, CellState.PARTIAL) for c in cells)
    if cells and not seen and not has_captures:
        reason = cells[0].reason or msg("no reason was given")
        sentence = msg("no source could be read; the first of {count}: {reason}", count=len(cells), reason=reason)
        raise Refusal(Exit.COULD_NOT_RUN, tell(sentence, voice.LOCALE))


def _allow_many_connections() -> None:
    """As many open files as this user may have: each SSH host holds about five, and 1024 is what systems begin with."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_OPEN_FILES if most == resource.RLIM_INFINITY else min(most, MOST_OPEN_FILES)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def host_summaries(cells: Sequence[CellResult]) -> Iterator[str]:
    """For each group of SSH hosts, how many of them ended how."""
    counts: dict[str, Counter[HostOutcome]] = {}
    for result in cells:
        outcome = host_outcome(result) if result.cell.source.startswith("ssh:") else None
        if outcome is not None:
            counts.setdefault(result.cell.source, Counter())[outcome] += 1
    for source, count in sorted(counts.items()):
        parts = (f"{word(HOST_OUTCOMES, each, voice.LOCALE)} {count[each]}" for each in HostOutcome if count[each])
        yield tables.plain(f"{source}: {' · '.join(parts)}")


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
    yield from _sweeps(chosen, guard, clock)
    if chosen.sharing_api:
        from collectors.sharing_api_source import sharing_api_collectors

        for api in chosen.sharing_api:
            yield from sharing_api_collectors(api, base=base, clock=clock, guard=guard)
    if chosen.plugin:
        from collectors.plugin_source import plugin_collectors

        for table in chosen.plugin:
            yield from plugin_collectors(table, base=base, clock=clock, guard=guard)


def _sweeps(chosen: Settings, guard: Guard, clock: Callable[[], datetime]) -> Iterator[Collector]:
    """Says aloud who has packets sent where, before the first one leaves."""
    from collectors.sweep_source import started_by, sweep_collectors

    for entry in chosen.sweep:
        yield from sweep_collectors(entry, clock=clock, guard=guard)
        sentence = msg(
            "sweep:{name}: {who} has nmap send at most {rate} packets a second to {cidrs}, from {when} on",
            name=entry.name,
            who=started_by(),
            rate=entry.packets_per_second,
            cidrs=", ".join(c for c in entry.cidrs if not guard.forbids(c)),
            when=f"{clock().astimezone(LAW_TIME):%Y-%m-%d %H:%M}",
        )
        complain(tell(guard.withheld(sentence), voice.LOCALE))


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


@contextmanager
def open_captures(paths: Iterable[Path]) -> Iterator[list[Capture]]:
    """The captures, each read through and found whole.

    Raises:
        Refusal: a path leads to no file that can be read.
        CaptureError: one is no capture, or was changed.
    """
    with ExitStack() as stack:
        captures = []
        for path in paths:
            if path.exists() and not path.is_file():
                sentence = msg("{path}: expected a file that `yunhe collect` wrote", path=str(path))
                raise Refusal(Exit.USAGE, tell(sentence, voice.LOCALE))
            try:
                captures.append(stack.enter_context(Capture.open(path)))
            except OSError as error:
                raise Refusal(Exit.USAGE, os_sentence(path, error)) from error
        yield captures
