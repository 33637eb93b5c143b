"""Art. 14: what the cloud lists is all that it carries. Where another of its services counts more, it is not."""

from collections import defaultdict
from collections.abc import Iterator

from checks.check import Check, Opinion, Step, Strength
from checks.policy import Policy
from inventory.finding import Subject, Verdict
from inventory.inventory import Inventory
from inventory.records import CountMismatch
from inventory.text import Message, mark, msg

MOST_NAMED = 10
"""Places of one kind that a finding names; the rest is counted, and all of them stand in the evidence."""

_REASONS = {
    ("nova hypervisor", "hypervisor"): mark(
        "compute hosts run more servers than the cloud lists on them, {expected} against {seen}: {places}"
    ),
    ("nova quota", "tenant"): mark(
        "quotas count more servers than the cloud lists in these tenants, {expected} against {seen}: {places}"
    ),
    ("placement", "tenant"): mark(
        "resources are held for servers that the cloud does not list, {expected} against {seen} in tenants: {places}"
    ),
}


def judge(inventory: Inventory, policy: Policy) -> Iterator[Opinion]:  # noqa: ARG001 - the signature of every check
    """One unknown for each cloud whose services disagree. Agreement proves nothing: it gets no pass."""
    by_source: dict[str, list[CountMismatch]] = defaultdict(list)
    for mismatch in inventory.count_mismatches:
        by_source[mismatch.source].append(mismatch)
    for source, mismatches in sorted(by_source.items()):
        yield Opinion(
            subject=Subject(kind="platform", id=source, name=source),
            verdict=Verdict.UNKNOWN,
            decided_by=Step.COVERAGE,
            reason=_reason(mismatches),
            missing=(
                msg(
                    "why {source} does not list these servers, and a scan that does, by the infrastructure team",
                    source=source,
                ),
            ),
            evidence=tuple(m.key for m in mismatches),
        )


def _reason(mismatches: list[CountMismatch]) -> Message:
    by_witness: dict[tuple[str, str], list[CountMismatch]] = defaultdict(list)
    for mismatch in mismatches:
        by_witness[mismatch.expected_by, mismatch.place_kind].append(mismatch)
    told = [_told(witness, found) for witness, found in sorted(by_witness.items())]
    return told[0] if len(told) == 1 else msg("{reasons}", reasons=told)


def _told(witness: tuple[str, str], mismatches: list[CountMismatch]) -> Message:
    ordered = sorted(mismatches, key=lambda m: (m.seen - m.expected, m.place))
    places: list[Message] = [
        msg("{place} ({expected}/{seen})", place=m.place, expected=m.expected, seen=m.seen)
        for m in ordered[:MOST_NAMED]
    ]
    if len(ordered) > MOST_NAMED:
        places.append(msg("and {count} more", count=len(ordered) - MOST_NAMED))
    counts = {"expected": sum(m.expected for m in ordered), "seen": sum(m.seen for m in ordered)}
    if witness in _REASONS:
        return msg(_REASONS[witness], places=places, **counts)
    return msg(
        "{witness} counts more than the cloud lists, {expected} against {seen}: {places}",
        witness=witness[0],
        places=places,
        **counts,
    )


CHECK = Check(
    id="14-cross-check",
    title=msg("What the cloud lists is all that it carries"),
    articles=("14",),
    clause="14-b",
    subject_kind="platform",
    strength=Strength.EFFORT,
    reads=("host",),
    judge=judge,
    remedy=msg("the infrastructure team finds the servers that are not listed, and scans again"),
)
