"""Translates the errors of hdfs-native and libhdfs into OSErrors with one phrase for a user.

hdfs-native raises FileNotFoundError and FileExistsError without an errno, OSError for an error of a
socket, and RuntimeError for all others. The latter's text is `RPCError("<java class>", "<text>")`
for a refusal of the NameNode, or begins with the name of hdfs-native's own error. A text ends at
the first newline, where a Java stack begins. The type RuntimeError is not checked, so that
hdfs-native may raise a narrower one. libhdfs returns Java's stack trace, which begins with the same
class and text.

Texts contain paths, which users choose. So a text is read only if its class has several meanings,
and only at its beginning or end.
"""

from __future__ import annotations

import errno
import re

_RPC_ERROR = re.compile(r'^(?:Fatal)?RPCError\("(?P<java>[\w.$]+)", "(?P<text>.*)"\)$', re.DOTALL)

NO_TICKET = "HDFS authentication failed: no valid Kerberos ticket or delegation token"
TORN_TOKENS = "HDFS authentication failed: the token file is damaged and will be replaced"
_NOT_A_NAME = "HDFS does not allow this name"
_TOO_LONG = "the name is too long for HDFS"
_SAFE_MODE = "HDFS is in safe mode, which does not permit this"
_ROUTER_SAFE_MODE = "the router of HDFS is in safe mode, which does not permit this"
_NO_NAMENODE = "the router of HDFS has no active NameNode for this path"
_NOT_WRITER = "the write lease was lost to another client: save again"
_NO_KEY = (
    "it is in an encryption zone whose key hdfs-native cannot get: set "
    'c.HDFSContentsManager.filesystem_kind to "libhdfs" or "auto"'
)
_NO_PROVIDER = (
    "hdfs-native cannot use the key provider in hadoop.security.key.provider.path: set "
    'c.HDFSContentsManager.filesystem_kind to "libhdfs" or "auto"'
)
_HAS_SNAPSHOTS = (
    "it has snapshots, or a directory in it has them. It cannot be renamed or deleted until they "
    "are deleted (hdfs dfs -deleteSnapshot)"
)
_IN_SNAPSHOT = "it is in a snapshot, which cannot be changed"
_ZONE_BORDER = "it cannot be moved into or out of an encryption zone"
NAMESERVICE_BORDER = "it cannot be moved to a directory of another name service"

#: By the last part of the Java class. Without a phrase, the NameNode's text is shown.
_BY_JAVA_CLASS: dict[str, tuple[int, str | None]] = {
    "AccessControlException": (errno.EACCES, None),
    "SnapshotAccessControlException": (errno.EACCES, None),
    "SnapshotException": (errno.EPERM, _HAS_SNAPSHOTS),
    "SecretManager$InvalidToken": (errno.EACCES, NO_TICKET),
    "SafeModeException": (errno.EROFS, _SAFE_MODE),
    "ParentNotDirectoryException": (
        errno.ENOTDIR,
        "a part of the path is a file, not a directory",
    ),
    "PathIsNotEmptyDirectoryException": (errno.ENOTEMPTY, "the directory is not empty"),
    "NSQuotaExceededException": (errno.EDQUOT, None),
    "DSQuotaExceededException": (errno.EDQUOT, None),
    "QuotaByStorageTypeExceededException": (errno.EDQUOT, None),
    "FSLimitException$PathComponentTooLongException": (errno.ENAMETOOLONG, _TOO_LONG),
    "InvalidPathException": (errno.EINVAL, _NOT_A_NAME),
    "AclException": (errno.ENOTSUP, None),
    "LeaseExpiredException": (errno.EAGAIN, _NOT_WRITER),
    "AuthorizationException": (errno.EACCES, None),  # from the key server
    "StandbyException": (errno.ECONNREFUSED, "HDFS has no active NameNode"),
}

