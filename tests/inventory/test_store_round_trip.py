"""Whatever a night saw comes back as it was saved, from every scan, on both stores."""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from effort import examples
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inventory import capture_file
from inventory.collection import Collection, digest, encode_raw
from inventory.coverage import Cell, CellResult, CellState, Rejection, SourceInfo
from inventory.finding import Finding, Subject, Verdict
from inventory.records import Department, HostSighting, Record, Tenant, View
from inventory.scan import ScanInfo, ScanOptions
from inventory.store import Store
from inventory.store_bulk import versions
from inventory.store_engine import reading
from inventory.store_incoming import FindingStream, RawStream, RecordStream, Stream, cell_stream, rejection_stream
from inventory.store_rows import Runs, canonical
from inventory.store_schema import BODY, SECTIONS, Section
from inventory.text import msg

NOON = datetime(2026, 11, 20, 4, tzinfo=UTC)
NAMES = st.one_of(
    st.sampled_from(["a", "b", "a|b", "甲", '"observed_at":"', "\x00", "\x01", "\x01\x01", "x" * 600, "x" * 601]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
)
MOMENTS = st.sampled_from(
    [NOON, NOON + timedelta(microseconds=1), datetime(2026, 11, 20, 12, tzinfo=timezone(timedelta(hours=8)))]
)
DOCUMENTS = st.dictionaries(NAMES, st.one_of(NAMES, st.just("long" * 1000)), max_size=2).map(encode_raw)
SOURCES = st.sampled_from(["ledger:r", "openstack:gov", "ssh:county"])


@st.composite
def _records(draw: st.DrawFn) -> Record:
    source, name, at = draw(SOURCES), draw(NAMES), draw(MOMENTS)
    raw = draw(st.one_of(st.none(), st.just("ab" * 32)))
    match draw(st.integers(0, 2)):
        case 0:
            return Department(source=source, native_id=name, observed_at=at, raw=raw, name=draw(NAMES))
        case 1:
            labels = draw(st.dictionaries(st.sampled_from(["observed_at", "k"]), NAMES))
            return Tenant(source=source, native_id=name, observed_at=at, name="t", labels=labels)
        case _:
            return HostSighting(
                source=source, native_id=name, observed_at=at, raw=raw, name=name, view=View.OS, memory_bytes=2**40
            )


CELLS = st.builds(
    CellResult,
    cell=st.builds(Cell, SOURCES, NAMES, st.sampled_from(["host", "tenant"])),
    state=st.sampled_from(CellState),
    seen=st.integers(0, 3),
    reason=st.one_of(st.none(), NAMES.map(lambda n: msg("{why}", why=n))),
    unseen=st.lists(NAMES, max_size=2).map(tuple),
    started_at=st.one_of(st.none(), MOMENTS),
    finished_at=st.one_of(st.none(), MOMENTS),
)
REJECTIONS = st.builds(
    Rejection, source=SOURCES, file=NAMES, sheet=NAMES, row=st.integers(1, 99), column=NAMES, value=NAMES,
    expected=NAMES.map(lambda n: msg("{why}", why=n)),
)  # fmt: skip
FINDINGS = st.builds(
    Finding,
    check=st.sampled_from(["16-deployment", "14-storage"]),
    articles=st.just(("16",)),
    subject=st.builds(Subject, kind=st.just("system"), id=NAMES, name=NAMES),
    verdict=st.sampled_from(Verdict),
    reason=NAMES.map(lambda n: msg("{why}", why=n)),
    decided_by=st.just("clause"),
)


@dataclass
class Night:
    """What one scan saves."""

    collection: Collection
    findings: list[Finding]
    options: ScanOptions


@st.composite
def _nights(draw: st.DrawFn) -> Night:
    collection = Collection(
        taken_at=draw(MOMENTS),
        sources=draw(st.lists(st.builds(SourceInfo, name=SOURCES, type=st.just("ledger")), max_size=2)),
        records=draw(st.lists(_records(), max_size=6)),
        cells=draw(st.lists(CELLS, max_size=4)),
        rejections=draw(st.lists(REJECTIONS, max_size=3)),
    )
    collection.raws = {digest(d): d for d in draw(st.lists(DOCUMENTS, max_size=4))}
    findings = draw(st.lists(FINDINGS, max_size=4, unique_by=lambda f: f.key))
    return Night(collection, findings, ScanOptions(city=draw(NAMES)))


def _scan(number: int) -> ScanInfo:
    at = NOON + timedelta(days=number)
    return ScanInfo(
        number=0, started_at=at, finished_at=at, as_of=at, tool="yunhe test", pack="p 1", digest="d", exit_code=0
    )


def _bytes(collection: Collection) -> bytes:
    buffer = io.BytesIO()
    capture_file.dump(collection, buffer, tool="test")
    return buffer.getvalue()


@pytest.fixture(params=["as it is", "by a few"])
def steps(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks, pages and batches of their usual size, or of a few rows: the borders fall everywhere then."""
    if request.param == "by a few":
        _by_a_few(monkeypatch)


def _by_a_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inventory.store_bulk.PAGE_ROWS", 3)
    monkeypatch.setattr("inventory.store_writer.BATCH_ROWS", 3)
    monkeypatch.setattr("inventory.store_writer._Pace.FIRST", 1)
    monkeypatch.setattr("inventory.store_writer._Pace.MOST", 4)
    monkeypatch.setattr("inventory.store_bulk.STATEMENT_ROWS", 2)
    monkeypatch.setattr("inventory.store_rows.RUNS_IN_A_PART", 2)


def _streams(night: Night) -> dict[str, Stream]:
    taken = night.collection
    nowhere: Callable[[bytes], None] = lambda _: None  # noqa: E731 - the times are no part of a version
    return {
        "record": RecordStream(taken.sorted_lines(), Runs(nowhere, quoted=True)),
        "raw": RawStream(taken.sorted_raws()),
        "cell": cell_stream(taken.cells, Runs(nowhere, quoted=False)),
        "rejection": rejection_stream(taken.rejections),
        "finding": FindingStream(night.findings),
    }


def _versions_by_hand(nights: list[Night], section: Section) -> set[tuple[object, ...]]:
    """(key, nth, since, until, digest): a version begins where the night before had another content, or none."""
    found: dict[tuple[object, ...], int | None] = {}
    open_: dict[tuple[object, ...], int] = {}
    for number, night in enumerate(nights, 1):
        block = _streams(night)[section.name].take(10**6)
        held = set(zip(*block.places(), block.digests, strict=True)) if block is not None else set()
        for thing in open_.keys() - held:
            found[(*thing, open_.pop(thing))] = number - 1
        for thing in held - open_.keys():
            open_[thing] = number
    found |= {(*thing, since): None for thing, since in open_.items()}
    return {(key, nth, since, until, digest) for (key, nth, digest, since), until in found.items()}


def _assert_only_what_changed_was_written(store: Store, nights: list[Night]) -> None:
    with reading(store._engine) as connection:
        for section in SECTIONS:
            kept = [(v.key, v.nth, v.since, v.until, v.digest) for v in versions(connection, section)]
            assert len(kept) == len(set(kept))
            assert set(kept) == _versions_by_hand(nights, section)


@pytest.mark.usefixtures("steps")
@settings(max_examples=examples(25), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(nights=st.lists(_nights(), min_size=1, max_size=4), repeated=st.booleans())
def test_every_night_comes_back_to_the_byte(new_store: Callable[[], str], nights: list[Night], repeated: bool) -> None:
    """The same night twice, things that go and come back, times that differ, keys that collide: all of it."""
    if repeated:
        nights = [*nights, nights[0], nights[-1], nights[-1]]
    with Store(new_store()) as store:
        saved = [
            store.save(info=_scan(n), options=night.options, taken=night.collection, findings=night.findings)
            for n, night in enumerate(nights)
        ]
        assert store.faults() == []
        _assert_only_what_changed_was_written(store, nights)
        for info, night in zip(saved, nights, strict=True):
            loaded = store.load(info.number)
            assert loaded is not None
            assert loaded.info == info
            assert loaded.options == night.options
            assert loaded.collection.sources == night.collection.sources
            assert _bytes(loaded.collection) == _bytes(night.collection)
            assert sorted(loaded.findings, key=lambda f: f.key) == sorted(night.findings, key=lambda f: f.key)
            assert set(loaded.known) == {f.key for f in night.findings}
    assert len({info.head for info in saved}) == len(saved)


def _known_by_hand(nights: list[Night], number: int) -> dict[str, int]:
    """Finding key to the first scan since which its verdict has held without a break, counted from the nights."""
    first: dict[str, int] = {}
    before: dict[str, Verdict] = {}
    for scan, night in enumerate(nights[:number], 1):
        now = {f.key: f.verdict for f in night.findings}
        first = {k: first[k] if before.get(k) == v else scan for k, v in now.items()}
        before = now
    return first


@settings(max_examples=examples(25), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(nights=st.lists(_nights(), min_size=2, max_size=5))
def test_a_verdict_is_dated_from_its_last_break(new_store: Callable[[], str], nights: list[Night]) -> None:
    with Store(new_store()) as store:
        for n, night in enumerate(nights):
            store.save(info=_scan(n), options=night.options, taken=night.collection, findings=night.findings)
        for number in range(1, len(nights) + 1):
            loaded = store.load(number)
            assert loaded is not None
            assert {k: v.first_scan for k, v in loaded.known.items()} == _known_by_hand(nights, number)


def test_streams_are_laid_side_by_side_over_pages(
    new_store: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages and batches of a few rows: what is written on the way must not disturb what is still to be read."""
    _by_a_few(monkeypatch)

    def night(*names: int) -> Night:
        records: list[Record] = [
            Department(
                source="ledger:d",
                native_id=f"{n:03d}",
                observed_at=NOON + timedelta(seconds=n),
                name=f"{n}",
                raw="ab" * 32,
            )
            for n in names
        ]
        raws = {digest(b"{%d}" % n): b"{%d}" % n for n in names}
        return Night(Collection(taken_at=NOON, records=records, raws=raws), [], ScanOptions(city="c"))

    plans = [
        range(0, 40, 2),
        range(40),
        range(0, 40, 3),
        range(5, 35),
        (),
        range(40),
        range(40),
        range(1, 40),
        range(1, 40),
    ]
    nights = [night(*plan) for plan in plans]
    with Store(new_store()) as store:
        for n, saved in enumerate(nights):
            store.save(info=_scan(n), options=saved.options, taken=saved.collection, findings=saved.findings)
        for n, saved in enumerate(nights, 1):
            loaded = store.load(n)
            assert loaded is not None
            assert _bytes(loaded.collection) == _bytes(saved.collection)
        assert store.faults() == []
        _assert_only_what_changed_was_written(store, nights)


def _city(day: int, *changed: int) -> Collection:
    at = NOON + timedelta(days=day)
    records: list[Record] = [
        Department(source="ledger:d", native_id=f"{n:04d}", observed_at=at, name=f"{n} {day if n in changed else 0}")
        for n in range(4000)
    ]
    return Collection(taken_at=at, records=records)


def test_where_nothing_changed_no_row_is_read(new_store: Callable[[], str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a night with one change, only those around it are: a night of a million things must be a matter of seconds."""
    from inventory import store_kept

    read = 0
    latest = store_kept.latest

    def counted(*arguments: Any) -> Iterator[tuple[Any, ...]]:
        nonlocal read
        for row in latest(*arguments):
            read += 1
            yield row

    monkeypatch.setattr(store_kept, "latest", counted)
    seen = []
    with Store(new_store()) as store:
        for day, changed in enumerate([(), (), (2345,), (), (7, 2345), range(4000)]):
            read = 0
            store.save(info=_scan(day), options=ScanOptions(city="c"), taken=_city(day, *changed), findings=[])
            seen.append(read)
        assert store.faults() == []

    assert seen[:2] == [0, 0]
    assert 0 < seen[2] <= 1000
    assert seen[3] == seen[2], "what had changed is what it was before, and that is a change as well"
    assert 0 < seen[4] <= 2000
    assert seen[5] == 4000


def test_an_unchanged_night_writes_no_row_of_a_thing(new_store: Callable[[], str]) -> None:
    """Another time of observation is no change."""
    from sqlalchemy import func, select

    def rows(store: Store) -> list[int]:
        with reading(store._engine) as connection:
            tables = [BODY, *(s.table for s in SECTIONS)]
            return [connection.execute(select(func.count()).select_from(t)).scalar_one() for t in tables]

    counts = []
    with Store(new_store()) as store:
        for day in range(4):
            at = NOON + timedelta(days=day)
            document = encode_raw({"id": 1})
            records: list[Record] = [
                Department(source="ledger:d", native_id=str(n), observed_at=at, name="甲", raw=digest(document))
                for n in range(100)
            ]
            cell = CellResult(
                cell=Cell("ledger:d", "*", "department"), state=CellState.COMPLETE, seen=100, started_at=at,
                finished_at=at,
            )  # fmt: skip
            taken = Collection(taken_at=at, records=records, cells=[cell], raws={digest(document): document})
            store.save(info=_scan(day), options=ScanOptions(city="c"), taken=taken, findings=[])
            counts.append(rows(store))

    assert all(one == other for one, other in pairwise(counts))


def test_a_stream_that_is_out_of_order_is_refused(new_store: Callable[[], str]) -> None:
    """Laid side by side in the wrong order, rows would seem to come and go: the scan is not kept."""
    from inventory.store import StoreError

    class Shuffled(Collection):
        def sorted_lines(self) -> Iterator[bytes]:
            return map(canonical, self.records)

    records: list[Record] = [Department(source="s", native_id=n, observed_at=NOON, name=n) for n in ("b", "a")]
    with Store(new_store()) as store:
        with pytest.raises(StoreError, match="could not be kept"):
            store.save(
                info=_scan(0),
                options=ScanOptions(city="c"),
                taken=Shuffled(taken_at=NOON, records=records),
                findings=[],
            )
        assert store.last_number() is None


def test_what_is_loaded_can_be_encoded_again(new_store: Callable[[], str]) -> None:
    """A zone of +08:00 stays one: not the moment alone, the bytes are kept."""
    at = datetime(2026, 11, 20, 12, tzinfo=timezone(timedelta(hours=8)))
    record = Department(source="s", native_id="a", observed_at=at, name="n")
    with Store(new_store()) as store:
        store.save(
            info=_scan(0), options=ScanOptions(city="c"), taken=Collection(taken_at=at, records=[record]), findings=[]
        )
        loaded = store.load()

    assert loaded is not None
    assert msgspec.json.encode(loaded.collection.records[0]) == msgspec.json.encode(record)
    assert loaded.collection.taken_at.isoformat() == at.isoformat()
