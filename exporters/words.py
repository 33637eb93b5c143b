"""The words that the reader sees for what the code calls by short names."""

from inventory.coverage import CellState, HostOutcome
from inventory.finding import Verdict
from inventory.hosts import Place
from inventory.records import View
from inventory.text import gettext, mark

VERDICTS = {
    Verdict.FAIL: mark("non-compliant"),
    Verdict.UNKNOWN: mark("to be verified"),
    Verdict.ADVISORY: mark("advisory"),
    Verdict.PASS: mark("compliant"),
    Verdict.NOT_APPLICABLE: mark("not applicable"),
}
STATES = {
    CellState.COMPLETE: mark("complete"),
    CellState.PARTIAL: mark("partial"),
    CellState.FAILED: mark("failed"),
    CellState.SKIPPED: mark("skipped"),
    CellState.NOT_CONFIGURED: mark("not configured"),
}
HOST_OUTCOMES = {
    HostOutcome.OK: mark("ok"),
    HostOutcome.PARTIAL: mark("partial"),
    HostOutcome.TIMEOUT: mark("timed out"),
    HostOutcome.UNREACHABLE: mark("unreachable"),
    HostOutcome.AUTH_FAILED: mark("login refused"),
    HostOutcome.HOSTKEY_MISMATCH: mark("host key unknown or changed"),
}
PLACES = {
    Place.CLOUD_INSTANCE: mark("instance of the government cloud"),
    Place.CLOUD_INFRASTRUCTURE: mark("infrastructure of the government cloud"),
    Place.THIRD_PARTY: mark("third-party capacity procured by the centre"),
    Place.STANDALONE_PHYSICAL: mark("standalone physical server"),
    Place.STANDALONE_VIRTUAL: mark("standalone virtual machine"),
    Place.UNDETERMINED: mark("undetermined"),
}
VIEWS = {
    View.SERVER: mark("cloud control plane"),
    View.HYPERVISOR: mark("cloud control plane, compute host"),
    View.NODE: mark("Kubernetes node"),
    View.OS: mark("the host itself over SSH"),
    View.LISTED: mark("inventory list of the cloud"),
    View.ASSET: mark("asset ledger"),
    View.DISCOVERED: mark("seen on the network only"),
}
STEPS = {
    "classified": mark("classified"),
    "scope": mark("scope of the rule"),
    "level": mark("whose it is"),
    "kind": mark("kind"),
    "era": mark("new or already built"),
    "exemption": mark("exemption by the rule"),
    "clause": mark("the clause itself"),
    "coverage": mark("what was not seen"),
}
"""Steps of the decision order, as findings name them."""
SUBJECT_KINDS = {
    "host": mark("host"),
    "system": mark("system"),
    "project": mark("project"),
    "platform": mark("platform"),
    "tenant": mark("tenant"),
    "storage": mark("storage"),
    "workload": mark("workload"),
    "segment": mark("segment"),
    "contract": mark("contract"),
    "classified": mark("classified"),
    "coverage": mark("source"),
    "policy": mark("rule"),
    "waiver": mark("waiver"),
}


_Words = (
    dict[Verdict, str]
    | dict[CellState, str]
    | dict[HostOutcome, str]
    | dict[Place, str]
    | dict[View, str]
    | dict[str, str]
)


def word(words: _Words, key: str, locale: str) -> str:
    """The reader's word; the short name itself where there is none."""
    for name, text in words.items():
        if name == key:
            return gettext(text, locale)
    return key
