"""Likeness of names: what is taken off before comparing, and what vetoes."""

import pytest

from inventory.likeness import Namer, alike

NAMER = Namer(["湖北省", "襄阳市", "老河口市"], ["市教育局", "老河口市城市管理执法局"])


@pytest.mark.parametrize(
    ("name", "core"),
    [
        ("老河口市数字城管综合管理平台", "数字城管"),
        ("数字城管平台", "数字城管"),
        ("《数字城管》 平台", "数字城管"),
        ("襄阳市老河口市数字城管平台建设项目", "数字城管"),
        ("老河口市城市管理执法局数字城管系统", "数字城管"),
        ("市教育局学籍管理信息系统", "学籍"),
        ("市本级 不动产登记信息管理系统", "不动产登记"),
        ("智慧社区管理平台一期", "智慧社区"),
        ("智慧社区管理平台（二期）", "智慧社区"),
        ("2024年度数字城管运维项目", "数字城管"),
        ("平台", "平台"),
        ("智慧社区", "智慧社区"),
        ("老河口市智慧城市平台", "智慧城市"),
        ("市场监管平台", "市场监管"),
        ("市民卡系统", "市民卡"),
    ],
)
def test_the_core_of_a_name(name: str, core: str) -> None:
    assert NAMER.parts(name).core == core


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("智慧社区管理平台一期", "智慧社区管理平台二期"),
        ("智慧社区管理平台Ⅰ期", "智慧社区管理平台Ⅱ期"),
        ("智慧社区管理平台1期", "智慧社区管理平台第二期"),
        ("应急指挥平台V1.0", "应急指挥平台V2.0"),
        ("普查系统(2020年)", "普查系统(2030年)"),
        ("12345热线平台", "12315热线平台"),
        ("智慧停车1号标段", "智慧停车2号标段"),
    ],
)
def test_another_phase_year_version_or_number_vetoes(one: str, other: str) -> None:
    assert alike(NAMER.parts(one), NAMER.parts(other)) == 0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("智慧社区管理平台一期", "智慧社区平台（1期）"),
        ("智慧社区管理平台二期", "智慧社区管理平台Ⅱ期"),
        ("应急指挥平台V2", "应急指挥平台Ｖ２．０"),
        ("智慧社区第十二期", "智慧社区12期"),
    ],
)
def test_one_phase_written_two_ways_is_one(one: str, other: str) -> None:
    assert NAMER.parts(one).marks == NAMER.parts(other).marks
    assert alike(NAMER.parts(one), NAMER.parts(other)) == 100


@pytest.mark.parametrize(("one", "other"), [("平台", "平台"), ("系统", "子系统"), ("OA系统", "办公自动化系统")])
def test_generic_words_alone_are_like_nothing(one: str, other: str) -> None:
    assert alike(NAMER.parts(one), NAMER.parts(other)) < 50


def test_a_bare_region_is_a_prefix_too() -> None:
    assert NAMER.parts("老河口数字城管").core == "数字城管"


@pytest.mark.parametrize("name", ["9" * 5_000 + "期", "数" * 301, "第" + "一" * 100_000 + "期平台"])
def test_what_is_too_long_to_be_a_name_is_like_nothing(name: str) -> None:
    """Python refuses to read 5000 digits as a number: once it ended the scan."""
    assert alike(NAMER.parts(name), NAMER.parts(name)) == 0


def test_a_name_as_long_as_a_cell_s_is_compared() -> None:
    assert alike(NAMER.parts("数" * 300), NAMER.parts("数" * 300)) == 100
