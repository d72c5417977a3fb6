"""Paths in HDFS, and the hidden names of files that are being replaced. Pure functions."""

from __future__ import annotations

import hashlib
import os
import re
import secrets

_TEMPORARY = re.compile(r"\.(saving-\d+|replacing|deleting)-[0-9a-f]{16}\.tmp")


def join(directory: str, name: str) -> str:
    """Return the path of `name` in `directory`, in HDFS and in the API alike."""
    return f"{directory.rstrip('/')}/{name}" if directory else name


def parent(path: str) -> str:
    """Return the directory that `path` is in: of an HDFS path `/…`, of an API path perhaps `""`."""
    head, slash, _ = path.rpartition("/")
    return head or (slash if path.startswith("/") else "")


def temporary_beside(hdfs_path: str) -> str:
    """Return a new name, hidden, in the same directory, for what is being written."""
    return join(parent(hdfs_path), f".saving-{os.getpid()}-{secrets.token_hex(8)}.tmp")


def quarantine_path(hdfs_path: str) -> str:
    """Return a new name, hidden, in the same directory, for what is about to be deleted."""
    return join(parent(hdfs_path), f".deleting-{secrets.token_hex(8)}.tmp")


def lock_path(hdfs_path: str) -> str:
    """Return the name, hidden, in the same directory, that whoever replaces the file gives to what
    takes its place: the same for everybody, so only one at a time has it."""
    digest = hashlib.sha256(hdfs_path.rpartition("/")[2].encode()).hexdigest()
    return join(parent(hdfs_path), f".replacing-{digest[:16]}.tmp")


def is_temporary(name: str) -> bool:
    """Tell whether a name is one of those that are made here, and that nobody sees."""
    return name.startswith(".") and _TEMPORARY.fullmatch(name) is not None


def is_unfinished(name: str) -> bool:
    """Tell whether it is that of something that is being written, and is worth nothing until it
    has its own name; what is being deleted may turn out not to be."""
    return is_temporary(name) and not name.startswith(".deleting")
