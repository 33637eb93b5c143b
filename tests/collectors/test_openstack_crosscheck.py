"""Servers counted against what others say: what a small quiet cloud cannot be made to show."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from collectors.collector import Incomplete, Reading
from collectors.errors import CollectorError, Unreadable
from collectors.openstack_answers import PARALLEL, SharedAnswers
from collectors.openstack_connection import NotFound, Refused, Token
from collectors.openstack_crosscheck import FEW, CrossCheck, Listing, holders
from collectors.openstack_identity import Project, Reach, Survey
from collectors.openstack_quota import Amount
from inventory.records import CountMismatch, HostSighting, View
from inventory.text import msg, tell

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Row:
    """A server in a listing."""

    id: str
    tenant_id: str | None = "t1"
    hypervisor_hostname: str | None = "n1"
    status: str | None = "ACTIVE"


@dataclass(frozen=True)
class Node:
    """A compute host that counts."""

    hypervisor_hostname: str
    running_vms: int | None
    state: str | None = "up"
    id: str = "h"


@dataclass
class Cloud:
    """Stands for a region and what Nova lists; counts are taken from lists, one for each time they are asked."""

    rows: list[Row]
    nodes: list[list[Node]] = field(default_factory=lambda: [[]])
    quotas: list[int | CollectorError] = field(default_factory=list)
    held: dict[str, dict[str, str]] = field(default_factory=dict)
    """Placement's providers, each with its consumers and their projects."""
    known: set[str] = field(default_factory=set)
    """Servers that Nova knows when asked for one."""
    roles: frozenset[str] = frozenset({"admin"})
    listings: list[dict[str, Any]] = field(default_factory=list)
    source = "openstack:city"
    name = "RegionOne"

    @property
    def token(self) -> Token:
        return Token(user="u", roles=self.roles, project_id="own", project_name="own", domain_id=None, is_system=False)

    def has(self, service: str) -> bool:
        return service != "placement" or bool(self.held)

    def microversion(self, wanted: tuple[int, int], _service: str = "compute") -> tuple[int, int]:
        return wanted

    def get(self, service: str, path: str, *_: Any, **__: Any) -> bytes:
        return msgspec.json.encode(self._answer(service, path.split("/")[1:]))

    def _answer(self, service: str, parts: list[str]) -> Any:
        owners = {consumer: tenant for held in self.held.values() for consumer, tenant in held.items()}
        match service, parts:
            case "placement", ["resource_providers"]:
                return {"resource_providers": [{"uuid": p} for p in self.held]}
            case "placement", ["resource_providers", provider, "allocations"]:
                return {"allocations": {c: {} for c in self.held[provider]}}
            case "placement", ["allocations", consumer]:
                return {"allocations": {"p": {}}, "project_id": owners[consumer]}
            case "compute", ["os-quota-sets", _, "detail"]:
                answer = self.quotas.pop(0)
                if isinstance(answer, CollectorError):
                    raise answer
                return {"quota_set": {"instances": {"in_use": answer, "limit": -1}}}
            case "compute", ["servers", server] if server in self.known:
                return {"server": {"id": server}}
            case _:
                raise NotFound(msg("{path} answered HTTP 404", path="/".join(parts)))

    def hypervisors(self) -> Iterator[Node]:
        yield from self.nodes.pop(0) if len(self.nodes) > 1 else self.nodes[0]

    def servers(self, params: Sequence[tuple[str, Any]]) -> Iterator[tuple[Reading, Row]]:
        asked = dict(params)
        self.listings.append(asked)
        for row in self.rows:
            wanted_node, wanted_tenant = asked.get("node"), asked.get("project_id")
            if wanted_node in (None, row.hypervisor_hostname) and wanted_tenant in (None, row.tenant_id):
                yield reading(row), row


def reading(row: Row) -> Reading:
    return Reading(
        HostSighting(source="openstack:city", native_id=row.id, observed_at=NOW, view=View.SERVER, name=row.id)
    )


def said(cloud: Cloud, listed: list[Row], quota: int | None = None) -> list[Any]:
    """What the check says after the listing."""
    region: Any = cloud
    reach = Reach(region=region, projects=(Project(id="t1", name="oa"), Project(id="t2", name="crm")))
    survey = Survey(region=region, reach=reach, zone=None, is_platform=True, page_size=10, now=NOW)
    usage: dict[str, Future[dict[str, Amount]]] = {}
    if quota is not None:
        usage["t1"] = Future()
        usage["t1"].set_result({"instances": Amount(in_use=quota, limit=-1)})
    with holders(survey) as held:
        check = CrossCheck(survey, Listing(hypervisors=cloud.hypervisors, servers=cloud.servers), usage, held)
        for row in listed:
            check.saw(row)
        return list(check.verdict())


def mismatches(found: list[Any]) -> list[tuple[str, str, int, int]]:
    records = [s.record for s in found if isinstance(s, Reading) and isinstance(s.record, CountMismatch)]
    return [(r.expected_by, r.place, r.expected, r.seen) for r in records]


ONE = Row("a")


def test_agreement_asks_nothing_again() -> None:
    cloud = Cloud([ONE], nodes=[[Node("n1", 1)]], held={"p": {"a": "t1"}})

    assert said(cloud, [ONE], quota=1) == []
    assert cloud.listings == []


