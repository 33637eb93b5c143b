"""The policy and the term of its basis."""

from datetime import date

import builders as b
import pytest
from verdicts import english

from checks.policy import Policy, basis_warnings
from inventory.scan import ScanOptions
from inventory.settings import Platform, PolicyChoices


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


@pytest.mark.parametrize(
    ("on", "template"),
    [
        (date(2018, 6, 1), "2015"),
        (date(2024, 5, 1), "2019/2021"),
        (date(2025, 3, 19), "2019/2021"),
        (date(2025, 3, 20), "2025"),
    ],
)
def test_the_template_of_a_report_is_told_by_its_date(on: date, template: str) -> None:
    found = b.policy().template_of(on)

    assert found is not None
    assert found.template == template
