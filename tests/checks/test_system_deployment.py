"""16-deployment, and where components run."""

from datetime import date

import builders as b
import pytest
from verdicts import english, finding_on, verdict_on

from checks.deployment import Where, deployment_of
from checks.system_deployment import CHECK
from inventory.coverage import CellState
from inventory.hosts import Place
from inventory.inventory import Inventory
from inventory.records import Funding, Level, ProjectKind, View
from inventory.settings import PolicyChoices

OFF = b.host("edu-db-1", Place.STANDALONE_PHYSICAL)
OPEN = b.host("edu-db-1", Place.UNDETERMINED)
CONTESTED = b.host("x", Place.STANDALONE_PHYSICAL, b.CONTESTED)
CUT = b.coverage(b.cell(b.CLOUD, "host", CellState.PARTIAL))
DECLARED = b.system(hosts=("edu-web-1",))

CASES = [
    ("on the cloud", b.city(), "pass"),
    ("one component off it", b.city(hosts=(b.host(), OFF)), "fail"),
    ("off it, and the cloud not seen completely", b.city(hosts=(b.host(), OFF), coverage=CUT), "fail"),
    ("one component open", b.city(hosts=(b.host(), OPEN)), "unknown"),
    ("one off, one open", b.city(hosts=(OPEN, b.host("edu-2", Place.STANDALONE_VIRTUAL))), "fail"),
    ("a contested one off it", b.city(hosts=(b.host(), CONTESTED)), "unknown"),
    ("found nowhere", b.city(hosts=()), "unknown"),
    ("procured by the centre", b.city(hosts=(b.host(place=Place.THIRD_PARTY),)), "pass"),
    ("half a listing", b.city(coverage=CUT), "unknown"),
    ("half a listing, all declared hosts found, by names that others may bear",
     b.city(coverage=CUT, systems=(DECLARED,)), "unknown"),
    ("half a listing, all declared hosts found by their ids",
     b.city(coverage=CUT, systems=(b.system(hosts=("id-edu-web-1",)),)), "pass"),
    ("the ledger of owners not seen", b.city(coverage=b.coverage(b.cell(b.REGISTER, "ownership", CellState.FAILED))),
     "unknown"),
    ("another unit's machine that did not answer",
     b.city(coverage=b.coverage(b.cell(b.SSH, "host", CellState.FAILED))), "pass"),
    ("half a list of tenants, all declared hosts found, and another unit's machine that did not answer",
     b.city(coverage=b.coverage(b.cell(b.CLOUD, "tenant", CellState.PARTIAL), b.cell(b.SSH, "host", CellState.FAILED)),
            systems=(DECLARED,)), "pass"),
    ("legacy, as far as half a project register says",
     b.city(projects=(b.legacy_project(),), coverage=b.coverage(b.cell(b.REGISTER, "project", CellState.PARTIAL))),
     "unknown"),
    ("a declared host seen nowhere",
     b.city(systems=(DECLARED,), missing_components={"S-1": ("edu-db-9",)}), "unknown"),
    ("legacy", b.city(projects=(b.legacy_project(),)), "not_applicable"),
    ("no date", b.city(projects=(b.project(awarded_on=None),)), "unknown"),
    ("non-fiscal", b.city(projects=(b.project(funding=Funding.NON_FISCAL),)), "not_applicable"),
    ("funding unknown", b.city(projects=(b.project(funding=None),)), "unknown"),
    ("one fiscal project of two",
     b.city(projects=(b.project(), b.project("P-2", funding=Funding.NON_FISCAL))), "pass"),
    ("the province's", b.city(systems=(b.system(level=Level.PROVINCE),)), "not_applicable"),
    ("retired", b.city(systems=(b.system(is_retired=True),)), "not_applicable"),
    ("no project, completed since",
     b.city(projects=(), systems=(b.system(funding=Funding.GOVERNMENT, built_on=date(2025, 1, 1)),)), "pass"),
    ("no project, completed since, called already built",
     b.city(projects=(), systems=(b.system(funding=Funding.GOVERNMENT, built_on=date(2025, 1, 1), is_rebuilt=False),)),
     "unknown"),
]  # fmt: skip


