"""The decision order, lines that become one opinion, and months as the law counts them."""

import itertools
from datetime import date

import pytest
from verdicts import english

from checks.check import Step
from checks.dates import add_months
from checks.decision import ORDER, Barrier, decisive
from checks.line import Line, combined
from inventory.finding import PRECEDENCE, Subject, Verdict
from inventory.text import msg

FAIL, UNKNOWN, ADVISORY, PASS, NOT_APPLICABLE = Verdict
SUBJECT = Subject(kind="project", id="P-1", name="项目")


def barrier(step: Step, verdict: Verdict = NOT_APPLICABLE) -> Barrier:
    missing = (msg("a date"),) if verdict is UNKNOWN else ()
    return Barrier(verdict=verdict, decided_by=step, reason=msg("so"), missing=missing, evidence=("row",))


def test_the_order_is_that_of_the_design() -> None:
    assert [step.value for step in ORDER] == [
        "classified",
        "scope",
        "level",
        "kind",
        "era",
        "exemption",
        "coverage",
        "clause",
    ]


def test_of_equals_the_earlier_step_decides() -> None:
    for verdict in (NOT_APPLICABLE, UNKNOWN):
        for earlier, later in itertools.pairwise(ORDER):
            one, other = barrier(earlier, verdict), barrier(later, verdict)
            assert decisive(other, one) is one
            assert decisive(None, one, other) is one


def test_a_later_step_that_is_certain_outranks_an_earlier_one_that_is_open() -> None:
    certain = barrier(Step.KIND)

    assert decisive(barrier(Step.SCOPE, UNKNOWN), certain) is certain


def test_without_a_barrier_the_clause_is_reached() -> None:
    assert decisive() is None
    assert decisive(None, None) is None


def test_a_barrier_becomes_an_opinion_with_its_own_evidence_first() -> None:
    opinion = barrier(Step.ERA, UNKNOWN).opinion(SUBJECT, ("host",))

    assert (opinion.subject, opinion.verdict, opinion.decided_by) == (SUBJECT, UNKNOWN, Step.ERA)
    assert (opinion.reason, opinion.missing) == (msg("so"), (msg("a date"),))
    assert opinion.evidence == ("row", "host")
    assert barrier(Step.ERA).opinion(SUBJECT).evidence == ("row",)


def line(verdict: Verdict, name: str, remedy: str | None = None, *, from_absence: bool = False) -> Line:
    return Line(
        verdict=verdict,
        reason=msg(name),
        missing=(msg(f"what {name} lacks"), msg("the register")) if verdict is UNKNOWN else (),
        remedy=msg(remedy) if remedy else None,
        evidence=(name, "row"),
        decided_by=Step.COVERAGE if name == "first" else Step.KIND,
        from_absence=from_absence,
    )


@pytest.mark.parametrize(("worse", "better"), list(itertools.pairwise(PRECEDENCE)))
def test_the_worst_line_decides_and_is_told_alone(worse: Verdict, better: Verdict) -> None:
    opinion = combined(SUBJECT, [line(better, "first", from_absence=True), line(worse, "second", "mend it")])

    assert (opinion.subject, opinion.verdict, opinion.decided_by) == (SUBJECT, worse, Step.KIND)
    assert (opinion.reason, opinion.remedy) == (msg("second"), msg("mend it"))
    assert opinion.evidence == ("row", "second")
    assert opinion.from_absence is False


def test_lines_that_are_equally_bad_are_all_told() -> None:
    lines = [line(UNKNOWN, "first", "one", from_absence=True), line(UNKNOWN, "second"), line(UNKNOWN, "third", "two")]

    opinion = combined(SUBJECT, lines, rests_on=("S-1",))

    assert english(opinion.reason) == "first; second; third"
    assert opinion.decided_by is Step.COVERAGE
    assert [english(m) for m in opinion.missing] == [
        "what first lacks",
        "the register",
        "what second lacks",
        "what third lacks",
    ]
    assert english(opinion.remedy) == "one; two"
    assert opinion.evidence == ("first", "row", "second", "third")
    assert opinion.from_absence is True
    assert opinion.rests_on == ("S-1",)


def test_one_remedy_for_two_lines_is_told_once_and_none_is_none() -> None:
    same = [line(FAIL, "first", "one"), line(FAIL, "second", "one")]

    assert combined(SUBJECT, same).remedy == msg("one")
    assert combined(SUBJECT, [line(FAIL, "first")]).remedy is None


@pytest.mark.parametrize(
    ("start", "months", "day"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2024, 1, 31), 1, date(2024, 2, 29)),
        (date(2026, 3, 31), 1, date(2026, 4, 30)),
        (date(2026, 12, 15), 1, date(2027, 1, 15)),
        (date(2026, 11, 30), 1, date(2026, 12, 30)),
        (date(2026, 1, 1), 11, date(2026, 12, 1)),
        (date(2026, 1, 1), 12, date(2027, 1, 1)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2026, 5, 20), 0, date(2026, 5, 20)),
        (date(2026, 1, 15), -1, date(2025, 12, 15)),
        (date(2026, 11, 23), -12, date(2025, 11, 23)),
        (date(9999, 11, 30), 1, date(9999, 12, 30)),
    ],
)
def test_so_many_months_later(start: date, months: int, day: date) -> None:
    """民法典 Art. 202: the day of the month that corresponds; where there is none, the last one."""
    assert add_months(start, months) == day
