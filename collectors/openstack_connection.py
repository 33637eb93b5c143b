"""The only place that logs in to an OpenStack: clouds.yaml in, decoded-by-nobody-yet bytes out, GET only.

openstacksdk and keystoneauth do authentication, discovery, microversions and re-authentication; pages are handed out as
bytes, because building SDK objects costs more than Nova's answer itself (measured: 11 s of CPU for 2,500 servers).
Whatever they raise leaves here as a CollectorError with one sentence: who refused, what was asked, what would help.
"""

import logging
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from collectors.answer_time import TooSlow
from collectors.errors import (
    CollectorError,
    NotConfigured,
    Skipped,
    Unauthorized,
    Unreachable,
    Unreadable,
    certificate_fault,
    root_cause,
)
from collectors.request_rate import MAX_WAIT_SECONDS, RequestRates, backoff, retry_after
from inventory.guard import Guard
from inventory.settings import OpenStackSource, RequestLimits, resolve
from inventory.text import Message, msg

if TYPE_CHECKING:
    import requests
    from keystoneauth1.access.access import AccessInfo
    from keystoneauth1.identity.base import BaseIdentityPlugin
    from openstack.config import OpenStackConfig
    from openstack.connection import Connection

logger = logging.getLogger(__name__)

Service = Literal["identity", "compute", "network", "block-storage", "image", "placement", "load-balancer", "baremetal"]
Params = Sequence[tuple[str, str | int]]

MAX_PAGE_BYTES = 256 * 1024**2
_RETRIED = frozenset({429, 500, 502, 503, 504})
_CATALOGUE_TYPES: dict[Service, tuple[str, ...]] = {
    "identity": ("identity",),
    "compute": ("compute",),
    "network": ("network",),
    "block-storage": ("block-storage", "block-store", "volumev3", "volumev2", "volume"),
    "image": ("image",),
    "placement": ("placement",),
    "load-balancer": ("load-balancer",),
    "baremetal": ("baremetal", "bare-metal"),
}
_REGIONAL: tuple[Service, ...] = ("compute", "network", "block-storage")
"""Services that make a region one that is read."""
_OLDEST: dict[Service, tuple[int, int]] = {"compute": (2, 1), "baremetal": (1, 1), "placement": (1, 0)}
"""What a service understands that tells nothing of its microversions."""
_WRONG_NAME = re.compile(r"NameResolutionError|Failed to resolve|getaddrinfo|Name or service not known", re.IGNORECASE)
_WRONG_SHAPE = (AttributeError, KeyError, TypeError, ValueError)
"""What the SDK stumbles over where clouds.yaml has a text instead of a table, or the other way round."""
_STUMBLED = (*_WRONG_SHAPE, IndexError, RecursionError, OverflowError)
"""What the libraries stumble over where a document of the cloud's has one thing instead of another."""
_WRONG_TLS = re.compile(r"SSL|certificate", re.IGNORECASE)


class Refused(Unauthorized):
    """403: this user may not ask this."""


class NotFound(Unreadable):
    """404: there is no such thing, or none for this user."""


class NotUnderstood(Unreadable):
    """400: the service does not take the question as it is put."""


class MarkerVanished(Unreadable):
    """400 or 404 to a page walk whose marker was deleted meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What Keystone says we are: the scope of everything that is read."""

    user: str
    roles: frozenset[str]
    project_id: str | None
    project_name: str | None
    domain_id: str | None
    """Set only if the token is scoped to a domain."""
    is_system: bool
    methods: frozenset[str] | None = None
    """HTTP methods that the credential's access rules allow; None: it has no such rules and may do what roles allow."""
    issued_at: datetime | None = None
    """When, by Keystone's clock."""

    @property
    def is_admin(self) -> bool:
        """Whether the token holds the role that Nova, Neutron and Cinder let see every project by default."""
        return "admin" in self.roles

    @property
    def scope(self) -> Message:
        """The scope in words."""
        if self.is_system:
            return msg("the whole system")
        if self.domain_id:
            return msg("domain {domain}", domain=self.domain_id)
        return msg("project {project}", project=self.project_name or self.project_id or "?")


