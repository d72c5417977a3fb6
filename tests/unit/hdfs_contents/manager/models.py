"""Models as a client sends them, and the check of a refusal."""

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
    """Return the message of the HTTPError `status` that `call` raises; it must be one line."""
    with pytest.raises(HTTPError) as raised:
        await call
    message = str(raised.value.log_message)
    assert raised.value.status_code == status, message
    assert "\n" not in message
    return message
