"""The hub's API, called with the key of the start and the server's certificates."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from yarnspawner.container.sealing import NotSealedError, authorization, new_nonce, unseal

TIMEOUT_SECONDS = 30.0

#: The limit of a response, in bytes. A file of delegation tokens is the largest.
MAX_RESPONSE_BYTES = 16 << 20


class ApiAddress(NamedTuple):
    """The parts of JUPYTERHUB_API_URL."""

    secure: bool
    host: str
    port: int
    prefix: str


def parse_api_url(api_url: str) -> ApiAddress:
    """Parse the URL of the hub's API; raises ValueError if containers cannot call such a URL."""
    url = urlsplit(api_url)
    if url.scheme not in ("http", "https") or not url.hostname:
        raise ValueError(f"{api_url} is neither http://HOST nor https://HOST")
    secure = url.scheme == "https"
    port = url.port or (http.client.HTTPS_PORT if secure else http.client.HTTP_PORT)
    return ApiAddress(secure, url.hostname, port, url.path.rstrip("/"))


class HubApi:
    """The API at JUPYTERHUB_API_URL of a server's environment. Each call opens a connection.

    Requests are signed with the start's `key`, because the connection may not be encrypted.
    """

    def __init__(self, environment: Mapping[str, str], key: bytes) -> None:
        self._url = parse_api_url(environment["JUPYTERHUB_API_URL"])
        self._environment = environment
        self._key = key

    def post(self, path: str, body: bytes) -> int:
        """Send the body, and return the response's status; raises OSError."""
        return self._call("POST", path, body, new_nonce())[0]

    def get(self, path: str) -> bytes:
        """Return the unsealed body of the response; raises OSError."""
        nonce = new_nonce()
        status, body = self._call("GET", path, b"", nonce)
        if status != http.client.OK:
            raise OSError(f"the hub responded with status {status}")
        try:
            return unseal(self._key, nonce, body)
        except NotSealedError as error:
            raise OSError(str(error)) from error

    def _call(self, method: str, path: str, body: bytes, nonce: bytes) -> tuple[int, bytes]:
        purpose = path.rpartition("/")[2]
        headers = {
            "Authorization": authorization(self._key, nonce, purpose, body),
            "Content-Type": "application/json",
        }
        connection = self._connect()
        try:
            connection.request(method, f"{self._url.prefix}/{path}", body, headers)
            response = connection.getresponse()
            content = response.read(MAX_RESPONSE_BYTES + 1)
        except http.client.HTTPException as error:
            raise OSError(f"the response is not the hub's: {error!r}") from error
        finally:
            connection.close()
        if len(content) > MAX_RESPONSE_BYTES:
            raise OSError("the response is not the hub's: it is too large")
        return response.status, content

    def _connect(self) -> http.client.HTTPConnection:
        host, port = self._url.host, self._url.port
        if not self._url.secure:
            return http.client.HTTPConnection(host, port, timeout=TIMEOUT_SECONDS)
        context = ssl_context(self._environment)
        return http.client.HTTPSConnection(host, port, timeout=TIMEOUT_SECONDS, context=context)


def ssl_context(environment: Mapping[str, str]) -> ssl.SSLContext:
    """Return the context of TLS connections to the hub, with the server's certificate if any."""
    context = ssl.create_default_context(cafile=environment.get("JUPYTERHUB_SSL_CLIENT_CA"))
    certificate = environment.get("JUPYTERHUB_SSL_CERTFILE")
    if certificate:
        context.load_cert_chain(certificate, environment["JUPYTERHUB_SSL_KEYFILE"])
    return context
