"""`yunhe map`: from a name that nobody knows to a confirmed one, through the front door."""

import json
from pathlib import Path
from typing import Any

import pytest
from command import Ran, Yunhe

from inventory.store import Store


def named(config: Path, *entries: str) -> Path:
    """The file of confirmed names, and the configuration that names it."""
    said = "confirmed_by: 王敏, confirmed_on: 2026-11-20, why: 与建设单位核实"
    file = config.parent / "别名.yaml"
    file.write_text("aliases:\n" + "".join(f"  - {{{e}, {said}}}\n" for e in entries), encoding="utf-8")
    text = config.read_text(encoding="utf-8")
    if "别名.yaml" not in text:
        config.write_text(text + '\n[rules]\naliases = "别名.yaml"\n', encoding="utf-8")
    return file


def verdicts(out: str, check: str = "14-unregistered") -> dict[str, tuple[str, str]]:
    """Name of what was judged, to verdict and reason."""
    return {f["name"]: (f["verdict"], f["reason"]) for f in json.loads(out)["findings"] if f["check"] == check}


def rows(out: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(out)
    return found


def small_city(folder: Path, filing: str) -> Path:
    """A register of two systems, and a ledger of filings that calls one of them by another name."""
    (folder / "s.csv").write_text(
        "系统编号,系统名称,建设单位,等保级别,层级\nS-ZJJ-01,甲市数字城管综合管理平台,市住建局,三级,市本级\n"
        "S-2,智慧社区管理平台二期,市住建局,二级,市本级\n", encoding="utf-8",
    )  # fmt: skip
    header = "定级对象名称,备案证明编号,安全保护等级,备案日期,备案模板版本"
    (folder / "b.csv").write_text(
        f"{header}\n{filing},42060012345-00001,三级,2025-09-01,2025\n智慧社区管理平台一期,42060012345-00002,二级,"
        "2025-09-01,2025\n", encoding="utf-8",
    )  # fmt: skip
    config = folder / "yunhe.toml"
    config.write_text(
        'version = 1\n[city]\nname = "甲市"\n[scan]\nas_of = "2026-11-22"\n'
        '[[ledger]]\nname = "系统"\nkind = "systems"\npath = "s.csv"\n'
        '[[ledger]]\nname = "备案"\nkind = "mlps_filings"\npath = "b.csv"\n', encoding="utf-8",
    )  # fmt: skip
    return config


def test_from_an_unknown_name_to_a_confirmed_one(yunhe: Yunhe, tmp_path: Path) -> None:
    """The night, the morning after, and the next night: only the person's word changes a verdict."""
    config, file = small_city(tmp_path, "数字城管平台"), tmp_path / "别名.yaml"
    first = verdicts(yunhe("scan", "-c", config, "--format", "json").out, "mlps-filing")
    assert first["甲市数字城管综合管理平台"][0] == "unknown"  # the row that calls it otherwise may be its own

    ran = yunhe("map", "propose", "-c", config, "--out", file, "--format", "json")

    assert ran.code == 0
    assert [(r["written"], r["candidate"], r["score"]) for r in rows(ran.out)] == [
        ("数字城管平台", "system/S-ZJJ-01", 100),
        ("智慧社区管理平台一期", None, None),  # its second phase is another system
    ]
    assert "none holds until a person confirms it" in ran.err
    config.write_text(config.read_text(encoding="utf-8") + '[rules]\naliases = "别名.yaml"\n', encoding="utf-8")
    again = yunhe("scan", "-c", config, "--format", "json")
    assert verdicts(again.out, "mlps-filing") == first

    text = file.read_text(encoding="utf-8")
    for blank, said in (
        ("answer:", "same"),
        ("confirmed_by:", "王敏"),
        ("confirmed_on:", "2026-11-20"),
        ("why:", "核实"),
    ):
        text = text.replace(f"{blank}\n", f"{blank} {said}\n")
    file.write_text(text.replace("#? ", ""), encoding="utf-8")
    third = yunhe("scan", "-c", config, "--format", "json")
    assert verdicts(third.out, "mlps-filing")["甲市数字城管综合管理平台"][0] == "pass"
    assert [r["state"] for r in rows(yunhe("map", "audit", "-c", config, "--format", "json").out)] == [["matched"]]
    assert [r["written"] for r in rows(yunhe("map", "propose", "-c", config, "--format", "json").out)] == [
        "智慧社区管理平台一期"
    ]


def test_a_kept_scan_is_judged_again_by_the_names_of_its_night(yunhe: Yunhe, city: Path) -> None:
    file = named(city, "kind: tenant, written: sandbox, system: S-ZJJ-01")
    ran = yunhe("scan", "-c", city, "--format", "json")
    assert verdicts(ran.out)["sandbox"] == ("pass", "belongs to S-ZJJ-01, by sandbox (王敏 2026-11-20)")
    digest = json.loads(ran.out)["scan"]["digest"]
    assert json.loads(yunhe("scan", "-c", city, "--format", "json").out)["scan"]["digest"] == digest

    file.unlink()
    city.write_text(city.read_text(encoding="utf-8").replace('aliases = "别名.yaml"', ""), encoding="utf-8")

    assert "the confirmed name sandbox (王敏 2026-11-20) → S-ZJJ-01" in yunhe("explain", "tmp-oracle", "-c", city).out
    with Store(city.parent / "yunhe.db") as store:
        kept = store.load()
    assert kept is not None
    assert [(a.written, a.origin) for a in kept.options.aliases] == [("sandbox", "别名.yaml[1]")]
    assert rows(yunhe("policy", "test", "laohekou-2024", "-c", city, "--format", "json").out) == []


def test_a_confirmed_name_changes_whose_something_is_and_not_where_it_stands(
    yunhe: Yunhe, city: Path, scanned: Ran
) -> None:
    named(
        city, "kind: tenant, written: sandbox, system: S-ZJJ-01", "kind: host, written: jtj-zc-tower, system: S-ZJJ-01"
    )

    after = yunhe("scan", "-c", city, "--format", "json").out

    assert verdicts(scanned.out)["sandbox"][0] == "advisory"
    assert verdicts(after)["sandbox"][0] == "pass"
    for check in ("14-standalone-compute", "14-standalone-storage", "14-third-party"):
        assert {k: v for k, (v, _) in verdicts(scanned.out, check).items()} == {
            k: v for k, (v, _) in verdicts(after, check).items()
        }


def test_a_name_that_cannot_be_followed_is_told_by_the_scan_the_audit_and_the_verdict(yunhe: Yunhe, city: Path) -> None:
    named(
        city,
        "kind: tenant, written: sandbox, system: S-404",
        "kind: tenant, written: nowhere, system: S-ZJJ-01",
        "kind: host, written: tmp-oracle, system: S-ZJJ-01, valid_to: 2026-01-01",
        "kind: system_name, written: 无人写过, system: S-ZJJ-01, answer: different",
    )

    ran = yunhe("scan", "-c", city, "--format", "json")

    assert verdicts(ran.out)["sandbox"][0] == "unknown"
    assert verdicts(ran.out)["tmp-oracle"][0] == "unknown"  # it lives in that tenant
    assert "confirmed name sandbox (别名.yaml[1], 王敏 2026-11-20): S-404 is not in" in ran.err
    assert "confirmed name tmp-oracle" in ran.err
    assert "nowhere" not in ran.err
    audit = yunhe("map", "audit", "-c", city, "--format", "json")
    assert audit.code == 4
    assert {r["written"]: r["state"] for r in rows(audit.out)} == {
        "sandbox": ["dangling", "contradictory", "matched"],
        "nowhere": ["unused"],
        "tmp-oracle": ["expired"],
        "无人写过": ["unused"],
    }
    told = yunhe("map", "audit", "-c", city, "--state", "expired", "--lang", "zh_CN").out
    assert "已到期" in told
    assert "sandbox" not in told


def test_an_audit_of_names_that_are_all_in_use_is_in_order(yunhe: Yunhe, city: Path, scanned: Ran) -> None:
    assert yunhe("map", "audit", "-c", city).code == 0
    named(city, "kind: tenant, written: sandbox, system: S-ZJJ-01")

    assert yunhe("map", "audit", "-c", city).code == 0


def test_a_bad_entry_is_told_and_the_others_hold(yunhe: Yunhe, city: Path) -> None:
    file = named(city, "kind: tenant, written: sandbox, system: S-ZJJ-01")
    with file.open("a", encoding="utf-8") as opened:
        opened.write("  - {kind: tenant, written: x, sistem: S-ZJJ-01}\n")

    ran = yunhe("scan", "-c", city, "--format", "json")

    assert "别名.yaml[2]: Object contains unknown field `sistem`" in ran.err
    assert verdicts(ran.out)["sandbox"][0] == "pass"
    audit = yunhe("map", "audit", "-c", city)
    assert audit.code == 4
    assert "sistem" in audit.err


@pytest.mark.parametrize("text", ["aliases: 3\n", "aliases:\n - [\n", "a: 1\n"])
def test_a_file_that_is_none_ends_the_command_and_is_left_as_it_is(
    yunhe: Yunhe, city: Path, scanned: Ran, text: str
) -> None:
    file = city.parent / "别名.yaml"
    file.write_text(text, encoding="utf-8")

    ran = yunhe("map", "propose", "-c", city, "--out", file)

    assert ran.code == 2
    assert "别名.yaml" in ran.err
    assert file.read_text(encoding="utf-8") == text
    named(city)
    file.write_text(text, encoding="utf-8")
    assert yunhe("scan", "-c", city).code == 2


def test_proposals_are_the_same_to_the_byte_and_keep_the_file_s_mode(yunhe: Yunhe, tmp_path: Path) -> None:
    config, file = small_city(tmp_path, "数字城管平台"), tmp_path / "别名.yaml"
    yunhe("scan", "-c", config)
    yunhe("map", "propose", "-c", config, "--out", file)
    assert file.stat().st_mode & 0o777 == 0o600
    first = file.read_bytes()
    file.chmod(0o644)

    yunhe("map", "propose", "-c", config, "--out", file)

    assert file.read_bytes() == first
    assert file.stat().st_mode & 0o777 == 0o644
    assert [p.name for p in tmp_path.glob(".别名*")] == []


def test_an_answer_in_the_file_that_is_written_counts_before_the_configuration_names_it(
    yunhe: Yunhe, tmp_path: Path
) -> None:
    config, file = small_city(tmp_path, "数字城管平台"), tmp_path / "别名.yaml"
    yunhe("scan", "-c", config)
    entry = ("aliases:\n  - {kind: system_name, written: 数字城管平台, system: S-ZJJ-01, answer: different, "
             "confirmed_by: 王敏, confirmed_on: 2026-11-20, why: 另一系统}\n")  # fmt: skip
    file.write_text(entry, encoding="utf-8")

    ran = yunhe("map", "propose", "-c", config, "--out", file, "--format", "json")

    assert [(r["written"], r["candidate"]) for r in rows(ran.out)] == [
        ("数字城管平台", None), ("智慧社区管理平台一期", None),
    ]  # fmt: skip
    assert file.read_text(encoding="utf-8").startswith(entry)


def test_a_confirmed_name_of_something_classified_is_kept_nowhere(yunhe: Yunhe, city: Path) -> None:
    """Art. 28: what the do-not-scan list or the register forbids stands in no store, whoever wrote it down."""
    named(
        city, "kind: host, written: bmj-host-01, system: S-ZJJ-01", "kind: system_name, written: 某, system: S-BMJ-01"
    )

    ran = yunhe("scan", "-c", city, "--format", "json")

    assert "2 confirmed name(s) name something on the do-not-scan list" in ran.err
    store = b"".join(p.read_bytes() for p in city.parent.glob("yunhe.db*"))
    assert b"bmj" not in store.lower()
    for words in (ran.out, ran.err):
        assert "bmj" not in words.casefold()


def test_no_file_of_that_name_ends_the_command(yunhe: Yunhe, city: Path) -> None:
    named(city).unlink()

    ran = yunhe("scan", "-c", city)

    assert ran.code == 2
    assert "rules.aliases" in ran.err
