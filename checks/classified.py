"""Art. 28: what is classified 涉密 follows the rules of secrecy: it is counted and never looked at."""

from collections import Counter, defaultdict
from collections.abc import Iterator

from checks.check import Check, Opinion, Step, Strength, is_whole_but_for_rows, kind_words, missing_cell
from checks.deployment import MOST_NAMED
from checks.policy import Policy
from inventory.coverage import CellState
from inventory.finding import Subject, Verdict
from inventory.inventory import Inventory
from inventory.records import ClassifiedTrace
from inventory.text import mark, msg

NEUTRAL_NAME = "涉密（不显示）"
"""Name of every classified subject."""

_KINDS = {"project": mark("project(s)"), "system": mark("system(s)")}


def judge(inventory: Inventory, policy: Policy) -> Iterator[Opinion]:
    """One opinion for all classified rows of a kind, one for each source that showed something classified."""
    for what, count in sorted(Counter(p.what for p in inventory.classified).items()):
        yield Opinion(
            subject=_subject(f"register/{what}"),
            verdict=Verdict.NOT_APPLICABLE,
            decided_by=Step.CLASSIFIED,
            reason=msg("the register holds {count} classified {what}: not probed, not judged, not shown ({article})",
                       article=policy.pack.article("28"), count=count,
                       what=msg(_KINDS[what]) if what in _KINDS else what),
        )  # fmt: skip
    if inventory.classified:
        yield _judge_cloud(inventory)
    traces: dict[str, list[ClassifiedTrace]] = defaultdict(list)
    for trace in inventory.classified_traces:
        traces[trace.source].append(trace)
    for source, found in sorted(traces.items()):
        yield _judge_source(inventory, policy, source, found)


def _judge_cloud(inventory: Inventory) -> Opinion:
    """Whether the cloud, as far as it was listed, showed anything of what the registers or the list name."""
    subject = _subject("platform")
    shown = [t for t in inventory.classified_traces if inventory.coverage.is_platform(t.source)]
    if shown:
        return Opinion(
            subject=subject,
            verdict=Verdict.NOT_APPLICABLE,
            decided_by=Step.CLASSIFIED,
            reason=msg("what the government cloud showed is told by its source"),
        )
    cells = inventory.coverage.gaps("host", "tenant", "workload", platform_only=True)
    # What is classified is named by the registers too: a row that was not read may name what the cloud shows.
    cells += tuple(
        r for r in inventory.coverage.gaps("project", "system") if not is_whole_but_for_rows(r, inventory.coverage)
    )
    gaps = [r for r in cells if r.state is not CellState.NOT_CONFIGURED]
    if gaps or not inventory.coverage.of("host", platform_only=True):
        return Opinion(
            subject=subject,
            verdict=Verdict.UNKNOWN,
            decided_by=Step.COVERAGE,
            reason=msg(
                "the government cloud or the registers were not read completely: something classified may be on it"
            ),
            missing=tuple(missing_cell(r) for r in gaps[:MOST_NAMED])
            or (msg("a source or ledger in the config for: {kind}", kind=kind_words("host")),),
        )
    return Opinion(
        subject=subject,
        verdict=Verdict.PASS,
        reason=msg("nothing that the government cloud lists is on the do-not-scan list or named as classified"),
    )


def _judge_source(inventory: Inventory, policy: Policy, source: str, traces: list[ClassifiedTrace]) -> Opinion:
    counts = ", ".join(f"{t.what} {t.count}" for t in sorted(traces, key=lambda t: t.what))
    evidence = tuple(t.key for t in traces)
    if inventory.coverage.is_platform(source):
        return Opinion(
            subject=_subject(f"source/{source}"),
            verdict=Verdict.FAIL,
            reason=msg(
                "{source} of the government cloud shows something of a classified system ({counts}); it does not meet "
                "{article}",
                article=policy.pack.article("28"),
                source=source,
                counts=counts,
            ),
            evidence=evidence,
        )
    return Opinion(
        subject=_subject(f"source/{source}"),
        verdict=Verdict.NOT_APPLICABLE,
        decided_by=Step.CLASSIFIED,
        reason=msg("{source} mentions something on the do-not-scan list ({counts}); it was dropped unread",
                   source=source, counts=counts),
        evidence=evidence,
    )  # fmt: skip


def _subject(id_: str) -> Subject:
    return Subject(kind="classified", id=id_, name=NEUTRAL_NAME)


CHECK = Check(
    id="28-classified",
    title=msg("Nothing classified is on the government cloud"),
    articles=("28",),
    clause="28",
    subject_kind="classified",
    strength=Strength.MUST,
    reads=("host", "tenant", "project", "system"),
    judge=judge,
    remedy=msg(
        "report it to the secrecy office at once and follow its instructions; look no further with this program"
    ),
)
