"""Hostile input through the front door: what a source or a stranger's file says never steers anything."""

import contextlib
import csv
import hashlib
import io
import json
import os
import sqlite3
import stat
import time
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec
import pytest
from command import Ran, Yunhe
from rich.console import Console

from exporters import tables
from inventory import capture_file
from inventory.capture_file import CaptureError
from inventory.collection import Collection, digest, encode_raw
from inventory.coverage import Cell, CellResult, CellState, Rejection, SourceInfo
from inventory.records import (
    Department,
    Funding,
    HostSighting,
    MlpsFiling,
    Nic,
    Project,
    ProjectKind,
    Record,
    SharingEntry,
    System,
    Tenant,
    View,
    Workload,
)
from inventory.store_rows import unpacked
from inventory.text import Message, tell

NIGHT = datetime(2026, 11, 22, 18, tzinfo=UTC)
HOSTILE = (
    "\x1b[2J\x1b]0;owned\x07",
    "\x9b31m",
    "\u202egnp.exe",
    "line\nbreak\r\nand\ttab",
    "=cmd|'/c calc'!A1",
    "＝cmd|'/c calc'!A1",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "[red]x[/red] \\[bold]",
    "{x} {0} {x.__class__} {",
    "%s %(x)s %n",
    '</title><a href="javascript:x">',
    "a\u200bb\ufeff\u2066",
    "{{ 7*7 }}{% raw %}",
)
CONFIG = """\
version = 1
[city]
name = "云泽市"
[store]
path = "yunhe.sqlite3"
[[capture]]
path = "night.capture"
"""


def said(source: str, kind: type, native_id: str, **fields: object) -> Record:
    """A record of that source."""
    raw = encode_raw({"id": native_id})
    return kind(source=source, native_id=native_id, observed_at=NIGHT, raw=digest(raw), **fields)  # type: ignore[no-any-return]


