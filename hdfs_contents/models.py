"""What the contents API says of a file or directory, from what the NameNode says of it."""

from __future__ import annotations

import mimetypes
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import Any

from hadoop_client.hdfs.interface import FileStatus

Model = dict[str, Any]

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def kind(status: FileStatus, api_path: str) -> str:
    """Return the type of the model for a file or directory, where nothing else was asked for."""
    if status.is_dir:
        return "directory"
    return "notebook" if api_path.endswith(".ipynb") else "file"


def changed(status: FileStatus) -> datetime:
    """Return the time of the last change, to the millisecond that HDFS has."""
    seconds, milliseconds = divmod(status.modified_ms, 1000)
    return _EPOCH + timedelta(0, seconds, milliseconds * 1000)


@lru_cache(maxsize=1000)
def _mimetype(extensions: str) -> str | None:
    """Return the type of files whose names end so, after their first dot."""
    return mimetypes.guess_type(f"name.{extensions}")[0]


def entry(status: FileStatus, api_path: str, *, type: str, writable: bool) -> Model:
    """Return a model without content. HDFS keeps no time of creation."""
    name = api_path.rsplit("/", 1)[-1]
    time = changed(status)
    return {
        "name": name,
        "path": api_path,
        "type": type,
        "created": time,
        "last_modified": time,
        "size": None if status.is_dir else status.size,
        "writable": writable,
        "mimetype": _mimetype(name.partition(".")[2]) if type == "file" else None,
        "format": None,
        "content": None,
        "hash": None,
        "hash_algorithm": None,
    }


def owner_may_write(status: FileStatus, user: str) -> bool:
    """Tell whether the mode lets `user` write as its owner: then no ACL takes that away."""
    return status.owner == user and bool(status.mode & 0o200)


def seems_writable(status: FileStatus, user: str) -> bool:
    """Tell whether the mode lets `user` write, for lists of files. Who is in a group only the
    NameNode knows, so the group's right counts for everybody but the owner."""
    return bool(status.mode & (0o200 if status.owner == user else 0o022))
