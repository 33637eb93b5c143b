"""`yunhe store stats`: what the store holds, how much room it takes, and what the next pruning would give back."""

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from commands import voice
from commands.kept import store_place
from commands.options import DEFAULT_CONFIG, ConfigOption, FormatOption, LangOption
from commands.prune import KEEPS, trial_runs
from exporters import tables
from exporters.tables import Format
from exporters.words import VERDICTS
from inventory import settings
from inventory.finding import Verdict
from inventory.inventory import LAW_TIME
from inventory.lifecycle import life_rules
from inventory.retention import Keep
from inventory.scan import ScanInfo
from inventory.store import Store
from inventory.text import Message, gettext, mark, msg, tell

if TYPE_CHECKING:
    from inventory.store_stats import Freed, Stats

_Row = tuple[Message, int | None, int | None, str]
"""What, how many, bytes, and more of it."""


class Beside(msgspec.Struct, frozen=True, kw_only=True):
    """Files beside the store; None: there is none."""

    spool_bytes: int | None
    """What a scan that runs, or was cut short, has read so far."""
    captures: int
    """Captures that the configuration names and that are there."""
    captures_bytes: int
    old_store_bytes: int | None
    """The store of captures that `yunhe store migrate` left."""


def stats(config: ConfigOption = DEFAULT_CONFIG, form: FormatOption = Format.TABLE, lang: LangOption = None) -> None:
    """Nothing is changed, and a scan may be running. SQLite reads the whole file for the sizes of its tables."""
    locale = lang or voice.LOCALE
    chosen = settings.load(config)
    place = store_place(chosen, config.parent)
    with Store(place, must_exist=True) as opened:
        life = life_rules(chosen.lifecycle)
        fates = opened.retention(chosen.retention, life, trial_runs(opened, life))
        found, freed = opened.stats(fates)
    beside = _beside(chosen, config.parent)
    kept = Counter(keep for fate in fates for keep in fate.keeps)
    if form is Format.JSON:
        told = {
            "schema": "yunhe-store-stats-1",
            "store": str(place),
            **msgspec.to_builtins(found),
            "kept": {keep.value: kept[keep] for keep in Keep},
            "next_prune": freed,
            "beside": beside,
        }
        tables.write_utf8(sys.stdout, tables.json_text(told))
    else:
        _show(list(_rows(found, freed, beside, kept, locale)), form, locale)
    sys.stdout.flush()


def _beside(chosen: settings.Settings, base: Path) -> Beside:
    from inventory.store_stats import size_of

    path = settings.resolve(base, chosen.store.path)
    spool = [size_of(path.with_name(f"{path.name}.collecting{end}")) for end in ("", "-wal")]
    captures = [size for c in chosen.capture if (size := size_of(settings.resolve(base, c.path))) is not None]
    return Beside(
        spool_bytes=None if spool[0] is None else sum(size or 0 for size in spool),
        captures=len(captures),
        captures_bytes=sum(captures),
        old_store_bytes=size_of(path.with_name(path.name + ".captures")),
    )


def _rows(found: "Stats", freed: "Freed", beside: Beside, kept: Counter[Keep], locale: str) -> Iterator[_Row]:
    yield msg("the store"), None, found.bytes, f"{found.engine}, {found.revision}"
    if found.free_bytes is not None:
        yield msg("of that free"), None, found.free_bytes, ""
    for table in found.tables:
        yield msg("table {name}", name=table.name), table.rows, table.bytes, ""
    yield msg("scans"), found.scans, None, " – ".join(_when(scan) for scan in (found.oldest, found.newest) if scan)
    for keep, count in sorted(kept.items(), key=lambda item: list(Keep).index(item[0])):
        yield msg("scans kept: {why}", why=gettext(KEEPS[keep], locale)), count, None, ""
    yield msg("scans pruned so far"), found.pruned, None, ""
    yield msg("the next pruning: scans"), freed.scans, None, ""
    yield msg("the next pruning: rows, and bytes of contents"), freed.rows, freed.bytes, ""
    yield msg("resources in the last scan"), found.records.present, None, ""
    yield msg("resources ever seen"), found.records.things, None, ""
    most = f"≤ {found.records.most} ({found.records.most_key})" if found.records.most_key else ""
    yield msg("versions of resources"), found.records.versions, None, most
    yield msg("open findings"), found.open, None, ""
    for verdict in Verdict:
        word = gettext(VERDICTS[verdict], locale)
        yield msg("findings: {verdict}", verdict=word), found.verdicts[verdict.value], None, ""
    yield msg("entries of the run log"), found.entries, None, found.head[:12]
    if beside.spool_bytes is not None:
        yield msg("read so far by a scan that is not finished"), None, beside.spool_bytes, ""
    if beside.captures:
        yield msg("captures of the configuration"), beside.captures, beside.captures_bytes, ""
    if beside.old_store_bytes is not None:
        yield msg("the old store of captures"), None, beside.old_store_bytes, ""


def _when(scan: ScanInfo) -> str:
    return f"{scan.as_of.astimezone(LAW_TIME):%Y-%m-%d %H:%M} ({scan.number})"


def _show(found: list[_Row], form: Format, locale: str) -> None:
    headings = {"what": mark("what"), "count": mark("count"), "bytes": mark("bytes"), "more": mark("more")}
    columns = {k: gettext(h, locale) if form is Format.TABLE else k for k, h in headings.items()}
    rows: list[dict[str, tables.Cell]] = [
        {"what": tell(what, locale), "count": count, "bytes": size, "more": more} for what, count, size, more in found
    ]
    tables.show(columns, rows, form, tables.Terminal())
