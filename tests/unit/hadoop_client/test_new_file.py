"""A new file whose DataNodes fail: it is written again, and no content is lost or mixed."""

from __future__ import annotations

import errno
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from unittest.mock import patch

import pytest
from hdfs_native import AclEntry, AclStatus, WriteOptions
from hypothesis import given
from hypothesis import strategies as st

from hadoop_client.hdfs import new_file
from hadoop_client.hdfs.deadline import Deadline
from hadoop_client.hdfs.native_files import Calls
from hadoop_client.hdfs.new_file import NewFileWriter

REFUSED = "Connection refused (os error 111)"


@dataclass
class Status:
    length: int
    replication: int | None
    permission: int
    group: str
    modification_time: int


@dataclass
class Hdfs:
    """A file in HDFS. `failures` has for each time that it is created the step at which its
    DataNodes fail, from 0; None is never."""

    failures: Sequence[int | None]
    error: Exception = field(default_factory=lambda: OSError(REFUSED))
    replication: int = 3
    length: int = 0
    content: bytes | None = None
    permission: int = 0
    group: str = "staff"
    has_acls: bool = True
    acl: list[AclEntry] = field(default_factory=list)
    #: What other clients do while an attempt fails.
    meanwhile: Callable[[], None] = lambda: None
    #: The number of the file at the path, in place of the time at which it was created.
    created: int = 0
    asked: list[int | None] = field(default_factory=list)
    #: What `create` returns.
    file: Callable[[Hdfs, int | None], File] = field(default_factory=lambda: File)

    def create(self, path: str, write_options: WriteOptions) -> File:
        if self.asked and not write_options.overwrite:
            raise FileExistsError(path)
        failure = self.failures[len(self.asked)] if len(self.asked) < len(self.failures) else None
        self.asked.append(write_options.replication)
        self.replication = write_options.replication or self.replication
        self.permission = write_options.permission
        self.group, self.acl = "staff", []
        self.created += 1
        return self.file(self, failure)

    def get_file_info(self, path: str) -> Status:
        return Status(self.length, self.replication, self.permission, self.group, self.created)

    def set_replication(self, path: str, replication: int) -> bool:
        self.replication = replication
        return True

    def set_owner(self, path: str, owner: str | None, group: str | None) -> None:
        self.group = group or self.group

    def get_acl_status(self, path: str) -> AclStatus:
        if not self.has_acls:
            disabled = "org.apache.hadoop.hdfs.protocol.AclException"
            raise RuntimeError(f'RPCError("{disabled}", "ACLs are disabled")')
        entries = [entry for entry in self.acl if entry.name or entry.type == "group"]
        is_minimal = not any(entry.name for entry in entries)
        return SimpleNamespace(entries=[] if is_minimal else entries)  # type: ignore[return-value]

    def set_acl(self, path: str, entries: list[AclEntry]) -> None:
        self.acl = entries


class File:
    def __init__(self, hdfs: Hdfs, failure: int | None) -> None:
        self._hdfs = hdfs
        self._failure = failure
        self._steps = 0
        self._content = b""

    def _step(self) -> None:
        if self._steps == self._failure:
            self._hdfs.meanwhile()
            raise self._hdfs.error
        self._steps += 1

    def write(self, buf: bytes) -> None:
        self._step()
        self._content += buf

    def hsync(self) -> None:
        self._step()

    def close(self) -> None:
        self._step()
        self._hdfs.content = self._content


class LateFile(File):
    """Takes content after its DataNodes have failed, as hdfs-native does."""

    def write(self, buf: bytes) -> None:
        self._content += buf


def write(hdfs: Hdfs, *chunks: bytes) -> None:
    with NewFileWriter(Calls(Deadline(20)), "/a", hdfs, 0o640) as file:
        for chunk in chunks:
            assert file.write(chunk) == len(chunk)


@given(
    st.lists(st.binary(min_size=1), max_size=4),
    st.lists(st.none() | st.integers(0, 5), max_size=12),
    st.integers(1, 4),
)
def test_a_file_has_all_content_and_replicas_or_fails(
    chunks: list[bytes], failures: list[int | None], replicas: int
) -> None:
    hdfs = Hdfs(failures, replication=replicas)
    try:
        write(hdfs, *chunks)
        expected = (b"".join(chunks), replicas)
    except OSError as error:
        number, expected = error.errno, (None, hdfs.replication)
        assert number == errno.EAGAIN
    assert (hdfs.content, hdfs.replication) == expected
    assert all(asked is None or asked <= replicas for asked in hdfs.asked)


