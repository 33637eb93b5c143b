"""The policy of one scan: a pack of law, what the city is, and its owner's choices within the law."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

from checks.regulation import ConclusionTemplate, Pack, Parameters, load_pack, parse_pack
from checks.working_days import WorkCalendar
from inventory.scan import ScanOptions
from inventory.settings import PolicyChoices, Zone
from inventory.text import Message, msg
from inventory.waiver import Waiver


@dataclass(frozen=True, kw_only=True)
class Policy:
    """Everything that a check may know beside the inventory."""

    pack: Pack
    city: str = ""
    platform_name: str = ""
    """Default: as the pack calls it."""
    platform_filing_number: str | None = None
    """备案证明编号 of the government cloud, as the config writes it."""
    filing_regions: tuple[str, ...] = ()
    """First six digits that filing numbers are expected to have; empty: not compared."""
    fresh_hours: int = 48
    """What was observed longer before the scan's clock is stale."""
    choices: PolicyChoices = field(default_factory=PolicyChoices)
    zones: tuple[Zone, ...] = ()
    """The network zones of the config."""
    calendar: WorkCalendar = field(default_factory=WorkCalendar)
    waivers: tuple[Waiver, ...] = ()
    recorded_digest: str = ""
    """Digest of the pack's file as a stored scan recorded it; empty: the pack at hand is the one."""

    def __post_init__(self) -> None:
        if not self.platform_name:
            object.__setattr__(self, "platform_name", self.pack.names.cloud)

    @classmethod
    def from_options(cls, options: ScanOptions) -> "Policy":
        """The policy of a scan with these options.

        Raises:
            FileNotFoundError: the program brings no pack of that id.
            PackError: the scan's own pack is none.
        """
        chosen = options.pack
        return cls(
            pack=load_pack(chosen.id) if chosen.text is None else parse_pack(chosen.text.encode()),
            city=options.city,
            platform_name=options.platform.name or "",
            platform_filing_number=options.platform.filing_number,
            filing_regions=options.filing_regions,
            fresh_hours=options.fresh_hours,
            choices=options.policy,
            zones=options.zones,
            calendar=WorkCalendar(table=options.calendar),
            waivers=options.waivers,
            recorded_digest=chosen.digest,
        )

    @property
    def label(self) -> str:
        """`laohekou-2024 1`: pack and version, as a scan records it."""
        return self.pack.label

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the file of the pack by which the findings were made."""
        return self.recorded_digest or self.pack.digest

    @property
    def parameters(self) -> Parameters:
        """Numbers and dates of the pack."""
        return self.pack.parameters

    @property
    def effective_from(self) -> date:
        """First day of the regulation: what is new from here on falls under Arts. 14 and 16."""
        return self.pack.effective_from

    @property
    def expires_on(self) -> date:
        """Last day of the regulation."""
        return self.pack.expires_on

    @property
    def legacy_deadline(self) -> date | None:
        """Day by which systems already built must have moved: the owner's choice, else the rule's."""
        return self.choices.legacy_deadline or self.parameters.legacy_deadline

    @property
    def regions(self) -> tuple[str, ...]:
        """What names of its systems may begin with: its own name, and those of the regions above it."""
        return tuple(dict.fromkeys(r for r in (*self.pack.names.regions, self.city) if r))

    @property
    def centre(self) -> Message:
        """The office that runs the cloud, as sentences call it."""
        return Message(id="the city operations centre", zh=self.pack.names.centre)

    @property
    def finance(self) -> Message:
        """The office of finance, as sentences call it."""
        return Message(id="the finance bureau", zh=self.pack.names.finance)

    def assessment_months(self, level: int) -> int | None:
        """Longest time between two assessments 等级测评 at this level, in months; None: the level has none."""
        return self.parameters.assessment_months.get(level)

    def template_of(self, reported_on: date) -> ConclusionTemplate | None:
        """The report template of that date: it says what its conclusions mean."""
        return next((t for t in self.parameters.conclusions if t.since <= reported_on <= t.until), None)


def basis_warnings(policy: Policy, today: date) -> Iterator[Message]:
    """What every reader must be told of the regulation's own term: not yet in force, about to expire, expired."""
    pack = policy.pack
    if policy.digest != pack.digest:
        yield msg(
            "the scan was judged by {pack} with digest {recorded}; the program now brings it with {digest}: texts "
            "shown may differ from those that were applied",
            pack=pack.id,
            recorded=policy.digest[:16],
            digest=pack.digest[:16],
        )
    if pack.is_excerpt:
        yield msg("{title} is kept in excerpts: articles that are not quoted were not looked at", title=pack.title)
    days_left = (pack.expires_on - today).days
    if today < pack.effective_from:
        yield msg(
            "{title} ({number}) takes effect on {effective_from}; every verdict is ahead of it",
            title=pack.title,
            number=pack.number,
            effective_from=pack.effective_from.isoformat(),
        )
    elif days_left < 0:
        yield msg(
            "the basis has expired: {title} ({number}) held until {expires_on}; its successor must be named",
            title=pack.title,
            number=pack.number,
            expires_on=pack.expires_on.isoformat(),
        )
    elif days_left <= policy.parameters.warn_days_before_expiry:
        yield msg(
            "{title} ({number}) holds until {expires_on}, {days} day(s) from now; its successor is needed",
            title=pack.title,
            number=pack.number,
            expires_on=pack.expires_on.isoformat(),
            days=days_left,
        )
