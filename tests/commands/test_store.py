"""The store's commands: what it remembers, and that its words and exit codes can be relied upon."""

import json
import shutil
import sqlite3
from pathlib import Path

import pytest
from command import Yunhe

from commands.metrics import last_result
from inventory.store import place_of

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


@pytest.fixture(scope="module")
def two_nights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the two nights, once a test has asked for them; each works on a copy."""
    return tmp_path_factory.mktemp("two-nights")


@pytest.fixture
def config(tmp_path: Path, yunhe: Yunhe, two_nights: Path) -> Path:
    """Two nights: the system is renamed between them, and the second also sees another system."""
    if not any(two_nights.iterdir()):
        scan_two_nights(yunhe, two_nights)
    shutil.copytree(two_nights, tmp_path, dirs_exist_ok=True)
    return tmp_path / "yunhe.toml"


def scan_two_nights(yunhe: Yunhe, folder: Path) -> None:
    path = folder / "yunhe.toml"
    path.write_text(CONFIG, encoding="utf-8")
    for day, name, more in (
        ("2026-11-20", "门户", ""),
        ("2026-11-21", "门户二期", "S-2,新系统,市教育局,新建,财政,二级\n"),
    ):
        (folder / "systems.csv").write_text(LEDGER.format(name=name) + more, encoding="utf-8")
        assert yunhe("scan", "-c", path, "--as-of", day, "--exit-zero").code == 0


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


@pytest.mark.parametrize("name", ["S-9", "S-9\udcff", "", "%"])
def test_history_of_what_nobody_saw_is_a_mistake(yunhe: Yunhe, config: Path, name: str) -> None:
    done = yunhe("history", name, "-c", config)

    assert done.code == 2
    assert "no scan ever saw" in done.err


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


def test_as_of_goes_by_the_clock_and_not_by_the_number(yunhe: Yunhe, config: Path) -> None:
    """What a capture of last month says is scanned today: it is the newest scan, and none of today."""
    (config.parent / "systems.csv").write_text(LEDGER.format(name="旧名"), encoding="utf-8")
    assert yunhe("scan", "-c", config, "--as-of", "2026-11-10", "--exit-zero").code == 0

    for given, name in (
        ("2026-11-21", "门户二期"),
        ("20261121", "门户二期"),
        ("2026-11-21T16:00:00Z", "门户二期"),
        ("2026-11-21T15:59:58Z", "门户"),
        ("2026-11-20", "门户"),
        ("2026-11-19", "旧名"),
    ):
        rows = json.loads(yunhe("findings", "-c", config, "-f", "json", "--as-of", given).out)
        assert {row["name"] for row in rows if row["subject"] == "S-1"} == {name}, given
    told = json.loads(yunhe("history", "S-2", "-c", config, "-f", "json").out)
    assert [(c["scan"], c["event"]) for c in told] == [(2, "appeared"), (3, "unseen")]
    assert yunhe("findings", "-c", config, "--as-of", "2026-W47").code == 2


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


@pytest.mark.parametrize("part", ["schema", "rows"])
def test_a_file_that_rotted_ends_verify_with_integrity(yunhe: Yunhe, config: Path, part: str) -> None:
    """A disk that lies, a copy that was cut short: SQLite says it, and it is no mistake of whoever asks."""
    path = config.parent / "yunhe.db"
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    whole = path.read_bytes()
    if part == "schema":
        place = whole.index(b"CREATE TABLE finding_version")
        path.write_bytes(whole[:place] + b"\xff\xfe" + whole[place + 2 :])
    else:
        path.write_bytes(whole[: len(whole) - len(whole) // 3])

    done = yunhe("store", "verify", "-c", config)
    assert done.code == 6
    assert done.err.startswith("yunhe: ")


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


def test_as_many_new_as_gone_is_held_as_well(yunhe: Yunhe, tmp_path: Path) -> None:
    """A register that was exchanged for another of its size overnight."""
    path = tmp_path / "yunhe.toml"
    path.write_text(CONFIG, encoding="utf-8")
    header, row = LEDGER.format(name="门户").splitlines()

    def night(day: int, first: int, *more: str) -> tuple[str, str]:
        lines = [header, *(row.replace("S-1", f"S-{n}") for n in range(first, first + 60))]
        (tmp_path / "systems.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        done = yunhe("scan", "-c", path, "--as-of", f"2026-11-{day}", "-f", "json", *more)
        (cell,) = json.loads(done.out)["coverage"]
        return cell["state"], done.err

    assert night(20, 0)[0] == "complete"
    state, err = night(21, 30)
    assert state == "partial"
    assert "30 of 60 vanished at once" in err
    assert json.loads(yunhe("history", "S-0", "-c", path, "-f", "json").out)[-1]["event"] == "suspect"
    assert night(22, 30, "--accept-mass-change")[0] == "complete"
    assert night(23, 30)[0] == "complete"
    events = [c["event"] for c in json.loads(yunhe("history", "S-0", "-c", path, "-f", "json").out)]
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


def test_stats_tell_what_is_kept_and_what_stands_beside_it(yunhe: Yunhe, config: Path) -> None:
    config.write_text(CONFIG + SHORT, encoding="utf-8")
    (config.parent / "yunhe.db.collecting").write_bytes(bytes(4096))
    told = json.loads(yunhe("store", "stats", "-c", config, "-f", "json").out)

    assert told["schema"] == "yunhe-store-stats-1"
    assert (told["engine"], told["scans"], told["oldest"]["number"], told["newest"]["number"]) == ("sqlite", 2, 1, 2)
    assert (told["kept"]["last"], told["kept"]["daily"], told["kept"]["cited"]) == (1, 1, 0)
    assert told["next_prune"]["scans"] == 1
    assert told["beside"] == {"spool_bytes": 4096, "captures": 0, "captures_bytes": 0, "old_store_bytes": None}
    shown = yunhe("store", "stats", "-c", config).out
    assert "the next pruning: scans" in shown
    rows = yunhe("store", "stats", "-c", config, "-f", "csv").out.splitlines()
    assert rows[0].lstrip("\ufeff") == "what,count,bytes,more"
    assert len(rows) > 20


# ── backup ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_backup_is_restored_into_a_store_of_another_configuration(yunhe: Yunhe, config: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text(CONFIG + '[store]\npath = "other.db"\n', encoding="utf-8")
    made = yunhe("store", "backup", tmp_path / "b.db", "-c", config)
    head = json.loads(yunhe("scans", "-c", config, "-f", "json").out)[-1]["head"]
    assert (made.code, head in made.out, "verified" in made.out) == (0, True, True)

    done = yunhe("store", "restore", tmp_path / "b.db", "-c", other)
    assert (done.code, head in done.out) == (0, True)
    assert yunhe("findings", "-c", other, "-f", "json").out == yunhe("findings", "-c", config, "-f", "json").out
    assert yunhe("store", "verify", "-c", other, "--head", head).code == 0


def test_what_is_served_after_a_restore_is_the_store_that_is_there(yunhe: Yunhe, config: Path, tmp_path: Path) -> None:
    """Another scan with the number of the one that was served last, and no scrape in between."""
    place = place_of(config.parent / "yunhe.db")
    serving = last_result(place)
    assert yunhe("store", "backup", tmp_path / "b.db", "-c", config).code == 0
    heads = []
    for name in ("甲", "乙"):
        (config.parent / "systems.csv").write_text(LEDGER.format(name=name), encoding="utf-8")
        assert yunhe("scan", "-c", config, "--as-of", "2026-11-22", "--exit-zero").code == 0
        result = serving()
        assert result is not None
        assert [system.name for system in result.inventory.systems] == [name]
        heads.append(result.scan.head)
        assert yunhe("store", "restore", tmp_path / "b.db", "-c", config, "--replace").code == 0
    assert len(set(heads)) == 2


def test_the_clock_that_scans_are_listed_with_names_the_scan(yunhe: Yunhe, config: Path) -> None:
    """Copied from the table it asks for that scan, and not for the one before."""
    (config.parent / "systems.csv").write_text(LEDGER.format(name="三"), encoding="utf-8")
    assert yunhe("scan", "-c", config, "--as-of", "2026-11-22T02:00:31.7+08:00", "--exit-zero").code == 0
    listed = yunhe("scans", "-c", config).out
    assert "2026-11-22 02:00:31+08:00" in listed

    rows = json.loads(yunhe("findings", "-c", config, "-f", "json", "--as-of", "2026-11-22 02:00:31+08:00").out)
    assert {row["name"] for row in rows if row["subject"] == "S-1"} == {"三"}


def test_mistakes_of_a_backup_are_told_apart_by_their_exit_codes(yunhe: Yunhe, config: Path, tmp_path: Path) -> None:
    """2 what was asked, 5 what could not be done, 6 what was changed after it was written."""
    target = tmp_path / "b.db"
    assert yunhe("store", "backup", target, "-c", config).code == 0
    assert yunhe("store", "backup", target, "-c", config).code == 2
    assert yunhe("store", "backup", target, "-c", config, "--overwrite").code == 0
    assert yunhe("store", "backup", tmp_path / "no" / "b.db", "-c", config).code == 2
    assert yunhe("store", "backup", "postgresql://u:secret@h/d", "-c", config).code == 5
    refused = yunhe("store", "restore", target, "-c", config)
    assert (refused.code, "--replace" in refused.err) == (2, True)
    assert yunhe("store", "restore", config, "-c", config, "--replace").code == 2
    assert yunhe("store", "restore", tmp_path / "none.db", "-c", config, "--replace").code == 2
    with sqlite3.connect(target) as db:
        db.execute("UPDATE finding_version SET verdict = 'pass'")
    db.close()
    damaged = yunhe("store", "restore", target, "-c", config, "--replace")
    assert (damaged.code, "not as it was written" in damaged.err) == (6, True)
    with sqlite3.connect(tmp_path / "yunhe.db") as db:
        db.execute("UPDATE finding_version SET verdict = 'pass'")
    db.close()
    assert yunhe("store", "backup", tmp_path / "c.db", "-c", config).code == 6
    assert not (tmp_path / "c.db").exists()


# ── pruning ──────────────────────────────────────────────────────────────────────────────────────────────────────────

SHORT = "[retention]\ndaily_days = 1\nweekly_weeks = 0\nmonthly_months = 0\n"


def test_a_dry_run_says_what_goes_and_why_the_others_stay(yunhe: Yunhe, config: Path) -> None:
    config.write_text(CONFIG + SHORT, encoding="utf-8")
    told = yunhe("store", "prune", "--dry-run", "-c", config, "-f", "json")

    assert told.code == 0
    assert [(row["scan"], row["goes"]) for row in json.loads(told.out)] == [(1, 1), (2, 0)]
    assert "last" in json.loads(told.out)[1]["because"]
    assert "nothing was changed" in told.err
    assert len(json.loads(yunhe("scans", "-c", config, "-f", "json").out)) == 2


def test_a_pruned_scan_is_told_from_one_that_never_was(yunhe: Yunhe, config: Path) -> None:
    config.write_text(CONFIG + SHORT, encoding="utf-8")
    before = yunhe("findings", "-c", config, "-f", "json").out
    assert yunhe("store", "prune", "-c", config).code == 0

    assert [row["scan"] for row in json.loads(yunhe("scans", "-c", config, "-f", "json").out)] == [2]
    assert yunhe("findings", "-c", config, "-f", "json").out == before
    pruned = yunhe("findings", "-c", config, "--scan", "1")
    assert (pruned.code, "was pruned" in pruned.err) == (2, True)
    for command in (("diff", "1", "2"), ("diff", "2", "1"), ("baseline", "set", "B", "1")):
        told = yunhe(*command, "-c", config)
        assert (told.code, "scan 1 was pruned" in told.err) == (2, True), command
    never = yunhe("findings", "-c", config, "--scan", "9")
    assert (never.code, "holds no scan 9" in never.err) == (2, True)
    assert yunhe("store", "verify", "-c", config).code == 0


def test_as_of_says_when_the_scan_of_that_day_was_pruned(yunhe: Yunhe, config: Path) -> None:
    assert yunhe("baseline", "set", "B", "1", "-c", config).code == 0
    for day in ("2026-11-22", "2026-11-23"):
        assert yunhe("scan", "-c", config, "--as-of", day, "--exit-zero").code == 0
    config.write_text(CONFIG + SHORT, encoding="utf-8")
    assert yunhe("store", "prune", "-c", config).code == 0

    done = yunhe("findings", "-c", config, "--as-of", "2026-11-22", "-f", "json")
    assert done.code == 0
    assert "scan 3, the last of 2026-11-22, was pruned" in done.err
    assert "scan 1 before it answers" in done.err


def test_a_damaged_store_is_not_pruned_and_exits_with_integrity(yunhe: Yunhe, config: Path) -> None:
    config.write_text(CONFIG + SHORT, encoding="utf-8")
    with sqlite3.connect(config.parent / "yunhe.db") as db:
        db.execute("UPDATE finding_version SET verdict = 'pass'")
    db.close()

    done = yunhe("store", "prune", "-c", config)
    assert done.code == 6
    assert "nothing was pruned" in done.err


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("[retention]\ndaily_days = 0\n", "retention.daily_days: expected 1 or more"),
        ("[retention]\nyearly = 5\n", "retention.yearly: there is no such key"),
        ("[retention]\ndaily_days = 90\nweekly_weeks = 2\n", "expected 0, or 13 or more"),
        ("[retention]\nmonthly_months = 1\n", "retention.monthly_months: 1 months are less"),
        ("[lifecycle]\ngone_scans = 0\n", "lifecycle.gone_scans: expected 1 or more"),
        ("[lifecycle]\nmass_percent = 101\n", "lifecycle.mass_percent: expected 100 or less"),
        ('[lifecycle]\ngone_hours = "48"\n', "lifecycle.gone_hours: expected an integer, not text in quotes"),
    ],
)
def test_rules_that_cannot_be_meant_are_refused(yunhe: Yunhe, config: Path, table: str, told: str) -> None:
    config.write_text(CONFIG + table, encoding="utf-8")
    done = yunhe("store", "prune", "--dry-run", "-c", config)

    assert done.code == 2
    assert told in done.err


def test_how_much_may_vanish_is_the_configurations(yunhe: Yunhe, config: Path) -> None:
    """With one allowed, two that vanish are held; as it comes, twenty would be believed."""
    header, row = LEDGER.format(name="门户").splitlines()
    for rules, state in (("", "complete"), ("[lifecycle]\nmass_count = 1\n", "partial")):
        config.write_text(CONFIG + rules, encoding="utf-8")
        for rows in (5, 3):
            lines = [header, *(row.replace("S-1", f"S-{n}") for n in range(rows))]
            (config.parent / "systems.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
            done = yunhe("scan", "-c", config, "--as-of", "2026-11-25", "-f", "json")
        (cell,) = json.loads(done.out)["coverage"]
        assert cell["state"] == state
