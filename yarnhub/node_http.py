"""HTTP to the cluster's daemons, by urllib. Never through a proxy: they are in our own network.

Redirects are not followed: whoever answers in the place of a daemon could lead this process to a
service that only this machine reaches.
"""

from __future__ import annotations

import errno
import urllib.request
from email.message import Message
from http.client import HTTPResponse
from typing import IO, NoReturn
from urllib.error import HTTPError

#: The limit of an answer, in bytes. A container's log is the largest.
MAX_ANSWER_BYTES = 64 << 20


class _RefuseRedirects(urllib.request.HTTPRedirectHandler):
    def http_error_302(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message
    ) -> NoReturn:
        raise HTTPError(req.full_url, code, "a redirect, which is not followed", headers, fp)

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302


_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _RefuseRedirects)


def log_in_with(handler: urllib.request.BaseHandler) -> None:
    """Let a handler answer all later requests for authentication in this process."""
    _opener.add_handler(handler)


def base_url(address: str) -> str:
    """Return the URL of a web address in YARN's reports: HOST:PORT, or a whole URL with TLS."""
    return address if "://" in address else f"http://{address}"


def open_url(url: str, timeout_seconds: float, method: str = "GET") -> HTTPResponse:
    """Send a request. Raises urllib.error.HTTPError, also for a redirect, or another OSError."""
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
