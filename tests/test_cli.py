"""The command: exit codes, and a user's mistake that always ends in one clear sentence."""

import csv
import fcntl
import io
import json
import os
import signal
import socket
import stat
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import openpyxl
import pytest
from command import Yunhe
from rich.cells import cell_len

from commands import voice
from exporters import terminal
from inventory.settings import load

ROOT = Path(__file__).parents[1]

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
        (CONFIG + CONFIG.partition('name = "云泽市"\n')[2], ("ledger[2].name", "systems is already", "ledger[1]")),
        (CONFIG.replace("systems.csv", "other.csv"), ("ledger[1].path", "no such file", "other.csv")),
        (CONFIG.replace('"systems"\npath', '"system"\npath'), ("ledger[1].kind",)),
        (CONFIG + "[[zone]]\nname='z'\ncidrs=['10.1.2.3/8']\n", ("zone[1].cidrs", "10.1.0.0/16")),
        (
            CONFIG + "[[zone]]\nname='z'\nextranet=true\ninternet=true\n",
            ("key zone[1]: ", "extranet = true in zone[1]", "internet = true in zone[1]", "one of the two"),
        ),
        (
            CONFIG + "[[zone]]\nname='z'\nextranet=true\n[[zone]]\nname='y'\n[[zone]]\nname='Ｚ '\nextranet=false\n",
            ("key zone[3]: ", "extranet = true in zone[1]", "extranet = false in zone[3]"),
        ),
        (
            CONFIG + "[[zone]]\nname='z'\nextranet=true\n[[zone]]\nname='z'\ninternet=true\n",
            ("key zone[2]: ", "extranet = true in zone[1]", "internet = true in zone[2]"),
        ),
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


def test_one_zone_may_have_several_tables(config: Path) -> None:
    """More networks, or a word that one of them has: nothing of it contradicts the other."""
    tables = "[[zone]]\nname='z'\ncidrs=['10.0.0.0/8']\n[[zone]]\nname='z'\ncidrs=['11.0.0.0/8']\n"
    for words in ("", "extranet=true\n", "extranet=false\n", "extranet=false\ninternet=true\n"):
        config.write_text(CONFIG + tables + words + tables + words, encoding="utf-8")

        assert [z.name for z in load(config).zone] == ["z"] * 4


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


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (CONFIG.replace("[[ledger]]", "[ledger]"), ("ledger", "[[ledger]]")),
        (CONFIG.replace('"systems"\npath', '"system"\npath'), ("ledger[1].kind", "departments", "ownership")),
        (CONFIG + "[store]\npath='.'\n", ("store.path", "folder")),
        (CONFIG + "[store]\npath=''\n", ("store.path", "a path")),
        (CONFIG + '[store]\npath="a\\u0000b"\n', ("store.path", "a path")),
        (CONFIG.replace("systems.csv", "~nobody-is-called-this/x"), ("ledger[1].path", "home folder")),
        (CONFIG.replace("systems.csv", "."), ("ledger[1].path", "folder")),
        (CONFIG + "[scan]\nas_of=2026-01-01\n", ("scan.as_of", "text in quotes", "a date")),
        (CONFIG + "[policy]\nlegacy_deadline='soon'\n", ("policy.legacy_deadline", "2027-12-31")),
        (CONFIG + "[scan]\nfresh_hours=99999999999999999999\n", ("scan.fresh_hours", "87600")),
        ("x = " + "[" * 5000, ("TOML",)),
        ("version = " + "9" * 6000, ("TOML",)),
    ],
)
def test_a_slip_in_the_config_is_told_in_words_and_never_crashes(
    yunhe: Yunhe, config: Path, text: str, words: tuple[str, ...]
) -> None:
    config.write_text(text, encoding="utf-8")

    ran = yunhe("scan", "-c", config)

    assert ran.code == 2
    one_sentence(ran.err, "yunhe.toml", *words)


