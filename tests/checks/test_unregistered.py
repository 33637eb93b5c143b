"""14-unregistered."""

import builders as b
import pytest
from verdicts import english, finding_on, verdict_on

from checks.unregistered import CHECK
from inventory.coverage import CellState, Coverage, Rejection
from inventory.hosts import Ownership, OwnershipHit, OwnershipRule, Place
from inventory.records import View
from inventory.settings import PolicyChoices

HOST = "host/id-edu-web-1"
CASES = [
    ("registered", b.owned(), b.coverage(), "pass"),
    ("nobody's", b.NOBODY, b.coverage(), "advisory"),
    ("a department's, of no project", Ownership(department="市教育局"), b.coverage(), "advisory"),
    ("contested", b.CONTESTED, b.coverage(), "unknown"),
    ("nobody's, register cut short", b.NOBODY, b.coverage(b.cell(b.REGISTER, "system", CellState.PARTIAL)), "unknown"),
    ("nobody's, no register", b.NOBODY, b.coverage(without=("project",)), "unknown"),
    ("registered, register cut short", b.owned(), b.coverage(b.cell(b.REGISTER, "system", CellState.PARTIAL)), "pass"),
]


@pytest.mark.parametrize(("owner", "coverage", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_verdict_on_a_host(owner: Ownership, coverage: Coverage, expected: str) -> None:
    inventory = b.inventory(hosts=(b.host(ownership=owner, department=owner.department),), coverage=coverage)

    assert verdict_on(CHECK, inventory, HOST) == expected


def test_the_owner_of_the_policy_may_make_it_fail() -> None:
    inventory = b.inventory(hosts=(b.host(ownership=b.NOBODY),))

    assert verdict_on(CHECK, inventory, HOST, b.policy(PolicyChoices(unregistered_fails=True))) == "fail"


def test_only_what_is_on_the_cloud_is_asked() -> None:
    """The cloud's own machines and what stands elsewhere have other checks."""
    hosts = (b.host("hv-1", Place.CLOUD_INFRASTRUCTURE, b.NOBODY), b.tower())

    with pytest.raises(AssertionError, match="0 findings"):
        verdict_on(CHECK, b.inventory(hosts=hosts), "host/id-hv-1")
    with pytest.raises(AssertionError, match="0 findings"):
        verdict_on(CHECK, b.inventory(hosts=hosts), "host/id-tower-1")


def test_the_nodes_of_the_clouds_own_cluster_are_infrastructure() -> None:
    seen = (b.sighting("node-1"), b.sighting("node-1", View.NODE, b.CLUSTER))
    inventory = b.inventory(hosts=(b.host("node-1", ownership=b.NOBODY, sightings=seen),))

    assert verdict_on(CHECK, inventory, "host/id-node-1") == "not_applicable"


def test_a_tenant_in_use_and_a_volume_are_resources_too() -> None:
    tenant, volume = b.tenant(), b.storage(tenant="t-edu")
    inventory = b.inventory(tenants=(tenant, b.tenant("empty")), storages=(volume,), owners={volume.key: b.owned()})

    assert verdict_on(CHECK, inventory, f"tenant/{b.CLOUD}/t-edu") == "advisory"
    assert verdict_on(CHECK, inventory, f"storage/{b.CLOUD}/vol-1") == "pass"
    with pytest.raises(AssertionError, match="0 findings"):
        verdict_on(CHECK, inventory, f"tenant/{b.CLOUD}/t-empty")


def test_a_rejected_row_of_the_register_spoils_what_its_tenant_holds() -> None:
    """The row that was rejected may be the one that names the owner."""
    seen = (b.sighting(tenant="t-edu"),)
    coverage = b.coverage(rejections=(b.rejection("S-7", "edu"),))
    inventory = b.inventory(
        hosts=(b.host(ownership=b.NOBODY, sightings=seen),), tenants=(b.tenant(),), coverage=coverage
    )

    finding = finding_on(CHECK, inventory, HOST)

    assert finding.verdict.value == "unknown"
    assert "row 7 of 台账.xlsx" in english(finding.missing[0])


@pytest.mark.parametrize("rejected", ["S-7", "P-9"])
def test_a_rejected_row_of_either_code_that_a_declaration_names_may_be_its_owner_s(rejected: str) -> None:
    """The register has neither of the two codes: the row that could not be used may be the one that was meant."""
    declared = OwnershipHit(rule=OwnershipRule.DECLARED, value="edu-web-1 → S-7, P-9")
    owner = Ownership(hits=(declared,))

    def verdict(*rejections: Rejection) -> str:
        coverage = b.coverage(rejections=rejections)
        return verdict_on(CHECK, b.inventory(hosts=(b.host(ownership=owner),), coverage=coverage), HOST)

    assert verdict(b.rejection(rejected)) == "unknown"
    assert verdict(b.rejection("S-8")) == "advisory"


def test_a_rejected_row_of_no_word_says_nothing_of_a_machine_that_was_declared() -> None:
    """The declaration names no code that the register lacks, and empty quotes for a name mean nobody."""
    declared = OwnershipHit(rule=OwnershipRule.DECLARED, value="edu-web-1", systems=("S-1",))
    owner = Ownership(systems=("S-1",), projects=("P-1",), hits=(declared,))
    coverage = b.coverage(rejections=(b.rejection("《》"),))

    assert verdict_on(CHECK, b.city(hosts=(b.host(ownership=owner),), coverage=coverage), HOST) == "pass"
