"""Runs one check and picks the finding on one subject."""

import builders as b

from checks.check import Check, run
from checks.policy import Policy
from inventory.finding import Finding
from inventory.inventory import Inventory
from inventory.text import Message, tell


def finding_on(check: Check, inventory: Inventory, subject: str, policy: Policy | None = None) -> Finding:
    """The one finding on the subject (`kind/id`)."""
    found = [f for f in run(check, inventory, policy or b.policy()) if f.subject.key == subject]
    assert len(found) == 1, f"{check.id}: {len(found)} findings on {subject}"
    return found[0]


def verdict_on(check: Check, inventory: Inventory, subject: str, policy: Policy | None = None) -> str:
    """Its verdict, as text."""
    return finding_on(check, inventory, subject, policy).verdict.value


def english(message: Message | None) -> str:
    return "" if message is None else tell(message, "en")
