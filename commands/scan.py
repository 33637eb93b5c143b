"""`yunhe scan`: the nightly job."""

import hashlib
import sys
from dataclasses import replace
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from checks.judge import judge
from checks.policy import Policy
from checks.result import Result
from commands import voice
from commands.clock import capture_clock, moment_of, now
from commands.findings import finding_row, show_findings
from commands.kept import store_place
from commands.names import tell_of_aliases
from commands.nights import history_of, on_trial
from commands.options import (
    DEFAULT_CONFIG,
    ConfigOption,
    DeadlineOption,
    FormatOption,
    LangOption,
    RejectedOption,
    ResumeOption,
    SweepOption,
)
from commands.outcome import Exit
from commands.output import drop_stdout, rejected_file_of, write_rejected
from commands.rules import guarded, scan_options
from commands.sources import collect_sources, deadline_of, open_captures, open_spool, take_captures, with_sweep
from commands.voice import in_words
from exporters import tables, terminal
from exporters.tables import Format
from inventory import settings, store
from inventory.build import build
from inventory.collection import Collection, Taken
from inventory.finding import Finding, Verdict
from inventory.guard import Guard
from inventory.inventory import Inventory
from inventory.lifecycle import Doubted, LifeRules, is_held, life_rules
from inventory.scan import ScanInfo, ScanOptions
from inventory.spool import Spool
from inventory.store import Store
from inventory.text import mark, msg, tell


def scan(
    config: ConfigOption = DEFAULT_CONFIG,
    capture: Annotated[
        list[Path] | None, typer.Option("--capture", help=in_words(mark("A capture to judge beside the sources.")))
    ] = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", help=in_words(mark("The scan's clock: a date or an ISO 8601 time.")))
    ] = None,
    form: FormatOption = Format.TABLE,
    exit_zero: Annotated[
        bool, typer.Option("--exit-zero", help=in_words(mark("Exit 0 whatever the verdicts say.")))
    ] = False,
    lang: LangOption = None,
    resume: ResumeOption = False,
    deadline: DeadlineOption = None,
    sweep: SweepOption = False,
    rejected: RejectedOption = None,
    accept_mass_change: Annotated[
        bool,
        typer.Option(
            "--accept-mass-change",
            help=in_words(mark("Believe that much vanished at once: somebody has looked and it is true.")),
        ),
    ] = False,
) -> None:
    """The nightly job. Exit 0, 3 or 4 as the verdicts say."""
    chosen = with_sweep(settings.load(config), wanted=sweep)
    base, rejected = config.parent, rejected_file_of(rejected)
    path, place = settings.resolve(base, chosen.store.path), store_place(chosen, base)
    started = now()
    # Everything that can be wrong with the input is found before a source is asked.
    options = scan_options(chosen, base)
    with open_captures([*(settings.resolve(base, c.path) for c in chosen.capture), *(capture or ())]) as captures:
        moment = moment_of(as_of if as_of is not None else chosen.scan.as_of) or capture_clock(chosen, captures)
        clock = (lambda: moment) if moment else now
        guard = Guard(settings.do_not_scan_entries(chosen, base))
        with (
            store.lock(place) as held,
            Store(place, held=held) as opened,
            open_spool(path, chosen, guard, clock=clock, resume=resume, as_of=moment) as spool,
        ):
            ends = deadline_of(chosen, deadline)
            collect_sources(chosen, base, spool, clock=clock, deadline=ends, has_captures=bool(captures))
            take_captures(captures, spool, chosen.platform.sources)
            spool.finish()
            taken = spool if accept_mass_change else _with_held(spool, opened, life_rules(chosen.lifecycle))
            options = guarded(options, spool.guard)
            result = judge_and_keep(taken, options, opened, started=started, as_of=moment or now())
    write_rejected(rejected, result.inventory.coverage.rejections)
    tell_of_aliases(result.inventory, options.aliases)
    try:
        _print_scan(result, form, lang or voice.LOCALE)
        sys.stdout.flush()
    except BrokenPipeError:
        drop_stdout()  # the scan is kept, and its exit code is its verdict, whoever stopped reading
    raise typer.Exit(Exit.COMPLIANT if exit_zero else result.scan.exit_code)


