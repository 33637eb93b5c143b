"""Pages for people: the report of a whole scan, and the page of conclusions on one project under Article 23(7).

Self-contained HTML: no script, no font, no image from anywhere, and a policy in the page itself that would refuse
them. Everything that came from outside passes autoescape and loses its invisible characters. The same result gives
the same bytes: a page knows no clock but the scan's.
"""

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, partial
from importlib import resources

import jinja2
from markupsafe import Markup

from checks.catalogue import CATALOGUE
from checks.freshness import freshness, last_shared_on
from checks.kpi import Kpi
from checks.kpis import kpis
from checks.policy import Policy, basis_warnings
from checks.rectification import finding_duration, risk_duration
from checks.result import Result
from checks.utilisation import MEASURES, MILLI, RESOURCES, Resource, Utilisation, utilisations
from checks.waivers import told_of
from exporters.design_table import design_rows
from exporters.dossier import Dossier, Line, dossier
from exporters.tables import plain
from exporters.words import STATES, STEPS, SUBJECT_KINDS, VERDICTS, word
from inventory.coverage import CellState, by_reason
from inventory.finding import Finding, Verdict, worst
from inventory.hosts import Place
from inventory.inventory import LAW_TIME, law_date
from inventory.text import DEFAULT_LOCALE, Message, gettext, mark, tell

_CHECKS = {check.id: check for check in CATALOGUE}

