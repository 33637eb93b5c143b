"""What one source said about one thing: immutable, one vocabulary for all sources.

`None` in a field means "the source did not say". It never means "no", "zero" or "none".
Identity is (source, kind, native id), never a name. Times are aware and in UTC, dates of the law are local dates
of Asia/Shanghai.
"""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated

import msgspec

Instant = Annotated[datetime, msgspec.Meta(tz=True)]
"""A point in time with its zone: without one it could not be compared with the scan's clock."""


class Record(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", omit_defaults=True):
    """What every record says of itself."""

    source: str
    """Who said it: `openstack:NAME`, `kubernetes:NAME`, `ssh:NAME`, `ledger:NAME` (NAME from the config)."""
    native_id: str
    """What the source itself calls the thing; names may repeat, this may not within (source, kind)."""
    observed_at: Instant
    raw: str | None = None
    """SHA-256 (hex) of the raw document it came from; the collection keeps the document."""

    @property
    def kind(self) -> str:
        """The record's kind, as it stands in files: `host`, `tenant`, `project` …"""
        return str(self.__struct_config__.tag)

    @property
    def key(self) -> str:
        """`source|kind|native_id`: the same thing from the same source has the same key every night."""
        return f"{self.source}|{self.kind}|{self.native_id}"


# ── the register 台账 ────────────────────────────────────────────────────────────────────────────────────────────────


class DatedName(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A former or later name of a unit and when it bore it; None: not said."""

    name: str
    valid_from: date | None = None
    valid_to: date | None = None
    """Last day."""


class Department(Record, frozen=True, kw_only=True, tag="department"):
    """A department that the regulation obliges 部门/建设单位."""

    name: str
    code: str | None = None
    """Unified social credit code 统一社会信用代码, GB 32100-2015, 18 characters."""
    other_names: tuple[str, ...] = ()
    """Short and former names 简称/曾用名 that hold at any time."""
    dated_names: tuple[DatedName, ...] = ()
    """Former names 曾用名 with the time in which they held: after a reform another unit may bear them."""
    valid_from: date | None = None
    """First day of its present name 更名日期."""
    valid_to: date | None = None
    """Last day, of a unit that was abolished or renamed 撤销/更名日期."""


class ProjectKind(StrEnum):
    """Kind of a project 项目类别."""

    NEW = "new"
    """新建"""
    REBUILD = "rebuild"
    """改建"""
    EXTENSION = "extension"
    """扩建"""
    UPGRADE = "upgrade"
    """升级/改造升级"""
    OPERATION = "operation"
    """运维/运行维护"""
    SERVICE = "service"
    """购买服务"""
    CONSULTING = "consulting"
    """设计咨询: outside Arts. 17 and 21"""
    TESTING = "testing"
    """测评: outside Arts. 17 and 21"""


class Funding(StrEnum):
    """Source of the money 资金来源 (scope of Art. 2)."""

    GOVERNMENT = "government"
    """政府投资/财政性资金"""
    JOINT = "joint"
    """政府与社会企业联合建设"""
    PURCHASE = "purchase"
    """政府向社会购买服务"""
    MAINTENANCE = "maintenance"
    """需要政府资金运行维护"""
    NON_FISCAL = "non_fiscal"
    """非财政性资金: outside Art. 2, encouraged by Art. 16"""


class Level(StrEnum):
    """Whose project or system it is 层级."""

    CITY = "city"
    """市本级"""
    PROVINCE = "province"
    """省级/省垂管, and other cities' and prefectures' own"""
    STATE = "state"
    """国家级/部垂管"""


class Project(Record, frozen=True, kw_only=True, tag="project"):
    """A registered project 项目. Native id: its internal code 项目编号."""

    name: str
    department: str | None = None
    """Name of the building department 建设单位, as written."""
    department_code: str | None = None
    project_kind: ProjectKind | None = None
    funding: Funding | None = None
    level: Level | None = None
    national_code: str | None = None
    """投资项目代码, 24 characters; optional for purchased services (Art. 8)."""
    systems: tuple[str, ...] = ()
    """Codes of the systems it builds or keeps 包含系统."""
    tenants: tuple[str, ...] = ()
    """Cloud tenants 云租户: names or ids."""
    adds_fixed_assets: bool | None = None
    approved_on: date | None = None
    """立项批复日期"""
    awarded_on: date | None = None
    """中标日期"""
    contract_on: date | None = None
    supervision_applied_on: date | None = None
    """监理申请日期 (Art. 18)"""
    initial_acceptance_on: date | None = None
    """初验日期"""
    trial_start_on: date | None = None
    """试运行起"""
    trial_end_on: date | None = None
    final_acceptance_on: date | None = None
    """终验日期"""
    in_operation_on: date | None = None
    """投入运行日期"""
    self_evaluation_on: date | None = None
    trial_report: str | None = None
    """试运行报告: number of the paper on the trial run (Art. 23(2))."""
    is_platform_project: bool | None = None
    """是否平台类 (Art. 23(8))"""
    collects_data: bool | None = None
    """是否含数据采集 (Art. 23(8))"""
    software_report: str | None = None
    """软件测评报告编号, of a third-party testing body."""
    software_report_on: date | None = None
    software_conclusion: str | None = None
    """As written: 通过/合格/不通过 …"""
    data_report: str | None = None
    """数据质检报告编号"""
    data_report_on: date | None = None
    data_conclusion: str | None = None
    acceptance_conclusion: str | None = None
    """验收结论, as written: 通过/合格/不通过 …"""
    acceptance_report_on: date | None = None
    """验收报告报送日期: the sealed report of Annex 3 went to the finance bureau and the centre (Art. 24)."""
    last_payment_on: date | None = None
    """最近付款日期 (Art. 24)"""
    status: str | None = None
    details: tuple[tuple[str, str], ...] = ()
    """What else the ledger says, by its own headers: kept for a person, read by no check."""


class System(Record, frozen=True, kw_only=True, tag="system"):
    """An application system 信息系统. Native id: its code in the register."""

    name: str
    department: str | None = None
    department_code: str | None = None
    projects: tuple[str, ...] = ()
    """Codes of the projects that build or keep it, where the system register says so."""
    is_rebuilt: bool | None = None
    """新建/改建 (True) or 已建 (False), where the register says so."""
    built_on: date | None = None
    """建成时间/上线日期"""
    level: Level | None = None
    funding: Funding | None = None
    mlps_level: int | None = None
    """等保级别 1-5"""
    tenants: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    """Host names or addresses that the register names as the system's components."""
    declared_place: str | None = None
    """现部署位置, as written; a claim, never evidence."""
    is_retired: bool | None = None
    migration_plan_start_on: date | None = None
    migration_plan_cutover_on: date | None = None
    """计划割接"""
    migrated_on: date | None = None
    """实际割接"""
    old_server_disposal: str | None = None
    """原服务器处置 (下线/移交/报废)"""
    is_said_migrated: bool | None = None
    """迁移状态: whether the register calls it moved 已上云; a claim, with or without a date."""
    no_data_statement: str | None = None
    """Document number of the signed 'no data resource' statement 无数据资源说明."""
    details: tuple[tuple[str, str], ...] = ()
    """What else the ledger says, by its own headers: kept for a person, read by no check."""


class Migration(Record, frozen=True, kw_only=True, tag="migration"):
    """A row of the migration ledger 迁移台账: what it says of a system that the register has."""

    system: str
    """Code or name of the system."""
    department: str | None = None
    built_on: date | None = None
    declared_place: str | None = None
    migration_plan_start_on: date | None = None
    migration_plan_cutover_on: date | None = None
    migrated_on: date | None = None
    old_server_disposal: str | None = None
    is_said_migrated: bool | None = None
    details: tuple[tuple[str, str], ...] = ()
    """What else the ledger says, by its own headers: kept for a person, read by no check."""


class DesignItem(Record, frozen=True, kw_only=True, tag="design_item"):
    """A row of a technical design book 技术设计书: something that the project declares to need (Annex 1, Art. 10).

    Sizes are of one piece; a row without a count is one piece.
    """

    project: str
    """Code or name of the project, as written."""
    component: str | None = None
    """组件/资源名称, as written: 应用服务器, 数据库服务器 …"""
    document: str | None = None
    """设计书编号"""
    count: int | None = None
    """数量"""
    vcpus: int | None = None
    """vCPU of one piece."""
    memory_bytes: int | None = None
    disk_bytes: int | None = None
    addresses: tuple[str, ...] = ()
    """IP addresses that it names, of the whole row."""
    address_count: int | None = None
    """IP数量, of the whole row."""
    details: tuple[tuple[str, str], ...] = ()
    """What else the ledger says, by its own headers: kept for a person, read by no check."""


class ClassifiedPlaceholder(Record, frozen=True, kw_only=True, tag="classified"):
    """That the register holds something classified 涉密: that it is there, and nothing else (Art. 28)."""

    what: str
    """`project` or `system`."""


class ThirdPartyResource(Record, frozen=True, kw_only=True, tag="third_party"):
    """Capacity that the centre procured from a third party 第三方服务资源 (Art. 14). Native id: contract number."""

    provider: str
    valid_from: date | None = None
    valid_to: date | None = None
    """Last day of the contract."""
    ranges: tuple[str, ...] = ()
    """CIDRs, in `zone` where it is given."""
    zone: str | None = None
    accounts: tuple[str, ...] = ()
    """Account, instance or host ids at the provider."""
    filing_number: str | None = None
    """备案证明编号 of the provider's cloud."""
    security_assessment: str | None = None
    """云计算服务安全评估: document or listing number."""
    details: tuple[tuple[str, str], ...] = ()
    """What else the ledger says, by its own headers: kept for a person, read by no check."""


# ── 等级保护 ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class MlpsFiling(Record, frozen=True, kw_only=True, tag="mlps_filing"):
    """A filing certificate 等保备案证明. Native id: the row (numbers repeat by mistake, and that must be seen)."""

    number: str | None = None
    """备案证明编号 as written: 11 + 5 digits; None where the cell was empty."""
    number_unreliable: bool = False
    """The cell held a number: a spreadsheet keeps 15 digits only, so the rest cannot be believed."""
    system: str | None = None
    """Code or name of the graded object 定级对象."""
    is_platform: bool = False
    """The graded object is the government cloud platform itself (Art. 15)."""
    level: int | None = None
    filed_on: date | None = None
    valid_to: date | None = None
    template: str | None = None
    """备案模板版本: `2007` or `2025`."""
    details: tuple[tuple[str, str], ...] = ()
    """What else the ledger says, by its own headers: kept for a person, read by no check."""


class MlpsAssessment(Record, frozen=True, kw_only=True, tag="mlps_assessment"):
    """An assessment report 等级测评报告."""

    report_number: str | None = None
    filing_number: str | None = None
    system: str | None = None
    is_platform: bool = False
    reported_on: date | None = None
    conclusion: str | None = None
    """As written: 优/良/中/差 or 符合/基本符合/不符合."""
    score: float | None = None
    """综合得分 (2019/2021 template) or 符合率 in percent (2025 template)."""
    major_risks: int | None = None
    """重大风险隐患数量, before rectification."""
    major_risks_rectified: int | None = None
    rectified_on: date | None = None
    """整改完成日期: day on which the last of them was rectified."""
    details: tuple[tuple[str, str], ...] = ()
    """What else the ledger says, by its own headers: kept for a person, read by no check."""


class CryptoAssessment(Record, frozen=True, kw_only=True, tag="crypto_assessment"):
    """An assessment of the use of commercial cryptography 商用密码应用安全性评估（密评）, GB/T 39786-2021.

    It stands in the ledger of 等级测评 beside the report on classified protection.
    """

    system: str | None = None
    is_platform: bool = False
    filing_number: str | None = None
    """备案证明编号 of the system: some tables name nothing else."""
    reported_on: date | None = None
    conclusion: str | None = None
    """As written: 符合/基本符合/不符合."""


# ── data sharing 政务数据共享 ─────────────────────────────────────────────────────────────────────────────────────────


class SharingType(StrEnum):
    """共享属性 (政务数据共享条例 Arts. 14-15)."""

    UNCONDITIONAL = "unconditional"
    """无条件共享"""
    CONDITIONAL = "conditional"
    """有条件共享"""
    NONE = "none"
    """不予共享: must cite a law, an administrative regulation or a State Council decision"""


class SharingEntry(Record, frozen=True, kw_only=True, tag="sharing_entry"):
    """A catalogue entry of the sharing platform 共享目录条目, with what is mounted to it. Native id: catalogue code."""

    name: str
    code: str | None = None
    """The catalogue code as such: consumers of one entry have records of their own, with native ids of their own."""
    system: str | None = None
    """Code or name of the system whose data it is, or that uses it."""
    direction: str | None = None
    """`provide` 提供 or `consume` 使用."""
    sharing_type: SharingType | None = None
    legal_basis: str | None = None
    published_on: date | None = None
    resource_id: str | None = None
    """挂接资源"""
    resource_type: str | None = None
    """库表/接口/文件"""
    mounted_on: date | None = None
    applied_on: date | None = None
    """A consumer's application 申请日期"""
    approved_on: date | None = None
    details: tuple[tuple[str, str], ...] = ()
    """What else the ledger says, by its own headers: kept for a person, read by no check."""


class SharingUse(Record, frozen=True, kw_only=True, tag="sharing_use"):
    """Calls or exchanges of one resource in one period, from the platform's log 调用/交换汇总."""

    resource_id: str
    """Resource or catalogue code."""
    consumer_system: str | None = None
    period_start: date | None = None
    period_end: date | None = None
    succeeded: int | None = None
    failed: int | None = None
    last_success_on: date | None = None
    details: tuple[tuple[str, str], ...] = ()
    """What else the ledger says, by its own headers: kept for a person, read by no check."""


# ── what runs 主机与资源 ──────────────────────────────────────────────────────────────────────────────────────────────


class Nic(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A network interface 网卡."""

    name: str | None = None
    mac: str | None = None
    """Lower case, colons."""
    addresses: tuple[str, ...] = ()
    """Addresses with or without prefix length, as canonical text."""


class Mount(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A mounted file system 挂载."""

    target: str
    fstype: str
    origin: str
    """Device, or `server:/export` of a remote one."""


class Listener(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A listening socket 监听端口."""

    protocol: str
    address: str
    port: int


class Route(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A route of a host or router 路由."""

    destination: str
    gateway: str | None = None
    device: str | None = None


class BlockDevice(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A block device 块设备."""

    name: str
    size_bytes: int | None = None
    model: str | None = None
    transport: str | None = None


class View(StrEnum):
    """From where a host was seen."""

    SERVER = "server"
    """The control plane of a cloud lists it as an instance (Nova)."""
    HYPERVISOR = "hypervisor"
    """The control plane lists it as its own compute host."""
    NODE = "node"
    """A Kubernetes node object."""
    OS = "os"
    """The host's own words, over SSH: forgeable by its root."""
    LISTED = "listed"
    """A row of an inventory list that a cloud exports (its control plane's word, on paper)."""
    ASSET = "asset"
    """A row of an asset or equipment ledger: a department's own word."""
    DISCOVERED = "discovered"
    """Seen on the wire only (a sweep, neighbour tables, leases): that something answers there, not what it is."""


class HostSighting(Record, frozen=True, kw_only=True, tag="host"):
    """One source's view of a machine that runs an operating system 主机观测. Identity joins sightings into a Host."""

    view: View
    name: str
    uuid: str | None = None
    """Instance id of a server, SMBIOS system UUID of an OS or node, as the source wrote it (lower case)."""
    serial: str | None = None
    vendor: str | None = None
    product: str | None = None
    chassis_type: int | None = None
    """SMBIOS chassis type, DSP0134 table 17."""
    virtualization: str | None = None
    """`none` for bare metal, else kvm, vmware … as systemd-detect-virt names them."""
    machine_id: str | None = None
    cloud_instance_id: str | None = None
    """cloud-init's instance id: the host's own claim."""
    provider_id: str | None = None
    """Kubernetes spec.providerID as written."""
    zone: str | None = None
    """Network zone/VRF in which its addresses hold 网络区域."""
    nics: tuple[Nic, ...] = ()
    tenant: str | None = None
    """Native id of the tenant, in the same source."""
    status: str | None = None
    hypervisor: str | None = None
    """Name of the compute host it runs on."""
    availability_zone: str | None = None
    """可用区 of the cloud."""
    flavor: str | None = None
    """Name of the flavor 规格 it was made by."""
    image: str | None = None
    """Native id of the image 镜像 it was made from; None also where it boots from a volume."""
    os_name: str | None = None
    os_version: str | None = None
    arch: str | None = None
    vcpus: int | None = None
    memory_bytes: int | None = None
    disk_bytes: int | None = None
    allocatable_millicores: int | None = None
    """Of a Kubernetes node: CPU that pods may set aside, in thousandths of a core 可分配."""
    allocatable_bytes: int | None = None
    """Of a Kubernetes node: memory that pods may set aside."""
    created_at: Instant | None = None
    launched_at: Instant | None = None
    """When it first ran; None for a server that never did."""
    installed_at: Instant | None = None
    """Birth of the root file system: weak evidence of age."""
    commissioned_on: date | None = None
    """Asset card's acquisition date 取得日期."""
    asset_number: str | None = None
    department: str | None = None
    """Owner as a ledger writes it."""
    system: str | None = None
    """System code or name as a ledger writes it."""
    is_appliance: bool | None = None
    """前置机, NVR, 加密机 …: goes to a classification queue, not to a verdict."""
    is_centre_infrastructure: bool | None = None
    """A ledger of the centre names it as its own infrastructure."""
    labels: dict[str, str] = {}
    tags: tuple[str, ...] = ()
    mounts: tuple[Mount, ...] = ()
    listeners: tuple[Listener, ...] = ()
    routes: tuple[Route, ...] = ()
    block_devices: tuple[BlockDevice, ...] = ()
    needs_root: tuple[str, ...] = ()
    """Facts that were refused for want of root: `uuid`, `serial` … (never read as "has none")."""


class Tenant(Record, frozen=True, kw_only=True, tag="tenant"):
    """OpenStack project or Kubernetes namespace 租户."""

    name: str
    domain: str | None = None
    parent: str | None = None
    """Native id of the tenant above it, where tenants are nested."""
    is_enabled: bool | None = None
    is_immutable: bool | None = None
    """Keystone's option `immutable`: it may be neither changed nor deleted."""
    description: str | None = None
    labels: dict[str, str] = {}
    tags: tuple[str, ...] = ()


class Domain(Record, frozen=True, kw_only=True, tag="domain"):
    """A Keystone domain 域: a realm of tenants and users.

    https://docs.openstack.org/api-ref/identity/v3/#domains
    """

    name: str
    is_enabled: bool | None = None
    description: str | None = None


class RoleAssignment(Record, frozen=True, kw_only=True, tag="role_assignment"):
    """Who holds which role where 角色授权. Native id: the role, the holder and the scope.

    https://docs.openstack.org/api-ref/identity/v3/#list-role-assignments
    """

    role: str
    holder: str
    """Name of the user or group, its id where the name is not told."""
    holder_id: str
    holder_kind: str
    """`user` or `group`."""
    holder_domain: str | None = None
    tenant: str | None = None
    """Native id of the tenant; None where it holds on a domain or on the system."""
    domain: str | None = None
    """Name or id of the domain on which it holds."""
    is_system: bool = False
    is_inherited: bool = False
    """It holds on the tenants below, not on the scope itself."""


class Workload(Record, frozen=True, kw_only=True, tag="workload"):
    """A Kubernetes workload or pod 工作负载. Native id: uid."""

    workload_kind: str
    """`Deployment`, `StatefulSet`, `DaemonSet`, `Job`, `CronJob`, `Pod` …"""
    namespace: str
    name: str
    node: str | None = None
    """Pods only: name of the node it is bound to."""
    phase: str | None = None
    """Pods only: `Pending`, `Running`, `Succeeded`, `Failed`, `Unknown`."""
    owner_uid: str | None = None
    images: tuple[str, ...] = ()
    """As the specification names them: a tag may mean another image tomorrow."""
    image_digests: tuple[str, ...] = ()
    """Pods only: what really runs, as the container runtime reports it, `registry/name@sha256:…`."""
    replicas: int | None = None
    cpu_millicores: int | None = None
    """Pods only: CPU that is set aside, in thousandths of a core; None where the pod asks for none."""
    memory_bytes: int | None = None
    """Pods only: memory that is set aside."""
    mounts: tuple[Mount, ...] = ()
    """Storage of other machines that its pods mount without a volume object; `target` is the pod's name for it."""
    claims: tuple[str, ...] = ()
    """Names of the volume claims, in its namespace, that its pods use."""
    addresses: tuple[str, ...] = ()
    labels: dict[str, str] = {}


class Exposure(Record, frozen=True, kw_only=True, tag="exposure"):
    """A Kubernetes Service or Ingress 服务入口."""

    exposure_kind: str
    namespace: str
    name: str
    addresses: tuple[str, ...] = ()
    hostnames: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    selector: dict[str, str] = {}


class NetworkPolicy(Record, frozen=True, kw_only=True, tag="network_policy"):
    """A Kubernetes NetworkPolicy 网络策略: whom some of a namespace's pods may talk to."""

    namespace: str
    name: str
    selector: dict[str, str] = {}
    """Labels of the pods that it is about; empty means all of the namespace, unless the raw document says more."""
    directions: tuple[str, ...] = ()
    """`Ingress`, `Egress`: what it restricts."""
    allowed_from: tuple[str, ...] = ()
    """CIDRs that may come in; `*` for everybody. Peers inside the cluster are in the raw document."""
    allowed_to: tuple[str, ...] = ()
    """CIDRs that may be gone out to; `*` for everybody."""


class Storage(Record, frozen=True, kw_only=True, tag="storage"):
    """A volume or share 存储."""

    name: str
    storage_kind: str
    """`volume` (Cinder), `persistent_volume` (Kubernetes)."""
    tenant: str | None = None
    size_bytes: int | None = None
    attached_to: tuple[str, ...] = ()
    """Native ids of servers."""
    origin: str | None = None
    """`server:/export`, target of a remote one."""
    storage_class: str | None = None
    """Name of the storage class that a Kubernetes volume came from, or of the volume type of Cinder 卷类型."""
    availability_zone: str | None = None
    is_encrypted: bool | None = None
    is_bootable: bool | None = None
    snapshot: str | None = None
    """Native id of the snapshot it was made from."""
    status: str | None = None
    created_at: Instant | None = None
    tags: tuple[str, ...] = ()


class Snapshot(Record, frozen=True, kw_only=True, tag="snapshot"):
    """A snapshot of a volume 快照: a copy of a system's data that takes room of its own.

    https://docs.openstack.org/api-ref/block-storage/v3/#volume-snapshots-snapshots
    """

    name: str
    volume: str | None = None
    """Native id of the volume."""
    tenant: str | None = None
    size_bytes: int | None = None
    """Of the volume when it was taken."""
    status: str | None = None
    created_at: Instant | None = None


class VolumeClaim(Record, frozen=True, kw_only=True, tag="volume_claim"):
    """A Kubernetes PersistentVolumeClaim 存储声明: which namespace uses which volume, asked for and given."""

    namespace: str
    name: str
    volume: str | None = None
    """Name of the persistent volume that it is bound to."""
    storage_class: str | None = None
    requested_bytes: int | None = None
    capacity_bytes: int | None = None
    status: str | None = None
    """`Pending`, `Bound`, `Lost`."""
    labels: dict[str, str] = {}


class StorageClass(Record, frozen=True, kw_only=True, tag="storage_class"):
    """A Kubernetes StorageClass 存储类: who makes the volumes of claims that name it."""

    name: str
    provisioner: str
    """Name of the driver: `cinder.csi.openstack.org`, `nfs.csi.k8s.io` …"""
    origin: str | None = None
    """`server:/export` where its parameters name an NFS server."""


class Quota(Record, frozen=True, kw_only=True, tag="quota"):
    """What a tenant may use at most and what it uses 配额与用量."""

    name: str
    """The quota's own name, or the service's that keeps it."""
    tenant: str | None = None
    """Native id of the tenant, in the same source."""
    limits: dict[str, int] = {}
    """By the source's own names for resources, in whole base units (bytes, pieces); CPU of Kubernetes in thousandths
    of a core. What is not limited, or could not be read, is not there."""
    used: dict[str, int] = {}
    """The same of what counts against it."""


class Segment(Record, frozen=True, kw_only=True, tag="segment"):
    """A network segment 网段: a CIDR in one routing domain."""

    cidr: str
    """Canonical network, host bits cleared."""
    domain: str
    """Routing domain: zone/VRF of a plan, network id of Neutron, cluster. Overlap between domains is normal."""
    name: str | None = None
    zone: str | None = None
    vrf: str | None = None
    vlan: str | None = None
    purpose: str | None = None
    department: str | None = None
    system: str | None = None
    tenant: str | None = None
    is_cloud: bool | None = None
    gateway: str | None = None
    has_own_exit: bool | None = None
    """自有互联网出口: the department reaches the Internet from it by a line of its own (Art. 16)."""
    details: tuple[tuple[str, str], ...] = ()
    """What else the ledger says, by its own headers: kept for a person, read by no check."""


class Port(Record, frozen=True, kw_only=True, tag="port"):
    """A Neutron port 端口: the control plane's word on who holds a MAC and its addresses."""

    mac: str
    addresses: tuple[str, ...] = ()
    network: str | None = None
    device: str | None = None
    """Server or router id."""
    device_owner: str | None = None
    tenant: str | None = None
    zone: str | None = None
    status: str | None = None
    security_groups: tuple[str, ...] = ()
    """Native ids of the security groups that filter it."""


class Router(Record, frozen=True, kw_only=True, tag="router"):
    """A Neutron router 路由器."""

    name: str
    tenant: str | None = None
    external_network: str | None = None
    addresses: tuple[str, ...] = ()


class FloatingAddress(Record, frozen=True, kw_only=True, tag="floating_address"):
    """A floating IP 浮动地址."""

    address: str
    fixed_address: str | None = None
    port: str | None = None
    tenant: str | None = None


class Opening(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A way in 开放端口: ports of one protocol, and from where."""

    protocol: str | None = None
    """`tcp`, `udp`, `icmp`, a protocol number …; None: every protocol."""
    first: int | None = None
    last: int | None = None
    """Ports, both included; None: all of them."""
    from_: str | None = msgspec.field(default=None, name="from")
    """CIDR; `0.0.0.0/0` and `::/0` are everybody."""


class SecurityGroup(Record, frozen=True, kw_only=True, tag="security_group"):
    """A security group that lets everybody in 对外开放的安全组; groups that do not are not kept.

    https://docs.openstack.org/api-ref/network/v2/#security-group-rules-security-group-rules
    """

    name: str
    tenant: str | None = None
    openings: tuple[Opening, ...] = ()
    """What is open to 0.0.0.0/0 or ::/0."""


class LoadBalancer(Record, frozen=True, kw_only=True, tag="load_balancer"):
    """A load balancer 负载均衡 with what it listens on.

    https://docs.openstack.org/api-ref/load-balancer/v2/
    """

    name: str
    tenant: str | None = None
    addresses: tuple[str, ...] = ()
    """Virtual addresses."""
    port: str | None = None
    """Native id of the Neutron port that holds the first of them: a floating address may lead to it."""
    listeners: tuple[Opening, ...] = ()
    is_enabled: bool | None = None
    status: str | None = None
    """`provisioning/operating`."""


class Flavor(Record, frozen=True, kw_only=True, tag="flavor"):
    """A size that the cloud offers 规格.

    https://docs.openstack.org/api-ref/compute/#flavors
    """

    name: str
    vcpus: int | None = None
    memory_bytes: int | None = None
    disk_bytes: int | None = None
    """Root and ephemeral disk; 0: as large as the image."""
    is_public: bool | None = None
    is_enabled: bool | None = None


class Image(Record, frozen=True, kw_only=True, tag="image"):
    """An image that servers are made from 镜像.

    https://docs.openstack.org/api-ref/image/v2/
    """

    name: str
    tenant: str | None = None
    """Its owner."""
    status: str | None = None
    visibility: str | None = None
    """`public`, `community`, `shared`, `private`."""
    size_bytes: int | None = None
    os_name: str | None = None
    os_version: str | None = None
    created_at: Instant | None = None


class ServerGroup(Record, frozen=True, kw_only=True, tag="server_group"):
    """Servers that are kept together or apart 云主机组.

    https://docs.openstack.org/api-ref/compute/#server-groups-os-server-groups
    """

    name: str
    tenant: str | None = None
    policy: str | None = None
    """`affinity`, `anti-affinity`, `soft-affinity`, `soft-anti-affinity`."""
    members: tuple[str, ...] = ()
    """Native ids of servers."""


class PlatformService(Record, frozen=True, kw_only=True, tag="service"):
    """A part of the cloud's control plane on one of its hosts 平台服务: what is down serves and shows nothing.

    https://docs.openstack.org/api-ref/compute/#compute-services-os-services, Cinder's os-services, Neutron's agents
    """

    name: str
    """`nova-compute`, `cinder-volume`, `neutron-openvswitch-agent` …"""
    host: str
    zone: str | None = None
    is_enabled: bool | None = None
    is_up: bool | None = None
    """None where the control plane cannot tell, as of a Nova cell that is down."""
    reason: str | None = None
    """Why it is disabled, in the words of whoever did it."""


class Aggregate(Record, frozen=True, kw_only=True, tag="aggregate"):
    """Compute hosts that the cloud treats as one 主机聚合, an availability zone above all.

    https://docs.openstack.org/api-ref/compute/#host-aggregates-os-aggregates
    """

    name: str
    availability_zone: str | None = None
    hosts: tuple[str, ...] = ()
    """Names of compute hosts."""


class BareMetalNode(Record, frozen=True, kw_only=True, tag="bare_metal_node"):
    """A physical machine that the cloud gives out as a server 裸金属节点.

    https://docs.openstack.org/api-ref/baremetal/
    """

    name: str
    server: str | None = None
    """Native id of the server that it is at present."""
    tenant: str | None = None
    """Owner, as Ironic names one."""
    lessee: str | None = None
    status: str | None = None
    """`provision state/power state`."""
    is_in_maintenance: bool | None = None
    arch: str | None = None
    vcpus: int | None = None
    memory_bytes: int | None = None
    disk_bytes: int | None = None
    macs: tuple[str, ...] = ()
    """Lower case, colons."""


class CountMismatch(Record, frozen=True, kw_only=True, tag="count_mismatch"):
    """Two services of one cloud disagree on how much there is 数目不符, twice in a row: a listing is not whole.

    Native id: the region, what was counted, and where.
    """

    what: str
    """Kind that was counted: `host`."""
    place_kind: str
    """`hypervisor` or `tenant`: what the count is of."""
    place: str
    """Name of the compute host or tenant."""
    place_id: str
    """Native id of it."""
    expected: int
    """By the other service, the smaller of two answers."""
    seen: int
    """By the listing."""
    expected_by: str
    """Who says so: `nova hypervisor`, `nova quota`, `placement`."""
    unseen: tuple[str, ...] = ()
    """Native ids that the other service names and the listing does not."""


class OwnershipDeclaration(Record, frozen=True, kw_only=True, tag="ownership"):
    """A person's word on whose something is 归属声明: outranks every rule. Native id: the row."""

    target: str
    """Host name, address, instance id, tenant name or id."""
    zone: str | None = None
    systems: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()
    note: str | None = None


class ClassifiedTrace(Record, frozen=True, kw_only=True, tag="classified_trace"):
    """That a source showed something of the do-not-scan list: how many, and nothing else (Art. 28)."""

    what: str
    """Kind of the records that were dropped."""
    count: int


AnyRecord = (
    Department
    | Project
    | System
    | Migration
    | DesignItem
    | ClassifiedPlaceholder
    | ThirdPartyResource
    | MlpsFiling
    | MlpsAssessment
    | CryptoAssessment
    | SharingEntry
    | SharingUse
    | HostSighting
    | Tenant
    | Workload
    | Exposure
    | NetworkPolicy
    | Storage
    | VolumeClaim
    | StorageClass
    | Quota
    | Segment
    | Port
    | Router
    | FloatingAddress
    | Domain
    | RoleAssignment
    | Snapshot
    | SecurityGroup
    | LoadBalancer
    | Flavor
    | Image
    | ServerGroup
    | PlatformService
    | Aggregate
    | BareMetalNode
    | CountMismatch
    | OwnershipDeclaration
    | ClassifiedTrace
)
