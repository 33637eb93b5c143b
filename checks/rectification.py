"""整改完成率 and 平均整改天数: of what assessments found, and of what our own scans found."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from checks.kpi import Kpi
from inventory.breaches import Breach
from inventory.inventory import Inventory, law_date
from inventory.records import MlpsAssessment
from inventory.text import msg


@dataclass(frozen=True, slots=True, kw_only=True)
class Duration:
    """How long rectification took 平均整改天数, over those of which both days are known."""

    name: str
    """The indicator that it belongs to."""
    days: int
    """Sum, in days."""
    measured: int
    """How many it is the sum of."""
    unmeasured: int
    """How many were rectified, and on which day is not known."""

    @property
    def average_days(self) -> float | None:
        """None where there is nothing to divide by."""
        return self.days / self.measured if self.measured else None


def risk_rectification(inventory: Inventory) -> Kpi:
    """Rectified / major risks 重大风险隐患 of the newest report of each graded object.

    A report that does not say how many it found stands in it as one that is unknown, and so does each risk of which it
    is not said whether it was rectified.
    """
    rectified = risks = unknown = 0
    for report in newest_reports(inventory):
        if report.major_risks is None:
            risks, unknown = risks + 1, unknown + 1
            continue
        risks += report.major_risks
        if report.major_risks_rectified is None:
            unknown += report.major_risks
        else:
            rectified += report.major_risks_rectified
    return Kpi(
        name="risk_rectification",
        title=msg("Major risks found by assessments that are rectified"),
        numerator=rectified,
        denominator=risks,
        unknown=unknown,
    )


def risk_duration(inventory: Inventory) -> Duration:
    """Days from the report to 整改完成日期, of reports whose risks are all rectified."""
    days: list[int] = []
    unmeasured = 0
    for report in newest_reports(inventory):
        if not report.major_risks or report.major_risks_rectified != report.major_risks:
            continue
        if report.reported_on is None or report.rectified_on is None or report.rectified_on < report.reported_on:
            unmeasured += 1
        else:
            days.append((report.rectified_on - report.reported_on).days)
    return Duration(name="risk_rectification", days=sum(days), measured=len(days), unmeasured=unmeasured)


def newest_reports(inventory: Inventory) -> Iterator[MlpsAssessment]:
    """The newest report of each graded object: what an older one found, the newer one has looked at again."""
    newest: dict[str | None, MlpsAssessment] = {}
    for report in sorted(inventory.assessments, key=lambda r: (r.reported_on or date.min, r.key)):
        of = None if report.is_platform else report.system or report.filing_number or report.key
        newest[of] = report
    yield from newest.values()


def finding_rectification(breaches: Iterable[Breach]) -> Kpi:
    """Breaches that a later scan saw to be mended / breaches that any scan found, as far back as the store goes.

    What is not seen any more is not mended: it counts as unknown.
    """
    every = list(breaches)
    return Kpi(
        name="finding_rectification",
        title=msg("Violations found by scans that were later seen rectified"),
        numerator=sum(b.closed_at is not None for b in every),
        denominator=len(every),
        unknown=sum(b.closed_at is None and not b.is_open for b in every),
    )


def finding_duration(breaches: Iterable[Breach]) -> Duration:
    """Days from the first scan that found it to the first that saw it mended, local days."""
    days = [(law_date(b.closed_at) - law_date(b.opened_at)).days for b in breaches if b.closed_at is not None]
    return Duration(name="finding_rectification", days=sum(days), measured=len(days), unmeasured=0)
