"""Every check, in reading order."""

from checks import (
    acceptance_report,
    classified,
    coverage_cross_check,
    duplicates,
    extranet,
    mlps_assessment,
    mlps_filing,
    platform_protection,
    project_acceptance,
    project_deployment,
    project_design,
    project_sharing,
    self_evaluation,
    standalone_compute,
    standalone_storage,
    supervision,
    system_deployment,
    system_migration,
    system_sharing,
    third_party,
    third_party_reports,
    trial_run,
    unregistered,
)
from checks.check import Check

CATALOGUE: tuple[Check, ...] = (
    standalone_compute.CHECK,
    standalone_storage.CHECK,
    third_party.CHECK,
    unregistered.CHECK,
    coverage_cross_check.CHECK,
    platform_protection.CHECK,
    mlps_filing.CHECK,
    mlps_assessment.CHECK,
    system_deployment.CHECK,
    system_migration.CHECK,
    duplicates.CHECK,
    extranet.CHECK,
    system_sharing.CHECK,
    supervision.CHECK,
    trial_run.CHECK,
    project_deployment.CHECK,
    project_sharing.CHECK,
    third_party_reports.CHECK,
    project_design.CHECK,
    project_acceptance.CHECK,
    acceptance_report.CHECK,
    self_evaluation.CHECK,
    classified.CHECK,
)


def check_by_id(id_: str) -> Check | None:
    """The check with this id."""
    return next((c for c in CATALOGUE if c.id == id_), None)
