"""Filing and assessment of classified protection 等级保护备案与测评 (43号, 1846号): of systems and of the cloud.

A filing number 备案证明编号 has 16 digits: region of the accepting police organ (6), unit (5), system (5).
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache

from checks.check import Step, absence_gaps, missing_cell
from checks.dates import add_months
from checks.line import Line
from checks.policy import Policy
from checks.regulation import ConclusionTemplate
from checks.unresolved import may_speak_of, rejected_of_nobody, what_settles
from inventory.finding import PRECEDENCE, Verdict
from inventory.inventory import Inventory, law_date
from inventory.records import MlpsAssessment, MlpsFiling, ProjectKind, System
from inventory.text import Message, msg

_NUMBER = re.compile(r"^\d{11}-?\d{5}$")


@lru_cache(maxsize=1 << 14)
def digits_of(number: str | None) -> str | None:
    """The 16 digits of a filing number, or None if it is not one."""
    if number is None:
        return None
    text = unicodedata.normalize("NFKC", number).strip()
    return text.replace("-", "") if _NUMBER.match(text) else None


@dataclass(frozen=True, slots=True)
class Graded:
    """What is graded 定级对象: a system, or the cloud itself."""

    name: str
    """Code of the system, or name of the platform."""
    keeper: Message
    """Who can supply what is missing."""
    filings: tuple[MlpsFiling, ...]
    assessments: tuple[MlpsAssessment, ...]
    """Newest first, undated last."""
    level: int | None
    """As the register of systems says."""
    in_operation_on: date | None = None
    system: System | None = None
    """None: the cloud itself."""

    @property
    def levels(self) -> frozenset[int]:
        """What the register and the certificates say; several where they disagree."""
        return frozenset(n for n in (self.level, *(f.level for f in self.filings)) if n is not None)

    @property
    def is_platform(self) -> bool:
        """Whether it is the cloud itself."""
        return self.system is None


_BUILDS_NOTHING = frozenset({ProjectKind.OPERATION, ProjectKind.CONSULTING, ProjectKind.TESTING})


def graded_system(inventory: Inventory, system: System) -> Graded:
    """A system as a graded object."""
    builders = (p for p in inventory.projects_of(system) if p.project_kind not in _BUILDS_NOTHING)
    starts = [p.in_operation_on for p in builders if p.in_operation_on is not None]
    if system.built_on is not None:
        starts.append(system.built_on)
    begun = [day for day in starts if day <= law_date(inventory.as_of)]
    keeper = msg("{department}", department=system.department) if system.department else msg("the building department")
    return Graded(
        name=system.native_id,
        keeper=keeper,
        filings=inventory.filings_of(system),
        assessments=inventory.assessments_of(system),
        level=system.mlps_level,
        # The latest: a rebuilt system goes into operation again. A day to come excuses nothing that already runs.
        in_operation_on=max(begun) if begun else min(starts, default=None),
        system=system,
    )


def graded_platform(inventory: Inventory, policy: Policy) -> Graded:
    """The government cloud as a graded object."""
    numbers = platform_numbers(inventory, policy)
    reports = [a for a in inventory.assessments if a.is_platform or digits_of(a.filing_number) in numbers]
    reports = [a for a in reports if a.is_platform or a.system is None]
    return Graded(
        name=policy.platform_name,
        keeper=policy.centre,
        filings=tuple(f for f in inventory.filings if f.is_platform or _is_unowned(inventory, f, numbers)),
        assessments=tuple(
            sorted(reports, key=lambda a: (a.reported_on is None, -(a.reported_on or date.min).toordinal(), a.key))
        ),
        level=None,
    )


def _is_unowned(inventory: Inventory, filing: MlpsFiling, numbers: frozenset[str]) -> bool:
    """A row with the cloud's number that is no registered system's: the cloud's own, under whatever name."""
    is_system = filing.system is not None and inventory.system(filing.system) is not None
    return digits_of(filing.number) in numbers and not is_system


