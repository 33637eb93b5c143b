"""The table project × {declared, actual, difference, tolerance} 申报与实际对照表: one for terminal, page and JSON."""

from collections.abc import Sequence
from dataclasses import dataclass

from checks.design_book import Comparison, Figure, comparison_of, comparisons
from checks.project_design import CHECK, QUANTITIES, shown
from checks.result import Result
from inventory.finding import Verdict
from inventory.records import Project
from inventory.text import mark

HEADINGS = {
    "project": mark("project"),
    "quantity": mark("quantity"),
    "declared": mark("declared"),
    "actual": mark("actual"),
    "difference": mark("difference"),
    "tolerance_percent": mark("tolerance (%)"),
    "is_within": mark("within tolerance"),
    "verdict": mark("verdict"),
}
"""Key, as JSON and CSV name it, to heading."""
YES, NO, OPEN = mark("yes"), mark("no"), mark("not known")


@dataclass(frozen=True, slots=True, kw_only=True)
class DesignRow:
    """One quantity of one project."""

    project: Project
    figure: Figure
    verdict: Verdict | None
    """Of check 23-design on the whole project; None where it was not run."""
    is_whole: bool
    """Whether what was seen is all that is the project's, and its own: else the actual amount is what was seen."""

    @property
    def declared(self) -> str | None:
        """In the quantity's unit; None: the design book does not say."""
        return _shown(self.figure, self.figure.declared)

    @property
    def actual(self) -> str | None:
        """In the quantity's unit; None: not known."""
        return _shown(self.figure, self.figure.actual)

    @property
    def difference(self) -> str | None:
        """Actual less declared, with its sign."""
        difference = self.figure.difference
        if difference is None:
            return None
        return ("+" if difference > 0 else "") + shown(self.figure.quantity, difference)

    @property
    def is_within(self) -> bool | None:
        """None where nothing can be compared."""
        return self.figure.is_within if self.is_whole else None

    @property
    def quantity(self) -> str:
        """Its name with its unit, to be translated."""
        return QUANTITIES[self.figure.quantity]

    @property
    def within_word(self) -> str:
        """To be translated."""
        return OPEN if self.is_within is None else YES if self.is_within else NO


def design_rows(result: Result) -> list[DesignRow]:
    """Every quantity that a design book declares, by project."""
    return [row for c in comparisons(result.inventory, result.policy) for row in _rows(result, c)]


def design_rows_of(result: Result, project: Project) -> list[DesignRow]:
    """The same of one project; empty where no ledger holds its design book."""
    compared = comparison_of(result.inventory, result.policy, project)
    return [] if compared is None else list(_rows(result, compared))


def _rows(result: Result, compared: Comparison) -> Sequence[DesignRow]:
    mine = (f.verdict for f in result.findings if f.check == CHECK.id and f.subject.id == compared.project.native_id)
    verdict = next(mine, None)
    return [
        DesignRow(
            project=compared.project,
            figure=figure,
            verdict=verdict,
            is_whole=compared.is_found and not compared.doubts,
        )
        for figure in compared.figures
        if figure.declared is not None
    ]


def _shown(figure: Figure, amount: int | None) -> str | None:
    return None if amount is None else shown(figure.quantity, amount)
