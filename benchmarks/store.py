"""What the store takes in time and bytes: against one plain table, against its own first night, against two years.

`python -m benchmarks store --resources 1000000`; the two years are of a tenth of that.
"""

import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks import store_sides
from benchmarks.report import MIB, Goal, Row, Side, compare, ratio_goal, run

SIZES = (1_000_000,)
MAX_DIFF_MIB = 256
"""A difference holds what differs: this does not grow with the inventory."""


def rows(size: int) -> list[Row]:
    """The rows for so many resources, each with a raw document and a finding."""
    with tempfile.TemporaryDirectory(prefix="yunhe-store-", dir=os.environ.get("YUNHE_BENCH_FOLDER")) as name:
        folder = Path(name)
        nights = _nights(folder, size)
        return [
            *_first_and_next(folder, nights, size),
            _difference(folder, nights, size),
            _two_years(folder, max(size // 10, 1)),
            _postgresql(folder, nights, size),
        ]


def _nights(folder: Path, size: int) -> tuple[Path, Path]:
    """A night, and another in which one in a hundred is not as it was."""
    made = []
    for name, changed in (("one", 0), ("other", size // 100)):
        (folder / name).mkdir()
        store_sides.make(folder / name, size, changed)
        made.append(folder / name)
    return made[0], made[1]


def _first_and_next(folder: Path, nights: tuple[Path, Path], size: int) -> list[Row]:
    places = folder / "plain.db", folder / "store.db"
    plain, first = compare(
        [
            _side("plain executemany", "plain", places[0], nights[0], fresh=places),
            _side("first night", "save", places[1], nights[0], fresh=places),
        ]
    )
    (following,) = compare([_side("next night, unchanged", "save", folder / "store.db", nights[0])])
    grown = following.said["bytes_after"] - following.said["bytes_before"]
    share = 100 * grown / first.said["bytes_after"]
    return [
        Row(what="store: first night", size=size, ours=first, floor=plain, goals=(ratio_goal(first, plain, 2),)),
        Row(
            what="store: next night, nothing changed",
            size=size,
            ours=following,
            floor=first,
            goals=(
                ratio_goal(following, first, 0.5),
                Goal(what="% of the first night's bytes", measured=share, limit=1),
            ),
        ),
    ]


def _difference(folder: Path, nights: tuple[Path, Path], size: int) -> Row:
    run(_side("a changed night", "save", folder / "store.db", nights[1]))
    (found,) = compare([_side("diff", "diff", folder / "store.db", nights[1])])
    changes = found.count or 0
    if changes != size // 100:
        raise RuntimeError(f"{changes} findings differ; expected {size // 100}")
    return Row(
        what="store: diff of two scans, 1 % changed",
        size=size,
        ours=found,
        goals=(
            Goal(what="s per 10,000 changes", measured=found.seconds * 10_000 / max(changes, 1), limit=3),
            Goal(what="MiB at its peak", measured=found.peak_bytes / MIB, limit=MAX_DIFF_MIB),
        ),
    )


def _two_years(folder: Path, size: int) -> Row:
    night, place = folder / "hundredth", folder / "years.db"
    night.mkdir()
    store_sides.make(night, size)
    first = run(_side("first night", "save", place, night))
    (once,) = compare([_side("findings of one scan", "latest", place, night)])
    grown = run(_side("two years", "years", place, night))
    (after,) = compare([_side("findings after two years", "latest", place, night)])
    times = grown.said["bytes_after"] / first.said["bytes_after"]
    return Row(
        what=f"store: {store_sides.NIGHTS} nights, {store_sides.CHURN:.1%} a day",
        size=size,
        ours=after,
        floor=once,
        goals=(ratio_goal(after, once, 1.5), Goal(what="× the first scan's bytes", measured=times, limit=6)),
        note=f"{grown.seconds / (store_sides.NIGHTS - 1):.2f} s a night",
    )


def _postgresql(folder: Path, nights: tuple[Path, Path], size: int) -> Row:
    from postgres_service import postgres_server

    with postgres_server(in_memory=False) as server:
        (sqlite, postgresql) = compare(
            [
                _side("SQLite", "save", folder / "again.db", nights[0], fresh=[folder / "again.db"]),
                Side(
                    name="PostgreSQL",
                    command=_command("save", server.url("bench"), nights[0]),
                    before=lambda: [
                        server.run("postgres", "DROP DATABASE IF EXISTS bench"),
                        server.run("postgres", "CREATE DATABASE bench OWNER yunhe"),
                    ],
                ),
            ]
        )
    return Row(
        what="store: first night into PostgreSQL",
        size=size,
        ours=postgresql,
        floor=sqlite,
        goals=(ratio_goal(postgresql, sqlite, 1.5),),
    )


def _side(name: str, side: str, place: Path, night: Path, *, fresh: Sequence[Path] = ()) -> Side:
    """`fresh`: stores that are removed before.

    The other side's as well. Seen on a virtual machine: to write into a file's cache beside those of all before costs
    ten times as much for each page, and a log doubles the pages.
    """
    return Side(name=name, command=_command(side, str(place), night), before=lambda: [*map(_remove, fresh)])


def _command(side: str, place: str, night: Path) -> list[str]:
    return [sys.executable, "-m", "benchmarks.store_sides", side, place, str(night)]


def _remove(place: Path) -> None:
    for left in place.parent.glob(place.name + "*"):
        left.unlink()
