"""Against the real thing: promtool reads what is told, and a real Prometheus answers every query that we ship.

Grafana itself cannot be had here: of the dashboard, its queries run and its structure is compared with what Grafana's
provisioning asks for.
"""

import inspect
import json
import socket
import subprocess
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import result_builder
import yaml
from services import need_program

from checks.catalogue import CATALOGUE
from checks.kpis import kpis
from checks.result import Result
from exporters.metrics import FAMILIES, SELF_FAMILIES, exposition, write_textfile
from exporters.server import DEFAULT_PORT, serve
from inventory.coverage import CellState
from inventory.finding import Verdict
from inventory.hosts import Place
from inventory.records import MlpsAssessment, MlpsFiling, Quota, View
from inventory.scan import Known

pytestmark = pytest.mark.prometheus

DEPLOY = Path(__file__).parents[2] / "deploy"
ALERTS = DEPLOY / "prometheus" / "alerts.yml"
DASHBOARD = json.loads((DEPLOY / "grafana" / "dashboards" / "yunhe-overview.json").read_text(encoding="utf-8"))
RULES = [r for g in yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"] for r in g["rules"]]
PANELS = [p for p in DASHBOARD["panels"] if p["type"] != "row"]
TARGETS = [pytest.param(t, id=f"{p['title']}-{t['refId']}") for p in PANELS for t in p["targets"]]

FIRING = {"YunheScanIncomplete", "YunheNewNonCompliance", "YunheMlpsAssessmentDue"}
"""What the scan below gives cause for: a host that did not answer, a first failure, an assessment due in a month."""


def city_tonight() -> Result:
    """A scan that finished an hour ago, with one of everything that the dashboard shows."""
    finished = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    last_year = (finished - timedelta(days=335)).date()
    in_ledger: dict[str, Any] = {"source": result_builder.REGISTER, "observed_at": finished, "system": "SYS-EDU"}
    city = result_builder.inventory(
        as_of=finished,
        systems=tuple(
            replace_level(s, 3) if s.native_id == "SYS-EDU" else s for s in result_builder.inventory().systems
        ),
        filings=(
            MlpsFiling(
                native_id="filing-1", number="42060012345-00001", level=3, filed_on=last_year,
                valid_to=date(finished.year + 2, 1, 31), **in_ledger,
            ),
        ),
        assessments=(
            MlpsAssessment(
                native_id="assessment-1", report_number="42060012345-00001-25-4201-01", reported_on=last_year,
                filing_number="42060012345-00001", conclusion="基本符合", score=82.0, major_risks=2,
                major_risks_rectified=2, rectified_on=last_year + timedelta(days=30), **in_ledger,
            ),
        ),
    )  # fmt: skip
    city = replace(city, hosts=(*city.hosts, *machines()), quotas=(*city.quotas, volumes_of("t-edu")))
    result = result_builder.result(
        city, started_at=finished - timedelta(minutes=11), finished_at=finished, as_of=finished, head="3a" * 32
    )
    first = next(f for f in result.findings if f.verdict is Verdict.FAIL)
    known = {**result.known, f"{first.key}=fail": Known(first_scan=result.scan.number, first_at=finished)}
    return replace(result, known=known)


def machines() -> tuple[Any, ...]:
    """A compute host of the cloud."""
    seen = result_builder.sighting(
        "compute-1", "1", View.HYPERVISOR, source=result_builder.CLOUD, vcpus=64, memory_bytes=256 * 1024**3
    )
    return (result_builder.host(seen, Place.CLOUD_INFRASTRUCTURE),)


def volumes_of(tenant: str) -> Quota:
    """What Cinder counts for a tenant."""
    return Quota(
        source=result_builder.CLOUD, native_id=f"cinder/{tenant}", observed_at=result_builder.NIGHT, name="cinder",
        tenant=tenant, limits={"gigabytes": 1000 * 1024**3}, used={"gigabytes": 250 * 1024**3},
    )  # fmt: skip


def replace_level(system: Any, level: int) -> Any:
    """The system at this MLPS level."""
    import msgspec

    return msgspec.structs.replace(system, mlps_level=level)


def run(*command: str, text: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    """A program's outcome, whatever its exit code."""
    return subprocess.run(command, input=text, capture_output=True, timeout=120, check=False)


# ── promtool ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("result", [None, result_builder.result(), city_tonight()], ids=["none", "built", "tonight"])
def test_promtool_finds_nothing_to_mend_in_the_metrics(result: Result | None) -> None:
    promtool = need_program("promtool")
    done = run(promtool, "check", "metrics", text=exposition(result, now=datetime.now(UTC)))

    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_promtool_finds_nothing_to_mend_in_the_textfile(tmp_path: Path) -> None:
    promtool = need_program("promtool")
    write_textfile(city_tonight(), tmp_path / "yunhe.prom")
    done = run(promtool, "check", "metrics", text=(tmp_path / "yunhe.prom").read_bytes())

    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_the_alert_rules_are_valid_and_do_what_they_say() -> None:
    promtool = need_program("promtool")

    for arguments in (["check", "rules"], ["test", "rules"], ["check", "config"]):
        name = {"check rules": "alerts.yml", "test rules": "alerts.test.yml"}.get(" ".join(arguments), "prometheus.yml")
        done = run(promtool, *arguments, str(DEPLOY / "prometheus" / name))
        assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_is_tried_both_ways() -> None:
    """alerts.test.yml has a case where it fires and a case where it does not."""
    cases = yaml.safe_load((DEPLOY / "prometheus" / "alerts.test.yml").read_text(encoding="utf-8"))["tests"]
    tried = {(a["alertname"], bool(a["exp_alerts"])) for case in cases for a in case["alert_rule_test"]}

    assert len(RULES) == 5
    assert tried == {(rule["alert"], fires) for rule in RULES for fires in (True, False)}


def test_the_example_scrapes_where_the_command_listens() -> None:
    from commands import metrics

    assert inspect.signature(metrics.serve).parameters["port"].default == DEFAULT_PORT
    config = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))

    (job,) = config["scrape_configs"]
    assert (job["job_name"], job["static_configs"]) == ("yunhe", [{"targets": [f"127.0.0.1:{DEFAULT_PORT}"]}])


