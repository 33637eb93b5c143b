"""The store's commands: what it remembers, and that its words and exit codes can be relied upon."""

import json
import shutil
import sqlite3
from pathlib import Path

import pytest
from command import Yunhe

LEDGER = "系统编号,系统名称,建设单位,建设性质,资金来源,等保级别\nS-1,{name},市教育局,已建,财政,二级\n"
CONFIG = """\
version = 1
[city]
name = "云泽市"
[[ledger]]
name = "systems"
kind = "systems"
path = "systems.csv"
"""
FIXTURES = Path(__file__).parents[1] / "fixtures"


@pytest.fixture
def config(tmp_path: Path, yunhe: Yunhe) -> Path:
    """Two nights: the system is renamed between them, and the second also sees another system."""
    path = tmp_path / "yunhe.toml"
    path.write_text(CONFIG, encoding="utf-8")
    for day, name, more in (
        ("2026-11-20", "门户", ""),
        ("2026-11-21", "门户二期", "S-2,新系统,市教育局,新建,财政,二级\n"),
    ):
        (tmp_path / "systems.csv").write_text(LEDGER.format(name=name) + more, encoding="utf-8")
        assert yunhe("scan", "-c", path, "--as-of", day, "--exit-zero").code == 0
    return path


def test_scans_are_listed_with_their_heads(yunhe: Yunhe, config: Path) -> None:
    listed = json.loads(yunhe("scans", "-c", config, "-f", "json").out)

    assert [row["scan"] for row in listed] == [1, 2]
    assert len({row["head"] for row in listed}) == 2
    assert all(len(row["head"]) == 64 for row in listed)


def test_history_tells_the_field_that_changed(yunhe: Yunhe, config: Path) -> None:
    told = json.loads(yunhe("history", "S-1", "-c", config, "-f", "json").out)

    assert [(c["scan"], c["event"], c["field"]) for c in told if c["field"] != "raw"] == [
        (1, "appeared", ""),
        (2, "changed", "name"),
    ]
    assert [(c["before"], c["after"]) for c in told if c["field"] == "name"] == [('"门户"', '"门户二期"')]


def test_history_of_what_nobody_saw_is_a_mistake(yunhe: Yunhe, config: Path) -> None:
    done = yunhe("history", "S-9", "-c", config)

    assert done.code == 2
    assert "S-9" in done.err


def test_as_of_answers_from_the_scan_of_that_day(yunhe: Yunhe, config: Path) -> None:
    def names(*more: str) -> set[str]:
        rows = json.loads(yunhe("findings", "-c", config, "-f", "json", *more).out)
        return {row["name"] for row in rows if row["subject"] == "S-1"}

    assert names("--as-of", "2026-11-20") == {"门户"}
    assert names() == names("--as-of", "2026-12-01") == {"门户二期"}
    early = yunhe("findings", "-c", config, "--as-of", "2026-11-01")
    assert early.code == 2
    both = yunhe("findings", "-c", config, "--as-of", "2026-11-20", "--scan", "1")
    assert both.code == 2


def test_a_diff_counts_every_finding_once(yunhe: Yunhe, config: Path) -> None:
    told = json.loads(yunhe("diff", "1", "2", "-c", config, "-f", "json").out)
    later = json.loads(yunhe("findings", "-c", config, "-f", "json").out)
    went = [d for d in told["differences"] if d["after"] is None]

    assert sum(told["counts"].values()) == len(later) + len(went)
    assert {d["subject"] for d in told["differences"] if d["before"] is None} == {"system/S-2"}
    assert "|" in yunhe("diff", "1", "2", "-c", config, "-f", "markdown").out
    assert yunhe("diff", "1", "9", "-c", config).code == 2


def test_a_gate_closes_on_what_fails_anew(yunhe: Yunhe, config: Path) -> None:
    """S-2 is new and fails; compared with itself, nothing is new."""
    told = json.loads(yunhe("diff", "1", "2", "-c", config, "-f", "json").out)
    fails = any(d["after"] == "fail" and d["before"] != "fail" for d in told["differences"])

    assert yunhe("diff", "1", "2", "-c", config, "--fail-on-new").code == (3 if fails else 0)
    assert yunhe("diff", "2", "2", "-c", config, "--fail-on-new").code == 0


