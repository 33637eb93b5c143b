"""What Prometheus is told of the last finished scan: families as data, each with one pure function over the result.

Conventions: prometheus/docs `practices/naming.md` and `instrumenting/writing_exporters.md`. What is not known has no
series: never a zero. A set of states always has all of its series, zeros included, since an alert on a series that
vanishes never fires. Labels hold codes only: no host names, addresses, people or free text, nothing classified
(Art. 28); Chinese names stand in the `_info` families alone.
"""

import hashlib
import ipaddress
import platform as python_platform
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from itertools import product
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from checks.catalogue import CATALOGUE
from checks.due import DueKind, due
from checks.freshness import freshness, last_shared_on
from checks.kpis import kpis
from checks.rectification import Duration, finding_duration, risk_duration
from checks.result import Result
from checks.utilisation import MILLI, Resource, utilisations
from checks.waivers import WAIVABLE
from inventory.coverage import CellResult, CellState
from inventory.finding import Finding, Verdict
from inventory.inventory import LAW_TIME
from inventory.names import normalise
from inventory.whole_file import whole_file

DEFAULT_MAX_AGE = timedelta(hours=36)
"""A nightly scan that is this old missed a night: its findings are withheld, its health is still told."""
MAX_SERIES = 2000
"""All families together. A family that does not fit is dropped whole (half a set of states would look like a better
night), except where its tail may go."""
MAX_NAME_CHARACTERS = 80

UNASSIGNED = "unassigned"
"""Department code of what belongs to no department, or must not be shown with one."""
_UNASSIGNED_NAME = "未归属"
PLATFORM = "platform"
"""System code of the government cloud itself 大数据中心政务云, which is filed and assessed like a system (Art. 15)."""

Sample = tuple[tuple[str, ...], float]
"""Label values in the family's order, and the value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A metric family 指标族: all of them are gauges, taken once per scan."""

    name: str
    help: str
    labels: tuple[str, ...] = ()
    samples: Callable[[Result], Iterable[Sample]]
    is_health: bool = False
    """About the scan itself: told however old the scan is."""
    tail_may_drop: bool = False
    """Samples come in order of urgency, so that a full budget may cut off the end."""


# ── labels ───────────────────────────────────────────────────────────────────────────────────────────────────────────

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._()-]{0,62}")
_USCC = re.compile(r"[0-9A-HJ-NPQRTUWXY]{18}")


def label_code(text: str) -> str:
    """A code as a label value: itself where it is plain ASCII and no address, else a stable hash `id-…`.

    Codes come from spreadsheets and captures, so anything may stand in them.
    """
    return text if _CODE.fullmatch(text) and not _holds_address(text) else _hashed(text)


def _hashed(text: str) -> str:
    return "id-" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _holds_address(text: str) -> bool:
    """Whether the text is, or contains, an IP address in dotted form."""
    for part in re.findall(r"\d+(?:\.\d+){3}", text):
        try:
            ipaddress.ip_address(part)
        except ValueError:
            continue
        return True
    return False


def source_label(source: str) -> str:
    """`openstack:NAME` with the NAME as a code."""
    kind, colon, name = source.partition(":")
    return label_code(kind) + (colon + label_code(name) if colon else "")


def department_label(name: str, code: str | None) -> str:
    """The unified social credit code (GB 32100-2015) where it has the right shape, else a hash of the name."""
    folded = unicodedata.normalize("NFKC", code or "").strip().upper()
    return folded if _USCC.fullmatch(folded) else _hashed(normalise(name))


def plain_name(text: str) -> str:
    """A name for an `_info` family: nothing that cannot be seen or changes direction, no address, at most 80 long."""
    if _holds_address(text):
        return _hashed(text)
    visible = "".join(" " if c.isspace() else c for c in text if c.isspace() or unicodedata.category(c)[0] != "C")
    return " ".join(visible.split())[:MAX_NAME_CHARACTERS]


