"""What ends a started program with ours is used where it works, and only there."""

import subprocess
from pathlib import Path

import pytest
from services import need_program

from collectors import child_process
from collectors.child_process import dies_with_us


def stand_in(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> Path:
    """A program `setpriv` that does this instead, which writes down that it was started."""
    program = folder / "setpriv"
    program.write_text(f'#!/bin/sh\necho >> "$0.starts"\n{script}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    return folder / "setpriv.starts"


def test_where_setpriv_can_it_starts_the_command() -> None:
    need_program("setpriv")

    assert subprocess.run([*dies_with_us(), "echo", "here"], check=True, capture_output=True).stdout == b"here\n"
    assert dies_with_us()


def test_without_it_nothing_stands_before_a_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert dies_with_us() == []


@pytest.mark.parametrize(
    "script", ["echo \"unrecognized option '$1'\" >&2; exit 1", "exec /bin/sleep 600"], ids=["old", "it hangs"]
)
def test_one_that_cannot_is_tried_once_and_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    """Of busybox and RHEL 8: every plugin of a kubeconfig once failed there, though kubectl worked."""
    monkeypatch.setattr(child_process, "_SECONDS", 0.5)
    starts = stand_in(tmp_path, monkeypatch, script)

    assert (dies_with_us(), dies_with_us()) == ([], [])
    assert starts.read_text() == "\n"


def test_one_that_does_not_start_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of another machine's kind, for example."""
    program = tmp_path / "setpriv"
    program.write_bytes(b"\x7fELF of something else")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert dies_with_us() == []
