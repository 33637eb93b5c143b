"""云泽市: an invented city, what it registers, what it runs, and what is planted in it.

Everything is lawful unless `Planted` says otherwise. `build_city.py` makes it real in the services of the tests and takes
the captures; `city_ledgers.py` writes the ledgers. Dates are counted from the day of building.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta

CITY = "云泽市"
REGIONS = ("429900", "429921")
"""First six digits of 备案证明编号 in the invented prefecture and city."""
PLATFORM_FILING = "42990010001-00001"


@dataclass(frozen=True)
class Department:
    """A department of the city."""

    key: str
    name: str
    short: str
    organisation: str
    """Characters 9-16 of its social credit code; the check characters are computed."""
    systems: tuple[str, str, str, str, str]
    """Names: two new ones, two that have moved to the cloud, one on the container platform."""


DEPARTMENTS = (
    Department("zjj", "云泽市住房和城乡建设局", "市住建局", "01100001",
               ("数字城管综合管理平台", "工程建设项目审批管理系统", "房屋交易网签备案系统", "智慧工地监管平台", "物业管理服务系统")),
    Department("jyj", "云泽市教育局", "市教育局", "01100002",
               ("教育资源公共服务平台", "义务教育招生系统", "校园安全视频汇聚系统", "教师管理信息系统", "智慧校园综合平台")),
    Department("wjj", "云泽市卫生健康局", "市卫健局", "01100003",
               ("全民健康信息平台", "基层医疗卫生系统", "疫苗接种管理系统", "妇幼健康管理系统", "远程会诊平台")),
    Department("mzj", "云泽市民政局", "市民政局", "01100004",
               ("社会救助管理系统", "养老服务平台", "婚姻登记档案系统", "地名信息管理系统", "社区治理平台")),
    Department("rsj", "云泽市人力资源和社会保障局", "市人社局", "01100005",
               ("就业服务系统", "社保经办辅助系统", "劳动监察系统", "人才服务平台", "工资支付监控平台")),
    Department("zgj", "云泽市自然资源和规划局", "市资规局", "01100006",
               ("国土空间规划一张图系统", "不动产登记系统", "地质灾害监测预警系统", "测绘成果管理系统", "耕地保护监测平台")),
    Department("jtj", "云泽市交通运输局", "市交通局", "01100007",
               ("公交智能调度系统", "治超联网管理系统", "道路运输管理系统", "停车诱导平台", "农村公路管理系统")),
    Department("nyj", "云泽市农业农村局", "市农业局", "01100008",
               ("农产品质量追溯系统", "农村宅基地管理系统", "高标准农田管理平台", "农机调度平台", "动物防疫管理系统")),
    Department("slj", "云泽市水利和湖泊局", "市水利局", "01100009",
               ("水雨情监测系统", "河湖长制信息平台", "水资源管理系统", "水库安全监测平台", "节水管理系统")),
    Department("yjj", "云泽市应急管理局", "市应急局", "01100010",
               ("应急指挥平台", "安全生产监管系统", "森林防火监测系统", "应急物资管理系统", "自然灾害普查系统")),
    Department("scj", "云泽市市场监督管理局", "市市监局", "01100011",
               ("市场主体登记辅助系统", "特种设备监管系统", "食品安全追溯平台", "投诉举报处置系统", "信用监管平台")),
    Department("wlj", "云泽市文化和旅游局", "市文旅局", "01100012",
               ("智慧旅游平台", "文化馆数字服务系统", "图书馆管理系统", "景区客流监测系统", "文物管理系统")),
)  # fmt: skip
CENTRE = Department("csyx", "云泽市城市运行管理中心", "市城运中心", "01100099", ("", "", "", "", ""))


@dataclass(frozen=True)
class SshHost:
    """A host that is asked over SSH: what its firmware says and where it stands."""

    alias: str
    system: str | None
    zone: str
    address: str
    mac: str
    vendor: str
    product: str
    serial: str
    uuid: str
    """`server:NAME` for the byte-swapped id of that Nova server."""
    chassis: int
    virtualization: str
    mode: str = "normal"
    """`normal`, `down` (nothing listens), `unknown-key` (its key is in no known_hosts), `no-root`."""
    commissioned_days_ago: int | None = None
    """The asset card; None: there is none."""


EXTRANET, INTERNET, PRIVATE = "政务外网区", "互联网区", "部门专网区"

SSH_HOSTS = (
    SshHost("zjj-cg-app01", None, EXTRANET, "10.66.1.11/24", "", "OpenStack Foundation", "OpenStack Nova", "",
            "server:s-zjj-01-app", 1, "kvm"),
    SshHost("jtj-zc-tower", "S-JTJ-02", PRIVATE, "192.168.7.20/24", "3c:ec:ef:a1:07:20", "Inspur", "NF3120M5", "INS25031807",
            "6b2a6f7e-8e0b-4d57-9c0f-3f3f0a5f7a21", 7, "none", commissioned_days_ago=610),
    SshHost("slj-szy-old", "S-SLJ-03", PRIVATE, "192.168.9.15/24", "b0:83:fe:c2:09:15", "Dell Inc.", "PowerEdge R730", "7YQK2D2",
            "4c4c4544-0059-5110-804b-b7c04f324432", 23, "none", commissioned_days_ago=3400),
    SshHost("wlj-ota-ecs", "S-WLJ-01", INTERNET, "172.28.5.9/20", "00:16:3e:1d:05:09", "Alibaba Cloud", "Alibaba Cloud ECS",
            "e2f1a9c3-77d0-4c0e-8a54-52d4b8b0c1ee", "e2f1a9c3-77d0-4c0e-8a54-52d4b8b0c1ee", 1, "kvm"),
    SshHost("jyj-sp-ct01", "S-JYJ-03", INTERNET, "203.0.113.18/24", "fa:16:3e:77:01:18", "RDO", "CTyun ECS",
            "0d5be0f2-60a1-4c5f-93a4-2c1b7f6b9a18", "0d5be0f2-60a1-4c5f-93a4-2c1b7f6b9a18", 1, "kvm"),
    SshHost("zjj-fw-old", "S-ZJJ-03", PRIVATE, "192.168.1.30/24", "6c:92:bf:31:01:30", "Inspur", "NF5280M4", "INS18060130",
            "1f0f3f62-2f5a-11e8-8b0c-6c92bf310130", 23, "none", commissioned_days_ago=3050),
    SshHost("wjj-ym-db", "S-WJJ-03", PRIVATE, "192.168.3.40/24", "", "", "", "", "", 23, "none", mode="down"),
    SshHost("scj-tz-app", "S-SCJ-02", PRIVATE, "192.168.11.66/24", "52:54:00:c4:11:66", "OpenStack Foundation", "OpenStack Nova",
            "8d0f6c1a-1b0e-4a86-b6a2-90b1a0a7b611", "8d0f6c1a-1b0e-4a86-b6a2-90b1a0a7b611", 1, "kvm"),
    SshHost("nyj-nt-mobile", "S-NYJ-03", INTERNET, "198.51.100.77/24", "fa:16:3e:66:00:77", "RDO", "ECloud ECS",
            "5e3d7f0b-f0ce-4b90-a3f8-6d3a2f4e7d77", "5e3d7f0b-f0ce-4b90-a3f8-6d3a2f4e7d77", 1, "kvm"),
    SshHost("yjj-slfh-01", "S-YJJ-03", PRIVATE, "192.168.10.8/24", "", "Lenovo", "ThinkSystem SR650", "J301YJ08",
            "9a6f4c52-19c4-11ea-9a31-0894ef5b1008", 23, "none", mode="unknown-key", commissioned_days_ago=2400),
)  # fmt: skip
OFF_OPENSTACK = {h.system for h in SSH_HOSTS if h.system} - {"S-ZJJ-03"}
"""Systems without an instance on the cloud; S-ZJJ-03 is half-migrated: both."""
CLASSIFIED_HOST = "bmj-host-01"
"""Stands in the config's SSH group and on the do-not-scan list: nothing of it may occur anywhere."""