def _end_of(day: date) -> float:
    """Unix time of the last second of a legal date in Asia/Shanghai: until then the date is kept."""
    return datetime.combine(day, time(23, 59, 59), LAW_TIME).timestamp()


# ── the scan itself ──────────────────────────────────────────────────────────────────────────────────────────────────


def _is_complete(result: Result) -> bool:
    return all(value == 1 for _, value in _source_up(result))


def _last_success(result: Result) -> Iterator[Sample]:
    if _is_complete(result):
        yield (), result.scan.finished_at.timestamp()


def _pack(result: Result) -> Iterator[Sample]:
    pack = result.policy.pack
    yield (label_code(pack.id), str(pack.version), result.policy.digest), 1


def _run_log(result: Result) -> Iterator[Sample]:
    if result.scan.head:
        yield (result.scan.head,), 1


# ── coverage ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _cells_by_source(result: Result) -> dict[str, list[CellResult]]:
    """Cells by source; a source without any cell is there too, empty."""
    coverage = result.inventory.coverage
    by_source: dict[str, list[CellResult]] = {source.name: [] for source in coverage.sources}
    for cell in coverage.results:
        by_source.setdefault(cell.cell.source, []).append(cell)
    return dict(sorted(by_source.items()))


def _source_info(result: Result) -> Iterator[Sample]:
    for source in result.inventory.coverage.sources:
        yield (source_label(source.name), label_code(source.type), plain_name(source.name.partition(":")[2])), 1


def _source_up(result: Result) -> Iterator[Sample]:
    for source, cells in _cells_by_source(result).items():
        seen = any(c.is_complete for c in cells) and not any(c.is_gap for c in cells)
        yield (source_label(source),), seen


def _coverage_cells(result: Result) -> Iterator[Sample]:
    for source, cells in _cells_by_source(result).items():
        count = Counter(c.state for c in cells)
        for state in CellState:
            yield (source_label(source), state), count[state]


def _coverage_ratio(result: Result) -> Iterator[Sample]:
    for source, cells in _cells_by_source(result).items():
        planned = [c for c in cells if c.is_complete or c.is_gap]
        if planned:
            yield (source_label(source),), sum(c.is_complete for c in planned) / len(planned)


def _ssh_hosts(result: Result) -> Iterator[Sample]:
    """One host is one scope; the worst state of its cells is the host's."""
    worst_first = [CellState.FAILED, CellState.SKIPPED, CellState.PARTIAL, CellState.COMPLETE, CellState.NOT_CONFIGURED]
    for source, cells in _cells_by_source(result).items():
        if not source.startswith("ssh:"):
            continue
        hosts: dict[str, CellState] = {}
        for cell in cells:
            before = hosts.get(cell.cell.scope, cell.state)
            hosts[cell.cell.scope] = min(before, cell.state, key=worst_first.index)
        count = Counter(hosts.values())
        for state in CellState:
            yield (source_label(source), state), count[state]


def _rejected_rows(result: Result) -> Iterator[Sample]:
    rows = {(r.source, r.file, r.sheet, r.row) for r in result.inventory.coverage.rejections}
    count = Counter(source for source, *_ in rows)
    ledgers = {s.name for s in result.inventory.coverage.sources if s.type == "ledger"}
    for source in sorted(ledgers | set(count)):
        yield (source_label(source),), count[source]


# ── verdicts ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _results(result: Result) -> Iterator[Sample]:
    count = Counter((article, f.check, f.verdict) for f in result.findings for article in f.articles)
    pairs = {(article, check.id) for check in CATALOGUE for article in check.articles}
    pairs |= {(article, check) for article, check, _ in count}
    for (article, check), verdict in product(sorted(pairs), Verdict):
        yield (label_code(article), label_code(check), verdict), count[article, check, verdict]


def _waived(result: Result) -> Iterator[Sample]:
    """Every check always has its series: an alert on one that vanishes never fires."""
    count = Counter((f.check, f.verdict) for f in result.findings if f.is_waived)
    for check, verdict in product(CATALOGUE, WAIVABLE):
        yield (label_code(check.id), verdict), count[check.id, verdict]


