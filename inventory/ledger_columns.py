"""The columns of every ledger 台账: one table for the reader of ledgers and for the templates that `yunhe init` writes.

Headers are those that registers in the field use (domain dossier §2.6, §3.2, §4.1, §4.5, §5.1); the first is the
template's, the others are recognised too. A header that no list has is no column of ours and is never kept.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType

from inventory.ledger_details import DETAILS, READ_PAST
from inventory.names import normalise
from inventory.records import Funding, Level, ProjectKind, SharingType


class Format(StrEnum):
    """What a cell of a column may hold."""

    TEXT = "text"
    NAME = "name"
    """Text that names something: kept as written, legible in rejections."""
    NAMES = "names"
    """Several names, split as codes are."""
    DATED_NAMES = "dated_names"
    """Names, each with the time in which it held where that is said: 市大数据局(2019-03-01至2024-02-28)."""
    CODE = "code"
    """An identifier; a number of up to 15 digits is taken, since a spreadsheet keeps those."""
    CODES = "codes"
    """Several identifiers, split at 、，；, ; and line ends."""
    STRICT_CODE = "strict_code"
    """An identifier that must be text: a number in the cell cannot be believed."""
    FILING_NUMBER = "filing_number"
    """备案证明编号: kept though a number, and marked unreliable."""
    USCC = "uscc"
    """统一社会信用代码, GB 32100-2015, with its check character."""
    DATE = "date"
    COARSE_DATE = "coarse_date"
    """A date whose row stands though only the month or the year is known; the date itself does not."""
    LAST_DAY = "last_day"
    """A date, or a month that means its last day (有效期至)."""
    FIRST_DAY = "first_day"
    """A date, or a month that means its first day."""
    BOOL = "bool"
    CLASSIFIED = "classified"
    """是否涉密"""
    INT = "int"
    GIB = "gib"
    """A size; a bare number is in GiB."""
    SCORE = "score"
    """综合得分, or 符合率 in percent."""
    RISKS = "risks"
    """`10(5个已整改)`"""
    MLPS_LEVEL = "mlps_level"
    """三级/第三级/3级/S3A3G3/3"""
    MLPS_TEMPLATE = "mlps_template"
    PROJECT_KIND = "project_kind"
    FUNDING = "funding"
    OWNER_LEVEL = "owner_level"
    SHARING_TYPE = "sharing_type"
    DIRECTION = "direction"
    SUCCESS = "success"
    """调用结果: a word, or an HTTP status; a code of the platform's own needs the mapping file."""
    MIGRATED = "migrated"
    """迁移状态: 已上云, or not yet"""
    REBUILT = "rebuilt"
    """新建/改建 or 已建"""
    DEVICE = "device"
    """设备类型: whether it is an appliance."""
    CIDRS = "cidrs"
    ADDRESS = "address"
    ADDRESSES = "addresses"
    HOSTS = "hosts"
    """Host names or addresses."""
    MACS = "macs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a ledger."""

    field: str
    """Field of the record that it fills; the name in the config's `columns`."""
    header: str
    """As the template writes it."""
    synonyms: tuple[str, ...] = ()
    """Other headers that mean the same."""
    preferred: int = 1
    """So many of the headers, the template's first, outrank each other and the rest where a table has several of
    them; two of the rest are ambiguous, and the config must say which."""
    format: Format = Format.TEXT
    required: bool = False
    """The column must be there and no cell of it empty."""
    touches: bool = False
    """Its codes and names say what a rejected row speaks of."""
    is_soft: bool = False
    """Only figures rest on it, no verdict: a cell that cannot be read is kept as it is shown and costs nothing."""
    is_detail: bool = False
    """No check reads it: kept in the record's `details`, as the cell shows it."""
    secret: bool = False
    """What it holds identifies a classified thing: goes to the guard, never anywhere else."""
    choices: tuple[str, ...] = ()
    """What the template offers."""
    example: str = ""


