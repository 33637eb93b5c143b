"""What a person reads on the terminal: the summary of a scan, and the whole story of one subject."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from checks.catalogue import check_by_id
from checks.policy import basis_warnings
from checks.result import Result
from checks.waivers import told_of
from exporters.design_table import design_rows_of
from exporters.tables import plain, short
from exporters.words import PLACES, STATES, STEPS, SUBJECT_KINDS, VERDICTS, VIEWS, word
from inventory.coverage import CellState, Rejection, by_reason
from inventory.finding import Finding, Subject, Verdict
from inventory.hosts import Host
from inventory.inventory import LAW_TIME, law_date
from inventory.national_code import doubt_of
from inventory.ownership import RULE_NAMES
from inventory.records import Department, HostSighting, Project, System
from inventory.text import Message, gettext, mark, msg, tell

_STYLES = {
    Verdict.FAIL: "bold red",
    Verdict.UNKNOWN: "yellow",
    Verdict.ADVISORY: "cyan",
    Verdict.PASS: "green",
    Verdict.NOT_APPLICABLE: "dim",
}
Explained = Host | System | Project | Department | Finding | Subject
"""What `explain` can tell the story of."""

MAX_UNKNOWN = 40
"""Unknown findings told one by one; the rest are counted, and `yunhe findings` has them all."""

MAX_REJECTED = 40
"""Ledger rows told one by one."""

MAX_VALUE = 60
"""Characters of a cell's value that are shown."""

MAX_UNSEEN = 20
"""Names of what was not seen that one line holds."""

_MEANINGS = {
    0: mark("compliant, and everything was seen"),
    3: mark("at least one check fails"),
    4: mark("nothing fails, but not everything was seen"),
}
_MEANINGS_WAIVED = {
    0: mark("every breach is waived, and everything was seen"),
    3: mark("at least one check fails and is not waived"),
    4: mark("every breach is waived, but not everything was seen"),
}
"""The same where something fails that a waiver speaks of."""
_JOINS = {
    "uuid": mark("same UUID"),
    "uuid_swapped": mark("same UUID in the other byte order"),
    "serial": mark("serial number"),
    "provider_id": mark("Kubernetes providerID"),
    "mac_address": mark("MAC and address of the Neutron port"),
    "machine_id": mark("same machine-id"),
    "wire_mac": mark("same MAC on the network"),
    "zone_address": mark("same address in one zone"),
}


class _Teller:
    """Writes lines in one language. Nothing that was read from outside is taken for markup or an escape."""

    def __init__(self, console: Console, locale: str) -> None:
        self.console = console
        self.locale = locale

    def word(self, sentence: str) -> str:
        return gettext(sentence, self.locale)

    def line(self, *parts: str | tuple[str, str], indent: int = 0) -> None:
        """One line; a part is text, or text with a style. In a log it stays one line, for grep."""
        text = Text()
        for part in parts:
            body, style = part if isinstance(part, tuple) else (part, "")
            text.append(short(plain(body)), style)
        if not self.console.is_terminal:
            self.console.print(Text(" " * indent) + text, soft_wrap=True)
            return
        hang = indent + 2
        for number, row in enumerate(text.divide(_breaks(text.plain, self.console.width - hang))):
            row.rstrip()
            self.console.print(Text(" " * (hang if number else indent)) + row, overflow="fold")

    def tell(self, message: Message, *, indent: int = 0, style: str = "", label: str = "") -> None:
        """A message, perhaps after a label."""
        body = tell(message, self.locale)
        self.line((f"{self.word(label)}: {body}" if label else body, style), indent=indent)

    def heading(self, sentence: str, style: str = "bold") -> None:
        self.line((self.word(sentence), style))


_WIDE = "\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef"
_UNIT = re.compile(rf"(?:[（《“【]*(?:[{_WIDE}]|[^\s{_WIDE}]+)[、。，；：）》”】！？]*|\S)\s*")
"""What stays on one line: a word, or one Chinese character with the marks that may not begin or end a line."""


