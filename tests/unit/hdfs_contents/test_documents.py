"""Converting the content of models to bytes and back."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_notebook
from tornado.web import HTTPError

from hdfs_contents import documents


@given(st.binary())
def test_any_bytes_survive_a_round_trip(data: bytes) -> None:
    content, format = documents.decode_file(data, None, "a")
    assert documents.encode_file(content, format, "a") == data


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_survives_a_round_trip_as_text(text: str) -> None:
    data = documents.encode_file(text, "text", "a")
    assert documents.decode_file(data, None, "a") == (text, "text")


def test_base64_is_returned_on_request_or_if_the_file_is_not_utf8() -> None:
    assert documents.decode_file(b"abc", "base64", "a") == ("YWJj\n", "base64")
    assert documents.decode_file(b"\xff", None, "a") == ("/w==\n", "base64")


def refused(function: object, *args: object) -> HTTPError:
    with pytest.raises(HTTPError) as raised:
        function(*args)
    assert raised.value.status_code == 400
    return raised.value


def test_a_file_that_is_not_utf8_is_not_returned_as_text() -> None:
    assert refused(documents.decode_file, b"\xff", "text", "a").reason == "bad format"


@pytest.mark.parametrize(
    ("content", "format"),
    [
        ("x", "json"),
        ("x", None),
        ("x", []),
        (5, "text"),
        (None, "text"),
        ({}, "base64"),
        ("ä", "base64"),
        ("\ud800", "text"),
        ("abc", "base64"),
    ],
)
def test_invalid_content_or_format_is_refused(content: object, format: object) -> None:
    refused(documents.encode_file, content, format, "a")


def test_a_notebook_survives_a_round_trip() -> None:
    sent = new_notebook(cells=[new_code_cell("1 + 1 # ä")])
    notebook, data = documents.serialize_notebook(json.loads(json.dumps(sent)), "a")
    assert data.endswith(b"}\n")
    assert notebook.validation_error == {}
    assert documents.parse_notebook(data, "a").node == sent


def test_an_invalid_notebook_is_written_with_its_validation_error() -> None:
    sent = new_notebook()
    sent["cells"].append({"cell_type": "weird", "id": "a", "metadata": {}, "source": ""})
    notebook, data = documents.serialize_notebook(sent, "a")
    assert "ValidationError" in notebook.validation_error
    assert "ValidationError" in documents.parse_notebook(data, "a").validation_error


@pytest.mark.parametrize(
    "content",
    [
        None,
        5,
        "text",
        [],
        {"nbformat": 4, "nbformat_minor": 5, "metadata": {}},
        {"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": "abc"},
        {"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": [3]},
        {"nbformat": 9, "nbformat_minor": 0, "metadata": {}, "cells": []},
        {"nbformat": "4", "nbformat_minor": 5, "metadata": {}, "cells": []},
    ],
)
def test_content_that_is_not_a_notebook_is_not_written(content: object) -> None:
    assert "is not a notebook" in str(refused(documents.serialize_notebook, content, "a"))


@pytest.mark.parametrize("depth", [600, 5_000, 100_000])
def test_a_notebook_that_is_nested_too_deep_is_refused(depth: int) -> None:
    nested: dict[str, Any] = {}
    for _ in range(depth):
        nested = {"a": nested}
    content = {"nbformat": 4, "nbformat_minor": 5, "cells": [], "metadata": nested}
    assert "RecursionError" in str(refused(documents.serialize_notebook, content, "a"))
    before, after = b'{"nbformat": 4, "nbformat_minor": 5, "cells": [], "metadata": ', b"}"
    data = before + b'{"a":' * depth + b"{}" + b"}" * depth + after
    assert "RecursionError" in str(refused(documents.parse_notebook, data, "a"))


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b"null", b"5", b"\xff", b'{"nbformat": 4}', b'{"nbformat": 9}']
)
def test_a_file_that_is_not_a_notebook_is_not_parsed(data: bytes) -> None:
    error = refused(documents.parse_notebook, data, "a")
    assert str(error.log_message).startswith("a is not a notebook: ")
    assert "\n" not in str(error.log_message)


@given(st.binary())
def test_a_hash_is_that_of_the_bytes(data: bytes) -> None:
    assert documents.content_hash(data, "sha256") == hashlib.sha256(data).hexdigest()


@given(st.text(st.characters()), st.text(st.characters()))
def test_half_a_surrogate_pair_in_a_notebook_survives_a_round_trip(key: str, value: str) -> None:
    sent = new_notebook(metadata={key: value}, cells=[new_code_cell(f"print({value!r})")])
    notebook, data = documents.serialize_notebook(sent, "a")
    read = documents.parse_notebook(data, "a").node
    assert read["metadata"] == json.loads(json.dumps(sent["metadata"]))
    halves = any("\ud800" <= character <= "\udfff" for character in key + value)
    assert notebook.has_signature is not halves


def test_a_notebook_with_a_byte_order_mark_is_read() -> None:
    _, data = documents.serialize_notebook(new_notebook(), "a")
    assert documents.parse_notebook(b"\xef\xbb\xbf" + data, "a").node == new_notebook()


@pytest.mark.parametrize("data", [b"[]", b"null", b"5", b'{"nbformat": 4, "cells": 5}'])
def test_json_that_is_no_notebook_is_refused_in_plain_words(data: bytes) -> None:
    message = str(refused(documents.parse_notebook, data, "a").log_message)
    assert message == "a is not a notebook: its JSON does not have the structure of a notebook"


def test_a_notebook_in_another_encoding_is_refused_in_plain_words() -> None:
    message = str(refused(documents.parse_notebook, b'{"a": "\xe4"}', "a").log_message)
    assert message == "a is not a notebook: it is not UTF-8 encoded"
