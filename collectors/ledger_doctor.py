"""Whether a ledger opens, which headers were found in it, and how many of its rows can be used."""

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from collectors.collector import Collector, ForbiddenCodes, Reading
from collectors.diagnosis import Chart, Diagnosis
from collectors.ledger_source import LedgerCollector, ledger_collectors
from collectors.ledger_table import LedgerError
from inventory.coverage import Rejection
from inventory.guard import Guard
from inventory.settings import ConfigError, Ledger
from inventory.text import msg


class LedgerDoctor:
    """Looks at one ledger. What it marks as classified goes to the guard, before anything live is asked."""

    def __init__(self, ledger: Ledger, *, base: Path, guard: Guard, clock: Callable[[], datetime]) -> None:
        self._ledger = ledger
        self._base = base
        self._guard = guard
        self._clock = clock
        self._chart = Chart(f"ledger:{ledger.name}")

    def diagnose(self) -> Iterator[Diagnosis]:
        """A line for the file, and for each sheet its headers and its rows."""
        try:
            collectors = ledger_collectors(self._ledger, base=self._base, clock=self._clock)
        except (ConfigError, LedgerError) as error:
            yield self._chart.error("file", error.message)
            return
        for collector in collectors:
            yield from self._headers(collector)
            yield from self._rows(collector)

    def _headers(self, collector: Collector) -> Iterator[Diagnosis]:
        if not isinstance(collector, LedgerCollector):
            return
        for table in collector.tables:
            labels = [bound.label for bound in table.header.columns]
            yield self._chart.at(table.sheet.name).ok(
                "file",
                msg(
                    "{file}: sheet {sheet} is read as {kind}; {count} header(s) found: {headers}",
                    file=collector.workbook.path.name,
                    sheet=table.sheet.name,
                    kind=self._ledger.kind,
                    count=len(labels),
                    headers="、".join(labels)[:400],
                ),
            )
            unknown = [h for h in table.header.others if not collector.form.reads_past(h.rpartition(" (")[0])]
            if unknown:
                yield self._chart.at(table.sheet.name).warning(
                    "file",
                    msg("{count} header(s) are not known and not read: {headers}", count=len(unknown),
                        headers="、".join(unknown)[:400]),
                    msg("a line in `columns` or in the mapping file says which field it is, or that it is ignored"),
                )  # fmt: skip

    def _rows(self, collector: Collector) -> Iterator[Diagnosis]:
        for cell in collector.plan():
            chart = self._chart.at(cell.scope)
            good = bad = 0
            for said in collector.read(cell):
                match said:
                    case Reading():
                        good += 1
                    case Rejection():
                        bad += 1
                    case ForbiddenCodes(words):
                        self._guard.add(words)
                    case _:
                        pass
            sentence = msg("{good} record(s) read, {bad} cell(s) not understood", good=good, bad=bad)
            if bad:
                yield chart.warning("rows", sentence, msg("`yunhe scan` lists each cell with what was expected"))
            elif not good:
                yield chart.warning("rows", msg("the sheet has headers and no row"))
            else:
                yield chart.ok("rows", sentence)
