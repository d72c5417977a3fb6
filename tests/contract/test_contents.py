"""The contents manager by libhdfs: what is refused, saved, uploaded and torn by nothing, as by
hdfs-native (`tests/hadoop/contents`)."""

from __future__ import annotations

import pytest

from hadoop_client.hdfs.filesystem import FileSystem, Kind
from hdfs_contents import HDFSContentsManager
from tests.hadoop.contents.test_contents_faults import (  # noqa: F401 - held to here as well
    test_a_save_that_fails_leaves_the_file_whole_and_nothing_beside_it,
    test_an_upload_that_fails_leaves_the_file_as_it_was,
    test_over_its_quota_of_space_a_save_keeps_what_was_there,
)
from tests.hadoop.contents.test_contents_refused import *  # noqa: F403 - all of them
from tests.hadoop.contents.test_contents_saving import *  # noqa: F403
from tests.hadoop.contents.test_contents_uploads import *  # noqa: F403


@pytest.fixture
def kind() -> Kind:
    return "libhdfs"


@pytest.fixture
def manager(fs: FileSystem, root: str) -> HDFSContentsManager:
    return HDFSContentsManager(root_dir=root, filesystem_kind="libhdfs")
