"""The HTTP status and message that a browser gets if HDFS refuses a call or a path is not valid.

| status | when |
| --- | --- |
| 400 | HDFS does not allow the name; a file was expected; a directory is not empty |
| 403 | the NameNode denies access to this user |
| 404 | the file or directory does not exist, or would be outside the root |
| 409 | the name is taken, or another client is writing the file or has changed it |
| 413 | the file is too large to open as a document, or the directory too large to copy |
| 503 | HDFS does not answer, is in safe mode, or aborted a write: a retry may succeed |
| 507 | a quota is exceeded, or no DataNode has space |
| 500 | any other error |
"""

from __future__ import annotations

import errno
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from tornado.web import HTTPError

from hdfs_contents.paths import InvalidPathError, OutsideRootError

_STATUS = {
    errno.ENOENT: 404,
    errno.ENOTDIR: 404,
    errno.EACCES: 403,
    errno.EPERM: 403,
    errno.EEXIST: 409,
    errno.EBUSY: 409,
    errno.ESTALE: 409,
    errno.EFBIG: 413,
    errno.EISDIR: 400,
    errno.ENOTEMPTY: 400,
    errno.EINVAL: 400,
    errno.ENAMETOOLONG: 400,
    errno.EDQUOT: 507,
    errno.ENOSPC: 507,
    errno.EROFS: 503,
    errno.EAGAIN: 503,
    errno.ETIMEDOUT: 503,
    errno.ECONNREFUSED: 503,
    errno.ECONNRESET: 503,
    errno.EHOSTUNREACH: 503,
}


def http_error(error: OSError | InvalidPathError, api_path: str) -> HTTPError:
    """Return the HTTPError for a request for `api_path` that failed with `error`."""
    if isinstance(error, OutsideRootError):
        return HTTPError(404, str(error))
    if isinstance(error, InvalidPathError):
        return HTTPError(400, str(error))
    status = _STATUS.get(error.errno or 0, 500)
    reason = error.strerror or str(error)
    if error.errno == errno.EDQUOT:
        reason += ". Files in your trash in HDFS count until it is emptied"
    return HTTPError(status, f"{api_path.strip('/') or '/'}: {reason}")


@contextmanager
def http_errors(
    api_path: str, log: logging.Logger | logging.LoggerAdapter[logging.Logger]
) -> Iterator[None]:
    """Convert errors inside to HTTPErrors. All that the cluster reported goes to the log."""
    try:
        yield
    except (OSError, InvalidPathError) as error:
        answer = http_error(error, api_path)
        if answer.status_code >= 500:
            log.warning("%s; HDFS reported: %s", answer.log_message, error.__cause__ or error)
        raise answer from error
