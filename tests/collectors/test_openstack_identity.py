"""What projects there are, where Keystone's answer cannot be brought about on a small real one."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from collectors.collector import Incomplete, Reading
from collectors.errors import Unreachable
from collectors.openstack_connection import Refused, Token
from collectors.openstack_identity import Project, Reach, Survey, reach, read_tenants
from inventory.text import msg, tell

ALL = {"projects": [{"id": "1", "name": "oa", "domain_id": "d"}, {"id": "2", "name": "oa", "domain_id": "e"}]}


class Keystone:
    """Stands for a region: answers by path, or raises."""

    source = "openstack:city"

    def __init__(self, token: dict[str, Any] | None = None, **answers: Any) -> None:
        self.answers = {"/" + path.replace("_", "/"): answer for path, answer in answers.items()}
        defaults: dict[str, Any] = {"project_id": "1", "project_name": "oa", "domain_id": None, "is_system": False}
        self.token = Token(user="yunhe", roles=frozenset({"reader"}), **(defaults | (token or {})))

    def get(self, _service: str, path: str, *_: Any, **__: Any) -> bytes:
        answer = self.answers.get(path, Refused(msg("refused")))
        if isinstance(answer, Exception):
            raise answer
        return msgspec.json.encode(answer)

    def system_region(self) -> None:
        return None

    def domain_region(self, _domain: str) -> None:
        return None


def reached(**answers: Any) -> Reach:
    return reach(Keystone(**answers))  # type: ignore[arg-type]


def tenants(shown: Reach) -> list[Any]:
    survey = Survey(
        region=shown.region,
        reach=shown,
        zone=None,
        is_platform=True,
        page_size=10,
        now=datetime(2026, 3, 2, tzinfo=UTC),
    )
    return list(read_tenants(survey))


def test_a_list_that_keystone_cut_short_is_not_whole() -> None:
    """`list_limit` answers 200 and a small `truncated` beside the list."""
    shown = reached(projects=ALL | {"truncated": True})
    assert not shown.is_whole
    *readings, gap = tenants(shown)
    assert len(readings) == 2
    assert isinstance(gap, Incomplete)
    assert "list_limit" in tell(gap.reason, "en")


def test_a_domain_token_lists_its_domain_only() -> None:
    assert not reached(projects=ALL, token={"project_id": None, "domain_id": "d"}).is_whole
    assert reached(projects=ALL).is_whole


def test_projects_of_one_name_are_told_apart() -> None:
    narrowed = reached(projects=ALL).narrowed("Nova")
    assert narrowed is not None
    assert narrowed.unseen == ("oa (2)",)


def test_a_cloud_with_our_project_alone_hides_nothing() -> None:
    assert reached(projects={"projects": ALL["projects"][:1]}).narrowed("Nova") is None


def test_where_the_list_is_refused_the_own_projects_are_told_and_the_refusal() -> None:
    shown = reached(auth_projects={"projects": ALL["projects"][:1]})
    assert shown.projects is None
    own, gap = tenants(shown)
    assert isinstance(own, Reading)
    assert own.record.native_id == "1"
    assert isinstance(gap, Incomplete)
    narrowed = shown.narrowed("Neutron")
    assert narrowed is not None
    assert "cannot be named" in tell(narrowed.reason, "en")
    assert narrowed.unseen == ()


def test_a_keystone_that_broke_down_fails_the_tenants_and_nothing_else() -> None:
    shown = reached(projects=Unreachable(msg("broken")))
    assert shown.projects is None
    with pytest.raises(Unreachable):
        tenants(shown)


def test_a_project_that_is_a_domain_is_no_tenant() -> None:
    shown = Reach(region=Keystone(), projects=(Project(id="d", name="Default", is_domain=True),))  # type: ignore[arg-type]
    assert tenants(shown) == []
