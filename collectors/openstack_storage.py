"""Cinder: volumes of every project, where the catalogue has it.

API: https://docs.openstack.org/api-ref/block-storage/v3/. Cinder does not refuse `all_tenants` to a reader without the
admin role, it quietly lists the reader's own project.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec
from msgspec import field

from collectors.collector import Incomplete, Reading, Said
from collectors.openstack_identity import Survey
from collectors.openstack_pages import Item, raw, walk
from inventory.records import Storage
from inventory.text import msg

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
    attachments: tuple[Attachment, ...] = ()


def read_volumes(survey: Survey) -> Iterator[Said]:
    """Every volume of every project.

    Raises:
        NotConfigured: the catalogue has no Cinder.
        CollectorError: a page could not be had.
    """
    region = survey.region
    survey.need("block-storage")
    foreign = False
    pages = walk(
        region,
        "block-storage",
        "/volumes/detail",
        "volumes",
        Volume,
        params=[("all_tenants", "1")],
        page_size=survey.page_size,
    )
    for page in pages:
        for volume in page:
            foreign = foreign or volume.project_id not in (None, region.token.project_id)
            yield Reading(to_storage(volume, source=region.source, now=survey.now), raw(volume))
    if not region.token.is_admin and not foreign:
        yield survey.reach.narrowed("Cinder") or Incomplete(
            msg(
                "{source}: Cinder may show {user} its own project only, and nothing proves that it shows all; "
                "docs/openstack-rights.md lists the rights that are needed",
                source=region.source,
                user=region.token.user,
            )
        )


def to_storage(volume: Volume, *, source: str, now: datetime) -> Storage:
    """A volume as storage 存储."""
    created = volume.created_at
    return Storage(
        source=source,
        native_id=volume.id,
        observed_at=now,
        name=volume.name or volume.id,
        storage_kind="volume",
        tenant=volume.project_id,
        size_bytes=volume.size * GIB if volume.size is not None else None,
        attached_to=tuple(sorted(a.server_id for a in volume.attachments if a.server_id)),
        status=volume.status,
        created_at=created.replace(tzinfo=UTC) if created and created.tzinfo is None else created,
    )