class OpenStackCloud:
    """One cloud of clouds.yaml. Logs in once per region and remembers a failure: wrong passwords lock accounts."""

    def __init__(
        self,
        source: OpenStackSource,
        *,
        base: Path,
        sleep: Callable[[float], None] = time.sleep,
        guard: Guard | None = None,
        on_answer: Callable[[str, str | None], None] | None = None,
    ) -> None:
        """`on_answer` is told the address and the Date header of every answer, whatever its status."""
        self.source = source
        self._on_answer = on_answer
        self._guard = Guard() if guard is None else guard  # an empty one is false, and may be filled later
        self.name = f"openstack:{source.name}"
        self._path = resolve(base, source.clouds_yaml) if source.clouds_yaml else None
        self._sleep = sleep
        limits = RequestLimits(requests_per_second=source.requests_per_second, concurrency=source.concurrency)
        self.rates = RequestRates(limits, source.limits, sleep=sleep)
        self._lock = threading.Lock()
        self._regions: dict[str | None, OpenStackRegion | CollectorError] = {}

    def configured_regions(self) -> tuple[str, ...]:
        """Regions by yunhe.toml, else by clouds.yaml; none means every region of the catalogue. Reads files only."""
        if self.source.regions:
            return self.source.regions
        from openstack.exceptions import ConfigException
        from yaml import YAMLError

        try:
            clouds = self._config().cloud_config.get("clouds", {})
            cloud = clouds.get(self.source.cloud) or {}
            named = cloud.get("regions") or ([cloud["region_name"]] if cloud.get("region_name") else [])
            return tuple(str(r["name"] if isinstance(r, Mapping) else r) for r in named)
        except (ConfigException, CollectorError, YAMLError, OSError, *_WRONG_SHAPE):
            return ()  # said when the first cell is read

    def regions(self) -> tuple[str, ...]:
        """The regions to read: configured, else every region in which the catalogue has a service that is read.

        Raises:
            CollectorError: the login failed.
        """
        return self.configured_regions() or self.region(None).catalogue_regions()

    def region(self, name: str | None) -> "OpenStackRegion":
        """The logged-in cloud in this region, or in whatever region the SDK picks.

        Raises:
            CollectorError: clouds.yaml does not know the cloud, or the login failed, now or before.
        """
        with self._lock:
            known = self._regions.get(name)
            if known is None:
                failed = next((r for r in self._regions.values() if isinstance(r, Unauthorized)), None)
                known = self._regions[name] = failed or self._login(name)
        if isinstance(known, CollectorError):
            raise known
        return known

    def close(self) -> None:
        """Gives back the connections that are kept open: a service has room for so many, whoever holds them."""
        with self._lock:
            known = [region for region in self._regions.values() if isinstance(region, OpenStackRegion)]
        for region in known:
            region.close()

    def _login(self, region: str | None) -> "OpenStackRegion | CollectorError":
        from collectors.openstack_gate import set_gates

        try:
            if self._guard.forbids(self.source.name) or self._guard.forbids(self.source.cloud):
                raise Skipped(msg("{source}: an address of it is on the do-not-scan list", source=self.name))
            connection = self._connection(region)
            set_gates(connection.session.session, source=self.name, forbids=self._guard.forbids, rates=self.rates)
            self._listen(connection)
            auth = _identity_auth(connection)
            if auth is None:
                return CollectorError(
                    msg(
                        "{source}: cloud {cloud} of clouds.yaml does not log in at Keystone (`auth_type` {kind}); "
                        "expected a password, token or application credential",
                        source=self.name,
                        cloud=self.source.cloud,
                        kind=str(connection.config.config.get("auth_type")),
                    )
                )
            access = self._access(auth, connection)
            return OpenStackRegion(self, region, connection, access, self._sleep)
        except CollectorError as error:
            return error
        except _outside() as error:
            return explained(error, self.name, msg("the login at Keystone"))

    @contextmanager
    def asking(self, service: Service) -> Iterator[None]:
        """Whatever is sent inside belongs to one question: it takes its turn, and its answer must end some time.

        Raises:
            Unreachable: the answer did not arrive to its end, however steadily it dripped in.
            Unreadable: the libraries could make nothing of a document of the cloud's (versions, catalogue).
        """
        from collectors.openstack_gate import asking

        seconds = 10 * self.source.timeout
        try:
            with asking(service, seconds):
                yield
        except TooSlow as error:
            raise Unreachable(
                msg(
                    "{source}: one answer took more than {seconds} s to arrive; it was given up",
                    source=self.name,
                    seconds=int(seconds),
                )
            ) from error
        except _STUMBLED as error:
            if isinstance(error, _outside()):  # requests has its own of these: they are about connections
                raise
            raise Unreadable(
                msg(
                    "{source}: {service} answered something that its API does not document ({detail})",
                    source=self.name,
                    service=service,
                    detail=type(error).__name__,
                )
            ) from error

    def _access(self, auth: "BaseIdentityPlugin", connection: "Connection") -> "AccessInfo":
        """The token, asked for again where Keystone was busy or away; never after it refused: that locks accounts."""
        for attempt in range(self.source.retries + 1):
            try:
                with self.asking("identity"):
                    return auth.get_access(connection.session)
            except _outside() as error:
                asked_for = _passing(error)
                if attempt == self.source.retries or asked_for is None or asked_for > MAX_WAIT_SECONDS:
                    raise
                self._sleep(max(backoff(attempt), asked_for))
        raise AssertionError("the last try returns or raises")

    def _listen(self, connection: "Connection") -> None:
        told = self._on_answer
        if told is None:
            return

        def hear(response: "requests.Response", *_: object, **__: object) -> None:
            told(response.url, response.headers.get("Date"))

        connection.session.session.hooks["response"].append(hear)

    def _connection(self, region: str | None) -> "Connection":
        from openstack.connection import Connection
        from openstack.exceptions import ConfigException
        from yaml import YAMLError

        try:
            config = self._config()
            if self.source.cloud not in config.get_cloud_names():
                raise CollectorError(
                    msg(
                        "{source}: clouds.yaml has no cloud {cloud}; it has {known}; correct the name in yunhe.toml or "
                        "add the cloud",
                        source=self.name,
                        cloud=self.source.cloud,
                        known=", ".join(sorted(config.get_cloud_names())) or msg("none"),
                    )
                )
            if region is not None:
                self._admit_region(config, region)
            cloud = config.get_one(
                self.source.cloud,
                region_name=region,
                api_timeout=self.source.timeout,
                app_name="yunhe",
            )
        except (ConfigException, YAMLError, OSError, *_WRONG_SHAPE) as error:
            raise CollectorError(
                msg(
                    "{source}: clouds.yaml cannot be used for cloud {cloud}: {detail}",
                    source=self.name,
                    cloud=self.source.cloud,
                    # The text of the others may quote what stands in the file.
                    detail=type(error).__name__ if isinstance(error, _WRONG_SHAPE) else _short(error),
                )
            ) from error
        return Connection(config=cloud)

    def _admit_region(self, config: "OpenStackConfig", region: str) -> None:
        """The SDK knows the regions of clouds.yaml only; yunhe.toml and the catalogue may name others."""
        cloud = config.cloud_config["clouds"][self.source.cloud]
        named = [r["name"] if isinstance(r, Mapping) else r for r in cloud.get("regions") or ()]
        if region not in named:
            cloud.pop("regions", None)
            cloud["region_name"] = region

    def _config(self) -> "OpenStackConfig":
        from openstack.config import OpenStackConfig

        if self._path is None:
            return OpenStackConfig()
        secure = self._path.with_name("secure.yaml")
        files = [self._path, *([secure] if secure.is_file() else [])]
        for path in files:
            self._check(path)
        return OpenStackConfig(config_files=[str(self._path)], secure_files=[str(f) for f in files[1:]])

    def _check(self, path: Path) -> None:
        """That a file can be read: the SDK passes over one that cannot, and then knows no cloud.

        Raises:
            OSError: it cannot be opened.
            CollectorError: it is no YAML. Where, but not why: the reason may quote a password that needs quotes.
        """
        import yaml

        try:
            with path.open("rb") as file:
                yaml.safe_load(file)
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            mark = getattr(error, "problem_mark", None)
            raise CollectorError(
                msg(
                    "{source}: {file} is no YAML (line {line}); a value that begins with or holds special characters "
                    "needs quotes",
                    source=self.name,
                    file=str(path),
                    line=mark.line + 1 if mark is not None else "?",
                )
            ) from None


