"""The example city: what is planted is found, and nothing else is."""

import json
import tomllib
import zipfile
from pathlib import Path

import pytest
from command import Ran, Yunhe
from example_city import EXAMPLES

from inventory.store import Store

PLANTED = tomllib.loads((EXAMPLES / "planted.toml").read_text(encoding="utf-8"))


def subjects(finding: dict[str, object]) -> set[object]:
    return {finding["subject"], finding["name"]}


@pytest.mark.parametrize("verdict", ["fail", "unknown", "advisory"])
def test_what_is_planted_is_found_and_nothing_else(scanned: Ran, verdict: str) -> None:
    told = [f for f in json.loads(scanned.out)["findings"] if f["verdict"] == verdict]
    planted = {(check, subject) for entry in PLANTED[verdict] for check, subject in entry["findings"]}

    missed = [p for p in sorted(planted) if not any(f["check"] == p[0] and p[1] in subjects(f) for f in told)]
    extra = [f for f in told if not any((f["check"], s) in planted for s in subjects(f))]

    assert missed == []
    assert [(f["check"], f["subject"], f["name"], f["reason"]) for f in extra] == []
    assert scanned.code == 3


@pytest.mark.parametrize("entry", PLANTED["lawful"], ids=lambda e: e["what"].rpartition(" · ")[2])
def test_what_only_looks_wrong_is_lawful(scanned: Ran, entry: dict[str, list[list[str]]]) -> None:
    findings = json.loads(scanned.out)["findings"]

    for check, verdict, subject in entry["findings"]:
        mine = [f for f in findings if f["check"] == check and (subject == "*" or subject in subjects(f))]
        assert {f["verdict"] for f in mine} == {verdict}


def test_something_classified_is_written_down_nowhere(yunhe: Yunhe, city: Path, scanned: Ran) -> None:
    """Art. 28: the register's row and the do-not-scan list leave a placeholder and a count."""
    yunhe("report", "-c", city, "-o", city.parent / "report.html")
    for capture in (EXAMPLES / "yunze" / "captures").iterdir():
        with zipfile.ZipFile(capture) as archive:
            text = b"".join(archive.read(name) for name in archive.namelist()).decode()
        assert "bmj" not in text.casefold()
    page = (city.parent / "report.html").read_text(encoding="utf-8")
    with Store(city.parent / "yunhe.db") as store:
        kept = store.load()
    for words in (scanned.out, scanned.err, page, repr(kept)):
        assert "bmj" not in words.casefold()
        assert "P-2025-991" not in words
        assert "专用系统" not in words
        assert "专项建设" not in words


def test_the_page_of_planted_things_lists_each_of_them() -> None:
    page = (EXAMPLES / "README.md").read_text(encoding="utf-8")

    for verdict in ("fail", "unknown", "advisory", "lawful"):
        for entry in PLANTED[verdict]:
            assert entry["what"] in page
            for finding in entry["findings"]:
                assert f"{finding[0]} `{finding[-1]}`" in page


def test_the_same_night_is_judged_the_same_to_the_byte(yunhe: Yunhe, city: Path, scanned: Ran) -> None:
    again = yunhe("scan", "-c", city, "--format", "json")

    first, second = (json.loads(ran.out) for ran in (scanned, again))
    assert first["findings"] == second["findings"]
    assert first["scan"]["digest"] == second["scan"]["digest"]


def test_explain_speaks_the_operator_s_language(yunhe: Yunhe, city: Path, scanned: Ran) -> None:
    out = yunhe("explain", "zjj-cg-app01", "-c", city, "--lang", "zh_CN").out

    for words in ("UUID 相同（字节序相反）", "政务云", "S-ZJJ-01", "合规", "原始文档 SHA-256"):
        assert words in out


