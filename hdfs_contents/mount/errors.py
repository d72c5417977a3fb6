"""The errno that a program gets for a failure in HDFS."""

from __future__ import annotations

import errno
import logging

log = logging.getLogger(__name__)

#: What programs handle wrongly: Python takes EAGAIN for a pipe that is full, and no program expects
#: to lose a connection when it reads a file. EIO is what a disk says then.
_UNEXPECTED = {
    errno.EAGAIN,
    errno.EBADMSG,
    errno.ECONNREFUSED,
    errno.ECONNRESET,
    errno.EHOSTUNREACH,
    errno.ENETUNREACH,
    errno.EPIPE,
}

#: The kernel refuses larger numbers.
_LARGEST = 511

#: What programs ask for all the time, and get as an answer.
_EXPECTED = {
    *(errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENOTEMPTY),
    *(errno.EACCES, errno.EPERM, errno.ENOSYS, errno.ENOTSUP),
}


def to_errno(error: Exception) -> int:
    """Return the errno of a failure. The reason of one that programs do not expect is logged."""
    code = error.errno if isinstance(error, OSError) else None
    if code in _EXPECTED:
        return code
    if isinstance(error, OSError):
        log.warning("%s: %s", error.filename or "HDFS", error.strerror or error)
    else:
        log.error("A request failed", exc_info=error)
    if code is None or code in _UNEXPECTED or not 0 < code <= _LARGEST:
        return errno.EIO
    return code