def platform_numbers(inventory: Inventory, policy: Policy) -> frozenset[str]:
    """Filing numbers of the cloud itself, digits only."""
    numbers = {digits_of(f.number) for f in inventory.filings if f.is_platform}
    numbers.add(digits_of(policy.platform_filing_number))
    return frozenset(n for n in numbers if n is not None)


def level_line(graded: Graded) -> int | Line:
    """The level, or why it is not known."""
    said = graded.levels
    if len(said) == 1:
        return next(iter(said))
    if said:
        return Line(
            verdict=Verdict.UNKNOWN,
            reason=msg(
                "register and certificates disagree on the level of {name}: {levels}",
                name=graded.name,
                levels=", ".join(str(level) for level in sorted(said)),
            ),
            missing=(msg("the level of {name} in force, by {keeper}", name=graded.name, keeper=graded.keeper),),
            evidence=tuple(f.key for f in graded.filings),
        )
    return Line(
        verdict=Verdict.UNKNOWN,
        reason=msg("the protection level of {name} is not known", name=graded.name),
        missing=(msg("the grading report of {name}, by {keeper}", name=graded.name, keeper=graded.keeper),),
        evidence=tuple(f.key for f in graded.filings),
    )


def not_filed_line(policy: Policy, graded: Graded, level: int) -> Line | None:
    """That a system of this level is neither filed nor assessed; None if it must be."""
    if level >= policy.parameters.filing_lowest_level:
        return None
    return Line(
        verdict=Verdict.NOT_APPLICABLE,
        decided_by=Step.KIND,
        reason=msg("{name} is of level {level}: only level 2 and above is filed and assessed", name=graded.name,
                   level=level),
    )  # fmt: skip


# ── filing 备案 ───────────────────────────────────────────────────────────────────────────────────────────────────────


def filing_line(inventory: Inventory, policy: Policy, graded: Graded) -> Line:
    """What the filing certificates say; of several, the best counts."""
    today = law_date(inventory.as_of)
    if not graded.filings:
        return _no_filing(inventory, policy, graded, today)
    lines = [_certificate_line(inventory, policy, graded, f, today) for f in graded.filings]
    best = (Verdict.PASS, Verdict.ADVISORY, Verdict.UNKNOWN, Verdict.FAIL)
    line = min(lines, key=lambda line: best.index(line.verdict))
    return _where_whole(inventory, line, "mlps_filing")


def _where_whole(inventory: Inventory, line: Line, *kinds: str) -> Line:
    """A pass says that no other row contradicts (a number used twice, a newer report): half a ledger cannot say it."""
    if line.verdict is not Verdict.PASS or not (gaps := absence_gaps(inventory.coverage, *kinds)):
        return line
    return replace(
        line,
        verdict=Verdict.UNKNOWN,
        decided_by=Step.COVERAGE,
        reason=msg("{reason}; but the ledger was not seen completely, and another row may contradict it",
                   reason=line.reason),
        missing=gaps,
    )  # fmt: skip


def _no_filing(inventory: Inventory, policy: Policy, graded: Graded, today: date) -> Line:
    if gaps := absence_gaps(inventory.coverage, "mlps_filing"):
        return Line(
            verdict=Verdict.UNKNOWN,
            decided_by=Step.COVERAGE,
            reason=msg("no filing certificate of {name} was seen, in a ledger that is not complete", name=graded.name),
            missing=gaps,
        )
    rows = may_speak_of(inventory, inventory.filings, graded.system)
    if lost := (*what_settles(policy, rows), *rejected_of_nobody(inventory, "mlps_filing")):
        return Line(
            verdict=Verdict.UNKNOWN,
            decided_by=Step.COVERAGE,
            reason=msg("no filing certificate of {name} was seen, but rows of the ledger speak of nobody that the "
                       "register has", name=graded.name),
            missing=lost,
            evidence=tuple(r.key for r in rows),
        )  # fmt: skip
    days = policy.parameters.filing_days_after_operation
    started = graded.in_operation_on
    if started is not None and today <= (due := started + timedelta(days=days)):
        return Line(
            verdict=Verdict.ADVISORY,
            reason=msg(
                "{name} is not filed yet; in operation since {date}, due by {due}",
                name=graded.name,
                date=started.isoformat(),
                due=due.isoformat(),
            ),
            from_absence=True,
        )
    return Line(
        verdict=Verdict.FAIL,
        reason=msg("the ledger of filings was read to its end: no certificate of {name} is in it", name=graded.name),
        from_absence=True,
    )