PROJECT_KINDS: Mapping[str, ProjectKind] = MappingProxyType(
    {
        "新建": ProjectKind.NEW,
        "改建": ProjectKind.REBUILD,
        "改造": ProjectKind.REBUILD,
        "扩建": ProjectKind.EXTENSION,
        "升级": ProjectKind.UPGRADE,
        "改造升级": ProjectKind.UPGRADE,
        "升级改造": ProjectKind.UPGRADE,
        "运维": ProjectKind.OPERATION,
        "运行维护": ProjectKind.OPERATION,
        "购买服务": ProjectKind.SERVICE,
        "政府购买服务": ProjectKind.SERVICE,
        "服务": ProjectKind.SERVICE,
        "设计咨询": ProjectKind.CONSULTING,
        "咨询": ProjectKind.CONSULTING,
        "测评": ProjectKind.TESTING,
        "检测": ProjectKind.TESTING,
    }
)
FUNDINGS: Mapping[str, Funding] = MappingProxyType(
    {
        "政府投资": Funding.GOVERNMENT,
        "财政性资金": Funding.GOVERNMENT,
        "财政资金": Funding.GOVERNMENT,
        "财政": Funding.GOVERNMENT,
        "市级财政": Funding.GOVERNMENT,
        "本级财政": Funding.GOVERNMENT,
        "财政拨款": Funding.GOVERNMENT,
        "专项债": Funding.GOVERNMENT,
        "专项资金": Funding.GOVERNMENT,
        "政府与社会企业联合建设": Funding.JOINT,
        "政企联合建设": Funding.JOINT,
        "联合建设": Funding.JOINT,
        "政企合作": Funding.JOINT,
        "政府向社会购买服务": Funding.PURCHASE,
        "政府购买服务": Funding.PURCHASE,
        "购买服务": Funding.PURCHASE,
        "需要政府资金运行维护": Funding.MAINTENANCE,
        "政府资金运维": Funding.MAINTENANCE,
        "运维经费": Funding.MAINTENANCE,
        "非财政性资金": Funding.NON_FISCAL,
        "非财政资金": Funding.NON_FISCAL,
        "非财政": Funding.NON_FISCAL,
        "自筹": Funding.NON_FISCAL,
        "自筹资金": Funding.NON_FISCAL,
        "企业自筹": Funding.NON_FISCAL,
    }
)
OWNER_LEVELS: Mapping[str, Level] = MappingProxyType(
    {
        "市本级": Level.CITY,
        "市级": Level.CITY,
        "本级": Level.CITY,
        "市": Level.CITY,
        "县级": Level.CITY,
        "省级": Level.PROVINCE,
        "省": Level.PROVINCE,
        "省垂管": Level.PROVINCE,
        "省直": Level.PROVINCE,
        "地市级": Level.PROVINCE,
        "襄阳市级": Level.PROVINCE,
        "国家级": Level.STATE,
        "国家": Level.STATE,
        "中央": Level.STATE,
        "部级": Level.STATE,
        "部垂管": Level.STATE,
        "部委": Level.STATE,
    }
)
SHARING_TYPES: Mapping[str, SharingType] = MappingProxyType(
    {
        "无条件共享": SharingType.UNCONDITIONAL,
        "无条件": SharingType.UNCONDITIONAL,
        "有条件共享": SharingType.CONDITIONAL,
        "有条件": SharingType.CONDITIONAL,
        "不予共享": SharingType.NONE,
        "不予": SharingType.NONE,
        "不共享": SharingType.NONE,
    }
)
DIRECTIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "提供": ("provide",),
        "供": ("provide",),
        "提供方": ("provide",),
        "供给": ("provide",),
        "provide": ("provide",),
        "使用": ("consume",),
        "需求": ("consume",),
        "用": ("consume",),
        "使用方": ("consume",),
        "申请": ("consume",),
        "consume": ("consume",),
        "双向": ("provide", "consume"),
        "提供和使用": ("provide", "consume"),
        "提供、使用": ("provide", "consume"),
        "both": ("provide", "consume"),
    }
)
REBUILT: Mapping[str, bool] = MappingProxyType(
    {
        "新建": True,
        "改建": True,
        "在建": True,
        "拟建": True,
        "新建系统": True,
        "改建系统": True,
        "已建": False,
        "存量": False,
        "已建系统": False,
        "存量系统": False,
        "既有": False,
    }
)

MIGRATED: Mapping[str, bool] = MappingProxyType(
    {
        "已上云": True,
        "已迁移": True,
        "已割接": True,
        "迁移完成": True,
        "已完成": True,
        "完成": True,
        "是": True,
        "未上云": False,
        "未迁移": False,
        "未开始": False,
        "迁移中": False,
        "进行中": False,
        "并行": False,
        "并行中": False,
        "待迁移": False,
        "计划中": False,
        "否": False,
    }
)

YES_NO = ("是", "否")

_DEPARTMENT = Column(
    field="department",
    header="建设单位",
    preferred=3,
    synonyms=(
        "责任单位",
        "单位名称",
        "所属单位",
        "主管单位",
        "归属单位",
        "使用单位",
        "部门",
        "单位",
        "部门名称",
        "业主单位",
    ),
    format=Format.NAME,
    example="市教育局",
)
_DEPARTMENT_CODE = Column(
    field="department_code",
    header="统一社会信用代码",
    synonyms=("信用代码", "单位代码", "社会信用代码"),
    format=Format.USCC,
    example="11420682011158671E",
)
_CLASSIFIED = Column(
    field="classified",
    header="是否涉密",
    synonyms=("涉密", "涉密(是/否)", "是否涉密系统", "是否涉密项目", "涉密情况"),
    format=Format.CLASSIFIED,
    choices=YES_NO,
    example="否",
)
_SYSTEM = Column(
    field="system",
    header="系统编号",
    synonyms=(
        "系统代码",
        "信息系统编号",
        "应用系统编号",
        "系统名称",
        "系统",
        "信息系统名称",
        "应用系统",
        "所属系统",
        "业务系统",
        "业务系统名称",
        "应用系统名称",
        "系统(编号或名称)",
    ),
    preferred=5,
    format=Format.NAME,
    touches=True,
    secret=True,
    example="S-001",
)
_ZONE = Column(
    field="zone",
    header="区域",
    synonyms=("网络区域", "所属区域", "网络分区", "安全域", "所属网络", "网络"),
    example="政务外网区",
)
_PROJECTS = Column(
    field="projects",
    header="项目编号",
    synonyms=("所属项目", "所属项目编号", "项目代码", "建设项目编号", "关联项目"),
    format=Format.CODES,
    touches=True,
    example="P-2024-001",
)
_TENANTS = Column(
    field="tenants",
    header="云租户",
    synonyms=("租户", "云租户名称", "租户名称", "云租户/VPC", "租户/命名空间", "云项目"),
    format=Format.CODES,
    touches=True,
    secret=True,
    example="edu-prod",
)
_OWNER_LEVEL = Column(
    field="level",
    header="层级",
    synonyms=("系统层级", "项目层级", "建设层级", "所属层级"),
    format=Format.OWNER_LEVEL,
    choices=("市本级", "省级", "国家级"),
    example="市本级",
)
_FUNDING = Column(
    field="funding",
    header="资金来源",
    synonyms=("经费来源", "资金性质", "建设方式", "投资方式"),
    format=Format.FUNDING,
    choices=("政府投资", "政府与社会企业联合建设", "政府向社会购买服务", "需要政府资金运行维护", "非财政性资金"),
    example="政府投资",
)


def _date(field: str, header: str, *synonyms: str, kind: Format = Format.DATE, example: str = "2024-03-05") -> Column:
    return Column(field=field, header=header, synonyms=synonyms, format=kind, example=example)


