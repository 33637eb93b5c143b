"""Waivers: the verdict stays, what is to be done changes; who, until when, and what an audit says."""

from datetime import date

import builders as b
import pytest
from verdicts import english

from checks.catalogue import CATALOGUE
from checks.judge import judge
from checks.policy import Policy
from checks.waivers import WAIVABLE, WaiverState, audit, disposed, fits, invalid_because
from inventory.finding import Finding, Verdict
from inventory.hosts import Place
from inventory.settings import PolicyChoices
from inventory.waiver import Selector, Waiver

IDS = [c.id for c in CATALOGUE]


def waiver(**fields: object) -> Waiver:
    """A waiver in force for the tower server of the tests."""
    given: dict[str, object] = {
        "id": "W-1",
        "check": "14-standalone-compute",
        "selector": Selector(subject="id-tower-1"),
        "reason": "迁移期间保留",
        "requester": "张三",
        "approver": "李四",
        "document": "河数函〔2026〕3号",
        "starts_on": date(2026, 6, 1),
        "expires_on": date(2026, 12, 31),
    }
    return Waiver(**{**given, **fields})  # type: ignore[arg-type]


def policy(*waivers: Waiver, **choices: object) -> Policy:
    return b.policy(PolicyChoices(**choices), waivers=waivers)  # type: ignore[arg-type]


CITY = b.city(hosts=(b.host(), b.tower()))


def tower(*waivers: Waiver) -> Finding:
    found = [f for f in judge(CITY, policy(*waivers)) if f.key == "14-standalone-compute@host/id-tower-1"]
    assert len(found) == 1
    return found[0]


def test_the_check_is_evaluated_all_the_same() -> None:
    """A waiver changes what is to be done about a breach, never that it is one."""
    plain, waived = tower(), tower(waiver())

    assert plain.verdict is waived.verdict is Verdict.FAIL
    assert plain.reason == waived.reason
    assert not plain.is_waived
    assert waived.disposition is not None
    assert (waived.disposition.waiver, waived.disposition.document) == ("W-1", "河数函〔2026〕3号")


@pytest.mark.parametrize(
    ("day", "holds"),
    [
        (date(2026, 5, 31), False),
        (date(2026, 6, 1), True),
        (date(2026, 12, 31), True),
        (date(2027, 1, 1), False),
    ],
)
def test_it_holds_through_the_end_of_its_last_day(day: date, *, holds: bool) -> None:
    findings = judge(CITY, policy())

    waived = [f for f in disposed(findings, policy(waiver()), day) if f.is_waived]

    assert bool(waived) is holds


def test_its_last_day_is_one_of_asia_shanghai() -> None:
    """At 16:00 UTC on 12-31 it is 2027 in the city, and the waiver is past."""
    from dataclasses import replace
    from datetime import UTC, datetime

    last, past = (datetime(2026, 12, 31, 15, 59, tzinfo=UTC), datetime(2026, 12, 31, 16, 0, tzinfo=UTC))
    fresh = policy(waiver())
    fresh = replace(fresh, fresh_hours=24 * 365)

    waived = [any(f.is_waived for f in judge(replace(CITY, as_of=at), fresh)) for at in (last, past)]

    assert waived == [True, False]


@pytest.mark.parametrize("verdict", sorted(set(Verdict) - set(WAIVABLE)))
def test_what_is_no_breach_cannot_be_waived(verdict: Verdict) -> None:
    """Least of all that something could not be seen."""
    import msgspec

    (found,) = disposed([msgspec.structs.replace(tower(), verdict=verdict)], policy(waiver()), b.TODAY)

    assert not found.is_waived


@pytest.mark.parametrize(
    "selector",
    [
        Selector(subject="host/id-tower-1"),
        Selector(subject="ID-TOWER-1"),
        Selector(name="tower-1"),
        Selector(department="市教育局"),
        Selector(department="市教育局", name="tower-1"),
    ],
)
def test_selectors_that_fit(selector: Selector) -> None:
    assert tower(waiver(selector=selector)).is_waived


@pytest.mark.parametrize(
    "selector",
    [
        Selector(),
        Selector(subject="id-tower"),
        Selector(name="tower"),
        Selector(department="市教育"),
        Selector(name="tower-1", department="市民政局"),
        Selector(project="P-1"),
    ],
)
def test_selectors_that_do_not_fit(selector: Selector) -> None:
    """All that is given must fit, whole: half a name is no name."""
    assert not tower(waiver(selector=selector)).is_waived


