"""What a check is, and the rules that no author of a check can forget.

A check is data and one pure function from (inventory, policy) to opinions. `run` turns opinions into findings: what
rests on a rejected ledger row or on an old observation becomes unknown, and a source that was not seen gets a finding
of its own where subjects of the check would have come from it.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from checks.policy import Policy
from inventory.coverage import CellResult, CellState, Coverage, Rejection, scope_words
from inventory.finding import Finding, Subject, Verdict
from inventory.inventory import LAW_TIME, Inventory
from inventory.names import normalise
from inventory.text import Message, mark, msg


class Strength(StrEnum):
    """How strongly a clause binds: only the first can fail without a choice of the owner."""

    MUST = "must"
    """应、不得、不再"""
    EFFORT = "effort"
    """推动、尽快、主动: a duty of effort without a deadline"""
    ENCOURAGED = "encouraged"
    """鼓励"""


class Step(StrEnum):
    """The step of the decision order that decided (design §7)."""

    CLASSIFIED = "classified"
    """涉密 (Art. 28)"""
    SCOPE = "scope"
    """适用范围 (Art. 2)"""
    LEVEL = "level"
    """层级: the city's own, or of province or state"""
    KIND = "kind"
    """类别"""
    ERA = "era"
    """新建或已建"""
    EXEMPTION = "exemption"
    """认定或依法除外: the rule itself takes it out, by a recorded document"""
    CLAUSE = "clause"
    """条款本身"""
    COVERAGE = "coverage"
    """覆盖: what should decide was not seen, is old, or was rejected"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """What a check says of one subject, before the runner has looked at what it rests on."""

    subject: Subject
    verdict: Verdict
    reason: Message
    decided_by: Step = Step.CLAUSE
    missing: tuple[Message, ...] = ()
    remedy: Message | None = None
    """Where the check's own remedy does not fit."""
    evidence: tuple[str, ...] = ()
    """Keys of the records that decide."""
    rests_on: tuple[str, ...] = ()
    """Further codes and names it rests on, beside the subject's: a rejected row that speaks of them spoils it."""
    from_absence: bool = False
    """Whether it follows from something not being there (no filing, no call)."""
    articles: tuple[str, ...] = ()
    """Where it stands on other articles or norms than the check as a whole."""

    def __post_init__(self) -> None:
        if self.verdict is Verdict.UNKNOWN and not self.missing:
            raise ValueError(f"{self.subject.key}: an unknown verdict must say what would settle it")


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check 检查项."""

    id: str
    title: Message
    articles: tuple[str, ...]
    """Keys of the pack's articles, items and norms that it stands on."""
    clause: str
    """Key of the pack's clause that it quotes."""
    subject_kind: str
    strength: Strength
    reads: tuple[str, ...]
    """Kinds of records that its verdicts rest on, as coverage names them."""
    enumerates: tuple[str, ...] = ()
    """Kinds out of which its subjects come: where one was not seen, subjects may be missing."""
    enumerated_by: str = ""
    """Beginning of the names of the sources that bring subjects, where not every source of the kinds does."""
    judge: Callable[[Inventory, Policy], Iterable[Opinion]]
    remedy: Message
    """What to do where it fails or advises."""


_KIND_WORDS = {
    "host": mark("hosts"),
    "hypervisor": mark("compute hosts of the cloud"),
    "port": mark("ports"),
    "tenant": mark("tenants"),
    "storage": mark("storage"),
    "workload": mark("workloads"),
    "project": mark("project register"),
    "system": mark("system register"),
    "migration": mark("migration ledger"),
    "design_item": mark("technical design books"),
    "mlps_filing": mark("filings of classified protection"),
    "mlps_assessment": mark("assessments of classified protection"),
    "sharing_entry": mark("sharing entries"),
    "sharing_use": mark("sharing calls"),
    "third_party": mark("third-party contracts"),
    "ownership": mark("declarations of owners"),
    "segment": mark("plan of networks"),
    "department": mark("register of units"),
}


def kind_words(kind: str) -> Message | str:
    """A kind of records as readers know it."""
    return msg(_KIND_WORDS[kind]) if kind in _KIND_WORDS else kind


REGISTERS = frozenset({"host", "project", "system"})
"""Kinds without which nobody may say that all subjects were judged: a source for them must be configured."""

ROWS_REJECTED = "{count} row(s) were rejected"
"""Reason of a ledger's cell that is partial for its rejected rows and for nothing else (`collectors.collector`)."""

MOST_CELLS = 10
"""Incomplete cells of one source that a finding spells out."""


