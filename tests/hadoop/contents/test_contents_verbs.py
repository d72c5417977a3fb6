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
    test_of_many_servers_that_save_a_file_at_once_one_wins_and_the_others_are_told,
    test_of_two_who_make_a_file_at_once_the_second_is_told,
    test_what_another_server_saved_is_not_replaced_unseen,
)
from tests.unit.hdfs_contents.manager.test_faults import (  # noqa: F401
    test_a_save_that_fails_leaves_the_file_whole_and_nothing_beside_it,
    test_an_upload_that_fails_leaves_the_file_as_it_was,
)
from tests.unit.hdfs_contents.manager.test_moving import (  # noqa: F401
    test_a_copy_has_a_name_of_its_own_and_the_same_bytes,
    test_a_directory_is_copied_with_all_that_is_in_it,
    test_a_directory_is_deleted_when_people_see_nothing_in_it,
    test_a_directory_moves_with_all_that_is_in_it_but_not_into_itself,
    test_new_files_have_names_that_nothing_has,
)
from tests.unit.hdfs_contents.manager.test_reading import (  # noqa: F401
    test_a_directory_lists_its_files_with_their_types,
    test_a_file_is_read_as_text_or_base64,
)
from tests.unit.hdfs_contents.manager.test_refused import (  # noqa: F401
    test_a_name_that_hdfs_does_not_take_is_a_bad_request,
    test_no_verb_makes_anything_where_hdfs_has_no_place_for_it,
)
from tests.unit.hdfs_contents.manager.test_saving import (  # noqa: F401
    test_a_save_keeps_the_mode_and_leaves_nothing_behind,
    test_a_save_returns_what_the_next_get_says,
    test_readers_see_the_old_content_or_the_new_while_it_is_saved,
    test_saves_at_the_same_time_leave_one_of_them_whole,
)
from tests.unit.hdfs_contents.manager.test_uploads import (  # noqa: F401
    test_chunks_are_joined_in_the_order_in_which_they_come,
)
