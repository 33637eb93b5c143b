"""What a fault may do to a scan, and what it may not: the judge of the fault matrix, and its table."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from command import Ran
from fault_plan import Outcome

from inventory.coverage import CellResult
from inventory.lifecycle import Life
from inventory.store import Store
from inventory.text import tell


@dataclass(frozen=True)
class Told:
    """What a scan said."""

    code: int
    out: str
    err: str
    cells: Mapping[tuple[str, str, str], tuple[str, int]]
    """(source, scope, kind) to state and number of records."""
    findings: Mapping[str, Mapping[str, Any]]
    """check@kind/subject to the finding, without what names a scan."""

    def verdict(self, key: str) -> str | None:
        """The verdict of a finding."""
        found = self.findings.get(key)
        return None if found is None else str(found["verdict"])

    def open_findings(self) -> list[str]:
        """What is unknown or failed, in a line each."""
        return [f"{k}: {f['verdict']}: {f['reason']}" for k, f in self.findings.items() if f["verdict"] in _OPEN]


_OPEN = ("unknown", "fail")


def told(ran: Ran) -> Told:
    """The JSON that a scan printed; nothing where it was refused."""
    said = json.loads(ran.out) if ran.out.startswith("{") else {"coverage": [], "findings": []}
    cells = {
        (c["cell"]["source"], c["cell"]["scope"], c["cell"]["kind"]): (c["state"], c["seen"]) for c in said["coverage"]
    }
    findings = {
        f"{f['check']}@{f['subject_kind']}/{f['subject']}": {k: v for k, v in f.items() if k != "since_scan"}
        for f in said["findings"]
    }
    return Told(ran.code, ran.out, ran.err, cells, findings)


def outcome(before: Told, after: Told, source: str) -> Outcome:
    """Measured, not expected: how the source of this type came out of it."""
    if after.code == 2:
        return Outcome.REFUSED
    if after.cells == before.cells and after.findings == before.findings and after.code == before.code:
        return Outcome.HEALED
    cells = [(state, seen) for (name, _, _), (state, seen) in after.cells.items() if name.startswith(f"{source}:")]
    assert cells, f"{source} has no cell at all: what was planned must end up in the coverage"
    was_read = any(state == "complete" or (state == "partial" and seen) for state, seen in cells)
    return Outcome.PARTIAL if was_read else Outcome.FAILED


def assert_honest(
    before: Told, after: Told, source: str, was_seen: Callable[[str], bool], *, is_inventing: bool = False
) -> None:
    """No false pass, no false absence, no success where something was not seen.

    `was_seen` says of the key of a record of this source whether its evidence really reached the client.
    `is_inventing`: the fault makes things up, which may then pass as what the source said they are.
    """
    gaps = {c for c, (state, _) in after.cells.items() if state not in ("complete", "not_configured")}
    known = {c for c, (state, _) in before.cells.items() if state not in ("complete", "not_configured")}
    changed = {c for c in before.cells if after.cells.get(c) != before.cells[c]}
    silent = changed - gaps
    assert not silent, f"changed and said to be complete: {[(c, before.cells[c], after.cells.get(c)) for c in silent]}"
    lost = {c for c in before.cells if c not in after.cells and c[1] != "*"}
    assert not lost, f"planned and not in the coverage: {lost}"
    if gaps - known:
        assert after.code in (3, 4), f"exit {after.code} although not everything was seen"
    if before.code != 3:
        assert after.code != 3, "a check fails only because something was not seen"
    for key, finding in after.findings.items():
        was, now = before.verdict(key), finding["verdict"]
        is_invented = is_inventing and was is None and now == "pass"
        assert now in (was, "unknown") or is_invented, f"{key}: {was} became {now}: {finding['reason']}"
        if now == "pass":
            unseen = [e for e in finding["evidence"] if e.startswith(f"{source}:") and not was_seen(e)]
            assert not unseen, f"{key} passes on evidence that nobody delivered: {unseen}"
        if now == "unknown":
            assert finding["missing"], f"{key} is unknown and says nothing of what is missing"
    subjects = {"system", "project"}
    for key in before.findings.keys() - after.findings.keys():
        assert before.findings[key]["subject_kind"] not in subjects, f"{key} is gone: nobody looked at the register"


def assert_nothing_gone(folder: Path, compared: Ran) -> None:
    """After the disturbed scan the store calls nothing missing or gone, and nothing that was open settled."""
    with Store(folder / "yunhe.db", must_exist=True) as store:
        absent = [(key, life) for key, _, life in store.absent() if life is not Life.UNSEEN]
    assert not absent, f"concluded from what was not seen: {absent[:5]}"
    counts = json.loads(compared.out)["counts"]
    assert counts["resolved"] == 0, compared.out
    assert counts["new"] == 0, compared.out


def assert_tellable(folder: Path, after: Told, secrets: Iterable[str]) -> None:
    """Every gap has a sentence in both languages, no traceback is shown, no secret is told or kept."""
    with Store(folder / "yunhe.db", must_exist=True) as store:
        kept = store.load()
    assert kept is not None
    said = [after.out, after.err, repr(kept.collection.cells), repr(kept.collection.records)]
    said += [repr(kept.findings), repr(kept.collection.rejections)]
    said += [bytes(kept.collection.raws[name]).decode("utf-8", "replace") for name in kept.collection.raws]
    for cell in kept.collection.cells:
        if cell.is_gap:
            said += _sentences(cell)
    assert_no_secret("\n".join(said), secrets)
    assert "Traceback" not in after.err
    assert "Error(" not in after.err, after.err


def assert_refused(folder: Path, after: Told, secrets: Iterable[str]) -> None:
    """One sentence, and no scan: the store still tells of the one before."""
    with Store(folder / "yunhe.db", must_exist=True) as store:
        kept = store.load()
    assert kept is not None
    assert kept.info.number == 1
    assert after.out == ""
    assert len(after.err.strip().splitlines()) == 1, after.err
    assert after.err.startswith("yunhe: ")
    assert "Traceback" not in after.err
    assert_no_secret(after.err, secrets)


def assert_no_secret(text: str, secrets: Iterable[str]) -> None:
    """None of them is in the text."""
    for secret in secrets:
        assert secret not in text, f"a secret is told: …{text[max(0, text.find(secret) - 200) : text.find(secret)]}"


_CJK = re.compile("[\u4e00-\u9fff]")


def _sentences(cell: CellResult) -> list[str]:
    assert cell.reason is not None, f"{cell.cell}: {cell.state} without a reason"
    chinese, english = tell(cell.reason, "zh_CN"), tell(cell.reason, "en")
    assert _CJK.search(chinese), f"no Chinese: {chinese}"
    for sentence in (chinese, english):
        assert "\n" not in sentence
        assert not re.search(r"\{[a-z_]+\}| object at 0x", sentence), sentence
        assert len(sentence) < 1500, sentence
    return [chinese, english]
