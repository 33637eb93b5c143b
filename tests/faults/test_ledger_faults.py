"""The fault matrix, ledgers: files that are missing, forbidden, damaged, cut, doubled, endless."""

import os
import shutil
import subprocess
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from command import Ran
from fault_city import LEDGERS, ledger_tables, write_ledgers, write_table
from fault_plan import cases_of
from fault_run import REPOSITORY, Matrix, assert_last_scan_stands, command, start

pytestmark = [pytest.mark.openstack, pytest.mark.apiserver, pytest.mark.sshd]

SOURCE = "ledger"
Spoil = Callable[[Path], dict[str, dict[str, str]]]
"""Given a folder with a copy of all ledgers: spoils one, and says which keys of the config are others by kind."""

SYSTEMS = LEDGERS["systems"][1]
PASSWORD = Path(__file__).with_name("password.xlsx")
"""A workbook encrypted by msoffcrypto-tool 5 (ECMA-376, agile), as Excel and WPS do it."""


def gone(folder: Path) -> dict[str, dict[str, str]]:
    (folder / "systems.xlsx").unlink()
    return {}


def a_pipe(folder: Path) -> dict[str, dict[str, str]]:
    (folder / "systems.xlsx").unlink()
    os.mkfifo(folder / "systems.xlsx")
    return {}


def an_io_error(folder: Path) -> dict[str, dict[str, str]]:
    """The kernel says EIO to whoever reads the memory of a process from address 0, and calls it a regular file."""
    (folder / "systems.xlsx").unlink()
    (folder / "systems.xlsx").symlink_to("/proc/self/mem")
    return {}


def with_a_password(folder: Path) -> dict[str, dict[str, str]]:
    shutil.copy(PASSWORD, folder / "systems.xlsx")
    return {}


def forbidden(folder: Path) -> dict[str, dict[str, str]]:
    (folder / "systems.xlsx").chmod(0)
    return {}


def another_sheet(folder: Path) -> dict[str, dict[str, str]]:
    return {"systems": {"path": str(folder / "systems.xlsx"), "sheet": "2024年"}}


