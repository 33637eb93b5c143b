"""How an OpenStack is asked: gently, again where it makes sense, never for ever, and with one token."""

import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from scripted_api import Answer, Asked
from scripted_cloud import PASSWORD, Script, scripted_cloud, token_document

from collectors.errors import CollectorError, Unauthorized, Unreachable, Unreadable
from collectors.openstack_connection import OpenStackCloud
from collectors.openstack_source import openstack_collectors
from inventory.settings import ConfigError, OpenStackSource, RequestLimits, load

SERVERS = "/compute/v2.1/servers"


def is_login(asked: Asked) -> bool:
    return asked.method == "POST" and asked.path.endswith("/auth/tokens")


def servers(answers: Callable[[Asked], Answer]) -> Script:
    """An honest cloud, but for its list of servers."""
    return lambda asked: answers(asked) if asked.path == SERVERS else None


def connected(
    clouds: Path, *, sleep: Callable[[float], None] = time.sleep, retries: int = 3, timeout: float = 5, **more: object
) -> OpenStackCloud:
    source = OpenStackSource(
        name="c", cloud="c", clouds_yaml=str(clouds), retries=retries, timeout=timeout, **more  # type: ignore[arg-type]
    )  # fmt: skip
    return OpenStackCloud(source, base=clouds.parent, sleep=sleep)


def test_one_token_serves_many_requests(tmp_path: Path) -> None:
    """A login for each request is what makes Keystones refuse scanners."""
    with scripted_cloud(tmp_path, servers(lambda _: Answer({"servers": []}))) as (clouds, asked):
        region = connected(clouds).region("r")
        for _ in range(5):
            region.get("compute", "/servers")

    assert sum(map(is_login, asked)) == 1
    assert {a.headers.get("x-auth-token") for a in asked if a.path == SERVERS} == {"t" * 32}


def test_a_token_that_ran_out_is_renewed_once(tmp_path: Path) -> None:
    """In the middle of a long night; a second 401 is the cloud's last word."""
    for refusals, logins in ((1, 2), (99, 2)):
        left = [refusals]

        def script(_: Asked, left: list[int] = left) -> Answer:
            left[0] -= 1
            return Answer({"error": {"message": "expired"}}, status=401) if left[0] >= 0 else Answer({"servers": []})

        with scripted_cloud(tmp_path, servers(script)) as (clouds, asked):
            region = connected(clouds).region("r")
            if refusals == 1:
                assert region.get("compute", "/servers") == b'{"servers": []}'
            else:
                with pytest.raises(Unauthorized, match="401"):
                    region.get("compute", "/servers")

        assert sum(map(is_login, asked)) == logins


def test_a_token_that_ran_out_under_many_threads_costs_none_of_them_its_answer(tmp_path: Path) -> None:
    """keystoneauth hands the 401 out to a thread whose token another one is just renewing."""
    valid = ["a" * 32]

    def script(asked: Asked) -> Answer | None:
        if is_login(asked):
            time.sleep(0.2)  # so that the others meet the login half way
            return Answer(token_document(f"http://{asked.headers['host']}"), 201, {"X-Subject-Token": valid[0]})
        if asked.path != SERVERS:
            return None
        is_valid = asked.headers.get("x-auth-token") == valid[0]
        return Answer({"servers": []}) if is_valid else Answer({"error": {"message": "expired"}}, status=401)

    with scripted_cloud(tmp_path, script) as (clouds, asked):
        region = connected(clouds).region("r")
        region.get("compute", "/servers")
        valid[0] = "b" * 32
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: region.get("compute", "/servers"), range(8)))

    assert answers == [b'{"servers": []}'] * 8
    assert sum(map(is_login, asked)) == 2


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_busy_service_is_asked_again_with_growing_pauses(tmp_path: Path, status: int) -> None:
    pauses: list[float] = []
    busy = Answer({}, status=status)
    with scripted_cloud(tmp_path, servers(lambda _: busy)) as (clouds, asked):
        region = connected(clouds, sleep=pauses.append).region("r")
        with pytest.raises(Unreachable, match=f"HTTP {status}"):
            region.get("compute", "/servers")

    assert sum(a.path == SERVERS for a in asked) == 4
    assert len(pauses) == 3
    assert 0.25 <= pauses[0] <= 0.5
    assert 1 <= pauses[2] <= 2


