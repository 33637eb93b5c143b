"""Facts of the field whose answer is known beforehand, each from what sources say to the verdict.

`HELD` names the tests that hold the others, and that each of them is there.
"""

import ast
from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path

import openpyxl
import pytest
from builders import (
    CLOUD,
    NIGHT,
    SSH,
    assessment,
    cell,
    coverage,
    department,
    filing,
    platform_filing,
    policy,
    project,
    sighting,
    system,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from ledgers import read_ledger
from msgspec.structs import replace
from rapidfuzz import fuzz
from verdicts import finding_on

from checks import mlps_assessment, mlps_filing
from checks.dates import add_months
from checks.judge import judge
from checks.regulation import load_pack
from collectors.ledger_fields import CellError, parse
from inventory.alias import Alias, AliasKind
from inventory.alias_proposals import propose
from inventory.build import build
from inventory.collection import Collection
from inventory.coverage import CellResult, CellState
from inventory.finding import Finding, Verdict
from inventory.hosts import Place
from inventory.inventory import Inventory
from inventory.ledger_columns import Column, Format
from inventory.records import MlpsFiling, Nic, Record, View
from inventory.scan import ScanOptions

HELD = {
    "five working days after 2026-02-12 are 2026-02-26, after 2026-09-29 are 2026-10-12": (
        "test_five_working_days", "test_make_up_days_of_2026_are_worked",
    ),
    "2027 does not crash": ("test_a_year_that_is_not_announced_is_provisional_and_does_not_crash",),
    "the self-evaluation falls into months 12 to 24 from the later of acceptance and operation": (
        "test_the_self_evaluation",
    ),
    "the regulation's term": ("test_the_term", "test_the_term_of_the_regulation"),
    "UUIDs in either byte order; VMware's pair of serial and UUID": (
        "test_a_host_is_the_server_whose_uuid_it_reports_in_either_byte_order",
        "test_vmware_s_serial_and_its_turned_uuid_are_one_machine",
    ),
    "three shapes of openstack:// in providerID": ("test_a_node_is_the_server_that_its_provider_id_names",),
    "59.202.58.68 is where the table of zones says, and no Internet; nor is 100.64.0.9": (
        "test_a_zone_is_found_by_longest_prefix", "test_the_government_extranet_is_never_the_internet",
    ),
    "host bits and full-width digits in addresses": (
        "test_host_bits_and_text_that_is_no_network_do_no_harm", "test_what_people_write_is_understood",
    ),
    "shapes of filing numbers": ("test_the_digits_of_a_number",),
    "10(5个已整改) is (10, 5); a USCC in lower case and full width": ("test_what_people_write_is_understood",),
    "一期 and 二期 are two, the pair of 数字城管 is a candidate": (
        "test_another_phase_is_never_proposed", "test_a_name_without_region_and_generic_words_is_a_candidate",
        "test_other_generations_of_one_thing_are_not_two_things", "test_the_pair_that_a_plain_ratio_misses_is_proposed",
    ),
    "the verdict matrix": ("test_the_page_is_what_the_code_gives",),
    "Keystone scoped to one project, against the real one": (
        "test_a_reader_confined_to_one_project_never_looks_complete",
        "test_a_confined_reader_is_told_what_it_did_not_see",
    ),
    "product_uuid that needs root": ("test_what_could_not_be_read_is_not_concluded",),
}  # fmt: skip

SERVER = "420bcf8f-a2f2-d154-329b-575d9bc5e19c"
ROOT = Path(__file__).parent


def test_every_oracle_that_another_test_holds_is_held() -> None:
    there = {
        node.name
        for path in ROOT.rglob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
    }

    assert sorted({name for names in HELD.values() for name in names} - there) == []


def night(
    records: Iterable[Record], *broken: CellResult, moment: datetime = NIGHT, aliases: tuple[Alias, ...] = ()
) -> tuple[Inventory, dict[tuple[str, str], Finding]]:
    """A whole night: what sources said, built and judged; findings by check and name. All was seen but `broken`."""
    seen = coverage(*broken)
    said = [replace(r, observed_at=moment) for r in (project(), department(), platform_filing(), *records)]
    collection = Collection(
        taken_at=moment, sources=list(seen.sources), records=said, cells=list(seen.results), rejections=[]
    )
    inventory = build(collection, ScanOptions(city="老河口市", aliases=aliases), as_of=moment)
    return inventory, {(f.check, f.subject.name): f for f in judge(inventory, policy())}


def os_of(name: str, **fields: object) -> Record:
    """A machine's own words, over SSH."""
    return sighting(name, View.OS, SSH, **{"nics": (), **fields})


def verdict(findings: dict[tuple[str, str], Finding], check: str, name: str) -> Verdict:
    return findings[check, name].verdict


# ── identity ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def clone(name: str, mac: str, **fields: object) -> Record:
    """A guest with the firmware data of another."""
    nic = Nic(name="eth0", mac=mac, addresses=(f"10.1.1.{int(mac[-2:], 16)}/24",))
    said = {"uuid": SERVER, "virtualization": "kvm", "vendor": "QEMU", "nics": (nic,), "zone": "政务外网区"}
    return os_of(name, **{**said, **fields})


def test_cloned_vms_with_one_uuid_end_in_unknown_and_their_system_with_them() -> None:
    """One of them may be the instance, the other a private copy under a desk: nobody can tell which."""
    instance = sighting("edu-web-1", uuid=SERVER, nics=())
    edu = system(hosts=("edu-a", "edu-b"))
    one, two = clone("edu-a", "52:54:00:00:00:01"), clone("edu-b", "52:54:00:00:00:02")

    inventory, findings = night([edu, instance, one, two])

    for name in ("edu-a", "edu-b"):
        found = findings["14-standalone-compute", name]
        assert found.verdict is Verdict.UNKNOWN
        assert found.missing
    assert verdict(findings, "16-deployment", edu.name) is Verdict.UNKNOWN
    assert verdict(findings, "23.7-deployment", "项目P-1") is Verdict.UNKNOWN
    assert verdict(findings, "14-standalone-compute", "edu-web-1") is Verdict.PASS
    assert {h.name: bool(h.conflicts) for h in inventory.hosts} == {"edu-web-1": False, "edu-a": True, "edu-b": True}
    # With one of them alone it is the instance, and the system runs on the cloud.
    _, findings = night([system(hosts=("edu-a",)), instance, one])
    assert verdict(findings, "16-deployment", edu.name) is Verdict.PASS


def test_cloned_vms_that_no_cloud_lists_are_unknown_too() -> None:
    _, findings = night([clone("a", "52:54:00:00:00:01"), clone("b", "52:54:00:00:00:02")])

    assert {verdict(findings, "14-standalone-compute", name) for name in "ab"} == {Verdict.UNKNOWN}


def test_a_serial_that_is_the_instance_s_id_makes_the_host_the_instance() -> None:
    """Nova's sysinfo_serial=unique; the UUID itself needs root."""
    guest = os_of("web", serial=SERVER, needs_root=("uuid",), virtualization="kvm", vendor="OpenStack Foundation")

    inventory, _ = night([sighting("edu-web-1", uuid=SERVER, nics=()), guest])

    (host,) = inventory.hosts
    assert host.placement.place is Place.CLOUD_INSTANCE
    assert [j.rule for j in host.joins] == ["serial"]


@pytest.mark.parametrize("provider_id", ["", f"vsphere://{SERVER}", f"openstack:///{SERVER}x", "openstack:///", None])
def test_a_provider_id_of_another_kind_makes_no_node_an_instance(provider_id: str | None) -> None:
    node = sighting("node-1", View.NODE, "kubernetes:county", provider_id=provider_id, nics=())

    inventory, findings = night([sighting("edu-web-1", uuid=SERVER, nics=()), node])

    assert len(inventory.hosts) == 2
    assert verdict(findings, "14-standalone-compute", "node-1") is Verdict.UNKNOWN


def test_one_address_in_two_vrfs_is_two_hosts() -> None:
    nic = (Nic(addresses=("10.0.0.5/24",)),)
    card = sighting("卡片7", View.ASSET, "ledger:assets", zone="公安专网", nics=nic, department="市公安局")

    inventory, _ = night([os_of("jy-web", zone="教育专网", nics=nic), os_of("ga-web", zone="公安专网", nics=nic), card])

    assert {h.name: (h.zones, h.department) for h in inventory.hosts} == {
        "jy-web": (("教育专网",), None),
        "ga-web": (("公安专网",), "市公安局"),
    }


# ── what a collector could not see ───────────────────────────────────────────────────────────────────────────────────

TOWER = {"virtualization": "none", "vendor": "Inspur", "product": "NF5280M6", "chassis_type": 23, "uuid": SERVER}


def test_a_keystone_that_shows_one_project_lets_nobody_stand_alone() -> None:
    card = sighting("卡片7", View.ASSET, "ledger:assets", nics=(), serial="J300X7", commissioned_on=date(2025, 6, 1),
                    department="市教育局")  # fmt: skip
    physical = [os_of("tower", serial="J300X7", **TOWER), card]
    narrow = [cell(CLOUD, "tenant", CellState.PARTIAL), cell(CLOUD, "host", CellState.PARTIAL)]

    _, findings = night(physical, *narrow)
    assert verdict(findings, "14-standalone-compute", "tower") is Verdict.UNKNOWN
    _, findings = night(physical)
    assert verdict(findings, "14-standalone-compute", "tower") is Verdict.FAIL


@pytest.mark.parametrize("state", [CellState.FAILED, CellState.PARTIAL, CellState.SKIPPED])
def test_a_host_that_refused_ssh_is_neither_lawful_nor_a_breach(state: CellState) -> None:
    card = sighting("tower", View.ASSET, "ledger:assets", nics=(), commissioned_on=date(2025, 6, 1))

    _, findings = night([card], cell(SSH, "host", state))

    assert verdict(findings, "14-standalone-compute", "tower") is Verdict.UNKNOWN


@pytest.mark.parametrize("virtualization", ["kvm", "none"])
def test_a_uuid_that_only_root_may_read_is_neither_lawful_nor_a_breach(virtualization: str) -> None:
    """It could be the instance's."""
    guest = os_of("web", virtualization=virtualization, needs_root=("uuid", "serial"))

    _, findings = night([guest, sighting("edu-web-1", uuid=SERVER, nics=())])

    assert verdict(findings, "14-standalone-compute", "web") is Verdict.UNKNOWN


# ── dates ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_month_after_the_last_of_january_is_the_last_of_february() -> None:
    assert add_months(date(2026, 1, 31), 1) == date(2026, 2, 28)


def test_five_years_after_its_issue_the_regulation_is_past_for_a_day_at_most() -> None:
    """Counted with or without the first day: 2029-01-14 or 2029-01-15, and the earlier is kept."""
    pack = load_pack()

    assert add_months(pack.effective_from, 60) == date(2029, 1, 15)
    assert (add_months(pack.effective_from, 60) - pack.expires_on).days == 1
    assert "±1日" in pack.expires_note


# ── 等保 ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_filing_number_in_a_number_cell_is_to_be_verified(tmp_path: Path) -> None:
    """A spreadsheet keeps 15 digits: 4206001234500001 comes out as another number, and as a float."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["定级对象名称", "备案证明编号", "安全保护等级", "备案日期", "备案模板版本"])
    sheet.append(["系统S-1", 4206001234500001, "三级", date(2025, 9, 1), "2025"])
    book.save(tmp_path / "备案.xlsx")
    records = read_ledger(tmp_path / "备案.xlsx", "mlps_filings").records

    (row,) = (r for r in records if isinstance(r, MlpsFiling))
    assert row.number_unreliable
    _, findings = night([system(), *records])
    assert verdict(findings, "mlps-filing", "系统S-1") is Verdict.UNKNOWN


def test_a_number_of_another_region_is_never_taken_as_it_stands() -> None:
    """420600 and 420682 are expected alike; a neighbour's is to be looked at, one of Beijing's is no number of ours."""
    said = {
        number: finding_on(mlps_filing.CHECK, night([system(), filing(number)])[0], "system/S-1").verdict
        for number in ("42060012345-00001", "42068212345-00001", "42060312345-00001", "11010112345-00001")
    }

    assert list(said.values()) == [Verdict.PASS, Verdict.PASS, Verdict.ADVISORY, Verdict.FAIL]


CONCLUSIONS = [
    ("中", 72.0, None, date(2024, 5, 1), Verdict.PASS),
    ("符合", None, None, date(2024, 5, 1), Verdict.UNKNOWN),  # no word of that template
    ("基本符合", None, None, date(2025, 6, 1), Verdict.PASS),
    ("符合", 92.0, 3, date(2025, 6, 1), Verdict.UNKNOWN),  # 符合 asks for no major risk
    ("符合", 92.0, 0, date(2025, 6, 1), Verdict.PASS),
]


@pytest.mark.parametrize(("conclusion", "score", "risks", "reported_on", "expected"), CONCLUSIONS)
def test_what_a_conclusion_means_is_told_by_its_date(
    conclusion: str, score: float | None, risks: int | None, reported_on: date, expected: Verdict
) -> None:
    """Judged a month after the report, so that nothing but the template decides."""
    moment = datetime(reported_on.year, reported_on.month + 1, 1, 4, tzinfo=UTC)
    report = assessment(conclusion=conclusion, score=score, major_risks=risks, reported_on=reported_on)
    records = [system(), filing(filed_on=date(2024, 3, 1)), report]

    inventory, _ = night(records, moment=moment)

    assert finding_on(mlps_assessment.CHECK, inventory, "system/S-1").verdict is expected


# ── identifiers and names ────────────────────────────────────────────────────────────────────────────────────────────

CODE = "11420682011158671E"
CODE_COLUMN = Column(field="code", header="统一社会信用代码", format=Format.USCC)


@settings(deadline=None)
@given(st.integers(0, 17), st.sampled_from("0123456789ABCDEFGHJKLMNPQRTUWXY"))
def test_a_credit_code_with_one_other_character_is_none(place: int, other: str) -> None:
    """GB 32100-2015: weights prime to 31 catch every single change."""
    changed = CODE[:place] + other + CODE[place + 1 :]

    if changed == CODE:
        assert parse(CODE_COLUMN, changed) == CODE
        return
    with pytest.raises(CellError):
        parse(CODE_COLUMN, changed)


@pytest.mark.parametrize("written", [CODE, CODE.lower(), "１１４２０６８２０１１１５８６７１Ｅ", "12420682767444440U"])
def test_a_credit_code_is_read_in_any_case_and_width(written: str) -> None:
    assert parse(CODE_COLUMN, written) in (CODE, "12420682767444440U")


def test_plain_likeness_is_wrong_both_ways_and_decides_nothing() -> None:
    """What the phase guard is for: the two phases are 90 % alike, the one platform 60 %."""
    phases = ("智慧社区管理平台一期", "智慧社区管理平台二期")
    platform = ("老河口市数字城管综合管理平台", "数字城管平台")
    assert (fuzz.ratio(*phases), round(fuzz.ratio(*platform))) == (90.0, 60)
    rows = [filing("42060012345-00001", system=phases[0]), filing("42060012345-00002", system=platform[1])]

    inventory, findings = night([system("S-1", name=phases[1]), system("S-2", name=platform[0]), *rows])

    assert {f.system for f in inventory.filings if f.system} == {phases[0], platform[1]}  # as they were written
    # Neither is filed by them, nor can anybody say that it is not: rows of nobody may be theirs.
    assert {verdict(findings, "mlps-filing", name) for name in (phases[1], platform[0])} == {Verdict.UNKNOWN}
    found = propose(inventory, (), regions=("老河口市",))
    assert {p.written: [c.target for c in p.candidates] for p in found} == {phases[0]: [], platform[1]: ["S-2"]}


def test_a_name_that_a_person_confirmed_proves_no_place() -> None:
    """Aliases say whose something is: see tests/inventory/test_alias.py for the rest."""
    alias = Alias(kind=AliasKind.HOST, written="tower", system="S-1", confirmed_by="王敏",
                  confirmed_on=date(2026, 11, 20), why="现场核对")  # fmt: skip

    inventory, findings = night([system(), os_of("tower", **TOWER)], aliases=(alias,))

    (host,) = inventory.hosts
    assert host.ownership.systems == ("S-1",)
    assert host.placement.place is Place.STANDALONE_PHYSICAL
    assert verdict(findings, "16-deployment", "系统S-1") is Verdict.FAIL
