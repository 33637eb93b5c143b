"""Art. 16 and 7(4): nothing is built twice 不得重复建设: systems whose names are alike, for a person to look at.

Names are all that a register shows of what a system does. Likeness proposes, it never proves: no verdict but advice.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rapidfuzz import fuzz

from checks.applicability import system_barrier
from checks.check import Check, Opinion, Strength, absence_gaps
from checks.policy import Policy
from checks.subjects import system_subject
from inventory.finding import Verdict
from inventory.inventory import Inventory
from inventory.names import normalise
from inventory.records import System
from inventory.text import msg

_WHOLE_CITY = re.compile(r"^(?:全市|全县|市本级|县本级|本级|市级|县级)")
_TAILS = ("建设项目", "管理信息系统", "信息管理系统", "综合管理平台", "管理平台", "管理系统", "信息系统", "信息平台",
          "服务平台", "服务系统", "升级改造", "系统", "平台", "项目", "建设", "采购", "服务", "软件")  # fmt: skip
_GENERATION = re.compile(
    r"(?:第?[一二三四五六七八九十\d]+期|[ivx]+期|v?\d+(?:\.\d+)+|20\d\d年?度?|[一二三四五六七八九十\d]+(?:号|标段))"
)
MOST_ALIKE = 5
SHORTEST = 2


@dataclass(frozen=True, slots=True)
class Core:
    """What is left of a name without region, generation and generic words."""

    text: str
    generations: frozenset[str]
    """一期, V2.0, 2024年: two names that differ in them are two generations of one thing, not two things."""


def core_of(name: str, city: str = "") -> Core:
    """The core of a system's name, for comparing only. Of regions only the city's own name is known to be one: 智慧社区
    and 智慧城市 end like regions and are none."""
    text = normalise(name)
    generations = frozenset(_GENERATION.findall(text))
    text = _GENERATION.sub("", text).replace("()", "")
    text = text.removeprefix(normalise(city)) if city else text
    text = _WHOLE_CITY.sub("", text, count=1)
    for _ in range(2):
        tail = next((t for t in _TAILS if text.endswith(t) and len(text) - len(t) >= SHORTEST), None)
        text = text.removesuffix(tail) if tail else text
    return Core(text, generations)


def alike(one: Core, other: Core) -> float:
    """How alike two names are, 0-100; other generations of one thing are not alike at all."""
    if one.generations != other.generations or min(len(one.text), len(other.text)) < SHORTEST:
        return 0.0
    return float(fuzz.ratio(one.text, other.text))


def judge(inventory: Inventory, policy: Policy) -> Iterator[Opinion]:
    """One opinion for every system of the register."""
    reached = [s for s in inventory.systems if system_barrier(inventory, policy, s, needs_funding=False) is None]
    found = _pairs(reached, policy)
    for system in inventory.systems:
        yield _judge(inventory, policy, system, found, len(reached) - 1)


def _pairs(systems: list[System], policy: Policy) -> Mapping[str, list[tuple[float, System]]]:
    """System code to the systems whose names are alike, most alike first."""
    threshold = policy.choices.duplicate_similarity
    cores = [(s, core_of(s.name, policy.city)) for s in systems]
    found: dict[str, list[tuple[float, System]]] = defaultdict(list)
    for index, (one, its) in enumerate(cores):
        for other, others in cores[index + 1 :]:
            score = alike(its, others)
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
) -> Opinion:
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
    if gaps := absence_gaps(inventory.coverage, "system"):
        return Opinion(
            subject=subject,
            verdict=Verdict.UNKNOWN,
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
