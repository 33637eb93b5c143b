"""The evidence bundle 验收证据包 of one project: built, signed, and verified years later without this program's store.

A bundle is a zip in one canonical form (`exporters.stored_zip`). `manifest.json` names every file with its digests,
`manifest.sig` is the Ed25519 signature over the manifest's bytes. The same result, project and key give the same bytes.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from checks.result import Result
from checks.waivers import told_of
from exporters import pages, stored_zip
from exporters.dossier import Dossier, UnknownProject, dossier
from exporters.signing import (
    SigningKeyError,
    fingerprint,
    load_or_create_key,
    load_public_key,
    parse_public_key,
    public_pem,
    sm3,
)
from exporters.tables import Cell, csv_text, plain
from inventory.coverage import CellResult
from inventory.finding import Finding, Verdict
from inventory.inventory import law_date
from inventory.text import DEFAULT_LOCALE, Message, msg, tell
from inventory.whole_file import whole_file

FORMAT = "yunhe-evidence"
FORMAT_VERSION = 1
MANIFEST, SIGNATURE, PUBLIC_KEY = "manifest.json", "manifest.sig", "public_key.pem"
MAX_MANIFEST_BYTES = 16 * 1024**2

_TITLES = {
    "README.txt": "核验说明",
    "SHA256SUMS": "校验值清单（sha256sum 格式）",
    "conclusion.html": "验收证据结论页及附表A至附表E",
    "coverage.json": "采集覆盖情况",
    "deployment.csv": "附表A 部署清单",
    "exceptions.csv": "附表C 例外与说明",
    "findings.json": "逐项核查结果",
    "policy.json": "规则版本与引用条文",
    "public_key.pem": "签名公钥（以中心另行公布的为准）",
    "records.json": "附表D 证据目录与记录",
    "sharing.csv": "附表B 数据共享清单",
}


class EvidenceError(Exception):
    """The bundle cannot be built, or is not what was signed; the message is one sentence."""

    def __init__(self, message: Message) -> None:
        super().__init__(tell(message, "en"))
        self.message = message


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceSummary:
    """What was written."""

    path: Path
    project: str
    verdict: Verdict
    """Of 23(7), as the page says it."""
    files: int
    fingerprint: str
    """Of the key that signed: SHA-256 over its DER form."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyReport:
    """What verification showed. Getting one at all means that no byte was changed since signing."""

    project: str
    scan_number: int
    scan_digest: str
    tool: str
    files: int
    fingerprint: str
    origin_checked: bool
    """Whether a public key from elsewhere was held against it; else only integrity was checked, not who signed."""

    @property
    def message(self) -> Message:
        """The result as a sentence."""
        facts: dict[str, str | int | Message | list[Message]]
        facts = {"project": self.project, "number": self.scan_number, "files": self.files, "key": self.fingerprint}
        if self.origin_checked:
            return msg(
                "intact and signed by the given key: project {project}, scan {number}, {files} files; its key has "
                "SHA-256 {key}",
                **facts,
            )
        return msg(
            "intact, but only integrity was checked, not origin: project {project}, scan {number}, {files} files; "
            "compare its key's SHA-256 {key} with the one that the centre published, or give --public-key",
            **facts,
        )

    def sentence(self, locale: str = DEFAULT_LOCALE) -> str:
        """The result in the reader's language."""
        return tell(self.message, locale)