def _breaks(text: str, room: int) -> Iterator[int]:
    """Offsets at which the text is broken so that each line fits: Chinese breaks anywhere, words at their end."""
    used = 0
    for unit in _UNIT.finditer(text):
        if used and used + cell_len(unit[0].rstrip()) > room:
            yield unit.start()
            used = 0
        used += cell_len(unit[0])


def summary(result: Result, console: Console, *, locale: str) -> None:
    """The scan on one screen: coverage, verdicts, every violation, what is unknown and why, the exit code."""
    out = _Teller(console, locale)
    scan = result.scan
    when = scan.as_of.astimezone(LAW_TIME).strftime("%Y-%m-%d %H:%M")
    title = msg(
        "Yunhe scan {number}, as of {when} (Asia/Shanghai), policy {pack}",
        number=scan.number,
        when=when,
        pack=scan.pack,
    )
    out.tell(title, style="bold")
    for warning in basis_warnings(result.policy, law_date(scan.as_of)):
        out.tell(warning, style="bold yellow")
    _coverage(result, out)
    counts = Counter(f.verdict for f in result.findings)
    out.line(*((f"{word(VERDICTS, v, locale)} {counts[v]}  ", _STYLES[v]) for v in Verdict))
    fails = [f for f in result.findings if f.verdict is Verdict.FAIL and not f.is_waived]
    if fails:
        out.line("")
        out.tell(msg("Violations ({count})", count=len(fails)), style="bold red")
        for finding in fails:
            _short(finding, out)
            if finding.remedy:
                out.tell(finding.remedy, indent=6, style="dim", label=TO_DO)
    _waived(result, out)
    unknown = [f for f in result.findings if f.verdict is Verdict.UNKNOWN]
    if unknown:
        out.line("")
        out.tell(msg("To be verified, and why ({count})", count=len(unknown)), style="bold yellow")
        for finding in unknown[:MAX_UNKNOWN]:
            _short(finding, out)
            for missing in finding.missing[:2]:
                out.tell(missing, indent=6, style="dim", label=NEEDED)
        if len(unknown) > MAX_UNKNOWN:
            more = len(unknown) - MAX_UNKNOWN
            out.tell(msg("… and {count} more: yunhe findings --verdict unknown", count=more))
    _rejected_rows(result, out)
    out.line("")
    out.tell(msg("Why: yunhe explain NAME. All findings: yunhe findings"), style="dim")
    is_waived = any(f.is_waived and f.verdict is Verdict.FAIL for f in result.findings)
    meaning = msg((_MEANINGS_WAIVED if is_waived else _MEANINGS)[scan.exit_code])
    out.tell(msg("Exit code of the scan: {code} ({meaning})", code=scan.exit_code, meaning=meaning))


def _waived(result: Result, out: _Teller) -> None:
    """What is not compliant and waived: the verdict stands, somebody has answered for it."""
    waived = [f for f in result.findings if f.verdict is Verdict.FAIL and f.disposition is not None]
    if not waived:
        return
    out.line("")
    out.tell(msg("Violations that are waived ({count})", count=len(waived)), style="bold magenta")
    for finding in waived:
        _short(finding, out)
        if finding.disposition is not None:
            out.tell(told_of(finding.disposition), indent=6, style="dim")


def _rejected_rows(result: Result, out: _Teller) -> None:
    """Every ledger row that was not used, with its cell: what a keeper needs to mend it."""
    rejections = result.inventory.coverage.rejections
    if not rejections:
        return
    out.line("")
    out.tell(msg("Ledger rows that were not used ({count})", count=len(rejections)), style="bold yellow")
    for r in rejections[:MAX_REJECTED]:
        out.tell(rejection(r), indent=2)
    if len(rejections) > MAX_REJECTED:
        out.tell(msg("… and {count} more: yunhe report lists them", count=len(rejections) - MAX_REJECTED), indent=2)


