"""`yunhe design`: declared against actual 申报与实际对照."""

from typing import Annotated

import typer

from checks.design_book import Quantity
from commands import voice
from commands.kept import load
from commands.options import DEFAULT_CONFIG, AsOfOption, ConfigOption, FormatOption, LangOption, ScanOption
from commands.outcome import Exit, Refusal
from commands.voice import in_words
from exporters import tables
from exporters.design_table import HEADINGS, DesignRow, design_rows
from exporters.tables import Format
from exporters.words import VERDICTS, word
from inventory.text import gettext, mark, msg, tell

UNITS = {
    Quantity.COMPONENTS: "components",
    Quantity.VCPUS: "vcpu_milli",
    Quantity.MEMORY: "memory_bytes",
    Quantity.DISK: "disk_bytes",
    Quantity.ADDRESSES: "addresses",
}
"""What JSON and CSV call a quantity, with its base unit."""


def design(
    project: Annotated[
        list[str] | None, typer.Option("--project", help=in_words(mark("Only these projects, by their code.")))
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    number: ScanOption = None,
    as_of: AsOfOption = None,
    form: FormatOption = Format.TABLE,
    lang: LangOption = None,
) -> None:
    """vCPU, memory, disk, addresses and components of each project that has a design book. Advises, never fails."""
    result, locale = load(config, number, as_of), lang or voice.LOCALE
    for code in project or ():
        if result.inventory.project(code) is None:
            sentence = msg("no project {code} is in the register of this scan", code=code)
            raise Refusal(Exit.USAGE, tell(sentence, voice.LOCALE))
    found = [r for r in design_rows(result) if not project or r.project.native_id in project]
    columns = {k: gettext(h, locale) if form is Format.TABLE else k for k, h in HEADINGS.items()}
    rows = [_row(r, form, locale) for r in found]
    tables.show(columns, rows, form, tables.Terminal())


def _row(row: DesignRow, form: Format, locale: str) -> dict[str, tables.Cell]:
    """Words on a terminal; for programs numbers in the units that `quantity` names, and codes."""
    if form is Format.TABLE:
        return {
            "project": f"{row.project.native_id} {row.project.name}",
            "quantity": gettext(row.quantity, locale),
            "declared": row.declared,
            "actual": row.actual,
            "difference": row.difference,
            "tolerance_percent": row.figure.tolerance_percent,
            "is_within": gettext(row.within_word, locale),
            "verdict": word(VERDICTS, row.verdict, locale) if row.verdict else None,
        }
    figure = row.figure
    return {
        "project": row.project.native_id,
        "quantity": UNITS[figure.quantity],
        "declared": figure.declared,
        "actual": figure.actual,
        "difference": figure.difference,
        "tolerance_percent": figure.tolerance_percent,
        "is_within": None if row.is_within is None else str(row.is_within).lower(),
        "verdict": row.verdict.value if row.verdict else None,
    }
