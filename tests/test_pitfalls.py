"""The page that says which test holds which rule names tests that there are."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_every_named_test_is_there() -> None:
    """A rule whose test was renamed away would stand on the page and nowhere else."""
    named = set(re.findall(r"`(test_\w+)`", (ROOT / "docs" / "pitfalls.md").read_text(encoding="utf-8")))
    there = {
        node.name
        for path in (ROOT / "tests").rglob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
    }

    assert named
    assert sorted(named - there) == []
