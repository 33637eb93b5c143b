"""`yunhe findings`."""

import difflib
from collections.abc import Iterable
from typing import Annotated

import typer

from checks.catalogue import CATALOGUE
from checks.result import Result
from commands import voice
from commands.kept import load
from commands.options import DEFAULT_CONFIG, AsOfOption, ConfigOption, FormatOption, LangOption, ScanOption
from commands.outcome import Exit, Refusal
from commands.voice import complain, in_words
from exporters import tables
from exporters.tables import Format
from exporters.words import VERDICTS, word
from inventory.finding import Finding, Verdict
from inventory.text import gettext, mark, msg, tell


def findings(
    config: ConfigOption = DEFAULT_CONFIG,
    verdict: Annotated[
        list[Verdict] | None, typer.Option("--verdict", help=in_words(mark("Only these verdicts.")))
    ] = None,
    check: Annotated[list[str] | None, typer.Option("--check", help=in_words(mark("Only these checks.")))] = None,
    project: Annotated[str | None, typer.Option("--project", help=in_words(mark("Only this project's code.")))] = None,
    department: Annotated[
        str | None, typer.Option("--department", help=in_words(mark("Only this department.")))
    ] = None,
    number: ScanOption = None,
    as_of: AsOfOption = None,
    form: FormatOption = Format.TABLE,
    lang: LangOption = None,
) -> None:
    """All findings, or those that the filters leave."""
    unknown_checks = set(check or ()) - {c.id for c in CATALOGUE}
    if unknown_checks:
        sentence = msg("there is no check {name}; `yunhe checks` lists them", name=", ".join(sorted(unknown_checks)))
        raise Refusal(Exit.USAGE, tell(sentence, voice.LOCALE))
    result = load(config, number, as_of)
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
    show_findings(result, chosen, form, lang or voice.LOCALE)
    if not chosen:
        complain(tell(msg("no finding of scan {number} fits these filters", number=result.scan.number), voice.LOCALE))


def _known(name: str, names: Iterable[str]) -> None:
    """Refuses a filter that nothing can fit: an empty list would read as if all were well."""
    known = sorted(names)
    if name in known:
        return
    near = difflib.get_close_matches(name, known, n=5, cutoff=0.3)
    sentence = msg("nothing in the scan is called {name}", name=name or "''")
    if near:
        sentence = msg("nothing in the scan is called {name}; perhaps {near}", name=name, near=", ".join(near))
    raise Refusal(Exit.USAGE, tell(sentence, voice.LOCALE))


_COLUMNS = ("verdict", "check", "subject_kind", "subject", "name", "department", "reason", "missing", "since_scan")


def show_findings(result: Result, chosen: list[Finding], form: Format, locale: str) -> None:
    rows = [finding_row(f, result, locale) for f in chosen]
    console = tables.Terminal()
    if form is Format.TABLE:
        left_out = ("department", "since_scan") if console.width < NARROW else ()
        columns = {c: gettext(h, locale) for c, h in _HEADINGS.items() if c not in left_out}
        rows = [{**row, "verdict": word(VERDICTS, str(row["verdict"]), locale)} for row in rows]
    else:
        columns = {c: c for c in [*_COLUMNS, "articles", "projects", "remedy", "evidence", "decided_by", "waiver"]}
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


def finding_row(finding: Finding, result: Result, locale: str) -> dict[str, tables.Cell]:
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
        "waiver": finding.disposition.document if finding.disposition else None,
    }
