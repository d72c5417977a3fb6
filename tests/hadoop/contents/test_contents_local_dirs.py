"""What crosses between HDFS and a local directory, in both directions."""

from __future__ import annotations

from tests.unit.hdfs_contents.manager.test_local_dirs import (  # noqa: F401
    in_scratch,
    manager,
    scratch,
    test_a_file_that_changes_during_a_move_is_left_in_place,
    test_a_local_directory_behaves_like_others,
    test_files_and_directories_are_copied_and_moved_across,
    test_group_permissions_are_dropped_between_file_systems,
)