class OpenStackRegion:
    """A logged-in cloud in one region. Several threads may read through it."""

    def __init__(
        self,
        cloud: OpenStackCloud,
        name: str | None,
        connection: "Connection",
        access: "AccessInfo",
        sleep: Callable[[float], None],
    ) -> None:
        self.source = cloud.name
        self.name = name
        self._connection = connection
        self._access = access
        self._cloud = cloud
        self._sleep = sleep
        self._timeout = cloud.source.timeout
        self._retries = cloud.source.retries

    def close(self) -> None:
        """Gives back its connections; a later request opens new ones."""
        self._connection.session.session.close()

    @cached_property
    def token(self) -> Token:
        """Who we are, and in which scope."""
        access = self._access
        return Token(
            user=str(access.username or access.user_id),
            roles=frozenset(r.lower() for r in access.role_names or ()),
            project_id=access.project_id,
            project_name=access.project_name,
            domain_id=access.domain_id if access.domain_scoped else None,
            is_system=bool(access.system_scoped),
            methods=_allowed_methods(access),
            issued_at=_issued_at(access),
        )

    def catalogue_regions(self) -> tuple[str, ...]:
        """Every region in which the catalogue has compute, network or block storage."""
        wanted = {t for service in _REGIONAL for t in _CATALOGUE_TYPES[service]}
        return tuple(sorted({e["region"] for t, e in self._endpoints() if t in wanted and e.get("region")}))

    def has(self, service: Service) -> bool:
        """Whether the catalogue has this service in this region."""
        return any(
            kind in _CATALOGUE_TYPES[service] and self.name in (None, endpoint.get("region"))
            for kind, endpoint in self._endpoints()
        )

    def need(self, service: Service) -> None:
        """Raises where the catalogue has no such service here.

        Raises:
            NotConfigured: the region is known and has no such service.
            Refused: the token's scope cannot tell.
            CollectorError: the catalogue does not know the region.
        """
        if self.has(service):
            return
        regions = self.catalogue_regions()
        if self.name is not None and self.name not in regions:
            raise self._no_such_region(regions)
        if self.token.project_id is None:
            # Keystone leaves endpoints with %(project_id)s in their URL out of the catalogue of such a token.
            raise Refused(
                msg(
                    "{source}: a token for {scope} is not shown {service}, whose address has the project in it; "
                    "name a project in clouds.yaml",
                    source=self.source,
                    scope=self.token.scope,
                    service=service,
                )
            )
        raise NotConfigured(
            msg(
                "{source}: the service catalogue has no {service} in region {region}",
                source=self.source,
                service=service,
                region=self.name or "*",
            )
        )

    def check_name(self) -> None:
        """Raises where no service of the catalogue, whichever it is, is in a region of our name.

        Raises:
            CollectorError: names the regions that there are.
        """
        regions = {str(e["region"]) for _, e in self._endpoints() if e.get("region")}
        if self.name is not None and self.name not in regions:
            raise self._no_such_region(sorted(regions))

    def _no_such_region(self, regions: Sequence[str]) -> CollectorError:
        return CollectorError(
            msg(
                "{source}: the service catalogue has no region {region}; it has {known}; correct `regions` in "
                "yunhe.toml",
                source=self.source,
                region=self.name or "*",
                known=", ".join(regions) or msg("none"),
            )
        )

    def microversion(self, wanted: tuple[int, int], service: Service = "compute") -> tuple[int, int]:
        """The wanted microversion, or the newest that this Nova (or other service) has: asking for more is a 406.

        Raises:
            CollectorError: the service's discovery document cannot be had.
        """
        try:
            with self._cloud.asking(service):
                data = getattr(self._connection, service.replace("-", "_")).get_endpoint_data()
        except _outside() as error:
            raise explained(error, self.source, msg("the versions of {service}", service=service)) from error
        newest = data.max_microversion if data is not None else None
        return min(wanted, (int(newest[0]), int(newest[1]))) if newest else _OLDEST[service]

    def get(
        self,
        service: Service,
        path: str,
        params: Params = (),
        *,
        microversion: tuple[int, int] | None = None,
        with_marker: bool = False,
    ) -> bytes:
        """The body of a 200 answer. Tried again, with pauses, on 429, 500, 502, 503, 504 and broken connections.

        Raises:
            Refused: 403.
            MarkerVanished: 400 or 404 to a page with a marker.
            Unauthorized: 401 although the token was just renewed.
            Unreachable: no answer, or only errors, after all tries.
            NotFound: 404.
            Unreadable: another status, or a body beyond 256 MiB.
        """
        asked = msg("{service} {path}", service=service, path=path)
        for attempt in range(self._retries + 1):
            is_last = attempt == self._retries
            try:
                status, wait, body = self._once(service, path, params, microversion)
            except _outside() as error:
                cause = explained(error, self.source, asked)
                if is_last or not isinstance(cause, Unreachable):
                    raise cause from error
                self._pause(attempt, None)
                continue
            if status == 200:
                return body
            if status not in _RETRIED or is_last:
                raise self._unwanted(status, asked, body, with_marker=with_marker)
            if wait is not None and wait > MAX_WAIT_SECONDS:
                raise Unreachable(
                    msg(
                        "{source}: {asked}: the server asks to come back in {seconds} s; scan again later",
                        source=self.source,
                        asked=asked,
                        seconds=int(wait),
                    )
                )
            self._pause(attempt, wait)
        raise AssertionError("the last try returns or raises")

    def system_region(self) -> "OpenStackRegion | None":
        """The same user with a token for the whole system, if it holds a role there: some lists are told only so."""
        return self._scoped(system_scope="all")

    def domain_region(self, domain_id: str) -> "OpenStackRegion | None":
        """The same user with a token for a domain, if it holds a role there."""
        return self._scoped(domain_id=domain_id)

    def _scoped(self, *, system_scope: str | None = None, domain_id: str | None = None) -> "OpenStackRegion | None":
        from keystoneauth1.identity.v3 import Token as TokenMethod
        from openstack.connection import Connection

        config = self._connection.config
        try:
            # A token for a token: no password is asked for twice. Keystones that forbid it answer 403.
            own = _identity_auth(self._connection)
            with self._cloud.asking("identity"):
                token = self._connection.auth_token
            if own is None or token is None:
                return None
            auth = TokenMethod(str(own.auth_url), token, system_scope=system_scope, domain_id=domain_id)
            session = type(self._connection.session)(
                auth=auth,
                session=self._connection.session.session,
                verify=self._connection.session.verify,
                cert=self._connection.session.cert,
                timeout=self._timeout,
                app_name="yunhe",
            )
            with self._cloud.asking("identity"):
                access = auth.get_access(session)
            connection = Connection(session=session, region_name=config.region_name, interface=config.get_interface())
        except _outside() as error:
            logger.debug("%s: no token for %s: %s", self.source, system_scope or domain_id, _short(error))
            return None
        region = object.__new__(OpenStackRegion)
        region.__dict__.update({k: v for k, v in self.__dict__.items() if k != "token"})
        region._connection, region._access = connection, access
        return region

    def _endpoints(self) -> list[tuple[str, Mapping[str, str]]]:
        catalogue = self._access.service_catalog.catalog or []
        return [(str(s.get("type")), e) for s in catalogue for e in s.get("endpoints", ())]

    def _once(
        self, service: Service, path: str, params: Params, microversion: tuple[int, int] | None
    ) -> tuple[int, float | None, bytes]:
        with self._cloud.asking(service):
            adapter = getattr(self._connection, service.replace("-", "_"))

            def ask() -> "requests.Response":
                response: requests.Response = adapter.get(
                    path,
                    params=list(params),
                    microversion=f"{microversion[0]}.{microversion[1]}" if microversion else None,
                    raise_exc=False,
                    connect_retries=0,
                    status_code_retries=0,
                    stream=True,
                    headers={"Accept": "application/json"},
                )
                return response

            response = ask()
            if response.status_code == 401 and self._connection.auth_token != _token_of(response):
                # keystoneauth renews a token that ran out, but of threads that meet its end together only the first
                # asks again; the others get the 401 while the new token is on its way.
                response.close()
                response = ask()
            try:
                wait = retry_after(response.headers.get("Retry-After"))
                if wait is not None and wait <= MAX_WAIT_SECONDS and response.status_code in _RETRIED:
                    self._cloud.rates.of(service, urlsplit(response.url).netloc).hold(wait)
                return response.status_code, wait, self._body(response)
            finally:
                response.close()

    def _body(self, response: "requests.Response") -> bytes:
        """The body, limited in size; in time it is limited by `asking`."""
        body = bytearray()
        for chunk in response.iter_content(256 * 1024):
            body += chunk
            if len(body) > MAX_PAGE_BYTES:
                raise Unreadable(
                    msg(
                        "{source}: an answer is larger than {limit} bytes; it was given up",
                        source=self.source,
                        limit=MAX_PAGE_BYTES,
                    )
                )
        return bytes(body)

    def _pause(self, attempt: int, asked_for: float | None) -> None:
        self._sleep(min(MAX_WAIT_SECONDS, max(backoff(attempt), asked_for or 0.0)))

    def _unwanted(self, status: int, asked: Message, body: bytes, *, with_marker: bool) -> CollectorError:
        detail = _said(body)
        if status == 401:
            return Unauthorized(
                msg(
                    "{source}: {asked}: the token was refused (401); {detail}",
                    source=self.source,
                    asked=asked,
                    detail=detail,
                )
            )
        if status == 403:
            return Refused(
                msg(
                    "{source}: {asked} is refused to {user} (403: {detail}); docs/openstack-rights.md lists the "
                    "rights that are needed",
                    source=self.source,
                    asked=asked,
                    user=self.token.user,
                    detail=detail,
                )
            )
        if with_marker and status in (400, 404):
            return MarkerVanished(
                msg(
                    "{source}: {asked}: the listing changed while it was read ({detail})",
                    source=self.source,
                    asked=asked,
                    detail=detail,
                )
            )
        kinds = {400: NotUnderstood, 404: NotFound}
        kind = Unreachable if status in _RETRIED else kinds.get(status, Unreadable)
        return kind(
            msg(
                "{source}: {asked} answered HTTP {status}: {detail}",
                source=self.source,
                asked=asked,
                status=status,
                detail=detail,
            )
        )


