"""The floor of the OpenStack row asks what we asked: no page less, none in our order, no token written down."""

from benchmarks.openstack_sides import Asked, _plain

NOVA = "http://127.0.0.1:8774/v2.1"
VERSION = {"OpenStack-API-Version": "compute 2.53"}


def test_a_paged_listing_is_walked_once_in_whole_pages_and_in_the_services_own_order() -> None:
    asked = [
        Asked(f"{NOVA}/servers/detail?all_tenants=1&limit=1000&sort_key=uuid&sort_dir=asc", VERSION),
        Asked(f"{NOVA}/servers/detail?all_tenants=1&limit=1000&sort_key=uuid&sort_dir=desc", VERSION),
        Asked(f"{NOVA}/servers/detail?all_tenants=1&limit=70&sort_key=uuid&sort_dir=asc&marker=5", VERSION),
    ]
    assert _plain(asked) == [Asked(f"{NOVA}/servers/detail?all_tenants=1&limit=1000", VERSION)]


def test_what_is_not_paged_is_asked_as_often_as_we_asked_it() -> None:
    asked = [Asked(f"{NOVA}/os-services", {}), Asked(f"{NOVA}/servers?all_tenants=1", {})] * 2
    assert _plain(asked) == asked


def test_listings_that_differ_in_what_they_ask_for_stay_apart() -> None:
    asked = [Asked("http://n/ports?fields=id&fields=mac_address&limit=1000&sort_key=id", {}),
             Asked("http://n/subnets?fields=id&limit=1000&sort_key=id", {})]  # fmt: skip
    assert [a.url for a in _plain(asked)] == [
        "http://n/ports?fields=id&fields=mac_address&limit=1000",
        "http://n/subnets?fields=id&limit=1000",
    ]
