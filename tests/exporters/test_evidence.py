"""The evidence bundle: the same bytes for the same night, nothing of others in it, and no byte of it can change."""

import csv
import hashlib
import io
import json
import os
import shutil
import stat
import subprocess
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
import result_builder as build
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from effort import examples
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from services import need_program

from exporters import evidence, signing, stored_zip
from exporters.evidence import EvidenceError, UnknownProject
from inventory.finding import Verdict
from inventory.records import System

TOOL = "yunhe 0.1.0"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("evidence")


@pytest.fixture(scope="module")
def bundle(folder: Path) -> Path:
    """The bundle of the project that is fine, signed with `key.pem` beside it."""
    path = folder / "edu.zip"
    evidence.build(build.result(), build.EDU, path, key_path=folder / "key.pem", tool=TOOL)
    (folder / "public.pem").write_bytes(signing.public_pem(signing.load_or_create_key(folder / "key.pem").public_key()))
    return path


@pytest.fixture
def public(folder: Path, bundle: Path) -> Path:
    return folder / "public.pem"


def members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rows(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))


def tampered(bundle: Path, tmp_path: Path, change: Callable[[dict[str, bytes]], object]) -> Path:
    """The bundle with its members changed, in the canonical form, as an attacker without the key would write it."""
    held = members(bundle)
    change(held)
    path = tmp_path / "changed.zip"
    path.write_bytes(stored_zip.write(held))
    return path


# ── what is in it ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_same_result_and_key_give_the_same_bytes(bundle: Path, folder: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.zip"

    evidence.build(build.result(), build.EDU, again, key_path=folder / "key.pem", tool=TOOL)

    assert again.read_bytes() == bundle.read_bytes()


def test_the_bundle_holds_what_the_panel_and_the_auditor_need(bundle: Path) -> None:
    names = set(members(bundle))
    raws = {n for n in names if n.startswith("raw/")}

    assert names - raws == {
        "README.txt", "SHA256SUMS", "conclusion.html", "coverage.json", "deployment.csv", "exceptions.csv",
        "findings.json", "manifest.json", "manifest.sig", "policy.json", "public_key.pem", "records.json",
        "sharing.csv",
    }  # fmt: skip
    assert raws == {f"raw/{build.raw(name='edu-app-01')[0]}.json"}


def test_the_tables_open_in_a_spreadsheet_and_say_what_the_page_says(bundle: Path) -> None:
    held = members(bundle)

    assert held["deployment.csv"].startswith(b"\xef\xbb\xbf")
    (component,) = rows(held["deployment.csv"])
    assert (component["组件"], component["地址"], component["结论"]) == ("edu-app-01", "10.20.1.11", "合规")
    (entry,) = rows(held["sharing.csv"])
    assert (entry["目录编码"], entry["期内成功次数"]) == ("420682-JY-0007", "1842")
    assert component["证据编号"] in held["conclusion.html"].decode()


def test_every_raw_document_is_what_its_name_says_and_every_finding_leads_to_one(bundle: Path) -> None:
    held = members(bundle)
    records = {r["label"]: r for r in json.loads(held["records.json"])}
    deployment = next(f for f in json.loads(held["findings.json"]) if f["check"] == "23.7-deployment")

    (label,) = deployment["evidence"]

    assert json.loads(held[records[label]["raw"]]) == {"name": "edu-app-01"}


def test_nothing_of_other_projects_leaves_with_it(bundle: Path) -> None:
    for name, data in members(bundle).items():
        for secret in (build.ESTATE, build.PARKING, "zrzy-tower", "estate-prod", "智慧停车", "不动产", "old-nas"):
            assert secret.encode() not in data, (name, secret)


def test_a_system_that_projects_share_names_only_this_one(folder: Path, tmp_path: Path) -> None:
    """Two projects may keep one system; the file of one does not tell of the other."""
    city = build.inventory()
    shared = msgspec.structs.replace(city.systems[0], projects=(build.EDU, "SECRET-1"))
    told = build.findings(city)
    told = (
        *told,
        build.finding("16-deployment", build.subject_of(shared, build.EDU, "SECRET-1"), Verdict.PASS, "全部在云"),
    )
    city = replace(city, systems=(shared, *city.systems[1:]))
    path = tmp_path / "shared.zip"

    evidence.build(build.result(city, told), build.EDU, path, key_path=folder / "key.pem", tool=TOOL)

    assert isinstance(shared, System)
    assert b"16-deployment" in members(path)["findings.json"]
    assert all(b"SECRET-1" not in data for data in members(path).values())


