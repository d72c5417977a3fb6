"""Reads files and directories as models of the contents API, and trusts notebooks."""

from __future__ import annotations

import errno
from dataclasses import dataclass

from nbformat import NotebookNode
from tornado.web import HTTPError

from hadoop_client.hdfs.interface import FileStatus, FileSystem
from hadoop_client.hdfs.paths import is_temporary, parent
from hadoop_client.hdfs.stale_files import delete_stale_files
from hdfs_contents import documents, models
from hdfs_contents.models import Model
from hdfs_contents.store import ContentsStore


@dataclass(frozen=True)
class ReadRequest:
    """A request for the model of `path`, which is not hidden from the user."""

    path: str
    content: bool
    type: str | None
    format: str | None
    require_hash: bool


def read_model(store: ContentsStore, request: ReadRequest) -> Model:
    """Return the requested model; HTTPError 400 if it is of another type."""
    status = _status(store, request.path)
    if status.is_dir:
        if request.type not in (None, "directory"):
            raise HTTPError(
                400,
                f"{request.path or '/'} is a directory, not a {request.type}",
                reason="bad type",
            )
        return _read_directory(store, request, status)
    if request.type == "directory":
        raise HTTPError(400, f"{request.path} is not a directory", reason="bad type")
    type = request.type or models.model_type(status, request.path)
    return _read_file(store, request, status, type)


def _status(store: ContentsStore, path: str) -> FileStatus:
    hdfs_path = store.hdfs_path(path)
    try:
        return store.fs.stat(hdfs_path)
    except FileNotFoundError as error:
        if store.is_shared(path):
            error.strerror = f"it leads to {hdfs_path}, which does not exist in HDFS"
        raise


def _read_directory(store: ContentsStore, request: ReadRequest, status: FileStatus) -> Model:
    if request.require_hash:
        raise HTTPError(400, f"{request.path or '/'} is a directory, which has no hash")
    fs = store.fs
    writable = _may_write(fs, status.path)
    model = models.base_model(status, request.path, type="directory", writable=writable)
    if request.content:
        entries = fs.list_dir(status.path)
        delete_stale_files(fs, status, entries)
        store.last_seen.record_listing(entries)
        model["format"] = "json"
        listed = store.shared.listed(fs, status.path, entries)
        model["content"] = _list_models(store, request.path, listed, writable=writable)
    return model


def _list_models(
    store: ContentsStore, directory: str, entries: list[FileStatus], *, writable: bool
) -> list[Model]:
    """Return the models of the visible entries of a directory, which may have thousands.

    A file can be saved only if its directory is `writable`.
    """
    user, allow_hidden = store.fs.user, store.options.allow_hidden
    prefix = f"{directory}/" if directory else ""
    limit = store.options.max_listed_entries
    listing: list[Model] = []
    missing = 0
    for status in entries:
        name = status.name
        if name.startswith(".") and (not allow_hidden or is_temporary(name)):
            continue
        if not store.options.should_list(name):
            continue
        if len(listing) == limit:
            missing += 1
            continue
        path = prefix + name
        type = models.model_type(status, path)
        may_write = (writable or status.is_dir) and models.seems_writable(status, user)
        listing.append(models.base_model(status, path, type=type, writable=may_write))
    if missing:
        name = f"({missing:,} more entries are not listed)"
        notice = FileStatus(name, False, 0, status.modified_ms, 0, user, "")
        listing.append(models.base_model(notice, prefix + name, type="file", writable=False))
    return listing


def _may_write(fs: FileSystem, hdfs_path: str) -> bool:
    try:
        fs.check_write(hdfs_path)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EROFS):
            return False
        raise
    return True


def _read_file(store: ContentsStore, request: ReadRequest, status: FileStatus, type: str) -> Model:
    fs = store.fs
    # A save renames a new file over the old one, so it needs the right to write both the file and
    # its directory.
    writable = models.owner_may_write(status, fs.user) or _may_write(fs, status.path)
    writable = writable and _may_write(fs, parent(status.path))
    model = models.base_model(status, request.path, type=type, writable=writable)
    store.last_seen.record(status)
    if not (request.content or request.require_hash):
        return model
    store.refuse_unknown_content(status)
    if status.size and fs.is_being_written(status.path):
        model["writable"] = False
    _refuse_large_file(store, status)
    with fs.open_read(status.path) as file:
        data = file.read()
    if request.content and type == "notebook":
        notebook = documents.parse_notebook(data, request.path)
        _mark_trusted_cells(store, notebook.node, request.path)
        model["content"], model["format"] = notebook.node, "json"
        store.notebooks.validate_notebook_model(model, notebook.validation_error)
    elif request.content:
        model["content"], format = documents.decode_file(data, request.format, request.path)
        model["format"] = format
        fallback = "text/plain" if format == "text" else "application/octet-stream"
        model["mimetype"] = model["mimetype"] or fallback
    if request.require_hash:
        algorithm = store.options.hash_algorithm
        model["hash"] = documents.content_hash(data, algorithm)
        model["hash_algorithm"] = algorithm
    return model


def _mark_trusted_cells(store: ContentsStore, notebook: NotebookNode, path: str) -> None:
    try:
        store.notebooks.mark_trusted_cells(notebook, path)
    except UnicodeEncodeError:  # half a surrogate pair, which has no signature
        store.log.warning("Notebook %s is not trusted: its text is not valid Unicode", path)
        store.notebooks.notary.mark_cells(notebook, False)


def _refuse_large_file(store: ContentsStore, status: FileStatus) -> None:
    limit = store.options.max_document_size_mb
    if status.size > limit * 1_000_000:
        raise OSError(
            errno.EFBIG,
            f"it is {status.size / 1e6:,.0f} MB, and files over {limit:,} MB cannot be opened "
            "here: download it, or read it in a notebook",
            status.path,
        )


def trust_notebook(store: ContentsStore, path: str) -> None:
    """Sign the notebook at `path` with all its cells marked as trusted."""
    model = read_model(store, ReadRequest(path, True, "notebook", None, False))
    try:
        store.notebooks.notary.compute_signature(model["content"])
    except UnicodeEncodeError as error:
        raise HTTPError(
            400, f"{path} cannot be trusted: its text is not valid Unicode ({error.reason})"
        ) from error
    store.log.warning("Trusting notebook %s", path)
    store.notebooks.notary.mark_cells(model["content"], True)
    store.notebooks.check_and_sign(model["content"], path)
