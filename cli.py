"""The command `yunhe`: arguments, wiring, printing, exit codes. No rule of the domain lives here.

Exit codes: 0 compliant · 2 usage, config or input · 3 a check fails · 4 nothing failed but not all was seen ·
5 could not run at all · 6 integrity · 130 interrupted; 1 is left to a crash. Data goes to stdout, words to stderr.
"""

import difflib
import errno
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, date, datetime, time
from enum import IntEnum, StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, NoReturn

import msgspec
import typer
from rich.console import Console
from rich.text import Text

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
from exporters.words import STATES, SUBJECT_KINDS, VERDICTS, word
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
from inventory.text import Message, gettext, mark, msg, reader_locale, tell
from inventory.whole_file import whole_file


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
hostkeys_app = typer.Typer(no_args_is_help=True, help=gettext(mark("Get to know the keys of SSH hosts."), LOCALE))
app.add_typer(hostkeys_app, name="hostkeys")

errors = Console(stderr=True, highlight=False, soft_wrap=True)


class Lang(StrEnum):
    """Languages that the program speaks."""

    ZH_CN = "zh_CN"
    EN = "en"


class _Interrupted(BaseException):
    """SIGINT or SIGTERM. A class of its own: typer takes KeyboardInterrupt for itself and says nothing."""


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
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a locale that lacks a character shows a question mark
    try:
        with _signals(_interrupt):
            app()
    except SystemExit as ended:  # typer's way to end, with the exit code of the command
        sys.exit(_flushed(ended.code))
    except (_Interrupted, KeyboardInterrupt):
        _complain(gettext(INTERRUPTED, LOCALE))
        sys.exit(Exit.INTERRUPTED)
    except BrokenPipeError:
        _drop_stdout()
        sys.exit(Exit.COMPLIANT)
    except (Refusal, LedgerError, ConfigError, StoreError, capture_file.CaptureError, OSError) as error:
        code, sentence = _told(error)
        _complain(sentence)
        sys.exit(code)
    sys.exit(_flushed(Exit.COMPLIANT))


INTERRUPTED = mark("interrupted; nothing was kept of this run")
_CONDITIONS = {
    errno.ENOENT: mark("there is no such file or folder"),
    errno.EACCES: mark("permission denied"),
    errno.EPERM: mark("permission denied"),
    errno.EROFS: mark("the file system is read-only"),
    errno.ENOSPC: mark("the disk is full"),
    errno.EDQUOT: mark("the disk quota is used up"),
    errno.EISDIR: mark("it is a folder, expected a file"),
    errno.ENOTDIR: mark("a part of the path is a file, expected a folder"),
    errno.EEXIST: mark("it is there already"),
    errno.EADDRINUSE: mark("another program is listening there already"),
    errno.EADDRNOTAVAIL: mark("this machine does not have that address"),
}
"""What the operating system says, in the reader's language."""


def _told(error: Exception) -> tuple[Exit, str]:
    """The exit code and the sentence for what ends a command."""
    match error:
        case Refusal():
            return error.code, str(error)
        case LedgerError() | ConfigError():
            return Exit.USAGE, tell(error.message, LOCALE)
        case StoreError():
            return Exit.COULD_NOT_RUN, tell(error.message, LOCALE)
        case OSError():
            return Exit.COULD_NOT_RUN, _os_sentence(error.filename or gettext(mark("standard output"), LOCALE), error)
        case _:
            return Exit.USAGE, str(error)


def _os_sentence(what: object, error: OSError) -> str:
    condition = _CONDITIONS.get(error.errno or 0)
    return f"{what}: {gettext(condition, LOCALE) if condition else error.strerror or error}"


def _flushed(code: str | int | None) -> str | int | None:
    """The exit code, once what was printed has arrived: a full disk under standard output is no success."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _drop_stdout()
    except OSError as error:
        _drop_stdout()
        _complain(_os_sentence(gettext(mark("standard output"), LOCALE), error))
        return Exit.COULD_NOT_RUN
    except ValueError:  # closed
        pass
    return code


def _drop_stdout() -> None:
    """Nobody reads it any more: what is still to be flushed goes nowhere, silently."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _interrupt(*_: object) -> NoReturn:
    raise _Interrupted