def _certificate_line(inventory: Inventory, policy: Policy, graded: Graded, filing: MlpsFiling, today: date) -> Line:
    number = filing.number
    evidence = (filing.key,)
    if filing.number_unreliable or number is None:
        what = (
            msg("the filing number of {name} stands in a number cell, which keeps 15 digits only", name=graded.name)
            if filing.number_unreliable
            else msg("the certificate of {name} is listed without its number", name=graded.name)
        )
        return Line(
            verdict=Verdict.UNKNOWN,
            reason=what,
            missing=(
                msg("the filing number of {name} as text, off the certificate, by {keeper}", name=graded.name,
                    keeper=graded.keeper),
            ),
            evidence=evidence,
        )  # fmt: skip
    digits = digits_of(number)
    if digits is None:
        return Line(
            verdict=Verdict.FAIL,
            reason=msg(
                "{number} of {name} is no filing number: expected 11 + 5 digits", number=number, name=graded.name
            ),
            remedy=msg("enter the number off the certificate, or file the system"),
            evidence=evidence,
        )
    reused = None if graded.is_platform else _reused_line(inventory, policy, graded, filing, digits)
    return (
        reused
        or _region_line(policy, graded, filing, digits)
        or _validity_line(inventory, policy, graded, filing, today)
    )


def _reused_line(inventory: Inventory, policy: Policy, graded: Graded, filing: MlpsFiling, digits: str) -> Line | None:
    if digits in platform_numbers(inventory, policy):
        return Line(
            verdict=Verdict.FAIL,
            reason=msg(
                "{number} of {name} is the filing number of the government cloud itself: a tenant's system is graded "
                "and filed on its own",
                number=filing.number or digits,
                name=graded.name,
            ),
            remedy=msg("file the system itself at the public security organ"),
            evidence=(filing.key,),
        )
    others = [f for f in inventory.filings if not f.is_platform and f.system not in (None, filing.system)]
    shared = [f for f in others if digits_of(f.number) == digits and not f.number_unreliable]
    if not shared:
        return None
    reason = msg(
        "{number} of {name} is also given as the filing number of {others}",
        number=filing.number or digits,
        name=graded.name,
        others=", ".join(sorted({f.system or "" for f in shared})),
    )
    evidence = (filing.key, *(f.key for f in shared))
    open_rows = may_speak_of(inventory, shared, graded.system)
    if len(open_rows) == len(shared):
        # What they call it may be another name of this very system.
        return Line(verdict=Verdict.UNKNOWN, reason=reason, missing=what_settles(policy, open_rows), evidence=evidence)
    return Line(
        verdict=Verdict.FAIL,
        reason=reason,
        remedy=msg("enter each system's own number, or file the system that has none"),
        evidence=evidence,
    )


def _region_line(policy: Policy, graded: Graded, filing: MlpsFiling, digits: str) -> Line | None:
    """The first six digits are the organ that accepted the filing, not the home of the system."""
    region = digits[:6]
    if not policy.filing_regions or region in policy.filing_regions:
        return None
    is_near = any(region[:2] == known[:2] for known in policy.filing_regions)
    reason = msg(
        "{number} of {name} was issued in region {region}; expected {expected}",
        number=filing.number or digits,
        name=graded.name,
        region=region,
        expected=", ".join(policy.filing_regions),
    )
    return Line(
        verdict=Verdict.ADVISORY if is_near else Verdict.FAIL,
        reason=reason,
        remedy=msg(
            "compare the number with the certificate; a foreign certificate is replaced by one of the own organ"
        ),
        evidence=(filing.key,),
    )


