"""From which of its cells a stored scan may conclude that what is not in it was not there."""

from collections import defaultdict
from datetime import timedelta

import msgspec
from sqlalchemy import Connection, select

from inventory.coverage import CellResult
from inventory.scan import ScanInfo, ScanOptions
from inventory.store_reader import read_cells, read_info
from inventory.store_schema import BODY, SCAN


class Sight:
    """What one scan could see. A record does not say in which scope it was read: all of its kind must be whole."""

    def __init__(self, info: ScanInfo, cells: list[CellResult], fresh_hours: int) -> None:
        self.info = info
        self._whole: dict[tuple[str, str], bool] = defaultdict(lambda: True)
        self._planned: set[tuple[str, str]] = set()
        for result in cells:
            place = (result.cell.source, result.cell.kind)
            finished = result.finished_at
            fresh = finished is None or abs(info.as_of - finished) <= timedelta(hours=fresh_hours)
            self._planned.add(place)
            self._whole[place] = self._whole[place] and result.is_complete and fresh

    def is_whole(self, source: str, kind: str) -> bool:
        """Whether all of this kind that the source has was read, and not too long before the scan's clock.

        Nobody planned it: it was not looked at. `kind` is the cell's: `hypervisor` for the control plane's own hosts.
        """
        place = (source, kind)
        return place in self._planned and self._whole[place]


def sight_of(connection: Connection, number: int) -> Sight:
    """The sight of a scan that can be read.

    Raises:
        LookupError: there is none of that number.
    """
    info = read_info(connection, number)
    if info is None:
        raise LookupError(number)
    options = connection.execute(
        select(BODY.c.data).join(SCAN, SCAN.c.options == BODY.c.id).where(SCAN.c.number == number)
    ).scalar_one()
    hours = msgspec.json.decode(options, type=ScanOptions).fresh_hours
    return Sight(info, read_cells(connection, number), hours)


def cell_kind(record_kind: str, body: bytes) -> str:
    """The kind of cell that a record of this content is read by."""
    view = msgspec.json.decode(body).get("view") if record_kind == "host" else None
    return "hypervisor" if view == "hypervisor" else record_kind
