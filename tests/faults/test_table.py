"""The table of the fault matrix: whole, and in the docs as it is planned and measured."""

from fault_plan import BEGIN, DOCUMENT, END, FAULTS, PLAN, SOURCES, cell, document


def test_every_fault_is_planned_for_every_source() -> None:
    """A cell that nobody thought of would be a fault that nobody brings about."""
    assert all(tuple(PLAN[source]) == FAULTS for source in SOURCES)
    assert len(FAULTS) == 16
    assert len(SOURCES) == 5


def test_few_cells_mean_nothing_and_each_says_why() -> None:
    """`n/a` is for what has no meaning, never for what is hard to bring about."""
    without = [(source, fault) for source in SOURCES for fault in FAULTS if cell(source, fault) == "n/a"]

    assert without == [("ledger", "429 with Retry-After"), ("ledger", "expired token")]


def test_the_docs_hold_the_table_that_is_measured() -> None:
    """Each measurement is held against the plan, so the docs need only be compared with that."""
    written = DOCUMENT.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]

    assert written.strip() == document().strip(), "write it anew: python tests/support/fault_plan.py"
