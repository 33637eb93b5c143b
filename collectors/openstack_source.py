"""An OpenStack cloud as a source: which cells there are, and who reads each.

Domains, tenants and roles belong to the cloud (scope `*`), everything else to a region. Where neither yunhe.toml nor
clouds.yaml names a region, the scope is `*` for all and every region of the catalogue is read.
"""

import threading
import weakref
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from collectors.collector import Collector, Said
from collectors.errors import CollectorError, NotConfigured
from collectors.openstack_answers import SharedAnswers
from collectors.openstack_compute import read_hypervisors, read_servers
from collectors.openstack_connection import OpenStackCloud, OpenStackRegion
from collectors.openstack_exposure import read_load_balancers, read_security_groups
from collectors.openstack_identity import (
    Reach,
    Survey,
    reach,
    read_domains,
    read_role_assignments,
    read_tenants,
)
from collectors.openstack_network import read_floating_addresses, read_ports, read_routers, read_segments
from collectors.openstack_platform import read_aggregates, read_bare_metal_nodes, read_services
from collectors.openstack_quota import Amounts, read_quotas
from collectors.openstack_storage import read_snapshots, read_volumes
from collectors.openstack_templates import read_flavors, read_images, read_server_groups
from inventory.coverage import Cell, SourceInfo
from inventory.guard import Guard
from inventory.settings import OpenStackSource, OwnershipRules
from inventory.text import msg

EVERY_REGION = "*"
CLOUD_SCOPE = "*"
_READERS: dict[str, Callable[[Survey], Iterator[Said]]] = {
    "tenant": read_tenants,
    "domain": read_domains,
    "role_assignment": read_role_assignments,
    # These two ask Nova what it counts in each project: side by side, they ask once.
    "host": read_servers,
    "quota": read_quotas,
    "hypervisor": read_hypervisors,
    "port": read_ports,
    "segment": read_segments,
    "router": read_routers,
    "floating_address": read_floating_addresses,
    "storage": read_volumes,
    "snapshot": read_snapshots,
    "security_group": read_security_groups,
    "load_balancer": read_load_balancers,
    "flavor": read_flavors,
    "image": read_images,
    "server_group": read_server_groups,
    "service": read_services,
    "aggregate": read_aggregates,
    "bare_metal_node": read_bare_metal_nodes,
}
CLOUD_KINDS = ("tenant", "domain", "role_assignment")
"""What Keystone keeps for all regions."""
REGION_KINDS = tuple(kind for kind in _READERS if kind not in CLOUD_KINDS)


class OpenStackCollector:
    """Reads one cloud of clouds.yaml."""

    parallel = 4
    """Cells at once: they ask different services."""

    def __init__(
        self,
        source: OpenStackSource,
        *,
        base: Path,
        clock: Callable[[], datetime],
        label_keys: Collection[str],
        guard: Guard | None,
    ) -> None:
        self._source = source
        self._label_keys = label_keys
        self._clock = clock
        self._cloud = OpenStackCloud(source, base=base, guard=guard)
        # Nobody tells a collector that its run is over; left to themselves, its connections would stay open for long.
        weakref.finalize(self, self._cloud.close)
        self._reach_lock = threading.Lock()
        self._reach: Reach | None = None
        self._nova_quotas: dict[str | None, SharedAnswers[str, Amounts]] = {}

    @property
    def info(self) -> SourceInfo:
        """The source, as captures carry it."""
        return SourceInfo(
            name=self._cloud.name, type="openstack", is_platform=self._source.platform, zone=self._source.zone
        )

    def plan(self) -> Sequence[Cell]:
        """What Keystone keeps once, every other kind once per region."""
        regions = self._cloud.configured_regions() or (EVERY_REGION,)
        return [
            *(Cell(self._cloud.name, CLOUD_SCOPE, kind) for kind in CLOUD_KINDS),
            *(Cell(self._cloud.name, region, kind) for region in regions for kind in REGION_KINDS),
        ]

    def read(self, cell: Cell) -> Iterator[Said]:
        """What the cell holds.

        Raises:
            CollectorError: it could not be read to its end.
        """
        if cell.kind in CLOUD_KINDS:
            region = self._cloud.region(next(iter(self._cloud.configured_regions()), None))
            region.check_name()  # or Keystone, asked in that region, would seem to be broken
            yield from self._read_region(cell.kind, region)
        elif cell.scope == EVERY_REGION:
            yield from self._read_every_region(cell.kind)
        else:
            yield from self._read_region(cell.kind, self._cloud.region(cell.scope))

    def _read_every_region(self, kind: str) -> Iterator[Said]:
        """A region that fails does not keep the others from being read; the first failure is said at the end."""
        failures: list[CollectorError] = []
        names = self._cloud.regions()
        if not names:
            raise NotConfigured(
                msg(
                    "{source}: the service catalogue has no region with a service that is read", source=self._cloud.name
                )
            )
        for name in names:
            try:
                yield from self._read_region(kind, self._cloud.region(name))
            except CollectorError as error:
                failures.append(error)
        real = [f for f in failures if not isinstance(f, NotConfigured)]
        if real or len(failures) == len(names):
            raise (real or failures)[0]

    def _read_region(self, kind: str, region: OpenStackRegion) -> Iterator[Said]:
        return _READERS[kind](
            Survey(
                region=region,
                reach=self._reach_of(region),
                zone=self._source.zone,
                is_platform=self._source.platform,
                page_size=self._source.page_size,
                now=self._clock(),
                label_keys=self._label_keys,
                nova_quotas=self._nova_quotas_of(region),
            )
        )

    def _nova_quotas_of(self, region: OpenStackRegion) -> SharedAnswers[str, Amounts]:
        with self._reach_lock:
            return self._nova_quotas.setdefault(region.name, SharedAnswers())

    def _reach_of(self, region: OpenStackRegion) -> Reach:
        """Keystone is asked once a scan what projects there are."""
        with self._reach_lock:
            if self._reach is None:
                self._reach = reach(region)
            return self._reach


def openstack_collectors(
    source: OpenStackSource,
    *,
    base: Path,
    clock: Callable[[], datetime],
    label_keys: Collection[str] = OwnershipRules().label_keys,
    guard: Guard | None = None,
) -> list[Collector]:
    """The collectors of one `[[openstack]]` of the config; paths in it are relative to `base`.

    `label_keys`: keys of metadata that may name a system or project; no other metadata is kept. `guard` is asked before
    the name of Keystone, or of any host of its catalogue, is resolved.
    """
    return [OpenStackCollector(source, base=base, clock=clock, label_keys=label_keys, guard=guard)]
