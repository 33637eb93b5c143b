"""What servers are made of: flavors of Nova and images of Glance; and which servers stand together.

API: https://docs.openstack.org/api-ref/compute/#flavors, #server-groups-os-server-groups,
https://docs.openstack.org/api-ref/image/v2/. None of the three refuses anybody: Nova shows private flavors and other
projects' server groups to administrators only, Glance shows others' private images to administrators only.
"""

import itertools
from collections.abc import Iterator
from datetime import datetime

from msgspec import field

from collectors.collector import Incomplete, Reading, Said
from collectors.openstack_compute import GIB, MIB, WANTED
from collectors.openstack_identity import Sight, Survey
from collectors.openstack_pages import Item, Partly, aware, raw, walk, walk_by_offset
from inventory.records import Flavor, Image, ServerGroup
from inventory.text import msg


class NovaFlavor(Item, frozen=True, kw_only=True, omit_defaults=True):
    """A flavor: RAM in MiB, disks in GiB."""

    name: str
    vcpus: int | None = None
    ram: int | None = None
    disk: int | None = None
    ephemeral: int | None = field(default=None, name="OS-FLV-EXT-DATA:ephemeral")
    is_public: bool | None = field(default=None, name="os-flavor-access:is_public")
    is_disabled: bool | None = field(default=None, name="OS-FLV-DISABLED:disabled")


class GlanceImage(Item, frozen=True, kw_only=True, omit_defaults=True):
    """An image, its size in bytes. Properties beyond these are the owner's own and may hold anything."""

    name: str | None = None
    status: str | None = None
    visibility: str | None = None
    owner: str | None = None
    size: int | None = None
    os_distro: str | None = None
    os_version: str | None = None
    created_at: datetime | None = None


class NovaServerGroup(Item, frozen=True, kw_only=True, omit_defaults=True):
    """A server group: one policy from microversion 2.64 on, a list of one before."""

    name: str
    project_id: str | None = None
    policy: str | None = None
    policies: tuple[str, ...] = ()
    members: tuple[str, ...] = ()


def read_flavors(survey: Survey) -> Iterator[Said]:
    """Every flavor, also those that are given to single projects only.

    Raises:
        CollectorError: a page could not be had.
    """
    region = survey.region
    survey.need("compute")
    is_whole = region.token.is_admin
    for page in walk(
        region,
        "compute",
        "/flavors/detail",
        "flavors",
        NovaFlavor,
        params=[("is_public", "None")],
        microversion=region.microversion(WANTED),
        page_size=survey.page_size,
    ):
        for flavor in page:
            yield Reading(to_flavor(flavor, survey), raw(flavor))
    if not is_whole:
        yield Incomplete(
            msg(
                "{source}: Nova shows private flavors to administrators only; {user} was shown the public ones",
                source=region.source,
                user=region.token.user,
            )
        )


def read_images(survey: Survey) -> Iterator[Said]:
    """Every image of every project, whatever its visibility, those that are hidden from listings too.

    Raises:
        NotConfigured: the region has no Glance.
        CollectorError: a page could not be had.
    """
    region = survey.region
    survey.need("image")
    sight = Sight(survey, "Glance")
    # Without these a listing leaves out community images and those that are offered and not yet accepted.
    everyones = [("visibility", "all"), ("member_status", "all")]
    # Outdated images are hidden as a rule, and servers run on: Glance lists either kind, never both.
    walks = [
        Partly(walk(region, "image", "/images", "images", GlanceImage, params=params, page_size=survey.page_size))
        for params in (everyones, [*everyones, ("os_hidden", "true")])
    ]
    told: set[str] = set()
    for image in itertools.chain.from_iterable(itertools.chain(*walks)):
        if image.id not in told:
            told.add(image.id)
            sight.saw(image.owner, proves=image.visibility == "private")
            yield Reading(to_image(image, source=region.source, now=survey.now), raw(image))
    yield from sight.verdict()
    for listed in walks:
        listed.told()


def read_server_groups(survey: Survey) -> Iterator[Said]:
    """Every server group of every project.

    Raises:
        CollectorError: a page could not be had.
    """
    region = survey.region
    survey.need("compute")
    sight = Sight(survey, "Nova")
    for page in walk_by_offset(
        region,
        "compute",
        "/os-server-groups",
        "server_groups",
        NovaServerGroup,
        params=[("all_projects", "True")],
        microversion=region.microversion(WANTED),
        page_size=survey.page_size,
    ):
        for group in page:
            sight.saw(group.project_id)
            yield Reading(to_server_group(group, source=region.source, now=survey.now), raw(group))
    yield from sight.verdict()


def to_flavor(flavor: NovaFlavor, survey: Survey) -> Flavor:
    """A flavor 规格, in base units. Regions may give one id to different flavors."""
    disks = [size for size in (flavor.disk, flavor.ephemeral) if size is not None]
    return Flavor(
        source=survey.region.source,
        native_id=survey.local(flavor.id),
        observed_at=survey.now,
        name=flavor.name,
        vcpus=flavor.vcpus,
        memory_bytes=flavor.ram * MIB if flavor.ram is not None else None,
        disk_bytes=sum(disks) * GIB if disks else None,
        is_public=flavor.is_public,
        is_enabled=not flavor.is_disabled if flavor.is_disabled is not None else None,
    )


def to_image(image: GlanceImage, *, source: str, now: datetime) -> Image:
    """An image 镜像."""
    return Image(
        source=source,
        native_id=image.id,
        observed_at=now,
        name=image.name or image.id,
        tenant=image.owner,
        status=image.status,
        visibility=image.visibility,
        size_bytes=image.size,
        os_name=image.os_distro,
        os_version=image.os_version,
        created_at=aware(image.created_at),
    )


def to_server_group(group: NovaServerGroup, *, source: str, now: datetime) -> ServerGroup:
    """A server group 云主机组."""
    return ServerGroup(
        source=source,
        native_id=group.id,
        observed_at=now,
        name=group.name,
        tenant=group.project_id,
        policy=group.policy or (group.policies[0] if group.policies else None),
        members=tuple(sorted(group.members)),
    )
