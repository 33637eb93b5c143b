"""Two steps to trust a host: nothing is trusted by learning, and nothing but what was compared by approving."""

import base64
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sshd_service import SshHosts, SshHostSpec, open_sshds, ssh_hosts, write_key
from tcp_relay import relay

from collectors.collector import collect
from collectors.host_keys import HostKeyError, Learned, approve, learn, write_review
from collectors.known_hosts import fingerprint
from collectors.ssh_source import ssh_collectors
from inventory.coverage import CellState
from inventory.guard import Guard
from inventory.settings import City, Settings, SshSource
from inventory.text import tell

HOSTS = ("known", "new", "changed", "inner", "behind-new")


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    specs = (
        SshHostSpec(alias="known"),
        SshHostSpec(alias="new", on_file="none"),
        SshHostSpec(alias="changed", on_file="other"),
        SshHostSpec(alias="inner", via="known", on_file="none"),
        SshHostSpec(alias="behind-new", via="new", on_file="none"),
    )
    with ssh_hosts(tmp_path_factory.mktemp("keys"), *specs) as hosts:
        yield hosts


def configured(farm: SshHosts, *hosts: str) -> Settings:
    source = SshSource(
        name="hosts", hosts=hosts, ssh_config=str(farm.ssh_config), known_hosts=str(farm.known_hosts),
        connect_timeout=5, total_timeout=15,
    )  # fmt: skip
    return Settings(version=1, city=City(name="x"), ssh=(source,))


def asked(farm: SshHosts, *hosts: str, guard: Guard | None = None) -> Learned:
    return learn(configured(farm, *hosts), base=farm.folder, guard=Guard() if guard is None else guard, clock=now)


def approved(path: Path, *names: str) -> None:
    lines = path.read_text().splitlines()
    path.write_text("\n".join(
        line.replace("review ", "approve ", 1) if line.startswith("review ") and line.split()[1] in names else line
        for line in lines
    ))  # fmt: skip


@pytest.mark.sshd
def test_unknown_keys_are_learned_reviewed_and_approved_and_then_the_hosts_answer(
    farm: SshHosts, tmp_path: Path
) -> None:
    """All the way: keys of `new` and, behind a trusted jump host, `inner`; the others each say why not."""
    learned = asked(farm, *HOSTS)
    said = [tell(p, "en") for p in learned.problems]
    new, inner = farm.hosts["new"], farm.hosts["inner"]

    assert {k.alias for k in learned.unknown} == {"new", "inner"}
    assert learned.known == 1
    assert len(said) == 2
    assert any("changed" not in s and "not the one on record" in s for s in said)
    assert any("behind-new" in s and "learn again" in s for s in said)
    assert not any("Accepted publickey" in log for log in logs(farm, "new")), "no login at the unknown host"

    review, known = tmp_path / "keys.txt", tmp_path / "known"
    known.write_text(farm.known_hosts.read_text().rstrip("\n"))
    before = known.read_text()
    write_review(learned, review)
    text = review.read_text()
    assert f"review [127.0.0.1]:{new.port} ssh-ed25519 SHA256:" in text
    assert new.host_key.split()[1] in text
    with pytest.raises(HostKeyError, match="no line begins"):
        approve(review, known)
    assert known.read_text() == before

    approved(review, f"[127.0.0.1]:{new.port}")
    assert [k.name for k in approve(review, known)] == [f"[127.0.0.1]:{new.port}"]
    assert known.read_text() == f"{before}\n[127.0.0.1]:{new.port} {new.host_key}\n"
    assert inner.host_key not in known.read_text()
    assert approve(review, known) == (), "twice is once"

    source = SshSource(name="hosts", hosts=("new",), ssh_config=str(farm.ssh_config), known_hosts=str(known))
    seen = collect(ssh_collectors(source, base=tmp_path, clock=now, guard=Guard()), guard=Guard(), clock=now)
    assert [c.state for c in seen.cells] == [CellState.COMPLETE]
    assert any("Accepted publickey" in log for log in logs(farm, "new"))


def logs(farm: SshHosts, alias: str) -> list[str]:
    return b"".join(farm.hosts[alias].container.get_logs()).decode(errors="replace").splitlines()


@pytest.mark.sshd
def test_what_is_on_the_do_not_scan_list_is_not_asked_for_its_key(farm: SshHosts) -> None:
    learned = asked(farm, "new", "known", guard=Guard(["127.0.0.1"]))

    assert (learned.unknown, learned.known, learned.problems, learned.withheld) == ((), 0, (), 2)