def test_a_slip_in_the_config_is_told_in_the_readers_language(
    yunhe: Yunhe, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(voice, "LOCALE", "zh_CN")
    config.write_text("version = 1\n[city]\nname = 3\n", encoding="utf-8")

    one_sentence(yunhe("scan", "-c", config).err, "键 city.name：应为加引号的文本，现为整数")

    config.write_text(CONFIG, encoding="utf-8")
    one_sentence(yunhe("findings", "-c", config).err, "还没有结果库")


OUTPUTS = [
    ("collect", "-o"),
    ("report", "-o"),
    ("evidence", "build", "P-1", "-o"),
    ("export", "prometheus", "--textfile"),
]


@pytest.mark.parametrize("command", OUTPUTS)
@pytest.mark.parametrize("name", ["nowhere/out", ".", "systems.csv/out", "pipe"])
def test_output_goes_to_a_regular_file_in_a_folder_that_is_there(
    yunhe: Yunhe, config: Path, command: tuple[str, ...], name: str
) -> None:
    """Checked first: a night of collecting is not lost to a slip in the path, and no device is replaced by a page."""
    os.mkfifo(config.parent / "pipe")

    ran = yunhe(*command, config.parent / name, "-c", config)

    assert ran.code == 2
    one_sentence(ran.err, "expected" if name in (".", "pipe") else "there is no folder")
    assert stat.S_ISFIFO((config.parent / "pipe").stat().st_mode)
    assert "systems CSV" not in ran.err, "a source was asked"


def test_what_stands_at_the_output_is_replaced_whole_through_a_link(yunhe: Yunhe, config: Path) -> None:
    yunhe("scan", "-c", config)
    (config.parent / "real.html").write_text("old")
    (config.parent / "link.html").symlink_to("real.html")

    assert yunhe("report", "-o", config.parent / "link.html", "-c", config).code == 0

    assert (config.parent / "link.html").is_symlink()
    assert (config.parent / "real.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert not list(config.parent.glob(".*.tmp"))


@pytest.mark.parametrize("given", ["9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00", "1900-01-01", ""])
def test_a_clock_beyond_the_calendar_is_an_error(yunhe: Yunhe, config: Path, given: str) -> None:
    ran = yunhe("scan", "-c", config, "--as-of", given)

    assert ran.code == 2
    one_sentence(ran.err, "as_of", "from 2000 to 2100")


@pytest.mark.parametrize("number", ["0", "-1", "99999999999999999999"])
def test_a_scan_of_no_possible_number_is_not_there(yunhe: Yunhe, config: Path, number: str) -> None:
    yunhe("scan", "-c", config)

    ran = yunhe("findings", "--scan", number, "-c", config)

    assert ran.code == 2
    one_sentence(ran.err, f"no scan {number}")


def test_a_language_that_is_not_spoken_is_an_error(yunhe: Yunhe, config: Path) -> None:
    yunhe("scan", "-c", config)

    for command in (("findings", "-c", config), ("checks",), ("report", "-o", config.parent / "r", "-c", config)):
        ran = yunhe(*command, "--lang", "xx")
        assert ran.code == 2
        assert "zh_CN" in ran.err


def test_a_filter_that_nothing_can_fit_is_an_error_and_an_empty_list_says_so(yunhe: Yunhe, config: Path) -> None:
    """An empty table would read as if all were well."""
    yunhe("scan", "-c", config)

    ran = yunhe("findings", "--project", "P-9", "-c", config)
    assert ran.code == 2
    one_sentence(ran.err, "P-9")
    ran = yunhe("findings", "--department", "市教育", "-c", config)
    assert ran.code == 2
    one_sentence(ran.err, "perhaps 市教育局")
    ran = yunhe("findings", "--check", "28-classified", "--verdict", "fail", "-c", config)
    assert ran.code == 0
    one_sentence(ran.err, "no finding")


def test_every_rejected_row_is_told_with_its_cell(yunhe: Yunhe, config: Path) -> None:
    """Of a department no check speaks: its row would be rejected without a word on which and why."""
    (config.parent / "systems.csv").write_text(LEDGER + "S-2,二号系统,市教育局,已建,财政,很高\n", encoding="utf-8")

    ran = yunhe("scan", "-c", config)

    assert "systems.csv, sheet CSV, row 3, column 等保级别 (F): 很高; expected" in ran.out
    ran = yunhe("collect", "-c", config, "-o", config.parent / "night.zip")
    assert ran.code == 4
    assert "row 3, column 等保级别 (F): 很高" in ran.err


@pytest.mark.parametrize("suffix", [".csv", ".XLSX"])
@pytest.mark.parametrize("command", ["scan", "collect"])
def test_rejected_rows_are_written_for_the_ledgers_keeper(
    yunhe: Yunhe, config: Path, command: str, suffix: str
) -> None:
    """Each bad cell is a line: file, sheet, row, column, value, what was expected; and no formula among them."""
    (config.parent / "systems.csv").write_text(LEDGER + "S-2,二号系统,市教育局,已建,财政,=很高\n", encoding="utf-8")
    path = config.parent / f"退回{suffix}"
    more = ["-o", config.parent / "night.zip"] if command == "collect" else []

    ran = yunhe(command, "-c", config, "--rejected", path, *more)

    assert ran.code == 4
    if suffix == ".csv":
        _, row = csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig")))
    else:
        _, row = openpyxl.load_workbook(path).active.iter_rows(values_only=True)
    assert list(map(str, row)) == [
        "ledger:systems", "systems.csv", "CSV", "3", "等保级别 (F)", "'=很高",
        "a level such as 三级, 第三级, S3A3G3 or 3", "S-2、二号系统",
    ]  # fmt: skip


def test_where_no_row_was_rejected_the_file_says_so(yunhe: Yunhe, config: Path) -> None:
    """An older file must not stand for this run."""
    path = config.parent / "rejected.csv"
    path.write_text("old", encoding="utf-8")

    yunhe("scan", "-c", config, "--rejected", path)

    assert len(path.read_text(encoding="utf-8-sig").splitlines()) == 1


def test_rejected_rows_are_written_as_csv_or_xlsx_only(yunhe: Yunhe, config: Path) -> None:
    ran = yunhe("scan", "-c", config, "--rejected", "rejected.pdf")

    assert ran.code == 2
    one_sentence(ran.err, "--rejected", "rejected.pdf", ".csv or .xlsx")
    assert not (config.parent / "yunhe.db").exists()


def test_what_a_ledger_says_besides_is_shown_in_its_own_words(yunhe: Yunhe, config: Path) -> None:
    head, row = LEDGER.splitlines()[:2]
    (config.parent / "systems.csv").write_text(f"{head},承建单位,责任人\n{row},某公司,张三\n", encoding="utf-8")
    yunhe("scan", "-c", config)

    ran = yunhe("explain", "S-1", "-c", config)

    assert "承建单位: 某公司" in ran.out
    assert "张三" not in ran.out


def test_whatever_the_findings_speak_of_can_be_explained(yunhe: Yunhe, config: Path) -> None:
    yunhe("scan", "-c", config)
    findings = json.loads(yunhe("findings", "-c", config, "-f", "json").out)

    assert findings
    for finding in findings:
        ran = yunhe("explain", finding["subject"], "-c", config)
        assert ran.code == 0
        assert finding["check"] in ran.out


def run(*arguments: object, **environment: str) -> subprocess.Popen[bytes]:
    """The command in a process of its own."""
    program = [sys.executable, "-m", "cli", *(str(a) for a in arguments)]
    env = {**os.environ, "LC_ALL": "C.UTF-8", **environment}
    return subprocess.Popen(program, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env)


def kept(folder: Path) -> list[str]:
    """Names of the files but for what SQLite holds beside an open store, which the next program takes up."""
    return sorted(p.name for p in folder.iterdir() if not p.name.endswith(("-wal", "-shm")))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_scan_that_is_interrupted_ends_at_once_and_the_last_scan_stands(
    yunhe: Yunhe, config: Path, number: signal.Signals
) -> None:
    """Also where a source is silent: nobody waits for its timeout at 3 a.m."""
    yunhe("scan", "-c", config)
    silent = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{silent.getsockname()[1]}/v3"
    clouds = f"clouds: {{c: {{auth: {{auth_url: '{url}', username: u, password: p, project_name: x}}}}}}"
    (config.parent / "clouds.yaml").write_text(clouds)
    live = config.parent / "live.toml"
    live.write_text(CONFIG + "[[openstack]]\nname='c'\ncloud='c'\nclouds_yaml='clouds.yaml'\n", encoding="utf-8")
    before = kept(config.parent)

    process = run("scan", "-c", live)
    silent.settimeout(30)
    connection, _ = silent.accept()
    process.send_signal(number)
    _, err = process.communicate(timeout=10)
    connection.close()
    silent.close()

    assert process.returncode == 130
    one_sentence(err.decode(), "interrupted; nothing was concluded")
    assert kept(config.parent) == sorted([*before, "yunhe.db.collecting"]), "what was read waits for --resume"
    assert yunhe("findings", "-c", config, "--scan", "1").code == 0
    assert yunhe("findings", "-c", config, "--scan", "2").code == 2


def test_a_reader_that_goes_away_changes_no_exit_code(yunhe: Yunhe, config: Path) -> None:
    """`yunhe scan | head -1` of a city that is not wholly seen still says so."""
    expected = yunhe("scan", "-c", config).code
    for form in ("table", "json", "csv"):
        process = run("scan", "-c", config, "-f", form)
        assert process.stdout is not None
        process.stdout.close()
        _, err = process.communicate(timeout=60)
        assert process.returncode == expected != 0
        assert b"Traceback" not in err


@pytest.mark.thorough
@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "gbk"])
def test_a_locale_without_chinese_shows_question_marks_and_data_stay_utf8(config: Path, encoding: str) -> None:
    for form in ("table", "json", "csv"):
        out, err = run("scan", "-c", config, "-f", form, PYTHONIOENCODING=encoding).communicate(timeout=60)
        assert b"Traceback" not in err
        if form == "json":
            assert "测试系统" in json.dumps(json.loads(out), ensure_ascii=False)
        elif form == "csv":
            assert "测试系统" in out.decode("utf-8-sig")


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="needs /dev/full")
@pytest.mark.parametrize("form", ["table", "json", "csv"])
def test_standard_output_on_a_full_disk_is_told(yunhe: Yunhe, config: Path, form: str) -> None:
    yunhe("scan", "-c", config)
    with Path("/dev/full").open("wb") as full:
        program = [sys.executable, "-m", "cli", "findings", "-c", str(config), "-f", form]
        ran = subprocess.run(program, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, check=False)

    assert ran.returncode == 5
    one_sentence(ran.stderr.decode(), "standard output", "disk is full")