def filing_expiry(policy: Policy, filing: MlpsFiling, assessments: Iterable[MlpsAssessment]) -> date | None:
    """Last day of the certificate; None where nothing says when it was filed.

    As the ledger states it, else three years from filing (from 2025-01-01 where it is older), a year more for each
    assessment since then (公网安〔2025〕1846号 Q6): of those given, which are to be the ones that have been made.
    """
    if filing.valid_to is not None:
        return filing.valid_to
    if filing.filed_on is None:
        return None
    start = max(filing.filed_on, policy.parameters.filing_valid_from)
    extensions = sum(1 for a in assessments if a.reported_on is not None and a.reported_on >= start)
    return add_months(start, 12 * (policy.parameters.filing_valid_years + extensions))


def made_by(assessments: Iterable[MlpsAssessment], today: date) -> tuple[MlpsAssessment, ...]:
    """The assessments that the day has seen: one that is dated later extends nothing yet."""
    return tuple(a for a in assessments if a.reported_on is not None and a.reported_on <= today)


def _validity_line(inventory: Inventory, policy: Policy, graded: Graded, filing: MlpsFiling, today: date) -> Line:
    evidence = (filing.key,)
    number = filing.number or ""
    expiry = filing_expiry(policy, filing, made_by(graded.assessments, today))
    if filing.filed_on is not None and filing.filed_on > today:
        return Line(
            verdict=Verdict.UNKNOWN,
            reason=msg("{number} of {name} is dated {date}, after this scan", number=number, name=graded.name,
                       date=filing.filed_on.isoformat()),
            missing=(msg("the filing date of {name}, by {keeper}", name=graded.name, keeper=graded.keeper),),
            evidence=evidence,
        )  # fmt: skip
    if expiry is not None and expiry < today:
        return _expired_line(inventory, graded, filing, expiry, today)
    deadline = policy.parameters.refiling_deadline
    is_old = filing.template == "2007" and today > deadline
    if is_old and (filing.filed_on is None or filing.filed_on < policy.parameters.filing_valid_from):
        return Line(
            verdict=Verdict.ADVISORY,
            reason=msg(
                "{number} of {name} still stands on the 2007 template; it was to be filed again by {deadline}",
                number=number,
                name=graded.name,
                deadline=deadline.isoformat(),
            ),
            remedy=msg("file again on the 2025 template"),
            evidence=evidence,
        )
    return Line(
        verdict=Verdict.PASS,
        reason=msg("{name} is filed as {number}, level {level}, valid until {expiry}", name=graded.name, number=number,
                   level=filing.level or "-", expiry=expiry.isoformat() if expiry else "-"),
        evidence=evidence,
    )  # fmt: skip


def number_words(filings: Iterable[MlpsFiling]) -> tuple[str, ...]:
    """The filings' numbers in each form in which a ledger may write them."""
    digits = (digits_of(f.number) for f in filings)
    written = {f.number for f in filings} | {form for d in digits if d for form in (d, f"{d[:11]}-{d[11:]}")}
    return tuple(sorted(n for n in written if n))


def _unread_reports(inventory: Inventory) -> tuple[Message, ...]:
    """What of the ledger of assessments was not read, single rows included."""
    cells = inventory.coverage.gaps("mlps_assessment")
    return absence_gaps(inventory.coverage, "mlps_assessment") or tuple(map(missing_cell, cells))


