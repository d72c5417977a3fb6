"""Which bytes of a file a request is for (RFC 9110, section 14). Pure functions."""

from __future__ import annotations

import re
from email.utils import formatdate, parsedate_to_datetime

from hadoop_client.hdfs.interface import FileStatus

#: No file has more bytes than 18 digits say, and Python takes no number of thousands of them.
_ONE_RANGE = re.compile(r"bytes=(?:([0-9]{1,18})-([0-9]{0,18})|-([0-9]{1,18}))")


class NotSatisfiableError(ValueError):
    """A range that begins after the end of the file."""


def asked(header: str | None, size: int) -> range | None:
    """Return the offsets that a Range header asks for; None for the whole file, which is also the
    answer to what isn't a range, and to several of them. NotSatisfiableError for none of them."""
    match = _ONE_RANGE.fullmatch(header.strip()) if header else None
    if match is None:
        return None
    first, last, suffix = match.groups()
    if suffix is not None:
        begin, end = max(size - int(suffix), 0), size
    else:
        begin, end = int(first), min(int(last) + 1, size) if last else size
        if last and int(last) < begin:
            return None  # not a range
    if begin >= end:
        raise NotSatisfiableError
    return range(begin, end)


def content_range(offsets: range, size: int) -> str:
    """Return the Content-Range header of a part of a file."""
    return f"bytes {offsets.start}-{offsets.stop - 1}/{size}"


def etag(status: FileStatus) -> str:
    """Return what is another one for another content: a file is replaced as a whole, or grows."""
    return f'"{status.modified_ms:x}-{status.size:x}"'


def last_modified(status: FileStatus) -> str:
    """Return the Last-Modified header, which has seconds only."""
    return formatdate(status.modified_ms // 1000, usegmt=True)


def is_not_newer(status: FileStatus, header: str | None) -> bool:
    """Tell whether the file has not changed since the time in an If-Modified-Since header."""
    try:
        since = parsedate_to_datetime(header or "").timestamp()
    except (ValueError, OverflowError):
        return False
    return status.modified_ms // 1000 <= since


def range_is_current(status: FileStatus, header: str | None) -> bool:
    """Tell whether the file is still the one of an If-Range header, if there is one: only then a
    part of it fits what the client has."""
    return header is None or header in (etag(status), last_modified(status))
