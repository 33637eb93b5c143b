"""What the checks on projects say, whole: Arts. 18, 23(2), 23(7), 23(8), 24 and 26."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from typing import Any

import builders as b
import msgspec
from told import Case

from inventory.coverage import CellState
from inventory.finding import Verdict
from inventory.history import Concluded, History, Night, days_between, host_key
from inventory.hosts import Place
from inventory.inventory import Inventory
from inventory.records import Funding, Level, ProjectKind, SharingType
from inventory.settings import PolicyChoices
from inventory.text import msg

TODAY = b.TODAY
TOMORROW = date(2026, 11, 24)
HALF_REGISTER = b.coverage(b.cell(b.REGISTER, "project", CellState.PARTIAL))
HALF_SYSTEMS = b.coverage(b.cell(b.REGISTER, "system", CellState.PARTIAL))
NO_DEPARTMENT: dict[str, Any] = {"department": None}
DONE = b.project(
    "P-9", systems=(), awarded_on=date(2024, 3, 1), supervision_applied_on=date(2024, 3, 4),
    final_acceptance_on=date(2024, 9, 1), in_operation_on=date(2024, 9, 1), acceptance_report_on=date(2024, 9, 3),
    self_evaluation_on=date(2025, 10, 1),
)  # fmt: skip
"""A project beside it that has every date: so the register keeps them, and an empty cell says that it is not done."""


def alone(**given: Any) -> Inventory:
    return b.inventory(projects=(b.project(systems=(), **given),))


def beside(**given: Any) -> Inventory:
    return b.inventory(projects=(b.project(systems=(), **given), DONE))


def half(**given: Any) -> Inventory:
    """The same in a register that was cut short."""
    return b.inventory(projects=(b.project(systems=(), **given), DONE), coverage=HALF_REGISTER)


GATES: dict[str, Case] = {
    "not paid from public funds": alone(funding=Funding.NON_FISCAL),
    "funding not said": alone(funding=None),
    "a project of the province": alone(level=Level.PROVINCE),
    "a project of the state": alone(level=Level.STATE),
    "design consulting": alone(project_kind=ProjectKind.CONSULTING),
    "kind not said, nobody's department": alone(project_kind=None, **NO_DEPARTMENT),
}
"""Whom Chapters 5 and 6 do not reach: Arts. 2, 17 and 21."""

ACCEPTED_2023 = {"awarded_on": date(2021, 1, 1), "final_acceptance_on": date(2024, 1, 14)}
LEGACY_GATES: dict[str, Case] = {
    **GATES,
    "accepted on the last day before the regulation": alone(**ACCEPTED_2023),
    "an old contract, and no date of acceptance": alone(awarded_on=date(2021, 1, 1)),
}
"""And, by Art. 30, what was accepted before it was in force."""

REPORT = {"final_acceptance_on": date(2026, 8, 1)}
SUNK = {"acceptance_conclusion": "未通过", **REPORT}
ACCEPTANCE_REPORT: dict[str, Case] = {
    **LEGACY_GATES,
    "not accepted yet": alone(),
    "to be accepted tomorrow": alone(final_acceptance_on=TOMORROW),
    "accepted today, reported today": alone(final_acceptance_on=TODAY, acceptance_report_on=TODAY),
    "reported the day before the acceptance": alone(acceptance_report_on=date(2026, 7, 31), **REPORT),
    "reported tomorrow": alone(acceptance_report_on=TOMORROW, **REPORT),
    "no report, in a register that keeps the day": beside(**REPORT),
    "no report, in a register that does not keep the day": alone(**REPORT),
    "no report, in a register that was cut short": half(**REPORT),
    "no report, and a payment since": beside(last_payment_on=date(2026, 9, 1), **REPORT),
    "the acceptance was not passed": alone(**SUNK),
    "not passed, paid since": alone(last_payment_on=date(2026, 8, 2), **SUNK),
    "not passed, paid on the day itself": alone(last_payment_on=date(2026, 8, 1), **SUNK),
    "not accepted, paid after the trial run": alone(trial_end_on=date(2026, 6, 1), last_payment_on=date(2026, 6, 2)),
    "not accepted, paid on the last day of the trial run": alone(
        trial_end_on=date(2026, 6, 1), last_payment_on=date(2026, 6, 1)
    ),
    "not passed, paid between trial run and acceptance": alone(
        trial_end_on=date(2026, 6, 1), last_payment_on=date(2026, 7, 1), **SUNK
    ),
    "whether it was passed is not plain": alone(acceptance_conclusion="部分通过", **REPORT),
    "an old contract, not passed on the regulation's first day": alone(
        awarded_on=date(2021, 1, 1), final_acceptance_on=date(2024, 1, 15), acceptance_conclusion="未通过"
    ),
    "an old contract, not passed on the day before": alone(acceptance_conclusion="未通过", **ACCEPTED_2023),
}

SOFTWARE = {"is_platform_project": True, "collects_data": False}
TESTED = {"software_report": "R-1", "software_report_on": date(2026, 5, 1), "software_conclusion": "通过", **SOFTWARE}
REPORTS: dict[str, Case] = {
    "not paid from public funds, beside one that is": b.inventory(
        projects=(b.project(systems=(), funding=Funding.NON_FISCAL), b.project("P-2", systems=(), **SOFTWARE))
    ),
    "accepted on the last day before the regulation": alone(**ACCEPTED_2023),
    "neither a platform nor a collection of data": alone(is_platform_project=False, collects_data=False),
    "the register says neither": alone(),
    "a platform, data not said": alone(is_platform_project=True),
    "both are asked and neither is there": alone(is_platform_project=True, collects_data=True),
    "a platform without its report, not accepted yet": alone(**SOFTWARE),
    "a platform without its report, accepted": alone(**SOFTWARE, **REPORT),
    "tested, and it passed": alone(**TESTED),
    "tested today": alone(**{**TESTED, "software_report_on": TODAY}),
    "tested tomorrow": alone(**{**TESTED, "software_report_on": TOMORROW}),
    "tested tomorrow, and it did not pass": alone(
        **{**TESTED, "software_report_on": TOMORROW, "software_conclusion": "不合格"}
    ),
    "tested, and it did not pass": alone(**{**TESTED, "software_conclusion": "不合格"}),
    "a report without its day": alone(**{**TESTED, "software_report_on": None}),
    "a report without its conclusion": alone(**{**TESTED, "software_conclusion": None}),
    "a report without its number": alone(**{**TESTED, "software_report": None}),
    "tested on the day of the acceptance": alone(**{**TESTED, "software_report_on": date(2026, 8, 1)}, **REPORT),
    "tested the day after the acceptance": alone(**{**TESTED, "software_report_on": date(2026, 8, 2)}, **REPORT),
    "data inspected, and not a platform": alone(
        is_platform_project=False, collects_data=True, data_report="D-1", data_report_on=date(2026, 5, 2),
        data_conclusion="合格",
    ),
    "both reports, one of them bad": alone(
        **{**TESTED, "collects_data": True}, data_report="D-1", data_report_on=date(2026, 5, 2),
        data_conclusion="不合格",
    ),
    "both reports bad": alone(
        **{**TESTED, "collects_data": True, "software_conclusion": "不通过"}, data_report="D-1",
        data_report_on=date(2026, 5, 2), data_conclusion="不合格",
    ),
}  # fmt: skip

RUNS = {"final_acceptance_on": date(2024, 8, 1), "in_operation_on": date(2024, 9, 1)}
"""The window: 2025-09-01 to 2026-09-01."""
EVALUATION: dict[str, Case] = {
    **LEGACY_GATES,
    "not accepted yet": alone(),
    "the acceptance was not passed": alone(acceptance_conclusion="不通过", **RUNS),
    "accepted, in operation since an unknown day": alone(final_acceptance_on=date(2024, 8, 1)),
    "the window opens tomorrow": alone(final_acceptance_on=date(2025, 11, 24), in_operation_on=date(2025, 11, 24)),
    "the window opens today": alone(final_acceptance_on=date(2025, 11, 23), in_operation_on=date(2025, 5, 1)),
    "the window closes today": beside(final_acceptance_on=date(2024, 11, 23), in_operation_on=date(2024, 11, 1)),
    "the window closed yesterday": beside(final_acceptance_on=date(2024, 11, 22), in_operation_on=date(2024, 11, 1)),
    "closed, in a register that does not keep the day": alone(**RUNS),
    "closed, in a register that was cut short": half(**RUNS),
    "evaluated on the first day": alone(self_evaluation_on=date(2025, 9, 1), **RUNS),
    "evaluated the day before": alone(self_evaluation_on=date(2025, 8, 31), **RUNS),
    "evaluated on the last day": alone(self_evaluation_on=date(2026, 9, 1), **RUNS),
    "evaluated the day after": alone(self_evaluation_on=date(2026, 9, 2), **RUNS),
    "evaluated today, the last day": alone(
        final_acceptance_on=date(2024, 11, 23), in_operation_on=date(2024, 11, 1), self_evaluation_on=TODAY
    ),
    "evaluated tomorrow, a day too late": beside(
        final_acceptance_on=date(2024, 11, 22), in_operation_on=date(2024, 11, 1), self_evaluation_on=TOMORROW
    ),
}

FEBRUARY = {"awarded_on": date(2026, 2, 12)}
"""A Thursday; off from Sunday 15 to Monday 23, worked on Saturday 14: five working days are the 13th, 14th, 24th, 25th
and 26th."""
CHRISTMAS = {"awarded_on": date(2026, 12, 28)}
SUPERVISION: dict[str, Case] = {
    **GATES,
    "operation and maintenance": alone(project_kind=ProjectKind.OPERATION),
    "day of the award not said": alone(awarded_on=None),
    "awarded on the last day before the regulation": alone(awarded_on=date(2024, 1, 14)),
    "awarded on its first day, applied on the fifth working day": alone(
        awarded_on=date(2024, 1, 15), supervision_applied_on=date(2024, 1, 22)
    ),
    "applied on the last day": alone(supervision_applied_on=date(2026, 2, 26), **FEBRUARY),
    "applied the day after": alone(supervision_applied_on=date(2026, 2, 27), **FEBRUARY),
    "applied today": alone(awarded_on=date(2026, 11, 20), supervision_applied_on=TODAY),
    "applied tomorrow": alone(awarded_on=date(2026, 11, 20), supervision_applied_on=TOMORROW),
    "due today, not applied": alone(awarded_on=date(2026, 11, 16)),
    "due yesterday, not applied": beside(awarded_on=date(2026, 11, 13)),
    "past, in a register that does not keep the day": alone(**FEBRUARY),
    "past, in a register that was cut short": half(**FEBRUARY),
    "due in a year that nobody knows, not applied": (
        b.inventory(projects=(b.project(systems=(), **CHRISTMAS),), as_of=b.NIGHT.replace(month=12, day=30))
    ),
    "due in a year that nobody knows, possibly past": (
        b.inventory(projects=(b.project(systems=(), **CHRISTMAS),), as_of=b.NIGHT.replace(year=2027, month=1, day=10))
    ),
    "due in a year that nobody knows, past whatever is announced": (
        b.inventory(
            projects=(b.project(systems=(), **CHRISTMAS), DONE), as_of=b.NIGHT.replace(year=2027, month=1, day=27)
        )
    ),
    "due in a year that nobody knows, possibly past until its last border": (
        b.inventory(
            projects=(b.project(systems=(), **CHRISTMAS), DONE), as_of=b.NIGHT.replace(year=2027, month=1, day=26)
        )
    ),
    "applied on the last day that may be in time": (
        b.inventory(
            projects=(b.project(systems=(), supervision_applied_on=date(2027, 1, 27), **CHRISTMAS),),
            as_of=b.NIGHT.replace(year=2027, month=2, day=10),
        )
    ),
    "applied on a day that may be too late": (
        b.inventory(
            projects=(b.project(systems=(), supervision_applied_on=date(2027, 1, 5), **CHRISTMAS),),
            as_of=b.NIGHT.replace(year=2027, month=1, day=10),
        )
    ),
}

INITIAL, START = date(2026, 9, 1), date(2026, 9, 3)
"""A month of trial: to 2026-10-03."""
KEY = host_key(b.host())


def nights(*down: date, unseen: Iterable[date] = ()) -> History:
    dark = set(unseen)
    days = (d for d in days_between(START, date(2026, 10, 2)) if d not in dark)
    return History(
        nights=tuple(Night(day=d, running=frozenset() if d in down else frozenset({KEY}), is_whole=True) for d in days)
    )


def lent() -> History:
    """A second machine, which the system had in the month and has no more; on the tenth it ran for another one."""
    second = "host/second"
    return History(
        nights=tuple(
            msgspec.structs.replace(
                night, running=night.running | {second},
                components={"S-2" if night.day == THE_TENTH else "S-1": frozenset({second})},
            )
            for night in nights().nights
        )
    )  # fmt: skip


def settled_by(due: str, verdict: Verdict = Verdict.PASS) -> History:
    """No night any more, and what scan 40 concluded of the month until that day."""
    said = msg("initial acceptance of {code} on {initial}, trial run since {start}, a month of it until {due}",
               code="P-1", initial="2026-09-01", start="2026-09-03", due=due)  # fmt: skip
    reason = msg(
        "{said}; all of its {components} component(s) were seen running on {running} of {covered} day(s) covered by "
        "scans, out of {days}", said=said, components=1, running=30, covered=30, days=30,
    )  # fmt: skip
    return History(concluded={"P-1": Concluded(scan=40, day=date(2026, 10, 10), verdict=verdict, reason=reason,
                                               evidence=(b.project().key, b.system().key))})  # fmt: skip


def trial(history: History | None = None, **given: Any) -> Inventory:
    steps = {"initial_acceptance_on": INITIAL, "trial_start_on": START, **given}
    return b.city(projects=(b.project(**steps),), history=nights() if history is None else history)


def beside_pods(*running: str) -> Inventory:
    """S-1 as a host and a deployment with its pod, and one that is scaled to nothing."""
    deployed = b.workload(workload_kind="Deployment", node=None, replicas=1)
    pods = (deployed, b.workload("web-1", owner_uid="uid-web"), b.workload("job", replicas=0, node=None))
    seen = tuple(
        Night(day=d, running=frozenset(running), is_whole=True) for d in days_between(START, date(2026, 10, 2))
    )
    return b.city(
        projects=(b.project(initial_acceptance_on=INITIAL, trial_start_on=START),), workloads=pods,
        owners={w.key: b.owned() for w in pods}, history=History(nights=seen),
    )  # fmt: skip


THE_TENTH = date(2026, 9, 10)
ALTERNATE = [date(2026, 9, d) for d in range(3, 20, 2)]
TRIAL: dict[str, Case] = {
    **LEGACY_GATES,
    "no step yet": alone(),
    "no initial acceptance": trial(initial_acceptance_on=None),
    "no beginning": trial(trial_start_on=None),
    "begins tomorrow": trial(trial_start_on=TOMORROW),
    "begins today": trial(initial_acceptance_on=TODAY, trial_start_on=TODAY),
    "accepted tomorrow, said to run already": trial(initial_acceptance_on=TOMORROW),
    "ended a day too early": trial(trial_end_on=date(2026, 10, 2)),
    "ended on the day": trial(trial_end_on=date(2026, 10, 3)),
    "accepted for good before the month was over": trial(final_acceptance_on=date(2026, 9, 20)),
    "to end tomorrow, too early": trial(
        initial_acceptance_on=date(2026, 10, 1), trial_start_on=date(2026, 11, 1), trial_end_on=TOMORROW
    ),
    "to be accepted for good in a year": trial(
        initial_acceptance_on=date(2026, 10, 1), trial_start_on=date(2026, 11, 1),
        final_acceptance_on=date(2027, 11, 23),
    ),
    "ended today, too early": trial(
        initial_acceptance_on=date(2026, 10, 1), trial_start_on=date(2026, 11, 1), trial_end_on=TODAY
    ),
    "still running": trial(initial_acceptance_on=date(2026, 10, 1), trial_start_on=date(2026, 10, 24)),
    "full today": trial(initial_acceptance_on=date(2026, 10, 1), trial_start_on=date(2026, 10, 23)),
    "counted from the later of the two days": trial(initial_acceptance_on=date(2026, 9, 5)),
    "every night seen": trial(),
    "a night on which it did not run": trial(nights(THE_TENTH)),
    "a night that nobody saw": trial(nights(unseen=[THE_TENTH])),
    "a night that nobody saw, with its report": trial(nights(unseen=[THE_TENTH]), trial_report="试运行报告"),
    "a night that nobody saw, where one is allowed": (
        trial(nights(unseen=[THE_TENTH])), b.policy(PolicyChoices(trial_gap_days=1))
    ),
    "as many stretches as a sentence names": trial(nights(unseen=ALTERNATE[:6])),
    "more stretches than a sentence names": trial(nights(unseen=ALTERNATE)),
    "a host and a deployment, both seen every night": beside_pods(KEY, "workload/kubernetes:gov/edu/Deployment/web"),
    "a host and a deployment that was not there": beside_pods(KEY),
    "a night that knew one of its parts as another system's": trial(lent()),
    "accepted, its nights gone, concluded before": trial(
        settled_by("2026-10-03"), final_acceptance_on=date(2026, 10, 9)
    ),
    "concluded before, not running on a day": trial(
        settled_by("2026-10-03", Verdict.ADVISORY), final_acceptance_on=date(2026, 10, 9)
    ),
    "concluded before, of one of its systems": replace(
        trial(settled_by("2026-10-03"), final_acceptance_on=date(2026, 10, 9), systems=("S-1", "S-2")),
        systems=(b.system(), b.system("S-2")),
    ),
    "concluded before, and a night that is left shows it down": trial(
        replace(settled_by("2026-10-03"), nights=nights(THE_TENTH).nights[:8]), final_acceptance_on=date(2026, 10, 9)
    ),
    "concluded before, of another month": trial(settled_by("2026-10-02"), final_acceptance_on=date(2026, 10, 9)),
    "nothing that it runs on was found": b.city(
        hosts=(), projects=(b.project(initial_acceptance_on=INITIAL, trial_start_on=START),)
    ),
}  # fmt: skip

TWO = (b.project(systems=("S-1", "S-2")),)
OFF = b.host("edu-db-1", Place.STANDALONE_PHYSICAL)
ACCEPTED = b.project(final_acceptance_on=date(2024, 1, 15), awarded_on=date(2021, 1, 1))
DEPLOYMENT: dict[str, Case] = {
    **LEGACY_GATES,
    "it names no system": alone(),
    "it names no system, and systems may be missing": b.inventory(
        projects=(b.project(systems=()),), coverage=HALF_SYSTEMS
    ),
    "it names a system that the register does not have": b.city(
        projects=(b.project(systems=("S-1", "S-404"), department=None),)
    ),
    "accepted on the regulation's first day, contract from before": b.city(projects=(ACCEPTED,)),
    "accepted before, and one beside it": b.city(projects=(b.project("P-0", systems=(), **ACCEPTED_2023), b.project())),
    "on the cloud": b.city(systems=(b.system(tenants=("edu",)),), **b.listed("edu")),
    "one component off it": b.city(hosts=(b.host(), OFF)),
    "one component off it, another open: the open one would change nothing": b.city(
        hosts=(b.host(), OFF, b.host("x", Place.UNDETERMINED))
    ),
    "one component open": b.city(hosts=(b.host(), b.host("x", Place.UNDETERMINED))),
    "of two systems one was found nowhere": b.city(projects=TWO, systems=(b.system(), b.system("S-2"))),
}

UNMOUNTED = b.entry(resource_id=None, resource_type=None, mounted_on=None)
LAWFUL = b.entry(sharing_type=SharingType.NONE, legal_basis="《保守国家秘密法》第十三条")


def in_period(start: date, end: date) -> Inventory:
    """Calls of which it is not said on which day of the period they were made."""
    return b.city(sharing_uses=(b.use(period_start=start, period_end=end),))


SHARING: dict[str, Case] = {
    "not paid from public funds, beside one that is": b.city(
        projects=(b.project("P-0", funding=Funding.NON_FISCAL, systems=()), b.project())
    ),
    "it names a system that the register does not have": b.city(projects=(b.project(systems=("S-1", "S-404")),)),
    "used": b.city(),
    "mounted, where that is asked": (b.city(sharing_uses=()), b.policy(PolicyChoices(sharing_level=3))),
    "mounted, no calls": b.city(sharing_uses=()),
    "mounted, the log was cut short": b.city(
        sharing_uses=(), coverage=b.coverage(b.cell(b.REGISTER, "sharing_use", CellState.PARTIAL))
    ),
    "mounted, one call that may lie before the window": b.city(
        sharing_uses=(b.use(period_start=date(2026, 7, 1), period_end=date(2026, 9, 30), succeeded=1),)
    ),
    "mounted, calls that may lie on the window's first day": in_period(date(2026, 8, 1), date(2026, 8, 25)),
    "mounted, calls that end the day before": in_period(date(2026, 8, 1), date(2026, 8, 24)),
    "mounted, calls that may be of today": in_period(TODAY, date(2026, 12, 1)),
    "mounted, calls that begin tomorrow": in_period(TOMORROW, date(2026, 12, 1)),
    "mounted, the log does not say the number": b.city(sharing_uses=(b.use(succeeded=None),)),
    "catalogued, no resource named": b.city(sharing_entries=(UNMOUNTED,), sharing_uses=()),
    "nothing": b.city(sharing_entries=(), sharing_uses=()),
    "lawfully refused": b.city(sharing_entries=(LAWFUL,)),
    "two systems, one of them shares": b.city(projects=TWO, systems=(b.system(), b.system("S-2"))),
    "the day before the ordinance": b.city(as_of=b.days_ago(480)),
    "on the ordinance's first day": b.city(as_of=b.days_ago(479)),
}

ACCEPTANCE: dict[str, Case] = {
    "not paid from public funds, beside one that is": b.city(
        projects=(b.project("P-0", funding=Funding.NON_FISCAL, systems=()), b.project())
    ),
    "everything": b.city(),
    "off the cloud and not filed": b.city(hosts=(OFF,), filings=(b.platform_filing(),)),
    "not filed": b.city(filings=(b.platform_filing(),)),
    "not shared": b.city(sharing_uses=()),
    "found nowhere": b.city(hosts=()),
    "a number of another region": b.city(filings=(b.filing("42010012345-00001"), b.platform_filing())),
    "without classified protection, as the policy may choose": (
        b.city(filings=(), assessments=()), b.policy(PolicyChoices(acceptance_needs_mlps=False))
    ),
    "with trial run and reports, as the policy may choose": (
        b.city(), b.policy(PolicyChoices(acceptance_needs_trial_run=True))
    ),
    "with trial run and reports, off the cloud": (
        b.city(hosts=(OFF,)), b.policy(PolicyChoices(acceptance_needs_trial_run=True))
    ),
}  # fmt: skip

CASES: dict[str, dict[str, Case]] = {
    "18-supervision": SUPERVISION,
    "23.2-trial-run": TRIAL,
    "23.7-deployment": DEPLOYMENT,
    "23.7-sharing": SHARING,
    "23.8-reports": REPORTS,
    "23-acceptance": ACCEPTANCE,
    "24-report": ACCEPTANCE_REPORT,
    "26-self-evaluation": EVALUATION,
}
