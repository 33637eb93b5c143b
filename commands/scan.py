"""`yunhe scan`: the nightly job."""

import sys
from datetime import datetime
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
from commands.options import (
    DEFAULT_CONFIG,
    ConfigOption,
    DeadlineOption,
    FormatOption,
    LangOption,
    ResumeOption,
)
from commands.outcome import Exit
from commands.output import drop_stdout
from commands.sources import collect_sources, deadline_of, open_spool, read_captures, with_accepted_platforms
from commands.voice import in_words
from exporters import tables, terminal
from exporters.tables import Format
from inventory import settings, store
from inventory.build import build
from inventory.collection import Collection, digest
from inventory.finding import Finding, Verdict
from inventory.guard import Guard
from inventory.inventory import Inventory
from inventory.scan import ScanInfo, ScanOptions
from inventory.settings import Settings
from inventory.store import Store
from inventory.text import mark


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
) -> None:
    """The nightly job. Exit 0, 3 or 4 as the verdicts say."""
    chosen = settings.load(config)
    base = config.parent
    # Everything that can be wrong with the input is found before a source is asked.
    captures = read_captures([*(settings.resolve(base, c.path) for c in chosen.capture), *(capture or ())])
    moment = moment_of(as_of if as_of is not None else chosen.scan.as_of) or capture_clock(chosen, captures)
    path = settings.resolve(base, chosen.store.path)
    guard = Guard(settings.do_not_scan_entries(chosen, base))
    clock = (lambda: moment) if moment else now
    started = now()
    with (
        store.lock(path),
        Store(path) as opened,
        open_spool(path, chosen, guard, clock=clock, resume=resume, as_of=moment) as spool,
    ):
        ends = deadline_of(chosen, deadline)
        collect_sources(chosen, base, spool, clock=clock, deadline=ends, has_captures=bool(captures))
        collection = spool.collection()
        for taken in captures:
            collection.merge(with_accepted_platforms(taken, chosen.platform.sources))
        result = judge_and_keep(collection.guarded(guard), chosen, opened, started=started, as_of=moment or now())
    try:
        _print_scan(result, form, lang or voice.LOCALE)
        sys.stdout.flush()
    except BrokenPipeError:
        drop_stdout()  # the scan is kept, and its exit code is its verdict, whoever stopped reading
    raise typer.Exit(Exit.COMPLIANT if exit_zero else result.scan.exit_code)


def judge_and_keep(
    collection: Collection, chosen: Settings, opened: Store, *, started: datetime, as_of: datetime
) -> Result:
    """Judges what was read, keeps it as the next finished scan, and returns that."""
    options = ScanOptions(
        city=chosen.city.name,
        filing_regions=chosen.city.filing_regions,
        platform=chosen.platform,
        policy=chosen.policy,
        ownership=chosen.ownership,
        zones=chosen.zone,
        fresh_hours=chosen.scan.fresh_hours,
    )
    policy = Policy.from_options(options)
    inventory = build(collection, options, as_of=as_of)
    findings = judge(inventory, policy)
    info = ScanInfo(
        number=0,
        started_at=started,
        finished_at=now(),
        as_of=as_of,
        tool=voice.TOOL,
        pack=f"{policy.pack.id} {policy.pack.version}",
        digest=_digest(collection, options, findings),
        exit_code=_exit_code(findings, inventory),
    )
    info = opened.save(info=info, options=options, taken=collection, findings=findings)
    kept = opened.load(info.number)
    known = kept.known if kept else {}
    return Result(scan=info, policy=policy, inventory=inventory, findings=findings, known=known, raws=collection.raws)


def _digest(collection: Collection, options: ScanOptions, findings: tuple[Finding, ...]) -> str:
    encoder = msgspec.json.Encoder(order="sorted")
    parts = [encoder.encode(r) for r in sorted(collection.records, key=lambda r: r.key)]
    parts += [
        encoder.encode((c.cell, c.state, c.seen, c.reason, c.unseen))
        for c in sorted(collection.cells, key=lambda c: c.cell)
    ]
    parts += [encoder.encode(options), *(encoder.encode(f) for f in findings)]
    return digest(b"\n".join(parts))


def _exit_code(findings: tuple[Finding, ...], inventory: Inventory) -> Exit:
    if any(f.verdict is Verdict.FAIL for f in findings):
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
        told = {"schema": "yunhe-scan-1", "scan": result.scan, "coverage": cells, "findings": rows}
        tables.write_utf8(sys.stdout, tables.json_text(told))
    else:
        show_findings(result, list(result.findings), form, locale)
