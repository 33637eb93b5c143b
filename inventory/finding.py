"""A finding: what one check says of one subject. Checks make it, the store dates it, exporters tell it."""

from enum import StrEnum

import msgspec

from inventory.text import Message
from inventory.waiver import Disposition


class Verdict(StrEnum):
    """Verdicts, strongest first: combined verdicts take the first that occurs."""

    FAIL = "fail"
    """不合规: positive evidence of a breach of a mandatory clause."""
    UNKNOWN = "unknown"
    """待核实: applicability or fact cannot be decided; never a pass."""
    ADVISORY = "advisory"
    """提示: a duty of effort or an encouragement that is unmet."""
    PASS = "pass"  # noqa: S105 - a verdict, not a password
    """合规: positive evidence for every conjunct."""
    NOT_APPLICABLE = "not_applicable"
    """不适用: the clause does not reach the subject; the reason names what exempts it."""


PRECEDENCE = tuple(Verdict)


def worst(verdicts: "list[Verdict] | tuple[Verdict, ...]") -> Verdict:
    """The combined verdict: fail > unknown > advisory > pass > not_applicable.

    Raises:
        ValueError: there is nothing to combine; no evidence is never a pass.
    """
    if not verdicts:
        raise ValueError("no verdicts to combine")
    return min(verdicts, key=PRECEDENCE.index)


class Subject(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a finding speaks of."""

    kind: str
    """`host`, `system`, `project`, `platform`, `tenant`, `storage`, `segment`, `contract`, `classified`."""
    id: str
    """Stable over scans, unique within the kind."""
    name: str
    department: str | None = None
    """Name of the department in the register."""
    projects: tuple[str, ...] = ()
    """Codes of the projects concerned."""

    @property
    def key(self) -> str:
        """`kind/id`."""
        return f"{self.kind}/{self.id}"


class Finding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One check's verdict on one subject, with all that a reader needs to follow it."""

    check: str
    articles: tuple[str, ...]
    """Keys of the articles or other norms that it stands on: `14`, `16`, `23(7)`, `mlps`."""
    subject: Subject
    verdict: Verdict
    reason: Message
    """One sentence with the values that decided it."""
    decided_by: str
    """Step of the decision order: `classified`, `scope`, `level`, `kind`, `era`, `exemption`, `clause`, `coverage`."""
    missing: tuple[Message, ...] = ()
    """What would settle it and who can supply it; never empty where the verdict is unknown."""
    remedy: Message | None = None
    """What to do; given where the verdict is fail or advisory."""
    evidence: tuple[str, ...] = ()
    """Keys of the records that it rests on, sorted."""
    disposition: Disposition | None = None
    """The waiver 豁免 that speaks of it; the verdict is what it would be without."""

    @property
    def is_waived(self) -> bool:
        """Whether it is a breach or an advice that a waiver in force takes out of what is to be done."""
        return self.disposition is not None

    @property
    def key(self) -> str:
        """`check@kind/id`: the same question to the same subject has the same key in every scan."""
        return f"{self.check}@{self.subject.key}"
