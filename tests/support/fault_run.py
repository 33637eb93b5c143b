"""Scans of the small city with one source disturbed: how they are prepared, run, killed, judged and noted."""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from command import Ran, Yunhe
from fault_city import HEAD, capture_tables, ledger_tables, write_ledgers
from fault_matrix import Told, assert_honest, assert_nothing_gone, assert_refused, assert_tellable, outcome, told
from fault_plan import PROPERTY, Outcome, expected
from fault_sources import (
    KEYSTONE_PASSWORD,
    NARROW_TOKEN,
    PLATFORM_TOKEN,
    SSH_PASSWORD,
    CloudUnderTest,
    ClusterUnderTest,
    HostUnderTest,
    PlatformUnderTest,
)
from http_fault_proxy import Between, Front, Strike, untouched


@dataclass
class City:
    """Writes configs, runs scans, and remembers the undisturbed ones."""

    folder: Path
    tables: dict[str, str]
    """Source type to its undisturbed table."""
    captures: dict[str, Path] = field(default_factory=dict)
    baselines: dict[str, tuple[Told, Path]] = field(default_factory=dict)

    def collect(self, yunhe: Yunhe) -> None:
        """Takes a capture of each source while all is well."""
        for name, table in self.tables.items():
            if name in self.captures:
                continue
            config = self.folder / f"collect-{name}.toml"
            config.write_text(HEAD + table, encoding="utf-8")
            capture = self.folder / f"{name}.capture.zip"
            ran = yunhe("collect", "-c", config, "-o", capture)
            assert ran.code == 0, ran.err
            self.captures[name] = capture

    def config(self, folder: Path, source: str, table: str | None, ledgers: str | None = None) -> Path:
        """A config that reads one source live by this table, the others from captures, and the ledgers."""
        folder.mkdir(parents=True, exist_ok=True)
        others = [path for name, path in self.captures.items() if name != source]
        path = folder / "yunhe.toml"
        path.write_text(
            HEAD + (table or "") + (ledgers or ledger_tables(self.folder / "ledgers")) + capture_tables(others),
            encoding="utf-8",
        )
        return path

    def baseline(self, yunhe: Yunhe, source: str) -> tuple[Told, Path]:
        """The undisturbed scan of one live source among captures, and the store that holds it."""
        if source not in self.baselines:
            self.collect(yunhe)
            folder = self.folder / f"baseline-{source}"
            config = self.config(folder, source, self.tables.get(source))
            self.baselines[source] = told(yunhe("scan", "-c", config, "--format", "json")), folder / "yunhe.db"
        return self.baselines[source]

    def prepared(self, yunhe: Yunhe, folder: Path, source: str, table: str | None, ledgers: str | None = None) -> Path:
        """A config with this table, beside a store that already holds the undisturbed scan."""
        _, store = self.baseline(yunhe, source)
        config = self.config(folder, source, table, ledgers)
        shutil.copy(store, folder / "yunhe.db")
        return config


@pytest.fixture(scope="session")
def city(
    tmp_path_factory: pytest.TempPathFactory,
    cloud: CloudUnderTest,
    cluster: ClusterUnderTest,
    host: HostUnderTest,
    platform: PlatformUnderTest,
) -> City:
    """All of them."""
    folder = tmp_path_factory.mktemp("city")
    write_ledgers(folder / "ledgers")
    return City(
        folder,
        {
            "openstack": cloud.table(cloud.clouds_yaml(folder / "openstack")),
            "kubernetes": cluster.table(cluster.kubeconfig(folder / "kubernetes")),
            "ssh": host.table(folder / "ssh"),
            "sharing_api": platform.table(),
        },
    )


@dataclass
class Matrix:
    """Brings one fault about, lets a scan meet it, judges how the scan came out, and notes it for the table."""

    city: City
    yunhe: Yunhe
    folder: Path
    note: Callable[[str, object], None]

    def meet(
        self,
        case: tuple[str, str, str],
        kind: str,
        table: str | None,
        *,
        ledgers: str | None = None,
        front: Front | None = None,
        between: Between = untouched,
        run: Callable[..., Ran] | None = None,
    ) -> Told:
        """A scan of the source of this kind by this table, the fault between it and its service.

        `run` runs the command, where it must not be in this process.
        """
        before, _ = self.city.baseline(self.yunhe, kind)
        assert before.code == 0, f"undisturbed, all must be well:\n{before.err}{before.open_findings()}"
        with front.fault(between) if front is not None else nullcontext():
            config = self.city.prepared(self.yunhe, self.folder, kind, table, ledgers)
            after = told((run or self.yunhe)("scan", "-c", config, "--format", "json"))
            compared = self.yunhe("diff", "1", "2", "-c", config, "--format", "json") if after.code != 2 else None
            seen = front.has_delivered if front is not None else None
            secrets = {KEYSTONE_PASSWORD, PLATFORM_TOKEN, NARROW_TOKEN, SSH_PASSWORD}
            secrets |= front.secrets() if front is not None else set()
            if after.code == 2:
                assert_refused(self.folder, after, secrets)
            else:
                assert compared is not None
                assert_nothing_gone(self.folder, compared)
                is_inventing = case[2].startswith("ever new")
                assert_honest(before, after, kind, lambda key: _was_seen(key, after, seen), is_inventing=is_inventing)
                assert_tellable(self.folder, after, secrets)
        if isinstance(between, Strike):
            assert between.struck, f"the fault never struck; asked: {sorted({a.path for a in front.asked})}"  # type: ignore[union-attr]
        self.end(case, outcome(before, after, kind), after)
        return after

    def end(self, case: tuple[str, str, str], measured: Outcome, after: Told | None = None) -> None:
        """Notes the outcome and holds it against the plan."""
        self.note(PROPERTY, [*case, measured.value])
        assert measured == expected(*case), f"{case}: {measured}\n{after.err if after else ''}"


