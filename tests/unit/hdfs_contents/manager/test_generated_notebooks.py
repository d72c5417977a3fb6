"""Generated notebooks go through this manager byte for byte as through jupyter_server's own.

The notebooks have all kinds of cells and outputs that the format knows, and arbitrary metadata.
Some are then damaged: a part is missing, or is replaced by something else.
"""

from __future__ import annotations

import asyncio
import json
import os
import uuid
from collections.abc import Iterator
from copy import deepcopy
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbformat.corpus.words
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager
from jupyter_server.services.contents.manager import AsyncContentsManager
from tornado.web import HTTPError

from hadoop_client.hdfs.filesystem import FileSystem
from hdfs_contents import HDFSContentsManager
from tests.unit.hdfs_contents.manager.models import Read

# Half surrogate pairs are left out: jupyter_server cannot save them.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
LINES = TEXT | st.lists(TEXT, max_size=3)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
METADATA = st.dictionaries(TEXT, JSON, max_size=3)
BUNDLE = st.dictionaries(
    st.sampled_from(["text/plain", "text/html", "image/png", "application/json", "text/x-own"]),
    LINES | JSON,
    max_size=2,
)
COUNT = st.none() | st.integers(0, 1000)


def record(**parts: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(parts)


OUTPUT = st.one_of(
    record(output_type=st.just("stream"), name=st.sampled_from(["stdout", "stderr"]), text=LINES),
    record(output_type=st.just("display_data"), data=BUNDLE, metadata=METADATA),
    record(
        output_type=st.just("execute_result"), data=BUNDLE, metadata=METADATA, execution_count=COUNT
    ),
    record(
        output_type=st.just("error"), ename=TEXT, evalue=TEXT, traceback=st.lists(TEXT, max_size=2)
    ),
)
CODE = record(
    cell_type=st.just("code"),
    metadata=METADATA,
    source=LINES,
    outputs=st.lists(OUTPUT, max_size=2),
    execution_count=COUNT,
)
PROSE = record(
    cell_type=st.sampled_from(["markdown", "raw"]), metadata=METADATA, source=LINES
) | record(
    cell_type=st.just("markdown"),
    metadata=METADATA,
    source=LINES,
    attachments=st.dictionaries(TEXT, BUNDLE, max_size=1),
)


@st.composite
def notebooks(draw: st.DrawFn) -> dict[str, Any]:
    minor = draw(st.integers(0, 5))
    cells = draw(st.lists(CODE | PROSE, max_size=4))
    for number, cell in enumerate(cells if minor == 5 else []):
        cell["id"] = draw(st.sampled_from([f"cell-{number}", "the-same"]))
    return {
        "nbformat": 4,
        "nbformat_minor": minor,
        "metadata": draw(METADATA),
        "cells": cells,
    }


def places(node: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each container in a notebook with each of its keys or indexes."""
    keys = list(node) if isinstance(node, dict) else range(len(node))
    for key in keys:
        yield node, key
        if isinstance(node[key], (dict, list)):
            yield from places(node[key])


@st.composite
def damaged_notebooks(draw: st.DrawFn) -> dict[str, Any]:
    notebook = deepcopy(draw(notebooks()))
    for _ in range(draw(st.integers(1, 2))):
        container, key = draw(st.sampled_from(list(places(notebook))))
        if draw(st.booleans()):
            del container[key]
        else:
            container[key] = draw(JSON)
    return notebook


Outcome = tuple[int, object, object]


async def outcome(manager: AsyncContentsManager, content: dict[str, Any]) -> Outcome:
    """Return the status, the validation message, and the content that is then read.

    nbformat invents ids for cells that have none: here the same ones each time.
    """
    numbers = count()
    nbformat.corpus.words.uuid = SimpleNamespace(  # type: ignore[attr-defined]
        uuid4=lambda: SimpleNamespace(hex=f"{next(numbers):032}"[::-1])
    )
    model = {"type": "notebook", "format": "json", "content": deepcopy(content)}
    try:
        saved = await manager.save(model, "a.ipynb")
        read = await manager.get("a.ipynb")
    except HTTPError as error:
        return error.status_code, None, None
    for cell in read["content"]["cells"]:
        # jupyter_server signs a notebook before it replaces ids that occur twice, and then does
        # not trust it.
        cell["metadata"].pop("trusted", None)
    return 200, saved.get("message"), json.dumps(read["content"])


@pytest.fixture
def local(tmp_path: Path) -> AsyncLargeFileManager:
    (tmp_path / "local").mkdir()
    return AsyncLargeFileManager(root_dir=str(tmp_path / "local"))


@pytest.fixture(autouse=True)
def _random_ids_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nbformat.corpus.words.uuid", uuid)


@pytest.fixture
def compare(
    manager: HDFSContentsManager,
    fs: FileSystem,
    root: str,
    local: AsyncLargeFileManager,
    read: Read,
) -> Any:
    """`compare(content)`: save and read it with both managers; what jupyter_server saves has to be
    the same, and what it refuses has to be refused."""
    on_disk = Path(local.root_dir, "a.ipynb")

    def clear() -> None:
        on_disk.unlink(missing_ok=True)
        if fs.exists(f"{root}/a.ipynb"):
            fs.delete(f"{root}/a.ipynb")

    def check(content: dict[str, Any]) -> None:
        clear()
        theirs = asyncio.run(outcome(local, content))
        ours = asyncio.run(outcome(manager, content))
        if theirs[0] == 200:
            assert ours == theirs
            assert read("a.ipynb") == on_disk.read_bytes()
        else:
            assert ours[0] == 400

    return check


SETTINGS = settings(
    max_examples=int(os.environ.get("GENERATED_NOTEBOOKS", "25")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


@SETTINGS
@given(content=notebooks())
def test_a_notebook_is_saved_and_read_as_by_jupyter_server(content: Any, compare: Any) -> None:
    compare(content)


@SETTINGS
@given(content=damaged_notebooks())
def test_a_damaged_notebook_is_saved_and_read_as_by_jupyter_server(
    content: Any, compare: Any
) -> None:
    compare(content)
