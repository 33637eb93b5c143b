"""Art. 26: twelve to twenty-four months after acceptance and going into operation a project is evaluated 自评价."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from checks.check import Check, Opinion, Step, Strength, absence_gaps
from checks.conclusions import has_failed, is_open
from checks.dates import add_months
from checks.policy import Policy
from checks.project_steps import day, keeper, keeps, not_yet, steps_gate, told, unreadable
from inventory.finding import Verdict
from inventory.inventory import Inventory, law_date
from inventory.records import Project
from inventory.text import Message, msg


@dataclass(frozen=True, slots=True)
class Window:
    """When the self-evaluation is in time, both days included."""

    opens: date
    closes: date


def judge(inventory: Inventory, policy: Policy) -> Iterator[Opinion]:
    """One opinion for every project of the register."""
    for project in inventory.projects:
        yield steps_gate(policy, project) or _judge(inventory, policy, project)


def evaluation_window(policy: Policy, project: Project) -> Window | None:
    """From the later of acceptance and going into operation; None where one of them is not in the register."""
    if project.final_acceptance_on is None or project.in_operation_on is None:
        return None
    start = max(project.final_acceptance_on, project.in_operation_on)
    months = policy.parameters
    return Window(
        add_months(start, months.evaluation_from_months), add_months(start, months.evaluation_to_months)
    )  # fmt: skip


def _judge(inventory: Inventory, policy: Policy, project: Project) -> Opinion:
    code, accepted = project.native_id, project.final_acceptance_on
    if accepted is None or has_failed(project.acceptance_conclusion):
        return not_yet(project, msg("the register holds no acceptance of {code} that was passed yet", code=code))
    if is_open(project.acceptance_conclusion):
        return unreadable(project)
    window = evaluation_window(policy, project)
    if window is None:
        reason = msg("{code} was accepted on {date}; since when it is in operation is not in the register", code=code,
                     date=day(accepted))  # fmt: skip
        missing = msg("day on which {code} went into operation, by {department}", code=code, department=keeper(project))
        return told(project, Verdict.UNKNOWN, reason, missing=(missing,))
    return _in_window(inventory, policy, project, window)


def _in_window(inventory: Inventory, policy: Policy, project: Project, window: Window) -> Opinion:
    code, today = project.native_id, law_date(inventory.as_of)
    term = msg("the self-evaluation of {code} is due from {opens} to {closes}", code=code, opens=day(window.opens),
               closes=day(window.closes))  # fmt: skip
    filed = project.self_evaluation_on
    if filed is not None and filed <= today:
        return _filed(policy, project, window, filed, msg("{term}; it is dated {filed}", term=term, filed=day(filed)))
    if today < window.opens:
        return not_yet(project, term)
    reason = msg("{term}; the register holds none", term=term)
    if today <= window.closes:
        return told(project, Verdict.ADVISORY, reason, from_absence=True)
    gaps = absence_gaps(inventory.coverage, "project")
    if gaps or not keeps(inventory, project, "self_evaluation_on"):
        missing = msg("date of the self-evaluation of {code}, by {department}", code=code, department=keeper(project))
        return told(project, Verdict.UNKNOWN, reason, step=Step.COVERAGE, missing=(missing, *gaps))
    late = msg("{reason}; it does not meet {article}", reason=reason, article=policy.pack.article("26"))
    return told(project, Verdict.FAIL, late, from_absence=True)


def _filed(policy: Policy, project: Project, window: Window, filed: date, reason: Message) -> Opinion:
    if filed < window.opens:
        remedy = msg("evaluate again within the window: it was too early to show the effect")
        return told(project, Verdict.ADVISORY, reason, remedy=remedy)
    if filed <= window.closes:
        return told(project, Verdict.PASS, reason)
    late = msg("{reason}; it does not meet {article}", reason=reason, article=policy.pack.article("26"))
    return told(project, Verdict.FAIL, late)


CHECK = Check(
    id="26-self-evaluation",
    title=msg("Projects evaluate themselves in time"),
    articles=("26",),
    clause="26",
    subject_kind="project",
    strength=Strength.MUST,
    reads=("project",),
    enumerates=("project",),
    judge=judge,
    remedy=msg("its department evaluates the project against its goals and sends the report to the centre and finance"),
)