@dataclass(frozen=True)
class System:
    """A registered system, lawful as it stands."""

    code: str
    name: str
    department: Department
    slot: int
    """1, 2: new; 3, 4: legacy, moved; 5: legacy, on the container platform."""

    @property
    def is_new(self) -> bool:
        return self.slot <= 2

    @property
    def level(self) -> int:
        return 3 if self.slot in (1, 3) else 2

    @property
    def servers(self) -> tuple[str, ...]:
        """Names of its Nova servers."""
        if self.slot == 5 or self.code in OFF_OPENSTACK:
            return ()
        base = self.code.lower()
        return (f"{base}-app", f"{base}-db") if self.slot == 1 else (f"{base}-app",)

    @property
    def namespace(self) -> str | None:
        return self.code.lower() if self.slot == 5 else None


SYSTEMS = tuple(
    System(f"S-{d.key.upper()}-{n:02}", name, d, n) for d in DEPARTMENTS for n, name in enumerate(d.systems, 1)
)


@dataclass(frozen=True)
class Project:
    """A registered project."""

    code: str
    name: str
    department: Department
    kind: str
    funding: str
    systems: tuple[str, ...]
    awarded: date
    accepted: date | None
    tenants: tuple[str, ...] = ()

    @property
    def is_built(self) -> bool:
        """Whether it builds something that a supervisor watches."""
        return self.kind in ("新建", "扩建") and self.awarded >= date(2024, 1, 15)