_DEPARTMENTS = (
    Column(
        field="name",
        header="单位名称",
        synonyms=("部门名称", "单位全称", "部门全称", "建设单位", "部门", "单位"),
        format=Format.NAME,
        required=True,
        touches=True,
        example="市教育局",
    ),
    Column(
        field="code",
        header="统一社会信用代码",
        synonyms=("信用代码", "单位代码", "社会信用代码"),
        format=Format.USCC,
        touches=True,
        example="11420682011158671E",
    ),
    Column(
        field="other_names",
        header="简称/曾用名",
        synonyms=("简称", "别名", "其他名称", "单位简称"),
        format=Format.NAMES,
        example="教育局",
    ),
    Column(
        field="dated_names",
        header="曾用名(起止日期)",
        synonyms=("曾用名", "曾用名称", "原名称", "原单位名称", "历史名称"),
        format=Format.DATED_NAMES,
        example="市教委(1996-05-01至2014-12-31)",
    ),
    _date("valid_from", "名称启用日期", "更名日期", "启用日期", "成立日期", kind=Format.FIRST_DAY),
    _date("valid_to", "名称停用日期", "停用日期", "撤销日期", "撤并日期", kind=Format.LAST_DAY, example=""),
)

_PROJECT_COLUMNS = (
    Column(
        field="code",
        header="项目编号",
        synonyms=("项目编号(内部)", "内部编号", "项目代码", "项目内部编号"),
        format=Format.CODE,
        required=True,
        touches=True,
        secret=True,
        example="P-2024-001",
    ),
    Column(
        field="name",
        header="项目名称",
        synonyms=("项目全称", "信息化项目名称", "建设项目名称"),
        format=Format.NAME,
        required=True,
        touches=True,
        secret=True,
        example="教育资源公共服务平台一期",
    ),
    _DEPARTMENT,
    _DEPARTMENT_CODE,
    Column(
        field="project_kind",
        header="项目类别",
        synonyms=("项目类型", "建设性质", "项目性质", "建设类别"),
        format=Format.PROJECT_KIND,
        choices=("新建", "改建", "扩建", "升级", "运维", "购买服务", "设计咨询", "测评"),
        example="新建",
    ),
    _FUNDING,
    _OWNER_LEVEL,
    _CLASSIFIED,
    Column(
        field="adds_fixed_assets",
        header="是否新增固定资产",
        synonyms=("新增固定资产",),
        format=Format.BOOL,
        choices=YES_NO,
        example="是",
    ),
    Column(
        field="national_code",
        header="投资项目代码",
        synonyms=("国家项目代码", "投资项目统一代码", "发改项目代码"),
        format=Format.STRICT_CODE,
        example="2401-420682-04-04-123456",
    ),
    Column(
        field="systems",
        header="包含系统",
        synonyms=("包含系统编号", "系统编号", "所含系统", "建设系统"),
        format=Format.CODES,
        touches=True,
        secret=True,
        example="S-001、S-002",
    ),
    _TENANTS,
    _date("approved_on", "立项批复日期", "批复日期", "立项日期", "立项批复时间"),
    _date("awarded_on", "中标日期", "中标时间", "成交日期", "中标通知日期"),
    _date("contract_on", "合同签订日期", "签订日期", "合同日期", "合同签订时间"),
    _date("supervision_applied_on", "监理申请日期", "监理申请时间", "申请监理日期"),
    _date("initial_acceptance_on", "初验日期", "初验时间", "初步验收日期"),
    _date("trial_start_on", "试运行起", "试运行开始", "试运行开始日期", "试运行起始日期", "试运行开始时间"),
    _date("trial_end_on", "试运行止", "试运行结束", "试运行结束日期", "试运行截止日期", "试运行结束时间"),
    _date("final_acceptance_on", "终验日期", "终验时间", "验收日期", "最终验收日期", "竣工验收日期"),
    _date("in_operation_on", "投入运行日期", "投入运行时间", "正式运行日期", "上线运行日期"),
    _date("self_evaluation_on", "自评价报告日期", "自评价日期", "绩效自评价日期"),
    Column(field="trial_report", header="试运行报告编号", synonyms=("试运行报告", "试运行报告文号")),
    Column(
        field="is_platform_project",
        header="是否平台类",
        synonyms=("平台类项目", "是否平台类项目", "平台类"),
        format=Format.BOOL,
        choices=YES_NO,
        example="否",
    ),
    Column(
        field="collects_data",
        header="是否含数据采集",
        synonyms=("含数据采集", "是否数据采集", "数据采集"),
        format=Format.BOOL,
        choices=YES_NO,
        example="否",
    ),
    Column(field="software_report", header="软件测评报告编号", synonyms=("软件测试报告编号", "软件测评报告")),
    _date("software_report_on", "软件测评报告日期", "软件测试报告日期"),
    Column(field="software_conclusion", header="软件测评结论", synonyms=("软件测试结论",), choices=("通过", "不通过")),
    Column(field="data_report", header="数据质检报告编号", synonyms=("数据质量检测报告编号", "数据质检报告")),
    _date("data_report_on", "数据质检报告日期", "数据质量检测报告日期"),
    Column(field="data_conclusion", header="数据质检结论", synonyms=("数据质量检测结论",), choices=("合格", "不合格")),
    Column(
        field="acceptance_conclusion",
        header="验收结论",
        synonyms=("终验结论", "验收结果", "验收意见"),
        choices=("通过", "不通过"),
        example="通过",
    ),
    _date("acceptance_report_on", "验收报告报送日期", "验收报告报送时间", "报送验收报告日期"),
    _date("last_payment_on", "最近付款日期", "最近付款时间", "付款日期", "支付日期"),
    Column(field="status", header="状态", synonyms=("项目状态", "进展", "项目进展", "当前状态"), example="已验收"),
)

