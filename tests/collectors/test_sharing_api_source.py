"""The sharing platform over HTTP: everything, or what is missing and why; the token nowhere."""

import datetime as dt
import ipaddress
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from command import Yunhe
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from effort import examples
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from json_server import Answer, JsonServer, json_server

from collectors.collector import collect
from collectors.request_rate import RequestRate
from collectors.sharing_api_source import SharingApiCollector, sharing_api_collectors
from inventory.collection import Collection
from inventory.coverage import CellState
from inventory.guard import Guard
from inventory.records import SharingEntry, SharingType, SharingUse
from inventory.settings import ConfigError, RequestLimits, SharingApi
from inventory.text import tell

NOON = dt.datetime(2026, 11, 1, 4, tzinfo=dt.UTC)
TOKEN = "s3cr3t-0f-the-platform"
ENTRIES = {
    "code": "code",
    "name": "title",
    "system": "owner.system",
    "direction": "role",
    "sharing_type": "shareType",
    "published_on": "published",
    "resource_id": "resource",
}
USES = {"resource_id": "id", "consumer_system": "caller", "period_start": "month", "period_end": "month",
        "succeeded": "ok", "failed": "bad"}  # fmt: skip


def entry_item(number: int, **fields: object) -> dict[str, object]:
    return {
        "code": f"306001/{number:06}",
        "title": f"目录{number}",
        "owner": {"system": "S-1"},
        "role": "提供",
        "shareType": "有条件共享",
        "published": "2026-03-31T20:00:00Z",
        "resource": f"api-{number}",
        **fields,
    }


def paged(*pages: list[object]) -> Callable[[str, dict[str, str]], Answer]:
    """Page n of the pages; empty pages after the last."""

    def answer(_: str, query: dict[str, str]) -> Answer:
        number = int(query.get("page", "1"))
        items = pages[number - 1] if number <= len(pages) else []
        return Answer({"code": 0, "data": {"list": items, "total": sum(map(len, pages))}})

    return answer


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLATFORM_TOKEN", TOKEN)


@pytest.fixture
def server() -> Iterator[JsonServer]:
    with json_server(paged([entry_item(1), entry_item(2)], [entry_item(3)])) as running:
        yield running


def read(server_url: str, *, guard: Guard | None = None, **fields: object) -> Collection:
    """What a scan keeps of it."""
    given = {"name": "p", "url": f"{server_url}/catalogue", "token_env": "PLATFORM_TOKEN", "items": "data.list",
             "entries": ENTRIES, "page_param": "page", "retries": 0, "timeout": 5,
             "requests_per_second": 10_000}  # fmt: skip
    entry = SharingApi(**given | fields)  # type: ignore[arg-type]
    the_guard = guard if guard is not None else Guard()
    made = sharing_api_collectors(entry, base=Path(), clock=lambda: NOON, guard=the_guard)
    collection = collect(made, guard=the_guard, clock=lambda: NOON)
    assert TOKEN not in repr(collection), "the token must be nowhere"
    assert all(TOKEN.encode() not in raw for raw in collection.raws.values())
    return collection


def state(collection: Collection) -> tuple[CellState, str]:
    (cell,) = collection.cells
    return cell.state, tell(cell.reason, "en") if cell.reason else ""


def test_every_page_is_read_to_the_empty_one(server: JsonServer) -> None:
    collection = read(server.url)

    assert state(collection) == (CellState.COMPLETE, "")
    assert [r.native_id for r in collection.records] == ["306001/000001", "306001/000002", "306001/000003"]
    (first, *_) = collection.records
    assert isinstance(first, SharingEntry)
    assert first.sharing_type is SharingType.CONDITIONAL
    assert first.direction == "provide"
    assert first.published_on == dt.date(2026, 4, 1), "a moment in UTC is the law's next day"
    assert len(server.asked) == 3
    assert {h["Authorization"] for h in server.headers} == {f"Bearer {TOKEN}"}


def test_the_total_that_the_platform_names_must_be_reached(server: JsonServer) -> None:
    assert state(read(server.url, total="data.total"))[0] is CellState.COMPLETE

    server.answer = lambda _, q: Answer({"data": {"list": [entry_item(1)] if q["page"] == "1" else [], "total": 9}})

    assert state(read(server.url, total="data.total")) == (
        CellState.PARTIAL,
        "sharing_api:p: it says that there are 9 items and gave 1",
    )


