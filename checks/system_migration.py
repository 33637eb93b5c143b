"""Art. 16: systems already built move to the government cloud 迁移: an effort; only the owner can set a deadline."""

from collections.abc import Iterator

from checks.applicability import Age, Era, recognised_centre, system_gate
from checks.check import Check, Opinion, Step, Strength, absence_gaps
from checks.deployment import Deployment, Where, deployment_of, named
from checks.line import Line, combined
from checks.policy import Policy
from checks.subjects import system_subject
from inventory.finding import Verdict
from inventory.inventory import Inventory, law_date
from inventory.records import System
from inventory.text import Message, msg


def judge(inventory: Inventory, policy: Policy) -> Iterator[Opinion]:
    """One opinion for every system of the register."""
    for system in inventory.systems:
        yield _judge(inventory, policy, system)


def _judge(inventory: Inventory, policy: Policy, system: System) -> Opinion:
    age = system_gate(inventory, policy, system, reaches=Era.LEGACY, elsewhere=_from_the_start)
    if isinstance(age, Opinion):
        return age
    deployment = deployment_of(inventory, system)
    line = _recognised_line(inventory, policy, system, deployment) or _line(inventory, policy, system, deployment)
    return combined(system_subject(inventory, system), [line], rests_on=deployment.rests_on)


def _from_the_start(age: Age) -> Message:
    return msg("new or rebuilt ({age}): it has to be on the cloud from the start, see 16-deployment", age=age.because)


def _recognised_line(inventory: Inventory, policy: Policy, system: System, deployment: Deployment) -> Line | None:
    """That all of it that is not on the cloud stands in a recognised data centre, where the rule knows recognition."""
    elsewhere = (*deployment.of(Where.OFF), *deployment.of(Where.OPEN))
    today = law_date(inventory.as_of)
    hosts = [c.host for c in elsewhere if c.host is not None]
    centres = [centre for host in hosts if (centre := recognised_centre(policy, host, today))]
    if not elsewhere or len(centres) < len(elsewhere):
        return None
    evidence = (*deployment.evidence, system.key)
    said = msg(
        "what is not on the cloud stands in a recognised data centre: {centres}",
        centres=", ".join(sorted({f"{c.name} ({c.document})" for c in centres})),
    )
    if deployment.gaps:
        return Line(
            verdict=Verdict.UNKNOWN,
            decided_by=Step.COVERAGE,
            reason=msg("{said}; but further components may not have been seen", said=said),
            missing=deployment.gaps,
            evidence=evidence,
        )
    return Line(verdict=Verdict.NOT_APPLICABLE, decided_by=Step.EXEMPTION, reason=said, evidence=evidence)


def _line(inventory: Inventory, policy: Policy, system: System, deployment: Deployment) -> Line:
    evidence = (*deployment.evidence, system.key)
    off, on = deployment.of(Where.OFF), deployment.of(Where.ON)
    if not off and not on and _is_said_to_have_moved(inventory, system):
        return _only_on_paper(system, deployment, evidence)
    if not off:
        return Line(
            verdict=deployment.verdict,
            reason=deployment.reason,
            missing=deployment.missing if deployment.verdict is Verdict.UNKNOWN else (),
            evidence=evidence,
        )
    today = law_date(inventory.as_of)
    deadline = policy.legacy_deadline
    if deadline is not None and today > deadline:
        return Line(
            verdict=Verdict.FAIL,
            reason=msg("{deployment}; the deadline set for legacy systems, {deadline}, is past",
                       deployment=deployment.reason, deadline=deadline.isoformat()),
            evidence=evidence,
        )  # fmt: skip
    if _is_said_to_have_moved(inventory, system):
        return _after_cutover(system, deployment, evidence)
    return Line(
        verdict=Verdict.ADVISORY,
        reason=msg("{deployment}; {plan}", deployment=deployment.reason, plan=_plan(inventory, system)),
        missing=_unread_plan(inventory, system),
        remedy=_plan_remedy(inventory, system, is_started=bool(on)),
        evidence=evidence,
        from_absence=system.migration_plan_cutover_on is None,
    )


