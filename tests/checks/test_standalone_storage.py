"""14-standalone-storage: what serves files or blocks stands on the cloud, or was there before."""

from dataclasses import replace
from datetime import date

import builders as b
import msgspec
import pytest
from verdicts import english, finding_on, verdict_on

from checks.check import run
from checks.standalone_storage import CHECK, server_of
from inventory.coverage import CellState
from inventory.hosts import Host, Place
from inventory.inventory import Inventory
from inventory.records import Mount, Nic, View
from inventory.settings import PolicyChoices

ZONE = "专网"
SERVER = "storage/专网/10.1.1.99"


@pytest.mark.parametrize(
    ("origin", "server"),
    [
        ("10.1.1.99:/data", "10.1.1.99"),
        ("NAS.local:/data/a:b", "nas.local"),
        ("[fd00::1]:/x", "fd00::1"),
        ("//Filer/share", "filer"),
        ("\\\\filer\\share", "filer"),
        ("mon1,mon2:/", "mon1"),
        ("", ""),
    ],
)
def test_the_server_of_an_origin(origin: str, server: str) -> None:
    assert server_of(origin) == server


def nas(host: Host, zone: str = ZONE, address: str = "10.1.1.99/24") -> Host:
    """The host, as the server of the share."""
    nics = (Nic(addresses=(address,)),)
    return replace(host, sightings=tuple(msgspec.structs.replace(s, zone=zone, nics=nics) for s in host.sightings))


def city(*servers: Host, fstype: str = "nfs4", zone: str = ZONE, **fields: object) -> Inventory:
    mount = Mount(target="/data", fstype=fstype, origin="10.1.1.99:/data")
    user = b.sighting(view=View.OS, source=b.SSH, zone=zone, mounts=(mount,))
    return b.city(hosts=(b.host(sightings=(b.sighting(), user)), *servers), **fields)


CASES = [
    ("a new tower", (nas(b.tower("nas")),), "fail"),
    ("an old tower", (nas(b.tower("nas", commissioned_on=date(2019, 1, 1))),), "not_applicable"),
    ("of unknown age", (nas(b.tower("nas", commissioned_on=None)),), "unknown"),
    ("nobody's", (nas(b.tower("nas", department=None)),), "unknown"),
    ("on the cloud", (nas(b.host("nas")),), "pass"),
    ("the centre's own", (nas(b.host("nas", Place.CLOUD_INFRASTRUCTURE)),), "pass"),
    ("not placed", (nas(b.host("nas", Place.UNDETERMINED)),), "unknown"),
    ("of another zone", (nas(b.tower("nas"), zone="外网"),), "unknown"),
    ("not seen", (), "unknown"),
    ("two that claim the address", (nas(b.tower("nas")), nas(b.host("other"))), "unknown"),
]


@pytest.mark.parametrize(("servers", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_who_serves_decides(servers: tuple[Host, ...], expected: str) -> None:
    assert verdict_on(CHECK, city(*servers), SERVER) == expected


def test_it_says_who_uses_it() -> None:
    told = english(finding_on(CHECK, city(nas(b.tower("nas"))), SERVER).reason)

    assert "storage for edu-web-1 is served by nas" in told
    assert "does not meet Art. 14" in told


@pytest.mark.parametrize("fstype", ["ext4", "xfs", "tmpfs", "overlay"])
def test_local_file_systems_are_no_storage_of_another(fstype: str) -> None:
    assert run(CHECK, city(fstype=fstype), b.policy()) == ()


def test_a_share_that_many_mount_is_one_subject() -> None:
    mount = Mount(target="/d", fstype="cifs", origin="//filer/share")
    users = tuple(
        b.host(f"h{n}", sightings=(b.sighting(f"h{n}", View.OS, b.SSH, zone=ZONE, mounts=(mount,)),)) for n in range(3)
    )

    found = run(CHECK, b.city(hosts=users), b.policy())

    assert [f.subject.id for f in found] == ["专网/filer"]


def test_volumes_of_the_cloud_are_the_cloud_s() -> None:
    assert verdict_on(CHECK, b.city(storages=(b.storage(),)), f"storage/{b.CLOUD}/vol-1") == "pass"


def test_a_volume_of_a_cluster_may_come_from_outside() -> None:
    volume = b.storage("pv-1", source=b.CLUSTER, storage_kind="persistent_volume", origin="10.9.9.9:/x")

    assert verdict_on(CHECK, b.city(storages=(volume,)), "storage/-/10.9.9.9") == "unknown"


def test_the_owner_out_of_scope_is_out_of_scope() -> None:
    from inventory.records import Funding

    private = b.owned()
    server = nas(b.tower("nas", ownership=private, department=None))

    finding = finding_on(CHECK, city(server, projects=(b.project(funding=Funding.NON_FISCAL),)), SERVER)

    assert (finding.verdict.value, finding.decided_by) == ("not_applicable", "scope")


def test_a_source_that_failed_may_hold_more() -> None:
    failed = b.coverage(b.cell(b.CLOUD, "storage", CellState.FAILED))

    found = run(CHECK, b.city(coverage=failed), b.policy(PolicyChoices()))

    assert [(f.subject.kind, f.verdict.value) for f in found] == [("coverage", "unknown")]
