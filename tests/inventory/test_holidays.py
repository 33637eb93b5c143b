"""The owner's table of working days, and small YAML files that people or strangers write."""

from datetime import date
from pathlib import Path

import pytest

from inventory.holidays import read_holidays
from inventory.settings import ConfigError
from inventory.yaml_text import YamlError, load_yaml


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_days_and_ranges_are_read(tmp_path: Path) -> None:
    path = written(
        tmp_path / "2027.yaml",
        "source: 国务院办公厅通知\nyears: [2027]\nholidays: [2027-01-01, 2027-02-05/2027-02-07]\n"
        "workdays: [2027-02-14]\n",
    )

    table = read_holidays(path)

    assert table.years == (2027,)
    assert table.holidays == (date(2027, 1, 1), date(2027, 2, 5), date(2027, 2, 6), date(2027, 2, 7))
    assert table.workdays == (date(2027, 2, 14),)
    assert table.source == "国务院办公厅通知"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("holidays: [2027-02-07/2027-02-05]", "earlier to later"),
        ("holidays: [2027-13-01]", "month must be in"),
        ("feast: [2027-01-01]", "feast"),
        ("years: [27]", "years"),
        ("years: [2027]\nyears: [2028]", "given twice"),
        ("holidays: [2027-01-01]\nworkdays: [2027-01-01]", "both a day off"),
        ("a: &a [1]\nb: *a", "aliases"),
        ("[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]", "nested"),
        ("!!python/object/apply:os.system [id]", "expected YAML"),
        ("holidays: [", "expected YAML"),
    ],
)
def test_what_is_no_table_is_said_with_the_file_s_name(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as told:
        read_holidays(written(tmp_path / "x.yaml", text))

    assert "x.yaml" in str(told.value)


def test_a_missing_file_is_an_error_of_the_config(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_holidays(tmp_path / "none.yaml")


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(YamlError, match="UTF-8"):
        load_yaml(b"\xff\xfe\x00")
