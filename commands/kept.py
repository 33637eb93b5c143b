"""A finished scan, taken from the store and re-made as it was."""

from datetime import datetime
from pathlib import Path

from checks.catalogue import CATALOGUE
from checks.policy import Policy
from checks.result import Result
from commands import voice
from commands.clock import moment_of
from commands.outcome import Exit, Refusal
from inventory import settings
from inventory.build import build
from inventory.scan import ScanInfo
from inventory.settings import Settings
from inventory.store import Place, Store, StoredScan, place_of
from inventory.text import msg, tell


def store_place(chosen: Settings, base: Path) -> Place:
    """Where the configuration keeps its scans.

    Raises:
        StoreError: the URL is none that may stand in a configuration.
    """
    return place_of(chosen.store.url or settings.resolve(base, chosen.store.path))


def open_store(config: Path) -> Store:
    """The store of the configuration, which must be there.

    Raises:
        StoreError: it is not, or it cannot be read.
    """
    return Store(store_place(settings.load(config), config.parent), must_exist=True)


def load(config: Path, number: int | None, as_of: str | None = None) -> Result:
    """The scan of that number, or the last one of that time, or the last one of all."""
    return result_of(load_stored(config, number, as_of))


def load_stored(config: Path, number: int | None, as_of: str | None = None) -> StoredScan:
    """The same as the store keeps it."""
    with open_store(config) as opened:
        if as_of is not None:
            number = number_at(opened, as_of, number)
        kept = opened.load(number, past=True)
        if kept is None:
            raise no_scan(opened, number)
    return kept


def no_scan(opened: Store, number: int | None) -> Refusal:
    """What is said where there is no scan of that number, or none at all."""
    if number is None:
        sentence = msg("the store holds no finished scan; `yunhe scan` makes one")
    elif number in opened.pruned():
        sentence = msg(
            "scan {number} was pruned by the rules of retention; `yunhe scans` lists those that are kept", number=number
        )
    else:
        sentence = msg("the store holds no scan {number}", number=number)
    return Refusal(Exit.USAGE, tell(sentence, voice.LOCALE))


def number_at(opened: Store, as_of: str, number: int | None = None) -> int:
    """The last scan whose clock is not after the date or time."""
    if number is not None:
        raise Refusal(Exit.USAGE, tell(msg("--scan and --as-of both name a scan; expected one of them"), voice.LOCALE))
    moment = moment_of(as_of)

    def clock(scan: ScanInfo) -> tuple[datetime, int]:
        """Not the number first: a capture of last month may be scanned today."""
        return scan.as_of.replace(microsecond=0), scan.number

    fitting = [scan for scan in opened.scans() if moment is None or clock(scan)[0] <= moment]
    if not fitting:
        raise Refusal(Exit.USAGE, tell(msg("the store holds no scan of {when} or before", when=as_of), voice.LOCALE))
    found = max(fitting, key=clock)
    pruned = [scan for scan in opened.pruned().values() if moment is None or clock(scan)[0] <= moment]
    last = max(pruned, key=clock, default=found)
    if clock(last) > clock(found):
        sentence = msg(
            "scan {pruned}, the last of {when}, was pruned by the rules of retention; scan {number} before it answers",
            when=as_of, pruned=last.number, number=found.number,
        )  # fmt: skip
        voice.complain(tell(sentence, voice.LOCALE))
    return found.number


def result_of(kept: StoredScan) -> Result:
    """The result as it was, re-made from what the scan saw; findings are those that were kept."""
    policy = Policy.from_options(kept.options)
    order = {check.id: n for n, check in enumerate(CATALOGUE)}
    findings = sorted(kept.findings, key=lambda f: (order.get(f.check, len(order)), f.subject.key))
    return Result(
        scan=kept.info,
        policy=policy,
        inventory=build(kept.collection, kept.options, as_of=kept.info.as_of),
        findings=tuple(findings),
        known=kept.known,
        breaches=kept.breaches,
        last_complete=kept.last_complete,
        raws=kept.collection.raws,
    )
