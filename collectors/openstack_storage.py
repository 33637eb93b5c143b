"""Cinder: volumes and snapshots of every project, where the catalogue has it.

API: https://docs.openstack.org/api-ref/block-storage/v3/. Cinder does not refuse `all_tenants` to a reader without the
admin role, it quietly lists the reader's own project.
"""

from collections.abc import Iterator
from datetime import datetime

import msgspec
from msgspec import field

from collectors.collector import Reading, Said
from collectors.openstack_identity import Sight, Survey
from collectors.openstack_pages import Item, ItemT, aware, raw, walk
from inventory.records import Snapshot, Storage

GIB = 1024**3


class Attachment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a volume is attached."""

    server_id: str | None = None


class Volume(Item, frozen=True, kw_only=True, omit_defaults=True):
    """A Cinder volume, its size in GiB."""

    name: str | None = None
    size: int | None = None
    status: str | None = None
    created_at: datetime | None = None
    project_id: str | None = field(default=None, name="os-vol-tenant-attr:tenant_id")
    volume_type: str | None = None
    availability_zone: str | None = None
    snapshot_id: str | None = None
    bootable: str | bool | None = None
    """`true` or `false`, in a string."""
    encrypted: bool | None = None
    attachments: tuple[Attachment, ...] = ()


class CinderSnapshot(Item, frozen=True, kw_only=True, omit_defaults=True):
    """A Cinder snapshot, the size of its volume in GiB."""

    name: str | None = None
    volume_id: str | None = None
    size: int | None = None
    status: str | None = None
    created_at: datetime | None = None
    project_id: str | None = field(default=None, name="os-extended-snapshot-attributes:project_id")


def read_volumes(survey: Survey) -> Iterator[Said]:
    """Every volume of every project.

    Raises:
        NotConfigured: the catalogue has no Cinder.
        CollectorError: a page could not be had.
    """
    sight = _sight(survey)
    for volume in _all(survey, "/volumes/detail", "volumes", Volume):
        sight.saw(volume.project_id)
        yield Reading(to_storage(volume, source=survey.region.source, now=survey.now), raw(volume))
    yield from sight.verdict()


def read_snapshots(survey: Survey) -> Iterator[Said]:
    """Every snapshot of every project.

    Raises:
        NotConfigured: the catalogue has no Cinder.
        CollectorError: a page could not be had.
    """
    sight = _sight(survey)
    for snapshot in _all(survey, "/snapshots/detail", "snapshots", CinderSnapshot):
        sight.saw(snapshot.project_id)
        yield Reading(to_snapshot(snapshot, source=survey.region.source, now=survey.now), raw(snapshot))
    yield from sight.verdict()


def _sight(survey: Survey) -> Sight:
    survey.need("block-storage")
    return Sight(survey, "Cinder")


def _all(survey: Survey, path: str, key: str, kind: type[ItemT]) -> Iterator[ItemT]:
    everyone = [("all_tenants", "1")]
    for page in walk(survey.region, "block-storage", path, key, kind, params=everyone, page_size=survey.page_size):
        yield from page


def to_storage(volume: Volume, *, source: str, now: datetime) -> Storage:
    """A volume as storage 存储."""
    bootable = volume.bootable
    return Storage(
        source=source,
        native_id=volume.id,
        observed_at=now,
        name=volume.name or volume.id,
        storage_kind="volume",
        tenant=volume.project_id,
        size_bytes=volume.size * GIB if volume.size is not None else None,
        attached_to=tuple(sorted(a.server_id for a in volume.attachments if a.server_id)),
        storage_class=volume.volume_type,
        availability_zone=volume.availability_zone,
        is_encrypted=volume.encrypted,
        is_bootable=bootable.lower() == "true" if isinstance(bootable, str) else bootable,
        snapshot=volume.snapshot_id,
        status=volume.status,
        created_at=aware(volume.created_at),
    )


def to_snapshot(snapshot: CinderSnapshot, *, source: str, now: datetime) -> Snapshot:
    """A snapshot 快照."""
    return Snapshot(
        source=source,
        native_id=snapshot.id,
        observed_at=now,
        name=snapshot.name or snapshot.id,
        volume=snapshot.volume_id,
        tenant=snapshot.project_id,
        size_bytes=snapshot.size * GIB if snapshot.size is not None else None,
        status=snapshot.status,
        created_at=aware(snapshot.created_at),
    )
