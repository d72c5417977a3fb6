"""Times of HDFS and YARN, which are milliseconds since 1970, as datetimes."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)

#: The first and the last millisecond of the years that a datetime has.
_EARLIEST_MS, _LATEST_MS = (
    (limit.replace(tzinfo=timezone.utc) - _EPOCH) // timedelta(milliseconds=1)
    for limit in (datetime.min, datetime.max)
)


def utc_time(time_ms: int) -> datetime:
    """Return a time in UTC; one outside the years 1 to 9999 becomes the nearest within them.

    The NameNode keeps any time that a client sets for a file.
    """
    seconds, milliseconds = divmod(min(max(time_ms, _EARLIEST_MS), _LATEST_MS), 1000)
    return _EPOCH + timedelta(0, seconds, milliseconds * 1000)
