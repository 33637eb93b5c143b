"""What every request to an OpenStack passes before it leaves: the do-not-scan list, its turn, no token to strangers.

keystoneauth follows a redirect to wherever it points and takes password or token along; the service catalogue may name
any host. Both are outsiders' words, so each address is looked at here, before DNS.
"""

import io
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

import msgspec
from requests import PreparedRequest, Response, Session
from requests.adapters import BaseAdapter, HTTPAdapter
from requests.exceptions import ReadTimeout, RequestException

from collectors.answer_time import TooSlow, answer_within, watch
from collectors.errors import Skipped, Unreadable
from collectors.request_rate import RequestRates
from inventory.text import msg

MAX_DOCUMENT_BYTES = 32 * 1024**2
"""Of what the libraries read whole: tokens with their catalogue, lists of versions."""
_YEARS = range(2000, 2200)
"""In which a token may have been issued or run out: the libraries count with its times."""
_SECONDS = 600.0
"""For what is asked outside `asking`: what the libraries do on their own."""
_CHUNK = 64 * 1024


class _Named(msgspec.Struct):
    id: str
    name: str


class _Role(msgspec.Struct):
    name: str


class _Endpoint(msgspec.Struct):
    url: str
    interface: str
    region: str | None = None
    region_id: str | None = None
    id: str | None = None


class _Service(msgspec.Struct):
    type: str
    endpoints: list[_Endpoint]
    id: str | None = None
    name: str | None = None


class _Credential(msgspec.Struct):
    access_rules: list[dict[str, str | None]] | None = None


class _TokenFields(msgspec.Struct):
    user: _Named
    expires_at: datetime
    issued_at: datetime | None = None
    methods: list[str] = []
    project: _Named | None = None
    domain: _Named | None = None
    system: dict[str, bool] | None = None
    roles: list[_Role] = []
    catalog: list[_Service] | None = None
    application_credential: _Credential | None = None


class _TokenDocument(msgspec.Struct):
    """What the libraries take from Keystone's token without looking twice."""

    token: _TokenFields


@dataclass(frozen=True, slots=True)
class _Question:
    """What this thread is asking; requests that belong to it hold their places until its end."""

    service: str
    seconds: float
    places: ExitStack


_question: ContextVar[_Question | None] = ContextVar("question", default=None)


@contextmanager
def asking(service: str, seconds: float) -> Iterator[None]:
    """Whatever leaves inside is a question to this service, until its answer was read to the end.

    Raises:
        TooSlow: one answer took longer than that, however it dripped in.
    """
    with ExitStack() as places:
        before = _question.set(_Question(service, seconds, places))
        try:
            yield
        finally:
            _question.reset(before)


class Gate(BaseAdapter):
    """Stands before another adapter of a requests session."""

    def __init__(
        self, behind: BaseAdapter, *, source: str, forbids: Callable[[str], bool], rates: RequestRates
    ) -> None:
        super().__init__()
        self._behind = behind
        self._source = source
        self._forbids = forbids
        self._rates = rates

    def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
        """Sends it.

        Raises:
            Skipped: its host is on the do-not-scan list.
            Unreadable: a file that TLS needs is not there, or the answer is a redirect to another host, or from https
                to http.
        """
        url = urlsplit(request.url or "")
        if self._forbids(url.hostname or ""):
            # Before DNS and without its name: that is what the list is for.
            raise Skipped(msg("{source}: an address of it is on the do-not-scan list", source=self._source))
        try:
            response = self._in_turn(url, request, *args, **kwargs)
        except RequestException:
            raise
        except OSError as error:
            # What requests says of files that are not there.
            raise Unreadable(
                msg("{source}: a file of clouds.yaml cannot be used: check `cacert`, `cert` and `key`",
                    source=self._source)
            ) from error  # fmt: skip
        # As keystoneauth follows them, which is more than requests calls a redirect.
        if response.status_code in (301, 302, 303, 305, 307, 308) and "location" in response.headers:
            target = urlsplit(urljoin(request.url or "", response.headers["location"]))
            if not _may_follow(url, target):
                response.close()
                raise Unreadable(
                    msg(
                        "{source}: {host} redirects to another host, which would be given the credentials; correct the "
                        "address in clouds.yaml or in the service catalogue",
                        source=self._source,
                        host=url.hostname or "?",
                    )
                )
        return response

    def _in_turn(self, url: SplitResult, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
        question = _question.get()
        # A token may be renewed in the middle of any question.
        service = "identity" if question is None or url.path.endswith("/auth/tokens") else question.service
        turn = self._rates.of(service, url.netloc).turn()
        if question is not None:
            question.places.enter_context(turn)
            question.places.enter_context(answer_within(question.seconds))
            return self._sent(request, *args, **kwargs)
        try:
            with turn, answer_within(_SECONDS):
                return self._sent(request, *args, **kwargs)
        except TooSlow as error:
            raise ReadTimeout(f"{url.hostname}: timed out after {error}") from error

    def _sent(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
        if isinstance(self._behind, HTTPAdapter):
            watch(
                self._behind.get_connection_with_tls_context(
                    request, kwargs.get("verify", True), proxies=kwargs.get("proxies"), cert=kwargs.get("cert")
                )
            )
        response = self._behind.send(request, *args, **kwargs)
        if not kwargs.get("stream"):
            body = self._read(response)
            if response.ok and urlsplit(request.url or "").path.endswith("/auth/tokens"):
                self._check_token(body)
        return response

    def _check_token(self, body: bytes) -> None:
        wrong = _what_is_wrong_with_token(body)
        if wrong is not None:
            raise Unreadable(
                msg(
                    "{source}: Keystone's token is not what its API documents: {detail}",
                    source=self._source,
                    detail="".join(c if c.isprintable() else " " for c in wrong)[:200],
                )
            )

    def _read(self, response: Response) -> bytes:
        """Takes the body of an answer that a library would read whole, however long it is."""
        body = bytearray()
        for chunk in response.raw.stream(_CHUNK, decode_content=True):
            body += chunk
            if len(body) > MAX_DOCUMENT_BYTES:
                response.close()
                raise Unreadable(
                    msg(
                        "{source}: an answer is larger than {limit} bytes; it was given up",
                        source=self._source,
                        limit=MAX_DOCUMENT_BYTES,
                    )
                )
        response.raw.release_conn()
        response.raw = io.BytesIO(body)
        return bytes(body)

    def close(self) -> None:
        """Closes what stands behind."""
        self._behind.close()


def _what_is_wrong_with_token(body: bytes) -> str | None:
    try:
        token = msgspec.json.decode(body, type=_TokenDocument).token
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return str(error)
    moments = (token.expires_at, token.issued_at)
    return None if all(m is None or m.year in _YEARS for m in moments) else "expires_at, issued_at"


def _may_follow(from_: SplitResult, to: SplitResult) -> bool:
    return to.hostname == from_.hostname and to.scheme in ("https", from_.scheme)


def set_gates(session: Session, *, source: str, forbids: Callable[[str], bool], rates: RequestRates) -> None:
    """Puts a gate before each adapter of the session."""
    for prefix, adapter in list(session.adapters.items()):
        session.mount(prefix, Gate(adapter, source=source, forbids=forbids, rates=rates))