def run(check: Check, inventory: Inventory, policy: Policy) -> tuple[Finding, ...]:
    """The check's findings, sorted by subject; none where the pack has no clause for it."""
    if check.id in policy.pack.without:
        return ()
    rejected = _rejected(check, inventory.coverage)
    findings = []
    for opinion in check.judge(inventory, policy):
        settled = _without_rejected(opinion, rejected)
        settled = _without_stale(settled, inventory, policy)
        findings.append(_finding(check, settled))
    unseen = [o for o in _unseen(check, inventory.coverage) if o.subject.id.startswith(("*", check.enumerated_by))]
    findings += [_finding(check, opinion) for opinion in unseen]
    return tuple(sorted(findings, key=lambda f: f.subject.key))


def _finding(check: Check, opinion: Opinion) -> Finding:
    needs_remedy = opinion.verdict in (Verdict.FAIL, Verdict.ADVISORY)
    return Finding(
        check=check.id,
        articles=opinion.articles or check.articles,
        subject=opinion.subject,
        verdict=opinion.verdict,
        reason=opinion.reason,
        decided_by=opinion.decided_by.value,
        missing=opinion.missing if opinion.verdict is Verdict.UNKNOWN else (),
        remedy=(opinion.remedy or check.remedy) if needs_remedy else None,
        evidence=tuple(sorted(set(opinion.evidence))),
    )


@dataclass(frozen=True, slots=True)
class _RejectedRows:
    """Rejected rows of the ledgers that a check reads, by what they speak of (normalised)."""

    all: Mapping[str, list[Rejection]]
    of_projects: Mapping[str, list[Rejection]]
    """Rows of the project register: they decide on everything of the project. Any other row that names a project
    speaks of the project and of its own subject, not of the project's other systems."""

    def about(self, opinion: Opinion) -> list[Rejection]:
        """The rows that speak of what the opinion rests on, in order."""
        subject = opinion.subject
        words = {normalise(w) for w in (subject.id, subject.name, *opinion.rests_on)}
        found = [r for w in words for r in self.all.get(w, ())]
        found += [r for code in subject.projects for r in self.of_projects.get(normalise(code), ())]
        rows = {(r.file, r.sheet, r.row, r.column): r for r in found}
        return [rows[key] for key in sorted(rows)]


def _rejected(check: Check, coverage: Coverage) -> _RejectedRows:
    kinds: dict[str, set[str]] = defaultdict(set)
    for result in coverage.results:
        kinds[result.cell.source].add(result.cell.kind)
    every: dict[str, list[Rejection]] = defaultdict(list)
    of_projects: dict[str, list[Rejection]] = defaultdict(list)
    for rejection in coverage.rejections:
        own = kinds[rejection.source]
        # A ledger without cells cannot be told apart by kind: it spoils whatever its row speaks of.
        if own and not own & set(check.reads):
            continue
        for word in rejection.touches:
            every[normalise(word)].append(rejection)
            if not own or "project" in own:
                of_projects[normalise(word)].append(rejection)
    return _RejectedRows(every, of_projects)


def _without_rejected(opinion: Opinion, rejected: _RejectedRows) -> Opinion:
    """Unknown, where the verdict could change if a rejected row were mended; positive evidence of a breach stands."""
    spoiled = opinion.verdict is Verdict.PASS or (
        opinion.from_absence and opinion.verdict in (Verdict.FAIL, Verdict.ADVISORY, Verdict.NOT_APPLICABLE)
    )
    rows = rejected.about(opinion) if spoiled else []
    if not rows:
        return opinion
    return replace(
        opinion,
        verdict=Verdict.UNKNOWN,
        decided_by=Step.COVERAGE,
        reason=msg("a ledger row that speaks of it was rejected; without that row: {reason}", reason=opinion.reason),
        missing=tuple(mended(row) for row in rows),
    )


def mended(rejection: Rejection) -> Message:
    """What would settle it where a row was rejected."""
    return msg(
        "row {row} of {file}, sheet {sheet}, column {column}, mended by the ledger's keeper: {expected}",
        row=rejection.row,
        file=rejection.file,
        sheet=rejection.sheet,
        column=rejection.column,
        expected=rejection.expected,
    )


def _without_stale(opinion: Opinion, inventory: Inventory, policy: Policy) -> Opinion:
    """Unknown, where something that decides was observed longer ago than the policy trusts."""
    if opinion.verdict not in (Verdict.PASS, Verdict.FAIL, Verdict.ADVISORY):
        return opinion
    limit = inventory.as_of - timedelta(hours=policy.fresh_hours)
    seen = [(at, key) for key in opinion.evidence if (at := inventory.observed_at.get(key)) is not None]
    old = [(at, key) for at, key in seen if at < limit]
    ahead = [(at, key) for at, key in seen if at > inventory.as_of + timedelta(hours=policy.fresh_hours)]
    if ahead and not old:
        return _of_another_time(opinion, *max(ahead), policy)
    if not old:
        return opinion
    oldest, key = min(old)
    sources = sorted({key.partition("|")[0] for _, key in old})
    return replace(
        opinion,
        verdict=Verdict.UNKNOWN,
        decided_by=Step.COVERAGE,
        reason=msg(
            "what decides was observed on {observed}, more than {hours} hours before the scan ({key}); then: {reason}",
            observed=oldest.astimezone(LAW_TIME).strftime("%Y-%m-%d %H:%M"),
            hours=policy.fresh_hours,
            key=key,
            reason=opinion.reason,
        ),
        missing=tuple(msg("a fresh reading of {source}, by the infrastructure team", source=s) for s in sources),
    )


