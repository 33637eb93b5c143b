"""Cells as people write them: what they mean, and what is refused."""

import contextlib
from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.ledger_fields import CellError, forbidden_words, parse, shown, split
from collectors.ledger_table import BadCell
from inventory.ledger_columns import Column, Format
from inventory.records import DatedName, Funding, Level, ProjectKind, SharingType
from inventory.text import msg

AS_TEXT = "an identifier stored as text: a spreadsheet keeps only 15 digits of a number"
NETWORKS = "networks such as 10.1.1.0/24 or ranges such as 10.1.1.10-10.1.1.50"
A_DATE = "a date with year, month and day, such as 2024-03-05"


def read(form: Format, value: object) -> object:
    return parse(Column(field="f", header="h", format=form), value)  # type: ignore[arg-type]


@pytest.mark.parametrize("form", [f for f in Format if f is not Format.RISKS])
@pytest.mark.parametrize("nothing", [None, "", " ", "-", "—", "/", "无", "暂无", "N/A"])
def test_marks_for_nothing_say_nothing(form: Format, nothing: str | None) -> None:
    assert read(form, nothing) is None


@pytest.mark.parametrize(
    ("form", "value", "expected"),
    [
        (Format.TEXT, "  老河口市\n数字城管 ", "老河口市 数字城管"),
        (Format.NAME, "平台（一期）", "平台（一期）"),
        (Format.NAME, "\ufeff教育\u200b平台", "教育平台"),
        (Format.NAMES, "教育局、市教体局；教体局", ("教育局", "市教体局", "教体局")),
        (
            Format.DATED_NAMES,
            "市大数据局(2019-03-01至2024-02-28)",
            (DatedName(name="市大数据局", valid_from=date(2019, 3, 1), valid_to=date(2024, 2, 28)),),
        ),
        (
            Format.DATED_NAMES,
            "市数据局（2024年3月至今）、数据局〔筹〕",
            (DatedName(name="市数据局", valid_from=date(2024, 3, 1)), DatedName(name="数据局〔筹〕")),
        ),
        (Format.CODE, " Ｓ－００１ ", "S-001"),
        (Format.CODE, 2024001.0, "2024001"),
        (Format.CODES, "S-1、S-2，S-3；S-4,S-5;S-6\nS-7、S-1", ("S-1", "S-2", "S-3", "S-4", "S-5", "S-6", "S-7")),
        (Format.CODES, 101.0, ("101",)),
        (Format.STRICT_CODE, "42060012345-00001-25-4201-01", "42060012345-00001-25-4201-01"),
        (Format.FILING_NUMBER, "42060012345-00001", "42060012345-00001"),
        (Format.FILING_NUMBER, "４２０６００１２３４５００００１", "4206001234500001"),
        (Format.FILING_NUMBER, "not yet", "not yet"),
        (Format.USCC, "11420682011158671E", "11420682011158671E"),
        (Format.USCC, "11420682011158671e", "11420682011158671E"),
        (Format.USCC, "１１４２０６８２０１１１５８６７１Ｅ", "11420682011158671E"),
        (Format.USCC, "12420682767444440U", "12420682767444440U"),
        (Format.DATE, date(2024, 3, 5), date(2024, 3, 5)),
        (Format.DATE, datetime(2024, 3, 5, 8, 30), date(2024, 3, 5)),  # noqa: DTZ001 - as a spreadsheet keeps it
        (Format.DATE, "2024年3月5日", date(2024, 3, 5)),
        (Format.DATE, "2024 年 03 月 05 日", date(2024, 3, 5)),
        (Format.DATE, "2024.3.5", date(2024, 3, 5)),
        (Format.DATE, "2024-03-05", date(2024, 3, 5)),
        (Format.DATE, "2024/3/5", date(2024, 3, 5)),
        (Format.DATE, "20240305", date(2024, 3, 5)),
        (Format.DATE, 20240305.0, date(2024, 3, 5)),
        (Format.DATE, "２０２４－０３－０５", date(2024, 3, 5)),
        (Format.DATE, "2024-03-05 08:30:00", date(2024, 3, 5)),
        (Format.COARSE_DATE, "2024-03-05", date(2024, 3, 5)),
        (Format.LAST_DAY, "2024-02", date(2024, 2, 29)),
        (Format.LAST_DAY, "2026年12月", date(2026, 12, 31)),
        (Format.FIRST_DAY, "2026.10", date(2026, 10, 1)),
        (Format.BOOL, "是", True),
        (Format.BOOL, "√", True),
        (Format.BOOL, "×", False),
        (Format.BOOL, "否", False),
        (Format.BOOL, False, False),
        (Format.CLASSIFIED, "涉密", True),
        (Format.CLASSIFIED, "非涉密", False),
        (Format.INT, "1,200", 1200),
        (Format.INT, 8.0, 8),
        (Format.INT, "8核", 8),
        (Format.GIB, 16.0, 16 * 1024**3),
        (Format.GIB, "500GB", 500 * 1024**3),
        (Format.GIB, "2T", 2 * 1024**4),
        (Format.SCORE, 72, 72.0),
        (Format.SCORE, "92.5%", 92.5),
        (Format.SCORE, 0.925, 92.5),
        (Format.RISKS, "10(5个已整改)", (10, 5)),
        (Format.RISKS, "10（5个已整改）", (10, 5)),
        (Format.RISKS, "3个", (3, None)),
        (Format.RISKS, 0.0, (0, None)),
        (Format.RISKS, "无", (0, None)),
        (Format.RISKS, "-", None),
        (Format.MLPS_LEVEL, "三级", 3),
        (Format.MLPS_LEVEL, "第三级", 3),
        (Format.MLPS_LEVEL, "3级", 3),
        (Format.MLPS_LEVEL, "S3A3G3", 3),
        (Format.MLPS_LEVEL, "S2A3G3", 3),
        (Format.MLPS_LEVEL, "第三级(S3A2G3)", 3),
        (Format.MLPS_LEVEL, 3.0, 3),
        (Format.MLPS_LEVEL, "未定级", None),
        (Format.MLPS_TEMPLATE, "2025版", "2025"),
        (Format.PROJECT_KIND, "升级改造", ProjectKind.UPGRADE),
        (Format.PROJECT_KIND, "新建项目", ProjectKind.NEW),
        (Format.PROJECT_KIND, "测评类", ProjectKind.TESTING),
        (Format.FUNDING, "财政性资金", Funding.GOVERNMENT),
        (Format.FUNDING, "非财政性资金", Funding.NON_FISCAL),
        (Format.OWNER_LEVEL, "省垂管", Level.PROVINCE),
        (Format.SHARING_TYPE, "不予共享", SharingType.NONE),
        (Format.DIRECTION, "双向", ("provide", "consume")),
        (Format.REBUILT, "已建", False),
        (Format.DEVICE, "视频NVR", True),
        (Format.DEVICE, "机架式服务器", False),
        (Format.CIDRS, "10.1.2.3/24", ("10.1.2.0/24",)),
        (Format.CIDRS, "１０．１．１．０／２４", ("10.1.1.0/24",)),
        (Format.CIDRS, "10.1.1.0/24、10.1.2.0/24，10.1.3.0/24", ("10.1.1.0/24", "10.1.2.0/24", "10.1.3.0/24")),
        (Format.CIDRS, "10.1.0.0/255.255.0.0", ("10.1.0.0/16",)),
        (Format.CIDRS, "59.202.58.68", ("59.202.58.68/32",)),
        (Format.CIDRS, "10.1.1.0-10.1.1.255", ("10.1.1.0/24",)),
        (Format.CIDRS, "10.1.1.254~255", ("10.1.1.254/31",)),
        (
            Format.CIDRS,
            "10.1.1.10-10.1.1.50",
            ("10.1.1.10/31", "10.1.1.12/30", "10.1.1.16/28", "10.1.1.32/28", "10.1.1.48/31", "10.1.1.50/32"),
        ),
        (Format.CIDRS, "2001:DB8::/32", ("2001:db8::/32",)),
        (Format.ADDRESS, "１０．１．１．１", "10.1.1.1"),
        (Format.ADDRESSES, "10.1.1.5/24 10.1.1.6、2001:DB8::1", ("10.1.1.5/24", "10.1.1.6", "2001:db8::1")),
        (Format.HOSTS, "web-01、10.1.1.5", ("web-01", "10.1.1.5")),
        (Format.MACS, "FA-16-3E-00-00-01、fa16.3e00.0002", ("fa:16:3e:00:00:01", "fa:16:3e:00:00:02")),
    ],
)
def test_what_people_write_is_understood(form: Format, value: object, expected: object) -> None:
    assert read(form, value) == expected