#: By the beginning of the text of a java.io.IOException, or of one that wraps another exception.
_BY_IO_TEXT: tuple[tuple[re.Pattern[str], int, str], ...] = (
    (re.compile(r"org\.apache\.hadoop\.\S*SafeModeException: "), errno.EROFS, _SAFE_MODE),
    # Four of a router: in safe mode; its NameNodes are away; they are not active; never seen.
    (re.compile(r"Router \S+ is in safe mode and "), errno.EROFS, _ROUTER_SAFE_MODE),
    (
        re.compile(r"(\S+\.NoNamenodesAvailableException: )?No namenodes? available "),
        errno.ECONNREFUSED,
        _NO_NAMENODE,
    ),
    (re.compile(r"Cannot locate a registered namenode "), errno.ECONNREFUSED, _NO_NAMENODE),
    (
        re.compile(r"Rename of /.* is not allowed, no eligible destination in the same namespace "),
        errno.EXDEV,
        NAMESERVICE_BORDER,
    ),
    (
        re.compile(r"File /.* could only be written to \d+ of the \d+ "),
        errno.ENOSPC,
        "no DataNode of HDFS can store the data",
    ),
    (
        # Another client is recovering the lease, or has recovered it and closed the file.
        re.compile(r"Unexpected BlockUCState: \S+ is (UNDER_RECOVERY|COMPLETE) "),
        errno.EAGAIN,
        _NOT_WRITER,
    ),
    (re.compile(r'"?\.snapshot"? is a reserved name'), errno.EPERM, _IN_SNAPSHOT),
    (
        re.compile(r"Source /.* must both be directories$"),
        errno.EEXIST,
        "a file and a directory cannot replace each other",
    ),
    (
        re.compile(r"rename destination directory is not empty: "),
        errno.ENOTEMPTY,
        "the directory is not empty",
    ),
    (
        re.compile(r"Rename destination /.* is a directory or file under source /"),
        errno.EINVAL,
        "a directory cannot be moved into itself",
    ),
    (re.compile(r"\w+: Pathname too long\. "), errno.ENAMETOOLONG, _TOO_LONG),
    (
        re.compile(r"/.* can't be moved (from an|into an|from) encryption zone\b"),
        errno.EXDEV,
        _ZONE_BORDER,
    ),
    (
        re.compile(r"No KeyProvider is configured"),
        errno.ENOKEY,
        "it is in an encryption zone, and the Hadoop configuration names no key provider",
    ),
)

#: By the beginning of the text of hdfs-native's own errors.
_BY_OWN_TEXT: tuple[tuple[str, int, str], ...] = (
    ("SASLError", errno.EACCES, NO_TICKET),
    ("GSSAPIError", errno.EACCES, NO_TICKET),
    ("NoSASLMechanism", errno.EACCES, NO_TICKET),
    # hdfs-native's parser panics on a token file that is truncated or overwritten.
    ("PanicException: split_to out of bounds", errno.EHOSTUNREACH, TORN_TOKENS),
    ("PanicException: capacity overflow", errno.EHOSTUNREACH, TORN_TOKENS),
    ("InvalidPath", errno.EINVAL, _NOT_A_NAME),
    ('OperationFailed("File is in an HDFS encryption zone', errno.ENOKEY, _NO_KEY),
    ('OperationFailed("KMS URI', errno.ENOKEY, _NO_PROVIDER),
    ('OperationFailed("Unsupported KMS', errno.ENOKEY, _NO_PROVIDER),
    ('OperationFailed("KMS ', errno.ENOKEY, _NO_KEY),  # the KMS refuses, or does not answer
    ('UnsupportedFeature("File encryption', errno.ENOKEY, _NO_KEY),  # versions without encryption
    (
        'InvalidArgument("No fs.defaultFS',
        errno.EINVAL,
        "the Hadoop configuration does not set fs.defaultFS. Set HADOOP_CONF_DIR to the directory "
        "with the cluster's core-site.xml",
    ),
    (
        'InvalidArgument("No NameNode hosts',
        errno.EINVAL,
        "the Hadoop configuration has no NameNode of that name",
    ),
    (
        'InvalidArgument("Only hdfs mounts',
        errno.EINVAL,
        "the viewfs in the Hadoop configuration mounts another file system than HDFS",
    ),
    # Between the mounts of a viewfs.
    ('InvalidArgument("Cannot rename across', errno.EXDEV, NAMESERVICE_BORDER),
    ("InvalidArgument", errno.EINVAL, "that is not an HDFS address"),
    ("UrlParseError", errno.EINVAL, "that is not an HDFS address"),
    ("XmlParseError", errno.EINVAL, "the Hadoop configuration is not well-formed XML"),
)


_THROWN = re.compile(
    r"(?:org\.apache\.hadoop\.ipc\.RemoteException\()?(?P<java>[\w.$]+)\)?(?:: |$)(?P<text>.*)",
    re.MULTILINE,
)


class JavaError(Exception):
    """The stack trace of a Java exception in a call of libhdfs."""


def to_os_error(error: Exception, path: str) -> OSError:
    """Return `error` as an OSError with an errno, a phrase and `path`."""
    if isinstance(error, JavaError):
        return _thrown(str(error), path)
    if isinstance(error, FileNotFoundError):
        return OSError(*_missing(_first_line(str(error))), path)
    if isinstance(error, FileExistsError):
        return OSError(*_in_the_way(_first_line(str(error))), path)
    if isinstance(error, OSError):
        if error.errno is not None:
            return type(error)(error.errno, error.strerror, path)
        return ConnectionError(*_unreachable(str(error)), path)
    if isinstance(error, ValueError):  # a lone surrogate, which has no UTF-8
        return OSError(errno.EINVAL, _NOT_A_NAME, path)
    match = _RPC_ERROR.match(str(error))
    if match is None:
        return OSError(*_own(_first_line(str(error))), path)
    return _by_java_class(match["java"], _first_line(_unescape(match["text"])), path)