class _Member(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str
    title: str
    size: int
    sha256: str
    sm3: str | None = None


class _Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    format: str
    format_version: int
    tool: str
    city: str
    project: str
    as_of: str
    scan_number: int
    scan_digest: str
    pack: str
    pack_digest: str
    key_sha256: str
    members: list[_Member]


def build(result: Result, project_code: str, path: Path, *, key_path: Path, tool: str) -> EvidenceSummary:
    """Writes the project's bundle beside `path` and moves it there whole; the key is made on first use.

    Raises:
        UnknownProject: no registered project has the code.
        EvidenceError: the key cannot be used, the bundle would be too large, or the rule knows no acceptance.
        OSError: the folder cannot be written to.
    """
    if "23.7-deployment" in result.policy.pack.without:
        raise EvidenceError(
            msg("{pack} has no clause on acceptance: there is nothing to prove by it", pack=result.policy.pack.title)
        )
    file = dossier(result, project_code)
    try:
        key = load_or_create_key(key_path)
    except SigningKeyError as error:
        raise EvidenceError(error.message) from error
    public = key.public_key()
    members = _members(file, public, tool)
    manifest = _manifest(file, members, public, tool)
    members |= {MANIFEST: manifest, SIGNATURE: key.sign(manifest)}
    try:
        data = stored_zip.write(members)
    except stored_zip.ZipFormError as error:
        raise EvidenceError(
            msg("{path}: cannot be written: {problem}", path=str(path), problem=error.message)
        ) from error
    _replace(path, data)
    return EvidenceSummary(
        path=path, project=project_code, verdict=file.verdict, files=len(members), fingerprint=fingerprint(public)
    )


def verify(path: Path, *, public_key: Path | None = None) -> VerifyReport:
    """Checks a bundle with nothing but itself and, where given, the centre's public key.

    Raises:
        EvidenceError: it is no bundle, is cut short, was changed in any byte, or was signed by another key.
        SigningKeyError: the public key that it is to be verified with is none: says nothing of the bundle.
        OSError: the file cannot be opened.
    """
    trusted = load_public_key(public_key) if public_key else None
    members = _read(path)
    manifest_bytes, signature = _take(members, MANIFEST, path), _take(members, SIGNATURE, path)
    try:
        embedded = parse_public_key(members.get(PUBLIC_KEY, b""))
    except ValueError as error:
        raise _refused(path, msg("its public_key.pem is no Ed25519 public key")) from error
    if trusted is not None and fingerprint(trusted) != fingerprint(embedded):
        raise _refused(
            path,
            msg("it was signed by another key: SHA-256 {theirs}, expected {ours}", theirs=fingerprint(embedded),
                ours=fingerprint(trusted)),
        )  # fmt: skip
    _check_signature(trusted or embedded, signature, manifest_bytes, path)
    manifest = _decoded(manifest_bytes, path)
    _check_members(manifest, members, embedded, path)
    return VerifyReport(
        project=manifest.project,
        scan_number=manifest.scan_number,
        scan_digest=manifest.scan_digest,
        tool=manifest.tool,
        files=len(members) + 2,
        fingerprint=fingerprint(embedded),
        origin_checked=trusted is not None,
    )


# ── verifying ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _refused(path: Path, problem: Message) -> EvidenceError:
    return EvidenceError(msg("{path}: {problem}", path=str(path), problem=problem))


def _read(path: Path) -> dict[str, bytes]:
    with path.open("rb") as file:
        # Not the size that the file system states: whatever the file is, no more than this is read.
        data = file.read(stored_zip.MAX_BYTES + 1)
    try:
        return stored_zip.read(data)
    except stored_zip.ZipFormError as error:
        raise _refused(path, msg("not an unchanged evidence file: {problem}", problem=error.message)) from error


def _take(members: dict[str, bytes], name: str, path: Path) -> bytes:
    try:
        return members.pop(name)
    except KeyError:
        raise _refused(path, msg("it holds no {name}", name=name)) from None


def _check_signature(key: Ed25519PublicKey, signature: bytes, manifest: bytes, path: Path) -> None:
    try:
        key.verify(signature, manifest)
    except InvalidSignature as error:
        raise _refused(path, msg("the signature does not match: manifest or signature was changed")) from error


def _decoded(data: bytes, path: Path) -> _Manifest:
    if len(data) > MAX_MANIFEST_BYTES:
        raise _refused(path, msg("its manifest is larger than {bytes} bytes", bytes=MAX_MANIFEST_BYTES))
    try:
        manifest = msgspec.json.decode(data, type=_Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _refused(path, msg("its manifest cannot be read")) from error
    if (manifest.format, manifest.format_version) != (FORMAT, FORMAT_VERSION):
        raise _refused(
            path,
            msg(
                "format {format} version {version}; this program verifies {known} version {known_version}",
                format=ascii(manifest.format),
                version=manifest.format_version,
                known=FORMAT,
                known_version=FORMAT_VERSION,
            ),
        )
    return manifest


def _check_members(manifest: _Manifest, members: Mapping[str, bytes], embedded: Ed25519PublicKey, path: Path) -> None:
    listed = {m.name: m for m in manifest.members}
    added, removed = sorted(set(members) - set(listed)), sorted(set(listed) - set(members))
    if removed:
        raise _refused(path, msg("{name} was removed or renamed", name=removed[0]))
    if added:
        raise _refused(path, msg("{name} was added after signing", name=added[0]))
    for name, data in sorted(members.items()):
        expected = listed[name]
        # SM3 is checked where this machine can: SHA-256 alone already decides.
        digests = (hashlib.sha256(data).hexdigest(), sm3(data) or expected.sm3)
        if len(data) != expected.size or digests != (expected.sha256, expected.sm3 or digests[1]):
            raise _refused(path, msg("{name} was changed after signing", name=name))
    if manifest.key_sha256 != fingerprint(embedded):
        raise _refused(path, msg("the manifest names another key than the one in public_key.pem"))


# ── building ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _members(file: Dossier, public: Ed25519PublicKey, tool: str) -> dict[str, bytes]:
    members = {
        "deployment.csv": _deployment_csv(file),
        "sharing.csv": _sharing_csv(file),
        "exceptions.csv": _exceptions_csv(file),
        "findings.json": _json([_finding(file, f) for f in file.findings]),
        "records.json": _json(_records(file)),
        "coverage.json": _json(_coverage(file)),
        "policy.json": _json(_policy(file)),
        PUBLIC_KEY: public_pem(public),
        **{f"raw/{digest}.json": body for digest, body in file.raws.items()},
    }
    annexes = [
        pages.Annex(name=m.name, title=m.title, size=m.size, sha256=m.sha256, sm3=m.sm3)
        for m in _described({n: d for n, d in members.items() if not n.startswith("raw/")})
    ]
    page = pages.conclusion_of(file, annexes=annexes, key_fingerprint=fingerprint(public), tool=tool)
    members["conclusion.html"] = page.encode()
    members["README.txt"] = _readme(file, fingerprint(public), tool)
    members["SHA256SUMS"] = "".join(
        f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in sorted(members.items())
    ).encode()
    return members


def _manifest(file: Dossier, members: Mapping[str, bytes], public: Ed25519PublicKey, tool: str) -> bytes:
    scan, policy = file.result.scan, file.result.policy
    manifest = _Manifest(
        format=FORMAT,
        format_version=FORMAT_VERSION,
        tool=tool,
        city=policy.city,
        project=file.project.native_id,
        as_of=scan.as_of.isoformat(),
        scan_number=scan.number,
        scan_digest=scan.digest,
        pack=policy.label,
        pack_digest=policy.digest,
        key_sha256=fingerprint(public),
        members=list(_described(members)),
    )
    return _json(msgspec.to_builtins(manifest))


def _described(members: Mapping[str, bytes]) -> Iterable[_Member]:
    for name, data in sorted(members.items()):
        title = _TITLES.get(name, "原始文件")
        yield _Member(name=name, title=title, size=len(data), sha256=hashlib.sha256(data).hexdigest(), sm3=sm3(data))


def _json(value: object) -> bytes:
    """Sorted, indented, Chinese as it is; a lone surrogate out of a hostile name becomes its JSON escape."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, indent=1) + "\n"
    return text.encode("utf-8", "backslashreplace")


def _csv(columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    return csv_text(columns, [dict(zip(columns, row, strict=True)) for row in rows]).encode("utf-8")


def _deployment_csv(file: Dossier) -> bytes:
    columns = ("序号", "组件类别", "组件", "所属系统", "网络区域", "地址", "云上编号", "租户", "建成日期", "位置类别",
               "结论",
               "认定理由", "证据编号")  # fmt: skip
    return _csv(
        columns,
        [
            (number, pages.KINDS_ZH.get(c.kind, c.kind), c.name, c.system, c.zone, c.addresses, c.cloud_id, c.tenant,
             c.created_on.isoformat() if c.created_on else None, pages.PLACES_ZH[c.place] if c.place else None,
             pages.VERDICTS_ZH[c.verdict], tell(c.because), file.cited(c.evidence))
            for number, c in enumerate(file.components, 1)
        ],
    )  # fmt: skip


def _sharing_csv(file: Dossier) -> bytes:
    columns = ("序号", "目录编码", "目录名称", "所属系统", "方向", "资源类型", "资源编号", "发布日期", "挂接日期",
               "申请日期", "批准日期", "最近成功日期", "统计期起", "统计期止", "期内成功次数", "证据编号")  # fmt: skip
    first, last = (day.isoformat() for day in file.window)
    rows = []
    for number, row in enumerate(file.sharing, 1):
        e = row.entry
        dates = (e.published_on, e.mounted_on, e.applied_on, e.approved_on, row.last_success_on)
        shown = [day.isoformat() if day else None for day in dates]
        direction = pages.DIRECTIONS_ZH.get(e.direction or "", e.direction)
        rows.append((number, e.native_id, e.name, row.system, direction, e.resource_type, e.resource_id, *shown, first,
                     last, row.calls, file.cited(row.evidence)))  # fmt: skip
    return _csv(columns, rows)


def _exceptions_csv(file: Dossier) -> bytes:
    columns = ("对象", "核查项", "性质", "情况", "需要什么、由谁提供或者处理")
    rows: list[tuple[Cell, ...]] = [
        (f.subject.name, f.check, pages.VERDICTS_ZH[f.verdict], tell(f.reason),
         "；".join(map(tell, (*f.missing, *((told_of(f.disposition),) if f.disposition else ()),
                             *((f.remedy,) if f.remedy else ())))))
        for f in file.findings
        if f.verdict in (Verdict.FAIL, Verdict.UNKNOWN, Verdict.ADVISORY)
    ]  # fmt: skip
    rows += [
        (f"{g.cell.source} {g.cell.scope}", g.cell.kind, "采集" + pages.STATES_ZH[g.state],
         tell(g.reason) if g.reason else None, "由基础设施团队恢复该来源后重新扫描")
        for g in file.gaps
    ]  # fmt: skip
    rows += [
        (f"{r.file} {r.sheet} 第{r.row}行", r.column, "台账行无效", r.value, tell(r.expected)) for r in file.rejections
    ]
    return _csv(columns, rows)


def _finding(file: Dossier, finding: Finding) -> dict[str, object]:
    since = file.result.known.get(f"{finding.key}={finding.verdict}")
    return {
        "key": finding.key,
        "check": finding.check,
        "articles": list(finding.articles),
        "subject": msgspec.to_builtins(finding.subject),
        "verdict": finding.verdict.value,
        "verdict_zh": pages.VERDICTS_ZH[finding.verdict],
        "decided_by": finding.decided_by,
        "reason": _both(finding.reason),
        "missing": [_both(m) for m in finding.missing],
        "remedy": _both(finding.remedy) if finding.remedy else None,
        "disposition": msgspec.to_builtins(finding.disposition) if finding.disposition else None,
        "evidence": list(file.cited(finding.evidence)),
        "evidence_withheld": len([k for k in finding.evidence if k not in file.labels]),
        "first_scan": since.first_scan if since else None,
        "first_on": law_date(since.first_at).isoformat() if since else None,
    }


def _both(message: Message) -> dict[str, str]:
    return {"zh_CN": tell(message, "zh_CN"), "en": tell(message, "en")}


def _records(file: Dossier) -> list[dict[str, object]]:
    records = []
    for evidence in file.evidence:
        record = msgspec.to_builtins(evidence.record)
        if "projects" in record:
            record["projects"] = [p for p in record["projects"] if p == file.project.native_id]
        raw = evidence.record.raw
        records.append(
            {
                "label": evidence.label,
                "key": evidence.record.key,
                "raw": f"raw/{raw}.json" if raw in file.raws else None,
                "record": record,
            }
        )
    return records


def _coverage(file: Dossier) -> dict[str, object]:
    """Gaps that concern the project in full; everything else as counts, since scopes name other projects' things."""
    counts: dict[str, dict[str, int]] = {}
    for result in file.result.inventory.coverage.results:
        row = counts.setdefault(f"{result.cell.source}|{result.cell.kind}", {"seen": 0})
        row[result.state.value] = row.get(result.state.value, 0) + 1
        row["seen"] += result.seen
    return {
        "gaps": [_gap(g) for g in file.gaps],
        "rejected_rows": [
            {"file": r.file, "sheet": r.sheet, "row": r.row, "column": r.column, "value": r.value,
             "expected": _both(r.expected)}
            for r in file.rejections
        ],
        "totals": counts,
    }  # fmt: skip


def _gap(result: CellResult) -> dict[str, object]:
    return {
        "source": result.cell.source,
        "scope": result.cell.scope,
        "kind": result.cell.kind,
        "state": result.state.value,
        "state_zh": pages.STATES_ZH[result.state],
        "seen": result.seen,
        "unseen": len(result.unseen),
        "reason": _both(result.reason) if result.reason else None,
    }


def _policy(file: Dossier) -> dict[str, object]:
    policy = file.result.policy
    pack = policy.pack
    keys = sorted({"23(7)", *(a for f in file.findings for a in f.articles)})
    quoted: dict[str, object] = {}
    for key in keys:
        own = pack.own(key)
        if own in pack.articles:
            quoted[key] = {"cite": pack.articles[own].cite, "text": pack.articles[own].text.strip()}
        elif key in pack.norms:
            quoted[key] = {"cite": pack.norms[key].cite}
    return {
        "pack": pack.label,
        "pack_digest": policy.digest,
        "title": pack.title,
        "number": pack.number,
        "effective_from": pack.effective_from.isoformat(),
        "expires_on": pack.expires_on.isoformat(),
        "choices": msgspec.to_builtins(policy.choices),
        "fresh_hours": policy.fresh_hours,
        "quoted": quoted,
    }


_README = """\
验收证据包 核验说明
==================

项目：{name}（{code}）
证据冻结时点：{as_of}    扫描编号：第 {number} 次    生成程序：{tool}
签名公钥指纹（SHA-256，DER 形式）：
  {fingerprint}

一、先看什么
  conclusion.html  验收证据结论页及附表A至附表E，用浏览器打开，可直接打印（A4）。
  deployment.csv / sharing.csv / exceptions.csv  附表A、附表B、附表C，可用 Excel 或者 WPS 打开。
  其余文件供复核：findings.json 逐项核查结果；records.json 证据目录与记录；raw/ 原始文件（文件名即其
  SHA-256）；coverage.json 采集覆盖情况；policy.json 规则版本与引用条文。

二、怎样核验（不需要联网，不需要生成它的系统及数据库）
  1. 用本程序：
       yunhe evidence verify 证据包.zip --public-key 中心公布的公钥.pem
     退出码 0 为完好，6 为被改动或者签名不符。
  2. 不用本程序（OpenSSL 3.0 或者更新版本），解压后在解压出的文件夹中执行：
       openssl pkeyutl -verify -pubin -inkey 中心公布的公钥.pem -rawin -in manifest.json -sigfile manifest.sig
       sha256sum -c SHA256SUMS
       openssl dgst -sha256 SHA256SUMS
     第一条应显示 Signature Verified Successfully；第二条应全部为 OK；第三条的值应与 manifest.json 中
     SHA256SUMS 一项的 sha256 相同，且文件夹中没有 manifest.json 所列之外的文件（manifest.json 和
     manifest.sig 本身除外）。
     没有 sha256sum 的 Windows 可用 certutil -hashfile 文件名 SHA256 逐个比对。
  3. 公钥指纹可这样得到，并与中心另行公布的比对：
       openssl pkey -pubin -in public_key.pem -outform DER | openssl dgst -sha256
     包内的 public_key.pem 只能说明文件未被改动；只有与中心另行公布的公钥一致，才能说明出自中心。

三、性质
  本签名是机器签名，仅作完整性校验之用，不具有电子签章、手写签名或者盖章的效力。
  “待核实”不等于合规，也不等于不合规；未采集到不等于不存在。
"""


def _readme(file: Dossier, key: str, tool: str) -> bytes:
    text = _README.format(
        name=plain(file.project.name),
        code=plain(file.project.native_id),
        as_of=pages.moment(file.result.scan.as_of),
        number=file.result.scan.number,
        tool=tool,
        fingerprint=key,
    )
    # BOM and CRLF: the editors of older office machines show anything else as garbage or as one line.
    return text.replace("\n", "\r\n").encode("utf-8-sig", "replace")


def _replace(path: Path, data: bytes) -> None:
    with whole_file(path) as file:
        file.write(data)


__all__ = ["EvidenceError", "EvidenceSummary", "UnknownProject", "VerifyReport", "build", "fingerprint",
           "load_or_create_key", "verify"]  # fmt: skip
