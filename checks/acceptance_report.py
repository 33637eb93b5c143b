"""Art. 24: the sealed report on an acceptance goes to the finance bureau and the centre; no acceptance, no payment."""

from collections.abc import Iterator

from checks.check import Check, Opinion, Step, Strength, absence_gaps
from checks.conclusions import has_failed, is_open
from checks.policy import Policy
from checks.project_steps import day, keeper, keeps, not_yet, steps_gate, told, unreadable
from inventory.finding import Verdict
from inventory.inventory import Inventory, law_date
from inventory.records import Project
from inventory.text import Message, msg


def judge(inventory: Inventory, policy: Policy) -> Iterator[Opinion]:
    """One opinion for every project of the register."""
    for project in inventory.projects:
        yield steps_gate(policy, project) or _judge(inventory, policy, project)


def _judge(inventory: Inventory, policy: Policy, project: Project) -> Opinion:
    accepted, code = project.final_acceptance_on, project.native_id
    if accepted is None or accepted > law_date(inventory.as_of):
        reason = msg("the register holds no final acceptance of {code} yet", code=code)
        return _paid_without(policy, project, reason) or not_yet(project, reason)
    if has_failed(project.acceptance_conclusion) or is_open(project.acceptance_conclusion):
        return _not_passed(policy, project)
    sent = project.acceptance_report_on
    said = msg("{code} was accepted on {date}", code=code, date=day(accepted))
    if sent is None:
        return _not_sent(inventory, policy, project, said)
    if sent < accepted:
        return told(
            project,
            Verdict.UNKNOWN,
            msg("{said}, its report is dated {sent}, before that", said=said, sent=day(sent)),
            missing=(msg("the day of the report of {code}, by {department}", code=code, department=keeper(project)),),
        )
    if sent > law_date(inventory.as_of):
        return told(
            project,
            Verdict.UNKNOWN,
            msg("{said}, its report is dated {sent}, after this scan", said=said, sent=day(sent)),
            missing=(msg("the day of the report of {code}, by {department}", code=code, department=keeper(project)),),
        )
    reason = msg("{said}, the sealed report went to {finance} and {centre} on {sent}", said=said, sent=day(sent),
                 finance=policy.finance, centre=policy.centre)  # fmt: skip
    return told(project, Verdict.PASS, reason)


def _not_passed(policy: Policy, project: Project) -> Opinion:
    if is_open(project.acceptance_conclusion):
        return unreadable(project)
    reason = msg("{code} did not pass its acceptance on {date}: {conclusion}", code=project.native_id,
                 date=day(project.final_acceptance_on), conclusion=project.acceptance_conclusion or "-")  # fmt: skip
    return _paid_without(policy, project, reason) or not_yet(project, reason)


def _paid_without(policy: Policy, project: Project, reason: Message) -> Opinion | None:
    """The finance bureau pays nothing further without acceptance. What a payment was for is not in the register: one
    after the trial run is for the bureau to look at and no breach by itself; earlier ones are part of the contract."""
    paid, began = project.last_payment_on, project.trial_end_on or project.final_acceptance_on
    if paid is None or began is None or paid <= began:
        return None
    return told(
        project,
        Verdict.ADVISORY,
        msg("{reason}; the last payment was on {paid}, see {article}", reason=reason, paid=day(paid),
            article=policy.pack.article("24")),
        remedy=msg("{finance} looks at the payment: nothing further is paid before the acceptance is passed",
                   finance=policy.finance),
    )  # fmt: skip


def _not_sent(inventory: Inventory, policy: Policy, project: Project, said: Message) -> Opinion:
    reason = msg("{said}; the register does not say when its report was sent", said=said)
    gaps = absence_gaps(inventory.coverage, "project")
    if gaps or not keeps(inventory, project, "acceptance_report_on"):
        missing = msg("the day on which the sealed report of {code} was sent, by {department}", code=project.native_id,
                      department=keeper(project))  # fmt: skip
        return told(project, Verdict.UNKNOWN, reason, step=Step.COVERAGE, missing=(missing, *gaps))
    return told(
        project,
        Verdict.FAIL,
        msg("{said}; the register holds no report sent to {finance} and {centre}: it does not meet {article}",
            said=said, finance=policy.finance, centre=policy.centre, article=policy.pack.article("24")),
        from_absence=True,
    )  # fmt: skip


CHECK = Check(
    id="24-report",
    title=msg("The report on the acceptance is sent"),
    articles=("24",),
    clause="24",
    subject_kind="project",
    strength=Strength.MUST,
    reads=("project",),
    enumerates=("project",),
    judge=judge,
    remedy=msg("its department sends the signed and sealed report (Annex 3) and enters the day in the register"),
)
