"""The do-not-scan guard: what is on the list is nowhere, in any form that sources write it."""

import itertools
import threading
import typing
from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from netaddr import IPAddress, IPSet

from inventory import guard as guard_module
from inventory.collection import Collection, digest, encode_raw
from inventory.coverage import Cell, CellResult, CellState, Rejection
from inventory.guard import Guard
from inventory.names import normalise
from inventory.records import AnyRecord, ClassifiedTrace, HostSighting, Nic, Port, Project, Record, Tenant, View
from inventory.text import msg, tell
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


LISTED = ("S-BMJ", "涉密系统甲", "secret-01", UUID, "10.20.0.5", "10.30.0.0/16")
FORMS = ("S-BMJ", "涉密系统甲", "涉密 系统甲", "secret-01.gov.local", UUID.upper(), swapped(UUID), f"openstack:///{UUID}",
         "10.20.0.5/24", "::ffff:10.20.0.5", "10.30.7.7:/export", "system=S-BMJ", "甲单位（涉密系统甲）",
         "secret-01.gov.local.", UUID.replace("-", ""))  # fmt: skip
NOT_NAMES = {"source", "observed_at", "raw", "view", "status", "device_owner", "what"}


def texts_of(kind: type) -> list[str]:
    """Fields of a record type that hold text, alone or inside something else."""
    hints = typing.get_type_hints(kind)
    return [n for n in kind.__struct_fields__ if n not in NOT_NAMES and "str" in repr(hints[n])]  # type: ignore[attr-defined]


def filled(hint: object, text: str) -> object:
    """A value of the annotated type that holds the text."""
    if hint is str:
        return text
    arguments = [a for a in typing.get_args(hint) if a not in (type(None), ...)]
    origin = typing.get_origin(hint)
    if origin is tuple:
        return (filled(arguments[0], text),)
    if origin is dict:
        return {"a": text}
    return filled(arguments[0], text)


def planted() -> Iterator[tuple[Record, str]]:
    """Every record type with each of its text fields naming something of the list, in every form."""
    own = itertools.count()
    for kind in typing.get_args(AnyRecord):
        hints = typing.get_type_hints(kind)
        needed = [f.name for f in msgspec.structs.fields(kind) if f.required]
        fixed = {int: 1, View: View.OS, datetime: NOON}
        for name in [] if kind is ClassifiedTrace else texts_of(kind):
            for form in FORMS:
                given = {n: fixed.get(hints[n], f"own{next(own)}") for n in needed}
                yield kind(**{**given, name: filled(hints[name], form)}), form


def test_a_listed_name_in_any_field_of_any_record_leaves_nothing_behind() -> None:
    """Neither in the record nor in its document nor in the document that another record shares with it."""
    records, raws = [], {}
    for number, (record, form) in enumerate(planted()):
        body = encode_raw({"n": number, "said": form})
        raws[digest(body)] = body
        records += [msgspec.structs.replace(record, raw=digest(body)), host(native_id=f"n{number}", raw=digest(body))]
    assert len({r.kind for r in records}) == len(typing.get_args(AnyRecord)) - 1
    seen = Collection(taken_at=NOON, records=records, raws=raws)

    kept = seen.guarded(Guard(LISTED))

    for left in [*kept.records, kept.raws]:
        assert not any(form.casefold() in repr(left).casefold() for form in FORMS), left
    assert sum(r.source == "ssh:h" and isinstance(r, HostSighting) for r in kept.records) == len(records) // 2
    assert not kept.raws


