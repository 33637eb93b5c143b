"""Listing page by page: nothing lost, nothing twice, and no listing without an end.

A listing is one snapshot of etcd, read by `limit` and `continue`. Where the snapshot is compacted away in the middle
(410 Gone) the walk goes on behind the last name in the state of then, with the token that the server gives for it, or
begins again where it gives none; what was already told is not told twice.
https://kubernetes.io/docs/reference/using-api/api-concepts/#retrieving-large-results-sets-in-chunks

While the objects of one page are worked on, the next page is already asked for: memory holds two pages, whatever the
size of the cluster, and the uids of what was told.
"""

import re
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import msgspec

from collectors.collector import Incomplete
from collectors.errors import Unreadable
from collectors.kubernetes_connection import Expired, KubernetesCluster, plain, shown
from collectors.kubernetes_objects import Document
from inventory.text import Message, mark, msg

MAX_RESTARTS = 5
"""Expired snapshots in a row without anything new between them."""
MAX_ITEMS = 2_000_000
MAX_BARREN_PAGES = 20
"""Pages in a row that bring nothing new: the server leads in a circle."""

T = TypeVar("T", bound=Document)


class _PageInfo(msgspec.Struct):
    token: str = msgspec.field(default="", name="continue")
    remaining: int | None = msgspec.field(default=None, name="remainingItemCount")


class _Page(msgspec.Struct, Generic[T]):
    kind: str
    metadata: _PageInfo
    items: list[T] | None = None


class _LoosePage(msgspec.Struct):
    """A page of which an item is not what it should be: each is looked at by itself."""

    kind: str
    metadata: _PageInfo
    items: list[msgspec.Raw] | None = None


def list_documents(
    cluster: KubernetesCluster, path: str, shape: type[T], *, page_size: int
) -> Iterator[T | Incomplete]:
    """Every object of the listing once. `Incomplete` at the end where objects were not such as the API documents, or
    where the server counted more than it gave.

    Raises:
        CollectorError: as `KubernetesCluster.get`; Unreadable for an answer that is no list or holds nothing readable,
            for paging in a circle and for a listing that never ends or keeps expiring.
    """
    walk: _Walk[T] = _Walk(
        cluster=cluster,
        path=path,
        page_size=page_size,
        pages=msgspec.json.Decoder(_Page[shape]),  # type: ignore[valid-type]
        single=msgspec.json.Decoder(shape),
    )
    ahead = ThreadPoolExecutor(1, thread_name_prefix="yunhe-kubernetes-page")
    try:
        yield from walk.objects(ahead)
    finally:
        # Whoever stops listening does not wait for a page that nobody will read.
        ahead.shutdown(wait=False, cancel_futures=True)
    yield from walk.shortfall()


