"""Fixtures of the fault matrix."""

from fault_run import city, matrix
from fault_sources import authority, cloud, cluster, host, platform, secrets_in_the_environment

__all__ = ["authority", "city", "cloud", "cluster", "host", "matrix", "platform", "secrets_in_the_environment"]
