"""23.7-deployment and 23-acceptance."""

from datetime import date

import builders as b
import pytest
from verdicts import english, finding_on, verdict_on

from checks import project_acceptance, project_deployment
from inventory.coverage import CellState
from inventory.hosts import Place
from inventory.inventory import Inventory
from inventory.records import Funding
from inventory.settings import PolicyChoices

OFF = b.host("edu-db-1", Place.STANDALONE_PHYSICAL)
DEPLOYMENT = [
    ("on the cloud", b.city(), "pass"),
    ("one component off it", b.city(hosts=(b.host(), OFF)), "fail"),
    ("one component open", b.city(hosts=(b.host(), b.host("x", Place.UNDETERMINED))), "unknown"),
    ("a second system found nowhere",
     b.city(projects=(b.project(systems=("S-1", "S-2")),), systems=(b.system(), b.system("S-2"))), "unknown"),
    ("a legacy system of a project accepted now",
     b.city(projects=(b.legacy_project(final_acceptance_on=date(2025, 1, 1)),)), "pass"),
    ("non-fiscal", b.city(projects=(b.project(funding=Funding.NON_FISCAL),)), "not_applicable"),
    ("half a listing", b.city(coverage=b.coverage(b.cell(b.CLOUD, "host", CellState.FAILED))), "unknown"),
]  # fmt: skip


@pytest.mark.parametrize(("inventory", "expected"), [c[1:] for c in DEPLOYMENT], ids=[c[0] for c in DEPLOYMENT])
def test_deployment(inventory: Inventory, expected: str) -> None:
    assert verdict_on(project_deployment.CHECK, inventory, "project/P-1") == expected


ACCEPTANCE = [
    ("everything", b.city(), "pass"),
    ("off the cloud", b.city(hosts=(OFF,)), "fail"),
    ("not shared", b.city(sharing_uses=()), "fail"),
    ("not filed", b.city(filings=(b.platform_filing(),)), "fail"),
    ("sharing open, off the cloud", b.city(hosts=(OFF,), sharing_entries=(b.entry(published_on=None),)), "fail"),
    ("deployment open", b.city(hosts=()), "unknown"),
    ("lawfully no data",
     b.city(systems=(b.system(no_data_statement="1号"),), sharing_entries=(), sharing_uses=()), "pass"),
    ("consulting", b.city(projects=(b.project(project_kind="consulting"),)), "not_applicable"),
]  # fmt: skip


@pytest.mark.parametrize(("inventory", "expected"), [c[1:] for c in ACCEPTANCE], ids=[c[0] for c in ACCEPTANCE])
def test_acceptance(inventory: Inventory, expected: str) -> None:
    assert verdict_on(project_acceptance.CHECK, inventory, "project/P-1") == expected


def test_each_line_has_its_own_basis() -> None:
    """Art. 23(7) does not mention classified protection: a missing filing is no breach of it."""
    unfiled = b.city(filings=(b.platform_filing(),))

    finding = finding_on(project_acceptance.CHECK, unfiled, "project/P-1")

    assert "23(7)" not in finding.articles
    assert {"23(1)", "mlps-43"} <= set(finding.articles)
    assert "公通字〔2007〕43号" in english(finding.reason)


def test_the_policy_may_leave_protection_out() -> None:
    chosen = b.policy(PolicyChoices(acceptance_needs_mlps=False))

    assert verdict_on(project_acceptance.CHECK, b.city(filings=(), assessments=()), "project/P-1", chosen) == "pass"


def test_it_is_never_better_than_its_halves() -> None:
    """What a rejected row makes unknown in a half stays unknown in the whole."""
    inventory = b.city(coverage=b.coverage(rejections=(b.rejection("S-1"),)))

    assert verdict_on(project_deployment.CHECK, inventory, "project/P-1") == "unknown"
    assert verdict_on(project_acceptance.CHECK, inventory, "project/P-1") == "unknown"


def test_the_owner_may_ask_for_the_trial_run_and_the_reports_too() -> None:
    """Each line under its own item: a trial run that is too short is no breach of 23(7)."""
    short = b.project(
        initial_acceptance_on=date(2026, 9, 1), trial_start_on=date(2026, 9, 3), trial_end_on=date(2026, 9, 9),
        is_platform_project=False, collects_data=False,
    )  # fmt: skip
    asked = b.policy(PolicyChoices(acceptance_needs_trial_run=True))

    plain = finding_on(project_acceptance.CHECK, b.city(projects=(short,)), "project/P-1")
    finding = finding_on(project_acceptance.CHECK, b.city(projects=(short,)), "project/P-1", asked)

    assert plain.verdict.value == "pass"
    assert (finding.verdict.value, finding.articles) == ("fail", ("23(2)",))
