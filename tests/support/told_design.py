"""What 23-design says, whole: what a technical design book 技术设计书 declares, held against what runs."""

from typing import Any

import builders as b
from told import Case

from inventory.coverage import CellState
from inventory.hosts import Host
from inventory.inventory import Inventory
from inventory.records import Funding

WORDS = b.design_item(count=None, vcpus=None, memory_bytes=None, disk_bytes=None, address_count=None)


def machine(name: str = "edu-web-1", **size: Any) -> Host:
    return b.host(name, sightings=(b.sized(name, **size),))


def city(*items: Any, **given: Any) -> Inventory:
    return b.city(**{"hosts": (machine(),), "design_items": items or (b.design_item(),), **given})


def broken(source: str, kind: str, state: CellState = CellState.PARTIAL) -> Any:
    return b.coverage(b.cell(source, kind, state))


DESIGN: dict[str, Case] = {
    "not paid from public funds": city(projects=(b.project(funding=Funding.NON_FISCAL),)),
    "no design book": b.city(),
    "no design book, the ledger was cut short": b.city(coverage=broken(b.REGISTER, "design_item")),
    "as declared": city(),
    "twice the processors": city(hosts=(machine(vcpus=8),)),
    "an address that no machine has": city(b.design_item(address_count=None, addresses=("10.1.1.9",))),
    "a machine that tells no size": city(hosts=(machine(memory_bytes=None),)),
    "the cloud's listing was cut short": city(coverage=broken(b.CLOUD, "host")),
    "nothing was found": city(hosts=()),
    "nothing was found, nobody's department": city(hosts=(), projects=(b.project(department=None),)),
    "a book of words": city(WORDS),
    "the project names no system, its machine does": city(projects=(b.project(systems=()),), systems=()),
    "the project names a system that the register does not have": city(
        projects=(b.project(systems=("S-404",)),), hosts=()
    ),
}

CASES: dict[str, dict[str, Case]] = {"23-design": DESIGN}