# The page of conclusions is a Chinese paper for a Chinese panel, whatever the reader's locale: its words stand here and
# in its template, so that no missing translation can put an English verdict on a paper that people sign.
VERDICTS_ZH = {
    Verdict.FAIL: "不合规",
    Verdict.UNKNOWN: "待核实",
    Verdict.ADVISORY: "提示",
    Verdict.PASS: "合规",
    Verdict.NOT_APPLICABLE: "不适用",
}
PLACES_ZH = {
    Place.CLOUD_INSTANCE: "政务云云主机",
    Place.CLOUD_INFRASTRUCTURE: "政务云基础设施",
    Place.THIRD_PARTY: "中心采购的第三方资源",
    Place.STANDALONE_PHYSICAL: "独立物理服务器",
    Place.STANDALONE_VIRTUAL: "独立虚拟机",
    Place.UNDETERMINED: "待核实",
}
STATES_ZH = {
    CellState.COMPLETE: "完整",
    CellState.PARTIAL: "不完整",
    CellState.FAILED: "失败",
    CellState.SKIPPED: "跳过",
    CellState.NOT_CONFIGURED: "未配置",
}
KINDS_ZH = {
    "host": "主机",
    "hypervisor": "计算节点",
    "tenant": "租户",
    "workload": "工作负载",
    "port": "网络端口",
    "project": "项目台账",
    "system": "系统台账",
    "department": "部门台账",
    "migration": "迁移台账",
    "design_item": "技术设计书",
    "sharing_entry": "共享目录",
    "sharing_use": "共享调用汇总",
    "mlps_filing": "等保备案",
    "mlps_assessment": "等级测评",
    "third_party": "第三方资源登记",
    "storage": "存储",
    "segment": "网段",
    "exposure": "服务入口",
    "network_policy": "网络策略",
    "volume_claim": "存储声明",
    "storage_class": "存储类",
    "quota": "配额",
    "router": "路由器",
    "floating_address": "浮动地址",
    "domain": "域",
    "role_assignment": "角色授权",
    "snapshot": "快照",
    "security_group": "对外开放的安全组",
    "load_balancer": "负载均衡",
    "flavor": "规格",
    "image": "镜像",
    "server_group": "云主机组",
    "service": "平台服务",
    "aggregate": "主机聚合",
    "bare_metal_node": "裸金属节点",
    "count_mismatch": "数目不符",
    "ownership": "归属声明",
    "declared": "登记组件（未发现）",
}
DIRECTIONS_ZH = {"provide": "提供", "consume": "使用"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Annex:
    """One file of the bundle that the page of conclusions belongs to, as its integrity list names it."""

    name: str
    title: str
    size: int
    sha256: str
    sm3: str | None


def report_html(result: Result, *, locale: str = DEFAULT_LOCALE) -> str:
    """The whole scan as one page.

    Violations come first, then what is unknown and who can settle it; every number stands beside what it was counted
    from, and what could not be seen stands above them all.
    """
    by_verdict: dict[Verdict, list[Finding]] = defaultdict(list)
    unseen: dict[str, list[Finding]] = defaultdict(list)
    for finding in result.findings:
        if finding.subject.kind == "coverage":
            unseen[finding.subject.id].append(finding)
        else:
            by_verdict[finding.verdict].append(finding)
    counts = Counter(f.verdict for f in result.findings)
    gaps = [r for r in result.inventory.coverage.results if r.is_gap]
    return _render(
        "report.html.j2",
        locale,
        result=result,
        policy=result.policy,
        warnings=tuple(basis_warnings(result.policy, law_date(result.scan.as_of))),
        counts=[(verdict, counts[verdict]) for verdict in Verdict],
        unseen=[_UnseenRow(source, unseen[source]) for source in sorted(unseen)],
        by_verdict={verdict.value: by_verdict[verdict] for verdict in Verdict},
        gaps=gaps,
        reasons=by_reason(gaps),
        cells=len(result.inventory.coverage.results),
        kpis=kpis(result.inventory, result.findings, result.policy, result.breaches),
        percent=_percent,
        durations=(risk_duration(result.inventory), finding_duration(result.breaches)),
        duration_words={"risk_rectification": _RISKS, "finding_rectification": _VIOLATIONS},
        utilisations=utilisations(result.inventory),
        measure_words=MEASURES,
        resource_words=RESOURCES,
        amount=_amount,
        ratio=_ratio,
        freshness=freshness(result.inventory, result.last_complete),
        age=partial(_age, result.inventory.as_of),
        last_shared=last_shared_on(result.inventory),
        departments=_department_rows(result),
        projects=_project_rows(result),
        designs=design_rows(result),
        rejections=result.inventory.coverage.rejections,
        clause=partial(_clause, result.policy),
        cites=partial(_cites, result.policy),
        check_title=lambda check: tell(_CHECKS[check].title, locale) if check in _CHECKS else check,
        since=partial(_since, result),
        told_of=told_of,
        step_word=lambda step: word(STEPS, step, locale),
        verdict_word=lambda verdict: word(VERDICTS, verdict, locale),
        state_word=lambda state: word(STATES, state, locale),
        subject_word=lambda kind: word(SUBJECT_KINDS, kind, locale),
        kind_word=lambda kind: KINDS_ZH.get(kind, kind) if locale == "zh_CN" else kind.replace("_", " "),
    )


def conclusion_html(
    result: Result,
    project_code: str,
    *,
    annexes: Sequence[Annex] = (),
    key_fingerprint: str | None = None,
    tool: str | None = None,
) -> str:
    """The page of conclusions on one project, with its tables: what a panel reads, holds against others, and signs.

    It is a paper to attach to the project's acceptance report, not a form of the regulation. Always in Chinese.

    Raises:
        UnknownProject: no registered project has the code.
    """
    return conclusion_of(
        dossier(result, project_code), annexes=annexes, key_fingerprint=key_fingerprint, tool=tool or result.scan.tool
    )


def conclusion_of(file: Dossier, *, annexes: Sequence[Annex], key_fingerprint: str | None, tool: str) -> str:
    """As `conclusion_html`, of a dossier that is already there."""
    policy = file.result.policy
    return _render(
        "conclusion.html.j2",
        "zh_CN",
        file=file,
        scan=file.result.scan,
        policy=policy,
        article=policy.pack.basis("23(7)"),
        warnings=tuple(basis_warnings(policy, law_date(file.result.scan.as_of))),
        halves=_halves(policy),
        lines=file.lines,
        line_reason=_line_reason,
        headline=_HEADLINES[file.verdict].format(article=policy.pack.cite("23(7)")),
        verdict_zh=VERDICTS_ZH,
        places_zh=PLACES_ZH,
        states_zh=STATES_ZH,
        kinds_zh=KINDS_ZH,
        directions_zh=DIRECTIONS_ZH,
        open_findings=[f for f in file.findings if f.verdict in (Verdict.FAIL, Verdict.UNKNOWN, Verdict.ADVISORY)],
        cites=partial(_cites, policy),
        told_of=told_of,
        roles=("建设单位", "监理单位", "承建单位", "使用单位", "验收专家组"),
        annexes=annexes,
        key_fingerprint=key_fingerprint,
        tool=tool,
    )


_HEADLINES = {
    Verdict.PASS: "符合{article}",
    Verdict.FAIL: "不符合{article}",
    Verdict.UNKNOWN: "待核实（现有证据不足以作出结论，不得视为通过）",
    Verdict.ADVISORY: "提示（{article}尚有未完成事项）",
    Verdict.NOT_APPLICABLE: "不适用{article}",
}


_MOST_COLUMNS = 96
"""What a reason may take on the first sheet, in half-width columns: the five signatures must stay on that sheet."""


def _line_reason(line: Line) -> str:
    """Why line A or B is as it is: the check's sentence, cut to what the first sheet holds, or why its pass cannot
    stand."""
    if line.finding is None:
        return "本次扫描未对该项作出判断"
    if line.verdict is Verdict.UNKNOWN and line.finding.verdict is not Verdict.UNKNOWN:
        return "与本项目有关的采集范围不完整（见附表C），已有证据不足以作出结论"
    text = plain(tell(line.finding.reason, "zh_CN"))
    columns = 0
    for position, character in enumerate(text):
        columns += 2 if unicodedata.east_asian_width(character) in "WF" else 1
        if columns > _MOST_COLUMNS:
            table = line.letter if line.verdict is Verdict.PASS else "C"
            return f"{text[:position]}……（见附表{table}）"
    return text


def _halves(policy: Policy) -> tuple[str, str]:
    """The clause of 23(7) cut at its comma into what A and B quote; the whole clause twice where it has none."""
    text = policy.pack.quote("23(7)")
    for comma in ("，", ","):
        head, found, tail = text.partition(comma)
        if found:
            return head, tail
    return text, text


def _clause(policy: Policy, finding: Finding) -> str | None:
    check = _CHECKS.get(finding.check)
    return policy.pack.quote(check.clause) if check and check.clause in policy.pack.clauses else None


def _cites(policy: Policy, finding: Finding) -> str:
    known = (*policy.pack.articles, *policy.pack.norms)
    return "、".join(policy.pack.cite(key) if policy.pack.own(key) in known else key for key in finding.articles)


def _since(result: Result, finding: Finding) -> date | None:
    known = result.known.get(f"{finding.key}={finding.verdict}")
    return law_date(known.first_at) if known else None


def _percent(kpi: Kpi) -> str:
    return _ratio(kpi.ratio)


def _ratio(ratio: float | None) -> str:
    return "—" if ratio is None else f"{100 * ratio:.1f}%"


_RISKS, _VIOLATIONS = mark("major risks found by assessments"), mark("violations found by scans")


def _amount(told: Utilisation, base_units: int) -> str:
    """Cores, or GiB."""
    return f"{base_units / (MILLI if told.resource is Resource.CPU else _GIB):.1f}".removesuffix(".0")


_GIB = 1024**3


def _age(as_of: datetime, then: datetime | None) -> str:
    """Days before the scan's clock, with one decimal; what is later has no age."""
    return "—" if then is None else f"{max((as_of - then).total_seconds(), 0) / 86_400:.1f}"


@dataclass(frozen=True, slots=True)
class _UnseenRow:
    """One source or kind that could not be seen, and the checks of which subjects may be missing therefore."""

    source: str
    findings: Sequence[Finding]

    @property
    def missing(self) -> tuple[Message, ...]:
        told = {tell(m, "en"): m for f in self.findings for m in f.missing}
        return tuple(told.values())


@dataclass(frozen=True, slots=True)
class _DepartmentRow:
    name: str | None
    counts: Mapping[Verdict, int]


def _department_rows(result: Result) -> list[_DepartmentRow]:
    """Worst first: most violations, then most unknown."""
    counts: dict[str | None, Counter[Verdict]] = defaultdict(Counter)
    for finding in result.findings:
        if finding.subject.kind not in ("classified", "coverage", "platform"):
            counts[finding.subject.department][finding.verdict] += 1
    rows = [_DepartmentRow(name, {v: count[v] for v in Verdict}) for name, count in counts.items()]
    return sorted(
        rows, key=lambda r: (r.name is None, -r.counts[Verdict.FAIL], -r.counts[Verdict.UNKNOWN], r.name or "")
    )


@dataclass(frozen=True, slots=True)
class _ProjectRow:
    code: str
    name: str
    department: str | None
    deployment: Verdict | None
    sharing: Verdict | None
    counts: Mapping[Verdict, int]
    worst: Verdict | None


def _project_rows(result: Result) -> list[_ProjectRow]:
    of_project: dict[str, list[Finding]] = defaultdict(list)
    for finding in result.findings:
        codes = set(finding.subject.projects)
        if finding.subject.kind == "project":
            codes.add(finding.subject.id)
        for code in codes:
            of_project[code].append(finding)
    rows = []
    for project in sorted(result.inventory.projects, key=lambda p: p.native_id):
        findings = of_project[project.native_id]
        own = {f.check: f.verdict for f in findings if f.subject.kind == "project"}
        count = Counter(f.verdict for f in findings)
        rows.append(
            _ProjectRow(
                project.native_id,
                project.name,
                project.department,
                own.get("23.7-deployment"),
                own.get("23.7-sharing"),
                {v: count[v] for v in Verdict},
                worst([f.verdict for f in findings]) if findings else None,
            )
        )
    return rows


# ── rendering ────────────────────────────────────────────────────────────────────────────────────────────────────────


@cache
def _environment(locale: str) -> jinja2.Environment:
    """The templates for readers of one language: each is compiled once, whatever the number of pages."""
    folder = resources.files("exporters") / "templates_html"
    texts = {entry.name: entry.read_text(encoding="utf-8") for entry in folder.iterdir() if entry.is_file()}
    environment = jinja2.Environment(
        loader=jinja2.DictLoader(texts),
        autoescape=True,
        finalize=partial(_shown, locale),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"day": _day, "moment": moment, "grouped": _grouped}
    return environment


def _render(template: str, locale: str, **values: object) -> str:
    return (
        _environment(locale)
        .get_template(template)
        .render(locale=locale, lang="zh-CN" if locale == "zh_CN" else "en", _=partial(_sentence, locale), **values)
    )


def _sentence(locale: str, sentence: str, **values: object) -> str:
    return gettext(sentence, locale).format(**values) if values else gettext(sentence, locale)


def _shown(locale: str, value: object) -> object:
    """What a template writes: messages told, nothing for None, invisible characters gone, markup of ours as it is."""
    if isinstance(value, Markup):
        return value
    if value is None:
        return "—"
    if isinstance(value, Message):
        return plain(tell(value, locale))
    if isinstance(value, date | datetime):
        return value.isoformat()
    return plain(value) if isinstance(value, str) else value


def _day(value: date | datetime | None) -> str | None:
    if isinstance(value, datetime):
        value = law_date(value)
    return value.isoformat() if value else None


def moment(value: datetime | None) -> str | None:
    """Local time in Asia/Shanghai, to the minute."""
    return value.astimezone(LAW_TIME).strftime("%Y-%m-%d %H:%M") if value else None


def _grouped(text: str) -> str:
    """A long hexadecimal number in groups of eight, which people can compare."""
    return " ".join(text[i : i + 8] for i in range(0, len(text), 8))
