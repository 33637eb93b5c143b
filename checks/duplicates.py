"""Art. 16 and 7(4): nothing is built twice 不得重复建设: systems whose names are alike, for a person to look at.

Names are all that a register shows of what a system does. Likeness proposes, it never proves: no verdict but advice.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from checks.applicability import system_barrier
from checks.check import Check, Opinion, Step, Strength, absence_gaps, mended
from checks.policy import Policy
from checks.subjects import system_subject
from inventory.coverage import Coverage, Rejection
from inventory.finding import Verdict
from inventory.inventory import Inventory
from inventory.likeness import NameParts, Namer, alike
from inventory.records import System
from inventory.text import msg

MOST_ALIKE = 5


def likeness(one: NameParts, other: NameParts) -> float:
    """How alike two names are, 0-100; other generations of one thing (一期, V2.0, 2024年) are not two things."""
    return alike(one, other) if one.marks == other.marks else 0.0


def judge(inventory: Inventory, policy: Policy) -> Iterator[Opinion]:
    """One opinion for every system of the register."""
    reached = [s for s in inventory.systems if system_barrier(inventory, policy, s, needs_funding=False) is None]
    namer = Namer(policy.regions, [d.name for d in inventory.departments])
    found = _pairs(reached, namer, policy.choices.duplicate_similarity)
    rejected = _rejected(inventory.coverage, namer)
    for system in inventory.systems:
        own = namer.parts(system.name) if rejected else None
        lost = [r for r, words in rejected if own and _is_like_any(own, words, policy.choices.duplicate_similarity)]
        yield _judge(inventory, policy, system, found, len(reached) - 1, lost)


def _rejected(coverage: Coverage, namer: Namer) -> list[tuple[Rejection, list[NameParts]]]:
    """Rows of the register that could not be used, with all the words that each may be called."""
    sources = {r.cell.source for r in coverage.of("system")}
    rows = [r for r in coverage.rejections if r.source in sources]
    return [(r, [namer.parts(word) for word in r.touches]) for r in rows]


def _is_like_any(own: NameParts, words: Iterable[NameParts], threshold: int) -> bool:
    return any(likeness(own, its) >= threshold for its in words)


def _pairs(systems: list[System], namer: Namer, threshold: int) -> Mapping[str, list[tuple[float, System]]]:
    """System code to the systems whose names are alike, most alike first."""
    cores = [(s, namer.parts(s.name)) for s in systems]
    found: dict[str, list[tuple[float, System]]] = defaultdict(list)
    for index, (one, its) in enumerate(cores):
        for other, others in cores[index + 1 :]:
            score = likeness(its, others)
            if score >= threshold:
                found[one.native_id].append((score, other))
                found[other.native_id].append((score, one))
    for like in found.values():
        like.sort(key=lambda pair: (-pair[0], pair[1].native_id))
    return found


def _judge(
    inventory: Inventory,
    policy: Policy,
    system: System,
    found: Mapping[str, list[tuple[float, System]]],
    others: int,
    lost: list[Rejection],
) -> Opinion:
    """`lost`: rows of a like name that could not be used."""
    subject = system_subject(inventory, system)
    barrier = system_barrier(inventory, policy, system)
    if barrier is not None:
        return barrier.opinion(subject, (system.key,))
    like = found.get(system.native_id, [])
    if like:
        named = ", ".join(
            f"{other.native_id} {other.name} ({other.department or '-'}, {score:.0f} %)"
            for score, other in like[:MOST_ALIKE]
        )
        return Opinion(
            subject=subject,
            verdict=Verdict.ADVISORY,
            reason=msg("{code} {name} may be built twice; alike by name: {others}", code=system.native_id,
                       name=system.name, others=named),
            evidence=(system.key, *(other.key for _, other in like[:MOST_ALIKE])),
        )  # fmt: skip
    if gaps := absence_gaps(inventory.coverage, "system") or tuple(mended(row) for row in lost):
        return Opinion(
            subject=subject,
            verdict=Verdict.UNKNOWN,
            decided_by=Step.COVERAGE,
            reason=msg("no system of a like name was seen, in a register that was not seen completely"),
            missing=gaps,
            evidence=(system.key,),
        )
    return Opinion(
        subject=subject,
        verdict=Verdict.PASS,
        reason=msg("compared by name with {count} other system(s) of the register: none is alike", count=others),
        evidence=(system.key,),
    )


CHECK = Check(
    id="16-duplicate",
    title=msg("Systems that may be built twice"),
    articles=("16", "7"),
    clause="16-b",
    subject_kind="system",
    strength=Strength.ENCOURAGED,
    reads=("system", "project"),
    enumerates=("system",),
    judge=judge,
    remedy=msg("a person compares what the systems do: merge them, or enter why both are needed"),
)