def test_the_policy_quotes_the_law_word_for_word(bundle: Path) -> None:
    policy = json.loads(members(bundle)["policy.json"])

    assert policy["quoted"]["23(7)"] == {
        "cite": "第二十三条第(七)项",
        "text": "部署在(迁移至)大数据中心政务云,实现了数据资源共享;",
    }


def test_hostile_names_are_neither_formulas_nor_broken_files(folder: Path, tmp_path: Path) -> None:
    hostile = "=cmd|' /C calc'!A0\u202e\x00\ud800<script>"
    city = build.inventory()
    seen = build.sighting(hostile, "x-1", zone=hostile, tenant=hostile)
    host = build.host(seen, build.Place.CLOUD_INSTANCE, "SYS-EDU")
    entry = msgspec.structs.replace(city.sharing_entries[0], native_id=hostile, name=hostile)
    projects = (build.project(name=hostile, systems=("SYS-EDU",)), *city.projects[1:])
    told = [build.finding("23.7-deployment", build.subject_of(projects[0], build.EDU), Verdict.UNKNOWN, hostile)]
    city = replace(city, hosts=(host,), sharing_entries=(entry,), projects=projects)
    path = tmp_path / "hostile.zip"

    evidence.build(build.result(city, told), build.EDU, path, key_path=folder / "key.pem", tool=TOOL)

    held = members(path)
    for name in ("deployment.csv", "sharing.csv", "exceptions.csv"):
        for row in rows(held[name]):
            assert not [v for v in row.values() if v.startswith(("=", "+", "-", "@"))]
    for name in (n for n in held if n.endswith(".json")):
        json.loads(held[name])
    assert evidence.verify(path).project == build.EDU


def test_an_unknown_project_writes_nothing(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownProject) as caught:
        evidence.build(build.result(), "LHK-2024-01", tmp_path / "x.zip", key_path=folder / "key.pem", tool=TOOL)

    assert build.EDU in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_the_old_file(bundle: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that fills up in the night must not eat last month's evidence."""
    before = bundle.read_bytes()

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        evidence.build(build.result(), build.EDU, bundle, key_path=folder / "key.pem", tool=TOOL)

    assert bundle.read_bytes() == before
    assert not [p for p in folder.iterdir() if p.name.endswith(".tmp")]


# ── verifying ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_untouched_bundle_verifies_by_the_key_alone(bundle: Path, public: Path, tmp_path: Path) -> None:
    """No store, no config, no other file: the bundle under another name, and the key."""
    moved = tmp_path / "收到的证据.zip"
    shutil.copy(bundle, moved)

    report = evidence.verify(moved, public_key=public)

    assert (report.project, report.scan_number, report.origin_checked) == (build.EDU, 42, True)
    assert "signed by the given key" in report.sentence("en")


def test_without_a_key_it_says_that_origin_was_not_checked(bundle: Path) -> None:
    report = evidence.verify(bundle)

    assert not report.origin_checked
    assert "not origin" in report.sentence("en")
    assert report.fingerprint in report.sentence("en")


def test_one_changed_bit_in_any_member_header_or_table_is_noticed(bundle: Path, public: Path, tmp_path: Path) -> None:
    """Every member's first, middle and last byte, and every byte of every header and of the file table."""
    data = bundle.read_bytes()
    with zipfile.ZipFile(bundle) as archive:
        entries = archive.infolist()
        table = archive.start_dir
    places = set(range(table, len(data)))
    for entry in entries:
        content = entry.header_offset + 30 + len(entry.filename)
        places |= set(range(entry.header_offset, content))
        places |= {content, content + entry.file_size // 2, content + entry.file_size - 1}
    for place in sorted(places):
        assert _refuses(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :], tmp_path, public), place


def _refuses(data: bytes, tmp_path: Path, public: Path | None) -> str:
    path = tmp_path / "flipped.zip"
    path.write_bytes(data)
    with pytest.raises(EvidenceError) as caught:
        evidence.verify(path, public_key=public)
    return str(caught.value)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=examples(300))
@given(st.data())
def test_no_edit_of_any_byte_passes(bundle: Path, public: Path, tmp_path: Path, data: st.DataObject) -> None:
    whole = bundle.read_bytes()
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, min(len(whole), start + 40)))
    new = data.draw(st.binary(max_size=40).filter(lambda b: b != whole[start:end]))

    _refuses(whole[:start] + new + whole[end:], tmp_path, public)


@pytest.mark.parametrize("length", [0, 1, 29, 30, 500, 5000, -1, -21, -22, -23, -400])
def test_a_bundle_cut_short_is_refused(bundle: Path, public: Path, tmp_path: Path, length: int) -> None:
    _refuses(bundle.read_bytes()[:length], tmp_path, public)


