"""Paths in HDFS, and the hidden names of temporary files. Pure functions."""

from __future__ import annotations

import hashlib
import os
import re

_TEMPORARY = re.compile(r"\.(saving-\d+|replacing|deleting)-[0-9a-f]{16}\.tmp")


def join(directory: str, name: str) -> str:
    """Return the path of `name` in `directory`, for paths of HDFS and of the contents API."""
    return f"{directory.rstrip('/')}/{name}" if directory else name


def parent(path: str) -> str:
    """Return the directory of `path`; that of a path of the contents API may be `""`."""
    head, slash, _ = path.rpartition("/")
    return head or (slash if path.startswith("/") else "")


def temporary_beside(hdfs_path: str) -> str:
    """Return a unique hidden path in the same directory, for a file that is being written."""
    return join(parent(hdfs_path), f".saving-{os.getpid()}-{os.urandom(8).hex()}.tmp")


def quarantine_path(hdfs_path: str) -> str:
    """Return a unique hidden path in the same directory, for a file that is being deleted."""
    return join(parent(hdfs_path), f".deleting-{os.urandom(8).hex()}.tmp")


def lock_path(hdfs_path: str) -> str:
    """Return the hidden path in the same directory that locks a file while it is replaced. It is
    the same for all clients."""
    digest = hashlib.sha256(hdfs_path.rpartition("/")[2].encode()).hexdigest()
    return join(parent(hdfs_path), f".replacing-{digest[:16]}.tmp")


def is_temporary(name: str) -> bool:
    """Return whether a name is a hidden one made by this module."""
    return name.startswith(".") and _TEMPORARY.fullmatch(name) is not None


def is_unfinished(name: str) -> bool:
    """Return whether a name is that of a file being written, which is incomplete.

    A file being deleted is not: it gets its name back if the deletion fails.
    """
    return is_temporary(name) and not name.startswith(".deleting")
