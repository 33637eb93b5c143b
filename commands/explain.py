"""`yunhe explain`."""

import difflib
from typing import Annotated

import typer

from commands import voice
from commands.kept import load
from commands.options import DEFAULT_CONFIG, AsOfOption, ConfigOption, LangOption, ScanOption
from commands.outcome import Exit, Refusal
from commands.voice import in_words
from exporters import tables, terminal
from inventory.text import mark, msg, tell


def explain(
    subject: Annotated[
        str, typer.Argument(help=in_words(mark("Its id, code, name or address; or a finding's key, check@kind/id.")))
    ],
    config: ConfigOption = DEFAULT_CONFIG,
    number: ScanOption = None,
    as_of: AsOfOption = None,
    lang: LangOption = None,
) -> None:
    """Sightings, joins, placement, ownership and verdicts, each with its evidence."""
    result = load(config, number, as_of)
    found = terminal.find_subject(result, subject)
    if not found:
        near = difflib.get_close_matches(subject, terminal.known_names(result), n=5, cutoff=0.5)
        sentence = msg("nothing in the scan is called {name}", name=subject or "''")
        if near:
            sentence = msg("nothing in the scan is called {name}; perhaps {near}", name=subject, near=", ".join(near))
        raise Refusal(Exit.USAGE, tell(sentence, voice.LOCALE))
    console = tables.Terminal()
    for position, thing in enumerate(found):
        if position:
            console.rule()
        terminal.explain(result, thing, console, locale=lang or voice.LOCALE)