def _new_failures(result: Result) -> Iterator[Sample]:
    failing = [f for f in result.findings if f.verdict is Verdict.FAIL]
    known = {f.key: result.known.get(f"{f.key}={f.verdict}") for f in failing}
    if None in known.values():
        return  # since when is not known: no series, rather than "nothing new"
    number = result.scan.number
    count = Counter(f.check for f in failing if (since := known[f.key]) and since.first_scan == number)
    for check in sorted({check.id for check in CATALOGUE} | set(count)):
        yield (label_code(check),), count[check]


@dataclass(frozen=True, slots=True)
class _Departments:
    """Departments as labels know them."""

    code_by_name: dict[str, str]
    name_by_code: dict[str, str]

    def of(self, finding: Finding) -> str:
        """The label of the finding's department; nothing classified is shown with one (Art. 28)."""
        if finding.subject.department is None or _is_classified(finding):
            return UNASSIGNED
        name = normalise(finding.subject.department)
        return self.code_by_name.get(name) or _hashed(name)


def _is_classified(finding: Finding) -> bool:
    return finding.subject.kind == "classified" or "28" in finding.articles


def _departments(result: Result) -> _Departments:
    codes: dict[str, str] = {}
    names: dict[str, str] = {UNASSIGNED: _UNASSIGNED_NAME}
    for department in result.inventory.departments:
        code = department_label(department.name, department.code)
        names.setdefault(code, department.name)
        for name in (department.name, *department.other_names):
            codes.setdefault(normalise(name), code)
    for finding in result.findings:
        written = finding.subject.department
        if written is not None and not _is_classified(finding) and normalise(written) not in codes:
            names.setdefault(_hashed(normalise(written)), written)
    return _Departments(codes, dict(sorted(names.items())))


def _department_info(result: Result) -> Iterator[Sample]:
    for code, name in _departments(result).name_by_code.items():
        yield (code, plain_name(name)), 1


def _department_results(result: Result) -> Iterator[Sample]:
    departments = _departments(result)
    count = Counter((departments.of(f), f.verdict) for f in result.findings)
    for department, verdict in product(departments.name_by_code, Verdict):
        yield (department, verdict), count[department, verdict]


# ── KPIs and dates ───────────────────────────────────────────────────────────────────────────────────────────────────


def _kpi(part: str) -> Callable[[Result], Iterator[Sample]]:
    def samples(result: Result) -> Iterator[Sample]:
        for kpi in kpis(result.inventory, result.findings, result.policy, result.breaches):
            yield (label_code(kpi.name),), getattr(kpi, part)

    return samples


def _kpi_ratio(result: Result) -> Iterator[Sample]:
    for kpi in kpis(result.inventory, result.findings, result.policy, result.breaches):
        if kpi.ratio is not None:
            yield (label_code(kpi.name),), kpi.ratio


def _durations(result: Result) -> tuple[Duration, ...]:
    return risk_duration(result.inventory), finding_duration(result.breaches)


def _rectification_average(result: Result) -> Iterator[Sample]:
    for duration in _durations(result):
        if duration.average_days is not None:
            yield (label_code(duration.name),), duration.average_days * _DAY


def _rectification(part: str) -> Callable[[Result], Iterator[Sample]]:
    def samples(result: Result) -> Iterator[Sample]:
        for duration in _durations(result):
            yield (label_code(duration.name),), getattr(duration, part)

    return samples


_DAY = 86_400


def _utilisation_ratio(result: Result) -> Iterator[Sample]:
    for told in utilisations(result.inventory):
        if told.ratio is not None:
            yield (source_label(told.source), told.measure, told.resource), told.ratio


def _utilisation_unknown(result: Result) -> Iterator[Sample]:
    for told in utilisations(result.inventory):
        yield (source_label(told.source), told.measure, told.resource), told.unknown


def _utilisation_coverage(result: Result) -> Iterator[Sample]:
    for told in utilisations(result.inventory):
        if told.planned_cells:
            yield (source_label(told.source), told.measure), told.complete_cells / told.planned_cells


