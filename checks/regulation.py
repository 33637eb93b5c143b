"""A policy pack: the law as data, with the parameters that checks compare with.

The text belongs to lawyers and stands word for word in `regulations/*.toml`; code only refers to its keys.
"""

import hashlib
from datetime import date
from enum import StrEnum
from functools import cache
from importlib import resources

import msgspec

DEFAULT_PACK = "laohekou_2024"


class Status(StrEnum):
    """How far an article is held by checks."""

    CHECKED = "checked"
    """自动检查"""
    PARTLY_CHECKED = "partly_checked"
    """部分自动检查"""
    BY_HAND = "by_hand"
    """人工核查"""
    NOT_A_DUTY = "not_a_duty"
    """非义务条款"""


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class Article(_Table, frozen=True, kw_only=True):
    """An article or one of its items 条/项, word for word."""

    cite: str
    """As reports cite it: `第十四条`, `第二十三条第(七)项`."""
    title: str
    """Our own heading; the regulation gives its articles none."""
    chapter: str
    status: Status
    text: str
    why: str | None = None
    """English; why it is not, or only partly, held by a check (msgid of room `checks`)."""


class Norm(_Table, frozen=True, kw_only=True):
    """Another law or document that a check stands on 其他依据."""

    cite: str
    title: str
    number: str | None = None
    """文号"""
    effective_from: date | None = None
    """It is cited only for facts from this day on."""


class Clause(_Table, frozen=True, kw_only=True):
    """The words that one check holds, cut out of its article 条款原文."""

    basis: str
    """Key of the article or norm."""
    text: str


class ConclusionTemplate(_Table, frozen=True, kw_only=True):
    """What assessment reports of one template may conclude 测评结论. Dates are inclusive, of the report's cover."""

    template: str
    acceptable: tuple[str, ...]
    unacceptable: tuple[str, ...]
    since: date = date.min
    until: date = date.max


class Parameters(_Table, frozen=True, kw_only=True):
    """Numbers and dates that checks compare with; the pack says where each comes from."""

    delivery_months: int
    """A delivery up to this long after the contract belongs to it."""
    assessment_months: dict[int, int]
    """Protection level to the longest time between assessments, in months."""
    assessment_binding_level: int
    filing_lowest_level: int
    filing_days_after_operation: int
    filing_valid_years: int
    filing_valid_from: date
    refiling_deadline: date
    joined_level: int
    warn_days_before_expiry: int
    conclusions: tuple[ConclusionTemplate, ...]


class PackFile(_Table, frozen=True, kw_only=True):
    """The file as it stands."""

    id: str
    version: int
    title: str
    number: str
    """文号"""
    issuer: str
    issued_on: date
    effective_from: date
    expires_on: date
    """Last day on which it holds."""
    expires_note: str
    parameters: Parameters
    clauses: dict[str, Clause]
    articles: dict[str, Article]
    norms: dict[str, Norm]


class Pack(PackFile, frozen=True, kw_only=True):
    """A policy pack 政策包."""

    digest: str
    """SHA-256 (hex) of the file."""

    @property
    def label(self) -> str:
        """`laohekou-2024 1`: what a scan records."""
        return f"{self.id} {self.version}"

    def basis(self, key: str) -> Article | Norm:
        """The article, item or norm with this key (`14`, `23(7)`, `mlps-43`).

        Raises:
            KeyError: the pack has none.
        """
        found = self.articles.get(key) or self.norms.get(key)
        if found is None:
            raise KeyError(f"{self.id} has no article or norm {key!r}")
        return found

    def cite(self, key: str) -> str:
        """As a report cites it: `第十四条`, `《网络安全法》…`."""
        return self.basis(key).cite

    def quote(self, clause: str) -> str:
        """The words of a clause."""
        return self.clauses[clause].text


@cache
def load_pack(name: str = DEFAULT_PACK) -> Pack:
    """The pack of this name out of the program itself.

    Raises:
        FileNotFoundError: there is none.
        msgspec.ValidationError: it is not a pack.
    """
    data = (resources.files("checks") / "regulations" / f"{name}.toml").read_bytes()
    file = msgspec.toml.decode(data, type=PackFile)
    return Pack(**msgspec.structs.asdict(file), digest=hashlib.sha256(data).hexdigest())
