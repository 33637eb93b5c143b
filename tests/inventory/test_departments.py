"""Units and their names over time: the code decides, then the name of the day; nobody is picked between two."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledgers import NOON

from inventory.alias import Alias, AliasBook, AliasKind
from inventory.departments import Directory
from inventory.records import DatedName, Department

OLD, NEW = "11420682011158671E", "12420682767444440U"
TODAY = date(2026, 11, 1)


def unit(name: str, **more: object) -> Department:
    native_id = f"{more.get('code') or name}#{name}"
    return Department(source="ledger:l", native_id=native_id, observed_at=NOON, name=name, **more)  # type: ignore[arg-type]


BUREAU = unit("市大数据局", code=OLD, valid_to=date(2024, 2, 28))
RENAMED = unit("市数据局", code=OLD, valid_from=date(2024, 3, 1))
BEFORE = DatedName(name="市数据局", valid_from=date(2015, 1, 1), valid_to=date(2019, 12, 31))
SUCCESSOR = unit("市城运中心", code=NEW, dated_names=(BEFORE,))


def test_a_renamed_unit_is_one_unit_under_its_present_name() -> None:
    directory = Directory([BUREAU, RENAMED], today=TODAY)

    assert directory.shown("市大数据局") == directory.shown("市数据局") == "市数据局"
    assert [(d.name, d.code) for d in directory.units] == [("市数据局", OLD)]
    assert directory.units[0].dated_names == (DatedName(name="市大数据局", valid_to=date(2024, 2, 28)),)


def test_a_scan_of_an_earlier_day_shows_the_name_of_that_day() -> None:
    assert Directory([BUREAU, RENAMED], today=date(2023, 5, 1)).shown("市数据局") == "市大数据局"


def test_the_code_decides_whatever_name_stands_beside_it() -> None:
    directory = Directory([BUREAU, RENAMED, SUCCESSOR], today=TODAY)

    assert directory.shown("市数据局", code=NEW) == "市城运中心"
    assert directory.shown(None, code=OLD) == "市数据局"
    assert directory.shown(OLD) == "市数据局"


@pytest.mark.parametrize(
    ("day", "shown"), [(None, "市数据局"), (date(2025, 1, 1), "市数据局"), (date(2018, 1, 1), None)]
)
def test_a_present_name_that_another_unit_bore_then_means_neither(day: date | None, shown: str | None) -> None:
    """A project of 2018 in today's register: whether the name is that of its day or of today, nobody can tell."""
    assert Directory([BUREAU, RENAMED, SUCCESSOR], today=TODAY).shown("市数据局", on=(day,)) == shown


def test_a_project_that_lacks_one_of_its_days_is_read_by_the_days_that_it_has() -> None:
    """Approved in 2018 and not yet accepted: the day that nobody wrote down settles nothing and stops nothing."""
    known = Directory([BUREAU, RENAMED, SUCCESSOR], today=TODAY)

    assert known.shown("市数据局", on=(date(2018, 1, 1), None)) is None
    assert known.shown("市数据局", on=(date(2025, 1, 1), None)) == "市数据局"


@pytest.mark.parametrize(
    ("day", "shown"),
    [
        (date(2010, 1, 1), "甲局"),
        (date(2012, 12, 31), "甲局"),
        (date(2013, 1, 1), "乙局"),
        (date(2015, 1, 1), "乙局"),
        (date(2018, 12, 31), "乙局"),
        (date(2019, 1, 1), "市信息办"),
        (None, "市信息办"),
    ],
)
def test_a_former_name_of_two_units_is_told_apart_by_the_day(day: date | None, shown: str) -> None:
    first = unit("甲局", dated_names=(DatedName(name="市信息办", valid_to=date(2012, 12, 31)),))
    later = DatedName(name="市信息办", valid_from=date(2013, 1, 1), valid_to=date(2018, 12, 31))

    assert Directory([first, unit("乙局", dated_names=(later,))], today=TODAY).shown("市信息办", on=(day,)) == shown


def test_a_name_that_two_units_bear_today_means_neither() -> None:
    """Once the first row won: its findings went to a department that had nothing to do with them."""
    directory = Directory(
        [unit("市教育局", other_names=("教育局",)), unit("区教育局", other_names=("教育局",))], today=TODAY
    )

    assert directory.shown("教育局") == "教育局"
    assert directory.shown("市教育局") == "市教育局"


def test_brackets_and_full_width_forms_are_one_name_and_shown_as_registered() -> None:
    directory = Directory([unit("市数据局〔筹〕", other_names=("ＯＡ中心",))], today=TODAY)

    for written in ("市数据局[筹]", "市数据局【筹】", "市 数据局〔筹〕", "OA中心", "oa中心"):
        assert directory.shown(written) == "市数据局〔筹〕"


def test_a_row_without_a_code_joins_the_unit_of_its_name() -> None:
    directory = Directory([RENAMED, unit("市数据局", other_names=("数据局",))], today=TODAY)

    assert [d.code for d in directory.units] == [OLD]
    assert directory.shown("数据局") == "市数据局"


