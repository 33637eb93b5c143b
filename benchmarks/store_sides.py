"""The sides of the store's rows, each run as a program: `python -m benchmarks.store_sides first PLACE FOLDER`.

The nights are files that `make` wrote before: records, raw documents and findings as the collectors and checks make
them. `plain` puts the same documents into one table by `executemany`, `first` and `next` save a night, `diff` compares
two, `latest` reads the findings of the last one, `years` saves night after night.
"""

import argparse
import json
import random
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import msgspec

from benchmarks.report import say
from inventory.collection import encode_raw
from inventory.coverage import Cell, CellResult, CellState, Rejection, SourceInfo
from inventory.finding import Finding, Subject, Verdict
from inventory.records import HostSighting, Nic, Record, View
from inventory.scan import ScanInfo, ScanOptions
from inventory.store import Store, place_of
from inventory.text import msg

NOON = datetime(2026, 1, 1, 4, tzinfo=UTC)
SOURCE = "openstack:city"
_ENCODER = msgspec.json.Encoder(order="sorted")


def make(folder: Path, size: int, changed: int = 0) -> None:
    """Writes a night of so many servers; the first `changed` of them are not as they are without."""
    chance = random.Random(1)  # noqa: S311 - the same servers in every run, no secret
    made = [_server(UUID(int=chance.getrandbits(128)), n, is_changed=n < changed) for n in range(size)]
    made.sort(key=lambda m: m[0])  # the order of records, and of the findings that a check returns
    with (folder / "records.jsonl").open("wb") as file:
        file.writelines(_ENCODER.encode(record) + b"\n" for _, record, _ in made)
    with (folder / "raws.jsonl").open("wb") as file:
        file.writelines(b"%s %s\n" % line for line in sorted((sha256(r).hexdigest().encode(), r) for _, _, r in made))
    with (folder / "findings.jsonl").open("wb") as file:
        file.writelines(_ENCODER.encode(_finding(record)) + b"\n" for _, record, _ in made)


def _server(name: UUID, number: int, *, is_changed: bool = False) -> tuple[str, HostSighting, bytes]:
    address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
    mac = f"fa:16:3e:{number >> 16 & 255:02x}:{number >> 8 & 255:02x}:{number & 255:02x}"
    status = "SHUTOFF" if is_changed else "ACTIVE"
    raw = encode_raw(
        {
            "id": str(name),
            "name": f"vm-{number}",
            "status": status,
            "tenant_id": name.hex,
            "created": "2024-05-01T00:00:00Z",
            "flavor": {"vcpus": 4, "ram": 8192, "disk": 40, "original_name": "m1.large"},
            "addresses": {"net": [{"addr": address, "version": 4, "OS-EXT-IPS-MAC:mac_addr": mac}]},
            "OS-EXT-SRV-ATTR:hypervisor_hostname": f"compute-{number % 97}",
            "metadata": {"project": f"P-{number % 500}"},
        }
    )
    record = HostSighting(
        source=SOURCE, native_id=str(name), observed_at=NOON, raw=sha256(raw).hexdigest(), view=View.SERVER,
        name=f"vm-{number}", uuid=str(name), tenant=name.hex, status=status, hypervisor=f"compute-{number % 97}",
        vcpus=4, memory_bytes=8 << 30, disk_bytes=40 << 30, nics=(Nic(mac=mac, addresses=(address,)),),
        labels={"project": f"P-{number % 500}"},
    )  # fmt: skip
    return record.key, record, raw


def _finding(host: HostSighting) -> Finding:
    verdict = Verdict.PASS if host.status == "ACTIVE" else Verdict.FAIL
    return Finding(
        check="14-standalone-compute",
        articles=("14",),
        subject=Subject(kind="host", id=host.native_id, name=host.name, department="市教育局"),
        verdict=verdict,
        reason=msg("{name} is {status}", name=host.name, status=host.status or "-"),
        decided_by="clause",
        evidence=(host.key,),
    )


class Night:
    """What one night saw, read from its files; `inventory.collection.Taken`."""

    rejections: Sequence[Rejection] = ()
    sources = (SourceInfo(name=SOURCE, type="openstack", is_platform=True),)

    def __init__(self, folder: Path, number: int) -> None:
        self.folder = folder
        self.taken_at = NOON + timedelta(days=number)
        self._was, self._is = (_ENCODER.encode(at)[1:-1] for at in (NOON, self.taken_at))
        self.cells = [
            CellResult(
                cell=Cell(SOURCE, "RegionOne", "host"), state=CellState.COMPLETE, seen=0, started_at=self.taken_at,
                finished_at=self.taken_at,
            )
        ]  # fmt: skip

    def sorted_lines(self) -> Iterator[bytes]:
        """Observed tonight."""
        with (self.folder / "records.jsonl").open("rb") as file:
            for line in file:
                yield line.rstrip(b"\n").replace(self._was, self._is, 1)

    def sorted_records(self) -> Iterator[Record]:
        """Nobody asks for them here."""
        return map(msgspec.json.Decoder(HostSighting).decode, self.sorted_lines())

    def sorted_raws(self) -> Iterator[tuple[str, bytes]]:
        """By digest."""
        with (self.folder / "raws.jsonl").open("rb") as file:
            for line in file:
                name, _, body = line.rstrip(b"\n").partition(b" ")
                yield name.decode(), body

    def findings(self) -> list[Finding]:
        """As checks return them."""
        with (self.folder / "findings.jsonl").open("rb") as file:
            return [msgspec.json.decode(line, type=Finding) for line in file]