def test_evidence_of_a_project_is_built_and_verified(yunhe: Yunhe, city: Path, scanned: Ran) -> None:
    bundle = city.parent / "evidence.zip"

    assert yunhe("evidence", "build", "P-9", "-c", city, "-o", bundle).code == 2
    (before,) = json.loads(yunhe("store", "prune", "--dry-run", "-c", city, "-f", "json").out)
    assert "cited" not in before["because"]
    assert yunhe("evidence", "build", "P-2025-011", "-c", city, "-o", bundle).code == 0
    (after,) = json.loads(yunhe("store", "prune", "--dry-run", "-c", city, "-f", "json").out)
    assert "cited" in after["because"]
    assert yunhe("evidence", "verify", bundle).code == 0

    data = bytearray(bundle.read_bytes())
    data[len(data) // 2] ^= 1
    bundle.write_bytes(bytes(data))
    ran = yunhe("evidence", "verify", bundle)
    assert ran.code == 6
    assert "Traceback" not in ran.err
    # A key that is none says nothing of the bundle.
    assert yunhe("evidence", "verify", bundle, "--public-key", city).code == 2


def test_declared_stands_beside_actual(yunhe: Yunhe, city: Path, scanned: Ran) -> None:
    """The same table on a terminal, as JSON in base units, in `explain` and in the report."""
    told = json.loads(yunhe("design", "-c", city, "--project", "P-2025-101", "--format", "json").out)

    by_quantity = {row["quantity"]: row for row in told}
    assert list(by_quantity) == ["components", "vcpu_milli", "memory_bytes", "disk_bytes", "addresses"]
    cpu = by_quantity["vcpu_milli"]
    assert (cpu["declared"], cpu["actual"], cpu["difference"], cpu["tolerance_percent"]) == (64_000, 3_000, -61_000, 10)
    assert {(row["project"], row["is_within"], row["verdict"]) for row in told} == {("P-2025-101", "false", "advisory")}
    assert "vCPU（核）" in yunhe("design", "-c", city, "--lang", "zh_CN").out
    story = yunhe("explain", "P-2025-101", "-c", city, "--lang", "zh_CN").out
    assert "申报与实际对照" in story
    assert "vCPU（核）：申报64，实际3，差异-61，容差10%" in story
    yunhe("report", "-c", city, "-o", city.parent / "report.html")
    page = (city.parent / "report.html").read_text(encoding="utf-8")
    assert '<td class="num">64</td><td class="num">3</td><td class="num">-61</td><td class="num">10%</td>' in page
    nobody = yunhe("design", "-c", city, "--project", "P-9")
    assert (nobody.code, "P-9" in nobody.err, "Traceback" in nobody.err) == (2, True, False)


def test_metrics_are_written_for_the_node_exporter(yunhe: Yunhe, city: Path, scanned: Ran) -> None:
    target = city.parent / "yunhe.prom"

    assert yunhe("export", "prometheus", "--textfile", target, "-c", city).code == 0
    text = target.read_text()
    assert 'yunhe_results{article="14",check="14-standalone-compute",verdict="fail"} 3.0' in text
    # What failed is in the history of the store from its first scan on; the ledger's days make an average.
    failing = sum(f["verdict"] == "fail" for f in json.loads(scanned.out)["findings"])
    assert f'yunhe_kpi_denominator{{kpi="finding_rectification"}} {failing}.0' in text
    assert 'yunhe_kpi_ratio{kpi="risk_rectification"} 0.9375' in text
    assert 'yunhe_rectification_average_seconds{kpi="risk_rectification"}' in text
    assert 'yunhe_utilisation_ratio{measure="hypervisor",resource="cpu",source="openstack:yunze"}' in text
    assert 'yunhe_source_last_complete_timestamp_seconds{source="kubernetes:wjj"}' not in text
    assert "jtj-zc-tower" not in text


def test_a_capture_does_not_decide_for_itself_that_it_is_the_government_cloud(yunhe: Yunhe, city: Path) -> None:
    """Whoever collects could call any cloud the government's, and its machines would be lawful."""
    text = city.read_text(encoding="utf-8")
    city.write_text("\n".join(line for line in text.splitlines() if not line.startswith("sources =")), encoding="utf-8")

    ran = yunhe("scan", "-c", city, "--format", "json")

    findings = json.loads(ran.out)["findings"]
    hosts = [f["verdict"] for f in findings if f["check"] == "14-standalone-compute" and f["subject_kind"] == "host"]
    assert "pass" not in hosts
    assert "fail" not in hosts
    assert "openstack:yunze" in ran.err
    assert "platform.sources" in ran.err
