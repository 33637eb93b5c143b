"""What `yunhe init` writes: an empty workbook for each kind of ledger, and a commented config.

The workbooks are Chinese, like the registers that they replace. Their headers are those of
`inventory.ledger_columns`, so that what is filled in here is read without any mapping.
"""

from pathlib import Path

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from inventory.ledger_columns import FORMS, Column, Format, LedgerForm

_LAST_ROW = 5_000
"""Drop-down lists and formats reach so far down."""

_AS_TEXT = frozenset(
    {Format.CODE, Format.CODES, Format.STRICT_CODE, Format.FILING_NUMBER, Format.USCC, Format.NAME, Format.CIDRS,
     Format.ADDRESS, Format.ADDRESSES, Format.HOSTS, Format.MACS, Format.RISKS, Format.MLPS_TEMPLATE}
)  # fmt: skip
"""Columns formatted as text: a spreadsheet keeps 15 digits of a number and turns `3-1` into a date."""

_DATES = frozenset({Format.DATE, Format.COARSE_DATE, Format.LAST_DAY, Format.FIRST_DAY})

_EXPLANATIONS = {
    Format.TEXT: "文字",
    Format.NAME: "文字，按登记名称或编号填写",
    Format.NAMES: "文字，多个用顿号“、”分隔",
    Format.DATED_NAMES: "文字，多个用顿号“、”分隔；名称后可在括号内写起止日期，如 市大数据局(2019-03-01至2024-02-28)",
    Format.CODE: "编号，文本格式",
    Format.CODES: "编号，文本格式，多个用顿号“、”分隔",
    Format.STRICT_CODE: "编号，必须为文本格式（数字格式只保留15位，无法采信）",
    Format.FILING_NUMBER: "16位备案证明编号（11位+5位，可带连字符），必须为文本格式（数字格式只保留15位，无法采信）",
    Format.USCC: "18位统一社会信用代码，文本格式，校验位须正确",
    Format.DATE: "日期，须到日，如 2024-03-05",
    Format.COARSE_DATE: "日期，须到日，如 2024-03-05；只填年月的，该日期待核实",
    Format.LAST_DAY: "日期，如 2027-03-05；只填年月的按当月最后一天",
    Format.FIRST_DAY: "日期，如 2024-03-05；只填年月的按当月第一天",
    Format.BOOL: "是 或 否",
    Format.CLASSIFIED: "是 或 否；填“是”的行不读取、不探测、不导出任何内容，只计数（第二十八条）",
    Format.INT: "整数",
    Format.GIB: "数字，单位 GB",
    Format.SCORE: "0至100的数字：综合得分，或符合率（%）",
    Format.RISKS: "数量，如 10 或 10(5个已整改)",
    Format.MLPS_LEVEL: "三级、第三级、S3A3G3 或 3",
    Format.MLPS_TEMPLATE: "2007 或 2025",
    Format.PROJECT_KIND: "从下拉列表选择",
    Format.FUNDING: "从下拉列表选择",
    Format.OWNER_LEVEL: "从下拉列表选择",
    Format.SHARING_TYPE: "从下拉列表选择",
    Format.DIRECTION: "从下拉列表选择",
    Format.SUCCESS: "成功、失败，或 HTTP 状态码；平台自定的返回码须在映射文件中说明",
    Format.MIGRATED: "从下拉列表选择；已上云是登记的说法，以实际看到的主机为准",
    Format.REBUILT: "从下拉列表选择",
    Format.DEVICE: "从下拉列表选择；前置机、NVR、加密机、网络设备等由人工归类",
    Format.CIDRS: "网段，如 10.1.1.0/24，或范围 10.1.1.10-10.1.1.50，多个用顿号“、”分隔",
    Format.ADDRESS: "IP地址，如 10.1.1.10",
    Format.ADDRESSES: "IP地址，多个用顿号“、”分隔",
    Format.HOSTS: "主机名或IP地址，多个用顿号“、”分隔",
    Format.MACS: "MAC地址，多个用顿号“、”分隔",
}

_HEADER_FILL = PatternFill("solid", fgColor="DCE6F1")
_REQUIRED_FILL = PatternFill("solid", fgColor="F8CBAD")


