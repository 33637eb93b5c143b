"""`yunhe.toml`: one file says what to look at, under which rules, and where to keep it.

Strict: an unknown or repeated key, a wrong type or a missing file is an error that names file, key or line, and what
was expected. Credentials are never in it, only references (clouds.yaml, kubeconfig, ssh config and agent).
Paths are relative to the file.
"""

import ipaddress
import re
import tomllib
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import msgspec

from inventory.names import normalise
from inventory.text import Message, mark, msg, tell

MAX_CONFIG_BYTES = 4 * 1024**2
MAX_SWEPT_ADDRESSES = 65_536
"""Of one range: a /16, which is 20 minutes a port at 50 packets a second."""

_NAME = r"^[\w][\w.-]{0,62}$"
_REGION = r"^\d{6}$"
_PATH = r"^[^\x00]+$"
_URL = r"^https?://[^\s@/?#]+([/?][^\s#]*)?$"
_HEADER = r"^[A-Za-z0-9-]{1,64}$"
Name = Annotated[str, msgspec.Meta(pattern=_NAME, description="letters, digits, dot, dash, underscore")]
PathText = Annotated[str, msgspec.Meta(pattern=_PATH, description="a path, relative to the config")]
Positive = Annotated[int, msgspec.Meta(ge=1)]
Seconds = Annotated[float, msgspec.Meta(gt=0, le=86400)]
PerSecond = Annotated[float, msgspec.Meta(gt=0, le=10_000)]
TcpPort = Annotated[int, msgspec.Meta(ge=1, le=65_535)]
Concurrency = Annotated[int, msgspec.Meta(ge=1, le=256)]

LedgerKind = Literal[
    "departments",
    "projects",
    "systems",
    "migrations",
    "design_books",
    "mlps_filings",
    "mlps_assessments",
    "sharing_entries",
    "sharing_uses",
    "sharing_calls",
    "sharing_tasks",
    "third_party",
    "segments",
    "inventory",
    "assets",
    "ownership",
]


DiscoveryKind = Literal["nmap", "arp", "dhcp"]


