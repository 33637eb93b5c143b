"""14-cross-check."""

import builders as b
from verdicts import english, finding_on

from checks.check import run
from checks.coverage_cross_check import CHECK
from inventory.records import CountMismatch

CLOUD = f"platform/{b.CLOUD}"


def mismatch(place: str = "edu", by: str = "nova quota", expected: int = 5, seen: int = 4) -> CountMismatch:
    return CountMismatch(
        source=b.CLOUD,
        native_id=f"RegionOne/host/{by}/{place}",
        observed_at=b.NIGHT,
        what="host",
        place_kind="hypervisor" if by == "nova hypervisor" else "tenant",
        place=place,
        place_id=place,
        expected=expected,
        seen=seen,
        expected_by=by,
    )


def test_agreement_is_no_pass() -> None:
    """That nobody disagreed may mean that nobody could be asked."""
    assert run(CHECK, b.inventory(), b.policy()) == ()


def test_the_places_and_numbers_are_named() -> None:
    found = finding_on(
        CHECK, b.inventory(count_mismatches=(mismatch(), mismatch("node-3", "nova hypervisor", 9, 2))), CLOUD
    )

    assert found.verdict.value == "unknown"
    told = english(found.reason)
    assert "compute hosts run more servers than the cloud lists on them, 9 against 2: node-3 (9/2)" in told
    assert "5 against 4: edu (5/4)" in told
    assert set(found.evidence) == {mismatch().key, mismatch("node-3", "nova hypervisor").key}
    assert "infrastructure team" in english(found.missing[0])


def test_what_one_witness_says_is_kept_as_its_own_sentence() -> None:
    """Whoever counts reasons in the store reads the sentence without its values: it says which count it was."""
    found = finding_on(CHECK, b.inventory(count_mismatches=(mismatch(),)), CLOUD)

    assert found.reason.id.startswith("quotas count more servers than the cloud lists in these tenants")


def test_of_many_places_the_worst_are_named_and_the_rest_counted() -> None:
    many = tuple(mismatch(f"t{n:02}", expected=n + 1, seen=0) for n in range(30))
    told = english(finding_on(CHECK, b.inventory(count_mismatches=many), CLOUD).reason)

    assert "t29 (30/0)" in told
    assert "t05" not in told
    assert "and 20 more" in told


def test_a_witness_that_is_not_known_yet_is_told_by_its_name() -> None:
    """A capture of a newer version may bring one."""
    told = english(finding_on(CHECK, b.inventory(count_mismatches=(mismatch(by="cinder quota"),)), CLOUD).reason)

    assert "cinder quota counts more than the cloud lists, 5 against 4" in told


def test_an_old_mismatch_is_no_news_of_today() -> None:
    """A capture that is read again weeks later says nothing of today's cloud."""
    old = b.with_fields(mismatch(), observed_at=b.days_ago(30))
    found = finding_on(CHECK, b.inventory(count_mismatches=(old,)), CLOUD)

    assert found.verdict.value == "unknown"
