"""23.2-trial-run: dates by the register, running by our own nights."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta

import builders as b
import msgspec
import pytest
from told_projects import settled_by
from verdicts import english, finding_on, verdict_on

from checks.trial_run import CHECK, stretches
from inventory.finding import Verdict
from inventory.history import History, Night, days_between, host_key
from inventory.inventory import Inventory
from inventory.settings import PolicyChoices

KEY = host_key(b.host())
INITIAL, START = date(2026, 9, 1), date(2026, 9, 3)
DUE = date(2026, 10, 3)


def nights(days: Iterable[date], *, stopped: Iterable[date] = (), missing: Iterable[date] = ()) -> History:
    down, gone = set(stopped), set(missing)
    return History(
        nights=tuple(
            Night(
                day=d,
                running=frozenset() if d in down | gone else frozenset({KEY}),
                stopped=frozenset({KEY}) if d in down else frozenset(),
                is_whole=True,
            )
            for d in days
        )
    )


EVERY = tuple(days_between(START, DUE))


def with_key(night: Night, key: str, *, runs: bool = True) -> Night:
    """The night with one more thing in it."""
    field = "running" if runs else "stopped"
    return msgspec.structs.replace(night, **{field: getattr(night, field) | {key}})


def city(history: History | None = None, **fields: object) -> Inventory:
    steps = {"initial_acceptance_on": INITIAL, "trial_start_on": START, **fields}
    return b.city(projects=(b.project(**steps),), history=nights(EVERY) if history is None else history)


def test_a_month_of_which_every_day_was_seen_running() -> None:
    finding = finding_on(CHECK, city(), "project/P-1")

    assert finding.verdict.value == "pass"
    assert "30 of 30 day(s) covered by scans, out of 30" in english(finding.reason)


def test_days_that_no_scan_saw_are_listed_and_never_filled_in() -> None:
    gap = {date(2026, 9, 10), date(2026, 9, 11), date(2026, 9, 20)}

    finding = finding_on(CHECK, city(nights(d for d in EVERY if d not in gap)), "project/P-1")

    assert finding.verdict.value == "unknown"
    assert "27 of 27 day(s) covered by scans, out of 30" in english(finding.reason)
    assert "2026-09-10–2026-09-11, 2026-09-20" in english(finding.reason)
    assert "report on its trial run" in english(finding.missing[0])


def test_the_owner_may_allow_so_many_days() -> None:
    gap = {date(2026, 9, 10)}
    inventory = city(nights(d for d in EVERY if d not in gap))

    finding = finding_on(CHECK, inventory, "project/P-1", b.policy(PolicyChoices(trial_gap_days=1)))

    assert finding.verdict.value == "pass"
    assert "not covered: 2026-09-10" in english(finding.reason)


@pytest.mark.parametrize("kind", ["stopped", "missing"])
def test_days_on_which_it_did_not_run_are_for_the_panel(kind: str) -> None:
    """Whether that was stable is not ours to say: it is advised, with the days."""
    finding = finding_on(CHECK, city(nights(EVERY, **{kind: [date(2026, 9, 15)]})), "project/P-1")

    assert finding.verdict.value == "advisory"
    assert "29 of 30" in english(finding.reason)
    assert "2026-09-15" in english(finding.reason)


def test_what_came_after_the_month_was_not_on_trial_and_is_told() -> None:
    """Else every server that is added later makes a trial run unstable that was accepted long ago."""
    inventory = replace(city(), hosts=(b.host(), b.host("edu-db-1")))

    finding = finding_on(CHECK, inventory, "project/P-1")

    assert finding.verdict.value == "pass"
    assert "all of its 1 component(s)" in english(finding.reason)
    assert "1 more came after that month" in english(finding.reason)


def test_what_came_in_the_middle_of_the_month_was_not_there_before() -> None:
    second = b.host("edu-db-1")
    since = date(2026, 9, 20)
    grown = [n if n.day < since else with_key(n, host_key(second)) for n in nights(EVERY).nights]

    finding = finding_on(CHECK, replace(city(History(nights=tuple(grown))), hosts=(b.host(), second)), "project/P-1")

    assert finding.verdict.value == "advisory"
    assert "2026-09-03–2026-09-19" in english(finding.reason)


def test_what_was_not_watched_in_a_night_that_was_cut_short_leaves_it_open() -> None:
    """It may have been there: a night that did not see everything says of nothing that it came later."""
    half = [msgspec.structs.replace(n, is_whole=n.day.day != 9) for n in nights(EVERY).nights]
    inventory = replace(city(History(nights=tuple(half))), hosts=(b.host(), b.host("edu-db-1")))

    assert verdict_on(CHECK, inventory, "project/P-1") == "unknown"


def test_what_has_been_taken_away_since_counts_in_the_nights_that_knew_it() -> None:
    """A server that failed on trial is not made good by its removal."""
    gone = "host/id-edu-db-1"
    broke = date(2026, 9, 20)
    known = [
        with_key(msgspec.structs.replace(n, components={"S-1": frozenset({KEY, gone})}), gone, runs=n.day != broke)
        for n in nights(EVERY).nights
    ]

    finding = finding_on(CHECK, city(History(nights=tuple(known))), "project/P-1")

    assert finding.verdict.value == "advisory"
    assert "all of its 2 component(s)" in english(finding.reason)
    assert "on 2026-09-20" in english(finding.reason)


@pytest.mark.parametrize("status", ["running", "stopped", None])
def test_a_night_that_knew_a_component_as_another_system_s_says_nothing_of_it(status: str | None) -> None:
    """Lent for a while: what it did for the other one is neither this one's trial nor its failure."""
    lent, since = "host/id-edu-db-1", date(2026, 9, 20)
    known = [
        msgspec.structs.replace(
            n if status is None and n.day < since else with_key(n, lent, runs=status != "stopped" or n.day >= since),
            components={"S-1": frozenset({KEY, lent} if n.day >= since else {KEY}),
                        **({"S-2": frozenset({lent})} if n.day < since else {})},
        )
        for n in nights(EVERY).nights
    ]  # fmt: skip

    finding = finding_on(CHECK, city(History(nights=tuple(known))), "project/P-1")

    assert finding.verdict.value == "unknown"
    assert "13 of 13 day(s) covered by scans, out of 30; on some days 1 of them were known" in english(finding.reason)
    assert "not covered: 2026-09-03–2026-09-19" in english(finding.reason)


