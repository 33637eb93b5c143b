"""The plan of the fault matrix: every fault, every source, how it is brought about, and how a scan must come out of it.

`docs/fault-matrix.md` is written from it (`python tests/support/fault_plan.py`), the tests under tests/faults bring the
faults about and measure.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path


class Outcome(StrEnum):
    """How a scan met a fault."""

    HEALED = "healed"
    """The client did what the protocol asks (waited, asked again, logged in again, took nothing twice)."""
    PARTIAL = "partial"
    """Something of the source was read, and it is said what is missing."""
    FAILED = "failed"
    """Nothing of the source was read, and it is said why."""
    REFUSED = "refused (exit 2)"
    """The input cannot be used: nothing was scanned, and it is said why."""
    KEPT = "kept"
    """Our own process was killed: the last whole scan stands, and the next one is as if nothing had been."""


HEALED, PARTIAL, FAILED, REFUSED, KEPT = Outcome

FAULTS = (
    "connection refused",
    "timeout",
    "reset mid-page",
    "401",
    "403",
    "404 on detail",
    "429 with Retry-After",
    "500",
    "503",
    "truncated JSON",
    "duplicated page",
    "endless paging loop",
    "expired token",
    "TLS error",
    "DNS failure",
    "kill -9",
)

PLAN: Mapping[str, Mapping[str, Mapping[str, Outcome] | str]] = {
    "OpenStack": {
        "connection refused": {"Keystone": FAILED, "Nova": PARTIAL},
        "timeout": {
            "Keystone takes requests and never answers": FAILED,
            "packets to Keystone are dropped": FAILED,
            "the second page of servers never comes": PARTIAL,
        },
        "reset mid-page": {
            "the token is cut off": FAILED,
            "the second page of servers, always": PARTIAL,
            "the second page of servers, once": HEALED,
        },
        "401": {"wrong password": FAILED},
        "403": {"a reader of one project": PARTIAL, "a reader that may list projects and no servers": PARTIAL},
        "404 on detail": {
            "the server that the next page begins after was deleted": HEALED,
            "that happens on every page, again and again": PARTIAL,
        },
        "429 with Retry-After": {
            "Nova, once": HEALED,
            "Nova, always": PARTIAL,
            "Nova asks to come back tomorrow": PARTIAL,
        },
        "500": {"Neutron, once": HEALED, "Neutron, always": PARTIAL},
        "503": {"Cinder, once": HEALED, "Keystone, always": FAILED},
        "truncated JSON": {"the second page of servers": PARTIAL, "the list of projects": PARTIAL},
        "duplicated page": {
            "the second page of servers repeats servers of the first": HEALED,
            "the first page of servers comes twice": HEALED,
        },
        "endless paging loop": {
            "Nova ignores the marker": PARTIAL,
            "Neutron ignores the marker": PARTIAL,
            "ever new servers, until the scan's deadline": PARTIAL,
        },
        "expired token": {
            "revoked in mid-listing": HEALED,
            "and the password was changed meanwhile": PARTIAL,
        },
        "TLS error": {
            "signed by a stranger": FAILED,
            "certificate expired": FAILED,
            "certificate of another host": FAILED,
            "Nova alone, signed by a stranger": PARTIAL,
        },
        "DNS failure": {"Keystone": FAILED, "Nova, by the catalogue": PARTIAL},
        "kill -9": {"the services, in mid-listing": PARTIAL, "yunhe scan and yunhe collect": KEPT},
    },
    "Kubernetes": {
        "connection refused": {"the API server": FAILED},
        "timeout": {
            "takes requests and never answers": FAILED,
            "packets are dropped": FAILED,
            "the second page of pods never comes": PARTIAL,
        },
        "reset mid-page": {"the second page of pods, always": PARTIAL, "the second page of pods, once": HEALED},
        "401": {"a revoked token": FAILED},
        "403": {"no right to pods": PARTIAL, "rights in one namespace only": PARTIAL},
        "404 on detail": {
            "the one namespace that may be read was deleted": FAILED,
            "deployments are not served": PARTIAL,
            "ingresses are not served, though their API group is": PARTIAL,
        },
        "429 with Retry-After": {"once": HEALED, "always": FAILED},
        "500": {"nodes, once": HEALED, "nodes, always": PARTIAL},
        "503": {"once": HEALED, "always": FAILED},
        "truncated JSON": {"the second page of pods": PARTIAL},
        "duplicated page": {"the first page of pods comes twice": PARTIAL},
        "endless paging loop": {
            "continue is ignored": PARTIAL,
            "ever new pods, until the scan's deadline": PARTIAL,
        },
        "expired token": {
            "revoked in mid-listing": PARTIAL,
            "the snapshot of the listing was compacted away (410)": HEALED,
        },
        "TLS error": {
            "signed by a stranger": FAILED,
            "certificate expired": FAILED,
            "certificate of another host": FAILED,
        },
        "DNS failure": {"the API server": FAILED},
        "kill -9": {"the API server, in mid-listing": PARTIAL, "yunhe scan and yunhe collect": KEPT},
    },
    "SSH": {
        "connection refused": {"the host": FAILED},
        "timeout": {
            "packets are dropped": FAILED,
            "no banner": FAILED,
            "the probe hangs after half of its answer": FAILED,
        },
        "reset mid-page": {"in the key exchange": FAILED, "in the middle of the answer": FAILED},
        "401": {"a key (and a password) that the host does not know": FAILED},
        "403": {"ForceCommand refuses": FAILED},
        "404 on detail": {"a file of the probe that only root may read": PARTIAL},
        "429 with Retry-After": {"MaxStartups drops the connection, once": HEALED, "MaxStartups, always": FAILED},
        "500": {"the probe crashes with garbage": FAILED},
        "503": {"the host is going down (nologin)": FAILED},
        "truncated JSON": {"half of the answer, ended as if it were whole": PARTIAL},
        "duplicated page": {"the answer twice": HEALED},
        "endless paging loop": {"an answer without end": FAILED},
        "expired token": {"a key that authorized_keys has let expire": FAILED},
        "TLS error": {"another host key": FAILED},
        "DNS failure": {"the host": FAILED},
        "kill -9": {"the session's sshd, in the middle of the answer": PARTIAL, "yunhe scan and yunhe collect": KEPT},
    },
    "HTTP source": {
        "connection refused": {"the platform": FAILED},
        "timeout": {
            "takes requests and never answers": FAILED,
            "packets are dropped": FAILED,
            "the second page never comes": PARTIAL,
        },
        "reset mid-page": {"the second page, always": PARTIAL, "the second page, once": HEALED},
        "401": {"a token that it does not know": FAILED},
        "403": {"a token without the right": FAILED},
        "404 on detail": {"the second page": PARTIAL},
        "429 with Retry-After": {"once": HEALED, "always": FAILED, "asks to come back tomorrow": FAILED},
        "500": {"once": HEALED, "the second page, always": PARTIAL},
        "503": {"once": HEALED, "always": FAILED},
        "truncated JSON": {"the second page": PARTIAL},
        "duplicated page": {
            "the second page repeats items of the first": HEALED,
            "the first page comes twice": PARTIAL,
        },
        "endless paging loop": {
            "the page's number is ignored": PARTIAL,
            "ever new items, until the source's time is over": PARTIAL,
        },
        "expired token": {"in mid-listing": PARTIAL},
        "TLS error": {
            "signed by a stranger": FAILED,
            "certificate expired": FAILED,
            "certificate of another host": FAILED,
        },
        "DNS failure": {"the platform": FAILED},
        "kill -9": {"the platform, in mid-listing": PARTIAL, "yunhe scan and yunhe collect": KEPT},
    },
    "ledger": {
        "connection refused": {"the file is not there": REFUSED},
        "timeout": {"a pipe that nobody writes to": REFUSED},
        "reset mid-page": {"an I/O error while it is read": REFUSED},
        "401": {"a workbook with a password": REFUSED},
        "403": {"permission denied": REFUSED},
        "404 on detail": {"the sheet that the config names is gone": REFUSED},
        "429 with Retry-After": "a file names no pace at which it wants to be read",
        "500": {"damaged inside": REFUSED},
        "503": {"empty: another program is writing it": REFUSED},
        "truncated JSON": {
            "a workbook cut in half": REFUSED,
            "a CSV cut inside quotes": REFUSED,
            "a CSV cut in the middle of a row": REFUSED,
        },
        "duplicated page": {"every row twice": HEALED, "rows twice, with other content": PARTIAL},
        "endless paging loop": {"a cell in the last row of the last column": REFUSED},
        "expired token": "a file asks for no token",
        "TLS error": {"a checksum that does not hold": REFUSED},
        "DNS failure": {"a link that leads nowhere": REFUSED},
        "kill -9": {"yunhe scan, at several moments": KEPT},
    },
}
"""Source to fault to what is done and how it must end; a sentence where the fault can mean nothing for the source."""

SOURCES = tuple(PLAN)


def cell(source: str, fault: str) -> str:
    """The short words of one cell of the table, as planned."""
    cases = PLAN[source][fault]
    return "n/a" if isinstance(cases, str) else words(cases.values())


def words(outcomes: Iterable[Outcome]) -> str:
    """The outcomes of several cases, each once, the mildest first."""
    found = set(outcomes)
    return " · ".join(o.value for o in Outcome if o in found)


def table(cells: Mapping[tuple[str, str], str]) -> list[str]:
    """The matrix as lines of Markdown, columns aligned."""
    rows = [["fault", *SOURCES], *([f, *(cells.get((s, f), "not run") for s in SOURCES)] for f in FAULTS)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["| " + " | ".join(text.ljust(w) for text, w in zip(row, widths, strict=True)) + " |" for row in rows]
    return [lines[0], "|" + "|".join("-" * (w + 2) for w in widths) + "|", *lines[1:]]


PROPERTY = "fault_matrix"
"""Name of the property in which a test notes (source, fault, how, outcome) on its report."""


def measured_table(notes: Iterable[tuple[str, str, str, str]]) -> list[str]:
    """The matrix as it was measured: what did not run, and how much of a cell, is told."""
    found: dict[tuple[str, str], dict[str, Outcome]] = {}
    for source, fault, how, ended in notes:
        found.setdefault((source, fault), {})[how] = Outcome(ended)
    cells = {(s, f): "n/a" for s in SOURCES for f in FAULTS if isinstance(PLAN[s][f], str)}
    for (source, fault), ends in found.items():
        count = "" if ends.keys() == dict(PLAN[source][fault]).keys() else f" ({len(ends)}/{len(PLAN[source][fault])})"  # type: ignore[arg-type]
        cells[source, fault] = words(ends.values()) + count
    return table(cells)


def document() -> str:
    """The part of docs/fault-matrix.md that is written from the plan."""
    lines = [*table({(s, f): cell(s, f) for s in SOURCES for f in FAULTS}), ""]
    for source in SOURCES:
        lines += ["", f"### {source}", "", "| fault | how it is brought about | outcome |", "|---|---|---|"]
        for fault in FAULTS:
            cases = PLAN[source][fault]
            if isinstance(cases, str):
                lines.append(f"| {fault} | n/a: {cases} | – |")
            else:
                lines += [f"| {fault} | {how} | {end.value} |" for how, end in cases.items()]
    return "\n".join(lines) + "\n"


BEGIN, END = "<!-- written by tests/support/fault_plan.py -->\n", "<!-- end -->\n"
DOCUMENT = Path(__file__).parents[2] / "docs" / "fault-matrix.md"


def cases_of(source: str) -> list[tuple[str, str]]:
    """(fault, how) of every case of a source."""
    return [(f, how) for f in FAULTS if not isinstance(cases := PLAN[source][f], str) for how in cases]


def expected(source: str, fault: str, how: str) -> Outcome:
    """How this case must end."""
    cases = PLAN[source][fault]
    assert not isinstance(cases, str)
    return cases[how]


if __name__ == "__main__":
    before, _, rest = DOCUMENT.read_text(encoding="utf-8").partition(BEGIN)
    DOCUMENT.write_text(f"{before}{BEGIN}\n{document()}\n{END}{rest.partition(END)[2]}", encoding="utf-8")
