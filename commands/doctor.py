"""`yunhe doctor`."""

import typer

from commands import voice
from commands.clock import now
from commands.options import DEFAULT_CONFIG, ConfigOption, FormatOption, LangOption
from commands.outcome import Exit, Refusal
from commands.signals import leaving_at_once
from exporters import tables
from exporters.tables import Format
from inventory import settings
from inventory.guard import Guard
from inventory.text import gettext, mark, msg, tell


def doctor(config: ConfigOption = DEFAULT_CONFIG, form: FormatOption = Format.TABLE, lang: LangOption = None) -> None:
    """Exit 0 where all is ok or a warning, 4 where something is wrong or cannot be told."""
    from collectors.diagnosis import CHECK_WORDS, STATE_WORDS, State
    from collectors.doctor import diagnose

    chosen = settings.load(config)
    guard = Guard(settings.do_not_scan_entries(chosen, config.parent))
    with leaving_at_once():
        found = diagnose(chosen, base=config.parent, guard=guard, clock=now)
    if not found:
        raise Refusal(Exit.USAGE, tell(msg("no source is configured that could be looked at"), voice.LOCALE))
    locale = lang or voice.LOCALE
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
