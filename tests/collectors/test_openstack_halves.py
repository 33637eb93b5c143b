"""A listing read from both ends: it must be whole whatever the API does with the order that it is asked for."""

import threading
from typing import Any

import msgspec
import pytest
from effort import examples
from hypothesis import example, given, settings
from hypothesis import strategies as st

from collectors.errors import Unreachable
from collectors.openstack_connection import MarkerVanished, NotUnderstood
from collectors.openstack_halves import MARGIN, walk_halves
from collectors.openstack_pages import Item
from inventory.text import msg


class Thing(Item, frozen=True, kw_only=True, omit_defaults=True):
    """An object with a status."""

    status: str = "ACTIVE"


class Listing:
    """Stands for a region with one listing; sorts and pages as Nova does, unless told to do it wrong."""

    source = "openstack:city"

    def __init__(self, *ids: str, building: tuple[str, ...] = (), cap: int = 1000, ignores: str = "") -> None:
        self.ids, self.building, self.cap, self.ignores = list(ids), list(building), cap, ignores
        self.asked: list[dict[str, Any]] = []
        self.vanishing: set[str] = set()
        self.broken_after: int | None = None
        self._lock = threading.Lock()

    def get(self, _service: str, _path: str, params: Any = (), **_: Any) -> bytes:
        with self._lock:
            asked = dict(params)
            self.asked.append(asked)
            if self.broken_after is not None and len(self.asked) > self.broken_after:
                raise Unreachable(msg("gone"))
            return self._answer(asked)

    def _answer(self, asked: dict[str, Any]) -> bytes:
        if "sort_key" in asked and self.ignores == "nothing, it refuses":
            raise NotUnderstood(msg("HTTP 400: Invalid input for query parameters sort_key"))
        is_sorted = "sort_key" in asked and self.ignores != "order"
        is_down = asked.get("sort_dir") == "desc" and self.ignores != "direction"
        # The unsorted order is one of creation: any fixed order will do that is neither up nor down.
        cells = sorted(self.ids, reverse=is_down) if is_sorted else sorted(self.ids, key=lambda i: i[::-1])
        early = sorted(self.building, reverse=is_down and is_sorted)
        every = [*early, *cells]
        marker = asked.get("marker")
        if marker in self.vanishing:
            self.ids.remove(marker)
            self.vanishing.remove(marker)
            raise MarkerVanished(msg("gone"))
        if marker is not None:
            if marker not in every:
                raise MarkerVanished(msg("gone"))
            every = every[every.index(marker) + 1 :]
        size = min(self.cap, asked["limit"])
        page, rest = every[:size], every[size:]
        return msgspec.json.encode(
            {
                "things": [{"id": i, "status": "BUILD" if i in self.building else "ACTIVE"} for i in page],
                "things_links": [{"rel": "next", "href": "http://elsewhere.example/"}] if rest else [],
            }
        )


def walked(listing: Listing, page_size: int = 4, expected: int | None = None) -> list[str]:
    pages = walk_halves(
        listing,  # type: ignore[arg-type]
        "compute",
        "/things",
        "things",
        Thing,
        sort_key="uuid",
        page_size=page_size,
        precedes=lambda t: t.status == "BUILD",
        expected=expected,
    )
    return [item.id for page in pages for item in page]


def names(count: int) -> list[str]:
    return [f"{n:03}" for n in range(count)]


