"""Each verb of the contents manager on HDFS, by a few of its rules.

The rules are tests in `tests/unit/hdfs_contents/manager`, on a local directory; all of them run on
HDFS in `scripts/test full` (`test_contents_rules.py`).
"""

from __future__ import annotations

from tests.unit.hdfs_contents.manager.test_checkpoints import (  # noqa: F401
    test_a_checkpoint_is_restored_as_it_was,
    test_checkpoints_follow_their_files_and_directories,
)
from tests.unit.hdfs_contents.manager.test_conflicts import (  # noqa: F401
    other,
    test_a_file_that_another_server_saved_is_not_replaced,
    test_one_of_many_concurrent_saves_wins_and_the_others_get_an_error,
    test_the_second_of_two_concurrent_creations_gets_an_error,
)
from tests.unit.hdfs_contents.manager.test_faults import (  # noqa: F401
    test_a_failed_save_leaves_the_file_whole_and_no_temporary_file,
    test_a_failed_upload_leaves_the_file_unchanged,
)
from tests.unit.hdfs_contents.manager.test_moving import (  # noqa: F401
    test_a_copy_has_a_new_name_and_the_same_bytes,
    test_a_directory_is_copied_with_its_contents,
    test_a_directory_moves_with_its_contents_but_not_into_itself,
    test_a_directory_without_visible_entries_is_deleted,
    test_new_files_have_unused_names,
)
from tests.unit.hdfs_contents.manager.test_reading import (  # noqa: F401
    test_a_directory_lists_its_files_with_their_types,
    test_a_file_is_read_as_text_or_base64,
)
from tests.unit.hdfs_contents.manager.test_refused import (  # noqa: F401
    test_a_name_that_hdfs_does_not_allow_is_a_bad_request,
    test_no_operation_creates_anything_below_a_file_or_a_missing_directory,
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
