"""The doctor before a real OpenStack: excess and missing rights, hidden projects, a clock that is off."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fault_proxy import fault_proxy
from openstack_service import OpenStackCloud, Seeded

from collectors.diagnosis import Diagnosis, State
from collectors.openstack_doctor import OpenStackDoctor
from inventory.guard import Guard
from inventory.settings import OpenStackSource
from inventory.text import tell

pytestmark = pytest.mark.openstack
DOCUMENTED = re.compile(r"`/etc/(\w+)/policy.yaml`.*?```yaml\n(.*?)```", re.DOTALL)


def looked_at(path: Path, cloud: str = "zed", *, guard: Guard | None = None) -> dict[str, list[Diagnosis]]:
    source = OpenStackSource(name="gov", cloud=cloud, clouds_yaml=str(path), retries=0, timeout=20)
    doctor = OpenStackDoctor(
        source, base=Path(), guard=Guard() if guard is None else guard, clock=lambda: datetime.now(UTC)
    )
    found: dict[str, list[Diagnosis]] = {}
    for line in doctor.diagnose():
        found.setdefault(line.check, []).append(line)
    return found


def said(lines: list[Diagnosis]) -> str:
    return "\n".join(tell(line.sentence, "en") for line in lines)


def states(found: dict[str, list[Diagnosis]]) -> dict[str, set[State]]:
    return {check: {line.state for line in lines} for check, lines in found.items()}


def test_an_administrator_sees_everything_and_may_do_too_much(
    openstack_cloud: OpenStackCloud, seeded_openstack: Seeded
) -> None:
    found = looked_at(openstack_cloud.clouds_yaml)

    assert states(found) == {
        "reach": {State.OK},
        "identity": {State.OK},
        "excess": {State.WARNING},
        "versions": {State.OK},
        "right": {State.OK},
        "estimate": {State.OK},
        "projects": {State.OK},
        "clock": {State.OK},
    }
    assert "we are admin" in said(found["identity"])
    assert "role(s) admin" in said(found["excess"])
    assert found["excess"][0].help is not None
    assert "auditor" in tell(found["excess"][0].help, "en")
    assert f"about {len(seeded_openstack.servers)} server(s)" in said(found["estimate"])


def test_a_reader_is_told_which_rights_are_missing_and_which_projects_hidden(
    openstack_cloud: OpenStackCloud, seeded_openstack: Seeded
) -> None:
    """Names on the do-not-scan list are counted, not told."""
    found = looked_at(openstack_cloud.clouds_yaml, "zed-auditor", guard=Guard(["dept-1"]))

    assert states(found)["excess"] == {State.OK}
    missing = "\n".join(tell(d.sentence, "en") for d in found["right"] if d.state is State.ERROR)
    assert "missing: servers of every project (Nova)" in missing
    assert "missing: compute hosts (Nova)" in missing
    assert "missing: aggregates of compute hosts (Nova)" in missing
    assert "missing: quota and usage of every project (Nova)" in missing
    assert "missing: load balancers (Octavia)" in missing
    assert "missing: ports, networks and routers of every project (Neutron)" in missing
    (projects,) = found["projects"]
    assert projects.state is State.ERROR
    assert "hidden from us in Nova, Neutron" in said([projects])
    assert "dept-0" in said([projects])
    assert "dept-2" in said([projects])
    assert "dept-1" not in said([projects])


@pytest.fixture
def documented_auditor(openstack_cloud: OpenStackCloud, seeded_openstack: Seeded) -> Iterator[Path]:
    """A clouds.yaml for an auditor set up as docs/openstack-rights.md says."""
    admin = openstack_cloud.connect()
    role = admin.identity.create_role(name="yunhe-auditor")
    project = admin.identity.create_project(name="audit-doctor", domain_id="default")
    user = admin.identity.create_user(name="yunhe-doctor", password="yunhe", domain_id="default")
    reader = admin.identity.find_role("reader")
    for held in (role, reader):
        admin.identity.assign_project_role_to_user(project, user, held)
    admin.identity.put(f"/system/users/{user.id}/roles/{reader.id}")
    policies = dict(DOCUMENTED.findall((Path(__file__).parents[2] / "docs/openstack-rights.md").read_text()))
    openstack_cloud.set_policies(policies)
    yield openstack_cloud.another_clouds_yaml(
        "audited-doctor", auth={"username": "yunhe-doctor", "password": "yunhe", "project_name": "audit-doctor"}
    )
    openstack_cloud.default_policies(policies)
    admin.identity.delete_user(user)
    admin.identity.delete_project(project)
    admin.identity.delete_role(role)


def test_the_documented_auditor_is_warned_of_what_only_administrators_see_and_of_nothing_else(
    documented_auditor: Path,
) -> None:
    """Neither an administrator nor told that something is missing: another project's port proves the right."""
    found = looked_at(documented_auditor)
    worse = [line for lines in found.values() for line in lines if line.state is not State.OK]

    assert [line.state for line in worse] == [State.WARNING, State.WARNING], said(worse)
    assert "private flavors and server groups (Nova)" in said(worse)
    assert "Cinder shows all volumes to administrators only" in said(worse)
    assert states(found)["projects"] == {State.OK}
    assert states(found)["excess"] == {State.OK}


