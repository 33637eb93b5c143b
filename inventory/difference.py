"""How two scans answered one question 两次扫描之差."""

from enum import StrEnum

import msgspec

from inventory.finding import Finding, Verdict

OPEN = frozenset({Verdict.FAIL, Verdict.ADVISORY})
"""Verdicts that ask somebody to do something."""


class DiffClass(StrEnum):
    """How a question was answered by the two scans."""

    NEW = "new"
    """新增: it was not open before, and never had been."""
    REOPENED = "reopened"
    """复发: it was open once, was not in the earlier scan, and is open again."""
    RESOLVED = "resolved"
    """已解决: by a verdict, or because the subject is gone."""
    CHANGED = "changed"
    """变化: another verdict or other words, on a matter that both could see."""
    UNCHANGED = "unchanged"
    """未变"""
    INCOMPARABLE = "incomparable"
    """不可比: one of the two could not see."""


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One question that the two scans answered differently."""

    key: str
    """`check@kind/id`."""
    what: DiffClass
    before: Finding | None
    after: Finding | None

    @property
    def fails_anew(self) -> bool:
        """Whether it fails now, and nobody can say that it failed before."""
        fails = self.after is not None and self.after.verdict is Verdict.FAIL
        failed = self.before is not None and self.before.verdict is Verdict.FAIL
        return fails and not failed