def _with_held(spool: Spool, opened: Store, rules: LifeRules) -> Taken:
    """What was read; scopes from which too much vanished at once are not believed, and said to be so."""
    cells = opened.with_held(spool.cells, rules, spool.placed)
    for cell in filter(is_held, cells):
        told = cell.reason or msg("no reason was given")
        sentence = msg(
            "{source} {scope} {kind}: {reason}; if it is true: --accept-mass-change",
            source=cell.cell.source,
            scope=cell.cell.scope,
            kind=cell.cell.kind,
            reason=told,
        )
        voice.complain(tell(sentence, voice.LOCALE))
    return Doubted(spool, cells)


def judge_and_keep(taken: Taken, options: ScanOptions, opened: Store, *, started: datetime, as_of: datetime) -> Result:
    """Judges what was read, keeps it as the next finished scan, and returns that."""
    # Judging needs no raw documents.
    collection = Collection(
        taken_at=taken.taken_at,
        sources=list(taken.sources),
        records=list(taken.sorted_records()),
        cells=list(taken.cells),
        rejections=list(taken.rejections),
    )
    policy = Policy.from_options(options)
    inventory = build(collection, options, as_of=as_of)
    history = history_of(opened, inventory, policy, watched=on_trial(inventory))
    inventory = replace(inventory, history=history)
    findings = judge(inventory, policy)
    info = ScanInfo(
        number=0,
        started_at=started,
        finished_at=now(),
        as_of=as_of,
        tool=voice.TOOL,
        pack=f"{policy.pack.id} {policy.pack.version}",
        digest=_digest(taken, options, findings),
        exit_code=_exit_code(findings, inventory),
    )
    info = opened.save(info=info, options=options, taken=taken, findings=findings)
    return Result(scan=info, policy=policy, inventory=inventory, findings=findings, known=opened.known(info.number))


def _digest(taken: Taken, options: ScanOptions, findings: tuple[Finding, ...]) -> str:
    encoder = msgspec.json.Encoder(order="sorted")
    cells = sorted(taken.cells, key=lambda c: c.cell)
    sha256 = hashlib.sha256()
    for line in chain(
        taken.sorted_lines(),
        (encoder.encode((c.cell, c.state, c.seen, c.reason, c.unseen)) for c in cells),
        (encoder.encode(part) for part in (options, *findings)),
    ):
        sha256.update(line)
        sha256.update(b"\n")
    return sha256.hexdigest()


def _exit_code(findings: tuple[Finding, ...], inventory: Inventory) -> Exit:
    if any(f.verdict is Verdict.FAIL and not f.is_waived for f in findings):
        return Exit.FAIL
    if any(r.is_gap for r in inventory.coverage.results) or any(f.verdict is Verdict.UNKNOWN for f in findings):
        return Exit.NOT_ALL_SEEN
    return Exit.COMPLIANT


def _print_scan(result: Result, form: Format, locale: str) -> None:
    if form is Format.TABLE:
        terminal.summary(result, tables.Terminal(), locale=locale)
    elif form is Format.JSON:
        rows = [finding_row(f, result, locale) for f in result.findings]
        cells = [
            {"cell": c.cell, "state": c.state, "seen": c.seen, "unseen": c.unseen}
            for c in result.inventory.coverage.results
        ]
        pack = {"id": result.policy.pack.id, "version": result.policy.pack.version, "digest": result.policy.digest}
        told = {"schema": "yunhe-scan-1", "scan": result.scan, "pack": pack, "coverage": cells, "findings": rows}
        tables.write_utf8(sys.stdout, tables.json_text(told))
    else:
        show_findings(result, list(result.findings), form, locale)
