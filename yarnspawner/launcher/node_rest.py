"""Requests of the hub to a NodeManager's REST API: bounded in time and size, without a thread.

Redirects are not followed: whoever answers in the place of a node could lead the hub to a service
that only its machine reaches, whose answer a user would see.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

from tornado.httpclient import HTTPClientError
from tornado.simple_httpclient import SimpleAsyncHTTPClient

#: The limit of the header of a node's answer.
MAX_HEADER_BYTES = 64 << 10


def node_url(node_http_address: str, path: str) -> str:
    """Return a URL of a node; its address in YARN's reports is HOST:PORT, or a URL with TLS."""
    scheme = "" if "://" in node_http_address else "http://"
    return f"{scheme}{node_http_address}/{path}"


class RedirectError(Exception):
    """A node answered with a redirect."""


async def get_from_node(url: str, seconds: float, limit: int) -> bytes:
    """Return the body of a node's answer; raises an exception if it has more than `limit` bytes."""
    with closing(_client(limit)) as client:
        return await _fetch(client, url, seconds)


async def get_end_from_node(url: str, seconds: float, last_bytes: int) -> bytes:
    """Return the last bytes of the body of a node's answer, however long it is."""
    end = bytearray()

    def keep(chunk: bytes) -> None:
        end.extend(chunk)
        del end[:-last_bytes]

    with closing(_client(1 << 40, 1 << 20)) as client:
        await _fetch(client, url, seconds, keep)
    return bytes(end)


async def _fetch(
    client: SimpleAsyncHTTPClient,
    url: str,
    seconds: float,
    keep: Callable[[bytes], None] | None = None,
) -> bytes:
    """Return the body of an answer, or have `keep` called with its parts."""
    try:
        answer = await client.fetch(
            url,
            request_timeout=seconds,
            follow_redirects=False,
            decompress_response=False,
            streaming_callback=keep,
        )
    except HTTPClientError as error:
        if 300 <= error.code < 400:
            raise RedirectError(
                f"HTTP {error.code}: a redirect, which the hub does not follow"
            ) from error
        raise
    return bytes(answer.body)


def _client(max_body: int, buffer: int | None = None) -> SimpleAsyncHTTPClient:
    # A client per request: requests of a shared client queue behind nodes that do not answer.
    return SimpleAsyncHTTPClient(
        force_instance=True,
        max_header_size=MAX_HEADER_BYTES,
        max_body_size=max_body,
        max_buffer_size=buffer or 2 * max_body,
    )
