"""ssh_config, asked for thousands of hosts: the quick way says what paramiko's own way through every block says."""

import string
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from paramiko.config import SSHConfig

from collectors.ssh_config import SshConfig

NAMES = st.sampled_from(["a", "b", "ab", "web-1", "web-2", "10.0.0.1"])
PATTERNS = st.sampled_from(["*", "a*", "web-?", "!web-1", "10.0.0.*", "[ab]", "?"])
HEADS = st.one_of(
    st.lists(NAMES | PATTERNS, min_size=1, max_size=3).map(lambda names: "Host " + " ".join(names)),
    NAMES.map(lambda name: f'Host="{name}"'),
    st.lists(NAMES | PATTERNS, min_size=1, max_size=2).map(lambda names: "match originalhost " + ",".join(names)),
    NAMES.map(lambda name: f"Match host {name}"),
    st.just("Match all"),
)
OPTIONS = st.one_of(
    st.integers(1, 65535).map(lambda port: f"  Port {port}"),
    st.text(string.ascii_lowercase, min_size=1, max_size=4).map(lambda user: f"  User={user}"),
    NAMES.map(lambda name: f"\tHostName {name}"),
    NAMES.map(lambda name: f"  IdentityFile /keys/{name}"),
    NAMES.map(lambda name: f"  HostKeyAlias {name}"),
    st.just("# Host web-1"),
    st.just(""),
)
BLOCKS = st.tuples(HEADS, st.lists(OPTIONS, max_size=4)).map(lambda block: "\n".join([block[0], *block[1]]))
TEXTS = st.tuples(st.lists(OPTIONS, max_size=2), st.lists(BLOCKS, max_size=6)).map(
    lambda parts: "\n".join([*parts[0], *parts[1]])
)


@given(text=TEXTS, alias=NAMES | st.just("elsewhere"))
@settings(deadline=None)
def test_only_the_blocks_that_can_speak_for_a_host_are_asked_and_the_answer_is_the_same(text: str, alias: str) -> None:
    whole = SSHConfig.from_text(text).lookup(alias)
    (hop,) = SshConfig(text).way(alias)
    assert (hop.hostname, hop.port, hop.key_name) == (
        whole["hostname"],
        int(whole.get("port", 22)),
        whole.get("hostkeyalias"),
    )
    assert "user" not in whole or hop.user == whole["user"]
    assert "identityfile" not in whole or hop.identity_files == tuple(Path(f) for f in whole["identityfile"])


def test_a_file_of_many_hosts_is_within_the_limit(tmp_path: Path) -> None:
    """Ten thousand blocks of a usual size, each asked for."""
    blocks = (
        f"Host h{n}\n  HostName 10.0.{n // 256}.{n % 256}\n  User yunhe\n  IdentityFile ~/.ssh/yunhe_ed25519\n"
        for n in range(10_000)
    )
    path = tmp_path / "config"
    path.write_text("".join(blocks))
    config = SshConfig.read(path)
    assert [config.way(f"h{n}")[0].hostname for n in (0, 300, 9_999)] == ["10.0.0.0", "10.0.1.44", "10.0.39.15"]