@pytest.mark.sshd
def test_five_hundred_hosts_are_learned_approved_and_known(tmp_path: Path) -> None:
    """In two steps and no fewer: learning trusts nobody, approving only whom somebody marked.

    Twenty more stand behind a jump host that nobody knows yet: it is knocked for once, not once for each of them.
    """
    keys = tmp_path / "known_hosts"
    with open_sshds(tmp_path, {"MODE": "normal", "MAX_STARTUPS": "500:30:1000"}) as (sshd,), \
            relay(("127.0.0.1", sshd.port)) as jump:  # fmt: skip
        outside = [f"127.60.{n // 250}.{n % 250 + 1}" for n in range(500)]
        inside = [f"127.61.0.{n + 1}" for n in range(20)]
        (tmp_path / "config").write_text(
            f"Host jump\n  HostName 127.0.0.1\n  Port {jump.port}\nHost 127.61.*\n  ProxyJump jump\n"
            f"Host *\n  Port {sshd.port}\n  User root\n  IdentityFile {tmp_path / 'id_ed25519'}\n"
        )
        source = SshSource(
            name="hosts", hosts=(*outside, *inside), ssh_config=str(tmp_path / "config"), known_hosts=str(keys)
        )
        chosen = Settings(version=1, city=City(name="x"), ssh=(source,))

        def asked_again() -> Learned:
            return learn(chosen, base=tmp_path, guard=Guard(), clock=now)

        first = asked_again()
        assert (len(first.unknown), first.known) == (501, 0)
        assert len(first.problems) == 20
        assert all("learn again" in tell(p, "en") for p in first.problems)
        assert jump.total == 1

        review = tmp_path / "keys.txt"
        write_review(first, review)
        assert not keys.exists(), "learning trusts nobody"
        with pytest.raises(HostKeyError, match="approve"):
            approve(review, keys)
        names = [key.name for key in first.unknown]
        approved(review, *names[10:])
        assert {key.name for key in approve(review, keys)} == set(names[10:])
        assert all(f"{key} {sshd.host_key}" in keys.read_text() for key in names[10:])
        assert not any(f"{key} " in keys.read_text() for key in names[:10])

        second = asked_again()
        assert {key.name for key in second.unknown} == {*names[:10], *(f"[{host}]:{sshd.port}" for host in inside)}
        assert (second.known, second.problems) == (491, ())


@pytest.fixture
def key(tmp_path: Path) -> str:
    """`ssh-ed25519 BASE64` of a new key."""
    return " ".join(write_key(tmp_path / "host").split()[:2])


def line(name: str, key: str, *, mark: str = "approve", shown: str | None = None) -> str:
    key_type, encoded = key.split()
    return f"{mark} {name} {key_type} {shown or fingerprint(base64.b64decode(encoded))} {encoded}\n"


def test_another_key_on_record_is_refused_and_nothing_is_written(tmp_path: Path, key: str) -> None:
    """One changed key spoils the whole run: the person must look again."""
    other = " ".join(write_key(tmp_path / "other").split()[:2])
    known, review = tmp_path / "known", tmp_path / "review"
    known.write_text(f"web {other}\n")
    review.write_text(line("db", key) + line("web", key))
    with pytest.raises(HostKeyError) as caught:
        approve(review, known)

    assert caught.value.is_mismatch
    assert "web: the key ssh-ed25519 SHA256:" in tell(caught.value.message, "en")
    assert known.read_text() == f"web {other}\n"


def test_a_revoked_key_and_two_keys_for_one_host_are_refused(tmp_path: Path, key: str) -> None:
    other = " ".join(write_key(tmp_path / "other").split()[:2])
    known, review = tmp_path / "known", tmp_path / "review"
    known.write_text(f"@revoked * {key}\n")
    review.write_text(line("db", key))
    with pytest.raises(HostKeyError) as revoked:
        approve(review, known)
    known.write_text("")
    review.write_text(line("db", key) + line("db", other))
    with pytest.raises(HostKeyError) as twice:
        approve(review, known)

    assert revoked.value.is_mismatch
    assert twice.value.is_mismatch
    assert known.read_text() == ""


@pytest.mark.parametrize("name", ["*", "web,db", "!web", "@cert-authority", "|1|x|y", "web*", "#"])
def test_a_line_that_would_speak_for_other_hosts_is_refused(tmp_path: Path, key: str, name: str) -> None:
    review = tmp_path / "review"
    review.write_text(line(name, key))
    with pytest.raises(HostKeyError):
        approve(review, tmp_path / "known")

    assert not (tmp_path / "known").exists()


def test_a_fingerprint_that_is_not_that_of_its_key_is_refused(tmp_path: Path, key: str) -> None:
    """The person compared the fingerprint; the key beside it may have been exchanged."""
    review = tmp_path / "review"
    review.write_text(line("web", key, shown="SHA256:" + "A" * 43))
    with pytest.raises(HostKeyError) as caught:
        approve(review, tmp_path / "known")

    assert caught.value.is_mismatch


def test_marked_lines_only_and_the_files_mode_stays(tmp_path: Path, key: str) -> None:
    known, review = tmp_path / "known", tmp_path / "review"
    known.write_text("# mine")
    known.chmod(0o644)
    review.write_text(line("web", key) + line("db", key, mark="review") + "\n# approve x\n")
    added = approve(review, known)

    assert [k.name for k in added] == ["web"]
    assert known.read_text() == f"# mine\nweb {key}\n"
    assert known.stat().st_mode & 0o777 == 0o644
