"""`yunhe map propose` and `yunhe map audit`: names that a person confirmed, or may confirm."""

import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from checks.policy import Policy
from collectors.alias_file import AliasFile, parse_aliases
from commands import voice
from commands.kept import load_stored
from commands.options import DEFAULT_CONFIG, ConfigOption, FormatOption, LangOption, ScanOption
from commands.outcome import Exit, Refusal, os_sentence
from commands.output import output_file, write_whole
from commands.rules import all_aliases, guarded
from commands.voice import complain, in_words
from exporters import tables
from exporters.alias_text import KINDS, proposals_file
from exporters.tables import Format
from inventory import settings
from inventory.alias import Alias
from inventory.alias_audit import TO_BE_TOLD, AliasState, audit_aliases
from inventory.alias_proposals import LEAST
from inventory.alias_proposals import propose as proposals_of
from inventory.build import build
from inventory.guard import Guard
from inventory.inventory import Inventory
from inventory.text import Message, gettext, mark, msg, tell
from inventory.whole_file import PRIVATE

MOST_TOLD = 20

STATES = {
    AliasState.MATCHED: mark("in use"),
    AliasState.UNUSED: mark("unused"),
    AliasState.DANGLING: mark("dangling"),
    AliasState.EXPIRED: mark("expired"),
    AliasState.NOT_YET: mark("not yet in force"),
    AliasState.CONTRADICTORY: mark("contradictory"),
}


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """A kept scan under the names that are confirmed now."""

    inventory: Inventory
    policy: Policy
    aliases: tuple[Alias, ...]
    problems: tuple[Message, ...]


def _seen(config: Path, number: int | None, *more: AliasFile) -> _Seen:
    """The scan of that number, or the last; `more`: files of confirmed names beside the configuration's."""
    kept = load_stored(config, number)
    chosen = settings.load(config)
    files = (all_aliases(chosen, config.parent), *more)
    options = msgspec.structs.replace(kept.options, aliases=tuple(a for file in files for a in file.aliases))
    guard = Guard(settings.do_not_scan_entries(chosen, config.parent))
    options = guarded(options, guard)
    return _Seen(
        inventory=build(kept.collection, options, as_of=kept.info.as_of),
        policy=Policy.from_options(options),
        aliases=options.aliases,
        problems=tuple(guard.withheld(p) for file in files for p in file.problems),
    )


def propose(
    config: ConfigOption = DEFAULT_CONFIG,
    number: ScanOption = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help=in_words(mark("Write the proposals to FILE, in comments; what a person wrote in it stays.")),
        ),
    ] = None,
    least: Annotated[
        int, typer.Option("--least", min=1, max=100, help=in_words(mark("Likeness in percent from which to propose.")))
    ] = LEAST,
    form: FormatOption = Format.TABLE,
    lang: LangOption = None,
) -> None:
    """Names in ledgers, of tenants and hosts that mean nothing in the register, with what they may mean."""
    locale = lang or voice.LOCALE
    target = output_file(out) if out is not None else None
    before = _bytes_of(target) if target is not None else None
    more = [] if before is None or target is None or _is_configured(config, target) else [parse_aliases(before, target)]
    seen = _seen(config, number, *more)
    found = proposals_of(seen.inventory, seen.aliases, regions=seen.policy.regions, least=least)
    text = proposals_file(before.decode("utf-8-sig") if before is not None else None, found, locale=locale)
    if target is not None:
        mode = stat.S_IMODE(target.stat().st_mode) if before is not None else PRIVATE
        write_whole(target, text.encode(), mode=mode)
    rows: list[dict[str, tables.Cell]] = [
        {
            "kind": gettext(KINDS[p.kind], locale) if form is Format.TABLE else p.kind.value,
            "written": p.written,
            "source": ", ".join(p.sources),
            "records": p.records,
            "score": c.score if c else None,
            "candidate": f"{c.thing}/{c.target}" if c else None,
            "name": c.name if c else None,
            "department": c.department if c else None,
            "why": [tell(reason, locale) for reason in c.reasons] if c else None,
        }
        for p in found
        for c in (p.candidates or (None,))
    ]
    headings = {"kind": mark("kind"), "written": mark("as written"), "source": mark("source"), "score": mark("% alike"),
                "candidate": mark("may mean"), "name": mark("name"), "why": mark("why")}  # fmt: skip
    columns = {k: gettext(h, locale) if form is Format.TABLE else k for k, h in headings.items()}
    if form is not Format.TABLE:
        columns |= {"records": "records", "department": "department"}
    tables.show(columns, rows, form, tables.Terminal())
    _complain(seen.problems)
    sentence = msg(
        "{count} name(s) mean nothing in the register, {like} with candidates; none holds until a person confirms it",
        count=len(found),
        like=sum(bool(p.candidates) for p in found),
    )
    complain(tell(sentence, voice.LOCALE))
    if not seen.inventory.coverage.is_complete("system", "project"):
        sentence = msg("the register was not seen completely: what it lacks here may stand in what was not read")
        complain(tell(sentence, voice.LOCALE))


