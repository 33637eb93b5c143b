"""What a row of the benchmarks says, how its sides are timed against each other, and how rows are printed.

A side is a program: it is started anew for every round, in an order that turns round with each one, and the median of
its rounds counts. It may say what it measured by a last line of JSON on stdout, `{"seconds": 1.5, "count": 5000}`
(see `say`); where it does, that is what counts instead of its life from start to end, so that neither side pays for
the start of an interpreter. `count` is what it saw: sides that saw different things are no comparison.
"""

import contextlib
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

MIB = 1024**2
ROUNDS = 3
_LOOK_EVERY = 0.02
"""Seconds between two looks at what memory a side has held."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """A program that is timed."""

    name: str
    command: Sequence[str]
    version: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    """Beside the environment of this process."""
    rounds: int = ROUNDS
    """Fewer for a peer that takes minutes; never fewer than one."""
    before: Callable[[], object] | None = None
    """Done before each round and not timed: to clear what the last round left."""
    with_children: bool = False
    """Whether the largest process that it starts is its peak: for a shell that starts the program which is meant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """The median of a side's rounds."""

    side: Side
    seconds: float
    every_seconds: tuple[float, ...]
    cpu_seconds: float
    """Of the whole process and of what it waited for, starting included."""
    peak_bytes: int
    """The largest resident set of any round, as the kernel counts it (VmHWM), of one process."""
    said: Mapping[str, Any] = field(default_factory=dict)
    """What the side said in its last round."""

    @property
    def count(self) -> int | None:
        """How many things the side saw, if it said so."""
        return self.said.get("count")


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """One thing that is asked of a row: `measured` may be at most, or must be at least, `limit`."""

    what: str
    """`× floor`, `× faster than the typed list`, `MiB at its peak`."""
    measured: float
    limit: float
    at_least: bool = False

    @property
    def met(self) -> bool:
        """Whether it holds."""
        return self.measured >= self.limit if self.at_least else self.measured <= self.limit

    def __str__(self) -> str:
        """`1.04 × floor (≤ 1.25)`."""
        return f"{self.measured:.2f} {self.what} ({'≥' if self.at_least else '≤'} {self.limit:g})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table."""

    what: str
    """`Nova servers with ports`."""
    size: int
    ours: Measure
    floor: Measure | None = None
    peers: tuple[Measure, ...] = ()
    goals: tuple[Goal, ...] = ()
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Ours divided by the floor."""
        return ratio_of(self.ours, self.floor) if self.floor is not None else None

    @property
    def met(self) -> bool:
        """Whether all that is asked of the row holds; a row of which nothing is asked has met nothing."""
        return bool(self.goals) and all(goal.met for goal in self.goals)


def ratio_of(one: Measure, other: Measure) -> float:
    """How often the other's time goes into this one's: the median of what each round said, if both ran in each.

    Two sides of one round saw the same machine; their medians may come from different rounds.
    """
    if len(one.every_seconds) != len(other.every_seconds):
        return one.seconds / other.seconds
    return statistics.median(a / b for a, b in zip(one.every_seconds, other.every_seconds, strict=True))


def ratio_goal(ours: Measure, floor: Measure, limit: float) -> Goal:
    """At most `limit` × the floor."""
    return Goal(what="× floor", measured=ratio_of(ours, floor), limit=limit)


def faster_goal(ours: Measure, peer: Measure, limit: float) -> Goal:
    """At least `limit` × faster than a peer."""
    what = f"× faster than {peer.side.name}"
    return Goal(what=what, measured=ratio_of(peer, ours), limit=limit, at_least=True)


def memory_goal(ours: Measure, limit_mib: float) -> Goal:
    """At most `limit_mib` MiB resident at any time."""
    return Goal(what="MiB at its peak", measured=ours.peak_bytes / MIB, limit=limit_mib)


def say(*, seconds: float, count: int, **more: object) -> None:
    """What a side calls at its end."""
    print(json.dumps({"seconds": seconds, "count": count, **more}), flush=True)


def version_of(distribution: str) -> str:
    """The version of an installed distribution."""
    return metadata.version(distribution)


def compare(sides: Sequence[Side], *, same_count: bool = True) -> list[Measure]:
    """Times every side, all of them in each round, in an order that turns round with each one.

    Raises:
        RuntimeError: a side failed, or (with `same_count`) they did not see the same number of things.
    """
    taken: dict[str, list[Measure]] = {side.name: [] for side in sides}
    for number in range(max(side.rounds for side in sides)):
        turn = [side for side in sides if number < max(1, side.rounds)]
        for side in reversed(turn) if number % 2 else turn:
            _tell(f"  round {number + 1}: {side.name} …")
            taken[side.name].append(run(side))
            _tell(f"  round {number + 1}: {side.name} {_line(taken[side.name][-1])}")
    measures = [_median(taken[side.name]) for side in sides]
    counts = {m.side.name: m.count for m in measures if m.count is not None}
    if same_count and len(set(counts.values())) > 1:
        raise RuntimeError(f"the sides did not see the same: {counts}")
    return measures


def run(side: Side) -> Measure:
    """One round of one side.

    Raises:
        RuntimeError: it did not end with 0.
    """
    if side.before is not None:
        side.before()
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        started = time.perf_counter()
        process = subprocess.Popen(
            [str(part) for part in side.command], stdout=out, stderr=err, stdin=subprocess.DEVNULL, env=_env(side)
        )
        peak = 0
        while True:
            # ru_maxrss would not do: a new process inherits the one of the process that it was forked from.
            pids = _family(process.pid) if side.with_children else [process.pid]
            peak = max(peak, *map(_high_water, pids))
            done, status, usage = os.wait4(process.pid, os.WNOHANG)
            if done:
                break
            time.sleep(_LOOK_EVERY)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        said = _last_line(out.read())
        if process.returncode != 0:
            raise RuntimeError(f"{side.name} ended with {process.returncode}: {err.read()[-2000:]}")
    return Measure(
        side=side,
        seconds=float(said.get("seconds", seconds)),
        every_seconds=(float(said.get("seconds", seconds)),),
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        peak_bytes=max(peak, int(said.get("peak_bytes", 0))),
        said=said,
    )


def _env(side: Side) -> dict[str, str]:
    path = os.pathsep.join(p for p in (str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")) if p)
    return {**os.environ, "PYTHONPATH": path, **side.env}


def _family(pid: int) -> list[int]:
    """The process and all that it has started, as far as they are still there."""
    found = [pid]
    for one in found:
        with contextlib.suppress(OSError):
            for children in Path(f"/proc/{one}/task").glob("*/children"):
                found += map(int, children.read_text().split())
    return found


def _high_water(pid: int) -> int:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


def _last_line(text: str) -> dict[str, Any]:
    lines = text.strip().splitlines()
    with contextlib.suppress(json.JSONDecodeError):
        said = json.loads(lines[-1]) if lines else {}
        return said if isinstance(said, dict) and "seconds" in said else {}
    return {}


def _median(rounds: Sequence[Measure]) -> Measure:
    last = rounds[-1]
    return Measure(
        side=last.side,
        seconds=statistics.median(r.seconds for r in rounds),
        every_seconds=tuple(r.seconds for r in rounds),
        cpu_seconds=statistics.median(r.cpu_seconds for r in rounds),
        peak_bytes=max(r.peak_bytes for r in rounds),
        said=last.said,
    )


def _line(measure: Measure) -> str:
    return f"{measure.seconds:.2f} s, {measure.cpu_seconds:.2f} s of CPU, {measure.peak_bytes / MIB:.0f} MiB"


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


@contextlib.contextmanager
def stage(what: str) -> Iterator[None]:
    """Says on stderr how long something took that is not measured: seeding, starting a service."""
    started = time.perf_counter()
    _tell(f"{what} …")
    yield
    _tell(f"{what}: {time.perf_counter() - started:.0f} s")


def machine() -> dict[str, str]:
    """What the numbers were measured on."""
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.processor() or platform.machine(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    return {
        "cpu": cpu,
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": f"{memory:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load": f"{os.getloadavg()[0]:.1f} at the end",
    }


def print_rows(rows: Sequence[Row]) -> None:
    """The one table, on stdout."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title="Yunhe: benchmarks", caption=" · ".join(f"{k} {v}" for k, v in machine().items()))
    for heading in ("what", "size", "ours", "floor", "ratio", "peak", "peers", "asked", "met"):
        table.add_column(heading, justify="right" if heading in {"size", "ours", "floor", "ratio", "peak"} else "left")
    for row in rows:
        table.add_row(
            row.what + (f"\n{row.note}" if row.note else ""),
            f"{row.size:,}",
            f"{row.ours.seconds:.2f} s",
            f"{row.floor.seconds:.2f} s" if row.floor is not None else "–",
            f"{row.ratio:.2f}" if row.ratio is not None else "–",
            f"{row.ours.peak_bytes / MIB:.0f} MiB",
            "\n".join(_peer(row, p) for p in row.peers) or "–",
            "\n".join(str(goal) for goal in row.goals) or "–",
            "\n".join("yes" if goal.met else "NO" for goal in row.goals) or "–",
            end_section=True,
        )
    console = Console()
    # A log has no width of its own: a table cut to 80 columns could not be read there.
    (console if console.is_terminal else Console(width=180)).print(table)