@dataclass(slots=True, kw_only=True)
class _Walk(Generic[T]):
    """One listing on its way."""

    cluster: KubernetesCluster
    path: str
    page_size: int
    pages: "msgspec.json.Decoder[_Page[T]]"
    single: "msgspec.json.Decoder[T]"
    told: set[str] = field(default_factory=set)
    """Uids of the whole walk."""
    seen: set[str] = field(default_factory=set)
    """Uids of this snapshot."""
    expected: int = 0
    """Objects of this snapshot, as the server counts."""
    unreadable: int = 0
    why: str = ""

    def objects(self, ahead: ThreadPoolExecutor) -> Iterator[T]:
        tokens: set[str] = set()
        barren = expired = 0
        asked = self._ask(ahead, "")
        while True:
            try:
                body = asked.result()
            except Expired as error:
                expired += 1
                if expired > MAX_RESTARTS:
                    raise self._refused(_EXPIRED, count=expired) from error
                # Another snapshot: it counts anew, and what was told of the last one is no news in it.
                self.seen, self.expected, barren = set(), 0, 0
                tokens.clear()
                self.unreadable = self.unreadable if error.token else 0
                asked = self._ask(ahead, error.token)
                continue
            # The server works on the next page while this one is decoded, if its beginning says which that is.
            guessed = _token_ahead(body)
            guess = self._ask(ahead, guessed) if guessed and guessed not in tokens else None
            info, items = self._decoded(body)
            before = len(self.seen)
            fresh = self._news(items)
            del body, items
            # Counted by the server in the same snapshot; documented as an estimate, so only too few means anything.
            self.expected = max(self.expected, len(self.seen) + self.unreadable + (info.remaining or 0))
            barren = barren + 1 if len(self.seen) == before else 0
            expired = 0 if fresh else expired
            is_circle = info.token in tokens or barren > MAX_BARREN_PAGES or len(self.told) > MAX_ITEMS
            if info.token and not is_circle:
                tokens.add(info.token)
                asked = guess if guess is not None and guessed == info.token else self._ask(ahead, info.token)
            yield from fresh
            if not info.token:
                break
            if is_circle:
                raise self._refused(_CIRCLE)
        if self.unreadable and not self.told:
            raise self._refused(_NO_LIST, reason=self.why)

    def shortfall(self) -> Iterator[Incomplete]:
        """What is known to be missing once the listing has ended."""
        if self.unreadable:
            yield Incomplete(self._say(_UNREADABLE, count=self.unreadable, reason=self.why))
        got = len(self.seen) + self.unreadable
        if got < self.expected:
            yield Incomplete(self._say(_TOO_FEW, seen=got, expected=self.expected))

    def _ask(self, ahead: ThreadPoolExecutor, token: str) -> "Future[bytes]":
        query: dict[str, str | int] = {"limit": self.page_size} | ({"continue": token} if token else {})
        return ahead.submit(self.cluster.get, self.path, query)

    def _news(self, items: list[T]) -> list[T]:
        fresh: list[T] = []
        for item in items:
            uid = item.metadata.uid
            self.seen.add(uid)
            if uid not in self.told:
                self.told.add(uid)
                fresh.append(item)
        return fresh

    def _decoded(self, body: bytes) -> tuple[_PageInfo, list[T]]:
        try:
            page = self.pages.decode(body)
        except _UNDECODABLE as error:
            # msgspec names the place and the types, never the value.
            return self._loosely_decoded(body, plain(error))
        self._check_kind(page.kind)
        return page.metadata, page.items or []

    def _loosely_decoded(self, body: bytes, why: str) -> tuple[_PageInfo, list[T]]:
        """Where one object of a page is not what it should be, the others are no less."""
        try:
            page = msgspec.json.decode(body, type=_LoosePage)
        except _UNDECODABLE as error:
            raise self._refused(_NO_LIST, reason=plain(error)) from error
        self._check_kind(page.kind)
        items: list[T] = []
        for item in page.items or ():
            try:
                items.append(self.single.decode(item))
            except _UNDECODABLE as error:
                self.unreadable += 1
                self.why = self.why or plain(error) or why
        return page.metadata, items

    def _check_kind(self, kind: str) -> None:
        if not kind.endswith("List"):
            raise self._refused(_NO_LIST, reason="kind")

    def _refused(self, sentence: str, **values: str | int) -> Unreadable:
        return Unreadable(self._say(sentence, **values))

    def _say(self, sentence: str, **values: str | int) -> Message:
        return msg(sentence, source=self.cluster.name, path=shown(self.path), **values)


def _token_ahead(body: bytes) -> str:
    """What looks like the page's token in its beginning, where API servers write it; to be held against the decoded
    one.
    """
    found = _TOKEN.search(body, 0, _HEAD_BYTES)
    return found[1].decode() if found else ""


_HEAD_BYTES = 4096
_TOKEN = re.compile(rb'"continue":"([!#-\[\]-~]+)"')
_UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_EXPIRED = mark("{source}: the snapshot of {path} expired {count} times while it was read; a larger page_size helps")
_CIRCLE = mark("{source}: the pages of {path} lead in a circle or never end")
_NO_LIST = mark("{source}: the answer to {path} is not the list that the Kubernetes API documents ({reason})")
_UNREADABLE = mark("{source}: {count} object(s) of {path} are not what the Kubernetes API documents ({reason})")
_TOO_FEW = mark("{source}: {path} gave {seen} of the {expected} objects that it counts")