_MIGRATION = (
    _date("migration_plan_start_on", "计划开始", "计划开始日期", "计划迁移日期", "迁移计划开始"),
    _date("migration_plan_cutover_on", "计划割接", "计划割接日期", "计划完成日期", "迁移计划完成"),
    _date("migrated_on", "实际割接", "实际割接日期", "迁移完成日期", "上云日期", "上云时间"),
    Column(
        field="old_server_disposal",
        header="原服务器处置",
        synonyms=("原服务器处置(下线/移交/报废)", "旧服务器处置"),
        choices=("下线", "移交", "报废"),
        example="下线",
    ),
)
_MIGRATION_STATUS = Column(
    field="is_said_migrated",
    header="迁移状态",
    synonyms=("上云状态", "迁移进展", "是否上云", "是否已上云"),
    format=Format.MIGRATED,
    choices=("已上云", "迁移中", "未上云"),
    example="迁移中",
)
_BUILT = _date("built_on", "建成时间", "建成日期", "上线日期", "上线时间", "投入使用时间", kind=Format.COARSE_DATE)
_PLACE = Column(
    field="declared_place",
    header="现部署位置",
    synonyms=("部署位置", "现部署位置(机房/云/托管)", "部署地点", "部署环境"),
    example="大数据中心政务云",
)

_SYSTEM_COLUMNS = (
    Column(
        field="code",
        header="系统编号",
        synonyms=("系统代码", "信息系统编号", "应用系统编号", "系统编码"),
        format=Format.CODE,
        required=True,
        touches=True,
        secret=True,
        example="S-001",
    ),
    Column(
        field="name",
        header="系统名称",
        synonyms=("信息系统名称", "应用系统名称", "系统全称", "业务系统名称"),
        format=Format.NAME,
        required=True,
        touches=True,
        secret=True,
        example="教育资源公共服务平台",
    ),
    _DEPARTMENT,
    _DEPARTMENT_CODE,
    _PROJECTS,
    _CLASSIFIED,
    Column(
        field="is_rebuilt",
        header="建设性质",
        synonyms=("系统性质", "新建/已建", "建设类型", "新建或已建"),
        format=Format.REBUILT,
        choices=("新建", "改建", "已建"),
        example="新建",
    ),
    _BUILT,
    _OWNER_LEVEL,
    _FUNDING,
    Column(
        field="mlps_level",
        header="等保级别",
        synonyms=("安全保护等级", "等级保护级别", "等保等级", "定级"),
        format=Format.MLPS_LEVEL,
        choices=("一级", "二级", "三级", "四级", "五级"),
        example="三级",
    ),
    _TENANTS,
    Column(
        field="hosts",
        header="主机",
        synonyms=("主机名", "服务器", "主机/IP", "主机IP", "IP地址", "服务器IP", "主机清单"),
        format=Format.HOSTS,
        touches=True,
        secret=True,
        example="10.1.1.10、10.1.1.11",
    ),
    _PLACE,
    Column(
        field="is_retired",
        header="是否停用",
        synonyms=("停用", "是否下线", "已停用"),
        format=Format.BOOL,
        choices=YES_NO,
        example="否",
    ),
    *_MIGRATION,
    _MIGRATION_STATUS,
    Column(
        field="no_data_statement",
        header="无数据资源说明文号",
        synonyms=("无数据资源说明", "无数据说明文号"),
        format=Format.TEXT,
    ),
)

_MIGRATION_COLUMNS = (
    replace(
        _SYSTEM,
        header="系统名称",
        synonyms=tuple(h for h in ("系统编号", *_SYSTEM.synonyms) if h != "系统名称"),
        required=True,
        example="教育资源公共服务平台",
    ),
    replace(
        _DEPARTMENT, header="责任单位", synonyms=("建设单位", *(h for h in _DEPARTMENT.synonyms if h != "责任单位"))
    ),
    _CLASSIFIED,
    _BUILT,
    _PLACE,
    *_MIGRATION,
    replace(_MIGRATION_STATUS, header="状态", synonyms=("迁移状态", *_MIGRATION_STATUS.synonyms)),
)

_DESIGN_COLUMNS = (
    Column(
        field="project",
        header="项目编号",
        synonyms=("项目代码", "建设项目编号", "项目名称", "建设项目名称", "项目", "所属项目"),
        preferred=4,
        format=Format.NAME,
        required=True,
        touches=True,
        secret=True,
        example="P-2024-001",
    ),
    Column(
        field="component",
        header="组件名称",
        synonyms=(
            "资源名称",
            "组件",
            "服务器用途",
            "主机用途",
            "服务器名称",
            "云主机用途",
            "配置项",
            "部署组件",
            "用途",
            "名称",
        ),
        format=Format.NAME,
        example="应用服务器",
    ),
    Column(
        field="document",
        header="设计书编号",
        synonyms=("技术设计书编号", "技术设计书", "建设方案编号", "设计书文号", "方案编号"),
        format=Format.NAME,
        example="JSSJ-2024-001",
    ),
    Column(
        field="count",
        header="数量",
        synonyms=("台数", "数量(台)", "服务器数量", "主机数量", "云主机数量", "申请数量"),
        format=Format.INT,
        example="2",
    ),
    Column(
        field="vcpus",
        header="vCPU(核)",
        synonyms=("vCPU", "CPU", "CPU核数", "核数", "vCPU核数", "vCPU数", "单台vCPU", "单台CPU"),
        preferred=2,
        format=Format.INT,
        example="8",
    ),
    Column(
        field="memory_bytes",
        header="内存(GB)",
        synonyms=("内存", "内存大小", "内存容量", "单台内存"),
        format=Format.GIB,
        example="16",
    ),
    Column(
        field="disk_bytes",
        header="磁盘(GB)",
        synonyms=("磁盘", "存储", "硬盘", "硬盘(GB)", "存储(GB)", "磁盘容量", "存储容量", "单台磁盘", "单台存储"),
        format=Format.GIB,
        example="500",
    ),
    Column(
        field="addresses",
        header="IP地址",
        synonyms=("IP", "规划IP", "地址", "规划地址", "IP地址规划"),
        format=Format.ADDRESSES,
        secret=True,
        example="10.1.1.10",
    ),
    Column(
        field="address_count",
        header="IP数量",
        synonyms=("IP地址数量", "IP地址数", "地址数量", "IP数", "IP个数"),
        format=Format.INT,
        example="2",
    ),
    _CLASSIFIED,
)