def hostile_night(texts: tuple[str, ...] = HOSTILE) -> Collection:
    """Every kind of thing under each of the hostile names."""
    records: list[Record] = []
    ledger, cloud, ssh = "ledger:l", "openstack:gov", "ssh:h"
    for number, text in enumerate(texts):
        code = f"P-{number}{text}"
        records += [
            said(ledger, Department, f"d{text}", name=f"局{text}"),
            said(ledger, Project, code, name=f"项目{text}", department=f"局{text}", project_kind=ProjectKind.NEW,
                 funding=Funding.GOVERNMENT, systems=(f"S-{text}",), tenants=(f"t{text}",),
                 awarded_on=date(2025, 3, 3)),
            said(ledger, System, f"S-{text}", name=f"系统{text}", department=f"局{text}", is_rebuilt=True, mlps_level=2,
                 hosts=(f"h{text}",), declared_place=text),
            said(ledger, MlpsFiling, f"f{text}", number=text, system=f"S-{text}"),
            said(ledger, SharingEntry, f"e{text}", name=text, system=f"S-{text}", direction=text),
            said(cloud, Tenant, f"t{text}", name=f"t{text}", tags=(text,), labels={text: text}),
            said(cloud, HostSighting, f"v{text}", view=View.SERVER, name=f"v{text}", tenant=f"t{text}", status=text),
            said(ssh, HostSighting, f"h{text}", view=View.OS, name=f"h{text}", vendor=text, product=text, serial=text,
                 virtualization=text, os_name=text,
                 nics=(Nic(name=text, mac=text, addresses=(text, f"10.1.0.{number}")),)),
            said("kubernetes:k", Workload, f"w{text}", workload_kind=text, namespace=text, name=text, node=text),
        ]  # fmt: skip
    kinds = {ledger: ("department", "project", "system", "mlps_filing", "sharing_entry"), ssh: ("host",),
             cloud: ("host", "tenant"), "kubernetes:k": ("workload",)}  # fmt: skip
    reason = Message(id="{x:>9} {0} {x.__class__} {nested}", args={"x": HOSTILE[0], "nested": Message(id=HOSTILE[1])})
    cells = [
        CellResult(cell=Cell(source, text, kind), state=CellState.PARTIAL, seen=1, reason=reason, unseen=(text,))
        for source, named in kinds.items()
        for kind in named
        for text in texts[:3]
    ]
    rejections = [
        Rejection(source=ledger, file=t, sheet=t, row=1, column=t, value=t, expected=Message(id=t), touches=(t,))
        for t in texts
    ]
    return Collection(
        taken_at=NIGHT,
        sources=[SourceInfo(name=s, type=s.partition(":")[0], is_platform=s == cloud) for s in kinds],
        records=records,
        raws={digest(encode_raw({"id": r.native_id})): encode_raw({"id": r.native_id}) for r in records},
        cells=cells,
        rejections=rejections,
    )


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A config with a capture of the hostile night."""
    capture_file.write(hostile_night(), tmp_path / "night.capture", tool="test")
    (tmp_path / "yunhe.toml").write_text(CONFIG, encoding="utf-8")
    return tmp_path / "yunhe.toml"


def harmless(ran: Ran) -> str:
    """That what was printed holds nothing that steers a terminal; returns it."""
    assert "Traceback" not in ran.err
    for text in (ran.out, ran.err):
        steering = {c for c in text if c not in {"\n", "\r"} and (c < " " or "\x7f" <= c <= "\x9f")}
        assert not steering
        assert not set(text) & set("\u202e\u2066\u200b")
    return ran.out


@pytest.mark.thorough
@pytest.mark.parametrize("lang", ["en", "zh_CN"])
def test_hostile_names_steer_no_terminal_page_table_or_metric(yunhe: Yunhe, hostile: Path, lang: str) -> None:
    folder = hostile.parent
    harmless(yunhe("scan", "-c", hostile, "--lang", lang))
    harmless(yunhe("findings", "-c", hostile, "--lang", lang))
    rows = json.loads(harmless(yunhe("findings", "-c", hostile, "-f", "json", "--lang", lang)))
    assert any(row["subject"].endswith(HOSTILE[0]) for row in rows)
    table = list(csv.reader(io.StringIO(harmless(yunhe("findings", "-c", hostile, "-f", "csv")).lstrip("\ufeff"))))
    assert not [c for row in table for c in row if c.startswith(("=", "+", "-", "@", "＝"))]
    for row in rows[:60]:
        assert yunhe("explain", "-c", hostile, f"{row['subject_kind']}/{row['subject']}", "--lang", lang).code in (0, 2)
    for text in HOSTILE:
        for subject in (f"S-{text}", f"P-{HOSTILE.index(text)}{text}", f"h{text}"):
            ran = yunhe("explain", "-c", hostile, subject, "--lang", lang)
            assert ran.code == 0, (subject, ran.err)
            harmless(ran)
    assert yunhe("report", "-c", hostile, "-o", folder / "r.html", "--lang", lang).code == 0
    page = (folder / "r.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "<img" not in page
    assert 'javascript:x"' not in page
    assert not set(page) & set("\x1b\x9b\u202e\u200b\u2066")
    assert yunhe("export", "prometheus", "-c", hostile, "--textfile", folder / "y.prom").code == 0
    for line in (folder / "y.prom").read_text(encoding="utf-8").splitlines():
        assert line.startswith(("#", "yunhe_")), line


def test_evidence_of_a_hostile_project_is_built_verified_and_harmless(yunhe: Yunhe, hostile: Path) -> None:
    folder = hostile.parent
    yunhe("scan", "-c", hostile)
    for number, text in enumerate(HOSTILE):
        bundle = folder / f"{number}.zip"
        ran = yunhe(
            "evidence", "build", "-c", hostile, "-o", bundle, "--key", folder / "k.pem", "--", f"P-{number}{text}"
        )
        assert ran.code == 0, ran.err
        verified = yunhe("evidence", "verify", bundle)
        assert verified.code == 0, verified.err
        harmless(verified)
        with zipfile.ZipFile(bundle) as archive:
            page = archive.read("conclusion.html").decode()
            assert "<script" not in page
            assert "<img" not in page
            assert all(".." not in n and not n.startswith("/") for n in archive.namelist())


@pytest.mark.parametrize(
    "message",
    [
        Message(id="{x:>2000000000}", args={"x": "a"}),
        Message(id="{x.__class__.__mro__}", args={"x": "a"}),
        Message(id="{0} {} {missing} {"),
        Message(id="{x!r:{y}}", args={"x": "a", "y": 3}),
        Message(id=""),
    ],
)
def test_a_strangers_sentence_is_no_format_string(message: Message) -> None:
    assert len(tell(message, "en")) < 100
    assert len(tell(message, "zh_CN")) < 100


def test_sentences_in_sentences_end_somewhere() -> None:
    message = Message(id="end")
    for _ in range(200):
        message = Message(id="({x})", args={"x": message})

    assert tell(message, "en").count("…") == 1


def test_files_are_private_and_no_link_is_followed(yunhe: Yunhe, hostile: Path) -> None:
    """A shared folder: somebody else may have put links where a careless program would write."""
    folder = hostile.parent
    victim = folder / "victim"
    victim.write_text("mine")
    for name in ("r.html", "e.zip", "y.prom", "c.capture"):
        for temporary in (f".{name}.tmp", f".{name}.{os.getpid()}.tmp"):
            (folder / temporary).symlink_to(victim)
    before = os.umask(0)
    try:
        yunhe("scan", "-c", hostile)
        yunhe("report", "-c", hostile, "-o", folder / "r.html")
        yunhe("export", "prometheus", "-c", hostile, "--textfile", folder / "y.prom")
        yunhe("evidence", "build", f"P-8{HOSTILE[8]}", "-c", hostile, "-o", folder / "e.zip")
        capture_file.write(hostile_night(), folder / "c.capture", tool="test")
    finally:
        os.umask(before)

    assert victim.read_text() == "mine"
    modes = {f.name: stat.S_IMODE(f.lstat().st_mode) for f in folder.iterdir() if not f.is_symlink()}
    for name in ("r.html", "e.zip", "c.capture", "yunhe.sqlite3", "yunhe.key"):
        assert modes[name] == 0o600, name
    assert modes["y.prom"] == 0o644
    assert not [n for n, m in modes.items() if m & 0o022 and n.startswith("yunhe.sqlite3")]


# ── captures of strangers ────────────────────────────────────────────────────────────────────────────────────────────


def forged(path: Path, **members: bytes) -> Path:
    """A capture with these members, its manifest in order, as somebody who knows the format would make it."""
    names = {"records": b"", "raws": b"", "coverage": b"", "rejections": b"", **members}
    manifest = {
        "format": "yunhe-capture", "format_version": 1, "tool": "t", "taken_at": "2026-11-22T18:00:00Z", "sources": [],
        "members": {f"{n}.jsonl": hashlib.sha256(b).hexdigest() for n, b in names.items() if n != "manifest"},
    }  # fmt: skip
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", members.get("manifest", json.dumps(manifest)))
        for name, body in names.items():
            if name != "manifest":
                archive.writestr(f"{name}.jsonl", body)
    return path


TENANT = b'{"kind":"tenant","source":"o","native_id":"1","observed_at":"2026-11-22T18:00:00Z","name":%s}\n'


@pytest.mark.parametrize(
    "members",
    [
        {"records": b"\n" * (64 * 1024**2)},
        {"records": b"[" * 100_000 + b"\n"},
        {"records": TENANT % (b"[" * 100_000)},
        {"records": TENANT % b'"x","deep":' + b"[" * 5000 + b"]" * 5000 + b"}"},
        {"records": TENANT % b"NaN"},
        {"records": TENANT % b"1e999"},
        {"records": TENANT % b'"\\ud800"'},
        {"records": TENANT % b'"\xff"'},
        {"records": TENANT % (b'"' + b"x" * 20 * 1024**2 + b'"')},
        {"records": TENANT.replace(b"tenant", b"nonsense") % b'"x"'},
        {"records": b'{"kind":"tenant"}\n'},
        {"records": b"\xef\xbb\xbf{}\n"},
        {"raws": b'{"digest":"../../etc/passwd","body":{}}\n'},
        {"raws": b'{"digest":"' + b"0" * 64 + b'","body":{}}\n'},
        {"raws": b'{"digest":"0","body":' + b"[" * 100_000 + b"}\n"},
        {"coverage": b'{"cell":["a","b"],"state":"complete","seen":1}\n'},
        {"coverage": b'{"cell":{"source":"a","scope":"b","kind":"c"},"state":"complete","seen":"many"}\n'},
        {"manifest": b"[" * 100_000},
        {"manifest": b"{}"},
        {"manifest": b'{"format":"yunhe-capture","format_version":1e400}'},
    ],
)
def test_a_forged_capture_is_one_error_in_no_time(tmp_path: Path, members: dict[str, bytes]) -> None:
    path = forged(tmp_path / "f.capture", **members)
    begun = time.monotonic()

    with pytest.raises(CaptureError):
        capture_file.read(path)

    assert time.monotonic() - begun < 10


@pytest.mark.parametrize("how", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_other_ways_of_packing_are_refused(tmp_path: Path, how: int) -> None:
    """Their decoders raise errors of their own, and a bomb in them is larger still."""
    forged(tmp_path / "f.capture")
    with zipfile.ZipFile(tmp_path / "f.capture") as old, zipfile.ZipFile(tmp_path / "g.capture", "w", how) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))

    with pytest.raises(CaptureError):
        capture_file.read(tmp_path / "g.capture")


def test_whatever_byte_of_a_capture_is_changed_it_is_read_or_refused(tmp_path: Path) -> None:
    """Never another exception: a damaged file is an input error, not a crash of ours."""
    capture_file.write(hostile_night(HOSTILE[:2]), tmp_path / "c", tool="test")
    whole = (tmp_path / "c").read_bytes()
    for position in range(0, len(whole), max(1, len(whole) // 1500)):
        for change in (0xFF, 0x01):
            damaged = bytearray(whole)
            damaged[position] ^= change
            try:
                capture_file.load(io.BytesIO(damaged), name="c")
            except CaptureError:
                continue
    for length in range(0, len(whole), max(1, len(whole) // 300)):
        with pytest.raises(CaptureError):
            capture_file.load(io.BytesIO(whole[:length]), name="c")


def test_a_million_tags_are_read_in_a_moment(tmp_path: Path) -> None:
    tags = ",".join(f'"t{n}"' for n in range(1_000_000)).encode()
    path = forged(tmp_path / "f.capture", records=TENANT.replace(b"}", b',"tags":[' + tags + b"]}") % b'"x"')

    (record,) = capture_file.read(path).records

    assert len(msgspec.to_builtins(record)["tags"]) == 1_000_000


# ── the do-not-scan list, from sources to every output ───────────────────────────────────────────────────────────────

LISTED = {"words": ("涉密指挥系统", "P-BMJ", "bmj-db-01"), "addresses": ("10.66.0.9", "10.77.3.3")}
REGISTER = """项目编号,项目名称,建设单位,项目类别,资金来源,是否涉密,云租户,包含系统
P-1,公开项目,市教育局,新建,财政,否,t-open,S-1
P-2,机密工程,市保密局,新建,财政,是,t-dark,S-DARK
P-BMJ,另一工程,市教育局,新建,财政,否,t-dusk,S-DUSK
P-3,引用项目,市教育局,不清楚的类别,财政,否,,涉密指挥系统
"""


def in_store(path: Path) -> list[str]:
    """Every value of every row, unpacked, and as it is."""
    with sqlite3.connect(path) as store:
        tables = [name for (name,) in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        values = [v for table in tables for row in store.execute(f'SELECT * FROM "{table}"') for v in row]  # noqa: S608 - the store's own names
    found = [v.decode("utf-8", "replace") if isinstance(v, bytes) else str(v) for v in values]
    for value in values:
        # A digest may begin as what was packed does.
        with contextlib.suppress(ValueError):
            found += [unpacked(value).decode("utf-8", "replace")] if isinstance(value, bytes) else []
    return found


def test_what_is_listed_or_classified_stands_in_no_output_at_all(yunhe: Yunhe, tmp_path: Path) -> None:
    """Neither while the sources are read, nor in the store, nor in anything that is made of it."""
    (tmp_path / "register.csv").write_text(REGISTER, encoding="utf-8")
    (tmp_path / "list.txt").write_text("涉密指挥系统\nP-BMJ\nbmj-db-01\n10.66.0.9\n10.77.0.0/16\n", encoding="utf-8")
    hidden = (*LISTED["words"], *LISTED["addresses"], "机密工程", "t-dark", "S-DARK", "t-dusk", "S-DUSK", "另一工程")
    reason = Message(id="{host} of {what} refused", args={"host": "bmj-db-01", "what": "项目 P-BMJ"})
    records = [said("openstack:gov", Tenant, f"id{n}", name=text) for n, text in enumerate(hidden)]
    records += [
        said("openstack:gov", Tenant, "kept", name="t-open", description=f"beside {text}") for text in hidden[:1]
    ]
    night = Collection(
        taken_at=NIGHT,
        sources=[SourceInfo(name="openstack:gov", type="openstack", is_platform=True)],
        records=records,
        cells=[
            CellResult(
                cell=Cell("openstack:gov", text, "host"), state=CellState.FAILED, seen=0, reason=reason, unseen=hidden
            )
            for text in ("r", *hidden)
        ],
        rejections=[
            Rejection(source="ledger:x", file="f", sheet="s", row=1, column="c", value=f"见{t}的批复", expected=reason)
            for t in hidden
        ],
    )
    capture_file.write(night, tmp_path / "night.capture", tool="test")
    config = tmp_path / "yunhe.toml"
    config.write_text(
        CONFIG + '[[ledger]]\nname = "p"\nkind = "projects"\npath = "register.csv"\n[do_not_scan]\nfile = "list.txt"\n'
        '[[ssh]]\nname = "h"\nhosts = ["bmj-db-01", "10.66.0.9", "bmj-db-01.gov.local"]\n',
        encoding="utf-8",
    )

    told = []
    for arguments in (
        ["scan"], ["findings"], ["findings", "-f", "json"], ["findings", "-f", "csv"], ["explain", "P-1"],
        ["collect", "-o", tmp_path / "out.capture"], ["report", "-o", tmp_path / "r.html"],
        ["export", "prometheus", "--textfile", tmp_path / "y.prom"],
        ["evidence", "build", "P-1", "-o", tmp_path / "e.zip"],
    ):  # fmt: skip
        ran = yunhe(arguments[0], *arguments[1:], "-c", config)
        assert ran.code in (0, 3, 4), (arguments, ran.err)
        told.append(ran.out + ran.err)
    told += [(tmp_path / name).read_bytes().decode("utf-8", "replace") for name in ("r.html", "y.prom", "e.zip")]
    with zipfile.ZipFile(tmp_path / "out.capture") as archive:
        told += [archive.read(n).decode() for n in archive.namelist()]
    told += in_store(tmp_path / "yunhe.sqlite3")

    for text in told:
        for word in hidden:
            assert word not in text, (word, text[:2000])
    assert "公开项目" in "".join(told)


def test_a_name_of_a_million_characters_is_shown_in_part() -> None:
    """Folding it whole kept a terminal busy for minutes."""
    file = io.StringIO()
    begun = time.monotonic()

    tables.show({"a": "a"}, [{"a": "x" * 1_000_000}], tables.Format.TABLE, Console(file=file, width=100))

    assert time.monotonic() - begun < 5
    assert len(file.getvalue()) < 20_000


def test_what_a_store_keeps_can_be_read_however_tight_it_packs() -> None:
    """The limit on what a stranger's file unpacks to is not for our own: a scan that was kept must come back."""
    record = Tenant(source="o", native_id="t", observed_at=NIGHT, name="x" * 12_000_000, description="y" * 3_000_000)
    more = msgspec.structs.replace(record, native_id="u")
    buffer = io.BytesIO()
    capture_file.dump(Collection(taken_at=NIGHT, records=[record, more]), buffer, tool="t")

    assert len(capture_file.load(buffer, name="store").records) == 2
    with pytest.raises(CaptureError, match="unpacks"):
        capture_file.load(buffer, name="stranger", is_ours=False)
