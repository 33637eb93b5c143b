"""15-platform."""

from datetime import date

import builders as b
import pytest
from verdicts import english, finding_on, verdict_on

from checks.platform_protection import CHECK
from inventory.coverage import CellState
from inventory.inventory import Inventory


def changed(**fields: object) -> Inventory:
    return b.city(**fields)


CASES = [
    ("filed and assessed", changed(), "pass"),
    ("only the config has a number", changed(filings=(b.filing(),)), "unknown"),
    ("filed under another name",
     changed(filings=(b.filing(), b.platform_filing(is_platform=False, system="云平台"))), "pass"),
    (
        "no filing seen, ledger cut short",
        changed(filings=(b.filing(),), coverage=b.coverage(b.cell(b.REGISTER, "mlps_filing", CellState.FAILED))),
        "unknown",
    ),
    ("never assessed", changed(assessments=(b.assessment(),)), "fail"),
    ("assessed two years ago", changed(assessments=(b.platform_assessment(reported_on=date(2024, 8, 1),
                                                                           conclusion="良", score=85.0),)), "fail"),
    ("concludes 不符合", changed(assessments=(b.platform_assessment(conclusion="不符合", score=51.0),)), "fail"),
    ("level unknown", changed(filings=(b.platform_filing(level=None),)), "unknown"),
    ("carries a higher level", changed(filings=(b.filing(level=3), b.platform_filing(level=2))), "fail"),
    ("what it carries was not seen",
     changed(coverage=b.coverage(b.cell(b.CLOUD, "host", CellState.FAILED))), "unknown"),
    ("the systems' levels were not seen",
     changed(coverage=b.coverage(b.cell(b.REGISTER, "system", CellState.PARTIAL))), "unknown"),
    ("carries an unknown level",
     changed(systems=(b.system(mlps_level=None),), filings=(b.platform_filing(),)), "unknown"),
    ("carries a level that only the certificate names", changed(systems=(b.system(mlps_level=None),)), "pass"),
    ("carries a system that its certificate grades above the cloud",
     changed(systems=(b.system(mlps_level=None),), filings=(b.filing(), b.platform_filing(level=2))), "fail"),
    ("carries a system that its register and its certificate grade differently",
     changed(systems=(b.system(mlps_level=2),), filings=(b.filing(), b.platform_filing(level=2))), "unknown"),
    ("the config names another number", changed(filings=(b.platform_filing(number="42060000002-00002"),)), "unknown"),
]  # fmt: skip


@pytest.mark.parametrize(("inventory", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_verdict(inventory: Inventory, expected: str) -> None:
    assert verdict_on(CHECK, inventory, "platform/platform") == expected


def test_a_cloud_that_was_never_filed_fails() -> None:
    nameless = b.policy(platform_filing_number=None)

    assert verdict_on(CHECK, changed(filings=(b.filing(),)), "platform/platform", nameless) == "fail"


def test_it_says_which_systems_are_too_high() -> None:
    inventory = changed(filings=(b.filing(level=3), b.platform_filing(level=2)))

    assert "S-1 (3)" in english(finding_on(CHECK, inventory, "platform/platform").reason)


def test_of_two_certificates_of_the_cloud_each_is_evidence_of_the_level_that_it_carries_by() -> None:
    """That it is filed follows from one of them; that its level is high enough, from both: they must not differ."""
    both = (b.platform_filing(), b.platform_filing(number="42060000002-00001"))

    finding = finding_on(CHECK, changed(filings=(b.filing(), *both)), "platform/platform")

    assert finding.verdict.value == "pass"
    assert {f.key for f in both} <= set(finding.evidence)
