"""Listings in pages, and the ways in which they go wrong: vanished markers, endless loops, capped limits."""

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

import msgspec

from collectors.errors import Unreadable
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


def raw(item: msgspec.Struct) -> dict[str, object]:
    """The raw document: the fields that are declared, under the API's own names, and no other."""
    document: dict[str, object] = msgspec.to_builtins(item)
    return document


def decoded(region: OpenStackRegion, path: str, body: bytes) -> Mapping[str, Any]:
    """The JSON object of an answer, its values still undecoded.

    Raises:
        Unreadable: it is no JSON object.
    """
    try:
        return msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _unreadable(region, path, error) from error


def converted(region: OpenStackRegion, path: str, value: msgspec.Raw | bytes, kind: type[ItemT]) -> list[ItemT]:
    """A list of objects.

    Raises:
        Unreadable: something in it is not what the API documents.
    """
    try:
        return msgspec.json.decode(value, type=list[kind])  # type: ignore[valid-type]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _unreadable(region, path, error) from error


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
        Unreadable: the pages never end, or one is not what the API documents.
        CollectorError: a page could not be had.
    """
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
        page, links = _page(region, path, body, key, kind)
        if not page:
            return
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
            return
        marker = _marker(links) or page[-1].id
    raise Unreadable(
        msg("{source}: {path} does not end after {count} pages", source=region.source, path=path, count=MAX_PAGES)
    )


def _page(
    region: OpenStackRegion, path: str, body: bytes, key: str, kind: type[ItemT]
) -> tuple[list[ItemT], list[Link]]:
    document = decoded(region, path, body)
    if key not in document:
        raise Unreadable(
            msg("{source}: {path} answered without {key}", source=region.source, path=path, key=f"`{key}`")
        )
    links = document.get(f"{key}_links")
    try:
        pages = msgspec.json.decode(links, type=list[Link]) if links is not None else []
    except msgspec.DecodeError as error:
        raise _unreadable(region, path, error) from error
    return converted(region, path, document[key], kind), pages


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
            detail=str(error)[:200],
        )
    )
