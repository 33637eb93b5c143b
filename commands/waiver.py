"""`yunhe waiver audit`."""

from dataclasses import replace
from typing import Annotated

import typer

from checks.catalogue import CATALOGUE
from checks.waivers import WaiverState, audit
from commands import voice
from commands.kept import load
from commands.options import DEFAULT_CONFIG, ConfigOption, FormatOption, LangOption, ScanOption
from commands.outcome import Exit
from commands.rules import all_waivers
from commands.voice import complain, in_words
from exporters import tables
from exporters.tables import Format
from inventory import settings
from inventory.inventory import law_date
from inventory.text import gettext, mark, msg, tell

STATES = {
    WaiverState.MATCHED: mark("in use"),
    WaiverState.UNUSED: mark("unused"),
    WaiverState.EXPIRED: mark("expired"),
    WaiverState.EXPIRING: mark("expiring"),
    WaiverState.NOT_YET: mark("not yet in force"),
    WaiverState.DANGLING: mark("dangling"),
    WaiverState.TOO_BROAD: mark("too broad"),
    WaiverState.INVALID: mark("invalid"),
}


def audit_waivers(
    config: ConfigOption = DEFAULT_CONFIG,
    number: ScanOption = None,
    state: Annotated[
        list[WaiverState] | None, typer.Option("--state", help=in_words(mark("Only waivers in these states.")))
    ] = None,
    form: FormatOption = Format.TABLE,
    lang: LangOption = None,
) -> None:
    """Every waiver of the configuration's files against a kept scan. Exit 4 where somebody has to do something."""
    result = load(config, number)
    locale = lang or voice.LOCALE
    waivers, problems = all_waivers(settings.load(config), config.parent)
    policy = replace(result.policy, waivers=waivers)
    looked_at = audit(result.findings, policy, law_date(result.inventory.as_of), [c.id for c in CATALOGUE])
    rows: list[dict[str, tables.Cell]] = [
        {
            "waiver": found.waiver.id,
            "state": [gettext(STATES[s], locale) if form is Format.TABLE else s.value for s in found.states],
            "check": found.waiver.check,
            "document": found.waiver.document,
            "expires_on": found.waiver.expires_on.isoformat(),
            "sentence": [tell(s, locale) for s in found.sentences],
            "findings": found.findings,
            "origin": found.waiver.origin,
        }
        for found in looked_at
        if not state or set(state) & set(found.states)
    ]
    headings = {
        "waiver": mark("waiver"),
        "state": mark("state"),
        "check": mark("check"),
        "document": mark("document"),
        "expires_on": mark("last day"),
        "sentence": mark("what was found"),
    }
    columns = {k: gettext(h, locale) if form is Format.TABLE else k for k, h in headings.items()}
    if form is not Format.TABLE:
        columns |= {"findings": "findings", "origin": "origin"}
    tables.show(columns, rows, form, tables.Terminal())
    for problem in problems:
        complain(tell(problem, voice.LOCALE))
    if not looked_at and not problems:
        complain(tell(msg("the configuration names no waivers"), voice.LOCALE))
    is_in_order = not problems and all(found.is_in_order for found in looked_at)
    raise typer.Exit(Exit.COMPLIANT if is_in_order else Exit.NOT_ALL_SEEN)
