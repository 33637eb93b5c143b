"""投资项目代码: shape, month and region; nothing is claimed of its check character."""

import pytest

from inventory.names import normalise
from inventory.national_code import doubt_of


@pytest.mark.parametrize(
    "code",
    [
        "2401-420682-04-04-123456",
        "２４０１－４２０６８２－０４－０４－１２３４５６",
        "2412-420682-04-04-12345X",
        "2018-420682-04-04-123456",
        "2012-420682-04-04-123456",
        "2401-000000-04-04-123456",
    ],
)
def test_a_code_of_either_age_is_not_doubted(code: str) -> None:
    """2018 is a year and no month of 2020; 2012 may be either."""
    assert doubt_of(code) is None


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("2401-420682-04-04-12345", "expected 24 characters"),
        ("2401420682040412345", "expected 24 characters"),
        ("240I-420682-04-04-123456", "expected 24 characters"),
        ("2413-420682-04-04-123456", "{month} is no month"),
        ("2400-420682-04-04-123456", "{month} is no month"),
        ("2401-990682-04-04-123456", "{region} is no province"),
    ],
)
def test_what_is_wrong_with_a_code_is_said(code: str, why: str) -> None:
    doubt = doubt_of(code)

    assert doubt is not None
    assert why in doubt.id
    assert doubt.args["code"] == code


@pytest.mark.parametrize(
    "written", ["河政规[2024]1号", "河政规【2024】1号", "河政规〔2024〕１号", "河政规 〔2024〕1号"]
)
def test_document_numbers_are_one_however_their_brackets_are_typed(written: str) -> None:
    """NFKC alone leaves 〔〕 as they are."""
    assert normalise(written) == normalise("河政规〔2024〕1号")
