"""Every sentence that a person may read has its Chinese, and what is shipped is what the sources say."""

import io
import string
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir, extract_from_file
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

from inventory.text import LOCALE_DIR, ROOMS

ROOT = Path(__file__).parents[1]
KEYWORDS = {"msg": None, "mark": None, "gettext": None, "_": None}
WORDS = LOCALE_DIR / "zh_CN" / "LC_MESSAGES"


def sentences(room: str) -> set[str]:
    """Every msgid in the code of one room."""
    found = extract_from_dir(ROOT / room, method_map=[("**.py", "python"), ("**.j2", "jinja2")], keywords=KEYWORDS)
    told = {str(m[2]) for m in found}
    if room == "commands":  # what cli.py says is of the room that it wires
        told |= {str(m[1]) for m in extract_from_file("python", ROOT / "cli.py", keywords=KEYWORDS)}
    return told


def catalogue(room: str) -> Catalog:
    return read_po((WORDS / f"{room}.po").open("rb"), locale="zh_CN")


@pytest.fixture(scope="module")
def known() -> dict[str, str]:
    """Every sentence of every catalogue: `inventory.text` falls back from one to the next."""
    return {str(m.id): str(m.string) for room in ROOMS for m in catalogue(room) if m.id and m.string}


@pytest.mark.parametrize("room", ROOMS)
def test_every_sentence_of_the_code_has_its_chinese(room: str, known: dict[str, str]) -> None:
    found = sentences(room)

    assert found, f"nothing was extracted from {room}"
    assert sorted(found - set(known)) == []


def test_a_translation_names_the_values_that_its_sentence_names(known: dict[str, str]) -> None:
    """Else the reader gets a crash or a sentence without its numbers."""

    def values(sentence: str) -> set[str]:
        return {field for _, field, _, _ in string.Formatter().parse(sentence) if field}

    assert [s for s, translated in known.items() if "{" in s and values(s) != values(translated)] == []


@pytest.mark.parametrize("room", ROOMS)
def test_what_is_shipped_is_what_the_sources_say(room: str) -> None:
    """`make messages` compiles them; a stale file would show yesterday's words."""
    shipped = read_mo(io.BytesIO((WORDS / f"{room}.mo").read_bytes()))

    assert {m.id: m.string for m in shipped if m.id} == {m.id: m.string for m in catalogue(room) if m.id and m.string}


def test_no_part_of_a_catalogue_is_left_beside_it() -> None:
    assert {p.stem for p in WORDS.glob("*.po")} == set(ROOMS)
