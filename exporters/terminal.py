"""What a person reads on the terminal: the summary of a scan, and the whole story of one subject."""

from collections import Counter

from rich.console import Console
from rich.text import Text

from checks.result import Result
from exporters.tables import plain
from exporters.words import PLACES, STATES, SUBJECT_KINDS, VERDICTS, VIEWS, word
from inventory.coverage import CellState, by_reason
from inventory.finding import Finding, Verdict
from inventory.hosts import Host
from inventory.inventory import LAW_TIME
from inventory.ownership import RULE_NAMES
from inventory.records import HostSighting, Project, System
from inventory.text import Message, gettext, mark, msg, tell

_STYLES = {
    Verdict.FAIL: "bold red",
    Verdict.UNKNOWN: "yellow",
    Verdict.ADVISORY: "cyan",
    Verdict.PASS: "green",
    Verdict.NOT_APPLICABLE: "dim",
}
MAX_UNKNOWN = 40
"""Unknown findings told one by one; the rest are counted, and `yunhe findings` has them all."""

MAX_UNSEEN = 20
"""Names of what was not seen that one line holds."""

_MEANINGS = {
    0: mark("compliant, and everything was seen"),
    3: mark("at least one check fails"),
    4: mark("nothing fails, but not everything was seen"),
}
_JOINS = {
    "uuid": mark("same UUID"),
    "uuid_swapped": mark("same UUID in the other byte order"),
    "serial": mark("serial number"),
    "provider_id": mark("Kubernetes providerID"),
    "mac_address": mark("MAC and address of the Neutron port"),
    "machine_id": mark("same machine-id"),
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
        """One line; a part is text, or text with a style."""
        text = Text(" " * indent)
        for part in parts:
            body, style = part if isinstance(part, tuple) else (part, "")
            text.append(plain(body), style)
        self.console.print(text)

    def tell(self, message: Message, *, indent: int = 0, style: str = "", label: str = "") -> None:
        """A message, perhaps after a label."""
        body = tell(message, self.locale)
        self.line((f"{self.word(label)}: {body}" if label else body, style), indent=indent)

    def heading(self, sentence: str, style: str = "bold") -> None:
        self.line((self.word(sentence), style))


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
    _coverage(result, out)
    counts = Counter(f.verdict for f in result.findings)
    out.line(*((f"{word(VERDICTS, v, locale)} {counts[v]}  ", _STYLES[v]) for v in Verdict))
    fails = [f for f in result.findings if f.verdict is Verdict.FAIL]
    if fails:
        out.line("")
        out.tell(msg("Violations ({count})", count=len(fails)), style="bold red")
        for finding in fails:
            _short(finding, out)
            if finding.remedy:
                out.tell(finding.remedy, indent=6, style="dim", label=TO_DO)
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
    out.line("")
    meaning = msg(_MEANINGS[scan.exit_code])
    out.tell(msg("Exit code of the scan: {code} ({meaning})", code=scan.exit_code, meaning=meaning))


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


def find_subject(result: Result, text: str) -> list[Host | System | Project]:
    """Hosts, systems and projects that the text names: id, code, name or address, exactly."""
    inventory = result.inventory
    found: list[Host | System | Project] = [h for h in inventory.hosts if text in _names(h)]
    found += [s for s in inventory.systems if text in (s.native_id, f"system/{s.native_id}", s.name)]
    found += [p for p in inventory.projects if text in (p.native_id, f"project/{p.native_id}", p.name)]
    return found


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
    return hosts + systems + [n for p in inventory.projects for n in (p.native_id, p.name)]


def explain(result: Result, subject: Host | System | Project, console: Console, *, locale: str) -> None:
    """How the subject came to its verdicts: sightings, joins, placement, ownership, findings, each with evidence."""
    out = _Teller(console, locale)
    if isinstance(subject, Host):
        _host_story(subject, out)
        key = f"host/{subject.id}"
    elif isinstance(subject, System):
        _system_story(result, subject, out)
        key = f"system/{subject.native_id}"
    else:
        _project_story(result, subject, out)
        key = f"project/{subject.native_id}"
    out.heading(mark("Verdicts"))
    mine = [f for f in result.findings if f.subject.key == key]
    for finding in mine:
        _finding_story(result, finding, out)
    if not mine:
        out.line(out.word(mark("no check speaks of it")), indent=2)


def _host_story(host: Host, out: _Teller) -> None:
    out.line((tell(msg("Host {name}", name=host.name), out.locale), "bold"), (f" {host.id}", "dim"))
    out.heading(mark("Seen by"))
    for s in host.sightings:
        view = word(VIEWS, s.view, out.locale)
        out.line(view, (f" {s.source}", "dim"), f": {_facts(s)}", indent=2)
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


def _facts(s: HostSighting) -> str:
    parts: tuple[tuple[str, str | None], ...] = (
        ("name", s.name),
        ("uuid", s.uuid),
        ("board", " ".join(w for w in (s.vendor, s.product) if w)),
        ("virtualization", s.virtualization),
        ("machine-id", s.machine_id),
        ("providerID", s.provider_id),
        ("mac", ", ".join(n.mac for n in s.nics if n.mac)),
        ("addresses", ", ".join(a for n in s.nics for a in n.addresses)),
        ("zone", s.zone),
        ("status", s.status),
        ("asset", s.asset_number),
        ("since", s.commissioned_on.isoformat() if s.commissioned_on else None),
        ("needs root", ", ".join(s.needs_root)),
    )
    return "; ".join(f"{name} {value}" for name, value in parts if value)


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
        out.tell(ownership.disagreement, indent=2, style="red")


def _system_story(result: Result, system: System, out: _Teller) -> None:
    inventory = result.inventory
    title = tell(msg("System {name}", name=system.name), out.locale)
    out.line((title, "bold"), (f" {system.native_id} ", "dim"), system.department or "")
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
    for a in inventory.assessments_of(system):
        said = msg("assessment of {date}: {conclusion}", date=str(a.reported_on or "?"), conclusion=a.conclusion or "?")
        out.tell(said, indent=2)
    for entry in inventory.sharing_of(system):
        out.tell(msg("sharing entry {code} {name}", code=entry.native_id, name=entry.name), indent=2)


def _project_story(result: Result, project: Project, out: _Teller) -> None:
    title = tell(msg("Project {name}", name=project.name), out.locale)
    out.line((title, "bold"), (f" {project.native_id} ", "dim"), project.department or "")
    for system in result.inventory.systems_of(project):
        _system_story(result, system, out)


def _finding_story(result: Result, finding: Finding, out: _Teller) -> None:
    since = result.known.get(finding.key)
    dated = tell(msg(" since scan {number}", number=since.first_scan), out.locale) if since else ""
    verdict = (word(VERDICTS, finding.verdict, out.locale), _STYLES[finding.verdict])
    out.line(verdict, f" {finding.check}", (dated, "dim"), indent=2)
    out.tell(finding.reason, indent=4)
    for missing in finding.missing:
        out.tell(missing, indent=4, style="yellow", label=NEEDED)
    if finding.remedy:
        out.tell(finding.remedy, indent=4, label=TO_DO)
    for key in finding.evidence:
        out.tell(msg("evidence {key}", key=key), indent=4, style="dim")
