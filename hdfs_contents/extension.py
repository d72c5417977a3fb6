"""An extension of jupyter_server, for what a contents manager alone can't do.

- Answers that say "not now" (503) also say when to try again: a manager can give an answer its
  status and its sentence, but no header.
- What the server has loaded when it starts is kept out of garbage collection. To look through all
  of it takes a third of a second, in which nobody is answered, and a large notebook or directory
  brings that about.
"""

from __future__ import annotations

import gc
from http import HTTPStatus
from typing import Any

from tornado.httputil import HTTPHeaders
from tornado.web import OutputTransform

#: A failover or a restart of the NameNode takes some seconds.
RETRY_AFTER_SECONDS = 10


class RetryAfter(OutputTransform):
    """Adds Retry-After to each 503."""

    def transform_first_chunk(
        self, status_code: int, headers: HTTPHeaders, chunk: bytes, finishing: bool
    ) -> tuple[int, HTTPHeaders, bytes]:
        if status_code == HTTPStatus.SERVICE_UNAVAILABLE:
            headers.setdefault("Retry-After", str(RETRY_AFTER_SECONDS))
        return status_code, headers, chunk


def keep_what_is_loaded() -> None:
    """Take all objects that there are now, and that live as long as the process, out of the
    collector's hands."""
    gc.collect()
    gc.freeze()


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    return [{"module": __name__}]


def _load_jupyter_server_extension(serverapp: Any) -> None:
    serverapp.web_app.add_transform(RetryAfter)
    serverapp.io_loop.add_callback(keep_what_is_loaded)  # when everything else is loaded, too