def _is_said_to_have_moved(inventory: Inventory, system: System) -> bool:
    """By its date of cut-over, or by its status 已上云 without one."""
    if system.migrated_on is not None:
        return system.migrated_on <= law_date(inventory.as_of)
    return system.is_said_migrated is True


def _when(system: System) -> Message | str:
    return system.migrated_on.isoformat() if system.migrated_on else msg("an unknown day")


def _only_on_paper(system: System, deployment: Deployment, evidence: tuple[str, ...]) -> Line:
    """Cut over by the register, and no source shows it on the cloud: one of them is wrong, or the view is not whole."""
    return Line(
        verdict=Verdict.UNKNOWN,
        reason=msg(
            "the register says that {code} was cut over on {date}, but nothing of it was found on the cloud: "
            "{deployment}",
            code=system.native_id,
            date=_when(system),
            deployment=deployment.reason,
        ),
        missing=deployment.missing,
        remedy=msg("finish the migration, or correct its date in the register"),
        evidence=evidence,
    )  # fmt: skip


def _unread_plan(inventory: Inventory, system: System) -> tuple[Message, ...]:
    """Where the migration ledger was read in part, that no date was seen does not say that there is none."""
    if system.migration_plan_cutover_on is not None or not inventory.coverage.gaps("migration"):
        return ()
    return absence_gaps(inventory.coverage, "migration")


def _after_cutover(system: System, deployment: Deployment, evidence: tuple[str, ...]) -> Line:
    """The register says that it has moved, and something still answers where it stood."""
    since = _when(system)
    off = list(named(deployment.of(Where.OFF)))
    if deployment.of(Where.ON):
        return Line(
            verdict=Verdict.ADVISORY,
            reason=msg(
                "running twice: cut over on {date}, but its old server has not been taken out of service: {old} "
                "(disposal by the register: {disposal})",
                date=since,
                old=off,
                disposal=system.old_server_disposal or "-",
            ),
            remedy=msg("take the old server out of service, hand it over or scrap it, and enter that in the register"),
            evidence=evidence,
        )
    return Line(
        verdict=Verdict.ADVISORY,
        reason=msg(
            "the register says that {code} was cut over on {date}, but it was found off the cloud only: {old}",
            code=system.native_id,
            date=since,
            old=off,
        ),
        remedy=msg("finish the migration, or correct its date in the register"),
        evidence=evidence,
    )


def _plan(inventory: Inventory, system: System) -> Message:
    cutover = system.migration_plan_cutover_on
    if cutover is None and _unread_plan(inventory, system):
        return msg("no planned date of cut-over was seen, in a ledger that is not complete")
    if cutover is None:
        return msg("no planned date of cut-over is in the register")
    if cutover < law_date(inventory.as_of):
        return msg("its planned cut-over of {date} is past", date=cutover.isoformat())
    return msg("its cut-over is planned for {date}", date=cutover.isoformat())


def _plan_remedy(inventory: Inventory, system: System, *, is_started: bool) -> Message:
    cutover = system.migration_plan_cutover_on
    if cutover is None:
        return msg("its department plans the migration and enters its dates in the register")
    if cutover < law_date(inventory.as_of):
        return msg("its department finishes the migration or plans it anew")
    return msg("move the remaining components as planned") if is_started else msg("migrate as planned")


CHECK = Check(
    id="16-migration",
    title=msg("Systems already built move to the government cloud"),
    articles=("16",),
    clause="16-c",
    subject_kind="system",
    strength=Strength.EFFORT,
    reads=("system", "migration", "project", "host", "tenant", "workload", "third_party", "ownership", "segment"),
    enumerates=("system",),
    judge=judge,
    remedy=msg("move the system to the government cloud"),
)
