"""From records to the inventory: what a later reading did not find, and what an old one cannot say."""

import io
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest
from builders import CLOUD, NIGHT, SSH, cell, days_ago, sighting, system, tenant, with_fields

from inventory import capture_file
from inventory.alias import Alias
from inventory.build import build
from inventory.collection import Collection, merged_sources
from inventory.coverage import CellResult, CellState, SourceInfo
from inventory.hosts import Place
from inventory.inventory import Inventory, law_date
from inventory.records import CryptoAssessment, Nic, Record, ThirdPartyResource, View
from inventory.scan import ScanOptions
from inventory.settings import ConfigError

SERVER = "420bcf8f-a2f2-d154-329b-575d9bc5e19c"
OTHER = "7c1de62a-0b54-4a7e-9a54-3e2f8e1d5a10"
CONTRACTS = "ledger:contracts"
LIST = "ledger:list"
TOWER = sighting("tower-1", View.OS, SSH, uuid=OTHER, virtualization="none", chassis_type=7)
GUEST = sighting("guest-1", View.OS, SSH, uuid=OTHER, virtualization="kvm")


def read(
    source: str, kind: str, at: datetime = NIGHT, state: CellState = CellState.COMPLETE, scope: str = "*"
) -> CellResult:
    """A cell that was read in the minute before `at`."""
    return with_fields(cell(source, kind, state, scope), started_at=at - timedelta(minutes=1), finished_at=at)


CLOUD_SEEN = (
    *(read(CLOUD, kind) for kind in ("host", "hypervisor", "port")),
    read(CONTRACTS, "third_party"),
)


def built(*records: Record, cells: tuple[CellResult, ...] = CLOUD_SEEN, **options: Any) -> Inventory:
    sources = [
        SourceInfo(name=n, type=n.partition(":")[0], is_platform=n in (CLOUD, LIST))
        for n in sorted({r.source for r in records} | {c.cell.source for c in cells})
    ]
    collection = Collection(taken_at=NIGHT, sources=sources, records=list(records), cells=list(cells))
    return build(collection, ScanOptions(city="老河口市", **options), as_of=NIGHT)


def place_of(inventory: Inventory, name: str) -> Place:
    return next(h.placement.place for h in inventory.hosts if h.name == name)


def _yesterday() -> tuple[CellResult, ...]:
    return tuple(read(CLOUD, kind, days_ago(1)) for kind in ("host", "hypervisor", "port"))


def test_what_a_later_whole_reading_did_not_find_is_no_evidence_of_today() -> None:
    """A server deleted since yesterday's capture must not go on proving that its system runs on the cloud."""
    yesterday = days_ago(1)
    gone = sighting("gone", uuid=SERVER, observed_at=yesterday)
    still = sighting("still", uuid=OTHER)

    inventory = built(gone, still, cells=(*_yesterday(), *CLOUD_SEEN))

    assert [h.name for h in inventory.hosts] == ["still"]


@pytest.mark.parametrize("state", [CellState.PARTIAL, CellState.FAILED, CellState.SKIPPED])
def test_a_later_reading_that_was_cut_short_takes_nothing_away(state: CellState) -> None:
    yesterday = days_ago(1)
    seen = sighting("seen", uuid=SERVER, observed_at=yesterday)

    inventory = built(seen, cells=(read(CLOUD, "host", yesterday), read(CLOUD, "host", state=state)))

    assert [h.name for h in inventory.hosts] == ["seen"]


def test_a_later_whole_reading_of_one_region_takes_nothing_from_the_other() -> None:
    """A record does not say which region it was read in."""
    yesterday = days_ago(1)
    seen = sighting("seen", uuid=SERVER, observed_at=yesterday)
    cells = (read(CLOUD, "host", scope="east"), read(CLOUD, "host", yesterday, scope="west"))

    assert [h.name for h in built(seen, cells=cells).hosts] == ["seen"]


def test_nothing_follows_from_absence_in_a_listing_that_is_too_old() -> None:
    """The machine may have been created on the cloud since."""
    month_old = tuple(read(CLOUD, kind, days_ago(30)) for kind in ("host", "hypervisor", "port"))

    inventory = built(TOWER, cells=month_old)

    assert place_of(inventory, "tower-1") is Place.UNDETERMINED
    assert [r.state for r in inventory.coverage.gaps("host")] == [CellState.PARTIAL]
    assert place_of(built(TOWER), "tower-1") is Place.STANDALONE_PHYSICAL


def test_nothing_follows_from_absence_in_a_listing_of_a_later_time_than_the_scan_s() -> None:
    """What is gone today was perhaps there on the day that the clock was set back to."""
    later = tuple(read(CLOUD, kind, days_ago(-30)) for kind in ("host", "hypervisor", "port"))

    assert place_of(built(TOWER, cells=later), "tower-1") is Place.UNDETERMINED


