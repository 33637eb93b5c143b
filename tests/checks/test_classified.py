"""28-classified."""

import builders as b
from verdicts import english, finding_on

from checks.classified import CHECK, NEUTRAL_NAME
from inventory.records import ClassifiedPlaceholder, ClassifiedTrace


def trace(source: str, what: str = "host", count: int = 2) -> ClassifiedTrace:
    return ClassifiedTrace(source=source, native_id=what, observed_at=b.NIGHT, what=what, count=count)


def test_something_classified_on_the_cloud_fails_without_a_name() -> None:
    finding = finding_on(
        CHECK,
        b.inventory(classified_traces=(trace(b.CLOUD), trace(b.CLOUD, "tenant", 1))),
        f"classified/source/{b.CLOUD}",
    )

    assert (finding.verdict.value, finding.subject.name) == ("fail", NEUTRAL_NAME)
    assert "(host 2, tenant 1)" in english(finding.reason)


def test_off_the_cloud_it_is_dropped_and_counted() -> None:
    finding = finding_on(CHECK, b.inventory(classified_traces=(trace(b.SSH),)), f"classified/source/{b.SSH}")

    assert (finding.verdict.value, finding.decided_by) == ("not_applicable", "classified")


def test_the_register_counts_and_does_not_name() -> None:
    """Art. 28: a neutral placeholder, whatever the register calls it."""
    rows = tuple(
        ClassifiedPlaceholder(source=b.REGISTER, native_id=str(n), observed_at=b.NIGHT, what="system") for n in (1, 2)
    )

    finding = finding_on(CHECK, b.inventory(classified=rows), "classified/register/system")

    assert finding.verdict.value == "not_applicable"
    assert "2 classified system(s)" in english(finding.reason)


def test_nothing_classified_is_no_finding() -> None:
    """That nothing was seen is not said of each source: the guard says what it dropped, not what is not there."""
    assert not list(CHECK.judge(b.inventory(), b.policy()))


def test_an_old_trace_is_not_yet_a_verdict() -> None:
    old = ClassifiedTrace(source=b.CLOUD, native_id="host", observed_at=b.days_ago(9), what="host", count=1)

    finding = finding_on(CHECK, b.inventory(classified_traces=(old,)), f"classified/source/{b.CLOUD}")

    assert finding.verdict.value == "unknown"
