"""The city's ledgers, as messy as real ones: several formats and encodings, titles, two-row and merged headers, notes,
totals, dates as text, nulls of every kind, and a few cells that cannot be used.
"""

import csv
import io
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import openpyxl
import xlwt
from city_plan import (
    CENTRE,
    CLASSIFIED_HOST,
    DEPARTMENTS,
    EXTRANET,
    INTERNET,
    PLANTED,
    PLATFORM_FILING,
    PRIVATE,
    SSH_HOSTS,
    STEPS,
    SYSTEMS,
    Department,
    Project,
    Steps,
    System,
    assessed_on,
    filing_number,
    projects,
)
from openpyxl.styles import Alignment, Font
from openpyxl.worksheet.worksheet import Worksheet

Cell = str | int | float | date | None


def social_credit_code(department: Department) -> str:
    """A code with valid check characters (GB 32100-2015, GB 11714-1997); the organisation is invented."""
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    weights = (3, 7, 9, 10, 5, 8, 4, 2)
    body = department.organisation
    check = 11 - sum(w * int(c) for w, c in zip(weights, body, strict=True)) % 11
    organisation = body + {10: "X", 11: "0"}.get(check, str(check))
    text = "11429921" + organisation
    total = sum(alphabet.index(c) * pow(3, i, 31) for i, c in enumerate(text))
    return text + alphabet[(31 - total % 31) % 31]