def test_reasons_and_rejections_and_remarks_do_not_name_what_is_listed() -> None:
    nested = msg("{reasons}", reasons=[msg("{host} refused user {user}", host="secret-01", user="涉密 系统甲/ops")])
    cell = CellResult(cell=Cell("k8s:c", "*", "host"), state=CellState.FAILED, seen=0, reason=nested,
                      unseen=("x (S-BMJ)", "open"))  # fmt: skip
    row = Rejection(source="ledger:r", file="f", sheet="s", row=1, column="c", value="见涉密系统甲的批复",
                    expected=msg("a date"))  # fmt: skip
    remark = Tenant(source="o", native_id="t", observed_at=NOON, name="t", description="for 涉密系统甲 at 10.30.1.1")
    seen = Collection(taken_at=NOON, records=[remark], cells=[cell], rejections=[row])

    kept = seen.guarded(Guard(LISTED))

    assert kept.records == [msgspec.structs.replace(remark, description=None)]
    assert kept.cells[0].unseen == ("open",)
    assert tell(kept.cells[0].reason or msg("x"), "en") == "… refused user …"
    assert not kept.rejections


def test_a_listed_project_takes_its_tenants_and_systems_with_it() -> None:
    project = Project(source="l", native_id="P-BMJ", observed_at=NOON, name="n", tenants=("t-9",), systems=("S-9",))
    tenant = Tenant(source="o", native_id="1", observed_at=NOON, name="t-9")
    other = Tenant(source="o", native_id="2", observed_at=NOON, name="t-8")

    kept = Collection(taken_at=NOON, records=[tenant, other, project]).guarded(Guard(["P-BMJ"]))

    assert [r.native_id for r in kept.records if not isinstance(r, ClassifiedTrace)] == ["2"]


@pytest.mark.parametrize("text", ["secret-011 runs", "xS-BMJ", "10.20.0.50 and 10.31.0.1", "S-BM J2", "", "涉密系统"])
def test_a_sentence_about_neighbours_mentions_nothing(text: str) -> None:
    assert not Guard(LISTED).mentions(text)


@pytest.mark.parametrize(("entry", "text"), [("late", "late"), ("10.5.0.0/16", "10.5.1.1"), (UUID, swapped(UUID))])
def test_an_entry_that_is_added_later_counts_at_once(entry: str, text: str) -> None:
    """A ledger marks codes as classified while other sources are already planned."""
    guard = Guard()
    assert not guard.forbids(text)

    guard.add([entry])

    assert guard.forbids(text)
    assert guard.mentions(f"it is {text} here")


CIDRS = ("10.250.0.0/16", "10.251.0.0/17", "10.251.128.0/17", "192.0.2.77/32", "2001:db8:ff::/48", "::ffff:0:0/127")


@given(st.one_of(st.ip_addresses(), st.ip_addresses(network="10.240.0.0/12"), st.ip_addresses(network="2001:db8::/40")))
def test_an_address_is_on_the_list_as_netaddr_says_it_is(address: object) -> None:
    """Every pod of a large cluster has an address that nobody asked about before: the fast answer is the right one."""
    if str(address).startswith("::ffff:"):
        return  # as IPv4, whichever way it is written
    assert Guard(CIDRS).forbids(str(address)) == (IPAddress(str(address)) in IPSet(CIDRS))


PIECES = st.sampled_from(
    ["10.250.1.2", "10.9.0.1/24", "fe80::1", "::", "a", "_", " ", '"', ":", ".", "/", "1", "，", "é", "{", "[\u00a0"]
)


@given(st.lists(PIECES, max_size=12).map("".join))
def test_a_document_is_searched_for_addresses_word_by_word_and_none_is_lost(text: str) -> None:
    """The short way through plain ASCII finds what the pattern finds in the whole."""
    found = {a for word in guard_module._address_words(text) for a in guard_module._ADDRESS.findall(word)}
    assert found == set(guard_module._ADDRESS.findall(text))


