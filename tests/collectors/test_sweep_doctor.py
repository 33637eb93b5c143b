"""The doctor of sweeps: what a run with --sweep would do, before a packet is sent."""

import json
from pathlib import Path

import pytest
from command import Yunhe
from services import need_program

from collectors.diagnosis import Diagnosis, State
from collectors.sweep_doctor import SweepDoctor
from inventory.guard import Guard
from inventory.settings import Sweep, Zone
from inventory.text import tell

PRIVATE = Zone(name="专网", cidrs=("10.2.0.0/16", "10.4.0.0/15"))
OUTSIDE = Zone(name="互联网区", cidrs=("0.0.0.0/0",), internet=True)


def lines(*entries: Sweep, listed: tuple[str, ...] = ()) -> list[Diagnosis]:
    """What is said of the last of the sweeps."""
    *before, entry = entries
    return list(SweepDoctor(entry, before=before, zones=(PRIVATE, OUTSIDE), guard=Guard(listed)).diagnose())


def sweep(*cidrs: str, **fields: object) -> Sweep:
    return Sweep(**{"name": "s", "cidrs": cidrs, "zone": "专网", **fields})  # type: ignore[arg-type]


def said(found: list[Diagnosis], check: str) -> list[tuple[str, State, str]]:
    return [(d.scope, d.state, tell(d.sentence, "en")) for d in found if d.check == check]


def test_a_sweep_that_can_run_is_told_with_its_version_its_zone_and_its_time() -> None:
    need_program("nmap")
    need_program("setpriv")
    found = lines(sweep("10.2.0.0/24", ports=(22, 80)))

    assert [(d.check, d.state) for d in found] == [
        ("program", State.OK), ("range", State.OK), ("list", State.OK), ("estimate", State.OK),
    ]  # fmt: skip
    assert "Nmap version" in said(found, "program")[0][2]
    assert said(found, "range") == [("10.2.0.0/24", State.OK, "it lies in zone 专网")]
    assert said(found, "list")[0][2].startswith("0 of 256 address(es)")
    assert said(found, "estimate")[0][2] == (
        "256 address(es) at 50 packets a second: from 10 s to 41 s; stopped after 240 min"
    )


def test_without_nmap_it_is_an_error_and_the_ranges_are_looked_at_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    found = lines(sweep("10.2.0.0/24"))

    assert [(d.check, d.state) for d in found] == [
        ("program", State.ERROR), ("range", State.OK), ("list", State.OK), ("estimate", State.OK),
    ]  # fmt: skip
    assert "install the package nmap" in said(found, "program")[0][2]


def test_an_nmap_that_does_not_start_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "nmap"
    program.write_text("#!/bin/sh\nexit 127\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert said(lines(sweep("10.2.0.0/24")), "program") == [
        ("*", State.ERROR, "nmap does not start (CalledProcessError)")
    ]


@pytest.mark.parametrize("setpriv", [None, "#!/bin/sh\nexit 1\n"], ids=["no setpriv", "an old one"])
def test_where_nothing_ends_nmap_with_us_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setpriv: str | None
) -> None:
    (tmp_path / "nmap").symlink_to(need_program("nmap"))
    if setpriv is not None:
        (tmp_path / "setpriv").write_text(setpriv)
        (tmp_path / "setpriv").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert said(lines(sweep("10.2.0.0/24")), "program")[1:] == [
        (
            "*",
            State.WARNING,
            "nmap would go on sending where this program is killed: no setpriv here can do --pdeathsig",
        )
    ]


@pytest.mark.parametrize(
    ("cidr", "zone", "states"),
    [
        ("10.2.255.255/32", "专网", [State.OK]),
        ("10.5.0.0/16", "专网", [State.OK]),
        ("10.3.0.0/24", "专网", [State.ERROR]),
        ("10.2.0.0/15", "专网", [State.ERROR]),
        ("10.2.0.0/24", None, [State.WARNING]),
        ("10.2.0.0/24", "别处", [State.WARNING]),
        ("8.8.8.0/24", "互联网区", [State.OK]),
        ("10.2.0.0/24", "互联网区", [State.ERROR]),
        ("59.192.0.0/24", "互联网区", [State.ERROR]),  # 政务外网
        ("8.8.8.0/24", "专网", [State.ERROR, State.WARNING]),
        ("8.8.8.0/24", None, [State.WARNING, State.WARNING]),
        ("9.255.255.0/24", "别处", [State.WARNING, State.WARNING]),
        ("2001:db8::/120", "专网", [State.ERROR]),
    ],
)
def test_a_range_lies_in_the_zone_that_it_is_said_to_be_of(cidr: str, zone: str | None, states: list[State]) -> None:
    """A slip in one number would have nmap knock at another department's doors, or at a stranger's."""
    assert [state for _, state, _ in said(lines(sweep(cidr, zone=zone)), "range")] == states


