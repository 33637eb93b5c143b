"""The file of confirmed names: what holds, and what is told instead."""

from datetime import date
from pathlib import Path

import pytest

from collectors.alias_file import read_aliases
from inventory.alias import Alias, AliasKind, Answer
from inventory.settings import ConfigError
from inventory.text import tell

ENTRY = """\
  - kind: system_name
    written: 城管系统
    system: S-1
    confirmed_by: 王敏
    confirmed_on: 2026-11-20
    why: 与建设单位电话核实
"""


def yaml_file(folder: Path, text: str) -> Path:
    path = folder / "别名.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_an_entry_says_everything_that_a_person_may_say(tmp_path: Path) -> None:
    more = """\
  - {kind: host, written: 10.1.1.5, zone: 政务外网区, source: "ssh:county", project: P-1, answer: same,
     confirmed_by: 王敏, confirmed_on: 2026-11-20, why: 现场核对, valid_from: 2026-01-01, valid_to: 2026-12-31}
  - {kind: tenant, written: edu, department: 市教育局, answer: different,
     confirmed_by: 李强, confirmed_on: 2026-11-21, why: 租户属水利局}
"""
    read = read_aliases(yaml_file(tmp_path, "aliases:\n" + ENTRY + more))

    assert read.problems == ()
    assert read.aliases == (
        Alias(kind=AliasKind.SYSTEM_NAME, written="城管系统", system="S-1", confirmed_by="王敏",
              confirmed_on=date(2026, 11, 20), why="与建设单位电话核实", origin="别名.yaml[1]"),
        Alias(kind=AliasKind.HOST, written="10.1.1.5", zone="政务外网区", source="ssh:county", project="P-1",
              confirmed_by="王敏", confirmed_on=date(2026, 11, 20), why="现场核对", valid_from=date(2026, 1, 1),
              valid_to=date(2026, 12, 31), origin="别名.yaml[2]"),
        Alias(kind=AliasKind.TENANT, written="edu", department="市教育局", answer=Answer.DIFFERENT, confirmed_by="李强",
              confirmed_on=date(2026, 11, 21), why="租户属水利局", origin="别名.yaml[3]"),
    )  # fmt: skip


@pytest.mark.parametrize("text", ["aliases:\n", "aliases: []\n", "aliases:\n#? - kind: system_name\n"])
def test_proposals_alone_confirm_nothing(tmp_path: Path, text: str) -> None:
    read = read_aliases(yaml_file(tmp_path, text))

    assert (read.aliases, read.problems) == ((), ())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("    confirmed_by: 王敏\n", ""), "confirmed_by"),
        (("confirmed_by: 王敏", "confirmed_by:"), "$.confirmed_by"),
        (("confirmed_on: 2026-11-20", "confirmed_on: soon"), "$.confirmed_on"),
        (("why: 与建设单位电话核实", "why: ''"), "$.why"),
        (("system: S-1", "sistem: S-1"), "sistem"),
        (("kind: system_name", "kind: systems"), "systems"),
        (("written: 城管系统", "written: 7"), "$.written"),
        (("written: 城管系统", 'written: "《 》"'), "written"),
        (("system: S-1", "project: P-1"), "a system_name means one system; it names project"),
        (("    system: S-1\n", ""), "it names -"),
        (("system: S-1", "system: S-1\n    project: P-1"), "it names system, project"),
        (("system: S-1", "system: S-1\n    answer:"), "$.answer"),
        (("system: S-1", "system: S-1\n    answer: perhaps"), "perhaps"),
        (("system: S-1", "system: S-1\n    source: 等保台账"), "$.source"),
        (("system: S-1", "system: S-1\n    zone: 甲"), "zone"),
        (("system: S-1", "system: S-1\n    valid_from: 2026-05-01\n    valid_to: 2026-04-30"), "2026-04-30"),
        (("system: S-1", "system: S-1\n    answer: different\n    valid_to: 2026-04-30"), "for ever"),
    ],
)
def test_an_entry_that_cannot_be_used_confirms_nothing_and_is_told_with_its_place(
    tmp_path: Path, change: tuple[str, str], words: str
) -> None:
    broken = ENTRY.replace(*change)
    second = ENTRY.replace("城管系统", "水务系统")
    assert broken != ENTRY

    read = read_aliases(yaml_file(tmp_path, "aliases:\n" + broken + second))

    assert [a.written for a in read.aliases] == ["水务系统"]
    (told,) = (tell(p, "en") for p in read.problems)
    assert told.startswith("别名.yaml[1]: ")
    assert words in told
    assert told.endswith("; it confirms nothing")


def test_what_is_said_twice_is_told_and_holds_once(tmp_path: Path) -> None:
    again = ENTRY.replace("城管系统", "“城管 系统”").replace("王敏", "李强")

    read = read_aliases(yaml_file(tmp_path, "aliases:\n" + ENTRY + again))

    assert [a.confirmed_by for a in read.aliases] == ["王敏"]
    assert "别名.yaml[2]: 别名.yaml[1] says the same already" in tell(read.problems[0], "en")


@pytest.mark.parametrize(
    "text",
    ["", "[]", "aliases: 3", "aliases: []\nmore: 1", "waivers: []", "aliases:\n - &a {}\n - *a", "aliases: {", "\t"],
)
def test_a_file_of_another_kind_is_an_error(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match=r"别名\.yaml"):
        read_aliases(yaml_file(tmp_path, text))


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_aliases(tmp_path / "none.yaml")


def test_an_entry_that_is_no_table_is_told(tmp_path: Path) -> None:
    read = read_aliases(yaml_file(tmp_path, "aliases:\n  - 城管系统\n"))

    assert "expected keys and values" in tell(read.problems[0], "en")
