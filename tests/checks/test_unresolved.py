"""Ledger rows that name nothing the register has: whose verdicts they leave open, and whose not."""

from datetime import date

import builders as b
from verdicts import english, finding_on, verdict_on

from checks.system_sharing import CHECK
from inventory.alias import Alias, AliasKind, Answer
from inventory.inventory import Inventory
from inventory.records import SharingEntry

NOBODYS = b.entry(system="校园门户")


def city(*entries: SharingEntry, **fields: object) -> Inventory:
    """Systems S-1 and S-2 of an old project, and these entries in the catalogue."""
    old = b.legacy_project(systems=("S-1", "S-2"))
    given = {"systems": (b.system(), b.system("S-2")), "sharing_entries": entries, "sharing_uses": (), **fields}
    return b.city(projects=(old,), **given)


def test_a_row_of_nobody_may_be_anybody_s() -> None:
    for subject in ("system/S-1", "system/S-2"):
        found = finding_on(CHECK, city(NOBODYS), subject)

        assert found.verdict.value == "unknown"
        assert f"whose {NOBODYS.key} is" in english(found.missing[0])


def test_a_row_of_another_registered_system_leaves_nothing_open() -> None:
    """Else one entry of anybody's would keep every system that shares nothing from being told so."""
    assert verdict_on(CHECK, city(b.entry(system="S-2")), "system/S-1") == "advisory"


def test_that_a_person_said_it_is_not_one_system_s_says_nothing_of_another() -> None:
    refused = Alias(kind=AliasKind.SYSTEM_NAME, written="校园门户", system="S-2", answer=Answer.DIFFERENT,
                    confirmed_by="王敏", confirmed_on=date(2026, 11, 20), why="电话核实")  # fmt: skip
    asked = city(NOBODYS, alias_uses={refused: (NOBODYS.key,)})

    assert verdict_on(CHECK, asked, "system/S-2") == "advisory"
    assert verdict_on(CHECK, asked, "system/S-1") == "unknown"


def test_a_row_under_a_name_that_two_systems_bear_is_one_of_the_two_s() -> None:
    systems = (b.system(name="门户网站"), b.system("S-2", name="门 户网站"), b.system("S-3"))
    asked = city(b.entry(system="门户网站"), systems=systems)

    assert verdict_on(CHECK, asked, "system/S-1") == "unknown"
    assert verdict_on(CHECK, asked, "system/S-2") == "unknown"


def test_a_row_that_names_no_system_may_be_anybody_s() -> None:
    assert verdict_on(CHECK, city(b.entry(system=None)), "system/S-1") == "unknown"
