"""What Prometheus is told: the whole text, word for word, and what must never be in it."""

import os
import re
import stat
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
import result_builder
from prometheus_client.parser import text_string_to_metric_families

from checks.catalogue import CATALOGUE
from checks.result import Result
from exporters.metrics import (
    FAMILIES,
    MAX_SERIES,
    SELF_FAMILIES,
    exposition,
    label_code,
    plain_name,
    reference,
    write_textfile,
)
from inventory.coverage import CellState, Coverage, SourceInfo
from inventory.finding import Subject, Verdict
from inventory.records import Department
from inventory.scan import Known

EXPECTED = Path(__file__).with_name("exposition.txt")
MANUAL = Path(__file__).parents[2] / "docs" / "metrics.md"
SCAN = result_builder.result()
NOW = SCAN.scan.finished_at + timedelta(hours=1)

Series = dict[tuple[str, frozenset[tuple[str, str]]], float]


def series(text: bytes) -> Series:
    """The exposition as Prometheus would take it."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def value(text: bytes, name: str, /, **labels: str) -> float | None:
    """One series' value; None where there is no such series."""
    return series(text).get((name, frozenset(labels.items())))


def department(name: str, code: str | None = None) -> Department:
    """A row of the register of departments."""
    return Department(source="ledger:register", native_id=name, observed_at=NOW, name=name, code=code)


def of_departments(*departments: Department) -> Result:
    """The scan with these departments in the register, and one failing finding for each."""
    city = result_builder.inventory(departments=departments)
    told = [
        result_builder.finding(
            "14-standalone-compute",
            Subject(kind="host", id=f"h{n}", name="secret-host", department=d.name),
            Verdict.FAIL,
            "10.1.2.3",
        )
        for n, d in enumerate(departments)
    ]
    return result_builder.result(city, told)


def test_the_whole_exposition() -> None:
    """A reader of the file sees exactly what Prometheus sees.

    After a wanted change: YUNHE_WRITE_EXPECTED=1 writes the file anew, and the diff is reviewed.
    """
    text = exposition(SCAN, now=NOW).decode()
    text = re.sub(r"(yunhe_build_info)\{.*\}", r'\1{python="PYTHON",version="VERSION"}', text)
    text = text.replace(SCAN.policy.pack.digest, "SHA256")
    if os.environ.get("YUNHE_WRITE_EXPECTED") == "1":
        EXPECTED.write_text(text, encoding="utf-8")

    assert text == EXPECTED.read_text(encoding="utf-8")


def test_every_verdict_of_every_check_has_a_series() -> None:
    """Zeros too: an alert on a series that vanishes never fires."""
    told = series(exposition(SCAN))

    for check in CATALOGUE:
        for article in check.articles:
            for verdict in Verdict:
                labels = frozenset({("article", article), ("check", check.id), ("verdict", str(verdict))})
                assert ("yunhe_results", labels) in told


def test_every_state_of_every_source_has_a_series() -> None:
    told = series(exposition(SCAN))

    for source in SCAN.inventory.coverage.sources:
        for state in CellState:
            assert ("yunhe_coverage_cells", frozenset({("source", source.name), ("state", str(state))})) in told


def test_each_finding_counts_once_among_departments() -> None:
    told = series(exposition(SCAN))

    assert sum(v for (name, _), v in told.items() if name == "yunhe_department_results") == len(SCAN.findings)


def test_before_the_first_scan_there_is_no_zero_of_anything() -> None:
    told = {name for name, _ in series(exposition(None))}

    assert told == {"yunhe_build_info", "yunhe_metrics_series", "yunhe_metrics_dropped_series"}


def test_a_textfile_does_not_say_how_old_it_is() -> None:
    """It is read long after it was written: it would say "fresh" for ever."""
    assert b"yunhe_scan_stale" not in exposition(SCAN)
    assert value(exposition(SCAN, now=NOW), "yunhe_scan_stale") == 0


def test_no_sample_has_a_timestamp() -> None:
    """The textfile collector refuses files with timestamps."""
    lines = [x for x in exposition(SCAN, now=NOW).decode().splitlines() if not x.startswith("#")]

    assert all(re.fullmatch(r"[a-z_]+(\{.*\})? [-+.e\d]+", line) for line in lines)