def _expired_line(inventory: Inventory, graded: Graded, filing: MlpsFiling, expiry: date, today: date) -> Line:
    """An assessment in the certificate's last year may have extended it without the ledger saying so."""
    reason = msg(
        "{number} of {name} expired on {expiry}",
        number=filing.number or "",
        name=graded.name,
        expiry=expiry.isoformat(),
    )
    if gaps := _unread_reports(inventory):
        return Line(
            verdict=Verdict.UNKNOWN,
            decided_by=Step.COVERAGE,
            reason=msg("{reason}; but not all assessments were read, and each extends a certificate", reason=reason),
            missing=gaps,
            evidence=(filing.key,),
        )
    late = [a for a in made_by(graded.assessments, today) if (a.reported_on or today) > add_months(expiry, -12)]
    if filing.valid_to is not None and late:
        return Line(
            verdict=Verdict.UNKNOWN,
            reason=reason,
            missing=(
                msg(
                    "whether the assessment of {date} extended the certificate of {name}, by {keeper}",
                    date=late[0].reported_on.isoformat() if late[0].reported_on else "-",
                    name=graded.name,
                    keeper=graded.keeper,
                ),
            ),
            evidence=(filing.key, *(a.key for a in late)),
        )
    return Line(
        verdict=Verdict.FAIL,
        reason=reason,
        remedy=msg("apply for an extension at the public security organ that accepted the filing"),
        evidence=(filing.key,),
    )


# ── assessment 测评 ───────────────────────────────────────────────────────────────────────────────────────────────────


def assessment_line(inventory: Inventory, policy: Policy, graded: Graded, level: int) -> Line:
    """What the newest assessment report says: is it in the period of the level, is its conclusion acceptable."""
    today = law_date(inventory.as_of)
    dated = [a for a in graded.assessments if a.reported_on is not None]
    undated = [a for a in graded.assessments if a.reported_on is None]
    if not graded.assessments:
        return _no_assessment(inventory, policy, graded, level, today)
    if not dated:
        return _asks(undated, msg("the assessment report of {name} has no date", name=graded.name),
                     msg("date of the assessment report of {name}, by {keeper}", name=graded.name,
                         keeper=graded.keeper))  # fmt: skip
    newest = dated[0]
    report = msg("the assessment report itself, to compare date, conclusion and numbers, by {keeper}",
                 keeper=graded.keeper)  # fmt: skip
    if (newest.reported_on or today) > today:
        doubt = msg("the assessment report of {name} is dated {date}, after this scan", name=graded.name,
                    date=_date_of(newest))  # fmt: skip
        return _asks([newest], doubt, report)
    lines = [_period_line(inventory, policy, graded, newest, level, today)]
    template = policy.template_of(newest.reported_on or today)
    for one in (a for a in dated if a.reported_on == newest.reported_on):
        if (concern := _doubt(template, graded, one)) is not None:
            lines.append(_asks([one], concern, report))
        elif template is not None and one.conclusion in template.unacceptable:
            lines.append(
                Line(
                    verdict=Verdict.FAIL,
                    reason=msg(
                        "the assessment of {name} on {date} concludes {conclusion}",
                        name=graded.name,
                        date=_date_of(one),
                        conclusion=one.conclusion or "-",
                    ),
                    remedy=msg("rectify what the report lists and have the system assessed again"),
                    evidence=(one.key,),
                )
            )
    worst = min(lines, key=lambda line: PRECEDENCE.index(line.verdict))
    return _unless_others_speak(inventory, policy, graded, worst, newest)


def _unless_others_speak(
    inventory: Inventory, policy: Policy, graded: Graded, worst: Line, newest: MlpsAssessment
) -> Line:
    """What the newest report says, where no other one may be newer: without a date, or on nobody whom one knows."""
    undated = [a for a in graded.assessments if a.reported_on is None]
    if undated and not (worst.verdict is Verdict.PASS and all(_is_good(policy, a) for a in undated)):
        return _asks(undated, msg("an assessment report of {name} has no date: it may be the newest", name=graded.name),
                     msg("date of the assessment report of {name}, by {keeper}", name=graded.name,
                         keeper=graded.keeper))  # fmt: skip
    rows = _unresolved_reports(inventory, graded, newest)
    numbers = {digits_of(f.number) for f in graded.filings} - {None}
    own = [r for r in rows if _filing_digits(r) in numbers]
    if own:
        return _open_line(graded, own, worst.reason, what_settles(policy, own))
    if worst.from_absence and (lost := _lost_reports(inventory, policy, rows)):
        return _open_line(graded, rows, worst.reason, lost)
    return _where_whole(inventory, worst, "mlps_assessment", "mlps_filing")