def test_a_changed_row_ends_verify_with_integrity(yunhe: Yunhe, config: Path) -> None:
    whole = yunhe("store", "verify", "-c", config)
    head = json.loads(yunhe("scans", "-c", config, "-f", "json").out)[0]["head"]
    assert whole.code == 0
    assert yunhe("store", "verify", "-c", config, "--head", head[:12]).code == 0
    assert yunhe("store", "verify", "-c", config, "--head", "0" * 64).code == 6
    assert yunhe("store", "verify", "-c", config, "--head", head[:3]).code == 6

    with sqlite3.connect(config.parent / "yunhe.db") as db:
        db.execute("UPDATE finding_version SET verdict = 'pass'")
    db.close()
    done = yunhe("store", "verify", "-c", config)
    assert done.code == 6
    assert "1" in done.err


def test_an_old_store_is_refused_until_it_is_renewed(yunhe: Yunhe, config: Path) -> None:
    shutil.copy(FIXTURES / "store-captures.db", config.parent / "yunhe.db")
    refused = yunhe("findings", "-c", config)
    assert refused.code == 5
    assert "yunhe store migrate" in refused.err

    assert yunhe("store", "migrate", "-c", config).code == 0
    assert len(json.loads(yunhe("scans", "-c", config, "-f", "json").out)) == 3


def test_a_mass_disappearance_is_held_until_it_is_accepted(yunhe: Yunhe, tmp_path: Path) -> None:
    """A register that lost its rows overnight: what is concluded from it is unknown until somebody has looked."""
    path = tmp_path / "yunhe.toml"
    path.write_text(CONFIG, encoding="utf-8")
    header, row = LEDGER.format(name="门户").splitlines()

    def night(day: int, rows: int, *more: str) -> tuple[int, str, str]:
        lines = [header, *(row.replace("S-1", f"S-{n}") for n in range(rows))]
        (tmp_path / "systems.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        done = yunhe("scan", "-c", path, "--as-of", f"2026-11-{day}", "-f", "json", *more)
        (cell,) = json.loads(done.out)["coverage"]
        return done.code, cell["state"], done.err

    assert night(20, 60)[1] == "complete"
    for day in (21, 22):
        _, state, err = night(day, 30)
        assert state == "partial"
        assert "30 of 60 vanished at once" in err
        assert "--accept-mass-change" in err
    assert json.loads(yunhe("history", "S-59", "-c", path, "-f", "json").out)[-1]["event"] == "suspect"
    assert night(23, 30, "--accept-mass-change")[1] == "complete"
    assert night(24, 30)[1] == "complete"
    events = [c["event"] for c in json.loads(yunhe("history", "S-59", "-c", path, "-f", "json").out)]
    assert events == ["appeared", "suspect", "missing"]


def test_a_baseline_is_named_once_and_for_good(yunhe: Yunhe, config: Path) -> None:
    """Measured by the latest, a regression would be the new normal the next night."""
    assert yunhe("baseline", "set", "验收-2026", "1", "-c", config).code == 0
    moved = yunhe("baseline", "set", "验收-2026", "2", "-c", config)
    assert moved.code == 2
    assert "for good" in moved.err
    assert yunhe("baseline", "set", "x", "9", "-c", config).code == 2
    assert yunhe("baseline", "set", "7", "1", "-c", config).code == 2
    (listed,) = json.loads(yunhe("baseline", "list", "-c", config, "-f", "json").out)
    assert (listed["name"], listed["scan"]) == ("验收-2026", 1)

    by_name = json.loads(yunhe("diff", "验收-2026", "2", "-c", config, "-f", "json").out)
    assert by_name == json.loads(yunhe("diff", "1", "2", "-c", config, "-f", "json").out)
    assert yunhe("diff", "nobody", "2", "-c", config).code == 2
    assert yunhe("store", "verify", "-c", config).code == 0
