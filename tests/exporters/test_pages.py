"""Pages that people read and sign: nothing hostile comes through, nothing is kinder than the checks."""

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import catalogues
import msgspec
import pytest
import result_builder as build
from hypothesis import given, settings
from hypothesis import strategies as st
from services import need_program

from checks.result import Result
from exporters import pages
from exporters.dossier import UnknownProject, dossier
from inventory.coverage import CellState, Coverage, Rejection
from inventory.finding import Subject, Verdict
from inventory.hosts import Place
from inventory.records import ClassifiedTrace, View
from inventory.text import gettext, msg

HOSTILE = "<script>alert(1)</script>\"'&{{7*7}}\u202egnp.exe\x00\x1b[31m\u2066=cmd|' /C calc'!A0"


@pytest.fixture(autouse=True)
def _chinese(monkeypatch: pytest.MonkeyPatch) -> None:
    catalogues.use_sources(monkeypatch)


def conclusion(result: Result, code: str = build.EDU) -> str:
    return pages.conclusion_html(result, code)


def headline(html: str) -> str:
    found = re.search(r'<div class="overall[^"]*">.*?</span>(.*?)</div>', html, re.DOTALL)
    assert found is not None
    return found[1]


def verdicts(html: str) -> list[str]:
    return re.findall(r'<td class="keep hei">[AB] .*?<span class="verdict \w+">(.*?)</span>', html, re.DOTALL)


# ── the page of conclusions ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_project_that_is_fine_is_told_so_with_the_clause_and_its_evidence() -> None:
    html = conclusion(build.result())

    assert headline(html) == "符合第二十三条第(七)项"
    assert verdicts(html) == ["合规", "合规"]
    assert "“部署在(迁移至)大数据中心政务云”" in html
    assert "“实现了数据资源共享”" in html
    for text in ("edu-app-01", "10.20.1.11", "edu-prod", "420682-JY-0007", "2026-10-31", "1842", "2026-11-21 02:30"):
        assert text in html


def test_a_component_off_the_cloud_is_named_and_the_page_says_no() -> None:
    html = conclusion(build.result(), build.ESTATE)

    assert headline(html) == "不符合第二十三条第(七)项"
    assert verdicts(html) == ["不合规", "待核实"]
    assert "zrzy-tower" in html
    assert "192.168.8.9" in html


def test_unknown_is_never_dressed_as_a_pass() -> None:
    """The word 符合 must not stand on the paper at all, lest somebody read it with half an eye."""
    html = conclusion(build.result(), build.PARKING)

    assert headline(html).startswith("待核实")
    assert "符合" not in html
    assert "park-db-01" in html
    assert "请数据共享平台提供近90日调用汇总" in html


@pytest.mark.parametrize("state", [CellState.PARTIAL, CellState.FAILED, CellState.SKIPPED])
def test_a_gap_where_the_project_was_seen_turns_its_pass_into_unknown(state: CellState) -> None:
    """Half a listing of the project's own cloud proves nothing of the half that was not listed."""
    city = build.with_cells(build.inventory(), build.cells(cloud=state))

    html = conclusion(build.result(city))

    assert verdicts(html) == ["待核实", "合规"]
    assert headline(html).startswith("待核实")
    assert "控制节点10.8.0.2拒绝连接" in html


def test_a_gap_elsewhere_leaves_the_project_alone() -> None:
    """Another department's box that did not answer says nothing of this project."""
    assert dossier(build.result(), build.EDU).gaps == ()


def test_a_rejected_row_of_the_project_turns_its_pass_into_unknown() -> None:
    city = build.inventory()
    row = Rejection(source=build.SHARING, file="共享目录.xlsx", sheet="目录", row=9, column="挂接日期 (H)",
                    value="待定", expected=msg("日期"), touches=("sys-edu",))  # fmt: skip
    seen = Coverage(city.coverage.sources, city.coverage.results, [row])

    html = conclusion(build.result(replace(city, coverage=seen)))

    assert verdicts(html) == ["合规", "待核实"]
    assert "第9行" in html


def test_a_line_that_nobody_judged_is_unknown() -> None:
    told = [f for f in build.findings(build.inventory()) if f.check != "23.7-sharing"]

    assert dossier(build.result(told=told), build.EDU).verdict is Verdict.UNKNOWN


