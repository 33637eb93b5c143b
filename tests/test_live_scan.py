"""One whole night against the real services: OpenStack, kube-apiserver and sshd, from sources to verdicts."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from apiserver_service import ApiServer
from command import Yunhe
from fault_proxy import fault_proxy
from openstack_service import OpenStackCloud, Seeded
from sshd_service import NOVA_DMI, TOWER_DMI, SshHosts, SshHostSpec, ssh_hosts

from inventory.uuids import swapped

pytestmark = [pytest.mark.openstack, pytest.mark.apiserver, pytest.mark.sshd]

STRANGER = "9d0c2a51-7c2b-4f0e-8a34-0d6a7f1f6b52"
SYSTEMS = """系统编号,系统名称,建设单位,建设性质,资金来源,等保级别,建成时间,云租户
SYS-000,一号系统,市教育局,新建,财政,二级,2025-03-01,dept-0
SYS-001,二号系统,市水利局,新建,财政,二级,2025-03-01,dept-1
SYS-002,三号系统,市农业局,新建,财政,二级,2025-03-01,dept-2
"""


@pytest.fixture(scope="module")
def server_id(seeded_openstack: Seeded) -> str:
    """A Nova server whose operating system is asked over SSH."""
    return min(i for i, name in seeded_openstack.servers.items() if name == "dept-0")


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory, server_id: str) -> Iterator[SshHosts]:
    """The server itself with swapped bytes, a stranger that claims to be a guest, and a tower."""
    specs = [
        SshHostSpec(alias="guest", dmi={**NOVA_DMI, "product_uuid": swapped(server_id)}, virt="kvm"),
        SshHostSpec(alias="stranger", dmi={**NOVA_DMI, "product_uuid": STRANGER}, virt="kvm", instance_id=STRANGER),
        SshHostSpec(alias="tower", dmi={**TOWER_DMI, "product_uuid": STRANGER.replace("9", "a")}, virt="none"),
    ]
    with ssh_hosts(tmp_path_factory.mktemp("hosts"), *specs) as running:
        yield running


@pytest.fixture
def config(
    tmp_path: Path, openstack_cloud: OpenStackCloud, seeded_openstack: Seeded, apiserver: ApiServer, hosts: SshHosts
) -> Path:
    """A config with all of them."""
    (tmp_path / "systems.csv").write_text(SYSTEMS, encoding="utf-8")
    (tmp_path / "contracts.csv").write_text("合同编号,服务商,合同起始日期,合同截止日期\n", encoding="utf-8")
    path = tmp_path / "yunhe.toml"
    path.write_text(
        f"""
