"""`yunhe.toml`: one file says what to look at, under which rules, and where to keep it.

Strict: an unknown or repeated key, a wrong type or a missing file is an error that names file, key or line, and what
was expected. Credentials are never in it, only references (clouds.yaml, kubeconfig, ssh config and agent).
Paths are relative to the file.
"""

import ipaddress
import re
import tomllib
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

import msgspec

MAX_CONFIG_BYTES = 4 * 1024**2

Name = Annotated[str, msgspec.Meta(pattern=r"^[\w][\w.-]{0,62}$", description="letters, digits, dot, dash, underscore")]
Positive = Annotated[int, msgspec.Meta(ge=1)]
Seconds = Annotated[float, msgspec.Meta(gt=0, le=86400)]

LedgerKind = Literal[
    "departments",
    "projects",
    "systems",
    "mlps_filings",
    "mlps_assessments",
    "sharing_entries",
    "sharing_uses",
    "third_party",
    "segments",
    "inventory",
    "assets",
    "ownership",
]


class ConfigError(Exception):
    """The config cannot be used; the message says file, key or line, and what was expected."""


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class City(_Table, frozen=True, kw_only=True):
    """Whose cloud it is."""

    name: str
    filing_regions: tuple[Annotated[str, msgspec.Meta(pattern=r"^\d{6}$")], ...] = ()
    """First six digits that 备案证明编号 are expected to have."""


class Platform(_Table, frozen=True, kw_only=True):
    """The government cloud itself 大数据中心政务云 (Arts. 14-16)."""

    name: str = "大数据中心政务云"
    filing_number: str | None = None
    """Its own 备案证明编号: systems that repeat it are told apart."""


class Store(_Table, frozen=True, kw_only=True):
    """Where scans are kept."""

    path: str = "yunhe.db"


class Scan(_Table, frozen=True, kw_only=True):
    """How a scan runs."""

    as_of: str | None = None
    """The scan's clock, a date or an ISO 8601 time; default: now, or the newest capture's time where nothing live is
    read."""
    fresh_hours: Positive = 48
    """What was observed longer before the scan's clock is stale: unknown."""


class OpenStackSource(_Table, frozen=True, kw_only=True):
    """A cloud of clouds.yaml."""

    name: Name
    cloud: str
    """Its name in clouds.yaml."""
    regions: tuple[str, ...] = ()
    """Default: what clouds.yaml says, else every region of the catalogue."""
    clouds_yaml: str | None = None
    platform: bool = True
    """Whether this is the government cloud (false: another unit's OpenStack)."""
    zone: str | None = None
    timeout: Seconds = 60
    retries: Annotated[int, msgspec.Meta(ge=0, le=10)] = 3
    page_size: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 1000
    """Objects asked for at once; a cloud may give fewer."""


class KubernetesSource(_Table, frozen=True, kw_only=True):
    """A context of a kubeconfig."""

    name: Name
    context: str | None = None
    """Default: the kubeconfig's current context."""
    kubeconfig: str | None = None
    platform: bool = True
    zone: str | None = None
    page_size: Annotated[int, msgspec.Meta(ge=1, le=5000)] = 500
    timeout: Seconds = 60


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
    ssh_config: str | None = None
    """Default: ~/.ssh/config."""
    known_hosts: str | None = None
    """Default: ~/.ssh/known_hosts, then /etc/ssh/ssh_known_hosts."""
    parallel: Positive = 32
    connect_timeout: Seconds = 10
    total_timeout: Seconds = 60
    sudo: bool = False
    """Ask `sudo -n` for the facts that need root."""


class Ledger(_Table, frozen=True, kw_only=True):
    """A spreadsheet or CSV file."""

    name: Name
    kind: LedgerKind
    path: str
    sheet: str | None = None
    """Default: every sheet whose header is recognised."""
    zone: str | None = None
    """Zone of addresses whose row names none."""
    control_plane: bool = False
    """kind `inventory` only: the list is the government cloud's own export, so what it lists is on the cloud."""
    columns: dict[str, str] = {}
    """Field to header, where a header is not recognised by itself."""


class CaptureFile(_Table, frozen=True, kw_only=True):
    """A file that `yunhe collect` wrote somewhere else."""

    path: str


class Zone(_Table, frozen=True, kw_only=True):
    """A network zone/VRF 网络区域 in which an address names one machine."""

    name: str
    cidrs: tuple[str, ...] = ()
    internet: bool = False


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
    file: str | None = None
    """A text file with one entry a line; `#` begins a comment."""


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


class Settings(_Table, frozen=True, kw_only=True):
    """The whole file."""

    version: Literal[1]
    city: City
    platform: Platform = Platform()
    store: Store = Store()
    scan: Scan = Scan()
    policy: PolicyChoices = PolicyChoices()
    ownership: OwnershipRules = OwnershipRules()
    do_not_scan: DoNotScan = DoNotScan()
    zone: tuple[Zone, ...] = ()
    openstack: tuple[OpenStackSource, ...] = ()
    kubernetes: tuple[KubernetesSource, ...] = ()
    ssh: tuple[SshSource, ...] = ()
    ledger: tuple[Ledger, ...] = ()
    capture: tuple[CaptureFile, ...] = ()


