"""Proposed names as the YAML that a person confirms: in comments all of it, so that nothing holds before that.

What a person wrote stays as it is to the last character; the proposals of an earlier run, lines that begin with `#?`,
make room for the new ones.
"""

import json
import re
from collections.abc import Iterable, Iterator

from exporters.tables import plain
from inventory.alias import AliasKind
from inventory.alias_proposals import Candidate, Proposal
from inventory.text import DEFAULT_LOCALE, gettext, mark, msg, tell

PROPOSED = "#? "
KINDS = {
    AliasKind.SYSTEM_NAME: mark("name of a system"),
    AliasKind.PROJECT_NAME: mark("name of a project"),
    AliasKind.DEPARTMENT_NAME: mark("name of a unit"),
    AliasKind.TENANT: mark("cloud tenant"),
    AliasKind.HOST: mark("host"),
}
_HEAD = """\
# 别名表 / confirmed names
#
# 每一条由人确认后才生效。以“#?”开头的是程序的建议，不生效，下次生成时会被替换。
# An entry holds once a person confirmed it. Lines that begin with "#?" are proposals: they hold nothing, and the next
# run replaces them.
# 确认：去掉该条各行行首的“#? ”，填写 answer（same 是同一个；different 不是，以后不再建议）、
# confirmed_by（确认人）、confirmed_on（确认日期）、why（依据）。
# To confirm: take "#? " off the entry's lines and fill in answer (same, or different: then it is not proposed again),
# confirmed_by, confirmed_on and why.

aliases:
"""
_EMPTY = re.compile(r"(?m)^aliases:[ \t]*(\[[ \t]*\]|~|null)[ \t]*$")
_ITEM = re.compile(r"(?m)^( *)- ")
_BREAKS = re.compile("[\r\n\x0b\x0c\x1c-\x1e\x85\u2028\u2029]+")
_TO_ESCAPE = re.compile("[\x7f-\x9f\xad\u0600-\u0605\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\uffff]")


def proposals_file(before: str | None, proposals: Iterable[Proposal], *, locale: str = DEFAULT_LOCALE) -> str:
    """The file with these proposals. `before`: its text as it stands, None where there is none yet."""
    kept = _HEAD if before is None else _without_proposals(before)
    item = _ITEM.search("\n".join(line for line in kept.splitlines() if not line.lstrip().startswith("#")))
    indent = item[1] if item else "  "
    lines = list(_lines(tuple(proposals), indent, locale))
    return kept + "".join(f"{PROPOSED}{line}".rstrip() + "\n" for line in lines)


def _without_proposals(text: str) -> str:
    # Lines are what \n ends: YAML ends them elsewhere too, and a comment must not be cut in two.
    lines = text.removeprefix("\ufeff").split("\n")
    kept = "\n".join(line for line in lines if not line.startswith(PROPOSED.strip()))
    kept = _EMPTY.sub("aliases:", kept)
    return kept if kept.endswith("\n") or not kept else kept + "\n"


def _lines(proposals: tuple[Proposal, ...], indent: str, locale: str) -> Iterator[str]:
    for proposal in proposals:
        if proposal.candidates:
            yield from _proposed(proposal, indent, locale)
    bare = [p for p in proposals if not p.candidates]
    if bare:
        heading = msg("Nothing in the register is alike; whoever knows writes an entry:")
        yield f"# {tell(heading, locale)}"
    for proposal in bare:
        yield f"#   {_title(proposal, locale)}"


def _title(proposal: Proposal, locale: str) -> str:
    remark = f" ({_words(proposal.remark)})" if proposal.remark else ""
    kind = gettext(KINDS[proposal.kind], locale)
    return f"{kind} {_words(proposal.written)}{remark} · {_words(', '.join(proposal.sources))}"


def _proposed(proposal: Proposal, indent: str, locale: str) -> Iterator[str]:
    said = msg("{count} record(s)", count=proposal.records)
    yield f"# ── {_title(proposal, locale)} · {tell(said, locale)}"
    for candidate in proposal.candidates:
        yield f"# {candidate.score} %: {_words(told_of(candidate, locale))}"
        yield f"{indent}- kind: {proposal.kind.value}"
        fields = {"written": proposal.written, "source": proposal.scope, candidate.thing: candidate.target}
        for name, value in fields.items():
            if value is not None:
                yield f"{indent}  {name}: {_scalar(value)}"
        for name in ("answer", "confirmed_by", "confirmed_on", "why"):
            yield f"{indent}  {name}:"


def told_of(candidate: Candidate, locale: str) -> str:
    """The candidate, and why it is one."""
    name = " · ".join(filter(None, (f"{candidate.target} {candidate.name}", candidate.department)))
    return f"{name} ({'; '.join(tell(reason, locale) for reason in candidate.reasons)})"


def _words(text: str) -> str:
    """Of strangers, in a comment: on one line, whatever YAML takes for the end of one."""
    return plain(_BREAKS.sub(" ", text))


def _scalar(text: str) -> str:
    """The text in double quotes, which JSON and YAML read alike."""
    return _TO_ESCAPE.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False))