def write_templates(folder: Path) -> list[Path]:
    """Writes one workbook for each kind of ledger, `KIND.xlsx`, and returns those written.

    A file that is there already is left alone: it may have been filled in.

    Raises:
        OSError: the folder cannot be made or written to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for form in FORMS.values():
        path = folder / f"{form.kind}.xlsx"
        if path.exists():
            continue
        with path.open("xb") as file:
            template(form).save(file)
        written.append(path)
    return written


def template(form: LedgerForm) -> Workbook:
    """The empty workbook of a kind of ledger: the table, and a sheet that explains each column."""
    workbook = Workbook()
    workbook.properties.creator = "Yunhe"
    workbook.properties.title = form.title
    table = workbook.active
    if not isinstance(table, Worksheet):
        raise TypeError("a new workbook has a worksheet")
    table.title = form.title
    table.freeze_panes = "A2"
    for index, column in enumerate(form.columns, 1):
        _write_column(table, index, column)
    table.row_dimensions[1].height = 30
    _explain(workbook.create_sheet("说明"), form)
    return workbook


def _write_column(table: Worksheet, index: int, column: Column) -> None:
    letter = get_column_letter(index)
    cell = table.cell(row=1, column=index, value=column.header)
    cell.font = Font(bold=True)
    cell.fill = _REQUIRED_FILL if column.required else _HEADER_FILL
    cell.alignment = Alignment(wrap_text=True, vertical="center", horizontal="center")
    cell.number_format = "@"
    dimension = table.column_dimensions[letter]
    dimension.width = max(14, 2 * len(column.header) + 4)
    if column.format in _AS_TEXT:
        dimension.number_format = "@"
    elif column.format in _DATES:
        dimension.number_format = "yyyy-mm-dd"
    rule = DataValidation(allow_blank=not column.required, showInputMessage=True, showErrorMessage=bool(column.choices))
    if column.choices:
        rule.type = "list"
        rule.formula1 = f'"{",".join(column.choices)}"'
        rule.errorTitle = column.header[:32]
        rule.error = f"请从列表中选择：{'、'.join(column.choices)}"[:225]
    rule.promptTitle = column.header[:32]
    rule.prompt = _EXPLANATIONS[column.format][:255]
    rule.add(f"{letter}2:{letter}{_LAST_ROW}")
    table.add_data_validation(rule)


def _explain(sheet: Worksheet, form: LedgerForm) -> None:
    sheet.append([f"{form.title}填写说明"])
    sheet.append(["请在第一张表中逐行填写，不要改动表头；浅红色表头为必填。没有的内容留空，或填“-”“无”。"])
    sheet.append(
        ["下列“字段”用于 yunhe.toml 中 [[ledger]] 的 columns：已有自己的表格时，可指定字段对应的表头，不必改用本模板。"]
    )
    sheet.append([])
    sheet.append(["列名", "字段", "是否必填", "填写要求", "示例", "也能识别的表头"])
    for cell in sheet[5]:
        cell.font = Font(bold=True)
        cell.fill = _HEADER_FILL
    for column in form.columns:
        rules = _EXPLANATIONS[column.format]
        if column.choices:
            rules = f"{rules}（{'、'.join(column.choices)}）"
        required = "是" if column.required else ""
        sheet.append([column.header, column.field, required, rules, column.example, "、".join(column.synonyms)])
        for cell in sheet[sheet.max_row]:
            cell.number_format = "@"
            cell.alignment = Alignment(wrap_text=True, vertical="top")
    for letter, width in zip("ABCDEF", (20, 24, 10, 50, 26, 60), strict=True):
        sheet.column_dimensions[letter].width = width
    sheet["A1"].font = Font(bold=True, size=14)
    sheet.freeze_panes = "A6"


def example_config() -> str:
    """The text of a new `yunhe.toml`: every key explained, the sources commented out until someone names them."""
    return _CONFIG + "".join(_ledger_example(form) for form in FORMS.values())


def _ledger_example(form: LedgerForm) -> str:
    return f"""
# {form.title}
# [[ledger]]
# name = "{form.kind.replace("_", "-")}"
# kind = "{form.kind}"
# path = "ledgers/{form.kind}.xlsx"
{_CONTROL_PLANE if form.kind == "inventory" else ""}"""


_CONTROL_PLANE = """\
# 该清单是政务云平台自己导出的，加上下一行，所列主机即视为在云上：
# Where the list is the government cloud's own export, the next line makes what it lists count as on the cloud:
# control_plane = true
"""


_CONFIG = """\
# 云核 Yunhe 配置文件 / configuration
#
# 去掉行首的“#”即启用该行。未知的键、重复的键、类型不符、文件不存在都会报错，不会被忽略。
# Remove the leading "#" to use a line. Unknown or repeated keys, wrong types and missing files are errors.
# 路径相对于本文件。密码、令牌不写在这里，只写引用（clouds.yaml、kubeconfig、ssh 配置与代理）。
# Paths are relative to this file. Credentials are never written here, only references to them.

version = 1

[city]
name = "老河口市"
# 备案证明编号前六位（受理公安机关的行政区划代码），其他地区的编号会提示核实
# First six digits that filing numbers are expected to have
filing_regions = ["420600", "420682"]

