"""One Kubernetes cluster, reached as a kubeconfig says: the only place that logs in, and it can only GET (and ask who
it is and what it may do).

The `kubernetes` client reads the kubeconfig and holds the credentials (tokens, client certificates, exec plugins,
proxies, CA); requests go through its urllib3 pool, so that an answer has a size and a time limit and is decoded once.

Where the credentials come from: `kubeconfig` of yunhe.toml, else `$KUBECONFIG`, else `~/.kube/config`, else the pod's
own service account. Exec credential plugins (`users[].user.exec`) run as they do for kubectl: whoever writes the
kubeconfig decides which program that is, so a kubeconfig from a stranger is never to be used. Nothing is written back.

No text of the client's own errors is ever shown: it quotes whole kubeconfig entries, tokens included.
"""

import logging
import os
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from collectors.answer_time import TooSlow, answer_within, watch
from collectors.credential_plugin import PluginHangs, in_time
from collectors.errors import (
    CollectorError,
    Skipped,
    TimedOut,
    Unauthorized,
    Unreachable,
    Unreadable,
    certificate_fault,
    root_cause,
)
from collectors.request_rate import MAX_WAIT_SECONDS, RequestRate, backoff, retry_after
from inventory.guard import Guard
from inventory.settings import KubernetesSource, RequestLimits, resolve
from inventory.text import Message, mark, msg

if TYPE_CHECKING:
    import urllib3
    from kubernetes.client import Configuration

logger = logging.getLogger(__name__)

MAX_ANSWER_BYTES = 128 * 1024**2
"""Of one page; 500 pods are about 5 MB."""
MAX_KUBECONFIG_BYTES = 4 * 1024**2
ATTEMPTS = 3
REVIEWS = (
    "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
    "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews",
    "/apis/authentication.k8s.io/v1/selfsubjectreviews",
)
"""The only paths that are ever asked with POST: they answer who we are and what we may do, and change nothing."""
_CHUNK = 256 * 1024
_BUSY = frozenset({429, 500, 502, 503, 504})
_NAMESPACE = re.compile(r"/namespaces/[^/]+")
_UNPRINTABLE = re.compile(r"[^\w .,:;/()'\"@=+*\[\]{}<>#%&?!-]+")
T = TypeVar("T")
_IN_CLUSTER_TOKEN = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")


class Forbidden(Unauthorized):
    """The API server knows who asks, and RBAC does not allow it."""


class NotServed(Unreadable):
    """The API server has no such path: another version serves the resource, or none does."""


class Expired(Unreadable):
    """410 Gone: the snapshot that a listing was read from was compacted away."""

    def __init__(self, message: Message, *, token: str = "") -> None:
        """`token` goes on behind what was already listed, in the state of now; empty where the server gives none."""
        super().__init__(message)
        self.token = token


class _StatusMetadata(msgspec.Struct):
    token: str = msgspec.field(default="", name="continue")


class _Status(msgspec.Struct):
    """What the API server says with an error (meta/v1 Status)."""

    message: str = ""
    reason: str = ""
    metadata: _StatusMetadata = msgspec.field(default_factory=_StatusMetadata)


@dataclass(frozen=True, slots=True)
class _Session:
    """A kubeconfig's context, opened."""

    configuration: "Configuration"
    pool: "urllib3.PoolManager"
    server: str
    """Scheme, host and port: what may be shown."""
    namespace: str | None
    has_plugin: bool
    """Whether its credentials come from a program that may be run at any request."""


