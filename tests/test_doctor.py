"""`yunhe doctor` and `yunhe hostkeys` through the front door: exit codes, formats, both languages, nothing written."""

import csv
import io
import json
from pathlib import Path

import pytest
from apiserver_service import ApiServer
from command import Yunhe
from ledgers import write_csv
from sshd_service import SshHostSpec, ssh_hosts

HEAD = 'version = 1\n[city]\nname = "测试"\n'
LEDGER = '[[ledger]]\nname = "systems"\nkind = "systems"\npath = "systems.csv"\n'
SYSTEMS = [["系统编号", "系统名称", "主机", "是否涉密"], ["S-1", "门户", "web-1", "否"]]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    write_csv(tmp_path / "systems.csv", SYSTEMS)
    path = tmp_path / "yunhe.toml"
    path.write_text(HEAD + LEDGER)
    return path


def test_all_well_is_exit_0_and_leaves_no_file_behind(yunhe: Yunhe, config: Path) -> None:
    before = sorted(config.parent.iterdir())
    ran = yunhe("doctor", "-c", config)

    assert ran.code == 0
    assert "file and headers" in ran.out
    assert sorted(config.parent.iterdir()) == before


def test_json_csv_and_chinese_say_the_same(yunhe: Yunhe, config: Path) -> None:
    lines = json.loads(yunhe("doctor", "-c", config, "-f", "json").out)
    rows = list(csv.DictReader(io.StringIO(yunhe("doctor", "-c", config, "-f", "csv").out.lstrip("\ufeff"))))
    chinese = yunhe("doctor", "-c", config, "--lang", "zh_CN").out

    assert [(x["source"], x["check"], x["state"]) for x in lines] == [
        ("ledger:systems", "file", "ok"),
        ("ledger:systems", "rows", "ok"),
    ]
    assert [(r["source"], r["check"], r["state"]) for r in rows] == [
        (x["source"], x["check"], x["state"]) for x in lines
    ]
    assert "文件与表头" in chinese
    assert "正常" in chinese


def test_a_source_that_does_not_answer_is_exit_4(yunhe: Yunhe, config: Path) -> None:
    ssh = config.with_name("ssh_config")
    ssh.write_text("Host gone\n  HostName 127.0.0.1\n  Port 1\n")
    config.write_text(HEAD + LEDGER + '[[ssh]]\nname = "hosts"\nhosts = ["gone"]\nssh_config = "ssh_config"\n')
    ran = yunhe("doctor", "-c", config, "-f", "json")

    assert ran.code == 4
    assert {(x["scope"], x["state"]) for x in json.loads(ran.out) if x["check"] == "reach"} == {("gone", "error")}


@pytest.mark.parametrize("text", [HEAD, "version = 1\n", HEAD + '[[ssh]]\nname = "x"\n'])
def test_a_config_that_cannot_be_used_is_exit_2(yunhe: Yunhe, config: Path, text: str) -> None:
    config.write_text(text)
    ran = yunhe("doctor", "-c", config)

    assert ran.code == 2
    assert ran.err.count("\n") == 1


def test_a_host_that_a_ledger_calls_classified_is_not_asked_and_not_named(yunhe: Yunhe, config: Path) -> None:
    write_csv(config.with_name("systems.csv"), [SYSTEMS[0], ["S-9", "机密系统", "vault-1", "是"]])
    config.with_name("ssh_config").write_text("Host vault-1\n  HostName 127.0.0.1\n  Port 1\n")
    config.write_text(HEAD + LEDGER + '[[ssh]]\nname = "hosts"\nhosts = ["vault-1"]\nssh_config = "ssh_config"\n')
    looked = yunhe("doctor", "-c", config)
    learned = yunhe("hostkeys", "learn", "-c", config, "-o", config.with_name("keys.txt"))

    assert looked.code == 0
    assert learned.code == 0
    assert "vault" not in looked.out + looked.err + learned.out + learned.err
    assert "1 on the do-not-scan list" in learned.err


@pytest.mark.apiserver
def test_an_administrator_of_kubernetes_is_a_warning_and_exit_0(
    yunhe: Yunhe, config: Path, apiserver: ApiServer
) -> None:
    config.write_text(HEAD + f'[[kubernetes]]\nname = "k"\ncontext = "admin"\nkubeconfig = "{apiserver.kubeconfig}"\n')
    ran = yunhe("doctor", "-c", config, "-f", "json")

    assert ran.code == 0
    assert "warning" in {x["state"] for x in json.loads(ran.out) if x["check"] == "excess"}


@pytest.mark.sshd
def test_an_unknown_host_key_is_named_learned_approved_and_then_known(yunhe: Yunhe, tmp_path: Path) -> None:
    config, keys, known = tmp_path / "yunhe.toml", tmp_path / "keys.txt", tmp_path / "known_hosts"
    with ssh_hosts(tmp_path, SshHostSpec(alias="new", on_file="none")) as hosts:
        config.write_text(
            HEAD
            + f'[[ssh]]\nname = "hosts"\nhosts = ["new"]\nssh_config = "{hosts.ssh_config}"\nknown_hosts = "{known}"\n'
        )
        before = yunhe("doctor", "-c", config, "-f", "json")
        learned = yunhe("hostkeys", "learn", "-c", config, "-o", keys)
        unmarked = yunhe("hostkeys", "approve", keys, "--known-hosts", known)
        keys.write_text(keys.read_text().replace("\nreview ", "\napprove "))
        approved = yunhe("hostkeys", "approve", keys, "--known-hosts", known)
        after = yunhe("doctor", "-c", config, "-f", "json")
        known.write_text(known.read_text().replace(hosts.hosts["new"].host_key, " ".join(hosts._public.split()[:2])))
        contradicted = yunhe("hostkeys", "approve", keys, "--known-hosts", known)
        changed = yunhe("hostkeys", "learn", "-c", config, "-o", keys)

    assert before.code == 4
    assert json.loads(before.out)[0]["check"] == "host-key"
    assert learned.code == 0
    assert unmarked.code == 2
    assert approved.code == 0
    assert after.code == 0
    assert "login" in {x["check"] for x in json.loads(after.out)}
    assert contradicted.code == 6
    assert "not the one on record" in contradicted.err
    assert changed.code == 4
    assert "not the one on record" in changed.err


def test_a_source_without_a_doctor_of_its_own_is_sampled(yunhe: Yunhe, config: Path) -> None:
    config.with_name("arp.txt").write_text("10.0.0.1 dev eth0 lladdr 02:00:00:00:00:01 REACHABLE\n")
    config.write_text(HEAD + '[[discovery]]\nname = "wire"\nkind = "arp"\npath = "arp.txt"\n')
    ran = yunhe("doctor", "-c", config, "-f", "json")

    assert ran.code == 0
    assert [(x["source"], x["check"], x["state"]) for x in json.loads(ran.out)] == [("discovery:wire", "rows", "ok")]
