"""Listing page by page: nothing lost, nothing twice, and no listing without an end.

A listing is one snapshot of etcd, read by `limit` and `continue`. Where the snapshot is compacted away in the middle
(410 Gone) the walk begins again and what was already told is not told twice.
https://kubernetes.io/docs/reference/using-api/api-concepts/#retrieving-large-results-sets-in-chunks
"""

from collections.abc import Iterator
from typing import Any, Generic, TypeVar

import msgspec

from collectors.collector import Incomplete
from collectors.errors import Unreadable
from collectors.kubernetes_connection import Expired, KubernetesCluster, shown
from collectors.kubernetes_objects import Document
from inventory.text import msg

MAX_RESTARTS = 5
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


def list_documents(
    cluster: KubernetesCluster, path: str, shape: type[T], *, page_size: int
) -> Iterator[T | Incomplete]:
    """Every object of the listing once; `Incomplete` at the end where the server counted more than it gave.

    Raises:
        CollectorError: as `KubernetesCluster.get`; Unreadable for an answer that is no list, for paging in a circle and
            for a listing that never ends or keeps expiring.
    """
    told: set[str] = set()
    for _ in range(MAX_RESTARTS + 1):
        try:
            yield from _walk(cluster, path, shape, page_size, told)
        except Expired:
            continue
        return
    raise Unreadable(
        msg(
            "{source}: the snapshot of {path} expired {count} times while it was read; a larger page_size helps",
            source=cluster.name,
            path=shown(path),
            count=MAX_RESTARTS + 1,
        )
    )


def _walk(
    cluster: KubernetesCluster, path: str, shape: type[T], page_size: int, told: set[str]
) -> Iterator[T | Incomplete]:
    decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(_Page[shape])  # type: ignore[valid-type]
    tokens: set[str] = set()
    seen: set[str] = set()
    expected = 0
    barren = 0
    token = ""
    while True:
        query: dict[str, str | int] = {"limit": page_size} | ({"continue": token} if token else {})
        page = _decode(decoder, cluster.get(path, query), cluster.name, path)
        before = len(seen)
        for item in page.items or ():
            seen.add(item.metadata.uid)
            if item.metadata.uid not in told:
                told.add(item.metadata.uid)
                yield item
        barren = barren + 1 if len(seen) == before else 0
        # Counted by the server in the same snapshot; documented as an estimate, so only too few means anything.
        expected = max(expected, len(seen) + (page.metadata.remaining or 0))
        token = page.metadata.token
        if not token:
            break
        if token in tokens or barren > MAX_BARREN_PAGES or len(seen) > MAX_ITEMS:
            raise Unreadable(
                msg(
                    "{source}: the pages of {path} lead in a circle or never end", source=cluster.name, path=shown(path)
                )
            )
        tokens.add(token)
    if len(seen) < expected:
        yield Incomplete(
            msg(
                "{source}: {path} gave {seen} of the {expected} objects that it counts",
                source=cluster.name,
                path=shown(path),
                seen=len(seen),
                expected=expected,
            )
        )


def _decode(decoder: "msgspec.json.Decoder[Any]", body: bytes, source: str, path: str) -> "_Page[Any]":
    try:
        page: _Page[Any] = decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        # msgspec names the place and the types, never the value.
        raise Unreadable(
            msg("{source}: the answer to {path} is not the list that the Kubernetes API documents ({reason})",
                source=source, path=shown(path), reason=str(error)[:200])
        ) from error  # fmt: skip
    if not page.kind.endswith("List"):
        raise Unreadable(
            msg("{source}: the answer to {path} is not the list that the Kubernetes API documents ({reason})",
                source=source, path=shown(path), reason="kind")
        )  # fmt: skip
    return page
