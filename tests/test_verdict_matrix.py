"""docs/verdict-matrix.md is what the program says, and what the program says is what the law says."""

import importlib.util
import sys
from pathlib import Path

import pytest

from inventory.finding import Verdict

DOCS = Path(__file__).parents[1] / "docs"
SPEC = importlib.util.spec_from_file_location("verdict_matrix", DOCS / "verdict_matrix.py")
assert SPEC is not None
assert SPEC.loader is not None
matrix = importlib.util.module_from_spec(SPEC)
sys.modules["verdict_matrix"] = matrix  # dataclasses look their module up
SPEC.loader.exec_module(matrix)

CITIES = list(matrix.cities())
OUTSIDE = ("物理服务器", "自建虚拟化", "部门自购公有云", "第三方(未登记)")
"""A department's own: Art. 14 does not care what it is called."""


def test_the_page_is_what_the_code_gives() -> None:
    """`make matrix` writes it anew; the diff is reviewed by whoever answers for the law."""
    assert (DOCS / "verdict-matrix.md").read_text(encoding="utf-8") == matrix.text()


def test_every_combination_has_one_row_and_its_clause() -> None:
    rows = [
        line for line in (DOCS / "verdict-matrix.md").read_text(encoding="utf-8").splitlines() if line.startswith("| ")
    ]
    body = [r for r in rows if not r.startswith("| 建设时间")]

    assert len(body) == len(CITIES) == 3 * 8 * 4 * 2
    assert all("第" in r.rsplit("|", 2)[1] for r in body)


def expected(city: object) -> Verdict:
    """The law once more, in the plainest words and with nothing of the checks' code."""
    era, place, owner, coverage = (getattr(city, n) for n in ("era", "place", "owner", "coverage"))
    if owner == "涉密":
        return Verdict.PASS if coverage == "采集完整" else Verdict.UNKNOWN
    if owner != "财政性资金":
        return beyond(place, coverage)
    if era == "日期不明" or place == "无法确定":
        return Verdict.UNKNOWN
    if place in ("政务云", "第三方(已登记)"):
        return Verdict.PASS if coverage == "采集完整" or place != "政务云" else Verdict.UNKNOWN
    if coverage == "采集不完整":
        return Verdict.UNKNOWN
    return Verdict.FAIL if era == "新建" else Verdict.ADVISORY


def beyond(place: str, coverage: str) -> Verdict:
    """Outside the scope, or of the province: no duty of the city. Where its machines stand may still be open, and what
    is on the cloud is on the cloud."""
    if place == "无法确定" or (coverage == "采集不完整" and place in (*OUTSIDE, "部分在云")):
        return Verdict.UNKNOWN
    return Verdict.PASS if place in ("政务云", "部分在云", "第三方(已登记)") else Verdict.NOT_APPLICABLE


@pytest.mark.parametrize("city", CITIES, ids=lambda c: f"{c.owner}-{c.era}-{c.place}-{c.coverage}")
def test_the_program_agrees_with_the_law_told_once_more(city: object) -> None:
    assert matrix.deciding(city).verdict is expected(city)


def test_less_seen_is_never_a_better_verdict() -> None:
    """Whoever is shown less of the cloud may come to know less, never to pass or to fail."""
    whole = {(c.owner, c.era, c.place): matrix.findings(c) for c in CITIES if c.coverage == "采集完整"}
    for city in CITIES:
        if city.coverage == "采集完整":
            continue
        before = {f.key: f.verdict for f in whole[city.owner, city.era, city.place]}
        for finding in matrix.findings(city):
            if finding.verdict in (Verdict.PASS, Verdict.FAIL):
                assert before.get(finding.key) is finding.verdict, (city, finding.key)