version = 1
[city]
name = "测试市"
[[openstack]]
name = "centre"
cloud = "zed"
clouds_yaml = "{openstack_cloud.clouds_yaml}"
retries = 0
timeout = 20
[[kubernetes]]
name = "centre"
kubeconfig = "{apiserver.kubeconfig}"
context = "admin"
[[ssh]]
name = "hosts"
hosts = ["guest", "stranger", "tower"]
zone = "政务外网区"
ssh_config = "{hosts.ssh_config}"
known_hosts = "{hosts.known_hosts}"
[[ledger]]
name = "systems"
kind = "systems"
path = "systems.csv"
[[ledger]]
name = "contracts"
kind = "third_party"
path = "contracts.csv"
""",
        encoding="utf-8",
    )
    return path


def by_subject(told: str, check: str) -> dict[str, str]:
    """Name of the subject to its verdict."""
    return {f["name"]: f["verdict"] for f in json.loads(told)["findings"] if f["check"] == check}


def test_a_night_finds_what_is_there_and_says_where_it_stands(
    yunhe: Yunhe, config: Path, seeded_openstack: Seeded, server_id: str
) -> None:
    ran = yunhe("scan", "-c", config, "--format", "json")

    told = json.loads(ran.out)
    subjects = {f["subject"]: f for f in told["findings"] if f["check"] == "14-standalone-compute"}
    # Each server of every project.
    assert set(seeded_openstack.servers) <= set(subjects)
    assert {subjects[i]["verdict"] for i in seeded_openstack.servers} == {"pass"}
    # The host that is a server is joined to it though its bytes are swapped: it is no subject of its own.
    explained = yunhe("explain", "guest", "-c", config)
    assert server_id in explained.out
    assert "same UUID in the other byte order" in explained.out
    assert "instance of the government cloud" in explained.out
    # The one that claims to be a guest and is in no inventory is never on the cloud.
    explained = yunhe("explain", "stranger", "-c", config)
    assert "standalone virtual machine" in explained.out
    assert subjects[min(STRANGER, swapped(STRANGER))]["verdict"] == "unknown"  # nobody knows whose it is
    assert "standalone physical server" in yunhe("explain", "tower", "-c", config).out
    assert all(c["state"] in ("complete", "not_configured") for c in told["coverage"] if c["cell"]["kind"] == "host")


def test_explain_tells_the_whole_story(yunhe: Yunhe, config: Path, server_id: str) -> None:
    yunhe("scan", "-c", config)

    out = yunhe("explain", server_id, "-c", config).out

    for word in ("Seen by", "Why these are one machine", "Where it stands", "Whose it is", "SYS-000", "Verdicts",
                 "14-standalone-compute", "raw document SHA-256", "evidence openstack:centre|host|"):  # fmt: skip
        assert word in out


def test_an_api_that_dies_in_mid_listing_makes_things_unknown_and_nothing_vanish(
    yunhe: Yunhe, config: Path, openstack_cloud: OpenStackCloud, seeded_openstack: Seeded
) -> None:
    whole = json.loads(yunhe("scan", "-c", config, "--format", "json").out)
    with fault_proxy(openstack_cloud.port("compute")) as (port, faults):
        url = f"http://127.0.0.1:{port}/v2.1"
        broken = openstack_cloud.another_clouds_yaml("dying", compute_endpoint_override=url)
        text = config.read_text(encoding="utf-8").replace(str(openstack_cloud.clouds_yaml), str(broken))
        config.write_text(text.replace("retries = 0", "retries = 0\npage_size = 3"), encoding="utf-8")
        faults.reset_after_requests = 5

        ran = yunhe("scan", "-c", config, "--format", "json")

    told = json.loads(ran.out)
    states = {(c["cell"]["source"], c["cell"]["kind"]): c["state"] for c in told["coverage"]}
    assert states["openstack:centre", "host"] in ("partial", "failed")
    assert ran.code == 4
    verdicts = by_subject(ran.out, "14-standalone-compute")
    assert verdicts["stranger"] == verdicts["tower"] == "unknown"
    assert "pass" not in by_subject(ran.out, "16-deployment").values()
    assert {f["subject"] for f in told["findings"] if f["subject_kind"] == "system"} == {
        f["subject"] for f in whole["findings"] if f["subject_kind"] == "system"
    }


def test_a_confined_reader_is_told_what_it_did_not_see(yunhe: Yunhe, config: Path, seeded_openstack: Seeded) -> None:
    text = config.read_text(encoding="utf-8").replace('cloud = "zed"', 'cloud = "zed-confined"')
    config.write_text(text, encoding="utf-8")

    ran = yunhe("scan", "-c", config, "--format", "json")

    told = json.loads(ran.out)
    cells = {c["cell"]["kind"]: c for c in told["coverage"] if c["cell"]["source"] == "openstack:centre"}
    assert cells["host"]["state"] == "partial"
    # Keystone refuses it the list of projects; the register knows some that it did not see.
    assert set(cells["host"]["unseen"]) == {"dept-1", "dept-2"}
    assert ran.code == 4
    assert "pass" not in set(by_subject(ran.out, "16-deployment").values())


def test_a_reader_that_may_list_projects_is_told_each_that_it_did_not_see(
    yunhe: Yunhe, config: Path, seeded_openstack: Seeded
) -> None:
    text = config.read_text(encoding="utf-8").replace('cloud = "zed"', 'cloud = "zed-auditor"')
    config.write_text(text, encoding="utf-8")

    ran = yunhe("scan", "-c", config)

    assert ran.code == 4
    assert "not seen: " in ran.out
    for project in seeded_openstack.projects:
        assert project in ran.out