def test_a_source_with_a_gap_is_not_up_and_the_scan_not_complete() -> None:
    text = exposition(SCAN)

    assert value(text, "yunhe_source_up", source=result_builder.PROBE) == 0
    assert value(text, "yunhe_source_up", source=result_builder.CLOUD) == 1  # its missing service is no gap
    assert value(text, "yunhe_scan_complete") == 0
    assert value(text, "yunhe_scan_last_success_timestamp_seconds") is None


def test_a_source_that_nobody_looked_at_is_not_up() -> None:
    """No cell at all is no complete cell, and no ratio either."""
    city = result_builder.inventory(coverage=Coverage([SourceInfo(name="openstack:east", type="openstack")], []))
    text = exposition(result_builder.result(city))

    assert value(text, "yunhe_source_up", source="openstack:east") == 0
    assert value(text, "yunhe_coverage_ratio", source="openstack:east") is None


def test_a_complete_scan_is_a_success() -> None:
    good = [c for c in result_builder.cells() if c.state is not CellState.FAILED]
    text = exposition(result_builder.result(result_builder.with_cells(SCAN.inventory, good)))

    assert value(text, "yunhe_scan_complete") == 1
    assert value(text, "yunhe_scan_last_success_timestamp_seconds") == SCAN.scan.finished_at.timestamp()


def test_new_failures_are_those_first_made_by_this_scan() -> None:
    failing = [f for f in SCAN.findings if f.verdict is Verdict.FAIL]
    new = f"{failing[0].key}=fail"
    known = {**SCAN.known, new: Known(first_scan=SCAN.scan.number, first_at=NOW)}
    text = exposition(replace(SCAN, known=known))

    assert value(text, "yunhe_new_failures", check=failing[0].check) == 1
    assert value(text, "yunhe_new_failures", check="16-deployment") == 0


def test_without_history_nothing_is_said_of_what_is_new() -> None:
    """No series rather than "nothing new"."""
    assert b"yunhe_new_failures{" not in exposition(replace(SCAN, known={}))


def test_nothing_but_codes_is_in_labels() -> None:
    """No host, address, person, file or sentence; names of departments and sources in the _info families alone."""
    text = exposition(SCAN, now=NOW).decode()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            codes = {k: v for k, v in sample.labels.items() if not (k == "name" and family.name.endswith("_info"))}
            assert all(v.isascii() and " " not in v for k, v in codes.items() if k != "pack"), sample
    for secret in (
        "zrzy-tower",
        "edu-app-01",
        "park-db-01",
        "old-nas",
        "10.20.1.11",
        "192.168.8.9",
        "共享目录",
        "停车",
    ):
        assert secret not in text


def test_nothing_classified_has_a_department() -> None:
    """Art. 28: that there is something may be counted, whose it is may not be shown."""
    told = [
        result_builder.finding(
            "28-classified",
            Subject(kind="classified", id="*", name="涉密", department="市教育局"),
            Verdict.FAIL,
            "trace",
        )
    ]
    text = exposition(result_builder.result(told=told))

    assert value(text, "yunhe_department_results", department="unassigned", verdict="fail") == 1
    failing = [
        labels
        for (name, labels), v in series(text).items()
        if name == "yunhe_department_results" and v and ("verdict", "fail") in labels
    ]
    assert len(failing) == 1


def test_a_department_is_its_social_credit_code() -> None:
    text = exposition(of_departments(department("市财政局", " 11420682011158671e ")))

    code = "11420682011158671E"
    assert value(text, "yunhe_department_results", department=code, verdict="fail") == 1
    assert value(text, "yunhe_department_info", department=code, name="市财政局") == 1


def test_a_department_without_a_code_has_a_stable_one() -> None:
    """The same name gives the same code every night, however it is spaced; other names give others."""
    one = exposition(of_departments(department("市财政局"), department("市公安局")))
    two = exposition(of_departments(department("市公安局"), department("市 财政局")))

    def codes(text: bytes) -> set[str]:
        return {dict(labels)["department"] for (name, labels) in series(text) if name == "yunhe_department_info"}

    assert codes(one) == codes(two)
    assert len(codes(one)) == 3


def test_nothing_to_divide_by_has_no_ratio() -> None:
    """0 of 0 is neither 0 % nor 100 %, and no series is what Prometheus knows for that."""
    text = exposition(SCAN)

    assert value(text, "yunhe_kpi_denominator", kpi="crypto_assessment") == 0
    assert value(text, "yunhe_kpi_ratio", kpi="crypto_assessment") is None
    assert value(text, "yunhe_kpi_ratio", kpi="finding_rectification") == pytest.approx(1 / 3)


