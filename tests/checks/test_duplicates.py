"""16-duplicate: names propose, people decide."""

import builders as b
from verdicts import english, finding_on, verdict_on

from checks.check import mended
from checks.duplicates import CHECK
from inventory.coverage import CellState
from inventory.inventory import Inventory
from inventory.records import Funding
from inventory.settings import PolicyChoices


def city(*names: str, **fields: object) -> Inventory:
    systems = tuple(b.system(f"S-{n}", name=name, funding=Funding.GOVERNMENT) for n, name in enumerate(names, 1))
    return b.inventory(systems=systems, **fields)


def test_other_generations_of_one_thing_are_not_two_things() -> None:
    """A ratio of 90 % between 一期 and 二期: the numbers veto; one number alone is the next edition."""
    for one, other in [
        ("智慧社区管理平台一期", "智慧社区管理平台二期"),
        ("应急指挥平台V1.0", "应急指挥平台V2.0"),
        ("普查系统(2020年)", "普查系统(2030年)"),
        ("智慧社区管理平台", "智慧社区管理平台二期"),
    ]:
        assert verdict_on(CHECK, city(one, other), "system/S-1") == "pass"


def test_the_pair_that_a_plain_ratio_misses_is_proposed() -> None:
    """老河口市数字城管综合管理平台 and 数字城管平台 are 60 % alike as they stand."""
    found = finding_on(CHECK, city("老河口市数字城管综合管理平台", "数字城管平台"), "system/S-1")

    assert found.verdict.value == "advisory"
    assert "S-2 数字城管平台" in english(found.reason)


def test_what_is_not_alike_passes_and_says_with_how_many_it_was_compared() -> None:
    found = finding_on(CHECK, city("学籍系统", "不动产登记系统", "公交调度系统"), "system/S-1")

    assert found.verdict.value == "pass"
    assert "2 other system(s)" in english(found.reason)


def test_the_owner_sets_the_likeness() -> None:
    pair = city("水资源管理系统", "水资源监测系统")

    assert verdict_on(CHECK, pair, "system/S-1", b.policy(PolicyChoices(duplicate_similarity=100))) == "pass"
    assert verdict_on(CHECK, pair, "system/S-1", b.policy(PolicyChoices(duplicate_similarity=50))) == "advisory"


def test_half_a_register_may_hold_the_other_one() -> None:
    cut = b.coverage(b.cell(b.REGISTER, "system", CellState.PARTIAL))

    assert verdict_on(CHECK, city("学籍系统", coverage=cut), "system/S-1") == "unknown"


def test_a_row_that_is_alike_by_two_of_its_words_is_to_be_mended_once() -> None:
    """A register writes a system's name and its short form: both are in the row that could not be read."""
    row = b.rejection("S-9", "数字城管平台", "老河口市数字城管系统")
    found = finding_on(CHECK, city("数字城管平台", coverage=b.coverage(rejections=[row])), "system/S-1")

    assert found.verdict.value == "unknown"
    assert [english(m) for m in found.missing] == [english(mended(row))]


def test_a_retired_system_is_no_duplicate() -> None:
    systems = (
        b.system(name="数字城管平台", funding=Funding.GOVERNMENT),
        b.system("S-2", name="数字城管系统", funding=Funding.GOVERNMENT, is_retired=True),
    )

    assert verdict_on(CHECK, b.inventory(systems=systems), "system/S-1") == "pass"


def test_it_never_fails() -> None:
    same = city("数字城管平台", "数字城管平台", "数字城管平台")

    assert {verdict_on(CHECK, same, f"system/S-{n}") for n in (1, 2, 3)} == {"advisory"}


def test_a_likeness_that_just_reaches_what_the_owner_set_is_proposed() -> None:
    """The two are 75 % alike."""
    pair = city("水资源管理系统", "水资源监测系统")

    assert verdict_on(CHECK, pair, "system/S-1", b.policy(PolicyChoices(duplicate_similarity=75))) == "advisory"
    assert verdict_on(CHECK, pair, "system/S-1", b.policy(PolicyChoices(duplicate_similarity=76))) == "pass"


def test_the_most_alike_is_named_first() -> None:
    """Who looks at one pair only looks at the likeliest."""
    three = city("水资源管理系统", "水资源监测系统", "水资源管理平台")
    found = finding_on(CHECK, three, "system/S-1", b.policy(PolicyChoices(duplicate_similarity=70)))

    assert english(found.reason).endswith("S-3 水资源管理平台 (市教育局, 100 %), S-2 水资源监测系统 (市教育局, 75 %)")