@pytest.mark.parametrize(("inventory", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_verdict(inventory: Inventory, expected: str) -> None:
    assert verdict_on(CHECK, inventory, "system/S-1") == expected


@pytest.mark.parametrize(
    ("kind", "counts", "expected"),
    [
        (ProjectKind.REBUILD, True, "pass"),
        (ProjectKind.UPGRADE, True, "pass"),
        (ProjectKind.UPGRADE, False, "not_applicable"),
        (ProjectKind.OPERATION, True, "not_applicable"),
        (ProjectKind.SERVICE, True, "not_applicable"),
    ],
)
def test_what_makes_an_old_system_new(kind: ProjectKind, counts: bool, expected: str) -> None:
    """Rebuilding does, running it does not; upgrades as the owner chose."""
    inventory = b.city(
        projects=(b.project(project_kind=kind),), systems=(b.system(built_on=date(2019, 1, 1), is_rebuilt=False),)
    )

    chosen = b.policy(PolicyChoices(upgrade_counts_as_rebuild=counts))

    assert verdict_on(CHECK, inventory, "system/S-1", chosen) == expected


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (b.host("node-1", sightings=(b.sighting("node-1", View.NODE, b.CLUSTER),)), "pass"),
        (b.host("node-1", Place.STANDALONE_PHYSICAL, b.NOBODY,
                sightings=(b.sighting("node-1", View.NODE, b.CLUSTER),)), "fail"),
        (b.host("node-1", Place.UNDETERMINED, b.NOBODY,
                sightings=(b.sighting("node-1", View.NODE, b.CLUSTER),)), "unknown"),
    ],
)  # fmt: skip
def test_a_workload_is_where_its_nodes_are(node: object, expected: str) -> None:
    """A cluster's word that it is the government's proves nothing of the machine under it."""
    pod = b.workload()
    inventory = b.city(hosts=(node,), workloads=(pod,), owners={pod.key: b.owned()})

    assert verdict_on(CHECK, inventory, "system/S-1") == expected


def test_a_pod_on_no_known_node_is_open() -> None:
    pod = b.workload(node=None)
    inventory = b.city(hosts=(), workloads=(pod,), owners={pod.key: b.owned()})

    assert verdict_on(CHECK, inventory, "system/S-1") == "unknown"


def test_components_by_name_with_what_each_is_and_where() -> None:
    """A host, a workload, and what only the register names."""
    pod = b.workload()
    inventory = b.city(
        hosts=(OFF, b.host()), workloads=(pod,), owners={pod.key: b.owned()}, missing_components={"S-1": ("edu-app-9",)}
    )

    found = deployment_of(inventory, b.system())

    assert [(c.name, c.kind, c.where.value) for c in found.components] == [
        ("edu-app-9", "declared", "open"),
        ("edu-db-1", "host", "off"),
        ("edu-web-1", "host", "on"),
        ("edu/web", "workload", "open"),
    ]
    assert [c.name for c in found.of(Where.OPEN)] == ["edu-app-9", "edu/web"]


def test_it_names_the_component_that_is_off_the_cloud() -> None:
    finding = finding_on(CHECK, b.city(hosts=(b.host(), OFF)), "system/S-1")

    assert "1 of 2 component(s) of S-1 run off the government cloud: edu-db-1 (standalone physical server)" in english(
        finding.reason
    )


@pytest.mark.parametrize(("place", "where"), [(Place.CLOUD_INSTANCE, Where.ON), (Place.STANDALONE_PHYSICAL, Where.OFF)])
def test_of_a_workload_whose_place_is_proven_nothing_is_missing(place: Place, where: Where) -> None:
    pod = b.workload()
    node = b.host("node-1", place, b.NOBODY, sightings=(b.sighting("node-1", View.NODE, b.CLUSTER),))
    inventory = b.city(hosts=(node,), workloads=(pod,), owners={pod.key: b.owned()})

    (component,) = deployment_of(inventory, b.system()).components

    assert (component.where, component.missing) == (where, ())
