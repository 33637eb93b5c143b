"""Which key a host is known by, as sshd(8) writes it."""

import base64
from pathlib import Path

import pytest
from sshd_service import hashed_name

from collectors.known_hosts import KnownHosts, Standing, fingerprint, lookup_names, on_file

KEY = base64.b64encode(b"\x00\x00\x00\x0bssh-ed25519\x00\x00\x00\x20" + b"k" * 32).decode()
OTHER = base64.b64encode(b"\x00\x00\x00\x0bssh-ed25519\x00\x00\x00\x20" + b"o" * 32).decode()
BLOB = base64.b64decode(KEY)


def standing(tmp_path: Path, text: str, host: str = "app1.gov", port: int = 22) -> Standing:
    path = tmp_path / "known_hosts"
    path.write_text(text)
    return KnownHosts.read([path]).judge(lookup_names(host, port), BLOB).standing


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (f"app1.gov ssh-ed25519 {KEY}", Standing.KNOWN),
        (f"APP1.gov,10.0.0.1 ssh-ed25519 {KEY} comment here", Standing.KNOWN),
        (f"app1.gov ssh-ed25519 {OTHER}", Standing.CHANGED),
        (f"app2.gov ssh-ed25519 {KEY}", Standing.UNKNOWN),
        (f"*.gov ssh-ed25519 {KEY}", Standing.KNOWN),
        (f"app?.gov ssh-ed25519 {KEY}", Standing.KNOWN),
        (f"*.gov,!app1.gov ssh-ed25519 {KEY}", Standing.UNKNOWN),
        (f"{hashed_name('app1.gov')} ssh-ed25519 {KEY}", Standing.KNOWN),
        (f"{hashed_name('app2.gov')} ssh-ed25519 {KEY}", Standing.UNKNOWN),
        (f"@revoked * ssh-ed25519 {KEY}\napp1.gov ssh-ed25519 {KEY}", Standing.REVOKED),
        (f"@revoked * ssh-ed25519 {OTHER}\napp1.gov ssh-ed25519 {KEY}", Standing.KNOWN),
        (f"@cert-authority *.gov ssh-ed25519 {KEY}", Standing.UNKNOWN),
        ("# comment\n\nnonsense\napp1.gov ssh-ed25519 !!!\n|1|x|y ssh-ed25519 AAAA", Standing.UNKNOWN),
        (f"app1.gov ssh-ed25519 {OTHER}\napp1.gov ssh-ed25519 {KEY}", Standing.KNOWN),
    ],
)
def test_entries_mean_what_ssh_takes_them_to_mean(tmp_path: Path, line: str, expected: Standing) -> None:
    assert standing(tmp_path, line + "\n") is expected


def test_another_port_is_another_host_unless_the_key_stands_without_port(tmp_path: Path) -> None:
    """As ssh does: a plain entry may confirm the key, a plain entry with another key says nothing about the port."""
    assert standing(tmp_path, f"[app1.gov]:2222 ssh-ed25519 {KEY}\n", port=2222) is Standing.KNOWN
    assert standing(tmp_path, f"app1.gov ssh-ed25519 {KEY}\n", port=2222) is Standing.KNOWN
    assert standing(tmp_path, f"app1.gov ssh-ed25519 {OTHER}\n", port=2222) is Standing.UNKNOWN
    assert standing(tmp_path, f"[app1.gov]:2222 ssh-ed25519 {KEY}\n", port=22) is Standing.UNKNOWN


def test_an_authority_is_told_because_nobody_here_can_verify_its_certificates(tmp_path: Path) -> None:
    path = tmp_path / "known_hosts"
    path.write_text(f"@cert-authority *.gov ssh-ed25519 {OTHER}\n")
    assert KnownHosts.read([path]).judge(("app1.gov",), BLOB).has_authority


def test_the_changed_key_names_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "known_hosts"
    path.write_text(f"# first\napp1.gov ssh-ed25519 {OTHER}\n")
    assert KnownHosts.read([path, tmp_path / "missing"]).judge(("app1.gov",), BLOB).where == f"{path}:2"


def test_a_fingerprint_looks_as_ssh_keygen_shows_it() -> None:
    assert fingerprint(b"") == "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU"


@pytest.mark.parametrize("marker", ["@revoked", "@cert-authority"])
def test_paramikos_own_reader_would_lose_the_whole_file_on_a_marker(tmp_path: Path, marker: str) -> None:
    """Why there is a reader of ours. When this fails, paramiko has learned it."""
    from paramiko.hostkeys import HostKeys, InvalidHostKey

    path = tmp_path / "known_hosts"
    path.write_text(f"app1.gov ssh-ed25519 {KEY}\n{marker} *.gov ssh-ed25519 {OTHER}\n")
    with pytest.raises(InvalidHostKey):
        HostKeys(str(path))


def test_a_file_is_read_once_and_anew_when_it_changes(tmp_path: Path) -> None:
    """Thousands of hosts ask the same file; what was approved in between counts at once."""
    path, missing = tmp_path / "known_hosts", tmp_path / "known_hosts2"
    path.write_text(f"app1.gov ssh-ed25519 {OTHER}\n")
    before = on_file([path, missing])
    assert on_file([path, missing]) is before
    assert before.judge(["app1.gov"], BLOB).standing is Standing.CHANGED

    path.write_text(f"app1.gov ssh-ed25519 {KEY}\n# approved\n")
    assert on_file([path, missing]).judge(["app1.gov"], BLOB).standing is Standing.KNOWN
    path.unlink()
    missing.write_text(f"@revoked * ssh-ed25519 {KEY}\n")
    assert on_file([path, missing]).judge(["app1.gov"], BLOB).standing is Standing.REVOKED


def test_among_thousands_of_lines_a_host_finds_its_own_and_those_that_speak_for_all(tmp_path: Path) -> None:
    lines = [f"host{n}.gov,10.1.{n // 256}.{n % 256} ssh-ed25519 {OTHER}" for n in range(5000)]
    lines[2500] = (
        f"host2500.gov ssh-rsa {OTHER}\n@revoked *.gov ecdsa-sha2-nistp256 {KEY}\nhost2500.gov ssh-ed25519 {KEY}"
    )
    path = tmp_path / "known_hosts"
    path.write_text("\n".join(lines))
    known = KnownHosts.read([path])
    assert known.key_types(["host2500.gov"]) == ("ssh-rsa", "ssh-ed25519"), "in the order of the file"
    assert known.judge(["host2500.gov"], BLOB).standing is Standing.REVOKED
    assert known.judge(["10.1.1.1"], BLOB).standing is Standing.CHANGED
    assert known.judge(["10.1.1.1"], BLOB).where == f"{path}:258"
    assert known.judge(["host5000.gov"], base64.b64decode(OTHER)).standing is Standing.UNKNOWN