def test_a_ratio_is_its_numerator_over_its_denominator() -> None:
    told = series(exposition(SCAN))
    ratios = {labels: v for (name, labels), v in told.items() if name == "yunhe_kpi_ratio"}

    assert ratios
    for labels, ratio in ratios.items():
        assert ratio == told["yunhe_kpi_numerator", labels] / told["yunhe_kpi_denominator", labels]


def test_the_average_of_rectification_is_told_in_seconds_and_only_where_it_was_measured() -> None:
    text = exposition(SCAN)

    assert value(text, "yunhe_rectification_average_seconds", kpi="finding_rectification") == 8 * 86_400
    assert value(text, "yunhe_rectification_average_seconds", kpi="risk_rectification") is None
    assert value(text, "yunhe_rectification_measured", kpi="risk_rectification") == 0


def test_utilisation_stands_in_base_units_with_what_is_not_told_beside_it() -> None:
    """One tenant has no limit of cores: it is in neither sum."""
    text = exposition(SCAN)
    where = {"source": result_builder.CLOUD, "measure": "quota"}

    assert value(text, "yunhe_cpu_allocated_cores", **where) == 5
    assert value(text, "yunhe_cpu_capacity_cores", **where) == 20
    assert value(text, "yunhe_memory_allocated_bytes", **where) == 48 * 1024**3
    assert value(text, "yunhe_utilisation_ratio", **where, resource="cpu") == 0.25
    assert value(text, "yunhe_utilisation_unknown", **where, resource="cpu") == 1
    assert value(text, "yunhe_utilisation_ratio", **where, resource="storage") is None


def test_a_source_that_is_not_whole_tells_when_it_last_was() -> None:
    """Of the probe one host did not answer tonight; the store knows of a night on which all did."""
    text = exposition(SCAN)
    name = "yunhe_source_last_complete_timestamp_seconds"

    assert value(text, "yunhe_source_up", source=result_builder.PROBE) == 0
    assert value(text, name, source=result_builder.PROBE) == result_builder.NIGHT.replace(day=17).timestamp()
    assert value(text, name, source=result_builder.SHARING) is None


def test_the_age_of_a_ledger_is_its_files() -> None:
    text = exposition(SCAN)
    name = "yunhe_ledger_modified_timestamp_seconds"

    assert value(text, name, source=result_builder.REGISTER) == result_builder.NIGHT.replace(month=10).timestamp()
    assert value(text, name, source=result_builder.SHARING) is None
    assert value(text, name, source=result_builder.CLOUD) is None


HOSTILE = (
    'quote " and \\ backslash',
    "line\nbreak 1\n# TYPE evil counter\nevil 1",
    "\x1b[31mred\x07",
    "\u202etxt.exe\u200b",
    "lone \ud800 surrogate",
    "10.1.2.3",
    "<script>alert(1)</script>",
    "=HYPERLINK(1)",
    "名" * 5000,
    "",
    "{}",
    "unassigned",
)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_department_is_one_clean_series(name: str) -> None:
    text = exposition(of_departments(department(name, name)))

    told = series(text)
    codes = {dict(labels)["department"] for (metric, labels) in told if metric == "yunhe_department_results"}
    names = {dict(labels)["name"] for (metric, labels) in told if metric == "yunhe_department_info"}
    assert all(re.fullmatch(r"unassigned|id-[0-9a-f]{12}", code) for code in codes)
    assert len(codes) == 2
    assert all(n.isprintable() and len(n) <= 80 for n in names)
    assert not any(metric.startswith("evil") for metric, _ in told)


@pytest.mark.parametrize(
    "text", [*HOSTILE[:-1], "a b", "SYS 1", "web01@10.0.0.1", "停车系统", "x" * 64, "host-10.20.1.11"]
)
def test_what_is_no_code_becomes_a_hash(text: str) -> None:
    assert re.fullmatch(r"id-[0-9a-f]{12}", label_code(text))


@pytest.mark.parametrize("text", ["SYS-EDU", "23(7)", "14-standalone-compute", "1.2.3", "mlps", "lhk_2024.1"])
def test_a_code_stays_as_it_is(text: str) -> None:
    assert label_code(text) == text


