"""The command `yunhe`: arguments, wiring, printing, exit codes. No rule of the domain lives here.

Exit codes: 0 compliant · 2 usage, config or input · 3 a check fails · 4 nothing failed but not all was seen ·
5 could not run at all · 6 integrity · 130 interrupted; 1 is left to a crash. Data goes to stdout, words to stderr.
"""

import difflib
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time
from enum import IntEnum
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, NoReturn

import msgspec
import typer
from rich.console import Console

from checks.catalogue import CATALOGUE
from checks.judge import judge
from checks.policy import Policy
from checks.result import Result
from collectors.collector import Collector
from collectors.collector import collect as run_collectors
from collectors.ledger_source import ledger_collectors
from collectors.ledger_table import LedgerError
from exporters import tables, terminal
from exporters.server import DEFAULT_PORT
from exporters.tables import Format
from exporters.words import STATES, VERDICTS, word
from inventory import capture_file, settings, store
from inventory.build import build
from inventory.collection import Collection, digest
from inventory.coverage import CellResult, CellState
from inventory.finding import Finding, Verdict
from inventory.guard import Guard
from inventory.inventory import LAW_TIME, Inventory
from inventory.scan import ScanInfo, ScanOptions
from inventory.settings import ConfigError, Settings
from inventory.store import Store, StoredScan, StoreError
from inventory.text import gettext, mark, msg, reader_locale, tell


class Exit(IntEnum):
    """What the exit code says."""

    COMPLIANT = 0
    USAGE = 2
    FAIL = 3
    NOT_ALL_SEEN = 4
    COULD_NOT_RUN = 5
    INTEGRITY = 6
    INTERRUPTED = 130


