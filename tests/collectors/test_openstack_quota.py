"""Quotas of projects that come and go, and of services that give none."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from collectors.collector import Incomplete, Reading
from collectors.errors import NotConfigured, Unreadable
from collectors.openstack_connection import NotFound, Refused, Token
from collectors.openstack_identity import Project, Reach, Survey
from collectors.openstack_quota import HOPELESS, read_quotas
from inventory.records import Quota
from inventory.text import msg, tell

GIB = 1024**3
IDS = ("t1", "t2", "t3", "t4", "t5")


class Cloud:
    """Stands for a region: answers each service's question on each project by a function."""

    source = "openstack:city"
    name = "RegionOne"
    token = Token(
        user="u", roles=frozenset({"admin"}), project_id="t1", project_name="oa", domain_id=None, is_system=False
    )

    def __init__(self, answer: Callable[[str, str], Any], missing: tuple[str, ...] = ()) -> None:
        self.answer, self.missing = answer, missing
        self.asked: list[tuple[str, str]] = []

    def need(self, service: str) -> None:
        if service in self.missing:
            raise NotConfigured(msg("{service} is not there", service=service))

    def get(self, service: str, path: str, *_: Any, **__: Any) -> bytes:
        project = next(i for i in IDS if i in path)
        self.asked.append((service, project))
        answer = self.answer(service, project)
        if isinstance(answer, Exception):
            raise answer
        return msgspec.json.encode(answer)


def amounts(service: str, _: str) -> Any:
    return {
        "compute": {"quota_set": {"instances": {"limit": 10, "in_use": 2}, "ram": {"limit": -1, "in_use": 512}}},
        "block-storage": {"quota_set": {"id": "x", "gigabytes": {"limit": 5, "in_use": 0}, "groups": {"limit": 1}}},
        "network": {"quota": {"port": {"limit": 50, "used": 7}, "router": {"limit": "many", "used": 1}}},
        "identity": {"project": {}},
    }[service]


def said(cloud: Cloud, projects: tuple[str, ...] | None = IDS) -> list[Any]:
    region: Any = cloud
    known = tuple(Project(id=p, name=f"dept {p}") for p in projects) if projects is not None else None
    reach = Reach(region=region, projects=known, error=None if known else Refused(msg("identity is refused")))
    survey = Survey(
        region=region, reach=reach, zone=None, is_platform=True, page_size=9, now=datetime(2026, 3, 2, tzinfo=UTC)
    )
    return list(read_quotas(survey))


def quotas(found: list[Any]) -> dict[tuple[str, str | None], Quota]:
    return {(s.record.name, s.record.tenant): s.record for s in found if isinstance(s, Reading)}  # type: ignore[attr-defined]


def test_numbers_are_in_base_units_and_no_limit_is_not_a_limit() -> None:
    def readable(service: str, project: str) -> Any:
        return {"quota": {"port": {"limit": 50, "used": 7}}} if service == "network" else amounts(service, project)

    found = quotas(said(Cloud(readable)))

    assert len(found) == 3 * len(IDS)
    nova, cinder, neutron = (found[name, "t1"] for name in ("nova", "cinder", "neutron"))
    assert (nova.limits, nova.used) == ({"instances": 10}, {"instances": 2, "ram": 512 * 1024**2})
    assert (cinder.limits, cinder.used) == ({"gigabytes": 5 * GIB}, {"gigabytes": 0})
    assert (neutron.limits, neutron.used) == ({"port": 50}, {"port": 7})


def test_a_service_whose_numbers_are_none_costs_itself_only() -> None:
    """And is not asked two thousand times."""
    cloud = Cloud(amounts)
    found = said(cloud)

    assert {name for name, _ in quotas(found)} == {"nova", "cinder"}
    (gap,) = [s for s in found if isinstance(s, Incomplete)]
    assert gap.unseen == tuple(f"dept {i}" for i in IDS)
    assert len([1 for service, _ in cloud.asked if service == "network"]) <= HOPELESS + 2


def test_a_project_that_was_deleted_meanwhile_is_no_gap() -> None:
    """Nova answers 400 then; Keystone says why."""

    def gone(service: str, project: str) -> Any:
        if project == "t2":
            return NotFound(msg("no such project")) if service == "identity" else Unreadable(msg("HTTP 400"))
        return {"quota": {"port": {"used": 7}}} if service == "network" else amounts(service, project)

    found = said(Cloud(gone))

    assert [s for s in found if isinstance(s, Incomplete)] == []
    assert ("nova", "t2") not in quotas(found)


def test_a_project_that_still_stands_and_gives_no_quota_is_named() -> None:
    def broken(service: str, project: str) -> Any:
        if project == "t2" and service == "compute":
            return Unreadable(msg("HTTP 400"))
        return {"quota": {"port": {"used": 7}}} if service == "network" else amounts(service, project)

    assert [s.unseen for s in said(Cloud(broken)) if isinstance(s, Incomplete)] == [("dept t2",)]


def test_a_refusal_is_taken_at_its_word() -> None:
    """The first one says it for all: 2,000 projects would be 2,000 refusals."""
    cloud = Cloud(lambda service, _: Refused(msg("{service} refuses", service=service)))

    with pytest.raises(Refused) as refused:
        said(cloud)

    assert refused.value.unseen == tuple(f"dept {i}" for i in IDS)


def test_whoever_is_not_told_the_projects_gets_its_own_and_says_so() -> None:
    def readable(service: str, project: str) -> Any:
        return {"quota": {"port": {"used": 7}}} if service == "network" else amounts(service, project)

    found = said(Cloud(readable), projects=None)

    assert {tenant for _, tenant in quotas(found)} == {"t1"}
    (gap,) = [s for s in found if isinstance(s, Incomplete)]
    assert "identity is refused" in tell(gap.reason, "en")


def test_a_region_with_none_of_the_three_is_not_configured() -> None:
    with pytest.raises(NotConfigured):
        said(Cloud(amounts, missing=("compute", "block-storage", "network")))
