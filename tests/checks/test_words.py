"""Every sentence of the checks has a Chinese translation with the same values."""

import ast
import string
import tomllib
from collections.abc import Iterator
from pathlib import Path

from babel.messages.pofile import read_po

import checks
import inventory

ROOM = Path(checks.__file__).parent
CATALOGUE = Path(inventory.__file__).parent / "locale" / "zh_CN" / "LC_MESSAGES" / "checks.po"


def sentences() -> Iterator[str]:
    for path in sorted(ROOM.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("msg", "mark"):
                for text in node.args[:1]:
                    if isinstance(text, ast.Constant):
                        yield str(text.value)
    for path in sorted((ROOM / "regulations").glob("*.toml")):
        pack = tomllib.loads(path.read_text(encoding="utf-8"))
        yield from (a["why"] for a in pack["articles"].values() if "why" in a)


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_every_sentence_is_translated_and_none_is_left_over() -> None:
    with CATALOGUE.open("rb") as file:
        translated = {m.id: m.string for m in read_po(file) if m.id}

    assert set(sentences()) == set(translated)
    for sentence, chinese in translated.items():
        assert chinese, sentence
        assert fields(sentence) == fields(chinese), sentence
        assert "违法" not in chinese