LOCALE = reader_locale()
TOOL = f"yunhe {version('yunhe')}"
app = typer.Typer(
    name="yunhe",
    help=gettext(
        mark("Yunhe: checks that a city's projects run on its government cloud and share their data."), LOCALE
    ),
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
evidence_app = typer.Typer(
    no_args_is_help=True, help=gettext(mark("Evidence for acceptance panels (Art. 23(7))."), LOCALE)
)
export_app = typer.Typer(no_args_is_help=True, help=gettext(mark("Export results to other programs."), LOCALE))
app.add_typer(evidence_app, name="evidence")
app.add_typer(export_app, name="export")

errors = Console(stderr=True, highlight=False, soft_wrap=True)


class Refusal(Exception):
    """Ends the command with a sentence and an exit code."""

    def __init__(self, code: Exit, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


def main() -> NoReturn:
    """Runs the command; a user's mistake ends in one sentence, never in a traceback."""
    logging.basicConfig(level=logging.ERROR, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    for noisy in ("paramiko", "openstack", "keystoneauth", "urllib3", "kubernetes"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)
    try:
        app()
    except Refusal as refusal:
        _complain(str(refusal))
        sys.exit(refusal.code)
    except LedgerError as error:
        _complain(tell(error.message, LOCALE))
        sys.exit(Exit.USAGE)
    except (ConfigError, capture_file.CaptureError) as error:
        _complain(str(error))
        sys.exit(Exit.USAGE)
    except StoreError as error:
        _complain(str(error))
        sys.exit(Exit.COULD_NOT_RUN)
    except KeyboardInterrupt:
        _complain(gettext(mark("interrupted; nothing was kept of this run"), LOCALE))
        sys.exit(Exit.INTERRUPTED)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(Exit.COMPLIANT)
    sys.exit(Exit.COMPLIANT)


def _complain(sentence: str) -> None:
    errors.print(f"yunhe: {tables.plain(sentence)}", markup=False)


def _help(sentence: str) -> str:
    return gettext(sentence, LOCALE)


ConfigOption = Annotated[
    Path, typer.Option("--config", "-c", envvar="YUNHE_CONFIG", help=_help(mark("The configuration file.")))
]
FormatOption = Annotated[Format, typer.Option("--format", "-f", help=_help(mark("How to print it.")))]
ScanOption = Annotated[int | None, typer.Option("--scan", help=_help(mark("Number of the scan; default: the last.")))]
LangOption = Annotated[str | None, typer.Option("--lang", help=_help(mark("Language: zh_CN or en.")))]
PortOption = Annotated[int, typer.Option("--port", min=0, max=65535, help=_help(mark("Port to listen on.")))]
DEFAULT_CONFIG = Path("yunhe.toml")


@app.callback(invoke_without_command=True)
def _main(
    show_version: Annotated[bool, typer.Option("--version", help=_help(mark("Show the version and exit.")))] = False,
) -> None:
    if show_version:
        typer.echo(TOOL)
        raise typer.Exit


# ── collecting and scanning ──────────────────────────────────────────────────────────────────────────────────────────


@app.command(help=_help(mark("Write a commented configuration and the ledger templates.")))
def init(folder: Annotated[Path, typer.Argument(help=_help(mark("Where to write them.")))] = Path()) -> None:
    """Writes `yunhe.toml` and `ledgers/*.xlsx`; what is there already stays."""
    from exporters.templates import example_config, write_templates

    config = folder / "yunhe.toml"
    if config.exists():
        raise Refusal(Exit.USAGE, tell(msg("{path} is there already; nothing was written", path=str(config)), LOCALE))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        written = write_templates(folder / "ledgers")
        config.write_text(example_config(), encoding="utf-8")
    except OSError as error:
        raise Refusal(Exit.USAGE, f"{error.filename}: {error.strerror}") from error
    for path in [config, *written]:
        typer.echo(str(path))


@app.command(help=_help(mark("Read the sources and write what they say to one portable file.")))
def collect(
    output: Annotated[Path, typer.Option("--output", "-o", help=_help(mark("The capture to write.")))],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Collects here, so that `scan --capture` can judge elsewhere. Exit 4 where not everything was seen."""
    chosen = settings.load(config)
    guard = Guard(settings.do_not_scan_entries(chosen, config.parent))
    collection = _collect(chosen, config.parent, guard, clock=_now)
    try:
        capture_file.write(collection, output, tool=TOOL)
    except OSError as error:
        raise Refusal(Exit.COULD_NOT_RUN, f"{output}: {error.strerror}") from error
    complete = not any(c.is_gap for c in collection.cells)
    typer.echo(str(output))
    raise typer.Exit(Exit.COMPLIANT if complete else Exit.NOT_ALL_SEEN)


@app.command(help=_help(mark("Read the sources, judge what they say, and keep the result.")))
def scan(
    config: ConfigOption = DEFAULT_CONFIG,
    capture: Annotated[
        list[Path] | None, typer.Option("--capture", help=_help(mark("A capture to judge beside the sources.")))
    ] = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", help=_help(mark("The scan's clock: a date or an ISO 8601 time.")))
    ] = None,
    form: FormatOption = Format.TABLE,
    exit_zero: Annotated[
        bool, typer.Option("--exit-zero", help=_help(mark("Exit 0 whatever the verdicts say.")))
    ] = False,
    lang: LangOption = None,
) -> None:
    """The nightly job. Exit 0, 3 or 4 as the verdicts say."""
    chosen = settings.load(config)
    base = config.parent
    # Everything that can be wrong with the input is found before a source is asked.
    captures = _read_captures([*(settings.resolve(base, c.path) for c in chosen.capture), *(capture or ())])
    moment = _moment(as_of if as_of is not None else chosen.scan.as_of) or _capture_clock(chosen, captures)
    path = settings.resolve(base, chosen.store.path)
    with store.lock(path), Store(path) as opened:
        result = _scan(chosen, base, captures, moment, opened)
    _print_scan(result, form, lang or LOCALE)
    raise typer.Exit(Exit.COMPLIANT if exit_zero else result.scan.exit_code)


def _scan(chosen: Settings, base: Path, captures: list[Collection], moment: datetime | None, opened: Store) -> Result:
    started = _now()
    guard = Guard(settings.do_not_scan_entries(chosen, base))
    collection = _collect(chosen, base, guard, clock=(lambda: moment) if moment else _now, has_captures=bool(captures))
    for taken in captures:
        collection.merge(taken)
    collection = collection.guarded(guard)
    now = moment or _now()
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
    inventory = build(collection, options, as_of=now)
    findings = judge(inventory, policy)
    info = ScanInfo(
        number=0,
        started_at=started,
        finished_at=_now(),
        as_of=now,
        tool=TOOL,
        pack=f"{policy.pack.id} {policy.pack.version}",
        digest=_digest(collection, options, findings),
        exit_code=_exit_code(findings, inventory),
    )
    info = opened.save(info=info, options=options, collection=collection, findings=findings)
    kept = opened.load(info.number)
    known = kept.known if kept else {}
    return Result(scan=info, policy=policy, inventory=inventory, findings=findings, known=known, raws=collection.raws)


def _collect(
    chosen: Settings, base: Path, guard: Guard, *, clock: Callable[[], datetime], has_captures: bool = False
) -> Collection:
    """Ledgers first: what they mark as classified must be known before anything is connected to."""
    ledgers: list[Collector] = [c for entry in chosen.ledger for c in ledger_collectors(entry, base=base, clock=clock)]
    if not (ledgers or chosen.openstack or chosen.kubernetes or chosen.ssh or has_captures):
        sentence = msg("no source is configured: expected at least one openstack, kubernetes, ssh, ledger or capture")
        raise Refusal(Exit.COULD_NOT_RUN, tell(sentence, LOCALE))
    with _progress() as on_cell:
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
        raise Refusal(Exit.COULD_NOT_RUN, tell(sentence, LOCALE))
    return collection.guarded(guard)


def _live(chosen: Settings, base: Path, guard: Guard, clock: Callable[[], datetime]) -> Iterator[Collector]:
    """Collectors of live sources; their clients are imported only where they are used."""
    if chosen.openstack:
        from collectors.openstack_source import openstack_collectors

        for cloud in chosen.openstack:
            yield from openstack_collectors(cloud, base=base, clock=clock, label_keys=chosen.ownership.label_keys)
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


@contextmanager
def _progress() -> Iterator[Callable[[CellResult], None]]:
    """A moving line on a terminal, one plain line for each cell in a log."""
    done = 0

    def sentence(result: CellResult) -> str:
        state = word(STATES, result.state, LOCALE)
        reason = f": {tell(result.reason, LOCALE)}" if result.reason else ""
        cell = result.cell
        return tables.plain(f"{cell.source} {cell.scope} {cell.kind}: {state} ({result.seen}){reason}")

    if not errors.is_terminal:
        yield lambda result: errors.print(sentence(result), markup=False)
        return
    with errors.status("") as status:

        def on_cell(result: CellResult) -> None:
            nonlocal done
            done += 1
            status.update(f"{done} · {sentence(result)}".replace("[", r"\["))
            if result.is_gap:
                errors.print(sentence(result), markup=False)

        yield on_cell


def _read_captures(paths: list[Path]) -> list[Collection]:
    captures = []
    for path in paths:
        try:
            captures.append(capture_file.read(path))
        except OSError as error:
            raise Refusal(Exit.USAGE, f"{path}: {error.strerror}") from error
    return captures


def _moment(given: str | None) -> datetime | None:
    """The scan's clock as given: a bare date means the end of that day in Asia/Shanghai."""
    if given is None:
        return None
    try:
        if len(given) == len("2026-01-01"):
            return datetime.combine(date.fromisoformat(given), time(23, 59, 59), LAW_TIME)
        moment = datetime.fromisoformat(given)
    except ValueError as error:
        sentence = msg("the clock (as_of) {value}: expected a date such as 2026-11-22 or an ISO 8601 time", value=given)
        raise Refusal(Exit.USAGE, tell(sentence, LOCALE)) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=LAW_TIME)


def _capture_clock(chosen: Settings, captures: list[Collection]) -> datetime | None:
    """Where nothing live is read, the newest capture's time is the clock: the same files give the same findings."""
    if chosen.openstack or chosen.kubernetes or chosen.ssh or not captures:
        return None
    finished = [c.finished_at for taken in captures for c in taken.cells if c.finished_at]
    return max([*finished, *(taken.taken_at for taken in captures)])


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


def _now() -> datetime:
    return datetime.now(UTC)


def _print_scan(result: Result, form: Format, locale: str) -> None:
    if form is Format.TABLE:
        terminal.summary(result, Console(highlight=False), locale=locale)
    elif form is Format.JSON:
        rows = [_finding_row(f, result, locale) for f in result.findings]
        cells = [
            {"cell": c.cell, "state": c.state, "seen": c.seen, "unseen": c.unseen}
            for c in result.inventory.coverage.results
        ]
        sys.stdout.write(
            tables.json_text({"schema": "yunhe-scan-1", "scan": result.scan, "coverage": cells, "findings": rows})
        )
    else:
        _show_findings(result, list(result.findings), form, locale)


# ── asking about the last scan ───────────────────────────────────────────────────────────────────────────────────────


def _load(config: Path, number: int | None) -> Result:
    chosen = settings.load(config)
    with Store(settings.resolve(config.parent, chosen.store.path), must_exist=True) as opened:
        kept = opened.load(number)
    if kept is None:
        sentence = (
            msg("the store holds no finished scan; `yunhe scan` makes one")
            if number is None
            else msg("the store holds no scan {number}", number=number)
        )
        raise Refusal(Exit.USAGE, tell(sentence, LOCALE))
    return _result_of(kept)


def _result_of(kept: StoredScan) -> Result:
    """The result as it was, re-made from what the scan saw; findings are those that were kept."""
    policy = Policy.from_options(kept.options)
    order = {check.id: n for n, check in enumerate(CATALOGUE)}
    findings = sorted(kept.findings, key=lambda f: (order.get(f.check, len(order)), f.subject.key))
    return Result(
        scan=kept.info,
        policy=policy,
        inventory=build(kept.collection, kept.options, as_of=kept.info.as_of),
        findings=tuple(findings),
        known=kept.known,
        raws=kept.collection.raws,
    )


@app.command(help=_help(mark("List findings of a scan.")))
def findings(
    config: ConfigOption = DEFAULT_CONFIG,
    verdict: Annotated[
        list[Verdict] | None, typer.Option("--verdict", help=_help(mark("Only these verdicts.")))
    ] = None,
    check: Annotated[list[str] | None, typer.Option("--check", help=_help(mark("Only these checks.")))] = None,
    project: Annotated[str | None, typer.Option("--project", help=_help(mark("Only this project's code.")))] = None,
    department: Annotated[str | None, typer.Option("--department", help=_help(mark("Only this department.")))] = None,
    number: ScanOption = None,
    form: FormatOption = Format.TABLE,
    lang: LangOption = None,
) -> None:
    """All findings, or those that the filters leave."""
    unknown_checks = set(check or ()) - {c.id for c in CATALOGUE}
    if unknown_checks:
        sentence = msg("there is no check {name}; `yunhe checks` lists them", name=", ".join(sorted(unknown_checks)))
        raise Refusal(Exit.USAGE, tell(sentence, LOCALE))
    result = _load(config, number)
    chosen = [
        f
        for f in result.findings
        if (not verdict or f.verdict in verdict)
        and (not check or f.check in check)
        and (project is None or project in f.subject.projects or f.subject.key == f"project/{project}")
        and (department is None or f.subject.department == department)
    ]
    _show_findings(result, chosen, form, lang or LOCALE)


_COLUMNS = ("verdict", "check", "subject_kind", "subject", "name", "department", "reason", "missing", "since_scan")


def _show_findings(result: Result, chosen: list[Finding], form: Format, locale: str) -> None:
    rows = [_finding_row(f, result, locale) for f in chosen]
    if form is Format.TABLE:
        columns = {c: gettext(h, locale) for c, h in _HEADINGS.items()}
        rows = [{**row, "verdict": word(VERDICTS, str(row["verdict"]), locale)} for row in rows]
    else:
        columns = {c: c for c in [*_COLUMNS, "articles", "projects", "remedy", "evidence", "decided_by"]}
    tables.show(columns, rows, form, Console(highlight=False))


_HEADINGS = {
    "verdict": mark("verdict"),
    "check": mark("check"),
    "name": mark("subject"),
    "department": mark("department"),
    "reason": mark("reason"),
    "since_scan": mark("since scan"),
}


def _finding_row(finding: Finding, result: Result, locale: str) -> dict[str, tables.Cell]:
    known = result.known.get(finding.key)
    return {
        "verdict": finding.verdict,
        "check": finding.check,
        "subject_kind": finding.subject.kind,
        "subject": finding.subject.id,
        "name": finding.subject.name,
        "department": finding.subject.department,
        "reason": tell(finding.reason, locale),
        "missing": [tell(m, locale) for m in finding.missing],
        "since_scan": known.first_scan if known else None,
        "articles": finding.articles,
        "projects": finding.subject.projects,
        "remedy": tell(finding.remedy, locale) if finding.remedy else None,
        "evidence": finding.evidence,
        "decided_by": finding.decided_by,
    }


@app.command(help=_help(mark("Show how a host, system or project came to its verdicts.")))
def explain(
    subject: Annotated[str, typer.Argument(help=_help(mark("Its id, code, name or address.")))],
    config: ConfigOption = DEFAULT_CONFIG,
    number: ScanOption = None,
    lang: LangOption = None,
) -> None:
    """Sightings, joins, placement, ownership and verdicts, each with its evidence."""
    result = _load(config, number)
    found = terminal.find_subject(result, subject)
    if not found:
        near = difflib.get_close_matches(subject, terminal.known_names(result), n=5, cutoff=0.5)
        sentence = msg("nothing in the scan is called {name}", name=subject)
        if near:
            sentence = msg("nothing in the scan is called {name}; perhaps {near}", name=subject, near=", ".join(near))
        raise Refusal(Exit.USAGE, tell(sentence, LOCALE))
    console = Console(highlight=False)
    for position, thing in enumerate(found):
        if position:
            console.rule()
        terminal.explain(result, thing, console, locale=lang or LOCALE)


@app.command(help=_help(mark("List the checks and what they stand on.")))
def checks(form: FormatOption = Format.TABLE, lang: LangOption = None) -> None:
    """The catalogue, in reading order."""
    locale = lang or LOCALE
    rows: list[dict[str, tables.Cell]] = [
        {"check": c.id, "articles": c.articles, "subject": c.subject_kind, "title": tell(c.title, locale)}
        for c in CATALOGUE
    ]
    headings = {
        "check": mark("check"),
        "articles": mark("articles"),
        "subject": mark("subject"),
        "title": mark("title"),
    }
    columns = {k: gettext(h, locale) if form is Format.TABLE else k for k, h in headings.items()}
    tables.show(columns, rows, form, Console(highlight=False))


# ── telling others ───────────────────────────────────────────────────────────────────────────────────────────────────


@app.command(help=_help(mark("Write the scan as one self-contained page.")))
def report(
    output: Annotated[Path, typer.Option("--output", "-o", help=_help(mark("The HTML file to write.")))],
    config: ConfigOption = DEFAULT_CONFIG,
    number: ScanOption = None,
    lang: Annotated[str, typer.Option("--lang", help=_help(mark("Language: zh_CN or en.")))] = "zh_CN",
) -> None:
    """Reports speak Chinese unless asked otherwise."""
    from exporters.pages import report_html

    _write(output, report_html(_load(config, number), locale=lang).encode())
    typer.echo(str(output))


@evidence_app.command("build", help=_help(mark("Build the signed evidence of one project.")))
def evidence_build(
    project: Annotated[str, typer.Argument(help=_help(mark("The project's code in the register.")))],
    output: Annotated[Path, typer.Option("--output", "-o", help=_help(mark("The zip file to write.")))],
    config: ConfigOption = DEFAULT_CONFIG,
    number: ScanOption = None,
    key: Annotated[
        Path | None, typer.Option("--key", help=_help(mark("Ed25519 private key (PEM); made on first use.")))
    ] = None,
) -> None:
    """The page of conclusions, tables, raw documents, digests and a machine signature, in one file."""
    from exporters import evidence

    result = _load(config, number)
    key_path = key or settings.resolve(config.parent, settings.load(config).store.path).with_suffix(".key")
    try:
        built = evidence.build(result, project, output, key_path=key_path, tool=TOOL)
    except evidence.UnknownProject as error:
        raise Refusal(Exit.USAGE, tell(error.message, LOCALE)) from error
    except evidence.EvidenceError as error:
        raise Refusal(Exit.COULD_NOT_RUN, tell(error.message, LOCALE)) from error
    except OSError as error:
        raise Refusal(Exit.COULD_NOT_RUN, f"{error.filename or output}: {error.strerror}") from error
    typer.echo(f"{output}\n{built.fingerprint}")


@evidence_app.command("verify", help=_help(mark("Verify an evidence file offline; exit 6 on any change.")))
def evidence_verify(
    file: Annotated[Path, typer.Argument(help=_help(mark("The evidence file.")))],
    public_key: Annotated[
        Path | None, typer.Option("--public-key", help=_help(mark("The centre's public key (PEM).")))
    ] = None,
) -> None:
    """Needs the file and a public key alone: no store, no network."""
    from exporters import evidence

    try:
        verified = evidence.verify(file, public_key=public_key)
    except evidence.EvidenceError as error:
        raise Refusal(Exit.INTEGRITY, tell(error.message, LOCALE)) from error
    except OSError as error:
        raise Refusal(Exit.USAGE, f"{error.filename or file}: {error.strerror}") from error
    typer.echo(verified.sentence(LOCALE))


@export_app.command("prometheus", help=_help(mark("Write metrics for the node exporter's textfile collector.")))
def export_prometheus(
    textfile: Annotated[Path, typer.Option("--textfile", help=_help(mark("The .prom file to write.")))],
    config: ConfigOption = DEFAULT_CONFIG,
    number: ScanOption = None,
) -> None:
    """Atomic: a scrape sees the old file or the new one."""
    from exporters.metrics import write_textfile

    try:
        write_textfile(_load(config, number), textfile)
    except OSError as error:
        raise Refusal(Exit.COULD_NOT_RUN, f"{textfile}: {error.strerror}") from error


@app.command(help=_help(mark("Serve metrics of the last finished scan to Prometheus.")))
def serve(
    config: ConfigOption = DEFAULT_CONFIG,
    host: Annotated[str, typer.Option("--host", help=_help(mark("Address to listen on.")))] = "127.0.0.1",
    port: PortOption = DEFAULT_PORT,
) -> None:
    """Never asks a source: a scrape reads the store."""
    from exporters.server import serve as run_server

    path = settings.resolve(config.parent, settings.load(config).store.path)
    last: list[Result] = []

    def load() -> Result | None:
        if not path.is_file():
            return None
        with Store(path) as opened:
            newest = opened.last_number()
            if newest is not None and (not last or last[0].scan.number != newest):
                kept = opened.load(newest)
                last[:] = [_result_of(kept)] if kept else []
        return last[0] if last else None

    def ready(bound: int) -> None:
        errors.print(f"http://{host}:{bound}/metrics", markup=False)

    try:
        run_server(load, host=host, port=port, ready=ready, locale=LOCALE)
    except OSError as error:
        raise Refusal(Exit.COULD_NOT_RUN, f"{host}:{port}: {error.strerror}") from error


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all."""
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        temporary.write_bytes(data)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise Refusal(Exit.COULD_NOT_RUN, f"{path}: {error.strerror}") from error


if __name__ == "__main__":
    main()
