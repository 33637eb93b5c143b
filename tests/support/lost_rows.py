"""Rows of ledgers that could not be used, as a collection says it."""

from collections.abc import Sequence
from dataclasses import replace

import msgspec

from checks.check import ROWS_REJECTED
from inventory.collection import Collection
from inventory.coverage import CellState, Rejection
from inventory.records import (
    DesignItem,
    HostSighting,
    MlpsAssessment,
    MlpsFiling,
    OwnershipDeclaration,
    Project,
    Record,
    Segment,
    SharingEntry,
    SharingUse,
    System,
    ThirdPartyResource,
    View,
)
from inventory.text import msg


def kind_of(record: Record) -> tuple[str, str]:
    """The cell's source and kind that a record was read in."""
    is_hypervisor = isinstance(record, HostSighting) and record.view is View.HYPERVISOR
    return record.source, "hypervisor" if is_hypervisor else record.kind


def words(record: Record) -> tuple[str, ...]:
    """What a rejected row of this record is said to speak of: what the ledgers' columns mark so."""
    match record:
        case Project():
            said = [record.native_id, record.name, *record.systems, *record.tenants]
        case System():
            said = [record.native_id, record.name, *record.projects, *record.tenants, *record.hosts]
        case MlpsFiling():
            said = [record.system, record.number]
        case MlpsAssessment():
            said = [record.report_number, record.filing_number, record.system]
        case SharingEntry():
            said = [record.native_id, record.name, record.system, record.resource_id]
        case SharingUse():
            said = [record.resource_id, record.consumer_system]
        case ThirdPartyResource():
            said = [record.native_id, record.provider]
        case Segment():
            said = [record.cidr, record.system]
        case OwnershipDeclaration():
            said = [record.target, *record.systems, *record.projects]
        case HostSighting():
            addresses = [a.partition("/")[0] for n in record.nics for a in n.addresses]
            said = [record.name, record.uuid, record.serial, record.asset_number, record.system, *addresses]
        case DesignItem():
            said = [record.project]
        case _:
            said = []
    return tuple(dict.fromkeys(word for word in said if word))


def rejected(whole: Collection, lost: Sequence[Record]) -> Collection:
    """The collection without these records, their rows rejected, their cells partial for that and nothing else."""
    kinds = {kind_of(r) for r in lost}
    keys = {r.key for r in lost}
    cells = [
        msgspec.structs.replace(c, state=CellState.PARTIAL, reason=msg(ROWS_REJECTED, count=len(lost)))
        if (c.cell.source, c.cell.kind) in kinds
        else c
        for c in whole.cells
    ]
    sheets = {c.cell.scope for c in whole.cells if (c.cell.source, c.cell.kind) in kinds}
    rejections = [
        Rejection(source=r.source, file="f", sheet=sheet, row=n, column="c", value="?", expected=msg("x"),
                  touches=words(r))
        for n, r in enumerate(lost, 1)
        for sheet in sorted(sheets)
    ]  # fmt: skip
    records = [r for r in whole.records if r.key not in keys]
    return replace(whole, records=records, cells=cells, rejections=[*whole.rejections, *rejections])