_GRADED = Column(
    field="system",
    header="定级对象名称",
    synonyms=(
        "系统编号",
        "系统代码",
        "定级对象(系统)名称",
        "定级对象",
        "系统名称",
        "信息系统名称",
        "备案系统名称",
        "系统",
        "被测系统名称",
    ),
    preferred=6,
    format=Format.NAME,
    touches=True,
    secret=True,
    example="S-001",
)
_IS_PLATFORM = Column(
    field="is_platform",
    header="是否云平台",
    synonyms=("是否政务云平台", "云平台", "是否平台"),
    format=Format.BOOL,
    choices=YES_NO,
    example="否",
)

_FILING_COLUMNS = (
    _GRADED,
    Column(
        field="number",
        header="备案证明编号",
        synonyms=("备案编号", "等保备案编号", "等保备案号", "备案号", "等保编号", "备案证明号"),
        format=Format.FILING_NUMBER,
        touches=True,
        example="42060012345-00001",
    ),
    Column(
        field="level",
        header="安全保护等级",
        synonyms=("等保级别", "安全保护等级(SxAxGx)", "等级", "级别", "等保等级", "定级级别"),
        format=Format.MLPS_LEVEL,
        choices=("一级", "二级", "三级", "四级", "五级"),
        example="三级",
    ),
    _date("filed_on", "备案日期", "备案时间", "备案证明日期", "发证日期"),
    _date("valid_to", "证明有效期至", "有效期至", "备案有效期", "备案证明有效期至", "有效期", kind=Format.LAST_DAY),
    Column(
        field="template",
        header="备案模板版本",
        synonyms=("模板版本", "备案模板"),
        format=Format.MLPS_TEMPLATE,
        choices=("2007", "2025"),
        example="2025",
    ),
    _IS_PLATFORM,
    _CLASSIFIED,
)

_ASSESSMENT_COLUMNS = (
    _GRADED,
    Column(
        field="report_number",
        header="测评报告编号",
        synonyms=("报告编号", "等级测评报告编号"),
        format=Format.STRICT_CODE,
        touches=True,
        example="42060012345-00001-25-4201-01",
    ),
    Column(
        field="filing_number",
        header="备案证明编号",
        synonyms=("备案编号", "等保备案编号", "等保备案号", "备案号"),
        format=Format.STRICT_CODE,
        touches=True,
        example="42060012345-00001",
    ),
    _date("reported_on", "测评报告日期", "报告日期", "测评日期", "测评时间", "报告时间"),
    Column(
        field="conclusion",
        header="测评结论",
        synonyms=("结论", "等级测评结论", "测评结果"),
        choices=("符合", "基本符合", "不符合", "优", "良", "中", "差"),
        example="基本符合",
    ),
    Column(
        field="score",
        header="得分/符合率",
        synonyms=("得分", "综合得分", "符合率", "测评得分", "分数"),
        format=Format.SCORE,
        example="85.5",
    ),
    Column(
        field="major_risks",
        header="重大风险隐患",
        synonyms=("重大风险隐患(数量/已整改)", "重大风险隐患数量", "重大风险数量"),
        format=Format.RISKS,
        example="2(1个已整改)",
    ),
    replace(_date("rectified_on", "整改完成日期", "整改完成时间", "整改日期"), is_soft=True),
    Column(
        field="crypto_conclusion",
        header="密评结论",
        synonyms=("密码应用安全性评估结论", "商用密码应用安全性评估结论"),
        choices=("符合", "基本符合", "不符合"),
        is_soft=True,
    ),
    replace(_date("crypto_reported_on", "密评报告日期", "密评日期", "密评时间"), is_soft=True),
    _IS_PLATFORM,
    _CLASSIFIED,
)

_SHARING_COLUMNS = (
    Column(
        field="code",
        header="共享目录编号",
        synonyms=("目录编号", "目录代码", "信息资源代码", "目录编码", "资源目录编号", "资源代码"),
        format=Format.CODE,
        required=True,
        touches=True,
        secret=True,
        example="306001/000012",
    ),
    Column(
        field="name",
        header="目录名称",
        synonyms=("共享目录名称", "信息资源名称", "资源目录名称", "数据目录名称"),
        format=Format.NAME,
        required=True,
        touches=True,
        secret=True,
        example="学籍信息",
    ),
    _SYSTEM,
    Column(
        field="direction",
        header="供需方向",
        synonyms=("方向", "提供/使用", "共享方向", "供需"),
        format=Format.DIRECTION,
        choices=("提供", "使用", "双向"),
        example="提供",
    ),
    Column(
        field="sharing_type",
        header="共享属性",
        synonyms=("共享类型", "共享条件类型"),
        format=Format.SHARING_TYPE,
        choices=("无条件共享", "有条件共享", "不予共享"),
        example="有条件共享",
    ),
    Column(field="legal_basis", header="不予共享依据", synonyms=("法律依据", "依据", "不予共享法律依据")),
    _date("published_on", "发布日期", "发布时间", "目录发布日期"),
    Column(
        field="resource_id",
        header="挂接资源编号",
        synonyms=("挂接资源", "资源编号", "资源ID", "关联资源代码", "服务编号", "资源标识"),
        format=Format.CODE,
        touches=True,
        example="api-0001",
    ),
    Column(
        field="resource_type",
        header="资源类型",
        synonyms=("挂接资源类型", "资源格式", "共享方式"),
        choices=("库表", "接口", "文件"),
        example="接口",
    ),
    _date("mounted_on", "挂接日期", "挂接时间", "资源挂接日期"),
    _date("applied_on", "申请日期", "申请时间", "使用申请日期"),
    _date("approved_on", "授权日期", "审批日期", "授权时间", "审批通过日期"),
    _CLASSIFIED,
)

