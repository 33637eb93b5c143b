"""Getting to know SSH hosts, in two steps: their keys are asked for and written down, then a person approves them.

The first step trusts nothing: it writes a file for a person to read, outside every known_hosts. The person compares
each fingerprint with the host's own console, changes `review` to `approve` at the beginning of its line, and only such
lines are added. A line names host, type, fingerprint and key: what was compared is what is added, or nothing is.
"""

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from collectors.collector import ForbiddenCodes
from collectors.errors import CollectorError, HostKeyMismatch
from collectors.known_hosts import MAX_FILE_BYTES, KnownHosts, Standing, fingerprint
from collectors.ledger_source import ledger_collectors
from collectors.ssh_config import Hop
from collectors.ssh_session import Limits, ShownKey, shown_key
from collectors.ssh_source import SshCollector, ssh_collectors
from inventory.guard import Guard
from inventory.settings import Settings
from inventory.text import Message, msg
from inventory.whole_file import PRIVATE, whole_file

PARALLEL = 32
_NAME = re.compile(r"\[[A-Za-z0-9][A-Za-z0-9._:%-]*\]:[0-9]{1,5}|[A-Za-z0-9:][A-Za-z0-9._:%-]*")
"""A host of known_hosts and nothing that speaks for others: no pattern, no list, no marker, no blank."""
_KEY_TYPES = frozenset({"ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa"})
_Place = tuple[tuple[str, int], ...]
"""A host by where it is: (HostName, Port) of each hop on the way and of itself."""
REVIEW, APPROVE = "review", "approve"
HEADER = """\
# SSH host keys that Yunhe was shown. Nothing here is trusted yet.
# Yunhe 收到的 SSH 主机密钥，尚未信任。
# 1. On each host's own console / 在各主机控制台上: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub
# 2. Where the fingerprint is the same, write "approve" for "review" / 指纹一致的，把行首的 review 改为 approve
# 3. yunhe hostkeys approve THIS-FILE --known-hosts KNOWN-HOSTS-FILE
"""


class HostKeyError(Exception):
    """The keys were not approved; nothing was written."""

    def __init__(self, message: Message, *, is_mismatch: bool = False) -> None:
        """`is_mismatch`: a key contradicts what is on record or what was compared; else the file is misshapen."""
        super().__init__(message.id)
        self.message = message
        self.is_mismatch = is_mismatch


@dataclass(frozen=True, slots=True)
class ReviewedKey:
    """A line of the file for review."""

    name: str
    """As known_hosts names the host: `host`, or `[host]:port`."""
    key_type: str
    blob: bytes
    alias: str


@dataclass(frozen=True, slots=True)
class Learned:
    """What asking the hosts gave."""

    unknown: tuple[ReviewedKey, ...]
    """Keys of hosts that have none on file."""
    known: int
    problems: tuple[Message, ...]
    """Hosts that showed no key, or one that contradicts what is on file."""
    withheld: int
    """Hosts on the do-not-scan list: neither resolved nor asked, nor named."""


