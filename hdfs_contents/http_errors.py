"""What a person reads in the browser when HDFS or a path says no: OSError to HTTP status.

| status | when |
| --- | --- |
| 400 | a name HDFS does not take, a directory where a file is meant, or one that is not empty |
| 403 | the NameNode does not allow it to this person |
| 404 | there is no such file or directory, or it would be outside the root |
| 409 | something has that name already, or somebody is writing it, or has changed it |
| 413 | a file too large to be opened as a document, or a directory to be copied |
| 503 | HDFS does not answer, is in safe mode, or has cut a write off: the same may work later |
| 507 | a quota is reached, or no DataNode has room |
| 500 | all else |
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
    """Return the answer to a request about `api_path` that failed with `error`."""
    if isinstance(error, OutsideRootError):
        return HTTPError(404, str(error))
    if isinstance(error, InvalidPathError):
        return HTTPError(400, str(error))
    status = _STATUS.get(error.errno or 0, 500)
    return HTTPError(status, f"{api_path.strip('/') or '/'}: {error.strerror or error}")


@contextmanager
def http_errors(
    api_path: str, log: logging.Logger | logging.LoggerAdapter[logging.Logger]
) -> Iterator[None]:
    """Turn what fails inside into its answer. The log gets all that the cluster said."""
    try:
        yield
    except (OSError, InvalidPathError) as error:
        answer = http_error(error, api_path)
        if answer.status_code >= 500:
            log.warning("%s; HDFS said: %s", answer.log_message, error.__cause__ or error)
        raise answer from error