def explained(error: BaseException, source: str, asked: Message) -> CollectorError:
    """The one sentence for whatever keystoneauth, the SDK or requests raised while this was asked."""
    if isinstance(error, CollectorError):
        return error
    return (
        _as_answer(error, source, asked)
        or _as_setting(error, source, asked)
        or _as_transport(error, source, asked)
        or Unreachable(
            msg(
                "{source}: {asked}: the connection failed or broke ({detail}); "
                "check that the service runs and can be reached from here",
                source=source,
                asked=asked,
                detail=_broken(error),
            )
        )
    )


def _as_answer(error: BaseException, source: str, asked: Message) -> CollectorError | None:
    """Keystone answered, and not with a token."""
    from keystoneauth1 import exceptions as auth

    if isinstance(error, auth.Unauthorized):
        return Unauthorized(
            msg(
                "{source}: {asked}: Keystone refused user, password or credential (401); "
                "check the cloud's `auth` in clouds.yaml",
                source=source,
                asked=asked,
            )
        )
    if isinstance(error, auth.Forbidden):
        return Refused(
            msg("{source}: {asked} is refused (403: {detail})", source=source, asked=asked, detail=_short(error))
        )
    if isinstance(error, auth.HttpError) and not isinstance(error, auth.HttpServerError):
        return Unreadable(
            msg(
                "{source}: {asked} answered HTTP {status}: {detail}",
                source=source,
                asked=asked,
                status=int(error.http_status or 0),
                detail=_short(error),
            )
        )
    return None