def rejection(r: Rejection) -> Message:
    """Where the cell stands, what it holds, what was expected."""
    value = f"{r.value[:MAX_VALUE]}…" if len(r.value) > MAX_VALUE else r.value
    return msg(
        "{file}, sheet {sheet}, row {row}, column {column}: {value}; expected {expected}",
        file=r.file,
        sheet=r.sheet,
        row=r.row,
        column=r.column,
        value=value or msg("(empty)"),
        expected=r.expected,
    )


TO_DO = mark("To do")
NEEDED = mark("Needed")


def _coverage(result: Result, out: _Teller) -> None:
    cells = result.inventory.coverage.results
    states = Counter(r.state for r in cells)
    counted = "  ".join(f"{word(STATES, s, out.locale)} {states[s]}" for s in CellState if states[s])
    out.line(f"{out.word(mark('Coverage'))}: {counted}")
    told = [r for r in cells if not r.is_complete and r.state is not CellState.NOT_CONFIGURED]
    for first, kinds in by_reason(told):
        reason = tell(first.reason, out.locale) if first.reason else ""
        where = f" {first.cell.source} {first.cell.scope} ({', '.join(kinds)})"
        out.line((word(STATES, first.state, out.locale), "yellow"), f"{where}: {reason}", indent=2)
        if unseen := first.unseen:
            names = ", ".join(unseen[:MAX_UNSEEN]) + (f" … +{len(unseen) - MAX_UNSEEN}" if unseen[MAX_UNSEEN:] else "")
            out.tell(msg("not seen: {names}", names=names), indent=4, style="yellow")


def _short(finding: Finding, out: _Teller) -> None:
    subject = finding.subject
    who = f" · {subject.department}" if subject.department else ""
    kind = word(SUBJECT_KINDS, subject.kind, out.locale)
    out.line((finding.check, _STYLES[finding.verdict]), f" {kind} {subject.name}{who}", indent=2)
    out.tell(finding.reason, indent=6)


def find_subject(result: Result, text: str) -> list[Explained]:
    """What the text names by id, code, name or address, exactly; of tenants, contracts and the like only the verdicts
    are known."""
    inventory = result.inventory
    found: list[Explained] = [f for f in result.findings if text == f.key]
    if found:
        return found
    found += [h for h in inventory.hosts if text in _names(h)]
    found += [s for s in inventory.systems if text in (s.native_id, f"system/{s.native_id}", s.name)]
    found += [p for p in inventory.projects if text in (p.native_id, f"project/{p.native_id}", p.name)]
    found += [d for d in inventory.departments if text in (d.name, d.code, *_other_names(d))]
    if found:
        return found
    subjects = {f.subject.key: f.subject for f in result.findings}
    return [s for s in subjects.values() if text in (s.id, s.key, s.name)]


def _other_names(department: Department) -> tuple[str, ...]:
    return (*department.other_names, *(n.name for n in department.dated_names))


def _names(host: Host) -> set[str]:
    names = {host.id, f"host/{host.id}", host.name, *host.addresses}
    for s in host.sightings:
        names |= {s.name, s.native_id, s.uuid or host.id}
    return names


def known_names(result: Result) -> list[str]:
    """What `explain` can be asked for, for suggesting what was meant."""
    inventory = result.inventory
    hosts = [n for h in inventory.hosts for n in sorted(_names(h))]
    systems = [n for s in inventory.systems for n in (s.native_id, s.name)]
    projects = [n for p in inventory.projects for n in (p.native_id, p.name)]
    departments = [n for d in inventory.departments for n in (d.name, *_other_names(d))]
    others = [n for f in result.findings for n in (f.subject.id, f.subject.name)]
    return list(dict.fromkeys(hosts + systems + projects + departments + others))


