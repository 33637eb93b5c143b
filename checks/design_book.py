"""Declared against actual 申报与实际对照: what a project's technical design book declares, and what runs for it.

Counted is what the sources tell of size, never of load: the flavor and volumes of a cloud instance, the requests of
pods, what an operating system or a list says of any other machine.
"""

import ipaddress
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from checks.check import absence_gaps, distinct, missing_cell
from checks.deployment import component_gaps
from checks.policy import Policy
from checks.project_steps import keeper
from inventory.coverage import CellState
from inventory.hosts import Host, Ownership, OwnershipRule
from inventory.inventory import Inventory
from inventory.records import DesignItem, HostSighting, Project, ProjectKind, Storage, View, Workload
from inventory.text import Message, msg

MILLI = 1000
"""vCPU are counted in thousandths, as Kubernetes does."""

_KEEPING = frozenset({ProjectKind.OPERATION, ProjectKind.CONSULTING, ProjectKind.TESTING})
"""Kinds of projects that keep or look at what another one builds: they bring no machines of their own."""


class Quantity(StrEnum):
    """What is compared."""

    COMPONENTS = "components"
    """组件: machines, and workloads of a cluster, in pieces."""
    VCPUS = "vcpus"
    """vCPU, in thousandths of a core."""
    MEMORY = "memory"
    """内存, in bytes."""
    DISK = "disk"
    """磁盘, in bytes."""
    ADDRESSES = "addresses"
    """IP地址, in pieces."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line of the table: a quantity in base units."""

    quantity: Quantity
    declared: int | None
    """None: the design book does not say."""
    actual: int | None
    """Of everything of the project that was seen; None: something of it does not tell its size."""
    tolerance_percent: int
    missing: tuple[Message, ...] = ()
    """What would settle it; never empty where the actual amount of a declared quantity is not known."""

    @property
    def difference(self) -> int | None:
        """Actual less declared; None where either is not known."""
        return None if self.declared is None or self.actual is None else self.actual - self.declared

    @property
    def is_within(self) -> bool | None:
        """Whether the difference is within the tolerance; None where there is nothing to compare."""
        if self.declared is None or self.actual is None:
            return None
        return abs(self.actual - self.declared) * 100 <= self.declared * self.tolerance_percent


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A project's design book beside what runs for it."""

    project: Project
    items: tuple[DesignItem, ...]
    figures: tuple[Figure, ...]
    """One for each quantity, in the order of `Quantity`."""
    absent_addresses: tuple[str, ...] = ()
    """Declared by name and borne by no machine of the project."""
    doubts: tuple[Message, ...] = ()
    """Why what was seen may not be all that is the project's, or not all its own."""
    missing: tuple[Message, ...] = ()
    """What would settle the doubts; never empty where there are any."""
    is_found: bool = False
    """Whether anything of the project was seen."""
    evidence: tuple[str, ...] = ()


def comparison_of(inventory: Inventory, policy: Policy, project: Project) -> Comparison | None:
    """The comparison; None where no design book speaks of the project."""
    items = tuple(i for i in inventory.design_items if i.project == project.native_id)
    if not items:
        return None
    running = _Running(inventory, project)
    unasked = _unasked(inventory, project, running)
    doubts = [*running.doubts, *unasked]
    percent = policy.choices.design_tolerance_percent
    named = {a for i in items for a in i.addresses}
    absent = sorted((a for a in named if _plain(a) not in running.addresses), key=_sort_key)
    figures = tuple(
        Figure(
            quantity=quantity,
            declared=declared(items, quantity),
            actual=None if missing else sum(amounts),
            tolerance_percent=percent,
            missing=missing,
        )
        for quantity in Quantity
        for amounts, missing in (running.amounts(quantity),)
    )
    return Comparison(
        project=project,
        items=items,
        figures=figures,
        absent_addresses=tuple(absent),
        doubts=distinct(why for why, _ in doubts),
        missing=distinct(what for _, what in doubts),
        is_found=bool(running.hosts or running.workloads),
        evidence=tuple(sorted({project.key, *(i.key for i in items), *running.evidence})),
    )


