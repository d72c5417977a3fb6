from __future__ import annotations

import hashlib
import os
import stat
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from env_packaging.errors import (
    EnvironmentNotFoundError,
    PrefixError,
    ReferenceFormatError,
    StorageError,
    UnsafeEnvironmentError,
)
from env_packaging.manifest import Manifest
from env_packaging.publish import delete_alias, find, publish, set_alias
from env_packaging.registry import Pointer, PublishedEnvironment, Reference, resolve
from hadoop_client.hdfs.filesystem import Writer
from tests.unit.env_packaging.local_filesystem import LocalFileSystem
from tests.unit.env_packaging.prefixes import write
from tests.unit.env_packaging.test_manifest import MANIFEST

ROOT = "/apps/envs"
KEY = "0123456789abcdef0123"
FOLDER = f"{ROOT}/science"
ARCHIVE, RECORD = f"{FOLDER}/{KEY}.tar.gz", f"{FOLDER}/{KEY}.json"
RECORD_NAME = f".{KEY}.json."


def writing(content: bytes = b"archive", **changes: str) -> Callable[[Writer], Manifest]:
    def write_all(file: Writer) -> Manifest:
        file.write(content)
        sha256 = hashlib.sha256(content).hexdigest()
        return replace(MANIFEST, key=KEY, sha256=sha256, archive_bytes=len(content), **changes)

    return write_all


def failing_with(error: BaseException) -> Callable[[Writer], Manifest]:
    def write_some(file: Writer) -> Manifest:
        file.write(b"arch")
        raise error

    return write_some


def test_an_environment_is_published_readable_by_all(filesystem: LocalFileSystem) -> None:
    published = publish(filesystem, ROOT, "science", KEY, writing())
    assert published == resolve(filesystem, ROOT, f"science@{KEY}")
    assert published.public
    assert filesystem.files() == [RECORD, ARCHIVE]
    for path in filesystem.files():
        assert stat.S_IMODE(filesystem.at(path).stat().st_mode) == 0o644
    assert stat.S_IMODE(filesystem.at(FOLDER).stat().st_mode) == 0o755


def test_the_archive_is_in_place_before_its_manifest_and_neither_is_written_in_place(
    filesystem: LocalFileSystem,
) -> None:
    publish(filesystem, ROOT, "science", KEY, writing())
    renamed = [call[2] for call in filesystem.calls if call[0] == "rename"]
    written = [call[1] for call in filesystem.calls if call[0] == "write"]
    assert renamed == [ARCHIVE, RECORD]
    assert all(path.endswith(".uploading") for path in written)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OSError(28, "no space left"), StorageError),
        (PrefixError("it changed"), PrefixError),
        (KeyboardInterrupt(), KeyboardInterrupt),
    ],
)
def test_a_failed_write_leaves_nothing(
    error: BaseException, expected: type[BaseException], filesystem: LocalFileSystem
) -> None:
    with pytest.raises(expected):
        publish(filesystem, ROOT, "science", KEY, failing_with(error))
    assert filesystem.files() == []
    assert find(filesystem, ROOT, "science", KEY) is None


@pytest.mark.parametrize("operation", ["mkdirs", "write", "chmod", "rename"])
def test_an_operation_that_hdfs_refuses_is_reported_and_leaves_nothing(
    operation: str, filesystem: LocalFileSystem
) -> None:
    def refuse(_path: str) -> None:
        raise PermissionError(13, "permission denied: user=packer")

    filesystem.before[operation] = refuse
    with pytest.raises(StorageError, match=r"Could not publish .* as packer: permission denied"):
        publish(filesystem, ROOT, "science", KEY, writing())
    assert filesystem.files() == []


@pytest.mark.parametrize("path", ["/apps", ROOT, FOLDER])
def test_nothing_is_written_below_a_world_writable_directory(
    path: str, filesystem: LocalFileSystem
) -> None:
    filesystem.mkdirs(FOLDER)
    filesystem.at(path).chmod(0o777)
    with pytest.raises(UnsafeEnvironmentError, match=f"hdfs dfs -chmod o-w {path}$"):
        publish(filesystem, ROOT, "science", KEY, writing())
    assert filesystem.files() == []


