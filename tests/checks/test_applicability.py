"""The decision order: who is reached by which clause, and months as the law counts them."""

from datetime import date
from itertools import product
from typing import Any

import builders as b
import pytest
from verdicts import english, verdict_on

from checks.applicability import Era, acceptance_age
from checks.catalogue import check_by_id
from checks.dates import add_months
from checks.judge import judge
from inventory.coverage import CellState
from inventory.hosts import Host, Place
from inventory.records import ClassifiedPlaceholder, Funding

ERAS = {"new": date(2025, 6, 1), "legacy": date(2019, 6, 1), "undated": None}
FUNDINGS = {"fiscal": Funding.GOVERNMENT, "non-fiscal": Funding.NON_FISCAL}
PLACES = ("cloud", "physical", "third party, registered", "third party, not registered")


def expected(era: str, place: str, funding: str) -> str:
    """Art. 14, said once more in the plainest words."""
    if place == "cloud":
        return "pass"
    if place == "third party, registered" or funding == "non-fiscal":
        return "not_applicable"
    return {"new": "fail", "legacy": "not_applicable", "undated": "unknown"}[era]


def standing(place: str, acquired: date | None) -> Host:
    card = b.sighting("x", source="ledger:assets", view="asset", commissioned_on=acquired)
    sightings = (b.sighting("x"), card) if place == "cloud" else (b.sighting("x", "os", b.SSH), card)
    where = {
        "cloud": Place.CLOUD_INSTANCE,
        "physical": Place.STANDALONE_PHYSICAL,
        "third party, registered": Place.THIRD_PARTY,
        "third party, not registered": Place.STANDALONE_VIRTUAL,
    }
    return b.host("x", where[place], b.owned(), sightings)


@pytest.mark.parametrize(("era", "place", "funding"), list(product(ERAS, PLACES, FUNDINGS)))
def test_the_matrix_of_article_14(era: str, place: str, funding: str) -> None:
    """Bought elsewhere and not in the centre's register is as standalone as a tower under a desk."""
    inventory = b.inventory(
        hosts=(standing(place, ERAS[era]),),
        systems=(b.system(funding=FUNDINGS[funding]),),
        third_parties=(b.contract(),),
    )
    check = check_by_id("14-standalone-compute")
    assert check is not None

    assert verdict_on(check, inventory, "host/id-x") == expected(era, place, funding)


def test_something_classified_is_only_counted() -> None:
    """It is no subject of any check but Art. 28's, and has no name."""
    row = ClassifiedPlaceholder(source=b.REGISTER, native_id="1", observed_at=b.NIGHT, what="project")

    findings = judge(b.inventory(classified=(row,)), b.policy())

    told = [(f.check, f.subject.id, f.verdict.value) for f in findings if f.subject.kind != "platform"]
    assert told == [("28-classified", "platform", "pass"), ("28-classified", "register/project", "not_applicable")]


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2024, 1, 31), 1, date(2024, 2, 29)),
        (date(2024, 1, 15), 60, date(2029, 1, 15)),
        (date(2025, 12, 15), 12, date(2026, 12, 15)),
        (date(2026, 3, 31), -1, date(2026, 2, 28)),
    ],
)
def test_months(start: date, months: int, end: date) -> None:
    assert add_months(start, months) == end


@pytest.mark.parametrize(
    ("fields", "era", "because"),
    [
        ({"final_acceptance_on": date(2024, 1, 15)}, Era.NEW, "P-1 was accepted on 2024-01-15"),
        ({"final_acceptance_on": date(2024, 1, 14)}, Era.LEGACY, "P-1 was accepted on 2024-01-14"),
        ({"awarded_on": date(2024, 1, 15), "trial_end_on": date(2025, 1, 1)}, Era.NEW, "P-1 was awarded on 2024-01-15"),
        (
            {"initial_acceptance_on": date(2024, 1, 15), "trial_start_on": date(2024, 2, 1)},
            Era.NEW,
            "P-1 was in initial acceptance or trial run on 2024-02-01",
        ),
        (
            {"initial_acceptance_on": date(2024, 1, 14), "trial_end_on": date(2024, 1, 15)},
            Era.NEW,
            "P-1 was in initial acceptance or trial run on 2024-01-15",
        ),
        (
            {"initial_acceptance_on": date(2024, 1, 14)},
            Era.UNKNOWN,
            "whether P-1 was accepted before 2024-01-15 is not in the register",
        ),
    ],
)
def test_acceptance_since_the_first_day_is_what_counts_and_says_by_which_date(
    fields: dict[str, Any], era: Era, because: str
) -> None:
    """An old contract does not exempt what is accepted since; each step before acceptance shows that it was not yet."""
    age = acceptance_age(b.policy(), b.project(**{"awarded_on": date(2021, 1, 1), **fields}))

    assert (age.era, english(age.because), age.evidence) == (era, because, (b.project().key,))


def test_the_plan_of_networks_is_missed_only_where_nothing_else_names_the_owner() -> None:
    """A segment is the last word on an owner: it takes nothing from what a label says, but it may be all that is said
    of a machine that nobody named."""
    unread = b.coverage(b.cell(b.REGISTER, "segment", CellState.FAILED))
    check = check_by_id("14-standalone-compute")
    assert check is not None

    labelled = b.city(hosts=(standing("physical", ERAS["new"]),), coverage=unread)
    unnamed = b.city(hosts=(b.tower(),), coverage=unread)

    assert verdict_on(check, labelled, "host/id-x") == "fail"
    assert verdict_on(check, unnamed, "host/id-tower-1") == "unknown"
