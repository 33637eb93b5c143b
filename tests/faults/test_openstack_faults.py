"""The fault matrix, OpenStack: the real services, each behind TLS and a front that spoils what it is told to."""

import json
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import pytest
from fault_plan import cases_of
from fault_run import Held, Matrix, assert_kept_when_killed, limited
from fault_sources import KEYSTONE_PASSWORD, CloudUnderTest
from http_fault_proxy import (
    BUSY,
    Answer,
    Ask,
    Asked,
    Between,
    Strike,
    black_hole,
    cut,
    listener,
    path_is,
    refusing_port,
    reset_everything,
    says,
    silent,
    tomorrow,
    truncated,
    untouched,
)

pytestmark = [pytest.mark.openstack, pytest.mark.apiserver, pytest.mark.sshd]

SOURCE = "OpenStack"
DEADLINE = "[scan]\ndeadline_minutes = 0.1\n"
Bring = Callable[[CloudUnderTest, Path, ExitStack], tuple[str, Between]]

SERVERS = path_is("/servers/detail$", service="compute")
LATER_SERVERS = path_is("/servers/detail$", service="compute", page="marker")
TOKENS = path_is("/auth/tokens$", service="identity")


def of_service(name: str) -> Callable[[Asked], bool]:
    """Whatever this service is asked."""
    return lambda asked: asked.service == name


def between(do: Between, at: Callable[[Asked], bool], times: int | None = None) -> Bring:
    """The undisturbed config, and this on the way."""
    return lambda cloud, folder, _: (cloud.table(cloud.clouds_yaml(folder)), Strike(do, at, times))


def keystone_at(way: Callable[[], object]) -> Bring:
    """Another address of Keystone in clouds.yaml."""

    def bring(cloud: CloudUnderTest, folder: Path, stack: ExitStack) -> tuple[str, Between]:
        url = f"https://127.0.0.1:{stack.enter_context(way())}/v3"  # type: ignore[arg-type]
        return cloud.table(cloud.clouds_yaml(folder, auth_url=url)), untouched

    return bring


def nova_at(address: Callable[[CloudUnderTest, ExitStack], str]) -> Bring:
    """Another address of Nova in the service catalogue that Keystone hands out."""

    def bring(cloud: CloudUnderTest, folder: Path, stack: ExitStack) -> tuple[str, Between]:
        there = address(cloud, stack).encode()

        def moved(asked: Asked, ask: Ask) -> Answer:
            answer = ask(asked)
            return replace(answer, body=answer.body.replace(cloud.front.urls["compute"].encode(), there))

        return cloud.table(cloud.clouds_yaml(folder)), Strike(moved, TOKENS)

    return bring


def keystone_with_certificate(how: str) -> Bring:
    """Keystone with a certificate that nobody may trust."""

    def bring(cloud: CloudUnderTest, folder: Path, stack: ExitStack) -> tuple[str, Between]:
        url = stack.enter_context(listener(cloud.front, "identity", cloud.authority.bad(how)))
        return cloud.table(cloud.clouds_yaml(folder, auth_url=f"{url}/v3")), untouched

    return bring


def logged_in_as(user: str, password: str, project: str = "admin") -> Bring:
    """Another user of the real cloud; its services refuse it what they refuse it."""
    return lambda cloud, folder, _: (
        cloud.table(cloud.clouds_yaml(folder, user=user, password=password, project=project)),
        untouched,
    )


def after_a_deleted_server(asked: Asked, ask: Ask) -> Answer:
    """The page after a server that is not there any more: the real Nova answers."""
    return ask(asked.with_parameters(marker=str(uuid.uuid4())))


def first_page(asked: Asked, ask: Ask) -> Answer:
    """The first page, whatever was asked for; it has a link to the next, as first pages have."""
    return ask(asked.with_parameters(marker=None))


def overlapping(asked: Asked, ask: Ask) -> Answer:
    """The page, and before it the server that it is to begin after."""
    answer, before = ask(asked), ask(asked.with_parameters(marker=None))
    document, earlier = json.loads(answer.body), json.loads(before.body)
    document["servers"] = [s for s in earlier["servers"] if s["id"] == asked.parameter("marker")] + document["servers"]
    return replace(answer, body=json.dumps(document).encode())


def ever_new(asked: Asked, ask: Ask) -> Answer:
    """The first page with servers that nobody has seen yet: a listing that never ends."""
    answer = ask(asked.with_parameters(marker=None))
    document = json.loads(answer.body)
    for server in document["servers"]:
        server["id"] = str(uuid.uuid4())
    return replace(answer, body=json.dumps(document).encode())


@dataclass
class ExpiredToken:
    """From the second page of servers on, the token of the login does not hold any more.

    Nova keeps tokens that it has seen for a while, so it is asked with one that was really revoked: the 401 is its own.
    """

    revoked: str
    on_strike: Callable[[], None] = lambda: None
    dead: set[str] = field(default_factory=set)

    def __call__(self, asked: Asked, ask: Ask) -> Answer:
        if LATER_SERVERS(asked) and not self.dead:
            self.dead.add(asked.header("X-Auth-Token"))
            self.on_strike()
        if asked.header("X-Auth-Token") in self.dead:
            asked = asked.with_header("X-Auth-Token", self.revoked)
        return ask(asked)


