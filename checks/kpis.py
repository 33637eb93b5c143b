"""Indicators 指标 with their denominators said aloud, and how much of each is not known."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from checks.applicability import Era, system_age, system_barrier
from checks.crypto import crypto_assessment
from checks.freshness import LEDGER, ledger_freshness, shared_data_freshness, source_freshness
from checks.kpi import Kpi
from checks.policy import Policy
from checks.rectification import finding_rectification, risk_rectification
from checks.sharing import MOUNTED, USED, sharing_of
from checks.unregistered import register_gaps
from inventory.breaches import Breach
from inventory.coverage import CellResult, CellState, Coverage
from inventory.finding import Finding, Verdict
from inventory.hosts import Place
from inventory.inventory import Inventory, law_date
from inventory.records import SharingType
from inventory.text import Message, msg


def kpis(
    inventory: Inventory, findings: Iterable[Finding], policy: Policy, breaches: Iterable[Breach] = ()
) -> tuple[Kpi, ...]:
    """All indicators of a scan, in the order in which they are shown; pure.

    `breaches`: what failed in this scan or before it, where history was kept.
    """
    by_check: dict[str, dict[str, Finding]] = {}
    for finding in findings:
        if finding.subject.kind != "coverage":
            by_check.setdefault(finding.check, {})[finding.subject.id] = finding

    def of(check: str) -> Mapping[str, Finding]:
        return by_check.get(check, {})

    every = (
        *_migration(inventory, policy, of),
        _host_ownership(inventory),
        *_sharing(inventory, policy),
        _mounting(inventory),
        _answers(inventory, policy),
        _counted("mlps_filing", msg("Systems of level 2 and above with a valid filing"), of("mlps-filing").values()),
        _counted(
            "mlps_assessment", msg("Systems of level 2 and above assessed in time"), of("mlps-assessment").values()
        ),
        _mlps_compliance(of),
        crypto_assessment(inventory, policy),
        risk_rectification(inventory),
        finding_rectification(breaches),
        _standalone(of("14-standalone-compute").values()),
        source_freshness(inventory, policy),
        ledger_freshness(inventory, policy),
        shared_data_freshness(inventory, policy),
    )
    return tuple(_with_coverage(kpi, inventory.coverage) for kpi in every)


_READS: Mapping[str, tuple[str, ...]] = {
    "cloud_migration": ("system", "project", "host", "tenant", "workload", "third_party"),
    "cloud_migration_new": ("system", "project", "host", "tenant", "workload", "third_party"),
    "cloud_migration_legacy": ("system", "project", "host", "tenant", "workload", "third_party"),
    "host_ownership": ("host", "tenant", "project", "system", "ownership"),
    "sharing": ("system", "sharing_entry"),
    "effective_sharing": ("system", "sharing_entry", "sharing_use"),
    "catalogue_mounting": ("sharing_entry",),
    "sharing_answers": ("sharing_entry",),
    "mlps_filing": ("system", "mlps_filing"),
    "mlps_assessment": ("system", "mlps_assessment"),
    "mlps_compliance": ("system", "mlps_filing", "mlps_assessment"),
    "crypto_assessment": ("system", "mlps_assessment"),
    "risk_rectification": ("mlps_assessment",),
    "shared_data_freshness": ("sharing_entry", "sharing_use"),
    "standalone_servers": ("host", "port", "hypervisor", "third_party"),
}
"""Kinds of records that an indicator rests on; those that are not here are about the whole scan, and rest on all."""


def _with_coverage(kpi: Kpi, coverage: Coverage) -> Kpi:
    cells = coverage.of(*_READS[kpi.name]) if kpi.name in _READS else _cells_of(kpi.name, coverage)
    cells = tuple(r for r in cells if not r.is_excluded)
    planned = [r for r in cells if r.state is not CellState.NOT_CONFIGURED]
    return replace(kpi, complete_cells=sum(r.is_complete for r in planned), planned_cells=len(planned))


def _cells_of(name: str, coverage: Coverage) -> tuple[CellResult, ...]:
    """Of freshness the cells of the sources that it speaks of; of our own findings, all."""
    ledgers = {s.name for s in coverage.sources if s.type == LEDGER}
    match name:
        case "ledger_freshness":
            return tuple(r for r in coverage.results if r.cell.source in ledgers)
        case "source_freshness":
            return tuple(r for r in coverage.results if r.cell.source not in ledgers)
        case _:
            return coverage.results


def _mounting(inventory: Inventory) -> Kpi:
    """目录挂接率: published entries of providers to which a resource is mounted; of unknown date too, as unknown.

    Where nobody's entry has a resource, the catalogue does not say what is mounted.
    """
    today = law_date(inventory.as_of)
    entries = [e for e in inventory.sharing_entries if e.direction != "consume" and e.sharing_type is not
               SharingType.NONE and (e.published_on is None or e.published_on <= today)]  # fmt: skip
    is_told = any(e.resource_id is not None for e in entries)
    return Kpi(
        name="catalogue_mounting",
        title=msg("Published catalogue entries with a mounted resource"),
        numerator=sum(e.resource_id is not None and e.published_on is not None for e in entries),
        denominator=len(entries),
        unknown=sum(e.published_on is None or not is_told for e in entries),
    )


ANSWER_WORKING_DAYS = {SharingType.UNCONDITIONAL: 1, SharingType.CONDITIONAL: 10}
"""政务数据共享条例 Art. 21: in how many working days a provider answers an application."""


def _answers(inventory: Inventory, policy: Policy) -> Kpi:
    """供需答复及时率: applications that were answered within the ordinance's days; what still runs is not counted."""
    today = law_date(inventory.as_of)
    in_time = late = unknown = 0
    for entry in inventory.sharing_entries:
        if entry.direction != "consume" or entry.applied_on is None or entry.applied_on > today:
            continue
        days = ANSWER_WORKING_DAYS.get(entry.sharing_type) if entry.sharing_type is not None else None
        if days is None:
            unknown += entry.sharing_type is None
            continue
        due = policy.calendar.after(entry.applied_on, days)
        answered = entry.approved_on or (today if today > due.latest else None)
        if answered is None:
            unknown += today > due.day
        elif answered <= due.earliest:
            in_time += 1
        elif answered > due.latest:
            late += 1
        else:
            unknown += 1
    return Kpi(
        name="sharing_answers",
        title=msg("Applications for data that were answered in time"),
        numerator=in_time,
        denominator=in_time + late + unknown,
        unknown=unknown,
    )


