"""The store: a scan is kept whole or not at all, and its readers see the last whole one."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from inventory.collection import Collection
from inventory.finding import Finding, Subject, Verdict
from inventory.records import Department
from inventory.scan import ScanInfo, ScanOptions
from inventory.store import Store, StoreError
from inventory.text import msg

NOON = datetime(2026, 11, 20, 4, tzinfo=UTC)
OPTIONS = ScanOptions(city="云泽市")


def info(day: int = 0) -> ScanInfo:
    at = NOON + timedelta(days=day)
    return ScanInfo(
        number=0, started_at=at, finished_at=at, as_of=at, tool="yunhe test", pack="p 1", digest="d", exit_code=0
    )


def finding(verdict: Verdict = Verdict.PASS, subject: str = "S-1", reason: str = "because") -> Finding:
    return Finding(
        check="16-deployment",
        articles=("16",),
        subject=Subject(kind="system", id=subject, name=subject),
        verdict=verdict,
        reason=msg("{why}", why=reason),
        decided_by="clause",
    )


def collection(*names: str) -> Collection:
    records = [Department(source="ledger:d", native_id=n, observed_at=NOON, name=n) for n in names]
    return Collection(taken_at=NOON, records=list(records))


def save(store: Store, *findings: Finding, day: int = 0) -> ScanInfo:
    return store.save(info=info(day), options=OPTIONS, taken=collection("甲"), findings=findings)


def test_what_is_kept_is_what_is_loaded(tmp_path: Path) -> None:
    with Store(tmp_path / "s.db") as store:
        kept = save(store, finding())
        loaded = store.load()

    assert loaded is not None
    assert loaded.info == kept
    assert loaded.findings == (finding(),)
    assert loaded.collection.records == collection("甲").records
    assert loaded.options == OPTIONS


def test_every_scan_stays_as_it_was(tmp_path: Path) -> None:
    with Store(tmp_path / "s.db") as store:
        save(store, finding(Verdict.PASS), finding(subject="S-2"))
        save(store, finding(Verdict.FAIL), day=1)
        save(store, finding(Verdict.FAIL, reason="still"), day=2)
        first, second, third = (store.load(n) for n in (1, 2, 3))

    assert first is not None
    assert {f.subject.id: f.verdict for f in first.findings} == {"S-1": "pass", "S-2": "pass"}
    assert second is not None
    assert [f.verdict for f in second.findings] == ["fail"]
    assert third is not None
    assert third.findings[0].reason.args == {"why": "still"}
    # The verdict has held since scan 2, whatever its words.
    assert third.known[finding().key].first_scan == 2
    assert third.known[finding().key].first_at == NOON + timedelta(days=1)


def test_a_verdict_that_comes_back_is_dated_anew(tmp_path: Path) -> None:
    with Store(tmp_path / "s.db") as store:
        for day, verdict in enumerate((Verdict.FAIL, Verdict.PASS, Verdict.FAIL)):
            save(store, finding(verdict), day=day)
        loaded = store.load()

    assert loaded is not None
    assert loaded.known[finding().key].first_scan == 3


def test_before_the_first_scan_there_is_none(tmp_path: Path) -> None:
    with Store(tmp_path / "s.db") as store:
        assert store.load() is None
        assert store.last_number() is None


def test_a_store_of_a_newer_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    with Store(path):
        pass
    with sqlite3.connect(path) as db:
        db.execute("UPDATE alembic_version SET version_num = '9999'")
    db.close()

    with pytest.raises(StoreError, match="schema 9999"):
        Store(path)


def test_a_scan_that_cannot_be_kept_changes_nothing(tmp_path: Path) -> None:
    with Store(tmp_path / "s.db") as store:
        save(store, finding())
        twice = (finding(), finding(subject="S-2"), finding(subject="S-2", reason="other"))
        with pytest.raises(StoreError, match="could not be kept"):
            save(store, *twice, day=1)

        loaded = store.load()
    assert loaded is not None
    assert loaded.info.number == 1


WRITER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_store import Store, finding, save
with Store(Path(sys.argv[1])) as store:
    for day in range(10_000):
        save(store, *(finding(subject=f"S-{n}", reason=str(day)) for n in range(40)), day=day)
"""


@pytest.mark.thorough
def test_a_killed_scan_leaves_the_last_one_whole(tmp_path: Path) -> None:
    """SIGKILL at an arbitrary point: readers see a whole scan, and the next one can run."""
    path = tmp_path / "s.db"
    folder = str(Path(__file__).parent)
    for pause in (0.05, 0.11, 0.17):
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path), folder], env=environment)
        deadline = time.monotonic() + 20
        before = _last(path)
        while _last(path) <= before and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(pause)
        writer.send_signal(signal.SIGKILL)
        writer.wait()

        with Store(path) as store:
            loaded = store.load()
            assert loaded is not None
            assert len(loaded.findings) == 40
            assert len({msgspec.json.encode(f.reason) for f in loaded.findings}) == 1


def _last(path: Path) -> int:
    if not path.exists():
        return 0
    try:
        with Store(path) as store:
            return store.last_number() or 0
    except StoreError:
        return 0
