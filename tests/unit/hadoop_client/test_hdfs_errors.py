"""Errors of hdfs-native as OSErrors, and those as HTTP responses."""

from __future__ import annotations

import errno

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hadoop_client.hdfs.errors import JavaError, refusal, to_os_error
from hdfs_contents.http_errors import http_error
from hdfs_contents.paths import InvalidPathError, OutsideRootError

STACK = "\n\tat org.apache.hadoop.hdfs.server.namenode.FSNamesystem.call(FSNamesystem.java:1)"
PATH = "/user/alice/a"


def rpc(java: str, text: str) -> RuntimeError:
    """A refusal as hdfs-native 0.14 raises it: in Rust's debug form, with Java's stack."""
    quoted = (text + STACK).replace("\\", "\\\\").replace('"', '\\"')
    quoted = quoted.replace("\n", "\\n").replace("\t", "\\t")
    return RuntimeError(f'RPCError("{java}", "{quoted}")')


DENIED = 'Permission denied: user=alice, access=WRITE, inode="/user":root:supergroup:drwxr-xr-x'
QUOTA = "The DiskSpace quota of /user/alice is exceeded: quota = 10 B but 384 MB"
NO_LEASE = "File is not open for writing: /a (inode 16407) [Lease. Holder: b, pending creates: 1]"
HDFS = "org.apache.hadoop.hdfs.protocol."
IO = "java.io.IOException"

