"""Systems of level 2 and above are filed 等保备案, each under a number of its own."""

from collections.abc import Iterator
from dataclasses import replace

from checks.applicability import system_barrier
from checks.check import Check, Opinion, Strength
from checks.line import Line, combined
from checks.policy import Policy
from checks.protection import filing_line, graded_system, level_line, not_filed_line, number_words
from checks.subjects import system_subject
from inventory.inventory import Inventory
from inventory.text import msg


def judge(inventory: Inventory, policy: Policy) -> Iterator[Opinion]:
    """One opinion for every system of the register."""
    for system in inventory.systems:
        subject = system_subject(inventory, system)
        barrier = system_barrier(inventory, policy, system, needs_funding=False)
        if barrier is not None:
            yield barrier.opinion(subject, (system.key,))
            continue
        graded = graded_system(inventory, system)
        level = level_line(graded)
        if isinstance(level, Line):
            line = level
        else:
            line = not_filed_line(policy, graded, level) or filing_line(inventory, policy, graded)
        yield combined(
            subject, [replace(line, evidence=(*line.evidence, system.key))], rests_on=number_words(graded.filings)
        )


CHECK = Check(
    id="mlps-filing",
    title=msg("Systems are filed for classified protection"),
    articles=("mlps-law", "mlps-43", "mlps-1846"),
    clause="mlps-filing",
    subject_kind="system",
    strength=Strength.MUST,
    reads=("system", "mlps_filing"),
    enumerates=("system",),
    judge=judge,
    remedy=msg("file the system at the public security organ of the prefecture"),
)