@contextmanager
def _leaving_at_once() -> Iterator[None]:
    """While sources are read a signal ends the program at once: nothing has been written, and a source may be silent
    for minutes. A thread of its own sees to it, since the main one may be waiting in a call that no signal wakes."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    told, wakes = socket.socketpair()
    wakes.setblocking(False)

    def leave() -> None:
        while said := told.recv(1):
            if said[0] in (signal.SIGINT, signal.SIGTERM):
                cursor = "\r\x1b[?25h" if errors.is_terminal else ""
                sentence = f"{cursor}yunhe: {gettext(INTERRUPTED, LOCALE)}\n"
                with suppress(OSError):
                    os.write(2, sentence.encode(sys.stderr.encoding or "utf-8", "replace"))
                os._exit(Exit.INTERRUPTED)

    watcher = threading.Thread(target=leave, name="yunhe-signals", daemon=True)
    watcher.start()
    before = signal.set_wakeup_fd(wakes.fileno(), warn_on_full_buffer=False)
    try:
        with _signals(lambda *_: None):
            yield
    finally:
        signal.set_wakeup_fd(before)
        wakes.close()
        watcher.join()
        told.close()


@contextmanager
def _signals(handler: Callable[..., object]) -> Iterator[None]:
    """SIGINT and SIGTERM do this; the handlers of before come back afterwards."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


def _complain(sentence: str) -> None:
    errors.print(f"yunhe: {tables.plain(sentence)}", markup=False)


def _help(sentence: str) -> str:
    return gettext(sentence, LOCALE)


ConfigOption = Annotated[
    Path, typer.Option("--config", "-c", envvar="YUNHE_CONFIG", help=_help(mark("The configuration file.")))
]
FormatOption = Annotated[Format, typer.Option("--format", "-f", help=_help(mark("How to print it.")))]
ScanOption = Annotated[int | None, typer.Option("--scan", help=_help(mark("Number of the scan; default: the last.")))]
LangOption = Annotated[Lang | None, typer.Option("--lang", help=_help(mark("Language: zh_CN or en.")))]
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
    try:
        if config.exists():
            sentence = msg("{path} is there already; nothing was written", path=str(config))
            raise Refusal(Exit.USAGE, tell(sentence, LOCALE))
        folder.mkdir(parents=True, exist_ok=True)
        written = write_templates(folder / "ledgers")
        config.write_text(example_config(), encoding="utf-8")
    except OSError as error:
        if isinstance(error, FileExistsError):
            error.errno = errno.ENOTDIR
        raise Refusal(Exit.USAGE, _os_sentence(error.filename, error)) from error
    for path in [config, *written]:
        typer.echo(str(path))