NAMED = (
    "10.250.0.0/16",
    "10.8.0.0/13",
    "192.0.2.77",
    "2001:db8:ff::/48",
    UUID,
    "secret-host",
    "保密 系统",
    "保发〔2024〕3号",
    "SM[1]",
)
SAID = st.sampled_from(
    [
        "10.250.1.2",
        "10.250.0.0/17",
        "10.25.0.1",
        "10.15.255.255",
        "10.16.0.0",
        "192.0.2.77/24",
        "192.0.2.7",
        "::ffff:192.0.2.77",
        "::ffff:c000:24d",
        "::FFFF:0AFA:1",
        "2001:DB8:ff::1",
        "2001:0db8:00ff::1%eth0",
        "2001:db8::1",
        UUID,
        UUID.upper(),
        UUID.replace("-", ""),
        f"{{{UUID}}}",
        "VMware-42 0b cf 8f a2 f2 d1 54-32 9b 57 5d 9b c5 e1 9c",
        swapped(UUID),
        "SECRET-HOST",
        "secret-host.dept.test",
        "secret host",
        "secrethost",
        "保密系统",
        "保密　系统",
        "保发[2024]3号",
        "sm[1]",
        "sm〔1〕",
        "SM1",
        "１０.250.1.2",
        " ",
        '"',
        ",",
        "-",
        "openstack:///",
        "x",
        "é",
    ]
)


def thorough(*entries: str) -> Guard:
    """A guard that goes through every text, because its list is too long for the short way."""
    guard = Guard([*entries, *(f"198.18.{n}.1" for n in range(guard_module._MAX_TRACES + 1))])
    assert guard._traces is None
    return guard


@given(st.lists(st.sampled_from(NAMED), unique=True), st.lists(SAID, max_size=6).map("".join))
def test_the_short_way_through_a_document_or_a_record_misses_nothing(entries: list[str], text: str) -> None:
    short, long = Guard(entries), thorough(*entries)
    assert short._traces is not None
    assert short.mentions_in(text.encode()) == long.mentions_in(text.encode()) == long.mentions(text)
    record = Tenant(source="openstack:city", native_id="t-1", observed_at=NOON, name=text, tags=(f"owner={text}",))
    assert short.forbids_record(record) == long.forbids_record(record)


@pytest.mark.parametrize("entry", ["0.0.0.0/0", "8.0.0.0/5", "::/0", "::1", "2001::/15"])
def test_a_network_without_a_beginning_of_its_own_is_looked_for_the_long_way(entry: str) -> None:
    guard = Guard([entry])
    assert guard._traces is None
    assert guard.mentions_in(f'{{"at": "{entry.partition("/")[0]}"}}'.encode())


@given(st.text(st.characters(codec="ascii")))
def test_plain_ascii_is_normalised_as_any_other_text(text: str) -> None:
    """A character that is nothing takes the long way."""
    assert normalise(text) == normalise(text + "\u200b")


@pytest.mark.parametrize(
    "text", [" 10.250.0.1 ", "10.250.0.1/16", "2001:db8:ff::7%eth0", "::ffff:10.250.0.1", "2001:DB8:FF::"]
)
def test_an_address_is_known_however_it_is_dressed(text: str) -> None:
    """Blanks, prefixes, scopes, capitals."""
    assert Guard(CIDRS).forbids(text)


def test_the_list_may_grow_while_other_threads_ask() -> None:
    """Ledgers and clouds are read side by side: a ledger's mark must neither crash a cloud's reader nor be lost."""
    guard = Guard(["seed"])
    wrong: list[Exception] = []
    is_over = threading.Event()

    def ask() -> None:
        try:
            while not is_over.is_set():
                guard.mentions("a document about S-17 and others " * 20)
                guard.forbids_part("openstack://x/S-23")
                assert guard.fingerprint
        except (RuntimeError, AssertionError) as error:
            wrong.append(error)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(400):
        guard.add([f"S-{number}", f"10.0.{number % 256}.0/24"])
    is_over.set()
    for thread in threads:
        thread.join()

    assert wrong == []
    assert all(guard.forbids(f"S-{number}") for number in range(400))
    networks = [f"10.0.{n}.0/24" for n in range(256)]
    assert guard.fingerprint == Guard(["seed", *(f"S-{n}" for n in range(400)), *networks]).fingerprint
