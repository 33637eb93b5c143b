"""The command: exit codes, and a user's mistake that always ends in one clear sentence."""

import fcntl
import json
import os
from pathlib import Path

import pytest
from command import Yunhe

LEDGER = "系统编号,系统名称,建设单位,建设性质,资金来源,等保级别\nS-1,测试系统,市教育局,已建,财政,二级\n"
CONFIG = """\
version = 1
[city]
name = "云泽市"
[[ledger]]
name = "systems"
kind = "systems"
path = "systems.csv"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A config with one readable ledger."""
    (tmp_path / "systems.csv").write_text(LEDGER, encoding="utf-8")
    path = tmp_path / "yunhe.toml"
    path.write_text(CONFIG, encoding="utf-8")
    return path


def one_sentence(err: str, *words: str) -> None:
    """No traceback, one line, and the words that help."""
    assert "Traceback" not in err
    last = err.strip().splitlines()[-1]
    assert last.startswith("yunhe: ")
    for word in words:
        assert word in last


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("version = 1\n[city]\nname = 3\n", ("city.name", "expected")),
        ("version = 1\n[city]\nname = 'x'\nnames = 'y'\n", ("city.names", "expected one of name, filing_regions")),
        ("version = 1\n", ("city", "missing")),
        ("version = 1\nversion = 1\n", ("line 2", "each key once")),
        ("version = 2\n[city]\nname = 'x'\n", ("version",)),
        ("this is not toml", ("line 1", "TOML")),
        (CONFIG + CONFIG.partition('name = "云泽市"\n')[2], ("ledger[2].name", "'systems'", "ledger[1]")),
        (CONFIG.replace("systems.csv", "other.csv"), ("ledger[1].path", "no such file", "other.csv")),
        (CONFIG.replace('"systems"\npath', '"system"\npath'), ("ledger[1].kind",)),
        (CONFIG + "[[zone]]\nname='z'\ncidrs=['10.1.2.3/8']\n", ("zone[1].cidrs", "10.1.0.0/16")),
        (CONFIG + "[[ownership.hostname]]\npattern='('\nsystem='x'\n", ("ownership.hostname[1].pattern",)),
        (CONFIG + "[do_not_scan]\nfile='list.txt'\n", ("do_not_scan.file", "list.txt")),
    ],
)
def test_a_config_that_cannot_be_used_names_the_key_and_what_was_expected(
    yunhe: Yunhe, config: Path, text: str, words: tuple[str, ...]
) -> None:
    config.write_text(text, encoding="utf-8")

    ran = yunhe("scan", "-c", config)

    assert ran.code == 2
    one_sentence(ran.err, "yunhe.toml", *words)
    assert not (config.parent / "yunhe.db").exists()


def test_a_missing_config_says_how_to_make_one(yunhe: Yunhe, tmp_path: Path) -> None:
    ran = yunhe("scan", "-c", tmp_path / "yunhe.toml")

    assert ran.code == 2
    one_sentence(ran.err, "yunhe.toml", "yunhe init")


@pytest.mark.parametrize("content", [b"", b"\x00\x01\x02 not a table", "姓名,年龄\n甲,3\n".encode()])
def test_a_file_that_is_no_ledger_is_an_error_before_anything_is_scanned(
    yunhe: Yunhe, config: Path, content: bytes
) -> None:
    (config.parent / "systems.csv").write_bytes(content)

    ran = yunhe("scan", "-c", config)

    assert ran.code == 2
    one_sentence(ran.err, "systems.csv")
    assert "scan" not in ran.out


def test_bad_rows_are_told_with_their_cell_and_the_good_ones_are_used(yunhe: Yunhe, config: Path) -> None:
    (config.parent / "systems.csv").write_text(LEDGER + "S-2,二号系统,市教育局,已建,财政,很高\n", encoding="utf-8")

    ran = yunhe("scan", "-c", config, "--format", "json")

    assert ran.code == 4
    told = json.loads(ran.out)
    assert [c["state"] for c in told["coverage"]] == ["partial"]
    assert {f["subject"] for f in told["findings"] if f["subject_kind"] == "system"} >= {"S-1"}


@pytest.mark.parametrize("content", [b"no zip", b"PK\x03\x04" + bytes(64)])
def test_a_file_that_is_no_capture_is_an_error(yunhe: Yunhe, config: Path, content: bytes) -> None:
    capture = config.parent / "night.zip"
    capture.write_bytes(content)

    ran = yunhe("scan", "-c", config, "--capture", capture)

    assert ran.code == 2
    one_sentence(ran.err, "night.zip")


