"""HTTP to the cluster's daemons, by urllib. Never through a proxy: they are in our own network."""

from __future__ import annotations

import errno
import urllib.request
from http.client import HTTPResponse

#: The limit of an answer, in bytes. A container's log is the largest.
MAX_ANSWER_BYTES = 64 << 20

_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def log_in_with(handler: urllib.request.BaseHandler) -> None:
    """Let a handler answer all later requests for authentication in this process."""
    _opener.add_handler(handler)


def base_url(address: str) -> str:
    """Return the URL of a web address in YARN's reports: HOST:PORT, or a whole URL with TLS."""
    return address if "://" in address else f"http://{address}"


def open_url(url: str, timeout_seconds: float, method: str = "GET") -> HTTPResponse:
    """Send a request. Raises urllib.error.HTTPError, or another OSError."""
    response: HTTPResponse = _opener.open(
        urllib.request.Request(url, method=method), timeout=timeout_seconds
    )
    return response


def read_answer(response: HTTPResponse, limit: int = MAX_ANSWER_BYTES) -> bytes:
    """Return the body of an answer; raises OSError if it has more than `limit` bytes."""
    body = response.read(limit + 1)
    if len(body) > limit:
        raise OSError(errno.EFBIG, f"the answer has more than {limit >> 20} MiB")
    return body