def learn(settings: Settings, *, base: Path, guard: Guard, clock: Callable[[], datetime]) -> Learned:
    """Asks every configured SSH host, and the jump hosts on the way, for its key. No login but at known jump hosts.

    Raises:
        ConfigError: an ssh_config cannot be read or understood.
        LedgerError: a ledger cannot be read, so it is not known which hosts must not be asked.
    """
    _classified(settings, base, guard, clock)
    targets: dict[_Place, tuple[tuple[Hop, ...], Limits]] = {}
    problems: dict[str, Message] = {}
    withheld = 0
    for source in settings.ssh:
        for collector in ssh_collectors(source, base=base, clock=clock, guard=guard):
            if not isinstance(collector, SshCollector):
                continue
            ways = collector.ways()
            withheld += len({h if isinstance(h, str) else h.host for h in source.hosts}) - len(ways)
            for alias, way in ways.items():
                if isinstance(way, CollectorError):
                    problems[alias] = way.message
                    continue
                for length in range(1, len(way) + 1):
                    part = way[:length]
                    targets.setdefault(tuple((h.hostname, h.port) for h in part), (part, collector.limits))
    answers = _answers(targets, guard)
    unknown: dict[tuple[str, bytes], ReviewedKey] = {}
    known = 0
    for place, (way, _) in targets.items():
        alias, answer = way[-1].alias, answers[place]
        if isinstance(answer, Message):
            problems[alias] = answer
        elif answer.standing is Standing.KNOWN:
            known += 1
        elif answer.standing is not Standing.UNKNOWN:
            problems[alias] = _contradiction(answer.name, answer.key_type, answer.blob, answer.where)
        elif not _NAME.fullmatch(answer.name):
            problems[alias] = msg("{host}: its name cannot stand in a known_hosts file", host=alias)
        else:
            key = ReviewedKey(answer.name, answer.key_type, answer.blob, alias)
            unknown.setdefault((key.name, key.blob), key)
    return Learned(tuple(unknown.values()), known, tuple(problems.values()), withheld)


def write_review(learned: Learned, path: Path) -> None:
    """The file for the person who compares: a line for each unknown key, none of them approved.

    Raises:
        OSError: it cannot be written.
    """
    lines = [HEADER]
    for key in learned.unknown:
        alias = "".join(c if c.isprintable() else "?" for c in key.alias)
        lines.append(
            f"\n# {alias}\n{REVIEW} {key.name} {key.key_type} {fingerprint(key.blob)} "
            f"{base64.b64encode(key.blob).decode()}\n"
        )
    with whole_file(path) as file:
        file.write("".join(lines).encode())


def approve(review: Path, known_hosts: Path) -> tuple[ReviewedKey, ...]:
    """Adds the lines that a person marked to a known_hosts file, all or none; returns what was added.

    A key that is on file already is passed over.

    Raises:
        HostKeyError: the file is misshapen, nothing in it is marked, a fingerprint is not that of its key, or another
            key is on file for a host, or the key is revoked.
        OSError: a file cannot be read or written.
    """
    marked = tuple(_marked(review))
    if not marked:
        raise HostKeyError(
            msg("{file}: no line begins with `approve`; compare the fingerprints and mark the lines that are right",
                file=str(review))
        )  # fmt: skip
    target = known_hosts.resolve()
    on_file = KnownHosts.read([target])
    added: dict[str, ReviewedKey] = {}
    for key in marked:
        # As ssh looks a host up: with its port only, since a line for the plain name speaks for port 22.
        judgement = on_file.judge((key.name.lower(),), key.blob)
        before = added.get(key.name)
        if before is not None and before.blob != key.blob:
            where = str(review)
            raise HostKeyError(_contradiction(key.name, key.key_type, key.blob, where), is_mismatch=True)
        if judgement.standing in (Standing.CHANGED, Standing.REVOKED):
            raise HostKeyError(_contradiction(key.name, key.key_type, key.blob, judgement.where), is_mismatch=True)
        if judgement.standing is Standing.UNKNOWN:
            added[key.name] = key
    if added:
        _append(target, added.values())
    return tuple(added.values())


def _classified(settings: Settings, base: Path, guard: Guard, clock: Callable[[], datetime]) -> None:
    """What ledgers mark as classified must not be asked for its key either."""
    for ledger in settings.ledger:
        for collector in ledger_collectors(ledger, base=base, clock=clock):
            for cell in collector.plan():
                for said in collector.read(cell):
                    if isinstance(said, ForbiddenCodes):
                        guard.add(said.words)


