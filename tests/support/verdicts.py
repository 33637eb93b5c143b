"""Runs one check and picks the finding on one subject."""

import builders as b
import msgspec

from checks.check import Check, run
from checks.policy import Policy
from inventory.finding import Finding, Verdict
from inventory.inventory import Inventory
from inventory.text import Message, tell


def finding_on(check: Check, inventory: Inventory, subject: str, policy: Policy | None = None) -> Finding:
    """The one finding on the subject (`kind/id`)."""
    findings = run(check, inventory, policy or b.policy())
    for finding in findings:
        assert_whole(finding)
    found = [f for f in findings if f.subject.key == subject]
    assert len(found) == 1, f"{check.id}: {len(found)} findings on {subject}"
    return found[0]


def assert_whole(finding: Finding) -> None:
    """A finding is what its type says, down to every fact of its sentences, and each sentence can be told."""
    assert msgspec.json.decode(msgspec.json.encode(finding), type=Finding) == finding
    for sentence in (finding.reason, *finding.missing, *([finding.remedy] if finding.remedy else [])):
        for locale in ("zh_CN", "en"):
            told = tell(sentence, locale)
            assert told.strip()
            assert "{" not in told
            assert "None" not in told
    if finding.verdict is Verdict.PASS and finding.check != "28-classified":  # which passes where nothing is found
        assert finding.evidence, f"{finding.key} passes on no evidence"


def verdict_on(check: Check, inventory: Inventory, subject: str, policy: Policy | None = None) -> str:
    """Its verdict, as text."""
    return finding_on(check, inventory, subject, policy).verdict.value


def english(message: Message | None) -> str:
    return "" if message is None else tell(message, "en")
