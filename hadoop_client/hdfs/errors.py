"""What hdfs-native and libhdfs raise, translated into OSErrors with one phrase for a person.

hdfs-native raises FileNotFoundError and FileExistsError without an errno, OSError for what goes
wrong on a socket, and RuntimeError for all else: with `RPCError("<java class>", "<text>")` for
what the NameNode refused, or with the name of an error of its own. A text ends at the first
newline; what follows is a Java stack. RuntimeError itself is never asked for, so that hdfs-native
may raise something narrower. Of libhdfs there is the stack trace of what Java has thrown, which
begins with the same class and text.

Texts carry paths, which people choose. So a text is looked at only where its class leaves more than
one meaning, and from its beginning or end.
"""

from __future__ import annotations

import errno
import re

_RPC_ERROR = re.compile(r'^(?:Fatal)?RPCError\("(?P<java>[\w.$]+)", "(?P<text>.*)"\)$', re.DOTALL)

_NO_TICKET = "HDFS does not accept who this process is: it needs a valid Kerberos ticket or token"
_TORN_TOKENS = (
    "HDFS can't be reached, because the server's token file is damaged: it gets a new one"
)
_NOT_A_NAME = "HDFS does not take such a name"
_TOO_LONG = "the name is too long for HDFS"
_SAFE_MODE = "HDFS is in safe mode, in which it can't do that"
_NOT_WRITER = "HDFS has taken the right to write it away meanwhile: save it again"
_NO_KEY = (
    "it is in an encryption zone, whose key hdfs-native can't get: set "
    'c.HDFSContentsManager.filesystem_kind = "libhdfs", or "auto"'
)
_NO_PROVIDER = (
    "hdfs-native can't use what hadoop.security.key.provider.path names: set "
    'c.HDFSContentsManager.filesystem_kind = "libhdfs", or "auto"'
)
_ZONE_BORDER = "it can't be moved into an encryption zone, or out of one"

#: By the last part of the Java class. Where there is no phrase, the NameNode's words are shown.
_BY_JAVA_CLASS: dict[str, tuple[int, str | None]] = {
    "AccessControlException": (errno.EACCES, None),
    "SnapshotAccessControlException": (errno.EACCES, None),
    "SecretManager$InvalidToken": (errno.EACCES, _NO_TICKET),
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
    "AuthorizationException": (errno.EACCES, None),  # of the server that has the keys
    "StandbyException": (errno.ECONNREFUSED, "no NameNode of HDFS is active"),
}

