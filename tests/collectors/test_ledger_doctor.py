"""The doctor before ledgers: headers that were found, rows that can be used, codes that nobody may ask for."""

from pathlib import Path

from ledgers import NOON, write_csv

from collectors.diagnosis import Diagnosis, State
from collectors.ledger_doctor import LedgerDoctor
from inventory.guard import Guard
from inventory.settings import Ledger
from inventory.text import tell

HEADERS = ["系统编号", "系统名称", "主机", "是否涉密"]


def looked_at(path: Path, guard: Guard | None = None) -> dict[str, Diagnosis]:
    ledger = Ledger(name="systems", kind="systems", path=path.name)
    doctor = LedgerDoctor(ledger, base=path.parent, guard=Guard() if guard is None else guard, clock=lambda: NOON)
    return {d.check: d for d in doctor.diagnose()}


def test_headers_and_rows_are_counted(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "systems.csv", [HEADERS, ["S-1", "门户", "web-1", "否"], ["S-2", "财务", "db-1", "否"]])
    found = looked_at(path)

    assert {check: d.state for check, d in found.items()} == {"file": State.OK, "rows": State.OK}
    assert "系统编号" in tell(found["file"].sentence, "en")
    assert tell(found["rows"].sentence, "en").startswith("2 record(s) read, 0 ")


def test_bad_cells_and_an_empty_table_are_warnings(tmp_path: Path) -> None:
    bad = looked_at(write_csv(tmp_path / "bad.csv", [HEADERS, ["S-1", "门户", "web-1", "也许"]]))
    empty = looked_at(write_csv(tmp_path / "empty.csv", [HEADERS]))

    assert bad["rows"].state is State.WARNING
    assert empty["rows"].state is State.WARNING


def test_a_file_that_is_no_such_ledger_is_an_error(tmp_path: Path) -> None:
    found = looked_at(write_csv(tmp_path / "other.csv", [["a", "b"], ["1", "2"]]))

    assert {check: d.state for check, d in found.items()} == {"file": State.ERROR}


def test_what_a_row_marks_as_classified_goes_to_the_guard(tmp_path: Path) -> None:
    """Before any live source is asked: its host must not even be resolved."""
    guard = Guard()
    path = write_csv(tmp_path / "systems.csv", [HEADERS, ["S-9", "机密系统", "vault-1", "是"]])
    found = looked_at(path, guard)

    assert guard.forbids("vault-1")
    assert not any("vault" in tell(d.sentence, "en") for d in found.values())