def explain(result: Result, subject: Explained, console: Console, *, locale: str) -> None:
    """How the subject came to its verdicts: sightings, joins, placement, ownership, findings, each with evidence."""
    out = _Teller(console, locale)
    if isinstance(subject, Finding):
        _whole_finding(result, subject, out)
        return
    if isinstance(subject, Department):
        _department_story(result, subject, out)
        return
    if isinstance(subject, Host):
        _host_story(subject, out)
        key = f"host/{subject.id}"
    elif isinstance(subject, System):
        _system_story(result, subject, out)
        key = f"system/{subject.native_id}"
    elif isinstance(subject, Project):
        _project_story(result, subject, out)
        key = f"project/{subject.native_id}"
    else:
        kind = word(SUBJECT_KINDS, subject.kind, locale)
        out.line((f"{kind} {subject.name}", "bold"), (f" {subject.id} ", "dim"), subject.department or "")
        key = subject.key
    out.heading(mark("Verdicts"))
    mine = [f for f in result.findings if f.subject.key == key]
    for finding in mine:
        _finding_story(result, finding, out)
    if not mine:
        out.line(out.word(mark("no check speaks of it")), indent=2)


def _whole_finding(result: Result, finding: Finding, out: _Teller) -> None:
    """One finding with its basis, word for word, and everything that it rests on."""
    subject = finding.subject
    kind = word(SUBJECT_KINDS, subject.kind, out.locale)
    out.line((finding.check, "bold"), f" {kind} {subject.name} ", (subject.id, "dim"), f" {subject.department or ''}")
    check, pack = check_by_id(finding.check), result.policy.pack
    if check is not None:
        out.tell(check.title, indent=2)
    for cite in pack.cites(finding.articles):
        out.line(cite, indent=2)
    if check is not None and check.clause in pack.clauses:
        out.line(f"“{pack.quote(check.clause)}”", indent=2)
    out.tell(msg("by policy {pack}, digest {digest}", pack=pack.label, digest=result.policy.digest), indent=2,
             style="dim")  # fmt: skip
    _finding_story(result, finding, out)


def _department_story(result: Result, department: Department, out: _Teller) -> None:
    """What a department has, how it is judged, and what it has to do."""
    inventory, name = result.inventory, department.name
    title = tell(msg("Department {name}", name=name), out.locale)
    out.line((title, "bold"), (f" {department.code or ''} ", "dim"), ", ".join(department.other_names))
    for former in department.dated_names:
        since, until = (day.isoformat() if day else "" for day in (former.valid_from, former.valid_to))
        out.tell(msg("former name {name}, {since}–{until}", name=former.name, since=since, until=until), indent=2)
    projects = [p for p in inventory.projects if p.department == name]
    systems = [s for s in inventory.systems if s.department == name]
    hosts = [h for h in inventory.hosts if h.department == name]
    out.tell(
        msg("{projects} project(s), {systems} system(s), {hosts} host(s)", projects=len(projects),
            systems=len(systems), hosts=len(hosts)), indent=2,
    )  # fmt: skip
    for place, count in sorted(Counter(h.placement.place for h in hosts).items()):
        out.line(f"· {word(PLACES, place, out.locale)}: {count}", indent=2)
    mine = [f for f in result.findings if f.subject.department == name]
    counts = Counter(f.verdict for f in mine)
    out.heading(mark("Verdicts"))
    out.line(*((f"{word(VERDICTS, v, out.locale)} {counts[v]}  ", _STYLES[v]) for v in Verdict), indent=2)
    for verdict in (Verdict.FAIL, Verdict.UNKNOWN, Verdict.ADVISORY):
        for finding in (f for f in mine if f.verdict is verdict):
            _finding_story(result, finding, out, named=True)
    if not mine:
        out.line(out.word(mark("no check speaks of it")), indent=2)


