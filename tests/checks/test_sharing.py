"""The evidence ladder, 16-sharing and 23.7-sharing."""

from datetime import date

import builders as b
import pytest
from verdicts import english, finding_on, verdict_on

from checks import project_sharing, system_sharing
from checks.sharing import sharing_of
from inventory.coverage import CellState, Coverage
from inventory.inventory import Inventory
from inventory.records import Funding, ProjectKind, SharingEntry, SharingType, SharingUse
from inventory.settings import PolicyChoices

UNMOUNTED = b.entry(resource_id=None, resource_type=None, mounted_on=None)
CONSUMER = b.entry(direction="consume", published_on=None, approved_on=date(2026, 2, 1))
OWN_CALLS = b.use(consumer_system="S-1")
REFUSED = b.entry(sharing_type=SharingType.NONE, legal_basis="《保守国家秘密法》第十三条")
OLD_CALLS = b.use(period_start=date(2026, 7, 1), period_end=date(2026, 7, 31))

LADDER = [
    ("nothing", (), (), 0),
    ("not published", (b.entry(published_on=None),), (), 1),
    ("catalogued", (UNMOUNTED,), (), 2),
    ("mounted", (b.entry(),), (), 3),
    ("used", (b.entry(),), (b.use(),), 5),
    ("used by its catalogue code", (UNMOUNTED,), (b.use("306001/000012"),), 5),
    ("only failed calls", (b.entry(),), (b.use(succeeded=0, failed=7),), 3),
    ("only calls of its own", (b.entry(),), (b.use(consumer_system="S-1"),), 3),
    ("calls of nobody that the log names", (b.entry(),), (b.use(consumer_system=None),), 5),
    ("calls of July", (b.entry(),), (OLD_CALLS,), 3),
    ("calls of a period that began before the window",
     (b.entry(),), (b.use(period_start=date(2026, 8, 1), period_end=date(2026, 10, 31)),), 3),
    ("the same, last success in it",
     (b.entry(),), (b.use(period_start=date(2026, 8, 1), last_success_on=date(2026, 10, 30)),), 5),
    ("consumes, approved", (CONSUMER,), (), 3),
    ("consumes, approved and calls", (CONSUMER,), (OWN_CALLS,), 5),
    ("consumes, others call", (CONSUMER,), (b.use(),), 3),
    ("consumes, only applied", (b.entry(direction="consume", applied_on=date(2026, 2, 1)),), (OWN_CALLS,), 1),
    ("published tomorrow", (b.entry(published_on=date(2026, 11, 24)),), (), 1),
    ("lawfully refused, which proves nothing shared", (REFUSED,), (), 0),
]  # fmt: skip


@pytest.mark.parametrize(("entries", "uses", "level"), [c[1:] for c in LADDER], ids=[c[0] for c in LADDER])
def test_rung(entries: tuple[SharingEntry, ...], uses: tuple[SharingUse, ...], level: int) -> None:
    inventory = b.city(sharing_entries=entries, sharing_uses=uses)

    assert sharing_of(inventory, b.policy(), b.system()).level == level


def test_nothing_is_missing_where_the_highest_rung_is_proven() -> None:
    """Though the rest of the log was not read."""
    cut = b.coverage(b.cell(b.REGISTER, "sharing_use", CellState.PARTIAL))

    found = sharing_of(b.city(coverage=cut), b.policy(), b.system())

    assert (found.level, found.missing) == (5, ())


FAILED = b.coverage(b.cell(b.REGISTER, "sharing_use", CellState.FAILED))
WHOLE = b.coverage()
CASES = [
    ("used", (b.entry(),), (b.use(),), WHOLE, "pass", "pass"),
    ("used, log cut short", (b.entry(),), (b.use(),), FAILED, "pass", "pass"),
    ("mounted", (b.entry(),), (), WHOLE, "pass", "fail"),
    ("mounted, log failed", (b.entry(),), (), FAILED, "pass", "unknown"),
    ("catalogued, no resource listed", (UNMOUNTED,), (), WHOLE, "unknown", "unknown"),
    ("claimed", (b.entry(published_on=None),), (), WHOLE, "unknown", "unknown"),
    ("nothing", (), (), WHOLE, "advisory", "fail"),
    ("nothing seen", (), (), FAILED, "unknown", "unknown"),
    ("no ledger", (), (), b.coverage(without=("sharing_entry",)), "unknown", "unknown"),
    ("lawfully refused", (REFUSED,), (), WHOLE, "not_applicable", "not_applicable"),
    ("refused without a law", (b.entry(sharing_type=SharingType.NONE),), (), WHOLE, "unknown", "unknown"),
]


