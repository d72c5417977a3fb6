"""All rules of the contents manager by libhdfs; `test_contents_verbs.py` has some of them too."""

from __future__ import annotations

import pytest

from hadoop_client.hdfs.filesystem import Kind
from tests.hadoop.contents.test_contents_faults import (  # noqa: F401
    test_over_its_quota_of_space_a_save_keeps_what_was_there,
)
from tests.unit.hdfs_contents.manager.test_faults import *  # noqa: F403
from tests.unit.hdfs_contents.manager.test_refused import *  # noqa: F403
from tests.unit.hdfs_contents.manager.test_saving import *  # noqa: F403
from tests.unit.hdfs_contents.manager.test_uploads import *  # noqa: F403

pytestmark = pytest.mark.heavy


@pytest.fixture
def kind() -> Kind:
    return "libhdfs"
