"""A policy pack: the law as data, with the parameters that checks compare with.

The text belongs to lawyers and stands word for word in `regulations/*.toml`; code only refers to its keys.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from datetime import date
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Annotated

import msgspec

from inventory.settings import ConfigError
from inventory.text import Message, msg

DEFAULT_PACK = "laohekou-2024"
MAX_PACK_BYTES = 4 * 1024**2


class PackError(ConfigError):
    """The text is no policy pack; the message says what was expected."""


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
    """An article or one of its items 条/项, word for word (or what is known of it, where the pack is an excerpt)."""

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

    legacy_deadline: date | None = None
    """Day by which systems already built must have moved 迁移期限; the owner's own choice outranks it."""
    recognises_department_centres: bool = False
    """Whether a department's data centre may be recognised 认定, so that what stands in it need not move."""
    supervision_working_days: int = 5
    """Working days from the award to the application for a supervisor (Art. 18)."""
    trial_months: int = 1
    """Shortest trial run 试运行 (Art. 23(2))."""
    evaluation_from_months: int = 12
    evaluation_to_months: int = 24
    """When the self-evaluation 自评价 is due after acceptance and going into operation (Art. 26)."""
    crypto_lowest_level: int = 3
    """Lowest protection level whose systems' use of cryptography is assessed 密评."""
    crypto_months: int = 12
    """Longest time between two of these assessments 商用密码应用安全性评估管理办法: yearly."""
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


class Named(_Table, frozen=True, kw_only=True):
    """What the rule calls the offices and platforms that it speaks of, in its own words."""

    cloud: str = "大数据中心政务云"
    centre: str = "市城市运行管理中心"
    finance: str = "市财政局"
    sharing_platform: str = "全市政务数据共享交换平台"
    extranet: str = "电子政务外网"
    extranet_zones: tuple[str, ...] = (
        "政务外网", "政务外网区", "政务外网公用区", "政务外网公用网络区", "电子政务外网", "电子政务外网区",
    )  # fmt: skip
    """Whole names of zones that are part of the extranet, where `extranet` of a [[zone]] does not say it."""
    internet_zones: tuple[str, ...] = ("互联网", "互联网区")
    """Whole names of zones that are of the Internet, where `internet` of a [[zone]] does not say it."""
    regions: tuple[str, ...] = ()
    """The city and the regions above it 行政区划, as names of systems and units begin with them."""


class PackFile(_Table, frozen=True, kw_only=True):
    """The file as it stands."""

    id: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{1,62}$")]
    version: Annotated[int, msgspec.Meta(ge=1)]
    is_excerpt: bool = False
    """Whether only parts of the rule's text are kept, so that not all of its articles stand here."""
    title: str
    number: str
    """文号"""
    issuer: str
    issued_on: date
    effective_from: date
    expires_on: date
    """Last day on which it holds."""
    expires_note: str
    names: Named = Named()
    parameters: Parameters
    aliases: dict[str, str] = {}
    """Key by which checks and findings know an article (that of laohekou-2024) to the key that it has here."""
    without: tuple[str, ...] = ()
    """Ids of checks for which the rule has no clause: they are not run."""
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

    def own(self, key: str) -> str:
        """The key that an article has here, by the key that checks know it by."""
        return self.aliases.get(key, key)

    def basis(self, key: str) -> Article | Norm:
        """The article, item or norm with this key (`14`, `23(7)`, `mlps-43`), as checks or the pack itself know it.

        Raises:
            KeyError: the pack has none.
        """
        found = self.articles.get(self.own(key)) or self.norms.get(key)
        if found is None:
            raise KeyError(f"{self.id} has no article or norm {key!r}")
        return found

    def cite(self, key: str) -> str:
        """As a report cites it: `第十四条`, `《网络安全法》…`."""
        return self.basis(key).cite

    def cites(self, keys: Iterable[str]) -> tuple[str, ...]:
        """As a report cites them; what the pack does not have is left out."""
        return tuple(self.cite(k) for k in keys if self.own(k) in self.articles or k in self.norms)

    def article(self, key: str) -> Message:
        """The article as a sentence names it: `Art. 14`, `第十四条`."""
        cite = self.cite(key)
        own = self.own(key)
        return Message(id=f"Art. {own}" if own in self.articles else cite, zh=cite)

    def quote(self, clause: str) -> str:
        """The words of a clause."""
        return self.clauses[clause].text


def parse_pack(data: bytes) -> Pack:
    """The pack in a file's bytes, checked.

    Raises:
        PackError: it is no pack, or contradicts itself.
    """
    if len(data) > MAX_PACK_BYTES:
        raise PackError(msg("larger than {limit} bytes; expected a policy pack", limit=MAX_PACK_BYTES))
    try:
        file = msgspec.toml.decode(data, type=PackFile)
    except (msgspec.ValidationError, msgspec.DecodeError, ValueError, RecursionError) as error:
        raise PackError(msg("{why}; expected a policy pack (TOML)", why=str(error))) from error
    pack = Pack(**msgspec.structs.asdict(file), digest=hashlib.sha256(data).hexdigest())
    for problem in problems(pack):
        raise PackError(problem)
    return pack


def problems(pack: Pack) -> Iterator[Message]:
    """Where a pack contradicts itself: a clause that is not in its article, an alias that leads nowhere, a term that
    ends before it begins."""
    if pack.effective_from > pack.expires_on:
        yield msg("effective_from {first} is after expires_on {last}", first=pack.effective_from.isoformat(),
                  last=pack.expires_on.isoformat())  # fmt: skip
    if pack.parameters.evaluation_from_months > pack.parameters.evaluation_to_months:
        yield msg("evaluation_from_months is more than evaluation_to_months")
    for key, own in pack.aliases.items():
        if own not in pack.articles:
            yield msg("alias {key} leads to article {own}, which the pack does not have", key=key, own=own)
    for key, clause in pack.clauses.items():
        article = pack.articles.get(clause.basis)
        if article is None and clause.basis not in pack.norms:
            yield msg("clause {key} stands on {own}, which the pack does not have", key=key, own=clause.basis)
        elif article is not None and clause.text not in article.text:
            yield msg("clause {key} is not word for word in article {own}", key=key, own=clause.basis)
    for key, article in pack.articles.items():
        if (article.why is None) != (article.status is Status.CHECKED):
            yield msg("article {key}: expected `why` where it is not checked in full, and only there", key=key)


_ID = re.compile(r"[a-z0-9][a-z0-9-]{1,62}")


def built_in_packs() -> tuple[str, ...]:
    """Ids of the packs that the program brings."""
    names = [f.name for f in (resources.files("checks") / "regulations").iterdir()]
    return tuple(sorted(n.removesuffix(".toml").replace("_", "-") for n in names if n.endswith(".toml")))


def pack_bytes(name: str) -> bytes:
    """The file of a pack that the program brings.

    Raises:
        FileNotFoundError: there is none of this id.
    """
    if _ID.fullmatch(name) is None:
        raise FileNotFoundError(name)
    return (resources.files("checks") / "regulations" / f"{name.replace('-', '_')}.toml").read_bytes()


@cache
def load_pack(name: str = DEFAULT_PACK) -> Pack:
    """The pack of this id out of the program itself.

    Raises:
        FileNotFoundError: there is none.
        PackError: it is not a pack.
    """
    return parse_pack(pack_bytes(name))


def pack_schema() -> dict[str, object]:
    """JSON Schema (2020-12) of a pack's file, for editors."""
    schema = msgspec.json.schema(PackFile)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Yunhe policy pack", **schema}
