"""`yunhe scans`, `yunhe history` and `yunhe store …`: what the store remembers, and its care."""

import sys
from typing import Annotated

import typer

from commands import voice
from commands.kept import open_store, store_place
from commands.options import DEFAULT_CONFIG, ConfigOption, FormatOption, LangOption
from commands.outcome import Exit, Refusal
from commands.voice import complain, in_words
from exporters import tables
from exporters.tables import Format
from inventory import settings, store
from inventory.inventory import LAW_TIME
from inventory.lifecycle import life_rules
from inventory.text import gettext, mark, msg, tell


def scans(config: ConfigOption = DEFAULT_CONFIG, form: FormatOption = Format.TABLE, lang: LangOption = None) -> None:
    """Every scan that the store holds, the oldest first."""
    locale = lang or voice.LOCALE
    with open_store(config) as opened:
        infos = opened.scans()
    rows: list[dict[str, tables.Cell]] = [
        {
            "scan": info.number,
            "as_of": info.as_of.astimezone(LAW_TIME).isoformat(sep=" ", timespec="seconds")
            if form is Format.TABLE
            else info.as_of.isoformat(),
            "exit_code": int(info.exit_code),
            "pack": info.pack,
            "tool": info.tool,
            "digest": info.digest[:12] if form is Format.TABLE else info.digest,
            "head": info.head[:12] if form is Format.TABLE else info.head,
        }
        for info in infos
    ]
    _show(
        {
            "scan": mark("scan"),
            "as_of": mark("as of"),
            "exit_code": mark("exit code"),
            "pack": mark("policy pack"),
            "tool": mark("program"),
            "digest": mark("digest"),
            "head": mark("head of the log"),
        },
        rows,
        form,
        locale,
    )


EVENTS = {
    "appeared": mark("appeared"),
    "changed": mark("changed"),
    "unseen": mark("could not be seen"),
    "suspect": mark("suspect"),
    "missing": mark("missing"),
    "gone": mark("gone"),
    "reappeared": mark("reappeared"),
}


def history(
    resource: Annotated[
        str, typer.Argument(help=in_words(mark("A record's key, the source's own id of it, or its name.")))
    ],
    config: ConfigOption = DEFAULT_CONFIG,
    form: FormatOption = Format.TABLE,
    lang: LangOption = None,
) -> None:
    """What became of a resource, field by field. What a scan could not see is not called absent."""
    locale = lang or voice.LOCALE
    rules = life_rules(settings.load(config).lifecycle)
    with open_store(config) as opened:
        changes = opened.history(resource, rules)
    if not changes:
        sentence = msg("no scan ever saw anything called {name}", name=resource or "''")
        raise Refusal(Exit.USAGE, tell(sentence, locale))
    rows: list[dict[str, tables.Cell]] = [
        {
            "record": change.record,
            "scan": change.scan,
            "as_of": change.as_of,
            "event": gettext(EVENTS[change.event], locale) if form is Format.TABLE else change.event.value,
            "field": change.field,
            "before": change.before,
            "after": change.after,
        }
        for change in changes
    ]
    _show(
        {
            "record": mark("record"),
            "scan": mark("scan"),
            "as_of": mark("as of"),
            "event": mark("event"),
            "field": mark("field"),
            "before": mark("before"),
            "after": mark("after"),
        },
        rows,
        form,
        locale,
    )


def _show(headings: dict[str, str], rows: list[dict[str, tables.Cell]], form: Format, locale: str) -> None:
    columns = {k: gettext(h, locale) if form is Format.TABLE else k for k, h in headings.items()}
    tables.show(columns, rows, form, tables.Terminal())


# ── care ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def migrate(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Renews the store; a store of captures stays beside the new one as `STORE.captures`."""
    from inventory.store_renewal import migrate as renew

    place = store_place(settings.load(config), config.parent)
    if not place.is_there:
        raise Refusal(
            Exit.USAGE,
            tell(msg("{path}: there is no store yet; `yunhe scan` makes one", path=str(place)), voice.LOCALE),
        )
    with store.lock(place):
        found = renew(place)
    sentence = (
        msg("the store is of this version already")
        if found is None
        else msg("the store was renewed; it was of version {found}", found=found)
    )
    typer.echo(tell(sentence, voice.LOCALE))


def verify(
    config: ConfigOption = DEFAULT_CONFIG,
    head: Annotated[
        str | None,
        typer.Option(
            "--head", help=in_words(mark("A head of the log as printed once; it must be in the store's log."))
        ),
    ] = None,
) -> None:
    """Holds every row against the run log. Exit 6 on any change."""
    with open_store(config) as opened:
        found = opened.faults()
        for fault in found:
            complain(tell(fault, voice.LOCALE))
        try:
            heads = opened.heads()
        except store.StoreError:
            if not found:
                raise
            raise typer.Exit(Exit.INTEGRITY) from None
    if head is not None and not (len(head) >= MIN_HEAD and any(h.startswith(head.lower()) for h in heads)):
        sentence = msg(
            "the head {head} is not in the store's log: scans were taken back, or the log written anew", head=head
        )
        complain(tell(sentence, voice.LOCALE))
        raise typer.Exit(Exit.INTEGRITY)
    if found:
        raise typer.Exit(Exit.INTEGRITY)
    sentence = msg(
        "the store is whole: {count} entries of the log, head {head}",
        count=len(heads),
        head=heads[-1] if heads else "-",
    )
    typer.echo(tell(sentence, voice.LOCALE))
    sys.stdout.flush()


MIN_HEAD = 12
"""Characters of a head that tell it from any other; tables print as many."""
