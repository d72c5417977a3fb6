"""Fixtures of these tests."""

from __future__ import annotations

import pytest

from tests.unit.hdfs_contents.kept_packages import Store


@pytest.fixture
def store() -> Store:
    """An archive of packages in memory."""
    return Store()
