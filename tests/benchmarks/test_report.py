"""The benchmarks' own arithmetic: what is compared, what counts, and what is no comparison."""

import json
import sys
from pathlib import Path

import pytest

from benchmarks.report import (
    MIB,
    Goal,
    Measure,
    Row,
    Side,
    compare,
    faster_goal,
    memory_goal,
    print_rows,
    ratio_goal,
    ratio_of,
    run,
    write_markdown,
    write_rows,
)


def side(name: str, code: str, rounds: int = 3) -> Side:
    """A side that is a line of Python."""
    return Side(name=name, command=[sys.executable, "-c", code], rounds=rounds)


def saying(seconds: float, count: int = 7) -> str:
    return f"from benchmarks.report import say; say(seconds={seconds}, count={count})"


def measure(name: str, seconds: float, peak_bytes: int = 0) -> Measure:
    return Measure(
        side=Side(name=name, command=[]),
        seconds=seconds,
        every_seconds=(seconds,),
        cpu_seconds=0,
        peak_bytes=peak_bytes,
    )


def test_what_a_side_says_of_its_time_counts_and_not_the_start_of_its_interpreter() -> None:
    assert run(side("ours", saying(0.25))).seconds == 0.25


def test_a_side_that_says_nothing_is_timed_from_start_to_end() -> None:
    assert run(side("peer", "import time; time.sleep(0.1)")).seconds >= 0.1


def test_sides_take_turns_in_an_order_that_turns_round(tmp_path: Path) -> None:
    """Whoever is always first finds colder caches, or a warmer machine."""
    log = tmp_path / "log"
    note = "open({log!r}, 'a').write({name!r}); {say}"
    sides = [side(n, note.format(log=str(log), name=n, say="")) for n in "ab"]
    peer = side("c", note.format(log=str(log), name="c", say=""), rounds=1)
    compare([*sides, peer])
    assert log.read_text() == "abc" + "ba" + "ab"


def test_the_median_of_the_rounds_counts(tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.write_text("[9.0, 1.0, 2.0]")
    code = (
        f"import json, pathlib; p = pathlib.Path({str(taken)!r}); times = json.loads(p.read_text()); "
        "from benchmarks.report import say; say(seconds=times.pop(0), count=1); p.write_text(json.dumps(times))"
    )
    (ours,) = compare([side("ours", code)])
    assert (ours.seconds, ours.every_seconds) == (2.0, (9.0, 1.0, 2.0))


def test_sides_that_saw_different_things_are_no_comparison() -> None:
    """The faster one may just have missed half of it."""
    with pytest.raises(RuntimeError, match="did not see the same"):
        compare([side("ours", saying(1, count=7), 1), side("floor", saying(2, count=8), 1)])


def test_a_side_that_fails_is_no_fast_side() -> None:
    with pytest.raises(RuntimeError, match=r"ended with 3: .*no such cloud"):
        run(side("ours", "import sys; print('no such cloud', file=sys.stderr); sys.exit(3)"))


def test_the_peak_is_that_of_the_side_and_not_of_who_started_it() -> None:
    """The kernel's ru_maxrss would be inherited: a floor of nothing would seem as large as this process."""
    held = bytearray(200 * MIB)
    small = run(side("floor", "import time; time.sleep(0.2)"))
    large = run(side("ours", f"x = bytearray({80 * MIB}); import time; time.sleep(0.2)"))
    assert len(held) > 100 * MIB
    assert small.peak_bytes < 60 * MIB
    assert 80 * MIB < large.peak_bytes < 150 * MIB


def test_the_peak_of_what_a_shell_starts_is_seen() -> None:
    code = f"x = bytearray({80 * MIB}); import time; time.sleep(0.3)"
    shell = Side(name="ours", command=["sh", "-c", f'"{sys.executable}" -c "{code}"; true'], with_children=True)
    assert run(shell).peak_bytes > 80 * MIB


def test_a_goal_holds_at_its_limit_and_not_beyond() -> None:
    ours, floor, peer = measure("ours", 5.0, 200 * MIB), measure("floor", 4.0), measure("typed list", 20.0)
    assert ratio_goal(ours, floor, 1.25).met
    assert not ratio_goal(ours, floor, 1.24).met
    assert faster_goal(ours, peer, 4).met
    assert not faster_goal(ours, peer, 4.1).met
    assert memory_goal(ours, 200).met
    assert not memory_goal(ours, 199).met


def test_sides_are_held_against_each_other_round_by_round() -> None:
    """A machine that was busy for one round was so for both of its sides."""
    ours = Measure(side=Side(name="ours", command=[]), seconds=4, every_seconds=(2, 4, 9), cpu_seconds=0, peak_bytes=0)
    floor = Measure(
        side=Side(name="floor", command=[]), seconds=4, every_seconds=(4, 2, 10), cpu_seconds=0, peak_bytes=0
    )
    assert ratio_of(ours, floor) == 0.9
    assert ratio_of(ours, measure("peer", 8)) == 0.5, "a peer that ran once is held against the median"


def test_a_row_of_which_nothing_is_asked_has_met_nothing() -> None:
    assert not Row(what="x", size=1, ours=measure("ours", 1)).met
    assert not Row(what="x", size=1, ours=measure("ours", 1), goals=(Goal(what="s", measured=2, limit=1),)).met


def test_the_table_names_peers_with_versions_and_what_is_not_met(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ours, floor = measure("ours", 3.0, 90 * MIB), measure("floor", 2.0)
    peer = Measure(
        side=Side(name="pyinfra", command=[], version="3.1"), seconds=9, every_seconds=(9,), cpu_seconds=1, peak_bytes=0
    )
    row = Row(what="SSH hosts", size=500, ours=ours, floor=floor, peers=(peer,), goals=(ratio_goal(ours, floor, 1.2),))
    print_rows([row])
    write_rows([row], tmp_path / "rows.json")
    write_markdown([row], tmp_path / "rows.md")
    assert "| SSH hosts | 500 | 3.00 s | 2.00 s | 1.50 |" in (tmp_path / "rows.md").read_text()
    printed = capsys.readouterr().out
    assert "pyinfra 3.1: 9.00 s (3.0 × ours)" in printed
    assert "1.50 × floor (≤ 1.2)" in printed
    assert "NO" in printed
    written = json.loads((tmp_path / "rows.json").read_text())
    assert written["rows"][0]["met"] is False
    assert written["rows"][0]["ratio"] == 1.5
    assert written["machine"]["cores"]