[platform]
# 政务云平台自身 / the government cloud itself (Art. 15)
name = "大数据中心政务云"
# 平台自己的备案证明编号：被业务系统借用时能够识别 / its own filing number, so that its reuse is noticed
# filing_number = "42060012345-00001"
# 采集文件中哪些来源是政务云自身的控制面:采集文件不能自称
# sources in captures whose control plane is the government cloud's: a capture does not decide that for itself
# sources = ["openstack:centre"]

[store]
# 历次扫描的结果 / where scans are kept
path = "yunhe.db"

[retention]
# 历次扫描保留多久：`yunhe store prune` 按此清理；被证据包引用的、命名为基线的扫描永不清理
# How long scans are kept: `yunhe store prune` goes by it; scans that evidence cites or a baseline names always stay
# 每天保留一次的天数 / days of which each keeps a scan
daily_days = 90
# 每周保留一次的周数 / weeks of which each keeps one
weekly_weeks = 53
# 每月保留一次的月数 / months of which each keeps one
monthly_months = 60

[lifecycle]
# 多少次完整扫描、且首末相隔多少小时都未见到，才算消失 / complete scans, over so many hours, before the absent are gone
gone_scans = 3
gone_hours = 48
# 一次扫描中一个范围消失超过此数量且超过此百分比时不予采信，须人工确认 / more than both at once is not believed
mass_count = 20
mass_percent = 10

[scan]
# 超过多少小时的数据视为过期，结论待核实 / older observations are stale: unknown
fresh_hours = 48
# 超过多少分钟后不再读取，未读部分记为跳过（待核实） / read no more after so many minutes; the rest is skipped
# deadline_minutes = 240
# 以某一天（或 ISO 8601 时间）为基准重新判定；默认为当前时间 / the scan's clock; default: now
# as_of = "2026-11-01"

[policy]
# 本单位在办法允许范围内的选择 / the owner's choices within the law
# 已建系统迁移的最后期限（第十六条未规定；设定后逾期才判不合规）/ makes 16-migration able to fail
# legacy_deadline = 2027-12-31
# 升级是否视同改建 / whether an upgrade counts as a rebuild
upgrade_counts_as_rebuild = true
# 云上无主资源是否判不合规（默认只提示）/ whether unowned resources on the cloud fail
unregistered_fails = false
# 第二十三条第（七）项要求的共享证据级别 1-5，窗口期（天），窗口期内最少成功调用次数
# Evidence level that 23(7) asks of sharing, its window in days, successful calls needed in it
sharing_level = 5
sharing_window_days = 90
sharing_min_calls = 1
# 验收时是否要求等保备案与测评记录 / whether acceptance asks for MLPS records
acceptance_needs_mlps = true
# 部门专网整合的期限（第十六条未规定；设定后逾期才判不合规）/ makes 16-extranet able to fail
# extranet_deadline = 2027-12-31
# 试运行期间允许没有扫描记录的天数 / days of a trial run that no scan may have seen
trial_gap_days = 0
# 实际资源与技术设计书申报相差多少（申报的百分比）以内不作提示；办法未规定
# how far what runs may be from what the technical design book declares, in percent of the declared
design_tolerance_percent = 10
# 台账文件多少天内更新过算新鲜（只用于指标）/ days for which a ledger's file counts as fresh, in indicators only
ledger_fresh_days = 92
# 豁免最长月数 / the longest that a waiver may hold, in months
waiver_months = 12

[rules]
# 政策包：程序自带的编号，或 TOML 文件路径 / policy pack: an id that the program brings, or the path of a TOML file
pack = "laohekou-2024"
# 程序尚不知道的年份的节假日和调休安排 / days off and make-up days of years that the program does not know
# calendar = "节假日.yaml"
# 豁免登记（YAML 或 XLSX）/ waivers
# waivers = ["豁免.xlsx"]
# 经人确认的别名（yunhe map propose 生成建议）/ names that a person confirmed; yunhe map propose writes candidates
# aliases = "别名.yaml"

[ownership]
# 哪些标签、注解、元数据的值是系统编号或项目编号 / keys whose value is a system or project code
label_keys = ["gov.cn/system-id", "gov.cn/project-id", "system", "project", "系统编号", "项目编号"]

# 按主机名归属（正则须匹配整个主机名）/ ownership by host name
# [[ownership.hostname]]
# pattern = "edu-.*"
# system = "S-001"

[do_not_scan]
# 不解析、不连接、不记录（第二十八条）：地址、网段、主机名、实例ID、租户、系统或项目的编号和名称
# Never resolved, connected to or written down (Art. 28)
entries = []
# file = "do-not-scan.txt"