def write_ledgers(folder: Path, today: date) -> None:
    """Writes every ledger of the city into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    _departments(folder / "单位名录.csv")
    _projects(folder / "项目台账.xlsx")
    _systems(folder / "信息系统台账.xlsx", today)
    _filings(folder / "等保备案台账.xlsx")
    _assessments(folder / "等保测评台账.csv", today)
    _sharing_entries(folder / "共享目录.csv", today)
    _sharing_uses(folder / "共享调用月报.xls", today)
    _design_books(folder / "技术设计书资源表.xlsx")
    _third_party(folder / "第三方资源.xlsx", today)
    _segments(folder / "网段规划.csv")
    _assets(folder / "服务器资产.xlsx", today)
    _ownership(folder / "归属声明.csv")
    (folder / "免扫清单.txt").write_text(f"# 涉密,不扫描\n{CLASSIFIED_HOST}\n192.168.254.0/24\n", encoding="utf-8")


def _csv(path: Path, rows: Sequence[Sequence[Cell]], encoding: str) -> None:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerows([["" if c is None else c for c in row] for row in rows])
    path.write_bytes(buffer.getvalue().encode(encoding))


def _title(sheet: Worksheet, text: str, width: int) -> None:
    sheet.append([text])
    sheet.merge_cells(start_row=1, start_column=1, end_row=1, end_column=width)
    sheet["A1"].font = Font(bold=True, size=16)
    sheet["A1"].alignment = Alignment(horizontal="center")


def _chinese(day: date | None) -> str:
    """One of the ways in which people write a date."""
    if day is None:
        return "-"
    ways = (f"{day.year}年{day.month}月{day.day}日", f"{day.year}.{day.month}.{day.day}", day.isoformat())
    return ways[day.toordinal() % 3]


def _departments(path: Path) -> None:
    rows: list[list[Cell]] = [["单位名称", "统一社会信用代码", "简称/曾用名"]]
    rows += [[d.name, social_credit_code(d), d.short] for d in (*DEPARTMENTS, CENTRE)]
    _csv(path, rows, "gb18030")


def _projects(path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    sheet.title = "项目台账"
    groups = ["基本信息"] * 8 + ["时间节点"] * 10 + ["第三方测评"] * 5 + ["资源"] * 2
    names = ["项目编号", "项目名称", "建设单位", "统一社会信用代码", "项目类别", "资金来源", "层级", "是否涉密"]
    names += [
        "立项批复日期",
        "中标日期",
        "监理申请日期",
        "初验日期",
        "试运行起",
        "试运行止",
        "终验日期",
        "投入运行日期",
    ]
    names += [
        "验收报告报送日期",
        "自评价报告日期",
        "是否平台类",
        "是否含数据采集",
        "软件测评报告编号",
        "软件测评报告日期",
    ]
    names += ["软件测评结论", "包含系统", "云租户"]
    _title(sheet, "云泽市信息化项目台账", len(names))
    sheet.append(groups)
    sheet.append(names)
    for first, last in ((1, 8), (9, 18), (19, 23), (24, 25)):
        sheet.merge_cells(start_row=2, start_column=first, end_row=2, end_column=last)
    every = projects()
    for project in every:
        sheet.append(_project_row(project))
    # The department's cell is merged over its projects, as people do.
    for index in range(0, len(DEPARTMENTS) * 3, 3):
        for column in (3, 4):
            sheet.merge_cells(start_row=4 + index, end_row=6 + index, start_column=column, end_column=column)
    sheet.append(["P-2025-991", "××专项建设项目", "××单位", None, "新建", "政府投资", "市本级", "是"])
    sheet.append(["合计", f"{len(every) + 1}个"])
    sheet.append([])
    sheet.append(["注:1.本表由市城运中心汇总;2.“-”“无”表示不涉及。"])
    book.save(path)


def _project_row(project: Project) -> list[Cell]:
    steps = STEPS.get(project.code, Steps())
    awarded, accepted = project.awarded, steps.accepted or project.accepted
    applied = steps.applied_after_days if project.is_built else None
    old = project.accepted if steps.initial is None else None
    number, tested, conclusion = steps.test_report or ("无", None, "-")
    return [
        project.code,
        project.name,
        project.department.name,
        social_credit_code(project.department),
        project.kind,
        project.funding,
        "市本级",
        "否",
        _chinese(awarded - timedelta(days=75)),
        awarded,
        _chinese(awarded + timedelta(days=applied)) if applied is not None else "/",
        steps.initial or (old - timedelta(days=60) if old else "无"),
        steps.trial_start or (old - timedelta(days=55) if old else "/"),
        _chinese(steps.trial_end) if steps.trial_end else "/",
        accepted or "-",
        _chinese(accepted) if accepted else "-",
        steps.report or (old + timedelta(days=10) if old else "-"),
        _chinese(steps.evaluated) if steps.evaluated else "-",
        "是" if steps.is_platform else "否",
        "否",
        number,
        tested or "-",
        conclusion,
        "、".join(project.systems) or "无",
        "，".join(project.tenants) or "—",
    ]


def _systems(path: Path, today: date) -> None:
    book = openpyxl.Workbook()
    new = book.active
    assert isinstance(new, Worksheet)
    new.title = "2025年新建"
    old = book.create_sheet("历年存量")
    header = ["系统编号", "系统名称", "建设单位", "建设性质", "建成时间", "层级", "资金来源", "是否涉密", "等保级别"]
    header += ["云租户", "主机", "现部署位置", "计划开始", "计划割接", "实际割接", "原服务器处置"]
    for sheet, wanted in ((new, True), (old, False)):
        _title(sheet, f"云泽市政务信息系统台账({sheet.title})", len(header))
        sheet.append(header)
        for system in SYSTEMS:
            if system.is_new is wanted:
                sheet.append(_system_row(system, today))
        sheet.append(["填表说明：等保级别按备案证明填写。"])
    # A classified system: its row says so, and nothing of it may be kept.
    old.insert_rows(5)
    for column, value in enumerate(
        ["S-BMJ-01", "××专用系统", "××单位", "已建", "2019-01-01", "市本级", "财政", "是"], 1
    ):
        old.cell(5, column, value)
    old.cell(5, 11, CLASSIFIED_HOST)
    book.save(path)


def _system_row(system: System, today: date) -> list[Cell]:
    level = {2: ("二级", "第二级", "S2A2G2"), 3: ("三级", "第三级", "S3A3G3")}[system.level][len(system.name) % 3]
    built: Cell = (date(2025, 9, 1) if system.is_new else date(2019, 6, 1)) + timedelta(days=len(system.name))
    if system.code == PLANTED.rejected_system:
        built = "二〇一九年前后"
    hosts = "、".join(h.alias for h in SSH_HOSTS if h.system == system.code)
    is_moved = not system.is_new and (system.servers or system.namespace)
    moved = today - timedelta(days=200 + 3 * system.slot) if is_moved else None
    place = "政务云" if system.servers or system.namespace else "本单位机房"
    if system.code == "S-SLJ-03":
        plan: tuple[Cell, Cell] = (None, None)
    elif moved:
        plan = (moved - timedelta(days=90), moved - timedelta(days=5))
    elif system.is_new:
        plan = ("-", "-")
    else:
        plan = (today - timedelta(days=30), today + timedelta(days=120))
    return [
        system.code,
        system.name,
        system.department.short if system.slot % 2 else system.department.name,
        "新建" if system.is_new else "已建",
        built,
        "市本级",
        "财政性资金",
        "否",
        level,
        f"{system.department.key}-prod" if system.servers else "无",
        hosts or "-",
        place,
        *plan,
        _chinese(moved),
        "下线" if moved and system.code != "S-ZJJ-03" else "-",
    ]


def _filings(path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    sheet.title = "备案"
    header = [
        "序号",
        "定级对象(系统)名称",
        "备案单位",
        "安全保护等级",
        "备案证明编号",
        "备案日期",
        "备案模板版本",
        "是否云平台",
    ]
    _title(sheet, "网络安全等级保护备案台账", len(header))
    sheet.append(header)
    sheet.append([1, "云泽市大数据中心政务云", CENTRE.name, "三级", PLATFORM_FILING, date(2025, 8, 20), "2025", "是"])
    for number, system in enumerate(SYSTEMS, 2):
        certificate: Cell = filing_number(system)
        if system.code == PLANTED.numeric_filing:
            certificate = float(filing_number(system).replace("-", ""))
        filed = date(2025, 9, 1) + timedelta(days=number)
        level = {2: "第二级", 3: "S3A3G3"}[system.level]
        sheet.append([number, system.name, system.department.name, level, certificate, _chinese(filed), "2025版", "否"])
    book.save(path)


def _assessments(path: Path, today: date) -> None:
    header: list[Cell] = [
        "定级对象名称",
        "测评报告编号",
        "备案证明编号",
        "测评报告日期",
        "测评结论",
        "得分/符合率",
        "重大风险隐患",
        "整改完成日期",
        "密评结论",
        "密评报告日期",
    ]
    platform = today - timedelta(days=120)
    rows: list[list[Cell]] = [[*header, "是否云平台"]]
    report = f"{PLATFORM_FILING}-{platform:%y}-4201-01"
    rows.append(["云泽市大数据中心政务云", report, PLATFORM_FILING, _chinese(platform), "符合", "93.5", "0", "-",
                 "符合", _chinese(platform), "是"])  # fmt: skip
    for system in SYSTEMS:
        day = assessed_on(system, today)
        conclusion, score = PLANTED.conclusions.get(system.code, ("基本符合" if system.slot % 2 else "符合", 91.0))
        if conclusion == "基本符合":
            score = 84.5
        risks = "10(5个已整改)" if conclusion == "不符合" else "无" if conclusion == "符合" else "2(2个已整改)"
        number = filing_number(system)
        own = number if system.code not in PLANTED.filing_numbers else ""
        report = f"{own}-{day:%y}-4201-{system.slot:02}" if own else "-"
        # Two months for what was found; the assessment of cryptography comes with every second report.
        mended = _chinese(day + timedelta(days=45 + 5 * system.slot)) if risks.startswith("2") else "整改中"
        row = [system.code, report, own or "-", _chinese(day), conclusion, str(score), risks]
        row.append("-" if risks == "无" else mended)
        row += ["基本符合" if system.slot % 2 else "-", _chinese(day) if system.slot % 2 else "-", "否"]
        rows.append(row)
    rows.append(["合计", f"{len(SYSTEMS) + 1}份"])
    _csv(path, rows, "gb18030")


def _sharing_entries(path: Path, today: date) -> None:
    header: list[Cell] = ["共享目录编号", "目录名称", "系统编号", "供需方向", "共享属性", "不予共享依据", "发布日期"]
    rows: list[list[Cell]] = [[*header, "挂接资源编号", "资源类型", "挂接日期", "申请日期", "授权日期"]]
    published = today - timedelta(days=330)
    for number, system in enumerate(SYSTEMS, 1):
        code = f"3{DEPARTMENTS.index(system.department) + 1:02}001/{number:06}"
        resource = f"R-{number:05}"
        name = f"{system.name}基础信息"
        if system.code == PLANTED.consumer_only:
            applied, approved = _chinese(today - timedelta(days=300)), _chinese(today - timedelta(days=290))
            rows.append(
                [code, name, system.code, "使用", "有条件共享", "-", "-", resource, "接口", "-", applied, approved]
            )
        elif system.code == PLANTED.not_mounted:
            rows.append(
                [code, name, system.code, "提供", "无条件共享", "", _chinese(published), "无", "-", "-", "", ""]
            )
        elif system.code == PLANTED.lawfully_not_shared:
            basis = "《中华人民共和国民法典》第一千零三十九条"
            rows.append(
                [code, name, system.code, "提供", "不予共享", basis, _chinese(published), "-", "-", "-", "", ""]
            )
        else:
            mounted = published + timedelta(days=20)
            kind = ("库表", "接口", "文件")[number % 3]
            shared = "无条件共享" if number % 2 else "有条件共享"
            rows.append(
                [
                    code,
                    name,
                    system.name,
                    "提供",
                    shared,
                    "/",
                    _chinese(published),
                    resource,
                    kind,
                    _chinese(mounted),
                    "",
                    "",
                ]
            )
    _csv(path, rows, "utf-8-sig")


def _sharing_uses(path: Path, today: date) -> None:
    book = xlwt.Workbook(encoding="utf-8")
    sheet = book.add_sheet("调用汇总")
    header = ("资源编号", "使用系统", "统计起", "统计止", "成功次数", "失败次数", "最近成功日期")
    end = today - timedelta(days=2)
    start = end - timedelta(days=30)
    sheet.write(0, 0, "政务数据共享交换平台调用汇总表")
    for column, text in enumerate(header):
        sheet.write(1, column, text)
    row = 2
    silent = (PLANTED.not_mounted, PLANTED.lawfully_not_shared)
    for number, system in enumerate(SYSTEMS, 1):
        if system.code in silent:
            continue
        user = system.code if system.code == PLANTED.consumer_only else SYSTEMS[number % len(SYSTEMS)].code
        values = (f"R-{number:05}", user, start.isoformat(), end.isoformat(), 120 + number, number % 4, end.isoformat())
        for column, value in enumerate(values):
            sheet.write(row, column, value)
        row += 1
    sheet.write(row, 0, "合计")
    sheet.write(row, 4, 9999)
    book.save(str(path))


def _design_books(path: Path) -> None:
    """Two projects' tables of resources, one under the other as an office collects them; sizes are of one piece."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    sheet.title = "资源需求"
    header: list[Cell] = ["序号", "项目编号", "设计书编号", "服务器用途", "数量(台)", "vCPU(核)", "内存(GB)", "磁盘(GB)",
                          "IP数量", "操作系统"]  # fmt: skip
    _title(sheet, "技术设计书资源需求汇总表", len(header))
    sheet.append(header)
    rows: list[list[Cell]] = [
        [1, "P-2025-011", "JSSJ-2025-011", "应用服务器", "2台", 1, 2, "20G", 2, "openEuler 22.03"],
        [2, None, None, "数据库服务器", "1台", "1核", 2, "20G", 1, "openEuler 22.03"],
        [3, "P-2025-101", "JSSJ-2025-101", "应用服务器", 4, "8核", "16GB", 200, 4, "麒麟V10"],
        [4, None, None, "数据库服务器", 2, 16, 64, "1TB", 2, "麒麟V10"],
        [5, None, None, "视频存储", "-", "-", "-", "10TB", "无", "/"],
    ]
    for row in rows:
        sheet.append(row)
    # The project's cells are merged over its rows, as people do.
    for first, last in ((3, 4), (5, 7)):
        for column in (2, 3):
            sheet.merge_cells(start_row=first, start_column=column, end_row=last, end_column=column)
    sheet.append(["合计", None, None, None, 9])
    sheet.append(["注:规格为单台规格;磁盘含系统盘。"])
    book.save(path)


