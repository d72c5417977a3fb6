"""Converts between the bytes of a file in HDFS and the content of a model.

Pure functions. They are slow for large notebooks: call them in a worker thread.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import nbformat
import pybase64
from nbformat import NotebookNode
from tornado.web import HTTPError


@dataclass(frozen=True)
class Notebook:
    """A notebook and why it is not valid, in the dictionary that nbformat fills in.

    One whose text UTF-8 cannot encode has no signature, so it is never trusted.
    """

    node: NotebookNode
    validation_error: dict[str, object] = field(default_factory=dict)
    has_signature: bool = True


def encode_file(content: object, file_format: object, path: str) -> bytes:
    """Return the bytes of a file whose content and format a client sent; HTTPError 400 if they are
    not valid."""
    if file_format not in ("text", "base64"):
        raise HTTPError(400, "Must specify format of file contents as 'text' or 'base64'")
    if not isinstance(content, str):
        raise HTTPError(400, f"{path}: the content of a file must be a string")
    try:
        return content.encode() if file_format == "text" else pybase64.b64decode(content)
    except ValueError as error:  # a lone surrogate, or not base64
        raise HTTPError(400, f"{path}: the content is not valid {file_format}: {error}") from error


def decode_file(data: bytes, file_format: str | None, path: str) -> tuple[str, str]:
    """Return content and format for a model. With the format `None`, UTF-8 is returned as text and
    anything else as base64. HTTPError 400 if `text` was requested and the file is not UTF-8."""
    if file_format != "base64":
        try:
            return data.decode(), "text"
        except UnicodeDecodeError as error:
            if file_format == "text":
                raise HTTPError(400, f"{path} is not UTF-8 encoded", reason="bad format") from error
    return pybase64.encodebytes(data).decode("ascii"), "base64"


def parse_notebook(data: bytes, path: str) -> Notebook:
    """Return the notebook in `data`, converted to version 4 of the format; HTTPError 400 if it is
    not a notebook. A byte order mark is ignored."""
    validation_error: dict[str, object] = {}
    try:
        node = nbformat.reads(
            data.decode("utf-8-sig"), as_version=4, capture_validation_error=validation_error
        )
    except Exception as error:  # nbformat raises whatever a wrong structure causes
        raise HTTPError(400, f"{path} is not a notebook: {summarize(error)}") from error
    return Notebook(node, validation_error)


def serialize_notebook(content: object, path: str) -> tuple[Notebook, bytes]:
    """Return the notebook that a client sent, and its bytes in the format version that it has;
    HTTPError 400 if it is not a notebook.

    Half a surrogate pair, which a program may have printed and UTF-8 cannot encode, is written as
    its escape in JSON, so it is the same when the notebook is read.
    """
    validation_error: dict[str, object] = {}
    try:
        node = nbformat.from_dict(content)
        text = nbformat.writes(node, nbformat.NO_CONVERT, capture_validation_error=validation_error)
    except Exception as error:  # as in parse_notebook
        raise HTTPError(
            400, f"{path}: the content is not a notebook: {summarize(error)}"
        ) from error
    text = text if text.endswith("\n") else f"{text}\n"
    try:
        return Notebook(node, validation_error), text.encode()
    except UnicodeEncodeError:
        data = text.encode(errors="backslashreplace")
        return Notebook(node, validation_error, has_signature=False), data


def content_hash(data: bytes, algorithm: str) -> str:
    """Return the hash of a file's bytes, in hexadecimal."""
    return hashlib.new(algorithm, data).hexdigest()


def summarize(error: Exception) -> str:
    """Return why nbformat could not use a notebook, in one line."""
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8 encoded"
    if isinstance(error, (AttributeError, KeyError, TypeError, IndexError)):
        return "its JSON does not have the structure of a notebook"
    text = str(error).strip().split("\n", 1)[0]
    return f"{type(error).__name__}: {text[:200]}"