def _peer(row: Row, peer: Measure) -> str:
    name = f"{peer.side.name} {peer.side.version}".strip()
    times = f"{peer.seconds / row.ours.seconds:.1f} × ours"
    return f"{name}: {peer.seconds:.2f} s ({times}), {peer.peak_bytes / MIB:.0f} MiB"


def write_markdown(rows: Sequence[Row], path: Path) -> None:
    """The same as a page: what was measured when, on what."""
    lines = [
        "# Benchmarks: last results",
        "",
        f"{time.strftime('%Y-%m-%d', time.gmtime())} · " + " · ".join(f"{k} {v}" for k, v in machine().items()),
        "",
        "| what | size | ours | floor | ratio | peak | peers | asked | met |",
        "|---|--:|--:|--:|--:|--:|---|---|---|",
    ]
    for row in rows:
        cells = (
            row.what + (f"<br>{row.note}" if row.note else ""),
            f"{row.size:,}",
            f"{row.ours.seconds:.2f} s",
            f"{row.floor.seconds:.2f} s" if row.floor is not None else "–",
            f"{row.ratio:.2f}" if row.ratio is not None else "–",
            f"{row.ours.peak_bytes / MIB:.0f} MiB",
            "<br>".join(_peer(row, p) for p in row.peers) or "–",
            "<br>".join(map(str, row.goals)) or "–",
            "<br>".join("yes" if goal.met else "no" for goal in row.goals) or "–",
        )
        lines.append("| " + " | ".join(cells) + " |")
    path.write_text("\n".join([*lines, ""]))


def write_rows(rows: Sequence[Row], path: Path) -> None:
    """The same as JSON."""
    path.write_text(
        json.dumps({"machine": machine(), "rows": [_as_data(row) for row in rows]}, ensure_ascii=False, indent=2) + "\n"
    )


def _as_data(row: Row) -> dict[str, object]:
    return {
        "what": row.what,
        "size": row.size,
        "ours": _measure_data(row.ours),
        "floor": _measure_data(row.floor) if row.floor is not None else None,
        "ratio": row.ratio,
        "peers": [_measure_data(p) for p in row.peers],
        "goals": [
            {"what": g.what, "measured": g.measured, "limit": g.limit, "at_least": g.at_least, "met": g.met}
            for g in row.goals
        ],
        "met": row.met,
        "note": row.note,
    }


def _measure_data(measure: Measure) -> dict[str, object]:
    return {
        "name": measure.side.name,
        "version": measure.side.version,
        "seconds": measure.seconds,
        "every_seconds": list(measure.every_seconds),
        "cpu_seconds": measure.cpu_seconds,
        "peak_bytes": measure.peak_bytes,
        "said": dict(measure.said),
    }
