"""Columns of ledgers that no check reads: what is kept for a person to see, and what is known and read past.

A *detail* is kept in the record as the cell shows it, under the table's own header, for `yunhe explain`. What is
*read past* is known to stand in such ledgers and never kept: running numbers, and what names a person or a telephone.
A header that is neither is told by `yunhe doctor`: it may be a column that goes by a name that nobody thought of.
"""

from collections.abc import Mapping
from types import MappingProxyType

DETAILS: Mapping[str, tuple[tuple[str, ...], ...]] = MappingProxyType(
    {
        "projects": (
            ("approval_document", "立项批文号", "批文号", "立项文号", "立项批复文号", "批复文号", "批准文号"),
            ("amount", "预算/合同金额(万元)", "合同金额", "合同金额(万元)", "预算金额", "预算", "投资金额", "总投资",
             "总投资(万元)", "中标金额", "中标金额(万元)"),
            ("contract_number", "合同编号", "合同号", "合同编号/签订日期"),
            ("builder", "承建单位", "承建方", "中标单位", "中标供应商", "承建商"),
            ("supervisor", "监理单位", "监理方", "监理公司"),
            ("declared_place", "部署位置", "部署地点", "部署环境"),
            ("sharing_codes", "共享目录编号", "共享目录", "目录编号"),
            ("filing_numbers", "等保编号", "等保备案编号", "等保备案号", "备案证明编号"),
            ("function", "功能", "建设内容", "主要功能", "主要建设内容"),
            ("use", "使用范围", "使用频度", "使用范围/频度"),
            ("approver", "审批部门", "立项审批部门", "批复单位"),
            ("trial_period", "试运行起止", "试运行起/止", "试运行期", "试运行时间"),
        ),
        "systems": (
            ("short_name", "简称", "系统简称"),
            ("system_type", "系统类型", "系统类别"),
            ("users", "用户范围", "使用范围", "服务对象"),
            ("software", "OS/数据库/中间件", "操作系统/数据库/中间件", "操作系统", "数据库", "软件环境"),
            ("zone", "网络区域", "所在网络", "部署网络"),
            ("peers", "对接系统", "对接情况", "关联系统"),
            ("sharing_codes", "共享目录编号", "共享目录"),
            ("filing_number", "备案证明编号", "等保编号", "等保备案编号", "等保备案号"),
            ("function", "功能", "系统功能", "主要功能", "功能描述"),
            ("builder", "承建单位", "开发单位", "建设厂商"),
            ("operator", "运维单位", "运维厂商", "维护单位"),
            ("address", "访问地址", "域名", "网址", "URL"),
        ),
        "migrations": (
            ("short_name", "简称", "系统简称"),
            ("system_type", "系统类型", "系统类别"),
            ("mlps_level", "等保级别", "等保等级", "安全保护等级"),
            ("users", "用户范围", "使用范围", "服务对象"),
            ("machines", "物理机/虚机数量", "物理机数量", "虚机数量", "虚拟机数量", "服务器数量"),
            ("software", "OS/数据库/中间件", "操作系统/数据库/中间件", "操作系统", "数据库", "中间件"),
            ("storage", "存储量", "存储容量", "数据量"),
            ("zone", "网络区域", "所在网络"),
            ("peers", "对接系统", "关联系统"),
            ("feasibility", "上云可行性", "上云可行性(可迁/改造后迁/不宜迁+依据)", "可行性", "能否上云"),
            ("method", "迁移方式", "迁移方式(重部署/整机/容器化)"),
            ("target", "目标云资源", "云资源需求", "所需云资源"),
            ("parallel", "并行期", "并行运行期"),
        ),
        "design_books": (
            ("system", "系统名称", "信息系统名称", "应用系统", "所属系统", "系统"),
            ("software", "操作系统", "数据库", "中间件", "软件环境", "操作系统/数据库/中间件"),
            ("zone", "网络区域", "部署区域", "所在网络"),
            ("bandwidth", "带宽", "带宽需求", "网络带宽"),
        ),
        "mlps_filings": (
            ("unit", "备案单位", "运营使用单位", "单位名称", "建设单位", "责任单位"),
            ("unit_code", "统一社会信用代码", "信用代码", "社会信用代码"),
            ("organ", "备案公安机关", "受理备案公安机关", "公安机关", "受理单位"),
            ("is_tenant", "是否云租户", "云租户"),
            ("platform", "所在云平台及其备案号", "所在云平台", "云平台名称", "云平台备案号"),
        ),
        "mlps_assessments": (
            ("unit", "备案单位", "被测单位", "运营使用单位", "单位名称", "建设单位", "责任单位"),
            ("unit_code", "统一社会信用代码", "信用代码", "社会信用代码"),
            ("body", "测评机构", "测评机构名称", "测评单位"),
            ("body_certificate", "测评机构证书号", "测评机构证书编号", "测评机构推荐证书编号", "机构证书号"),
            ("next_on", "下次测评日期", "下次测评时间", "计划测评日期"),
            ("crypto_filing", "密评备案", "密评备案号", "密评备案情况"),
        ),
        "sharing_entries": (
            ("category", "信息资源分类", "资源分类", "目录分类"),
            ("provider", "提供方", "提供单位", "数据提供方", "资源提供方", "提供部门"),
            ("provider_code", "提供方代码", "提供单位代码", "资源提供方代码"),
            ("summary", "摘要", "信息资源摘要", "资源摘要"),
            ("items", "信息项", "数据项", "信息项名称"),
            ("condition", "共享条件", "共享条件说明"),
            ("openness", "开放属性", "开放类型", "是否开放"),
            ("updates", "更新周期", "更新频率", "更新频度"),
            ("front_end", "前置机", "前置机地址", "前置节点"),
        ),
        "sharing_uses": (
            ("consumer", "调用单位", "使用单位", "使用方单位", "需求单位"),
            ("provider", "提供单位", "提供方", "数据提供方"),
            ("name", "资源名称", "接口名称", "服务名称", "目录名称"),
        ),
        "sharing_tasks": (
            ("name", "任务名称", "交换任务名称"),
            ("direction", "方向", "交换方向"),
            ("source_table", "源表", "来源表", "源库表"),
            ("target_table", "目标表", "目的表", "目标库表"),
            ("front_end", "前置机", "前置机地址", "前置节点"),
            ("consumer", "使用单位", "目标单位", "需求单位"),
            ("provider", "提供单位", "来源单位", "提供方"),
        ),
        "third_party": (
            ("amount", "合同金额", "合同金额(万元)", "服务费用"),
            ("scope", "服务内容", "采购内容", "资源规格", "服务范围"),
            ("procurement", "采购方式", "采购文号", "中标通知书编号"),
        ),
        "segments": (
            ("room", "机房", "所在机房", "机房位置"),
        ),
    }
)  # fmt: skip
"""Kind of ledger to (field, template's header, other headers …)."""

