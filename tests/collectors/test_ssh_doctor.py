"""The doctor before real sshds: unknown and changed keys, root, what needs root, the do-not-scan list."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sshd_service import TOWER_DMI, SshHosts, SshHostSpec, ssh_hosts

from collectors.diagnosis import Diagnosis, State
from collectors.ssh_doctor import SshDoctor
from inventory.guard import Guard
from inventory.settings import SshSource
from inventory.text import tell

pytestmark = pytest.mark.sshd


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    specs = (
        SshHostSpec(alias="root-host", dmi=TOWER_DMI),
        SshHostSpec(
            alias="tower", user="yunhe", dmi={**TOWER_DMI, "product_uuid": "420bcf8f-a2f2-d154-329b-575d9bc5e1"}
        ),
        SshHostSpec(alias="unknown-key", on_file="none"),
        SshHostSpec(alias="changed-key", on_file="other"),
    )
    with ssh_hosts(tmp_path_factory.mktemp("doctor"), *specs) as hosts:
        yield hosts


def looked_at(farm: SshHosts, *aliases: str, guard: Guard | None = None) -> dict[tuple[str, str], Diagnosis]:
    source = SshSource(
        name="hosts", hosts=aliases, ssh_config=str(farm.ssh_config), known_hosts=str(farm.known_hosts),
        connect_timeout=5, total_timeout=15,
    )  # fmt: skip
    doctor = SshDoctor(
        source, base=farm.folder, guard=Guard() if guard is None else guard, clock=lambda: datetime.now(UTC)
    )
    return {(d.scope, d.check): d for d in doctor.diagnose()}


def test_each_host_ends_with_its_own_line(farm: SshHosts) -> None:
    found = looked_at(farm, "root-host", "tower", "unknown-key", "changed-key")
    unknown = found["unknown-key", "host-key"]

    assert {key: d.state for key, d in found.items()} == {
        ("root-host", "login"): State.OK,
        ("root-host", "excess"): State.WARNING,
        ("tower", "login"): State.OK,
        ("tower", "root"): State.WARNING,
        ("unknown-key", "host-key"): State.ERROR,
        ("changed-key", "host-key"): State.ERROR,
        ("*", "estimate"): State.OK,
    }
    assert "which is not in" in tell(unknown.sentence, "en")
    assert unknown.help is not None
    assert "hostkeys learn" in tell(unknown.help, "en")
    assert "another one is on file" in tell(found["changed-key", "host-key"].sentence, "en")
    assert "uuid" in tell(found["tower", "root"].sentence, "en")


def test_a_host_on_the_list_is_counted_and_no_fault(farm: SshHosts) -> None:
    found = looked_at(farm, "tower", guard=Guard(["tower"]))

    assert {d.state for d in found.values()} == {State.OK}
    assert "tower" not in str([tell(d.sentence, "en") for d in found.values()] + [s for s, _ in found])


def test_a_closed_port_is_an_error_of_that_host(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("Host gone\n  HostName 127.0.0.1\n  Port 1\n")
    source = SshSource(name="hosts", hosts=("gone",), ssh_config=str(config))
    doctor = SshDoctor(source, base=tmp_path, guard=Guard(), clock=lambda: datetime.now(UTC))
    found = {(d.scope, d.check): d.state for d in doctor.diagnose()}

    assert found["gone", "reach"] is State.ERROR