def info(number: int) -> ScanInfo:
    """The facts of a night."""
    at = NOON + timedelta(days=number)
    return ScanInfo(
        number=0, started_at=at, finished_at=at, as_of=at, tool="benchmark", pack="p 1", digest="", exit_code=0
    )


def plain(place: str, folder: Path) -> None:
    """The same documents into one table, in one transaction; findings are encoded on the way, as ours are."""
    night = Night(folder, 1)
    findings, started = night.findings(), time.perf_counter()
    with sqlite3.connect(place) as db:
        db.execute("CREATE TABLE document (id INTEGER PRIMARY KEY, key TEXT NOT NULL, body BLOB NOT NULL)")
        insert = "INSERT INTO document (key, body) VALUES (?, ?)"
        keyed = (("openstack:city|host|" + str(n), line) for n, line in enumerate(night.sorted_lines()))
        db.executemany(insert, keyed)
        db.executemany(insert, night.sorted_raws())
        db.executemany(insert, ((f.key, _ENCODER.encode(f)) for f in findings))
        db.commit()
    seconds = time.perf_counter() - started
    (count,) = db.execute("SELECT count(*) / 3 FROM document").fetchone()
    db.close()
    say(seconds=seconds, count=count)


def save(place: str, folder: Path) -> None:
    """The next night, with the same times as it took; what the store takes is told of it closed."""
    before = _bytes(place)
    with Store(place) as store:
        number = (store.last_number() or 0) + 1
        night = Night(folder, number)
        findings, started = night.findings(), time.perf_counter()
        store.save(info=info(number), options=ScanOptions(city="c"), taken=night, findings=findings)
        seconds = time.perf_counter() - started
    say(seconds=seconds, count=len(findings), bytes_before=before, bytes_after=_bytes(place))


def diff(place: str, _: Path) -> None:
    """The last two nights."""
    with Store(place) as store:
        last = store.last_number() or 0
        started = time.perf_counter()
        found = store.differences(last - 1, last)
    say(seconds=time.perf_counter() - started, count=len(found))


def latest(place: str, _: Path) -> None:
    """The findings of the last night."""
    from inventory.store_engine import reading
    from inventory.store_reader import read_findings

    with Store(place) as store:
        number = store.last_number() or 0
        started = time.perf_counter()
        with reading(store._engine) as connection:  # noqa: SLF001 - what `findings` costs without judging again
            found, _known = read_findings(connection, number)
    say(seconds=time.perf_counter() - started, count=len(found))


NIGHTS = 730
CHURN = 0.005


def years(place: str, folder: Path) -> None:
    """Two years of nights in which every day another half percent changes; the first night is there already."""
    chance = random.Random(2)  # noqa: S311 - the same changes in every run, no secret
    lines = list(Night(folder, 1).sorted_lines())
    raws = dict(Night(folder, 1).sorted_raws())
    findings = Night(folder, 1).findings()
    first, started = _bytes(place), time.perf_counter()
    with Store(place) as store:
        for number in range(2, NIGHTS + 1):
            for place_in_list in chance.sample(range(len(lines)), max(1, int(len(lines) * CHURN))):
                _turn(lines, raws, place_in_list, number)
            night = _Changed(folder, number, lines, raws)
            store.save(info=info(number), options=ScanOptions(city="c"), taken=night, findings=findings)
    say(seconds=time.perf_counter() - started, count=len(lines), bytes_before=first, bytes_after=_bytes(place))


def _turn(lines: list[bytes], raws: dict[str, bytes], number: int, night: int) -> None:
    """Gives one server another volume of metadata, and the record the digest of its new document."""
    record = msgspec.json.decode(lines[number], type=HostSighting)
    document = {**json.loads(raws.pop(str(record.raw))), "updated": f"night {night}"}
    raw = encode_raw(document)
    name = sha256(raw).hexdigest()
    raws[name] = raw
    lines[number] = _ENCODER.encode(msgspec.structs.replace(record, raw=name))


class _Changed(Night):
    def __init__(self, folder: Path, number: int, lines: list[bytes], raws: dict[str, bytes]) -> None:
        super().__init__(folder, number)
        self._lines, self._raws = lines, raws

    def sorted_lines(self) -> Iterator[bytes]:
        return (line.replace(self._was, self._is, 1) for line in self._lines)

    def sorted_raws(self) -> Iterator[tuple[str, bytes]]:
        return iter(sorted(self._raws.items()))


def _bytes(place: str) -> int:
    """What the store takes on its disk; of a server only asking tells."""
    path = place_of(place).path
    if path is not None:
        return sum(p.stat().st_size for p in path.parent.glob(path.name + "*"))
    import psycopg

    with psycopg.connect(place) as connection:
        row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
    return int(row[0]) if row else 0


SIDES: dict[str, Callable[[str, Path], None]] = {
    "plain": plain, "save": save, "diff": diff, "latest": latest, "years": years,
}  # fmt: skip


def main() -> None:
    """One side."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("side", choices=SIDES)
    parser.add_argument("place")
    parser.add_argument("folder", type=Path)
    asked = parser.parse_args()
    SIDES[asked.side](asked.place, asked.folder)


if __name__ == "__main__":
    main()
