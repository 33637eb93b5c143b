"""An OpenStack cloud as a source: which cells there are, and who reads each.

Tenants belong to the cloud (scope `*`), everything else to a region. Where neither yunhe.toml nor clouds.yaml names a
region, the scope is `*` for all and every region of the catalogue is read.
"""

import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from collectors.collector import Collector, Said
from collectors.errors import CollectorError, NotConfigured
from collectors.openstack_compute import read_hypervisors, read_servers
from collectors.openstack_connection import OpenStackCloud, OpenStackRegion
from collectors.openstack_identity import Reach, Survey, reach, read_tenants
from collectors.openstack_network import read_floating_addresses, read_ports, read_routers, read_segments
from collectors.openstack_storage import read_volumes
from inventory.coverage import Cell, SourceInfo
from inventory.guard import Guard
from inventory.settings import OpenStackSource, OwnershipRules
from inventory.text import msg

EVERY_REGION = "*"
TENANT_SCOPE = "*"
_READERS: dict[str, Callable[[Survey], Iterator[Said]]] = {
    "tenant": read_tenants,
    "host": read_servers,
    "hypervisor": read_hypervisors,
    "port": read_ports,
    "segment": read_segments,
    "router": read_routers,
    "floating_address": read_floating_addresses,
    "storage": read_volumes,
}
REGION_KINDS = tuple(kind for kind in _READERS if kind != "tenant")


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
        self._reach_lock = threading.Lock()
        self._reach: Reach | None = None

    @property
    def info(self) -> SourceInfo:
        """The source, as captures carry it."""
        return SourceInfo(
            name=self._cloud.name, type="openstack", is_platform=self._source.platform, zone=self._source.zone
        )

    def plan(self) -> Sequence[Cell]:
        """Tenants once, every other kind once per region."""
        regions = self._cloud.configured_regions() or (EVERY_REGION,)
        return [
            Cell(self._cloud.name, TENANT_SCOPE, "tenant"),
            *(Cell(self._cloud.name, region, kind) for region in regions for kind in REGION_KINDS),
        ]

    def read(self, cell: Cell) -> Iterator[Said]:
        """What the cell holds.

        Raises:
            CollectorError: it could not be read to its end.
        """
        if cell.kind == "tenant":
            region = self._cloud.region(next(iter(self._cloud.configured_regions()), None))
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
            )
        )

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