def test_a_capture_whose_times_name_no_zone_is_refused() -> None:
    """They could not be compared with the scan's clock: eight hours decide which day a thing is of."""
    collection = Collection(taken_at=NIGHT, records=[with_fields(TOWER, observed_at=NIGHT.replace(tzinfo=None))])
    file = io.BytesIO()
    capture_file.dump(collection, file, tool="test")

    with pytest.raises(capture_file.CaptureError, match=r"records\.jsonl line 1"):
        capture_file.load(file, name="x")


@pytest.mark.parametrize("other", [{"is_platform": False}, {"zone": "部门专网区"}])
def test_two_inputs_that_describe_one_source_differently_are_refused(other: dict[str, Any]) -> None:
    """Which one is believed would hang on the order of the files, and with it what is on the cloud."""
    source = SourceInfo(name=CLOUD, type="openstack", is_platform=True, zone="政务外网区")
    one = Collection(taken_at=NIGHT, sources=[source])

    one.merge(Collection(taken_at=NIGHT, sources=[source]))

    with pytest.raises(ConfigError, match=CLOUD):
        one.merge(Collection(taken_at=NIGHT, sources=[with_fields(source, **other)]))


def test_a_time_beyond_the_calendar_is_its_last_day() -> None:
    assert law_date(datetime(9999, 12, 31, 23, tzinfo=UTC)) == date.max


@pytest.mark.parametrize("state", [CellState.PARTIAL, CellState.FAILED, CellState.SKIPPED])
@pytest.mark.parametrize(("source", "kind"), [(CLOUD, "hypervisor"), (CONTRACTS, "third_party")])
def test_nothing_stands_alone_while_what_could_make_it_lawful_was_not_seen(
    source: str, kind: str, state: CellState
) -> None:
    """The cloud's own compute hosts and the centre's contracts are no instances, and lawful all the same."""
    kept = tuple(c for c in CLOUD_SEEN if c.cell.kind != kind)

    inventory = built(TOWER, GUEST, cells=(*kept, read(source, kind, state=state)))

    assert {h.placement.place for h in inventory.hosts} == {Place.UNDETERMINED}


def test_another_unit_s_instance_is_not_standalone_while_the_cloud_was_not_seen() -> None:
    """One cloud may be listed twice: by its API and by what it exports."""
    foreign = sighting("vm-1", source="openstack:bureau", uuid=SERVER)
    seen = (*CLOUD_SEEN, read("openstack:bureau", "host"))
    unseen = (read(CLOUD, "host", state=CellState.FAILED), read(CLOUD, "port"), read("openstack:bureau", "host"))

    assert place_of(built(foreign, cells=seen), "vm-1") is Place.STANDALONE_VIRTUAL
    assert place_of(built(foreign, cells=unseen), "vm-1") is Place.UNDETERMINED


def test_a_list_without_uuids_says_of_no_virtual_machine_that_it_is_not_in_it() -> None:
    """Clouds that export a spreadsheet only often give names and addresses, as the outside sees them."""
    row = sighting("云主机-1", View.LISTED, LIST, uuid=None, nics=())
    cells = (read(LIST, "host"), read(LIST, "port"), read(CONTRACTS, "third_party"))

    assert place_of(built(GUEST, row, cells=cells), "guest-1") is Place.UNDETERMINED
    assert place_of(built(TOWER, row, cells=cells), "tower-1") is Place.STANDALONE_PHYSICAL
    known = with_fields(row, uuid=SERVER)
    assert place_of(built(GUEST, known, cells=cells), "guest-1") is Place.STANDALONE_VIRTUAL


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        ([(None, date(2025, 12, 31)), (date(2026, 1, 1), date(2026, 12, 31))], "C-1"),
        ([(date(2026, 1, 1), date(2026, 12, 31)), (date(2027, 1, 1), date(2027, 12, 31))], "C-0"),
        ([(None, date(2025, 12, 31)), (None, None)], "C-1"),
    ],
    ids=["renewed", "renewal to come", "term not known"],
)
def test_of_several_contracts_the_one_in_force_covers(
    terms: list[tuple[date | None, date | None]], expected: str
) -> None:
    """A renewed contract covers the ranges of its predecessor, and both stand in the register."""
    contracts = [
        ThirdPartyResource(
            source=CONTRACTS, native_id=f"C-{n}", observed_at=NIGHT, provider="移动云", valid_from=since,
            valid_to=until, zone="互联网区", ranges=("203.0.113.0/24",),
        )
        for n, (since, until) in enumerate(terms)
    ]  # fmt: skip
    host = with_fields(GUEST, zone="互联网区", nics=(Nic(mac="00:16:3e:00:00:01", addresses=("203.0.113.9",)),))

    (found,) = built(host, *contracts, system()).hosts

    assert found.placement.contract == expected


