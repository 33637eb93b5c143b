"""23-design: what the technical design book declares, held against what runs. It advises, it never fails."""

from datetime import date
from typing import Any

import builders as b
import msgspec
import pytest

from checks.catalogue import check_by_id
from checks.design_book import Comparison, Figure, Quantity, comparison_of, comparisons, declared
from checks.judge import judge
from inventory.coverage import CellState
from inventory.finding import Finding, Verdict
from inventory.hosts import Host, Ownership, OwnershipHit, OwnershipRule, Place
from inventory.inventory import Inventory
from inventory.records import DesignItem, Funding, Nic, ProjectKind, Storage, View
from inventory.settings import PolicyChoices
from inventory.text import tell

GIB = 1024**3
CHECK = check_by_id("23-design")


def machine(name: str = "edu-web-1", ownership: Ownership | None = None, **size: Any) -> Host:
    return b.host(name, ownership=ownership, sightings=(b.sized(name, **size),))


def city(*items: DesignItem, hosts: tuple[Host, ...] = (machine(),), **given: Any) -> Inventory:
    return b.city(hosts=hosts, design_items=items or (b.design_item(),), **given)


def found(inventory: Inventory, percent: int = 10) -> Finding:
    assert CHECK is not None
    findings = judge(inventory, b.policy(PolicyChoices(design_tolerance_percent=percent)), [CHECK])
    (finding,) = [f for f in findings if f.subject.id == "P-1"]
    return finding


def compared(inventory: Inventory) -> Comparison:
    project = inventory.project("P-1")
    assert project is not None
    comparison = comparison_of(inventory, b.policy(), project)
    assert comparison is not None
    return comparison


def figures(inventory: Inventory) -> dict[str, tuple[int | None, int | None]]:
    return {f.quantity.value: (f.declared, f.actual) for f in compared(inventory).figures}


def test_what_runs_as_it_was_declared_passes() -> None:
    finding = found(city())

    assert finding.verdict is Verdict.PASS
    assert "vCPU: declared 4, actual 4, tolerance 10%" in tell(finding.reason, "en")


@pytest.mark.parametrize(
    ("vcpus", "verdict"),
    [(89, Verdict.ADVISORY), (90, Verdict.PASS), (100, Verdict.PASS), (110, Verdict.PASS), (111, Verdict.ADVISORY)],
)
def test_the_tolerance_ends_exactly_where_it_says(vcpus: int, verdict: Verdict) -> None:
    """Ten percent of a hundred, in both directions, the limit itself included."""
    inventory = city(b.design_item(vcpus=100), hosts=(machine(vcpus=vcpus),))

    assert found(inventory).verdict is verdict


@pytest.mark.parametrize(
    ("said", "runs", "difference", "is_within"),
    [(100, 90, -10, True), (100, 89, -11, False), (None, 4, None, None), (4, None, None, None), (0, 0, 0, True)],
)
def test_what_is_not_known_is_neither_within_the_tolerance_nor_beyond_it(
    said: int | None, runs: int | None, difference: int | None, is_within: bool | None
) -> None:
    figure = Figure(quantity=Quantity.VCPUS, declared=said, actual=runs, tolerance_percent=10)

    assert (figure.difference, figure.is_within) == (difference, is_within)


def test_the_owner_sets_the_tolerance() -> None:
    inventory = city(hosts=(machine(vcpus=5),))

    assert found(inventory, percent=24).verdict is Verdict.ADVISORY
    assert found(inventory, percent=25).verdict is Verdict.PASS
    assert found(city(), percent=0).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("field", "quantity"),
    [("vcpus", "vcpus"), ("memory_bytes", "memory"), ("disk_bytes", "disk")],
)
def test_each_size_is_compared_by_itself(field: str, quantity: str) -> None:
    inventory = city(hosts=(machine(**{field: 2 * getattr(b.design_item(), field)}),))
    beyond = [f.quantity.value for f in compared(inventory).figures if f.is_within is False]

    assert beyond == [quantity]
    assert found(inventory).verdict is Verdict.ADVISORY


def test_it_never_fails_however_far_off() -> None:
    assert found(city(b.design_item(vcpus=1), hosts=(machine(vcpus=512),))).verdict is Verdict.ADVISORY


def test_without_a_design_book_there_is_nothing_to_compare_with() -> None:
    assert found(b.city()).verdict is Verdict.NOT_APPLICABLE