def _is_good(policy: Policy, report: MlpsAssessment) -> bool:
    """Whether its conclusion is acceptable whatever its day: in every template that knows it."""
    templates = policy.parameters.conclusions
    bad = {word for t in templates for word in t.unacceptable}
    good = {word for t in templates for word in t.acceptable}
    return report.conclusion in good - bad


def _filing_digits(report: MlpsAssessment) -> str | None:
    """The filing number that a report names, itself or in its own number."""
    return digits_of(report.filing_number) or digits_of((report.report_number or "")[:17].rstrip("-"))


def _unresolved_reports(
    inventory: Inventory, graded: Graded, newest: MlpsAssessment | None = None
) -> tuple[MlpsAssessment, ...]:
    """Reports that may be on it, later than its newest: a number that somebody else filed is not on it."""
    own = {d for f in graded.filings if (d := digits_of(f.number)) is not None}
    taken = {d for f in inventory.filings if (d := digits_of(f.number)) is not None} - own
    since = newest.reported_on if newest is not None else None
    return tuple(
        r
        for r in may_speak_of(inventory, inventory.assessments, graded.system)
        if _filing_digits(r) not in taken and (since is None or r.reported_on is None or r.reported_on > since)
    )


def _lost_reports(inventory: Inventory, policy: Policy, rows: Sequence[MlpsAssessment]) -> tuple[Message, ...]:
    return (*what_settles(policy, rows), *rejected_of_nobody(inventory, "mlps_assessment"))


def _open_line(graded: Graded, rows: Sequence[MlpsAssessment], reason: Message, missing: tuple[Message, ...]) -> Line:
    return Line(
        verdict=Verdict.UNKNOWN,
        decided_by=Step.COVERAGE,
        reason=msg("{reason}; but reports speak of nobody that the register has, and may be on {name}", reason=reason,
                   name=graded.name),
        missing=missing,
        evidence=tuple(r.key for r in rows),
    )  # fmt: skip


def _asks(reports: Sequence[MlpsAssessment], reason: Message, missing: Message) -> Line:
    return Line(verdict=Verdict.UNKNOWN, reason=reason, missing=(missing,), evidence=tuple(a.key for a in reports))


def _date_of(assessment: MlpsAssessment) -> str:
    return assessment.reported_on.isoformat() if assessment.reported_on else "-"


def next_assessment(policy: Policy, newest: MlpsAssessment, level: int) -> date | None:
    """Last day on which the next report is in time; None where the level has no period or the report no date."""
    months = policy.assessment_months(level)
    if months is None or newest.reported_on is None:
        return None
    return add_months(newest.reported_on, months)


def _period_line(
    inventory: Inventory, policy: Policy, graded: Graded, newest: MlpsAssessment, level: int, today: date
) -> Line:
    """That there is no newer report follows from its absence: where the ledger was cut short, it is open."""
    due = next_assessment(policy, newest, level)
    said = msg(
        "{name}, level {level}, was assessed on {date}: {conclusion}; the next report is due by {due}",
        name=graded.name,
        level=level,
        date=_date_of(newest),
        conclusion=newest.conclusion or "-",
        due=due.isoformat() if due else "-",
    )
    if due is None or today <= due:
        return Line(verdict=Verdict.PASS, reason=said, evidence=(newest.key,))
    if gaps := absence_gaps(inventory.coverage, "mlps_assessment"):
        return Line(
            verdict=Verdict.UNKNOWN, reason=said, missing=gaps, evidence=(newest.key,), decided_by=Step.COVERAGE
        )
    return Line(verdict=_missed(policy, level), reason=said, evidence=(newest.key,), from_absence=True)


def _missed(policy: Policy, level: int) -> Verdict:
    """A missed period binds from level 3; for level 2 it is practice."""
    return Verdict.FAIL if level >= policy.parameters.assessment_binding_level else Verdict.ADVISORY


