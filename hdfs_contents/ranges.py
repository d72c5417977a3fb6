"""Range requests and conditional requests for files (RFC 9110, sections 13 and 14).

Pure functions.
"""

from __future__ import annotations

import re
from email.utils import format_datetime, parsedate_to_datetime

from hadoop_client.hdfs.interface import FileStatus
from hadoop_client.times import utc_time

#: No file needs more than 18 digits, and Python refuses to parse numbers of thousands of digits.
_SINGLE_RANGE = re.compile(r"bytes=(?:([0-9]{1,18})-([0-9]{0,18})|-([0-9]{1,18}))")


class NotSatisfiableError(ValueError):
    """The requested range begins after the end of the file (status 416)."""


def parse_range(header: str | None, size: int) -> range | None:
    """Return the offsets that a Range header requests from a file of `size` bytes.

    None means the whole file: the header is missing, is not valid, or has several ranges. Raises
    NotSatisfiableError if the range contains no byte of the file.
    """
    match = _SINGLE_RANGE.fullmatch(header.strip()) if header else None
    if match is None:
        return None
    first, last, suffix = match.groups()
    if suffix is not None:
        begin, end = max(size - int(suffix), 0), size
    else:
        begin, end = int(first), min(int(last) + 1, size) if last else size
        if last and int(last) < begin:
            return None  # not valid
    if begin >= end:
        raise NotSatisfiableError
    return range(begin, end)


def content_range(offsets: range, size: int) -> str:
    """Return the Content-Range header for a part of a file of `size` bytes."""
    return f"bytes {offsets.start}-{offsets.stop - 1}/{size}"


def etag(status: FileStatus) -> str:
    """Return the ETag header. A file changes only by being replaced or by growing, so its time and
    size identify its content."""
    return f'"{status.modified_ms:x}-{status.size:x}"'


def last_modified(status: FileStatus) -> str:
    """Return the Last-Modified header, which has a resolution of one second."""
    return format_datetime(utc_time(status.modified_ms), usegmt=True)


def not_modified_since(status: FileStatus, header: str | None) -> bool:
    """Check whether the file is unchanged since the time in an If-Modified-Since header."""
    try:
        since = parsedate_to_datetime(header or "").timestamp()
    except (ValueError, OverflowError):
        return False
    return status.modified_ms // 1000 <= since


def range_is_current(status: FileStatus, header: str | None) -> bool:
    """Check whether the file is still the one that an If-Range header names. Without the header it
    is. Otherwise a part of the file would not fit what the client already has."""
    return header is None or header in (etag(status), last_modified(status))
