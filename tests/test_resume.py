"""A run that was killed goes on with `--resume`, and comes to what an undisturbed run comes to."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from json_server import Answer, JsonServer, json_server

ROOT = Path(__file__).parents[1]
CONFIG = """\
version = 1
[city]
name = "云泽市"
[[ledger]]
name = "systems"
kind = "systems"
path = "systems.csv"
[[sharing_api]]
name = "first"
url = "{url}/first"
token_env = "PLATFORM_TOKEN"
items = "list"
page_param = "page"
retries = 0
timeout = 60
[sharing_api.entries]
code = "code"
name = "code"
[[sharing_api]]
name = "second"
url = "{url}/second"
token_env = "PLATFORM_TOKEN"
items = "list"
page_param = "page"
retries = 0
timeout = 60
[sharing_api.entries]
code = "code"
name = "code"
"""
LEDGER = "系统编号,系统名称,建设单位,建设性质,资金来源,等保级别\nS-1,测试系统,市教育局,已建,财政,二级\n"


class Platform:
    """Two endpoints of two pages each; the second page of the second one may keep silent."""

    def __init__(self) -> None:
        self.is_silent = False

    def __call__(self, path: str, query: dict[str, str]) -> Answer:
        page = int(query["page"])
        if self.is_silent and path == "/second" and page == 2:
            return Answer({"list": []}, wait=60)
        items = [{"code": f"{path[1:]}-{page}-{n}"} for n in range(3)] if page <= 2 else []
        return Answer({"list": items})


@pytest.fixture
def platform() -> Platform:
    return Platform()


@pytest.fixture
def server(platform: Platform) -> Iterator[JsonServer]:
    with json_server(platform) as running:
        yield running


def folder(path: Path, server: JsonServer) -> Path:
    path.mkdir()
    (path / "systems.csv").write_text(LEDGER, encoding="utf-8")
    (path / "yunhe.toml").write_text(CONFIG.format(url=server.url), encoding="utf-8")
    return path


def started(where: Path, *arguments: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PLATFORM_TOKEN": "t0ken", "LC_ALL": "C.UTF-8", "LANG": "C.UTF-8"}
    program = [sys.executable, "-m", "cli", *arguments, "-c", str(where / "yunhe.toml")]
    return subprocess.Popen(
        program, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def ended(where: Path, *arguments: str) -> tuple[int, str, str]:
    process = started(where, *arguments)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def killed(where: Path, server: JsonServer, number: signal.Signals, *arguments: str) -> tuple[int, str]:
    """Killed once the first source is read whole and the second keeps silent in the middle."""
    process = started(where, *arguments)
    assert process.stderr is not None
    seen = ""
    while "sharing_api:first" not in seen:
        line = process.stderr.readline()
        assert line, seen
        seen += line
    for _ in range(600):
        if any("/second" in asked and "page=2" in asked for asked in server.asked):
            break
        time.sleep(0.05)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    return process.returncode, seen + err


@pytest.mark.thorough
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_scan_goes_on_and_ends_like_a_clean_one(
    tmp_path: Path, server: JsonServer, platform: Platform, number: signal.Signals
) -> None:
    scan = ("scan", "--as-of", "2026-11-20", "-f", "json")
    clean = folder(tmp_path / "clean", server)
    code, expected, _ = ended(clean, *scan)

    broken = folder(tmp_path / "broken", server)
    platform.is_silent = True
    ended_with, err = killed(broken, server, number, *scan)
    platform.is_silent = False
    assert ended_with == (-9 if number is signal.SIGKILL else 130), err
    if number is signal.SIGTERM:
        assert "--resume goes on with what was read" in err
    assert (broken / "yunhe.db.collecting").exists()

    server.asked.clear()
    resumed_with, found, err = ended(broken, *scan, "--resume")

    assert resumed_with == code
    assert "going on with 1 cell(s)" in err
    assert not any("/first" in asked for asked in server.asked), "what was read whole is not asked for again"
    assert json.loads(found)["scan"]["digest"] == json.loads(expected)["scan"]["digest"]
    assert json.loads(found)["findings"] == json.loads(expected)["findings"]
    assert sorted(p.name for p in broken.iterdir()) == sorted(p.name for p in clean.iterdir()), "nothing is left behind"


def test_a_killed_collect_leaves_no_capture_and_goes_on(tmp_path: Path, server: JsonServer, platform: Platform) -> None:
    where = folder(tmp_path / "c", server)
    collect = ("collect", "-o", str(where / "c.zip"))
    platform.is_silent = True
    killed(where, server, signal.SIGKILL, *collect)
    platform.is_silent = False
    assert not (where / "c.zip").exists()

    code, _, err = ended(where, *collect, "--resume")

    assert code == 0, err
    _, out, _ = ended(where, "scan", "--capture", str(where / "c.zip"), "--as-of", "2026-11-20", "-f", "json")
    cells = {c["cell"]["source"]: c["seen"] for c in json.loads(out)["coverage"]}
    assert cells["sharing_api:first"] == cells["sharing_api:second"] == 6


def test_without_resume_a_killed_run_is_begun_anew_and_says_so(
    tmp_path: Path, server: JsonServer, platform: Platform
) -> None:
    where = folder(tmp_path / "c", server)
    collect = ("collect", "-o", str(where / "c.zip"))
    platform.is_silent = True
    killed(where, server, signal.SIGKILL, *collect)
    platform.is_silent = False
    server.asked.clear()

    code, _, err = ended(where, *collect)

    assert code == 0, err
    assert "--resume would have gone on with them" in err
    assert any("/first" in asked for asked in server.asked)


def test_a_changed_configuration_is_not_gone_on_with(tmp_path: Path, server: JsonServer, platform: Platform) -> None:
    where = folder(tmp_path / "c", server)
    collect = ("collect", "-o", str(where / "c.zip"))
    platform.is_silent = True
    killed(where, server, signal.SIGKILL, *collect)
    platform.is_silent = False
    config = where / "yunhe.toml"
    config.write_text(config.read_text().replace("云泽市", "安州市"))

    code, _, err = ended(where, *collect, "--resume")

    assert code == 0, err
    assert "has changed since" in err


def test_a_deadline_ends_the_run_with_the_rest_skipped(tmp_path: Path, server: JsonServer, platform: Platform) -> None:
    """Exit 4, a capture that says what is missing, and nobody waits for the silent platform."""
    where = folder(tmp_path / "c", server)
    server.answer = lambda path, query: Answer(platform(path, query).body, wait=0.4)

    code, out, err = ended(where, "scan", "--deadline", "0.01", "--as-of", "2026-11-20", "-f", "json")

    assert code == 4, err
    states = {c["cell"]["source"]: c["state"] for c in json.loads(out)["coverage"]}
    assert states["ledger:systems"] == "complete"
    assert {states["sharing_api:first"], states["sharing_api:second"]} <= {"partial", "skipped", "failed"}
    assert not (where / "yunhe.db.collecting").exists()