@pytest.mark.parametrize(
    ("form", "value", "expected"),
    [
        (Format.DATED_NAMES, "市大数据局(2019年)",
         "names, each with its time where it is known, such as 市大数据局(2019-03-01至2024-02-28)"),
        (Format.DATE, "2024-03", A_DATE),
        (Format.DATE, "2024年", A_DATE),
        (Format.DATE, "2024-02-30", A_DATE),
        (Format.DATE, "已完成", A_DATE),
        (Format.DATE, 45356.0, A_DATE),
        (Format.DATE, date(1905, 7, 16), "a date between the years {first} and {last}"),
        (Format.BOOL, "待定", "是 or 否"),
        (Format.CLASSIFIED, "待定", "是 or 否"),
        (Format.INT, "约20", "a whole number"),
        (Format.INT, 2.5, "a whole number"),
        (Format.SCORE, "120", "a score or percentage between 0 and 100"),
        (Format.RISKS, "3(5个已整改)", "a count such as 10, or 10(5个已整改)"),
        (Format.MLPS_LEVEL, "六级", "a level such as 三级, 第三级, S3A3G3 or 3"),
        (Format.PROJECT_KIND, "其他", "one of {choices}"),
        (Format.USCC, "11420682011158671F",
         "a unified social credit code of 18 characters whose check character is right, as text"),
        (Format.USCC, 114206820111586710.0,
         AS_TEXT),
        (Format.CODE, 4206001234500001.0, AS_TEXT),
        (Format.CODE, "4.20600E+15", AS_TEXT),
        (Format.CODE, date(2024, 3, 1), "an identifier stored as text, not a date or a yes"),
        (Format.STRICT_CODE, 42.0, AS_TEXT),
        (Format.CIDRS, "10.1.1.0/33", NETWORKS),
        (Format.CIDRS, "10.1", NETWORKS),
        (Format.CIDRS, "10.1.1.50-10.1.1.10", NETWORKS),
        (Format.CIDRS, "0.0.0.0/0", NETWORKS),
        (Format.ADDRESSES, "10.1.1.256", "an address such as 10.1.1.10"),
        (Format.MACS, "fa:16:3e", "MAC addresses such as fa:16:3e:00:00:01"),
        (Format.TEXT, "evil\x1b[2J", "text without control characters"),
        (Format.TEXT, BadCell("#REF!", msg("a value, not an error")), "a value, not an error"),
    ],
)  # fmt: skip
def test_what_cannot_be_understood_is_refused_with_the_expectation(form: Format, value: object, expected: str) -> None:
    with pytest.raises(CellError) as caught:
        read(form, value)

    assert caught.value.expected.id == expected
    assert not caught.value.keeps_row