#: What a failure between this process and a DataNode is, or the loss of the NameNode.
_OF_TRANSFERS = {
    *(errno.EIO, errno.ETIMEDOUT, errno.ECONNREFUSED, errno.ECONNRESET, errno.EHOSTUNREACH),
}


def is_transfer_failure(error: OSError) -> bool:
    """Return whether content could not be moved, for another reason than an answer of the NameNode.

    hdfs-native does not tell a DataNode that is away from a NameNode that is.
    """
    return error.errno in _OF_TRANSFERS and not _RPC_ERROR.match(str(error.__cause__))


def _thrown(trace: str, path: str) -> OSError:
    match = _THROWN.match(trace)
    if match is None:
        return OSError(errno.EIO, f"HDFS failed: {_first_line(trace)}", path)
    java, text = match["java"].rsplit(".", 1)[-1], match["text"].strip()
    if java == "FileNotFoundException":
        return OSError(*_missing(text), path)
    if java in ("FileAlreadyExistsException", "AlreadyBeingCreatedException"):
        return OSError(*_in_the_way(text), path)
    if java == "IllegalArgumentException" and text.endswith(" is not a valid DFS filename."):
        return OSError(errno.EINVAL, _NOT_A_NAME, path)
    if java in ("ConnectException", "EOFException", "SocketException", "NoRouteToHostException"):
        return OSError(*(_by_text(text) or _unreachable(text)), path)
    return _by_java_class(match["java"], text, path)


def _by_java_class(java: str, text: str, path: str) -> OSError:
    code, phrase = _refused(java.rsplit(".", 1)[-1], text)
    if code == errno.ECONNREFUSED:
        return ConnectionError(code, phrase, path)
    return OSError(code, phrase, path)


def refusal(java: str, text: str) -> str:
    """Return the phrase for an exception of the NameNode, by its Java class and its text."""
    phrase = _refused(java.rsplit(".", 1)[-1], _first_line(text))[1]
    return phrase.removeprefix("HDFS failed: ")


def _missing(text: str) -> tuple[int, str]:
    if text.startswith("Path is not a file: "):
        return errno.EISDIR, "it is a directory"
    if text.startswith(("Parent directory doesn't exist: ", "rename destination parent ")):
        return errno.ENOENT, "the directory above it does not exist"
    return errno.ENOENT, "there is no such file or directory"


def _in_the_way(text: str) -> tuple[int, str]:
    if text.startswith("Failed to "):
        return errno.EBUSY, "another client is writing it"
    if text.endswith("already exists as a directory") or text.startswith("Cannot append to dir"):
        return errno.EISDIR, "it is a directory"
    return errno.EEXIST, "it already exists"


def _unreachable(text: str) -> tuple[int, str]:
    if "lookup address" in text:
        return errno.EHOSTUNREACH, "HDFS cannot be reached: its host name is unknown"
    if "refused" in text:
        return errno.ECONNREFUSED, "HDFS cannot be reached: it refuses connections"
    return errno.ECONNRESET, f"the connection to HDFS was lost ({text})"


def _own(text: str) -> tuple[int, str]:
    for beginning, code, phrase in _BY_OWN_TEXT:
        if text.startswith(beginning):
            return code, phrase
    return errno.EIO, f"HDFS failed: {text}"


def _refused(java: str, text: str) -> tuple[int, str]:
    if java == "AccessControlException" and text.startswith("/"):
        java = "ParentNotDirectoryException"  # "/a/file (is not a directory)"
    # Of a router it has several meanings.
    known = _by_text(text) if java not in _BY_JAVA_CLASS or java == "StandbyException" else None
    if known:
        return known
    if java in _BY_JAVA_CLASS:
        code, phrase = _BY_JAVA_CLASS[java]
        return code, phrase or text
    return errno.EIO, f"HDFS failed: {text}"


def _by_text(text: str) -> tuple[int, str] | None:
    for pattern, code, phrase in _BY_IO_TEXT:
        if pattern.match(text):
            return code, phrase
    return None


def _unescape(text: str) -> str:
    """Undo Rust's quoting, as far as the first line needs it."""
    return text.replace("\\n", "\n").replace('\\"', '"')


def _first_line(text: str) -> str:
    return text.split("\n", 1)[0].strip()