def _host_story(host: Host, out: _Teller) -> None:
    out.line((tell(msg("Host {name}", name=host.name), out.locale), "bold"), (f" {host.id}", "dim"))
    out.heading(mark("Seen by"))
    for s in host.sightings:
        view = word(VIEWS, s.view, out.locale)
        out.line(view, (f" {s.source}", "dim"), f": {_facts(s, out)}", indent=2)
        if s.raw:
            out.tell(msg("raw document SHA-256 {digest}", digest=s.raw), indent=4, style="dim")
    if len(host.sightings) > 1:
        out.heading(mark("Why these are one machine"))
        names = {s.key: f"{word(VIEWS, s.view, out.locale)} {s.source}" for s in host.sightings}
        for join in host.joins:
            both = f"{names.get(join.left, join.left)} = {names.get(join.right, join.right)}"
            out.line(f"{out.word(_JOINS[join.rule])} {join.value}: {both}", indent=2)
    for conflict in host.conflicts:
        out.tell(conflict, indent=2, style="red")
    out.line((out.word(mark("Where it stands")), "bold"), f": {word(PLACES, host.placement.place, out.locale)}")
    for fact in host.placement.facts:
        out.line(f"· {tell(fact, out.locale)}", indent=2)
    for missing in host.placement.missing:
        out.tell(missing, indent=2, style="yellow", label=NEEDED)
    _owner_story(host, out)


def _facts(s: HostSighting, out: _Teller) -> str:
    parts: tuple[tuple[str, str | None], ...] = (
        (mark("name"), s.name),
        ("UUID", s.uuid),
        (mark("board"), " ".join(w for w in (s.vendor, s.product) if w)),
        (mark("virtualization"), s.virtualization),
        ("machine-id", s.machine_id),
        ("providerID", s.provider_id),
        ("MAC", ", ".join(n.mac for n in s.nics if n.mac)),
        (mark("addresses"), ", ".join(a for n in s.nics for a in n.addresses)),
        (mark("zone"), s.zone),
        (mark("status"), s.status),
        (mark("asset number"), s.asset_number),
        (mark("in service since"), s.commissioned_on.isoformat() if s.commissioned_on else None),
        (mark("not readable without root"), ", ".join(s.needs_root)),
    )
    return "; ".join(f"{out.word(name)} {value}" for name, value in parts if value)


def _owner_story(host: Host, out: _Teller) -> None:
    ownership = host.ownership
    owner = ", ".join(ownership.systems or ownership.projects) or out.word(mark("no registered system or project"))
    department = host.department or out.word(mark("department unknown"))
    out.line((out.word(mark("Whose it is")), "bold"), f": {owner} ({department})")
    for hit in ownership.hits:
        said = ", ".join(hit.systems or hit.projects) or hit.department or ""
        rule = out.word(RULE_NAMES[hit.rule])
        out.line(f"· {rule} {hit.value} → {said} ", (hit.evidence or "", "dim"), indent=2)
    if ownership.disagreement:
        out.tell(ownership.disagreement, indent=2, style="red", label=mark("contested"))


