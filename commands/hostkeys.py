"""`yunhe hostkeys learn|approve`."""

from pathlib import Path
from typing import Annotated

import typer

from commands import voice
from commands.clock import now
from commands.options import DEFAULT_CONFIG, ConfigOption
from commands.outcome import Exit, Refusal, os_sentence
from commands.output import output_file
from commands.signals import leaving_at_once
from commands.voice import complain, errors, in_words
from exporters import tables
from inventory import settings
from inventory.guard import Guard
from inventory.text import mark, msg, tell


def learn(
    output: Annotated[Path, typer.Option("--output", "-o", help=in_words(mark("The file for review to write.")))],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Trusts nothing. Exit 4 where a host showed no key, or one that is not the one on record."""
    from collectors import host_keys

    chosen = settings.load(config)
    output = output_file(output)
    guard = Guard(settings.do_not_scan_entries(chosen, config.parent))
    with leaving_at_once():
        learned = host_keys.learn(chosen, base=config.parent, guard=guard, clock=now)
    try:
        host_keys.write_review(learned, output)
    except OSError as error:
        raise Refusal(Exit.COULD_NOT_RUN, os_sentence(error.filename or output, error)) from error
    for problem in learned.problems:
        complain(tell(guard.withheld(problem), voice.LOCALE))
    sentence = msg(
        "{count} key(s) to review, {known} known already, {problems} host(s) with a problem, {withheld} on the "
        "do-not-scan list",
        count=len(learned.unknown),
        known=learned.known,
        problems=len(learned.problems),
        withheld=learned.withheld,
    )
    errors.print(tables.plain(tell(sentence, voice.LOCALE)), markup=False)
    typer.echo(str(output))
    raise typer.Exit(Exit.NOT_ALL_SEEN if learned.problems else Exit.COMPLIANT)


def approve(
    review: Annotated[Path, typer.Argument(help=in_words(mark("The file that `hostkeys learn` wrote, marked.")))],
    known_hosts: Annotated[Path, typer.Option("--known-hosts", help=in_words(mark("The known_hosts file to add to.")))],
) -> None:
    """All marked lines or none. Exit 6 where a key contradicts what is on record."""
    from collectors import host_keys

    known_hosts = output_file(known_hosts)
    try:
        added = host_keys.approve(review, known_hosts)
    except host_keys.HostKeyError as error:
        code = Exit.INTEGRITY if error.is_mismatch else Exit.USAGE
        raise Refusal(code, tell(error.message, voice.LOCALE)) from error
    except OSError as error:
        raise Refusal(Exit.COULD_NOT_RUN, os_sentence(error.filename or review, error)) from error
    for key in added:
        typer.echo(key.name)
    complain(tell(msg("{count} key(s) added to {path}", count=len(added), path=str(known_hosts)), voice.LOCALE))
