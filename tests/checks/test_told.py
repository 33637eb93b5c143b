"""What each check says, whole, of every case that the law tells apart: as the pages in `told/` have it."""

import pytest
import told_design
import told_hosts
import told_projects
import told_systems
from told import PAGES, page, told

from checks.catalogue import CATALOGUE

CASES = told_hosts.CASES | told_systems.CASES | told_projects.CASES | told_design.CASES


@pytest.mark.parametrize(("check", "name"), [(check, name) for check, cases in CASES.items() for name in cases])
def test_the_whole_opinion_is_what_the_page_says(check: str, name: str) -> None:
    assert told(check, CASES[check][name]) == page(check)[name]


@pytest.mark.parametrize("check", CASES)
def test_every_section_of_the_page_is_a_case(check: str) -> None:
    assert list(page(check)) == list(CASES[check])


def test_every_check_has_its_cases() -> None:
    assert set(CASES) == {c.id for c in CATALOGUE}


def test_every_page_is_of_a_check_or_of_what_no_single_check_decides() -> None:
    assert {p.stem for p in PAGES.iterdir()} == {*CASES, "run", "waivers", "due"}
