"""Random cities with planted truth. Knows records and the law's words, and nothing of the code of the checks.

Every thing that is planted is drawn by itself and its consequences are written down as the law has them; what the
draws have to do with each other (a project without its filing does not pass its acceptance) stands in `_truth`.
Everything is seen completely: what is unknown is not planted here.
"""

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from inventory.collection import Collection
from inventory.coverage import Cell, CellResult, CellState, SourceInfo
from inventory.records import (
    ClassifiedTrace,
    DesignItem,
    Funding,
    HostSighting,
    Level,
    MlpsAssessment,
    MlpsFiling,
    Mount,
    Nic,
    OwnershipDeclaration,
    Project,
    ProjectKind,
    Record,
    Segment,
    SharingEntry,
    SharingType,
    SharingUse,
    System,
    ThirdPartyResource,
    View,
)

NIGHT = datetime(2026, 11, 22, 18, tzinfo=UTC)
TODAY = date(2026, 11, 23)
CLOUD, REGISTER, SSH, ASSETS, PLAN = "openstack:gov", "ledger:register", "ssh:hosts", "ledger:assets", "ledger:plan"
PLATFORM_NUMBER = "42060000001-00001"
ZONE = "专网区"
GIB = 1024**3
HANZI = (
    "金木水火土山川河海江湖田林草花鸟鱼虫风云雷电雨雪霜露春夏秋冬东西南北红橙黄绿青蓝紫黑白灰甲"
    "乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉戌亥天地玄黄宇宙洪荒日月盈昃星宿列张寒来暑往收藏"
)

Plants = Counter[str]


@dataclass
class City:
    """What was planted, and what a scan of it must say."""

    records: list[Record] = field(default_factory=list)
    fails: set[tuple[str, str]] = field(default_factory=set)
    """(check, `kind/id`); of hosts the name stands for the id."""
    advisories: set[tuple[str, str]] = field(default_factory=set)
    planted: Plants = field(default_factory=Counter)

    def collection(self, rng: random.Random) -> Collection:
        """All of it, completely seen, in an order of no meaning."""
        records = list(self.records)
        rng.shuffle(records)
        kinds = {
            CLOUD: ("host", "port", "hypervisor", "tenant", "storage", "workload"), SSH: ("host",), ASSETS: ("host",),
            PLAN: ("segment",),
            REGISTER: ("project", "system", "third_party", "ownership", "mlps_filing", "mlps_assessment",
                       "sharing_entry", "sharing_use", "design_item"),
        }  # fmt: skip
        cells = [
            CellResult(cell=Cell(source=s, scope="*", kind=k), state=CellState.COMPLETE, seen=1, started_at=NIGHT,
                       finished_at=NIGHT)
            for s, each in kinds.items() for k in each
        ]  # fmt: skip
        sources = [SourceInfo(name=s, type=s.partition(":")[0], is_platform=s == CLOUD) for s in kinds]
        rng.shuffle(cells)
        return Collection(taken_at=NIGHT, sources=sources, records=records, cells=cells)


def random_city(seed: int) -> City:
    """The city of this number; the same number gives the same city."""
    rng = random.Random(seed)  # noqa: S311 - a city, not a secret
    city = City()
    _Builder(rng, city).build()
    return city