def _amount(resource: Resource, part: str, unit: int = 1) -> Callable[[Result], Iterator[Sample]]:
    def samples(result: Result) -> Iterator[Sample]:
        for told in utilisations(result.inventory):
            if told.resource is resource:
                yield (source_label(told.source), told.measure), getattr(told, part) / unit

    return samples


def _last_complete(result: Result) -> Iterator[Sample]:
    for told in freshness(result.inventory, result.last_complete):
        if told.last_complete_at is not None:
            yield (source_label(told.source),), told.last_complete_at.timestamp()


def _ledger_modified(result: Result) -> Iterator[Sample]:
    for told in freshness(result.inventory, result.last_complete):
        if told.modified_at is not None:
            yield (source_label(told.source),), told.modified_at.timestamp()


def _last_shared(result: Result) -> Iterator[Sample]:
    day = last_shared_on(result.inventory)
    if day is not None:
        yield (), _end_of(day)


def _mlps_due(result: Result) -> Iterator[Sample]:
    soonest: dict[tuple[str, str], date] = {}
    for entry in due(result.inventory, result.policy):
        if entry.kind not in (DueKind.ASSESSMENT, DueKind.FILING):
            continue  # classified protection is what this family is about
        system = PLATFORM if entry.subject.kind == "platform" else label_code(entry.subject.id)
        labels = (system, str(entry.kind))
        soonest[labels] = min(entry.due_on, soonest.get(labels, entry.due_on))
    for labels, day in sorted(soonest.items(), key=lambda item: (item[1], item[0])):
        yield labels, _end_of(day)


# ── the catalogue of families: in the order in which the series budget is spent ──────────────────────────────────────

_ALLOCATION = "set aside, not load"
_SEEN = "complete means that everything planned was read; a service that a source does not have is no gap"