def _third_party(path: Path, today: date) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    header = [
        "合同编号",
        "服务商",
        "合同起始日期",
        "合同截止日期",
        "网段/IP范围",
        "区域",
        "账号/实例",
        "备案证明编号",
        "云计算服务安全评估",
    ]
    _title(sheet, "市城运中心采购第三方云资源登记表", len(header))
    sheet.append(header)
    sheet.append(["HT-2025-018", "中国电信云泽分公司", date(2025, 4, 1), today + timedelta(days=500), "203.0.113.0/24", INTERNET,
                  "无", "42990020001-00001", "已通过(2024年第2批)"])  # fmt: skip
    sheet.append(["HT-2022-007", "中国移动云泽分公司", date(2022, 3, 1), _chinese(today - timedelta(days=45)),
                  "１９８.５１.１００.０／２４", INTERNET, "-", "42990020002-00001", "已通过(2021年第4批)"])  # fmt: skip
    book.save(path)


def _segments(path: Path) -> None:
    header: list[Cell] = ["网段CIDR", "区域", "VRF/VPN", "VLAN", "用途", "归属单位", "是否政务云", "云租户/VPC", "网关"]
    header.append("自有互联网出口")
    rows: list[list[Cell]] = [header]
    for number, d in enumerate(DEPARTMENTS, 1):
        rows.append([f"10.66.{number}.0/24", EXTRANET, "VPN-CLOUD", str(100 + number), "业务", d.short, "是", f"{d.key}-prod",
                     f"10.66.{number}.1", "否"])  # fmt: skip
        rows.append(
            [
                f"192.168.{number}.5/24",
                PRIVATE,
                f"VPN-{d.key.upper()}",
                "",
                "办公及服务器",
                d.name,
                "否",
                "-",
                "无",
                "否",
            ]
        )
    rows.append(
        ["10.66.100.0/24", EXTRANET, "VPN-CLOUD", "200", "容器平台", CENTRE.short, "是", "csyx-k8s", "10.66.100.1", "-"]
    )
    rows.append(
        [
            "２０３.０.１１３.０／２４、198.51.100.0/24",
            INTERNET,
            "-",
            "-",
            "第三方云",
            CENTRE.short,
            "否",
            "-",
            "-",
            "-",
        ]
    )
    _csv(path, rows, "utf-8")


def _assets(path: Path, today: date) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    header = ["资产编号", "主机名称", "使用单位", "品牌", "型号", "序列号", "IP地址", "区域", "取得日期", "设备类型"]
    _title(sheet, "服务器资产登记表", len(header))
    sheet.append(header)
    by_code = {s.code: s for s in SYSTEMS}
    for number, host in enumerate(SSH_HOSTS, 1):
        if host.commissioned_days_ago is None or host.system is None:
            continue
        bought = today - timedelta(days=host.commissioned_days_ago)
        department = by_code[host.system].department
        sheet.append([f"ZC-{number:04}", host.alias, department.short, host.vendor, host.product, host.serial,
                      host.address.partition("/")[0], host.zone, _chinese(bought), "服务器"])  # fmt: skip
    book.save(path)


def _ownership(path: Path) -> None:
    """The cloud's own tenants belong to the project that built it."""
    tenants = ("admin", "service", "default", "kube-system", "kube-public", "kube-node-lease")
    rows: list[list[Cell]] = [["资源", "归属项目", "备注"], *([t, "P-2024-901", "平台自用"] for t in tenants)]
    _csv(path, rows, "utf-8-sig")
