"""A finished scan, taken from the store and re-made as it was."""

from pathlib import Path

from checks.catalogue import CATALOGUE
from checks.policy import Policy
from checks.result import Result
from commands import voice
from commands.outcome import Exit, Refusal
from inventory import settings
from inventory.build import build
from inventory.store import Store, StoredScan
from inventory.text import msg, tell


def load(config: Path, number: int | None) -> Result:
    chosen = settings.load(config)
    with Store(settings.resolve(config.parent, chosen.store.path), must_exist=True) as opened:
        kept = opened.load(number)
    if kept is None:
        sentence = (
            msg("the store holds no finished scan; `yunhe scan` makes one")
            if number is None
            else msg("the store holds no scan {number}", number=number)
        )
        raise Refusal(Exit.USAGE, tell(sentence, voice.LOCALE))
    return result_of(kept)


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
        raws=kept.collection.raws,
    )
