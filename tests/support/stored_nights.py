"""Nights for a store, small and with something of everything in them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from inventory.collection import Collection, digest, encode_raw
from inventory.coverage import Cell, CellResult, CellState, Rejection, SourceInfo
from inventory.finding import Finding, Subject, Verdict
from inventory.records import Department, Record
from inventory.scan import ScanInfo, ScanOptions
from inventory.store import Store
from inventory.text import msg

_MADE: dict[tuple[object, ...], bytes] = {}


def made(place: str, make: Callable[[str], None], *known_as: object) -> str:
    """The place, with what `make` puts into a store.

    A new file of SQLite is made once under its name and copied from then on, byte for byte; a database or a store that
    is there already is filled anew.
    """
    path = Path(place)
    if "://" in place or path.exists():
        make(place)
        return place
    if known_as not in _MADE:
        make(place)
        assert not path.with_name(f"{path.name}-wal").exists(), "part of the store lies beside it"
        _MADE[known_as] = path.read_bytes()
        return place
    path.touch(0o600)
    path.write_bytes(_MADE[known_as])
    return place


NOON = datetime(2026, 11, 20, 4, tzinfo=UTC)


def fill(store: Store, nights: int = 3) -> None:
    """Nights in which some of everything comes, goes and stays."""
    for day in range(nights):
        at = NOON + timedelta(days=day)
        documents = [encode_raw({"id": n, "pad": "x" * 2000}) for n in (0, day + 1)]
        records: list[Record] = [
            Department(source="ledger:d", native_id=f"D{n}", observed_at=at, name=f"{n}", raw=digest(documents[0]))
            for n in (0, day + 1)
        ]
        cell = Cell("ledger:d", "*", "department")
        rejection = Rejection(
            source="ledger:d", file="f", sheet="s", row=day + 1, column="c", value="v", expected=msg("a date")
        )
        finding = Finding(
            check="16-deployment",
            articles=("16",),
            subject=Subject(kind="system", id="S", name="S"),
            verdict=Verdict.PASS,
            reason=msg("{why}", why=str(day)),
            decided_by="clause",
        )
        store.save(
            info=ScanInfo(
                number=0, started_at=at, finished_at=at, as_of=at, tool="t", pack="p", digest="d", exit_code=0
            ),
            options=ScanOptions(city=f"city {day}"),
            taken=Collection(
                taken_at=at,
                sources=[SourceInfo(name="ledger:d", type="ledger")],
                records=records,
                raws={digest(d): d for d in documents},
                cells=[CellResult(cell=cell, state=CellState.COMPLETE, seen=day, finished_at=at)],
                rejections=[rejection],
            ),
            findings=[finding],
        )
