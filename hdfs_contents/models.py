"""Models of the contents API, made from what the NameNode returns for a path."""

from __future__ import annotations

import mimetypes
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, TypedDict

from hadoop_client.hdfs.interface import FileStatus
from hadoop_client.times import utc_time

if TYPE_CHECKING:
    from nbformat import NotebookNode


class _BaseModel(TypedDict):
    name: str
    path: str
    type: str
    created: datetime
    last_modified: datetime
    size: int | None
    writable: bool
    mimetype: str | None
    format: str | None
    content: str | list[Model] | NotebookNode | None
    hash: str | None
    hash_algorithm: str | None


class Model(_BaseModel, total=False):
    """A file, notebook or directory, as the API returns it.

    `content` is None unless it was requested: a string for a file, a list of models for a
    directory, a node for a notebook. `message` is the reason why a notebook is not valid.
    """

    message: str


class SentModel(TypedDict, total=False):
    """What a client sends to be saved. `check_model` verifies `type` and `chunk`; `encode_file`
    and `serialize_notebook` verify the rest."""

    type: str
    format: str | None
    content: object
    chunk: int | None


class CheckpointModel(TypedDict):
    """A checkpoint, as the API returns it, with its size in bytes."""

    id: str
    last_modified: datetime
    size: int


def model_type(status: FileStatus, api_path: str) -> str:
    """Return the type of a model if the client requests none."""
    if status.is_dir:
        return "directory"
    return "notebook" if api_path.endswith(".ipynb") else "file"


def last_modified(status: FileStatus) -> datetime:
    """Return the time of the last change, in UTC, with the milliseconds that HDFS keeps."""
    return utc_time(status.modified_ms)


@lru_cache(maxsize=1000)
def _mimetype(extensions: str) -> str | None:
    """Return the MIME type of files with these extensions, such as `tar.gz`."""
    return mimetypes.guess_type(f"name.{extensions}")[0]


def base_model(status: FileStatus, api_path: str, *, type: str, writable: bool) -> Model:
    """Return a model without content. `created` is `last_modified`: HDFS keeps no creation time."""
    name = api_path.rsplit("/", 1)[-1]
    time = last_modified(status)
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
    """Check whether `user` owns the file and its mode lets the owner write. No ACL overrides it."""
    return status.owner == user and bool(status.mode & 0o200)


def seems_writable(status: FileStatus, user: str) -> bool:
    """Estimate from the mode whether `user` may write, for directory listings.

    Only the NameNode knows the members of a group. Everyone but the owner is therefore treated as
    a member.
    """
    return bool(status.mode & (0o200 if status.owner == user else 0o022))