#: The beginning of the text of a java.io.IOException, or of one that wraps another.
_BY_IO_TEXT: tuple[tuple[re.Pattern[str], int, str], ...] = (
    (re.compile(r"org\.apache\.hadoop\.\S*SafeModeException: "), errno.EROFS, _SAFE_MODE),
    (
        re.compile(r"File /.* could only be written to \d+ of the \d+ "),
        errno.ENOSPC,
        "no DataNode of HDFS can take the data",
    ),
    (
        re.compile(
            r"Unexpected BlockUCState: \S+ is UNDER_RECOVERY "
        ),  # somebody is taking it away
        errno.EAGAIN,
        _NOT_WRITER,
    ),
    (
        re.compile(r"Source /.* must both be directories$"),
        errno.EEXIST,
        "a file and a directory can't replace each other",
    ),
    (
        re.compile(r"Rename destination /.* is a directory or file under source /"),
        errno.EINVAL,
        "a directory can't be moved into itself",
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

#: By the beginning of what an error of hdfs-native's own says.
_BY_OWN_TEXT: tuple[tuple[str, int, str], ...] = (
    ("SASLError", errno.EACCES, _NO_TICKET),
    ("GSSAPIError", errno.EACCES, _NO_TICKET),
    ("NoSASLMechanism", errno.EACCES, _NO_TICKET),
    # What hdfs-native's parser says of a token file that is cut short, or was written over.
    ("PanicException: split_to out of bounds", errno.EHOSTUNREACH, _TORN_TOKENS),
    ("PanicException: capacity overflow", errno.EHOSTUNREACH, _TORN_TOKENS),
    ("InvalidPath", errno.EINVAL, _NOT_A_NAME),
    ('OperationFailed("File is in an HDFS encryption zone', errno.ENOKEY, _NO_KEY),
    ('OperationFailed("KMS URI', errno.ENOKEY, _NO_PROVIDER),
    ('OperationFailed("Unsupported KMS', errno.ENOKEY, _NO_PROVIDER),
    ('OperationFailed("KMS ', errno.ENOKEY, _NO_KEY),  # it refuses, or does not answer
    ('UnsupportedFeature("File encryption', errno.ENOKEY, _NO_KEY),  # before it knew of keys
    (
        'InvalidArgument("No fs.defaultFS',
        errno.EINVAL,
        "the Hadoop configuration does not set fs.defaultFS",
    ),
    (
        'InvalidArgument("No NameNode hosts',
        errno.EINVAL,
        "the Hadoop configuration has no NameNode of that name",
    ),
    ("InvalidArgument", errno.EINVAL, "that is no address of an HDFS"),
    ("UrlParseError", errno.EINVAL, "that is no address of an HDFS"),
    ("XmlParseError", errno.EINVAL, "the Hadoop configuration is no well-formed XML"),
)


_THROWN = re.compile(
    r"(?:org\.apache\.hadoop\.ipc\.RemoteException\()?(?P<java>[\w.$]+)\)?(?:: |$)(?P<text>.*)",
    re.MULTILINE,
)


class JavaError(Exception):
    """What Java has thrown in a call of libhdfs: its stack trace."""


def to_os_error(error: Exception, path: str) -> OSError:
    """Return `error` as an OSError with an errno, the phrase and `path`."""
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
        return OSError(*_unreachable(text), path)
    return _by_java_class(match["java"], text, path)


def _by_java_class(java: str, text: str, path: str) -> OSError:
    code, phrase = _refused(java.rsplit(".", 1)[-1], text)
    if code == errno.ECONNREFUSED:
        return ConnectionError(code, phrase, path)
    return OSError(code, phrase, path)


def _missing(text: str) -> tuple[int, str]:
    if text.startswith("Path is not a file: "):
        return errno.EISDIR, "it is a directory"
    if text.startswith(("Parent directory doesn't exist: ", "rename destination parent ")):
        return errno.ENOENT, "the directory above it does not exist"
    return errno.ENOENT, "there is no such file or directory"


def _in_the_way(text: str) -> tuple[int, str]:
    if text.startswith("Failed to "):
        return errno.EBUSY, "somebody is writing it right now"
    if text.endswith("already exists as a directory") or text.startswith("Cannot append to dir"):
        return errno.EISDIR, "it is a directory"
    return errno.EEXIST, "it exists already"


def _unreachable(text: str) -> tuple[int, str]:
    if "lookup address" in text:
        return errno.EHOSTUNREACH, "HDFS can't be reached, because its host name is unknown"
    if "refused" in text:
        return errno.ECONNREFUSED, "HDFS can't be reached, because it refuses connections"
    return errno.ECONNRESET, f"the connection to HDFS broke ({text})"


def _own(text: str) -> tuple[int, str]:
    for beginning, code, phrase in _BY_OWN_TEXT:
        if text.startswith(beginning):
            return code, phrase
    return errno.EIO, f"HDFS failed: {text}"


def _refused(java: str, text: str) -> tuple[int, str]:
    if java == "AccessControlException" and text.startswith("/"):
        java = "ParentNotDirectoryException"  # "/a/file (is not a directory)"
    if java in _BY_JAVA_CLASS:
        code, phrase = _BY_JAVA_CLASS[java]
        return code, phrase or text
    for pattern, code, phrase in _BY_IO_TEXT:
        if pattern.match(text):
            return code, phrase
    return errno.EIO, f"HDFS failed: {text}"


def _unescape(text: str) -> str:
    """Return the text as it was before Rust quoted it, as far as its first line needs it."""
    return text.replace("\\n", "\n").replace('\\"', '"')


def _first_line(text: str) -> str:
    return text.split("\n", 1)[0].strip()