def damaged_inside(folder: Path) -> dict[str, dict[str, str]]:
    """The part with the rows, half overwritten, in an archive that is whole."""
    path = folder / "systems.xlsx"
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    rows = parts["xl/worksheets/sheet1.xml"]
    parts["xl/worksheets/sheet1.xml"] = rows[: len(rows) // 2] + b"\xff\xfe garbage <" * 20
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return {}


def empty(folder: Path) -> dict[str, dict[str, str]]:
    (folder / "systems.xlsx").write_bytes(b"")
    return {}


def cut_in_half(folder: Path) -> dict[str, dict[str, str]]:
    data = (folder / "systems.xlsx").read_bytes()
    (folder / "systems.xlsx").write_bytes(data[: len(data) // 2])
    return {}


def csv_cut_in_quotes(folder: Path) -> dict[str, dict[str, str]]:
    text = (folder / "filings.csv").read_text(encoding="utf-8").replace("四号系统", '"四号系统')
    (folder / "filings.csv").write_text(text, encoding="utf-8")
    return {}


def csv_cut_in_a_row(folder: Path) -> dict[str, dict[str, str]]:
    """As an export or a copy leaves it that was broken off: the last row ends before its number."""
    text = (folder / "filings.csv").read_text(encoding="utf-8")
    (folder / "filings.csv").write_text(text[: text.index("四号系统") + len("四号系统,市农业局,二")], encoding="utf-8")
    return {}


def every_row_twice(folder: Path) -> dict[str, dict[str, str]]:
    header, *rows = SYSTEMS
    write_table(folder / "systems.xlsx", [header, *rows, *rows])
    return {}


def other_rows_twice(folder: Path) -> dict[str, dict[str, str]]:
    """The same code again, of another system."""
    header, *rows = SYSTEMS
    again = [[row[0], f"{row[1]}(新)", *row[2:]] for row in rows]
    write_table(folder / "systems.xlsx", [header, *rows, *again])
    return {}


def endless(folder: Path) -> dict[str, dict[str, str]]:
    workbook = openpyxl.load_workbook(folder / "systems.xlsx")
    workbook.active["XFD1048576"] = "?"
    workbook.save(folder / "systems.xlsx")
    return {}


def wrong_checksum(folder: Path) -> dict[str, dict[str, str]]:
    """One bit of the packed rows is another."""
    path = folder / "systems.xlsx"
    with zipfile.ZipFile(path) as archive:
        entry = archive.getinfo("xl/worksheets/sheet1.xml")
        packed = archive.read(entry)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", packed)
    data = path.read_bytes()
    spoiled = (
        data.replace("一号系统".encode(), "七号系统".encode(), 1)
        if "一号系统".encode() in data
        else data.replace(b"<v>", b"<w>", 1)
    )
    path.write_bytes(spoiled)
    return {}


def a_link_to_nowhere(folder: Path) -> dict[str, dict[str, str]]:
    (folder / "systems.xlsx").unlink()
    (folder / "systems.xlsx").symlink_to(folder / "share" / "systems.xlsx")
    return {}


SPOIL: dict[tuple[str, str], Spoil] = {
    ("connection refused", "the file is not there"): gone,
    ("timeout", "a pipe that nobody writes to"): a_pipe,
    ("reset mid-page", "an I/O error while it is read"): an_io_error,
    ("401", "a workbook with a password"): with_a_password,
    ("403", "permission denied"): forbidden,
    ("404 on detail", "the sheet that the config names is gone"): another_sheet,
    ("500", "damaged inside"): damaged_inside,
    ("503", "empty: another program is writing it"): empty,
    ("truncated JSON", "a workbook cut in half"): cut_in_half,
    ("truncated JSON", "a CSV cut inside quotes"): csv_cut_in_quotes,
    ("truncated JSON", "a CSV cut in the middle of a row"): csv_cut_in_a_row,
    ("duplicated page", "every row twice"): every_row_twice,
    ("duplicated page", "rows twice, with other content"): other_rows_twice,
    ("endless paging loop", "a cell in the last row of the last column"): endless,
    ("TLS error", "a checksum that does not hold"): wrong_checksum,
    ("DNS failure", "a link that leads nowhere"): a_link_to_nowhere,
}


@pytest.mark.timeout(180)
@pytest.mark.parametrize(("fault", "how"), cases_of(SOURCE))
def test_a_fault_of_a_ledger_hides_nothing(matrix: Matrix, fault: str, how: str, tmp_path: Path) -> None:
    """No false pass, nothing gone, no hang: whatever befalls the file."""
    case = (SOURCE, fault, how)
    if how == "yunhe scan, at several moments":
        _kill_at_several_moments(matrix, case)
        return
    folder = tmp_path / "ledgers"
    write_ledgers(folder)
    instead = SPOIL[fault, how](folder)
    run = _without_the_rights_of_root if fault == "403" else None
    matrix.meet(case, "ledger", None, ledgers=ledger_tables(folder, **instead), run=run)


def _without_the_rights_of_root(*arguments: object) -> Ran:
    """In a process that may not read what its mode forbids: root may, unless that capability is taken away."""
    drop = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    ended = subprocess.run(
        [*drop, *command(*arguments)],
        cwd=REPOSITORY,
        env={**os.environ, "LC_ALL": "C.UTF-8", "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Ran(ended.returncode, ended.stdout, ended.stderr)


def _kill_at_several_moments(matrix: Matrix, case: tuple[str, str, str]) -> None:
    """A ledger that takes a while, and a scan of it that is killed before, while and after it is read."""
    config = matrix.city.prepared(matrix.yunhe, matrix.folder, "ledger", None)
    slow = matrix.folder / "slow"
    write_ledgers(slow)
    header, *rows = LEDGERS["departments"][1]
    write_table(slow / "departments.csv", [header, *rows, *([f"单位{n}", f"简称{n}"] for n in range(40_000))])
    longer = config.with_name("longer.toml")
    longer.write_text(config.read_text(encoding="utf-8").replace(str(matrix.city.folder / "ledgers"), str(slow)))
    was_running = 0
    for moment in (0.5, 1.0, 1.5, 2.5):
        process = start("scan", "-c", longer, folder=matrix.folder)
        time.sleep(moment)
        was_running += process.poll() is None
        process.kill()
        process.wait(10)
    assert was_running, "it ended before it could be killed"
    assert_last_scan_stands(matrix, case, "ledger", config)