RAISED = [
    (FileNotFoundError(PATH), FileNotFoundError, errno.ENOENT),
    (FileNotFoundError("File does not exist: /a" + STACK), FileNotFoundError, errno.ENOENT),
    (FileNotFoundError("Path is not a file: /a" + STACK), IsADirectoryError, errno.EISDIR),
    (FileNotFoundError("Parent directory doesn't exist: /a"), FileNotFoundError, errno.ENOENT),
    (FileExistsError("/a for client 127.0.0.1 already exists"), FileExistsError, errno.EEXIST),
    (FileExistsError("/a already exists as a directory"), IsADirectoryError, errno.EISDIR),
    (
        FileExistsError("Failed to APPEND_FILE /a because b is already the current lease holder."),
        OSError,
        errno.EBUSY,
    ),
    (rpc("org.apache.hadoop.security.AccessControlException", DENIED), PermissionError, 13),
    (
        rpc("org.apache.hadoop.security.AccessControlException", "/a/b (is not a directory)"),
        NotADirectoryError,
        errno.ENOTDIR,
    ),
    (
        rpc("org.apache.hadoop.fs.ParentNotDirectoryException", "/a (is not a directory)"),
        NotADirectoryError,
        errno.ENOTDIR,
    ),
    (
        rpc("org.apache.hadoop.fs.PathIsNotEmptyDirectoryException", "`/a is non empty'"),
        OSError,
        errno.ENOTEMPTY,
    ),
    (rpc(HDFS + "DSQuotaExceededException", QUOTA), OSError, errno.EDQUOT),
    (rpc(HDFS + "NSQuotaExceededException", QUOTA), OSError, errno.EDQUOT),
    (
        rpc("org.apache.hadoop.hdfs.server.namenode.LeaseExpiredException", NO_LEASE),
        BlockingIOError,
        errno.EAGAIN,
    ),
    (
        rpc(
            "org.apache.hadoop.hdfs.server.namenode.SafeModeException",
            "Cannot create file/a. Name node is in safe mode.\nIt was turned on manually.",
        ),
        OSError,
        errno.EROFS,
    ),
    (
        rpc(
            "org.apache.hadoop.ipc.RetriableException",
            "org.apache.hadoop.hdfs.server.namenode.SafeModeException: Cannot create file/a.",
        ),
        OSError,
        errno.EROFS,
    ),
    (
        rpc(IO, "File /a could only be written to 0 of the 1 minReplication nodes. There are 0"),
        OSError,
        errno.ENOSPC,
    ),
    (rpc(IO, "Source /a and destination /b must both be directories"), FileExistsError, 17),
    (rpc(IO, "rename destination directory is not empty: /b"), OSError, errno.ENOTEMPTY),
    (rpc(IO, "Rename destination /a/b is a directory or file under source /a"), OSError, 22),
    (rpc(IO, "create: Pathname too long.  Limit 8000 characters"), OSError, errno.ENAMETOOLONG),
    (
        rpc(HDFS + "FSLimitException$PathComponentTooLongException", "The maximum"),
        OSError,
        errno.ENAMETOOLONG,
    ),
    (rpc("org.apache.hadoop.fs.InvalidPathException", "Invalid path name /a:b"), OSError, 22),
    (
        rpc("org.apache.hadoop.security.token.SecretManager$InvalidToken", "token has expired"),
        PermissionError,
        errno.EACCES,
    ),
    (
        rpc("org.apache.hadoop.hdfs.protocol.AclException", "Support for ACLs has been disabled"),
        OSError,
        errno.ENOTSUP,
    ),
    (rpc("org.apache.hadoop.ipc.StandbyException", "standby"), ConnectionError, None),
    # Of Hadoop's routers, 3.1 to 3.4: in safe mode, and without a NameNode of the name service.
    (
        rpc(
            "org.apache.hadoop.ipc.StandbyException",
            "Router vm:28295 is in safe mode and cannot handle WRITE requests",
        ),
        OSError,
        errno.EROFS,
    ),
    (
        rpc(
            "java.net.ConnectException",
            "No namenode available to invoke getFileInfo [/user/alice] in "
            "[vm:28295->ns0:null:localhost:19554-ACTIVE] from vm:28295",
        ),
        ConnectionError,
        errno.ECONNREFUSED,
    ),
    (
        rpc(
            "org.apache.hadoop.ipc.StandbyException",
            "No namenode available to invoke getFileInfo [/user/alice] in [vm:26833->ns0:nn1:"
            "localhost:22240-ACTIVE, vm:26833->ns0:nn2:localhost:22272-STANDBY] from vm:26833",
        ),
        ConnectionError,
        errno.ECONNREFUSED,
    ),
    (
        rpc(
            "org.apache.hadoop.ipc.RetriableException",
            "org.apache.hadoop.hdfs.server.federation.router.NoNamenodesAvailableException: "
            "No namenodes available under nameservice ns0",
        ),
        ConnectionError,
        errno.ECONNREFUSED,
    ),
    (  # 3.1
        rpc(IO, "No namenode available under nameservice ns0"),
        ConnectionError,
        errno.ECONNREFUSED,
    ),
    (
        rpc(IO, "Cannot locate a registered namenode for ns0 from vm:10646"),
        ConnectionError,
        errno.ECONNREFUSED,
    ),
    (
        rpc(
            IO,
            "Rename of /data/a to /user/alice/a is not allowed, no eligible destination in the "
            "same namespace was found",
        ),
        OSError,
        errno.EXDEV,
    ),
    (rpc(IO, "something new"), OSError, errno.EIO),
    (RuntimeError('DataTransferError("no")'), OSError, errno.EIO),
    (RuntimeError('GSSAPIError(GSS_S_NO_CRED, 0, "no")'), PermissionError, errno.EACCES),
    (
        RuntimeError("PanicException: split_to out of bounds: 21 <= 2"),
        OSError,
        errno.EHOSTUNREACH,
    ),
    (RuntimeError('InvalidArgument("No fs.defaultFS setting found")'), OSError, errno.EINVAL),
    (
        RuntimeError('InvalidArgument("Cannot rename across different name services")'),
        OSError,
        errno.EXDEV,
    ),
    (OSError("Connection refused (os error 111)"), ConnectionError, errno.ECONNREFUSED),
    (OSError("failed to lookup address information"), ConnectionError, errno.EHOSTUNREACH),
    (OSError("unexpected end of file"), ConnectionError, errno.ECONNRESET),
    (TimeoutError(errno.ETIMEDOUT, "late"), TimeoutError, errno.ETIMEDOUT),
    (UnicodeEncodeError("utf-8", "\udc80", 0, 1, "surrogates not allowed"), OSError, 22),
]


@pytest.mark.parametrize(("raised", "kind", "code"), RAISED, ids=lambda value: str(value)[:60])
def test_an_error_of_hdfs_native_becomes_an_oserror_of_its_kind(
    raised: Exception, kind: type[OSError], code: int | None
) -> None:
    error = to_os_error(raised, PATH)
    assert isinstance(error, kind)
    assert error.filename == PATH
    assert code is None or error.errno == code


