"""Every check, in reading order."""

from checks import (
    classified,
    mlps_assessment,
    mlps_filing,
    platform_protection,
    project_acceptance,
    project_deployment,
    project_sharing,
    standalone_compute,
    system_deployment,
    system_migration,
    system_sharing,
    third_party,
    unregistered,
)
from checks.check import Check

CATALOGUE: tuple[Check, ...] = (
    standalone_compute.CHECK,
    third_party.CHECK,
    unregistered.CHECK,
    platform_protection.CHECK,
    mlps_filing.CHECK,
    mlps_assessment.CHECK,
    system_deployment.CHECK,
    system_migration.CHECK,
    system_sharing.CHECK,
    project_deployment.CHECK,
    project_sharing.CHECK,
    project_acceptance.CHECK,
    classified.CHECK,
)


def check_by_id(id_: str) -> Check | None:
    """The check with this id."""
    return next((c for c in CATALOGUE if c.id == id_), None)
