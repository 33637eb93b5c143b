"""The file of proposals: nothing holds before a person confirms it, and what a person wrote stays."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.alias_file import AliasFile, parse_aliases
from exporters.alias_text import proposals_file
from inventory.alias import AliasKind
from inventory.alias_proposals import Candidate, Proposal
from inventory.text import tell

HOSTILE = '平台"\n- kind: host\r\u2028aliases: [x]\x85#?\u202e \\ {a: b} \x7f\x00'


def candidate(target: str = "S-1", name: str = "数字城管综合管理平台") -> Candidate:
    return Candidate(thing="system", target=target, name=name, department="市住建局", score=92, reasons=())


def proposal(written: str = "数字城管平台", *candidates: Candidate, **fields: object) -> Proposal:
    given_: dict[str, object] = {
        "kind": AliasKind.SYSTEM_NAME,
        "sources": ("ledger:测评",),
        "records": 2,
        "remark": None,
    }
    found = candidates or (candidate(),)
    return Proposal(written=written, candidates=found, **{**given_, **fields})  # type: ignore[arg-type]


def read(text: str) -> AliasFile:
    return parse_aliases(text.encode(), Path("names.yaml"))


def uncommented(text: str, answer: str = "same") -> str:
    """What a person does: takes off the marks and fills in the blanks."""
    lines = [line.removeprefix("#? ") for line in text.split("\n")]
    filled = {"answer:": answer, "confirmed_by:": "王敏", "confirmed_on:": "2026-11-20", "why:": "电话核实"}
    return "\n".join(f"{line} {filled[line.strip()]}" if line.strip() in filled else line for line in lines)


CONFIRMED = """\
# 我们的别名表
aliases:
- kind: tenant      # 生产租户
  written: edu-prod
  system: S-2
  confirmed_by: 李强
  confirmed_on: 2026-05-06
  why: 合同附件
"""


def test_a_new_file_confirms_nothing() -> None:
    text = proposals_file(None, [proposal()])

    assert (read(text).aliases, read(text).problems) == ((), ())
    assert "92 %" in text


def test_marks_taken_off_without_a_person_s_word_confirm_nothing() -> None:
    bare = "\n".join(line.removeprefix("#? ") for line in proposals_file(None, [proposal()]).split("\n"))

    found = read(bare)

    assert found.aliases == ()
    (told,) = (tell(p, "en") for p in found.problems)
    assert "it confirms nothing" in told


@pytest.mark.parametrize("before", [None, "aliases: []\n", "aliases:", CONFIRMED, CONFIRMED.replace("\n", "\r\n")])
def test_a_proposal_that_a_person_fills_in_is_an_entry_of_the_same_file(before: str | None) -> None:
    found = read(uncommented(proposals_file(before, [proposal()])))

    assert found.problems == ()
    last = found.aliases[-1]
    assert (last.kind, last.written, last.source, last.system) == (
        AliasKind.SYSTEM_NAME, "数字城管平台", "ledger:测评", "S-1",
    )  # fmt: skip
    assert read(uncommented(proposals_file(before, [proposal()]), "different")).aliases[-1].is_refusal


def test_what_a_person_wrote_stays_to_the_last_character() -> None:
    text = proposals_file(CONFIRMED, [proposal()])

    assert text.startswith(CONFIRMED)
    assert proposals_file(text, []) == CONFIRMED
    assert proposals_file(text, [proposal()]) == text
    half = text.replace("#? # 92", "# 92").replace("#? - kind: system_name", "- kind: system_name")
    assert "- kind: system_name" in proposals_file(half, [])


def test_earlier_proposals_make_room() -> None:
    text = proposals_file(proposals_file(CONFIRMED, [proposal("旧平台")]), [proposal("新平台")])

    assert "旧平台" not in text
    assert "新平台" in text


def test_what_has_no_candidate_is_listed() -> None:
    text = proposals_file(None, [Proposal(kind=AliasKind.HOST, written="web-01", sources=("ssh:a",), records=1,
                                          remark=None, candidates=())], locale="zh_CN")  # fmt: skip

    assert "#? #   主机 web-01 · ssh:a\n" in text


def test_the_scope_is_the_source_its_kind_or_everywhere() -> None:
    for sources, scope in (
        (("ledger:a",), "ledger:a"),
        (("ledger:a", "ledger:b"), "ledger"),
        (("ledger:a", "openstack:b"), None),
    ):
        (entry,) = read(uncommented(proposals_file(None, [proposal(sources=sources)]))).aliases
        assert entry.source == scope


def test_strangers_words_end_no_comment_and_no_text() -> None:
    """A host may be called what it likes: it does not write into the file that decides whose it is."""
    wild = proposal(HOSTILE, candidate("S-1", HOSTILE), sources=("ledger:a",), remark=HOSTILE)

    text = proposals_file(None, [wild, Proposal(kind=AliasKind.HOST, written=HOSTILE, sources=("ssh:a",), records=1,
                                                remark=HOSTILE, candidates=())])  # fmt: skip

    assert (read(text).aliases, read(text).problems) == ((), ())
    assert proposals_file(text, []) == proposals_file(None, [])
    (entry,) = read(uncommented(text)).aliases
    assert entry.written == HOSTILE


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30), st.text(max_size=30))
def test_whatever_a_thing_is_called_the_file_confirms_nothing_and_the_entry_says_it(written: str, name: str) -> None:
    text = proposals_file(CONFIRMED, [proposal(written, candidate(name=name.encode("utf-8", "ignore").decode()))])

    assert len(read(text).aliases) == 1
    assert proposals_file(text, []) == CONFIRMED
    said = read(uncommented(text))
    assert [a.written for a in said.aliases[1:]] == [written] or "written" in tell(said.problems[0], "en")
