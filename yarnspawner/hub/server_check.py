"""Checks that the right server answers at the address to which the hub is about to send its user.

The application master names the port, and it runs as the user: it could name the port of another
user's server on the same node. A Jupyter server, or a proxy in front of one, knows its own path and
answers 404 for all others. If it redirects the hub, the target contains its path again, or asks the
hub who the user is under this server's client id.

With `internal_ssl`, only the certificate that was made for this start of the server counts. All
certificates of the hub's users are signed by one authority and name the same nodes, so a valid one
may be another server's. It is compared in the handshake, before anything is sent.

Whatever answers may be hostile. Every failure of the request and of reading its answer is a failure
of that one server, and answers are small: headers and body are limited, and nothing is unpacked.
"""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from contextlib import closing
from urllib.parse import parse_qs, urlsplit

from jupyterhub.utils import make_ssl_context
from tornado.httpclient import HTTPClientError, HTTPResponse
from tornado.simple_httpclient import SimpleAsyncHTTPClient

from yarnspawner.failures import ServerUnreachableError, WrongCertificateError
from yarnspawner.jupyterhub_types import HubSettings

#: What `GET .../api` of a Jupyter server takes is under 1 KiB each.
MAX_HEADER_BYTES = 16 << 10
MAX_BODY_BYTES = 64 << 10


async def verify_server_identity(
    url: str, client_id: str, timeout: float, settings: HubSettings, certificate: str = ""
) -> None:
    """Request `url`, which ends with the path of the server, as the hub.

    `client_id` is the server's OAuth client id, `timeout` in seconds, `certificate` the SHA-256 of
    its certificate; empty without `internal_ssl`, and for a server that an earlier version of
    yarnhub started. Raises `ServerUnreachableError` if nothing answers in that time, or something
    that is not this server.
    """
    try:
        response = await _fetch(url, timeout, settings, certificate)
    except asyncio.CancelledError:
        raise
    except _OtherCertificateError as error:
        raise WrongCertificateError(
            f"Another server answers at {url}, with another certificate than the one of this "
            "server. Start the server again. If this happens again, ask an administrator."
        ) from error
    except Exception as error:
        raise ServerUnreachableError(
            f"The server does not answer at {url}: {_reason(error, timeout)}. It listens there, as "
            "its application master reports. Ask an administrator whether the hub can connect to "
            "the node (c.YarnSpawner.host_map, c.YarnSpawner.port_range)."
        ) from error
    if not is_own_answer(response.code, response.headers.get("Location", ""), url, client_id):
        raise ServerUnreachableError(
            f"Another server answers at {url} (status {response.code}). Start the server again. If "
            "this happens again, ask an administrator."
        )


async def _fetch(url: str, timeout: float, settings: HubSettings, certificate: str) -> HTTPResponse:
    ssl_options = None
    if url.startswith("https:"):
        ssl_options = make_ssl_context(
            settings["internal_ssl_key"],
            settings["internal_ssl_cert"],
            cafile=settings["internal_ssl_ca"],
        )
        if certificate:
            _accept_only(ssl_options, certificate)
    # A client for this request alone: a shared one queues it behind servers that do not answer.
    client = SimpleAsyncHTTPClient(
        force_instance=True,
        max_header_size=MAX_HEADER_BYTES,
        max_body_size=MAX_BODY_BYTES,
        max_buffer_size=MAX_HEADER_BYTES + MAX_BODY_BYTES,
    )
    with closing(client):
        return await client.fetch(
            url + "api",
            request_timeout=timeout,
            connect_timeout=timeout,
            follow_redirects=False,
            decompress_response=False,
            ssl_options=ssl_options,
            raise_error=False,
        )


class _OtherCertificateError(ssl.SSLCertVerificationError):
    """The server has a valid certificate, but not the expected one."""


def _accept_only(context: ssl.SSLContext, certificate: str) -> None:
    """Let handshakes of a context fail if the server's certificate has another SHA-256."""

    class PinnedSocket(ssl.SSLSocket):
        def do_handshake(self, block: bool = False) -> None:
            super().do_handshake(block)
            received = self.getpeercert(binary_form=True) or b""
            if hashlib.sha256(received).hexdigest() != certificate:
                raise _OtherCertificateError(ssl.SSL_ERROR_SSL, "another certificate")

    context.sslsocket_class = PinnedSocket


def is_own_answer(status: int, location: str, url: str, client_id: str) -> bool:
    """Return whether an answer with this status and Location is one of the server at `url`."""
    if 300 <= status < 400:
        return is_own_redirect(location, urlsplit(url).path, client_id)
    return status != 404 and status < 500


def is_own_redirect(location: str, path: str, client_id: str) -> bool:
    """Return whether a redirect leads to the server with this path, or asks the hub about it."""
    try:
        target = urlsplit(location)
        query = parse_qs(target.query, max_num_fields=100)
    except ValueError:  # not a URL, or one made to be slow to read
        return False
    return target.path.startswith(path) or client_id in query.get("client_id", ())


def _reason(error: BaseException, timeout: float) -> str:
    """Return in a few words why there is no answer."""
    if isinstance(error, (HTTPClientError, TimeoutError, asyncio.TimeoutError)):
        return f"no answer within {timeout:.0f} seconds"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return f"the answer is not one of a Jupyter server ({type(error).__name__})"
