"""Looks at a source that has no doctor of its own (discovery, sharing platform, plug-in): reads the beginning of it."""

from collections.abc import Iterator
from itertools import islice

from collectors.collector import Collector, ForbiddenCodes, Incomplete, Reading
from collectors.diagnosis import Chart, Diagnosis
from collectors.errors import CollectorError
from inventory.coverage import Cell
from inventory.guard import Guard
from inventory.text import msg

SAMPLE = 100
"""Of what a cell says; a page of most endpoints."""


class SampleDoctor:
    """Reads the first of what each cell of a collector holds."""

    def __init__(self, collector: Collector, *, guard: Guard) -> None:
        self._collector = collector
        self._guard = guard
        self._chart = Chart(collector.info.name)

    def diagnose(self) -> Iterator[Diagnosis]:
        """A line for each cell: read, read with complaints, or why not."""
        for cell in self._collector.plan():
            yield from self._cell(cell)

    def _cell(self, cell: Cell) -> Iterator[Diagnosis]:
        chart = self._chart.at(cell.scope)
        good = bad = 0
        try:
            for said in islice(self._collector.read(cell), SAMPLE):
                match said:
                    case Reading():
                        good += 1
                    case Incomplete():
                        yield chart.warning("answer", said.reason)
                    case ForbiddenCodes(words):
                        self._guard.add(words)
                    case _:
                        bad += 1
        except CollectorError as error:
            yield chart.failed("reach", error)
            return
        sentence = msg("it can be read: {good} record(s) of the first, {bad} rejected", good=good, bad=bad)
        yield chart.warning("rows", sentence, _LISTED) if bad or not good else chart.ok("rows", sentence)


_LISTED = msg("`yunhe scan` lists what was rejected and what was expected")
