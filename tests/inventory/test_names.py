"""Names as people type them: what is one name, what is two, and what says nothing."""

import pytest

from inventory.names import is_null, normalise


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("教育资源平台", " 教育 资源\u3000平台\n"),
        ("教育资源平台", "《教育资源平台》"),
        ("教育资源平台", "“教育资源平台”"),
        ("教育资源平台", "教育\u200b资源\ufeff平台"),
        ("教育资源平台(二期)", "教育资源平台（二期）"),
        ("云数函〔2026〕3号", "云数函[2026]3号"),
        ("云数函〔2026〕3号", "云数函【2026】3号"),
        ("云数函〔2026〕3号", "云数函［２０２６］３号"),
        ("EDU-Web-1", "edu-web-1"),
        ("EDU-Web-1", "ｅｄｕ－ｗｅｂ－１"),
        ("[2026]", "〔2026〕"),
        ("S-1", "'s - 1'"),
        ('"S-1"', "s\t-1"),
    ],
)
def test_one_name_however_it_is_typed(one: str, other: str) -> None:
    assert normalise(one) == normalise(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("教育资源平台一期", "教育资源平台二期"),
        ("教育资源平台", "教育资源平台(二期)"),
        ("edu-web-1", "edu-web-11"),
        ("edu-web-1", "eduweb1"),
        ("3号", "3"),
    ],
)
def test_what_says_another_thing_stays_another_name(one: str, other: str) -> None:
    assert normalise(one) != normalise(other)


def test_letters_of_one_name_are_those_of_its_longer_form() -> None:
    """Plain ASCII takes a shorter way, which must come to the same."""
    ascii_text = "".join(map(chr, range(128)))
    assert normalise(ascii_text + "号") == normalise(ascii_text) + "号"


def test_a_text_of_any_length_is_folded_alike() -> None:
    """A document is not remembered as a name is; what it comes to is the same."""
    assert normalise("《教育 Web》" * 100) == normalise("《教育 Web》") * 100


@pytest.mark.parametrize("text", ["", "  ", "-", "——", "无", " 暂无 ", "N/A", "Ｎ／Ａ", "NULL", "无此项"])
def test_a_cell_that_says_nothing(text: str) -> None:
    assert is_null(text)


@pytest.mark.parametrize("text", ["0", "否", "无锡", "n", "未填写完"])
def test_a_cell_that_says_something(text: str) -> None:
    assert not is_null(text)