def test_a_design_book_that_was_not_read_is_not_one_that_is_not_there() -> None:
    broken = b.coverage(b.cell(b.REGISTER, "design_item", CellState.FAILED))

    finding = found(b.city(coverage=broken))

    assert finding.verdict is Verdict.UNKNOWN
    assert "technical design books" in tell(finding.missing[0], "en")


@pytest.mark.parametrize("kind", ["host", "tenant"])
def test_half_a_listing_of_the_cloud_is_compared_with_nothing(kind: str) -> None:
    """What was not seen may be just what is missing, or more of what is too much already."""
    broken = b.coverage(b.cell(b.CLOUD, kind, CellState.PARTIAL))

    for vcpus in (2, 4, 64):
        assert found(city(hosts=(machine(vcpus=vcpus),), coverage=broken)).verdict is Verdict.UNKNOWN


def test_a_machine_whose_owner_is_contested_leaves_it_open() -> None:
    finding = found(city(hosts=(machine(), machine("edu-db-1", b.CONTESTED))))

    assert finding.verdict is Verdict.UNKNOWN
    assert "edu-db-1" in tell(finding.missing[0], "en")


def test_a_machine_of_two_building_projects_leaves_it_open_until_one_is_named() -> None:
    """P-2 extends what P-1 built: whose design book counts the machine?"""
    two = (b.project(), b.project("P-2", project_kind=ProjectKind.UPGRADE))
    shared = b.owned(projects=("P-1", "P-2"))
    declared_hit = OwnershipHit(rule=OwnershipRule.DECLARED, value="edu-web-1", systems=("S-1",), projects=("P-1",))
    named = b.owned(projects=("P-1", "P-2"), hits=(declared_hit, *shared.hits))
    both = b.owned(projects=("P-1", "P-2"), hits=(without_project(shared.hits[0]),))

    assert found(city(hosts=(machine(ownership=both),), projects=two)).verdict is Verdict.UNKNOWN
    assert found(city(hosts=(machine(ownership=named),), projects=two)).verdict is Verdict.PASS


def without_project(hit: OwnershipHit) -> OwnershipHit:
    """The hit on the system alone: no rule names a project."""
    return OwnershipHit(rule=hit.rule, value=hit.value, systems=hit.systems)


def test_a_tenant_of_the_project_does_not_outweigh_a_label_that_names_another_system() -> None:
    """A department keeps all its systems in one tenant, and the register names it with each of its projects."""
    label = OwnershipHit(rule=OwnershipRule.LABEL, value="system=S-2", systems=("S-2",))
    tenant = OwnershipHit(rule=OwnershipRule.TENANT, value="edu", systems=("S-1", "S-2"), projects=("P-1",))
    other = b.owned("S-2", projects=("P-2",), hits=(label, tenant))
    inventory = city(
        hosts=(machine(), machine("other", other)),
        projects=(b.project(), b.project("P-2", systems=("S-2",))),
        systems=(b.system(), b.system("S-2")),
    )

    assert figures(inventory)["vcpus"] == (4000, 4000)


def test_a_project_that_only_keeps_the_system_shares_no_machine() -> None:
    two = (b.project(), b.project("P-2", project_kind=ProjectKind.OPERATION))
    hit = OwnershipHit(rule=OwnershipRule.TENANT, value="edu", systems=("S-1",))
    owner = b.owned(projects=("P-1", "P-2"), hits=(hit,))

    assert found(city(hosts=(machine(ownership=owner),), projects=two)).verdict is Verdict.PASS


def test_a_machine_that_tells_no_size_is_unknown_and_not_nothing() -> None:
    finding = found(city(hosts=(machine(vcpus=None),)))

    assert finding.verdict is Verdict.UNKNOWN
    assert figures(city(hosts=(machine(vcpus=None),)))["vcpus"] == (4000, None)


def test_a_machine_whose_disk_is_not_known_is_asked_for_by_its_name() -> None:
    finding = found(city(hosts=(machine(disk_bytes=None),)))

    assert finding.verdict is Verdict.UNKNOWN
    assert [tell(m, "en") for m in finding.missing] == [
        "the size and addresses of edu-web-1, by the infrastructure team"
    ]


def test_a_project_of_which_nothing_was_found_is_unknown() -> None:
    finding = found(city(hosts=()))

    assert finding.verdict is Verdict.UNKNOWN
    assert finding.missing


