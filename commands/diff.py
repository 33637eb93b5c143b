"""`yunhe diff A B`: what is new, what is settled, and what cannot be compared."""

import re
import sys
from collections import Counter
from enum import StrEnum
from typing import Annotated

import typer

from commands import voice
from commands.kept import no_scan, open_store
from commands.options import DEFAULT_CONFIG, ConfigOption, LangOption
from commands.outcome import Exit, Refusal
from commands.voice import in_words
from exporters import tables
from exporters.words import VERDICTS, word
from inventory.difference import DiffClass, Difference
from inventory.finding import Finding
from inventory.store import Store
from inventory.text import gettext, mark, msg, tell


class DiffFormat(StrEnum):
    """Formats of a difference."""

    TABLE = "table"
    JSON = "json"
    MARKDOWN = "markdown"


CLASSES = {
    DiffClass.NEW: mark("new"),
    DiffClass.REOPENED: mark("reopened"),
    DiffClass.INCOMPARABLE: mark("incomparable"),
    DiffClass.CHANGED: mark("changed"),
    DiffClass.RESOLVED: mark("resolved"),
    DiffClass.UNCHANGED: mark("unchanged"),
}
"""In the order in which a reader wants them."""
_HEADINGS = {
    "class": mark("class"),
    "check": mark("check"),
    "subject": mark("subject"),
    "before": mark("before"),
    "after": mark("after"),
    "reason": mark("reason"),
}


def diff(
    from_: Annotated[
        str, typer.Argument(metavar="A", help=in_words(mark("The earlier scan: its number, or a baseline's name.")))
    ],
    to: Annotated[
        str, typer.Argument(metavar="B", help=in_words(mark("The later scan: its number, or a baseline's name.")))
    ],
    config: ConfigOption = DEFAULT_CONFIG,
    form: Annotated[
        DiffFormat, typer.Option("--format", "-f", help=in_words(mark("How to print it.")))
    ] = DiffFormat.TABLE,
    fail_on_new: Annotated[
        bool, typer.Option("--fail-on-new", help=in_words(mark("Exit 3 where something fails that did not before.")))
    ] = False,
    lang: LangOption = None,
) -> None:
    """Nothing is called resolved that the later scan could not see: the two are incomparable there."""
    locale = lang or voice.LOCALE
    with open_store(config) as opened:
        earlier, later = _numbered(opened, from_, locale), _numbered(opened, to, locale)
        try:
            found = opened.differences(earlier, later)
        except LookupError as error:  # it was pruned meanwhile
            raise no_scan(opened, int(error.args[0])) from error
        same = opened.unchanged_count(earlier, later)
    order = list(CLASSES)
    found.sort(key=lambda d: (order.index(d.what), d.key))
    counts = Counter(d.what for d in found)
    counts[DiffClass.UNCHANGED] = same
    _print(earlier, later, found, counts, form, locale)
    sys.stdout.flush()
    raise typer.Exit(Exit.FAIL if fail_on_new and any(d.fails_anew for d in found) else Exit.COMPLIANT)


def _numbered(opened: Store, name: str, locale: str) -> int:
    """The scan of that number, or the one that the baseline of that name is."""
    numbers = {info.number for info in opened.scans()}
    if _NUMBER.fullmatch(name):
        if int(name) not in numbers:
            raise no_scan(opened, int(name))
        return int(name)
    named = {baseline.name: baseline.scan for baseline in opened.baselines() if baseline.scan in numbers}
    if name not in named:
        sentence = msg("the store holds no scan and no baseline {name}", name=name or "''")
        raise Refusal(Exit.USAGE, tell(sentence, locale))
    return named[name]


_NUMBER = re.compile(r"[0-9]{1,9}")
"""No baseline is called so."""


def _print(
    earlier: int, later: int, found: list[Difference], counts: Counter[DiffClass], form: DiffFormat, locale: str
) -> None:
    rows = [_row(d, form, locale) for d in found]
    if form is DiffFormat.JSON:
        told = {
            "schema": "yunhe-diff-1",
            "earlier": earlier,
            "later": later,
            "counts": {c.value: counts[c] for c in CLASSES},
            "differences": rows,
        }
        tables.write_utf8(sys.stdout, tables.json_text(told))
        return
    summary = " · ".join(f"{gettext(words, locale)} {counts[c]}" for c, words in CLASSES.items())
    columns = {k: gettext(h, locale) for k, h in _HEADINGS.items()}
    if form is DiffFormat.MARKDOWN:
        tables.write_utf8(sys.stdout, _markdown(columns, rows, summary))
        return
    console = tables.Terminal()
    if rows:
        tables.show(columns, rows, tables.Format.TABLE, console)
    console.print(summary, markup=False)


def _row(difference: Difference, form: DiffFormat, locale: str) -> dict[str, tables.Cell]:
    told = difference.after or difference.before
    is_data = form is DiffFormat.JSON

    def verdict(finding: Finding | None) -> str | None:
        if finding is None:
            return None
        return finding.verdict.value if is_data else word(VERDICTS, finding.verdict, locale)

    row: dict[str, tables.Cell] = {
        "class": difference.what.value if is_data else gettext(CLASSES[difference.what], locale),
        "check": told.check if told else "",
        "subject": (told.subject.key if is_data else told.subject.name) if told else "",
        "before": verdict(difference.before),
        "after": verdict(difference.after),
        "reason": tell(told.reason, locale) if told else "",
    }
    if is_data:
        row["key"] = difference.key
    return row


def _markdown(columns: dict[str, str], rows: list[dict[str, tables.Cell]], summary: str) -> str:
    lines = [summary, ""]
    if rows:
        lines += [f"| {' | '.join(columns.values())} |", f"|{'---|' * len(columns)}"]
        lines += [f"| {' | '.join(_cell(row[c]) for c in columns)} |" for row in rows]
    return "\n".join(lines) + "\n"


def _cell(value: tables.Cell) -> str:
    """Text that stays in its cell and is not taken for markup."""
    text = tables.plain(str(value if value is not None else "–"))
    for sign in "\\|<>[]*_`":
        text = text.replace(sign, f"\\{sign}")
    return text
