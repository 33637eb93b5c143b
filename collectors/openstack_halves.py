"""A listing read from both of its ends at once, until the two readings meet.

A page walk keeps one worker of an API busy: nobody can ask for the next page before the last one's end is known. Sorted
by id, a listing can be walked up and down at the same time, which keeps two busy, and while one page is decoded the
next is on its way (one page ahead of each end and no more, so memory stays that of a few pages).

That the two have met shows that nothing lies between them only if the API really sorts. So order is proved by every
page; where it does not hold, the listing is read the plain way from its start.
"""

import itertools
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Generic

from collectors.errors import Unreadable
from collectors.openstack_connection import MarkerVanished, NotUnderstood, OpenStackRegion, Params, Service
from collectors.openstack_pages import MAX_PAGES, MAX_RESTARTS, Damage, ItemT, page_of, walk
from inventory.text import msg

MARGIN = 50
"""Objects asked for beyond those that are expected to be left: the last page should be small and meet the other end."""
FEW = 200
"""Objects that are not worth a second question."""


class _Unsorted(Exception):
    """The API does not sort by id as it was asked to, or has lost our place in the order."""


class _End(Generic[ItemT]):
    """One of the two walks. Its pages are asked for one after the other, by any thread."""

    def __init__(
        self,
        *,
        ascending: bool,
        ask: Callable[[Params, int], tuple[list[ItemT], bool]],
        precedes: Callable[[ItemT], bool],
    ) -> None:
        self.ascending = ascending
        self.is_over = False
        """Whether it has come to the other end of the listing, all alone."""
        self.last: str | None = None
        """Every object up to this id, in its direction, has been listed."""
        self._ask = ask
        self._precedes = precedes
        self._markers: list[str] = []

    def page(self, limit: int) -> list[ItemT]:
        """The next page.

        Raises:
            _Unsorted: it is not in order.
            CollectorError: it could not be had.
        """
        page, marker, has_more = self._fetched(limit)
        if not page:
            self.is_over = True
            return page
        # What may stand before the sorted ones is only ever on the first page, and never all of it.
        start = 0 if self._markers else sum(1 for _ in itertools.takewhile(self._precedes, page))
        ordered = [item.id for item in page[start:]]
        self.is_over = len(page) < limit and not has_more
        if not (self.is_over or self._markers) and len(ordered) < 2:
            raise _Unsorted  # one object is in any order: it proves nothing of the way that we go
        if not all(itertools.starmap(self._follows, itertools.pairwise([*([marker] if marker else []), *ordered]))):
            raise _Unsorted
        if ordered and (self.last is None or self._follows(self.last, ordered[-1])):
            self.last = ordered[-1]
        elif not self.is_over:
            raise _Unsorted  # it does not get any further
        self._markers = ordered[-MAX_RESTARTS:]
        return page

    def _fetched(self, limit: int) -> tuple[list[ItemT], str | None, bool]:
        """A page after the last object that still exists: a marker that was deleted meanwhile is refused."""
        direction = ("sort_dir", "asc" if self.ascending else "desc")
        markers: list[str | None] = [*self._markers[::-1]] or [None]
        for marker in markers:
            try:
                return self._with_marker([direction], marker, limit)
            except MarkerVanished:
                continue
        raise _Unsorted

    def _with_marker(self, params: Params, marker: str | None, limit: int) -> tuple[list[ItemT], str | None, bool]:
        page, has_more = self._ask([*params, *([("marker", marker)] if marker else [])], limit)
        return page, marker, has_more

    def _follows(self, one: str, other: str) -> bool:
        """Whether `other` comes after `one` in our direction."""
        return one < other if self.ascending else one > other