def test_the_register_names_a_component_that_no_source_showed() -> None:
    finding = found(city(missing_components={"S-1": ("edu-db-9",)}))

    assert finding.verdict is Verdict.UNKNOWN
    assert "edu-db-9" in tell(finding.reason, "en")


def test_a_rejected_row_of_the_design_book_leaves_it_open() -> None:
    """What the lost row declares may be just what runs."""
    inventory = city(hosts=(machine(vcpus=64),), coverage=b.coverage(rejections=(b.rejection("P-1", column="数量"),)))

    assert found(inventory).verdict is Verdict.UNKNOWN


def test_outside_the_regulation_nothing_is_compared() -> None:
    outside = (b.project(funding=Funding.NON_FISCAL),)

    assert found(city(hosts=(machine(vcpus=64),), projects=outside)).verdict is Verdict.NOT_APPLICABLE


def test_sizes_are_of_one_piece_and_rows_add_up() -> None:
    storage = b.design_item(
        "云存储", count=None, vcpus=None, memory_bytes=None, disk_bytes=1024 * GIB, address_count=None
    )
    items = (b.design_item(count=3), b.design_item("数据库服务器", count=None, vcpus=16), storage)

    assert [declared(items, q) for q in Quantity] == [4, 28_000, 32 * GIB, 1184 * GIB, 2]


def test_what_the_book_does_not_say_is_not_compared() -> None:
    only = b.design_item(count=None, memory_bytes=None, disk_bytes=None, address_count=None)

    assert [f.quantity for f in compared(city(only)).figures if f.declared is not None] == [
        Quantity.COMPONENTS, Quantity.VCPUS,
    ]  # fmt: skip


def test_a_book_that_declares_no_number_at_all_is_unknown() -> None:
    words = b.design_item(count=None, vcpus=None, memory_bytes=None, disk_bytes=None, address_count=None)

    assert found(city(words)).verdict is Verdict.UNKNOWN


def volume(name: str, gib: int | None, **given: Any) -> Storage:
    size = None if gib is None else gib * GIB
    return b.storage(name, size_bytes=size, attached_to=("id-edu-web-1",), **given)


def test_volumes_count_beside_the_disk_of_the_flavor() -> None:
    assert figures(city(storages=(volume("data", 100),)))["disk"] == (40 * GIB, 140 * GIB)


def test_a_server_that_starts_from_a_volume_has_no_disk_of_the_flavor() -> None:
    inventory = city(hosts=(machine(image=None),), storages=(volume("root", 40, is_bootable=True),))

    assert figures(inventory)["disk"] == (40 * GIB, 40 * GIB)


def test_where_volumes_were_not_listed_the_disk_is_unknown() -> None:
    broken = b.coverage(b.cell(b.CLOUD, "storage", CellState.FAILED))
    none = b.coverage(b.cell(b.CLOUD, "storage", CellState.NOT_CONFIGURED))

    assert found(city(coverage=broken)).verdict is Verdict.UNKNOWN
    assert figures(city(coverage=broken))["disk"] == (40 * GIB, None)
    assert found(city(coverage=none)).verdict is Verdict.PASS


def test_a_volume_of_unknown_size_is_not_an_empty_one() -> None:
    assert figures(city(storages=(volume("data", None),)))["disk"] == (40 * GIB, None)


def test_addresses_that_the_book_names_must_be_there() -> None:
    inventory = city(b.design_item(address_count=None, addresses=("10.1.1.9",)))
    finding = found(inventory)

    assert finding.verdict is Verdict.ADVISORY
    assert "10.1.1.9" in tell(finding.reason, "en")
    assert found(city(b.design_item(addresses=("10.1.1.5",)))).verdict is Verdict.PASS


def test_the_inner_addresses_of_a_machine_are_not_counted() -> None:
    os = b.sighting("edu-web-1", View.OS, b.SSH, vcpus=4, memory_bytes=8 * GIB, disk_bytes=40 * GIB)
    inner = tuple(b.with_fields(n, addresses=("10.1.1.5/24", "127.0.0.1/8", "fe80::1/64")) for n in os.nics)
    tower = b.host("edu-web-1", Place.STANDALONE_PHYSICAL, sightings=(b.with_fields(os, nics=inner),))

    assert figures(city(hosts=(tower,)))["addresses"] == (1, 1)