def comparisons(inventory: Inventory, policy: Policy) -> tuple[Comparison, ...]:
    """Of every project that has a design book, by its code."""
    found = (comparison_of(inventory, policy, p) for p in sorted(inventory.projects, key=lambda p: p.native_id))
    return tuple(c for c in found if c is not None)


def declared(items: Iterable[DesignItem], quantity: Quantity) -> int | None:
    """What the rows of a design book add up to; None where none of them says anything of the quantity."""
    amounts = [a for i in items if (a := _DECLARED[quantity](i)) is not None]
    return sum(amounts) if amounts else None


def _pieces(item: DesignItem) -> int:
    return 1 if item.count is None else item.count


def _components(item: DesignItem) -> int | None:
    """A row that has neither a count nor CPU or memory is storage, addresses or words: no machine."""
    return None if item.count is None and item.vcpus is None and item.memory_bytes is None else _pieces(item)


def _times(field: str, unit: int = 1) -> Callable[[DesignItem], int | None]:
    def total(item: DesignItem) -> int | None:
        size: int | None = getattr(item, field)
        return None if size is None else size * unit * _pieces(item)

    return total


def _addresses(item: DesignItem) -> int | None:
    return max(item.address_count or 0, len(item.addresses)) if item.addresses else item.address_count


_DECLARED: dict[Quantity, Callable[[DesignItem], int | None]] = {
    Quantity.COMPONENTS: _components,
    Quantity.VCPUS: _times("vcpus", MILLI),
    Quantity.MEMORY: _times("memory_bytes"),
    Quantity.DISK: _times("disk_bytes"),
    Quantity.ADDRESSES: _addresses,
}


# ── what runs ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _plain(address: str) -> str:
    return address.partition("/")[0]


def _sort_key(address: str) -> tuple[int, int]:
    parsed = ipaddress.ip_address(_plain(address))
    return parsed.version, int(parsed)


_SIZED_BY = (View.SERVER, View.LISTED, View.NODE, View.OS, View.ASSET)
"""Whose word on a machine's size counts, the best first: what the control plane gives it, then its own."""