def _no_assessment(inventory: Inventory, policy: Policy, graded: Graded, level: int, today: date) -> Line:
    if gaps := absence_gaps(inventory.coverage, "mlps_assessment"):
        return Line(
            verdict=Verdict.UNKNOWN,
            decided_by=Step.COVERAGE,
            reason=msg("no assessment of {name} was seen, in a ledger that is not complete", name=graded.name),
            missing=gaps,
        )
    rows = _unresolved_reports(inventory, graded)
    if lost := _lost_reports(inventory, policy, rows):
        return _open_line(graded, rows, msg("no report on {name} was seen", name=graded.name), lost)
    months = policy.assessment_months(level)
    started = graded.in_operation_on
    if months is not None and started is not None and today <= (due := add_months(started, months)):
        return Line(
            verdict=Verdict.ADVISORY,
            reason=msg(
                "{name}, level {level}, is not assessed yet; in operation since {date}, due by {due}",
                name=graded.name,
                level=level,
                date=started.isoformat(),
                due=due.isoformat(),
            ),
            from_absence=True,
        )
    return Line(
        verdict=_missed(policy, level),
        reason=msg(
            "the ledger of assessments was read to its end: no report on {name}, level {level}, is in it",
            name=graded.name,
            level=level,
        ),
        from_absence=True,
    )


def _doubt(template: ConclusionTemplate | None, graded: Graded, report: MlpsAssessment) -> Message | None:
    """What keeps the report from being believed as the ledger gives it."""
    conclusion = report.conclusion
    if conclusion is None:
        return msg("the assessment of {name} on {date} is listed without its conclusion", name=graded.name,
                   date=_date_of(report))  # fmt: skip
    if template is None or conclusion not in (*template.acceptable, *template.unacceptable):
        return msg(
            "the conclusion {conclusion} does not belong to the report template of {date}",
            conclusion=conclusion,
            date=_date_of(report),
        )
    own = {d for f in graded.filings if (d := digits_of(f.number)) is not None}
    named = _filing_digits(report)
    if own and named is not None and named not in own:
        return msg(
            "the assessment report of {name} speaks of filing {number}, which is not its own",
            name=graded.name,
            number=report.filing_number or named,
        )
    return _number_doubt(graded, report) or _score_doubt(template, report)


_REPORT_NUMBER = re.compile(r"^\d{11}-?\d{5}-(\d{2})-\d{4}-\d{2}$")
"""测评报告编号: filing number, year, body, serial."""


def _number_doubt(graded: Graded, report: MlpsAssessment) -> Message | None:
    """The year in the report's number against its date; a report may be dated early in the next year."""
    found = _REPORT_NUMBER.match(unicodedata.normalize("NFKC", report.report_number or "").strip())
    on = report.reported_on
    if found is None or on is None or 2000 + int(found[1]) in (on.year, on.year - 1):
        return None
    return msg(
        "the number {number} of the report on {name} names the year 20{year}, the report is dated {date}",
        number=report.report_number or "-",
        name=graded.name,
        year=found[1],
        date=_date_of(report),
    )


def _score_doubt(template: ConclusionTemplate, report: MlpsAssessment) -> Message | None:
    """Score and risks against the conclusion; the borders 60 and 90 are not spelled out and pass either way."""
    score, conclusion = report.score, report.conclusion
    contradicts = False
    if template.template == "2025":
        contradicts = conclusion == "符合" and bool(report.major_risks)
        if score is not None:
            contradicts |= (conclusion == "符合" and score < 90) or (conclusion == "基本符合" and score < 60)
    elif score is not None:
        lowest = {"优": 90, "良": 80, "中": 70}.get(conclusion or "", 0)
        contradicts = score < lowest
    if not contradicts:
        return None
    return msg(
        "the conclusion {conclusion} contradicts the score {score} and {risks} major risk(s)",
        conclusion=conclusion or "-",
        score="-" if score is None else f"{score:g}",
        risks="-" if report.major_risks is None else str(report.major_risks),
    )