def test_what_only_the_machine_calls_its_address_is_not_counted() -> None:
    """The cloud gave it one; its container bridge is no address that a design book declares."""
    inside = b.sighting("edu-web-1", View.OS, b.SSH, nics=(Nic(name="docker0", addresses=("172.17.0.1/16",)),))
    instance = b.host("edu-web-1", sightings=(b.sized(), inside))

    assert figures(city(hosts=(instance,)))["addresses"] == (1, 1)


def test_a_name_in_the_place_of_an_address_is_none() -> None:
    """What the cloud writes as the address of a compute host is kept as it stands, be it a host name."""
    listed = b.sighting("node-9", View.HYPERVISOR, nics=(Nic(addresses=("node-9.gov.local",)),))
    inside = b.sighting("node-9", View.OS, b.SSH)
    node = b.host("node-9", Place.CLOUD_INFRASTRUCTURE, sightings=(listed, inside))

    assert figures(city(hosts=(node,)))["addresses"] == (1, 1)


def pod(name: str = "web", **given: Any) -> Any:
    return b.workload(name, **{"phase": "Running", "cpu_millicores": 4000, "memory_bytes": 8 * GIB, **given})


def in_cluster(*pods: Any, items: tuple[DesignItem, ...]) -> Inventory:
    return city(*items, hosts=(), workloads=pods, owners={p.key: b.owned() for p in pods})


def test_pods_count_by_what_they_ask_for() -> None:
    item = b.design_item(disk_bytes=None, address_count=None)

    assert found(in_cluster(pod(), items=(item,))).verdict is Verdict.PASS
    assert figures(in_cluster(pod(), pod("job", phase="Succeeded"), items=(item,)))["vcpus"] == (4000, 4000)


def test_a_pod_that_asks_for_nothing_is_unknown_and_not_free() -> None:
    item = b.design_item(disk_bytes=None, address_count=None)

    assert found(in_cluster(pod(cpu_millicores=None), items=(item,))).verdict is Verdict.UNKNOWN


def test_a_pod_on_a_node_of_the_project_is_counted_with_the_node() -> None:
    node = b.host("node-1", sightings=(b.sized("node-1"), b.sighting("node-1", View.NODE, b.CLUSTER)))
    one = pod()
    inventory = city(hosts=(node,), workloads=(one,), owners={one.key: b.owned()})

    assert figures(inventory)["vcpus"] == (4000, 4000)


def test_what_names_the_project_and_no_system_is_counted_too() -> None:
    own = Ownership(projects=("P-1",), hits=(OwnershipHit(rule=OwnershipRule.LABEL, value="P-1", projects=("P-1",)),))

    assert figures(city(hosts=(machine(), machine("gpu", own))))["vcpus"] == (4000, 8000)


def test_a_name_that_is_only_alike_decides_nothing() -> None:
    alike = Ownership(
        hits=(OwnershipHit(rule=OwnershipRule.SIMILARITY, value="x", systems=("S-1",), projects=("P-1",)),)
    )

    assert figures(city(hosts=(machine(), machine("edu-old", alike))))["vcpus"] == (4000, 4000)


def test_every_project_that_has_a_book_is_compared_in_the_order_of_the_codes() -> None:
    codes = ("P-3", "P-1", "P-2")
    inventory = city(
        b.design_item(project="P-3"), b.design_item(), projects=tuple(b.project(code, systems=()) for code in codes)
    )

    assert [c.project.native_id for c in comparisons(inventory, b.policy())] == ["P-1", "P-3"]


def test_the_evidence_is_the_book_and_the_machines() -> None:
    finding = found(city())

    assert {b.design_item().key, b.sized().key, b.project().key} == set(finding.evidence)
    assert msgspec.json.encode(finding)


def test_what_was_accepted_before_the_regulation_is_not_held_against_its_book() -> None:
    """Art. 30: however far what runs has moved from it since."""
    old = b.project(awarded_on=date(2021, 1, 1), final_acceptance_on=date(2024, 1, 14))
    finding = found(city(hosts=(machine(vcpus=512),), projects=(old,)))

    assert finding.verdict is Verdict.NOT_APPLICABLE
    assert "before the regulation took effect" in tell(finding.reason, "en")


def test_of_an_old_contract_without_a_day_of_acceptance_the_day_is_asked_for_first() -> None:
    finding = found(city(projects=(b.legacy_project(),)))

    assert finding.verdict is Verdict.UNKNOWN
    assert "acceptance" in tell(finding.missing[0], "en")