def test_the_first_page_alone_is_not_taken_for_everything(server: JsonServer) -> None:
    """A platform that pages though nobody asked gives ten of a thousand with 200."""
    short = state(read(server.url, page_param=None))
    assert short[0] is CellState.PARTIAL
    assert 'name `page_param`, `next` or `total` (`total = "length(data.list)"`' in short[1]

    stated = {"page_param": None, "total": "length(data.list)"}
    server.answer = lambda *_: Answer({"data": {"list": [entry_item(1)]}})
    assert state(read(server.url, **stated))[0] is CellState.COMPLETE


@pytest.mark.parametrize("path", ["nxet", "links.next", "data.nxet", "data.page.next", "data.list[0].next"])
def test_a_next_that_is_not_in_the_first_answer_may_be_misspelt_and_ends_nothing(server: JsonServer, path: str) -> None:
    """Once the first of three pages was taken for all of it."""
    server.answer = lambda _, q: Answer({"data": {"list": [entry_item(int(q.get("p", 1)))]}, "next": "/catalogue?p=2"})

    how, reason = state(read(server.url, page_param=None, next=path))

    assert how is CellState.PARTIAL
    assert f"`{path}` finds nothing in the first answer" in reason
    assert f'`next = "not_null({path}, `false`)"`' in reason
    assert len(server.asked) == 1


@pytest.mark.parametrize("rest", [{"next": None}, {"next": ""}, {"next": False}])
def test_a_platform_that_says_that_there_is_no_next_page_has_given_all(
    server: JsonServer, rest: dict[str, object]
) -> None:
    for path, body in [("next", {"data": {"list": [entry_item(1)]}, **rest}),
                       ("data.links.next", {"data": {"list": [entry_item(1)], "links": rest}})]:  # fmt: skip
        server.answer = lambda *_, body=body: Answer(body)  # type: ignore[misc]

        assert state(read(server.url, page_param=None, next=path)) == (CellState.COMPLETE, "")


def test_a_key_that_is_left_out_on_the_last_page_alone_is_the_end(server: JsonServer) -> None:
    """HAL: `_links.next` is there until there is nothing more."""
    following = {"next": {"href": "/catalogue?p=2"}}
    server.answer = lambda _, q: Answer({"data": {"list": [entry_item(len(q) + 1)]}, "_links": {} if q else following})

    collection = read(server.url, page_param=None, next="_links.next.href")

    assert state(collection) == (CellState.COMPLETE, "")
    assert len(collection.records) == len(server.asked) == 2


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"next": "not_null(_links.next.href, `false`)"}, (CellState.COMPLETE, "")),
        ({"next": "_links.next.href", "total": "data.total"}, (CellState.COMPLETE, "")),
        (
            {"next": "nxet", "total": "data.all"},
            (CellState.PARTIAL, "sharing_api:p: it says that there are 2 items and gave 1"),
        ),
    ],
)
def test_the_config_says_what_a_missing_next_means_on_the_only_page(
    server: JsonServer, fields: dict[str, str], told: tuple[CellState, str]
) -> None:
    server.answer = lambda *_: Answer({"data": {"list": [entry_item(1)], "total": 1, "all": 2}, "_links": {}})

    assert state(read(server.url, page_param=None, **fields)) == told


def test_an_item_that_slips_between_shifting_pages_is_missed(server: JsonServer) -> None:
    """Something new on page one pushes its last item to page two: it is seen twice and another never."""
    pages = {"1": [entry_item(1), entry_item(2)], "2": [entry_item(2), entry_item(3)]}
    server.answer = lambda _, q: Answer({"data": {"list": pages.get(q["page"], []), "total": 4}})

    how, reason = state(read(server.url, total="data.total"))

    assert how is CellState.PARTIAL
    assert "4 items and gave 3" in reason


def test_a_platform_may_only_say_that_there_is_more(server: JsonServer) -> None:
    pages = paged([entry_item(1)], [entry_item(2)])

    def answer(path: str, query: dict[str, str]) -> Answer:
        return Answer({**pages(path, query).body, "more": query["page"] == "1"})  # type: ignore[dict-item]

    server.answer = answer

    collection = read(server.url, next="more")

    assert state(collection)[0] is CellState.COMPLETE
    assert len(collection.records) == len(server.asked) == 2


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from([*ENTRIES.values(), "x"]), inner),
    max_leaves=12,
)


