"""密评率: systems whose use of commercial cryptography was assessed, and passed.

GB/T 39786-2021; 商用密码应用安全性评估管理办法 (国家密码管理局令第3号): yearly. The regulation is silent on it, so it
is an indicator and no check.
"""

from datetime import date

from checks.applicability import system_barrier
from checks.check import absence_gaps
from checks.dates import add_months
from checks.kpi import Kpi
from checks.policy import Policy
from inventory.finding import Verdict
from inventory.inventory import Inventory, law_date
from inventory.names import normalise
from inventory.records import CryptoAssessment, System
from inventory.text import msg

PASSED = frozenset({"符合", "基本符合", "通过", "合格"})
REFUSED = frozenset({"不符合", "未通过", "不通过", "不合格"})


def crypto_assessment(inventory: Inventory, policy: Policy) -> Kpi:
    """Passed and in its period / systems in scope of the level; of unknown level too, as unknown."""
    answers = [passed(inventory, policy, s) for s in inventory.systems if _is_reached(inventory, policy, s)]
    return Kpi(
        name="crypto_assessment",
        title=msg("Systems of level 3 and above with a passed assessment of cryptography"),
        numerator=sum(a is True for a in answers),
        denominator=len(answers),
        unknown=sum(a is None for a in answers),
    )


def _is_reached(inventory: Inventory, policy: Policy, system: System) -> bool:
    barrier = system_barrier(inventory, policy, system)
    if barrier is not None and barrier.verdict is Verdict.NOT_APPLICABLE:
        return False
    return system.mlps_level is None or system.mlps_level >= policy.parameters.crypto_lowest_level


def passed(inventory: Inventory, policy: Policy, system: System) -> bool | None:
    """Whether its newest assessment passed and holds; None where that cannot be told.

    A ledger that says nothing of cryptography of anybody says nothing by an empty cell, and a report on nobody that the
    register has may be on this one.
    """
    if system.mlps_level is None:
        return None
    mine = [c for c in inventory.crypto_assessments if c.system == system.native_id]
    if any(c.reported_on is None for c in mine):
        return None
    today = law_date(inventory.as_of)
    newest = max(mine, key=lambda c: (c.reported_on or date.min, c.key), default=None)
    if newest is not None and newest.reported_on is not None:
        if newest.reported_on > today:
            return None
        if today <= add_months(newest.reported_on, policy.parameters.crypto_months):
            return _conclusion(newest)
    is_somebodys = all(c.is_platform or (c.system and inventory.system(c.system)) for c in inventory.crypto_assessments)
    is_whole = not absence_gaps(inventory.coverage, "mlps_assessment")
    return False if is_whole and is_somebodys and inventory.crypto_assessments else None


def _conclusion(report: CryptoAssessment) -> bool | None:
    if report.conclusion is None:
        return None
    word = normalise(report.conclusion)
    return True if word in PASSED else False if word in REFUSED else None