def expired(*, is_password_changed: bool) -> Bring:
    """The token dies in mid-listing; perhaps the password too."""

    def bring(cloud: CloudUnderTest, folder: Path, stack: ExitStack) -> tuple[str, Between]:
        admin = cloud.service.connect()
        other = cloud.service.connect()
        revoked = str(other.auth_token)
        admin.identity.delete("/auth/tokens", headers={"X-Subject-Token": revoked})
        table = cloud.table(cloud.clouds_yaml(folder))
        if not is_password_changed:
            return table, Strike(ExpiredToken(revoked))
        user = admin.identity.find_user("matrix")
        stack.callback(lambda: admin.identity.update_user(user, password=KEYSTONE_PASSWORD))
        return table, Strike(
            ExpiredToken(revoked, lambda: admin.identity.update_user(user, password="planted-new-password-33b1"))
        )

    return bring


TLS = ("signed by a stranger", "certificate expired", "certificate of another host")
BRING: dict[tuple[str, str], Bring] = {
    ("connection refused", "Keystone"): keystone_at(refusing_port),
    ("connection refused", "Nova"): nova_at(
        lambda _, stack: f"https://127.0.0.1:{stack.enter_context(refusing_port())}"
    ),
    ("timeout", "Keystone takes requests and never answers"): between(silent, of_service("identity")),
    ("timeout", "packets to Keystone are dropped"): keystone_at(black_hole),
    ("timeout", "the second page of servers never comes"): between(silent, LATER_SERVERS),
    ("reset mid-page", "the token is cut off"): between(cut, TOKENS),
    ("reset mid-page", "the second page of servers, always"): between(cut, LATER_SERVERS),
    ("reset mid-page", "the second page of servers, once"): between(cut, LATER_SERVERS, 1),
    ("401", "wrong password"): logged_in_as("matrix", "planted-wrong-password-90ee"),
    ("403", "a reader of one project"): logged_in_as("confined", "confined", "dept-0"),
    ("403", "a reader that may list projects and no servers"): logged_in_as("auditor", "auditor"),
    ("404 on detail", "the server that the next page begins after was deleted"): between(
        after_a_deleted_server, LATER_SERVERS, 1
    ),
    ("404 on detail", "that happens on every page, again and again"): between(after_a_deleted_server, LATER_SERVERS),
    ("429 with Retry-After", "Nova, once"): between(BUSY, SERVERS, 1),
    ("429 with Retry-After", "Nova, always"): between(BUSY, of_service("compute")),
    ("429 with Retry-After", "Nova asks to come back tomorrow"): between(tomorrow, SERVERS),
    ("500", "Neutron, once"): between(says(500), path_is("/ports$", service="network"), 1),
    ("500", "Neutron, always"): between(says(500), of_service("network")),
    ("503", "Cinder, once"): between(says(503), path_is("/volumes/detail$", service="volume"), 1),
    ("503", "Keystone, always"): between(says(503), of_service("identity")),
    ("truncated JSON", "the second page of servers"): between(truncated, LATER_SERVERS),
    ("truncated JSON", "the list of projects"): between(truncated, path_is("/projects$", service="identity")),
    ("duplicated page", "the second page of servers repeats servers of the first"): between(overlapping, LATER_SERVERS),
    ("duplicated page", "the first page of servers comes twice"): between(first_page, LATER_SERVERS, 1),
    ("endless paging loop", "Nova ignores the marker"): between(first_page, LATER_SERVERS),
    ("endless paging loop", "Neutron ignores the marker"): between(
        first_page, path_is("", service="network", page="marker")
    ),
    ("endless paging loop", "ever new servers, until the scan's deadline"): lambda cloud, folder, _: (
        DEADLINE + cloud.table(cloud.clouds_yaml(folder)),
        Strike(ever_new, SERVERS),
    ),
    ("expired token", "revoked in mid-listing"): expired(is_password_changed=False),
    ("expired token", "and the password was changed meanwhile"): expired(is_password_changed=True),
    **{("TLS error", how): keystone_with_certificate(how) for how in TLS},
    ("TLS error", "Nova alone, signed by a stranger"): nova_at(
        lambda cloud, stack: stack.enter_context(
            listener(cloud.front, "compute", cloud.authority.bad("signed by a stranger"))
        )
    ),
    ("DNS failure", "Keystone"): lambda cloud, folder, _: (
        cloud.table(cloud.clouds_yaml(folder, auth_url="https://keystone.invalid/v3")),
        untouched,
    ),
    ("DNS failure", "Nova, by the catalogue"): nova_at(lambda *_: "https://nova.invalid"),
}


@dataclass
class Dying:
    """All services die with the second page of servers: from then on every connection is reset."""

    is_dead: bool = False

    def __call__(self, asked: Asked, ask: Ask) -> Answer:
        self.is_dead = self.is_dead or LATER_SERVERS(asked)
        return reset_everything() if self.is_dead else ask(asked)


BRING["kill -9", "the services, in mid-listing"] = lambda cloud, folder, _: (
    cloud.table(cloud.clouds_yaml(folder)),
    Strike(Dying()),
)


@pytest.mark.timeout(180)
@pytest.mark.parametrize(("fault", "how"), cases_of(SOURCE))
def test_a_fault_of_the_cloud_hides_nothing(
    matrix: Matrix, cloud: CloudUnderTest, fault: str, how: str, tmp_path: Path
) -> None:
    """No false pass, nothing gone, no hang: whatever the cloud does."""
    case = (SOURCE, fault, how)
    if how == "yunhe scan and yunhe collect":
        table = cloud.table(cloud.clouds_yaml(tmp_path / "client"))
        held = Held()
        with cloud.front.fault(Strike(held, LATER_SERVERS)):
            assert_kept_when_killed(matrix, case, "openstack", table, partial(held.enough.wait, 60), cloud.front.heal)
        return
    with ExitStack() as stack:
        table, fault_between = BRING[fault, how](cloud, tmp_path / "client", stack)
        if fault == "timeout":
            table = limited(table, 3)
        matrix.meet(case, "openstack", table, front=cloud.front, between=fault_between)
