"""Nights that a process of its own writes until it is killed: each follows from its number alone."""

import random
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection

from inventory.collection import Collection, digest, encode_raw
from inventory.coverage import Cell, CellResult, CellState
from inventory.finding import Finding, Subject, Verdict
from inventory.records import Department, Record
from inventory.scan import ScanInfo, ScanOptions
from inventory.store import Store, StoreError, lock
from inventory.text import msg

NOON = datetime(2026, 1, 1, 4, tzinfo=UTC)
THINGS = 120


def night(number: int) -> tuple[Collection, list[Finding]]:
    """What scan `number` saw and concluded; most is as it was the night before."""
    at = NOON + timedelta(days=number)
    records: list[Record] = []
    raws: dict[str, bytes] = {}
    findings: list[Finding] = []
    for thing in range(THINGS):
        # Each changes every few nights, and is away now and then.
        version = (number + thing) // (3 + thing % 5)
        if (number + thing) % 11 == 0:
            continue
        pad = random.Random(version).randbytes(1000).hex()  # noqa: S311 - what cannot be packed, no secret
        document = encode_raw({"id": thing, "version": version, "pad": pad})
        raws[digest(document)] = document
        name = f"{thing} {version}"
        records.append(
            Department(source="ledger:d", native_id=f"{thing:03d}", observed_at=at, name=name, raw=digest(document))
        )
        findings.append(
            Finding(
                check="16-deployment",
                articles=("16",),
                subject=Subject(kind="system", id=f"{thing:03d}", name=name),
                verdict=Verdict.FAIL if version % 2 else Verdict.PASS,
                reason=msg("{why}", why=name),
                decided_by="clause",
            )
        )
    cell = Cell("ledger:d", "*", "department")
    cells = [CellResult(cell=cell, state=CellState.COMPLETE, seen=len(records), started_at=at, finished_at=at)]
    return Collection(taken_at=at, records=records, raws=raws, cells=cells), findings


def info(number: int) -> ScanInfo:
    """The facts of scan `number`."""
    at = NOON + timedelta(days=number)
    return ScanInfo(number=0, started_at=at, finished_at=at, as_of=at, tool="t", pack="p", digest="d", exit_code=0)


def save(store: Store, number: int) -> ScanInfo:
    """Keeps scan `number`."""
    taken, findings = night(number)
    return store.save(info=info(number), options=ScanOptions(city="c"), taken=taken, findings=findings)


def write(place: str, last: int, told: Connection) -> None:
    """Writes the nights that are missing up to `last`, under the lock; says each, and what stopped it."""
    try:
        with lock(place) as held, Store(place, held=held) as store:
            told.send("ready")
            for number in range((store.last_number() or 0) + 1, last + 1):
                save(store, number)
                told.send(number)
    except StoreError as error:
        told.send(str(error))


def is_whole(store: Store) -> int:
    """The number of the last scan; it is what was saved, and nothing else.

    Raises:
        AssertionError: a reader sees something that no night was.
    """
    kept = store.load()
    if kept is None:
        return 0
    taken, findings = night(kept.info.number)
    assert list(kept.collection.sorted_records()) == list(taken.sorted_records())
    assert kept.collection.raws == taken.raws
    assert kept.collection.cells == taken.cells
    assert list(kept.findings) == sorted(findings, key=lambda f: f.key)
    return kept.info.number