@pytest.mark.parametrize("down", [[], [date(2026, 9, 15)]])
def test_what_is_the_system_s_today_and_was_another_s_in_the_month_proves_nothing(down: list[date]) -> None:
    """Handed over since, or labelled wrongly then: nobody saw this system run on it, and nobody saw it fail."""
    known = [
        msgspec.structs.replace(n, components={"S-2": frozenset({KEY})}) for n in nights(EVERY, stopped=down).nights
    ]

    finding = finding_on(CHECK, city(History(nights=tuple(known))), "project/P-1")

    assert finding.verdict.value == "unknown"
    assert "0 of 0 day(s) covered by scans, out of 30; on some days 1 of them were known as another system's" in (
        english(finding.reason)
    )


def test_what_two_systems_share_is_each_one_s() -> None:
    both = {"S-1": frozenset({KEY}), "S-2": frozenset({KEY})}
    known = [msgspec.structs.replace(n, components=both) for n in nights(EVERY).nights]

    assert verdict_on(CHECK, city(History(nights=tuple(known))), "project/P-1") == "pass"


def test_of_a_system_that_was_not_judged_then_nothing_was_concluded() -> None:
    """It joined the project later, and was stopped all month: those nights are gone."""
    two = replace(
        city(settled_by("2026-10-03"), final_acceptance_on=date(2026, 10, 9), systems=("S-1", "S-2")),
        systems=(b.system(), b.system("S-2")),
    )

    finding = finding_on(CHECK, two, "project/P-1")

    assert finding.verdict.value == "unknown"
    assert "so concluded" not in english(finding.reason)


def test_what_is_cited_rests_on_what_was_judged_then() -> None:
    """A system that the project has no more was judged too, and is named."""
    history = settled_by("2026-10-03")
    (kept,) = history.concluded.values()
    judged = (*kept.evidence, b.system("S-2").key)
    more = replace(history, concluded={"P-1": msgspec.structs.replace(kept, evidence=judged)})

    finding = finding_on(CHECK, city(more, final_acceptance_on=date(2026, 10, 9)), "project/P-1")

    assert finding.verdict.value == "pass"
    assert finding.evidence == judged