@pytest.mark.parametrize(
    ("entries", "uses", "coverage", "legacy", "accepted"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_verdicts(
    entries: tuple[SharingEntry, ...], uses: tuple[SharingUse, ...], coverage: Coverage, legacy: str, accepted: str
) -> None:
    """The same evidence: joining is enough for what was already built, acceptance asks for use."""
    fields = {"sharing_entries": entries, "sharing_uses": uses, "coverage": coverage}

    old = b.city(projects=(b.legacy_project(),), **fields)
    assert verdict_on(system_sharing.CHECK, old, "system/S-1") == legacy
    assert verdict_on(project_sharing.CHECK, b.city(**fields), "project/P-1") == accepted


def test_a_signed_statement_that_there_is_no_data_is_lawful() -> None:
    inventory = b.city(systems=(b.system(no_data_statement="河教函〔2026〕3号"),), sharing_entries=(), sharing_uses=())

    assert verdict_on(project_sharing.CHECK, inventory, "project/P-1") == "not_applicable"


HALF_A_CATALOGUE = b.coverage(b.cell(b.REGISTER, "sharing_entry", CellState.PARTIAL))


@pytest.mark.parametrize(
    ("statement", "entries"),
    [("河教函〔2026〕3号", ()), (None, (REFUSED,))],
    ids=["a signed statement", "every entry refused"],
)
def test_no_exemption_follows_from_half_a_catalogue(statement: str | None, entries: tuple[SharingEntry, ...]) -> None:
    """The other half may hold what contradicts it, and an exempt half of Art. 23(7) lets the project pass."""
    inventory = b.city(
        systems=(b.system(no_data_statement=statement),), sharing_entries=entries, coverage=HALF_A_CATALOGUE
    )

    assert verdict_on(project_sharing.CHECK, inventory, "project/P-1") == "unknown"


def test_new_systems_are_asked_at_acceptance() -> None:
    assert verdict_on(system_sharing.CHECK, b.city(), "system/S-1") == "not_applicable"


def test_the_policy_may_ask_for_less() -> None:
    chosen = b.policy(PolicyChoices(sharing_level=3))

    assert verdict_on(project_sharing.CHECK, b.city(sharing_uses=()), "project/P-1", chosen) == "pass"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"project_kind": ProjectKind.CONSULTING}, "not_applicable"),
        ({"project_kind": ProjectKind.TESTING}, "not_applicable"),
        ({"project_kind": None}, "unknown"),
        ({"funding": Funding.NON_FISCAL}, "not_applicable"),
        ({"funding": None}, "unknown"),
        ({"awarded_on": date(2021, 1, 1)}, "unknown"),
        ({"awarded_on": date(2021, 1, 1), "final_acceptance_on": date(2023, 1, 1)}, "not_applicable"),
        ({"awarded_on": date(2021, 1, 1), "final_acceptance_on": date(2024, 1, 15)}, "pass"),
        ({"awarded_on": date(2021, 1, 1), "trial_start_on": date(2026, 9, 1)}, "pass"),
        ({"systems": ()}, "unknown"),
        ({"systems": ("S-1", "S-404")}, "unknown"),
    ],
)
def test_which_projects_are_asked(fields: dict[str, object], expected: str) -> None:
    """Arts. 2, 17 and 21 draw the circle; acceptance since the effective date counts, not the contract."""
    inventory = b.city(projects=(b.project(**fields),))

    assert verdict_on(project_sharing.CHECK, inventory, "project/P-1") == expected


def test_the_ordinance_is_cited_only_since_it_is_in_force() -> None:
    """政务数据共享条例: from 2025-08-01."""
    before = b.city(as_of=b.days_ago(600))

    assert finding_on(project_sharing.CHECK, b.city(), "project/P-1").articles == ("23(7)", "sharing-2025")
    assert finding_on(project_sharing.CHECK, before, "project/P-1").articles == ("23(7)",)


def _rejected() -> Inventory:
    return b.city(sharing_uses=(), coverage=b.coverage(rejections=(b.rejection("306001/000012"),)))


def test_a_rejected_row_of_the_log_leaves_it_open() -> None:
    finding = finding_on(project_sharing.CHECK, _rejected(), "project/P-1")

    assert finding.verdict.value == "unknown"
    assert "row 7" in english(finding.missing[0])