def _system_story(result: Result, system: System, out: _Teller) -> None:
    inventory = result.inventory
    title = tell(msg("System {name}", name=system.name), out.locale)
    out.line((title, "bold"), (f" {system.native_id} ", "dim"), system.department or "")
    _details(system.details, out)
    out.heading(mark("Components"))
    for host in inventory.hosts_of(system):
        out.line(f"· {host.name}: {word(PLACES, host.placement.place, out.locale)} ", (host.id, "dim"), indent=2)
    for w in inventory.workloads_of(system):
        nodes = ", ".join(inventory.nodes_of(w))
        out.line(f"· {w.workload_kind} {w.namespace}/{w.name} ", (nodes, "dim"), indent=2)
    for name in inventory.missing_components.get(system.native_id, ()):
        out.tell(msg("the register names {name}; no source showed it", name=name), indent=2, style="yellow")
    for filing in inventory.filings_of(system):
        out.tell(msg("filing {number}", number=filing.number or "?"), indent=2)
        _details(filing.details, out, indent=4)
    for a in inventory.assessments_of(system):
        said = msg("assessment of {date}: {conclusion}", date=str(a.reported_on or "?"), conclusion=a.conclusion or "?")
        out.tell(said, indent=2)
        if a.major_risks is not None:
            risks = msg(
                "major risks: {count}, rectified: {rectified}, by {date}",
                count=a.major_risks,
                rectified="?" if a.major_risks_rectified is None else a.major_risks_rectified,
                date=str(a.rectified_on or "?"),
            )
            out.tell(risks, indent=4)
        _details(a.details, out, indent=4)
    for c in (c for c in inventory.crypto_assessments if c.system == system.native_id):
        said = msg(
            "assessment of cryptography of {date}: {conclusion}",
            date=str(c.reported_on or "?"),
            conclusion=c.conclusion or "?",
        )
        out.tell(said, indent=2)
    for entry in inventory.sharing_of(system):
        out.tell(msg("sharing entry {code} {name}", code=entry.native_id, name=entry.name), indent=2)
        _details(entry.details, out, indent=4)


def _details(details: Sequence[tuple[str, str]], out: _Teller, *, indent: int = 2) -> None:
    """What the ledger says besides, in its own words: nothing was concluded from it."""
    for header, text in details:
        out.line((f"{header}: ", "dim"), text, indent=indent)


def _project_story(result: Result, project: Project, out: _Teller) -> None:
    title = tell(msg("Project {name}", name=project.name), out.locale)
    out.line((title, "bold"), (f" {project.native_id} ", "dim"), project.department or "")
    if project.national_code:
        out.line((f"{out.word(mark('national project code'))}: ", "dim"), project.national_code, indent=2)
        if (doubt := doubt_of(project.national_code)) is not None:
            out.tell(doubt, indent=4, style="yellow")
    _details(project.details, out)
    _design_story(result, project, out)
    for system in result.inventory.systems_of(project):
        _system_story(result, system, out)


def _design_story(result: Result, project: Project, out: _Teller) -> None:
    """What the design book declares beside what runs, a line for each quantity."""
    rows = design_rows_of(result, project)
    if not rows:
        return
    out.heading(mark("Declared against actual"))
    for row in rows:
        said = msg(
            "{quantity}: declared {declared}, actual {actual}, difference {difference}, tolerance {percent}%",
            quantity=msg(row.quantity),
            declared=row.declared or "—",
            actual=row.actual or "—",
            difference=row.difference or "—",
            percent=row.figure.tolerance_percent,
        )
        style = "" if row.is_within else "cyan" if row.is_within is False else "yellow"
        out.line((f"{tell(said, out.locale)} ({out.word(row.within_word)})", style), indent=2)


def _finding_story(result: Result, finding: Finding, out: _Teller, *, named: bool = False) -> None:
    """`named`: say whose it is, where that does not stand above."""
    since = result.known.get(finding.key)
    dated = tell(msg(" since scan {number}", number=since.first_scan), out.locale) if since else ""
    verdict = (word(VERDICTS, finding.verdict, out.locale), _STYLES[finding.verdict])
    whose = f" {finding.subject.name}" if named else ""
    out.line(verdict, f" {finding.check}{whose}", (dated, "dim"), indent=2)
    out.tell(finding.reason, indent=4)
    for missing in finding.missing:
        out.tell(missing, indent=4, style="yellow", label=NEEDED)
    if finding.disposition is not None:
        out.tell(told_of(finding.disposition), indent=4, style="magenta")
    if finding.remedy:
        out.tell(finding.remedy, indent=4, label=TO_DO)
    out.tell(msg("decided at the step: {step}", step=msg(STEPS[finding.decided_by])), indent=4, style="dim")
    for key in finding.evidence:
        out.tell(msg("evidence {key}", key=key), indent=4, style="dim")
