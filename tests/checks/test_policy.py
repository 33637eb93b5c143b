"""The policy and the term of its basis."""

from datetime import date

import builders as b
import pytest
from verdicts import english

from checks.policy import Policy, basis_warnings
from checks.regulation import load_pack
from inventory.holidays import HolidayTable
from inventory.scan import PackText, ScanOptions
from inventory.settings import Platform, PolicyChoices
from inventory.text import tell
from inventory.waiver import Selector, Waiver


def test_it_is_made_from_the_options_of_a_scan() -> None:
    options = ScanOptions(
        city="老河口市",
        filing_regions=("420600",),
        platform=Platform(name="云", filing_number="42060000001-00001"),
        policy=PolicyChoices(sharing_level=3),
        fresh_hours=24,
    )

    made = Policy.from_options(options)

    assert (made.city, made.platform_name, made.filing_regions, made.fresh_hours) == ("老河口市", "云", ("420600",), 24)
    assert made.choices.sharing_level == 3
    assert made.label == "laohekou-2024 1"
    assert made.platform_filing_number == "42060000001-00001"


WAIVER = Waiver(
    id="W-1", check="18-supervision", selector=Selector(subject="P-1"), reason="r", requester="a", approver="b",
    document="文", starts_on=date(2026, 1, 1), expires_on=date(2026, 12, 31),
)  # fmt: skip


def test_days_off_waivers_and_the_digest_of_the_scan_are_the_options_own() -> None:
    new_year = HolidayTable(years=(2027,), holidays=(date(2027, 1, 4),))

    made = Policy.from_options(
        ScanOptions(city="x", pack=PackText(digest="0" * 64), calendar=new_year, waivers=(WAIVER,))
    )

    assert made.calendar.after(date(2026, 12, 31), 1).day == date(2027, 1, 1)
    assert made.calendar.after(date(2027, 1, 1), 1).day == date(2027, 1, 5)
    assert made.waivers == (WAIVER,)
    assert (made.recorded_digest, made.digest) == ("0" * 64, "0" * 64)
    assert made.pack == load_pack()
    assert (made.platform_name, made.platform_filing_number) == ("大数据中心政务云", None)


def test_what_is_not_chosen_is_the_rule_s() -> None:
    plain, chosen = b.policy(), b.policy(PolicyChoices(legacy_deadline=date(2027, 1, 1)))

    assert plain.digest == load_pack().digest
    assert (plain.effective_from, plain.expires_on) == (date(2024, 1, 15), date(2029, 1, 14))
    assert (plain.legacy_deadline, chosen.legacy_deadline) == (None, date(2027, 1, 1))
    assert plain.regions == ("湖北省", "襄阳市", "老河口市")
    assert b.policy(city="枣阳市").regions == ("湖北省", "襄阳市", "老河口市", "枣阳市")
    assert b.policy(city="").regions == ("湖北省", "襄阳市", "老河口市")


@pytest.mark.parametrize(("level", "months"), [(1, None), (2, 24), (3, 12), (4, 12), (5, 12)])
def test_the_longest_time_between_two_assessments(level: int, months: int | None) -> None:
    """公网安〔2025〕1846号 Q11: yearly from level 3; level 2 every two years by practice."""
    assert b.policy().assessment_months(level) == months


def test_offices_are_called_in_the_reader_s_language_and_in_the_rule_s_words() -> None:
    policy = b.policy()

    assert (english(policy.centre), tell(policy.centre)) == ("the city operations centre", "市城市运行管理中心")
    assert (english(policy.finance), tell(policy.finance)) == ("the finance bureau", "市财政局")


@pytest.mark.parametrize(
    ("today", "words"),
    [
        (date(2024, 1, 14), "takes effect on 2024-01-15"),
        (date(2024, 1, 15), None),
        (date(2028, 7, 17), None),
        (date(2028, 7, 18), "180 day(s)"),
        (date(2029, 1, 14), "0 day(s)"),
        (date(2029, 1, 15), "expired"),
    ],
)
def test_the_term_of_the_regulation(today: date, words: str | None) -> None:
    """Five years from 2024-01-15: through 2029-01-14, announced 180 days ahead."""
    told = [english(m) for m in basis_warnings(b.policy(), today)]

    assert (not told) if words is None else words in told[0]


TITLE = "老河口市本级信息化和智慧城市项目管理办法"


@pytest.mark.parametrize(
    ("today", "sentence"),
    [
        (date(2024, 1, 14), f"{TITLE} (河政规〔2024〕1号) takes effect on 2024-01-15; every verdict is ahead of it"),
        (date(2029, 1, 4), (f"{TITLE} (河政规〔2024〕1号) holds until 2029-01-14, 10 day(s) from now; "
                           "its successor is needed")),
        (date(2029, 1, 15), (f"the basis has expired: {TITLE} (河政规〔2024〕1号) held until 2029-01-14; "
                            "its successor must be named")),
    ],
)  # fmt: skip
def test_a_warning_names_the_rule_its_number_and_the_day(today: date, sentence: str) -> None:
    assert [english(m) for m in basis_warnings(b.policy(), today)] == [sentence]


def test_a_pack_that_is_not_the_one_of_the_scan_and_an_excerpt_are_told_first() -> None:
    pack = b.with_fields(load_pack(), is_excerpt=True, digest="b" * 64)

    told = [english(m) for m in basis_warnings(b.policy(pack=pack, recorded_digest="a" * 64), date(2029, 1, 15))]

    assert told[:2] == [
        (
            f"the scan was judged by laohekou-2024 with digest {'a' * 16}; the program now brings it with {'b' * 16}: "
            "texts shown may differ from those that were applied"
        ),
        f"{TITLE} is kept in excerpts: articles that are not quoted were not looked at",
    ]
    assert len(told) == 3


@pytest.mark.parametrize(
    ("on", "template"),
    [
        (date(2018, 6, 1), "2015"),
        (date(2019, 11, 30), "2015"),
        (date(2019, 12, 1), "2019/2021"),
        (date(2024, 5, 1), "2019/2021"),
        (date(2025, 3, 19), "2019/2021"),
        (date(2025, 3, 20), "2025"),
    ],
)
def test_the_template_of_a_report_is_told_by_its_date(on: date, template: str) -> None:
    found = b.policy().template_of(on)

    assert found is not None
    assert found.template == template


def test_a_day_of_no_template_has_none() -> None:
    pack = load_pack()
    later = b.with_fields(pack.parameters, conclusions=pack.parameters.conclusions[1:])

    assert b.policy(pack=b.with_fields(pack, parameters=later)).template_of(date(2019, 11, 30)) is None