def _was_seen(key: str, after: Told, delivered: Callable[..., bool] | None) -> bool:
    source, kind, native_id = key.split("|", 2)
    if delivered is not None:
        return delivered(*native_id.split("|"))
    return any(seen for (name, _, of_kind), (_, seen) in after.cells.items() if (name, of_kind) == (source, kind))


@pytest.fixture
def matrix(city: City, yunhe: Yunhe, tmp_path: Path, record_property: Callable[[str, object], None]) -> Matrix:
    """The matrix, for one case."""
    return Matrix(city, yunhe, tmp_path, record_property)


def limited(table: str, seconds: int) -> str:
    """The table with other time limits.

    Where time is not what is tested, limits are generous: the machine that runs the tests may be busy.
    """
    return re.sub(r"((?:\w+_)?timeout = )\d+", rf"\g<1>{seconds}", table)


# ── kill -9 of our own process ───────────────────────────────────────────────────────────────────────────────────────

REPOSITORY = Path(__file__).parents[2]


def command(*arguments: object) -> list[str]:
    """The command line of a process of its own."""
    return [sys.executable, "-c", "import cli; cli.main()", *map(str, arguments)]


def start(*arguments: object, folder: Path) -> "subprocess.Popen[bytes]":
    """The command in a process of its own, as a timer starts it."""
    return subprocess.Popen(
        command(*arguments),
        cwd=REPOSITORY,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
        stdout=(folder / f"{arguments[0]}.out").open("wb"),
        stderr=(folder / f"{arguments[0]}.err").open("wb"),
    )


@dataclass
class Held:
    """Tells when a request is held, and holds it for ever."""

    met: int = 0
    enough: threading.Event = field(default_factory=threading.Event)
    wanted: int = 2

    def __call__(self, *_: object) -> None:
        self.met += 1
        if self.met >= self.wanted:
            self.enough.set()


def assert_kept_when_killed(
    matrix: Matrix,
    case: tuple[str, str, str],
    kind: str,
    table: str,
    wait: Callable[[], bool],
    undisturb: Callable[[], None],
) -> None:
    """`yunhe scan` and `yunhe collect` are killed while the source holds them; nothing of them is taken for a scan."""
    folder = matrix.folder
    # It is held until it is killed, not until it gives up by itself.
    table = limited(table, 120)
    config = matrix.city.prepared(matrix.yunhe, folder, kind, table)
    capture = folder / "half.capture.zip"
    running = [start("scan", "-c", config, folder=folder), start("collect", "-c", config, "-o", capture, folder=folder)]
    try:
        assert wait(), "neither reached the source"
    finally:
        for process in running:
            process.kill()
            process.wait(10)
    undisturb()
    assert not capture.exists(), "half a capture was left behind"
    assert_last_scan_stands(matrix, case, kind, config)


def assert_last_scan_stands(matrix: Matrix, case: tuple[str, str, str], kind: str, config: Path) -> None:
    """Whatever was killed: the store tells of the scan before it, and the next scan is as if nothing had been."""
    before, _ = matrix.city.baseline(matrix.yunhe, kind)
    last = matrix.yunhe("findings", "-c", config, "--format", "json")
    kept = {(f["check"], f["subject"]): f["verdict"] for f in json.loads(last.out)}
    assert kept == {(f["check"], f["subject"]): f["verdict"] for f in before.findings.values()}
    after = told(matrix.yunhe("scan", "-c", config, "--format", "json"))
    assert json.loads(after.out)["scan"]["number"] == 2, "the killed scan has taken a number"
    assert outcome(before, after, kind) is Outcome.HEALED, after.err
    for said in matrix.folder.glob("*.err"):
        assert b"Traceback" not in said.read_bytes()
    matrix.end(case, Outcome.KEPT, after)
