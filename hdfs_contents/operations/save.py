"""Saves models that a client sends: files, chunks of files, notebooks and directories."""

from __future__ import annotations

from copy import deepcopy

from tornado.web import HTTPError

from hadoop_client.hdfs.atomic import write_file
from hadoop_client.hdfs.interface import FileStatus
from hadoop_client.hdfs.paths import parent
from hdfs_contents import documents, models
from hdfs_contents.documents import Notebook
from hdfs_contents.models import Model, SentModel
from hdfs_contents.store import ContentsStore
from hdfs_contents.uploads import FIRST, LAST


def check_model(model: SentModel, path: str) -> None:
    """Raise HTTPError 400, with the messages of jupyter_server, if a model cannot be saved."""
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
        raise HTTPError(400, f"{path}: chunk must be a number from 1, or -1 for the last one")


def save_model(store: ContentsStore, model: SentModel, path: str, hdfs_path: str) -> Model:
    """Save a checked model; return the model that the next `get` returns without content."""
    chunk = model.get("chunk")
    if chunk is not None and chunk != FIRST:
        return _append_chunk(store, model, chunk, path, hdfs_path)
    existing = store.stat_or_none(hdfs_path)
    if model["type"] == "directory":
        return _save_directory(store, hdfs_path, path, existing)
    if existing is not None and existing.is_dir:
        raise HTTPError(400, f"{path} is a directory")
    if existing is not None:
        if not models.owner_may_write(existing, store.fs.user):
            store.fs.check_write(hdfs_path)
        upload = chunk == FIRST or model.get("format") == "base64"
        store.last_seen.refuse_if_changed(existing, upload=upload)
        advice = "Save it under another name, or again when that program has closed it"
        store.refuse_unclosed(hdfs_path, advice)
    if model["type"] == "notebook":
        return _save_notebook(store, model["content"], hdfs_path, path, existing)
    data = documents.encode_file(model["content"], model.get("format"), path)
    if chunk == FIRST:
        return _saved_model(store.uploads.start(hdfs_path, data, existing), path)
    status = write_file(store.fs, hdfs_path, [data], replaces=existing)
    store.last_seen.record(status)
    return _saved_model(status, path)


def _append_chunk(
    store: ContentsStore, model: SentModel, chunk: int, path: str, hdfs_path: str
) -> Model:
    data = documents.encode_file(model["content"], model.get("format"), path)
    status = store.uploads.append(hdfs_path, chunk, data)
    if chunk == LAST:
        store.last_seen.record(status)
    return _saved_model(status, path)


def _save_directory(
    store: ContentsStore, hdfs_path: str, path: str, existing: FileStatus | None
) -> Model:
    if existing is None:
        if not store.fs.exists(parent(hdfs_path)):
            raise HTTPError(404, f"{path}: the directory above it does not exist")
        store.fs.mkdirs(hdfs_path)
        existing = store.fs.stat(hdfs_path)
    elif not existing.is_dir:
        raise HTTPError(400, f"{path} is a file, not a directory")
    return _saved_model(existing, path)


def _save_notebook(
    store: ContentsStore, content: object, hdfs_path: str, path: str, existing: FileStatus | None
) -> Model:
    notebook, data = documents.serialize_notebook(content, path)
    if notebook.validation_error and notebook.has_signature:
        _check_signable(store, notebook, path)
    # The signature store waits for the local disk. Sign while HDFS writes the file.
    signing = store.signing_threads.submit(_sign, store, notebook, path)
    status = write_file(store.fs, hdfs_path, [data], replaces=existing)
    store.last_seen.record(status)
    signing.result()
    model = _saved_model(status, path)
    validated = store.notebooks.validate_notebook_model(
        {"content": content}, notebook.validation_error
    )
    if "message" in validated:
        model["message"] = validated["message"]
    return model


def _sign(store: ContentsStore, notebook: Notebook, path: str) -> None:
    """Sign a notebook whose cells are trusted. A save succeeds without a signature: its outputs
    are then not trusted when it is opened again."""
    if not notebook.has_signature:
        store.log.warning("%s is not signed: its text is not valid Unicode", path)
        return
    try:
        store.notebooks.check_and_sign(notebook.node, path)
    except Exception as error:  # noqa: BLE001 - the class of the signature store is configurable
        store.log.warning("%s is not signed: %s", path, error)


def _saved_model(status: FileStatus, path: str) -> Model:
    return models.base_model(status, path, type=models.model_type(status, path), writable=True)


def _check_signable(store: ContentsStore, notebook: Notebook, path: str) -> None:
    """Raise HTTPError 400 if too much is missing to sign the notebook. One that is merely not valid
    may be saved."""
    node, notary = deepcopy(notebook.node), store.notebooks.notary  # it changes its argument
    try:
        notary.check_cells(node)
        notary.compute_signature(node)
    except Exception as error:  # the notary raises whatever a wrong structure causes
        reason = documents.summarize(error)
        raise HTTPError(400, f"{path}: the content is not a notebook: {reason}") from error