def _counted(name: str, title: Message, findings: Iterable[Finding]) -> Kpi:
    """Passes among those that the check reaches."""
    reached = [f for f in findings if f.verdict is not Verdict.NOT_APPLICABLE]
    return Kpi(
        name=name,
        title=title,
        numerator=sum(f.verdict is Verdict.PASS for f in reached),
        denominator=len(reached),
        unknown=sum(f.verdict is Verdict.UNKNOWN for f in reached),
    )


def _migration(
    inventory: Inventory, policy: Policy, of: Callable[[str], Mapping[str, Finding]]
) -> tuple[Kpi, Kpi, Kpi]:
    """上云率: systems in scope that are proven on the cloud, all and by era; of unknown era: in the first only."""
    new, legacy, undated = [], [], []
    for system in inventory.systems:
        if (barrier := system_barrier(inventory, policy, system)) and barrier.verdict is Verdict.NOT_APPLICABLE:
            continue
        deployed, moved = of("16-deployment").get(system.native_id), of("16-migration").get(system.native_id)
        era = system_age(inventory, policy, system).era
        if era is Era.NEW and deployed is not None:
            new.append(deployed)
        elif era is Era.LEGACY and moved is not None:
            legacy.append(moved)
        elif deployed is not None:
            undated.append(deployed)
    return (
        _counted("cloud_migration", msg("Systems on the government cloud"), [*new, *legacy, *undated]),
        _counted("cloud_migration_new", msg("New and rebuilt systems on the government cloud"), new),
        _counted(
            "cloud_migration_legacy", msg("Systems already built that have moved to the government cloud"), legacy
        ),
    )


def _host_ownership(inventory: Inventory) -> Kpi:
    """主机归属率: hosts of a registered system or project among all but the cloud's own infrastructure."""
    hosts = [h for h in inventory.hosts if h.placement.place is not Place.CLOUD_INFRASTRUCTURE]
    # Whose a host is may stand in what was not read: a register, the list of the cloud's tenants.
    is_whole = not register_gaps(inventory)
    return Kpi(
        name="host_ownership",
        title=msg("Hosts that belong to a registered project or system"),
        numerator=sum(h.ownership.is_known for h in hosts),
        denominator=len(hosts),
        unknown=sum(h.ownership.disagreement is not None or not (is_whole or h.ownership.is_known) for h in hosts),
    )


def _sharing(inventory: Inventory, policy: Policy) -> tuple[Kpi, Kpi]:
    """共享接入率 and 有效共享率: rungs L3 and L5 among systems in scope that have data to share."""
    reached = [s for s in inventory.systems if not ((b := system_barrier(inventory, policy, s)) and b.verdict is
               Verdict.NOT_APPLICABLE)]  # fmt: skip
    states = [state for s in reached if (state := sharing_of(inventory, policy, s)).exempt is None]

    def counted(name: str, title: Message, level: int) -> Kpi:
        return Kpi(
            name=name,
            title=title,
            numerator=sum(s.level >= level for s in states),
            denominator=len(states),
            unknown=sum(s.level < level and bool(s.missing) for s in states),
        )

    return (
        counted("sharing", msg("Systems joined to the sharing platform (L3)"), MOUNTED),
        counted("effective_sharing", msg("Systems whose shared data is used (L5)"), USED),
    )


def _mlps_compliance(of: Callable[[str], Mapping[str, Finding]]) -> Kpi:
    """等保合规率: systems of level 2 and above that are both filed and assessed as they should be."""
    filed, assessed = of("mlps-filing"), of("mlps-assessment")
    reached = [code for code, f in filed.items() if f.verdict is not Verdict.NOT_APPLICABLE and code in assessed]
    both = {code: (filed[code].verdict, assessed[code].verdict) for code in reached}
    return Kpi(
        name="mlps_compliance",
        title=msg("Systems of level 2 and above, filed and assessed with an acceptable conclusion"),
        numerator=sum(set(v) == {Verdict.PASS} for v in both.values()),
        denominator=len(both),
        unknown=sum(Verdict.UNKNOWN in v and Verdict.FAIL not in v for v in both.values()),
    )


def _standalone(findings: Iterable[Finding]) -> Kpi:
    """独立服务器数: hosts that do not meet Art. 14 (numerator) among all hosts judged; unknown: candidates."""
    every = list(findings)
    return Kpi(
        name="standalone_servers",
        title=msg("Standalone servers that do not meet Art. 14"),
        numerator=sum(f.verdict is Verdict.FAIL for f in every),
        denominator=len(every),
        unknown=sum(f.verdict is Verdict.UNKNOWN for f in every),
    )