@pytest.mark.parametrize(
    ("verdict", "stopped", "expected"),
    [
        ("pass", False, "pass"),
        ("pass", True, "unknown"),
        ("advisory", False, "advisory"),
        ("advisory", True, "advisory"),
    ],
)
def test_a_night_that_is_left_and_shows_it_down_outranks_a_pass_that_is_cited(
    verdict: str, stopped: bool, expected: str
) -> None:
    left = [date(2026, 9, 15)]
    history = replace(settled_by("2026-10-03", Verdict(verdict)), nights=nights(left, stopped=left * stopped).nights)

    finding = finding_on(CHECK, city(history, final_acceptance_on=date(2026, 10, 9)), "project/P-1")

    assert finding.verdict.value == expected
    assert ("so concluded" in english(finding.reason)) == (verdict == expected)


def test_other_systems_that_the_nights_knew_are_not_asked_about() -> None:
    known = [msgspec.structs.replace(n, components={"S-2": frozenset({"host/other"})}) for n in nights(EVERY).nights]

    assert verdict_on(CHECK, city(History(nights=tuple(known))), "project/P-1") == "pass"


def test_nothing_of_today_in_the_whole_month_proves_nothing() -> None:
    finding = finding_on(CHECK, replace(city(), hosts=(b.host("edu-db-1"),)), "project/P-1")

    assert finding.verdict.value == "unknown"
    assert "nothing that P-1 runs on today was there in that month" in english(finding.reason)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"trial_end_on": date(2026, 10, 2)}, "fail"),
        ({"trial_end_on": DUE}, "pass"),
        ({"final_acceptance_on": date(2026, 9, 25)}, "fail"),
        ({"trial_start_on": None}, "unknown"),
        ({"initial_acceptance_on": None}, "unknown"),
        ({"initial_acceptance_on": None, "trial_start_on": None}, "not_applicable"),
        ({"initial_acceptance_on": date(2026, 11, 1), "trial_start_on": date(2026, 11, 2)}, "not_applicable"),
        ({"trial_start_on": date(2026, 12, 2)}, "unknown"),
        # Counted from the later of the two: a trial before the initial acceptance is none.
        ({"initial_acceptance_on": date(2026, 9, 20), "trial_end_on": date(2026, 10, 10)}, "fail"),
    ],
)
def test_the_dates_of_the_register(fields: dict[str, object], expected: str) -> None:
    assert verdict_on(CHECK, city(**fields), "project/P-1") == expected


def test_a_month_from_the_last_of_january_ends_in_february() -> None:
    whole = tuple(days_between(date(2026, 1, 31), date(2026, 2, 28)))
    inventory = city(nights(whole), initial_acceptance_on=date(2026, 1, 30), trial_start_on=date(2026, 1, 31))

    finding = finding_on(CHECK, inventory, "project/P-1")

    assert "until 2026-02-28" in english(finding.reason)
    assert finding.verdict.value == "pass"


def test_tonight_counts_too() -> None:
    """The scan that is being made is a night as well: its own day is not missing."""
    start = b.TODAY - timedelta(days=30)
    past = tuple(days_between(start, b.TODAY - timedelta(days=1)))
    inventory = city(nights(past), initial_acceptance_on=start, trial_start_on=start)
    running = replace(inventory, hosts=(b.host(sightings=(b.sighting(status="ACTIVE"),)),))

    assert verdict_on(CHECK, running, "project/P-1") in ("pass", "not_applicable")


def test_a_project_without_anything_to_watch() -> None:
    assert verdict_on(CHECK, replace(city(), hosts=()), "project/P-1") == "unknown"


def test_days_in_a_row_are_told_as_one() -> None:
    days = [date(2026, 3, d) for d in (1, 2, 3, 9)]

    assert stretches(days) == "2026-03-01–2026-03-03, 2026-03-09"
    assert stretches([date(2026, 3, d) for d in range(1, 28, 2)]).endswith("…")