# ── 网络区域 / network zones ─────────────────────────────────────────────────────────────────────────────────
# 同一地址在不同区域是不同的主机 / the same address in two zones is two hosts
# [[zone]]
# name = "政务外网区"
# cidrs = ["59.192.0.0/10", "10.0.0.0/8"]
# extranet = true            # 是否属于电子政务外网；不写则按政策包所列区域名称 / default: by the pack's list of names
#
# [[zone]]
# name = "互联网区"
# internet = true

# ── 数据源 / sources ────────────────────────────────────────────────────────────────────────────────────────
# OpenStack：cloud 是 clouds.yaml 中的名称 / the name in clouds.yaml
# [[openstack]]
# name = "gov-cloud"
# cloud = "gov-cloud"
# zone = "政务外网区"
# platform = true            # 是否政务云平台自身的控制面 / whether this is the government cloud
# 每种服务每秒最多多少个请求、同时最多多少个；个别服务可另定
# Requests a second and in flight, of each service; a service may have limits of its own
# requests_per_second = 50
# concurrency = 8
# limits = { compute = { requests_per_second = 10, concurrency = 2 } }

# Kubernetes：context 是 kubeconfig 中的名称 / a context of the kubeconfig
# [[kubernetes]]
# name = "gov-k8s"
# context = "gov-k8s"
# zone = "政务外网区"
# requests_per_second = 50
# concurrency = 8

# SSH 主机：主机密钥须已在 known_hosts 中 / host keys must be in known_hosts
# [[ssh]]
# name = "departments"
# hosts = ["edu-old-01", { host = "10.2.0.5", zone = "部门专网" }]
# zone = "政务外网区"
# sudo = false               # 是否用 sudo -n 读取需要 root 的信息 / facts that need root

# 网络上探测到的设备（导入文件）
# kind：nmap（`nmap -oX` 的 XML）、arp（`ip neigh`、`arp -an`、交换机 ARP 表）、dhcp（dhcpd、dnsmasq 的租约或 CSV）
# What was seen on the network, from files
# [[discovery]]
# name = "sweep"
# kind = "nmap"
# path = "discovery/sweep.xml"
# zone = "政务外网区"
# max_age_hours = 720

# 主动探测：默认不发送任何数据包。只有加 --sweep 运行、且只在下列网段内，由 nmap 限速探测；不扫描清单优先
# An active sweep: nothing is sent unless a run is told --sweep, and then by nmap, only in these ranges, at this rate
# [[sweep]]
# name = "departments"
# cidrs = ["10.2.0.0/24"]    # 须事先征得网络管理单位同意 / whoever runs them must have agreed
# zone = "部门专网"
# ports = [22, 80, 443]      # 默认只看是否应答 / default: only whether anything answers
# packets_per_second = 50

# 数据共享交换平台（HTTP，只读）：字段名同共享台账，值为 JMESPath；令牌只写环境变量名
# The data-sharing platform: fields of the sharing ledgers to JMESPath; of the token only its variable
# [[sharing_api]]
# name = "platform"
# url = "https://share.example/api/catalogue"
# token_env = "SHARING_TOKEN"
# header = "Authorization"
# prefix = "Bearer "
# items = "data.list"
# total = "data.total"
# success = "code == `200`"
# page_param = "page"
# size_param = "size"
# requests_per_second = 10
# concurrency = 1
# entries = { code = "code", name = "title", system = "system", direction = "role", resource_id = "resource" }
# uses = { resource_id = "id", consumer_system = "caller", period_start = "month", succeeded = "ok", failed = "bad" }

# 其他软件包提供的采集器，见 docs/collectors.md / collectors of other packages
# [[plugin]]
# name = "rooms"
# use = "rooms"

# 其他地方采集的文件 / files that `yunhe collect` wrote elsewhere
# [[capture]]
# path = "captures/county-cloud.yunhe"

# ── 台账 / ledgers ──────────────────────────────────────────────────────────────────────────────────────────
# XLSX、XLS 或 CSV（UTF-8、GB18030）。模板在 ledgers 目录；也可以用自己的表格，表头不能识别时用 columns 指定。
# XLSX, XLS or CSV. Templates are in the folder ledgers; own tables work too, `columns` maps what is not recognised.
# 下面几行写在所属台账的 [[ledger]] 各行之后 / the next lines go below the lines of the [[ledger]] they are for:
# columns = { code = "内部编号", name = "名称" }
# 表头和用词都对不上的表格，可另写映射文件，见 docs/ledgers.md / tables that nothing fits: a mapping file
# mapping = "maps/projects.toml"
# sheet = "2024年"           # 默认：所有能识别表头的工作表 / default: every sheet whose header is recognised
# zone = "政务外网区"         # 行内未写区域时的区域 / zone of addresses whose row names none
"""