def walk_halves(
    region: OpenStackRegion,
    service: Service,
    path: str,
    key: str,
    kind: type[ItemT],
    *,
    sort_key: str,
    params: Params = (),
    microversion: tuple[int, int] | None = None,
    page_size: int,
    precedes: Callable[[ItemT], bool] = lambda _: False,
    expected: int | None = None,
) -> Iterator[list[ItemT]]:
    """Every object of a listing once, page by page, in no order.

    `sort_key`: what the API calls the id when it sorts. `precedes`: which objects may stand before the sorted ones
    (Nova puts servers that no cell has taken yet first). `expected`: how many objects there may be; it saves asking for
    a page that the other end already has, and decides nothing else.

    Raises:
        Unreadable: the pages never end, or one is not what the API documents; at the end, if single objects were not.
        CollectorError: a page could not be had.
    """
    damage = Damage()

    def ask(more: Params, limit: int) -> tuple[list[ItemT], bool]:
        asked = [*params, ("limit", limit), ("sort_key", sort_key), *more]
        body = region.get(
            service, path, asked, microversion=microversion, with_marker=any(name == "marker" for name, _ in more)
        )
        page, links = page_of(region, path, body, key, kind, damage)
        return page, any(link.rel == "next" for link in links)

    told: set[str] = set()
    up, down = (_End(ascending=ascending, ask=ask, precedes=precedes) for ascending in (True, False))
    try:
        for page in _meeting(up, down, told, page_size, expected):
            yield from _fresh(page, told)
        damage.told(region, path)
    except (_Unsorted, NotUnderstood) as error:
        if told and isinstance(error, NotUnderstood):
            raise
        # Clouds are found that refuse to sort, and some that take the question and do not sort.
        for page in walk(
            region, service, path, key, kind, params=params, microversion=microversion, page_size=page_size
        ):
            yield from _fresh(page, told)
    except _Endless as error:
        raise Unreadable(
            msg("{source}: {path} does not end after {count} pages", source=region.source, path=path, count=MAX_PAGES)
        ) from error


def _have_met(upward: str | None, downward: str | None) -> bool:
    return upward is not None and downward is not None and upward >= downward


class _Endless(Exception):
    """More pages than any cloud has."""


def _fresh(page: list[ItemT], told: set[str]) -> Iterator[list[ItemT]]:
    fresh = list({item.id: item for item in page if item.id not in told}.values())
    told.update(item.id for item in fresh)
    if fresh:
        yield fresh


def _meeting(
    up: _End[ItemT], down: _End[ItemT], told: set[str], page_size: int, expected: int | None
) -> Iterator[list[ItemT]]:
    """The pages of both ends as they arrive, until the ends have met or one has seen it all.

    Raises:
        _Unsorted: the API does not sort.
        _Endless: too many pages.
    """
    asking: dict[Future[list[ItemT]], tuple[_End[ItemT], int]] = {}
    reached: dict[bool, str | None] = {True: None, False: None}
    """How far the pages go that were handed out: an end may be further already, with a page that nobody has seen."""
    left = expected

    def share(coming: int) -> int:
        """How many objects to ask for: the last of them are halved, so that neither end waits for the other."""
        if left is None:
            return page_size
        rest = max(0, left - coming)
        return min(page_size, (rest // 2 if rest > FEW else rest) + MARGIN)

    def send(end: _End[ItemT]) -> None:
        """Asks for the end's next page, unless what is on its way should be all that is left."""
        coming = sum(limit for _, limit in asking.values())
        if left is not None and asking and left <= coming:
            return
        limit = share(coming)
        asking[_begun(end.page, limit)] = (end, limit)

    if expected is not None and expected > FEW:
        limit = share(0)
        asking |= {_begun(end.page, limit): (end, limit) for end in (up, down)}
    else:
        asking[_begun(up.page, page_size)] = (up, page_size)
    for arrived in itertools.count(1):
        future = next(iter(wait(asking, return_when=FIRST_COMPLETED).done))
        end, _ = asking.pop(future)
        page = future.result()
        if arrived > MAX_PAGES:
            raise _Endless
        reached[end.ascending] = end.last
        is_over = end.is_over or _have_met(reached[True], reached[False])
        if not is_over:
            if left is not None and expected is not None:
                # An estimate that has proved too low is none.
                left = max(0, expected - len(told) - len(page)) if left else None
            busy = {id(e) for e, _ in asking.values()}
            for idle in (end, up, down):
                if id(idle) not in busy:
                    send(idle)
                    busy.add(id(idle))
        yield page
        if is_over:
            return


def _begun(work: Callable[[int], list[ItemT]], limit: int) -> Future[list[ItemT]]:
    """A page that is on its way. Its thread is a daemon, which holds no program that has ended: a deadline may pass."""
    future: Future[list[ItemT]] = Future()

    def run() -> None:
        try:
            page = work(limit)
        except BaseException as error:  # noqa: BLE001 - told by the thread that waits for the page
            future.set_exception(error)
        else:
            future.set_result(page)

    threading.Thread(target=run, name="yunhe-openstack-page", daemon=True).start()
    return future