@settings(deadline=None, max_examples=examples(60))  # each example starts threads
@example(count=0, page_size=6, cap=6, expected=None, ignores="", building={str(n) for n in range(100, 106)})
@given(
    count=st.integers(0, 60) | st.integers(200, 600),
    page_size=st.integers(1, 9) | st.just(200),
    cap=st.integers(1, 9) | st.just(1000),
    expected=st.none() | st.integers(0, 900),
    ignores=st.sampled_from(["", "order", "direction", "nothing, it refuses"]),
    building=st.sets(st.integers(0, 600).map("{:03}x".format), max_size=6),
)
def test_everything_is_told_once_whatever_the_api_does_with_the_order(
    count: int, page_size: int, cap: int, expected: int | None, ignores: str, building: set[str]
) -> None:
    """An API that ignores the order would seem to meet itself at once; half a listing must not pass for a whole one."""
    listing = Listing(*names(count), building=tuple(building), cap=cap, ignores=ignores)
    told = walked(listing, page_size, expected)
    assert sorted(told) == sorted([*names(count), *building])


def test_both_ends_are_read_and_no_page_is_asked_for_twice() -> None:
    listing = Listing(*names(900))
    assert sorted(walked(listing, page_size=100, expected=900)) == names(900)
    assert {a["sort_dir"] for a in listing.asked} == {"asc", "desc"}
    assert sum(a["limit"] for a in listing.asked) <= 900 + 3 * MARGIN, "what is left is what is asked for"


def test_what_fits_a_page_is_shared_by_both_ends_if_it_is_not_little() -> None:
    listing = Listing(*names(900))
    assert sorted(walked(listing, page_size=1000, expected=900)) == names(900)
    assert sorted((a["sort_dir"], a["limit"]) for a in listing.asked) == [("asc", 500), ("desc", 500)]


def test_a_listing_that_fits_a_page_is_asked_for_once() -> None:
    listing = Listing(*names(3))
    assert walked(listing, expected=3) == names(3)
    assert len(listing.asked) == 1


def test_servers_that_no_cell_has_taken_yet_stand_first_and_are_told() -> None:
    """Nova puts them before the sorted ones, on the first page of either direction."""
    listing = Listing(*names(40), building=("500", "501"))
    assert sorted(walked(listing, page_size=10)) == sorted([*names(40), "500", "501"])
    assert all("sort_key" in a for a in listing.asked), "that is no reason to begin anew"


def test_a_marker_that_vanished_costs_one_more_question_and_nothing_else() -> None:
    listing = Listing(*names(40))
    listing.vanishing = {"009", "030"}
    assert set(walked(listing, page_size=10)) >= set(names(40)) - {"009", "030"}
    assert all("sort_key" in a for a in listing.asked)


def test_a_cloud_that_refuses_to_sort_is_read_the_plain_way() -> None:
    """Public clouds are found that take few of Nova's sort keys."""
    listing = Listing(*names(40), ignores="nothing, it refuses")
    assert sorted(walked(listing, page_size=10, expected=900)) == names(40)


def test_a_page_that_cannot_be_had_is_an_error_and_not_the_end() -> None:
    listing = Listing(*names(100))
    listing.broken_after = 3
    with pytest.raises(Unreachable):
        walked(listing, page_size=10)


class Silent(Listing):
    """Answers the first page, and nothing more until it is told to."""

    def __init__(self, *ids: str) -> None:
        super().__init__(*ids)
        self.go_on = threading.Event()

    def get(self, service: str, path: str, params: Any = (), **more: Any) -> bytes:
        if self.asked:
            self.go_on.wait(30)
        return super().get(service, path, params, **more)


def test_a_reader_that_goes_away_does_not_wait_for_the_page_that_is_on_its_way() -> None:
    """The deadline of a scan closes the reader; a service that has fallen silent must not hold it, nor the program."""
    listing = Silent(*names(100))
    pages = walk_halves(
        listing,  # type: ignore[arg-type]
        "compute",
        "/things",
        "things",
        Thing,
        sort_key="uuid",
        page_size=5,
    )
    next(pages)
    pages.close()  # type: ignore[attr-defined]
    left = [t for t in threading.enumerate() if t.name == "yunhe-openstack-page"]
    assert left
    assert all(t.daemon for t in left)
    listing.go_on.set()
    for thread in left:
        thread.join(10)
        assert not thread.is_alive()