def test_whoever_may_not_list_projects_cannot_name_the_hidden_ones(
    openstack_cloud: OpenStackCloud, seeded_openstack: Seeded
) -> None:
    found = looked_at(openstack_cloud.clouds_yaml, "zed-confined")

    assert found["projects"][0].state is State.UNKNOWN
    missing = said([line for line in found["right"] if line.state is State.ERROR])
    assert "missing: domains (Keystone)" in missing
    assert "missing: who holds which role (Keystone)" in missing


def test_an_application_credential_that_can_only_read_is_not_too_much(
    openstack_cloud: OpenStackCloud, seeded_openstack: Seeded
) -> None:
    """As docs/openstack-rights.md makes it: role admin, access rules that allow GET."""
    admin = openstack_cloud.connect()
    kinds = {"identity": "/v3/**", "compute": "/v2.1/**", "network": "/v2.0/**", "volumev3": "/v3/**",
             "image": "/v2/**", "placement": "/**", "load-balancer": "/v2/**", "baremetal": "/v1/**"}  # fmt: skip
    rules = [{"service": kind, "method": "GET", "path": path} for kind, path in kinds.items()]
    made = admin.identity.post(
        f"/users/{admin.current_user_id}/application_credentials",
        json={"application_credential": {"name": "yunhe-doctor", "secret": "s3cret", "access_rules": rules}},
    ).json()["application_credential"]
    path = openstack_cloud.folder / "restricted.yaml"
    url = f"http://127.0.0.1:{openstack_cloud.port('identity')}/v3"
    path.write_text(
        "clouds: {zed: {auth_type: v3applicationcredential, region_name: RegionOne, identity_api_version: 3, "
        f"auth: {{auth_url: '{url}', application_credential_id: {made['id']}, "
        "application_credential_secret: s3cret}}}"
    )
    found = looked_at(path)

    assert states(found)["excess"] == {State.OK}
    assert "access rules allow reading only" in said(found["excess"])


@pytest.mark.parametrize(("seconds", "words"), [(600, "600 s ahead of ours"), (-600, "600 s behind ours")])
def test_a_clock_that_is_ten_minutes_off_is_named(openstack_cloud: OpenStackCloud, seconds: int, words: str) -> None:
    """Nova's: Keystone's is right, and one wrong clock of several is told by its address."""
    with fault_proxy(openstack_cloud.port("compute")) as (port, faults):
        faults.clock_seconds = seconds
        path = openstack_cloud.another_clouds_yaml(
            f"clock{seconds}", compute_endpoint_override=f"http://127.0.0.1:{port}/v2.1"
        )
        found = looked_at(path)
    (clock,) = found["clock"]

    assert clock.state is State.ERROR
    assert words in tell(clock.sentence, "en").replace("599 s", "600 s").replace("601 s", "600 s")
    assert f"127.0.0.1:{port}" in tell(clock.sentence, "en")


def test_keystones_own_clock_is_read_from_its_token(openstack_cloud: OpenStackCloud) -> None:
    """It sends no Date header under uWSGI."""
    source = OpenStackSource(name="gov", cloud="zed", clouds_yaml=str(openstack_cloud.clouds_yaml), retries=0)
    early = timedelta(minutes=10)
    doctor = OpenStackDoctor(source, base=Path(), guard=Guard(), clock=lambda: datetime.now(UTC) - early)
    clocks = "\n".join(tell(d.sentence, "en") for d in doctor.diagnose() if d.check == "clock")

    assert "Keystone: its clock is" in clocks
    assert "ahead of ours" in clocks


def test_nothing_is_asked_of_a_cloud_on_the_list(openstack_cloud: OpenStackCloud) -> None:
    with fault_proxy(openstack_cloud.port("identity")) as (port, faults):
        path = openstack_cloud.another_clouds_yaml("listed", auth={"auth_url": f"http://127.0.0.1:{port}/v3"})
        found = looked_at(path, guard=Guard(["127.0.0.1"]))

    assert faults.requests == 0
    assert states(found) == {"reach": {State.OK}}


def test_a_wrong_password_is_one_line(openstack_cloud: OpenStackCloud) -> None:
    found = looked_at(openstack_cloud.clouds_yaml, "zed-wrong")

    assert found["reach"][0].state is State.ERROR
    assert "401" in said(found["reach"])
