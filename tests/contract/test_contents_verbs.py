"""The contents manager on HDFS by libhdfs: reads, saves and uploads, and what libhdfs has its own
calls or errors for."""

from __future__ import annotations

import pytest

from hadoop_client.hdfs.filesystem import Kind
from tests.hadoop.contents.test_contents_faults import (  # noqa: F401
    test_over_its_quota_of_space_a_save_keeps_what_was_there,
)
from tests.hadoop.contents.test_contents_hdfs import (  # noqa: F401
    test_a_file_that_may_not_be_written_is_not_replaced,
    test_a_long_name_is_a_name_like_others,
    test_a_save_has_a_place_or_says_that_there_is_none,
    test_a_save_keeps_the_acl_and_gives_nobody_more,
    test_what_came_in_while_a_file_was_uploaded_is_not_replaced,
)
from tests.unit.hdfs_contents.manager.test_faults import (  # noqa: F401
    test_a_failed_save_leaves_the_file_whole_and_no_temporary_file,
    test_a_failed_upload_leaves_the_file_unchanged,
)
from tests.unit.hdfs_contents.manager.test_saving import (  # noqa: F401
    test_a_save_keeps_the_mode_and_leaves_nothing_behind,
    test_a_save_returns_the_model_of_the_next_get,
    test_concurrent_saves_leave_one_of_them_whole,
    test_readers_see_the_old_or_the_new_content_during_a_save,
)
from tests.unit.hdfs_contents.manager.test_uploads import (  # noqa: F401
    test_chunks_are_joined_in_order,
)


@pytest.fixture
def kind() -> Kind:
    return "libhdfs"
