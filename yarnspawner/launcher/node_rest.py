"""Requests of the hub to a NodeManager's REST API: bounded in time and size, without a thread."""

from __future__ import annotations

from contextlib import closing

from tornado.simple_httpclient import SimpleAsyncHTTPClient

#: The limit of the header of a node's answer.
MAX_HEADER_BYTES = 64 << 10


def node_url(node_http_address: str, path: str) -> str:
    """Return a URL of a node; its address in YARN's reports is HOST:PORT, or a URL with TLS."""
    scheme = "" if "://" in node_http_address else "http://"
    return f"{scheme}{node_http_address}/{path}"


async def get_from_node(url: str, seconds: float, limit: int) -> bytes:
    """Return the body of a node's answer; raises an exception if it has more than `limit` bytes."""
    with closing(_client(limit)) as client:
        answer = await client.fetch(url, request_timeout=seconds, decompress_response=False)
        return bytes(answer.body)


async def get_end_from_node(url: str, seconds: float, last_bytes: int) -> bytes:
    """Return the last bytes of the body of a node's answer, however long it is."""
    end = bytearray()

    def keep(chunk: bytes) -> None:
        end.extend(chunk)
        del end[:-last_bytes]

    with closing(_client(1 << 40, 1 << 20)) as client:
        await client.fetch(
            url, request_timeout=seconds, decompress_response=False, streaming_callback=keep
        )
    return bytes(end)


def _client(max_body: int, buffer: int | None = None) -> SimpleAsyncHTTPClient:
    # A client per request: requests of a shared client queue behind nodes that do not answer.
    return SimpleAsyncHTTPClient(
        force_instance=True,
        max_header_size=MAX_HEADER_BYTES,
        max_body_size=max_body,
        max_buffer_size=buffer or 2 * max_body,
    )