_USE_COLUMNS = (
    Column(
        field="resource_id",
        header="资源编号",
        synonyms=("挂接资源编号", "资源ID", "服务编号", "共享目录编号", "目录编号", "接口编号", "资源标识"),
        format=Format.CODE,
        required=True,
        touches=True,
        example="api-0001",
    ),
    Column(
        field="consumer_system",
        header="使用系统",
        synonyms=("调用系统", "使用方系统", "调用方系统", "消费系统", "使用系统编号", "调用方"),
        format=Format.NAME,
        touches=True,
        secret=True,
        example="S-002",
    ),
    _date(
        "period_start",
        "统计起",
        "统计开始日期",
        "开始日期",
        "统计期起",
        "统计周期起",
        kind=Format.FIRST_DAY,
        example="2026-10",
    ),
    _date(
        "period_end",
        "统计止",
        "统计结束日期",
        "结束日期",
        "统计期止",
        "统计周期止",
        kind=Format.LAST_DAY,
        example="2026-10",
    ),
    Column(
        field="succeeded",
        header="成功次数",
        synonyms=("调用成功次数", "成功调用次数", "成功数", "交换成功次数", "成功量"),
        format=Format.INT,
        example="1200",
    ),
    Column(
        field="failed",
        header="失败次数",
        synonyms=("调用失败次数", "失败调用次数", "失败数", "交换失败次数", "失败量"),
        format=Format.INT,
        example="3",
    ),
    _date("last_success_on", "最近成功日期", "最近成功调用日期", "最后成功时间", "最近成功时间", "最近调用时间"),
    _CLASSIFIED,
)

_RESOURCE = Column(
    field="resource_id",
    header="资源编号",
    synonyms=(
        "服务编号",
        "服务ID",
        "接口编号",
        "资源ID",
        "资源标识",
        "目录编号",
        "共享目录编号",
        "挂接资源编号",
        "sid",
    ),
    format=Format.CODE,
    required=True,
    touches=True,
    example="api-0001",
)
_CONSUMER = Column(
    field="consumer_system",
    header="使用系统",
    synonyms=("调用系统", "调用方系统", "应用ID", "应用编号", "应用名称", "调用应用", "appId", "rid", "调用方"),
    preferred=3,
    format=Format.NAME,
    touches=True,
    secret=True,
    example="S-002",
)
_CALL_COLUMNS = (
    Column(
        field="call_id",
        header="流水号",
        synonyms=("请求ID", "调用流水号", "日志ID", "请求编号", "traceId"),
        format=Format.TEXT,
        example="20261101083000-0001",
    ),
    Column(
        field="called_on",
        header="调用时间",
        synonyms=("请求时间", "访问时间", "时间", "调用日期", "日志时间"),
        format=Format.DATE,
        required=True,
        example="2026-11-01 08:30:00",
    ),
    _RESOURCE,
    _CONSUMER,
    Column(
        field="is_success",
        header="调用结果",
        synonyms=("结果", "返回码", "状态码", "结果码", "响应码", "是否成功", "状态", "调用状态"),
        preferred=2,
        format=Format.SUCCESS,
        required=True,
        choices=("成功", "失败"),
        example="成功",
    ),
    Column(
        field="is_probe",
        header="是否监测",
        synonyms=("是否心跳", "是否探测", "监测调用", "是否测试"),
        format=Format.BOOL,
        choices=YES_NO,
        example="否",
    ),
    _CLASSIFIED,
)
_TASK_COLUMNS = (
    Column(
        field="task_id",
        header="任务编号",
        synonyms=("任务ID", "交换任务编号", "任务标识", "作业编号"),
        format=Format.CODE,
        required=True,
        touches=True,
        example="T-0001",
    ),
    replace(_RESOURCE, required=False, example="api-0002"),
    replace(_CONSUMER, synonyms=(*_CONSUMER.synonyms, "目标系统")),
    _date("last_run_on", "最近执行时间", "最后执行时间", "上次执行时间", "最近运行时间", "执行时间", "结束时间"),
    Column(
        field="is_success",
        header="执行状态",
        synonyms=("状态", "执行结果", "运行状态", "结果", "任务状态"),
        preferred=3,
        format=Format.SUCCESS,
        choices=("成功", "失败"),
        example="成功",
    ),
    Column(
        field="rows_done",
        header="成功条数",
        synonyms=("成功行数", "交换条数", "写入条数", "成功数", "交换数据量(条)"),
        preferred=2,
        format=Format.INT,
        example="1200",
    ),
    Column(field="rows_failed", header="失败条数", synonyms=("失败行数", "失败数"), format=Format.INT, example="0"),
    _CLASSIFIED,
)

_THIRD_PARTY_COLUMNS = (
    Column(
        field="code",
        header="合同编号",
        synonyms=("采购合同编号", "合同号"),
        format=Format.CODE,
        required=True,
        touches=True,
        secret=True,
        example="HT-2024-001",
    ),
    Column(
        field="provider",
        header="服务商",
        synonyms=("供应商", "提供商", "云服务商", "服务提供商", "服务商名称"),
        format=Format.NAME,
        required=True,
        touches=True,
        example="某某云公司",
    ),
    _date(
        "valid_from", "合同起始日期", "服务起始日期", "合同开始日期", "服务开始日期", "合同期起", kind=Format.FIRST_DAY
    ),
    _date("valid_to", "合同截止日期", "服务截止日期", "合同结束日期", "服务结束日期", "合同期止", kind=Format.LAST_DAY),
    Column(
        field="ranges",
        header="网段/IP范围",
        synonyms=("IP范围", "网段", "地址范围", "IP地址范围", "网段CIDR", "地址段"),
        format=Format.CIDRS,
        secret=True,
        example="10.200.0.0/24",
    ),
    _ZONE,
    Column(
        field="accounts",
        header="账号/实例",
        synonyms=("云账号", "账号", "实例ID", "账号/实例ID", "资源账号"),
        format=Format.CODES,
        secret=True,
        example="account-01",
    ),
    Column(
        field="filing_number",
        header="备案证明编号",
        synonyms=("等保备案号", "备案编号", "等保备案编号", "云平台备案号"),
        format=Format.STRICT_CODE,
        example="42060012345-00009",
    ),
    Column(
        field="security_assessment",
        header="云计算服务安全评估",
        synonyms=("安全评估", "云安全评估", "安全评估文号"),
        example="2024年第1批",
    ),
    _CLASSIFIED,
)