# ── a real Prometheus ────────────────────────────────────────────────────────────────────────────────────────────────


def free_port() -> int:
    """A port of loopback that was free a moment ago."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Prometheus:
    """A Prometheus on loopback, asked through its HTTP API."""

    def __init__(self, port: int) -> None:
        self.port = port

    def get(self, path: str, **arguments: str | float) -> Any:
        """`data` of a successful answer."""
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(arguments)}"
        with urllib.request.urlopen(url, timeout=20) as answer:
            document = json.load(answer)
        assert document["status"] == "success", document
        assert not document.get("warnings"), document
        return document["data"]

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The series that an instant query gives."""
        data = self.get("query", query=expression)
        return [] if data["resultType"] == "string" else list(data["result"])

    def query_range(self, expression: str) -> list[dict[str, Any]]:
        """The series of the last two minutes, every five seconds."""
        now = time.time()
        return list(self.get("query_range", query=expression, start=now - 120, end=now, step=5)["result"])


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Prometheus with our example config, scraping a real `serve` every second."""
    program = need_program("prometheus")
    result = city_tonight()
    stop, ready = threading.Event(), threading.Event()
    ports: list[int] = []

    def is_ready(port: int) -> None:
        ports.append(port)
        ready.set()

    server = threading.Thread(
        target=serve, args=(lambda: result,), kwargs={"host": "127.0.0.1", "port": 0, "ready": is_ready, "stop": stop}
    )
    server.start()
    process = None
    try:
        assert ready.wait(10)
        folder = tmp_path_factory.mktemp("prometheus")
        config = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))
        config["global"] = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
        rules = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))
        rules["groups"][0]["interval"] = "1s"  # the rules as they are, only sooner
        (folder / "alerts.yml").write_text(yaml.safe_dump(rules, allow_unicode=True), encoding="utf-8")
        config["scrape_configs"][0]["static_configs"] = [{"targets": [f"127.0.0.1:{ports[0]}"]}]
        (folder / "prometheus.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
        port = free_port()
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [program, f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}",
                 f"--web.listen-address=127.0.0.1:{port}"],
                stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
        answers = Prometheus(port)
        wait_for_scrape(answers, process, folder / "log")
        yield answers
    finally:
        if process is not None:
            process.terminate()
            process.wait(30)
        stop.set()
        server.join(20)


def wait_for_scrape(prometheus: Prometheus, process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Returns when two scrapes are in."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            counted = prometheus.query('count_over_time(up{job="yunhe"}[1m])')
        except OSError:
            counted = []
        if counted and float(counted[0]["value"][1]) >= 2:
            return
        time.sleep(0.3)
    pytest.fail(f"Prometheus did not scrape within a minute: {log.read_text()[-2000:]}")


def test_prometheus_takes_every_series_and_adds_nothing(prometheus: Prometheus) -> None:
    """No collision with its own labels (`exported_…`), none refused."""
    stored = prometheus.query('{__name__=~"yunhe_.+"}')

    assert prometheus.query('up{job="yunhe"} == 1')
    assert len(stored) == float(prometheus.query("yunhe_metrics_series")[0]["value"][1])
    assert not [s for s in stored if any(label.startswith("exported_") for label in s["metric"])]


def test_prometheus_has_every_family_that_the_scan_gives(prometheus: Prometheus) -> None:
    """Not told are only those that this scan gives no cause for."""
    stored = {s["metric"]["__name__"] for s in prometheus.query('{__name__=~"yunhe_.+"}')}

    absent = {"yunhe_scan_last_success_timestamp_seconds"}
    assert stored | absent == {f.name for f in FAMILIES} | set(SELF_FAMILIES)
    assert not stored & absent


@pytest.mark.parametrize("target", TARGETS)
def test_every_query_of_the_dashboard_has_an_answer(prometheus: Prometheus, target: dict[str, Any]) -> None:
    """An empty panel on a city that has one of everything is a query that never worked."""
    ask = prometheus.query if target["instant"] else prometheus.query_range
    answer = ask(target["expr"])

    assert answer
    for one in answer:
        numbers = [one["value"]] if target["instant"] else one["values"]
        assert all(n not in ("NaN", "+Inf", "-Inf") for _, n in numbers)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_every_alert_fires_where_it_should_and_only_there(prometheus: Prometheus, rule: dict[str, Any]) -> None:
    assert bool(prometheus.query(rule["expr"])) == (rule["alert"] in FIRING)


def test_prometheus_evaluates_all_five_rules(prometheus: Prometheus) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        groups = prometheus.get("rules")["groups"]
        rules = [rule for group in groups for rule in group["rules"]]
        if len(rules) == 5 and all(rule["health"] == "ok" for rule in rules):
            break
        time.sleep(1)

    assert [(rule["name"], rule["health"]) for rule in rules] == [(rule["alert"], "ok") for rule in RULES]


def test_a_scrape_takes_a_fraction_of_its_timeout(prometheus: Prometheus) -> None:
    assert max(float(s["value"][1]) for s in prometheus.query("max_over_time(scrape_duration_seconds[1m])")) < 0.5


# ── what Grafana will read ───────────────────────────────────────────────────────────────────────────────────────────


def test_the_dashboard_can_be_provisioned() -> None:
    """Fixed uid, no id of another Grafana, datasource by variable, no leftovers of an export."""
    assert (DASHBOARD["id"], DASHBOARD["uid"], DASHBOARD["title"]) == (None, "yunhe-overview", "云核总览")
    assert not [key for key in DASHBOARD if key.startswith("__")]
    assert [v["name"] for v in DASHBOARD["templating"]["list"]] == ["datasource"]
    ids = [p["id"] for p in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))
    for panel in PANELS:
        for where in (panel, *panel["targets"]):
            assert where["datasource"] == {"type": "prometheus", "uid": "${datasource}"}, panel["title"]


def test_no_two_panels_overlap() -> None:
    taken: dict[tuple[int, int], str] = {}
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                assert taken.setdefault((x, y), panel["title"]) == panel["title"]


def test_coverage_stands_above_every_verdict() -> None:
    first_row = [p["title"] for p in PANELS if p["gridPos"]["y"] == 0]

    assert first_row[:3] == ["距上次完成扫描", "扫描完整性", "覆盖率"]


def names_on(title: str, column: str) -> set[str]:
    """Codes that the panel's column shows by a Chinese name."""
    (panel,) = [p for p in PANELS if p["title"] == title]
    (override,) = [o for o in panel["fieldConfig"]["overrides"] if o["matcher"]["options"] == column]
    (mapping,) = [p["value"][0]["options"] for p in override["properties"] if p["id"] == "mappings"]
    return set(mapping)


def test_every_code_has_a_chinese_name_on_the_dashboard() -> None:
    result = city_tonight()

    assert names_on("指标明细", "指标") == {k.name for k in kpis(result.inventory, result.findings, result.policy)}
    assert names_on("各条款结论", "条款") == {article for check in CATALOGUE for article in check.articles}


def test_provisioning_names_the_folder_and_the_datasource() -> None:
    folder = DEPLOY / "grafana" / "provisioning"
    (source,) = yaml.safe_load((folder / "datasources" / "yunhe.yaml").read_text(encoding="utf-8"))["datasources"]
    (provider,) = yaml.safe_load((folder / "dashboards" / "yunhe.yaml").read_text(encoding="utf-8"))["providers"]

    assert (source["type"], source["access"], source["url"]) == ("prometheus", "proxy", "${PROMETHEUS_URL}")
    assert (provider["type"], provider["options"]) == ("file", {"path": "/var/lib/grafana/dashboards"})


def test_a_gap_in_the_builder_is_what_the_alerts_rest_on() -> None:
    """The fixture's city has an incomplete source: without it the alert test would prove nothing."""
    states = {c.state for c in city_tonight().inventory.coverage.results}

    assert CellState.FAILED in states