@settings(max_examples=examples(200), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.dictionaries(st.sampled_from([*ENTRIES.values(), "owner"]), JSON) | JSON, max_size=4))
def test_any_item_is_a_record_or_is_named(server: JsonServer, items: list[object]) -> None:
    """Wrong types, control characters and huge numbers are never a crash and never a silent skip."""
    server.answer = lambda *_: Answer({"data": {"list": items}, "next": None})

    collection = read(server.url, page_param=None, next="next")

    named = {r.row for r in collection.rejections}
    kept = {json.loads(raw)["item"] for raw in collection.raws.values()}
    lost = [items[n - 1] for n in range(1, len(items) + 1) if n not in named | kept]
    # What an earlier item said already, in the fields that are mapped, is not said again.
    assert not lost or (kept and all(isinstance(item, dict) and item["code"] is not None for item in lost))
    assert (state(collection)[0] is CellState.COMPLETE) is not bool(named)


def test_calls_are_read_with_months_and_whole_numbers(server: JsonServer) -> None:
    item = {"id": 1234567890123456789, "caller": "S-2", "month": "2026-10", "ok": 1200, "bad": 0}
    server.answer = lambda *_: Answer({"data": {"list": [item]}})

    collection = read(server.url, entries={}, uses=USES, page_param=None)

    (use,) = collection.records
    assert isinstance(use, SharingUse)
    assert (use.resource_id, use.succeeded, use.failed) == ("1234567890123456789", 1200, 0)
    assert (use.period_start, use.period_end) == (dt.date(2026, 10, 1), dt.date(2026, 10, 31))


@pytest.mark.parametrize("link", ["/catalogue?cursor=2", "?cursor=2", "http://{host}/catalogue?cursor=2"])
def test_links_to_a_next_page_are_followed_on_the_same_host(server: JsonServer, link: str) -> None:
    there = link.format(host=server.url.removeprefix("http://"))
    server.answer = lambda _, q: Answer({"data": {"list": [entry_item(2 if q else 1)]}, "next": None if q else there})

    collection = read(server.url, page_param=None, next="next")

    assert [r.native_id for r in collection.records] == ["306001/000001", "306001/000002"]
    assert state(collection)[0] is CellState.COMPLETE


@pytest.mark.parametrize("how", ["link", "redirect"])
def test_the_token_is_taken_to_no_other_host(server: JsonServer, how: str) -> None:
    with json_server(paged([entry_item(9)])) as stranger:
        if how == "link":
            server.answer = lambda *_: Answer({"data": {"list": [entry_item(1)]}, "next": f"{stranger.url}/catalogue"})
        else:
            server.answer = lambda *_: Answer({}, status=302, headers={"Location": f"{stranger.url}/catalogue"})

        collection = read(server.url, page_param=None, next="next")

        assert stranger.asked == []
    assert state(collection)[0] in (CellState.PARTIAL, CellState.FAILED)
    assert "another host" in state(collection)[1]


def test_a_redirect_within_the_host_is_followed(server: JsonServer) -> None:
    pages = paged([entry_item(1)])
    server.answer = lambda path, q: (
        pages(path, q) if path == "/v2" else Answer({}, status=308, headers={"Location": f"/v2?page={q['page']}"})
    )

    assert state(read(server.url))[0] is CellState.COMPLETE


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (Answer({}, status=401), "does not accept the token (401); check PLATFORM_TOKEN"),
        (Answer({}, status=403), "may not read this (403)"),
        (Answer({}, status=404), "answered 404, expected 200"),
        (Answer({}, status=429), "fewer requests (429)"),
        (Answer({}, status=500), "failed by itself (500)"),
        (Answer({}, status=503), "failed by itself (503)"),
        (Answer(b'{"data": {"list": [{"code": '), "no whole JSON"),
        (Answer(b'{"data": {"list": []}}', promise=4000), "broke off in the middle"),
        (Answer(b"[" * 100_000 + b"]" * 100_000), "no whole JSON"),
        (Answer(b"<html>login</html>"), "no whole JSON"),
        (Answer(reset=True), "broke off in the middle"),
        (Answer({"code": 403, "msg": "token invalid", "data": None}), "`data.list` finds no list"),
        (Answer({"data": {"list": {"a": 1}}}), "`data.list` finds no list"),
        (Answer({"data": {"list": [{"token": TOKEN}]}}), "repeats the token"),
        (Answer({"data": {"list": []}}, headers={"Content-Encoding": "gzip"}), "a coding that was not asked for"),
        (Answer({"data": {"list": []}}, wait=1.5), "did not answer within 0.5 s"),
        (Answer({}, status=302, headers={"Location": "/catalogue"}), "in circles"),
    ],
)
def test_a_fault_is_one_clear_sentence_and_never_complete(server: JsonServer, answer: Answer, word: str) -> None:
    server.answer = lambda *_: answer

    how, reason = state(read(server.url, timeout=0.5))

    assert how is CellState.FAILED
    assert word in reason
    assert "\n" not in reason