@pytest.mark.parametrize(("raised", "kind", "code"), RAISED, ids=lambda value: str(value)[:60])
def test_a_message_is_one_line_without_a_java_stack(
    raised: Exception, kind: type[OSError], code: int | None
) -> None:
    phrase = to_os_error(raised, PATH).strerror
    assert phrase
    assert "\n" not in phrase
    assert "java" not in phrase


def test_a_refusal_of_our_own_client_has_the_same_phrase() -> None:
    away = (
        "org.apache.hadoop.ipc.RetriableException",
        (
            "org.apache.hadoop.hdfs.server.federation.router.NoNamenodesAvailableException: No "
            "namenodes available under nameservice ns0"
        ),
    )
    assert refusal(*away) == to_os_error(rpc(*away), PATH).strerror
    assert refusal(IO, "something new" + STACK) == "something new"


def test_the_namenodes_text_of_a_refusal_is_kept() -> None:
    denied = rpc("org.apache.hadoop.security.AccessControlException", DENIED)
    assert to_os_error(denied, PATH).strerror == DENIED
    assert to_os_error(rpc(HDFS + "DSQuotaExceededException", QUOTA), PATH).strerror == QUOTA


@given(
    st.sampled_from(
        ["QuotaExceeded", "SafeModeException: ", "must both be directories", "lookup address"]
    ),
    st.text(st.characters(exclude_characters="/\n", exclude_categories=["Cs"])),
)
def test_a_file_named_like_an_error_does_not_become_that_error(word: str, rest: str) -> None:
    path = f"/user/alice/{rest} {word} {rest}"
    missing = to_os_error(FileNotFoundError(f"File does not exist: {path}{STACK}"), path)
    assert type(missing) is FileNotFoundError
    denied = rpc(
        "org.apache.hadoop.security.AccessControlException",
        f'Permission denied: user=alice, access=READ, inode="{path}":bob:bob:-rw-------',
    )
    assert type(to_os_error(denied, path)) is PermissionError


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (errno.ENOENT, 404),
        (errno.ENOTDIR, 404),
        (errno.EACCES, 403),
        (errno.EEXIST, 409),
        (errno.EBUSY, 409),
        (errno.EISDIR, 400),
        (errno.ENOTEMPTY, 400),
        (errno.EINVAL, 400),
        (errno.ENAMETOOLONG, 400),
        (errno.EDQUOT, 507),
        (errno.ENOSPC, 507),
        (errno.EROFS, 503),
        (errno.EAGAIN, 503),
        (errno.ETIMEDOUT, 503),
        (errno.ECONNREFUSED, 503),
        (errno.EHOSTUNREACH, 503),
        (errno.EIO, 500),
        (errno.EXDEV, 500),
    ],
)
def test_each_kind_of_failure_has_its_status(code: int, status: int) -> None:
    answer = http_error(OSError(code, "what went wrong", "/user/alice/a"), "a")
    assert answer.status_code == status
    assert str(answer.log_message).startswith("a: what went wrong")


def test_a_path_outside_the_root_is_not_found_and_a_bad_name_a_bad_request() -> None:
    assert http_error(OutsideRootError("outside"), "..").status_code == 404
    assert http_error(InvalidPathError("bad"), "a:b").status_code == 400


IPC = "org.apache.hadoop.ipc."
AT = (
    "\n\tat org.apache.hadoop.hdfs.DFSClient.call(DFSClient.java:1)\nCaused by: java.io.IOException"
)

