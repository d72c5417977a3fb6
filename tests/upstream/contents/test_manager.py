"""jupyter_server's tests of contents managers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from io import StringIO
from pathlib import Path
from posixpath import normpath
from typing import IO, Any

import pytest
from on_hdfs import HDFSPath, adopted
from tests.services.contents import test_manager as upstream

from hdfs_contents import HDFSContentsManager

_LOCAL = "is about paths of the local disk"
_LINKS = "HDFS has no symbolic links"
_TOUCH = "sets times or modes on the local disk"

globals().update(
    adopted(
        upstream,
        without={
            "test_missing_root_dir": "a root that is missing is made",
            "test_invalid_root_dir": _LOCAL,
            "test_get_os_path": _LOCAL,
            "test_get_os_path_posix": _LOCAL,
            "test_checkpoint_subdir": _LOCAL,
            "test_bad_symlink": _LINKS,
            "test_recursive_symlink": _LINKS,
            "test_good_symlink": _LINKS,
            "test_403": _TOUCH,
            "test_404": _LOCAL,
            "test_delete_non_empty_folder": "asks for the device of the local disk",
            "test_regression_is_hidden": "patches what looks at names on the local disk",
            "test_save_raises_when_signature_store_unrecoverable": "the notebook is stored by then",
            "test_created_timestamp": _TOUCH,
            "test_created_timestamp_fallback_to_epoch": _TOUCH,
            "test_base_model_invalid_timestamp_fallback": _TOUCH,
        },
    )
)


def make_directory(manager: HDFSContentsManager, path: str) -> None:
    manager.store.fs.mkdirs(f"{manager.root_dir}/{path}".rstrip("/"))


def make_big_directory(contents_manager: HDFSContentsManager, api_path: str) -> None:
    """Make a directory of one megabyte more than is copied."""
    root = HDFSPath(contents_manager.store.fs, contents_manager.root_dir)
    for number in range(contents_manager.max_copy_folder_size_mb + 1):
        (root / api_path / f"{number}.txt").write_bytes(bytes(1024 * 1024))


upstream._make_dir = make_directory
upstream._make_big_dir = make_big_directory


@pytest.fixture(autouse=True)
def what_is_beside_the_root_is_in_hdfs(
    hdfs_root: HDFSPath, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a test writes as text is for HDFS; a database that it damages is on the disk."""

    @contextmanager
    def write(path: str) -> Iterator[StringIO]:
        yield (text := StringIO())
        HDFSPath(hdfs_root.fs, normpath(path)).write_text(text.getvalue())

    def opened(path: str, mode: str) -> AbstractContextManager[IO[Any]]:
        return write(path) if mode == "w" else Path(path).open(mode)

    monkeypatch.setattr(upstream, "open", opened, raising=False)


@pytest.fixture
def tmp_path(hdfs_root: HDFSPath) -> HDFSPath:
    return hdfs_root


@pytest.fixture
def jp_file_contents_manager_class() -> type[HDFSContentsManager]:
    return HDFSContentsManager


@pytest.fixture
def jp_contents_manager(tmp_path: HDFSPath) -> HDFSContentsManager:
    return HDFSContentsManager(root_dir=str(tmp_path))


@pytest.fixture
def file_manager_with_notary(
    tmp_path: HDFSPath, tmp_path_factory: pytest.TempPathFactory
) -> HDFSContentsManager:
    manager = HDFSContentsManager(root_dir=str(tmp_path))
    manager.notary = upstream.NotebookNotary(data_dir=str(tmp_path_factory.mktemp("notary")))
    return manager