@settings(deadline=None)
@given(st.sampled_from(list(Verdict)), st.sampled_from(list(Verdict)), st.booleans())
def test_the_page_is_never_kinder_than_the_checks(deployed: Verdict, shared: Verdict, is_seen: bool) -> None:
    """Whatever the two checks say: 符合 needs both to pass (or not to apply), and full sight."""
    city = build.with_cells(build.inventory(), build.cells(CellState.COMPLETE if is_seen else CellState.FAILED))
    own = city.projects[0]
    told = [
        build.finding(check, build.subject_of(own, build.EDU), verdict, "理由")
        for check, verdict in (("23.7-deployment", deployed), ("23.7-sharing", shared))
    ]

    verdict = dossier(build.result(city, told), build.EDU).verdict

    if Verdict.FAIL in (deployed, shared):
        assert verdict is Verdict.FAIL
    elif Verdict.UNKNOWN in (deployed, shared):
        assert verdict is Verdict.UNKNOWN
    if verdict is Verdict.PASS:
        assert {deployed, shared} <= {Verdict.PASS, Verdict.NOT_APPLICABLE}
        assert is_seen or deployed is Verdict.NOT_APPLICABLE


def test_the_paper_claims_no_seal_and_no_official_form() -> None:
    html = conclusion(build.result())

    assert "不具有电子签章" in html
    assert "附件3" not in html
    for role in ("建设单位", "监理单位", "承建单位", "使用单位", "验收专家组", "市城市运行管理中心"):
        assert role in html


def test_other_projects_stay_out_of_the_paper() -> None:
    """An acceptance file leaves the centre: it names nobody else's systems, hosts or tenants."""
    html = conclusion(build.result())

    for text in ("SYS-PARK", "智慧停车", "不动产", "zrzy-tower", "estate-prod", build.ESTATE, build.PARKING, "old-nas"):
        assert text not in html


def test_an_unknown_project_is_told_with_codes_near_it() -> None:
    with pytest.raises(UnknownProject, match="LHK-2024-01") as caught:
        conclusion(build.result(), "LHK-2024-01")

    assert build.EDU in caught.value.near


# ── the report ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_report_tells_violations_first_and_what_could_not_be_seen_above_all() -> None:
    html = pages.report_html(build.result())

    order = (
        "有未能查看的范围 一、概况 二、不合规 三、待核实 四、提示 五、按部门 六、按项目 七、申报与实际对照 "
        "八、采集覆盖 九、无法使用"
    )
    places = [html.index(heading) for heading in order.split()]
    assert places == sorted(places)
    assert "第二十三条" in html
    assert "各地各部门不再单独新建服务器存储能力、计算资源" in html
    for text in ("2024年13月", "挂接日期 (H)", "17", "老河口市", "laohekou-2024 1", "5e5e5e5e"):
        assert text in html


def test_numbers_stand_beside_what_they_were_counted_from() -> None:
    result = build.result()
    html = pages.report_html(result)

    for kpi in pages.kpis(result.inventory, result.findings, result.policy):
        assert f"{kpi.numerator} / {kpi.denominator}" in html


def test_the_report_speaks_english_where_asked() -> None:
    assert "2. Violations (3)" in pages.report_html(build.result(), locale="en")


def test_an_empty_scan_has_a_report() -> None:
    """No findings, no sources: nothing may be divided by, and nothing may be called fine."""
    city = replace(build.inventory(), coverage=Coverage([], []), projects=(), systems=(), hosts=())

    html = pages.report_html(build.result(city, told=[]))

    assert "未发现已证实的不合规事项" in html


def test_a_basis_that_has_expired_is_said_on_every_page() -> None:
    later = build.NIGHT.replace(year=2029, month=3)
    result = build.result(as_of=later)

    assert "2029-01-14" in pages.report_html(result)
    assert "2029-01-14" in conclusion(result)


def test_nothing_of_classified_things_but_their_number_is_told() -> None:
    trace = ClassifiedTrace(source=build.CLOUD, native_id="host", observed_at=build.NIGHT, what="host", count=1)
    city = replace(build.inventory(), classified_traces=(trace,))

    assert build.CLOUD + "|classified_trace" not in pages.report_html(build.result(city))
    assert "classified" not in conclusion(build.result(city))


