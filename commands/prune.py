"""`yunhe store prune`: takes the scans away that the rules of retention no longer ask for."""

import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Annotated

import typer

from checks.result import Result
from commands import voice
from commands.clock import now
from commands.kept import result_of, store_place
from commands.nights import conclusions, ever_concluded, nights_needed
from commands.options import DEFAULT_CONFIG, ConfigOption, FormatOption, LangOption
from commands.voice import complain, in_words
from exporters import tables
from exporters.tables import Format
from inventory import settings, store
from inventory.inventory import LAW_TIME, law_date
from inventory.lifecycle import Life, LifeRules, life_rules
from inventory.retention import Fate, Keep
from inventory.store import Store
from inventory.text import gettext, mark, msg, tell

KEEPS = {
    Keep.LAST: mark("the last scan"),
    Keep.LAST_WHOLE: mark("the last that saw everything"),
    Keep.BASELINE: mark("baseline"),
    Keep.CITED: mark("cited by evidence"),
    Keep.LIFECYCLE: mark("something absent is not yet gone"),
    Keep.BELIEVED: mark("a cell was complete for the last time"),
    Keep.TRIAL_RUN: mark("night of a trial run"),
    Keep.LEAP: mark("the clock leapt"),
    Keep.CONCLUDED: mark("a trial run was concluded in it"),
    Keep.DAILY: mark("daily"),
    Keep.WEEKLY: mark("weekly"),
    Keep.MONTHLY: mark("monthly"),
}


def prune(
    config: ConfigOption = DEFAULT_CONFIG,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help=in_words(mark("Only say what would go, and why the others stay.")))
    ] = False,
    form: FormatOption = Format.TABLE,
    lang: LangOption = None,
) -> None:
    """What evidence cites, a baseline names or the lifecycle needs stays, and so does the run log, whole."""
    locale = lang or voice.LOCALE
    chosen = settings.load(config)
    place = store_place(chosen, config.parent)
    if dry_run:
        with Store(place, must_exist=True) as opened:
            life = life_rules(chosen.lifecycle)
            found = opened.retention(chosen.retention, life, trial_runs(opened, life))
    else:
        found = _prune(chosen, place)
    _show(found, form, locale)
    gone = sum(fate.goes for fate in found)
    values = {"gone": gone, "kept": len(found) - gone}
    told = (
        msg("{gone} scan(s) would go, {kept} would stay; nothing was changed", **values)
        if dry_run
        else msg("{gone} scan(s) were pruned, {kept} stay", **values)
    )
    complain(tell(told, locale))
    sys.stdout.flush()


def _prune(chosen: settings.Settings, place: store.Place) -> list[Fate]:
    with Store(place, must_exist=True):
        pass  # where there is none, no lock is left behind
    with store.lock(place) as held, Store(place, must_exist=True, held=held) as opened:
        life = life_rules(chosen.lifecycle)
        return opened.prune(chosen.retention, life, trial_runs(opened, life), at=now())


def trial_runs(opened: Store, life: LifeRules) -> Mapping[int, tuple[Keep, ...]]:
    """Scans that trial runs need (Art. 23(2)): the nights that prove them, and those in which they were concluded."""
    keeps: dict[int, set[Keep]] = defaultdict(set)
    for result in _registers(opened, life):
        today = law_date(result.scan.as_of)
        for earlier in ever_concluded(opened, result.inventory):
            keeps[earlier.scan].add(Keep.CONCLUDED)
        cited = conclusions(opened, result.inventory, result.policy)
        days = nights_needed(result.inventory.projects, result.policy, today, cited)
        for scan in opened.scans():
            if law_date(scan.as_of) in days:
                keeps[scan.number].add(Keep.TRIAL_RUN)
    return {number: tuple(sorted(own)) for number, own in keeps.items()}


def _registers(opened: Store, life: LifeRules) -> Iterator[Result]:
    """What the last scan knew of projects, and what earlier ones knew last of those that it lacks and are not gone.

    A row may have been rejected, a ledger not read, or left out of the configuration: that is not the project's end.
    """
    last = opened.load()
    if last is None:
        return
    yield result_of(last)
    told = {record.native_id for record in last.collection.records if record.kind == "project"}
    away = {scan for key, scan, state in opened.absent(life) if state is not Life.GONE and "|project|" in key}
    for number in sorted(away):
        kept = opened.load(number)
        if kept is not None:
            result = result_of(kept)
            lacked = tuple(p for p in result.inventory.projects if p.native_id not in told)
            yield replace(result, inventory=replace(result.inventory, projects=lacked))


def _show(found: list[Fate], form: Format, locale: str) -> None:
    words = {keep: gettext(word, locale) for keep, word in KEEPS.items()}
    is_table = form is Format.TABLE
    rows: list[dict[str, tables.Cell]] = [
        {
            "scan": fate.scan.number,
            "as_of": fate.scan.as_of.astimezone(LAW_TIME).isoformat(sep=" ", timespec="seconds")
            if is_table
            else fate.scan.as_of.isoformat(),
            "goes": gettext(mark("goes") if fate.goes else mark("stays"), locale) if is_table else int(fate.goes),
            "because": [words[k] if is_table else k.value for k in fate.keeps],
        }
        for fate in found
    ]
    headings = {"scan": mark("scan"), "as_of": mark("as of"), "goes": mark("fate"), "because": mark("because")}
    columns = {k: gettext(h, locale) if is_table else k for k, h in headings.items()}
    tables.show(columns, rows, form, tables.Terminal())
