"""Reading a scan back as it was saved."""

from collections.abc import Iterator
from datetime import datetime

import msgspec
from sqlalchemy import ColumnElement, Connection, Table, and_, func, or_, select

from inventory.collection import Collection
from inventory.coverage import CellResult, Rejection, SourceInfo
from inventory.finding import Finding
from inventory.scan import Known, ScanInfo, ScanOptions
from inventory.store_bulk import PAGE_ROWS
from inventory.store_rows import cell_of, record_of, unpacked, unrolled
from inventory.store_schema import BODY, CELLS, FINDINGS, LOG, OBSERVATION, RAWS, RECORDS, REJECTIONS, SCAN, Section
from inventory.stored_scan import StoredScan


def last_number(connection: Connection) -> int | None:
    """Number of the last finished scan; None before the first."""
    number = connection.execute(select(func.max(SCAN.c.number))).scalar_one()
    return None if number is None else int(number)


def read_info(connection: Connection, number: int) -> ScanInfo | None:
    """What is known of a scan that can be read, with its head; None if there is none of that number."""
    row = connection.execute(
        select(SCAN.c.info, LOG.c.digest).join(LOG, LOG.c.entry == SCAN.c.entry).where(SCAN.c.number == number)
    ).first()
    return None if row is None else _info(*row)


def read_infos(connection: Connection) -> list[ScanInfo]:
    """Every scan that can be read, the oldest first."""
    rows = connection.execute(
        select(SCAN.c.info, LOG.c.digest).join(LOG, LOG.c.entry == SCAN.c.entry).order_by(SCAN.c.number)
    )
    return [_info(*row) for row in rows]


def _info(text: str, head: bytes) -> ScanInfo:
    return msgspec.structs.replace(msgspec.json.decode(text, type=ScanInfo), head=head.hex())


def read_scan(connection: Connection, number: int) -> StoredScan | None:
    """The scan; None if there is none of that number. Call it within one transaction.

    Raises:
        ValueError, msgspec.DecodeError: it cannot be read back.
        SQLAlchemyError: the store does not answer.
    """
    info = read_info(connection, number)
    if info is None:
        return None
    taken_at, options, sources = connection.execute(
        select(SCAN.c.taken_at, SCAN.c.options, SCAN.c.sources).where(SCAN.c.number == number)
    ).one()
    collection = Collection(
        taken_at=datetime.fromisoformat(taken_at),
        sources=msgspec.json.decode(_document(connection, sources), type=list[SourceInfo]),
    )
    moments = unrolled(_times(connection, RECORDS, number))
    bodies = _bodies(connection, RECORDS, number)
    collection.records.extend(record_of(data, str(at)) for (data,), at in zip(bodies, moments, strict=True))
    collection.raws.update(_raws(connection, number))
    collection.cells.extend(read_cells(connection, number))
    rejection = msgspec.json.Decoder(Rejection)
    collection.rejections.extend(rejection.decode(data) for (data,) in _bodies(connection, REJECTIONS, number))
    findings, known = read_findings(connection, number)
    return StoredScan(
        info=info,
        options=msgspec.json.decode(_document(connection, options), type=ScanOptions),
        collection=collection,
        findings=findings,
        known=known,
    )


def valid_in(table: Table, number: int) -> ColumnElement[bool]:
    """Whether a version held in the scan."""
    return and_(table.c.since_scan <= number, or_(table.c.until_scan.is_(None), table.c.until_scan >= number))


def _bodies(connection: Connection, section: Section, number: int, *columns: str) -> Iterator[tuple[bytes, ...]]:
    """The contents of a section in the order of their keys, with the named columns of their rows behind them."""
    table = section.table
    wanted = (
        select(BODY.c.data, *(table.c[c] for c in columns))
        .select_from(table.join(BODY, BODY.c.id == table.c.body))
        .where(valid_in(table, number))
        .order_by(table.c.key, table.c.nth)
        .execution_options(yield_per=PAGE_ROWS)
    )
    for rows in connection.execute(wanted).partitions():
        yield from rows


def read_cells(connection: Connection, number: int) -> list[CellResult]:
    """How each cell of the scan ended, in the order of their keys."""
    spans = unrolled(_times(connection, CELLS, number))
    bodies = _bodies(connection, CELLS, number)
    return [cell_of(data, span if isinstance(span, list) else []) for (data,), span in zip(bodies, spans, strict=True)]


def _raws(connection: Connection, number: int) -> Iterator[tuple[str, bytes]]:
    for data, key in _bodies(connection, RAWS, number, "key"):
        yield key.hex(), unpacked(data)


def read_findings(connection: Connection, number: int) -> tuple[tuple[Finding, ...], dict[str, Known]]:
    """The findings of a scan, and since when the verdict of each has held."""
    decoder = msgspec.json.Decoder(Finding)
    findings: list[Finding] = []
    known: dict[str, Known] = {}
    for data, scan, at in _bodies(connection, FINDINGS, number, "known_scan", "known_at"):
        finding = decoder.decode(data)
        findings.append(finding)
        known[finding.key] = Known(first_scan=int(scan), first_at=datetime.fromisoformat(str(at)))
    return tuple(findings), known


def _times(connection: Connection, section: Section, number: int) -> Iterator[bytes]:
    rows = connection.execute(
        select(OBSERVATION.c.data)
        .where(OBSERVATION.c.scan == number, OBSERVATION.c.section == section.name)
        .order_by(OBSERVATION.c.part)
    ).fetchall()
    for (data,) in rows:
        yield unpacked(data)


def _document(connection: Connection, number: int) -> bytes:
    return bytes(connection.execute(select(BODY.c.data).where(BODY.c.id == number)).scalar_one())
