"""What applies to a scan: the pack of law, days off, waivers, confirmed names, the owner's choices, read from files."""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from checks.regulation import MAX_PACK_BYTES, Pack, PackError, built_in_packs, pack_bytes, parse_pack
from collectors.alias_file import AliasFile, read_aliases
from collectors.waiver_file import read_waivers
from commands import voice
from commands.voice import complain
from inventory.alias import Alias
from inventory.guard import Guard
from inventory.holidays import HolidayTable, read_holidays
from inventory.scan import PackText, ScanOptions
from inventory.settings import ConfigError, Settings, do_not_scan_entries, is_path, resolve
from inventory.text import Message, msg, tell
from inventory.waiver import Waiver


def read_pack(name: str, base: Path) -> tuple[Pack, PackText]:
    """The pack of that id or file, and what a scan keeps of it.

    Raises:
        ConfigError: there is none, or it is not a pack.
    """
    if not is_path(name):
        try:
            pack = parse_pack(pack_bytes(name))
        except FileNotFoundError as error:
            what = msg("there is no policy pack {name}; expected one of {packs} or the path of a TOML file", name=name,
                       packs=", ".join(built_in_packs()))  # fmt: skip
            raise ConfigError(what) from error
        return pack, PackText(id=pack.id, digest=pack.digest)
    path = resolve(base, name)
    try:
        with path.open("rb") as file:
            data = file.read(MAX_PACK_BYTES + 1)
        pack = parse_pack(data)
    except OSError as error:
        why = error.strerror or str(error)
        raise _wrong(path, msg("cannot be read ({why})", why=why)) from error
    except PackError as error:
        raise _wrong(path, error.message) from error
    return pack, PackText(id=pack.id, digest=pack.digest, text=data.decode("utf-8"))


def guarded(options: ScanOptions, guard: Guard) -> ScanOptions:
    """The options without waivers and confirmed names that name something classified (Art. 28): nobody keeps them."""
    kept = tuple(w for w in options.waivers if not any(map(guard.mentions, _texts(w))))
    if len(kept) < len(options.waivers):
        sentence = msg(
            "{count} waiver(s) name something on the do-not-scan list: they waive nothing, nobody keeps them",
            count=len(options.waivers) - len(kept),
        )
        complain(tell(sentence, voice.LOCALE))
    aliases = tuple(a for a in options.aliases if not any(map(guard.mentions, _alias_texts(a))))
    if len(aliases) < len(options.aliases):
        sentence = msg(
            "{count} confirmed name(s) name something on the do-not-scan list: they mean nothing, nobody keeps them",
            count=len(options.aliases) - len(aliases),
        )
        complain(tell(sentence, voice.LOCALE))
    return msgspec.structs.replace(options, waivers=kept, aliases=aliases)


def _alias_texts(alias: Alias) -> Iterator[str]:
    yield from (alias.written, alias.target, alias.why, alias.confirmed_by, alias.source or "", alias.zone or "")


def _texts(waiver: Waiver) -> Iterator[str]:
    selector = waiver.selector
    named = (selector.subject, selector.name, selector.project, selector.department)
    yield from (text for text in named if text)
    yield from (waiver.id, waiver.reason, waiver.document, waiver.requester, waiver.approver)


def _wrong(path: Path, what: Message) -> ConfigError:
    return ConfigError(msg("{path}: {what}", path=str(path), what=what))


def all_waivers(chosen: Settings, base: Path) -> tuple[tuple[Waiver, ...], tuple[Message, ...]]:
    """The waivers of every file, and what could not be used; a number that a second file repeats waives nothing.

    Raises:
        ConfigError, LedgerError: a file cannot be read.
    """
    found: dict[str, Waiver] = {}
    problems: list[Message] = []
    for name in chosen.rules.waivers:
        read = read_waivers(resolve(base, name))
        problems += read.problems
        for waiver in read.waivers:
            before = found.setdefault(waiver.id, waiver)
            if before is not waiver:
                problems.append(msg("{where}: the number {id} is taken by {other}; it waives nothing",
                                    where=waiver.origin, id=waiver.id, other=before.origin))  # fmt: skip
    return tuple(found[key] for key in sorted(found)), tuple(problems)


def all_aliases(chosen: Settings, base: Path) -> AliasFile:
    """The confirmed names of the configuration's file, and what could not be used.

    Raises:
        ConfigError: the file cannot be read.
    """
    if chosen.rules.aliases is None:
        return AliasFile(aliases=(), problems=())
    return read_aliases(resolve(base, chosen.rules.aliases))


def scan_options(chosen: Settings, base: Path) -> ScanOptions:
    """Everything of the config that changes what is concluded, its files read; says on stderr what could not be used.

    Raises:
        ConfigError, LedgerError: a file cannot be read.
    """
    _, pack = read_pack(chosen.rules.pack, base)
    waivers, problems = all_waivers(chosen, base)
    aliases = all_aliases(chosen, base)
    guard = Guard(do_not_scan_entries(chosen, base))
    for problem in (*problems, *aliases.problems):
        complain(tell(guard.withheld(problem), voice.LOCALE))
    calendar = HolidayTable()
    if chosen.rules.calendar is not None:
        calendar = read_holidays(resolve(base, chosen.rules.calendar))
    return ScanOptions(
        city=chosen.city.name,
        filing_regions=chosen.city.filing_regions,
        platform=chosen.platform,
        policy=chosen.policy,
        ownership=chosen.ownership,
        zones=chosen.zone,
        fresh_hours=chosen.scan.fresh_hours,
        pack=pack,
        calendar=calendar,
        waivers=waivers,
        aliases=aliases.aliases,
    )