# ── hostile input ────────────────────────────────────────────────────────────────────────────────────────────────────


def hostile_result() -> Result:
    """A city in which every name is an attack."""
    city = build.inventory()
    project = build.project(name=HOSTILE, department=HOSTILE, systems=("SYS-EDU",))
    system = build.system(name=HOSTILE, department=HOSTILE)
    seen = build.sighting(HOSTILE, HOSTILE, View.SERVER, zone=HOSTILE, tenant=HOSTILE)
    host = build.host(seen, Place.CLOUD_INSTANCE, "SYS-EDU")
    entry = msgspec.structs.replace(city.sharing_entries[0], name=HOSTILE, direction=HOSTILE, resource_type=HOSTILE)
    cells = [
        build.cell(build.CLOUD, HOSTILE, "host", CellState.FAILED, unseen=(HOSTILE,), reason=msg("{x}", x=HOSTILE))
    ]
    row = Rejection(source=HOSTILE, file=HOSTILE, sheet=HOSTILE, row=1, column=HOSTILE, value=HOSTILE,
                    expected=msg("{x}", x=HOSTILE), touches=("SYS-EDU",))  # fmt: skip
    city = replace(
        city,
        coverage=Coverage(city.coverage.sources, cells, [row]),
        projects=(project,),
        systems=(system,),
        hosts=(host,),
        sharing_entries=(entry,),
    )
    subject = Subject(kind="project", id=build.EDU, name=HOSTILE, department=HOSTILE, projects=(build.EDU, HOSTILE))
    told = [
        build.finding(check, subject, verdict, HOSTILE, missing=(msg("{x}", x=HOSTILE),), remedy=msg("{x}", x=HOSTILE))
        for check, verdict in (
            ("23.7-deployment", Verdict.FAIL),
            ("23.7-sharing", Verdict.UNKNOWN),
            (HOSTILE, Verdict.FAIL),
        )
    ]
    return build.result(city, told, tool=HOSTILE)


@pytest.mark.parametrize("page", [pages.report_html, conclusion])
def test_hostile_names_are_text(page: object) -> None:
    html = page(hostile_result())  # type: ignore[operator]

    assert "<script" not in html.lower()
    assert "&lt;script&gt;" in html
    assert "{{7*7}}" in html
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", html)


@settings(deadline=None)
@given(st.text(min_size=1))
def test_no_name_opens_an_element(name: str) -> None:
    """The number of elements is that of the page itself, whatever a project is called."""

    def tags(project_name: str) -> int:
        city = build.inventory()
        projects = (build.project(name=project_name, systems=("SYS-EDU",)), *city.projects[1:])
        return conclusion(build.result(replace(city, projects=projects))).count("<")

    assert tags(name) == tags("甲")


def test_pages_load_nothing_and_run_nothing() -> None:
    for html in (pages.report_html(build.result()), conclusion(build.result())):
        assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in html
        assert not re.search(r"<script|<link|<img|<iframe|https?://|@import|url\(", html)


def test_the_same_result_gives_the_same_bytes() -> None:
    assert pages.report_html(build.result()) == pages.report_html(build.result())
    assert conclusion(build.result()) == conclusion(build.result())


# ── the words ────────────────────────────────────────────────────────────────────────────────────────────────────────