_RUNNING = ("序号", "编号序号", "行号", "No", "No.")
_PERSONS = ("责任人", "联系人", "联系电话", "电话", "手机", "手机号", "联系方式", "负责人", "项目负责人", "系统负责人",
            "经办人", "填报人", "项目联系人", "联系人及电话", "联系人/电话", "责任人/联系电话", "邮箱")  # fmt: skip
_REMARKS = ("备注", "说明", "备注说明", "其他")

READ_PAST: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "": (*_RUNNING, *_PERSONS, *_REMARKS),
        "sharing_calls": ("调用单位", "使用单位", "提供单位", "提供方", "资源名称", "接口名称", "服务名称",
                          "耗时", "耗时(ms)", "响应时间", "数据量", "返回条数", "返回行数", "字节数", "流量", "源IP",
                          "调用IP", "客户端IP", "请求参数", "返回信息", "错误信息", "签名", "密钥", "token"),
        "sharing_tasks": ("创建时间", "任务类型", "执行周期", "耗时", "错误信息"),
        "inventory": ("密码", "root密码", "登录密码", "用户名", "到期时间", "公网IP", "弹性IP"),
        "assets": ("密码", "存放地点", "所在机房", "原值", "净值", "使用人", "保管人", "数量"),
    }
)  # fmt: skip
"""Kind of ledger to headers that are known and never kept; those of "" stand in any."""
