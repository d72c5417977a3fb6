"""What the contents API says of a file or directory, from what the NameNode says of it."""

from __future__ import annotations

import mimetypes
from datetime import datetime, timedelta, timezone
from typing import Any

from hdfs_contents.filesystem import FileStatus

Model = dict[str, Any]

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def kind(status: FileStatus, api_path: str) -> str:
    """Return the type of the model for a file or directory, where nothing else was asked for."""
    if status.is_dir:
        return "directory"
    return "notebook" if api_path.endswith(".ipynb") else "file"


def changed(status: FileStatus) -> datetime:
    """Return the time of the last change, to the millisecond that HDFS has."""
    return _EPOCH + timedelta(milliseconds=status.modified_ms)


def entry(status: FileStatus, api_path: str, *, type: str, writable: bool) -> Model:
    """Return a model without content. HDFS keeps no time of creation."""
    return {
        "name": api_path.rsplit("/", 1)[-1],
        "path": api_path,
        "type": type,
        "created": changed(status),
        "last_modified": changed(status),
        "size": None if status.is_dir else status.size,
        "writable": writable,
        "mimetype": mimetypes.guess_type(api_path)[0] if type == "file" else None,
        "format": None,
        "content": None,
        "hash": None,
        "hash_algorithm": None,
    }


def seems_writable(status: FileStatus, user: str) -> bool:
    """Tell whether the mode lets `user` write, for lists of files. Who is in a group only the
    NameNode knows, so the group's right counts for everybody but the owner."""
    return bool(status.mode & (0o200 if status.owner == user else 0o022))
