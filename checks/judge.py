"""All checks over one inventory."""

from collections.abc import Iterable

from checks.catalogue import CATALOGUE
from checks.check import Check, run
from checks.policy import Policy
from inventory.finding import Finding
from inventory.inventory import Inventory


def judge(inventory: Inventory, policy: Policy, checks: Iterable[Check] = CATALOGUE) -> tuple[Finding, ...]:
    """Every finding, in the order of the catalogue and then of the subjects; pure."""
    return tuple(finding for check in checks for finding in run(check, inventory, policy))
