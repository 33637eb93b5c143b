"""What waivers 豁免 make of findings: a disposition beside the verdict, never another verdict.

A check is always evaluated. A waiver in force takes a breach or an advice out of what is to be done and says by whose
word; it never hides that something could not be seen. It holds through the end of its last day in Asia/Shanghai.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

import msgspec

from checks.dates import add_months
from checks.policy import Policy
from inventory.finding import Finding, Verdict
from inventory.names import normalise
from inventory.text import Message, msg
from inventory.waiver import Disposition, Waiver

WAIVABLE = (Verdict.FAIL, Verdict.ADVISORY)


def told_of(disposition: Disposition) -> Message:
    """The disposition as reports tell it."""
    return msg(
        "waived by {document} (waiver {waiver}), approved by {approver}, until {end}: {reason}",
        document=disposition.document,
        waiver=disposition.waiver,
        approver=disposition.approver,
        end=disposition.expires_on.isoformat(),
        reason=disposition.reason,
    )


class WaiverState(StrEnum):
    """What an audit says of a waiver; several may hold."""

    MATCHED = "matched"
    """在用: a breach or an advice stands and is waived."""
    UNUSED = "unused"
    """未使用: its subject is there, and there is nothing to waive."""
    EXPIRED = "expired"
    """已到期"""
    EXPIRING = "expiring"
    """即将到期"""
    NOT_YET = "not_yet"
    """未生效"""
    DANGLING = "dangling"
    """悬空: nothing of the scan is what it speaks of."""
    TOO_BROAD = "too_broad"
    """过宽: it names no single subject, or fits too much."""
    INVALID = "invalid"
    """无效: it waives nothing, whatever it says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Audited:
    """One waiver, looked at."""

    waiver: Waiver
    states: tuple[WaiverState, ...]
    sentences: tuple[Message, ...]
    """One for each state, in its order."""
    findings: tuple[str, ...] = ()
    """Keys of the findings that it waives, or would waive if it were in force."""

    @property
    def is_in_order(self) -> bool:
        """Whether nobody has to do anything about it."""
        return self.states == (WaiverState.MATCHED,)


def disposed(findings: Iterable[Finding], policy: Policy, today: date) -> tuple[Finding, ...]:
    """The findings, each with the waiver that speaks of it; of several, the one that holds longest."""
    in_force = [w for w in policy.waivers if _holds(w, today) and invalid_because(w, policy) is None]
    by_check: dict[str, list[Waiver]] = {}
    for waiver in in_force:
        by_check.setdefault(waiver.check, []).append(waiver)
    return tuple(_with_disposition(f, by_check.get(f.check, ())) for f in findings)


def _with_disposition(finding: Finding, waivers: Sequence[Waiver]) -> Finding:
    fitting = [w for w in waivers if fits(w, finding)] if finding.verdict in WAIVABLE else []
    if not fitting:
        return finding
    waiver = max(fitting, key=lambda w: (w.expires_on, w.id))
    return msgspec.structs.replace(
        finding,
        disposition=Disposition(
            waiver=waiver.id,
            document=waiver.document,
            approver=waiver.approver,
            expires_on=waiver.expires_on,
            reason=waiver.reason,
        ),
    )


def fits(waiver: Waiver, finding: Finding) -> bool:
    """Whether the waiver speaks of the finding's check and subject: all that its selector gives."""
    selector, subject = waiver.selector, finding.subject
    if waiver.check != finding.check or selector.is_empty or subject.kind == "coverage":
        return False
    given = (
        (selector.subject, (subject.id, subject.key)),
        (selector.name, (subject.name,)),
        (selector.project, (*subject.projects, *([subject.id] if subject.kind == "project" else []))),
        (selector.department, (subject.department,) if subject.department else ()),
    )
    return all(value is None or normalise(value) in {normalise(t) for t in texts} for value, texts in given)


def _holds(waiver: Waiver, today: date) -> bool:
    return waiver.starts_on <= today <= waiver.expires_on