def busy_for(seconds: str, folder: Path) -> tuple[CollectorError, list[float]]:
    """What a service that asks to come back later ends in, and the pauses that were made."""
    pauses: list[float] = []
    answer = Answer({}, status=429, headers={"Retry-After": seconds})
    with scripted_cloud(folder, servers(lambda _: answer)) as (clouds, _):
        region = connected(clouds, sleep=pauses.append).region("r")
        with pytest.raises(CollectorError) as caught:
            region.get("compute", "/servers")
    return caught.value, pauses


def test_retry_after_is_obeyed(tmp_path: Path) -> None:
    error, pauses = busy_for("17", tmp_path)

    assert "HTTP 429" in str(error)
    assert sum(p >= 16.9 for p in pauses) >= 3


@pytest.mark.parametrize("seconds", ["86400", "9" * 400])
def test_who_asks_for_a_day_is_not_waited_for(tmp_path: Path, seconds: str) -> None:
    error, pauses = busy_for(seconds, tmp_path)

    assert isinstance(error, Unreachable)
    assert "asks to come back in" in str(error)
    assert pauses == []


def test_a_keystone_that_is_busy_for_a_moment_does_not_cost_the_night(tmp_path: Path) -> None:
    """The login is tried again, as any request is."""
    pauses: list[float] = []
    busy = [2]

    def script(asked: Asked) -> Answer | None:
        if is_login(asked) and busy[0]:
            busy[0] -= 1
            return Answer({}, status=503, headers={"Retry-After": "3"})
        return Answer({"servers": []}) if asked.path == SERVERS else None

    with scripted_cloud(tmp_path, script) as (clouds, asked):
        region = connected(clouds, sleep=pauses.append).region("r")
        assert region.get("compute", "/servers") == b'{"servers": []}'

    assert sum(map(is_login, asked)) == 3
    assert [p >= 3 for p in pauses] == [True, True]


@pytest.mark.parametrize(("status", "kind"), [(401, Unauthorized), (403, Unauthorized), (400, Unreadable)])
def test_a_keystone_that_refuses_is_asked_once(tmp_path: Path, status: int, kind: type[CollectorError]) -> None:
    """Wrong passwords lock accounts: not once more, and not for another region either."""

    def script(asked: Asked) -> Answer | None:
        return Answer({"error": {"message": "no"}}, status=status) if is_login(asked) else None

    with scripted_cloud(tmp_path, script) as (clouds, asked):
        cloud = connected(clouds)
        for _ in range(3):
            with pytest.raises(kind) as caught:
                cloud.region("r")
            assert PASSWORD not in str(caught.value)

    assert sum(map(is_login, asked)) == 1


def test_requests_of_a_service_take_turns(tmp_path: Path) -> None:
    """`limits` of one service hold for it alone; its answers count until their last byte."""
    lock = threading.Lock()
    now = {SERVERS: 0, "/network/v2.0/ports": 0}
    most = dict(now)

    def script(asked: Asked) -> Answer | None:
        if asked.path not in now:
            return None
        with lock:
            now[asked.path] += 1
            most[asked.path] = max(most[asked.path], now[asked.path])
        time.sleep(0.05)
        with lock:
            now[asked.path] -= 1
        return Answer({})

    with scripted_cloud(tmp_path, script) as (clouds, _):
        region = connected(clouds, concurrency=4, limits={"compute": RequestLimits(concurrency=1)}).region("r")
        wanted = [("compute", "/servers"), ("network", "/ports")] * 12
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(lambda each: region.get(*each), wanted))  # type: ignore[arg-type]

    assert most == {SERVERS: 1, "/network/v2.0/ports": 4}


def test_requests_are_spread_over_time(tmp_path: Path) -> None:
    """Ten a second: thirty more than the first ten take three seconds, whatever the threads."""
    slept: list[float] = []
    with scripted_cloud(tmp_path, servers(lambda _: Answer({"servers": []}))) as (clouds, _):
        region = connected(clouds, sleep=slept.append, requests_per_second=10).region("r")
        for _ in range(40):
            region.get("compute", "/servers")

    # Nobody really slept, so each waits for all before it.
    assert max(slept) > 2