@app.command(help=_help(mark("Read the sources and write what they say to one portable file.")))
def collect(
    output: Annotated[Path, typer.Option("--output", "-o", help=_help(mark("The capture to write.")))],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Collects here, so that `scan --capture` can judge elsewhere. Exit 4 where not everything was seen."""
    chosen = settings.load(config)
    output = _output(output)
    guard = Guard(settings.do_not_scan_entries(chosen, config.parent))
    collection = _collect(chosen, config.parent, guard, clock=_now)
    try:
        capture_file.write(collection, output, tool=TOOL)
    except OSError as error:
        raise Refusal(Exit.COULD_NOT_RUN, _os_sentence(output, error)) from error
    for rejection in collection.rejections:
        errors.print(tables.plain(tell(terminal.rejection(rejection), LOCALE)), markup=False)
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
    try:
        _print_scan(result, form, lang or LOCALE)
        sys.stdout.flush()
    except BrokenPipeError:
        _drop_stdout()  # the scan is kept, and its exit code is its verdict, whoever stopped reading
    raise typer.Exit(Exit.COMPLIANT if exit_zero else result.scan.exit_code)


def _with_accepted_platforms(taken: Collection, accepted: tuple[str, ...]) -> Collection:
    """The capture, its sources the government cloud's only where the scanning side names them.

    Whoever collects could call any cloud the government's; a department's own machines would then be on it.
    """
    for source in taken.sources:
        if source.is_platform and source.name not in accepted:
            sentence = msg(
                "a capture calls {source} the government cloud; to accept that, name it in platform.sources",
                source=source.name,
            )
            _complain(tell(sentence, LOCALE))
    sources = [msgspec.structs.replace(s, is_platform=s.is_platform and s.name in accepted) for s in taken.sources]
    return replace(taken, sources=sources)


def _scan(chosen: Settings, base: Path, captures: list[Collection], moment: datetime | None, opened: Store) -> Result:
    started = _now()
    guard = Guard(settings.do_not_scan_entries(chosen, base))
    collection = _collect(chosen, base, guard, clock=(lambda: moment) if moment else _now, has_captures=bool(captures))
    for taken in captures:
        collection.merge(_with_accepted_platforms(taken, chosen.platform.sources))
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
    others = chosen.openstack, chosen.kubernetes, chosen.ssh, chosen.discovery, chosen.sharing_api, chosen.plugin
    if not (ledgers or any(others) or has_captures):
        sentence = msg(
            "no source is configured: expected at least one [[openstack]], [[kubernetes]], [[ssh]], [[ledger]], "
            "[[discovery]], [[sharing_api]], [[plugin]] or [[capture]] in the configuration, or --capture FILE"
        )
        raise Refusal(Exit.COULD_NOT_RUN, tell(sentence, LOCALE))
    with _leaving_at_once(), _progress() as on_cell:
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
            status.update(Text(f"{done} · {sentence(result)}"))
            if result.is_gap:
                errors.print(sentence(result), markup=False)

        yield on_cell


def _read_captures(paths: list[Path]) -> list[Collection]:
    captures = []
    for path in paths:
        if path.exists() and not path.is_file():
            sentence = msg("{path}: expected a file that `yunhe collect` wrote", path=str(path))
            raise Refusal(Exit.USAGE, tell(sentence, LOCALE))
        try:
            captures.append(capture_file.read(path))
        except OSError as error:
            raise Refusal(Exit.USAGE, _os_sentence(path, error)) from error
    return captures


def _moment(given: str | None) -> datetime | None:
    """The scan's clock as given: a bare date means the end of that day in Asia/Shanghai."""
    if given is None:
        return None
    try:
        if len(given) == len("2026-01-01"):
            moment = datetime.combine(date.fromisoformat(given), time(23, 59, 59), LAW_TIME)
        else:
            moment = datetime.fromisoformat(given)
    except ValueError:
        moment = None
    if moment is None or moment.year not in CLOCK_YEARS:
        sentence = msg(
            "the clock (as_of) {value}: expected a date such as 2026-11-22 or an ISO 8601 time, from {first} to {last}",
            value=given or "''",
            first=CLOCK_YEARS[0],
            last=CLOCK_YEARS[-1],
        )
        raise Refusal(Exit.USAGE, tell(sentence, LOCALE))
    return moment if moment.tzinfo else moment.replace(tzinfo=LAW_TIME)


CLOCK_YEARS = range(2000, 2101)
"""Beyond these a clock is a slip of the hand, and counting with periods leaves the calendar."""


def _capture_clock(chosen: Settings, captures: list[Collection]) -> datetime | None:
    """Where nothing live is read, the newest capture's time is the clock: the same files give the same findings."""
    live = chosen.openstack, chosen.kubernetes, chosen.ssh, chosen.sharing_api, chosen.plugin
    if any(live) or not captures:
        return None
    finished = [c.finished_at for taken in captures for c in taken.cells if c.finished_at]
    newest = max([*finished, *(taken.taken_at for taken in captures)])
    return _moment(newest.isoformat())


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
        terminal.summary(result, tables.Terminal(), locale=locale)
    elif form is Format.JSON:
        rows = [_finding_row(f, result, locale) for f in result.findings]
        cells = [
            {"cell": c.cell, "state": c.state, "seen": c.seen, "unseen": c.unseen}
            for c in result.inventory.coverage.results
        ]
        told = {"schema": "yunhe-scan-1", "scan": result.scan, "coverage": cells, "findings": rows}
        tables.write_utf8(sys.stdout, tables.json_text(told))
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
    if project is not None:
        _known(project, {p.native_id for p in result.inventory.projects})
    if department is not None:
        _known(department, {f.subject.department for f in result.findings if f.subject.department})
    chosen = [
        f
        for f in result.findings
        if (not verdict or f.verdict in verdict)
        and (not check or f.check in check)
        and (project is None or project in f.subject.projects or f.subject.key == f"project/{project}")
        and (department is None or f.subject.department == department)
    ]
    _show_findings(result, chosen, form, lang or LOCALE)
    if not chosen:
        _complain(tell(msg("no finding of scan {number} fits these filters", number=result.scan.number), LOCALE))


def _known(name: str, names: Iterable[str]) -> None:
    """Refuses a filter that nothing can fit: an empty list would read as if all were well."""
    known = sorted(names)
    if name in known:
        return
    near = difflib.get_close_matches(name, known, n=5, cutoff=0.3)
    sentence = msg("nothing in the scan is called {name}", name=name or "''")
    if near:
        sentence = msg("nothing in the scan is called {name}; perhaps {near}", name=name, near=", ".join(near))
    raise Refusal(Exit.USAGE, tell(sentence, LOCALE))


_COLUMNS = ("verdict", "check", "subject_kind", "subject", "name", "department", "reason", "missing", "since_scan")


def _show_findings(result: Result, chosen: list[Finding], form: Format, locale: str) -> None:
    rows = [_finding_row(f, result, locale) for f in chosen]
    console = tables.Terminal()
    if form is Format.TABLE:
        left_out = ("department", "since_scan") if console.width < NARROW else ()
        columns = {c: gettext(h, locale) for c, h in _HEADINGS.items() if c not in left_out}
        rows = [{**row, "verdict": word(VERDICTS, str(row["verdict"]), locale)} for row in rows]
    else:
        columns = {c: c for c in [*_COLUMNS, "articles", "projects", "remedy", "evidence", "decided_by"]}
    tables.show(columns, rows, form, console)


NARROW = 110
"""Columns of a terminal below which a table keeps to what matters most, so that a reason can be read."""

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
        sentence = msg("nothing in the scan is called {name}", name=subject or "''")
        if near:
            sentence = msg("nothing in the scan is called {name}; perhaps {near}", name=subject, near=", ".join(near))
        raise Refusal(Exit.USAGE, tell(sentence, LOCALE))
    console = tables.Terminal()
    for position, thing in enumerate(found):
        if position:
            console.rule()
        terminal.explain(result, thing, console, locale=lang or LOCALE)


@app.command(help=_help(mark("List the checks and what they stand on.")))
def checks(form: FormatOption = Format.TABLE, lang: LangOption = None) -> None:
    """The catalogue, in reading order."""
    locale = lang or LOCALE

    def kind(name: str) -> str:
        return word(SUBJECT_KINDS, name, locale) if form is Format.TABLE else name

    rows: list[dict[str, tables.Cell]] = [
        {"check": c.id, "articles": c.articles, "subject": kind(c.subject_kind), "title": tell(c.title, locale)}
        for c in CATALOGUE
    ]
    headings = {
        "check": mark("check"),
        "articles": mark("articles"),
        "subject": mark("subject"),
        "title": mark("title"),
    }
    columns = {k: gettext(h, locale) if form is Format.TABLE else k for k, h in headings.items()}
    tables.show(columns, rows, form, tables.Terminal())


# ── before a scan ────────────────────────────────────────────────────────────────────────────────────────────────────


@app.command(help=_help(mark("Look at every source without scanning: reach, rights, clocks, keys. Writes nothing.")))
def doctor(config: ConfigOption = DEFAULT_CONFIG, form: FormatOption = Format.TABLE, lang: LangOption = None) -> None:
    """Exit 0 where all is ok or a warning, 4 where something is wrong or cannot be told."""
    from collectors.diagnosis import CHECK_WORDS, STATE_WORDS, State
    from collectors.doctor import diagnose

    chosen = settings.load(config)
    guard = Guard(settings.do_not_scan_entries(chosen, config.parent))
    with _leaving_at_once():
        found = diagnose(chosen, base=config.parent, guard=guard, clock=_now)
    if not found:
        raise Refusal(Exit.USAGE, tell(msg("no source is configured that could be looked at"), LOCALE))
    locale = lang or LOCALE
    is_table = form is Format.TABLE
    rows: list[dict[str, tables.Cell]] = [
        {
            "source": line.source,
            "scope": line.scope,
            "check": gettext(CHECK_WORDS[line.check], locale) if is_table else line.check,
            "state": gettext(STATE_WORDS[line.state], locale) if is_table else line.state,
            "sentence": tell(line.sentence, locale),
            "help": tell(line.help, locale) if line.help else None,
        }
        for line in found
    ]
    headings = {
        "source": mark("source"),
        "scope": mark("scope"),
        "check": mark("check"),
        "state": mark("state"),
        "sentence": mark("what was found"),
        "help": mark("what helps"),
    }
    tables.show({k: gettext(h, locale) if is_table else k for k, h in headings.items()}, rows, form, tables.Terminal())
    is_well = all(line.state in (State.OK, State.WARNING) for line in found)
    raise typer.Exit(Exit.COMPLIANT if is_well else Exit.NOT_ALL_SEEN)


@hostkeys_app.command("learn", help=_help(mark("Ask the SSH hosts for their keys and write those to be reviewed.")))
def hostkeys_learn(
    output: Annotated[Path, typer.Option("--output", "-o", help=_help(mark("The file for review to write.")))],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Trusts nothing. Exit 4 where a host showed no key, or one that is not the one on record."""
    from collectors import host_keys

    chosen = settings.load(config)
    output = _output(output)
    guard = Guard(settings.do_not_scan_entries(chosen, config.parent))
    with _leaving_at_once():
        learned = host_keys.learn(chosen, base=config.parent, guard=guard, clock=_now)
    try:
        host_keys.write_review(learned, output)
    except OSError as error:
        raise Refusal(Exit.COULD_NOT_RUN, _os_sentence(error.filename or output, error)) from error
    for problem in learned.problems:
        _complain(tell(guard.withheld(problem), LOCALE))
    sentence = msg(
        "{count} key(s) to review, {known} known already, {problems} host(s) with a problem, {withheld} on the "
        "do-not-scan list",
        count=len(learned.unknown),
        known=learned.known,
        problems=len(learned.problems),
        withheld=learned.withheld,
    )
    errors.print(tables.plain(tell(sentence, LOCALE)), markup=False)
    typer.echo(str(output))
    raise typer.Exit(Exit.NOT_ALL_SEEN if learned.problems else Exit.COMPLIANT)


@hostkeys_app.command("approve", help=_help(mark("Add the keys that a person marked to a known_hosts file.")))
def hostkeys_approve(
    review: Annotated[Path, typer.Argument(help=_help(mark("The file that `hostkeys learn` wrote, marked.")))],
    known_hosts: Annotated[Path, typer.Option("--known-hosts", help=_help(mark("The known_hosts file to add to.")))],
) -> None:
    """All marked lines or none. Exit 6 where a key contradicts what is on record."""
    from collectors import host_keys

    known_hosts = _output(known_hosts)
    try:
        added = host_keys.approve(review, known_hosts)
    except host_keys.HostKeyError as error:
        code = Exit.INTEGRITY if error.is_mismatch else Exit.USAGE
        raise Refusal(code, tell(error.message, LOCALE)) from error
    except OSError as error:
        raise Refusal(Exit.COULD_NOT_RUN, _os_sentence(error.filename or review, error)) from error
    for key in added:
        typer.echo(key.name)
    _complain(tell(msg("{count} key(s) added to {path}", count=len(added), path=str(known_hosts)), LOCALE))


# ── telling others ───────────────────────────────────────────────────────────────────────────────────────────────────


@app.command(help=_help(mark("Write the scan as one self-contained page.")))
def report(
    output: Annotated[Path, typer.Option("--output", "-o", help=_help(mark("The HTML file to write.")))],
    config: ConfigOption = DEFAULT_CONFIG,
    number: ScanOption = None,
    lang: Annotated[Lang, typer.Option("--lang", help=_help(mark("Language: zh_CN or en.")))] = Lang.ZH_CN,
) -> None:
    """Reports speak Chinese unless asked otherwise."""
    from exporters.pages import report_html

    output = _output(output)
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

    output = _output(output)
    result = _load(config, number)
    key_path = key or settings.resolve(config.parent, settings.load(config).store.path).with_suffix(".key")
    try:
        built = evidence.build(result, project, output, key_path=key_path, tool=TOOL)
    except evidence.UnknownProject as error:
        raise Refusal(Exit.USAGE, tell(error.message, LOCALE)) from error
    except evidence.EvidenceError as error:
        raise Refusal(Exit.COULD_NOT_RUN, tell(error.message, LOCALE)) from error
    except OSError as error:
        raise Refusal(Exit.COULD_NOT_RUN, _os_sentence(error.filename or output, error)) from error
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
    from exporters.signing import SigningKeyError

    if public_key is not None and not public_key.is_file():
        sentence = msg("{path}: there is no such file; expected a public key (PEM)", path=str(public_key))
        raise Refusal(Exit.USAGE, tell(sentence, LOCALE))
    try:
        verified = evidence.verify(file, public_key=public_key)
    except SigningKeyError as error:
        raise Refusal(Exit.USAGE, tell(error.message, LOCALE)) from error
    except evidence.EvidenceError as error:
        raise Refusal(Exit.INTEGRITY, tell(error.message, LOCALE)) from error
    except OSError as error:
        raise Refusal(Exit.USAGE, _os_sentence(error.filename or file, error)) from error
    typer.echo(tables.plain(verified.sentence(LOCALE)))


@export_app.command("prometheus", help=_help(mark("Write metrics for the node exporter's textfile collector.")))
def export_prometheus(
    textfile: Annotated[Path, typer.Option("--textfile", help=_help(mark("The .prom file to write.")))],
    config: ConfigOption = DEFAULT_CONFIG,
    number: ScanOption = None,
) -> None:
    """Atomic: a scrape sees the old file or the new one."""
    from exporters.metrics import write_textfile

    textfile = _output(textfile)
    result = _load(config, number)
    try:
        write_textfile(result, textfile)
    except OSError as error:
        raise Refusal(Exit.COULD_NOT_RUN, _os_sentence(textfile, error)) from error


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
        raise Refusal(Exit.COULD_NOT_RUN, _os_sentence(f"{host}:{port}", error)) from error


def _output(path: Path) -> Path:
    """The file to write, checked before anything is asked or computed.

    Output replaces what stands at its path, so it may be a new name or a regular file and nothing else: as root,
    `-o /dev/null` would put a page where the device was. A link is followed.
    """
    try:
        target = path.resolve(strict=False)
        is_there = target.exists()
        sentence: Message | None = None
        if target.is_dir():
            sentence = msg("{path}: it is a folder; expected the name of a file to write", path=str(path))
        elif is_there and not target.is_file():
            sentence = msg("{path}: it is no regular file; expected the name of a file to write", path=str(path))
        elif not target.parent.is_dir():
            sentence = msg(
                "{path}: there is no folder {folder}; make it first", path=str(path), folder=str(target.parent)
            )
    except (OSError, ValueError, RuntimeError) as error:
        said = error if isinstance(error, OSError) else OSError(str(error))
        raise Refusal(Exit.COULD_NOT_RUN, _os_sentence(path, said)) from error
    if sentence is not None:
        raise Refusal(Exit.USAGE, tell(sentence, LOCALE))
    return target if path.is_symlink() else path


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all."""
    try:
        with whole_file(path) as file:
            file.write(data)
    except OSError as error:
        raise Refusal(Exit.COULD_NOT_RUN, _os_sentence(path, error)) from error


if __name__ == "__main__":
    main()
