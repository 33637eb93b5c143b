"""The do-not-scan guard: what is on the list is nowhere, in any form that sources write it."""

from datetime import UTC, datetime

import msgspec
import pytest

from inventory.collection import Collection, digest, encode_raw
from inventory.coverage import Cell, CellResult, CellState
from inventory.guard import Guard
from inventory.records import ClassifiedTrace, HostSighting, Nic, Port, Record, Tenant, View
from inventory.uuids import swapped

NOON = datetime(2026, 11, 20, 4, tzinfo=UTC)
UUID = "420bcf8f-a2f2-d154-329b-575d9bc5e19c"


@pytest.mark.parametrize(
    "text",
    ["10.20.0.5", "10.20.0.5/24", "10.20.0.5/32", "10.30.7.7", "10.30.7.7/8", "10.30.0.0/24", "fd00::5", "fd00::5/64",
     "secret-01", "SECRET-01", "secret-01.gov.local", "s－bmj", UUID, UUID.upper(), swapped(UUID), "fe80::9%eth0"],
)  # fmt: skip
def test_every_form_of_an_entry_is_forbidden(text: str) -> None:
    guard = Guard(["10.20.0.5", "10.30.0.0/16", "fd00::5", "secret-01", "S-BMJ", UUID, "fe80::9"])

    assert guard.forbids(text)


@pytest.mark.parametrize("text", ["10.20.0.6/24", "10.20.0.0/24", "10.0.0.0/8", "secret-011", "", "0.0.0.0/0"])
def test_its_neighbours_are_not(text: str) -> None:
    assert not Guard(["10.20.0.5", "secret-01"]).forbids(text)


def host(**fields: object) -> HostSighting:
    said = {"source": "ssh:h", "native_id": "h", "observed_at": NOON, "view": View.OS, "name": "h", **fields}
    return HostSighting(**said)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "record",
    [
        host(nics=(Nic(addresses=("10.20.0.5/24",)),)),
        host(labels={"system": "S-BMJ"}),
        host(name="secret-01.gov.local"),
        Port(source="openstack:c", native_id="p", observed_at=NOON, mac="fa:16:3e:00:00:01", addresses=("10.20.0.5",)),
        Tenant(source="openstack:c", native_id="t", observed_at=NOON, name="S-BMJ"),
    ],
)
def test_what_it_matches_leaves_a_count_and_nothing_else(record: Record) -> None:
    raw = encode_raw({"all": "of it", "address": "10.20.0.5"})
    record = msgspec.structs.replace(record, raw=digest(raw))
    cell = CellResult(cell=Cell("ssh:h", "secret-01", "host"), state=CellState.COMPLETE, seen=1, unseen=("S-BMJ",))
    seen = Collection(taken_at=NOON, records=[record], raws={digest(raw): raw}, cells=[cell])

    kept = seen.guarded(Guard(["10.20.0.5", "S-BMJ", "secret-01"]))

    (trace,) = kept.records
    assert isinstance(trace, ClassifiedTrace)
    assert (trace.what, trace.count) == (record.kind, 1)
    told = repr(kept)
    for word in ("10.20.0.5", "S-BMJ", "secret-01", "of it"):
        assert word not in told


def test_traces_of_several_nights_are_counted_together() -> None:
    guard = Guard(["secret-01"])
    one = Collection(taken_at=NOON, records=[host(name="secret-01")]).guarded(guard)
    one.merge(Collection(taken_at=NOON, records=[host(name="secret-01", native_id="h2")]))

    (trace,) = one.guarded(guard).records

    assert isinstance(trace, ClassifiedTrace)
    assert trace.count == 2
