"""How alike two names of projects, systems or units are 名称相似, apart from where, when and which edition.

A name is taken apart into its core and its marks (phase, year, version, number). Marks veto: 一期 and 二期 of a
platform are 90 % alike and are two things. Likeness only ever proposes to a person; nothing is concluded from it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from rapidfuzz import fuzz

from inventory.names import normalise

SHORTEST = 2
"""Characters that a core keeps at least: what is shorter says nothing."""
LONGEST = 300
"""Characters of a name that is compared at all: a longer one is no name, and patterns take minutes over a page."""

_WHOLE_CITY = re.compile(r"^(?:全市|全县|全省|市本级|县本级|本级|市级|县级|省级|市(?!场|民|政|容|直|域|区|县|集|值))")
"""Words for the whole city. 市场监管 begins with none of them."""
_TAILS = (
    "管理信息系统", "信息管理系统", "综合管理平台", "综合管理系统", "综合服务平台", "综合信息平台", "业务系统",
    "应用系统", "信息系统", "信息平台", "管理平台", "管理系统", "服务平台", "服务系统", "综合平台", "综合系统",
    "子系统", "建设项目", "升级改造", "改造升级", "运行维护", "系统", "平台", "项目", "工程", "建设", "采购",
    "服务", "软件", "升级", "改造", "运维",
)  # fmt: skip
"""What nearly every name ends in 通用尾词; the longest that fits is cut off, again and again."""

_NUMBER = r"[一二三四五六七八九十\d]+"
_MARKS = (
    ("phase", re.compile(rf"第?({_NUMBER}|[ivx]+)(?:期|阶段|批次?)")),
    ("year", re.compile(r"(?<!\d)((?:19|20)\d\d)(?!\d)年?度?")),
    ("version", re.compile(r"(?:(?<![a-z])v|版本)(\d+(?:\.\d+)*)版?|(\d+(?:\.\d+)+)版?|(\d+)版")),
    ("number", re.compile(rf"({_NUMBER})(?:号标段|号|标段|包)")),
)
_DIGITS = re.compile(r"\d+")
_CHINESE = {c: n for n, c in enumerate("一二三四五六七八九", 1)}
_ROMAN = {"i": 1, "v": 5, "x": 10}


@dataclass(frozen=True, slots=True)
class NameParts:
    """A name taken apart, for comparing only."""

    core: str
    """Normalised, without region, unit, marks and generic words."""
    marks: frozenset[tuple[str, str]]
    """`("phase", "2")`, `("year", "2024")`, `("version", "2.0")`, `("number", "12345")`."""

    def excludes(self, other: "NameParts") -> bool:
        """Whether both say their phase, year, version or number, and say different ones 期次不同."""
        for kind in {k for k, _ in self.marks} & {k for k, _ in other.marks}:
            if {v for k, v in self.marks if k == kind}.isdisjoint({v for k, v in other.marks if k == kind}):
                return True
        return False


class Namer:
    """Takes names apart, knowing what regions and units of its city begin names with."""

    def __init__(self, regions: Iterable[str] = (), units: Iterable[str] = ()) -> None:
        prefixes = {normalise(u) for u in units}
        for region in map(normalise, regions):
            # 老河口 stands for 老河口市 as often as not.
            prefixes |= {region, region[:-1] if len(region) > SHORTEST and region[-1] in "省市县区" else region}
        self._prefixes = sorted((p for p in prefixes if p), key=lambda p: (-len(p), p))

    def parts(self, name: str) -> NameParts:
        """The name's parts: NFKC, no quotes or spaces, 〔〕; then region, unit, marks and generic tails come off."""
        whole = normalise(name)
        if len(whole) > LONGEST:
            return NameParts("", frozenset())
        text, marks = _without_marks(whole)
        text = self._without_prefixes(text)
        shorter = _without_tail(text)
        while shorter != text:
            text, shorter = shorter, _without_tail(shorter)
        marks |= {("number", n) for n in _DIGITS.findall(text)}
        return NameParts(text, frozenset(marks))

    def _without_prefixes(self, text: str) -> str:
        for _ in range(4):
            before = text
            found = next((p for p in self._prefixes if text.startswith(p) and len(text) - len(p) >= SHORTEST), None)
            text = text.removeprefix(found) if found else text
            shorter = _WHOLE_CITY.sub("", text, count=1)
            text = shorter if len(shorter) >= SHORTEST else text
            if text == before:
                break
        return text


def _without_tail(text: str) -> str:
    tail = next((t for t in _TAILS if text.endswith(t) and len(text) - len(t) >= SHORTEST), "")
    return text.removesuffix(tail)


def _without_marks(text: str) -> tuple[str, set[tuple[str, str]]]:
    marks: set[tuple[str, str]] = set()
    for kind, pattern in _MARKS:
        for found in pattern.finditer(text):
            said = next(g for g in found.groups() if g is not None)
            marks.add((kind, _plain(said, is_version=kind == "version")))
        text = pattern.sub("", text)
    return text.replace("()", ""), marks


def _plain(number: str, *, is_version: bool) -> str:
    """一 / Ⅰ / 1 / 01 as `1`; a version without its trailing `.0`, so that V2 and V2.0 are one."""
    if is_version:
        parts = [str(int(p)) for p in number.split(".")]
        while len(parts) > 1 and parts[-1] == "0":
            parts.pop()
        return ".".join(parts)
    if number.isascii() and number.isdigit():
        return str(int(number))
    if set(number) <= set(_ROMAN):
        values = [_ROMAN[c] for c in number]
        return str(sum(-v if any(w > v for w in values[i + 1 :]) else v for i, v in enumerate(values)))
    tens, ten, ones = number.rpartition("十")
    if set(tens + ones) <= set(_CHINESE) and len(tens) <= 1 and len(ones) <= 1:
        return str((_CHINESE.get(tens, 1) * 10 if ten else 0) + _CHINESE.get(ones, 0))
    return number


def alike(one: NameParts, other: NameParts) -> float:
    """How alike two cores are, 0-100; 0 where marks veto or a core says nothing."""
    if one.excludes(other) or any(len(n.core) < SHORTEST or n.core in _TAILS for n in (one, other)):
        return 0.0
    return float(fuzz.ratio(one.core, other.core))
