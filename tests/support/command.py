"""Running the command `yunhe` in this process: exit code, standard output and standard error."""

import sys
from dataclasses import dataclass

import pytest

import cli
from commands import voice


@dataclass(frozen=True)
class Ran:
    """What one run of the command did."""

    code: int
    out: str
    err: str


class Yunhe:
    """`yunhe("scan", "-c", path)`: through the front door, errors and all."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def __call__(self, *arguments: object) -> Ran:
        self._monkeypatch.setattr(sys, "argv", ["yunhe", *(str(a) for a in arguments)])
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = self._capsys.readouterr()
        code = ended.value.code
        return Ran(code if isinstance(code, int) else 0 if code is None else 1, out, err)


@pytest.fixture
def yunhe(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Yunhe:
    """The command, speaking English."""
    monkeypatch.setattr(voice, "LOCALE", "en")
    monkeypatch.setenv("COLUMNS", "200")
    return Yunhe(monkeypatch, capsys)
