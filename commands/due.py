"""`yunhe due`: what falls due."""

import re
from pathlib import Path
from typing import Annotated

import typer

from checks.due import Due, DueKind, due, due_within
from checks.policy import Policy
from commands import voice
from commands.kept import load
from commands.options import DEFAULT_CONFIG, ConfigOption, FormatOption, LangOption, ScanOption
from commands.outcome import Exit, Refusal
from commands.output import output_file, write_whole
from commands.voice import complain, in_words
from exporters import tables
from exporters.tables import Format
from inventory.inventory import law_date
from inventory.text import gettext, mark, msg, tell

DEFAULT_WITHIN = "90d"
_UNITS = {"d": 1, "w": 7, "m": 30, "y": 365}


def list_due(
    within: Annotated[
        str, typer.Option("--within", help=in_words(mark("How far to look: 90d, 12w, 6m or 1y from the scan's day.")))
    ] = DEFAULT_WITHIN,
    kind: Annotated[list[DueKind] | None, typer.Option("--kind", help=in_words(mark("Only these kinds.")))] = None,
    overdue: Annotated[
        bool, typer.Option("--overdue/--no-overdue", help=in_words(mark("Whether to list what is past.")))
    ] = True,
    ics: Annotated[
        Path | None, typer.Option("--ics", help=in_words(mark("Also write them as a calendar (.ics).")))
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    number: ScanOption = None,
    form: FormatOption = Format.TABLE,
    lang: LangOption = None,
) -> None:
    """Assessments, certificates, contracts, applications, self-evaluations, migrations, waivers and the rule itself."""
    from exporters.due_calendar import KINDS, calendar_bytes

    days = days_of(within)
    target = output_file(ics) if ics is not None else None
    result = load(config, number)
    locale = lang or voice.LOCALE
    today = law_date(result.inventory.as_of)
    found = [
        d for d in due_within(due(result.inventory, result.policy), today, days, past=overdue)
        if not kind or d.kind in kind
    ]  # fmt: skip
    if target is not None:
        write_whole(
            target, calendar_bytes(found, result.policy, as_of=result.inventory.as_of, locale=lang or "zh_CN")
        )  # fmt: skip
        complain(tell(msg("{count} date(s) written to {path}", count=len(found), path=str(target)), voice.LOCALE))
    rows: list[dict[str, tables.Cell]] = [
        {
            "due_on": d.due_on.isoformat(),
            "days_left": d.days_left(today),
            "kind": gettext(KINDS[d.kind], locale) if form is Format.TABLE else d.kind.value,
            "name": d.subject.name,
            "department": d.subject.department,
            "articles": _cited(d, result.policy) if form is Format.TABLE else d.articles,
            "provisional": _provisional(d, locale) if form is Format.TABLE else str(d.is_provisional).lower(),
            "subject": d.subject.key,
        }
        for d in found
    ]
    headings = {
        "due_on": mark("due on"),
        "days_left": mark("days left"),
        "kind": mark("what"),
        "name": mark("subject"),
        "department": mark("department"),
        "articles": mark("articles"),
        "provisional": mark("note"),
    }
    columns = {k: gettext(h, locale) if form is Format.TABLE else k for k, h in headings.items()}
    if form is not Format.TABLE:
        columns["subject"] = "subject"
    tables.show(columns, rows, form, tables.Terminal())


def _cited(found: Due, policy: Policy) -> str:
    return "、".join(policy.pack.cites(found.articles))


def _provisional(found: Due, locale: str) -> str | None:
    return gettext(mark("provisional"), locale) if found.is_provisional else None


def days_of(text: str) -> int:
    """Days of `90d`, `12w`, `6m` (of 30 days), `1y` or a bare number.

    Raises:
        Refusal: it is none of these.
    """
    found = re.fullmatch(r"(\d{1,5})([dwmy]?)", text.strip().casefold())
    if found is None:
        sentence = msg("--within {value}: expected days, weeks, months or years such as 90d, 12w, 6m or 1y",
                       value=text or "''")  # fmt: skip
        raise Refusal(Exit.USAGE, tell(sentence, voice.LOCALE))
    return int(found[1]) * _UNITS[found[2] or "d"]