def _as_setting(error: BaseException, source: str, asked: Message) -> CollectorError | None:
    """clouds.yaml and the cloud do not fit together."""
    from keystoneauth1 import exceptions as auth

    if isinstance(error, (auth.MissingRequiredOptions, auth.OptionError, auth.NoMatchingPlugin)):
        return CollectorError(
            msg("{source}: clouds.yaml says too little to log in: {detail}", source=source, detail=_short(error))
        )
    if isinstance(error, auth.CatalogException):
        return Unreadable(
            msg(
                "{source}: {asked}: the service catalogue has no such endpoint ({detail}); "
                "check region_name and interface in clouds.yaml",
                source=source,
                asked=asked,
                detail=_short(error),
            )
        )
    return None


def _as_transport(error: BaseException, source: str, asked: Message) -> CollectorError | None:
    """Nobody answered, and it can be said why."""
    from keystoneauth1 import exceptions as auth

    text = str(error)
    host = _host(text)
    if _WRONG_NAME.search(text):
        return Unreachable(
            msg(
                "{source}: {asked}: the name {host} cannot be resolved; "
                "check auth_url, the catalogue's addresses and DNS",
                source=source,
                asked=asked,
                host=host,
            )
        )
    if isinstance(error, auth.SSLError) or _WRONG_TLS.search(text):
        return Unreachable(
            msg(
                "{source}: {asked}: the TLS certificate of {host} is not trusted or TLS failed ({detail}); "
                "set `cacert` in clouds.yaml",
                source=source,
                asked=asked,
                host=host,
                detail=certificate_fault(error) or _short(error),
            )
        )
    if isinstance(error, auth.ConnectTimeout) or "timed out" in text.lower():
        return Unreachable(
            msg(
                "{source}: {asked}: {host} did not answer in time; check the network or raise `timeout` in yunhe.toml",
                source=source,
                asked=asked,
                host=host,
            )
        )
    return None