def test_in_a_log_a_sentence_stays_on_one_line(yunhe: Yunhe, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that grep finds it."""
    told = [f["reason"] for f in json.loads(yunhe("scan", "-c", config, "-f", "json").out)["findings"]]
    monkeypatch.setenv("COLUMNS", "30")

    lines = [line.strip() for line in yunhe("explain", "S-1", "-c", config).out.splitlines()]

    assert any(len(r) > 40 and r in lines for r in told)


@pytest.mark.parametrize("width", [1, 12, 40])
def test_on_a_terminal_a_sentence_hangs_under_its_beginning(width: int) -> None:
    text = "S-1的1个组件中有1个不在政务云运行：jtj-zc-tower（独立物理服务器）；P-2025-071 was awarded, then built"
    cuts = [0, *terminal._breaks(text, width), len(text)]
    rows = [text[a:b].rstrip() for a, b in pairwise(cuts)]

    assert "".join(text[a:b] for a, b in pairwise(cuts)) == text
    assert all(cell_len(row) <= max(width, len("jtj-zc-tower（") + 1) for row in rows)
    assert not any(row.startswith(("，", "；", "）")) for row in rows)


def test_a_narrow_terminal_gets_the_columns_that_matter_most(
    yunhe: Yunhe, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    yunhe("scan", "-c", config)

    monkeypatch.setenv("COLUMNS", "80")
    narrow = yunhe("findings", "-c", config).out.splitlines()[1]
    monkeypatch.setenv("COLUMNS", "160")
    wide = yunhe("findings", "-c", config).out.splitlines()[1]

    assert "reason" in narrow
    assert "department" not in narrow
    assert "department" in wide


def test_what_stands_between_two_colons_is_a_name_and_no_picture(yunhe: Yunhe, tmp_path: Path) -> None:
    """`kubernetes:loop: …` came out as a curly loop."""
    (tmp_path / "kubeconfig").write_text("{}")
    (tmp_path / "yunhe.toml").write_text(
        'version = 1\n[city]\nname = "x"\n[[kubernetes]]\nname = "loop"\nkubeconfig = "kubeconfig"\n'
    )
    assert "kubernetes:loop: " in yunhe("collect", "-c", tmp_path / "yunhe.toml", "-o", tmp_path / "x.zip").err
