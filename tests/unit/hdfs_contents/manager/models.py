"""Models as a client sends them, and what a refusal must be like."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from nbformat.v4 import new_code_cell, new_notebook
from tornado.web import HTTPError

from hdfs_contents import HDFSContentsManager

MakeManager = Callable[..., HDFSContentsManager]
Names = Callable[..., list[str]]
Read = Callable[[str], bytes]
Write = Callable[..., str]


def notebook(*sources: str) -> dict[str, Any]:
    content = new_notebook(cells=[new_code_cell(source) for source in sources])
    return {"type": "notebook", "format": "json", "content": content}


def text(content: str, **more: object) -> dict[str, Any]:
    return {"type": "file", "format": "text", "content": content, **more}


async def refused(status: int, call: Awaitable[object]) -> str:
    """The message, in one line, with which `call` was answered `status`."""
    with pytest.raises(HTTPError) as raised:
        await call
    message = str(raised.value.log_message)
    assert raised.value.status_code == status, message
    assert "\n" not in message
    return message
