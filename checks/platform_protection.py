"""Art. 15: the government cloud itself is graded, filed and assessed."""

from collections.abc import Iterator

from checks.check import Check, Opinion, Step, Strength, absence_gaps, missing_cell
from checks.deployment import MOST_NAMED, Where, deployment_of
from checks.line import Line, combined
from checks.policy import Policy
from checks.protection import (
    Graded,
    assessment_line,
    filing_line,
    graded_platform,
    graded_system,
    level_line,
    number_words,
)
from checks.subjects import platform_subject
from inventory.coverage import CellState
from inventory.finding import Verdict
from inventory.inventory import Inventory
from inventory.records import MlpsFiling
from inventory.text import Message, msg


def judge(inventory: Inventory, policy: Policy) -> Iterator[Opinion]:
    """One opinion, on the cloud."""
    graded = graded_platform(inventory, policy)
    lines = [_filing(inventory, policy, graded), *_mismatched(policy, graded.filings)]
    level = level_line(graded)
    if isinstance(level, Line):
        if graded.filings:
            lines.append(level)
    else:
        lines += [assessment_line(inventory, policy, graded, level), _carries(inventory, graded, level)]
    yield combined(platform_subject(policy), lines, rests_on=number_words(graded.filings))


def _filing(inventory: Inventory, policy: Policy, graded: Graded) -> Line:
    """What the ledger says; where only the config knows a number, somebody has to show the certificate."""
    number = policy.platform_filing_number
    if graded.filings or number is None:
        return filing_line(inventory, policy, graded)
    return Line(
        verdict=Verdict.UNKNOWN,
        reason=msg("the config gives {number} as the number of the cloud, the ledger of filings has no row of it",
                   number=number),
        missing=(msg("the cloud's filing certificate, by the city operations centre"),),
    )  # fmt: skip


def _mismatched(policy: Policy, filings: tuple[MlpsFiling, ...]) -> Iterator[Line]:
    """The config names the cloud's number for telling tenants apart: it must be the one that was filed."""
    expected = policy.platform_filing_number
    numbers = [f.number for f in filings if f.number]
    if expected is None or not numbers or expected.replace("-", "") in {n.replace("-", "") for n in numbers}:
        return
    yield Line(
        verdict=Verdict.UNKNOWN,
        reason=msg(
            "the config gives {expected} as the number of the cloud, the ledger {numbers}",
            expected=expected,
            numbers=", ".join(sorted(numbers)),
        ),
        missing=(msg("the cloud's filing certificate, by the city operations centre"),),
        evidence=tuple(f.key for f in filings),
    )


def _carries(inventory: Inventory, graded: Graded, level: int) -> Line:
    """A cloud carries no system above its own level (GB/T 22239-2019 8.2.2.1)."""
    on_cloud = [s for s in inventory.systems if deployment_of(inventory, s).of(Where.ON)]
    levels = {s.native_id: graded_system(inventory, s).levels for s in on_cloud}
    above = [s for s in on_cloud if min(levels[s.native_id], default=level) > level]
    if above:
        return Line(
            verdict=Verdict.FAIL,
            reason=msg(
                "the cloud is of level {level} and carries systems above it: {systems}",
                level=level,
                systems=", ".join(f"{s.native_id} ({min(levels[s.native_id])})" for s in above),
            ),
            remedy=msg("grade the cloud anew, or move these systems to a part of it that has their level"),
            evidence=tuple(f.key for f in graded.filings) + tuple(s.key for s in above),
        )
    # Without a level, or with a register and a certificate of which only one is below the cloud's.
    ungraded = [s for s in on_cloud if not levels[s.native_id] or max(levels[s.native_id]) > level]
    if ungraded:
        codes = ", ".join(s.native_id for s in ungraded[:MOST_NAMED])
        return Line(
            verdict=Verdict.UNKNOWN,
            reason=msg(
                "whether the cloud's level {level} is high enough is open: the level of {count} system(s) on it is not "
                "settled",
                level=level,
                count=len(ungraded),
            ),
            missing=(msg("the levels of {systems} in the register, by their departments", systems=codes),),
            evidence=tuple(f.key for f in graded.filings),
        )
    if gaps := _carried_gaps(inventory):
        return Line(
            verdict=Verdict.UNKNOWN,
            decided_by=Step.COVERAGE,
            reason=msg("whether the cloud's level {level} is high enough is open: not all that it carries was seen",
                       level=level),
            missing=gaps,
            evidence=tuple(f.key for f in graded.filings),
        )  # fmt: skip
    return Line(
        verdict=Verdict.PASS,
        reason=msg(
            "its level {level} is not below that of any of the {count} system(s) found on it",
            level=level,
            count=len(on_cloud),
        ),
        evidence=tuple(f.key for f in graded.filings),
    )


def _carried_gaps(inventory: Inventory) -> tuple[Message, ...]:
    """Why the cloud may carry systems that are not known to be on it."""
    cells = inventory.coverage.gaps("host", "tenant", "workload", platform_only=True)
    seen = [r for r in cells if r.state is not CellState.NOT_CONFIGURED]
    return absence_gaps(inventory.coverage, "system") + tuple(missing_cell(r) for r in seen[:MOST_NAMED])


CHECK = Check(
    id="15-platform",
    title=msg("The government cloud is filed and assessed for classified protection"),
    articles=("15", "mlps-43", "mlps-1846"),
    clause="15",
    subject_kind="platform",
    strength=Strength.MUST,
    reads=("mlps_filing", "mlps_assessment", "system", "host"),
    judge=judge,
    remedy=msg("the city operations centre files the cloud and has it assessed every year"),
)