def test_a_numeric_filing_number_is_kept_and_said_to_be_unreliable() -> None:
    """It must be seen (reuse is a finding), and it must not be believed: the 16th digit is lost."""
    with pytest.raises(CellError) as caught:
        read(Format.FILING_NUMBER, 4206001234500001.0)

    assert caught.value.keeps_row
    assert caught.value.instead == "4206001234500001"


@pytest.mark.parametrize("value", ["2015年", "2015年6月", "2015-06"])
def test_a_coarse_date_costs_the_date_and_not_the_row(value: str) -> None:
    """Most legacy systems have no day; without the row their hosts would belong to nobody."""
    with pytest.raises(CellError) as caught:
        read(Format.COARSE_DATE, value)

    assert caught.value.keeps_row
    assert caught.value.instead is None


def test_forbidden_words_hold_each_part_of_a_cell_and_ranges_as_networks() -> None:
    words = set(forbidden_words("web-01、10.9.9.8-10.9.9.9"))

    assert {"web-01", "10.9.9.8-10.9.9.9", "10.9.9.8/31"} <= words


@given(st.text())
def test_shown_text_is_short_and_without_control_characters(text: str) -> None:
    told = shown(text)

    assert len(told) <= 80
    assert not any(ord(c) < 32 or 127 <= ord(c) < 160 for c in told)


@given(st.sampled_from(list(Format)), st.one_of(st.text(), st.floats(), st.integers(), st.booleans(), st.dates()))
def test_any_cell_is_a_value_or_a_refusal(form: Format, value: object) -> None:
    """What stands in a cell is hostile: nothing but CellError may come of it."""
    with contextlib.suppress(CellError):
        read(form, value)


@given(st.lists(st.from_regex(r"[A-Z]-[0-9]{1,4}", fullmatch=True), unique=True))
def test_splitting_joins_back(codes: list[str]) -> None:
    assert split("、".join(codes)) == tuple(codes)