def _of_another_time(opinion: Opinion, at: datetime, key: str, policy: Policy) -> Opinion:
    """What was seen long after the scan's clock says nothing of the day that the clock stands at."""
    return replace(
        opinion,
        verdict=Verdict.UNKNOWN,
        decided_by=Step.COVERAGE,
        reason=msg(
            "what decides was observed on {observed}, more than {hours} hours after the scan's clock ({key}); "
            "then: {reason}",
            observed=at.astimezone(LAW_TIME).strftime("%Y-%m-%d %H:%M"),
            hours=policy.fresh_hours,
            key=key,
            reason=opinion.reason,
        ),
        missing=(msg("the clock (as_of) of the day on which the sources were read, by the infrastructure team"),),
    )


def _unseen(check: Check, coverage: Coverage) -> Iterator[Opinion]:
    """An unknown for every source out of which subjects of the check may be missing."""
    gaps: dict[str, list[CellResult]] = defaultdict(list)
    for result in coverage.gaps(*check.enumerates):
        # A service that a source does not have holds nothing.
        if result.state is not CellState.NOT_CONFIGURED:
            gaps[result.cell.source].append(result)
    for source, results in sorted(gaps.items()):
        reasons = [missing_cell(r) for r in results[:MOST_CELLS]]
        if len(results) > MOST_CELLS:
            reasons.append(msg("{count} further cells of {source}", count=len(results) - MOST_CELLS, source=source))
        yield Opinion(
            subject=Subject(kind="coverage", id=source, name=source),
            verdict=Verdict.UNKNOWN,
            decided_by=Step.COVERAGE,
            reason=msg("{source} was not seen completely: subjects of this check may be missing", source=source),
            missing=tuple(reasons),
        )
    for kind in check.enumerates:
        if kind in REGISTERS and not coverage.of(kind):
            yield Opinion(
                subject=Subject(kind="coverage", id=f"*/{kind}", name=kind),
                verdict=Verdict.UNKNOWN,
                decided_by=Step.COVERAGE,
                reason=msg(
                    "no source is configured for: {kind}; no subject of this check was seen", kind=kind_words(kind)
                ),
                missing=(msg("a source or ledger in the config for: {kind}", kind=kind_words(kind)),),
            )


def distinct(messages: Iterable[Message]) -> tuple[Message, ...]:
    """The messages without repetition, in their order."""
    once: list[Message] = []
    for message in messages:
        if message not in once:
            once.append(message)
    return tuple(once)


def missing_cell(result: CellResult) -> Message:
    """What would settle it where a cell is not complete."""
    return msg(
        "a complete reading of {source}, {kind} in {scope}, by the infrastructure team: {reason}",
        source=result.cell.source,
        kind=kind_words(result.cell.kind),
        scope=scope_words(result.cell),
        reason=result.reason or msg("no reason was given"),
    )


def absence_gaps(coverage: Coverage, *kinds: str) -> tuple[Message, ...]:
    """Why absence may not be concluded of these kinds, as what would settle it; empty only if it may.

    A ledger of which only rows were rejected, each of which says of whom it speaks, is whole for everybody else: for
    those whom its rows speak of the runner makes it unknown.
    """
    unplanned = tuple(
        msg("a source or ledger in the config for: {kind}", kind=kind_words(kind))
        for kind in kinds
        if not coverage.of(kind)
    )
    gaps = [r for r in coverage.gaps(*kinds) if not is_whole_but_for_rows(r, coverage)]
    return unplanned + tuple(missing_cell(r) for r in gaps[:MOST_CELLS])


def unread(coverage: Coverage, *kinds: str) -> tuple[Message, ...]:
    """The same of ledgers, where there are any of these kinds: what nobody keeps is not missing."""
    gaps = (r for r in coverage.gaps(*kinds) if r.cell.source.startswith("ledger:"))
    return tuple(missing_cell(r) for r in gaps if not is_whole_but_for_rows(r, coverage))[:MOST_CELLS]


def is_whole_but_for_rows(result: CellResult, coverage: Coverage) -> bool:
    """Whether only rows are missing of a ledger's cell, each of which says of whom it speaks."""
    if result.state is not CellState.PARTIAL or result.reason is None or result.reason.id != ROWS_REJECTED:
        return False
    cell = result.cell
    rows = [r for r in coverage.rejections if r.source == cell.source and cell.scope in ("*", r.sheet)]
    return bool(rows) and all(r.touches for r in rows)