def test_names_lose_what_cannot_be_seen() -> None:
    assert plain_name("市\u202e教育局\x00\n 信息\t中心") == "市教育局 信息 中心"


def test_two_departments_with_one_code_are_one() -> None:
    """A repeated series would make Prometheus refuse the whole scrape."""
    code = "11420682011158671E"
    text = exposition(of_departments(department("市财政局", code), department("财政局", code))).decode()
    lines = [x.rpartition(" ")[0] for x in text.splitlines() if not x.startswith("#")]

    assert len(lines) == len(set(lines))
    assert f'yunhe_department_results{{department="{code}",verdict="fail"}} 2.0' in text


def test_the_budget_drops_whole_families_and_says_so() -> None:
    """Half of a set of states would look like a better night."""
    many = of_departments(*(department(f"第{n}局") for n in range(500)))
    text = exposition(many, now=NOW)
    told = series(text)

    assert len(told) <= MAX_SERIES
    assert value(text, "yunhe_metrics_series") == len(told)
    assert value(text, "yunhe_metrics_dropped_series") == 501 * len(Verdict)
    assert not any(name == "yunhe_department_results" for name, _ in told)
    assert any(name == "yunhe_results" for name, _ in told)


def test_the_number_of_series_is_told() -> None:
    for text in (exposition(SCAN), exposition(SCAN, now=NOW), exposition(None)):
        assert value(text, "yunhe_metrics_series") == len(series(text))
        assert value(text, "yunhe_metrics_dropped_series") == 0


def test_health_is_told_within_the_smallest_budget() -> None:
    text = exposition(SCAN, now=NOW, max_series=12)

    assert len(series(text)) <= 12
    assert value(text, "yunhe_scan_last_completion_timestamp_seconds") == SCAN.scan.finished_at.timestamp()


def test_the_regulation_ends_with_its_last_day() -> None:
    """2029-01-14 through its last second in Laohekou, eight hours ahead of UTC."""
    end = value(exposition(SCAN), "yunhe_policy_pack_valid_until_timestamp_seconds")

    assert SCAN.policy.expires_on == date(2029, 1, 14)
    assert end == 1863100799  # 2029-01-14T15:59:59Z


def test_a_textfile_is_replaced_whole(tmp_path: Path) -> None:
    target = tmp_path / "yunhe.prom"
    target.write_bytes(b"old")
    write_textfile(SCAN, target)

    assert target.read_bytes() == exposition(SCAN)
    assert [p.name for p in tmp_path.iterdir()] == ["yunhe.prom"]
    assert stat.S_IMODE(target.stat().st_mode) == 0o644


def test_a_failed_write_leaves_the_old_textfile(tmp_path: Path) -> None:
    """A folder that is in the way of the new file: the old one stands, no rest lies about."""
    target = tmp_path / "yunhe.prom"
    (target / "in the way").mkdir(parents=True)

    with pytest.raises(OSError, match=r"yunhe\.prom"):
        write_textfile(SCAN, target)
    assert [p.name for p in tmp_path.iterdir()] == ["yunhe.prom"]


def test_the_same_scan_gives_the_same_bytes(tmp_path: Path) -> None:
    write_textfile(SCAN, tmp_path / "a.prom")
    write_textfile(result_builder.result(), tmp_path / "b.prom")

    assert (tmp_path / "a.prom").read_bytes() == (tmp_path / "b.prom").read_bytes()


def test_names_follow_the_conventions() -> None:
    """prometheus/docs practices/naming.md: one prefix, base units at the end, no counters among gauges."""
    names = [f.name for f in FAMILIES] + list(SELF_FAMILIES)

    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"yunhe_[a-z]+(_[a-z]+)*", n) and not n.endswith("_total") for n in names)
    assert all(f.help.endswith(".") and "\n" not in f.help for f in FAMILIES)


def test_the_manual_lists_every_family() -> None:
    """docs/metrics.md holds the table as the code gives it; YUNHE_WRITE_EXPECTED=1 writes it anew."""
    begin, end = "<!-- families: begin -->\n", "<!-- families: end -->\n"
    head, _, rest = MANUAL.read_text(encoding="utf-8").partition(begin)
    table, _, tail = rest.partition(end)
    if os.environ.get("YUNHE_WRITE_EXPECTED") == "1":
        table = reference()
        MANUAL.write_text(f"{head}{begin}{table}{end}{tail}", encoding="utf-8")

    assert table == reference()
