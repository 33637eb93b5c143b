"""Present, missing, gone: a state machine of our own beside the store, over whatever nights may come."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest
from effort import examples
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from inventory.collection import Collection
from inventory.coverage import Cell, CellResult, CellState
from inventory.lifecycle import Doubted, Fading, Life, LifeRules, Look, is_held, with_held
from inventory.records import HostSighting, Record, Tenant, View
from inventory.scan import ScanInfo, ScanOptions
from inventory.store import Store
from inventory.text import msg

NOON = datetime(2026, 11, 20, 4, tzinfo=UTC)
RULES = LifeRules(gone_scans=2, gone_hours=30)
CLOUD, FLEET = "openstack:gov", "ssh:county"
TENANTS = [f"t{n}" for n in range(60)]
HOSTS = [f"h{n}" for n in range(3)]


def cell(source: str, scope: str, kind: str, seen: int, state: CellState = CellState.COMPLETE) -> CellResult:
    reason = None if state is CellState.COMPLETE else msg("the connection was reset")
    return CellResult(cell=Cell(source, scope, kind), state=state, seen=seen, reason=reason)


@pytest.mark.parametrize(
    ("before", "after", "held"),
    [
        (100, 80, False),
        (100, 79, True),
        (1000, 900, False),
        (1000, 899, True),
        (20, 0, False),
        (21, 0, True),
        (5, 9, False),
    ],
)
def test_more_than_twenty_and_a_tenth_is_a_mass_disappearance(before: int, after: int, held: int) -> None:
    result = cell(CLOUD, "*", "host", after)
    (found,) = with_held([result], {(result.cell, 0): before})

    assert is_held(found) is bool(held)
    assert found.is_complete is not bool(held)


def test_only_a_scan_that_was_whole_can_be_held() -> None:
    """Who could not look has lost nothing."""
    for state in CellState:
        result = cell(CLOUD, "*", "host", 0, state)
        (found,) = with_held([result], {(result.cell, 0): 100})
        assert is_held(found) is (state is CellState.COMPLETE)


@pytest.mark.parametrize("scope", ["a\x00b", "x" * 600], ids=["NUL", "long"])
def test_a_scope_may_be_called_anything(new_store: Callable[[], str], scope: str) -> None:
    """It broke while it held a hundred; the next whole night shows five."""
    nights = [(100, CellState.COMPLETE), (0, CellState.FAILED), (5, CellState.COMPLETE)]
    with Store(new_store()) as store:
        for day, (seen, state) in enumerate(nights):
            at = NOON + timedelta(days=day)
            told = store.with_held([cell(CLOUD, scope, "host", seen, state)])
            info = ScanInfo(
                number=0, started_at=at, finished_at=at, as_of=at, tool="t", pack="p", digest="d", exit_code=0
            )
            taken = Collection(taken_at=at, cells=told)
            store.save(info=info, options=ScanOptions(city="c"), taken=taken, findings=[])

    assert [is_held(c) for c in told] == [True]


@pytest.mark.parametrize(
    ("looks", "state"),
    [
        ("", "unseen"),
        ("p", "unseen"),
        ("w", "missing"),
        ("ww", "gone"),
        ("pwpwp", "gone"),
        ("h", "suspect"),
        ("hp", "suspect"),
        ("hw", "missing"),
        ("wh", "missing"),
        ("hww", "gone"),
        ("wwh", "gone"),
        ("wwp", "gone"),
    ],
)
def test_a_thing_fades_step_by_step(looks: str, state: str) -> None:
    """One look a day: w(hole), h(eld), p(artial)."""
    thing = Fading(LifeRules(gone_scans=2, gone_hours=24))
    names = {"w": Look.WHOLE, "h": Look.HELD, "p": Look.PARTIAL}
    for day, look in enumerate(looks):
        thing.add(NOON + timedelta(days=day), names[look])

    assert thing.state == state


def test_scans_in_a_hurry_make_nothing_gone() -> None:
    """Three scans within an hour are one look."""
    thing = Fading(LifeRules())
    for minutes in range(0, 600, 10):
        assert thing.add(NOON + timedelta(minutes=minutes), Look.WHOLE) is Life.MISSING


def placed(taken: Collection) -> Iterator[tuple[str, Cell | None, bytes]]:
    """As of a capture: the records do not say in which cell they were read."""
    return ((r.key, None, msgspec.json.encode(r, order="sorted")) for r in taken.sorted_records())


class Nights(RuleBasedStateMachine):
    """Tenants of one cloud in one cell, SSH hosts each in a cell of its own; the model counts as a person would."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.store = Store(Path(self.folder.name) / "s.db")
        self.at = NOON
        self.believed: set[str] | None = None
        self.fresh = 0
        self.model: dict[str, Life] = {}
        self.looks: dict[str, list[datetime]] = {}

    def teardown(self) -> None:
        self.store.__exit__()
        self.folder.cleanup()

    @initialize()
    def first(self) -> None:
        self.night(hours=24, lost=0, new=0, cloud_is_whole=True, hosts=dict.fromkeys(HOSTS, "seen"), accept=False)

    @rule(
        hours=st.sampled_from([1, 24, 48]),
        lost=st.sampled_from([0, 0, 1, 5, 20, 21, 60]),
        new=st.sampled_from([0, 0, 1, 20, 21, 60]),
        cloud_is_whole=st.booleans(),
        hosts=st.fixed_dictionaries(dict.fromkeys(HOSTS, st.sampled_from(["seen", "empty", "failed", "unplanned"]))),
        accept=st.booleans(),
    )
    def night(self, hours: int, lost: int, new: int, cloud_is_whole: bool, hosts: dict[str, str], accept: bool) -> None:
        self.at += timedelta(hours=hours)
        there = TENANTS[lost:] + [f"new{self.fresh + n}" for n in range(new)]
        self.fresh += new // 3  # some of them are there again the next night
        state = CellState.COMPLETE if cloud_is_whole else CellState.PARTIAL
        cells = [cell(CLOUD, "*", "tenant", len(there), state)]
        for name, what in hosts.items():
            if what != "unplanned":
                ended = CellState.FAILED if what == "failed" else CellState.COMPLETE
                cells.append(cell(FLEET, name, "host", int(what == "seen"), ended))
        records: list[Record] = [Tenant(source=CLOUD, native_id=n, observed_at=self.at, name=n) for n in there]
        records += [
            HostSighting(source=FLEET, native_id=n, observed_at=self.at, view=View.OS, name=n)
            for n, what in hosts.items()
            if what == "seen"
        ]
        taken = Collection(taken_at=self.at, records=records, cells=cells)
        told = cells if accept else self.store.with_held(cells, placed=lambda: placed(taken))
        info = ScanInfo(
            number=0,
            started_at=self.at,
            finished_at=self.at,
            as_of=self.at,
            tool="t",
            pack="p",
            digest="d",
            exit_code=0,
        )
        self.store.save(info=info, options=ScanOptions(city="c"), taken=Doubted(taken, told), findings=[])
        self._tenants(set(there), is_whole=cloud_is_whole, accept=accept)
        for name, what in hosts.items():
            self._step(FLEET + "|host|" + name, there=what == "seen", look="whole" if what == "empty" else "none")

    def _tenants(self, there: set[str], *, is_whole: bool, accept: bool) -> None:
        look = "none"
        if is_whole:
            lost = len((self.believed or set()) - there)
            too_many = self.believed is not None and lost > 20 and lost > len(self.believed) / 10
            look = "held" if too_many and not accept else "whole"
        if look == "whole":
            self.believed = there
        for name in sorted(there | {key.rpartition("|")[2] for key in self.model if "|tenant|" in key}):
            self._step(f"{CLOUD}|tenant|{name}", there=name in there, look=look)

    def _step(self, key: str, *, there: bool, look: str) -> None:
        if there:
            self.model[key], self.looks[key] = Life.PRESENT, []
            return
        if key not in self.model:
            return
        before = self.model[key]
        if before is Life.PRESENT:
            self.model[key] = before = Life.UNSEEN
        if look == "held" and not self.looks[key]:
            self.model[key] = Life.SUSPECT
        if look == "whole" and before is not Life.GONE:
            looks = self.looks[key]
            looks.append(self.at)
            enough = len(looks) >= RULES.gone_scans and looks[-1] - looks[0] >= timedelta(hours=RULES.gone_hours)
            self.model[key] = Life.GONE if enough else Life.MISSING

    @invariant()
    def the_store_says_the_same(self) -> None:
        absent = {key: state for key, _, state in self.store.absent(RULES)}
        assert absent == {key: state for key, state in self.model.items() if state is not Life.PRESENT}


TestNights = Nights.TestCase
TestNights.settings = settings(max_examples=examples(15), stateful_step_count=10, deadline=None)
