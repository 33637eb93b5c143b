"""Listings in pages, and the ways in which they go wrong: vanished markers, endless loops, capped limits."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qs, urlsplit

import msgspec

from collectors.errors import CollectorError, Unreadable
from collectors.openstack_connection import MarkerVanished, OpenStackRegion, Params, Service
from inventory.text import msg

MAX_RESTARTS = 5
MAX_PAGES = 100_000


class Link(msgspec.Struct, frozen=True):
    """A link of a page."""

    rel: str = ""
    href: str = ""


class Item(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An object of an API as far as we keep it: its fields are the allow-list of what a raw document holds."""

    id: str


ItemT = TypeVar("ItemT", bound=Item)
StructT = TypeVar("StructT", bound=msgspec.Struct)
T = TypeVar("T")


def raw(item: msgspec.Struct) -> dict[str, object]:
    """The raw document: the fields that are declared, under the API's own names, and no other."""
    document: dict[str, object] = msgspec.to_builtins(item)
    return document


def aware(moment: datetime | None) -> datetime | None:
    """OpenStack's times are UTC, with or without saying so; None for one beyond the calendar."""
    if moment is None or moment.tzinfo is None:
        return moment and moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return None


def decoded(region: OpenStackRegion, path: str, body: bytes) -> Mapping[str, Any]:
    """The JSON object of an answer, its values still undecoded.

    Raises:
        Unreadable: it is no JSON object.
    """
    try:
        return msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _unreadable(region, path, error) from error


def converted(region: OpenStackRegion, path: str, value: msgspec.Raw | bytes, kind: type[StructT]) -> list[StructT]:
    """A list of objects.

    Raises:
        Unreadable: something in it is not what the API documents.
    """
    try:
        return _decoder(kind).decode(value)
    except _UNDECODABLE as error:
        raise _unreadable(region, path, error) from error


def parsed(region: OpenStackRegion, path: str, value: msgspec.Raw | bytes, kind: type[T]) -> T:
    """A part of an answer as this type.

    Raises:
        Unreadable: it is not what the API documents.
    """
    try:
        return msgspec.json.decode(value, type=kind)
    except _UNDECODABLE as error:
        raise _unreadable(region, path, error) from error


class Damage:
    """Objects of a listing that are not what the API documents: the others are read, and these are counted."""

    def __init__(self) -> None:
        self.count = 0
        self.first: Exception | None = None

    def told(self, region: OpenStackRegion, path: str) -> None:
        """Ends a listing that had any.

        Raises:
            Unreadable: with their number and what is wrong with the first.
        """
        if self.first is not None:
            raise Unreadable(
                msg(
                    "{source}: {path}: {count} object(s) are not what the API documents and were left out; the first: "
                    "{detail}",
                    source=region.source,
                    path=path,
                    count=self.count,
                    detail=_shown(self.first),
                )
            ) from self.first

    def readable(
        self, region: OpenStackRegion, path: str, value: msgspec.Raw | bytes, kind: type[StructT]
    ) -> list[StructT]:
        """The objects of a list that can be read.

        Raises:
            Unreadable: it is no list, or none of it can be read.
        """
        try:
            return _decoder(kind).decode(value)
        except _UNDECODABLE as error:
            good, bad = _one_by_one(value, kind)
            if not good:
                raise _unreadable(region, path, error) from error
            self.count += bad
            self.first = self.first or error
            return good


_UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


@cache
def _decoder(kind: type[StructT]) -> "msgspec.json.Decoder[list[StructT]]":
    return msgspec.json.Decoder(list[kind])  # type: ignore[valid-type]


def _one_by_one(value: msgspec.Raw | bytes, kind: type[StructT]) -> tuple[list[StructT], int]:
    try:
        pieces = msgspec.json.decode(value, type=list[msgspec.Raw])
    except _UNDECODABLE:
        return [], 0
    good: list[StructT] = []
    for piece in pieces:
        try:
            good.append(msgspec.json.decode(piece, type=kind))
        except _UNDECODABLE:
            continue
    return good, len(pieces) - len(good)


class Partly(Generic[T]):
    """A listing that another one is read with: where it breaks off, the other is read all the same."""

    def __init__(self, listing: Iterable[T]) -> None:
        self._listing = listing
        self._error: CollectorError | None = None

    def __iter__(self) -> Iterator[T]:
        try:
            yield from self._listing
        except CollectorError as error:
            self._error = error

    def told(self) -> None:
        """Ends the other listing.

        Raises:
            CollectorError: what this one broke off with.
        """
        if self._error is not None:
            raise self._error