def test_a_zone_that_names_no_addresses_says_nothing_of_a_range() -> None:
    doctor = SweepDoctor(sweep("10.2.0.0/24"), before=(), zones=(Zone(name="专网"),), guard=Guard())

    assert [state for _, state, _ in said(list(doctor.diagnose()), "range")] == [State.WARNING]


@pytest.mark.parametrize(
    ("cidr", "states"),
    [("8.8.8.0/24", [State.OK]), ("10.2.0.0/24", [State.OK]), ("10.3.0.0/24", [State.ERROR])],
)
def test_a_zone_has_what_all_its_tables_name(cidr: str, states: list[State]) -> None:
    zones = (OUTSIDE, Zone(name=OUTSIDE.name, cidrs=("10.2.0.0/16",)))
    doctor = SweepDoctor(sweep(cidr, zone=OUTSIDE.name), before=(), zones=zones, guard=Guard())

    assert [state for _, state, _ in said(list(doctor.diagnose()), "range")] == states


def test_what_is_swept_twice_is_named() -> None:
    first = sweep("10.2.0.0/24", name="first")
    other = sweep("10.2.0.0/24", name="other", zone="别处")  # the same addresses elsewhere are others
    found = lines(first, other, sweep("10.2.0.128/25", "10.4.0.0/24", "10.4.0.0/30"))

    assert [(scope, text) for scope, state, text in said(found, "range") if state is State.WARNING] == [
        ("10.2.0.128/25", "its addresses are swept twice: also by sweep:first 10.2.0.0/24"),
        ("10.4.0.0/30", "its addresses are swept twice: also by sweep:s 10.4.0.0/24"),
    ]


def test_what_is_on_the_do_not_scan_list_is_counted_and_not_named() -> None:
    found = lines(sweep("10.2.0.0/24", "10.2.1.0/24"), listed=("10.2.0.17", "10.2.0.64/26", "10.2.1.0/24", "vault-1"))

    assert said(found, "list") == [
        (
            "10.2.0.0/24",
            State.OK,
            "65 of 256 address(es) are on the do-not-scan list and left out; names on it protect nothing here",
        ),
        ("10.2.1.0/24", State.WARNING, "all of it is on the do-not-scan list: nothing is sent"),
    ]
    assert [scope for scope, _, _ in said(found, "estimate")] == ["10.2.0.0/24"]
    assert "191 address(es)" in said(found, "estimate")[0][2]
    assert "10.2.0.17" not in repr(found)


@pytest.mark.parametrize(
    ("seconds", "state"), [(20.48, State.OK), (20.4, State.WARNING), (5.12, State.WARNING), (5.1, State.ERROR)]
)
def test_a_range_that_cannot_be_swept_in_its_time_is_told_before_the_night(seconds: float, state: State) -> None:
    """256 addresses, one port, fifty a second: 5.12 s where all answer at once, 20.48 s at most."""
    (line,) = said(lines(sweep("10.2.0.0/24", ports=(22,), total_timeout=seconds)), "estimate")

    assert line[1] is state


def test_yunhe_doctor_looks_at_sweeps_and_sends_nothing(
    yunhe: Yunhe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The listed address stands in no line, nor does a range that holds it; nmap is asked for its version alone."""
    program = tmp_path / "bin" / "nmap"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\necho Nmap version 7.93\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    config = tmp_path / "yunhe.toml"
    config.write_text(
        'version = 1\n[city]\nname = "测试"\n[do_not_scan]\nentries = ["10.2.0.17"]\n'
        '[[zone]]\nname = "专网"\ncidrs = ["10.2.0.0/16"]\n'
        '[[sweep]]\nname = "a"\ncidrs = ["10.2.0.0/24"]\nzone = "专网"\n'
        '[[sweep]]\nname = "b"\ncidrs = ["10.2.0.128/25"]\nzone = "专网"\n'
    )

    ran = yunhe("doctor", "-c", config, "-f", "json")

    assert ran.code == 0
    assert {(x["source"], x["check"], x["state"]) for x in json.loads(ran.out)} >= {
        ("sweep:a", "program", "ok"), ("sweep:a", "list", "ok"), ("sweep:b", "range", "warning"),
    }  # fmt: skip
    assert "10.2.0.17" not in ran.out
    assert set((tmp_path / "asked").read_text().split("\n")) == {"--version", ""}
    config.write_text(config.read_text().replace("10.2.0.128/25", "10.7.0.0/25"))
    assert yunhe("doctor", "-c", config).code == 4
    assert "地址范围" in yunhe("doctor", "-c", config, "--lang", "zh_CN").out