def test_a_host_that_runs_more_by_both_counts_is_a_mismatch() -> None:
    found = said(Cloud([ONE], nodes=[[Node("n1", 3)], [Node("n1", 2)]]), [ONE])

    assert mismatches(found) == [("nova hypervisor", "n1", 2, 1)]
    (gap,) = [s for s in found if isinstance(s, Incomplete)]
    assert "1 compute host(s) say that they run 2 servers, Nova lists 1 on them" in tell(gap.reason, "en")
    assert gap.unseen == ("n1",)


@pytest.mark.parametrize("later", [[Node("n1", 1)], [Node("n1", 3, state="down")], []])
def test_a_count_that_was_ahead_of_its_time_is_none(later: list[Node]) -> None:
    """A server was deleted between the hosts' count and the listing, or the host has gone down."""
    assert mismatches(said(Cloud([ONE], nodes=[[Node("n1", 3)], later]), [ONE])) == []


def test_a_server_that_came_meanwhile_is_told_and_is_no_mismatch() -> None:
    late = Row("b")
    found = said(Cloud([ONE, late], nodes=[[Node("n1", 2)]]), [ONE])

    assert [s.record.native_id for s in found] == ["b"]


def test_hosts_that_do_not_answer_and_hosts_with_less_than_is_listed_are_no_witnesses() -> None:
    """A host that is down tells an old number, and one that was just filled has not counted yet."""
    cloud = Cloud([ONE], nodes=[[Node("n1", 0), Node("n2", 9, state="down")]])

    assert said(cloud, [ONE]) == []


def test_where_servers_run_may_be_hidden_then_the_sum_is_compared() -> None:
    """Without the policy for extended attributes no server names its host: each host would seem to lack all of its."""
    blind = [Row("a", hypervisor_hostname=None), Row("b", hypervisor_hostname=None)]
    enough = Cloud(blind, nodes=[[Node("n1", 1), Node("n2", 1)]])
    short = Cloud(blind, nodes=[[Node("n1", 1), Node("n2", 2)]])

    assert said(enough, blind) == []
    assert mismatches(said(short, blind)) == [("nova hypervisor", "*", 3, 2)]


def test_whoever_is_no_administrator_lists_everything_anew() -> None:
    """Nova leaves out filters that it allows administrators only: a narrow listing would not be one."""
    cloud = Cloud([ONE], nodes=[[Node("n1", 2)]], roles=frozenset({"yunhe-auditor"}))

    assert mismatches(said(cloud, [ONE])) == [("nova hypervisor", "n1", 2, 1)]
    assert cloud.listings == [{"all_tenants": "1", "soft_deleted": "True"}]


def test_where_much_is_in_doubt_everything_is_listed_once_more_and_not_each_place() -> None:
    nodes = [Node(f"n{n}", 1) for n in range(FEW + 1)]
    cloud = Cloud([ONE], nodes=[nodes])

    assert len(mismatches(said(cloud, []))) == FEW  # n1 has its server on the second listing
    assert cloud.listings == [{"all_tenants": "1", "soft_deleted": "True"}]


def test_a_quota_that_counts_more_by_both_counts_names_the_project() -> None:
    found = said(Cloud([ONE], quotas=[4]), [ONE], quota=5)

    assert mismatches(found) == [("nova quota", "oa", 4, 1)]
    assert [s.unseen for s in found if isinstance(s, Incomplete)] == [("oa",)]


@pytest.mark.parametrize("second", [1, Refused(msg("no")), Unreadable(msg("no such project"))])
def test_a_quota_that_cannot_be_confirmed_accuses_nobody(second: int | CollectorError) -> None:
    assert mismatches(said(Cloud([ONE], quotas=[second]), [ONE], quota=5)) == []


def test_a_server_that_holds_resources_and_is_not_listed_is_named() -> None:
    cloud = Cloud([ONE], held={"p": {"a": "t1", "hidden": "t2"}}, known={"hidden"})
    found = said(cloud, [ONE])

    assert mismatches(found) == [("placement", "crm", 1, 0)]
    assert [s.unseen for s in found if isinstance(s, Incomplete)] == [("crm", "hidden")]


def test_what_holds_resources_and_is_no_server_is_no_server() -> None:
    """A migration holds them under its own id, and those of a server that was deleted may be left over."""
    assert said(Cloud([ONE], held={"p": {"a": "t1", "migration": "t1"}}), [ONE]) == []


def test_answers_are_asked_for_once_and_nobody_waits_for_what_nobody_needs() -> None:
    """Two readers share them; when both have left, what was not asked yet is not asked any more."""
    asked: list[str] = []
    permits = threading.Semaphore(2)

    def ask(key: str) -> str:
        permits.acquire(timeout=5)
        asked.append(key)
        return key.upper()

    shared: SharedAnswers[str, str] = SharedAnswers()
    keys = [f"k{n:02}" for n in range(40)]
    with shared.asked(keys, ask) as one, shared.asked(keys[:2], ask) as other:
        assert other["k00"].result(5) == one["k00"].result(5) == "K00"
    permits.release(40)
    with shared.asked(keys[:1], ask) as later:
        assert later["k00"].result(5) == "K00"
    assert asked.count("k00") == 1
    assert len(asked) <= 2 + PARALLEL


def test_an_answer_that_failed_fails_for_whoever_asks_for_it() -> None:
    def ask(_: str) -> str:
        raise Refused(msg("refused"))

    with SharedAnswers[str, str]().asked(["k"], ask) as answers, pytest.raises(Refused):
        answers["k"].result(5)