@pytest.mark.parametrize("answer", [Answer({}, status=500), Answer(b"{", promise=90), Answer(reset=True)])
def test_what_was_read_before_a_fault_stands_and_is_not_all(server: JsonServer, answer: Answer) -> None:
    pages = paged([entry_item(1)], [entry_item(2)])
    server.answer = lambda path, q: pages(path, q) if q["page"] == "1" else answer

    collection = read(server.url)

    assert state(collection)[0] is CellState.PARTIAL
    assert [r.native_id for r in collection.records] == ["306001/000001"]


def test_a_passing_fault_is_waited_out_as_long_as_the_platform_says(server: JsonServer) -> None:
    pages = paged([entry_item(1)])

    def answer(path: str, query: dict[str, str]) -> Answer:
        if len(server.asked) == 1:
            return Answer({}, status=429, headers={"Retry-After": "1"})
        return Answer({}, status=503) if len(server.asked) == 2 else pages(path, query)

    server.answer = answer
    before = dt.datetime.now(dt.UTC)

    assert state(read(server.url, retries=2))[0] is CellState.COMPLETE
    assert (dt.datetime.now(dt.UTC) - before).total_seconds() >= 1
    assert len(server.asked) == 4


def test_the_platform_is_asked_no_faster_than_the_config_says(server: JsonServer) -> None:
    """One a second: the walk's four requests take their turns."""
    slept: list[float] = []
    server.answer = paged([entry_item(1)], [entry_item(2)], [entry_item(3)])
    entry = SharingApi(name="p", url=f"{server.url}/catalogue", items="data.list", entries=ENTRIES, page_param="page",
                       requests_per_second=1)  # fmt: skip
    (collector,) = sharing_api_collectors(entry, base=Path(), clock=lambda: NOON, guard=Guard())
    assert isinstance(collector, SharingApiCollector)
    slow = replace(collector, rate=RequestRate(RequestLimits(requests_per_second=1), sleep=slept.append))

    collection = collect([slow], guard=Guard(), clock=lambda: NOON)

    assert state(collection)[0] is CellState.COMPLETE
    assert len(server.asked) == 4
    # Nobody really slept, so each waits for all before it.
    assert [round(s) for s in slept] == [1, 2, 3]
    assert collector.parallel == 1


@pytest.mark.parametrize("answer", [Answer(drip=True), Answer({"data": {"list": []}}, wait=6)])
def test_a_platform_that_drips_or_hangs_ends_with_the_deadline(server: JsonServer, answer: Answer) -> None:
    server.answer = lambda *_: answer
    before = time.monotonic()

    how, reason = state(read(server.url, timeout=5, total_timeout=0.6, retries=3))

    assert how is CellState.FAILED
    assert "not read to its end within 0.6 s" in reason
    assert time.monotonic() - before < 3


def test_nobody_waits_longer_than_the_deadline(server: JsonServer) -> None:
    server.answer = lambda *_: Answer({}, status=429, headers={"Retry-After": "86400"})

    assert "(429)" in state(read(server.url, retries=5, total_timeout=2))[1]
    assert len(server.asked) == 1


@pytest.mark.parametrize("fields", [{}, {"page_param": None, "next": "next"}])
def test_pages_that_never_end_are_noticed(server: JsonServer, fields: dict[str, object]) -> None:
    """A platform that ignores the page's number gives the first page for ever."""
    server.answer = lambda *_: Answer({"data": {"list": [entry_item(1)]}, "next": "/catalogue?p=2"})

    how, reason = state(read(server.url, **fields))

    assert how is CellState.PARTIAL
    assert "same page again and again" in reason
    assert len(server.asked) == 2


def test_an_error_that_calls_itself_200_is_an_error(server: JsonServer) -> None:
    server.answer = lambda *_: Answer({"code": 5001, "data": {"list": []}})

    how, reason = state(read(server.url, success="code == `0`"))

    assert how is CellState.FAILED
    assert "an error of its own" in reason


def test_names_and_ports_that_lead_nowhere_are_told_apart() -> None:
    assert "no address for the name" in state(read("http://nobody.invalid", allow_http=True))[1]
    assert "cannot be connected to (Connection refused)" in state(read("http://127.0.0.1:1"))[1]


