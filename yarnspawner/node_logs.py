"""The output of containers as their NodeManagers return it. Pure: addresses and texts only."""

from __future__ import annotations

import re
from urllib.parse import urlencode

#: What a container's program writes.
STREAMS = ("stdout", "stderr")


def stream_path(container_id: str, stream: str, last_bytes: int = 0, user: str = "") -> str:
    """Return the path and query of a stream in a node's REST API.

    With `last_bytes` a node of Hadoop returns only so much of its end. `user` is the user who asks,
    for nodes whose HTTP has simple authentication.
    """
    query = {"size": str(-last_bytes)} if last_bytes else {}
    if user:
        query |= {"user.name": user}
    path = f"ws/v1/node/containers/{container_id}/logs/{stream}"
    return f"{path}?{urlencode(query)}" if query else path


def contents(page: str, stream: str) -> str:
    """Return the stream's own text, without the header and footer that a node adds.

    The markers are those of Hadoop's LogToolUtils. Text without them is returned whole.
    """
    _, begin, text = page.partition("\nLogContents:\n")
    text = text if begin else page
    body, end, _ = text.rpartition(f"End of LogType:{stream}")
    return body.removesuffix("\n") if end else text


def new_output(page: bytes, stream: str, seen: int) -> tuple[str, int]:
    """Return what a stream has after its first `seen` bytes, and its length in bytes.

    `page` is a node's answer with the end of the stream. What is older than that is left out. A
    stream whose node reports no length is returned whole, once.
    """
    text = contents(page.decode(errors="surrogateescape"), stream)
    end = text.encode(errors="surrogateescape")
    reported = re.search(rb"^LogLength:(\d{1,18})$", page[:4096], re.M)
    length = int(reported[1]) if reported else len(end)
    new = max(0, min(length - seen, len(end)))
    return end[len(end) - new :].decode(errors="replace"), length