class _Running:
    """Everything that was seen of one project."""

    def __init__(self, inventory: Inventory, project: Project) -> None:
        self.inventory = inventory
        self.project = project
        self.systems = inventory.systems_of(project)
        self.codes = {s.native_id for s in self.systems}
        self.doubts: list[tuple[Message, Message]] = []
        """Why it may be otherwise, and what would settle it."""
        self.hosts = tuple(h for h in inventory.hosts if self._is_ours(h.name, h.ownership))
        self.workloads = tuple(
            w
            for w in inventory.workloads
            if (owner := inventory.owners.get(w.key)) and self._is_ours(f"{w.namespace}/{w.name}", owner)
        )
        self._own_nodes = {(s.source, s.name) for h in self.hosts for s in h.seen_by(View.NODE)}
        uids = {(w.source, w.native_id) for w in self.workloads}
        # A workload is what nothing else of the project owns; what is scaled to nothing runs nothing.
        self.components = [w for w in self.workloads if (w.source, w.owner_uid) not in uids and w.replicas != 0]
        self.pods = [
            w
            for w in self.workloads
            if w.workload_kind == "Pod"
            and w.phase not in ("Succeeded", "Failed")
            and (w.source, w.node) not in self._own_nodes
        ]
        self.addresses = {a for h in self.hosts for a in _host_addresses(h)}
        self._attached: dict[tuple[str, str], list[Storage]] = defaultdict(list)
        for volume in inventory.storages:
            for server_id in volume.attached_to:
                self._attached[volume.source, server_id].append(volume)
        claimed = [v for v in inventory.storages if self._is_claimed(v)] if self.pods else []
        attached = [v for h in self.hosts for s in h.seen_by(View.SERVER) for v in self._volumes(s)]
        self.volumes = {v.key: v for v in (*attached, *claimed)}
        for host in self.hosts:
            for conflict in host.conflicts:
                look = msg("a look at {host} itself, by the infrastructure team", host=host.name)
                self.doubts.append((conflict, look))

    def _is_ours(self, name: str, ownership: Ownership) -> bool:
        """Whether it runs for the project: also where that is contested or shared, which is a doubt."""
        strong = [hit for hit in ownership.hits if hit.rule is not OwnershipRule.SIMILARITY]
        # A shared tenant names candidates, not an owner: it contests nothing.
        candidates = set(ownership.systems) | {hit.systems[0] for hit in strong if len(hit.systems) == 1}
        projects = set(ownership.projects) | {p for hit in strong for p in hit.projects}
        if ownership.disagreement is not None:
            if not (candidates & self.codes or self.project.native_id in projects):
                return False
            declaration = msg("a declaration of its owner, by the infrastructure team: {host}", host=name)
            self.doubts.append((msg("{disagreement}", disagreement=ownership.disagreement), declaration))
            return True
        owners = self._owners(ownership)
        if self.project.native_id not in owners:
            return False
        if others := sorted(owners - {self.project.native_id}):
            self.doubts.append(
                (
                    msg("{host} is also of {projects}", host=name, projects=", ".join(others)),
                    msg(
                        "which project's design book {host} stands in: a declaration of its owner that names one "
                        "project, by {department}",
                        host=name,
                        department=keeper(self.project),
                    ),
                )
            )
        return True

    def _owners(self, ownership: Ownership) -> set[str]:
        """Projects for which it runs: those that the strongest rule names, else those that build its systems."""
        hits = (h for h in ownership.hits if h.rule is not OwnershipRule.SIMILARITY and (h.systems or h.projects))
        if (strongest := next(hits, None)) is not None and strongest.projects:
            return set(strongest.projects)
        owners = set(ownership.projects)
        building = {p for p in owners if (row := self.inventory.project(p)) and row.project_kind not in _KEEPING}
        return building or owners

    @property
    def evidence(self) -> set[str]:
        """Keys of all that was counted."""
        return {k for h in self.hosts for k in h.evidence} | {w.key for w in self.workloads} | self.volumes.keys()

    def amounts(self, quantity: Quantity) -> tuple[list[int], tuple[Message, ...]]:
        """What each of them adds, and what is missing where one does not tell."""
        match quantity:
            case Quantity.COMPONENTS:
                return [len(self.hosts) + len(self.components)], ()
            case Quantity.VCPUS:
                return self._sized("vcpus", MILLI, lambda pod: pod.cpu_millicores)
            case Quantity.MEMORY:
                return self._sized("memory_bytes", 1, lambda pod: pod.memory_bytes)
            case Quantity.DISK:
                return self._disks()
            case Quantity.ADDRESSES:
                return [len(self.addresses)], tuple(self._without_addresses())

    def _without_addresses(self) -> Iterator[Message]:
        for host in self.hosts:
            if not _host_addresses(host):
                yield _size_wanted(host.name)
        for pod in self.pods:
            # A pod's address is the cluster's, and changes with every start.
            name = f"{pod.namespace}/{pod.name}"
            yield msg("which addresses the design book means for {workload} in its cluster, by {department}",
                      workload=name, department=keeper(self.project))  # fmt: skip
            return

    def _sized(
        self, field: str, unit: int, of_pod: Callable[[Workload], int | None]
    ) -> tuple[list[int], tuple[Message, ...]]:
        amounts: list[int] = []
        missing: list[Message] = []
        for host in self.hosts:
            size = _size(host, field)
            if size is None:
                missing.append(_size_wanted(host.name))
            else:
                amounts.append(size * unit)
        for pod in self.pods:
            asked = of_pod(pod)
            if asked is None:
                missing.append(
                    msg("requests of CPU and memory in the specification of {workload}, by {department}",
                        workload=f"{pod.namespace}/{pod.name}", department=keeper(self.project))
                )  # fmt: skip
            else:
                amounts.append(asked)
        return amounts, distinct(missing)

    def _disks(self) -> tuple[list[int], tuple[Message, ...]]:
        amounts: list[int] = []
        missing: list[Message] = []
        for host in self.hosts:
            servers = tuple(host.seen_by(View.SERVER))
            missing += [m for s in servers for m in self._unseen_volumes(s)]
            # A server that was made from a volume has no disk of the flavor's size.
            if any(s.image is None for s in servers) and any(v.is_bootable for s in servers for v in self._volumes(s)):
                continue
            size = _size(host, "disk_bytes")
            if size is None:
                missing.append(_size_wanted(host.name))
            else:
                amounts.append(size)
        for volume in self.volumes.values():
            if volume.size_bytes is None:
                missing.append(msg("the size of volume {volume}, by the infrastructure team", volume=volume.name))
            else:
                amounts.append(volume.size_bytes)
        return amounts, distinct(missing)

    def _volumes(self, server: HostSighting) -> list[Storage]:
        return self._attached.get((server.source, server.native_id), [])

    def _unseen_volumes(self, server: HostSighting) -> Iterator[Message]:
        """What keeps the volumes of a server from being known: a cloud without Cinder has none."""
        cells = [r for r in self.inventory.coverage.of("storage") if r.cell.source == server.source]
        if not cells:
            yield msg("the volumes of {source}, by the infrastructure team", source=server.source)
        for cell in cells:
            if not cell.is_complete and cell.state is not CellState.NOT_CONFIGURED:
                yield missing_cell(cell)

    def _is_claimed(self, volume: Storage) -> bool:
        owner = self.inventory.owners.get(volume.key)
        return volume.storage_kind == "persistent_volume" and owner is not None and bool(
            self.codes.intersection(owner.systems) or self.project.native_id in owner.projects
        )  # fmt: skip