FAMILIES = (
    Family(
        name="yunhe_policy_pack_info",
        help="The policy pack that the last finished scan judged by; always 1.",
        labels=("pack", "version", "sha256"),
        samples=_pack,
        is_health=True,
    ),
    Family(
        name="yunhe_run_log_info",
        help="Head of the store's run log up to the last finished scan, SHA-256: it holds for all before it; always 1.",
        labels=("head",),
        samples=_run_log,
        is_health=True,
    ),
    Family(
        name="yunhe_policy_pack_valid_until_timestamp_seconds",
        help="End of the last day on which the regulation is in force, Asia/Shanghai.",
        samples=lambda result: [((), _end_of(result.policy.expires_on))],
        is_health=True,
    ),
    Family(
        name="yunhe_scan_last_completion_timestamp_seconds",
        help="When the last finished scan finished, whatever it could see.",
        samples=lambda result: [((), result.scan.finished_at.timestamp())],
        is_health=True,
    ),
    Family(
        name="yunhe_scan_last_success_timestamp_seconds",
        help="When the last finished scan finished, if it was complete; absent if it was not.",
        samples=_last_success,
        is_health=True,
    ),
    Family(
        name="yunhe_scan_as_of_timestamp_seconds",
        help="The clock of the last finished scan: the moment that its findings speak of.",
        samples=lambda result: [((), result.scan.as_of.timestamp())],
        is_health=True,
    ),
    Family(
        name="yunhe_scan_duration_seconds",
        help="How long the last finished scan took.",
        samples=lambda result: [((), (result.scan.finished_at - result.scan.started_at).total_seconds())],
        is_health=True,
    ),
    Family(
        name="yunhe_scan_complete",
        help=f"1 if the last finished scan saw all of every source, else 0: {_SEEN}.",
        samples=lambda result: [((), _is_complete(result))],
        is_health=True,
    ),
    Family(
        name="yunhe_scan_exit_code",
        help="Exit code of the last finished scan: 0 compliant, 3 a check fails, 4 nothing fails but not all was seen.",
        samples=lambda result: [((), result.scan.exit_code)],
        is_health=True,
    ),
    Family(
        name="yunhe_source_info",
        help="Name of a source as the config has it; always 1.",
        labels=("source", "type", "name"),
        samples=_source_info,
    ),
    Family(
        name="yunhe_source_up",
        help=f"1 if the last finished scan saw all of the source, else 0: {_SEEN}.",
        labels=("source",),
        samples=_source_up,
    ),
    Family(
        name="yunhe_coverage_cells",
        help="Planned cells (source, scope, kind of record) of the last finished scan by the state they ended in.",
        labels=("source", "state"),
        samples=_coverage_cells,
    ),
    Family(
        name="yunhe_coverage_ratio",
        help="Complete cells over planned cells, from 0 to 1; services that the source does not have are left out.",
        labels=("source",),
        samples=_coverage_ratio,
    ),
    Family(
        name="yunhe_results",
        help="Findings by verdict. A finding counts once under each article that it stands on.",
        labels=("article", "check", "verdict"),
        samples=_results,
    ),
    Family(
        name="yunhe_waived_results",
        help="Findings by verdict that a waiver in force speaks of; they are counted in yunhe_results all the same.",
        labels=("check", "verdict"),
        samples=_waived,
    ),
    Family(
        name="yunhe_new_failures",
        help="Failing findings that the last finished scan is the first to make; absent where history is not known.",
        labels=("check",),
        samples=_new_failures,
    ),
    Family(
        name="yunhe_kpi_numerator",
        help="Subjects that are proven to be what the indicator counts.",
        labels=("kpi",),
        samples=_kpi("numerator"),
    ),
    Family(
        name="yunhe_kpi_denominator",
        help="Subjects that the indicator speaks of, the unknown ones included.",
        labels=("kpi",),
        samples=_kpi("denominator"),
    ),
    Family(
        name="yunhe_kpi_unknown",
        help="Subjects of the denominator of which it could not be decided.",
        labels=("kpi",),
        samples=_kpi("unknown"),
    ),
    Family(
        name="yunhe_kpi_coverage_cells",
        help="Planned cells (source, scope, kind of record) that the indicator rests on.",
        labels=("kpi",),
        samples=_kpi("planned_cells"),
    ),
    Family(
        name="yunhe_kpi_complete_cells",
        help="Of the planned cells that the indicator rests on, those that were read completely.",
        labels=("kpi",),
        samples=_kpi("complete_cells"),
    ),
    Family(
        name="yunhe_kpi_ratio",
        help="Numerator over denominator, from 0 to 1; absent where there is nothing to divide by.",
        labels=("kpi",),
        samples=_kpi_ratio,
    ),
    Family(
        name="yunhe_rectification_average_seconds",
        help="Average time from a risk or violation being found to its rectification; absent where none was measured.",
        labels=("kpi",),
        samples=_rectification_average,
    ),
    Family(
        name="yunhe_rectification_measured",
        help="Rectifications that the average is over: both days are known.",
        labels=("kpi",),
        samples=_rectification("measured"),
    ),
    Family(
        name="yunhe_rectification_unmeasured",
        help="Rectifications of which a day is not known, so that they are not in the average.",
        labels=("kpi",),
        samples=_rectification("unmeasured"),
    ),
    Family(
        name="yunhe_utilisation_ratio",
        help=f"Allocated over capacity, {_ALLOCATION}: used of quotas, sizes of servers of compute hosts' physical "
        "size (over 1 where overcommitted), or requests of pods of the allocatable of nodes.",
        labels=("source", "measure", "resource"),
        samples=_utilisation_ratio,
    ),
    Family(
        name="yunhe_utilisation_unknown",
        help="Tenants, hosts, servers, nodes or pods that do not tell an amount or have no limit; they are in no sum.",
        labels=("source", "measure", "resource"),
        samples=_utilisation_unknown,
    ),
    Family(
        name="yunhe_utilisation_coverage_ratio",
        help="Of the planned cells that the measure rests on, the share that was read completely, from 0 to 1.",
        labels=("source", "measure"),
        samples=_utilisation_coverage,
    ),
    Family(
        name="yunhe_cpu_allocated_cores",
        help=f"CPU or vCPU that are {_ALLOCATION}.",
        labels=("source", "measure"),
        samples=_amount(Resource.CPU, "allocated", MILLI),
    ),
    Family(
        name="yunhe_cpu_capacity_cores",
        help="CPU or vCPU that may be set aside.",
        labels=("source", "measure"),
        samples=_amount(Resource.CPU, "capacity", MILLI),
    ),
    Family(
        name="yunhe_memory_allocated_bytes",
        help=f"Memory that is {_ALLOCATION}.",
        labels=("source", "measure"),
        samples=_amount(Resource.MEMORY, "allocated"),
    ),
    Family(
        name="yunhe_memory_capacity_bytes",
        help="Memory that may be set aside.",
        labels=("source", "measure"),
        samples=_amount(Resource.MEMORY, "capacity"),
    ),
    Family(
        name="yunhe_storage_allocated_bytes",
        help="Storage that counts against quotas, written or not.",
        labels=("source", "measure"),
        samples=_amount(Resource.STORAGE, "allocated"),
    ),
    Family(
        name="yunhe_storage_capacity_bytes",
        help="Storage that quotas allow.",
        labels=("source", "measure"),
        samples=_amount(Resource.STORAGE, "capacity"),
    ),
    Family(
        name="yunhe_source_last_complete_timestamp_seconds",
        help="When the oldest part of the source's last complete reading was read, in this scan or one before it; "
        "absent where none is known.",
        labels=("source",),
        samples=_last_complete,
    ),
    Family(
        name="yunhe_ledger_modified_timestamp_seconds",
        help="When the file of a ledger was last written, as its file system says.",
        labels=("source",),
        samples=_ledger_modified,
    ),
    Family(
        name="yunhe_sharing_last_use_timestamp_seconds",
        help="End of the latest day from which a call or exchange of shared data is proven, Asia/Shanghai; of a "
        "period of calls its first day.",
        samples=_last_shared,
    ),
    Family(
        name="yunhe_ssh_hosts",
        help="Hosts asked over SSH by the worst state in which one of their cells ended.",
        labels=("source", "state"),
        samples=_ssh_hosts,
    ),
    Family(
        name="yunhe_ledger_rejected_rows",
        help="Rows of a ledger that could not be used.",
        labels=("source",),
        samples=_rejected_rows,
    ),
    Family(
        name="yunhe_department_info",
        help="Name of a department by its code; always 1.",
        labels=("department", "name"),
        samples=_department_info,
    ),
    Family(
        name="yunhe_department_results",
        help="Findings by verdict and department; each counts once, so that the sum over departments is all of them.",
        labels=("department", "verdict"),
        samples=_department_results,
    ),
    Family(
        name="yunhe_mlps_next_due_timestamp_seconds",
        help="End of the last day for a system's next MLPS assessment, or of its filing certificate, Asia/Shanghai.",
        labels=("system", "what"),
        samples=_mlps_due,
        tail_may_drop=True,
    ),
)
"""All families over a result. One line here is all that a new family needs."""

