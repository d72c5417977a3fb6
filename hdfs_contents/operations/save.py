"""What `HDFSContentsManager.save` does in a thread: blocking functions from a model to HDFS."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from tornado.web import HTTPError

from hadoop_client.hdfs.atomic import write_file
from hadoop_client.hdfs.interface import FileStatus
from hadoop_client.hdfs.paths import parent
from hdfs_contents import documents, models
from hdfs_contents.documents import Notebook
from hdfs_contents.models import Model
from hdfs_contents.store import ContentsStore
from hdfs_contents.uploads import FIRST, LAST


def check(model: Model, path: str) -> None:
    """Refuse what is no model to be saved: HTTPError 400, in jupyter_server's own words."""
    if "type" not in model:
        raise HTTPError(400, "No file type provided")
    type, chunk = model["type"], model.get("chunk")
    if type not in ("notebook", "file", "directory"):
        raise HTTPError(400, f"Unhandled contents type: {type}")
    if chunk is not None and type != "file":
        raise HTTPError(400, f'File type "{type}" is not supported for large file transfer')
    if type != "directory" and "content" not in model:
        raise HTTPError(400, "No file content provided")
    if chunk is not None and not (isinstance(chunk, int) and (chunk >= 1 or chunk == -1)):
        raise HTTPError(400, f"{path}: a chunk is a number from 1, or -1 for the last")


def save(store: ContentsStore, model: Model, path: str, located: str) -> Model:
    """Save a model that was checked; return it as the next `get` would, without content."""
    chunk = model.get("chunk")
    if chunk not in (None, FIRST):
        return _go_on(store, model, path, located)
    there = store.stat_or_none(located)
    if model["type"] == "directory":
        return _save_directory(store, located, path, there)
    if there is not None and there.is_dir:
        raise HTTPError(400, f"{path} is a directory")
    if there is not None:
        if not models.owner_may_write(there, store.fs.user):
            store.fs.check_write(located)
        store.seen.check(there)
    if model["type"] == "notebook":
        return _save_notebook(store, model["content"], located, path, there)
    data = documents.encode_file(model["content"], model.get("format"), path)
    if chunk == FIRST:
        return _saved(store.uploads.begin(located, data, there), path)
    status = _replace(store, located, data, there)
    store.seen.saw(status)
    return _saved(status, path)


def _go_on(store: ContentsStore, model: Model, path: str, located: str) -> Model:
    """Take a further part of an upload."""
    data = documents.encode_file(model["content"], model.get("format"), path)
    status = store.uploads.go_on(located, model["chunk"], data)
    if model["chunk"] == LAST:
        store.seen.saw(status)
    return _saved(status, path)


def _save_directory(
    store: ContentsStore, located: str, path: str, there: FileStatus | None
) -> Model:
    if there is None:
        if not store.fs.exists(parent(located)):
            raise HTTPError(404, f"{path}: the directory above it does not exist")
        store.fs.mkdirs(located)
        there = store.fs.stat(located)
    elif not there.is_dir:
        raise HTTPError(400, f"{path} is a file, not a directory")
    return _saved(there, path)


def _save_notebook(
    store: ContentsStore, content: Any, located: str, path: str, there: FileStatus | None
) -> Model:
    notebook, data = documents.serialize_notebook(content, path)
    if notebook.validation_error:
        _check_signable(store, notebook, path)
    # As long as HDFS takes it: the signature's own store waits for its disk.
    signing = store.signing_threads.submit(store.notebooks.check_and_sign, notebook.node, path)
    status = _replace(store, located, data, there)
    store.seen.saw(status)
    try:
        signing.result()
    except Exception as error:  # a store of any kind may fail in any way
        raise HTTPError(500, f"{path} was saved, but can't be signed: {error}") from error
    saved = _saved(status, path)
    validated = store.notebooks.validate_notebook_model(
        {"content": content}, notebook.validation_error
    )
    if "message" in validated:
        saved["message"] = validated["message"]
    return saved


def _saved(status: FileStatus, path: str) -> Model:
    return models.entry(status, path, type=models.kind(status, path), writable=True)


def _check_signable(store: ContentsStore, notebook: Notebook, path: str) -> None:
    """Refuse what has too little in it to be a notebook; what merely isn't valid may be saved."""
    try:
        store.notebooks.notary.check_cells(deepcopy(notebook.node))  # it changes what it checks
    except Exception as error:  # the notary raises whatever a wrong structure happens to break
        reason = documents.one_line(error)
        raise HTTPError(400, f"{path}: that is not a notebook: {reason}") from error


def _replace(
    store: ContentsStore, located: str, data: bytes, there: FileStatus | None
) -> FileStatus:
    return write_file(store.fs, located, [data], replaces=there)