def _size(host: Host, field: str) -> int | None:
    for view in _SIZED_BY:
        for sighting in host.seen_by(view):
            size: int | None = getattr(sighting, field)
            if size is not None:
                return size
    return None


def _host_addresses(host: Host) -> set[str]:
    """The addresses that the control plane gives it; those of a machine that has none, without its inner ones."""
    given = {
        _plain(a) for v in (View.SERVER, View.LISTED) for s in host.seen_by(v) for n in s.nics for a in n.addresses
    }
    return given or {a for a in host.addresses if not _is_inner(a)}


def _is_inner(address: str) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return True
    return parsed.is_loopback or parsed.is_link_local


def _size_wanted(name: str) -> Message:
    return msg("the size and addresses of {host}, by the infrastructure team", host=name)


def _unasked(inventory: Inventory, project: Project, running: _Running) -> Iterator[tuple[Message, Message]]:
    """Why further machines of the project may exist: what should have shown them was not seen."""
    why = msg("further components of {code} may not have been seen", code=project.native_id)
    for gap in absence_gaps(inventory.coverage, "system"):
        yield why, gap
    for code in project.systems:
        if inventory.system(code) is None:
            yield (
                msg("{project} names system {code}, which is not in the register of systems",
                    project=project.native_id, code=code),
                msg("the register's row of system {code}, by {department}", code=code, department=keeper(project)),
            )  # fmt: skip
    for system in running.systems:
        for name in inventory.missing_components.get(system.native_id, ()):
            yield (
                msg("the register names {name}; no source showed it", name=name),
                msg(
                    "where {host} of {code} runs: SSH access to it or a corrected register, by {department}",
                    host=name,
                    code=system.native_id,
                    department=keeper(project),
                ),
            )
    for gap in component_gaps(inventory, running.codes, running.evidence):
        yield why, gap
