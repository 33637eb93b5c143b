"""Packs, waivers, days off and due dates through the front door."""

import json
import shutil
from pathlib import Path

from command import Ran, Yunhe
from example_city import EXAMPLES
from icalendar import Calendar

WAIVERS = """\
waivers:
  - id: HM-2026-001
    check: 14-standalone-compute
    name: jtj-zc-tower
    reason: 治超系统迁移期间保留
    requester: 张三
    approver: 李四
    document: 云数函〔2026〕3号
    starts_on: 2026-06-01
    expires_on: 2026-12-31
  - id: HM-2026-002
    check: 16-deployment
    department: 云泽市交通运输局
    reason: 迁移期间
    requester: 张三
    approver: 李四
    document: 云数函〔2026〕4号
    starts_on: 2025-06-01
    expires_on: 2026-05-31
  - id: HM-2026-003
    check: 14-standalone-compute
    subject: no-such-host
    reason: 迁移期间
    requester: 张三
    approver: 李四
    document: 云数函〔2026〕5号
    starts_on: 2026-06-01
    expires_on: 2026-12-10
  - id: HM-2026-004
    check: 14-standalone-compute
    name: wlj-ota-ecs
    reason: 没有期限
    requester: 张三
    approver: 李四
    document: 云数函〔2026〕6号
    starts_on: 2026-06-01
"""


def with_rules(config: Path, text: str) -> None:
    """Adds a `[rules]` table (or more) to the configuration."""
    config.write_text(config.read_text(encoding="utf-8") + "\n" + text, encoding="utf-8")


def test_waivers_change_what_is_done_and_no_verdict(yunhe: Yunhe, city: Path) -> None:
    (city.parent / "豁免.yaml").write_text(WAIVERS, encoding="utf-8")
    with_rules(city, '[rules]\nwaivers = ["豁免.yaml"]\n')

    ran = yunhe("scan", "-c", city, "--format", "json")

    told = json.loads(ran.out)
    waived = {(f["check"], f["name"], f["verdict"]): f["waiver"] for f in told["findings"] if f["waiver"]}
    assert waived == {("14-standalone-compute", "jtj-zc-tower", "fail"): "云数函〔2026〕3号"}
    assert ran.code == 3  # others are not waived
    assert "豁免.yaml[4]" in ran.err
    assert len(told["pack"]["digest"]) == 64

    audit = yunhe("waiver", "audit", "-c", city, "--format", "json")
    states = {row["waiver"]: row["state"] for row in json.loads(audit.out)}
    assert states == {
        "HM-2026-001": ["matched"],
        "HM-2026-002": ["expired", "matched", "too_broad"],
        "HM-2026-003": ["dangling", "expiring"],
    }
    assert audit.code == 4
    told_of = yunhe("explain", "jtj-zc-tower", "-c", city, "--lang", "zh_CN").out
    assert "已由云数函〔2026〕3号豁免" in told_of
    assert "不合规" in told_of
    yunhe("report", "-c", city, "-o", city.parent / "r.html")
    assert "已由云数函〔2026〕3号豁免" in (city.parent / "r.html").read_text(encoding="utf-8")
    yunhe("export", "prometheus", "--textfile", city.parent / "y.prom", "-c", city)
    metrics = (city.parent / "y.prom").read_text()
    assert 'yunhe_waived_results{check="14-standalone-compute",verdict="fail"} 1.0' in metrics
    assert 'yunhe_results{article="14",check="14-standalone-compute",verdict="fail"} 3.0' in metrics


def test_exit_code_three_is_for_breaches_that_nobody_answered_for(yunhe: Yunhe, tmp_path: Path) -> None:
    """One department, one breach, one waiver: what is left is what could not be seen."""
    ledgers = tmp_path / "l"
    ledgers.mkdir()
    header = "项目编号,项目名称,建设单位,项目类别,资金来源,中标日期,监理申请日期"
    row = "P-1,甲,市教育局,新建,政府投资,2026-03-02,2026-04-30"
    (ledgers / "p.csv").write_text(f"{header}\n{row}\n", encoding="utf-8")
    config = tmp_path / "yunhe.toml"
    config.write_text('version = 1\n[city]\nname = "甲市"\n[scan]\nas_of = "2026-11-22"\n'
                      '[[ledger]]\nname = "项目"\nkind = "projects"\npath = "l/p.csv"\n', encoding="utf-8")  # fmt: skip
    assert yunhe("scan", "-c", config).code == 3
    (tmp_path / "w.yaml").write_text(
        "waivers:\n  - {id: W-1, check: 18-supervision, project: P-1, reason: 补报, requester: 张三, approver: 李四, "
        "document: 甲数〔2026〕1号, starts_on: 2026-05-01, expires_on: 2026-12-31}\n",
        encoding="utf-8",
    )
    with_rules(config, '[rules]\nwaivers = ["w.yaml"]\n')

    ran = yunhe("scan", "-c", config)
    assert ran.code == 4
    assert "every breach is waived, but not everything was seen" in ran.out
    assert "Violations that are waived (1)" in ran.out