@pytest.mark.parametrize("place", ["login", "page"])
def test_an_answer_that_drips_is_given_up(tmp_path: Path, place: str) -> None:
    """Each byte comes within the socket's time; the answer never does."""

    def drip() -> Iterator[bytes]:
        while True:
            yield b" "
            time.sleep(0.05)

    def script(asked: Asked) -> Answer | None:
        is_meant = is_login(asked) if place == "login" else asked.path == SERVERS
        return Answer(drip(), status=200 if place == "page" else 201) if is_meant else None

    with scripted_cloud(tmp_path, script) as (clouds, _), pytest.raises(Unreachable, match="took more than"):
        connected(clouds, timeout=0.3, retries=0).region("r").get("compute", "/servers")


def test_a_token_document_without_end_is_cut_off(tmp_path: Path) -> None:
    """The library reads it whole; the gate does not let it."""

    def script(asked: Asked) -> Answer | None:
        return Answer(iter([b"x" * 1024**2] * 64), status=201) if is_login(asked) else None

    with scripted_cloud(tmp_path, script) as (clouds, _), pytest.raises(Unreadable, match="larger than"):
        connected(clouds).region("r")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("limits = { nova = { concurrency = 1 } }", "openstack[1].limits.nova: there is no such service"),
        ("limits = { compute = { concurency = 1 } }", "there is no such key; expected one of requests_per_second"),
        ("limits = { compute = { concurrency = 0 } }", "expected 1 or more"),
        ("requests_per_second = 0", "more than 0"),
        ("concurrency = 1000", "expected 256 or less"),
    ],
)
def test_limits_that_mean_nothing_are_refused(tmp_path: Path, line: str, said: str) -> None:
    """A service's name that is mistyped would leave that service without its limit."""
    config = tmp_path / "yunhe.toml"
    config.write_text(f'version = 1\n[city]\nname = "x"\n[[openstack]]\nname = "c"\ncloud = "c"\n{line}\n')

    with pytest.raises(ConfigError, match=re.escape(said)):
        load(config)


def test_limits_of_one_service_are_read(tmp_path: Path) -> None:
    config = tmp_path / "yunhe.toml"
    config.write_text(
        'version = 1\n[city]\nname = "x"\n[[openstack]]\nname = "c"\ncloud = "c"\nconcurrency = 4\n'
        "limits = { block-storage = { requests_per_second = 0.5 } }\n"
    )
    (cloud,) = load(config).openstack

    assert (cloud.concurrency, cloud.requests_per_second) == (4, 50)
    assert cloud.limits == {"block-storage": RequestLimits(requests_per_second=0.5, concurrency=8)}


@pytest.mark.parametrize("name", ["clouds.yaml", "secure.yaml"])
def test_a_file_that_is_no_yaml_is_named_with_its_line_and_without_the_password(tmp_path: Path, name: str) -> None:
    """The SDK passes over such a file and then has no such cloud; what YAML says of it quotes what lacks quotes."""
    with scripted_cloud(tmp_path, lambda _: None) as (clouds, _):
        (clouds.parent / name).write_text("clouds:\n  c:\n    auth:\n      password: *hunter2\n")
        with pytest.raises(CollectorError) as caught:
            connected(clouds).region("r")

    assert f"{name} is no YAML (line 4)" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_region_that_is_not_there_is_not_taken_for_a_broken_keystone(tmp_path: Path) -> None:
    """Keystone is looked for in the region that the config names, and its cells are the first that are shown."""
    with scripted_cloud(tmp_path, lambda _: None) as (clouds, _):
        source = OpenStackSource(name="c", cloud="c", clouds_yaml=str(clouds), regions=("mars",))
        (collector,) = openstack_collectors(source, base=tmp_path, clock=lambda: datetime.now(UTC))
        with pytest.raises(CollectorError, match="has no region mars; it has r; correct `regions`"):
            list(collector.read(collector.plan()[0]))
