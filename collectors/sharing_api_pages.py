"""Pages of JSON over HTTP, asked for as an untrusted stranger: bounded in size, time and number, retried with patience.

urllib3 itself, not requests: no .netrc, no proxies of the environment, no redirect that takes the token along.
"""

import re
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

import jmespath
import msgspec
import urllib3
from jmespath.exceptions import JMESPathError
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    IncompleteRead,
    NameResolutionError,
    NewConnectionError,
    ProtocolError,
    ReadTimeoutError,
    SSLError,
)

from collectors.answer_time import TooSlow, answer_within, watch
from collectors.errors import CollectorError, Skipped, Unauthorized, Unreachable, Unreadable, root_cause
from collectors.request_rate import MAX_WAIT_SECONDS, RequestRate, backoff, retry_after
from inventory.collection import digest
from inventory.settings import SharingApi
from inventory.text import Message, msg

MAX_PAGE_BYTES = 32 * 1024**2
MAX_TOTAL_BYTES = 2 * 1024**3
MAX_PAGES = 100_000
MAX_REDIRECTS = 5
MIN_TOKEN_TO_FIND = 8
"""Shorter tokens may stand in an answer by chance."""
_CHUNK = 256 * 1024
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PASSING = frozenset({429, 500, 502, 503, 504})
_PLAIN_PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", re.ASCII)
"""A JMESPath of nothing but keys: JMESPath itself does not tell a null from a key that is not there."""


@dataclass(frozen=True, slots=True)
class Page:
    """The items of one answer."""

    number: int
    items: list[Any]