class ConfigError(Exception):
    """The config cannot be used; the message says file, key or line, and what was expected."""

    def __init__(self, said: Message | str) -> None:
        self.message = said if isinstance(said, Message) else Message(id="{said}", args={"said": said})
        super().__init__(tell(self.message, "en"))


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class City(_Table, frozen=True, kw_only=True):
    """Whose cloud it is."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    filing_regions: tuple[Annotated[str, msgspec.Meta(pattern=_REGION)], ...] = ()
    """First six digits that 备案证明编号 are expected to have."""


class Platform(_Table, frozen=True, kw_only=True):
    """The government cloud itself 大数据中心政务云 (Arts. 14-16)."""

    name: str | None = None
    """Default: as the policy pack calls it."""
    filing_number: str | None = None
    """Its own 备案证明编号: systems that repeat it are told apart."""
    sources: tuple[str, ...] = ()
    """Sources in captures whose control plane is the government cloud's, as `openstack:NAME`: a capture does not
    decide for itself that what it lists is on the cloud. Live sources say it with `platform`."""


class Store(_Table, frozen=True, kw_only=True):
    """Where scans are kept."""

    path: PathText = "yunhe.db"
    url: str | None = None
    """A PostgreSQL database instead, `postgresql://USER@HOST/DATABASE`; no password in it (libpq's .pgpass has one)."""


class Retention(_Table, frozen=True, kw_only=True):
    """How long scans are kept 保留期限. What evidence cites or a baseline names is kept whatever stands here."""

    daily_days: Annotated[int, msgspec.Meta(ge=1, le=36_600)] = 90
    """Days of which each keeps a scan."""
    weekly_weeks: Annotated[int, msgspec.Meta(ge=0, le=5_200)] = 53
    """Weeks before the last scan of which each keeps one."""
    monthly_months: Annotated[int, msgspec.Meta(ge=0, le=1_200)] = 60
    """Months before the last scan's of which each keeps one."""


class Lifecycle(_Table, frozen=True, kw_only=True):
    """When what is not there any more is gone, and how much may vanish at once."""

    gone_scans: Annotated[int, msgspec.Meta(ge=1, le=100)] = 3
    """Scans that read all of where it was and did not find it."""
    gone_hours: Annotated[int, msgspec.Meta(ge=0, le=8_784)] = 48
    """Between the first and the last of them."""
    mass_count: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 20
    mass_percent: Annotated[int, msgspec.Meta(ge=0, le=100)] = 10
    """More than the larger of the two, of one scope in one scan, is not believed until somebody accepts it."""


class Scan(_Table, frozen=True, kw_only=True):
    """How a scan runs."""

    as_of: str | None = None
    """The scan's clock, a date or an ISO 8601 time; default: now, or the newest capture's time where nothing live is
    read."""
    fresh_hours: Annotated[int, msgspec.Meta(ge=1, le=87600)] = 48
    """What was observed longer before the scan's clock is stale: unknown."""
    deadline_minutes: Annotated[float, msgspec.Meta(gt=0, le=100_000)] | None = None
    """After so long no more is read; what was left is skipped, and said to be."""


class RequestLimits(_Table, frozen=True, kw_only=True):
    """How fast a service may be asked."""

    requests_per_second: PerSecond = 50
    """Of one host; as many may come at once after a pause of a second."""
    concurrency: Concurrency = 8
    """Requests in flight, from sending to the answer's last byte."""


OPENSTACK_SERVICES = (
    "identity", "compute", "network", "block-storage", "image", "load-balancer", "baremetal", "placement",
)  # fmt: skip
"""Service types (https://service-types.openstack.org) that may have limits of their own."""


class OpenStackSource(_Table, frozen=True, kw_only=True):
    """A cloud of clouds.yaml."""

    name: Name
    cloud: str
    """Its name in clouds.yaml."""
    regions: tuple[str, ...] = ()
    """Default: what clouds.yaml says, else every region of the catalogue."""
    clouds_yaml: PathText | None = None
    platform: bool = True
    """Whether this is the government cloud (false: another unit's OpenStack)."""
    zone: str | None = None
    timeout: Seconds = 60
    retries: Annotated[int, msgspec.Meta(ge=0, le=10)] = 3
    page_size: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 1000
    """Objects asked for at once; a cloud may give fewer."""
    requests_per_second: PerSecond = 50
    """Of each service."""
    concurrency: Concurrency = 8
    """Requests in flight, of each service."""
    limits: dict[str, RequestLimits] = {}
    """Service type to limits of its own."""


class KubernetesSource(_Table, frozen=True, kw_only=True):
    """A context of a kubeconfig."""

    name: Name
    context: str | None = None
    """Default: the kubeconfig's current context."""
    kubeconfig: PathText | None = None
    platform: bool = True
    zone: str | None = None
    page_size: Annotated[int, msgspec.Meta(ge=1, le=5000)] = 500
    timeout: Seconds = 60
    requests_per_second: PerSecond = 50
    concurrency: Concurrency = 8


class SshHost(_Table, frozen=True, kw_only=True):
    """One host where the group's defaults do not fit."""

    host: str
    zone: str | None = None


class SshSource(_Table, frozen=True, kw_only=True):
    """A group of hosts that are asked over SSH."""

    name: Name
    hosts: tuple[str | SshHost, ...]
    """Names as ssh_config knows them, or addresses."""
    zone: str | None = None
    ssh_config: PathText | None = None
    """Default: ~/.ssh/config."""
    known_hosts: PathText | None = None
    """Default: ~/.ssh/known_hosts, then /etc/ssh/ssh_known_hosts."""
    parallel: Positive = 32
    """Hosts asked at once."""
    parallel_per_jump_host: Positive = 8
    """Of these, behind one jump host: sshd drops logins that are not through yet beyond MaxStartups (10)."""
    connect_timeout: Seconds = 10
    """For the name and the TCP connection, of each hop."""
    banner_timeout: Seconds = 15
    """For banner and key exchange, of each hop."""
    auth_timeout: Seconds = 20
    """For logging in, of each hop."""
    command_timeout: Seconds = 45
    """For the probe."""
    total_timeout: Seconds = 60
    """For everything together."""
    sudo: bool = False
    """Ask `sudo -n` for the facts that need root."""


class Ledger(_Table, frozen=True, kw_only=True):
    """A spreadsheet or CSV file."""

    name: Name
    kind: LedgerKind
    path: PathText
    sheet: str | None = None
    """Default: every sheet whose header is recognised."""
    zone: str | None = None
    """Zone of addresses whose row names none."""
    control_plane: bool = False
    """kind `inventory` only: the list is the government cloud's own export, so what it lists is on the cloud."""
    columns: dict[str, str] = {}
    """Field to header, where a header is not recognised by itself."""
    mapping: PathText | None = None
    """A file (TOML or YAML) that says where the table stands and what its words mean: `inventory.ledger_mapping`."""


class Discovery(_Table, frozen=True, kw_only=True):
    """A file of what was seen on the wire 网络探测, by whoever may look there."""

    name: Name
    kind: DiscoveryKind
    """`nmap`: its XML; `arp`: `ip neigh`, `arp -an`, a switch's table; `dhcp`: leases of ISC dhcpd, dnsmasq, CSV."""
    path: PathText
    zone: str | None = None
    """Zone in which its addresses hold."""
    max_age_hours: Positive = 720
    """What was taken longer ago tells what was there; it is not complete any more."""


class Sweep(_Table, frozen=True, kw_only=True):
    """Address ranges that may be swept 主动探测. To stand here is leave, no order: only `--sweep` sends a packet."""

    name: Name
    cidrs: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    """Nothing outside them is ever sent a packet, nor anything in them that is on the do-not-scan list."""
    zone: str | None = None
    """Zone in which its addresses hold."""
    ports: Annotated[tuple[TcpPort, ...], msgspec.Meta(max_length=64)] = ()
    """TCP ports that are tried by connecting; default: only whether anything answers."""
    packets_per_second: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 50
    total_timeout: Seconds = 14_400


class SharingApi(_Table, frozen=True, kw_only=True):
    """An HTTP endpoint of the data-sharing platform 数据共享交换平台 that answers JSON."""

    name: Name
    url: Annotated[str, msgspec.Meta(pattern=_URL)]
    token_env: str | None = None
    """Name of the environment variable that holds the token; the token itself is written nowhere."""
    header: Annotated[str, msgspec.Meta(pattern=_HEADER)] = "Authorization"
    prefix: str = "Bearer "
    """Stands before the token in the header."""
    allow_http: bool = False
    """Whether the token may go over plain HTTP to another machine."""
    ca_file: PathText | None = None
    """Certificates of the authority that signed the platform's; default: the system's."""
    items: str
    """JMESPath from an answer to its list of items."""
    entries: dict[str, str] = {}
    """Field of a `sharing_entries` ledger to JMESPath in an item."""
    uses: dict[str, str] = {}
    """Field of a `sharing_uses` ledger to JMESPath in an item."""
    success: str | None = None
    """JMESPath that must be true in an answer: many platforms say 200 and mean an error."""
    total: str | None = None
    """JMESPath to the number of all items: fewer is incomplete."""
    page_param: str | None = None
    """Query parameter of the page's number (or of what `next` finds)."""
    first_page: Annotated[int, msgspec.Meta(ge=0)] = 1
    size_param: str | None = None
    page_size: Annotated[int, msgspec.Meta(ge=1, le=10000)] = 100
    next: str | None = None
    """JMESPath to the next page: an address on the same host, a value for `page_param`, or whether there is one. The
    end is null, empty or false there; a key that was never in an answer is no end, unless the path says so itself
    (``not_null(next, `false`)``) or `total` is reached."""
    timeout: Seconds = 30
    """Seconds to wait for an answer."""
    total_timeout: Seconds = 900
    retries: Annotated[int, msgspec.Meta(ge=0, le=10)] = 3
    requests_per_second: PerSecond = 10
    concurrency: Concurrency = 1
    """Requests in flight: listings that are walked at the same time."""


class CaptureFile(_Table, frozen=True, kw_only=True):
    """A file that `yunhe collect` wrote somewhere else."""

    path: PathText


class Zone(_Table, frozen=True, kw_only=True):
    """A network zone/VRF 网络区域 in which an address names one machine. Several tables may speak of one zone, and do
    not contradict each other."""

    name: str
    cidrs: tuple[str, ...] = ()
    internet: bool = False
    extranet: bool | None = None
    """Whether it is part of the government extranet 政务外网; None: the policy pack's list of names says it."""


class HostnameRule(_Table, frozen=True, kw_only=True):
    """Whose a host is by its name."""

    pattern: str
    """A regular expression that the whole name must match."""
    system: str | None = None
    project: str | None = None


class OwnershipRules(_Table, frozen=True, kw_only=True):
    """How owners are found beside the register."""

    label_keys: tuple[str, ...] = ("gov.cn/system-id", "gov.cn/project-id", "system", "project", "系统编号", "项目编号")
    """Keys of labels, annotations and metadata whose value is a system or project code."""
    hostname: tuple[HostnameRule, ...] = ()


class DoNotScan(_Table, frozen=True, kw_only=True):
    """What is never resolved, connected to or written down (Art. 28)."""

    entries: tuple[str, ...] = ()
    file: PathText | None = None
    """A text file with one entry a line; `#` begins a comment."""


class RecognisedCentre(_Table, frozen=True, kw_only=True):
    """A department's own data centre that the rule of its city recognises 认定的自建数据中心."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    document: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    """认定文号"""
    zone: Annotated[str, msgspec.Meta(min_length=1)]
    cidrs: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    """Networks in that zone in which its machines stand."""
    valid_to: date | None = None
    """Last day of the recognition."""


class PolicyChoices(_Table, frozen=True, kw_only=True):
    """The owner's choices within the law; defaults are the regulation's own words."""

    legacy_deadline: date | None = None
    """Day by which 已建系统 must have moved: makes 16-migration able to fail."""
    upgrade_counts_as_rebuild: bool = True
    unregistered_fails: bool = False
    sharing_level: Annotated[int, msgspec.Meta(ge=1, le=5)] = 5
    """Evidence level that 23(7) asks of sharing (domain: evidence ladder L1-L5)."""
    sharing_window_days: Positive = 90
    sharing_min_calls: Positive = 1
    acceptance_needs_mlps: bool = True
    acceptance_needs_trial_run: bool = False
    """Whether 23-acceptance also asks for the trial run of Art. 23(2) and the reports of Art. 23(8)."""
    extranet_deadline: date | None = None
    """Day by which department networks must have been integrated: makes 16-extranet able to fail."""
    trial_gap_days: Annotated[int, msgspec.Meta(ge=0, le=31)] = 0
    """Days of a trial run that no scan may have seen, for the rest to prove it all the same."""
    duplicate_similarity: Annotated[int, msgspec.Meta(ge=50, le=100)] = 85
    """Likeness of two systems' names, in percent, from which 16-duplicate names the pair to a person."""
    design_tolerance_percent: Annotated[int, msgspec.Meta(ge=0, le=100)] = 10
    """How far what runs may be from what the design book 技术设计书 declares, in percent of the declared, before
    23-design advises. The regulation gives no number; ten percent lets pass what a kernel keeps for itself."""
    ledger_fresh_days: Positive = 92
    """Days after its last change for which a ledger's file counts as fresh in the indicators; a quarter by default."""
    waiver_months: Annotated[int, msgspec.Meta(ge=1, le=60)] = 12
    """Longest time that a waiver 豁免 may hold, from its first day."""
    waiver_warn_days: Annotated[int, msgspec.Meta(ge=0, le=366)] = 30
    """Days before its end from which a waiver is reported."""
    waiver_most_findings: Positive = 5
    """A waiver that more findings fit is reported as too broad."""
    recognised: tuple[RecognisedCentre, ...] = ()
    """Department data centres that were recognised; only a pack whose rule knows recognition reads them."""


class RuleFiles(_Table, frozen=True, kw_only=True):
    """Files beside the config that say what applies: the rule itself, days off, exemptions."""

    pack: Annotated[str, msgspec.Meta(min_length=1, max_length=500)] = "laohekou-2024"
    """A policy pack 政策包: the id of one that the program brings, or the path of a TOML file."""
    calendar: PathText | None = None
    """A YAML file of days off and make-up days, for years that the program does not know."""
    waivers: tuple[PathText, ...] = ()
    """Files of waivers 豁免 (YAML or XLSX)."""
    aliases: PathText | None = None
    """A YAML file of names that a person confirmed 别名表."""


class Settings(_Table, frozen=True, kw_only=True):
    """The whole file."""

    version: Literal[1]
    city: City
    platform: Platform = Platform()
    store: Store = Store()
    retention: Retention = Retention()
    lifecycle: Lifecycle = Lifecycle()
    scan: Scan = Scan()
    policy: PolicyChoices = PolicyChoices()
    rules: RuleFiles = RuleFiles()
    ownership: OwnershipRules = OwnershipRules()
    do_not_scan: DoNotScan = DoNotScan()
    zone: tuple[Zone, ...] = ()
    openstack: tuple[OpenStackSource, ...] = ()
    kubernetes: tuple[KubernetesSource, ...] = ()
    ssh: tuple[SshSource, ...] = ()
    ledger: tuple[Ledger, ...] = ()
    discovery: tuple[Discovery, ...] = ()
    sweep: tuple[Sweep, ...] = ()
    sharing_api: tuple[SharingApi, ...] = ()
    plugin: tuple[dict[str, Any], ...] = ()
    """`name`, `use` (an entry point of the group `yunhe.collectors`) and whatever that collector takes."""
    capture: tuple[CaptureFile, ...] = ()


def load(path: Path) -> Settings:
    """The settings in the file, checked.

    Raises:
        ConfigError: it is missing, is not TOML, has an unknown or repeated key, a wrong type, a name given twice,
            contradicts itself, or names a file that is not there.
    """
    name = str(path)
    try:
        if path.is_dir():
            raise ConfigError(
                msg("{path}: it is a folder; expected the configuration file, such as yunhe.toml", path=name)
            )
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise ConfigError(msg("{path}: there is no such file; `yunhe init` writes one", path=name)) from error
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise ConfigError(
            msg("{path}: cannot be read ({why}); expected a readable file", path=name, why=why)
        ) from error
    if len(data) > MAX_CONFIG_BYTES:
        sentence = msg(
            "{path}: larger than {limit} bytes; expected TOML of a few pages", path=name, limit=MAX_CONFIG_BYTES
        )
        raise ConfigError(sentence)
    try:
        table = tomllib.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ConfigError(
            msg("{path}: byte {at} is not UTF-8; save the file as UTF-8", path=name, at=error.start)
        ) from error
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, brackets thousands deep
        raise ConfigError(msg("{path}: {why}; expected TOML, each key once", path=name, why=str(error))) from error
    try:
        settings = msgspec.convert(table, Settings)
    except msgspec.ValidationError as error:
        raise ConfigError(msg("{path}: {what}", path=name, what=_explain(str(error)))) from error
    _check(settings, path)
    return settings


def _explain(error: str) -> Message:
    """msgspec's sentence with the key first, in the file's own notation and the reader's words."""
    text, _, where = error.rpartition(" - at `")
    if not text:
        text, where = error, "$`"
    key = where.rstrip("`").removeprefix("$").removeprefix(".")
    key = re.sub(r"\[(\d+)\]", lambda m: f"[{int(m[1]) + 1}]", key).replace("[...]", "")
    unknown = re.match(r"Object contains unknown field `(.+)`", text, re.DOTALL)
    if unknown:
        full = f"{key}.{unknown[1]}" if key else unknown[1]
        return msg("key {key}: there is no such key; expected one of {keys}", key=full, keys=_known_keys(key))
    missing = re.match(r"Object missing required field `(.+)`", text)
    if missing:
        full = f"{key}.{missing[1]}" if key else missing[1]
        return msg("key {key}: missing, it must be given", key=full)
    if key in _ARRAYS and text.startswith("Expected `array`"):
        return msg("key {key}: expected tables, each begun by a line [[{key}]]", key=key)
    return msg("key {key}: {what}", key=key or msg("(top level)"), what=_expectation(key, text))


_ARRAYS = (
    "policy.recognised",
    "zone",
    "openstack",
    "kubernetes",
    "ssh",
    "ledger",
    "discovery",
    "sweep",
    "sharing_api",
    "plugin",
    "capture",
)
_TYPES = {
    "str": mark("text in quotes"),
    "int": mark("an integer"),
    "float": mark("a number"),
    "bool": mark("true or false"),
    "array": mark("a list in [ ]"),
    "object": mark("a table"),
    "date": mark("a date"),
    "datetime": mark("a time"),
}
_PATTERNS = {
    _NAME: mark("letters, digits, dots, dashes and underscores, 63 at most"),
    _REGION: mark("six digits in quotes"),
    _PATH: mark("a path"),
    _URL: mark("an address that begins with https:// (or http://), without a user or password in it"),
    _HEADER: mark("the name of an HTTP header"),
}
_CHOICES = {"version": ("1",), "ledger.kind": get_args(LedgerKind), "discovery.kind": get_args(DiscoveryKind)}
_BOUNDS = {">=": mark("{value} or more"), "<=": mark("{value} or less"), ">": mark("more than {value}")}


def _expectation(key: str, text: str) -> Message:
    """What was expected, in words for what msgspec says in types; its own sentence where it says something rare."""
    choices = _CHOICES.get(re.sub(r"\[\d+\]", "", key))
    if choices:
        return msg("expected one of {choices}", choices=", ".join(choices))
    types = re.fullmatch(r"Expected `([\w |]+)`, got `(\w+)`", text)
    names = [n for n in types[1].split(" | ") if n != "null"] if types else []
    if types and all(n in _TYPES for n in (*names, types[2])):
        wanted_types = [Message(id=_TYPES[n]) for n in names]
        return msg("expected {wanted}, not {got}", wanted=wanted_types, got=Message(id=_TYPES[types[2]]))
    wanted = _wanted(text)
    return msg("expected {wanted}", wanted=wanted) if wanted else Message(id="{said}", args={"said": text})


def _wanted(text: str) -> Message | None:
    if text.startswith("Invalid RFC3339 encoded date"):
        return msg("a date without quotes, such as 2027-12-31")
    for pattern, wanted in _PATTERNS.items():
        if text.endswith(f"matching regex {pattern!r}"):
            return Message(id=wanted)
    bound = re.fullmatch(r"Expected `\w+` (>=|<=|>) ([\d.]+)", text)
    if bound:
        return Message(id=_BOUNDS[bound[1]], args={"value": bound[2]})
    longest = re.fullmatch(r"Expected `str` of length <= (\d+)", text)
    if longest:
        return msg("text of at most {value} characters", value=longest[1])
    return msg("text that is not empty") if text == "Expected `str` of length >= 1" else None


def _known_keys(key: str) -> str:
    """The keys that a table may have."""
    kinds: dict[str, type[msgspec.Struct]] = {
        "city": City,
        "platform": Platform,
        "store": Store,
        "retention": Retention,
        "lifecycle": Lifecycle,
        "scan": Scan,
        "policy": PolicyChoices,
        "policy.recognised": RecognisedCentre,
        "rules": RuleFiles,
        "ownership": OwnershipRules,
        "ownership.hostname": HostnameRule,
        "do_not_scan": DoNotScan,
        "zone": Zone,
        "openstack": OpenStackSource,
        "openstack.limits": RequestLimits,
        "kubernetes": KubernetesSource,
        "ssh": SshSource,
        "ssh.hosts": SshHost,
        "ledger": Ledger,
        "discovery": Discovery,
        "sweep": Sweep,
        "sharing_api": SharingApi,
        "capture": CaptureFile,
    }
    return ", ".join(kinds.get(re.sub(r"\[\d+\]", "", key), Settings).__struct_fields__)


def _check(settings: Settings, path: Path) -> None:
    _check_names(settings, path)
    _check_plugins(settings, path)
    _check_files(settings, path)
    _check_limits(settings, path)
    _check_retention(settings, path)
    _check_cidrs(settings, path)
    _check_zones(settings, path)
    for number, rule in enumerate(settings.ownership.hostname, 1):
        key = f"ownership.hostname[{number}]"
        try:
            re.compile(rule.pattern)
        except re.error as error:
            raise _wrong(path, f"{key}.pattern", msg("{why}; expected a regular expression", why=str(error))) from error
        if (rule.system is None) == (rule.project is None):
            raise _wrong(path, key, msg("expected either system or project"))
    for number, ledger in enumerate(settings.ledger, 1):
        if ledger.control_plane and ledger.kind != "inventory":
            what = msg(
                "only a ledger of kind inventory can be the cloud's own; this one is of kind {kind}", kind=ledger.kind
            )
            raise _wrong(path, f"ledger[{number}].control_plane", what)


def _check_retention(settings: Settings, path: Path) -> None:
    """What is asked later must not be kept for a shorter time than what is asked first: a slip of the hand."""
    kept = settings.retention
    if kept.weekly_weeks and kept.weekly_weeks * 7 < kept.daily_days:
        what = msg("{weeks} weeks are less than the {days} days of daily_days; expected 0, or {least} or more",
                   weeks=kept.weekly_weeks, days=kept.daily_days, least=-(-kept.daily_days // 7))  # fmt: skip
        raise _wrong(path, "retention.weekly_weeks", what)
    days = max(kept.daily_days, kept.weekly_weeks * 7)
    if kept.monthly_months and kept.monthly_months * 31 < days:
        what = msg("{months} months are less than the {days} days of the other two; expected 0, or {least} or more",
                   months=kept.monthly_months, days=days, least=-(-days // 31))  # fmt: skip
        raise _wrong(path, "retention.monthly_months", what)


def _check_limits(settings: Settings, path: Path) -> None:
    for number, cloud in enumerate(settings.openstack, 1):
        for service in cloud.limits:
            if service not in OPENSTACK_SERVICES:
                what = msg("there is no such service; expected one of {services}",
                           services=", ".join(OPENSTACK_SERVICES))  # fmt: skip
                raise _wrong(path, f"openstack[{number}].limits.{service}", what)


def _check_cidrs(settings: Settings, path: Path) -> None:
    tables: tuple[tuple[str, Sequence[RecognisedCentre | Zone | Sweep]], ...] = (
        ("policy.recognised", settings.policy.recognised),
        ("zone", settings.zone),
        ("sweep", settings.sweep),
    )
    for name, entries in tables:
        for number, entry in enumerate(entries, 1):
            for cidr in entry.cidrs:
                key = f"{name}[{number}].cidrs"
                try:
                    network = ipaddress.ip_network(cidr)
                except ValueError as error:
                    what = msg("{why}; expected a CIDR such as 10.1.0.0/16", why=str(error))
                    raise _wrong(path, key, what) from error
                if name == "sweep" and network.num_addresses > MAX_SWEPT_ADDRESSES:
                    what = msg("{cidr} has more than {limit} addresses; expected ranges that can be swept in a night",
                               cidr=cidr, limit=MAX_SWEPT_ADDRESSES)  # fmt: skip
                    raise _wrong(path, key, what)


def _check_zones(settings: Settings, path: Path) -> None:
    """A zone is of the government extranet, of the Internet or of neither: all its tables are heard."""
    inside, outside, internet = "extranet = true", "extranet = false", "internet = true"
    told: dict[tuple[str, str], int] = {}
    for number, zone in enumerate(settings.zone, 1):
        name = normalise(zone.name)
        words = {inside: zone.extranet, outside: zone.extranet is False, internet: zone.internet}
        for word in (w for w, is_told in words.items() if is_told):
            told.setdefault((name, word), number)
        for other in (outside, internet):
            first, second = told.get((name, inside)), told.get((name, other))
            if first and second:
                what = msg(
                    "zone {name} has {one} in zone[{first}] and {other} in zone[{second}]; expected one of the two",
                    name=zone.name, one=inside, first=first, other=other, second=second,
                )  # fmt: skip
                raise _wrong(path, f"zone[{number}]", what)


def _check_plugins(settings: Settings, path: Path) -> None:
    """The two keys of the only table that is otherwise free."""
    seen: set[str] = set()
    for number, table in enumerate(settings.plugin, 1):
        for key in ("name", "use"):
            if not isinstance(table.get(key), str) or not re.match(_NAME, table[key]):
                what = msg("expected {wanted}", wanted=Message(id=_PATTERNS[_NAME]))
                raise _wrong(path, f"plugin[{number}].{key}", what)
        if table["name"] in seen:
            what = msg("{name} is the name of another plugin; expected each name once", name=table["name"])
            raise _wrong(path, f"plugin[{number}].name", what)
        seen.add(table["name"])


def _wrong(path: Path, key: str, what: Message) -> ConfigError:
    return ConfigError(msg("{path}: {what}", path=str(path), what=msg("key {key}: {what}", key=key, what=what)))


def _check_names(settings: Settings, path: Path) -> None:
    for table in ("openstack", "kubernetes", "ssh", "ledger", "discovery", "sweep", "sharing_api"):
        seen: dict[str, int] = {}
        for number, entry in enumerate(getattr(settings, table), 1):
            if entry.name in seen:
                other = f"{table}[{seen[entry.name]}]"
                what = msg(
                    "{name} is already the name of {other}; expected each name once", name=entry.name, other=other
                )
                raise _wrong(path, f"{table}[{number}].name", what)
            seen[entry.name] = number


_FILE_KEYS = {
    "ledger": ("path", "mapping"),
    "capture": ("path",),
    "openstack": ("clouds_yaml",),
    "kubernetes": ("kubeconfig",),
    "ssh": ("ssh_config", "known_hosts"),
    "discovery": ("path",),
    "sharing_api": ("ca_file",),
}


def _check_files(settings: Settings, path: Path) -> None:
    named = [("do_not_scan.file", settings.do_not_scan.file)]
    for table, keys in _FILE_KEYS.items():
        for number, entry in enumerate(getattr(settings, table), 1):
            named += [(f"{table}[{number}].{key}", getattr(entry, key)) for key in keys]
    named += [("rules.calendar", settings.rules.calendar), ("rules.aliases", settings.rules.aliases)]
    named += [(f"rules.waivers[{number}]", name) for number, name in enumerate(settings.rules.waivers, 1)]
    if is_path(settings.rules.pack):
        named.append(("rules.pack", settings.rules.pack))
    for key, name in named:
        if name is not None:
            _check_file(path, key, name)
    store = _resolved(path, "store.path", settings.store.path)
    if store.is_dir():
        raise _wrong(path, "store.path", msg("{file} is a folder; expected the path of a file", file=str(store)))


def is_path(pack: str) -> bool:
    """Whether the text names a policy pack's file, not one that the program brings."""
    return pack.endswith(".toml") or "/" in pack


def _check_file(path: Path, key: str, name: str) -> None:
    """The file that the key names is there; a folder, or a pipe that would be waited for, is none."""
    file = _resolved(path, key, name)
    try:
        file.stat()
    except FileNotFoundError as error:
        what = msg("no such file: {file}", file=str(file))
        raise _wrong(path, key, what) from error
    except OSError as error:
        what = msg("{file} cannot be read: {why}", file=str(file), why=error.strerror or "")
        raise _wrong(path, key, what) from error
    if file.is_dir():
        raise _wrong(path, key, msg("{file} is a folder; expected a file", file=str(file)))
    if not file.is_file():
        raise _wrong(path, key, msg("{file} is no regular file", file=str(file)))


def _resolved(path: Path, key: str, name: str) -> Path:
    try:
        return resolve(path.parent, name)
    except RuntimeError as error:  # `~somebody` who is not here
        raise _wrong(path, key, msg("{file}: there is no such home folder", file=name)) from error


def resolve(base: Path, name: str) -> Path:
    """The path that a config's text means: `~` is home, relative is beside the config."""
    return base / Path(name).expanduser()


def do_not_scan_entries(settings: Settings, base: Path) -> tuple[str, ...]:
    """The do-not-scan list of the config and of the file that it names.

    Raises:
        ConfigError: the file cannot be read as UTF-8 text.
    """
    entries = list(settings.do_not_scan.entries)
    if settings.do_not_scan.file:
        path = resolve(base, settings.do_not_scan.file)
        try:
            lines = path.read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            # Never go on without the list: what it protects would be scanned.
            why = getattr(error, "strerror", None) or str(error)
            sentence = msg(
                "{path}: the do-not-scan list cannot be read ({why}); nothing was scanned", path=str(path), why=why
            )
            raise ConfigError(sentence) from error
        entries += [text for line in lines if (text := line.partition("#")[0].strip())]
    return tuple(entries)
