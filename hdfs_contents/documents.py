"""Bytes in HDFS to the content of a model, and back. Pure functions, but slow with large notebooks:
call them in a thread."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

import nbformat
import pybase64
from tornado.web import HTTPError


@dataclass(frozen=True)
class Notebook:
    """A notebook with what nbformat had to say of it, in the form that its functions fill in."""

    node: Any
    validation_error: dict[str, Any] = field(default_factory=dict)


def encode_file(content: Any, file_format: Any, path: str) -> bytes:
    """Return the bytes of a file's model; `content` and `file_format` as a client sent them."""
    if file_format not in ("text", "base64"):
        raise HTTPError(400, "Must specify format of file contents as 'text' or 'base64'")
    if not isinstance(content, str):
        raise HTTPError(400, f"{path}: the content of a file is a string")
    try:
        return content.encode() if file_format == "text" else pybase64.b64decode(content)
    except ValueError as error:  # not Unicode, or not base64
        raise HTTPError(400, f"{path}: the content is no {file_format}: {error}") from error


def decode_file(data: bytes, file_format: str | None, path: str) -> tuple[str, str]:
    """Return the content of a file's model and its format; `None` is text if it is UTF-8."""
    if file_format != "base64":
        try:
            return data.decode(), "text"
        except UnicodeDecodeError as error:
            if file_format == "text":
                raise HTTPError(400, f"{path} is not UTF-8 encoded", reason="bad format") from error
    return pybase64.encodebytes(data).decode("ascii"), "base64"


def parse_notebook(data: bytes, path: str) -> Notebook:
    """Return the notebook in `data`, in the current version of the format."""
    validation_error: dict[str, Any] = {}
    try:
        node = nbformat.reads(
            data.decode(), as_version=4, capture_validation_error=validation_error
        )
    except Exception as error:  # nbformat raises whatever a wrong structure happens to break
        raise HTTPError(400, f"{path} is not a notebook: {one_line(error)}") from error
    return Notebook(node, validation_error)


def serialize_notebook(content: Any, path: str) -> tuple[Notebook, bytes]:
    """Return the notebook that a client sent, and its bytes, in the format's version it came in."""
    validation_error: dict[str, Any] = {}
    try:
        node = nbformat.from_dict(content)
        text = nbformat.writes(node, nbformat.NO_CONVERT, capture_validation_error=validation_error)
        data = text.encode()
    except Exception as error:  # as above
        raise HTTPError(400, f"{path}: that is not a notebook: {one_line(error)}") from error
    return Notebook(node, validation_error), data if data.endswith(b"\n") else data + b"\n"


def content_hash(data: bytes, algorithm: str) -> dict[str, str]:
    """Return the fields of a model that has a hash."""
    return {"hash": hashlib.new(algorithm, data).hexdigest(), "hash_algorithm": algorithm}


def one_line(error: Exception) -> str:
    """Say what went wrong, short enough for an answer."""
    text = str(error).strip().split("\n", 1)[0]
    return f"{type(error).__name__}: {text[:200]}"