SELF_FAMILIES = {
    "yunhe_build_info": "Version of the program that tells this; always 1.",
    "yunhe_scan_stale": "1 if findings are withheld because no scan finished within the maximum age; not in textfiles.",
    "yunhe_metrics_series": "Series that are told, this one included.",
    "yunhe_metrics_dropped_series": "Series that did not fit into the series budget and are not told.",
}
"""About the exporter, so told also before the first scan: name to help."""
_SELF_LABELS = {"yunhe_build_info": ("version", "python")}


# ── telling ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def is_stale(result: Result | None, now: datetime, max_age: timedelta = DEFAULT_MAX_AGE) -> bool:
    """Whether the last finished scan is too old for its findings to be told; also where there is none."""
    return result is None or now - result.scan.finished_at > max_age


@cache
def _own_version() -> str:
    try:
        return version("yunhe")
    except PackageNotFoundError:
        return "unknown"


class ResultCollector(Collector):
    """Families of one result, computed afresh each time: no series outlives what it speaks of."""

    def __init__(
        self, result: Result | None, *, now: datetime | None, max_age: timedelta, max_series: int = MAX_SERIES
    ) -> None:
        self._result = result
        self._now = now
        self._max_age = max_age
        self._max_series = max_series

    def collect(self) -> Iterator[Metric]:
        """Families in the order of the catalogue, then what the exporter says of itself."""
        stale = None if self._now is None else is_stale(self._result, self._now, self._max_age)
        own: dict[str, float] = {"yunhe_metrics_series": 0, "yunhe_metrics_dropped_series": 0}
        if stale is not None:
            own["yunhe_scan_stale"] = stale
        budget = self._max_series - len(own) - 1
        told, dropped = 0, 0
        for family in FAMILIES if self._result is not None else ():
            if stale and not family.is_health:
                continue
            samples = _distinct(family, family.samples(self._result))  # type: ignore[arg-type]
            kept = samples
            if told + len(samples) > budget:
                kept = samples[: budget - told] if family.tail_may_drop else []
            told += len(kept)
            dropped += len(samples) - len(kept)
            if kept:
                yield _metric(family.name, family.help, family.labels, kept)
        own |= {"yunhe_metrics_series": told + len(own) + 1, "yunhe_metrics_dropped_series": dropped}
        labels = _SELF_LABELS["yunhe_build_info"]
        build = [((label_code(_own_version()), python_platform.python_version()), 1.0)]
        yield _metric("yunhe_build_info", SELF_FAMILIES["yunhe_build_info"], labels, build)
        for name in own:
            yield _metric(name, SELF_FAMILIES[name], (), [((), own[name])])