def _outside() -> tuple[type[BaseException], ...]:
    """What the libraries raise for reasons outside this program: three families, none derived from another."""
    from keystoneauth1.exceptions import ClientException
    from openstack.exceptions import SDKException
    from requests.exceptions import RequestException
    from urllib3.exceptions import HTTPError

    return (ClientException, SDKException, RequestException, HTTPError)


def _passing(error: BaseException) -> float | None:
    """Whether the login may succeed in a moment: the seconds that Keystone asks for, 0 where it says none."""
    from keystoneauth1 import exceptions as auth

    if isinstance(error, auth.HttpError):
        headers = getattr(error.response, "headers", None) or {}
        return (retry_after(headers.get("Retry-After")) or 0.0) if error.http_status in _RETRIED else None
    is_lasting = _WRONG_NAME.search(str(error)) or _WRONG_TLS.search(str(error))
    return 0.0 if isinstance(error, auth.ConnectionError) and not is_lasting else None


def _identity_auth(connection: "Connection") -> "BaseIdentityPlugin | None":
    from keystoneauth1.identity.base import BaseIdentityPlugin

    auth = connection.session.auth
    return auth if isinstance(auth, BaseIdentityPlugin) else None


def _token_of(response: "requests.Response") -> str | None:
    """The token that was sent with the request."""
    token = response.request.headers.get("X-Auth-Token")
    return token.decode() if isinstance(token, bytes) else token