_SEGMENT_COLUMNS = (
    Column(
        field="cidr",
        header="网段CIDR",
        synonyms=("网段", "CIDR", "IP段", "地址段", "IP地址段", "网段地址", "IP范围", "子网"),
        format=Format.CIDRS,
        required=True,
        touches=True,
        secret=True,
        example="10.1.1.0/24",
    ),
    _ZONE,
    Column(field="vrf", header="VRF/VPN", synonyms=("VRF", "VPN", "VPN实例"), example="edu-vpn"),
    Column(field="vlan", header="VLAN", synonyms=("VLANID", "VLAN号"), format=Format.CODE, example="101"),
    Column(field="name", header="网段名称", synonyms=("名称", "子网名称"), example="教育局业务网"),
    Column(field="purpose", header="用途", synonyms=("网段用途", "使用用途"), example="业务"),
    Column(
        field="department",
        header="归属单位",
        synonyms=("使用单位", "建设单位", "单位名称", "单位", "部门", "所属单位", "责任单位"),
        format=Format.NAME,
        example="市教育局",
    ),
    Column(
        field="system",
        header="所属系统",
        synonyms=("系统编号", "系统名称", "系统", "归属系统"),
        preferred=3,
        format=Format.NAME,
        touches=True,
        secret=True,
        example="S-001",
    ),
    Column(
        field="is_cloud",
        header="是否政务云",
        synonyms=("政务云", "是否云内", "是否云上"),
        format=Format.BOOL,
        choices=YES_NO,
        example="否",
    ),
    Column(field="tenant", header="云租户/VPC", synonyms=("云租户", "租户", "VPC"), format=Format.NAME, secret=True),
    Column(
        field="gateway", header="网关", synonyms=("网关地址", "默认网关"), format=Format.ADDRESS, example="10.1.1.1"
    ),
    Column(
        field="has_own_exit",
        header="自有互联网出口",
        synonyms=("互联网出口", "是否有互联网出口", "独立互联网出口", "是否自有出口"),
        format=Format.BOOL,
        choices=YES_NO,
        example="否",
    ),
    _CLASSIFIED,
)

_HOST_NAME = Column(
    field="name",
    header="主机名称",
    synonyms=(
        "主机名",
        "云主机名称",
        "虚拟机名称",
        "实例名称",
        "服务器名称",
        "设备名称",
        "资产名称",
        "主机",
        "名称",
        "机器名",
    ),
    format=Format.NAME,
    required=True,
    touches=True,
    secret=True,
    example="edu-web-01",
)
_HOST_COLUMNS = (
    _HOST_NAME,
    Column(
        field="addresses",
        header="IP地址",
        synonyms=("IP", "内网IP", "私网IP", "主机IP", "管理IP", "IPv4地址", "私有IP", "业务IP"),
        format=Format.ADDRESSES,
        touches=True,
        secret=True,
        example="10.1.1.10",
    ),
    Column(
        field="macs",
        header="MAC地址",
        synonyms=("MAC", "物理地址"),
        format=Format.MACS,
        secret=True,
        example="fa:16:3e:00:00:01",
    ),
    _ZONE,
    Column(
        field="department",
        header="使用单位",
        synonyms=("归属单位", "建设单位", "单位名称", "单位", "部门", "所属单位", "责任单位", "使用部门"),
        format=Format.NAME,
        example="市教育局",
    ),
    _SYSTEM,
    Column(field="os_name", header="操作系统", synonyms=("OS", "操作系统类型", "系统版本"), example="openEuler 22.03"),
    Column(field="arch", header="CPU架构", synonyms=("架构", "处理器架构"), example="aarch64"),
    Column(
        field="vcpus",
        header="CPU",
        synonyms=("CPU核数", "vCPU", "CPU(核)", "核数", "CPU数"),
        format=Format.INT,
        example="8",
    ),
    Column(
        field="memory_bytes",
        header="内存(GB)",
        synonyms=("内存", "内存大小", "内存容量"),
        format=Format.GIB,
        example="16",
    ),
    Column(
        field="disk_bytes",
        header="磁盘(GB)",
        synonyms=("磁盘", "存储", "硬盘", "硬盘(GB)", "存储(GB)", "磁盘容量"),
        format=Format.GIB,
        example="500",
    ),
)
_INVENTORY_COLUMNS = (
    *_HOST_COLUMNS,
    Column(
        field="uuid",
        header="实例ID",
        synonyms=("云主机ID", "虚拟机ID", "实例编号", "UUID", "资源ID", "虚拟机UUID", "云主机UUID"),
        format=Format.CODE,
        touches=True,
        secret=True,
        example="6f9619ff-8b86-4d01-b42d-00cf4fc964ff",
    ),
    Column(
        field="tenant",
        header="云租户",
        synonyms=("租户", "租户名称", "云租户名称", "所属租户", "云租户/VPC", "云项目", "VDC", "资源空间"),
        format=Format.NAME,
        secret=True,
        example="edu-prod",
    ),
    Column(field="status", header="状态", synonyms=("运行状态", "云主机状态", "电源状态"), example="运行中"),
    Column(
        field="hypervisor",
        header="宿主机",
        synonyms=("物理机", "所在物理机", "宿主机名称"),
        format=Format.TEXT,
        example="compute-01",
    ),
    _date("created_on", "创建时间", "创建日期", "开通时间", "开通日期"),
    _CLASSIFIED,
)
_ASSET_COLUMNS = (
    *_HOST_COLUMNS,
    Column(
        field="asset_number",
        header="资产编号",
        synonyms=("固定资产编号", "资产卡片编号", "资产卡片号", "资产编码"),
        format=Format.CODE,
        touches=True,
        secret=True,
        example="ZC-2024-0001",
    ),
    _date(
        "commissioned_on",
        "取得日期",
        "购置日期",
        "启用日期",
        "入账日期",
        "采购日期",
        "购入日期",
        "购置时间",
        kind=Format.COARSE_DATE,
    ),
    Column(
        field="is_appliance",
        header="设备类型",
        synonyms=("资产类型", "资产类别", "设备类别", "资产分类"),
        format=Format.DEVICE,
        choices=("服务器", "虚拟机", "存储", "前置机", "NVR", "加密机", "网络设备", "安全设备", "终端"),
        example="服务器",
    ),
    Column(
        field="is_centre_infrastructure",
        header="是否中心基础设施",
        synonyms=("中心基础设施", "是否云平台设施", "是否云平台基础设施"),
        format=Format.BOOL,
        choices=YES_NO,
        example="否",
    ),
    Column(field="vendor", header="品牌", synonyms=("厂商", "生产厂商", "制造商", "品牌厂商"), example="浪潮"),
    Column(field="product", header="型号", synonyms=("规格型号", "设备型号", "品牌型号"), example="NF5280M6"),
    Column(
        field="serial",
        header="序列号",
        synonyms=("SN", "设备序列号", "SN号", "产品序列号"),
        format=Format.CODE,
        touches=True,
        secret=True,
        example="SN0001",
    ),
    Column(
        field="uuid", header="UUID", synonyms=("系统UUID", "主板UUID"), format=Format.CODE, touches=True, secret=True
    ),
    Column(field="status", header="状态", synonyms=("使用状态", "资产状态", "设备状态"), example="在用"),
    _CLASSIFIED,
)