def test_a_department_of_no_letters_is_no_machine_s() -> None:
    """Else it would waive whatever nobody owns."""
    nobodys = [f for f in judge(b.city(hosts=(b.tower(department=None),)), policy()) if f.subject.kind == "host"]
    blank = waiver(selector=Selector(department="《 》"))

    assert nobodys
    assert not any(fits(blank, f) for f in nobodys if f.check == blank.check)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"check": "*"}, "every check"),
        ({"selector": Selector()}, "no subject"),
        ({"approver": "张 三"}, "two persons"),
        ({"expires_on": date(2026, 5, 1)}, "before it begins"),
        ({"expires_on": date(2027, 6, 2)}, "12 month(s)"),
    ],
)
def test_what_waives_nothing_whatever_it_says(fields: dict[str, object], words: str) -> None:
    broken = waiver(**fields)

    assert words in english(invalid_because(broken, policy(broken)))
    assert not tower(broken).is_waived


def test_twelve_months_are_allowed_to_the_day() -> None:
    assert invalid_because(waiver(expires_on=date(2027, 6, 1)), policy()) is None


def test_one_of_a_single_day_holds_on_that_day() -> None:
    only_today = waiver(starts_on=b.TODAY, expires_on=b.TODAY)

    assert invalid_because(only_today, policy()) is None
    assert tower(only_today).is_waived


def test_of_two_that_fit_the_one_that_holds_longest_is_named() -> None:
    shorter = waiver(id="W-0", expires_on=date(2026, 11, 30))

    found = tower(shorter, waiver())

    assert found.disposition is not None
    assert found.disposition.waiver == "W-1"


def states(*waivers: Waiver, **choices: object) -> dict[str, tuple[str, ...]]:
    looked_at = audit(judge(CITY, policy()), policy(*waivers, **choices), b.TODAY, IDS)
    for found in looked_at:
        assert len(found.states) == len(found.sentences)
    return {found.waiver.id: tuple(s.value for s in found.states) for found in looked_at}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, ("matched",)),
        ({"selector": Selector(subject="id-edu-web-1")}, ("unused",)),
        ({"selector": Selector(subject="id-gone")}, ("dangling",)),
        ({"expires_on": date(2026, 11, 22)}, ("expired", "matched")),
        ({"expires_on": date(2026, 12, 1)}, ("matched", "expiring")),
        ({"starts_on": date(2026, 12, 1)}, ("not_yet", "matched")),
        ({"selector": Selector(department="市教育局")}, ("matched", "too_broad")),
        ({"check": "14-standalone"}, ("invalid", "dangling")),
        ({"check": "*"}, ("invalid", "dangling", "too_broad")),
        ({"approver": "张三"}, ("invalid", "matched")),
    ],
)
def test_what_an_audit_says(fields: dict[str, object], expected: tuple[str, ...]) -> None:
    assert states(waiver(**fields)) == {"W-1": expected}


def test_a_waiver_that_fits_many_findings_is_too_broad() -> None:
    everywhere = waiver(selector=Selector(name="tower-1"))
    towers = tuple(b.tower(id=f"id-{n}") for n in range(3))
    findings = judge(b.city(hosts=towers), policy())

    (found,) = audit(findings, policy(everywhere, waiver_most_findings=2), b.TODAY, IDS)

    assert found.states == (WaiverState.MATCHED, WaiverState.TOO_BROAD)
    assert english(found.sentences[1]) == "3 findings fit, more than 2"
    assert len(found.findings) == 3

    (found,) = audit(findings, policy(everywhere, waiver_most_findings=3), b.TODAY, IDS)

    assert found.states == (WaiverState.MATCHED,)


def test_only_one_that_is_simply_in_use_is_in_order() -> None:
    looked_at = audit(judge(CITY, policy()), policy(waiver(), waiver(id="W-2", check="28-classified")), b.TODAY, IDS)

    assert [found.is_in_order for found in looked_at] == [True, False]


def test_what_stands_where_nothing_is_to_waive_is_told_verdict_by_verdict() -> None:
    """Of all machines of a department, one is in order and one was not seen: each verdict once, in a plain list."""
    hosts = (b.host(), b.host("edu-web-2"), b.host("x", Place.UNDETERMINED))
    ours = waiver(selector=Selector(department="市教育局"))

    (found,) = audit(judge(b.city(hosts=hosts), policy()), policy(ours), b.TODAY, IDS)

    assert english(found.sentences[0]) == "its subject is there, with nothing to waive: pass, unknown"