def projects() -> tuple[Project, ...]:
    """Forty projects: three for each department, four of the centre's kind."""
    found = []
    for number, d in enumerate(DEPARTMENTS, 1):
        codes = [s.code for s in SYSTEMS if s.department is d]
        tenant = (f"{d.key}-prod",)
        found += [
            Project(f"P-2025-{number:02}1", f"{d.systems[0]}及{d.systems[1]}建设项目", d, "新建", "政府投资",
                    tuple(codes[:2]), date(2025, 1 + number % 6, 10 + number), None, tenant),
            Project(f"P-2020-{number:02}2", f"{d.systems[2]}、{d.systems[3]}建设项目(一期)", d, "新建", "财政性资金",
                    tuple(codes[2:4]), date(2020, 3, 1 + number), date(2021, 9, 1 + number)),
            Project(f"P-2026-{number:02}3", f"{d.short}信息系统运行维护服务项目", d, "运维", "需要政府资金运行维护",
                    (codes[4],), date(2026, 1, 4 + number), None),
        ]  # fmt: skip
    found += [
        Project(
            "P-2024-901",
            "政务云容器平台扩容项目",
            CENTRE,
            "扩建",
            "政府投资",
            (),
            date(2024, 6, 12),
            None,
            ("csyx-k8s",),
        ),
        Project(
            "P-2026-902",
            "全市信息化项目监理咨询服务",
            CENTRE,
            "设计咨询",
            "政府向社会购买服务",
            (),
            date(2026, 2, 3),
            None,
        ),
        Project(
            "P-2026-903",
            "政务信息系统等级保护测评服务",
            CENTRE,
            "测评",
            "政府向社会购买服务",
            (),
            date(2026, 3, 9),
            None,
        ),
        Project(
            "P-2025-904",
            "全域旅游票务(企业自筹)项目",
            DEPARTMENTS[11],
            "新建",
            "非财政性资金",
            (),
            date(2025, 5, 20),
            None,
        ),
    ]
    return tuple(found)


@dataclass(frozen=True)
class Planted:
    """What is wrong or odd on purpose, by ledger."""

    filing_numbers: dict[str, str] = field(default_factory=lambda: {
        "S-MZJ-02": PLATFORM_FILING,  # the cloud's own number, taken for the system's
        "S-JYJ-04": "42990010102-00002",  # S-JYJ-02's number once more
    })  # fmt: skip
    numeric_filing: str = "S-ZGJ-04"
    """Its number stands in a numeric cell: Excel has lost the last digits."""
    assessed_days_ago: dict[str, int] = field(default_factory=lambda: {"S-RSJ-01": 480})
    conclusions: dict[str, tuple[str, float]] = field(default_factory=lambda: {"S-SCJ-03": ("不符合", 52.5)})
    consumer_only: str = "S-YJJ-01"
    not_mounted: str = "S-NYJ-02"
    lawfully_not_shared: str = "S-MZJ-03"
    rejected_system: str = "S-NYJ-05"
    """Its 建成时间 cannot be read."""
    orphan_servers: tuple[str, ...] = ("test-vm-01", "tmp-oracle")
    """In a tenant that nobody registered."""
    contested_server: str = "s-mzj-04-app"
    """Labelled with another department's system."""
    contested_label: str = "S-SLJ-04"


@dataclass(frozen=True)
class Steps:
    """What the register holds of one project's steps beside award and acceptance."""

    applied_after_days: int | None = 3
    """监理申请, days after the award; None: the cell is empty."""
    initial: date | None = None
    trial_start: date | None = None
    trial_end: date | None = None
    accepted: date | None = None
    report: date | None = None
    evaluated: date | None = None
    is_platform: bool = False
    test_report: tuple[str, date, str] | None = None
    """软件测评报告: number, date, conclusion."""


STEPS = {
    "P-2025-061": Steps(applied_after_days=40),
    "P-2025-091": Steps(applied_after_days=None),
    "P-2025-031": Steps(
        initial=date(2026, 9, 8), trial_start=date(2026, 9, 10), is_platform=True,
        test_report=("RJCP-2026-0815", date(2026, 8, 15), "通过"),
    ),
    "P-2025-041": Steps(initial=date(2026, 9, 1), trial_start=date(2026, 9, 3), trial_end=date(2026, 9, 21)),
    "P-2025-051": Steps(is_platform=True, test_report=("RJCP-2026-0702", date(2026, 7, 2), "不通过")),
    "P-2025-101": Steps(is_platform=True),
    "P-2020-062": Steps(
        initial=date(2024, 3, 1), trial_start=date(2024, 3, 4), trial_end=date(2024, 4, 20), accepted=date(2024, 5, 10),
        report=date(2024, 5, 17),
    ),
    "P-2020-072": Steps(
        initial=date(2024, 3, 1), trial_start=date(2024, 3, 4), trial_end=date(2024, 4, 20), accepted=date(2024, 5, 10),
        evaluated=date(2025, 9, 30),
    ),
}  # fmt: skip
"""Planted: an application too late, one that is missing, a trial run that nobody watched, one that was too short, a test
that was not passed and one still to come, a self-evaluation that is missing, a report that was never sent."""


PLANTED = Planted()


def filing_number(system: System) -> str:
    """A well-formed number of the invented region."""
    unit = 10100 + DEPARTMENTS.index(system.department) + 1
    return PLANTED.filing_numbers.get(system.code, f"429900{unit:05}-{system.slot:05}")


def assessed_on(system: System, today: date) -> date:
    """Within its period, unless planted."""
    return today - timedelta(days=PLANTED.assessed_days_ago.get(system.code, 60 + 7 * system.slot))
