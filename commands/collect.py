"""`yunhe collect`."""

from pathlib import Path
from typing import Annotated

import typer

from commands import voice
from commands.clock import now
from commands.options import DEFAULT_CONFIG, ConfigOption, DeadlineOption, RejectedOption, ResumeOption, SweepOption
from commands.outcome import Exit, Refusal, os_sentence
from commands.output import output_file, rejected_file_of, write_rejected
from commands.sources import collect_sources, deadline_of, open_spool, with_sweep
from commands.voice import errors, in_words
from exporters import tables, terminal
from inventory import capture_file, settings
from inventory.guard import Guard
from inventory.text import mark, tell


def collect(
    output: Annotated[Path, typer.Option("--output", "-o", help=in_words(mark("The capture to write.")))],
    config: ConfigOption = DEFAULT_CONFIG,
    resume: ResumeOption = False,
    deadline: DeadlineOption = None,
    sweep: SweepOption = False,
    rejected: RejectedOption = None,
) -> None:
    """Collects here, so that `scan --capture` can judge elsewhere. Exit 4 where not everything was seen."""
    chosen = with_sweep(settings.load(config), wanted=sweep)
    output, rejected = output_file(output), rejected_file_of(rejected)
    guard = Guard(settings.do_not_scan_entries(chosen, config.parent))
    with open_spool(output, chosen, guard, clock=now, resume=resume) as spool:
        collect_sources(chosen, config.parent, spool, clock=now, deadline=deadline_of(chosen, deadline))
        spool.finish()
        try:
            capture_file.write(spool, output, tool=voice.TOOL)
        except OSError as error:
            raise Refusal(Exit.COULD_NOT_RUN, os_sentence(output, error)) from error
        write_rejected(rejected, spool.rejections)
        for rejection in spool.rejections:
            errors.print(tables.plain(tell(terminal.rejection(rejection), voice.LOCALE)), markup=False)
        complete = not any(c.is_gap for c in spool.cells)
    typer.echo(str(output))
    raise typer.Exit(Exit.COMPLIANT if complete else Exit.NOT_ALL_SEEN)