@given(st.lists(st.binary(min_size=1), max_size=4), st.integers(0, 20))
def test_the_beginning_of_a_large_file_is_kept_until_the_datanodes_have_it(
    chunks: list[bytes], most_kept: int
) -> None:
    hdfs = Hdfs([0, 0], file=LateFile)
    with patch.object(new_file, "_MOST_KEPT", most_kept):
        write(hdfs, *chunks)
    assert (hdfs.content, hdfs.asked) == (b"".join(chunks), [None, 2, 1])


def test_a_file_without_failures_is_created_once_and_asks_for_nothing_else() -> None:
    hdfs = Hdfs([])
    write(hdfs, b"a", b"b")
    assert (hdfs.content, hdfs.asked) == (b"ab", [None])


def test_the_mode_group_and_acl_that_were_set_meanwhile_are_kept() -> None:
    hdfs = Hdfs([1, 0])
    with NewFileWriter(Calls(Deadline(20)), "/a", hdfs, 0o640) as file:
        file.write(b"a")
        assert hdfs.permission == 0o640
        hdfs.permission, hdfs.group = 0o664, "team"
        hdfs.acl = [AclEntry("user", "access", "rw-", "bob"), AclEntry("group", "access", "r--")]
    assert (hdfs.asked, hdfs.permission, hdfs.group) == ([None, 2, 1], 0o664, "team")
    named = {(entry.type, entry.name): entry.permissions for entry in hdfs.acl}
    expected = [(("user", "bob"), "rw-"), (("group", None), "r--"), (("mask", None), "rw-")]
    assert [(key, named[key]) for key, _ in expected] == expected


def test_without_acls_the_mode_that_was_set_meanwhile_is_kept() -> None:
    hdfs = Hdfs([1], has_acls=False)
    with NewFileWriter(Calls(Deadline(20)), "/a", hdfs, 0o640) as file:
        file.write(b"a")
        hdfs.permission = 0o400
    assert (hdfs.asked, hdfs.permission) == ([None, 2], 0o400)


def test_fewer_replicas_are_asked_for_with_each_attempt() -> None:
    hdfs = Hdfs([0, 0, 1, 0])
    write(hdfs, b"a", b"b")
    assert (hdfs.content, hdfs.asked) == (b"ab", [None, 2, 1, 1, 1])


def test_a_large_file_is_not_written_again_once_its_begin_is_forgotten() -> None:
    large = bytes(4 * 1024 * 1024)
    hdfs = Hdfs([5])
    with pytest.raises(OSError, match="Save again later"):
        write(hdfs, *[large] * 6)
    assert hdfs.asked == [None]


def test_a_file_that_another_client_has_replaced_is_not_overwritten() -> None:
    hdfs = Hdfs([0], length=1)
    with pytest.raises(OSError, match="Save again later"):
        write(hdfs, b"a")
    assert hdfs.asked == [None]


def test_an_empty_file_of_another_client_is_not_overwritten() -> None:
    hdfs = Hdfs([0, 0])

    def replace() -> None:
        hdfs.created += len(hdfs.asked) - 1  # while the second attempt fails

    hdfs.meanwhile = replace
    with pytest.raises(OSError, match="Save again later"):
        write(hdfs, b"a")
    assert hdfs.asked == [None, 2]


@pytest.mark.parametrize(
    ("error", "number"),
    [
        (RuntimeError('RPCError("org.apache.hadoop.DSQuotaExceededException", "q")'), errno.EDQUOT),
        (RuntimeError('RPCError("java.io.IOException", "what")'), errno.EIO),
        (FileNotFoundError("File does not exist: /a"), errno.ENOENT),
    ],
)
def test_a_refusal_of_the_namenode_is_raised_at_once(error: Exception, number: int) -> None:
    hdfs = Hdfs([0], error)
    with pytest.raises(OSError) as raised:  # noqa: PT011 - its number is compared
        write(hdfs, b"a")
    assert (raised.value.errno, hdfs.asked) == (number, [None])