def _distinct(family: Family, samples: Iterable[Sample]) -> list[Sample]:
    """The samples with each set of labels once: one repeated series would make Prometheus refuse the whole scrape."""
    by_labels: dict[tuple[str, ...], float] = {}
    for labels, value in samples:
        if len(labels) != len(family.labels):
            raise ValueError(f"{family.name} has labels {family.labels}, a sample gives {labels}")
        by_labels.setdefault(labels, value)
    return list(by_labels.items())


def _metric(name: str, words: str, labels: tuple[str, ...], samples: Iterable[Sample]) -> Metric:
    metric = GaugeMetricFamily(name, words, labels=labels)
    for values, value in samples:
        metric.add_metric(values, float(value))
    return metric


def exposition(
    result: Result | None,
    *,
    now: datetime | None = None,
    max_age: timedelta = DEFAULT_MAX_AGE,
    max_series: int = MAX_SERIES,
) -> bytes:
    """The result in Prometheus' text format 0.0.4, without timestamps; None: before the first finished scan.

    With `now` the exposition says whether the scan is stale, and withholds its findings if it is; without, age is left
    to the reader (a textfile does not know when it is read).
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(ResultCollector(result, now=now, max_age=max_age, max_series=max_series))
    return generate_latest(registry)


def write_textfile(result: Result, path: Path) -> None:
    """Writes the exposition for the node exporter's textfile collector; a reader never sees half of it.

    Raises:
        OSError: the folder cannot be written to.
    """
    # The unfinished one does not end in .prom, or the collector would read it too. 0644: the node exporter runs as
    # somebody else.
    with whole_file(path, mode=0o644) as file:
        file.write(exposition(result))


def reference() -> str:
    """All families as a Markdown table, for the manual."""
    rows = [(f.name, f.labels, f.help, "yes" if f.is_health else "no") for f in FAMILIES]
    rows += [(name, _SELF_LABELS.get(name, ()), words, "yes") for name, words in SELF_FAMILIES.items()]
    lines = ["| family | labels | what it says | told when stale |", "|---|---|---|---|"]
    for name, labels, words, health in sorted(rows):
        lines.append(f"| `{name}` | {', '.join(f'`{x}`' for x in labels)} | {words} | {health} |")
    return "\n".join(lines) + "\n"
