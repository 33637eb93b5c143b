"""The fault matrix, HTTP source: the data-sharing platform, read as JSON over HTTP."""

import json
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from functools import partial

import pytest
from fault_plan import cases_of
from fault_run import Held, Matrix, assert_kept_when_killed, limited
from fault_sources import NARROW_TOKEN, PlatformUnderTest
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
    refusing_port,
    reset_everything,
    says,
    silent,
    tomorrow,
    truncated,
    untouched,
)

pytestmark = [pytest.mark.openstack, pytest.mark.apiserver, pytest.mark.sshd]

SOURCE = "HTTP source"
Bring = Callable[[PlatformUnderTest, ExitStack, pytest.MonkeyPatch], tuple[str, Between]]


def later(asked: Asked) -> bool:
    """The second page of the catalogue."""
    return asked.path == "/catalogue" and asked.parameter("page") == "2"


def every(_: Asked) -> bool:
    """Whatever is asked."""
    return True


def between(do: Between, at: Callable[[Asked], bool] = later, times: int | None = None) -> Bring:
    """The undisturbed config, and this on the way."""
    return lambda platform, *_: (platform.table(), Strike(do, at, times))


def elsewhere(way: Callable[[], object]) -> Bring:
    """Another address in the config."""
    return lambda platform, stack, _: (platform.table(url=f"https://127.0.0.1:{stack.enter_context(way())}"), untouched)  # type: ignore[arg-type]


def with_certificate(how: str) -> Bring:
    """The platform with a certificate that nobody may trust."""

    def bring(platform: PlatformUnderTest, stack: ExitStack, _: pytest.MonkeyPatch) -> tuple[str, Between]:
        url = stack.enter_context(listener(platform.front, "platform", platform.authority.bad(how)))
        return platform.table(url=url), untouched

    return bring


def with_token(token: str) -> Bring:
    """Another token; the platform itself refuses it."""

    def bring(platform: PlatformUnderTest, _: ExitStack, environment: pytest.MonkeyPatch) -> tuple[str, Between]:
        environment.setenv("YUNHE_TEST_TOKEN", token)
        return platform.table(), untouched

    return bring


def first_page(asked: Asked, ask: Ask) -> Answer:
    """The first page, whatever was asked for."""
    return ask(asked.with_parameters(page="1"))


def overlapping(asked: Asked, ask: Ask) -> Answer:
    """The page, and before it what the page before held, as pages that shift while they are read do."""
    answer, before = ask(asked), ask(asked.with_parameters(page="1"))
    document, earlier = json.loads(answer.body), json.loads(before.body)
    document["data"]["list"] = earlier["data"]["list"] + document["data"]["list"]
    return replace(answer, body=json.dumps(document).encode())


def ever_new(asked: Asked, ask: Ask) -> Answer:
    """The first page with items that nobody has seen yet, of a thousand million: a listing that never ends."""
    answer = first_page(asked, ask)
    document = json.loads(answer.body)
    document["data"]["total"] = 10**9
    for item in document["data"]["list"]:
        item["code"] = uuid.uuid4().hex
    return replace(answer, body=json.dumps(document).encode())


def with_dead_token(asked: Asked, ask: Ask) -> Answer:
    """As if the token had expired: the platform is asked with one that it does not know (any more)."""
    return ask(asked.with_header("Authorization", "Bearer planted-token-of-yesterday"))


TLS = ("signed by a stranger", "certificate expired", "certificate of another host")
BRING: dict[tuple[str, str], Bring] = {
    ("connection refused", "the platform"): elsewhere(refusing_port),
    ("timeout", "takes requests and never answers"): between(silent, every),
    ("timeout", "packets are dropped"): elsewhere(black_hole),
    ("timeout", "the second page never comes"): between(silent),
    ("reset mid-page", "the second page, always"): between(cut),
    ("reset mid-page", "the second page, once"): between(cut, times=1),
    ("401", "a token that it does not know"): with_token("planted-wrong-token-77aa01"),
    ("403", "a token without the right"): with_token(NARROW_TOKEN),
    ("404 on detail", "the second page"): between(says(404)),
    ("429 with Retry-After", "once"): between(BUSY, times=1),
    ("429 with Retry-After", "always"): between(BUSY, every),
    ("429 with Retry-After", "asks to come back tomorrow"): between(tomorrow, every),
    ("500", "once"): between(says(500), times=1),
    ("500", "the second page, always"): between(says(500)),
    ("503", "once"): between(says(503), times=1),
    ("503", "always"): between(says(503), every),
    ("truncated JSON", "the second page"): between(truncated),
    ("duplicated page", "the second page repeats items of the first"): between(overlapping),
    ("duplicated page", "the first page comes twice"): between(first_page, times=1),
    ("endless paging loop", "the page's number is ignored"): between(first_page, every),
    ("endless paging loop", "ever new items, until the source's time is over"): between(
        ever_new, lambda asked: asked.path == "/catalogue"
    ),
    ("expired token", "in mid-listing"): between(with_dead_token),
    **{("TLS error", how): with_certificate(how) for how in TLS},
    ("DNS failure", "the platform"): lambda platform, *_: (platform.table(url="https://platform.invalid"), untouched),
    ("kill -9", "the platform, in mid-listing"): between(reset_everything),
}


@pytest.mark.timeout(120)
@pytest.mark.parametrize(("fault", "how"), cases_of(SOURCE))
def test_a_fault_of_the_platform_hides_nothing(
    matrix: Matrix, platform: PlatformUnderTest, fault: str, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No false pass, nothing gone, no hang: whatever the platform does."""
    case = (SOURCE, fault, how)
    if how == "yunhe scan and yunhe collect":
        held = Held()
        with platform.front.fault(Strike(held, later)):
            wait = partial(held.enough.wait, 60)
            assert_kept_when_killed(matrix, case, "sharing_api", platform.table(), wait, platform.front.heal)
        return
    with ExitStack() as stack:
        table, fault_between = BRING[fault, how](platform, stack, monkeypatch)
        if fault == "timeout" or how.startswith("ever new"):
            table = limited(table, 3)
        matrix.meet(case, "sharing_api", table, front=platform.front, between=fault_between)