def sentences() -> Iterator[str]:
    """Every sentence of the templates and modules of pages and evidence that is shown in the reader's language."""
    room = Path(pages.__file__).parent
    for template in (room / "templates_html").glob("*.html.j2"):
        yield from re.findall(r"""_\("([^"]*)\"""", template.read_text(encoding="utf-8"))
    for name in ("pages", "dossier", "evidence", "signing", "stored_zip", "words"):
        for node in ast.walk(ast.parse((room / f"{name}.py").read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("msg", "mark"):
                sentence = node.args[0]
                assert isinstance(sentence, ast.Constant)
                yield str(sentence.value)


def test_the_report_tells_how_long_rectification_took_and_how_old_the_data_is() -> None:
    html = pages.report_html(build.result())

    assert '<td>扫描发现的不合规事项</td><td class="num">8.0</td><td class="num">1</td>' in html
    assert '<td>等级测评发现的重大风险隐患</td><td class="num">—</td><td class="num">0</td>' in html
    assert '<td>ssh:departments</td><td class="keep">2026-11-18 02:30</td><td class="num">3.0</td>' in html
    assert "可证实的最近一次使用为2026-10-31" in html


def test_the_report_calls_what_is_set_aside_no_load() -> None:
    html = pages.report_html(build.result())

    assert "资源利用率（分配口径，不是负载）" in html
    assert '<td class="num">25.0%</td><td class="num">5 / 20</td><td class="num">1</td>' in html


def test_every_sentence_has_its_chinese() -> None:
    found = set(sentences())

    assert len(found) > 80
    assert [s for s in found if gettext(s, "zh_CN") == s] == []


def test_translations_keep_the_placeholders() -> None:
    """A placeholder that is misspelt would break the report of one night, not of the night it was written."""

    def fields(sentence: str) -> set[str]:
        return set(re.findall(r"{(\w+)}", sentence))

    assert [s for s in set(sentences()) if fields(s) != fields(gettext(s, "zh_CN"))] == []


# ── in a browser ─────────────────────────────────────────────────────────────────────────────────────────────────────


_PRINTED = (657, 1009)
"""A4 without the margins of the style sheet, in CSS pixels: 174 mm by 267 mm."""


@pytest.mark.chromium
@pytest.mark.parametrize("page", ["report", "conclusion"])
def test_the_page_in_a_browser(page: str, tmp_path: Path) -> None:
    """In Chromium: no console message, no request beside the file itself, Chinese glyphs on the screen, and the
    conclusions with their signatures on the first sheet of paper."""
    chromium = need_program("chromium")
    from playwright.sync_api import sync_playwright

    html = pages.report_html(build.result()) if page == "report" else conclusion(wordy_result())
    file = tmp_path / "page.html"
    file.write_text(html, encoding="utf-8")
    flags = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync",
             "--disable-quic"]  # fmt: skip
    complaints: list[str] = []
    requests: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=flags)
        tab = browser.new_page(viewport={"width": 1000, "height": 1400})
        tab.on("console", lambda m: complaints.append(m.text))
        tab.on("pageerror", lambda e: complaints.append(str(e)))
        tab.on("request", lambda r: requests.append(r.url))
        tab.goto(file.as_uri())
        text = tab.inner_text("body")
        widths = {glyph: _ink(tab, glyph) for glyph in "项目政务云"}
        overflow = tab.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        tab.set_viewport_size({"width": _PRINTED[0], "height": _PRINTED[1]})
        tab.emulate_media(media="print")
        first = tab.evaluate("(document.querySelector('.first') || document.querySelector('h1')).offsetHeight")
        browser.close()

    assert complaints == []
    assert requests == [file.as_uri()]
    assert "第二十三条" in text
    assert overflow <= 0
    # A font without the glyph draws the same box for all of them.
    assert len(set(widths.values())) == len(widths)
    assert first <= _PRINTED[1]


def wordy_result() -> Result:
    """A project about which there is much to say: the signatures must stay on the first sheet all the same."""
    city = build.inventory()
    own = build.project(name="老河口市" + "智慧城市综合管理服务" * 4, systems=("SYS-EDU",))
    system = build.system(name="一个名称很长的政务信息系统" * 3)
    city = replace(city, projects=(own, *city.projects[1:]), systems=(system, *city.systems[1:]))
    told = [
        build.finding(check, build.subject_of(own, build.EDU), Verdict.UNKNOWN, "组件位置未能证实，" * 60,
                      evidence=(own.key, system.key, *city.hosts[0].evidence))
        for check in ("23.7-deployment", "23.7-sharing", "23-acceptance")
    ]  # fmt: skip
    return build.result(city, told)


def _ink(tab: object, glyph: str) -> bytes:
    """What the browser really paints for the character."""
    tab.evaluate(  # type: ignore[attr-defined]
        """g => {
            let e = document.getElementById('probe') || document.body.appendChild(document.createElement('div'));
            e.id = 'probe'; e.textContent = g;
            e.style.cssText = 'position:fixed;top:0;left:0;width:60px;height:60px;font-size:48px;' +
                              'line-height:60px;background:#fff;z-index:9'; }""",
        glyph,
    )
    return bytes(tab.locator("#probe").screenshot())  # type: ignore[attr-defined]