def test_another_city_s_rule_is_a_file(yunhe: Yunhe, city: Path, scanned: Ran) -> None:
    """No line of code: the deadline is past for what has not moved, unless its data centre is recognised."""
    before = json.loads(yunhe("findings", "-c", city, "--format", "json").out)
    shutil.copy(EXAMPLES / "packs" / "yunze.toml", city.parent / "rule.toml")
    with_rules(
        city,
        '[rules]\npack = "rule.toml"\n[[policy.recognised]]\nname = "水利机房"\ndocument = "云数认〔2025〕2号"\n'
        'zone = "部门专网区"\ncidrs = ["192.168.9.0/24"]\n',
    )

    after = json.loads(yunhe("scan", "-c", city, "--format", "json").out)

    def verdicts(findings: list[dict[str, str]]) -> dict[tuple[str, str], str]:
        return {(f["check"], f["subject"]): f["verdict"] for f in findings}

    old, new = verdicts(before), verdicts(after["findings"])
    assert old.keys() == new.keys()
    assert {k: (old[k], new[k]) for k in old if old[k] != new[k]} == {
        ("16-migration", "S-SLJ-03"): ("advisory", "not_applicable"),
        ("16-migration", "S-ZJJ-03"): ("advisory", "fail"),
    }
    assert after["pack"]["id"] == "yunze-2024"
    # The kept scan is read without the file, under the articles of its own rule.
    (city.parent / "rule.toml").unlink()
    text = city.read_text(encoding="utf-8").replace('pack = "rule.toml"', 'pack = "laohekou-2024"')
    city.write_text(text, encoding="utf-8")
    assert "第二十五条第(七)项" in yunhe("explain", "P-2025-071", "-c", city, "--lang", "zh_CN").out


def test_policy_test_tells_what_would_differ_and_keeps_nothing(yunhe: Yunhe, city: Path, scanned: Ran) -> None:
    ran = yunhe("policy", "test", EXAMPLES / "packs" / "yunze.toml", "-c", city, "--format", "json")

    rows = {(r["check"], r["subject"]): (r["before"], r["after"]) for r in json.loads(ran.out)}
    assert rows == {
        ("16-migration", "S-SLJ-03"): ("advisory", "fail"),
        ("16-migration", "S-ZJJ-03"): ("advisory", "fail"),
    }
    assert yunhe("findings", "--scan", 2, "-c", city).code == 2


def test_packs_are_validated_shown_and_described(yunhe: Yunhe, tmp_path: Path) -> None:
    ran = yunhe("policy", "validate", "laohekou-2024", "wuhan-2021", EXAMPLES / "packs" / "yunze.toml")
    assert ran.code == 0
    assert [line.split()[0] for line in ran.out.splitlines()] == ["laohekou-2024", "wuhan-2021", "yunze-2024"]
    broken = tmp_path / "broken.toml"
    broken.write_text("id = 3", encoding="utf-8")
    assert yunhe("policy", "validate", broken).code == 2
    assert yunhe("policy", "validate", "no-such-pack").code == 2
    shown = json.loads(yunhe("policy", "show", "laohekou-2024", "--format", "json").out)
    assert shown["checks"]["14"][0] == "14-standalone-compute"
    assert json.loads(yunhe("policy", "schema").out)["$schema"].startswith("https://json-schema.org")


def test_due_dates_as_a_calendar(yunhe: Yunhe, city: Path, scanned: Ran) -> None:
    target = city.parent / "due.ics"

    ran = yunhe("due", "-c", city, "--within", "90d", "--ics", target, "--format", "json")

    rows = json.loads(ran.out)
    events = Calendar.from_ical(target.read_bytes()).walk("VEVENT")
    assert {r["kind"] for r in rows} >= {"supervision", "evaluation", "assessment", "contract"}
    assert sorted(str(e.decoded("dtstart")) for e in events) == sorted(r["due_on"] for r in rows)
    first = target.read_bytes()
    yunhe("due", "-c", city, "--within", "90d", "--ics", target)
    assert target.read_bytes() == first
    assert yunhe("due", "-c", city, "--within", "soon").code == 2
    assert json.loads(yunhe("due", "-c", city, "--no-overdue", "--within", "1d", "--format", "json").out) == []


def test_days_off_are_read_from_a_file(yunhe: Yunhe, city: Path) -> None:
    (city.parent / "2027.yaml").write_text("years: [2027]\nholidays: [2027-13-01]\n", encoding="utf-8")
    with_rules(city, '[rules]\ncalendar = "2027.yaml"\n')

    ran = yunhe("scan", "-c", city)

    assert ran.code == 2
    assert "2027.yaml" in ran.err


def test_a_department_and_a_finding_are_explained(yunhe: Yunhe, city: Path, scanned: Ran) -> None:
    department = yunhe("explain", "市交通局", "-c", city, "--lang", "zh_CN").out
    finding = yunhe("explain", "16-migration@system/S-ZJJ-03", "-c", city, "--lang", "zh_CN").out

    for words in ("云泽市交通运输局", "项目3个，系统5个，主机5台", "jtj-zc-tower", "不合规", "判断环节：条款本身"):
        assert words in department
    for words in (
        "第十六条",
        "市直各部门要推动已建非涉密政务信息系统向大数据中心政务云迁移",
        "双跑未下线",
        "laohekou-2024",
    ):
        assert words in finding


def test_a_waiver_that_names_something_classified_is_kept_nowhere(yunhe: Yunhe, city: Path) -> None:
    """Art. 28: what the do-not-scan list or the register forbids stands in no store, whoever wrote it down."""
    text = WAIVERS.replace("name: jtj-zc-tower", "name: bmj-host-01").replace(
        "subject: no-such-host", "subject: S-BMJ-01"
    )
    (city.parent / "豁免.yaml").write_text(text, encoding="utf-8")
    with_rules(city, '[rules]\nwaivers = ["豁免.yaml"]\n')

    ran = yunhe("scan", "-c", city, "--format", "json")

    store = b"".join(p.read_bytes() for p in city.parent.glob("yunhe.db*"))
    assert "2 waiver(s) name something on the do-not-scan list" in ran.err
    for words in (ran.out, ran.err):
        assert "bmj" not in words.casefold()
    assert b"bmj" not in store.lower()
