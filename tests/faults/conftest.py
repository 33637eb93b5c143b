"""Fixtures of the fault matrix."""

from pathlib import Path

import pytest
from fault_run import city, matrix
from fault_sources import authority, cloud, cluster, host, platform, secrets_in_the_environment

__all__ = ["authority", "city", "cloud", "cluster", "host", "matrix", "platform", "secrets_in_the_environment"]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The matrix runs first: other tests leave things on the session's cloud whose owner no register names."""
    here = Path(__file__).parent
    items.sort(key=lambda item: here not in item.path.parents)