class KubernetesCluster:
    """A context of a kubeconfig. Opened at the first question; safe for several threads."""

    def __init__(
        self,
        source: KubernetesSource,
        *,
        base: Path,
        guard: Guard | None = None,
        on_answer: Callable[[str, str | None], None] | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`on_answer` is told the address and the Date header of every answer, whatever its status."""
        self._on_answer = on_answer
        self._sleep = sleep
        self._rate = RequestRate(
            RequestLimits(requests_per_second=source.requests_per_second, concurrency=source.concurrency), sleep=sleep
        )
        self.name = f"kubernetes:{source.name}"
        self._source = source
        self._base = base
        self._guard = guard
        self._lock = threading.Lock()
        self._session: _Session | None = None
        self._failure: CollectorError | None = None
        self._is_renewed = False
        """The credentials were read anew and not accepted since: they are not read again."""

    @property
    def namespace(self) -> str | None:
        """The namespace that the context names, if any.

        Raises:
            CollectorError: the kubeconfig cannot be used.
        """
        return self._open().namespace

    def get(self, path: str, query: Mapping[str, str | int] | None = None) -> bytes:
        """The body that the API server answers to `GET path` with 200.

        Raises:
            Unreachable: it does not answer, or not in time, or says it is too busy.
            Unauthorized: 401; Forbidden for 403.
            NotServed: 404.
            Expired: 410.
            Unreadable: the kubeconfig cannot be used, or the answer is of another status or too large.
            Skipped: the API server is on the do-not-scan list.
        """
        return self._answer(path, f"?{urlencode(query)}" if query else "", None)

    def review(self, path: str, question: Mapping[str, object]) -> bytes:
        """What the API server answers to a review of our own rights or name.

        Kubernetes asks such questions with POST; the object is answered and kept nowhere.

        Raises:
            CollectorError: as `get`.
        """
        if path not in REVIEWS:
            raise AssertionError(f"no review: {path}")
        return self._answer(path, "", msgspec.json.encode(question))

    def _answer(self, path: str, query: str, question: bytes | None) -> bytes:
        session = self._open()
        url = session.configuration.host + quote(path) + query
        attempt, has_renewed = 0, False
        while True:
            is_last = attempt == ATTEMPTS - 1
            try:
                status, body, wait = self._ask(session, url, question)
            except _Dropped as error:
                if is_last:
                    raise Unreachable(self._say(_DROPPED, reason=error.reason)) from error
                status, body, wait = 0, b"", None
            if status == 200 or (status == 201 and question is not None):
                self._is_renewed = False
                return body
            if status == 401 and not has_renewed and (renewed := self._renewed(session)) is not None:
                session, has_renewed = renewed, True
                continue
            if is_last or (status != 0 and status not in _BUSY):
                raise self._refusal(path, status, body)
            if wait is not None and wait > MAX_WAIT_SECONDS:
                raise Unreachable(self._say(_LATER, status=status, path=shown(path), seconds=int(wait)))
            if wait is not None:
                self._rate.hold(wait)
            self._sleep(max(backoff(attempt), wait or 0.0))
            attempt += 1

    def _renewed(self, refused: _Session) -> _Session | None:
        """The kubeconfig opened again after a 401, once: its token may have been rotated, its plugin may give another.

        None where that was done before and did not help.
        """
        with self._lock:
            if self._session is refused:
                if self._is_renewed:
                    return None
                self._is_renewed = True
                self._session = self._connect()
            return self._session

    def _open(self) -> _Session:
        with self._lock:
            if self._failure is not None:
                raise self._failure
            if self._session is None:
                try:
                    self._session = self._connect()
                except CollectorError as error:
                    self._failure = error
                    raise
            return self._session

    def _connect(self) -> _Session:
        """Reads the kubeconfig and sets up TLS; asks nothing yet."""
        context = _Context.read(self.name, self._source, self._base)
        configuration = self._in_time(lambda: context.configuration(self.name), has_plugin=context.has_plugin)
        try:
            parts = urlsplit(configuration.host)
            host, port = parts.hostname, parts.port
        except ValueError:
            host, port = None, None
        if parts.scheme not in ("http", "https") or not host:
            raise Unreadable(
                msg(
                    "{source}: the kubeconfig's server is no http(s) address; expected https://host:port",
                    source=self.name,
                )
            )
        if self._guard is not None and (self._guard.forbids(host) or self._guard.forbids(self._source.name)):
            # Before DNS and without its name: that is what the list is for.
            raise Skipped(msg("{source}: its API server is on the do-not-scan list", source=self.name))
        address = f"{parts.scheme}://{host if ':' not in host else f'[{host}]'}{f':{port}' if port else ''}"
        if parts.scheme == "http" or not configuration.verify_ssl:
            logger.warning("%s: %s is not authenticated by TLS: whoever answers is believed", self.name, address)
        from kubernetes.client.rest import RESTClientObject

        try:
            pool = RESTClientObject(configuration).pool_manager
        except (OSError, ValueError) as error:
            raise Unreadable(context.unusable(self.name, type(error).__name__)) from None
        return _Session(configuration, pool, address, context.namespace, context.has_plugin)

    def _in_time(self, work: Callable[[], T], *, has_plugin: bool) -> T:
        """What `work` returns, which may run a credential plugin: a program that may wait for a browser for ever.

        Raises:
            TimedOut: it did not end in time. It is not asked again; what of it may be killed was killed (`in_time`).
        """
        if not has_plugin:
            return work()
        try:
            return in_time(work, self._source.timeout)
        except PluginHangs:
            self._failure = TimedOut(self._say(_PLUGIN_SLOW, seconds=f"{self._source.timeout:g}"))
            raise self._failure from None

    def _headers(self, session: _Session) -> dict[str, str]:
        headers = {"accept": "application/json", "user-agent": "yunhe", "accept-encoding": "identity"}
        with self._lock:
            if self._failure is not None:
                raise self._failure
            # The client renews an expired token here, one thread at a time.
            settings: Mapping[str, Any] = self._in_time(
                session.configuration.auth_settings, has_plugin=session.has_plugin
            )
            for setting in settings.values():
                if setting["in"] == "header" and setting["value"]:
                    headers[setting["key"]] = setting["value"]
        return headers

    def _ask(self, session: _Session, url: str, question: bytes | None) -> tuple[int, bytes, float | None]:
        """Status, body and Retry-After of one GET, or of one review where there is a question."""
        with self._rate.turn():
            try:
                with answer_within(self._source.timeout):
                    return self._ask_now(session, url, question)
            except TooSlow as error:
                raise Unreachable(self._say(_SLOW, seconds=f"{self._source.timeout:g}")) from error

    def _ask_now(self, session: _Session, url: str, question: bytes | None) -> tuple[int, bytes, float | None]:
        import urllib3
        from urllib3 import exceptions as failures

        timeout = self._source.timeout
        try:
            watch(session.pool.connection_from_url(url))
            response = session.pool.request(
                "GET" if question is None else "POST",
                url,
                body=question,
                headers=self._headers(session) | ({} if question is None else {"content-type": "application/json"}),
                timeout=urllib3.Timeout(connect=timeout, read=timeout),
                # A redirect would carry the token to whomever it names.
                redirect=False,
                retries=False,
                preload_content=False,
            )
            try:
                body = self._body(response)
            except BaseException:
                response.close()
                raise
            response.release_conn()
            if self._on_answer is not None:
                self._on_answer(url, response.headers.get("date"))
            return response.status, body, retry_after(response.headers.get("retry-after"))
        except failures.SSLError as error:
            reason = certificate_fault(error) or plain(error)
            raise Unreachable(self._say(_TLS, server=session.server, reason=reason)) from error
        except failures.NameResolutionError as error:
            raise Unreachable(self._say(_DNS, server=session.server)) from error
        except failures.NewConnectionError as error:
            raise Unreachable(
                self._say(_REFUSED, server=session.server, reason=root_cause(error) or plain(error))
            ) from error
        except failures.TimeoutError as error:
            raise Unreachable(self._say(_TIMEOUT, server=session.server, seconds=f"{timeout:g}")) from error
        except failures.ProxyError as error:
            raise Unreachable(self._say(_PROXY, server=session.server, reason=plain(error))) from error
        except (failures.HTTPError, OSError) as error:
            raise _Dropped(plain(error)) from error
        except ValueError:
            # http.client refuses a header with a line break and quotes it: the token must not get into a message.
            raise Unauthorized(self._say(_HEADER)) from None

    def _body(self, response: "urllib3.BaseHTTPResponse") -> bytes:
        chunks: list[bytes] = []
        size = 0
        while chunk := response.read1(_CHUNK, decode_content=False):
            size += len(chunk)
            if size > MAX_ANSWER_BYTES:
                raise Unreadable(self._say(_TOO_LARGE, bytes=MAX_ANSWER_BYTES))
            chunks.append(chunk)
        return b"".join(chunks)

    def _refusal(self, path: str, status: int, body: bytes) -> CollectorError:
        said = _status(body)
        path = shown(path)
        match status:
            case 401:
                return Unauthorized(self._say(_UNAUTHORIZED))
            case 403:
                return Forbidden(self._say(_FORBIDDEN, path=path, reason=plain(said.message) or "403"))
            case 404:
                return NotServed(self._say(_NOT_SERVED, path=path))
            case 410:
                return Expired(self._say(_EXPIRED, path=path), token=said.metadata.token)
            case _ if status in _BUSY:
                return Unreachable(self._say(_BUSY_NOW, status=status, path=path, reason=plain(said.message)))
            case _:
                return Unreadable(self._say(_ODD, status=status, path=path))

    def _say(self, sentence: str, **values: str | int) -> Message:
        return msg(sentence, source=self.name, **values)


class _Dropped(Exception):
    """The connection broke; the same GET may be asked again."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


_DROPPED = mark("{source}: the API server broke the connection off ({reason})")
_TLS = mark("{source}: TLS with {server} failed ({reason}); check certificate-authority and server of the kubeconfig")
_DNS = mark("{source}: the name of {server} does not resolve; check the server of the kubeconfig and DNS")
_TIMEOUT = mark("{source}: {server} did not answer within {seconds} s; check the network path, or raise timeout")
_REFUSED = mark(
    "{source}: {server} cannot be connected to ({reason}); check that the API server runs and may be reached"
)
_PROXY = mark("{source}: the proxy on the way to {server} failed ({reason}); check proxy-url and HTTPS_PROXY")
_HEADER = mark("{source}: the token of the kubeconfig cannot be sent; expected one line of printable characters")
_TOO_LARGE = mark("{source}: an answer was larger than {bytes} bytes; a smaller page_size helps")
_SLOW = mark("{source}: an answer took longer than {seconds} s; a smaller page_size or a larger timeout helps")
_PLUGIN_SLOW = mark(
    "{source}: the credential plugin of the kubeconfig did not end within {seconds} s; does it wait for a person? A "
    "night's run needs credentials that ask nobody; else raise timeout"
)
_UNAUTHORIZED = mark(
    "{source}: the API server does not accept the credentials (401); a new token or certificate is needed"
)
_FORBIDDEN = mark(
    "{source}: RBAC refused {path} ({reason}); deploy/kubernetes/clusterrole.yaml holds the rights needed"
)
_NOT_SERVED = mark("{source}: the API server does not serve {path}")
_EXPIRED = mark("{source}: the snapshot of {path} expired while it was read")
_BUSY_NOW = mark("{source}: the API server answered {status} to {path} {reason}")
_LATER = mark(
    "{source}: the API server answered {status} to {path} and asks to come back in {seconds} s; scan again later"
)
_ODD = mark("{source}: the answer {status} to {path} is not one that the Kubernetes API documents")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Context:
    """What a kubeconfig says of one context, checked before the client sees it."""

    files: str | None
    """Paths as `$KUBECONFIG` joins them; None for the pod's own service account."""
    name: str = ""
    namespace: str | None = None
    has_plugin: bool = False

    @classmethod
    def read(cls, who: str, source: KubernetesSource, base: Path) -> "_Context":
        """The context that yunhe.toml names, else the current one.

        Raises:
            Unreadable: a file is missing or no kubeconfig, or the context, its cluster or its user is not there.
        """
        paths = _paths(source, base)
        if paths is None:
            return cls(files=None)
        file = os.pathsep.join(str(p) for p in paths)
        contexts: dict[str, dict[str, Any]] = {}
        clusters: dict[str, dict[str, Any]] = {}
        users: dict[str, dict[str, Any]] = {}
        current: str | None = None
        for path in paths:
            table = _table(who, path)
            for key, inner, into in (
                ("contexts", "context", contexts),
                ("clusters", "cluster", clusters),
                ("users", "user", users),
            ):
                for entry_name, entry in _entries(who, path, table, key, inner):
                    into.setdefault(entry_name, entry)
            current = current or _text(table.get("current-context"))
        name = source.context or current
        if name is None:
            raise Unreadable(
                msg("{source}: {file} has no current context; name one with the key context", source=who, file=file)
            )
        context = contexts.get(name)
        if context is None:
            raise Unreadable(
                msg(
                    "{source}: {file} has no context {context}; it has {known}",
                    source=who, file=file, context=name, known=", ".join(sorted(contexts)[:20]) or "-",
                )
            )  # fmt: skip
        for key, known in (("cluster", clusters), ("user", users)):
            if _text(context.get(key)) not in known:
                raise Unreadable(
                    msg(
                        "{source}: context {context} of {file} names a {what} that is not there",
                        source=who, context=name, file=file, what=key,
                    )
                )  # fmt: skip
        return cls(
            files=file,
            name=name,
            namespace=_text(context.get("namespace")),
            has_plugin="exec" in users[str(context["user"])],
        )

    def configuration(self, who: str) -> "Configuration":
        """The client's configuration: address, CA and credentials."""
        from kubernetes import config
        from kubernetes.client import Configuration
        from kubernetes.config.config_exception import ConfigException

        configuration = Configuration()
        try:
            if self.files is None:
                config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
            else:
                config.load_kube_config(  # type: ignore[no-untyped-call]
                    config_file=self.files,
                    context=self.name,
                    client_configuration=configuration,
                    persist_config=False,
                )
        except (ConfigException, OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            # Without its text, and without the chain: both can quote the token.
            raise Unreadable(self.unusable(who, type(error).__name__)) from None
        if self.has_plugin and not (configuration.api_key or configuration.cert_file):
            raise Unauthorized(
                msg(
                    "{source}: the credential plugin of context {context} gave no credentials; "
                    "`kubectl --context {context} version` shows what it says",
                    source=who,
                    context=self.name,
                )
            )
        return configuration

    def unusable(self, who: str, reason: str) -> Message:
        """That the client could not make sense of it."""
        return msg(
            "{source}: context {context} of {file} cannot be used ({reason}); check its server, CA and credentials",
            source=who,
            context=self.name or "-",
            file=self.files or "in-cluster",
            reason=reason,
        )


def _paths(source: KubernetesSource, base: Path) -> list[Path] | None:
    """The kubeconfig files, None for in-cluster."""
    if source.kubeconfig is not None:
        return [resolve(base, source.kubeconfig)]
    named = os.environ.get("KUBECONFIG")
    if named:
        paths = [Path(p).expanduser() for p in named.split(os.pathsep) if p]
        # As kubectl does: of several, those that are missing are passed over.
        return [p for p in paths if p.exists()] or paths[:1]
    home = Path("~/.kube/config").expanduser()
    if not home.exists() and os.environ.get("KUBERNETES_SERVICE_HOST") and _IN_CLUSTER_TOKEN.exists():
        return None
    return [home]


def _table(who: str, path: Path) -> dict[str, Any]:
    import yaml

    expected = msg("expected a kubeconfig as kubectl reads it")
    try:
        with path.open("rb") as file:
            data = file.read(MAX_KUBECONFIG_BYTES + 1)
        if len(data) > MAX_KUBECONFIG_BYTES:
            reason = f"> {MAX_KUBECONFIG_BYTES} bytes"
        else:
            table = yaml.safe_load(data.decode("utf-8-sig"))
            if isinstance(table, dict):
                return table
            reason = type(table).__name__
    except OSError as error:
        reason = error.strerror or type(error).__name__
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        reason = f"YAML, line {mark.line + 1}" if mark else "YAML"
    except (UnicodeDecodeError, RecursionError, ValueError) as error:
        reason = type(error).__name__
    raise Unreadable(
        msg(
            "{source}: {file} cannot be read ({reason}); {expected}",
            source=who,
            file=str(path),
            reason=reason,
            expected=expected,
        )
    )


def _entries(who: str, path: Path, table: dict[str, Any], key: str, inner: str) -> list[tuple[str, dict[str, Any]]]:
    entries = table.get(key) or []
    try:
        return [(str(entry["name"]), dict(entry.get(inner) or {})) for entry in entries]
    except (TypeError, KeyError, AttributeError, ValueError):
        raise Unreadable(
            msg("{source}: {file}: {key} is not a list of named entries", source=who, file=str(path), key=key)
        ) from None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _status(body: bytes) -> _Status:
    try:
        return msgspec.json.decode(body, type=_Status)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _Status()


def shown(path: str) -> str:
    """A path as sentences may show it: without the namespace, which may be a name that nobody may write down."""
    return _NAMESPACE.sub("/namespaces/…", path)


def plain(said: object) -> str:
    """What an outsider said, short and without anything that could steer a terminal."""
    text = _UNPRINTABLE.sub(" ", re.sub(r"(://)[^\s'\"]*@", r"\1…@", str(said))).strip()
    return text if len(text) <= 300 else text[:299] + "…"
