"""What `HDFSContentsManager.get` does in a thread: blocking functions from a request to a model."""

from __future__ import annotations

import errno
from dataclasses import dataclass

from tornado.web import HTTPError

from hadoop_client.hdfs.interface import FileStatus, FileSystem
from hadoop_client.hdfs.paths import is_temporary, parent
from hadoop_client.hdfs.stale_files import delete_stale_files
from hdfs_contents import documents, models
from hdfs_contents.models import Model
from hdfs_contents.paths import to_hdfs
from hdfs_contents.store import ContentsStore


@dataclass(frozen=True)
class Request:
    """What was asked of `path`, which the person may see."""

    path: str
    content: bool
    type: str | None
    format: str | None
    require_hash: bool


def get(store: ContentsStore, request: Request) -> Model:
    """Return the model that was asked for; HTTPError 400 where it is of another type."""
    located = to_hdfs(store.root, request.path)
    status = store.fs.stat(located)
    if status.is_dir:
        if request.type not in (None, "directory"):
            raise HTTPError(
                400,
                f"{request.path or '/'} is a directory, not a {request.type}",
                reason="bad type",
            )
        return _directory(store, request, status)
    if request.type == "directory":
        raise HTTPError(400, f"{request.path} is not a directory", reason="bad type")
    return _file(store, request, status, request.type or models.kind(status, request.path))


def _directory(store: ContentsStore, request: Request, status: FileStatus) -> Model:
    if request.require_hash:
        raise HTTPError(400, f"{request.path or '/'} is a directory, which has no hash")
    fs = store.fs
    writable = _may_write(fs, status.path)
    model = models.entry(status, request.path, type="directory", writable=writable)
    if request.content:
        entries = fs.list_dir(status.path)
        delete_stale_files(fs, entries)
        model["format"] = "json"
        model["content"] = _listing(store, request.path, entries)
    return model


def _listing(store: ContentsStore, directory: str, entries: list[FileStatus]) -> list[Model]:
    """Return the models of what people see in a directory, of which there may be thousands."""
    user, allow_hidden = store.fs.user, store.options.allow_hidden
    prefix = f"{directory}/" if directory else ""
    listing = []
    for status in entries:
        name = status.name
        if name.startswith(".") and (not allow_hidden or is_temporary(name)):
            continue
        if store.options.should_list(name):
            path = prefix + name
            type, writable = models.kind(status, path), models.seems_writable(status, user)
            listing.append(models.entry(status, path, type=type, writable=writable))
    return listing


def _may_write(fs: FileSystem, hdfs_path: str) -> bool:
    try:
        fs.check_write(hdfs_path)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EROFS):
            return False
        raise
    return True


def _file(store: ContentsStore, request: Request, status: FileStatus, type: str) -> Model:
    fs = store.fs
    # A save is a rename in the directory, so it takes the right to write both.
    writable = models.owner_may_write(status, fs.user) or _may_write(fs, status.path)
    writable = writable and _may_write(fs, parent(status.path))
    model = models.entry(status, request.path, type=type, writable=writable)
    store.seen.saw(status)
    if not (request.content or request.require_hash):
        return model
    _refuse_too_large(store, status)
    with fs.open_read(status.path) as file:
        data = file.read()
    if request.content and type == "notebook":
        _fill_notebook(store, model, data)
    elif request.content:
        content, format = documents.decode_file(data, request.format, request.path)
        fallback = "text/plain" if format == "text" else "application/octet-stream"
        model.update(content=content, format=format, mimetype=model["mimetype"] or fallback)
    if request.require_hash:
        model.update(documents.content_hash(data, store.options.hash_algorithm))
    return model


def _refuse_too_large(store: ContentsStore, status: FileStatus) -> None:
    limit = store.options.max_document_size_mb
    if status.size > limit * 1_000_000:
        raise OSError(
            errno.EFBIG,
            f"it has {status.size / 1e6:,.0f} MB, and files of more than {limit:,} MB are not "
            "opened here: download it, or read it from a notebook",
            status.path,
        )


def _fill_notebook(store: ContentsStore, model: Model, data: bytes) -> None:
    notebook = documents.parse_notebook(data, model["path"])
    store.notebooks.mark_trusted_cells(notebook.node, model["path"])
    model.update(content=notebook.node, format="json")
    store.notebooks.validate_notebook_model(model, notebook.validation_error)


def trust(store: ContentsStore, path: str) -> None:
    """Sign the notebook at `path` as it is, with all its cells trusted."""
    model = get(store, Request(path, True, "notebook", None, False))
    store.log.warning("Trusting notebook %s", path)
    store.notebooks.notary.mark_cells(model["content"], True)
    store.notebooks.check_and_sign(model["content"], path)
