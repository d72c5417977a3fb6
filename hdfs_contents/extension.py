"""An extension of jupyter_server for what a contents manager cannot do.

- Responses with the status 503 get a Retry-After header. A manager sets only status and message.
- Objects that the server loads at its start are exempt from garbage collection. A full collection
  of them takes a third of a second, during which no request is answered, and a large notebook or
  directory triggers one.
"""

from __future__ import annotations

import gc
from http import HTTPStatus
from typing import TYPE_CHECKING

from tornado.httputil import HTTPHeaders
from tornado.web import OutputTransform

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp

#: A failover or a restart of the NameNode takes some seconds.
RETRY_AFTER_SECONDS = 10


class RetryAfter(OutputTransform):
    """Adds a Retry-After header to each 503."""

    def transform_first_chunk(
        self, status_code: int, headers: HTTPHeaders, chunk: bytes, finishing: bool
    ) -> tuple[int, HTTPHeaders, bytes]:
        if status_code == HTTPStatus.SERVICE_UNAVAILABLE:
            headers.setdefault("Retry-After", str(RETRY_AFTER_SECONDS))
        return status_code, headers, chunk


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": __name__}]


def _load_jupyter_server_extension(serverapp: ServerApp) -> None:
    serverapp.web_app.add_transform(RetryAfter)
    # The event loop starts when all other extensions are loaded, too. Hardly any object is garbage
    # then, so a collection before it would only delay the start.
    serverapp.io_loop.add_callback(gc.freeze)
