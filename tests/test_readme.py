"""What a newcomer reads first is true: the commands of both READMEs run as they stand in the example city."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest
from command import Yunhe
from services import need_program

ROOT = Path(__file__).parents[1]
REFUSED = {"init": 2, "scan": 3}
"""The folder has its configuration already; the city breaks the rule. All others end well."""


def commands(page: str) -> list[list[str]]:
    """The words of each command in the block on one night."""
    text = (ROOT / page).read_text(encoding="utf-8")
    (block,) = (b for b in re.findall(r"```sh\n(.*?)```", text, re.DOTALL) if "yunhe scan" in b)
    return [words for line in block.splitlines() if (words := shlex.split(line, comments=True))]


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md"])
def test_every_command_of_the_readme_runs_in_the_example_city(
    yunhe: Yunhe, city: Path, monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    monkeypatch.chdir(city.parent)
    told = commands(page)
    assert len(told) > 8

    for program, *words in told:
        if program == "yunhe":
            ran = yunhe(*words)
            assert (words, ran.code) == (words, REFUSED.get(words[0], 0)), ran.err
        else:
            subprocess.run([need_program(program), *words], check=True, capture_output=True, timeout=60)


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md", "CONTRIBUTING.md"])
def test_what_a_page_links_to_is_there(page: str) -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", (ROOT / page).read_text(encoding="utf-8"))

    assert [link for link in links if not (ROOT / link).exists()] == []


def test_both_readmes_tell_the_same_commands_and_exit_codes() -> None:
    pages = [(ROOT / page).read_text(encoding="utf-8") for page in ("README.md", "README.zh-CN.md")]
    # Names of files and of people are in the reader's language.
    verbs = [[words[:3] if words[0] == "openssl" else words[:2] for words in commands(page)]
             for page in ("README.md", "README.zh-CN.md")]  # fmt: skip
    codes = [re.findall(r"^\| (\d+) \|", page, re.MULTILINE) for page in pages]

    assert verbs[0] == verbs[1]
    assert codes[0] == codes[1]
