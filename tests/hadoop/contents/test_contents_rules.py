"""All rules of the contents manager on HDFS; `test_contents_verbs.py` has a few for each verb."""

from __future__ import annotations

import pytest

from tests.unit.hdfs_contents.manager.test_checkpoints import *  # noqa: F403
from tests.unit.hdfs_contents.manager.test_conflicts import *  # noqa: F403
from tests.unit.hdfs_contents.manager.test_faults import *  # noqa: F403
from tests.unit.hdfs_contents.manager.test_manager import *  # noqa: F403
from tests.unit.hdfs_contents.manager.test_moving import *  # noqa: F403
from tests.unit.hdfs_contents.manager.test_reading import *  # noqa: F403
from tests.unit.hdfs_contents.manager.test_refused import *  # noqa: F403
from tests.unit.hdfs_contents.manager.test_saving import *  # noqa: F403
from tests.unit.hdfs_contents.manager.test_shared_dirs import *  # noqa: F403
from tests.unit.hdfs_contents.manager.test_uploads import *  # noqa: F403

pytestmark = pytest.mark.heavy
