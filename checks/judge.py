"""All checks over one inventory."""

from collections.abc import Iterable

from checks.catalogue import CATALOGUE
from checks.check import Check, run
from checks.policy import Policy
from checks.waivers import disposed
from inventory.finding import Finding
from inventory.inventory import Inventory, law_date


def judge(inventory: Inventory, policy: Policy, checks: Iterable[Check] = CATALOGUE) -> tuple[Finding, ...]:
    """Every finding, by the order of the catalogue, then of the subjects, with the waiver that speaks of it; pure."""
    findings = (finding for check in checks for finding in run(check, inventory, policy))
    return disposed(findings, policy, law_date(inventory.as_of))