def test_anything_before_or_after_the_bundle_is_refused(bundle: Path, public: Path, tmp_path: Path) -> None:
    data = bundle.read_bytes()

    _refuses(data + b"\0", tmp_path, public)
    _refuses(b"#!/bin/sh\n" + data, tmp_path, public)
    _refuses(data + data, tmp_path, public)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda m: m.update({"deployment.csv": m["deployment.csv"] + b"x"}), "deployment.csv was changed"),
        (lambda m: m.update({"extra.txt": b"x"}), "extra.txt was added"),
        (lambda m: m.pop("sharing.csv"), "sharing.csv was removed"),
        (lambda m: m.update({"renamed.csv": m.pop("sharing.csv")}), "sharing.csv was removed or renamed"),
        (lambda m: m.update({"a.csv": b""}), "a.csv was added"),
        (lambda m: m.pop("manifest.json"), "it holds no manifest.json"),
        (lambda m: m.pop("manifest.sig"), "it holds no manifest.sig"),
        (lambda m: m.pop("public_key.pem"), "no Ed25519 public key"),
        (lambda m: m.update({"manifest.sig": b""}), "signature does not match"),
        (lambda m: m.update({"manifest.json": m["manifest.json"].replace(b"42", b"43")}), "signature does not match"),
    ],
)
def test_members_changed_by_somebody_without_the_key(
    bundle: Path, public: Path, tmp_path: Path, change: Callable[[dict[str, bytes]], object], sentence: str
) -> None:
    with pytest.raises(EvidenceError, match=sentence):
        evidence.verify(tampered(bundle, tmp_path, change), public_key=public)


def test_another_key_is_refused_even_where_all_else_is_right(bundle: Path, public: Path, tmp_path: Path) -> None:
    """Anybody can sign a bundle of their own: the centre's key is what tells."""
    forged = tmp_path / "forged.zip"
    evidence.build(build.result(), build.EDU, forged, key_path=tmp_path / "mine.pem", tool=TOOL)

    assert evidence.verify(forged).project == build.EDU
    with pytest.raises(EvidenceError, match="signed by another key"):
        evidence.verify(forged, public_key=public)


def test_the_centres_key_put_into_a_forged_bundle_does_not_help(bundle: Path, public: Path, tmp_path: Path) -> None:
    forged = tmp_path / "forged.zip"
    evidence.build(build.result(), build.EDU, forged, key_path=tmp_path / "mine.pem", tool=TOOL)

    swapped = tampered(forged, tmp_path, lambda m: m.update({"public_key.pem": public.read_bytes()}))

    with pytest.raises(EvidenceError, match="signature does not match"):
        evidence.verify(swapped, public_key=public)


def foreign_zip(path: Path, names: list[str], method: int = zipfile.ZIP_STORED, data: bytes = b"x") -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name in names:
            archive.writestr(zipfile.ZipInfo(name), data, compress_type=method)
    return path


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    "names",
    [
        ["../../etc/passwd"],
        ["/etc/passwd"],
        ["a\\b"],
        ["C:x"],
        ["raw/../x"],
        [".ssh"],
        ["a", "a"],
        ["清单.csv"],
        ["a\x1b[2J"],
    ],
)
def test_names_that_could_leave_the_folder_are_refused(names: list[str], tmp_path: Path) -> None:
    with pytest.raises(EvidenceError) as caught:
        evidence.verify(foreign_zip(tmp_path / "x.zip", names))

    assert "\x1b" not in str(caught.value)


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    """Nothing is ever decompressed, and no more than the file's own bytes are read."""
    bomb = foreign_zip(tmp_path / "bomb.zip", ["a"], zipfile.ZIP_DEFLATED, b"\0" * 20_000_000)

    with pytest.raises(EvidenceError, match="not an unchanged evidence file"):
        evidence.verify(bomb)


def test_too_many_and_too_large_are_refused(monkeypatch: pytest.MonkeyPatch, bundle: Path) -> None:
    monkeypatch.setattr(stored_zip, "MAX_MEMBERS", 3)
    with pytest.raises(EvidenceError, match="larger than"):
        evidence.verify(bundle)
    monkeypatch.undo()
    monkeypatch.setattr(stored_zip, "MAX_BYTES", 1000)
    with pytest.raises(EvidenceError, match="larger than"):
        evidence.verify(bundle)


