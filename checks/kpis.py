"""Indicators 指标 with their denominators said aloud, and how much of each is not known."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from checks.applicability import Era, system_age, system_barrier
from checks.policy import Policy
from checks.sharing import MOUNTED, USED, sharing_of
from inventory.finding import Finding, Verdict
from inventory.hosts import Place
from inventory.inventory import Inventory
from inventory.text import Message, msg


@dataclass(frozen=True, slots=True, kw_only=True)
class Kpi:
    """One indicator: `numerator` of `denominator`, of which `unknown` could not be decided and count as not reached."""

    name: str
    """Stable, for metrics: `cloud_migration`, `host_ownership` …"""
    title: Message
    numerator: int
    denominator: int
    unknown: int

    @property
    def ratio(self) -> float | None:
        """Share that is proven, 0-1; None where there is nothing to divide by."""
        return self.numerator / self.denominator if self.denominator else None


def kpis(inventory: Inventory, findings: Iterable[Finding], policy: Policy) -> tuple[Kpi, ...]:
    """All indicators of a scan, in the order in which they are shown; pure."""
    by_check: dict[str, dict[str, Finding]] = {}
    for finding in findings:
        if finding.subject.kind != "coverage":
            by_check.setdefault(finding.check, {})[finding.subject.id] = finding

    def of(check: str) -> Mapping[str, Finding]:
        return by_check.get(check, {})

    return (
        *_migration(inventory, policy, of),
        _host_ownership(inventory),
        *_sharing(inventory, policy),
        _counted("mlps_filing", msg("Systems of level 2 and above with a valid filing"), of("mlps-filing").values()),
        _counted(
            "mlps_assessment", msg("Systems of level 2 and above assessed in time"), of("mlps-assessment").values()
        ),
        _mlps_compliance(of),
        _standalone(of("14-standalone-compute").values()),
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
    return Kpi(
        name="host_ownership",
        title=msg("Hosts that belong to a registered project or system"),
        numerator=sum(h.ownership.is_known for h in hosts),
        denominator=len(hosts),
        unknown=sum(h.ownership.disagreement is not None for h in hosts),
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