def test_a_capture_that_was_changed_is_an_error(yunhe: Yunhe, config: Path) -> None:
    capture = config.parent / "night.zip"
    assert yunhe("collect", "-c", config, "-o", capture).code == 0
    data = bytearray(capture.read_bytes())
    data[len(data) // 2] ^= 1
    capture.write_bytes(bytes(data))

    ran = yunhe("scan", "-c", config, "--capture", capture)

    assert ran.code == 2
    one_sentence(ran.err, "night.zip")


def test_a_missing_capture_is_an_error(yunhe: Yunhe, config: Path) -> None:
    ran = yunhe("scan", "-c", config, "--capture", config.parent / "none.zip")

    assert ran.code == 2
    one_sentence(ran.err, "none.zip")


def test_a_store_that_cannot_be_written_is_an_error(yunhe: Yunhe, config: Path) -> None:
    config.write_text(CONFIG + "[store]\npath = 'nowhere/yunhe.db'\n", encoding="utf-8")

    ran = yunhe("scan", "-c", config)

    assert ran.code == 5
    one_sentence(ran.err, "nowhere", "store")


def test_a_file_that_is_no_store_is_an_error(yunhe: Yunhe, config: Path) -> None:
    (config.parent / "yunhe.db").write_text("this is a letter, not a database" * 100)

    ran = yunhe("scan", "-c", config)

    assert ran.code == 5
    one_sentence(ran.err, "yunhe.db")
    assert (config.parent / "yunhe.db").read_text().startswith("this is a letter")


def test_two_scans_at_once_are_refused(yunhe: Yunhe, config: Path) -> None:
    held = os.open(config.parent / "yunhe.db.lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(held, fcntl.LOCK_EX)

    ran = yunhe("scan", "-c", config)
    os.close(held)

    assert ran.code == 5
    one_sentence(ran.err, "another scan")
    assert yunhe("scan", "-c", config).code in (3, 4)


def test_without_any_source_nothing_is_scanned(yunhe: Yunhe, config: Path) -> None:
    config.write_text("version = 1\n[city]\nname = 'x'\n", encoding="utf-8")

    ran = yunhe("scan", "-c", config)

    assert ran.code == 5
    one_sentence(ran.err, "no source is configured")


def test_where_no_source_answers_the_first_reason_is_told(yunhe: Yunhe, config: Path) -> None:
    clouds = "clouds: {c: {auth: {auth_url: 'http://127.0.0.1:9/v3', username: u, password: p, project_name: x}}}"
    (config.parent / "clouds.yaml").write_text(clouds)
    config.write_text(
        "version = 1\n[city]\nname = 'x'\n[[openstack]]\nname='c'\ncloud='c'\nclouds_yaml='clouds.yaml'\nretries=0\n"
        "regions=['RegionOne']\ntimeout=5\n",
        encoding="utf-8",
    )

    ran = yunhe("scan", "-c", config)

    assert ran.code == 5
    one_sentence(ran.err, "no source could be read", "127.0.0.1:9")


@pytest.mark.parametrize("given", ["yesterday", "2026-13-01", "2026-11-22T25:00"])
def test_a_clock_that_cannot_be_read_is_an_error(yunhe: Yunhe, config: Path, given: str) -> None:
    ran = yunhe("scan", "-c", config, "--as-of", given)

    assert ran.code == 2
    one_sentence(ran.err, "as_of", "2026-11-22")


@pytest.mark.parametrize("command", [("findings",), ("explain", "x"), ("report", "-o", "x.html")])
def test_before_the_first_scan_there_is_nothing_to_ask(yunhe: Yunhe, config: Path, command: tuple[str, ...]) -> None:
    ran = yunhe(*command, "-c", config)

    assert ran.code == 5
    one_sentence(ran.err, "yunhe scan")


def test_asking_for_what_is_not_there_suggests_what_is(yunhe: Yunhe, config: Path) -> None:
    yunhe("scan", "-c", config)

    ran = yunhe("explain", "S-11", "-c", config)
    assert ran.code == 2
    one_sentence(ran.err, "S-11", "S-1")
    assert yunhe("explain", "S-1", "-c", config).code == 0

    ran = yunhe("findings", "--check", "99-none", "-c", config)
    assert ran.code == 2
    one_sentence(ran.err, "99-none", "yunhe checks")

    assert yunhe("findings", "--scan", "7", "-c", config).code == 2
    ran = yunhe("evidence", "build", "P-9", "-o", config.parent / "e.zip", "-c", config)
    assert ran.code == 2
    one_sentence(ran.err, "P-9")


def test_the_same_input_gives_the_same_scan(yunhe: Yunhe, config: Path) -> None:
    """A scan can be re-made from its capture, to the byte of its findings."""
    capture = config.parent / "night.zip"
    yunhe("collect", "-c", config, "-o", capture)
    alone = config.parent / "alone.toml"
    alone.write_text("version = 1\n[city]\nname = '云泽市'\n[store]\npath='alone.db'\n", encoding="utf-8")

    first = json.loads(yunhe("scan", "-c", alone, "--capture", capture, "--format", "json").out)
    second = json.loads(yunhe("scan", "-c", alone, "--capture", capture, "--format", "json").out)

    assert first["findings"]
    assert [{**f, "since_scan": 0} for f in first["findings"]] == [{**f, "since_scan": 0} for f in second["findings"]]
    assert first["scan"]["digest"] == second["scan"]["digest"]
    assert (first["scan"]["number"], second["scan"]["number"]) == (1, 2)


def test_init_writes_what_scan_accepts(yunhe: Yunhe, tmp_path: Path) -> None:
    ran = yunhe("init", tmp_path / "city")

    assert ran.code == 0
    assert (tmp_path / "city" / "yunhe.toml").is_file()
    again = yunhe("init", tmp_path / "city")
    assert again.code == 2
    one_sentence(again.err, "yunhe.toml", "nothing was written")


@pytest.mark.parametrize(("form", "begins"), [("json", "["), ("csv", "\ufeffverdict,"), ("table", "┏")])
def test_findings_come_in_three_formats(yunhe: Yunhe, config: Path, form: str, begins: str) -> None:
    yunhe("scan", "-c", config)

    ran = yunhe("findings", "-c", config, "--format", form)

    assert ran.code == 0
    assert ran.out.startswith(begins)


def test_usage_errors_end_with_two(yunhe: Yunhe) -> None:
    assert yunhe("scan", "--no-such-option").code == 2
    assert yunhe("nonsense").code == 2
    assert yunhe("--version").code == 0
