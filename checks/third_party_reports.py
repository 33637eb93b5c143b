"""Art. 23(8): platforms are tested by a third party 软件测评, collected data is inspected by one 数据质检."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from checks.check import Check, Opinion, Step, Strength
from checks.conclusions import has_failed, has_passed
from checks.line import Line, combined
from checks.policy import Policy
from checks.project_steps import day, keeper, steps_gate
from checks.subjects import project_subject
from inventory.finding import Verdict
from inventory.inventory import Inventory, law_date
from inventory.records import Project
from inventory.text import Message, msg


@dataclass(frozen=True, slots=True)
class _Report:
    """One of the two reports, as the register has it."""

    needed: bool | None
    what: Message
    whether: Message
    number: str | None
    on: date | None
    conclusion: str | None


def judge(inventory: Inventory, policy: Policy) -> Iterator[Opinion]:
    """One opinion for every project of the register."""
    for project in inventory.projects:
        gate = steps_gate(policy, project)
        if gate is not None:
            yield gate
            continue
        lines = [_line(inventory, policy, project, report) for report in _reports(project)]
        yield combined(project_subject(project), lines)


def _reports(project: Project) -> tuple[_Report, _Report]:
    return (
        _Report(
            project.is_platform_project, msg("third-party software test report"), msg("a platform"),
            project.software_report, project.software_report_on, project.software_conclusion,
        ),
        _Report(
            project.collects_data, msg("third-party data inspection report"), msg("collection of data"),
            project.data_report, project.data_report_on, project.data_conclusion,
        ),
    )  # fmt: skip


def _line(inventory: Inventory, policy: Policy, project: Project, report: _Report) -> Line:
    code, evidence = project.native_id, (project.key,)
    if report.needed is False:
        return Line(
            verdict=Verdict.NOT_APPLICABLE, decided_by=Step.KIND,
            reason=msg("{code} is not {whether} by the register: no {report} is asked", code=code,
                       whether=report.whether, report=report.what),
            evidence=evidence,
        )  # fmt: skip
    if report.needed is None:
        return Line(
            verdict=Verdict.UNKNOWN, decided_by=Step.KIND,
            reason=msg("the register does not say whether {code} is {whether}", code=code, whether=report.whether),
            missing=(msg("whether {code} is {whether}, in the register, by {department}", code=code,
                         whether=report.whether, department=keeper(project)),),
            evidence=evidence,
        )  # fmt: skip
    if report.number is None and report.on is None:
        return _without(project, report)
    return _with(inventory, policy, project, report)


def _without(project: Project, report: _Report) -> Line:
    """Before acceptance it is still to come; an accepted project must have had one, and an empty cell is no proof."""
    code, evidence = project.native_id, (project.key,)
    if project.final_acceptance_on is None:
        return Line(
            verdict=Verdict.ADVISORY,
            reason=msg("the register holds no {report} of {code} yet", report=report.what, code=code),
            remedy=msg("have it made before the project is put up for acceptance"),
            evidence=evidence,
            from_absence=True,
        )
    return Line(
        verdict=Verdict.UNKNOWN,
        reason=msg("{code} was accepted on {date}, the register holds no {report}", code=code, report=report.what,
                   date=day(project.final_acceptance_on)),
        missing=(msg("number, date and conclusion of the {report} of {code}, by {department}", code=code,
                     report=report.what, department=keeper(project)),),
        evidence=evidence,
    )  # fmt: skip


def _with(inventory: Inventory, policy: Policy, project: Project, report: _Report) -> Line:
    code, evidence = project.native_id, (project.key,)
    said = msg("{report} {number} of {code}, dated {date}, concludes {conclusion}", report=report.what,
               number=report.number or "-", code=code, date=day(report.on),
               conclusion=report.conclusion or "-")  # fmt: skip
    article = policy.pack.article("23(8)")
    accepted = project.final_acceptance_on
    asked = Line(
        verdict=Verdict.UNKNOWN, reason=said,
        missing=(msg("number, date and conclusion of the {report} of {code}, by {department}", code=code,
                     report=report.what, department=keeper(project)),),
        evidence=evidence,
    )  # fmt: skip
    if report.on is not None and report.on > law_date(inventory.as_of):
        return asked
    if has_failed(report.conclusion):
        return Line(
            verdict=Verdict.FAIL, reason=msg("{said}; it does not meet {article}", said=said, article=article),
            remedy=msg("mend what the report names and have it tested again"), evidence=evidence,
        )  # fmt: skip
    if accepted is not None and report.on is not None and report.on > accepted:
        return Line(
            verdict=Verdict.FAIL,
            reason=msg("{said}; the project was accepted on {date}, before it: it does not meet {article}", said=said,
                       date=day(accepted), article=article),
            evidence=evidence,
        )  # fmt: skip
    if report.on is None or not has_passed(report.conclusion):
        return asked
    return Line(verdict=Verdict.PASS, reason=said, evidence=evidence)


CHECK = Check(
    id="23.8-reports",
    title=msg("Platforms are tested and collected data is inspected by third parties"),
    articles=("23(8)",),
    clause="23(8)",
    subject_kind="project",
    strength=Strength.MUST,
    reads=("project",),
    enumerates=("project",),
    judge=judge,
    remedy=msg("have the reports made by qualified third parties and enter them in the register"),
)
