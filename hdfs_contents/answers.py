"""Answers of the contents manager to yes-or-no questions about a path."""

from __future__ import annotations

from collections.abc import Callable, Generator

from hdfs_contents.http_errors import http_errors
from hdfs_contents.store import ContentsStore


class PathAnswer:
    """The answer to a question about a path, which is asked when it is awaited or tested.

    jupyter_server declares these methods as coroutines, but its own manager of local files has a
    plain `exists`. Extensions that were written for that one do not await it. A coroutine is always
    true, so such an extension takes each path for an existing one: Jupytext, which looks for an
    unused name, would never end.
    """

    def __init__(self, store: ContentsStore, api_path: str, question: Callable[[], bool]) -> None:
        self._store = store
        self._api_path = api_path
        self._question = question

    def __await__(self) -> Generator[object, None, bool]:
        return self._store.run(self._api_path, self._question).__await__()

    def __bool__(self) -> bool:
        """Ask in this thread, which waits for HDFS up to the deadline of a call."""
        with http_errors(self._api_path, self._store.log):
            return self._question()