def walk(
    region: OpenStackRegion,
    service: Service,
    path: str,
    key: str,
    kind: type[ItemT],
    *,
    params: Params = (),
    microversion: tuple[int, int] | None = None,
    page_size: int,
) -> Iterator[list[ItemT]]:
    """Every object of a listing once, page by page.

    A cloud may cap our limit without a word, so only an empty page, or a short one without a `next` link, is the end.
    A marker that was deleted meanwhile restarts the walk; what was seen is not told twice.

    Raises:
        Unreadable: the pages never end, or one is not what the API documents; at the end, if single objects were not.
        CollectorError: a page could not be had.
    """
    damage = Damage()
    told: set[str] = set()
    walked: set[str] = set()
    marker: str | None = None
    restarts = 0
    for _ in range(MAX_PAGES):
        asked = [*params, ("limit", page_size), *([("marker", marker)] if marker else [])]
        try:
            body = region.get(service, path, asked, microversion=microversion, with_marker=marker is not None)
        except MarkerVanished:
            restarts += 1
            if restarts > MAX_RESTARTS:
                raise
            marker = None
            walked.clear()
            continue
        page, links = page_of(region, path, body, key, kind, damage)
        if not page:
            return damage.told(region, path)
        if walked.issuperset(item.id for item in page):
            raise Unreadable(
                msg(
                    "{source}: {path} gives the same page again and again after {count} objects; its paging is broken",
                    source=region.source,
                    path=path,
                    count=len(walked),
                )
            )
        walked.update(item.id for item in page)
        fresh = list({item.id: item for item in page if item.id not in told}.values())
        told.update(item.id for item in fresh)
        if fresh:
            yield fresh
        if len(page) < page_size and not any(link.rel == "next" for link in links):
            return damage.told(region, path)
        marker = _marker(links) or page[-1].id
    raise Unreadable(
        msg("{source}: {path} does not end after {count} pages", source=region.source, path=path, count=MAX_PAGES)
    )


def walk_by_offset(
    region: OpenStackRegion,
    service: Service,
    path: str,
    key: str,
    kind: type[ItemT],
    *,
    params: Params = (),
    microversion: tuple[int, int] | None = None,
    page_size: int,
) -> Iterator[list[ItemT]]:
    """Every object of a listing that knows offsets only.

    Each page begins with the last object of the one before: if it does not, the listing moved and is walked again. The
    end is a page that holds nothing else: a short one may be all that the service gives at once (`max_limit`).

    Raises:
        Unreadable: it moves again and again or never ends, or is not what the API documents.
        CollectorError: a page could not be had.
    """
    damage = Damage()
    told: set[str] = set()
    offset, last, restarts = 0, "", 0
    size = max(2, page_size)
    for _ in range(MAX_PAGES):
        asked = [*params, ("limit", size), ("offset", offset)]
        body = region.get(service, path, asked, microversion=microversion)
        page, _ = page_of(region, path, body, key, kind, damage)
        if last and (not page or page[0].id != last):
            restarts += 1
            if restarts > MAX_RESTARTS:
                raise Unreadable(
                    msg("{source}: {path} changes faster than it can be read", source=region.source, path=path)
                )
            offset, last = 0, ""
            continue
        fresh = list({item.id: item for item in page if item.id not in told}.values())
        told.update(item.id for item in fresh)
        if fresh:
            yield fresh
        if len(page) < (2 if last else 1) or (damage.count and len(page) < size):
            return damage.told(region, path)
        offset, last = offset + len(page) - 1, page[-1].id
    raise Unreadable(
        msg("{source}: {path} does not end after {count} pages", source=region.source, path=path, count=MAX_PAGES)
    )


def page_of(
    region: OpenStackRegion, path: str, body: bytes, key: str, kind: type[ItemT], damage: Damage | None = None
) -> tuple[list[ItemT], list[Link]]:
    """One page of a listing and its links. Where `damage` is given, it counts objects that cannot be read.

    Raises:
        Unreadable: it is not what the API documents.
    """
    document = decoded(region, path, body)
    if key not in document:
        raise Unreadable(
            msg("{source}: {path} answered without {key}", source=region.source, path=path, key=f"`{key}`")
        )
    links = document.get(f"{key}_links")
    try:
        pages = msgspec.json.decode(links, type=list[Link]) if links is not None else []
        # Glance and Ironic put the address beside the list.
        following = document.get("next")
        if following is not None:
            pages.append(Link(rel="next", href=msgspec.json.decode(following, type=str | None) or ""))
    except _UNDECODABLE as error:
        raise _unreadable(region, path, error) from error
    read = converted if damage is None else damage.readable
    return read(region, path, document[key], kind), [p for p in pages if p.rel != "next" or p.href]


def _marker(links: list[Link]) -> str | None:
    """The marker of the `next` link. Only that: where the link points to is not believed."""
    for link in links:
        if link.rel == "next":
            found = parse_qs(urlsplit(link.href).query).get("marker")
            return found[0] if found else None
    return None


def _unreadable(region: OpenStackRegion, path: str, error: Exception) -> Unreadable:
    return Unreadable(
        msg(
            "{source}: {path} answered something that the API does not document: {detail}",
            source=region.source,
            path=path,
            detail=_shown(error),
        )
    )


def _shown(error: Exception) -> str:
    """What is wrong, in one printable line."""
    return "".join(c if c.isprintable() else " " for c in str(error))[:200]
