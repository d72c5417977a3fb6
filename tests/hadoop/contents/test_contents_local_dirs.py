"""What crosses between HDFS and a local directory, in both directions."""

from __future__ import annotations

from tests.unit.hdfs_contents.manager.test_local_dirs import (  # noqa: F401
    in_scratch,
    manager,
    scratch,
    test_a_local_folder_is_a_directory_like_others,
    test_files_and_directories_are_copied_and_moved_across,
    test_what_changes_while_it_is_moved_stays_where_it_is,
    test_what_goes_across_is_open_to_others_only_if_it_is_to_all,
)
