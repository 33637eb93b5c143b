"""From a ledger row's values to records: one plain function for each kind of ledger."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

from inventory.inventory import LAW_TIME
from inventory.names import normalise
from inventory.records import (
    CryptoAssessment,
    Department,
    DesignItem,
    HostSighting,
    Migration,
    MlpsAssessment,
    MlpsFiling,
    Nic,
    OwnershipDeclaration,
    Project,
    Record,
    Segment,
    SharingEntry,
    SharingUse,
    System,
    Tenant,
    ThirdPartyResource,
    View,
)

Fields = dict[str, Any]
"""Field to parsed value; what the row does not say is not in it."""

CELL_KINDS: Mapping[str, str] = {
    "departments": "department",
    "projects": "project",
    "systems": "system",
    "migrations": "migration",
    "design_books": "design_item",
    "mlps_filings": "mlps_filing",
    "mlps_assessments": "mlps_assessment",
    "sharing_entries": "sharing_entry",
    "sharing_uses": "sharing_use",
    "sharing_calls": "sharing_use",
    "sharing_tasks": "sharing_use",
    "third_party": "third_party",
    "segments": "segment",
    "inventory": "host",
    "assets": "host",
    "ownership": "ownership",
}
"""Kind of ledger to the kind of its coverage cells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedRow:
    """A row whose cells have been read."""

    source: str
    observed_at: datetime
    default_zone: str | None
    fields: Fields
    columns: frozenset[str] = frozenset()
    """Fields that the table has a column for."""

    def get(self, name: str) -> Any:
        """The value of a field; None if the row does not say."""
        return self.fields.get(name)

    def given(self, *names: str) -> Fields:
        """The named fields that the row says something about."""
        return {n: self.fields[n] for n in names if n in self.fields}

    def record(self, native_id: str) -> Fields:
        """What every record says of itself."""
        return {"source": self.source, "native_id": native_id, "observed_at": self.observed_at}


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A record of a row, and what to do when its identity is there already."""

    record: Record
    may_repeat: bool = False
    """Rows may say the same identity again with other content, and that must be seen: the second gets a number."""
    is_counted: bool = False
    """Also with the same content: rows are added up, and saying one twice means two."""
    otherwise: str | None = None
    """The native id where the first is taken by other content."""
    is_implied: bool = False
    """Not what the row is about (the tenant of a host): saying it twice is no mistake."""


def records_of(kind: str, row: ParsedRow) -> Iterator[Made]:
    """The records that a row of such a ledger says."""
    return _MAKERS[kind](row)


def _department(row: ParsedRow) -> Iterator[Made]:
    """A row for each name: after a reform one code stands in several rows, each with the time of its name."""
    native_id = row.get("code") or row.get("name")
    fields = row.given("name", "code", "other_names", "dated_names", "valid_from", "valid_to")
    is_dated = "valid_from" in fields or "valid_to" in fields
    yield Made(
        record=Department(**row.record(native_id), **fields),
        otherwise=f"{native_id}#{row.get('name')}" if is_dated and row.get("code") else None,
    )


def _project(row: ParsedRow) -> Iterator[Made]:
    fields = {k: v for k, v in row.fields.items() if k not in ("code", "classified")}
    yield Made(record=Project(**row.record(row.get("code")), **fields))


def _system(row: ParsedRow) -> Iterator[Made]:
    fields = {k: v for k, v in row.fields.items() if k not in ("code", "classified")}
    yield Made(record=System(**row.record(row.get("code")), **fields))


def _migration(row: ParsedRow) -> Iterator[Made]:
    fields = {k: v for k, v in row.fields.items() if k != "classified"}
    yield Made(record=Migration(**row.record(row.get("system")), **fields))


def _design_item(row: ParsedRow) -> Iterator[Made]:
    """Two rows that say the same word for word are two pieces: each is kept."""
    fields = {k: v for k, v in row.fields.items() if k != "classified"}
    native_id = f"{row.get('project')}|{row.get('component') or '-'}"
    yield Made(record=DesignItem(**row.record(native_id), **fields), may_repeat=True, is_counted=True)


def _filing(row: ParsedRow) -> Iterator[Made]:
    # The id stays when rows move; numbers that repeat, by mistake or not, are both kept.
    native_id = f"{row.get('number') or '-'}|{row.get('system') or '-'}"
    yield Made(
        record=MlpsFiling(
            **row.record(native_id),
            **row.given(
                "number",
                "number_unreliable",
                "system",
                "is_platform",
                "level",
                "filed_on",
                "valid_to",
                "template",
                "details",
            ),
        ),
        may_repeat=True,
    )


_OF_A_REPORT = ("report_number", "reported_on", "conclusion", "score")


def _assessment(row: ParsedRow) -> Iterator[Made]:
    """One table often holds filings and assessments: a row whose report columns are all empty tells of no report.

    The assessment of cryptography 密评 stands beside it, and is a thing of its own.
    """
    yield from _crypto_assessment(row)
    has_report = any(n in row.fields for n in _OF_A_REPORT)
    if not has_report and (row.columns.intersection(_OF_A_REPORT) or any(n in row.fields for n in _OF_CRYPTO)):
        return
    fields = row.given(
        "report_number", "filing_number", "system", "is_platform", "reported_on", "conclusion", "score", "rectified_on",
        "details",
    )  # fmt: skip
    if "major_risks" in row.fields:
        fields["major_risks"], fields["major_risks_rectified"] = row.get("major_risks")
    parts = (row.get("system") or row.get("filing_number") or "-", str(row.get("reported_on") or "-"))
    native_id = row.get("report_number") or "|".join(parts)
    yield Made(record=MlpsAssessment(**row.record(native_id), **fields))


_OF_CRYPTO = ("crypto_conclusion", "crypto_reported_on")


def _crypto_assessment(row: ParsedRow) -> Iterator[Made]:
    if not any(n in row.fields for n in _OF_CRYPTO):
        return
    graded = row.get("system") or row.get("filing_number") or "-"
    yield Made(
        record=CryptoAssessment(
            **row.record(f"密评|{graded}|{row.get('crypto_reported_on') or '-'}"),
            **row.given("system", "is_platform", "filing_number"),
            reported_on=row.get("crypto_reported_on"),
            conclusion=row.get("crypto_conclusion"),
        ),
        may_repeat=True,
        is_implied=True,
    )


def _sharing_entry(row: ParsedRow) -> Iterator[Made]:
    """A catalogue code belongs to its provider; each consumer has an entry of its own under it."""
    code = row.get("code")
    fields = row.given(
        "name", "system", "sharing_type", "legal_basis", "published_on", "resource_id", "resource_type",
        "mounted_on", "applied_on", "approved_on", "details",
    )  # fmt: skip
    for direction in row.get("direction") or (None,):
        native_id = code if direction != "consume" else f"{code}@{row.get('system') or '-'}"
        resource = row.get("resource_id")
        yield Made(
            record=SharingEntry(**row.record(native_id), **fields, code=code, direction=direction),
            otherwise=f"{native_id}#{resource}" if resource else None,
        )


def _sharing_use(row: ParsedRow) -> Iterator[Made]:
    fields = row.given(
        "resource_id",
        "consumer_system",
        "period_start",
        "period_end",
        "succeeded",
        "failed",
        "last_success_on",
        "details",
    )
    parts = (row.get(n) for n in ("resource_id", "consumer_system", "period_start", "period_end"))
    yield Made(record=SharingUse(**row.record("|".join(str(p or "-") for p in parts)), **fields))


def _sharing_task(row: ParsedRow) -> Iterator[Made]:
    """An exchange task: its last run proves a use if it succeeded and moved rows; how often it ran is not said."""
    moved = row.get("is_success") is True and row.get("rows_done") != 0
    yield Made(
        record=SharingUse(
            **row.record(row.get("task_id")),
            **row.given("consumer_system", "details"),
            resource_id=row.get("resource_id") or row.get("task_id"),
            last_success_on=row.get("last_run_on") if moved else None,
        )
    )


def _third_party(row: ParsedRow) -> Iterator[Made]:
    fields = row.given(
        "provider", "valid_from", "valid_to", "ranges", "accounts", "filing_number", "security_assessment", "details"
    )
    yield Made(record=ThirdPartyResource(**row.record(row.get("code")), **fields, zone=_zone(row)))


def _segment(row: ParsedRow) -> Iterator[Made]:
    zone, vrf = _zone(row), row.get("vrf")
    domain = f"{zone or '-'}/{vrf}" if vrf else zone or "-"
    fields = row.given(
        "name",
        "vrf",
        "vlan",
        "purpose",
        "department",
        "system",
        "tenant",
        "is_cloud",
        "gateway",
        "has_own_exit",
        "details",
    )
    for cidr in row.get("cidr"):
        record = Segment(**row.record(f"{domain}|{cidr}"), cidr=cidr, domain=domain, zone=zone, **fields)
        # The same network promised to two departments must be seen, not read away.
        yield Made(record=record, may_repeat=True)


def _listed(row: ParsedRow) -> Iterator[Made]:
    """A row of a cloud's own list. The instance id is the cloud's word, whatever its form."""
    tenant = row.get("tenant")
    if tenant is not None:
        yield Made(record=Tenant(**row.record(normalise(tenant)), name=tenant), is_implied=True)
    fields = row.given("status", "hypervisor")
    if row.get("created_on") is not None:
        fields["created_at"] = datetime.combine(row.get("created_on"), time(), LAW_TIME)
    uuid = _lower(row.get("uuid"))
    yield Made(
        record=HostSighting(
            **row.record(uuid or _by_name(row)),
            view=View.LISTED,
            uuid=uuid,
            tenant=normalise(tenant) if tenant is not None else None,
            **fields,
            **_machine(row),
        )
    )


def _asset(row: ParsedRow) -> Iterator[Made]:
    fields = row.given(
        "asset_number", "commissioned_on", "is_appliance", "is_centre_infrastructure", "vendor", "product", "serial",
        "status",
    )  # fmt: skip
    native_id = row.get("asset_number") or _by_name(row)
    yield Made(
        record=HostSighting(
            **row.record(native_id), view=View.ASSET, uuid=_lower(row.get("uuid")), **fields, **_machine(row)
        )
    )


def _ownership(row: ParsedRow) -> Iterator[Made]:
    target, zone = row.get("target"), _zone(row)
    yield Made(
        record=OwnershipDeclaration(
            **row.record(f"{zone or '-'}|{target}"),
            zone=row.get("zone"),
            **row.given("target", "systems", "projects", "note"),
        ),
        may_repeat=True,
    )


def _zone(row: ParsedRow) -> str | None:
    zone: str | None = row.get("zone") or row.default_zone
    return zone


def _lower(text: str | None) -> str | None:
    return text.lower() if text else None


def _by_name(row: ParsedRow) -> str:
    """Name with its first address: lists without ids repeat names, hardly ever both."""
    addresses = row.get("addresses") or ()
    return "|".join((row.get("name"), *addresses[:1]))


def _machine(row: ParsedRow) -> Fields:
    """What both lists say of a machine."""
    fields = row.given("name", "department", "system", "os_name", "arch", "vcpus", "memory_bytes", "disk_bytes")
    return fields | {"zone": _zone(row), "nics": _nics(row.get("addresses") or (), row.get("macs") or ())}


def _nics(addresses: tuple[str, ...], macs: tuple[str, ...]) -> tuple[Nic, ...]:
    """Addresses and MACs in pairs where the row leaves no doubt which belong together."""
    if len(addresses) == len(macs):
        return tuple(Nic(mac=m, addresses=(a,)) for a, m in zip(addresses, macs, strict=True))
    if len(macs) == 1:
        return (Nic(mac=macs[0], addresses=addresses),)
    return (*(Nic(addresses=(a,)) for a in addresses), *(Nic(mac=m) for m in macs))


_MAKERS: Mapping[str, Callable[[ParsedRow], Iterator[Made]]] = {
    "departments": _department,
    "projects": _project,
    "systems": _system,
    "migrations": _migration,
    "design_books": _design_item,
    "mlps_filings": _filing,
    "mlps_assessments": _assessment,
    "sharing_entries": _sharing_entry,
    "sharing_uses": _sharing_use,
    "sharing_tasks": _sharing_task,
    "third_party": _third_party,
    "segments": _segment,
    "inventory": _listed,
    "assets": _asset,
    "ownership": _ownership,
}