class _Passing(Exception):
    """It may be otherwise in a moment."""

    def __init__(self, error: CollectorError, wait: float | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.wait = wait


@dataclass(kw_only=True)
class Pages:
    """One walk over an endpoint's pages."""

    source: str
    entry: SharingApi
    ca_file: Path | None
    token: str | None
    forbids: Callable[[str], bool]
    rate: RequestRate
    sleep: Callable[[float], None] = time.sleep
    total: int | None = None
    """How many items the platform says there are, once a page was read."""
    is_end_told: bool = field(init=False, default=True)
    """Whether the platform itself said that the last page is the last. Not where `next` never found anything and the
    key that it looks for was not in the answer either: it may be misspelt, and this the first of many pages."""
    distinct: set[str] = field(init=False, default_factory=set)
    """Digests of the items: pages that shift while they are read repeat one item and lose another."""
    _deadline: float = field(init=False, default=0.0)
    _bytes: int = field(init=False, default=0)

    @property
    def shown_url(self) -> str:
        """The address without its query: that may hold a key."""
        url = urlsplit(self.entry.url)
        return urlunsplit((url.scheme, url.netloc, url.path, "", ""))

    def walk(self) -> Iterator[Page]:
        """Every page to the end.

        Raises:
            CollectorError: one could not be had, is not what the config says, or the pages never end.
        """
        self._deadline = time.monotonic() + self.entry.total_timeout
        host = urlsplit(self.entry.url).hostname or ""
        if self.forbids(host):
            # Before DNS and without its name: that is what the list is for.
            raise Skipped(msg("{source}: an address of it is on the do-not-scan list", source=self.source))
        with self._pool() as pool:
            # All requests go to one origin, so there is one pool.
            watch(pool.connection_from_url(self.entry.url))
            yield from self._walk(pool)

    def _walk(self, pool: urllib3.PoolManager) -> Iterator[Page]:
        url = self._with_page(self.entry.url, self.entry.first_page)
        asked: set[str] = set()
        told: set[str] = set()
        for number in range(1, MAX_PAGES + 1):
            asked.add(url)
            document = self._document(pool, url)
            items = self._items(document)
            fingerprint = digest(msgspec.json.encode(items))
            if items and fingerprint in told:
                raise Unreadable(self._same_page())
            told.add(fingerprint)
            self.distinct.update(digest(msgspec.json.encode(item)) for item in items)
            self._note_total(document)
            yield Page(number, items)
            following = self._next(document, url, number, is_empty=not items)
            if following is None:
                # A `next` that led here from an earlier page is spelt right: its silence is the end.
                self.is_end_told = number > 1 or self._tells_the_end(document)
                return
            if following in asked:
                raise Unreadable(self._same_page())
            url = following
        raise Unreadable(msg("{source}: it does not end after {count} pages", source=self.source, count=MAX_PAGES))

    def _same_page(self) -> Message:
        return msg(
            "{source}: it gives the same page again and again after {count} items; its paging is broken, or the config "
            "asks for it wrongly",
            source=self.source,
            count=len(self.distinct),
        )

    # ── what an answer holds ─────────────────────────────────────────────────────────────────────────────────────────

    def _search(self, key: str, path: str, document: object) -> object:
        try:
            return jmespath.search(path, document)
        except (JMESPathError, RecursionError, TypeError, ValueError, ArithmeticError) as error:
            raise Unreadable(
                msg("{source}: the answer is not what {key} of the config expects", source=self.source, key=f"`{key}`")
            ) from error

    def _items(self, document: object) -> list[Any]:
        if self.entry.success is not None and self._search("success", self.entry.success, document) is not True:
            raise Unreadable(
                msg("{source}: it answered with an error of its own: {key} does not hold", source=self.source,
                    key=f"`success = {self.entry.success}`")
            )  # fmt: skip
        items = self._search("items", self.entry.items, document)
        if not isinstance(items, list):
            raise Unreadable(
                msg("{source}: {path} finds no list in the answer", source=self.source, path=f"`{self.entry.items}`")
            )
        return items

    def _note_total(self, document: object) -> None:
        if self.entry.total is None:
            return
        total = self._search("total", self.entry.total, document)
        if isinstance(total, str) and total.isdecimal() and len(total) < 16:
            total = int(total)
        if not isinstance(total, int) or isinstance(total, bool) or total < 0:
            raise Unreadable(
                msg("{source}: {path} finds no number in the answer", source=self.source, path=f"`{self.entry.total}`")
            )
        self.total = max(total, self.total or 0)

    def _next(self, document: object, url: str, number: int, *, is_empty: bool) -> str | None:
        """Where the next page is; None after the last."""
        if self.entry.next is not None:
            found = self._search("next", self.entry.next, document)
            if found is None or found == "" or found is False:
                return None
            if found is True and self.entry.page_param is not None:  # "there is more"
                return self._with_page(self.entry.url, self.entry.first_page + number)
            if self.entry.page_param is not None and isinstance(found, str | int) and not _is_link(found):
                return self._with_page(self.entry.url, found)
            if not isinstance(found, str):
                raise Unreadable(
                    msg("{source}: {path} finds no address of a next page", source=self.source,
                        path=f"`{self.entry.next}`")
                )  # fmt: skip
            return self._same_host(url, found)
        if self.entry.page_param is None or is_empty or (self.total is not None and len(self.distinct) >= self.total):
            # Platforms cap page sizes without a word: only an empty page is the end, not a short one.
            return None
        return self._with_page(self.entry.url, self.entry.first_page + number)

    def _tells_the_end(self, document: object) -> bool:
        """Whether what `next` finds nothing by is in the answer, as null, empty or false. A missing key is no word."""
        path = self.entry.next
        if path is None or self._search("next", path, document) is not None:
            return True
        if _PLAIN_PATH.fullmatch(path) is None:
            return False
        parent, _, key = path.rpartition(".")
        holder = self._search("next", parent, document) if parent else document
        return isinstance(holder, dict) and key in holder

    def _with_page(self, url: str, page: int | str) -> str:
        given: dict[str, str] = {}
        if self.entry.page_param is not None:
            given[self.entry.page_param] = str(page)
        if self.entry.size_param is not None:
            given[self.entry.size_param] = str(self.entry.page_size)
        if not given:
            return url
        parts = urlsplit(url)
        query = [(k, v) for k, v in parse_qsl(parts.query, keep_blank_values=True) if k not in given]
        return urlunsplit((parts.scheme, parts.netloc, parts.path, urlencode([*query, *given.items()]), ""))

    def _same_host(self, url: str, link: str) -> str:
        target = urljoin(url, link)
        if _origin(target) != _origin(self.entry.url):
            raise Unreadable(
                msg("{source}: it points to another host, which would be given the token; it was not followed",
                    source=self.source)
            )  # fmt: skip
        return target

    # ── how an answer is had ─────────────────────────────────────────────────────────────────────────────────────────

    def _pool(self) -> urllib3.PoolManager:
        try:
            context = ssl.create_default_context(cafile=str(self.ca_file) if self.ca_file else None)
        except OSError as error:
            raise Unreadable(
                msg("{source}: `ca_file` cannot be used: expected certificates in PEM", source=self.source)
            ) from error
        return urllib3.PoolManager(num_pools=1, maxsize=1, retries=False, ssl_context=context)

    def _document(self, pool: urllib3.PoolManager, url: str) -> object:
        for attempt in range(self.entry.retries + 1):
            try:
                body = self._body(pool, url)
            except _Passing as passing:
                if attempt == self.entry.retries:
                    raise passing.error from passing
                self._wait(passing, attempt)
                continue
            return self._decoded(body)
        raise AssertionError("the last attempt returns or raises")

    def _wait(self, passing: _Passing, attempt: int) -> None:
        wait = max(backoff(attempt), passing.wait or 0.0)
        if wait > MAX_WAIT_SECONDS or time.monotonic() + wait > self._deadline:
            raise passing.error
        if passing.wait is not None:
            self.rate.hold(wait)
        self.sleep(wait)

    def _body(self, pool: urllib3.PoolManager, url: str) -> bytes:
        for _ in range(MAX_REDIRECTS + 1):
            try:
                with self.rate.turn(), answer_within(self._left()):
                    found = self._answer(pool, url)
            except TooSlow as error:
                raise self._too_late() from error
            except (HTTPError, OSError) as error:
                self._left()
                raise self._failure(error) from error
            if isinstance(found, bytes):
                return found
            url = found
        raise Unreadable(msg("{source}: it redirects in circles", source=self.source))

    def _answer(self, pool: urllib3.PoolManager, url: str) -> bytes | str:
        """The body, or the address that it redirects to."""
        response = pool.request(
            "GET",
            url,
            headers=self._headers(),
            redirect=False,
            preload_content=False,
            decode_content=False,
            timeout=urllib3.Timeout(connect=min(self.entry.timeout, self._left()), read=self.entry.timeout),
        )
        try:
            location = response.headers.get("Location")
            if response.status in _REDIRECTS and location:
                return self._same_host(url, location)
            self._check(response)
            return self._content(response)
        finally:
            response.close()

    def _left(self) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise self._too_late()
        return left

    def _too_late(self) -> Unreachable:
        return Unreachable(
            msg("{source}: not read to its end within {seconds} s; raise total_timeout",
                source=self.source, seconds=str(self.entry.total_timeout))
        )  # fmt: skip

    def _headers(self) -> dict[str, str]:
        headers = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "yunhe"}
        if self.token is not None:
            headers[self.entry.header] = self.entry.prefix + self.token
        return headers

    def _check(self, response: urllib3.BaseHTTPResponse) -> None:
        status = response.status
        if status == 401:
            raise Unauthorized(
                msg("{source}: it does not accept the token (401); check {name}", source=self.source,
                    name=self.entry.token_env or "token_env")
            )  # fmt: skip
        if status == 403:
            raise Unauthorized(
                msg("{source}: the token may not read this (403); ask the platform's keeper for the right",
                    source=self.source)
            )  # fmt: skip
        if status == 429:
            error = Unreachable(msg("{source}: it asks for fewer requests (429); try later", source=self.source))
            raise _Passing(error, retry_after(response.headers.get("Retry-After")))
        if status in _PASSING:
            failed = Unreachable(
                msg("{source}: it failed by itself ({status}); ask the platform's keeper", source=self.source,
                    status=status)
            )  # fmt: skip
            raise _Passing(failed, retry_after(response.headers.get("Retry-After")))
        if status != 200:
            raise Unreadable(
                msg("{source}: it answered {status}, expected 200; check `url`", source=self.source, status=status)
            )
        if response.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
            raise Unreadable(msg("{source}: it answered in a coding that was not asked for", source=self.source))

    def _content(self, response: urllib3.BaseHTTPResponse) -> bytes:
        body = bytearray()
        while chunk := response.read1(_CHUNK):
            self._left()
            body += chunk
            self._bytes += len(chunk)
            if len(body) > MAX_PAGE_BYTES or self._bytes > MAX_TOTAL_BYTES:
                raise Unreadable(
                    msg("{source}: a page is larger than {limit} bytes; lower page_size", source=self.source,
                        limit=MAX_PAGE_BYTES)
                )  # fmt: skip
        token = (self.token or "").encode()
        if len(token) >= MIN_TOKEN_TO_FIND and token in body:
            raise Unreadable(msg("{source}: the answer repeats the token; it was not kept", source=self.source))
        return bytes(body)

    def _decoded(self, body: bytes) -> object:
        try:
            return msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
            raise Unreadable(
                msg("{source}: the answer is no whole JSON ({count} bytes)", source=self.source, count=len(body))
            ) from error

    def _failure(self, error: Exception) -> Exception:
        """The sentence for a connection that failed; most may be otherwise in a moment."""
        host = urlsplit(self.entry.url).netloc
        chain = list(_chain(error))
        if any(isinstance(e, SSLError | ssl.SSLError) for e in chain):
            why = next((e.verify_message for e in chain if isinstance(e, ssl.SSLCertVerificationError)), None)
            return Unreachable(
                msg("{source}: no trusted TLS with {host} ({reason}); check the certificate or `ca_file`",
                    source=self.source, host=host, reason=why or "TLS")
            )  # fmt: skip
        if any(isinstance(e, NameResolutionError) for e in chain):
            return Unreachable(msg("{source}: there is no address for the name {host}", source=self.source, host=host))
        if any(isinstance(e, NewConnectionError) for e in chain):
            return _Passing(
                Unreachable(
                    msg("{source}: {host} cannot be connected to ({reason})", source=self.source, host=host,
                        reason=root_cause(error) or "?")
                )
            )  # fmt: skip
        if any(isinstance(e, ConnectTimeoutError | ReadTimeoutError | TimeoutError) for e in chain):
            return _Passing(
                Unreachable(
                    msg("{source}: {host} did not answer within {seconds} s", source=self.source, host=host,
                        seconds=str(self.entry.timeout))
                )
            )  # fmt: skip
        if any(isinstance(e, IncompleteRead | ProtocolError | OSError) for e in chain):
            return _Passing(
                Unreachable(msg("{source}: {host} broke off in the middle of an answer", source=self.source, host=host))
            )
        return Unreadable(msg("{source}: {host} does not speak HTTP as it should", source=self.source, host=host))


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        reason = getattr(error, "reason", None)
        error = reason if isinstance(reason, BaseException) else error.__cause__ or error.__context__


def _origin(url: str) -> tuple[str, str, int]:
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = -1
    return parts.scheme, (parts.hostname or "").lower(), port or {"https": 443, "http": 80}.get(parts.scheme, 0)


def _is_link(found: str | int) -> bool:
    return isinstance(found, str) and found.startswith(("http://", "https://", "/", "?"))