def _bytes_of(path: Path) -> bytes | None:
    """What the file holds; None where there is none yet."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Refusal(Exit.COULD_NOT_RUN, os_sentence(path, error)) from error


def _is_configured(config: Path, target: Path) -> bool:
    """Whether it is the file that the configuration reads anyway."""
    name = settings.load(config).rules.aliases
    return name is not None and settings.resolve(config.parent, name).resolve() == target.resolve()


def audit_names(
    config: ConfigOption = DEFAULT_CONFIG,
    number: ScanOption = None,
    state: Annotated[
        list[AliasState] | None, typer.Option("--state", help=in_words(mark("Only names in these states.")))
    ] = None,
    form: FormatOption = Format.TABLE,
    lang: LangOption = None,
) -> None:
    """Every confirmed name of the configuration's file against a kept scan. Exit 4 where somebody has to look."""
    seen = _seen(config, number)
    locale = lang or voice.LOCALE
    looked_at = audit_aliases(seen.inventory, seen.aliases)
    rows: list[dict[str, tables.Cell]] = [
        {
            "kind": gettext(KINDS[found.alias.kind], locale) if form is Format.TABLE else found.alias.kind.value,
            "written": found.alias.written,
            "source": found.alias.source,
            "means": f"{'≠ ' if found.alias.is_refusal else ''}{found.alias.target}",
            "state": [gettext(STATES[s], locale) if form is Format.TABLE else s.value for s in found.states],
            "sentence": [tell(s, locale) for s in found.sentences],
            "said_by": found.alias.said_by,
            "records": found.uses,
        }
        for found in looked_at
        if not state or set(state) & set(found.states)
    ]
    headings = {"kind": mark("kind"), "written": mark("as written"), "source": mark("source"), "means": mark("means"),
                "state": mark("state"), "sentence": mark("what was found"),
                "said_by": mark("confirmed by")}  # fmt: skip
    columns = {k: gettext(h, locale) if form is Format.TABLE else k for k, h in headings.items()}
    if form is not Format.TABLE:
        columns |= {"records": "records"}
    tables.show(columns, rows, form, tables.Terminal())
    _complain(seen.problems)
    if not looked_at and not seen.problems:
        complain(tell(msg("the configuration names no confirmed names"), voice.LOCALE))
    is_in_order = not seen.problems and all(found.is_in_order for found in looked_at)
    raise typer.Exit(Exit.COMPLIANT if is_in_order else Exit.NOT_ALL_SEEN)


def _complain(problems: Sequence[Message]) -> None:
    for problem in problems:
        complain(tell(problem, voice.LOCALE))


def tell_of_aliases(inventory: Inventory, aliases: Sequence[Alias]) -> None:
    """Says, in a scan, which confirmed names do not mean what the person confirmed."""
    told = [
        msg("confirmed name {name} ({said_by}): {what}", name=found.alias.written, said_by=found.alias.said_by,
            what=sentence)
        for found in audit_aliases(inventory, aliases)
        for state, sentence in zip(found.states, found.sentences, strict=True)
        if state in TO_BE_TOLD
    ]  # fmt: skip
    _complain(told[:MOST_TOLD])
    if len(told) > MOST_TOLD:
        complain(tell(msg("and {count} more; `yunhe map audit` lists them", count=len(told) - MOST_TOLD), voice.LOCALE))
