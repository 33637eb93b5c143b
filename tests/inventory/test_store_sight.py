"""What a scan can say of a thing that it did not show: the formula scope by scope, beside the code that remembers."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta

from effort import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory.coverage import Cell, CellResult, CellState
from inventory.lifecycle import Life, LifeRules, Look
from inventory.scan import ScanInfo
from inventory.store_history import looked
from inventory.store_sight import ALL, Sight, Trace
from inventory.text import msg

NOON = datetime(2026, 11, 20, 4, tzinfo=UTC)
CLOUD, FLEET = "openstack:gov", "ssh:county"
SCOPES = ("a", "b", "c", ALL)
FRESH_HOURS = 48
RULES = LifeRules(gone_scans=2, gone_hours=24)

Run = tuple[str, str, CellState, int | None]
"""Source, scope, state, and how many hours before its scan it was read."""
runs = st.tuples(
    st.sampled_from((CLOUD, FLEET)),
    st.sampled_from(SCOPES),
    st.sampled_from((*[CellState.COMPLETE] * 5, CellState.PARTIAL)),
    st.sampled_from((None, 0, 0, 1, 24, 25, 48, 60)),
)
nights = st.lists(st.lists(runs, max_size=6), min_size=1, max_size=6)
things = st.tuples(st.sampled_from((CLOUD, FLEET)), st.sampled_from((*SCOPES[:3], "vm")), st.sampled_from((None, "b")))


def cell(number: int, run: Run) -> CellResult:
    source, scope, state, hours = run
    at = None if hours is None else as_of(number) - timedelta(hours=hours)
    reason = None if state is CellState.COMPLETE else msg("the connection was reset")
    return CellResult(cell=Cell(source, scope, "tenant"), state=state, seen=1, reason=reason, finished_at=at)


def as_of(number: int) -> datetime:
    return NOON + timedelta(days=number)


def sight(number: int, night: list[Run]) -> Sight:
    at = as_of(number)
    info = ScanInfo(number=number, started_at=at, finished_at=at, as_of=at, tool="t", pack="p", digest="d", exit_code=0)
    return Sight(info, [cell(number, run) for run in night], FRESH_HOURS)


class Plain:
    """One scan, asked about one thing: everything is worked out anew."""

    def __init__(self, number: int, night: list[Run], thing: Trace, there: "Plain | None") -> None:
        self.as_of = as_of(number)
        self.read_at: dict[str, set[datetime]] = defaultdict(set)
        self.is_whole: dict[str, bool] = {}
        for result in (cell(number, run) for run in night if run[0] == thing.source):
            at = result.finished_at or self.as_of
            is_whole = result.is_complete and self.as_of - at <= timedelta(hours=FRESH_HOURS)
            self.read_at[result.cell.scope].add(at)
            self.is_whole[result.cell.scope] = self.is_whole.get(result.cell.scope, True) and is_whole
        then = (there or self).is_whole.keys()
        own = thing.scopes & then
        self.scopes = own | ({ALL} & self.is_whole.keys()) if own else then | self.is_whole.keys()

    def saw_all(self) -> bool:
        return bool(self.scopes) and all(self.is_whole.get(scope, False) for scope in self.scopes)

    def new(self, scope: str, before: "Plain") -> set[datetime]:
        return self.read_at[scope] - before.read_at[scope]

    def is_older(self, then: "Plain") -> bool:
        return any(
            new < last
            for scope in self.scopes
            for new in self.new(scope, then)
            if scope in then.scopes
            for last in then.read_at[scope]
        )

    def is_new(self, before: "Plain") -> bool:
        return all(self.new(scope, before) for scope in self.scopes)


def plainly(thing: Trace, last: int, told: list[list[Run]]) -> list[tuple[int, Look]]:
    there = Plain(last, told[last - 1], thing, None)
    counted: Plain | None = None
    found = []
    for number in range(last + 1, len(told) + 1):
        now = Plain(number, told[number - 1], thing, there)
        sees = now.saw_all() and not now.is_older(there) and (counted is None or now.is_new(counted))
        counted = now if sees else counted
        found.append((number, Look.WHOLE if sees else Look.PARTIAL))
    return found


@given(told=nights, asked=st.lists(things, min_size=1, max_size=4))
@settings(max_examples=examples(300))
def test_what_is_remembered_is_what_the_formula_says(
    told: list[list[Run]], asked: list[tuple[str, str, str | None]]
) -> None:
    """Of several things, of which each was last seen in each of the scans."""
    sights = {number: sight(number, night) for number, night in enumerate(told, 1)}
    for source, name, namespace in asked:
        space = f',"namespace":"{namespace}"' if namespace else ""
        body = f'{{"source":"{source}","kind":"tenant","native_id":"{name}"{space}}}'.encode()
        thing = Trace(source, "tenant", frozenset({name, namespace or name}))
        for last in sights:
            found = list(looked(body, last, None, sorted(sights), sights.__getitem__, RULES))
            assert [(number, look) for number, _, look in found] == plainly(thing, last, told)
            assert all(life is Life.UNSEEN for _, life, _ in found) or Look.WHOLE in {look for _, _, look in found}


def test_what_does_not_depend_on_the_thing_is_worked_out_once() -> None:
    """Thousands of things that are not there, and thousands of scopes in which they are not."""
    before, after = (sight(n, [(CLOUD, scope, CellState.COMPLETE, 0) for scope in "abc"]) for n in (1, 2))
    one, other = (Trace(CLOUD, "tenant", frozenset({name})) for name in ("vm1", "vm2"))
    own = Trace(CLOUD, "tenant", frozenset({"a"}))

    assert after.readings(one, before) is after.readings(other, before)
    assert after.readings(own, before) is not after.readings(one, before)
    assert after.readings(own, before).times == {"a": (as_of(2),)}