def load(path: Path) -> Settings:
    """The settings in the file, checked.

    Raises:
        ConfigError: it is missing, is not TOML, has an unknown or repeated key, a wrong type, a name given twice, or
            names a file that is not there.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); `yunhe init` writes one") from error
    if len(data) > MAX_CONFIG_BYTES:
        raise ConfigError(f"{path}: larger than {MAX_CONFIG_BYTES} bytes; expected a TOML file of a few pages")
    try:
        table = tomllib.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: {error}; expected TOML, each key once") from error
    try:
        settings = msgspec.convert(table, Settings)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: {_explain(str(error))}") from error
    _check(settings, path)
    return settings


def _explain(error: str) -> str:
    """msgspec's sentence with the key first and in the file's own notation."""
    text, _, where = error.rpartition(" - at `")
    if not text:
        text, where = error, "$`"
    key = where.rstrip("`").removeprefix("$").removeprefix(".")
    key = re.sub(r"\[(\d+)\]", lambda m: f"[{int(m[1]) + 1}]", key).replace("[...]", "")
    unknown = re.match(r"Object contains unknown field `(.+)`", text)
    if unknown:
        full = f"{key}.{unknown[1]}" if key else unknown[1]
        return f"key {full}: there is no such key; expected {_known_keys(key)}"
    missing = re.match(r"Object missing required field `(.+)`", text)
    if missing:
        full = f"{key}.{missing[1]}" if key else missing[1]
        return f"key {full}: missing, it must be given"
    return f"key {key or '(top level)'}: {text[0].lower()}{text[1:]}"


def _known_keys(key: str) -> str:
    kinds: dict[str, type[msgspec.Struct]] = {
        "city": City,
        "platform": Platform,
        "store": Store,
        "scan": Scan,
        "policy": PolicyChoices,
        "ownership": OwnershipRules,
        "ownership.hostname": HostnameRule,
        "do_not_scan": DoNotScan,
        "zone": Zone,
        "openstack": OpenStackSource,
        "kubernetes": KubernetesSource,
        "ssh": SshSource,
        "ssh.hosts": SshHost,
        "ledger": Ledger,
        "capture": CaptureFile,
    }
    return "one of " + ", ".join(kinds.get(re.sub(r"\[\d+\]", "", key), Settings).__struct_fields__)


def _check(settings: Settings, path: Path) -> None:
    _check_names(settings, path)
    _check_files(settings, path)
    for number, zone in enumerate(settings.zone, 1):
        for cidr in zone.cidrs:
            try:
                ipaddress.ip_network(cidr)
            except ValueError as error:
                raise ConfigError(
                    f"{path}: key zone[{number}].cidrs: {error}; expected a CIDR such as 10.1.0.0/16"
                ) from error
    for number, rule in enumerate(settings.ownership.hostname, 1):
        key = f"ownership.hostname[{number}]"
        try:
            re.compile(rule.pattern)
        except re.error as error:
            raise ConfigError(f"{path}: key {key}.pattern: {error}; expected a regular expression") from error
        if (rule.system is None) == (rule.project is None):
            raise ConfigError(f"{path}: key {key}: expected either system or project")
    for number, ledger in enumerate(settings.ledger, 1):
        if ledger.control_plane and ledger.kind != "inventory":
            raise ConfigError(
                f"{path}: key ledger[{number}].control_plane: only an inventory ledger can be the cloud's own"
            )


def _check_names(settings: Settings, path: Path) -> None:
    for table in ("openstack", "kubernetes", "ssh", "ledger"):
        seen: dict[str, int] = {}
        for number, entry in enumerate(getattr(settings, table), 1):
            if entry.name in seen:
                raise ConfigError(
                    f"{path}: key {table}[{number}].name: {entry.name!r} is already the name of "
                    f"{table}[{seen[entry.name]}]; expected each name once"
                )
            seen[entry.name] = number


_FILE_KEYS = {
    "ledger": ("path",),
    "capture": ("path",),
    "openstack": ("clouds_yaml",),
    "kubernetes": ("kubeconfig",),
    "ssh": ("ssh_config", "known_hosts"),
}


def _check_files(settings: Settings, path: Path) -> None:
    named = [("do_not_scan.file", settings.do_not_scan.file)]
    for table, keys in _FILE_KEYS.items():
        for number, entry in enumerate(getattr(settings, table), 1):
            named += [(f"{table}[{number}].{key}", getattr(entry, key)) for key in keys]
    for key, name in named:
        if name is not None and not resolve(path.parent, name).is_file():
            raise ConfigError(f"{path}: key {key}: no such file: {resolve(path.parent, name)}")


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
            raise ConfigError(f"{path}: the do-not-scan list cannot be read: {error}") from error
        entries += [text for line in lines if (text := line.partition("#")[0].strip())]
    return tuple(entries)
