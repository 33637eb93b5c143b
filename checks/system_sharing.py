"""Art. 16: systems already built join the city's sharing platform as soon as possible 尽快接入."""

from collections.abc import Iterator

from checks.applicability import Age, Era, system_gate
from checks.check import Check, Opinion, Strength
from checks.policy import Policy
from checks.sharing import sharing_of
from checks.subjects import system_subject
from inventory.finding import Verdict
from inventory.inventory import Inventory
from inventory.records import System
from inventory.text import Message, msg


def judge(inventory: Inventory, policy: Policy) -> Iterator[Opinion]:
    """One opinion for every system of the register."""
    for system in inventory.systems:
        yield _judge(inventory, policy, system)


def _judge(inventory: Inventory, policy: Policy, system: System) -> Opinion:
    age = system_gate(inventory, policy, system, reaches=Era.LEGACY, elsewhere=_at_acceptance)
    if isinstance(age, Opinion):
        return age
    sharing = sharing_of(inventory, policy, system)
    missing: tuple[Message, ...] = ()
    if sharing.exempt is not None:
        verdict = Verdict.NOT_APPLICABLE
    elif sharing.level >= policy.parameters.joined_level:
        verdict = Verdict.PASS
    elif sharing.missing:
        verdict, missing = Verdict.UNKNOWN, sharing.missing
    else:
        verdict = Verdict.ADVISORY
    return Opinion(
        subject=system_subject(inventory, system),
        verdict=verdict,
        reason=sharing.reason,
        missing=missing,
        evidence=(system.key, *sharing.evidence),
        rests_on=sharing.names,
        from_absence=verdict is not Verdict.PASS,
    )


def _at_acceptance(age: Age) -> Message:
    return msg("new or rebuilt ({age}): its sharing is asked at acceptance, see 23.7-sharing", age=age.because)


CHECK = Check(
    id="16-sharing",
    title=msg("Systems already built join the sharing platform"),
    articles=("16",),
    clause="16-e",
    subject_kind="system",
    strength=Strength.EFFORT,
    reads=("system", "project", "sharing_entry", "sharing_use"),
    enumerates=("system",),
    judge=judge,
    remedy=msg("catalogue the system's data and mount a resource on the sharing platform"),
)
