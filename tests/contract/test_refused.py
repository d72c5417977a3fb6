"""What HDFS refuses, as errors of Python, for hdfs-native and for libhdfs."""

from __future__ import annotations

import errno
import inspect
from collections.abc import Callable
from typing import Any

import pytest

from hadoop_client.hdfs.filesystem import FileSystem, Kind

REFUSED: dict[str, tuple[Callable[[FileSystem, str], object], type[OSError], int]] = {
    "stat of nothing": (lambda fs, r: fs.stat(f"{r}/x"), FileNotFoundError, errno.ENOENT),
    "stat below a file": (lambda fs, r: fs.stat(f"{r}/f/x"), NotADirectoryError, errno.ENOTDIR),
    "list of nothing": (lambda fs, r: fs.list_dir(f"{r}/x"), FileNotFoundError, errno.ENOENT),
    "list of a file": (lambda fs, r: fs.list_dir(f"{r}/f"), NotADirectoryError, errno.ENOTDIR),
    "read of nothing": (lambda fs, r: fs.open_read(f"{r}/x"), FileNotFoundError, errno.ENOENT),
    "read of a directory": (lambda fs, r: fs.open_read(f"{r}/d"), IsADirectoryError, errno.EISDIR),
    "create in nothing": (lambda fs, r: fs.open_write(f"{r}/x/y"), FileNotFoundError, errno.ENOENT),
    "create below a file": (
        lambda fs, r: fs.open_write(f"{r}/f/y"),
        NotADirectoryError,
        errno.ENOTDIR,
    ),
    "create over a directory": (
        lambda fs, r: fs.open_write(f"{r}/d"),
        IsADirectoryError,
        errno.EISDIR,
    ),
    "mkdirs over a file": (lambda fs, r: fs.mkdirs(f"{r}/f"), FileExistsError, errno.EEXIST),
    "mkdirs below a file": (lambda fs, r: fs.mkdirs(f"{r}/f/x"), NotADirectoryError, errno.ENOTDIR),
    "delete of nothing": (lambda fs, r: fs.delete(f"{r}/x"), FileNotFoundError, errno.ENOENT),
    "delete of a full directory": (lambda fs, r: fs.delete(f"{r}/d"), OSError, errno.ENOTEMPTY),
    "rename of nothing": (
        lambda fs, r: fs.rename(f"{r}/x", f"{r}/y"),
        FileNotFoundError,
        errno.ENOENT,
    ),
    "rename into nothing": (
        lambda fs, r: fs.rename(f"{r}/f", f"{r}/x/y"),
        FileNotFoundError,
        errno.ENOENT,
    ),
    "rename of a file over a directory": (
        lambda fs, r: fs.rename(f"{r}/f", f"{r}/d", overwrite=True),
        FileExistsError,
        errno.EEXIST,
    ),
    "rename of a directory into itself": (
        lambda fs, r: fs.rename(f"{r}/d", f"{r}/d/x"),
        OSError,
        errno.EINVAL,
    ),
    "a colon in a name": (lambda fs, r: fs.open_write(f"{r}/a:b"), OSError, errno.EINVAL),
    "a name that is too long": (
        lambda fs, r: fs.open_write(f"{r}/{'n' * 300}"),
        OSError,
        errno.ENAMETOOLONG,
    ),
    "a path that is too long": (
        lambda fs, r: fs.open_write(f"{r}{('/' + 'n' * 200) * 50}"),
        OSError,
        errno.ENAMETOOLONG,
    ),
    "a name that is no Unicode": (lambda fs, r: fs.mkdirs(f"{r}/\udc80"), OSError, errno.EINVAL),
    "another's directory": (lambda fs, r: fs.list_dir("/user/bob"), PermissionError, errno.EACCES),
    "a file in another's directory": (
        lambda fs, r: fs.open_write("/user/bob/x"),
        PermissionError,
        errno.EACCES,
    ),
    "a home that no admin has made": (
        lambda fs, r: fs.mkdirs("/user/carol"),
        PermissionError,
        errno.EACCES,
    ),
}


#: Both things are wrong with such a path, and libhdfs would make the directory: it is looked for.
BY_LIBHDFS = {"a path that is too long": (FileNotFoundError, errno.ENOENT)}


@pytest.mark.parametrize("case", REFUSED)
def test_what_hdfs_refuses_is_an_oserror_with_one_line_for_a_person(
    case: str, kind: Kind, fs: FileSystem, root: str, write: Callable[..., str]
) -> None:
    for path in ("f", "d/f"):
        write(path)
    call, *expected = REFUSED[case]
    error, code = BY_LIBHDFS.get(case, expected) if kind == "libhdfs" else expected
    with pytest.raises(error) as raised:
        call(fs, root)
    assert raised.value.errno == code
    assert raised.value.strerror
    assert "\n" not in raised.value.strerror


def test_a_file_that_somebody_writes_is_not_created_again(
    fs: FileSystem, kind: Kind, root: str
) -> None:
    with fs.open_write(f"{root}/a") as file:
        file.write(b"1")
        with pytest.raises(OSError, match=r"is writing it|already exists") as raised:
            fs.open_write(f"{root}/a")
        assert raised.value.errno == (errno.EBUSY if kind == "native" else errno.EEXIST)


def may_write(fs, path):  # it runs in other processes too
    try:
        fs.check_write(path)
    except PermissionError:
        return False
    return True


def test_the_namenode_says_who_may_write_and_nothing_changes_by_asking(
    fs: FileSystem, root: str, write: Callable[..., str], as_user: Callable[..., Any]
) -> None:
    fs.set_permission("/user/alice", 0o711)
    fs.set_permission(root, 0o755)
    paths = [write("own", mode=0o644), write("all", mode=0o666), write("none", mode=0o444), root]
    before = [fs.stat(path) for path in paths]
    assert [may_write(fs, path) for path in paths] == [True, True, False, True]
    asked = f"{inspect.getsource(may_write)}print(json.dumps([may_write(fs, p) for p in {paths}]))"
    assert as_user("bob", asked) == [False, True, False, False]
    assert [fs.stat(path) for path in paths] == before
    fs.set_permission("/user/alice", 0o700)