class _Builder:
    def __init__(self, rng: random.Random, city: City) -> None:
        self.rng = rng
        self.city = city
        self.said = {"source": REGISTER, "observed_at": NIGHT}
        self.number = 0

    def add(self, *records: Record) -> None:
        self.city.records.extend(records)

    def fail(self, check: str, subject: str) -> None:
        self.city.fails.add((check, subject))

    def advise(self, check: str, subject: str) -> None:
        self.city.advisories.add((check, subject))

    def draw(self, what: str, *choices: str) -> str:
        """One of the choices, remembered."""
        chosen = self.rng.choice(choices)
        self.city.planted[f"{what}: {chosen}"] += 1
        return chosen

    def build(self) -> None:
        self._anchor()
        self._platform()
        for number in range(self.rng.randint(3, 6)):
            self._project(number)
        for number in range(self.rng.randint(0, 2)):
            self._orphan(number)
        for number in range(self.rng.randint(0, 2)):
            self._network(number)
        for number in range(self.rng.randint(0, 2)):
            self._storage(number)
        if self.draw("classified", "nothing", "nothing", "shown") == "shown":
            self.add(ClassifiedTrace(source=CLOUD, native_id="host", observed_at=NIGHT, what="host", count=1))
            self.fail("28-classified", f"classified/source/{CLOUD}")

    def _anchor(self) -> None:
        """A project of which the register holds every date, so that an empty cell elsewhere says something."""
        self.add(
            Project(
                **self.said, native_id="P-0", name="锚", department="市财政局", project_kind=ProjectKind.NEW,
                funding=Funding.GOVERNMENT, level=Level.CITY, awarded_on=date(2024, 2, 1),
                supervision_applied_on=date(2024, 2, 1), final_acceptance_on=date(2024, 9, 2),
                in_operation_on=date(2024, 9, 2), acceptance_report_on=date(2024, 9, 9),
                self_evaluation_on=date(2025, 10, 8), is_platform_project=False, collects_data=False,
            )
        )  # fmt: skip

    def _platform(self) -> None:
        state = self.draw("platform", "in order", "in order", "overdue", "not filed")
        report = date(2025, 5, 6) if state == "overdue" else date(2026, 5, 6)
        if state != "not filed":
            self.add(MlpsFiling(**self.said, native_id="f-0", number=PLATFORM_NUMBER, is_platform=True, level=3,
                                filed_on=date(2025, 9, 1), template="2025"))  # fmt: skip
            self.add(MlpsAssessment(**self.said, native_id="a-0", is_platform=True, reported_on=report,
                                    conclusion="基本符合", filing_number=PLATFORM_NUMBER))  # fmt: skip
        if state != "in order":
            self.fail("15-platform", "platform/platform")
        self.platform_filed = state != "not filed"

    # ── one project with one system and one machine ──────────────────────────────────────────────────────────────────

    def _project(self, number: int) -> None:
        code, system = f"P-{number + 1}", f"S-{number + 1}"
        is_new = self.draw("era", "new", "new", "already built") == "new"
        is_fiscal = self.draw("funding", "fiscal", "fiscal", "fiscal", "own money") == "fiscal"
        department = f"第{number}局"
        off = self._machine(system, code, department, is_new=is_new, is_fiscal=is_fiscal)
        self._design_book(code, is_judged=is_new and is_fiscal)
        shared = self._sharing(system)
        unprotected = self._filing(system, is_fiscal) | self._assessment(system, is_fiscal)
        steps = self._steps(code, is_new=is_new, is_fiscal=is_fiscal)
        name = "".join(self.rng.sample(HANZI, 7))
        funding = Funding.GOVERNMENT if is_fiscal else Funding.NON_FISCAL
        self.add(
            Project(**self.said, native_id=code, name=name, department=department, project_kind=ProjectKind.NEW,
                    funding=funding, level=Level.CITY, systems=(system,), **steps),
            System(**self.said, native_id=system, name=f"{name}系统", department=department, funding=funding,
                   level=Level.CITY, mlps_level=3, projects=(code,)),
        )  # fmt: skip
        twin = self.draw("twin", "none", "none", "none", "yes") == "yes"
        if twin:
            self._twin(system, name, department, is_fiscal)
        if is_fiscal:
            self._truth(code, system, is_new=is_new, off=off, shared=shared, unprotected=unprotected)

    def _truth(self, code: str, system: str, *, is_new: bool, off: bool, shared: str, unprotected: bool) -> None:
        """What Arts. 16 and 23(7) make of it."""
        if is_new and off:
            self.fail("16-deployment", f"system/{system}")
            self.fail("23.7-deployment", f"project/{code}")
        if is_new and shared == "nothing":
            self.fail("23.7-sharing", f"project/{code}")
        if is_new and (off or shared == "nothing" or unprotected):
            self.fail("23-acceptance", f"project/{code}")
        if not is_new and off:
            self.advise("16-migration", f"system/{system}")
        if not is_new and shared == "nothing":
            self.advise("16-sharing", f"system/{system}")

    def _twin(self, system: str, name: str, department: str, is_fiscal: bool) -> None:
        """The same thing under another name, registered once more, on nothing yet."""
        twin = f"{system}-T"
        funding = Funding.GOVERNMENT if is_fiscal else Funding.NON_FISCAL
        self.add(System(**self.said, native_id=twin, name=f"{name}综合管理平台", department=department, funding=funding,
                        level=Level.CITY, mlps_level=1, is_rebuilt=True, built_on=date(2025, 5, 5),
                        no_data_statement="无数据〔2025〕1号"))  # fmt: skip
        if is_fiscal:
            self.advise("16-duplicate", f"system/{system}")
            self.advise("16-duplicate", f"system/{twin}")

    def _machine(self, system: str, code: str, department: str, *, is_new: bool, is_fiscal: bool) -> bool:
        """Its one machine; whether that stands off the cloud."""
        place = self.draw("place", "cloud", "cloud", "tower", "bought", "third party", "third party, past")
        self.number += 1
        uuid, name = f"7d1a5c0e-3f0b-4a52-9a53-{self.number:012x}", f"host-{self.number}"
        address = f"203.0.113.{self.number}"
        nics = (Nic(name="eth0", mac=f"52:54:00:00:00:{self.number:02x}", addresses=(f"{address}/24",)),)
        acquired = date(2025, 4, 1) if is_new else date(2019, 4, 1)
        self.add(OwnershipDeclaration(**self.said, native_id=name, target=name, systems=(system,), projects=(code,)))
        board = {
            "cloud": ("OpenStack Foundation", "OpenStack Nova", 1, "kvm"),
            "tower": ("Inspur", "NF5280M6", 17, "none"),
        }
        vendor, product, chassis, virtualization = board.get(place, ("Alibaba Cloud", "ECS", 1, "kvm"))
        self.add(
            HostSighting(source=SSH, observed_at=NIGHT, native_id=name, view=View.OS, name=name, zone=ZONE, nics=nics,
                         vendor=vendor, product=product, chassis_type=chassis, virtualization=virtualization, uuid=uuid,
                         vcpus=8, memory_bytes=16 * GIB)
        )  # fmt: skip
        if place == "cloud":
            self.add(HostSighting(source=CLOUD, observed_at=NIGHT, native_id=uuid, view=View.SERVER, name=name,
                                  uuid=uuid, nics=nics, status="ACTIVE", vcpus=8,
                                  memory_bytes=16 * GIB))  # fmt: skip
            return False
        if place.startswith("third party"):
            is_past = place.endswith("past")
            contract = f"HT-{self.number}"
            self.add(
                ThirdPartyResource(**self.said, native_id=contract, provider="某云", valid_from=date(2022, 1, 1),
                                   valid_to=date(2026, 11, 22) if is_past else TODAY, ranges=(f"{address}/32",),
                                   zone=ZONE,
                                   filing_number="42060000009-00001")
            )  # fmt: skip
            if is_past:
                self.fail("14-third-party", f"contract/{contract}")
                self.fail("14-third-party", f"host/{name}")
            return False
        self.add(
            HostSighting(source=ASSETS, observed_at=NIGHT, native_id=f"ZC-{name}", view=View.ASSET, name=name,
                         zone=ZONE, nics=nics, commissioned_on=acquired, department=department)
        )  # fmt: skip
        # Art. 2: what is not paid from public funds is none of the regulation's.
        if is_new and is_fiscal:
            self.fail("14-standalone-compute", f"host/{name}")
        return True

    def _design_book(self, code: str, *, is_judged: bool) -> None:
        """Its machine has 8 vCPU and 16 GiB. Ten percent more or less is none of anybody's business."""
        state = self.draw("design book", "none", "as built", "nearly as built", "another size", "two machines")
        sizes = {"as built": (1, 8, 16), "nearly as built": (1, 8, 17), "another size": (1, 12, 16),
                 "two machines": (2, 8, 16)}  # fmt: skip
        if state == "none":
            return
        count, vcpus, memory = sizes[state]
        self.add(DesignItem(**self.said, native_id=f"{code}|应用服务器", project=code, component="应用服务器",
                            count=count, vcpus=vcpus, memory_bytes=memory * GIB))  # fmt: skip
        if is_judged and state in ("another size", "two machines"):
            self.advise("23-design", f"project/{code}")

    # ── classified protection ────────────────────────────────────────────────────────────────────────────────────────

    def _filing(self, system: str, is_fiscal: bool) -> bool:
        """Whether its filing is in breach."""
        state = self.draw("filing", "valid", "valid", "valid", "none", "the cloud's number", "no number", "expired")
        if state == "the cloud's number" and not self.platform_filed:
            state = "valid"
        number = f"42060012345-{int(system.partition('-')[2]):05}"
        number = {"the cloud's number": PLATFORM_NUMBER, "no number": "4206-1"}.get(state, number)
        if state != "none":
            self.add(MlpsFiling(**self.said, native_id=f"f-{system}", number=number, system=system, level=3,
                                filed_on=date(2025, 9, 1), template="2025",
                                valid_to=date(2026, 1, 1) if state == "expired" else None))  # fmt: skip
        self.filing_expired = state == "expired"
        is_breach = state not in ("valid", "expired")
        if is_breach and is_fiscal:
            self.fail("mlps-filing", f"system/{system}")
        return is_breach

    def _assessment(self, system: str, is_fiscal: bool) -> bool:
        """Whether its assessment is in breach."""
        state = self.draw("assessment", "good", "good", "good", "none", "overdue", "refused")
        reported = date(2025, 6, 1) if state == "overdue" else date(2026, 6, 1)
        if state != "none":
            self.add(MlpsAssessment(**self.said, native_id=f"a-{system}", system=system, reported_on=reported,
                                    conclusion="不符合" if state == "refused" else "基本符合"))  # fmt: skip
        if state != "good" and is_fiscal:
            self.fail("mlps-assessment", f"system/{system}")
        expired = self.filing_expired and state == "none"
        # An assessment in its last year may have extended an expired certificate: that is open, not a breach.
        late = self.filing_expired and (state == "overdue" or expired)
        is_certainly_expired = expired or (late and date(2026, 1, 1) - reported > timedelta(days=365))
        if is_certainly_expired and is_fiscal:
            self.fail("mlps-filing", f"system/{system}")
        return state != "good" or is_certainly_expired

    # ── sharing ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _sharing(self, system: str) -> str:
        state = self.draw("sharing", "used", "used", "nothing", "lawfully not")
        code = f"306001/{system}"
        entry = {"source": REGISTER, "observed_at": NIGHT, "native_id": code, "name": "目录", "system": system,
                 "direction": "provide", "published_on": date(2026, 1, 5)}  # fmt: skip
        if state == "used":
            self.add(SharingEntry(**entry, sharing_type=SharingType.CONDITIONAL, resource_id=f"r-{system}",
                                  resource_type="接口", mounted_on=date(2026, 1, 6)))  # fmt: skip
            self.add(SharingUse(**self.said, native_id=f"u-{system}", resource_id=f"r-{system}", succeeded=7,
                                period_start=date(2026, 10, 1), period_end=date(2026, 10, 31)))  # fmt: skip
        if state == "lawfully not":
            self.add(SharingEntry(**entry, sharing_type=SharingType.NONE, legal_basis="某法第三条"))
        return state

    # ── steps ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _steps(self, code: str, *, is_new: bool, is_fiscal: bool) -> dict[str, object]:
        if not is_new:
            return {"awarded_on": date(2020, 3, 2), "final_acceptance_on": date(2021, 6, 1)}
        subject = f"project/{code}"
        steps: dict[str, object] = {"awarded_on": date(2024, 2, 5), "collects_data": False}
        applied = self.draw("supervision", "in time", "in time", "late", "never")
        # 2024-02-05 Mon; Spring Festival 02-10 to 02-17, 02-18 Sun is worked: the fifth working day is 02-09 … 02-18.
        steps["supervision_applied_on"] = {"in time": date(2024, 2, 6), "late": date(2024, 3, 5), "never": None}[
            applied
        ]
        if applied != "in time" and is_fiscal:
            self.fail("18-supervision", subject)
        accepted = self.draw("acceptance", "not yet", "not yet", "early", "last year") if is_fiscal else "not yet"
        day = {"not yet": None, "early": date(2024, 6, 3), "last year": date(2025, 6, 3)}[accepted]
        steps |= {"final_acceptance_on": day, "in_operation_on": day}
        self._trial(steps, subject, day, is_fiscal=is_fiscal)
        self._test_report(steps, subject, day, is_fiscal=is_fiscal)
        if day is not None:
            self._after(steps, subject, day)
        return steps

    def _trial(self, steps: dict[str, object], subject: str, accepted: date | None, *, is_fiscal: bool) -> None:
        if self.draw("trial run", "not begun", "not begun", "too short") == "not begun":
            return
        end = accepted or date(2026, 10, 1)
        steps |= {"initial_acceptance_on": end - timedelta(days=20), "trial_start_on": end - timedelta(days=19),
                  "trial_end_on": end - timedelta(days=1)}  # fmt: skip
        if is_fiscal:
            self.fail("23.2-trial-run", subject)

    def _test_report(self, steps: dict[str, object], subject: str, accepted: date | None, *, is_fiscal: bool) -> None:
        state = self.draw("test report", "no platform", "passed", "refused", "to come")
        steps["is_platform_project"] = state != "no platform"
        if state in ("passed", "refused"):
            steps |= {"software_report": "R", "software_report_on": date(2024, 5, 6),
                      "software_conclusion": "通过" if state == "passed" else "不通过"}  # fmt: skip
        if not is_fiscal:
            return
        if state == "refused":
            self.fail("23.8-reports", subject)
        if state == "to come" and accepted is None:
            self.advise("23.8-reports", subject)

    def _after(self, steps: dict[str, object], subject: str, accepted: date) -> None:
        if self.draw("report", "sent", "never sent") == "sent":
            steps["acceptance_report_on"] = accepted + timedelta(days=9)
        else:
            self.fail("24-report", subject)
        is_early = accepted.year == 2024
        state = self.draw("evaluation", "in its window", "too early", "never")
        in_window = date(2025, 9, 1) if is_early else date(2026, 9, 1)
        steps["self_evaluation_on"] = {
            "in its window": in_window, "too early": accepted + timedelta(days=90), "never": None,
        }[state]  # fmt: skip
        if state == "too early" or (state == "never" and not is_early):
            self.advise("26-self-evaluation", subject)
        if state == "never" and is_early:
            self.fail("26-self-evaluation", subject)

    # ── beside the projects ──────────────────────────────────────────────────────────────────────────────────────────

    def _orphan(self, number: int) -> None:
        uuid = f"0c1a5c0e-3f0b-4a52-9a53-{number:012x}"
        self.city.planted["orphan"] += 1
        self.add(HostSighting(source=CLOUD, observed_at=NIGHT, native_id=uuid, view=View.SERVER,
                              name=f"orphan-{number}", uuid=uuid))  # fmt: skip
        self.advise("14-unregistered", f"host/orphan-{number}")

    def _network(self, number: int) -> None:
        state = self.draw("network", "own exit", "extranet", "cloud")
        cidr = f"192.168.{number}.0/24"
        zone = "政务外网区" if state == "extranet" else "部门专网区"
        self.add(Segment(source=PLAN, observed_at=NIGHT, native_id=cidr, cidr=cidr, domain=f"{zone}/{number}",
                         zone=zone, department=f"第{number}局", is_cloud=state == "cloud",
                         has_own_exit=state == "own exit"))  # fmt: skip
        if state == "own exit":
            self.advise("16-extranet", f"segment/{zone}/{number}|{cidr}")

    def _storage(self, number: int) -> None:
        is_new = self.draw("storage", "new", "old") == "new"
        uuid, server = f"1f1a5c0e-3f0b-4a52-9a53-{number:012x}", f"10.50.0.{number + 1}"
        nics = (Nic(mac=f"52:54:00:00:ff:{number:02x}", addresses=(f"{server}/24",)),)
        acquired = date(2025, 4, 1) if is_new else date(2019, 4, 1)
        self.add(
            HostSighting(source=SSH, observed_at=NIGHT, native_id=f"nas-{number}", view=View.OS, name=f"nas-{number}",
                         zone=ZONE, nics=nics, vendor="Inspur", product="NAS", chassis_type=17, virtualization="none",
                         uuid=uuid),
            HostSighting(source=ASSETS, observed_at=NIGHT, native_id=f"ZC-nas-{number}", view=View.ASSET, zone=ZONE,
                         name=f"nas-{number}", nics=nics, commissioned_on=acquired, department="市财政局"),
            HostSighting(source=SSH, observed_at=NIGHT, native_id=f"user-{number}", view=View.OS, name=f"user-{number}",
                         zone=ZONE, uuid=f"2a1a5c0e-3f0b-4a52-9a53-{number:012x}", virtualization="kvm",
                         vendor="OpenStack",
                         mounts=(Mount(target="/d", fstype="nfs4", origin=f"{server}:/d"),)),
            HostSighting(source=CLOUD, observed_at=NIGHT, native_id=f"2a1a5c0e-3f0b-4a52-9a53-{number:012x}",
                         view=View.SERVER, name=f"user-{number}", uuid=f"2a1a5c0e-3f0b-4a52-9a53-{number:012x}"),
        )  # fmt: skip
        self.advise("14-unregistered", f"host/user-{number}")
        if is_new:
            self.fail("14-standalone-compute", f"host/nas-{number}")
            self.fail("14-standalone-storage", f"storage/{ZONE}/{server}")