def _issued_at(access: "AccessInfo") -> datetime | None:
    try:
        moment = access.issued
    except (ValueError, TypeError, AttributeError, KeyError):
        return None
    return moment if isinstance(moment, datetime) and moment.tzinfo is not None else None


def _allowed_methods(access: "AccessInfo") -> frozenset[str] | None:
    rules = getattr(access, "application_credential_access_rules", None)
    if not isinstance(rules, list) or not rules:
        return None
    return frozenset(str(rule.get("method")).upper() for rule in rules if isinstance(rule, Mapping))


def _said(body: bytes) -> str:
    """What an error's body says, in one short line."""
    found = re.search(rb'"message"\s*:\s*"((?:[^"\\]|\\.){0,400})', body[:20000])
    return _line(found[1].decode("utf-8", "replace") if found else body[:200].decode("utf-8", "replace")) or "-"


def _short(error: BaseException) -> str:
    return _line(str(error)) or type(error).__name__


def _broken(error: BaseException) -> str:
    """`host:port: Connection refused`, or the error's own words where the system said nothing."""
    cause, host = root_cause(error), _host(str(error))
    return f"{host}: {cause}" if cause and host != "?" else _short(error)


def _line(text: str) -> str:
    """One printable line of at most 200 characters."""
    text = re.sub(r"(://)[^\s'\"]*@", r"\1…@", text)  # user and password that somebody wrote into an address
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= 200 else line[:199] + "…"


def _host(text: str) -> str:
    found = re.search(r"https?://[^\s'\"]+", text)
    if found:
        return urlsplit(found[0].rstrip(":.,)")).netloc.rpartition("@")[2] or found[0]
    named = re.search(r"host='([^']+)'", text)
    return named[1] if named else "?"