def _answers(
    targets: Mapping[_Place, tuple[tuple[Hop, ...], Limits]], guard: Guard
) -> dict[_Place, ShownKey | Message]:
    """What each host showed, jump hosts before those behind them: whom nobody can reach yet is not knocked for."""
    answers: dict[_Place, ShownKey | Message] = {}
    for hops in sorted({len(place) for place in targets}):
        open_to_us: list[_Place] = []
        for place in (place for place in targets if len(place) == hops):
            before = answers.get(place[:-1])
            if before is None or (isinstance(before, ShownKey) and before.standing is Standing.KNOWN):
                open_to_us.append(place)
            else:
                cause = before if isinstance(before, Message) else _not_known(targets[place[:-1]][0][-1], before)
                answers[place] = _not_asked(targets[place][0], cause)
        if open_to_us:
            with ThreadPoolExecutor(min(PARALLEL, len(open_to_us))) as pool:
                shown = pool.map(lambda place: _ask(*targets[place], guard), open_to_us)
                answers.update(zip(open_to_us, shown, strict=True))
    return answers


def _ask(way: tuple[Hop, ...], limits: Limits, guard: Guard) -> ShownKey | Message:
    try:
        return shown_key(way, limits=limits, forbids=guard.forbids)
    except HostKeyMismatch as error:
        return _not_asked(way, error.message)
    except CollectorError as error:
        return error.message


def _not_asked(way: Sequence[Hop], cause: Message) -> Message:
    return msg(
        "{host}: not asked, a jump host before it is not trusted yet; approve that one and learn again. {cause}",
        host=way[-1].alias,
        cause=cause,
    )


def _not_known(hop: Hop, shown: ShownKey) -> Message:
    if shown.standing is not Standing.UNKNOWN:
        return _contradiction(shown.name, shown.key_type, shown.blob, shown.where)
    key = f"{shown.key_type} {fingerprint(shown.blob)}"
    return msg("{host} shows the key {key}, which is not on record", host=hop.alias, key=key)


def _contradiction(name: str, key_type: str, blob: bytes, where: str | None) -> Message:
    return msg(
        "{host}: the key {key} is not the one on record, or is revoked ({where}): it was reinstalled, or something "
        "else answers in its place. Nothing was written for it; find out which, then remove the old line by hand",
        host=name,
        key=f"{key_type} {fingerprint(blob)}",
        where=where or "?",
    )


def _marked(review: Path) -> Iterator[ReviewedKey]:
    if review.stat().st_size > MAX_FILE_BYTES:
        raise HostKeyError(msg("{file}: larger than {limit} bytes", file=str(review), limit=MAX_FILE_BYTES))
    text = review.read_text(encoding="utf-8-sig", errors="replace")
    for number, line in enumerate(text.split("\n"), 1):
        words = line.split()
        if words and words[0].lower() == APPROVE:
            yield _reviewed(words[1:], f"{review}:{number}")


def _reviewed(words: list[str], where: str) -> ReviewedKey:
    if len(words) != 4 or not _NAME.fullmatch(words[0]) or words[1] not in _KEY_TYPES:
        raise HostKeyError(
            msg("{where}: expected approve, one host without patterns, key type, SHA256 fingerprint and key, as "
                "`yunhe hostkeys learn` wrote them", where=where)
        )  # fmt: skip
    name, key_type, shown, encoded = words
    try:
        blob = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        blob = b""
    if _inner_type(blob) != key_type or fingerprint(blob) != shown:
        raise HostKeyError(
            msg("{where}: the fingerprint is not that of the key beside it; nothing was approved", where=where),
            is_mismatch=True,
        )
    return ReviewedKey(name, key_type, blob, name)


def _inner_type(blob: bytes) -> str:
    """The type that stands in the key itself (RFC 4253 §6.6)."""
    length = int.from_bytes(blob[:4], "big")
    return blob[4 : 4 + length].decode("ascii", "replace") if length < 100 else ""


def _append(target: Path, keys: Iterable[ReviewedKey]) -> None:
    """The file with the lines at its end, in place of the old one at once."""
    old, mode = b"", PRIVATE
    if target.exists():
        old, mode = target.read_bytes(), target.stat().st_mode & 0o777
    if old and not old.endswith(b"\n"):
        old += b"\n"
    lines = (f"{k.name} {k.key_type} {base64.b64encode(k.blob).decode()}\n" for k in keys)
    with whole_file(target, mode=mode) as file:
        file.write(old + "".join(lines).encode())