@given(st.permutations([BUREAU, RENAMED, SUCCESSOR, unit("市教育局"), unit("市数据局", other_names=("数据局",))]))
def test_the_order_of_the_rows_leaves_no_trace(rows: list[Department]) -> None:
    first = Directory(
        [BUREAU, RENAMED, SUCCESSOR, unit("市教育局"), unit("市数据局", other_names=("数据局",))], today=TODAY
    )
    other = Directory(rows, today=TODAY)

    assert other.units == first.units
    for name in ("市数据局", "数据局", "市大数据局", "市教育局"):
        assert other.shown(name) == first.shown(name)


@given(
    st.lists(st.sampled_from([BUREAU, RENAMED, SUCCESSOR, unit("市数据局", code=NEW),
                              unit("市教育局", other_names=("数据局",))])),
    st.sampled_from(["市数据局", "市大数据局", "数据局", "市城运中心", "没有的局"]),
    st.sampled_from([date(2014, 1, 1), date(2018, 1, 1), date(2024, 3, 1), None]),
    st.sampled_from([None, "市城运中心", "市数据局", "没有的局"]),
)  # fmt: skip
def test_what_is_shown_is_the_unit_that_is_meant_or_nobody_s_present_name(
    rows: list[Department], name: str, day: date | None, confirmed: str | None
) -> None:
    """Whoever reads a present name takes it for that unit's."""
    said = [
        Alias(kind=AliasKind.DEPARTMENT_NAME, written=name, department=target, confirmed_by="王敏", confirmed_on=TODAY,
              why="电话核实") for target in [confirmed] if target
    ]  # fmt: skip
    known = Directory(rows, today=TODAY, aliases=AliasBook(said, today=TODAY))

    shown = known.shown(name, on=(day,), record="ledger:p|project|1")

    meant = known.meant(name, on=(day,), record="ledger:p|project|1")
    present = {u.name for u in known.units}
    assert shown == meant if meant else shown is None if name in present else shown == name


def test_a_unit_none_of_whose_names_holds_today_is_shown_by_its_newest() -> None:
    """Dissolved: what it was called last is what its projects are told by."""
    rows = [
        unit("市信息办", code=OLD, valid_from=date(2008, 1, 1), valid_to=date(2014, 12, 31)),
        unit("市大数据局", code=OLD, valid_from=date(2015, 1, 1), valid_to=date(2024, 2, 28)),
        unit("市政府办信息科", code=OLD, valid_to=date(2007, 12, 31)),
    ]

    for order in (rows, rows[::-1]):
        (only,) = Directory(order, today=TODAY).units
        assert only.name == "市大数据局"
        assert [(n.name, n.valid_from, n.valid_to) for n in only.dated_names] == [
            ("市信息办", date(2008, 1, 1), date(2014, 12, 31)),
            ("市政府办信息科", None, date(2007, 12, 31)),
        ]


@pytest.mark.parametrize("day", [date(2024, 3, 1), date(2024, 2, 28)])
def test_a_name_holds_from_its_first_day_through_its_last(day: date) -> None:
    shown = Directory([BUREAU, RENAMED], today=day).shown("市大数据局")

    assert shown == ("市数据局" if day == date(2024, 3, 1) else "市大数据局")


def test_a_row_without_a_code_whose_name_two_units_bear_is_neither() -> None:
    first, second, third = unit("市数据局", code=OLD), unit("市数据局", code=NEW), unit("市数据局")

    assert [d.code for d in Directory([first, second, third], today=TODAY).units] == [OLD, NEW, None]


def test_a_code_that_the_register_does_not_have_leaves_the_name() -> None:
    directory = Directory([RENAMED, SUCCESSOR], today=TODAY)

    assert directory.shown("市城运中心", code="91420682MA00000000") == "市城运中心"
    assert directory.meant("没有的局", code="91420682MA00000000") is None
    assert directory.meant("市数据局", code=f" {NEW.lower()} ") == "市城运中心"


def test_names_of_all_rows_of_a_unit_are_kept_once() -> None:
    rows = [
        unit("市数据局", code=OLD, other_names=("数据局", "大数据局"), valid_from=date(2024, 3, 1)),
        unit("市大数据局", code=OLD, other_names=("大数据局", "数据中心"), valid_to=date(2024, 2, 28),
             dated_names=(DatedName(name="市数据局", valid_to=date(2010, 1, 1)), BEFORE)),
    ]  # fmt: skip
    (only,) = Directory(rows, today=TODAY).units

    assert only.other_names == ("数据局", "大数据局", "数据中心")
    assert [n.name for n in only.dated_names] == ["市大数据局"]


def test_whether_any_register_of_units_was_read() -> None:
    assert Directory([RENAMED], today=TODAY)
    assert not Directory([], today=TODAY)
    assert Directory([], today=TODAY).shown(None) is None
    assert Directory([], today=TODAY).shown("市数据局") == "市数据局"
