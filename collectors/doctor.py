"""`yunhe doctor`: every source of the config looked at, nothing written anywhere.

Ledgers come first, one after the other: what they mark as classified must be on the do-not-scan list before a live
source is asked, as in a scan. Then all live sources, side by side.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from collectors.collector import Collector
from collectors.diagnosis import Diagnosis, Doctor
from collectors.ledger_doctor import LedgerDoctor
from collectors.sample_doctor import SampleDoctor
from inventory.guard import Guard
from inventory.settings import Settings

WITHHELD = "…"


def diagnose(settings: Settings, *, base: Path, guard: Guard, clock: Callable[[], datetime]) -> list[Diagnosis]:
    """What all doctors say, source by source in the config's order; nothing of the do-not-scan list stands in it.

    Raises:
        ConfigError: an ssh_config cannot be read or understood.
    """
    found: list[Diagnosis] = []
    for ledger in settings.ledger:
        found += LedgerDoctor(ledger, base=base, guard=guard, clock=clock).diagnose()
    live = list(_live(settings, base, guard, clock))
    with ThreadPoolExecutor(max(1, len(live))) as pool:
        for lines in pool.map(lambda doctor: list(doctor.diagnose()), live):
            found += lines
    return [_guarded(line, guard) for line in found]


def _live(settings: Settings, base: Path, guard: Guard, clock: Callable[[], datetime]) -> Iterator[Doctor]:
    """Their clients are imported only where they are used."""
    if settings.openstack:
        from collectors.openstack_doctor import OpenStackDoctor

        for cloud in settings.openstack:
            yield OpenStackDoctor(cloud, base=base, guard=guard, clock=clock)
    if settings.kubernetes:
        from collectors.kubernetes_doctor import KubernetesDoctor

        for cluster in settings.kubernetes:
            yield KubernetesDoctor(cluster, base=base, guard=guard, clock=clock)
    if settings.ssh:
        from collectors.ssh_doctor import SshDoctor

        for group in settings.ssh:
            yield SshDoctor(group, base=base, guard=guard, clock=clock)
    if settings.sweep:
        from collectors.sweep_doctor import SweepDoctor

        for number, entry in enumerate(settings.sweep):
            yield SweepDoctor(entry, before=settings.sweep[:number], zones=settings.zone, guard=guard)
    for collector in _others(settings, base, guard, clock):
        yield SampleDoctor(collector, guard=guard)


def _others(settings: Settings, base: Path, guard: Guard, clock: Callable[[], datetime]) -> Iterator[Collector]:
    """Collectors of sources that have no doctor of their own."""
    if settings.discovery:
        from collectors.discovery_source import discovery_collectors

        for found in settings.discovery:
            yield from discovery_collectors(found, base=base, clock=clock)
    if settings.sharing_api:
        from collectors.sharing_api_source import sharing_api_collectors

        for api in settings.sharing_api:
            yield from sharing_api_collectors(api, base=base, clock=clock, guard=guard)
    if settings.plugin:
        from collectors.plugin_source import plugin_collectors

        for table in settings.plugin:
            yield from plugin_collectors(table, base=base, clock=clock, guard=guard)


def _guarded(line: Diagnosis, guard: Guard) -> Diagnosis:
    return replace(
        line,
        source=WITHHELD if guard.mentions(line.source) else line.source,
        scope=WITHHELD if guard.mentions(line.scope) else line.scope,
        sentence=guard.withheld(line.sentence),
        help=guard.withheld(line.help) if line.help else None,
    )