THROWN = [
    ("java.io.FileNotFoundException: File does not exist: /a", FileNotFoundError, errno.ENOENT),
    ("java.io.FileNotFoundException: Path is not a file: /a", IsADirectoryError, errno.EISDIR),
    (
        f"{IPC}RemoteException(org.apache.hadoop.fs.FileAlreadyExistsException): Cannot append to "
        "directory /a; already exists as a directory.",
        IsADirectoryError,
        errno.EISDIR,
    ),
    (
        f"{IPC}RemoteException({HDFS}AlreadyBeingCreatedException): Failed to APPEND_FILE /a for b",
        OSError,
        errno.EBUSY,
    ),
    (
        f"{IPC}RemoteException({HDFS}FSLimitException$PathComponentTooLongException): The maximum",
        OSError,
        errno.ENAMETOOLONG,
    ),
    (
        "java.lang.IllegalArgumentException: Pathname /a:b from /a:b is not a valid DFS filename.",
        OSError,
        errno.EINVAL,
    ),
    (f"org.apache.hadoop.security.AccessControlException: {DENIED}", PermissionError, 13),
    (
        "org.apache.hadoop.security.AccessControlException: /a (is not a directory)",
        NotADirectoryError,
        errno.ENOTDIR,
    ),
    (f"{HDFS}DSQuotaExceededException: {QUOTA}", OSError, errno.EDQUOT),
    (
        f"{IPC}RemoteException(org.apache.hadoop.hdfs.server.namenode.LeaseExpiredException): "
        f"{NO_LEASE}",
        BlockingIOError,
        errno.EAGAIN,
    ),
    (
        f"{IPC}RemoteException({IPC}StandbyException): Router vm:28295 is in safe mode and cannot "
        "handle WRITE requests",
        OSError,
        errno.EROFS,
    ),
    (
        f"{IPC}RemoteException(java.net.ConnectException): No namenode available to invoke "
        "getFileInfo [/user/alice] in [vm:28295->ns0:null:localhost:19554-ACTIVE] from vm:28295",
        ConnectionRefusedError,
        errno.ECONNREFUSED,
    ),
    (
        f"{IPC}RemoteException(java.io.IOException): File /a could only be written to 0 of the 1 "
        "minReplication nodes. There are 0 datanode(s) running",
        OSError,
        errno.ENOSPC,
    ),
    (
        f"{IPC}RemoteException(java.io.IOException): Unexpected BlockUCState: BP-1:blk_1_7 is "
        "UNDER_RECOVERY but not UNDER_CONSTRUCTION",
        BlockingIOError,
        errno.EAGAIN,
    ),
    (
        f"{IPC}RemoteException(java.io.IOException): Unexpected BlockUCState: BP-1:blk_1_7 is "
        "COMPLETE but not UNDER_CONSTRUCTION",
        BlockingIOError,
        errno.EAGAIN,
    ),
    (
        "java.net.ConnectException: Call From a/127.0.0.1 to localhost:1 failed on connection "
        "exception: java.net.ConnectException: Connection refused; For more details see: x",
        ConnectionRefusedError,
        errno.ECONNREFUSED,
    ),
    ("java.io.EOFException: End of File Exception between", ConnectionResetError, errno.ECONNRESET),
    (
        "org.apache.hadoop.security.authorize.AuthorizationException: User:bob not allowed to do "
        "'DECRYPT_EEK' on 'key'",
        PermissionError,
        errno.EACCES,
    ),
    (
        "java.io.IOException: No KeyProvider is configured, cannot access an encrypted file",
        OSError,
        errno.ENOKEY,
    ),
    ("java.lang.NullPointerException", OSError, errno.EIO),
    ("an unknown error", OSError, errno.EIO),
]


@pytest.mark.parametrize(("trace", "kind", "code"), THROWN, ids=lambda value: str(value)[:70])
def test_a_java_exception_in_libhdfs_becomes_an_oserror_of_its_kind(
    trace: str, kind: type[OSError], code: int
) -> None:
    error = to_os_error(JavaError(trace + AT), PATH)
    assert (type(error), error.errno, error.filename) == (kind, code, PATH)
    assert error.strerror
    assert "\n" not in error.strerror


@pytest.mark.parametrize(
    "text",
    [
        'OperationFailed("File is in an HDFS encryption zone but no KMS provider is configured")',
        'OperationFailed("KMS request failed (403 Forbidden): AuthorizationException User:bob")',
        'OperationFailed("KMS URI must start with `kms://`, got `jceks://file/x`")',
        'UnsupportedFeature("File encryption")',
    ],
)
def test_a_key_that_hdfs_native_cannot_get_names_the_option_that_helps(text: str) -> None:
    error = to_os_error(RuntimeError(text), PATH)
    assert error.errno == errno.ENOKEY
    assert 'c.HDFSContentsManager.filesystem_kind to "libhdfs"' in error.strerror


@pytest.mark.parametrize("where", ["from an", "into an", "from"])
def test_a_rename_into_or_out_of_a_zone_is_one_to_another_device(where: str) -> None:
    error = rpc(IO, f"/user/alice/a can't be moved {where} encryption zone.")
    assert to_os_error(error, PATH).errno == errno.EXDEV
