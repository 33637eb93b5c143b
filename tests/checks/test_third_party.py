"""14-third-party."""

from datetime import date

import builders as b
import pytest
from verdicts import verdict_on

from checks.third_party import CHECK
from inventory.coverage import CellState
from inventory.hosts import Place
from inventory.records import ThirdPartyResource

PAST = date(2026, 10, 31)
CASES = [
    ("running and secured", b.contract(), "pass"),
    ("ends today", b.contract(valid_to=b.TODAY), "pass"),
    ("ended", b.contract(valid_to=PAST), "fail"),
    ("not begun", b.contract(valid_from=date(2027, 1, 1), valid_to=date(2027, 12, 31)), "fail"),
    ("without an end", b.contract(valid_to=None), "unknown"),
    ("without security evidence", b.contract(filing_number=None), "unknown"),
    ("with an assessment instead", b.contract(filing_number=None, security_assessment="网信办2024-07"), "pass"),
    ("with the word that there is none", b.contract(filing_number=None, security_assessment="否"), "unknown"),
    ("not assessed yet", b.contract(filing_number=None, security_assessment="未评估"), "unknown"),
    ("assessed and refused", b.contract(filing_number=None, security_assessment="评估不通过"), "unknown"),
    ("refused, and filed", b.contract(security_assessment="评估不通过"), "pass"),
    ("with a malformed number", b.contract(filing_number="见附件"), "unknown"),
]


@pytest.mark.parametrize(("contract", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_contract_and_the_host_on_it_agree(contract: ThirdPartyResource, expected: str) -> None:
    inventory = b.inventory(third_parties=(contract,), hosts=(b.host(place=Place.THIRD_PARTY),))

    assert verdict_on(CHECK, inventory, "contract/C-1") == expected
    assert verdict_on(CHECK, inventory, "host/id-edu-web-1") == expected


def test_a_contract_that_nothing_runs_on_any_more_is_no_breach() -> None:
    """It ended and was left: only a complete look at the hosts can say so."""
    ended = (b.contract(valid_to=PAST),)
    broken = b.coverage(b.cell(b.SSH, "host", CellState.PARTIAL))

    assert verdict_on(CHECK, b.inventory(third_parties=ended), "contract/C-1") == "not_applicable"
    assert verdict_on(CHECK, b.inventory(third_parties=ended, coverage=broken), "contract/C-1") == "unknown"


def test_a_host_whose_contract_is_not_in_the_register_is_unknown() -> None:
    assert verdict_on(CHECK, b.inventory(hosts=(b.host(place=Place.THIRD_PARTY),)), "host/id-edu-web-1") == "unknown"
