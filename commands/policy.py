"""`yunhe policy validate|test|show|schema`: the rule that scans are judged by."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from checks.catalogue import CATALOGUE
from checks.judge import judge
from checks.policy import Policy, basis_warnings
from checks.regulation import built_in_packs, pack_schema
from commands import voice
from commands.clock import now
from commands.kept import load, open_store
from commands.nights import history_of, on_trial
from commands.options import DEFAULT_CONFIG, ConfigOption, FormatOption, LangOption, ScanOption
from commands.rules import read_pack
from commands.voice import complain, in_words
from exporters import tables
from exporters.tables import Format
from exporters.words import VERDICTS, word
from inventory import settings
from inventory.inventory import law_date
from inventory.text import gettext, mark, msg, tell

PackArgument = Annotated[
    str | None,
    typer.Argument(help=in_words(mark("Id of a pack or path of a TOML file; default: the configuration's."))),
]


def validate(
    packs: Annotated[list[str], typer.Argument(help=in_words(mark("Ids of packs or paths of TOML files.")))],
) -> None:
    """Prints id, version and digest of each; exit 2 at the first that is no pack."""
    for name in packs:
        pack, _ = read_pack(name, Path())
        typer.echo(f"{pack.label} {pack.digest}")
        for problem in sorted(set(pack.without) - {c.id for c in CATALOGUE}):
            complain(tell(msg("{pack}: there is no check {check}", pack=pack.id, check=problem), voice.LOCALE))


def schema() -> None:
    """JSON Schema of a pack, for editors."""
    tables.write_utf8(sys.stdout, tables.json_text(pack_schema()))


def show(
    pack: PackArgument = None,
    config: ConfigOption = DEFAULT_CONFIG,
    form: FormatOption = Format.TABLE,
    lang: LangOption = None,
) -> None:
    """Term, names and parameters, then every article with what holds it."""
    chosen, base = _chosen(pack, config)
    found, _ = read_pack(chosen, base)
    locale = lang or voice.LOCALE
    names = {"id": found.id, "version": found.version, "title": found.title, "number": found.number,
             "issuer": found.issuer, "effective_from": found.effective_from, "expires_on": found.expires_on,
             "digest": found.digest}  # fmt: skip
    facts = {
        **names,
        **{f"names.{k}": v for k, v in msgspec.structs.asdict(found.names).items()},
        **{f"parameters.{k}": v for k, v in msgspec.to_builtins(found.parameters, str_keys=True).items()},
    }
    checks = {a: [c.id for c in CATALOGUE if a in {found.own(k) for k in c.articles} and c.id not in found.without]
              for a in found.articles}  # fmt: skip
    if form is Format.JSON:
        told = {"schema": "yunhe-policy-1", "packs": built_in_packs(), **msgspec.to_builtins(found, str_keys=True)}
        tables.write_utf8(sys.stdout, tables.json_text({**told, "checks": checks}))
        return
    console = tables.Terminal()
    rows: list[dict[str, tables.Cell]] = [{"key": k, "value": _shown(v)} for k, v in facts.items()]
    tables.show(_columns({"key": mark("parameter"), "value": mark("value")}, form, locale), rows, form, console)
    articles: list[dict[str, tables.Cell]] = [
        {"article": a.cite, "title": a.title, "status": a.status, "checks": checks[k],
         "why": gettext(a.why, locale) if a.why else None}
        for k, a in found.articles.items()
    ]  # fmt: skip
    headings = {"article": mark("article"), "title": mark("title"), "status": mark("status"), "checks": mark("checks"),
                "why": mark("why not, or only partly")}  # fmt: skip
    tables.show(_columns(headings, form, locale), articles, form, console)
    for warning in basis_warnings(Policy(pack=found), law_date(now())):
        complain(tell(warning, voice.LOCALE))


def judge_by(
    pack: Annotated[str, typer.Argument(help=in_words(mark("Id of a pack or path of a TOML file.")))],
    config: ConfigOption = DEFAULT_CONFIG,
    number: ScanOption = None,
    form: FormatOption = Format.TABLE,
    lang: LangOption = None,
) -> None:
    """Judges a kept scan anew by this pack and lists what would be decided differently; keeps nothing."""
    result = load(config, number)
    found, _ = read_pack(pack, Path())
    locale = lang or voice.LOCALE
    before = {f.key: f for f in result.findings}
    policy = replace(result.policy, pack=found, recorded_digest="")
    inventory = result.inventory
    with open_store(config) as opened:
        history = history_of(opened, inventory, policy, watched=on_trial(inventory))
    after = {f.key: f for f in judge(replace(inventory, history=history), policy)}
    rows: list[dict[str, tables.Cell]] = []
    for key in sorted(before.keys() | after.keys()):
        old, new = before.get(key), after.get(key)
        if old is not None and new is not None and old.verdict is new.verdict:
            continue
        either = new or old or result.findings[0]
        rows.append(
            {
                "check": either.check,
                "subject": either.subject.id,
                "name": either.subject.name,
                "before": _verdict(old.verdict if old else None, form, locale),
                "after": _verdict(new.verdict if new else None, form, locale),
                "reason": tell(new.reason, locale) if new else None,
            }
        )
    headings = {"check": mark("check"), "subject": mark("subject"), "name": mark("name"), "before": mark("before"),
                "after": mark("after"), "reason": mark("reason")}  # fmt: skip
    tables.show(_columns(headings, form, locale), rows, form, tables.Terminal())
    sentence = msg("{count} of {total} finding(s) of scan {number} would be decided differently by {pack}",
                   count=len(rows), total=len(before), number=result.scan.number, pack=found.label)  # fmt: skip
    complain(tell(sentence, voice.LOCALE))


def _chosen(pack: str | None, config: Path) -> tuple[str, Path]:
    """The pack that is asked for; without one, the configuration's, or the default where there is no configuration."""
    if pack is not None:
        return pack, Path()
    if config == DEFAULT_CONFIG and not config.is_file():
        return settings.RuleFiles().pack, Path()
    return settings.load(config).rules.pack, config.parent


def _shown(value: object) -> str:
    if isinstance(value, list | tuple):
        return "、".join(_shown(v) for v in value)
    if isinstance(value, dict):
        return ", ".join(f"{k}={_shown(v)}" for k, v in value.items())
    return "-" if value is None else str(value)


def _verdict(verdict: str | None, form: Format, locale: str) -> str:
    if verdict is None:
        return "-"
    return word(VERDICTS, verdict, locale) if form is Format.TABLE else str(verdict)


def _columns(headings: dict[str, str], form: Format, locale: str) -> dict[str, str]:
    return {k: gettext(h, locale) if form is Format.TABLE else k for k, h in headings.items()}