_OWNERSHIP_COLUMNS = (
    Column(
        field="target",
        header="资源",
        synonyms=("主机/地址/租户", "主机", "资源名称", "资源标识", "对象", "主机名", "IP地址"),
        format=Format.NAME,
        required=True,
        touches=True,
        secret=True,
        example="10.1.1.10",
    ),
    _ZONE,
    Column(
        field="systems",
        header="归属系统",
        synonyms=("系统编号", "系统代码", "归属系统编号", "所属系统", "系统", "系统名称"),
        preferred=4,
        format=Format.CODES,
        touches=True,
        secret=True,
        example="S-001",
    ),
    Column(
        field="projects",
        header="归属项目",
        synonyms=("项目编号", "所属项目", "项目代码", "归属项目编号"),
        format=Format.CODES,
        touches=True,
        secret=True,
        example="P-2024-001",
    ),
    Column(field="note", header="备注", synonyms=("说明", "依据"), example="教育局来函确认"),
    _CLASSIFIED,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerForm:
    """A kind of ledger: what people call it and which columns it has."""

    kind: str
    """As in the config: `projects`, `systems` …"""
    title: str
    columns: tuple[Column, ...]
    identity: tuple[str, ...]
    """At least one of these must be in a row."""

    def column(self, field: str) -> Column | None:
        """The column of a field."""
        return next((c for c in self.columns if c.field == field), None)

    def reads_past(self, header: str) -> bool:
        """Whether a header that fills no field is one that such ledgers are known to have, or a field of another kind:
        one table often holds what two ledgers ask for (备案与测评).
        """
        words = {normalise(header), normalise(re.sub(r"[(（][^()（）]*[)）]", "", header))}
        past = {normalise(h) for h in (*READ_PAST[""], *READ_PAST.get(self.kind, ()))}
        return bool(words & (past | _ALL_HEADERS))


def _with_details(form: LedgerForm) -> LedgerForm:
    details = tuple(
        Column(field=field, header=header, synonyms=tuple(synonyms), is_detail=True, preferred=2)
        for field, header, *synonyms in DETAILS.get(form.kind, ())
    )
    return replace(form, columns=(*form.columns, *details))


FORMS: Mapping[str, LedgerForm] = MappingProxyType(
    {
        form.kind: form
        for form in map(
            _with_details,
            (
                LedgerForm(kind="departments", title="部门名录", columns=_DEPARTMENTS, identity=("name",)),
                LedgerForm(kind="projects", title="项目台账", columns=_PROJECT_COLUMNS, identity=("code",)),
                LedgerForm(kind="systems", title="信息系统台账", columns=_SYSTEM_COLUMNS, identity=("code",)),
                LedgerForm(kind="migrations", title="迁移台账", columns=_MIGRATION_COLUMNS, identity=("system",)),
                LedgerForm(
                    kind="design_books", title="技术设计书资源表", columns=_DESIGN_COLUMNS, identity=("project",)
                ),
                LedgerForm(
                    kind="mlps_filings", title="等保备案台账", columns=_FILING_COLUMNS, identity=("system", "number")
                ),
                LedgerForm(
                    kind="mlps_assessments",
                    title="等级测评台账",
                    columns=_ASSESSMENT_COLUMNS,
                    identity=("system", "report_number", "filing_number"),
                ),
                LedgerForm(kind="sharing_entries", title="共享目录台账", columns=_SHARING_COLUMNS, identity=("code",)),
                LedgerForm(kind="sharing_uses", title="共享调用汇总", columns=_USE_COLUMNS, identity=("resource_id",)),
                LedgerForm(
                    kind="sharing_calls", title="共享调用日志", columns=_CALL_COLUMNS, identity=("resource_id",)
                ),
                LedgerForm(kind="sharing_tasks", title="数据交换任务", columns=_TASK_COLUMNS, identity=("task_id",)),
                LedgerForm(
                    kind="third_party", title="第三方资源台账", columns=_THIRD_PARTY_COLUMNS, identity=("code",)
                ),
                LedgerForm(kind="segments", title="网段规划表", columns=_SEGMENT_COLUMNS, identity=("cidr",)),
                LedgerForm(kind="inventory", title="云资源清单", columns=_INVENTORY_COLUMNS, identity=("name", "uuid")),
                LedgerForm(kind="assets", title="资产台账", columns=_ASSET_COLUMNS, identity=("name", "asset_number")),
                LedgerForm(kind="ownership", title="归属声明表", columns=_OWNERSHIP_COLUMNS, identity=("target",)),
            ),
        )
    }
)
"""Kind to form, in the order in which a reader meets them."""

_ALL_HEADERS = frozenset(normalise(h) for form in FORMS.values() for c in form.columns for h in (c.header, *c.synonyms))
