"""Answers that somebody made to hurt: a valid one with a poison in it. The same on every run.

A JSON answer is spoiled as text, so that what no encoder would write (NaN, duplicate keys, bytes that are no UTF-8, a
bracket ten thousand levels deep) can stand anywhere in it.
"""

import contextlib
import json
import os
import resource
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from inventory import capture_file
from inventory.collection import Collection
from inventory.coverage import CellState
from inventory.text import tell

_MARK = "@@poison@@"
_DEEP = 10_000
_LONG = 10 * 1024**2
MOST_MIB = 1_500
"""By how much a test may raise the peak of this process: 10 MB of text are held a dozen times on their way."""

DETERMINED = settings(
    max_examples=int(os.environ.get("YUNHE_HOSTILE_ANSWERS", "200")),
    derandomize=True,
    database=None,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
"""200 answers, or as many as YUNHE_HOSTILE_ANSWERS says, the same ones each time. Not shrunk: a fault is named by its
poison and place already."""

POISONS: dict[str, bytes] = {
    "null": b"null",
    "true": b"true",
    "zero": b"0",
    "minus one": b"-1",
    "a fraction": b"1.5",
    "beyond 64 bits": b"18446744073709551616",
    "a thousand digits": b"9" * 1_000,
    "a hundred thousand digits": b"1" * 100_000,
    "1e999": b"1e999",
    "NaN": b"NaN",
    "Infinity": b"Infinity",
    "-Infinity": b"-Infinity",
    "an empty text": b'""',
    "a blank": b'" "',
    "NUL": b'"a\\u0000b"',
    "escapes of a terminal": b'"\\u001b[2J\\u001b]0;x\\u0007"',
    "bidi": b'"\\u202egnp.exe\\u2066"',
    "lone surrogate": b'"\\ud800"',
    "surrogates the wrong way round": b'"\\udc00\\ud800"',
    "raw control characters": b'"a\x00\x01\x1b\nb"',
    "no UTF-8": b'"\xff\xfe\xc0\x80"',
    "UTF-8 of a surrogate": b'"\xed\xa0\x80"',
    "a list": b"[]",
    "a list of null": b"[null]",
    "a list of lists": b"[[[]]]",
    "a table": b"{}",
    "a table of the wrong things": b'{"id": [], "name": {}, "metadata": 5}',
    "duplicate keys": b'{"id": "a", "id": "b", "id": null}',
    "deep lists": b"[" * _DEEP + b"]" * _DEEP,
    "deep tables": b'{"a":' * _DEEP + b"1" + b"}" * _DEEP,
    "deep and never closed": b"[" * _DEEP,
    "a list of 100000": b"[" + b"1," * 99_999 + b"1]",
    "a table of 100000": b"{" + b",".join(b'"k%d":1' % n for n in range(100_000)) + b"}",
    "10 MB of text": b'"' + b"A" * _LONG + b'"',
    "10 MB of escapes": b'"' + b"\\u202e" * (_LONG // 6) + b'"',
    "a date that is none": b'"2026-02-30T25:61:61Z"',
    "year 10000": b'"10000-01-01T00:00:00Z"',
    "year 0": b'"0000-00-00T00:00:00Z"',
    "year 1 far west": b'"0001-01-01T00:00:00+14:00"',
    "an address that is none": b'"10.0.0.999"',
    "full-width digits": '"１０.０.０.１"'.encode(),
    "a formula": b'"=HYPERLINK(\\"http://x.invalid\\")"',
    "markup": b'"<script>alert(1)</script>{{7*7}}{source}%s"',
    "a path out": b'"../../../../etc/passwd\\u0000.txt"',
    "no JSON": b"undefined",
    "a cut": b'"',
    "a comment": b"/* */ 1",
    "a second document": b"1}}]} {",
}


@dataclass(frozen=True, slots=True)
class Spoiled:
    """A hostile answer; its `repr` names what was done to it."""

    what: str
    body: bytes

    def __repr__(self) -> str:
        return f"<{self.what}, {len(self.body)} bytes>"


def _places(document: Any, way: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    yield way
    if isinstance(document, dict):
        for key, value in document.items():
            yield from _places(value, (*way, key))
    elif isinstance(document, list):
        for number, value in enumerate(document):
            yield from _places(value, (*way, number))


def _with(document: Any, way: tuple[str | int, ...], value: object) -> Any:
    if not way:
        return value
    copy = document.copy()
    copy[way[0]] = _with(document[way[0]], way[1:], value)
    return copy


def _without(document: Any, way: tuple[str | int, ...]) -> Any:
    copy = document.copy()
    if len(way) == 1:
        del copy[way[0]]
    else:
        copy[way[0]] = _without(document[way[0]], way[1:])
    return copy


def spoiled(document: dict[str, Any]) -> st.SearchStrategy[Spoiled]:
    """The document as an answer: with a poison for a value, a value gone, a key twice, or the whole of it broken."""
    places = [way for way in _places(document) if way]
    whole = json.dumps(document, ensure_ascii=False).encode()

    def poisoned(way: tuple[str | int, ...], poison: str) -> Spoiled:
        text = json.dumps(_with(document, way, _MARK), ensure_ascii=False).encode()
        return Spoiled(f"{poison} at {way}", text.replace(f'"{_MARK}"'.encode(), POISONS[poison]))

    def key_twice(way: tuple[str | int, ...], poison: str) -> Spoiled:
        text = json.dumps(_with(document, way, _MARK), ensure_ascii=False).encode()
        name = json.dumps(str(way[-1])).encode()
        twice = POISONS[poison] + b", " + name + b": " + POISONS[poison]
        return Spoiled(f"{poison} twice at {way}", text.replace(f'"{_MARK}"'.encode(), twice))

    def more_keys(way: tuple[str | int, ...], poison: str) -> Spoiled:
        inner = _at(document, way)
        text = json.dumps(_with(document, way, {**inner, _MARK: _MARK}), ensure_ascii=False).encode()
        key = POISONS[poison] if POISONS[poison].startswith(b'"') else b'"id"'
        mark = f'"{_MARK}"'.encode()
        return Spoiled(f"{poison} as a further key of {way}", text.replace(mark, key, 1).replace(mark, POISONS[poison]))

    bodies = {
        "nothing": b"",
        "null": b"null",
        "a list": b"[]",
        "an empty table": b"{}",
        "a text": b'"ok"',
        "a page of HTML": b"<!DOCTYPE html><html><body>login</body></html>",
        "a byte order mark": b"\xef\xbb\xbf" + whole,
        "UTF-16": whole.decode().encode("utf-16"),
        "twice": whole + whole,
        "with a tail": whole + b"\x00" * 1000,
        "deep lists": POISONS["deep lists"],
        "deep tables": POISONS["deep tables"],
        "zeros": b"\x00" * 100_000,
    }
    tables = [way for way in places if isinstance(_at(document, way), dict)]
    keyed = [way for way in places if isinstance(way[-1], str)]
    poison = st.sampled_from(sorted(POISONS))
    return st.one_of(
        st.builds(poisoned, st.sampled_from(places), poison),
        st.builds(poisoned, st.sampled_from(places), poison),
        st.builds(lambda way: Spoiled(f"without {way}", json.dumps(_without(document, way)).encode()),
                  st.sampled_from(places)),
        st.builds(key_twice, st.sampled_from(keyed), poison),
        *([st.builds(more_keys, st.sampled_from(tables), poison)] if tables else []),
        st.sampled_from(sorted(bodies)).map(lambda name: Spoiled(f"body: {name}", bodies[name])),
        st.integers(1, len(whole) - 1).map(lambda end: Spoiled(f"cut after {end} bytes", whole[:end])),
    )  # fmt: skip


def _at(document: Any, way: tuple[str | int, ...]) -> Any:
    for step in way:
        document = document[step]
    return document


def spoiled_bytes(whole: bytes) -> st.SearchStrategy[Spoiled]:
    """The file with bytes changed, cut out, put in, or cut short."""

    def put(at: int, poison: str) -> Spoiled:
        at %= len(whole) + 1
        return Spoiled(f"{poison} put in at byte {at}", whole[:at] + POISONS[poison] + whole[at:])

    def cut_out(at: int, length: int) -> Spoiled:
        at %= len(whole)
        return Spoiled(f"{length} bytes cut out at {at}", whole[:at] + whole[at + length :])

    def flip(changes: list[tuple[int, int]]) -> Spoiled:
        body = bytearray(whole)
        for at, value in changes:
            body[at % len(body)] = value
        return Spoiled(f"bytes changed: {[(at % len(body), value) for at, value in changes]}", bytes(body))

    at = st.integers(0, 10**9)
    return st.one_of(
        st.builds(put, at, st.sampled_from(sorted(POISONS))),
        st.builds(cut_out, at, st.integers(1, 4_000)),
        st.lists(st.tuples(at, st.integers(0, 255)), min_size=1, max_size=8).map(flip),
        at.map(lambda n: Spoiled(f"cut after {n % len(whole)} bytes", whole[: n % len(whole)])),
        st.sampled_from([b"", b"\x00" * 100_000, b"PK\x03\x04", b"\xff" * 1000, b"\n" * 1_000_000]).map(
            lambda body: Spoiled(f"body: {body[:4]!r}", body)
        ),
    )


def counted(body: bytes, *keys: str) -> int | None:
    """How many things the answer lists, as a tolerant reader sees it; None: there is no list, or no JSON."""
    try:
        found = json.loads(body.decode("utf-8-sig", "replace"), strict=False)
        for key in keys:
            found = found[key]
    except (ValueError, RecursionError, TypeError, KeyError, IndexError):
        return None
    if not isinstance(found, list):
        return None
    names = [repr(_name(item)) for item in found]
    return len(set(names)) if all(n != "None" for n in names) else len(found)


def _name(item: Any) -> object:
    if not isinstance(item, dict):
        return None
    inner = item.get("metadata")
    return item.get("id") or (inner.get("uid") if isinstance(inner, dict) else None)


def check_kept(found: Collection) -> None:
    """What every collection must hold to, whatever it was read from.

    Every sentence can be told in both languages, and what is kept goes through a capture file unchanged.
    """
    assert found.cells
    for cell in found.cells:
        assert (cell.reason is None) == (cell.state is CellState.COMPLETE), cell
        for language in ("en", "zh_CN"):
            if cell.reason is not None:
                told = tell(cell.reason, language)
                assert 0 < len(told) < 20_000, (cell.cell, told[:200])
    for rejection in found.rejections:
        assert len(tell(rejection.expected, "zh_CN")) < 20_000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "kept.yunhe"
        capture_file.write(found, path, tool="test")
        again = capture_file.read(path)
    assert sorted(again.records, key=repr) == sorted(found.records, key=repr)
    assert again.raws == found.raws
    assert sorted(again.cells, key=repr) == sorted(found.cells, key=repr)
    assert sorted(again.rejections, key=repr) == sorted(found.rejections, key=repr)


@contextlib.contextmanager
def bounded_memory() -> Iterator[None]:
    """What happens inside needs little memory, however much a hostile answer promises."""
    before = _peak_mib()
    yield
    assert _peak_mib() - before < MOST_MIB


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