def test_a_bundle_that_was_packed_anew_is_told_from_the_original(bundle: Path, public: Path, tmp_path: Path) -> None:
    """Unpacked and zipped again it is another file: whoever wants to check one has the README's way for folders."""
    anew = tmp_path / "anew.zip"
    with zipfile.ZipFile(anew, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members(bundle).items():
            archive.writestr(name, data)

    with pytest.raises(EvidenceError):
        evidence.verify(anew, public_key=public)


def test_a_key_file_that_is_no_key_is_told(bundle: Path) -> None:
    with pytest.raises(signing.SigningKeyError, match="no Ed25519 public key in PEM"):
        evidence.verify(bundle, public_key=bundle)


# ── verifying without this program ───────────────────────────────────────────────────────────────────────────────────


def test_openssl_and_sha256sum_verify_it_as_the_readme_says(bundle: Path, public: Path, tmp_path: Path) -> None:
    """The panel's auditor has the file, a public key and no reason to trust our program."""
    openssl = need_program("openssl")
    with zipfile.ZipFile(bundle) as archive:
        archive.extractall(tmp_path)
    readme = (tmp_path / "README.txt").read_text(encoding="utf-8-sig")
    command = next(line for line in readme.splitlines() if "pkeyutl" in line).split()
    assert command[0] == "openssl"

    verify = [openssl, *(str(public) if part.endswith("公钥.pem") else part for part in command[1:])]

    assert b"Verified Successfully" in ran(verify, tmp_path)
    ran(["sha256sum", "-c", "SHA256SUMS"], tmp_path)
    der = ran([openssl, "pkey", "-pubin", "-in", "public_key.pem", "-outform", "DER"], tmp_path)
    assert hashlib.sha256(der).hexdigest() == evidence.verify(bundle).fingerprint
    (tmp_path / "manifest.json").write_bytes((tmp_path / "manifest.json").read_bytes() + b" ")
    with pytest.raises(subprocess.CalledProcessError):
        ran(verify, tmp_path)


def ran(command: list[str], folder: Path) -> bytes:
    return subprocess.run(command, check=True, cwd=folder, capture_output=True, timeout=60).stdout


def test_sm3_of_the_standards_example() -> None:
    """GB/T 32905-2016, example 1."""
    assert signing.sm3(b"abc") == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"


# ── keys ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "key.pem"

    first, second = signing.load_or_create_key(path), signing.load_or_create_key(path)

    assert signing.fingerprint(first.public_key()) == signing.fingerprint(second.public_key())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o602])
def test_a_key_that_others_can_read_or_write_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "key.pem"
    signing.load_or_create_key(path)
    path.chmod(mode)

    with pytest.raises(signing.SigningKeyError, match="chmod 600"):
        signing.load_or_create_key(path)
    with pytest.raises(EvidenceError, match="chmod 600"):
        evidence.build(build.result(), build.EDU, tmp_path / "x.zip", key_path=path, tool=TOOL)


def key_texts() -> list[bytes]:
    own = generate_private_key(SECP256R1())
    return [
        b"", b"not a key", own.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        own.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")),
    ]  # fmt: skip


@pytest.mark.parametrize("number", range(4))
def test_a_file_that_is_no_usable_key_is_refused_and_kept(tmp_path: Path, number: int) -> None:
    """Never overwritten: it may be the centre's key in another format."""
    path = tmp_path / "key.pem"
    text = key_texts()[number]
    path.write_bytes(text)
    path.chmod(0o600)

    with pytest.raises(signing.SigningKeyError, match="no Ed25519 private key"):
        signing.load_or_create_key(path)

    assert path.read_bytes() == text


def test_the_private_key_never_enters_the_bundle(bundle: Path, folder: Path) -> None:
    secret = (folder / "key.pem").read_text().splitlines()[1]

    assert secret.encode() not in bundle.read_bytes()


# ── the canonical zip ────────────────────────────────────────────────────────────────────────────────────────────────

_NAMES = st.from_regex(r"\A(raw/)?[a-z0-9][a-z0-9_.-]{0,20}\Z")


@settings(deadline=None)
@given(st.dictionaries(_NAMES, st.binary(max_size=200), min_size=1, max_size=8))
def test_what_is_written_is_read_and_the_order_of_giving_does_not_matter(held: dict[str, bytes]) -> None:
    data = stored_zip.write(held)

    assert stored_zip.read(data) == held
    assert stored_zip.write(dict(reversed(held.items()))) == data
    assert zipfile.ZipFile(io.BytesIO(data)).testzip() is None


@settings(deadline=None)
@given(st.binary(max_size=400))
def test_reading_rubbish_raises_its_own_error_only(data: bytes) -> None:
    for text in (data, b"PK\x03\x04" + data):
        with pytest.raises(stored_zip.ZipFormError):
            stored_zip.read(text)
