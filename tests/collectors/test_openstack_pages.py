"""Paging that goes wrong in ways no healthy service can be made to show."""

from typing import Any

import msgspec
import pytest

from collectors.errors import Unreadable
from collectors.openstack_connection import MarkerVanished
from collectors.openstack_pages import MAX_RESTARTS, Item, walk, walk_by_offset
from inventory.text import msg


class Scripted:
    """Stands for a region; answers the pages it was given and remembers what was asked."""

    source = "openstack:city"

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: list[dict[str, Any]] = []

    def get(self, _service: str, _path: str, params: Any = (), **_: Any) -> bytes:
        self.asked.append(dict(params))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, bytes) else msgspec.json.encode(answer)


def page(*ids: str, following: str | None = None) -> dict[str, Any]:
    links = [{"rel": "next", "href": f"http://elsewhere.example/x?marker={following}"}] if following else []
    return {"things": [{"id": i} for i in ids], "things_links": links}


def walked(region: Scripted, page_size: int = 2) -> list[str]:
    pages = walk(region, "compute", "/things", "things", Item, page_size=page_size)  # type: ignore[arg-type]
    return [item.id for part in pages for item in part]


class Counted(Scripted):
    """A listing that knows offsets, and gives at most `most` at once whatever was asked for."""

    def __init__(self, *things: object, most: int) -> None:
        super().__init__()
        self.things, self.most = things, most

    def get(self, _service: str, _path: str, params: Any = (), **_: Any) -> bytes:
        asked = dict(params)
        end = asked["offset"] + min(self.most, asked["limit"])
        return msgspec.json.encode({"things": self.things[asked["offset"] : end]})


def counted(region: Counted) -> list[str]:
    pages = walk_by_offset(region, "compute", "/things", "things", Item, page_size=1000)  # type: ignore[arg-type]
    return [item.id for part in pages for item in part]


def vanished() -> MarkerVanished:
    return MarkerVanished(msg("gone"))


def test_a_full_page_is_never_the_last_one() -> None:
    region = Scripted(page("a", "b"), page("c"))
    assert walked(region) == ["a", "b", "c"]
    assert region.asked[1]["marker"] == "b"


def test_a_page_shorter_than_asked_is_not_the_end_while_a_next_link_stands() -> None:
    """A cloud caps the limit without a word: 1000 asked, 1 given, more to come."""
    region = Scripted(page("a", following="a"), page("b", following="b"), page())
    assert walked(region, page_size=1000) == ["a", "b"]


def test_a_marker_that_vanished_restarts_the_walk_and_tells_nothing_twice() -> None:
    region = Scripted(page("a", "b"), vanished(), page("a", "c"), page("d"))
    assert walked(region) == ["a", "b", "c", "d"]
    assert "marker" not in region.asked[2]


def test_a_listing_that_changes_all_the_time_is_given_up() -> None:
    region = Scripted(*[page("a", "b"), vanished()] * (MAX_RESTARTS + 1))
    with pytest.raises(MarkerVanished):
        walked(region)


def test_a_cloud_that_ignores_the_marker_is_no_endless_loop() -> None:
    with pytest.raises(Unreadable, match="same page again"):
        walked(Scripted(*[page("a", "b")] * 9))


def test_a_cloud_whose_pages_go_in_a_circle_is_no_endless_loop() -> None:
    with pytest.raises(Unreadable, match="same page again"):
        walked(Scripted(page("a", "b"), page("c", "d"), page("a", "b"), page("c", "d")))


def test_an_object_on_two_pages_is_told_once() -> None:
    assert walked(Scripted(page("a", "b"), page("b", "c"), page())) == ["a", "b", "c"]


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b"{}", b'{"things": null}', b'{"things": [{"name": "no id"}]}', b'{"things": [{"id": 7}]}',
     b'{"things": [', b"\xff\xfe", b'{"things": ' + b"[" * 100_000],
)  # fmt: skip
def test_what_the_api_does_not_document_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        walked(Scripted(body))


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 7])
def test_a_capped_limit_does_not_cut_a_listing_by_offset_short(count: int) -> None:
    """Nova's `max_limit` is the operator's; server groups have no next link that would tell."""
    names = [f"t{n}" for n in range(count)]
    assert counted(Counted(*({"id": name} for name in names), most=2)) == names


@pytest.mark.parametrize("where", [0, 1, 2])
def test_an_object_by_offset_that_cannot_be_read_is_counted(where: int) -> None:
    things = [{"id": name} for name in "abc"]
    things[where] = {"name": "no id"}
    with pytest.raises(Unreadable, match=r"1 object\(s\) are not what"):
        counted(Counted(*things, most=1000))
