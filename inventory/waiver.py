"""Waivers 豁免: a recorded exemption changes what is done about a finding, never what was found."""

from datetime import date
from typing import Annotated

import msgspec

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


class Selector(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which subjects a waiver speaks of: all that is given must fit, and at least one thing must be given."""

    subject: str | None = None
    """`kind/id` or the id alone, as `yunhe findings` shows it."""
    name: str | None = None
    """The subject's name, whole."""
    project: str | None = None
    """Code of a project that the subject belongs to."""
    department: str | None = None
    """Name of the department in the register."""

    @property
    def is_empty(self) -> bool:
        """Whether it would fit everything."""
        return not (self.subject or self.name or self.project or self.department)

    @property
    def is_broad(self) -> bool:
        """Whether it names no single subject: a department's or project's every finding of the check fits."""
        return not (self.subject or self.name)


class Waiver(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One waiver."""

    id: Text
    check: Text
    """Id of the check; `*` is too broad and waives nothing."""
    selector: Selector
    reason: Text
    requester: Text
    """申请人"""
    approver: Text
    """批准人: another person than the requester."""
    document: Text
    """批文号"""
    starts_on: date
    """First day."""
    expires_on: date
    """Last day: valid through its end in Asia/Shanghai."""
    origin: str = ""
    """File and row or entry that it was read from."""


class Disposition(msgspec.Struct, frozen=True, kw_only=True):
    """What is done about a finding that a waiver speaks of 处置; its verdict stays what it is."""

    waiver: str
    """The waiver's id."""
    document: str
    """批文号"""
    approver: str
    expires_on: date
    reason: str