def pem(path: Path) -> Path:
    """Key and certificate of 127.0.0.1, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return path


def test_tls_is_verified_unless_the_authority_is_named(tmp_path: Path) -> None:
    certificate = pem(tmp_path / "server.pem")
    with json_server(paged([entry_item(1)]), certificate=certificate) as server:
        how, reason = state(read(server.url))
        assert how is CellState.FAILED
        assert "no trusted TLS" in reason
        assert server.asked == []

        assert state(read(server.url, ca_file=str(certificate)))[0] is CellState.COMPLETE


def test_without_its_token_nothing_is_asked(server: JsonServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PLATFORM_TOKEN")

    how, reason = state(read(server.url))

    assert how is CellState.FAILED
    assert "PLATFORM_TOKEN is not set" in reason
    assert server.asked == []


def test_a_host_on_the_do_not_scan_list_is_not_asked(server: JsonServer) -> None:
    collection = read(server.url, guard=Guard(["127.0.0.1"]))

    assert state(collection)[0] is CellState.SKIPPED
    assert server.asked == []


def test_an_item_that_cannot_be_read_is_rejected_and_named(server: JsonServer) -> None:
    bad = [entry_item(1, shareType="也许"), entry_item(2, code=None), entry_item(3, owner=[1]), "no object",
           entry_item(4, title={"zh": "名"}), entry_item(5)]  # fmt: skip
    server.answer = paged(bad)

    collection = read(server.url)

    assert state(collection)[0] is CellState.PARTIAL
    assert [r.native_id for r in collection.records] == ["306001/000003", "306001/000005"]
    assert [(r.row, r.column.partition(" ")[0]) for r in collection.rejections if r.row != 4] == [
        (1, "sharing_type"),
        (2, "code"),
        (5, "name"),
    ]


def test_nothing_of_a_classified_item_is_kept(server: JsonServer) -> None:
    marks = enumerate(("是", "否", "?"), 1)
    server.answer = paged([entry_item(n, secret=mark, owner={"system": f"S-{n}"}) for n, mark in marks])

    collection = read(server.url, entries={**ENTRIES, "classified": "secret"})

    assert [r.native_id for r in collection.records] == ["306001/000002"]
    assert "306001/000001" not in repr(collection)
    assert "306001/000003" not in repr(collection)
    assert state(collection)[0] is CellState.PARTIAL


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"items": "data["}, ("sharing_api.p.items", "JMESPath")),
        ({"entries": {**ENTRIES, "nam": "x"}}, ("entries.nam", "expected one of code")),
        ({"entries": {"name": "x"}}, ("entries.code", "missing")),
        ({"entries": {}}, ("entries", "uses")),
        ({"url": "http://platform.example/api"}, ("url", "in clear")),
    ],
)
def test_a_table_that_cannot_be_used_names_its_key(fields: dict[str, object], words: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError) as caught:
        read("http://127.0.0.1:1", **fields)

    for word in words:
        assert word in str(caught.value)


CONFIG = """
version = 1
[city]
name = "测试市"
[[ledger]]
name = "systems"
kind = "systems"
path = "systems.csv"
[[sharing_api]]
name = "platform"
url = "{url}/catalogue"
token_env = "PLATFORM_TOKEN"
header = "X-Token"
prefix = ""
items = "data.list"
page_param = "page"
retries = 0
entries = {{ code = "code", name = "title", system = "owner.system", direction = "role", sharing_type = "shareType" }}
"""


def test_a_scan_reads_it_beside_the_ledgers(yunhe: Yunhe, server: JsonServer, tmp_path: Path) -> None:
    (tmp_path / "systems.csv").write_text(
        "系统编号,系统名称,建设单位,建设性质,资金来源,等保级别\nS-1,测试系统,市教育局,新建,财政,二级\n",
        encoding="utf-8",
    )
    config = tmp_path / "yunhe.toml"
    config.write_text(CONFIG.format(url=server.url), encoding="utf-8")

    ran = yunhe("scan", "-c", config, "--format", "json")

    told = json.loads(ran.out)
    states = {(c["cell"]["source"], c["cell"]["kind"]): c["state"] for c in told["coverage"]}
    assert states["sharing_api:platform", "sharing_entry"] == "complete"
    assert {h["X-Token"] for h in server.headers} == {TOKEN}
    assert TOKEN not in ran.out + ran.err
    assert TOKEN.encode() not in (tmp_path / "yunhe.db").read_bytes()

    server.answer = lambda *_: Answer({}, status=500)
    ran = yunhe("scan", "-c", config, "--format", "json")

    assert ran.code == 4
    assert "failed by itself" in ran.err