def test_a_damaged_environment_is_repaired_and_a_world_writable_one_is_not_replaced(
    filesystem: LocalFileSystem,
) -> None:
    publish(filesystem, ROOT, "science", KEY, writing())
    write(filesystem.at(RECORD), "damaged")
    assert find(filesystem, ROOT, "science", KEY) is None
    publish(filesystem, ROOT, "science", KEY, writing())
    filesystem.at(ARCHIVE).chmod(0o666)
    with pytest.raises(UnsafeEnvironmentError, match="is world-writable"):
        find(filesystem, ROOT, "science", KEY)


def test_an_archive_without_a_manifest_is_replaced(
    filesystem: LocalFileSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("env_packaging.publish._MANIFEST_SECONDS", 0)
    write(filesystem.at(ARCHIVE), "the rest of a publication that was cut off")
    assert find(filesystem, ROOT, "science", KEY) is None
    publish(filesystem, ROOT, "science", KEY, writing())
    assert filesystem.at(ARCHIVE).read_bytes() == b"archive"


def test_the_second_client_with_the_same_content_uses_the_first_one_s_archive(
    filesystem: LocalFileSystem,
) -> None:
    def overtaken(file: Writer) -> Manifest:
        publish(filesystem, ROOT, "science", KEY, writing(b"first", created_by="first"))
        return writing(b"second", created_by="second")(file)

    published = publish(filesystem, ROOT, "science", KEY, overtaken)
    assert published.manifest.created_by == "first"
    assert filesystem.at(ARCHIVE).read_bytes() == b"first"
    assert filesystem.files() == [RECORD, ARCHIVE]


def test_an_identical_archive_in_place_is_kept(
    filesystem: LocalFileSystem,
) -> None:
    first = publish(filesystem, ROOT, "science", KEY, writing())
    os.utime(filesystem.at(ARCHIVE), (1, 1))
    write(filesystem.at(RECORD), "damaged")
    again = publish(filesystem, ROOT, "science", KEY, writing())
    assert (again.modification_time_ms, again.manifest) == (1000, first.manifest)
    assert filesystem.files() == [RECORD, ARCHIVE]


class Waiting(LocalFileSystem):
    """Sets `waits` when a client checks for the manifest of another."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.waits = threading.Event()

    def exists(self, path: str) -> bool:
        if path == RECORD:
            self.waits.set()
        return super().exists(path)


def test_the_second_client_waits_for_the_first_one_s_manifest(
    filesystem: LocalFileSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("env_packaging.publish._MANIFEST_SECONDS", 60)
    second = Waiting(filesystem.root)

    with ThreadPoolExecutor(1) as thread:
        publications: list[Future[PublishedEnvironment]] = []

        def come_between(path: str) -> None:
            if RECORD_NAME in path:
                write_second = writing(b"second", created_by="second")
                publications.append(
                    thread.submit(publish, second, ROOT, "science", KEY, write_second)
                )
                assert second.waits.wait(60)

        filesystem.before["rename"] = come_between
        first = publish(filesystem, ROOT, "science", KEY, writing(b"first", created_by="first"))
        (other,) = publications
        assert other.result(60) == first
    assert first.manifest.created_by == "first"
    assert filesystem.at(ARCHIVE).read_bytes() == b"first"
    assert filesystem.files() == [RECORD, ARCHIVE]


def test_an_alias_is_moved_by_a_rename_and_only_if_it_changes(filesystem: LocalFileSystem) -> None:
    publish(filesystem, ROOT, "science", KEY, writing())
    set_alias(filesystem, ROOT, Reference("science"), Pointer(KEY))
    assert filesystem.calls[-2][2] == f"{FOLDER}/latest"
    assert resolve(filesystem, ROOT, "science").key == KEY
    changes = len(filesystem.calls)
    set_alias(filesystem, ROOT, Reference("science"), Pointer(KEY))
    assert len(filesystem.calls) == changes


OTHER = "f" * 20


def test_a_manifest_has_the_time_at_which_an_alias_left_it(filesystem: LocalFileSystem) -> None:
    publish(filesystem, ROOT, "science", KEY, writing())
    set_alias(filesystem, ROOT, Reference("science"), Pointer(KEY))
    record = filesystem.at(RECORD).read_bytes()

    def modified_after(change: Callable[[], None]) -> tuple[int, int]:
        for path in (ARCHIVE, RECORD):
            os.utime(filesystem.at(path), (1, 1))
        change()
        return filesystem.stat(ARCHIVE).modified_ms, filesystem.stat(RECORD).modified_ms

    def again() -> None:
        set_alias(filesystem, ROOT, Reference("science"), Pointer(KEY, "another state"))

    def away() -> None:
        set_alias(filesystem, ROOT, Reference("science"), Pointer(OTHER))

    def back_and_deleted() -> None:
        set_alias(filesystem, ROOT, Reference("science"), Pointer(KEY))
        delete_alias(filesystem, ROOT, Reference("science"))

    assert modified_after(again) == (1000, 1000)
    for leave in (away, back_and_deleted):
        archive_ms, record_ms = modified_after(leave)
        assert archive_ms == 1000  # which YARN compares
        assert record_ms > 1000
    assert filesystem.at(RECORD).read_bytes() == record
    assert filesystem.files() == [RECORD, ARCHIVE]


def test_an_alias_can_leave_a_missing_manifest_or_another_user_s(
    filesystem: LocalFileSystem,
) -> None:
    filesystem.mkdirs(FOLDER)
    set_alias(filesystem, ROOT, Reference("science"), Pointer(OTHER))
    publish(filesystem, ROOT, "science", KEY, writing())
    set_alias(filesystem, ROOT, Reference("science"), Pointer(KEY))

    def refuse(path: str) -> None:
        if RECORD_NAME in path:
            raise PermissionError(13, "permission denied by the sticky bit")

    filesystem.before["rename"] = refuse
    set_alias(filesystem, ROOT, Reference("science"), Pointer(OTHER))
    assert filesystem.at(f"{FOLDER}/latest").read_text() == Pointer(OTHER).to_json()


@pytest.mark.parametrize(("text", "mode"), [("nonsense", 0o644), (Pointer(KEY).to_json(), 0o666)])
def test_an_alias_is_deleted_whatever_its_content(
    text: str, mode: int, filesystem: LocalFileSystem
) -> None:
    write(filesystem.at(f"{FOLDER}/latest"), text, mode)
    delete_alias(filesystem, ROOT, Reference("science"))
    assert filesystem.files() == []
    with pytest.raises(EnvironmentNotFoundError, match="The alias science:latest does not exist"):
        delete_alias(filesystem, ROOT, Reference("science"))


def test_an_alias_that_could_not_be_written_points_to_the_old_key(
    filesystem: LocalFileSystem,
) -> None:
    publish(filesystem, ROOT, "science", KEY, writing())
    set_alias(filesystem, ROOT, Reference("science"), Pointer(KEY))

    def refuse(_path: str) -> None:
        raise OSError(122, "the quota is exceeded")

    filesystem.before["rename"] = refuse
    with pytest.raises(StorageError, match=r"Could not set .*/latest as packer: the quota"):
        set_alias(filesystem, ROOT, Reference("science"), Pointer("f" * 20))
    assert resolve(filesystem, ROOT, "science").key == KEY
    assert filesystem.files() == [RECORD, ARCHIVE, f"{FOLDER}/latest"]


def test_a_name_that_leads_elsewhere_is_refused_before_anything_is_written(
    filesystem: LocalFileSystem,
) -> None:
    with pytest.raises(ReferenceFormatError):
        publish(filesystem, ROOT, "../evil", KEY, writing())
    assert filesystem.calls == []