def invalid_because(waiver: Waiver, policy: Policy) -> Message | None:
    """Why the waiver waives nothing, whatever it says; None if it may."""
    if waiver.check == "*":
        return msg("it names every check; expected the id of one")
    if waiver.selector.is_empty:
        return msg("it names no subject, project or department")
    if normalise(waiver.approver) == normalise(waiver.requester):
        return msg("{approver} approved what {approver} requested; expected two persons", approver=waiver.approver)
    if waiver.expires_on < waiver.starts_on:
        return msg("it ends on {end}, before it begins on {start}", end=waiver.expires_on.isoformat(),
                   start=waiver.starts_on.isoformat())  # fmt: skip
    months = policy.choices.waiver_months
    longest = add_months(waiver.starts_on, months)
    if waiver.expires_on > longest:
        return msg("it holds until {end}; expected {longest} at the latest, {months} month(s) from its beginning",
                   end=waiver.expires_on.isoformat(), longest=longest.isoformat(), months=months)  # fmt: skip
    return None


def audit(findings: Iterable[Finding], policy: Policy, today: date, checks: Iterable[str]) -> tuple[Audited, ...]:
    """Every waiver in the order of its number: in force or not, what it waives, what somebody has to do about it.

    `checks`: ids of the checks that there are.
    """
    by_check: dict[str, list[Finding]] = {}
    for finding in findings:
        by_check.setdefault(finding.check, []).append(finding)
    known = frozenset(checks)
    return tuple(
        _audited(w, policy, today, known, by_check) for w in sorted(policy.waivers, key=lambda w: (w.id, w.origin))
    )


def _audited(
    waiver: Waiver, policy: Policy, today: date, known: frozenset[str], by_check: Mapping[str, list[Finding]]
) -> Audited:
    mine = [f for f in by_check.get(waiver.check, []) if fits(waiver, f)]
    to_waive = [f for f in mine if f.verdict in WAIVABLE]
    told: list[tuple[WaiverState, Message]] = []
    if waiver.check not in known and waiver.check != "*":
        told.append((WaiverState.INVALID, msg("there is no check {check}", check=waiver.check)))
    elif (invalid := invalid_because(waiver, policy)) is not None:
        told.append((WaiverState.INVALID, invalid))
    elif today > waiver.expires_on:
        told.append((WaiverState.EXPIRED, _expired(waiver, to_waive)))
    elif today < waiver.starts_on:
        told.append((WaiverState.NOT_YET, msg("it begins on {start}", start=waiver.starts_on.isoformat())))
    told += _use(waiver, mine, to_waive)
    if _is_expiring(waiver, policy, today):
        days = (waiver.expires_on - today).days
        told.append((WaiverState.EXPIRING, msg("it ends on {end}, in {days} day(s)", end=waiver.expires_on.isoformat(),
                                               days=days)))  # fmt: skip
    if waiver.check == "*" or waiver.selector.is_empty or waiver.selector.is_broad:
        told.append((WaiverState.TOO_BROAD, msg("it names no single subject: {count} finding(s) fit", count=len(mine))))
    elif len(to_waive) > policy.choices.waiver_most_findings:
        told.append((WaiverState.TOO_BROAD, msg("{count} findings fit, more than {most}", count=len(to_waive),
                                                most=policy.choices.waiver_most_findings)))  # fmt: skip
    return Audited(
        waiver=waiver,
        states=tuple(state for state, _ in told),
        sentences=tuple(sentence for _, sentence in told),
        findings=tuple(f.key for f in to_waive),
    )


def _use(waiver: Waiver, mine: list[Finding], to_waive: list[Finding]) -> Iterable[tuple[WaiverState, Message]]:
    if to_waive:
        yield WaiverState.MATCHED, msg("{count} finding(s) of {check} fit it", count=len(to_waive), check=waiver.check)
    elif mine:
        verdicts = ", ".join(sorted({f.verdict.value for f in mine}))
        yield WaiverState.UNUSED, msg("its subject is there, with nothing to waive: {verdicts}", verdicts=verdicts)
    else:
        yield WaiverState.DANGLING, msg("nothing in the scan is what it speaks of")


def _expired(waiver: Waiver, to_waive: list[Finding]) -> Message:
    end = waiver.expires_on.isoformat()
    if to_waive:
        return msg("it ended on {end}, and {count} finding(s) still stand", end=end, count=len(to_waive))
    return msg("it ended on {end}", end=end)


def _is_expiring(waiver: Waiver, policy: Policy, today: date) -> bool:
    last = waiver.expires_on - timedelta(days=policy.choices.waiver_warn_days)
    return _holds(waiver, today) and today >= last