def test_a_name_or_address_that_two_machines_bear_names_neither() -> None:
    """Tenant networks overlap and names repeat: a register's word without a zone must not hit a stranger."""
    nic = (Nic(mac="fa:16:3e:00:00:01", addresses=("192.168.0.5/24",)),)
    one = sighting("edu-1", uuid=SERVER, nics=nic)
    two = with_fields(TOWER, nics=(Nic(mac="3c:ec:ef:00:00:01", addresses=("192.168.0.5/24",)),))
    registered = system("S-1", hosts=("192.168.0.5",))

    inventory = built(one, two, registered)

    assert inventory.hosts_of(registered) == ()
    assert inventory.missing_components == {"S-1": ("192.168.0.5",)}
    assert [h.name for h in built(two, registered).hosts_of(registered)] == ["tower-1"]


def test_a_physical_machine_with_the_address_of_a_listed_instance_is_not_that_instance() -> None:
    """Anybody can take an address; the cloud's word must be tied to a UUID, or to MAC and address."""
    nics = (Nic(mac="3c:ec:ef:00:00:01", addresses=("10.1.1.9/24",)),)
    row = sighting("云主机-1", View.LISTED, LIST, zone="政务外网区", nics=(Nic(addresses=("10.1.1.9",)),))
    cells = (read(LIST, "host"), read(LIST, "port"), read(CONTRACTS, "third_party"))

    (tower,) = built(with_fields(TOWER, zone="政务外网区", nics=nics), row, cells=cells).hosts
    (guest,) = built(with_fields(GUEST, zone="政务外网区", nics=nics), row, cells=cells).hosts

    assert tower.placement.place is Place.UNDETERMINED
    assert guest.placement.place is Place.CLOUD_INSTANCE


@pytest.mark.parametrize(
    "other", [("openstack:bureau", "t-9"), (CLOUD, "t-8")], ids=["another cloud", "another domain"]
)
def test_a_tenant_s_name_does_not_reach_its_namesake(other: tuple[str, str]) -> None:
    """A stranger's machine in a tenant of the same name is no component of the system."""
    source, native_id = other
    tenants = (tenant("edu"), tenant("edu", source, native_id=native_id))
    stranger = sighting("stranger", source=source, uuid=SERVER, tenant=native_id)
    registered = system("S-1", tenants=("edu",))

    inventory = built(*tenants, stranger, registered, cells=(*CLOUD_SEEN, read("openstack:bureau", "host")))

    assert inventory.hosts_of(registered) == ()


ALIAS = msgspec.convert(
    {"kind": "tenant", "written": "edu", "system": "S-1", "confirmed_by": "王敏", "confirmed_on": "2026-11-20",
     "why": "核对"},
    Alias,
)  # fmt: skip
BUREAU = "openstack:bureau"


@pytest.mark.parametrize("by", ["register", "alias", "alias of that cloud"])
def test_another_cloud_s_tenant_is_not_the_system_s_while_ours_were_not_all_listed(by: str) -> None:
    """Ours may have one of that name, which is the one that is meant: its stranger must not break the law for it."""
    stranger = sighting("stranger", source=BUREAU, uuid=SERVER, tenant="t-edu")
    registered = system("S-1", tenants=("edu",) if by == "register" else ())
    alias = with_fields(ALIAS, source=BUREAU) if by == "alias of that cloud" else ALIAS
    aliases = () if by == "register" else (alias,)
    cells = (*CLOUD_SEEN, read(BUREAU, "host"))

    def owned(state: CellState) -> bool:
        cell_of_ours = read(CLOUD, "tenant", state=state)
        inventory = built(tenant("edu", BUREAU), stranger, registered, cells=(*cells, cell_of_ours), aliases=aliases)
        (host,) = inventory.hosts
        return host.ownership.is_known

    assert owned(CellState.COMPLETE)
    assert owned(CellState.PARTIAL) is (by == "alias of that cloud")


# ── what stands in the ledger of another kind ─────────────────────────────────────────────────────────────────────────


def test_an_assessment_of_cryptography_goes_with_the_ledger_that_it_stood_in() -> None:
    """It has no cell of its own: a later whole reading of the assessments that does not find it supersedes it."""
    old = CryptoAssessment(
        source=LIST, native_id="密评|S-1|-", observed_at=days_ago(1), system="S-1", conclusion="符合"
    )
    whole = read(LIST, "mlps_assessment")
    broken = read(LIST, "mlps_assessment", state=CellState.PARTIAL)

    def kept(now: CellResult) -> int:
        both = [read(LIST, "mlps_assessment", days_ago(1)), now]
        taken = Collection(taken_at=NIGHT, records=[old], cells=both)
        return len(build(taken, ScanOptions(city="某市"), as_of=NIGHT).crypto_assessments)

    assert (kept(whole), kept(broken)) == (0, 1)


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_inputs_that_bring_one_ledger_the_later_file_counts(order: int) -> None:
    """The order of captures leaves no trace."""
    older = SourceInfo(name=LIST, type="ledger", modified_at=days_ago(9))
    newer = SourceInfo(name=LIST, type="ledger", modified_at=days_ago(2))
    silent = SourceInfo(name=LIST, type="ledger")

    (one,) = merged_sources([], [older, newer, silent][::order])

    assert one.modified_at == days_ago(2)
